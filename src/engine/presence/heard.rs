//! What counts of a presence of a known peer: when and where the peer was heard, and what it says of itself.
//!
//! What it says counts when it comes from the address that is dialed: others may say it in its name.

use crate::engine::api::Socket;
use crate::engine::context::Context;
use crate::engine::event::RejectReason;
use crate::engine::peers::path::{SequenceCheck, fingerprint};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::peer::word::Evidence;
use crate::engine::peers::{PeerKey, PeerState, PeerTable};
use crate::proto::presence::{Kind, Presence};

use super::receive::Datagram;

/// What to do with a presence of a known peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Taken {
    /// All of it counts.
    Whole,
    /// Only its nonce and echo count: it changed places with another one on the way.
    EchoOnly,
    /// Its number is implausibly far ahead, or behind, or it says of the peer what would lead this node astray: the sender must prove that
    /// it holds the address.
    ProveFirst,
    /// Anybody may have said this goodbye: the peer is asked whether it leaves.
    AskWhetherItLeaves,
    /// It is the same goodbye once more, by another way: all that it says is known, or comes by the way that counts in a moment.
    CopyOfGoodbye,
    /// Nothing of it counts.
    Refused(RejectReason),
}

impl Datagram<'_> {
    /// Whether it is one more heartbeat of a peer with which all is well, which tells nothing but that it came; that is noted then.
    pub(crate) fn is_steady_heartbeat(&self, peers: &mut PeerTable, ctx: &Context<'_>) -> bool {
        let presence = &self.presence;
        let plain = presence.kind == Kind::Heartbeat && self.socket == Socket::Shared && !self.is_unicast();
        let is_more =
            presence.suspicion.is_some() || presence.rows.is_some() || presence.membership.is_some();
        if !plain || self.is_wide() || is_more {
            return false;
        }
        let Some(peer) = peers.by_id(presence.id).and_then(|key| peers.steady_mut(key)) else { return false };
        let path = (self.source_ip(), peer.ip());
        let taken = peer.paths.take_heartbeat(path, presence.sequence, fingerprint(presence), ctx.now);
        if taken {
            peer.last_seen.note_any(ctx.came);
            if path.0 == path.1 {
                peer.last_seen.note_broadcast(ctx.came);
            }
        }
        taken
    }

    /// Writes down when and where a peer was heard.
    pub(crate) fn note_heard(&self, peer: &mut Peer, ctx: &Context<'_>) -> Taken {
        let (ip, dialed, sequence) = (self.source_ip(), peer.ip(), self.presence.sequence);
        let silent = peer.state() == PeerState::Silent;
        let is_copy = self.presence.kind == Kind::Goodbye && self.socket == Socket::Shared && ip != dialed;
        if is_copy && peer.paths.take_copy_of_goodbye(ip, sequence, peer.has_left(), ctx.now) {
            return Taken::CopyOfGoodbye;
        }
        let check = peer.paths.check_sequence(ip, self.socket, sequence, peer.has_left());
        let mends = self.mends(check, peer);
        if mends {
            peer.paths.reset_sequences();
        }
        match check {
            _ if silent || mends => {}
            SequenceCheck::New => {}
            SequenceCheck::Seen => return self.take_late(peer, ctx),
            SequenceCheck::TooFar => return Taken::ProveFirst,
        }
        if self.presence.kind == Kind::Goodbye {
            if dialed != ip {
                return Taken::Refused(RejectReason::IdentityConflict);
            }
            if peer.has_proved() && !silent && !peer.has_left() && self.evidence(peer) == Evidence::None {
                return Taken::AskWhetherItLeaves;
            }
            if let Some(doubted) = peer.doubted_goodbye().filter(|&doubted| doubted < sequence) {
                peer.paths.note_last_word(ip, doubted);
            }
        }
        let returning = silent || peer.has_left();
        peer.paths.note_heard(ip, dialed, (self.socket, sequence), returning, ctx.now);
        peer.last_seen.note_any(ctx.came);
        // What members tell each other comes now and then, and says nothing of presences.
        if dialed == ip && self.presence.membership.is_none() {
            // A nonce or an echo is never broadcast.
            match self.socket == Socket::Shared && !self.is_unicast() {
                true if self.is_wide() => {}
                true => peer.last_seen.note_broadcast(ctx.came),
                false => peer.last_seen.note_unicast(ctx.came),
            }
        }
        Taken::Whole
    }

    /// Two datagrams may change places on the way, and others may use up a peer's numbers: one that asks for an echo, or is one, does its
    /// work all the same.
    fn take_late(&self, peer: &mut Peer, ctx: &Context<'_>) -> Taken {
        let alive = !peer.has_left() && self.presence.kind != Kind::Goodbye;
        let awaited = alive && self.is_unicast() && peer.ip() == self.source_ip();
        if peer.paths.is_far_behind(self.source_ip(), self.socket, self.presence.sequence) {
            Taken::ProveFirst
        } else if awaited {
            peer.last_seen.note_unicast(ctx.came);
            Taken::EchoOnly
        } else {
            Taken::Refused(RejectReason::Replayed)
        }
    }

    /// Whether it proves to come from the peer, though its number does not fit what was taken before: that was forged, or what came between
    /// was lost.
    fn mends(&self, check: SequenceCheck, peer: &Peer) -> bool {
        let is_behind = |socket| peer.paths.is_far_behind(self.source_ip(), socket, self.presence.sequence);
        let fits =
            || check != SequenceCheck::TooFar && !is_behind(Socket::Shared) && !is_behind(Socket::Private);
        self.evidence(peer) == Evidence::Echo && !fits()
    }

    /// Takes what a peer says of itself. It counts when it comes from the address that is dialed: others may say it in its name.
    pub(crate) fn apply_claims(&self, key: PeerKey, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let presence = &self.presence;
        let addr = self.source_ip().at_port(presence.tcp_port);
        let moved = peers.get(key).is_some_and(|peer| peer.addr() != addr);
        if moved && !peers.is_held_by_another(key, addr) {
            peers.readdress(key, addr, ctx);
        }
        let Some(peer) = peers.get_mut(key) else { return };
        peer.set_interface(ctx.links.name_at(peer.interface(), self.link, self.source_ip()));
        peer.paths.note_claims(self.source_ip(), presence);
        peer.last_seen.note_period(presence.period());
        if peer.info().name != presence.name {
            peer.change_info(|info| presence.name.clone_into(&mut info.name));
        }
    }

    /// Whether it says something else of a peer that proved its address than that peer did, and does not prove to come from it: nothing
    /// that a node says of itself changes while it lives, but its name.
    pub(crate) fn misleads(&self, peer: Option<&Peer>) -> bool {
        let Some(peer) = peer.filter(|peer| peer.speaks_at(self.source_ip())) else { return false };
        let Presence { tcp_port, udp_port, name, .. } = self.presence;
        let ports = (peer.addr().port(), peer.paths.udp_port().unwrap_or(udp_port));
        let period = peer.last_seen.period().unwrap_or(self.presence.period());
        let same =
            (tcp_port, udp_port) == ports && self.presence.period() == period && name == peer.info().name;
        !same && !peer.is_apart() && self.evidence(peer) == Evidence::None
    }

    /// Notes a presence from another address than the one that is dialed.
    pub(crate) fn note_copy(&self, key: PeerKey, peers: &mut PeerTable) {
        if let Some(peer) = peers.get_mut(key) {
            peer.paths.note_copy(self.source_ip(), &self.presence);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::samples::{discover, heard, known};
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::limits::MAX_SEQUENCE_STEP;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::LeaveReason;
    use crate::engine::{Incarnation, NodeId, Nonce};
    use crate::proto::presence::Presence;
    use crate::testkit::{ms, presence, secs};

    #[test]
    fn each_number_counts_once_and_a_late_one_only_if_it_has_work_to_do() {
        let mut test = TestContext::new(|_| {});
        let mut peer = known(&mut test, 5);
        let here = |sequence| presence(Kind::Heartbeat, 2, sequence);
        let asks = |sequence| Presence { nonce: Some(Nonce(7)), ..here(sequence) };
        let replayed = Taken::Refused(RejectReason::Replayed);
        for (what, from, presence, taken) in [
            ("a copy", "10.0.0.2", here(5), replayed),
            ("late, and it asks for nothing", "10.0.0.2", here(3), replayed),
            ("late, with a nonce", "10.0.0.2", asks(3), Taken::EchoOnly),
            ("the same again, which may have been forged before", "10.0.0.2", asks(3), Taken::EchoOnly),
            ("the next", "10.0.0.2", here(6), Taken::Whole),
            ("by another link", "10.0.0.9", here(6), Taken::Whole),
            ("late by another link", "10.0.0.9", asks(4), replayed),
            ("late, and it leaves", "10.0.0.2", Presence { kind: Kind::Goodbye, ..asks(2) }, replayed),
            (
                "leaves, from elsewhere",
                "10.0.0.7",
                presence(Kind::Goodbye, 2, 7),
                Taken::Refused(RejectReason::IdentityConflict),
            ),
            ("leaves, by another link", "10.0.0.9", presence(Kind::Goodbye, 2, 7), Taken::CopyOfGoodbye),
            ("leaves", "10.0.0.2", presence(Kind::Goodbye, 2, 7), Taken::Whole),
        ] {
            assert_eq!(heard(from, presence).note_heard(&mut peer, &test.context()), taken, "{what}");
        }
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        for from in ["10.0.0.2", "10.0.0.9", "10.0.0.8"] {
            let taken = heard(from, asks(7)).note_heard(&mut peer, &test.context());
            assert_eq!(taken, replayed, "a late datagram from {from} revives nobody");
        }
        assert_eq!(heard("10.0.0.2", here(8)).note_heard(&mut peer, &test.context()), Taken::Whole);
    }

    #[test]
    fn a_goodbye_by_several_ways_is_one_and_what_is_sent_again_later_is_none() {
        let mut test = TestContext::new(|_| {});
        let mut peer = known(&mut test, 5);
        let other_way = "10.0.0.9";
        let beat = heard(other_way, presence(Kind::Heartbeat, 2, 5)).note_heard(&mut peer, &test.context());
        assert_eq!(beat, Taken::Whole);
        let goodbye = presence(Kind::Goodbye, 2, 6);
        assert_eq!(heard("10.0.0.2", goodbye).note_heard(&mut peer, &test.context()), Taken::Whole);
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        let again = Taken::Refused(RejectReason::Replayed);
        for (what, from, after, taken) in [
            ("the copy", other_way, ms(1), Taken::CopyOfGoodbye),
            ("the copy once more", other_way, ms(2), again),
            ("from an address where it never was", "10.0.0.7", ms(2), again),
            ("where it said so", "10.0.0.2", ms(2), again),
        ] {
            test.now += after;
            assert_eq!(heard(from, goodbye).note_heard(&mut peer, &test.context()), taken, "{what}");
        }
        let mut late = known(&mut test, 5);
        let _ = heard(other_way, presence(Kind::Heartbeat, 2, 5)).note_heard(&mut late, &test.context());
        let _ = heard("10.0.0.2", goodbye).note_heard(&mut late, &test.context());
        late.leave(LeaveReason::Goodbye, &mut test.context());
        test.now += secs(1);
        assert_eq!(heard(other_way, goodbye).note_heard(&mut late, &test.context()), again, "a second later");
    }

    #[test]
    fn the_copy_of_a_goodbye_may_come_after_the_peer_confirmed_it() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let other_way = "10.0.0.9";
        for from in ["10.0.0.2", other_way] {
            let beat = heard(from, presence(Kind::Heartbeat, 2, 5)).note_heard(&mut peer, &test.context());
            assert_eq!(beat, Taken::Whole);
        }
        test.now += secs(2);
        let goodbye = presence(Kind::Goodbye, 2, 6);
        let taken = heard("10.0.0.2", goodbye).note_heard(&mut peer, &test.context());
        assert_eq!(taken, Taken::AskWhetherItLeaves);
        peer.doubt_goodbye(6, &mut test.context());
        let nonce = test.sent().pop().expect("it is asked").nonce;
        let confirmed = Presence { echo: nonce, ..presence(Kind::Goodbye, 2, 7) };
        let confirmed = Datagram { socket: Socket::Private, ..heard("10.0.0.2", confirmed) };
        assert_eq!(confirmed.note_heard(&mut peer, &test.context()), Taken::Whole);
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        let copy = heard(other_way, goodbye);
        assert_eq!(copy.note_heard(&mut peer, &test.context()), Taken::CopyOfGoodbye);
        let again = copy.note_heard(&mut peer, &test.context());
        assert_eq!(again, Taken::Refused(RejectReason::Replayed), "each way has one");
    }

    #[test]
    fn a_number_far_ahead_counts_after_proof_or_silence() {
        let mut test = TestContext::new(|_| {});
        let far = presence(Kind::Heartbeat, 2, 6 + MAX_SEQUENCE_STEP);
        let mut peer = known(&mut test, 5);
        let datagram = heard("10.0.0.2", far);
        assert_eq!(datagram.note_heard(&mut peer, &test.context()), Taken::ProveFirst);
        peer.introduction.nonce_for(datagram.source_ip(), || Nonce(7));
        let wrong = heard("10.0.0.2", Presence { echo: Some(Nonce(8)), ..far });
        assert_eq!(wrong.note_heard(&mut peer, &test.context()), Taken::ProveFirst);
        let proof = heard("10.0.0.2", Presence { echo: Some(Nonce(7)), ..far });
        assert_eq!(proof.note_heard(&mut peer, &test.context()), Taken::Whole);
        let mut silent = known(&mut test, 5);
        silent.fall_silent(&mut test.context());
        for sequence in [far.sequence, 1] {
            let taken = heard("10.0.0.2", presence(Kind::Heartbeat, 2, sequence))
                .note_heard(&mut silent, &test.context());
            assert_eq!(taken, Taken::Whole, "number {sequence} of one that was silent");
        }
    }

    #[test]
    fn what_was_heard_counts_for_the_way_it_came() {
        let (plain, wide) = (
            presence(Kind::Heartbeat, 2, 6),
            Presence { wide: Some(true), ..presence(Kind::Heartbeat, 2, 6) },
        );
        let echo = Presence { echo: Some(Nonce(7)), ..plain };
        for (what, from, socket, presence, broadcast, unicast) in [
            ("a heartbeat", "10.0.0.2", Socket::Shared, plain, true, false),
            ("an echo on the shared port", "10.0.0.2", Socket::Shared, echo, false, true),
            ("a datagram to us alone", "10.0.0.2", Socket::Private, plain, false, true),
            ("a wide copy", "10.0.0.2", Socket::Shared, wide, false, false),
            ("from another address", "10.0.0.9", Socket::Shared, plain, false, false),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.peer(2);
            let taken = Datagram { socket, ..heard(from, presence) }.note_heard(&mut peer, &test.context());
            let seen = &peer.last_seen;
            let found = (taken, seen.any().is_some(), seen.broadcast().is_some(), seen.unicast().is_some());
            assert_eq!(found, (Taken::Whole, true, broadcast, unicast), "{what}");
        }
    }

    #[test]
    fn what_a_peer_says_of_itself_is_taken_and_another_port_is_another_address() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let key = discover(&mut peers, &mut test, "10.0.0.2", 2);
        let said =
            Presence { name: "renamed", tcp_port: 9, period_ms: 700, ..presence(Kind::Heartbeat, 2, 1) };
        let datagram = heard("10.0.0.2", said);
        let _ = datagram.note_heard(peers.get_mut(key).unwrap(), &test.context());
        datagram.apply_claims(key, &mut peers, &mut test.context());
        let peer = peers.get(key).unwrap();
        assert_eq!((peer.info().name.as_str(), peer.addr().port()), ("renamed", 9));
        assert_eq!((peer.last_seen.period(), peer.paths.prefix(peer.ip())), (Some(ms(700)), Some(16)));
        assert_eq!(peer.unicast(), SocketAddr::new(peer.addr().ip(), 30_000));
        peers.check();
    }

    /// A table with one peer, at 10.0.0.2, with which all is well; number 5 was its last.
    fn steady(test: &mut TestContext) -> (PeerTable, PeerKey) {
        let mut peers = PeerTable::default();
        let key = discover(&mut peers, test, "10.0.0.2", 2);
        let datagram = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 5));
        assert_eq!(datagram.note_heard(peers.get_mut(key).unwrap(), &test.context()), Taken::Whole);
        datagram.apply_claims(key, &mut peers, &mut test.context());
        let peer = peers.get_mut(key).unwrap();
        peer.prove(datagram.source_ip(), &mut test.context());
        peer.set_state(PeerState::Up, &mut test.context());
        peer.set_observation(Observation {
            broadcast: PathStatus::Ok,
            tcp: PathStatus::Ok,
            ..Observation::default()
        });
        peer.watch_for_silence(&test.context());
        while let Some(key) = peers.next_touched() {
            peers.index_condition(key);
        }
        (peers, key)
    }

    #[test]
    fn a_heartbeat_like_the_one_before_changes_nothing_but_when_it_was_heard() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = steady(&mut test);
        test.now += secs(5);
        let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
        assert!(next.is_steady_heartbeat(&mut peers, &test.context()));
        let seen = &peers.get(key).unwrap().last_seen;
        assert_eq!([seen.any(), seen.broadcast()], [Some(test.now.into()); 2]);
        assert_eq!(peers.next_touched(), None);
        assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "each number counts once");
    }

    #[test]
    fn whatever_tells_more_than_a_heartbeat_is_looked_at() {
        let next = presence(Kind::Heartbeat, 2, 6);
        let shared = |presence| heard("10.0.0.2", presence);
        let (nonce, claimed) = (Some(Nonce(7)), "10.0.0.9".parse().unwrap());
        for (what, datagram) in [
            ("another name", shared(Presence { name: "else", ..next })),
            ("another TCP port", shared(Presence { tcp_port: 9, ..next })),
            ("another UDP port", shared(Presence { udp_port: 9, ..next })),
            ("another period", shared(Presence { period_ms: 900, ..next })),
            ("another claim", shared(Presence { claimed, ..next })),
            ("another prefix", shared(Presence { prefix: None, ..next })),
            ("another life", shared(Presence { incarnation: Incarnation(1_001), ..next })),
            ("somebody unknown", shared(Presence { id: NodeId(9), ..next })),
            ("a hello", shared(Presence { kind: Kind::Hello, ..next })),
            ("a goodbye", shared(Presence { kind: Kind::Goodbye, ..next })),
            ("a nonce", shared(Presence { nonce, ..next })),
            ("an echo", shared(Presence { echo: nonce, ..next })),
            ("a wide copy", shared(Presence { wide: Some(true), ..next })),
            ("a replay", shared(Presence { sequence: 5, ..next })),
            ("far ahead", shared(Presence { sequence: 6 + MAX_SEQUENCE_STEP, ..next })),
            ("another address", heard("10.0.0.9", next)),
            ("the private port", Datagram { socket: Socket::Private, ..shared(next) }),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, _) = steady(&mut test);
            assert!(!datagram.is_steady_heartbeat(&mut peers, &test.context()), "{what}");
            assert!(shared(next).is_steady_heartbeat(&mut peers, &test.context()), "{what} leaves no trace");
        }
    }

    #[test]
    fn of_a_peer_that_is_not_steady_every_heartbeat_is_looked_at() {
        type Change = fn(&mut Peer, &mut Context<'_>);
        let changes: [(&str, Change); 6] = [
            ("it is in trouble", |peer, ctx| peer.health.note_trouble(ctx.now)),
            ("it is not up", |peer, ctx| peer.set_state(PeerState::Retrying, ctx)),
            ("its broadcasts were not known", |peer, _| peer.set_observation(Observation::default())),
            ("a way fails", |peer, _| {
                peer.set_observation(Observation { tcp: PathStatus::Failing, ..peer.observation() });
            }),
            ("its silence is not watched", |peer, _| peer.last_seen.stop_watching()),
            ("a dial decides whether it is silent", |peer, _| peer.dial.set_confirming(true)),
        ];
        for (what, change) in changes {
            let mut test = TestContext::new(|_| {});
            let (mut peers, key) = steady(&mut test);
            change(peers.get_mut(key).unwrap(), &mut test.context());
            peers.index_condition(key);
            let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
            assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "{what}");
        }
        let mut test = TestContext::new(|_| {});
        let (mut peers, key) = steady(&mut test);
        peers.get_mut(key);
        let next = heard("10.0.0.2", presence(Kind::Heartbeat, 2, 6));
        assert!(!next.is_steady_heartbeat(&mut peers, &test.context()), "it was touched and not settled yet");
    }
}
