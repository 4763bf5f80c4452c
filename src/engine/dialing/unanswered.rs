//! Attempts that have no answer yet, in the order in which they began, and when each has none for long.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::api::DialId;
use crate::engine::limits::{LATE_DIAL, OVERDUE_DIAL};

/// What an attempt without an answer has become. Each is first overdue and then late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Unanswered<Of> {
    /// The peer is to be asked for an echo: it tells whether anything passes.
    Overdue(Of),
    /// It has none still, and began then.
    Late(Of, Instant),
}

/// Those that may become so.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    in_time: VecDeque<(Instant, DialId)>,
    overdue: VecDeque<(Instant, DialId)>,
}

impl Awaited {
    /// An attempt begins.
    pub(super) fn begin(&mut self, dial: DialId, now: Instant) {
        self.in_time.push_back((now, dial));
    }

    /// Forgets those at the front that are not in flight any longer: the first one that may be late is.
    pub(super) fn drop_ended(&mut self, is_in_flight: impl Fn(&DialId) -> bool) {
        for queue in [&mut self.in_time, &mut self.overdue] {
            while queue.front().is_some_and(|(_, dial)| !is_in_flight(dial)) {
                queue.pop_front();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When one becomes overdue or late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let overdue = self.in_time.front().map(|(began, _)| *began + OVERDUE_DIAL);
        let late = self.overdue.front().map(|(began, _)| *began + LATE_DIAL);
        overdue.into_iter().chain(late).min()
    }

    /// The next one that is so now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Unanswered<DialId>> {
        let is_due = |queue: &VecDeque<(Instant, DialId)>, after| {
            queue.front().is_some_and(|(began, _)| *began + after <= now)
        };
        if is_due(&self.overdue, LATE_DIAL) {
            let (began, dial) = self.overdue.pop_front()?;
            return Some(Unanswered::Late(dial, began));
        }
        if !is_due(&self.in_time, OVERDUE_DIAL) {
            return None;
        }
        let (began, dial) = self.in_time.pop_front()?;
        self.overdue.push_back((began, dial));
        Some(Unanswered::Overdue(dial))
    }
}
