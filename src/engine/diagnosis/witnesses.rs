//! What others see of one node. Few of them are asked, and what they say is summed up once for all who want to reach it.

use std::cmp::Reverse;
use std::time::Instant;

use crate::engine::observation::Observation;

use super::grid::NodeIdx;
use super::network_view::NetworkView;
use super::pair_evidence::WitnessReports;

/// Nodes that are heard about one node: more would not change the verdict, and all of them would take the cube of their
/// number.
pub(super) const MAX_WITNESSES: usize = 16;

/// Those that say anything of one node: the ones that had the latest signs of life from it.
#[derive(Debug)]
pub(super) struct Witnesses {
    nodes: Vec<NodeIdx>,
    /// Until when they are known to have dialed it.
    dialed: Latest,
    /// Until when those are known to have done so that reach it by TCP.
    reached: Latest,
    /// When they had signs of life from it.
    alive: Latest,
}

/// The latest of some times, and the latest of those that are another node's.
#[derive(Debug, Default)]
struct Latest {
    first: Option<(Option<Instant>, NodeIdx)>,
    #[expect(
        clippy::option_option,
        reason = "whether there is another node, and whether anything is known of it"
    )]
    second: Option<Option<Instant>>,
}

impl Latest {
    fn note(&mut self, at: Option<Instant>, of: NodeIdx) {
        match self.first {
            Some((first, _)) if first >= at => self.second = self.second.max(Some(at)),
            first => {
                self.second = first.map(|(at, _)| at);
                self.first = Some((at, of));
            }
        }
    }

    /// The latest that is not this node's; none if there is no other node, and within if nothing is known of the others.
    #[expect(
        clippy::option_option,
        reason = "whether there is another node, and whether anything is known of it"
    )]
    fn except(&self, node: NodeIdx) -> Option<Option<Instant>> {
        match self.first {
            Some((at, of)) if of != node => Some(at),
            _ => self.second,
        }
    }
}

impl Witnesses {
    /// Those of one node.
    pub(super) fn of(view: &NetworkView<'_>, to: NodeIdx) -> Self {
        let mut all: Vec<(Option<Instant>, NodeIdx)> = view
            .all()
            .filter(|by| *by != to)
            .filter_map(|by| Some((view.observation(by, to)?.alive, by)))
            .collect();
        if all.len() > MAX_WITNESSES {
            all.select_nth_unstable_by_key(MAX_WITNESSES, |seen| Reverse(*seen));
            all.truncate(MAX_WITNESSES);
        }
        let mut witnesses = Self {
            nodes: all.iter().map(|(_, by)| *by).collect(),
            dialed: Latest::default(),
            reached: Latest::default(),
            alive: Latest::default(),
        };
        for (alive, by) in all {
            let Some(observation) = view.observation(by, to) else { continue };
            let dialed = dialed_until(view, by, observation);
            witnesses.dialed.note(dialed, by);
            witnesses.alive.note(alive, by);
            if observation.tcp.is_ok() {
                witnesses.reached.note(dialed, by);
            }
        }
        witnesses
    }

    /// What they say to one that wants to reach it, and sees it like this. Whether that one reaches them in turn is looked up
    /// only if one of them reaches the node, and it does not: nothing else hangs on it.
    pub(super) fn reports(
        &self,
        view: &NetworkView<'_>,
        from: NodeIdx,
        mine: &Observation,
        since: Option<Instant>,
    ) -> WitnessReports {
        let since_then = |at: Option<Instant>| since.is_none_or(|since| at.is_some_and(|at| at >= since));
        let reach = self.reached.except(from).is_some_and(since_then);
        let news = |there: Instant| match mine.alive {
            Some(here) => there.saturating_duration_since(here) > view.margin,
            None => view.now.saturating_duration_since(there) < view.margin,
        };
        let is_reached = |by: &NodeIdx| {
            let out =
                view.observation(from, *by).filter(|observation| *by != from && observation.tcp.is_ok());
            out.is_some_and(|out| since_then(dialed_until(view, from, out)))
        };
        WitnessReports {
            any: self.dialed.except(from).is_some(),
            looked: self.dialed.except(from).is_some_and(since_then),
            reach,
            alive: self.alive.except(from).flatten().is_some_and(news),
            reached: reach && mine.tcp.is_failing() && self.nodes.iter().any(is_reached),
        }
    }
}

/// Until when a node is known to have dialed another one. Everybody dials everybody once in an interval: by then a row that
/// still stands tells of a dial since.
fn dialed_until(view: &NetworkView<'_>, by: NodeIdx, observation: &Observation) -> Option<Instant> {
    let stands = view.node(by).confirmed.and_then(|at| at.checked_sub(view.patience));
    observation.checked.max(stands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{secs, t0};

    #[test]
    fn the_latest_time_of_all_but_one_is_known_whoever_that_is() {
        let t0 = t0();
        let at = |seconds| t0 + secs(seconds);
        let [a, b, c] = [0, 1, 2].map(NodeIdx::new);
        for times in
            [[Some(1), Some(2), Some(3)], [Some(3), Some(2), Some(1)], [None, Some(2), Some(2)], [None; 3]]
        {
            let times = times.map(|seconds| seconds.map(at));
            let mut latest = Latest::default();
            for (time, node) in times.into_iter().zip([a, b, c]) {
                latest.note(time, node);
            }
            for node in [a, b, c] {
                let others = times.into_iter().zip([a, b, c]).filter(|(_, other)| *other != node);
                assert_eq!(
                    latest.except(node),
                    others.map(|(time, _)| time).max(),
                    "{times:?} without {node:?}"
                );
            }
        }
        let mut alone = Latest::default();
        alone.note(Some(t0), a);
        assert_eq!((alone.except(a), alone.except(b)), (None, Some(Some(t0))));
    }
}
