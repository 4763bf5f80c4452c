//! The commands that join the network for a while and leave with an answer: `list`, `check` and `matrix`.

use std::io::Write as _;
use std::process::Stdio;
use std::time::Duration;

use crate::support::node::{Node, Ran, Stage, vigie};
use crate::support::seen::{kind, visited};
use crate::support::{QUICK, SOON, free_port};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use serde_json::{Value, json};

const COMMANDS: [&str; 3] = ["list", "check", "matrix"];

/// `watch --json` on a loopback address of its own, which is up.
fn watch(stage: &Stage, name: &str, addr: &str, port: u16) -> Node {
    let port = port.to_string();
    let own = ["watch", "--json", "--name", name, "--bind", addr, "--port", &port];
    let node = stage.vigie(name, &[&own, &QUICK[..]].concat());
    node.wait_for(SOON, kind("started"));
    node
}

/// A command on a loopback address of its own.
fn start(stage: &Stage, addr: &str, port: u16, args: &[&str]) -> Node {
    let port = port.to_string();
    stage.vigie(args[0], &[args, &["--name", "visitor", "--bind", addr, "--port", &port]].concat())
}

fn run(stage: &Stage, addr: &str, port: u16, args: &[&str]) -> Ran {
    start(stage, addr, port, args).finish(SOON * 2)
}

/// The only line of the output, which must be JSON.
#[track_caller]
fn document(ran: &Ran) -> Value {
    assert_eq!(ran.out.lines().count(), 1, "one document: {}", ran.out);
    ran.document()
}

#[track_caller]
fn fields(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[track_caller]
fn same_fields(value: &Value, expected: &[&str]) {
    let (mut seen, mut expected) = (fields(value), expected.to_vec());
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected, "{value}");
}

#[test]
fn wrong_values_and_options_of_other_commands_are_refused_before_anything_starts() {
    let long = "x".repeat(100);
    let cases: &[&[&str]] = &[
        &["list", "--wait", "0s"],
        &["list", "--wait", "99ms"],
        &["list", "--wait", "2h"],
        &["list", "--wait", "-1s"],
        &["list", "--expect", "1"],
        &["list", "extra"],
        &["check", "--timeout", "0s"],
        &["check", "--timeout", "61m"],
        &["check", "--timeout", "soon"],
        &["check", "--expect", "0"],
        &["check", "--expect", "-1"],
        &["check", "--expect", "16385"],
        &["check", "--expect", "two"],
        &["check", "--expect-peer", ""],
        &["check", "--expect-peer", "a\nb"],
        &["check", "--expect-peer", &long],
        &["check", "--wait", "1s"],
        &["matrix", "--wait", "0s"],
        &["matrix", "--timeout", "1s"],
        &["attach", "--interface", "eth0"],
        &["--name", "x", "attach"],
    ];
    for args in cases {
        let ran = Stage::new().vigie("refused", args).finish(SOON);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{args:?}: {}", ran.err);
        assert_eq!(ran.err.lines().count(), 1, "{args:?}: {}", ran.err);
    }
}

#[test]
fn a_bind_address_that_is_not_ours_cannot_start() {
    for command in COMMANDS {
        let ran = run(&Stage::new(), "203.0.113.7", free_port(), &[command]);
        assert_eq!((ran.code, ran.out.as_str()), (3, ""), "{command}");
        assert!(ran.err.lines().count() == 1 && ran.err.contains("203.0.113.7"), "{command}: {}", ran.err);
    }
}

#[test]
fn alone_the_answer_is_no_and_a_person_is_told_what_to_look_at() {
    let (stage, port) = (Stage::new(), free_port());
    for args in [
        &["list", "--wait", "200ms"][..],
        &["check", "--timeout", "200ms"],
        &["matrix", "--wait", "200ms"],
        &["list", "--wait", "200ms", "--json"],
        &["check", "--timeout", "200ms", "--json"],
        &["matrix", "--wait", "200ms", "--json"],
    ] {
        let ran = run(&stage, "127.77.5.1", port, args);
        assert_eq!(ran.code, 1, "{args:?}");
        assert_eq!(ran.err.lines().count(), 1, "{args:?}: {}", ran.err);
        for word in ["vigie doctor", "--group (default)", &port.to_string()] {
            assert!(ran.err.contains(word), "{args:?}: {}", ran.err);
        }
        match (args[0], args.last()) {
            ("list", Some(&"--json")) => {
                assert_eq!((&document(&ran)["v"], &document(&ran)["peers"]), (&json!(1), &json!([])));
            }
            ("check", Some(&"--json")) => {
                let expected = json!({"v": 1, "source": "visit", "ok": false, "reachable": 0, "missing": []});
                assert_eq!(document(&ran), expected);
            }
            ("matrix", Some(&"--json")) => {
                let document = document(&ran);
                same_fields(&document, &["v", "source", "nodes", "cells", "findings"]);
                assert_eq!(document["nodes"].as_array().unwrap().len(), 1);
                assert_eq!((&document["v"], &document["cells"]), (&json!(1), &json!([])));
            }
            ("check", _) => assert_eq!(ran.out, "0 of 1 peers are reachable both ways\n"),
            _ => assert_eq!(ran.out, "", "{args:?}"),
        }
    }
}

#[test]
fn a_list_of_two_peers_has_all_the_fields_of_the_contract_in_the_order_of_names() {
    let (stage, port) = (Stage::new(), free_port());
    let _peers = [watch(&stage, "host10", "127.77.5.2", port), watch(&stage, "host9", "127.77.5.3", port)];
    let ran = run(&stage, "127.77.5.4", port, &["list", "--wait", "1s", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let document = document(&ran);
    same_fields(&document, &["v", "source", "node", "peers"]);
    assert_eq!((&document["v"], &document["node"]["name"]), (&json!(1), &json!("visitor")));
    same_fields(&document["node"], &["id", "name", "group", "incarnation", "port", "tcp_port", "version"]);
    let peers = document["peers"].as_array().unwrap();
    let names: Vec<_> = peers.iter().map(|peer| &peer["name"]).collect();
    assert_eq!(names, ["host9", "host10"]);
    for peer in peers {
        same_fields(
            peer,
            &[
                "id",
                "name",
                "addr",
                "incarnation",
                "state",
                "via",
                "rtt_us",
                "loss",
                "last_heard_ms",
                "cause",
                "verdict",
                "paths",
            ],
        );
        assert_eq!(
            (&peer["state"], &peer["loss"], &peer["cause"]),
            (&json!("up"), &json!(0.0), &Value::Null)
        );
        assert!(peer["id"].as_str().is_some_and(|id| id.len() == 32), "{peer}");
        assert!(peer["rtt_us"].as_u64().is_some_and(|us| us > 0), "{peer}");
        assert!(peer["last_heard_ms"].as_u64().is_some_and(|ms| ms < 2_000), "{peer}");
    }
    assert_eq!(peers[0]["addr"], format!("127.77.5.3:{port}"));
}

#[test]
fn a_list_for_people_is_a_table_with_a_heading() {
    let (stage, port) = (Stage::new(), free_port());
    let _peers = [watch(&stage, "山田", "127.77.5.5", port), watch(&stage, "host", "127.77.5.6", port)];
    let ran = run(&stage, "127.77.5.7", port, &["list", "--wait", "1s"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ran.out);
    assert!(lines[0].starts_with("name  address "), "{}", ran.out);
    assert!(lines[1].starts_with(&format!("host  127.77.5.6:{port}  up ")), "{}", ran.out);
    // Four columns on the screen, two characters.
    assert!(lines[2].starts_with(&format!("山田  127.77.5.5:{port}  up ")), "{}", ran.out);
    assert!(!ran.out.contains('\u{1b}'), "no colours into a pipe");
}

#[test]
fn a_peer_that_said_goodbye_is_not_listed() {
    let (stage, port) = (Stage::new(), free_port());
    let mut leaving = watch(&stage, "leaving", "127.77.5.8", port);
    let list = start(&stage, "127.77.5.9", port, &["list", "--wait", "2s", "--json"]);
    leaving.wait_for(SOON, visited("visitor"));
    leaving.sigterm();
    assert_eq!(leaving.wait_exit(SOON), 0);
    let ran = list.finish(SOON);
    assert_eq!((ran.code, &document(&ran)["peers"]), (1, &json!([])));
}

#[test]
fn a_visit_is_told_and_no_word_of_a_peer() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.5.10", port);
    for args in [&["list", "--wait", "500ms"][..], &["check"], &["matrix", "--wait", "500ms"]] {
        let mark = witness.mark();
        run(&stage, "127.77.5.11", port, args);
        witness.since(mark).wait_for(SOON, visited("visitor"));
    }
    let of_peers = witness.always().events(|e| e["peer"].is_object());
    assert!(of_peers.is_empty(), "{of_peers:?}");
}

#[test]
fn a_check_ends_as_soon_as_all_are_reachable_both_ways() {
    let (stage, port) = (Stage::new(), free_port());
    let _peers = [watch(&stage, "castor", "127.77.5.12", port), watch(&stage, "pollux", "127.77.5.13", port)];
    for expected in [
        &[][..],
        &["--expect", "2"],
        &["--expect-peer", "castor"],
        &["--expect-peer", "pollux", "--expect-peer", "castor"],
    ] {
        let args = [&["check", "--timeout", "60s", "--json"], expected].concat();
        let ran = run(&stage, "127.77.5.14", port, &args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{args:?}");
        let document = document(&ran);
        same_fields(&document, &["v", "source", "ok", "reachable", "missing"]);
        assert_eq!(
            (&document["v"], &document["ok"], &document["missing"]),
            (&json!(1), &json!(true), &json!([]))
        );
        assert!(document["reachable"].as_u64().is_some_and(|n| n >= 1), "{document}");
        assert!(ran.took < Duration::from_secs(5), "{args:?} took {:?}", ran.took);
    }
    let ran = run(&stage, "127.77.5.14", port, &["check", "--expect", "2"]);
    assert_eq!((ran.code, ran.out.as_str()), (0, "2 peers are reachable both ways: castor, pollux\n"));
}

#[test]
fn a_check_waits_for_a_peer_that_comes_later() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.5.15", port);
    let check =
        start(&stage, "127.77.5.16", port, &["check", "--expect-peer", "late", "--timeout", "30s", "--json"]);
    witness.wait_for(SOON, visited("visitor"));
    let _late = watch(&stage, "late", "127.77.5.17", port);
    let ran = check.finish(SOON);
    assert_eq!((ran.code, &document(&ran)["ok"]), (0, &json!(true)), "{}", ran.err);
}

#[test]
fn a_check_that_is_not_met_names_who_is_missing_and_why() {
    let (stage, port) = (Stage::new(), free_port());
    let _peer = watch(&stage, "castor", "127.77.5.18", port);
    let closed = format!("127.77.5.19:{}", free_port());
    let args = ["check", "--timeout", "1s", "--max-retries", "1", "--peer", &closed];
    let wanted = [&args[..], &["--expect-peer", "castor", "--expect-peer", "ghost"]].concat();
    let ran = run(&stage, "127.77.5.20", port, &[&wanted[..], &["--json"]].concat());
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    assert!(ran.took >= Duration::from_secs(1), "it waited for them: {:?}", ran.took);
    let document = document(&ran);
    assert_eq!((&document["ok"], &document["reachable"]), (&json!(false), &json!(1)));
    let missing = document["missing"].as_array().unwrap();
    for missing in missing {
        same_fields(missing, &["name", "state", "cause", "verdict", "advice"]);
        assert!(missing["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{missing}");
    }
    // Two are wanted and one is there: then everybody who is known and not reachable is told, too.
    let names: Vec<_> = missing.iter().map(|missing| missing["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ghost", "127.77.5.19"]);
    let (ghost, refusing) = (&missing[0], &missing[1]);
    assert_eq!((&ghost["state"], &ghost["cause"]), (&Value::Null, &Value::Null));
    assert_eq!(ghost["verdict"], "unknown");
    assert_eq!((&refusing["state"], &refusing["cause"]), (&json!("unreachable"), &json!("refused")));

    let ran = run(&stage, "127.77.5.20", port, &wanted);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!((ran.code, lines.len(), lines[0]), (1, 3, "1 of 2 peers are reachable both ways: castor"));
    assert!(lines[1].starts_with("missing ghost: never heard; "), "{}", ran.out);
    assert!(lines[2].starts_with("missing 127.77.5.19: unreachable, "), "{}", ran.out);
    assert!(ran.err.starts_with("vigie: to do for ") && ran.err.lines().count() == 1, "{}", ran.err);
}

#[test]
fn a_matrix_has_every_ordered_pair_and_all_the_fields_of_the_contract() {
    let (stage, port) = (Stage::new(), free_port());
    let _peers = [watch(&stage, "castor", "127.77.5.21", port), watch(&stage, "pollux", "127.77.5.22", port)];
    let document = document(&run(&stage, "127.77.5.23", port, &["matrix", "--wait", "1s", "--json"]));
    same_fields(&document, &["v", "source", "nodes", "cells", "findings"]);
    assert_eq!(document["v"], 1);
    let nodes = document["nodes"].as_array().unwrap();
    for node in nodes {
        same_fields(node, &["id", "name", "addr"]);
    }
    assert_eq!((nodes.len(), &nodes[0]["name"]), (3, &json!("visitor")));
    let ids: Vec<&str> = nodes.iter().map(|node| node["id"].as_str().unwrap()).collect();
    let expected: Vec<_> = ids.iter().flat_map(|from| ids.iter().map(move |to| (*from, *to))).collect();
    let cells = document["cells"].as_array().unwrap();
    let pairs: Vec<_> =
        cells.iter().map(|cell| (cell["from"].as_str().unwrap(), cell["to"].as_str().unwrap())).collect();
    assert_eq!(pairs, expected.into_iter().filter(|(from, to)| from != to).collect::<Vec<_>>());
    for cell in cells {
        same_fields(cell, &["from", "to", "udp", "tcp", "rtt_us", "cause", "age_ms"]);
        for way in ["udp", "tcp"] {
            assert!(["ok", "failing", "unknown"].contains(&cell[way].as_str().unwrap()), "{cell}");
        }
    }
}

#[test]
fn a_matrix_for_people_has_a_row_for_each_node_and_can_do_with_ascii() {
    let (stage, port) = (Stage::new(), free_port());
    let _peer = watch(&stage, "castor", "127.77.5.24", port);
    let ran = run(&stage, "127.77.5.25", port, &["matrix", "--wait", "500ms"]);
    assert_eq!(ran.err, "");
    assert!(ran.out.contains("● ok  ✗ failing  ? unknown  · self"), "{}", ran.out);
    for row in ["1 visitor  · ", "2 castor   "] {
        assert!(ran.out.lines().any(|line| line.starts_with(row)), "{row:?}: {}", ran.out);
    }
    let ran = run(&stage, "127.77.5.25", port, &["matrix", "--wait", "500ms", "--ascii"]);
    assert!(ran.out.is_ascii() && ran.out.contains("1 visitor  . "), "{}", ran.out);
}

#[test]
fn an_interruption_ends_a_visit_with_130_and_no_answer() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.5.26", port);
    for (addr, args, terminate) in [
        ("127.77.5.27", &["list", "--wait", "1h", "--json"][..], false),
        ("127.77.5.32", &["check", "--expect", "9", "--timeout", "1h", "--json"], true),
        ("127.77.5.33", &["matrix", "--wait", "1h"], false),
    ] {
        let mark = witness.mark();
        let mut visit = start(&stage, addr, port, args);
        witness.since(mark).wait_for(SOON, visited("visitor"));
        if terminate {
            visit.sigterm();
        } else {
            visit.sigint();
        }
        assert_eq!(visit.wait_exit(Duration::from_secs(1)), 130, "{args:?}");
        let ran = visit.finish(SOON);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""), "{args:?}");
    }
}

#[test]
fn a_reader_that_went_away_changes_neither_the_exit_code_nor_says_a_word() {
    let (stage, port) = (Stage::new(), free_port());
    let _peer = watch(&stage, "castor", "127.77.5.28", port);
    let text = port.to_string();
    for (args, code) in [
        (&["list", "--wait", "500ms"][..], 0),
        (&["check", "--json"], 0),
        (&["check", "--expect", "2", "--timeout", "500ms"], 1),
    ] {
        let own = ["--bind", "127.77.5.29", "--port", &text];
        let mut command = vigie(&[args, &own].concat());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());
        let ended = crate::support::poll(SOON, || child.try_wait().unwrap());
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        assert_eq!(ended.and_then(|status| status.code()), Some(code), "{args:?}");
        let err = String::from_utf8_lossy(&output.stderr);
        // Who is missing somebody is told what to do, whoever reads the answer.
        assert_eq!(
            err.replace("vigie: to do: start vigie on more machines, or expect fewer with --expect\n", ""),
            ""
        );
    }
}

#[test]
fn a_reader_that_stands_still_keeps_no_signal_from_ending_it() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.5.30", port);
    let (reader, mut writer) = std::io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b' '; 4_096]).is_ok() {}
    while writer.write(b" ").is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    let text = port.to_string();
    let own = ["check", "--name", "visitor", "--bind", "127.77.5.31", "--port", &text];
    let mut child = vigie(&own).stdin(Stdio::null()).stdout(writer).spawn().unwrap();
    witness.wait_for(SOON, visited("visitor"));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT)
        .unwrap();
    let ended = crate::support::poll(Duration::from_secs(1), || child.try_wait().unwrap());
    let _ = child.kill();
    let _ = child.wait();
    drop(reader);
    assert_eq!(ended.and_then(|status| status.code()), Some(130));
}
