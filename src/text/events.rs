//! What happened, one sentence an event.

use std::fmt;
use std::time::Duration;

use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::event::{Event, StopReason};
use crate::engine::interface::Interface;
use crate::engine::peers::{LeaveReason, NodeInfo, PathState, PeerInfo, PeerState, Via};

use super::{Count, Measured, Wait};

/// What a node without such an interface can do.
pub const NO_BROADCAST: &str =
    "no interface of this machine can broadcast: connect to a network, or add peers with --peer";

/// An event as one sentence.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { node, interfaces } => started(f, node, interfaces),
            Self::NodeRenamed { node, from } => renamed(from, &node.name).fmt(f),
            Self::InterfaceUp { interface } => interface_up(interface).fmt(f),
            Self::InterfaceDown { interface } => interface_gone(interface).fmt(f),
            Self::IdChanged { twin, .. } => id_changed(*twin).fmt(f),
            Self::PeerDiscovered { peer, via } => write!(f, "{peer}: {}", discovered(*via)),
            Self::PeerState { peer, from, to } => write!(f, "{peer}: {}", changed(*from, *to)),
            Self::PeerRestarted { peer, .. } => write!(f, "{peer}: {RESTARTED}"),
            Self::PeerMoved { peer, from, to, path_only } => {
                write!(f, "{}: {}", peer.name, moved(*from, *to, *path_only))
            }
            Self::BehindNat { peer, seen_at, this_node: true } => write!(
                f,
                "this machine is behind a NAT: {} sees it at {seen_at}, where nobody can dial it unless the router passes a port on",
                peer.name
            ),
            Self::BehindNat { peer, seen_at, this_node: false } => write!(
                f,
                "{} is behind a NAT: it dials this machine from {seen_at}, where nobody can dial it unless the router passes a port on",
                peer.name
            ),
            Self::PeerPath { peer, addr, to, .. } => write!(f, "{}: {}", peer.name, path(*addr, *to)),
            Self::PeerLeft { peer, reason } => write!(f, "{peer}: {}", reason.description()),
            Self::DialStarted { peer, addr, attempt, max, forced } => {
                let manually = if *forced { ", manually" } else { "" };
                write!(f, "{}: dialing, attempt {attempt} of {max}{manually}", at(peer, *addr))
            }
            Self::DialSucceeded { peer, addr, attempt, connect, rtt } => {
                let (connect, rtt) = (Measured(*connect), Measured(*rtt));
                write!(f, "{}: answered, connect {connect}, round trip {rtt}", at(peer, *addr))?;
                if *attempt > 1 { write!(f, ", on attempt {attempt}") } else { Ok(()) }
            }
            Self::DialFailed { peer, addr, attempt, max, cause, detail, retry_in, .. } => {
                write!(f, "{}: attempt {attempt} of {max} failed: {}", at(peer, *addr), cause.label())?;
                match (cause, retry_in) {
                    (Cause::Other | Cause::LocalResources, _) => write!(f, " ({detail})")?,
                    // What it means is told once, at the end.
                    (_, None) => write!(f, ", {}", cause.description())?,
                    (_, Some(_)) => {}
                }
                match retry_in {
                    None => Ok(()),
                    Some(Duration::ZERO) => f.write_str("; trying its next address"),
                    Some(wait) => write!(f, "; next attempt in {}", Wait(*wait)),
                }
            }
            Self::DialGaveUp { peer, attempts, cause, .. } => {
                write!(f, "{peer}: {}; {}", gave_up(*attempts, *cause), cause.advice())
            }
            Self::ExchangeServed { peer: Some(peer), .. } => write!(f, "{peer}: reached this node by TCP"),
            Self::ExchangeServed { addr: Some(addr), .. } => write!(f, "{addr}: reached this node by TCP"),
            Self::ExchangeServed { .. } => write!(f, "an unknown node reached this node by TCP"),
            Self::Visited { name, addr, count: 1 } => {
                write!(f, "visited by a command on {name} ({addr})")
            }
            Self::Visited { name, addr, count } => {
                write!(f, "visited by {count} commands, last on {name} ({addr})")
            }
            Self::Rejected { from, reason, count: 1 } => {
                write!(f, "rejected {from}: {}", reason.description())
            }
            Self::Rejected { from, reason, count } => {
                write!(f, "rejected {count} times, last {from}: {}", reason.description())
            }
            Self::Lagged { missed: count } => missed(*count).fmt(f),
            Self::Snapshot(snapshot) => write!(f, "{} in the table", Count(snapshot.peers.len(), "peer")),
            Self::Diagnosis(finding) => finding.fmt(f),
            Self::Matrix(view) => write!(f, "{} in the matrix", Count(view.nodes.len(), "node")),
            Self::Stopped { reason } => write!(f, "stopped: {}", reason.description()),
        }
    }
}

fn started(f: &mut fmt::Formatter<'_>, node: &NodeInfo, interfaces: &[Interface]) -> fmt::Result {
    write!(f, "{} is up, group {}, UDP {}, TCP {}", node.name, node.group, node.port, node.tcp_port)?;
    if interfaces.is_empty() {
        return write!(f, "; {NO_BROADCAST}");
    }
    for (nth, interface) in chief_addresses(interfaces).enumerate() {
        let sign = if nth == 0 { ", on" } else { "," };
        write!(f, "{sign} {} {}/{}", interface.name, interface.addr, interface.prefix)?;
    }
    let multicasts =
        |mute: &Interface| interfaces.iter().any(|i| i.multicasts().is_some() && i.name == mute.name);
    let mute = interfaces.iter().filter(|interface| interface.is_mute() && !multicasts(interface));
    mute.map(cannot_broadcast).try_for_each(|what| write!(f, "; {what}"))
}

/// What is said of a peer that has restarted, behind its name.
pub const RESTARTED: &str = "restarted";

/// How a peer was found, behind its name: `discovered (by broadcast)`.
pub fn discovered(via: Via) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "discovered ({})", via.description()))
}

/// How a peer's state changed, behind its name: `new → up`.
pub fn changed(from: PeerState, to: PeerState) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{} → {}", from.as_str(), to.as_str()))
}

/// Where a peer moved, behind its name; a host name may have had no address, and of several addresses of a peer another one may be
/// dialed (`path_only`).
pub fn moved(from: Endpoint, to: Endpoint, path_only: bool) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        if from.ip().is_unspecified() {
            write!(f, "now has the address {to}")
        } else if to.port() == 0 {
            write!(f, "no longer dialed at {from}")
        } else if from.port() == 0 {
            write!(f, "now dialed at {to}")
        } else if path_only {
            write!(f, "now dialed at {to}, no longer at {from}")
        } else {
            write!(f, "moved from {from} to {to}")
        }
    })
}

/// How one of several addresses of a peer fares, behind its name: `10.0.0.7 does not answer`.
pub fn path(addr: Endpoint, to: PathState) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let fares = match to {
            PathState::Unknown => "was not dialed yet",
            PathState::Up => "answers",
            PathState::Failing => "does not answer",
        };
        write!(f, "{} {fares}", addr.host())
    })
}

/// A peer, and where an attempt goes.
fn at(peer: &PeerInfo, addr: Endpoint) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{} ({addr})", peer.name))
}

/// How a dial ended whose last attempt failed, behind the name of the peer: `gave up after 5 attempts: timed out`.
pub fn gave_up(attempts: u32, cause: Cause) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "gave up after {}: {}", Count(attempts, "attempt"), cause.label()))
}

/// This node has the new name of its machine.
fn renamed(from: &str, to: &str) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "the host name changed: {from} is now {to}"))
}

/// The addresses by which people know the links: those of IPv4, and of IPv6 the first on a link that has no other.
pub fn chief_addresses(all: &[Interface]) -> impl Iterator<Item = &Interface> {
    let known_by_another = move |nth: usize, interface: &Interface| {
        let mut of_link = all.iter().enumerate().filter(|(_, other)| other.name == interface.name);
        of_link.any(|(other_nth, other)| other.addr.is_ipv4() || other_nth < nth)
    };
    let chief = move |(nth, i): &(usize, &Interface)| i.addr.is_ipv4() || !known_by_another(*nth, i);
    all.iter().enumerate().filter(chief).map(|(_, interface)| interface)
}

/// An interface is used from now on.
pub fn interface_up(interface: &Interface) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "interface {} is up: {}/{}", interface.name, interface.addr, interface.prefix)?;
        if interface.is_mute() { write!(f, "; {}", cannot_broadcast(interface)) } else { Ok(()) }
    })
}

/// What to do about an interface on which peers cannot be found.
pub fn cannot_broadcast(interface: &Interface) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{} cannot broadcast: name its peers with --peer", interface.name))
}

/// An interface is no longer used.
pub fn interface_gone(interface: &Interface) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(f, "interface {} is gone: {}/{}", interface.name, interface.addr, interface.prefix)
    })
}

/// Another node has this one's identity.
pub fn id_changed(twin: Endpoint) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        write!(
            f,
            "the node at {twin} has the same identity, as a copy of a machine has: this node took a new one"
        )
    })
}

/// A reader of events was too slow for some of them.
pub fn missed(count: u64) -> impl fmt::Display {
    fmt::from_fn(move |f| write!(f, "{} missed: the reader is too slow", Count(count, "event")))
}

impl LeaveReason {
    /// What happened to the peer, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Goodbye => "said goodbye",
            Self::Forgotten => "forgotten",
            Self::Expired => "removed from the table",
        }
    }
}

impl StopReason {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Signal => "signal received",
            Self::Elapsed => "time limit reached",
            Self::OutputClosed => "output closed",
            Self::Failure => "internal failure",
        }
    }
}

impl Via {
    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Broadcast => "broadcast",
            Self::Multicast => "multicast",
            Self::Reply => "reply",
            Self::Static => "static",
            Self::Membership => "membership",
        }
    }

    /// How we know of a peer, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Broadcast => "by broadcast",
            Self::Multicast => "by multicast",
            Self::Reply => "by reply",
            Self::Static => "added manually",
            Self::Membership => "through another peer",
        }
    }
}

impl fmt::Display for PeerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_address() {
            write!(f, "{} ({})", self.name, self.addr)
        } else {
            write!(f, "{} (no address)", self.name)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_that_gave_up_counts_its_attempts() {
        let gave_up = |attempts| gave_up(attempts, Cause::TimedOut).to_string();
        assert_eq!(gave_up(1), "gave up after 1 attempt: timed out");
        assert_eq!(gave_up(5), "gave up after 5 attempts: timed out");
    }
}
