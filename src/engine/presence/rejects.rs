//! What was turned away, told in few words: at most one event a second a reason, rarer while it goes on.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::engine::event::{Event, RejectReason};

use crate::engine::limits::{MAX_REJECTED_WINDOW, REJECTED_WINDOW};

#[derive(Debug, Default)]
pub(crate) struct Rejects {
    of: BTreeMap<RejectReason, Tally>,
}

#[derive(Debug)]
struct Tally {
    count: u64,
    from: SocketAddr,
    window: Duration,
    /// End of the window that the last event opened.
    closes: Instant,
}

impl Rejects {
    /// Counts one; gives the event if none of this reason was told lately.
    pub(crate) fn count(&mut self, reason: RejectReason, from: SocketAddr, now: Instant) -> Option<Event> {
        let tally =
            self.of.entry(reason).or_insert(Tally { count: 0, from, window: REJECTED_WINDOW, closes: now });
        tally.count += 1;
        tally.from = from;
        (now >= tally.closes).then(|| tally.tell(reason, now))
    }

    /// When the next event is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.of.values().filter(|t| t.count > 0).map(|t| t.closes).min()
    }

    /// One event that is due, if there is one.
    pub(crate) fn flush(&mut self, now: Instant) -> Option<Event> {
        let (reason, tally) = self.of.iter_mut().find(|(_, t)| t.count > 0 && now >= t.closes)?;
        Some(tally.tell(*reason, now))
    }
}

impl Tally {
    fn tell(&mut self, reason: RejectReason, now: Instant) -> Event {
        let quiet = now.saturating_duration_since(self.closes) > self.window;
        self.window = if quiet { REJECTED_WINDOW } else { (self.window * 2).min(MAX_REJECTED_WINDOW) };
        self.closes = now + self.window;
        Event::Rejected { from: self.from, reason, count: std::mem::take(&mut self.count) }
    }
}
