//! What the person at the keyboard is doing: focus, selection, scrolling, overlays and the status line.
//!
//! Nothing here is known from the network, and nothing here survives the screen.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::keymap::Context;
use super::log::LogScroll;
use super::model::{AttemptId, Model};
use crate::core::config::{Target, TargetError};
use crate::core::peer::PeerKey;

/// How long the status line says what was done, before the keys are shown again.
pub const STATUS_SHOWN: Duration = Duration::from_secs(4);

/// Longest text of the prompt, in bytes: the longest host name, brackets and a port.
pub const MAX_TYPED: usize = 270;

/// A part of the screen that the keys can go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The peer table.
    Peers,
    /// The attempts.
    Attempts,
    /// The log.
    Log,
}

impl Pane {
    /// All of them, in the order Tab visits them.
    pub const ALL: [Self; 3] = [Self::Peers, Self::Attempts, Self::Log];

    /// Its title.
    pub fn title(self) -> &'static str {
        match self {
            Self::Peers => "Peers",
            Self::Attempts => "Attempts",
            Self::Log => "Log",
        }
    }

    /// The pane `steps` further on.
    #[must_use]
    pub fn step(self, steps: usize) -> Self {
        Self::ALL[(self as usize + steps) % Self::ALL.len()]
    }
}

/// What lies over the panes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// The help, scrolled down by so many lines.
    Help {
        /// Lines above the first one shown.
        scroll: u16,
    },
    /// The prompt for a peer's address.
    Add {
        /// As typed.
        typed: String,
    },
    /// The question before a peer that is up is forgotten.
    Forget {
        /// Which.
        key: PeerKey,
        /// Its name when the question was asked.
        name: String,
    },
}

impl Overlay {
    /// What the typed text is, or why it is no address.
    pub fn target(typed: &str) -> Result<Target, TargetError> {
        typed.parse()
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
    /// What lies over the panes, if anything.
    pub overlay: Option<Overlay>,
    /// What was done last.
    pub status: Option<Status>,
    /// The table's selection and scrolling.
    pub peers: PeersScroll,
    /// The attempts' scrolling.
    pub attempts: AttemptsScroll,
    /// The log's scrolling.
    pub log: LogScroll,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            focus: Pane::Peers,
            overlay: None,
            status: None,
            peers: PeersScroll::default(),
            attempts: AttemptsScroll::default(),
            log: LogScroll::default(),
        }
    }
}

impl Ui {
    /// Which keys count now.
    pub fn context(&self) -> Context {
        match (&self.overlay, self.focus) {
            (Some(Overlay::Help { .. }), _) => Context::Help,
            (Some(Overlay::Add { .. }), _) => Context::Add,
            (Some(Overlay::Forget { .. }), _) => Context::Confirm,
            (None, Pane::Peers) => Context::Peers,
            (None, Pane::Attempts) => Context::Attempts,
            (None, Pane::Log) => Context::Log,
        }
    }

    /// Says what was done.
    pub fn say(&mut self, text: impl Into<String>, good: bool, now: Instant) {
        self.status = Some(Status { text: text.into(), good, until: now + STATUS_SHOWN });
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
    /// From a position among `len` lines, with pages of `page` lines.
    fn from(self, at: usize, len: usize, page: usize) -> usize {
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

/// The table's selection and scrolling. The selection is a peer: rows come and go above it.
#[derive(Debug, Clone, Copy, Default)]
pub struct PeersScroll {
    selected: Option<PeerKey>,
    /// Where the selection stood last: when its peer goes, its neighbour is selected.
    at: usize,
    /// The first row shown.
    top: usize,
    /// Rows shown last.
    page: usize,
}

impl PeersScroll {
    /// The selected peer, as of the last [`PeersScroll::settle`] or move.
    pub fn selected(&self) -> Option<PeerKey> {
        self.selected
    }

    /// The rows that were shown last.
    pub fn shown(&self, model: &Model) -> Range<usize> {
        let end = self.top.saturating_add(self.page).min(model.len());
        self.top.min(end)..end
    }

    /// Moves the selection.
    pub fn go(&mut self, to: Move, model: &Model) {
        self.resettle(model);
        self.at = to.from(self.at, model.len(), self.page);
        self.selected = model.key_at(self.at);
    }

    /// Makes the selection a peer that exists.
    pub fn resettle(&mut self, model: &Model) {
        self.settle(model, self.page);
    }

    /// Makes the selection a peer that exists, and visible among `page` rows. Returns the first row to show.
    pub fn settle(&mut self, model: &Model, page: usize) -> usize {
        self.page = page;
        if let Some(at) = self.selected.and_then(|key| model.position(key)) {
            self.at = at;
        } else {
            self.at = self.at.min(model.len().saturating_sub(1));
            self.selected = model.key_at(self.at);
        }
        let last_top = model.len().saturating_sub(page);
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

    /// Moves through the list; to its first line means to follow.
    pub fn go(&mut self, to: Move, model: &Model) {
        let attempts = model.attempts();
        let Some(newest) = attempts.newest() else { return };
        let top = self.top.unwrap_or(newest).clamp(attempts.oldest(), newest);
        let above = usize::try_from(newest.0 - top.0).unwrap_or(0);
        let last_top = attempts.len().saturating_sub(self.page);
        let above = to.from(above, attempts.len(), self.page).min(last_top);
        self.top = match above {
            0 => None,
            _ => newest.0.checked_sub(above as u64).map(AttemptId),
        };
    }

    /// The attempt to show on top of `page` lines.
    pub fn settle(&mut self, model: &Model, page: usize) -> Option<AttemptId> {
        self.page = page;
        let attempts = model.attempts();
        let newest = attempts.newest()?;
        let lines_below = u64::try_from(page.saturating_sub(1)).unwrap_or(u64::MAX);
        let lowest = AttemptId(attempts.oldest().0.saturating_add(lines_below).min(newest.0));
        self.top = self.top.map(|top| top.clamp(lowest, newest));
        Some(self.top.unwrap_or(newest))
    }
}
