//! Which rows of the table are listed, and where each belongs.

use std::time::Instant;

use super::filter::Filter;
use super::order::{Rank, Sort};
use super::peer::PeerRow;
use super::sort_value;
use crate::engine::peers::PeerState;

/// Which rows are listed, and in what order.
#[derive(Clone, Copy)]
pub(super) struct Listing<'a> {
    pub(super) filter: &'a Filter,
    pub(super) hides_left: bool,
    pub(super) sort: Sort,
}

impl Listing<'_> {
    /// Where a row belongs, if it is listed.
    pub(super) fn rank(self, epoch: Option<Instant>, row: &PeerRow) -> Option<Rank> {
        let has_left = row.state == PeerState::Left;
        if (has_left && self.hides_left) || !self.filter.lets_through(row) {
            return None;
        }
        let value = sort_value::value(self.sort.by, row, epoch.unwrap_or(row.since()));
        Some(Rank::new(row.noted.is_pinned, has_left, value))
    }
}
