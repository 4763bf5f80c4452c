//! Peers behind a NAT: what they dial in from is no place to dial them at.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::engine::address;
use crate::engine::context::Context;
use crate::engine::event::Event;
use crate::engine::peers::peer::{Nat, Peer};
use crate::engine::peers::{PeerKey, PeerState};

use super::PeerTable;

impl PeerTable {
    /// The port at which a node is to be dialed whose requests come from this address, as it says itself, through a NAT: none (0), unless
    /// it was reached there, for the router passes that port on; or a person says so.
    pub(crate) fn port_behind_nat(&self, key: Option<PeerKey>, from: SocketAddr) -> u16 {
        let peer = key.and_then(|key| self.get(key)).filter(|peer| peer.ip() == from.into());
        peer.filter(|peer| peer.is_named() || peer.is_dialed_well()).map_or(0, |peer| peer.addr().port())
    }

    /// A peer dialed in from this address, at which it says to have the port of that; through a NAT or not.
    pub(crate) fn note_nat(
        &mut self,
        key: PeerKey,
        from: SocketAddr,
        translated: bool,
        ctx: &mut Context<'_>,
    ) {
        let here = self.get(key).filter(|peer| peer.ip() == from.into() && !peer.is_named());
        let Some((nat, addr)) = here.map(|peer| (peer.nat(), peer.addr())) else { return };
        let port = if translated { self.port_behind_nat(Some(key), from) } else { from.port() };
        let is_there = translated && port == 0;
        if is_there == (nat == Nat::There) {
            return;
        }
        if addr.port() != port {
            self.readdress(key, address::with_port(from, port), ctx);
        }
        let Some(peer) = self.get_mut(key).filter(|_| is_there) else { return };
        peer.set_nat(Nat::There);
        if matches!(peer.state(), PeerState::Retrying | PeerState::Unreachable) {
            // Nothing is retried any more.
            peer.set_state(PeerState::New, ctx);
        }
        ctx.out.publish(behind_nat(peer));
    }
}

fn behind_nat(peer: &Peer) -> Event {
    Event::BehindNat { peer: Arc::clone(peer.info()), seen_at: peer.ip().ip(), this_node: false }
}
