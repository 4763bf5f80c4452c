//! What happened, in words for people: the same in the terminal, in `watch` and in the log.

mod finding;

use std::fmt;
use std::time::Duration;

use crate::engine::cause::{Cause, Detail};
use crate::engine::event::{Event, RejectReason, StopReason};
use crate::engine::peers::{LeaveReason, PeerInfo, Via};

impl Cause {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Refused => "the host answers, nothing listens on the port",
            Self::TimedOut => "no answer in time: packets vanish on the way, or the host hangs",
            Self::HostUnreachable => "the host does not answer on its link",
            Self::NetworkUnreachable => "a router says the network is not reachable",
            Self::NoRoute => "this machine has no route to it",
            Self::PermissionDenied => "this machine's own firewall or policy forbids it",
            Self::Reset => "the connection was reset",
            Self::ClosedEarly => "the connection was closed before the reply",
            Self::NoReply => "the port accepts, but no reply comes: the program hangs",
            Self::BadReply => "something else than the expected vigie answers there",
            Self::WrongSecret => "the shared secrets differ",
            Self::WrongGroup => "it belongs to another group",
            Self::VersionMismatch => "it speaks another protocol version",
            Self::AddressNotAvailable => "the address cannot be dialed from here",
            Self::LocalResources => "this machine is out of descriptors, memory or ports",
            Self::InterfaceDown => "this machine's interface towards it is down",
            Self::Other => "an unusual error; the detail says which",
        }
    }

    /// What to try next, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Refused => "start vigie there, or open its TCP port in that host's firewall",
            Self::TimedOut => "look for a firewall that drops TCP on that host or between",
            Self::HostUnreachable => "check that it is switched on, its cable or Wi-Fi, and its address",
            Self::NetworkUnreachable => "check the router between the two networks",
            Self::NoRoute => "check this machine's address, netmask and default route",
            Self::PermissionDenied => "allow vigie's outgoing TCP in this machine's firewall",
            Self::Reset | Self::ClosedEarly => "look at the log of the vigie there",
            Self::NoReply => "restart the vigie there",
            Self::BadReply => "another program holds that port there: choose another --port for all",
            Self::WrongSecret => "give both nodes the same --secret-file",
            Self::WrongGroup => "give both nodes the same --group",
            Self::VersionMismatch => "update the older vigie",
            Self::AddressNotAvailable => "check the address, and that --bind is still this machine's",
            Self::LocalResources => "raise `ulimit -n`, or stop what uses up this machine",
            Self::InterfaceDown => "bring the interface up, or plug the cable in",
            Self::Other => "run with --log debug and read the detail",
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(said) => f.write_str(said),
            Self::WrongGroup { name, group } => write!(f, "{name} belongs to group '{group}'"),
            Self::RequestUnreadable { name } => write!(f, "{name} could not read our request"),
            Self::OtherRequest => f.write_str("the reply answers another request"),
            Self::ThisNode => f.write_str("that is this node itself"),
            Self::OtherNode { name } => write!(f, "{name} answers at this address"),
            Self::ReplyUnreadable(error) => write!(f, "the reply is {error}"),
            Self::InterfaceDown { interface, failed } => {
                write!(f, "{failed}; interface {interface} is down or has lost its address")
            }
        }
    }
}

impl RejectReason {
    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Foreign => "not a vigie message (another program uses this port)",
            Self::Malformed => "a malformed message",
            Self::Truncated => "a truncated message",
            Self::Oversized => "a message larger than the protocol allows",
            Self::VersionMismatch => "another protocol version (update the older vigie)",
            Self::WrongGroup => "another group",
            Self::Replayed => "a duplicate, late or replayed datagram",
            Self::OffLink => "from outside this machine's links (name it with --peer to dial it)",
            Self::Retired => {
                "from a node that another has replaced at its address (two hosts with one address?)"
            }
            Self::IdentityConflict => "another host speaks in the name of a peer",
            Self::TableFull => "the peer table is full",
            Self::TooManyNodes => "too many nodes at one address",
            Self::TooManyConnections => "too many connections at once",
            Self::TooSlow => "a connection that did not send its request in time",
            Self::ClosedEarly => "a connection that closed before its request was complete",
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

/// A duration as people read a measured time: three digits, `84 µs`, `1.25 ms`, `3.06 s`.
#[derive(Debug, Clone, Copy)]
pub struct Measured(pub Duration);

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In whole numbers: to print a float to so many digits takes longer than all the rest of a table's row.
        let us = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX - 5_000);
        let hundredths =
            |f: &mut fmt::Formatter<'_>, n: u64, unit| write!(f, "{}.{:02} {unit}", n / 100, n % 100);
        match us {
            0..1_000 => write!(f, "{us} µs"),
            1_000..9_995 => hundredths(f, (us + 5) / 10, "ms"),
            9_995..99_950 => write!(f, "{}.{} ms", (us + 50) / 1_000, (us + 50) / 100 % 10),
            99_950..999_500 => write!(f, "{} ms", (us + 500) / 1_000),
            _ => hundredths(f, (us + 5_000) / 10_000, "s"),
        }
    }
}

/// A wait as people read a countdown: tenths of a second below ten, then whole seconds, minutes, hours.
#[derive(Debug, Clone, Copy)]
pub struct Wait(pub Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..10 => write!(f, "{seconds}.{} s", self.0.subsec_millis() / 100),
            10..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min", seconds / 60),
            3600..172_800 => write!(f, "{} h", seconds / 3600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

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
            Self::Diagnosis(finding) => finding.fmt(f),
            Self::Matrix(view) => write!(f, "{} nodes in the matrix", view.nodes.len()),
            Self::Stopped { reason } => write!(f, "stopped: {}", reason.description()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_link_says_what_failed_because_of_it() {
        let failed = Detail::system("connect: No route to host (os error 113)");
        let down = Detail::InterfaceDown { interface: "eth0".into(), failed };
        let said = "connect: No route to host (os error 113); interface eth0 is down or has lost its address";
        assert_eq!(down.to_string(), said);
        assert_eq!(serde_json::to_value(&down).expect("JSON"), said, "a record has the sentence");
    }

    #[test]
    fn measured_times_have_three_digits_and_a_unit() {
        let words = |us| Measured(Duration::from_micros(us)).to_string();
        assert_eq!(words(84), "84 µs");
        assert_eq!(words(999), "999 µs");
        assert_eq!(words(1_000), "1.00 ms");
        assert_eq!(words(9_994), "9.99 ms");
        assert_eq!(words(9_995), "10.0 ms");
        assert_eq!(words(99_949), "99.9 ms");
        assert_eq!(words(99_950), "100 ms");
        assert_eq!(words(999_499), "999 ms");
        assert_eq!(words(999_500), "1.00 s");
        assert_eq!(words(1_254), "1.25 ms");
        assert_eq!(words(12_540), "12.5 ms");
        assert_eq!(words(125_400), "125 ms");
        assert_eq!(words(3_060_000), "3.06 s");
    }

    #[test]
    fn waits_are_as_exact_as_they_are_short() {
        let words = |ms| Wait(Duration::from_millis(ms)).to_string();
        assert_eq!(words(1_250), "1.2 s");
        assert_eq!(words(59_900), "59 s");
        assert_eq!(words(61_000), "1 min");
        assert_eq!(words(7_300_000), "2 h");
    }
}
