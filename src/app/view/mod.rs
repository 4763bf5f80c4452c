//! Drawing: the model as one screen. Reads the model, writes cells, decides nothing else.
//!
//! Every renderer takes a [`Canvas`] and the area to draw in; what is written in one line goes through a `LineWriter`.

mod attempts;
mod axis;
mod bar;
mod canvas;
mod columns;
mod compare;
mod details;
pub(super) mod findings;
mod footer;
mod graph;
mod groups;
mod header;
mod incidents;
mod layout;
pub(super) mod line_writer;
mod matrix;
mod moment;
mod overlay;
mod page;
mod peers;
mod pen;
mod prompt;
mod said;
mod selected;
mod sparkline;
mod timeline;
mod title;

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub use canvas::{Canvas, Drawn};

use crate::app::ShownNode;
use crate::app::appearance::{Theme, signs};
use crate::app::model::Model;
use crate::app::state::App;
use crate::app::ui::{Pane, Ui, View};

/// Draws one frame.
pub fn draw(app: &mut App, area: Rect, buf: &mut Buffer, now: Instant) -> Drawn {
    let ground = app.appearance.theme.ground();
    if ground != Theme::COLOURED.ground() {
        buf.set_style(area, ground);
    }
    let keymap = app.ui.keymap.clone();
    let mut canvas = Canvas::new(buf, &app.appearance, app.models.shown_at(now)).with_keys(&keymap);
    let App { models, ui, options, recording, .. } = app;
    let model = models.shown();
    let mut drawn = Drawn::default();
    if let Some(layout) = layout::of(area, ui, rows(model, ui, area.width, canvas.now())) {
        (ui.grown, ui.split, ui.side) = (layout.grown, layout.split, layout.side);
        canvas.hit_map.borders = layout.borders();
        header::render(&mut canvas, layout.header, (models, *options, recording.is_some()), now);
        for pane in Pane::ALL {
            if let Some(area) = layout.panes[pane as usize] {
                canvas.hit_map.panes[pane as usize] = Some(area);
                body(&mut canvas, layout::cut_top(area, 1)[1], pane, (model, options.node), ui);
                // After the rows: only then is it known which of them are shown.
                title::render(&mut canvas, area, pane, layout.tabs, model, ui);
            }
        }
        drawn.cursor = footer::render(&mut canvas, layout.footer, models, ui);
        drawn.cursor = overlay::render(&mut canvas, area, options.node, ui).or(drawn.cursor);
    } else {
        header::summary(&mut canvas, area, models);
    }
    (drawn.next, ui.hit_map) = canvas.finish();
    drawn.next = drawn.next.and_then(|next| models.when(next));
    if app.appearance.ascii {
        replace_signs(buf);
    }
    drawn
}

/// The rows that the main pane could fill.
fn rows(model: &Model, ui: &Ui, width: u16, now: Instant) -> usize {
    let matrix = model.matrix();
    let headings = model.lines().groups().map_or(0, <[_]>::len);
    match ui.view {
        View::Matrix => matrix.marks().size(),
        _ => model.len() + headings + findings::wanted(&ui.findings.told(matrix.findings(), now), width),
    }
}

/// Draws what is in a pane.
fn body(canvas: &mut Canvas<'_>, area: Rect, pane: Pane, (model, node): (&Model, ShownNode), ui: &mut Ui) {
    match (pane, ui.view) {
        (Pane::Main, View::Peers) => peers::render(canvas, area, (model, node), ui),
        (Pane::Main, View::Compare) => compare::render(canvas, area, model, ui),
        (Pane::Main, View::Details) => details::render(canvas, area, model, ui),
        (Pane::Main, View::Timeline) => timeline::render(canvas, area, (model, node), ui),
        (Pane::Main, View::Matrix) => matrix::render(canvas, area, model, ui),
        (Pane::Main, View::Findings) => incidents::render(canvas, area, model, ui),
        (Pane::Attempts, _) => attempts::render(canvas, area, model, ui),
        (Pane::Log, _) => ui.log.render(canvas, area),
    }
}

/// Puts ASCII in the place of the signs that a poor font has not.
fn replace_signs(buf: &mut Buffer) {
    for cell in &mut buf.content {
        if let Some(plain) = signs::ascii(cell.symbol()) {
            cell.set_symbol(plain);
        }
    }
}
