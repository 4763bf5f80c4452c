//! Several hosts with real faults: what a node sees of the others, and why it says it does not.

use std::path::Path;
use std::time::Duration;

use crate::scenario::{Plan, soak};
use crate::support::lab::{Host, Lab, within, within_routed};
use crate::support::node::Node;
use crate::support::seen::{about, becomes, between, failed_dial, fails, kind, last_state};
use crate::support::{QUICK, SOON};
use serde_json::json;

const MS: fn(u64) -> Duration = Duration::from_millis;
const INTERVAL: Duration = Duration::from_millis(500);
const SILENT_AFTER: u32 = 3;
const LONG: Duration = Duration::from_secs(15);

fn watch(host: Host<'_>) -> Node {
    watch_with(host, &[])
}

fn watch_with(host: Host<'_>, more: &[&str]) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..], more].concat())
}

/// Two nodes that know each other.
fn pair(lab: &Lab) -> (Node, Node) {
    let (a, b) = (watch(lab.host(1)), watch(lab.host(2)));
    a.wait_for(SOON, becomes("h2", "up"));
    b.wait_for(SOON, becomes("h1", "up"));
    (a, b)
}

/// Dials from h1 to h2, where a node runs, after the fault is made, until the cause is an expected one: a kernel
/// that limits its ICMP answers may let an attempt time out first.
#[track_caller]
fn cause_is(lab: &Lab, expected: &[&str], fault: impl Fn(Host<'_>, Host<'_>)) {
    let server = watch(lab.host(2));
    server.wait_for(SOON, kind("started"));
    fault(lab.host(1), lab.host(2));
    let mut causes = Vec::new();
    while causes.len() < 3 {
        let cause = dial_once(lab.host(1), lab.host(2).addr());
        if expected.contains(&cause.as_str()) {
            return;
        }
        causes.push(cause);
    }
    panic!("{causes:?} holds none of {expected:?}");
}

fn dial_once(from: Host<'_>, to: &str) -> String {
    let ran = from.vigie(&["dial", to, "--json", "--max-retries", "1", "--dial-timeout", "4s"]).finish(LONG);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    let answer = ran.document();
    assert_eq!((&answer["ok"], &answer["attempts"]), (&json!(false), &json!(1)), "{answer}");
    answer["cause"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn three_hosts_know_and_reach_all_others_within_two_seconds() {
    within(3, |lab| {
        let nodes: Vec<_> = (1..=3).map(|n| watch(lab.host(n))).collect();
        let started =
            nodes.iter().map(|node| node.wait_for(SOON, kind("started"))).max_by_key(|e| e.at).unwrap();
        for (i, node) in nodes.iter().enumerate() {
            for other in (1..=3).filter(|n| *n != i + 1).map(|n| format!("h{n}")) {
                let discovered = node.wait_for(SOON, about("peer_discovered", &other));
                assert_eq!(discovered["peer"]["addr"], format!("10.77.0.{}:17474", &other[1..]));
                assert!(
                    ["broadcast", "reply"].contains(&discovered["via"].as_str().unwrap()),
                    "{}",
                    *discovered
                );
                let up = node.wait_for(SOON, becomes(&other, "up"));
                assert!(between(&started, &up) <= MS(2_000), "h{} needs too long for {other}", i + 1);
            }
            assert_eq!(node.count(kind("peer_discovered")), 2, "each peer once, itself never");
        }
    });
}

#[test]
fn a_newcomer_and_the_old_ones_know_each_other_within_a_second() {
    within(2, |lab| {
        let old = watch_with(lab.host(1), &["--interval", "1h", "--dial-interval", "1h"]);
        old.wait_for(SOON, kind("started"));
        let new = watch_with(lab.host(2), &["--interval", "1h", "--dial-interval", "1h"]);
        let started = new.wait_for(SOON, kind("started"));
        for (node, other) in [(&old, "h2"), (&new, "h1")] {
            let discovered = node.wait_for(SOON, about("peer_discovered", other));
            assert!(between(&started, &discovered) < MS(1_000), "{}", *discovered);
        }
    });
}

#[test]
fn a_node_states_the_interfaces_that_it_uses() {
    within(1, |lab| {
        let started = watch(lab.host(1)).wait_for(SOON, kind("started"));
        let interfaces = started["interfaces"].as_array().unwrap();
        assert_eq!(interfaces.len(), 1, "loopback cannot broadcast: {interfaces:?}");
        for (field, value) in [
            ("name", json!("eth0")),
            ("addr", json!("10.77.0.1")),
            ("prefix", json!(24)),
            ("broadcast", json!("10.77.0.255")),
        ] {
            assert_eq!(interfaces[0][field], value, "{field}");
        }
    });
}

#[test]
fn hosts_whose_addresses_were_added_without_a_broadcast_address_find_each_other() {
    within(2, |lab| {
        for host in [lab.host(1), lab.host(2)] {
            host.run(&["ip", "addr", "flush", "dev", "eth0", "scope", "global"]);
            host.run(&["ip", "addr", "add", &format!("{}/24", host.addr()), "dev", "eth0"]);
        }
        pair(lab);
    });
}

#[test]
fn a_killed_node_on_a_living_host_is_refused_until_the_dial_gives_up() {
    within(2, |lab| {
        let (a, mut b) = pair(lab);
        b.kill9();
        let dial = failed_dial(&a, "h2", a.mark(), LONG);
        let failures: Vec<_> = dial.iter().filter(|e| e["event"] == "dial_failed").collect();
        let numbers: Vec<_> = failures.iter().map(|e| e["attempt"].as_u64().unwrap()).collect();
        assert_eq!(numbers, [1, 2, 3], "every attempt that was allowed, and none beyond");
        for failure in &failures[1..] {
            assert_eq!(
                (&failure["cause"], &failure["errno"], &failure["max"]),
                (&json!("refused"), &json!(111), &json!(3))
            );
        }
        let end = dial.last().unwrap();
        assert_eq!((&end["attempts"], &end["cause"]), (&json!(3), &json!("refused")));
        let bad = |e: &serde_json::Value| becomes("h2", "unreachable")(e) || becomes("h2", "silent")(e);
        a.wait_for(SOON, bad);
    });
}

#[test]
fn a_killed_process_is_known_to_all_long_before_anybody_would_dial_it() {
    within(5, |lab| {
        let rare = ["--dial-interval", "60s", "--interval", "10s"];
        let start = |n| watch_with(lab.host(n), &rare);
        let (others, mut lost) = ((1..5).map(start).collect::<Vec<_>>(), start(5));
        for other in &others {
            other.wait_for(SOON, becomes("h5", "up"));
        }
        // The last hello is said by then, and all have their tethers.
        std::thread::sleep(MS(3_000));
        let marks: Vec<_> = others.iter().map(Node::mark).collect();
        lost.kill9();
        let is_lost = |e: &serde_json::Value| about("peer_state", "h5")(e) && e["from"] == "up";
        for (other, mark) in others.iter().zip(marks) {
            other.since(mark).wait_for(MS(5_000), is_lost);
        }
    });
}

#[test]
fn the_next_attempt_begins_when_it_was_announced() {
    within(2, |lab| {
        let (a, mut b) = pair(lab);
        b.kill9();
        let dial = failed_dial(&a, "h2", a.mark(), LONG);
        let failures: Vec<_> = dial.iter().filter(|e| e["event"] == "dial_failed").collect();
        for failure in &failures {
            let Some(wait) = failure["retry_in_ms"].as_u64() else { continue };
            let next = dial.iter().find(|e| e["event"] == "dial_started" && e.mark > failure.mark).unwrap();
            let waited = between(failure, next);
            assert!((MS(wait)..=MS(wait + 150)).contains(&waited), "{waited:?} instead of {wait} ms");
        }
        assert_eq!(
            failures.last().unwrap()["retry_in_ms"],
            json!(null),
            "no wait is announced after the last"
        );
    });
}

#[test]
fn a_firewall_that_drops_lets_the_dial_time_out() {
    within(2, |lab| {
        let (a, _b) = pair(lab);
        lab.host(2).drop_tcp_in();
        a.wait_for(LONG, fails("h2", "timed_out"));
        assert_eq!(a.count(becomes("h2", "silent")), 0, "it is still heard");
    });
}

#[test]
fn a_host_that_is_unplugged_is_unreachable_on_its_link() {
    within(2, |lab| {
        let (a, b) = pair(lab);
        lab.host(2).unplug();
        lab.host(1).forget_neighbours();
        a.wait_for(LONG, fails("h2", "host_unreachable"));
        let mark = a.mark();
        lab.host(2).plug();
        a.since(mark).wait_for(LONG, becomes("h2", "up"));
        b.since(mark).wait_for(LONG, about("dial_succeeded", "h1"));
    });
}

#[test]
fn an_address_that_nobody_has_is_unreachable_on_its_link() {
    within(1, |lab| {
        let mut causes = (0..3).map(|_| dial_once(lab.host(1), "10.77.0.99"));
        assert!(causes.any(|cause| cause == "host_unreachable"));
    });
}

#[test]
fn a_reject_by_host_unreachable_is_named_host_unreachable() {
    within(2, |lab| {
        cause_is(lab, &["host_unreachable"], |_, b| b.reject_tcp_in("icmp type host-unreachable"));
    });
}

#[test]
fn a_reject_by_net_unreachable_is_named_network_unreachable() {
    within(2, |lab| {
        cause_is(lab, &["network_unreachable"], |_, b| b.reject_tcp_in("icmp type net-unreachable"));
    });
}

#[test]
fn a_reject_by_tcp_reset_is_named_refused() {
    within(2, |lab| cause_is(lab, &["refused"], |_, b| b.reject_tcp_in("tcp reset")));
}

#[test]
fn a_prohibiting_route_is_named_permission_denied() {
    within(2, |lab| cause_is(lab, &["permission_denied"], |a, b| a.bad_route("prohibit", b.addr())));
}

#[test]
fn a_blackhole_route_is_blamed_on_this_machine() {
    within(2, |lab| {
        cause_is(lab, &["no_route", "address_not_available", "other"], |a, b| {
            a.bad_route("blackhole", b.addr());
        });
    });
}

#[test]
fn a_network_without_a_route_is_named_no_route() {
    within(1, |lab| assert_eq!(dial_once(lab.host(1), "192.0.2.1"), "no_route"));
}

#[test]
fn a_node_whose_own_link_goes_down_says_so_and_recovers_with_it() {
    within(2, |lab| {
        let (a, b) = pair(lab);
        let mark = a.mark();
        lab.host(1).link_down();
        let down = a.since(mark).wait_for(SOON, kind("interface_down"));
        let own = |e: &serde_json::Value| fails("h2", "no_route")(e) || fails("h2", "interface_down")(e);
        a.since(mark).wait_for(LONG, own);
        let mark = a.mark();
        lab.host(1).link_up();
        assert_eq!(down["interface"], a.since(mark).wait_for(SOON, kind("interface_up"))["interface"]);
        a.since(mark).wait_for(LONG, becomes("h2", "up"));
        b.since(mark).wait_for(LONG, about("dial_succeeded", "h1"));
    });
}

#[test]
fn a_terminated_node_says_goodbye_to_all_and_exits_at_once() {
    within(3, |lab| {
        let nodes = [watch(lab.host(1)), watch(lab.host(3))];
        let mut leaver = watch(lab.host(2));
        for node in &nodes {
            node.wait_for(SOON, becomes("h2", "up"));
        }
        leaver.sigterm();
        assert_eq!(leaver.wait_exit(MS(1_000)), 0);
        for node in &nodes {
            assert_eq!(node.wait_for(MS(1_000), about("peer_left", "h2"))["reason"], "goodbye");
        }
        let ran = leaver.finish(SOON);
        assert_eq!(ran.events.last().unwrap()["event"], "stopped");
        crate::support::only_the_log(&ran.err);
    });
}

#[test]
fn a_killed_node_is_silent_within_one_period_more_than_it_may_miss() {
    within(2, |lab| {
        let (a, mut b) = pair(lab);
        let mark = a.mark();
        b.kill9();
        let killed = crate::support::now();
        let silent = a.since(mark).wait_for(LONG, becomes("h2", "silent"));
        let allowed = (INTERVAL * (SILENT_AFTER + 1)).mul_f64(1.1) + MS(500);
        let took = silent.at.duration_since(killed);
        assert!(took <= allowed, "after {took:?}, and {allowed:?} is allowed");
    });
}

#[test]
fn a_stopped_node_accepts_and_never_replies() {
    within(2, |lab| {
        let a = watch_with(lab.host(1), &["--dial-timeout", "1s"]);
        let b = watch(lab.host(2));
        a.wait_for(SOON, becomes("h2", "up"));
        b.sigstop();
        let mark = a.mark();
        a.since(mark).wait_for(LONG, fails("h2", "no_reply"));
        b.sigcont();
        a.since(a.mark()).wait_for(LONG, about("dial_succeeded", "h2"));
    });
}

#[test]
fn a_node_that_starts_again_at_its_address_replaces_its_former_life() {
    within(2, |lab| {
        let (a, mut b) = pair(lab);
        let former = a.wait_for(SOON, about("peer_discovered", "h2"))["peer"]["id"].clone();
        b.kill9();
        let mark = a.mark();
        let again = watch(lab.host(2));
        let id = again.wait_for(SOON, kind("started"))["node"]["id"].clone();
        assert_ne!(former, id);
        a.since(mark).wait_for(SOON, |e| {
            (e["event"] == "peer_restarted" || e["event"] == "peer_discovered") && e["peer"]["id"] == id
        });
        let succeeds = |e: &serde_json::Value| about("dial_succeeded", "h2")(e) && e["peer"]["id"] == id;
        let up = a.since(mark).wait_for(LONG, succeeds);
        let zombie = |e: &serde_json::Value| e["event"] == "dial_started" && e["peer"]["id"] == former;
        a.since(up.mark).wait_for(SOON, succeeds);
        assert_eq!(a.since(up.mark).events(zombie).len(), 0, "the former life is dialed no more");
    });
}

#[test]
fn a_host_that_changes_its_address_moves() {
    within(2, |lab| {
        let (a, b) = pair(lab);
        let mark = a.mark();
        lab.host(2).change_address("10.77.0.22/24");
        let moved = a.since(mark).wait_for(LONG, about("peer_moved", "h2"));
        assert_eq!((&moved["from"], &moved["to"]), (&json!("10.77.0.2:17474"), &json!("10.77.0.22:17474")));
        a.since(moved.mark)
            .wait_for(LONG, |e| about("dial_succeeded", "h2")(e) && e["addr"] == "10.77.0.22:17474");
        let own = b.since(mark).wait_for(LONG, kind("interface_up"));
        assert_eq!(own["interface"]["addr"], "10.77.0.22");
    });
}

#[test]
fn a_peer_behind_a_router_is_reached_when_a_person_names_it() {
    within_routed(|lab| {
        let b = watch(lab.host(2));
        b.wait_for(SOON, kind("started"));
        let a = watch_with(lab.host(1), &["--peer", lab.host(2).addr()]);
        let discovered = a.wait_for(SOON, kind("peer_discovered"));
        assert_eq!(
            (&discovered["via"], &discovered["peer"]["addr"]),
            (&json!("static"), &json!("10.77.2.2:17474"))
        );
        let up = a.wait_for(SOON, |e| e["event"] == "peer_state" && e["to"] == "up");
        assert_eq!(up["peer"]["addr"], "10.77.2.2:17474");
        b.wait_for(SOON, kind("exchange_served"));
        a.wait_for(SOON, |e| e["peer"]["name"] == "h2" && e["peer"]["id"].is_string());
    });
}

#[test]
fn nodes_of_different_groups_ignore_each_other() {
    within(3, |lab| {
        let nodes: Vec<_> = [(1, "red"), (2, "blue"), (3, "red")]
            .map(|(n, group)| watch_with(lab.host(n), &["--group", group, "--for", "3s"]))
            .into_iter()
            .map(|node| node.finish(LONG))
            .collect();
        let peers = |i: usize| -> Vec<_> {
            let discovered = nodes[i].events.iter().filter(|e| e["event"] == "peer_discovered");
            discovered.map(|e| e["peer"]["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!((peers(0), peers(1), peers(2)), (vec!["h3".into()], vec![], vec!["h1".into()]));
        assert!(nodes.iter().all(|ran| ran.code == 0));
    });
}

#[test]
fn a_second_node_on_a_host_takes_another_tcp_port_and_both_are_found() {
    within(2, |lab| {
        let port = |node: &Node| node.wait_for(SOON, kind("started"))["node"]["tcp_port"].as_u64().unwrap();
        let first = watch(lab.host(1));
        assert_eq!(port(&first), 17_474);
        let second = lab.host(1).vigie_named("second", &[&["watch", "--json"], &QUICK[..]].concat());
        assert_ne!(port(&second), 17_474);
        let third = watch(lab.host(2));
        for (node, others) in
            [(&first, ["second", "h2"]), (&second, ["h1", "h2"]), (&third, ["h1", "second"])]
        {
            for other in others {
                node.wait_for(SOON, becomes(other, "up"));
            }
        }
    });
}

#[test]
fn a_dial_by_hand_tells_how_it_went_by_its_exit_code_and_document() {
    within(2, |lab| {
        let mut node = watch(lab.host(2));
        node.wait_for(SOON, kind("started"));
        let dial = || lab.host(1).vigie(&[&["dial", lab.host(2).addr(), "--json"], &QUICK[..]].concat());
        let ran = dial().finish(LONG);
        let answer = ran.document();
        assert_eq!(
            (ran.code, &answer["v"], &answer["ok"], &answer["attempts"]),
            (0, &json!(1), &json!(true), &json!(1))
        );
        assert!(answer["rtt_us"].as_u64().is_some_and(|us| us > 0), "{answer}");
        node.wait_for(SOON, kind("exchange_served"));
        assert_eq!(node.count(kind("peer_discovered")), 0, "a one-shot dialer is no peer");
        node.kill9();
        let ran = dial().finish(LONG);
        let answer = ran.document();
        assert_eq!((ran.code, &answer["ok"], &answer["attempts"]), (1, &json!(false), &json!(3)));
        assert_eq!(answer["cause"], "refused");
    });
}

#[test]
fn two_hosts_that_are_cut_from_each_other_notice_and_recover() {
    within(3, |lab| {
        let nodes: Vec<_> = (1..=3).map(|n| watch_with(lab.host(n), &["--dial-timeout", "1s"])).collect();
        let (a, b, c) = (&nodes[0], &nodes[1], &nodes[2]);
        for (node, other) in [(a, "h2"), (b, "h1"), (c, "h1"), (c, "h2"), (a, "h3"), (b, "h3")] {
            node.wait_for(SOON, becomes(other, "up"));
        }
        lab.host(1).nft_in("ip saddr 10.77.0.2 drop");
        lab.host(2).nft_in("ip saddr 10.77.0.1 drop");
        a.wait_for(LONG, becomes("h2", "silent"));
        b.wait_for(LONG, becomes("h1", "silent"));
        let cut = a.mark();
        lab.host(1).heal();
        lab.host(2).heal();
        a.since(cut).wait_for(LONG, becomes("h2", "up"));
        b.since(cut).wait_for(LONG, becomes("h1", "up"));
        assert_eq!([last_state(c, "h1"), last_state(c, "h2")], [Some("up".into()), Some("up".into())]);
        assert_eq!(c.count(kind("dial_failed")), 0, "the third host had no part in it");
    });
}

#[test]
fn a_third_of_all_presences_lost_raises_no_false_alarm() {
    within(2, |lab| {
        for n in [1, 2] {
            lab.host(n).nft_in("udp dport 17474 numgen random mod 100 < 33 drop");
        }
        let nodes = [1, 2].map(|n| watch_with(lab.host(n), &["--for", "8s"]));
        for ran in nodes.map(|node| node.finish(LONG)) {
            assert!(ran.events.iter().any(|e| e["event"] == "peer_state" && e["to"] == "up"), "they met");
            let alarm = ran
                .events
                .iter()
                .find(|e| e["event"] == "peer_state" && e["from"] == "up" && e["to"] != "left");
            assert!(alarm.is_none(), "{:?}", alarm.map(|e| (**e).clone()));
        }
    });
}

/// The short form of `make soak`.
#[test]
fn nodes_among_all_that_can_go_wrong_agree_in_the_end_and_keep_nothing_of_it() {
    within(5, |lab| {
        let plan = Plan { nodes: 5, lasts: Duration::from_secs(20), seed: 3 };
        println!("{}", soak(lab, Path::new(env!("CARGO_BIN_EXE_vigie")), &plan));
    });
}
