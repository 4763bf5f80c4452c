//! Pairs that fit no other pattern.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::failures::{Failures, usual};
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
pub(super) fn pairs(view: &NetworkView, failures: &Failures) -> Vec<Incident> {
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
            found.extend(pairs.into_iter().map(|pair| single_pair(view, verdict, &pair)));
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
    let (began, passes) = match verdict {
        Verdict::OneWayUdp | Verdict::UdpBlocked | Verdict::HungPeer => {
            let began = view.trouble(NodeIdx::SELF, to);
            (began, began.is_none_or(|began| view.others_echo_since(to, began)))
        }
        Verdict::BroadcastBlocked => (last_broadcast, view.others_broadcast_since(to)),
        _ => return false,
    };
    let waited = began.is_none_or(|began| view.ago(began) > view.setting().patience + view.setting().margin);
    view.size() > 2 && !passes && !waited
}

fn scattered(view: &NetworkView, verdict: Verdict, pairs: Vec<FailingPair>) -> Incident {
    let mut involved = vec![false; view.size()];
    for pair in &pairs {
        (involved[pair.from.index()], involved[pair.to.index()]) = (true, true);
    }
    let nodes = view.all().rev().filter(|node| involved[node.index()]).collect();
    Incident { verdict, pattern: Pattern::Scattered, confidence: Confidence::Medium, nodes, pairs }
}

/// Of a pair with this node, the other one is accused; but whose system says that it is its own fault is believed.
fn single_pair(view: &NetworkView, verdict: Verdict, pairs: &[FailingPair]) -> Incident {
    let FailingPair { from, to, .. } =
        pairs.iter().find(|pair| pair.verdict == verdict).copied().unwrap_or(pairs[0]);
    let (sender, receiver) = (blames_itself(view, from, to), blames_itself(view, to, from));
    let confesses = verdict == Verdict::LocalProblem && sender != receiver;
    let from_first = if confesses { sender } else { to.is_self() };
    let nodes = if from_first { vec![from, to] } else { vec![to, from] };
    Incident { verdict, pattern: Pattern::Pair, confidence: Confidence::Medium, nodes, pairs: pairs.to_vec() }
}
