//! What a diagnosis says: the verdict, how sure it is, which pattern of the matrix it explains.

use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;

use crate::engine::NodeId;
use crate::engine::peers::PeerInfo;

/// What is wrong with a peer or a pair, as the contract names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing.
    Ok,
    /// The host answers, nothing listens on the port.
    ClosedPort,
    /// The host lives, and something answers its connections with a refusal.
    FirewallReject,
    /// The host lives, and TCP packets to it vanish.
    FirewallDrop,
    /// No sign of life by any way.
    HostDown,
    /// Neither hears the other, though both are heard by third ones.
    Isolated,
    /// UDP passes in one direction only.
    OneWayUdp,
    /// Unicast UDP passes, broadcasts do not.
    BroadcastBlocked,
    /// TCP passes, no UDP at all.
    UdpBlocked,
    /// TCP passes in one direction only.
    OneWayTcp,
    /// It accepts connections and never answers.
    HungPeer,
    /// Some packets are lost, or all large ones.
    PacketLoss,
    /// The networks' addresses or masks do not fit.
    WrongSubnet,
    /// There is no route to it.
    NoRoute,
    /// This machine's own interface, permission or limits.
    LocalProblem,
    /// The shared secrets differ.
    WrongSecret,
    /// It belongs to another group.
    WrongGroup,
    /// It speaks another version of the protocol.
    VersionMismatch,
    /// Two hosts have the same name.
    DuplicateName,
    /// Something fails, and the evidence does not say what; or nothing is known yet.
    #[default]
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 20] = [
        Self::Ok,
        Self::ClosedPort,
        Self::FirewallReject,
        Self::FirewallDrop,
        Self::HostDown,
        Self::Isolated,
        Self::OneWayUdp,
        Self::BroadcastBlocked,
        Self::UdpBlocked,
        Self::OneWayTcp,
        Self::HungPeer,
        Self::PacketLoss,
        Self::WrongSubnet,
        Self::NoRoute,
        Self::LocalProblem,
        Self::WrongSecret,
        Self::WrongGroup,
        Self::VersionMismatch,
        Self::DuplicateName,
        Self::Unknown,
    ];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::ClosedPort => "closed_port",
            Self::FirewallReject => "firewall_reject",
            Self::FirewallDrop => "firewall_drop",
            Self::HostDown => "host_down",
            Self::Isolated => "isolated",
            Self::OneWayUdp => "one_way_udp",
            Self::BroadcastBlocked => "broadcast_blocked",
            Self::UdpBlocked => "udp_blocked",
            Self::OneWayTcp => "one_way_tcp",
            Self::HungPeer => "hung_peer",
            Self::PacketLoss => "packet_loss",
            Self::WrongSubnet => "wrong_subnet",
            Self::NoRoute => "no_route",
            Self::LocalProblem => "local_problem",
            Self::WrongSecret => "wrong_secret",
            Self::WrongGroup => "wrong_group",
            Self::VersionMismatch => "version_mismatch",
            Self::DuplicateName => "duplicate_name",
            Self::Unknown => "unknown",
        }
    }

    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Ok => "all is well",
            Self::ClosedPort => "the host answers, but nothing is listening on the port",
            Self::FirewallReject => "a firewall refuses its TCP connections",
            Self::FirewallDrop => "TCP connections vanish in a firewall",
            Self::HostDown => "no sign of life by any way",
            Self::Isolated => "cut off from here, heard by others",
            Self::OneWayUdp => "UDP passes in one direction only",
            Self::BroadcastBlocked => "broadcasts do not arrive",
            Self::UdpBlocked => "TCP passes, UDP does not",
            Self::OneWayTcp => "TCP passes in one direction only",
            Self::HungPeer => "it accepts connections and never answers",
            Self::PacketLoss => "packets are lost",
            Self::WrongSubnet => "address or netmask do not fit the network",
            Self::NoRoute => "there is no route to it",
            Self::LocalProblem => "a fault of this machine's own",
            Self::WrongSecret => "the shared secrets differ",
            Self::WrongGroup => "it belongs to another group",
            Self::VersionMismatch => "it speaks another protocol version",
            Self::DuplicateName => "another host has the same name",
            Self::Unknown => "it fails, and the evidence does not say why",
        }
    }
}

/// How the pairs that fail lie in the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// One pair, in one direction or both.
    Pair,
    /// A column: what goes to one host fails, whoever sends it. Its inbound side.
    Column,
    /// A row: what one host sends fails, whoever is to get it. Its outbound side.
    Row,
    /// A row and its column: everything of one host fails.
    Host,
    /// A block: two groups of hosts that work among themselves and not with each other.
    Islands,
    /// Here and there.
    Scattered,
    /// A node that is no peer of ours.
    Stranger,
}

impl Pattern {
    /// Its word in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pair => "pair",
            Self::Column => "column",
            Self::Row => "row",
            Self::Host => "host",
            Self::Islands => "islands",
            Self::Scattered => "scattered",
            Self::Stranger => "stranger",
        }
    }
}

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Another cause fits the evidence as well.
    Low,
    /// One end's evidence says so and nothing speaks against it.
    Medium,
    /// Both ends, third ones, or the system itself say so.
    High,
}

/// One incident: what is wrong, with whom, how we know, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// Whose fault it most likely is, or the first of those concerned; it may be this node itself.
    pub peer: Arc<PeerInfo>,
    /// What is wrong; [`Verdict::Ok`] when an earlier finding about that peer is withdrawn.
    pub verdict: Verdict,
    /// What was observed, by whom, when: a sentence each.
    pub evidence: Vec<String>,
    /// What to do, in one sentence.
    pub advice: String,
    /// How the failing pairs lie.
    pub pattern: Pattern,
    /// How sure it is.
    pub confidence: Confidence,
    /// The nodes it is about.
    pub nodes: Vec<NodeId>,
    /// Their names, in the same order.
    pub names: Vec<String>,
    /// The failing pairs that it explains, from and to; at most [`MAX_PAIRS_LISTED`].
    pub pairs: Vec<(NodeId, NodeId)>,
    /// How many pairs it explains.
    pub pair_count: usize,
    /// When it began to hold.
    #[serde(skip)]
    pub since: Instant,
}

/// Pairs that a finding lists: of a hundred hosts behind a dead switch there are ten thousand, and nobody reads them.
pub const MAX_PAIRS_LISTED: usize = 256;

impl Finding {
    /// Whether it says the same as another, whatever the evidence.
    pub fn same(&self, other: &Self) -> bool {
        (self.verdict, self.pattern) == (other.verdict, other.pattern)
            && self.peer.id == other.peer.id
            && self.nodes == other.nodes
    }

    /// The incident in a few words: `h2: TCP connections vanish in a firewall`.
    pub fn headline(&self) -> String {
        let who = match self.names.as_slice() {
            [] => self.peer.name.clone(),
            [one] => one.clone(),
            [one, two] => format!("{one} and {two}"),
            [one, two, three] => format!("{one}, {two} and {three}"),
            [one, two, rest @ ..] => format!("{one}, {two} and {} others", rest.len()),
        };
        format!("{who}: {}", self.verdict.description())
    }
}
