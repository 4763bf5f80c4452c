//! What the black-box tests share: programs that run and are watched ([`node`]), a network of hosts made of
//! namespaces ([`lab`]), a pseudo-terminal ([`pty`]).
//!
//! No test sleeps and hopes: each waits for what it expects, with a deadline, and fails with all that was
//! printed until then.

#![allow(dead_code, unused_imports, reason = "each test binary compiles all of it and uses its part")]

pub(crate) mod lab;
pub(crate) mod node;
pub(crate) mod pty;
pub(crate) mod seen;

use std::time::Duration;

pub(crate) use vigie::testkit::clock::{now, poll};
pub(crate) use vigie::testkit::free_port;

/// Long enough for anything that is to happen at once, on a machine that is busy with other tests.
pub(crate) const SOON: Duration = Duration::from_secs(15);

/// Options that make a scenario quick. The dial timeout stays above the 3.06 s after which Linux reports an
/// absent host.
pub(crate) const QUICK: [&str; 10] = [
    "--interval",
    "500ms",
    "--dial-interval",
    "1s",
    "--retry-delay",
    "200ms",
    "--dial-timeout",
    "4s",
    "--max-retries",
    "3",
];

/// Whether there is such a tool: what needs it is not tested without it, but for where changes are decided upon.
pub(crate) fn is_there(tool: &str) -> bool {
    let is_there = std::process::Command::new(tool).arg("--version").output().is_ok();
    if !is_there {
        assert!(std::env::var_os("CI").is_none(), "there is no {tool}");
        eprintln!("not checked: there is no {tool}");
    }
    is_there
}

/// Whether a thread of that process is in the midst of a write, or that cannot be told. A write that ends at once is
/// hardly ever seen: who is seen writing twice is kept waiting.
pub(crate) fn is_writing(id: u32) -> bool {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{id}/task")) else { return true };
    let writing = |thread: std::fs::DirEntry| match std::fs::read_to_string(thread.path().join("syscall")) {
        Ok(call) => call.split(' ').next() == Some(&libc::SYS_write.to_string()),
        Err(_) => true,
    };
    threads.flatten().any(writing)
}

/// Waits until the process heeds this signal in its own way.
#[track_caller]
pub(crate) fn wait_caught(id: u32, signal: rustix::process::Signal) {
    let caught = || has_signal(id, "SigCgt", signal).then_some(());
    assert!(poll(SOON, caught).is_some(), "{signal:?} is left to the system");
}

/// Whether the process ignores this signal.
pub(crate) fn ignores(id: u32, signal: rustix::process::Signal) -> bool {
    has_signal(id, "SigIgn", signal)
}

fn has_signal(id: u32, set: &str, signal: rustix::process::Signal) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let mask = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(":\t"));
    let mask = u64::from_str_radix(mask.expect("Linux states it"), 16).expect("a number");
    mask & 1 << (signal.as_raw() - 1) != 0
}

/// Checks that nothing but lines of the log stand on stderr: no panic, no error of ours.
pub(crate) fn only_the_log(stderr: &str) {
    for line in stderr.lines() {
        let mut words = line.split_whitespace();
        let (time, level) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let stamped = time.ends_with('Z') && time.starts_with("20");
        assert!(stamped && ["INFO", "WARN", "DEBUG"].contains(&level), "on stderr: {line}");
    }
}
