//! Counting: how many findings were right, how many faults were told, by kind and by what the network was like. Pure.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

/// A finding that names one cause counts so much; one of two causes counts half.
pub(crate) const WHOLE: u64 = 2;

/// What was counted of something. All but times and runs is in halves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Runs, or faults.
    pub(crate) cases: u64,
    /// Findings that were held when nodes were asked.
    pub(crate) held: u64,
    /// Of those, what was right.
    pub(crate) right: u64,
    /// Faults that had to be told when nodes were asked.
    pub(crate) due: u64,
    /// Of those, what was told rightly.
    pub(crate) told: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Self) {
        self.cases += more.cases;
        self.held += more.held;
        self.right += more.right;
        self.due += more.due;
        self.told += more.told;
    }
}

#[expect(clippy::cast_precision_loss, reason = "a count of what a run of minutes can count")]
fn share(of: u64, all: u64) -> f64 {
    if all == 0 { 1.0 } else { of as f64 / all as f64 }
}

impl Counts {
    /// The share of what was held that was right.
    pub(crate) fn precision(&self) -> f64 {
        share(self.right, self.held)
    }

    /// The share of what was due that was told.
    pub(crate) fn recall(&self) -> f64 {
        share(self.told, self.due)
    }

    /// The harmonic mean of both.
    pub(crate) fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
    }
}

/// By what is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Group {
    /// All.
    All,
    /// Findings and faults of this kind, by its place in the table.
    Kind(usize),
    /// Findings of runs in which nothing is wrong.
    Healthy,
    /// Runs with this background loss, in percent, and so many hosts.
    Network(u32, usize),
    /// Runs with so many faults.
    Faults(usize),
    /// Runs in which half of the hosts or more fail at once.
    OfMany,
}

/// The outcome of any number of runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// What was counted of each group.
    pub(crate) counts: BTreeMap<Group, Counts>,
    /// How long each fault stood until a node first told it rightly, by kind.
    pub(crate) told_after: BTreeMap<usize, Vec<Duration>>,
    /// How long after its end each node withdrew it, by kind.
    pub(crate) withdrawn_after: BTreeMap<usize, Vec<Duration>>,
    /// Findings of packet loss that were held where every link loses packets: neither right nor wrong.
    pub(crate) moot: u64,
    /// Findings that were wrong when they were published, by healthy nodes.
    pub(crate) accusations: u64,
    /// How long healthy nodes were watched, all together.
    pub(crate) watched: Duration,
    /// Findings about others that were wrong when they were published, by nodes at fault.
    pub(crate) accusations_at_fault: u64,
    /// How long nodes at fault were watched.
    pub(crate) watched_at_fault: Duration,
}

impl Tally {
    /// Adds what was counted elsewhere.
    pub(crate) fn merge(&mut self, other: Self) {
        for (group, counts) in other.counts {
            *self.counts.entry(group).or_default() += counts;
        }
        for (kind, times) in other.told_after {
            self.told_after.entry(kind).or_default().extend(times);
        }
        for (kind, times) in other.withdrawn_after {
            self.withdrawn_after.entry(kind).or_default().extend(times);
        }
        self.moot += other.moot;
        self.accusations += other.accusations;
        self.watched += other.watched;
        self.accusations_at_fault += other.accusations_at_fault;
        self.watched_at_fault += other.watched_at_fault;
    }

    /// Counts the same in several groups.
    pub(crate) fn count(&mut self, groups: impl IntoIterator<Item = Group>, counts: Counts) {
        for group in groups {
            *self.counts.entry(group).or_default() += counts;
        }
    }

    /// What was counted of a group.
    pub(crate) fn of(&self, group: Group) -> Counts {
        self.counts.get(&group).copied().unwrap_or_default()
    }
}

/// So many in a thousand hours.
pub(crate) fn per_1000_hours(count: u64, watched: Duration) -> f64 {
    let hours = watched.as_secs_f64() / 3_600.0;
    #[expect(clippy::cast_precision_loss, reason = "a count of what a run of minutes can count")]
    let count = count as f64;
    if hours > 0.0 { count / hours * 1_000.0 } else { 0.0 }
}

/// The time within which this share of them lies, in percent: none of none.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let nth = (sorted.len() * percent).div_ceil(100).max(1) - 1;
    sorted.get(nth).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precision_is_of_what_is_held_and_recall_of_what_is_due_and_half_a_point_is_half() {
        let mut tally = Tally::default();
        let right = Counts { held: WHOLE, right: WHOLE, ..Counts::default() };
        let of_two_causes = Counts { held: WHOLE, right: WHOLE / 2, ..Counts::default() };
        let wrong = Counts { held: WHOLE, ..Counts::default() };
        for counts in [right, right, of_two_causes, wrong] {
            tally.count([Group::All, Group::Kind(0)], counts);
        }
        tally.count([Group::All], Counts { due: WHOLE * 4, told: WHOLE + WHOLE / 2, ..Counts::default() });
        let all = tally.of(Group::All);
        assert!((all.precision() - 2.5 / 4.0).abs() < 1e-9);
        assert!((all.recall() - 1.5 / 4.0).abs() < 1e-9);
        assert!((all.f1() - 2.0 * 0.625 * 0.375).abs() < 1e-9);
        assert!((tally.of(Group::Kind(0)).recall() - 1.0).abs() < 1e-9, "nothing was due");
        let mut twice = tally.clone();
        twice.merge(tally);
        assert_eq!(twice.of(Group::All).held, WHOLE * 8);
    }

    #[test]
    fn a_percentile_is_the_time_within_which_that_share_lies() {
        let times: Vec<Duration> = (1..=20).rev().map(Duration::from_secs).collect();
        assert_eq!(percentile(&times, 50), Some(Duration::from_secs(10)));
        assert_eq!(percentile(&times, 95), Some(Duration::from_secs(19)));
        assert_eq!(percentile(&[], 50), None);
        assert!((per_1000_hours(3, Duration::from_hours(2)) - 1_500.0).abs() < 1e-9);
    }
}
