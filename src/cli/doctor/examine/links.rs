//! Interfaces, their networks, and the packets that fit through them.

use std::collections::BTreeMap;

use crate::engine::interface::{Interface, Kind};

use super::super::facts::{Facts, Link, State, link_of};
use super::super::fix;
use super::{Finding, Outcome, Severity};

/// A presence never has more bytes than fit this packet, with all headers (`proto::MAX_DATAGRAM`).
const LEAST_PACKET: u32 = 1_280;
/// Of Ethernet.
const USUAL_PACKET: u32 = 1_500;

/// Whether there is an interface that can broadcast, and why others cannot.
pub(super) fn interfaces(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    let network: Vec<&Interface> = facts.used.iter().filter(|i| i.kind != Kind::Loopback).collect();
    let asked = &facts.asked;
    let loopback_wanted = asked.bind.is_some_and(|addr| addr.is_loopback())
        || !asked.selection.is_empty() && facts.used.iter().any(|i| i.kind == Kind::Loopback);
    if let Some(addr) = asked.bind.filter(|_| !asked.bind_is_ours) {
        findings.push(Finding::new(
            Severity::Error,
            format!("this machine does not hold {addr}, the address of --bind"),
            format!("it holds {}", addresses(facts)),
            "vigie without --bind, or with one of these addresses",
        ));
    } else if network.is_empty() && !loopback_wanted {
        findings.push(no_interface(facts));
    } else if !loopback_wanted {
        let chosen = asked.bind.is_some() || !asked.selection.is_empty();
        let idle =
            |link: &&Link| !chosen && !facts.used.iter().any(|used| link_of(&used.name) == &*link.name);
        findings.extend(facts.links.iter().filter(idle).filter_map(|link| unused(facts, link)));
        findings.extend(labelled(facts, &network));
    }
    let names: Vec<&str> = facts.used.iter().map(|i| &*i.name).collect();
    Outcome { saw: format!("{} can broadcast", names.join(", ")), findings, ..Outcome::default() }
}

fn addresses(facts: &Facts) -> String {
    let of_link =
        |link: &Link| link.v4.iter().map(|(addr, _)| format!("{addr} ({})", link.name)).collect::<Vec<_>>();
    let all: Vec<String> = facts.links.iter().flat_map(of_link).collect();
    if all.is_empty() { "no IPv4 address".to_owned() } else { all.join(", ") }
}

/// Nobody can be found: why is said of each link, and what mends the one that needs the least.
fn no_interface(facts: &Facts) -> Finding {
    let candidates: Vec<&Link> = facts.links.iter().filter(|link| link.kind != Kind::Loopback).collect();
    let evidence: Vec<String> =
        candidates.iter().map(|link| format!("{} {}", link.name, why_unused(link))).collect();
    let has_v6 = |link: &&Link| link.v6.iter().any(|addr| !addr.is_unicast_link_local());
    let has_v4 = candidates.iter().any(|link| !link.v4.is_empty());
    if !facts.asked.selection.is_empty() {
        return Finding::new(
            Severity::Error,
            format!("no interface that can broadcast is left by {}", facts.asked.selection),
            if evidence.is_empty() {
                "this machine has none but loopback".to_owned()
            } else {
                evidence.join("; ")
            },
            "vigie without these options, or with names from the list of interfaces",
        );
    }
    if !has_v4 && candidates.iter().any(|link| link.state == State::Up && has_v6(link)) {
        return Finding::new(
            Severity::Error,
            "this machine has only IPv6 addresses, and peers are found by IPv4 broadcast",
            evidence.join("; "),
            "give it an IPv4 address, or name each peer: vigie --peer HOST",
        );
    }
    // A network comes before a container's bridge, what only wants an address before what wants a cable.
    let rank = |link: &&&Link| {
        let state = match link.state {
            State::Up => 0,
            State::Down => 1,
            State::NoCarrier | State::NotRunning => 2,
        };
        (!matches!(link.kind, Kind::Lan | Kind::Wifi), link.v4.is_empty(), state)
    };
    let remedy = match candidates.iter().min_by_key(rank) {
        Some(link) => mended(facts, link),
        None => "connect this machine to a network; it has no interface but loopback".to_owned(),
    };
    let what = match candidates.iter().min_by_key(rank) {
        Some(link) => format!("no interface can broadcast: {} {}", link.name, why_unused(link)),
        None => "no interface can broadcast: there is none but loopback".to_owned(),
    };
    let evidence = if evidence.is_empty() {
        "only loopback interfaces were found".to_owned()
    } else {
        evidence.join("; ")
    };
    Finding::new(Severity::Error, what, evidence, remedy)
}

/// Why presence cannot use a link: as a person says it behind the link's name.
fn why_unused(link: &Link) -> String {
    match (link.state, link.v4.first()) {
        (State::Down, _) => "is switched off".to_owned(),
        (State::NoCarrier, _) => match link.kind {
            Kind::Wifi => "is up and has no carrier (it has joined no wireless network)".to_owned(),
            Kind::Vpn => "is up and has no carrier (nothing runs the tunnel)".to_owned(),
            _ => "is up and has no carrier (no cable, or nothing at its other end)".to_owned(),
        },
        (State::NotRunning, _) => "is switched off, or has no carrier".to_owned(),
        (State::Up, None) => "has no IPv4 address".to_owned(),
        (State::Up, Some(_)) if link.point_to_point => {
            "has one other end (point-to-point) and no broadcast".to_owned()
        }
        (State::Up, Some((addr, prefix))) if *prefix > 30 => {
            format!("has {addr}/{prefix}, a network without a broadcast address")
        }
        (State::Up, Some((addr, prefix))) => format!("is left out, with {addr}/{prefix}"),
    }
}

fn mended(facts: &Facts, link: &Link) -> String {
    match (link.state, link.v4.first()) {
        (State::Down, _) => fix::switch_on(facts, &link.name),
        (State::NoCarrier | State::NotRunning, _) => match link.kind {
            Kind::Wifi => format!("join {} to its wireless network", link.name),
            Kind::Vpn => format!("start the program that runs the tunnel {}", link.name),
            _ => format!("plug in the cable of {}, and look at the other end", link.name),
        },
        (State::Up, None) => fix::give_address(facts, &link.name),
        (State::Up, Some(_)) => "name each peer that is reached by it: vigie --peer HOST".to_owned(),
    }
}

/// A link that cannot be used while others are: mostly that is as it should be.
fn unused(facts: &Facts, link: &Link) -> Option<Finding> {
    let severity = match (link.kind, link.state) {
        // A bridge without containers, a link that nobody uses.
        (Kind::Loopback | Kind::Container, _) => return None,
        _ if link.v4.is_empty() => return None,
        (Kind::Lan | Kind::Wifi, State::Down | State::NoCarrier) => Severity::Warning,
        _ => Severity::Info,
    };
    let held: Vec<_> = link.v4.iter().map(|(addr, prefix)| format!("{addr}/{prefix}")).collect();
    Some(Finding::new(
        severity,
        format!("{} {}: nobody is found by it", link.name, why_unused(link)),
        format!("{} holds {}", link.name, held.join(", ")),
        mended(facts, link),
    ))
}

/// Interfaces that are used and may not be meant.
fn labelled(facts: &Facts, network: &[&Interface]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let others = |kind: Kind| network.iter().any(|i| i.kind != kind);
    for (kind, is, start) in
        [(Kind::Container, "a container or virtual-machine interface", 3), (Kind::Vpn, "a tunnel (VPN)", 2)]
    {
        let names: Vec<&str> = network.iter().filter(|i| i.kind == kind).map(|i| &*i.name).collect();
        let (Some(first), true, true) = (names.first(), others(kind), facts.asked.selection.is_empty())
        else {
            continue;
        };
        let mut excluded: Vec<String> = names.iter().map(|name| globbed(name, start)).collect();
        excluded.dedup();
        let verb = if names.len() == 1 { "is" } else { "are each" };
        findings.push(Finding::new(
            Severity::Info,
            format!("{} {verb} {is}, and used, too", names.join(", ")),
            format!("told by the name {first}"),
            excluded.iter().map(|glob| format!("--exclude-interface '{glob}'")).collect::<Vec<_>>().join(" "),
        ));
    }
    findings
}

/// A pattern for an interface and its like: `docker*` for `docker0`.
fn globbed(name: &str, least: usize) -> String {
    let start = name.trim_end_matches(|c: char| c.is_ascii_hexdigit());
    let start = if start.len() < least { name } else { start };
    format!("{}*", start.replace('\'', "?"))
}

/// Whether two interfaces claim the same network.
pub(super) fn networks(facts: &Facts) -> Outcome {
    let mut by_network: BTreeMap<_, Vec<&Interface>> = BTreeMap::new();
    for interface in facts.used.iter().filter(|i| i.kind != Kind::Loopback) {
        by_network.entry((interface.broadcast, interface.prefix)).or_default().push(interface);
    }
    let count = by_network.len();
    let mut findings = Vec::new();
    for ((broadcast, prefix), sharing) in by_network {
        let mut names: Vec<&str> = sharing.iter().map(|i| link_of(&i.name)).collect();
        names.dedup();
        if names.len() < 2 {
            continue;
        }
        let strict = facts.links.iter().any(|link| link.rp_filter == Some(1) && names.contains(&&*link.name));
        let dropped = if strict { "; rp_filter=1 drops what comes by the others" } else { "" };
        let held: Vec<_> = sharing.iter().map(|i| format!("{} {}/{prefix}", i.name, i.addr)).collect();
        findings.push(Finding::new(
            Severity::Warning,
            format!(
                "{} are in the same network: the system may answer by the wrong one",
                names.join(" and ")
            ),
            format!("{}, both with broadcast {broadcast}{dropped}", held.join(", ")),
            format!("use one of them: vigie --interface {}", fix::quoted(names[0])),
        ));
    }
    let saw = match count {
        0 => "none".to_owned(),
        1 => "one".to_owned(),
        n => format!("{n}, each with an interface of its own"),
    };
    Outcome { saw, findings, ..Outcome::default() }
}

/// Whether the packets of all links are as large as usual.
pub(super) fn packet_size(facts: &Facts) -> Outcome {
    let used = |link: &&Link| {
        facts.used.iter().any(|i| link_of(&i.name) == &*link.name) && link.kind != Kind::Loopback
    };
    let sizes: Vec<(&Link, u32)> =
        facts.links.iter().filter(used).filter_map(|link| Some((link, link.mtu?))).collect();
    let words = |sizes: &[(&Link, u32)]| {
        sizes.iter().map(|(link, mtu)| format!("{} {mtu}", link.name)).collect::<Vec<_>>().join(", ")
    };
    let mut findings = Vec::new();
    for (link, mtu) in sizes.iter().filter(|(_, mtu)| *mtu < LEAST_PACKET) {
        findings.push(Finding::new(
            Severity::Warning,
            format!("the MTU of {} is {mtu}: presences may be cut into fragments, which get lost", link.name),
            format!("mtu {mtu}; vigie wants {LEAST_PACKET}, which IPv6 demands of every link"),
            fix::admin(facts, &format!("ip link set {} mtu {USUAL_PACKET}", fix::quoted(&link.name))),
        ));
    }
    let lan: Vec<_> =
        sizes.iter().copied().filter(|(link, _)| matches!(link.kind, Kind::Lan | Kind::Wifi)).collect();
    if lan.iter().any(|(_, mtu)| *mtu != lan[0].1) {
        findings.push(Finding::new(
            Severity::Info,
            "the interfaces have different MTUs",
            words(&lan),
            "nothing, unless large transfers hang: then make them the same with ip link set NAME mtu 1500",
        ));
    } else if let Some((link, mtu)) = lan.iter().find(|(_, mtu)| *mtu > USUAL_PACKET) {
        findings.push(Finding::new(
            Severity::Info,
            format!("{} sends jumbo frames: all hosts and switches of its network must, too", link.name),
            format!("mtu {mtu}"),
            fix::admin(facts, &format!("ip link set {} mtu {USUAL_PACKET}", fix::quoted(&link.name))),
        ));
    }
    let unknown = sizes.is_empty() && facts.used.iter().any(|i| i.kind != Kind::Loopback);
    let saw = match (unknown, sizes.is_empty()) {
        (true, _) => "not known here".to_owned(),
        (false, true) => "no interface to look at".to_owned(),
        (false, false) => words(&sizes),
    };
    Outcome { saw, unknown, findings }
}
