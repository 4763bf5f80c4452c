//! The end of the program, whatever may hold it up: a terminal that has gone away or stands still, an output that nobody
//! reads, the rest of a paste.

use std::io::{PipeReader, PipeWriter, Write as _};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::support::node::{Node, Stage, clean, vigie};
use crate::support::pty::Terminal;
use crate::support::seen::{about, kind};
use crate::support::{QUICK, SOON, free_port, ignores, is_writing, poll, wait_caught};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, Signal, kill_process};

/// What is promised is a second; a machine that is busy with other tests has another.
const A_SECOND: Duration = Duration::from_secs(2);

/// `watch --json` on a loopback address of its own.
fn watch(stage: &Stage, name: &str, addr: &str, port: u16) -> Node {
    let port = port.to_string();
    let own = ["watch", "--json", "--name", name, "--bind", addr, "--port", &port];
    stage.vigie(name, &[&own[..], &QUICK].concat())
}

/// In a terminal that sends SIGHUP when it goes away, and in one that sends nothing.
const BOTH: [fn(&[&str]) -> Terminal; 2] = [Terminal::vigie, Terminal::vigie_without_control];

/// The options of a node on a loopback address of its own.
fn own<'a>(name: &'a str, addr: &'a str, port: &'a str) -> Vec<&'a str> {
    [&["--name", name, "--bind", addr, "--port", port][..], &QUICK].concat()
}

#[test]
fn a_terminal_that_goes_away_ends_the_app_whatever_was_typed_last() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.14.1", port);
    let port = port.to_string();
    let cases = [("idle", "127.77.14.2", ""), ("key", "127.77.14.3", "j"), ("half", "127.77.14.4", "\x1b[")];
    for (name, addr, last) in cases {
        for start in BOTH {
            let mark = witness.mark();
            let terminal = start(&own(name, addr, &port));
            terminal.wait_for_words(SOON, &[name, "witness"]);
            let program = terminal.hang_up(last);
            assert_eq!(program.exit_code(SOON), Some(0), "{name}: it still runs");
            let left = witness.since(mark).wait_for(SOON, about("peer_left", name));
            assert_eq!(left["reason"], "goodbye", "{name}");
        }
    }
}

#[test]
fn a_terminal_that_goes_away_while_its_display_is_frozen_ends_the_app_too() {
    // Nobody else is there: nothing happens that would be drawn.
    let port = free_port().to_string();
    for last in ["", "jjj", "\x1b["] {
        for start in BOTH {
            let mut terminal = start(&own("solitaire", "127.77.14.5", &port));
            terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
            terminal.keys("p");
            terminal.wait_for_words(SOON, &["PAUSED"]);
            let program = terminal.hang_up(last);
            assert_eq!(program.exit_code(SOON), Some(0), "{last:?}: it still runs");
        }
    }
}

#[test]
fn a_terminal_that_reads_nothing_keeps_no_signal_from_ending_the_app_and_is_given_back() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.14.10", port);
    let port = port.to_string();
    for (name, addr, signal) in [("term", "127.77.14.11", Signal::TERM), ("int", "127.77.14.12", Signal::INT)]
    {
        let mut terminal = Terminal::vigie(&own(name, addr, &port));
        terminal.wait_for_words(SOON, &[name, "witness"]);
        terminal.freeze();
        terminal.signal(signal);
        assert_eq!(terminal.wait_exit(A_SECOND), 0, "{signal:?}");
        assert_eq!(witness.wait_for(SOON, about("peer_left", name))["reason"], "goodbye");
        terminal.thaw();
        terminal.wait_restored(SOON);
    }
}

#[test]
fn a_terminal_that_reads_nothing_keeps_no_signal_from_ending_a_watch() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.14.15", port);
    let port = port.to_string();
    let args = [&["watch"][..], &own("watch", "127.77.14.16", &port)].concat();
    let mut terminal = Terminal::vigie(&args);
    terminal.wait_for_words(SOON, &["watch", "witness"]);
    terminal.freeze();
    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_exit(A_SECOND), 0);
    assert_eq!(witness.wait_for(SOON, about("peer_left", "watch"))["reason"], "goodbye");
}

/// A program whose both outputs lead into full pipes.
struct Stuck {
    child: Child,
    _readers: [PipeReader; 2],
}

impl Stuck {
    fn start(args: &[&str]) -> Self {
        let ((out, to_out), (err, to_err)) = (full_pipe(), full_pipe());
        let mut command = vigie(args);
        command.stdin(Stdio::null()).stdout(to_out).stderr(to_err);
        Self { child: command.spawn().expect("the program starts"), _readers: [out, err] }
    }

    /// Waits until it waits for a reader.
    fn wait_writing(&self) {
        let seen = poll(SOON, || is_writing(self.child.id()).then_some(()));
        assert!(seen.is_some(), "it writes nothing");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    fn exit_code(&mut self, within: Duration) -> Option<i32> {
        poll(within, || self.child.try_wait().expect("a child can be waited for"))?.code()
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipe into which nothing more goes.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let flags = fcntl_getfl(&writer).expect("its flags");
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("it can be set");
    while writer.write(&[b' '; 4_096]).is_ok() {}
    while writer.write(b" ").is_ok() {}
    fcntl_setfl(&writer, flags).expect("it can be set");
    (reader, writer)
}

#[test]
fn outputs_that_nobody_reads_keep_no_signal_from_ending_any_command() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.14.20", port);
    let port = port.to_string();
    let peer = format!("127.77.14.20:{port}");
    let cases = [
        (&["watch"][..], "127.77.14.21", 0),
        (&["watch", "--json"], "127.77.14.22", 0),
        (&["list", "--wait", "300ms"], "127.77.14.23", 130),
        (&["check", "--expect", "9", "--timeout", "300ms"], "127.77.14.24", 130),
        (&["matrix", "--wait", "300ms"], "127.77.14.25", 130),
        (&["dial", &peer], "127.77.14.26", 130),
        (&["doctor"], "127.77.14.27", 130),
    ];
    for (args, addr, code) in cases {
        let mark = witness.mark();
        let mut stuck = Stuck::start(&[args, &own("stuck", addr, &port)].concat());
        stuck.wait_writing();
        if args[0] == "watch" {
            witness.since(mark).wait_for(SOON, about("peer_discovered", "stuck"));
        }
        stuck.signal(Signal::TERM);
        assert_eq!(stuck.exit_code(A_SECOND), Some(code), "{args:?}");
        if args[0] == "watch" {
            let left = witness.since(mark).wait_for(SOON, about("peer_left", "stuck"));
            assert_eq!(left["reason"], "goodbye", "{args:?}");
        }
    }
}

#[test]
fn a_signal_that_was_ignored_at_the_start_stays_ignored() {
    let (stage, port) = (Stage::new(), free_port());
    let text = port.to_string();
    let mut command = std::process::Command::new("/bin/sh");
    clean(&mut command);
    command.args(["-c", r#"trap "" INT HUP; exec "$0" "$@""#, env!("CARGO_BIN_EXE_vigie")]);
    command.args(["watch", "--json"]).args(own("stubborn", "127.77.14.30", &text));
    let mut node = stage.spawn("stubborn", command);
    node.wait_for(SOON, kind("started"));
    wait_caught(node.id(), Signal::TERM);
    assert!([Signal::INT, Signal::HUP].into_iter().all(|signal| ignores(node.id(), signal)));
    node.sigint();
    node.signal(Signal::HUP);
    let _peer = watch(&stage, "peer", "127.77.14.31", port);
    node.wait_for(SOON, about("peer_discovered", "peer"));
    node.sigterm();
    assert_eq!(node.wait_exit(A_SECOND), 0);
}

#[test]
fn what_is_pasted_while_the_app_ends_is_not_typed_into_the_shell() {
    let port = free_port().to_string();
    let mut terminal = Terminal::run("/bin/sh", &["-i"]);
    let words = own("solitaire", "127.77.14.40", &port).join(" ");
    let id = std::env::temp_dir().join(format!("vigie-ended-{port}"));
    let program = env!("CARGO_BIN_EXE_vigie");
    let line = format!("sh -c 'echo $$ > {}; exec {program} {words}'", id.display());
    terminal.keys(&format!("{line}; echo ended-$((40+2))\r"));
    terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
    let pid = std::fs::read_to_string(&id).expect("the shell has written it");
    let _ = std::fs::remove_file(&id);
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("not 0");
    // More than the app can read before it ends, and than the kernel keeps for a reader.
    let rest = "echo pasted-$((40+2))\n".repeat(2_000);
    kill_process(pid, Signal::TERM).expect("it runs");
    terminal.keys(&rest);
    terminal.wait_for_words(SOON, &["ended-42"]);
    terminal.keys("echo typed-$((40+2))\r");
    let screen = terminal.wait_for_words(SOON, &["typed-42"]);
    assert!(!screen.contains("pasted"), "{screen}");
    terminal.keys("exit\r");
    assert_eq!(terminal.wait_exit(SOON), 0);
}

#[test]
fn a_paste_that_the_terminal_does_not_mark_ends_nothing_and_does_nothing() {
    let port = free_port().to_string();
    let mut terminal = Terminal::vigie(&own("solitaire", "127.77.14.41", &port));
    terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
    let paste = format!("quit\ra127.77.14.42:{port}\r{}", "q".repeat(5_000));
    terminal.keys(&paste);
    terminal.wait_for_words(SOON, &["these keys look pasted"]);
    // Typed keys count again: this one names what was not added.
    terminal.wait_for_words(SOON, &["0 peers"]);
    terminal.keys("?");
    terminal.wait_for_words(SOON, &["┌ Help"]);
    terminal.keys("\x1b");
    terminal.wait_for(SOON, |text| !text.contains("┌ Help"));
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(A_SECOND), 0);
    terminal.wait_restored(SOON);
}
