//! What this node says of itself: hellos and heartbeats to everybody, introductions and echoes to one, goodbyes.
//!
//! Owns the rounds and the limits of all answers; hears nothing.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::context::Context;
use crate::engine::event::Output;
use crate::engine::interface::Kind as Link;
use crate::engine::limits::{
    ANSWER_AT_ONCE, ANSWER_SPREAD, ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND, HELLO_GAPS, MAX_ANSWER_WAIT,
    OFF_LINK_ANSWERS_PER_SECOND, PERIOD_JITTER, WIDE_EVERY,
};
use crate::engine::peers::PeerTable;
use crate::engine::peers::peer::Peer;
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{Nonce, peers::PeerKey};
use crate::proto::presence::{Kind, Presence};

/// The announcements of this node.
#[derive(Debug)]
pub(crate) struct Announcer {
    next: Option<Instant>,
    /// Hellos said since the start or the last change.
    hellos: usize,
    /// When presence last went to the limited broadcast address.
    limited_broadcast: Option<Instant>,
    answers: RateLimiter,
    off_link_answers: RateLimiter,
    echo_answers: RateLimiter,
}

impl Default for Announcer {
    fn default() -> Self {
        let per_second = RateLimiter::per_second;
        Self {
            next: None,
            hellos: 0,
            limited_broadcast: None,
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
        self.hellos = 0;
    }

    /// When the next announcement is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.next
    }

    /// Announces this node on every link, and to every named peer that does not hear that.
    pub(crate) fn announce(&mut self, peers: &mut PeerTable, ctx: &mut Context<'_>) {
        let hello = self.hellos <= HELLO_GAPS.len();
        let kind = if hello { Kind::Hello } else { Kind::Here };
        self.hellos += usize::from(hello);
        broadcast(kind, ctx);
        self.broadcast_limited(kind, ctx);
        let gap = self.hellos.checked_sub(1).and_then(|said| HELLO_GAPS.get(said)).filter(|_| hello);
        let wait = gap.copied().unwrap_or_else(|| {
            let jitter = ctx.rng.random_range(1.0 - PERIOD_JITTER..=1.0 + PERIOD_JITTER);
            ctx.config.interval.mul_f64(jitter)
        });
        self.next = Some(ctx.now + wait);
        let named: Vec<PeerKey> = peers.named().iter().copied().collect();
        for key in named {
            if peers.get(key).is_some_and(Peer::needs_unicast)
                && let Some(peer) = peers.get_mut(key)
            {
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
        for interface in ctx.links.iter().filter(|interface| interface.kind != Link::Loopback) {
            let presence = Presence { wide: Some(true), ..ctx.presence(kind, IpAddr::V4(interface.addr)) };
            let bytes = presence.encode();
            ctx.out.push(Output::SendFrom { source: interface.addr, to, bytes });
        }
    }

    /// Sends a peer a unicast presence, which may be an echo, and asks it to prove its address.
    pub(crate) fn introduce(&mut self, peer: &mut Peer, echo: Option<Nonce>, ctx: &mut Context<'_>) {
        let proven = peer.has_proved();
        let limiter = if proven && echo.is_some() { &mut self.echo_answers } else { &mut self.answers };
        if limiter.take(ctx.now) {
            // Two nodes that hear each other from other addresses than they send to would ask each other for ever.
            let ask = !proven && (echo.is_none() || !peer.introduction.is_exhausted());
            if ask && echo.is_some() {
                peer.introduction.note_asked();
            }
            send_to(peer, peer.unicast(), Kind::Here, echo, ask, ctx);
            peer.introduction.note_answered(ctx.now);
        }
    }

    /// Answers what a presence asks for: an echo at once, an introduction when its turn comes.
    pub(crate) fn respond(&mut self, peer: &mut Peer, presence: &Presence<'_>, ctx: &mut Context<'_>) {
        if presence.nonce.is_some() {
            return self.introduce(peer, presence.nonce, ctx);
        }
        if presence.echo.is_some() {
            // Or two nodes would answer each other's answers for ever.
            return;
        }
        let proven = peer.has_proved();
        let wanted = match presence.kind {
            Kind::Hello => !proven || !peer.introduction.was_answered(presence.period(), ctx.now),
            Kind::Here => !proven && !peer.introduction.is_exhausted(),
            Kind::Goodbye | Kind::Probe => false,
        };
        if !wanted || peer.introduction.deadline().is_some() {
            return;
        }
        peer.introduction.note_asked();
        if ctx.pace.known() <= ANSWER_AT_ONCE {
            return self.introduce(peer, None, ctx);
        }
        let most = ctx.pace.for_each_peer(ANSWER_SPREAD, MAX_ANSWER_WAIT);
        peer.introduction.answer_at(ctx.now + ctx.rng.random_range(Duration::ZERO..=most));
    }

    /// Gives the answer that is due to a peer.
    pub(crate) fn wake(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        if peer.introduction.take_answer(ctx.now) {
            self.introduce(peer, None, ctx);
        }
    }

    /// A sender beyond our links is told that we are here, so that it may dial us; we do not dial it.
    pub(crate) fn answer_off_link(&mut self, from: SocketAddr, nonce: Option<Nonce>, ctx: &mut Context<'_>) {
        if nonce.is_some() && self.off_link_answers.take(ctx.now) {
            ctx.send(from, Kind::Here, None, nonce);
        }
    }

    /// Asks who sends in a peer's name from this address to prove that it receives there.
    pub(crate) fn ask_for_proof(&mut self, peer: &mut Peer, at: SocketAddr, ctx: &mut Context<'_>) {
        if self.answers.take(ctx.now) {
            send_to(peer, at, Kind::Here, None, true, ctx);
        }
    }
}

/// Asks whoever is at the address that is dialed whether it is still there.
pub(crate) fn ask_old_address(peer: &mut Peer, ctx: &mut Context<'_>) {
    peer.paths.note_move_asked(ctx.now);
    send_to(peer, peer.unicast(), Kind::Here, None, true, ctx);
}

/// Says goodbye once to everybody, and by unicast to those that a broadcast does not reach.
pub(crate) fn say_goodbye(peers: &mut PeerTable, ctx: &mut Context<'_>) {
    broadcast(Kind::Goodbye, ctx);
    for key in peers.keys() {
        let Some(peer) = peers.get_mut(key) else { continue };
        if !peer.has_left() && (peer.is_named() || peer.interface().is_none()) {
            send_to(peer, peer.unicast(), Kind::Goodbye, None, false, ctx);
        }
    }
}

/// One datagram per link; all carry the same number, so that receivers on two links see one round.
fn broadcast(kind: Kind, ctx: &mut Context<'_>) {
    ctx.out.next_sequence();
    let interfaces = ctx.links.all();
    for (i, interface) in interfaces.iter().enumerate() {
        if interfaces[..i].iter().any(|other| other.broadcast == interface.broadcast) {
            continue;
        }
        let to = SocketAddr::from((interface.broadcast, ctx.config.port));
        let bytes = ctx.presence(kind, IpAddr::V4(interface.addr)).encode();
        ctx.out.push(Output::Send { to, bytes });
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
    let nonce = ask.then(|| peer.introduction.nonce_for(to.ip(), || ctx.random_nonce()));
    ctx.send(to, kind, nonce, echo);
}
