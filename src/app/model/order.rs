//! The order of the table: by any column, by name as people count (`host9` before `host10`), those that left last.
//!
//! A new peer is put where it belongs at once. One whose value changes stays where it is until the next
//! [`Order::resort`], so that rows neither flicker nor jump at every dial; a frame of ten thousand peers sorts nothing.

use std::cmp::Ordering;
use std::num::NonZeroU64;
use std::ops::Range;

use super::column::Column;
use super::groups::{GroupId, Groups, Networks};
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
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

/// What a peer is sorted by: peers that are pinned come first, those without a value after the others, those that left after all. In
/// eight bytes, as every row has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rank(
    /// The group in the upper three bits, from 1; the value in the others.
    NonZeroU64,
);

/// The greatest value of a rank.
pub(super) const GREATEST: u64 = (1 << VALUE_BITS) - 1;
/// Groups of those that are pinned, and as many of the others.
const GROUPS: u64 = 3;
const VALUE_BITS: u32 = 61;

impl Rank {
    /// The rank of a peer that has this value in the column, if any, is pinned, and has left, or not.
    pub(super) fn new(pinned: bool, left: bool, value: Option<u64>) -> Self {
        let group: u64 = match (left, value) {
            (false, Some(_)) => 1,
            (false, None) => 2,
            (true, _) => 3,
        };
        let group = if pinned { group } else { group + GROUPS };
        let packed = group << VALUE_BITS | value.unwrap_or(0).min(GREATEST);
        Self(NonZeroU64::new(packed).unwrap_or(NonZeroU64::MAX))
    }

    fn group(self) -> u64 {
        self.0.get() >> VALUE_BITS
    }

    fn value(self) -> u64 {
        self.0.get() & GREATEST
    }

    fn is_pinned(self) -> bool {
        self.group() <= GROUPS
    }
}

/// Where a peer belongs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) rank: Rank,
    pub(super) info: &'a PeerInfo,
}

/// The peers that are listed, sorted. Their ranks are in their rows: whoever calls says where each belongs.
#[derive(Debug, Clone, Default)]
pub(super) struct Order {
    sort: Sort,
    keys: Vec<PeerKey>,
    networks: Networks,
    /// Where the table is grouped: how many peers of each group are listed, as [`Order::count`] is told.
    groups: Option<Groups>,
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

    /// The networks that groups are made by. Returns whether it has to be sorted again.
    pub(super) fn set_networks(&mut self, networks: Networks) -> bool {
        let is_new = self.networks != networks;
        self.networks = networks;
        is_new && self.groups.is_some()
    }

    /// The networks that groups are made by.
    pub(super) fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Sorts by groups first, or no more: [`Order::resort`] must follow.
    pub(super) fn set_groups(&mut self, groups: Option<Groups>) {
        self.groups = groups;
    }

    /// The groups, if it is sorted by them first.
    pub(super) fn groups(&self) -> Option<&Groups> {
        self.groups.as_ref()
    }

    /// The same, to be changed.
    pub(super) fn groups_mut(&mut self) -> Option<&mut Groups> {
        self.groups.as_mut()
    }

    /// The group of a place.
    pub(super) fn group(&self, place: Place<'_>) -> Option<GroupId> {
        self.groups.as_ref().map(|_| self.networks.group(place.info, place.rank.is_pinned()))
    }

    /// A peer in this state is listed at a place, or is no longer.
    pub(super) fn count(&mut self, place: Place<'_>, state: PeerState, is_listed: bool) {
        let id = self.group(place);
        match (id, &mut self.groups) {
            (Some(id), Some(groups)) if is_listed => groups.add(id, state),
            (Some(id), Some(groups)) => groups.take(id, state),
            _ => {}
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The keys of a stretch, cut to what there is.
    pub(super) fn keys(&self, stretch: Range<usize>) -> &[PeerKey] {
        let end = stretch.end.min(self.keys.len());
        &self.keys[stretch.start.min(end)..end]
    }

    /// Where a place is, if it is taken.
    pub(super) fn position<'a>(
        &self,
        place: Place<'_>,
        of: impl Fn(PeerKey) -> Option<Place<'a>>,
    ) -> Option<usize> {
        self.search(place, of).ok()
    }

    /// Adds a peer; one that is there already stays.
    pub(super) fn insert<'a>(&mut self, place: Place<'_>, of: impl Fn(PeerKey) -> Option<Place<'a>>) {
        if let Err(at) = self.search(place, of) {
            self.keys.insert(at, place.info.key);
        }
    }

    /// Removes a peer.
    pub(super) fn remove<'a>(&mut self, place: Place<'_>, of: impl Fn(PeerKey) -> Option<Place<'a>>) {
        if let Ok(at) = self.search(place, of) {
            self.keys.remove(at);
        }
    }

    /// Lists these peers and no others. Costs little when most are in order already.
    pub(super) fn resort(&mut self, mut places: Vec<Place<'_>>) {
        places.sort_by(|a, b| self.compare(*a, *b));
        self.keys.clear();
        self.keys.extend(places.iter().map(|place| place.info.key));
    }

    fn search<'a>(
        &self,
        place: Place<'_>,
        of: impl Fn(PeerKey) -> Option<Place<'a>>,
    ) -> Result<usize, usize> {
        // A key that nobody knows would be a row that was not taken out: it is passed over.
        self.keys.binary_search_by(|key| of(*key).map_or(Ordering::Less, |other| self.compare(other, place)))
    }

    fn compare(&self, a: Place<'_>, b: Place<'_>) -> Ordering {
        self.group(a).cmp(&self.group(b)).then_with(|| compare(self.sort, a, b))
    }
}

/// By group, value, then name, address and key, so that no two peers are equal.
fn compare(sort: Sort, a: Place<'_>, b: Place<'_>) -> Ordering {
    let turned = |order: Ordering| if sort.reversed { order.reverse() } else { order };
    let addresses = || a.info.addr.cmp(&b.info.addr);
    let names = || natural_cmp(&a.info.name, &b.info.name);
    a.rank
        .group()
        .cmp(&b.rank.group())
        .then_with(|| match sort.by {
            Column::Name => turned(names()),
            Column::Address => turned(addresses()).then_with(names),
            _ => turned(a.rank.value().cmp(&b.rank.value())).then_with(names),
        })
        .then_with(addresses)
        .then_with(|| a.info.key.cmp(&b.info.key))
}
