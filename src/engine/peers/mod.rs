//! The peer table: who is known, and all that is known of them.

mod health;
pub(crate) mod hearing;
mod last_seen;
pub(crate) mod observe;
pub(crate) mod path;
pub(crate) mod peer;
mod snapshot;
mod table;

pub use path::PathState;
pub use peer::{Slowness, Tardiness};
pub use snapshot::{
    DialPhase, Elsewhere, HeardFrom, LeaveReason, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, PeerState,
    Snapshot, Via,
};
pub(crate) use table::{Following, PeerTable, Speaker, Voice};
