//! What a peer and our row know of each other: what the row tells of the peer, and how much of the row the peer has.

use std::time::{Duration, Instant};

use crate::engine::diagnosis::kept::Untimed;
use crate::engine::moment::Moment;
use crate::engine::observation::{Observation, PathStatus};

/// A change of the round trip that is worth telling: by this factor, by [`RTT_STEP`] at least, and not more often than once in
/// [`RTT_TOLD_EVERY`].
const RTT_FACTOR: u32 = 2;
/// Below this it is the noise of the hosts, which would be half of what a crowd at rest says.
const RTT_STEP: Duration = Duration::from_millis(2);
const RTT_TOLD_EVERY: Duration = Duration::from_mins(1);
/// A change of the loss that is worth telling, in percent.
const LOSS_STEP: u8 = 15;

/// That one more way is fine is told of one peer after so long at the latest, however rare its dials are.
const GOOD_NEWS_EVERY: Duration = Duration::from_secs(5);

/// Of one peer. Not every change of what is seen is worth a word to all others.
#[derive(Debug, Default)]
pub(crate) struct GossipSync {
    /// What the row tells of it. Boxed: in a large network it tells of few.
    told: Option<Box<Told>>,
    /// The version of our row that it has.
    acked_version: u64,
}

/// What the row tells of a peer, or told until its life or address changed.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    advertised: Untimed,
    /// When that last changed.
    changed_at: Option<Moment>,
    rtt_changed_at: Option<Moment>,
    /// Version of our row in which its entry last changed; 0 if it has none.
    changed_in: u64,
}

impl GossipSync {
    /// The peer has this version of our row.
    pub(crate) fn acknowledge(&mut self, version: u64) {
        self.acked_version = version;
    }

    /// The version of our row that it has.
    pub(crate) fn acked_version(&self) -> u64 {
        self.acked_version
    }

    /// What the row tells of it, without the times, which are told as they are then.
    pub(crate) fn advertised(&self) -> Observation {
        self.told().advertised.into()
    }

    fn told(&self) -> Told {
        self.told.as_deref().copied().unwrap_or_default()
    }

    /// What was told of another life or address says nothing now. The version in which its entry changed stays.
    pub(crate) fn forget_advertised(&mut self) {
        if let Some(told) = &mut self.told {
            **told = Told { changed_in: told.changed_in, ..Told::default() };
        }
    }

    /// Its entry changed in this version of the row, or is in it no longer (0): returns where it changed before.
    pub(crate) fn note_change(&mut self, version: u64) -> u64 {
        if version == 0 && self.told.is_none() {
            return 0;
        }
        std::mem::replace(&mut self.told.get_or_insert_default().changed_in, version)
    }

    /// Tells what is seen now, if that is worth it: whether it is. In a network of too `many` for a whole matrix, only what is not
    /// fine is.
    pub(crate) fn advertise(
        &mut self,
        new: &Observation,
        dial_interval: Duration,
        many: bool,
        now: Instant,
    ) -> bool {
        let news = self.is_news(new, dial_interval, many, now);
        if news {
            let now = Some(now.into());
            let told = self.told.get_or_insert_default();
            let before = std::mem::replace(&mut told.advertised, new.into());
            if before.rtt() != told.advertised.rtt() {
                told.rtt_changed_at = now;
            }
            told.changed_at = now;
        }
        news
    }

    fn is_news(&self, new: &Observation, dial_interval: Duration, many: bool, now: Instant) -> bool {
        let told = self.told();
        let old = Observation::from(told.advertised);
        let differs = old.paths() != new.paths()
            || old.cause != new.cause
            || loss_differs(old.loss, new.loss)
            || told.rtt_differs(old.rtt, new.rtt, now);
        let both_fine = old.is_fine() && new.is_fine();
        // That one more path is known to be fine can wait; that one fails or no longer fails cannot.
        let can_wait = both_fine && (old.tcp == new.tcp || new.tcp == PathStatus::Unknown);
        let waits = match told.changed_at {
            Some(at) => now.saturating_duration_since(at.into()) < dial_interval.min(GOOD_NEWS_EVERY),
            None => new.tcp == PathStatus::Unknown,
        };
        differs && !(can_wait && waits) && !(many && both_fine)
    }
}

impl Told {
    fn rtt_differs(&self, old: Option<Duration>, new: Option<Duration>, now: Instant) -> bool {
        let lately =
            self.rtt_changed_at.is_some_and(|at| now.saturating_duration_since(at.into()) < RTT_TOLD_EVERY);
        match (old, new) {
            (Some(old), Some(new)) => {
                let (shorter, longer) = (old.min(new), old.max(new));
                longer > shorter * RTT_FACTOR && longer >= shorter + RTT_STEP && !lately
            }
            (old, new) => old.is_some() != new.is_some(),
        }
    }
}

fn loss_differs(old: Option<u8>, new: Option<u8>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => old.abs_diff(new) >= LOSS_STEP || (old == 0) != (new == 0),
        (old, new) => old != new,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(tcp: PathStatus, loss: u8, rtt_ms: u64) -> Observation {
        Observation {
            tcp,
            loss: Some(loss),
            rtt: Some(Duration::from_millis(rtt_ms)),
            ..Observation::default()
        }
    }

    #[test]
    fn trouble_is_told_at_once_and_small_changes_wait_or_are_not_told() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let t0 = Instant::now();
        let interval = Duration::from_secs(10);
        let at = |seconds| t0 + Duration::from_secs(seconds);
        let mut sync = GossipSync::default();
        let mut told = |new, seconds| sync.advertise(&new, interval, false, at(seconds));
        assert!(
            !told(Observation { broadcast: PathStatus::Ok, ..Observation::default() }, 0),
            "no dial has ended yet"
        );
        assert!(told(observation(PathStatus::Ok, 0, 10), 0));
        assert!(!told(observation(PathStatus::Ok, 0, 15), 20), "a round trip that varies");
        assert!(!told(observation(PathStatus::Ok, 0, 30), 30), "it changed a moment ago");
        assert!(told(observation(PathStatus::Ok, 0, 30), 70));
        let mut near = GossipSync::default();
        let mut told_near =
            |ms, seconds| near.advertise(&observation(PathStatus::Ok, 0, ms), interval, false, at(seconds));
        assert!(told_near(0, 0));
        assert!(!told_near(1, 90), "a millisecond is noise, whatever times more it is");
        assert!(told_near(3, 180));
        assert!(
            !told(Observation { large: PathStatus::Ok, ..observation(PathStatus::Ok, 0, 30) }, 74),
            "good news can wait"
        );
        assert!(told(observation(PathStatus::Failing, 0, 30), 76), "bad news cannot");
        assert!(told(observation(PathStatus::Ok, 0, 30), 77), "nor that it is over");
        assert!(
            !sync.advertise(&observation(PathStatus::Ok, 0, 90), interval, true, at(200)),
            "many fine ones are not told"
        );
    }
}
