//! A measured time in four bytes: what the engine and the screen's model keep of each peer's round trips.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

/// A time in microseconds; one of more than an hour is an hour and twelve minutes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Micros(
    /// One more than it is, so that none of it takes no room.
    NonZeroU32,
);

impl From<Duration> for Micros {
    fn from(time: Duration) -> Self {
        let us = u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
        Self(NonZeroU32::MIN.saturating_add(us))
    }
}

impl From<Micros> for Duration {
    fn from(Micros(us): Micros) -> Self {
        Self::from_micros(u64::from(us.get() - 1))
    }
}

impl fmt::Debug for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Duration::from(*self).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_time_is_kept_and_a_longer_one_is_a_long_one() {
        for us in [0, 1, 840, 3_060_000, 4_000_000_000] {
            let time = Duration::from_micros(us);
            assert_eq!(Duration::from(Micros::from(time)), time);
        }
        assert!(Duration::from(Micros::from(Duration::from_hours(9))) > Duration::from_hours(1));
        assert_eq!(size_of::<Option<Micros>>(), 4);
    }
}
