//! How often a peer went out of `up` lately: one that comes and goes has one trouble, and not many.

use std::time::{Duration, Instant};

use crate::engine::limits::{FLAP_LASTS, FLAPS, FLAPS_WITHIN};
use crate::engine::moment::Moment;

/// The last times that a peer went out of `up`, the latest last; the first entries are those before there were so many.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Flaps {
    at: [Option<Moment>; FLAPS],
}

impl Flaps {
    /// It goes out of `up` now.
    pub(crate) fn note(&mut self, now: Instant) {
        self.at.rotate_left(1);
        self.at[FLAPS - 1] = Some(now.into());
    }

    /// When the first of the last [`FLAPS`] came; none if there were not so many.
    pub(crate) fn first(&self) -> Option<Moment> {
        self.at[0]
    }

    /// When it went last.
    pub(crate) fn last(&self) -> Option<Moment> {
        self.at[FLAPS - 1]
    }

    /// Within which time the last [`FLAPS`] of them came, if that was so little and lately that the peer comes and goes. One that has
    /// been out since, for longer than it usually is, is gone.
    pub(crate) fn within(&self, is_up: bool, now: Instant) -> Option<Duration> {
        let (first, last) = (self.at[0]?, self.at[FLAPS - 1]?);
        let (within, ago) = (last.since(first), Moment::from(now).since(last));
        let lasts = if is_up { FLAPS_WITHIN } else { FLAP_LASTS };
        (within <= FLAPS_WITHIN && ago <= lasts).then_some(within)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    #[test]
    fn three_times_in_a_minute_are_too_many_until_a_minute_was_quiet() {
        let (mut flaps, now) = (Flaps::default(), t0());
        for (at, comes_and_goes) in [(0, None), (30, None), (61, None), (80, Some(secs(50))), (200, None)] {
            flaps.note(now + secs(at));
            assert_eq!(flaps.within(true, now + secs(at)), comes_and_goes, "{at} s");
            assert_eq!(flaps.last(), Some((now + secs(at)).into()));
        }
        flaps.note(now + secs(210));
        flaps.note(now + secs(220));
        let last = now + secs(220);
        assert_eq!(flaps.within(true, last + FLAPS_WITHIN), Some(secs(20)));
        assert_eq!(flaps.within(true, last + FLAPS_WITHIN + ms(1)), None);
        assert_eq!(flaps.within(false, last + FLAP_LASTS), Some(secs(20)));
        assert_eq!(flaps.within(false, last + FLAP_LASTS + ms(1)), None, "it does not come back");
    }
}
