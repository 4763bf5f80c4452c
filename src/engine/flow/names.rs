//! Peers that a person named: from the name to a row, and after the name when its addresses change.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::api::Output;
use crate::engine::config::Target;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::limits::MAX_ADDRESSES;
use crate::engine::named_peers::Known;
use crate::engine::peers::{Following, PeerKey};

impl Engine {
    /// Finds a peer that a person named; one named beyond [`crate::engine::limits::MAX_STATIC`] is ignored.
    pub(in crate::engine) fn add_peer(&mut self, target: &Target, now: Instant) {
        if !self.named_peers.has_room(self.peers.named().len()) {
            return;
        }
        if let Some(addr) = target.literal() {
            self.name_peer(target, &[addr], now);
        } else if let Some(row) = self.named_peers.add(target.clone(), now)
            && let Some(peer) = self.peers.get_mut(row)
        {
            peer.force_dial(self.shared.links());
        }
    }

    /// A look-up has ended.
    pub(in crate::engine) fn handle_resolved(
        &mut self,
        target: &Target,
        mut addrs: Vec<SocketAddr>,
        now: Instant,
    ) {
        addrs.truncate(MAX_ADDRESSES);
        match self.named_peers.note_ended(target, !addrs.is_empty(), now) {
            Known::Forgotten => {}
            Known::WithoutRow => self.name_peer(target, &addrs, now),
            Known::Row(row) => self.follow_name(row, target, &addrs, now),
        }
    }

    /// Asks for the look-ups that are due. A name that waits long for its first answer is shown without an address meanwhile.
    pub(in crate::engine) fn look_names_up(&mut self, now: Instant) {
        while let Some(target) = self.named_peers.take_due(now) {
            self.shared.out().push(Output::Resolve(target));
        }
        while let Some(target) = self.named_peers.next_overdue(now) {
            self.name_peer(&target, &[], now);
        }
    }

    fn name_peer(&mut self, target: &Target, addrs: &[SocketAddr], now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        match peers.name_peer(target, addrs, &mut ctx) {
            Ok(row) => {
                self.named_peers.note_row(target, row);
                self.greet(now);
            }
            Err(reason) => {
                self.named_peers.drop_name(target);
                addrs.iter().take(1).for_each(|addr| self.reject(reason, *addr, now));
            }
        }
    }

    fn follow_name(&mut self, row: PeerKey, target: &Target, addrs: &[SocketAddr], now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(row) else { return };
        peer.set_looked_up(false);
        match peers.follow_name(row, target, addrs, &mut ctx) {
            Following::Stays => {}
            Following::Moved => self.greet(now),
            Following::Joined(other) => {
                self.named_peers.note_merged(row, other);
                self.greet(now);
            }
        }
    }

    /// Who has been named, or has a new address, is to hear of this node at once.
    fn greet(&mut self, now: Instant) {
        if self.lifecycle == Lifecycle::Running {
            self.announcer.hello_again(now);
        }
    }
}
