//! When a peer was last heard, by each way, and when its silence is suspected.

use std::time::{Duration, Instant};

use crate::engine::context::Context;
use crate::engine::micros::Micros;
use crate::engine::moment::Moment;

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastSeen {
    /// Anything at all, of any life of it.
    any: Option<Moment>,
    broadcast: Option<Moment>,
    unicast: Option<Moment>,
    /// An exchange of its own that we answered.
    served: Option<Moment>,
    /// Mean time between its presences, once one was heard.
    period: Option<Micros>,
    /// Period of its regular dials, once it told its row.
    dial_interval: Option<Micros>,
    silence_due: Option<Moment>,
}

impl LastSeen {
    pub(crate) fn note_any(&mut self, now: Instant) {
        self.any = Some(now.into());
    }

    pub(crate) fn note_broadcast(&mut self, now: Instant) {
        self.broadcast = Some(now.into());
    }

    pub(crate) fn note_unicast(&mut self, now: Instant) {
        self.unicast = Some(now.into());
    }

    pub(crate) fn note_served(&mut self, now: Instant) {
        self.any = Some(now.into());
        self.served = self.any;
    }

    pub(crate) fn note_period(&mut self, period: Duration) {
        self.period = Some(period.into());
    }

    /// What was heard of another life or address says nothing of this one, but that it was heard.
    pub(crate) fn forget_evidence(&mut self) {
        (self.broadcast, self.unicast, self.served) = (None, None, None);
    }

    pub(crate) fn any(&self) -> Option<Moment> {
        self.any
    }

    pub(crate) fn broadcast(&self) -> Option<Moment> {
        self.broadcast
    }

    pub(crate) fn unicast(&self) -> Option<Moment> {
        self.unicast
    }

    pub(crate) fn served(&self) -> Option<Moment> {
        self.served
    }

    pub(crate) fn note_dial_interval(&mut self, dial_interval: Duration) {
        self.dial_interval = Some(dial_interval.into());
    }

    /// Period of its regular dials, once it told its row.
    pub(crate) fn dial_interval(&self) -> Option<Duration> {
        self.dial_interval.map(Duration::from)
    }

    pub(crate) fn period(&self) -> Option<Duration> {
        self.period.map(Duration::from)
    }

    /// Whether a presence of it was ever heard.
    pub(crate) fn announces(&self) -> bool {
        self.period.is_some()
    }

    /// Its silence is not suspected any longer.
    pub(crate) fn stop_watching(&mut self) {
        self.silence_due = None;
    }

    /// Silence will be suspected a while after what was heard now. A heartbeat that tells nothing new moves nothing: its time is found
    /// when the suspicion comes.
    pub(crate) fn watch(&mut self, ctx: &Context<'_>) {
        if let Some(period) = self.period() {
            self.silence_due = Some(ctx.pace.in_step(ctx.now + period * ctx.config.silent_after).into());
        }
    }

    /// When silence is suspected.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.silence_due
    }

    /// Whether nothing was heard for too long; if something was, the suspicion is put off. A node that stood still until `awake`
    /// counts from there.
    pub(crate) fn is_silent(&mut self, awake: Option<Instant>, ctx: &Context<'_>) -> bool {
        self.silence_due = None;
        let (Some(period), Some(heard)) = (self.period(), self.any.map(Instant::from)) else { return false };
        let due = awake.map_or(heard, |awake| awake.max(heard)) + period * ctx.config.silent_after;
        if due > ctx.now {
            self.silence_due = Some(due.into());
            return false;
        }
        true
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::testkit::{ms, secs};

    /// Heard now, with a period of five seconds: three are given.
    fn watched(test: &mut TestContext) -> LastSeen {
        let mut seen = LastSeen::default();
        seen.note_any(test.now);
        seen.note_period(secs(5));
        seen.watch(&test.context());
        seen
    }

    #[test]
    fn silence_is_suspected_after_some_periods_of_one_that_announces_itself() {
        let mut test = TestContext::new(|_| {});
        let mut mute = LastSeen::default();
        mute.note_any(test.now);
        mute.watch(&test.context());
        assert_eq!(
            (mute.announces(), mute.deadline()),
            (false, None),
            "who never announces itself is not watched"
        );
        assert!(!mute.is_silent(None, &test.context()));
        let mut seen = watched(&mut test);
        let due = test.now + secs(15);
        assert_eq!((seen.announces(), seen.deadline()), (true, Some(due.into())));
        test.now = due - ms(1);
        assert!(!seen.is_silent(None, &test.context()));
        assert_eq!(seen.deadline(), Some(due.into()), "it is watched on");
        test.now = due;
        assert!(seen.is_silent(None, &test.context()));
        assert_eq!(seen.deadline(), None);
    }

    #[test]
    fn what_is_heard_meanwhile_puts_the_suspicion_off() {
        let mut test = TestContext::new(|_| {});
        let mut seen = watched(&mut test);
        seen.watch(&test.context());
        test.now += secs(1);
        seen.watch(&test.context());
        let due = test.now + secs(15);
        assert_eq!(seen.deadline(), Some(due.into()));
        test.now += secs(10);
        seen.note_any(test.now);
        assert_eq!(seen.deadline(), Some(due.into()), "a heartbeat moves nothing");
        test.now = due;
        assert!(!seen.is_silent(None, &test.context()));
        assert_eq!(seen.deadline(), Some((due + secs(10)).into()));
        seen.stop_watching();
        assert_eq!(seen.deadline(), None);
    }

    #[test]
    fn a_shorter_period_brings_the_suspicion_forward() {
        let mut test = TestContext::new(|_| {});
        let mut seen = watched(&mut test);
        seen.note_period(secs(1));
        seen.watch(&test.context());
        assert_eq!(seen.deadline(), Some((test.now + secs(3)).into()));
    }

    #[test]
    fn a_node_that_stood_still_blames_nobody_for_what_it_did_not_hear() {
        let mut test = TestContext::new(|_| {});
        let mut seen = watched(&mut test);
        test.now += secs(60);
        let awake = test.now - secs(1);
        assert!(!seen.is_silent(Some(awake), &test.context()));
        assert_eq!(seen.deadline(), Some((awake + secs(15)).into()));
    }

    #[test]
    fn of_another_life_it_is_only_known_that_something_was_heard() {
        let now = TestContext::new(|_| {}).now;
        let mut seen = LastSeen::default();
        seen.note_broadcast(now);
        seen.note_unicast(now);
        seen.note_served(now);
        assert_eq!([seen.broadcast(), seen.unicast(), seen.served()], [Some(now.into()); 3]);
        seen.forget_evidence();
        assert_eq!([seen.broadcast(), seen.unicast(), seen.served()], [None; 3]);
        assert_eq!(seen.any(), Some(now.into()));
    }
}
