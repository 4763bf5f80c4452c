//! What a peer's state means, and why it is not up.

use crate::engine::cause::Cause;
use crate::engine::peers::{PeerInfo, PeerState};
use crate::engine::verdict::Verdict;

use super::Label;

impl PeerState {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::New => "no dial finished yet",
            Self::Up => "its last dial was answered",
            Self::Retrying => "a dial failed, the next one follows",
            Self::Unreachable => "all attempts of a dial failed",
            Self::Silent => "neither heard nor reached",
            Self::Left => "it said goodbye",
        }
    }
}

/// Why a peer is not reached, as far as this node alone can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// A person named it, and the name has no address.
    NoAddress,
    /// It is behind the address of another host, where it has no port: it dials in.
    OnlyDialsIn,
    /// So its last dial failed.
    Dial(Cause),
}

impl Reason {
    /// Why this peer is not reached, whose last dial failed so.
    pub fn of(peer: &PeerInfo, cause: Option<Cause>) -> Option<Self> {
        match (peer.has_address(), peer.addr.port()) {
            (false, _) => Some(Self::NoAddress),
            (true, 0) => Some(Self::OnlyDialsIn),
            (true, _) => cause.map(Self::Dial),
        }
    }

    /// Whether anything is wrong with the peer.
    pub fn is_wrong(self) -> bool {
        self != Self::OnlyDialsIn
    }

    /// In a word or two.
    pub fn label(self) -> Label {
        match self {
            Self::NoAddress => Label("no address (DNS)"),
            Self::OnlyDialsIn => Label("only dials in"),
            Self::Dial(cause) => cause.label(),
        }
    }

    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::NoAddress => "the host name does not resolve",
            Self::OnlyDialsIn => "it can dial in and cannot be dialed: it is behind another host's address",
            Self::Dial(cause) => cause.description(),
        }
    }

    /// What to try next, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::NoAddress => {
                "check the spelling of the host name and the name servers of this machine, or use its address"
            }
            Self::OnlyDialsIn => {
                "nothing, unless it is to be dialed: then give it an address of its own in this network (a container: host networking)"
            }
            Self::Dial(cause) => cause.advice(),
        }
    }
}

/// What is wrong with a peer, in a few words: what the diagnosis says, else why it is not reached; none as long as neither
/// is known.
pub fn what_is_wrong(verdict: Verdict, reason: Option<Reason>) -> Option<String> {
    match (verdict, reason) {
        (Verdict::Unknown, None) => None,
        (Verdict::Unknown, Some(Reason::NoAddress)) => Some(Reason::NoAddress.label().to_string()),
        (Verdict::Unknown, Some(reason)) => Some(reason.description().to_owned()),
        (verdict, _) => Some(verdict.description().to_owned()),
    }
}
