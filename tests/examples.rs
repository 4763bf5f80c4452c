//! The examples do what they say.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

#[path = "../examples/two_nodes.rs"]
mod two_nodes;
#[expect(dead_code, reason = "its main takes the arguments of this test")]
#[path = "../examples/watch_events.rs"]
mod watch_events;

use std::time::Duration;

use clap::Parser as _;
use serde_json::Value;
use vigie::cli::args::Cli;

#[test]
fn two_nodes_find_and_dial_each_other() {
    two_nodes::main().unwrap();
}

#[tokio::test]
async fn a_watched_node_tells_its_life_from_its_start_to_its_end() {
    let options = ["vigie", "--bind", "127.77.201.3", "--port", "17478", "--group", "watch-events"];
    let settings = Cli::try_parse_from(options).unwrap().node.settings().unwrap();
    let mut out = Vec::new();
    watch_events::watch(settings, tokio::time::sleep(Duration::from_millis(100)), &mut out).await.unwrap();
    let lines = String::from_utf8(out).unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(events.iter().all(|event| event["v"] == 1 && event["ts"].is_string()), "{lines}");
    assert_eq!(events.first().unwrap()["event"], "started");
    assert_eq!(events.last().unwrap()["event"], "stopped");
}
