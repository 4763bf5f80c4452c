//! Peers come, restart, move, fall silent and go.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::config::Target;
use crate::engine::event::{Event, Output, RejectReason};
use crate::engine::peers::{LeaveReason, PeerInfo, PeerKey, PeerState, Via};
use crate::engine::{Incarnation, NodeId};

use crate::engine::Engine;
use crate::engine::limits::{
    LEFT_KEPT, MAX_NODES_PER_ADDRESS, MAX_PEERS, MAX_UNPROVEN, SILENT_KEPT, UNPROVEN_KEPT,
};
use crate::engine::peers::row::{Dial, Peer};

impl Engine {
    /// A new row; none, and a rejection, if there is no room for it.
    pub(crate) fn discover(
        &mut self,
        addr: SocketAddr,
        identity: Option<(NodeId, Incarnation)>,
        name: &str,
        via: Via,
        now: Instant,
    ) -> Option<PeerKey> {
        if self.nodes_at.get(&addr.ip()).is_some_and(|n| *n >= MAX_NODES_PER_ADDRESS) {
            self.reject(RejectReason::TooManyNodes, addr, now);
            return None;
        }
        if self.peers.len() >= MAX_PEERS && !self.evict_unproven() {
            self.reject(RejectReason::TableFull, addr, now);
            return None;
        }
        let name = name.to_owned();
        let key = self.peers.insert_with_key(|key| {
            let (id, incarnation) = (identity.map(|i| i.0), identity.map(|i| i.1));
            Box::new(Peer::new(Arc::new(PeerInfo { key, id, name, addr, incarnation }), via, now))
        });
        if let Some((id, _)) = identity {
            self.by_id.insert(id, key);
        }
        self.place(key, addr);
        if via != Via::Static {
            self.await_proof(key);
            self.keep_unproven_few();
        }
        let interface = self.link_name(addr.ip());
        let peer = &mut self.peers[key];
        peer.interface = interface;
        let peer = Arc::clone(&peer.info);
        self.publish(Event::PeerDiscovered { peer, via });
        if via != Via::Static {
            self.dial_after_grace(key, now);
        }
        self.arm(key);
        Some(key)
    }

    /// A person named this address.
    pub(crate) fn name_peer(&mut self, target: &Target, addr: SocketAddr, now: Instant) {
        let key = match self.by_addr.get(&addr) {
            Some(&key) => key,
            None => match self.discover(addr, None, &target.host, Via::Static, now) {
                Some(key) => key,
                None => return,
            },
        };
        self.peers[key].named = Some(addr.ip());
        self.peers[key].expiry = None;
        self.force_dial(key);
        self.hello_again(now);
        self.arm(key);
    }

    /// The node at a row's address has said who it is: for the first time, or it is another life.
    pub(crate) fn identify(
        &mut self,
        key: PeerKey,
        id: NodeId,
        incarnation: Incarnation,
        name: &str,
        now: Instant,
    ) {
        if self.peers[key].info.id.is_some() {
            return self.restart(key, id, incarnation, name, now);
        }
        self.by_id.insert(id, key);
        self.peers[key].change_info(|info| info.identify(id, incarnation, name));
    }

    /// A peer lives a new life: what was proven of the old one is void, and it is dialed anew.
    pub(crate) fn restart(
        &mut self,
        key: PeerKey,
        id: NodeId,
        incarnation: Incarnation,
        name: &str,
        now: Instant,
    ) {
        let peer = &mut self.peers[key];
        let (old_id, previous) = (peer.info.id, peer.info.incarnation);
        if let Some(old) = old_id.filter(|old| *old != id) {
            self.by_id.remove(&old);
            peer.retired = Some(Box::new(old));
            self.drop_from_own_row(old);
        }
        self.end_burst(key);
        let peer = &mut self.peers[key];
        peer.evidence.begin_anew(now);
        self.by_id.insert(id, key);
        peer.change_info(|info| info.identify(id, incarnation, name));
        for path in &mut peer.paths {
            path.sequences = [0; 2];
            path.taken = [0; 2];
            path.proven = false;
        }
        peer.forced = false;
        peer.round = 0;
        peer.claimed = None;
        peer.nonce = None;
        peer.introductions = 0;
        peer.answered = None;
        if let Some(previous_incarnation) = previous {
            let peer = Arc::clone(&peer.info);
            self.publish(Event::PeerRestarted { peer, previous_incarnation });
        }
        self.await_proof(key);
        self.peers[key].expiry = None;
        self.set_state(key, PeerState::New);
        self.end_the_dial(key);
        self.dial_after_grace(key, now);
        self.arm(key);
    }

    /// A peer that was silent or had left is heard again.
    pub(crate) fn revive(&mut self, key: PeerKey, now: Instant) {
        if matches!(self.peers[key].state, PeerState::Silent | PeerState::Left) {
            self.peers[key].expiry = None;
            self.peers[key].introductions = 0;
            self.set_state(key, PeerState::New);
            self.dial_soon(key, now);
        }
    }

    /// The peer receives at this address: it may be dialed with retries.
    pub(crate) fn prove(&mut self, key: PeerKey, ip: IpAddr, now: Instant) {
        let peer = &mut self.peers[key];
        let path = peer.path_mut(ip, now);
        let news = !path.proven;
        path.proven = true;
        let dialed = ip == peer.info.addr.ip();
        if dialed {
            self.begin_echoes(key, now);
        }
        let peer = &mut self.peers[key];
        if news && dialed {
            peer.introductions = 0;
            if matches!(peer.state, PeerState::New | PeerState::Unreachable) {
                self.dial_soon(key, now);
            }
        }
    }

    /// The peer is dialed at another address from now on.
    pub(crate) fn readdress(&mut self, key: PeerKey, to: SocketAddr, now: Instant) {
        let from = self.peers[key].info.addr;
        self.unplace(key, from);
        self.peers[key].change_info(|info| info.addr = to);
        self.place(key, to);
        let interface = self.link_name(to.ip());
        self.end_burst(key);
        let peer = &mut self.peers[key];
        let has = peer.evidence.has;
        peer.evidence.begin_anew(now);
        // It is the same node, and has what it was told.
        peer.evidence.has = has;
        peer.interface = interface;
        peer.introductions = 0;
        peer.claimed = None;
        peer.move_asked = None;
        let moved = Arc::clone(&peer.info);
        // Its outcome would be taken for one of the new address.
        self.end_the_dial(key);
        self.publish(Event::PeerMoved { peer: moved, from, to });
        if self.peers[key].is_proven() {
            self.dial_soon(key, now);
        } else {
            self.await_proof(key);
            self.dial_after_grace(key, now);
        }
    }

    /// Moves the time at which silence will be suspected, after something was heard.
    pub(crate) fn watch_for_silence(&mut self, key: PeerKey, now: Instant) {
        self.peers[key].confirming = false;
        let Some(period) = self.peers[key].period else { return };
        let due = self.in_step(now + period * self.config.silent_after);
        let peer = &mut self.peers[key];
        // A later deadline is found when the earlier one comes: no timer is moved at each presence.
        if peer.silence_due.is_none_or(|at| due < at) {
            peer.silence_due = Some(due);
        }
    }

    /// Nothing was heard for long. Missed presences alone prove nothing: a dial must fail, too.
    pub(crate) fn suspect_silence(&mut self, key: PeerKey, now: Instant) {
        let awake = self.awake_since;
        let patience = self.config.silent_after;
        let peer = &mut self.peers[key];
        peer.silence_due = None;
        let (Some(period), Some(heard)) = (peer.period, peer.heard) else { return };
        let due = awake.map_or(heard, |awake| awake.max(heard)) + period * patience;
        if due > now {
            peer.silence_due = Some(due);
            return;
        }
        let failing = matches!(peer.state, PeerState::Retrying | PeerState::Unreachable);
        match peer.dial {
            Dial::Off => self.fall_silent(key, now),
            Dial::InFlight { .. } => peer.confirming = true,
            _ if failing => self.fall_silent(key, now),
            Dial::Resting { .. } | Dial::Waiting { .. } | Dial::Queued { .. } => {
                // The reflection rule holds here, too: forged presences that stop must not make us dial without limit.
                if self.may_dial(key, now) {
                    self.peers[key].confirming = true;
                    self.dial_at_once(key);
                } else {
                    self.fall_silent(key, now);
                }
            }
        }
    }

    /// Neither heard nor reached.
    pub(crate) fn fall_silent(&mut self, key: PeerKey, now: Instant) {
        let peer = &mut self.peers[key];
        peer.confirming = false;
        if matches!(peer.state, PeerState::Silent | PeerState::Left) {
            return;
        }
        if peer.named.is_none() {
            let known = peer.rtt.is_some() || peer.is_proven();
            peer.expiry = Some(now + if known { SILENT_KEPT } else { UNPROVEN_KEPT });
        }
        self.set_state(key, PeerState::Silent);
    }

    /// The peer said goodbye. Its row stays a while, so that its late datagrams do not revive it.
    pub(crate) fn peer_left(&mut self, key: PeerKey, reason: LeaveReason, now: Instant) {
        if self.peers[key].state == PeerState::Left {
            return;
        }
        self.abandon_dial(key);
        let next = now + self.config.dial_interval;
        let peer = &mut self.peers[key];
        peer.answer_due = None;
        peer.silence_due = None;
        peer.nonce = None;
        peer.confirming = false;
        if peer.named.is_some() {
            peer.rest_until(next);
        } else {
            peer.dial = Dial::Off;
            peer.expiry = Some(now + LEFT_KEPT);
        }
        self.set_state(key, PeerState::Left);
        self.end_burst(key);
        let evidence = &mut self.peers[key].evidence;
        evidence.begin_anew(now);
        self.look(key, now);
        if let Some(id) = self.peers[key].info.id {
            self.drop_from_own_row(id);
        }
        let peer = Arc::clone(&self.peers[key].info);
        self.publish(Event::PeerLeft { peer, reason });
    }

    /// A person wants to see a peer no longer.
    pub(crate) fn forget(&mut self, key: PeerKey) {
        if let Some(peer) = self.remove(key) {
            self.publish(Event::PeerLeft { peer, reason: LeaveReason::Forgotten });
        }
    }

    /// A peer's time in the table is over. One that said goodbye has been told of already.
    pub(crate) fn expire(&mut self, key: PeerKey) {
        let told = self.peers[key].state == PeerState::Left;
        if let Some(peer) = self.remove(key).filter(|_| !told) {
            self.publish(Event::PeerLeft { peer, reason: LeaveReason::Expired });
        }
    }

    /// The named row turned out to be a node that is in the table already: one row is enough.
    pub(crate) fn merge(&mut self, row: PeerKey, into: PeerKey, now: Instant) {
        let ip = self.peers[row].info.addr.ip();
        self.forget(row);
        self.peers[into].named = Some(ip);
        self.peers[into].expiry = None;
        self.prove(into, ip, now);
        self.arm(into);
    }

    pub(crate) fn set_state(&mut self, key: PeerKey, to: PeerState) {
        let peer = &mut self.peers[key];
        let from = std::mem::replace(&mut peer.state, to);
        if from != to {
            let peer = Arc::clone(&peer.info);
            self.publish(Event::PeerState { peer, from, to });
        }
    }

    /// After an interface came, went or changed: what failed for want of one is tried at once, and what was on one
    /// that is gone is looked at.
    pub(crate) fn links_changed(&mut self, now: Instant) {
        let keys: Vec<PeerKey> = self.peers.keys().collect();
        for key in keys {
            let link = self.link_name(self.peers[key].info.addr.ip());
            let peer = &mut self.peers[key];
            let changed = link != peer.interface;
            let curable = peer.retry == Some(crate::engine::cause::Retry::OnLinkChange);
            if changed {
                peer.evidence.since = now;
            }
            if link.is_none() && !peer.is_proven() && matches!(peer.dial, Dial::Queued { .. }) {
                peer.rest_until(now + self.config.dial_interval);
            }
            if link.is_some() {
                peer.interface = link;
            }
            if (changed || curable) && peer.state != PeerState::Left {
                self.dial_soon(key, now);
            }
            self.arm(key);
        }
    }

    fn remove(&mut self, key: PeerKey) -> Option<Arc<PeerInfo>> {
        self.peers.get(key)?;
        self.abandon_dial(key);
        self.end_burst(key);
        let peer = self.peers.remove(key)?;
        if let Some(id) = peer.info.id.filter(|id| self.by_id.get(id) == Some(&key)) {
            self.by_id.remove(&id);
            self.drop_from_own_row(id);
        }
        self.unplace(key, peer.info.addr);
        Some(peer.info)
    }

    fn abandon_dial(&mut self, key: PeerKey) {
        if let Dial::InFlight { id, .. } = self.peers[key].dial {
            self.in_flight.remove(&id);
            self.outputs.push_back(Output::AbandonDial(id));
        }
    }

    /// Whatever stage it is in: a dial is of one address and one life.
    fn end_the_dial(&mut self, key: PeerKey) {
        self.abandon_dial(key);
        self.peers[key].dial = Dial::Off;
        self.peers[key].confirming = false;
    }

    fn place(&mut self, key: PeerKey, addr: SocketAddr) {
        if addr.port() != 0 {
            self.by_addr.insert(addr, key);
        }
        *self.nodes_at.entry(addr.ip()).or_default() += 1;
    }

    fn unplace(&mut self, key: PeerKey, addr: SocketAddr) {
        if self.by_addr.get(&addr) == Some(&key) {
            self.by_addr.remove(&addr);
        }
        if let Some(n) = self.nodes_at.get_mut(&addr.ip()) {
            *n -= 1;
            if *n == 0 {
                self.nodes_at.remove(&addr.ip());
            }
        }
    }

    /// Puts a peer into the queue of those that have not proved their address, once.
    fn await_proof(&mut self, key: PeerKey) {
        if !std::mem::replace(&mut self.peers[key].awaits_proof, true) {
            self.unproven.push_back(key);
        }
    }

    /// Shortens the queue to [`MAX_UNPROVEN`]: its oldest entries go, and with them those peers that are still unproven.
    fn keep_unproven_few(&mut self) {
        while self.unproven.len() > MAX_UNPROVEN {
            self.evict_first_unproven();
        }
    }

    /// Drops the oldest unproven peer, if there is one.
    fn evict_unproven(&mut self) -> bool {
        while !self.unproven.is_empty() {
            if self.evict_first_unproven() {
                return true;
            }
        }
        false
    }

    /// Takes the first entry off the queue, and its peer off the table, unless that was proven, reached or named since.
    fn evict_first_unproven(&mut self) -> bool {
        let Some(key) = self.unproven.pop_front() else { return false };
        let Some(peer) = self.peers.get_mut(key) else { return false };
        peer.awaits_proof = false;
        if peer.is_proven() || peer.rtt.is_some() {
            return false;
        }
        if let Some(peer) = self.remove(key) {
            self.publish(Event::PeerLeft { peer, reason: LeaveReason::Expired });
        }
        true
    }
}
