//! A square of pairs, each of one of a few kinds, with how many of each kind are in every row, column and in all.
//!
//! The counts are kept as cells change, so that whoever draws a part of a large square can say what is in the rest of it.

use std::ops::{Add, AddAssign, Sub};

/// Kinds that are counted.
pub const KINDS: usize = 4;

/// What a pair can be.
pub trait PairKind: Copy + PartialEq {
    /// Its number, below [`KINDS`].
    fn nth(self) -> usize;
}

/// How many pairs of each kind there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally([u32; KINDS]);

impl Tally {
    /// How many of a kind.
    pub fn count(self, kind: impl PairKind) -> u32 {
        self.0[kind.nth()]
    }

    /// How many of all kinds.
    pub fn total(self) -> u32 {
        self.0.iter().sum()
    }

    /// All but those of a kind.
    #[must_use]
    pub fn without(mut self, kind: impl PairKind) -> Self {
        self.0[kind.nth()] = 0;
        self
    }

    /// One pair of this kind.
    pub fn one(kind: impl PairKind) -> Self {
        let mut tally = Self::default();
        tally.0[kind.nth()] = 1;
        tally
    }

    fn each(self, other: Self, with: impl Fn(u32, u32) -> u32) -> Self {
        Self(std::array::from_fn(|nth| with(self.0[nth], other.0[nth])))
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.each(other, u32::saturating_add)
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

/// What is left of a whole without a part of it.
impl Sub for Tally {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        self.each(part, u32::saturating_sub)
    }
}

impl std::iter::Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(tallies: I) -> Self {
        tallies.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
thread_local! {
    /// Pairs that were looked at, for tests of what a frame costs.
    pub(in crate::app) static LOOKS: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// What each pair of so many nodes is. One byte a pair: a million for a thousand nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Square<K> {
    size: usize,
    /// Row by row; none where there is nothing to count.
    cells: Vec<Option<K>>,
    rows: Vec<Tally>,
    columns: Vec<Tally>,
    all: Tally,
}

impl<K: PairKind> Default for Square<K> {
    fn default() -> Self {
        Self::new(0)
    }
}

impl<K: PairKind> Square<K> {
    /// One with nothing in it.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            cells: vec![None; size * size],
            rows: vec![Tally::default(); size],
            columns: vec![Tally::default(); size],
            all: Tally::default(),
        }
    }

    /// How many nodes it has.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Sets a pair. Returns whether it was another kind before.
    pub(super) fn set(&mut self, from: usize, to: usize, kind: Option<K>) -> bool {
        let cell = &mut self.cells[from * self.size + to];
        let before = std::mem::replace(cell, kind);
        if before == kind {
            return false;
        }
        for tally in [&mut self.rows[from], &mut self.columns[to], &mut self.all] {
            if let Some(before) = before {
                *tally = *tally - Tally::one(before);
            }
            if let Some(kind) = kind {
                *tally += Tally::one(kind);
            }
        }
        true
    }

    /// What a pair is; none of a node with itself, and of what is not there.
    pub fn at(&self, from: usize, to: usize) -> Option<K> {
        #[cfg(test)]
        LOOKS.set(LOOKS.get() + 1);
        if to >= self.size {
            return None;
        }
        self.cells.get(from * self.size + to).copied().flatten()
    }

    /// What is in the rows of some nodes.
    pub fn rows(&self, nodes: &[usize]) -> Tally {
        nodes.iter().filter_map(|node| self.rows.get(*node)).copied().sum()
    }

    /// What is in the columns of some nodes.
    pub fn columns(&self, nodes: &[usize]) -> Tally {
        nodes.iter().filter_map(|node| self.columns.get(*node)).copied().sum()
    }

    /// What is in all of it.
    pub fn all(&self) -> Tally {
        self.all
    }

    /// What is where some rows and some columns cross. Costs as many pairs as that has.
    pub fn block(&self, rows: &[usize], columns: &[usize]) -> Tally {
        let pairs = rows.iter().flat_map(|from| columns.iter().map(move |to| (*from, *to)));
        pairs.filter_map(|(from, to)| self.at(from, to)).map(Tally::one).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    impl PairKind for u8 {
        fn nth(self) -> usize {
            usize::from(self)
        }
    }

    proptest! {
        #[test]
        fn the_counts_are_those_of_the_cells_whatever_was_set(
            sets in prop::collection::vec((0..6_usize, 0..6_usize, prop::option::of(0..4_u8)), 0..200),
        ) {
            let mut square = Square::new(6);
            for (from, to, kind) in sets {
                square.set(from, to, kind);
                prop_assert_eq!(square.at(from, to), kind);
            }
            let all: Vec<_> = (0..6).collect();
            prop_assert_eq!(square.all(), square.block(&all, &all));
            for nth in 0..6 {
                prop_assert_eq!(square.rows(&[nth]), square.block(&[nth], &all));
                prop_assert_eq!(square.columns(&[nth]), square.block(&all, &[nth]));
            }
            let [some, others] = [&all[..2], &all[2..]];
            prop_assert_eq!(square.rows(some) - square.block(some, some), square.block(some, others));
        }
    }

    #[test]
    fn outside_of_it_is_nothing() {
        let mut square = Square::new(2);
        square.set(1, 0, Some(1_u8));
        assert_eq!((square.at(0, 2), square.at(2, 0), square.rows(&[7])), (None, None, Tally::default()));
    }
}
