//! Where the pane stands in the log.

use super::records::RecordId;

/// Where the pane stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum LogPosition {
    /// The newest row is at the bottom.
    #[default]
    Follows,
    /// A row stays where it is, whatever comes, goes or changes its size.
    Stands(Anchor),
}

/// A row that stays: by what it shows, so that it is found at every width and behind every filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Anchor {
    /// Of this record, or, while that one is not shown, of its nearest neighbour.
    pub(super) record: RecordId,
    /// The row with this byte of its text.
    pub(super) offset: usize,
    /// The line of the pane that it is on, from 0, where the pane is high enough.
    pub(super) line: usize,
}
