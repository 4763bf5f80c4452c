//! When everybody is told at once, by a presence, what is new in this node's row.

use std::time::{Duration, Instant};

use rand::RngExt;

use crate::engine::context::Context;
use crate::engine::limits::{
    MANY_NEWCOMERS, NEWCOMERS_SETTLE, NEWCOMERS_SETTLE_AT_MOST, NEWS_LATER, NEWS_OF_ALL_PER_SECOND,
    NEWS_PER_SECOND, NEWS_SOON, NEWS_SPREAD,
};
use crate::engine::rate_limiter::RateLimiter;

/// What was told, and when the next is due.
#[derive(Debug)]
pub(super) struct NewsSchedule {
    /// The version of the row up to which everybody was told.
    told: u64,
    /// When something is due that fails, or no longer fails.
    urgent: Option<Instant>,
    /// When something is due that is fine.
    later: Option<Instant>,
    /// Of the news of all nodes: one of this node counts as one of each of them.
    rate: RateLimiter,
    newcomers: Newcomers,
}

/// With fewer nodes each tells no more than as one of so many.
const ALONE: u32 = NEWS_OF_ALL_PER_SECOND / NEWS_PER_SECOND;

/// Who came to a crowd lately. While many come, what is fine is not told, and then the whole row once: else it would be told several
/// times, and whoever comes last would have missed most of it.
#[derive(Debug, Default)]
struct Newcomers {
    count: usize,
    first: Option<Instant>,
    last: Option<Instant>,
    /// So that not all who wait for them tell at the same moment.
    spread: Duration,
}

impl Newcomers {
    /// If there are many: when they are all there, or are waited for no longer.
    fn settled_at(&self) -> Option<Instant> {
        let (first, last) = (self.first?, self.last?);
        let settled = (last + NEWCOMERS_SETTLE).min(first + NEWCOMERS_SETTLE_AT_MOST) + self.spread;
        (self.count >= MANY_NEWCOMERS).then_some(settled)
    }

    /// Whether nobody came for so long that those who did count no longer.
    fn are_over(&self, now: Instant) -> bool {
        self.last.is_some_and(|last| last + NEWCOMERS_SETTLE <= now)
    }
}

impl Default for NewsSchedule {
    fn default() -> Self {
        Self {
            told: 0,
            urgent: None,
            later: None,
            rate: RateLimiter::per_second(NEWS_OF_ALL_PER_SECOND, ALONE * (NEWS_PER_SECOND - 1) + 1),
            newcomers: Newcomers::default(),
        }
    }
}

impl NewsSchedule {
    /// Something is new; what fails or no longer fails is told soon. In a crowd, in which all may see the same, at a random time.
    pub(super) fn plan(&mut self, is_urgent: bool, ctx: &mut Context<'_>) {
        let spread = spread(ctx);
        let (due, at) = if is_urgent {
            (&mut self.urgent, ctx.now + NEWS_SOON + spread)
        } else {
            (&mut self.later, ctx.now + NEWS_LATER)
        };
        *due = Some(due.map_or(at, |due| due.min(at)));
    }

    /// So many peers are new.
    pub(super) fn note_newcomers(&mut self, count: usize, ctx: &mut Context<'_>) {
        if count == 0 || !ctx.pace.is_crowded() {
            return;
        }
        if self.newcomers.are_over(ctx.now) && self.newcomers.settled_at().is_none() {
            self.newcomers = Newcomers::default();
        }
        if self.newcomers.first.is_none() {
            self.newcomers = Newcomers { first: Some(ctx.now), spread: spread(ctx), ..Newcomers::default() };
        }
        self.newcomers.count += count;
        self.newcomers.last = Some(ctx.now);
    }

    /// When everybody is to be told what is new.
    pub(super) fn due(&self) -> Option<Instant> {
        let settled = self.newcomers.settled_at();
        let later = match settled {
            Some(settled) => Some(settled.max(self.later.unwrap_or(settled))),
            None => self.later,
        };
        let due = [self.urgent, later].into_iter().flatten().min()?;
        Some(self.rate.ready_at().map_or(due, |ready| ready.max(due)))
    }

    /// Everybody is told now: what changed after the version that this returns.
    pub(super) fn begin(&mut self, ctx: &Context<'_>) -> u64 {
        self.rate.note(ctx.pace.nodes().max(ALONE), ctx.now);
        if self.newcomers.settled_at().is_some_and(|at| at <= ctx.now) {
            (self.told, self.newcomers) = (0, Newcomers::default());
        }
        self.told
    }

    /// Everybody was told up to this version, and perhaps there is more.
    pub(super) fn end(&mut self, upto: u64, more: bool, ctx: &mut Context<'_>) {
        (self.told, self.urgent, self.later) = (upto, None, None);
        if more {
            self.plan(self.newcomers.settled_at().is_none(), ctx);
        }
    }
}

/// A random time that grows with the number of peers.
fn spread(ctx: &mut Context<'_>) -> Duration {
    let most = ctx.pace.for_each_peer(NEWS_SPREAD, NEWS_LATER);
    ctx.rng.random_range(Duration::ZERO..=most)
}
