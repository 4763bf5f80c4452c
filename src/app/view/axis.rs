//! The axis of the timeline: times of day above its columns, and where the cursor is.

use std::ops::Range;
use std::time::{Duration, Instant};

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use crate::app::appearance::Appearance;
use crate::app::model::Model;
use crate::app::ui::timeline::{TimelineCursor, TimelineWindow};
use crate::app::view::line_writer::LineWriter;

/// Columns of a label: its mark, hours and minutes.
const LABEL: u16 = 6;

/// Columns from one label to the next, at least: a label with room to breathe.
const APART: u64 = 9;

/// Minutes between two labels: times that people say.
const SPACINGS: [u64; 9] = [5, 10, 15, 30, 60, 120, 180, 360, 720];

/// Draws it above the columns, which are those of the line.
pub(super) fn render(
    canvas: &mut Canvas<'_>,
    line: Rect,
    model: &Model,
    cursor: &TimelineCursor,
    window: TimelineWindow,
) {
    if line.height == 0 {
        return;
    }
    let theme = canvas.theme();
    let axis = Axis { model, window, line };
    let from_end = |columns| window.count.saturating_sub(columns)..window.count;
    let Some(nth) = cursor.column() else {
        let now = from_end(4);
        axis.write(canvas, &now).styled("now▼", theme.focused()).right();
        return axis.ticks(canvas, &[now], theme.dim());
    };
    let (at, now) = (axis.cursor(canvas, nth, theme.focused()), from_end(3));
    if !apart(&at, &now) {
        return axis.ticks(canvas, &[at], theme.dim());
    }
    axis.write(canvas, &now).styled("now", theme.dim());
    axis.ticks(canvas, &[at, now], theme.dim());
}

struct Axis<'a> {
    model: &'a Model,
    window: TimelineWindow,
    line: Rect,
}

impl Axis<'_> {
    /// The cursor and its time, which stands on the side that has room. Returns the columns taken.
    fn cursor(&self, canvas: &mut Canvas<'_>, nth: u16, style: Style) -> Range<u16> {
        let time = self.window.column(nth).and_then(|column| self.time(canvas.appearance(), column.start));
        match time {
            Some((hour, minute)) if nth + LABEL <= self.window.count => {
                let place = nth..nth + LABEL;
                self.write(canvas, &place).format(style, format_args!("▼{hour:02}:{minute:02}"));
                place
            }
            Some((hour, minute)) if nth + 1 >= LABEL => {
                let place = nth + 1 - LABEL..nth + 1;
                self.write(canvas, &place).format(style, format_args!("{hour:02}:{minute:02}▼"));
                place
            }
            _ => {
                self.write(canvas, &(nth..nth + 1)).styled("▼", style);
                nth..nth + 1
            }
        }
    }

    /// The round times of day, where nothing else stands.
    fn ticks(&self, canvas: &mut Canvas<'_>, taken: &[Range<u16>], style: Style) {
        let width = self.window.width.as_secs().max(1);
        let fits = |minutes: &u64| minutes * 60 >= APART * width;
        let Some(minutes) = SPACINGS.into_iter().find(fits) else { return };
        let Some(wall) = self.model.wall(self.window.end) else { return };
        let (hour, minute, second) = canvas.appearance().time_of_day(wall);
        let of_day = [(hour, 3600), (minute, 60), (second, 1)];
        let of_day: u64 = of_day.into_iter().map(|(n, unit)| u64::from(n.unsigned_abs()) * unit).sum();
        let mut back = of_day % (minutes * 60);
        while let Some(at) = self.window.end.checked_sub(Duration::from_secs(back))
            && back < width * u64::from(self.window.count)
        {
            back += minutes * 60;
            let nth = self.window.nth(at);
            let place = nth..nth.saturating_add(LABEL);
            if place.end > self.window.count || !taken.iter().all(|taken| apart(taken, &place)) {
                continue;
            }
            if let Some((hour, minute)) = self.time(canvas.appearance(), at) {
                self.write(canvas, &place).format(style, format_args!("│{hour:02}:{minute:02}"));
            }
        }
    }

    fn time(&self, appearance: &Appearance, at: Instant) -> Option<(i8, i8)> {
        let (hour, minute, _) = appearance.time_of_day(self.model.wall(at)?);
        Some((hour, minute))
    }

    fn write<'a>(&self, canvas: &'a mut Canvas<'_>, place: &Range<u16>) -> LineWriter<'a> {
        // The line is as wide as the columns, but for a screen that has no room for any.
        let width = (place.end - place.start).min(self.line.width.saturating_sub(place.start));
        canvas.stretch(self.line.x + place.start, self.line.y, width)
    }
}

/// Whether there is a blank between the two.
fn apart(a: &Range<u16>, b: &Range<u16>) -> bool {
    a.end < b.start || b.end < a.start
}
