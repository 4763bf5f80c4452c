//! What is said in a peer's name, and what is remembered of it where it may be another's; `weighing` has the rule.

use crate::engine::address::ZonedIp;
use crate::engine::moment::Moment;
use crate::engine::{Incarnation, NodeId};

/// What shows that the sender of a word is at the address from which it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    /// Nothing.
    None,
    /// It has a nonce that was sent to that address.
    Echo,
    /// A connection stood there.
    Connection,
}

/// What is said in a peer's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Word {
    pub(crate) from: ZonedIp,
    /// In which life of the peer.
    pub(crate) incarnation: Incarnation,
    pub(crate) evidence: Evidence,
}

/// What a word in a peer's name is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Weight {
    /// The peer's own.
    Own,
    /// Of another life of the peer: that one begins.
    NewLife,
    /// Of another life, while the peer lives as far as is known: it is asked.
    Doubtful,
    /// Of a life that is over.
    Past,
    /// Of a life that is over, if the one that is known is no forgery: nothing of it was proved. The sender is to prove that it is there.
    PastUnlessProved,
}

/// Who lives at an address at which another identity is heard than the one that is known there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Holder {
    /// The one that is known is no more: the other one has its place.
    Gone,
    /// The one that is known was asked, and has not answered yet.
    Asked,
    /// The one that is known answered: there are two.
    Stays,
}

/// Somebody else who is heard at a peer's address, or in its name.
#[derive(Debug)]
pub(super) struct Challenge {
    pub(super) by: (NodeId, Incarnation),
    /// When the peer was asked whether it is still there.
    pub(super) asked: Moment,
}

/// A goodbye that anybody may have said: the peer was asked whether it leaves.
#[derive(Debug)]
pub(super) struct Farewell {
    pub(super) first_asked: Moment,
    pub(super) asked: Moment,
    /// The number of the goodbye.
    pub(super) sequence: u64,
    pub(super) due: Moment,
}

/// What is remembered of words that may be a peer's.
#[derive(Debug, Default)]
pub(super) struct Doubts {
    /// Identity that this row had before its last restart, until when: late datagrams of it are refused.
    pub(super) retired: Option<(NodeId, Moment)>,
    pub(super) challenge: Option<Challenge>,
    pub(super) farewell: Option<Farewell>,
    /// When it answered to a nonce from where it is dialed.
    pub(super) answered: Option<Moment>,
    /// When it left.
    pub(super) left: Option<Moment>,
}
