//! The last dial attempts, of all peers and of each: what the attempts pane and a peer's details list.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::chain::{About, Chain};
use crate::engine::cause::{Cause, Detail};
use crate::engine::event::{Event, Stamped};
use crate::engine::micros::Micros;
use crate::engine::peers::{PeerInfo, PeerKey};

/// Attempts kept: at the default dial rate of 50 a second more than two minutes, and in a network of a hundred peers at
/// rest twelve, so that a peer's last dials are there when somebody looks. All that belongs to them takes 600 kB. The
/// record has all.
pub const MAX_ATTEMPTS: usize = 7_168;

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
    pub attempt: u16,
    /// Of at most; 0 when the event that tells was missed.
    pub max: u16,
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
        connect: Micros,
        /// Round trip.
        rtt: Micros,
    },
    /// It failed.
    Failed {
        /// Why.
        cause: Cause,
        /// What failed exactly.
        detail: Arc<Detail>,
        /// From when until when the next attempt waits; none if none follows or it has begun. Boxed: only the latest
        /// attempt of a peer has it.
        retry: Option<Box<(Instant, Instant)>>,
    },
    /// The node dropped it: the peer left, was forgotten, or its end was missed.
    Abandoned,
}

impl About for Attempt {
    fn peer(&self) -> Option<PeerKey> {
        Some(self.peer.key)
    }
}

/// The last [`MAX_ATTEMPTS`] attempts.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Chain<Attempt, MAX_ATTEMPTS>);

impl Attempts {
    /// How many are held.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there was none yet.
    pub fn is_empty(&self) -> bool {
        self.0.len() == 0
    }

    /// Number of the newest; none before the first.
    pub fn newest(&self) -> Option<AttemptId> {
        self.0.newest().map(AttemptId)
    }

    /// Number of the oldest that is held.
    pub fn oldest(&self) -> AttemptId {
        AttemptId(self.0.oldest())
    }

    /// One attempt, if it is held.
    pub fn get(&self, id: AttemptId) -> Option<&Attempt> {
        self.0.get(id.0)
    }

    /// The newest first: all, or those of one peer. Costs what is taken, not what is held.
    pub fn newest_first(&self, only: Option<PeerKey>) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        self.newest().into_iter().flat_map(move |newest| self.from(newest, only))
    }

    /// From this one back in time: all, or those of one peer.
    pub fn from(&self, top: AttemptId, only: Option<PeerKey>) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        let of_peer = only.map(|key| self.of_peer(key).skip_while(move |(id, _)| *id > top));
        let all = only.is_none().then(|| self.back_from(top));
        of_peer.into_iter().flatten().chain(all.into_iter().flatten())
    }

    /// From this one back in time.
    fn back_from(&self, id: AttemptId) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        self.0.back_from(id.0).map(|(number, attempt)| (AttemptId(number), attempt))
    }

    /// Those of one peer, the newest first. Costs what is taken, not what is held.
    pub fn of_peer(&self, key: PeerKey) -> impl Iterator<Item = (AttemptId, &Attempt)> {
        self.0.of_peer(key).map(|(number, attempt)| (AttemptId(number), attempt))
    }

    /// Adds one that another model remembers; the oldest come first.
    pub(super) fn push(&mut self, attempt: Attempt) {
        self.0.push(attempt);
    }

    /// Takes in what one event says of an attempt.
    pub(super) fn fold(&mut self, stamped: &Stamped) {
        let Stamped { at, wall, ref event } = *stamped;
        match event {
            Event::DialStarted { peer, attempt, max, forced, .. } => {
                self.started(peer, *attempt, *max, *forced, at, wall);
            }
            Event::DialSucceeded { peer, attempt, connect, rtt, .. } => {
                let outcome = Outcome::Answered { connect: (*connect).into(), rtt: (*rtt).into() };
                self.ended(peer, *attempt, 0, wall, outcome);
            }
            Event::DialFailed { peer, attempt, max, cause, detail, retry_in, .. } => {
                let retry = retry_in.and_then(|wait| at.checked_add(wait)).map(|until| Box::new((at, until)));
                let outcome = Outcome::Failed { cause: *cause, detail: Arc::clone(detail), retry };
                self.ended(peer, *attempt, *max, wall, outcome);
            }
            Event::DialGaveUp { peer, .. } | Event::PeerLeft { peer, .. } => self.close(peer.key),
            _ => {}
        }
    }

    /// An attempt begins: the countdown of the one before it is over.
    fn started(
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
        let [attempt, max] = [attempt, max].map(short);
        self.0.push(Attempt { wall, peer: Arc::clone(peer), attempt, max, forced, outcome });
    }

    /// An attempt has ended. When its beginning was missed, its line begins here.
    fn ended(&mut self, peer: &Arc<PeerInfo>, attempt: u32, max: u32, wall: SystemTime, outcome: Outcome) {
        let [attempt, max] = [attempt, max].map(short);
        match self.latest_mut(peer.key) {
            Some(open) if open.attempt == attempt && matches!(open.outcome, Outcome::InFlight { .. }) => {
                open.outcome = outcome;
            }
            _ => {
                self.close(peer.key);
                let peer = Arc::clone(peer);
                self.0.push(Attempt { wall, peer, attempt, max, forced: false, outcome });
            }
        }
    }

    /// Nothing more comes of a peer's latest attempt: no reply, no retry.
    fn close(&mut self, key: PeerKey) {
        let Some(attempt) = self.latest_mut(key) else { return };
        match &mut attempt.outcome {
            Outcome::Failed { retry, .. } => *retry = None,
            outcome @ Outcome::InFlight { .. } => *outcome = Outcome::Abandoned,
            Outcome::Answered { .. } | Outcome::Abandoned => {}
        }
    }

    fn latest_mut(&mut self, key: PeerKey) -> Option<&mut Attempt> {
        self.0.get_mut(self.0.newest_of(key)?)
    }
}

/// A number of attempts, in two bytes: nobody counts as many.
fn short(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
