//! Who sent a presence, and whether it is still where it is dialed.
//!
//! The source address of a datagram is the truth, whatever it says of itself.

use std::net::SocketAddr;

use crate::engine::api::Socket;
use crate::engine::context::Context;
use crate::engine::event::RejectReason;
use crate::engine::limits::MOVE_PATIENCE;
use crate::engine::peers::path::Paths;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::peer::word::Evidence;
use crate::engine::peers::{PeerKey, PeerState, PeerTable, Speaker, Via, Voice};
use crate::proto::presence::{Kind, Presence};

use super::receive::Datagram;

/// Who sent a presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Sender {
    /// A peer, perhaps a new one.
    Peer(PeerKey),
    /// Perhaps a peer: it is to prove that it is there.
    Unproved(PeerKey),
    /// Nobody that is to be noticed.
    Nobody,
    /// It is to be refused.
    Refused(RejectReason),
    /// Somebody beyond our links.
    OffLink,
}

/// Whether a peer is still where it is dialed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Whereabouts {
    /// As far as is known.
    Same,
    /// Somebody else may speak in its name: whoever is still at the old address answers at once when asked.
    AskOldAddress,
    /// It is dialed at another address from now on.
    Moved(SocketAddr),
}

impl Datagram<'_> {
    /// The peer that sent it, a new one if need be.
    pub(crate) fn resolve_sender(&self, peers: &mut PeerTable, ctx: &mut Context<'_>) -> Sender {
        let Presence { id, incarnation, name, kind, tcp_port, .. } = self.presence;
        let (key, addr) = (peers.by_id(id), self.source_ip().at_port(tcp_port));
        if kind == Kind::Goodbye && key.is_none() {
            return Sender::Nobody;
        }
        let evidence = key.and_then(|key| peers.get(key)).map_or(Evidence::None, |peer| self.evidence(peer));
        if self.changes_the_unproven(peers, ctx) && !peers.take_unproven_change(ctx.now) {
            return Sender::Refused(RejectReason::TooManyChanges);
        }
        let speaker = Speaker { id, incarnation, name, addr, via: self.via(), evidence };
        match peers.recognize(&speaker, ctx) {
            Ok(Voice::Peer(key)) => Sender::Peer(key),
            Ok(Voice::Unproved(key)) => Sender::Unproved(key),
            Ok(Voice::Unclear) => Sender::Nobody,
            Ok(Voice::Stranger) if !ctx.links.reaches(self.source_ip()) => Sender::OffLink,
            Ok(Voice::Stranger) => {
                match peers.discover(addr, Some((id, incarnation)), name, self.via(), ctx) {
                    Ok(key) => Sender::Peer(key),
                    Err(reason) => Sender::Refused(reason),
                }
            }
            Err(reason) => Sender::Refused(reason),
        }
    }

    /// Whether it says that somebody who never proved to be where it comes from is new where another has to go for it, or is another
    /// than before: in its life, its port or its name, or there again, or no more.
    fn changes_the_unproven(&self, peers: &PeerTable, ctx: &Context<'_>) -> bool {
        let (ip, Presence { tcp_port, kind, .. }) = (self.source_ip(), self.presence);
        let Some(peer) = peers.by_id(self.presence.id).and_then(|key| peers.get(key)) else {
            let is_taken = || peers.by_addr(ip.at_port(tcp_port)).is_some();
            return ctx.links.reaches(ip) && (is_taken() || peers.is_crowded(ip));
        };
        if peer.is_proven() || peer.was_reached() || self.evidence(peer) == Evidence::Echo {
            return false;
        }
        let is_other = || peer.addr().port() != tcp_port || peer.info().name != self.presence.name;
        let ended = matches!(peer.state(), PeerState::Left | PeerState::Silent);
        peer.info().incarnation != Some(self.presence.incarnation)
            || (kind == Kind::Goodbye) != peer.has_left()
            || (ended && kind != Kind::Goodbye)
            || (self.is_from_dialed(peer) && is_other())
    }

    /// What shows that its sender is where it comes from: a nonce that was sent there.
    pub(crate) fn evidence(&self, peer: &Peer) -> Evidence {
        let Some(echo) = self.presence.echo else { return Evidence::None };
        let introduced = peer.introduction.is_echoed_by(Some(echo), self.source_ip());
        let asked = || peer.ip() == self.source_ip() && peer.probes.asked(echo).is_some();
        if introduced || asked() { Evidence::Echo } else { Evidence::None }
    }

    fn via(&self) -> Via {
        match self.socket {
            Socket::Private => Via::Reply,
            _ if self.from.is_ipv6() => Via::Multicast,
            _ => Via::Broadcast,
        }
    }

    /// Whether it comes from the address at which the peer is dialed.
    pub(crate) fn is_from_dialed(&self, peer: &Peer) -> bool {
        peer.ip() == self.source_ip()
    }

    /// A peer that for some rounds was heard from another address only has moved there: if that address is newer than the last
    /// word from the old one. Otherwise it is a second interface of the peer's, and the rounds may have been lost: then the old
    /// address must fail a dial, too, or a lossy link would make the peer move to and fro.
    pub(crate) fn locate(&self, peer: &Peer, ctx: &Context<'_>) -> Whereabouts {
        let (dialed, heard_at) = (peer.ip(), self.source_ip());
        if dialed == heard_at {
            return Whereabouts::Same;
        }
        let reached = matches!(peer.state(), PeerState::New | PeerState::Up);
        let gone = peer.paths.is_gone_from(dialed, heard_at, reached);
        let cut_off = !ctx.links.reaches(dialed) && peer.interface().is_some();
        // Several at once: the best it is.
        let undecided = peer.state() == PeerState::New && !peer.is_proven();
        if undecided && ctx.links.reaches(heard_at) && Paths::is_better(heard_at, dialed, ctx.links) {
            return Whereabouts::Moved(heard_at.at_port(peer.addr().port()));
        }
        if !ctx.links.reaches(heard_at) || !(gone || cut_off) {
            return Whereabouts::Same;
        }
        let certain = cut_off || !reached || !peer.paths.is_known(dialed);
        match peer.paths.move_asked() {
            Some(asked) if ctx.now >= asked + MOVE_PATIENCE => {}
            _ if certain => {}
            Some(_) => return Whereabouts::Same,
            None => return Whereabouts::AskOldAddress,
        }
        Whereabouts::Moved(heard_at.at_port(peer.addr().port()))
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::super::samples::{PORT, addr, discover, heard, known};
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::address::ZonedIp;
    use crate::engine::context::TestContext;
    use crate::engine::interface::{Interface, LinkIndex};
    use crate::testkit::{interface, ms, presence, secs};

    #[test]
    fn a_sender_is_a_peer_a_newcomer_or_refused() {
        let (hello, bye) = (presence(Kind::Hello, 3, 1), presence(Kind::Goodbye, 3, 1));
        let life = |id, incarnation| Presence {
            incarnation: Incarnation(incarnation),
            ..presence(Kind::Heartbeat, id, 1)
        };
        for (what, from, presence, sender, count) in [
            ("the peer", "10.0.0.2", life(2, 1_000), None, 1),
            ("the peer at another address", "10.0.0.9", life(2, 1_000), None, 1),
            ("its past life, nothing of it being proved", "10.0.0.2", life(2, 999), None, 1),
            ("its next life", "10.0.0.2", life(2, 1_001), None, 1),
            (
                "a forger",
                "10.0.0.9",
                life(2, 1_001),
                Some(Sender::Refused(RejectReason::IdentityConflict)),
                1,
            ),
            ("another node at its address", "10.0.0.2", hello, None, 1),
            ("another node that leaves its address", "10.0.0.2", bye, Some(Sender::Nobody), 1),
            ("somebody unknown that leaves", "10.0.0.9", bye, Some(Sender::Nobody), 1),
            ("somebody beyond our links", "192.0.2.9", hello, Some(Sender::OffLink), 1),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peers = PeerTable::default();
            let key = discover(&mut peers, &mut test, "10.0.0.2", 2);
            let is_past = presence.incarnation == Incarnation(999);
            let sender = sender.or_else(|| is_past.then_some(Sender::Unproved(key)));
            let found = heard(from, presence).resolve_sender(&mut peers, &mut test.context());
            assert_eq!((found, peers.len()), (sender.unwrap_or(Sender::Peer(key)), count), "{what}");
            if sender.is_none() {
                let info = peers.get(key).unwrap().info();
                let known = (info.id, info.incarnation);
                assert_eq!(known, (Some(presence.id), Some(presence.incarnation)), "{what}");
            }
            peers.check();
        }
    }

    #[test]
    fn a_newcomer_gets_a_row_and_whom_another_replaced_gets_none() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let shared = heard("10.0.0.2", presence(Kind::Hello, 2, 1));
        let private =
            Datagram { socket: Socket::Private, ..heard("10.0.0.3", presence(Kind::Heartbeat, 3, 1)) };
        for (datagram, via) in [(shared, Via::Broadcast), (private, Via::Reply)] {
            let Sender::Peer(key) = datagram.resolve_sender(&mut peers, &mut test.context()) else {
                panic!("there is room")
            };
            let snapshot = peers.get(key).unwrap().snapshot(test.shared.links(), test.now);
            assert_eq!((snapshot.info.addr, snapshot.via), (datagram.from.into(), via));
        }
        let other = heard("10.0.0.2", presence(Kind::Hello, 9, 1));
        let _ = other.resolve_sender(&mut peers, &mut test.context());
        let late = shared.resolve_sender(&mut peers, &mut test.context());
        assert_eq!(late, Sender::Refused(RejectReason::Retired));
    }

    #[test]
    fn who_is_heard_in_the_multicast_group_is_found_at_its_link_and_dialed_by_ipv4_if_that_comes_at_once() {
        let mut test = TestContext::new(|_| {});
        let six = Interface::ipv6("eth0", "fe80::1".parse().unwrap(), 64);
        let links = vec![interface("10.0.0.1/16"), Interface { index: Some(LinkIndex(2)), ..six }];
        let _ = test.shared.links_mut().replace(links);
        let mut peers = PeerTable::default();
        let at = |zoned: &str, id| Datagram {
            from: zoned.parse::<ZonedIp>().unwrap().at_port(PORT),
            ..heard("10.0.0.2", presence(Kind::Hello, id, 1))
        };
        let other_link = at("fe80::2%3", 3).resolve_sender(&mut peers, &mut test.context());
        assert_eq!(other_link, Sender::OffLink);
        let Sender::Peer(key) = at("fe80::2%2", 2).resolve_sender(&mut peers, &mut test.context()) else {
            panic!("it is on our link")
        };
        let row = peers.get(key).unwrap().snapshot(test.shared.links(), test.now);
        assert_eq!((row.info.addr.to_string(), row.via), ("[fe80::2%eth0]:17474".into(), Via::Multicast));
        let (by_ipv6, by_ipv4) = (at("fe80::2%2", 2), heard("10.0.0.2", presence(Kind::Hello, 2, 1)));
        let mut locate = |datagram: &Datagram<'_>, prove: bool| {
            let peer = peers.get_mut(key).unwrap();
            if prove {
                peer.prove(peer.ip(), &mut test.context());
            }
            let _ = datagram.note_heard(peer, &test.context());
            datagram.locate(peer, &test.context())
        };
        assert_eq!(locate(&by_ipv6, false), Whereabouts::Same);
        assert_eq!(locate(&by_ipv4, false), Whereabouts::Moved(addr("10.0.0.2")));
        assert_eq!(locate(&by_ipv4, true), Whereabouts::Same, "the first that is proven stays");
    }

    /// A peer in this state at 10.0.0.2 that was heard there, and two rounds later twice from another address.
    fn wanderer(test: &mut TestContext, state: PeerState, to: &str) -> Peer {
        let mut peer = known(test, 1);
        peer.set_state(state, &mut test.context());
        for sequence in [2, 3] {
            test.now += secs(5);
            let _ = heard(to, presence(Kind::Heartbeat, 2, sequence)).note_heard(&mut peer, &test.context());
        }
        peer
    }

    #[test]
    fn a_peer_has_moved_when_it_is_heard_elsewhere_only_and_nobody_answers_at_the_old_address() {
        let mut test = TestContext::new(|_| {});
        let mut peer = wanderer(&mut test, PeerState::Up, "10.0.0.9");
        let datagram = heard("10.0.0.9", presence(Kind::Heartbeat, 2, 4));
        assert_eq!(datagram.locate(&peer, &test.context()), Whereabouts::AskOldAddress);
        peer.paths.note_move_asked(test.now);
        test.now += MOVE_PATIENCE - ms(1);
        assert_eq!(datagram.locate(&peer, &test.context()), Whereabouts::Same, "its answer may come");
        test.now += ms(1);
        let moved = Whereabouts::Moved(addr("10.0.0.9"));
        assert_eq!(datagram.locate(&peer, &test.context()), moved);
        let at_home = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 4));
        assert_eq!(at_home.locate(&peer, &test.context()), Whereabouts::Same);
    }

    #[test]
    fn a_peer_that_is_not_reached_moves_at_once_and_nobody_moves_beyond_our_links() {
        let mut test = TestContext::new(|_| {});
        let here = |from| heard(from, presence(Kind::Heartbeat, 2, 4));
        let failing = wanderer(&mut test, PeerState::Unreachable, "10.0.0.9");
        let moved = Whereabouts::Moved(addr("10.0.0.9"));
        assert_eq!(here("10.0.0.9").locate(&failing, &test.context()), moved);
        let beyond = wanderer(&mut test, PeerState::Unreachable, "192.0.2.9");
        assert_eq!(here("192.0.2.9").locate(&beyond, &test.context()), Whereabouts::Same);
        let mut once = known(&mut test, 1);
        once.set_state(PeerState::Unreachable, &mut test.context());
        let _ = heard("10.0.0.9", presence(Kind::Heartbeat, 2, 2)).note_heard(&mut once, &test.context());
        assert_eq!(
            here("10.0.0.9").locate(&once, &test.context()),
            Whereabouts::Same,
            "one round may be lost"
        );
        let cut_off = known(&mut test, 1);
        let _ = test.shared.links_mut().replace(vec![interface("10.9.0.1/16")]);
        let moved = Whereabouts::Moved(addr("10.9.0.9"));
        assert_eq!(here("10.9.0.9").locate(&cut_off, &test.context()), moved, "our link to it is gone");
    }
}
