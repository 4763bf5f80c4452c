//! Which peer is dialed next: the queues, the rates, and what is in flight.
//!
//! Forced, first and confirming dials go before regular ones and retries. The state of one peer's dial is its own.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use rand::RngExt;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::context::Context;
use crate::engine::event::{Answer, DialId, Event, Output};
use crate::engine::limits::{MAX_DIALS_IN_FLIGHT, SILENT_KEPT, UNPROVEN_DIALS_PER_SECOND};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState};
use crate::engine::rate_limiter::RateLimiter;

/// All peers' dials.
#[derive(Debug)]
pub(crate) struct Dialer {
    last: DialId,
    in_flight: HashMap<DialId, PeerKey>,
    urgent: VecDeque<PeerKey>,
    regular: VecDeque<PeerKey>,
    rate: RateLimiter,
    unproven: RateLimiter,
}

impl Dialer {
    /// A dialer that starts at most `rate` dials a second.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            last: DialId(0),
            in_flight: HashMap::new(),
            urgent: VecDeque::new(),
            regular: VecDeque::new(),
            rate: RateLimiter::per_second(rate, rate / 10),
            unproven: RateLimiter::per_second(UNPROVEN_DIALS_PER_SECOND, UNPROVEN_DIALS_PER_SECOND),
        }
    }

    /// Queues the attempt whose time has come.
    pub(crate) fn wake(&mut self, peer: &mut Peer, ctx: &Context<'_>) {
        if peer.dial.is_regular_due(ctx.now) {
            if self.may_dial(peer, ctx) {
                peer.dial.queue(1, peer.state() == PeerState::New);
            }
        } else if let Some(attempt) = peer.dial.retry_due(ctx.now) {
            peer.dial.queue(attempt, false);
        }
    }

    /// Dials a peer now, if the reflection rule allows that: whether it does.
    pub(crate) fn confirm(&mut self, peer: &mut Peer, ctx: &Context<'_>) -> bool {
        let allowed = self.may_dial(peer, ctx);
        if allowed {
            peer.dial.hurry();
        }
        allowed
    }

    /// The reflection rule: a peer that has not proved its address is dialed only on a link of ours, within a small
    /// budget of all such peers.
    fn may_dial(&mut self, peer: &mut Peer, ctx: &Context<'_>) -> bool {
        if peer.is_proven() {
            return true;
        }
        let allowed = ctx.links.reaches(peer.addr().ip()) && self.unproven.take(ctx.now);
        if !allowed {
            peer.rest_until(ctx.now + ctx.config.dial_interval);
        }
        allowed
    }

    /// Places a peer in the queue that its dial waits for, and drops the connection of one that was abandoned.
    pub(crate) fn reconcile(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        if let Some(dial) = peer.dial.take_abandoned() {
            self.in_flight.remove(&dial);
            ctx.out.push(Output::AbandonDial(dial));
        }
        if let Some(urgent) = peer.dial.take_unplaced() {
            let queue = if urgent { &mut self.urgent } else { &mut self.regular };
            queue.push_back(peer.key());
        }
    }

    /// When the rate allows the next queued dial.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let waiting = !(self.urgent.is_empty() && self.regular.is_empty());
        (waiting && self.in_flight.len() < MAX_DIALS_IN_FLIGHT).then(|| self.rate.ready_at()).flatten()
    }

    /// The next attempt that the rate and the cap allow, if its peer still waits for it: `attempt_in` tells that, for the urgent
    /// and for the regular queue. Entries of peers that do not are dropped.
    pub(crate) fn next(
        &mut self,
        attempt_in: impl Fn(PeerKey, bool) -> Option<u32>,
        now: Instant,
    ) -> Option<(PeerKey, u32)> {
        if self.in_flight.len() >= MAX_DIALS_IN_FLIGHT {
            return None;
        }
        for (queue, urgent) in [(&mut self.urgent, true), (&mut self.regular, false)] {
            while let Some(&key) = queue.front() {
                if let Some(attempt) = attempt_in(key, urgent) {
                    if !self.rate.take(now) {
                        return None;
                    }
                    queue.pop_front();
                    return Some((key, attempt));
                }
                queue.pop_front();
            }
        }
        None
    }

    /// Starts an attempt with this request.
    pub(crate) fn start(&mut self, peer: &mut Peer, attempt: u32, request: Arc<[u8]>, ctx: &mut Context<'_>) {
        self.last.0 += 1;
        let id = self.last;
        let most = if peer.is_proven() { ctx.config.retry.max_attempts } else { 1 };
        let forced = peer.dial.start(id, attempt, most, ctx.now);
        self.in_flight.insert(id, peer.key());
        let (addr, max, info) = (peer.addr(), peer.dial.max(), Arc::clone(peer.info()));
        ctx.out.publish(Event::DialStarted { peer: info, addr, attempt, max, forced });
        ctx.out.push(Output::Dial { dial: id, addr, request, timeout: ctx.config.retry.timeout });
    }

    /// The peer whose dial has ended; none if it was abandoned since.
    pub(crate) fn end(&mut self, dial: DialId) -> Option<PeerKey> {
        self.in_flight.remove(&dial)
    }

    /// Abandons all dials.
    pub(crate) fn abandon_all(&mut self, ctx: &mut Context<'_>) {
        let mut dials: Vec<_> = self.in_flight.drain().map(|(dial, _)| dial).collect();
        dials.sort_unstable();
        dials.into_iter().for_each(|dial| ctx.out.push(Output::AbandonDial(dial)));
    }

    /// Whether this dial is in flight, and whether a peer stands in a queue.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, peer: &Peer) {
        if let Some(dial) = peer.dial.in_flight() {
            assert_eq!(self.in_flight.get(&dial), Some(&peer.key()), "a dial in flight is its peer's");
        }
        if let Some(urgent) = peer.dial.queue_of() {
            let queue = if urgent { &self.urgent } else { &self.regular };
            assert!(queue.contains(&peer.key()), "what is queued is in its queue");
        }
    }

    /// How many dials are in flight.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

/// An attempt got its reply. `peer` may be another than the one dialed, with another address: the reply may have merged the two.
pub(crate) fn note_success(peer: &mut Peer, answer: Answer<'_>, ctx: &mut Context<'_>) {
    let (connect, rtt) = (answer.connect, answer.rtt);
    let next = next_regular(peer, ctx);
    if !peer.dial.is_in_flight() {
        peer.rest_until(next);
    }
    peer.dial.note_success(connect, rtt, ctx.now);
}

/// An attempt that began then has failed: it is tried again, or the dial was the last one of its peer for this interval.
pub(crate) fn note_failure(
    peer: &mut Peer,
    attempt: u32,
    began: Instant,
    failure: &Failure,
    ctx: &mut Context<'_>,
) {
    let failure = blame_the_interface(peer, failure, ctx);
    peer.dial.note_failure(&failure, began, ctx.now);
    peer.health.note_trouble(began);
    let max = peer.dial.max();
    let wait = if attempt < max { ctx.config.retry.wait_after(attempt, &failure, ctx.rng) } else { None };
    let (info, addr) = (Arc::clone(peer.info()), peer.addr());
    ctx.out.publish(Event::dial_failed((&info, addr), (attempt, max), &failure, wait));
    let fails_already = matches!(peer.state(), PeerState::Unreachable | PeerState::Silent | PeerState::Left);
    let state = if let Some(wait) = wait {
        peer.dial.wait(attempt + 1, ctx.now, ctx.now + wait);
        PeerState::Retrying
    } else {
        give_up(peer, ctx);
        ctx.out.publish(Event::DialGaveUp { peer: info, addr, attempts: attempt, cause: failure.cause });
        PeerState::Unreachable
    };
    if !fails_already {
        peer.set_state(state, ctx);
    }
}

fn give_up(peer: &mut Peer, ctx: &mut Context<'_>) {
    let next = next_regular(peer, ctx);
    // One that left was dialed because a person wanted it, this once.
    if peer.state() != PeerState::Left || peer.is_named() {
        peer.rest_until(next);
    }
    if !peer.last_seen.announces() && !peer.is_named() {
        // Who was never heard by UDP is never suspected of silence, and would be dialed for ever.
        peer.expire_at_latest(ctx.now + SILENT_KEPT);
    }
}

/// The regular dials of a peer keep their phase; the second is put at a random phase, so that peers found together
/// are not always dialed together. After a dial longer than the interval, a whole interval is waited.
fn next_regular(peer: &Peer, ctx: &mut Context<'_>) -> Instant {
    let interval = ctx.config.dial_interval;
    if peer.dial.is_first() {
        return ctx.now + interval.mul_f64(ctx.rng.random_range(0.05..=1.0));
    }
    let in_phase = ctx.pace.in_step(peer.dial.began().unwrap_or(ctx.now) + interval);
    if in_phase > ctx.now { in_phase } else { ctx.pace.in_step(ctx.now + interval) }
}

/// "No route" towards a peer whose link was ours until lately means that the interface is down.
fn blame_the_interface(peer: &Peer, failure: &Failure, ctx: &Context<'_>) -> Failure {
    let mut failure = failure.clone();
    let link_failure = failure.retry == Retry::OnLinkChange;
    if let Some(name) = peer.interface().filter(|_| link_failure)
        && !ctx.links.reaches(peer.addr().ip())
    {
        failure.detail =
            Arc::new(Detail::InterfaceDown { interface: Arc::clone(name), failed: failure.detail });
        failure.cause = Cause::InterfaceDown;
    }
    failure
}
