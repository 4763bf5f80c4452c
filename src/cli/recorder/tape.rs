//! What is written, and when: every event, and now and then how all is.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::piece::Piece;
use crate::cli::reopen::Reopening;
use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::Snapshot;
use crate::record::Writer;

/// What a reader finds in the file is never older.
const FLUSH: Duration = Duration::from_secs(1);

/// After events were taken, the next ones wait for so long: each wake-up costs more than the line it writes. It is short for the
/// [`EVENTS`](crate::net::EVENTS) that are kept.
const REST: Duration = Duration::from_millis(50);

/// Events taken before it is looked whether the recording is to end.
const EVENTS_AT_ONCE: usize = 512;

/// How often all peers, and who reaches whom, are written down: what no event tells, as the age of what was heard, is then never
/// older than this in a small network.
const SURVEY: Duration = Duration::from_secs(10);

/// In a large one they are written as rarely as it takes to keep below this many bytes a second.
const SURVEY_BYTES: u32 = 4 * 1024;

/// What is recorded of a node: where to, and where from.
#[derive(Debug)]
pub(super) struct Tape {
    path: PathBuf,
    piece: Piece,
    /// Size at which the next file begins.
    most: u64,
    writer: Writer,
    events: broadcast::Receiver<Stamped>,
    commands: mpsc::Sender<Command>,
    /// Nothing was written to this file yet.
    blank: bool,
    /// A new file begins with the next table.
    turns: bool,
    reopening: Reopening,
    table: Survey,
    matrix: Survey,
    line: Vec<u8>,
}

/// Something that is asked for from time to time.
#[derive(Debug)]
struct Survey {
    /// The next answer is for the recording; others are for whoever asked.
    wanted: bool,
    due: Instant,
}

impl Survey {
    fn new() -> Self {
        Self { wanted: false, due: Instant::now() }
    }

    /// Whether it is to be asked for.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.due;
        if is_due {
            self.wanted = true;
            // One that a busy node did not hear is asked for again.
            self.due = now + SURVEY;
        }
        is_due
    }

    /// So many bytes were written of it.
    fn written(&mut self, bytes: usize) {
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.due = Instant::now() + SURVEY.max(Duration::from_secs(u64::from(bytes / SURVEY_BYTES)));
    }
}

impl Tape {
    pub(super) fn new(
        (path, piece, most): (&Path, Piece, u64),
        events: broadcast::Receiver<Stamped>,
        commands: mpsc::Sender<Command>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            piece,
            most,
            writer: Writer::new(now().0),
            events,
            commands,
            blank: true,
            turns: false,
            reopening: Reopening::from_now(),
            table: Survey::new(),
            matrix: Survey::new(),
            line: Vec::new(),
        }
    }

    /// Records until the node stops, the recording is to end, or nothing more can be written.
    pub(super) async fn run(mut self, mut end: oneshot::Receiver<()>) -> io::Result<()> {
        let mut second = interval(FLUSH);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ends = false;
        while !ends {
            tokio::select! {
                biased;
                // Dropped, it says the same.
                _ = &mut end => ends = true,
                _ = second.tick() => self.each_second()?,
                event = self.events.recv() => ends = !self.take(event)?,
            }
            if !ends {
                tokio::select! {
                    _ = &mut end => ends = true,
                    () = sleep(REST) => {}
                }
            }
        }
        // What happened before it was to end belongs to it.
        while let Ok(stamped) = self.events.try_recv() {
            self.event(&stamped)?;
        }
        self.piece.finish()
    }

    fn each_second(&mut self) -> io::Result<()> {
        self.piece.flush()?;
        if self.reopening.is_due() || self.piece.bytes() >= self.most {
            self.turns = true;
            self.table.due = Instant::now();
        }
        let now = Instant::now();
        // A node that is too busy is asked again later.
        if self.table.is_due(now) {
            let _ = self.commands.try_send(Command::RequestSnapshot);
        }
        if !self.blank && self.matrix.is_due(now) {
            let _ = self.commands.try_send(Command::RequestMatrix);
        }
        Ok(())
    }

    /// Takes an event and those that wait behind it. Returns whether more will come.
    fn take(&mut self, first: Result<Stamped, RecvError>) -> io::Result<bool> {
        let mut next = first.map_err(|error| match error {
            RecvError::Lagged(missed) => TryRecvError::Lagged(missed),
            RecvError::Closed => TryRecvError::Closed,
        });
        for _ in 0..EVENTS_AT_ONCE {
            match next {
                Ok(stamped) => self.event(&stamped)?,
                Err(TryRecvError::Lagged(missed)) => self.lagged(missed)?,
                Err(TryRecvError::Empty) => return Ok(true),
                Err(TryRecvError::Closed) => return Ok(false),
            }
            next = self.events.try_recv();
        }
        match next {
            Ok(stamped) => self.event(&stamped)?,
            Err(TryRecvError::Lagged(missed)) => self.lagged(missed)?,
            Err(_) => {}
        }
        Ok(true)
    }

    /// Events were lost here: the file says how many, and then how all is.
    fn lagged(&mut self, missed: u64) -> io::Result<()> {
        if !self.blank {
            let (at, wall) = now();
            self.write(&Stamped { at, wall, event: Event::Lagged { missed } })?;
        }
        self.table.due = Instant::now();
        if self.table.is_due(Instant::now()) {
            let _ = self.commands.try_send(Command::RequestSnapshot);
        }
        Ok(())
    }

    fn event(&mut self, stamped: &Stamped) -> io::Result<()> {
        match &stamped.event {
            Event::Snapshot(_) if std::mem::take(&mut self.table.wanted) => {
                if std::mem::take(&mut self.turns) {
                    self.turn()?;
                }
                let bytes = self.write(stamped)?;
                self.table.written(bytes);
                if std::mem::take(&mut self.blank) {
                    self.matrix.due = Instant::now();
                }
            }
            Event::Matrix(_) if !self.blank && std::mem::take(&mut self.matrix.wanted) => {
                let bytes = self.write(stamped)?;
                self.matrix.written(bytes);
            }
            Event::Snapshot(_) | Event::Matrix(_) => {}
            Event::Started { node, interfaces } if self.blank => {
                // A node that starts knows nobody: that is how all is.
                let (node, interfaces) = (node.clone(), interfaces.clone());
                let nobody = Event::Snapshot(Snapshot { node, interfaces, peers: Vec::new() }.into());
                self.blank = false;
                (self.table.wanted, self.table.due) = (false, Instant::now() + SURVEY);
                self.write(&Stamped { event: nobody, ..*stamped })?;
                self.write(stamped)?;
            }
            // What was before the first table is in it.
            _ if self.blank => {}
            _ => _ = self.write(stamped)?,
        }
        Ok(())
    }

    /// Begins the next file.
    fn turn(&mut self) -> io::Result<()> {
        self.piece.flush()?;
        let next = Piece::begin(&self.path)?;
        std::mem::replace(&mut self.piece, next).finish()?;
        self.writer = Writer::new(now().0);
        self.blank = true;
        Ok(())
    }

    fn write(&mut self, stamped: &Stamped) -> io::Result<usize> {
        self.line.clear();
        self.writer.line(&mut self.line, stamped)?;
        self.piece.write(&self.line)?;
        Ok(self.line.len())
    }
}

#[expect(clippy::disallowed_methods, reason = "a lag is noticed here, not in the node")]
fn now() -> (std::time::Instant, SystemTime) {
    (std::time::Instant::now(), SystemTime::now())
}
