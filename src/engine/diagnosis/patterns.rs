//! Pairs that fail together are one incident: a column, a row, a block of the matrix, or a few pairs here and there.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::verdict::{Confidence, Finding, MAX_PAIRS_LISTED, Pattern, Verdict};

use super::rules::OWN_FAULT;
use super::{Estranged, Picture, words};

/// Pairs left over with one verdict, from which on they are told as one.
const SCATTERED: usize = 4;

/// A direction of a pair, by positions, and what is wrong with it.
pub(crate) type Bad = (usize, usize, Verdict);

/// What an incident is made of, before it is put into words.
#[derive(Debug)]
pub(crate) struct Incident {
    pub(crate) verdict: Verdict,
    pub(crate) pattern: Pattern,
    pub(crate) confidence: Confidence,
    /// By position, the accused one first.
    pub(crate) nodes: Vec<usize>,
    pub(crate) pairs: Vec<Bad>,
}

/// Groups all pairs that are not well, and what is wrong with single nodes.
pub(crate) fn group(picture: &Picture<'_>, verdicts: &[Option<Verdict>]) -> Vec<Finding> {
    let n = picture.nodes.len();
    let of = |from: usize, to: usize| verdicts[from * n + to];
    let mut left: Vec<Bad> = (0..n)
        .flat_map(|from| (0..n).map(move |to| (from, to)))
        .filter_map(|(from, to)| Some((from, to, of(from, to).filter(|v| *v != Verdict::Ok)?)))
        .collect();
    let mut incidents = Vec::new();
    incidents.extend(own_fault(picture, &mut left, verdicts));
    incidents.extend(vanished_together(picture, &mut left, verdicts));
    incidents.extend(islands(&mut left));
    while let Some(incident) = star(&mut left, verdicts, n) {
        incidents.push(incident);
    }
    incidents.extend(pairs(picture, left));
    incidents.extend(namesakes(picture, verdicts));
    let mut findings: Vec<Finding> = incidents.into_iter().map(|incident| tell(picture, incident)).collect();
    findings.extend(picture.strangers.iter().map(|stranger| words::of_stranger(stranger, picture)));
    findings
}

/// This machine's own fault: the system says so, or everybody is gone at once.
fn own_fault(picture: &Picture<'_>, left: &mut Vec<Bad>, verdicts: &[Option<Verdict>]) -> Option<Incident> {
    let system_says = |to: usize| {
        picture.sight(0, to).and_then(|sight| sight.cause).is_some_and(|cause| OWN_FAULT.contains(&cause))
    };
    let told = left
        .iter()
        .any(|(from, to, verdict)| *from == 0 && *verdict == Verdict::LocalProblem && system_says(*to));
    let n = picture.nodes.len();
    let gone =
        |verdict: Verdict| matches!(verdict, Verdict::HostDown | Verdict::NoRoute | Verdict::LocalProblem);
    let known: Vec<Option<Verdict>> =
        (1..n).filter(|to| picture.sight(0, *to).is_some()).map(|to| verdicts[to]).collect();
    let all_gone = known.len() >= 2 && known.iter().all(|verdict| verdict.is_some_and(gone));
    if !told && !all_gone {
        return None;
    }
    let pairs = take(left, |(from, to, verdict)| {
        *from == 0 && (*verdict == Verdict::LocalProblem || all_gone && gone(*verdict))
            || told && *to == 0 && *verdict == Verdict::LocalProblem && system_says(*from)
    });
    let confidence = if told { Confidence::High } else { Confidence::Medium };
    // What others said of each other while they could be heard is no longer true or false: it is not told.
    if all_gone {
        left.retain(|(from, to, _)| *from == 0 || *to == 0);
    }
    Some(Incident {
        verdict: Verdict::LocalProblem,
        pattern: Pattern::Row,
        confidence,
        nodes: vec![0],
        pairs,
    })
}

/// Several hosts that vanished at the same time, while others stayed, are behind something that failed.
fn vanished_together(
    picture: &Picture<'_>,
    left: &mut Vec<Bad>,
    verdicts: &[Option<Verdict>],
) -> Option<Incident> {
    let alive = |to: usize| picture.sight(0, to).and_then(|sight| sight.alive);
    let mut gone: Vec<usize> =
        left.iter().filter(|(from, _, v)| *from == 0 && *v == Verdict::HostDown).map(|bad| bad.1).collect();
    let somebody_stayed = (1..picture.nodes.len()).any(|to| verdicts[to] == Some(Verdict::Ok));
    gone.retain(|to| alive(*to).is_some());
    gone.sort_by_key(|to| alive(*to));
    // The longest run in which each follows the one before within the time in which everybody is heard.
    let mut best: &[usize] = &[];
    let mut start = 0;
    for end in 1..=gone.len() {
        let apart = end < gone.len()
            && alive(gone[end])
                .zip(alive(gone[end - 1]))
                .is_some_and(|(b, a)| b.saturating_duration_since(a) > picture.margin);
        if end == gone.len() || apart {
            if end - start > best.len() {
                best = &gone[start..end];
            }
            start = end;
        }
    }
    if !somebody_stayed || best.len() < 2 {
        return None;
    }
    let mut nodes = best.to_vec();
    nodes.sort_by_key(|nth| &picture.nodes[*nth].info.name);
    let among = |node: &usize| nodes.contains(node);
    let pairs = take(left, |(from, to, _)| among(to) || among(from));
    Some(Incident {
        verdict: Verdict::Isolated,
        pattern: Pattern::Islands,
        confidence: Confidence::Medium,
        nodes,
        pairs,
    })
}

/// Pairs that are isolated from each other, in one piece: two groups with a wall between them, or one host behind one.
fn islands(left: &mut Vec<Bad>) -> Vec<Incident> {
    let mut found = Vec::new();
    while let Some((a, b, _)) = left.iter().find(|bad| bad.2 == Verdict::Isolated).copied() {
        // Who is cut off from whom: two colours, from one pair on.
        let mut side: BTreeMap<usize, bool> = BTreeMap::from([(a, false), (b, true)]);
        loop {
            let next = left.iter().filter(|bad| bad.2 == Verdict::Isolated).find_map(|(x, y, _)| {
                match (side.get(x), side.get(y)) {
                    (Some(known), None) => Some((*y, !known)),
                    (None, Some(known)) => Some((*x, !known)),
                    _ => None,
                }
            });
            let Some((node, its)) = next else { break };
            side.insert(node, its);
        }
        let (one, other): (Vec<usize>, Vec<usize>) = side.keys().partition(|node| side[*node]);
        let pairs =
            take(left, |(x, y, v)| *v == Verdict::Isolated && side.contains_key(x) && side.contains_key(y));
        let (few, many) = if one.len() <= other.len() { (one, other) } else { (other, one) };
        let (pattern, nodes) = match (few.len(), many.len()) {
            (1, 1) => (Pattern::Pair, vec![a.max(b), a.min(b)]),
            (1, _) => (Pattern::Host, few),
            _ => (Pattern::Islands, few),
        };
        found.push(Incident {
            verdict: Verdict::Isolated,
            pattern,
            confidence: Confidence::High,
            nodes,
            pairs,
        });
    }
    found
}

/// The host that explains most of what fails, if one has trouble with at least two others, and with most of those known.
fn star(left: &mut Vec<Bad>, verdicts: &[Option<Verdict>], n: usize) -> Option<Incident> {
    let partners = |x: usize| -> BTreeSet<usize> {
        let others = left.iter().filter(|(from, to, _)| *from == x || *to == x);
        others.map(|(from, to, _)| if *from == x { *to } else { *from }).collect()
    };
    let observed = |x: usize| {
        (0..n).filter(|y| *y != x && (verdicts[x * n + y].is_some() || verdicts[y * n + x].is_some())).count()
    };
    let involved: BTreeSet<usize> = left.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
    let explains = |x: usize| {
        let (with, of) = (partners(x).len(), observed(x).max(1));
        (with >= 2 && with * 3 >= of * 2).then_some((with * 1_000 / of, with))
    };
    // Of several that explain as much, rather another than this one.
    let (_, x) = involved.into_iter().filter_map(|x| Some((explains(x)?, x))).max()?;
    let pairs = take(left, |(from, to, _)| *from == x || *to == x);
    let (into, out): (Vec<&Bad>, Vec<&Bad>) = pairs.iter().partition(|(_, to, _)| *to == x);
    let pattern = match (into.is_empty(), out.is_empty()) {
        (false, true) => Pattern::Column,
        (true, false) => Pattern::Row,
        _ => Pattern::Host,
    };
    let verdict = usual(if into.is_empty() { &out } else { &into });
    let confidence = if pairs.len() > 2 { Confidence::High } else { Confidence::Medium };
    Some(Incident { verdict, pattern, confidence, nodes: vec![x], pairs })
}

/// What remains: single pairs, or so many with one verdict that they are told as one.
fn pairs(picture: &Picture<'_>, left: Vec<Bad>) -> Vec<Incident> {
    let mut by_pair: BTreeMap<(usize, usize), Vec<Bad>> = BTreeMap::new();
    for bad in left {
        by_pair.entry((bad.0.min(bad.1), bad.0.max(bad.1))).or_default().push(bad);
    }
    let mut by_verdict: BTreeMap<Verdict, Vec<Vec<Bad>>> = BTreeMap::new();
    for (_, bads) in by_pair {
        let all: Vec<&Bad> = bads.iter().collect();
        by_verdict.entry(usual(&all)).or_default().push(bads);
    }
    let mut found = Vec::new();
    for (verdict, pairs) in by_verdict {
        let confidence = Confidence::Medium;
        if pairs.len() >= SCATTERED {
            let pairs: Vec<Bad> = pairs.into_iter().flatten().collect();
            let nodes: BTreeSet<usize> = pairs.iter().flat_map(|(from, to, _)| [*from, *to]).collect();
            let nodes = nodes.into_iter().rev().collect();
            found.push(Incident { verdict, pattern: Pattern::Scattered, confidence, nodes, pairs });
            continue;
        }
        for pairs in pairs {
            let (from, to, _) = pairs.iter().find(|bad| bad.2 == verdict).copied().unwrap_or(pairs[0]);
            // Of a pair with this node, the other one is told of; but whose system says that it is its own fault is believed.
            let own = |by: usize, of: usize| {
                picture
                    .sight(by, of)
                    .and_then(|sight| sight.cause)
                    .is_some_and(|cause| OWN_FAULT.contains(&cause))
            };
            let confesses = verdict == Verdict::LocalProblem && own(from, to) != own(to, from);
            let from_first = if confesses { own(from, to) } else { to == 0 };
            let nodes = if from_first { vec![from, to] } else { vec![to, from] };
            found.push(Incident { verdict, pattern: Pattern::Pair, confidence, nodes, pairs });
        }
    }
    found
}

/// Hosts with the same name: nobody can tell them apart.
fn namesakes(picture: &Picture<'_>, verdicts: &[Option<Verdict>]) -> Vec<Incident> {
    let mut by_name: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (nth, node) in picture.nodes.iter().enumerate() {
        // One that is gone takes nobody's name.
        let lives =
            nth == 0 || picture.sight(0, nth).is_some_and(|sight| sight.tcp.is_ok() || sight.echo.is_ok());
        if lives && verdicts.get(nth).is_some() {
            by_name.entry(&node.info.name).or_default().push(nth);
        }
    }
    let hosts = |nodes: &[usize]| {
        nodes.iter().map(|nth| picture.nodes[*nth].info.addr.ip()).collect::<BTreeSet<_>>().len()
    };
    let shared = by_name.into_values().filter(|nodes| hosts(nodes) > 1);
    shared
        .map(|mut nodes| {
            nodes.reverse();
            Incident {
                verdict: Verdict::DuplicateName,
                pattern: Pattern::Pair,
                confidence: Confidence::High,
                nodes,
                pairs: Vec::new(),
            }
        })
        .collect()
}

/// The verdict that most of these have; of several, the gravest.
fn usual(bads: &[&Bad]) -> Verdict {
    let mut count: BTreeMap<Verdict, usize> = BTreeMap::new();
    for bad in bads {
        *count.entry(bad.2).or_default() += 1;
    }
    let most = count.into_iter().max_by_key(|(verdict, count)| (*count, std::cmp::Reverse(*verdict)));
    most.map_or(Verdict::Unknown, |(verdict, _)| verdict)
}

/// Takes those out for which this holds.
fn take(left: &mut Vec<Bad>, of: impl Fn(&Bad) -> bool) -> Vec<Bad> {
    let (taken, kept) = left.drain(..).partition(|bad| of(bad));
    *left = kept;
    taken
}

fn tell(picture: &Picture<'_>, incident: Incident) -> Finding {
    let evidence = words::evidence(picture, &incident);
    let advice = words::advice(picture, &incident);
    let Incident { verdict, pattern, mut confidence, nodes, pairs } = incident;
    if pairs.iter().any(|(from, to, _)| *from == 0 && picture.icmp_confirms(*to, verdict)) {
        confidence = Confidence::High;
    }
    let info = |nth: usize| &picture.nodes[nth].info;
    let id = |nth: usize| info(nth).id;
    let listed = pairs.iter().filter_map(|(from, to, _)| Some((id(*from)?, id(*to)?)));
    Finding {
        peer: std::sync::Arc::clone(info(nodes[0])),
        verdict,
        evidence,
        advice,
        pattern,
        confidence,
        names: nodes.iter().map(|nth| info(*nth).name.clone()).collect(),
        nodes: nodes.iter().filter_map(|nth| id(*nth)).collect(),
        pairs: listed.take(MAX_PAIRS_LISTED).collect(),
        pair_count: pairs.len(),
        since: picture.now,
    }
}

impl Estranged {
    /// What the diagnosis calls it.
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Group(_) => Verdict::WrongGroup,
            Self::Version(_) => Verdict::VersionMismatch,
            Self::Network { .. } => Verdict::WrongSubnet,
        }
    }
}
