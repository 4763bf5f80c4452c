//! Why a dial failed, in words, and what to try next.

use std::fmt;

use crate::engine::cause::{Cause, Detail};

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
}
