//! When a diagnosis is made: soon after something changed, never twice in quick succession, and now and then while anything is
//! wrong.

use std::time::{Duration, Instant};

use crate::engine::limits::{JUDGE_AGAIN, JUDGE_AGAIN_AT_MOST, JUDGE_AGAIN_PER_STEP};

/// When the next diagnosis is due.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    due: Option<Instant>,
    /// When the last one began.
    began: Option<Instant>,
    /// How many steps the last one took that has ended.
    steps: u32,
    /// When the one that is under way goes on.
    resumes: Option<Instant>,
}

/// What a diagnosis leaves behind: how soon it is to be made again without any news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outlook {
    /// Something is about to be published or withdrawn, or hangs on evidence that is not settled.
    Settling,
    /// Something is wrong, and stays so.
    Wrong,
    /// All is well.
    Well,
}

impl Schedule {
    /// When there is something to do: to go on with a diagnosis, or to begin one.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.resumes.or(self.due)
    }

    /// Something changed that a verdict may hang on.
    pub(crate) fn request(&mut self, now: Instant) {
        let at = self.began.map_or(now, |began| (began + self.pause()).max(now));
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// The shortest time between two of them: the longer, the more the last one took.
    fn pause(&self) -> Duration {
        (JUDGE_AGAIN_PER_STEP.saturating_mul(self.steps)).clamp(JUDGE_AGAIN, JUDGE_AGAIN_AT_MOST)
    }

    /// A diagnosis begins: what was requested until now is part of it.
    pub(crate) fn begin(&mut self, now: Instant) {
        (self.began, self.due) = (Some(now), None);
    }

    /// When the last one began.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn began(&self) -> Option<Instant> {
        self.began
    }

    /// The diagnosis goes on then.
    pub(crate) fn pause_until(&mut self, at: Instant) {
        self.resumes = Some(at);
    }

    /// The diagnosis has ended, after so many steps. What was requested while it was under way stays requested.
    pub(crate) fn end(&mut self, outlook: Outlook, steps: usize, dial_interval: Duration, now: Instant) {
        self.resumes = None;
        self.steps = u32::try_from(steps).unwrap_or(u32::MAX);
        let pause = self.pause();
        let again = match outlook {
            Outlook::Settling => Some(now + pause),
            Outlook::Wrong => Some(now + pause.max(dial_interval / 4)),
            Outlook::Well => None,
        };
        self.due = self.due.map(|due| self.began.map_or(due, |began| due.max(began + pause)));
        self.due = [self.due, again].into_iter().flatten().min();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{secs, t0};

    #[test]
    fn a_diagnosis_is_due_at_once_and_then_not_before_a_moment_has_passed() {
        let (mut schedule, t0, second) = (Schedule::default(), t0(), secs(1));
        assert_eq!(schedule.due(), None);
        schedule.request(t0);
        assert_eq!(schedule.due(), Some(t0));
        schedule.begin(t0);
        assert_eq!(schedule.due(), None);
        schedule.pause_until(t0 + second / 100);
        schedule.request(t0 + second / 50);
        assert_eq!(schedule.due(), Some(t0 + second / 100), "one at a time");
        schedule.end(Outlook::Well, 100, second * 10, t0 + second / 10);
        assert_eq!(schedule.due(), Some(t0 + JUDGE_AGAIN), "what changed meanwhile is looked at");
        for (outlook, after) in [
            (Outlook::Settling, Some(JUDGE_AGAIN)),
            (Outlook::Wrong, Some(second * 10 / 4)),
            (Outlook::Well, None),
        ] {
            schedule.begin(t0 + second);
            schedule.end(outlook, 100, second * 10, t0 + second);
            assert_eq!(schedule.due(), after.map(|after| t0 + second + after), "{outlook:?}");
        }
    }

    #[test]
    fn the_more_a_diagnosis_takes_the_less_often_it_is_made() {
        let t0 = t0();
        for (steps, pause) in [
            (1_000, JUDGE_AGAIN),
            (25_000, JUDGE_AGAIN_PER_STEP * 25_000),
            (400_000, JUDGE_AGAIN_AT_MOST),
            (usize::MAX, JUDGE_AGAIN_AT_MOST),
        ] {
            let mut schedule = Schedule::default();
            schedule.begin(t0);
            schedule.request(t0 + JUDGE_AGAIN / 2);
            schedule.end(Outlook::Settling, steps, secs(10), t0 + JUDGE_AGAIN);
            assert_eq!(schedule.due(), Some(t0 + pause), "{steps} steps: what was requested meanwhile");
            schedule.begin(t0 + pause);
            schedule.request(t0 + pause);
            assert_eq!(schedule.due(), Some(t0 + pause * 2), "{steps} steps");
        }
    }
}
