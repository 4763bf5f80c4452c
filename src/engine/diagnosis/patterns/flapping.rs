//! Hosts that come and go: one finding, and not one for each time.

use super::failures::Failures;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::Incident;
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::limits::FLAPS_WITHIN;
use crate::engine::observation::Observation;
use crate::engine::peers::Tardiness;

/// Those that this node lost several times within a minute. If it lost all the others so, it is this machine that comes and goes; with only
/// one other that is not known, and neither is accused alone. Nothing is said while each of the others went lately, too.
pub(super) fn flapping(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    // One that answers late goes and comes for that.
    let is_slow = |node: NodeIdx| matches!(view.node(node).tardiness, Tardiness::Slow(_));
    // Of whom packets are lost by chance is lost by chance, too, now and then.
    let is_lossy = |node: &NodeIdx| view.observation(NodeIdx::SELF, *node).is_some_and(Observation::is_lossy);
    let comes_and_goes =
        |node: &NodeIdx| view.node(*node).flaps.is_some() && !is_slow(*node) && !is_lossy(node);
    let flaps: Vec<NodeIdx> = view.others().filter(comes_and_goes).collect();
    let others: Vec<NodeIdx> =
        view.others().filter(|node| view.is_reached(*node) && !flaps.contains(node)).collect();
    // Of several that go together, one is the first that went so often. Who stayed shows that this machine did not go.
    let stayed = |node: &NodeIdx| view.node(*node).went.is_none_or(|went| view.ago(went) > FLAPS_WITHIN);
    let somebody_stayed = others.iter().any(stayed);
    let groups = match flaps[..] {
        [] => Vec::new(),
        _ if !others.is_empty() && !somebody_stayed => Vec::new(),
        // This machine loses packets of most of those who stayed.
        _ if others.iter().filter(|node| is_lossy(node)).count() * 2 > others.len() => Vec::new(),
        [only] if others.is_empty() => vec![(vec![only, NodeIdx::SELF], Pattern::Pair, Confidence::Likely)],
        _ if others.is_empty() => vec![(vec![NodeIdx::SELF], Pattern::Host, Confidence::Likely)],
        _ => flaps.iter().map(|node| (vec![*node], Pattern::Host, Confidence::Certain)).collect(),
    };
    let incident = |(nodes, pattern, confidence): (Vec<NodeIdx>, Pattern, Confidence)| {
        // What fails with it at the moment is the same trouble.
        let pairs = failures.take(nodes[0], |_| true);
        Incident { verdict: Verdict::Flapping, pattern, confidence, nodes, pairs }
    };
    groups.into_iter().map(incident).collect()
}
