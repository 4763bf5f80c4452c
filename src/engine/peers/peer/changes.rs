//! What happens to a peer: it lives, moves, proves its address, falls silent, leaves, is dialed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::address::ZonedIp;
use crate::engine::cause::Failure;
use crate::engine::context::Context;
use crate::engine::event::Event;
use crate::engine::limits::{LEFT_KEPT, PROOF_GRACE, SILENT_KEPT, UNPROVEN_KEPT};
use crate::engine::links::Links;
use crate::engine::peers::health::Health;
use crate::engine::peers::path::standby::PathChange;
use crate::engine::peers::{DialPhase, LeaveReason, PeerState};
use crate::engine::probing::stats::ProbeStats;
use crate::engine::{Incarnation, NodeId, Nonce};

use super::{Nat, Peer, Suspicion};

impl Peer {
    pub(crate) fn set_state(&mut self, to: PeerState, ctx: &mut Context<'_>) {
        let from = std::mem::replace(&mut self.state, to);
        if from == PeerState::Up && from != to && !self.is_missed_by_chance() {
            self.special.get_or_insert_default().flaps.note(ctx.now);
        }
        if from != to {
            ctx.out.publish(Event::PeerState { peer: Arc::clone(&self.info), from, to });
        }
    }

    /// Whether it goes out of `up` for nothing but an attempt whose packets may have been lost by chance: it was heard since that began.
    fn is_missed_by_chance(&self) -> bool {
        self.dial.may_be_chance(self.probes.dials_to_fail()) && self.last_alive() >= self.dial.failure_began()
    }

    /// It is dialed again at this time, unless it has no server.
    pub(crate) fn rest_until(&mut self, next: Instant) {
        if self.info.is_dialable() {
            self.dial.rest_until(next);
        } else {
            self.dial.stop();
        }
    }

    /// Its next regular dial comes within the period that is set now, if it was planned by a longer one.
    pub(crate) fn rest_at_most_an_interval(&mut self, ctx: &mut Context<'_>) {
        let interval = ctx.pace.dial_interval();
        let is_late = |next: Instant| next > ctx.now + interval;
        if self.dial.is_resting()
            && !self.is_second_hand()
            && matches!(self.dial.phase(), DialPhase::Resting { next: Some(next) } if is_late(next))
        {
            self.rest_until(ctx.now + interval.mul_f64(ctx.rng.random_range(0.05..=1.0)));
        }
    }

    /// Dials it in a moment: after a random wait that grows with the number of peers.
    pub(crate) fn dial_soon(&mut self, ctx: &mut Context<'_>) {
        let at = ctx.now + ctx.dial_spread();
        self.dial_at(at);
    }

    /// Dials it when it has had the time to prove its address; after a proof, [`Peer::dial_soon`] hurries it.
    pub(crate) fn dial_after_grace(&mut self, ctx: &mut Context<'_>) {
        let at = ctx.now + PROOF_GRACE + ctx.dial_spread();
        self.dial_at(at);
    }

    fn dial_at(&mut self, at: Instant) {
        if self.info.is_dialable() {
            self.dial.bring_forward(at);
        }
    }

    /// A person wants it dialed now: a wait is cut short, a dial in flight is left alone. Not even a person makes us dial what was
    /// only claimed by somebody beyond our links.
    pub(crate) fn force_dial(&mut self, links: &Links) {
        let free = self.info.is_dialable() && !self.dial.is_in_flight();
        if free && (self.is_proven() || links.reaches(self.ip())) {
            self.dial.force();
        }
    }

    /// Another node answers where it would be dialed.
    pub(crate) fn set_apart(&mut self) {
        self.apart = true;
    }

    pub(crate) fn set_nat(&mut self, nat: Nat) {
        self.nat = nat;
    }

    /// Whether others vouch for it that it is at the address that is dialed: then it is measured, though it proves nothing.
    pub(crate) fn set_vouched(&mut self, vouched: bool, ctx: &mut Context<'_>) {
        self.vouched = vouched;
        if vouched && self.receives(ctx) && !self.is_apart() {
            self.probes.begin_regular(ctx);
        }
    }

    /// It lives a new life at the same place: what was proven of the old one is void.
    pub(crate) fn begin_life(
        &mut self,
        id: NodeId,
        incarnation: Incarnation,
        name: &str,
        ctx: &mut Context<'_>,
    ) {
        let previous = self.info.incarnation;
        self.forget_evidence(ctx.now);
        self.gossip.acknowledge(0);
        self.change_info(|info| info.identify(id, incarnation, name));
        self.paths.restart();
        self.introduction.restart();
        self.dial.forget_wish();
        self.forget_challenge();
        if let Some(previous_incarnation) = previous {
            ctx.out.publish(Event::PeerRestarted { peer: Arc::clone(&self.info), previous_incarnation });
        }
        self.expiry = None;
        self.set_state(PeerState::New, ctx);
        self.dial.stop();
        self.dial_after_grace(ctx);
    }

    /// It is dialed at another address from now on. It is the same node, and has what it was told.
    pub(crate) fn begin_address(&mut self, to: SocketAddr, ctx: &mut Context<'_>) {
        let from = self.info.addr;
        let path_only = self.paths.has_both(from.zoned_ip(), to.into());
        let to = ctx.links.told(to);
        self.change_info(|info| info.addr = to);
        self.forget_challenge();
        self.apart = false;
        self.set_nat(Nat::None);
        self.interface = ctx.links.name_of(to.zoned_ip());
        self.forget_evidence(ctx.now);
        self.introduction.count_again();
        self.paths.note_moved();
        // Its outcome would be taken for one of the new address.
        self.dial.stop();
        // A link that was made again has another number under the same name: to people it is the same place.
        if from.to_string() != to.to_string() {
            ctx.out.publish(Event::PeerMoved { peer: Arc::clone(&self.info), from, to, path_only });
        }
        if self.is_proven() {
            self.dial_soon(ctx);
        } else {
            self.dial_after_grace(ctx);
        }
    }

    /// An address of the peer was dialed: with this round trip, or in vain.
    pub(crate) fn note_path(&mut self, ip: ZonedIp, rtt: Option<Duration>, ctx: &mut Context<'_>) {
        let Some(PathChange { ip, from, to }) = self.paths.note_dialed(ip, rtt, ctx.now) else { return };
        let addr = ctx.links.told(ip.at_port(self.addr().port()));
        let (peer, interface) = (Arc::clone(&self.info), ctx.links.name_of(ip));
        ctx.out.publish(Event::PeerPath { peer, addr, interface, from, to });
    }

    /// Other addresses of the peer, for an attempt that goes to this one; none where a person named several, which have their turn.
    pub(crate) fn standby(&self, addr: SocketAddr, ctx: &Context<'_>) -> Vec<SocketAddr> {
        if self.addresses() > 1 {
            return Vec::new();
        }
        let others = self.paths.standby(addr.into(), ctx.links, ctx.now);
        others.map(|ip| ip.at_port(addr.port())).collect()
    }

    /// Forgets what was seen of another life or at another address.
    fn forget_evidence(&mut self, now: Instant) {
        self.set_in_turn(false);
        self.vouched = false;
        self.health = Health::new(now);
        self.probes = ProbeStats::default();
        self.last_seen.forget_evidence();
        self.dial.forget_evidence();
        self.gossip.forget_advertised();
    }

    /// One that was silent or had left is heard again.
    pub(crate) fn revive(&mut self, ctx: &mut Context<'_>) {
        if matches!(self.state, PeerState::Silent | PeerState::Left) {
            self.expiry = None;
            self.introduction.count_again();
            self.set_state(PeerState::New, ctx);
            self.dial_soon(ctx);
        }
    }

    /// It receives at this address: it may be dialed with retries.
    pub(crate) fn prove(&mut self, ip: ZonedIp, ctx: &mut Context<'_>) {
        let dialed = self.ip();
        let news = self.paths.prove(ip, dialed, ctx.now);
        if ip != dialed {
            return;
        }
        // Who answers at its address is somebody else: nothing is learned of it by asking there.
        if self.receives(ctx) && !self.is_apart() {
            if news && self.paths.udp_port().is_none() {
                // Who was only told of was asked as rarely as that.
                self.probes.set_next(None);
            }
            self.probes.begin_regular(ctx);
        }
        if news {
            self.introduction.count_again();
            if matches!(self.state, PeerState::New | PeerState::Unreachable) {
                self.dial_soon(ctx);
            }
        }
    }

    /// Whether it is known where it receives unicast presences: at its own port; at the presence port, as a person says, or since it is the
    /// first node of its machine, which has the same number for TCP.
    fn receives(&self, ctx: &Context<'_>) -> bool {
        let is_first = || self.interface.is_some() && self.addr().port() == ctx.config.port;
        self.paths.udp_port().is_some() || self.is_named() || is_first()
    }

    /// A presence of it came, sealed or not.
    pub(crate) fn note_hiding(&mut self, hides: bool) {
        self.refusals.note_hiding(hides);
    }

    /// A dial of it succeeded.
    pub(crate) fn note_admitted(&mut self) {
        self.refusals.note_admitted();
    }

    /// What a failed dial of it comes to.
    pub(crate) fn weigh_refusal(&mut self, failure: Failure) -> Failure {
        self.refusals.weigh(failure, self.probes.is_failing())
    }

    /// Takes an echo for a proof, if it is the one that was asked for at this address.
    pub(crate) fn prove_by_echo(&mut self, echo: Option<Nonce>, ip: ZonedIp, ctx: &mut Context<'_>) {
        if self.introduction.is_echoed_by(echo, ip) {
            self.introduction.end();
            if ip == self.ip() {
                self.note_answer(ctx.now);
            }
            self.prove(ip, ctx);
        }
    }

    /// A peer was heard or reached: its silence is suspected later.
    pub(crate) fn watch_for_silence(&mut self, ctx: &Context<'_>) {
        self.dial.set_confirming(false);
        self.last_seen.watch(ctx);
    }

    /// It was not heard for long, by the timer.
    pub(crate) fn suspect_silence(&mut self, awake: Option<Instant>, ctx: &mut Context<'_>) -> Suspicion {
        if !self.last_seen.is_silent(awake, ctx) {
            return Suspicion::Settled;
        }
        let failing = matches!(self.state, PeerState::Retrying | PeerState::Unreachable);
        if self.dial.is_in_flight() {
            self.dial.set_confirming(true);
        } else if self.dial.is_off() || failing {
            self.fall_silent(ctx);
        } else {
            return Suspicion::ConfirmByDial;
        }
        Suspicion::Settled
    }

    /// Others could not reach it, and it does not answer: it counts as one that is retried, and is dialed in its turn.
    pub(crate) fn doubt(&mut self, ctx: &mut Context<'_>) {
        if self.dial.is_resting() {
            let until = ctx.now + ctx.dial_spread();
            self.dial.wait(1, ctx.now, until);
        }
        self.set_state(PeerState::Retrying, ctx);
    }

    /// Neither heard nor reached.
    pub(crate) fn fall_silent(&mut self, ctx: &mut Context<'_>) {
        self.dial.set_confirming(false);
        if matches!(self.state, PeerState::Silent | PeerState::Left) {
            return;
        }
        if !self.is_named() {
            let known = self.was_reached() || self.is_proven();
            self.expiry = Some((ctx.now + if known { SILENT_KEPT } else { UNPROVEN_KEPT }).into());
        }
        self.set_state(PeerState::Silent, ctx);
    }

    /// It said goodbye. Its row stays a while, so that its late datagrams do not revive it.
    pub(crate) fn leave(&mut self, reason: LeaveReason, ctx: &mut Context<'_>) {
        self.introduction.stop();
        self.last_seen.stop_watching();
        self.dial.stop();
        if self.is_named() {
            self.rest_until(ctx.now + ctx.pace.dial_interval());
        } else {
            self.expiry = Some((ctx.now + LEFT_KEPT).into());
        }
        self.set_state(PeerState::Left, ctx);
        self.note_left(ctx.now);
        self.forget_evidence(ctx.now);
        self.gossip.acknowledge(0);
        ctx.out.publish(Event::PeerLeft { peer: Arc::clone(&self.info), reason });
    }

    /// It stays in the table: it was reached.
    pub(crate) fn keep(&mut self) {
        self.expiry = None;
    }

    /// It goes from the table then, if nothing else is planned.
    pub(crate) fn expire_at_latest(&mut self, at: Instant) {
        self.expiry.get_or_insert(at.into());
    }
}
