//! The last line: what was done a moment ago, else the keys that count here.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::super::keymap;
use super::super::state::App;
use super::{put, write};

/// Draws it.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.theme;
    if let Some(status) = &app.ui.status {
        let (mark, style) = if status.good { ("✓", theme.good()) } else { ("!", theme.alarm()) };
        put(area, 0, &format!("{mark} {}", status.text), style, buf);
        return;
    }
    let mut spans = Vec::new();
    let mut left = usize::from(area.width);
    for (keys, word) in keymap::footer(app.ui.context()) {
        let word = if word == "pause" && app.behind().is_some() { "resume" } else { word };
        let entry = [Span::styled(keys, theme.strong()), Span::styled(format!(" {word}  "), theme.dim())];
        let width: usize = entry.iter().map(Span::width).sum();
        // The two blanks after the last entry may hang over.
        if width > left + 2 {
            break;
        }
        left = left.saturating_sub(width);
        spans.extend(entry);
    }
    write(buf, area.x, area.y, &Line::from(spans), area.width);
}
