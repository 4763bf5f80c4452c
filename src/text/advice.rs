//! Advice as people read it: what to do, as a sentence with the command where there is one.

use std::fmt;

use crate::engine::cause::Cause;
use crate::engine::packet_filter::Direction;
use crate::engine::verdict::Advice;
use crate::engine::verdict::evidence::Who;

use super::firewall::{Opening, System, allow};

/// What to do, in one sentence; nothing if there is nothing to do.
impl fmt::Display for Advice {
    #[expect(clippy::too_many_lines, reason = "one table: a sentence for each advice")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Told(words) => f.write_str(words),
            Self::Start { on } => {
                write!(f, "start vigie on {}, or check which TCP port it listens on", Machine(on))
            }
            Self::Restart { on } => {
                write!(f, "restart vigie on {}: its process is stopped or hangs", Machine(on))
            }
            Self::SeparateNetworks { links: [one, other] } => write!(
                f,
                "give {one} and {other} of this machine addresses in two networks, or connect both to one wire: with one network, answers leave by the wrong one"
            ),
            Self::AllowTcpOut { on, port } => {
                let command = Machine(on).allow(Direction::Out, &[Opening::Tcp(*port)]);
                write!(f, "allow outbound TCP connections on {}: {command}", Machine(on))
            }
            Self::AllowTcpIn { on, port, udp: None } => {
                let command = Machine(on).allow(Direction::In, &[Opening::Tcp(*port)]);
                write!(f, "open TCP port {port} in the firewall of {}: {command}", Machine(on))
            }
            Self::AllowTcpIn { on, port, udp: Some(udp) } => {
                let command = Machine(on).allow(Direction::In, &[Opening::Udp(*udp), Opening::Tcp(*port)]);
                let on = Machine(on);
                if port == udp {
                    write!(f, "open port {port} for TCP and UDP in the firewall of {on}: {command}")
                } else {
                    write!(f, "open TCP port {port} and UDP port {udp} in the firewall of {on}: {command}")
                }
            }
            Self::CheckRule { on, about, port } => {
                let command = Machine(on).allow(Direction::In, &[Opening::Tcp(*port)]);
                write!(f, "look for a rule about {about} in the firewall of {}: {command}", Machine(on))
            }
            Self::AllowUdpIn { on, port } => {
                let command = Machine(on).allow(Direction::In, &[Opening::Udp(*port)]);
                write!(f, "allow inbound UDP on {}: {command}", Machine(on))
            }
            Self::AllowUdpOut { on, port } => {
                let command = Machine(on).allow(Direction::Out, &[Opening::Udp(*port)]);
                write!(
                    f,
                    "allow outbound UDP on {}, and look for a filter in between: {command}",
                    Machine(on)
                )
            }
            Self::AllowUdp { on, port } => {
                let command = Machine(on).allow(Direction::In, &[Opening::Udp(*port)]);
                write!(f, "allow inbound and outbound UDP on {}: {command}", Machine(on))
            }
            Self::AllowBroadcasts { on, port } => {
                let on = Machine(on);
                write!(
                    f,
                    "allow inbound broadcasts to UDP {port} on {on} (and on any access point in between)"
                )
            }
            Self::CheckPower { host } => {
                write!(f, "check that {} is switched on, its cable or Wi-Fi, and its address", Machine(host))
            }
            Self::CheckRouter { networks: [one, other], port } => write!(
                f,
                "check the routers and firewalls between {one} and {other}: TCP and UDP {port}, and the replies, must pass"
            ),
            Self::CheckUplinkOf { network } => {
                write!(f, "check the router of {network}, its uplink, and whether its hosts are switched on")
            }
            Self::CheckUplink { hosts } => {
                write!(
                    f,
                    "check what is between this machine and {hosts}: a switch, its uplink, a VLAN, or their power"
                )
            }
            Self::CheckIsolation { host, other } => {
                let other: &dyn fmt::Display = match other {
                    Some(other) => other,
                    None => &"the others",
                };
                write!(
                    f,
                    "check the switch or access point between {} and {other}: VLAN, port isolation, client isolation",
                    Machine(host)
                )
            }
            Self::LetThrough { remedies } => {
                write!(f, "run here: `{}`", remedies.join(" && "))
            }
            Self::CheckCable { host } => {
                write!(f, "check the cable, the Wi-Fi signal and the switch port of {}", Machine(host))
            }
            Self::CheckStability { of } => {
                write!(
                    f,
                    "check the cable or Wi-Fi of {}, and whether it or its vigie keeps restarting",
                    Machine(of)
                )
            }
            Self::CheckLoad { of } => {
                write!(f, "check the load of {}: CPU, memory (is it swapping?) and power saving", Machine(of))
            }
            Self::CheckShared => f.write_str("check the Wi-Fi, switch or uplink they share"),
            Self::LowerMtu { of } => {
                let of = Machine(of);
                write!(f, "use the smallest MTU of all on {of} and on the tunnels and switches in between")
            }
            Self::CorrectNetmask { on } => {
                write!(
                    f,
                    "give {} the netmask that the others have: compare `{}`",
                    Machine(on),
                    System::OURS.show_addresses()
                )
            }
            Self::AgreeOnNetmask { hosts } => {
                write!(f, "give {hosts} the same netmask: compare `{}`", System::OURS.show_addresses())
            }
            Self::JoinNetwork { host } => write!(
                f,
                "give {host} an address and netmask of this network, or this machine an address and netmask of that one"
            ),
            Self::CheckRoute { on: Who::ThisNode, to } => {
                write!(f, "{} to {}", Cause::NoRoute.advice(), Machine(to))
            }
            Self::CheckRoute { on, to } => {
                write!(
                    f,
                    "check the address, netmask and default route of {on}: it has none to {}",
                    Machine(to)
                )
            }
            Self::CheckLink { of } => {
                let there = if *of == Who::ThisNode { "" } else { "there " };
                write!(
                    f,
                    "check the link of {}: cable, switch port, Wi-Fi, VLAN (`vigie doctor` {there}examines it)",
                    Machine(of)
                )
            }
            // Here a firewall was found.
            Self::Against { cause: Cause::TimedOut, on: Who::ThisNode } => {
                f.write_str("look for a firewall that drops TCP on that host or in between")
            }
            Self::Against { cause, on: Who::ThisNode } => f.write_str(cause.advice()),
            Self::Against { on, .. } => {
                write!(f, "run `vigie doctor` on {on}: it examines its limits and firewall")
            }
            Self::ShareSecret => f.write_str(Cause::WrongSecret.advice()),
            Self::JoinGroup { on, group } => write!(f, "start vigie on {} with --group {group}", Machine(on)),
            Self::AdoptIntoGroup { group } => {
                write!(f, "if it is one of yours, start vigie there with --group {group}")
            }
            Self::Update => f.write_str(Cause::VersionMismatch.advice()),
            Self::Readdress { addr } => write!(f, "give one of them another address than {}", addr.host()),
            Self::Rename => f.write_str("give one of them another --name"),
            Self::ReadLog { on } => write!(f, "check the log of vigie on {}", Machine(on)),
        }
    }
}

impl Advice {
    /// What is to be done, to be pasted: the command where that is the fix, and not one that only looks; else all of it.
    pub fn fix(&self) -> String {
        let text = self.to_string();
        let command = text.split_once(": `").and_then(|(_, rest)| rest.split_once('`'));
        command.map_or(text.clone(), |(command, _)| command.to_owned())
    }

    /// The same with its command before what it does, for where the end may be cut; none where there is none.
    pub fn command_first(&self) -> Option<String> {
        let text = self.to_string();
        let (what, rest) = text.split_once('`')?;
        let (command, more) = rest.split_once('`')?;
        let what = what.trim_end_matches(": ").trim_end();
        let more = more.trim_start_matches([',', ' ']);
        let joined = [format!("`{command}`: {what}"), more.to_owned()];
        Some(joined.join(if more.is_empty() { "" } else { ", " }))
    }
}

/// A node as the machine that something is to be done on.
struct Machine<'a>(&'a Who);

impl Machine<'_> {
    /// What opens its firewall for this.
    fn allow(&self, direction: Direction, openings: &[Opening]) -> String {
        allow(direction, openings, *self.0 == Who::ThisNode).to_string()
    }
}

impl fmt::Display for Machine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Who::ThisNode => f.write_str("this machine"),
            Who::Peer(_) => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::peer;

    #[cfg(target_os = "linux")]
    #[test]
    fn of_a_firewall_of_which_nothing_is_known_no_tool_is_said_to_be_there() {
        let open = |on, udp| Advice::AllowTcpIn { on, port: 17_474, udp };
        let h2 = open(Who::Peer(peer(2, "h2")), None);
        assert_eq!(
            h2.to_string(),
            "open TCP port 17474 in the firewall of h2: `sudo ufw allow 17474/tcp` if ufw is used there, else `sudo vigie doctor` there names the rule"
        );
        assert_eq!(
            h2.command_first().as_deref(),
            Some(
                "`sudo ufw allow 17474/tcp`: open TCP port 17474 in the firewall of h2, if ufw is used there, else `sudo vigie doctor` there names the rule"
            )
        );
        assert_eq!(
            open(Who::ThisNode, Some(17_474)).to_string(),
            "open port 17474 for TCP and UDP in the firewall of this machine: `sudo ufw allow 17474` if ufw is used here, else `sudo vigie doctor` names the rule"
        );
        assert_eq!(
            open(Who::ThisNode, Some(17_475)).fix(),
            "sudo ufw allow 17475/udp && sudo ufw allow 17474/tcp"
        );
    }

    #[test]
    fn advice_speaks_of_this_machine_and_of_others_by_name() {
        let on = |who| Advice::Restart { on: who }.to_string();
        assert!(on(Who::ThisNode).starts_with("restart vigie on this machine"));
        assert!(on(Who::Peer(peer(2, "h2"))).starts_with("restart vigie on h2"));
        assert_eq!(Advice::Nothing.to_string(), "");
        let remedies = ["nft insert rule a".into(), "ufw allow 1/udp".into()].to_vec();
        assert_eq!(
            Advice::LetThrough { remedies }.to_string(),
            "run here: `nft insert rule a && ufw allow 1/udp`"
        );
        let h2 = || Who::Peer(peer(2, "h2"));
        let of_others = [
            Advice::CheckLink { of: h2() },
            Advice::CheckRoute { on: h2(), to: Who::Peer(peer(3, "h3")) },
            Advice::CheckLoad { of: h2() },
            Advice::Against { cause: Cause::PermissionDenied, on: h2() },
        ];
        for advice in of_others.map(|advice| advice.to_string()) {
            assert!(advice.contains("h2") && !advice.contains("this machine"), "{advice}");
        }
        let fix = |advice: Advice| advice.fix();
        assert!(!fix(Advice::AllowTcpIn { on: h2(), port: 17_474, udp: None }).contains(['`', ':']));
        assert!(fix(Advice::CheckLink { of: h2() }).starts_with("check the link of h2: cable"));
        assert_eq!(
            fix(Advice::AllowTcpIn { on: h2(), port: 1, udp: Some(2) }).matches(['1', '2']).count(),
            2
        );
        let isolated = Advice::CheckIsolation { host: Who::Peer(peer(2, "h2")), other: None }.to_string();
        assert!(isolated.contains("between h2 and the others"), "{isolated}");
    }
}
