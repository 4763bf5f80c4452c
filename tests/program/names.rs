//! Names as name servers and machines change them: real nodes on hosts in network namespaces.

use std::time::Duration;

use crate::support::lab::{Host, rename_machine, set_names, within, within_routed};
use crate::support::node::Node;
use crate::support::seen::{becomes, kind};
use crate::support::{QUICK, SOON};

const LONG: Duration = Duration::from_secs(25);

fn watch(host: Host<'_>, more: &[&str]) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..], more].concat())
}

#[test]
fn a_peer_whose_name_has_another_address_is_followed_and_the_old_one_is_not_accused() {
    within_routed(|lab| {
        set_names("10.77.2.2 far");
        let _far = watch(lab.host(2), &[]);
        let node = watch(lab.host(1), &["--peer", "far"]);
        node.wait_for(LONG, becomes("h2", "up"));
        std::thread::sleep(Duration::from_secs(6));
        let mark = node.mark();
        lab.host(2).run(&[
            "sh",
            "-c",
            "ip addr flush dev eth0 scope global; ip addr add 10.77.2.9/24 brd + dev eth0; \
            ip route add default via 10.77.2.1",
        ]);
        set_names("10.77.2.9 far");
        let moved = node.since(mark).wait_for(LONG, kind("peer_moved"));
        assert_eq!(moved["to"], "10.77.2.9:17474", "{moved:?}");
        node.since(mark).wait_for(LONG, |e| kind("dial_succeeded")(e) && e["addr"] == "10.77.2.9:17474");
        node.sigint();
        let ran = node.finish(LONG);
        let restarts =
            ran.events.iter().filter(|e| kind("peer_restarted")(e) || kind("diagnosis")(e)).count();
        assert_eq!(restarts, 0, "the same node, and nobody is accused: {:?}", ran.events);
    });
}

#[test]
fn a_name_without_an_address_has_its_row_and_all_addresses_of_one_are_tried() {
    within(2, |lab| {
        set_names("10.77.0.3 many\n10.77.0.2 many");
        let _other = watch(lab.host(2), &[]);
        let list = lab.host(1).vigie(&["list", "--wait", "2s", "--peer", "nowhere.invalid"]).finish(LONG);
        assert!(list.out.contains("no address (DNS)"), "{}", list.out);
        let dial = |name: &str| lab.host(1).vigie(&["dial", name, "--json"]).finish(LONG);
        let ran = dial("many");
        assert_eq!(ran.code, 0, "{}", ran.out);
        assert!(ran.out.contains("10.77.0.3:17474") && ran.out.contains("10.77.0.2:17474"), "{}", ran.out);
        assert_eq!(dial("nowhere.invalid").code, 3);
    });
}

#[test]
fn a_node_is_called_as_its_machine_is_unless_a_person_named_it() {
    within(2, |lab| {
        rename_machine("first");
        let named = watch(lab.host(2), &[]);
        let node = lab.host(1).vigie_as_its_machine(&[&["watch", "--json"], &QUICK[..]].concat());
        let started = node.wait_for(SOON, kind("started"));
        assert_eq!(started["node"]["name"], "first", "{started:?}");
        named.wait_for(SOON, becomes("first", "up"));
        let mark = named.mark();
        rename_machine("second");
        let renamed = node.wait_for(SOON, kind("node_renamed"));
        assert_eq!((&renamed["node"]["name"], &renamed["from"]), (&"second".into(), &"first".into()));
        named.since(mark).wait_for(LONG, |e| e["peer"]["name"] == "second");
        named.sigint();
        let ran = named.finish(LONG);
        assert!(!ran.events.iter().any(|e| kind("node_renamed")(e)), "--name fixes it");
    });
}
