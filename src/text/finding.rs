//! Findings as people read them: who is concerned, what is wrong, what was seen, what to do; and their form in JSON, which
//! has the same sentences.

use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::peers::PeerInfo;
use crate::engine::verdict::evidence::{Echo, Heard, IcmpSender, Several, Who};
use crate::engine::verdict::{Advice, Confidence, Evidence, Finding, Pattern, Verdict};

use super::firewall::{Direction, Opening, System, allow};
use super::{Label, Wait};

/// Names in a headline before the rest is counted.
const NAMED: usize = 3;

impl Verdict {
    /// Its word as people write it: `host down`.
    pub fn label(self) -> Label {
        Label(self.as_str())
    }

    /// What it means, in a few words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Ok => "all is well",
            Self::ClosedPort => Cause::Refused.description(),
            Self::FirewallReject => "a firewall rejects TCP connections",
            Self::FirewallDrop => "a firewall drops TCP connections",
            Self::HostDown => "the host does not respond at all",
            Self::Isolated => "cut off from this host, but others can hear it",
            Self::OneWayUdp => "UDP works in one direction only",
            Self::BroadcastBlocked => "broadcasts are not arriving",
            Self::UdpBlocked => "TCP works, UDP does not",
            Self::OneWayTcp => "TCP works in one direction only",
            Self::HungPeer => Cause::NoReply.description(),
            Self::PacketLoss => "packets are lost",
            Self::WrongSubnet => "address or netmask does not match the network",
            Self::NoRoute => "there is no route to it",
            Self::LocalProblem => "the problem is on this machine",
            Self::WrongSecret => Cause::WrongSecret.description(),
            Self::WrongGroup => Cause::WrongGroup.description(),
            Self::VersionMismatch => Cause::VersionMismatch.description(),
            Self::DuplicateName => "another host has the same name",
            Self::Unknown => "it fails; the cause is unclear",
        }
    }
}

/// A finding as one sentence: what is wrong and what to do, or that it is resolved.
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.verdict {
            Verdict::Ok => write!(f, "{}: resolved", self.peer.name),
            _ => write!(f, "{}; {}", self.headline(), self.advice),
        }
    }
}

impl Finding {
    /// The incident in a few words: `h1 → h2: a firewall drops TCP connections`.
    pub fn headline(&self) -> String {
        match self.verdict {
            Verdict::DuplicateName => format!("{} share a name", self.subject()),
            verdict => format!("{}: {}", self.subject(), verdict.description()),
        }
    }

    /// Whom it is about: `h1 → h2` if one direction fails, `h1 ↔ h2` if both do, else the names.
    pub fn subject(&self) -> String {
        match self.names.as_slice() {
            [] => self.peer.name.clone(),
            _ if self.verdict == Verdict::DuplicateName => joined(&self.namesakes()),
            [accused, other] if self.pattern == Pattern::Pair => self.direction(accused, other),
            names if names.len() <= NAMED => joined(names),
            names => {
                let (first, rest) = names.split_at(NAMED - 1);
                format!("{} and {} others", first.join(", "), rest.len())
            }
        }
    }

    /// Which paths fail, and how many: `to this host, 3 paths`. None if it is not about paths.
    pub fn paths(&self) -> Option<String> {
        let which = match self.pattern {
            Pattern::Pair | Pattern::Scattered => None,
            Pattern::Column => Some("to this host"),
            Pattern::Row => Some("from this host"),
            Pattern::Host => Some("to and from this host"),
            Pattern::Islands => Some("between two groups"),
            Pattern::ForeignNode => Some("unknown node"),
        };
        let count = match self.pair_count {
            0 => None,
            1 => Some("1 path".to_owned()),
            count => Some(format!("{count} paths")),
        };
        let told: Vec<String> = which.map(str::to_owned).into_iter().chain(count).collect();
        (!told.is_empty()).then(|| told.join(", "))
    }

    /// Which direction between two nodes fails.
    fn direction(&self, accused: &str, other: &str) -> String {
        let fails = |from: usize, to: usize| {
            let pair = self.nodes.get(from).zip(self.nodes.get(to));
            pair.is_some_and(|(from, to)| self.pairs.contains(&(*from, *to)))
        };
        match (fails(1, 0), fails(0, 1)) {
            (true, false) => format!("{other} → {accused}"),
            (false, true) => format!("{accused} → {other}"),
            (true, true) => format!("{other} ↔ {accused}"),
            (false, false) => format!("{accused} and {other}"),
        }
    }

    /// Those that share a name, with their addresses.
    fn namesakes(&self) -> Vec<String> {
        let addrs = self.evidence.iter().find_map(|seen| match seen {
            Evidence::SharedName { addrs } if addrs.len() == self.names.len() => Some(addrs),
            _ => None,
        });
        let Some(addrs) = addrs else { return self.names.clone() };
        self.names.iter().zip(addrs).map(|(name, addr)| format!("{name} ({})", addr.ip())).collect()
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
fn joined(names: &[String]) -> String {
    match names {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

/// What was observed, as a sentence.
impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SharedName { addrs } => {
                let addrs: Vec<String> = addrs.iter().map(ToString::to_string).collect();
                write!(f, "this name is used at {}", joined(&addrs))
            }
            Self::AllSilent { count } => {
                write!(f, "all {count} other hosts stopped responding to this machine, by every route")
            }
            Self::VanishedTogether { hosts } => {
                write!(f, "{hosts} disappeared at the same time; the other hosts still reach each other")
            }
            Self::DialFailed { from, to, cause, ago } => {
                let (ago, why) = (Wait(*ago), cause.description());
                write!(f, "{from} → {to}: dialed {ago} ago, {} ({why})", cause.label())
            }
            Self::DialAnswered { from, to, ago } => {
                write!(f, "{from} → {to}: reached by TCP {} ago", Wait(*ago))
            }
            Self::IcmpError { target, code, sender } => icmp_error(f, *target, *code, *sender),
            Self::Udp { from, to, echo, heard } => udp(f, (from, to), *echo, *heard),
            Self::Hearing { by, from, hears: true } => write!(f, "{by} reports hearing UDP from {from}"),
            Self::Hearing { by, from, hears: false } => write!(f, "{by} reports hearing no UDP from {from}"),
            Self::DialsArrive { from, to } => write!(f, "{from} → {to}: TCP works"),
            Self::LastAlive { of, by, ago } => {
                write!(f, "last sign of life from {of} at {by}: {} ago", Wait(*ago))
            }
            Self::Masks { one, other } => {
                let (a, a_ip, a_prefix) = one;
                let (b, b_ip, b_prefix) = other;
                write!(f, "{a} has {a_ip}/{a_prefix}, {b} has {b_ip}/{b_prefix}")
            }
            Self::OthersReach { others, to } => {
                let reach = if others.count == 1 { "reaches" } else { "reach" };
                write!(f, "{others} {reach} {to} by TCP")
            }
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
            Self::OtherNetwork { who, theirs: (ip, prefix), ours: (own, bits), ago } => {
                let prefix = prefix.map_or_else(String::new, |prefix| format!("/{prefix}"));
                let ago = Wait(*ago);
                write!(
                    f,
                    "{who} was heard on this link {ago} ago as {ip}{prefix}, but this machine has {own}/{bits}"
                )
            }
        }
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
fn icmp_error(f: &mut fmt::Formatter<'_>, target: IpAddr, code: u8, sender: IcmpSender) -> fmt::Result {
    let said = icmp_description(code);
    match sender {
        IcmpSender::Target => write!(f, "{target} itself answers UDP with '{said}' (ICMP 3/{code})")?,
        IcmpSender::Router(router) => {
            write!(f, "{router} reports '{said}' for UDP to {target} (ICMP 3/{code})")?;
        }
        IcmpSender::Unknown => write!(f, "UDP to {target} is answered with '{said}' (ICMP 3/{code})")?,
    }
    match (sender, code) {
        (IcmpSender::Target, 3) => write!(f, ": the host is up, but nothing listens there"),
        _ => Ok(()),
    }
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

/// What to do, in one sentence; nothing if there is nothing to do.
impl fmt::Display for Advice {
    #[expect(clippy::too_many_lines, reason = "one table: a sentence for each advice")]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => Ok(()),
            Self::Start { on } => {
                write!(f, "start vigie on {}, or check which TCP port it listens on", Machine(on))
            }
            Self::Restart { on } => {
                write!(f, "restart vigie on {}: its process is stopped or hangs", Machine(on))
            }
            Self::AllowTcpOut { on, port } => {
                write!(
                    f,
                    "allow outbound TCP connections on {}: {}",
                    Machine(on),
                    allow(Direction::Out, Opening::Tcp(*port))
                )
            }
            Self::AllowTcpIn { on, port } => {
                let command = allow(Direction::In, Opening::Tcp(*port));
                write!(f, "open TCP port {port} in the firewall of {}: {command}", Machine(on))
            }
            Self::CheckRule { on, about, port } => {
                let (on, command) = (Machine(on), allow(Direction::In, Opening::Tcp(*port)));
                write!(f, "look for a rule about {about} in the firewall of {on}: {command}")
            }
            Self::AllowUdpIn { on, port } => {
                write!(
                    f,
                    "allow inbound UDP on {}: {}",
                    Machine(on),
                    allow(Direction::In, Opening::Udp(*port))
                )
            }
            Self::AllowUdpOut { on, port } => {
                let (on, command) = (Machine(on), allow(Direction::Out, Opening::Udp(*port)));
                write!(f, "allow outbound UDP on {on}, and look for a filter in between: {command}")
            }
            Self::AllowUdp { on, port } => {
                write!(
                    f,
                    "allow inbound and outbound UDP on {}: {}",
                    Machine(on),
                    allow(Direction::In, Opening::Udp(*port))
                )
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
            Self::CheckCable { host } => {
                write!(f, "check the cable, the Wi-Fi signal and the switch port of {}", Machine(host))
            }
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
            Self::JoinNetwork { host } => write!(
                f,
                "give {host} an address and netmask of this network, or this machine an address and netmask of that one"
            ),
            Self::CheckRoute { to } => {
                write!(f, "{} to {}", Cause::NoRoute.advice(), Machine(to))
            }
            Self::CheckOwnLink => f.write_str(
                "check this machine's own link: cable, switch port, Wi-Fi, VLAN (`vigie doctor` examines it)",
            ),
            Self::Against(cause) => f.write_str(cause.advice()),
            Self::ShareSecret => f.write_str(Cause::WrongSecret.advice()),
            Self::JoinGroup { on, group } => write!(f, "start vigie on {} with --group {group}", Machine(on)),
            Self::AdoptIntoGroup { group } => {
                write!(f, "if it is one of yours, start vigie there with --group {group}")
            }
            Self::Update => f.write_str(Cause::VersionMismatch.advice()),
            Self::Rename => f.write_str("give one of them another --name"),
            Self::ReadLog { on } => write!(f, "check the log of vigie on {}", Machine(on)),
        }
    }
}

/// A node as the machine that something is to be done on.
struct Machine<'a>(&'a Who);

impl fmt::Display for Machine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Who::ThisNode => f.write_str("this machine"),
            Who::Peer(_) => self.0.fmt(f),
        }
    }
}

/// The contract's form.
impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Document<'a> {
            peer: &'a PeerInfo,
            verdict: Verdict,
            evidence: Vec<String>,
            advice: String,
            pattern: Pattern,
            confidence: Confidence,
            nodes: &'a [NodeId],
            names: &'a [String],
            pairs: &'a [(NodeId, NodeId)],
            pair_count: usize,
        }
        let Self {
            peer,
            verdict,
            evidence,
            advice,
            pattern,
            confidence,
            nodes,
            names,
            pairs,
            pair_count,
            ..
        } = self;
        let document = Document {
            peer,
            verdict: *verdict,
            evidence: evidence.iter().map(Evidence::to_string).collect(),
            advice: advice.to_string(),
            pattern: *pattern,
            confidence: *confidence,
            nodes,
            names,
            pairs,
            pair_count: *pair_count,
        };
        document.serialize(serializer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testkit::{finding, ms, peer, secs, t0};

    /// A finding about these, the accused one first, with failing pairs by position.
    fn about(names: &[&str], verdict: Verdict, pattern: Pattern, pairs: &[(usize, usize)]) -> Finding {
        let peers: Vec<_> = names.iter().zip(1..).map(|(name, number)| peer(number, name)).collect();
        let id = |nth: usize| peers[nth].id.unwrap();
        Finding {
            pattern,
            nodes: (0..peers.len()).map(id).collect(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            pairs: pairs.iter().map(|(from, to)| (id(*from), id(*to))).collect(),
            pair_count: pairs.len(),
            ..finding(&peers[0], verdict, t0())
        }
    }

    #[test]
    fn a_headline_tells_the_direction_of_a_pair_and_names_a_few() {
        let told = |names: &[&str], pattern, pairs: &[(usize, usize)]| {
            about(names, Verdict::OneWayTcp, pattern, pairs).subject()
        };
        let pair = |pairs: &[(usize, usize)]| told(&["h2", "h1"], Pattern::Pair, pairs);
        assert_eq!(pair(&[(1, 0)]), "h1 → h2");
        assert_eq!(pair(&[(0, 1)]), "h2 → h1");
        assert_eq!(pair(&[(0, 1), (1, 0)]), "h1 ↔ h2");
        assert_eq!(pair(&[]), "h2 and h1");
        assert_eq!(told(&["h2"], Pattern::Column, &[]), "h2");
        assert_eq!(told(&["h1", "h2", "h3"], Pattern::Islands, &[]), "h1, h2 and h3");
        assert_eq!(told(&["h1", "h2", "h3", "h4"], Pattern::Islands, &[]), "h1, h2 and 2 others");
    }

    #[test]
    fn those_that_share_a_name_are_told_apart_by_their_addresses() {
        let mut twins = about(&["twin", "twin"], Verdict::DuplicateName, Pattern::Pair, &[]);
        let addrs = [3, 5].map(|host| ([10, 77, 0, host], 17_474).into()).to_vec();
        twins.evidence = vec![Evidence::SharedName { addrs }];
        assert_eq!(twins.headline(), "twin (10.77.0.3) and twin (10.77.0.5) share a name");
        assert_eq!(twins.evidence[0].to_string(), "this name is used at 10.77.0.3:17474 and 10.77.0.5:17474");
        assert_eq!(twins.paths(), None);
    }

    #[test]
    fn which_paths_fail_is_told_by_direction_and_number() {
        let paths = |pattern, count| {
            let finding = about(&["h1"], Verdict::FirewallDrop, pattern, &[]);
            Finding { pair_count: count, ..finding }.paths()
        };
        assert_eq!(paths(Pattern::Row, 1).as_deref(), Some("from this host, 1 path"));
        assert_eq!(paths(Pattern::Column, 3).as_deref(), Some("to this host, 3 paths"));
        assert_eq!(paths(Pattern::ForeignNode, 0).as_deref(), Some("unknown node"));
        assert_eq!(paths(Pattern::Scattered, 12).as_deref(), Some("12 paths"));
    }

    #[test]
    fn evidence_says_who_saw_what_of_whom() {
        let (this, h2) = (|| Who::ThisNode, || Who::Peer(peer(2, "h2")));
        let several = |count: u64| Several::of((1..=count).map(|n| Who::Peer(peer(n, &format!("h{n}")))));
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
            (Evidence::OthersFail { others: several(1), to: h2() }, "h1 cannot reach h2 either"),
            (
                Evidence::OthersReach { others: several(6), to: h2() },
                "h1, h2, h3, h4 and 2 others reach h2 by TCP",
            ),
            (
                Evidence::IcmpError { target: [10, 0, 0, 2].into(), code: 3, sender: IcmpSender::Target },
                "10.0.0.2 itself answers UDP with 'port unreachable' (ICMP 3/3): the host is up, but nothing listens there",
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
    fn advice_speaks_of_this_machine_and_of_others_by_name() {
        let on = |who| Advice::Restart { on: who }.to_string();
        assert!(on(Who::ThisNode).starts_with("restart vigie on this machine"));
        assert!(on(Who::Peer(peer(2, "h2"))).starts_with("restart vigie on h2"));
        assert_eq!(Advice::Nothing.to_string(), "");
        let isolated = Advice::CheckIsolation { host: Who::Peer(peer(2, "h2")), other: None }.to_string();
        assert!(isolated.contains("between h2 and the others"), "{isolated}");
    }

    #[test]
    fn in_json_evidence_and_advice_are_sentences() {
        let finding = Finding {
            evidence: vec![Evidence::AllSilent { count: 3 }],
            advice: Advice::Update,
            ..about(&["h2", "h1"], Verdict::ClosedPort, Pattern::ForeignNode, &[(1, 0)])
        };
        let json = serde_json::to_string(&Arc::new(finding)).unwrap();
        let ids = [1, 2].map(|n| serde_json::to_string(&NodeId(n)).unwrap());
        let [one, other] = &ids;
        let expected = format!(
            r#"{{"peer":{{"id":{one},"name":"h2","addr":"10.0.0.1:17474","incarnation":1}},"verdict":"closed_port","evidence":["all 3 other hosts stopped responding to this machine, by every route"],"advice":"update the older vigie","pattern":"stranger","confidence":"high","nodes":[{one},{other}],"names":["h2","h1"],"pairs":[[{other},{one}]],"pair_count":1}}"#
        );
        assert_eq!(json, expected);
    }
}
