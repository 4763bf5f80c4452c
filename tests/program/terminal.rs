//! The real program in a real terminal: what a person sees, types and gets back.

use std::time::Duration;

use crate::support::node::{Ran, Stage, run_briefly};
use crate::support::pty::Terminal;
use crate::support::{QUICK, SOON, free_port};
use rustix::process::Signal;

const ENTERED: &[&str] = &["quit", "help"];

/// The terminal app on a loopback address of its own.
fn app(name: &str, addr: &str, port: u16) -> Terminal {
    let port = port.to_string();
    Terminal::vigie(&[
        "--name",
        name,
        "--bind",
        addr,
        "--port",
        &port,
        "--interval",
        "500ms",
        "--dial-interval",
        "1s",
    ])
}

fn alone(addr: &str) -> Terminal {
    let terminal = app("solitaire", addr, free_port());
    terminal.wait_for_words(SOON, &["solitaire"]);
    terminal
}

#[track_caller]
fn leaves_cleanly(terminal: &Terminal) {
    assert_eq!(terminal.wait_exit(Duration::from_secs(1)), 0);
    terminal.wait_restored(SOON);
}

#[test]
fn the_first_screen_shows_the_own_name_and_the_keys() {
    let terminal = alone("127.77.3.1");
    terminal.wait_for_words(SOON, ENTERED);
    assert!(terminal.is_raw(), "keys are read one by one");
}

#[test]
fn two_nodes_see_each_other_on_their_screens() {
    let port = free_port();
    let (a, b) = (app("castor", "127.77.3.2", port), app("pollux", "127.77.3.3", port));
    a.wait_for_words(SOON, &["castor", "pollux", "127.77.3.3", "up"]);
    b.wait_for_words(SOON, &["castor", "pollux", "127.77.3.2", "up"]);
}

#[test]
fn a_node_that_quits_is_shown_as_gone_on_the_other_s_screen() {
    let port = free_port();
    let (a, mut b) = (app("castor", "127.77.3.4", port), app("pollux", "127.77.3.5", port));
    a.wait_for_words(SOON, &["pollux", "up"]);
    b.wait_for_words(SOON, &["castor", "up"]);
    b.keys("q");
    leaves_cleanly(&b);
    a.wait_for(SOON, |text| text.contains("left") || text.contains("goodbye") || !text.contains("pollux"));
}

/// Without keys the screen is woken a few times in a second. A key that is seen only then cannot be seen more often.
#[test]
fn many_keys_are_seen_within_the_same_second_of_the_screen_s_clock() {
    const MANY: usize = 8;
    const ENOUGH: usize = 60;
    let mut terminal = alone("127.77.3.41");
    terminal.wait_for_words(SOON, ENTERED);
    let (mut second, mut seen, mut pressed) = (String::new(), 0, 0);
    while seen < MANY {
        assert!(pressed < ENOUGH, "of {pressed} keys, never {MANY} in the same second");
        pressed += 1;
        terminal.keys("?");
        let text = terminal.wait_for(SOON, |text| text.contains("┌ Help") == (pressed % 2 == 1));
        let shown = seconds_of_the_clock(&text);
        seen = if shown == second { seen + 1 } else { 1 };
        second = shown;
    }
}

/// The help leaves only these of the clock at the end of the first line.
fn seconds_of_the_clock(text: &str) -> String {
    let first: Vec<char> = text.lines().next().unwrap_or_default().trim_end().chars().collect();
    let seconds: String = first[first.len().saturating_sub(2)..].iter().collect();
    assert!(seconds.len() == 2 && seconds.chars().all(|digit| digit.is_ascii_digit()), "{text}");
    seconds
}

#[test]
fn a_question_mark_shows_the_help_and_the_same_key_or_escape_hides_it() {
    let mut terminal = alone("127.77.3.6");
    // Down to the words in its middle: a frame may arrive in pieces.
    let before = terminal.wait_for_words(SOON, &["solitaire", "No peers yet", "Across a router", "is up"]);
    for back in ["?", "\x1b"] {
        terminal.keys("?");
        let help = terminal.wait_for(SOON, |text| text.lines().count() > 3 && differs_much(text, &before));
        assert!(help.to_lowercase().contains("quit"), "{help}");
        terminal.keys(back);
        terminal.wait_for(SOON, |text| !differs_much(text, &before));
    }
}

/// More than clocks and counters tick on.
fn differs_much(text: &str, before: &str) -> bool {
    let old: Vec<_> = before.lines().map(str::trim).collect();
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !old.contains(line)).count() > 3
}

#[test]
fn q_quits_and_the_terminal_is_as_it_was() {
    let mut terminal = alone("127.77.3.7");
    terminal.keys("q");
    leaves_cleanly(&terminal);
}

#[test]
fn ctrl_c_quits_and_the_terminal_is_as_it_was() {
    let mut terminal = alone("127.77.3.8");
    terminal.keys("\x03");
    leaves_cleanly(&terminal);
}

#[test]
fn each_signal_to_end_restores_the_terminal() {
    for (signal, addr) in [(Signal::TERM, "127.77.3.9"), (Signal::INT, "127.77.3.10")] {
        let terminal = alone(addr);
        terminal.signal(signal);
        leaves_cleanly(&terminal);
    }
}

#[test]
fn a_terminal_that_shrinks_to_one_cell_and_grows_again_is_drawn_again() {
    let mut terminal = alone("127.77.3.11");
    // Keys count from the first screen on: what was typed before it may be lost.
    terminal.wait_for_words(SOON, &["solitaire", "Across a router"]);
    for (rows, cols) in [(5, 20), (1, 1), (2, 300), (60, 2), (5, 20), (1, 80), (24, 80)] {
        terminal.resize(rows, cols);
        terminal.keys("?");
        terminal.keys("?");
    }
    terminal.wait_for_words(SOON, &["solitaire"]);
    assert!(terminal.is_running());
    terminal.keys("q");
    leaves_cleanly(&terminal);
}

#[test]
fn a_terminal_that_does_not_know_its_size_has_the_usual_one() {
    let port = free_port().to_string();
    let args = ["--name", "solitaire", "--bind", "127.77.3.14", "--port", &port];
    let mut terminal = Terminal::run_sized(crate::support::node::program(), &args, (0, 0));
    // The emulator needs one.
    terminal.emulate(24, 80);
    terminal.wait_for_words(SOON, &["solitaire", "No peers yet"]);
    terminal.keys("q");
    leaves_cleanly(&terminal);
}

#[test]
fn any_keys_in_any_order_leave_the_app_alive() {
    let mut terminal = alone("127.77.3.12");
    for keys in [
        "jjjkkkGgg\t\t",
        "\x1b[A\x1b[B\x1b[5~\x1b[6~\x1b[H\x1b[F",
        "/zzz\x1b",
        "\r\r\x1b\x1b",
        "1234567890dfrsal ",
        "é山\u{7f}\x01",
    ] {
        terminal.keys(keys);
    }
    terminal.keys("\x1b\x1b");
    // Shown when all of them were taken in, so that the last is none of a paste.
    terminal.keys("\x1b[200~\x1b[201~?");
    terminal.wait_for_words(SOON, &["┌ Help"]);
    terminal.keys("\x03");
    leaves_cleanly(&terminal);
}

#[test]
fn a_terminal_that_cannot_place_text_is_refused_and_the_command_that_needs_none_is_named() {
    let port = free_port().to_string();
    let args = ["--bind", "127.77.3.15", "--port", &port];
    let terminal = Terminal::run_with(crate::support::node::program(), &args, Some(("TERM", "dumb")));
    terminal.wait_shown(SOON, |text| text.contains("TERM=dumb") && text.contains("vigie watch"));
    assert_eq!(terminal.wait_exit(SOON), 2);
}

#[test]
fn on_the_linux_console_every_sign_is_ascii() {
    let port = free_port().to_string();
    let args = ["--name", "solitaire", "--bind", "127.77.3.16", "--port", &port];
    let mut terminal = Terminal::run_with(crate::support::node::program(), &args, Some(("TERM", "linux")));
    let screen = terminal.wait_for_words(SOON, &["solitaire", "Across a router", "quit"]);
    assert!(screen.is_ascii(), "{screen}");
    terminal.keys("q");
    leaves_cleanly(&terminal);
}

#[test]
fn without_a_terminal_the_app_refuses_and_names_the_command_that_needs_none() {
    let Ran { code, out, err, .. } =
        run_briefly(&["--bind", "127.77.3.13", "--port", &free_port().to_string()]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    assert!(err.contains("vigie watch"), "{err}");
    assert_eq!(err.trim().lines().count(), 1, "{err}");
}

#[test]
fn an_incident_is_recorded_played_again_and_reported() {
    let (stage, port) = (Stage::new(), free_port().to_string());
    let path = std::env::temp_dir().join(format!("vigie-incident-{}.ndjson.zst", std::process::id()));
    let file = path.to_str().unwrap();
    let own = |name, addr| [&["--name", name, "--bind", addr, "--port", &port][..], &QUICK[..]].concat();
    let mut seer = Terminal::vigie(&[&own("seer", "127.77.3.20")[..], &["--record", file]].concat());
    let mut lost = stage.vigie("lost", &[&["watch"], &own("lost", "127.77.3.21")[..]].concat());
    seer.wait_for_words(SOON, &["lost", "1 up", "REC"]);
    lost.kill9();
    seer.wait_for_words(SOON, &["! 1 finding"]);
    seer.keys("q");
    leaves_cleanly(&seer);

    let report = run_briefly(&["report", file]);
    for words in ["as seer saw it", "## 1. seer → lost: ", "`closed_port`", "**Fix:** start vigie on lost"]
    {
        assert!(report.out.contains(words), "{words}\n{}{}", report.out, report.err);
    }
    let mut replay = Terminal::vigie(&["replay", file]);
    replay.wait_for_words(SOON, &["seer", "recorded", "▶ 1x"]);
    replay.keys(" ");
    replay.wait_for_words(SOON, &["paused"]);
    replay.keys("I");
    replay.wait_for_words(SOON, &["! 1 finding", "lost: the host answers"]);
    replay.keys("d");
    replay.wait_for_words(SOON, &["there is no node to ask"]);
    replay.keys("q");
    leaves_cleanly(&replay);
    std::fs::remove_file(&path).unwrap();
}
