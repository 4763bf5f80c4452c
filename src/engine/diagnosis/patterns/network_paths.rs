//! Paths between the hosts of two networks: whether they work, fail, or are not known yet.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use super::failures::{Failures, Verdicts};
use crate::engine::cause::Cause;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::FailingPair;
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::Verdict;
use crate::engine::network::Network;

/// Fewest hosts of each network that a path between two of them needs: of one alone, it may be that host.
pub(super) const HOSTS: usize = 2;

/// Fewest paths.
pub(super) const PATHS: usize = 3;

/// The paths from the hosts of one network to those of another one, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Between {
    pub(super) failing: Vec<FailingPair>,
    /// When the dials ended that worked.
    pub(super) working: Vec<Option<Instant>>,
}

impl Between {
    /// When it began to fail: not later than the earliest dial that failed.
    pub(super) fn began(&self, view: &NetworkView) -> Option<Instant> {
        let first = self.failing.iter().filter_map(|pair| ended(view, *pair)).min()?;
        first.checked_sub(view.setting().dial_timeout)
    }

    /// How many paths worked since: what was dialed before says nothing.
    pub(super) fn working_since(&self, began: Option<Instant>) -> usize {
        self.working
            .iter()
            .filter(|ended| ended.is_none_or(|at| began.is_none_or(|began| at >= began)))
            .count()
    }

    /// Whether nothing passes that is known to have been tried since, from several hosts to several, most of all that was ever known.
    pub(super) fn is_cut(&self, began: Option<Instant>) -> bool {
        let most = self.failing.len() >= self.working.len();
        most && self.is_of_networks() && self.working_since(began) == 0
    }

    /// Whether so many paths fail, from several hosts to several.
    pub(super) fn is_of_networks(&self) -> bool {
        let several = |end: fn(&FailingPair) -> NodeIdx| {
            let first = self.failing.first().map(end);
            self.failing.iter().any(|pair| Some(end(pair)) != first)
        };
        self.failing.len() >= PATHS && several(|pair| pair.from) && several(|pair| pair.to)
    }
}

/// When the dial of a pair last ended.
pub(super) fn ended(view: &NetworkView, pair: FailingPair) -> Option<Instant> {
    view.observation(pair.from, pair.to).and_then(|seen| seen.checked)
}

pub(super) fn networks(view: &NetworkView) -> BTreeSet<Network> {
    view.all().filter_map(|node| view.node(node).network).collect()
}

/// The hosts of a network at which these pairs begin or end.
pub(super) fn ends_in(view: &NetworkView, network: Network, pairs: &[FailingPair]) -> Vec<NodeIdx> {
    let mut is_end = vec![false; view.size()];
    for pair in pairs {
        (is_end[pair.from.index()], is_end[pair.to.index()]) = (true, true);
    }
    let in_it = |node: &NodeIdx| view.node(*node).network == Some(network);
    view.all().filter(|node| is_end[node.index()]).filter(in_it).collect()
}

/// With which other networks each one works: the two latest dials that say so are enough to tell whether there is one beside any given one.
#[derive(Debug, Default)]
pub(super) struct Reached(BTreeMap<Network, [Option<(Instant, Network)>; 2]>);

impl Reached {
    pub(super) fn of(view: &NetworkView, failures: &Failures, verdicts: &Verdicts) -> Self {
        failures.count(view.size() * view.size());
        let mut reached = Self::default();
        for (from, to) in view.all().flat_map(|from| view.all().map(move |to| (from, to))) {
            let (here, there) = (view.node(from).network, view.node(to).network);
            if here == there || !verdicts[(from, to)].is_some_and(Verdict::passes) {
                continue;
            }
            let ended = view.observation(from, to).and_then(|seen| seen.checked);
            if let (Some(here), Some(there), Some(ended)) = (here, there, ended) {
                reached.note(here, there, ended);
                reached.note(there, here, ended);
            }
        }
        reached
    }

    fn note(&mut self, one: Network, other: Network, at: Instant) {
        let latest = self.0.entry(one).or_default();
        if let Some(known) = latest.iter_mut().flatten().find(|(_, network)| *network == other) {
            known.0 = known.0.max(at);
        } else if latest[1].is_none_or(|(before, _)| at > before) {
            latest[1] = Some((at, other));
        }
        if latest[0] < latest[1] {
            latest.swap(0, 1);
        }
    }

    /// Whether a path between a network and another one than this is known to have worked since.
    pub(super) fn beyond(&self, one: Network, other: Network, since: Option<Instant>) -> bool {
        let latest = self.0.get(&one).into_iter().flatten().flatten();
        latest.clone().any(|(at, network)| *network != other && Some(*at) >= since)
    }
}

/// Whether what failed first since then may be all that is known of it yet.
pub(super) fn is_recent(view: &NetworkView, began: Option<Instant>) -> bool {
    began.is_some_and(|began| view.ago(began) <= view.setting().patience + view.setting().dial_timeout)
}

/// Whether a path works.
pub(super) enum Way {
    Works,
    Fails(Verdict),
}

pub(super) fn how(
    view: &NetworkView,
    failures: &Failures,
    verdicts: &Verdicts,
    from: NodeIdx,
    to: NodeIdx,
) -> Option<Way> {
    let verdict = verdicts[(from, to)];
    let fails = failures.verdict(from, to).filter(|verdict| is_of_a_path(*verdict));
    let open = || verdict.is_none().then(|| seems(view, from, to)).flatten();
    let fails = fails.or_else(open).map(Way::Fails);
    fails.or_else(|| verdict.is_some_and(Verdict::passes).then_some(Way::Works))
}

/// What a path seems to be on which there is no verdict yet: all hosts together are evidence that one alone is not.
fn seems(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> Option<Verdict> {
    let seen = view.observation(from, to)?;
    let vanishes = matches!(seen.cause, Some(Cause::TimedOut | Cause::HostUnreachable | Cause::NoReply));
    match (seen.tcp.is_failing() && vanishes, seen.echo.is_failing()) {
        (true, true) => Some(Verdict::Isolated),
        (true, false) => Some(Verdict::FirewallDrop),
        (false, true) if seen.tcp.is_ok() => Some(Verdict::UdpBlocked),
        (false, _) => None,
    }
}

/// Whether what fails may lie on the way, and not in what is dialed.
fn is_of_a_path(verdict: Verdict) -> bool {
    match verdict {
        Verdict::FirewallReject
        | Verdict::FirewallDrop
        | Verdict::HostDown
        | Verdict::Isolated
        | Verdict::OneWayUdp
        | Verdict::UdpBlocked
        | Verdict::OneWayTcp
        | Verdict::HungPeer
        | Verdict::Mtu
        | Verdict::NoRoute => true,
        Verdict::Ok
        | Verdict::ClosedPort
        | Verdict::BroadcastBlocked
        | Verdict::PacketLoss
        | Verdict::WrongSubnet
        | Verdict::LocalProblem
        | Verdict::WrongSecret
        | Verdict::WrongGroup
        | Verdict::VersionMismatch
        | Verdict::DuplicateName
        | Verdict::AddressConflict
        | Verdict::Flapping
        | Verdict::SlowHost
        | Verdict::Unknown => false,
    }
}
