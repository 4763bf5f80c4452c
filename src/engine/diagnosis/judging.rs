//! What the diagnosis keeps between two steps: the findings that are tracked, the foreign nodes, and when it is due.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::peers::PeerKey;

use super::finding::Finding;
use super::finding_tracker::FindingTracker;
use super::foreign_nodes::ForeignNodes;
use super::schedule::Schedule;

/// The diagnosis of this node: its parts, which do not know each other.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    pub(crate) findings: FindingTracker,
    pub(crate) foreign: ForeignNodes,
    pub(crate) schedule: Schedule,
}

impl Judging {
    /// When the engine must be woken to judge.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// What was published and is not withdrawn.
    pub(crate) fn published(&self) -> Vec<Arc<Finding>> {
        self.findings.published()
    }

    /// Whether a published finding is about this peer.
    pub(crate) fn accuses(&self, key: PeerKey) -> bool {
        self.findings.accuses(key)
    }
}
