//! The peer table: who is known, by identity, by address, and by what is the matter with them.
//!
//! The indexes are private and always agree with the rows. Whoever changes a peer goes through [`PeerTable::get_mut`], which
//! remembers that it was touched: the engine settles what follows, once, after each input.

mod changes;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use rand::seq::SliceRandom;
use slotmap::SlotMap;
use smallvec::SmallVec;

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::limits::ABLE_TRIED;

use super::PeerKey;
use super::peer::Peer;

/// All peers.
#[derive(Debug, Default)]
pub(crate) struct PeerTable {
    /// Boxed: the spare room of a growing table is then that of pointers.
    rows: SlotMap<PeerKey, Box<Row>>,
    by_id: HashMap<NodeId, PeerKey>,
    /// By the address that is dialed.
    by_addr: HashMap<SocketAddr, PeerKey>,
    /// All rows at an address, in order of arrival there.
    by_ip: HashMap<IpAddr, SmallVec<[PeerKey; 1]>>,
    /// Every row once, in no order: to pick some at random.
    keys: Vec<PeerKey>,
    /// In order of discovery; those proven, gone or named since are skipped.
    unproven: VecDeque<PeerKey>,
    named: BTreeSet<PeerKey>,
    unwell: BTreeSet<PeerKey>,
    troubled: BTreeSet<PeerKey>,
    far: BTreeSet<PeerKey>,
    /// What changed since the engine settled last.
    changes: Changes,
    #[cfg(any(test, feature = "testkit"))]
    steps: std::cell::Cell<u64>,
}

/// What changed since it was last asked for.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    /// Peers that were touched, each once.
    pub(crate) touched: Vec<PeerKey>,
    /// Peers that are in the table no longer.
    pub(crate) removed: Vec<Peer>,
    /// Identities that a row has now.
    pub(crate) met: Vec<NodeId>,
    /// Identities that no row has any longer, or whose node said goodbye.
    pub(crate) gone: Vec<NodeId>,
}

#[derive(Debug)]
struct Row {
    peer: Peer,
    touched: bool,
    /// All is well with it, as it was settled last.
    steady: bool,
    /// It stands in the queue of those that have not proved their address.
    awaits_proof: bool,
    /// Its position among [`PeerTable::keys`].
    nth: usize,
}

impl PeerTable {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn get(&self, key: PeerKey) -> Option<&Peer> {
        self.count_steps(1);
        self.rows.get(key).map(|row| &row.peer)
    }

    /// A peer that is about to change.
    pub(crate) fn get_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        let row = self.rows.get_mut(key)?;
        row.steady = false;
        if !std::mem::replace(&mut row.touched, true) {
            self.changes.touched.push(key);
        }
        Some(&mut row.peer)
    }

    /// A peer with which all was well when it was settled, and that was not touched since: to note what changes nothing.
    pub(crate) fn steady_mut(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        self.rows.get_mut(key).filter(|row| row.steady).map(|row| &mut row.peer)
    }

    /// The row of an identity.
    pub(crate) fn by_id(&self, id: NodeId) -> Option<PeerKey> {
        self.by_id.get(&id).copied()
    }

    /// The row that is dialed at an address.
    pub(crate) fn by_addr(&self, addr: SocketAddr) -> Option<PeerKey> {
        self.by_addr.get(&addr).copied()
    }

    /// All peers at an address.
    pub(crate) fn at(&self, ip: IpAddr) -> impl Iterator<Item = &Peer> {
        let keys = self.by_ip.get(&ip).map_or(&[][..], |keys| keys);
        keys.iter().filter_map(|key| self.get(*key))
    }

    /// Every peer, in order of discovery. Walks the table: for what a person asks for, and what is rare.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.count_steps(self.rows.len());
        self.rows.values().map(|row| &row.peer)
    }

    /// Every key. Walks the table, too.
    pub(crate) fn keys(&self) -> Vec<PeerKey> {
        self.count_steps(self.rows.len());
        self.rows.keys().collect()
    }

    /// Peers that a person named.
    pub(crate) fn named(&self) -> &BTreeSet<PeerKey> {
        &self.named
    }

    /// Peers with trouble, or of which anything seen is not fine.
    pub(crate) fn unwell(&self) -> &BTreeSet<PeerKey> {
        &self.unwell
    }

    /// Peers with trouble that have not left.
    pub(crate) fn troubled(&self) -> &BTreeSet<PeerKey> {
        &self.troubled
    }

    /// Peers that we have no exchange of our own with, so that others may tell us their rows.
    pub(crate) fn far(&self) -> &BTreeSet<PeerKey> {
        &self.far
    }

    /// Up to `most` peers other than `but` that can be asked at once, at random. In a large table it gives up after
    /// [`ABLE_TRIED`] tries.
    pub(crate) fn pick_idle(&self, most: usize, but: PeerKey, ctx: &mut Context<'_>) -> Vec<PeerKey> {
        let n = self.keys.len();
        let tried: Vec<PeerKey> = if n <= ABLE_TRIED {
            self.keys.clone()
        } else {
            let tries: BTreeSet<usize> = (0..ABLE_TRIED).map(|_| ctx.rng.random_range(0..n)).collect();
            tries.into_iter().map(|nth| self.keys[nth]).collect()
        };
        let idle = |key: &PeerKey| *key != but && self.get(*key).is_some_and(Peer::is_idle_and_well);
        let mut idle: Vec<PeerKey> = tried.into_iter().filter(idle).collect();
        idle.partial_shuffle(ctx.rng, most).0.to_vec()
    }

    /// The next peer to settle after it was touched.
    pub(crate) fn next_touched(&mut self) -> Option<PeerKey> {
        while let Some(key) = self.changes.touched.pop() {
            if let Some(row) = self.rows.get_mut(key) {
                row.touched = false;
                return Some(key);
            }
        }
        None
    }

    /// A peer that is being settled: this touches it no more.
    pub(crate) fn settle(&mut self, key: PeerKey) -> Option<&mut Peer> {
        self.count_steps(1);
        self.rows.get_mut(key).map(|row| &mut row.peer)
    }

    /// The sets follow what is the matter with a peer now: the last step of settling it.
    pub(crate) fn index_condition(&mut self, key: PeerKey) {
        let Some(row) = self.rows.get_mut(key) else { return };
        row.steady = row.peer.is_steady();
        let peer = &row.peer;
        let (unwell, troubled, far) = (peer.is_unwell(), peer.is_troubled(), peer.is_far());
        for (set, belongs) in
            [(&mut self.unwell, unwell), (&mut self.troubled, troubled), (&mut self.far, far)]
        {
            if belongs {
                set.insert(key);
            } else if !set.is_empty() {
                set.remove(&key);
            }
        }
    }

    /// Peers that left the table, and identities that came and went, since this was last asked.
    pub(crate) fn take_changes(&mut self) -> (Vec<Peer>, Vec<NodeId>, Vec<NodeId>) {
        let Changes { removed, met, gone, .. } = &mut self.changes;
        (std::mem::take(removed), std::mem::take(met), std::mem::take(gone))
    }

    #[cfg(any(test, feature = "testkit"))]
    fn count_steps(&self, steps: usize) {
        self.steps.set(self.steps.get() + u64::try_from(steps).unwrap_or(u64::MAX));
    }

    #[cfg(not(any(test, feature = "testkit")))]
    #[expect(clippy::unused_self, reason = "steps are counted in tests only")]
    fn count_steps(&self, _steps: usize) {}

    /// How many rows were looked at, walks included.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn steps(&self) -> u64 {
        self.steps.get()
    }

    /// Panics unless all indexes agree with the rows: for tests.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self) {
        let mut by_ip: HashMap<IpAddr, usize> = HashMap::new();
        for (key, row) in &self.rows {
            let peer = &row.peer;
            *by_ip.entry(peer.addr().ip()).or_default() += 1;
            assert_eq!(peer.key(), key);
            assert!(peer.id().is_none_or(|id| self.by_id.get(&id) == Some(&key)), "every id is in by_id");
            assert_eq!(self.keys[row.nth], key, "every row is among the keys");
            assert_eq!(self.named.contains(&key), peer.is_named(), "named peers are in their set");
            if !row.touched {
                let (unwell, troubled, far) = (peer.is_unwell(), peer.is_troubled(), peer.is_far());
                assert_eq!(self.unwell.contains(&key), unwell, "unwell peers are in their set");
                assert_eq!(self.troubled.contains(&key), troubled, "troubled peers are in their set");
                assert_eq!(self.far.contains(&key), far, "far peers are in their set");
            }
            assert!(self.at(peer.addr().ip()).any(|other| other.key() == key), "every row is in by_ip");
        }
        for (id, key) in &self.by_id {
            assert_eq!(self.rows[*key].peer.id(), Some(*id), "by_id names the row of that id");
        }
        for (addr, key) in &self.by_addr {
            assert_eq!(self.rows[*key].peer.addr(), *addr, "by_addr names the row at that address");
            assert_ne!(addr.port(), 0, "nobody is dialed at port 0");
        }
        let counted = self.by_ip.iter().map(|(ip, keys)| (*ip, keys.len())).collect();
        assert_eq!(by_ip, counted, "by_ip holds the rows at each address");
        assert_eq!(self.keys.len(), self.rows.len());
        assert!(self.rows.len() <= crate::engine::limits::MAX_PEERS);
    }
}
