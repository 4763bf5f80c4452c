//! What the model knows beyond a snapshot, to be handed to another one; and that other one.

use std::sync::Arc;
use std::time::Instant;

use super::journal::JournalEntry;
use super::{Attempt, Model, Outcome, Sample, What};
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{NodeInfo, PathState, PeerState};
use crate::record::{Attempted, Past, PastAttempt, PastOutcome, PeerPast};

impl Model {
    /// All that is remembered at this moment. The findings, and how the peers are now, are for a snapshot and a matrix to say.
    pub fn past(&self, now: Instant) -> Past {
        let since = self.rows.first_event().unwrap_or(now);
        let newest = self.attempts.newest().into_iter();
        let attempts = newest.flat_map(|newest| self.attempts.from(newest, None));
        let attempts: Vec<_> = attempts.map(|(_, attempt)| attempt).collect();
        let journal = self.journal.newest().into_iter();
        let journal: Vec<_> = journal.flat_map(|newest| self.journal.back_from(newest)).collect();
        Past {
            since,
            peers: self.rows.all().map(|row| row.past(since)).collect(),
            attempts: attempts.into_iter().rev().map(PastAttempt::from).collect(),
            journal: journal
                .into_iter()
                .rev()
                .filter_map(|(_, entry)| event_of(entry, self.node.as_ref()))
                .collect(),
        }
    }

    /// A model that remembers the same.
    pub fn remembering(past: &Past) -> Self {
        let mut model = Self::default();
        model.rows.begin(past.since);
        for peer in &past.peers {
            model.rows.remember(peer);
        }
        past.attempts.iter().for_each(|attempt| model.attempts.push(attempt.into()));
        past.journal.iter().for_each(|event| model.journal.fold(event));
        model
    }
}

/// The event that an entry was made of, as far as the entry tells.
fn event_of(entry: &JournalEntry, node: Option<&Arc<NodeInfo>>) -> Option<Stamped> {
    let JournalEntry { at, wall, peer, what } = entry;
    let peer = || peer.clone();
    let event = match what {
        What::Discovered { via } => Event::PeerDiscovered { peer: peer()?, via: *via },
        What::State { from, to } => Event::PeerState { peer: peer()?, from: *from, to: *to },
        What::Restarted { previous } => {
            Event::PeerRestarted { peer: peer()?, previous_incarnation: *previous }
        }
        What::Moved { from, path_only } => {
            let peer = peer()?;
            Event::PeerMoved { to: peer.addr, peer, from: **from, path_only: *path_only }
        }
        What::Path { addr, to } => {
            let from = if *to == PathState::Failing { PathState::Up } else { PathState::Failing };
            Event::PeerPath { peer: peer()?, addr: **addr, interface: None, from, to: *to }
        }
        What::Left { reason } => Event::PeerLeft { peer: peer()?, reason: *reason },
        What::GaveUp { attempts, cause } => {
            let peer = peer()?;
            Event::DialGaveUp { addr: peer.addr, peer, attempts: *attempts, cause: *cause }
        }
        What::Diagnosed { finding } => Event::Diagnosis(Arc::clone(finding)),
        What::InterfaceUp { interface } => Event::InterfaceUp { interface: Arc::clone(interface) },
        What::InterfaceDown { interface } => Event::InterfaceDown { interface: Arc::clone(interface) },
        What::IdChanged { twin } => {
            let node = node?;
            Event::IdChanged { node: Arc::clone(node), previous_id: node.id, twin: **twin }
        }
        What::Lagged { missed } => Event::Lagged { missed: *missed },
    };
    Some(Stamped { at: *at, wall: *wall, event })
}

impl From<&Attempt> for PastAttempt {
    fn from(attempt: &Attempt) -> Self {
        let Attempt { wall, peer, attempt, max, forced, outcome } = attempt;
        let outcome = match outcome {
            Outcome::InFlight { since } => PastOutcome::InFlight { since: *since },
            Outcome::Answered { connect, rtt } => {
                PastOutcome::Answered { connect: (*connect).into(), rtt: (*rtt).into() }
            }
            Outcome::Failed { cause, detail, retry } => PastOutcome::Failed {
                cause: *cause,
                detail: Arc::clone(detail),
                retry: retry.as_deref().copied(),
            },
            Outcome::Abandoned => PastOutcome::Abandoned,
        };
        let (peer, attempt, max) = (Arc::clone(peer), *attempt, *max);
        Self { peer, wall: *wall, attempt, max, forced: *forced, outcome }
    }
}

impl From<&PastAttempt> for Attempt {
    fn from(past: &PastAttempt) -> Self {
        let PastAttempt { wall, peer, attempt, max, forced, outcome } = past;
        let outcome = match outcome {
            PastOutcome::InFlight { since } => Outcome::InFlight { since: *since },
            PastOutcome::Answered { connect, rtt } => {
                Outcome::Answered { connect: (*connect).into(), rtt: (*rtt).into() }
            }
            PastOutcome::Failed { cause, detail, retry } => {
                Outcome::Failed { cause: *cause, detail: Arc::clone(detail), retry: retry.map(Box::new) }
            }
            PastOutcome::Abandoned => Outcome::Abandoned,
        };
        let (peer, attempt, max) = (Arc::clone(peer), *attempt, *max);
        Self { peer, wall: *wall, attempt, max, forced: *forced, outcome }
    }
}

impl super::PeerRow {
    fn past(&self, origin: Instant) -> PeerPast {
        let attempted = |sample| match sample {
            Sample::Answered(us) => Attempted::Answered(us),
            Sample::Failed(cause) => Attempted::Failed(cause),
        };
        PeerPast {
            peer: Arc::clone(&self.info),
            since: self.since(),
            failed: self.cause.zip(self.detail.clone()),
            attempts: self.history.last(super::HISTORY).map(attempted).collect(),
            states: self.bands.states(origin).collect(),
        }
    }

    /// Takes its past over, of a time before anything was told of it here.
    pub(super) fn remember(&mut self, past: &PeerPast, origin: Instant) {
        for attempted in &past.attempts {
            match attempted {
                Attempted::Answered(us) => {
                    self.history.answered(std::time::Duration::from_micros(u64::from(*us)));
                }
                Attempted::Failed(cause) => self.history.failed(*cause),
            }
        }
        if let Some((cause, detail)) = &past.failed {
            (self.cause, self.detail) = (Some(*cause), Some(Arc::clone(detail)));
        }
        self.bands = super::Bands::remembered(&past.states, origin);
        self.enter(past.states.last().map_or(PeerState::New, |(.., last)| *last), past.since);
    }
}
