//! How often something may happen.

use std::time::{Duration, Instant};

/// A rate limit by the generic cell rate algorithm (ITU-T I.371, the virtual scheduling form): one instant of
/// state, exact, and it never needs a timer to refill.
#[derive(Debug, Clone, Copy)]
pub struct RateLimiter {
    /// Between two events at the sustained rate.
    gap: Duration,
    /// How much earlier than its turn an event may come.
    tolerance: Duration,
    /// The turn of the next event, if it keeps the rate.
    turn: Option<Instant>,
}

impl RateLimiter {
    /// `rate` events a second, of which `burst` (at least 1) may come at once.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        let gap = Duration::from_secs(1) / rate.max(1);
        Self { gap, tolerance: gap * burst.saturating_sub(1), turn: None }
    }

    /// The earliest time of the next event; none when it may happen at any time.
    pub fn ready_at(&self) -> Option<Instant> {
        self.turn.and_then(|turn| turn.checked_sub(self.tolerance))
    }

    /// Whether an event may happen now.
    pub fn is_open(&self, now: Instant) -> bool {
        self.ready_at().is_none_or(|at| at <= now)
    }

    /// Notes events that happened, as many as there were: if they were more than are allowed, the next ones wait for it.
    pub fn note(&mut self, events: u32, now: Instant) {
        self.turn = Some(self.turn.map_or(now, |turn| turn.max(now)) + self.gap * events);
    }

    /// Takes one event, if it may happen now.
    pub fn take(&mut self, now: Instant) -> bool {
        let open = self.is_open(now);
        if open {
            self.note(1, now);
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_the_rest_at_the_rate() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let t0 = Instant::now();
        let mut budget = RateLimiter::per_second(10, 3);
        assert_eq!((0..5).filter(|_| budget.take(t0)).count(), 3);
        assert_eq!(budget.ready_at(), Some(t0 + Duration::from_millis(100)));
        let taken = (0..10_000).filter(|ms| budget.take(t0 + Duration::from_millis(*ms))).count();
        assert_eq!(taken, 99, "ten a second over ten seconds, from 100 ms on");
    }
}
