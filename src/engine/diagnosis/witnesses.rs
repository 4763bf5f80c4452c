//! What others see of one node. Few of them are asked, and what they say is summed up once for all who want to reach it.

use std::cmp::Reverse;
use std::time::Instant;

use smallvec::SmallVec;

use crate::engine::observation::Observation;

use super::grid::NodeIdx;
use super::network_view::NetworkView;
use super::pair_evidence::WitnessReports;

/// Nodes that are heard about one node: more would not change the verdict, and all of them would take the cube of their
/// number.
const MAX_WITNESSES: usize = 16;

/// Those that say anything of one node: the ones that had the latest signs of life from it.
#[derive(Debug)]
pub(super) struct Witnesses {
    nodes: SmallVec<[NodeIdx; MAX_WITNESSES]>,
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

/// The witnesses of each of these nodes.
pub(super) fn of_each(view: &NetworkView, block: &[NodeIdx]) -> Vec<Witnesses> {
    let mut seen: Vec<Vec<Seen>> = vec![Vec::with_capacity(view.size()); block.len()];
    for by in view.all() {
        for (seen, to) in seen.iter_mut().zip(block).filter(|(_, to)| **to != by) {
            seen.extend(view.observation(by, *to).map(|seen| (seen.alive, by)));
        }
    }
    seen.into_iter().zip(block).map(|(seen, to)| Witnesses::of(view, *to, seen)).collect()
}

/// When a node had the last sign of life of another one.
type Seen = (Option<Instant>, NodeIdx);

impl Witnesses {
    /// Those of one node, of all that say anything of it.
    fn of(view: &NetworkView, to: NodeIdx, mut all: Vec<Seen>) -> Self {
        if all.len() > MAX_WITNESSES {
            all.select_nth_unstable_by_key(MAX_WITNESSES, |seen| Reverse(*seen));
            all.truncate(MAX_WITNESSES);
        }
        let nodes = all.iter().map(|(_, by)| *by).collect();
        let mut witnesses =
            Self { nodes, dialed: Latest::default(), reached: Latest::default(), alive: Latest::default() };
        for (alive, by) in all {
            let Some(observation) = view.observation(by, to) else { continue };
            let dialed = dialed_until(view, by, observation);
            witnesses.dialed.note(dialed, by);
            witnesses.alive.note(alive.filter(|at| is_sign(view, observation, *at)), by);
            if observation.tcp.is_ok() {
                witnesses.reached.note(dialed, by);
            }
        }
        witnesses
    }

    /// What they say to one that wants to reach it, and sees it like this: of dials that ended at `since` or later. Whether that one reaches them in turn is looked up
    /// only if one of them reaches the node, and it does not: nothing else hangs on it. `steps` counts those that are looked up.
    pub(super) fn reports(
        &self,
        view: &NetworkView,
        (from, to): (NodeIdx, NodeIdx),
        mine: &Observation,
        since: Option<Instant>,
        steps: &mut usize,
    ) -> WitnessReports {
        let since_then = |at: Option<Instant>| since.is_none_or(|since| at.is_some_and(|at| at >= since));
        let reach = self.reached.except(from).is_some_and(since_then);
        let news = |there: Instant| match mine.alive {
            Some(here) => there.saturating_duration_since(here) > view.setting().margin,
            None => view.ago(there) < view.setting().margin,
        };
        let explains = reach && mine.tcp.is_failing();
        let reaches_here = |by: &NodeIdx| {
            let seen = view
                .observation(*by, to)
                .filter(|seen| *by != from && seen.tcp.is_ok() && seen.at == mine.at);
            seen.is_some_and(|seen| since_then(dialed_until(view, *by, seen)))
        };
        let reach_here = explains && self.nodes.iter().any(reaches_here);
        let is_reached = |by: &NodeIdx| {
            *steps += 1;
            let out = view.observation(from, *by).filter(|seen| *by != from && seen.tcp.is_ok());
            out.is_some_and(|out| since_then(dialed_until(view, from, out)))
        };
        WitnessReports {
            any: self.dialed.except(from).is_some(),
            looked: self.dialed.except(from).is_some_and(since_then),
            reach,
            reach_here,
            alive: self.alive.except(from).flatten().is_some_and(news),
            reached: explains && self.nodes.iter().any(is_reached),
        }
    }
}

/// Whether the last sign of life that one had of another says that it lives: one that hears nothing of it since, for as long as others
/// need to notice that, saw no more than they did before.
fn is_sign(view: &NetworkView, observation: &Observation, at: Instant) -> bool {
    !observation.hears().is_failing() || view.ago(at) <= view.setting().patience + view.setting().notice
}

/// Until when a node is known to have dialed another one.
fn dialed_until(view: &NetworkView, by: NodeIdx, observation: &Observation) -> Option<Instant> {
    observation.checked.max(view.row_age(by).dialed_until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::cause::Cause;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::observation::PathStatus;
    use crate::engine::verdict::Verdict;
    use crate::testkit::judged::{fine, view_of};
    use crate::testkit::{secs, t0};

    #[test]
    fn who_heard_of_it_later_but_nothing_since_does_not_tell_that_it_lives() {
        let now = t0();
        let ago = |seconds| now.checked_sub(secs(seconds));
        for (last, hears, told) in [(45, false, Some(Verdict::HostDown)), (10, false, None), (45, true, None)]
        {
            let silent = Observation {
                tcp: PathStatus::Failing,
                echo: PathStatus::Failing,
                broadcast: PathStatus::Failing,
                unicast: PathStatus::Failing,
                served: PathStatus::Unknown,
                cause: Some(Cause::TimedOut),
                checked: ago(2),
                ..fine(now)
            };
            let sees = |from: u16, to: u16| match (from, to) {
                (0, 2) => Observation { alive: ago(60), ..silent },
                (_, 2) if hears => Observation { alive: ago(last), ..fine(now) },
                (_, 2) => Observation { alive: ago(last), checked: ago(1), ..silent },
                _ => fine(now),
            };
            let verdicts = DiagnosisRun::new(view_of(4, sees, now)).conclude().verdicts;
            assert_eq!(verdicts[2], told, "{last} s ago, {hears}");
        }
    }

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
