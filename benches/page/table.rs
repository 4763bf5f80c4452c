//! The page: rounds in which two sides take turns, and a line for what was found.

use crate::scenarios::Cap;

/// What a figure is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    AtMost(f64),
    AtLeast(f64),
}

impl Goal {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {}", number(most)),
            Self::AtLeast(least) => format!("≥ {}", number(least)),
        }
    }
}

/// What two sides needed for the same, or reached with it. Not a number where a side had no end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) ours: f64,
    pub(crate) theirs: f64,
    /// The median of the ratios, round by round.
    pub(crate) ratio: f64,
}

/// Lets two sides take turns, so often or until the cap.
pub(crate) fn versus(
    rounds: usize,
    cap: Cap,
    mut ours: impl FnMut() -> f64,
    mut theirs: impl FnMut() -> f64,
) -> Found {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    while a.len() < rounds && !cap.is_over(a.len() as u64) {
        a.push(ours());
        b.push(theirs());
    }
    compare(&a, &b)
}

/// Compares the rounds of two sides, pair by pair.
pub(crate) fn compare(ours: &[f64], theirs: &[f64]) -> Found {
    let ratios: Vec<f64> = ours.iter().zip(theirs).map(|(a, b)| a / b).collect();
    Found { ours: median(ours), theirs: median(theirs), ratio: median(&ratios) }
}

/// One value of each round.
pub(crate) fn each<T>(rounds: &[T], pick: impl Fn(&T) -> f64) -> Vec<f64> {
    rounds.iter().map(pick).collect()
}

/// The value in the middle of those that are numbers; no number if there is none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A line of the page.
#[derive(Debug)]
pub(crate) struct Line {
    what: String,
    unit: &'static str,
    found: Found,
    goal: Goal,
    /// What the goal is about.
    value: f64,
}

impl Line {
    /// The goal is about the ratio of both sides.
    pub(crate) fn ratio(what: &str, unit: &'static str, found: Found, goal: Goal) -> Self {
        Self { what: what.into(), unit, found, goal, value: found.ratio }
    }

    /// The goal is about our side; the other one stands beside it.
    pub(crate) fn beside(what: &str, unit: &'static str, found: Found, goal: Goal) -> Self {
        Self { what: what.into(), unit, found, goal, value: found.ours }
    }

    /// There is no other side.
    pub(crate) fn alone(what: &str, unit: &'static str, value: f64, goal: Goal) -> Self {
        let found = Found { ours: value, theirs: f64::NAN, ratio: f64::NAN };
        Self { what: what.into(), unit, found, goal, value }
    }
}

const WHAT: usize = 92;

pub(crate) fn print_head() {
    println!(
        "{:<WHAT$} {:>12} {:>12} {:>6}  {:>7}",
        "medians of rounds, both sides in turns", "ours", "beside", "ratio", "goal"
    );
}

pub(crate) fn print(line: &Line) {
    let Line { what, unit, found, goal, value } = line;
    let side =
        |value: f64| if value.is_nan() { "–".to_owned() } else { format!("{} {unit}", number(value)) };
    let ours = if found.ours.is_nan() { "no end".to_owned() } else { side(found.ours) };
    let ratio = if found.ratio.is_nan() { "–".to_owned() } else { format!("{:.2}", found.ratio) };
    let met = if goal.is_met(*value) { "met" } else { "MISSED" };
    println!("{what:<WHAT$} {ours:>12} {:>12} {ratio:>6}  {:>7} {met}", side(found.theirs), goal.text());
}

/// With as many digits as matter, and thousands apart.
fn number(value: f64) -> String {
    if value < 100.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (nth, digit) in digits.chars().enumerate() {
        if nth > 0 && (digits.len() - nth) % 3 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
