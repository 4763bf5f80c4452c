//! Several networks with a real router between them: one node of each joins the others, and what the router stops is told of the
//! networks, not of hosts.

use std::time::Duration;

use crate::support::lab::{Lab, within_segments};
use crate::support::node::Node;
use crate::support::seen::{becomes, kind};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(30);
/// So long after all know each other, everybody has dialed everybody again, and what fails would be told.
const SETTLES: Duration = Duration::from_secs(25);
const SEGMENTS: usize = 3;
const HOSTS: usize = 2;
/// The number of the router.
const ROUTER: usize = SEGMENTS * HOSTS + 1;

/// A node on each host; the first of each segment but the first joins the first of all.
fn joined(lab: &Lab) -> Vec<Node> {
    let start = |n: usize| {
        let joins = n > HOSTS && n % HOSTS == 1;
        let first = lab.host(1);
        let args = ["watch", "--json", "--join", first.addr()];
        lab.host(n).vigie(if joins { &args } else { &args[..2] })
    };
    let nodes: Vec<Node> = (1..ROUTER).map(start).collect();
    for (at, node) in nodes.iter().enumerate() {
        for other in (1..ROUTER).filter(|other| *other != at + 1) {
            node.wait_for(LONG, becomes(&format!("h{other}"), "up"));
        }
    }
    nodes
}

#[test]
fn networks_are_joined_by_one_node_of_each_and_what_the_router_stops_is_told_of_the_networks() {
    within_segments(3, 2, |lab| {
        let nodes = joined(lab);
        let found = nodes[1].wait_for(LONG, |event| event["via"] == "membership");
        assert_eq!(found["event"], "peer_discovered");
        let router = lab.host(ROUTER);
        for rule in [
            "add table inet t",
            "add chain inet t f { type filter hook forward priority 0 ; }",
            "add rule inet t f ip saddr 10.81.0.0/16 ip daddr 10.83.0.0/16 drop",
        ] {
            router.run(&["nft", rule]);
        }
        let networks = json!(["10.81.0.0/16", "10.83.0.0/16"]);
        for node in &nodes {
            let told = node.wait_for(LONG, kind("diagnosis"));
            let what = (&told["pattern"], &told["verdict"], &told["names"]);
            assert_eq!(what, (&json!("segments"), &json!("isolated"), &networks));
        }
        router.run(&["nft", "delete table inet t"]);
        for node in &nodes {
            node.wait_for(LONG, |event| event["event"] == "diagnosis" && event["verdict"] == "ok");
        }
        for node in &nodes {
            let told =
                node.always().events(|event| event["event"] == "diagnosis" && event["verdict"] != "ok");
            assert!(told.iter().all(|event| event["names"] == networks), "nothing else was told");
        }
    });
}

#[test]
fn a_network_behind_a_nat_dials_the_others_is_told_as_such_and_nobody_is_accused() {
    within_segments(2, 2, |lab| {
        for rule in [
            "add table ip t",
            "add chain ip t n { type nat hook postrouting priority 100 ; }",
            "add rule ip t n ip saddr 10.82.0.0/16 oifname leg1 masquerade",
            "add chain ip t f { type filter hook forward priority 0 ; }",
            "add rule ip t f iifname leg1 oifname leg2 ct state new drop",
        ] {
            lab.host(5).run(&["nft", rule]);
        }
        let first = lab.host(1);
        let joins = ["watch", "--json", "--join", first.addr()];
        let nodes = [&joins[..2], &joins[..2], &joins, &joins[..2]];
        let start = |(n, args): (usize, &[&str])| {
            let node = lab.host(n).vigie(args);
            // Who joins one that does not listen yet is right to say so.
            node.wait_for(LONG, kind("started"));
            node
        };
        let nodes: Vec<Node> = (1..).zip(nodes).map(start).collect();
        for (outside, inside) in [(1, 3), (1, 4), (2, 3), (2, 4)] {
            nodes[inside - 1].wait_for(LONG, becomes(&format!("h{outside}"), "up"));
            let is_behind = |event: &Value| {
                (&event["event"], &event["this_node"]) == (&json!("behind_nat"), &json!(false))
                    && event["peer"]["name"] == format!("h{inside}")
            };
            let told = nodes[outside - 1].wait_for(LONG, is_behind);
            assert_eq!(told["seen_at"], "10.81.0.254");
        }
        for node in &nodes[2..] {
            node.wait_for(LONG, |event| event["event"] == "behind_nat" && event["this_node"] == true);
        }
        std::thread::sleep(SETTLES);
        for node in &nodes {
            let told = node.always().events(kind("diagnosis"));
            assert!(told.is_empty(), "{told:?}");
        }
    });
}
