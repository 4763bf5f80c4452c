//! A point in time in eight bytes: what a table of ten thousand peers keeps instead of an `Instant`, which takes sixteen.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::Add;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// What moments are counted from: the first instant of which one was made. It is only a unit of storage: an instant comes out as
/// it went in, whichever this is, and so nothing hangs on it.
static ANCHOR: OnceLock<Instant> = OnceLock::new();

/// The anchor's own number. It stands in the middle, so that instants before the anchor have numbers, too.
const MIDDLE: u64 = 1 << 63;

/// A point in time, exact to the nanosecond within 292 years of the anchor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(
    /// In nanoseconds; never zero, so that none of it takes no room.
    NonZeroU64,
);

impl Moment {
    /// The time that has passed since another moment; nothing if that is yet to come.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.get().saturating_sub(earlier.0.get()))
    }
}

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        Self(self.0.saturating_add(nanos(time)))
    }
}

impl From<Instant> for Moment {
    fn from(at: Instant) -> Self {
        let anchor = *ANCHOR.get_or_init(|| at);
        let number = match at.checked_duration_since(anchor) {
            Some(after) => MIDDLE.saturating_add(nanos(after)),
            None => MIDDLE.saturating_sub(nanos(anchor.saturating_duration_since(at))),
        };
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MIN))
    }
}

impl From<Moment> for Instant {
    fn from(Moment(number): Moment) -> Self {
        let anchor = *ANCHOR.get().expect("invariant: the first moment that is made sets the anchor");
        let number = number.get();
        let at = match number.checked_sub(MIDDLE) {
            Some(after) => anchor.checked_add(Duration::from_nanos(after)),
            None => anchor.checked_sub(Duration::from_nanos(MIDDLE - number)),
        };
        at.unwrap_or(anchor)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Instant::from(*self).fmt(f)
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::testkit::{secs, t0};

    #[test]
    fn an_instant_comes_out_as_it_went_in_before_the_anchor_and_after_it() {
        let now = t0();
        let nano = Duration::from_nanos(1);
        for at in [now, now + nano, now - nano, now + secs(86_400 * 365), now - secs(1) + nano] {
            assert_eq!(Instant::from(Moment::from(at)), at);
        }
    }

    #[test]
    fn moments_are_in_the_order_of_their_instants() {
        let now = t0();
        let moments = [now - secs(2), now - secs(1), now, now + secs(1)].map(Moment::from);
        assert!(moments.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn moments_are_as_far_apart_as_their_instants() {
        let (now, later) = (t0(), secs(3) + Duration::from_nanos(7));
        assert_eq!(Moment::from(now) + later, Moment::from(now + later));
        assert_eq!(Moment::from(now + later).since(now.into()), later);
        assert_eq!(Moment::from(now).since((now + later).into()), Duration::ZERO);
    }

    #[test]
    fn a_moment_or_none_takes_eight_bytes() {
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }
}
