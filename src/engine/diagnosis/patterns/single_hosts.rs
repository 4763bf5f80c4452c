//! Hosts with which most of what fails has to do.

use std::time::Instant;

use super::failures::{Failures, Verdicts, usual};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::limits::TOLD_TIME_ERROR;

/// Hosts that explain most of what fails, one after the other: each has trouble with at least two others, and with most of
/// those that are known.
///
/// What fails between two speaks against the one end only if all is well between the other end and some third node, in the same
/// direction. Else two hosts with a fault each would get a healthy third one accused, for it has trouble with both.
///
/// `dialed` tells when the last dial of one by another ended.
pub(super) fn single_hosts(
    failures: &mut Failures,
    verdicts: &Verdicts,
    dialed: impl Fn(NodeIdx, NodeIdx) -> Option<Instant>,
) -> Vec<Incident> {
    let all = verdicts.nodes();
    let well = Well::new(verdicts);
    let troubled = |a: NodeIdx| failures.all().filter(|b| *b != a && well.concerns(failures, a, *b)).count();
    let is_well = |a: NodeIdx, b: NodeIdx| verdicts[(a, b)].or(verdicts[(b, a)]) == Some(Verdict::Ok);
    let fails = |a: NodeIdx, b: NodeIdx| failures.verdict(a, b).or(failures.verdict(b, a)).is_some();
    // Of what fails with others, only what tells something about this one is counted.
    let is_known = |a, b| well.concerns(failures, a, b) || is_well(a, b) && !fails(a, b);
    let known = |a: NodeIdx| failures.all().filter(|b| *b != a && is_known(a, *b)).count();
    let known: Vec<usize> = all.clone().map(known).collect();
    let mut troubled: Vec<usize> = all.clone().map(troubled).collect();
    let mut found = Vec::new();
    loop {
        let explains = |x: NodeIdx| {
            let (with, of) = (troubled[x.index()], known[x.index()].max(1));
            is_most(with, of).then_some((with * 1_000 / of, with))
        };
        // Of several that explain as much, rather another than this one.
        let best = failures.all().filter_map(|x| Some((explains(x)?, x))).max();
        let Some((_, x)) = best else {
            explain_each_other(failures, &found);
            return found;
        };
        troubled[x.index()] = 0;
        let mut pairs = failures.of(x, |pair| well.speaks_against(*pair, x));
        if pairs.iter().all(|pair| pair.from == x) {
            // One fault at the end that dials fails everywhere alike.
            let usual = usual(pairs.iter().map(|pair| pair.verdict));
            pairs.retain(|pair| pair.verdict == usual);
            if !is_most(pairs.len(), known[x.index()]) {
                continue;
            }
        }
        if (Dials { verdicts, dialed: &dialed }).still_succeed(x, &pairs) {
            continue;
        }
        let others: Vec<NodeIdx> = failures.all().filter(|y| well.concerns(failures, *y, x)).collect();
        for pair in &pairs {
            failures.remove(pair.from, pair.to);
        }
        // What x sees of another that lies in that one is left.
        others.into_iter().filter(|y| !well.concerns(failures, *y, x)).for_each(|y| {
            troubled[y.index()] = troubled[y.index()].saturating_sub(1);
        });
        let reached_from_here = verdicts[(NodeIdx::SELF, x)].is_some_and(Verdict::passes);
        found.push(single_host(x, pairs, reached_from_here));
    }
}

/// What fails between two hosts that are both at fault needs no other explanation.
fn explain_each_other(failures: &mut Failures, found: &[Incident]) {
    let accused = || found.iter().map(|incident| incident.nodes[0]);
    failures.count(found.len() * found.len());
    for (from, to) in accused().flat_map(|from| accused().map(move |to| (from, to))) {
        failures.remove(from, to);
    }
}

/// Whether these hosts, each with a fault of its own, explain that two of them are cut off from each other.
pub(super) fn explain(found: &[Incident], incident: &Incident) -> bool {
    let at_fault = |node: &NodeIdx| found.iter().any(|host| host.nodes[0] == *node);
    (incident.verdict, incident.pattern) == (Verdict::Isolated, Pattern::Pair)
        && incident.nodes.iter().all(at_fault)
}

/// Whether trouble with so many others, of these that are known, lies in the one that has it.
fn is_most(with: usize, of: usize) -> bool {
    with >= 2 && with * 3 >= of * 2
}

/// How dials fare, and when.
struct Dials<'a> {
    verdicts: &'a Verdicts,
    dialed: &'a dyn Fn(NodeIdx, NodeIdx) -> Option<Instant>,
}

impl Dials<'_> {
    /// Whether only dials of one host fail in these pairs, or only dials to it, and one more of them got its reply after that began: then
    /// TCP leaves that host, or arrives there, and the fault lies at the other ends.
    fn still_succeed(&self, x: NodeIdx, pairs: &[FailingPair]) -> bool {
        let (row, column) = (pairs.iter().all(|pair| pair.from == x), pairs.iter().all(|pair| pair.to == x));
        let is_of_dials = pairs.iter().all(|pair| pair.verdict.is_of_dials());
        let Some(began) = pairs.iter().filter_map(|pair| (self.dialed)(pair.from, pair.to)).min() else {
            return false;
        };
        let passes = |pair| self.verdicts[pair].is_some_and(Verdict::passes);
        let later =
            |(from, to)| (self.dialed)(from, to) > Some(began + TOLD_TIME_ERROR) && passes((from, to));
        let mut others = self.verdicts.nodes().map(|y| if row { (x, y) } else { (y, x) });
        (row || column) && is_of_dials && others.any(later)
    }
}

/// Which nodes something works with, by direction: how well at the best.
struct Well {
    /// Some other, as this one sees it.
    from: Vec<Works>,
    /// This one, as some other sees it.
    to: Vec<Works>,
}

/// How well something works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Works {
    No,
    /// But packets are lost, as they may be everywhere.
    WithLoss,
    Yes,
}

impl Works {
    fn of(verdict: Option<Verdict>) -> Self {
        match verdict {
            Some(Verdict::Ok) => Self::Yes,
            Some(Verdict::PacketLoss) => Self::WithLoss,
            _ => Self::No,
        }
    }

    /// Whether it is better than what fails by this verdict.
    fn is_better_than(self, verdict: Verdict) -> bool {
        self > if verdict == Verdict::PacketLoss { Self::WithLoss } else { Self::No }
    }
}

impl Well {
    fn new(verdicts: &Verdicts) -> Self {
        let all = verdicts.nodes();
        let works = |from, to| Works::of(verdicts[(from, to)]);
        let best = |of: &dyn Fn(NodeIdx) -> Works| all.clone().map(of).max().unwrap_or(Works::No);
        Self {
            from: all.clone().map(|a| best(&|b| works(a, b))).collect(),
            to: all.clone().map(|b| best(&|a| works(a, b))).collect(),
        }
    }

    /// Whether what fails may lie in this end of it.
    fn speaks_against(&self, pair: FailingPair, node: NodeIdx) -> bool {
        if pair.to == node {
            self.from[pair.from.index()].is_better_than(pair.verdict)
        } else {
            // A verdict on the one that is dialed says nothing of the one that dials.
            self.to[pair.to.index()].is_better_than(pair.verdict) && !pair.verdict.is_of_the_target()
        }
    }

    /// Whether anything fails between two nodes that may lie in the first of them.
    fn concerns(&self, failures: &Failures, a: NodeIdx, b: NodeIdx) -> bool {
        let may_lie_in_a = |from, to| {
            let failing = failures.verdict(from, to).map(|verdict| FailingPair { from, to, verdict });
            failing.is_some_and(|pair| self.speaks_against(pair, a))
        };
        may_lie_in_a(b, a) || may_lie_in_a(a, b)
    }
}

/// All that fails with one host. What others alone say of one that this node reaches is never certain: somebody may say it in their names.
fn single_host(x: NodeIdx, pairs: Vec<FailingPair>, reached_from_here: bool) -> Incident {
    let inbound = pairs.iter().filter(|pair| pair.to == x).count();
    let pattern = match inbound {
        0 => Pattern::Row,
        all if all == pairs.len() => Pattern::Column,
        _ => Pattern::Host,
    };
    let telling = pairs.iter().filter(|pair| inbound == 0 || pair.to == x);
    let (usual, fail_by) = (usual(telling.map(|pair| pair.verdict)), |verdict| {
        pairs.iter().filter(|pair| pair.verdict == verdict).count()
    });
    // Where packets are lost with it, a dial may have no answer for that, too.
    let is_loss = usual == Verdict::FirewallDrop && fail_by(Verdict::PacketLoss) >= fail_by(usual);
    let is_told = reached_from_here && pairs.iter().all(|pair| !pair.from.is_self() && !pair.to.is_self());
    let certain = pairs.len() > 2 && (!is_told || x.is_self());
    Incident {
        verdict: if is_loss { Verdict::PacketLoss } else { usual },
        pattern,
        confidence: if certain { Confidence::Certain } else { Confidence::Likely },
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
    use crate::engine::cause::Cause;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::diagnosis::finding::Finding;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::testkit::judged::{fine, judged_behind, nodes_that_see, view_of};
    use crate::testkit::{secs, t0};

    #[test]
    fn where_packets_are_lost_with_a_host_a_dial_that_has_no_answer_is_no_firewall() {
        use Verdict::{FirewallDrop as Drop, PacketLoss as Loss};
        let of = |pairs: &[(u16, u16, Verdict)]| {
            let node = |n: u16| NodeIdx::new(n.into());
            let pair = |(from, to, verdict): &(u16, u16, Verdict)| FailingPair {
                from: node(*from),
                to: node(*to),
                verdict: *verdict,
            };
            single_host(node(1), pairs.iter().map(pair).collect(), false).verdict
        };
        assert_eq!(of(&[(0, 1, Drop), (1, 2, Loss), (1, 3, Loss)]), Loss);
        assert_eq!(of(&[(0, 1, Drop), (2, 1, Loss)]), Loss);
        assert_eq!(of(&[(0, 1, Drop), (2, 1, Drop), (1, 3, Loss)]), Drop);
        assert_eq!(of(&[(0, 1, Drop), (2, 1, Drop)]), Drop);
    }

    /// What an incident says, to be compared.
    type Told = (Verdict, Pattern, Vec<NodeIdx>, Vec<FailingPair>);

    fn told(incidents: Vec<Incident>) -> Vec<Told> {
        incidents.into_iter().map(|i| (i.verdict, i.pattern, i.nodes, i.pairs)).collect()
    }

    /// Hosts that explain most, found by looking at all that is left for each of them.
    fn single_hosts_by_definition(verdicts: &Verdicts) -> Vec<Told> {
        let all = all_failing(verdicts);
        let mut left = all.clone();
        let mut found = Vec::new();
        let mut dismissed = Vec::new();
        let is_well = |a: NodeIdx, b: NodeIdx| verdicts[(a, b)] == Some(Verdict::Ok);
        let is_of = |x: NodeIdx, p: &FailingPair| {
            let inbound = p.to == x && verdicts.nodes().any(|y| is_well(p.from, y));
            let outbound = p.from == x && verdicts.nodes().any(|y| is_well(y, p.to));
            inbound || outbound && !p.verdict.is_of_the_target()
        };
        let others = |x: NodeIdx| verdicts.nodes().filter(move |y| *y != x);
        loop {
            let known = |x: NodeIdx| {
                let concerns = |y: &NodeIdx| all.iter().any(|p| is_of(x, p) && [p.from, p.to].contains(y));
                let fails =
                    |y: &NodeIdx| all.iter().any(|p| [p.from, p.to] == [x, *y] || [p.to, p.from] == [x, *y]);
                let is_known = |y: &NodeIdx| concerns(y) || !fails(y) && (is_well(x, *y) || is_well(*y, x));
                others(x).filter(is_known).count().max(1)
            };
            let explains = |x: NodeIdx| {
                let with = |y: &NodeIdx| left.iter().any(|p| is_of(x, p) && [p.from, p.to].contains(y));
                let (with, of) = (others(x).filter(with).count(), known(x));
                let most = with >= 2 && with * 3 >= of * 2 && !dismissed.contains(&x);
                most.then_some((with * 1_000 / of, with, x))
            };
            let Some((_, _, x)) = verdicts.nodes().filter_map(explains).max() else { return found };
            let mut taken: Vec<FailingPair> = left.iter().copied().filter(|p| is_of(x, p)).collect();
            dismissed.push(x);
            if taken.iter().all(|p| p.from == x) {
                let usual = usual(taken.iter().map(|p| p.verdict));
                taken.retain(|p| p.verdict == usual);
                if taken.len() < 2 || taken.len() * 3 < known(x) * 2 {
                    continue;
                }
            }
            left.retain(|p| !taken.contains(p));
            let reached_from_here = verdicts[(NodeIdx::SELF, x)].is_some_and(Verdict::passes);
            found.extend(told(vec![single_host(x, taken, reached_from_here)]));
        }
    }

    #[test]
    fn what_others_alone_say_of_a_host_that_is_reached_from_here_is_not_certain() {
        let told = |first: u16, reached| {
            let pair = |from: u16| FailingPair {
                from: NodeIdx::new(from.into()),
                to: NodeIdx::new(9),
                verdict: Verdict::FirewallDrop,
            };
            single_host(NodeIdx::new(9), (first..first + 3).map(pair).collect(), reached).confidence
        };
        assert_eq!(told(1, true), Confidence::Likely);
        assert_eq!(told(1, false), Confidence::Certain, "nor does this node reach it");
        assert_eq!(told(0, true), Confidence::Certain, "one of those is this node");
    }

    #[test]
    fn what_fails_between_hosts_that_are_at_fault_is_nobody_elses() {
        let mut verdicts = Verdicts::new(6, Some(Verdict::Ok));
        for (from, to) in NodeIdx::all(6).flat_map(|from| NodeIdx::all(6).map(move |to| (from, to))) {
            let at_fault = |node: NodeIdx| node.index() >= 3;
            if at_fault(from) || at_fault(to) {
                verdicts[(from, to)] = Some(Verdict::UdpBlocked);
            }
        }
        let mut failures = Failures::new(&verdicts);
        let found = single_hosts(&mut failures, &verdicts, |_, _| None);
        let mut accused: Vec<usize> = found.iter().map(|incident| incident.nodes[0].index()).collect();
        accused.sort_unstable();
        assert_eq!(accused, [3, 4, 5]);
        let left = failures.all().flat_map(|node| failures.of(node, |pair| pair.from != pair.to));
        assert_eq!(left.collect::<Vec<_>>(), []);
    }

    #[test]
    fn whose_dials_begin_to_fail_is_not_at_fault_if_another_one_gets_its_reply_later() {
        let now = t0();
        let ago = |seconds| now.checked_sub(secs(seconds));
        for (outbound, reached_before, accused) in
            [(true, 20, true), (true, 2, false), (false, 20, true), (false, 2, false)]
        {
            let sees = |from: u16, to: u16| match if outbound { (from, to) } else { (to, from) } {
                (1, 2..) => {
                    let (tcp, cause) = (PathStatus::Failing, Some(Cause::TimedOut));
                    Observation { tcp, cause, checked: ago(5), ..fine(now) }
                }
                (1, 0) => Observation { checked: ago(reached_before), ..fine(now) },
                _ => Observation { checked: ago(20), ..fine(now) },
            };
            let findings = DiagnosisRun::new(view_of(6, sees, now)).conclude().findings;
            let pattern = if outbound { Pattern::Row } else { Pattern::Column };
            let is_it = |finding: &Finding| finding.pattern == pattern && finding.nodes[0].0 == 1;
            assert_eq!(findings.iter().any(is_it), accused, "{reached_before} s ago: {findings:?}");
        }
    }

    #[test]
    fn whose_dials_still_come_here_is_not_at_fault_though_most_of_its_dials_fail() {
        let now = t0();
        let ago = |seconds| now.checked_sub(secs(seconds));
        for (served, accused) in [(20, true), (2, false)] {
            let sees = |from: u16, to: u16| match (from, to) {
                (1, 2..) => {
                    let (tcp, cause) = (PathStatus::Failing, Some(Cause::TimedOut));
                    Observation { tcp, cause, checked: ago(5), ..fine(now) }
                }
                _ => Observation { checked: ago(20), ..fine(now) },
            };
            let mut nodes = nodes_that_see(6, sees, now);
            nodes[1].served = ago(served);
            let findings = DiagnosisRun::new(judged_behind(Vec::new(), nodes, now)).conclude().findings;
            let is_it = |finding: &Finding| finding.pattern == Pattern::Row && finding.nodes[0].0 == 1;
            assert_eq!(findings.iter().any(is_it), accused, "{served} s ago: {findings:?}");
        }
    }

    #[test]
    fn hosts_that_explain_most_are_those_of_the_definition() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..3_000 {
            let verdicts = random(&mut rng, &[Verdict::FirewallDrop, Verdict::OneWayUdp, Verdict::HungPeer]);
            let found = single_hosts(&mut Failures::new(&verdicts), &verdicts, |_, _| None);
            assert_eq!(told(found), single_hosts_by_definition(&verdicts), "{verdicts:?}");
        }
    }
}
