//! What is known of this machine: plain data, from which the [rules](super::examine) conclude. Nothing here reads anything.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::address::ZonedIp;
use crate::engine::interface::{Interface, InterfaceKind};
pub use crate::engine::packet_filter::{Direction, IpVersion, Traffic};
pub use crate::text::firewall::System;

/// Everything that is known of this machine. What this system does not tell is `None`.
#[derive(Debug, Clone)]
pub struct MachineFacts {
    /// Which commands fix things here.
    pub system: System,
    /// This process may do everything: commands need no `sudo`.
    pub root: bool,
    /// What the user asked for.
    pub request: DoctorRequest,
    /// All links, also those that a node would not use.
    pub links: Vec<MachineLink>,
    /// Those that a node would use.
    pub used: Vec<Interface>,
    /// The addresses from which it would speak IPv6.
    pub of_ipv6: Vec<Interface>,
    /// Whether there is a default route.
    pub default_route: Option<bool>,
    /// Ports that the system gives to any program that does not care which one, first and last.
    pub ephemeral: Option<(u16, u16)>,
    /// The presence port is kept out of those.
    pub reserved: bool,
    /// How many files and sockets this process may have open; `u64::MAX` without a limit.
    pub open_files: u64,
    /// How full the table of link addresses is.
    pub neighbours: Option<Neighbours>,
    /// The presence port.
    pub udp_port: Port,
    /// The port of the TCP server.
    pub tcp_port: Port,
    /// A datagram from this machine to itself.
    pub udp_loopback: TrialResult,
    /// A connection from this machine to itself.
    pub tcp_loopback: TrialResult,
    /// One broadcast on each of the used interfaces, in their order.
    pub broadcasts: Vec<TrialResult>,
    /// What the packet filters do.
    pub firewall: Firewall,
}

impl MachineFacts {
    /// Whether a node would use a link.
    pub fn uses(&self, link: &MachineLink) -> bool {
        let multicasts = || self.of_ipv6.iter().any(|i| i.name == link.name && i.multicasts().is_some());
        self.used.iter().any(|i| i.name == link.name) || multicasts()
    }
}

/// What the user asked for.
#[derive(Debug, Clone)]
pub struct DoctorRequest {
    /// The presence port.
    pub port: u16,
    /// Without one: the presence port, or any that is free.
    pub tcp_port: Option<u16>,
    /// The address of the only interface to use.
    pub bind: Option<ZonedIp>,
    /// This machine has that address.
    pub bind_is_ours: bool,
    /// The options that choose interfaces, as they were given; empty without any.
    pub selection: String,
    /// A node runs here already, and has these ports: the one that this is about.
    pub is_running: bool,
}

impl DoctorRequest {
    /// The TCP port that others are to reach.
    pub fn tcp(&self) -> u16 {
        self.tcp_port.unwrap_or(self.port)
    }
}

/// An interface, usable or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineLink {
    /// As the system names it.
    pub name: Arc<str>,
    /// What kind of link it probably is.
    pub kind: InterfaceKind,
    /// Whether it can carry anything.
    pub state: LinkState,
    /// Largest packet, in bytes.
    pub mtu: Option<u32>,
    /// It has one other end and no broadcast.
    pub point_to_point: bool,
    /// Its hardware address, if it is known and the link has one.
    pub hardware: Option<String>,
    /// What makes it, if it is a virtual one: `veth`, `bridge`, `wireguard`, `tun` …
    pub made_by: Option<String>,
    /// Addresses, with the lengths of their networks' prefixes.
    pub v4: Vec<(Ipv4Addr, u8)>,
    /// IPv6 addresses.
    pub v6: Vec<Ipv6Addr>,
    /// Those that another host on the link has, too, as duplicate address detection has found (RFC 4862 §5.4).
    pub duplicates: Vec<Ipv6Addr>,
    /// Reverse-path filter, which drops packets that arrive by another link than answers would leave by: 0 off, 1 strict,
    /// 2 loose.
    pub rp_filter: Option<u8>,
}

impl MachineLink {
    /// A link of which only the name and the state are known.
    pub fn new(name: &str, state: LinkState) -> Self {
        Self {
            name: name.into(),
            kind: InterfaceKind::of(name),
            state,
            mtu: None,
            point_to_point: false,
            hardware: None,
            made_by: None,
            v4: Vec::new(),
            v6: Vec::new(),
            duplicates: Vec::new(),
            rp_filter: None,
        }
    }

    /// Its IPv6 addresses, those that mean the same everywhere first, each as it is typed.
    pub fn v6_addresses(&self) -> Vec<String> {
        let (local, global): (Vec<_>, Vec<_>) = self.v6.iter().partition(|addr| addr.is_unicast_link_local());
        let local = local.into_iter().map(|addr| format!("{addr}%{}", self.name));
        global.into_iter().map(Ipv6Addr::to_string).chain(local).collect()
    }

    /// Adds an address.
    pub fn add_address(&mut self, ip: IpAddr, prefix: u8) {
        match ip {
            IpAddr::V4(v4) => self.v4.push((v4, prefix)),
            IpAddr::V6(v6) => self.v6.push(v6),
        }
    }
}

/// Whether a link can carry anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It can.
    Up,
    /// Nothing is at its other end.
    NoCarrier,
    /// Switched off.
    Down,
    /// One of the last two.
    NotRunning,
}

/// The table of link addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Neighbours {
    /// Entries that it has.
    pub known: usize,
    /// Entries that it can have (`gc_thresh3`).
    pub most: Option<u64>,
}

/// A port that a node wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// How it was refused, if it was.
    pub refused: Option<TrialFailure>,
    /// Who else holds it.
    pub holders: Vec<PortHolder>,
}

/// A socket on a port that a node wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortHolder {
    /// Its program, if this process may see it.
    pub program: Option<Program>,
    /// Where it is bound.
    pub addr: IpAddr,
    /// User id.
    pub user: u32,
    /// Where this was read.
    pub source: &'static str,
}

/// A running program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// As the kernel names it.
    pub name: String,
    /// Process id.
    pub pid: u32,
}

/// How long something took on this machine's own sockets, or how it failed.
pub type TrialResult = Result<Duration, TrialFailure>;

/// How a trial failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialFailure {
    /// What was being done.
    pub step: TrialStep,
    /// The kind of error.
    pub kind: ErrorKind,
    /// In the system's words.
    pub error: String,
}

/// What was being done when a trial failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialStep {
    /// Taking the port.
    Bind,
    /// Sending to this machine itself.
    Send,
    /// Waiting for what was sent.
    Hear,
    /// Connecting to this machine itself.
    Connect,
    /// Sending and receiving through the connection.
    Exchange,
}

/// What carries a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Presence.
    Udp,
    /// Exchanges.
    Tcp,
}

/// What is known of the packet filters.
#[derive(Debug, Clone, Default)]
pub struct Firewall {
    /// The rules that were read, and with what, like `12 rules (nft list ruleset)`.
    pub read: Vec<String>,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// Programs that manage the rules.
    pub managers: Vec<Manager>,
    /// What stops packets of ours.
    pub obstacles: Vec<Obstacle>,
    /// Ports that firewalld opens, if it runs and its rules could not be read: `1025-65535/udp`.
    pub open_ports: Option<String>,
}

/// A program that manages the rules of the packet filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manager {
    /// Uncomplicated Firewall.
    Ufw,
    /// `firewalld`.
    Firewalld,
}

impl Manager {
    /// As it calls itself.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
        }
    }
}

/// A rule that stops packets of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// Which packets: those of IPv6 where it does not do the same to those of IPv4.
    pub ip: IpVersion,
    /// Which way they go.
    pub direction: Direction,
    /// What it stops.
    pub stops: Vec<Traffic>,
    /// On these interfaces.
    pub interfaces: Vec<Arc<str>>,
    /// It does stop them; else it may.
    pub certain: bool,
    /// In the words of the packet filter.
    pub rule: String,
    /// Where a rule of ours comes before it.
    pub insert_at: InsertionPoint,
    /// Who manages the rules there.
    pub manager: Option<Manager>,
}

impl Obstacle {
    /// Whether it stops any UDP.
    pub fn stops_udp(&self) -> bool {
        self.stops.iter().any(|traffic| matches!(traffic, Traffic::Broadcast | Traffic::Unicast))
    }

    /// Whether it stops TCP.
    pub fn stops_tcp(&self) -> bool {
        self.stops.contains(&Traffic::Tcp)
    }
}

/// A chain whose first rule comes before all others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InsertionPoint {
    /// A chain of nftables.
    Nft {
        /// Of the table: `inet`, `ip` …
        family: String,
        /// Its table.
        table: String,
        /// Its name.
        chain: String,
    },
    /// A chain of iptables, or of ip6tables.
    Iptables {
        /// Which of the two.
        ip: IpVersion,
        /// Its table.
        table: String,
        /// Its name.
        chain: String,
    },
}
