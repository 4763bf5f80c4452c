//! How a recording begins and ends: the file first, so that nothing is started for one that cannot be written; then its thread.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot};

use super::piece::Piece;
use super::tape::Tape;
use crate::cli::error::CliError;
use crate::engine::api::Command;
use crate::engine::event::Stamped;

/// Size of a file, compressed or not, at which the next one begins: a person can still send it to somebody, and an hour of a large
/// network is in it.
const MOST: u64 = 64 * 1024 * 1024;

/// How long the end of a recording may take: it is written from memory.
const PATIENCE: Duration = Duration::from_millis(300);

/// A file that can be written to.
#[derive(Debug)]
pub(in crate::cli) struct Prepared {
    path: PathBuf,
    piece: Piece,
}

impl Prepared {
    /// Makes it.
    pub(in crate::cli) fn at(path: &Path) -> Result<Self, CliError> {
        let piece = Piece::begin(path).map_err(|error| {
            CliError::NotWritable(format!("cannot write the recording {}", path.display()), error)
        })?;
        Ok(Self { path: path.to_owned(), piece })
    }

    /// Its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Records to it from now on. When it ends, `ended` is told whether all could be written.
    pub(super) fn record(
        self,
        events: broadcast::Receiver<Stamped>,
        commands: mpsc::Sender<Command>,
        ended: impl FnOnce(io::Result<()>) + Send + 'static,
    ) -> io::Result<Recording> {
        let Self { path, piece } = self;
        let tape = Tape::new((&path, piece, MOST), events, commands);
        let (end, ends) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let thread = std::thread::Builder::new().name("vigie-record".into()).spawn(move || {
            ended(runtime.block_on(tape.run(ends)));
        })?;
        Ok(Recording { path, end, thread })
    }
}

/// A recording that is being made.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) path: PathBuf,
    end: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Recording {
    /// Ends it, and waits until all is in the file, at most [`PATIENCE`]: a disk may hang.
    pub(super) fn end(self) {
        drop(self.end);
        #[expect(clippy::disallowed_methods, reason = "a deadline for a thread that may hang")]
        let deadline = std::time::Instant::now() + PATIENCE;
        #[expect(clippy::disallowed_methods, reason = "a deadline for a thread that may hang")]
        while !self.thread.is_finished() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Whether it goes on.
    pub(super) fn goes_on(&self) -> bool {
        !self.thread.is_finished()
    }
}

/// A subscriber of a node's events that does what this one does, and beside it a receiver that misses nothing from the first event on.
pub(in crate::cli) fn tap<S>(
    subscriber: impl FnOnce(broadcast::Receiver<Stamped>) -> S,
) -> (impl FnOnce(broadcast::Receiver<Stamped>) -> S, oneshot::Receiver<broadcast::Receiver<Stamped>>) {
    let (give, taken) = oneshot::channel();
    let subscriber = move |events: broadcast::Receiver<Stamped>| {
        // Nothing was sent yet. Where nobody records, nobody takes it.
        let _ = give.send(events.resubscribe());
        subscriber(events)
    };
    (subscriber, taken)
}
