//! The words of a diagnosis: the verdict, how sure it is, which pattern of the matrix it explains.

use serde::{Deserialize, Serialize};

/// What is wrong with a peer or a pair, as the contract names it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
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
    /// No sign of life by any path.
    HostDown,
    /// Neither hears the other, though others hear both.
    Isolated,
    /// UDP passes in one direction only.
    OneWayUdp,
    /// Unicast UDP passes, broadcasts do not.
    BroadcastBlocked,
    /// TCP passes, no UDP at all.
    UdpBlocked,
    /// TCP passes in one direction only.
    OneWayTcp,
    /// It accepts connections and never replies.
    HungPeer,
    /// Some packets are lost.
    PacketLoss,
    /// Small packets pass, and all large ones are lost.
    Mtu,
    /// The networks' addresses or masks do not match.
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
    /// Two hosts have the same address.
    AddressConflict,
    /// It comes and goes.
    Flapping,
    /// It answers late or in bursts: stopped and going, or starved.
    SlowHost,
    /// Something fails, and the evidence does not say what; or nothing is known yet.
    #[default]
    Unknown,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 24] = [
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
        Self::Mtu,
        Self::WrongSubnet,
        Self::NoRoute,
        Self::LocalProblem,
        Self::WrongSecret,
        Self::WrongGroup,
        Self::VersionMismatch,
        Self::DuplicateName,
        Self::AddressConflict,
        Self::Flapping,
        Self::SlowHost,
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
            Self::Mtu => "mtu",
            Self::WrongSubnet => "wrong_subnet",
            Self::NoRoute => "no_route",
            Self::LocalProblem => "local_problem",
            Self::WrongSecret => "wrong_secret",
            Self::WrongGroup => "wrong_group",
            Self::VersionMismatch => "version_mismatch",
            Self::DuplicateName => "duplicate_name",
            Self::AddressConflict => "address_conflict",
            Self::Flapping => "flapping",
            Self::SlowHost => "slow_host",
            Self::Unknown => "unknown",
        }
    }
}

impl Verdict {
    /// Whether it lies in the host that is dialed, whoever dials it: it answers, so that the way there is well.
    pub fn is_of_the_target(self) -> bool {
        matches!(self, Self::ClosedPort | Self::HungPeer)
    }

    /// Whether dials alone fail, and nothing tells why.
    pub(super) fn is_of_dials(self) -> bool {
        matches!(self, Self::FirewallDrop | Self::FirewallReject | Self::OneWayTcp)
    }

    /// Whether everything passes, though some of it may be lost, as it may be everywhere.
    pub(super) fn passes(self) -> bool {
        matches!(self, Self::Ok | Self::PacketLoss)
    }
}

/// How the pairs that fail lie in the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
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
    /// A block: all hosts of one network with all of another one, which a router joins.
    Segments,
    /// Pairs here and there.
    Scattered,
    /// A node that is no peer.
    #[serde(rename = "stranger")]
    ForeignNode,
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
            Self::Segments => "segments",
            Self::Scattered => "scattered",
            Self::ForeignNode => "stranger",
        }
    }
}

/// How sure a verdict is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// One end's evidence says so, and nothing speaks against it.
    Likely,
    /// Both ends, other nodes, or the system itself say so.
    Certain,
}
