//! The peer table: who is known, by identity, by address, and by what is the matter with them.
//!
//! The indexes are private and always agree with the rows. Whoever changes a peer goes through [`PeerTable::get_mut`], which
//! remembers that it was touched: the engine settles what follows, once, after each input.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rand::RngExt;
use rand::seq::SliceRandom;
use slotmap::SlotMap;
use smallvec::SmallVec;

use crate::engine::context::Context;
use crate::engine::event::{Event, RejectReason};
use crate::engine::limits::{
    ABLE_TRIED, MAX_LEFT_PER_ADDRESS, MAX_NODES_PER_ADDRESS, MAX_PEERS, MAX_UNPROVEN,
};
use crate::engine::{Incarnation, NodeId};

use super::peer::Peer;
use super::{LeaveReason, PeerInfo, PeerKey, Via};

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

    /// A new row, or why there is no room for it.
    pub(crate) fn discover(
        &mut self,
        addr: SocketAddr,
        identity: Option<(NodeId, Incarnation)>,
        name: &str,
        via: Via,
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        if self.at(addr.ip()).filter(|peer| !peer.has_left()).count() >= usize::from(MAX_NODES_PER_ADDRESS) {
            return Err(RejectReason::TooManyNodes);
        }
        if self.rows.len() >= MAX_PEERS && !self.evict_unproven(ctx) {
            return Err(RejectReason::TableFull);
        }
        let name = name.to_owned();
        let nth = self.keys.len();
        let key = self.rows.insert_with_key(|key| {
            let (id, incarnation) = (identity.map(|i| i.0), identity.map(|i| i.1));
            let info = PeerInfo { key, id, name, addr, incarnation };
            Box::new(Row {
                peer: Peer::new(info, via, ctx.now),
                touched: false,
                steady: false,
                awaits_proof: false,
                nth,
            })
        });
        self.keys.push(key);
        if let Some((id, _)) = identity {
            self.index_id(id, key);
        }
        self.place(key, addr);
        if via == Via::Static {
            self.named.insert(key);
        } else {
            self.await_proof(key);
            while self.unproven.len() > MAX_UNPROVEN {
                self.evict_first_unproven(ctx);
            }
        }
        let interface = ctx.links.name_of(addr.ip());
        if let Some(peer) = self.get_mut(key) {
            peer.set_interface(interface);
            ctx.out.publish(Event::PeerDiscovered { peer: Arc::clone(peer.info()), via });
            if via != Via::Static {
                peer.dial_after_grace(ctx);
            }
        }
        Ok(key)
    }

    /// A person named this address.
    pub(crate) fn name_peer(
        &mut self,
        host: &str,
        addr: SocketAddr,
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        let key = match self.by_addr(addr) {
            Some(key) => key,
            None => self.discover(addr, None, host, Via::Static, ctx)?,
        };
        self.named.insert(key);
        if let Some(peer) = self.get_mut(key) {
            peer.name_at(addr.ip());
            peer.force_dial(ctx.links);
        }
        Ok(key)
    }

    /// The node at a row's address has said who it is: for the first time, or it is another life.
    pub(crate) fn identify(
        &mut self,
        key: PeerKey,
        id: NodeId,
        incarnation: Incarnation,
        name: &str,
        ctx: &mut Context<'_>,
    ) {
        match self.get_mut(key) {
            Some(peer) if peer.id().is_none() => {
                peer.change_info(|info| info.identify(id, incarnation, name));
                self.index_id(id, key);
            }
            _ => self.restart(key, id, incarnation, name, ctx),
        }
    }

    /// A peer lives a new life: what was proven of the old one is void, and it is dialed again.
    pub(crate) fn restart(
        &mut self,
        key: PeerKey,
        id: NodeId,
        incarnation: Incarnation,
        name: &str,
        ctx: &mut Context<'_>,
    ) {
        let Some(peer) = self.get_mut(key) else { return };
        let replaced = peer.id().filter(|old| *old != id);
        if let Some(old) = replaced {
            peer.retire(old);
        }
        peer.begin_life(id, incarnation, name, ctx);
        if let Some(old) = replaced {
            self.unindex_id(old);
        }
        self.index_id(id, key);
        self.await_proof(key);
    }

    /// The peer is dialed at another address from now on.
    pub(crate) fn readdress(&mut self, key: PeerKey, to: SocketAddr, ctx: &mut Context<'_>) {
        let Some(peer) = self.get_mut(key) else { return };
        let from = peer.addr();
        peer.begin_address(to, ctx);
        let proven = peer.is_proven();
        self.unplace(key, from);
        self.place(key, to);
        if !proven {
            self.await_proof(key);
        }
    }

    /// The peer said goodbye. Of those that did at one address, the oldest make room.
    pub(crate) fn leave(&mut self, key: PeerKey, reason: LeaveReason, ctx: &mut Context<'_>) {
        let Some(peer) = self.get_mut(key).filter(|peer| !peer.has_left()) else { return };
        peer.leave(reason, ctx);
        let (id, ip) = (peer.id(), peer.addr().ip());
        self.changes.gone.extend(id);
        let left = self.at(ip).filter(|peer| peer.has_left() && !peer.is_named());
        let keys: Vec<PeerKey> = left.map(Peer::key).collect();
        for key in keys.iter().take(keys.len().saturating_sub(MAX_LEFT_PER_ADDRESS)) {
            self.expire(*key, ctx);
        }
    }

    /// A person wants to see a peer no longer.
    pub(crate) fn forget(&mut self, key: PeerKey, ctx: &mut Context<'_>) {
        self.remove(key, Some(LeaveReason::Forgotten), ctx);
    }

    /// A peer's time in the table is over. One that said goodbye has been told of already.
    pub(crate) fn expire(&mut self, key: PeerKey, ctx: &mut Context<'_>) {
        let told = self.get(key).is_none_or(Peer::has_left);
        self.remove(key, (!told).then_some(LeaveReason::Expired), ctx);
    }

    /// The named row turned out to be a node that is in the table already: one row is enough.
    pub(crate) fn merge(&mut self, row: PeerKey, into: PeerKey, ctx: &mut Context<'_>) {
        let Some(ip) = self.get(row).map(|peer| peer.addr().ip()) else { return };
        self.forget(row, ctx);
        self.named.insert(into);
        if let Some(peer) = self.get_mut(into) {
            peer.name_at(ip);
            peer.prove(ip, ctx);
        }
    }

    fn remove(&mut self, key: PeerKey, told: Option<LeaveReason>, ctx: &mut Context<'_>) {
        let Some(row) = self.rows.remove(key) else { return };
        self.keys.swap_remove(row.nth);
        if let Some(moved) = self.keys.get(row.nth) {
            self.rows[*moved].nth = row.nth;
        }
        let peer = row.peer;
        if let Some(id) = peer.id().filter(|id| self.by_id.get(id) == Some(&key)) {
            self.unindex_id(id);
        }
        self.unplace(key, peer.addr());
        for set in [&mut self.named, &mut self.unwell, &mut self.troubled, &mut self.far] {
            set.remove(&key);
        }
        if let Some(reason) = told {
            ctx.out.publish(Event::PeerLeft { peer: Arc::clone(peer.info()), reason });
        }
        self.changes.removed.push(peer);
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

    fn index_id(&mut self, id: NodeId, key: PeerKey) {
        if self.by_id.insert(id, key) != Some(key) {
            self.changes.met.push(id);
        }
    }

    fn unindex_id(&mut self, id: NodeId) {
        self.by_id.remove(&id);
        self.changes.gone.push(id);
    }

    fn place(&mut self, key: PeerKey, addr: SocketAddr) {
        if addr.port() != 0 {
            self.by_addr.insert(addr, key);
        }
        self.by_ip.entry(addr.ip()).or_default().push(key);
    }

    fn unplace(&mut self, key: PeerKey, addr: SocketAddr) {
        if self.by_addr.get(&addr) == Some(&key) {
            self.by_addr.remove(&addr);
        }
        if let Some(keys) = self.by_ip.get_mut(&addr.ip()) {
            keys.retain(|other| *other != key);
            if keys.is_empty() {
                self.by_ip.remove(&addr.ip());
            }
        }
    }

    /// Puts a peer into the queue of those that have not proved their address, once.
    fn await_proof(&mut self, key: PeerKey) {
        if let Some(row) = self.rows.get_mut(key)
            && !std::mem::replace(&mut row.awaits_proof, true)
        {
            self.unproven.push_back(key);
        }
    }

    /// Drops the oldest unproven peer, if there is one.
    fn evict_unproven(&mut self, ctx: &mut Context<'_>) -> bool {
        while !self.unproven.is_empty() {
            if self.evict_first_unproven(ctx) {
                return true;
            }
        }
        false
    }

    /// Takes the first entry off the queue, and its peer off the table, unless that was proven, reached or named since.
    fn evict_first_unproven(&mut self, ctx: &mut Context<'_>) -> bool {
        let Some(key) = self.unproven.pop_front() else { return false };
        let Some(row) = self.rows.get_mut(key) else { return false };
        row.awaits_proof = false;
        if row.peer.is_proven() || row.peer.was_reached() {
            return false;
        }
        self.remove(key, Some(LeaveReason::Expired), ctx);
        true
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
        assert!(self.rows.len() <= MAX_PEERS);
    }
}
