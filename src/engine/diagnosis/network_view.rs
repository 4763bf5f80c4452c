//! All that a diagnosis looks at, as it is at one moment.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::api::Icmp;
use crate::engine::observation::Observation;
use crate::engine::peers::PeerInfo;

use super::foreign_nodes::ForeignNode;
use super::grid::{Grid, NodeIdx};

/// A node that is judged.
#[derive(Debug, Clone)]
pub struct Node {
    /// Who it is.
    pub info: Arc<PeerInfo>,
    /// Length of its network's prefix, in bits, as it says; none if it has not said, or is on no link of ours.
    pub prefix: Option<u8>,
    /// When the trouble between this node and us began; none if there is none, or the node is this one.
    pub trouble: Option<Instant>,
    /// What ICMP says of our datagrams to it since then; it can be forged.
    pub icmp: Option<Icmp>,
    /// When its row was last known to be as it is; none if that is too long ago.
    pub confirmed: Option<Instant>,
    /// When its row last changed; none for this node.
    pub changed: Option<Instant>,
}

/// What is known of a network at one moment.
#[derive(Debug)]
pub struct NetworkView<'a> {
    /// All nodes, this one first.
    pub nodes: Vec<Node>,
    /// What each sees of each; none where that is not known, or too old.
    pub observations: Grid<Option<&'a Observation>>,
    /// How long a node may need to notice that UDP fails.
    pub notice: Duration,
    /// Nodes that are no peers.
    pub foreign: Vec<&'a ForeignNode>,
    /// The group of this node.
    pub group: &'a str,
    /// The UDP presence port.
    pub presence_port: u16,
    /// How long after the last sign of life that one node had, one that another had counts as news: somewhat more than the
    /// period of the presences, which everybody hears.
    pub margin: Duration,
    /// How long others are waited for before a host is called down.
    pub patience: Duration,
    /// Now.
    pub now: Instant,
}

impl NetworkView<'_> {
    /// The positions of all nodes.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + ExactSizeIterator + Clone + use<> {
        NodeIdx::all(self.nodes.len())
    }

    /// The nodes other than this one.
    pub(super) fn others(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + Clone + use<> {
        self.all().skip(1)
    }

    pub(super) fn node(&self, nth: NodeIdx) -> &Node {
        &self.nodes[nth.index()]
    }

    /// What one node sees of another.
    pub(super) fn observation(&self, from: NodeIdx, to: NodeIdx) -> Option<&Observation> {
        self.observations[(from, to)]
    }

    /// What ICMP says of datagrams of one node to another: it is known of this node's only.
    pub(super) fn icmp(&self, from: NodeIdx, to: NodeIdx) -> Option<Icmp> {
        self.node(to).icmp.filter(|_| from.is_self())
    }

    /// Whether the node that the datagram was for sent this error itself.
    pub(super) fn is_from_itself(&self, icmp: Icmp, to: NodeIdx) -> bool {
        icmp.from == Some(self.node(to).info.addr.ip())
    }

    /// Whether two nodes say that their networks have masks that differ.
    pub(super) fn masks_differ(&self, a: NodeIdx, b: NodeIdx) -> bool {
        match (self.node(a).prefix, self.node(b).prefix) {
            (Some(a), Some(b)) => a != b,
            _ => false,
        }
    }

    /// Whether a row has not changed for so long that it tells all that its owner can have noticed by now.
    pub(super) fn is_settled(&self, nth: NodeIdx) -> bool {
        let changed = self.node(nth).changed;
        changed.is_some_and(|at| self.now.saturating_duration_since(at) >= self.notice)
    }
}
