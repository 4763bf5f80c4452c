//! Notices that this machine slept: timers stand still meanwhile, and nobody else does.

use std::time::Duration;

/// Less than this is not told from the clocks' own differences.
const SHORTEST: Duration = Duration::from_secs(1);

/// How long the machine has slept since it was started.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standby {
    slept: Duration,
}

impl Standby {
    /// As it is now.
    pub(super) fn look() -> Self {
        Self { slept: slept() }
    }

    /// Whether the machine slept since this was last asked.
    pub(super) fn woke(&mut self) -> bool {
        self.advance(slept())
    }

    fn advance(&mut self, slept: Duration) -> bool {
        let woke = slept.saturating_sub(self.slept) >= SHORTEST;
        self.slept = slept;
        woke
    }
}

/// The clock that counts sleep, less the one that does not (`clock_gettime(2)`).
#[cfg(target_os = "linux")]
fn slept() -> Duration {
    use rustix::time::{ClockId, clock_gettime};

    let read = |clock| Duration::try_from(clock_gettime(clock)).unwrap_or_default();
    read(ClockId::Boottime).saturating_sub(read(ClockId::Monotonic))
}

/// Not known here: what peers do after a sleep tells.
#[cfg(not(target_os = "linux"))]
fn slept() -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sleep_is_noticed_once_and_what_the_clocks_differ_by_is_none() {
        let mut standby = Standby { slept: Duration::from_secs(7) };
        assert!(!standby.advance(Duration::from_millis(7_900)));
        assert!(standby.advance(Duration::from_mins(1)));
        assert!(!standby.advance(Duration::from_mins(1)));
        assert!(!Standby::look().woke(), "this machine is awake");
    }
}
