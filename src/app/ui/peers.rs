//! Where the table of peers is looked at.

use std::ops::Range;

use super::movement::Move;
use crate::app::model::{GroupId, LineId, Model, PeerRow};
use crate::engine::peers::PeerKey;

/// The table's selection and scrolling. The selection is a peer or a group, never a position.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeersScroll {
    selected: Option<LineId>,
    /// Whether a person has chosen it. Until then it is the first one: the table begins with trouble.
    chosen: bool,
    /// Where the selected line was last: what takes its place is selected when it goes.
    at: usize,
    top: usize,
    page: usize,
    /// The list in which it was drawn last, which the positions are of.
    list: List,
    /// Lines that this one had.
    len: usize,
}

/// What is moved in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum List {
    /// The peers alone, as in the timeline.
    #[default]
    Peers,
    /// The table, in which groups have headings.
    Table,
}

impl List {
    fn len(self, model: &Model) -> usize {
        match self {
            Self::Peers => model.listed(),
            Self::Table => model.lines().len(),
        }
    }

    fn at(self, at: usize, model: &Model) -> Option<LineId> {
        match self {
            Self::Peers => model.key_at(at).map(LineId::Peer),
            Self::Table => model.lines().at(at),
        }
    }

    /// Where a line stands: of a peer whose group is folded, its heading, and of a heading where there is none, the first peer.
    fn find(self, line: LineId, model: &Model) -> Option<usize> {
        let lines = model.lines();
        match (self, line) {
            (Self::Table, LineId::Heading(_)) => lines.position(line),
            (Self::Table, LineId::Peer(key)) => {
                let heading = || lines.group_of(key).and_then(|group| lines.position(LineId::Heading(group)));
                lines.position(line).or_else(heading)
            }
            (Self::Peers, LineId::Peer(key)) => model.position(key),
            (Self::Peers, LineId::Heading(group)) => {
                lines.first_of(group).and_then(|key| model.position(key))
            }
        }
    }

    /// The first line that a person wants to see selected: trouble, rather than a heading.
    fn first_peer(self, model: &Model) -> usize {
        let is_peer = |at: &usize| matches!(self.at(*at, model), Some(LineId::Peer(_)));
        [0, 1].into_iter().find(is_peer).unwrap_or(0)
    }
}

impl PeersScroll {
    /// The selected peer, as of the last [`PeersScroll::settle`] or move.
    pub fn selected(&self) -> Option<PeerKey> {
        match self.selected? {
            LineId::Peer(key) => Some(key),
            LineId::Heading(_) => None,
        }
    }

    /// The group whose heading is selected.
    pub fn heading(&self) -> Option<GroupId> {
        match self.selected? {
            LineId::Heading(group) => Some(group),
            LineId::Peer(_) => None,
        }
    }

    /// What is selected.
    pub fn line(&self) -> Option<LineId> {
        self.selected
    }

    /// The lines that were shown last, and of how many.
    pub fn shown(&self) -> (Range<usize>, usize) {
        let end = self.top.saturating_add(self.page).min(self.len);
        (self.top.min(end)..end, self.len)
    }

    /// Moves the selection.
    pub fn go(&mut self, to: Move, model: &Model) {
        self.resettle(model);
        self.select(to.from(self.at, self.list.len(model), self.page), model);
    }

    /// Moves the selection to another peer, over headings.
    pub fn go_to_peer(&mut self, to: Move, model: &Model) {
        self.turn_to(List::Peers, model);
        self.go(to, model);
    }

    fn select(&mut self, at: usize, model: &Model) {
        self.chosen = true;
        self.at = at;
        self.selected = self.list.at(at, model);
    }

    /// Selects a line, listed or not.
    pub fn pick(&mut self, line: impl Into<LineId>, model: &Model) {
        let line = line.into();
        if let Some(at) = self.list.find(line, model) {
            self.select(at, model);
        } else {
            (self.chosen, self.selected) = (true, Some(line));
        }
    }

    /// Selects a line that is shown.
    pub fn click(&mut self, line: LineId, model: &Model) {
        if let Some(at) = self.list.find(line, model) {
            self.select(at, model);
        }
    }

    /// What is selected now was meant by a person: it stays selected, whatever comes first. None when it is gone, or no peer.
    pub fn choose<'a>(&mut self, model: &'a Model) -> Option<&'a PeerRow> {
        if self.selected.is_none() {
            self.resettle(model);
        }
        self.chosen |= self.selected.is_some();
        model.peer(self.selected()?)
    }

    /// Makes the selection a peer that exists, listed or not.
    pub fn hold(&mut self, model: &Model) {
        if self.selected().is_none_or(|key| model.peer(key).is_none()) {
            self.turn_to(List::Peers, model);
            self.resettle(model);
        }
    }

    /// Makes the selection a line that is listed.
    pub fn resettle(&mut self, model: &Model) {
        self.settle_in(self.list, model, self.page);
    }

    /// Makes the selection a peer that is listed, and visible among `page` rows. Returns the first row to show.
    pub fn settle(&mut self, model: &Model, page: usize) -> usize {
        self.settle_in(List::Peers, model, page)
    }

    /// The same of the table, in which headings are lines, too.
    pub fn settle_table(&mut self, model: &Model, page: usize) -> usize {
        self.settle_in(List::Table, model, page)
    }

    /// Positions are those of this list from now on.
    fn turn_to(&mut self, list: List, model: &Model) {
        if self.list != list {
            self.list = list;
            let at = self.selected.and_then(|line| list.find(line, model)).unwrap_or(self.at);
            // On the same line of the screen as before.
            self.top = at.saturating_sub(self.at.saturating_sub(self.top));
            self.at = at;
        }
    }

    fn settle_in(&mut self, list: List, model: &Model, page: usize) -> usize {
        self.turn_to(list, model);
        (self.page, self.len) = (page, list.len(model));
        let found = self.selected.filter(|_| self.chosen).and_then(|line| list.find(line, model));
        if let Some(at) = found {
            // When rows come and go above, the selected one stays on its line, lest it runs away under the eye; but not for
            // the price of hiding the first rows while all is shown from the top.
            if self.top > 0 {
                self.top = at.saturating_sub(self.at.saturating_sub(self.top));
            }
            self.at = at;
        } else {
            let at = if self.chosen { self.at } else { list.first_peer(model) };
            self.at = at.min(self.len.saturating_sub(1));
        }
        self.selected = list.at(self.at, model);
        let last_top = self.len.saturating_sub(page);
        let lowest = self.at.saturating_add(1).saturating_sub(page);
        self.top = self.top.clamp(lowest, self.at.max(lowest)).min(last_top);
        self.top
    }
}
