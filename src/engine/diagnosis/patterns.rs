//! Pairs that fail together are one incident: a column, a row, a block of the matrix, or a few pairs here and there.
//!
//! Every pair belongs to one incident: each pattern takes its pairs out of those that are left. No pattern looks at all
//! pairs more than a fixed number of times, whatever the verdicts are.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;

use super::grid::{Grid, NodeIdx};
use super::incident::{FailingPair, Incident};
use super::network_view::NetworkView;
use super::rules::OWN_FAULT;
use super::verdict::{Confidence, Pattern, Verdict};

/// Pairs with one verdict that fit no other pattern, from which on they are told as one.
const SCATTERED: usize = 4;

/// What each node is to each: none where it is not known yet, or not settled.
pub(super) type Verdicts = Grid<Option<Verdict>>;

/// The directions of one pair that fail.
type OnePair = SmallVec<[FailingPair; 2]>;

/// Groups all pairs that are not well, and finds what is wrong with single nodes.
pub(super) fn incidents(view: &NetworkView<'_>, verdicts: &Verdicts) -> Vec<Incident> {
    let mut failures = Failures::new(verdicts);
    let mut incidents = Vec::new();
    incidents.extend(own_fault(view, &mut failures, verdicts));
    incidents.extend(vanished_together(view, &mut failures, verdicts));
    incidents.extend(islands(&mut failures));
    incidents.extend(single_hosts(&mut failures, verdicts));
    incidents.extend(pairs(view, &failures));
    incidents.extend(duplicate_names(view));
    incidents
}

/// The failing pairs that no incident explains yet.
struct Failures(Grid<Option<Verdict>>);

impl Failures {
    fn new(verdicts: &Verdicts) -> Self {
        let mut left = verdicts.clone();
        for from in verdicts.nodes() {
            left.row_mut(from)
                .iter_mut()
                .for_each(|verdict| *verdict = verdict.filter(|v| *v != Verdict::Ok));
        }
        Self(left)
    }

    fn verdict(&self, from: NodeIdx, to: NodeIdx) -> Option<Verdict> {
        self.0[(from, to)]
    }

    /// Those of one node with others, in the order of the matrix.
    fn of(&self, node: NodeIdx) -> impl Iterator<Item = FailingPair> + use<'_> {
        let row = move |from: NodeIdx| {
            let to = if from == node { 0..self.0.size() } else { node.index()..node.index() + 1 };
            to.map(move |to| (from, NodeIdx::new(to)))
        };
        let pairs = self.0.nodes().flat_map(row);
        pairs.filter_map(|(from, to)| Some(FailingPair { from, to, verdict: self.verdict(from, to)? }))
    }

    /// Takes out those of one node for which this holds.
    fn take(&mut self, node: NodeIdx, wanted: impl Fn(&FailingPair) -> bool) -> Vec<FailingPair> {
        let taken: Vec<_> = self.of(node).filter(wanted).collect();
        for pair in &taken {
            self.0[(pair.from, pair.to)] = None;
        }
        taken
    }
}

/// This machine's own fault: the system says so, or everybody is gone at once.
fn own_fault(view: &NetworkView<'_>, failures: &mut Failures, verdicts: &Verdicts) -> Option<Incident> {
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
            failures.0[(from, to)] = None;
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
fn blames_itself(view: &NetworkView<'_>, from: NodeIdx, to: NodeIdx) -> bool {
    let cause = view.observation(from, to).and_then(|observation| observation.cause);
    cause.is_some_and(|cause| OWN_FAULT.contains(&cause))
}

/// Several hosts that vanished at the same time, while others stayed, are behind something that failed.
fn vanished_together(
    view: &NetworkView<'_>,
    failures: &mut Failures,
    verdicts: &Verdicts,
) -> Option<Incident> {
    let alive = |to: NodeIdx| view.observation(NodeIdx::SELF, to).and_then(|observation| observation.alive);
    let down = |to: &NodeIdx| failures.verdict(NodeIdx::SELF, *to) == Some(Verdict::HostDown);
    let somebody_stayed = view.others().any(|to| verdicts[(NodeIdx::SELF, to)] == Some(Verdict::Ok));
    let mut gone: Vec<NodeIdx> = view.others().filter(down).filter(|to| alive(*to).is_some()).collect();
    gone.sort_by_key(|to| alive(*to));
    // Of the runs in which each follows the one before within the time in which everybody is heard, the longest.
    let together = |a: &NodeIdx, b: &NodeIdx| {
        alive(*b).zip(alive(*a)).is_some_and(|(b, a)| b.saturating_duration_since(a) <= view.margin)
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
    let all = failures.0.nodes();
    let mut found = Vec::new();
    for a in all.clone() {
        // Those of an earlier node are taken with its piece, so that the next one begins in this row or a later one.
        while let Some(b) = all.clone().find(|b| failures.verdict(a, *b) == Some(Verdict::Isolated)) {
            found.push(island(failures, a, b));
        }
    }
    found
}

/// The piece that begins with one isolated pair.
fn island(failures: &mut Failures, a: NodeIdx, b: NodeIdx) -> Incident {
    let sides = sides(failures, a, b);
    let members: Vec<NodeIdx> = failures.0.nodes().filter(|node| sides[node.index()].is_some()).collect();
    let mut pairs = Vec::new();
    for from in &members {
        for to in &members {
            if failures.verdict(*from, *to) == Some(Verdict::Isolated) {
                failures.0[(*from, *to)] = None;
                pairs.push(FailingPair { from: *from, to: *to, verdict: Verdict::Isolated });
            }
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

/// On which of two sides each node stands from which one pair can be reached by isolated pairs: their ends are on different
/// sides. Of nodes on a circle of an odd number, the pair that comes first in the matrix decides.
fn sides(failures: &Failures, a: NodeIdx, b: NodeIdx) -> Vec<Option<bool>> {
    /// The first pair by which a node hangs on those whose side is known, and the side that this gives it.
    type Link = ((NodeIdx, NodeIdx), bool);
    let mut sides = vec![None; failures.0.size()];
    let mut links: Vec<Option<Link>> = vec![None; failures.0.size()];
    let mut next = Some((a, false));
    // The first pair is known to link these two.
    links[b.index()] = Some(((NodeIdx::SELF, NodeIdx::SELF), true));
    while let Some((node, side)) = next {
        sides[node.index()] = Some(side);
        for other in failures.0.nodes().filter(|other| sides[other.index()].is_none()) {
            let isolated =
                |pair: &(NodeIdx, NodeIdx)| failures.verdict(pair.0, pair.1) == Some(Verdict::Isolated);
            let first = [(node, other), (other, node)].into_iter().filter(isolated).min();
            let link = &mut links[other.index()];
            if let Some(pair) = first.filter(|pair| link.is_none_or(|(known, _)| *pair < known)) {
                *link = Some((pair, !side));
            }
        }
        let linked = failures.0.nodes().filter(|node| sides[node.index()].is_none());
        let linked = linked.filter_map(|node| Some((links[node.index()]?, node)));
        next = linked.min().map(|((_, side), node)| (node, side));
    }
    sides
}

/// Hosts that explain most of what fails, one after the other: each has trouble with at least two others, and with most of
/// those that are known.
fn single_hosts(failures: &mut Failures, verdicts: &Verdicts) -> Vec<Incident> {
    let all = verdicts.nodes();
    let linked = |grid: &Verdicts, x: NodeIdx| {
        let others = grid.nodes().filter(move |y| *y != x);
        others.filter(|y| grid[(x, *y)].is_some() || grid[(*y, x)].is_some()).count()
    };
    let known: Vec<usize> = all.clone().map(|x| linked(verdicts, x)).collect();
    let mut troubled: Vec<usize> = all.clone().map(|x| linked(&failures.0, x)).collect();
    let mut found = Vec::new();
    loop {
        let explains = |x: NodeIdx| {
            let (with, of) = (troubled[x.index()], known[x.index()].max(1));
            (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with))
        };
        // Of several that explain as much, rather another than this one.
        let best = all.clone().filter_map(|x| Some((explains(x)?, x))).max();
        let Some((_, x)) = best else { return found };
        let is_partner = |y: &NodeIdx| failures.0[(x, *y)].is_some() || failures.0[(*y, x)].is_some();
        all.clone().filter(is_partner).for_each(|y| troubled[y.index()] -= 1);
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
fn pairs(view: &NetworkView<'_>, failures: &Failures) -> Vec<Incident> {
    let mut by_verdict: BTreeMap<Verdict, Vec<OnePair>> = BTreeMap::new();
    for a in view.all() {
        for b in view.all().skip(a.index() + 1) {
            let both = [(a, b), (b, a)].into_iter();
            let failing = |(from, to)| Some(FailingPair { from, to, verdict: failures.verdict(from, to)? });
            let pair: OnePair = both.filter_map(failing).collect();
            if !pair.is_empty() {
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

fn scattered(view: &NetworkView<'_>, verdict: Verdict, pairs: Vec<FailingPair>) -> Incident {
    let mut involved = vec![false; view.nodes.len()];
    for pair in &pairs {
        (involved[pair.from.index()], involved[pair.to.index()]) = (true, true);
    }
    let nodes = view.all().rev().filter(|node| involved[node.index()]).collect();
    Incident { verdict, pattern: Pattern::Scattered, confidence: Confidence::Medium, nodes, pairs }
}

/// Of a pair with this node, the other one is accused; but whose system says that it is its own fault is believed.
fn single_pair(view: &NetworkView<'_>, verdict: Verdict, pairs: &[FailingPair]) -> Incident {
    let FailingPair { from, to, .. } =
        pairs.iter().find(|pair| pair.verdict == verdict).copied().unwrap_or(pairs[0]);
    let (sender, receiver) = (blames_itself(view, from, to), blames_itself(view, to, from));
    let confesses = verdict == Verdict::LocalProblem && sender != receiver;
    let from_first = if confesses { sender } else { to.is_self() };
    let nodes = if from_first { vec![from, to] } else { vec![to, from] };
    Incident { verdict, pattern: Pattern::Pair, confidence: Confidence::Medium, nodes, pairs: pairs.to_vec() }
}

/// Hosts with the same name: nobody can tell them apart.
fn duplicate_names(view: &NetworkView<'_>) -> Vec<Incident> {
    // One that is gone takes nobody's name.
    let lives = |node: &NodeIdx| {
        let seen = view.observation(NodeIdx::SELF, *node);
        node.is_self() || seen.is_some_and(|observation| observation.tcp.is_ok() || observation.echo.is_ok())
    };
    let mut by_name: BTreeMap<&str, Vec<NodeIdx>> = BTreeMap::new();
    for node in view.all().filter(lives) {
        by_name.entry(&view.node(node).info.name).or_default().push(node);
    }
    let hosts = |nodes: &[NodeIdx]| {
        nodes.iter().map(|node| view.node(*node).info.addr.ip()).collect::<BTreeSet<_>>().len()
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
