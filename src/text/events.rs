//! What happened, one sentence an event.

use std::fmt;

use crate::engine::cause::Cause;
use crate::engine::event::{Event, StopReason};
use crate::engine::peers::{LeaveReason, PeerInfo, Via};
use crate::engine::verdict::Verdict;

use super::{Measured, Wait};

/// An event as one sentence.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { node, interfaces } => {
                write!(
                    f,
                    "{} is up, group {}, UDP {}, TCP {}",
                    node.name, node.group, node.port, node.tcp_port
                )?;
                if interfaces.is_empty() {
                    return write!(
                        f,
                        "; no interface can broadcast: nobody is found by itself; connect a network or name peers with --peer"
                    );
                }
                write!(f, ", on ")?;
                for (i, interface) in interfaces.iter().enumerate() {
                    let comma = if i == 0 { "" } else { ", " };
                    write!(f, "{comma}{} {}/{}", interface.name, interface.addr, interface.prefix)?;
                }
                Ok(())
            }
            Self::InterfaceUp { interface: i } => {
                write!(f, "interface {} is up: {}/{}", i.name, i.addr, i.prefix)
            }
            Self::InterfaceDown { interface: i } => {
                write!(f, "interface {} is gone: {}/{}", i.name, i.addr, i.prefix)
            }
            Self::PeerDiscovered { peer, via } => write!(f, "{peer} discovered, {}", via.description()),
            Self::PeerState { peer, from, to } => {
                write!(f, "{peer} is {}, was {}", to.as_str(), from.as_str())
            }
            Self::PeerRestarted { peer, .. } => write!(f, "{peer} has restarted"),
            Self::PeerMoved { peer, from, to } => write!(f, "{} moved from {from} to {to}", peer.name),
            Self::PeerLeft { peer, reason } => match reason {
                LeaveReason::Goodbye => write!(f, "{peer} said goodbye"),
                LeaveReason::Forgotten => write!(f, "{peer} was forgotten"),
                LeaveReason::Expired => write!(f, "{peer} was dropped from the table"),
            },
            Self::DialStarted { peer, attempt, max, forced, .. } => {
                let forced = if *forced { ", by hand" } else { "" };
                write!(f, "dialing {peer}, attempt {attempt} of {max}{forced}")
            }
            Self::DialSucceeded { peer, attempt, connect, rtt, .. } => {
                write!(f, "{peer} answered: connect {}, round trip {}", Measured(*connect), Measured(*rtt))?;
                if *attempt > 1 { write!(f, ", at attempt {attempt}") } else { Ok(()) }
            }
            Self::DialFailed { peer, attempt, max, cause, detail, retry_in, .. } => {
                let word = cause.as_str().replace('_', " ");
                write!(f, "{peer} attempt {attempt} of {max} failed: {word}")?;
                match (cause, retry_in) {
                    (Cause::Other, _) => write!(f, " ({detail})")?,
                    // What it means is told once, at the end.
                    (_, None) => write!(f, ", {}", cause.description())?,
                    (_, Some(_)) => {}
                }
                match retry_in {
                    Some(wait) => write!(f, "; again in {}", Wait(*wait)),
                    None => Ok(()),
                }
            }
            Self::DialGaveUp { peer, attempts, cause, .. } => {
                let s = if *attempts == 1 { "" } else { "s" };
                write!(
                    f,
                    "{peer} given up after {attempts} attempt{s}: {}; {}",
                    cause.as_str().replace('_', " "),
                    cause.advice()
                )
            }
            Self::ExchangeServed { peer: Some(peer), .. } => write!(f, "{peer} reached us by TCP"),
            Self::ExchangeServed { addr: Some(addr), .. } => write!(f, "{addr} reached us by TCP"),
            Self::ExchangeServed { .. } => write!(f, "somebody reached us by TCP"),
            Self::Rejected { from, reason, count: 1 } => {
                write!(f, "turned away from {from}: {}", reason.description())
            }
            Self::Rejected { from, reason, count } => {
                write!(f, "turned away {count} times, last from {from}: {}", reason.description())
            }
            Self::Lagged { missed } => write!(f, "{missed} events missed: the reader is too slow"),
            Self::Snapshot(snapshot) => write!(f, "{} peers in the table", snapshot.peers.len()),
            Self::Diagnosis(finding) if finding.verdict == Verdict::Ok => {
                write!(f, "{}: all is well again", finding.peer.name)
            }
            Self::Diagnosis(finding) => write!(f, "{}; {}", finding.headline(), finding.advice),
            Self::Matrix(view) => write!(f, "{} nodes in the matrix", view.nodes.len()),
            Self::Stopped { reason } => write!(f, "stopped: {}", reason.description()),
        }
    }
}

impl StopReason {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Quit => "quit",
            Self::Signal => "stopped by a signal",
            Self::Elapsed => "the given time is over",
            Self::OutputClosed => "nobody reads the output",
            Self::Failure => "an internal failure",
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
            Self::Broadcast => "heard by broadcast",
            Self::Multicast => "heard by multicast",
            Self::Reply => "it answered us",
            Self::Static => "named by hand",
            Self::Membership => "named by a peer",
        }
    }
}

impl fmt::Display for PeerInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.addr)
    }
}
