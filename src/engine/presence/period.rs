//! How often a node announces itself: as a person says, and among many nodes less often, so that all of them together keep to a budget.

use crate::engine::limits::NODES_AT_FULL_PACE;

/// By how much the period that a person set is longer among so many nodes: a power of two. It was `held` times as long until now, and
/// becomes shorter only where twice as many nodes would still keep to the budget: each change of it is proved to every peer.
pub(crate) fn stretched(held: u32, nodes: u32) -> u32 {
    let needed = |nodes: u32| nodes.div_ceil(NODES_AT_FULL_PACE).next_power_of_two();
    held.clamp(needed(nodes), needed(nodes.saturating_mul(2)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn among_many_nodes_the_period_doubles_and_is_halved_when_half_of_them_are_gone() {
        let mut times = 1;
        for (nodes, expected) in [
            (2, 1),
            (320, 1),
            (321, 2),
            (1_000, 4),
            (400, 4),
            (320, 2),
            (161, 2),
            (160, 1),
            (10_000, 32),
            (1, 1),
        ] {
            times = stretched(times, nodes);
            assert_eq!(times, expected, "{nodes} nodes");
        }
    }
}
