//! Drawing: the model as one screen. Reads the model, writes cells, decides nothing else.

mod attempts;
mod axis;
mod bar;
mod columns;
mod details;
pub(super) mod findings;
mod footer;
mod header;
mod layout;
pub(super) mod line_writer;
mod matrix;
mod moment;
mod overlay;
mod peers;
mod said;
mod selected;
mod sparkline;
mod timeline;
mod title;

use std::time::{Duration, Instant};

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use crate::app::appearance::{Appearance, Theme, signs};
use crate::app::model::Model;
use crate::app::state::App;
use crate::app::ui::{Pane, Ui, View};
use line_writer::LineWriter;

/// What counts in tenths of a second is drawn as often.
const TENTH: Duration = Duration::from_millis(100);

/// What a frame leaves behind beside its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// When something on it changes by itself, other than what changes every second.
    pub next: Option<Instant>,
    /// Where the cursor belongs, if it is to be seen.
    pub cursor: Option<Position>,
}

impl Drawn {
    /// Something changes by itself at this time.
    fn changes_at(&mut self, at: Instant) {
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    /// Something runs.
    fn runs(&mut self, appearance: &Appearance, now: Instant) {
        if !appearance.still {
            self.changes_at(now + TENTH);
        }
    }
}

/// Draws one frame.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer, now: Instant) -> Drawn {
    let ground = app.appearance.theme.ground();
    if ground != Theme::COLOURED.ground() {
        buf.set_style(area, ground);
    }
    let shown_at = app.models.shown_at(now);
    let mut drawn = Drawn::default();
    app.ui.hit_map = crate::app::ui::HitMap::default();
    let matrix = app.shown().matrix();
    let rows = match app.ui.view {
        View::Matrix => matrix.marks().size(),
        _ => app.shown().len() + findings::wanted(matrix.findings().len()),
    };
    let Some(layout) = layout::of(area, &app.ui, rows) else {
        header::summary(app, area, buf);
        replace_signs(app.appearance.ascii, buf);
        return drawn;
    };
    app.ui.grown = layout.grown;
    header::render(app, layout.header, buf, now);
    let (model, ui, appearance) = (app.models.shown(), &mut app.ui, &app.appearance);
    for pane in Pane::ALL {
        let Some(area) = layout.panes[pane as usize] else { continue };
        ui.hit_map.panes[pane as usize] = Some(area);
        let inside = layout::cut_top(area, 1)[1];
        body(pane, model, ui, appearance, inside, buf, shown_at, &mut drawn);
        // After the rows: only then is it known which of them are shown.
        title::render(pane, model, ui, appearance, layout.tabs, area, buf);
    }
    drawn.cursor = footer::render(app, layout.footer, buf);
    drawn.cursor = overlay::render(app, area, buf).or(drawn.cursor);
    if app.models.behind().is_some() {
        // While paused nothing moves.
        drawn.next = None;
    }
    replace_signs(app.appearance.ascii, buf);
    drawn
}

#[expect(clippy::too_many_arguments, reason = "what there is, how to show it, where, and when")]
fn body(
    pane: Pane,
    model: &Model,
    ui: &mut Ui,
    appearance: &Appearance,
    area: Rect,
    buf: &mut Buffer,
    now: Instant,
    drawn: &mut Drawn,
) {
    match (pane, ui.view) {
        (Pane::Main, View::Peers) => peers::render(model, ui, appearance, area, buf, now, drawn),
        (Pane::Main, View::Details) => details::render(model, ui, appearance, area, buf, now, drawn),
        (Pane::Main, View::Timeline) => timeline::render(model, ui, appearance, area, buf, now),
        (Pane::Main, View::Matrix) => matrix::render(model, ui, appearance, area, buf, now),
        (Pane::Attempts, _) => attempts::render(model, ui, appearance, area, buf, now, drawn),
        (Pane::Log, _) => ui.log.render(area, buf, appearance),
    }
}

/// Puts ASCII in the place of the signs that a poor font has not.
fn replace_signs(ascii: bool, buf: &mut Buffer) {
    if !ascii {
        return;
    }
    for cell in &mut buf.content {
        if let Some(plain) = signs::ascii(cell.symbol()) {
            cell.set_symbol(plain);
        }
    }
}

/// Fills an area with one symbol.
fn fill(area: Rect, buf: &mut Buffer, symbol: &'static str, style: Style) {
    for y in area.top()..area.bottom() {
        let mut writer = LineWriter::new(buf, area.x, y, area.width);
        for _ in 0..writer.room() {
            writer.sign(symbol, style);
        }
    }
}

/// Writes a line of at most `width` columns; what is outside the screen is not written.
fn write(buf: &mut Buffer, x: u16, y: u16, line: &Line<'_>, width: u16) {
    let mut writer = LineWriter::new(buf, x, y, width);
    for span in &line.spans {
        writer.styled(&span.content, line.style.patch(span.style));
    }
}

/// Writes a text into a line of an area, cut to it.
fn put(area: Rect, line: u16, text: &str, style: Style, buf: &mut Buffer) {
    LineWriter::line(buf, area, line).styled(text, style);
}
