//! Hosts whose network has another mask than that of the most on their link.
//!
//! What each says of its own mask is compared at once for all, not pair by pair: of two that differ, nobody can tell which is wrong.

use std::collections::BTreeMap;

use super::failures::Failures;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};

/// Hosts that agree with each other, from which on the one that differs from them is wrong for certain.
const AGREED: usize = 3;

/// Each host that differs from the most on its link, with the pairs for which that matters; where no mask is that of the most, all of
/// them together. Nothing is said of a link before everybody had time to present itself there.
pub(super) fn wrong_masks(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    let mut found = Vec::new();
    for (link, by_mask) in masks_by_link(view) {
        failures.count(view.size());
        let mut groups: Vec<Vec<NodeIdx>> = by_mask.into_values().collect();
        if groups.len() < 2 {
            continue;
        }
        // The largest last.
        groups.sort_by_key(Vec::len);
        let is_of_two = |pair: &FailingPair| pair.verdict == Verdict::WrongSubnet;
        let before = found.len();
        let (most, next) = (groups[groups.len() - 1].len(), groups[groups.len() - 2].len());
        if most > next {
            groups.pop();
            let confidence = if most >= AGREED { Confidence::Certain } else { Confidence::Likely };
            for node in groups.into_iter().flatten() {
                let pairs = failures.take(node, is_of_two);
                found.push(incident(Pattern::Host, confidence, vec![node], pairs));
            }
        } else {
            let mut nodes: Vec<NodeIdx> = groups.into_iter().flatten().collect();
            let pairs: Vec<FailingPair> =
                nodes.iter().flat_map(|node| failures.take(*node, is_of_two)).collect();
            // Rather another than this one.
            nodes.sort_by(|a, b| b.cmp(a));
            let pattern = if nodes.len() == 2 { Pattern::Pair } else { Pattern::Scattered };
            found.push(incident(pattern, Confidence::Likely, nodes, pairs));
        }
        found.truncate(if is_known_for_long(view, link) { found.len() } else { before });
    }
    found.retain(|incident| !incident.pairs.is_empty());
    found
}

fn incident(
    pattern: Pattern,
    confidence: Confidence,
    nodes: Vec<NodeIdx>,
    pairs: Vec<FailingPair>,
) -> Incident {
    Incident { verdict: Verdict::WrongSubnet, pattern, confidence, nodes, pairs }
}

/// Who says to have which mask, on each link of this machine.
fn masks_by_link(view: &NetworkView) -> BTreeMap<&str, BTreeMap<u8, Vec<NodeIdx>>> {
    let mut by_link: BTreeMap<&str, BTreeMap<u8, Vec<NodeIdx>>> = BTreeMap::new();
    for node in view.others() {
        let Some(mask) = &view.node(node).mask else { continue };
        let ours = || BTreeMap::from([(mask.ours, vec![NodeIdx::SELF])]);
        by_link.entry(&mask.link).or_insert_with(ours).entry(mask.theirs).or_default().push(node);
    }
    by_link
}

/// Whether somebody has been known on a link for so long that everybody else on it has presented itself.
fn is_known_for_long(view: &NetworkView, link: &str) -> bool {
    let on_it = |node: &NodeIdx| view.node(*node).mask.as_ref().is_some_and(|mask| &*mask.link == link);
    let first = view.others().filter(on_it).map(|node| view.node(node).since).min();
    first.is_some_and(|first| view.ago(first) >= view.setting().margin)
}
