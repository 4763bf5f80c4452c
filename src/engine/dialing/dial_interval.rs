//! How often each peer is regularly dialed: as a person says, or in proportion to how many peers there are.

use std::time::{Duration, Instant};

use crate::engine::limits::{AUTO_DIAL_INTERVAL, AUTO_PEERS};

/// Period of the regular dial of each peer, as a person sets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DialInterval {
    /// As long as few peers need; with more than that, in proportion, so that a node starts as many dials a second at any size.
    #[default]
    Auto,
    /// This long, however many peers there are.
    Every(Duration),
}

impl DialInterval {
    /// The shortest that a person may set.
    pub const SHORTEST: Duration = Duration::from_millis(100);

    /// The longest.
    pub const LONGEST: Duration = Duration::from_hours(1);

    /// The period with so many peers.
    pub fn with_peers(self, known: usize) -> Duration {
        match self {
            Self::Every(period) => period,
            Self::Auto => {
                let known = u32::try_from(known).unwrap_or(u32::MAX).max(AUTO_PEERS);
                AUTO_DIAL_INTERVAL.saturating_mul(known) / AUTO_PEERS
            }
        }
    }
}

/// The period by which this node dials, and by which it judges how old knowledge may be.
///
/// It grows at once with the number of peers. It becomes shorter only when twice the longer one has passed: until then there are dials
/// that were planned by the longer one, and rows that were told by it.
#[derive(Debug)]
pub(crate) struct HeldDialInterval {
    setting: DialInterval,
    held: Duration,
    /// When the number of peers last asked for no less.
    needed: Option<Instant>,
}

impl HeldDialInterval {
    pub(crate) fn new(setting: DialInterval) -> Self {
        Self { setting, held: setting.with_peers(0), needed: None }
    }

    /// A person sets it otherwise, with so many peers known: from now on it is that.
    pub(crate) fn set(&mut self, setting: DialInterval, known: usize, now: Instant) {
        *self = Self { setting, held: setting.with_peers(known), needed: Some(now) };
    }

    /// The period now.
    pub(crate) fn get(&self) -> Duration {
        self.held
    }

    /// So many peers are known now. Whether the period is another one from now on.
    pub(crate) fn adapt(&mut self, known: usize, now: Instant) -> bool {
        if self.setting != DialInterval::Auto {
            return false;
        }
        let wanted = self.setting.with_peers(known);
        let is_held = self.needed.is_some_and(|at| now.saturating_duration_since(at) < self.held * 2);
        if wanted < self.held && is_held {
            return false;
        }
        self.needed = Some(now);
        std::mem::replace(&mut self.held, wanted) != wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    #[test]
    fn up_to_32_peers_are_dialed_every_ten_seconds_and_more_in_proportion() {
        let periods = [0, 1, 32, 48, 100, 320].map(|known| DialInterval::Auto.with_peers(known));
        assert_eq!(periods, [secs(10), secs(10), secs(10), secs(15), ms(31_250), secs(100)]);
        assert_eq!(DialInterval::Every(secs(7)).with_peers(1_000), secs(7));
        assert!(DialInterval::Auto.with_peers(usize::MAX) > secs(1_000_000), "and nothing overflows");
    }

    #[test]
    fn the_period_grows_at_once_and_shrinks_only_when_twice_the_longer_one_has_passed() {
        let (mut interval, start) = (HeldDialInterval::new(DialInterval::Auto), t0());
        assert!(!interval.adapt(5, start));
        assert!(interval.adapt(64, start + secs(1)));
        assert_eq!(interval.get(), secs(20));
        assert!(!interval.adapt(64, start + secs(2)));
        assert!(!interval.adapt(5, start + ms(41_999)));
        assert_eq!(interval.get(), secs(20));
        assert!(interval.adapt(5, start + secs(42)));
        assert_eq!(interval.get(), secs(10));
        interval.set(DialInterval::Every(secs(2)), 64, start + secs(50));
        assert!(
            !interval.adapt(320, start + secs(51)) && interval.get() == secs(2),
            "a person's word counts at once"
        );
        interval.set(DialInterval::Auto, 64, start + secs(60));
        assert_eq!(interval.get(), secs(20));
        let mut fixed = HeldDialInterval::new(DialInterval::Every(secs(3)));
        assert!(!fixed.adapt(1_000, start));
        assert_eq!(fixed.get(), secs(3));
    }
}
