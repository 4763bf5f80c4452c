//! The cursor on the matrix, the part of it that is on the screen, and the moment it is compared with.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::blocks::{Arrangement, Block, BlockId, Blocks};
use crate::app::model::{Comparison, Filter, Mark, Matrix, Model, Tally};
use crate::app::ui::movement::Move;
use crate::engine::matrix::MatrixView;
use crate::engine::network::Network;

/// The ages that a person can compare with, in minutes.
pub const AGO: [u64; 4] = [1, 5, 15, 60];

/// Most subnets whose pairs are counted once for each change of the matrix, not once a frame: beyond, they are so small that
/// counting them costs no more than drawing them.
const COUNTED_SUBNETS: usize = 64;

/// The pairs of subnets, counted for one state of the matrix.
#[derive(Debug, Clone)]
struct SubnetCounts {
    revision: u64,
    blocks: Vec<Block>,
    tallies: Vec<Tally>,
    /// What changed in them, since a moment.
    changes: Option<(Arc<Comparison>, Vec<Tally>)>,
}

/// The comparison that was made last.
#[derive(Debug, Clone)]
struct Compared {
    revision: u64,
    with: Arc<MatrixView>,
    result: Arc<Comparison>,
}

/// How the matrix is looked at. Its cursor is on nodes, never on positions.
#[derive(Debug, Clone, Default)]
pub struct MatrixCursor {
    /// Row and column that a person has chosen. Until then it is the first pair that fails.
    chosen: Option<(BlockId, BlockId)>,
    /// Where it is among the blocks: row and column.
    at: (usize, usize),
    /// What stands alone, if a person has said so.
    wanted: Option<Arrangement>,
    /// Nobody has, and the nodes of a subnet are together, as all do not fit.
    folds: bool,
    /// The subnets whose nodes are seen: those of the row and of the column.
    opened: Option<[Network; 2]>,
    /// Whether round trips are shown.
    pub figures: bool,
    /// Which of [`AGO`] it is compared with.
    against: Option<usize>,
    /// The first row and column on the screen.
    top: (usize, usize),
    /// How many rows and columns are on the screen.
    page: (usize, usize),
    blocks: Vec<Block>,
    /// Which of the blocks have a row, and which a column.
    ranges: (Range<usize>, Range<usize>),
    counted: Option<SubnetCounts>,
    compared: Option<Compared>,
}

impl MatrixCursor {
    /// What stands alone, and in what order.
    pub fn arrangement(&self) -> Arrangement {
        match self.wanted {
            Some(arrangement) => arrangement,
            None if self.folds => Arrangement::Subnets,
            None => Arrangement::default(),
        }
    }

    /// The subnets whose nodes are seen, if only those are.
    pub fn opened(&self) -> Option<[Network; 2]> {
        self.opened
    }

    /// The blocks of a view, before it is known whether all fit. Subnets of which nothing is left are seen no longer.
    pub fn unfolded(&mut self, view: &MatrixView, filter: &Filter) -> Blocks {
        let between = self.opened.and_then(|subnets| Blocks::between(view, subnets, filter));
        between.unwrap_or_else(|| {
            self.fold();
            Blocks::of(view, self.wanted.unwrap_or_default(), filter)
        })
    }

    /// Whether the nodes of a subnet are to be together where all do not fit.
    pub fn folds_by_itself(&self, view: &MatrixView) -> bool {
        self.wanted.is_none() && self.opened.is_none() && view.networks().is_some()
    }

    /// Whether the cursor is where two subnets cross.
    pub fn is_on_subnets(&self) -> bool {
        self.pair().is_some_and(|(row, _)| matches!(row.id, BlockId::Subnet(_)))
    }

    /// Shows the nodes of the subnets under the cursor. Returns whether there are subnets.
    pub fn open(&mut self) -> bool {
        let ids = self.pair().map(|(row, column)| (row.id, column.id));
        let Some((BlockId::Subnet(from), BlockId::Subnet(to))) = ids else { return false };
        (self.opened, self.chosen) = (Some([from, to]), None);
        true
    }

    /// Shows the subnets again whose nodes were seen. Returns whether any were.
    pub fn fold(&mut self) -> bool {
        let Some([from, to]) = self.opened.take() else { return false };
        self.chosen = Some((BlockId::Subnet(from), BlockId::Subnet(to)));
        true
    }

    /// The blocks that were settled last.
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The rows and columns that are on the screen.
    pub fn seen(&self) -> (Range<usize>, Range<usize>) {
        let seen = |range: &Range<usize>, top: usize, page: usize| {
            let first = range.start + top;
            first..first.saturating_add(page).min(range.end)
        };
        (seen(&self.ranges.0, self.top.0, self.page.0), seen(&self.ranges.1, self.top.1, self.page.1))
    }

    /// Where the cursor is: row and column among the blocks; none when there are none.
    pub fn at(&self) -> Option<(usize, usize)> {
        (!self.blocks.is_empty()).then_some(self.at)
    }

    /// Row and column under the cursor.
    pub fn pair(&self) -> Option<(&Block, &Block)> {
        Some((self.blocks.get(self.at.0)?, self.blocks.get(self.at.1)?))
    }

    /// How many nodes have no row of their own or of their subnet on the screen, and how many no column.
    pub fn hidden(&self, view: &MatrixView) -> (usize, usize) {
        let (rows, columns) = self.seen();
        let seen = |range: Range<usize>| self.blocks[range].iter().map(|block| block.nodes.len()).sum();
        let [rows, columns]: [usize; 2] = [rows, columns].map(seen);
        (view.nodes.len().saturating_sub(rows), view.nodes.len().saturating_sub(columns))
    }

    /// These blocks are drawn now, in room for so many rows and columns.
    pub fn settle(&mut self, matrix: &Matrix, blocks: Blocks, page: (usize, usize)) {
        self.folds_or_not(blocks.arrangement);
        let (rows, columns) = (blocks.rows, blocks.columns);
        self.blocks = blocks.blocks;
        self.ranges = (rows.clone(), columns.clone());
        self.page = page;
        let place = |id: BlockId, range: &Range<usize>| {
            let there = self.blocks[range.clone()].iter().position(|block| block.id == id);
            there.map(|at| range.start + at)
        };
        let inside =
            |at: usize, range: &Range<usize>| at.clamp(range.start, range.end.max(range.start + 1) - 1);
        self.at = if let Some((row, column)) = self.chosen {
            // What has gone leaves the cursor where it was.
            let (row, column) = (place(row, &rows), place(column, &columns));
            (inside(row.unwrap_or(self.at.0), &rows), inside(column.unwrap_or(self.at.1), &columns))
        } else {
            self.top = (0, 0);
            let aside = usize::from(rows == columns);
            let first = (rows.start, inside(columns.start + aside, &columns));
            self.first_failing(matrix).unwrap_or(first)
        };
        self.top = (
            scrolled(self.top.0, self.at.0 - rows.start, page.0, rows.len()),
            scrolled(self.top.1, self.at.1 - columns.start, page.1, columns.len()),
        );
    }

    /// What is drawn is arranged so. The cursor begins anew where that changed by itself.
    fn folds_or_not(&mut self, drawn: Arrangement) {
        if self.opened.is_some() || self.wanted.is_some() {
            return;
        }
        let folds = drawn == Arrangement::Subnets;
        if folds != std::mem::replace(&mut self.folds, folds) {
            self.chosen = None;
        }
    }

    /// The first pair on the screen that fails; of all, on a screen without any.
    fn first_failing(&self, matrix: &Matrix) -> Option<(usize, usize)> {
        let (rows, columns) = match self.seen() {
            (rows, columns) if rows.is_empty() || columns.is_empty() => self.ranges.clone(),
            seen => seen,
        };
        let failing = |row: usize| {
            let has = matrix.marks().rows(&self.blocks[row].nodes).count(Mark::Failing) > 0;
            has.then(|| columns.clone().find(|column| self.fails(matrix, row, *column)))?
        };
        rows.clone().find_map(|row| Some((row, failing(row)?)))
    }

    fn fails(&self, matrix: &Matrix, row: usize, column: usize) -> bool {
        self.tally(matrix, row, column).count(Mark::Failing) > 0
    }

    /// What is where a row and a column cross.
    pub fn tally(&self, matrix: &Matrix, row: usize, column: usize) -> Tally {
        let (Some(from), Some(to)) = (self.blocks.get(row), self.blocks.get(column)) else {
            return Tally::default();
        };
        if let (Some(from), Some(to)) = (from.node(), to.node()) {
            return matrix.marks().at(from, to).map(Tally::one).unwrap_or_default();
        }
        let counted = self.counted.as_ref().filter(|counted| counted.revision == matrix.revision());
        match counted.and_then(|counted| counted.tallies.get(row * self.blocks.len() + column)) {
            Some(tally) => *tally,
            None => matrix.marks().block(&from.nodes, &to.nodes),
        }
    }

    /// What changed where a row and a column cross.
    pub fn changes(&self, comparison: Option<&Comparison>, row: usize, column: usize) -> Tally {
        let blocks = self.blocks.get(row).zip(self.blocks.get(column));
        let (Some(comparison), Some((from, to))) = (comparison, blocks) else { return Tally::default() };
        let counted = self.counted.as_ref().and_then(|counted| counted.changes.as_ref());
        let counted = counted.filter(|(with, _)| std::ptr::eq(&raw const **with, comparison));
        match counted.and_then(|(_, tallies)| tallies.get(row * self.blocks.len() + column)) {
            Some(tally) => *tally,
            None => comparison.changes.block(&from.nodes, &to.nodes),
        }
    }

    /// Counts the pairs of all subnets, if that was not done since they changed.
    pub fn count(&mut self, matrix: &Matrix, comparison: Option<&Arc<Comparison>>) {
        let size = self.blocks.len();
        let single = self.blocks.iter().all(|block| block.nodes.len() == 1);
        if single || size > COUNTED_SUBNETS {
            self.counted = None;
            return;
        }
        let current = |counted: &SubnetCounts| {
            let same = match (&counted.changes, comparison) {
                (Some((with, _)), Some(comparison)) => Arc::ptr_eq(with, comparison),
                (None, None) => true,
                _ => false,
            };
            same && counted.revision == matrix.revision() && counted.blocks == self.blocks
        };
        if self.counted.as_ref().is_some_and(current) {
            return;
        }
        let pairs = || (0..size).flat_map(|row| (0..size).map(move |column| (row, column)));
        let nodes = |(row, column): (usize, usize)| [&*self.blocks[row].nodes, &*self.blocks[column].nodes];
        let marks = pairs().map(nodes).map(|[from, to]| matrix.marks().block(from, to));
        let changes = comparison.map(|comparison| {
            let changes = pairs().map(nodes).map(|[from, to]| comparison.changes.block(from, to));
            (Arc::clone(comparison), changes.collect())
        });
        let (revision, tallies) = (matrix.revision(), marks.collect());
        self.counted = Some(SubnetCounts { revision, blocks: self.blocks.clone(), tallies, changes });
    }

    /// How old the moment is to be that it is compared with, if it is.
    pub fn against(&self) -> Option<Duration> {
        self.against.and_then(|nth| AGO.get(nth)).map(|minutes| Duration::from_mins(*minutes))
    }

    /// Compares with the next older moment, and with none after the oldest.
    pub fn compare(&mut self) {
        self.against = match self.against {
            None => Some(0),
            Some(nth) => Some(nth + 1).filter(|nth| *nth < AGO.len()),
        };
    }

    /// Compares no longer. Returns whether it did.
    pub fn compare_no_more(&mut self) -> bool {
        self.compared = None;
        self.against.take().is_some()
    }

    /// What changed since the moment that it is compared with; none if it is compared with none, or none is held.
    pub fn comparison(&mut self, matrix: &Matrix, now: Instant) -> Option<Arc<Comparison>> {
        let with = matrix.before(now, self.against()?)?;
        let current = |compared: &&Compared| {
            compared.revision == matrix.revision() && Arc::ptr_eq(&compared.with, with)
        };
        if let Some(compared) = self.compared.as_ref().filter(current) {
            return Some(Arc::clone(&compared.result));
        }
        let result = Arc::new(Comparison::new(matrix, with));
        let (revision, with) = (matrix.revision(), Arc::clone(with));
        self.compared = Some(Compared { revision, with, result: Arc::clone(&result) });
        Some(result)
    }

    /// Moves to another row.
    pub fn go(&mut self, to: Move) {
        let Range { start, end } = self.ranges.0;
        self.choose(start + to.from(self.at.0.saturating_sub(start), end - start, self.page.0), self.at.1);
    }

    /// Moves to another column.
    pub fn go_aside(&mut self, to: Move) {
        let Range { start, end } = self.ranges.1;
        self.choose(self.at.0, start + to.from(self.at.1.saturating_sub(start), end - start, self.page.1));
    }

    /// Moves to a row and a column of those on the screen; none leaves that one as it is.
    pub fn click(&mut self, row: Option<usize>, column: Option<usize>) {
        let (rows, columns) = self.seen();
        let there = |seen: Range<usize>, nth: usize| Some(seen.start + nth).filter(|at| seen.contains(at));
        let row = row.map_or(Some(self.at.0), |nth| there(rows, nth));
        let column = column.map_or(Some(self.at.1), |nth| there(columns, nth));
        if let (Some(row), Some(column)) = (row, column) {
            self.choose(row, column);
        }
    }

    /// Moves to the next pair that fails, row by row, and after the last one to the first. Returns whether there is one.
    pub fn next_failing(&mut self, matrix: &Matrix) -> bool {
        let (rows, columns) = self.ranges.clone();
        let wide = columns.len();
        let size = rows.len() * wide;
        let from = self.at.0.saturating_sub(rows.start) * wide + self.at.1.saturating_sub(columns.start);
        let all = (from + 1..size).chain(0..(from + 1).min(size));
        let mut pairs = all.map(|nth| (rows.start + nth / wide, columns.start + nth % wide));
        let Some((row, column)) = pairs.find(|(row, column)| self.fails(matrix, *row, *column)) else {
            return false;
        };
        self.choose(row, column);
        true
    }

    /// The next arrangement; the cursor begins anew, as its nodes may no longer stand alone.
    pub fn arrange(&mut self) {
        self.wanted = Some(self.arrangement().next());
        (self.opened, self.chosen) = (None, None);
    }

    fn choose(&mut self, row: usize, column: usize) {
        let id = |at: usize| self.blocks.get(at).map(|block| block.id);
        if let (Some(from), Some(to)) = (id(row), id(column)) {
            self.at = (row, column);
            self.chosen = Some((from, to));
        }
    }

    /// How many nodes stand alone or in a subnet that does, of how many, as a filter has it.
    pub fn listed(&self, model: &Model) -> (usize, usize) {
        let all = model.matrix().latest().map_or(0, |view| view.nodes.len());
        let passes = |view: &Arc<MatrixView>| {
            let between = self.opened.and_then(|subnets| Blocks::between(view, subnets, model.filter()));
            let blocks = between.unwrap_or_else(|| Blocks::of(view, self.arrangement(), model.filter()));
            view.nodes.len() - blocks.folded
        };
        (model.matrix().latest().map_or(0, passes), all)
    }
}

/// The first of `page` lines so that a position is among them, moved as little as can be.
fn scrolled(top: usize, at: usize, page: usize, len: usize) -> usize {
    let page = page.max(1);
    let lowest = (at + 1).saturating_sub(page);
    top.clamp(lowest, at.max(lowest)).min(len.saturating_sub(page))
}
