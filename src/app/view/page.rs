//! Lines one below the other, of which a part is seen: the others are only counted.

use std::fmt;
use std::time::Instant;

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::{Scrollbar, ScrollbarOrientation, ScrollbarState, StatefulWidget as _};

use super::canvas::Canvas;
use crate::app::appearance::Theme;
use crate::app::keymap::{Action, Section};
use crate::app::view::line_writer::LineWriter;
use crate::text::wrap;

/// Columns before every line.
const INDENT: u16 = 2;

/// Columns of a label: the longest, and two blanks.
const LABEL: u16 = 9;

/// Below this width, labels take only the columns that they need.
const NARROW: u16 = 40;

/// Most lines of one text.
pub(super) const WRAPPED: usize = 5;

/// What stands before a line.
#[derive(Clone, Copy)]
enum LineHead {
    Is(&'static str),
    /// The line goes on where the one above it ended.
    Above,
}

/// A column of lines that is filled from the top.
pub(super) struct Page<'p, 'c> {
    canvas: &'p mut Canvas<'c>,
    /// How headings look.
    headings: Style,
    /// Where it is seen; empty while lines are only counted.
    area: Rect,
    /// Lines above the first one that is seen.
    above: u16,
    /// Lines so far.
    lines: u16,
}

impl<'p, 'c> Page<'p, 'c> {
    /// An empty one, scrolled down by so many lines.
    pub(super) fn new(canvas: &'p mut Canvas<'c>, headings: Style, area: Rect, above: u16) -> Self {
        Self { canvas, headings, area, above, lines: 0 }
    }

    /// A column of it, from its first line on.
    pub(super) fn column(&mut self, place: Rect) -> Page<'_, 'c> {
        Page::new(self.canvas, self.headings, place, self.above)
    }

    /// Lines so far, the unseen ones too.
    pub(super) fn lines(&self) -> u16 {
        self.lines
    }

    /// Where it is seen.
    pub(super) fn area(&self) -> Rect {
        self.area
    }

    /// The colours.
    pub(super) fn theme(&self) -> Theme {
        self.canvas.theme()
    }

    /// The key for an action, as texts name it.
    pub(super) fn key(&self, action: Action) -> String {
        self.canvas.key(action)
    }

    /// The same where several have it: in this section.
    pub(super) fn key_in(&self, section: Section, action: Action) -> String {
        self.canvas.key_in(section, action)
    }

    /// The time that is shown.
    pub(super) fn now(&self) -> Instant {
        self.canvas.now()
    }

    /// Columns of a line.
    pub(super) fn width(&self) -> u16 {
        self.area.width.saturating_sub(INDENT)
    }

    /// Columns of a line beside its label.
    pub(super) fn beside_label(&self) -> u16 {
        self.width().saturating_sub(if self.is_narrow() { 0 } else { LABEL })
    }

    /// Adds a line.
    pub(super) fn line(&mut self, write: impl FnOnce(&mut LineWriter<'_>)) {
        let seen = self.lines.checked_sub(self.above).filter(|line| *line < self.area.height);
        self.lines = self.lines.saturating_add(1);
        if let Some(line) = seen {
            write(self.canvas.line(self.area, line).skip(INDENT));
        }
    }

    /// Adds the heading of what follows, after a blank line unless it is the first.
    pub(super) fn heading(&mut self, title: &str) {
        if self.lines > 0 {
            self.line(|_| ());
        }
        let style = self.headings;
        self.line(|writer| _ = writer.styled(title, style));
    }

    /// Adds a line with a label.
    pub(super) fn fact(&mut self, label: &'static str, write: impl FnOnce(&mut LineWriter<'_>)) {
        self.labelled(LineHead::Is(label), write);
    }

    /// Adds a line under the text of the one above it.
    pub(super) fn more(&mut self, write: impl FnOnce(&mut LineWriter<'_>)) {
        self.labelled(LineHead::Above, write);
    }

    /// Adds a text with a label, in as many lines as it needs.
    pub(super) fn words(&mut self, label: &'static str, style: Style, text: impl fmt::Display) {
        let inline = if self.is_narrow() { label.len() + 1 } else { 0 };
        let room = usize::from(self.beside_label()).saturating_sub(inline);
        for (i, row) in wrap(&text.to_string(), room, WRAPPED).into_iter().enumerate() {
            self.labelled(if i == 0 { LineHead::Is(label) } else { LineHead::Above }, |writer| {
                writer.styled(&row, style);
            });
        }
    }

    /// Adds what speaks for something, the first of it with a label of its own.
    pub(super) fn evidence(&mut self, all: impl IntoIterator<Item = impl fmt::Display>) {
        for (nth, seen) in all.into_iter().enumerate() {
            self.words(if nth == 0 { "seen" } else { "and" }, self.theme().text(), seen);
        }
    }

    fn labelled(&mut self, label: LineHead, write: impl FnOnce(&mut LineWriter<'_>)) {
        let (narrow, dim) = (self.is_narrow(), self.canvas.theme().dim());
        self.line(|writer| {
            match label {
                LineHead::Is(label) if narrow => _ = writer.styled(label, dim).text(" "),
                LineHead::Is(label) => {
                    writer.part(LABEL).styled(label, dim);
                    writer.skip(LABEL);
                }
                LineHead::Above if narrow => {}
                LineHead::Above => _ = writer.skip(LABEL),
            }
            write(writer);
        });
    }

    fn is_narrow(&self) -> bool {
        self.area.width < NARROW
    }
}

/// Where in all its lines the seen ones are.
pub(super) fn scroll_bar(canvas: &mut Canvas<'_>, area: Rect, above: u16, beyond: u16) {
    let mut state = ScrollbarState::new(usize::from(beyond) + 1)
        .position(usize::from(above))
        .viewport_content_length(usize::from(area.height));
    Scrollbar::new(ScrollbarOrientation::VerticalRight)
        .begin_symbol(None)
        .end_symbol(None)
        .track_symbol(None)
        .thumb_symbol("▐")
        .style(canvas.theme().dim())
        .render(area.intersection(canvas.area()), canvas.buffer(), &mut state);
}
