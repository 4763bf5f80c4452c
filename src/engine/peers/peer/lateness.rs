//! How late the answers of a peer's program come while its system answers at once: one that is stopped and going, or starved.
//!
//! What counts is an echo that was overtaken: a connection that was begun after it was asked for stood long before it came, and the reply by
//! that connection was as late. A slow way, or one that stands still for a moment, holds up whatever comes later, too; and an echo that is
//! lost never comes.

use std::time::{Duration, Instant};

use crate::engine::api::Answer;
use crate::engine::cause::{Cause, Failure};
use crate::engine::limits::{
    LATE_APART, LATE_BY, LATE_ECHO, LATE_FACTOR, LATE_TIMES, LATE_WITHIN, SLOW_ANSWERS_WITHIN, SLOW_LASTS,
};
use crate::engine::moment::Moment;

/// How late a slow peer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slowness {
    /// The longest that an answer took.
    pub longest: Duration,
    /// How long a connection took to stand meanwhile.
    pub connect: Duration,
}

/// Whether a peer answers late while its system answers at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tardiness {
    /// Not lately.
    #[default]
    InTime,
    /// It did lately, and it is not known whether it often does.
    Doubtful,
    /// It often does.
    Slow(Slowness),
}

/// A dial to which the system of the peer has answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialed {
    began: Moment,
    /// When the connection stood at the latest.
    stood: Moment,
    /// How long that took, if it is known: not if no reply came.
    connect: Option<Duration>,
}

/// An echo that was late.
#[derive(Debug, Clone, Copy)]
struct LateEcho {
    asked: Moment,
    came: Moment,
}

/// What was late, and how often.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lateness {
    /// The latest; of several that came together, the one that was asked for first.
    echo: Option<LateEcho>,
    /// The last one whose reply was late, or did not come.
    dialed: Option<Dialed>,
    /// When an echo was overtaken, the last time last; the first entries are those before there were so many.
    overtaken: [Option<Moment>; LATE_TIMES],
    /// When anything was late last.
    late: Option<Moment>,
    longest: Duration,
    connect: Duration,
    is_slow: bool,
}

impl Dialed {
    /// What a dial that began then and ended now says; nothing, unless the connection stood.
    pub(crate) fn of(began: Instant, result: &Result<Answer<'_>, Failure>, now: Instant) -> Option<Self> {
        let (stood, connect) = match result {
            Ok(answer) => (now.checked_sub(answer.rtt)?, Some(answer.connect)),
            Err(failure) if failure.cause == Cause::NoReply => (now, None),
            Err(_) => return None,
        };
        Some(Self { began: began.into(), stood: stood.into(), connect })
    }

    /// Whether it took long until the connection stood: then the way may be what holds up the answers of the peer, now and before.
    pub(super) fn is_by_a_slow_way(&self) -> bool {
        self.connect.is_some_and(|connect| connect >= LATE_BY)
    }

    /// Whether the reply that comes now is late, or none came.
    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.connect.is_none_or(|connect| is_late_by(Moment::from(now).since(self.stood), connect))
    }
}

/// Whether an echo that comes now is late.
pub(super) fn is_late_echo(asked: Instant, now: Instant) -> bool {
    now.saturating_duration_since(asked) >= LATE_ECHO
}

fn is_late_by(time: Duration, connect: Duration) -> bool {
    time >= LATE_BY && time >= connect * LATE_FACTOR
}

fn is_within(at: Option<Moment>, time: Duration, now: Moment) -> bool {
    at.is_some_and(|at| now.since(at) <= time)
}

impl Lateness {
    /// An echo came now that was asked for then, where a connection usually takes so long; whether the peer is known to be slow by that.
    pub(super) fn note_echo(&mut self, asked: Instant, connect: Duration, now: Instant) -> bool {
        let echo = LateEcho { asked: asked.into(), came: now.into() };
        let took = echo.came.since(echo.asked);
        if !is_late_by(took, connect) {
            return false;
        }
        self.note_late(echo.came);
        self.longest = self.longest.max(took);
        if self.echo.is_none_or(|last| echo.came.since(last.came) >= LATE_APART || echo.asked < last.asked) {
            self.echo = Some(echo);
        }
        self.compare(echo.came)
    }

    /// A dial ended now whose reply was late, or did not come; whether the peer is known to be slow by that.
    pub(super) fn note_dial(&mut self, dialed: Dialed, now: Instant) -> bool {
        self.note_late(now.into());
        self.dialed = Some(dialed);
        self.compare(now.into())
    }

    /// What it says of a peer that was `alive` until lately; of one that does not answer any more it says nothing. Where one time is enough,
    /// that makes it slow.
    pub(super) fn tardiness(&self, once: bool, alive: Option<Moment>, now: Moment) -> Tardiness {
        let lately = |at| is_within(at, SLOW_LASTS, now);
        let is_slow = self.is_slow || once && self.last().is_some();
        if !is_within(alive, SLOW_ANSWERS_WITHIN, now) {
            Tardiness::InTime
        } else if is_slow && lately(self.late) {
            Tardiness::Slow(Slowness { longest: self.longest, connect: self.connect })
        } else if lately(self.last()) {
            Tardiness::Doubtful
        } else {
            Tardiness::InTime
        }
    }

    /// When an echo was last overtaken.
    pub(super) fn last(&self) -> Option<Moment> {
        self.overtaken[LATE_TIMES - 1]
    }

    fn note_late(&mut self, now: Moment) {
        if !is_within(self.late, SLOW_LASTS, now) {
            (self.is_slow, self.longest) = (false, Duration::ZERO);
        }
        self.late = Some(now);
    }

    /// Whether it is known only now that the peer is slow.
    fn compare(&mut self, now: Moment) -> bool {
        let Some((echo, dialed)) = self.echo.zip(self.dialed) else { return false };
        let connect = dialed.connect.unwrap_or(self.connect);
        if dialed.began < echo.asked || !is_late_by(echo.came.since(dialed.stood), connect) {
            return false;
        }
        self.connect = connect;
        // All that one standstill has held up is one time.
        if self.last().is_none_or(|last| now.since(last) >= LATE_APART) {
            self.overtaken.rotate_left(1);
            self.overtaken[LATE_TIMES - 1] = Some(now);
        }
        is_within(self.overtaken[0], LATE_WITHIN, now) && !std::mem::replace(&mut self.is_slow, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{failure, ms, secs, t0};

    /// One that answers within a millisecond, and late again and again.
    struct Trial {
        lateness: Lateness,
        t0: Instant,
    }

    impl Trial {
        fn new() -> Self {
            Self { lateness: Lateness::default(), t0: t0() }
        }

        /// An echo that was asked for then comes now.
        fn echo(&mut self, asked: u64, came: u64) -> bool {
            self.lateness.note_echo(self.t0 + ms(asked), ms(1), self.t0 + ms(came))
        }

        /// A dial that began then has its reply now.
        fn dial(&mut self, began: u64, ended: u64) -> bool {
            let answer = Answer {
                from_standby: None,
                local: None,
                body: &[],
                connect: ms(1),
                rtt: ms(ended - began - 1),
            };
            let dialed = Dialed::of(self.t0 + ms(began), &Ok(answer), self.t0 + ms(ended)).unwrap();
            self.lateness.note_dial(dialed, self.t0 + ms(ended))
        }

        fn is_slow(&self, once: bool, alive: u64, now: u64) -> bool {
            let at = |at| Moment::from(self.t0 + ms(at));
            matches!(self.lateness.tardiness(once, Some(at(alive)), at(now)), Tardiness::Slow(_))
        }
    }

    #[test]
    fn a_host_is_slow_when_echoes_were_overtaken_three_times_in_a_minute() {
        for (last, slow) in [(59_000, true), (70_000, false)] {
            let mut trial = Trial::new();
            for at in [0, 20_000] {
                assert!(!trial.echo(at, at + 1_500) && !trial.dial(at + 100, at + 1_501), "{at}");
            }
            assert!(!trial.dial(last + 100, last + 1_500));
            assert_eq!(trial.echo(last, last + 1_501), slow, "in either order");
            assert!(!trial.echo(last + 300, last + 1_502), "that is known");
            let now = last + 1_600;
            assert_eq!(trial.is_slow(false, now, now), slow, "{last}");
            assert!(trial.is_slow(true, now, now), "one time is enough where it goes out of reach for that");
        }
    }

    #[test]
    fn all_that_one_standstill_holds_up_is_one_time() {
        let mut trial = Trial::new();
        for nth in 0..10 {
            assert!(!trial.echo(nth * 100, 3_000 + nth) && !trial.dial(nth * 100 + 50, 3_000 + nth));
        }
        assert!(!trial.is_slow(false, 3_010, 3_010));
        let tardiness = |at| {
            let at = Moment::from(trial.t0 + ms(at));
            trial.lateness.tardiness(false, Some(at), at)
        };
        assert_eq!([tardiness(33_000), tardiness(33_001)], [Tardiness::Doubtful, Tardiness::InTime]);
    }

    #[test]
    fn an_echo_that_was_asked_for_after_the_dial_began_or_came_before_its_connection_stood_is_not_overtaken()
    {
        let mut trial = Trial::new();
        for at in (0..8).map(|nth| nth * 5_000) {
            assert!(!trial.dial(at, at + 1_500) && !trial.echo(at + 1, at + 1_500));
            assert!(!trial.echo(at + 2_000, at + 2_600) && !trial.dial(at + 2_550, at + 3_500));
        }
        assert!(!trial.is_slow(true, 40_000, 40_000));
    }

    #[test]
    fn a_dial_without_a_reply_counts_if_the_connection_stood() {
        let now = t0();
        let ended = |cause| Dialed::of(now, &Err(failure(cause)), now + secs(4));
        assert!(ended(Cause::TimedOut).is_none() && ended(Cause::Refused).is_none());
        let dialed = ended(Cause::NoReply).unwrap();
        assert!(dialed.is_late(now + secs(4)) && !dialed.is_by_a_slow_way());
        let mut lateness = Lateness::default();
        let _ = lateness.note_dial(dialed, now + secs(4));
        let _ = lateness.note_echo(now, ms(1), now + secs(5));
        assert_eq!(lateness.last(), Some((now + secs(5)).into()));
    }

    #[test]
    fn a_slow_way_is_no_slow_host() {
        let now = t0();
        let dialed = |connect, rtt| {
            let answer =
                Answer { from_standby: None, local: None, body: &[], connect: ms(connect), rtt: ms(rtt) };
            Dialed::of(now, &Ok(answer), now + ms(connect + rtt)).unwrap()
        };
        for (connect, rtt, late, slow_way) in [
            (1, 99, false, false),
            (1, 100, true, false),
            (20, 199, false, false),
            (20, 200, true, false),
            (100, 900, false, true),
        ] {
            let dialed = dialed(connect, rtt);
            let end = now + ms(connect + rtt);
            assert_eq!(
                (dialed.is_late(end), dialed.is_by_a_slow_way()),
                (late, slow_way),
                "{connect}, {rtt}"
            );
        }
        assert!(is_late_echo(now, now + ms(500)) && !is_late_echo(now, now + ms(499)));
        let mut lateness = Lateness::default();
        let _ = lateness.note_echo(now, ms(60), now + ms(599));
        assert_eq!(lateness.late, None, "that is not ten times as long");
    }

    #[test]
    fn it_is_slow_until_no_answer_was_late_for_a_while_or_none_comes() {
        let mut trial = Trial::new();
        for at in [0, 2_000, 4_000] {
            let _ = trial.echo(at, at + 1_500);
            let _ = trial.dial(at + 100, at + 1_500);
        }
        assert!(trial.is_slow(false, 35_500, 35_500) && !trial.is_slow(false, 35_501, 35_501));
        assert!(trial.is_slow(false, 6_000, 16_000) && !trial.is_slow(false, 6_000, 16_001), "it is silent");
        assert!(!trial.echo(29_000, 29_600));
        assert!(trial.is_slow(false, 59_600, 59_600), "another late answer is enough for that");
        let told = trial.lateness.tardiness(
            false,
            Some((trial.t0 + ms(59_600)).into()),
            (trial.t0 + ms(59_600)).into(),
        );
        assert_eq!(told, Tardiness::Slow(Slowness { longest: ms(1_500), connect: ms(1) }));
        assert!(!trial.echo(90_000, 90_600));
        assert!(!trial.is_slow(false, 90_600, 90_600), "it begins again");
    }
}
