//! Where everything was drawn last: what the mouse points at.

use ratatui::layout::{Position, Rect};

use super::borders::Border;
use super::findings::FindingRow;
use super::pane::Pane;
use crate::app::model::{Column, LineId};

/// Where things were drawn.
#[derive(Debug, Clone, Default)]
pub struct HitMap {
    /// The panes, with their titles.
    pub panes: [Option<Rect>; Pane::ALL.len()],
    /// The names of the panes, where they can be clicked.
    pub tabs: Vec<(Rect, Pane)>,
    /// What can be dragged.
    pub borders: Vec<(Rect, Border)>,
    /// The headings of the table.
    pub headings: Vec<(Rect, Column)>,
    /// The rows of the main pane's list: one peer each, or the heading of a group.
    pub rows: Rect,
    /// What they are.
    pub peers: Listed,
    /// Lines that tell of a finding.
    pub findings: Vec<(Rect, FindingRow)>,
    /// The timeline's columns, from its axis to its last row.
    pub bands: Rect,
    /// The matrix's rows, from their names to their counts.
    pub matrix: Rect,
    /// Its cells, from the heads of the columns to the last row.
    pub cells: Rect,
    /// Columns of the screen that each of its cells has.
    pub cell: u16,
}

/// What the rows of a list are, from the top.
#[derive(Debug, Clone, Default)]
pub struct Listed(Vec<LineId>);

impl Listed {
    /// One more row.
    pub fn push(&mut self, line: impl Into<LineId>) {
        self.0.push(line.into());
    }
}

impl HitMap {
    /// The pane at a position.
    pub fn pane_at(&self, position: Position) -> Option<Pane> {
        let there = |pane: &Pane| self.panes[*pane as usize].is_some_and(|area| area.contains(position));
        Pane::ALL.into_iter().find(there)
    }

    /// Whether one pane has all the room.
    pub fn has_one_pane(&self) -> bool {
        self.panes.iter().flatten().count() == 1
    }

    /// The line of the list at a position.
    pub fn line_at(&self, position: Position) -> Option<LineId> {
        let row = self.rows.contains(position).then(|| usize::from(position.y - self.rows.y))?;
        self.peers.0.get(row).copied()
    }

    /// The row and the column of the matrix at a position, from 0 on the screen.
    pub fn pair_at(&self, position: Position) -> (Option<usize>, Option<usize>) {
        let row = self.matrix.contains(position).then(|| position.y - self.matrix.y);
        let column = self.cells.contains(position).then(|| (position.x - self.cells.x) / self.cell.max(1));
        (row.map(usize::from), column.map(usize::from))
    }

    /// The column of the timeline at a position, from 0.
    pub fn column_at(&self, position: Position) -> Option<u16> {
        self.bands.contains(position).then(|| position.x - self.bands.x)
    }
}
