//! Hosts with which most of what fails has to do.

use super::failures::{Failures, Verdicts, usual};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::verdict::{Confidence, Pattern};

/// Hosts that explain most of what fails, one after the other: each has trouble with at least two others, and with most of
/// those that are known.
pub(super) fn single_hosts(failures: &mut Failures, verdicts: &Verdicts) -> Vec<Incident> {
    let all = verdicts.nodes();
    let is_known = |a: NodeIdx, b: NodeIdx| verdicts[(a, b)].or(verdicts[(b, a)]).is_some();
    let known = |a: NodeIdx| failures.all().filter(|b| *b != a && is_known(a, *b)).count();
    let known: Vec<usize> = all.clone().map(known).collect();
    let troubled = |a: NodeIdx| failures.all().filter(|b| *b != a && failures.concerns(a, *b)).count();
    let mut troubled: Vec<usize> = all.clone().map(troubled).collect();
    let mut found = Vec::new();
    loop {
        let explains = |x: NodeIdx| {
            let (with, of) = (troubled[x.index()], known[x.index()].max(1));
            (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with))
        };
        // Of several that explain as much, rather another than this one.
        let best = failures.all().filter_map(|x| Some((explains(x)?, x))).max();
        let Some((_, x)) = best else { return found };
        let others: Vec<NodeIdx> = failures.all().filter(|y| failures.concerns(*y, x)).collect();
        let pairs = failures.take(x, |pair| pair.to == x || !pair.verdict.is_of_the_target());
        // What x sees of another that lies in that one is left.
        others.into_iter().filter(|y| !failures.concerns(*y, x)).for_each(|y| troubled[y.index()] -= 1);
        troubled[x.index()] = 0;
        found.push(single_host(x, pairs));
    }
}

/// All that fails with one host.
fn single_host(x: NodeIdx, pairs: Vec<FailingPair>) -> Incident {
    let inbound = pairs.iter().filter(|pair| pair.to == x).count();
    let pattern = match inbound {
        0 => Pattern::Row,
        all if all == pairs.len() => Pattern::Column,
        _ => Pattern::Host,
    };
    let telling = pairs.iter().filter(|pair| inbound == 0 || pair.to == x);
    Incident {
        verdict: usual(telling.map(|pair| pair.verdict)),
        pattern,
        confidence: if pairs.len() > 2 { Confidence::Certain } else { Confidence::Likely },
        nodes: vec![x],
        pairs,
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::super::random::{all_failing, random};
    use super::*;
    use crate::engine::diagnosis::verdict::Verdict;

    /// What an incident says, to be compared.
    type Told = (Verdict, Pattern, Vec<NodeIdx>, Vec<FailingPair>);

    fn told(incidents: Vec<Incident>) -> Vec<Told> {
        incidents.into_iter().map(|i| (i.verdict, i.pattern, i.nodes, i.pairs)).collect()
    }

    /// Hosts that explain most, found by looking at all that is left for each of them.
    fn single_hosts_by_definition(verdicts: &Verdicts) -> Vec<Told> {
        let mut left = all_failing(verdicts);
        let mut found = Vec::new();
        let is_of = |x: NodeIdx, p: &FailingPair| p.to == x || p.from == x && !p.verdict.is_of_the_target();
        let others = |x: NodeIdx| verdicts.nodes().filter(move |y| *y != x);
        loop {
            let explains = |x: NodeIdx| {
                let with = |y: &NodeIdx| left.iter().any(|p| is_of(x, p) && [p.from, p.to].contains(y));
                let is_known = |y: &NodeIdx| verdicts[(x, *y)].is_some() || verdicts[(*y, x)].is_some();
                let (with, of) = (others(x).filter(with).count(), others(x).filter(is_known).count().max(1));
                (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with, x))
            };
            let Some((_, _, x)) = verdicts.nodes().filter_map(explains).max() else { return found };
            let (taken, kept) = left.into_iter().partition(|p| is_of(x, p));
            found.extend(told(vec![single_host(x, taken)]));
            left = kept;
        }
    }

    #[test]
    fn hosts_that_explain_most_are_those_of_the_definition() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..3_000 {
            let verdicts = random(&mut rng, &[Verdict::FirewallDrop, Verdict::OneWayUdp, Verdict::HungPeer]);
            let found = single_hosts(&mut Failures::new(&verdicts), &verdicts);
            assert_eq!(told(found), single_hosts_by_definition(&verdicts), "{verdicts:?}");
        }
    }
}
