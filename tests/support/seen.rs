//! What tests look for in events: predicates with the contract's words.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::node::{Mark, Node, Seen};

/// Any event of this kind.
pub(crate) fn kind(kind: &str) -> impl Fn(&Value) -> bool + '_ {
    move |e| e["event"] == kind
}

/// An event of this kind about this peer.
pub(crate) fn about<'a>(kind: &'a str, peer: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |e| e["event"] == kind && e["peer"]["name"] == peer
}

/// A command of this name was there for a moment.
pub(crate) fn visited(name: &str) -> impl Fn(&Value) -> bool + '_ {
    move |e| e["event"] == "visited" && e["name"] == name
}

/// The peer entered this state.
pub(crate) fn becomes<'a>(peer: &'a str, state: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |e| about("peer_state", peer)(e) && e["to"] == state
}

/// An attempt to dial this peer failed for this cause.
pub(crate) fn fails<'a>(peer: &'a str, cause: &'a str) -> impl Fn(&Value) -> bool + 'a {
    move |e| about("dial_failed", peer)(e) && e["cause"] == cause
}

/// The event's own time.
#[track_caller]
pub(crate) fn time(event: &Value) -> SystemTime {
    let ts = event["ts"].as_str().unwrap_or_else(|| panic!("an event without a time: {event}"));
    humantime::parse_rfc3339(ts).unwrap_or_else(|e| panic!("{ts:?} is not RFC 3339: {e}"))
}

/// From one event to a later one; zero if it is not later.
#[track_caller]
pub(crate) fn between(earlier: &Value, later: &Value) -> Duration {
    time(later).duration_since(time(earlier)).unwrap_or_default()
}

/// The state that a node has last printed for a peer.
pub(crate) fn last_state(node: &Node, peer: &str) -> Option<String> {
    let states = node.always().events(about("peer_state", peer));
    states.last().and_then(|e| e["to"].as_str()).map(str::to_owned)
}

/// The next whole retrying dial of a peer, from its first attempt to its giving up: its events.
#[track_caller]
pub(crate) fn failed_dial(node: &Node, peer: &str, since: Mark, within: Duration) -> Vec<Seen> {
    let first = node
        .since(since)
        .wait_for(within, |e| about("dial_started", peer)(e) && e["attempt"] == 1 && e["forced"] == false);
    let end = node.since(first.mark).wait_for(within, about("dial_gave_up", peer));
    let dial =
        |e: &Value| e["peer"]["name"] == peer && e["event"].as_str().is_some_and(|k| k.starts_with("dial_"));
    let mut events = node.since(first.mark).events(dial);
    events.retain(|e| e.mark <= end.mark);
    events.insert(0, first);
    events
}
