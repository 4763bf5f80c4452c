//! Interfaces, their networks, and the packets that fit through them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use crate::doctor::facts::{LinkState, MachineFacts, MachineLink};
use crate::doctor::remedy;
use crate::doctor::report::{Examined, MachineFinding, Severity};
use crate::engine::interface::{Interface, InterfaceKind};

/// A presence datagram with all headers always fits this packet (`proto::MAX_DATAGRAM`).
const LEAST_PACKET: u32 = 1_280;
/// Of Ethernet.
const USUAL_PACKET: u32 = 1_500;

/// Whether there is an interface that can broadcast, and why others cannot.
pub(super) fn usable(facts: &MachineFacts) -> Examined {
    let mut findings = Vec::new();
    let network: Vec<&Interface> = facts.used.iter().filter(|i| i.kind != InterfaceKind::Loopback).collect();
    let request = &facts.request;
    let loopback_wanted = request.bind.is_some_and(|addr| addr.ip().is_loopback())
        || !request.selection.is_empty() && facts.used.iter().any(|i| i.kind == InterfaceKind::Loopback);
    if let Some(addr) = request.bind.filter(|_| !request.bind_is_ours) {
        findings.push(MachineFinding::new(
            Severity::Error,
            format!("this machine does not have {addr}, the address of --bind"),
            format!("it has {}", addresses(facts)),
            "run vigie without --bind, or with one of these addresses",
        ));
    } else if let Some(addr) = bound_to_global_ipv6(facts) {
        let local = facts.links.iter().find(|link| link.v6.contains(&addr)).into_iter();
        let local = local.flat_map(MachineLink::v6_addresses).find(|addr| addr.contains('%'));
        let instead = local.map_or_else(String::new, |local| format!("use --bind '{local}', or "));
        findings.push(MachineFinding::new(
            Severity::Warning,
            format!("from {addr}, the address of --bind, no peers are found: vigie multicasts from link-local addresses"),
            format!("{addr} is a global IPv6 address"),
            format!("{instead}add each peer: vigie --peer HOST"),
        ));
        return Examined {
            saw: "none can broadcast or multicast".to_owned(),
            findings,
            ..Examined::default()
        };
    } else if network.is_empty() && !loopback_wanted {
        let multicasting: Vec<&str> = multicasting(facts).map(|link| &*link.name).collect();
        if !multicasting.is_empty() && request.selection.is_empty() {
            let saw = format!("{} can multicast", multicasting.join(", "));
            return Examined { saw, findings: vec![only_ipv6(facts)], ..Examined::default() };
        }
        findings.push(no_interface(facts));
    } else if !loopback_wanted {
        let chosen = request.bind.is_some() || !request.selection.is_empty();
        let idle = |link: &&MachineLink| !chosen && !facts.used.iter().any(|used| used.name == link.name);
        findings.extend(facts.links.iter().filter(idle).filter_map(|link| unused(facts, link)));
        findings.extend(labelled(facts, &network));
    }
    let names: Vec<&str> = facts.used.iter().map(|i| &*i.name).collect();
    Examined { saw: format!("{} can broadcast", names.join(", ")), findings, ..Examined::default() }
}

/// The address of --bind, if it is one of IPv6 from which nothing goes to all on a link.
fn bound_to_global_ipv6(facts: &MachineFacts) -> Option<Ipv6Addr> {
    match facts.request.bind?.ip() {
        IpAddr::V6(ip) if !ip.is_unicast_link_local() && !ip.is_loopback() => Some(ip),
        _ => None,
    }
}

/// IPv6 addresses that another host has, too: the system sends nothing from them.
pub(super) fn duplicates(facts: &MachineFacts) -> Examined {
    let of_link = |link: &MachineLink| {
        let name = link.name.clone();
        link.duplicates.clone().into_iter().map(move |addr| (name.clone(), addr))
    };
    let found = facts.links.iter().flat_map(of_link);
    let findings: Vec<MachineFinding> = found
        .map(|(link, addr)| {
            MachineFinding::new(
                Severity::Error,
                format!("another host has {addr}, an IPv6 address of {link}: this machine does not use it"),
                "duplicate address detection has found it (dadfailed in ip -6 addr show)",
                format!("give one of the two another address, then take {link} down and up"),
            )
        })
        .collect();
    let addresses: usize = facts.links.iter().map(|link| link.v6.len()).sum();
    let saw = match (addresses, findings.len()) {
        (0, _) => "no IPv6".to_owned(),
        (_, 0) => "no other host has an IPv6 address of this machine".to_owned(),
        (_, count) => format!("{count} of {addresses} IPv6 addresses are another host's, too"),
    };
    Examined { saw, findings, ..Examined::default() }
}

/// Links on which peers are found by IPv6.
fn multicasting(facts: &MachineFacts) -> impl Iterator<Item = &MachineLink> {
    let local = |link: &&MachineLink| link.v6.iter().any(Ipv6Addr::is_unicast_link_local);
    let up = |link: &&MachineLink| link.state == LinkState::Up && link.kind != InterfaceKind::Loopback;
    facts.links.iter().filter(up).filter(local)
}

/// Peers that have IPv4 only are not found.
fn only_ipv6(facts: &MachineFacts) -> MachineFinding {
    let candidates = multicasting(facts).map(|link| format!("{} {}", link.name, why_unused(link)));
    MachineFinding::new(
        Severity::Info,
        "peers are found by IPv6 only: no interface can broadcast",
        candidates.collect::<Vec<_>>().join("; "),
        "nothing, unless a peer has IPv4 only: add it with vigie --peer HOST",
    )
}

fn addresses(facts: &MachineFacts) -> String {
    let of_link = |link: &MachineLink| {
        let v4 = link.v4.iter().map(|(addr, _)| addr.to_string());
        let all = v4.chain(link.v6_addresses()).map(|addr| format!("{addr} ({})", link.name));
        all.collect::<Vec<_>>()
    };
    let all: Vec<String> = facts.links.iter().flat_map(of_link).collect();
    if all.is_empty() { "no address".to_owned() } else { all.join(", ") }
}

/// Nobody can be found: why each link cannot be used, and the fix for the one that needs the least.
fn no_interface(facts: &MachineFacts) -> MachineFinding {
    let candidates: Vec<&MachineLink> =
        facts.links.iter().filter(|link| link.kind != InterfaceKind::Loopback).collect();
    let evidence: Vec<String> =
        candidates.iter().map(|link| format!("{} {}", link.name, why_unused(link))).collect();
    let has_v6 = |link: &&MachineLink| link.v6.iter().any(|addr| !addr.is_unicast_link_local());
    let has_v4 = candidates.iter().any(|link| !link.v4.is_empty());
    if !facts.request.selection.is_empty() {
        return MachineFinding::new(
            Severity::Error,
            format!("{} leaves no interface that can broadcast", facts.request.selection),
            if evidence.is_empty() {
                "this machine has only loopback".to_owned()
            } else {
                evidence.join("; ")
            },
            "run vigie without these options, or with names from the list of interfaces",
        );
    }
    if !has_v4 && candidates.iter().any(|link| link.state == LinkState::Up && has_v6(link)) {
        return MachineFinding::new(
            Severity::Error,
            "this machine has only IPv6 addresses, and none that is link-local: no peers are found",
            evidence.join("; "),
            "turn on link-local addresses (sysctl net.ipv6.conf.all.addr_gen_mode=0), or add each peer: vigie --peer HOST",
        );
    }
    // A network comes before a container's bridge, and a link that needs only an address before one that needs a cable.
    let rank = |link: &&&MachineLink| {
        let state = match link.state {
            LinkState::Up => 0,
            LinkState::Down => 1,
            LinkState::NoCarrier | LinkState::NotRunning => 2,
        };
        (!matches!(link.kind, InterfaceKind::Lan | InterfaceKind::Wifi), link.v4.is_empty(), state)
    };
    let remedy = match candidates.iter().min_by_key(rank) {
        Some(link) => fix(facts, link),
        None => "connect this machine to a network; it has only loopback".to_owned(),
    };
    let what = match candidates.iter().min_by_key(rank) {
        Some(link) => format!("no interface can broadcast: {} {}", link.name, why_unused(link)),
        None => "no interface can broadcast: there is only loopback".to_owned(),
    };
    let evidence =
        if evidence.is_empty() { "no interface but loopback".to_owned() } else { evidence.join("; ") };
    MachineFinding::new(Severity::Error, what, evidence, remedy)
}

/// Why presence cannot use a link, as it reads after the link's name.
fn why_unused(link: &MachineLink) -> String {
    match (link.state, link.v4.first()) {
        (LinkState::Down, _) => "is switched off".to_owned(),
        (LinkState::NoCarrier, _) => match link.kind {
            InterfaceKind::Wifi => {
                "is up but has no carrier (not connected to a wireless network)".to_owned()
            }
            InterfaceKind::Vpn => "is up but has no carrier (the tunnel is not running)".to_owned(),
            _ => "is up but has no carrier (no cable, or nothing at the other end)".to_owned(),
        },
        (LinkState::NotRunning, _) => "is switched off or has no carrier".to_owned(),
        (LinkState::Up, None) => "has no IPv4 address".to_owned(),
        (LinkState::Up, Some(_)) if link.point_to_point => {
            "is point-to-point and has no broadcast".to_owned()
        }
        (LinkState::Up, Some((addr, prefix))) if *prefix > 30 => {
            format!("has {addr}/{prefix}, a network without a broadcast address")
        }
        (LinkState::Up, Some((addr, prefix))) => format!("is not used, with {addr}/{prefix}"),
    }
}

fn fix(facts: &MachineFacts, link: &MachineLink) -> String {
    match (link.state, link.v4.first()) {
        (LinkState::Down, _) => remedy::switch_on(facts, &link.name),
        (LinkState::NoCarrier | LinkState::NotRunning, _) => match link.kind {
            InterfaceKind::Wifi => format!("connect {} to its wireless network", link.name),
            InterfaceKind::Vpn => format!("start the program that runs the tunnel {}", link.name),
            _ => format!("plug in the cable of {}, and check the other end", link.name),
        },
        (LinkState::Up, None) => remedy::give_address(facts, &link.name),
        (LinkState::Up, Some(_)) => "add each peer behind it: vigie --peer HOST".to_owned(),
    }
}

/// A link that cannot be used while others are: usually on purpose.
fn unused(facts: &MachineFacts, link: &MachineLink) -> Option<MachineFinding> {
    let severity = match (link.kind, link.state) {
        // A bridge without containers, a link that nobody uses.
        (InterfaceKind::Loopback | InterfaceKind::Container, _) => return None,
        _ if link.v4.is_empty() => return None,
        (InterfaceKind::Lan | InterfaceKind::Wifi, LinkState::Down | LinkState::NoCarrier) => {
            Severity::Warning
        }
        _ => Severity::Info,
    };
    let held: Vec<_> = link.v4.iter().map(|(addr, prefix)| format!("{addr}/{prefix}")).collect();
    Some(MachineFinding::new(
        severity,
        format!("{} {}: no peers are found through it", link.name, why_unused(link)),
        format!("{} has {}", link.name, held.join(", ")),
        fix(facts, link),
    ))
}

/// Interfaces that are used, perhaps by mistake.
fn labelled(facts: &MachineFacts, network: &[&Interface]) -> Vec<MachineFinding> {
    let mut findings = Vec::new();
    let others = |kind: InterfaceKind| network.iter().any(|i| i.kind != kind);
    for (kind, is, start) in [
        (InterfaceKind::Container, "container or virtual-machine", 3),
        (InterfaceKind::Vpn, "tunnel (VPN)", 2),
    ] {
        let names: Vec<&str> = network.iter().filter(|i| i.kind == kind).map(|i| &*i.name).collect();
        let (Some(first), true, true) = (names.first(), others(kind), facts.request.selection.is_empty())
        else {
            continue;
        };
        let mut excluded: Vec<String> = names.iter().map(|name| globbed(name, start)).collect();
        excluded.dedup();
        findings.push(MachineFinding::new(
            Severity::Info,
            format!(
                "vigie also uses the {is} {}: {}",
                if names.len() == 1 { "interface" } else { "interfaces" },
                names.join(", ")
            ),
            format!("recognized by name, like {first}"),
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
pub(super) fn networks(facts: &MachineFacts) -> Examined {
    let mut by_network: BTreeMap<_, Vec<&Interface>> = BTreeMap::new();
    for interface in facts.used.iter().filter(|i| i.kind != InterfaceKind::Loopback) {
        let Some(broadcast) = interface.broadcast else { continue };
        by_network.entry((broadcast, interface.prefix)).or_default().push(interface);
    }
    let count = by_network.len();
    let mut findings = Vec::new();
    for ((broadcast, prefix), sharing) in by_network {
        let mut names: Vec<&str> = sharing.iter().map(|i| &*i.name).collect();
        names.dedup();
        if names.len() < 2 {
            continue;
        }
        let strict = facts.links.iter().any(|link| link.rp_filter == Some(1) && names.contains(&&*link.name));
        let dropped = if strict { "; rp_filter=1 drops packets that arrive on the others" } else { "" };
        let held: Vec<_> = sharing.iter().map(|i| format!("{} {}/{prefix}", i.name, i.addr)).collect();
        findings.push(MachineFinding::new(
            Severity::Warning,
            format!(
                "{} are in the same network: the system may reply through the wrong one",
                names.join(" and ")
            ),
            format!("{}, both with broadcast {broadcast}{dropped}", held.join(", ")),
            format!("use only one of them: vigie --interface {}", remedy::quoted(names[0])),
        ));
    }
    let saw = match count {
        0 => "none".to_owned(),
        1 => "one".to_owned(),
        n => format!("{n}, each with its own interface"),
    };
    Examined { saw, findings, ..Examined::default() }
}

/// Whether all links carry packets of the usual size.
pub(super) fn packet_size(facts: &MachineFacts) -> Examined {
    let used = |link: &&MachineLink| {
        facts.used.iter().any(|i| i.name == link.name) && link.kind != InterfaceKind::Loopback
    };
    let sizes: Vec<(&MachineLink, u32)> =
        facts.links.iter().filter(used).filter_map(|link| Some((link, link.mtu?))).collect();
    let words = |sizes: &[(&MachineLink, u32)]| {
        sizes.iter().map(|(link, mtu)| format!("{} {mtu}", link.name)).collect::<Vec<_>>().join(", ")
    };
    let mut findings = Vec::new();
    for (link, mtu) in sizes.iter().filter(|(_, mtu)| *mtu < LEAST_PACKET) {
        findings.push(MachineFinding::new(
            Severity::Warning,
            format!("the MTU of {} is {mtu}: presence datagrams may be fragmented and lost", link.name),
            format!("mtu {mtu}; vigie needs {LEAST_PACKET}, which IPv6 requires of every link"),
            remedy::admin(facts, &format!("ip link set {} mtu {USUAL_PACKET}", remedy::quoted(&link.name))),
        ));
    }
    let lan: Vec<_> = sizes
        .iter()
        .copied()
        .filter(|(link, _)| matches!(link.kind, InterfaceKind::Lan | InterfaceKind::Wifi))
        .collect();
    if lan.iter().any(|(_, mtu)| *mtu != lan[0].1) {
        findings.push(MachineFinding::new(
            Severity::Info,
            "the interfaces have different MTUs",
            words(&lan),
            "nothing, unless large transfers hang: then make them equal with ip link set NAME mtu 1500",
        ));
    } else if let Some((link, mtu)) = lan.iter().find(|(_, mtu)| *mtu > USUAL_PACKET) {
        findings.push(MachineFinding::new(
            Severity::Info,
            format!(
                "{} sends jumbo frames: all hosts and switches on its network must support them",
                link.name
            ),
            format!("mtu {mtu}"),
            remedy::admin(facts, &format!("ip link set {} mtu {USUAL_PACKET}", remedy::quoted(&link.name))),
        ));
    }
    let unknown = sizes.is_empty() && facts.used.iter().any(|i| i.kind != InterfaceKind::Loopback);
    let saw = match (unknown, sizes.is_empty()) {
        (true, _) => "unknown on this system".to_owned(),
        (false, true) => "no interface to check".to_owned(),
        (false, false) => words(&sizes),
    };
    Examined { saw, unknown, findings }
}
