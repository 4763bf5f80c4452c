//! From the first look at the interfaces to the last goodbye.

use std::time::Instant;

use super::event::StopReason;
use super::limits::GOODBYE_GAPS;

/// Where the node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    /// Before the first look at the interfaces.
    Idle,
    Running,
    Leaving {
        reason: StopReason,
        said: usize,
        next: Instant,
    },
    Closed,
}

/// What comes after a goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterGoodbye {
    Another,
    Stop(StopReason),
}

impl Lifecycle {
    /// The first goodbye is due now.
    pub(crate) fn leave(&mut self, reason: StopReason, now: Instant) {
        *self = Self::Leaving { reason, said: 0, next: now };
    }

    /// When the next goodbye is due.
    pub(crate) fn next_goodbye(self) -> Option<Instant> {
        match self {
            Self::Leaving { next, .. } => Some(next),
            _ => None,
        }
    }

    /// A goodbye was said.
    pub(crate) fn note_goodbye(&mut self, now: Instant) -> AfterGoodbye {
        let Self::Leaving { reason, said, .. } = *self else { return AfterGoodbye::Another };
        if let Some(gap) = GOODBYE_GAPS.get(said) {
            *self = Self::Leaving { reason, said: said + 1, next: now + *gap };
            AfterGoodbye::Another
        } else {
            *self = Self::Closed;
            AfterGoodbye::Stop(reason)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::t0;

    #[test]
    fn three_goodbyes_are_said_and_then_the_node_stops_for_the_reason_given() {
        let (mut lifecycle, mut now) = (Lifecycle::Running, t0());
        assert_eq!(lifecycle.next_goodbye(), None, "nobody leaves yet");
        lifecycle.leave(StopReason::Elapsed, now);
        for gap in GOODBYE_GAPS {
            assert_eq!(lifecycle.next_goodbye(), Some(now));
            assert_eq!(lifecycle.note_goodbye(now), AfterGoodbye::Another);
            now += gap;
        }
        assert_eq!(lifecycle.next_goodbye(), Some(now), "one may be lost, or two");
        assert_eq!(lifecycle.note_goodbye(now), AfterGoodbye::Stop(StopReason::Elapsed));
        assert_eq!((lifecycle, lifecycle.next_goodbye()), (Lifecycle::Closed, None));
    }

    #[test]
    fn who_does_not_leave_says_no_goodbye() {
        for mut lifecycle in [Lifecycle::Idle, Lifecycle::Running, Lifecycle::Closed] {
            let before = lifecycle;
            assert_eq!(lifecycle.note_goodbye(t0()), AfterGoodbye::Another);
            assert_eq!(lifecycle, before);
        }
    }
}
