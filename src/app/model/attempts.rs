//! The last dial attempts of all peers, in a ring: what the attempts pane lists.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::core::cause::Cause;
use crate::core::peer::{PeerInfo, PeerKey};

/// Attempts kept: ten seconds of the default dial rate, and more than anybody scrolls back; the record has all.
pub const MAX_ATTEMPTS: usize = 500;

/// Numbers the attempts from 0 in the order they began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttemptId(pub u64);

/// One attempt.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// When it began, for people.
    pub wall: SystemTime,
    /// The peer as it was then.
    pub peer: Arc<PeerInfo>,
    /// From 1.
    pub attempt: u32,
    /// Of at most; 0 when the event that tells was missed.
    pub max: u32,
    /// By hand.
    pub forced: bool,
    /// How it went.
    pub outcome: Outcome,
}

/// How an attempt went.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Not ended yet.
    InFlight {
        /// When it began.
        since: Instant,
    },
    /// It got its reply.
    Answered {
        /// Time to connect.
        connect: Duration,
        /// Round trip.
        rtt: Duration,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
        /// What the system said.
        detail: Arc<str>,
        /// When the next attempt begins; none if none follows or it has begun.
        retry: Option<Instant>,
    },
    /// The node dropped it: the peer left, was forgotten, or its end was missed.
    Abandoned,
}

/// The last [`MAX_ATTEMPTS`] attempts.
#[derive(Debug, Clone, Default)]
pub struct Attempts {
    ring: VecDeque<Attempt>,
    /// Number of the oldest one held.
    first: u64,
    /// The latest of each peer that may still change.
    open: HashMap<PeerKey, AttemptId>,
}

impl Attempts {
    /// How many are held.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there was none yet.
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// Number of the newest; none before the first.
    pub fn newest(&self) -> Option<AttemptId> {
        let held = u64::try_from(self.ring.len()).ok()?;
        (self.first + held).checked_sub(1).filter(|_| held > 0).map(AttemptId)
    }

    /// Number of the oldest that is held.
    pub fn oldest(&self) -> AttemptId {
        AttemptId(self.first)
    }

    /// From this one back in time.
    pub fn back_from(&self, id: AttemptId) -> impl Iterator<Item = &Attempt> {
        let newer = self.newest().map_or(0, |newest| newest.0.saturating_sub(id.0));
        self.ring.iter().rev().skip(usize::try_from(newer).unwrap_or(usize::MAX))
    }

    /// An attempt begins: the countdown of the one before it is over.
    pub(super) fn started(
        &mut self,
        peer: &Arc<PeerInfo>,
        attempt: u32,
        max: u32,
        forced: bool,
        at: Instant,
        wall: SystemTime,
    ) {
        self.close(peer.key);
        let outcome = Outcome::InFlight { since: at };
        let id = self.push(Attempt { wall, peer: Arc::clone(peer), attempt, max, forced, outcome });
        self.open.insert(peer.key, id);
    }

    /// An attempt has ended. When its beginning was missed, its line begins here.
    pub(super) fn ended(
        &mut self,
        peer: &Arc<PeerInfo>,
        attempt: u32,
        max: u32,
        wall: SystemTime,
        outcome: Outcome,
    ) {
        let known = self.open.get(&peer.key).and_then(|id| self.position(*id));
        match known.and_then(|at| self.ring.get_mut(at)) {
            Some(open) if open.attempt == attempt && matches!(open.outcome, Outcome::InFlight { .. }) => {
                open.outcome = outcome;
            }
            _ => {
                self.close(peer.key);
                let peer = Arc::clone(peer);
                let key = peer.key;
                let id = self.push(Attempt { wall, peer, attempt, max, forced: false, outcome });
                self.open.insert(key, id);
            }
        }
    }

    /// Nothing more comes of a peer's latest attempt: no reply, no retry.
    pub(super) fn close(&mut self, key: PeerKey) {
        let at = self.open.remove(&key).and_then(|id| self.position(id));
        if let Some(attempt) = at.and_then(|at| self.ring.get_mut(at)) {
            match &mut attempt.outcome {
                Outcome::Failed { retry, .. } => *retry = None,
                outcome @ Outcome::InFlight { .. } => *outcome = Outcome::Abandoned,
                Outcome::Answered { .. } | Outcome::Abandoned => {}
            }
        }
    }

    fn position(&self, id: AttemptId) -> Option<usize> {
        usize::try_from(id.0.checked_sub(self.first)?).ok()
    }

    fn push(&mut self, attempt: Attempt) -> AttemptId {
        if self.ring.len() == MAX_ATTEMPTS
            && let Some(oldest) = self.ring.pop_front()
        {
            if self.open.get(&oldest.peer.key) == Some(&AttemptId(self.first)) {
                self.open.remove(&oldest.peer.key);
            }
            self.first += 1;
        }
        let id = AttemptId(self.first + self.ring.len() as u64);
        self.ring.push_back(attempt);
        id
    }
}
