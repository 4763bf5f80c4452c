//! What fails, as the diagnosis holds it before it is explained: single pairs, and the incidents that they form.

use super::grid::NodeIdx;
use super::verdict::{Confidence, Pattern, Verdict};

/// One direction of a pair, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FailingPair {
    pub(super) from: NodeIdx,
    pub(super) to: NodeIdx,
    pub(super) verdict: Verdict,
}

/// Pairs that fail together, with one explanation.
#[derive(Debug)]
pub(super) struct Incident {
    pub(super) verdict: Verdict,
    pub(super) pattern: Pattern,
    pub(super) confidence: Confidence,
    /// The nodes that it is about, the accused one first.
    pub(super) nodes: Vec<NodeIdx>,
    pub(super) pairs: Vec<FailingPair>,
}

impl Incident {
    /// The node that is accused.
    pub(super) fn accused(&self) -> NodeIdx {
        self.nodes.first().copied().unwrap_or(NodeIdx::SELF)
    }
}
