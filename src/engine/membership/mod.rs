//! Membership of several broadcast domains: which nodes there are beyond those that this one hears.
//!
//! Finds, and never judges: SWIM calls a member alive if any way leads to it. What it finds is asked by an echo whether it is there, and only
//! what answers becomes a peer, which is dialed and measured as any other. The protocol is foca's; what of it reaches this node comes
//! from proven addresses of peers alone, and what this node says goes there alone.

mod asks;
mod member;
mod segments;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::num::{NonZeroU8, NonZeroUsize};
use std::time::{Duration, Instant};

use foca::{AccumulatingRuntime, Foca, NoCustomBroadcast, OwnedNotification, PeriodicParams};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use crate::engine::address::is_link_local;
use crate::engine::config::is_host;
use crate::engine::context::Context;
use crate::engine::limits::{
    ANNOUNCED_TO_AT_ONCE, MAX_MEMBERS, MEMBER_DOWN_AFTER, MEMBER_DOWN_KEPT, MEMBER_PROBE_PERIOD,
    MEMBER_PROBE_RTT, MEMBERSHIP_GOSSIP_EVERY, MEMBERSHIP_LOOK_EVERY, MEMBERSHIP_LOOK_SOON,
    MEMBERSHIP_PER_SECOND, MEMBERSHIP_SYNC_EVERY, MEMBERSHIP_TRANSMISSIONS,
};
use crate::engine::network::Network;
use crate::engine::peers::PeerTable;
use crate::engine::peers::peer::Peer;
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{Incarnation, NodeId, Nonce};
use crate::proto::membership::{self, Head, Item, MAX_MEMBERSHIP, Member, Update};
use crate::proto::presence::{Kind, Presence};

use asks::Asks;
use member::{Cbor, MemberId};

/// What this node knows of members.
#[derive(Debug)]
pub(crate) struct Membership {
    /// None until this node joins, or a peer that did speaks to it.
    swim: Option<Swim>,
    runtime: Runtime,
    timers: BTreeMap<(Instant, u64), foca::Timer<MemberId>>,
    planned: u64,
    /// When it is looked who became a peer, or a member.
    next_look: Option<Instant>,
    /// The members that are there, as they were looked at last, by their ids.
    present: Vec<NodeId>,
    asks: Asks,
    received: RateLimiter,
}

/// The state machine of SWIM.
struct Swim(Box<Foca<MemberId, Cbor, StdRng, NoCustomBroadcast>>);

impl fmt::Debug for Swim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Swim").field("members", &self.0.num_members()).finish_non_exhaustive()
    }
}

/// What foca wants, until it is done.
struct Runtime(AccumulatingRuntime<MemberId>);

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Runtime").field(&self.0.backlog()).finish()
    }
}

impl Default for Membership {
    fn default() -> Self {
        Self {
            swim: None,
            runtime: Runtime(AccumulatingRuntime::new()),
            timers: BTreeMap::new(),
            planned: 0,
            next_look: None,
            present: Vec::new(),
            asks: Asks::default(),
            received: RateLimiter::per_second(MEMBERSHIP_PER_SECOND, MEMBERSHIP_PER_SECOND),
        }
    }
}

impl Membership {
    /// This node takes part from now on.
    pub(crate) fn begin(&mut self, ctx: &mut Context<'_>) {
        if self.swim.is_some() || ctx.config.visitor {
            return;
        }
        let rng = StdRng::from_rng(ctx.rng);
        self.swim = Some(Swim(Box::new(Foca::new(MemberId(own_member(ctx)), settings(), rng, Cbor))));
        self.next_look = Some(ctx.now);
    }

    /// When something is due.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let timer = self.timers.first_key_value().map(|((at, _), _)| *at);
        [timer, self.next_look, self.asks.deadline(now)].into_iter().flatten().min()
    }

    /// Whether this node is one of the members.
    pub(crate) fn takes_part(&self) -> bool {
        self.swim.is_some()
    }

    /// The members that are there, where they are reached, and in which network.
    pub(crate) fn members(&self) -> impl Iterator<Item = (NodeId, IpAddr, Network)> {
        let members = self.swim.iter().flat_map(|swim| swim.0.iter_members());
        members.map(|member| &member.id().0).map(|it| (it.id, it.ip, Network::of(it.ip, it.prefix)))
    }

    /// What a peer told, from this address, at which it proved to be. A node that did not take part does from now on.
    pub(crate) fn handle(
        &mut self,
        told: &[u8],
        (id, incarnation, ip): (NodeId, Incarnation, IpAddr),
        peers: &PeerTable,
        ctx: &mut Context<'_>,
    ) {
        if ctx.config.visitor || !self.received.take(ctx.now) {
            return;
        }
        let known = self.swim.as_ref().map_or(0, |swim| swim.0.iter_membership_state().len());
        let Some(message) = as_it_came(told, (id, incarnation, ip), MAX_MEMBERS.saturating_sub(known)) else {
            return;
        };
        if self.swim.is_none() {
            self.begin(ctx);
            // Who asks for the members that this node knows is told of its peers.
            self.introduce(peers, ctx);
        }
        self.follow_identity(ctx);
        let Some(Swim(swim)) = &mut self.swim else { return };
        // An error means that the message was ignored, as a whole or from there on.
        let _ = swim.handle_data(&message, &mut self.runtime.0);
        self.carry_out(peers, ctx);
    }

    /// Whether an echo answers what this node asked a member, from where that was asked.
    pub(crate) fn take_answer(&mut self, id: NodeId, ip: IpAddr, echo: Nonce, ctx: &Context<'_>) -> bool {
        self.asks.take_answer(id, ip, echo, ctx)
    }

    /// Does what is due.
    pub(crate) fn wake(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) {
        if self.swim.is_none() {
            return;
        }
        self.follow_identity(ctx);
        while let Some(entry) = self.timers.first_entry().filter(|entry| entry.key().0 <= ctx.now) {
            let timer = entry.remove();
            if let Some(Swim(swim)) = &mut self.swim {
                let _ = swim.handle_timer(timer, &mut self.runtime.0);
            }
            self.carry_out(peers, ctx);
        }
        if self.next_look.is_some_and(|at| at <= ctx.now) {
            self.next_look = Some(ctx.now + MEMBERSHIP_LOOK_EVERY);
            self.introduce(peers, ctx);
            self.announce(peers, ctx);
            self.look_for_members(peers, ctx);
        }
        self.asks.ask(ctx);
    }

    /// This node leaves: some members are told, and tell the others.
    pub(crate) fn leave(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) {
        if let Some(Swim(swim)) = &mut self.swim {
            let _ = swim.leave_cluster(&mut self.runtime.0);
            self.carry_out(peers, ctx);
        }
    }

    /// This node may have another id, or another address, by now.
    fn follow_identity(&mut self, ctx: &Context<'_>) {
        let Some(Swim(swim)) = &mut self.swim else { return };
        let (now, was) = (own_member(ctx), swim.identity().0);
        let moved = (now.id, now.incarnation) == (was.id, was.incarnation)
            && (now.ip, now.prefix) != (was.ip, was.prefix)
            && !now.ip.is_unspecified();
        let renewal = if moved { was.renewal.saturating_add(1) } else { 0 };
        if moved || now.id != was.id {
            let _ = swim.change_identity(MemberId(Member { renewal, ..now }), &mut self.runtime.0);
        }
    }

    /// Peers that are reached are members, too, and those that said goodbye are none any longer.
    fn introduce(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) {
        let Some(Swim(swim)) = &mut self.swim else { return };
        let known: BTreeSet<(NodeId, Incarnation)> =
            swim.iter_membership_state().map(|member| life_of(&member.id().0)).collect();
        let room = MAX_MEMBERS.saturating_sub(known.len());
        let new = peers.reachable().filter_map(|peer| member_of(peer, ctx));
        let new = new.filter(|member| !known.contains(&life_of(member))).take(room);
        let mut updates: Vec<_> = new.map(|member| foca::Member::alive(MemberId(member))).collect();
        let left = swim.iter_members().map(|member| *member.id()).filter(|member| {
            let peer = peers.by_id(member.0.id).and_then(|key| peers.get(key));
            peer.is_some_and(|peer| peer.has_left() && peer.info().incarnation == Some(member.0.incarnation))
        });
        updates.extend(left.map(foca::Member::down));
        if !updates.is_empty() {
            let _ = swim.apply_many(updates.into_iter(), true, &mut self.runtime.0);
            self.carry_out(peers, ctx);
        }
    }

    /// Peers of other segments that do not count this node among theirs, or are not known to, are told that it is there.
    fn announce(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) {
        let Some(Swim(swim)) = &mut self.swim else { return };
        let heard: BTreeSet<NodeId> = self.present.iter().copied().collect();
        let off_link = peers.reachable().filter(|peer| peer.interface().is_none());
        let new =
            off_link.filter_map(|peer| member_of(peer, ctx)).filter(|member| !heard.contains(&member.id));
        let new: Vec<Member> = new.take(ANNOUNCED_TO_AT_ONCE).collect();
        for member in new {
            let _ = swim.announce(MemberId(member), &mut self.runtime.0);
        }
        self.carry_out(peers, ctx);
    }

    /// Of the members that are there, those of other segments that this node is to dial and that are no peers yet are asked.
    fn look_for_members(&mut self, peers: &PeerTable, ctx: &Context<'_>) {
        let Some(Swim(swim)) = &self.swim else { return };
        let members: Vec<Member> = swim.iter_members().map(|member| member.id().0).collect();
        self.present = members.iter().map(|member| member.id).collect();
        self.present.sort_unstable();
        let chosen = segments::chosen(&swim.identity().0, &members);
        let is_apt = |member: &Member| {
            let dialable = member.tcp_port != 0 && member.udp_port != 0 && is_host(member.ip);
            let off_link = !ctx.links.reaches(member.ip.into()) && !ctx.links.holds(member.ip.into());
            dialable && off_link && chosen.contains(&member.id) && peers.by_id(member.id).is_none()
        };
        self.asks.set(members.into_iter().filter(is_apt).collect(), ctx);
    }

    /// Sends, plans and notes what foca wants.
    fn carry_out(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) {
        while let Some((to, bytes)) = self.runtime.0.to_send() {
            let peer = peers.by_id(to.0.id).and_then(|key| peers.get(key));
            // Who is no peer is asked first, and others ask for us meanwhile.
            if let Some(peer) =
                peer.filter(|peer| peer.has_proved() && !peer.has_left() && peer.unicast().port() != 0)
            {
                ctx.unicast(peer.interface(), peer.unicast(), Kind::Heartbeat, |presence, wrapping| {
                    wrapping.encode(&Presence { membership: Some(bytes[..].into()), ..presence })
                });
            }
        }
        while let Some((after, timer)) = self.runtime.0.to_schedule() {
            self.planned += 1;
            self.timers.insert((ctx.now + after, self.planned), timer);
        }
        while let Some(news) = self.runtime.0.to_notify() {
            if matches!(news, OwnedNotification::MemberUp(_) | OwnedNotification::Rename(..)) {
                let soon = ctx.now + MEMBERSHIP_LOOK_SOON;
                self.next_look = Some(self.next_look.map_or(soon, |at| at.min(soon)));
            }
        }
    }
}

fn life_of(member: &Member) -> (NodeId, Incarnation) {
    (member.id, member.incarnation)
}

/// This node, as it believes to be reached.
fn own_member(ctx: &Context<'_>) -> Member {
    let here = ctx.links.own_address();
    let is_told = !is_link_local(here.ip());
    Member {
        id: ctx.config.id,
        incarnation: ctx.config.incarnation,
        renewal: 0,
        ip: if is_told { here.ip() } else { Ipv4Addr::UNSPECIFIED.into() },
        tcp_port: ctx.config.tcp_port,
        udp_port: ctx.config.udp_port,
        prefix: ctx.links.prefix_towards(here).filter(|_| is_told).unwrap_or(0),
    }
}

/// A peer, as this node reaches it; none at an address that means nothing elsewhere.
fn member_of(peer: &Peer, ctx: &Context<'_>) -> Option<Member> {
    let ip = peer.ip().ip();
    let is_here_only = is_link_local(ip) || ip.is_loopback() != ctx.links.own_address().ip().is_loopback();
    let incarnation = peer.info().incarnation.filter(|_| !is_here_only)?;
    Some(Member {
        id: peer.id()?,
        incarnation,
        renewal: 0,
        ip,
        tcp_port: peer.addr().port(),
        udp_port: peer.unicast().port(),
        prefix: peer.paths.prefix(peer.ip()).or_else(|| ctx.links.prefix_towards(peer.ip())).unwrap_or(0),
    })
}

/// A message with the address that its sender really has; none if it is not the sender's, or not well-formed. Of a message with more
/// updates than there is room for, only the head counts.
fn as_it_came(
    told: &[u8],
    (id, incarnation, ip): (NodeId, Incarnation, IpAddr),
    room: usize,
) -> Option<Vec<u8>> {
    let (head, length) = membership::read::<Head>(told).ok()?;
    let rest = &told[length..];
    if (head.from.id, head.from.incarnation) != (id, incarnation) {
        return None;
    }
    let mut updates = 0;
    if let Some((count, mut bytes)) = rest.split_first_chunk::<2>() {
        for _ in 0..u16::from_be_bytes(*count) {
            let (_, length) = membership::read::<Update>(bytes).ok()?;
            (updates, bytes) = (updates + 1, &bytes[length..]);
        }
        if !bytes.is_empty() {
            return None;
        }
    } else if !rest.is_empty() {
        return None;
    }
    let head = Head { from: Member { ip, ..head.from }, ..head };
    let mut message = Vec::with_capacity(MAX_MEMBERSHIP);
    message.extend_from_slice(Item::of(&head).bytes());
    // An address of 16 bytes in place of one of 4 makes it longer.
    if updates < room && message.len() + rest.len() <= MAX_MEMBERSHIP {
        message.extend_from_slice(rest);
    }
    Some(message)
}

/// How foca is set: unhurried, for tethers, watchers and dials notice sooner who is gone; what it has to do is to find, and to come back
/// together after a partition.
fn settings() -> foca::Config {
    const ONE: NonZeroUsize = NonZeroUsize::MIN;
    const THREE: NonZeroUsize = NonZeroUsize::new(3).expect("three is not zero");
    const OFTEN: NonZeroU8 = NonZeroU8::new(MEMBERSHIP_TRANSMISSIONS).expect("it is not zero");
    const LONGEST: NonZeroUsize = NonZeroUsize::new(MAX_MEMBERSHIP).expect("it is not zero");
    let every = |frequency: Duration, num_members| Some(PeriodicParams { frequency, num_members });
    foca::Config {
        probe_period: MEMBER_PROBE_PERIOD,
        probe_rtt: MEMBER_PROBE_RTT,
        num_indirect_probes: THREE,
        max_transmissions: OFTEN,
        suspect_to_down_after: MEMBER_DOWN_AFTER,
        remove_down_after: Some(MEMBER_DOWN_KEPT),
        max_packet_size: LONGEST,
        notify_down_members: true,
        periodic_announce: every(MEMBERSHIP_SYNC_EVERY, ONE),
        periodic_announce_to_down_members: every(MEMBERSHIP_SYNC_EVERY, ONE),
        periodic_gossip: every(MEMBERSHIP_GOSSIP_EVERY, THREE),
    }
}
