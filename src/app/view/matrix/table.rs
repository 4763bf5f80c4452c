//! The table itself: heads, rows of cells, counts. Costs what is on the screen of it, and one look at each pair that is on the
//! screen: what is not, is the whole without it.

use ratatui::layout::Rect;
use ratatui::style::Style;

use super::cell::{CellContent, Cursor};
use super::counts;
use super::scene::Scene;
use super::shape::{Heads, MARK, Shape};
use crate::app::model::{Mark, PairKind, Square, Tally};
use crate::app::ui::matrix::Block;
use crate::app::view::canvas::Canvas;
use crate::app::view::line_writer::LineWriter;
use crate::text::Count;

/// Where the mouse finds it, and what of it is on the screen.
pub(super) struct DrawnTable {
    /// The rows, from their names to their counts.
    pub(super) rows: Rect,
    /// The cells, with the heads of the columns.
    pub(super) cells: Rect,
    /// The pairs that have a cell of their own, or are in that of a subnet.
    pub(super) shown: Tally,
}

/// What of a square has been drawn so far, by column and in all.
struct ShownTallies {
    columns: Vec<Tally>,
    all: Tally,
}

impl ShownTallies {
    fn of(columns: usize) -> Self {
        Self { columns: vec![Tally::default(); columns], all: Tally::default() }
    }

    fn see(&mut self, column: usize, tally: Tally) {
        self.columns[column] += tally;
        self.all += tally;
    }
}

/// Draws it.
pub(super) fn render(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>, shape: &Shape) -> DrawnTable {
    let (rows, columns) = scene.cursor.seen();
    let nothing = Rect { height: 0, ..area };
    if area.height == 0 {
        return DrawnTable { rows: nothing, cells: nothing, shown: Tally::default() };
    }
    heads(canvas, area, scene, shape);
    let blocks = scene.cursor.blocks();
    let shown = Rect { y: area.y + shape.head, height: u16::try_from(rows.len()).unwrap_or(0), ..area };
    let mut table = Table {
        scene,
        shape,
        marks: ShownTallies::of(columns.len()),
        changes: ShownTallies::of(columns.len()),
    };
    for (y, row) in (shown.y..).zip(rows.clone()) {
        table.row(&mut canvas.line(Rect { y, height: 1, ..area }, 0), row);
    }
    let visible = [&blocks[rows], &blocks[columns.clone()]];
    if !shape.all {
        table.rest_row(&mut canvas.line(Rect { y: shown.bottom(), height: 1, ..area }, 0), visible);
    }
    let foot = Rect { y: area.bottom().saturating_sub(shape.foot), height: shape.foot, ..area };
    counts::of_columns(canvas, foot.intersection(area), scene, shape, visible[1]);
    let wide = u16::try_from(columns.len()).unwrap_or(0).saturating_mul(shape.cell);
    let cells =
        Rect { x: area.x + shape.before_cells(), y: area.y, width: wide, height: shape.head + shown.height };
    DrawnTable { rows: shown.intersection(area), cells: cells.intersection(area), shown: table.marks.all }
}

/// Numbers or names above the columns.
fn heads(canvas: &mut Canvas<'_>, area: Rect, scene: Scene<'_>, shape: &Shape) {
    let theme = canvas.theme();
    let (_, columns) = scene.cursor.seen();
    for line in 0..shape.head {
        let mut writer = canvas.line(area, line);
        writer.skip(shape.before_cells());
        for nth in columns.clone() {
            let chosen = scene.cursor.at().is_some_and(|(_, column)| column == nth);
            let style = if chosen { theme.focused() } else { theme.dim() };
            head(&mut writer.part(shape.cell - 1), scene, shape, nth, line, style);
            writer.skip(shape.cell);
        }
        let hidden = scene.cursor.hidden(scene.view).1;
        if shape.rest > 0 && line + 1 == shape.head && hidden > 0 {
            writer.part(shape.rest).format(theme.dim(), format_args!("+{hidden}"));
        }
    }
}

/// One line of what stands above a column.
fn head(writer: &mut LineWriter<'_>, scene: Scene<'_>, shape: &Shape, nth: usize, line: u16, style: Style) {
    let name = scene.cursor.blocks()[nth].name(scene.view);
    match shape.heads {
        Heads::Names => _ = writer.format(style, format_args!("{name}")),
        Heads::Both => _ = writer.format(style, format_args!("{} {name}", nth + 1)),
        Heads::Numbers if shape.head == 1 => _ = writer.format(style, format_args!("{}", nth + 1)),
        Heads::Numbers => {
            let place = u32::from(shape.head - 1 - line);
            let above = (nth + 1) / 10_usize.pow(place);
            if above > 0 {
                writer.format(style, format_args!("{}", above % 10));
            }
        }
    }
}

/// The rows, and what was in those that are drawn already.
struct Table<'a> {
    scene: Scene<'a>,
    shape: &'a Shape,
    marks: ShownTallies,
    changes: ShownTallies,
}

impl Table<'_> {
    /// A block's row: its cells, what is not on the screen, and how many are how.
    fn row(&mut self, writer: &mut LineWriter<'_>, nth: usize) {
        let (scene, shape, theme) = (self.scene, self.shape, writer.theme());
        let row = &scene.cursor.blocks()[nth];
        let cursor = scene.cursor.at();
        let here = cursor.is_some_and(|(at, _)| at == nth);
        writer.part(MARK).styled(if here { "▸" } else { "" }, theme.focused());
        writer.skip(MARK);
        writer.part(shape.number).format(theme.dim(), format_args!("{}", nth + 1)).right();
        writer.skip(shape.number + 1);
        let style = if here { theme.focused() } else { self.name_style(writer, row) };
        writer.part(shape.name).format(style, format_args!("{}", row.name(scene.view)));
        writer.skip(shape.name + 1);
        let (mut seen, mut other) = (Tally::default(), Tally::default());
        for (at, column) in scene.cursor.seen().1.enumerate() {
            let cell = CellContent::of(scene, nth, column);
            seen += cell.marks;
            other += cell.changes;
            self.marks.see(at, cell.marks);
            self.changes.see(at, cell.changes);
            let under_cursor = here && cursor.is_some_and(|(_, at)| at == column);
            let cursor = match (under_cursor, scene.focused) {
                (false, _) => Cursor::Elsewhere,
                (true, true) => Cursor::Here,
                (true, false) => Cursor::Unfocused,
            };
            cell.write(&mut writer.part(shape.cell), cursor);
            writer.skip(shape.cell);
        }
        let whole = scene.matrix.marks().rows(&row.nodes);
        let all = scene.comparison.map_or(other, |comparison| comparison.changes.rows(&row.nodes));
        self.rest(writer, whole - seen, all - other);
        counts::of_row(writer.skip(1), shape, whole);
    }

    /// One that has told nothing lately is not like the rest.
    fn name_style(&self, writer: &LineWriter<'_>, row: &Block) -> Style {
        let view = self.scene.view;
        let told = |node: &usize| {
            let row = view.rows.get(*node).and_then(Option::as_ref);
            row.is_some_and(|row| row.is_fresh(self.scene.now))
        };
        let told = row.nodes.iter().any(told);
        if told { writer.theme().strong() } else { writer.theme().dim() }
    }

    /// The cell at the end of a row, for the columns that are not on the screen.
    fn rest(&self, writer: &mut LineWriter<'_>, marks: Tally, changes: Tally) {
        if self.shape.rest > 0 {
            CellContent::of_many(marks, changes).write(&mut writer.part(self.shape.rest), Cursor::Elsewhere);
            writer.skip(self.shape.rest);
        }
    }

    /// What is not on the screen, in one row: with what fails in each column, and in none of them.
    fn rest_row(&self, writer: &mut LineWriter<'_>, [rows, columns]: [&[Block]; 2]) {
        let (scene, shape, theme) = (self.scene, self.shape, writer.theme());
        let hidden = scene.cursor.hidden(scene.view).0;
        if hidden == 0 {
            return;
        }
        writer.skip(MARK + shape.number + 1);
        writer.part(shape.name).format(theme.dim(), format_args!("+{}", Count(hidden, "node")));
        writer.skip(shape.name + 1);
        let marks = scene.matrix.marks();
        let since = scene.comparison.map(|comparison| &comparison.changes);
        for (at, column) in columns.iter().enumerate() {
            let unseen = marks.columns(&column.nodes) - self.marks.columns[at];
            let change = since
                .map_or_else(Tally::default, |all| all.columns(&column.nodes) - self.changes.columns[at]);
            CellContent::of_many(unseen, change).write(&mut writer.part(shape.cell), Cursor::Elsewhere);
            writer.skip(shape.cell);
        }
        let corner = beyond(marks, rows, columns, self.marks.all);
        let change = since.map_or_else(Tally::default, |all| beyond(all, rows, columns, self.changes.all));
        self.rest(writer, corner, change);
        // Nobody looks for what is fine there, and it would be the longest number of all.
        let whole = marks.all() - sum(marks, rows);
        counts::of_row(writer.skip(1), shape, whole.without(Mark::Fine));
    }
}

fn sum<K: PairKind>(square: &Square<K>, rows: &[Block]) -> Tally {
    rows.iter().map(|row| square.rows(&row.nodes)).sum()
}

/// What is neither in these rows nor in these columns.
fn beyond<K: PairKind>(square: &Square<K>, rows: &[Block], columns: &[Block], both: Tally) -> Tally {
    let columns: Tally = columns.iter().map(|column| square.columns(&column.nodes)).sum();
    square.all() + both - sum(square, rows) - columns
}
