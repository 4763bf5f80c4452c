//! Where the timeline is looked at: the last hour or day as it was drawn, and a moment in it.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::app::model::{COARSE, DAY, Model, STEP, STEPS};

/// How much of the past is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TimelineSpan {
    /// An hour.
    #[default]
    Hour,
    /// A day.
    Day,
}

impl TimelineSpan {
    /// How many steps it has, and of how many a column is at least.
    fn steps(self) -> (u32, u32) {
        match self {
            Self::Hour => (STEPS, 1),
            Self::Day => (DAY, COARSE),
        }
    }
}

/// The last hour or day, cut into columns of whole steps: a state is then seen in no other column than its own, and nothing
/// flickers as time goes on. The last column has now in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimelineWindow {
    /// What is shown as now.
    pub now: Instant,
    /// When the last column ends.
    pub end: Instant,
    /// How long a column lasts.
    pub width: Duration,
    /// How many columns there are.
    pub count: u16,
}

impl TimelineWindow {
    /// The time until `now` in at most so many columns.
    pub fn new(model: &Model, now: Instant, span: TimelineSpan, room: u16) -> Self {
        let (width, count) = Self::cut(span, room);
        Self { now, end: model.end_of_column(now, width), width, count }
    }

    /// The width and number of the columns that it has, in room for so many: each of as few steps as can be. At
    /// least one, whatever the room.
    pub fn cut(span: TimelineSpan, room: u16) -> (Duration, u16) {
        let (all, least) = span.steps();
        let steps = (all / least).div_ceil(u32::from(room.max(1))) * least;
        let count = u16::try_from(all.div_ceil(steps)).unwrap_or(u16::MAX);
        (STEP * steps, count)
    }

    /// When a column, from 0, begins and ends; none if the clock cannot tell times as early.
    pub fn column(&self, nth: u16) -> Option<Range<Instant>> {
        let later = u32::from(self.count.checked_sub(nth)?.checked_sub(1)?);
        let end = self.end.checked_sub(self.width * later)?;
        Some(end.checked_sub(self.width)?..end)
    }

    /// The column that a moment falls into; the first or the last of a moment before or after all.
    pub fn nth(&self, at: Instant) -> u16 {
        let before_end = self.end.saturating_duration_since(at).as_nanos();
        let columns = before_end.div_ceil(self.width.as_nanos().max(1));
        let columns = u16::try_from(columns).unwrap_or(u16::MAX).clamp(1, self.count.max(1));
        self.count.saturating_sub(columns)
    }
}

/// The cursor: it holds a moment, not a column, so that it stays on what is being read while time goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimelineCursor {
    /// When the column that it is in began; none follows now.
    at: Option<Instant>,
    span: TimelineSpan,
    /// What was drawn last.
    window: Option<TimelineWindow>,
}

impl TimelineCursor {
    /// This is drawn now. A moment that is older than that becomes the oldest in it.
    pub fn settle(&mut self, window: TimelineWindow) {
        self.window = Some(window);
        if let (Some(at), Some(oldest)) = (self.at, window.column(0)) {
            self.at = Some(at.max(oldest.start));
        }
    }

    /// How much of the past is to be drawn.
    pub fn span(&self) -> TimelineSpan {
        self.span
    }

    /// A day instead of an hour, or an hour again.
    pub fn change_span(&mut self) {
        self.span = match self.span {
            TimelineSpan::Hour => TimelineSpan::Day,
            TimelineSpan::Day => TimelineSpan::Hour,
        };
    }

    /// One column back.
    pub fn earlier(&mut self) {
        if let Some(window) = self.window {
            self.go_to(self.nth(window).saturating_sub(1));
        }
    }

    /// One column on.
    pub fn later(&mut self) {
        if let Some(window) = self.window {
            self.go_to(self.nth(window).saturating_add(1));
        }
    }

    /// To a column of those drawn last, from 0; the last is now.
    pub fn go_to(&mut self, nth: u16) {
        let Some(window) = self.window else { return };
        if nth.saturating_add(1) >= window.count {
            self.to_now();
        } else if let Some(column) = window.column(nth) {
            self.at = Some(column.start);
        }
    }

    /// Whether it is not at now.
    pub fn is_past(&self) -> bool {
        self.at.is_some()
    }

    /// To now.
    pub fn to_now(&mut self) {
        self.at = None;
    }

    /// The stretch of time that is looked at and how long ago it began; none at now.
    pub fn moment(&self) -> Option<(Range<Instant>, Duration)> {
        let (at, window) = (self.at?, self.window?);
        Some((window.column(window.nth(at))?, window.now.saturating_duration_since(at)))
    }

    /// The column that is looked at, from 0; none at now.
    pub fn column(&self) -> Option<u16> {
        Some(self.window?.nth(self.at?))
    }

    fn nth(&self, window: TimelineWindow) -> u16 {
        self.at.map_or(window.count.saturating_sub(1), |at| window.nth(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_and_a_day_are_cut_into_whole_steps_that_fit_the_room() {
        for span in [TimelineSpan::Hour, TimelineSpan::Day] {
            let (all, least) = span.steps();
            for room in 1..500 {
                let (width, count) = TimelineWindow::cut(span, room);
                assert!(count >= 1 && count <= room, "{room}");
                assert_eq!(width.as_secs() % (STEP * least).as_secs(), 0);
                assert!(width * u32::from(count) >= STEP * all, "{room}");
                assert!(width * u32::from(count) < STEP * all + width, "{room}");
            }
            assert_eq!(TimelineWindow::cut(span, 0), (STEP * all, 1));
        }
    }

    #[test]
    fn every_moment_of_a_column_falls_into_it_and_its_end_into_the_next() {
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        let end = Instant::now();
        let (width, count) = TimelineWindow::cut(TimelineSpan::Hour, 60);
        let window = TimelineWindow { now: end, end, width, count };
        for nth in 0..count {
            let column = window.column(nth).unwrap();
            assert_eq!((window.nth(column.start), column.end - column.start), (nth, width));
            let last = column.end.checked_sub(Duration::from_nanos(1)).unwrap();
            assert_eq!(window.nth(last), nth);
            assert_eq!(window.nth(column.end), (nth + 1).min(count - 1));
        }
        assert_eq!(window.column(count), None);
        assert_eq!(window.nth(end.checked_sub(Duration::from_hours(2)).unwrap()), 0);
        assert_eq!(window.nth(end + width), count - 1);
    }

    #[test]
    fn before_anything_is_drawn_the_cursor_is_at_now() {
        let mut cursor = TimelineCursor::default();
        cursor.earlier();
        cursor.go_to(3);
        assert!(!cursor.is_past() && cursor.column().is_none() && cursor.moment().is_none());
    }
}
