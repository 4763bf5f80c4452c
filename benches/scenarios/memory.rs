//! What the engine and the screen's model take when every peer has a full history.

use std::time::{Instant, SystemTime};

use vigie::app::model::Model;
use vigie::engine::config::DialInterval;
use vigie::engine::event::{Event, Stamped};
use vigie::testkit::crowd::{Crowd, Rows, Told, Watch};
use vigie::testkit::secs;

use super::Cap;

/// Samples of each peer.
const SAMPLES: u64 = 60;

/// Bytes that stay allocated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Memory {
    pub(crate) engine: u64,
    pub(crate) model: u64,
}

/// The screen's model, which reads all that is published.
#[derive(Default)]
struct Reader(Model);

impl Watch for Reader {
    fn around(&mut self, _told: Told, work: impl FnOnce()) {
        work();
    }

    fn published(&mut self, event: Event, at: Instant) {
        self.0.fold(&Stamped { at, wall: SystemTime::UNIX_EPOCH, event });
    }
}

/// Dials each of so many peers 60 times; none if that takes too long.
pub(crate) fn of(peers: usize, cap: Cap) -> Option<Memory> {
    // Often, so that the history fills soon.
    let mut crowd = Crowd::new(peers, |config| config.dial_interval = DialInterval::Every(secs(1)));
    // What is kept of others' rows has a limit of its own, whatever the number of peers.
    crowd.tell_rows(Rows::Untold);
    let mut reader = Reader::default();
    while crowd.dials < SAMPLES * peers as u64 {
        if cap.is_over(crowd.steps) {
            return None;
        }
        crowd.step(&mut reader);
    }
    Some(Memory { engine: freed_with(crowd.engine), model: freed_with(reader) })
}

/// The bytes that are free once this is dropped.
fn freed_with<T>(what: T) -> u64 {
    let freed = allocation_counter::measure(|| drop(what));
    freed.bytes_current.unsigned_abs()
}
