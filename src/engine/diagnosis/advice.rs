//! What can be done about a finding, as data: `text` makes the sentence of it, with the commands of this system.

use std::sync::Arc;

use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::network::Network;

use super::evidence::{Several, Who};

/// The one thing to do next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Advice {
    /// Nothing: all is well.
    #[default]
    Nothing,
    /// As the node that gives it told it, in its words: of a finding that was read, and not made here.
    Told(Arc<str>),
    /// Start the program there, or use the port that it listens on.
    Start {
        /// On which host.
        on: Who,
    },
    /// Restart the program there: it hangs.
    Restart {
        /// On which host.
        on: Who,
    },
    /// Give two links of this machine networks of their own, or join their wires.
    SeparateNetworks {
        /// Their names.
        links: [Arc<str>; 2],
    },
    /// Let TCP connections out of a host.
    AllowTcpOut {
        /// Of which.
        on: Who,
        /// To this port.
        port: u16,
    },
    /// Let TCP connections into a host, and UDP where that does not come in, either.
    AllowTcpIn {
        /// Into which.
        on: Who,
        /// On this port.
        port: u16,
        /// The UDP port, if nothing arrives at that.
        udp: Option<u16>,
    },
    /// A firewall has a rule about one host alone.
    CheckRule {
        /// Whose firewall.
        on: Who,
        /// Whom the rule is about.
        about: Who,
        /// The TCP port to open.
        port: u16,
    },
    /// Let UDP into a host.
    AllowUdpIn {
        /// Into which.
        on: Who,
        /// On this port.
        port: u16,
    },
    /// Let UDP out of a host, or through a filter between.
    AllowUdpOut {
        /// Of which.
        on: Who,
        /// To this port.
        port: u16,
    },
    /// Let UDP in and out.
    AllowUdp {
        /// On which host.
        on: Who,
        /// On this port.
        port: u16,
    },
    /// Let broadcasts into a host, and through what is between.
    AllowBroadcasts {
        /// Into which.
        on: Who,
        /// To this UDP port.
        port: u16,
    },
    /// See whether a host runs and is connected.
    CheckPower {
        /// Which.
        host: Who,
    },
    /// See what connects these hosts with the rest.
    CheckUplink {
        /// Which.
        hosts: Several,
    },
    /// See what keeps a host apart from another one, or from all.
    CheckIsolation {
        /// Which.
        host: Who,
        /// From whom, if from one alone.
        other: Option<Who>,
    },
    /// Let packets through this machine's own packet filter.
    LetThrough {
        /// What does that, as whoever read the rules knows it.
        remedies: Vec<Arc<str>>,
    },
    /// See how good the connection of a host is.
    CheckCable {
        /// Which.
        host: Who,
    },
    /// See why a host comes and goes.
    CheckStability {
        /// Which.
        of: Who,
    },
    /// See what a host is busy with.
    CheckLoad {
        /// Which.
        of: Who,
    },
    /// Look at what all hosts share: each loses packets with each.
    CheckShared,
    /// Make the largest packet of all on the way the same.
    LowerMtu {
        /// The host whose large packets are lost.
        of: Who,
    },
    /// Give a host the netmask of the others.
    CorrectNetmask {
        /// Which.
        on: Who,
    },
    /// Give these hosts one netmask: which of theirs is the right one is not known.
    AgreeOnNetmask {
        /// Which.
        hosts: Several,
    },
    /// Give a host an address of this network, or this machine one of its.
    JoinNetwork {
        /// Which.
        host: Who,
    },
    /// See how a machine routes packets.
    CheckRoute {
        /// Which machine.
        on: Who,
        /// To whom.
        to: Who,
    },
    /// See what the router between two networks lets pass.
    CheckRouter {
        /// The networks; the way from the first to the second one fails at least.
        networks: [Network; 2],
        /// The port to let through, of TCP and UDP.
        port: u16,
    },
    /// See what connects a network with the others.
    CheckUplinkOf {
        /// Which.
        network: Network,
    },
    /// See whether a machine is connected.
    CheckLink {
        /// Which one.
        of: Who,
    },
    /// What helps against a cause that lies in the machine that dials.
    Against {
        /// The cause.
        cause: Cause,
        /// That machine.
        on: Who,
    },
    /// Give all the same secret.
    ShareSecret,
    /// Start the program there with this group.
    JoinGroup {
        /// On which host.
        on: Who,
        /// The group of this node.
        group: String,
    },
    /// Start a node that is no peer with this group, if it is meant to be one.
    AdoptIntoGroup {
        /// The group of this node.
        group: String,
    },
    /// Update the older program.
    Update,
    /// Give one of them another address.
    Readdress {
        /// The one that they share.
        addr: Endpoint,
    },
    /// Give one of them another name.
    Rename,
    /// Look for the cause in the log there.
    ReadLog {
        /// On which host.
        on: Who,
    },
}
