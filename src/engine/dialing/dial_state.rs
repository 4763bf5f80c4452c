//! Where the dial of one peer stands, and how its dials went.

use std::time::{Duration, Instant};

use crate::engine::address::ZonedIp;
use crate::engine::api::DialId;
use crate::engine::cause::{Cause, Failure, Retry};
use crate::engine::limits::{HANGS_NO_LONGER, LATE_DIAL, LONGEST_PATIENCE, LOOK_AGAIN};
use crate::engine::micros::Micros;
use crate::engine::moment::Moment;
use crate::engine::observation::PathStatus;
use crate::engine::peers::DialPhase;

/// A dial is one to `max` attempts. It rests between two regular dials, queues for the rate, is in flight, and waits between
/// attempts.
#[derive(Debug, Clone, Copy, Default)]
enum Phase {
    /// Not dialed: it left, has no server, or is on no link of ours.
    #[default]
    Off,
    Resting {
        next: Moment,
    },
    /// `placed`: it stands in the dialer's queue.
    Queued {
        attempt: u32,
        urgent: bool,
        placed: bool,
    },
    InFlight {
        id: DialId,
        attempt: u32,
        since: Moment,
    },
    Waiting {
        attempt: u32,
        since: Moment,
        until: Moment,
    },
}

/// The number of an attempt that only looks whether the peer is reached again.
pub(crate) const LOOK: u32 = 0;

/// The last 64 attempts, a bit each.
#[derive(Debug, Clone, Copy, Default)]
struct Outcomes {
    failed: u64,
    count: u8,
}

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct DialState {
    phase: Phase,
    /// Attempts that the running dial may make.
    max: u32,
    /// When the running dial began: the regular dials keep this phase.
    began: Option<Moment>,
    /// The next attempt was asked for by a person.
    forced: bool,
    /// The running dial decides whether the peer is silent.
    confirming: bool,
    /// Boxed: few peers have it.
    aside: Option<Box<Aside>>,
    outcomes: Outcomes,
    connect: Option<Micros>,
    rtt: Option<Micros>,
    /// Why the last dial failed; none if it got its reply.
    cause: Option<Cause>,
    retry: Option<Retry>,
    /// When the last dial ended, if that says anything of the peer as it is now.
    ended: Option<Moment>,
}

/// What is no usual dial of the peer, and what is left of those that failed.
#[derive(Debug, Clone, Copy, Default)]
struct Aside {
    /// Where the dial stood before this look at the peer, and stands again after it.
    before_look: Option<Phase>,
    /// The dial only looks at this other address of the peer.
    aim: Option<ZonedIp>,
    /// In flight when the peer became another one: the connection is to be dropped.
    abandoned: Option<DialId>,
    /// When the last dial that failed began.
    failure_began: Option<Moment>,
    /// When the last dial began whose connection stood, and by which no reply came.
    accepted: Option<Moment>,
    /// The dial before was such a one, too.
    accepted_before: bool,
    /// How many attempts in a row no connection answered since such ones.
    vanished: u8,
    /// When a dial got its reply and the one before had failed.
    recovered: Option<Moment>,
}

impl DialState {
    /// It is dialed again at this time.
    pub(crate) fn rest_until(&mut self, next: Instant) {
        self.forget_before_look();
        self.phase = Phase::Resting { next: next.into() };
    }

    /// It is not dialed any longer; a dial in flight is abandoned.
    pub(crate) fn stop(&mut self) {
        self.abandon();
        let _ = self.take_aim();
        let _ = self.take_before_look();
        self.phase = Phase::Off;
        self.confirming = false;
    }

    /// Brings the next attempt forward to this time; one that is nearer, queued or in flight stays.
    pub(crate) fn bring_forward(&mut self, at: Instant) {
        let at = Moment::from(at);
        let before_look = self.aside.as_mut().and_then(|aside| aside.before_look.as_mut());
        match before_look.unwrap_or(&mut self.phase) {
            Phase::Off => self.phase = Phase::Resting { next: at },
            Phase::Resting { next } => *next = at.min(*next),
            Phase::Waiting { until, .. } => *until = at.min(*until),
            Phase::Queued { .. } | Phase::InFlight { .. } => {}
        }
    }

    /// Puts the next attempt in front of the queue; one in flight stays.
    pub(crate) fn hurry(&mut self) {
        if !self.is_in_flight() {
            self.end_look();
        }
        let attempt = match self.phase {
            Phase::InFlight { .. } | Phase::Queued { urgent: true, .. } => return,
            Phase::Waiting { attempt, .. } | Phase::Queued { attempt, .. } => attempt,
            Phase::Off | Phase::Resting { .. } => 1,
        };
        let _ = self.take_aim();
        self.queue(attempt, true);
    }

    pub(crate) fn queue(&mut self, attempt: u32, urgent: bool) {
        self.phase = Phase::Queued { attempt, urgent, placed: false };
    }

    /// Queues a dial of one attempt that looks at another address of the peer.
    pub(crate) fn queue_look_at(&mut self, ip: ZonedIp) {
        self.aside.get_or_insert_default().aim = Some(ip);
        self.queue(1, false);
    }

    /// Queues an attempt that only looks whether the peer is reached again; then the dial goes on as it stood. Nothing, unless it is
    /// between two attempts, and the next is not near.
    pub(crate) fn queue_look(&mut self, now: Instant) {
        let far = self.deadline().is_some_and(|at| at > (now + LOOK_AGAIN).into());
        if far && self.is_idle() {
            self.aside.get_or_insert_default().before_look = Some(self.phase);
            self.queue(LOOK, false);
        }
    }

    /// A look has ended, or does not take place: the dial goes on as it stood.
    pub(crate) fn end_look(&mut self) {
        if let Some(before) = self.take_before_look() {
            self.phase = before;
        }
    }

    /// A look has become an attempt as any other.
    pub(crate) fn forget_before_look(&mut self) {
        let _ = self.take_before_look();
    }

    fn take_before_look(&mut self) -> Option<Phase> {
        self.aside.as_mut()?.before_look.take()
    }

    /// The other address that the dial looks at; none if it is one like others.
    pub(crate) fn aim(&self) -> Option<ZonedIp> {
        self.aside.as_ref()?.aim
    }

    /// The same; whatever is dialed next is dialed as usual.
    pub(crate) fn take_aim(&mut self) -> Option<ZonedIp> {
        self.aside.as_mut()?.aim.take()
    }

    /// Whether it must be placed in a queue, and in the urgent one; from now on it stands there.
    pub(crate) fn take_unplaced(&mut self) -> Option<bool> {
        match &mut self.phase {
            Phase::Queued { urgent, placed, .. } => (!std::mem::replace(placed, true)).then_some(*urgent),
            _ => None,
        }
    }

    /// The attempt that waits in this queue.
    pub(crate) fn queued_in(&self, urgent: bool) -> Option<u32> {
        match self.phase {
            Phase::Queued { attempt, urgent: of, .. } if of == urgent => Some(attempt),
            _ => None,
        }
    }

    /// The queue in which it waits: whether that is the urgent one.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn queue_of(&self) -> Option<bool> {
        match self.phase {
            Phase::Queued { urgent, .. } => Some(urgent),
            _ => None,
        }
    }

    /// A regular dial is due: it rested until now.
    pub(crate) fn is_regular_due(&self, now: Instant) -> bool {
        matches!(self.phase, Phase::Resting { next } if next <= now.into())
    }

    /// A retry is due: which attempt it is.
    pub(crate) fn retry_due(&self, now: Instant) -> Option<u32> {
        match self.phase {
            Phase::Waiting { attempt, until, .. } if until <= now.into() => Some(attempt),
            _ => None,
        }
    }

    /// An attempt begins; the first one of a dial may be followed by others up to `max`. Whether a person asked for it.
    pub(crate) fn start(&mut self, id: DialId, attempt: u32, max: u32, now: Instant) -> bool {
        if attempt == 1 {
            self.began = Some(now.into());
            self.max = max;
        }
        self.phase = Phase::InFlight { id, attempt, since: now.into() };
        attempt != LOOK && std::mem::take(&mut self.forced)
    }

    /// The attempt in flight has ended, and when it began; none if that dial is not in flight here.
    pub(crate) fn take_in_flight(&mut self, dial: DialId) -> Option<(u32, Instant)> {
        match self.phase {
            Phase::InFlight { id, attempt, since } if id == dial => {
                self.phase = Phase::Off;
                Some((attempt, since.into()))
            }
            _ => None,
        }
    }

    /// Names the dial in flight.
    pub(crate) fn in_flight(&self) -> Option<DialId> {
        match self.phase {
            Phase::InFlight { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The dial in flight is of another address or another life of the peer.
    pub(crate) fn abandon(&mut self) {
        if let Some(id) = self.in_flight() {
            self.aside.get_or_insert_default().abandoned = Some(id);
            self.phase = Phase::Off;
            let _ = self.take_before_look();
        }
    }

    /// The dial whose connection is to be dropped.
    pub(crate) fn take_abandoned(&mut self) -> Option<DialId> {
        self.aside.as_mut()?.abandoned.take()
    }

    /// The next attempt, number `attempt`, waits until then.
    pub(crate) fn wait(&mut self, attempt: u32, since: Instant, until: Instant) {
        self.phase = Phase::Waiting { attempt, since: since.into(), until: until.into() };
    }

    pub(crate) fn is_off(&self) -> bool {
        matches!(self.phase, Phase::Off)
    }

    pub(crate) fn is_resting(&self) -> bool {
        matches!(self.phase, Phase::Resting { .. })
    }

    /// Between two attempts, of one dial or of two.
    pub(crate) fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Resting { .. } | Phase::Waiting { .. })
    }

    pub(crate) fn is_queued(&self) -> bool {
        matches!(self.phase, Phase::Queued { .. })
    }

    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight().is_some()
    }

    /// The running dial may make so many attempts, if it might not make more already. How many that are now.
    pub(crate) fn allow(&mut self, max: u32) -> u32 {
        self.max = self.max.max(max);
        self.max
    }

    /// The attempt in flight has had no answer for [`LATE_DIAL`].
    pub(crate) fn is_late(&self, now: Moment) -> bool {
        matches!(self.phase, Phase::InFlight { since, .. } if now.since(since) >= LATE_DIAL)
    }

    /// Attempts that the running dial may make.
    pub(crate) fn max(&self) -> u32 {
        self.max
    }

    /// When the dial that runs or ran last began.
    pub(crate) fn began(&self) -> Option<Instant> {
        self.began.map(Instant::from)
    }

    /// A person wants the next attempt.
    pub(crate) fn force(&mut self) {
        self.forced = true;
        self.hurry();
    }

    pub(crate) fn is_forced(&self) -> bool {
        self.forced
    }

    pub(crate) fn set_confirming(&mut self, confirming: bool) {
        self.confirming = confirming;
    }

    /// Whether its outcome decides whether the peer is silent.
    pub(crate) fn is_confirming(&self) -> bool {
        self.confirming
    }

    /// No dial of the peer has ended yet.
    pub(crate) fn is_first(&self) -> bool {
        self.connect.is_none() && self.cause.is_none()
    }

    /// An attempt got its reply.
    pub(crate) fn note_success(&mut self, connect: Duration, rtt: Duration, now: Instant) {
        self.outcomes.push(false);
        self.confirming = false;
        self.connect = Some(connect.into());
        self.rtt = Some(rtt.into());
        if self.ended.is_some() && self.reached().is_none() {
            self.aside.get_or_insert_default().recovered = Some(now.into());
        }
        self.cause = None;
        self.retry = None;
        if let Some(aside) = &mut self.aside {
            (aside.accepted, aside.vanished) = (None, 0);
        }
        self.ended = Some(now.into());
    }

    /// An attempt that began then has failed.
    pub(crate) fn note_failure(&mut self, failure: &Failure, began: Instant, now: Instant) {
        self.outcomes.push(true);
        if self.hangs_still(failure.cause) {
            return self.note_vanished(began, now);
        }
        self.cause = Some(failure.cause);
        self.retry = Some(failure.retry);
        self.note_failed(failure.cause, began, now);
    }

    /// The attempt in flight has had no answer for long: as it looks, its packets vanish.
    pub(crate) fn note_late(&mut self, began: Instant, now: Instant) {
        (self.cause, self.retry) = (Some(Cause::TimedOut), Some(Retry::Usual));
        self.note_failed(Cause::TimedOut, began, now);
    }

    /// A look has failed as the attempts before it. How one ends that no answer comes to says less than they did, for it waits for
    /// a shorter time; but where connections stood, one that does not is news.
    pub(crate) fn note_failed_look(&mut self, failure: &Failure, began: Instant, now: Instant) {
        if self.hangs_still(failure.cause) {
            return self.note_vanished(began, now);
        }
        let stood = self.cause == Some(Cause::NoReply);
        let says_less = failure.cause.is_silence();
        if !says_less || stood {
            (self.cause, self.retry) = (Some(failure.cause), Some(failure.retry));
        }
        self.note_failed(failure.cause, began, now);
    }

    /// Where connections stood one after the other, and no reply came, a few that do not stand may be lost by chance: the echoes, none of
    /// which comes, tell nothing of that.
    fn hangs_still(&self, cause: Cause) -> bool {
        let hangs = self.cause == Some(Cause::NoReply) && cause == Cause::TimedOut;
        self.aside
            .as_ref()
            .is_some_and(|aside| hangs && aside.accepted_before && aside.vanished + 1 < HANGS_NO_LONGER)
    }

    fn note_vanished(&mut self, began: Instant, now: Instant) {
        let aside = self.aside.get_or_insert_default();
        aside.failure_began = Some(began.into());
        aside.vanished += 1;
        self.ended = Some(now.into());
    }

    fn note_failed(&mut self, cause: Cause, began: Instant, now: Instant) {
        let aside = self.aside.get_or_insert_default();
        aside.failure_began = Some(began.into());
        aside.vanished = 0;
        aside.accepted_before = aside.accepted.is_some();
        aside.accepted = (cause == Cause::NoReply).then_some(began.into());
        self.ended = Some(now.into());
    }

    /// What was dialed is another life or address: its outcomes say nothing of this one. What people see of it stays.
    pub(crate) fn forget_evidence(&mut self) {
        self.ended = None;
        if let Some(aside) = &mut self.aside {
            aside.recovered = None;
        }
    }

    /// Forgets what belongs to the life before.
    pub(crate) fn forget_wish(&mut self) {
        self.forced = false;
    }

    /// When the last dial ended.
    pub(crate) fn ended(&self) -> Option<Moment> {
        self.ended
    }

    /// When the last dial ended, if it got its reply.
    pub(crate) fn reached(&self) -> Option<Moment> {
        self.ended.filter(|_| self.cause.is_none())
    }

    /// When a dial got its reply and the one before had failed.
    pub(crate) fn recovered(&self) -> Option<Moment> {
        self.aside.as_ref()?.recovered
    }

    /// Whether dials get their replies. After `fresh` that is unknown; a failure that began before echoes came back says nothing of
    /// TCP now. Where packets are lost, attempts fail by chance: only so many of them in a row as are `enough` say anything.
    pub(crate) fn tcp_status(
        &self,
        echo_recovered: Option<Moment>,
        enough: u32,
        fresh: Duration,
        now: Moment,
    ) -> PathStatus {
        let is_outdated = echo_recovered.is_some_and(|echoes| self.failure_began() < Some(echoes));
        if self.ended.is_none_or(|at| now.since(at) > fresh) {
            PathStatus::Unknown
        } else if self.cause.is_none() {
            PathStatus::Ok
        } else if is_outdated || self.may_be_chance(enough) {
            PathStatus::Unknown
        } else {
            PathStatus::Failing
        }
    }

    /// When the last dial that failed began.
    pub(crate) fn failure_began(&self) -> Option<Moment> {
        self.aside.as_ref()?.failure_began
    }

    /// Whether no reply came only because the connection was cut once it stood: it may be if all else of the other end fell silent
    /// later, and where nothing did, if it is the first.
    pub(crate) fn may_have_been_cut(&self, echo: PathStatus, silent_since: Option<Moment>) -> bool {
        let Some(aside) = self.aside.as_ref().filter(|_| self.cause == Some(Cause::NoReply)) else {
            return false;
        };
        match echo {
            PathStatus::Failing => aside.accepted <= silent_since,
            PathStatus::Ok => !aside.accepted_before,
            PathStatus::Unknown => false,
        }
    }

    /// Whether the last attempt may have no answer because packets were lost by chance, where only so many in a row as are `enough` say
    /// anything.
    pub(crate) fn may_be_chance(&self, enough: u32) -> bool {
        let unanswered = self.cause.is_some_and(Cause::is_silence);
        // One that is late counts before it has failed.
        unanswered && enough > 1 && self.outcomes.failed.trailing_ones() < enough
    }

    pub(crate) fn cause(&self) -> Option<Cause> {
        self.cause
    }

    pub(crate) fn retry(&self) -> Option<Retry> {
        self.retry
    }

    pub(crate) fn connect(&self) -> Option<Duration> {
        self.connect.map(Duration::from)
    }

    pub(crate) fn rtt(&self) -> Option<Duration> {
        self.rtt.map(Duration::from)
    }

    /// A round trip on the way there, by the last attempt that succeeded: the shorter of two measured ones, as a packet that was sent again
    /// or a program that is slow makes one of them longer.
    pub(crate) fn round_trip(&self) -> Option<Duration> {
        Some(self.connect()?.min(self.rtt()?))
    }

    /// How long an answer is awaited: this, or so many round trips where one takes long.
    pub(crate) fn patience(&self, usual: Duration, round_trips: u32) -> Duration {
        let longer = self.round_trip().unwrap_or_default() * round_trips;
        usual.max(longer.min(LONGEST_PATIENCE))
    }

    /// Share of the last 64 attempts that failed.
    pub(crate) fn loss(&self) -> Option<f32> {
        self.outcomes.loss()
    }

    /// When the dial needs attention.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        match self.phase {
            Phase::Resting { next } => Some(next),
            Phase::Waiting { until, .. } => Some(until),
            Phase::Off | Phase::Queued { .. } | Phase::InFlight { .. } => None,
        }
    }

    /// As people see it.
    pub(crate) fn phase(&self) -> DialPhase {
        let max = self.max;
        match self.aside.as_ref().and_then(|aside| aside.before_look).unwrap_or(self.phase) {
            Phase::Off => DialPhase::Resting { next: None },
            Phase::Resting { next } => DialPhase::Resting { next: Some(next.into()) },
            Phase::Queued { attempt, .. } => DialPhase::Queued { attempt },
            Phase::InFlight { attempt, since, .. } => {
                DialPhase::InFlight { attempt, max, since: since.into() }
            }
            Phase::Waiting { attempt, since, until } => {
                DialPhase::Waiting { attempt, max, since: since.into(), until: until.into() }
            }
        }
    }
}

impl Outcomes {
    fn push(&mut self, failed: bool) {
        self.failed = self.failed << 1 | u64::from(failed);
        self.count = (self.count + 1).min(64);
    }

    fn loss(self) -> Option<f32> {
        let failed = self.failed & u64::MAX.checked_shr(64 - u32::from(self.count)).unwrap_or(0);
        #[expect(clippy::cast_precision_loss, reason = "at most 64")]
        (self.count > 0).then(|| failed.count_ones() as f32 / f32::from(self.count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn t0() -> Instant {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        Instant::now()
    }

    fn refused() -> Failure {
        let detail = crate::engine::cause::Detail::system("refused");
        Failure { cause: Cause::Refused, detail, errno: None, retry: Retry::Usual }
    }

    #[test]
    fn a_dial_is_brought_forward_and_never_put_off() {
        let (mut dial, t0) = (DialState::default(), t0());
        let at = |n| t0 + Duration::from_secs(n);
        dial.bring_forward(at(9));
        dial.bring_forward(at(5));
        dial.bring_forward(at(7));
        assert_eq!(dial.deadline(), Some(at(5).into()));
        dial.wait(2, t0, at(8));
        dial.bring_forward(at(1));
        assert_eq!(dial.retry_due(at(1)), Some(2));
    }

    #[test]
    fn a_hurried_retry_keeps_its_number_and_is_placed_once() {
        let (mut dial, t0) = (DialState::default(), t0());
        dial.wait(3, t0, t0 + Duration::from_secs(8));
        dial.force();
        assert_eq!((dial.take_unplaced(), dial.take_unplaced()), (Some(true), None));
        assert_eq!((dial.queued_in(true), dial.queued_in(false)), (Some(3), None));
        assert!(dial.start(DialId(7), 3, 5, t0), "a person asked for it");
        dial.hurry();
        assert!(dial.is_in_flight(), "what is in flight is left alone");
        assert_eq!(dial.take_in_flight(DialId(6)), None);
        assert_eq!(dial.take_in_flight(DialId(7)), Some((3, t0)));
    }

    #[test]
    fn where_packets_are_lost_several_attempts_without_an_answer_are_a_failure() {
        let (mut dial, t0) = (DialState::default(), t0());
        let detail = crate::engine::cause::Detail::system("timed out");
        let unanswered = Failure { cause: Cause::TimedOut, detail, errno: None, retry: Retry::Usual };
        let status = |dial: &DialState, enough| dial.tcp_status(None, enough, LOOK_AGAIN, t0.into());
        for nth in 1..=3 {
            dial.note_failure(&unanswered, t0, t0);
            for enough in 1..=3 {
                assert_eq!(status(&dial, enough).is_failing(), nth >= enough, "{nth} in a row");
            }
        }
        dial.note_success(Duration::ZERO, Duration::ZERO, t0);
        dial.note_failure(&refused(), t0, t0);
        assert_eq!(status(&dial, 3), PathStatus::Failing, "that is an answer");
    }

    #[test]
    fn a_look_leaves_the_dial_as_it_stood() {
        let (mut dial, t0) = (DialState::default(), t0());
        dial.queue_look(t0);
        assert!(dial.is_off(), "nobody is dialed");
        let until = t0 + Duration::from_secs(8);
        dial.wait(3, t0, until);
        let before = dial.phase();
        dial.queue_look(t0 + Duration::from_secs(6));
        assert!(!dial.is_queued(), "the next attempt is near");
        dial.queue_look(t0);
        assert_eq!((dial.queued_in(false), dial.phase()), (Some(LOOK), before), "nobody sees that");
        assert!(!dial.start(DialId(7), LOOK, 5, t0));
        dial.bring_forward(t0 + Duration::from_secs(5));
        assert_eq!(dial.take_in_flight(DialId(7)), Some((LOOK, t0)));
        dial.end_look();
        dial.note_failed_look(&refused(), t0, t0);
        assert_eq!(dial.retry_due(t0 + Duration::from_secs(5)), Some(3), "it was brought forward meanwhile");
        assert_eq!((dial.cause(), dial.loss()), (Some(Cause::Refused), None), "it is no attempt");
        dial.queue_look(t0);
        dial.force();
        assert_eq!(dial.queued_in(true), Some(3), "what a person wants is a dial");
        dial.wait(3, t0, until);
        dial.queue_look(t0);
        dial.rest_until(until);
        assert_eq!(dial.phase(), DialPhase::Resting { next: Some(until) }, "what it rests from is over");
    }

    #[test]
    fn how_a_look_ends_that_no_answer_comes_to_says_less_than_a_whole_attempt() {
        let (mut dial, t0) = (DialState::default(), t0());
        let detail = crate::engine::cause::Detail::system("no route");
        let unreachable = Failure { cause: Cause::HostUnreachable, detail, errno: None, retry: Retry::Usual };
        dial.note_failure(&unreachable, t0, t0);
        let detail = crate::engine::cause::Detail::system("timed out");
        dial.note_failed_look(&Failure { cause: Cause::TimedOut, detail, ..unreachable }, t0, t0);
        assert_eq!(dial.cause(), Some(Cause::HostUnreachable));
    }

    #[test]
    fn a_connection_that_stood_without_a_reply_says_that_the_program_hangs_unless_it_may_have_been_cut() {
        let (mut dial, t0) = (DialState::default(), t0());
        let detail = crate::engine::cause::Detail::system("no reply");
        let unanswered = Failure { cause: Cause::NoReply, detail, errno: None, retry: Retry::Usual };
        let second = |n| t0 + Duration::from_secs(n);
        let silent_since = Some(Moment::from(second(1)));
        dial.note_failure(&unanswered, second(0), second(5));
        assert!(dial.may_have_been_cut(PathStatus::Failing, silent_since), "it fell silent afterwards");
        assert!(dial.may_have_been_cut(PathStatus::Ok, None), "a filter may have begun to drop then");
        assert!(!dial.may_have_been_cut(PathStatus::Unknown, None), "nothing else was ever heard of it");
        dial.note_failed_look(&unanswered, second(6), second(7));
        assert!(
            !dial.may_have_been_cut(PathStatus::Failing, silent_since),
            "its system accepts, and it is silent"
        );
        assert!(!dial.may_have_been_cut(PathStatus::Ok, None), "twice");
        let vanished = Failure { cause: Cause::TimedOut, ..unanswered.clone() };
        for nth in 1..HANGS_NO_LONGER {
            dial.note_failed_look(&vanished, second(8), second(9));
            assert_eq!(dial.cause(), Some(Cause::NoReply), "{nth} may be lost by chance");
            assert!(!dial.may_have_been_cut(PathStatus::Failing, silent_since));
        }
        dial.note_failure(&vanished, second(8), second(9));
        assert_eq!(dial.cause(), Some(Cause::TimedOut), "no connection stands any longer");
        assert!(!dial.may_have_been_cut(PathStatus::Failing, silent_since));
        dial.note_success(Duration::ZERO, Duration::ZERO, second(10));
        dial.note_failure(&unanswered, second(11), second(15));
        assert!(dial.may_have_been_cut(PathStatus::Ok, None), "what was before is over");
    }

    #[test]
    fn one_connection_that_stood_does_not_outweigh_one_that_does_not() {
        let (mut dial, t0) = (DialState::default(), t0());
        for cause in [Cause::NoReply, Cause::TimedOut] {
            let detail = crate::engine::cause::Detail::system("no answer");
            let failure = Failure { cause, detail, errno: None, retry: Retry::Usual };
            dial.note_failure(&failure, t0, t0);
            assert_eq!(dial.cause(), Some(cause), "the first one may have been cut");
        }
    }

    #[test]
    fn a_dial_in_flight_is_abandoned_once_when_its_peer_is_another_one() {
        let mut dial = DialState::default();
        dial.start(DialId(7), 1, 5, t0());
        dial.stop();
        assert_eq!((dial.take_abandoned(), dial.take_abandoned()), (Some(DialId(7)), None));
        assert!(dial.is_off());
    }

    #[test]
    fn a_failure_from_before_echoes_came_back_says_nothing_of_tcp_now() {
        let (mut dial, t0) = (DialState::default(), t0());
        let (fresh, later) = (Duration::from_secs(24), t0 + Duration::from_secs(4));
        dial.note_failure(&refused(), t0, later);
        assert_eq!(dial.tcp_status(None, 1, fresh, later.into()), PathStatus::Failing);
        assert_eq!(dial.tcp_status(Some(later.into()), 1, fresh, later.into()), PathStatus::Unknown);
        assert_eq!(dial.tcp_status(None, 1, fresh, (later + fresh * 2).into()), PathStatus::Unknown);
        dial.note_success(Duration::ZERO, Duration::ZERO, later + fresh);
        assert_eq!(dial.recovered(), Some((later + fresh).into()));
        assert_eq!(dial.loss(), Some(0.5));
    }
}
