//! What is wrong with nodes rather than with pairs: several hosts with one address, or with one name.

use std::collections::{BTreeMap, BTreeSet};

use super::failures::Failures;
use crate::engine::address::ZonedIp;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::Incident;
use crate::engine::diagnosis::network_view::{JudgedNode, NetworkView};
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};

/// Hosts with the same address: each is heard from it and says that it is its own, and whoever dials it meets now one and now the
/// other. Nodes of one host have ports of their own; who is behind the address of another one claims an address of its own.
pub(super) fn address_conflicts(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    let own = own_conflict(view);
    // Whoever dials this machine, or is dialed by it, meets the other one now and then.
    for node in own.iter().flat_map(|incident| &incident.nodes) {
        failures.take(*node, |_| true);
    }
    own.into_iter().chain(conflicts_of_others(view, failures)).collect()
}

/// Another machine has an address of this one: it is heard from there here, or others say so.
fn own_conflict(view: &NetworkView) -> Option<Incident> {
    let (setting, own) = (view.setting(), &view.node(NodeIdx::SELF).info);
    let told = |id| setting.rivals.iter().any(|rival| Some(rival.id) == id);
    let heard = |node: &JudgedNode| {
        let addr = node.info.addr;
        let here = setting.links.holds(addr.zoned_ip()) && addr.port() == own.addr.port();
        here && node.at_home && node.broadcast.is_some()
    };
    let is_rival = |idx: &NodeIdx| {
        let node = view.node(*idx);
        told(node.info.id) || heard(node)
    };
    let nodes: Vec<NodeIdx> = std::iter::once(NodeIdx::SELF).chain(view.others().filter(is_rival)).collect();
    let (verdict, pattern) = (Verdict::AddressConflict, Pattern::Pair);
    let incident = Incident { verdict, pattern, confidence: Confidence::Certain, nodes, pairs: Vec::new() };
    Some(incident).filter(|incident| incident.nodes.len() > 1)
}

fn conflicts_of_others(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    let mut by_addr: BTreeMap<ZonedIp, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.others().filter(|node| view.node(*node).at_home) {
        by_addr.entry(view.node(node).info.addr.zoned_ip()).or_default().push(node);
    }
    let port = |node: &NodeIdx| view.node(*node).info.addr.port();
    let mut found = Vec::new();
    for nodes in by_addr.into_values().filter(|nodes| nodes.len() > 1) {
        let meets = |node: &NodeIdx| {
            let mut others = nodes.iter().filter(|other| *other != node);
            port(node) == 0 || others.any(|other| port(other) == 0 || port(other) == port(node))
        };
        let nodes: Vec<NodeIdx> = nodes.iter().copied().filter(meets).collect();
        // Whoever is not heard any more since the other one is known has left the address to it.
        let since = nodes.iter().map(|node| view.node(*node).since).max();
        let nodes: Vec<NodeIdx> =
            nodes.into_iter().filter(|node| view.node(*node).broadcast > since).collect();
        if nodes.len() > 1 {
            // What fails between others and one of them says nothing of anybody.
            for node in &nodes {
                failures.take(*node, |_| true);
            }
            let (verdict, pattern) = (Verdict::AddressConflict, Pattern::Pair);
            let incident =
                Incident { verdict, pattern, confidence: Confidence::Certain, nodes, pairs: Vec::new() };
            found.push(incident);
        }
    }
    found
}

/// Hosts with the same name: nobody can tell them apart.
pub(super) fn duplicate_names(view: &NetworkView) -> Vec<Incident> {
    // One that is gone takes nobody's name.
    let lives = |node: &NodeIdx| {
        let seen = view.observation(NodeIdx::SELF, *node);
        node.is_self() || seen.is_some_and(|seen| seen.tcp.is_ok() || seen.echo.is_ok())
    };
    let mut by_name: BTreeMap<&str, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.all().filter(lives) {
        by_name.entry(&view.node(node).info.name).or_default().push(node);
    }
    let hosts = |nodes: &[NodeIdx]| {
        nodes.iter().map(|node| view.node(*node).info.addr.zoned_ip()).collect::<BTreeSet<_>>().len()
    };
    let shared = by_name.into_values().filter(|nodes| hosts(nodes) > 1);
    let incident = |mut nodes: Vec<NodeIdx>| {
        nodes.reverse();
        Incident {
            verdict: Verdict::DuplicateName,
            pattern: Pattern::Pair,
            confidence: Confidence::Certain,
            nodes,
            pairs: Vec::new(),
        }
    };
    shared.map(incident).collect()
}
