//! What `list`, `check` and `matrix` say of a network, by what the nodes see of each other and make of it.
//!
//! None of these can pass before the engine fills rows, observations and verdicts; what needs neither is in `visits.rs`. The
//! waits are long enough for a few periods of everything.

use std::time::Duration;

use crate::support::node::{Node, Ran, Stage};
use crate::support::seen::{becomes, kind, visited};
use crate::support::{QUICK, SOON, free_port};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(30);

/// Options that let a dial fail within the second: on loopback no host is ever absent.
const IMPATIENT: [&str; 4] = ["--dial-timeout", "500ms", "--max-retries", "1"];

/// `watch --json` on a loopback address of its own, which is up.
fn watch(stage: &Stage, name: &str, addr: &str, port: u16, more: &[&str]) -> Node {
    let port = port.to_string();
    let own = ["watch", "--json", "--name", name, "--bind", addr, "--port", &port];
    let node = stage.vigie(name, &[&own, &QUICK[..], &IMPATIENT, more].concat());
    node.wait_for(SOON, kind("started"));
    node
}

/// A command on a loopback address of its own.
fn start(stage: &Stage, addr: &str, port: u16, args: &[&str]) -> Node {
    let port = port.to_string();
    let own = ["--name", "visitor", "--bind", addr, "--port", &port];
    stage.vigie(args[0], &[args, &own, &QUICK, &IMPATIENT].concat())
}

fn run(stage: &Stage, addr: &str, port: u16, args: &[&str]) -> Ran {
    start(stage, addr, port, args).finish(LONG)
}

/// The id of the node with this name.
#[track_caller]
fn id_of<'a>(document: &'a Value, name: &str) -> &'a str {
    let mut nodes = document["nodes"].as_array().expect("nodes").iter();
    let node = nodes.find(|node| node["name"] == name).unwrap_or_else(|| panic!("no {name} in {document}"));
    node["id"].as_str().expect("an id")
}

/// The cell of an ordered pair.
#[track_caller]
fn cell<'a>(document: &'a Value, from: &str, to: &str) -> &'a Value {
    let (from, to) = (id_of(document, from), id_of(document, to));
    let mut cells = document["cells"].as_array().expect("cells").iter();
    cells.find(|cell| cell["from"] == from && cell["to"] == to).expect("every ordered pair is there")
}

// Needs verdicts.
#[test]
fn of_a_peer_that_is_reachable_both_ways_the_verdict_is_ok() {
    let (stage, port) = (Stage::new(), free_port());
    let _peer = watch(&stage, "castor", "127.77.6.1", port, &[]);
    let ran = run(&stage, "127.77.6.2", port, &["list", "--wait", "3s", "--json"]);
    let document = ran.document();
    assert_eq!((ran.code, &document["peers"][0]["verdict"]), (0, &json!("ok")), "{document}");
    let ran = run(&stage, "127.77.6.2", port, &["list", "--wait", "3s"]);
    assert!(ran.out.contains("all is well"), "{}", ran.out);
}

// Needs rows.
#[test]
fn a_matrix_in_which_all_pairs_are_fine_exits_with_zero() {
    let (stage, port) = (Stage::new(), free_port());
    let _peers =
        [watch(&stage, "castor", "127.77.6.3", port, &[]), watch(&stage, "pollux", "127.77.6.4", port, &[])];
    let ran = run(&stage, "127.77.6.5", port, &["matrix", "--wait", "5s", "--json"]);
    let document = ran.document();
    let cells = document["cells"].as_array().unwrap();
    assert_eq!(cells.len(), 6, "{document}");
    for cell in cells {
        assert_eq!((&cell["udp"], &cell["tcp"], &cell["cause"]), (&json!("ok"), &json!("ok"), &Value::Null));
        // Nobody tells how long its dials of a visitor take.
        let to_visitor = cell["to"] == *id_of(&document, "visitor");
        assert!(to_visitor || cell["rtt_us"].as_u64().is_some_and(|us| us > 0), "{cell}");
        assert!(cell["age_ms"].as_u64().is_some_and(|ms| ms < 5_000), "{cell}");
    }
    assert_eq!((ran.code, &document["findings"]), (0, &json!([])));

    let ran = run(&stage, "127.77.6.5", port, &["matrix", "--wait", "5s"]);
    assert_eq!((ran.code, ran.out.matches("all ok").count()), (0, 3), "{}", ran.out);
    assert_eq!(ran.out.matches('●').count(), 1 + 6, "the legend and six pairs: {}", ran.out);
}

// Needs rows and findings.
#[test]
fn a_matrix_tells_which_pairs_fail_and_what_is_wrong() {
    let (stage, port) = (Stage::new(), free_port());
    let castor = watch(&stage, "castor", "127.77.6.6", port, &[]);
    let hung = watch(&stage, "hung", "127.77.6.7", port, &[]);
    let matrix = start(&stage, "127.77.6.8", port, &["matrix", "--wait", "10s", "--json"]);
    castor.wait_for(SOON, becomes("hung", "up"));
    hung.wait_for(SOON, visited("visitor"));
    // The kernel goes on to accept its connections, and nobody answers them.
    hung.sigstop();
    let ran = matrix.finish(LONG);
    let document = ran.document();
    for from in ["visitor", "castor"] {
        let cell = cell(&document, from, "hung");
        assert_eq!((&cell["tcp"], &cell["cause"]), (&json!("failing"), &json!("no_reply")), "{document}");
    }
    let fine = cell(&document, "visitor", "castor");
    assert_eq!((&fine["udp"], &fine["tcp"]), (&json!("ok"), &json!("ok")), "{document}");
    let finding = &document["findings"][0];
    assert_eq!(finding["verdict"], "hung_peer", "{document}");
    let nodes = finding["nodes"].as_array().expect("nodes of the finding");
    assert!(nodes.iter().any(|id| id == id_of(&document, "hung")), "{document}");
    assert!(finding["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty()), "{document}");
    assert!(finding["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{document}");
    assert_eq!(ran.code, 1);
}

// Needs rows and findings.
#[test]
fn a_matrix_for_people_marks_what_fails_and_says_what_to_try() {
    let (stage, port) = (Stage::new(), free_port());
    let castor = watch(&stage, "castor", "127.77.6.9", port, &[]);
    let hung = watch(&stage, "hung", "127.77.6.10", port, &[]);
    let matrix = start(&stage, "127.77.6.11", port, &["matrix", "--wait", "10s"]);
    castor.wait_for(SOON, becomes("hung", "up"));
    hung.wait_for(SOON, visited("visitor"));
    hung.sigstop();
    let ran = matrix.finish(LONG);
    assert_eq!(ran.code, 1, "{}", ran.out);
    for words in
        ["1 visitor", "visitor → hung: ", "castor → hung: ", "TCP no reply: ", "  seen: ", "  try:  "]
    {
        assert!(ran.out.contains(words), "{words:?} is missing: {}", ran.out);
    }
    assert!(!ran.out.contains("visitor → castor"), "{}", ran.out);
}

// Needs findings about strangers.
#[test]
fn a_check_says_that_a_named_peer_belongs_to_another_group() {
    let (stage, port) = (Stage::new(), free_port());
    let _stranger = watch(&stage, "stranger", "127.77.6.12", port, &["--group", "other"]);
    let args = ["check", "--expect-peer", "stranger", "--timeout", "3s", "--json"];
    let ran = run(&stage, "127.77.6.13", port, &args);
    let missing = &ran.document()["missing"][0];
    assert_eq!((ran.code, &missing["name"], &missing["state"]), (1, &json!("stranger"), &Value::Null));
    assert_eq!(missing["verdict"], "wrong_group", "{missing}");
    assert!(missing["advice"].as_str().is_some_and(|advice| advice.contains("--group")), "{missing}");
}

// Needs verdicts or findings.
#[test]
fn a_check_says_that_nothing_listens_any_longer_where_a_peer_has_crashed() {
    let (stage, port) = (Stage::new(), free_port());
    let mut victim = watch(&stage, "victim", "127.77.6.14", port, &[]);
    let args = ["check", "--expect-peer", "victim", "--expect", "9", "--timeout", "8s", "--json"];
    let check = start(&stage, "127.77.6.15", port, &args);
    // Its dial was answered: by then the visitor knows it, too.
    victim.wait_for(SOON, visited("visitor"));
    victim.kill9();
    let ran = check.finish(LONG);
    let missing = &ran.document()["missing"][0];
    assert_eq!((ran.code, &missing["name"], &missing["cause"]), (1, &json!("victim"), &json!("refused")));
    assert_eq!(missing["verdict"], "closed_port", "{missing}");
}
