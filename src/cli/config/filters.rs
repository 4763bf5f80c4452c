//! `[filters]`: the filters of the app that have names.

use crate::app::model::SavedFilter;

/// A filter that the file has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct NamedFilter {
    pub(in crate::cli) filter: SavedFilter,
    /// Where its key stands, from 1.
    pub(in crate::cli) line: usize,
}
