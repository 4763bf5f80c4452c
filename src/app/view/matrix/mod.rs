//! Who reaches whom: rows dial columns. What is not on the screen is counted, and a block with a pair that fails is one that
//! fails.

mod cell;
mod counts;
mod legend;
mod pair;
mod scene;
mod shape;
mod table;
mod words;

use std::sync::Arc;

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::findings;
use super::layout::cut_top;
use crate::app::model::Model;
use crate::app::ui::matrix::{Arrangement, Blocks, MatrixCursor};
use crate::app::ui::{Pane, Ui};
use crate::engine::matrix::MatrixView;
use scene::Scene;
use shape::{Shape, least_cell};

/// Below this many lines there is no room for a table.
const LEAST_TABLE: u16 = 3;

/// Below this many lines the pairs themselves come before what is said of them.
const LEAST_WITH_FINDINGS: u16 = 10;

/// Below this many lines of the table no other line says what is not in it: its last row does.
const LEAST_WITH_HIDDEN: u16 = 6;

/// Draws it.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, model: &Model, ui: &mut Ui) {
    let now = canvas.now();
    let matrix = model.matrix();
    let Some(view) = matrix.latest().map(Arc::clone) else {
        let style = canvas.theme().dim();
        return canvas.put(area, 0, "  Asking the node who reaches whom.", style);
    };
    let comparison = ui.matrix.comparison(matrix, now);
    let compares = ui.matrix.against().is_some();
    let wrong = ui.findings.told(matrix.findings(), now);
    let mut lines = MatrixLayout::of(area, wrong.len(), compares);
    let (blocks, mut shape) = arrange(&mut ui.matrix, model, &view, &mut lines);
    ui.matrix.settle(matrix, blocks.clone(), (shape.rows, shape.columns));
    if shape.number_up_to(ui.matrix.seen().1.end, lines.table.height, blocks.rows.len()) {
        ui.matrix.settle(matrix, blocks, (shape.rows, shape.columns));
    }
    ui.matrix.count(matrix, comparison.as_ref());
    let scene = Scene {
        model,
        matrix,
        view: &view,
        cursor: &ui.matrix,
        comparison: comparison.as_deref(),
        focused: ui.focus == Pane::Main,
        now,
    };
    findings::render(canvas, lines.findings, &wrong);
    legend::totals(canvas, lines.totals, scene);
    if compares {
        legend::changes(canvas, lines.changes, scene);
    }
    let drawn = table::render(canvas, lines.table, scene, &shape);
    legend::hidden(canvas, lines.hidden, scene, drawn.shown);
    pair::render(canvas, lines.pair, scene);
    canvas.hit_map.matrix = drawn.rows;
    canvas.hit_map.cells = drawn.cells;
    canvas.hit_map.cell = shape.cell;
}

/// What stands in rows and columns, in the order that it is drawn in. Where all nodes do not fit and lie in several networks, those of a
/// network are together. What the table does not need is given to the evidence.
fn arrange(
    cursor: &mut MatrixCursor,
    model: &Model,
    view: &MatrixView,
    lines: &mut MatrixLayout,
) -> (Blocks, Shape) {
    let matrix = model.matrix();
    let figures = cursor.figures;
    let compares = cursor.against().is_some();
    let cell = |blocks: &Blocks| least_cell(blocks, figures, compares);
    let fit =
        |lines: &MatrixLayout, blocks: &Blocks| Shape::of(lines.table, cell(blocks), matrix, view, blocks);
    let mut blocks = cursor.unfolded(view, model.filter());
    let mut shape = fit(lines, &blocks);
    if !shape.holds(&blocks) && cursor.folds_by_itself(view) {
        blocks = Blocks::of(view, Arrangement::Subnets, model.filter());
        shape = fit(lines, &blocks);
    }
    if !shape.all {
        let held = shape.holds(&blocks);
        lines.take_hidden();
        shape = fit(lines, &blocks);
        if blocks.arrangement == Arrangement::Worst && !(held && cursor.opened().is_some()) {
            blocks.worst_first(matrix);
            // Other nodes are in the rows now.
            shape = fit(lines, &blocks);
        }
    }
    lines.give_back(shape.height());
    (blocks, shape)
}

/// Which lines are for what.
struct MatrixLayout {
    findings: Rect,
    totals: Rect,
    changes: Rect,
    table: Rect,
    hidden: Rect,
    pair: Rect,
}

impl MatrixLayout {
    /// The table takes what the others leave.
    fn of(area: Rect, findings: usize, compares: bool) -> Self {
        let height = area.height;
        let [findings, rest] = cut_top(
            area,
            if height < LEAST_WITH_FINDINGS { 0 } else { findings::lines(findings, height).min(height / 6) },
        );
        let [totals, rest] = cut_top(rest, u16::from(height > 1));
        let [changes, rest] = cut_top(rest, u16::from(compares && height > 5));
        let evidence = match height {
            0..6 => 0,
            6..9 => 1,
            9..12 => 2,
            12..16 => 3,
            _ => 4,
        };
        let table = rest.height.saturating_sub(evidence);
        let [table, pair] = cut_top(rest, if table < LEAST_TABLE { 0 } else { table });
        Self { findings, totals, changes, table, hidden: Rect { height: 0, ..pair }, pair }
    }

    /// Takes a line from the table to say what is not in it.
    fn take_hidden(&mut self) {
        if self.table.height >= LEAST_WITH_HIDDEN {
            self.table.height -= 1;
            self.hidden = Rect { y: self.table.bottom(), height: 1, ..self.table };
        }
    }

    /// The table needs so many lines: what it does not need is for the evidence, below a blank line.
    fn give_back(&mut self, needed: u16) {
        let unused = self.table.height.saturating_sub(needed);
        self.table.height -= unused;
        self.hidden.y -= unused.min(self.hidden.y);
        let blank = unused.min(1);
        self.pair = Rect {
            y: self.pair.y - (unused - blank),
            height: self.pair.height + unused - blank,
            ..self.pair
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_every_height_nothing_overlaps_and_nothing_sticks_out() {
        for height in 0..100 {
            for (findings, compares, needed) in [(0, false, 3), (1, true, 200), (9, true, 12)] {
                let area = Rect::new(0, 7, 80, height);
                let mut lines = MatrixLayout::of(area, findings, compares);
                lines.take_hidden();
                lines.give_back(needed);
                let MatrixLayout { findings, totals, changes, table, hidden, pair } = lines;
                let all = [findings, totals, changes, table, hidden, pair];
                let mut y = area.y;
                for part in all.into_iter().filter(|part| part.height > 0) {
                    assert!(part.y >= y && part.y <= y + 1, "{height}: {all:?}");
                    y = part.bottom();
                }
                assert!(y <= area.bottom(), "{height}: {all:?}");
            }
        }
    }
}
