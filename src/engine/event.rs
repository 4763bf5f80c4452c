//! What the engine publishes: each variant and each field of an [`Event`] says when it is told and what it implies. The
//! terminal, `watch`, the log and a recording are folds over the same events. What the engine is told and asks for is in
//! [`super::api`]: the two files are the whole system on a page.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize, Serializer};

use crate::engine::address::Endpoint;
use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::interface::Interface;
use crate::engine::matrix::MatrixView;
use crate::engine::peers::{LeaveReason, NodeInfo, PathState, PeerInfo, PeerState, Snapshot, Via};
use crate::engine::verdict::Finding;
use crate::proto::{Incarnation, NodeId};

/// Why the node stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// A person asked for it.
    Quit,
    /// SIGINT, SIGTERM or SIGHUP.
    Signal,
    /// The time given with `--for` is over.
    Elapsed,
    /// Nobody reads the output any longer.
    OutputClosed,
    /// A task of the node failed.
    Failure,
}

/// Why something from the network was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectReason {
    /// Not our protocol at all.
    Foreign,
    /// Our protocol, but not as specified.
    Malformed,
    /// Ends too early.
    Truncated,
    /// Larger than allowed.
    Oversized,
    /// Another major version.
    VersionMismatch,
    /// Another group on the same network.
    WrongGroup,
    /// Of our group, and not made with our secret.
    WrongSecret,
    /// Made with a secret, and this node has none.
    SecretNeeded,
    /// A sequence number that was already seen: a duplicate, a late or a replayed datagram.
    Replayed,
    /// From an address that is on no link of this host.
    OffLink,
    /// Came in by a link that this node does not use.
    UnusedLink,
    /// From a node that another has replaced at its address.
    Retired,
    /// From another address than a peer's, in that peer's name.
    IdentityConflict,
    /// A row that its owner did not sign: made up by another holder of the secret, or of a node that does not sign yet.
    UnsignedRow,
    /// The table of peers is full.
    TableFull,
    /// More nodes at one address than one host plausibly runs.
    TooManyNodes,
    /// More changes of nodes that have not proved to be where they say than are followed.
    TooManyChanges,
    /// More inbound connections than allowed.
    TooManyConnections,
    /// An inbound connection that did not send its request in time.
    TooSlow,
    /// An inbound connection that closed before its request was complete.
    ClosedEarly,
}

impl RejectReason {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::Foreign,
        Self::Malformed,
        Self::Truncated,
        Self::Oversized,
        Self::VersionMismatch,
        Self::WrongGroup,
        Self::WrongSecret,
        Self::SecretNeeded,
        Self::Replayed,
        Self::OffLink,
        Self::UnusedLink,
        Self::Retired,
        Self::IdentityConflict,
        Self::UnsignedRow,
        Self::TableFull,
        Self::TooManyNodes,
        Self::TooManyChanges,
        Self::TooManyConnections,
        Self::TooSlow,
        Self::ClosedEarly,
    ];
}

/// One thing that happened, told to everybody who listens. The field names are those of the contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The node is up: sockets are open and the first hello is on its way. Always the first event.
    Started {
        /// This node.
        node: Arc<NodeInfo>,
        /// The interfaces that presence uses; may be empty, then one is waited for.
        interfaces: Arc<[Interface]>,
    },
    /// This node is called otherwise from now on, as its machine is. Others learn it with its next presence.
    NodeRenamed {
        /// This node, with its new name.
        node: Arc<NodeInfo>,
        /// How it was called until now.
        from: String,
    },
    /// Presence uses one more interface; a hello leaves on all of them. An interface whose address changes goes down
    /// and comes up.
    InterfaceUp {
        /// The one that came.
        interface: Arc<Interface>,
    },
    /// Presence uses one interface less.
    InterfaceDown {
        /// As it was.
        interface: Arc<Interface>,
    },
    /// Another node had this node's identity, as the copy of a running machine has: this one took a new identity. Readers that
    /// know this node by its id know it by the new one from now on; to its peers it is another node.
    IdChanged {
        /// This node with its new identity.
        node: Arc<NodeInfo>,
        /// The identity until now, which the other node may keep.
        previous_id: NodeId,
        /// Where the other node answered.
        #[serde(rename = "addr")]
        twin: Endpoint,
    },
    /// A peer entered the table, in the state [`PeerState::New`].
    PeerDiscovered {
        /// Who; its identity is unknown as long as a peer added by hand has not answered.
        peer: Arc<PeerInfo>,
        /// How this node learned of it.
        via: Via,
    },
    /// A peer's state changed.
    PeerState {
        /// Whose.
        peer: Arc<PeerInfo>,
        /// The state before; of a peer's first change [`PeerState::New`].
        from: PeerState,
        /// The state now, never the same as `from`.
        to: PeerState,
    },
    /// Another process runs at a peer's address: the peer is new again, and what was proven of the old process is void.
    PeerRestarted {
        /// The peer with its new identity, in the same row of the table.
        peer: Arc<PeerInfo>,
        /// When the old process started.
        previous_incarnation: Incarnation,
    },
    /// A peer is dialed at another address from now on. A dial under way is abandoned, and no event tells its end.
    PeerMoved {
        /// The peer, already with its new address.
        peer: Arc<PeerInfo>,
        /// The address that was dialed until now; none (null) if its name had none.
        #[serde(serialize_with = "unless_unspecified")]
        from: Endpoint,
        /// The address that is dialed from now on.
        to: Endpoint,
        /// The peer was at both at once, as far as is known: it did not move, another of its addresses is dialed.
        #[serde(skip)]
        path_only: bool,
    },
    /// One of several addresses of a peer fares otherwise than before, as a dial of it showed. The one that is dialed is told of like
    /// the others; if it fails, and another one answers, [`Event::PeerMoved`] follows.
    PeerPath {
        /// Whose.
        peer: Arc<PeerInfo>,
        /// The address.
        addr: Endpoint,
        /// The interface of this node on whose link it is; none (null) off-link.
        interface: Option<Arc<str>>,
        /// How it fared before.
        from: PathState,
        /// How it fares now, never the same as `from`.
        to: PathState,
    },
    /// Between this node and a peer a router translates addresses (NAT): told once of this node for each address at which others see it, and once of
    /// each peer behind one.
    BehindNat {
        /// Who sees this node there, or who is behind the NAT.
        peer: Arc<PeerInfo>,
        /// Where whoever is behind it is seen.
        seen_at: IpAddr,
        /// Whether it is this node that is behind the NAT.
        this_node: bool,
    },
    /// One-shot commands joined for a moment, to answer a question of a person there: they are answered, and are in no table, count,
    /// matrix or finding. At most once a second.
    Visited {
        /// The name of the latest.
        name: Arc<str>,
        /// Where it came from.
        addr: Endpoint,
        /// How many since the last event.
        count: u64,
    },
    /// A peer said goodbye, was forgotten by a person, or left the table by age. After a goodbye it stays in the table for
    /// a while, in the state [`PeerState::Left`]; otherwise its row is gone.
    PeerLeft {
        /// Who.
        peer: Arc<PeerInfo>,
        /// Why.
        reason: LeaveReason,
    },
    /// An attempt begins. One of [`Event::DialSucceeded`] and [`Event::DialFailed`] ends it, unless the peer moves,
    /// restarts or leaves before, or the node stops.
    DialStarted {
        /// Who is dialed.
        peer: Arc<PeerInfo>,
        /// Where.
        addr: Endpoint,
        /// Which attempt of this dial, from 1.
        attempt: u32,
        /// The attempts that this dial may take; 1 before a peer has proved that it holds its address.
        max: u32,
        /// A person asked for it, by a command or by naming the peer.
        forced: bool,
    },
    /// An attempt got its reply; the dial ends here.
    DialSucceeded {
        /// Who replied: the peer that was dialed, or another row that turned out to be the same node.
        peer: Arc<PeerInfo>,
        /// Where it was dialed.
        addr: Endpoint,
        /// Which attempt of this dial, from 1.
        attempt: u32,
        /// From the start of the attempt until the connection stood.
        #[serde(rename = "connect_us", serialize_with = "as_micros")]
        connect: Duration,
        /// From sending the request until the whole reply was read.
        #[serde(rename = "rtt_us", serialize_with = "as_micros")]
        rtt: Duration,
    },
    /// An attempt failed. Either `retry_in` says when the next one follows, or [`Event::DialGaveUp`] comes next.
    DialFailed {
        /// Who was dialed.
        peer: Arc<PeerInfo>,
        /// Where.
        addr: Endpoint,
        /// Which attempt of this dial, from 1.
        attempt: u32,
        /// The attempts that this dial may take.
        max: u32,
        /// Why.
        cause: Cause,
        /// What failed exactly; a record has its sentence.
        detail: Arc<Detail>,
        /// The system's error number, if there was one.
        errno: Option<i32>,
        /// Whether trying again can help; where it cannot, no attempt follows.
        retryable: bool,
        /// The wait before the next attempt, 0 before that at the next address of its name; none if no attempt follows.
        #[serde(rename = "retry_in_ms", serialize_with = "as_millis")]
        retry_in: Option<Duration>,
    },
    /// The last attempt of a dial failed, or one that no retry can cure. The peer's regular dials go on.
    DialGaveUp {
        /// Who was dialed.
        peer: Arc<PeerInfo>,
        /// Where; of several addresses the one of its row.
        addr: Endpoint,
        /// How many attempts this dial took.
        attempts: u32,
        /// Why the last one there failed.
        cause: Cause,
    },
    /// We answered somebody's exchange: a dial of theirs has succeeded as far as we can tell. Has one of its two fields. Of those that are
    /// no peers at most ten a second are told.
    ExchangeServed {
        /// The peer that dialed.
        #[serde(skip_serializing_if = "Option::is_none")]
        peer: Option<Arc<PeerInfo>>,
        /// Where the connection came from, if that is no peer: a dial without a node behind it, or no room in the table.
        #[serde(skip_serializing_if = "Option::is_none")]
        addr: Option<Endpoint>,
    },
    /// A verdict on a peer, or on a pattern of the matrix, or that an earlier one is withdrawn: then the verdict is `ok`.
    Diagnosis(Arc<Finding>),
    /// Things from the network were turned away: told at once for the first of its reason, then at most once a second,
    /// rarer while it goes on.
    Rejected {
        /// The latest sender; the others are not told.
        from: Endpoint,
        /// Why all of them were turned away.
        reason: RejectReason,
        /// How many since the last event of this reason.
        count: u64,
    },
    /// The reader was too slow for the events. Made by the reader's side, never by the engine.
    Lagged {
        /// How many events it missed.
        missed: u64,
    },
    /// All peers as they are now, because somebody sent [`Command::RequestSnapshot`](super::api::Command::RequestSnapshot): a reader that lagged is right
    /// again, and the ages that no other event carries are fresh.
    Snapshot(Arc<Snapshot>),
    /// Who reaches whom now, because somebody sent [`Command::RequestMatrix`](super::api::Command::RequestMatrix).
    Matrix(Arc<MatrixView>),
    /// The node has said its goodbyes and is about to stop. Always the last event, but for a node that fails.
    Stopped {
        /// Why.
        reason: StopReason,
    },
}

impl Event {
    /// Whether it tells that an address of a peer fails, or no longer does: that one answers at first is what one expects.
    pub fn is_path_news(&self) -> bool {
        matches!(self, Self::PeerPath { from, to, .. } if [from, to].contains(&&PathState::Failing))
    }

    /// The event of an attempt that failed, and after which the next one follows in `wait` if at all.
    pub fn dial_failed(
        (peer, addr): (&Arc<PeerInfo>, Endpoint),
        (attempt, max): (u32, u32),
        failure: &Failure,
        wait: Option<Duration>,
    ) -> Self {
        Self::DialFailed {
            peer: Arc::clone(peer),
            addr,
            attempt,
            max,
            cause: failure.cause,
            detail: Arc::clone(&failure.detail),
            errno: failure.errno,
            retryable: failure.retry != Retry::Never,
            retry_in: wait,
        }
    }
}

/// An event and its time.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped {
    /// When, by the monotonic clock: countdowns are reckoned from here.
    pub at: Instant,
    /// When, by the wall clock: for people and records.
    pub wall: SystemTime,
    /// What happened.
    pub event: Event,
}

fn as_micros<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

fn unless_unspecified<S: Serializer>(addr: &Endpoint, serializer: S) -> Result<S::Ok, S::Error> {
    Some(addr).filter(|addr| !addr.ip().is_unspecified()).serialize(serializer)
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn as_millis<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
    match duration {
        Some(d) => serializer.serialize_some(&u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
        None => serializer.serialize_none(),
    }
}
