//! A finding: what the diagnosis publishes of one incident. Its sentences are made in `text`.

use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::engine::NodeId;
use crate::engine::peers::PeerInfo;

use super::advice::Advice;
use super::evidence::Evidence;
use super::verdict::{Confidence, Pattern, Verdict};

/// Pairs that a finding lists: of a hundred hosts behind a dead switch there are ten thousand, and nobody reads them.
pub const MAX_PAIRS_LISTED: usize = 256;

/// Names a finding of a node from its first telling to its withdrawal; no other finding of that node has the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct FindingId(pub u64);

/// One incident: what is wrong, with whom, how that is known, and what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// Its name, which it gets when it is first found.
    pub id: FindingId,
    /// Whose fault it most likely is, or the first of those concerned; it may be this node itself.
    pub peer: Arc<PeerInfo>,
    /// What is wrong; [`Verdict::Ok`] when an earlier finding about that peer is withdrawn.
    pub verdict: Verdict,
    /// What was observed, by whom, when.
    pub evidence: Vec<Evidence>,
    /// What to do.
    pub advice: Advice,
    /// How the failing pairs lie.
    pub pattern: Pattern,
    /// How sure it is.
    pub confidence: Confidence,
    /// The nodes it is about.
    pub nodes: Vec<NodeId>,
    /// Their names, in the same order; of [`Pattern::Segments`] those of the two networks.
    pub names: Vec<String>,
    /// The failing pairs that it explains, from and to; at most [`MAX_PAIRS_LISTED`].
    pub pairs: Vec<(NodeId, NodeId)>,
    /// How many pairs it explains.
    pub pair_count: usize,
    /// When it began to hold.
    pub since: Instant,
    /// The finding that this one corrects: what fails was told of another host until now.
    pub replaces: Option<FindingId>,
}

impl Finding {
    /// Whether it says the same as another, whatever the evidence: to people it is the same, too, if more of what fails with a host is
    /// known, and the same is to be done.
    pub fn same(&self, other: &Self) -> bool {
        let is_of_one =
            |finding: &Self| matches!(finding.pattern, Pattern::Host | Pattern::Column | Pattern::Row);
        let alike = is_of_one(self) && is_of_one(other) && self.advice == other.advice;
        self.verdict == other.verdict
            && (self.pattern == other.pattern || alike)
            && (self.peer.id == other.peer.id && self.nodes == other.nodes || self.is_background())
    }

    /// Whether it is the loss that all paths have alike: no node is at fault, and it says nothing of what else fails.
    pub(crate) fn is_background(&self) -> bool {
        (self.verdict, self.pattern) == (Verdict::PacketLoss, Pattern::Scattered)
    }

    /// Whether it tells what the other one does not, and what people need to mend it: that UDP is to be let in, too, or which of some hosts
    /// is which.
    pub(crate) fn tells_more_than(&self, other: &Self) -> bool {
        self.tells_more_apart_than(other) || self.opens_udp() && !other.opens_udp()
    }

    /// It still advises to let UDP in, too, if another one that says the same did: UDP may have been let in already, or be lost by chance.
    pub(super) fn telling_no_less_than(self, told: &Self) -> Self {
        let advice = if told.opens_udp() && told.same(&self) { &told.advice } else { &self.advice };
        Self { advice: advice.clone(), ..self }
    }

    fn opens_udp(&self) -> bool {
        matches!(self.advice, Advice::AllowTcpIn { udp: Some(_), .. })
    }

    /// Whether it tells hosts apart that the other one does not: people look for one of them by that.
    fn tells_more_apart_than(&self, other: &Self) -> bool {
        let told = |finding: &Self| {
            let holders = finding.evidence.iter().filter_map(|evidence| match evidence {
                Evidence::SharedAddress { holders, .. } => Some(holders),
                _ => None,
            });
            holders.flatten().filter(|(_, hardware)| hardware.is_some()).count()
        };
        told(self) > told(other)
    }

    /// This finding, told again as the one that explains what another one was about.
    pub(crate) fn correcting(&self, other: &Self) -> Self {
        Self { replaces: Some(other.id), ..self.clone() }
    }

    /// The withdrawal of this finding.
    pub(crate) fn resolved(&self, now: Instant) -> Self {
        Self {
            verdict: Verdict::Ok,
            evidence: Vec::new(),
            advice: Advice::Nothing,
            pairs: Vec::new(),
            pair_count: 0,
            since: now,
            replaces: None,
            ..self.clone()
        }
    }
}
