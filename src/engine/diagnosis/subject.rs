//! Whom a finding is about, whom it accuses, and of whom it says anything.

use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::NodeId;
use crate::engine::address::Endpoint;
use crate::engine::peers::PeerKey;

use super::finding::Finding;
use super::verdict::{Pattern, Verdict};

/// Whom a finding is about: there is one at a time for each subject.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    /// A node, which may meanwhile have another address: this one when its interface goes and comes.
    Node(NodeId),
    /// A peer whose identity is not known.
    Unknown(PeerKey, Endpoint),
    /// The name of a node: that two have it says nothing else of them.
    Name(NodeId),
    /// The same of a peer whose identity is not known.
    NameOfUnknown(PeerKey, Endpoint),
    /// Pairs here and there that fail alike: nobody in particular.
    Scattered(Verdict),
    /// Two networks, or one that is cut off from all others.
    Segments(Vec<String>),
}

impl Subject {
    pub(super) fn of(finding: &Finding) -> Self {
        let peer = &finding.peer;
        if finding.pattern == Pattern::Scattered {
            return Self::Scattered(finding.verdict);
        }
        if finding.pattern == Pattern::Segments {
            return Self::Segments(finding.names.clone());
        }
        match (peer.id, finding.verdict == Verdict::DuplicateName) {
            (Some(id), false) => Self::Node(id),
            (None, false) => Self::Unknown(peer.key, peer.addr),
            (Some(id), true) => Self::Name(id),
            (None, true) => Self::NameOfUnknown(peer.key, peer.addr),
        }
    }
}

/// The nodes that a finding says something of: those that it is about, and the ends of its pairs.
pub(super) fn concerned_by(finding: &Finding) -> impl Iterator<Item = NodeId> {
    let first = finding.nodes.first().copied();
    let ends = finding.pairs.iter().flat_map(|(from, to)| [*from, *to]);
    finding.nodes.iter().copied().chain(ends.filter(move |id| Some(*id) != first))
}

/// The nodes that a finding accuses: of islands all are.
fn accused(finding: &Finding) -> impl Iterator<Item = NodeId> {
    let count = match finding.pattern {
        Pattern::Islands => usize::MAX,
        Pattern::Segments => 0,
        _ => 1,
    };
    finding.nodes.iter().copied().take(count)
}

/// The nodes in which may lie what a finding tells: one that has most of what fails, else all that it names.
pub(super) fn suspects(finding: &Finding) -> impl Iterator<Item = NodeId> {
    let count = match finding.pattern {
        Pattern::Host | Pattern::Column | Pattern::Row => 1,
        Pattern::Segments => 0,
        _ => usize::MAX,
    };
    finding.nodes.iter().copied().take(count)
}

/// The nodes of which a finding says its verdict, alone or with others: whoever turns out to be behind pairs that fail here and there has
/// no other verdict than they had. Of packets that are lost everywhere that is said of nobody.
pub(super) fn said_of(finding: &Finding) -> impl Iterator<Item = Option<NodeId>> {
    let together =
        matches!(finding.pattern, Pattern::Scattered | Pattern::Islands) && !finding.is_background();
    let others = finding.nodes.iter().filter(move |_| together);
    let first = (finding.pattern != Pattern::Segments).then_some(finding.peer.id);
    first.into_iter().chain(others.map(|id| Some(*id)))
}

impl Finding {
    /// Whether this finding explains what another one was about: pairs that fail, or that the host fails which that one accused.
    pub(super) fn explains(&self, other: &Self) -> bool {
        let subject = other.peer.id;
        accused(self).any(|id| Some(id) == subject)
            || other.pairs.iter().any(|pair| self.pairs.contains(pair))
    }
}

/// The nodes that these findings accuse.
pub(super) fn accused_by(findings: &[Arc<Finding>]) -> HashSet<NodeId> {
    findings.iter().flat_map(|finding| accused(finding)).collect()
}

/// The nodes whose verdict a finding tells: those it accuses, and all that share a name or an address.
pub(super) fn about(finding: &Finding) -> impl Iterator<Item = NodeId> {
    let shared = matches!(finding.verdict, Verdict::DuplicateName | Verdict::AddressConflict);
    let count = match finding.pattern {
        Pattern::Segments => 0,
        _ if shared || finding.pattern == Pattern::Islands => usize::MAX,
        _ => 1,
    };
    finding.nodes.iter().copied().take(count)
}

/// The nodes with which this one has a failing pair in it.
pub(super) fn partners(finding: &Finding, me: NodeId) -> impl Iterator<Item = NodeId> {
    finding.pairs.iter().filter_map(move |(from, to)| match (*from == me, *to == me) {
        (true, _) => Some(*to),
        (_, true) => Some(*from),
        _ => None,
    })
}
