//! The records that are shown, as one long sheet of rows of a certain width: walks on it, never measured whole.

use std::collections::VecDeque;

use super::records::{Record, RecordId, Records};
use super::rows::{MAX_ROWS, TextRows, rows};
use super::wrap::Wrap;

/// Columns before a record's text: a time, the longest level, and a blank behind each.
pub(super) const INDENT: u16 = 15;

/// Columns that a text should have beside the [`INDENT`]; where it has not, it matters more than the time.
const TEXT_COLUMNS: u16 = 10;

/// A row: of which of the shown records, and which of its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct At {
    /// Among the shown records, the oldest first.
    pub(super) index: usize,
    /// Among the rows of the record.
    pub(super) row: usize,
}

/// The sheet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sheet<'a> {
    pub(super) records: &'a Records,
    pub(super) shown: &'a VecDeque<RecordId>,
    pub(super) wrap: Wrap,
    pub(super) width: u16,
}

impl<'a> Sheet<'a> {
    /// Columns before the text.
    pub(super) fn indent(&self) -> u16 {
        if self.width > INDENT + TEXT_COLUMNS { INDENT } else { 0 }
    }

    /// A shown record.
    pub(super) fn record(&self, index: usize) -> Option<&'a Record> {
        self.records.get(*self.shown.get(index)?)
    }

    /// The rows of a shown record.
    pub(super) fn rows(&self, index: usize) -> Option<TextRows> {
        let record = self.record(index)?;
        let from = if self.indent() == 0 { record.source } else { 0 };
        let max = match self.wrap {
            Wrap::Wrapped => MAX_ROWS,
            Wrap::Cut => 1,
        };
        Some(rows(&record.text, from, usize::from(self.width - self.indent()), max))
    }

    fn height(&self, index: usize) -> usize {
        self.rows(index).map_or(0, |rows| rows.parts.len())
    }

    /// The newest row; none where no record is shown.
    pub(super) fn last(&self) -> Option<At> {
        let index = self.shown.len().checked_sub(1)?;
        Some(At { index, row: self.height(index).saturating_sub(1) })
    }

    /// So many rows further up, or the first row.
    pub(super) fn up(&self, from: At, mut rows: usize) -> At {
        let mut at = from;
        while rows > at.row {
            let Some(index) = at.index.checked_sub(1) else { return At { index: 0, row: 0 } };
            rows -= at.row + 1;
            at = At { index, row: self.height(index).saturating_sub(1) };
        }
        At { row: at.row - rows, ..at }
    }

    /// So many rows further down, or the last row.
    pub(super) fn down(&self, from: At, mut rows: usize) -> At {
        let mut at = from;
        loop {
            let below = self.height(at.index).saturating_sub(at.row + 1);
            if rows <= below {
                return At { row: at.row + rows, ..at };
            }
            if at.index + 1 >= self.shown.len() {
                return At { row: at.row + below, ..at };
            }
            rows -= below + 1;
            at = At { index: at.index + 1, row: 0 };
        }
    }

    /// How many rows one row is below another one, if it is, and by less than `most`.
    pub(super) fn below(&self, upper: At, lower: At, most: usize) -> Option<usize> {
        if lower < upper {
            return None;
        }
        let mut rows = 0;
        let mut at = upper;
        while at.index < lower.index && rows < most {
            rows += self.height(at.index).saturating_sub(at.row);
            at = At { index: at.index + 1, row: 0 };
        }
        rows += lower.row.saturating_sub(at.row);
        Some(rows).filter(|rows| *rows < most)
    }

    /// The row that shows this byte of a record. While the record is not shown, the first row of the one before it, so
    /// that new records change nothing; or where there is none, of the one after it.
    pub(super) fn find(&self, id: RecordId, offset: usize) -> Option<At> {
        let index = self.shown.partition_point(|shown| *shown <= id).saturating_sub(1);
        let found = *self.shown.get(index)?;
        let row = if found == id { self.rows(index)?.at(offset) } else { 0 };
        Some(At { index, row })
    }
}
