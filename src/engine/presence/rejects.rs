//! What was turned away, told in few words: at most one event a second a reason, rarer while it goes on. And how often it is told that
//! somebody was served who is no peer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::address::Endpoint;
use crate::engine::event::{Event, RejectReason};

use crate::engine::limits::{MAX_REJECTED_WINDOW, REJECTED_WINDOW, STRANGERS_SERVED_TOLD};
use crate::engine::rate_limiter::RateLimiter;

#[derive(Debug)]
pub(crate) struct Rejects {
    of: BTreeMap<RejectReason, RejectCount>,
    served: RateLimiter,
}

impl Default for Rejects {
    fn default() -> Self {
        let (rate, burst) = STRANGERS_SERVED_TOLD;
        Self { of: BTreeMap::default(), served: RateLimiter::per_second(rate, burst) }
    }
}

#[derive(Debug)]
struct RejectCount {
    count: u64,
    from: Endpoint,
    window: Duration,
    /// End of the window that the last event opened.
    closes: Instant,
}

impl Rejects {
    /// Counts one; gives the event if none of this reason was told lately.
    pub(crate) fn count(&mut self, reason: RejectReason, from: Endpoint, now: Instant) -> Option<Event> {
        let tally = self.of.entry(reason).or_insert(RejectCount {
            count: 0,
            from,
            window: REJECTED_WINDOW,
            closes: now,
        });
        tally.count += 1;
        tally.from = from;
        (now >= tally.closes).then(|| tally.tell(reason, now))
    }

    /// Whether it is told that somebody was served who is no peer.
    pub(crate) fn tells_of_served(&mut self, now: Instant) -> bool {
        self.served.take(now)
    }

    /// When the next event is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.of.values().filter(|t| t.count > 0).map(|t| t.closes).min()
    }

    /// One event that is due, if there is one.
    pub(crate) fn flush(&mut self, now: Instant) -> Option<Event> {
        let (reason, tally) = self.of.iter_mut().find(|(_, t)| t.count > 0 && now >= t.closes)?;
        Some(tally.tell(*reason, now))
    }
}

impl RejectCount {
    fn tell(&mut self, reason: RejectReason, now: Instant) -> Event {
        let quiet = now.saturating_duration_since(self.closes) > self.window;
        self.window = if quiet { REJECTED_WINDOW } else { (self.window * 2).min(MAX_REJECTED_WINDOW) };
        self.closes = now + self.window;
        Event::Rejected { from: self.from, reason, count: std::mem::take(&mut self.count) }
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    const FROM: ([u8; 4], u16) = ([10, 0, 0, 7], 1);

    fn told(event: Option<Event>) -> Option<u64> {
        match event {
            None => None,
            Some(Event::Rejected { count, .. }) => Some(count),
            Some(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_one_is_told_at_once_and_what_follows_is_told_together() {
        let (mut rejects, now) = (Rejects::default(), t0());
        let mut count = |from: ([u8; 4], u16), now| rejects.count(RejectReason::Foreign, from.into(), now);
        assert_eq!(told(count(FROM, now)), Some(1));
        assert_eq!(told(count(FROM, now)), None);
        assert_eq!(told(count(([10, 0, 0, 8], 2), now + ms(10))), None);
        let due = rejects.due().unwrap();
        assert!(due >= now + REJECTED_WINDOW);
        assert_eq!(told(rejects.flush(due - ms(1))), None);
        let Some(Event::Rejected { from, reason, count }) = rejects.flush(due) else { panic!("it is due") };
        assert_eq!((from, reason, count), (([10, 0, 0, 8], 2).into(), RejectReason::Foreign, 2));
        assert_eq!((rejects.due(), told(rejects.flush(due))), (None, None), "nothing is left to tell");
    }

    #[test]
    fn each_reason_is_told_for_itself() {
        let (mut rejects, now) = (Rejects::default(), t0());
        for reason in [RejectReason::Foreign, RejectReason::OffLink] {
            assert_eq!(told(rejects.count(reason, FROM.into(), now)), Some(1));
        }
    }

    #[test]
    fn what_goes_on_is_told_ever_more_rarely_and_after_a_rest_at_once_again() {
        let (mut rejects, mut now) = (Rejects::default(), t0());
        let mut gaps = Vec::new();
        assert_eq!(told(rejects.count(RejectReason::Foreign, FROM.into(), now)), Some(1));
        for _ in 0..9 {
            assert_eq!(told(rejects.count(RejectReason::Foreign, FROM.into(), now)), None);
            let due = rejects.due().unwrap();
            assert_eq!(told(rejects.flush(due)), Some(1));
            gaps.push(due - now);
            now = due;
        }
        assert!(gaps.is_sorted() && gaps[0] < gaps[1], "{gaps:?}");
        assert_eq!(gaps.last(), Some(&MAX_REJECTED_WINDOW));
        now += MAX_REJECTED_WINDOW * 2 + ms(1);
        assert_eq!(told(rejects.count(RejectReason::Foreign, FROM.into(), now)), Some(1));
        assert_eq!(told(rejects.count(RejectReason::Foreign, FROM.into(), now)), None);
        assert_eq!(rejects.due(), Some(now + REJECTED_WINDOW), "the window is the shortest again");
        assert_eq!(told(rejects.count(RejectReason::Foreign, FROM.into(), now + secs(1))), Some(2));
    }
}
