//! When what is due next: one time for each thing that the node does, and a queue of the peers that want to be woken.
//!
//! A peer has one entry, which moves when its deadline does. A stale one would wake it for nothing, and of many peers the one that
//! is woken is in no cache: that costs more than what is done then.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use super::moment::Moment;
use super::peers::PeerKey;
use super::peers::peer::Rearm;

/// What the node does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// The next announcement to everybody is due.
    Announce,
    /// One of the goodbyes is due.
    Goodbye,
    /// The dial rate allows the next queued dial.
    Dial,
    /// The diagnosis is due.
    Diagnose,
    /// Rejections that were counted are due to be told.
    TellRejected,
    /// A host name that had no address is to be looked up again.
    Resolve,
    /// A node that only rows tell of may be asked.
    AskTold,
    /// Everybody is to be told what is new in our row.
    TellNews,
    /// It is to be looked whether the trouble with peers is over.
    Look,
    /// An attempt had no answer for long.
    LateDial,
    /// Those that are watched are to be asked for an echo; or that of a suspect is not there in time, or no answer to a dial of it.
    Watch,
}

impl Timer {
    const ALL: [Self; 11] = [
        Self::Announce,
        Self::Goodbye,
        Self::Dial,
        Self::Diagnose,
        Self::TellRejected,
        Self::Resolve,
        Self::AskTold,
        Self::TellNews,
        Self::Look,
        Self::LateDial,
        Self::Watch,
    ];
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: [Option<Instant>; Timer::ALL.len()],
    peers: BTreeSet<(Moment, PeerKey)>,
}

impl Timers {
    /// Sets the time of one thing; none when it is not due at all.
    pub(crate) fn set(&mut self, timer: Timer, at: Option<Instant>) {
        self.at[timer as usize] = at;
    }

    /// Whether one thing is due.
    pub(crate) fn is_due(&self, timer: Timer, now: Instant) -> bool {
        self.at[timer as usize].is_some_and(|at| at <= now)
    }

    /// Nothing is due any longer.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Moves the entry of a peer.
    pub(crate) fn rearm(&mut self, peer: PeerKey, Rearm { from, to }: Rearm) {
        if let Some(from) = from {
            self.peers.remove(&(from, peer));
        }
        if let Some(to) = to {
            self.peers.insert((to, peer));
        }
    }

    /// Takes the next entry of a peer that is due.
    pub(crate) fn next_peer(&mut self, now: Instant) -> Option<PeerKey> {
        let (at, _) = *self.peers.first()?;
        if at > now.into() {
            return None;
        }
        self.peers.pop_first().map(|(_, peer)| peer)
    }

    /// When anything is due next. Peers may wait `slack` longer.
    pub(crate) fn next_timeout(&self, slack: Duration) -> Option<Instant> {
        let peer = self.peers.first().map(|(at, _)| Instant::from(*at) + slack);
        self.at.iter().copied().chain([peer]).flatten().min()
    }

    /// Panics unless these peers have an entry at these times, and no others have one.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, armed: impl Iterator<Item = (PeerKey, Moment)>) {
        let armed: BTreeSet<_> = armed.map(|(peer, at)| (at, peer)).collect();
        assert_eq!(self.peers, armed, "each peer has one entry, at its deadline");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::t0;

    #[test]
    fn a_peer_that_waits_for_nothing_any_longer_is_not_woken() {
        let (mut timers, key, at) = (Timers::default(), PeerKey::default(), Some(t0().into()));
        timers.rearm(key, Rearm { from: None, to: at });
        timers.rearm(key, Rearm { from: at, to: None });
        assert_eq!(timers.next_peer(t0()), None);
    }

    #[test]
    fn every_timer_has_a_place_of_its_own() {
        for (nth, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, nth);
        }
    }

    #[test]
    fn the_earliest_time_counts_and_peers_may_wait_a_little_longer() {
        let t0 = t0();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut timers = Timers::default();
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
        timers.set(Timer::Announce, Some(at(50)));
        let key = PeerKey::default();
        timers.rearm(key, Rearm { from: None, to: Some(at(20).into()) });
        timers.rearm(key, Rearm { from: Some(at(20).into()), to: Some(at(30).into()) });
        assert_eq!(timers.next_timeout(Duration::ZERO), Some(at(30)));
        assert_eq!(timers.next_timeout(Duration::from_millis(25)), Some(at(50)));
        assert_eq!(timers.next_peer(at(29)), None);
        assert_eq!(timers.next_peer(at(30)), Some(key));
        assert_eq!(timers.next_peer(at(99)), None, "each entry comes once");
        assert!(timers.is_due(Timer::Announce, at(50)) && !timers.is_due(Timer::Announce, at(49)));
        timers.set(Timer::Announce, None);
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
    }
}
