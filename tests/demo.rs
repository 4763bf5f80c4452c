//! `vigie demo` in a real terminal: real nodes, real faults, and all of it gone when the person quits.
#![allow(clippy::unwrap_used, reason = "a test fails where an expectation does not hold")]

mod support;

use std::time::Duration;

use rustix::process::Signal;
use support::SOON;
use support::node::run_briefly;
use support::pty::Terminal;

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
