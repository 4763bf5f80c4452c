//! What is seen of a peer: from what its parts know to one observation.

use std::time::Duration;

use crate::engine::config::Config;
use crate::engine::context::fresh_for;
use crate::engine::diagnosis::kept::Kept;
use crate::engine::limits::{
    ASK_TOLD_AGAIN, ECHO_AGAIN, ECHO_TIMEOUT, ECHOES_PER_INTERVAL, MULTICAST_ONE_IN,
};
use crate::engine::moment::Moment;
use crate::engine::observation::{
    FEWEST_MISSING, MISSING_BY_CHANCE, Observation, PathStatus, missing_by, one_way,
};

use super::hearing::Hearing;
use super::peer::{Nat, Peer};

/// How long evidence counts. All follow from what a person set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// After this a status that was not renewed is unknown.
    fresh: Duration,
    /// Echoes that are asked for come at least every so often.
    unicast: Duration,
    /// The other one asks for its own so often, while there are few.
    asks: Duration,
    /// So do the dials of a peer that is well.
    served: Duration,
    /// The period of this node's regular dials.
    dial_interval: Duration,
    /// How many of a peer's periods without a broadcast are too many; where echoes come, and hardly any is lost, one less.
    patience: u32,
}

impl Times {
    pub(crate) fn of(dial_interval: Duration, config: &Config) -> Self {
        let (fresh, interval) = (fresh_for(dial_interval, config), dial_interval);
        Self {
            fresh,
            unicast: interval * 5 / 2,
            asks: asks_every(interval),
            served: fresh + interval / 2,
            dial_interval,
            patience: config.silent_after.max(FEWEST_MISSING + 1),
        }
    }

    /// The same for a peer that dials every so often.
    fn of_a_peer_that_dials_every(self, dial_interval: Duration) -> Self {
        let timeout = self.fresh.saturating_sub(self.dial_interval * 2);
        Self { asks: asks_every(dial_interval), served: dial_interval * 5 / 2 + timeout, ..self }
    }
}

/// How often one asks for echoes, while there are few, who dials every so often.
fn asks_every(dial_interval: Duration) -> Duration {
    (dial_interval / ECHOES_PER_INTERVAL).max(ECHO_AGAIN)
}

/// What is seen of the peer now. First tells loss from chance, and ends trouble that is over.
pub(crate) fn observe(peer: &mut Peer, hearing: &Hearing, times: Times, is_crowd: bool, now: Moment) -> Kept {
    peer.probes.note_loss();
    end_trouble_if_over(peer, now);
    if peer.has_left() {
        return Kept::default();
    }
    let times = match peer.last_seen.dial_interval() {
        Some(theirs) if theirs != times.dial_interval => times.of_a_peer_that_dials_every(theirs),
        _ => times,
    };
    Observer { peer, hearing, times, is_crowd, now }.observation()
}

/// Trouble is over when both ways worked since it began.
fn end_trouble_if_over(peer: &mut Peer, now: Moment) {
    let Some(began) = peer.health.trouble() else { return };
    let dialed = peer.dial.reached().is_some_and(|at| at >= began);
    if dialed && peer.probes.latest_came() && !peer.probes.in_burst() && !peer.probes.loses_large() {
        let failed = [peer.probes.recovered(), peer.dial.recovered()];
        if failed.into_iter().flatten().any(|recovered| recovered >= began) {
            peer.health.end_trouble(now.into());
        } else {
            peer.health.forget_trouble();
        }
    }
}

struct Observer<'a> {
    peer: &'a Peer,
    hearing: &'a Hearing,
    times: Times,
    is_crowd: bool,
    now: Moment,
}

impl Observer<'_> {
    fn observation(&self) -> Kept {
        let Self { peer, mut times, now, .. } = *self;
        if peer.is_second_hand() {
            // Its one dial counts until it is asked again.
            times.fresh += ASK_TOLD_AGAIN;
        }
        let tcp =
            peer.dial.tcp_status(peer.probes.recovered(), peer.probes.dials_to_fail(), times.fresh, now);
        let echo = match peer.probes.echo_status(peer.dial.recovered(), times.fresh, now) {
            // One from before dials began to fail says nothing of what they meet now.
            PathStatus::Ok if tcp.is_failing() && peer.probes.last_echo() < peer.health.trouble() => {
                PathStatus::Unknown
            }
            echo => echo,
        };
        let silent_since = peer.probes.lost_since().max(peer.last_alive());
        // A reply from before all fell silent says nothing of a dial that has had none since.
        let is_outdated = tcp.is_ok() && echo.is_failing() && peer.dial.is_late(now);
        let is_unknown = is_outdated || peer.dial.may_have_been_cut(echo, silent_since);
        let tcp = if is_unknown { PathStatus::Unknown } else { tcp };
        let seen = Observation {
            tcp,
            echo,
            broadcast: self.broadcast(echo),
            unicast: self.unicast(echo),
            served: self.served(echo),
            large: peer.probes.large_status(echo),
            // What was lost before this machine slept, or its way was cut, says nothing of now.
            loss: peer.probes.loss().filter(|_| self.is_within(peer.probes.resolved(), times.fresh)),
            cause: peer.dial.cause().filter(|_| tcp.is_failing()),
            rtt: peer.dial.rtt(),
            ..Observation::default()
        };
        let seen = if peer.nat() == Nat::None { seen } else { through_nat(seen) };
        Kept::new(&seen, peer.dial.ended(), peer.last_alive())
    }

    fn is_within(&self, at: Option<Moment>, within: Duration) -> bool {
        at.is_some_and(|at| self.now.since(at) <= within)
    }

    /// The period of its presences, if it is on one of our links.
    fn period(&self) -> Option<Duration> {
        self.peer.last_seen.period().filter(|_| self.peer.interface().is_some())
    }

    /// Whether what should come at least every `long` comes. While there is trouble, what was heard before it began says nothing,
    /// and silence counts after `soon`, or two periods of its presence.
    fn heard(
        &self,
        at: Option<Moment>,
        long: Duration,
        echo: PathStatus,
        soon: Option<Duration>,
    ) -> PathStatus {
        let known_for_long = self.now.since(self.peer.health.since()) >= long;
        // Trouble may begin a moment before the last word comes: with a dial that was under way, or an echo.
        let silent_since = self.peer.probes.lost_since().filter(|_| echo.is_failing());
        let last_word = silent_since.map(|since| self.last_word(since));
        // Where echoes come, a missing broadcast may be lost by chance.
        let enough = match self.period() {
            _ if !echo.is_failing() => Some(long),
            period => period.map(|period| soon.map_or(period * 22 / 10, |soon| soon.max(period * 4 / 5))),
        };
        let waited_since = |moment: Moment| enough.is_some_and(|enough| self.now.since(moment) >= enough);
        match self.peer.health.trouble().map(|began| silent_since.map_or(began, |since| since.max(began))) {
            _ if !self.is_within(at, long) && known_for_long => PathStatus::Failing,
            Some(began) if at.is_none_or(|at| at < began || Some(at) < last_word) => {
                if waited_since(began) {
                    PathStatus::Failing
                } else {
                    PathStatus::Unknown
                }
            }
            // What came after trouble began is no word of a silence that began later.
            Some(_) if echo.is_failing() && at.is_some_and(waited_since) => PathStatus::Unknown,
            _ if self.is_within(at, long) => PathStatus::Ok,
            _ => PathStatus::Unknown,
        }
    }

    fn broadcast(&self, echo: PathStatus) -> PathStatus {
        let Some(period) = self.period() else { return PathStatus::Unknown };
        let rarely = self.peer.is_rarely_heard();
        let period = period * if rarely { u32::from(MULTICAST_ONE_IN) } else { 1 };
        let last = self.peer.last_seen.broadcast();
        let gaps = |count: u32| period * (count * 11) / 10;
        let missing = missing_by(MISSING_BY_CHANCE, one_way(self.peer.probes.expected_loss()));
        let heard = self.heard(last, gaps(missing.max(self.times.patience)), echo, None);
        if !echo.is_ok() {
            return heard;
        }
        let long = gaps(missing.max(self.times.patience - 1));
        // What did not come while no echo did says nothing of broadcasts alone.
        let known = self.peer.health.since();
        let known = self.peer.probes.recovered().map_or(known, |recovered| recovered.max(known));
        let since = last.map_or(known, |last| last.max(known));
        let of_all = self.hearing.missing_from(self.peer.probes.expected_loss()).filter(|_| !rarely);
        let of_all = of_all.map(|from| from.max(since + period * 3 / 2));
        let due = of_all.map_or(since + long, |from| from.min(since + long));
        match heard {
            // An echo from before the silence was noticed does not tell that the broadcasts alone are missing.
            _ if self.now > due && self.peer.probes.last_echo() >= Some(due) => PathStatus::Failing,
            _ if self.now > due => PathStatus::Unknown,
            PathStatus::Failing => PathStatus::Unknown,
            heard => heard,
        }
    }

    fn unicast(&self, echo: PathStatus) -> PathStatus {
        if !self.peer.probes.has_outcomes() {
            return PathStatus::Unknown;
        }
        // Who lives asks for echoes of its own, and all the more when they do not come.
        let soon =
            (!self.is_crowd && !self.peer.probes.lost_here_and_there()).then(|| self.times.asks * 3 / 2);
        self.heard(self.peer.last_seen.unicast(), self.times.unicast, echo, soon)
    }

    /// Until when something may have come that was under way as echoes began to be lost. Where packets are lost by chance, the first echo of
    /// a silence may have been lost so before it.
    fn last_word(&self, silent_since: Moment) -> Moment {
        let by_chance = if self.peer.probes.lost_here_and_there() { self.times.asks } else { Duration::ZERO };
        silent_since + ECHO_TIMEOUT + by_chance
    }

    /// Never failing: how often the other one dials is its own affair. What it asked before the trouble began, or before all fell silent,
    /// says nothing.
    fn served(&self, echo: PathStatus) -> PathStatus {
        let at = self.peer.last_seen.served();
        let silent_since = self.peer.probes.lost_since().filter(|_| echo.is_failing());
        let since = self.peer.health.trouble().max(silent_since.map(|since| self.last_word(since)));
        if self.is_within(at, self.times.served) && since.is_none_or(|since| at >= Some(since)) {
            PathStatus::Ok
        } else {
            PathStatus::Unknown
        }
    }
}

/// What is seen through a NAT: what does not come of UDP says nothing, for it may be the NAT that has no way for it.
fn through_nat(seen: Observation) -> Observation {
    let unless_failing = |status: PathStatus| if status.is_failing() { PathStatus::Unknown } else { status };
    Observation {
        echo: unless_failing(seen.echo),
        broadcast: PathStatus::Unknown,
        unicast: unless_failing(seen.unicast),
        large: unless_failing(seen.large),
        loss: None,
        ..seen
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::engine::Nonce;
    use crate::engine::api::DialId;
    use crate::engine::cause::Cause;
    use crate::engine::context::TestContext;
    use crate::engine::limits::{BURST, LATE_DIAL, LOST_IN_A_ROW};
    use crate::engine::peers::LeaveReason;
    use crate::testkit::{failure, ms, secs};

    /// Three periods of five seconds, and a tenth more.
    const PATIENCE: Duration = ms(16_500);
    /// The same of two.
    const SOON: Duration = ms(11_000);

    /// A peer that was heard by broadcast now, with a period of five seconds.
    fn heard(test: &TestContext) -> Peer {
        let mut peer = test.peer(2);
        peer.last_seen.note_period(secs(5));
        peer.last_seen.note_broadcast(test.now);
        peer
    }

    fn echo(peer: &mut Peer, nonce: u64, at: Instant) {
        peer.probes.note_sent(Nonce(nonce), false, at);
        let _ = peer.probes.note_echo(Nonce(nonce), at);
    }

    fn lose(peer: &mut Peer, count: u8, at: Instant) {
        (0..count).for_each(|n| peer.probes.note_sent(Nonce(u64::from(n)), false, at));
        let _ = peer.probes.count_outcomes(at + ECHO_TIMEOUT);
    }

    fn look(peer: &mut Peer, test: &mut TestContext, at: Instant) -> Observation {
        observe(peer, &Hearing::default(), Times::of(secs(10), test.context().config), false, at.into())
            .into()
    }

    #[test]
    fn broadcasts_that_come_are_ok_and_those_that_are_missing_for_long_fail() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (heard(&test), test.now);
        assert_eq!(look(&mut peer, &mut test, now + PATIENCE).broadcast, PathStatus::Ok);
        assert_eq!(look(&mut peer, &mut test, now + PATIENCE + ms(1)).broadcast, PathStatus::Failing);
        peer.health.observe_from(now + ms(2));
        assert_eq!(
            look(&mut peer, &mut test, now + PATIENCE + ms(1)).broadcast,
            PathStatus::Unknown,
            "too early to tell"
        );
        peer.set_interface(None);
        assert_eq!(look(&mut peer, &mut test, now).broadcast, PathStatus::Unknown, "off our links");
    }

    #[test]
    fn what_was_lost_long_ago_says_nothing_of_now() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (heard(&test), test.now);
        for nth in 0..20 {
            if nth % 4 == 0 { lose(&mut peer, 1, now) } else { echo(&mut peer, 100 + nth, now) }
        }
        let fresh = Times::of(secs(10), test.context().config).fresh;
        assert_eq!(look(&mut peer, &mut test, now + fresh).loss, Some(25));
        assert_eq!(look(&mut peer, &mut test, now + fresh + ms(1)).loss, None);
    }

    /// What is seen of the broadcasts of a peer whose echoes come, whatever the time.
    fn broadcast_with_echo(
        peer: &mut Peer,
        hearing: &Hearing,
        test: &mut TestContext,
        at: Instant,
    ) -> PathStatus {
        echo(peer, 99, at);
        let times = Times::of(secs(10), test.context().config);
        let seen = Observation::from(observe(peer, hearing, times, false, at.into()));
        assert_eq!(seen.echo, PathStatus::Ok);
        seen.broadcast
    }

    #[test]
    fn the_more_packets_are_lost_the_more_broadcasts_must_be_missing() {
        for (lost, gaps) in [(0, 2), (1, 3), (4, 4)] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, now) = (heard(&test), test.now);
            lose(&mut peer, lost, now);
            let due = now + ms(5_500) * gaps;
            let mut look = |at| broadcast_with_echo(&mut peer, &Hearing::default(), &mut test, at);
            assert_ne!(look(due), PathStatus::Failing, "{lost} lost, {gaps} missing");
            assert_eq!(look(due + ms(1)), PathStatus::Failing, "{lost} lost, {gaps} missing");
        }
    }

    #[test]
    fn where_nobodys_broadcasts_come_those_of_a_peer_are_missed_sooner() {
        for (peers, soon) in [(2, false), (4, true)] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, now) = (heard(&test), test.now);
            let hearing = Hearing::of(now, peers, secs(5));
            // Six of four peers, each a tenth late at most.
            let at = now + ms(8_251);
            let seen = broadcast_with_echo(&mut peer, &hearing, &mut test, at);
            assert_eq!(seen == PathStatus::Failing, soon, "{peers} peers");
        }
    }

    #[test]
    fn broadcasts_that_were_missing_while_no_echo_came_are_given_their_time() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (heard(&test), test.now);
        lose(&mut peer, LOST_IN_A_ROW, now);
        let back = now + secs(60);
        let mut look = |at| broadcast_with_echo(&mut peer, &Hearing::default(), &mut test, at);
        assert_eq!(look(back), PathStatus::Unknown);
        assert_eq!(look(back + SOON), PathStatus::Unknown);
        assert_eq!(look(back + secs(60)), PathStatus::Failing);
    }

    #[test]
    fn echoes_that_are_lost_by_chance_put_nothing_off() {
        for (lost, begins_again) in [(1, false), (LOST_IN_A_ROW, true)] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, since) = (test.peer(2), test.now);
            let began = since + secs(1);
            peer.health.note_trouble(began);
            lose(&mut peer, lost, began);
            echo(&mut peer, 99, began + secs(2));
            peer.dial.note_success(ms(0), ms(0), began + secs(2));
            look(&mut peer, &mut test, began + secs(3));
            assert!(!peer.health.is_troubled());
            assert_eq!(peer.health.since() > since.into(), begins_again, "{lost} lost");
        }
    }

    #[test]
    fn in_trouble_silence_counts_after_two_periods_if_echoes_fail_too() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, began) = (heard(&test), test.now + secs(1));
        peer.health.note_trouble(began);
        let soon = began + secs(11);
        assert_eq!(look(&mut peer, &mut test, soon).broadcast, PathStatus::Unknown, "no echo tells");
        lose(&mut peer, LOST_IN_A_ROW, began);
        assert_eq!(look(&mut peer, &mut test, soon - ms(1)).broadcast, PathStatus::Unknown);
        let seen = look(&mut peer, &mut test, soon);
        assert_eq!((seen.echo, seen.broadcast), (PathStatus::Failing, PathStatus::Failing));
        peer.last_seen.note_broadcast(began + ms(999));
        assert_eq!(
            look(&mut peer, &mut test, soon).broadcast,
            PathStatus::Failing,
            "it may be its last word"
        );
        peer.last_seen.note_broadcast(began + ECHO_TIMEOUT);
        assert_eq!(look(&mut peer, &mut test, soon).broadcast, PathStatus::Ok, "it was heard since");
    }

    #[test]
    fn where_packets_are_lost_by_chance_a_silence_may_have_begun_after_its_first_lost_echo() {
        for (lossy, after, heard_since) in [
            (false, ms(1_000), PathStatus::Ok),
            (true, ms(1_000), PathStatus::Unknown),
            (true, ms(3_499), PathStatus::Unknown),
            (true, ms(3_500), PathStatus::Ok),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = heard(&test);
            for n in 0..12 {
                if lossy && n % 4 == 0 {
                    lose(&mut peer, 1, test.now);
                } else {
                    echo(&mut peer, 100 + n, test.now);
                }
            }
            let began = test.now + secs(2);
            peer.health.note_trouble(began);
            lose(&mut peer, BURST, began);
            peer.last_seen.note_broadcast(began + after);
            let seen = look(&mut peer, &mut test, began + secs(5));
            assert_eq!((seen.echo, seen.broadcast), (PathStatus::Failing, heard_since), "{lossy} {after:?}");
        }
    }

    #[test]
    fn who_lives_asks_for_echoes_soon_where_there_are_few() {
        for (is_crowd, enough) in [(false, secs(4)), (true, secs(11))] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, began) = (heard(&test), test.now);
            peer.last_seen.note_unicast(began);
            peer.health.note_trouble(began);
            lose(&mut peer, LOST_IN_A_ROW, began);
            let mut unicast = |at: Instant| {
                let times = Times::of(secs(10), test.context().config);
                Observation::from(observe(&mut peer, &Hearing::default(), times, is_crowd, at.into())).unicast
            };
            assert_eq!(unicast(began + enough - ms(1)), PathStatus::Unknown, "among many: {is_crowd}");
            assert_eq!(unicast(began + enough), PathStatus::Failing, "among many: {is_crowd}");
        }
    }

    #[test]
    fn unicasts_count_once_echoes_are_asked_for() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (test.peer(2), test.now);
        peer.last_seen.note_unicast(now);
        assert_eq!(look(&mut peer, &mut test, now).unicast, PathStatus::Unknown);
        echo(&mut peer, 1, now);
        assert_eq!(look(&mut peer, &mut test, now + secs(25)).unicast, PathStatus::Ok);
        assert_eq!(look(&mut peer, &mut test, now + secs(26)).unicast, PathStatus::Failing);
    }

    #[test]
    fn its_own_exchanges_never_fail() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (test.peer(2), test.now);
        peer.last_seen.note_served(now);
        assert_eq!(look(&mut peer, &mut test, now + secs(29)).served, PathStatus::Ok);
        assert_eq!(look(&mut peer, &mut test, now + secs(3_600)).served, PathStatus::Unknown);
        peer.health.note_trouble(now + ms(1));
        assert_eq!(
            look(&mut peer, &mut test, now + secs(1)).served,
            PathStatus::Unknown,
            "from before the trouble"
        );
    }

    #[test]
    fn an_exchange_from_before_all_fell_silent_does_not_tell_that_dials_pass() {
        for (served_after, ok) in [(0, false), (900, false), (1_000, true), (5_000, true)] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, now) = (test.peer(2), test.now);
            // The trouble began by chance, long before.
            peer.health.note_trouble(now - secs(5));
            echo(&mut peer, 99, now - secs(1));
            lose(&mut peer, LOST_IN_A_ROW, now);
            peer.last_seen.note_served(now + ms(served_after));
            let seen = look(&mut peer, &mut test, now + secs(6));
            assert!(seen.echo.is_failing());
            assert_eq!(seen.served.is_ok(), ok, "served {served_after} ms after the first echo was lost");
        }
    }

    #[test]
    fn a_dial_counts_while_it_is_fresh_and_its_cause_as_long() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (test.peer(2), test.now);
        peer.dial.note_failure(&failure(Cause::Refused), now, now);
        let seen = look(&mut peer, &mut test, now + secs(24));
        assert_eq!(
            (seen.tcp, seen.cause, seen.checked),
            (PathStatus::Failing, Some(Cause::Refused), Some(now))
        );
        let seen = look(&mut peer, &mut test, now + secs(25));
        assert_eq!((seen.tcp, seen.cause), (PathStatus::Unknown, None));
        peer.dial.note_success(ms(1), ms(2), now + secs(25));
        let seen = look(&mut peer, &mut test, now + secs(25));
        assert_eq!((seen.tcp, seen.cause, seen.rtt), (PathStatus::Ok, None, Some(ms(2))));
        assert_eq!(seen.alive, Some(now + secs(25)));
    }

    #[test]
    fn a_reply_from_the_moment_in_which_all_fell_silent_does_not_outlive_a_dial_without_one() {
        for (deaf, waits, expected) in [
            (true, LATE_DIAL, PathStatus::Unknown),
            (true, LATE_DIAL - ms(1), PathStatus::Ok),
            (false, LATE_DIAL, PathStatus::Ok),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, now) = (test.peer(2), test.now);
            peer.dial.note_success(ms(1), ms(1), now);
            let dialed = now + secs(1);
            if deaf {
                lose(&mut peer, LOST_IN_A_ROW, now);
            } else {
                echo(&mut peer, 1, dialed);
            }
            peer.dial.start(DialId(1), 1, 5, dialed);
            assert_eq!(look(&mut peer, &mut test, dialed + waits).tcp, expected, "deaf: {deaf}, {waits:?}");
        }
    }

    #[test]
    fn trouble_is_over_when_a_dial_and_the_latest_echo_came_since() {
        for (what, dialed, echoed, over) in [
            ("both", 2, Some(true), true),
            ("no echo was ever asked for", 2, None, true),
            ("a dial from before", 0, Some(true), false),
            ("the latest echo is lost", 2, Some(false), false),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peer, began) = (test.peer(2), test.now + secs(1));
            peer.health.note_trouble(began);
            peer.dial.note_success(ms(0), ms(0), test.now + secs(dialed));
            match echoed {
                Some(true) => echo(&mut peer, 1, began),
                Some(false) => lose(&mut peer, 1, began),
                None => {}
            }
            look(&mut peer, &mut test, began + secs(5));
            assert_eq!(peer.health.trouble().is_none(), over, "{what}");
        }
    }

    #[test]
    fn nothing_is_seen_of_one_that_said_goodbye() {
        let mut test = TestContext::new(|_| {});
        let (mut peer, now) = (heard(&test), test.now);
        assert_ne!(look(&mut peer, &mut test, now), Observation::default());
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        peer.last_seen.note_broadcast(now);
        assert_eq!(look(&mut peer, &mut test, now), Observation::default());
    }
}
