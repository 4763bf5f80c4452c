//! When what is due next: one time for each thing that the node does, and a queue of the peers that want to be woken.
//!
//! A peer's entry is never taken out: one that no longer matches what the peer is armed for is stale and ignored.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use super::moment::Moment;
use super::peers::PeerKey;

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
}

impl Timer {
    const ALL: [Self; 7] = [
        Self::Announce,
        Self::Goodbye,
        Self::Dial,
        Self::Diagnose,
        Self::TellRejected,
        Self::Resolve,
        Self::AskTold,
    ];
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    at: [Option<Instant>; Timer::ALL.len()],
    peers: BinaryHeap<Reverse<(Moment, PeerKey)>>,
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

    /// Wakes a peer at a time; earlier entries of it become stale when the peer forgets them.
    pub(crate) fn wake(&mut self, peer: PeerKey, at: Instant) {
        self.peers.push(Reverse((at.into(), peer)));
    }

    /// The next entry of a peer that is due.
    pub(crate) fn next_peer(&mut self, now: Instant) -> Option<(Instant, PeerKey)> {
        let Reverse((at, peer)) = *self.peers.peek()?;
        if at > now.into() {
            return None;
        }
        self.peers.pop();
        Some((at.into(), peer))
    }

    /// When anything is due next. Peers may wait `slack` longer.
    pub(crate) fn next_timeout(&self, slack: Duration) -> Option<Instant> {
        let peer = self.peers.peek().map(|Reverse((at, _))| Instant::from(*at) + slack);
        self.at.iter().copied().chain([peer]).flatten().min()
    }

    /// Whether a peer has an entry at this time.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn has(&self, peer: PeerKey, at: Instant) -> bool {
        self.peers.iter().any(|Reverse(entry)| *entry == (at.into(), peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_timer_has_a_place_of_its_own() {
        for (nth, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, nth);
        }
    }

    #[test]
    fn the_earliest_time_counts_and_peers_may_wait_a_little_longer() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let t0 = Instant::now();
        let at = |ms| t0 + Duration::from_millis(ms);
        let mut timers = Timers::default();
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
        timers.set(Timer::Announce, Some(at(50)));
        timers.wake(PeerKey::default(), at(30));
        assert_eq!(timers.next_timeout(Duration::ZERO), Some(at(30)));
        assert_eq!(timers.next_timeout(Duration::from_millis(25)), Some(at(50)));
        assert_eq!(timers.next_peer(at(29)), None);
        assert_eq!(timers.next_peer(at(30)), Some((at(30), PeerKey::default())));
        assert_eq!(timers.next_peer(at(99)), None, "each entry comes once");
        assert!(timers.is_due(Timer::Announce, at(50)) && !timers.is_due(Timer::Announce, at(49)));
        timers.set(Timer::Announce, None);
        assert_eq!(timers.next_timeout(Duration::ZERO), None);
    }
}
