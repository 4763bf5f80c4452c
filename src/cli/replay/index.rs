//! Where a recording can be gone to: made by a thread of its own while it is played already.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::story::{Bookmark, Story, Trouble};
use crate::app::model::Model;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::PeerState;
use crate::engine::verdict::Verdict;

/// Events between two checkpoints: so many are read and folded in less than the tenth of a second that going somewhere may take.
const APART: u64 = 8_192;

/// Checkpoints that are held: enough for a million events, and each of them may take two megabytes. Of a longer recording every
/// second one is dropped: it takes twice as long to go somewhere in it.
const MOST: usize = 128;

/// Events that are read before others may see what was found.
const AT_ONCE: u64 = 1_024;

/// All that is known at a moment.
#[derive(Debug, Clone)]
pub(super) struct Checkpoint {
    pub(super) bookmark: Bookmark,
    pub(super) model: Model,
    /// When the last event before it was; of the first one, the first event.
    at: Instant,
    wall: SystemTime,
}

impl Checkpoint {
    /// When the last event before it was.
    pub(super) fn last(&self) -> (Instant, SystemTime) {
        (self.at, self.wall)
    }
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Found {
    checkpoints: Vec<Arc<Checkpoint>>,
    /// Of the events at which a peer changes its state, how many are told before it, in order; and of findings.
    changes: Vec<u64>,
    findings: Vec<u64>,
    /// How many events there are, as far as was read, and when the last one was.
    pub(super) events: u64,
    pub(super) last: Option<(Instant, SystemTime)>,
    /// In hundredths.
    pub(super) read: u8,
    /// It was read to its end, or to where it stops making sense.
    pub(super) complete: bool,
    pub(super) trouble: Option<Trouble>,
}

/// An index that is being made. Dropped, it is made no further.
#[derive(Debug)]
pub(super) struct Index(Arc<Mutex<Found>>);

impl Index {
    /// Begins to make that of a file.
    pub(super) fn begin(path: &Path, base: Instant) -> io::Result<Self> {
        let size = std::fs::metadata(path)?.len().max(1);
        let story = Story::open(path, base)?;
        let found = Arc::new(Mutex::new(Found::default()));
        let making = Arc::downgrade(&found);
        std::thread::Builder::new().name("vigie-index".into()).spawn(move || {
            let mut maker = Maker { story, size, model: Model::default(), apart: APART, last: None };
            // Whoever wanted it has gone.
            while let Some(found) = making.upgrade() {
                if maker.go_on(&found) {
                    return;
                }
            }
        })?;
        Ok(Self(found))
    }

    /// What was found so far.
    pub(super) fn found(&self) -> MutexGuard<'_, Found> {
        lock(&self.0)
    }
}

fn lock(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Found {
    /// The last checkpoint before which no more events are told.
    pub(super) fn before_event(&self, event: u64) -> Option<Arc<Checkpoint>> {
        self.before(|checkpoint| checkpoint.bookmark.told <= event)
    }

    /// The last checkpoint that is no later.
    pub(super) fn before_instant(&self, at: Instant) -> Option<Arc<Checkpoint>> {
        self.before(|checkpoint| checkpoint.at <= at)
    }

    /// The same by the time of day.
    pub(super) fn before_wall(&self, wall: SystemTime) -> Option<Arc<Checkpoint>> {
        self.before(|checkpoint| checkpoint.wall <= wall)
    }

    fn before(&self, is_before: impl Fn(&Checkpoint) -> bool) -> Option<Arc<Checkpoint>> {
        let after = self.checkpoints.partition_point(|checkpoint| is_before(checkpoint));
        self.checkpoints.get(after.saturating_sub(1)).cloned()
    }

    /// How many events are told with the next change after so many.
    pub(super) fn next_change(&self, told: u64) -> Option<u64> {
        next(&self.changes, told)
    }

    /// How many events are told with the next finding after so many.
    pub(super) fn next_finding(&self, told: u64) -> Option<u64> {
        next(&self.findings, told)
    }
}

/// Whether there is a checkpoint after so many events: after the first one, and then every so many.
fn is_kept(told: u64, apart: u64) -> bool {
    told == 1 || told.is_multiple_of(apart)
}

fn next(marks: &[u64], told: u64) -> Option<u64> {
    marks.get(marks.partition_point(|mark| *mark <= told)).copied()
}

/// What makes it.
struct Maker {
    story: Story,
    size: u64,
    model: Model,
    apart: u64,
    last: Option<(Instant, SystemTime)>,
}

impl Maker {
    /// Reads on for a while. Returns whether it is complete.
    fn go_on(&mut self, found: &Mutex<Found>) -> bool {
        let (mut changes, mut findings) = (Vec::new(), Vec::new());
        let mut end = None;
        let mut checkpoint = None;
        for _ in 0..AT_ONCE {
            if is_kept(self.story.told(), self.apart)
                && let Some((at, wall)) = self.last
            {
                let (bookmark, model) = (self.story.bookmark(), self.model.clone());
                checkpoint = Some(Checkpoint { bookmark, model, at, wall });
            }
            let stamped = match self.story.next() {
                Ok(Some(stamped)) => stamped,
                Ok(None) => {
                    end = Some(None);
                    break;
                }
                Err(trouble) => {
                    end = Some(Some(trouble));
                    break;
                }
            };
            self.take(&stamped);
            match &stamped.event {
                Event::PeerState { to, .. } if *to != PeerState::New => changes.push(self.story.told()),
                Event::PeerLeft { .. } => changes.push(self.story.told()),
                Event::Diagnosis(finding) if finding.verdict != Verdict::Ok => {
                    findings.push(self.story.told());
                }
                _ => {}
            }
        }
        let read = self.story.read_so_far().saturating_mul(99) / self.size;
        let mut found = lock(found);
        found.changes.append(&mut changes);
        found.findings.append(&mut findings);
        (found.events, found.last) = (self.story.told(), self.last);
        found.read = u8::try_from(read.min(99)).unwrap_or(99);
        found.checkpoints.extend(checkpoint.map(Arc::new));
        if found.checkpoints.len() > MOST {
            self.apart *= 2;
            let apart = self.apart;
            found.checkpoints.retain(|held| is_kept(held.bookmark.told, apart));
        }
        if let Some(trouble) = end {
            (found.complete, found.trouble, found.read) = (true, trouble, 100);
        }
        found.complete
    }

    fn take(&mut self, stamped: &Stamped) {
        self.model.fold(stamped);
        self.model.expire(stamped.at);
        self.last = Some((stamped.at, stamped.wall));
    }
}
