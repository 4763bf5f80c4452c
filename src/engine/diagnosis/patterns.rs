//! Pairs that fail together are one incident: a column, a row, a block of the matrix, or a few pairs here and there.
//!
//! Every pair belongs to one incident: each pattern takes its pairs out of those that are left. No pattern looks at all
//! pairs more than a fixed number of times, whatever the verdicts are.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::grid::{Grid, NodeIdx};
use super::incident::{FailingPair, Incident};
use super::network_view::NetworkView;
use super::rules::OWN_FAULT;
use super::verdict::{Confidence, Pattern, Verdict};
use crate::engine::address::ZonedIp;

/// Pairs with one verdict that fit no other pattern, from which on they are told as one.
const SCATTERED: usize = 4;

/// What each node is to each: none where it is not known yet, or not settled.
pub(super) type Verdicts = Grid<Option<Verdict>>;

/// The directions of one pair that fail.
type OnePair = SmallVec<[FailingPair; 2]>;

/// Groups all pairs that are not well, and finds what is wrong with single nodes. `steps` counts the pairs that are looked at.
pub(super) fn incidents(view: &NetworkView, verdicts: &Verdicts, steps: &mut usize) -> Vec<Incident> {
    let mut failures = Failures::new(verdicts);
    let mut incidents = Vec::new();
    incidents.extend(address_conflicts(view, &mut failures));
    incidents.extend(own_fault(view, &mut failures, verdicts));
    incidents.extend(vanished_together(view, &mut failures, verdicts));
    incidents.extend(islands(&mut failures));
    incidents.extend(single_hosts(&mut failures, verdicts));
    incidents.extend(pairs(view, &failures));
    incidents.extend(duplicate_names(view));
    *steps += failures.steps.get();
    incidents
}

/// The failing pairs that no incident explains yet.
struct Failures {
    left: Grid<Option<Verdict>>,
    /// How many pairs were looked at.
    steps: Cell<usize>,
}

impl Failures {
    fn new(verdicts: &Verdicts) -> Self {
        let mut left = verdicts.clone();
        for from in verdicts.nodes() {
            let row = left.row_mut(from).iter_mut();
            row.for_each(|verdict| *verdict = verdict.filter(|verdict| *verdict != Verdict::Ok));
        }
        let failures = Self { left, steps: Cell::new(0) };
        failures.count(verdicts.size() * verdicts.size());
        failures
    }

    /// So many pairs are looked at.
    fn count(&self, pairs: usize) {
        self.steps.set(self.steps.get() + pairs);
    }

    fn all(&self) -> impl DoubleEndedIterator<Item = NodeIdx> + Clone + use<> {
        self.count(self.left.size());
        self.left.nodes()
    }

    fn verdict(&self, from: NodeIdx, to: NodeIdx) -> Option<Verdict> {
        self.left[(from, to)]
    }

    fn is_isolated(&self, from: NodeIdx, to: NodeIdx) -> bool {
        self.verdict(from, to) == Some(Verdict::Isolated)
    }

    /// Whether anything fails between two nodes.
    fn between(&self, a: NodeIdx, b: NodeIdx) -> bool {
        self.verdict(a, b).or(self.verdict(b, a)).is_some()
    }

    /// Those of one node with others, in the order of the matrix.
    fn of(&self, node: NodeIdx) -> impl Iterator<Item = FailingPair> + use<'_> {
        self.count(self.left.size());
        let row = move |from: NodeIdx| {
            let to = if from == node { 0..self.left.size() } else { node.index()..node.index() + 1 };
            to.map(move |to| (from, NodeIdx::new(to)))
        };
        let pairs = self.all().flat_map(row);
        pairs.filter_map(|(from, to)| Some(FailingPair { from, to, verdict: self.verdict(from, to)? }))
    }

    /// Takes out those of one node for which this holds.
    fn take(&mut self, node: NodeIdx, wanted: impl Fn(&FailingPair) -> bool) -> Vec<FailingPair> {
        let taken: Vec<_> = self.of(node).filter(wanted).collect();
        for pair in &taken {
            self.left[(pair.from, pair.to)] = None;
        }
        taken
    }
}

/// This machine's own fault: the system says so, or everybody is gone at once.
fn own_fault(view: &NetworkView, failures: &mut Failures, verdicts: &Verdicts) -> Option<Incident> {
    const ME: NodeIdx = NodeIdx::SELF;
    let gone =
        |verdict: Verdict| matches!(verdict, Verdict::HostDown | Verdict::NoRoute | Verdict::LocalProblem);
    let confessed = view
        .others()
        .any(|to| failures.verdict(ME, to) == Some(Verdict::LocalProblem) && blames_itself(view, ME, to));
    let known: Vec<NodeIdx> = view.others().filter(|to| view.observation(ME, *to).is_some()).collect();
    let all_gone = known.len() >= 2 && known.iter().all(|to| verdicts[(ME, *to)].is_some_and(gone));
    if !confessed && !all_gone {
        return None;
    }
    let pairs = failures.take(ME, |pair| {
        let local = pair.verdict == Verdict::LocalProblem;
        if pair.from == ME {
            local || all_gone && gone(pair.verdict)
        } else {
            confessed && local && blames_itself(view, ME, pair.from)
        }
    });
    if all_gone {
        // What others said of each other while they could be heard is no longer true or false: nothing is made of it.
        for (from, to) in view.others().flat_map(|from| view.others().map(move |to| (from, to))) {
            failures.left[(from, to)] = None;
        }
    }
    Some(Incident {
        verdict: Verdict::LocalProblem,
        pattern: Pattern::Row,
        confidence: if confessed { Confidence::High } else { Confidence::Medium },
        nodes: vec![ME],
        pairs,
    })
}

/// Whether the system of the sender says that the fault is its own.
fn blames_itself(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> bool {
    let cause = view.observation(from, to).and_then(|seen| seen.cause);
    cause.is_some_and(|cause| OWN_FAULT.contains(&cause))
}

/// Several hosts that vanished at the same time, while others stayed, are behind something that failed.
fn vanished_together(view: &NetworkView, failures: &mut Failures, verdicts: &Verdicts) -> Option<Incident> {
    let alive = |to: NodeIdx| view.observation(NodeIdx::SELF, to).and_then(|seen| seen.alive);
    let down = |to: &NodeIdx| failures.verdict(NodeIdx::SELF, *to) == Some(Verdict::HostDown);
    let somebody_stayed = view.others().any(|to| verdicts[(NodeIdx::SELF, to)] == Some(Verdict::Ok));
    let mut gone: Vec<NodeIdx> = view.others().filter(down).filter(|to| alive(*to).is_some()).collect();
    gone.sort_by_key(|to| alive(*to));
    // Of the runs in which each follows the one before within the time in which everybody is heard, the longest.
    let together = |a: &NodeIdx, b: &NodeIdx| {
        alive(*b).zip(alive(*a)).is_some_and(|(b, a)| b.saturating_duration_since(a) <= view.setting().margin)
    };
    let longest = gone.chunk_by(together).rev().max_by_key(|run| run.len())?;
    if !somebody_stayed || longest.len() < 2 {
        return None;
    }
    let mut nodes = longest.to_vec();
    let mut pairs: Vec<FailingPair> = nodes.iter().flat_map(|node| failures.take(*node, |_| true)).collect();
    pairs.sort_unstable();
    nodes.sort_by_key(|nth| &view.node(*nth).info.name);
    Some(Incident {
        verdict: Verdict::Isolated,
        pattern: Pattern::Islands,
        confidence: Confidence::Medium,
        nodes,
        pairs,
    })
}

/// Pairs that are isolated from each other, in one piece: two groups with a wall between them, or one host behind one.
fn islands(failures: &mut Failures) -> Vec<Incident> {
    let mut found = Vec::new();
    for a in failures.all() {
        // Those of an earlier node went with its piece: the next piece begins in this row or in a later one.
        while let Some(b) = failures.all().find(|b| failures.is_isolated(a, *b)) {
            found.push(island(failures, a, b));
        }
    }
    found
}

/// The piece that begins with one isolated pair.
fn island(failures: &mut Failures, a: NodeIdx, b: NodeIdx) -> Incident {
    let sides = sides(failures, a);
    let members: Vec<NodeIdx> = failures.all().filter(|node| sides[node.index()].is_some()).collect();
    failures.count(members.len() * members.len());
    let mut pairs = Vec::new();
    for (from, to) in members.iter().flat_map(|from| members.iter().map(move |to| (*from, *to))) {
        if failures.is_isolated(from, to) {
            failures.left[(from, to)] = None;
            pairs.push(FailingPair { from, to, verdict: Verdict::Isolated });
        }
    }
    let (one, other): (Vec<_>, Vec<_>) =
        members.into_iter().partition(|node| sides[node.index()] == Some(true));
    let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
    let (pattern, nodes) = match (few.len(), many.len()) {
        (1, 1) => (Pattern::Pair, vec![a.max(b), a.min(b)]),
        (1, _) => (Pattern::Host, few),
        _ => (Pattern::Islands, few),
    };
    Incident { verdict: Verdict::Isolated, pattern, confidence: Confidence::High, nodes, pairs }
}

/// On which of two sides each node stands that hangs on the first one by isolated pairs: the ends of each pair are on different
/// sides. Of nodes in a circle of an odd number, the pair that comes first in the matrix decides.
fn sides(failures: &Failures, first: NodeIdx) -> Vec<Option<bool>> {
    let mut sides = vec![None; failures.left.size()];
    // The first pair by which each node hangs on those whose side is known, and the side that this gives it.
    let mut links: Vec<Option<((NodeIdx, NodeIdx), bool)>> = vec![None; failures.left.size()];
    let mut next = Some((first, false));
    while let Some((node, side)) = next {
        sides[node.index()] = Some(side);
        next = None;
        let mut nearest = None;
        for other in failures.all().filter(|other| sides[other.index()].is_none()) {
            let pairs = [(node, other), (other, node)].into_iter();
            let pair = pairs.filter(|(from, to)| failures.is_isolated(*from, *to)).min();
            let link = &mut links[other.index()];
            if let Some(pair) = pair.filter(|pair| link.is_none_or(|(known, _)| *pair < known)) {
                *link = Some((pair, !side));
            }
            if let Some((pair, side)) = *link
                && nearest.is_none_or(|nearest| pair < nearest)
            {
                (nearest, next) = (Some(pair), Some((other, side)));
            }
        }
    }
    sides
}

/// Hosts that explain most of what fails, one after the other: each has trouble with at least two others, and with most of
/// those that are known.
fn single_hosts(failures: &mut Failures, verdicts: &Verdicts) -> Vec<Incident> {
    let all = verdicts.nodes();
    let is_known = |a: NodeIdx, b: NodeIdx| verdicts[(a, b)].or(verdicts[(b, a)]).is_some();
    let known = |a: NodeIdx| failures.all().filter(|b| *b != a && is_known(a, *b)).count();
    let known: Vec<usize> = all.clone().map(known).collect();
    let troubled = |a: NodeIdx| failures.all().filter(|b| *b != a && failures.between(a, *b)).count();
    let mut troubled: Vec<usize> = all.clone().map(troubled).collect();
    let mut found = Vec::new();
    loop {
        let explains = |x: NodeIdx| {
            let (with, of) = (troubled[x.index()], known[x.index()].max(1));
            (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with))
        };
        // Of several that explain as much, rather another than this one.
        let best = failures.all().filter_map(|x| Some((explains(x)?, x))).max();
        let Some((_, x)) = best else { return found };
        failures.all().filter(|y| failures.between(x, *y)).for_each(|y| troubled[y.index()] -= 1);
        troubled[x.index()] = 0;
        let pairs = failures.take(x, |_| true);
        found.push(single_host(x, pairs));
    }
}

/// All that fails with one host.
fn single_host(x: NodeIdx, pairs: Vec<FailingPair>) -> Incident {
    let inbound = pairs.iter().filter(|pair| pair.to == x).count();
    let pattern = match inbound {
        0 => Pattern::Row,
        all if all == pairs.len() => Pattern::Column,
        _ => Pattern::Host,
    };
    let telling = pairs.iter().filter(|pair| inbound == 0 || pair.to == x);
    Incident {
        verdict: usual(telling.map(|pair| pair.verdict)),
        pattern,
        confidence: if pairs.len() > 2 { Confidence::High } else { Confidence::Medium },
        nodes: vec![x],
        pairs,
    }
}

/// What remains: single pairs, or so many with one verdict that they are told as one.
fn pairs(view: &NetworkView, failures: &Failures) -> Vec<Incident> {
    failures.count(view.size() * view.size());
    let mut by_verdict: BTreeMap<Verdict, Vec<OnePair>> = BTreeMap::new();
    for a in view.all() {
        for b in view.all().skip(a.index() + 1) {
            let both = [(a, b), (b, a)].into_iter();
            let failing = |(from, to)| Some(FailingPair { from, to, verdict: failures.verdict(from, to)? });
            let pair: OnePair = both.filter_map(failing).collect();
            if !pair.is_empty() && !may_be_own_end(view, &pair) {
                by_verdict.entry(usual(pair.iter().map(|pair| pair.verdict))).or_default().push(pair);
            }
        }
    }
    let mut found = Vec::new();
    for (verdict, pairs) in by_verdict {
        if pairs.len() >= SCATTERED {
            found.push(scattered(view, verdict, pairs.into_iter().flatten().collect()));
        } else {
            found.extend(pairs.into_iter().map(|pair| single_pair(view, verdict, &pair)));
        }
    }
    found
}

/// Whether UDP may fail at this node's own end and with everybody, which shows with one peer first: no other peer was heard since.
/// That is waited for, but not longer than everybody needs to look at everybody.
fn may_be_own_end(view: &NetworkView, pair: &[FailingPair]) -> bool {
    let Some(FailingPair { to, verdict, .. }) = pair.iter().copied().find(|pair| pair.from.is_self()) else {
        return false;
    };
    let last_broadcast = view.node(to).broadcast;
    let (began, passes) = match verdict {
        Verdict::OneWayUdp | Verdict::UdpBlocked => {
            let began = view.trouble(NodeIdx::SELF, to);
            (began, began.is_none_or(|began| view.others_echo_since(to, began)))
        }
        Verdict::BroadcastBlocked => (last_broadcast, view.others_broadcast_since(to)),
        _ => return false,
    };
    let waited = began.is_none_or(|began| view.ago(began) > view.setting().patience + view.setting().margin);
    view.size() > 2 && !passes && !waited
}

fn scattered(view: &NetworkView, verdict: Verdict, pairs: Vec<FailingPair>) -> Incident {
    let mut involved = vec![false; view.size()];
    for pair in &pairs {
        (involved[pair.from.index()], involved[pair.to.index()]) = (true, true);
    }
    let nodes = view.all().rev().filter(|node| involved[node.index()]).collect();
    Incident { verdict, pattern: Pattern::Scattered, confidence: Confidence::Medium, nodes, pairs }
}

/// Of a pair with this node, the other one is accused; but whose system says that it is its own fault is believed.
fn single_pair(view: &NetworkView, verdict: Verdict, pairs: &[FailingPair]) -> Incident {
    let FailingPair { from, to, .. } =
        pairs.iter().find(|pair| pair.verdict == verdict).copied().unwrap_or(pairs[0]);
    let (sender, receiver) = (blames_itself(view, from, to), blames_itself(view, to, from));
    let confesses = verdict == Verdict::LocalProblem && sender != receiver;
    let from_first = if confesses { sender } else { to.is_self() };
    let nodes = if from_first { vec![from, to] } else { vec![to, from] };
    Incident { verdict, pattern: Pattern::Pair, confidence: Confidence::Medium, nodes, pairs: pairs.to_vec() }
}

/// Hosts with the same address: each is heard from it and says that it is its own, and whoever dials it meets now one and now the
/// other. Nodes of one host have ports of their own; who is behind the address of another one claims an address of its own.
fn address_conflicts(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    let mut by_addr: BTreeMap<ZonedIp, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.others().filter(|node| view.node(*node).at_home) {
        by_addr.entry(view.node(node).info.addr.zoned_ip()).or_default().push(node);
    }
    let port = |node: &NodeIdx| view.node(*node).info.addr.port();
    let mut found = Vec::new();
    for nodes in by_addr.into_values().filter(|nodes| nodes.len() > 1) {
        let meets = |node: &NodeIdx| {
            let mut others = nodes.iter().filter(|other| *other != node);
            port(node) == 0 || others.any(|other| port(other) == 0 || port(other) == port(node))
        };
        let nodes: Vec<NodeIdx> = nodes.iter().copied().filter(meets).collect();
        // Whoever is not heard any more since the other one is known has left the address to it.
        let since = nodes.iter().map(|node| view.node(*node).since).max();
        let nodes: Vec<NodeIdx> =
            nodes.into_iter().filter(|node| view.node(*node).broadcast > since).collect();
        if nodes.len() > 1 {
            // What fails between others and one of them says nothing of anybody.
            for node in &nodes {
                failures.take(*node, |_| true);
            }
            let (verdict, pattern) = (Verdict::AddressConflict, Pattern::Pair);
            let incident =
                Incident { verdict, pattern, confidence: Confidence::High, nodes, pairs: Vec::new() };
            found.push(incident);
        }
    }
    found
}

/// Hosts with the same name: nobody can tell them apart.
fn duplicate_names(view: &NetworkView) -> Vec<Incident> {
    // One that is gone takes nobody's name.
    let lives = |node: &NodeIdx| {
        let seen = view.observation(NodeIdx::SELF, *node);
        node.is_self() || seen.is_some_and(|seen| seen.tcp.is_ok() || seen.echo.is_ok())
    };
    let mut by_name: BTreeMap<&str, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.all().filter(lives) {
        by_name.entry(&view.node(node).info.name).or_default().push(node);
    }
    let hosts = |nodes: &[NodeIdx]| {
        nodes.iter().map(|node| view.node(*node).info.addr.zoned_ip()).collect::<BTreeSet<_>>().len()
    };
    let shared = by_name.into_values().filter(|nodes| hosts(nodes) > 1);
    let incident = |mut nodes: Vec<NodeIdx>| {
        nodes.reverse();
        Incident {
            verdict: Verdict::DuplicateName,
            pattern: Pattern::Pair,
            confidence: Confidence::High,
            nodes,
            pairs: Vec::new(),
        }
    };
    shared.map(incident).collect()
}

/// The verdict that most of these are; of several, the gravest.
fn usual(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut count = [0_usize; Verdict::ALL.len()];
    verdicts.for_each(|verdict| count[verdict as usize] += 1);
    // The last of several that are the most is taken.
    let most = Verdict::ALL.into_iter().rev().max_by_key(|verdict| count[*verdict as usize]);
    most.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};

    use super::*;

    /// What an incident says, to be compared.
    type Told = (Verdict, Pattern, Vec<NodeIdx>, Vec<FailingPair>);

    fn told(incidents: Vec<Incident>) -> Vec<Told> {
        incidents.into_iter().map(|i| (i.verdict, i.pattern, i.nodes, i.pairs)).collect()
    }

    /// A matrix of a few nodes in which each pair is at random well, unknown, or fails by one of these verdicts.
    fn random(rng: &mut StdRng, verdicts: &[Verdict]) -> Verdicts {
        let mut grid = Grid::new(rng.random_range(2..=9), None);
        let often = rng.random_range(0.1..0.9);
        let nodes = grid.nodes();
        for (from, to) in nodes.clone().flat_map(|from| nodes.clone().map(move |to| (from, to))) {
            if from != to {
                grid[(from, to)] = match rng.random_range(0..10) {
                    0 => None,
                    _ if rng.random_bool(often) => Some(verdicts[rng.random_range(0..verdicts.len())]),
                    _ => Some(Verdict::Ok),
                };
            }
        }
        grid
    }

    fn all_failing(verdicts: &Verdicts) -> Vec<FailingPair> {
        let pairs = verdicts.nodes().flat_map(|from| verdicts.nodes().map(move |to| (from, to)));
        let failing = |(from, to)| {
            let verdict = verdicts[(from, to)].filter(|verdict| *verdict != Verdict::Ok)?;
            Some(FailingPair { from, to, verdict })
        };
        pairs.filter_map(failing).collect()
    }

    /// Hosts that explain most, found by looking at all that is left for each of them.
    fn single_hosts_by_definition(verdicts: &Verdicts) -> Vec<Told> {
        let mut left = all_failing(verdicts);
        let mut found = Vec::new();
        let others = |x: NodeIdx| verdicts.nodes().filter(move |y| *y != x);
        loop {
            let explains = |x: NodeIdx| {
                let with = |y: &NodeIdx| left.iter().any(|p| [(x, *y), (*y, x)].contains(&(p.from, p.to)));
                let is_known = |y: &NodeIdx| verdicts[(x, *y)].is_some() || verdicts[(*y, x)].is_some();
                let (with, of) = (others(x).filter(with).count(), others(x).filter(is_known).count().max(1));
                (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with, x))
            };
            let Some((_, _, x)) = verdicts.nodes().filter_map(explains).max() else { return found };
            let (taken, kept) = left.into_iter().partition(|p| p.from == x || p.to == x);
            found.extend(told(vec![single_host(x, taken)]));
            left = kept;
        }
    }

    /// The sides of a piece, found by looking for the first pair that leads out of it again and again.
    fn sides_by_definition(verdicts: &Verdicts) -> Vec<Vec<Option<bool>>> {
        let mut left: Vec<_> = all_failing(verdicts);
        left.retain(|pair| pair.verdict == Verdict::Isolated);
        let mut found = Vec::new();
        while let Some(first) = left.first() {
            let mut sides = vec![None; verdicts.size()];
            sides[first.from.index()] = Some(false);
            while let Some((node, side)) =
                left.iter().find_map(|p| match (sides[p.from.index()], sides[p.to.index()]) {
                    (Some(side), None) => Some((p.to, !side)),
                    (None, Some(side)) => Some((p.from, !side)),
                    _ => None,
                })
            {
                sides[node.index()] = Some(side);
            }
            left.retain(|pair| sides[pair.from.index()].is_none());
            found.push(sides);
        }
        found
    }

    #[test]
    fn hosts_that_explain_most_are_those_of_the_definition() {
        let mut rng = StdRng::seed_from_u64(7);
        for _ in 0..3_000 {
            let verdicts = random(&mut rng, &[Verdict::FirewallDrop, Verdict::OneWayUdp, Verdict::HungPeer]);
            let found = single_hosts(&mut Failures::new(&verdicts), &verdicts);
            assert_eq!(told(found), single_hosts_by_definition(&verdicts), "{verdicts:?}");
        }
    }

    #[test]
    fn islands_have_the_sides_of_the_definition() {
        let mut rng = StdRng::seed_from_u64(8);
        for _ in 0..3_000 {
            let verdicts = random(&mut rng, &[Verdict::Isolated, Verdict::Ok, Verdict::HostDown]);
            let found = islands(&mut Failures::new(&verdicts));
            let expected = sides_by_definition(&verdicts);
            assert_eq!(found.len(), expected.len(), "{verdicts:?}");
            for (incident, sides) in found.into_iter().zip(expected) {
                let on =
                    |side| verdicts.nodes().filter(|x| sides[x.index()] == Some(side)).collect::<Vec<_>>();
                let (one, other) = (on(true), on(false));
                let few = if one.len() <= other.len() { &one } else { &other };
                if incident.pattern != Pattern::Pair {
                    assert_eq!(&incident.nodes, few, "{verdicts:?}");
                }
                let pairs = all_failing(&verdicts).into_iter();
                let mut pairs =
                    pairs.filter(|p| p.verdict == Verdict::Isolated && sides[p.from.index()].is_some());
                assert!(pairs.all(|pair| incident.pairs.contains(&pair)), "{verdicts:?}");
            }
        }
    }

    #[test]
    fn of_verdicts_as_frequent_as_each_other_the_gravest_counts() {
        let usual = |verdicts: &[Verdict]| usual(verdicts.iter().copied());
        assert_eq!(usual(&[Verdict::HungPeer, Verdict::ClosedPort]), Verdict::ClosedPort);
        assert_eq!(usual(&[Verdict::HungPeer, Verdict::ClosedPort, Verdict::HungPeer]), Verdict::HungPeer);
    }
}
