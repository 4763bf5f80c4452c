//! Why something from the network was turned away, in words.

use crate::engine::event::RejectReason;

impl RejectReason {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Foreign => "not a vigie message (another program uses this port)",
            Self::Malformed => "a malformed message",
            Self::Truncated => "a truncated message",
            Self::Oversized => "a message larger than the protocol allows",
            Self::VersionMismatch => "another protocol version (update the older vigie)",
            Self::WrongGroup => "another group",
            Self::Replayed => "a duplicate, late or replayed datagram",
            Self::OffLink => "from outside this machine's links (name it with --peer to dial it)",
            Self::Retired => {
                "from a node that another has replaced at its address (two hosts with one address?)"
            }
            Self::IdentityConflict => "another host speaks in the name of a peer",
            Self::TableFull => "the peer table is full",
            Self::TooManyNodes => "too many nodes at one address",
            Self::TooManyConnections => "too many connections at once",
            Self::TooSlow => "a connection that did not send its request in time",
            Self::ClosedEarly => "a connection that closed before its request was complete",
        }
    }
}
