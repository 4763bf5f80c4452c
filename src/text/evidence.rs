//! Evidence as people read it: who saw what of whom, as a sentence.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use crate::engine::address::Endpoint;
use crate::engine::cause::OtherSecret;
use crate::engine::hardware::HardwareAddr;
use crate::engine::packet_filter::{BlockingRule, Direction, IpVersion, Traffic};
use crate::engine::verdict::Evidence;
use crate::engine::verdict::evidence::{Echo, Heard, IcmpSender, Several, Who};

use super::{Measured, Wait};

/// What was observed, as a sentence.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(words) => f.write_str(words),
            Self::SharedName { addrs } => {
                let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
                write!(f, "this name is used at {}", joined(&addrs))
            }
            Self::SharedAddress { addr, holders, told_by } => {
                shared_address(f, addr, holders, told_by.as_ref())
            }
            Self::AcrossNetworks { networks: [one, other], paths, hosts } => write!(
                f,
                "all {paths} known paths between {one} and {other} fail, and {hosts} reach other hosts"
            ),
            Self::NetworkCutOff { network, paths } => {
                write!(f, "all {paths} known paths between {network} and other networks fail")
            }
            Self::CameAndWent { who, times, within } => {
                write!(f, "{who} went out of reach {times} times within {}", Wait(*within))
            }
            Self::AnswersLate { who, longest, connect } => {
                let (connect, longest) = (Measured(*connect), Wait(*longest));
                write!(
                    f,
                    "{who} accepts connections within {connect}, but answered up to {longest} late, again and again"
                )
            }
            Self::StoodStill { times, longest } => {
                let longest = Wait(*longest);
                write!(
                    f,
                    "vigie did not run when it should, {times} times within a minute, for up to {longest}"
                )
            }
            Self::AllSilent { count } => {
                write!(f, "all {count} other hosts stopped responding to this machine, by every route")
            }
            Self::VanishedTogether { hosts } => {
                write!(f, "{hosts} disappeared at the same time; the other hosts still reach each other")
            }
            Self::DialFailed { from, to, cause, ago } => {
                let here = *from == Who::ThisNode;
                let why = if here { cause.description() } else { cause.description_elsewhere() };
                write!(f, "{from} → {to}: dialed {} ago, {} ({why})", Wait(*ago), cause.label())
            }
            Self::DialAnswered { from, to, ago } => {
                write!(f, "{from} → {to}: reached by TCP {} ago", Wait(*ago))
            }
            Self::IcmpError { target, code, sender } => icmp_error(f, target, *code, sender),
            Self::Udp { from, to, echo, heard } => udp(f, (from, to), *echo, *heard),
            Self::Hearing { by, from, hears: true } => write!(f, "{by} reports hearing UDP from {from}"),
            Self::Hearing { by, from, hears: false } => write!(f, "{by} reports hearing no UDP from {from}"),
            Self::DialsArrive { from, to } => write!(f, "{from} → {to}: TCP works"),
            Self::SplitNetwork { links: [one, other], network: (ip, prefix), all_by_the_unrouted } => {
                write!(
                    f,
                    "{one} and {other} are both in the network of {ip}/{prefix}, but on different wires: "
                )?;
                if *all_by_the_unrouted {
                    write!(f, "this machine sends by {one}, and the hosts there are heard by {other} only")
                } else {
                    f.write_str("each hears hosts that the other does not")
                }
            }
            Self::OwnFilter { rule } => own_filter(f, rule),
            Self::HeardElsewhere { of, at, failing } => heard_elsewhere(f, of, *at, *failing),
            Self::LastAlive { of, by, ago } => {
                write!(f, "last sign of life from {of} at {by}: {} ago", Wait(*ago))
            }
            Self::Masks { one: (a, a_ip, a_prefix), other: (b, b_ip, b_prefix) } => {
                write!(f, "{a} has {a_ip}/{a_prefix}, {b} has {b_ip}/{b_prefix}")
            }
            Self::OthersReach { others, to } if others.count == 1 => {
                write!(f, "{others} reaches {to} by TCP")
            }
            Self::OthersReach { others, to } => write!(f, "{others} reach {to} by TCP"),
            Self::OthersFail { others, to } => write!(f, "{others} cannot reach {to} either"),
            Self::Common { node, pairs } => write!(f, "{pairs} paths fail, all to or from {node}"),
            Self::OtherGroup { who, theirs, ours, ago } => {
                let ago = Wait(*ago);
                write!(
                    f,
                    "{who} announced itself {ago} ago in group '{theirs}'; this node is in group '{ours}'"
                )
            }
            Self::OtherVersion { who, theirs, ours, ago } => {
                let ago = Wait(*ago);
                write!(
                    f,
                    "{who} sent a message of protocol version {theirs} {ago} ago; this node speaks version {ours}"
                )
            }
            Self::OtherSecret { who, theirs, ago } => {
                let (ago, differs) = (Wait(*ago), other_secret(*theirs));
                write!(f, "{who} announced itself in this group {ago} ago, {differs}")
            }
            Self::OtherNetwork { who, theirs, ours, ago } => other_network(f, who, *theirs, *ours, *ago),
        }
    }
}

/// What the presence of another node shows of its secret.
fn other_secret(theirs: OtherSecret) -> &'static str {
    match theirs {
        OtherSecret::None => "without a secret; this node has one",
        OtherSecret::Only => "with a secret; this node has none",
        OtherSecret::Another => "with another secret than this node's",
    }
}

/// Who has one address, and how they are told apart.
fn shared_address(
    f: &mut fmt::Formatter<'_>,
    addr: &Endpoint,
    holders: &[(Who, Option<HardwareAddr>)],
    told_by: Option<&Who>,
) -> fmt::Result {
    let all = if holders.len() > 2 { "all" } else { "both" };
    let others: Vec<String> =
        holders.iter().filter(|(who, _)| *who != Who::ThisNode).map(|(who, _)| who.to_string()).collect();
    if others.len() < holders.len() {
        let (ip, others) = (addr.host(), joined(&others));
        match told_by {
            Some(teller) => {
                write!(f, "{ip} is this machine's address, and {teller} hears {others} from it, too")?;
            }
            None => write!(f, "{ip} is this machine's address, and {others} is heard from it, too")?,
        }
    } else {
        write!(f, "{all} are heard from {}, and {all} say that it is theirs", addr.host())?;
    }
    let known = holders.iter().filter_map(|(who, hardware)| Some((who, (*hardware)?)));
    let known: Vec<String> = known.map(|(who, hardware)| format!("{who} has {hardware}")).collect();
    if known.is_empty() { Ok(()) } else { write!(f, "; by hardware address, {}", joined(&known)) }
}

/// What this machine's own packet filter stops, and by which rule.
fn own_filter(f: &mut fmt::Formatter<'_>, rule: &BlockingRule) -> fmt::Result {
    let way = if rule.direction == Direction::In { "incoming" } else { "outgoing" };
    let stops = |traffic| rule.stops.contains(&traffic);
    let udp = match (stops(Traffic::Unicast), stops(Traffic::Broadcast)) {
        (true, _) => Some("UDP"),
        (false, true) => Some("broadcasts"),
        (false, false) => None,
    };
    let traffic: Vec<&str> = stops(Traffic::Tcp).then_some("TCP").into_iter().chain(udp).collect();
    let over = if rule.ip == IpVersion::V6 { " over IPv6" } else { "" };
    write!(f, "this machine's firewall blocks {way} {}{over}: {}", traffic.join(" and "), rule.rule)
}

/// Where the two addresses are of two families, the fault is of one.
fn heard_elsewhere(f: &mut fmt::Formatter<'_>, of: &Who, at: Endpoint, failing: Endpoint) -> fmt::Result {
    write!(f, "{of} is still heard from {}: ", at.host())?;
    match (at.ip().is_ipv4(), failing.ip().is_ipv4()) {
        (false, true) => write!(f, "only IPv4 fails, to {}", failing.host()),
        (true, false) => write!(f, "only IPv6 fails, to {}", failing.host()),
        _ => write!(f, "only the way to {} fails", failing.host()),
    }
}

/// How UDP fares in both directions between two nodes.
fn udp(
    f: &mut fmt::Formatter<'_>,
    (from, to): (&Who, &Who),
    echo: Option<Echo>,
    heard: Option<Heard>,
) -> fmt::Result {
    match echo {
        Some(Echo::Returned { lost, large_lost }) => {
            write!(f, "{from} → {to}: ")?;
            match lost {
                0 => write!(f, "UDP echoes come back")?,
                lost => write!(f, "{lost} % of UDP echoes are lost")?,
            }
            if large_lost {
                write!(f, ", but no datagram of 1500 bytes gets through (path MTU)")?;
            }
        }
        Some(Echo::Lost) => write!(f, "{from} → {to}: UDP echoes no longer come back")?,
        None => {}
    }
    let Some(heard) = heard else { return Ok(()) };
    let arrives = match heard {
        Heard::Broadcasts => "broadcasts arrive",
        Heard::Unicast => "unicast UDP arrives",
        Heard::UnicastOnly => "unicast UDP arrives, broadcasts do not",
        Heard::Nothing => "no UDP arrives",
    };
    let and = if echo.is_some() { "; " } else { "" };
    write!(f, "{and}{to} → {from}: {arrives}")
}

/// What ICMP says of datagrams to an address.
fn icmp_error(f: &mut fmt::Formatter<'_>, target: &Endpoint, code: u8, sender: &IcmpSender) -> fmt::Result {
    let (target, said) = (target.host(), icmp_description(code));
    match sender {
        IcmpSender::Target => write!(f, "{target} itself answers UDP with '{said}' (ICMP 3/{code})")?,
        IcmpSender::Router(router) => {
            write!(f, "{} reports '{said}' for UDP to {target} (ICMP 3/{code})", router.host())?;
        }
        IcmpSender::Unknown => write!(f, "UDP to {target} is answered with '{said}' (ICMP 3/{code})")?,
    }
    match (sender, code) {
        (IcmpSender::Target, 3) => write!(f, ": the host is up, but nothing listens there"),
        _ => Ok(()),
    }
}

/// A node on our link that is in another network.
fn other_network(
    f: &mut fmt::Formatter<'_>,
    who: &Who,
    (ip, prefix): (IpAddr, Option<u8>),
    (own, bits): (IpAddr, u8),
    ago: Duration,
) -> fmt::Result {
    let prefix = prefix.map_or_else(String::new, |prefix| format!("/{prefix}"));
    let ago = Wait(ago);
    write!(f, "{who} was heard on this link {ago} ago as {ip}{prefix}, but this machine has {own}/{bits}")
}

/// What a code of ICMP type 3 is called (RFC 792, RFC 1812 §5.2.7.1).
fn icmp_description(code: u8) -> &'static str {
    match code {
        0 => "network unreachable",
        1 => "host unreachable",
        2 => "protocol unreachable",
        3 => "port unreachable",
        4 => "fragmentation needed",
        5 => "source route failed",
        6 => "network unknown",
        7 => "host unknown",
        9 => "network administratively prohibited",
        10 => "host administratively prohibited",
        13 => "communication administratively prohibited",
        _ => "destination unreachable",
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ThisNode => "this node",
            Self::Peer(info) => &info.name,
        })
    }
}

impl fmt::Display for Several {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names: Vec<String> = self.named.iter().map(Who::to_string).collect();
        match self.unnamed() {
            0 => {}
            1 => names.push("one other".to_owned()),
            rest => names.push(format!("{rest} others")),
        }
        f.write_str(&joined(&names))
    }
}

/// Some names in one phrase.
pub(super) fn joined(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cause::Cause;
    use crate::testkit::{blocking_rule, ms, peer, secs};

    #[test]
    fn evidence_says_who_saw_what_of_whom() {
        let (this, h2) = (|| Who::ThisNode, || Who::Peer(peer(2, "h2")));
        let several = |count: u64| Several::of((1..=count).map(|n| Who::Peer(peer(n, &format!("h{n}")))));
        let h3 = || Who::Peer(peer(3, "h3"));
        let shared = Endpoint::from(([10, 0, 0, 2], 17_474));
        let hardware = |last| HardwareAddr([2, 0, 0, 0, 0, last]);
        let (v4, v6) = (IpAddr::from([10, 0, 0, 2]), "fe80::2".parse::<IpAddr>().unwrap());
        let table = [
            (
                Evidence::DialFailed { from: this(), to: h2(), cause: Cause::Reset, ago: ms(3_200) },
                "this node → h2: dialed 3.2 s ago, reset (the connection was reset)",
            ),
            (
                Evidence::Udp {
                    from: this(),
                    to: h2(),
                    echo: Some(Echo::Returned { lost: 12, large_lost: true }),
                    heard: Some(Heard::UnicastOnly),
                },
                "this node → h2: 12 % of UDP echoes are lost, but no datagram of 1500 bytes gets through (path MTU); \
                 h2 → this node: unicast UDP arrives, broadcasts do not",
            ),
            (
                Evidence::Udp { from: h2(), to: this(), echo: None, heard: Some(Heard::Nothing) },
                "this node → h2: no UDP arrives",
            ),
            (
                Evidence::OwnFilter { rule: blocking_rule().into() },
                "this machine's firewall blocks incoming TCP: chain inet filter input has the rule 'tcp dport 17474 drop'",
            ),
            (Evidence::OthersFail { others: several(1), to: h2() }, "h1 cannot reach h2 either"),
            (
                Evidence::OthersReach { others: several(6), to: h2() },
                "h1, h2, h3, h4 and 2 others reach h2 by TCP",
            ),
            (
                Evidence::IcmpError {
                    target: ([10, 0, 0, 2], 17_474).into(),
                    code: 3,
                    sender: IcmpSender::Target,
                },
                "10.0.0.2 itself answers UDP with 'port unreachable' (ICMP 3/3): the host is up, but nothing listens there",
            ),
            (
                Evidence::IcmpError {
                    target: Endpoint::named("[fe80::2%3]:17474".parse().unwrap(), Some("eth0")),
                    code: 1,
                    sender: IcmpSender::Router(Endpoint::named(
                        "[fe80::9%3]:0".parse().unwrap(),
                        Some("eth0"),
                    )),
                },
                "fe80::9%eth0 reports 'host unreachable' for UDP to fe80::2%eth0 (ICMP 3/1)",
            ),
            (
                Evidence::SharedAddress {
                    addr: shared,
                    holders: vec![(Who::ThisNode, None), (h3(), Some(hardware(8)))],
                    told_by: Some(h2()),
                },
                "10.0.0.2 is this machine's address, and h2 hears h3 from it, too; \
                 by hardware address, h3 has 02:00:00:00:00:08",
            ),
            (
                Evidence::SharedAddress {
                    addr: shared,
                    holders: vec![(h2(), None), (h3(), None)],
                    told_by: None,
                },
                "both are heard from 10.0.0.2, and both say that it is theirs",
            ),
            (
                Evidence::SharedAddress {
                    addr: shared,
                    holders: vec![(h2(), Some(hardware(7))), (h3(), Some(hardware(8)))],
                    told_by: None,
                },
                "both are heard from 10.0.0.2, and both say that it is theirs; \
                 by hardware address, h2 has 02:00:00:00:00:07 and h3 has 02:00:00:00:00:08",
            ),
            (
                Evidence::HeardElsewhere { of: h2(), at: (v6, 1).into(), failing: (v4, 1).into() },
                "h2 is still heard from fe80::2: only IPv4 fails, to 10.0.0.2",
            ),
            (
                Evidence::HeardElsewhere { of: h2(), at: (v4, 1).into(), failing: (v4, 2).into() },
                "h2 is still heard from 10.0.0.2: only the way to 10.0.0.2 fails",
            ),
            (
                Evidence::LastAlive { of: h2(), by: this(), ago: secs(90) },
                "last sign of life from h2 at this node: 1 min ago",
            ),
        ];
        for (evidence, expected) in table {
            assert_eq!(evidence.to_string(), expected);
        }
    }

    #[test]
    fn whoever_answers_late_is_told_by_how_much_and_this_machine_that_it_stood_still() {
        let who = Who::Peer(peer(2, "h2"));
        let late = Evidence::AnswersLate { who, longest: ms(1_480), connect: ms(2) };
        assert_eq!(
            late.to_string(),
            "h2 accepts connections within 2.00 ms, but answered up to 1.4 s late, again and again"
        );
        let stood_still = Evidence::StoodStill { times: 3, longest: ms(1_480) };
        assert_eq!(
            stood_still.to_string(),
            "vigie did not run when it should, 3 times within a minute, for up to 1.4 s"
        );
    }
}
