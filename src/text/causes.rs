//! Why a dial failed, in words, and what to try next.

use std::fmt;

use crate::engine::cause::{Cause, Detail, OtherSecret};
use crate::engine::event::RejectReason;
use crate::proto::{DecodeError, VERSION};

use super::Label;

impl Cause {
    /// Its word as people write it: `timed out`.
    pub fn label(self) -> Label {
        Label(self.as_str())
    }

    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Refused => "the host answers, but nothing is listening on the port",
            Self::TimedOut => "no answer in time: packets are dropped, or the host hangs",
            Self::HostUnreachable => "no host answers at this address",
            Self::NetworkUnreachable => "a router reports the network as unreachable",
            Self::NoRoute => "this machine has no route to it",
            Self::PermissionDenied => "blocked by this machine's own firewall or policy",
            Self::Reset => "the connection was reset",
            Self::ClosedEarly => "the connection was closed before the reply",
            Self::NoReply => "it accepts connections but never replies",
            Self::BadReply => "something other than the expected vigie answers there",
            Self::WrongSecret => "the shared secrets differ",
            Self::WrongGroup => "it is in a different group",
            Self::VersionMismatch => "it speaks a different protocol version",
            Self::AddressNotAvailable => "the address cannot be dialed from here",
            Self::LocalResources => "this machine is out of file descriptors, memory or ports",
            Self::InterfaceDown => "this machine's interface to it is down",
            Self::Other => "an unusual error, named in the detail",
        }
    }

    /// What it means where another host dialed, in a few words.
    pub(super) fn description_elsewhere(self) -> &'static str {
        match self {
            Self::NoRoute => "it has no route there",
            Self::PermissionDenied => "blocked by its own firewall or policy",
            Self::AddressNotAvailable => "the address cannot be dialed from there",
            Self::LocalResources => "it is out of file descriptors, memory or ports",
            Self::InterfaceDown => "its interface is down",
            _ => self.description(),
        }
    }

    /// What to try next, in one sentence.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Refused => "start vigie there, or open its TCP port in that host's firewall",
            Self::TimedOut => {
                "check that it is on; if it is, look for a firewall that drops TCP there or in between"
            }
            Self::HostUnreachable => "check that it is switched on, its cable or Wi-Fi, and its address",
            Self::NetworkUnreachable => "check the router between the two networks",
            Self::NoRoute => "check this machine's address, netmask and default route",
            Self::PermissionDenied => "allow outbound TCP for vigie in this machine's firewall",
            Self::Reset | Self::ClosedEarly => "check the log of vigie there",
            Self::NoReply => "restart vigie there",
            Self::BadReply => "another program uses that port there: choose another --port for all nodes",
            Self::WrongSecret => "give both nodes the same --secret-file",
            Self::WrongGroup => "give both nodes the same --group",
            Self::VersionMismatch => "update the older vigie",
            Self::AddressNotAvailable => {
                "check the address, and that --bind names an address of this machine"
            }
            Self::LocalResources => {
                "raise `ulimit -n`, widen the range of local ports, or stop what uses them up"
            }
            Self::InterfaceDown => "bring the interface up, or plug the cable in",
            Self::Other => "run with --log debug for the details",
        }
    }
}

/// What failed exactly, as a sentence.
impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System(said) => f.write_str(said),
            Self::WrongGroup { name, group } => write!(f, "{name} is in group '{group}'"),
            Self::RequestUnreadable { name } => write!(f, "{name} could not read this node's request"),
            Self::WrongSecret { name, theirs } => match theirs {
                OtherSecret::None => write!(f, "{name} has no secret, and this node has one"),
                OtherSecret::Only => write!(f, "{name} has a secret, and this node has none"),
                OtherSecret::Another => write!(f, "{name} has another secret than this node"),
            },
            Self::Unproven => f.write_str("what answers does not have this node's secret"),
            Self::ShutOut => f.write_str("it closed the connection at the first message of the handshake"),
            Self::OtherRequest => f.write_str("the reply is to another request"),
            Self::ThisNode => f.write_str("this node itself answers there"),
            Self::Visitor { name } => {
                write!(f, "only a command that {name} runs for a moment answers there, no node")
            }
            Self::OtherNode { name } => write!(f, "{name} answers at this address"),
            Self::ReplyUnreadable(error) => reply_unreadable(f, *error),
            Self::InterfaceDown { interface, failed } => {
                write!(f, "{failed}; interface {interface} is down or has lost its address")
            }
        }
    }
}

fn reply_unreadable(f: &mut fmt::Formatter<'_>, error: DecodeError) -> fmt::Result {
    match error {
        DecodeError::Version(theirs) => {
            write!(f, "the reply has protocol version {theirs}, and this vigie speaks version {VERSION}")
        }
        DecodeError::Malformed(what) => {
            write!(f, "the reply is {}: {what}", RejectReason::Malformed.description())
        }
        error => write!(f, "the reply is {}", RejectReason::from(error).description()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_where_another_host_dialed_is_not_said_of_this_machine() {
        for cause in Cause::ALL {
            let said = cause.description_elsewhere();
            assert!(!said.contains("this machine") && !said.contains("from here"), "{said}");
        }
    }

    #[test]
    fn a_failure_of_the_link_says_what_failed_because_of_it() {
        let failed = Detail::system("connect: No route to host (os error 113)");
        let down = Detail::InterfaceDown { interface: "eth0".into(), failed };
        let said = "connect: No route to host (os error 113); interface eth0 is down or has lost its address";
        assert_eq!(down.to_string(), said);
        assert_eq!(serde_json::to_value(&down).expect("JSON"), said, "a record has the sentence");
    }
}
