//! The words of the matrix.

use std::fmt;
use std::time::Duration;

use crate::app::model::{Change, Mark};

/// A node and itself.
pub(super) const ITSELF: &str = "\\";

/// What a mark means, in a word.
pub(super) fn words(mark: Mark) -> &'static str {
    match mark {
        Mark::Fine => "fine",
        Mark::Failing => "failing",
        Mark::Unknown => "unknown",
        Mark::Stale => "stale",
    }
}

/// What a change means.
pub(super) fn change_words(change: Change) -> &'static str {
    match change {
        Change::Worse => "worse",
        Change::Better => "better",
        Change::Lost => "unknown now",
        Change::New => "new",
    }
}

/// A number whose digits are in groups of three.
pub(super) struct Grouped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Grouped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        for (nth, digit) in digits.chars().enumerate() {
            if nth > 0 && (digits.len() - nth).is_multiple_of(3) {
                f.write_str(" ")?;
            }
            write!(f, "{digit}")?;
        }
        Ok(())
    }
}

/// A round trip in at most five columns: `84µs`, `9.9ms`, `125ms`, `3.1s`.
pub(super) struct Short(pub(super) Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        let tenths = |f: &mut fmt::Formatter<'_>, n: u64, unit| write!(f, "{}.{}{unit}", n / 10, n % 10);
        match us {
            0..1_000 => write!(f, "{us}µs"),
            1_000..9_950 => tenths(f, (us + 50) / 100, "ms"),
            9_950..999_500 => write!(f, "{}ms", (us + 500) / 1_000),
            999_500..99_950_000 => tenths(f, (us + 50_000) / 100_000, "s"),
            _ => write!(f, "{}s", us / 1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_are_read_in_groups() {
        let grouped = |n: u32| Grouped(n).to_string();
        assert_eq!([0, 999, 9_900, 1_234_567].map(grouped), ["0", "999", "9 900", "1 234 567"]);
    }

    #[test]
    fn a_round_trip_takes_at_most_five_columns() {
        let short = |us| Short(Duration::from_micros(us)).to_string();
        assert_eq!([84, 999, 1_000, 9_949, 9_950].map(short), ["84µs", "999µs", "1.0ms", "9.9ms", "10ms"]);
        assert_eq!([999_499, 999_500, 99_949_999].map(short), ["999ms", "1.0s", "99.9s"]);
        for us in (0..40).map(|power| 3_u64.saturating_pow(power)).filter(|us| *us < 9_999_000_000) {
            assert!(short(us).chars().count() <= 5, "{}", short(us));
        }
    }
}
