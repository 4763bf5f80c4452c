//! What the person at the keyboard is doing: focus, selection, scrolling, overlays and the status line.
//!
//! Nothing here is known from the network, and nothing here survives the screen.

mod attempts;
mod borders;
mod columns;
mod findings;
mod help;
mod hit_map;
pub mod matrix;
mod movement;
mod overlay;
mod pane;
mod peers;
mod prompt;
pub mod timeline;
mod typed;

use std::time::{Duration, Instant};

use ratatui::layout::Position;

pub use attempts::AttemptsScroll;
pub use borders::{Border, Drag};
pub use columns::{MAX_WIDTH, TableColumns};
pub use findings::{FindingRow, FindingsCursor, Mute, finding_rows};
pub use help::HelpPage;
pub use hit_map::HitMap;
use matrix::MatrixCursor;
pub use movement::Move;
pub use overlay::Overlay;
pub use pane::{Pane, View};
pub use peers::PeersScroll;
pub use prompt::{MAX_TYPED, Prompt};
use timeline::TimelineCursor;
pub use typed::{Choice, Typed};

use crate::app::checkup::Checkup;
use crate::app::keymap::{Action, KeyContext, Keymap};
use crate::app::log::LogPane;
use crate::app::model::SavedFilters;
use crate::engine::peers::PeerKey;

/// How long the status line says what was done, before the keys are shown again.
pub const STATUS_SHOWN: Duration = Duration::from_secs(4);

/// Lines that a pane can be given beyond its share: more than any screen has.
const MAX_GROWN: i16 = 200;

/// What the status line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
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
    /// Lines that the attempts have been given beyond their half, above the log.
    pub split: i16,
    /// Columns that they have been given beyond their half, beside it.
    pub side: i16,
    /// The border that is being dragged.
    pub drag: Option<Drag>,
    /// What lies over the panes, if anything.
    pub overlay: Option<Overlay>,
    /// What was done last.
    pub status: Option<StatusLine>,
    /// The table's selection and scrolling.
    pub peers: PeersScroll,
    /// The table's columns.
    pub columns: TableColumns,
    /// The attempts' scrolling.
    pub attempts: AttemptsScroll,
    /// The log.
    pub log: LogPane,
    /// Lines above the first one of the details.
    pub details: u16,
    /// The two peers that are compared.
    pub compared: Option<[PeerKey; 2]>,
    /// Where the timeline is looked at.
    pub timeline: TimelineCursor,
    /// How the matrix is looked at.
    pub matrix: MatrixCursor,
    /// Where the findings are looked at, and which of them are muted.
    pub findings: FindingsCursor,
    /// What the doctor says of this machine.
    pub checkup: Checkup,
    /// What keys do.
    pub keymap: Keymap,
    /// Filters with names.
    pub filters: SavedFilters,
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
            split: 0,
            side: 0,
            drag: None,
            overlay: None,
            status: None,
            peers: PeersScroll::default(),
            columns: TableColumns::default(),
            attempts: AttemptsScroll::default(),
            log: LogPane::default(),
            details: 0,
            compared: None,
            timeline: TimelineCursor::default(),
            matrix: MatrixCursor::default(),
            findings: FindingsCursor::default(),
            checkup: Checkup::default(),
            keymap: Keymap::default(),
            filters: SavedFilters::default(),
            hit_map: HitMap::default(),
        }
    }
}

impl Ui {
    /// What the prompt for an action holds: an action with what is typed for it, or why that cannot be read.
    pub fn typed(&self, text: &str) -> Option<(Action, Result<Typed, String>)> {
        let (action, words) = self.keymap.typed(self.beneath(), text)?;
        Some((action, Typed::read(action, words, &self.filters)))
    }

    /// What the prompt for an action offers for the words behind it: those that begin as what is typed.
    pub fn offered(&self, text: &str) -> Vec<Choice> {
        let typed = self.keymap.typed(self.beneath(), text);
        typed.map_or_else(Vec::new, |(action, words)| Choice::of(action, words, &self.filters))
    }

    /// The action that the palette lists at this place for what is typed.
    pub fn action_found(&self, typed: &str, nth: usize) -> Option<Action> {
        Some(self.keymap.found(self.beneath(), typed).get(nth)?.action)
    }

    /// Which keys count now.
    pub fn context(&self) -> KeyContext {
        match &self.overlay {
            Some(Overlay::Help(help)) if help.is_typing => KeyContext::Search,
            Some(Overlay::Help(_)) => KeyContext::Help,
            Some(Overlay::Doctor { .. }) => KeyContext::Doctor,
            Some(Overlay::Add(_)) => KeyContext::Add,
            Some(Overlay::Filter { .. }) => KeyContext::Filter,
            Some(Overlay::Search(_)) => KeyContext::Search,
            Some(Overlay::Palette { .. }) => KeyContext::Palette,
            Some(Overlay::Jump(_)) => KeyContext::Jump,
            Some(Overlay::Export) => KeyContext::Export,
            Some(Overlay::Forget { .. }) => KeyContext::Confirm,
            None => self.beneath(),
        }
    }

    /// Which keys count when no overlay takes them.
    pub fn beneath(&self) -> KeyContext {
        match (self.focus, self.view) {
            (Pane::Main, View::Peers) => KeyContext::Peers,
            (Pane::Main, View::Compare) => KeyContext::Compare,
            (Pane::Main, View::Details) => KeyContext::Details,
            (Pane::Main, View::Timeline) => KeyContext::Timeline,
            (Pane::Main, View::Matrix) => KeyContext::Matrix,
            (Pane::Main, View::Findings) => KeyContext::Findings,
            (Pane::Attempts, _) => KeyContext::Attempts,
            (Pane::Log, _) => KeyContext::Log,
        }
    }

    /// Shows a view, from its first line.
    pub fn show(&mut self, view: View) {
        if self.view != view {
            // What was said is of the view before, and hides the keys of this one.
            self.status = None;
        }
        self.view = view;
        self.details = 0;
        self.findings.rewind();
        self.focus = Pane::Main;
    }

    /// Shows a view, or from there the table again.
    pub fn show_or_leave(&mut self, view: View) {
        self.show(if self.view == view { View::Peers } else { view });
    }

    /// Gives the focused pane so many lines more. The layout keeps what cannot be given.
    pub fn grow(&mut self, lines: i16) {
        let lines = if self.focus == Pane::Main { lines } else { -lines };
        self.grown = self.grown.saturating_add(lines).clamp(-MAX_GROWN, MAX_GROWN);
    }

    /// Takes the border at a position, if there is one.
    pub fn take_border(&mut self, at: Position) -> Option<Border> {
        let (place, border) = *self.hit_map.borders.iter().find(|(place, _)| place.contains(at))?;
        let was = match border {
            Border::Main => self.grown,
            Border::Lower => self.split,
            Border::Side => self.side,
            // The border stands right behind its column.
            Border::Column(column) => {
                let heading = self.hit_map.headings.iter().find(|(_, known)| *known == column);
                heading.map_or(1, |(heading, _)| i16::try_from(place.x - heading.x).unwrap_or(1))
            }
        };
        self.drag = Some(Drag { border, from: at, was });
        Some(border)
    }

    /// Moves the border that is held to a position. The layout keeps what cannot be given.
    pub fn drag_to(&mut self, at: Position) {
        let Some(Drag { border, from, was }) = self.drag else { return };
        let moved = |from: u16, to: u16| {
            let by = i32::from(to) - i32::from(from);
            i16::try_from(i32::from(was) + by).unwrap_or(was)
        };
        let lines = moved(from.y, at.y).clamp(-MAX_GROWN, MAX_GROWN);
        match border {
            Border::Main => self.grown = lines,
            Border::Lower => self.split = lines,
            Border::Side => self.side = moved(from.x, at.x),
            Border::Column(column) => {
                let width = u16::try_from(moved(from.x, at.x)).unwrap_or(0).clamp(1, MAX_WIDTH);
                self.columns = self.columns.with_width(column, width);
            }
        }
    }

    /// Lets the border go. It stays where it is until the screen ends.
    pub fn let_border_go(&mut self) {
        self.drag = None;
    }

    /// Shows the newest lines of the focused list again.
    pub fn follow(&mut self) {
        match self.focus {
            Pane::Attempts => self.attempts.follow(),
            Pane::Log => {
                self.log.clear_search();
                self.log.follow();
            }
            Pane::Main => {}
        }
    }

    /// Says what was done.
    pub fn say(&mut self, text: impl Into<String>, good: bool, now: Instant) {
        self.status = Some(StatusLine { text: text.into(), good, until: now + STATUS_SHOWN });
    }
}
