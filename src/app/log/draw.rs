//! The pane on the screen: only the records that are visible are looked at.

use std::ops::Range;

use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use unicode_segmentation::UnicodeSegmentation as _;

use super::pane::LogPane;
use super::records::Record;
use crate::app::keymap::Action;
use crate::app::view::Canvas;
use crate::text::columns;

/// A text that is searched for.
const FOUND: Modifier = Modifier::UNDERLINED.union(Modifier::BOLD);

/// The same, in the record that the search is at.
const CURRENT: Modifier = Modifier::REVERSED;

/// A row of a record on its way to the screen.
struct RecordRow<'a> {
    record: &'a Record,
    /// The bytes of the text that it shows.
    part: Range<usize>,
    first: bool,
    /// The text goes on, and no row shows it.
    cut: bool,
}

impl LogPane {
    /// Draws the records, the newest at the bottom.
    pub fn render(&mut self, canvas: &mut Canvas<'_>, area: Rect) {
        let area = area.intersection(canvas.area());
        if area.is_empty() {
            return;
        }
        let Some(top) = self.settle(area.width, usize::from(area.height)) else {
            if !self.records.is_empty() {
                let keys = [Action::Level, Action::Target].map(|action| canvas.key(action)).join(", ");
                let style = canvas.theme().dim();
                canvas
                    .line(area, 0)
                    .format(style, format_args!("  Nothing matches the filter ({keys} to change it)."));
            }
            return;
        };
        let sheet = self.sheet();
        let indent = sheet.indent();
        let mut lines = area.rows();
        let mut skip = top.row;
        for index in top.index.. {
            let Some((record, rows)) = sheet.record(index).zip(sheet.rows(index)) else { return };
            let (marks, style) = self.marks(index, record);
            let last = rows.parts.len() - 1;
            for (i, part) in rows.parts.into_iter().enumerate().skip(std::mem::take(&mut skip)) {
                let Some(line) = lines.next() else { return };
                let row = RecordRow { record, part, first: i == 0, cut: rows.cut && i == last };
                row.draw(canvas, line, indent);
                row.mark(canvas, line, indent, &marks, style);
            }
        }
    }

    /// What of a record is searched for, and how it is marked.
    fn marks(&self, index: usize, record: &Record) -> (Vec<Range<usize>>, Modifier) {
        let Some(search) = &self.search else { return (Vec::new(), FOUND) };
        let current = search.current.is_some() && self.sheet().shown.get(index) == search.current.as_ref();
        (search.found(&record.text), if current { CURRENT } else { FOUND })
    }
}

impl RecordRow<'_> {
    fn draw(&self, canvas: &mut Canvas<'_>, line: Rect, indent: u16) {
        let theme = canvas.theme();
        let level = self.record.level.to_level_filter();
        let style = theme.level(level);
        let source = self.part.start.max(self.record.source).min(self.part.end);
        let text = &self.record.text;
        let mut writer = canvas.line(line, 0);
        if self.first && indent > 0 {
            let (hour, minute, second) = writer.pen().appearance().time_of_day(self.record.wall);
            writer.format(theme.dim(), format_args!("{hour:02}:{minute:02}:{second:02} "));
            writer.format(style, format_args!("{:<5} ", level.as_str()));
        } else {
            writer.skip(indent);
        }
        writer.styled(&text[self.part.start..source], theme.dim());
        writer.styled(&text[source..self.part.end], style).text(if self.cut { "…" } else { "" });
    }

    /// Marks these parts of the text: each character whole, and where one of them lies behind the cut, the sign of it.
    fn mark(
        &self,
        canvas: &mut Canvas<'_>,
        line: Rect,
        indent: u16,
        marks: &[Range<usize>],
        modifier: Modifier,
    ) {
        if marks.is_empty() {
            return;
        }
        let style = Style::new().add_modifier(modifier);
        let mut x = line.x + indent;
        let mut mark = |width: usize, found: bool| {
            let width = u16::try_from(width).unwrap_or(u16::MAX).min(line.right().saturating_sub(x));
            if found {
                canvas.restyle(Rect { x, width, ..line }, style);
            }
            x += width;
        };
        for (at, grapheme) in self.record.text[self.part.clone()].grapheme_indices(true) {
            let (start, end) = (self.part.start + at, self.part.start + at + grapheme.len());
            mark(columns(grapheme), marks.iter().any(|mark| mark.start < end && start < mark.end));
        }
        if self.cut {
            mark(1, marks.iter().any(|mark| mark.end > self.part.end));
        }
    }
}
