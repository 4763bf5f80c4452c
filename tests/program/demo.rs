//! `vigie demo` in a real terminal: real nodes, real faults, and all of it gone when the person quits.

use std::time::Duration;

use crate::support::SOON;
use crate::support::node::run_briefly;
use crate::support::pty::Terminal;
use rustix::process::Signal;

/// The first faults begin within six seconds of the start, and a hanging peer is given up after some ten more.
const FAULTS_SHOW: Duration = Duration::from_secs(30);

fn demo(args: &[&str]) -> Terminal {
    Terminal::vigie(&[&["demo"], args].concat())
}

#[track_caller]
fn leaves_cleanly(terminal: &Terminal) {
    assert_eq!(terminal.wait_exit(Duration::from_secs(1)), 0);
    terminal.wait_restored(SOON);
}

#[test]
fn a_demo_shows_its_peers_their_faults_and_what_comes_of_them_and_quits_at_once() {
    let mut terminal = demo(&["--peers", "6", "--faults"]);
    terminal.resize(50, 140);
    terminal
        .wait_for_words(SOON, &["you", "group demo", "6 peers", "printer", "nas", "robot-1", "camera-door"]);
    terminal.wait_for_words(FAULTS_SHOW, &["demo:", "starts to refuse tcp", "✖ unreachable", "refused"]);
    terminal.wait_for_words(FAULTS_SHOW, &["hangs: it accepts dials", "unreachable", "no reply"]);
    terminal.keys("q");
    leaves_cleanly(&terminal);
}

#[test]
fn a_demo_with_a_script_does_what_it_says() {
    let script = std::env::temp_dir().join(format!("vigie-demo-script-{}", std::process::id()));
    std::fs::write(&script, "500ms nas dies for 1s\n").unwrap();
    let mut terminal = demo(&["--peers", "3", "--script", script.to_str().unwrap()]);
    terminal.resize(50, 140);
    terminal.wait_for_words(SOON * 2, &["nas dies without saying goodbye", "nas is back"]);
    terminal.keys("q");
    leaves_cleanly(&terminal);
    std::fs::write(&script, "5s nas explodes\n").unwrap();
    let refused = demo(&["--peers", "3", "--script", script.to_str().unwrap()]);
    refused.wait_for_words(SOON, &[":1: unknown fault explodes; the nearest name is"]);
    assert_eq!(refused.wait_exit(SOON), 2);
    std::fs::remove_file(script).unwrap();
}

/// What a demo tells of whom with this script: a verdict and names each. This stands on a usual screen meanwhile, as in the README, and
/// nothing of it in the end.
fn told(script: &str, shown: &[&str]) -> Vec<(String, Vec<String>)> {
    let file = |ending| {
        let name = format!("vigie-demo-{}-{}.{ending}", std::process::id(), script.len());
        std::env::temp_dir().join(name)
    };
    let (at, recording) = (file("script"), file("ndjson"));
    std::fs::write(&at, script).unwrap();
    let args = ["--peers", "5", "--record", recording.to_str().unwrap(), "--script", at.to_str().unwrap()];
    let mut terminal = demo(&args);
    terminal.resize(24, 80);
    terminal.wait_for_words(FAULTS_SHOW, shown);
    terminal.wait_for(FAULTS_SHOW, |text| text.contains("5 up") && !text.contains("! 1 finding"));
    terminal.keys("q");
    leaves_cleanly(&terminal);
    let read = std::fs::read_to_string(&recording).unwrap();
    std::fs::remove_file(at).unwrap();
    std::fs::remove_file(recording).unwrap();
    let events = read.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    events
        .filter(|event| event["event"] == "diagnosis" && event["verdict"] != "ok")
        .map(|event| {
            let mut names: Vec<String> = event["names"].as_array().unwrap().iter().map(text).collect();
            names.sort_unstable();
            (text(&event["verdict"]), names)
        })
        .collect()
}

#[cfg(target_os = "linux")]
#[test]
fn a_script_shows_a_firewall_that_drops_and_nobody_else_is_accused() {
    let told = told("1s printer drops for 14s\n", &["! printer: a firewall drops TCP connections"]);
    assert_eq!(told, [("firewall_drop".to_owned(), vec!["printer".to_owned()])]);
}

#[test]
fn a_script_shows_a_process_that_was_killed_and_nobody_else_is_accused() {
    let told = told("1s nas dies for 14s\n", &["! nas: closed port — start vigie on nas"]);
    assert_eq!(told, [("closed_port".to_owned(), vec!["nas".to_owned()])]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_script_shows_hosts_that_are_cut_off_together_and_nobody_else_is_accused() {
    let script = "1s nas disconnects for 20s\n1s printer disconnects for 20s\n";
    let told = told(script, &["? nas and printer: cut off from this side of the network (likely)"]);
    assert_eq!(told, [("isolated".to_owned(), vec!["nas".to_owned(), "printer".to_owned()])]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_script_shows_a_wrong_netmask_and_nobody_else_is_accused() {
    let told = told(
        "1s robot-1 has a wrong netmask for 20s\n",
        &["! robot-1: address or netmask does not match the network", "wrong subnet"],
    );
    assert_eq!(told, [("wrong_subnet".to_owned(), vec!["robot-1".to_owned()])]);
}

#[test]
fn a_script_shows_broadcasts_that_do_not_arrive_and_nobody_else_is_accused() {
    let told =
        told("1s robot-2 misses broadcasts for 25s\n", &["! robot-2: broadcasts are not arriving", "5 up"]);
    assert_eq!(told, [("broadcast_blocked".to_owned(), vec!["robot-2".to_owned()])]);
}

#[test]
fn a_demo_without_faults_has_all_peers_up_and_ends_at_a_signal() {
    let terminal = demo(&["--peers", "24"]);
    terminal.wait_for_words(SOON * 2, &["24 up", "none of them misbehaves"]);
    terminal.signal(Signal::TERM);
    leaves_cleanly(&terminal);
}

#[test]
fn two_demos_at_once_choose_ports_of_their_own_and_do_not_see_each_other() {
    let demos = ["one", "two"].map(|name| demo(&["--peers", "4", "--name", name]));
    for terminal in demos {
        let screen = terminal.wait_for_words(SOON * 2, &["4 up"]);
        assert!(screen.contains("4 peers"), "{screen}");
        terminal.signal(Signal::TERM);
        leaves_cleanly(&terminal);
    }
}

#[test]
fn without_a_terminal_the_demo_is_refused() {
    let ran = run_briefly(&["demo", "--faults"]);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
    assert_eq!(ran.err.trim().lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("terminal"), "{}", ran.err);
}
