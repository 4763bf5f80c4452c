//! What the diagnosis keeps between two steps: the findings that are tracked, the foreign nodes, when it is
//! due, and one that is under way.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::peers::PeerKey;

use super::finding::Finding;
use super::finding_tracker::FindingTracker;
use super::foreign_nodes::ForeignNodes;
use super::loss_comparison::LossComparison;
use super::own_filter::OwnFilter;
use super::run::DiagnosisRun;
use super::schedule::Schedule;
use super::wires::Wires;

/// The diagnosis of this node: its parts, which do not know each other.
#[derive(Debug, Default)]
pub(crate) struct Judging {
    pub(crate) findings: FindingTracker,
    pub(crate) foreign: ForeignNodes,
    pub(crate) schedule: Schedule,
    pub(crate) wires: Wires,
    pub(crate) loss: LossComparison,
    pub(crate) own_filter: OwnFilter,
    /// Boxed: mostly there is none.
    pub(crate) underway: Option<Box<Underway>>,
}

/// A diagnosis under way.
#[derive(Debug)]
pub(crate) struct Underway {
    pub(crate) run: DiagnosisRun,
    /// The peers that are judged, in the order of the verdicts without this node's.
    pub(crate) peers: Vec<PeerKey>,
}

impl Judging {
    /// When the engine must be woken to judge.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// Whether a diagnosis is under way, whose view was taken before now.
    pub(crate) fn is_underway(&self) -> bool {
        self.underway.is_some()
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
