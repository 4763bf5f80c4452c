//! Which columns of the screen are for what: numbers, names, cells, what is not seen, and counts.

use ratatui::layout::Rect;

use crate::app::model::{Mark, Matrix};
use crate::app::ui::matrix::{Arrangement, Blocks};
use crate::engine::matrix::MatrixView;
use crate::text::columns;

/// Columns of the mark of the cursor's row.
pub(super) const MARK: u16 = 2;

/// Fewest and most columns of a name before its row.
const NAME: (u16, u16) = (7, 20);

/// Most columns of a cell: beyond, the eye no longer sees rows and columns.
const WIDEST_CELL: u16 = 16;

/// Columns of a cell with a number in its head and some letters of the name.
const LETTERS: u16 = 6;

/// Columns of a cell that has a sign, a sign and a change, a sign and a count, a sign and a count or a word, or a round trip: each with a
/// blank.
const SIGN: u16 = 2;
const CHANGE: u16 = 3;
const COUNT: u16 = 4;
const SUBNETS: u16 = 5;
const FIGURE: u16 = 6;

/// From this width on, every row has all its counts; below, only of what fails.
const ALL_COUNTS: u16 = 60;

/// From so many lines on, columns have the count of what fails; from so many, that of what is unknown, too; and from so many
/// that of what is fine, where everything is on the screen.
const FOOT: [u16; 3] = [8, 20, 12];

/// What stands above a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heads {
    /// Its name.
    Names,
    /// Its number, and as much of its name as fits.
    Both,
    /// Its number, one digit below the other where they do not fit beside each other.
    Numbers,
}

/// Where everything is in the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Digits of the highest number.
    pub(super) number: u16,
    /// Columns of a name.
    pub(super) name: u16,
    /// Columns of a cell, with its blank.
    pub(super) cell: u16,
    /// Columns for what is not on the screen; none if all is.
    pub(super) rest: u16,
    /// Digits of the highest count of a row.
    pub(super) count: u16,
    /// Whether a row has all its counts.
    pub(super) all_counts: bool,
    /// Rows of blocks on the screen.
    pub(super) rows: usize,
    /// Columns of blocks on the screen.
    pub(super) columns: usize,
    pub(super) heads: Heads,
    /// Lines of the heads.
    pub(super) head: u16,
    /// Lines of the columns' counts.
    pub(super) foot: u16,
    /// Whether every node is on the screen.
    pub(super) all: bool,
}

impl Shape {
    /// That of blocks whose cells have so many columns at least.
    pub(super) fn of(area: Rect, cell: u16, matrix: &Matrix, view: &MatrixView, blocks: &Blocks) -> Self {
        let (rows, across) = (blocks.rows.len(), blocks.columns.len());
        let longest =
            blocks.blocks.iter().map(|block| columns(&block.name(view).to_string())).max().unwrap_or(0);
        let longest = u16::try_from(longest).unwrap_or(u16::MAX);
        let number = digits(blocks.blocks.len());
        let label = u16::try_from(format!("+{} nodes", view.nodes.len()).len()).unwrap_or(0);
        let name = longest.max(label).min(area.width / 5).clamp(NAME.0, NAME.1);
        let most = blocks.blocks.iter().map(|block| matrix.marks().rows(&block.nodes).total()).max();
        let all = matrix.marks().all();
        let all_counts = area.width >= ALL_COUNTS;
        let mut shape = Self {
            number,
            name,
            cell,
            rest: 0,
            count: digits(most.unwrap_or(0) as usize),
            all_counts,
            rows,
            columns: across,
            heads: Heads::Numbers,
            head: 1,
            foot: 0,
            all: blocks.are_all(),
        };
        shape.fit_columns(area.width, (across, blocks.arrangement), longest, view.nodes.len());
        shape.fit_rows(area.height, rows);
        if !shape.all {
            // What is not on the screen has a row, too.
            let rest = digits(all.count(Mark::Failing).max(all.unknown()) as usize);
            shape.count = shape.count.max(rest);
            shape.fit_columns(area.width, (across, blocks.arrangement), longest, view.nodes.len());
        }
        shape
    }

    /// Whether all of these blocks are on the screen.
    pub(super) fn holds(&self, blocks: &Blocks) -> bool {
        self.rows == blocks.rows.len() && self.columns == blocks.columns.len()
    }

    /// As many columns as fit; where all do, as wide as their names want.
    fn fit_columns(
        &mut self,
        width: u16,
        (count, arrangement): (usize, Arrangement),
        longest: u16,
        nodes: usize,
    ) {
        let room = width.saturating_sub(self.before_cells() + 1 + self.counts());
        let fits = |cell: u16, room: u16| usize::from(room / cell.max(1));
        // A plus, the number of nodes, and a blank.
        let rest = (digits(nodes) + 2).max(self.cell);
        if !self.all || fits(self.cell, room) < count {
            self.all = false;
            self.rest = rest.min(room);
            self.columns = fits(self.cell, room - self.rest).min(count);
        }
        let share = (room - self.rest) / u16::try_from(self.columns.max(1)).unwrap_or(u16::MAX);
        let named = longest.saturating_add(1).max(self.cell);
        (self.cell, self.heads) = if named <= share.min(WIDEST_CELL) {
            (named, Heads::Names)
        } else if share >= self.number + LETTERS {
            // The begin of a network's address tells it from no other one.
            let heads = if arrangement == Arrangement::Subnets { Heads::Numbers } else { Heads::Both };
            (share.min(WIDEST_CELL), heads)
        } else {
            (self.cell.max(share.min(COUNT)), Heads::Numbers)
        };
        let stacked = self.heads == Heads::Numbers && self.number >= self.cell;
        self.head = if stacked { self.number } else { 1 };
    }

    /// As many rows as fit, with one for those that do not.
    fn fit_rows(&mut self, height: u16, count: usize) {
        self.head = self.head.min(height.saturating_sub(1));
        let every = count + usize::from(self.head) + 3 <= usize::from(height) && self.all;
        self.foot = match height {
            height if every && height >= FOOT[2] => 3,
            height if height >= FOOT[1] => 2,
            height => u16::from(height >= FOOT[0]),
        };
        let room = height.saturating_sub(self.head + self.foot);
        if !self.all || usize::from(room) < count {
            self.all = false;
            self.rows = usize::from(room.saturating_sub(1)).min(count);
        }
    }

    /// The highest number above a column is this one: what stands above fewer digits is for the rows.
    pub(super) fn number_up_to(&mut self, highest: usize, height: u16, count: usize) -> bool {
        let needed = digits(highest);
        let spare = self.heads == Heads::Numbers && self.head > 1 && self.head > needed;
        if spare {
            self.head = needed;
            self.fit_rows(height, count);
        }
        spare
    }

    /// Columns before the first cell.
    pub(super) fn before_cells(&self) -> u16 {
        MARK + self.number + 1 + self.name + 1
    }

    /// Columns of a row's counts: a sign and a number each, and blanks between.
    pub(super) fn counts(&self) -> u16 {
        let one = 1 + self.count;
        if self.all_counts { 3 * one + 2 } else { one }
    }

    /// Lines of the whole table.
    pub(super) fn height(&self) -> u16 {
        let rows = u16::try_from(self.rows).unwrap_or(u16::MAX);
        rows.saturating_add(self.head + self.foot + u16::from(!self.all))
    }
}

/// The fewest columns of a cell that has what is to be seen in it.
pub(super) fn least_cell(blocks: &Blocks, figures: bool, compares: bool) -> u16 {
    let change = if compares { CHANGE - SIGN } else { 0 };
    change
        + match (figures, blocks.arrangement) {
            (true, _) => FIGURE,
            (false, Arrangement::Subnets) => SUBNETS,
            (false, _) => SIGN,
        }
}

/// Digits of a number.
pub(super) fn digits(number: usize) -> u16 {
    u16::try_from(number.checked_ilog10().unwrap_or(0) + 1).unwrap_or(1)
}
