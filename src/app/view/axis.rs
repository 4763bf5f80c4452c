//! The axis of the timeline: times of day above its columns, and where the cursor is.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::canvas::Canvas;
use crate::app::appearance::Appearance;
use crate::app::model::Model;
use crate::app::ui::timeline::{TimelineCursor, TimelineWindow};
use crate::app::view::line_writer::LineWriter;

/// Columns between two labels, at least: room to breathe.
const APART: u64 = 3;

/// Seconds between two labels: times that people say.
const SPACINGS: [u64; 14] = [10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];

/// A time of day above a column, or beside the cursor.
#[derive(Debug, Clone, Copy)]
struct Label {
    hour: i8,
    minute: i8,
    /// Where some columns differ by less than a minute.
    second: Option<i8>,
}

impl Label {
    /// Its columns, with its mark.
    fn columns(has_seconds: bool) -> u16 {
        if has_seconds { 9 } else { 6 }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)?;
        self.second.map_or(Ok(()), |second| write!(f, ":{second:02}"))
    }
}

/// Says in front of the columns how much time each of them tells of.
pub(super) fn cell(canvas: &mut Canvas<'_>, place: Rect, time: Duration) {
    let dim = canvas.theme().dim();
    let seconds = time.as_secs();
    let (number, unit) = if seconds.is_multiple_of(60) { (seconds / 60, "min") } else { (seconds, "s") };
    let text = format!("{number} {unit}/cell");
    if text.len() <= usize::from(place.width) {
        canvas.put(place, 0, &text, dim);
    }
}

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
    let has_now = window.end > window.now;
    let Some(nth) = cursor.column() else {
        let now = from_end(4);
        axis.write(canvas, &now).styled("now▼", theme.focused()).right();
        return axis.ticks(canvas, &[now], theme.dim());
    };
    let (at, now) = (axis.cursor(canvas, nth, theme.focused()), from_end(3));
    if !has_now || !apart(&at, &now) {
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
        let has_seconds = !self.window.width.as_secs().is_multiple_of(60);
        let begin = self.window.column(nth).map(|column| column.start);
        let label = begin.and_then(|begin| self.label(canvas.appearance(), begin, has_seconds));
        let columns = Label::columns(has_seconds);
        match label {
            Some(label) if nth + columns <= self.window.count => {
                let place = nth..nth + columns;
                self.write(canvas, &place).format(style, format_args!("▼{label}"));
                place
            }
            Some(label) if nth + 1 >= columns => {
                let place = nth + 1 - columns..nth + 1;
                self.write(canvas, &place).format(style, format_args!("{label}▼"));
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
        let columns = |seconds: u64| Label::columns(!seconds.is_multiple_of(60));
        let fits = |seconds: &u64| *seconds >= (u64::from(columns(*seconds)) + APART) * width;
        let Some(seconds) = SPACINGS.into_iter().find(fits) else { return };
        let Some(wall) = self.model.wall(self.window.end) else { return };
        let (hour, minute, second) = canvas.appearance().time_of_day(wall);
        let of_day = [(hour, 3600), (minute, 60), (second, 1)];
        let of_day: u64 = of_day.into_iter().map(|(n, unit)| u64::from(n.unsigned_abs()) * unit).sum();
        let mut back = of_day % seconds;
        while let Some(at) = self.window.end.checked_sub(Duration::from_secs(back))
            && back < width * u64::from(self.window.count)
        {
            back += seconds;
            let nth = self.window.nth(at);
            let place = nth..nth.saturating_add(columns(seconds));
            if place.end > self.window.count || !taken.iter().all(|taken| apart(taken, &place)) {
                continue;
            }
            if let Some(label) = self.label(canvas.appearance(), at, !seconds.is_multiple_of(60)) {
                self.write(canvas, &place).format(style, format_args!("│{label}"));
            }
        }
    }

    fn label(&self, appearance: &Appearance, at: Instant, has_seconds: bool) -> Option<Label> {
        let (hour, minute, second) = appearance.time_of_day(self.model.wall(at)?);
        Some(Label { hour, minute, second: has_seconds.then_some(second) })
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
