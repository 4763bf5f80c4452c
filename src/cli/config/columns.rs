//! `[columns]`: which columns the table of peers has, how wide, and whether its peers are grouped.

use crate::app::model::Column;
use crate::app::ui::TableColumns;

/// What a file says of columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Columns {
    /// Those that are shown, from the left.
    pub(super) show: Option<TableColumns>,
    pub(super) widths: Vec<(Column, u16)>,
    /// Whether its peers are grouped by subnet.
    pub(super) group: Option<bool>,
    /// Where its table begins, from 1.
    pub(super) line: Option<usize>,
}

impl Columns {
    /// What several say together, the strongest first: each width, and which columns are shown.
    pub(super) fn together<'a>(
        layers: impl Iterator<Item = &'a Self> + Clone,
    ) -> (TableColumns, Option<usize>) {
        let shown = layers.clone().find_map(|layer| layer.show).unwrap_or_default();
        let mut widths: Vec<(Column, u16)> = layers.clone().flat_map(|layer| layer.widths.clone()).collect();
        // The strongest is taken last.
        widths.reverse();
        let columns =
            widths.into_iter().fold(shown, |shown, (column, width)| shown.with_width(column, width));
        (columns, layers.into_iter().find_map(|layer| layer.line))
    }
}
