//! One row of the table: what its peer's events have told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::order::Rank;
use crate::core::cause::Cause;
use crate::core::peer::{DialPhase, PeerInfo, PeerSnapshot, PeerState, Via};

/// Attempts that a peer's history holds: more than the widest sparkline shows.
const HISTORY: usize = 60;

/// Marks a failed attempt in the ring; no round trip lasts 71 minutes.
const FAILURE: u32 = u32::MAX;

/// One peer as the screen knows it.
#[derive(Debug, Clone)]
pub struct Peer {
    /// Who.
    pub info: Arc<PeerInfo>,
    /// What the node thinks of it.
    pub state: PeerState,
    /// Since when.
    pub since: Instant,
    /// How it entered the table; unknown when that event was missed.
    pub via: Option<Via>,
    /// Where its dial stands.
    pub dial: DialPhase,
    /// Connect time of the last dial that got its reply.
    pub connect: Option<Duration>,
    /// Round trip of the last dial that got its reply.
    pub rtt: Option<Duration>,
    /// The last attempts.
    pub history: History,
    /// Share of the node's last attempts that failed.
    pub loss: Option<f32>,
    /// When anything was last received from it.
    pub last_heard: Option<Instant>,
    /// Why the last dial failed; none after a success.
    pub cause: Option<Cause>,
    /// What the system said then.
    pub detail: Option<Arc<str>>,
    /// The interface towards it.
    pub interface: Option<Arc<str>>,
}

impl Peer {
    /// A row of which nothing is known yet.
    pub(super) fn new(info: Arc<PeerInfo>, at: Instant) -> Self {
        Self {
            info,
            state: PeerState::New,
            since: at,
            via: None,
            dial: DialPhase::Resting { next: None },
            connect: None,
            rtt: None,
            history: History::default(),
            loss: None,
            last_heard: None,
            cause: None,
            detail: None,
            interface: None,
        }
    }

    /// Where it belongs in the table.
    pub(super) fn rank(&self) -> Rank {
        Rank::new(self.state == PeerState::Left, Arc::clone(&self.info))
    }

    /// It is in this state now.
    pub(super) fn enter(&mut self, state: PeerState, at: Instant) {
        if self.state != state {
            self.state = state;
            self.since = at;
        }
        if state == PeerState::Left {
            self.dial = DialPhase::Resting { next: None };
        }
    }

    /// Something came from it; what a person or another peer says of it is not from it.
    pub(super) fn heard(&mut self, at: Instant, via: Via) {
        if matches!(via, Via::Broadcast | Via::Multicast | Via::Reply) {
            self.last_heard = Some(at);
        }
    }

    /// An attempt begins.
    pub(super) fn dial_started(&mut self, attempt: u32, max: u32, at: Instant) {
        self.dial = DialPhase::InFlight { attempt, max, since: at };
    }

    /// An attempt got its reply.
    pub(super) fn dial_succeeded(&mut self, connect: Duration, rtt: Duration, at: Instant) {
        self.dial = DialPhase::Resting { next: None };
        self.connect = Some(connect);
        self.rtt = Some(rtt);
        self.history.answered(rtt);
        self.last_heard = Some(at);
        self.cause = None;
        self.detail = None;
    }

    /// An attempt failed, and another follows at `retry`, if any does.
    pub(super) fn dial_failed(
        &mut self,
        attempt: u32,
        max: u32,
        cause: Cause,
        detail: &Arc<str>,
        retry: Option<Instant>,
    ) {
        self.dial = match retry {
            Some(until) => DialPhase::Waiting { attempt: attempt.saturating_add(1), max, until },
            None => DialPhase::Resting { next: None },
        };
        self.history.failed();
        self.cause = Some(cause);
        self.detail = Some(Arc::clone(detail));
    }

    /// No further attempt follows.
    pub(super) fn dial_gave_up(&mut self, cause: Cause) {
        self.dial = DialPhase::Resting { next: None };
        self.cause = Some(cause);
    }

    /// The node says how it is: that is right, whatever was missed.
    pub(super) fn replace(&mut self, peer: &PeerSnapshot, at: Instant) {
        self.enter(peer.state, at);
        self.via = Some(peer.via);
        self.dial = peer.dial;
        self.rtt = peer.rtt_us.map(Duration::from_micros);
        self.connect = peer.connect;
        self.loss = peer.loss;
        self.last_heard = peer
            .last_heard
            .or_else(|| peer.last_heard_ms.and_then(|age| at.checked_sub(Duration::from_millis(age))));
        if self.cause != peer.cause {
            self.cause = peer.cause;
            self.detail = None;
        }
        self.interface.clone_from(&peer.interface);
    }
}

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// With a reply, after so many microseconds.
    Answered(u32),
    /// Without.
    Failed,
}

/// The last attempts of a peer, in a ring that never allocates.
#[derive(Debug, Clone)]
pub struct History {
    ring: [u32; HISTORY],
    written: usize,
}

impl Default for History {
    fn default() -> Self {
        Self { ring: [0; HISTORY], written: 0 }
    }
}

impl History {
    /// The newest `n` samples, oldest first.
    pub fn last(&self, n: usize) -> impl Iterator<Item = Sample> {
        let held = self.written.min(HISTORY);
        let from = self.written - n.min(held);
        (from..self.written).map(|i| match self.ring[i % HISTORY] {
            FAILURE => Sample::Failed,
            us => Sample::Answered(us),
        })
    }

    fn answered(&mut self, rtt: Duration) {
        self.push(u32::try_from(rtt.as_micros()).unwrap_or(FAILURE).min(FAILURE - 1));
    }

    fn failed(&mut self) {
        self.push(FAILURE);
    }

    fn push(&mut self, sample: u32) {
        self.ring[self.written % HISTORY] = sample;
        self.written += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_history_keeps_the_newest_samples_in_order() {
        let mut history = History::default();
        assert_eq!(history.last(5).count(), 0);
        for us in 0..100 {
            history.answered(Duration::from_micros(us));
        }
        history.failed();
        assert_eq!(
            history.last(3).collect::<Vec<_>>(),
            [Sample::Answered(98), Sample::Answered(99), Sample::Failed]
        );
        assert_eq!(history.last(1_000).count(), HISTORY);
    }

    #[test]
    fn a_round_trip_of_hours_is_no_failure() {
        let mut history = History::default();
        history.answered(Duration::from_hours(9));
        assert_eq!(history.last(1).next(), Some(Sample::Answered(u32::MAX - 1)));
    }
}
