//! Why something from the network was rejected.

use crate::engine::event::RejectReason;

impl RejectReason {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Foreign => "not a vigie message (another program uses this port)",
            Self::Malformed => "a malformed message",
            Self::Truncated => "a truncated message",
            Self::Oversized => "a message larger than the protocol allows",
            Self::VersionMismatch => "a different protocol version (update the older vigie)",
            Self::WrongGroup => "different group",
            Self::WrongSecret => "not made with this node's secret",
            Self::SecretNeeded => {
                "made with a shared secret, and this node has none (to join, use the same --secret-file)"
            }
            Self::Replayed => "a duplicate, late or replayed datagram",
            Self::OffLink => "not from a network of this machine (add it with --peer to dial it)",
            Self::UnusedLink => {
                "from an interface that vigie does not use (--interface, --exclude-interface, --bind)"
            }
            Self::Retired => "another node has taken over its address (two hosts with one address?)",
            Self::IdentityConflict => "another host uses the id of a peer",
            Self::UnsignedRow => {
                "what a node sees of others, not signed by that node (update the older vigie)"
            }
            Self::TableFull => "the peer table is full",
            Self::TooManyNodes => "too many nodes at one address",
            Self::TooManyChanges => "too many changes of nodes that have not proved their address",
            Self::TooManyConnections => "too many connections at once",
            Self::TooSlow => "a connection that did not send its request in time",
            Self::ClosedEarly => "a connection that closed before its request was complete",
        }
    }
}
