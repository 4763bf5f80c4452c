//! Networks with a router between them that lets nothing pass, or not all: the hosts of both are well, and every path between them fails.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::time::Instant;

use super::failures::{Failures, Verdicts, usual};
use crate::engine::cause::Cause;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::network::Network;
use crate::engine::observation::Observation;

/// Fewest hosts of each network that a path between two of them needs: of one alone, it may be that host.
const HOSTS: usize = 2;

/// Fewest paths.
const PATHS: usize = 3;

/// The paths from the hosts of one network to those of another one, as far as they are known.
#[derive(Debug, Default)]
struct Between {
    failing: Vec<FailingPair>,
    /// When the dials ended that worked.
    working: Vec<Option<Instant>>,
}

impl Between {
    /// When it began to fail: not later than the earliest dial that failed.
    fn began(&self, view: &NetworkView) -> Option<Instant> {
        let first = self.failing.iter().filter_map(|pair| ended(view, *pair)).min()?;
        first.checked_sub(view.setting().dial_timeout)
    }

    /// How many paths worked since: what was dialed before says nothing.
    fn working_since(&self, began: Option<Instant>) -> usize {
        self.working
            .iter()
            .filter(|ended| ended.is_none_or(|at| began.is_none_or(|began| at >= began)))
            .count()
    }

    /// Whether nothing passes that is known to have been tried since, from several hosts to several, most of all that was ever known.
    fn is_cut(&self, began: Option<Instant>) -> bool {
        let most = self.failing.len() >= self.working.len();
        most && self.is_of_networks() && self.working_since(began) == 0
    }

    /// Whether so many paths fail, from several hosts to several.
    fn is_of_networks(&self) -> bool {
        let several = |end: fn(&FailingPair) -> NodeIdx| {
            let first = self.failing.first().map(end);
            self.failing.iter().any(|pair| Some(end(pair)) != first)
        };
        self.failing.len() >= PATHS && several(|pair| pair.from) && several(|pair| pair.to)
    }
}

/// When the dial of a pair last ended.
fn ended(view: &NetworkView, pair: FailingPair) -> Option<Instant> {
    view.observation(pair.from, pair.to).and_then(|seen| seen.checked)
}

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
    let mut found = Vec::new();
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
    found.extend(cut_off(view, failures, verdicts));
    found
}

/// The hosts of a network at which these pairs begin or end.
fn ends_in(view: &NetworkView, network: Network, pairs: &[FailingPair]) -> Vec<NodeIdx> {
    let mut is_end = vec![false; view.size()];
    for pair in pairs {
        (is_end[pair.from.index()], is_end[pair.to.index()]) = (true, true);
    }
    let in_it = |node: &NodeIdx| view.node(*node).network == Some(network);
    view.all().filter(|node| is_end[node.index()]).filter(in_it).collect()
}

/// A network with which no path of any other one works. Where no network beyond this node's own is reached, of several, it is its own.
fn cut_off(view: &NetworkView, failures: &mut Failures, verdicts: &Verdicts) -> Option<Incident> {
    let home = view.node(NodeIdx::SELF).network?;
    let networks: BTreeSet<Network> = view.all().filter_map(|node| view.node(node).network).collect();
    let mut cut: Vec<(Network, Vec<FailingPair>)> = Vec::new();
    for network in networks.iter().copied().filter(|network| *network != home) {
        let paths = paths_with(view, failures, verdicts, network);
        let began = paths.began(view);
        let hosts = ends_in(view, network, &paths.failing).len();
        let most = paths.failing.len() >= PATHS.max(paths.working.len());
        if most && hosts >= HOSTS && paths.working_since(began) == 0 {
            cut.push((network, paths.failing));
        }
    }
    let own = cut.len() > 1 && cut.len() + 1 == networks.len();
    let accused = if own { home } else { cut.first()?.0 };
    let taken = if own { cut.len() } else { 1 };
    let mut pairs: Vec<FailingPair> = cut.into_iter().take(taken).flat_map(|(_, pairs)| pairs).collect();
    pairs.sort_unstable();
    for pair in &pairs {
        failures.remove(pair.from, pair.to);
    }
    let nodes = ends_in(view, accused, &pairs);
    let (verdict, pattern) = (Verdict::Isolated, Pattern::Segments);
    Some(Incident { verdict, pattern, confidence: Confidence::Likely, nodes, pairs })
}

/// The paths between the hosts of a network and all others.
fn paths_with(view: &NetworkView, failures: &Failures, verdicts: &Verdicts, network: Network) -> Between {
    let mut paths = Between::default();
    let is_in = |node: NodeIdx| view.node(node).network == Some(network);
    let hosts: Vec<NodeIdx> = view.all().filter(|node| is_in(*node)).collect();
    failures.count(view.size() * hosts.len());
    for (host, other) in hosts.iter().flat_map(|host| view.all().map(move |other| (*host, other))) {
        for (from, to) in [(host, other), (other, host)] {
            if is_in(other) {
                continue;
            }
            let reached = || view.observation(from, to).is_some_and(Observation::is_reached);
            match how(view, failures, verdicts, from, to) {
                Some(Way::Fails(verdict)) if !reached() => {
                    paths.failing.push(FailingPair { from, to, verdict });
                }
                Some(_) => paths.working.push(view.observation(from, to).and_then(|seen| seen.checked)),
                None => {}
            }
        }
    }
    paths
}

/// Whether a path works.
enum Way {
    Works,
    Fails(Verdict),
}

fn how(
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

/// Whether the paths that fail may be the first of all between two networks of several hosts each: nothing passed since.
fn may_be_all(view: &NetworkView, both: [&Between; 2], began: Option<Instant>) -> bool {
    let known = |way: &Between| way.failing.len() + way.working.len();
    let failing: usize = both.iter().map(|way| way.failing.len()).sum();
    let large = both.iter().any(|way| known(way) >= HOSTS * HOSTS);
    let recent =
        began.is_some_and(|began| view.ago(began) <= view.setting().patience + view.setting().dial_timeout);
    failing > 0 && large && recent && both.iter().all(|way| way.working_since(began) == 0)
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
