//! Asks peers for unicast echoes, regularly and in bursts.
//!
//! Owns how many bursts are under way; what a peer's echoes tell is in its [`super::stats`].

use std::collections::HashSet;
use std::time::Duration;

use crate::engine::context::{Context, Pace};
use crate::engine::limits::{
    ASK_TOLD_AGAIN, BURST, BURST_GAP, BURSTS_OF_ALL_AT_ONCE, BURSTS_OF_ALL_PER_SECOND, ECHO_AGAIN,
    ECHO_TIMEOUT, ECHOES_PER_INTERVAL, LARGE_IN_A_CROWD, LARGE_ONE_IN, MAX_BURSTS,
};
use crate::engine::peers::PeerKey;
use crate::engine::peers::peer::Peer;
use crate::engine::rate_limiter::RateLimiter;
use crate::engine::{Nonce, peers::PeerState};
use crate::proto::presence::Kind;

use super::stats::Counted;

/// What the probes of a peer say, after one of its echoes came or time has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum ProbeOutcome {
    /// Nothing new.
    Nothing,
    /// A burst is under way, or its last echoes are awaited.
    Measuring,
    /// The outcome of the latest probes is known.
    Concluded,
}

/// Counts the bursts under way: when a switch dies, all behind it are measured together, but no more than [`MAX_BURSTS`], and no more
/// than this node's share of what all nodes may begin.
#[derive(Debug)]
pub(crate) struct Prober {
    bursting: HashSet<PeerKey>,
    /// Of the bursts of all nodes: one of this node counts as one of each of them.
    of_all: RateLimiter,
}

impl Default for Prober {
    fn default() -> Self {
        let of_all = RateLimiter::per_second(BURSTS_OF_ALL_PER_SECOND, BURSTS_OF_ALL_AT_ONCE);
        Self { bursting: HashSet::new(), of_all }
    }
}

impl Prober {
    /// Does what is due for a peer's echoes: gives up those that did not come, asks for the next.
    pub(crate) fn wake(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) -> ProbeOutcome {
        if peer.probes.deadline().is_none_or(|due| due > ctx.now.into()) {
            return ProbeOutcome::Nothing;
        }
        let counted = peer.probes.count_outcomes(ctx.now);
        self.note_losses(peer, counted, ctx);
        if peer.probes.is_next_due(ctx.now) {
            self.send_regular(peer, ctx);
        }
        if let Some(large) = peer.probes.next_of_burst(ctx.now) {
            send_probe(peer, false, ctx);
            if large {
                send_probe(peer, true, ctx);
            }
        }
        outcome(peer)
    }

    /// An echo came, from the address that is dialed.
    pub(crate) fn handle_echo(
        &mut self,
        peer: &mut Peer,
        echo: Nonce,
        ctx: &mut Context<'_>,
    ) -> ProbeOutcome {
        let Some(counted) = peer.probes.note_echo(echo, ctx.now) else { return ProbeOutcome::Nothing };
        self.note_losses(peer, counted, ctx);
        outcome(peer)
    }

    /// Something failed: several probes tell whether some or all are lost. Where packets are lost all the time, they are counted
    /// now and then. Whether a burst begins.
    pub(crate) fn begin_burst(&mut self, peer: &mut Peer, ctx: &Context<'_>) -> bool {
        self.begin_burst_after(ctx.pace.dial_interval() / 2, peer, ctx)
    }

    /// The same, to see whether what a person was told of is over.
    pub(crate) fn look_again(&mut self, peer: &mut Peer, ctx: &Context<'_>) {
        self.begin_burst_after(Duration::ZERO, peer, ctx);
    }

    fn begin_burst_after(&mut self, rest: Duration, peer: &mut Peer, ctx: &Context<'_>) -> bool {
        let may_begin = self.bursting.len() < MAX_BURSTS && self.of_all.is_open(ctx.now);
        let begins = may_begin && peer.probes.begin_burst(rest, ctx.now);
        if begins {
            self.bursting.insert(peer.key());
            self.of_all.note(ctx.pace.nodes(), ctx.now);
        }
        begins
    }

    /// A burst that ended, or whose peer is another one now, takes no place any longer.
    pub(crate) fn reconcile(&mut self, key: PeerKey, in_burst: bool) {
        if !in_burst && !self.bursting.is_empty() {
            self.bursting.remove(&key);
        }
    }

    /// How many bursts are under way.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn bursts(&self) -> usize {
        self.bursting.len()
    }

    fn note_losses(&mut self, peer: &mut Peer, counted: Counted, ctx: &mut Context<'_>) {
        if let Some(since) = counted.lost_since {
            peer.health.note_trouble(since);
        }
        if counted.measure {
            self.begin_burst(peer, ctx);
        }
    }

    fn send_regular(&mut self, peer: &mut Peer, ctx: &mut Context<'_>) {
        let crowded = ctx.pace.is_crowded();
        let told = peer.is_second_hand();
        let next = ctx.now + if told { ASK_TOLD_AGAIN } else { echo_period(ctx.pace) };
        let next = if crowded { ctx.pace.in_step(next) } else { next };
        if peer.state() == PeerState::Left || !(told || peer.is_measured()) {
            return peer.probes.set_next(None);
        }
        peer.probes.set_next(Some(next.max(ctx.now + BURST_GAP)));
        if told {
            return send_probe(peer, false, ctx);
        }
        let large = peer.probes.count_regular(if crowded { LARGE_IN_A_CROWD } else { LARGE_ONE_IN });
        if peer.probes.is_lossy() {
            // Whether it is over is to be known soon, too.
            self.begin_burst(peer, ctx);
        }
        send_probe(peer, false, ctx);
        if large {
            send_probe(peer, true, ctx);
        }
    }
}

/// How often a peer is regularly asked for an echo.
pub(crate) fn echo_period(pace: Pace) -> Duration {
    let often = if pace.is_crowded() { 1 } else { ECHOES_PER_INTERVAL };
    (pace.dial_interval() / often).max(ECHO_AGAIN)
}

/// How long a node may need to notice that UDP fails: to the next regular echo, and then a burst.
pub(crate) fn notices_within(pace: Pace) -> Duration {
    echo_period(pace) + ECHO_TIMEOUT * 3 + BURST_GAP * u32::from(BURST)
}

fn outcome(peer: &Peer) -> ProbeOutcome {
    if peer.probes.is_measuring() { ProbeOutcome::Measuring } else { ProbeOutcome::Concluded }
}

/// Asks a peer for one echo, besides those that are asked for regularly.
pub(crate) fn ask(peer: &mut Peer, ctx: &mut Context<'_>) {
    send_probe(peer, false, ctx);
}

fn send_probe(peer: &mut Peer, large: bool, ctx: &mut Context<'_>) {
    if large && !peer.is_proven() {
        // Nothing small came back, and it is others who say that somebody is there.
        return;
    }
    let nonce = ctx.random_nonce();
    peer.probes.note_sent(nonce, large, ctx.now);
    let kind = if large { Kind::Probe } else { Kind::Heartbeat };
    ctx.send_by(peer.interface(), peer.unicast(), kind, Some(nonce), None);
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use crate::engine::config::DialInterval;
    use std::time::Instant;

    use super::*;
    use crate::engine::context::{TestContext, TestSent};
    use crate::engine::limits::FIRST_ECHO_WITHIN;
    use crate::engine::peers::LeaveReason;
    use crate::testkit::{ms, secs};

    /// Wakes a peer when it is due, and gives what was sent.
    fn wake(prober: &mut Prober, peer: &mut Peer, test: &mut TestContext) -> (ProbeOutcome, Vec<TestSent>) {
        test.now = peer.probes.deadline().unwrap().into();
        let outcome = prober.wake(peer, &mut test.context());
        (outcome, test.sent())
    }

    #[test]
    fn echoes_are_asked_for_as_soon_as_it_is_known_where_a_peer_receives() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        let first = peer.probes.deadline().unwrap();
        assert!(first.since(test.now.into()) <= FIRST_ECHO_WITHIN);
        peer.probes.begin_regular(&mut test.context());
        assert_eq!(peer.probes.deadline(), Some(first), "they have begun");
        test.known = 100;
        let firsts: Vec<Duration> =
            (0..20).map(|n| test.proven_peer(n).probes.deadline().unwrap().since(test.now.into())).collect();
        assert!(firsts.iter().max() > Some(&secs(1)), "a newcomer is not asked by all at once: {firsts:?}");
    }

    #[test]
    fn a_regular_echo_is_asked_for_every_so_often_and_one_of_some_is_large() {
        for (known, period, one_in) in [(2, ms(2_500), LARGE_ONE_IN), (100, secs(10), LARGE_IN_A_CROWD)] {
            let mut test = TestContext::new(|_| {});
            test.known = known;
            let (mut prober, mut peer) = (Prober::default(), test.proven_peer(2));
            for n in 0..one_in * 2 {
                let (_, sent) = wake(&mut prober, &mut peer, &mut test);
                let kinds: Vec<Kind> = sent.iter().map(|sent| sent.kind).collect();
                let expected =
                    if n % one_in == 0 { &[Kind::Heartbeat, Kind::Probe][..] } else { &[Kind::Heartbeat] };
                assert_eq!(kinds, expected, "number {n} with {known} peers");
                for sent in sent {
                    assert_eq!(sent.to, peer.unicast());
                    let echo = sent.nonce.unwrap();
                    assert_eq!(
                        prober.handle_echo(&mut peer, echo, &mut test.context()),
                        ProbeOutcome::Concluded
                    );
                }
                assert_eq!(peer.probes.deadline(), Some((test.now + period).into()));
            }
        }
    }

    #[test]
    fn an_echo_that_was_not_asked_for_says_nothing_and_one_that_is_early_is_not_waited_for() {
        let mut test = TestContext::new(|_| {});
        let (mut prober, mut peer) = (Prober::default(), test.proven_peer(2));
        assert_eq!(prober.handle_echo(&mut peer, Nonce(7), &mut test.context()), ProbeOutcome::Nothing);
        test.now = Instant::from(peer.probes.deadline().unwrap()) - Duration::from_nanos(1);
        assert_eq!(prober.wake(&mut peer, &mut test.context()), ProbeOutcome::Nothing);
        assert_eq!(test.sent(), []);
    }

    #[test]
    fn a_lost_echo_is_trouble_from_when_it_was_asked_for_and_begins_a_burst() {
        let mut test = TestContext::new(|_| {});
        let (mut prober, mut peer) = (Prober::default(), test.proven_peer(2));
        let _ = wake(&mut prober, &mut peer, &mut test);
        let asked = test.now;
        let (outcome, mut sent) = wake(&mut prober, &mut peer, &mut test);
        assert_eq!((outcome, test.now), (ProbeOutcome::Measuring, asked + ECHO_TIMEOUT));
        assert_eq!((peer.health.trouble(), prober.bursts()), (Some(asked.into()), 1));
        while peer.probes.in_burst() {
            assert!(test.now < asked + secs(4), "a burst ends");
            sent.extend(wake(&mut prober, &mut peer, &mut test).1);
        }
        let small = sent.iter().filter(|sent| sent.kind == Kind::Heartbeat).count();
        assert!(small >= usize::from(BURST), "{small}");
        assert!(sent.iter().any(|sent| sent.kind == Kind::Probe), "a large one was lost, too");
        prober.reconcile(peer.key(), peer.probes.in_burst());
        assert_eq!(prober.bursts(), 0);
    }

    #[test]
    fn no_more_bursts_are_under_way_than_the_cap() {
        let mut test = TestContext::new(|_| {});
        let mut prober = Prober::default();
        let most = u64::try_from(MAX_BURSTS).unwrap();
        for n in 0..most {
            assert!(prober.begin_burst(&mut test.proven_peer(n), &test.context()), "{n}");
        }
        let mut one_more = test.proven_peer(most);
        assert!(!prober.begin_burst(&mut one_more, &test.context()));
        prober.reconcile(test.peer(3).key(), true);
        assert!(!prober.begin_burst(&mut one_more, &test.context()), "that burst goes on");
        prober.reconcile(test.peer(3).key(), false);
        assert!(prober.begin_burst(&mut one_more, &test.context()));
        assert!(!prober.begin_burst(&mut one_more, &test.context()), "one at a time for each peer");
    }

    #[test]
    fn in_a_crowd_each_begins_its_share_of_the_bursts_so_that_measuring_losses_does_not_cause_them() {
        for (known, at_once, in_ten_seconds) in [(4, 50, 50), (99, 32, 10), (399, 8, 3)] {
            let mut test = TestContext::new(|_| {});
            test.known = known;
            let mut prober = Prober::default();
            for expected in [at_once, in_ten_seconds] {
                let mut begun = 0;
                for mut peer in (0..50).map(|n| test.proven_peer(n)).collect::<Vec<_>>() {
                    begun += u32::from(prober.begin_burst(&mut peer, &test.context()));
                    prober.reconcile(peer.key(), false);
                }
                assert_eq!(begun, expected, "{known} peers");
                test.now += secs(10);
            }
        }
    }

    #[test]
    fn who_left_or_must_prove_its_address_again_is_asked_no_longer() {
        type Change = fn(&mut Peer, &mut Context<'_>);
        let changes: [(&str, Change); 2] = [
            ("it left", |peer, ctx| {
                peer.leave(LeaveReason::Goodbye, ctx);
                peer.probes.set_next(Some(ctx.now));
            }),
            ("another life", |peer, _| peer.paths.restart()),
        ];
        for (what, change) in changes {
            let mut test = TestContext::new(|_| {});
            let (mut prober, mut peer) = (Prober::default(), test.proven_peer(2));
            change(&mut peer, &mut test.context());
            test.outputs();
            let (_, sent) = wake(&mut prober, &mut peer, &mut test);
            assert_eq!((sent, peer.probes.deadline()), (vec![], None), "{what}");
        }
    }

    #[test]
    fn a_short_interval_leaves_moments_at_which_it_is_known_how_a_peer_fares() {
        for (interval, known, period) in
            [(1, 2, ECHO_AGAIN), (10, 2, ms(2_500)), (10, 17, secs(10)), (1, 17, ECHO_AGAIN)]
        {
            let mut test =
                TestContext::new(|config| config.dial_interval = DialInterval::Every(secs(interval)));
            test.known = known;
            let ctx = test.context();
            assert_eq!(echo_period(ctx.pace), period, "{interval} s with {known} peers");
            assert!(notices_within(ctx.pace) > period + ECHO_TIMEOUT * 2 + BURST_GAP * u32::from(BURST));
        }
    }
}
