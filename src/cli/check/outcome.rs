//! Whether what is expected is there: which peers are reachable both ways, and which are missing.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::cli::control::{CheckQuestion, Source};
use crate::cli::visitor::{NodeView, not_counted};
use crate::engine::NodeId;
use crate::engine::peers::{PeerKey, PeerSnapshot, PeerState};
use crate::engine::verdict::Verdict;
use crate::text::by_name;

use super::missing::{Directions, Missing};

/// Names of reachable peers that are printed: whoever expects more counts them.
const MAX_NAMES: usize = 10;

/// Which peers are expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expectation {
    /// At least this many peers.
    pub(super) count: usize,
    /// And each of these, once, in the order in which they were named.
    pub(super) names: Vec<String>,
    /// Nodes of this machine count, too.
    pub(super) local: bool,
}

impl Expectation {
    /// What a question expects.
    pub(super) fn of(question: &CheckQuestion) -> Self {
        Self { local: question.local, ..Self::new(question.expect, &question.expect_peer) }
    }

    /// Without a number: as many as are named, and at least one.
    pub(super) fn new(count: Option<usize>, given: &[String]) -> Self {
        let mut seen = HashSet::new();
        let names: Vec<String> = given.iter().filter(|name| seen.insert(*name)).cloned().collect();
        Self { count: count.unwrap_or(names.len().max(1)), names, local: false }
    }
}

/// How what there is compares with what is expected.
#[derive(Debug, PartialEq)]
pub(super) struct CheckOutcome {
    /// Everything that is expected is there.
    pub(super) met: bool,
    expected: usize,
    /// The names of those that are reachable both ways.
    pub(super) reachable: Vec<String>,
    pub(super) missing: Vec<Missing>,
    /// How many nodes of this machine are reachable both ways and do not count.
    own: usize,
}

impl CheckOutcome {
    /// Judges what a node sees; it answered exchanges of the peers in `served`.
    pub(super) fn of(expected: &Expectation, view: &NodeView, served: &HashSet<PeerKey>) -> Self {
        let positions: HashMap<NodeId, usize> =
            view.matrix.nodes.iter().enumerate().map(|(nth, node)| (node.id, nth)).collect();
        let mut peers: Vec<&PeerSnapshot> = view.table.peers.iter().collect();
        peers.sort_by(|a, b| by_name(&a.info, &b.info));
        let (there, not_there): (Vec<_>, Vec<_>) = peers
            .into_iter()
            .map(|peer| (peer, Directions::of(peer, view, &positions, served)))
            .partition(|(_, directions)| directions.both());
        let is_there = |name: &String| there.iter().any(|(peer, _)| peer.info.name == *name);
        let absent: Vec<&String> = expected.names.iter().filter(|name| !is_there(name)).collect();
        let counts = |peer: &PeerSnapshot| {
            expected.local || expected.names.contains(&peer.info.name) || !view.is_on_this_machine(peer)
        };
        let counted: Vec<_> = there.iter().filter(|(peer, _)| counts(peer)).collect();
        let enough = counted.len() >= expected.count;
        let met = enough && absent.is_empty();
        let mut missing = Vec::new();
        for name in &absent {
            let known = not_there.iter().filter(|(peer, _)| peer.info.name == **name);
            // Of several with this name, the one that is closest to being reachable.
            let known = known
                .max_by_key(|(peer, directions)| (directions.any(), Reverse(peer.state == PeerState::Left)));
            missing.push(match known {
                Some((peer, directions)) => Missing::known(peer, *directions, view),
                None => Missing::never_heard(name, view),
            });
        }
        if !enough {
            let others =
                not_there.iter().filter(|(peer, _)| counts(peer) && !absent.contains(&&peer.info.name));
            missing.extend(others.map(|(peer, directions)| Missing::known(peer, *directions, view)));
        }
        let reachable = counted.iter().map(|(peer, _)| peer.info.name.clone()).collect();
        Self { met, expected: expected.count, reachable, missing, own: there.len() - counted.len() }
    }

    /// What to do first where something is missing: what is advised for whom a cause is known of, else for the first.
    pub(super) fn to_do(&self) -> String {
        let explained = self.missing.iter().find(|missing| missing.verdict != Verdict::Unknown);
        match explained.or(self.missing.first()) {
            Some(Missing { name, advice, .. }) => format!("to do for {name}: {advice}"),
            None => "to do: start vigie on more machines, or expect fewer with --expect".to_owned(),
        }
    }

    /// The contract's form.
    pub(super) fn document(&self, source: Source) -> anyhow::Result<String> {
        #[derive(Serialize)]
        struct CheckDocument<'a> {
            v: u8,
            source: Source,
            ok: bool,
            reachable: usize,
            missing: &'a [Missing],
        }
        let Self { met, reachable, missing, .. } = self;
        let document = CheckDocument { v: 1, source, ok: *met, reachable: reachable.len(), missing };
        Ok(serde_json::to_string(&document)? + "\n")
    }

    /// The form for people: who is there, then a line for each who is missing.
    pub(super) fn text(&self) -> String {
        let count = self.reachable.len();
        let of = if count < self.expected { format!(" of {}", self.expected) } else { String::new() };
        let one = if count == 1 && of.is_empty() { "peer is" } else { "peers are" };
        let mut text = format!("{count}{of} {one} reachable both ways");
        for (nth, name) in self.reachable.iter().take(MAX_NAMES).enumerate() {
            let _ = write!(text, "{} {name}", if nth == 0 { ':' } else { ',' });
        }
        if count > MAX_NAMES {
            let _ = write!(text, " +{} more", count - MAX_NAMES);
        }
        if let Some(own) = not_counted(self.own) {
            let _ = write!(text, "; {own}");
        }
        text.push('\n');
        for missing in &self.missing {
            let _ = writeln!(text, "missing {}: {}; {}", missing.name, missing.why(), missing.advice);
        }
        text
    }
}
