//! What this node says of itself: hellos and heartbeats to everybody, introductions and echoes to one, goodbyes.
//!
//! Owns the rounds and the limits of all answers; hears nothing.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::RngExt;
use smallvec::SmallVec;

use crate::engine::address::ZonedIp;
use crate::engine::api::{Asked, Output, Socket};
use crate::engine::context::Context;
use crate::engine::interface::{Interface, InterfaceKind};
use crate::engine::limits::{
    ANSWER_AT_ONCE, ANSWER_SPREAD, ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND, HELLO_GAPS, MAX_ANSWER_WAIT,
    MULTICAST_ONE_IN, OFF_LINK_ANSWERS_PER_SECOND, PERIOD_JITTER, PROOF_ASKED_AGAIN, ROUND_HURRIED_AGAIN,
    STRANGER_ANSWERS_WITHIN, WIDE_EVERY,
};
use crate::engine::peers::PeerTable;
use crate::engine::peers::peer::{Nat, Peer};
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{Nonce, peers::PeerKey};
use crate::proto::presence::{Kind, MULTICAST_GROUP, Presence, Suspicion};

use super::receive::Datagram;
use super::strangers::Strangers;

/// The announcements of this node.
#[derive(Debug)]
pub(crate) struct Announcer {
    next: Option<Instant>,
    /// Hellos said since the start or the last change.
    hellos: usize,
    /// Heartbeats since then.
    heartbeats: u32,
    /// When presence last went to the limited broadcast address.
    limited_broadcast: Option<Instant>,
    strangers: Strangers,
    /// When a round was last brought forward for a newcomer.
    hurried: Option<Instant>,
    /// Whose questions came by the port that broadcasts come by. No proof makes room for more: whoever lives there did not ask them.
    questions: Strangers,
    answers: RateLimiter,
    off_link_answers: RateLimiter,
    echo_answers: RateLimiter,
}

/// What a round says besides that this node is here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct More<'a> {
    /// News of this node's row: one page.
    pub(crate) rows: Option<&'a [u8]>,
    /// A question about another node.
    pub(crate) suspicion: Option<Suspicion>,
}

impl<'a> More<'a> {
    fn with(self, presence: Presence<'a>) -> Presence<'a> {
        Presence { rows: self.rows.map(Into::into), suspicion: self.suspicion, ..presence }
    }
}

impl Default for Announcer {
    fn default() -> Self {
        let per_second = RateLimiter::per_second;
        Self {
            next: None,
            hellos: 0,
            heartbeats: 0,
            limited_broadcast: None,
            strangers: Strangers::default(),
            hurried: None,
            questions: Strangers::default(),
            answers: per_second(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND / 2),
            off_link_answers: per_second(OFF_LINK_ANSWERS_PER_SECOND, OFF_LINK_ANSWERS_PER_SECOND),
            echo_answers: per_second(ECHO_ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND / 2),
        }
    }
}

impl Announcer {
    /// Says hello three times, starting now.
    pub(crate) fn hello_again(&mut self, now: Instant) {
        self.next = Some(now);
        (self.hellos, self.heartbeats) = (0, 0);
    }

    /// Announces this node then, if that is not due before: what it says of itself has changed.
    pub(crate) fn announce_at(&mut self, at: Instant) {
        self.next = self.next.map(|next| next.min(at));
    }

    /// When the next announcement is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Announces this node on every link, and to every named peer that does not hear that.
    pub(crate) fn announce(&mut self, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let hello = self.hellos <= HELLO_GAPS.len();
        let kind = if hello { Kind::Hello } else { Kind::Heartbeat };
        self.hellos += usize::from(hello);
        self.heartbeats = self.heartbeats.wrapping_add(u32::from(!hello));
        broadcast(kind, More::default(), ctx);
        self.broadcast_limited(kind, ctx);
        multicast(
            kind,
            hello || self.heartbeats.is_multiple_of(MULTICAST_ONE_IN.into()),
            More::default(),
            ctx,
        );
        let gap = self.hellos.checked_sub(1).and_then(|said| HELLO_GAPS.get(said)).filter(|_| hello);
        let wait = gap.copied().unwrap_or_else(|| {
            let jitter = ctx.rng.random_range(1.0 - PERIOD_JITTER..=1.0 + PERIOD_JITTER);
            ctx.config.interval.mul_f64(jitter)
        });
        self.next = Some(ctx.now + wait);
        for key in unheard(peers) {
            if let Some(peer) = peers.get_mut(key) {
                send_to(peer, peer.unicast(), kind, None, true, ctx);
            }
        }
    }

    /// Now and then, and with every hello, the same presence goes to the limited broadcast address (RFC 919 §7), which is
    /// received whatever the mask: hosts whose network is another one on the same link are noticed by it.
    fn broadcast_limited(&mut self, kind: Kind, ctx: &mut Context<'_>) {
        let lately = self.limited_broadcast.is_some_and(|at| ctx.is_within(at, WIDE_EVERY));
        if lately && kind != Kind::Hello {
            return;
        }
        self.limited_broadcast = Some(ctx.now);
        let to = SocketAddr::from((Ipv4Addr::BROADCAST, ctx.config.port));
        for interface in
            ctx.links.broadcasting().filter(|interface| interface.kind != InterfaceKind::Loopback)
        {
            let Some(source) = interface.ipv4() else { continue };
            let presence = Presence { wide: Some(true), ..ctx.presence(kind, interface.zoned_ip()) };
            let bytes = ctx.wrapping().encode(&presence);
            ctx.out.push(Output::SendFrom { source, to, bytes });
        }
    }

    /// Sends a peer a unicast presence, and asks it to prove its address.
    pub(crate) fn introduce(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        // Hellos go to everybody.
        self.answer(peer, (peer.unicast(), Asked::Everybody), None, ctx);
    }

    /// Sends back the nonce that came from an address: there, for it asks of the way between the two, be it another than that by which
    /// this node dials the peer.
    pub(crate) fn echo(
        &mut self,
        peer: &mut Peer,
        (from, asked): (SocketAddr, Asked),
        nonce: Nonce,
        ctx: &mut Context<'_>,
    ) {
        // A NAT passes on what answers, at the port that it gave whoever asks.
        let through_nat = peer.nat() == Nat::There || !peer.has_proved() && from.port() != ctx.config.port;
        let elsewhere = peer.ip() != from.into() && ctx.links.reaches(from.into());
        self.answer(
            peer,
            (if through_nat || elsewhere { from } else { peer.unicast() }, asked),
            Some(nonce),
            ctx,
        );
    }

    fn answer(
        &mut self,
        peer: &mut Peer,
        (to, asked): (SocketAddr, Asked),
        echo: Option<Nonce>,
        ctx: &mut Context<'_>,
    ) {
        let proven = peer.has_proved();
        if !proven && !self.strangers.take(to.into(), asked, ctx.now) {
            if echo.is_none() {
                self.put_off(peer, ctx);
            }
            return;
        }
        let limiter = if proven && echo.is_some() { &mut self.echo_answers } else { &mut self.answers };
        if limiter.take(ctx.now) {
            // Two nodes that hear each other from other addresses than they send to would ask each other for ever.
            let ask =
                !proven && peer.ip() == to.into() && (echo.is_none() || !peer.introduction.is_exhausted());
            if ask {
                peer.introduction.note_asked();
            }
            send_to(peer, to, Kind::Heartbeat, echo, ask, ctx);
            peer.introduction.note_answered(ctx.now);
        }
    }

    /// What was sent to an address came back from there. Others that are there, too, have waited for that: they are answered now.
    pub(crate) fn note_proof(&mut self, ip: ZonedIp, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        if !self.strangers.note_proof(ip) {
            return;
        }
        let waits = |peer: &&Peer| peer.introduction.deadline().is_some();
        let waiting: SmallVec<[PeerKey; 1]> = peers.at(ip).filter(waits).map(Peer::key).collect();
        for key in waiting {
            if let Some(peer) = peers.get_mut(key) {
                peer.introduction.answer_at(ctx.now);
                self.wake(peer, ctx);
                self.strangers.note_proof(ip);
            }
        }
    }

    /// Whether a nonce that came by this port is to be answered: to the one that broadcasts come by, anybody may send in a peer's name, and
    /// where the system does not tell what went to everybody, all nodes would answer.
    pub(crate) fn may_echo(&mut self, datagram: &Datagram<'_>, now: Instant) -> bool {
        datagram.socket == Socket::Private || self.questions.take(datagram.from.into(), datagram.asked, now)
    }

    /// Answers what a presence asks for: an echo at once, an introduction when its turn comes.
    pub(crate) fn respond(&mut self, peer: &mut Peer, datagram: &Datagram<'_>, ctx: &mut Context<'_>) {
        let presence = &datagram.presence;
        if let Some(nonce) = presence.nonce {
            return self.echo(peer, (datagram.from, datagram.asked), nonce, ctx);
        }
        if presence.echo.is_some() {
            // Or two nodes would answer each other's answers for ever.
            return;
        }
        let proven = peer.has_proved();
        let wanted = match presence.kind {
            Kind::Hello => !proven || !peer.introduction.was_answered(presence.period(), ctx.now),
            Kind::Heartbeat => !proven && !peer.introduction.is_exhausted(),
            Kind::Goodbye | Kind::Probe => false,
        };
        if !wanted || peer.introduction.deadline().is_some() {
            return;
        }
        match answer_wait(ctx) {
            Duration::ZERO => self.introduce(peer, ctx),
            wait => peer.introduction.answer_at(ctx.now + wait),
        }
    }

    /// Nothing more may be sent to a peer for now. If it was answered, it did not get that, or it is not there, and another one sends in its
    /// name: the next round, which goes to everybody, comes sooner. If not, others were, at that address: once one of them proves to be there,
    /// all are answered.
    fn put_off(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        if !peer.introduction.was_answered(STRANGER_ANSWERS_WITHIN, ctx.now) {
            return peer.introduction.answer_at(ctx.now + STRANGER_ANSWERS_WITHIN);
        }
        self.hurry(ctx);
    }

    /// Brings the next round forward, which goes to everybody.
    pub(crate) fn hurry(&mut self, ctx: &mut Context<'_>) {
        let lately = self.hurried.is_some_and(|at| ctx.is_within(at, ROUND_HURRIED_AGAIN));
        let says_hello = self.hellos <= HELLO_GAPS.len();
        if !lately && !says_hello {
            self.hurried = Some(ctx.now);
            self.announce_at(ctx.now + answer_wait(ctx));
        }
    }

    /// Gives the answer that is due to a peer.
    pub(crate) fn wake(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        if peer.introduction.take_answer(ctx.now) {
            self.introduce(peer, ctx);
        }
    }

    /// A sender beyond our links is told that we are here, so that it may dial us; we do not dial it.
    /// Not where that went to everybody, for then it asks for nothing.
    pub(crate) fn answer_off_link(&mut self, datagram: &Datagram<'_>, ctx: &mut Context<'_>) {
        let &Datagram { from, presence: Presence { nonce, .. }, .. } = datagram;
        let asks = nonce.is_some() && datagram.asked != Asked::Everybody;
        if asks && self.may_echo(datagram, ctx.now) && self.off_link_answers.take(ctx.now) {
            ctx.send(from, Kind::Heartbeat, None, nonce);
        }
    }

    /// Asks whoever sends in this node's own name whether it receives there.
    pub(crate) fn ask_namesake(&mut self, at: SocketAddr, nonce: Nonce, ctx: &mut Context<'_>) {
        if self.off_link_answers.take(ctx.now) {
            ctx.send(at, Kind::Heartbeat, None, Some(nonce));
        }
    }

    /// This node leaves, and says so to a peer that asks whether it does.
    pub(crate) fn confirm_goodbye(
        &mut self,
        peer: &Peer,
        to: SocketAddr,
        nonce: Nonce,
        ctx: &mut Context<'_>,
    ) {
        if self.echo_answers.take(ctx.now) {
            ctx.send_by(peer.interface(), to, Kind::Goodbye, None, Some(nonce));
        }
    }

    /// Asks who sends in a peer's name from this address to prove that it receives there.
    pub(crate) fn ask_for_proof(
        &mut self,
        peer: &mut Peer,
        (at, asked): (SocketAddr, Asked),
        ctx: &mut Context<'_>,
    ) {
        if peer.introduction.was_answered(PROOF_ASKED_AGAIN, ctx.now) {
            return;
        }
        let may = peer.paths.is_proven(at.into()) || self.strangers.take(at.into(), asked, ctx.now);
        if may && self.answers.take(ctx.now) {
            peer.introduction.note_answered(ctx.now);
            peer.ask_at(at, ctx);
        }
    }
}

/// How long an answer waits: in a crowd they would all come at once.
fn answer_wait(ctx: &mut Context<'_>) -> Duration {
    if ctx.pace.known() <= ANSWER_AT_ONCE {
        return Duration::ZERO;
    }
    let most = ctx.pace.for_each_peer(ANSWER_SPREAD, MAX_ANSWER_WAIT);
    ctx.rng.random_range(Duration::ZERO..=most)
}

/// Asks whoever is at the address that is dialed whether it is still there.
pub(crate) fn ask_old_address(peer: &mut Peer, ctx: &mut Context<'_>) {
    peer.paths.note_move_asked(ctx.now);
    peer.ask_where_it_is_dialed(ctx);
}

/// Tells everybody something more than that this node is here, at once: in a round between two others.
pub(crate) fn tell(more: More<'_>, peers: &PeerTable, ctx: &mut Context<'_>) {
    broadcast(Kind::Heartbeat, more, ctx);
    multicast(Kind::Heartbeat, false, more, ctx);
    for peer in unheard(peers).into_iter().filter_map(|key| peers.get(key)) {
        ctx.unicast(peer.interface(), peer.unicast(), Kind::Heartbeat, |presence, wrap| {
            wrap.encode(&more.with(presence))
        });
    }
}

/// Peers to which no broadcast goes.
fn unheard(peers: &PeerTable) -> Vec<PeerKey> {
    let needs_unicast = |key: &PeerKey| peers.get(*key).is_some_and(Peer::needs_unicast);
    peers.named().iter().copied().filter(needs_unicast).collect()
}

/// Says goodbye once to everybody, and by unicast to those that a broadcast does not reach.
pub(crate) fn say_goodbye(peers: &mut PeerTable, ctx: &mut Context<'_>) {
    broadcast(Kind::Goodbye, More::default(), ctx);
    multicast(Kind::Goodbye, true, More::default(), ctx);
    for key in peers.keys() {
        let Some(peer) = peers.get_mut(key) else { continue };
        let is_there = !peer.has_left() && peer.info().has_address();
        if is_there && (peer.is_named() || peer.interface().is_none()) {
            send_to(peer, peer.unicast(), Kind::Goodbye, None, false, ctx);
        }
    }
}

/// One datagram per network; all carry the same number, so that receivers on two links see one round.
fn broadcast(kind: Kind, more: More<'_>, ctx: &mut Context<'_>) {
    ctx.out.next_sequence();
    let interfaces = ctx.links.all();
    for (i, interface) in interfaces.iter().enumerate() {
        let Some(broadcast) = interface.broadcast else { continue };
        // Two links in one network may be on two wires: each has its own.
        let same =
            |other: &Interface| other.broadcast == interface.broadcast && other.index == interface.index;
        if interfaces[..i].iter().any(same) {
            continue;
        }
        let shared = interfaces
            .iter()
            .any(|other| other.index != interface.index && other.reaches(interface.zoned_ip()));
        let to = SocketAddr::from((broadcast, ctx.config.port));
        let bytes = ctx.wrapping().encode(&more.with(ctx.presence(kind, interface.zoned_ip())));
        ctx.out.push(Output::Send { link: interface.index.filter(|_| shared), to, bytes });
    }
}

/// The copies of a round for IPv6: to the multicast group, by each link that has a link-local address. `everywhere`, or only where
/// IPv4 does not carry it. Behind those of IPv4, so that whoever hears both hears these second.
fn multicast(kind: Kind, everywhere: bool, more: More<'_>, ctx: &mut Context<'_>) {
    let links = ctx.links;
    for (link, interface) in links.multicasting() {
        if everywhere || !links.broadcasts_on(link) {
            let to = ZonedIp::on_link(MULTICAST_GROUP.into(), Some(link)).at_port(ctx.config.port);
            let bytes = ctx.wrapping().encode(&more.with(ctx.presence(kind, interface.zoned_ip())));
            ctx.out.push(Output::Send { link: None, to, bytes });
        }
    }
}

fn send_to(
    peer: &mut Peer,
    to: SocketAddr,
    kind: Kind,
    echo: Option<Nonce>,
    ask: bool,
    ctx: &mut Context<'_>,
) {
    let nonce = ask.then(|| peer.introduction.nonce_for(to.into(), || ctx.random_nonce()));
    ctx.send_by(peer.interface(), to, kind, nonce, echo);
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::super::samples::heard;
    use super::*;
    use crate::engine::context::{TestContext, TestSent};
    use crate::engine::interface::{Interface, LinkIndex};
    use crate::engine::limits::{MAX_INTRODUCTIONS, STRANGER_ANSWERS, STRANGER_ANSWERS_TO_BROADCASTS};
    use crate::engine::peers::{LeaveReason, Via};
    use crate::testkit::{interface, ms, presence, secs};

    const TO_ALL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::BROADCAST), 17_474);

    fn by_unicast(from: SocketAddr, presence: Presence<'_>) -> Datagram<'_> {
        let heard = heard("10.0.0.2", presence);
        Datagram { from, socket: Socket::Private, asked: Asked::ThisNode, ..heard }
    }

    fn round(announcer: &mut Announcer, peers: &mut PeerTable, test: &mut TestContext) -> Vec<TestSent> {
        announcer.announce(peers, &mut test.context());
        test.sent()
    }

    #[test]
    fn hello_is_said_three_times_and_then_a_heartbeat_comes_each_interval_give_or_take_a_tenth() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        assert_eq!(announcer.deadline(), None);
        announcer.hello_again(test.now);
        assert_eq!(announcer.deadline(), Some(test.now));
        let (mut kinds, mut gaps) = (Vec::new(), Vec::new());
        for _ in 0..23 {
            kinds.push(round(&mut announcer, &mut peers, &mut test)[0].kind);
            let next = announcer.deadline().unwrap();
            gaps.push(next - test.now);
            test.now = next;
        }
        assert_eq!(kinds[..3], [Kind::Hello; 3]);
        assert_eq!(kinds[3..], [Kind::Heartbeat; 20]);
        assert_eq!(gaps[..2], HELLO_GAPS);
        let (least, most) = (gaps[2..].iter().min().unwrap(), gaps[2..].iter().max().unwrap());
        assert!(ms(4_500) <= *least && *most <= ms(5_500), "{gaps:?}");
        assert!(*most - *least > ms(500), "nodes started together drift apart: {gaps:?}");
        announcer.hello_again(test.now);
        assert_eq!(round(&mut announcer, &mut peers, &mut test)[0].kind, Kind::Hello);
    }

    #[test]
    fn one_datagram_goes_to_each_network_and_all_of_a_round_carry_one_number() {
        let mut test = TestContext::new(|_| {});
        let links = ["eth0=10.0.0.1/16", "eth1=10.0.7.1/16", "eth2=10.1.0.1/16", "lo=127.0.0.1/8"];
        let _ = test.shared.links_mut().replace(links.map(interface).into());
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        for number in 1..3 {
            let sent = round(&mut announcer, &mut peers, &mut test);
            let to: Vec<String> = sent.iter().map(|sent| sent.to.ip().to_string()).collect();
            let directed = ["10.0.255.255", "10.1.255.255", "127.255.255.255"];
            assert_eq!(to[..3], directed, "two interfaces in one network say it once");
            assert_eq!(to[3..], ["255.255.255.255"; 3], "by each link but the loopback");
            assert!(sent.iter().all(|sent| sent.sequence == number && sent.nonce.is_none()), "{sent:?}");
        }
    }

    #[test]
    fn ipv6_carries_all_to_a_link_without_ipv4_and_else_what_finds_peers() {
        let mut test = TestContext::new(|_| {});
        let local = |name, link: u32| Interface {
            index: Some(LinkIndex(link)),
            ..Interface::ipv6(name, format!("fe80::{link}").parse().unwrap(), 64)
        };
        let eth0 = Interface { index: Some(LinkIndex(2)), ..interface("eth0=10.0.0.1/16") };
        let global = Interface::ipv6("eth0", "2001:db8::1".parse().unwrap(), 64);
        let _ = test.shared.links_mut().replace(vec![eth0, local("eth0", 2), global, local("wlan0", 3)]);
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        announcer.hello_again(test.now);
        let group = |link| SocketAddr::from(std::net::SocketAddrV6::new(MULTICAST_GROUP, 17_474, 0, link));
        for nth in 1..=9 {
            let sent = round(&mut announcer, &mut peers, &mut test);
            let here = nth <= 3 || (nth - 3) % u32::from(MULTICAST_ONE_IN) == 0;
            let by_ipv6: Vec<SocketAddr> =
                sent.iter().map(|sent| sent.to).filter(SocketAddr::is_ipv6).collect();
            let both = [group(2), group(3)];
            assert_eq!(by_ipv6, if here { &both[..] } else { &both[1..] }, "round {nth}");
            assert!(sent.iter().all(|sent| sent.sequence == u64::from(nth)), "one number");
            let first_ipv6 = sent.iter().position(|sent| sent.to.is_ipv6());
            assert!(sent[first_ipv6.unwrap()..].iter().all(|sent| sent.to.is_ipv6()), "behind those of IPv4");
        }
        say_goodbye(&mut peers, &mut test.context());
        assert_eq!(test.sent().iter().filter(|sent| sent.to.is_ipv6()).count(), 2);
    }

    #[test]
    fn the_limited_broadcast_goes_with_every_hello_and_now_and_then_with_a_heartbeat() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        let mut is_wide = |test: &mut TestContext| {
            round(&mut announcer, &mut peers, test).iter().any(|sent| sent.to == TO_ALL)
        };
        assert_eq!([(); 3].map(|()| is_wide(&mut test)), [true; 3], "hellos");
        test.now += WIDE_EVERY - ms(1);
        assert!(!is_wide(&mut test));
        test.now += ms(1);
        assert!(is_wide(&mut test));
        assert!(!is_wide(&mut test));
    }

    #[test]
    fn named_peers_that_no_broadcast_reaches_are_told_by_unicast_and_asked_for_proof() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        let far = SocketAddr::from(([192, 0, 2, 7], 17_474));
        peers.name_peer(&"far".parse().unwrap(), &[far], &mut test.context()).unwrap();
        peers.discover(([10, 0, 0, 2], 1).into(), None, "near", Via::Broadcast, &mut test.context()).unwrap();
        test.outputs();
        let sent = round(&mut announcer, &mut peers, &mut test);
        let unicast: Vec<_> =
            sent.iter().skip(2).map(|sent| (sent.to, sent.kind, sent.nonce.is_some())).collect();
        assert_eq!(unicast, [(far, Kind::Hello, true)]);
    }

    #[test]
    fn strangers_are_answered_within_a_limit_that_does_not_make_us_deaf_to_peers() {
        let mut test = TestContext::new(|_| {});
        let mut announcer = Announcer::default();
        let (mut stranger, mut proven) = (test.peer(2), test.proven_peer(3));
        for n in 0..ANSWERS_PER_SECOND * 2 {
            announcer.introduce(&mut test.peer(10 + u64::from(n)), &mut test.context());
        }
        assert_eq!(test.sent().len(), usize::try_from(ANSWERS_PER_SECOND / 2).unwrap());
        announcer.ask_for_proof(&mut stranger, (TO_ALL, Asked::ThisNode), &mut test.context());
        assert_eq!(test.sent(), []);
        let at = proven.unicast();
        announcer.echo(&mut proven, (at, Asked::ThisNode), Nonce(7), &mut test.context());
        let sent = test.sent();
        assert_eq!((sent[0].to, sent[0].echo, sent[0].nonce), (proven.unicast(), Some(Nonce(7)), None));
        test.now += secs(1);
        announcer.introduce(&mut stranger, &mut test.context());
        assert_eq!(test.sent().len(), 1);
    }

    #[test]
    fn a_newcomers_next_hellos_bring_it_the_next_round_and_no_further_answer() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peers, mut peer) = (Announcer::default(), PeerTable::default(), test.peer(2));
        announcer.hello_again(test.now);
        for _ in 0..4 {
            round(&mut announcer, &mut peers, &mut test);
        }
        let hello = heard("10.0.0.2", presence(Kind::Hello, 2, 1));
        announcer.respond(&mut peer, &hello, &mut test.context());
        assert_eq!(test.sent().len(), 1);
        for _ in 0..2 {
            announcer.respond(&mut peer, &hello, &mut test.context());
            assert_eq!((test.sent().len(), announcer.deadline()), (0, Some(test.now)));
        }
        round(&mut announcer, &mut peers, &mut test);
        let due = announcer.deadline();
        test.now += secs(1);
        announcer.respond(&mut peer, &hello, &mut test.context());
        assert_eq!(announcer.deadline(), due, "once in a while: a forger would make all nodes do so");
    }

    #[test]
    fn nodes_that_start_at_one_address_are_answered_once_one_of_them_has_proved_to_be_there() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peers) = (Announcer::default(), PeerTable::default());
        let keys = [2, 3, 4].map(|id: u16| {
            let addr = SocketAddr::from(([10, 0, 0, 2], 17_474 + id));
            let identity = Some((crate::engine::NodeId(id.into()), crate::engine::Incarnation(1)));
            peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap()
        });
        test.outputs();
        for (key, id) in keys.into_iter().zip(2..) {
            let hello = heard("10.0.0.2", presence(Kind::Hello, id, 1));
            announcer.respond(peers.get_mut(key).unwrap(), &hello, &mut test.context());
        }
        assert_eq!(test.sent().len(), 1);
        announcer.note_proof("10.0.0.2".parse().unwrap(), &mut peers, &mut test.context());
        assert_eq!(test.sent().len(), 2);
    }

    #[test]
    fn who_never_echoes_is_asked_for_proof_a_few_times_only_and_still_gets_its_echo() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peer) = (Announcer::default(), test.peer(2));
        for n in 0..MAX_INTRODUCTIONS + 2 {
            let at = peer.unicast();
            announcer.echo(&mut peer, (at, Asked::ThisNode), Nonce(7), &mut test.context());
            let sent = test.sent();
            assert_eq!(
                (sent[0].echo, sent[0].nonce.is_some()),
                (Some(Nonce(7)), n < MAX_INTRODUCTIONS),
                "{n}"
            );
            test.now += secs(2);
        }
    }

    #[test]
    fn a_presence_is_answered_if_its_sender_needs_that() {
        let (nonce, echo) = (Some(Nonce(7)), Some(Nonce(8)));
        for (what, proven, kind, nonce, echo, answers) in [
            ("a newcomer", false, Kind::Hello, None, None, 1),
            ("one that missed our hello", false, Kind::Heartbeat, None, None, 1),
            ("a peer that arrives again", true, Kind::Hello, None, None, 1),
            ("a peer's heartbeat", true, Kind::Heartbeat, None, None, 0),
            ("one that asks for an echo", true, Kind::Heartbeat, nonce, None, 1),
            ("a probe", true, Kind::Probe, nonce, None, 1),
            ("an answer to ours", false, Kind::Heartbeat, None, echo, 0),
            ("one that leaves", false, Kind::Goodbye, None, None, 0),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = if proven { test.proven_peer(2) } else { test.peer(2) };
            let heard = Presence { nonce, echo, ..presence(kind, 2, 1) };
            let heard = by_unicast(peer.unicast(), heard);
            Announcer::default().respond(&mut peer, &heard, &mut test.context());
            let sent = test.sent();
            assert_eq!(sent.len(), answers, "{what}");
            for sent in sent {
                assert_eq!((sent.to, sent.echo), (peer.unicast(), nonce), "{what}");
                assert_eq!(
                    sent.nonce.is_some(),
                    !proven,
                    "{what}: only who proved nothing is asked for proof"
                );
            }
        }
    }

    #[test]
    fn an_echo_goes_back_by_the_way_that_is_asked_of() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let asks = Presence { nonce: Some(Nonce(7)), ..presence(Kind::Probe, 2, 1) };
        let here = peer.unicast();
        for (from, to) in [
            (here.to_string(), here.to_string()),
            ("10.0.0.77:30000".into(), "10.0.0.77:30000".into()),
            // Beyond our links somebody else may be asked for.
            ("192.0.2.7:30000".into(), here.to_string()),
        ] {
            let asks = by_unicast(from.parse().unwrap(), asks);
            Announcer::default().respond(&mut peer, &asks, &mut test.context());
            assert_eq!(test.sent()[0].to.to_string(), to, "{from}");
        }
    }

    #[test]
    fn a_peers_hellos_are_answered_once_in_its_period() {
        let mut test = TestContext::new(|_| {});
        let (mut announcer, mut peer) = (Announcer::default(), test.proven_peer(2));
        let mut answers = |after: Duration| {
            test.now += after;
            let hello = heard("10.0.0.2", presence(Kind::Hello, 2, 1));
            announcer.respond(&mut peer, &hello, &mut test.context());
            test.sent().len()
        };
        assert_eq!([answers(ms(0)), answers(ms(4_999)), answers(ms(1))], [1, 0, 1]);
    }

    #[test]
    fn with_many_peers_the_answer_waits_a_random_while_and_comes_once() {
        let mut test = TestContext::new(|_| {});
        test.known = 100;
        let (mut announcer, mut peer) = (Announcer::default(), test.peer(2));
        let hello = heard("10.0.0.2", presence(Kind::Hello, 2, 1));
        announcer.respond(&mut peer, &hello, &mut test.context());
        let due = Instant::from(peer.introduction.deadline().unwrap());
        assert!(test.now < due && due <= test.now + ANSWER_SPREAD * 100);
        let hello = heard("10.0.0.2", presence(Kind::Hello, 2, 2));
        announcer.respond(&mut peer, &hello, &mut test.context());
        assert_eq!(peer.introduction.deadline(), Some(due.into()));
        test.now = due - ms(1);
        announcer.wake(&mut peer, &mut test.context());
        assert_eq!(test.sent(), []);
        test.now = due;
        announcer.wake(&mut peer, &mut test.context());
        announcer.wake(&mut peer, &mut test.context());
        assert_eq!(test.sent().len(), 1);
    }

    #[test]
    fn who_is_beyond_our_links_gets_the_echo_it_asks_for_within_a_limit() {
        let mut test = TestContext::new(|_| {});
        let mut announcer = Announcer::default();
        let asks = |nonce, socket: Socket| {
            let presence = Presence { nonce, ..presence(Kind::Hello, 7, 1) };
            Datagram { socket: socket.port(), asked: socket.asked(), ..heard("192.0.2.7", presence) }
        };
        let (nonce, from) = (Some(Nonce(7)), asks(None, Socket::Private).from);
        announcer.answer_off_link(&asks(None, Socket::Private), &mut test.context());
        announcer.answer_off_link(&asks(nonce, Socket::Shared), &mut test.context());
        assert_eq!(test.sent(), [], "it asks for nothing, or somebody may have asked all nodes in its name");
        for _ in 0..OFF_LINK_ANSWERS_PER_SECOND * 2 {
            announcer.answer_off_link(&asks(nonce, Socket::Private), &mut test.context());
        }
        let sent = test.sent();
        assert_eq!(sent.len(), usize::try_from(OFF_LINK_ANSWERS_PER_SECOND).unwrap());
        assert_eq!((sent[0].to, sent[0].echo, sent[0].nonce), (from, Some(Nonce(7)), None));
        for (socket, most) in
            [(Socket::Untold, STRANGER_ANSWERS_TO_BROADCASTS), (Socket::Addressed, STRANGER_ANSWERS)]
        {
            test.now += secs(1);
            for _ in 0..OFF_LINK_ANSWERS_PER_SECOND * 2 {
                announcer.answer_off_link(&asks(nonce, socket), &mut test.context());
            }
            assert_eq!(test.sent().len(), usize::from(most), "{socket:?}");
        }
    }

    #[test]
    fn proof_is_asked_where_somebody_speaks_in_a_peers_name_and_at_the_old_address() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let elsewhere = SocketAddr::from(([10, 0, 0, 9], 9));
        Announcer::default().ask_for_proof(&mut peer, (elsewhere, Asked::Everybody), &mut test.context());
        let asked = test.sent();
        assert_eq!((asked[0].to, asked[0].nonce.is_some()), (elsewhere, true));
        assert!(peer.introduction.is_echoed_by(asked[0].nonce, elsewhere.into()));
        ask_old_address(&mut peer, &mut test.context());
        let asked = test.sent();
        assert_eq!((asked[0].to, asked[0].nonce.is_some()), (peer.unicast(), true));
        assert_eq!(peer.paths.move_asked(), Some(test.now));
    }

    #[test]
    fn goodbye_goes_to_all_and_by_unicast_to_those_that_a_broadcast_does_not_reach() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let near = SocketAddr::from(([10, 0, 0, 2], 17_474));
        let [named, far, left] =
            [[10, 0, 0, 3], [192, 0, 2, 4], [192, 0, 2, 5]].map(|ip| SocketAddr::from((ip, 1)));
        peers.discover(near, None, "near", Via::Broadcast, &mut test.context()).unwrap();
        peers.name_peer(&"named".parse().unwrap(), &[named], &mut test.context()).unwrap();
        peers.discover(far, None, "far", Via::Reply, &mut test.context()).unwrap();
        let key = peers.discover(left, None, "left", Via::Reply, &mut test.context()).unwrap();
        peers.leave(key, LeaveReason::Goodbye, &mut test.context());
        test.outputs();
        say_goodbye(&mut peers, &mut test.context());
        let sent = test.sent();
        assert!(sent.iter().all(|sent| sent.kind == Kind::Goodbye && sent.nonce.is_none()));
        let to: Vec<SocketAddr> = sent.iter().map(|sent| sent.to).collect();
        assert_eq!(to, [SocketAddr::from(([10, 0, 255, 255], 17_474)), named, far]);
    }
}
