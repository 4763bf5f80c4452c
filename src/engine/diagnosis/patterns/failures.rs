//! The pairs that fail, from which each pattern takes its own.

use std::cell::Cell;

use crate::engine::diagnosis::grid::{Grid, NodeIdx};
use crate::engine::diagnosis::incident::FailingPair;
use crate::engine::diagnosis::verdict::Verdict;

/// What each node is to each: none where it is not known yet, or not settled.
pub(in crate::engine::diagnosis) type Verdicts = Grid<Option<Verdict>>;

/// The failing pairs that no incident explains yet.
pub(super) struct Failures {
    left: Grid<Option<Verdict>>,
    /// How many pairs were looked at.
    steps: Cell<usize>,
}

impl Failures {
    /// All that are not well.
    pub(super) fn new(verdicts: &Verdicts) -> Self {
        let mut left = verdicts.clone();
        for from in verdicts.nodes() {
            let row = left.row_mut(from).iter_mut();
            row.for_each(|verdict| *verdict = verdict.filter(|verdict| *verdict != Verdict::Ok));
        }
        let failures = Self { left, steps: Cell::new(0) };
        failures.count(verdicts.size() * verdicts.size());
        failures
    }

    /// How many nodes there are.
    pub(super) fn size(&self) -> usize {
        self.left.size()
    }

    /// How many pairs were looked at.
    pub(super) fn steps(&self) -> usize {
        self.steps.get()
    }

    /// So many pairs are looked at.
    pub(super) fn count(&self, pairs: usize) {
        self.steps.set(self.steps.get() + pairs);
    }

    /// All nodes, to look at what fails with each.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + Clone + use<> {
        self.count(self.left.size());
        self.left.nodes()
    }

    /// What is wrong with a pair that is left.
    pub(super) fn verdict(&self, from: NodeIdx, to: NodeIdx) -> Option<Verdict> {
        self.left[(from, to)]
    }

    /// Whether one is left that is isolated.
    pub(super) fn is_isolated(&self, from: NodeIdx, to: NodeIdx) -> bool {
        self.verdict(from, to) == Some(Verdict::Isolated)
    }

    /// Those of one node with others for which this holds, in the order of the matrix.
    pub(super) fn of(&self, node: NodeIdx, wanted: impl Fn(&FailingPair) -> bool) -> Vec<FailingPair> {
        self.count(self.left.size());
        let row = move |from: NodeIdx| {
            let to = if from == node { 0..self.left.size() } else { node.index()..node.index() + 1 };
            to.map(move |to| (from, NodeIdx::new(to)))
        };
        let pairs = self.all().flat_map(row);
        let failing =
            pairs.filter_map(|(from, to)| Some(FailingPair { from, to, verdict: self.verdict(from, to)? }));
        failing.filter(wanted).collect()
    }

    /// Takes out one.
    pub(super) fn remove(&mut self, from: NodeIdx, to: NodeIdx) {
        self.left[(from, to)] = None;
    }

    /// Takes out those of one node for which this holds.
    pub(super) fn take(&mut self, node: NodeIdx, wanted: impl Fn(&FailingPair) -> bool) -> Vec<FailingPair> {
        let taken = self.of(node, wanted);
        for pair in &taken {
            self.remove(pair.from, pair.to);
        }
        taken
    }
}

/// The verdict that most of these are; of several, the gravest.
pub(super) fn usual(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut count = [0_usize; Verdict::ALL.len()];
    verdicts.for_each(|verdict| count[verdict as usize] += 1);
    // The last of several that are the most is taken.
    let most = Verdict::ALL.into_iter().rev().max_by_key(|verdict| count[*verdict as usize]);
    most.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_verdicts_as_frequent_as_each_other_the_gravest_counts() {
        let usual = |verdicts: &[Verdict]| usual(verdicts.iter().copied());
        assert_eq!(usual(&[Verdict::HungPeer, Verdict::ClosedPort]), Verdict::ClosedPort);
        assert_eq!(usual(&[Verdict::HungPeer, Verdict::ClosedPort, Verdict::HungPeer]), Verdict::HungPeer);
    }
}
