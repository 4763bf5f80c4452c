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
    choice: Choice,
}

/// Whom a node chose.
#[derive(Debug, Default)]
struct Choice {
    peers: SmallVec<[PeerKey; TETHERS]>,
    /// Who chose, and [`PeerTable::reachable_changes`] then.
    made: Option<(NodeId, u64)>,
}

impl Tethers {
    /// Dials the peers that are chosen and with which there is no tether yet, and drops those with others. `frame` asks for one.
    pub(crate) fn choose(&mut self, peers: &PeerTable, frame: &Arc<[u8]>, ctx: &mut Context<'_>) {
        self.choice.renew(peers, ctx.config.id);
        let chosen = self.choice.peers.clone();
        let obsolete = |tether: &Tether| {
            let is_there = |peer: &&Peer| life_of(peer) == Some(tether.life) && peer.ip() == tether.ip;
            let peer = peers.get(tether.peer).filter(is_there);
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

    /// Whom this node chose last.
    pub(crate) fn chosen(&self) -> &[PeerKey] {
        &self.choice.peers
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

impl Choice {
    /// Chooses again if others may be the heaviest now: that walks all that are reached.
    fn renew(&mut self, peers: &PeerTable, own: NodeId) {
        let made = Some((own, peers.reachable_changes()));
        if self.made != made {
            *self = Self { peers: choose(peers, own), made };
        }
    }
}

/// The heaviest of the peers that were reached and hold their address.
fn choose(peers: &PeerTable, own: NodeId) -> SmallVec<[PeerKey; TETHERS]> {
    let able = peers.reachable();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::peers::Via;
    use crate::testkit::reply;

    const PORT: u16 = 17_474;

    /// Nodes with these numbers, each at the address of its number, up and proven.
    fn table(test: &mut TestContext, ids: std::ops::Range<u8>) -> PeerTable {
        let mut peers = PeerTable::default();
        for id in ids {
            add(test, &mut peers, id, (id, PORT));
        }
        peers
    }

    fn add(test: &mut TestContext, peers: &mut PeerTable, id: u8, (host, port): (u8, u16)) -> PeerKey {
        let identity = Some((NodeId(id.into()), Incarnation(1)));
        let addr = ([10, 0, 0, host], port).into();
        let key = peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap();
        let peer = peers.get_mut(key).unwrap();
        peer.prove(peer.ip(), &mut test.context());
        peer.set_state(PeerState::Up, &mut test.context());
        test.outputs();
        key
    }

    fn choose_again(tethers: &mut Tethers, peers: &mut PeerTable, test: &mut TestContext) -> Vec<Output> {
        while let Some(key) = peers.next_touched() {
            peers.index_condition(key);
        }
        tethers.choose(peers, &Arc::from([]), &mut test.context());
        test.outputs()
    }

    fn dialed(outputs: &[Output]) -> Vec<TetherId> {
        let of =
            |output: &Output| if let Output::Tether { tether, .. } = output { Some(*tether) } else { None };
        outputs.iter().filter_map(of).collect()
    }

    fn dropped(outputs: &[Output]) -> Vec<TetherId> {
        let of = |output: &Output| if let Output::DropTether(tether) = output { Some(*tether) } else { None };
        outputs.iter().filter_map(of).collect()
    }

    /// All that were dialed are kept by whom they were dialed to.
    fn keep_all(tethers: &mut Tethers, test: &mut TestContext) {
        for tether in tethers.all.clone() {
            tethers.note_answer(tether.id, Some(tether.life), &mut test.context());
        }
    }

    #[test]
    fn the_heaviest_that_were_reached_are_dialed_once_and_kept() {
        let mut test = TestContext::new(|_| {});
        let (mut tethers, mut peers) = (Tethers::default(), table(&mut test, 2..20));
        let silent = add(&mut test, &mut peers, 20, (20, PORT));
        peers.get_mut(silent).unwrap().fall_silent(&mut test.context());
        let own = test.shared.config().id;
        let mut heaviest: Vec<u128> = (2..20).collect();
        heaviest.sort_by_key(|id| Reverse(weight(own, NodeId(*id))));
        assert_eq!(dialed(&choose_again(&mut tethers, &mut peers, &mut test)).len(), TETHERS);
        let chosen: Vec<u128> = tethers.all.iter().map(|tether| { tether.life.0 }.0).collect();
        assert_eq!(chosen, heaviest[..TETHERS]);
        let looked_at = peers.steps();
        assert!(choose_again(&mut tethers, &mut peers, &mut test).is_empty(), "they are under way");
        assert!(peers.steps() - looked_at < 10, "nobody has come or gone: the table is not walked");
        assert_eq!(tethers.standing().count(), 0);
        keep_all(&mut tethers, &mut test);
        assert!(choose_again(&mut tethers, &mut peers, &mut test).is_empty());
        assert_eq!(tethers.standing().count(), TETHERS);
    }

    #[test]
    fn who_declines_or_is_another_one_is_no_tether_and_asked_again_with_the_next_round() {
        let mut test = TestContext::new(|_| {});
        let (mut tethers, mut peers) = (Tethers::default(), table(&mut test, 2..4));
        let asked = dialed(&choose_again(&mut tethers, &mut peers, &mut test));
        let other = reply(9, crate::engine::Nonce(1));
        tethers.note_answer(asked[0], None, &mut test.context());
        tethers.note_answer(asked[1], Some((other.id, other.incarnation)), &mut test.context());
        assert_eq!(dropped(&test.outputs()), asked);
        assert!(tethers.note_end(asked[0]).is_none(), "its end says nothing");
        assert_eq!(dialed(&choose_again(&mut tethers, &mut peers, &mut test)).len(), 2);
    }

    #[test]
    fn one_that_was_displaced_has_left_or_lives_again_is_dropped_and_one_with_trouble_is_not() {
        let mut test = TestContext::new(|_| {});
        let (mut tethers, mut peers) = (Tethers::default(), table(&mut test, 2..5));
        choose_again(&mut tethers, &mut peers, &mut test);
        keep_all(&mut tethers, &mut test);
        let keys: Vec<PeerKey> = tethers.all.iter().map(|tether| tether.peer).collect();
        peers.get_mut(keys[0]).unwrap().set_state(PeerState::Retrying, &mut test.context());
        test.outputs();
        assert!(choose_again(&mut tethers, &mut peers, &mut test).is_empty(), "it may well stand");
        peers.restart(keys[1], NodeId(99), Incarnation(2), "host", &mut test.context());
        peers.leave(keys[2], crate::engine::peers::LeaveReason::Goodbye, &mut test.context());
        test.outputs();
        assert_eq!(dropped(&choose_again(&mut tethers, &mut peers, &mut test)).len(), 2);
        peers.readdress(keys[0], ([10, 0, 9, 9], PORT).into(), &mut test.context());
        let moved = peers.get_mut(keys[0]).unwrap();
        moved.prove(moved.ip(), &mut test.context());
        moved.set_state(PeerState::Retrying, &mut test.context());
        test.outputs();
        assert_eq!(dropped(&choose_again(&mut tethers, &mut peers, &mut test)).len(), 1, "it is elsewhere");
        peers.get_mut(keys[0]).unwrap().set_state(PeerState::Up, &mut test.context());
        test.outputs();
        choose_again(&mut tethers, &mut peers, &mut test);
        keep_all(&mut tethers, &mut test);
        for id in 100..200 {
            add(&mut test, &mut peers, id, (id, PORT));
        }
        peers.get_mut(keys[0]).unwrap().set_state(PeerState::Up, &mut test.context());
        test.outputs();
        let outputs = choose_again(&mut tethers, &mut peers, &mut test);
        assert_eq!((dropped(&outputs).len(), dialed(&outputs).len()), (1, TETHERS), "others are heavier");
    }

    #[test]
    fn a_tether_that_another_dialed_is_as_good() {
        let mut test = TestContext::new(|_| {});
        let (mut tethers, mut peers) = (Tethers::default(), table(&mut test, 2..3));
        let key = peers.keys()[0];
        let peer = peers.get(key).unwrap();
        let [first, second] = [7, 8].map(|conn| {
            let accepted = tethers.accept(ConnId(conn), peer, peer.ip(), &mut test.context());
            accepted.expect("there is room")
        });
        assert_eq!(dropped(&test.outputs()), [first], "a new one takes the place of an old one");
        assert!(choose_again(&mut tethers, &mut peers, &mut test).is_empty());
        assert_eq!(tethers.note_end(second).map(|ended| ended.peer), Some(key));
        let peer = peers.get(key).unwrap();
        let elsewhere = "10.0.0.99".parse().unwrap();
        assert_eq!(tethers.accept(ConnId(9), peer, elsewhere, &mut test.context()), None);
    }

    #[test]
    fn one_address_has_its_share_and_all_together_have_a_cap() {
        let mut test = TestContext::new(|_| {});
        let (mut tethers, mut peers) = (Tethers::default(), PeerTable::default());
        let mut held = 0;
        for host in 2..20_u8 {
            let mut here = 0;
            for n in 0..=MAX_TETHERS_PER_ADDRESS {
                let id = u8::try_from(usize::from(host - 2) * 10 + n + 2).unwrap();
                let key = add(&mut test, &mut peers, id, (host, PORT + u16::from(id)));
                let peer = peers.get(key).unwrap();
                let accepted = tethers.accept(ConnId(id.into()), peer, peer.ip(), &mut test.context());
                here += usize::from(accepted.is_some());
            }
            held += here;
            assert!(here <= MAX_TETHERS_PER_ADDRESS);
        }
        assert_eq!(held, MAX_TETHERS_HELD);
        tethers.drop_all(&mut test.context());
        assert_eq!(dropped(&test.outputs()).len(), MAX_TETHERS_HELD);
    }
}
