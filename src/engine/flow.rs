//! Who is next: how each input goes from part to part, one way. What follows for a peer that is touched here is settled by the
//! engine afterwards.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::proto::DecodeError;
use crate::proto::exchange::Request;
use crate::proto::presence::Kind;
use crate::proto::rows::{self, MAX_ABOUT, Want, append};

use super::cause::{Failure, Retry};
use super::config::Target;
use super::context::Context;
use super::dialing::dialer;
use super::event::{
    Answer, Command, ConnId, DialId, Event, Icmp, Input, Output, RejectReason, Socket, StopReason,
};
use super::exchange::{self, ReplyRows, RequestRows, check_reply};
use super::interface::Interface;
use super::lifecycle::{AfterGoodbye, Lifecycle};
use super::limits::{ASKED_AROUND, FRESH_ENOUGH};
use super::peers::peer::{Peer, Suspicion};
use super::peers::{LeaveReason, PeerKey, PeerState, PeerTable};
use super::presence::announce;
use super::presence::receive::{self, Datagram, Foreign, Reading, Sender, Taken, Whereabouts};
use super::probing::prober::ProbeOutcome;
use super::{Engine, NodeId, Nonce};

impl Engine {
    pub(super) fn handle_input(&mut self, input: Input<'_>, now: Instant) {
        match input {
            Input::Interfaces(interfaces) => self.handle_interfaces(interfaces, now),
            Input::Datagram { from, socket, bytes } => self.handle_datagram(from, socket, bytes, now),
            Input::Unreachable { to, icmp } => self.handle_unreachable(to, icmp, now),
            Input::DialEnded { dial, result } => self.handle_dial_end(dial, result, now),
            Input::Request { conn, from, body } => self.handle_request(conn, from, body, now),
            Input::TurnedAway { from, reason } => self.reject(reason, from, now),
            Input::Resolved { target, addr: Some(addr) } => self.name_peer(&target, addr, now),
            Input::Resolved { target, addr: None } => self.named_peers.note_unresolved(target, now),
            Input::Command(command) => self.handle_command(command, now),
            Input::Tick => {}
        }
    }

    pub(super) fn publish(&mut self, event: Event) {
        self.shared.out().publish(event);
    }

    fn reject(&mut self, reason: RejectReason, from: SocketAddr, now: Instant) {
        if let Some(event) = self.rejects.count(reason, from, now) {
            self.publish(event);
        }
    }

    /// The interfaces as they are now. The first time, the node starts.
    fn handle_interfaces(&mut self, interfaces: Vec<Interface>, now: Instant) {
        let changes = self.shared.links_mut().replace(interfaces);
        if self.lifecycle == Lifecycle::Idle {
            return self.start(now);
        }
        if changes.gone.is_empty() && changes.new.is_empty() {
            return;
        }
        for gone in changes.gone {
            self.publish(Event::InterfaceDown { interface: Arc::new(gone) });
        }
        for new in changes.new {
            self.publish(Event::InterfaceUp { interface: Arc::new(new) });
        }
        self.announcer.hello_again(now);
        for key in self.peers.keys() {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            if let Some(peer) = peers.get_mut(key) {
                follow_links(peer, &mut ctx);
            }
        }
    }

    fn start(&mut self, now: Instant) {
        self.lifecycle = Lifecycle::Running;
        self.shared.begin_steps(now);
        let (node, interfaces) = (Arc::clone(&self.node), Arc::clone(self.shared.links().all()));
        self.publish(Event::Started { node, interfaces });
        self.announcer.hello_again(now);
        for target in self.shared.take_named() {
            self.add_peer(target, now);
        }
    }

    fn handle_datagram(&mut self, from: SocketAddr, socket: Socket, bytes: &[u8], now: Instant) {
        if self.lifecycle != Lifecycle::Running {
            return;
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let datagram = match receive::read(from, socket, bytes, &ctx) {
            Reading::Presence(datagram) => datagram,
            Reading::Own => return,
            Reading::Refused(reason, foreign) => {
                self.note_foreign(foreign, now);
                return self.reject(reason, from, now);
            }
        };
        if datagram.is_wide()
            && let Err(foreign) = datagram.read_wide(peers, &ctx)
        {
            return self.note_foreign(foreign, now);
        }
        if datagram.is_steady_heartbeat(peers, &ctx) {
            return;
        }
        match datagram.resolve_sender(peers, &mut ctx) {
            Sender::Peer(key) => self.handle_presence(key, &datagram, now),
            Sender::Nobody => {}
            Sender::Refused(reason) => self.reject(reason, datagram.from, now),
            Sender::OffLink => {
                self.announcer.answer_off_link(datagram.from, datagram.presence.nonce, &mut ctx);
                self.reject(RejectReason::OffLink, datagram.from, now);
            }
        }
    }

    /// A presence of a peer, perhaps a new one.
    fn handle_presence(&mut self, key: PeerKey, datagram: &Datagram<'_>, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        let presence = &datagram.presence;
        let refused = match datagram.note_heard(peer, &ctx) {
            Taken::Whole => None,
            Taken::EchoOnly => {
                peer.prove_by_echo(presence.echo, datagram.from.ip(), &mut ctx);
                if presence.nonce.is_some() {
                    self.announcer.introduce(peer, presence.nonce, &mut ctx);
                }
                return self.handle_echo(key, presence.echo, now);
            }
            Taken::ProveFirst => {
                self.announcer.ask_for_proof(peer, datagram.from, &mut ctx);
                Some(RejectReason::Replayed)
            }
            Taken::Refused(reason) => Some(reason),
        };
        if let Some(reason) = refused {
            return self.reject(reason, datagram.from, now);
        }
        match datagram.locate(peer, &ctx) {
            Whereabouts::Same => {}
            Whereabouts::AskOldAddress => announce::ask_old_address(peer, &mut ctx),
            Whereabouts::Moved(to) => peers.readdress(key, to, &mut ctx),
        }
        let here = peers.get(key).is_some_and(|peer| datagram.is_from_dialed(peer));
        if here {
            datagram.apply_claims(key, peers, &mut ctx);
        }
        if presence.kind == Kind::Goodbye {
            return peers.leave(key, LeaveReason::Goodbye, &mut ctx);
        }
        let Some(peer) = peers.get_mut(key) else { return };
        peer.watch_for_silence(&ctx);
        peer.revive(&mut ctx);
        peer.prove_by_echo(presence.echo, datagram.from.ip(), &mut ctx);
        self.announcer.respond(peer, presence, &mut ctx);
        self.handle_echo(key, presence.echo.filter(|_| here), now);
    }

    fn handle_echo(&mut self, key: PeerKey, echo: Option<Nonce>, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some((peer, echo)) = peers.get_mut(key).zip(echo) else { return };
        if self.prober.handle_echo(peer, echo, &mut ctx) == ProbeOutcome::Concluded {
            self.conclude_probes(key, now);
        }
    }

    /// The outcome of the latest probes is known. A dial tells a dead host from one whose UDP is blocked; it need not wait for its
    /// turn.
    fn conclude_probes(&mut self, key: PeerKey, now: Instant) {
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        let dialed_since = match (peer.health.trouble(), peer.dial.ended()) {
            (Some(began), Some(at)) => at >= began,
            _ => false,
        };
        if peer.probes.is_failing() && !dialed_since && peer.dial.is_resting() {
            self.dialer.confirm(peer, &ctx);
        }
    }

    /// ICMP says that a datagram to a peer did not arrive. It can be forged: it explains trouble and makes none.
    fn handle_unreachable(&mut self, to: SocketAddr, icmp: Icmp, now: Instant) {
        // What this machine itself says of another one is what its dials say, too.
        let from_here = icmp.from.is_some_and(|ip| ip != to.ip() && self.shared.links().holds(ip));
        let key = self.peers.at(to.ip()).find(|peer| peer.unicast() == to).map(Peer::key);
        if let Some(peer) = key.filter(|_| !from_here).and_then(|key| self.peers.get_mut(key)) {
            peer.health.note_icmp(icmp, now);
        }
    }

    /// Answers a request, and learns from it: the sender exists, holds its address, and reaches us by TCP.
    fn handle_request(
        &mut self,
        conn: ConnId,
        from: SocketAddr,
        body: Result<&[u8], DecodeError>,
        now: Instant,
    ) {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let request = match exchange::read_request(body, &ctx) {
            Ok(request) => request,
            Err(declined) => {
                exchange::decline(conn, declined, &mut ctx);
                return declined.reason.into_iter().for_each(|reason| self.reject(reason, from, now));
            }
        };
        let dialer = exchange::resolve_dialer(&request, from, peers, &mut ctx);
        if let Err(reason) = dialer {
            self.reject(reason, from, now);
        }
        let dialer = dialer.ok().flatten();
        let rows = dialer.map(|key| self.exchange_rows(key, &request, now));
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        exchange::reply(conn, (from.ip(), request.nonce), rows.as_ref(), &mut ctx);
        let peer = dialer.and_then(|key| peers.get_mut(key));
        let info = peer.map(|peer| {
            note_served(peer, from, request.prefix, &mut ctx);
            Arc::clone(peer.info())
        });
        let addr = info.is_none().then_some(from);
        self.publish(Event::ExchangeServed { peer: info, addr });
    }

    /// Takes the rows of a request, and what the reply to it tells in return.
    fn exchange_rows(&mut self, key: PeerKey, request: &Request<'_>, now: Instant) -> ReplyRows {
        let wants: Vec<Want> = request.wants.map(|bytes| rows::wants(bytes).collect()).unwrap_or_default();
        let about: Vec<NodeId> = request.about.map(|bytes| rows::about(bytes).collect()).unwrap_or_default();
        if let Some(bytes) = request.rows {
            let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
            self.remote_rows.handle_pages(bytes, request.id, |_, owner| owner == request.id, peers, &ctx);
            self.judge_if_needed(now);
        }
        self.check_for_another(&about, now);
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let me = (ctx.config.id, ctx.config.incarnation);
        let mine = wants.iter().find(|want| (want.owner, want.incarnation) == me);
        let mut page = self.own_row.page_for_reply(mine.map_or(0, |want| want.version), &about, peers, &ctx);
        self.remote_rows.append_wanted(&mut page.bytes, &wants, request.id, peers, &ctx);
        if let Some(peer) = peers.get_mut(key) {
            // If the reply is lost, the next request or reply of that peer says so.
            peer.gossip.acknowledge(page.upto);
        }
        ReplyRows { pages: page.bytes, have: self.remote_rows.version_of(request.id, request.incarnation) }
    }

    /// Another asks about these: what is not known freshly is looked at now, within a budget.
    fn check_for_another(&mut self, about: &[NodeId], now: Instant) {
        for id in about {
            let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let Some(key) = peers.by_id(*id) else { continue };
            let Some(peer) = peers.get_mut(key) else { continue };
            let fresh = peer.dial.ended().is_some_and(|at| ctx.is_within(at, FRESH_ENOUGH));
            let idle = peer.dial.is_resting() && peer.is_proven();
            if !fresh && idle && self.checks_for_others.take(now) {
                peer.dial.hurry();
                self.prober.begin_burst(peer, &ctx);
            }
        }
    }

    /// Starts as many queued dials as the rate and the cap allow.
    pub(super) fn start_dials(&mut self, now: Instant) {
        let queued =
            |peers: &PeerTable, key, urgent| peers.get(key).and_then(|peer| peer.dial.queued_in(urgent));
        while let Some((key, attempt)) = self.dialer.next(|key, urgent| queued(&self.peers, key, urgent), now)
        {
            let rows = self.rows_for_request(key, now);
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let Some(peer) = peers.get_mut(key) else { continue };
            let request = exchange::request_frame(&rows, self.request_nonce, peer.addr().ip(), &ctx);
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
        let wants = self.remote_rows.wants(key, peers, settled);
        let troubled = peers.troubled().iter().filter(|other| **other != key);
        let mut about = Vec::new();
        let ids = troubled.filter_map(|other| peers.get(*other)?.id());
        ids.take(MAX_ABOUT).for_each(|id| append(&id, &mut about));
        RequestRows { page, wants, about }
    }

    /// An attempt has ended. One that was abandoned since is not known any longer.
    fn handle_dial_end(&mut self, dial: DialId, result: Result<Answer<'_>, Failure>, now: Instant) {
        let Some(key) = self.dialer.end(dial) else { return };
        let Some(peer) = self.peers.get_mut(key) else { return };
        // It is no longer in flight, whatever the reply makes of its row.
        let Some((attempt, began)) = peer.dial.take_in_flight(dial) else { return };
        let addr = peer.addr();
        match result.and_then(|answer| Ok((self.handle_reply(key, answer.body, now)?, answer))) {
            Ok((answerer, answer)) => self.handle_success(answerer, addr, attempt, answer, now),
            Err(failure) => self.handle_failure(key, attempt, began, &failure, now),
        }
    }

    /// Reads the reply to our dial, learns who answered, and returns its row.
    fn handle_reply(&mut self, key: PeerKey, body: &[u8], now: Instant) -> Result<PeerKey, Failure> {
        let reply = check_reply(body, self.request_nonce)?;
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let key = exchange::resolve_answerer(&reply, key, peers, &mut ctx)?;
        if let Some(peer) = peers.get_mut(key) {
            peer.gossip.acknowledge(reply.have.unwrap_or(0));
            peer.paths.note_prefix(reply.prefix);
        }
        if let Some(bytes) = reply.rows {
            let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
            let is_far = |owner| peers.by_id(owner).map(|key| peers.far().contains(&key));
            // Of nodes that are no peers, those that a row told of; nobody can make us keep rows of nodes that nobody has seen.
            let may = |rows: &super::RemoteRows, owner| {
                owner == reply.id || is_far(owner).unwrap_or_else(|| rows.is_unmet(owner))
            };
            self.remote_rows.handle_pages(bytes, reply.id, may, peers, &ctx);
            self.judge_if_needed(now);
        }
        Ok(key)
    }

    fn handle_success(
        &mut self,
        key: PeerKey,
        addr: SocketAddr,
        attempt: u32,
        answer: Answer<'_>,
        now: Instant,
    ) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        dialer::note_success(peer, answer, &mut ctx);
        peer.last_seen.note_any(now);
        peer.keep();
        let (info, Answer { connect, rtt, .. }) = (Arc::clone(peer.info()), answer);
        ctx.out.publish(Event::DialSucceeded { peer: info, addr, attempt, connect, rtt });
        let came_up = peer.state() != PeerState::Up;
        peer.set_state(PeerState::Up, &mut ctx);
        peer.prove(addr.ip(), &mut ctx);
        peer.watch_for_silence(&ctx);
        if came_up {
            // All may be well with it, and it has the name of another.
            self.judge_soon(now);
        }
    }

    fn handle_failure(
        &mut self,
        key: PeerKey,
        attempt: u32,
        began: Instant,
        failure: &Failure,
        now: Instant,
    ) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        dialer::note_failure(peer, attempt, began, failure, &mut ctx);
        if peer.dial.is_confirming() {
            peer.fall_silent(&mut ctx);
        }
        if !peer.probes.is_deaf() {
            self.prober.begin_burst(peer, &ctx);
        }
        // A few others are asked, by dialing them now, what they see of it.
        if peer.health.ask_others(now) {
            for other in peers.pick_idle(ASKED_AROUND, key, &mut ctx) {
                if let Some(other) = peers.get_mut(other) {
                    other.dial.hurry();
                }
            }
        }
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::DialNow(key) => self.force_dial(key),
            Command::DialAll => self.force_dials(|_| true),
            Command::DialFailing => self.force_dials(|peer| peer.state().is_failing()),
            Command::AddPeer(target) => self.add_peer(target, now),
            Command::Refresh => {
                let snapshot = Arc::new(self.snapshot(now));
                self.publish(Event::Snapshot(snapshot));
            }
            Command::Survey => {
                let view = self.survey(now);
                self.publish(Event::Matrix(Arc::new(view)));
            }
            Command::Forget(key) => {
                let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
                peers.forget(key, &mut ctx);
            }
            Command::Stop(reason) => self.leave(reason, now),
        }
    }

    fn force_dials(&mut self, of: impl Fn(&Peer) -> bool) {
        let keys: Vec<PeerKey> = self.peers.iter().filter(|peer| of(peer)).map(Peer::key).collect();
        keys.into_iter().for_each(|key| self.force_dial(key));
    }

    fn force_dial(&mut self, key: PeerKey) {
        if let Some(peer) = self.peers.get_mut(key) {
            peer.force_dial(self.shared.links());
        }
    }

    /// Finds the address of a peer that a person named; one named beyond [`super::limits::MAX_STATIC`] is ignored.
    fn add_peer(&mut self, target: Target, now: Instant) {
        if !self.named_peers.has_room(self.peers.named().len()) {
            return;
        }
        match target.literal() {
            Some(addr) => self.name_peer(&target, addr, now),
            None => self.shared.out().push(Output::Resolve(target)),
        }
    }

    fn name_peer(&mut self, target: &Target, addr: SocketAddr, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        match peers.name_peer(&target.host, addr, &mut ctx) {
            Ok(_) if self.lifecycle == Lifecycle::Running => self.announcer.hello_again(now),
            Ok(_) => {}
            Err(reason) => self.reject(reason, addr, now),
        }
    }

    /// Ends all dials and begins to say goodbye.
    fn leave(&mut self, reason: StopReason, now: Instant) {
        let mut ctx = self.shared.context(self.peers.len(), now);
        self.dialer.abandon_all(&mut ctx);
        self.lifecycle.leave(reason, now);
    }

    /// Says one of the goodbyes, if it is due.
    pub(super) fn say_goodbye(&mut self, now: Instant) {
        if self.lifecycle.next_goodbye().is_none_or(|next| now < next) {
            return;
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        announce::say_goodbye(peers, &mut ctx);
        if let AfterGoodbye::Stop(reason) = self.lifecycle.note_goodbye(now) {
            self.publish(Event::Stopped { reason });
            self.shared.out().push(Output::Stop);
        }
    }

    /// Announces this node, if that is due.
    pub(super) fn announce(&mut self, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        self.announcer.announce(peers, &mut ctx);
    }

    /// Does what is due for one peer.
    pub(super) fn wake(&mut self, key: PeerKey, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        self.announcer.wake(peer, &mut ctx);
        if peer.last_seen.deadline().is_some_and(|at| at <= now)
            && peer.suspect_silence(self.awake_since, &mut ctx) == Suspicion::ConfirmByDial
        {
            // The reflection rule holds here, too: forged presences that stop must not make us dial without limit.
            if self.dialer.confirm(peer, &ctx) {
                peer.dial.set_confirming(true);
            } else {
                peer.fall_silent(&mut ctx);
            }
        }
        let probes = self.prober.wake(peer, &mut ctx);
        if probes == ProbeOutcome::Concluded {
            self.conclude_probes(key, now);
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        self.dialer.wake(peer, &ctx);
        if peer.is_expired(now) {
            peers.expire(key, &mut ctx);
        }
    }

    /// Tells what was rejected, and looks names up again, where that is due.
    pub(super) fn run_errands(&mut self, now: Instant) {
        while let Some(event) = self.rejects.flush(now) {
            self.publish(event);
        }
        while let Some(target) = self.named_peers.take_due(now) {
            self.shared.out().push(Output::Resolve(target));
        }
    }

    fn note_foreign(&mut self, foreign: Option<Box<Foreign>>, now: Instant) {
        if let Some(foreign) = foreign.filter(|foreign| receive::is_worth_telling(foreign, &self.peers)) {
            let Foreign { info, why } = *foreign;
            self.note_stranger(info.addr.ip(), info, why, now);
        }
    }
}

/// After an interface came, went or changed: what failed for want of one is tried at once, and what was on one that is gone is
/// looked at.
fn follow_links(peer: &mut Peer, ctx: &mut Context<'_>) {
    let link = ctx.links.name_of(peer.addr().ip());
    let changed = link.as_ref() != peer.interface();
    let curable = peer.dial.retry() == Some(Retry::OnLinkChange);
    if changed {
        peer.health.observe_from(ctx.now);
    }
    if link.is_none() && !peer.is_proven() && peer.dial.is_queued() {
        peer.rest_until(ctx.now + ctx.config.dial_interval);
    }
    if link.is_some() {
        peer.set_interface(link);
    }
    if (changed || curable) && !peer.has_left() {
        peer.dial_soon(ctx);
    }
}

/// The peer's exchange was answered: it exists, holds its address, and reaches us by TCP.
fn note_served(peer: &mut Peer, from: SocketAddr, prefix: Option<u8>, ctx: &mut Context<'_>) {
    peer.last_seen.note_served(ctx.now);
    peer.paths.note_prefix(prefix);
    peer.prove(from.ip(), ctx);
    peer.revive(ctx);
    peer.keep();
    if peer.state() == PeerState::Unreachable {
        peer.dial_soon(ctx);
    }
    peer.watch_for_silence(ctx);
}
