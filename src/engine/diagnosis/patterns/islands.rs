//! Groups of hosts with something between them that failed.

use std::time::Instant;

use super::failures::{Failures, Verdicts};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};

/// Several hosts that vanished at the same time, while others stayed, are behind something that failed.
pub(super) fn vanished_together(
    view: &NetworkView,
    failures: &mut Failures,
    verdicts: &Verdicts,
) -> Option<Incident> {
    // Where packets are lost, a path may have no verdict, and answers all the same.
    let answers =
        |to| view.observation(NodeIdx::SELF, to).is_some_and(|seen| seen.tcp.is_ok() && seen.echo.is_ok());
    let stayed = |to| verdicts[(NodeIdx::SELF, to)].map_or_else(|| answers(to), Verdict::passes);
    let somebody_stayed = view.others().any(stayed);
    wait_for_all(view, failures, verdicts);
    let down = |to: &NodeIdx| failures.verdict(NodeIdx::SELF, *to) == Some(Verdict::HostDown);
    let runs = lost_together(view, view.others().filter(down));
    let longest = runs.into_iter().rev().max_by_key(Vec::len)?;
    if !somebody_stayed || longest.len() < 2 {
        return None;
    }
    let mut nodes = longest;
    let mut pairs: Vec<FailingPair> = nodes.iter().flat_map(|node| failures.take(*node, |_| true)).collect();
    pairs.sort_unstable();
    nodes.sort_by_key(|nth| &view.node(*nth).info.name);
    Some(Incident {
        verdict: Verdict::Isolated,
        pattern: Pattern::Islands,
        confidence: Confidence::Likely,
        nodes,
        pairs,
    })
}

/// Says nothing of hosts that are gone while others are silent since the same time, of which it is not known yet: they may have vanished
/// together. That is waited for, but not longer than everybody needs to look at everybody.
fn wait_for_all(view: &NetworkView, failures: &mut Failures, verdicts: &Verdicts) {
    let seen = |to: NodeIdx| view.observation(NodeIdx::SELF, to);
    let is_open = |to: NodeIdx| {
        verdicts[(NodeIdx::SELF, to)].is_none() && seen(to).is_some_and(|seen| seen.hears().is_failing())
    };
    let long = view.setting().patience + view.setting().notice;
    let waits = |to: NodeIdx| seen(to).and_then(|seen| seen.alive).is_some_and(|at| view.ago(at) < long);
    let is_down = |failures: &Failures, to| failures.verdict(NodeIdx::SELF, to) == Some(Verdict::HostDown);
    let silent = view.others().filter(|to| is_down(failures, *to) || is_open(*to));
    for run in lost_together(view, silent) {
        if run.iter().any(|to| is_open(*to) && waits(*to)) {
            for to in run.into_iter().filter(|to| !is_open(*to)) {
                let _ = failures.take(to, |pair| pair.to == to && pair.verdict == Verdict::HostDown);
            }
        }
    }
}

/// Those of which this node once saw a sign of life, in runs in which each one's last sign follows the one before within the time in
/// which everybody is heard: what each run has lost, it lost at once.
pub(super) fn lost_together(view: &NetworkView, gone: impl Iterator<Item = NodeIdx>) -> Vec<Vec<NodeIdx>> {
    let alive = |to: NodeIdx| view.observation(NodeIdx::SELF, to).and_then(|seen| seen.alive);
    let mut gone: Vec<(Instant, NodeIdx)> = gone.filter_map(|to| Some((alive(to)?, to))).collect();
    gone.sort_by_key(|(at, _)| *at);
    let margin = view.setting().margin;
    let runs = gone.chunk_by(|(a, _), (b, _)| b.saturating_duration_since(*a) <= margin);
    runs.map(|run| run.iter().map(|(_, to)| *to).collect()).collect()
}

/// Pairs that are isolated from each other, in one piece: two groups with a wall between them, or one host behind one.
pub(super) fn islands(failures: &mut Failures) -> Vec<Incident> {
    let mut found = Vec::new();
    for a in failures.all() {
        // Those of an earlier node went with its piece: the next piece begins in this row or in a later one.
        while let Some(b) = failures.all().find(|b| failures.is_isolated(a, *b)) {
            found.push(island(failures, a, b));
        }
    }
    found
}

/// The piece that begins with one isolated pair.
fn island(failures: &mut Failures, a: NodeIdx, b: NodeIdx) -> Incident {
    let sides = sides(failures, a);
    let members: Vec<NodeIdx> = failures.all().filter(|node| sides[node.index()].is_some()).collect();
    failures.count(members.len() * members.len());
    let mut pairs = Vec::new();
    for (from, to) in members.iter().flat_map(|from| members.iter().map(move |to| (*from, *to))) {
        if failures.is_isolated(from, to) {
            failures.remove(from, to);
            pairs.push(FailingPair { from, to, verdict: Verdict::Isolated });
        }
    }
    let (one, other): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|node| sides[node.index()] == Some(true));
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let (pattern, nodes) = match (few.len(), many.len()) {
        (1, 1) => (Pattern::Pair, vec![a.max(b), a.min(b)]),
        (1, _) => (Pattern::Host, few),
        _ => (Pattern::Islands, few),
    };
    Incident { verdict: Verdict::Isolated, pattern, confidence: Confidence::Certain, nodes, pairs }
}

/// On which of two sides each node stands that hangs on the first one by isolated pairs: the ends of each pair are on different
/// sides. Of nodes in a circle of an odd number, the pair that comes first in the matrix decides.
fn sides(failures: &Failures, first: NodeIdx) -> Vec<Option<bool>> {
    let mut sides = vec![None; failures.size()];
    // The first pair by which each node hangs on those whose side is known, and the side that this gives it.
    let mut links: Vec<Option<((NodeIdx, NodeIdx), bool)>> = vec![None; failures.size()];
    let mut next = Some((first, false));
    while let Some((node, side)) = next {
        sides[node.index()] = Some(side);
        next = None;
        let mut nearest = None;
        for other in failures.all().filter(|other| sides[other.index()].is_none()) {
            let pairs = [(node, other), (other, node)].into_iter();
            let pair = pairs.filter(|(from, to)| failures.is_isolated(*from, *to)).min();
            let link = &mut links[other.index()];
            if let Some(pair) = pair.filter(|pair| link.is_none_or(|(known, _)| *pair < known)) {
                *link = Some((pair, !side));
            }
            if let Some((pair, side)) = *link
                && nearest.is_none_or(|nearest| pair < nearest)
            {
                (nearest, next) = (Some(pair), Some((other, side)));
            }
        }
    }
    sides
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::random::{all_failing, random};
    use super::*;
    use crate::engine::cause::Cause;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::observation::Observation;
    use crate::testkit::judged::{failing, fine, view_of};
    use crate::testkit::t0;

    /// The sides of a piece, found by looking for the first pair that leads out of it again and again.
    fn sides_by_definition(verdicts: &Verdicts) -> Vec<Vec<Option<bool>>> {
        let mut left: Vec<_> = all_failing(verdicts);
        left.retain(|pair| pair.verdict == Verdict::Isolated);
        let mut found = Vec::new();
        while let Some(first) = left.first() {
            let mut sides = vec![None; verdicts.size()];
            sides[first.from.index()] = Some(false);
            while let Some((node, side)) =
                left.iter().find_map(|p| match (sides[p.from.index()], sides[p.to.index()]) {
                    (Some(side), None) => Some((p.to, !side)),
                    (None, Some(side)) => Some((p.from, !side)),
                    _ => None,
                })
            {
                sides[node.index()] = Some(side);
            }
            left.retain(|pair| sides[pair.from.index()].is_none());
            found.push(sides);
        }
        found
    }

    #[test]
    fn hosts_that_vanish_together_are_told_together_where_it_is_open_how_much_the_others_lose() {
        let now = t0();
        let sees = |from: u16, to: u16| match (from, to) {
            (_, 1 | 2) | (1 | 2, _) => failing(Cause::TimedOut, now),
            (0, _) => Observation { loss: Some(18), ..fine(now) },
            _ => Observation { loss: Some(3), ..fine(now) },
        };
        let findings = DiagnosisRun::new(view_of(5, sees, now)).conclude().findings;
        let told: Vec<_> =
            findings.iter().map(|found| (found.verdict, found.pattern, found.nodes.len())).collect();
        assert!(told.contains(&(Verdict::Isolated, Pattern::Islands, 2)), "{told:?}");
        assert!(told.iter().all(|(verdict, ..)| *verdict != Verdict::HostDown), "{told:?}");
    }

    #[test]
    fn islands_have_the_sides_of_the_definition() {
        let mut rng = StdRng::seed_from_u64(8);
        for _ in 0..3_000 {
            let verdicts = random(&mut rng, &[Verdict::Isolated, Verdict::Ok, Verdict::HostDown]);
            let found = islands(&mut Failures::new(&verdicts));
            let expected = sides_by_definition(&verdicts);
            assert_eq!(found.len(), expected.len(), "{verdicts:?}");
            for (incident, sides) in found.into_iter().zip(expected) {
                let on =
                    |side| verdicts.nodes().filter(|x| sides[x.index()] == Some(side)).collect::<Vec<_>>();
                let (one, other) = (on(true), on(false));
                let few = if one.len() <= other.len() { &one } else { &other };
                if incident.pattern != Pattern::Pair {
                    assert_eq!(&incident.nodes, few, "{verdicts:?}");
                }
                let pairs = all_failing(&verdicts).into_iter();
                let mut pairs =
                    pairs.filter(|p| p.verdict == Verdict::Isolated && sides[p.from.index()].is_some());
                assert!(pairs.all(|pair| incident.pairs.contains(&pair)), "{verdicts:?}");
            }
        }
    }
}
