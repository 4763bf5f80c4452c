//! A ring of entries in which each knows the one before it of the same peer.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

use hashbrown::HashTable;

use crate::engine::peers::PeerKey;

/// What a chain can hold: an entry is about one peer, or about none.
pub(super) trait About {
    /// The peer.
    fn peer(&self) -> Option<PeerKey>;
}

#[derive(Debug, Clone)]
struct Link<T> {
    entry: T,
    /// How many entries back the one before of the same peer is; 0 if there was none. Beyond the oldest: no longer held.
    back: u32,
}

/// The last `CAP` entries, numbered from 0 in the order they came.
#[derive(Debug, Clone)]
pub(super) struct Chain<T, const CAP: usize> {
    ring: VecDeque<Link<T>>,
    /// Number of the oldest one held.
    first: u64,
    /// Number of each peer's newest one, as long as it is held: its last 32 bits. Whose it is stands in the entry alone.
    heads: HashTable<u32>,
    hasher: RandomState,
}

impl<T, const CAP: usize> Default for Chain<T, CAP> {
    fn default() -> Self {
        Self { ring: VecDeque::new(), first: 0, heads: HashTable::new(), hasher: RandomState::new() }
    }
}

impl<T: About, const CAP: usize> Chain<T, CAP> {
    /// How many are held.
    pub(super) fn len(&self) -> usize {
        self.ring.len()
    }

    /// Number of the oldest one held.
    pub(super) fn oldest(&self) -> u64 {
        self.first
    }

    /// Number of the newest one; none before the first.
    pub(super) fn newest(&self) -> Option<u64> {
        (self.first + self.ring.len() as u64).checked_sub(1).filter(|_| !self.ring.is_empty())
    }

    /// Number of a peer's newest one, if it is held.
    pub(super) fn newest_of(&self, peer: PeerKey) -> Option<u64> {
        let number = |head: &u32| whole(self.first, *head);
        let is_of = |head: &u32| self.get(number(head)).and_then(T::peer) == Some(peer);
        self.heads.find(self.hasher.hash_one(peer), is_of).map(number)
    }

    /// One entry, if it is held.
    pub(super) fn get(&self, number: u64) -> Option<&T> {
        self.ring.get(self.position(number)?).map(|link| &link.entry)
    }

    /// One entry, if it is held.
    pub(super) fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let at = self.position(number)?;
        self.ring.get_mut(at).map(|link| &mut link.entry)
    }

    /// From this one back in time.
    pub(super) fn back_from(&self, number: u64) -> impl Iterator<Item = (u64, &T)> {
        let newer = self.newest().map_or(0, |newest| newest.saturating_sub(number));
        let end = self.ring.len().saturating_sub(usize::try_from(newer).unwrap_or(usize::MAX));
        self.ring.range(..end).enumerate().rev().map(|(i, link)| (self.first + i as u64, &link.entry))
    }

    /// Those of one peer, the newest first. Costs what is taken.
    pub(super) fn of_peer(&self, peer: PeerKey) -> impl Iterator<Item = (u64, &T)> {
        let mut next = self.newest_of(peer);
        std::iter::from_fn(move || {
            let number = next?;
            let link = self.ring.get(self.position(number)?)?;
            next = number.checked_sub(u64::from(link.back)).filter(|_| link.back > 0);
            Some((number, &link.entry))
        })
    }

    /// How many of the oldest ones this is true of, when it is true of none that comes after one of which it is not.
    pub(super) fn count_while(&self, mut is: impl FnMut(&T) -> bool) -> usize {
        self.ring.partition_point(|link| is(&link.entry))
    }

    /// Adds one. Returns the one that had to go for it.
    pub(super) fn push(&mut self, entry: T) -> Option<T> {
        if self.ring.len() == self.ring.capacity() {
            // Doubling, but never beyond what it may hold.
            self.ring.reserve_exact(self.ring.len().clamp(16, CAP).min(CAP - self.ring.len()));
        }
        let dropped = if self.ring.len() == CAP { self.drop_oldest() } else { None };
        let number = self.first + self.ring.len() as u64;
        let before = entry.peer().and_then(|peer| self.set_head(peer, number));
        let back = before.map_or(0, |before| u32::try_from(number - before).unwrap_or(u32::MAX));
        self.ring.push_back(Link { entry, back });
        dropped
    }

    fn drop_oldest(&mut self) -> Option<T> {
        let Link { entry, .. } = self.ring.pop_front()?;
        if let Some(peer) = entry.peer()
            && let Ok(head) =
                self.heads.find_entry(self.hasher.hash_one(peer), |head| *head == short(self.first))
        {
            head.remove();
        }
        self.first += 1;
        Some(entry)
    }

    /// The newest one of a peer has this number from now on. Returns the number of the one before, if that is held.
    fn set_head(&mut self, peer: PeerKey, number: u64) -> Option<u64> {
        let Self { ring, first, heads, hasher } = self;
        let first = *first;
        let peer_of = |head: &u32| ring.get(position(first, whole(first, *head))?)?.entry.peer();
        let hash = hasher.hash_one(peer);
        if let Some(head) = heads.find_mut(hash, |head| peer_of(head) == Some(peer)) {
            return Some(whole(first, std::mem::replace(head, short(number))));
        }
        heads
            .insert_unique(hash, short(number), |head| peer_of(head).map_or(0, |peer| hasher.hash_one(peer)));
        None
    }

    fn position(&self, number: u64) -> Option<usize> {
        position(self.first, number)
    }
}

/// The last 32 bits of a number.
fn short(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}

/// The number of which these are the last 32 bits: the only one that can be held when `first` is the oldest.
fn whole(first: u64, bits: u32) -> u64 {
    first + u64::from(bits.wrapping_sub(short(first)))
}

fn position(first: u64, number: u64) -> Option<usize> {
    usize::try_from(number.checked_sub(first)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slotmap::KeyData;

    use super::*;

    /// About the peer of this number; 0 is none.
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Note(u64, usize);

    fn key(peer: u64) -> PeerKey {
        PeerKey::from(KeyData::from_ffi(peer | 1 << 32))
    }

    impl About for Note {
        fn peer(&self) -> Option<PeerKey> {
            (self.0 > 0).then(|| key(self.0))
        }
    }

    proptest! {
        #[test]
        fn a_chain_is_a_list_cut_to_its_cap(peers in proptest::collection::vec(0..6_u64, 0..60), from in 0..70_u64) {
            let mut chain = Chain::<Note, 16>::default();
            let mut dropped = Vec::new();
            let all: Vec<(u64, Note)> = (0..).zip(peers.iter().zip(0..).map(|(peer, i)| Note(*peer, i))).collect();
            for (_, note) in &all {
                dropped.extend(chain.push(*note));
            }
            let held = &all[all.len().saturating_sub(16)..];
            let gone = &all[..all.len() - held.len()];
            prop_assert_eq!(dropped, gone.iter().map(|(_, note)| *note).collect::<Vec<_>>());
            prop_assert_eq!(chain.newest(), held.last().map(|(number, _)| *number));
            prop_assert_eq!(chain.len(), held.len());
            let back: Vec<_> = chain.back_from(from).map(|(number, note)| (number, *note)).collect();
            let expected: Vec<_> = held.iter().rev().filter(|(number, _)| *number <= from).copied().collect();
            prop_assert_eq!(back, expected);
            for peer in 1..6 {
                let of: Vec<_> = chain.of_peer(key(peer)).map(|(number, note)| (number, *note)).collect();
                let expected: Vec<_> = held.iter().rev().filter(|(_, note)| note.0 == peer).copied().collect();
                prop_assert_eq!(of, expected);
            }
            let is_held = |head: &u32| chain.get(whole(chain.first, *head)).is_some();
            prop_assert!(chain.heads.len() <= 5 && chain.heads.iter().all(is_held));
        }
    }

    #[test]
    fn the_newest_of_a_peer_is_found_where_numbers_no_longer_fit_in_32_bits() {
        let mut chain = Chain::<Note, 16> { first: u64::from(u32::MAX) - 9, ..Chain::default() };
        for nth in 0..40 {
            chain.push(Note(1 + nth % 2, 0));
            assert_eq!(chain.newest_of(key(1 + nth % 2)), chain.newest());
            let of_one = chain.ring.iter().filter(|link| link.entry.0 == 1).count();
            assert_eq!(chain.of_peer(key(1)).count(), of_one);
        }
        assert!(chain.oldest() > u64::from(u32::MAX));
    }
}
