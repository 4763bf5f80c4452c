//! What the benches share: a clock, rounds in which two sides take turns, and the words for their figures.

#![allow(dead_code, reason = "each bench compiles all of it and uses its part")]

use std::time::{Duration, Instant};

/// The time, for measurements.
#[expect(clippy::disallowed_methods, reason = "a measurement outside the program has its own clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether this is `cargo test`, which runs a bench only to see that it still works.
pub(crate) fn is_a_trial() -> bool {
    !std::env::args().any(|arg| arg == "--bench")
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 0.5)
}

/// The value below which this share of all lies.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let nth = (share * sorted.len() as f64) as usize;
    sorted.get(nth.min(sorted.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

/// What two sides needed for the same, or reached with it.
pub(crate) struct Versus {
    /// Our median.
    pub(crate) ours: f64,
    /// The reference's median.
    pub(crate) theirs: f64,
    /// The median of ours divided by theirs, round by round: a busy moment of the machine hits both sides of a round.
    pub(crate) ratio: f64,
}

/// Lets two sides take turns.
pub(crate) fn versus(
    rounds: usize,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> Versus {
    let pairs: Vec<(f64, f64)> = (0..rounds).map(|_| (ours(), theirs())).collect();
    let each = |pick: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(pick).collect::<Vec<_>>());
    Versus { ours: each(|pair| pair.0), theirs: each(|pair| pair.1), ratio: each(|pair| pair.0 / pair.1) }
}

/// Mean time of one of `n` calls, in nanoseconds.
pub(crate) fn nanoseconds(n: u32, mut call: impl FnMut()) -> f64 {
    let begun = now();
    (0..n).for_each(|_| call());
    begun.elapsed().as_secs_f64() * 1e9 / f64::from(n)
}

/// In microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
