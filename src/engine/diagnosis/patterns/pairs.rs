//! Pairs that fit no other pattern.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::failures::{Failures, Verdicts, usual};
use super::own_fault::blames_itself;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};

/// Pairs with one verdict that fit no other pattern, from which on they are told as one.
const SCATTERED: usize = 4;

/// The directions of one pair that fail.
type OnePair = SmallVec<[FailingPair; 2]>;

/// What remains: single pairs, or so many with one verdict that they are told as one.
pub(super) fn pairs(view: &NetworkView, failures: &Failures, verdicts: &Verdicts) -> Vec<Incident> {
    failures.count(view.size() * view.size());
    let mut by_verdict: BTreeMap<Verdict, Vec<OnePair>> = BTreeMap::new();
    for a in view.all() {
        for b in view.all().skip(a.index() + 1) {
            let both = [(a, b), (b, a)].into_iter();
            let failing = |(from, to)| Some(FailingPair { from, to, verdict: failures.verdict(from, to)? });
            let pair: OnePair = both.filter_map(failing).collect();
            if !pair.is_empty() && !may_be_own_end(view, &pair) {
                by_verdict.entry(usual(pair.iter().map(|pair| pair.verdict))).or_default().push(pair);
            }
        }
    }
    let mut found = Vec::new();
    for (verdict, pairs) in by_verdict {
        if pairs.len() >= SCATTERED {
            found.push(scattered(view, verdict, pairs.into_iter().flatten().collect()));
        } else {
            let involved =
                |node| pairs.iter().filter(|pair| pair[0].from == node || pair[0].to == node).count();
            let ends = PairEnds { view, verdicts, involved: &involved };
            found.extend(pairs.iter().filter_map(|pair| single_pair(&ends, verdict, pair)));
        }
    }
    found
}

/// Whether it may fail at this node's own end and with everybody, which shows with one peer first: no other peer was heard since. A
/// connection that stood when this node's cable was pulled gets no reply, either.
/// That is waited for, but not longer than everybody needs to look at everybody.
fn may_be_own_end(view: &NetworkView, pair: &[FailingPair]) -> bool {
    let Some(FailingPair { to, verdict, .. }) = pair.iter().copied().find(|pair| pair.from.is_self()) else {
        return false;
    };
    let last_broadcast = view.node(to).broadcast;
    let trouble = view.trouble(NodeIdx::SELF, to);
    let (began, passes) = match verdict {
        Verdict::OneWayUdp | Verdict::UdpBlocked | Verdict::HungPeer => {
            (trouble, trouble.is_none_or(|began| view.others_echo_since(to, began)))
        }
        Verdict::BroadcastBlocked => (last_broadcast, view.others_broadcast_since(to)),
        Verdict::PacketLoss | Verdict::Mtu => match view.loss_of_others(to) {
            Some(others) => return !others.lose_less_than(loss(view, to)),
            None if view.has_others_to_compare(to) => return true,
            None => (trouble, false),
        },
        Verdict::FirewallDrop | Verdict::FirewallReject | Verdict::OneWayTcp => {
            let checked = view.observation(NodeIdx::SELF, to).and_then(|seen| seen.checked);
            if checked.is_some_and(|checked| view.others_recovered_since(to, checked)) {
                return view.size() > 2;
            }
            (trouble, trouble.is_none_or(|began| view.others_reached_since(to, began)))
        }
        _ => return false,
    };
    let waited = began.is_none_or(|began| view.ago(began) > view.setting().patience + view.setting().margin);
    view.size() > 2 && !passes && !waited
}

/// Lost echoes to a peer, in percent. Where only large packets are lost, all of them are.
fn loss(view: &NetworkView, to: NodeIdx) -> u8 {
    let seen = view.observation(NodeIdx::SELF, to);
    seen.map_or(0, |seen| if seen.large.is_failing() { 100 } else { seen.loss.unwrap_or(0) })
}

fn scattered(view: &NetworkView, verdict: Verdict, pairs: Vec<FailingPair>) -> Incident {
    let mut involved = vec![false; view.size()];
    for pair in &pairs {
        (involved[pair.from.index()], involved[pair.to.index()]) = (true, true);
    }
    let nodes = view.all().rev().filter(|node| involved[node.index()]).collect();
    Incident { verdict, pattern: Pattern::Scattered, confidence: Confidence::Likely, nodes, pairs }
}

/// By what the two ends of a pair are told apart.
struct PairEnds<'a> {
    view: &'a NetworkView,
    verdicts: &'a Verdicts,
    /// In how many pairs of one verdict a node is.
    involved: &'a dyn Fn(NodeIdx) -> usize,
}

impl PairEnds<'_> {
    /// Whether the sender is at fault rather than the receiver; none where nothing speaks for that or against it.
    fn is_senders_fault(&self, from: NodeIdx, to: NodeIdx, verdict: Verdict) -> Option<bool> {
        let (sender, receiver) = match verdict {
            Verdict::LocalProblem => (blames_itself(self.view, from, to), blames_itself(self.view, to, from)),
            Verdict::OneWayUdp
            | Verdict::UdpBlocked
            | Verdict::BroadcastBlocked
            | Verdict::PacketLoss
            | Verdict::Mtu => (self.works_with_others(to, from), self.works_with_others(from, to)),
            _ => return None,
        };
        if sender != receiver {
            return Some(sender);
        }
        let is_ours = from.is_self() || to.is_self();
        let (of_sender, of_receiver) = ((self.involved)(from), (self.involved)(to));
        (of_sender != of_receiver && !is_ours).then_some(of_sender > of_receiver)
    }

    /// Whether all is well between a node and some other than the one with which it has trouble, by the same way.
    fn works_with_others(&self, node: NodeIdx, with: NodeIdx) -> bool {
        let seen = |from, to| self.view.observation(from, to);
        let trouble = seen(node, with).or_else(|| seen(with, node));
        let is_well = |from: NodeIdx, to: NodeIdx| {
            let both = trouble.zip(seen(from, to));
            let that_way = both.is_some_and(|(one, other)| self.view.is_one_way(one, other));
            self.verdicts[(from, to)].is_some_and(Verdict::passes) && that_way
        };
        let mut others = self.view.all().filter(|other| *other != node && *other != with);
        others.any(|other| is_well(node, other) || is_well(other, node))
    }
}

/// Of a pair with this node, the other one is accused; but whose system says that it is its own fault is believed, and so are
/// others at whose end the same works. A firewall mostly stands where the connections go. Of a loss between others nothing is said
/// while nothing tells the ends apart.
fn single_pair(ends: &PairEnds<'_>, verdict: Verdict, pairs: &[FailingPair]) -> Option<Incident> {
    let FailingPair { from, to, .. } =
        pairs.iter().find(|pair| pair.verdict == verdict).copied().unwrap_or(pairs[0]);
    let is_ours = from.is_self() || to.is_self();
    // What others tell of one direction of one pair is no firewall of either, if both ends work with others.
    let told = !from.is_self() && verdict == Verdict::FirewallDrop;
    let one_way = told && ends.works_with_others(from, to) && ends.works_with_others(to, from);
    let verdict = if one_way { Verdict::OneWayTcp } else { verdict };
    let firewall = matches!(verdict, Verdict::FirewallDrop | Verdict::FirewallReject);
    let from_first = match ends.is_senders_fault(from, to, verdict) {
        Some(sender) => sender,
        None if matches!(verdict, Verdict::PacketLoss | Verdict::Mtu) && !is_ours => return None,
        None => to.is_self() && !firewall,
    };
    let nodes = if from_first { vec![from, to] } else { vec![to, from] };
    Some(Incident {
        verdict,
        pattern: Pattern::Pair,
        confidence: Confidence::Likely,
        nodes,
        pairs: pairs.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::observation::Observation;
    use crate::testkit::judged::{fine, view_of};
    use crate::testkit::t0;

    const IPV4: &str = "10.0.0.9";
    const IPV6: &str = "fe80::9";

    /// Whom this node accuses, and of what, where one pair of four nodes loses packets of IPv4, and these others speak IPv6.
    fn accused(lossy: (u16, u16), by_ipv6: &[(u16, u16)]) -> Option<(u128, Verdict)> {
        let now = t0();
        let is = |pair: (u16, u16), from, to| pair == (from, to) || pair == (to, from);
        let sees = |from, to| {
            let six = by_ipv6.iter().any(|pair| is(*pair, from, to));
            let at: IpAddr = if six { IPV6 } else { IPV4 }.parse().unwrap();
            let loss = Some(if is(lossy, from, to) { 30 } else { 0 });
            Observation { at: Some(at), loss, ..fine(now) }
        };
        let found = DiagnosisRun::new(view_of(4, sees, now)).conclude().findings;
        assert!(found.len() <= 1, "{found:?}");
        found.first().map(|finding| (finding.nodes[0].0, finding.verdict))
    }

    #[test]
    fn of_a_pair_the_end_is_accused_that_does_not_work_with_others_by_the_same_way() {
        let lossy = |node| Some((node, Verdict::PacketLoss));
        assert_eq!(accused((0, 1), &[]), lossy(1), "both work with others: it may be either");
        assert_eq!(accused((0, 1), &[(1, 2), (1, 3)]), lossy(1));
        assert_eq!(accused((0, 1), &[(0, 2), (0, 3)]), lossy(0), "this one works with nobody");
        assert_eq!(accused((1, 2), &[(0, 2), (2, 3)]), lossy(2));
        assert_eq!(accused((1, 2), &[(0, 1), (1, 3)]), lossy(1));
    }
}
