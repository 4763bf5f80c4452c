//! IPv6: hosts that have nothing else, hosts of both families, and zones.

use std::time::Duration;

use serde_json::Value;

use crate::support::lab::{Families, Host, within_families};
use crate::support::node::Node;
use crate::support::seen::{about, becomes, between, kind};
use crate::support::{QUICK, SOON};

const LONG: Duration = Duration::from_secs(20);

fn watch(host: Host<'_>, more: &[&str]) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..], more].concat())
}

#[track_caller]
fn complains_of_nothing(node: &Node) {
    let said = node.stderr();
    assert!(!said.contains(" WARN ") && !said.contains(" ERROR "), "{said}");
}

/// The address at which a host is dialed by IPv6, as it is told on the other one.
fn told(host: Host<'_>) -> String {
    format!("[{}%eth0]:17474", host.link_local())
}

#[test]
fn hosts_that_have_only_ipv6_find_and_dial_each_other() {
    within_families(Families::Ipv6, 2, |lab| {
        let one = watch(lab.host(1), &[]);
        let started = one.wait_for(SOON, kind("started"));
        let interface = &started["interfaces"][0];
        assert_eq!((&interface["name"], &interface["broadcast"]), (&"eth0".into(), &Value::Null));
        assert_eq!(interface["addr"], lab.host(1).link_local());
        let other = watch(lab.host(2), &[]);
        let heard = one.wait_for(SOON, about("peer_discovered", "h2"));
        assert_eq!((&heard["via"], &heard["peer"]["addr"]), (&"multicast".into(), &told(lab.host(2)).into()));
        let answered = other.wait_for(SOON, about("peer_discovered", "h1"));
        assert_eq!(answered["peer"]["addr"], told(lab.host(1)));
        println!("known both ways after {:?}", between(&other.wait_for(SOON, kind("started")), &answered));
        for (node, peer) in [(&one, "h2"), (&other, "h1")] {
            node.wait_for(SOON, becomes(peer, "up"));
            node.wait_for(SOON, about("exchange_served", peer));
        }
        std::thread::sleep(Duration::from_secs(3));
        for node in [&one, &other] {
            assert_eq!(node.count(kind("diagnosis")), 0);
            complains_of_nothing(node);
        }
        let list = lab.host(1).vigie(&["list", "--json", "--wait", "1s"]).finish(LONG);
        let list: Value = serde_json::from_str(&list.out).expect("one document");
        let row = list["peers"].as_array().and_then(|all| all.iter().find(|row| row["name"] == "h2"));
        assert_eq!(row.expect("h2 is listed")["addr"], told(lab.host(2)), "the zone by its name");
    });
}

#[test]
fn a_host_of_both_families_is_one_row_and_stays_where_it_is_dialed() {
    within_families(Families::Both, 2, |lab| {
        let nodes = [watch(lab.host(1), &[]), watch(lab.host(2), &[])];
        for (node, peer) in nodes.iter().zip(["h2", "h1"]) {
            node.wait_for(SOON, becomes(peer, "up"));
        }
        std::thread::sleep(Duration::from_secs(6));
        for (node, addr) in nodes.iter().zip(["10.77.0.2:17474", "10.77.0.1:17474"]) {
            let found = node.always().events(kind("peer_discovered"));
            assert_eq!(found.len(), 1);
            assert_eq!(found[0]["peer"]["addr"], addr, "IPv4 where both work");
            let moved = |e: &Value| e["event"] == "peer_moved" || e["event"] == "diagnosis";
            assert_eq!(node.count(moved), 0);
        }
    });
}

#[test]
fn a_goodbye_in_both_families_is_one() {
    within_families(Families::Both, 2, |lab| {
        let one = watch(lab.host(1), &[]);
        let other = watch(lab.host(2), &[]);
        one.wait_for(SOON, becomes("h2", "up"));
        // By then it was heard in both.
        std::thread::sleep(Duration::from_secs(3));
        other.sigterm();
        one.wait_for(SOON, about("peer_left", "h2"));
        // Rejections are told once a second.
        std::thread::sleep(Duration::from_secs(2));
        let told = one.always().events(kind("rejected"));
        assert!(told.is_empty(), "{}", *told[0]);
        assert_eq!(one.count(kind("peer_left")), 1);
    });
}

#[test]
fn the_next_life_of_a_killed_host_of_both_families_goes_on_in_its_row() {
    within_families(Families::Both, 2, |lab| {
        let (one, mut other) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        // By then it was heard in both.
        std::thread::sleep(Duration::from_secs(3));
        other.kill9();
        one.wait_for(SOON, |e| becomes("h2", "retrying")(e) || becomes("h2", "unreachable")(e));
        let _again = watch(lab.host(2), &[]);
        one.wait_for(LONG, about("peer_restarted", "h2"));
        one.wait_for(SOON, becomes("h2", "up"));
        std::thread::sleep(Duration::from_secs(3));
        let [found, left] = ["peer_discovered", "peer_left"].map(|what| one.count(about(what, "h2")));
        assert_eq!(found - left, 1, "one row");
        assert_eq!(one.count(about("peer_restarted", "h2")), 1);
    });
}

#[test]
fn a_fault_in_both_families_is_told_as_in_one() {
    within_families(Families::Both, 2, |lab| {
        let drop = "tcp flags & (syn|ack) == syn drop";
        let rule = format!("table inet lab {{ chain in {{ type filter hook input priority 0; {drop}; }}; }}");
        lab.host(2).nft(&rule);
        let (one, _other) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        let told = one.wait_for(LONG, about("diagnosis", "h2"));
        assert_eq!(told["verdict"], "firewall_drop");
        assert_eq!(one.count(kind("peer_moved")), 0);
    });
}

/// Whether an address of a peer came to fare so.
fn path(peer: &str, ip: &str, to: &str) -> impl Fn(&Value) -> bool {
    let (peer, ip, to) = (peer.to_owned(), ip.to_owned(), to.to_owned());
    move |e| {
        let addr = e["addr"].as_str().unwrap_or_default();
        e["event"] == "peer_path"
            && e["peer"]["name"] == peer.as_str()
            && e["to"] == to.as_str()
            && addr.contains(&ip)
    }
}

#[test]
fn tcp_that_fails_in_one_family_is_told_of_that_address_and_the_other_is_dialed_in_the_same_attempt() {
    within_families(Families::Both, 3, |lab| {
        let nodes = [1, 2, 3].map(|host| watch(lab.host(host), &[]));
        let [one, two, three] = &nodes;
        for (node, peer) in [(one, "h2"), (three, "h2"), (two, "h1"), (two, "h3")] {
            let node_of = |host| lab.host(host).link_local();
            let ip = node_of(peer[1..].parse().unwrap());
            node.wait_for(LONG, path(peer, &ip, "up"));
        }
        lab.host(2).nft_in("tcp flags & (syn|ack) == syn drop");
        let marks = [one.mark(), three.mark()];
        for (node, mark) in [one, three].into_iter().zip(marks) {
            node.since(mark).wait_for(LONG, path("h2", "10.77.0.2", "failing"));
            let moved = node.since(mark).wait_for(SOON, about("peer_moved", "h2"));
            assert_eq!(moved["to"], told(lab.host(2)));
            assert!(
                node.stderr().contains("h2: now dialed at [fe80::"),
                "it did not move: {}",
                node.stderr()
            );
        }
        std::thread::sleep(Duration::from_secs(6));
        for (node, mark) in [one, three].into_iter().zip(marks) {
            let left_up = |e: &Value| e["event"] == "peer_state" && e["from"] == "up";
            assert_eq!(node.since(mark).events(left_up).len(), 0, "it was up all the time");
        }
        let list = lab.host(1).vigie(&["list", "--json", "--wait", "100ms"]).finish(LONG);
        println!("{}", list.out);
        for node in &nodes {
            let told = node.always().events(kind("diagnosis"));
            assert!(told.is_empty(), "nobody is to be accused: {}", *told[0]);
        }
        lab.host(2).heal();
    });
}

#[test]
fn udp_that_fails_in_one_family_is_told_with_the_other_that_works() {
    within_families(Families::Both, 3, |lab| {
        let nodes = [1, 2, 3].map(|host| watch(lab.host(host), &[]));
        for (node, peer) in [(0, "h2"), (0, "h3"), (1, "h1"), (1, "h3"), (2, "h1"), (2, "h2")] {
            nodes[node].wait_for(LONG, path(peer, "fe80", "up"));
        }
        lab.host(2).nft_in("meta l4proto udp drop");
        for host in [0, 2] {
            let told = nodes[host].wait_for(LONG, about("diagnosis", "h2"));
            assert_eq!(told["verdict"], "one_way_udp");
            let evidence = told["evidence"].to_string();
            assert!(evidence.contains("only IPv4 fails, to 10.77.0.2"), "{evidence}");
        }
        std::thread::sleep(Duration::from_secs(5));
        for (nth, node) in nodes.iter().enumerate() {
            let others = |e: &Value| e["event"] == "diagnosis" && e["peer"]["name"] != "h2";
            let told = node.always().events(others);
            assert!(told.is_empty(), "h{}: nobody else is to be accused: {}", nth + 1, *told[0]);
        }
    });
}

#[test]
fn a_host_without_ipv6_runs_on_ipv4_alone_and_says_nothing_of_it() {
    within_families(Families::Both, 2, |lab| {
        lab.host(2).disable_ipv6();
        let (one, other) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        other.wait_for(SOON, becomes("h1", "up"));
        let started = other.wait_for(SOON, kind("started"));
        assert_eq!(started["interfaces"].as_array().map(Vec::len), Some(1), "{}", started["interfaces"]);
        [&one, &other].into_iter().for_each(complains_of_nothing);
    });
}

#[test]
fn whoever_has_only_ipv6_is_found_when_its_link_comes_up_and_again_when_it_is_made_again() {
    within_families(Families::Ipv6, 2, |lab| {
        let other = watch(lab.host(2), &[]);
        lab.host(1).link_down();
        let one = watch(lab.host(1), &[]);
        one.wait_for(SOON, kind("started"));
        lab.host(1).link_up();
        let up = one.wait_for(SOON, |e| e["interface"]["name"] == "eth0");
        println!(
            "found {:?} after its address",
            between(&up, &one.wait_for(SOON, about("peer_discovered", "h2")))
        );
        other.wait_for(SOON, becomes("h1", "up"));
        let mark = one.mark();
        lab.host(1).make_link_again();
        one.since(mark).wait_for(SOON, kind("interface_up"));
        let mark = one.mark();
        one.since(mark).wait_for(LONG, about("dial_succeeded", "h2"));
        other.wait_for(SOON, about("dial_succeeded", "h1"));
    });
}

#[test]
fn a_peer_named_in_a_zone_is_dialed_again_when_the_link_is_made_again() {
    within_families(Families::Ipv6, 2, |lab| {
        // Nothing but its name leads to the peer: what is said to all on the link is lost.
        for host in [1, 2] {
            lab.host(host).nft("table ip6 lab { chain out { type filter hook output priority 0; ip6 daddr ff12::/16 drop; }; }");
        }
        let _other = watch(lab.host(2), &[]);
        let one = watch(lab.host(1), &["--peer", &format!("{}%eth0", lab.host(2).link_local())]);
        one.wait_for(SOON, becomes("h2", "up"));
        for _ in 0..2 {
            let mark = one.mark();
            lab.host(1).make_link_again();
            let up = one.since(mark).wait_for(SOON, kind("interface_up"));
            let dialed = one.since(up.mark).wait_for(SOON, about("dial_succeeded", "h2"));
            assert_eq!(dialed["addr"], told(lab.host(2)));
            assert_eq!(
                dialed["attempt"], 1,
                "at the new link at once, not in turn with the old one: {dialed:?}"
            );
            println!("dialed {:?} after the address", between(&up, &dialed));
        }
        assert!(one.stderr().contains("4442%eth0]:17474"), "so is what cannot be sent: {}", one.stderr());
        let number =
            |e: &Value| ["%2]", "%3]", "%4]", "%5]", "%6]"].iter().any(|zone| e.to_string().contains(zone));
        let numbers: Vec<_> = one.always().events(number).iter().map(|e| (**e).clone()).collect();
        assert!(numbers.is_empty(), "a zone is told by its name: {numbers:?}");
        assert_eq!(one.count(kind("peer_discovered")), 1, "it is one row");
        let list = one.always().events(|e| e["event"] == "peer_moved");
        assert!(list.is_empty(), "{:?}", list.iter().map(|e| (**e).clone()).collect::<Vec<_>>());
    });
}

#[test]
fn a_link_local_address_in_a_finding_has_its_zone() {
    within_families(Families::Ipv6, 2, |lab| {
        let (one, _other) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        lab.host(2).nft(
            "table ip6 lab { chain in { type filter hook input priority 0; \
             meta l4proto { tcp, udp } reject with icmpv6 type port-unreachable; }; }",
        );
        let finding = one.wait_for(LONG, about("diagnosis", "h2"));
        let evidence = finding["evidence"].to_string();
        assert!(
            evidence.contains(&format!("{}%eth0 itself answers UDP", lab.host(2).link_local())),
            "{finding:?}"
        );
    });
}

#[test]
fn a_link_local_address_is_dialed_with_its_zone_and_refused_without_one() {
    within_families(Families::Ipv6, 2, |lab| {
        let _other = watch(lab.host(2), &[]);
        let there = lab.host(2).link_local();
        let dial = |target: &str, more: &[&str]| {
            lab.host(1).vigie(&[&["dial", target, "--max-retries", "3"], more].concat()).finish(LONG)
        };
        let ran = dial(&format!("{there}%eth0"), &["--json"]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""));
        assert!(ran.out.contains(&format!("\"addr\":\"[{there}%eth0]:17474\"")), "{}", ran.out);
        assert_eq!(dial(&format!("[{there}%eth0]:17474"), &[]).code, 0);
        let ran = dial(&there, &[]);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains("add %interface (eth0)"), "{}", ran.err);
        let ran = dial(&format!("{there}%eth9"), &[]);
        assert_eq!(ran.code, 3, "{}", ran.err);
        assert!(ran.err.contains("there is no interface eth9; this machine has eth0"), "{}", ran.err);
        let bound = format!("{}%eth0", lab.host(1).link_local());
        let named = watch(lab.host(1), &["--peer", &format!("{there}%eth0"), "--bind", &bound]);
        named.wait_for(SOON, becomes("h2", "up"));
    });
}
