//! With whom this node holds a tether: an idle connection whose end tells that a process has ended.
//!
//! Chooses whom to dial, and keeps count of those that others hold here. What the end of one means is not said here.

use std::cmp::Reverse;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::engine::address::ZonedIp;
use crate::engine::api::{ConnId, Output, TetherId};
use crate::engine::context::Context;
use crate::engine::limits::{MAX_TETHERS_HELD, MAX_TETHERS_PER_ADDRESS, TETHERS};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState, PeerTable};
use crate::engine::{Incarnation, NodeId};
use crate::proto::rendezvous::weight;

/// A node in one of its lives.
pub(crate) type Life = (NodeId, Incarnation);

/// A connection that is kept open, or is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tether {
    id: TetherId,
    /// The row of whoever is at the other end.
    pub(crate) peer: PeerKey,
    /// Who that is.
    pub(crate) life: Life,
    /// Where.
    ip: ZonedIp,
    /// The other end keeps it, too.
    stands: bool,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Tethers {
    last: u64,
    all: Vec<Tether>,
}

impl Tethers {
    /// Dials the peers that are chosen and with which there is no tether yet, and drops those with others. `frame` asks for one.
    pub(crate) fn choose(&mut self, peers: &PeerTable, frame: &Arc<[u8]>, ctx: &mut Context<'_>) {
        let chosen = choose(peers, ctx.config.id);
        let obsolete = |tether: &Tether| {
            let peer = peers.get(tether.peer).filter(|peer| life_of(peer) == Some(tether.life));
            let displaced = matches!(tether.id, TetherId::Dialed(_)) && !chosen.contains(&tether.peer);
            peer.is_none_or(|peer| peer.has_left() || displaced && peer.state() == PeerState::Up)
        };
        self.drop_if(obsolete, ctx);
        for key in chosen {
            let Some((peer, life)) = peers.get(key).and_then(|peer| Some((peer, life_of(peer)?))) else {
                continue;
            };
            if !self.all.iter().any(|tether| tether.peer == key) {
                self.dial(peer, life, Arc::clone(frame), ctx);
            }
        }
    }

    fn dial(&mut self, peer: &Peer, life: Life, request: Arc<[u8]>, ctx: &mut Context<'_>) {
        self.last += 1;
        let (tether, addr) = (TetherId::Dialed(self.last), peer.addr());
        self.all.push(Tether { id: tether, peer: peer.key(), life, ip: peer.ip(), stands: false });
        let link = ctx.links.chosen(peer.interface(), addr.into()).map(|link| Arc::clone(&link.name));
        ctx.out.push(Output::Tether { tether, addr, link, request, timeout: ctx.config.retry.timeout });
    }

    /// What came of a tether that was dialed: who keeps it, if anybody does.
    pub(crate) fn note_answer(&mut self, id: TetherId, keeper: Option<Life>, ctx: &mut Context<'_>) {
        let Some(at) = self.all.iter().position(|tether| tether.id == id) else { return };
        if keeper == Some(self.all[at].life) {
            self.all[at].stands = true;
        } else {
            self.all.swap_remove(at);
            ctx.out.push(Output::DropTether(id));
        }
    }

    /// Whether the connection by which a peer asks for a tether is kept: only one from where it is dialed, which its request proves to be
    /// its own, and not more than there is room for. A new one takes the place of one by the same peer.
    pub(crate) fn accept(
        &mut self,
        conn: ConnId,
        peer: &Peer,
        from: ZonedIp,
        ctx: &mut Context<'_>,
    ) -> Option<TetherId> {
        let life = life_of(peer).filter(|_| peer.ip() == from && !peer.has_left())?;
        let is_accepted = |tether: &Tether| matches!(tether.id, TetherId::Accepted(_));
        self.drop_if(|tether| is_accepted(tether) && tether.peer == peer.key(), ctx);
        let held = self.all.iter().filter(|tether| is_accepted(tether));
        let (all, here) =
            held.fold((0, 0), |(all, here), tether| (all + 1, here + usize::from(tether.ip == from)));
        if all >= MAX_TETHERS_HELD || here >= MAX_TETHERS_PER_ADDRESS {
            return None;
        }
        let id = TetherId::Accepted(conn);
        self.all.push(Tether { id, peer: peer.key(), life, ip: from, stands: true });
        Some(id)
    }

    /// A tether has ended: which one, if both ends kept it until now.
    pub(crate) fn note_end(&mut self, id: TetherId) -> Option<Tether> {
        let at = self.all.iter().position(|tether| tether.id == id)?;
        Some(self.all.swap_remove(at)).filter(|tether| tether.stands)
    }

    /// Ends all on purpose.
    pub(crate) fn drop_all(&mut self, ctx: &mut Context<'_>) {
        self.drop_if(|_| true, ctx);
    }

    fn drop_if(&mut self, which: impl Fn(&Tether) -> bool, ctx: &mut Context<'_>) {
        self.all.retain(|tether| {
            let goes = which(tether);
            if goes {
                ctx.out.push(Output::DropTether(tether.id));
            }
            !goes
        });
    }

    /// Peers with which a tether stands.
    #[cfg(test)]
    fn standing(&self) -> impl Iterator<Item = PeerKey> {
        self.all.iter().filter(|tether| tether.stands).map(|tether| tether.peer)
    }
}

/// Who a peer is, if that is known.
pub(crate) fn life_of(peer: &Peer) -> Option<Life> {
    peer.id().zip(peer.info().incarnation)
}

/// The heaviest of the peers that were reached and hold their address.
fn choose(peers: &PeerTable, own: NodeId) -> SmallVec<[PeerKey; TETHERS]> {
    let able = peers.iter().filter(|peer| is_able(peer));
    let mut heaviest: SmallVec<[(Reverse<u64>, PeerKey); TETHERS + 1]> = SmallVec::new();
    for (id, key) in able.filter_map(|peer| Some((peer.id()?, peer.key()))) {
        let one = (Reverse(weight(own, id)), key);
        let at = heaviest.partition_point(|other| *other < one);
        if at < TETHERS {
            heaviest.truncate(TETHERS - 1);
            heaviest.insert(at.min(heaviest.len()), one);
        }
    }
    heaviest.into_iter().map(|(_, key)| key).collect()
}

fn is_able(peer: &Peer) -> bool {
    peer.state() == PeerState::Up && peer.has_proved() && peer.info().is_dialable()
}
