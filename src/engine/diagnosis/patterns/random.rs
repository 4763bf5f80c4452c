//! Matrices at random, for the tests of the patterns.

use rand::RngExt;
use rand::rngs::StdRng;

use super::failures::Verdicts;
use crate::engine::diagnosis::grid::Grid;
use crate::engine::diagnosis::incident::FailingPair;
use crate::engine::diagnosis::verdict::Verdict;

/// A matrix of a few nodes in which each pair is at random well, unknown, or fails by one of these verdicts.
pub(super) fn random(rng: &mut StdRng, verdicts: &[Verdict]) -> Verdicts {
    let mut grid = Grid::new(rng.random_range(2..=9), None);
    let often = rng.random_range(0.1..0.9);
    let nodes = grid.nodes();
    for (from, to) in nodes.clone().flat_map(|from| nodes.clone().map(move |to| (from, to))) {
        if from != to {
            grid[(from, to)] = match rng.random_range(0..10) {
                0 => None,
                _ if rng.random_bool(often) => Some(verdicts[rng.random_range(0..verdicts.len())]),
                _ => Some(Verdict::Ok),
            };
        }
    }
    grid
}

/// All pairs of it that fail.
pub(super) fn all_failing(verdicts: &Verdicts) -> Vec<FailingPair> {
    let pairs = verdicts.nodes().flat_map(|from| verdicts.nodes().map(move |to| (from, to)));
    let failing = |(from, to)| {
        let verdict = verdicts[(from, to)].filter(|verdict| *verdict != Verdict::Ok)?;
        Some(FailingPair { from, to, verdict })
    };
    pairs.filter_map(failing).collect()
}
