//! The cells, with what stands above, before, behind and below them. Only what is on the screen is looked at: what is not, is
//! the whole without it.

use std::fmt;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::Scene;
use super::shape::{Heads, MARK, Shape};
use crate::app::appearance::signs;
use crate::app::model::{Change, Mark, Square, Tally};
use crate::app::ui::matrix::Block;
use crate::app::view::line_writer::LineWriter;
use crate::app::view::put;

/// A node and itself.
pub(super) const ITSELF: &str = "\\";

/// The bars that stand for counts of more than one digit, by the share that they are of their column.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Where the mouse finds it, and what of it is on the screen.
pub(super) struct Drawn {
    /// The rows, from their names to their counts.
    pub(super) rows: Rect,
    /// The cells, with the heads of the columns.
    pub(super) cells: Rect,
    /// The pairs that have a cell of their own, or are in that of a subnet.
    pub(super) shown: Tally,
}

/// What has been drawn of a square so far: by column, and by row while it is drawn.
struct Seen {
    columns: Vec<Tally>,
    all: Tally,
}

impl Seen {
    fn of(columns: usize) -> Self {
        Self { columns: vec![Tally::default(); columns], all: Tally::default() }
    }

    fn see(&mut self, column: usize, tally: Tally) {
        self.columns[column] += tally;
        self.all += tally;
    }
}

/// What stands in a cell.
#[derive(Clone, Copy)]
struct Cell {
    marks: Tally,
    changes: Tally,
    /// Round trip, where that is wanted and known.
    rtt: Option<Duration>,
    /// A node and itself.
    itself: bool,
    /// It stands for more than one pair.
    many: bool,
}

/// Draws it.
pub(super) fn render(scene: Scene<'_>, shape: &Shape, area: Rect, buf: &mut Buffer) -> Drawn {
    let (rows, columns) = scene.cursor.seen();
    let nothing = Rect { height: 0, ..area };
    if area.height == 0 {
        return Drawn { rows: nothing, cells: nothing, shown: Tally::default() };
    }
    heads(scene, shape, area, buf);
    let blocks = scene.cursor.blocks();
    let shown = Rect { y: area.y + shape.head, height: u16::try_from(rows.len()).unwrap_or(0), ..area };
    let mut marks = Seen::of(columns.len());
    let mut changes = Seen::of(columns.len());
    for (y, row) in (shown.y..).zip(rows.clone()) {
        let line = Rect { y, height: 1, ..area };
        write_row(scene, shape, row, &mut marks, &mut changes, line, buf);
    }
    let visible = [&blocks[rows], &blocks[columns.clone()]];
    if !shape.all {
        let line = Rect { y: shown.bottom(), height: 1, ..area };
        rest_row(scene, shape, visible, [&marks, &changes], line, buf);
    }
    let foot = area.bottom().saturating_sub(shape.foot);
    for (y, mark) in (foot..area.bottom()).zip([Mark::Failing, Mark::Unknown, Mark::Fine]) {
        counts_of_columns(scene, shape, visible[1], mark, Rect { y, height: 1, ..area }, buf);
    }
    let wide = u16::try_from(columns.len()).unwrap_or(0).saturating_mul(shape.cell);
    let cells =
        Rect { x: area.x + shape.before_cells(), y: area.y, width: wide, height: shape.head + shown.height };
    Drawn { rows: shown.intersection(area), cells: cells.intersection(area), shown: marks.all }
}

/// Numbers or names above the columns.
fn heads(scene: Scene<'_>, shape: &Shape, area: Rect, buf: &mut Buffer) {
    let theme = scene.appearance.theme;
    let (_, columns) = scene.cursor.seen();
    for line in 0..shape.head {
        let mut writer = LineWriter::line(buf, area, line);
        writer.skip(shape.before_cells());
        for nth in columns.clone() {
            let chosen = scene.cursor.at().is_some_and(|(_, column)| column == nth);
            let style = if chosen { theme.focused() } else { theme.dim() };
            let block = &scene.cursor.blocks()[nth];
            let mut part = writer.part(shape.cell - 1);
            match shape.heads {
                Heads::Names => _ = part.format(style, format_args!("{}", block.name(scene.view))),
                Heads::Both => {
                    _ = part.format(style, format_args!("{} {}", nth + 1, block.name(scene.view)));
                }
                Heads::Numbers if shape.head == 1 => _ = part.format(style, format_args!("{}", nth + 1)),
                Heads::Numbers => {
                    let place = u32::from(shape.head - 1 - line);
                    let above = (nth + 1) / 10_usize.pow(place);
                    if above > 0 {
                        part.format(style, format_args!("{}", above % 10));
                    }
                }
            }
            writer.skip(shape.cell);
        }
        if shape.rest > 0 && line + 1 == shape.head {
            let hidden = scene.cursor.hidden(scene.view).1;
            if hidden > 0 {
                writer.part(shape.rest).format(theme.dim(), format_args!("+{hidden}"));
            }
        }
    }
}

fn write_row(
    scene: Scene<'_>,
    shape: &Shape,
    nth: usize,
    marks: &mut Seen,
    changes: &mut Seen,
    line: Rect,
    buf: &mut Buffer,
) {
    let theme = scene.appearance.theme;
    let blocks = scene.cursor.blocks();
    let row = &blocks[nth];
    let cursor = scene.cursor.at();
    let here = cursor.is_some_and(|(at, _)| at == nth);
    if here {
        put(line, 0, "▸", theme.focused(), buf);
    }
    let mut writer = LineWriter::line(buf, line, 0);
    writer.skip(MARK);
    writer.part(shape.number).format(theme.dim(), format_args!("{}", nth + 1)).right();
    writer.skip(shape.number + 1);
    let style = if here { theme.focused() } else { name_style(scene, row) };
    writer.part(shape.name).format(style, format_args!("{}", row.name(scene.view)));
    writer.skip(shape.name + 1);
    let (mut seen, mut other) = (Tally::default(), Tally::default());
    for (at, column) in scene.cursor.seen().1.enumerate() {
        let cell = cell(scene, nth, column);
        seen += cell.marks;
        other += cell.changes;
        marks.see(at, cell.marks);
        changes.see(at, cell.changes);
        let under_cursor = here && cursor.is_some_and(|(_, at)| at == column);
        write_cell(scene, &mut writer.part(shape.cell), cell, under_cursor);
        writer.skip(shape.cell);
    }
    let whole = scene.matrix.marks().rows(&row.nodes);
    if shape.rest > 0 {
        let all = scene.comparison.map_or(other, |comparison| comparison.changes.rows(&row.nodes));
        write_cell(scene, &mut writer.part(shape.rest), Cell::of_many(whole - seen, all - other), false);
        writer.skip(shape.rest);
    }
    counts(scene, shape, writer.skip(1), whole);
}

/// One that has told nothing lately is not like the rest.
fn name_style(scene: Scene<'_>, row: &Block) -> Style {
    let theme = scene.appearance.theme;
    let told = |node: &usize| {
        let row = scene.view.rows.get(*node).and_then(Option::as_ref);
        row.is_some_and(|row| scene.now.saturating_duration_since(row.confirmed) <= scene.view.fresh_for)
    };
    if row.nodes.iter().any(told) { theme.strong() } else { theme.dim() }
}

/// What is not on the screen, in one row: with what fails in each column, and in none of them.
fn rest_row(
    scene: Scene<'_>,
    shape: &Shape,
    [rows, columns]: [&[Block]; 2],
    [marks, changes]: [&Seen; 2],
    line: Rect,
    buf: &mut Buffer,
) {
    let hidden = scene.cursor.hidden(scene.view).0;
    if hidden == 0 {
        return;
    }
    let theme = scene.appearance.theme;
    let mut writer = LineWriter::line(buf, line, 0);
    writer.skip(MARK + shape.number + 1);
    let s = if hidden == 1 { "" } else { "s" };
    writer.part(shape.name).format(theme.dim(), format_args!("+{hidden} node{s}"));
    writer.skip(shape.name + 1);
    let since = scene.comparison.map(|comparison| &comparison.changes);
    for (at, column) in columns.iter().enumerate() {
        let unseen = scene.matrix.marks().columns(&column.nodes) - marks.columns[at];
        let change =
            since.map_or_else(Tally::default, |all| all.columns(&column.nodes) - changes.columns[at]);
        write_cell(scene, &mut writer.part(shape.cell), Cell::of_many(unseen, change), false);
        writer.skip(shape.cell);
    }
    let whole = scene.matrix.marks().all() - sum(scene.matrix.marks(), rows);
    if shape.rest > 0 {
        let corner = beyond(scene.matrix.marks(), rows, columns, marks.all);
        let change = since.map_or_else(Tally::default, |all| beyond(all, rows, columns, changes.all));
        write_cell(scene, &mut writer.part(shape.rest), Cell::of_many(corner, change), false);
        writer.skip(shape.rest);
    }
    // Nobody looks for what is fine there, and it would be the longest number of all.
    counts(scene, shape, writer.skip(1), whole.without(Mark::Fine));
}

fn sum<K: crate::app::model::Kind>(square: &Square<K>, rows: &[Block]) -> Tally {
    rows.iter().map(|row| square.rows(&row.nodes)).sum()
}

/// What is neither in these rows nor in these columns.
fn beyond<K: crate::app::model::Kind>(
    square: &Square<K>,
    rows: &[Block],
    columns: &[Block],
    both: Tally,
) -> Tally {
    let columns: Tally = columns.iter().map(|column| square.columns(&column.nodes)).sum();
    square.all() + both - sum(square, rows) - columns
}

/// The cell of a row and a column.
fn cell(scene: Scene<'_>, row: usize, column: usize) -> Cell {
    let [from, to] = [row, column].map(|nth| &scene.cursor.blocks()[nth]);
    let marks = scene.cursor.tally(scene.matrix, row, column);
    let changes = scene.cursor.changes(scene.comparison, row, column);
    let pair = from.node().zip(to.node());
    let rtt = pair.filter(|_| scene.cursor.figures);
    let rtt = rtt.and_then(|(from, to)| scene.view.cell(from, to, scene.now).rtt);
    Cell { marks, changes, rtt, itself: row == column && marks.total() == 0, many: pair.is_none() }
}

impl Cell {
    fn of_many(marks: Tally, changes: Tally) -> Self {
        Self { marks, changes, rtt: None, itself: false, many: true }
    }
}

fn write_cell(scene: Scene<'_>, writer: &mut LineWriter<'_>, cell: Cell, under_cursor: bool) {
    let theme = scene.appearance.theme;
    let turned = |style: Style| match (under_cursor, scene.focused) {
        (true, true) => style.remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED),
        (true, false) => style.add_modifier(Modifier::UNDERLINED),
        (false, _) => style,
    };
    let Some(worst) = cell.marks.worst() else {
        let sign = if cell.itself { ITSELF } else { " " };
        writer.sign(sign, turned(theme.dim()));
        return;
    };
    let style = turned(theme.mark(worst));
    match cell.rtt {
        Some(rtt) if worst == Mark::Fine => _ = writer.format(style, format_args!("{}", Short(rtt))),
        _ => _ = writer.sign(signs::mark(worst), style),
    }
    if let Some(change) = cell.changes.gravest() {
        writer.sign(signs::change(change), theme.change(change));
    }
    let count = cell.marks.count(worst);
    if cell.many && worst != Mark::Fine && writer.room() > super::shape::digits(count as usize).into() {
        writer.format(theme.mark(worst), format_args!("{count}"));
    }
}

/// How many of a row fail, are unknown and fine: what is not there is blank, so that what is stands out.
fn counts(scene: Scene<'_>, shape: &Shape, writer: &mut LineWriter<'_>, tally: Tally) {
    let all = [Mark::Failing, Mark::Unknown, Mark::Fine];
    for mark in all.into_iter().take(if shape.all_counts { 3 } else { 1 }) {
        let count = counted(tally, mark);
        let mut part = writer.part(1 + shape.count);
        if count > 0 {
            let style = scene.appearance.theme.mark(mark);
            part.sign(signs::mark(mark), style).format(style, format_args!("{count}"));
        }
        writer.skip(1 + shape.count + 1);
    }
}

/// What is too old to be believed is unknown.
fn counted(tally: Tally, mark: Mark) -> u32 {
    if mark == Mark::Unknown { tally.unknown() } else { tally.count(mark) }
}

/// How many of each column fail, are unknown or fine.
fn counts_of_columns(
    scene: Scene<'_>,
    shape: &Shape,
    columns: &[Block],
    mark: Mark,
    line: Rect,
    buf: &mut Buffer,
) {
    let theme = scene.appearance.theme;
    let style = theme.mark(mark);
    let mut writer = LineWriter::line(buf, line, 0);
    writer.skip(MARK);
    writer.part(shape.number + 1 + shape.name).sign(signs::mark(mark), style).text(" ").text(words(mark));
    writer.skip(shape.number + 1 + shape.name + 1);
    let tallies: Vec<_> = columns.iter().map(|column| scene.matrix.marks().columns(&column.nodes)).collect();
    let most = tallies.iter().map(|tally| counted(*tally, mark)).max().unwrap_or(0);
    let in_figures = super::shape::digits(most as usize) < shape.cell;
    for tally in tallies {
        let count = counted(tally, mark);
        let mut part = writer.part(shape.cell);
        if count > 0 && in_figures {
            part.format(style, format_args!("{count}"));
        } else if count > 0 {
            let eighths = (u64::from(count) * 8).div_ceil(u64::from(tally.total().max(1))).clamp(1, 8);
            part.sign(BARS[usize::try_from(eighths - 1).unwrap_or(7)], style);
        }
        writer.skip(shape.cell);
    }
}

/// What a mark means, in a word.
pub(super) fn words(mark: Mark) -> &'static str {
    match mark {
        Mark::Fine => "fine",
        Mark::Failing => "failing",
        Mark::Unknown => "unknown",
        Mark::Stale => "too old",
    }
}

/// What a change means.
pub(super) fn change_words(change: Change) -> &'static str {
    match change {
        Change::Worse => "worse",
        Change::Better => "better",
        Change::Lost => "unknown now",
        Change::New => "new",
    }
}

/// A round trip in at most five columns: `84µs`, `9.9ms`, `125ms`, `3.1s`.
struct Short(Duration);

impl fmt::Display for Short {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let us = u64::try_from(self.0.as_micros()).unwrap_or(u64::MAX);
        let tenths = |f: &mut fmt::Formatter<'_>, n: u64, unit| write!(f, "{}.{}{unit}", n / 10, n % 10);
        match us {
            0..1_000 => write!(f, "{us}µs"),
            1_000..9_950 => tenths(f, (us + 50) / 100, "ms"),
            9_950..999_500 => write!(f, "{}ms", (us + 500) / 1_000),
            999_500..99_950_000 => tenths(f, (us + 50_000) / 100_000, "s"),
            _ => write!(f, "{}s", us / 1_000_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_takes_at_most_five_columns() {
        let short = |us| Short(Duration::from_micros(us)).to_string();
        assert_eq!([84, 999, 1_000, 9_949, 9_950].map(short), ["84µs", "999µs", "1.0ms", "9.9ms", "10ms"]);
        assert_eq!([999_499, 999_500, 99_949_999].map(short), ["999ms", "1.0s", "99.9s"]);
        for us in (0..40).map(|power| 3_u64.saturating_pow(power)).filter(|us| *us < 9_999_000_000) {
            assert!(short(us).chars().count() <= 5, "{}", short(us));
        }
    }
}
