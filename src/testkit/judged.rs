//! Views for the diagnosis alone, with rows as bad as anybody could forge them.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::cause::Cause;
use crate::engine::diagnosis::loss_comparison::Others;
use crate::engine::diagnosis::network_view::{JudgedNode, Mask, NetworkView, Setting, ToldRow};
use crate::engine::links::Links;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::packet_filter::BlockingRule;

use super::{ms, peer, secs};

/// How long each may need to notice that UDP fails.
const NOTICE: Duration = ms(7_800);
/// Within which time each dials everybody.
const PATIENCE: Duration = secs(14);

/// What everybody says in a view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bad {
    /// That every pair fails by one verdict.
    Alike,
    /// That every pair fails, next to each other by other verdicts.
    Mixed,
    /// That every pair is cut off, while a few reach everybody and nobody reaches those lately: then each pair asks all that
    /// could be its witnesses.
    Witnessed,
    /// That every second pair fails, so that no host explains them.
    Scattered,
}

/// The view of this many nodes in which every row is bad.
pub fn bad_view(nodes: u16, bad: Bad, now: Instant) -> NetworkView {
    bad_nodes(nodes, bad, now)()
}

/// The same in two steps: what the engine has at hand anyway, and the taking of the view.
pub fn bad_nodes(nodes: u16, bad: Bad, now: Instant) -> impl FnOnce() -> NetworkView {
    let nodes = nodes_that_see(nodes, |from, to| bad_observation(from, to, bad, now), now);
    move || view(nodes, Vec::new(), now)
}

/// The view of this many nodes, each of which sees that of each.
#[cfg(test)]
pub fn view_of(nodes: u16, sees: impl Fn(u16, u16) -> Observation, now: Instant) -> NetworkView {
    view(nodes_that_see(nodes, sees, now), Vec::new(), now)
}

/// The same of a machine whose own packet filter has these rules.
#[cfg(test)]
pub fn view_behind(
    blocking: Vec<BlockingRule>,
    nodes: u16,
    sees: impl Fn(u16, u16) -> Observation,
    now: Instant,
) -> NetworkView {
    judged_behind(blocking, nodes_that_see(nodes, sees, now), now)
}

/// The same of these nodes.
#[cfg(test)]
pub fn judged_behind(blocking: Vec<BlockingRule>, nodes: Vec<JudgedNode>, now: Instant) -> NetworkView {
    view(nodes, blocking.into_iter().map(Arc::new).collect(), now)
}

/// The same of a machine that is late itself by so much.
#[cfg(test)]
pub fn judged_slow(hesitation: Option<Duration>, nodes: Vec<JudgedNode>, now: Instant) -> NetworkView {
    NetworkView::new(nodes, Vec::new(), Setting { hesitation, ..setting(Vec::new(), now) })
}

/// Nodes, each of which sees that of each.
pub fn nodes_that_see(nodes: u16, sees: impl Fn(u16, u16) -> Observation, now: Instant) -> Vec<JudgedNode> {
    let ids = 0..nodes;
    let node = |nth: u16| {
        let others = ids.clone().filter(|to| *to != nth);
        let observations: HashMap<NodeId, Observation> =
            others.map(|to| (NodeId(to.into()), sees(nth, to))).collect();
        JudgedNode {
            observation: (nth > 0).then(|| sees(0, nth)),
            row: (nth > 0).then(|| ToldRow {
                observations: Arc::new(observations),
                confirmed: ago(now, 1),
                changed: ago(now, 60),
                notice: NOTICE,
                patience: PATIENCE,
            }),
            outcomes: 32,
            share_lost: if nth > 0 { sees(0, nth).loss.unwrap_or(0) } else { 0 },
            mask: (nth > 0).then(|| Mask { theirs: 24, ours: 24, link: Arc::from("eth0") }),
            ..JudgedNode::new(peer(nth.into(), &format!("h{nth}")), ago(now, 600))
        }
    };
    ids.clone().map(node).collect()
}

fn view(nodes: Vec<JudgedNode>, blocking: Vec<Arc<BlockingRule>>, now: Instant) -> NetworkView {
    NetworkView::new(nodes, Vec::new(), setting(blocking, now))
}

fn setting(blocking: Vec<Arc<BlockingRule>>, now: Instant) -> Setting {
    Setting {
        notice: NOTICE,
        echo_period: ms(2_500),
        patience: PATIENCE,
        dial_timeout: secs(4),
        margin: secs(8),
        broadcast_gap: ms(5_500),
        group: "default".into(),
        presence_port: 17_474,
        loss_of_others: Some((Ipv4Addr::new(10, 0, 0, 9).into(), Others::of(0, 160))),
        blocking,
        split: None,
        hesitation: None,
        rivals: Vec::new(),
        links: Links::default(),
        now,
    }
}

/// Nodes that reach everybody where all others are cut off.
const REACHING: u16 = 17;

fn bad_observation(from: u16, to: u16, bad: Bad, now: Instant) -> Observation {
    match bad {
        Bad::Alike => failing(Cause::Refused, now),
        Bad::Mixed => mixed(usize::from(from) * 7 + usize::from(to) * 3, now),
        Bad::Scattered if (from + to).is_multiple_of(2) => fine(now),
        Bad::Scattered => mixed(usize::from(from.max(to)) * 5 + usize::from(from.min(to)), now),
        Bad::Witnessed if from < REACHING => fine(now),
        Bad::Witnessed if to < REACHING => Observation { checked: Some(ago(now, 30)), ..fine(now) },
        Bad::Witnessed => Observation {
            served: PathStatus::Ok,
            checked: Some(ago(now, 5)),
            ..failing(Cause::TimedOut, now)
        },
    }
}

fn ago(now: Instant, seconds: u64) -> Instant {
    now.checked_sub(secs(seconds)).unwrap_or(now)
}

/// Everything works.
pub fn fine(now: Instant) -> Observation {
    let [tcp, echo, broadcast, unicast, served] = [PathStatus::Ok; 5];
    let (checked, alive) = (Some(ago(now, 1)), Some(ago(now, 1)));
    Observation {
        tcp,
        echo,
        broadcast,
        unicast,
        served,
        loss: Some(0),
        checked,
        alive,
        ..Observation::default()
    }
}

/// No path works.
pub fn failing(cause: Cause, now: Instant) -> Observation {
    let [tcp, echo, broadcast, unicast] = [PathStatus::Failing; 4];
    let (checked, alive) = (Some(ago(now, 20)), Some(ago(now, 40)));
    Observation {
        tcp,
        echo,
        broadcast,
        unicast,
        cause: Some(cause),
        checked,
        alive,
        ..Observation::default()
    }
}

/// One of several faults, each with a verdict of its own, and evidence that is not settled.
fn mixed(nth: usize, now: Instant) -> Observation {
    let well = fine(now);
    let dead = |cause| failing(cause, now);
    let faults = [
        dead(Cause::TimedOut),
        dead(Cause::Refused),
        Observation { echo: PathStatus::Ok, ..dead(Cause::Refused) },
        dead(Cause::NoReply),
        dead(Cause::NoRoute),
        dead(Cause::Reset),
        Observation { echo: PathStatus::Ok, served: PathStatus::Ok, ..dead(Cause::TimedOut) },
        Observation { echo: PathStatus::Failing, ..well },
        Observation { broadcast: PathStatus::Failing, ..well },
        Observation { large: PathStatus::Failing, ..well },
        Observation { loss: Some(30), ..well },
        Observation { tcp: PathStatus::Ok, cause: None, ..dead(Cause::Other) },
        Observation { tcp: PathStatus::Unknown, ..dead(Cause::Other) },
    ];
    faults[nth % faults.len()]
}
