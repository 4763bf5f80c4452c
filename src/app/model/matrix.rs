//! Who reaches whom: the latest view of the matrix, those of the last hour to compare it with, and the findings.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::square::{PairKind, Square, Tally};
use crate::engine::NodeId;
use crate::engine::matrix::MatrixView;
use crate::engine::observation::PathStatus;
use crate::engine::peers::PeerInfo;
use crate::engine::segments::Segment;
use crate::engine::verdict::{Finding, Verdict};

/// Time from one view that is kept to the next: what changed is asked for in minutes.
pub const MOMENT: Duration = Duration::from_mins(1);

/// Views that are kept: one a minute of the last hour, and one before it, so that there is always one that is an hour
/// old. They share all rows that have not changed, so that an hour of a quiet network takes hardly more than one view.
pub const MOMENTS: usize = 61;

/// What is known of a pair, in one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// UDP and TCP work.
    Fine,
    /// UDP or TCP fails.
    Failing,
    /// Nobody has said, or only of one of the two.
    Unknown,
    /// It was told too long ago to be believed.
    Stale,
}

impl Mark {
    /// All of them, what needs an eye first.
    pub const ALL: [Self; 4] = [Self::Failing, Self::Unknown, Self::Stale, Self::Fine];
}

impl PairKind for Mark {
    fn nth(self) -> usize {
        self as usize
    }
}

impl Tally {
    /// What needs an eye most of what there is: a block with a pair that fails is one that fails.
    pub fn worst(self) -> Option<Mark> {
        Mark::ALL.into_iter().find(|mark| self.count(*mark) > 0)
    }

    /// How many pairs nobody knows of now.
    pub fn unknown(self) -> u32 {
        self.count(Mark::Unknown) + self.count(Mark::Stale)
    }
}

/// What a view tells anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Novelty {
    /// Nothing but that all is as it was.
    Nothing,
    /// Something of the matrix itself.
    Sights,
    /// Findings, too.
    Findings,
}

/// The marks of a view, and which rows were believed when they were made.
#[derive(Debug, Clone, Default)]
struct Marks {
    square: Square<Mark>,
    fresh: Vec<bool>,
}

/// The matrix as far as it is known, and what is wrong in it.
#[derive(Debug, Clone, Default)]
pub struct Matrix {
    latest: Option<Arc<MatrixView>>,
    /// Shared with a display that was frozen.
    marks: Arc<Marks>,
    /// Counts the changes of the marks.
    revision: u64,
    /// One view a minute, the oldest first.
    past: VecDeque<Arc<MatrixView>>,
    findings: Vec<Arc<Finding>>,
}

impl Matrix {
    /// The latest view; none before the first.
    pub fn latest(&self) -> Option<&Arc<MatrixView>> {
        self.latest.as_ref()
    }

    /// The networks of all nodes that are known; none before the first view.
    pub fn segments(&self) -> &[Segment] {
        self.latest.as_ref().map_or(&[], |view| &view.segments)
    }

    /// What is known of each pair of the latest view.
    pub fn marks(&self) -> &Square<Mark> {
        &self.marks.square
    }

    /// Another number means other marks or other nodes.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// What is wrong, the gravest first.
    pub fn findings(&self) -> &[Arc<Finding>] {
        &self.findings
    }

    /// What is wrong with a peer: the finding about it, else the first one that it is part of.
    pub fn finding_about(&self, peer: &PeerInfo) -> Option<&Arc<Finding>> {
        let of_it = self.findings.iter().find(|finding| same_peer(&finding.peer, peer));
        of_it.or_else(|| {
            let id = peer.id?;
            self.findings.iter().find(|finding| finding.nodes.contains(&id))
        })
    }

    /// The finding that explains why a pair fails.
    pub fn finding_of_pair(&self, from: NodeId, to: NodeId) -> Option<&Arc<Finding>> {
        let listed = |finding: &&Arc<Finding>| finding.pairs.contains(&(from, to));
        self.findings.iter().find(listed)
    }

    /// The view to compare with: the newest that is as old as this, else the oldest there is. None when there is none but
    /// the latest.
    pub fn before(&self, now: Instant, age: Duration) -> Option<&Arc<MatrixView>> {
        let old_enough = |view: &&Arc<MatrixView>| now.saturating_duration_since(view.at) >= age;
        let then = self.past.iter().rev().find(old_enough).or_else(|| self.past.front())?;
        self.latest.as_ref().is_some_and(|latest| then.at < latest.at).then_some(then)
    }

    /// Takes a view in.
    pub(super) fn take(&mut self, view: &Arc<MatrixView>) -> Novelty {
        let findings = self.findings != view.findings;
        if findings {
            self.findings.clone_from(&view.findings);
        }
        let observations = self.latest.as_ref().is_none_or(|latest| !alike(latest, view));
        let before = self.latest.replace(Arc::clone(view));
        self.mark(before.as_deref(), view.at);
        self.keep(view);
        match (findings, observations) {
            (true, _) => Novelty::Findings,
            (_, true) => Novelty::Sights,
            _ => Novelty::Nothing,
        }
    }

    /// Takes a finding in, or its withdrawal; the one that it corrects, if that is another one.
    pub(super) fn diagnose(&mut self, finding: &Arc<Finding>) -> Option<Arc<Finding>> {
        let corrected = self.findings.iter().position(|known| Some(known.id) == finding.replaces);
        let corrected = corrected.map(|at| self.findings.remove(at));
        let known = self.findings.iter().position(|known| known.id == finding.id);
        match (known, finding.verdict) {
            (Some(at), Verdict::Ok) => _ = self.findings.remove(at),
            (None, Verdict::Ok) => {}
            (Some(at), _) => self.findings[at] = Arc::clone(finding),
            // Until the next view says how grave it is.
            (None, _) => {
                let graver = |known: &Arc<Finding>| known.pair_count >= finding.pair_count;
                let at = self.findings.iter().take_while(|known| graver(known)).count();
                self.findings.insert(at, Arc::clone(finding));
            }
        }
        corrected
    }

    /// Time passes: rows that were not confirmed for long are no longer believed. Returns whether any has become so.
    pub(super) fn age(&mut self, now: Instant) -> bool {
        let Some(view) = self.latest.clone() else { return false };
        let as_marked = |nth: usize| self.marks.fresh.get(nth) == Some(&is_fresh(&view, nth, now));
        if (0..view.nodes.len()).all(as_marked) {
            return false;
        }
        self.mark(Some(&view), now);
        true
    }

    /// Marks the pairs of the latest view anew: those of nodes that are new, whose row is another than before, or is believed
    /// no longer, or again. A view in which nothing changed costs its rows, not its pairs; one with a node more, little.
    fn mark(&mut self, before: Option<&MatrixView>, now: Instant) {
        let Some(view) = self.latest.clone() else { return };
        let size = view.nodes.len();
        let fresh: Vec<_> = (0..size).map(|nth| is_fresh(&view, nth, now)).collect();
        let same_nodes = before.is_some_and(|before| before.nodes == view.nodes);
        let places = before.map_or_else(|| vec![None; size], |before| places(before, &view, same_nodes));
        let as_before = |nth: &usize| {
            let (then, before) = places[*nth].zip(before)?;
            let same = same_row(before, then, &view, *nth) && self.marks.fresh.get(then) == fresh.get(*nth);
            same.then_some(then)
        };
        let kept: Vec<_> = (0..size).map(|nth| as_before(&nth)).collect();
        if same_nodes && kept.iter().all(Option::is_some) {
            return;
        }
        self.revision += 1;
        let marks = Arc::make_mut(&mut self.marks);
        marks.fresh = fresh;
        let was = (!same_nodes).then(|| std::mem::replace(&mut marks.square, Square::new(size)));
        for from in 0..size {
            for to in (0..size).filter(|to| *to != from) {
                match (kept[from].zip(kept[to]), &was) {
                    (Some(_), None) => {}
                    (Some((from_then, to_then)), Some(was)) => {
                        marks.square.set(from, to, was.at(from_then, to_then));
                    }
                    (None, _) => _ = marks.square.set(from, to, Some(mark(&view, from, to, now))),
                }
            }
        }
    }

    /// Keeps one view a minute.
    fn keep(&mut self, view: &Arc<MatrixView>) {
        let due = |last: &Arc<MatrixView>| view.at.saturating_duration_since(last.at) >= MOMENT;
        if self.past.back().is_none_or(due) {
            self.past.push_back(Arc::clone(view));
        }
        while self.past.len() > MOMENTS {
            self.past.pop_front();
        }
    }
}

/// Whether both are the same peer, by its identity where that is known.
fn same_peer(a: &PeerInfo, b: &PeerInfo) -> bool {
    match (a.id, b.id) {
        (Some(a), Some(b)) => a == b,
        _ => a.key == b.key,
    }
}

/// Whether two views say the same, but for when it was confirmed.
fn alike(a: &MatrixView, b: &MatrixView) -> bool {
    a.nodes == b.nodes
        && a.left_out == b.left_out
        && a.segments == b.segments
        && a.rows.len() == b.rows.len()
        && a.rows.iter().zip(&b.rows).all(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => {
                let same = Arc::ptr_eq(&a.observations, &b.observations) || a.observations == b.observations;
                same && a.fresh_for == b.fresh_for
            }
            (None, None) => true,
            _ => false,
        })
}

/// Where each node of a view stood in the one before.
fn places(before: &MatrixView, view: &MatrixView, same_nodes: bool) -> Vec<Option<usize>> {
    if same_nodes {
        return (0..view.nodes.len()).map(Some).collect();
    }
    let by_id: HashMap<_, _> = before.nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
    view.nodes.iter().map(|node| by_id.get(&node.id).copied()).collect()
}

/// Whether a node's row is the very same in both.
fn same_row(before: &MatrixView, then: usize, view: &MatrixView, now: usize) -> bool {
    let row = |view: &'_ MatrixView, nth: usize| {
        view.rows.get(nth)?.as_ref().map(|row| Arc::as_ptr(&row.observations))
    };
    row(before, then) == row(view, now)
}

fn is_fresh(view: &MatrixView, nth: usize, now: Instant) -> bool {
    let row = view.rows.get(nth).and_then(Option::as_ref);
    row.is_some_and(|row| row.is_fresh(now))
}

/// What a view says of a pair at a moment.
fn mark(view: &MatrixView, from: usize, to: usize, now: Instant) -> Mark {
    match view.cell(from, to, now).worse() {
        PathStatus::Ok => Mark::Fine,
        PathStatus::Failing => Mark::Failing,
        PathStatus::Unknown => {
            let row = view.rows.get(from).and_then(Option::as_ref);
            let told = row.is_some_and(|row| row.observations.contains_key(&view.nodes[to].id));
            if told && !is_fresh(view, from, now) { Mark::Stale } else { Mark::Unknown }
        }
    }
}

/// How a pair has changed between two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It fails now.
    Worse,
    /// It works now.
    Better,
    /// It was known then, and is not now.
    Lost,
    /// One of the two nodes was not there.
    New,
}

impl Change {
    /// All of them, what needs an eye first.
    pub const ALL: [Self; 4] = [Self::Worse, Self::Lost, Self::New, Self::Better];

    fn of(then: Option<Mark>, now: Mark) -> Option<Self> {
        let known = |mark| matches!(mark, Mark::Fine | Mark::Failing);
        match (then, now) {
            (None, _) => Some(Self::New),
            (Some(then), now) if then == now => None,
            (_, Mark::Failing) => Some(Self::Worse),
            (_, Mark::Fine) => Some(Self::Better),
            (Some(then), _) => known(then).then_some(Self::Lost),
        }
    }
}

impl PairKind for Change {
    fn nth(self) -> usize {
        self as usize
    }
}

impl Tally {
    /// What needs an eye most of the changes in it.
    pub fn gravest(self) -> Option<Change> {
        Change::ALL.into_iter().find(|change| self.count(*change) > 0)
    }
}

/// What changed between two moments.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// When the earlier one was.
    pub then: Instant,
    /// By pair of the latest view; none where nothing changed.
    pub changes: Square<Change>,
    /// Nodes that are no longer there.
    pub gone: usize,
    /// The marks of the earlier one, and where in it each node of the latest stood.
    marks: Marks,
    places: Vec<Option<usize>>,
}

impl Comparison {
    /// Compares the latest view with one of those before.
    pub fn new(latest: &Matrix, then: &Arc<MatrixView>) -> Self {
        let mut before = Matrix { latest: Some(Arc::clone(then)), ..Matrix::default() };
        before.mark(None, then.at);
        let marks = Arc::unwrap_or_clone(before.marks);
        let places = latest.latest.as_ref().map_or_else(Vec::new, |view| places(then, view, false));
        let stayed = places.iter().flatten().count();
        let mut changes = Square::new(places.len());
        for (from, from_then) in places.iter().enumerate() {
            for (to, to_then) in places.iter().enumerate() {
                let Some(now) = latest.marks().at(from, to) else { continue };
                let was = from_then.zip(*to_then).and_then(|(from, to)| marks.square.at(from, to));
                changes.set(from, to, Change::of(was, now));
            }
        }
        Self { then: then.at, changes, gone: then.nodes.len() - stayed, marks, places }
    }

    /// What was known of a pair then.
    pub fn was(&self, from: usize, to: usize) -> Option<Mark> {
        let [from, to] = [from, to].map(|nth| self.places.get(nth).copied().flatten());
        self.marks.square.at(from?, to?)
    }
}
