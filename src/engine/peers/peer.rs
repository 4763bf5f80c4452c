//! A row of the peer table: a peer is what its parts know of it. Each part keeps its own state; here is what concerns several.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use crate::engine::context::Context;
use crate::engine::dialing::dial_state::DialState;
use crate::engine::event::{Event, RejectReason};
use crate::engine::gossip::own_row::GossipSync;
use crate::engine::limits::{LEFT_KEPT, PROOF_GRACE, SILENT_KEPT, UNPROVEN_KEPT};
use crate::engine::links::Links;
use crate::engine::observation::Sight;
use crate::engine::presence::introduction::Introduction;
use crate::engine::probing::prober::begin_echoes;
use crate::engine::probing::stats::ProbeStats;
use crate::engine::verdict::Verdict;
use crate::engine::{Incarnation, NodeId};

use super::health::Health;
use super::last_seen::LastSeen;
use super::path::Paths;
use super::{Elsewhere, LeaveReason, PeerInfo, PeerKey, PeerSnapshot, PeerState, Via};

/// All that the engine keeps of a peer.
#[derive(Debug)]
pub(crate) struct Peer {
    info: Arc<PeerInfo>,
    via: Via,
    state: PeerState,
    verdict: Verdict,
    /// A person named it by this address: there it is dialed without proof, and it never expires.
    named: Option<IpAddr>,
    /// Identity that this row had before its last restart; late datagrams of it are refused. Boxed: few rows have one.
    retired: Option<Box<NodeId>>,
    /// The link it is on.
    interface: Option<Arc<str>>,
    expiry: Option<Instant>,
    /// The timer entry that will wake this peer; entries at other times are stale.
    armed: Option<Instant>,
    /// What is seen of it by each way.
    sight: Sight,

    pub(crate) paths: Paths,
    pub(crate) introduction: Introduction,
    pub(crate) last_seen: LastSeen,
    pub(crate) dial: DialState,
    pub(crate) probes: ProbeStats,
    pub(crate) health: Health,
    pub(crate) gossip: GossipSync,
}

/// What to do about a peer that was not heard for long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Suspicion {
    /// It was heard lately, or is silent from now on.
    Settled,
    /// Missed presences alone prove nothing: a dial must fail, too.
    ConfirmByDial,
}

impl Peer {
    pub(crate) fn new(info: PeerInfo, via: Via, now: Instant) -> Self {
        Self {
            named: (via == Via::Static).then(|| info.addr.ip()),
            info: Arc::new(info),
            via,
            state: PeerState::New,
            verdict: Verdict::Unknown,
            retired: None,
            interface: None,
            expiry: None,
            armed: None,
            sight: Sight::default(),
            paths: Paths::default(),
            introduction: Introduction::default(),
            last_seen: LastSeen::default(),
            dial: DialState::default(),
            probes: ProbeStats::default(),
            health: Health::new(now),
            gossip: GossipSync::default(),
        }
    }

    pub(crate) fn info(&self) -> &Arc<PeerInfo> {
        &self.info
    }

    pub(crate) fn key(&self) -> PeerKey {
        self.info.key
    }

    pub(crate) fn id(&self) -> Option<NodeId> {
        self.info.id
    }

    /// Where it is dialed.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.info.addr
    }

    pub(crate) fn state(&self) -> PeerState {
        self.state
    }

    pub(crate) fn has_left(&self) -> bool {
        self.state == PeerState::Left
    }

    pub(crate) fn set_verdict(&mut self, verdict: Verdict) {
        self.verdict = verdict;
    }

    /// The name of the link it is on; none off-link.
    pub(crate) fn interface(&self) -> Option<&Arc<str>> {
        self.interface.as_ref()
    }

    pub(crate) fn set_interface(&mut self, interface: Option<Arc<str>>) {
        self.interface = interface;
    }

    /// What is seen of it by each way.
    pub(crate) fn sight(&self) -> &Sight {
        &self.sight
    }

    pub(crate) fn set_sight(&mut self, sight: Sight) {
        self.sight = sight;
    }

    /// Whether a person named it.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// A person named it by this address.
    pub(crate) fn name_at(&mut self, ip: IpAddr) {
        self.named = Some(ip);
        self.expiry = None;
    }

    /// Whether the address that is dialed is known to be the peer's: by proof, or by a person's word.
    pub(crate) fn is_proven(&self) -> bool {
        let ip = self.info.addr.ip();
        self.named == Some(ip) || self.paths.is_proven(ip)
    }

    /// Whether it proved the address that is dialed, whatever a person says.
    pub(crate) fn has_proved(&self) -> bool {
        self.paths.is_proven(self.info.addr.ip())
    }

    /// Whether it was ever reached.
    pub(crate) fn was_reached(&self) -> bool {
        self.dial.rtt().is_some()
    }

    /// Whether another identity has taken this row from `id`.
    pub(crate) fn has_retired(&self, id: NodeId) -> bool {
        self.retired.as_deref() == Some(&id)
    }

    /// Where it receives unicast presences.
    pub(crate) fn unicast(&self) -> SocketAddr {
        let port = self.paths.udp_port().unwrap_or(self.info.addr.port());
        SocketAddr::new(self.info.addr.ip(), port)
    }

    /// Whether a broadcast does not reach it, as far as is known.
    pub(crate) fn needs_unicast(&self) -> bool {
        self.is_named() && (self.interface.is_none() || !self.paths.heard_a_round())
    }

    /// The last sign of life, by any way.
    pub(crate) fn last_alive(&self) -> Option<Instant> {
        let seen = &self.last_seen;
        [seen.broadcast(), seen.unicast(), seen.served(), self.probes.last_echo(), self.dial.reached()]
            .into_iter()
            .flatten()
            .max()
    }

    /// Whether there is trouble with it, or anything seen of it is not fine.
    pub(crate) fn is_unwell(&self) -> bool {
        self.health.trouble().is_some() || !self.sight.is_fine()
    }

    /// Whether there is trouble with it that is not over.
    pub(crate) fn is_troubled(&self) -> bool {
        self.health.trouble().is_some() && !self.has_left()
    }

    /// Whether we have no exchange of our own with it, so that others may tell us its row.
    pub(crate) fn is_far(&self) -> bool {
        self.is_troubled() && !self.sight.served.is_ok()
    }

    /// Whether all is well and known to be, so that another heartbeat like the last one tells nothing but that it came.
    pub(crate) fn is_steady(&self) -> bool {
        self.state == PeerState::Up
            && self.health.trouble().is_none()
            && self.sight.is_fine()
            && self.sight.broadcast.is_ok()
            && self.has_proved()
            && self.paths.is_single()
            && self.last_seen.deadline().is_some()
            && !self.dial.is_confirming()
    }

    /// Whether it can be asked at once what it sees of another.
    pub(crate) fn is_idle_and_well(&self) -> bool {
        self.state == PeerState::Up && self.health.trouble().is_none() && self.dial.is_resting()
    }

    /// Changes its identity or address, for all later events.
    pub(crate) fn change_info(&mut self, change: impl FnOnce(&mut PeerInfo)) {
        change(Arc::make_mut(&mut self.info));
    }

    /// The row has another identity from now on; late datagrams of the one before are refused.
    pub(crate) fn retire(&mut self, id: NodeId) {
        self.retired = Some(Box::new(id));
    }

    pub(crate) fn set_state(&mut self, to: PeerState, ctx: &mut Context<'_>) {
        let from = std::mem::replace(&mut self.state, to);
        if from != to {
            ctx.out.publish(Event::PeerState { peer: Arc::clone(&self.info), from, to });
        }
    }

    /// It is dialed again at this time, unless it has no server.
    pub(crate) fn rest_until(&mut self, next: Instant) {
        if self.info.addr.port() == 0 {
            self.dial.stop();
        } else {
            self.dial.rest_until(next);
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
        if self.info.addr.port() != 0 {
            self.dial.bring_forward(at);
        }
    }

    /// A person wants it dialed now: a wait is cut short, a dial in flight is left alone. Not even a person makes us dial what was
    /// only claimed by somebody beyond our links.
    pub(crate) fn force_dial(&mut self, links: &Links) {
        let free = self.info.addr.port() != 0 && !self.dial.is_in_flight();
        if free && (self.is_proven() || links.reaches(self.info.addr.ip())) {
            self.dial.force();
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
        self.change_info(|info| info.addr = to);
        self.interface = ctx.links.name_of(to.ip());
        self.forget_evidence(ctx.now);
        self.introduction.count_again();
        self.paths.note_moved();
        // Its outcome would be taken for one of the new address.
        self.dial.stop();
        ctx.out.publish(Event::PeerMoved { peer: Arc::clone(&self.info), from, to });
        if self.is_proven() {
            self.dial_soon(ctx);
        } else {
            self.dial_after_grace(ctx);
        }
    }

    /// Forgets what was seen of another life or at another address.
    fn forget_evidence(&mut self, now: Instant) {
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
    pub(crate) fn prove(&mut self, ip: IpAddr, ctx: &mut Context<'_>) {
        let dialed = self.info.addr.ip();
        let news = self.paths.prove(ip, dialed, ctx.now);
        if ip != dialed {
            return;
        }
        begin_echoes(self, ctx);
        if news {
            self.introduction.count_again();
            if matches!(self.state, PeerState::New | PeerState::Unreachable) {
                self.dial_soon(ctx);
            }
        }
    }

    /// Takes an echo for a proof, if it is the one that was asked for at this address.
    pub(crate) fn prove_by_echo(
        &mut self,
        echo: Option<crate::engine::Nonce>,
        ip: IpAddr,
        ctx: &mut Context<'_>,
    ) {
        if self.introduction.is_echoed_by(echo, ip) {
            self.introduction.end();
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

    /// Neither heard nor reached.
    pub(crate) fn fall_silent(&mut self, ctx: &mut Context<'_>) {
        self.dial.set_confirming(false);
        if matches!(self.state, PeerState::Silent | PeerState::Left) {
            return;
        }
        if !self.is_named() {
            let known = self.was_reached() || self.is_proven();
            self.expiry = Some(ctx.now + if known { SILENT_KEPT } else { UNPROVEN_KEPT });
        }
        self.set_state(PeerState::Silent, ctx);
    }

    /// It said goodbye. Its row stays a while, so that its late datagrams do not revive it.
    pub(crate) fn leave(&mut self, reason: LeaveReason, ctx: &mut Context<'_>) {
        self.introduction.stop();
        self.last_seen.stop_watching();
        self.dial.stop();
        if self.is_named() {
            self.rest_until(ctx.now + ctx.config.dial_interval);
        } else {
            self.expiry = Some(ctx.now + LEFT_KEPT);
        }
        self.set_state(PeerState::Left, ctx);
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
        self.expiry.get_or_insert(at);
    }

    pub(crate) fn is_expired(&self, now: Instant) -> bool {
        self.expiry.is_some_and(|at| at <= now)
    }

    /// When this peer wants to be woken.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let parts = [
            self.dial.deadline(),
            self.introduction.deadline(),
            self.last_seen.deadline(),
            self.probes.deadline(),
            self.expiry,
        ];
        parts.into_iter().flatten().min()
    }

    /// The time of a new timer entry, if one is needed for the deadline to be met.
    pub(crate) fn arm(&mut self) -> Option<Instant> {
        let deadline = self.deadline()?;
        let needed = self.armed.is_none_or(|armed| deadline < armed);
        needed.then(|| *self.armed.insert(deadline))
    }

    /// Whether a timer entry is the one that counts; it is over now.
    pub(crate) fn take_wake_up(&mut self, at: Instant) -> bool {
        self.armed.take_if(|armed| *armed == at).is_some()
    }

    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn armed(&self) -> Option<Instant> {
        self.armed
    }

    /// A datagram comes in the name of a life of this peer: whether it is of the life that is known (false), or of a new one
    /// (true). A new life begins where the old one was, or after that has ended: otherwise anybody could end it.
    pub(crate) fn is_new_life(&self, incarnation: Incarnation, from: IpAddr) -> Result<bool, RejectReason> {
        let Some(known) = self.info.incarnation else { return Ok(false) };
        let ended = matches!(self.state, PeerState::Unreachable | PeerState::Silent | PeerState::Left);
        match incarnation.cmp(&known) {
            std::cmp::Ordering::Less => Err(RejectReason::Replayed),
            std::cmp::Ordering::Greater if !ended && from != self.info.addr.ip() => {
                Err(RejectReason::IdentityConflict)
            }
            order => Ok(order.is_gt()),
        }
    }

    /// What others are told; `links` name the interface on whose link an address is.
    pub(crate) fn snapshot(&self, links: &Links, now: Instant) -> PeerSnapshot {
        let last_heard = self.last_seen.any();
        let millis =
            |at: Instant| u64::try_from(now.saturating_duration_since(at).as_millis()).unwrap_or(u64::MAX);
        PeerSnapshot {
            info: Arc::clone(&self.info),
            state: self.state,
            via: self.via,
            rtt_us: self.dial.rtt().map(|d| u64::try_from(d.as_micros()).unwrap_or(u64::MAX)),
            connect: self.dial.connect(),
            loss: self.dial.loss(),
            last_heard_ms: last_heard.map(millis),
            last_heard,
            cause: self.dial.cause(),
            verdict: self.verdict,
            sight: self.sight,
            dial: self.dial.phase(),
            interface: self.interface.clone(),
            elsewhere: self.elsewhere(links),
        }
    }

    fn elsewhere(&self, links: &Links) -> Option<Arc<Elsewhere>> {
        let heard = self.paths.heard_from(self.info.addr.ip(), |ip| links.name_of(ip));
        let claimed = self.paths.claimed();
        (!heard.is_empty() || claimed.is_some()).then(|| Arc::new(Elsewhere { heard, claimed }))
    }
}
