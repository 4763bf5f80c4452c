//! What a peer's state means, and why it is not up.

use crate::engine::cause::Cause;
use crate::engine::peers::PeerState;
use crate::engine::verdict::Verdict;

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

/// What is wrong with a peer, in a few words: what the diagnosis says, else why its last dial failed; none as long as neither
/// is known.
pub fn what_is_wrong(verdict: Verdict, cause: Option<Cause>) -> Option<&'static str> {
    match (verdict, cause) {
        (Verdict::Unknown, None) => None,
        (Verdict::Unknown, Some(cause)) => Some(cause.description()),
        (verdict, _) => Some(verdict.description()),
    }
}
