//! Unicast echoes: whether UDP passes there and back, how much is lost, whether large datagrams pass.

pub(crate) mod evidence;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rand::{Rng, RngExt};

use crate::engine::Nonce;
use crate::engine::event::Icmp;
use crate::engine::peers::{PeerKey, PeerState};
use crate::proto::presence::Kind;

use crate::engine::Engine;
use crate::engine::limits::{
    BURST, BURST_AGAIN, BURST_GAP, ECHO_AGAIN, ECHOES_PER_INTERVAL, FIRST_ECHO_WITHIN, LARGE_IN_A_CROWD,
    LARGE_ONE_IN, LOST_IN_A_ROW, MAX_BURSTS,
};
use crate::engine::peers::row::Dial;
use crate::engine::probing::evidence::{Burst, Probe};

impl Engine {
    /// Asks a peer for echoes from now on: its address is proven, and it is known where it receives.
    pub(crate) fn begin_echoes(&mut self, key: PeerKey, now: Instant) {
        let peer = &mut self.peers[key];
        let reachable = peer.udp_port != 0 || peer.named.is_some();
        if peer.evidence.next_probe.is_some() || !reachable || !peer.info.addr.is_ipv4() {
            return;
        }
        // A newcomer is not to be asked by all at once.
        let most = if self.is_crowded() { self.config.dial_interval } else { FIRST_ECHO_WITHIN };
        let wait = self.rng.random_range(Duration::ZERO..=most);
        self.peers[key].evidence.next_probe = Some(now + wait);
    }

    /// Does what is due for a peer's echoes: gives up those that did not come, asks for the next.
    pub(crate) fn run_echoes(&mut self, key: PeerKey, now: Instant) {
        let evidence = &mut self.peers[key].evidence;
        if evidence.deadline().is_none_or(|due| due > now) {
            return;
        }
        if evidence.count_outcomes(now) {
            self.begin_burst(key, now);
        }
        if self.peers[key].evidence.next_probe.is_some_and(|at| at <= now) {
            self.ask_for_an_echo(key, now);
        }
        self.go_on_with_the_burst(key, now);
        if !self.peers[key].evidence.is_measuring() {
            self.conclude(key, now);
        }
    }

    /// How often a peer is regularly asked for an echo.
    pub(crate) fn echo_period(&self) -> Duration {
        let often = if self.is_crowded() { 1 } else { ECHOES_PER_INTERVAL };
        (self.config.dial_interval / often).max(ECHO_AGAIN)
    }

    fn ask_for_an_echo(&mut self, key: PeerKey, now: Instant) {
        let crowded = self.is_crowded();
        let next = now + self.echo_period();
        let next = if crowded { self.in_step(next) } else { next };
        let peer = &mut self.peers[key];
        if peer.state == PeerState::Left || !peer.is_proven() {
            peer.evidence.next_probe = None;
            return;
        }
        let evidence = &mut peer.evidence;
        evidence.next_probe = Some(next.max(now + BURST_GAP));
        evidence.nth_probe = evidence.nth_probe.wrapping_add(1);
        let one_in = if crowded { LARGE_IN_A_CROWD } else { LARGE_ONE_IN };
        let lossy = evidence.lossy;
        let large = evidence.nth_probe % one_in == 1 || evidence.large.lost_in_a_row() > 0;
        if lossy {
            // Whether it is over is to be known soon, too.
            self.begin_burst(key, now);
        }
        self.send_probe(key, false, now);
        if large {
            self.send_probe(key, true, now);
        }
    }

    /// Something failed: several probes tell whether some or all are lost.
    pub(crate) fn begin_burst(&mut self, key: PeerKey, now: Instant) {
        let room = self.bursts < MAX_BURSTS;
        // Where packets are lost all the time, they are counted now and then.
        let rest = (self.config.dial_interval / 2).max(BURST_AGAIN);
        let evidence = &mut self.peers[key].evidence;
        let rested = evidence.burst_began.is_none_or(|at| now.saturating_duration_since(at) >= rest);
        if room && rested && evidence.burst.is_none() && evidence.next_probe.is_some() {
            evidence.burst_began = Some(now);
            evidence.burst = Some(Burst { left: BURST, next: now });
            self.bursts += 1;
        }
    }

    fn go_on_with_the_burst(&mut self, key: PeerKey, now: Instant) {
        let Some(Burst { left, next }) = self.peers[key].evidence.burst.filter(|burst| burst.next <= now)
        else {
            return;
        };
        let Some(left) = left.checked_sub(1) else {
            return self.end_burst(key);
        };
        self.peers[key].evidence.burst = Some(Burst { left, next: next.max(now) + BURST_GAP });
        self.send_probe(key, false, now);
        if self.peers[key].evidence.large.lost_in_a_row() > 0 && left % 4 == 0 {
            self.send_probe(key, true, now);
        }
    }

    pub(crate) fn end_burst(&mut self, key: PeerKey) {
        if self.peers[key].evidence.burst.take().is_some() {
            self.bursts -= 1;
        }
    }

    fn send_probe(&mut self, key: PeerKey, large: bool, now: Instant) {
        let in_burst = self.peers[key].evidence.burst.is_some();
        let nonce = Nonce(self.rng.next_u64());
        let to = self.peers[key].unicast();
        self.peers[key].evidence.probes.push(Probe { nonce, sent: now, large, in_burst, answered: false });
        self.sequence += 1;
        let kind = if large { Kind::Probe } else { Kind::Here };
        self.send(to, kind, self.own_address_towards(to.ip()), Some(nonce), None);
    }

    /// An echo came, from the address that is dialed.
    pub(crate) fn take_echo(&mut self, key: PeerKey, echo: Nonce, now: Instant) {
        let evidence = &mut self.peers[key].evidence;
        let Some(probe) = evidence.probes.iter_mut().find(|probe| probe.nonce == echo && !probe.answered)
        else {
            return;
        };
        probe.answered = true;
        evidence.echoed = Some(now);
        let measure = evidence.count_outcomes(now);
        if measure {
            self.begin_burst(key, now);
        }
        let evidence = &self.peers[key].evidence;
        if !evidence.is_measuring() {
            self.conclude(key, now);
        }
    }

    /// ICMP says that a datagram to a peer did not arrive. It can be forged: it explains trouble and makes none.
    pub(crate) fn take_unreachable(&mut self, to: SocketAddr, icmp: Icmp, now: Instant) {
        // What this machine itself says of another one is what its dials say, too.
        let from_here = |ip| ip != to.ip() && self.interfaces.iter().any(|interface| interface.addr == ip);
        if icmp.from.is_some_and(from_here) || !self.nodes_at.contains_key(&to.ip()) {
            return;
        }
        if let Some(peer) = self.peers.values_mut().find(|peer| peer.unicast() == to) {
            peer.evidence.icmp = Some((icmp, now));
        }
    }

    /// The outcome of the latest probes is known: what does it mean?
    fn conclude(&mut self, key: PeerKey, now: Instant) {
        let deaf = self.peers[key].evidence.echoes.lost_in_a_row() >= LOST_IN_A_ROW;
        let peer = &self.peers[key];
        let dialed_since = match (peer.evidence.trouble, peer.evidence.dialed) {
            (Some(began), Some((at, _))) => at >= began,
            _ => false,
        };
        // A dial tells a dead host from one whose UDP is blocked; it need not wait for its turn.
        if deaf && !dialed_since && matches!(peer.dial, Dial::Resting { .. }) && self.may_dial(key, now) {
            self.dial_at_once(key);
        }
        self.look(key, now);
    }
}
