//! When the peers dial this node, and when each of them had best do so next: where their dials are spread over the interval, one of them
//! meets a fault soon.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::limits::MAX_INBOUND_DIALS;
use crate::engine::moment::Moment;
use crate::engine::peers::PeerKey;

/// The dials of the last interval, the earliest first, the latest one of each peer; at most [`MAX_INBOUND_DIALS`].
#[derive(Debug, Default)]
pub(crate) struct InboundDials(VecDeque<(Moment, PeerKey)>);

impl InboundDials {
    /// A peer that dials every so often, as all do here, has dialed. How long from now its next regular dial had best be: nearer to the middle
    /// between the one before it and the one after it. None while nobody else dials.
    ///
    /// So each moves away from its neighbours in time, until all are as far apart: DESYNC (Degesys, Rose, Patel and Nagpal, IPSN 2007,
    /// §3), in which it goes [`DESYNC_STEP`] of the way.
    #[must_use]
    pub(crate) fn note(&mut self, key: PeerKey, interval: Duration, now: Instant) -> Option<Duration> {
        let at = Moment::from(now);
        while self.0.front().is_some_and(|(earliest, _)| at.since(*earliest) > interval * 5 / 4) {
            self.0.pop_front();
        }
        if let Some(nth) = self.0.iter().position(|(_, of)| *of == key) {
            self.0.remove(nth);
        }
        let neighbours = self.0.back().zip(self.0.front());
        let advised = neighbours.map(|((before, _), (after, _))| {
            let since_before = at.since(*before).min(interval);
            let until_after = (*after + interval).since(at);
            let whole = interval.as_secs_f64();
            let shift = (until_after.as_secs_f64() - since_before.as_secs_f64()) / 2.0;
            Duration::from_secs_f64((whole + DESYNC_STEP * shift).max(0.0))
        });
        if self.0.len() >= MAX_INBOUND_DIALS {
            self.0.pop_front();
        }
        self.0.push_back((at, key));
        advised
    }
}

/// The part of the way to the middle that a dial moves at once: the paper's α. All of it would overshoot, as the neighbours move, too.
const DESYNC_STEP: f64 = 0.75;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    const INTERVAL: Duration = secs(10);

    fn key(nth: u32) -> PeerKey {
        crate::testkit::peer(nth.into(), "h").key
    }

    #[test]
    fn whoever_dials_alone_keeps_its_phase() {
        let mut inbound = InboundDials::default();
        for nth in 0..3 {
            assert_eq!(inbound.note(key(1), INTERVAL, t0() + INTERVAL * nth), None);
        }
    }

    /// The moments at which each of these dials, after so many rounds.
    fn after(rounds: u32, mut next: Vec<Instant>) -> Vec<Instant> {
        let mut inbound = InboundDials::default();
        for _ in 0..rounds * u32::try_from(next.len()).unwrap() {
            let (nth, at) = next.iter().copied().enumerate().min_by_key(|(_, at)| *at).unwrap();
            let wait = inbound.note(key(u32::try_from(nth).unwrap() + 1), INTERVAL, at).unwrap_or(INTERVAL);
            next[nth] = at + wait;
        }
        next.sort_unstable();
        next
    }

    #[test]
    fn dials_that_come_together_are_soon_spread_over_the_interval() {
        for dialers in [2, 4, 9] {
            let first = (0..dialers).map(|nth| t0() + ms(u64::from(nth))).collect();
            let next = after(dialers * 4, first);
            let gaps: Vec<_> = next.windows(2).map(|pair| pair[1] - pair[0]).collect();
            let even = INTERVAL / dialers;
            assert!(gaps.iter().all(|gap| *gap > even / 2 && *gap < even * 3 / 2), "{dialers}: {gaps:?}");
        }
    }

    #[test]
    fn of_many_dialers_no_more_are_remembered_than_there_is_room_for() {
        let mut inbound = InboundDials::default();
        for nth in 0..=u32::try_from(MAX_INBOUND_DIALS).unwrap() {
            let _ = inbound.note(key(nth + 1), INTERVAL, t0() + ms(nth.into()));
        }
        assert_eq!(inbound.0.len(), MAX_INBOUND_DIALS);
        let _ = inbound.note(key(1), INTERVAL, t0() + INTERVAL * 3);
        assert_eq!(inbound.0.len(), 1, "what is long ago is forgotten");
    }
}
