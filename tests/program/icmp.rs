//! What ICMP says of our UDP, with real sockets: it explains trouble, and no presence is lost for it. Linux only.

use std::time::Duration;

use crate::support::lab::{Host, within};
use crate::support::node::Node;
use crate::support::seen::{about, becomes};
use crate::support::{QUICK, SOON};
use serde_json::Value;

const LONG: Duration = Duration::from_secs(20);

fn watch(host: Host<'_>) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..]].concat())
}

/// A verdict on h2 with this in its evidence.
fn explains<'a>(verdict: &'a str, with: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |e| {
        let holds = |line: &Value| line.as_str().is_some_and(|line| line.contains(with));
        about("diagnosis", "h2")(e)
            && e["verdict"] == verdict
            && e["evidence"].as_array().is_some_and(|lines| lines.iter().any(holds))
    }
}

#[test]
fn a_killed_node_on_a_living_host_is_told_by_the_hosts_own_word() {
    within(2, |lab| {
        let (a, mut b) = (watch(lab.host(1)), watch(lab.host(2)));
        a.wait_for(SOON, becomes("h2", "up"));
        b.wait_for(SOON, becomes("h1", "up"));
        b.kill9();
        let said = "10.77.0.2 itself answers UDP with 'port unreachable' (ICMP 3/3)";
        let found = a.wait_for(LONG, explains("closed_port", said));
        assert_eq!(found["confidence"], "certain", "{}", *found);
    });
}

#[test]
fn a_firewall_that_prohibits_everything_is_told_and_the_others_still_hear_us() {
    within(3, |lab| {
        let nodes = [1, 2, 3].map(|n| watch(lab.host(n)));
        let (a, c) = (&nodes[0], &nodes[2]);
        a.wait_for(SOON, becomes("h2", "up"));
        a.wait_for(SOON, becomes("h3", "up"));
        c.wait_for(SOON, becomes("h1", "up"));
        let mark = c.mark();
        // What it sends is dropped, too: nothing but ICMP tells of it.
        lab.host(2).nft(
            "table ip lab { chain in { type filter hook input priority 0; \
             meta l4proto { tcp, udp } reject with icmp type admin-prohibited; }; \
             chain out { type filter hook output priority 0; meta l4proto { tcp, udp } drop; }; }",
        );
        a.wait_for(LONG, explains("firewall_reject", "(ICMP 3/13)"));
        assert_eq!(c.since(mark).events(becomes("h1", "silent")).len(), 0, "h3 keeps hearing h1");
    });
}
