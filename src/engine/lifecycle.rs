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
