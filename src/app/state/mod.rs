//! The whole app without a terminal: events, keys and clicks go in, effects and frames come out.
//!
//! Pure: it reads no clock and sends nothing itself, so tests and replays drive it as the run loop does. Here stands what it
//! is made of and how it takes in events and time; what keys and clicks do is in `actions`, `peers`, `matrix`, `prompts` and
//! `mouse`.

mod actions;
mod bell;
mod checkup;
mod clicks;
mod compare;
mod double_click;
mod effect;
mod filters;
mod findings;
mod groups;
mod help;
mod matrix;
mod models;
mod mouse;
mod notes;
mod palette;
mod peers;
mod prompts;
mod recordings;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use bell::{Bell, Notices};
use clicks::Clicks;
pub use effect::Effect;
pub use models::Models;

use super::appearance::Appearance;
use super::model::{Model, Novelty};
use super::ui::{Ui, View};
use super::{Options, Preferences};
use crate::engine::event::Stamped;

/// The app.
#[derive(Debug)]
pub struct App {
    /// What is known of the network, and what of it is shown.
    pub models: Models,
    bell: Bell,
    notices: Notices,
    clicks: Clicks,
    /// What the person has set.
    pub ui: Ui,
    /// How things look.
    pub appearance: Appearance,
    /// What the caller has told.
    pub options: Options,
    /// Where it is recorded to, if it is.
    pub recording: Option<PathBuf>,
}

impl App {
    /// An app that has heard nothing yet.
    pub fn new(options: Options, appearance: Appearance) -> Self {
        let (bell, notices) = (Bell::default(), Notices::default());
        let (models, ui) = (Models::default(), Ui::default());
        Self { models, bell, notices, clicks: Clicks::default(), ui, appearance, options, recording: None }
    }

    /// The same, as a person wants it.
    #[must_use]
    pub fn with(mut self, preferences: Preferences) -> Self {
        let Preferences { keymap, columns, is_grouped, notes, filters } = preferences;
        self.ui.filters = filters;
        self.ui.keymap = keymap;
        self.ui.columns = columns;
        self.models.group(is_grouped);
        self.models.set_notes(&Arc::new(notes));
        self
    }

    /// The same, with what is remembered of the time before.
    #[must_use]
    pub fn remembering(mut self, model: Model) -> Self {
        self.models.replace(model);
        self
    }

    /// Knows this in the place of what it knew; what the person has set stays.
    pub fn begin_anew(&mut self, model: Model) {
        self.models.replace(model);
    }

    /// What is shown: the live model, or the frozen one.
    pub fn shown(&self) -> &Model {
        self.models.shown()
    }

    /// Takes an event in. Returns whether the screen has to be drawn: a view of the matrix that says what is known already
    /// changes nothing on it, and one that says something else only where the matrix is shown, or what is wrong.
    pub fn fold(&mut self, stamped: &Stamped) -> bool {
        if self.options.bell {
            self.bell.hear(stamped);
        }
        if self.options.notify {
            self.notices.hear(stamped);
        }
        match self.models.fold(stamped) {
            Some(_) if self.models.is_frozen() => false,
            None | Some(Novelty::Findings) => true,
            Some(Novelty::Sights) => self.ui.view == View::Matrix,
            Some(Novelty::Nothing) => false,
        }
    }

    /// Whether the bell is to ring: once for each time that this says yes.
    pub fn rings(&mut self) -> bool {
        self.bell.rings()
    }

    /// What the terminal is to notify its person of: once for each time that this says something.
    pub fn notice(&mut self) -> Option<String> {
        self.notices.notice()
    }

    /// Time passes: what has had its time on the screen goes, and rows settle. Returns whether anything visible changed.
    pub fn pass(&mut self, now: Instant) -> bool {
        let passed = self.models.pass(now);
        let said = self.ui.status.take_if(|status| status.until <= now);
        passed.rows || (passed.matrix && self.ui.view == View::Matrix) || said.is_some()
    }
}
