//! Points in time as numbers.

use std::time::{Duration, Instant};

/// What the numbers of a record are counted from: a number, and the instant that it stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Epoch {
    us: i64,
    at: Instant,
}

impl Epoch {
    /// That in which an instant is this number, in microseconds.
    pub(super) fn of(us: i64, at: Instant) -> Self {
        Self { us, at }
    }

    /// The number of an instant, in microseconds.
    pub(super) fn number(self, at: Instant) -> i64 {
        let us = |time: Duration| i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        match at.checked_duration_since(self.at) {
            Some(after) => self.us.saturating_add(us(after)),
            None => self.us.saturating_sub(us(self.at.saturating_duration_since(at))),
        }
    }

    /// The instant of a number; one that the system's clock cannot tell is that of the epoch.
    pub(super) fn instant(self, number: i64) -> Instant {
        let from = number.saturating_sub(self.us);
        let time = Duration::from_micros(from.unsigned_abs());
        let at = if from < 0 { self.at.checked_sub(time) } else { self.at.checked_add(time) };
        at.unwrap_or(self.at)
    }
}
