//! Which columns a person wants in the table of peers, in which order, and how wide.

use std::fmt;
use std::str::FromStr;

use crate::app::model::Column;
use crate::text::nearest;

/// Widest column that can be asked for: most of a very wide screen.
pub const MAX_WIDTH: u16 = 200;

/// What brings back the columns as they are without anybody's wish.
const DEFAULT: &str = "default";

/// The columns of the table of peers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableColumns {
    /// Those that are wanted come first, in their order.
    order: [Column; Column::ALL.len()],
    wanted: usize,
    /// Whether a person has chosen them.
    is_chosen: bool,
    /// By the columns' numbers.
    widths: [Option<u16>; Column::ALL.len()],
}

impl Default for TableColumns {
    fn default() -> Self {
        let widths = [None; Column::ALL.len()];
        Self { order: Column::ALL, wanted: Column::ALL.len(), is_chosen: false, widths }
    }
}

impl TableColumns {
    /// These columns, from the left.
    ///
    /// # Errors
    /// When there are none, or one twice.
    pub fn of(columns: &[Column]) -> Result<Self, String> {
        if columns.is_empty() {
            return Err("at least one column is expected".to_owned());
        }
        let twice = |(nth, column): (usize, &Column)| columns[..nth].contains(column).then_some(*column);
        if let Some(column) = columns.iter().enumerate().find_map(twice) {
            return Err(format!("column {} is named twice", column.heading()));
        }
        let mut chosen = Self { wanted: columns.len(), is_chosen: true, ..Self::default() };
        let others = Column::ALL.into_iter().filter(|column| !columns.contains(column));
        for (place, column) in chosen.order.iter_mut().zip(columns.iter().copied().chain(others)) {
            *place = column;
        }
        Ok(chosen)
    }

    /// The same, with a column as wide as this where there is room.
    #[must_use]
    pub fn with_width(mut self, column: Column, width: u16) -> Self {
        self.widths[column as usize] = Some(width);
        self
    }

    /// Those that are wanted, from the left.
    pub fn wanted(&self) -> &[Column] {
        &self.order[..self.wanted]
    }

    /// Whether a person has chosen which they are.
    pub fn is_chosen(&self) -> bool {
        self.is_chosen
    }

    /// How wide a person wants a column.
    pub fn width(&self, column: Column) -> Option<u16> {
        self.widths[column as usize]
    }

    /// The column of this name.
    ///
    /// # Errors
    /// When there is none: the nearest one is named.
    pub fn named(name: &str) -> Result<Column, String> {
        let known = || Column::ALL.into_iter().map(Column::heading);
        Column::named(name).ok_or_else(|| format!("unknown column {name}{}", nearest(name, known())))
    }

    /// What is wrong with a width.
    pub fn refused_width(width: Option<u16>) -> Option<String> {
        let is_sound = width.is_some_and(|width| (1..=MAX_WIDTH).contains(&width));
        (!is_sound).then(|| format!("a width from 1 to {MAX_WIDTH} is expected"))
    }
}

/// As it is typed: `name=30 state cause`.
impl FromStr for TableColumns {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim() == DEFAULT {
            return Ok(Self::default());
        }
        let (mut columns, mut widths) = (Vec::new(), Vec::new());
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let (name, width) =
                word.split_once('=').map_or((word, None), |(name, width)| (name, Some(width)));
            let column = Self::named(name)?;
            columns.push(column);
            let Some(width) = width else { continue };
            match width.parse().ok() {
                width if let Some(why) = Self::refused_width(width) => {
                    return Err(format!("{why}: {name}=30"));
                }
                width => widths.extend(width.map(|width| (column, width))),
            }
        }
        let of = Self::of(&columns)?;
        Ok(widths.into_iter().fold(of, |of, (column, width)| of.with_width(column, width)))
    }
}

impl fmt::Display for TableColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nth, column) in self.wanted().iter().enumerate() {
            write!(f, "{}{}", if nth > 0 { " " } else { "" }, column.heading())?;
            if let Some(width) = self.width(*column) {
                write!(f, "={width}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_and_shown_as_it_was() {
        for text in ["name=30 state cause", "rtt", "cause=60 heard name"] {
            assert_eq!(text.parse::<TableColumns>().unwrap().to_string(), text);
        }
        let commas: TableColumns = "name, state=20,rtt".parse().unwrap();
        assert_eq!(commas.to_string(), "name state=20 rtt");
        assert_eq!(commas.width(Column::State), Some(20));
        assert_eq!("default".parse(), Ok(TableColumns::default()));
        assert_eq!(TableColumns::default().wanted(), Column::ALL);
    }

    #[test]
    fn what_is_wrong_is_said_with_the_nearest_name_or_an_example() {
        for (text, said) in [
            ("name rtx", "unknown column rtx; the nearest name is rtt"),
            ("state name state", "column state is named twice"),
            ("", "at least one column is expected"),
            ("name=0", "a width from 1 to 200 is expected: name=30"),
            ("name=wide", "a width from 1 to 200 is expected: name=30"),
            ("rtt=201", "a width from 1 to 200 is expected: rtt=30"),
        ] {
            assert_eq!(text.parse::<TableColumns>(), Err(said.to_owned()), "{text}");
        }
    }
}
