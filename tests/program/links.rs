//! The links of a host: which of them a node uses, and what it makes of those who are heard by the others.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::lab::{Families, Host, Lab, within, within_families};
use crate::support::node::{Node, Ran, Stage, clean, program};
use crate::support::seen::{about, becomes, kind};
use crate::support::{QUICK, SOON, free_port, poll};

const LONG: Duration = Duration::from_secs(20);

fn watch(host: Host<'_>, more: &[&str]) -> Node {
    host.vigie(&[&["watch", "--json"], &QUICK[..], more].concat())
}

/// A second interface of the first host, on whose link the second host is alone.
fn put_on_another_link(lab: &Lab) {
    lab.host(1).add_interface("eth1", "br1", "10.78.0.1/24");
    lab.host(2).add_interface("eth1", "br1", "10.78.0.2/24");
    lab.host(2).link_down();
}

#[track_caller]
fn says(node: &Node, what: &str) {
    let said = poll(SOON, || node.stderr().contains(what).then_some(()));
    assert!(said.is_some(), "{what:?} is missing: {}", node.stderr());
}

#[track_caller]
fn accuses_nobody(ran: &Ran) {
    let accusations: Vec<_> = ran.events.iter().filter(|event| event["event"] == "diagnosis").collect();
    assert!(accusations.is_empty(), "{accusations:?}");
}

#[test]
fn who_is_on_a_link_that_is_not_used_is_neither_a_peer_nor_accused_of_anything() {
    within(2, |lab| {
        put_on_another_link(lab);
        for unused in [["--exclude-interface", "eth1"], ["--interface", "eth0"], ["--bind", "10.77.0.1"]] {
            let ran = ignores_the_other_host(lab, &unused);
            let counted = ran.events.iter().any(|e| e["event"] == "rejected" && e["reason"] == "unused_link");
            assert!(counted, "{unused:?}: it is counted what comes by that link");
        }
    });
}

#[test]
fn who_is_on_a_link_of_ipv6_that_is_not_used_is_neither_a_peer_nor_accused_of_anything() {
    within_families(Families::Ipv6, 2, |lab| {
        lab.host(1).add_interface("eth1", "br1", "fd00:78::1/64");
        lab.host(2).add_interface("eth1", "br1", "fd00:78::2/64");
        lab.host(2).link_down();
        let bound = format!("{}%eth0", lab.host(1).link_local());
        for unused in [["--exclude-interface", "eth1"], ["--interface", "eth0"], ["--bind", &bound]] {
            ignores_the_other_host(lab, &unused);
        }
    });
}

/// The first host and the second share a link, and the first is told not to use it. (By IPv6 it does not even hear the other one: the
/// group is not joined there.)
fn ignores_the_other_host(lab: &Lab, unused: &[&str]) -> Ran {
    let other = watch(lab.host(2), &["--for", "4s"]);
    other.wait_for(SOON, kind("started"));
    let ran = watch(lab.host(1), &[unused, &["--for", "3s"]].concat()).finish(LONG);
    accuses_nobody(&ran);
    assert!(!ran.events.iter().any(|event| event["event"] == "peer_discovered"), "{unused:?}");
    other.finish(LONG);
    ran
}

#[test]
fn a_connection_by_a_link_that_is_not_used_is_closed_unanswered_and_counted_unless_a_person_named_its_address()
 {
    within(2, |lab| {
        put_on_another_link(lab);
        let dialed = |answered: bool, what: &str, options: &[&str], to: &str| {
            let node = watch(lab.host(1), options);
            node.wait_for(SOON, kind("started"));
            let dial = ["dial", to, "--max-retries", "1", "--dial-timeout", "2s", "--json"];
            let ran = lab.host(2).vigie(&dial).finish(LONG);
            assert_eq!(ran.code == 0, answered, "{what}: {}", ran.out);
            assert_eq!(node.count(kind("exchange_served")) == 1, answered, "{what}");
            if !answered {
                let counted =
                    |e: &serde_json::Value| e["event"] == "rejected" && e["reason"] == "unused_link";
                node.wait_for(SOON, counted);
            }
        };
        let second = "10.78.0.1";
        dialed(true, "all links", &[], second);
        dialed(false, "excluded", &["--exclude-interface", "eth1"], second);
        dialed(false, "not included", &["--interface", "eth0"], second);
        dialed(true, "included", &["--interface", "eth1"], second);
        dialed(true, "named", &["--interface", "eth0", "--peer", "10.78.0.2"], second);
        // With --bind nothing listens there at all.
        let node = watch(lab.host(1), &["--bind", "10.77.0.1"]);
        node.wait_for(SOON, kind("started"));
        let ran = lab.host(2).vigie(&["dial", second, "--max-retries", "1"]).finish(LONG);
        assert!(ran.code == 1 && ran.out.contains("refused"), "{} {}", ran.out, ran.err);
    });
}

#[test]
fn a_peer_that_a_person_named_is_heard_by_whatever_link_it_comes() {
    within(2, |lab| {
        put_on_another_link(lab);
        let _other = watch(lab.host(2), &[]);
        let named = ["--interface", "eth0", "--peer", "10.78.0.2"];
        let node = watch(lab.host(1), &named);
        node.wait_for(SOON, becomes("h2", "up"));
        node.wait_for(LONG, about("dial_succeeded", "h2"));
    });
}

#[test]
fn a_wrong_mask_is_noticed_on_the_link_where_it_is_whatever_other_links_there_are() {
    within(2, |lab| {
        lab.host(1).add_interface("eth1", "br1", "10.99.0.1/20");
        lab.host(2).change_address("10.77.0.2/16");
        let (one, other) = (watch(lab.host(1), &[]), watch(lab.host(2), &[]));
        let wrong = |name: &'static str| {
            move |e: &serde_json::Value| about("diagnosis", name)(e) && e["verdict"] == "wrong_subnet"
        };
        let told = one.wait_for(LONG, wrong("h2"));
        assert!(told["evidence"].to_string().contains("10.77.0.1/24"), "{:?}", told["evidence"]);
        other.wait_for(LONG, wrong("h1"));
    });
}

#[test]
fn an_address_with_a_label_belongs_to_its_link() {
    within(2, |lab| {
        let label = "addr flush dev eth0 scope global\naddr add 10.77.0.1/24 brd + dev eth0 label eth0:lan\n";
        let file = format!("printf '{label}' | ip -batch -");
        lab.host(1).run(&["sh", "-c", &file]);
        let _other = watch(lab.host(2), &[]);
        let node = watch(lab.host(1), &["--interface", "eth0"]);
        let started = node.wait_for(SOON, kind("started"));
        assert_eq!(started["interfaces"][0]["name"], "eth0", "{started:?}");
        node.wait_for(SOON, becomes("h2", "up"));
    });
}

#[test]
fn what_changes_on_a_link_is_noticed_at_once_as_the_kernel_tells_it() {
    // The next look comes after sixteen seconds.
    let at_once = Duration::from_secs(3);
    within(2, |lab| {
        let node = watch(lab.host(1), &[]);
        node.wait_for(SOON, kind("started"));
        let is = |what: &'static str, name: &'static str| {
            move |e: &serde_json::Value| e["event"] == what && e["interface"]["name"] == name
        };
        lab.host(1).add_interface("eth1", "br1", "10.78.0.1/24");
        node.wait_for(at_once, is("interface_up", "eth1"));
        lab.host(1).unplug();
        node.wait_for(at_once, is("interface_down", "eth0"));
        let mark = node.mark();
        lab.host(1).plug();
        node.since(mark).wait_for(at_once, is("interface_up", "eth0"));
        let mark = node.mark();
        lab.host(1).run(&["ip", "addr", "del", "10.78.0.1/24", "dev", "eth1"]);
        node.since(mark).wait_for(at_once, is("interface_down", "eth1"));
    });
}

#[test]
fn an_interface_that_is_not_there_yet_is_waited_for_by_whoever_stays_and_by_nobody_else() {
    within(2, |lab| {
        lab.host(2).add_interface("wlan0", "br1", "10.78.0.2/24");
        let _other = watch(lab.host(2), &[]);
        let node = watch(lab.host(1), &["--interface", "wlan0"]);
        let started = node.wait_for(SOON, kind("started"));
        assert_eq!(started["interfaces"], serde_json::json!([]));
        says(
            &node,
            "waiting for an interface that matches --interface wlan0; this machine has eth0 10.77.0.1",
        );
        let ran = lab.host(1).vigie(&["list", "--wait", "1s", "--interface", "wlan0"]).finish(LONG);
        assert_eq!(ran.code, 3, "{}", ran.err);
        lab.host(1).add_interface("wlan0", "br1", "10.78.0.1/24");
        node.wait_for(SOON, becomes("h2", "up"));
    });
}

#[test]
fn where_nothing_can_be_broadcast_peers_are_named_and_loopback_is_no_makeshift() {
    within(2, |lab| {
        lab.host(1).run(&["sh", "-c", "ip addr flush dev eth0 && ip addr add 10.77.0.1/32 dev eth0 && ip route add 10.77.0.0/24 dev eth0"]);
        let _other = watch(lab.host(2), &[]);
        let node = watch(lab.host(1), &["--peer", "10.77.0.2"]);
        let started = node.wait_for(SOON, kind("started"));
        let interface = &started["interfaces"][0];
        assert_eq!((&interface["name"], &interface["broadcast"]), (&"eth0".into(), &serde_json::Value::Null));
        says(&node, "eth0 cannot broadcast: name its peers with --peer");
        node.wait_for(SOON, becomes("h2", "up"));
        assert_eq!(node.count(kind("diagnosis")), 0);
    });
}

#[test]
fn a_machine_whose_only_network_is_down_waits_for_it() {
    within(1, |lab| {
        lab.host(1).unplug();
        let node = watch(lab.host(1), &[]);
        let started = node.wait_for(SOON, kind("started"));
        assert_eq!(started["interfaces"], serde_json::json!([]), "loopback would only hide that");
        lab.host(1).plug();
        node.wait_for(SOON, kind("interface_up"));
    });
}

#[test]
fn a_cable_that_is_plugged_in_again_ends_what_was_said_of_this_machine() {
    within(3, |lab| {
        let nodes: Vec<Node> = (1..=3).map(|n| watch(lab.host(n), &[])).collect();
        nodes[1].wait_for(SOON, becomes("h1", "up"));
        nodes[1].wait_for(SOON, becomes("h3", "up"));
        lab.host(2).unplug();
        let own = |verdict: &'static str| {
            move |e: &serde_json::Value| about("diagnosis", "h2")(e) && e["verdict"] == verdict
        };
        let told = nodes[1].wait_for(LONG, own("local_problem"));
        assert_eq!(told["peer"]["addr"], "10.77.0.2:17474", "its address, though it has none now");
        lab.host(2).plug();
        let over = nodes[1].wait_for(LONG, own("ok"));
        assert_eq!(told["peer"], over["peer"], "it is the same finding");
    });
}

#[test]
fn two_networks_on_one_wire_are_no_fault_where_a_host_is_in_both() {
    within(3, |lab| {
        lab.host(2).change_address("10.99.0.2/24");
        lab.host(3).run(&["ip", "addr", "add", "10.99.0.3/24", "brd", "+", "dev", "eth0"]);
        let [both, one, other] = [3, 1, 2].map(|n| watch(lab.host(n), &["--for", "25s"]));
        for node in [&one, &other] {
            node.wait_for(SOON, becomes("h3", "up"));
        }
        for node in [both, one, other] {
            accuses_nobody(&node.finish(Duration::from_secs(40)));
        }
    });
}

#[test]
fn two_links_in_one_network_on_two_wires_are_each_announced_on_and_dialed_by_and_are_this_machines_own_fault()
{
    within(3, |lab| {
        // h1 has a link on each of two wires, in one network; h2 is on the first wire, h3 on the second.
        lab.host(1).add_interface("eth1", "br1", "10.77.0.11/24");
        lab.host(3).join_second_link();
        let nodes: Vec<Node> = (1..=3).map(|n| watch(lab.host(n), &[])).collect();
        for of in ["h2", "h3"] {
            nodes[0].wait_for(LONG, becomes(of, "up"));
        }
        let told = nodes[0].wait_for(LONG, about("diagnosis", "h1"));
        assert_eq!(told["verdict"], "local_problem", "{}", *told);
        assert!(told["evidence"][0].as_str().is_some_and(|what| what.contains("eth0 and eth1")), "{}", *told);
        // Long enough for whatever could be thought to be wrong.
        for of in ["h2", "h3"] {
            let mut mark = nodes[0].mark();
            for _ in 0..12 {
                mark = nodes[0].since(mark).wait_for(LONG, about("dial_succeeded", of)).mark;
            }
        }
        for (nth, node) in nodes.iter().enumerate() {
            for told in node.always().events(kind("diagnosis")) {
                // The two wires are two worlds: that is true of whoever is on the one and hears of the other.
                let apart = told["verdict"] == "isolated";
                assert!(
                    apart || nth == 0 && told["peer"]["name"] == "h1",
                    "h{} accuses nobody else: {}",
                    nth + 1,
                    *told
                );
            }
        }
    });
}

#[test]
fn two_links_in_one_network_of_ipv6_on_two_wires_are_each_announced_on_and_dialed_by_and_nobody_is_accused() {
    within_families(Families::Ipv6, 3, |lab| {
        // h1 has a link on each of two wires, both with an address of one network; h2 is on the first wire, h3 on the second.
        let addresses =
            [(1, "eth0", "fd00:77::1/64"), (2, "eth0", "fd00:77::2/64"), (3, "eth0", "fd00:77::3/64")];
        for (host, link, address) in addresses {
            lab.host(host).run(&["ip", "addr", "add", address, "dev", link, "nodad"]);
        }
        lab.host(1).add_interface("eth1", "br1", "fd00:77::11/64");
        lab.host(3).join_second_link();
        let nodes: Vec<Node> = (1..=3).map(|n| watch(lab.host(n), &[])).collect();
        for of in ["h2", "h3"] {
            let mut mark = nodes[0].wait_for(LONG, becomes(of, "up")).mark;
            for _ in 0..12 {
                mark = nodes[0].since(mark).wait_for(LONG, about("dial_succeeded", of)).mark;
            }
        }
        for (nth, node) in nodes.iter().enumerate() {
            for told in node.always().events(kind("diagnosis")) {
                // The two wires are two worlds: that is true of whoever is on the one and hears of the other.
                assert_eq!(told["verdict"], "isolated", "h{} accuses nobody: {}", nth + 1, *told);
            }
        }
    });
}

#[test]
fn hosts_that_are_all_on_the_link_by_which_the_system_does_not_send_are_dialed_by_it_and_reach_this_machine()
{
    within(3, |lab| {
        lab.host(1).add_interface("eth1", "br1", "10.77.0.11/24");
        for n in [2, 3] {
            lab.host(n).join_second_link();
        }
        let nodes: Vec<Node> = (1..=3).map(|n| watch(lab.host(n), &[])).collect();
        for of in ["h2", "h3"] {
            let mut mark = nodes[0].wait_for(LONG, becomes(of, "up")).mark;
            for _ in 0..12 {
                mark = nodes[0].since(mark).wait_for(LONG, about("dial_succeeded", of)).mark;
            }
        }
        for there in &nodes[1..] {
            there.wait_for(SOON, becomes("h1", "up"));
        }
        let told = nodes[0].wait_for(LONG, about("diagnosis", "h1"));
        assert_eq!(told["verdict"], "local_problem", "{}", *told);
        let why = told["evidence"][0].as_str().unwrap_or_default();
        assert!(why.contains("sends by eth0") && why.contains("heard by eth1 only"), "{why}");
        for (nth, node) in nodes.iter().enumerate() {
            for told in node.always().events(kind("diagnosis")) {
                let of_itself = nth == 0 && told["peer"]["name"] == "h1";
                assert!(of_itself, "h{} accuses nobody else: {}", nth + 1, *told);
            }
        }
    });
}

#[test]
fn a_host_that_moves_to_another_network_meets_those_there_and_blames_nobody_whom_it_left_behind() {
    within(4, |lab| {
        lab.host(4).join_second_link();
        lab.host(4).change_address("10.78.0.4/24");
        let nodes: Vec<Node> = (1..=4).map(|n| watch(lab.host(n), &[])).collect();
        let roaming = &nodes[2];
        for of in ["h1", "h2"] {
            roaming.wait_for(LONG, becomes(of, "up"));
        }
        lab.host(3).join_second_link();
        lab.host(3).change_address("10.78.0.3/24");
        let mut mark = roaming.wait_for(LONG, becomes("h4", "up")).mark;
        roaming.wait_for(LONG, about("dial_failed", "h1"));
        // Long enough for whatever could be thought to be wrong, and without a default route nobody there can be dialed.
        for _ in 0..15 {
            mark = roaming.since(mark).wait_for(LONG, about("dial_succeeded", "h4")).mark;
        }
        let told = roaming.always().events(kind("diagnosis"));
        assert!(told.is_empty(), "{}", *told[0]);
        let complaints = roaming.stderr().matches("cannot send").count();
        assert!(complaints <= 1, "what lasts is told once: {}", roaming.stderr());
    });
}

#[test]
fn two_links_on_one_wire_are_no_fault() {
    within(3, |lab| {
        lab.host(1).add_interface("eth1", "br0", "10.77.0.11/24");
        let nodes: Vec<Node> = (1..=3).map(|n| watch(lab.host(n), &[])).collect();
        for of in ["h2", "h3"] {
            nodes[0].wait_for(LONG, becomes(of, "up"));
            let mut mark = nodes[0].mark();
            for _ in 0..8 {
                mark = nodes[0].since(mark).wait_for(LONG, about("dial_succeeded", of)).mark;
            }
        }
        for (nth, node) in nodes.iter().enumerate() {
            let told = node.always().events(kind("diagnosis"));
            assert!(told.is_empty(), "h{}: nobody is to be accused: {}", nth + 1, *told[0]);
        }
    });
}

/// Runs its arguments where `socket(AF_NETLINK, …)` is refused, as in many a sandbox: a filter of seccomp(2).
const WITHOUT_NETLINK: &str = r#"use POSIX ();
my ($prctl, $socket) = @{{x86_64 => [157, 41], aarch64 => [167, 198]}->{(POSIX::uname())[4]}};
my @filter = ([0x20, 0, 0, 0], [0x15, 0, 3, $socket], [0x20, 0, 0, 16], [0x15, 0, 1, 16], [6, 0, 0, 0x50001], [6, 0, 0, 0x7fff0000]);
my $filter = join "", map { pack "SCCL", @$_ } @filter;
my $program = pack "S x6 P", scalar @filter, $filter;
syscall($prctl, 38, 1, 0, 0, 0) == 0 && syscall($prctl, 22, 2, $program) == 0 or die $!;
exec @ARGV"#;

#[test]
fn where_the_kernel_does_not_tell_the_interfaces_that_is_said_and_a_named_peer_is_reached() {
    let known = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    if !known || !Path::new("/usr/bin/perl").exists() {
        let missing = "there is no perl to make the sandbox with, or this is another machine than it knows";
        assert!(!known || std::env::var_os("CI").is_none(), "{missing}");
        return eprintln!("skipped: {missing}");
    }
    let (stage, port) = (Stage::new(), free_port().to_string());
    let castor = ["--name", "castor", "--bind", "127.77.17.1"];
    let own = |own: &[&str]| {
        let own = [own, &["--port", &port], &QUICK].concat();
        own.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>()
    };
    let mut outside = Command::new(program());
    outside.args(["watch", "--json"]).args(own(&castor));
    clean(&mut outside);
    let _castor = stage.spawn("castor", outside);
    let mut inside = Command::new("/usr/bin/perl");
    let peer = format!("127.77.17.1:{port}");
    inside.args(["-e", WITHOUT_NETLINK, program(), "watch", "--json"]);
    inside.args(own(&["--name", "boxed", "--tcp-port", &free_port().to_string(), "--peer", &peer]));
    clean(&mut inside);
    let boxed = stage.spawn("boxed", inside);
    boxed.wait_for(SOON, about("dial_succeeded", "castor"));
    says(&boxed, "cannot read this machine's interfaces: only peers named with --peer can be found");
    says(&boxed, "no answer by netlink");
}
