//! What a packet filter does to packets: the words that the doctor, who reads its rules, and the diagnosis share.

use std::sync::Arc;

/// Which way packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// To this machine.
    In,
    /// From this machine.
    Out,
}

/// The version of IP that a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpVersion {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// What vigie sends and receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// UDP to everyone on a link: a broadcast, in IPv6 a multicast.
    Broadcast,
    /// UDP to one host.
    Unicast,
    /// Connections.
    Tcp,
}

/// A rule of this machine's own packet filter that is known to stop packets of vigie's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockingRule {
    /// Which packets.
    pub ip: IpVersion,
    /// Which way they go.
    pub direction: Direction,
    /// What it stops.
    pub stops: Vec<Traffic>,
    /// On these interfaces.
    pub interfaces: Vec<Arc<str>>,
    /// The rule, in the words of the packet filter.
    pub rule: Arc<str>,
    /// What lets the packets through, as whoever read the rule knows it.
    pub remedy: Arc<str>,
}
