//! What a finding says of an incident, and the observations that it rests on.

use std::sync::Arc;

use crate::engine::address::Endpoint;
use crate::engine::hardware::HardwareAddr;
use crate::engine::limits::{FLAPS, LATE_TIMES};
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::{Slowness, Tardiness};
use crate::proto;

use super::advice::Advice;
use super::advise::advice;
use super::blocked::blocking_rules;
use super::evidence::{Echo, Evidence, Heard, IcmpSender, Who};
use super::finding::{Finding, FindingId, MAX_PAIRS_LISTED};
use super::foreign_nodes::{ForeignNode, Mismatch};
use super::grid::NodeIdx;
use super::incident::{FailingPair, Incident};
use super::network_view::{NetworkView, SplitNetwork};
use super::rules::icmp_confirms;
use super::verdict::{Confidence, Pattern, Verdict};
use super::whom::{networks, rival, several, shared_address, who};

/// Pieces of evidence in one finding: what fits on a page about a peer.
const MAX_EVIDENCE: usize = 6;

/// Rules of this machine's own packet filter in one finding: there is to be room for what fails by them.
const MAX_RULES: usize = 3;

/// The finding that an incident is published as.
pub(super) fn finding(view: &NetworkView, incident: &Incident) -> Finding {
    let confirmed = incident.pairs.iter().any(|pair| is_confirmed(view, *pair, incident.verdict));
    let info = |node: NodeIdx| &view.node(node).info;
    let id = |node: NodeIdx| info(node).id;
    let rules = own_rules(view, incident);
    let listed = incident.pairs.iter().filter_map(|pair| Some((id(pair.from)?, id(pair.to)?)));
    Finding {
        id: FindingId::default(),
        peer: Arc::clone(info(incident.accused())),
        verdict: incident.verdict,
        evidence: evidence(view, incident, &rules),
        advice: advice(view, incident, &rules),
        pattern: incident.pattern,
        confidence: if confirmed { Confidence::Certain } else { incident.confidence },
        names: names(view, incident),
        nodes: incident.nodes.iter().filter_map(|node| id(*node)).collect(),
        pairs: listed.take(MAX_PAIRS_LISTED).collect(),
        pair_count: incident.pairs.len(),
        since: view.setting().now,
        replaces: None,
    }
}

/// The names of those that it is about: of segments those of the networks, the first of which is that of the first node.
fn names(view: &NetworkView, incident: &Incident) -> Vec<String> {
    let networks = networks(view, incident);
    if networks.is_empty() {
        return incident.nodes.iter().map(|node| view.node(*node).info.name.clone()).collect();
    }
    networks.iter().map(ToString::to_string).collect()
}

/// Whether ICMP says the same of a pair as the verdict.
fn is_confirmed(view: &NetworkView, pair: FailingPair, verdict: Verdict) -> bool {
    view.icmp(pair.from, pair.to)
        .is_some_and(|icmp| icmp_confirms(verdict, icmp.code, view.is_from_itself(icmp, pair.to)))
}

/// The finding about a node that is no peer.
pub(super) fn foreign_node(view: &NetworkView, node: &ForeignNode) -> Finding {
    let who = Who::Peer(Arc::clone(&node.info));
    let ago = view.ago(node.heard);
    let group = view.setting().group.clone();
    let (evidence, advice) = match &node.mismatch {
        Mismatch::Group(theirs) => (
            Evidence::OtherGroup { who, theirs: theirs.clone(), ours: group.clone(), ago },
            Advice::AdoptIntoGroup { group },
        ),
        Mismatch::Version(theirs) => {
            (Evidence::OtherVersion { who, theirs: *theirs, ours: proto::VERSION, ago }, Advice::Update)
        }
        Mismatch::Network { theirs, ours } => (
            Evidence::OtherNetwork { who: who.clone(), theirs: *theirs, ours: *ours, ago },
            Advice::JoinNetwork { host: who },
        ),
        Mismatch::Secret(theirs) => {
            (Evidence::OtherSecret { who, theirs: *theirs, ago }, Advice::ShareSecret)
        }
    };
    Finding {
        id: FindingId::default(),
        peer: Arc::clone(&node.info),
        verdict: node.mismatch.verdict(),
        evidence: vec![evidence],
        advice,
        pattern: Pattern::ForeignNode,
        confidence: node.mismatch.confidence(),
        nodes: node.info.id.into_iter().collect(),
        names: vec![node.info.name.clone()],
        pairs: Vec::new(),
        pair_count: 0,
        since: node.since,
        replaces: None,
    }
}

/// What was observed, by whom, when; with the rules of this machine's own packet filter that explain it.
fn evidence(view: &NetworkView, incident: &Incident, rules: &[Arc<BlockingRule>]) -> Vec<Evidence> {
    let mut seen = Vec::new();
    seen.extend(of_all(view, incident));
    seen.extend(flaps(view, incident));
    seen.extend(late_answers(view, incident));
    seen.extend(rules.iter().take(MAX_RULES).map(|rule| Evidence::OwnFilter { rule: Arc::clone(rule) }));
    // Our own observation first, then one of somebody else's.
    let nearest =
        |pair: &&FailingPair| (pair.verdict != incident.verdict, !pair.from.is_self(), pair.from, pair.to);
    if let Some(FailingPair { from, to, .. }) = incident.pairs.iter().min_by_key(nearest).copied() {
        of_pair(view, from, to, &mut seen);
        if incident.verdict == Verdict::WrongSubnet {
            seen.extend(masks(view, from, to));
        }
        of_others(view, from, to, &mut seen);
    }
    if incident.pairs.len() > 2 && incident.nodes.len() == 1 {
        seen.push(Evidence::Common { node: who(view, incident.accused()), pairs: incident.pairs.len() });
    }
    seen.truncate(MAX_EVIDENCE);
    seen
}

/// Where this machine is accused: the rules of its own packet filter that explain what fails, each once.
fn own_rules(view: &NetworkView, incident: &Incident) -> Vec<Arc<BlockingRule>> {
    let mut rules: Vec<Arc<BlockingRule>> = Vec::new();
    let accused = incident.accused().is_self();
    for pair in incident.pairs.iter().filter(|pair| accused && (pair.from.is_self() || pair.to.is_self())) {
        for rule in blocking_rules(view, pair.from, pair.to) {
            if !rules.contains(rule) {
                rules.push(Arc::clone(rule));
            }
        }
    }
    rules
}

/// How often those went that come and go: all with which this machine does, if that is accused.
fn flaps(view: &NetworkView, incident: &Incident) -> Vec<Evidence> {
    let is_meant = |node: &NodeIdx| incident.accused().is_self() || incident.nodes.contains(node);
    let nodes = view.others().filter(|node| incident.verdict == Verdict::Flapping && is_meant(node));
    let came_and_went = |node| {
        let within = view.node(node).flaps?;
        Some(Evidence::CameAndWent { who: who(view, node), times: FLAPS, within })
    };
    nodes.filter_map(came_and_went).take(MAX_EVIDENCE / 2).collect()
}

/// How late one answers that is accused of it.
fn late_answers(view: &NetworkView, incident: &Incident) -> Option<Evidence> {
    let accused = Some(incident.accused()).filter(|_| incident.verdict == Verdict::SlowHost)?;
    if let (true, Some(longest)) = (accused.is_self(), view.setting().hesitation) {
        return Some(Evidence::StoodStill { times: LATE_TIMES, longest });
    }
    let Tardiness::Slow(Slowness { longest, connect }) = view.node(accused).tardiness else { return None };
    Some(Evidence::AnswersLate { who: who(view, accused), longest, connect })
}

/// What is seen of an incident as a whole.
fn of_all(view: &NetworkView, incident: &Incident) -> Option<Evidence> {
    let nodes = &incident.nodes;
    match (incident.verdict, incident.pattern) {
        (Verdict::DuplicateName, _) => Some(Evidence::SharedName {
            addrs: nodes.iter().map(|node| view.node(*node).info.addr).collect(),
        }),
        (Verdict::AddressConflict, _) => Some(Evidence::SharedAddress {
            addr: shared_address(view, nodes),
            holders: holders(view, nodes, shared_address(view, nodes)),
            told_by: rival(view, nodes).map(|rival| Who::Peer(Arc::clone(&rival.told_by))),
        }),
        (Verdict::LocalProblem, Pattern::Row)
            if nodes.first() == Some(&NodeIdx::SELF) && incident.confidence != Confidence::Certain =>
        {
            Some(Evidence::AllSilent { count: incident.pairs.len() })
        }
        (Verdict::LocalProblem, Pattern::Host) if incident.accused().is_self() => {
            let SplitNetwork { links, network, all_by_the_unrouted } = view.setting().split.clone()?;
            Some(Evidence::SplitNetwork { links, network, all_by_the_unrouted })
        }
        (_, Pattern::Segments) => {
            let (networks, paths) = (networks(view, incident), incident.pairs.len());
            let hosts = several(view, nodes.iter().copied());
            Some(match networks[..] {
                [one, other] => Evidence::AcrossNetworks { networks: [one, other], paths, hosts },
                _ => Evidence::NetworkCutOff { network: *networks.first()?, paths },
            })
        }
        (Verdict::Isolated, Pattern::Islands) => {
            Some(Evidence::VanishedTogether { hosts: several(view, nodes.iter().copied()) })
        }
        _ => None,
    }
}

/// Hosts with one address. A hardware address that two of them seem to have was read while the address went from one to the other.
fn holders(view: &NetworkView, nodes: &[NodeIdx], addr: Endpoint) -> Vec<(Who, Option<HardwareAddr>)> {
    let hardware = |node: NodeIdx| {
        let own = || view.setting().links.hardware_at(addr.zoned_ip());
        if node.is_self() { own() } else { view.node(node).hardware }
    };
    let of_one =
        |found: &HardwareAddr| nodes.iter().filter(|node| hardware(**node) == Some(*found)).count() == 1;
    nodes.iter().map(|node| (who(view, *node), hardware(*node).filter(of_one))).collect()
}

/// What one end sees of the other, and what that one says.
fn of_pair(view: &NetworkView, from: NodeIdx, to: NodeIdx, seen: &mut Vec<Evidence>) {
    let Some(mine) = view.observation(from, to) else { return };
    let (me, whom) = (who(view, from), who(view, to));
    match (mine.cause.filter(|_| mine.tcp.is_failing()), mine.checked) {
        (Some(cause), Some(at)) => {
            seen.push(Evidence::DialFailed { from: me.clone(), to: whom.clone(), cause, ago: view.ago(at) });
        }
        (None, Some(at)) if mine.tcp.is_ok() => {
            seen.push(Evidence::DialAnswered { from: me.clone(), to: whom.clone(), ago: view.ago(at) });
        }
        _ => {}
    }
    seen.extend(icmp(view, from, to));
    let (echo, heard) = (echo(mine), heard(mine));
    if echo.is_some() || heard.is_some() {
        seen.push(Evidence::Udp { from: me.clone(), to: whom.clone(), echo, heard });
    }
    if let Some(hears) = view.observation(to, from).and_then(hearing) {
        seen.push(Evidence::Hearing { by: whom.clone(), from: me.clone(), hears });
    }
    if mine.served.is_ok() && mine.tcp.is_failing() {
        seen.push(Evidence::DialsArrive { from: whom.clone(), to: me.clone() });
    }
    // What is heard there says nothing of TCP.
    let of_udp = !mine.tcp.is_failing() && (mine.echo.is_failing() || mine.broadcast.is_failing());
    if let Some(at) = view.node(to).heard_elsewhere.filter(|_| from.is_self() && of_udp) {
        seen.push(Evidence::HeardElsewhere { of: whom.clone(), at, failing: view.node(to).info.addr });
    }
    if let (Some(at), false) = (mine.alive, mine.echo.is_ok() || mine.tcp.is_ok()) {
        seen.push(Evidence::LastAlive { of: whom, by: me, ago: view.ago(at) });
    }
}

/// How UDP echoes fare.
fn echo(mine: &Observation) -> Option<Echo> {
    if mine.echo.is_ok() {
        Some(Echo::Returned { lost: mine.loss.unwrap_or(0), large_lost: mine.large.is_failing() })
    } else {
        mine.echo.is_failing().then_some(Echo::Lost)
    }
}

/// What is heard by UDP.
fn heard(mine: &Observation) -> Option<Heard> {
    match (mine.broadcast.is_ok(), mine.unicast.is_ok(), mine.broadcast.is_failing()) {
        (true, ..) => Some(Heard::Broadcasts),
        (_, true, true) => Some(Heard::UnicastOnly),
        (_, true, _) => Some(Heard::Unicast),
        (_, _, true) => Some(Heard::Nothing),
        _ => None,
    }
}

/// Whether a node tells that it hears the other one by UDP.
fn hearing(theirs: &Observation) -> Option<bool> {
    let hears = theirs.broadcast.is_ok() || theirs.unicast.is_ok();
    (hears || theirs.unicast.is_failing()).then_some(hears)
}

/// What ICMP says of datagrams in this direction.
fn icmp(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> Option<Evidence> {
    let icmp = view.icmp(from, to)?;
    let sender = match icmp.from {
        Some(_) if view.is_from_itself(icmp, to) => IcmpSender::Target,
        Some(router) => IcmpSender::Router(view.setting().links.told(router.at_port(0))),
        None => IcmpSender::Unknown,
    };
    Some(Evidence::IcmpError { target: view.node(to).info.addr, code: icmp.code, sender })
}

fn masks(view: &NetworkView, a: NodeIdx, b: NodeIdx) -> Option<Evidence> {
    let (of_a, of_b) = view.masks(a, b)?;
    let mask = |node: NodeIdx, prefix: u8| (who(view, node), view.node(node).info.addr.ip(), prefix);
    Some(Evidence::Masks { one: mask(a, of_a), other: mask(b, of_b) })
}

/// What the others see of the node that fails.
fn of_others(view: &NetworkView, from: NodeIdx, to: NodeIdx, seen: &mut Vec<Evidence>) {
    let others = |tcp: PathStatus| {
        let others = view.all().filter(|by| *by != from && *by != to);
        several(view, others.filter(|by| view.observation(*by, to).is_some_and(|seen| seen.tcp == tcp)))
    };
    let (reach, fail) = (others(PathStatus::Ok), others(PathStatus::Failing));
    if reach.count > 0 {
        seen.push(Evidence::OthersReach { others: reach, to: who(view, to) });
    }
    if fail.count > 0 {
        seen.push(Evidence::OthersFail { others: fail, to: who(view, to) });
    }
}
