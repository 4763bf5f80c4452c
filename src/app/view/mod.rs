//! Drawing: the model as one screen. Reads the model, writes cells, decides nothing else.

mod attempts;
mod columns;
mod details;
mod footer;
mod header;
mod layout;
mod overlay;
mod peers;
mod sparkline;
pub mod text;

use std::time::Instant;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::model::Model;
use super::state::App;
use super::theme::Theme;
use super::ui::{Pane, Ui};

/// What a frame shows that will change by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Something counts in tenths of a second.
    pub tenths: bool,
}

/// Draws one frame.
pub fn draw(app: &mut App, frame: &mut Frame<'_>, now: Instant) -> Drawn {
    let area = frame.area();
    let buf = frame.buffer_mut();
    let shown_at = app.shown_at(now);
    let mut drawn = Drawn::default();
    let Some(places) = layout::places(area, app.ui.focus, app.shown().len()) else {
        header::summary(app, area, buf);
        return drawn;
    };
    header::render(app, places.header, buf, now);
    footer::render(app, places.footer, buf);
    let (model, ui, theme) = app.parts();
    if let Some(area) = places.peers {
        let inside = layout::cut_top(area, 1)[1];
        drawn.tenths |= peers::render(model, ui, theme, inside, buf, shown_at);
        // After the rows: only then is it known which of them are shown.
        title(ui, Pane::Peers, &rows_shown(model, ui), places.tabs, area, buf, theme);
    }
    if let Some(area) = places.attempts {
        let more = if ui.attempts.follows() { "newest first, UTC" } else { "scrolled, Esc follows" };
        let inside = title(ui, Pane::Attempts, more, places.tabs, area, buf, theme);
        drawn.tenths |= attempts::render(model, ui, theme, inside, buf, shown_at);
    }
    if let Some(area) = places.log {
        let more = if ui.log.follows() { "UTC" } else { "scrolled, Esc follows" };
        let inside = title(ui, Pane::Log, more, places.tabs, area, buf, theme);
        ui.log.render(inside, buf, theme);
    }
    // While paused nothing moves.
    drawn.tenths &= app.behind().is_none();
    if let Some(cursor) = overlay::render(app, area, buf) {
        frame.set_cursor_position(cursor);
    }
    drawn
}

/// How many peers there are, and which of them are shown when not all are.
fn rows_shown(model: &Model, ui: &Ui) -> String {
    let (all, shown) = (model.len(), ui.peers.shown(model));
    match all {
        0 => String::new(),
        _ if shown.len() < all => format!("{}–{} of {all}", shown.start + 1, shown.end),
        _ => all.to_string(),
    }
}

/// Draws a pane's title line and returns what is left. Where the panes share one place, the others are named too.
fn title(ui: &Ui, pane: Pane, more: &str, tabs: bool, area: Rect, buf: &mut Buffer, theme: Theme) -> Rect {
    let [bar, inside] = layout::cut_top(area, 1);
    let focused = ui.focus == pane;
    let rule = if focused { theme.focused() } else { theme.dim() };
    fill(bar, buf, "─", rule);
    let mut spans = Vec::new();
    for other in Pane::ALL.into_iter().filter(|other| tabs || *other == pane) {
        let style = match (other == pane, focused) {
            (true, true) => theme.focused(),
            (true, false) => theme.strong(),
            (false, _) => theme.dim(),
        };
        let this = other == pane;
        spans.push(Span::styled(if this && focused { "─▸" } else { "──" }, rule));
        spans.push(Span::styled(format!(" {} ", other.title()), style));
        if this && !more.is_empty() {
            spans.push(Span::styled(format!("{more} "), theme.dim()));
        }
    }
    write(buf, bar.x, bar.y, &Line::from(spans), bar.width);
    inside
}

/// Fills an area with one symbol.
fn fill(area: Rect, buf: &mut Buffer, symbol: &str, style: Style) {
    for position in area.intersection(buf.area).positions() {
        if let Some(cell) = buf.cell_mut(position) {
            cell.set_symbol(symbol).set_style(style);
        }
    }
}

/// Writes a line of at most `width` columns; what is outside the screen is not written.
fn write(buf: &mut Buffer, x: u16, y: u16, line: &Line<'_>, width: u16) {
    if width > 0 && buf.area.contains(Position { x, y }) {
        buf.set_line(x, y, line, width);
    }
}

/// Writes a text into a line of an area, cut to it.
fn put(area: Rect, line: u16, text: &str, style: Style, buf: &mut Buffer) {
    if line < area.height {
        let fitted = text::fit(text, usize::from(area.width));
        write(buf, area.x, area.y + line, &Line::styled(fitted, style), area.width);
    }
}
