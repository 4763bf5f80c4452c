//! Which peer is dialed next: the queues, the rates, and what is in flight.
//!
//! Forced, first and confirming dials go before regular ones and retries. The state of one peer's dial is its own.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::address::ZonedIp;
use crate::engine::api::{Answer, DialId, Output};
use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::context::Context;
use crate::engine::event::Event;
use crate::engine::hashing::Keyed;
use crate::engine::limits::{
    ASK_TOLD_AGAIN, DIAL_MOVED_BY, LOOK_AGAIN, MAX_DIALS_IN_FLIGHT, OVERDUE_DIAL, SILENT_KEPT,
    UNPROVEN_DIALS_PER_SECOND,
};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState};
use crate::engine::rate_limiter::RateLimiter;

use super::dial_state::LOOK;
use super::turns::{self, DialedLately, Turns};
use super::unanswered::{Awaited, Unanswered};

/// Whose dial it is, and where it goes.
#[derive(Debug, Clone)]
pub(crate) struct InFlight {
    pub(crate) key: PeerKey,
    pub(crate) addr: SocketAddr,
    /// Other addresses of the peer, where that one does not answer.
    pub(crate) standby: Vec<SocketAddr>,
}

/// All peers' dials.
#[derive(Debug)]
pub(crate) struct Dialer {
    last: DialId,
    in_flight: HashMap<DialId, InFlight, Keyed>,
    awaited: Awaited,
    urgent: VecDeque<PeerKey>,
    regular: VecDeque<PeerKey>,
    rate: RateLimiter,
    unproven: RateLimiter,
    dialed_lately: DialedLately,
}

impl Dialer {
    /// A dialer that starts at most `rate` dials a second.
    pub(crate) fn new(rate: u32) -> Self {
        Self {
            last: DialId(0),
            in_flight: HashMap::default(),
            awaited: Awaited::default(),
            urgent: VecDeque::new(),
            regular: VecDeque::new(),
            rate: RateLimiter::per_second(rate, rate / 10),
            unproven: RateLimiter::per_second(UNPROVEN_DIALS_PER_SECOND, UNPROVEN_DIALS_PER_SECOND),
            dialed_lately: DialedLately::default(),
        }
    }

    /// Queues the attempt whose time has come.
    pub(crate) fn wake(&mut self, peer: &mut Peer, turns: Turns, ctx: &Context<'_>) {
        if peer.dial.is_regular_due(ctx.now) {
            if let Some(other) = self.path_to_look_at(peer, turns, ctx) {
                peer.dial.queue_look_at(other);
            } else if self.may_dial(peer, turns, ctx) {
                peer.dial.queue(1, peer.state() == PeerState::New);
            }
        } else if let Some(attempt) = peer.dial.retry_due(ctx.now) {
            peer.dial.queue(attempt, false);
        }
    }

    /// Dials a peer now, if the reflection rule allows that: whether it does.
    pub(crate) fn confirm(&mut self, peer: &mut Peer, turns: Turns, ctx: &Context<'_>) -> bool {
        let allowed = self.may_dial(peer, turns, ctx);
        if allowed {
            peer.dial.hurry();
        }
        allowed
    }

    /// The other address of a peer that is to be looked at before its next dial; the reflection rule holds for it, too.
    fn path_to_look_at(&mut self, peer: &mut Peer, turns: Turns, ctx: &Context<'_>) -> Option<ZonedIp> {
        if peer.state() != PeerState::Up || ctx.pace.is_crowded() {
            return None;
        }
        let other = peer.paths.to_check(peer.ip(), ctx.links, ctx.now)?;
        (peer.paths.is_proven(other) || turns.elsewhere && self.take_unproven(peer, other, ctx))
            .then_some(other)
    }

    /// The reflection rule: a peer that has not proved its address is dialed only on a link of ours, by those whose turn it is, within a
    /// small budget of all such peers.
    fn may_dial(&mut self, peer: &mut Peer, turns: Turns, ctx: &Context<'_>) -> bool {
        if peer.is_proven() {
            return true;
        }
        let ip = peer.ip();
        let allowed = ctx.links.reaches(ip) && turns.here && self.take_unproven(peer, ip, ctx);
        if !allowed {
            peer.rest_until(ctx.now + turns::looked_at_again(peer, ctx));
        }
        allowed
    }

    /// Whether an address may be dialed at which nobody has proved to be: then it is.
    fn take_unproven(&mut self, peer: &mut Peer, ip: ZonedIp, ctx: &Context<'_>) -> bool {
        let allowed = !self.dialed_lately.contains(ip, ctx) && self.unproven.take(ctx.now);
        if allowed {
            self.dialed_lately.note(ip, ctx.now);
            peer.paths.note_dialed_unproven(ip);
        }
        allowed
    }

    /// Places a peer in the queue that its dial waits for, and drops the connection of one that was abandoned.
    pub(crate) fn reconcile(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        if let Some(dial) = peer.dial.take_abandoned() {
            self.in_flight.remove(&dial);
            self.drop_ended();
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
        let looks = peer.dial.aim().is_some();
        let most =
            if peer.is_proven() && !looks { ctx.config.retry.attempts_at(peer.addresses()) } else { 1 };
        let forced = peer.dial.start(id, attempt, most, ctx.now);
        let addr = peer.addr_of_attempt(attempt);
        let standby = if looks { Vec::new() } else { peer.standby(addr, ctx) };
        self.in_flight.insert(id, InFlight { key: peer.key(), addr, standby: standby.clone() });
        // What a look at another address says, it says of that one alone.
        if attempt != LOOK && !looks {
            self.awaited.begin(id, !standby.is_empty(), ctx.now);
        }
        let is_unproven = !peer.is_proven() || peer.dial.aim().is_some_and(|ip| !peer.paths.is_proven(ip));
        let is_sparing = is_unproven && standby.is_empty();
        let (max, info) = (peer.dial.max(), Arc::clone(peer.info()));
        let told = ctx.links.told(addr);
        let is_look = attempt == LOOK;
        if !is_look {
            ctx.out.publish(Event::DialStarted { addr: told, peer: info, attempt, max, forced });
        }
        let link = ctx.links.chosen(peer.interface(), addr.into()).map(|link| Arc::clone(&link.name));
        let timeout = ctx.config.retry.timeout;
        let timeout = if is_look { timeout.min(LOOK_AGAIN) } else { timeout };
        ctx.out.push(Output::Dial { dial: id, addr, standby, link, request, timeout, is_sparing });
    }

    /// The dial that has ended; none if it was abandoned since.
    pub(crate) fn end(&mut self, dial: DialId) -> Option<InFlight> {
        let ended = self.in_flight.remove(&dial);
        self.drop_ended();
        ended
    }

    fn drop_ended(&mut self) {
        self.awaited.drop_ended(|dial| self.in_flight.contains_key(dial));
    }

    /// When something is to be done about an attempt that has no answer.
    pub(crate) fn late_at(&self) -> Option<Instant> {
        self.awaited.deadline()
    }

    /// Whose attempt has had no answer for long.
    pub(crate) fn next_late(&mut self, now: Instant) -> Option<Unanswered<PeerKey>> {
        let unanswered = self.awaited.next(now)?;
        let key = |dial| self.in_flight.get(&dial).map(|dial| dial.key);
        let of = match unanswered {
            Unanswered::Overdue(dial) => Unanswered::Overdue(key(dial)?),
            Unanswered::Late(dial, began) => Unanswered::Late(key(dial)?, began),
        };
        self.drop_ended();
        Some(of)
    }

    /// Abandons all dials.
    pub(crate) fn abandon_all(&mut self, ctx: &mut Context<'_>) {
        self.awaited.clear();
        let mut dials: Vec<_> = self.in_flight.drain().map(|(dial, _)| dial).collect();
        dials.sort_unstable();
        for dial in dials {
            ctx.out.push(Output::AbandonDial(dial));
        }
    }

    /// Whether this dial is in flight, and whether a peer stands in a queue.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, peer: &Peer) {
        if let Some(dial) = peer.dial.in_flight() {
            let of = self.in_flight.get(&dial).map(|dial| dial.key);
            assert_eq!(of, Some(peer.key()), "a dial in flight is its peer's");
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
/// It may say when it wants to be dialed next.
pub(crate) fn note_success(
    peer: &mut Peer,
    answer: Answer<'_>,
    dial_in: Option<Duration>,
    ctx: &mut Context<'_>,
) {
    let (connect, rtt) = (answer.connect, answer.rtt);
    let next = next_regular(peer, dial_in, ctx);
    if !peer.dial.is_in_flight() {
        peer.rest_until(next);
    }
    peer.dial.note_success(connect, rtt, ctx.now);
}

/// Nobody was told that it began: a look at a peer that is reached again is an attempt as any other.
pub(crate) fn announce_look(peer: &mut Peer, addr: SocketAddr, ctx: &mut Context<'_>) {
    peer.dial.forget_before_look();
    let (told, info) = (ctx.links.told(addr), Arc::clone(peer.info()));
    ctx.out.publish(Event::DialStarted { addr: told, peer: info, attempt: 1, max: 1, forced: false });
}

/// A look at a peer has failed: nobody is told, and its dial goes on as it stood.
pub(crate) fn note_failed_look(peer: &mut Peer, began: Instant, failure: &Failure, ctx: &mut Context<'_>) {
    let failure = blame_the_interface(peer, failure, ctx);
    peer.dial.end_look();
    peer.dial.note_failed_look(&failure, began, ctx.now);
    if peer.dial.is_confirming() {
        peer.fall_silent(ctx);
    }
    if peer.dial.is_forced() {
        peer.dial.hurry();
    }
}

/// An attempt of a peer that was well had no answer for so long that its packets seem to vanish: echoes come all the time, and one
/// came since. What it comes to is still awaited. Whether it is so.
pub(crate) fn note_late(peer: &mut Peer, began: Instant, ctx: &Context<'_>) -> bool {
    let was_well = peer.state() == PeerState::Up && peer.dial.cause().is_none();
    let echoed = peer.probes.last_echo().is_some_and(|at| at >= (began + OVERDUE_DIAL).into());
    let seems_to_vanish = was_well && echoed && peer.probes.all_came() && peer.dial.is_in_flight();
    if seems_to_vanish {
        peer.dial.note_late(began, ctx.now);
        let alive = peer.last_alive();
        peer.health.note_new_trouble(began, alive);
    }
    seems_to_vanish
}

/// An attempt that has ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EndedAttempt {
    /// Of its dial, from 1.
    pub(crate) number: u32,
    /// Where it went.
    pub(crate) addr: SocketAddr,
    pub(crate) began: Instant,
}

/// An attempt has failed: it is tried again, or the dial was the last one of its peer for this interval. What fails at another
/// address of the peer's name says nothing of the one at which it lives.
pub(crate) fn note_failure(peer: &mut Peer, attempt: EndedAttempt, failure: &Failure, ctx: &mut Context<'_>) {
    let EndedAttempt { number: attempt, addr, began } = attempt;
    let mut failure = failure.clone();
    let is_first = peer.dial.is_first();
    if addr == peer.addr() {
        failure = blame_the_interface(peer, &failure, ctx);
        if peer.dial.cause().is_none() {
            let alive = peer.last_alive();
            peer.health.note_new_trouble(began, alive);
        }
        peer.dial.note_failure(&failure, began, ctx.now);
        peer.health.note_trouble(began);
        peer.note_path(addr.into(), None, ctx);
    }
    let addresses = peer.addresses();
    // One that has proved to be there since the dial began is dialed as any other.
    let usual = if peer.is_proven() { ctx.config.retry.attempts_at(addresses) } else { 1 };
    let max = peer.dial.allow(usual);
    let wait =
        if attempt < max { ctx.config.retry.wait_after(attempt, addresses, &failure, ctx.rng) } else { None };
    peer.set_in_turn(wait == Some(Duration::ZERO) && addresses > 1);
    let (info, addr) = (Arc::clone(peer.info()), ctx.links.told(addr));
    ctx.out.publish(Event::dial_failed((&info, addr), (attempt, max), &failure, wait));
    let fails_already = matches!(peer.state(), PeerState::Unreachable | PeerState::Silent | PeerState::Left);
    let state = if let Some(wait) = wait {
        peer.dial.wait(attempt + 1, ctx.now, ctx.now + wait);
        PeerState::Retrying
    } else {
        give_up(peer, ctx);
        let cause = peer.dial.cause().unwrap_or(failure.cause);
        ctx.out.publish(Event::DialGaveUp { addr: info.addr, peer: info, attempts: attempt, cause });
        // The one packet to an address of which nothing came back yet may have been lost.
        let may_be_lost = is_first && max == 1 && !peer.is_proven() && cause.is_silence();
        if may_be_lost { peer.state() } else { PeerState::Unreachable }
    };
    if !fails_already {
        peer.set_state(state, ctx);
    }
}

fn give_up(peer: &mut Peer, ctx: &mut Context<'_>) {
    let next = next_regular(peer, None, ctx);
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
/// are not always dialed together. After a dial longer than the interval, a whole interval is waited. A peer that wants to be
/// dialed at another time is, within limits.
fn next_regular(peer: &Peer, dial_in: Option<Duration>, ctx: &mut Context<'_>) -> Instant {
    let interval = ctx.pace.dial_interval();
    if peer.is_second_hand() {
        return ctx.now + ASK_TOLD_AGAIN;
    }
    if peer.dial.is_first() {
        return ctx.now + interval.mul_f64(ctx.rng.random_range(0.05..=1.0));
    }
    let in_phase = peer.dial.began().unwrap_or(ctx.now) + interval;
    let moved_by = interval.mul_f64(DIAL_MOVED_BY);
    let earliest = in_phase.checked_sub(moved_by).unwrap_or(in_phase);
    let wanted = dial_in.map(|wait| (ctx.now + wait.min(interval * 2)).clamp(earliest, in_phase + moved_by));
    let in_phase = ctx.pace.in_step(wanted.unwrap_or(in_phase));
    if in_phase > ctx.now { in_phase } else { ctx.pace.in_step(ctx.now + interval) }
}

/// "No route" towards a peer whose link was ours until lately means that the interface is down; or, where it is up in another network,
/// that this machine has moved there, which is no fault of the interface.
fn blame_the_interface(peer: &Peer, failure: &Failure, ctx: &Context<'_>) -> Failure {
    let mut failure = failure.clone();
    let link_failure = failure.retry == Retry::OnLinkChange;
    if let Some(name) = peer.interface().filter(|_| link_failure)
        && !ctx.links.reaches(peer.ip())
    {
        if ctx.links.iter().any(|interface| interface.name == *name) {
            failure.cause = Cause::NoRoute;
        } else {
            failure.detail =
                Arc::new(Detail::InterfaceDown { interface: Arc::clone(name), failed: failure.detail });
            failure.cause = Cause::InterfaceDown;
        }
    }
    failure
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::Nonce;
    use crate::engine::context::TestContext;
    use crate::engine::limits::{ALL_CAME, LATE_DIAL};
    use crate::engine::peers::{PeerInfo, Via};
    use crate::testkit::{failure, ms, peer_at, secs};

    /// It is this node's turn to dial any address.
    const ALL: Turns = Turns { here: true, elsewhere: true };

    /// Fast enough for all that waits.
    const FAST: u32 = 1_000_000;

    fn request() -> Arc<[u8]> {
        Arc::from([])
    }

    /// Proven peers with these numbers that wait for their first dial in the regular queue.
    fn queued(dialer: &mut Dialer, test: &mut TestContext, numbers: std::ops::Range<u64>) -> Vec<Peer> {
        let mut peers: Vec<Peer> = numbers.map(|n| test.proven_peer(n)).collect();
        for peer in &mut peers {
            peer.dial.queue(1, false);
            dialer.reconcile(peer, &mut test.context());
        }
        peers
    }

    fn next(dialer: &mut Dialer, peers: &[Peer], now: Instant) -> Option<(PeerKey, u32)> {
        let peer = |key| peers.iter().find(|peer| peer.key() == key);
        dialer.next(|key, urgent| peer(key).and_then(|peer| peer.dial.queued_in(urgent)), now)
    }

    #[test]
    fn urgent_dials_go_first_and_each_queue_is_in_order() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        let mut peers = queued(&mut dialer, &mut test, 2..6);
        peers[3].dial.hurry();
        peers[1].dial.queue(4, true);
        for peer in &mut peers {
            dialer.reconcile(peer, &mut test.context());
        }
        peers[2].dial.stop();
        let mut order = Vec::new();
        while let Some((key, attempt)) = next(&mut dialer, &peers, test.now) {
            let peer = peers.iter_mut().find(|peer| peer.key() == key).unwrap();
            dialer.start(peer, attempt, request(), &mut test.context());
            order.push((key, attempt));
        }
        let expected =
            [(1, 4), (3, 1), (0, 1)].map(|(nth, attempt): (usize, u32)| (peers[nth].key(), attempt));
        assert_eq!(order, expected, "one waits in two queues and is dialed once, one waits no longer");
        assert_eq!(dialer.deadline(), None, "nobody waits");
    }

    #[test]
    fn an_attempt_without_an_answer_is_late_once_and_says_so_of_a_peer_whose_echoes_all_come() {
        for (echoes, seems_lost) in [(ALL_CAME, true), (ALL_CAME - 2, false)] {
            let mut test = TestContext::new(|_| {});
            let mut dialer = Dialer::new(FAST);
            let mut peers = queued(&mut dialer, &mut test, 2..4);
            for peer in &mut peers {
                peer.set_state(PeerState::Up, &mut test.context());
                for n in 0..echoes {
                    peer.probes.note_sent(Nonce(n.into()), false, test.now);
                    let _ = peer.probes.note_echo(Nonce(n.into()), test.now);
                }
                dialer.start(peer, 1, request(), &mut test.context());
                test.now += ms(100);
            }
            let began = test.now - ms(200);
            let (overdue, late) = (began + OVERDUE_DIAL, began + LATE_DIAL);
            assert_eq!((dialer.late_at(), dialer.next_late(overdue - ms(1))), (Some(overdue), None));
            dialer.end(peers[1].dial.in_flight().unwrap());
            assert_eq!(dialer.next_late(overdue), Some(Unanswered::Overdue(peers[0].key())));
            assert_eq!((dialer.late_at(), dialer.next_late(late - ms(1))), (Some(late), None));
            assert_eq!(dialer.next_late(late), Some(Unanswered::Late(peers[0].key(), began)));
            assert_eq!((dialer.next_late(late), dialer.late_at()), (None, None), "the other one has ended");
            assert!(!note_late(&mut peers[0], began, &test.context()), "no echo tells that it lives now");
            assert_eq!(peers[0].dial.cause(), None);
            peers[0].probes.note_sent(Nonce(99), false, overdue);
            let _ = peers[0].probes.note_echo(Nonce(99), overdue);
            assert_eq!(note_late(&mut peers[0], began, &test.context()), seems_lost, "{echoes} echoes came");
            assert_eq!(peers[0].dial.cause().is_some(), seems_lost);
            assert_eq!(peers[0].is_troubled(), seems_lost);
        }
    }

    #[test]
    fn dials_start_at_the_rate() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(10);
        let mut peers = queued(&mut dialer, &mut test, 2..4);
        let (first, _) = next(&mut dialer, &peers, test.now).unwrap();
        assert_eq!(first, peers[0].key());
        dialer.start(&mut peers[0], 1, request(), &mut test.context());
        assert_eq!(next(&mut dialer, &peers, test.now), None);
        assert_eq!(dialer.deadline(), Some(test.now + ms(100)));
        assert_eq!(next(&mut dialer, &peers, test.now + ms(99)), None);
        assert_eq!(next(&mut dialer, &peers, test.now + ms(100)), Some((peers[1].key(), 1)));
    }

    #[test]
    fn no_more_dials_are_in_flight_than_the_cap() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        let most = u64::try_from(MAX_DIALS_IN_FLIGHT).unwrap();
        let mut peers = queued(&mut dialer, &mut test, 0..most + 1);
        for nth in 0..MAX_DIALS_IN_FLIGHT {
            assert_eq!(next(&mut dialer, &peers, test.now), Some((peers[nth].key(), 1)));
            dialer.start(&mut peers[nth], 1, request(), &mut test.context());
        }
        assert_eq!((next(&mut dialer, &peers, test.now), dialer.deadline()), (None, None));
        let dial = peers[5].dial.in_flight().unwrap();
        assert_eq!(
            [dialer.end(dial), dialer.end(dial)].map(|ended| ended.map(|dial| (dial.key, dial.addr))),
            [Some((peers[5].key(), peers[5].addr())), None],
            "it ends once"
        );
        assert_eq!(next(&mut dialer, &peers, test.now), Some((peers[MAX_DIALS_IN_FLIGHT].key(), 1)));
    }

    #[test]
    fn who_proved_nothing_is_dialed_on_our_links_only_and_within_a_small_budget() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        let at = |addr: ([u8; 4], u16), now| {
            Peer::new(PeerInfo::clone(&peer_at(9, "host", addr)), Via::Broadcast, now)
        };
        let mut beyond = at(([192, 0, 2, 9], 1), test.now);
        assert!(!dialer.confirm(&mut beyond, ALL, &test.context()));
        assert_eq!(beyond.dial.deadline(), Some((test.now + secs(10)).into()), "it has its turn again");
        beyond.name_at(&[beyond.addr()]);
        assert!(dialer.confirm(&mut beyond, ALL, &test.context()), "a person named it");
        let confirmed = (0..20).filter(|n| {
            let mut peer = at(([10, 0, 0, 9 + n], 1), test.now);
            dialer.confirm(&mut peer, ALL, &test.context())
        });
        assert_eq!(confirmed.count(), usize::try_from(UNPROVEN_DIALS_PER_SECOND).unwrap());
        let mut proven = test.proven_peer(2);
        assert!(dialer.confirm(&mut proven, ALL, &test.context()), "who proved its address needs no budget");
        assert_eq!(proven.dial.queued_in(true), Some(1));
    }

    #[test]
    fn a_due_dial_is_queued_and_the_first_one_of_a_peer_is_urgent() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        for (state, urgent) in
            [(PeerState::New, true), (PeerState::Up, false), (PeerState::Unreachable, false)]
        {
            let mut peer = test.proven_peer(2);
            peer.set_state(state, &mut test.context());
            peer.rest_until(test.now + ms(1));
            dialer.wake(&mut peer, ALL, &test.context());
            assert!(peer.dial.is_resting(), "it is not due yet");
            test.now += ms(1);
            dialer.wake(&mut peer, ALL, &test.context());
            assert_eq!(peer.dial.queued_in(urgent), Some(1), "{state:?}");
        }
        let mut retrying = test.proven_peer(2);
        retrying.dial.wait(3, test.now, test.now);
        dialer.wake(&mut retrying, ALL, &test.context());
        assert_eq!(retrying.dial.queued_in(false), Some(3));
    }

    #[test]
    fn an_attempt_is_told_of_and_only_who_proved_its_address_gets_more_than_one() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        let (mut proven, mut stranger) = (test.proven_peer(2), test.peer(3));
        proven.dial.force();
        test.outputs();
        for (peer, expected) in [(&mut proven, (5, true)), (&mut stranger, (1, false))] {
            dialer.start(peer, 1, request(), &mut test.context());
            let outputs = test.outputs();
            let [
                Output::Publish(Event::DialStarted { addr, attempt: 1, max, forced, .. }),
                Output::Dial { dial, addr: to, timeout, .. },
            ] = &outputs[..]
            else {
                panic!("{outputs:?}")
            };
            assert_eq!((addr, to, timeout), (&peer.info().addr, &peer.addr(), &secs(4)));
            assert_eq!((*max, *forced), expected);
            assert_eq!(peer.dial.in_flight(), Some(*dial));
        }
    }

    #[test]
    fn an_abandoned_dial_is_dropped_and_its_end_is_nobodys() {
        let mut test = TestContext::new(|_| {});
        let mut dialer = Dialer::new(FAST);
        let mut peers = queued(&mut dialer, &mut test, 2..5);
        for peer in &mut peers {
            dialer.start(peer, 1, request(), &mut test.context());
        }
        test.outputs();
        let abandoned = |test: &mut TestContext| {
            let dial = |output| if let Output::AbandonDial(dial) = output { Some(dial) } else { None };
            test.outputs().into_iter().filter_map(dial).collect::<Vec<_>>()
        };
        peers[1].dial.stop();
        dialer.reconcile(&mut peers[1], &mut test.context());
        dialer.reconcile(&mut peers[1], &mut test.context());
        assert_eq!(abandoned(&mut test), [DialId(2)]);
        assert_eq!((dialer.end(DialId(2)).is_none(), dialer.in_flight()), (true, 2));
        dialer.abandon_all(&mut test.context());
        assert_eq!((abandoned(&mut test), dialer.in_flight()), (vec![DialId(1), DialId(3)], 0));
    }

    /// Fails an attempt of a proven peer in this state, and gives what was told.
    fn fail(test: &mut TestContext, state: PeerState, attempt: u32) -> (Peer, Vec<Event>) {
        let mut peer = test.proven_peer(2);
        peer.set_state(state, &mut test.context());
        peer.dial.start(DialId(1), 1, 5, test.now);
        peer.dial.take_in_flight(DialId(1));
        test.outputs();
        let attempt = EndedAttempt { number: attempt, addr: peer.addr(), began: test.now };
        note_failure(&mut peer, attempt, &failure(Cause::Refused), &mut test.context());
        (peer, test.events())
    }

    #[test]
    fn a_failed_attempt_is_followed_by_another_until_the_last_one() {
        let mut test = TestContext::new(|_| {});
        let (peer, told) = fail(&mut test, PeerState::Up, 1);
        assert_eq!((peer.state(), peer.health.trouble()), (PeerState::Retrying, Some(test.now.into())));
        let wait = peer.dial.deadline().unwrap().since(test.now.into());
        assert!(ms(1_600) <= wait && wait <= ms(2_400), "{wait:?}");
        assert_eq!(peer.dial.retry_due(test.now + wait), Some(2));
        assert!(matches!(told[..], [Event::DialFailed { .. }, Event::PeerState { .. }]), "{told:?}");
        let (peer, told) = fail(&mut test, PeerState::Retrying, 5);
        assert_eq!(peer.state(), PeerState::Unreachable);
        assert!(peer.dial.is_resting(), "the regular dialing goes on");
        let gave_up = Event::DialGaveUp {
            peer: Arc::clone(peer.info()),
            addr: peer.info().addr,
            attempts: 5,
            cause: Cause::Refused,
        };
        assert_eq!(told[1], gave_up);
    }

    #[test]
    fn who_is_silent_or_has_left_stays_so_when_a_dial_fails() {
        for state in [PeerState::Unreachable, PeerState::Silent, PeerState::Left] {
            for attempt in [1, 5] {
                let mut test = TestContext::new(|_| {});
                let (peer, _) = fail(&mut test, state, attempt);
                assert_eq!(peer.state(), state, "attempt {attempt}");
            }
        }
        let (left, _) = fail(&mut TestContext::new(|_| {}), PeerState::Left, 5);
        assert!(left.dial.is_off(), "it was dialed this once");
    }

    #[test]
    fn who_is_never_heard_is_not_dialed_for_ever_unless_a_person_named_it() {
        for (what, named, announces, expires) in [
            ("never heard", false, false, true),
            ("heard", false, true, false),
            ("named", true, false, false),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            if named {
                peer.name_at(&[peer.addr()]);
            }
            if announces {
                peer.last_seen.note_period(secs(5));
            }
            let attempt = EndedAttempt { number: 5, addr: peer.addr(), began: test.now };
            note_failure(&mut peer, attempt, &failure(Cause::Refused), &mut test.context());
            assert_eq!(peer.is_expired(test.now + SILENT_KEPT), expires, "{what}");
        }
    }

    #[test]
    fn no_route_to_a_peer_whose_link_is_gone_is_the_interfaces_fault() {
        let mut test = TestContext::new(|_| {});
        let peer = test.peer(2);
        let blamed = |cause, test: &mut TestContext| {
            blame_the_interface(&peer, &failure(cause), &test.context()).cause
        };
        assert_eq!(blamed(Cause::NoRoute, &mut test), Cause::NoRoute, "the link is there");
        let _ = test.shared.links_mut().replace(Vec::new());
        assert_eq!(blamed(Cause::NoRoute, &mut test), Cause::InterfaceDown);
        assert_eq!(blamed(Cause::Refused, &mut test), Cause::Refused);
        let elsewhere = format!("{}=192.168.7.1/24", peer.interface().unwrap());
        let _ = test.shared.links_mut().replace(vec![crate::testkit::interface(&elsewhere)]);
        assert_eq!(
            blamed(Cause::NetworkUnreachable, &mut test),
            Cause::NoRoute,
            "it is in another network now"
        );
    }

    #[test]
    fn regular_dials_keep_their_phase_after_the_first_one_has_chosen_it() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let answer = Answer { from_standby: None, local: None, body: &[], connect: ms(1), rtt: ms(1) };
        let mut dial = |test: &mut TestContext, took| {
            peer.dial.start(DialId(1), 1, 5, test.now);
            peer.dial.take_in_flight(DialId(1));
            let began = test.now;
            test.now += took;
            note_success(&mut peer, answer, None, &mut test.context());
            let next = Instant::from(peer.dial.deadline().unwrap());
            let (since_began, waits) = (next - began, next - test.now);
            test.now = next;
            (since_began, waits)
        };
        let (_, chosen) = dial(&mut test, ms(2));
        assert!(ms(500) <= chosen && chosen <= secs(10), "{chosen:?}");
        assert_eq!(dial(&mut test, ms(2)).0, secs(10));
        assert_eq!(dial(&mut test, secs(9)).0, secs(10));
        assert_eq!(
            dial(&mut test, secs(11)).1,
            secs(10),
            "one that took longer is followed by a whole interval"
        );
    }

    #[test]
    fn one_packet_to_an_address_of_which_nothing_came_back_says_nothing_of_who_is_there() {
        for (proves_itself, cause, states) in [
            (false, Cause::TimedOut, [PeerState::New, PeerState::Unreachable]),
            (false, Cause::Refused, [PeerState::Unreachable; 2]),
            (true, Cause::TimedOut, [PeerState::Retrying; 2]),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.peer(2);
            let attempt = EndedAttempt { number: 1, addr: peer.addr(), began: test.now };
            let mut fails = || {
                peer.dial.start(DialId(1), 1, 1, test.now);
                if proves_itself {
                    peer.prove(peer.ip(), &mut test.context());
                }
                peer.dial.take_in_flight(DialId(1));
                note_failure(&mut peer, attempt, &failure(cause), &mut test.context());
                peer.state()
            };
            assert_eq!([fails(), fails()], states, "{cause:?}, proved meanwhile: {proves_itself}");
        }
    }

    #[test]
    fn a_peer_is_dialed_when_it_wants_to_be_if_that_is_near_to_when_this_node_would() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let answer = Answer { from_standby: None, local: None, body: &[], connect: ms(1), rtt: ms(1) };
        let mut waits = |dial_in| {
            peer.dial.start(DialId(1), 1, 5, test.now);
            peer.dial.take_in_flight(DialId(1));
            note_success(&mut peer, answer, dial_in, &mut test.context());
            Instant::from(peer.dial.deadline().unwrap()) - test.now
        };
        waits(None);
        for (wanted, given) in [
            (ms(8_200), ms(8_200)),
            (ms(12_000), ms(12_000)),
            (ms(0), ms(7_500)),
            (Duration::from_millis(u32::MAX.into()), ms(12_500)),
        ] {
            assert_eq!(waits(Some(wanted)), given, "{wanted:?}");
        }
        assert_eq!(waits(None), secs(10));
    }
}
