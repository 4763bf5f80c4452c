//! What a person's configuration file says of the app.

use super::keymap::Keymap;
use super::model::{Notes, SavedFilters};
use super::ui::TableColumns;

/// What a person's configuration file says of the app.
#[derive(Debug, Clone, Default)]
pub struct Preferences {
    /// What keys do.
    pub keymap: Keymap,
    /// The columns of the table.
    pub columns: TableColumns,
    /// The peers of the table are grouped by subnet.
    pub is_grouped: bool,
    /// What is noted of peers.
    pub notes: Notes,
    /// Filters with names.
    pub filters: SavedFilters,
}
