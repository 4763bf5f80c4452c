//! A text that is being typed.

use ratatui::layout::{Position, Rect};
use unicode_segmentation::UnicodeSegmentation as _;

use super::canvas::Canvas;
use crate::app::ui::Prompt;
use crate::text::columns;

/// Draws it behind a sign, in the first line of an area. Returns where the cursor belongs.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, sign: &str, prompt: &Prompt) -> Position {
    let style = canvas.theme().strong();
    let mut writer = canvas.line(area, 0);
    writer.styled(sign, style);
    let before = columns(sign);
    let (from, cursor) = prompt.window(writer.room());
    let mut skipped = 0;
    for grapheme in prompt.text().graphemes(true) {
        // What has been scrolled out to the left, and what does not fit to the right.
        if skipped < from {
            skipped += columns(grapheme);
        } else if columns(grapheme) <= writer.room() {
            writer.text(grapheme);
        } else {
            break;
        }
    }
    let column = u16::try_from(before + cursor).unwrap_or(u16::MAX);
    let screen = canvas.area();
    Position {
        x: area.x.saturating_add(column).min(screen.right().saturating_sub(1)),
        y: area.y.min(screen.bottom().saturating_sub(1)),
    }
}
