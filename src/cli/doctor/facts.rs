//! What was read of this machine and tried on it: plain data, from which [`examine`](mod@super::examine) concludes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::engine::interface::{Interface, Kind};
use crate::net::trials::{Failure, Outcome};

use super::firewall::{Direction, Place};

/// Everything that is known of this machine. What cannot be read here is `None`.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) system: System,
    /// We may do everything: commands need no `sudo`.
    pub(super) root: bool,
    pub(super) asked: Asked,
    /// All links, also those that are not used.
    pub(super) links: Vec<Link>,
    /// Those that a node would use.
    pub(super) used: Vec<Interface>,
    /// The source address of the default route.
    pub(super) default_route: Option<bool>,
    /// Ports that the system gives to whoever asks for any, first and last.
    pub(super) ephemeral: Option<(u16, u16)>,
    /// The port is kept out of those.
    pub(super) reserved: bool,
    /// Files and sockets that we may have open; the largest number if there is no limit.
    pub(super) open_files: u64,
    pub(super) neighbours: Option<Neighbours>,
    pub(super) udp_port: Port,
    pub(super) tcp_port: Port,
    /// A datagram to ourselves.
    pub(super) udp_loopback: Outcome,
    /// A connection to ourselves.
    pub(super) tcp_loopback: Outcome,
    /// One broadcast for each of the interfaces that are used, in their order.
    pub(super) broadcasts: Vec<Outcome>,
    pub(super) firewall: Firewall,
}

/// Whose commands mend things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Linux,
    MacOs,
    Windows,
    Other,
}

impl System {
    pub(super) const OURS: Self = if cfg!(target_os = "linux") {
        Self::Linux
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Other
    };
}

/// What a person set.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) port: u16,
    /// None takes the presence port, or any that is free.
    pub(super) tcp_port: Option<u16>,
    pub(super) bind: Option<Ipv4Addr>,
    /// This machine holds the address of `--bind`.
    pub(super) bind_is_ours: bool,
    /// The options that choose interfaces, as they were given; empty if none were.
    pub(super) selection: String,
}

impl Asked {
    /// The TCP port that others are to reach.
    pub(super) fn tcp(&self) -> u16 {
        self.tcp_port.unwrap_or(self.port)
    }
}

/// An interface, usable or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) name: Arc<str>,
    pub(super) kind: Kind,
    pub(super) state: State,
    /// Largest packet, in bytes.
    pub(super) mtu: Option<u32>,
    pub(super) point_to_point: bool,
    /// Addresses, with the lengths of their networks' prefixes.
    pub(super) v4: Vec<(Ipv4Addr, u8)>,
    pub(super) v6: Vec<Ipv6Addr>,
    /// Whether what comes by a way that answers would not take is dropped: 0 never, 1 strictly, 2 loosely.
    pub(super) rp_filter: Option<u8>,
}

/// The link behind the name of an interface: Linux calls further addresses of `eth0` `eth0:1`, if a person wants it so.
pub(super) fn link_of(interface: &str) -> &str {
    interface.split(':').next().unwrap_or(interface)
}

/// Whether a link can carry anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Up,
    /// Nothing is at the other end.
    NoCarrier,
    /// Switched off.
    Down,
    /// One of the last two.
    NotRunning,
}

/// The table of link addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Neighbours {
    pub(super) known: usize,
    /// How many there can be (`gc_thresh3`).
    pub(super) most: Option<u64>,
}

/// A port that a node wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Port {
    /// How it was refused, if it was.
    pub(super) refused: Option<Failure>,
    /// Who else holds it.
    pub(super) holders: Vec<Holder>,
}

/// A socket on one of our ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Its program; none if we may not see it.
    pub(super) process: Option<Process>,
    pub(super) addr: IpAddr,
    /// User id.
    pub(super) user: u32,
    /// Where this was read.
    pub(super) source: &'static str,
}

/// A program that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) pid: u32,
}

/// What is known of the packet filters.
#[derive(Debug, Clone, Default)]
pub(super) struct Firewall {
    /// The rules that were read, and with what, like `12 rules (nft list ruleset)`.
    pub(super) read: Vec<String>,
    /// What could not be read, and why.
    pub(super) unread: Vec<String>,
    /// Programs that manage the rules.
    pub(super) managers: Vec<Manager>,
    pub(super) obstacles: Vec<Obstacle>,
    /// Ports that firewalld opens, if it runs and its rules could not be read: `1025-65535/udp`.
    pub(super) open_ports: Option<String>,
}

/// A program that manages the rules of the packet filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manager {
    Ufw,
    Firewalld,
}

impl Manager {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ufw => "ufw",
            Self::Firewalld => "firewalld",
        }
    }
}

/// What vigie sends and is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Traffic {
    /// UDP to everyone on a link.
    Broadcast,
    /// UDP to one host.
    Unicast,
    Tcp,
}

/// A rule that stops packets of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) direction: Direction,
    /// What it stops, of what vigie sends or is sent.
    pub(super) stops: Vec<Traffic>,
    /// On these interfaces.
    pub(super) interfaces: Vec<Arc<str>>,
    /// Otherwise it may.
    pub(super) certain: bool,
    /// In the words of the packet filter.
    pub(super) rule: String,
    /// Before which a rule of ours has to come.
    pub(super) place: Place,
    /// Who manages the rules there.
    pub(super) manager: Option<Manager>,
}

impl Obstacle {
    pub(super) fn stops_udp(&self) -> bool {
        self.stops.iter().any(|traffic| matches!(traffic, Traffic::Broadcast | Traffic::Unicast))
    }

    pub(super) fn stops_tcp(&self) -> bool {
        self.stops.contains(&Traffic::Tcp)
    }
}
