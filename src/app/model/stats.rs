//! Figures of a peer's last attempts: percentiles and the spread of the round trips.

use super::history::{History, Sample};

/// The round trips of a peer's last attempts, and how many failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// In microseconds, from the shortest.
    sorted: Vec<u32>,
    failed: usize,
}

impl Stats {
    /// Of the newest `n` attempts.
    pub fn of(history: &History, n: usize) -> Self {
        let mut stats = Self::default();
        for sample in history.last(n) {
            match sample {
                Sample::Answered(us) => stats.sorted.push(us),
                Sample::Failed(_) => stats.failed += 1,
            }
        }
        stats.sorted.sort_unstable();
        stats
    }

    /// Those of both together.
    #[must_use]
    pub fn with(&self, other: &Self) -> Self {
        let mut sorted = [&*self.sorted, &*other.sorted].concat();
        sorted.sort_unstable();
        Self { sorted, failed: self.failed + other.failed }
    }

    /// Attempts that got their reply.
    pub fn answered(&self) -> usize {
        self.sorted.len()
    }

    /// Attempts that failed.
    pub fn failed(&self) -> usize {
        self.failed
    }

    /// The percentile of the round trips by nearest rank, in microseconds: the shortest that at least `percent` of
    /// every hundred are not longer than. It is one that was measured, never a mean of two; 100 is the longest. None
    /// without any.
    pub fn percentile(&self, percent: usize) -> Option<u32> {
        let rank = (self.sorted.len() * percent.min(100)).div_ceil(100).max(1);
        self.sorted.get(rank - 1).copied()
    }

    /// How many round trips took how long, in this many columns; none without any.
    pub fn histogram(&self, columns: usize) -> Option<Histogram> {
        let (shortest, longest) = (*self.sorted.first()?, *self.sorted.last()?);
        let mut histogram =
            Histogram { low: round_below(shortest), high: round_above(longest), counts: vec![0; columns] };
        for us in &self.sorted {
            let column = histogram.column(*us);
            if let Some(count) = histogram.counts.get_mut(column) {
                *count += 1;
            }
        }
        Some(histogram)
    }
}

/// How much each round trip differs from the one before it, in microseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Jitter {
    /// From the oldest; none where one of the two attempts failed, and for the first.
    pub steps: Vec<Option<u32>>,
}

impl Jitter {
    /// Between the newest `n` attempts.
    pub fn of(history: &History, n: usize) -> Self {
        let mut before = None;
        let steps = history.last(n).map(Self::round_trip).map(|this| {
            let step = before.zip(this).map(|(before, this): (u32, u32)| before.abs_diff(this));
            before = this;
            step
        });
        Self { steps: steps.collect() }
    }

    /// Its figures.
    pub fn stats(&self) -> Stats {
        let mut sorted: Vec<u32> = self.steps.iter().flatten().copied().collect();
        sorted.sort_unstable();
        Stats { sorted, failed: 0 }
    }

    /// The mean of all; none before there is one.
    pub fn mean(&self) -> Option<u32> {
        let known = self.steps.iter().flatten();
        let count = u64::try_from(known.clone().count()).ok().filter(|count| *count > 0)?;
        u32::try_from(known.map(|us| u64::from(*us)).sum::<u64>() / count).ok()
    }

    /// How long an attempt took, if it was answered.
    pub fn round_trip(sample: Sample) -> Option<u32> {
        match sample {
            Sample::Answered(us) => Some(us),
            Sample::Failed(_) => None,
        }
    }
}

/// Round trips counted in columns that each reach to the same multiple of where they begin: what differs by a factor
/// stands apart by the same distance, a millisecond or a second long. The edges are round figures (1, 2 or 5 with
/// zeros), so that they stay when a new sample comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    /// Where the first column begins, in microseconds, at least 1; what is shorter counts there, too.
    pub low: u64,
    /// Where the last column ends, in microseconds.
    pub high: u64,
    /// How many fall into each column.
    pub counts: Vec<usize>,
}

impl Histogram {
    /// The column that a round trip in microseconds falls into.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a logarithm: of less than 2^53, between 0 and the count"
    )]
    pub fn column(&self, us: u32) -> usize {
        let above = |us: u64| (us.max(1) as f64 / self.low as f64).ln().max(0.0);
        let share = above(u64::from(us)) / above(self.high);
        ((share * self.counts.len() as f64) as usize).min(self.counts.len().saturating_sub(1))
    }
}

/// The greatest 1, 2 or 5 with zeros that is not above this; at least 1.
fn round_below(us: u32) -> u64 {
    let us = u64::from(us.max(1));
    let ten = 10_u64.pow(us.ilog10());
    ten * [5, 2].into_iter().find(|factor| ten * factor <= us).unwrap_or(1)
}

/// The least 1, 2 or 5 with zeros above this.
fn round_above(us: u32) -> u64 {
    let us = u64::from(us.max(1));
    let ten = 10_u64.pow(us.ilog10());
    ten * [2, 5].into_iter().find(|factor| ten * factor > us).unwrap_or(10)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::engine::cause::Cause;

    fn history(answered: &[u32], failed: usize) -> History {
        let mut history = History::default();
        (0..failed).for_each(|_| history.failed(Cause::Refused));
        for us in answered {
            history.answered(Duration::from_micros(u64::from(*us)));
        }
        history
    }

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let stats = Stats::of(&history(&[50, 20, 40, 15, 35], 3), 60);
        let percentiles = [0, 5, 30, 40, 50, 100, 999].map(|percent| stats.percentile(percent));
        assert_eq!(percentiles, [15, 15, 20, 20, 35, 50, 50].map(Some), "Wikipedia's example");
        assert_eq!((stats.answered(), stats.failed()), (5, 3));
        let newest = Stats::of(&history(&[50, 20, 40, 15, 35], 3), 2);
        assert_eq!((newest.percentile(50), newest.percentile(99), newest.failed()), (Some(15), Some(35), 0));
    }

    #[test]
    fn without_a_reply_there_are_no_figures() {
        let stats = Stats::of(&history(&[], 3), 60);
        assert_eq!((stats.percentile(50), stats.histogram(10), stats.failed()), (None, None, 3));
    }

    #[test]
    fn the_edges_of_a_histogram_are_round_and_its_columns_logarithmic() {
        let histogram = Stats::of(&history(&[120, 130, 900, 4_000, 9_999], 1), 60).histogram(4).unwrap();
        assert_eq!((histogram.low, histogram.high), (100, 10_000));
        assert_eq!(histogram.counts, [2, 1, 0, 2], "each reaches to 3.16 times where it begins");
        for (us, below, above) in [(0, 1, 2), (1, 1, 2), (49, 20, 50), (50, 50, 100), (100, 100, 200)] {
            assert_eq!((round_below(us), round_above(us)), (below, above));
        }
    }

    #[test]
    fn jitter_is_between_neighbours_that_were_both_answered() {
        let mut history = history(&[100, 140, 110], 1);
        history.failed(Cause::Refused);
        history.answered(Duration::from_micros(900));
        let jitter = Jitter::of(&history, 60);
        assert_eq!(jitter.steps, [None, None, Some(40), Some(30), None, None]);
        assert_eq!((jitter.mean(), Jitter::default().mean()), (Some(35), None));
    }

    proptest! {
        #[test]
        fn every_reply_is_in_a_column_and_half_of_them_are_within_the_median(
            answered in proptest::collection::vec(0..=u32::MAX, 1..60), columns in 1..80_usize,
        ) {
            let history = history(&answered, 0);
            let stats = Stats::of(&history, 60);
            let histogram = stats.histogram(columns).unwrap();
            prop_assert_eq!(histogram.counts.iter().sum::<usize>(), answered.len());
            let columns: Vec<_> = stats.sorted.iter().map(|us| histogram.column(*us)).collect();
            prop_assert!(columns.is_sorted());
            for percent in [50, 90, 99] {
                let at = stats.percentile(percent).unwrap();
                let within = |us: u32| stats.sorted.iter().filter(|other| **other <= us).count() * 100;
                prop_assert!(within(at) >= percent * answered.len());
                prop_assert!(at == 0 || within(at - 1) < percent * answered.len());
            }
        }
    }
}
