//! Files that import each other, directly or around a corner.
//!
//! A file imports from where a thing is defined, not from where it was handed on: a parent that only re-exports what its
//! children define is no part of a cycle, though its children name it. A `mod` declaration imports nothing.
//!
//! Two sorts are told apart. Neighbours that import each other ([`between_neighbours`]) have no order at all. A parent that
//! uses its children while they use what it defines itself ([`with_parents`]) has one, but its definitions want a file of
//! their own.

use std::collections::BTreeMap;

use crate::tree::{SourceFile, Tree};

/// One file's first import from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) line: usize,
    /// As it is written.
    pub(crate) path: String,
}

/// Files each of which leads to every other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cycle {
    pub(crate) files: Vec<String>,
    /// The imports between them.
    pub(crate) edges: Vec<Edge>,
}

impl Cycle {
    /// How many pairs of its files import each other directly.
    pub(crate) fn direct(&self) -> usize {
        let back =
            |edge: &Edge| self.edges.iter().any(|other| other.from == edge.to && other.to == edge.from);
        self.edges.iter().filter(|edge| edge.from < edge.to && back(edge)).count()
    }
}

type Edges = BTreeMap<(usize, usize), Edge>;

/// The cycles that no parent takes part in with what it defines, the largest first.
pub(crate) fn between_neighbours(tree: &Tree) -> Vec<Cycle> {
    let mut edges = edges(tree);
    edges.retain(|(from, to), _| !tree.files[*to].is_parent_of(&tree.files[*from]));
    cycles(tree, &edges)
}

/// The parents that use what a child defines, which uses what they define: the parent's import and the child's.
pub(crate) fn with_parents(tree: &Tree) -> Vec<[Edge; 2]> {
    let edges = edges(tree);
    let up = edges.iter().filter(|((from, to), _)| tree.files[*to].is_parent_of(&tree.files[*from]));
    up.filter_map(|((child, parent), up)| Some([edges.get(&(*parent, *child))?.clone(), up.clone()]))
        .collect()
}

fn edges(tree: &Tree) -> Edges {
    let mut edges = Edges::new();
    let name = |number: usize| SourceFile::name(&tree.files[number]).to_owned();
    for import in tree.imports.iter().filter(|import| !import.handed_on) {
        let Some(to) = import.to else { continue };
        edges.entry((import.from, to)).or_insert_with(|| Edge {
            from: name(import.from),
            to: name(to),
            line: import.line,
            path: import.path.clone(),
        });
    }
    edges
}

fn cycles(tree: &Tree, edges: &Edges) -> Vec<Cycle> {
    let leads = reachable(tree.files.len(), edges.keys().copied());
    let mut seen = vec![false; tree.files.len()];
    let mut cycles = Vec::new();
    for start in 0..seen.len() {
        if seen[start] || !leads[start][start] {
            continue;
        }
        let members: Vec<_> = (0..seen.len()).filter(|&to| leads[start][to] && leads[to][start]).collect();
        for &member in &members {
            seen[member] = true;
        }
        let within = edges.iter().filter(|((a, b), _)| members.contains(a) && members.contains(b));
        cycles.push(Cycle {
            files: members.iter().map(|&member| tree.files[member].name().to_owned()).collect(),
            edges: within.map(|(_, edge)| edge.clone()).collect(),
        });
    }
    cycles.sort_by_key(|cycle| std::cmp::Reverse(cycle.files.len()));
    cycles
}

/// Which file leads to which, by one import or by many.
fn reachable(files: usize, edges: impl Iterator<Item = (usize, usize)>) -> Vec<Vec<bool>> {
    let mut leads = vec![vec![false; files]; files];
    for (from, to) in edges {
        leads[from][to] = true;
    }
    for by in 0..files {
        let onward = leads[by].clone();
        for from in leads.iter_mut().filter(|from| from[by]) {
            for (to, further) in from.iter_mut().zip(&onward) {
                *to |= further;
            }
        }
    }
    leads
}
