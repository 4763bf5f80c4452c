//! How peers come, restart, move, leave and go: each change keeps the indexes in step with the rows.

use std::hash::BuildHasher;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use crate::engine::address::ZonedIp;
use crate::engine::config::Target;
use crate::engine::context::Context;
use crate::engine::event::{Event, RejectReason};
use crate::engine::limits::{MAX_LEFT_PER_ADDRESS, SILENT_KEPT};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{LeaveReason, PeerInfo, PeerKey, PeerState, Via};
use crate::engine::{Incarnation, NodeId};

use super::{PeerTable, Row};

/// Where the row of a name is, after its look-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Following {
    /// Where it was.
    Stays,
    /// At another address.
    Moved,
    /// Another row has the name.
    Joined(PeerKey),
}

impl PeerTable {
    /// A new row, or why there is no room for it.
    pub(crate) fn discover(
        &mut self,
        addr: SocketAddr,
        identity: Option<(NodeId, Incarnation)>,
        name: &str,
        via: Via,
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        let (id, incarnation) = identity.unzip();
        self.add(addr, (id, incarnation), name, via, ctx)
    }

    /// A new row for a node that only others tell of.
    pub(crate) fn discover_told(
        &mut self,
        addr: SocketAddr,
        id: NodeId,
        name: &str,
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        self.add(addr, (Some(id), None), name, Via::Membership, ctx)
    }

    fn add(
        &mut self,
        addr: SocketAddr,
        (id, incarnation): (Option<NodeId>, Option<Incarnation>),
        name: &str,
        via: Via,
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        self.make_room(addr.into(), ctx)?;
        let name = name.to_owned();
        let nth = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        let key = self.rows.insert_with_key(|key| {
            let info = PeerInfo { key, id, name, addr: ctx.links.told(addr), incarnation };
            Box::new(Row {
                peer: Peer::new(info, via, ctx.now),
                touched: false,
                steady: false,
                reachable: false,
                awaits_proof: false,
                id: None,
                nth,
                placed: 0,
            })
        });
        self.keys.push(key);
        if let Some(id) = id {
            self.index_id(id, key);
        }
        self.place(key);
        if via == Via::Static {
            self.named.insert(key);
        } else {
            self.await_proof(key);
            self.trim_unproven(ctx);
        }
        let interface = ctx.links.name_of(addr.into());
        if let Some(peer) = self.get_mut(key) {
            peer.set_interface(interface);
            ctx.out.publish(Event::PeerDiscovered { peer: Arc::clone(peer.info()), via });
            if via != Via::Static {
                peer.dial_after_grace(ctx);
            }
        }
        Ok(key)
    }

    /// A person named a host that has these addresses. The row is the first that is at one of them, else it is new, at the first; of a
    /// host without an address it has none.
    pub(crate) fn name_peer(
        &mut self,
        target: &Target,
        addrs: &[SocketAddr],
        ctx: &mut Context<'_>,
    ) -> Result<PeerKey, RejectReason> {
        let nowhere = SocketAddr::from((Ipv4Addr::UNSPECIFIED, target.port));
        let first = addrs.first().copied().unwrap_or(nowhere);
        let key = match addrs.iter().find_map(|addr| self.by_addr(*addr)) {
            Some(key) => key,
            None => self.discover(first, None, &target.host, Via::Static, ctx)?,
        };
        self.named.insert(key);
        if let Some(peer) = self.get_mut(key) {
            peer.name_at(addrs);
            if peer.info().has_address() {
                peer.force_dial(ctx.links);
            } else {
                peer.set_state(PeerState::Unreachable, ctx);
            }
        }
        Ok(key)
    }

    /// The name of a row has these addresses now. A row that lives keeps its address, as long as there is a link to it; one that does not
    /// goes where its name leads, or leaves its name to another row that is there already.
    pub(crate) fn follow_name(
        &mut self,
        key: PeerKey,
        target: &Target,
        addrs: &[SocketAddr],
        ctx: &mut Context<'_>,
    ) -> Following {
        let (Some(peer), Some(first)) = (self.get(key), addrs.first()) else { return Following::Stays };
        let lives = peer.state() == PeerState::Up && ctx.links.has_zone_of(peer.ip());
        let is_here = addrs.iter().any(|addr| ZonedIp::from(*addr) == peer.ip());
        let stays = lives || is_here;
        let is_known = addrs.iter().any(|addr| self.by_addr(*addr).is_some());
        if !stays
            && is_known
            && let Ok(other) = self.name_peer(target, addrs, ctx)
        {
            self.unname(key, ctx);
            return Following::Joined(other);
        }
        self.named.insert(key);
        let Some(peer) = self.get_mut(key) else { return Following::Stays };
        peer.name_at(addrs);
        if stays {
            return Following::Stays;
        }
        let had_address = peer.info().has_address();
        self.readdress(key, *first, ctx);
        if let Some(peer) = self.get_mut(key) {
            peer.dial.hurry();
            if !had_address {
                peer.set_state(PeerState::New, ctx);
            }
        }
        Following::Moved
    }

    /// Another row has its name. One that never lived is no more.
    fn unname(&mut self, key: PeerKey, ctx: &mut Context<'_>) {
        self.named.remove(&key);
        let Some(peer) = self.get_mut(key) else { return };
        peer.unname();
        match peer.id() {
            None => self.forget(key, ctx),
            Some(_) => peer.expire_at_latest(ctx.now + SILENT_KEPT),
        }
    }

    /// Whether another peer than this one answers at an address.
    pub(crate) fn is_held_by_another(&self, key: PeerKey, addr: SocketAddr) -> bool {
        let holder = self.by_addr(addr).filter(|holder| *holder != key).and_then(|holder| self.get(holder));
        holder.is_some_and(|peer| {
            matches!(peer.state(), PeerState::Up | PeerState::Retrying) || peer.holds_its_address()
        })
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
            peer.retire(old, ctx.now);
        }
        peer.begin_life(id, incarnation, name, ctx);
        if let Some(old) = replaced {
            self.unindex_id(old, key);
        }
        self.index_id(id, key);
        self.await_proof(key);
    }

    /// The peer is dialed at another address from now on.
    pub(crate) fn readdress(&mut self, key: PeerKey, to: SocketAddr, ctx: &mut Context<'_>) {
        let Some(peer) = self.get_mut(key) else { return };
        let from = peer.ip();
        peer.begin_address(to, ctx);
        let proven = peer.is_proven();
        self.unplace(key, from);
        self.place(key);
        if !proven {
            self.await_proof(key);
        }
    }

    /// The peer said goodbye. Of those that did at one address, the oldest make room.
    pub(crate) fn leave(&mut self, key: PeerKey, reason: LeaveReason, ctx: &mut Context<'_>) {
        let Some(peer) = self.get_mut(key).filter(|peer| !peer.has_left()) else { return };
        peer.leave(reason, ctx);
        let (id, ip) = (peer.id(), peer.ip());
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

    /// The named row turned out to be a node that is in the table already, and answers at this address: one row is enough.
    pub(crate) fn merge(&mut self, row: PeerKey, into: PeerKey, at: ZonedIp, ctx: &mut Context<'_>) {
        let Some(addrs) = self.get(row).map(|peer| peer.named_addrs().to_vec()) else { return };
        self.expire(row, ctx);
        self.named.insert(into);
        if let Some(peer) = self.get_mut(into) {
            peer.name_at(&addrs);
            peer.prove(at, ctx);
        }
    }

    pub(super) fn remove(&mut self, key: PeerKey, told: Option<LeaveReason>, ctx: &mut Context<'_>) {
        let Some(row) = self.rows.remove(key) else { return };
        let nth = row.nth as usize;
        self.reachable_changes += u64::from(row.reachable);
        self.keys.swap_remove(nth);
        if let Some(moved) = self.keys.get(nth) {
            self.rows[*moved].nth = row.nth;
        }
        let peer = row.peer;
        if let Some(id) = peer.id().filter(|_| row.id.is_some()) {
            self.unindex_id(id, key);
        }
        self.unplace(key, peer.ip());
        for set in [&mut self.named, &mut self.unwell, &mut self.troubled, &mut self.far, &mut self.reachable]
        {
            set.remove(&key);
        }
        if let Some(reason) = told {
            ctx.out.publish(Event::PeerLeft { peer: Arc::clone(peer.info()), reason });
        }
        self.changes.removed.push(peer);
    }

    fn index_id(&mut self, id: NodeId, key: PeerKey) {
        if self.by_id(id) == Some(key) {
            return;
        }
        let Some(row) = self.rows.get_mut(key) else { return };
        row.id = Some(id);
        self.reachable_changes += 1;
        let id_of = |key: &PeerKey| self.rows.get(*key).and_then(|row| row.id);
        let hash_of = |key: &PeerKey| id_of(key).map_or(0, |id| self.hasher.hash_one(id));
        self.by_id.insert_unique(self.hasher.hash_one(id), key, hash_of);
        self.changes.met.push(id);
    }

    fn unindex_id(&mut self, id: NodeId, key: PeerKey) {
        let hash = self.hasher.hash_one(id);
        if let Ok(place) = self.by_id.find_entry(hash, |other| *other == key) {
            place.remove();
        }
        self.changes.gone.push(id);
    }

    /// Puts a row at the address that it has now.
    fn place(&mut self, key: PeerKey) {
        let Some(row) = self.rows.get_mut(key) else { return };
        self.placed += 1;
        row.placed = self.placed;
        let hash = self.hasher.hash_one(row.peer.ip());
        let ip_of = |key: &PeerKey| self.rows.get(*key).map(|row| row.peer.ip());
        let hash_of = |key: &PeerKey| ip_of(key).map_or(0, |ip| self.hasher.hash_one(ip));
        self.by_ip.insert_unique(hash, key, hash_of);
    }

    /// Takes a row from the address that it had.
    fn unplace(&mut self, key: PeerKey, ip: ZonedIp) {
        if let Ok(place) = self.by_ip.find_entry(self.hasher.hash_one(ip), |other| *other == key) {
            place.remove();
        }
    }
}
