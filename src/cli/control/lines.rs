//! Lines out of a stream, none longer than agreed, and into one, none for ever.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::limits::WRITE;

/// Bytes for which there is room whenever something is read.
const AT_ONCE: usize = 4_096;

/// Why there is no next line.
#[derive(Debug)]
pub(super) enum NoLine {
    /// The other end has said all.
    End,
    /// It does not come to its end.
    TooLong,
    /// It cannot be read.
    Failed,
}

impl From<io::Error> for NoLine {
    fn from(_: io::Error) -> Self {
        Self::Failed
    }
}

/// What was read of a stream and not taken yet.
#[derive(Debug)]
pub(super) struct Lines {
    read: Vec<u8>,
    /// Where the next line begins.
    next: usize,
    longest: usize,
}

impl Lines {
    /// Lines of at most so many bytes.
    pub(super) fn of(longest: usize) -> Self {
        Self { read: Vec::new(), next: 0, longest }
    }

    /// The next line, without its end. Nothing is lost where this is cancelled.
    pub(super) async fn next(&mut self, from: &mut (impl AsyncRead + Unpin)) -> Result<&[u8], NoLine> {
        let mut searched = self.next;
        loop {
            let begin = self.next;
            if let Some(end) = self.read[searched..].iter().position(|byte| *byte == b'\n') {
                let end = searched + end;
                if end - begin > self.longest {
                    return Err(NoLine::TooLong);
                }
                self.next = end + 1;
                return Ok(&self.read[begin..end]);
            }
            // Those that were taken go only when there is no whole one left: of many lines, none is moved often.
            self.read.drain(..begin);
            self.next = 0;
            searched = self.read.len();
            if searched > self.longest {
                return Err(NoLine::TooLong);
            }
            self.read.reserve(AT_ONCE);
            if from.read_buf(&mut self.read).await? == 0 {
                return Err(NoLine::End);
            }
        }
    }
}

/// Writes it all, unless the reader stands still.
pub(super) async fn write(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let writing = async {
        to.write_all(bytes).await?;
        to.flush().await
    };
    timeout(WRITE, writing).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_come_one_by_one_and_one_that_is_too_long_ends_them() {
        let mut from = &b"one\n\ntwo\n0123456789\n"[..];
        let mut lines = Lines::of(5);
        assert_eq!(lines.next(&mut from).await.unwrap(), b"one");
        assert_eq!(lines.next(&mut from).await.unwrap(), b"");
        assert_eq!(lines.next(&mut from).await.unwrap(), b"two");
        assert!(matches!(lines.next(&mut from).await, Err(NoLine::TooLong)));
        let mut lines = Lines::of(5);
        assert!(matches!(lines.next(&mut &b"endless"[..]).await, Err(NoLine::TooLong)));
        assert!(matches!(Lines::of(5).next(&mut &b"cut"[..]).await, Err(NoLine::End)));
    }
}
