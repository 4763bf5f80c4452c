//! How many pairs of each row and of each column fail, are unknown and fine.

use ratatui::layout::Rect;

use super::scene::Scene;
use super::shape::{MARK, Shape, digits};
use super::words::words;
use crate::app::appearance::signs;
use crate::app::model::{Mark, Tally};
use crate::app::ui::matrix::Block;
use crate::app::view::canvas::Canvas;
use crate::app::view::line_writer::LineWriter;

/// As they stand, from the left or from the top.
const COUNTED: [Mark; 3] = [Mark::Failing, Mark::Unknown, Mark::Fine];

/// The bars that stand for counts of more than one digit, by the share that they are of their column.
const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];

/// Those of a row: what is not there is blank, so that what is stands out.
pub(super) fn of_row(writer: &mut LineWriter<'_>, shape: &Shape, tally: Tally) {
    for mark in COUNTED.into_iter().take(if shape.all_counts { 3 } else { 1 }) {
        let count = counted(tally, mark);
        let style = writer.theme().mark(mark);
        let mut part = writer.part(1 + shape.count);
        if count > 0 {
            part.sign(signs::mark(mark), style).format(style, format_args!("{count}"));
        }
        writer.skip(1 + shape.count + 1);
    }
}

/// Those of the columns, a line for each mark.
pub(super) fn of_columns(
    canvas: &mut Canvas<'_>,
    area: Rect,
    scene: Scene<'_>,
    shape: &Shape,
    columns: &[Block],
) {
    let tallies: Vec<_> = columns.iter().map(|column| scene.matrix.marks().columns(&column.nodes)).collect();
    for (line, mark) in (0..area.height).zip(COUNTED) {
        write_line(&mut canvas.line(area, line), shape, mark, &tallies);
    }
}

fn write_line(writer: &mut LineWriter<'_>, shape: &Shape, mark: Mark, tallies: &[Tally]) {
    let style = writer.theme().mark(mark);
    let before = shape.number + 1 + shape.name;
    writer.skip(MARK).part(before).sign(signs::mark(mark), style).text(" ").text(words(mark));
    writer.skip(before + 1);
    let most = tallies.iter().map(|tally| counted(*tally, mark)).max().unwrap_or(0);
    let in_figures = digits(most as usize) < shape.cell;
    for tally in tallies {
        let count = counted(*tally, mark);
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

/// What is too old to be believed is unknown.
fn counted(tally: Tally, mark: Mark) -> u32 {
    if mark == Mark::Unknown { tally.unknown() } else { tally.count(mark) }
}
