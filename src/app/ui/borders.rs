//! The borders that a person can drag, and where they have put them.

use ratatui::layout::Position;

use super::columns::MAX_WIDTH;
use super::{MAX_GROWN, Ui};
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
    border: Border,
    /// Where it was taken.
    from: Position,
    /// What it was then: a width, or what the panes had been moved by.
    was: i16,
}

impl Ui {
    /// Takes the border at a position, if there is one.
    pub fn take_border(&mut self, at: Position) -> Option<Border> {
        let (place, border) = *self.hit_map.borders.iter().find(|(place, _)| place.contains(at))?;
        let was = match border {
            Border::Main => self.grown,
            Border::Lower => self.split,
            Border::Side => self.side,
            // The border stands right behind its column.
            Border::Column(column) => {
                let heading = self.hit_map.headings.iter().find(|(_, known)| *known == column);
                heading.map_or(1, |(heading, _)| i16::try_from(place.x - heading.x).unwrap_or(1))
            }
        };
        self.drag = Some(Drag { border, from: at, was });
        Some(border)
    }

    /// Moves the border that is held to a position. The layout keeps what cannot be given.
    pub fn drag_to(&mut self, at: Position) {
        let Some(Drag { border, from, was }) = self.drag else { return };
        let moved = |from: u16, to: u16| {
            let by = i32::from(to) - i32::from(from);
            i16::try_from(i32::from(was) + by).unwrap_or(was)
        };
        let lines = moved(from.y, at.y).clamp(-MAX_GROWN, MAX_GROWN);
        match border {
            Border::Main => self.grown = lines,
            Border::Lower => self.split = lines,
            Border::Side => self.side = moved(from.x, at.x),
            Border::Column(column) => {
                let width = u16::try_from(moved(from.x, at.x)).unwrap_or(0).clamp(1, MAX_WIDTH);
                self.columns = self.columns.with_width(column, width);
            }
        }
    }

    /// Lets the border go. It stays where it is until the screen ends.
    pub fn let_border_go(&mut self) {
        self.drag = None;
    }
}
