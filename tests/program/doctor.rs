//! `vigie doctor` on hosts that are well, and on hosts with one fault each.

use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;

use crate::support::lab::{Families, Host, within, within_families};
use crate::support::node::{Ran, Stage, run_briefly, vigie};
use crate::support::seen::kind;
use crate::support::{SOON, free_port};
use serde_json::{Value, json};

/// The report of a host, as JSON, with the exit code that belongs to it.
#[track_caller]
fn report(host: Host<'_>, args: &[&str]) -> Value {
    let ran = host.vigie(&[&["doctor", "--json"], args].concat()).finish(SOON * 3);
    let report = document(&ran);
    assert_eq!(ran.code, i32::from(report["ok"] == false), "{report:#}");
    report
}

/// One document and nothing else, with the fields of the contract.
#[track_caller]
fn document(ran: &Ran) -> Value {
    assert_eq!((ran.err.as_str(), ran.out.lines().count()), ("", 1), "{}", ran.out);
    let report = ran.document();
    assert_eq!(report["v"], 1);
    let findings = report["findings"].as_array().expect("findings are a list");
    for finding in findings {
        let severity = finding["severity"].as_str().expect("a severity is a word");
        assert!(["error", "warning", "info"].contains(&severity), "{finding}");
        for field in ["what", "evidence", "fix"] {
            assert!(finding[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {finding}");
        }
    }
    let ok = findings.iter().all(|finding| finding["severity"] == "info");
    assert_eq!(report["ok"], json!(ok), "{report:#}");
    report
}

/// It has a finding of this severity that says all these words, here or there.
#[track_caller]
fn finds(report: &Value, severity: &str, words: &[&str]) {
    let findings = report["findings"].as_array().expect("findings are a list");
    let fits = |finding: &&Value| {
        let text = format!("{} {} {}", finding["what"], finding["evidence"], finding["fix"]);
        finding["severity"] == severity && words.iter().all(|word| text.contains(word))
    };
    assert!(findings.iter().any(|finding| fits(&finding)), "no {severity} with {words:?}: {report:#}");
}

#[track_caller]
fn is_well(report: &Value) {
    assert_eq!(report["ok"], true, "{report:#}");
}

#[test]
fn a_healthy_host_is_fine_also_while_a_vigie_runs_on_it_and_that_one_takes_no_notice() {
    within(2, |lab| {
        let healthy = report(lab.host(1), &[]);
        is_well(&healthy);
        finds(&healthy, "info", &["no default route"]);
        let checks = healthy["checks"].as_array().unwrap();
        let unsure: Vec<_> = checks.iter().filter(|check| check["result"] != "fine").collect();
        assert_eq!(unsure, [&json!(null); 0]);

        let nodes = [lab.host(1), lab.host(2)].map(|host| host.vigie(&["watch", "--json"]));
        for node in &nodes {
            node.wait_for(SOON, kind("started"));
        }
        let beside = report(lab.host(1), &[]);
        is_well(&beside);
        let saw: Vec<_> =
            beside["checks"].as_array().unwrap().iter().map(|check| check["saw"].to_string()).collect();
        assert!(saw.iter().any(|saw| saw.contains("is used by another vigie (vigie (pid ")), "{saw:?}");
        assert!(saw.iter().any(|saw| saw.contains("shared with vigie (pid ")), "{saw:?}");
        // A third node is heard of after what the doctor sent.
        let third = lab.host(2).vigie_named("third", &["watch", "--json"]);
        for node in &nodes {
            node.wait_for(SOON, |e| e["event"] == "peer_discovered" && e["peer"]["name"] == "third");
            assert_eq!(node.count(kind("rejected")), 0);
        }
        drop(third);
    });
}

#[test]
fn the_text_for_people_says_the_same_within_a_hundred_columns() {
    within(1, |lab| {
        let host = lab.host(1);
        let ran = host.vigie(&["doctor"]).finish(SOON);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        assert!(ran.out.contains("eth0") && ran.out.contains("10.77.0.1/24"), "{}", ran.out);
        assert!(ran.out.ends_with("This machine is fine.\n"), "{}", ran.out);
        host.nft_in("udp dport 17474 drop");
        let ran = host.vigie(&["doctor", "--ascii"]).finish(SOON);
        assert_eq!(ran.code, 1, "{}", ran.out);
        assert!(ran.out.contains("udp dport 17474 drop") && ran.out.is_ascii(), "{}", ran.out);
        assert!(ran.out.lines().all(|line| line.len() <= 100), "{}", ran.out);
    });
}

#[test]
fn an_interface_that_is_off_unplugged_or_without_an_address_is_named_with_what_mends_it() {
    within(1, |lab| {
        let host = lab.host(1);
        host.link_down();
        let off = report(host, &[]);
        finds(&off, "error", &["no interface can broadcast: eth0 is switched off", "ip link set eth0 up"]);
        host.link_up();
        is_well(&report(host, &[]));
        host.unplug();
        // The kernel notices it when it likes.
        let unplugged = crate::support::poll(SOON, || {
            let report = report(host, &[]);
            (report["ok"] == false).then_some(report)
        });
        finds(&unplugged.expect("it is noticed"), "error", &["eth0 is up but has no carrier"]);
        host.plug();
        host.run(&["ip", "addr", "flush", "dev", "eth0"]);
        let none = report(host, &[]);
        finds(&none, "error", &["no interface can broadcast: eth0 has no IPv4 address", "dev eth0"]);
    });
}

/// Drops of IPv6 what this rule says.
fn nft_in_ipv6(host: Host<'_>, rule: &str) {
    host.nft(&format!("table ip6 lab {{ chain in {{ type filter hook input priority 0; {rule}; }}; }}"));
}

#[test]
fn a_rule_against_ipv6_is_named_where_a_node_would_speak_it() {
    let rule = "udp dport 17474 drop";
    let says = [
        "blocks incoming UDP 17474 over IPv6 on eth0",
        rule,
        "insert rule ip6 lab in udp dport 17474 accept",
    ];
    within_families(Families::Ipv6, 1, |lab| {
        is_well(&report(lab.host(1), &[]));
        nft_in_ipv6(lab.host(1), rule);
        finds(&report(lab.host(1), &[]), "error", &says);
    });
}

#[test]
fn a_rule_against_ipv6_is_a_warning_where_ipv4_carries_on_and_nothing_where_it_is_not_spoken() {
    within_families(Families::Both, 1, |lab| {
        let host = lab.host(1);
        nft_in_ipv6(host, "tcp dport 17474 reject with tcp reset");
        let both = report(host, &[]);
        finds(
            &both,
            "warning",
            &["incoming TCP 17474 over IPv6 on eth0", "tcp dport 17474 reject with tcp reset"],
        );
        is_well(&report(host, &["--bind", "10.77.0.1"]));
        host.disable_ipv6();
        is_well(&report(host, &[]));
    });
}

#[test]
fn a_rule_against_both_versions_of_ip_is_told_once() {
    within_families(Families::Both, 1, |lab| {
        let drop = "udp dport 17474 drop";
        lab.host(1)
            .nft(&format!("table inet lab {{ chain in {{ type filter hook input priority 0; {drop}; }}; }}"));
        let told = report(lab.host(1), &[]);
        finds(&told, "error", &["the firewall blocks incoming UDP 17474 on eth0", drop]);
        let findings = told["findings"].as_array().expect("findings are a list");
        let of_firewall =
            |finding: &&Value| finding["what"].as_str().is_some_and(|what| what.contains("firewall blocks"));
        assert_eq!(findings.iter().filter(of_firewall).count(), 1, "{told:#}");
    });
}

#[test]
fn a_point_to_point_network_cannot_broadcast_and_is_named() {
    within(1, |lab| {
        lab.host(1).change_address("10.77.0.1/31");
        finds(&report(lab.host(1), &[]), "error", &["10.77.0.1/31, a network without a broadcast", "--peer"]);
    });
}

#[test]
fn global_ipv6_addresses_are_shown_and_one_that_another_host_has_is_named() {
    within_families(Families::Ipv6, 2, |lab| {
        let (host, other) = (lab.host(1), lab.host(2));
        host.run(&["ip", "addr", "add", "2001:db8::1/64", "dev", "eth0", "nodad"]);
        let text = host.vigie(&["doctor"]).finish(SOON * 3).out;
        assert!(text.contains("2001:db8::1 +1") && text.contains("used"), "{text}");
        is_well(&report(host, &[]));
        let bound = report(host, &["--bind", "2001:db8::1"]);
        finds(
            &bound,
            "warning",
            &["from 2001:db8::1, the address of --bind", &format!("--bind '{}%eth0'", host.link_local())],
        );
        finds(
            &report(host, &["--bind", "2001:db8::7"]),
            "error",
            &["does not have 2001:db8::7", "2001:db8::1 (eth0)"],
        );
        other.run(&["ip", "addr", "add", "2001:db8::1/64", "dev", "eth0"]);
        let told = crate::support::poll(SOON, || {
            let report = report(other, &[]);
            (report["ok"] == false).then_some(report)
        });
        finds(
            &told.expect("the kernel finds it"),
            "error",
            &["another host has 2001:db8::1, an IPv6 address of eth0"],
        );
    });
}

#[test]
fn two_interfaces_in_one_network_are_told() {
    within(1, |lab| {
        let host = lab.host(1);
        host.run(&["ip", "link", "add", "eth1", "type", "veth", "peer", "name", "p1"]);
        for link in ["eth1", "p1"] {
            host.run(&["ip", "link", "set", link, "up"]);
        }
        host.run(&["ip", "addr", "add", "10.77.0.101/24", "brd", "+", "dev", "eth1"]);
        let told = crate::support::poll(SOON, || {
            let report = report(host, &[]);
            (report["ok"] == false).then_some(report)
        });
        let told = told.expect("eth1 comes up");
        finds(&told, "warning", &["eth0 and eth1 are in the same network", "--interface eth0"]);
        is_well(&report(host, &["--interface", "eth0"]));
    });
}

#[test]
fn a_rule_that_drops_what_comes_in_is_found_and_its_remedy_mends_it() {
    within(1, |lab| {
        let host = lab.host(1);
        let remedies = |report: &Value| -> Vec<String> {
            let rules = report["findings"].as_array().unwrap().iter();
            let fixes = rules.filter_map(|f| f["fix"].as_str()).filter(|fix| fix.starts_with("nft insert"));
            fixes.map(str::to_owned).collect()
        };
        for (rule, words) in [
            ("udp dport 17474 drop", ["blocks incoming UDP 17474 on eth0", "udp dport 17474 drop"]),
            ("tcp dport 17474 reject", ["blocks incoming TCP 17474 on eth0", "tcp dport 17474"]),
            ("meta pkttype broadcast drop", ["blocks incoming broadcasts to UDP 17474", "broadcast drop"]),
            ("policy drop", ["incoming UDP 17474 and TCP 17474", "policy drop"]),
        ] {
            host.nft_in(rule);
            let sick = report(host, &[]);
            finds(&sick, "error", &words);
            let fixes = remedies(&sick);
            assert!(!fixes.is_empty(), "{sick:#}");
            host.run(&["sh", "-c", &fixes[0]]);
            let mended = report(host, &[]);
            let still = mended["findings"].as_array().unwrap().iter();
            let still: Vec<_> = still.filter(|f| f["what"].to_string().contains("the firewall")).collect();
            assert!(still.is_empty(), "{rule}: {still:?} after {}", fixes[0]);
            host.heal();
        }
        is_well(&report(host, &[]));
    });
}

#[test]
fn a_rule_that_drops_what_goes_out_is_found_and_so_is_the_refusal() {
    within(1, |lab| {
        let host = lab.host(1);
        host.nft_out("udp dport 17474 drop");
        let sick = report(host, &[]);
        finds(
            &sick,
            "error",
            &["firewall blocks outgoing broadcasts on eth0", "not permitted", "nft insert"],
        );
        finds(&sick, "error", &["blocks outgoing UDP 17474 on eth0"]);
    });
}

#[test]
fn rules_that_concern_others_or_let_vigie_through_are_no_finding() {
    within(1, |lab| {
        let host = lab.host(1);
        host.nft(
            "table inet filter {
                set allowed { type inet_service; flags interval; elements = { 22, 17000-18000 }; }
                chain services { udp dport @allowed accept; tcp dport @allowed accept; }
                chain input {
                    type filter hook input priority filter; policy drop;
                    iif lo accept
                    ct state vmap { established : accept, related : accept, invalid : drop }
                    ip saddr 192.0.2.0/24 drop
                    fib saddr . iif oif missing drop
                    ip protocol icmp accept
                    jump services
                    log prefix \"no: \" reject
                }
                chain output { type filter hook output priority filter; tcp dport 25 drop; }
            }",
        );
        is_well(&report(host, &[]));
    });
}

#[test]
fn a_port_that_another_program_holds_is_found_with_its_name() {
    within(1, |lab| {
        let host = lab.host(1);
        let me = format!("(pid {})", std::process::id());
        let udp = host.inside(|| UdpSocket::bind("10.77.0.1:17474").unwrap());
        let held = report(host, &[]);
        finds(&held, "error", &["UDP port 17474 is in use by", &me, "does not share it", "--port"]);
        is_well(&report(host, &["--port", "17475"]));
        drop(udp);
        let _tcp = host.inside(|| TcpListener::bind("0.0.0.0:17474").unwrap());
        finds(&report(host, &[]), "warning", &["TCP port 17474 is in use by", &me, "any free port"]);
        let wanted = report(host, &["--tcp-port", "17474"]);
        finds(&wanted, "error", &["TCP port 17474 is in use by", &me, "--tcp-port"]);
        is_well(&report(host, &["--tcp-port", "17475"]));
    });
}

#[test]
fn what_a_person_asked_for_and_cannot_be_had_is_a_finding() {
    within(1, |lab| {
        let host = lab.host(1);
        finds(&report(host, &["--bind", "10.9.9.9"]), "error", &["does not have 10.9.9.9", "10.77.0.1"]);
        finds(
            &report(host, &["--interface", "wlan*"]),
            "error",
            &["--interface 'wlan*' leaves no interface"],
        );
        is_well(&report(host, &["--bind", "10.77.0.1"]));
        let given_away = report(host, &["--port", "40000"]);
        finds(&given_away, "warning", &["port 40000", "ip_local_port_range"]);
    });
}

#[test]
fn on_loopback_the_ports_are_tried_and_a_reader_that_goes_away_is_nobody_s_fault() {
    let port = free_port().to_string();
    let args = ["doctor", "--json", "--bind", "127.77.8.1", "--port", &port];
    let ran = run_briefly(&args);
    let report = document(&ran);
    let findings = report["findings"].as_array().unwrap();
    let about_ports = |f: &&Value| f["what"].as_str().unwrap().contains("port") && f["severity"] == "error";
    assert_eq!(findings.iter().filter(about_ports).count(), 0, "{report:#}");

    let mut child =
        vigie(&args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(ran.code), Vec::new()));
}

#[test]
fn wrong_usage_is_refused() {
    assert_eq!(run_briefly(&["doctor", "--no-such-option"]).code, 2);
    assert_eq!(run_briefly(&["doctor", "now"]).code, 2);
}

#[test]
fn an_interrupt_ends_it_at_once_even_while_a_tool_that_it_asks_hangs() {
    let folder = std::env::temp_dir().join(format!("vigie-doctor-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (tool, called) = (folder.join("ufw"), folder.join("called"));
    std::fs::write(&tool, format!("#!/bin/sh\n: > {}\nexec sleep 30\n", called.display())).unwrap();
    std::fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let (stage, port) = (Stage::new(), free_port().to_string());
    let mut command = vigie(&["doctor", "--bind", "127.77.8.2", "--port", &port]);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", folder.display()));
    let mut doctor = stage.spawn("doctor", command);
    let busy = crate::support::poll(SOON, || called.exists().then_some(()));
    doctor.sigint();
    let code = doctor.wait_exit(std::time::Duration::from_secs(1));
    let _ = std::fs::remove_dir_all(&folder);
    assert!(busy.is_some(), "it asks ufw");
    assert_eq!((code, doctor.stdout().as_str()), (130, ""));
}
