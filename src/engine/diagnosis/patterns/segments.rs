//! Networks with a router between them that lets nothing pass, or not all: the hosts of both are well, and every path between them fails.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Instant;

use super::cut_off::cut_off;
use super::failures::{Failures, Verdicts, usual};
use super::network_paths::{Between, HOSTS, Reached, Way, ended, ends_in, how, is_recent, networks};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::network::Network;

/// Where paths between several hosts of two networks fail, and the latest dial between them worked: when that was. What failed before
/// may work again, too.
fn recovering(view: &NetworkView, both: [&Between; 2], one: Network) -> Option<Instant> {
    let failing = || both.into_iter().flat_map(|way| &way.failing);
    let ends = |here: bool| {
        let ends = failing().flat_map(|pair| [pair.from, pair.to]);
        let ends = ends.filter(|node| (view.node(*node).network == Some(one)) == here);
        ends.collect::<BTreeSet<NodeIdx>>().len()
    };
    let working = both.into_iter().flat_map(|way| way.working.iter().flatten().copied());
    let last = working.max().filter(|at| view.ago(*at) <= view.setting().patience);
    last.filter(|_| ends(true) >= HOSTS && ends(false) >= HOSTS)
}

/// What keeps networks apart. Where it is not known yet whether one path fails or all between two networks, nothing is said of it, but not for
/// longer than everybody needs to dial everybody.
pub(super) fn between_segments(
    view: &NetworkView,
    failures: &mut Failures,
    verdicts: &Verdicts,
) -> Vec<Incident> {
    let is_here = |node: NodeIdx| view.setting().links.reaches(view.node(node).info.addr.zoned_ip());
    if view.others().all(is_here) {
        return Vec::new();
    }
    let several = networks(view).len() > 2;
    let reached = if several { Reached::of(view, failures, verdicts) } else { Reached::default() };
    let (mut found, mut held) = (Vec::new(), Vec::new());
    for ((one, other), [there, back]) in paths_between(view, failures, verdicts) {
        let began = there.began(view).into_iter().chain(back.began(view)).min();
        let cut: Vec<&Between> = [&there, &back].into_iter().filter(|paths| paths.is_cut(began)).collect();
        if cut.is_empty() {
            let all = there.failing.iter().chain(&back.failing);
            let wait = may_be_all(view, [&there, &back], began)
                && !fails_at_home(view, failures, verdicts, [&there, &back]);
            let recovered = recovering(view, [&there, &back], one);
            for pair in all.filter(|pair| wait || recovered.is_some_and(|at| ended(view, **pair) < Some(at)))
            {
                failures.remove(pair.from, pair.to);
            }
            continue;
        }
        let mut pairs: Vec<FailingPair> =
            cut.iter().flat_map(|paths| paths.failing.iter().copied()).collect();
        pairs.sort_unstable();
        if several
            && is_recent(view, began)
            && !(reached.beyond(one, other, began) && reached.beyond(other, one, began))
        {
            // One of the two may be cut off from all.
            held.extend(pairs);
            continue;
        }
        for pair in &pairs {
            failures.remove(pair.from, pair.to);
        }
        let nodes = [one, other].into_iter().flat_map(|network| ends_in(view, network, &pairs)).collect();
        found.push(Incident {
            verdict: verdict(view, &pairs),
            pattern: Pattern::Segments,
            confidence: Confidence::Certain,
            nodes,
            pairs,
        });
    }
    found.extend(cut_off(view, failures, verdicts, &reached));
    for pair in held {
        failures.remove(pair.from, pair.to);
    }
    found
}

/// The paths between each two networks of several hosts, there and back, between hosts that are well otherwise.
fn paths_between(
    view: &NetworkView,
    failures: &Failures,
    verdicts: &Verdicts,
) -> BTreeMap<(Network, Network), [Between; 2]> {
    let mut hosts_of: BTreeMap<Network, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.all() {
        if let Some(network) = view.node(node).network {
            hosts_of.entry(network).or_default().push(node);
        }
    }
    hosts_of.retain(|_, hosts| hosts.len() >= HOSTS);
    let mut paths = BTreeMap::new();
    if hosts_of.len() < 2 {
        return paths;
    }
    let well = WorkingWith::of(view, verdicts);
    failures.count(2 * view.size() * view.size());
    for (one, ours) in &hosts_of {
        for (other, theirs) in hosts_of.range((Bound::Excluded(*one), Bound::Unbounded)) {
            let way = |from: &[NodeIdx], to: &[NodeIdx], [here, there]: [Network; 2]| {
                let mut way = Between::default();
                for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
                    match how(view, failures, verdicts, from, to) {
                        Some(Way::Fails(verdict)) if well.sends(from, there) && well.gets(to, here) => {
                            way.failing.push(FailingPair { from, to, verdict });
                        }
                        Some(Way::Works) => {
                            way.working.push(view.observation(from, to).and_then(|seen| seen.checked));
                        }
                        _ => {}
                    }
                }
                way
            };
            let both = [way(ours, theirs, [*one, *other]), way(theirs, ours, [*other, *one])];
            if both.iter().any(|way| !way.failing.is_empty()) {
                paths.insert((*one, *other), both);
            }
        }
    }
    paths
}

/// With which networks each host works, in either direction: two of them are enough to tell whether there is one beside any given one. What
/// fails may be all that a host sends, or all that it gets: so it must do with others what it does not there.
struct WorkingWith {
    sends: Vec<[Option<Network>; 2]>,
    gets: Vec<[Option<Network>; 2]>,
}

impl WorkingWith {
    fn of(view: &NetworkView, verdicts: &Verdicts) -> Self {
        let mut well = Self { sends: vec![[None; 2]; view.size()], gets: vec![[None; 2]; view.size()] };
        for from in view.all() {
            for to in view.all().filter(|to| verdicts[(from, *to)].is_some_and(Verdict::passes)) {
                note(&mut well.sends[from.index()], view.node(to).network);
                note(&mut well.gets[to.index()], view.node(from).network);
            }
        }
        well
    }

    /// Whether a host reaches one that is not in this network.
    fn sends(&self, host: NodeIdx, beside: Network) -> bool {
        self.sends[host.index()].iter().flatten().any(|network| *network != beside)
    }

    /// Whether a host is reached from one that is not in this network.
    fn gets(&self, host: NodeIdx, beside: Network) -> bool {
        self.gets[host.index()].iter().flatten().any(|network| *network != beside)
    }
}

fn note(networks: &mut [Option<Network>; 2], network: Option<Network>) {
    match networks {
        [first @ None, _] => *first = network,
        [first, second @ None] if *first != network => *second = network,
        _ => {}
    }
}

/// Whether the paths that fail may be the first of all between two networks of several hosts each: nothing passed since.
fn may_be_all(view: &NetworkView, both: [&Between; 2], began: Option<Instant>) -> bool {
    let known = |way: &Between| way.failing.len() + way.working.len();
    let failing: usize = both.iter().map(|way| way.failing.len()).sum();
    let large = both.iter().any(|way| known(way) >= HOSTS * HOSTS);
    failing > 0 && large && is_recent(view, began) && both.iter().all(|way| way.working_since(began) == 0)
}

/// Whether one host is an end of all paths that fail between two networks, and fails with hosts of its own network, too.
fn fails_at_home(view: &NetworkView, failures: &Failures, verdicts: &Verdicts, both: [&Between; 2]) -> bool {
    let failing: Vec<FailingPair> = both.into_iter().flat_map(|way| way.failing.iter().copied()).collect();
    let Some(first) = failing.first() else { return false };
    let network = |node: NodeIdx| view.node(node).network;
    let fails = |from, to| matches!(how(view, failures, verdicts, from, to), Some(Way::Fails(_)));
    [first.from, first.to].into_iter().any(|host| {
        let mut mates = view.all().filter(|mate| *mate != host && network(*mate) == network(host));
        failing.iter().all(|pair| pair.from == host || pair.to == host)
            && mates.any(|mate| fails(host, mate) || fails(mate, host))
    })
}

/// What does not pass.
fn verdict(view: &NetworkView, pairs: &[FailingPair]) -> Verdict {
    let seen = || pairs.iter().filter_map(|pair| view.observation(pair.from, pair.to));
    let tcp_passes = seen().any(|seen| seen.tcp.is_ok());
    let udp_passes = seen().any(|seen| seen.echo.is_ok());
    let most = usual(pairs.iter().map(|pair| pair.verdict));
    match (tcp_passes, udp_passes) {
        _ if matches!(most, Verdict::NoRoute | Verdict::Mtu | Verdict::FirewallReject) => most,
        (false, false) => Verdict::Isolated,
        (true, false) => Verdict::UdpBlocked,
        (false, true) => Verdict::FirewallDrop,
        (true, true) => most,
    }
}
