//! A network that is cut off from all others: its uplink, or the router to it.

use std::collections::BTreeSet;
use std::time::Instant;

use super::failures::{Failures, Verdicts};
use super::network_paths::{Between, HOSTS, PATHS, Reached, Way, ends_in, how, is_recent, networks};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::network::Network;
use crate::engine::observation::Observation;

/// A network with which no path of any other one works. Where no network beyond this node's own is reached, of several, it is its own; as long as
/// it is not known of the others whether they are reached, nothing is said, but not for longer than everybody needs to dial everybody.
pub(super) fn cut_off(
    view: &NetworkView,
    failures: &mut Failures,
    verdicts: &Verdicts,
    reached: &Reached,
) -> Option<Incident> {
    let home = view.node(NodeIdx::SELF).network?;
    let networks = networks(view);
    let mut cut: Vec<(Network, Option<Instant>, Vec<FailingPair>)> = Vec::new();
    for network in networks.iter().copied().filter(|network| *network != home) {
        let paths = paths_with(view, failures, verdicts, network);
        let began = paths.began(view);
        let hosts = ends_in(view, network, &paths.failing).len();
        let most = paths.failing.len() >= PATHS.max(paths.working.len());
        if most && hosts >= HOSTS && paths.working_since(began) == 0 {
            cut.push((network, began, paths.failing));
        }
    }
    let own = cut.len() > 1 && cut.len() + 1 == networks.len();
    let (first, began, _) = cut.first()?;
    let (accused, began) = (if own { home } else { *first }, *began);
    let taken = if own { cut.len() } else { 1 };
    let is_reached = || reached.beyond(home, accused, began);
    let mut pairs: Vec<FailingPair> = cut.into_iter().take(taken).flat_map(|(_, _, pairs)| pairs).collect();
    pairs.sort_unstable();
    for pair in &pairs {
        failures.remove(pair.from, pair.to);
    }
    let unclear = || !is_reached() || !lies_between_several(view, accused, &pairs);
    if !own && networks.len() > 2 && is_recent(view, began) && unclear() {
        return None;
    }
    let nodes = ends_in(view, accused, &pairs);
    let (verdict, pattern) = (Verdict::Isolated, Pattern::Segments);
    Some(Incident { verdict, pattern, confidence: Confidence::Likely, nodes, pairs })
}

/// Whether what fails with a network fails from or to several others.
fn lies_between_several(view: &NetworkView, accused: Network, pairs: &[FailingPair]) -> bool {
    let ends = pairs.iter().flat_map(|pair| [pair.from, pair.to]);
    let others = ends.filter_map(|node| view.node(node).network).filter(|network| *network != accused);
    others.collect::<BTreeSet<Network>>().len() > 1
}

/// The paths between the hosts of a network and all others.
fn paths_with(view: &NetworkView, failures: &Failures, verdicts: &Verdicts, network: Network) -> Between {
    let mut paths = Between::default();
    let is_in = |node: NodeIdx| view.node(node).network == Some(network);
    let hosts: Vec<NodeIdx> = view.all().filter(|node| is_in(*node)).collect();
    failures.count(view.size() * hosts.len());
    for (host, other) in hosts.iter().flat_map(|host| view.all().map(move |other| (*host, other))) {
        for (from, to) in [(host, other), (other, host)] {
            if is_in(other) {
                continue;
            }
            let reached = || view.observation(from, to).is_some_and(Observation::is_reached);
            match how(view, failures, verdicts, from, to) {
                Some(Way::Fails(verdict)) if !reached() => {
                    paths.failing.push(FailingPair { from, to, verdict });
                }
                Some(_) => paths.working.push(view.observation(from, to).and_then(|seen| seen.checked)),
                None => {}
            }
        }
    }
    paths
}
