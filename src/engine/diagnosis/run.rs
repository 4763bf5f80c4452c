//! A diagnosis from its view to its findings.

use std::collections::HashSet;

use crate::engine::NodeId;

use super::explain;
use super::finding::Finding;
use super::grid::{Grid, NodeIdx};
use super::network_view::NetworkView;
use super::pair_evidence::PairEvidence;
use super::patterns::{self, Verdicts};
use super::rules;
use super::verdict::Verdict;
use super::witnesses::Witnesses;

/// What was found.
#[derive(Debug, Default)]
pub struct Diagnosis {
    /// One for each incident, the gravest first.
    pub findings: Vec<Finding>,
    /// What each node is to this one, by position: none where it is not known yet, or not settled.
    pub verdicts: Vec<Option<Verdict>>,
    /// Directions of pairs on which the evidence is not settled.
    pub open: HashSet<(NodeId, NodeId)>,
}

/// Finds what is wrong.
pub fn diagnose(view: &NetworkView<'_>) -> Diagnosis {
    let mut verdicts: Verdicts = Grid::new(view.nodes.len(), None);
    for to in view.all() {
        let witnesses = Witnesses::of(view, to);
        for from in view.all().filter(|from| *from != to) {
            verdicts[(from, to)] = pair_verdict(view, from, to, &witnesses);
        }
    }
    let mut findings: Vec<Finding> = patterns::incidents(view, &verdicts)
        .iter()
        .map(|incident| explain::finding(view, incident))
        .collect();
    findings.extend(view.foreign.iter().map(|node| explain::foreign_node(view, node)));
    let id = |nth: NodeIdx| view.node(nth).info.id;
    let pairs = view.all().flat_map(|from| view.all().map(move |to| (from, to)));
    let open = pairs.filter(|pair| verdicts[*pair].is_none() && view.observation(pair.0, pair.1).is_some());
    let open = open.filter_map(|(from, to)| Some((id(from)?, id(to)?))).collect();
    Diagnosis { findings, verdicts: verdicts.row(NodeIdx::SELF).to_vec(), open }
}

/// The verdict on one direction of a pair.
fn pair_verdict(
    view: &NetworkView<'_>,
    from: NodeIdx,
    to: NodeIdx,
    witnesses: &Witnesses,
) -> Option<Verdict> {
    let mine = view.observation(from, to);
    let untroubled = mine.is_none_or(|observation| observation.is_fine() && observation.tcp.is_ok());
    if untroubled && !view.masks_differ(from, to) {
        return mine.map(|_| Verdict::Ok);
    }
    rules::verdict(&pair_evidence(view, from, to, witnesses)?)
}

/// The evidence on one direction of a pair.
fn pair_evidence(
    view: &NetworkView<'_>,
    from: NodeIdx,
    to: NodeIdx,
    witnesses: &Witnesses,
) -> Option<PairEvidence> {
    let mine = *view.observation(from, to)?;
    let theirs = view.observation(to, from).copied();
    // Of other pairs it is not told when their trouble began: at the latest with the dial that failed.
    let ours = [view.node(from).trouble, view.node(to).trouble].into_iter().flatten().min();
    let since = ours.or(mine.checked.filter(|_| mine.tcp.is_failing()));
    let waited_for = |long| since.is_some_and(|at| view.now.saturating_duration_since(at) > long);
    // By then it has noticed, too, that it no longer hears the other one.
    let confirmed = view.node(to).confirmed;
    let believed = confirmed.is_some_and(|at| since.is_none_or(|since| at >= since + view.notice));
    let icmp = view.icmp(from, to);
    Some(PairEvidence {
        mine,
        theirs: theirs.filter(|_| believed),
        doubt: !believed && theirs.is_some_and(|theirs| theirs.hears_udp().is_ok()),
        settled: from.is_self() || view.is_settled(from) && (to.is_self() || view.is_settled(to)),
        witnesses: witnesses.reports(view, from, &mine, since),
        masks_differ: view.masks_differ(from, to),
        ours: from.is_self(),
        icmp_code: icmp.map(|icmp| icmp.code),
        icmp_from_itself: icmp.is_some_and(|icmp| view.is_from_itself(icmp, to)),
        since,
        waited: waited_for(view.patience),
        waited_long: waited_for(view.patience + view.notice),
    })
}
