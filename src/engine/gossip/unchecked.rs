//! Rows of others that were passed on, until their signatures are checked: in slices, so that a datagram does not wait for all of them.

use std::collections::VecDeque;
use std::time::Instant;

use crate::engine::NodeId;
use crate::engine::limits::{MAX_PAGES_UNCHECKED, ROW_CHECKS_PAUSE};

/// Pages in the order in which they came.
#[derive(Debug, Default)]
pub(super) struct Unchecked {
    pages: VecDeque<Page>,
    /// When the next slice is due.
    due: Option<Instant>,
}

/// One page as it was told.
#[derive(Debug)]
pub(super) struct Page {
    /// Who passed it on.
    pub(super) teller: NodeId,
    pub(super) bytes: Vec<u8>,
}

impl Unchecked {
    /// Puts a page behind the others. Where there is no room for it, it is dropped, and wanted again.
    pub(super) fn put(&mut self, page: Page, now: Instant) {
        if self.pages.len() < MAX_PAGES_UNCHECKED {
            self.pages.push_back(page);
            self.due.get_or_insert(now + ROW_CHECKS_PAUSE);
        }
    }

    /// The first page.
    pub(super) fn take(&mut self) -> Option<Page> {
        self.pages.pop_front()
    }

    /// A slice has ended.
    pub(super) fn pause(&mut self, now: Instant) {
        self.due = (!self.pages.is_empty()).then(|| now + ROW_CHECKS_PAUSE);
    }

    /// When the next slice is due.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }
}
