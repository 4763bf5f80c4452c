//! What is expected against what a node sees.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use slotmap::Key as _;

use crate::cli::control::Source;
use crate::cli::visitor::NodeView;
use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::peers::{NodeInfo, PeerSnapshot, PeerState, Snapshot};
use crate::engine::verdict::{Advice, Finding, Pattern, Verdict};
use crate::testkit;

use super::outcome::{CheckOutcome, Expectation};

const US: NodeId = NodeId(0);

fn peer(nth: u64, name: &str, state: PeerState) -> PeerSnapshot {
    testkit::row(&testkit::peer_at(nth, name, ([10, 0, 0, 1], 17_474)), state)
}

fn serves(mut peer: PeerSnapshot) -> PeerSnapshot {
    peer.observation.served = PathStatus::Ok;
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

fn expected(count: Option<usize>, names: &[&str]) -> Expectation {
    Expectation::new(count, &names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
}

fn judge(expected: &Expectation, view: &NodeView) -> CheckOutcome {
    CheckOutcome::of(expected, view, &HashSet::new())
}

fn missing(outcome: &CheckOutcome) -> Vec<&str> {
    outcome.missing.iter().map(|missing| missing.name.as_str()).collect()
}

#[test]
fn as_many_are_expected_as_are_named_and_one_where_nobody_is() {
    assert_eq!(expected(None, &[]).count, 1);
    assert_eq!(
        expected(None, &["a", "b", "a"]),
        Expectation { count: 2, names: vec!["a".into(), "b".into()], local: false }
    );
    assert_eq!(expected(Some(7), &["a"]).count, 7);
}

#[test]
fn one_direction_alone_is_not_enough() {
    let (up, both) = (peer(1, "up", PeerState::Up), serves(peer(2, "both", PeerState::Up)));
    let serving = serves(peer(3, "serving", PeerState::New));
    let outcome = judge(&expected(Some(2), &[]), &view(vec![up, both, serving]));
    assert_eq!((outcome.met, outcome.reachable.as_slice()), (false, ["both".to_owned()].as_slice()));
    assert_eq!(missing(&outcome), ["serving", "up"]);
    assert!(outcome.to_do().starts_with("to do for serving: open its TCP port"), "{}", outcome.to_do());
    let text = outcome.text();
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
    let observations = [(US, Observation { tcp: PathStatus::Ok, ..Observation::default() })];
    let matrix = Arc::make_mut(&mut seen.matrix);
    matrix.rows[2] = Some(testkit::told(matrix.at, observations));
    assert_eq!(judge(&expected(None, &[]), &seen).reachable, ["b"]);
    let both = CheckOutcome::of(&expected(Some(2), &["a"]), &seen, &HashSet::from([key]));
    assert_eq!((both.met, both.missing), (true, Vec::new()));
}

#[test]
fn who_is_named_and_missing_is_told_even_where_there_are_enough() {
    let there = serves(peer(1, "there", PeerState::Up));
    let mut refusing = peer(2, "refusing", PeerState::Unreachable);
    refusing.cause = Some(Cause::Refused);
    let outcome = judge(&expected(Some(1), &["refusing", "ghost", "there"]), &view(vec![there, refusing]));
    assert!(!outcome.met);
    assert_eq!(missing(&outcome), ["refusing", "ghost"]);
    let document: serde_json::Value =
        serde_json::from_str(&outcome.document(Source::Visit).unwrap()).unwrap();
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
    let foreign = peer(9, "foreign", PeerState::New);
    let mut seen = view(vec![dropping.clone()]);
    find(&mut seen, &dropping, Verdict::FirewallDrop, Pattern::Column, Advice::ShareSecret);
    find(&mut seen, &foreign, Verdict::WrongGroup, Pattern::ForeignNode, Advice::Update);
    let outcome = judge(&expected(None, &["dropping", "foreign"]), &seen);
    let told: Vec<_> = outcome.missing.iter().map(|m| (m.verdict, m.advice.as_str(), m.state)).collect();
    assert_eq!(outcome.to_do(), format!("to do for dropping: {}", Cause::WrongSecret.advice()));
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
    find(
        &mut seen,
        &a,
        Verdict::HostDown,
        Pattern::Host,
        Advice::CheckLink { of: crate::engine::verdict::evidence::Who::ThisNode },
    );
    let outcome = judge(&expected(None, &["b"]), &seen);
    assert_eq!(outcome.missing[0].verdict, Verdict::Unknown);
    assert!(!outcome.missing[0].advice.contains("switch"));
}

#[test]
fn a_peer_that_said_goodbye_is_not_reachable_whatever_was_seen_of_it() {
    let mut left = serves(peer(1, "left", PeerState::Left));
    left.observation.tcp = PathStatus::Ok;
    assert!(!left.info.key.is_null());
    let outcome = judge(&expected(None, &["left"]), &view(vec![left]));
    assert!(!outcome.met);
    assert_eq!(
        outcome.text().lines().nth(1),
        Some("missing left: left; it said goodbye: start vigie there again")
    );
}

#[test]
fn nodes_of_this_machine_count_if_a_person_wants_it_or_names_them_or_has_nothing_but_loopback() {
    let at = |nth: u64, name: &str, last: u8| {
        let info = testkit::peer_at(nth, name, ([10, 0, 0, last], 17_474));
        serves(testkit::row(&info, PeerState::Up))
    };
    let of = |interfaces: &[&str], expected: &Expectation| {
        let view = view(vec![at(1, "own", 1), at(2, "other", 2)]);
        let interfaces = interfaces.iter().map(|net| testkit::interface(net)).collect();
        let table = Snapshot { interfaces, ..Snapshot::clone(&view.table) };
        let outcome = judge(expected, &NodeView { table: Arc::new(table), ..view });
        (outcome.met, outcome.reachable.len(), outcome.text().lines().next().unwrap_or_default().to_owned())
    };
    let links = ["lo=127.0.0.1/8", "eth0=10.0.0.1/16"];
    let (met, count, text) = of(&links, &expected(Some(2), &[]));
    assert_eq!((met, count), (false, 1), "{text}");
    assert!(text.ends_with("other; this machine's own node is not counted (--local counts it)"), "{text}");
    let local = Expectation { local: true, ..expected(Some(2), &[]) };
    assert!(of(&links, &local).0);
    assert!(of(&links, &expected(Some(2), &["own"])).0, "a person named it");
    assert!(of(&links[..1], &expected(Some(2), &[])).0, "loopback is all there is");
}

#[test]
fn a_peer_whose_last_dial_ended_long_ago_is_not_reachable_until_it_was_dialed_again() {
    let since = testkit::t0() + Duration::from_mins(1);
    let dialed = |nth, name: &str, ago: u64| {
        let mut peer = serves(peer(nth, name, PeerState::Up));
        peer.observation.checked = Some(testkit::t0() + Duration::from_secs(ago));
        peer
    };
    let mut view = view(vec![dialed(1, "old", 59), dialed(2, "fresh", 61)]);
    super::forget_what_is_older(&mut view.table, since);
    let outcome = judge(&expected(Some(2), &[]), &view);
    assert_eq!(outcome.reachable, ["fresh"]);
    assert!(outcome.text().contains("missing old: new, it dials this machine"), "{}", outcome.text());
}
