//! When which peer is dialed, retried and given up.
//!
//! A dial is one to `max` attempts. It rests between two regular dials, queues for the budget, is in flight, and waits
//! between attempts. Forced, first and confirming dials go before regular ones and retries.

pub mod cause;
pub mod retry;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::event::{Answer, DialId, Event, Output};
use crate::engine::peers::{PeerKey, PeerState};

use crate::engine::limits::{DIAL_SPREAD, MAX_DIALS_IN_FLIGHT, PROOF_GRACE, SILENT_KEPT};
use crate::engine::peers::row::Dial;
use crate::engine::{Engine, Life};

impl Engine {
    /// A person wants this peer dialed now: a wait is cut short, a dial in flight is left alone.
    pub(crate) fn force_dial(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let free = peer.info.addr.port() != 0 && !matches!(peer.dial, Dial::InFlight { .. });
        // Not even a person makes us dial what was only claimed by somebody beyond our links.
        let (proven, ip) = (peer.is_proven(), peer.info.addr.ip());
        if !free || !(proven || self.link_name(ip).is_some()) {
            return;
        }
        self.peers[key].forced = true;
        self.dial_at_once(key);
    }

    /// Puts a peer's next attempt in front of the queue.
    pub(crate) fn dial_at_once(&mut self, key: PeerKey) {
        let attempt = match self.peers[key].dial {
            Dial::InFlight { .. } | Dial::Queued { urgent: true, .. } => return,
            Dial::Waiting { attempt, .. } | Dial::Queued { attempt, .. } => attempt,
            Dial::Off | Dial::Resting { .. } => 1,
        };
        self.queue(key, attempt, true);
    }

    /// Dials a peer in a moment: after a random wait that grows with the number of peers.
    pub(crate) fn dial_soon(&mut self, key: PeerKey, now: Instant) {
        let wait = self.spread();
        self.dial_after(key, wait, now);
    }

    /// Dials a peer when it has had the time to prove its address; after a proof, [`Engine::dial_soon`] hurries it.
    pub(crate) fn dial_after_grace(&mut self, key: PeerKey, now: Instant) {
        let wait = PROOF_GRACE + self.spread();
        self.dial_after(key, wait, now);
    }

    fn spread(&mut self) -> Duration {
        let most = DIAL_SPREAD * u32::try_from(self.peers.len()).unwrap_or(u32::MAX);
        self.rng.random_range(Duration::ZERO..=most.min(self.config.dial_interval))
    }

    /// Brings the next attempt forward to `wait` from now; one that is nearer, queued or in flight stays.
    pub(crate) fn dial_after(&mut self, key: PeerKey, wait: Duration, now: Instant) {
        let peer = &mut self.peers[key];
        if peer.info.addr.port() == 0 {
            return;
        }
        let at = now + wait;
        match &mut peer.dial {
            Dial::Off => peer.dial = Dial::Resting { next: at },
            Dial::Resting { next } => *next = at.min(*next),
            Dial::Waiting { until, .. } => *until = at.min(*until),
            Dial::Queued { .. } | Dial::InFlight { .. } => {}
        }
    }

    /// Queues the attempt whose time has come.
    pub(crate) fn dial_if_due(&mut self, key: PeerKey, now: Instant) {
        match self.peers[key].dial {
            Dial::Resting { next } if next <= now => {
                let first = self.peers[key].state == PeerState::New;
                if self.may_dial(key, now) {
                    self.queue(key, 1, first);
                }
            }
            Dial::Waiting { attempt, until, .. } if until <= now => self.queue(key, attempt, false),
            _ => {}
        }
    }

    /// The reflection rule: a peer that has not proved its address is dialed only on a link of ours, within a small
    /// budget of all such peers.
    pub(crate) fn may_dial(&mut self, key: PeerKey, now: Instant) -> bool {
        let peer = &self.peers[key];
        if peer.is_proven() {
            return true;
        }
        let on_link = self.link_name(peer.info.addr.ip()).is_some();
        let allowed = on_link && self.unproven_dials.take(now);
        if !allowed {
            let next = now + self.config.dial_interval;
            self.peers[key].rest_until(next);
        }
        allowed
    }

    fn queue(&mut self, key: PeerKey, attempt: u32, urgent: bool) {
        self.peers[key].dial = Dial::Queued { attempt, urgent };
        let queue = if urgent { &mut self.urgent } else { &mut self.regular };
        queue.push_back(key);
    }

    /// When the budget allows the next queued dial.
    pub(crate) fn dials_due(&self) -> Option<Instant> {
        let waiting = !(self.urgent.is_empty() && self.regular.is_empty());
        (waiting && self.in_flight.len() < MAX_DIALS_IN_FLIGHT).then(|| self.dials.ready_at()).flatten()
    }

    /// Starts as many queued dials as the budget and the cap allow.
    pub(crate) fn start_dials(&mut self, now: Instant) {
        if self.life != Life::Running {
            return;
        }
        while self.in_flight.len() < MAX_DIALS_IN_FLIGHT {
            let Some((key, attempt)) = self.next_queued() else { return };
            if !self.dials.take(now) {
                return;
            }
            let urgent = &mut self.urgent;
            if urgent.front() == Some(&key) {
                urgent.pop_front()
            } else {
                self.regular.pop_front()
            };
            self.start_dial(key, attempt, now);
        }
    }

    /// The peer whose turn it is; entries of peers that are no longer queued so are dropped.
    fn next_queued(&mut self) -> Option<(PeerKey, u32)> {
        for (queue, class) in [(&mut self.urgent, true), (&mut self.regular, false)] {
            while let Some(&key) = queue.front() {
                match self.peers.get(key).map(|p| p.dial) {
                    Some(Dial::Queued { attempt, urgent }) if urgent == class => return Some((key, attempt)),
                    _ => queue.pop_front(),
                };
            }
        }
        None
    }

    fn start_dial(&mut self, key: PeerKey, attempt: u32, now: Instant) {
        self.last_dial.0 += 1;
        let id = self.last_dial;
        let peer = &mut self.peers[key];
        if attempt == 1 {
            peer.began = Some(now);
            peer.max = if peer.is_proven() { self.config.retry.max_attempts } else { 1 };
        }
        peer.dial = Dial::InFlight { id, attempt, since: now };
        let forced = std::mem::take(&mut peer.forced);
        let (addr, max, info) = (peer.info.addr, peer.max, Arc::clone(&peer.info));
        let request = self.request(key, now);
        self.in_flight.insert(id, key);
        self.publish(Event::DialStarted { peer: info, addr, attempt, max, forced });
        let timeout = self.config.retry.timeout;
        self.outputs.push_back(Output::Dial { dial: id, addr, request, timeout });
    }

    /// An attempt has ended. One that was abandoned since is not known any longer.
    pub(crate) fn end_dial(&mut self, dial: DialId, result: Result<Answer<'_>, Failure>, now: Instant) {
        let Some(key) = self.in_flight.remove(&dial) else { return };
        let (attempt, since) = match self.peers[key].dial {
            Dial::InFlight { id, attempt, since } if id == dial => (attempt, since),
            _ => return,
        };
        // It is no longer in flight, whatever the reply makes of its row.
        self.peers[key].dial = Dial::Off;
        let addr = self.peers[key].info.addr;
        match result.and_then(|answer| Ok((self.read_reply(key, answer.body, now)?, answer))) {
            Ok((answerer, answer)) => self.dial_succeeded(answerer, addr, attempt, answer, now),
            Err(failure) => self.dial_failed(key, attempt, since, &failure, now),
        }
    }

    /// The row that `key` names may be another than the one dialed, with another address: the reply may have merged the two.
    fn dial_succeeded(
        &mut self,
        key: PeerKey,
        addr: SocketAddr,
        attempt: u32,
        answer: Answer<'_>,
        now: Instant,
    ) {
        let (connect, rtt) = (answer.connect, answer.rtt);
        let next = self.next_regular(key, now);
        let peer = &mut self.peers[key];
        if !matches!(peer.dial, Dial::InFlight { .. }) {
            peer.rest_until(next);
        }
        peer.heard = Some(now);
        peer.expiry = None;
        peer.confirming = false;
        peer.outcomes.push(false);
        peer.connect = Some(connect);
        peer.rtt = Some(rtt);
        peer.cause = None;
        peer.retry = None;
        peer.evidence.note_dial(now.checked_sub(connect + rtt).unwrap_or(now), now, true);
        let info = Arc::clone(&peer.info);
        self.publish(Event::DialSucceeded { peer: info, addr, attempt, connect, rtt });
        if self.peers[key].state != PeerState::Up {
            // All may be well with it, and it has the name of another.
            self.judge_soon(now);
        }
        self.set_state(key, PeerState::Up);
        self.prove(key, addr.ip(), now);
        self.watch_for_silence(key, now);
        self.look(key, now);
        self.arm(key);
    }

    fn dial_failed(&mut self, key: PeerKey, attempt: u32, since: Instant, failure: &Failure, now: Instant) {
        let failure = self.blame_the_interface(key, failure);
        let policy = self.config.retry;
        let peer = &mut self.peers[key];
        peer.outcomes.push(true);
        peer.cause = Some(failure.cause);
        peer.retry = Some(failure.retry);
        peer.evidence.note_dial(since, now, false);
        peer.evidence.note_trouble(since);
        let wait =
            if attempt < peer.max { policy.wait_after(attempt, &failure, &mut self.rng) } else { None };
        let (info, addr, max) = (Arc::clone(&peer.info), peer.info.addr, peer.max);
        self.publish(Event::dial_failed((&info, addr), (attempt, max), &failure, wait));
        let state = self.peers[key].state;
        let failing = matches!(state, PeerState::Unreachable | PeerState::Silent | PeerState::Left);
        if let Some(wait) = wait {
            self.peers[key].dial = Dial::Waiting { attempt: attempt + 1, since: now, until: now + wait };
            if !failing {
                self.set_state(key, PeerState::Retrying);
            }
        } else {
            let next = self.next_regular(key, now);
            let peer = &mut self.peers[key];
            // One that left was dialed because a person wanted it, this once.
            if state != PeerState::Left || peer.named.is_some() {
                peer.rest_until(next);
            }
            if peer.period.is_none() && peer.named.is_none() {
                // Who was never heard by UDP is never suspected of silence, and would be dialed for ever.
                peer.expiry.get_or_insert(now + SILENT_KEPT);
            }
            self.publish(Event::DialGaveUp { peer: info, addr, attempts: attempt, cause: failure.cause });
            if !failing {
                self.set_state(key, PeerState::Unreachable);
            }
        }
        if self.peers[key].confirming {
            self.fall_silent(key, now);
        }
        if !self.peers[key].evidence.is_deaf() {
            self.begin_burst(key, now);
        }
        self.look(key, now);
        self.ask_around(key, now);
        self.arm(key);
    }

    /// The regular dials of a peer keep their phase; the second is put at a random phase, so that peers found together
    /// are not dialed together ever after. After a dial longer than the interval, a whole interval is waited.
    fn next_regular(&mut self, key: PeerKey, now: Instant) -> Instant {
        let interval = self.config.dial_interval;
        let peer = &self.peers[key];
        let first = peer.connect.is_none() && peer.cause.is_none();
        if first {
            return now + interval.mul_f64(self.rng.random_range(0.05..=1.0));
        }
        let in_phase = self.in_step(peer.began.unwrap_or(now) + interval);
        if in_phase > now { in_phase } else { self.in_step(now + interval) }
    }

    /// "No route" towards a peer whose link was ours until lately means that the interface is down.
    fn blame_the_interface(&self, key: PeerKey, failure: &Failure) -> Failure {
        let mut failure = failure.clone();
        let peer = &self.peers[key];
        let link_failure = failure.retry == Retry::OnLinkChange;
        if let Some(interface) = peer.interface.as_ref().filter(|_| link_failure)
            && self.link_name(peer.info.addr.ip()).is_none()
        {
            let interface = Arc::clone(interface);
            failure.detail = Arc::new(Detail::InterfaceDown { interface, failed: failure.detail });
            failure.cause = Cause::InterfaceDown;
        }
        failure
    }
}
