//! What is measured: each scenario as a function whose work a caller bounds. The page of `cargo bench` times them;
//! `tests/bench_smoke.rs` runs each of them small and counts what it allocates.

#![allow(dead_code, reason = "the page and the smoke test each use their part")]

pub(crate) mod attach;
pub(crate) mod crowd;
pub(crate) mod exchange;
pub(crate) mod frame;
pub(crate) mod memory;
pub(crate) mod newcomer;

use std::time::{Duration, Instant};

use vigie::testkit::clock::now;

/// What a scenario may take: whatever it costs, it comes to an end.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Cap {
    /// So much time, from the beginning of a figure: for the page.
    Time(Instant),
    /// So many steps: for a test, which must not fail because the machine is busy.
    Steps(u64),
}

impl Cap {
    /// This much time from now.
    pub(crate) fn within(duration: Duration) -> Self {
        Self::Time(now() + duration)
    }

    /// Whether a scenario that has taken so many steps must end.
    pub(crate) fn is_over(self, steps: u64) -> bool {
        match self {
            Self::Time(until) => now() >= until,
            Self::Steps(most) => steps >= most,
        }
    }
}

/// Mean time of one of `n` calls, in nanoseconds.
pub(crate) fn nanoseconds(n: u32, mut call: impl FnMut()) -> f64 {
    let begun = now();
    (0..n).for_each(|_| call());
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(n)
}
