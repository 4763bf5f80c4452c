//! Attempts that have no answer yet, in the order in which they began, and when each has none for long.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::api::DialId;
use crate::engine::limits::{LATE_DIAL, OVERDUE_DIAL, STANDBY_AFTER, STANDBY_ANSWERS};

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
    in_time: VecDeque<Attempt>,
    overdue: VecDeque<Attempt>,
    /// Those that go to other addresses as well, which are late later.
    overdue_by_all: VecDeque<Attempt>,
}

#[derive(Debug, Clone, Copy)]
struct Attempt {
    dial: DialId,
    began: Instant,
    /// Other addresses stand by, and are dialed before it is late.
    has_standby: bool,
}

impl Attempt {
    fn overdue_at(&self) -> Instant {
        self.began + OVERDUE_DIAL
    }

    fn late_at(&self) -> Instant {
        self.began + if self.has_standby { STANDBY_AFTER + STANDBY_ANSWERS } else { LATE_DIAL }
    }
}

impl Awaited {
    /// An attempt begins.
    pub(super) fn begin(&mut self, dial: DialId, has_standby: bool, now: Instant) {
        self.in_time.push_back(Attempt { dial, began: now, has_standby });
    }

    /// Forgets those at the front that are not in flight any longer: the first one that may be late is.
    pub(super) fn drop_ended(&mut self, is_in_flight: impl Fn(&DialId) -> bool) {
        for queue in [&mut self.in_time, &mut self.overdue, &mut self.overdue_by_all] {
            while queue.front().is_some_and(|attempt| !is_in_flight(&attempt.dial)) {
                queue.pop_front();
            }
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// When one becomes overdue or late.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let overdue = self.in_time.front().map(Attempt::overdue_at);
        let late = [&self.overdue, &self.overdue_by_all].map(|queue| queue.front().map(Attempt::late_at));
        overdue.into_iter().chain(late.into_iter().flatten()).min()
    }

    /// The next one that is so now.
    pub(super) fn next(&mut self, now: Instant) -> Option<Unanswered<DialId>> {
        for queue in [&mut self.overdue, &mut self.overdue_by_all] {
            if let Some(late) = queue.pop_front_if(|attempt| attempt.late_at() <= now) {
                return Some(Unanswered::Late(late.dial, late.began));
            }
        }
        let attempt = self.in_time.pop_front_if(|attempt| attempt.overdue_at() <= now)?;
        let queue = if attempt.has_standby { &mut self.overdue_by_all } else { &mut self.overdue };
        queue.push_back(attempt);
        Some(Unanswered::Overdue(attempt.dial))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, t0};

    #[test]
    fn an_attempt_whose_other_addresses_are_dialed_too_is_late_when_those_had_their_time() {
        let (mut awaited, t0) = (Awaited::default(), t0());
        let [with, without] = [DialId(1), DialId(2)];
        awaited.begin(with, true, t0);
        awaited.begin(without, false, t0 + ms(100));
        let mut told = Vec::new();
        while let Some(at) = awaited.deadline() {
            assert_eq!(awaited.next(at.checked_sub(ms(1)).unwrap()), None, "nothing is told before its time");
            told.extend(awaited.next(at).map(|unanswered| (at - t0, unanswered)));
        }
        let expected = [
            (OVERDUE_DIAL, Unanswered::Overdue(with)),
            (ms(100) + OVERDUE_DIAL, Unanswered::Overdue(without)),
            (ms(100) + LATE_DIAL, Unanswered::Late(without, t0 + ms(100))),
            (STANDBY_AFTER + STANDBY_ANSWERS, Unanswered::Late(with, t0)),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn an_attempt_that_has_ended_is_not_late() {
        for has_standby in [false, true] {
            let (mut awaited, t0) = (Awaited::default(), t0());
            awaited.begin(DialId(1), has_standby, t0);
            assert_eq!(awaited.next(t0 + OVERDUE_DIAL), Some(Unanswered::Overdue(DialId(1))));
            awaited.drop_ended(|_| false);
            assert_eq!(awaited.deadline(), None, "with others that stand by: {has_standby}");
        }
    }
}
