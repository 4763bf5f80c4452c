//! The box that overlays are drawn in.

use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Span;
use ratatui::widgets::{Block, Clear, Widget as _};

use crate::app::keymap::{KeyContext, Keymap};
use crate::app::view::canvas::Canvas;
use crate::text::wrap;

/// Width of the boxes, where the screen has it.
pub(super) const WIDTH: u16 = 76;

/// An empty box with a title; returns its inside.
pub(super) fn frame(canvas: &mut Canvas<'_>, area: Rect, title: &str) -> Rect {
    let theme = canvas.theme();
    Clear.render(area, canvas.buffer());
    canvas.restyle(area, theme.ground());
    let block = Block::bordered()
        .border_style(theme.focused())
        .title(Span::styled(format!(" {title} "), theme.focused()));
    let inside = block.inner(area);
    block.render(area, canvas.buffer());
    Rect { x: inside.x + 1.min(inside.width), width: inside.width.saturating_sub(2), ..inside }
}

/// A text in at most two lines.
pub(super) fn paragraph(canvas: &mut Canvas<'_>, area: Rect, text: &str, style: Style) {
    for (line, row) in (0..).zip(wrap(text, usize::from(area.width), 2)) {
        canvas.put(area, line, &row, style);
    }
}

/// The keys of an overlay in its last line, when the text above leaves it free. Prompts and questions have the same for everybody.
pub(super) fn keys(canvas: &mut Canvas<'_>, inside: Rect, context: KeyContext) {
    if inside.height < 3 {
        return;
    }
    let theme = canvas.theme();
    let mut writer = canvas.line(inside, inside.height - 1);
    for (keys, word) in Keymap::default().footer(context, &[]) {
        writer.styled(&keys, theme.strong()).styled(" ", theme.dim()).text(word).text("   ");
    }
}
