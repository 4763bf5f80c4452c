//! The borders that a person can drag, and where they have put them.

use ratatui::layout::Position;

use crate::app::model::Column;

/// A border that can be dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Below the main pane.
    Main,
    /// Between attempts and log, one above the other.
    Lower,
    /// Between attempts and log, side by side.
    Side,
    /// To the right of this column of the table.
    Column(Column),
}

/// A border that is being dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drag {
    pub(super) border: Border,
    /// Where it was taken.
    pub(super) from: Position,
    /// What it was then: a width, or what the panes had been moved by.
    pub(super) was: i16,
}
