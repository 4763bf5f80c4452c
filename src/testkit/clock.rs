//! Time: short words for durations, a starting point for simulated time, and the real clock for waits and measurements.

use std::time::{Duration, Instant};

/// So many milliseconds.
pub const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// So many seconds.
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// Where simulated time begins: any point will do, and this is now.
pub fn t0() -> Instant {
    now()
}

/// The real time, for deadlines and measurements of a test or a bench.
#[expect(clippy::disallowed_methods, reason = "what watches the program from outside has its own clock")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks again every few milliseconds until the answer is there or the time is over.
pub fn poll<T>(within: Duration, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let end = now() + within;
    loop {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        if now() >= end {
            return None;
        }
        std::thread::sleep(ms(3));
    }
}
