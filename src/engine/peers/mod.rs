//! The peer table: who is known, and all that is known of them.

pub(crate) mod row;
mod snapshot;
mod table;

pub use snapshot::{
    DialPhase, Elsewhere, HeardFrom, LeaveReason, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, PeerState,
    Snapshot, Via,
};
