//! Where the list of attempts is looked at.

use super::movement::Move;
use crate::app::model::{AttemptId, Model};
use crate::engine::peers::PeerKey;

/// The attempts' scrolling: by the attempt on top, so that new ones do not push away what is being read.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttemptsScroll {
    /// None follows the newest.
    top: Option<AttemptId>,
    /// Only this peer's are listed.
    only: Option<PeerKey>,
    page: usize,
}

impl AttemptsScroll {
    /// Whether the newest attempt is on top.
    pub fn follows(&self) -> bool {
        self.top.is_none()
    }

    /// Follows the newest again.
    pub fn follow(&mut self) {
        self.top = None;
    }

    /// The peer whose attempts alone are listed.
    pub fn only(&self) -> Option<PeerKey> {
        self.only
    }

    /// Lists only the attempts of a peer, or all.
    pub fn show_only(&mut self, peer: Option<PeerKey>) {
        self.only = peer;
        self.top = None;
    }

    /// Moves through the list; to its first line means to follow.
    pub fn go(&mut self, to: Move, model: &Model) {
        let attempts = model.attempts();
        let ids: Vec<_> = attempts.newest_first(self.only).map(|(id, _)| id).collect();
        let above = self.top.map_or(0, |top| ids.iter().position(|id| *id <= top).unwrap_or(ids.len()));
        let last_top = ids.len().saturating_sub(self.page);
        let above = to.from(above, ids.len(), self.page).min(last_top);
        self.top = ids.get(above).copied().filter(|_| above > 0);
    }

    /// The newest attempt that `page` lines are to show.
    pub fn settle(&mut self, model: &Model, page: usize) -> Option<AttemptId> {
        self.page = page;
        let newest = model.attempts().newest()?;
        if let Some(top) = self.top {
            // The list ends at its last line: older ones go while one reads.
            let from_there = model.attempts().from(top, self.only);
            let missing = page.saturating_sub(from_there.take(page).count());
            if missing > 0 {
                let newer = model.attempts().newest_first(self.only).take_while(|(id, _)| *id > top);
                let newer: Vec<_> = newer.map(|(id, _)| id).collect();
                self.top = newer.len().checked_sub(missing).and_then(|at| newer.get(at)).copied();
            }
        }
        Some(self.top.unwrap_or(newest))
    }
}
