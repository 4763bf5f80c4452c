//! Where the timeline is looked at: how much of the past as it was drawn, and a moment in it.

use std::ops::Range;
use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::app::model::{DAY, Model, STEP};
use crate::text::nearest;

/// How much of the past is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimelineSpan {
    /// A minute.
    #[default]
    Minute,
    /// Five of them.
    FiveMinutes,
    /// Fifteen of them.
    QuarterHour,
    /// An hour.
    Hour,
    /// Six of them.
    SixHours,
    /// A day.
    Day,
}

impl TimelineSpan {
    /// All of them, the shortest first.
    pub const ALL: [Self; 6] =
        [Self::Minute, Self::FiveMinutes, Self::QuarterHour, Self::Hour, Self::SixHours, Self::Day];

    /// As it is typed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::SixHours => "6h",
            Self::Day => "24h",
        }
    }

    /// In words.
    pub fn description(self) -> &'static str {
        match self {
            Self::Minute => "1 minute",
            Self::FiveMinutes => "5 minutes",
            Self::QuarterHour => "15 minutes",
            Self::Hour => "1 hour",
            Self::SixHours => "6 hours",
            Self::Day => "24 hours",
        }
    }

    /// The shortest that holds all of a time, or the longest.
    fn holding(known: Duration) -> Self {
        Self::ALL.into_iter().find(|span| STEP * span.steps().0 >= known).unwrap_or(Self::Day)
    }

    /// How many steps it has, and of how many a column is at least: those of its oldest part are not remembered one by one.
    fn steps(self) -> (u32, u32) {
        match self {
            Self::Minute => (60, 1),
            Self::FiveMinutes => (5 * 60, 1),
            Self::QuarterHour => (15 * 60, 15),
            Self::Hour => (60 * 60, 15),
            Self::SixHours => (6 * 60 * 60, 180),
            Self::Day => (DAY, 900),
        }
    }
}

impl FromStr for TimelineSpan {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|span| span.as_str() == text);
        known.ok_or_else(|| format!("unknown time {text}{}", nearest(text, Self::ALL.map(Self::as_str))))
    }
}

/// A stretch of the past, cut into columns of whole steps: a state is then seen in no other column than its own, and nothing
/// flickers as time goes on. Where it follows the time, the last column has now in it.
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

/// The cursor: it holds a moment, not a column, so that it stays on what is being read while time goes on, and what is shown goes with it.
#[derive(Debug, Clone, Copy, Default)]
pub struct TimelineCursor {
    /// When the column that it is in began; none follows now.
    at: Option<Instant>,
    /// What the person has chosen; until then, what is known so far is shown.
    chosen: Option<TimelineSpan>,
    /// What was drawn last.
    span: TimelineSpan,
    window: Option<TimelineWindow>,
    /// When that ends, if it does not follow the time.
    end: Option<Instant>,
    /// The column, of so many, that the moment stays in while another time is shown.
    place: Option<(u16, u16)>,
    /// Nothing is known of the time before.
    oldest: Option<Instant>,
}

impl TimelineCursor {
    /// How much of the past is to be drawn at this moment.
    pub fn span_at(&self, model: &Model, now: Instant) -> TimelineSpan {
        let known = model.first_event().map_or(Duration::ZERO, |first| now.saturating_duration_since(first));
        self.chosen.unwrap_or_else(|| TimelineSpan::holding(known))
    }

    /// What is drawn at this moment, in at most so many columns: the time until now, or that around the cursor's moment.
    pub fn settle(&mut self, model: &Model, now: Instant, room: u16) -> TimelineWindow {
        self.span = self.span_at(model, now);
        let (width, count) = TimelineWindow::cut(self.span, room);
        let newest = model.end_of_column(now, width);
        let day_ago = now.checked_sub(STEP * DAY);
        self.oldest = model.first_event().max(day_ago);
        self.at = self.at.max(self.at.and(day_ago)).filter(|at| *at < newest);
        let place = self.place.take();
        let end = self.at.map_or(newest, |at| {
            let of_column = model.end_of_column(at, width);
            let after = |nth: u16| width * u32::from(count.saturating_sub(1).saturating_sub(nth));
            if let Some((nth, of)) = place {
                let nth = u32::from(nth) * u32::from(count) / u32::from(of.max(1));
                return of_column + after(u16::try_from(nth).unwrap_or(u16::MAX));
            }
            // Its end belongs to the next column.
            let whole = |end: Instant| model.end_of_column(end.checked_sub(INSTANT).unwrap_or(end), width);
            self.end.map_or(newest, whole).clamp(of_column, of_column + after(0))
        });
        let end = end.min(newest);
        self.end = (end < newest).then_some(end);
        let window = TimelineWindow { now, end, width, count };
        self.window = Some(window);
        window
    }

    /// How much of the past was drawn last.
    pub fn span(&self) -> TimelineSpan {
        self.span
    }

    /// Shows so much of the past from now on; without a choice, all that is known.
    pub fn choose(&mut self, span: Option<TimelineSpan>) {
        self.chosen = span;
        self.place = self.column().zip(self.window.map(|window| window.count));
    }

    /// Shows less of the past, in finer columns.
    pub fn zoom_in(&mut self) {
        let shorter = TimelineSpan::ALL.into_iter().rfind(|span| *span < self.span);
        self.choose(shorter.or(Some(self.span)));
    }

    /// Shows more of the past.
    pub fn zoom_out(&mut self) {
        let longer = TimelineSpan::ALL.into_iter().find(|span| *span > self.span);
        self.choose(longer.or(Some(self.span)));
    }

    /// One column back, and beyond what was drawn, as far as anything is known.
    pub fn earlier(&mut self) {
        let Some(window) = self.window else { return };
        if let Some(before) = self.nth(window).checked_sub(1) {
            return self.go_to(before);
        }
        let begin = window.column(0).map(|column| column.start);
        let begin = begin.filter(|begin| Some(*begin) > self.oldest);
        self.at = begin.and_then(|begin| begin.checked_sub(window.width)).or(self.at);
    }

    /// One column on.
    pub fn later(&mut self) {
        let Some(window) = self.window else { return };
        let next = self.nth(window).saturating_add(1);
        if next < window.count || self.end.is_none() {
            self.go_to(next);
        } else {
            self.at = Some(window.end);
        }
    }

    /// To a column of those drawn last, from 0; the last is now, where now is shown.
    pub fn go_to(&mut self, nth: u16) {
        let Some(window) = self.window else { return };
        if self.end.is_none() && nth.saturating_add(1) >= window.count {
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

/// The shortest time.
const INSTANT: Duration = Duration::from_nanos(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_span_is_cut_into_whole_steps_that_fit_the_room() {
        for span in TimelineSpan::ALL {
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
    fn what_is_known_is_held_by_the_shortest_span_that_can() {
        let holding = |seconds| TimelineSpan::holding(Duration::from_secs(seconds)).as_str();
        assert_eq!(
            [0, 60, 61, 300, 3_600, 3_601, 86_400, 400_000].map(holding),
            ["1m", "1m", "5m", "5m", "1h", "6h", "24h", "24h"]
        );
        assert_eq!("6h".parse(), Ok(TimelineSpan::SixHours));
        assert_eq!(
            "15min".parse::<TimelineSpan>().unwrap_err(),
            "unknown time 15min; the nearest name is 15m"
        );
    }

    #[test]
    fn before_anything_is_drawn_the_cursor_is_at_now() {
        let mut cursor = TimelineCursor::default();
        cursor.earlier();
        cursor.go_to(3);
        assert!(!cursor.is_past() && cursor.column().is_none() && cursor.moment().is_none());
    }
}
