//! Machines with one fault each, and what is said of them.

use std::io::ErrorKind;
use std::net::Ipv4Addr;

use crate::doctor::facts::{
    LinkState, MachineFacts, MachineLink, Manager, Obstacle, Port, PortHolder, Program, Traffic,
    TrialFailure, TrialStep,
};
use crate::doctor::report::CheckResult;
use crate::doctor::samples::{add, healthy, link, obstacle};
use crate::engine::interface::InterfaceKind;

use super::*;
use Severity::{Error, Info, Warning};

fn failure(step: TrialStep, kind: ErrorKind) -> TrialFailure {
    TrialFailure { step, kind, error: kind.to_string() }
}

fn held_by(name: &str) -> Port {
    let program = Program { name: name.into(), pid: 812 };
    let addr = Ipv4Addr::UNSPECIFIED.into();
    let holder = PortHolder { program: Some(program), addr, user: 0, source: "/proc/net/udp" };
    Port { refused: Some(failure(TrialStep::Bind, ErrorKind::AddrInUse)), holders: vec![holder] }
}

/// Takes the only interface away.
fn unused(facts: &mut MachineFacts, state: LinkState) {
    facts.used.clear();
    facts.broadcasts.clear();
    facts.links[1].state = state;
}

#[test]
fn a_healthy_machine_has_no_findings() {
    let report = examine(&healthy());
    assert!(report.ok && report.findings.is_empty(), "{report:?}");
    assert!(report.checks.iter().all(|check| check.result == CheckResult::Fine), "{:?}", report.checks);
}

type Case = (&'static str, fn(&mut MachineFacts), Severity, &'static str, &'static str);

/// The name of the examination, the fault, how bad it is, and words of what is said and of its remedy.
const CASES: &[Case] = &[
    ("interfaces", |f| unused(f, LinkState::Down), Error, "eth0 is switched off", "sudo ip link set eth0 up"),
    ("interfaces", |f| unused(f, LinkState::NoCarrier), Error, "eth0 is up but has no carrier", "plug in"),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.links[1].v4.clear();
        },
        Error,
        "eth0 has no IPv4 address",
        "dev eth0",
    ),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.links[1].v4.clear();
            f.links[1].v6.push("2001:db8::1".parse().unwrap());
        },
        Error,
        "only IPv6",
        "--peer",
    ),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.links[1].v4.clear();
            f.links[1].v6.push("fe80::1".parse().unwrap());
        },
        Info,
        "found by IPv6 only",
        "nothing, unless",
    ),
    (
        "interfaces",
        |f| {
            f.request.bind = Some("2001:db8::1".parse().unwrap());
            f.links[1].v6 = vec!["2001:db8::1".parse().unwrap(), "fe80::1".parse().unwrap()];
            f.used.clear();
        },
        Warning,
        "from 2001:db8::1, the address of --bind, no peers are found",
        "--bind 'fe80::1%eth0'",
    ),
    (
        "IPv6",
        |f| {
            f.links[1].v6.push("2001:db8::1".parse().unwrap());
            f.links[1].duplicates.push("2001:db8::1".parse().unwrap());
        },
        Error,
        "another host has 2001:db8::1",
        "another address",
    ),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.links.truncate(1);
        },
        Error,
        "there is only loopback",
        "connect this machine",
    ),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.links[1].v4[0].1 = 31;
        },
        Error,
        "192.168.1.20/31, a network without a broadcast",
        "--peer",
    ),
    (
        "interfaces",
        |f| {
            unused(f, LinkState::Up);
            f.request.selection = "--interface 'wlan*'".into();
        },
        Error,
        "--interface 'wlan*' leaves no interface",
        "without these options",
    ),
    (
        "interfaces",
        |f| (f.request.bind, f.request.bind_is_ours) = ("10.0.0.9".parse().ok(), false),
        Error,
        "does not have 10.0.0.9",
        "without --bind",
    ),
    (
        "interfaces",
        |f| f.links.push(link("eth1", LinkState::NoCarrier, "10.9.9.1/24")),
        Warning,
        "eth1 is up but has no carrier",
        "plug in the cable of eth1",
    ),
    (
        "interfaces",
        |f| f.links.push(link("wg0", LinkState::Up, "10.9.9.1/32")),
        Info,
        "wg0 has 10.9.9.1/32",
        "--peer HOST",
    ),
    (
        "interfaces",
        |f| {
            add(f, "docker0", "172.17.0.1/16");
            add(f, "br-0a1b2c", "172.18.0.1/16");
        },
        Info,
        "container or virtual-machine interfaces: docker0, br-0a1b2c",
        "--exclude-interface 'docker*' --exclude-interface 'br-*'",
    ),
    ("interfaces", |f| add(f, "tun0", "10.8.0.2/24"), Info, "tunnel (VPN) interface: tun0", "'tun*'"),
    (
        "networks",
        |f| add(f, "wlan0", "192.168.1.33/24"),
        Warning,
        "eth0 and wlan0 are in the same network",
        "vigie --interface eth0",
    ),
    (
        "broadcast",
        |f| f.broadcasts[0] = Err(failure(TrialStep::Send, ErrorKind::PermissionDenied)),
        Error,
        "firewall blocks outgoing broadcasts on eth0",
        "sudo vigie doctor",
    ),
    (
        "broadcast",
        |f| f.broadcasts[0] = Err(failure(TrialStep::Hear, ErrorKind::TimedOut)),
        Warning,
        "does not hear its own broadcast on eth0",
        "sudo vigie doctor",
    ),
    (
        "broadcast",
        |f| f.broadcasts[0] = Err(failure(TrialStep::Send, ErrorKind::NetworkUnreachable)),
        Error,
        "no route for broadcasts on eth0",
        "ip route add 192.168.1.0/24 dev eth0",
    ),
    (
        "UDP port",
        |f| f.udp_port = held_by("dnsmasq"),
        Error,
        "UDP port 17474 is in use by dnsmasq (pid 812), which does not share it",
        "sudo kill 812",
    ),
    (
        "UDP port",
        |f| {
            f.udp_port = held_by("");
            f.udp_port.holders[0].program = None;
        },
        Error,
        "in use by a program of user 0, which you may not see",
        "sudo ss -lnup 'sport = :17474'",
    ),
    (
        "UDP port",
        |f| {
            f.udp_port = held_by("other");
            f.udp_port.refused = None;
        },
        Info,
        "shared with other (pid 812), which is not vigie",
        "--port 17473",
    ),
    (
        "UDP port",
        |f| {
            f.request.port = 80;
            f.udp_port.refused = Some(failure(TrialStep::Bind, ErrorKind::PermissionDenied));
        },
        Error,
        "UDP port 80 requires privileges",
        "above 1023",
    ),
    (
        "UDP port",
        |f| f.request.port = 40_000,
        Warning,
        "any program may get it at any time",
        "ip_local_reserved_ports=40000",
    ),
    (
        "UDP port",
        |f| f.udp_loopback = Err(failure(TrialStep::Hear, ErrorKind::TimedOut)),
        Error,
        "from this machine to itself do not arrive",
        "ip link set lo up",
    ),
    (
        "TCP port",
        |f| f.tcp_port = held_by("nginx"),
        Warning,
        "TCP port 17474 is in use by nginx (pid 812); vigie will use any",
        "kill 812",
    ),
    (
        "TCP port",
        |f| {
            f.request.tcp_port = Some(80);
            f.tcp_port = held_by("vigie");
        },
        Error,
        "TCP port 80 is in use by vigie",
        "--tcp-port 17474",
    ),
    (
        "TCP port",
        |f| f.tcp_loopback = Err(failure(TrialStep::Connect, ErrorKind::TimedOut)),
        Error,
        "cannot connect to itself by TCP",
        "ip link set lo up",
    ),
    (
        "firewall",
        |f| f.firewall.obstacles.push(obstacle()),
        Error,
        "the firewall blocks incoming UDP 17474 on eth0",
        "sudo nft insert rule inet filter input udp dport 17474 accept",
    ),
    (
        "firewall",
        |f| {
            f.firewall.obstacles.push(Obstacle {
                certain: false,
                stops: vec![Traffic::Broadcast],
                ..obstacle()
            });
        },
        Warning,
        "may block incoming broadcasts to UDP 17474",
        "nft insert rule",
    ),
    (
        "firewall",
        |f| {
            f.firewall.managers.push(Manager::Ufw);
            (f.firewall.read, f.firewall.unread) = (Vec::new(), vec!["nft: Operation not permitted".into()]);
        },
        Info,
        "ufw is active and may block vigie",
        "sudo vigie doctor",
    ),
    (
        "firewall",
        |f| {
            f.firewall.managers.push(Manager::Firewalld);
            f.firewall.open_ports = Some("17474/udp 8000-9000/tcp".into());
        },
        Warning,
        "firewalld may block",
        "--add-port=17474/udp --add-port=17474/tcp",
    ),
    ("routes", |f| f.default_route = Some(false), Info, "no default route", "ip route add default"),
    (
        "routes",
        |f| {
            add(f, "eth1", "10.0.0.1/24");
            f.links.iter_mut().for_each(|link| link.rp_filter = Some(1));
        },
        Info,
        "(eth0, eth1)",
        "rp_filter=2",
    ),
    ("packet size", |f| f.links[1].mtu = Some(1_200), Warning, "the MTU of eth0 is 1200", "mtu 1500"),
    ("packet size", |f| f.links[1].mtu = Some(9_000), Info, "jumbo", "mtu 1500"),
    (
        "packet size",
        |f| {
            add(f, "eth1", "10.0.0.1/24");
            f.links[2].mtu = Some(1_400);
        },
        Info,
        "different MTUs",
        "mtu 1500",
    ),
    ("limits", |f| f.open_files = 128, Warning, "only 128 files", "ulimit -n 1024"),
    (
        "limits",
        |f| f.neighbours.as_mut().unwrap().known = 950,
        Warning,
        "holds 950 of at most 1024",
        "gc_thresh3=4096",
    ),
    ("limits", |f| f.neighbours.as_mut().unwrap().known = 600, Info, "holds 600 of", "gc_thresh3"),
];

#[test]
fn each_fault_is_found_with_its_remedy_and_nothing_else() {
    for (examination, fault, severity, what, fix) in CASES {
        let mut facts = healthy();
        fault(&mut facts);
        let report = examine(&facts);
        let of_it = |f: &&MachineFinding| f.what.contains(what);
        let found = report.findings.iter().find(of_it).unwrap_or_else(|| panic!("{what}: {report:#?}"));
        assert_eq!(found.severity, *severity, "{what}");
        assert!(found.fix.contains(fix), "{what}: {}", found.fix);
        assert!(!found.evidence.is_empty(), "{what}");
        assert_eq!(report.findings.len(), 1, "{what}: {:#?}", report.findings);
        assert_eq!(report.ok, *severity == Info, "{what}");
        let check = report.checks.iter().find(|check| check.name == *examination).unwrap();
        match severity {
            Info => {
                assert!(
                    matches!(check.result, CheckResult::Fine | CheckResult::Unknown),
                    "{what}: {check:?}"
                );
            }
            Warning => assert_eq!((check.result, &check.saw), (CheckResult::Warning, &found.what)),
            Error => assert_eq!((check.result, &check.saw), (CheckResult::Error, &found.what)),
        }
    }
}

#[test]
fn what_is_as_it_should_be_is_no_finding() {
    let fine: &[fn(&mut MachineFacts)] = &[
        |f| f.tcp_port = held_by("vigie"),
        |f| f.links.push(link("docker0", LinkState::NoCarrier, "172.17.0.1/16")),
        |f| f.links.push(MachineLink { v4: Vec::new(), ..link("eth1", LinkState::NoCarrier, "10.0.0.1/24") }),
        |f| (f.request.port, f.reserved) = (40_000, true),
        // A second address of the same link.
        |f| {
            add(f, "eth0", "192.168.1.21/24");
            f.links.pop();
        },
        // A person asked for loopback.
        |f| {
            f.links[1].state = LinkState::Down;
            f.request.bind = "127.0.0.1".parse().ok();
            f.used = vec![crate::engine::interface::Interface::new("lo", Ipv4Addr::LOCALHOST, 8).unwrap()];
            assert_eq!(f.used[0].kind, InterfaceKind::Loopback);
        },
        |f| {
            f.firewall.managers.push(Manager::Firewalld);
            f.firewall.open_ports = Some("1025-65535/udp 1025-65535/tcp".into());
        },
    ];
    for (nth, fault) in fine.iter().enumerate() {
        let mut facts = healthy();
        fault(&mut facts);
        let report = examine(&facts);
        assert!(report.findings.is_empty(), "{nth}: {:#?}", report.findings);
    }
}

#[test]
fn a_trial_that_fails_by_a_known_rule_is_mended_at_that_rule() {
    let mut facts = healthy();
    facts.tcp_loopback = Err(failure(TrialStep::Connect, ErrorKind::TimedOut));
    facts.broadcasts[0] = Err(failure(TrialStep::Hear, ErrorKind::TimedOut));
    facts
        .firewall
        .obstacles
        .push(Obstacle { stops: vec![Traffic::Broadcast, Traffic::Unicast, Traffic::Tcp], ..obstacle() });
    let report = examine(&facts);
    assert_eq!(report.findings.len(), 3, "{report:#?}");
    let remedy = "sudo nft insert rule inet filter input tcp dport 17474 accept";
    assert!(report.findings.iter().all(|finding| finding.fix.contains(remedy)), "{report:#?}");
}

#[test]
fn the_worst_finding_comes_first() {
    let mut facts = healthy();
    facts.default_route = Some(false);
    facts.open_files = 100;
    facts.firewall.obstacles.push(obstacle());
    let severities: Vec<_> = examine(&facts).findings.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Error, Warning, Info]);
}

#[test]
fn a_report_has_the_fields_of_the_contract() {
    let mut facts = healthy();
    facts.open_files = 100;
    let json = serde_json::to_value(examine(&facts)).unwrap();
    assert_eq!((&json["v"], &json["ok"]), (&1.into(), &false.into()));
    let finding = json["findings"][0].as_object().unwrap();
    assert_eq!(finding["severity"], "warning");
    assert!(["what", "evidence", "fix"].iter().all(|field| finding[*field].is_string()), "{finding:?}");
}

#[test]
fn the_ports_of_the_node_that_runs_here_are_its_own_and_no_finding() {
    let mut facts = healthy();
    facts.request.is_running = true;
    facts.request.tcp_port = Some(17_474);
    facts.tcp_port.refused = Some(TrialFailure {
        step: TrialStep::Bind,
        kind: ErrorKind::AddrInUse,
        error: "Address already in use".into(),
    });
    let report = examine(&facts);
    assert!(report.ok, "{:?}", report.findings);
    let saw = |name| report.checks.iter().find(|check| check.name == name).unwrap().saw.clone();
    assert_eq!(saw("TCP port"), "17474 is used by the node that runs here");
    assert!(saw("UDP port").starts_with("17474 is used by the node that runs here"));
    facts.request.is_running = false;
    assert!(!examine(&facts).ok);
}
