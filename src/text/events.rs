//! What happened, one sentence an event.

use std::fmt;

use crate::engine::cause::Cause;
use crate::engine::event::{Event, StopReason};
use crate::engine::interface::Interface;
use crate::engine::peers::{LeaveReason, NodeInfo, PeerInfo, Via};

use super::{Count, Measured, Wait};

/// What a node without such an interface can do.
pub const NO_BROADCAST: &str =
    "no interface of this machine can broadcast: connect to a network, or add peers with --peer";

/// An event as one sentence.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { node, interfaces } => started(f, node, interfaces),
            Self::InterfaceUp { interface: i } => {
                write!(f, "interface {} is up: {}/{}", i.name, i.addr, i.prefix)
            }
            Self::InterfaceDown { interface: i } => {
                write!(f, "interface {} is gone: {}/{}", i.name, i.addr, i.prefix)
            }
            Self::PeerDiscovered { peer, via } => write!(f, "{peer}: discovered ({})", via.description()),
            Self::PeerState { peer, from, to } => write!(f, "{peer}: {} → {}", from.as_str(), to.as_str()),
            Self::PeerRestarted { peer, .. } => write!(f, "{peer}: restarted"),
            Self::PeerMoved { peer, from, to } => write!(f, "{}: moved from {from} to {to}", peer.name),
            Self::PeerLeft { peer, reason } => write!(f, "{peer}: {}", reason.description()),
            Self::DialStarted { peer, attempt, max, forced, .. } => {
                let manually = if *forced { ", manually" } else { "" };
                write!(f, "{peer}: dialing, attempt {attempt} of {max}{manually}")
            }
            Self::DialSucceeded { peer, attempt, connect, rtt, .. } => {
                let (connect, rtt) = (Measured(*connect), Measured(*rtt));
                write!(f, "{peer}: answered, connect {connect}, round trip {rtt}")?;
                if *attempt > 1 { write!(f, ", on attempt {attempt}") } else { Ok(()) }
            }
            Self::DialFailed { peer, attempt, max, cause, detail, retry_in, .. } => {
                write!(f, "{peer}: attempt {attempt} of {max} failed: {}", cause.label())?;
                match (cause, retry_in) {
                    (Cause::Other, _) => write!(f, " ({detail})")?,
                    // What it means is told once, at the end.
                    (_, None) => write!(f, ", {}", cause.description())?,
                    (_, Some(_)) => {}
                }
                retry_in.map_or(Ok(()), |wait| write!(f, "; next attempt in {}", Wait(wait)))
            }
            Self::DialGaveUp { peer, attempts, cause, .. } => {
                write!(f, "{peer}: {}; {}", GaveUp { attempts: *attempts, cause: *cause }, cause.advice())
            }
            Self::ExchangeServed { peer: Some(peer), .. } => write!(f, "{peer}: reached this node by TCP"),
            Self::ExchangeServed { addr: Some(addr), .. } => write!(f, "{addr}: reached this node by TCP"),
            Self::ExchangeServed { .. } => write!(f, "an unknown node reached this node by TCP"),
            Self::Rejected { from, reason, count: 1 } => {
                write!(f, "rejected {from}: {}", reason.description())
            }
            Self::Rejected { from, reason, count } => {
                write!(f, "rejected {count} times, last {from}: {}", reason.description())
            }
            Self::Lagged { missed } => {
                write!(f, "{} missed: the reader is too slow", Count(*missed, "event"))
            }
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
    for (nth, interface) in interfaces.iter().enumerate() {
        let sign = if nth == 0 { ", on" } else { "," };
        write!(f, "{sign} {} {}/{}", interface.name, interface.addr, interface.prefix)?;
    }
    Ok(())
}

/// How a dial ended whose last attempt failed: `gave up after 5 attempts: timed out`.
#[derive(Debug, Clone, Copy)]
pub struct GaveUp {
    /// How many attempts there were.
    pub attempts: u32,
    /// Why the last one failed.
    pub cause: Cause,
}

impl fmt::Display for GaveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gave up after {}: {}", Count(self.attempts, "attempt"), self.cause.label())
    }
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
        write!(f, "{} ({})", self.name, self.addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dial_that_gave_up_counts_its_attempts() {
        let gave_up = |attempts| GaveUp { attempts, cause: Cause::TimedOut }.to_string();
        assert_eq!(gave_up(1), "gave up after 1 attempt: timed out");
        assert_eq!(gave_up(5), "gave up after 5 attempts: timed out");
    }
}
