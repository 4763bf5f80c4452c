//! How a recording is played: which time of it is shown when.

use std::time::{Duration, Instant};

/// How the time that is shown passes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Clock {
    /// At this moment,
    pub real: Instant,
    /// this one is shown,
    pub shown: Instant,
    /// and so many seconds of the recording pass in one; 0 while it stands still.
    pub speed: f64,
}

impl Clock {
    /// What is shown at a moment.
    pub fn shown_at(self, now: Instant) -> Instant {
        let passed = now.saturating_duration_since(self.real);
        let shown = Duration::try_from_secs_f64(passed.as_secs_f64() * self.speed).unwrap_or(Duration::MAX);
        self.shown.checked_add(shown).unwrap_or(self.shown)
    }

    /// When a moment is shown; none while it stands still.
    pub fn when(self, shown: Instant) -> Option<Instant> {
        let until = shown.saturating_duration_since(self.shown).as_secs_f64();
        let wait = Duration::try_from_secs_f64(until / self.speed).ok()?;
        self.real.checked_add(wait)
    }
}

/// A recording that is played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Playback {
    /// Which moment of it is shown when.
    pub clock: Clock,
    /// How fast it goes when it goes.
    pub speed: f64,
    /// Its first moment.
    pub begin: Instant,
    /// The last one that is known of.
    pub end: Instant,
    /// How much of it was looked through, in hundredths; until then no moment beyond can be gone to.
    pub indexed: u8,
}

impl Playback {
    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.clock.speed == 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::t0;

    #[test]
    fn a_recording_passes_as_fast_as_it_is_played() {
        let (real, shown) = (t0(), t0() + Duration::from_hours(1));
        let s = Duration::from_secs;
        let clock = Clock { real, shown, speed: 4.0 };
        assert_eq!(clock.shown_at(real + s(3)), shown + s(12));
        assert_eq!(clock.when(shown + s(12)), Some(real + s(3)));
        let still = Clock { speed: 0.0, ..clock };
        assert_eq!(still.shown_at(real + s(3)), shown);
        assert_eq!(still.when(shown + s(12)), None);
        assert_eq!(still.when(shown), None);
    }
}
