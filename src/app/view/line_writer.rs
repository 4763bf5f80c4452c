//! A stretch of one line, written straight into the cells of the screen: nothing is allocated, nothing sticks out.

use std::fmt;
use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, Cell, CellDiffOption};
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_segmentation::UnicodeSegmentation as _;

use super::pen::Pen;
use crate::app::appearance::Theme;
use crate::text::{LEFT_TO_RIGHT_MARK, columns, is_printable, is_right_to_left};

/// Stands for what does not fit.
const ELLIPSIS: &str = "…";

/// Said of a character beyond ASCII that was measured here: ratatui would measure it once more in every frame, to compare that with
/// the one before. Of a wide one it is not said: ratatui clears behind it what some terminals leave there.
const ONE_COLUMN: CellDiffOption = CellDiffOption::ForcedWidth(NonZeroU16::MIN);

/// A stretch of one line. Text that does not fit is cut, its end marked; control characters are dropped.
pub(in crate::app) struct LineWriter<'a> {
    cells: &'a mut [Cell],
    /// The next free cell.
    at: usize,
    /// Where the last character begins.
    last: usize,
    style: Style,
    cut: bool,
    pen: &'a Pen<'a>,
}

impl<'a> LineWriter<'a> {
    /// A stretch of one line, cut to the screen.
    pub(super) fn new(buf: &'a mut Buffer, pen: &'a Pen<'a>, stretch: Rect) -> Self {
        let stretch = stretch.intersection(buf.area);
        let from = if stretch.is_empty() { 0 } else { buf.index_of(stretch.x, stretch.y) };
        let cells = &mut buf.content[from..from + usize::from(stretch.width) * usize::from(stretch.height)];
        Self { cells, at: 0, last: 0, style: Style::new(), cut: false, pen }
    }

    /// What it is written with: looks and the time.
    pub(in crate::app) fn pen(&self) -> &'a Pen<'a> {
        self.pen
    }

    /// The colours.
    pub(in crate::app) fn theme(&self) -> Theme {
        self.pen.theme()
    }

    /// What is written from now on has this style.
    pub(in crate::app) fn style(&mut self, style: Style) -> &mut Self {
        self.style = style;
        self
    }

    /// Writes a text.
    pub(in crate::app) fn text(&mut self, text: &str) -> &mut Self {
        if text.is_ascii() {
            return self.ascii(text);
        }
        if text.chars().all(is_alone) {
            let mut bytes = [0; 4];
            text.chars().for_each(|c| self.grapheme(c.encode_utf8(&mut bytes), 1));
            return self;
        }
        let mut right_to_left = false;
        for grapheme in text.graphemes(true) {
            if grapheme.chars().all(is_printable) {
                right_to_left |= grapheme.chars().any(is_right_to_left);
                self.grapheme(grapheme, columns(grapheme));
            }
        }
        if right_to_left && let Some(cell) = self.cells.get_mut(self.last) {
            let marked = format!("{}{LEFT_TO_RIGHT_MARK}", cell.symbol());
            cell.set_symbol(&marked);
        }
        self
    }

    /// Writes a sign that takes one column. Costs less than a text, which may hold anything.
    pub(in crate::app) fn sign(&mut self, sign: &'static str, style: Style) -> &mut Self {
        self.style = style;
        if self.room() > 0 && !self.cut {
            self.put(sign, 1);
        } else if !self.cut {
            self.cut();
        }
        self
    }

    /// Writes a row of signs, each in its style. Costs less than one by one.
    pub(in crate::app) fn signs(
        &mut self,
        mut signs: impl Iterator<Item = (&'static str, Style)>,
    ) -> &mut Self {
        if self.cut {
            return self;
        }
        for (cell, (sign, style)) in self.cells[self.at..].iter_mut().zip(signs.by_ref()) {
            cell.set_symbol(sign).set_style(style).set_diff_option(ONE_COLUMN);
            (self.last, self.style) = (self.at, style);
            self.at += 1;
        }
        if let Some((_, style)) = signs.next() {
            self.style = style;
            self.cut();
        }
        self
    }

    /// Writes a text in which every byte is a character of one column.
    fn ascii(&mut self, text: &str) -> &mut Self {
        if self.cut {
            return self;
        }
        let bytes = text.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_control());
        let mut symbols = bytes.map(|(at, _)| &text[at..=at]);
        let mut written = 0;
        for (cell, symbol) in self.cells[self.at..].iter_mut().zip(symbols.by_ref()) {
            cell.set_symbol(symbol).set_style(self.style);
            written += 1;
        }
        if written > 0 {
            self.at += written;
            self.last = self.at - 1;
        }
        if symbols.next().is_some() {
            self.cut();
        }
        self
    }

    /// Writes a text in a style.
    pub(in crate::app) fn styled(&mut self, text: &str, style: Style) -> &mut Self {
        self.style(style).text(text)
    }

    /// Writes what is formatted, in a style.
    pub(in crate::app) fn format(&mut self, style: Style, args: fmt::Arguments<'_>) -> &mut Self {
        // A field takes everything and never fails.
        let _ = fmt::Write::write_fmt(self.style(style), args);
        self
    }

    /// Leaves columns free.
    pub(in crate::app) fn skip(&mut self, columns: u16) -> &mut Self {
        self.at = (self.at + usize::from(columns)).min(self.cells.len());
        self
    }

    /// Moves what was written to the right end.
    pub(in crate::app) fn right(&mut self) {
        let free = self.room();
        if free > 0 && self.at > 0 {
            self.cells.rotate_right(free);
            self.at = self.cells.len();
        }
    }

    /// The next columns as a field of their own.
    pub(in crate::app) fn part(&mut self, columns: u16) -> LineWriter<'_> {
        let end = (self.at + usize::from(columns)).min(self.cells.len());
        LineWriter {
            cells: &mut self.cells[self.at..end],
            at: 0,
            last: 0,
            style: self.style,
            cut: false,
            pen: self.pen,
        }
    }

    /// Columns that are still free.
    pub(in crate::app) fn room(&self) -> usize {
        self.cells.len() - self.at
    }

    fn grapheme(&mut self, symbol: &str, width: usize) {
        if width == 0 || self.cut {
            return;
        }
        if width > self.room() {
            self.cut();
            return;
        }
        self.put(symbol, width);
    }

    fn put(&mut self, symbol: &str, width: usize) {
        self.last = self.at;
        let option = if width == 1 { ONE_COLUMN } else { CellDiffOption::None };
        for (i, cell) in self.cells[self.at..self.at + width].iter_mut().enumerate() {
            // What a wide character covers is hidden under it.
            cell.set_symbol(if i == 0 { symbol } else { " " }).set_style(self.style).set_diff_option(option);
        }
        self.at += width;
    }

    /// Marks the end: in the last column, which may have to be taken back from a character.
    fn cut(&mut self) {
        self.cut = true;
        if self.room() == 0 && self.at > 0 {
            for cell in &mut self.cells[self.last..self.at] {
                cell.set_symbol(" ");
            }
            self.at = self.last;
        }
        if self.room() > 0 {
            self.put(ELLIPSIS, 1);
        }
    }
}

impl fmt::Write for LineWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// Whether a character takes one column and belongs to no other: ASCII, the signs of Latin-1 and the letters that follow.
fn is_alone(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{2FF}')
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;
    use crate::app::appearance::Appearance;
    use crate::app::view::Canvas;

    /// A line of so many columns that was drawn on.
    fn drawn(width: u16, draw: impl FnOnce(&mut Canvas<'_>)) -> Buffer {
        let mut buf = Buffer::empty(Rect::new(0, 0, width, 1));
        let appearance = Appearance::new(Theme::PLAIN);
        #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
        draw(&mut Canvas::new(&mut buf, &appearance, Instant::now()));
        buf
    }

    /// What a line of so many columns shows of a text.
    fn shown(text: &str, width: u16) -> String {
        let buf = drawn(width, |canvas| _ = canvas.stretch(0, 0, width).text(text));
        let mut shown = String::new();
        let mut covered = 0;
        for cell in &buf.content {
            if covered == 0 {
                shown.push_str(cell.symbol());
                covered = columns(cell.symbol()).max(1);
            }
            covered -= 1;
        }
        shown.trim_end().to_owned()
    }

    fn symbols(buf: &Buffer) -> String {
        buf.content.iter().map(Cell::symbol).collect()
    }

    #[test]
    fn a_character_that_is_alone_takes_one_column_and_is_printed_as_it_is() {
        let alone = ('\0'..'\u{3000}').filter(|c| is_alone(*c));
        for c in alone {
            let text = format!("a{c}a");
            assert!(is_printable(c) && columns(&text) == 3 && text.graphemes(true).count() == 3, "{c:?}");
        }
    }

    #[test]
    fn what_ratatui_is_told_of_a_character_is_what_it_would_measure() {
        use ratatui::buffer::CellWidth as _;
        let buf = drawn(16, |canvas| _ = canvas.stretch(0, 0, 16).text("a µ 山 ▁ e\u{301} ❤\u{FE0F} …"));
        for cell in &buf.content {
            assert_eq!(cell.cell_width(), cell.symbol().cell_width(), "{:?}", cell.symbol());
        }
    }

    #[test]
    fn what_does_not_fit_is_cut_by_columns_and_marked() {
        assert_eq!(shown("plain", 5), "plain");
        assert_eq!(shown("plainly", 5), "plai…");
        assert_eq!(shown("山田のPC", 8), "山田のPC");
        assert_eq!(shown("山田のPC", 7), "山田の…");
        assert_eq!(shown("山田のPC", 6), "山田…");
        assert_eq!(shown("e\u{301}tude", 3), "e\u{301}t…");
        assert_eq!(shown("a\x1b[31mb", 10), "a[31mb");
        assert_eq!(shown("abc", 0), "");
    }

    #[test]
    fn several_pieces_are_cut_as_one() {
        let buf = drawn(6, |canvas| _ = canvas.stretch(0, 0, 6).text("abc").text("def").text("g").text("h"));
        assert_eq!(symbols(&buf), "abcde…");
    }

    #[test]
    fn what_is_moved_to_the_right_ends_there() {
        let buf =
            drawn(8, |canvas| canvas.stretch(1, 0, 6).format(Style::new(), format_args!("{} s", 12)).right());
        assert_eq!(symbols(&buf), "   12 s ");
    }

    #[test]
    fn a_right_to_left_name_ends_with_a_mark_that_keeps_its_row_in_order() {
        let buf = drawn(8, |canvas| _ = canvas.stretch(0, 0, 6).text("مضيف"));
        assert!(buf[(3, 0)].symbol().ends_with(LEFT_TO_RIGHT_MARK));
        assert_eq!(buf[(4, 0)].symbol(), " ");
    }

    #[test]
    fn outside_the_screen_nothing_is_written() {
        let buf = drawn(4, |canvas| {
            canvas.stretch(9, 0, 3).text("abc").right();
            canvas.stretch(0, 9, 3).text("abc");
            canvas.line(Rect::new(0, 0, 4, 1), 1).text("abc");
            canvas.stretch(2, 0, 30).text("abc");
        });
        assert_eq!(symbols(&buf), "  a…");
    }

    proptest! {
        #[test]
        fn a_line_is_never_wider_than_its_room(text in "\\PC{0,20}", width in 0_u16..20) {
            prop_assert!(columns(&shown(&text, width)) <= usize::from(width));
        }
    }
}
