//! Nodes of a view as a finding speaks of them.

use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::address::Endpoint;
use crate::engine::network::Network;

use super::evidence::{Several, Who};
use super::grid::NodeIdx;
use super::incident::Incident;
use super::network_view::{NetworkView, OwnRival};
use super::verdict::Pattern;

pub(super) fn who(view: &NetworkView, node: NodeIdx) -> Who {
    if node.is_self() { Who::ThisNode } else { Who::Peer(Arc::clone(&view.node(node).info)) }
}

pub(super) fn several(view: &NetworkView, nodes: impl Iterator<Item = NodeIdx>) -> Several {
    Several::of(nodes.map(|node| who(view, node)))
}

/// The address that these share: of several of this machine the one that the other has, too.
pub(super) fn shared_address(view: &NetworkView, nodes: &[NodeIdx]) -> Endpoint {
    let other = nodes.iter().find(|node| !node.is_self()).unwrap_or(&NodeIdx::SELF);
    rival(view, nodes).map_or(view.node(*other).info.addr, |rival| rival.addr)
}

/// The first of these that others find at an address of this machine.
pub(super) fn rival<'v>(view: &'v NetworkView, nodes: &[NodeIdx]) -> Option<&'v OwnRival> {
    let mut rivals = view.setting().rivals.iter();
    rivals.find(|rival| nodes.iter().any(|node| view.node(*node).info.id == Some(rival.id)))
}

/// The networks of an incident between segments, in the order of its nodes: two, or the one that is cut off. None of another incident.
pub(super) fn networks(view: &NetworkView, incident: &Incident) -> SmallVec<[Network; 2]> {
    let mut networks = SmallVec::new();
    for network in incident.nodes.iter().filter_map(|node| view.node(*node).network) {
        if incident.pattern == Pattern::Segments && !networks.contains(&network) {
            networks.push(network);
        }
    }
    networks
}
