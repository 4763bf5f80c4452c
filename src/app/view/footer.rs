//! The last line: what is being typed, else what was done a moment ago, else the keys that count here.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::Span;

use super::overlay;
use crate::app::keymap;
use crate::app::state::App;
use crate::app::ui::{Overlay, Prompt, View};
use crate::app::view::line_writer::LineWriter;

/// Most columns of a text that is typed here, where others want to be seen beside it.
const TYPED: u16 = 30;

/// Draws it. Returns where the cursor belongs, if it belongs here.
pub(super) fn render(app: &App, area: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = app.appearance.theme;
    match &app.ui.overlay {
        Some(Overlay::Filter { prompt, .. }) => {
            let (listed, all) = match app.ui.view {
                View::Matrix => app.ui.matrix.listed(app.shown()),
                _ => (app.shown().listed(), app.shown().len()),
            };
            return Some(line(app, prompt, &format!("{listed} of {all}"), area, buf));
        }
        Some(Overlay::Search(prompt)) => return Some(line(app, prompt, &app.ui.log.found(), area, buf)),
        _ => {}
    }
    if let Some(status) = &app.ui.status {
        let (mark, style) = if status.good { ("✓ ", theme.good()) } else { ("! ", theme.alarm()) };
        LineWriter::line(buf, area, 0).styled(mark, style).text(&status.text);
        return None;
    }
    keys(app, area, buf);
    None
}

/// A prompt, what has been found so far, and the keys that end it.
fn line(app: &App, prompt: &Prompt, found: &str, area: Rect, buf: &mut Buffer) -> Position {
    let theme = app.appearance.theme;
    let cursor = overlay::typed("/", prompt, theme, Rect { width: area.width.min(TYPED), ..area }, buf);
    let rest = Rect { x: area.x + TYPED.min(area.width), width: area.width.saturating_sub(TYPED), ..area };
    LineWriter::line(buf, rest, 0).styled(found, theme.focused());
    let gap = u16::try_from(crate::text::columns(found) + 3).unwrap_or(u16::MAX).min(rest.width);
    keys(app, Rect { x: rest.x + gap, width: rest.width - gap, ..rest }, buf);
    cursor
}

fn keys(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = app.appearance.theme;
    let mut writer = LineWriter::line(buf, area, 0);
    for (keys, word) in keymap::footer(app.ui.context()) {
        let word = match word {
            "pause" if app.models.behind().is_some() => "resume",
            "timeline" if app.ui.view == View::Timeline => "table",
            "matrix" if app.ui.view == View::Matrix => "table",
            "round trips" if app.ui.matrix.figures => "signs",
            word => word,
        };
        // The two blanks after the last entry may hang over.
        if Span::raw(&*keys).width() + 1 + word.len() > writer.room() {
            break;
        }
        writer.styled(&keys, theme.strong()).styled(" ", theme.dim()).text(word);
        writer.skip(2);
    }
}
