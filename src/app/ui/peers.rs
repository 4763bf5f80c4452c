//! Where the table of peers is looked at.

use std::ops::Range;

use super::movement::Move;
use crate::app::model::{Model, PeerRow};
use crate::engine::peers::PeerKey;

/// The table's selection and scrolling. The selection is a peer, never a position.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeersScroll {
    selected: Option<PeerKey>,
    /// Whether a person has chosen it. Until then it is the first one: the table begins with trouble.
    chosen: bool,
    /// Where the selected peer was last: what takes its place is selected when it goes.
    at: usize,
    top: usize,
    page: usize,
}

impl PeersScroll {
    /// The selected peer, as of the last [`PeersScroll::settle`] or move.
    pub fn selected(&self) -> Option<PeerKey> {
        self.selected
    }

    /// The rows that were shown last.
    pub fn shown(&self, model: &Model) -> Range<usize> {
        let end = self.top.saturating_add(self.page).min(model.listed());
        self.top.min(end)..end
    }

    /// Moves the selection.
    pub fn go(&mut self, to: Move, model: &Model) {
        self.resettle(model);
        self.select(to.from(self.at, model.listed(), self.page), model);
    }

    fn select(&mut self, at: usize, model: &Model) {
        self.chosen = true;
        self.at = at;
        self.selected = model.key_at(at);
    }

    /// Selects a peer, listed or not.
    pub fn pick(&mut self, key: PeerKey, model: &Model) {
        if let Some(at) = model.position(key) {
            self.select(at, model);
        } else {
            (self.chosen, self.selected) = (true, Some(key));
        }
    }

    /// Selects a peer that is shown.
    pub fn click(&mut self, key: PeerKey, model: &Model) {
        if let Some(at) = model.position(key) {
            self.select(at, model);
        }
    }

    /// What is selected now was meant by a person: it stays selected, whatever comes first. None when it is gone.
    pub fn choose<'a>(&mut self, model: &'a Model) -> Option<&'a PeerRow> {
        if self.selected.is_none() {
            self.resettle(model);
        }
        self.chosen |= self.selected.is_some();
        model.peer(self.selected?)
    }

    /// Makes the selection a peer that exists, listed or not.
    pub fn hold(&mut self, model: &Model) {
        if self.selected.is_none_or(|key| model.peer(key).is_none()) {
            self.resettle(model);
        }
    }

    /// Makes the selection a peer that is listed.
    pub fn resettle(&mut self, model: &Model) {
        self.settle(model, self.page);
    }

    /// Makes the selection a peer that is listed, and visible among `page` rows. Returns the first row to show.
    pub fn settle(&mut self, model: &Model, page: usize) -> usize {
        self.page = page;
        if let Some(at) = self.selected.filter(|_| self.chosen).and_then(|key| model.position(key)) {
            // When rows come and go above, the selected one stays on its line, lest it runs away under the eye; but not for
            // the price of hiding the first rows while all is shown from the top.
            if self.top > 0 {
                self.top = at.saturating_sub(self.at.saturating_sub(self.top));
            }
            self.at = at;
        } else {
            self.at = self.at.min(model.listed().saturating_sub(1));
            self.selected = model.key_at(self.at);
        }
        let last_top = model.listed().saturating_sub(page);
        let lowest = self.at.saturating_add(1).saturating_sub(page);
        self.top = self.top.clamp(lowest, self.at.max(lowest)).min(last_top);
        self.top
    }
}
