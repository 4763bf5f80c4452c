//! When a peer was last heard, by each way, and when its silence is suspected.

use std::time::{Duration, Instant};

use crate::engine::context::Context;

/// All of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastSeen {
    /// Anything at all, of any life of it.
    any: Option<Instant>,
    broadcast: Option<Instant>,
    unicast: Option<Instant>,
    /// An exchange of its own that we answered.
    served: Option<Instant>,
    /// Mean time between its presences, once one was heard.
    period: Option<Duration>,
    silence_due: Option<Instant>,
}

impl LastSeen {
    pub(crate) fn note_any(&mut self, now: Instant) {
        self.any = Some(now);
    }

    pub(crate) fn note_broadcast(&mut self, now: Instant) {
        self.broadcast = Some(now);
    }

    pub(crate) fn note_unicast(&mut self, now: Instant) {
        self.unicast = Some(now);
    }

    pub(crate) fn note_served(&mut self, now: Instant) {
        self.any = Some(now);
        self.served = Some(now);
    }

    pub(crate) fn note_period(&mut self, period: Duration) {
        self.period = Some(period);
    }

    /// What was heard of another life or address says nothing of this one, but that it was heard.
    pub(crate) fn forget_evidence(&mut self) {
        (self.broadcast, self.unicast, self.served) = (None, None, None);
    }

    pub(crate) fn any(&self) -> Option<Instant> {
        self.any
    }

    pub(crate) fn broadcast(&self) -> Option<Instant> {
        self.broadcast
    }

    pub(crate) fn unicast(&self) -> Option<Instant> {
        self.unicast
    }

    pub(crate) fn served(&self) -> Option<Instant> {
        self.served
    }

    pub(crate) fn period(&self) -> Option<Duration> {
        self.period
    }

    /// Whether a presence of it was ever heard.
    pub(crate) fn announces(&self) -> bool {
        self.period.is_some()
    }

    /// Its silence is not suspected any longer.
    pub(crate) fn stop_watching(&mut self) {
        self.silence_due = None;
    }

    /// Moves the time at which silence will be suspected, after something was heard. A later deadline is found when the earlier
    /// one comes: no timer is moved at each presence.
    pub(crate) fn watch(&mut self, ctx: &Context<'_>) {
        let Some(period) = self.period else { return };
        let due = ctx.pace.in_step(ctx.now + period * ctx.config.silent_after);
        if self.silence_due.is_none_or(|at| due < at) {
            self.silence_due = Some(due);
        }
    }

    /// When silence is suspected.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.silence_due
    }

    /// Whether nothing was heard for too long; if something was, the suspicion is put off. A node that stood still until `awake`
    /// counts from there.
    pub(crate) fn is_silent(&mut self, awake: Option<Instant>, ctx: &Context<'_>) -> bool {
        self.silence_due = None;
        let (Some(period), Some(heard)) = (self.period, self.any) else { return false };
        let due = awake.map_or(heard, |awake| awake.max(heard)) + period * ctx.config.silent_after;
        if due > ctx.now {
            self.silence_due = Some(due);
            return false;
        }
        true
    }
}
