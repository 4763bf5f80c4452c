//! What is known of a peer, as it is told to others: identity, state and the snapshot of a table.

use std::fmt::{self, Display as _};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::ser::SerializeStruct as _;
use serde::{Deserialize, Serialize, Serializer};

use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::config::{Config, DialInterval};
use crate::engine::observation::Observation;
use crate::engine::verdict::Verdict;
use crate::engine::{Incarnation, NodeId};

use super::path::PathState;

slotmap::new_key_type! {
    /// Names a row of the peer table. A forgotten row's key is never used again.
    pub struct PeerKey;
}

/// This node, as it introduces itself.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct NodeInfo {
    /// Random, for the life of the process.
    pub id: NodeId,
    /// Shown to people.
    pub name: String,
    /// Nodes of other groups ignore it.
    pub group: String,
    /// When it started.
    pub incarnation: Incarnation,
    /// The UDP presence port.
    pub port: u16,
    /// Where its TCP server listens.
    pub tcp_port: u16,
    /// Of the program.
    pub version: Arc<str>,
    /// Period of the regular dial of each peer, as a person sets it.
    #[serde(skip)]
    pub dial_interval: DialInterval,
}

impl NodeInfo {
    /// What a configuration says of this node.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            id: config.id,
            name: config.name.clone(),
            group: config.group.clone(),
            incarnation: config.incarnation,
            port: config.port,
            tcp_port: config.tcp_port,
            version: env!("CARGO_PKG_VERSION").into(),
            dial_interval: config.dial_interval,
        }
    }
}

/// Who a peer is. Shared by all events about it until it changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its row in the table.
    pub key: PeerKey,
    /// Unknown (null) until a peer that was added by hand has answered.
    pub id: Option<NodeId>,
    /// Its name; of a peer added by hand that has not answered yet, what the person typed.
    pub name: String,
    /// Where it is dialed: the source of what it sent, with its TCP port. Of a host name that a person added and that has no address
    /// yet, the unspecified address.
    pub addr: Endpoint,
    /// Unknown (null) as long as `id` is.
    pub incarnation: Option<Incarnation>,
}

impl PeerInfo {
    /// Whether it has an address; a host name that a person added may have none.
    pub fn has_address(&self) -> bool {
        !self.addr.ip().is_unspecified()
    }

    /// Whether it can be dialed: it has an address and a server.
    pub(crate) fn is_dialable(&self) -> bool {
        self.has_address() && self.addr.port() != 0
    }

    /// Where it is dialed, as people and programs are told: `10.0.0.7:17474`, or `host7:17474` as long as the name has no address.
    pub fn place(&self) -> impl fmt::Display {
        fmt::from_fn(|f| {
            if self.has_address() {
                self.addr.fmt(f)
            } else {
                write!(f, "{}:{}", self.name, self.addr.port())
            }
        })
    }

    /// Notes who the peer turned out to be.
    pub(crate) fn identify(&mut self, id: NodeId, incarnation: Incarnation, name: &str) {
        self.id = Some(id);
        self.incarnation = Some(incarnation);
        name.clone_into(&mut self.name);
    }
}

/// All but its row, which is of this process.
impl Serialize for PeerInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut peer = serializer.serialize_struct("PeerInfo", 4)?;
        peer.serialize_field("id", &self.id)?;
        peer.serialize_field("name", &self.name)?;
        peer.serialize_field("addr", &format_args!("{}", self.place()))?;
        peer.serialize_field("incarnation", &self.incarnation)?;
        peer.end()
    }
}

/// How a peer entered the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Via {
    /// It was heard on the presence port.
    Broadcast,
    /// It was heard in an IPv6 multicast group.
    Multicast,
    /// It sent to us alone: an answer to our hello, or an exchange.
    Reply,
    /// A person named it.
    Static,
    /// Another peer named it.
    Membership,
}

/// What we think of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// In the table, not yet dialed to an end.
    New,
    /// The last dial got its reply.
    Up,
    /// A dial failed and is being retried.
    Retrying,
    /// A dial was given up; the regular dialing goes on.
    Unreachable,
    /// Neither heard for `silent_after` of its periods nor reached by a dial since.
    Silent,
    /// It said goodbye.
    Left,
}

impl PeerState {
    /// All states, worst news last.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Up, Self::Retrying, Self::Unreachable, Self::Silent, Self::Left];

    /// Whether it should be reached and is not.
    pub fn is_failing(self) -> bool {
        matches!(self, Self::Retrying | Self::Unreachable | Self::Silent)
    }

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Up => "up",
            Self::Retrying => "retrying",
            Self::Unreachable => "unreachable",
            Self::Silent => "silent",
            Self::Left => "left",
        }
    }
}

/// Why a peer left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// It said so.
    Goodbye,
    /// A person dropped it.
    Forgotten,
    /// It was silent for so long, or the table so full, that it was dropped.
    Expired,
}

/// The dial of a peer, where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialPhase {
    /// Between two regular dials.
    Resting {
        /// When the next one is due; none for a peer that is not dialed.
        next: Option<Instant>,
    },
    /// Due, and waiting for the dial budget.
    Queued {
        /// The attempt that will begin, from 1.
        attempt: u32,
    },
    /// An attempt is under way.
    InFlight {
        /// Which, from 1.
        attempt: u32,
        /// Of at most.
        max: u32,
        /// Since when.
        since: Instant,
    },
    /// An attempt failed and the next one waits.
    Waiting {
        /// The attempt that will begin, from 2.
        attempt: u32,
        /// Of at most.
        max: u32,
        /// When the wait began.
        since: Instant,
        /// When it begins.
        until: Instant,
    },
}

/// One peer as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PeerSnapshot {
    /// Who.
    #[serde(flatten)]
    pub info: Arc<PeerInfo>,
    /// What we think of it.
    pub state: PeerState,
    /// How it entered the table.
    pub via: Via,
    /// Round trip of the last successful dial, in microseconds.
    pub rtt_us: Option<u64>,
    /// Connect time of the last successful dial.
    #[serde(skip)]
    pub connect: Option<Duration>,
    /// Share of the last 64 attempts that failed, 0 to 1; none before the first.
    pub loss: Option<f32>,
    /// Milliseconds since anything was received from it; none if nothing ever was.
    pub last_heard_ms: Option<u64>,
    /// When anything was last received from it.
    #[serde(skip)]
    pub last_heard: Option<Instant>,
    /// Why the last dial failed; none after a success.
    pub cause: Option<Cause>,
    /// What the diagnosis says of it; `unknown` before anything is known.
    pub verdict: Verdict,
    /// What we see of it, by each way.
    #[serde(skip)]
    pub observation: Observation,
    /// Where its dial stands.
    #[serde(skip)]
    pub dial: DialPhase,
    /// The interface on whose link it is; none off-link.
    #[serde(skip)]
    pub interface: Option<Arc<str>>,
    /// Other addresses than that of `info`; none in the usual case that there is nothing to tell of any.
    #[serde(rename = "paths", serialize_with = "addresses")]
    pub elsewhere: Option<Arc<Elsewhere>>,
}

/// What is known of a peer's addresses beyond the one that is dialed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// All addresses that it was heard from, the latest first; empty if that is only the one that is dialed.
    pub heard: Vec<HeardFrom>,
    /// The address that it believes to have, where its presences from the dialed one say another: there is a
    /// translator (NAT) between, or it takes another of its links. Shown, never dialed.
    pub claimed: Option<IpAddr>,
}

/// An address that a peer was heard from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeardFrom {
    /// Where it is dialed there: the source address of its datagrams or connections, and its TCP port.
    pub addr: Endpoint,
    /// When it was last heard from it.
    #[serde(skip)]
    pub last: Instant,
    /// Milliseconds since then.
    pub last_heard_ms: u64,
    /// The interface on whose link the address is; none off-link.
    pub interface: Option<Arc<str>>,
    /// It has proved that it receives there.
    #[serde(skip)]
    pub proven: bool,
    /// How the last dial of it went.
    pub state: PathState,
    /// Round trip of the last dial that got its reply there, in microseconds; none if none did.
    pub rtt_us: Option<u64>,
}

#[expect(clippy::ref_option, reason = "the signature serde asks for")]
fn addresses<S: Serializer>(elsewhere: &Option<Arc<Elsewhere>>, serializer: S) -> Result<S::Ok, S::Error> {
    elsewhere.as_ref().map_or(&[][..], |elsewhere| &elsewhere.heard).serialize(serializer)
}

/// The whole table at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// This node.
    pub node: Arc<NodeInfo>,
    /// The interfaces that presence uses.
    pub interfaces: Arc<[crate::engine::interface::Interface]>,
    /// Every peer, in order of discovery.
    pub peers: Vec<PeerSnapshot>,
}
