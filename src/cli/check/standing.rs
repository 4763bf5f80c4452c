//! Who is reachable both ways, and who is missing and why.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use serde::Serialize;

use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::peers::{PeerKey, PeerSnapshot, PeerState};
use crate::engine::verdict::{Finding, Pattern, Verdict};
use crate::text::what_is_wrong;

use crate::cli::list::by_name;
use crate::cli::visitor::NodeView;

/// Names of those who are there that a person is told: who expects more counts them.
const MAX_NAMES: usize = 10;

/// Who is waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// At least so many peers.
    count: usize,
    /// And each of these, in the order in which they were named, once.
    names: Vec<String>,
}

impl Wanted {
    /// As many as are named where no number is given, and at least one.
    pub(super) fn new(count: Option<usize>, given: &[String]) -> Self {
        let mut seen = HashSet::new();
        let names: Vec<String> = given.iter().filter(|name| seen.insert(*name)).cloned().collect();
        Self { count: count.unwrap_or(names.len().max(1)), names }
    }
}

/// How what there is compares with what is wanted.
#[derive(Debug, PartialEq)]
pub(super) struct Standing {
    /// All that is wanted is there.
    pub(super) met: bool,
    wanted: usize,
    /// The names of those that are reachable both ways.
    reachable: Vec<String>,
    missing: Vec<Missing>,
}

/// One peer that is not reachable both ways.
#[derive(Debug, PartialEq, Serialize)]
struct Missing {
    name: String,
    /// None when it was never heard of.
    state: Option<PeerState>,
    cause: Option<Cause>,
    verdict: Verdict,
    advice: String,
    #[serde(skip)]
    ways: Ways,
}

/// The two directions of TCP: our dial got its reply, its dial was answered by us.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ways {
    out: bool,
    back: bool,
}

impl Standing {
    /// Judges what a node sees; it answered exchanges of the peers in `served`.
    pub(super) fn of(wanted: &Wanted, view: &NodeView, served: &HashSet<PeerKey>) -> Self {
        let positions: HashMap<NodeId, usize> =
            view.matrix.nodes.iter().enumerate().map(|(nth, node)| (node.id, nth)).collect();
        let mut peers: Vec<&PeerSnapshot> = view.table.peers.iter().collect();
        peers.sort_by(|a, b| by_name(a, b));
        let (there, not_there): (Vec<_>, Vec<_>) = peers
            .into_iter()
            .map(|peer| (peer, ways(peer, view, &positions, served)))
            .partition(|(_, ways)| ways.out && ways.back);
        let is_there = |name: &String| there.iter().any(|(peer, _)| peer.info.name == *name);
        let absent: Vec<&String> = wanted.names.iter().filter(|name| !is_there(name)).collect();
        let enough = there.len() >= wanted.count;
        let met = enough && absent.is_empty();
        let mut missing = Vec::new();
        for name in &absent {
            let known = not_there.iter().filter(|(peer, _)| peer.info.name == **name);
            // Of several with this name, the one that is nearest to being reachable.
            let known = known
                .max_by_key(|(peer, ways)| (ways.out || ways.back, Reverse(peer.state == PeerState::Left)));
            missing.push(match known {
                Some((peer, ways)) => Missing::known(peer, *ways, view),
                None => Missing::never_heard(name, view),
            });
        }
        if !enough {
            let others = not_there.iter().filter(|(peer, _)| !absent.contains(&&peer.info.name));
            missing.extend(others.map(|(peer, ways)| Missing::known(peer, *ways, view)));
        }
        let reachable = there.iter().map(|(peer, _)| peer.info.name.clone()).collect();
        Self { met, wanted: wanted.count, reachable, missing }
    }

    /// The contract's form.
    pub(super) fn document(&self) -> anyhow::Result<String> {
        #[derive(Serialize)]
        struct Document<'a> {
            v: u8,
            ok: bool,
            reachable: usize,
            missing: &'a [Missing],
        }
        let Self { met, reachable, missing, .. } = self;
        Ok(serde_json::to_string(&Document { v: 1, ok: *met, reachable: reachable.len(), missing })? + "\n")
    }

    /// The form for people: who is there, then a line for each who is missing.
    pub(super) fn text(&self) -> String {
        let count = self.reachable.len();
        let of = if count < self.wanted { format!(" of {}", self.wanted) } else { String::new() };
        let one = if count == 1 && of.is_empty() { "peer is" } else { "peers are" };
        let mut text = format!("{count}{of} {one} reachable both ways");
        for (nth, name) in self.reachable.iter().take(MAX_NAMES).enumerate() {
            let _ = write!(text, "{} {name}", if nth == 0 { ':' } else { ',' });
        }
        if count > MAX_NAMES {
            let _ = write!(text, " +{} more", count - MAX_NAMES);
        }
        text.push('\n');
        for missing in &self.missing {
            let _ = writeln!(text, "missing {}: {}; {}", missing.name, missing.why(), missing.advice);
        }
        text
    }
}

/// Which directions work, by what this node sees and by what the other one says.
fn ways(
    peer: &PeerSnapshot,
    view: &NodeView,
    positions: &HashMap<NodeId, usize>,
    served: &HashSet<PeerKey>,
) -> Ways {
    if peer.state == PeerState::Left {
        return Ways::default();
    }
    let its_dial = || {
        let at = *positions.get(&peer.info.id?)?;
        Some(view.matrix.cell(at, *positions.get(&view.table.node.id)?, view.matrix.at).tcp.is_ok())
    };
    Ways {
        out: peer.state == PeerState::Up || peer.sight.tcp.is_ok(),
        back: peer.sight.served.is_ok() || served.contains(&peer.info.key) || its_dial().unwrap_or_default(),
    }
}

impl Missing {
    fn known(peer: &PeerSnapshot, ways: Ways, view: &NodeView) -> Self {
        let finding = finding_about(peer, view);
        let verdict = finding.map_or(peer.verdict, |finding| finding.verdict);
        let advice = match (finding, peer.state, peer.cause) {
            (Some(finding), ..) => finding.advice.to_string(),
            (None, PeerState::Left, _) => "it said goodbye: start vigie there again".to_owned(),
            (None, _, Some(cause)) => cause.advice().to_owned(),
            (None, _, None) => ways.advice(view),
        };
        Self {
            name: peer.info.name.clone(),
            state: Some(peer.state),
            cause: peer.cause,
            // It may be well as far as it is known; it is not reachable both ways.
            verdict: if verdict == Verdict::Ok { Verdict::Unknown } else { verdict },
            advice,
            ways,
        }
    }

    /// A peer that is not in the table. It may be a node that is no peer, of another group for instance.
    fn never_heard(name: &str, view: &NodeView) -> Self {
        let stranger = view.matrix.findings.iter().find(|finding| {
            finding.pattern == Pattern::ForeignNode
                && finding.verdict != Verdict::Ok
                && finding.peer.name == *name
        });
        let node = &view.table.node;
        Self {
            name: name.to_owned(),
            state: None,
            cause: None,
            verdict: stranger.map_or(Verdict::Unknown, |finding| finding.verdict),
            advice: stranger.map_or_else(
                || {
                    format!(
                        "start vigie there with --group {} and --port {}, or add its address here with --peer if \
                         broadcasts do not reach it",
                        node.group, node.port
                    )
                },
                |finding| finding.advice.to_string(),
            ),
            ways: Ways::default(),
        }
    }

    /// What is known of it, in a few words.
    fn why(&self) -> String {
        let Some(state) = self.state else {
            return what_is_wrong(self.verdict, None).unwrap_or("never heard").to_owned();
        };
        let what = what_is_wrong(self.verdict, self.cause).unwrap_or(self.ways.description());
        if state == PeerState::Left {
            state.as_str().to_owned()
        } else {
            format!("{}, {what}", state.as_str())
        }
    }
}

impl Ways {
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

/// The finding that says why this peer is not reachable: of those about it and this node, then of those about it, the gravest.
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use slotmap::Key as _;

    use crate::engine::observation::{Reach, Sight};
    use crate::engine::peers::{NodeInfo, Snapshot};
    use crate::engine::verdict::Advice;
    use crate::testkit;

    use super::*;

    const US: NodeId = NodeId(0);

    fn peer(nth: u64, name: &str, state: PeerState) -> PeerSnapshot {
        testkit::row(&testkit::peer_at(nth, name, ([10, 0, 0, 1], 17_474)), state)
    }

    fn serves(mut peer: PeerSnapshot) -> PeerSnapshot {
        peer.sight.served = Reach::Ok;
        peer
    }

    fn view(peers: Vec<PeerSnapshot>) -> NodeView {
        let here = testkit::peer_at(0, "here", ([10, 0, 0, 1], 17_474));
        let others = peers.iter().map(|peer| Arc::clone(&peer.info));
        let nodes: Vec<_> = std::iter::once(here).chain(others).collect();
        let matrix = testkit::matrix(testkit::t0(), &nodes, |_| None);
        let node = NodeInfo { group: "lab".into(), tcp_port: 17_475, ..testkit::node(US.0, "here") };
        let table = Snapshot { node: Arc::new(node), interfaces: Arc::new([]), peers };
        NodeView { table: Arc::new(table), matrix: Arc::new(matrix) }
    }

    fn find(view: &mut NodeView, of: &PeerSnapshot, verdict: Verdict, pattern: Pattern, advice: Advice) {
        let matrix = Arc::make_mut(&mut view.matrix);
        let finding = testkit::finding(&of.info, verdict, matrix.at);
        matrix.findings.push(Arc::new(Finding { advice, pattern, ..finding }));
    }

    fn wanted(count: Option<usize>, names: &[&str]) -> Wanted {
        Wanted::new(count, &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
    }

    fn judge(wanted: &Wanted, view: &NodeView) -> Standing {
        Standing::of(wanted, view, &HashSet::new())
    }

    fn missing(standing: &Standing) -> Vec<&str> {
        standing.missing.iter().map(|missing| missing.name.as_str()).collect()
    }

    #[test]
    fn as_many_are_expected_as_are_named_and_one_where_nobody_is() {
        assert_eq!(wanted(None, &[]).count, 1);
        assert_eq!(wanted(None, &["a", "b", "a"]), Wanted { count: 2, names: vec!["a".into(), "b".into()] });
        assert_eq!(wanted(Some(7), &["a"]).count, 7);
    }

    #[test]
    fn one_direction_alone_is_not_enough() {
        let (up, both) = (peer(1, "up", PeerState::Up), serves(peer(2, "both", PeerState::Up)));
        let serving = serves(peer(3, "serving", PeerState::New));
        let standing = judge(&wanted(Some(2), &[]), &view(vec![up, both, serving]));
        assert_eq!((standing.met, standing.reachable.as_slice()), (false, ["both".to_owned()].as_slice()));
        assert_eq!(missing(&standing), ["serving", "up"]);
        let text = standing.text();
        assert!(
            text.contains("missing up: up, it answers, but has not dialed this machine; open TCP port 17475")
        );
        assert!(text.contains("missing serving: new, it dials this machine, but has not answered a dial"));
        assert!(text.starts_with("1 of 2 peers are reachable both ways: both\n"), "{text}");
    }

    #[test]
    fn an_exchange_that_was_answered_and_the_word_of_the_peer_prove_its_direction_as_well() {
        let (a, b) = (peer(1, "a", PeerState::Up), peer(2, "b", PeerState::Up));
        let key = a.info.key;
        let mut seen = view(vec![a, b]);
        let sights = [(US, Sight { tcp: Reach::Ok, ..Sight::default() })];
        let matrix = Arc::make_mut(&mut seen.matrix);
        matrix.rows[2] = Some(testkit::told(matrix.at, sights));
        assert_eq!(judge(&wanted(None, &[]), &seen).reachable, ["b"]);
        let both = Standing::of(&wanted(Some(2), &["a"]), &seen, &HashSet::from([key]));
        assert_eq!((both.met, both.missing), (true, Vec::new()));
    }

    #[test]
    fn who_is_named_and_missing_is_told_even_where_there_are_enough() {
        let there = serves(peer(1, "there", PeerState::Up));
        let mut refusing = peer(2, "refusing", PeerState::Unreachable);
        refusing.cause = Some(Cause::Refused);
        let standing = judge(&wanted(Some(1), &["refusing", "ghost", "there"]), &view(vec![there, refusing]));
        assert!(!standing.met);
        assert_eq!(missing(&standing), ["refusing", "ghost"]);
        let document: serde_json::Value = serde_json::from_str(&standing.document().unwrap()).unwrap();
        assert_eq!((&document["ok"], &document["reachable"]), (&false.into(), &1.into()));
        let expected = serde_json::json!({
            "name": "refusing", "state": "unreachable", "cause": "refused", "verdict": "unknown",
            "advice": Cause::Refused.advice(),
        });
        assert_eq!(document["missing"][0], expected);
        let ghost = &document["missing"][1];
        assert_eq!((&ghost["state"], &ghost["cause"]), (&serde_json::Value::Null, &serde_json::Value::Null));
        assert!(ghost["advice"].as_str().unwrap().contains("--group lab"), "{ghost}");
    }

    #[test]
    fn the_verdict_and_advice_are_those_of_the_finding() {
        let mut dropping = peer(1, "dropping", PeerState::Unreachable);
        dropping.cause = Some(Cause::TimedOut);
        let stranger = peer(9, "stranger", PeerState::New);
        let mut seen = view(vec![dropping.clone()]);
        find(&mut seen, &dropping, Verdict::FirewallDrop, Pattern::Column, Advice::ShareSecret);
        find(&mut seen, &stranger, Verdict::WrongGroup, Pattern::ForeignNode, Advice::Update);
        let standing = judge(&wanted(None, &["dropping", "stranger"]), &seen);
        let told: Vec<_> = standing.missing.iter().map(|m| (m.verdict, m.advice.as_str(), m.state)).collect();
        let unreachable = Some(PeerState::Unreachable);
        assert_eq!(
            told,
            [
                (Verdict::FirewallDrop, Cause::WrongSecret.advice(), unreachable),
                (Verdict::WrongGroup, Cause::VersionMismatch.advice(), None)
            ]
        );
    }

    #[test]
    fn a_finding_about_another_peer_says_nothing() {
        let (a, b) = (peer(1, "a", PeerState::New), peer(2, "b", PeerState::New));
        let mut seen = view(vec![a.clone(), b]);
        find(&mut seen, &a, Verdict::HostDown, Pattern::Host, Advice::CheckOwnLink);
        let standing = judge(&wanted(None, &["b"]), &seen);
        assert_eq!(standing.missing[0].verdict, Verdict::Unknown);
        assert!(!standing.missing[0].advice.contains("switch"));
    }

    #[test]
    fn a_peer_that_said_goodbye_is_not_reachable_whatever_was_seen_of_it() {
        let mut left = serves(peer(1, "left", PeerState::Left));
        left.sight.tcp = Reach::Ok;
        assert!(!left.info.key.is_null());
        let standing = judge(&wanted(None, &["left"]), &view(vec![left]));
        assert!(!standing.met);
        assert_eq!(
            standing.text().lines().nth(1),
            Some("missing left: left; it said goodbye: start vigie there again")
        );
    }
}
