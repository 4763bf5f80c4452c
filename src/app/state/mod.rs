//! The whole app without a terminal: events, keys and clicks go in, commands and frames come out.
//!
//! Pure: it reads no clock and sends nothing itself, so tests and replays drive it as the run loop does.

use std::time::{Duration, Instant, SystemTime};

use crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};
use ratatui::layout::Position;

use super::Options;
use super::keymap::{self, Action, Context};
use super::model::{Column, Filter, Model, Novelty, Peer, Sort};
use super::ui::{Move, Overlay, Pane, Prompt, Ui, View};
use crate::app::appearance::Appearance;
use crate::app::peer_text::PeerText;
use crate::app::peer_text::report;
use crate::app::ui::matrix::{Arrangement, BlockId};
use crate::engine::event::{Command, Event, Stamped};
use crate::engine::peers::{PeerKey, PeerState};

/// Lines that one notch of the wheel moves.
const WHEEL_LINES: usize = 3;

/// Shortest time between two rings of the bell: a network that breaks down rings once, not a hundred times.
const BELL_REST: Duration = Duration::from_secs(1);

/// What the run loop is to do after an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the node for this; when it takes it, say so.
    Send {
        /// What.
        command: Command,
        /// For the status line.
        said: String,
    },
    /// Put a text on the clipboard.
    Copy {
        /// The text.
        text: String,
        /// For the status line.
        said: String,
    },
    /// Write a file.
    Export(Form),
    /// Leave.
    Quit,
    /// Stop for the shell's job control.
    Suspend,
    /// Draw everything anew.
    Redraw,
}

/// A form to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// What is known of all peers, as JSON.
    Json,
    /// The screen as text.
    Text,
    /// The screen as a picture.
    Svg,
}

/// The display as it stood when it was paused.
#[derive(Debug)]
struct Frozen {
    model: Model,
    at: Instant,
    behind: u64,
}

/// The app.
#[derive(Debug)]
pub struct App {
    model: Model,
    frozen: Option<Box<Frozen>>,
    /// When the bell rang last, and whether it is to ring now.
    bell: (Option<Instant>, bool),
    /// What the person is doing.
    pub ui: Ui,
    /// How things look.
    pub appearance: Appearance,
    /// What the caller has told.
    pub options: Options,
}

impl App {
    /// An app that has heard nothing yet.
    pub fn new(options: Options, appearance: Appearance) -> Self {
        Self {
            model: Model::default(),
            frozen: None,
            bell: (None, false),
            ui: Ui::default(),
            appearance,
            options,
        }
    }

    /// The live model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// What is shown: the live model, or the one that was frozen.
    pub fn shown(&self) -> &Model {
        self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model)
    }

    /// The time that is shown: while paused, countdowns stand still too.
    pub fn shown_at(&self, now: Instant) -> Instant {
        self.frozen.as_ref().map_or(now, |frozen| frozen.at)
    }

    /// While paused, how many events the display is behind.
    pub fn behind(&self) -> Option<u64> {
        self.frozen.as_ref().map(|frozen| frozen.behind)
    }

    /// What is shown, with what the person is doing, for drawing.
    pub fn parts(&mut self) -> (&Model, &mut Ui, &Appearance) {
        (self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model), &mut self.ui, &self.appearance)
    }

    /// The time of day at a moment, as the events tell it; none before the first.
    pub fn wall(&self, now: Instant) -> Option<SystemTime> {
        self.shown().wall(self.shown_at(now))
    }

    /// Takes an event in. Returns whether the screen is to be drawn anew: a view of the matrix that says what is known
    /// already changes nothing on it, and one that says something else only where the matrix is shown, or what is wrong.
    pub fn fold(&mut self, stamped: &Stamped) -> bool {
        let novelty = self.model.fold(stamped);
        self.ring_for(stamped);
        if let Some(frozen) = &mut self.frozen
            && !matches!(stamped.event, Event::Snapshot(_) | Event::Matrix(_))
        {
            frozen.behind = frozen.behind.saturating_add(1);
        }
        match novelty {
            Some(_) if self.frozen.is_some() => false,
            None | Some(Novelty::Findings) => true,
            Some(Novelty::Sights) => self.ui.view == View::Matrix,
            Some(Novelty::Nothing) => false,
        }
    }

    /// Whether the bell is to ring: once for each time that this says yes.
    pub fn rings(&mut self) -> bool {
        std::mem::take(&mut self.bell.1)
    }

    /// A peer that went up or down is worth a ring, if rings are wanted; the steps in between are not.
    fn ring_for(&mut self, stamped: &Stamped) {
        let Event::PeerState { from, to, .. } = &stamped.event else { return };
        let down = |state: &PeerState| matches!(state, PeerState::Unreachable | PeerState::Silent);
        let worth = match to {
            PeerState::Up => down(from) || *from == PeerState::Left,
            to => down(to) && !down(from),
        };
        let rested = self.bell.0.is_none_or(|last| stamped.at.saturating_duration_since(last) >= BELL_REST);
        if self.options.bell && worth && rested {
            self.bell = (Some(stamped.at), true);
        }
    }

    /// Time passes: what has had its time on the screen goes, and rows settle. Returns whether anything visible changed.
    pub fn pass(&mut self, now: Instant) -> bool {
        let before = self.model.len();
        self.model.expire(now);
        let settled = self.model.settle(now);
        let aged = self.model.age(now) && self.ui.view == View::Matrix;
        let said = self.ui.status.take_if(|status| status.until <= now);
        settled || aged || said.is_some() || self.model.len() != before
    }

    /// Takes pasted text in: into the prompt, else it is dropped, lest its characters act as keys.
    pub fn paste(&mut self, text: &str) {
        self.typed(text.trim());
    }

    /// Takes a key in.
    pub fn key(&mut self, key: &KeyEvent, now: Instant) -> Option<Effect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let plain = !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT);
        match (keymap::action(self.ui.context(), key), key.code) {
            (Some(action), _) => self.act(action, now),
            (None, KeyCode::Char(c)) if plain => {
                self.typed(c.encode_utf8(&mut [0; 4]));
                None
            }
            _ => None,
        }
    }

    /// Takes a click or a turn of the wheel in.
    pub fn mouse(&mut self, event: MouseEvent) {
        let at = Position { x: event.column, y: event.row };
        match (event.kind, &self.ui.overlay) {
            (MouseEventKind::ScrollUp, _) => self.wheel(Move::Up, at),
            (MouseEventKind::ScrollDown, _) => self.wheel(Move::Down, at),
            (MouseEventKind::Down(MouseButton::Left), None) => self.click(at),
            _ => {}
        }
    }

    fn wheel(&mut self, to: Move, at: Position) {
        for _ in 0..WHEEL_LINES {
            match (&self.ui.overlay, self.ui.hit_map.pane_at(at)) {
                (None, Some(pane)) => self.go(to, pane),
                (None, None) => {}
                (Some(_), _) => self.go(to, self.ui.focus),
            }
        }
    }

    fn click(&mut self, at: Position) {
        let heading =
            self.ui.hit_map.headings.iter().find(|(place, _)| place.contains(at)).map(|(_, column)| *column);
        let tab = self.ui.hit_map.tabs.iter().find(|(place, _)| place.contains(at)).map(|(_, pane)| *pane);
        if let Some(column) = heading {
            self.sort_by(column);
        } else if let Some(peer) = self.ui.hit_map.peer_at(at) {
            let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
            self.ui.peers.click(peer, shown);
        }
        if let Some(column) = self.ui.hit_map.column_at(at) {
            self.ui.timeline.go_to(column);
        }
        if let pair @ ((Some(_), _) | (_, Some(_))) = self.ui.hit_map.pair_at(at) {
            self.ui.matrix.click(pair.0, pair.1);
        }
        if let Some(pane) = tab.or_else(|| self.ui.hit_map.pane_at(at)) {
            self.ui.focus = pane;
        }
    }

    /// Puts characters into the prompt, if there is one.
    fn typed(&mut self, text: &str) {
        if let Some(prompt) = self.ui.overlay.as_mut().and_then(Overlay::prompt) {
            prompt.insert(text);
            self.retyped();
        }
    }

    /// What was typed has changed: filters and searches follow at once.
    fn retyped(&mut self) {
        match &mut self.ui.overlay {
            Some(Overlay::Filter { prompt, .. }) => {
                let filter = Filter::new(prompt.text());
                self.filter(&filter);
            }
            Some(Overlay::Search(prompt)) => self.ui.log.set_search(prompt.text()),
            Some(Overlay::Palette { chosen, .. }) => *chosen = 0,
            _ => {}
        }
    }

    fn act(&mut self, action: Action, now: Instant) -> Option<Effect> {
        match action {
            Action::Quit => return Some(Effect::Quit),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Suspend => return Some(Effect::Suspend),
            Action::Help => self.ui.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Palette => {
                self.ui.overlay = Some(Overlay::Palette { prompt: Prompt::default(), chosen: 0 });
            }
            Action::NextPane => self.ui.focus = self.ui.focus.step(1),
            Action::PreviousPane => self.ui.focus = self.ui.focus.step(Pane::ALL.len() - 1),
            Action::Zoom => self.ui.zoomed ^= true,
            Action::Grow => self.grow(1),
            Action::Shrink => self.grow(-1),
            Action::Pause => self.pause(now),
            Action::Add => self.ui.overlay = Some(Overlay::Add(Prompt::default())),
            Action::DialAll => return Some(self.dial_all()),
            Action::DialFailing => return self.dial_failing(now),
            Action::Export => self.ui.overlay = Some(Overlay::Export),
            Action::ExportJson => return Some(self.export(Form::Json)),
            Action::ExportText => return Some(self.export(Form::Text)),
            Action::ExportSvg => return Some(self.export(Form::Svg)),
            Action::Timeline => self.show_or_leave(View::Timeline),
            Action::Matrix => self.show_or_leave(View::Matrix),
            Action::Left => self.ui.matrix.go_aside(Move::Up),
            Action::Right => self.ui.matrix.go_aside(Move::Down),
            Action::NextFailing => self.next_failing(now),
            Action::Figures => self.ui.matrix.figures ^= true,
            Action::Arrange => self.arrange(now),
            Action::Compare => self.ui.matrix.compare(),
            Action::Dial if self.ui.beneath() == Context::Matrix => return self.dial_column(now),
            Action::Details if self.ui.beneath() == Context::Matrix => self.column_details(now),
            Action::Up => self.go(Move::Up, self.ui.focus),
            Action::Down => self.go(Move::Down, self.ui.focus),
            Action::PageUp => self.go(Move::PageUp, self.ui.focus),
            Action::PageDown => self.go(Move::PageDown, self.ui.focus),
            Action::First => self.go(Move::First, self.ui.focus),
            Action::Last => self.go(Move::Last, self.ui.focus),
            Action::Dial => return self.dial(now),
            Action::Forget => return self.forget(now),
            Action::Copy => return self.copy(now),
            Action::OnlySelected => self.only_selected(now),
            Action::Details => self.details(now),
            Action::Filter => {
                let before = self.shown().filter().clone();
                self.ui.overlay = Some(Overlay::Filter { prompt: Prompt::holding(before.text()), before });
            }
            Action::Sort => self.sort_by_next(),
            Action::ReverseSort => {
                let sort = self.shown().sort();
                self.sort(Sort { reversed: !sort.reversed, ..sort });
            }
            Action::Back => self.back(),
            Action::NextPeer => self.next_peer(Move::Down),
            Action::PreviousPeer => self.next_peer(Move::Up),
            Action::Earlier => self.ui.timeline.earlier(),
            Action::Later => self.ui.timeline.later(),
            Action::Follow => match self.ui.focus {
                Pane::Attempts => self.ui.attempts.follow(),
                Pane::Log => {
                    self.ui.log.clear_search();
                    self.ui.log.follow();
                }
                Pane::Main => {}
            },
            Action::Level => self.ui.log.cycle_level(),
            Action::Target => self.ui.log.cycle_target(),
            Action::Search => self.ui.overlay = Some(Overlay::Search(Prompt::default())),
            Action::NextMatch => self.ui.log.next_match(),
            Action::PreviousMatch => self.ui.log.previous_match(),
            Action::Wrap => self.ui.log.toggle_wrap(),
            Action::Accept => return self.accept(now),
            Action::Close => self.close(),
            Action::Complete => self.complete(),
            Action::Edit(request) => {
                if let Some(prompt) = self.ui.overlay.as_mut().and_then(Overlay::prompt) {
                    prompt.edit(request);
                    self.retyped();
                }
            }
        }
        None
    }

    fn go(&mut self, to: Move, pane: Pane) {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        match &mut self.ui.overlay {
            // The view cuts the scrolling to what there is.
            Some(Overlay::Help { scroll }) => *scroll = to.scrolled(*scroll),
            Some(Overlay::Palette { prompt, chosen }) => {
                let (typed, at) = (prompt.text().to_owned(), *chosen);
                let chosen = to.from(at, self.ui.found(&typed).len(), 1);
                if let Some(Overlay::Palette { chosen: now, .. }) = &mut self.ui.overlay {
                    *now = chosen;
                }
            }
            Some(_) => {}
            None => match (pane, self.ui.view) {
                (Pane::Main, View::Details) => self.ui.details = to.scrolled(self.ui.details),
                (Pane::Main, View::Peers | View::Timeline) => self.ui.peers.go(to, shown),
                (Pane::Main, View::Matrix) => self.ui.matrix.go(to),
                (Pane::Attempts, _) => self.ui.attempts.go(to, shown),
                (Pane::Log, _) => self.ui.log.go(to),
            },
        }
    }

    fn show(&mut self, view: View) {
        self.ui.view = view;
        self.ui.details = 0;
        self.ui.focus = Pane::Main;
    }

    /// Shows a view, or from there the table again.
    fn show_or_leave(&mut self, view: View) {
        self.show(if self.ui.view == view { View::Peers } else { view });
    }

    fn next_failing(&mut self, now: Instant) {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        if !self.ui.matrix.next_failing(shown.matrix()) {
            self.ui.say("no pair fails here", true, now);
        }
    }

    fn arrange(&mut self, now: Instant) {
        self.ui.matrix.arrange();
        let order = self.ui.matrix.arrangement.description();
        self.ui.say(format!("nodes {order}"), true, now);
    }

    /// The peer in the column under the matrix's cursor, or why there is none.
    fn column_peer(&self) -> Result<&Peer, String> {
        let model = self.shown();
        let Some((_, column)) = self.ui.matrix.pair() else { return Err("no pair is selected".into()) };
        let node = column.node().and_then(|node| model.matrix().latest()?.nodes.get(node));
        let Some(node) = node else { return Err("that is a subnet: Enter shows its nodes".into()) };
        if model.node().is_some_and(|own| own.id == node.id) {
            return Err(format!("{} is this node itself", node.name));
        }
        model.peer_with_id(node.id).ok_or_else(|| format!("{} is known to others only", node.name))
    }

    /// Dials what the column under the cursor names. That says something of our own row alone.
    fn dial_column(&mut self, now: Instant) -> Option<Effect> {
        let own = self.shown().node().map(|node| BlockId::Node(node.id));
        let ours = self.ui.matrix.pair().is_some_and(|(row, _)| own == Some(row.id));
        match self.column_peer() {
            Ok(peer) if ours => {
                let said = format!("dialing {}", peer.info.name);
                Some(Effect::Send { command: Command::DialNow(peer.info.key), said })
            }
            Ok(_) => {
                self.ui.say("only the pairs of our own row can be dialed from here", false, now);
                None
            }
            Err(why) => {
                self.ui.say(why, false, now);
                None
            }
        }
    }

    /// The details of the column's peer; of a subnet, its nodes.
    fn column_details(&mut self, now: Instant) {
        if let Some(words) = self.ui.matrix.pair().and_then(|(_, column)| column.id.words()) {
            self.ui.matrix.arrange_by(Arrangement::Worst);
            return self.filter(&Filter::new(&words));
        }
        match self.column_peer().map(|peer| peer.info.key) {
            Ok(key) => {
                let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
                self.ui.peers.pick(key, shown);
                self.show(View::Details);
            }
            Err(why) => self.ui.say(why, false, now),
        }
    }

    fn details(&mut self, now: Instant) {
        if self.selected().is_some() {
            self.show(View::Details);
        } else {
            self.ui.say("no peer is selected", false, now);
        }
    }

    fn next_peer(&mut self, to: Move) {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        self.ui.peers.go(to, shown);
        self.ui.details = 0;
    }

    /// From the details to the table, from the past to now, from a filtered list to all.
    fn back(&mut self) {
        match self.ui.view {
            View::Matrix if self.ui.matrix.compare_no_more() => {}
            View::Matrix if !self.shown().filter().is_empty() => self.filter(&Filter::default()),
            View::Peers => self.filter(&Filter::default()),
            View::Timeline if self.ui.timeline.is_past() => self.ui.timeline.to_now(),
            View::Timeline | View::Details | View::Matrix => self.show(View::Peers),
        }
    }

    fn grow(&mut self, lines: i16) {
        let lines = if self.ui.focus == Pane::Main { lines } else { -lines };
        // The layout keeps what cannot be given.
        self.ui.grown = self.ui.grown.saturating_add(lines).clamp(-MAX_GROWN, MAX_GROWN);
    }

    fn pause(&mut self, now: Instant) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen { model: self.model.clone(), at: now, behind: 0 })),
        };
    }

    /// Both what is shown and what will be shown.
    fn models(&mut self) -> impl Iterator<Item = &mut Model> {
        self.frozen.as_mut().map(|frozen| &mut frozen.model).into_iter().chain([&mut self.model])
    }

    fn filter(&mut self, filter: &Filter) {
        self.models().for_each(|model| model.set_filter(filter.clone()));
    }

    fn sort(&mut self, sort: Sort) {
        self.models().for_each(|model| model.set_sort(sort));
    }

    /// By the next column of those that are shown.
    fn sort_by_next(&mut self) {
        let shown = |column: &Column| self.ui.hit_map.headings.iter().any(|(_, heading)| heading == column);
        let after = std::iter::successors(Some(self.shown().sort().by.next()), |column| Some(column.next()));
        let next = after.take(Column::ALL.len()).find(shown);
        let by = next.unwrap_or_else(|| self.shown().sort().by.next());
        self.sort(Sort { by, reversed: false });
    }

    /// By this column; from its other end if it is that one already.
    fn sort_by(&mut self, by: Column) {
        let sort = self.shown().sort();
        self.sort(Sort { by, reversed: sort.by == by && !sort.reversed });
    }

    /// The selected peer, as it was drawn: the list may have changed since.
    fn selected(&mut self) -> Option<&Peer> {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        self.ui.peers.choose(shown)
    }

    fn only_selected(&mut self, now: Instant) {
        let only = match self.ui.attempts.only() {
            Some(_) => None,
            None => match self.selected() {
                Some(peer) => Some(peer.info.key),
                None => return self.ui.say("no peer is selected", false, now),
            },
        };
        self.ui.attempts.show_only(only);
    }

    fn dial(&mut self, now: Instant) -> Option<Effect> {
        let Some(peer) = self.selected() else {
            self.ui.say("no peer is selected", false, now);
            return None;
        };
        let said = format!("dialing {}", peer.info.name);
        Some(Effect::Send { command: Command::DialNow(peer.info.key), said })
    }

    fn dial_all(&self) -> Effect {
        let count = self.shown().len() - self.shown().count(PeerState::Left);
        let said = match count {
            0 => "there is no peer to dial yet".to_owned(),
            1 => "dialing the one peer there is".to_owned(),
            _ => format!("dialing all {count} peers"),
        };
        Effect::Send { command: Command::DialAll, said }
    }

    fn dial_failing(&mut self, now: Instant) -> Option<Effect> {
        let failing = PeerState::ALL.into_iter().filter(|state| state.is_failing());
        let failing: usize = failing.map(|state| self.shown().count(state)).sum();
        if failing == 0 {
            self.ui.say("no peer fails", true, now);
            return None;
        }
        let s = if failing == 1 { "" } else { "s" };
        Some(Effect::Send { command: Command::DialFailing, said: format!("dialing {failing} peer{s}") })
    }

    fn copy(&mut self, now: Instant) -> Option<Effect> {
        let Some(key) = self.selected().map(|peer| peer.info.key) else {
            self.ui.say("no peer is selected", false, now);
            return None;
        };
        let (model, now) = (self.shown(), self.shown_at(now));
        let peer = model.peer(key)?;
        let text = report::of(PeerText { model, peer, appearance: &self.appearance, now });
        let said = format!("copied what is known of {}", peer.info.name);
        Some(Effect::Copy { text, said })
    }

    fn forget(&mut self, now: Instant) -> Option<Effect> {
        let Some(peer) = self.selected() else {
            self.ui.say("no peer is selected", false, now);
            return None;
        };
        let (key, name) = (peer.info.key, peer.info.name.clone());
        if peer.state == PeerState::Up {
            self.ui.overlay = Some(Overlay::Forget { key, name });
            return None;
        }
        Some(forgotten(key, &name))
    }

    fn export(&mut self, form: Form) -> Effect {
        self.ui.overlay = None;
        Effect::Export(form)
    }

    /// Leaves the overlay as if it had never been there.
    fn close(&mut self) {
        match self.ui.overlay.take() {
            Some(Overlay::Filter { before, .. }) => self.filter(&before),
            Some(Overlay::Search(_)) => self.ui.log.clear_search(),
            _ => {}
        }
    }

    fn complete(&mut self) {
        if let Some(Overlay::Palette { prompt, chosen }) = &self.ui.overlay
            && let Some(binding) = self.ui.found(prompt.text()).get(*chosen)
        {
            self.ui.overlay = Some(Overlay::Palette { prompt: Prompt::holding(binding.help), chosen: 0 });
        }
    }

    fn accept(&mut self, now: Instant) -> Option<Effect> {
        match self.ui.overlay.take()? {
            Overlay::Forget { key, name } => Some(forgotten(key, &name)),
            Overlay::Add(prompt) => {
                if let Ok(target) = Overlay::target(prompt.text()) {
                    let said = format!("added {target}");
                    Some(Effect::Send { command: Command::AddPeer(target), said })
                } else {
                    // Stays open: the prompt says what is wrong.
                    self.ui.overlay = Some(Overlay::Add(prompt));
                    None
                }
            }
            Overlay::Palette { prompt, chosen } => {
                let binding = self.ui.found(prompt.text()).get(chosen).copied();
                let Some(binding) = binding else {
                    // Stays open: it says that nothing is found.
                    self.ui.overlay = Some(Overlay::Palette { prompt, chosen });
                    return None;
                };
                self.act(binding.action, now)
            }
            Overlay::Search(_) => {
                self.ui.log.keep_search();
                None
            }
            Overlay::Filter { .. } | Overlay::Help { .. } | Overlay::Export => None,
        }
    }
}

/// Lines that a pane can be given beyond its share: more than any screen has.
const MAX_GROWN: i16 = 200;

fn forgotten(key: PeerKey, name: &str) -> Effect {
    Effect::Send { command: Command::Forget(key), said: format!("forgot {name}") }
}
