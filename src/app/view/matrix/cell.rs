//! One cell of the table: a pair, or many at once.

use std::time::Duration;

use ratatui::style::{Modifier, Style};

use super::scene::Scene;
use super::words::{Grouped, ITSELF, Short};
use crate::app::appearance::signs;
use crate::app::model::{Mark, Tally};
use crate::app::view::line_writer::LineWriter;

/// What stands in a cell.
#[derive(Clone, Copy)]
pub(super) struct CellContent {
    pub(super) marks: Tally,
    pub(super) changes: Tally,
    /// Round trip, where that is wanted and known.
    rtt: Option<Duration>,
    stands_for: StandsFor,
}

/// Which pairs a cell is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum StandsFor {
    /// One.
    Pair,
    /// None: a node and itself.
    Itself,
    /// All of two subnets.
    Subnets,
    /// All that are not on the screen.
    Rest,
}

/// How the cursor is seen in a cell.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Cursor {
    /// It is in another cell.
    Elsewhere,
    /// It is here, and the keys go here.
    Here,
    /// It is here, and the keys go to another pane.
    Unfocused,
}

impl CellContent {
    /// That of a row and a column.
    pub(super) fn of(scene: Scene<'_>, row: usize, column: usize) -> Self {
        let [from, to] = [row, column].map(|nth| &scene.cursor.blocks()[nth]);
        let marks = scene.cursor.tally(scene.matrix, row, column);
        let changes = scene.cursor.changes(scene.comparison, row, column);
        let pair = from.node().zip(to.node());
        let rtt = pair.filter(|_| scene.cursor.figures);
        let rtt = rtt.and_then(|(from, to)| scene.view.cell(from, to, scene.now).rtt);
        let stands_for = match pair {
            _ if row == column && marks.total() == 0 => StandsFor::Itself,
            Some(_) => StandsFor::Pair,
            None => StandsFor::Subnets,
        };
        Self { marks, changes, rtt, stands_for }
    }

    /// One for all of these pairs.
    pub(super) fn of_many(marks: Tally, changes: Tally) -> Self {
        Self { marks, changes, rtt: None, stands_for: StandsFor::Rest }
    }

    /// Writes it: the sign of the worst of its pairs, what changed most, and how many of them are the worst.
    pub(super) fn write(self, writer: &mut LineWriter<'_>, cursor: Cursor) {
        let theme = writer.theme();
        let turned = |style: Style| match cursor {
            Cursor::Here => style.remove_modifier(Modifier::DIM).add_modifier(Modifier::REVERSED),
            Cursor::Unfocused => style.add_modifier(Modifier::UNDERLINED),
            Cursor::Elsewhere => style,
        };
        let Some(worst) = self.marks.worst() else {
            let sign = if self.stands_for == StandsFor::Itself { ITSELF } else { " " };
            writer.sign(sign, turned(theme.dim()));
            return;
        };
        let style = turned(theme.mark(worst));
        match self.rtt {
            Some(rtt) if worst == Mark::Fine => _ = writer.format(style, format_args!("{}", Short(rtt))),
            _ => _ = writer.sign(signs::mark(worst), style),
        }
        if let Some(change) = self.changes.gravest() {
            writer.sign(signs::change(change), theme.change(change));
        }
        if worst != Mark::Fine {
            self.write_count(writer, worst);
        }
    }

    /// How many of its pairs are the worst: of those of subnets also whether all are.
    fn write_count(self, writer: &mut LineWriter<'_>, worst: Mark) {
        let (count, all) = (self.marks.count(worst), self.marks.total());
        let style = writer.theme().mark(worst);
        let mut forms = Vec::new();
        if self.stands_for == StandsFor::Subnets {
            let of_all = format!(" {} of {}", Grouped(count), Grouped(all));
            forms.push(if count == all { format!(" all {}", Grouped(all)) } else { of_all });
            forms.extend((count == all).then(|| "all".to_owned()));
        }
        if matches!(self.stands_for, StandsFor::Subnets | StandsFor::Rest) {
            forms.push(count.to_string());
        }
        // A blank stands behind it.
        if let Some(form) = forms.iter().find(|form| writer.room() > form.len()) {
            writer.styled(form, style);
        }
    }
}
