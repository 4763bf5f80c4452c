//! A datagram to the peer that sent it, and what its probes say.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::address::ZonedIp;
use crate::engine::api::Icmp;
use crate::engine::dialing::turns::Turns;
use crate::engine::event::RejectReason;
use crate::engine::interface::LinkIndex;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::peer::word::Evidence;
use crate::engine::peers::{LeaveReason, PeerKey};
use crate::engine::presence::announce;
use crate::engine::presence::foreign::WideCopy;
use crate::engine::presence::heard::Taken;
use crate::engine::presence::receive::{self, Arrival, Datagram, Reading};
use crate::engine::presence::sender::{Sender, Whereabouts};
use crate::engine::presence::wrapping::Opened;
use crate::engine::probing::prober::ProbeOutcome;
use crate::engine::{Engine, Nonce};
use crate::proto::presence::Kind;

/// The host is there, and nothing receives at the port.
const PORT_UNREACHABLE: u8 = 3;

impl Engine {
    pub(in crate::engine) fn handle_datagram(&mut self, arrival: Arrival, bytes: &[u8], now: Instant) {
        let Arrival { from, link, .. } = arrival;
        if self.lifecycle != Lifecycle::Running {
            return;
        }
        if self.comes_by_unused_link(link, from.into()) {
            return self.reject(RejectReason::UnusedLink, from, now);
        }
        let opened = self.shared.context(self.peers.len(), now).wrapping().open(bytes);
        self.handle_opened(arrival, &opened, now);
    }

    fn handle_opened(&mut self, arrival: Arrival, opened: &Opened<'_>, now: Instant) {
        let Arrival { from, link, .. } = arrival;
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let datagram = match receive::read(arrival, opened, &ctx) {
            Reading::Presence(datagram) => datagram,
            Reading::Own(datagram) => return self.handle_own(&datagram, now),
            Reading::Refused(reason, foreign) => {
                self.note_foreign(foreign, now);
                return self.reject(reason, from, now);
            }
        };
        if datagram.presence.is_of_visitor() {
            return self.handle_visitor(&datagram, now);
        }
        if let Some(link) = link.filter(|_| ctx.links.share_a_network() && datagram.is_to_all()) {
            self.judging.wires.note(datagram.presence.id, link, |id| peers.is_there(id), now);
        }
        if datagram.is_wide() {
            match datagram.read_wide(peers, &ctx) {
                WideCopy::Ordinary => {}
                WideCopy::Known => return,
                WideCopy::PeerElsewhere(at, prefix) => {
                    return self.judging.foreign.note_peer_elsewhere(at.ip(), prefix, now);
                }
                WideCopy::Foreign(foreign) => {
                    if self.judging.foreign.is_in_shared_network(from.ip()) {
                        self.reject(RejectReason::OffLink, from, now);
                    }
                    return self.note_foreign(Some(foreign), now);
                }
            }
        }
        if datagram.is_to_all() {
            self.hearing.note(now);
        }
        if datagram.is_steady_heartbeat(peers, &ctx) {
            return;
        }
        let datagram = datagram.as_of_a_nat(peers);
        match datagram.resolve_sender(peers, &mut ctx) {
            Sender::Peer(key) => self.handle_presence(key, &datagram, now),
            Sender::Unproved(key) => {
                if let Some(peer) = peers.get_mut(key) {
                    self.announcer.ask_for_proof(peer, datagram.asks(), &mut ctx);
                }
                self.reject(RejectReason::Replayed, datagram.from, now);
            }
            Sender::Nobody => {}
            Sender::Refused(reason) => self.reject(reason, datagram.from, now),
            Sender::OffLink => {
                if let Some(key) = self.meet_member(&datagram, now) {
                    return self.handle_presence(key, &datagram, now);
                }
                let mut ctx = self.shared.context(self.peers.len(), now);
                self.announcer.answer_off_link(&datagram, &mut ctx);
                self.reject_off_link(&datagram, now);
            }
        }
    }

    /// Whether something came in by a link that this node does not use, and not from an address that a person named.
    pub(super) fn comes_by_unused_link(&self, link: Option<LinkIndex>, from: ZonedIp) -> bool {
        !self.shared.links().uses(link, from) && !self.peers.at(from).any(Peer::is_named)
    }

    /// A presence of a peer, perhaps a new one.
    fn handle_presence(&mut self, key: PeerKey, datagram: &Datagram<'_>, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        let presence = &datagram.presence;
        let refused = match datagram.note_heard(peer, &ctx) {
            Taken::Whole => None,
            Taken::EchoOnly => {
                peer.prove_by_echo(presence.echo, datagram.from.into(), &mut ctx);
                if let Some(nonce) = presence.nonce {
                    self.announcer.echo(peer, datagram.asks(), nonce, &mut ctx);
                }
                return self.handle_echo(key, presence.echo, now);
            }
            Taken::ProveFirst => {
                self.announcer.ask_for_proof(peer, datagram.asks(), &mut ctx);
                Some(RejectReason::Replayed)
            }
            Taken::AskWhetherItLeaves => return peer.doubt_goodbye(presence.sequence, &mut ctx),
            Taken::CopyOfGoodbye => return,
            Taken::Refused(reason) => Some(reason),
        };
        if let Some(reason) = refused {
            if datagram.is_to_all() && self.shared.links().share_a_network() {
                // The copy that came by the other link.
                return;
            }
            return self.reject(reason, datagram.from, now);
        }
        match datagram.locate(peer, &ctx) {
            Whereabouts::Same => {}
            Whereabouts::AskOldAddress => announce::ask_old_address(peer, &mut ctx),
            Whereabouts::Moved(to) => peers.readdress(key, to, &mut ctx),
        }
        let here = peers.get(key).is_some_and(|peer| datagram.is_from_dialed(peer));
        if here && datagram.misleads(peers.get(key)) {
            // Where it comes from: what is known of where the peer receives may be the lie.
            if let Some(peer) = peers.get_mut(key) {
                self.announcer.ask_for_proof(peer, datagram.asks(), &mut ctx);
            }
        } else if here {
            datagram.apply_claims(key, peers, &mut ctx);
        } else {
            datagram.note_copy(key, peers);
        }
        if presence.kind == Kind::Goodbye {
            peers.leave(key, LeaveReason::Goodbye, &mut ctx);
            // It may come back with another address.
            self.named_peers.look_up(key, now);
            return;
        }
        let Some(peer) = peers.get_mut(key) else { return };
        peer.note_hiding(datagram.was_sealed);
        peer.watch_for_silence(&ctx);
        peer.revive(&mut ctx);
        let proves = datagram.evidence(peer) == Evidence::Echo;
        peer.prove_by_echo(presence.echo, datagram.from.into(), &mut ctx);
        let is_proven = peer.paths.is_proven(datagram.from.into());
        if proves {
            self.announcer.note_proof(datagram.from.into(), peers, &mut ctx);
        }
        let key = if is_proven {
            let addr = ZonedIp::from(datagram.from).at_port(presence.tcp_port);
            peers.settle_at(key, addr, &mut ctx)
        } else {
            key
        };
        let Some(peer) = peers.get_mut(key) else { return };
        let is_asked = presence.nonce.is_some() && peer.has_proved();
        if !is_asked || self.announcer.may_echo(datagram, now) {
            self.announcer.respond(peer, datagram, &mut ctx);
        }
        let is_trusted = peer.speaks_at(datagram.from.into());
        if let Some(rows) = presence.rows.filter(|_| is_trusted) {
            self.hear_news(key, presence.id, rows, now);
        }
        if let Some(told) = presence.membership.filter(|_| is_trusted) {
            self.hear_membership(told, datagram, now);
        }
        if let Some(suspicion) = presence.suspicion.filter(|_| is_trusted) {
            self.hear_suspicion(key, suspicion, now);
        }
        self.handle_echo(key, presence.echo.filter(|_| here), now);
    }

    fn handle_echo(&mut self, key: PeerKey, echo: Option<Nonce>, now: Instant) {
        let Some(echo) = echo else { return };
        let watched = self.watch.watchers.note_echo(key, echo);
        let asked = watched.or_else(|| self.peers.get(key)?.probes.asked(echo));
        if let Some(asked) = asked {
            self.note_lateness(key, asked.into(), |peer| peer.note_echo_asked(asked.into(), now), now);
        }
        if watched.is_some() {
            return;
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        if self.prober.handle_echo(peer, echo, &mut ctx) == ProbeOutcome::Concluded {
            self.conclude_probes(key, now);
        }
    }

    /// The outcome of the latest probes is known. A dial tells a dead host from one whose UDP is blocked; it need not wait for its
    /// turn.
    pub(in crate::engine) fn conclude_probes(&mut self, key: PeerKey, now: Instant) {
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let turns = Turns::of(key, peers, &ctx);
        let Some(peer) = peers.get_mut(key) else { return };
        let dialed_since = match (peer.health.trouble(), peer.dial.ended()) {
            (Some(began), Some(at)) => at >= began,
            _ => false,
        };
        let fails = peer.probes.is_failing() || peer.probes.burst_seems_lost(now);
        if fails && !dialed_since && peer.dial.is_resting() {
            self.dialer.confirm(peer, turns, &ctx);
        }
    }

    /// ICMP says that a datagram to a peer did not arrive. It can be forged: it explains trouble and makes none, but that a suspect is
    /// dialed.
    pub(in crate::engine) fn handle_unreachable(&mut self, to: SocketAddr, icmp: Icmp, now: Instant) {
        // What this machine itself says of another one is what its dials say, too.
        let from_here = icmp.from.is_some_and(|ip| ip != to.into() && self.shared.links().holds(ip));
        let key = self.peers.at(to.into()).find(|peer| peer.unicast() == to).map(Peer::key);
        let Some(key) = key.filter(|_| !from_here) else { return };
        let Some(peer) = self.peers.get_mut(key) else { return };
        peer.health.note_icmp(icmp, now);
        let is_refused = icmp.code == PORT_UNREACHABLE && icmp.from == Some(peer.ip());
        if is_refused && self.watch.suspicions.note_refused_echo(key) {
            self.pursue(key, now);
        }
    }
}
