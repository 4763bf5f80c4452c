//! Machines for tests.

use std::time::Duration;

use crate::engine::interface::{Interface, InterfaceKind};

use super::facts::{
    Direction, DoctorRequest, Firewall, InsertionPoint, IpVersion, LinkState, MachineFacts, MachineLink,
    Neighbours, Obstacle, Port, System, Traffic,
};

/// A link with such an address.
pub(super) fn link(name: &str, state: LinkState, addr: &str) -> MachineLink {
    let (addr, prefix) = addr.split_once('/').unwrap();
    let kind = InterfaceKind::of(name);
    MachineLink {
        mtu: Some(if kind == InterfaceKind::Loopback { 65_536 } else { 1_500 }),
        v4: vec![(addr.parse().unwrap(), prefix.parse().unwrap())],
        rp_filter: Some(0),
        ..MachineLink::new(name, state)
    }
}

/// Adds a link that is up and used, and carries broadcasts.
pub(super) fn add(facts: &mut MachineFacts, name: &str, addr: &str) {
    let link = link(name, LinkState::Up, addr);
    let (ip, prefix) = link.v4[0];
    facts.used.push(Interface::new(name, ip, prefix).unwrap());
    facts.broadcasts.push(Ok(Duration::from_micros(60)));
    facts.links.push(link);
}

/// An ordinary Linux machine with one interface, where nothing is wrong.
pub(crate) fn healthy() -> MachineFacts {
    let free = Port { refused: None, holders: Vec::new() };
    let firewall = Firewall { read: vec!["0 rules (nft list ruleset)".into()], ..Firewall::default() };
    let mut facts = MachineFacts {
        system: System::Linux,
        root: false,
        request: DoctorRequest {
            is_running: false,
            port: 17_474,
            tcp_port: None,
            bind: None,
            bind_is_ours: true,
            selection: String::new(),
        },
        links: vec![link("lo", LinkState::Up, "127.0.0.1/8")],
        used: Vec::new(),
        of_ipv6: Vec::new(),
        default_route: Some(true),
        ephemeral: Some((32_768, 60_999)),
        reserved: false,
        open_files: 1_024,
        neighbours: Some(Neighbours { known: 12, most: Some(1_024) }),
        udp_port: free.clone(),
        tcp_port: free,
        udp_loopback: Ok(Duration::from_micros(30)),
        tcp_loopback: Ok(Duration::from_micros(90)),
        broadcasts: Vec::new(),
        firewall,
    };
    add(&mut facts, "eth0", "192.168.1.20/24");
    facts
}

/// A rule that drops presences on eth0.
pub(crate) fn obstacle() -> Obstacle {
    Obstacle {
        ip: IpVersion::V4,
        direction: Direction::In,
        stops: vec![Traffic::Broadcast, Traffic::Unicast],
        interfaces: vec!["eth0".into()],
        certain: true,
        rule: "chain inet filter input has the rule 'udp dport 17474 drop'".into(),
        insert_at: InsertionPoint::Nft {
            family: "inet".into(),
            table: "filter".into(),
            chain: "input".into(),
        },
        manager: None,
    }
}
