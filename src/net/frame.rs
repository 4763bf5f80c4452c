//! Reading one frame from a stream, with as few system calls and as little memory as it allows.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::proto::exchange::{HEADER, body_length};
use crate::proto::{DecodeError, MAGIC};

/// First reservation, in bytes: a whole frame of today fits.
const FIRST: usize = 512;

/// Why there is no frame.
#[derive(Debug)]
pub(crate) enum FrameError {
    /// The stream failed, or ended before the frame did (then of the kind `UnexpectedEof`).
    Io(io::Error),
    /// The bytes are no frame of ours.
    Decode(DecodeError),
}

/// Reads one frame into `buffer`, which afterwards holds its body and nothing else. Memory grows with what arrives, never
/// with what a header merely announces. What is no frame is noticed with its first wrong bytes.
pub(crate) async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut Vec<u8>,
) -> Result<(), FrameError> {
    buffer.clear();
    loop {
        if let Some(end) = frame_end(buffer).map_err(FrameError::Decode)?
            && buffer.len() >= end
        {
            buffer.truncate(end);
            buffer.drain(..HEADER);
            return Ok(());
        }
        buffer.reserve(FIRST);
        if stream.read_buf(buffer).await.map_err(FrameError::Io)? == 0 {
            return Err(FrameError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// Where the frame will end, once its header is there.
fn frame_end(bytes: &[u8]) -> Result<Option<usize>, DecodeError> {
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        let ours = bytes.iter().zip(&MAGIC).all(|(byte, magic)| byte == magic);
        return if ours { Ok(None) } else { Err(DecodeError::Foreign) };
    };
    body_length(header).map(|length| Some(HEADER + length))
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    /// What is read when these pieces arrive one by one and then the stream ends.
    async fn read(pieces: &[&[u8]]) -> Result<Vec<u8>, FrameError> {
        let (mut ours, mut theirs) = tokio::io::duplex(16);
        let mut body = Vec::new();
        let write = async {
            for piece in pieces {
                let _ = theirs.write_all(piece).await;
            }
            drop(theirs);
        };
        let (result, ()) = tokio::join!(read_frame(&mut ours, &mut body), write);
        result.map(|()| body)
    }

    #[tokio::test]
    async fn a_frame_is_read_however_it_is_cut() {
        let frame = b"VIGI\x01\0\0\0\x05hello";
        assert_eq!(read(&[frame]).await.unwrap(), b"hello");
        let bytes: Vec<&[u8]> = frame.chunks(1).collect();
        assert_eq!(read(&bytes).await.unwrap(), b"hello");
        assert_eq!(read(&[frame, b"more"]).await.unwrap(), b"hello");
    }

    #[tokio::test]
    async fn what_is_no_frame_is_noticed_at_once() {
        let foreign = read(&[b"GET / HTTP/1.1"]).await;
        assert!(matches!(foreign, Err(FrameError::Decode(DecodeError::Foreign))));
        let huge = read(&[b"VIGI\x01\xff\xff\xff\xff"]).await;
        assert!(matches!(huge, Err(FrameError::Decode(DecodeError::Oversized))));
        let newer = read(&[b"VIGI\x02\0\0\0\0"]).await;
        assert!(matches!(newer, Err(FrameError::Decode(DecodeError::Version(2)))));
    }

    #[tokio::test]
    async fn a_stream_that_ends_early_is_told_from_a_foreign_one() {
        for cut in 0..14 {
            let early = read(&[&b"VIGI\x01\0\0\0\x05hello"[..cut]]).await;
            let Err(FrameError::Io(error)) = early else { panic!("{cut}: {early:?}") };
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
