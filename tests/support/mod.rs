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

/// Checks that nothing but lines of the log stand on stderr: no panic, no error of ours.
pub(crate) fn only_the_log(stderr: &str) {
    for line in stderr.lines() {
        let mut words = line.split_whitespace();
        let (time, level) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let stamped = time.ends_with('Z') && time.starts_with("20");
        assert!(stamped && ["INFO", "WARN", "DEBUG"].contains(&level), "on stderr: {line}");
    }
}
