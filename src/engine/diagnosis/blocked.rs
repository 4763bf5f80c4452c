//! Which of the ways between this node and another one fail because a rule of this machine's own packet filter stops them.

use std::sync::Arc;

use crate::engine::cause::Cause;
use crate::engine::observation::Observation;
use crate::engine::packet_filter::{BlockingRule, Direction, IpVersion, Traffic};

use super::grid::NodeIdx;
use super::network_view::NetworkView;

/// How a dial ends whose packets are dropped or rejected. Others got an answer, or got it too late.
const STOPPED: [Cause; 7] = [
    Cause::Refused,
    Cause::TimedOut,
    Cause::HostUnreachable,
    Cause::NetworkUnreachable,
    Cause::PermissionDenied,
    Cause::Reset,
    Cause::Other,
];

/// Ways that fail from one node to another, of which one is this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Ways {
    /// Dials.
    pub(super) tcp: bool,
    /// Datagrams to one host.
    pub(super) unicast: bool,
    /// Broadcasts.
    pub(super) broadcast: bool,
}

/// The ways that fail in this direction, where rules of this machine's own packet filter explain all of them; none where nothing fails, or
/// where something else does.
pub(super) fn blocked_ways(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> Option<Ways> {
    let seen = view.observation(from, to)?;
    if view.is_outdated(from, to, seen) {
        return None;
    }
    // One of whom nothing is heard is most likely gone, unless nothing is heard of anybody.
    if from.is_self() && !seen.hears().is_ok() && view.hears_anybody() {
        return None;
    }
    let failing = Ways {
        tcp: seen.tcp.is_failing(),
        unicast: seen.echo.is_failing() || seen.unicast.is_failing(),
        broadcast: seen.broadcast.is_failing(),
    };
    let explained = |fails: bool, traffic| !fails || rules(view, from, to, traffic).next().is_some();
    let all = explained(failing.tcp, Traffic::Tcp)
        && explained(failing.unicast, Traffic::Unicast)
        && explained(failing.broadcast, Traffic::Broadcast);
    (all && failing != Ways::default()).then_some(failing)
}

/// The rules that explain what fails in this direction.
pub(super) fn blocking_rules(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> Vec<&Arc<BlockingRule>> {
    let Some(ways) = blocked_ways(view, from, to) else { return Vec::new() };
    let failing =
        [(ways.tcp, Traffic::Tcp), (ways.unicast, Traffic::Unicast), (ways.broadcast, Traffic::Broadcast)];
    let traffic = failing.into_iter().filter(|(fails, _)| *fails).map(|(_, traffic)| traffic);
    traffic.flat_map(|traffic| rules(view, from, to, traffic)).collect()
}

/// The rules that stop this traffic between two nodes, one of which is this one, so that it fails as it does in this direction.
fn rules(
    view: &NetworkView,
    from: NodeIdx,
    to: NodeIdx,
    traffic: Traffic,
) -> impl Iterator<Item = &Arc<BlockingRule>> {
    let seen = view.observation(from, to);
    let peer = if from.is_self() { to } else { from };
    let meets = move |rule: &BlockingRule| rule.stops.contains(&traffic) && concerns(view, rule, peer);
    let stops = move |rule: &BlockingRule| match (traffic, rule.direction) {
        (Traffic::Tcp, direction) => seen.is_some_and(|seen| fails_as_stopped(view, seen, from, direction)),
        // Echoes go there and back. Where others still come back the rule does not stop them, whatever port it names.
        (Traffic::Unicast, _) => {
            let began = view.trouble(NodeIdx::SELF, peer);
            began.is_none_or(|began| !view.others_echo_since(peer, began))
        }
        (Traffic::Broadcast, Direction::In) => from.is_self(),
        (Traffic::Broadcast, Direction::Out) => to.is_self(),
    };
    view.setting().blocking.iter().filter(move |rule| meets(rule) && stops(rule))
}

/// Whether a rule is about packets from or to a peer, by the address at which it is dialed.
fn concerns(view: &NetworkView, rule: &BlockingRule, peer: NodeIdx) -> bool {
    let addr = view.node(peer).info.addr;
    let version = if addr.ip().is_ipv4() { IpVersion::V4 } else { IpVersion::V6 };
    let link = view.setting().links.name_towards(addr.zoned_ip());
    // Whoever is on no link of ours is behind a router on one of them.
    rule.ip == version && link.is_none_or(|link| rule.interfaces.contains(link))
}

/// Whether dials fail as if such a rule about connections stopped them. One that stops what comes in mostly lets the answers to what
/// goes out pass: that nothing goes out, either, shows by that nobody is reached.
fn fails_as_stopped(view: &NetworkView, seen: &Observation, from: NodeIdx, direction: Direction) -> bool {
    let stopped = seen.cause.is_none_or(|cause| STOPPED.contains(&cause));
    let reaches_somebody =
        || view.others().any(|to| view.observation(from, to).is_some_and(|seen| seen.tcp.is_ok()));
    stopped
        && match (direction, from.is_self()) {
            (Direction::Out, mine) => mine,
            (Direction::In, false) => true,
            (Direction::In, true) => !reaches_somebody(),
        }
}
