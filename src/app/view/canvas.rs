//! What a frame is drawn on, and what is noted beside its cells: where things are, and when they change by themselves.

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::line_writer::LineWriter;
use super::pen::Pen;
use crate::app::appearance::{Appearance, Theme};
use crate::app::keymap::{Action, Keymap, Section};
use crate::app::ui::HitMap;

/// What a frame leaves behind beside its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// When something on it changes by itself, other than what changes every second.
    pub next: Option<Instant>,
    /// Where the cursor belongs, if it is to be seen.
    pub cursor: Option<Position>,
}

/// A screen that is being drawn. Nothing sticks out of it, whatever area is asked for.
#[derive(Debug)]
pub struct Canvas<'a> {
    buf: &'a mut Buffer,
    pen: Pen<'a>,
    keymap: &'a Keymap,
    /// Where things were drawn so far.
    pub(super) hit_map: HitMap,
}

impl<'a> Canvas<'a> {
    /// A canvas on these cells, for what is known at this time.
    pub fn new(buf: &'a mut Buffer, appearance: &'a Appearance, now: Instant) -> Self {
        Self { buf, pen: Pen::new(appearance, now), keymap: Keymap::usual(), hit_map: HitMap::default() }
    }

    /// The same, where keys do this: for texts that name one.
    #[must_use]
    pub fn with_keys(mut self, keymap: &'a Keymap) -> Self {
        self.keymap = keymap;
        self
    }

    /// The key for an action, as texts name it.
    pub(in crate::app) fn key(&self, action: Action) -> String {
        self.keymap.key_for(action)
    }

    /// The same where several have it: in this section.
    pub(in crate::app) fn key_in(&self, section: Section, action: Action) -> String {
        self.keymap.key_in(section, action)
    }

    /// How things look.
    pub(in crate::app) fn appearance(&self) -> &'a Appearance {
        self.pen.appearance()
    }

    /// The colours.
    pub(in crate::app) fn theme(&self) -> Theme {
        self.pen.theme()
    }

    /// The time that is shown.
    pub(in crate::app) fn now(&self) -> Instant {
        self.pen.now()
    }

    /// All of it.
    pub(in crate::app) fn area(&self) -> Rect {
        self.buf.area
    }

    /// One line of an area.
    pub(in crate::app) fn line(&mut self, area: Rect, line: u16) -> LineWriter<'_> {
        let width = if line < area.height { area.width } else { 0 };
        self.stretch(area.x, area.y.saturating_add(line), width)
    }

    /// A stretch of one line.
    pub(in crate::app) fn stretch(&mut self, x: u16, y: u16, width: u16) -> LineWriter<'_> {
        LineWriter::new(self.buf, &self.pen, Rect { x, y, width, height: 1 })
    }

    /// Writes a text into a line of an area, cut to it.
    pub(super) fn put(&mut self, area: Rect, line: u16, text: &str, style: Style) {
        self.line(area, line).styled(text, style);
    }

    /// Writes styled texts into a line of an area, cut to it.
    pub(super) fn put_spans(&mut self, area: Rect, line: u16, spans: &Line<'_>) {
        let mut writer = self.line(area, line);
        for span in &spans.spans {
            writer.styled(&span.content, spans.style.patch(span.style));
        }
    }

    /// Fills an area with one sign.
    pub(super) fn fill(&mut self, area: Rect, sign: &'static str, style: Style) {
        for line in 0..area.height {
            let mut writer = self.line(area, line);
            for _ in 0..writer.room() {
                writer.sign(sign, style);
            }
        }
    }

    /// Styles what was drawn in an area.
    pub(in crate::app) fn restyle(&mut self, area: Rect, style: Style) {
        self.buf.set_style(area, style);
    }

    /// The cells, for ratatui's own widgets.
    pub(super) fn buffer(&mut self) -> &mut Buffer {
        self.buf
    }

    /// What it leaves behind: when it is to be drawn again, and where things are.
    pub(super) fn finish(self) -> (Option<Instant>, HitMap) {
        (self.pen.next(), self.hit_map)
    }
}
