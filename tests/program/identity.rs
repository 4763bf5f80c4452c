//! Who is who: several nodes that seem to have one address are told apart, and none takes another one's place.

use std::time::Duration;

use serde_json::Value;
use tokio::sync::broadcast::Receiver;

use vigie::engine::config::Config;
use vigie::engine::event::{Event, Stamped, StopReason};
use vigie::net::{Selection, Settings};
use vigie::testkit::{self, ms};

use crate::support::lab::{Families, Host, Lab, within, within_families};
use crate::support::node::Node;
use crate::support::seen::{about, becomes, kind};
use crate::support::{QUICK, SOON, poll};

const LONG: Duration = Duration::from_secs(20);

fn watch(host: Host<'_>, more: &[&str]) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..], more].concat())
}

/// Waits for so many more dials of a peer that got their reply.
fn dials(node: &Node, peer: &str, count: usize) {
    let mut mark = node.mark();
    for _ in 0..count {
        mark = node.since(mark).wait_for(LONG, about("dial_succeeded", peer)).mark;
    }
}

#[track_caller]
fn accuses_nobody(node: &Node) {
    let told: Vec<_> = node.always().events(kind("diagnosis")).iter().map(|e| (**e).clone()).collect();
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn a_container_behind_the_address_of_its_host_has_a_row_of_its_own_and_takes_no_place() {
    within(3, |lab| {
        // h3 is the container: its host h1 forwards what it sends, under its own address.
        lab.host(3).add_interface("eth1", "br1", "172.30.0.3/24");
        lab.host(1).add_interface("eth1", "br1", "172.30.0.1/24");
        lab.host(3).link_down();
        lab.host(3).run(&["ip", "route", "add", "default", "via", "172.30.0.1"]);
        lab.host(1).run(&["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"]);
        lab.host(1).nft("table ip nat { chain out { type nat hook postrouting priority 100; oifname eth0 masquerade; }; }");
        let (host, other) = (watch(lab.host(1), &["--interface", "eth0"]), watch(lab.host(2), &[]));
        other.wait_for(SOON, becomes("h1", "up"));
        let container = watch(lab.host(3), &["--peer", "10.77.0.2"]);
        container.wait_for(SOON, becomes("h2", "up"));
        let row = other.wait_for(LONG, about("peer_discovered", "h3"));
        assert_eq!(row["peer"]["addr"], "10.77.0.1:0", "it cannot be dialed there");
        dials(&other, "h1", 12);
        other.wait_for(SOON, |e| e["event"] == "exchange_served" && e["peer"]["name"] == "h3");
        assert_eq!(other.count(kind("peer_restarted")), 0, "nobody took the host's place");
        // Long enough for the container to miss every datagram that it did not ask for.
        dials(&container, "h2", 8);
        for node in [&host, &other, &container] {
            accuses_nobody(node);
        }
    });
}

#[test]
fn two_hosts_with_one_address_are_two_rows_and_neither_restarts() {
    within(3, |lab| {
        let (one, two) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        lab.host(3).change_address("10.77.0.2/24");
        let _three = watch(lab.host(3), &[]);
        one.wait_for(LONG, about("peer_discovered", "h3"));
        let told = one.wait_for(LONG, |e| e["event"] == "diagnosis" && e["verdict"] == "address_conflict");
        let names = told["names"].to_string();
        assert!(names.contains("h2") && names.contains("h3"), "{names}");
        // Long enough for whatever else could be thought to be wrong.
        let mut mark = one.mark();
        for _ in 0..12 {
            mark = one.since(mark).wait_for(LONG, kind("dial_started")).mark;
        }
        assert_eq!(one.count(kind("peer_restarted")), 0, "{told:?}");
        let others: Vec<_> = one.always().events(|e| {
            e["event"] == "diagnosis"
                && !["address_conflict", "ok"].contains(&e["verdict"].as_str().unwrap_or_default())
        });
        assert!(others.is_empty(), "{:?}", others.iter().map(|e| (**e).clone()).collect::<Vec<_>>());
        lab.host(3).change_address("10.77.0.3/24");
        // Or the kernel believes for a while that the address is still there.
        lab.host(1).forget_neighbours();
        one.since(mark).wait_for(LONG, |e| {
            about("diagnosis", told["peer"]["name"].as_str().unwrap())(e) && e["verdict"] == "ok"
        });
        drop(two);
    });
}

#[test]
fn a_machine_notices_that_another_one_has_its_own_address_and_accuses_nobody_else() {
    within(3, |lab| {
        let (one, two) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        lab.host(3).change_address("10.77.0.2/24");
        let three = watch(lab.host(3), &[]);
        let conflict = |e: &Value| e["event"] == "diagnosis" && e["verdict"] == "address_conflict";
        for (node, own, other) in [(&two, "h2", "h3"), (&three, "h3", "h2")] {
            let told = node.wait_for(LONG * 2, conflict);
            assert_eq!(told["names"], serde_json::json!([own, other]), "{}", *told);
            let why = told["evidence"][0].as_str().unwrap_or_default();
            let expected = format!("10.77.0.2 is this machine's address, and h1 hears {other} from it, too");
            assert!(why.starts_with(&expected), "{why}");
            let hardware = format!("this node has {}", lab.host(if own == "h2" { 2 } else { 3 }).hardware());
            assert!(why.contains(&hardware), "{why}");
        }
        for node in [&one, &two, &three] {
            // Until the two are known, something fails and nobody knows why.
            let innocent =
                |verdict: &String| ["address_conflict", "ok", "unknown"].contains(&verdict.as_str());
            assert!(verdicts(node).iter().all(innocent), "{:?}", verdicts(node));
        }
        let mark = two.mark();
        lab.host(3).change_address("10.77.0.3/24");
        lab.host(1).forget_neighbours();
        two.since(mark).wait_for(LONG * 2, |e| e["event"] == "diagnosis" && e["verdict"] == "ok");
    });
}

#[test]
fn two_hosts_with_one_address_are_told_apart_by_their_hardware_addresses() {
    within(3, |lab| {
        let (one, _two) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        one.wait_for(SOON, becomes("h2", "up"));
        lab.host(3).change_address("10.77.0.2/24");
        let _three = watch(lab.host(3), &[]);
        let conflict = |e: &Value| e["event"] == "diagnosis" && e["verdict"] == "address_conflict";
        let has = |name: usize, of: usize| format!("h{name} has {}", lab.host(of).hardware());
        let right = [has(2, 2), has(3, 3)];
        one.wait_for(LONG, conflict);
        // The kernel keeps one of the two, and takes the other one whenever that asks for this host: sooner or later it does.
        let both = [2, 3].into_iter().cycle().take(10).find_map(|host| {
            lab.host(host).forget_neighbours();
            poll(Duration::from_secs(3), || {
                let told = one.always().events(conflict);
                let tells = |e: &Value| right.iter().all(|right| e["evidence"].to_string().contains(right));
                told.iter().any(|e| tells(e)).then_some(())
            })
        });
        let told = one.always().events(conflict);
        let told: Vec<String> = told.iter().map(|e| e["evidence"].to_string()).collect();
        assert!(both.is_some(), "{right:?}: {told:#?}");
        let wrong = [has(2, 3), has(3, 2)];
        assert!(!told.iter().any(|told| wrong.iter().any(|wrong| told.contains(wrong))), "{told:#?}");
    });
}

/// All verdicts that a node told, but that one is withdrawn.
fn verdicts(node: &Node) -> Vec<String> {
    let told = node.always().events(kind("diagnosis"));
    let told = told.iter().map(|e| e["verdict"].as_str().unwrap_or_default().to_owned());
    told.filter(|verdict| verdict != "ok").collect()
}

#[test]
fn two_hosts_that_are_kept_apart_from_the_start_are_isolated_by_the_word_of_a_third() {
    within(3, |lab| {
        are_isolated_by_the_word_of_a_third(lab);
    });
}

#[test]
fn two_hosts_of_ipv6_that_are_kept_apart_from_the_start_are_isolated_by_the_word_of_a_third() {
    within_families(Families::Ipv6, 3, |lab| {
        are_isolated_by_the_word_of_a_third(lab);
    });
}

fn are_isolated_by_the_word_of_a_third(lab: &Lab) {
    for host in [1, 2] {
        lab.host(host).keep_apart(true);
    }
    let [one, two, third] = [1, 2, 3].map(|n| watch(lab.host(n), &[]));
    for (node, names) in [(&one, ["h1", "h2"]), (&two, ["h1", "h2"])] {
        let told = node.wait_for(LONG, |e| e["event"] == "diagnosis" && e["verdict"] == "isolated");
        for name in names {
            assert!(told["names"].to_string().contains(name), "{told:?}");
        }
    }
    let mark = one.mark();
    for host in [1, 2] {
        lab.host(host).keep_apart(false);
    }
    one.since(mark).wait_for(LONG, becomes("h2", "up"));
    one.since(mark).wait_for(LONG, |e| e["event"] == "diagnosis" && e["verdict"] == "ok");
    for node in [&one, &two, &third] {
        assert!(verdicts(node).iter().all(|verdict| verdict == "isolated"), "{:?}", verdicts(node));
    }
}

/// A node in this process, on one of the hosts.
fn node_on(host: Host<'_>, config: &Config) -> (vigie::net::Node, Receiver<Stamped>) {
    let settings = Settings {
        config: config.clone(),
        tcp_port: None,
        announced_tcp_port: None,
        selection: Selection::default(),
        waits_for_interface: false,
        follows_host_name: false,
        read_filter: None,
        impairment: None,
    };
    host.inside(|| vigie::net::Node::start(settings, |_| async {}).expect("a node starts on a host"))
}

#[test]
fn two_copies_of_a_running_machine_become_two_nodes_at_once() {
    within(3, |lab| {
        let witness = watch(lab.host(3), &[]);
        witness.wait_for(SOON, kind("started"));
        // A copy has the same identity, and the same random numbers are next.
        let copied = Config { name: "copy".into(), interval: ms(500), ..testkit::config(7) };
        let (original, mut of_original) = node_on(lab.host(1), &copied);
        witness.wait_for(SOON, becomes("copy", "up"));
        let (copy, mut of_copy) = node_on(lab.host(2), &copied);
        let change = |of: &mut Receiver<Stamped>| {
            std::iter::from_fn(|| of.try_recv().ok()).find_map(|stamped| match stamped.event {
                Event::IdChanged { node, previous_id, .. } => Some((node.id, previous_id)),
                _ => None,
            })
        };
        let changed = poll(SOON, || change(&mut of_original).or_else(|| change(&mut of_copy)));
        let (id, previous) = changed.expect("one of the two takes another identity");
        assert!(previous == copied.id && id != copied.id);
        let addresses = ["10.77.0.1:", "10.77.0.2:"];
        for address in addresses {
            witness.wait_for(LONG, |e| {
                e["event"] == "peer_state"
                    && e["to"] == "up"
                    && e["peer"]["addr"].as_str().is_some_and(|addr| addr.starts_with(address))
            });
        }
        assert!(
            verdicts(&witness).iter().all(|verdict| verdict == "duplicate_name"),
            "{:?}",
            verdicts(&witness)
        );
        for node in [original, copy] {
            node.stop(StopReason::Quit, SOON);
        }
    });
}
