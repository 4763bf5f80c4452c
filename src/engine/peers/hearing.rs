//! Whether broadcasts come in at all, of whomever: where those of all peers are missing, few periods tell it, for chance would have
//! to lose all of them.

use std::time::{Duration, Instant};

use crate::engine::limits::PERIOD_JITTER;
use crate::engine::moment::Moment;
use crate::engine::observation::missing_by;

use super::peer::Peer;
use super::{PeerState, PeerTable};

/// Peers whose broadcasts are expected, from which on missing ones of all of them say something of this node's own end.
const FEWEST: u32 = 3;

/// Broadcasts that must be missing, whatever is lost of other datagrams: on Wi-Fi an access point repeats a lost unicast, and never a
/// broadcast. Where a fifth of those is lost, so many in a row are once in 15 000.
const MISSING: u32 = 6;

/// Peers whose broadcasts are counted: those of more would be missed no sooner than a person could see.
const MOST: usize = 64;

/// How likely it may be that chance lost all that are missing. The share of echoes that are lost is the most that one direction loses:
/// where both lose as many, this is the square of it.
const BY_CHANCE: f64 = 1e-4;

/// Longest time between two presences, in periods: they come with a jitter.
const LATE: f64 = 1.0 + PERIOD_JITTER;

/// The last broadcast of anybody, and how many are expected.
#[derive(Debug, Default)]
pub(crate) struct Hearing {
    last: Option<Moment>,
    peers: u32,
    /// Broadcasts a second that all of them send together.
    rate: f64,
}

impl Hearing {
    /// A broadcast came in, whoever sent it; or what did not come until now is given its time.
    pub(crate) fn note(&mut self, now: Instant) {
        self.last = Some(now.into());
    }

    /// Counts the broadcasts that are expected, while some come in. Of whom none comes, for a reason of its own, none is expected.
    pub(crate) fn expect_of(&mut self, peers: &PeerTable, now: Instant) {
        let period = |peer: &Peer| {
            let seen = peer.untimed_observation();
            let sends = peer.state() == PeerState::Up && peer.interface().is_some() && seen.echo.is_ok();
            let period = peer.last_seen.period().filter(|period| sends && !period.is_zero());
            period.filter(|_| !seen.broadcast.is_failing() && !peer.is_rarely_heard())
        };
        let periods: Vec<Duration> = peers.iter().take(MOST).filter_map(period).collect();
        let longest = periods.iter().max().copied().unwrap_or_default();
        let silent = self.last.is_some_and(|last| Moment::from(now).since(last) > longest);
        if !silent {
            self.peers = u32::try_from(periods.len()).unwrap_or(u32::MAX);
            self.rate = periods.iter().map(|period| period.as_secs_f64().recip()).sum();
        }
    }

    /// From when on all broadcasts count as missing, because nobody's came, where this share of the echoes is lost; none where too few
    /// peers are heard.
    pub(crate) fn missing_from(&self, lost: f64) -> Option<Moment> {
        if self.peers < FEWEST {
            return None;
        }
        let missing = f64::from(missing_by(BY_CHANCE, lost).max(MISSING));
        let long = Duration::try_from_secs_f64(missing * LATE / self.rate).ok()?;
        self.last.map(|last| last + long)
    }

    /// So many peers are heard, each with this period, and nothing since a moment.
    #[cfg(test)]
    pub(crate) fn of(last: Instant, peers: u32, period: Duration) -> Self {
        Self { last: Some(last.into()), peers, rate: f64::from(peers) / period.as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    #[test]
    fn the_more_is_lost_and_the_fewer_are_heard_the_longer_nothing_must_come() {
        let last = t0();
        let missing_after = |peers, lost| {
            let from = Hearing::of(last, peers, secs(5)).missing_from(lost)?;
            Some(from.since(last.into()))
        };
        assert_eq!(missing_after(2, 0.01), None, "two may both have a fault of their own");
        assert_eq!(missing_after(3, 0.01), Some(ms(11_000)), "two of each");
        assert_eq!(missing_after(4, 0.01), Some(ms(8_250)));
        assert_eq!(missing_after(4, 0.4), Some(ms(15_125)), "eleven");
        assert_eq!(missing_after(20, 0.01), Some(ms(1_650)));
    }
}
