//! What the person at the keyboard is doing: focus, selection, scrolling, overlays and the status line.
//!
//! Nothing here is known from the network, and nothing here survives the screen.

pub mod matrix;
pub mod timeline;

use std::ops::Range;
use std::time::{Duration, Instant};

use ratatui::layout::{Position, Rect};
use tui_input::{Input, InputRequest};

use super::keymap::{self, Binding, Context};
use super::log::LogPane;
use super::model::{AttemptId, Column, Filter, Model, Peer};
use crate::app::ui::matrix::MatrixCursor;
use crate::app::ui::timeline::TimelineCursor;
use crate::engine::config::{Target, TargetError};
use crate::engine::peers::PeerKey;

/// How long the status line says what was done, before the keys are shown again.
pub const STATUS_SHOWN: Duration = Duration::from_secs(4);

/// Longest text of a prompt, in bytes: the longest host name, brackets and a port.
pub const MAX_TYPED: usize = 270;

/// A part of the screen that the keys can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The view of the peers.
    Main,
    /// The attempts.
    Attempts,
    /// The log.
    Log,
}

impl Pane {
    /// All of them, in the order Tab visits them.
    pub const ALL: [Self; 3] = [Self::Main, Self::Attempts, Self::Log];

    /// The pane `steps` further on.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// What the main pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The table of peers.
    Peers,
    /// All about the selected peer.
    Details,
    /// The last hour of every peer.
    Timeline,
    /// Who reaches whom.
    Matrix,
}

/// What lies over the panes, or has taken the last line.
#[derive(Debug, Clone)]
pub enum Overlay {
    /// The help, scrolled down by so many lines.
    Help {
        /// Lines above the first one shown.
        scroll: u16,
    },
    /// The prompt for a peer's address.
    Add(Prompt),
    /// The prompt for the filter of the peers.
    Filter {
        /// The new one: it counts while it is typed.
        prompt: Prompt,
        /// The one to go back to.
        before: Filter,
    },
    /// The prompt for a text to find in the log: it is looked for while it is typed.
    Search(Prompt),
    /// The prompt for an action.
    Palette {
        /// Some of its words.
        prompt: Prompt,
        /// Which of those found is chosen.
        chosen: usize,
    },
    /// The choice of a form to export.
    Export,
    /// The question before a peer that is up is forgotten.
    Forget {
        /// Which.
        key: PeerKey,
        /// Its name when the question was asked.
        name: String,
    },
}

/// A line of text that is being typed, of at most [`MAX_TYPED`] bytes.
#[derive(Debug, Clone, Default)]
pub struct Prompt(Input);

impl Prompt {
    /// One that holds a text already.
    pub fn holding(text: &str) -> Self {
        Self(Input::new(text.to_owned()))
    }

    /// The text.
    pub fn text(&self) -> &str {
        self.0.value()
    }

    /// Puts a text in where the cursor is, without control characters.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.text().len() + c.len_utf8() <= MAX_TYPED {
                self.0.handle(InputRequest::InsertChar(c));
            }
        }
    }

    /// Moves or erases.
    pub fn edit(&mut self, request: InputRequest) {
        self.0.handle(request);
    }

    /// The first column that is shown in so many, and the cursor's column among them.
    pub fn window(&self, width: usize) -> (usize, usize) {
        let from = self.0.visual_scroll(width.saturating_sub(1));
        (from, self.0.visual_cursor().saturating_sub(from))
    }
}

impl Overlay {
    /// What the typed text is, or why it is no address.
    pub fn target(typed: &str) -> Result<Target, TargetError> {
        typed.parse()
    }

    /// The text that is being typed, if one is.
    pub fn prompt(&mut self) -> Option<&mut Prompt> {
        match self {
            Self::Add(prompt)
            | Self::Filter { prompt, .. }
            | Self::Search(prompt)
            | Self::Palette { prompt, .. } => Some(prompt),
            Self::Help { .. } | Self::Export | Self::Forget { .. } => None,
        }
    }
}

/// What the status line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// In words.
    pub text: String,
    /// Whether it went well.
    pub good: bool,
    /// Until when it is shown.
    pub until: Instant,
}

/// The state of the screen that is not the model's.
#[derive(Debug)]
pub struct Ui {
    /// Where the keys go.
    pub focus: Pane,
    /// What the main pane shows.
    pub view: View,
    /// Whether the focused pane has the whole screen.
    pub zoomed: bool,
    /// Lines that the main pane has been given beyond its usual share.
    pub grown: i16,
    /// What lies over the panes, if anything.
    pub overlay: Option<Overlay>,
    /// What was done last.
    pub status: Option<Status>,
    /// The table's selection and scrolling.
    pub peers: PeersScroll,
    /// The attempts' scrolling.
    pub attempts: AttemptsScroll,
    /// The log.
    pub log: LogPane,
    /// Lines above the first one of the details.
    pub details: u16,
    /// Where the timeline is looked at.
    pub timeline: TimelineCursor,
    /// How the matrix is looked at.
    pub matrix: MatrixCursor,
    /// Where everything was drawn last: what the mouse points at.
    pub hit_map: HitMap,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            focus: Pane::Main,
            view: View::Peers,
            zoomed: false,
            grown: 0,
            overlay: None,
            status: None,
            peers: PeersScroll::default(),
            attempts: AttemptsScroll::default(),
            log: LogPane::default(),
            details: 0,
            timeline: TimelineCursor::default(),
            matrix: MatrixCursor::default(),
            hit_map: HitMap::default(),
        }
    }
}

impl Ui {
    /// Which keys count now.
    pub fn context(&self) -> Context {
        match &self.overlay {
            Some(Overlay::Help { .. }) => Context::Help,
            Some(Overlay::Add(_)) => Context::Add,
            Some(Overlay::Filter { .. }) => Context::Filter,
            Some(Overlay::Search(_)) => Context::Search,
            Some(Overlay::Palette { .. }) => Context::Palette,
            Some(Overlay::Export) => Context::Export,
            Some(Overlay::Forget { .. }) => Context::Confirm,
            None => self.beneath(),
        }
    }

    /// Which keys count when no overlay takes them.
    pub fn beneath(&self) -> Context {
        match (self.focus, self.view) {
            (Pane::Main, View::Peers) => Context::Peers,
            (Pane::Main, View::Details) => Context::Details,
            (Pane::Main, View::Timeline) => Context::Timeline,
            (Pane::Main, View::Matrix) => Context::Matrix,
            (Pane::Attempts, _) => Context::Attempts,
            (Pane::Log, _) => Context::Log,
        }
    }

    /// The actions in whose words every typed word is found, those first whose name begins with it.
    pub fn found(&self, typed: &str) -> Vec<&'static Binding> {
        let words: Vec<_> = typed.split_whitespace().map(str::to_lowercase).collect();
        let contains = |text: &str, word: &str| text.to_lowercase().contains(word);
        let has = |binding: &&Binding| {
            let footer = binding.word.unwrap_or_default();
            let texts = [binding.help, footer, binding.section.title()];
            words.iter().all(|word| texts.iter().any(|text| contains(text, word)))
        };
        let mut found: Vec<_> = keymap::palette(self.beneath()).filter(has).collect();
        // First what is called so in the last line of the screen.
        found.sort_by_key(|binding| !binding.word.is_some_and(|word| word.starts_with(typed.trim())));
        found
    }

    /// Says what was done.
    pub fn say(&mut self, text: impl Into<String>, good: bool, now: Instant) {
        self.status = Some(Status { text: text.into(), good, until: now + STATUS_SHOWN });
    }
}

/// Where things were drawn.
#[derive(Debug, Clone, Default)]
pub struct HitMap {
    /// The panes, with their titles.
    pub panes: [Option<Rect>; Pane::ALL.len()],
    /// The names of the panes, where they can be clicked.
    pub tabs: Vec<(Rect, Pane)>,
    /// The headings of the table.
    pub headings: Vec<(Rect, Column)>,
    /// The rows of the main pane's list: one peer each.
    pub rows: Rect,
    /// Those peers.
    pub peers: Vec<PeerKey>,
    /// The timeline's columns, from its axis to its last row.
    pub bands: Rect,
    /// The matrix's rows, from their names to their counts.
    pub matrix: Rect,
    /// Its cells, from the heads of the columns to the last row.
    pub cells: Rect,
    /// Columns of the screen that each of its cells has.
    pub cell: u16,
}

impl HitMap {
    /// The pane at a position.
    pub fn pane_at(&self, position: Position) -> Option<Pane> {
        let there = |pane: &Pane| self.panes[*pane as usize].is_some_and(|area| area.contains(position));
        Pane::ALL.into_iter().find(there)
    }

    /// The peer of the list at a position.
    pub fn peer_at(&self, position: Position) -> Option<PeerKey> {
        let row = self.rows.contains(position).then(|| usize::from(position.y - self.rows.y))?;
        self.peers.get(row).copied()
    }

    /// The row and the column of the matrix at a position, from 0 on the screen.
    pub fn pair_at(&self, position: Position) -> (Option<usize>, Option<usize>) {
        let row = self.matrix.contains(position).then(|| position.y - self.matrix.y);
        let column = self.cells.contains(position).then(|| (position.x - self.cells.x) / self.cell.max(1));
        (row.map(usize::from), column.map(usize::from))
    }

    /// The column of the timeline at a position, from 0.
    pub fn column_at(&self, position: Position) -> Option<u16> {
        self.bands.contains(position).then(|| position.x - self.bands.x)
    }
}

/// A movement in a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
}

impl Move {
    /// From a number of lines scrolled by; whoever draws cuts it to what there is.
    pub(super) fn scrolled(self, lines: u16) -> u16 {
        const PAGE: u16 = 10;
        match self {
            Self::Up => lines.saturating_sub(1),
            Self::Down => lines.saturating_add(1),
            Self::PageUp => lines.saturating_sub(PAGE),
            Self::PageDown => lines.saturating_add(PAGE),
            Self::First => 0,
            Self::Last => u16::MAX,
        }
    }

    /// From a position among `len` lines, with pages of `page` lines.
    pub(super) fn from(self, at: usize, len: usize, page: usize) -> usize {
        let page = page.max(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at.saturating_add(1),
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at.saturating_add(page),
            Self::First => 0,
            Self::Last => usize::MAX,
        };
        to.min(len.saturating_sub(1))
    }
}

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
    pub fn choose<'a>(&mut self, model: &'a Model) -> Option<&'a Peer> {
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
