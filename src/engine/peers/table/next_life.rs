//! A machine that has several addresses is started again, and its next life is heard first at another one than the one that was dialed:
//! it has a row of its own by the time it turns out to answer where the life before did. One row goes on: the older one, with its
//! history.

use std::net::SocketAddr;

use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::peer::word::Holder;
use crate::engine::peers::{PeerKey, PeerState};

use super::PeerTable;

impl PeerTable {
    /// The node of a row receives at an address. If its life before had that address and is over, the row of that one is the row of this
    /// node from now on; the row that the node has. Whoever may still live there is asked first, by a dial.
    pub(crate) fn settle_at(&mut self, key: PeerKey, addr: SocketAddr, ctx: &mut Context<'_>) -> PeerKey {
        let is_other = |peer: &&Peer| peer.key() != key && peer.addr() == addr && addr.port() != 0;
        let others = self.at(ZonedIp::from(addr)).filter(is_other);
        let Some(other) = others.last().map(|peer| (peer.key(), peer.state())) else { return key };
        let (other, is_over) = (other.0, matches!(other.1, PeerState::Silent | PeerState::Left));
        if is_over && self.is_next_life(key, other) {
            self.go_on_as(other, key, ctx);
            return other;
        }
        let life = self.get(key).and_then(|peer| peer.id().zip(peer.info().incarnation));
        if let Some((life, other)) = life.zip(self.get_mut(other))
            && other.challenge(life, ctx) == Holder::Gone
            && !is_over
        {
            other.dial.hurry();
        }
        key
    }

    /// Whether a row is of the next life of the machine whose `earlier` row is dialed where it answers: both have one name, and nothing was
    /// heard of the earlier one since this one is known.
    pub(crate) fn is_next_life(&self, key: PeerKey, earlier: PeerKey) -> bool {
        let Some((peer, earlier)) = self.get(key).zip(self.get(earlier)) else { return false };
        let heard = earlier.last_seen.any().max(earlier.last_alive());
        let named_alike = peer.info().name == earlier.info().name;
        named_alike && !peer.is_named() && heard < Some(peer.health.since())
    }

    /// The row of the earlier life is the one of this node from now on, and the row that the node had is no more.
    pub(crate) fn go_on_as(&mut self, earlier: PeerKey, key: PeerKey, ctx: &mut Context<'_>) {
        let Some(peer) = self.get_mut(key) else { return };
        let (paths, info) = (std::mem::take(&mut peer.paths), peer.info().clone());
        let Some((id, incarnation)) = info.id.zip(info.incarnation) else { return };
        self.expire(key, ctx);
        self.restart(earlier, id, incarnation, &info.name, ctx);
        if let Some(peer) = self.get_mut(earlier) {
            peer.paths = paths;
            if peer.is_proven() {
                peer.dial_soon(ctx);
            }
        }
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::event::Event;
    use crate::engine::peers::{LeaveReason, Via};
    use crate::engine::{Incarnation, NodeId};
    use crate::testkit::secs;

    const V4: &str = "10.0.0.2:17474";
    const V6: &str = "[fe80::2%2]:17474";

    /// Node 2 at the IPv4 address, last heard so long ago, with a period of five seconds; and node 9, heard by IPv6 since a second ago.
    fn two_rows(test: &mut TestContext, silent_for: u64, name: &str) -> (PeerTable, PeerKey, PeerKey) {
        let mut peers = PeerTable::default();
        let now = test.now;
        let mut heard = |addr: &str, id, name: &str, before| {
            test.now = now - secs(before);
            let identity = Some((NodeId(id), Incarnation(id.try_into().unwrap())));
            let key =
                peers.discover(addr.parse().unwrap(), identity, name, Via::Broadcast, &mut test.context());
            let peer = peers.get_mut(key.unwrap()).unwrap();
            peer.last_seen.note_any(test.now);
            peer.last_seen.note_period(secs(5));
            peer.prove(addr.parse::<SocketAddr>().unwrap().into(), &mut test.context());
            peer.set_state(PeerState::Up, &mut test.context());
            key.unwrap()
        };
        let (earlier, key) = (heard(V4, 2, "host", silent_for), heard(V6, 9, name, 1));
        test.now = now;
        test.outputs();
        (peers, earlier, key)
    }

    #[test]
    fn the_older_row_goes_on_if_nothing_was_heard_of_it_since_the_other_one_is_there() {
        for (what, silent_for, name, state, goes_on) in [
            ("it is silent", 10, "host", PeerState::Silent, true),
            ("it said goodbye", 6, "host", PeerState::Left, true),
            ("it may live, and is dialed first", 10, "host", PeerState::Up, false),
            ("it was heard after the other one", 0, "host", PeerState::Left, false),
            ("it is another machine, whose address was taken", 10, "else", PeerState::Silent, false),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, earlier, key) = two_rows(&mut test, silent_for, name);
            peers.get_mut(earlier).unwrap().set_state(state, &mut test.context());
            let settled = peers.settle_at(key, V4.parse().unwrap(), &mut test.context());
            assert_eq!(settled == earlier, goes_on, "{what}");
            assert_eq!(peers.len(), if goes_on { 1 } else { 2 }, "{what}");
            peers.check();
        }
    }

    #[test]
    fn the_row_that_goes_on_has_the_new_identity_its_own_key_and_the_ways_of_the_other_one() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, earlier, key) = two_rows(&mut test, 10, "host");
        peers.go_on_as(earlier, key, &mut test.context());
        assert_eq!((peers.by_id(NodeId(9)), peers.by_id(NodeId(2))), (Some(earlier), None));
        let peer = peers.get(earlier).unwrap();
        assert_eq!(peer.addr(), V4.parse().unwrap());
        assert!(peer.paths.is_proven(V6.parse::<SocketAddr>().unwrap().into()));
        let told: Vec<Event> = test.events();
        let restarts = told.iter().filter(|event| matches!(event, Event::PeerRestarted { .. })).count();
        let left = |event: &&Event| matches!(event, Event::PeerLeft { reason: LeaveReason::Expired, .. });
        assert_eq!((restarts, told.iter().filter(left).count()), (1, 1));
    }

    #[test]
    fn whoever_may_still_live_at_the_address_is_dialed_first() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, earlier, key) = two_rows(&mut test, 3, "host");
        for state in [PeerState::Up, PeerState::Unreachable] {
            let peer = peers.get_mut(earlier).unwrap();
            peer.set_state(state, &mut test.context());
            peer.rest_until(test.now + secs(9));
            assert_eq!(peers.settle_at(key, V4.parse().unwrap(), &mut test.context()), key);
            assert!(peers.get(earlier).unwrap().dial.deadline() <= Some(test.now.into()), "{state:?}");
        }
        test.outputs();
        let here = peers.settle_at(key, V6.parse().unwrap(), &mut test.context());
        assert_eq!(here, key, "nobody else was ever dialed there");
        assert!(test.events().is_empty());
    }
}
