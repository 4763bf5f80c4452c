//! What the echoes of one peer tell: whether UDP passes there and back, how much is lost, whether large datagrams pass.

use std::time::{Duration, Instant};

use rand::RngExt;
use smallvec::SmallVec;

use crate::engine::Nonce;
use crate::engine::context::Context;
use crate::engine::limits::{
    ALL_CAME, BURST, BURST_AGAIN, BURST_GAP, ECHO_TIMEOUT, FAILED_IN_A_ROW, FIRST_ECHO_SPREAD,
    FIRST_ECHO_WITHIN, LARGE_LOST_IN_A_ROW, LARGE_LOST_WITH_LOSS, LOST_IN_A_ROW, SEEMS_LOST,
};
use crate::engine::moment::Moment;
use crate::engine::observation::{LOSSY, PathStatus};

use super::given_up::{GivenUp, Late};
use super::window::Window;

/// So many lost one after the other are no chance: where 20 % are lost on each way, that is one in three thousand.
const NO_CHANCE: u8 = 8;

/// An echo that was asked for and is not counted yet.
#[derive(Debug, Clone, Copy)]
struct Probe {
    nonce: Nonce,
    sent: Moment,
    large: bool,
    /// It is one of a burst: the regular ones are never all there.
    in_burst: bool,
    /// Its echo came. It waits for those that were asked for before it, so that outcomes are counted in the order of asking.
    answered: bool,
}

/// Several probes in quick succession, to tell loss from an outage.
#[derive(Debug, Clone, Copy)]
struct Burst {
    left: u8,
    next: Moment,
}

/// What the outcomes that were just counted say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Counted {
    /// When the first of the lost probes was sent: trouble began then at the latest.
    pub(crate) lost_since: Option<Instant>,
    /// One was lost of which it is not clear yet whether it is loss or an outage.
    pub(crate) measure: bool,
}

/// What is kept of a peer of which an echo was ever lost, or that was measured.
#[derive(Debug, Clone, Default)]
struct Losses {
    /// When the first echo came after many were lost.
    recovered: Option<Moment>,
    /// When the latest of the lost probes was sent.
    sent: Option<Moment>,
    /// When the first of those was sent that were lost one after the other until now.
    row_began: Option<Moment>,
    /// When that one of them was sent with which they were too many for chance.
    row_is_sure: Option<Moment>,
    burst: Option<Burst>,
    burst_began: Option<Moment>,
    given_up: GivenUp,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct ProbeStats {
    probes: SmallVec<[Probe; 1]>,
    echoes: Window,
    large: Window,
    /// Echoes are lost here and there.
    lossy: bool,
    /// When the last echo came.
    echoed: Option<Moment>,
    /// When an echo last came or was given up.
    resolved: Option<Moment>,
    next: Option<Moment>,
    /// Counts the regular probes: every so often one is large.
    nth: u8,
    /// Boxed: few peers have it.
    losses: Option<Box<Losses>>,
}

impl ProbeStats {
    fn losses_mut(&mut self) -> &mut Losses {
        self.losses.get_or_insert_default()
    }

    fn burst(&self) -> Option<Burst> {
        self.losses.as_ref().and_then(|losses| losses.burst)
    }

    fn set_burst(&mut self, burst: Option<Burst>) {
        if burst.is_some() || self.losses.is_some() {
            self.losses_mut().burst = burst;
        }
    }

    /// Whether the peer is regularly asked for echoes.
    fn is_regular(&self) -> bool {
        self.next.is_some()
    }

    /// Asks for echoes from now on: the peer's address is proven, and it is known where it receives.
    pub(crate) fn begin_regular(&mut self, ctx: &mut Context<'_>) {
        if self.is_regular() {
            return;
        }
        // A newcomer is not to be asked by all at once.
        let crowded = || ctx.pace.for_each_peer(FIRST_ECHO_SPREAD, ctx.pace.dial_interval());
        let most = if ctx.pace.is_crowded() { crowded() } else { FIRST_ECHO_WITHIN };
        self.next = Some((ctx.now + ctx.rng.random_range(Duration::ZERO..=most)).into());
    }

    /// When the next regular probe is due; none stops them.
    pub(crate) fn set_next(&mut self, at: Option<Instant>) {
        self.next = at.map(Moment::from);
    }

    pub(crate) fn is_next_due(&self, now: Instant) -> bool {
        self.next.is_some_and(|at| at <= now.into())
    }

    /// Counts a regular probe: whether one that comes once in `one_in` is large. While large ones are lost, all are.
    pub(crate) fn count_regular(&mut self, one_in: u8) -> bool {
        self.nth = self.nth.wrapping_add(1);
        self.nth % one_in == 1 || self.large.lost_in_a_row() > 0
    }

    /// Notes a probe that is sent now.
    pub(crate) fn note_sent(&mut self, nonce: Nonce, large: bool, now: Instant) {
        let in_burst = self.in_burst();
        self.probes.push(Probe { nonce, sent: now.into(), large, in_burst, answered: false });
    }

    /// Notes an echo; none if nothing was asked with this nonce, or it came before.
    pub(crate) fn note_echo(&mut self, echo: Nonce, now: Instant) -> Option<Counted> {
        let asked = self.probes.iter_mut().find(|probe| probe.nonce == echo && !probe.answered);
        let Some(asked) = asked else { return self.note_late_echo(echo, now) };
        asked.answered = true;
        self.echoed = Some(now.into());
        Some(self.count_outcomes(now))
    }

    /// When the echo with this nonce was asked for; none if it was not, or has come.
    pub(crate) fn asked(&self, echo: Nonce) -> Option<Moment> {
        let awaited = self.probes.iter().find(|probe| probe.nonce == echo && !probe.answered);
        let awaited = awaited.map(|probe| probe.sent);
        awaited.or_else(|| self.losses.as_ref()?.given_up.asked(echo))
    }

    /// An echo that was given up came after all: it was not lost.
    fn note_late_echo(&mut self, echo: Nonce, now: Instant) -> Option<Counted> {
        let losses = self.losses.as_mut()?;
        let Late { large, before } = losses.given_up.take(echo)?;
        if !large && self.echoes.lost_in_a_row() >= LOST_IN_A_ROW {
            losses.recovered = Some(now.into());
        }
        let window = if large { &mut self.large } else { &mut self.echoes };
        window.forgive(before);
        (self.echoed, self.resolved) = (Some(now.into()), Some(now.into()));
        Some(Counted::default())
    }

    /// Counts the outcomes that are known, in the order of asking.
    pub(crate) fn count_outcomes(&mut self, now: Instant) -> Counted {
        let mut counted = Counted::default();
        while let Some(probe) = self.probes.first().copied() {
            let lost = !probe.answered;
            if lost && probe.sent + ECHO_TIMEOUT > now.into() {
                break;
            }
            self.probes.remove(0);
            self.resolved = Some(now.into());
            if !lost && !probe.large && self.echoes.lost_in_a_row() >= LOST_IN_A_ROW {
                self.losses_mut().recovered = Some(now.into());
            }
            let window = if probe.large { &mut self.large } else { &mut self.echoes };
            window.push(lost);
            if lost || self.losses.is_some() {
                let lost = lost.then_some((probe.nonce, probe.sent));
                self.losses_mut().given_up.count(probe.large, lost);
            }
            if lost {
                let is_first = !probe.large && self.echoes.lost_in_a_row() == 1;
                let is_sure = !probe.large && self.echoes.lost_in_a_row() == NO_CHANCE;
                let losses = self.losses_mut();
                losses.sent = Some(probe.sent);
                if is_first {
                    losses.row_began = Some(probe.sent);
                }
                if is_sure {
                    losses.row_is_sure = Some(probe.sent);
                }
                counted.lost_since.get_or_insert(probe.sent.into());
                counted.measure |= !self.is_deaf();
            }
        }
        if self.probes.is_empty() {
            // A burst is rare: its room is not kept.
            self.probes.shrink_to_fit();
        }
        counted
    }

    /// Tells loss from chance, now that more echoes came or did not.
    pub(crate) fn note_loss(&mut self) {
        self.lossy = self.echoes.is_lossy(self.lossy);
    }

    /// Begins a burst, unless one is under way, the last one was less than `rest` ago, or no echoes are asked for.
    pub(crate) fn begin_burst(&mut self, rest: Duration, now: Instant) -> bool {
        let rest = rest.max(BURST_AGAIN);
        let began = self.losses.as_ref().and_then(|losses| losses.burst_began);
        let rested = began.is_none_or(|at| now.saturating_duration_since(at.into()) >= rest);
        let begins = rested && !self.in_burst() && self.is_regular();
        if begins {
            let losses = self.losses_mut();
            losses.burst_began = Some(now.into());
            losses.burst = Some(Burst { left: BURST, next: now.into() });
        }
        begins
    }

    /// The next probe of a burst that is due: whether a large one goes with it. Ends the burst behind its last one.
    pub(crate) fn next_of_burst(&mut self, now: Instant) -> Option<bool> {
        let Burst { left, .. } = self.burst().filter(|burst| burst.next <= now.into())?;
        let Some(left) = left.checked_sub(1) else {
            self.set_burst(None);
            return None;
        };
        self.set_burst(Some(Burst { left, next: (now + BURST_GAP).into() }));
        Some(self.large.lost_in_a_row() > 0 && left % 4 == 0)
    }

    pub(crate) fn in_burst(&self) -> bool {
        self.burst().is_some()
    }

    /// Whether a burst is under way, or its last echoes are awaited.
    pub(crate) fn is_measuring(&self) -> bool {
        self.in_burst() || self.probes.iter().any(|probe| probe.in_burst)
    }

    /// When the last burst began, and how many of as many of the latest echoes were lost; none while one is under way, and before
    /// the first.
    pub(crate) fn measured(&self) -> Option<(Moment, u32)> {
        let began = self.losses.as_ref()?.burst_began?;
        (!self.is_measuring()).then(|| (began, self.echoes.lost_of(BURST)))
    }

    /// This process stood still: what was asked for says nothing.
    pub(crate) fn forget_asked(&mut self) {
        self.probes.clear();
        self.set_burst(None);
        if let Some(losses) = &mut self.losses {
            losses.given_up.clear();
        }
    }

    /// When the probes need attention.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        let first = self.probes.first().filter(|probe| !probe.answered);
        let lost = first.map(|probe| probe.sent + ECHO_TIMEOUT);
        [lost, self.next, self.burst().map(|burst| burst.next)].into_iter().flatten().min()
    }

    /// So many echoes in a row are missing that a burst would tell nothing new.
    pub(crate) fn is_deaf(&self) -> bool {
        self.echoes.lost_in_a_row() >= BURST
    }

    /// So many are missing that UDP counts as failing.
    pub(crate) fn is_failing(&self) -> bool {
        self.echoes.lost_in_a_row() >= LOST_IN_A_ROW
    }

    pub(crate) fn is_lossy(&self) -> bool {
        self.lossy
    }

    /// How many attempts of a dial in a row must have had no answer, that not the loss of packets explains it.
    pub(crate) fn dials_to_fail(&self) -> u32 {
        if self.lossy || self.echoes.any_lost_by_chance() { FAILED_IN_A_ROW } else { 1 }
    }

    /// The share of the echoes that is to be expected to be lost, above 0 and below 1.
    pub(crate) fn expected_loss(&self) -> f64 {
        self.echoes.expected_loss()
    }

    /// Whether the latest large datagram was lost.
    pub(crate) fn loses_large(&self) -> bool {
        self.large.lost_in_a_row() > 0
    }

    /// Whether many echoes came lately, one after the other.
    pub(crate) fn all_came(&self) -> bool {
        self.echoes.count() >= ALL_CAME && self.echoes.lost_of(ALL_CAME) == 0
    }

    /// Whether the first echoes of the burst under way are missing: most likely so are the others. Tells it once.
    pub(crate) fn burst_seems_lost(&self, now: Instant) -> bool {
        let is_then = self.burst().is_some_and(|burst| burst.left == BURST - SEEMS_LOST);
        let mut of_it = self.probes.iter().filter(|probe| probe.in_burst);
        let overdue = |probe: &Probe| probe.sent + BURST_GAP * u32::from(SEEMS_LOST - 1) <= now.into();
        is_then && of_it.clone().any(overdue) && of_it.all(|probe| !probe.answered)
    }

    /// Whether no echo came since `asked`, of so many that were asked for one after the other that this says something.
    pub(crate) fn is_unanswered_since(&self, asked: Instant) -> bool {
        let awaited = self.probes.iter().filter(|probe| !probe.large && Some(probe.sent) > self.echoed);
        let missing = usize::from(self.echoes.lost_in_a_row()) + awaited.count();
        self.echoed < Some(asked.into()) && missing >= usize::from(SEEMS_LOST)
    }

    /// Whether echoes were lost here and there, of those that are remembered.
    pub(crate) fn lost_here_and_there(&self) -> bool {
        self.echoes.lost_here_and_there()
    }

    /// How many outcomes of echoes are remembered.
    pub(crate) fn outcomes(&self) -> u8 {
        self.echoes.count()
    }

    /// Share of these that did not come, in percent, whether it is more than by chance or not.
    pub(crate) fn share_lost(&self) -> u8 {
        self.echoes.share_lost()
    }

    /// Whether an outcome of any echo is known.
    pub(crate) fn has_outcomes(&self) -> bool {
        !self.echoes.is_empty()
    }

    /// Whether the latest echo came, as far as any outcome is known.
    pub(crate) fn latest_came(&self) -> bool {
        self.echoes.is_empty() || self.echoes.lost_in_a_row() == 0
    }

    pub(crate) fn last_echo(&self) -> Option<Moment> {
        self.echoed
    }

    /// When the first echo came after many were lost.
    pub(crate) fn recovered(&self) -> Option<Moment> {
        self.losses.as_ref()?.recovered
    }

    /// Since when no echo comes; none if the latest came. Where packets are lost, the first may be missing by chance.
    pub(crate) fn lost_since(&self) -> Option<Moment> {
        let losses = self.losses.as_ref()?;
        let by_chance = self.lossy || self.echoes.any_lost_by_chance();
        let is_sure = by_chance && self.echoes.lost_in_a_row() >= NO_CHANCE;
        let since = if is_sure { losses.row_is_sure } else { losses.row_began };
        since.filter(|_| self.echoes.lost_in_a_row() > 0)
    }

    /// Whether a lost probe was sent before `at`, and none since.
    pub(crate) fn lost_only_before(&self, at: Option<Moment>) -> bool {
        let lost = self.losses.as_ref().and_then(|losses| losses.sent);
        at.is_some_and(|at| lost < Some(at))
    }

    /// Whether UDP passes there and back. After `fresh`, what was known is unknown.
    pub(crate) fn echo_status(
        &self,
        tcp_recovered: Option<Moment>,
        fresh: Duration,
        now: Moment,
    ) -> PathStatus {
        let is_fresh = |at: Option<Moment>| at.is_some_and(|at| now.since(at) <= fresh);
        if !is_fresh(self.resolved) {
            PathStatus::Unknown
        } else if self.is_failing() {
            // When TCP is back, the losses before that say nothing of UDP now.
            if self.lost_only_before(tcp_recovered) { PathStatus::Unknown } else { PathStatus::Failing }
        } else if is_fresh(self.echoed) {
            PathStatus::Ok
        } else {
            PathStatus::Unknown
        }
    }

    /// When an echo last came or was given up.
    pub(crate) fn resolved(&self) -> Option<Moment> {
        self.resolved
    }

    /// Whether large datagrams pass where small ones do.
    pub(crate) fn large_status(&self, echo: PathStatus) -> PathStatus {
        // Where many are lost by chance, large ones are, too.
        let enough = if self.lossy { LARGE_LOST_WITH_LOSS } else { LARGE_LOST_IN_A_ROW };
        if self.large.lost_in_a_row() >= enough && echo.is_ok() {
            PathStatus::Failing
        } else if !self.large.is_empty() && self.large.lost_in_a_row() == 0 {
            PathStatus::Ok
        } else {
            PathStatus::Unknown
        }
    }

    /// Share of the echoes that are lost, in percent; 0 where it is not more than chance, none before any outcome.
    pub(crate) fn loss(&self) -> Option<u8> {
        let share = if self.lossy { self.echoes.share_lost().max(LOSSY) } else { 0 };
        self.has_outcomes().then_some(share)
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    fn t0() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        Instant::now()
    }

    #[test]
    fn outcomes_are_counted_in_the_order_of_asking() {
        let (mut stats, t0) = (ProbeStats::default(), t0());
        stats.note_sent(Nonce(1), false, t0);
        stats.note_sent(Nonce(2), false, t0 + ms(10));
        assert_eq!(stats.note_echo(Nonce(2), t0 + ms(20)), Some(Counted::default()));
        assert!(!stats.has_outcomes(), "the first one may still come");
        assert_eq!(stats.note_echo(Nonce(2), t0 + ms(21)), None, "each echo counts once");
        let counted = stats.count_outcomes(t0 + ECHO_TIMEOUT);
        assert_eq!(counted, Counted { lost_since: Some(t0), measure: true });
        assert!(stats.latest_came(), "the second one did");
    }

    #[test]
    fn a_burst_sends_all_its_probes_and_another_one_waits() {
        let (mut stats, t0) = (ProbeStats::default(), t0());
        assert!(!stats.begin_burst(Duration::ZERO, t0), "who is never asked is not measured");
        stats.set_next(Some(t0));
        assert!(stats.begin_burst(Duration::ZERO, t0) && !stats.begin_burst(Duration::ZERO, t0));
        let mut now = t0;
        let mut sent = 0;
        while stats.in_burst() {
            if stats.next_of_burst(now).is_some() {
                stats.note_sent(Nonce(sent), false, now);
                sent += 1;
            }
            now += BURST_GAP;
        }
        assert_eq!(sent, u64::from(BURST));
        assert!(stats.is_measuring(), "its echoes are awaited");
        let _ = stats.count_outcomes(now + ECHO_TIMEOUT);
        assert!(!stats.is_measuring() && stats.is_deaf());
        assert!(!stats.begin_burst(Duration::ZERO, t0 + BURST_AGAIN - ms(1)));
        assert!(stats.begin_burst(Duration::ZERO, t0 + BURST_AGAIN));
    }

    #[test]
    fn what_was_lost_before_tcp_came_back_says_nothing_of_udp_now() {
        let (mut stats, t0) = (ProbeStats::default(), t0());
        for n in 0..u64::from(LOST_IN_A_ROW) {
            stats.note_sent(Nonce(n), false, t0);
        }
        let now = t0 + ECHO_TIMEOUT;
        let _ = stats.count_outcomes(now);
        assert_eq!(stats.echo_status(None, ms(10_000), now.into()), PathStatus::Failing);
        assert_eq!(stats.echo_status(Some(now.into()), ms(10_000), now.into()), PathStatus::Unknown);
        assert_eq!(stats.echo_status(Some(t0.into()), ms(10_000), now.into()), PathStatus::Failing);
        assert_eq!(stats.echo_status(None, ms(10_000), (now + ms(10_001)).into()), PathStatus::Unknown);
    }

    #[test]
    fn an_echo_that_comes_after_its_time_was_late_and_not_lost() {
        let (mut stats, now) = (ProbeStats::default(), t0());
        for n in 0..u64::from(LOST_IN_A_ROW) {
            stats.note_sent(Nonce(n), n == 3, now + ms(n));
        }
        stats.note_sent(Nonce(99), false, now + ms(99));
        let _ = stats.count_outcomes(now + ECHO_TIMEOUT + ms(100));
        assert!(stats.is_failing() && stats.loses_large());
        let came = now + secs(3);
        for n in (0..u64::from(LOST_IN_A_ROW)).chain([99]) {
            assert_eq!(stats.asked(Nonce(n)), Some((now + ms(n)).into()));
            assert_eq!(stats.note_echo(Nonce(n), came), Some(Counted::default()));
            assert_eq!((stats.asked(Nonce(n)), stats.note_echo(Nonce(n), came)), (None, None), "once");
        }
        assert!(stats.latest_came() && !stats.loses_large() && !stats.lost_here_and_there());
        assert_eq!((stats.last_echo(), stats.recovered()), (Some(came.into()), Some(came.into())));
    }
}
