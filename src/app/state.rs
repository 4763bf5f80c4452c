//! The whole app without a terminal: events and keys go in, commands and frames come out.
//!
//! Pure: it reads no clock and sends nothing itself, so tests and replays drive it as the run loop does.

use std::time::Instant;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::Options;
use super::keymap::{self, Action};
use super::model::{Model, Peer};
use super::theme::Theme;
use super::ui::{MAX_TYPED, Move, Overlay, Pane, Ui};
use crate::core::event::{Command, Event, Stamped};
use crate::core::peer::PeerState;

/// What the run loop is to do after a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the node for this; when it takes it, say so.
    Send {
        /// What.
        command: Command,
        /// For the status line.
        said: String,
    },
    /// Leave.
    Quit,
    /// Stop for the shell's job control.
    Suspend,
    /// Draw everything anew.
    Redraw,
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
    /// What the person is doing.
    pub ui: Ui,
    /// The colours.
    pub theme: Theme,
    /// What the caller has told.
    pub options: Options,
}

impl App {
    /// An app that has heard nothing yet.
    pub fn new(options: Options, theme: Theme) -> Self {
        Self { model: Model::default(), frozen: None, ui: Ui::default(), theme, options }
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
    pub fn parts(&mut self) -> (&Model, &mut Ui, Theme) {
        (self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model), &mut self.ui, self.theme)
    }

    /// Takes an event in.
    pub fn fold(&mut self, stamped: &Stamped) {
        self.model.fold(stamped);
        if let Some(frozen) = &mut self.frozen
            && !matches!(stamped.event, Event::Snapshot(_))
        {
            frozen.behind = frozen.behind.saturating_add(1);
        }
    }

    /// Time passes: what has had its time on the screen goes. Returns whether anything visible went.
    pub fn pass(&mut self, now: Instant) -> bool {
        let before = self.model.len();
        self.model.expire(now);
        let said = self.ui.status.take_if(|status| status.until <= now);
        said.is_some() || self.model.len() != before
    }

    /// Takes pasted text in: into the prompt, else it is dropped, lest its characters act as keys.
    pub fn paste(&mut self, text: &str) {
        if let Some(Overlay::Add { typed }) = &mut self.ui.overlay {
            for c in text.trim().chars() {
                push(typed, c);
            }
        }
    }

    /// Takes a key in.
    pub fn key(&mut self, key: &KeyEvent, now: Instant) -> Option<Effect> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let action = keymap::action(self.ui.context(), key);
        if let (None, Some(Overlay::Add { typed }), KeyCode::Char(c)) =
            (action, &mut self.ui.overlay, key.code)
            && !key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT)
        {
            push(typed, c);
        }
        self.act(action?, now)
    }

    fn act(&mut self, action: Action, now: Instant) -> Option<Effect> {
        match action {
            Action::Quit => return Some(Effect::Quit),
            Action::Redraw => return Some(Effect::Redraw),
            Action::Suspend => return Some(Effect::Suspend),
            Action::Help => self.ui.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::NextPane => self.ui.focus = self.ui.focus.step(1),
            Action::PreviousPane => self.ui.focus = self.ui.focus.step(Pane::ALL.len() - 1),
            Action::Pause => self.pause(now),
            Action::Add => self.ui.overlay = Some(Overlay::Add { typed: String::new() }),
            Action::DialAll => {
                let count = self.shown().len() - self.shown().count(PeerState::Left);
                let said = match count {
                    0 => "there is no peer to dial yet".to_owned(),
                    1 => "dialing the one peer there is".to_owned(),
                    _ => format!("dialing all {count} peers"),
                };
                return Some(Effect::Send { command: Command::DialAll, said });
            }
            Action::Up => self.go(Move::Up),
            Action::Down => self.go(Move::Down),
            Action::PageUp => self.go(Move::PageUp),
            Action::PageDown => self.go(Move::PageDown),
            Action::First => self.go(Move::First),
            Action::Last => self.go(Move::Last),
            Action::Dial => return self.dial(now),
            Action::Forget => return self.forget(now),
            Action::Follow => match self.ui.focus {
                Pane::Attempts => self.ui.attempts.follow(),
                Pane::Log => self.ui.log.follow(),
                Pane::Peers => {}
            },
            Action::Accept => return self.accept(),
            Action::Close => self.ui.overlay = None,
            Action::Erase => {
                if let Some(Overlay::Add { typed }) = &mut self.ui.overlay {
                    typed.pop();
                }
            }
            Action::EraseAll => {
                if let Some(Overlay::Add { typed }) = &mut self.ui.overlay {
                    typed.clear();
                }
            }
        }
        None
    }

    fn go(&mut self, to: Move) {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        match (&mut self.ui.overlay, self.ui.focus) {
            // The view cuts the scrolling to what there is.
            (Some(Overlay::Help { scroll }), _) => {
                *scroll = if to == Move::Up { scroll.saturating_sub(1) } else { scroll.saturating_add(1) };
            }
            (Some(_), _) => {}
            (None, Pane::Peers) => self.ui.peers.go(to, shown),
            (None, Pane::Attempts) => self.ui.attempts.go(to, shown),
            (None, Pane::Log) => self.ui.log.go(to),
        }
    }

    fn pause(&mut self, now: Instant) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen { model: self.model.clone(), at: now, behind: 0 })),
        };
    }

    /// The selected peer; the table may have changed since it was drawn.
    fn selected(&mut self) -> Option<&Peer> {
        let shown = self.frozen.as_ref().map_or(&self.model, |frozen| &frozen.model);
        self.ui.peers.resettle(shown);
        self.ui.peers.selected().and_then(|key| shown.peer(key))
    }

    fn dial(&mut self, now: Instant) -> Option<Effect> {
        let Some(peer) = self.selected() else {
            self.ui.say("no peer is selected", false, now);
            return None;
        };
        let command = Command::DialNow(peer.info.key);
        let said = format!("dialing {}", peer.info.name);
        Some(Effect::Send { command, said })
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

    fn accept(&mut self) -> Option<Effect> {
        match self.ui.overlay.take() {
            Some(Overlay::Forget { key, name }) => Some(forgotten(key, &name)),
            Some(Overlay::Add { typed }) => {
                if let Ok(target) = Overlay::target(&typed) {
                    let said = format!("added {target}");
                    Some(Effect::Send { command: Command::AddPeer(target), said })
                } else {
                    // Stays open: the prompt says what is wrong.
                    self.ui.overlay = Some(Overlay::Add { typed });
                    None
                }
            }
            other => {
                self.ui.overlay = other;
                None
            }
        }
    }
}

fn forgotten(key: crate::core::peer::PeerKey, name: &str) -> Effect {
    Effect::Send { command: Command::Forget(key), said: format!("forgot {name}") }
}

fn push(typed: &mut String, c: char) {
    if !c.is_control() && typed.len() + c.len_utf8() <= MAX_TYPED {
        typed.push(c);
    }
}
