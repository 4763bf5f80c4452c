//! Which peers are missing, and why.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use crate::cli::visitor::NodeView;
use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::peers::{PeerKey, PeerSnapshot, PeerState};
use crate::engine::verdict::{Finding, Pattern, Verdict};
use crate::text::{Reason, what_is_wrong};

/// One peer that is not reachable both ways.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Missing {
    pub(super) name: String,
    /// None where nothing was ever heard of it.
    pub(super) state: Option<PeerState>,
    cause: Option<Cause>,
    pub(super) verdict: Verdict,
    pub(super) advice: String,
    #[serde(skip)]
    reason: Option<Reason>,
    #[serde(skip)]
    directions: Directions,
}

/// The two directions of TCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Directions {
    /// Our dial got its reply.
    out: bool,
    /// We answered its dial.
    back: bool,
}

impl Missing {
    /// A peer in the table.
    pub(super) fn known(peer: &PeerSnapshot, directions: Directions, view: &NodeView) -> Self {
        let finding = finding_about(peer, view);
        let verdict = finding.map_or(peer.verdict, |finding| finding.verdict);
        let reason = Reason::of(&peer.info, peer.cause);
        let advice = match (finding, peer.state, reason) {
            (Some(finding), ..) => finding.advice.to_string(),
            (None, PeerState::Left, _) => "it said goodbye: start vigie there again".to_owned(),
            (None, _, Some(reason)) => reason.advice().to_owned(),
            (None, _, None) => directions.advice(view),
        };
        Self {
            name: peer.info.name.clone(),
            state: Some(peer.state),
            cause: peer.cause,
            // Nothing may be known to be wrong with it; but it is not reachable both ways.
            verdict: if verdict == Verdict::Ok { Verdict::Unknown } else { verdict },
            advice,
            reason,
            directions,
        }
    }

    /// A peer that is not in the table. A node of that name may exist and not be a peer, in another group for instance.
    pub(super) fn never_heard(name: &str, view: &NodeView) -> Self {
        let foreign = view.matrix.findings.iter().find(|finding| {
            finding.pattern == Pattern::ForeignNode
                && finding.verdict != Verdict::Ok
                && finding.peer.name == *name
        });
        let node = &view.table.node;
        Self {
            name: name.to_owned(),
            state: None,
            cause: None,
            verdict: foreign.map_or(Verdict::Unknown, |finding| finding.verdict),
            advice: foreign.map_or_else(
                || {
                    format!(
                        "start vigie there with --group {} and --port {}, or add its address here with --peer if \
                         broadcasts do not reach it",
                        node.group, node.port
                    )
                },
                |finding| finding.advice.to_string(),
            ),
            reason: None,
            directions: Directions::default(),
        }
    }

    /// What is known about it, in a few words.
    pub(super) fn why(&self) -> String {
        let Some(state) = self.state else {
            return what_is_wrong(self.verdict, None).unwrap_or_else(|| "never heard".to_owned());
        };
        let what = what_is_wrong(self.verdict, self.reason);
        let what = what.unwrap_or_else(|| self.directions.description().to_owned());
        if state == PeerState::Left {
            state.as_str().to_owned()
        } else {
            format!("{}, {what}", state.as_str())
        }
    }
}

impl Directions {
    /// Which directions work, by what this node sees and what the other one reports.
    pub(super) fn of(
        peer: &PeerSnapshot,
        view: &NodeView,
        positions: &HashMap<NodeId, usize>,
        served: &HashSet<PeerKey>,
    ) -> Self {
        if peer.state == PeerState::Left {
            return Self::default();
        }
        let its_dial = || {
            let at = *positions.get(&peer.info.id?)?;
            Some(view.matrix.cell(at, *positions.get(&view.table.node.id)?, view.matrix.at).tcp.is_ok())
        };
        Self {
            out: peer.state == PeerState::Up || peer.observation.tcp.is_ok(),
            back: peer.observation.served.is_ok()
                || served.contains(&peer.info.key)
                || its_dial().unwrap_or_default(),
        }
    }

    /// Whether both work.
    pub(super) fn both(self) -> bool {
        self.out && self.back
    }

    /// Whether one of them works, or both.
    pub(super) fn any(self) -> bool {
        self.out || self.back
    }

    fn description(self) -> &'static str {
        match (self.out, self.back) {
            (true, false) => "it answers, but has not dialed this machine",
            (false, true) => "it dials this machine, but has not answered a dial",
            _ => "no dial has finished yet",
        }
    }

    /// What to try when nothing has failed: a direction has not been seen to work.
    fn advice(self, view: &NodeView) -> String {
        match (self.out, self.back) {
            (true, false) => format!(
                "open TCP port {} in this machine's firewall, or give it more time with --timeout",
                view.table.node.tcp_port
            ),
            (false, true) => {
                "open its TCP port in that host's firewall, or give it more time with --timeout".to_owned()
            }
            _ => "give it more time with --timeout".to_owned(),
        }
    }
}

/// The finding that explains why this peer is not reachable: the gravest of those about it and this node, otherwise of those
/// about it.
fn finding_about<'a>(peer: &PeerSnapshot, view: &'a NodeView) -> Option<&'a Finding> {
    let us = view.table.node.id;
    let rank = |finding: &Finding| {
        let id = peer.info.id;
        let between = |id| finding.pairs.contains(&(us, id)) || finding.pairs.contains(&(id, us));
        if id.is_some_and(between) {
            Some(0)
        } else if finding.peer.key == peer.info.key || (id.is_some() && finding.peer.id == id) {
            Some(1)
        } else {
            id.is_some_and(|id| finding.nodes.contains(&id)).then_some(2)
        }
    };
    let wrong = view.matrix.findings.iter().map(|finding| &**finding).filter(|f| f.verdict != Verdict::Ok);
    wrong.filter_map(|finding| Some((rank(finding)?, finding))).min_by_key(|(rank, _)| *rank).map(|(_, f)| f)
}
