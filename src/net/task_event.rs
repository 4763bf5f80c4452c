//! What the tasks of a node tell its driver.
//!
//! The servers send it through a bounded channel; a dial or a look-up ends with it.

use std::net::SocketAddr;

use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::engine::api::{DialId, TetherEnd, TetherId};
use crate::engine::cause::Failure;
use crate::engine::config::Target;
use crate::engine::event::RejectReason;
use crate::engine::hardware::HardwareAddr;
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::PeerKey;
use crate::proto::DecodeError;

use super::dialer::Reached;

/// What has happened in one of the node's tasks.
pub(super) enum TaskEvent {
    /// An attempt is over; its buffer comes back.
    DialEnded { dial: DialId, result: Result<Reached, Failure>, reply: Vec<u8> },
    /// A tether was dialed: its connection stands and its reply was read, or not.
    TetherAnswered { tether: TetherId, result: Result<TcpStream, Failure>, reply: Vec<u8> },
    /// The reply that keeps an inbound connection is sent.
    TetherAccepted { kept: Kept, stream: TcpStream },
    /// A tether is over.
    TetherEnded { tether: TetherId, end: TetherEnd },
    /// A request came.
    Inbound(Inbound),
    /// A connection was closed without a reply.
    TurnedAway { from: SocketAddr, reason: RejectReason },
    /// The neighbour table was read.
    Hardware { peer: PeerKey, hardware: Option<HardwareAddr> },
    /// The rules of this machine's packet filter were read.
    FilterRules(Vec<BlockingRule>),
    /// A look-up is over.
    Resolved { target: Target, addrs: Vec<SocketAddr> },
}

/// A request, and where its reply goes; none closes without one.
pub(super) struct Inbound {
    pub(super) from: SocketAddr,
    /// The address of this machine that was dialed.
    pub(super) to: Option<SocketAddr>,
    /// Its body, or the version that we do not speak.
    pub(super) body: Result<Vec<u8>, DecodeError>,
    /// It was sealed with a secret of ours.
    pub(super) sealed: bool,
    pub(super) reply: oneshot::Sender<Option<Outbound>>,
}

/// A reply.
pub(super) struct Outbound {
    /// The whole frame.
    pub(super) frame: Vec<u8>,
    /// The connection is kept after it.
    pub(super) tether: Option<Kept>,
}

/// A connection that is kept until it is released, or ends.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) tether: TetherId,
    /// Its sender is dropped when the tether is to end.
    pub(super) release: oneshot::Receiver<()>,
}
