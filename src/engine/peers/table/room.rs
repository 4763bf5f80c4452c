//! Room for another row: what is limited is what lives. Who proved its address displaces who did not, and never the other way.

use std::time::Instant;

use rand::RngExt;

use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::event::RejectReason;
use crate::engine::limits::{ABLE_TRIED, MAX_NODES_PER_ADDRESS, MAX_PEERS};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{LeaveReason, PeerKey, PeerState};

use super::PeerTable;

/// How well a row can be done without: the first is the first to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Spare {
    /// Its node left.
    Left,
    /// It never proved its address, nor was it reached.
    Unproven,
    /// Nothing is heard of it.
    Silent,
    /// It can only be said that it once dialed this node.
    NeverReached,
}

impl Spare {
    fn of(peer: &Peer) -> Option<Self> {
        match peer.state() {
            _ if peer.is_named() => None,
            PeerState::Left => Some(Self::Left),
            _ if !peer.is_proven() && !peer.was_reached() => Some(Self::Unproven),
            PeerState::Silent => Some(Self::Silent),
            PeerState::Unreachable if !peer.was_reached() && peer.probes.last_echo().is_none() => {
                Some(Self::NeverReached)
            }
            _ => None,
        }
    }
}

impl PeerTable {
    /// Makes room for one more row, at this address.
    pub(super) fn make_room(&mut self, ip: ZonedIp, ctx: &mut Context<'_>) -> Result<(), RejectReason> {
        let here = |peer: &&Peer| !peer.has_left() && peer.info().has_address();
        if self.at(ip).filter(here).count() >= usize::from(MAX_NODES_PER_ADDRESS) {
            let spare = self.at(ip).filter(here).filter_map(|peer| Some((Spare::of(peer)?, peer.key())));
            // Of those alike the one that came first.
            let (_, key) = spare.min_by_key(|(spare, _)| *spare).ok_or(RejectReason::TooManyNodes)?;
            self.expire(key, ctx);
        }
        if self.rows.len() < MAX_PEERS || self.evict_unproven(ctx) || self.evict_spare(ctx) {
            Ok(())
        } else {
            Err(RejectReason::TableFull)
        }
    }

    /// Whether another row at this address, of somebody who proved nothing, would drive out one that is there.
    pub(crate) fn is_crowded(&self, ip: ZonedIp) -> bool {
        let here = |peer: &&Peer| !peer.has_left() && peer.info().has_address();
        self.rows.len() >= MAX_PEERS
            || self.unproven.is_full_for(ip)
            || self.at(ip).filter(here).count() >= usize::from(MAX_NODES_PER_ADDRESS)
    }

    /// Whether somebody who proved nothing may be another now than before: each such change is told, and costs its sender one datagram.
    pub(crate) fn take_unproven_change(&mut self, now: Instant) -> bool {
        self.unproven.take_change(now)
    }

    /// Puts a peer into the queue of those that have not proved their address, once.
    pub(super) fn await_proof(&mut self, key: PeerKey) {
        if let Some(row) = self.rows.get_mut(key)
            && !std::mem::replace(&mut row.awaits_proof, true)
        {
            self.unproven.push(key, row.peer.ip());
        }
    }

    /// Drops the oldest of those that have not proved their address, where they are too many, in all or in one network.
    pub(super) fn trim_unproven(&mut self, ctx: &mut Context<'_>) {
        while let Some(key) = self.unproven.pop_excess() {
            self.evict_if_unproven(key, ctx);
        }
    }

    /// Drops the oldest unproven peer, if there is one.
    fn evict_unproven(&mut self, ctx: &mut Context<'_>) -> bool {
        while let Some(key) = self.unproven.pop() {
            if self.evict_if_unproven(key, ctx) {
                return true;
            }
        }
        false
    }

    /// Takes a peer that is off the queue off the table, too, unless it was proven, reached or named since.
    fn evict_if_unproven(&mut self, key: PeerKey, ctx: &mut Context<'_>) -> bool {
        let Some(row) = self.rows.get_mut(key) else { return false };
        row.awaits_proof = false;
        if row.peer.is_proven() || row.peer.was_reached() {
            return false;
        }
        self.remove(key, Some(LeaveReason::Expired), ctx);
        true
    }

    /// The table is full of those that proved themselves: drops one that does not live, if there is one among some at random.
    fn evict_spare(&mut self, ctx: &mut Context<'_>) -> bool {
        let nth = |_| ctx.rng.random_range(0..self.keys.len());
        let tried: Vec<usize> = (0..ABLE_TRIED).map(nth).collect();
        let spare = tried.into_iter().filter_map(|nth| {
            let peer = self.get(self.keys[nth])?;
            Some((Spare::of(peer)?, peer.key()))
        });
        let Some((_, key)) = spare.min() else { return false };
        self.expire(key, ctx);
        true
    }
}
