//! What a person notes of peers: marks, pins, and a line of words.

use std::sync::Arc;
use std::time::Instant;

use super::{App, Effect};
use crate::app::Kept;
use crate::app::model::Note;

impl App {
    /// What is noted of the selected peer. Says so if none is selected.
    pub(super) fn noted(&mut self, now: Instant) -> Option<Note> {
        let key = self.selected(now)?;
        let model = self.models.shown();
        let info = &model.peer(key)?.info;
        let nothing = || Note { name: info.name.clone(), ..Note::default() };
        Some(model.notes().of(info).cloned().unwrap_or_else(nothing))
    }

    /// Marks the selected peer, or no more.
    pub(super) fn mark(&mut self, now: Instant) -> Option<Effect> {
        let change = |note: &mut Note| {
            note.noted.is_marked ^= true;
            if note.noted.is_marked { "marked" } else { "no longer marked:" }
        };
        self.change_note(change, now)
    }

    /// Pins the selected peer, or no more.
    pub(super) fn pin(&mut self, now: Instant) -> Option<Effect> {
        let change = |note: &mut Note| {
            note.noted.is_pinned ^= true;
            if note.noted.is_pinned { "pinned" } else { "no longer pinned:" }
        };
        self.change_note(change, now)
    }

    /// Notes a line of the selected peer; nothing takes it away.
    pub(super) fn note(&mut self, text: Option<String>, now: Instant) -> Option<Effect> {
        let change = |note: &mut Note| {
            note.text = text;
            if note.text.is_some() { "noted of" } else { "no longer noted of" }
        };
        self.change_note(change, now)
    }

    /// Lists those that left, or no more.
    pub(super) fn hide_left(&mut self, now: Instant) {
        let are_listed = !self.models.shown().lists_left();
        self.models.list_left(are_listed);
        let said = if are_listed { "peers that left are shown" } else { "peers that left are hidden" };
        self.ui.say(said, true, now);
    }

    fn change_note(
        &mut self,
        change: impl FnOnce(&mut Note) -> &'static str,
        now: Instant,
    ) -> Option<Effect> {
        let key = self.selected(now)?;
        let info = Arc::clone(&self.models.shown().peer(key)?.info);
        let mut notes = Arc::clone(self.models.shown().notes());
        let note = Arc::make_mut(&mut notes).of_mut(&info);
        let said = format!("{} {}", change(note), info.name);
        let note = note.clone();
        self.models.set_notes(&notes);
        Some(Effect::Keep { kept: Kept::Note(note), said })
    }
}
