//! Frames of a screen that are kept while something happens on it.

use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::thread::JoinHandle;
use std::time::Duration;

use ratatui::buffer::Buffer;

use crate::cells::buffer;

/// Frames that are being kept.
pub(crate) struct Recording {
    stop: SyncSender<()>,
    thread: JoinHandle<Vec<Buffer>>,
}

impl Recording {
    /// Keeps a frame of the screen every so often.
    pub(crate) fn begin(screen: impl Fn() -> vt100::Screen + Send + 'static, every: Duration) -> Self {
        let (stop, stopped) = std::sync::mpsc::sync_channel(1);
        let thread = std::thread::spawn(move || {
            let mut frames = Vec::new();
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                frames.push(buffer(&screen()));
            }
            frames
        });
        Self { stop, thread }
    }

    /// Ends it, and returns the frames.
    pub(crate) fn end(self) -> Vec<Buffer> {
        // It cannot have ended before.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}
