//! What is measured: each scenario as a function whose work a caller bounds. The page of `cargo bench` times them;
//! `tests/bench_smoke.rs` runs each of them small and counts what it allocates.

#![allow(dead_code, reason = "the page and the smoke test each use their part")]

pub(crate) mod crowd;
pub(crate) mod exchange;
pub(crate) mod frame;
pub(crate) mod memory;
pub(crate) mod newcomer;

use std::time::{Duration, Instant};

use vigie::testkit::clock::now;

/// How long a scenario may take: whatever it costs, the page ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cap {
    until: Instant,
}

impl Cap {
    pub(crate) fn within(duration: Duration) -> Self {
        Self { until: now() + duration }
    }

    pub(crate) fn is_over(self) -> bool {
        now() >= self.until
    }
}

/// Mean time of one of `n` calls, in nanoseconds.
pub(crate) fn nanoseconds(n: u32, mut call: impl FnMut()) -> f64 {
    let begun = now();
    (0..n).for_each(|_| call());
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(n)
}
