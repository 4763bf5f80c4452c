//! What concerns the whole node: its interfaces, what people ask for, what is due by the clock, its end.

use std::sync::Arc;
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::api::{Command, Output};
use crate::engine::cause::Retry;
use crate::engine::config::DialInterval;
use crate::engine::context::Context;
use crate::engine::dialing::turns::Turns;
use crate::engine::event::{Event, StopReason};
use crate::engine::exchange;
use crate::engine::interface::Interface;
use crate::engine::lifecycle::{AfterGoodbye, Lifecycle};
use crate::engine::peers::observe::Times;
use crate::engine::peers::peer::{Peer, Suspicion};
use crate::engine::peers::{LeaveReason, NodeInfo, PeerKey};
use crate::engine::presence::announce;
use crate::engine::presence::receive::{self, Arrival, Reading};
use crate::engine::probing::prober::ProbeOutcome;
use crate::engine::timers::{Timer, Wakefulness};

impl Engine {
    /// The interfaces as they are now. The first time, the node starts.
    pub(in crate::engine) fn handle_interfaces(&mut self, interfaces: Vec<Interface>, now: Instant) {
        let changes = self.shared.links_mut().replace(interfaces);
        if self.lifecycle == Lifecycle::Idle {
            self.judging.wires.begin_again(now);
            return self.start(now);
        }
        if changes.gone.is_empty() && changes.new.is_empty() {
            return;
        }
        self.judging.wires.begin_again(now);
        for gone in changes.gone {
            self.publish(Event::InterfaceDown { interface: Arc::new(gone) });
        }
        for new in changes.new {
            self.publish(Event::InterfaceUp { interface: Arc::new(new) });
        }
        self.hearing.note(now);
        self.announcer.hello_again(now);
        self.named_peers.look_all_up(now);
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
        self.hearing.note(now);
        self.told_nodes.begin(now + self.shared.dial_interval());
        let (node, interfaces) = (Arc::clone(&self.node), Arc::clone(self.shared.links().all()));
        self.publish(Event::Started { node, interfaces });
        self.announcer.hello_again(now);
        for target in self.shared.take_named() {
            self.add_peer(&target, now);
        }
        for target in self.shared.take_joined() {
            self.join(&target, now);
        }
    }

    pub(in crate::engine) fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::DialNow(key) => self.force_dial(key, now),
            Command::DialAll => self.force_dials(|_| true, now),
            Command::DialFailing => self.force_dials(|peer| peer.state().is_failing(), now),
            Command::AddPeer(target) => self.add_peer(&target, now),
            Command::Join(target) => self.join(&target, now),
            Command::RequestSnapshot => {
                let snapshot = Arc::new(self.snapshot(now));
                self.publish(Event::Snapshot(snapshot));
            }
            Command::RequestMatrix => {
                let view = self.matrix(now);
                self.publish(Event::Matrix(Arc::new(view)));
            }
            Command::SetDialInterval(setting) => self.set_dial_interval(setting, now),
            Command::Forget(key) => {
                let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
                peers.forget(key, &mut ctx);
            }
            Command::Stop(reason) => self.leave(reason, now),
        }
    }

    /// Where peers are dialed more rarely, the dial that is planned still comes in its time: with it each learns of the new period before it
    /// counts. Where they are dialed more often, all are once within the new period: what is known of them is then as young as it has to be.
    fn set_dial_interval(&mut self, setting: DialInterval, now: Instant) {
        let before = self.shared.dial_interval();
        self.shared.set_dial_interval(setting, self.peers.len(), now);
        self.times = Times::of(self.shared.dial_interval(), self.shared.config());
        self.node = Arc::new(NodeInfo::of(self.shared.config()));
        if self.shared.dial_interval() >= before {
            return;
        }
        for key in self.peers.keys() {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            if let Some(peer) = peers.get_mut(key) {
                peer.rest_at_most_an_interval(&mut ctx);
            }
        }
    }

    fn force_dials(&mut self, of: impl Fn(&Peer) -> bool, now: Instant) {
        let keys: Vec<PeerKey> = self.peers.iter().filter(|peer| of(peer)).map(Peer::key).collect();
        for key in keys {
            self.force_dial(key, now);
        }
    }

    fn force_dial(&mut self, key: PeerKey, now: Instant) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.force_dial(self.shared.links());
        if !peer.info().has_address() {
            self.named_peers.look_up(key, now);
        }
    }

    /// Ends all dials and begins to say goodbye.
    fn leave(&mut self, reason: StopReason, now: Instant) {
        let mut ctx = self.shared.context(self.peers.len(), now);
        self.membership.leave(&self.peers, &mut ctx);
        self.dialer.abandon_all(&mut ctx);
        self.watch.tethers.drop_all(&mut ctx);
        self.lifecycle.leave(reason, now);
    }

    /// Says one of the goodbyes, if it is due.
    pub(in crate::engine) fn say_goodbye(&mut self, now: Instant) {
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

    /// A peer asks whether it is true that this node leaves.
    pub(in crate::engine) fn confirm_goodbye(&mut self, arrival: Arrival, bytes: &[u8], now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let opened = ctx.wrapping().open(bytes);
        let Reading::Presence(datagram) = receive::read(arrival, &opened, &ctx) else { return };
        let peer = peers.by_id(datagram.presence.id).and_then(|key| peers.get(key));
        let peer = peer.filter(|peer| datagram.is_from_dialed(peer));
        if let Some((peer, nonce)) = peer.zip(datagram.presence.nonce) {
            self.announcer.confirm_goodbye(peer, datagram.from, nonce, &mut ctx);
        }
    }

    /// A tick that comes far too late means that the process stood still, not that the peers did.
    pub(in crate::engine) fn notice_a_stall(&mut self, now: Instant) {
        let was_slow = self.punctuality.hesitation(now).is_some();
        if self.punctuality.note(self.poll_timeout(), now) == Wakefulness::StoodStill {
            self.reset_after_stall(now);
        }
        self.shared.note_waited_since(self.punctuality.reads_what_came_since(None, now));
        if !was_slow && self.punctuality.hesitation(now).is_some() {
            self.judge_soon(now);
        }
    }

    /// This node stood still, alone or with its machine: what did not come meanwhile says nothing of its peers.
    pub(in crate::engine) fn reset_after_stall(&mut self, now: Instant) {
        self.punctuality.wake_up(now);
        self.hearing.note(now);
        if self.lifecycle == Lifecycle::Running {
            self.announcer.hello_again(now);
        }
        self.watch.watchers.forget_asked();
        for key in self.peers.keys() {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.probes.forget_asked();
                peer.health.observe_from(now);
            }
        }
    }

    /// Announces this node, if that is due, and sees to its tethers.
    pub(in crate::engine) fn announce(&mut self, now: Instant) {
        let _ = self.tell_wires_apart(now);
        self.hearing.expect_of(&self.peers, now);
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        self.announcer.announce(peers, &mut ctx);
        if ctx.config.visitor {
            return;
        }
        let frame = exchange::tether_frame(self.request_nonce, &ctx);
        self.watch.tethers.choose(peers, &frame, &mut ctx);
        self.watch.watchers.choose(self.watch.tethers.chosen(), &mut ctx);
    }

    /// Does what is due for one peer.
    pub(in crate::engine) fn wake(&mut self, key: PeerKey, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let turns = Turns::of(key, peers, &ctx);
        let Some(peer) = peers.get_mut(key) else { return };
        peer.take_wake_up();
        self.announcer.wake(peer, &mut ctx);
        if peer.last_seen.deadline().is_some_and(|at| at <= now.into())
            && peer.suspect_silence(self.punctuality.awake_since(), &mut ctx) == Suspicion::ConfirmByDial
        {
            // The reflection rule holds here, too: forged presences that stop must not make us dial without limit.
            if self.dialer.confirm(peer, turns, &ctx) {
                peer.dial.set_confirming(true);
            } else {
                peer.fall_silent(&mut ctx);
            }
        }
        if peer.takes_farewell(&ctx) {
            peers.leave(key, LeaveReason::Goodbye, &mut ctx);
            // It may come back with another address.
            self.named_peers.look_up(key, now);
            return;
        }
        let probes = self.prober.wake(peer, &mut ctx);
        if probes == ProbeOutcome::Concluded || peer.probes.burst_seems_lost(now) {
            self.conclude_probes(key, now);
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        self.dialer.wake(peer, turns, &ctx);
        if peer.is_expired(now) {
            peers.expire(key, &mut ctx);
        }
    }

    /// Tells what was rejected, and looks names up again, where that is due.
    pub(in crate::engine) fn run_errands(&mut self, now: Instant) {
        while let Some(event) = self.rejects.flush(now) {
            self.publish(event);
        }
        if self.timers.is_due(Timer::AskTold, now) {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            self.told_nodes.look(&self.remote_rows, peers, &mut ctx);
        }
        if self.timers.is_due(Timer::CheckRows, now) {
            self.check_rows(now);
        }
        if self.timers.is_due(Timer::Membership, now) {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
            self.membership.wake(peers, &mut ctx);
        }
        self.look_names_up(now);
        self.see_to_visitors(now);
    }
}

/// After an interface came, went or changed: what failed for want of one is tried at once, and what was on one that is gone is
/// looked at.
fn follow_links(peer: &mut Peer, ctx: &mut Context<'_>) {
    let link = ctx.links.name_of(peer.ip());
    let changed = link.as_ref() != peer.interface();
    let curable = peer.dial.retry() == Some(Retry::OnLinkChange);
    if changed {
        peer.health.observe_from(ctx.now);
    }
    if link.is_none() && !peer.is_proven() && peer.dial.is_queued() {
        peer.rest_until(ctx.now + ctx.pace.dial_interval());
    }
    if link.is_some() {
        peer.set_interface(link);
        let told = ctx.links.told(peer.addr());
        if told != peer.info().addr {
            // The link has another name now.
            peer.change_info(|info| info.addr = told);
        }
    }
    if (changed || curable) && !peer.has_left() {
        peer.dial_soon(ctx);
    }
}
