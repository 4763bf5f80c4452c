//! The evidence in sentences, and the one piece of advice.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::engine::cause::Cause;
use crate::engine::observation::Sight;
use crate::engine::verdict::{Confidence, Finding, Pattern, Verdict};
use crate::text::Wait;

use super::patterns::{Bad, Incident};
use super::{Estranged, Picture, Stranger};

/// Sentences of evidence in one finding: what fits on a page about a peer.
const MAX_EVIDENCE: usize = 6;
/// Names in one sentence.
const MAX_NAMES: usize = 4;

/// What was observed, by whom, when.
pub(crate) fn evidence(picture: &Picture<'_>, incident: &Incident) -> Vec<String> {
    let mut told = Vec::new();
    match (incident.verdict, incident.pattern) {
        (Verdict::DuplicateName, _) => {
            let addrs: Vec<String> =
                incident.nodes.iter().map(|nth| picture.nodes[*nth].info.addr.to_string()).collect();
            told.push(format!("this name is used at {}", addrs.join(" and ")));
        }
        (Verdict::LocalProblem, Pattern::Row)
            if incident.nodes.first() == Some(&0) && incident.confidence != Confidence::High =>
        {
            told.push(format!(
                "all {} others stopped answering this machine by every way",
                incident.pairs.len()
            ));
        }
        (Verdict::Isolated, Pattern::Islands) => {
            let lost = names(picture, incident.nodes.iter().copied());
            told.push(format!("{lost} vanished together; the others here still reach each other"));
        }
        _ => {}
    }
    let accused = incident.nodes.first().copied().unwrap_or_default();
    // Our own observation first, then one of somebody else's.
    let mut pairs: Vec<&Bad> = incident.pairs.iter().collect();
    pairs.sort_by_key(|(from, to, verdict)| (*verdict != incident.verdict, *from != 0, *from, *to));
    if let Some((from, to, _)) = pairs.first() {
        told.extend(observed(picture, *from, *to));
        if incident.verdict == Verdict::WrongSubnet {
            told.extend(masks(picture, *from, *to));
        }
        let others = |wanted: fn(&Sight) -> bool| -> Vec<usize> {
            let third = (0..picture.nodes.len()).filter(|by| by != from && by != to);
            third.filter(|by| picture.sight(*by, *to).is_some_and(wanted)).collect()
        };
        let (reach, fail) = (others(|sight| sight.tcp.is_ok()), others(|sight| sight.tcp.is_failing()));
        let whom = name(picture, *to);
        if !reach.is_empty() {
            told.push(format!(
                "{} reach{} {whom} by TCP",
                names(picture, reach.iter().copied()),
                s(reach.len(), "es", "")
            ));
        }
        if !fail.is_empty() {
            told.push(format!(
                "{} fail{} to reach {whom}, too",
                names(picture, fail.iter().copied()),
                s(fail.len(), "s", "")
            ));
        }
    }
    if incident.pairs.len() > 2 && !matches!(incident.verdict, Verdict::DuplicateName) {
        told.push(format!(
            "{} directions of pairs fail, all with {}",
            incident.pairs.len(),
            name(picture, accused)
        ));
        if incident.nodes.len() > 1 {
            told.pop();
        }
    }
    told.truncate(MAX_EVIDENCE);
    told
}

/// What one end sees of the other, and what that one says.
fn observed(picture: &Picture<'_>, from: usize, to: usize) -> Vec<String> {
    let Some(mine) = picture.sight(from, to) else { return Vec::new() };
    let (me, whom) = (name(picture, from), name(picture, to));
    let ago = |at| Wait(picture.now.saturating_duration_since(at));
    let mut told = Vec::new();
    match (mine.cause.filter(|_| mine.tcp.is_failing()), mine.checked) {
        (Some(cause), Some(at)) => {
            told.push(format!(
                "{me} dialed {whom} {} ago: {} ({})",
                ago(at),
                cause.as_str().replace('_', " "),
                cause.description()
            ));
        }
        (None, Some(at)) if mine.tcp.is_ok() => {
            told.push(format!("{me} reached {whom} by TCP {} ago", ago(at)));
        }
        _ => {}
    }
    told.extend(icmp(picture, from, to));
    let mut udp = String::new();
    if mine.echo.is_ok() {
        let _ = match mine.loss {
            Some(loss) if loss > 0 => write!(udp, "{loss} % of its UDP echoes from {whom} are lost"),
            _ => write!(udp, "{whom} echoes its UDP"),
        };
    } else if mine.echo.is_failing() {
        let _ = write!(udp, "{whom} no longer echoes its UDP");
    }
    if mine.large.is_failing() && mine.echo.is_ok() {
        udp.push_str(", but no datagram of 1500 bytes passes (path MTU)");
    }
    let heard = match (mine.broadcast.is_ok(), mine.unicast.is_ok(), mine.broadcast.is_failing()) {
        (true, ..) => Some("hears its broadcasts"),
        (_, true, true) => Some("hears its unicast and none of its broadcasts"),
        (_, true, _) => Some("hears its unicast"),
        (_, _, true) => Some("hears nothing of it by UDP"),
        _ => None,
    };
    match (udp.is_empty(), heard) {
        (false, Some(heard)) => told.push(format!("{me}: {udp}; {heard}")),
        (false, None) => told.push(format!("{me}: {udp}")),
        (true, Some(heard)) => told.push(format!("{me} {heard}")),
        (true, None) => {}
    }
    match picture.sight(to, from) {
        Some(theirs) if theirs.broadcast.is_ok() || theirs.unicast.is_ok() => {
            told.push(format!("{whom} says that it hears {me} by UDP"));
        }
        Some(theirs) if theirs.unicast.is_failing() => {
            told.push(format!("{whom} says that it hears no UDP of {me}"));
        }
        _ => {}
    }
    if mine.served.is_ok() && mine.tcp.is_failing() {
        told.push(format!("{whom} reaches {me} by TCP"));
    }
    if let (Some(at), false) = (mine.alive, mine.echo.is_ok() || mine.tcp.is_ok()) {
        told.push(format!("the last sign of life of {whom} that {me} had was {} ago", ago(at)));
    }
    told
}

/// What ICMP says of the datagrams on this way.
fn icmp(picture: &Picture<'_>, from: usize, to: usize) -> Option<String> {
    let icmp = picture.icmp(from, to)?;
    let (said, code) = (description(icmp.code), icmp.code);
    let ip = picture.nodes[to].info.addr.ip();
    Some(match icmp.from {
        Some(_) if picture.is_from_itself(icmp, to) && code == 3 => {
            format!(
                "{ip} itself answers UDP with '{said}' (ICMP 3/{code}): the host lives, and nothing listens there"
            )
        }
        Some(_) if picture.is_from_itself(icmp, to) => {
            format!("{ip} itself answers UDP with '{said}' (ICMP 3/{code})")
        }
        Some(router) => format!("{router} says '{said}' of UDP to {ip} (ICMP 3/{code})"),
        None => format!("UDP to {ip} is answered with '{said}' (ICMP 3/{code})"),
    })
}

/// What a code of ICMP type 3 is called (RFC 792, RFC 1812 §5.2.7.1).
fn description(code: u8) -> &'static str {
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

fn masks(picture: &Picture<'_>, a: usize, b: usize) -> Option<String> {
    let (Some(one), Some(other)) = (picture.nodes[a].prefix, picture.nodes[b].prefix) else { return None };
    let ip = |nth: usize| picture.nodes[nth].info.addr.ip();
    Some(format!("{} is {}/{one}, {} is {}/{other}", name(picture, a), ip(a), name(picture, b), ip(b)))
}

/// What to do, in one sentence.
pub(crate) fn advice(picture: &Picture<'_>, incident: &Incident) -> String {
    let accused = incident.nodes.first().copied().unwrap_or_default();
    let here = accused == 0;
    let who = if here { "this machine".to_owned() } else { picture.nodes[accused].info.name.clone() };
    let port = picture.nodes[accused].info.addr.port();
    let outbound = incident.pattern == Pattern::Row;
    let other = incident.nodes.get(1).map(|nth| name(picture, *nth)).unwrap_or_default();
    match incident.verdict {
        Verdict::Ok => "nothing to do".to_owned(),
        Verdict::ClosedPort => format!("start vigie on {who}, or name the TCP port that it listens on"),
        Verdict::FirewallReject | Verdict::FirewallDrop | Verdict::OneWayTcp if outbound => {
            format!("let TCP connections out on {who}: {}", open("out tcp", port))
        }
        Verdict::OneWayTcp if incident.pattern == Pattern::Pair && !other.is_empty() => {
            format!("look for a rule about {other} in the firewall of {who}: {}", open("tcp", port))
        }
        Verdict::FirewallReject | Verdict::FirewallDrop | Verdict::OneWayTcp => {
            format!("open TCP port {port} in the firewall of {who}: {}", open("tcp", port))
        }
        Verdict::HostDown => format!("check that {who} is switched on, its cable or Wi-Fi, and its address"),
        Verdict::Isolated if incident.pattern == Pattern::Islands => {
            format!(
                "look at what is between you and {}: a switch, its uplink, a VLAN, or their power",
                names(picture, incident.nodes.iter().copied())
            )
        }
        Verdict::Isolated => {
            format!(
                "look at the switch or access point between {who} and {}: VLAN, port isolation, client isolation",
                if other.is_empty() { "the others" } else { &other }
            )
        }
        Verdict::OneWayUdp => one_way(picture, incident, accused, &who),
        Verdict::BroadcastBlocked => {
            format!(
                "let broadcasts to UDP port {} in on {who} and through the access point between",
                presence_port(picture)
            )
        }
        Verdict::UdpBlocked => {
            format!("let UDP in and out on {who}: {}", open("udp", presence_port(picture)))
        }
        Verdict::HungPeer => format!("restart vigie on {who}: its process is stopped or hangs"),
        Verdict::PacketLoss if too_large(picture, incident) => {
            format!("set the MTU of {who} and of the tunnels and switches on the way to the smallest of them")
        }
        Verdict::PacketLoss => format!("check the cable, the Wi-Fi signal and the switch port of {who}"),
        Verdict::WrongSubnet => format!("give {who} the netmask that the others have: compare `ip -br addr`"),
        Verdict::NoRoute => format!("check this machine's address, netmask and default route towards {who}"),
        Verdict::LocalProblem => local(picture, incident),
        Verdict::WrongSecret => "give both nodes the same --secret-file".to_owned(),
        Verdict::WrongGroup => format!("start vigie on {who} with --group {}", picture.group),
        Verdict::VersionMismatch => "update the older vigie".to_owned(),
        Verdict::DuplicateName => "give one of them another --name".to_owned(),
        Verdict::Unknown => format!("look at the log of the vigie on {who}"),
    }
}

/// UDP passes one way: which side lets it not in, or not out?
fn one_way(picture: &Picture<'_>, incident: &Incident, accused: usize, who: &str) -> String {
    let deaf = incident.pairs.iter().any(|(from, to, _)| {
        let hears = |by: usize, of: usize| {
            picture.sight(by, of).map(|sight| sight.broadcast.is_ok() || sight.unicast.is_ok())
        };
        let partner = if *from == accused { *to } else { *from };
        hears(accused, partner) == Some(false) || hears(partner, accused) == Some(true)
    });
    let port = presence_port(picture);
    if deaf {
        format!("let UDP in on {who}: {}", open("udp", port))
    } else {
        format!("let UDP out on {who}, and look for a filter between: {}", open("out udp", port))
    }
}

fn local(picture: &Picture<'_>, incident: &Incident) -> String {
    let cause = incident.pairs.iter().find_map(|(from, to, _)| picture.sight(*from, *to)?.cause);
    match cause {
        Some(Cause::PermissionDenied | Cause::LocalResources | Cause::AddressNotAvailable) => {
            cause.map_or_else(String::new, |cause| cause.advice().to_owned())
        }
        _ => "check this machine's own link: cable, switch port, Wi-Fi, VLAN (`vigie doctor` looks at it)"
            .to_owned(),
    }
}

fn too_large(picture: &Picture<'_>, incident: &Incident) -> bool {
    incident
        .pairs
        .iter()
        .all(|(from, to, _)| picture.sight(*from, *to).is_some_and(|sight| sight.large.is_failing()))
}

/// The presence port: that of the group's nodes, which is this one's own.
fn presence_port(picture: &Picture<'_>) -> u16 {
    picture.presence_port
}

/// Firewall commands for the system that this program was built for; a network's hosts are mostly of one kind.
fn open(what: &str, port: u16) -> String {
    let (out, protocol) = match what.strip_prefix("out ") {
        Some(protocol) => (true, protocol),
        None => (false, what),
    };
    if cfg!(target_os = "windows") {
        let direction = if out { "Outbound" } else { "Inbound" };
        return format!(
            "`New-NetFirewallRule -DisplayName vigie -Direction {direction} -Protocol {protocol} -LocalPort {port} -Action Allow`"
        );
    }
    if cfg!(target_os = "macos") {
        return "System Settings, Network, Firewall, Options: allow vigie".to_owned();
    }
    match (out, protocol) {
        (true, _) => format!("`sudo ufw allow out {port}/{protocol}`, or look at `sudo nft list ruleset`"),
        (false, "udp") => {
            format!("`sudo ufw allow {port}/udp`, and answers to UDP; or look at `sudo nft list ruleset`")
        }
        (false, _) => format!("`sudo ufw allow {port}/tcp`, or look at `sudo nft list ruleset`"),
    }
}

/// A node that is no peer.
pub(crate) fn of_stranger(stranger: &Stranger, picture: &Picture<'_>) -> Finding {
    let who = &stranger.info.name;
    let ago = Wait(picture.now.saturating_duration_since(stranger.heard));
    let (evidence, advice) = match &stranger.why {
        Estranged::Group(group) => (
            format!(
                "{who} announced itself {ago} ago in group '{group}'; this node is in group '{}'",
                picture.group
            ),
            format!("if it is one of yours, start vigie there with --group {}", picture.group),
        ),
        Estranged::Version(version) => (
            format!(
                "{who} sent a message of protocol version {version} {ago} ago; this vigie speaks version {}",
                crate::proto::VERSION
            ),
            "update the older vigie".to_owned(),
        ),
        Estranged::Network { theirs: (ip, prefix), ours: (own, bits) } => {
            let prefix = prefix.map_or(String::new(), |prefix| format!("/{prefix}"));
            (
                format!(
                    "{who} is on this link as {ip}{prefix}, and this machine is {own}/{bits}: heard {ago} ago"
                ),
                format!("give {who} an address and netmask of this network, or this machine one of its"),
            )
        }
    };
    Finding {
        peer: Arc::clone(&stranger.info),
        verdict: stranger.why.verdict(),
        evidence: vec![evidence],
        advice,
        pattern: Pattern::Stranger,
        confidence: Confidence::High,
        nodes: stranger.info.id.into_iter().collect(),
        names: vec![who.clone()],
        pairs: Vec::new(),
        pair_count: 0,
        since: stranger.since,
    }
}

fn name(picture: &Picture<'_>, nth: usize) -> String {
    if nth == 0 { "this node".to_owned() } else { picture.nodes[nth].info.name.clone() }
}

/// Some names in one phrase, and how many more there are.
fn names(picture: &Picture<'_>, of: impl ExactSizeIterator<Item = usize>) -> String {
    let count = of.len();
    let mut said: Vec<String> = of.take(MAX_NAMES).map(|nth| name(picture, nth)).collect();
    if count > MAX_NAMES {
        said.push(format!("{} others", count - MAX_NAMES));
    }
    match said.split_last() {
        None => "nobody".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

fn s<'a>(count: usize, one: &'a str, more: &'a str) -> &'a str {
    if count == 1 { one } else { more }
}
