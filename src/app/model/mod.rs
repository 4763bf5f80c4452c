//! What the screen knows: every event folded into peers, attempts and counts.
//!
//! Pure: it is told the time by the events and by its callers, sends nothing and draws nothing. A recorded event
//! stream folds into the same model as a live one.

mod attempts;
mod order;
mod peer;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use attempts::{Attempt, AttemptId, Attempts, MAX_ATTEMPTS, Outcome};
use order::Order;
pub use peer::{History, Peer, Sample};

use crate::core::event::{Event, Stamped, StopReason};
use crate::core::interface::Interface;
use crate::core::peer::{LeaveReason, NodeInfo, PeerInfo, PeerKey, PeerState, Snapshot, Via};

/// How long a peer that said goodbye stays on the screen: long enough to be noticed after a coffee, short enough
/// that a day of laptops coming and going does not fill the table.
pub const LEFT_SHOWN: Duration = Duration::from_mins(5);

/// Events that the reader was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Since the start.
    pub total: u64,
    /// When the last of them were missed.
    pub at: Instant,
}

/// All that the screen shows, except what the person at the keyboard is doing.
#[derive(Debug, Clone, Default)]
pub struct Model {
    node: Option<Arc<NodeInfo>>,
    interfaces: Vec<Interface>,
    /// Boxed: a change moves a pointer, not the row, and the spare room of the table is that of pointers.
    peers: HashMap<PeerKey, Box<Peer>>,
    order: Order,
    attempts: Attempts,
    counts: [usize; PeerState::ALL.len()],
    missed: Option<Missed>,
    stopped: Option<StopReason>,
}

impl Model {
    /// This node; none before the first event that names it.
    pub fn node(&self) -> Option<&NodeInfo> {
        self.node.as_deref()
    }

    /// The interfaces that presence uses.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// How many peers are shown.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether no peer is shown.
    pub fn is_empty(&self) -> bool {
        self.order.len() == 0
    }

    /// The peers of a stretch of the table, in the order they are shown. Costs what the stretch costs.
    pub fn rows(&self, stretch: Range<usize>) -> impl Iterator<Item = &Peer> {
        self.order.keys(stretch).filter_map(|key| self.peer(key))
    }

    /// The peer at a position of the table.
    pub fn key_at(&self, position: usize) -> Option<PeerKey> {
        self.order.keys(position..position.saturating_add(1)).next()
    }

    /// One peer.
    pub fn peer(&self, key: PeerKey) -> Option<&Peer> {
        self.peers.get(&key).map(Box::as_ref)
    }

    /// Where a peer stands in the table.
    pub fn position(&self, key: PeerKey) -> Option<usize> {
        self.order.position(&self.peers.get(&key)?.rank())
    }

    /// How many peers are in a state.
    pub fn count(&self, state: PeerState) -> usize {
        self.counts[state as usize]
    }

    /// The attempts, newest first.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// What was missed, if anything ever was.
    pub fn missed(&self) -> Option<Missed> {
        self.missed
    }

    /// Why the node stopped, if it has.
    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    /// Takes one event in.
    pub fn fold(&mut self, stamped: &Stamped) {
        let Stamped { at, wall, ref event } = *stamped;
        match event {
            Event::Started { node, interfaces } => {
                self.node = Some(Arc::clone(node));
                self.interfaces = interfaces.to_vec();
            }
            Event::InterfaceUp { interface } => {
                self.interfaces.retain(|known| known.addr != interface.addr);
                self.interfaces.push(Interface::clone(interface));
            }
            Event::InterfaceDown { interface } => self.interfaces.retain(|known| known != &**interface),
            Event::PeerDiscovered { peer, via } => {
                self.update(peer, at, |row| {
                    row.via = Some(*via);
                    row.heard(at, *via);
                });
            }
            Event::PeerState { peer, to, .. } => self.update(peer, at, |row| row.enter(*to, at)),
            Event::PeerRestarted { peer, .. } | Event::PeerMoved { peer, .. } => {
                self.update(peer, at, |_| ());
            }
            Event::PeerLeft { peer, reason: LeaveReason::Goodbye } => {
                self.update(peer, at, |row| row.enter(PeerState::Left, at));
                self.attempts.close(peer.key);
            }
            Event::PeerLeft { peer, reason: LeaveReason::Forgotten | LeaveReason::Expired } => {
                self.remove(peer.key);
                self.attempts.close(peer.key);
            }
            Event::DialStarted { peer, attempt, max, forced, .. } => {
                self.update(peer, at, |row| row.dial_started(*attempt, *max, at));
                self.attempts.started(peer, *attempt, *max, *forced, at, wall);
            }
            Event::DialSucceeded { peer, attempt, connect, rtt, .. } => {
                self.update(peer, at, |row| row.dial_succeeded(*connect, *rtt, at));
                self.attempts.ended(
                    peer,
                    *attempt,
                    0,
                    wall,
                    Outcome::Answered { connect: *connect, rtt: *rtt },
                );
            }
            Event::DialFailed { peer, attempt, max, cause, detail, retry_in, .. } => {
                let retry = retry_in.and_then(|wait| at.checked_add(wait));
                self.update(peer, at, |row| row.dial_failed(*attempt, *max, *cause, detail, retry));
                let outcome = Outcome::Failed { cause: *cause, detail: Arc::clone(detail), retry };
                self.attempts.ended(peer, *attempt, *max, wall, outcome);
            }
            Event::DialGaveUp { peer, cause, .. } => {
                self.update(peer, at, |row| row.dial_gave_up(*cause));
                self.attempts.close(peer.key);
            }
            Event::ExchangeServed { peer: Some(peer), .. } => {
                self.update(peer, at, |row| row.heard(at, Via::Reply));
            }
            Event::ExchangeServed { .. } | Event::Rejected { .. } => {}
            Event::Lagged { missed } => {
                let before = self.missed.map_or(0, |missed| missed.total);
                self.missed = Some(Missed { total: before.saturating_add(*missed), at });
            }
            Event::Snapshot(snapshot) => self.replace(snapshot, at),
            Event::Stopped { reason } => self.stopped = Some(*reason),
        }
    }

    /// Drops the peers that left long ago. Called about once a second.
    pub fn expire(&mut self, now: Instant) {
        if self.count(PeerState::Left) == 0 {
            return;
        }
        let gone = |peer: &Peer| {
            peer.state == PeerState::Left && now.saturating_duration_since(peer.since) >= LEFT_SHOWN
        };
        let keys: Vec<_> = self.peers.values().filter(|peer| gone(peer)).map(|peer| peer.info.key).collect();
        for key in keys {
            self.remove(key);
        }
    }

    /// Changes a peer's row, made here if this is the first word of it (events may have been missed), and keeps
    /// the order and the counts true.
    fn update(&mut self, info: &Arc<PeerInfo>, at: Instant, change: impl FnOnce(&mut Peer)) {
        let key = info.key;
        let (mut row, stood) = match self.peers.remove(&key) {
            Some(row) => {
                self.counts[row.state as usize] -= 1;
                let rank = row.rank();
                (row, Some(rank))
            }
            None => (Box::new(Peer::new(Arc::clone(info), at)), None),
        };
        row.info = Arc::clone(info);
        change(&mut row);
        self.counts[row.state as usize] += 1;
        let stands = row.rank();
        if stood.as_ref() != Some(&stands) {
            if let Some(stood) = stood {
                self.order.remove(&stood);
            }
            self.order.insert(stands);
        }
        self.peers.insert(key, row);
    }

    fn remove(&mut self, key: PeerKey) {
        if let Some(row) = self.peers.remove(&key) {
            self.counts[row.state as usize] -= 1;
            self.order.remove(&row.rank());
        }
    }

    fn replace(&mut self, snapshot: &Snapshot, at: Instant) {
        self.node = Some(Arc::clone(&snapshot.node));
        if self.interfaces != *snapshot.interfaces {
            self.interfaces = snapshot.interfaces.to_vec();
        }
        for peer in &snapshot.peers {
            self.update(&peer.info, at, |row| row.replace(peer, at));
        }
        if self.peers.len() > snapshot.peers.len() {
            let named: HashSet<_> = snapshot.peers.iter().map(|peer| peer.info.key).collect();
            // One that said goodbye may be gone from the node's table, and is still news here.
            let gone = |row: &&Peer| row.state != PeerState::Left && !named.contains(&row.info.key);
            let keys: Vec<_> =
                self.peers.values().map(Box::as_ref).filter(gone).map(|row| row.info.key).collect();
            for key in keys {
                self.remove(key);
            }
        }
    }
}
