//! A connection in memory: what comes in is there from the start, what goes out is counted.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::FutureExt as _;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::net::frame::read_frame;
use crate::proto::MAX_BODY;

/// Never waits: it brings a few bytes at a time, and then its end.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    coming: &'a [u8],
    /// How much was written.
    pub(super) written: usize,
}

impl<'a> Stream<'a> {
    pub(super) fn of(coming: &'a [u8]) -> Self {
        Self { coming, written: 0 }
    }
}

impl AsyncRead for Stream<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // A prime: no piece begins where the one before it began.
        let (piece, rest) = self.coming.split_at(self.coming.len().min(into.remaining()).min(61));
        into.put_slice(piece);
        self.coming = rest;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream<'_> {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.written += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The frame that comes, as the net reads it: never more memory than came, and no more than the longest.
pub(super) fn frames(stream: &mut Stream<'_>) {
    let mut buffer = Vec::new();
    let most = 2 * stream.coming.len() + 1_024;
    let read = read_frame(stream, &mut buffer).now_or_never().expect("invariant: this stream never waits");
    assert!(buffer.capacity() <= most, "memory grows with what came, not with what a header says");
    assert!(read.is_err() || buffer.len() <= MAX_BODY);
}
