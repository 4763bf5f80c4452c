//! Exchanges: requests of others to their replies, queued dials to their ends.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::address::ZonedIp;
use crate::engine::address::{self, Endpoint};
use crate::engine::api::{Answer, ConnId, DialId, Output};
use crate::engine::cause::{Cause, Failure};
use crate::engine::config::is_host;
use crate::engine::context::Context;
use crate::engine::dialing::dial_state::LOOK;
use crate::engine::dialing::dialer::{self, EndedAttempt, InFlight};
use crate::engine::dialing::unanswered::Unanswered;
use crate::engine::event::{Event, RejectReason};
use crate::engine::exchange::{self, ReplyRows, RequestRows, check_reply};
use crate::engine::gossip::own_row::OwnPage;
use crate::engine::gossip::relay;
use crate::engine::gossip::remote_rows::{RemoteRow, RemoteRows};
use crate::engine::gossip::signed::Signed;
use crate::engine::hardware::HardwareAddr;
use crate::engine::interface::LinkIndex;
use crate::engine::limits::{FRESH_ENOUGH, INDIRECT_PROBES};
use crate::engine::peers::path::Paths;
use crate::engine::peers::peer::{Dialed, Nat, Peer};
use crate::engine::peers::{PeerKey, PeerState, PeerTable};
use crate::engine::probing::prober;
use crate::engine::{Engine, NodeId};
use crate::proto::DecodeError;
use crate::proto::codes::suspicion::REFUSED;
use crate::proto::exchange::Request;
use crate::proto::rows::{self, MAX_ABOUT, RowRequest, append};

/// A reply to a dial.
struct Replied {
    /// Whose it is: another's than the dialed peer's, where the two turned out to be one.
    by: PeerKey,
    /// When it wants to be dialed next.
    dial_in: Option<Duration>,
    /// Whether it is to be told something at once that this reply taught.
    again: bool,
}

impl Engine {
    /// Answers a request, and learns from it: the sender exists, holds its address, and reaches us by TCP.
    pub(in crate::engine) fn handle_request(
        &mut self,
        conn: ConnId,
        (from, link): (SocketAddr, Option<LinkIndex>),
        (body, sealed): (Result<&[u8], DecodeError>, bool),
        now: Instant,
    ) {
        let from = address::canonical(from);
        if self.comes_by_unused_link(link, from.into()) {
            self.shared.out().push(Output::Reply { conn, frame: None, tether: None });
            return self.reject(RejectReason::UnusedLink, from, now);
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let request = match exchange::read_request(body, sealed, &ctx) {
            Ok(request) => request,
            Err(declined) => {
                exchange::decline(conn, declined, sealed, &mut ctx);
                return declined.reason.into_iter().for_each(|reason| self.reject(reason, from, now));
            }
        };
        if request.visitor == Some(true) {
            return self.serve_visitor(conn, from, &request, now);
        }
        let dialer = exchange::resolve_dialer(&request, from, peers, &mut ctx);
        if let Err(reason) = dialer {
            self.reject(reason, from, now);
        }
        let dialer = dialer.ok().flatten();
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        if let Some(peer) = dialer.and_then(|key| peers.get_mut(key)) {
            note_served(peer, from, request.prefix, &mut ctx);
        }
        if let Some(key) = dialer {
            let at = address::with_port(from, request.tcp_port);
            peers.note_nat(key, at, exchange::is_translated(&request, from), &mut ctx);
        }
        let wants_tether = request.tether == Some(true);
        let tether = dialer.filter(|_| wants_tether).and_then(|key| self.accept_tether(conn, key, from, now));
        let rows =
            dialer.filter(|_| !wants_tether).map(|key| self.exchange_rows(key, from.into(), &request, now));
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        exchange::reply(conn, (from.into(), request.nonce), rows.as_ref(), tether, &mut ctx);
        let info = dialer.and_then(|key| peers.get(key)).map(|peer| Arc::clone(peer.info()));
        if wants_tether {
            // Nothing was exchanged.
            return;
        }
        if let Some(key) = dialer {
            self.ask_for_hardware(key, from.into(), now);
        }
        let addr = info.is_none().then(|| self.shared.links().told(from));
        if addr.is_none() || self.rejects.tells_of_served(now) {
            self.publish(Event::ExchangeServed { peer: info, addr });
        }
    }

    /// Takes the rows of a request, and what the reply to it tells in return.
    fn exchange_rows(
        &mut self,
        key: PeerKey,
        from: ZonedIp,
        request: &Request<'_>,
        now: Instant,
    ) -> ReplyRows {
        // Whoever dials from elsewhere may dial in a peer's name.
        let speaks = self.peers.get(key).is_some_and(|peer| peer.speaks_at(from));
        if let Some(bytes) = request.rows.filter(|_| speaks) {
            self.take_rows(bytes, (request.id, from), |_, _, owner| owner == request.id, now);
        }
        let page = self.rows_for_reply(request, now);
        if let Some(peer) = self.peers.get_mut(key) {
            // If the reply is lost, the next request or reply of that peer says so.
            peer.gossip.acknowledge(page.upto);
        }
        let have = self.remote_rows.version_of(request.id, request.incarnation);
        ReplyRows { pages: page.bytes, have, dial_in: self.advise_dialer(key, now) }
    }

    /// When a peer that has just dialed had best dial again, if it does so as often as this node.
    fn advise_dialer(&mut self, key: PeerKey, now: Instant) -> Option<Duration> {
        let interval = self.shared.context(self.peers.len(), now).pace.dial_interval();
        let dials_every = self.peers.get(key)?.last_seen.dial_interval()?;
        let alike = dials_every.abs_diff(interval) <= interval / 8;
        if alike { self.inbound.note(key, interval, now) } else { None }
    }

    /// What is told to whoever asks with this request: what is new in our row, and the rows that are wanted.
    pub(super) fn rows_for_reply(&mut self, request: &Request<'_>, now: Instant) -> OwnPage {
        let wants: Vec<RowRequest> =
            request.wants.map(|bytes| rows::wants(bytes).collect()).unwrap_or_default();
        let about: Vec<NodeId> = request.about.map(|bytes| rows::about(bytes).collect()).unwrap_or_default();
        self.check_for_another(&about, |_, _| true, now);
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let me = (ctx.config.id, ctx.config.incarnation);
        let mine = wants.iter().find(|want| (want.owner, want.incarnation) == me);
        let mut page = self.own_row.page_for_reply(mine.map_or(0, |want| want.version), &about, peers, &ctx);
        relay::append_wanted(&mut page.bytes, &self.remote_rows, &wants, request.id, peers, &ctx);
        page
    }

    /// Another asks about these: what is not known freshly is looked at now, within a budget, if that is for this node to do.
    pub(super) fn check_for_another(
        &mut self,
        about: &[NodeId],
        is_ours: impl Fn(&Peer, &PeerTable) -> bool,
        now: Instant,
    ) {
        for id in about {
            let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let Some(key) = peers.by_id(*id) else { continue };
            let Some(peer) = peers.get(key) else { continue };
            let fresh = peer.dial.ended().is_some_and(|at| ctx.is_within(at.into(), FRESH_ENOUGH));
            let idle = peer.dial.is_idle() && peer.is_proven();
            let may = !fresh && idle && self.checks_for_others.is_open(now) && is_ours(peer, peers);
            if may
                && self.checks_for_others.take(now)
                && let Some(peer) = peers.get_mut(key)
            {
                peer.dial.hurry();
                self.prober.begin_burst(peer, &ctx);
            }
        }
    }

    /// Starts as many queued dials as the rate and the cap allow.
    pub(in crate::engine) fn start_dials(&mut self, now: Instant) {
        let queued =
            |peers: &PeerTable, key, urgent| peers.get(key).and_then(|peer| peer.dial.queued_in(urgent));
        while let Some((key, attempt)) = self.dialer.next(|key, urgent| queued(&self.peers, key, urgent), now)
        {
            let _ = self.tell_wires_apart(now);
            let rows = self.rows_for_request(key, now);
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let Some(peer) = peers.get_mut(key) else { continue };
            let to = ZonedIp::from(peer.addr_of_attempt(attempt));
            let request = exchange::request_frame(&rows, self.request_nonce, to, &ctx);
            self.dialer.start(peer, attempt, request, &mut ctx);
        }
    }

    /// What a request to this peer carries: our row, the rows that are wanted, and whom we ask about.
    fn rows_for_request(&mut self, key: PeerKey, now: Instant) -> RequestRows {
        // At first everybody is told of nodes that it will meet in a moment.
        let settled = self.shared.runs_longer_than_an_interval(now);
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let Some(peer) = peers.get(key) else { return RequestRows::default() };
        let page = self.own_row.page_for_request(peer, peers, &ctx);
        let wants = self.relay.wants(key, &self.remote_rows, peers, settled);
        let troubled = peers.troubled().iter().filter(|other| **other != key);
        let mut about = Vec::new();
        let ids = troubled.filter_map(|other| peers.get(*other)?.id());
        ids.take(MAX_ABOUT).for_each(|id| append(&id, &mut about));
        RequestRows { page, wants, about }
    }

    /// Attempts that had no answer for long are trouble, before they have failed.
    pub(in crate::engine) fn note_late_dials(&mut self, now: Instant) {
        while let Some(unanswered) = self.dialer.next_late(now) {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let (Unanswered::Overdue(key) | Unanswered::Late(key, _)) = unanswered;
            let Some(peer) = peers.get_mut(key) else { continue };
            match unanswered {
                // Who proved nothing was asked, and may be a third one.
                Unanswered::Overdue(_) if !peer.is_measured() => {}
                Unanswered::Overdue(_) => prober::ask(peer, &mut ctx),
                Unanswered::Late(_, began) => {
                    if dialer::note_late(peer, began, &ctx) {
                        self.dial_others_than(key, began, now);
                    }
                }
            }
        }
    }

    /// An attempt has ended. One that was abandoned since is not known any longer.
    pub(in crate::engine) fn handle_dial_end(
        &mut self,
        dial: DialId,
        result: Result<Answer<'_>, Failure>,
        now: Instant,
    ) {
        if self.end_visitors_dial(dial, result.is_ok(), now) {
            return;
        }
        let Some(InFlight { key, addr, standby }) = self.dialer.end(dial) else { return };
        let peers = &mut self.peers;
        let Some(peer) = peers.get_mut(key) else { return };
        // It is no longer in flight, whatever the reply makes of its row.
        let Some((number, began)) = peer.dial.take_in_flight(dial) else { return };
        if let Some(dialed) = Dialed::of(began, &result, now) {
            self.note_lateness(key, began, |peer| peer.note_dialed(dialed, now), now);
        }
        self.shared.note_waited_since(self.punctuality.reads_what_came_since(Some(began), now));
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        if peer.dial.take_aim().is_some() {
            return self.handle_look_end(key, addr, result, now);
        }
        let result = result.map_err(|failure| peer.weigh_refusal(failure));
        if result.is_ok() {
            peer.note_admitted();
        }
        if number == LOOK {
            match &result {
                Ok(_) => dialer::announce_look(peer, addr, &mut ctx),
                Err(failure) => return dialer::note_failed_look(peer, began, failure, &mut ctx),
            }
        }
        let number = number.max(1);
        let by_standby = result.as_ref().ok().and_then(|answer| answer.from_standby);
        let by_standby = by_standby.filter(|addr| standby.contains(addr));
        if by_standby.is_some() {
            peer.note_path(addr.into(), None, &mut ctx);
        }
        let at = by_standby.unwrap_or(addr);
        match result.and_then(|answer| Ok((self.handle_reply(key, at, &answer, now)?, answer))) {
            Ok((replied, answer)) => {
                let addr = self.shared.links().told(at);
                self.handle_success(replied, addr, number, answer, now);
            }
            Err(failure) => {
                self.handle_failure(key, EndedAttempt { number, addr: at, began }, &failure, now);
                if at == addr {
                    let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
                    exchange::end_if_replaced(key, &failure, peers, &mut ctx);
                }
                if failure.cause == Cause::Refused && at == addr {
                    self.tell_outcome(key, REFUSED, now);
                }
                if let Some(peer) = by_standby.and_then(|_| self.peers.get_mut(key)) {
                    // Somebody else is there, and the first one has not answered yet.
                    peer.paths.forget_path(at.into());
                }
            }
        }
    }

    /// Another address of a peer was looked at. It moves there only if that one is better: all is well where it is dialed. The
    /// regular dial, whose time it was, follows at once.
    fn handle_look_end(
        &mut self,
        key: PeerKey,
        addr: SocketAddr,
        result: Result<Answer<'_>, Failure>,
        now: Instant,
    ) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        let (info, told, ip) = (Arc::clone(peer.info()), ctx.links.told(addr), ZonedIp::from(addr));
        let replied = result.and_then(|answer| Ok((check_reply(answer.body, self.request_nonce)?, answer)));
        let failure = match replied {
            Ok((reply, Answer { connect, rtt, .. })) if Some(reply.id) == peer.id() => {
                ctx.out.publish(Event::DialSucceeded { peer: info, addr: told, attempt: 1, connect, rtt });
                peer.last_seen.note_any(now);
                peer.prove(ip, &mut ctx);
                peer.note_path(ip, Some(rtt), &mut ctx);
                None
            }
            Ok((reply, _)) => {
                peer.paths.forget_path(ip);
                Some(exchange::other_node(reply.name))
            }
            Err(failure) => {
                peer.note_path(ip, None, &mut ctx);
                Some(failure)
            }
        };
        if let Some(failure) = &failure {
            let peer = (peer.info(), told);
            ctx.out.publish(Event::dial_failed(peer, (1, 1), failure, Some(Duration::ZERO)));
        }
        peer.dial.queue(1, false);
        let better = failure.is_none() && Paths::is_better(ip, peer.ip(), ctx.links);
        if better && !peers.is_held_by_another(key, addr) {
            peers.readdress(key, addr, &mut ctx);
        }
    }

    /// Reads the reply to our dial, learns who answered, and returns its row.
    fn handle_reply(
        &mut self,
        dialed: PeerKey,
        addr: SocketAddr,
        answer: &Answer<'_>,
        now: Instant,
    ) -> Result<Replied, Failure> {
        let reply = check_reply(answer.body, self.request_nonce)?;
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        if reply.visitor == Some(true) {
            return Err(exchange::only_a_visitor(reply.name));
        }
        let key = exchange::resolve_answerer(&reply, dialed, addr, peers, &mut ctx)?;
        if key != dialed {
            self.named_peers.note_merged(dialed, key);
        }
        if let Some(peer) = peers.get_mut(key) {
            peer.gossip.acknowledge(reply.have.unwrap_or(0));
            peer.paths.note_prefix(addr.into(), reply.prefix);
            peer.paths.note_udp_port(reply.udp_port);
        }
        let again = self.note_seen_at(key, reply.seen_at.map(|seen| seen.0), answer.local, now);
        if let Some(bytes) = reply.rows {
            let is_far = |peers: &PeerTable, owner| peers.by_id(owner).map(|key| peers.far().contains(&key));
            // Of nodes that are no peers, those that a row told of; nobody can make us keep rows of nodes that nobody has seen.
            let may = |rows: &RemoteRows, peers: &PeerTable, owner| {
                owner == reply.id || is_far(peers, owner).unwrap_or_else(|| rows.is_unmet(owner))
            };
            self.take_rows(bytes, (reply.id, addr.into()), may, now);
        }
        Ok(Replied { by: key, dial_in: reply.dial_in_ms.map(|ms| Duration::from_millis(ms.into())), again })
    }

    /// A peer that was dialed from this `local` address saw the dial come from there, or from another address: then a NAT is between the two.
    /// Whether the peer is to be told so.
    fn note_seen_at(
        &mut self,
        key: PeerKey,
        seen_at: Option<IpAddr>,
        local: Option<IpAddr>,
        now: Instant,
    ) -> bool {
        let Some((seen_at, local)) = seen_at.zip(local) else { return false };
        let seen_at = seen_at.to_canonical();
        // Whoever names another address of this node would have others dial it no longer.
        let is_own = seen_at == local.to_canonical() || self.shared.links().holds(seen_at.into());
        let Some(peer) = self.peers.get_mut(key) else { return false };
        let nat = if is_own || !is_host(seen_at) { Nat::None } else { Nat::Here };
        let is_news = nat != peer.nat();
        peer.set_nat(nat);
        if !is_news || nat == Nat::None {
            return false;
        }
        let event = Event::BehindNat { peer: Arc::clone(peer.info()), seen_at, this_node: true };
        let ctx = self.shared.context(self.peers.len(), now);
        if ctx.outside != Some(seen_at) {
            ctx.out.publish(event);
            self.shared.note_outside(seen_at);
        }
        true
    }

    /// Takes the rows that one told, as far as it `may` tell them.
    fn take_rows(
        &mut self,
        bytes: &[u8],
        (teller, from): (NodeId, ZonedIp),
        may: impl Fn(&RemoteRows, &PeerTable, NodeId) -> bool,
        now: Instant,
    ) {
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let may = |rows: &RemoteRows, owner| may(rows, peers, owner);
        let signed = self.remote_rows.handle_pages(bytes, teller, may, peers, &ctx);
        self.note_signed(signed, from, now);
        self.note_told(teller, now);
    }

    /// Checks some of the rows that were passed on.
    pub(super) fn check_rows(&mut self, now: Instant) {
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        for (teller, signed) in self.remote_rows.check_some(peers, &ctx) {
            let from = self.peers.by_id(teller).and_then(|key| self.peers.get(key)).map(Peer::ip);
            if let Some(from) = from {
                self.note_signed(signed, from, now);
            }
        }
        self.judge_if_needed(now);
    }

    /// Rows came from there, which were their owners' words or not.
    pub(super) fn note_signed(&mut self, signed: Signed, from: ZonedIp, now: Instant) {
        if signed == Signed::No {
            self.reject(RejectReason::UnsignedRow, from.at_port(0), now);
        }
    }

    /// A peer told rows, its own among them.
    pub(super) fn note_told(&mut self, teller: NodeId, now: Instant) {
        let dials_every = self.remote_rows.of(teller).map(RemoteRow::dial_interval);
        let key = self.peers.by_id(teller);
        if let (Some(key), Some(dials_every)) = (key, dials_every)
            && self.peers.get(key).is_some_and(|peer| peer.last_seen.dial_interval() != Some(dials_every))
            && let Some(peer) = self.peers.get_mut(key)
        {
            peer.last_seen.note_dial_interval(dials_every);
        }
        self.judge_if_needed(now);
    }

    fn handle_success(
        &mut self,
        Replied { by: key, dial_in, again }: Replied,
        addr: Endpoint,
        attempt: u32,
        answer: Answer<'_>,
        now: Instant,
    ) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        dialer::note_success(peer, answer, dial_in, &mut ctx);
        peer.note_path(addr.zoned_ip(), Some(answer.rtt), &mut ctx);
        peer.set_in_turn(false);
        peer.last_seen.note_any(now);
        peer.keep();
        let (info, Answer { connect, rtt, .. }) = (Arc::clone(peer.info()), answer);
        ctx.out.publish(Event::DialSucceeded { peer: info, addr, attempt, connect, rtt });
        let came_up = peer.state() != PeerState::Up;
        peer.set_state(PeerState::Up, &mut ctx);
        peer.prove(addr.zoned_ip(), &mut ctx);
        peer.watch_for_silence(&ctx);
        if again {
            peer.dial.hurry();
        }
        self.ask_for_hardware(key, addr.zoned_ip(), now);
        if came_up {
            // All may be well with it, and it has the name of another.
            self.judge_soon(now);
        }
    }

    /// A peer exchanged something with this node at an address: what this node sends there goes to that peer. Where others have the
    /// address, too, it is seen where that is.
    fn ask_for_hardware(&mut self, key: PeerKey, ip: ZonedIp, now: Instant) {
        if self.peers.shares_address(key, ip) && self.hardware_reads.take(now) {
            self.shared.out().push(Output::ReadHardware { peer: key, ip });
        }
    }

    /// Where it is, if it is known.
    pub(in crate::engine) fn handle_hardware(
        &mut self,
        key: PeerKey,
        hardware: Option<HardwareAddr>,
        now: Instant,
    ) {
        let peer = self.peers.get_mut(key);
        if peer.zip(hardware).is_some_and(|(peer, hardware)| peer.health.note_hardware(hardware)) {
            self.judge_soon(now);
        }
    }

    fn handle_failure(&mut self, key: PeerKey, attempt: EndedAttempt, failure: &Failure, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        dialer::note_failure(peer, attempt, failure, &mut ctx);
        if peer.is_named() && self.named_peers.look_up(key, now) {
            peer.set_looked_up(true);
        }
        if peer.is_in_turn() {
            return;
        }
        if peer.dial.is_confirming() {
            peer.fall_silent(&mut ctx);
        }
        if !peer.probes.is_deaf() {
            self.prober.begin_burst(peer, &ctx);
        }
        // A few others are asked, by dialing them now, what they see of it.
        if peer.health.ask_others(now) {
            for other in peers.pick_idle(INDIRECT_PROBES, key, &mut ctx) {
                if let Some(other) = peers.get_mut(other) {
                    other.dial.hurry();
                }
            }
        }
    }
}

/// The peer's exchange was answered: it exists, holds its address, and reaches us by TCP.
fn note_served(peer: &mut Peer, from: SocketAddr, prefix: Option<u8>, ctx: &mut Context<'_>) {
    // What reaches us from another address of its own says nothing of the one that is dialed.
    if peer.ip() == from.into() {
        peer.last_seen.note_served(ctx.came);
    } else {
        peer.last_seen.note_any(ctx.came);
    }
    // An address from which nothing but this came is nobody's way to it.
    if peer.ip() == from.into() || peer.paths.is_known(from.into()) {
        peer.prove(from.into(), ctx);
    }
    peer.paths.note_prefix(from.into(), prefix);
    peer.revive(ctx);
    peer.keep();
    if peer.state() == PeerState::Unreachable {
        peer.dial_soon(ctx);
    }
    peer.watch_for_silence(ctx);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;

    #[test]
    fn an_exchange_from_another_address_of_a_peer_says_nothing_of_the_one_that_is_dialed() {
        for (from, counts) in
            [("10.0.0.2:40000", true), ("10.0.0.9:40000", false), ("[fe80::2%2]:40000", false)]
        {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            note_served(&mut peer, from.parse().unwrap(), Some(9), &mut test.context());
            assert_eq!(peer.last_seen.served().is_some(), counts, "{from}");
            assert_eq!(
                peer.paths.prefix(peer.ip()) == Some(9),
                counts,
                "{from}: its mask is one of another network"
            );
            assert!(peer.last_seen.any().is_some(), "{from}: it lives");
        }
    }
}
