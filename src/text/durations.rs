//! Times as people read them.

use std::fmt;
use std::time::Duration;

/// A duration as people read a measured time: three digits, `84 µs`, `1.25 ms`, `3.06 s`.
#[derive(Debug, Clone, Copy)]
pub struct Measured(pub Duration);

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In whole numbers: to print a float to so many digits takes longer than all the rest of a table's row.
        let us = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX - 5_000);
        let hundredths =
            |f: &mut fmt::Formatter<'_>, n: u64, unit| write!(f, "{}.{:02} {unit}", n / 100, n % 100);
        match us {
            0..1_000 => write!(f, "{us} µs"),
            1_000..9_995 => hundredths(f, (us + 5) / 10, "ms"),
            9_995..99_950 => write!(f, "{}.{} ms", (us + 50) / 1_000, (us + 50) / 100 % 10),
            99_950..999_500 => write!(f, "{} ms", (us + 500) / 1_000),
            _ => hundredths(f, (us + 5_000) / 10_000, "s"),
        }
    }
}

/// A wait as people read a countdown: tenths of a second below ten, then whole seconds, minutes, hours.
#[derive(Debug, Clone, Copy)]
pub struct Wait(pub Duration);

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        match seconds {
            0..10 => write!(f, "{seconds}.{} s", self.0.subsec_millis() / 100),
            10..60 => write!(f, "{seconds} s"),
            60..3600 => write!(f, "{} min", seconds / 60),
            3600..172_800 => write!(f, "{} h", seconds / 3600),
            _ => write!(f, "{} days", seconds / 86_400),
        }
    }
}

/// An age or a wait in whole units: `now`, `12 s`, `3 min`, `2 h`.
#[derive(Debug, Clone, Copy)]
pub struct Age(pub Duration);

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "now"),
            seconds @ 1..60 => write!(f, "{seconds} s"),
            seconds @ 60..3600 => write!(f, "{} min", seconds / 60),
            seconds @ 3600..172_800 => write!(f, "{} h", seconds / 3600),
            seconds => write!(f, "{} days", seconds / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_times_have_three_digits_and_a_unit() {
        let words = |us| Measured(Duration::from_micros(us)).to_string();
        assert_eq!(words(84), "84 µs");
        assert_eq!(words(999), "999 µs");
        assert_eq!(words(1_000), "1.00 ms");
        assert_eq!(words(9_994), "9.99 ms");
        assert_eq!(words(9_995), "10.0 ms");
        assert_eq!(words(99_949), "99.9 ms");
        assert_eq!(words(99_950), "100 ms");
        assert_eq!(words(999_499), "999 ms");
        assert_eq!(words(999_500), "1.00 s");
        assert_eq!(words(1_254), "1.25 ms");
        assert_eq!(words(12_540), "12.5 ms");
        assert_eq!(words(125_400), "125 ms");
        assert_eq!(words(3_060_000), "3.06 s");
    }

    #[test]
    fn waits_are_as_exact_as_they_are_short() {
        let words = |ms| Wait(Duration::from_millis(ms)).to_string();
        assert_eq!(words(1_250), "1.2 s");
        assert_eq!(words(59_900), "59 s");
        assert_eq!(words(61_000), "1 min");
        assert_eq!(words(7_300_000), "2 h");
    }
}
