//! What was said lately: the notable events, of all peers and of each, for the timeline and for a peer's details.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::chain::{About, Chain};
use crate::engine::Incarnation;
use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::event::{Event, Stamped};
use crate::engine::interface::Interface;
use crate::engine::peers::{LeaveReason, PathState, PeerInfo, PeerKey, PeerState, Via};
use crate::engine::verdict::{Finding, Verdict};

/// Entries kept: an hour in which a hundred peers change their state every three minutes each. A few in each minute is
/// all that a person can follow. All that belongs to them takes 600 kB. The record has all.
pub const MAX_ENTRIES: usize = 7_168;

/// Numbers the entries from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryId(pub u64);

/// One notable event.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// When, by the monotonic clock.
    pub at: Instant,
    /// When, for people.
    pub wall: SystemTime,
    /// The peer as it was then; none if it is about no peer.
    pub peer: Option<Arc<PeerInfo>>,
    /// What happened.
    pub what: What,
}

/// What an entry says.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// The peer entered the table.
    Discovered {
        /// How.
        via: Via,
    },
    /// Its state changed. That it left is told by [`What::Left`].
    State {
        /// Before.
        from: PeerState,
        /// Since.
        to: PeerState,
    },
    /// It lives a new life.
    Restarted {
        /// The life before.
        previous: Incarnation,
    },
    /// It is dialed at another address, that of the entry's peer.
    Moved {
        /// The old one. Boxed: it is rare, and would double the size of every entry.
        from: Box<Endpoint>,
        /// It has both.
        path_only: bool,
    },
    /// One of its addresses does not answer, or does so again.
    Path {
        /// Which.
        addr: Box<Endpoint>,
        /// How it fares now.
        to: PathState,
    },
    /// It said goodbye or was dropped.
    Left {
        /// Why.
        reason: LeaveReason,
    },
    /// A dial was given up, for the first time since the peer was reached or for another cause than the last time.
    GaveUp {
        /// After so many attempts.
        attempts: u32,
        /// Why the last of them failed.
        cause: Cause,
    },
    /// What the diagnosis says of it, or that an earlier one is withdrawn.
    Diagnosed {
        /// All that it says.
        finding: Arc<Finding>,
    },
    /// Presence uses one more interface.
    InterfaceUp {
        /// Which.
        interface: Arc<Interface>,
    },
    /// Presence uses one interface less.
    InterfaceDown {
        /// Which.
        interface: Arc<Interface>,
    },
    /// This node took another identity.
    IdChanged {
        /// Where the node with the same one is.
        twin: Box<Endpoint>,
    },
    /// Events were missed: what they said is not here.
    Lagged {
        /// How many.
        missed: u64,
    },
}

impl JournalEntry {
    /// The peer that it is about.
    pub fn key(&self) -> Option<PeerKey> {
        self.peer.as_ref().map(|peer| peer.key)
    }
}

impl About for JournalEntry {
    fn peer(&self) -> Option<PeerKey> {
        self.key()
    }
}

/// The last [`MAX_ENTRIES`] entries.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    chain: Chain<JournalEntry, MAX_ENTRIES>,
    /// When the newest of those that are no longer held was said.
    dropped: Option<Instant>,
}

impl Journal {
    /// How many are held.
    pub fn len(&self) -> usize {
        self.chain.len()
    }

    /// Whether nothing was said yet.
    pub fn is_empty(&self) -> bool {
        self.chain.len() == 0
    }

    /// Number of the newest; none before the first.
    pub fn newest(&self) -> Option<EntryId> {
        self.chain.newest().map(EntryId)
    }

    /// Number of the oldest that is held.
    pub fn oldest(&self) -> EntryId {
        EntryId(self.chain.oldest())
    }

    /// Number of the newest that was said at an instant or before it; none if none is held. Of the same instant, all
    /// count. To show what came shortly after, too, go back from a greater number.
    pub fn at(&self, at: Instant) -> Option<EntryId> {
        let until = self.chain.count_while(|entry| entry.at <= at) as u64;
        until.checked_sub(1).map(|newest| EntryId(self.chain.oldest() + newest))
    }

    /// One entry, if it is held.
    pub fn get(&self, id: EntryId) -> Option<&JournalEntry> {
        self.chain.get(id.0)
    }

    /// Those from this one back in time. Costs what is taken.
    pub fn back_from(&self, id: EntryId) -> impl Iterator<Item = (EntryId, &JournalEntry)> {
        self.chain.back_from(id.0).map(|(number, entry)| (EntryId(number), entry))
    }

    /// Those of one peer, the newest first. Costs what is taken, not what is held.
    pub fn of_peer(&self, key: PeerKey) -> impl Iterator<Item = (EntryId, &JournalEntry)> {
        self.chain.of_peer(key).map(|(number, entry)| (EntryId(number), entry))
    }

    /// Until when entries are no longer held; none if all are.
    pub fn dropped_until(&self) -> Option<Instant> {
        self.dropped
    }

    /// Writes an event down if it is notable.
    pub(super) fn fold(&mut self, stamped: &Stamped) {
        let (peer, what) = match &stamped.event {
            Event::PeerDiscovered { peer, via } => (Some(peer), What::Discovered { via: *via }),
            Event::PeerState { peer, from, to } if *to != PeerState::Left => {
                (Some(peer), What::State { from: *from, to: *to })
            }
            Event::PeerRestarted { peer, previous_incarnation } => {
                (Some(peer), What::Restarted { previous: *previous_incarnation })
            }
            Event::PeerMoved { peer, from, path_only, .. } => {
                (Some(peer), What::Moved { from: Box::new(*from), path_only: *path_only })
            }
            Event::PeerPath { peer, addr, to, .. } if stamped.event.is_path_news() => {
                (Some(peer), What::Path { addr: Box::new(*addr), to: *to })
            }
            Event::PeerLeft { peer, reason } => (Some(peer), What::Left { reason: *reason }),
            Event::DialGaveUp { peer, attempts, cause, .. } if !self.said_so(peer.key, *cause) => {
                (Some(peer), What::GaveUp { attempts: *attempts, cause: *cause })
            }
            Event::Diagnosis(finding) if !self.diagnosed_so(finding) => {
                (Some(&finding.peer), What::Diagnosed { finding: Arc::clone(finding) })
            }
            Event::InterfaceUp { interface } => {
                (None, What::InterfaceUp { interface: Arc::clone(interface) })
            }
            Event::InterfaceDown { interface } => {
                (None, What::InterfaceDown { interface: Arc::clone(interface) })
            }
            Event::IdChanged { twin, .. } => (None, What::IdChanged { twin: Box::new(*twin) }),
            Event::Lagged { missed } => (None, What::Lagged { missed: *missed }),
            Event::Started { .. }
            | Event::NodeRenamed { .. }
            | Event::Visited { .. }
            | Event::PeerState { .. }
            | Event::BehindNat { .. }
            | Event::PeerPath { .. }
            | Event::DialStarted { .. }
            | Event::DialSucceeded { .. }
            | Event::DialFailed { .. }
            | Event::DialGaveUp { .. }
            | Event::ExchangeServed { .. }
            | Event::Rejected { .. }
            | Event::Snapshot(_)
            | Event::Diagnosis(_)
            | Event::Matrix(_)
            | Event::Stopped { .. } => return,
        };
        self.note(stamped, peer, what);
    }

    /// Writes one entry at the time of an event.
    pub(super) fn note(&mut self, stamped: &Stamped, peer: Option<&Arc<PeerInfo>>, what: What) {
        let Stamped { at, wall, .. } = *stamped;
        // What the screen itself notes, such as missed events, may be later than what was waiting for it.
        let at = self.newest().and_then(|newest| self.get(newest)).map_or(at, |newest| newest.at.max(at));
        let dropped = self.chain.push(JournalEntry { at, wall, peer: peer.cloned(), what });
        self.dropped = dropped.map(|entry| entry.at).or(self.dropped);
    }

    /// Whether the last diagnosis of this peer said the same; without any, that all is well says nothing new.
    fn diagnosed_so(&self, finding: &Finding) -> bool {
        let last = self.of_peer(finding.peer.key).find_map(|(_, entry)| match &entry.what {
            What::Diagnosed { finding } => Some(finding),
            _ => None,
        });
        match last {
            Some(last) => last.same(finding) && finding.replaces.is_none(),
            None => finding.verdict == Verdict::Ok,
        }
    }

    /// Whether it was said already that this peer was given up for this cause, and it was not reached since.
    fn said_so(&self, key: PeerKey, cause: Cause) -> bool {
        let last = self.of_peer(key).find_map(|(_, entry)| match entry.what {
            What::GaveUp { cause, .. } => Some(Some(cause)),
            What::State { to: PeerState::New | PeerState::Up, .. } => Some(None),
            _ => None,
        });
        last.flatten() == Some(cause)
    }
}
