//! The order of the table: by any column, by name as people count (`host9` before `host10`), those that left last.
//!
//! A new peer is put where it belongs at once. One whose value changes stays where it is until the next
//! [`Order::resort`], so that rows neither flicker nor jump at every dial; a frame of ten thousand peers sorts nothing.

use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::column::Column;
use crate::engine::peers::{PeerInfo, PeerKey};
use crate::text::natural_cmp;

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// By this column,
    pub by: Column,
    /// from its end.
    pub reversed: bool,
}

impl Default for Sort {
    /// Trouble first, then by name: the first rows say what is wrong.
    fn default() -> Self {
        Self { by: Column::State, reversed: false }
    }
}

/// Where a peer belongs in the table.
#[derive(Debug, Clone)]
pub(super) struct Rank {
    /// Peers without a value come after the others, those that left after all.
    group: Group,
    /// Within its group.
    value: u64,
    info: Arc<PeerInfo>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Valued,
    Unvalued,
    Left,
}

impl Rank {
    /// The rank of a peer that has this value in the column, if any, and has left, or not.
    pub(super) fn new(left: bool, value: Option<u64>, info: Arc<PeerInfo>) -> Self {
        let group = match (left, value) {
            (true, _) => Group::Left,
            (false, None) => Group::Unvalued,
            (false, Some(_)) => Group::Valued,
        };
        Self { group, value: value.unwrap_or(0), info }
    }
}

/// The peers that are listed, sorted.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    sort: Sort,
    ranks: Vec<Rank>,
}

impl Order {
    /// What it is to be sorted by: [`Order::resort`] must follow.
    pub(super) fn set_sort(&mut self, sort: Sort) {
        self.sort = sort;
    }

    /// How it is sorted.
    pub(super) fn sort(&self) -> Sort {
        self.sort
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ranks.len()
    }

    /// The keys of a stretch, cut to what there is.
    pub(super) fn keys(&self, stretch: Range<usize>) -> impl Iterator<Item = PeerKey> {
        let end = stretch.end.min(self.ranks.len());
        self.ranks[stretch.start.min(end)..end].iter().map(|rank| rank.info.key)
    }

    /// Where a rank stands.
    pub(super) fn position(&self, rank: &Rank) -> Option<usize> {
        self.search(rank).ok()
    }

    /// Adds a rank; one that is there already stays.
    pub(super) fn insert(&mut self, rank: Rank) {
        if let Err(at) = self.search(&rank) {
            self.ranks.insert(at, rank);
        }
    }

    /// Removes a rank.
    pub(super) fn remove(&mut self, rank: &Rank) {
        if let Ok(at) = self.search(rank) {
            self.ranks.remove(at);
        }
    }

    /// Takes all ranks anew. Costs little when most are in order already.
    pub(super) fn resort(&mut self, ranks: Vec<Rank>) {
        self.ranks = ranks;
        let sort = self.sort;
        self.ranks.sort_by(|a, b| compare(sort, a, b));
    }

    /// Whether both stand at the same place.
    pub(super) fn same(&self, a: &Rank, b: &Rank) -> bool {
        (Arc::ptr_eq(&a.info, &b.info) && a.group == b.group && a.value == b.value)
            || compare(self.sort, a, b) == Ordering::Equal
    }

    fn search(&self, rank: &Rank) -> Result<usize, usize> {
        self.ranks.binary_search_by(|other| compare(self.sort, other, rank))
    }
}

/// By group, value, then name, address and key, so that no two peers are equal.
fn compare(sort: Sort, a: &Rank, b: &Rank) -> Ordering {
    let turned = |order: Ordering| if sort.reversed { order.reverse() } else { order };
    let addresses = || a.info.addr.cmp(&b.info.addr);
    let names = || natural_cmp(&a.info.name, &b.info.name);
    a.group
        .cmp(&b.group)
        .then_with(|| match sort.by {
            Column::Name => turned(names()),
            Column::Address => turned(addresses()).then_with(names),
            _ => turned(a.value.cmp(&b.value)).then_with(names),
        })
        .then_with(addresses)
        .then_with(|| a.info.key.cmp(&b.info.key))
}
