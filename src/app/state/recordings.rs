//! What a person asks of recordings: that one is made, and how one is played.

use std::time::Instant;

use super::{App, Effect};
use crate::app::ui::{Overlay, Prompt};
use crate::app::{Play, ShownNode, When};

impl App {
    /// Whether it is a recording that is shown.
    pub(super) fn is_recorded(&self) -> bool {
        self.options.node == ShownNode::Recorded
    }

    /// Records, or no more.
    pub(super) fn record(&mut self, now: Instant) -> Option<Effect> {
        if self.is_recorded() {
            self.ui.say("this is a recording already", false, now);
            return None;
        }
        Some(Effect::Record)
    }

    /// Plays the recording in another way.
    pub(super) fn play(&mut self, play: Play, now: Instant) -> Option<Effect> {
        if !self.is_recorded() {
            self.ui.say("only a recording can be played: vigie replay", false, now);
            return None;
        }
        Some(Effect::Play(play))
    }

    /// Freezes the display, or has the recording stand still.
    pub(super) fn pause(&mut self, now: Instant) -> Option<Effect> {
        if self.is_recorded() {
            return self.play(Play::Pause, now);
        }
        self.models.pause(now);
        None
    }

    /// Asks for a moment.
    pub(super) fn ask_moment(&mut self, now: Instant) {
        if self.is_recorded() {
            self.ui.overlay = Some(Overlay::Jump(Prompt::default()));
        } else {
            self.ui.say("only a recording can be played: vigie replay", false, now);
        }
    }

    /// Goes to the moment that was typed; a prompt that holds none stays open, and says what is expected.
    pub(super) fn jump(&mut self, prompt: Prompt, now: Instant) -> Option<Effect> {
        if let Ok(when) = prompt.text().parse::<When>() {
            return self.play(Play::To(when), now);
        }
        self.ui.overlay = Some(Overlay::Jump(prompt));
        None
    }

    /// A recording has no node that could do it.
    pub(super) fn unless_recorded(&mut self, effect: Option<Effect>, now: Instant) -> Option<Effect> {
        if self.is_recorded() && matches!(effect, Some(Effect::Send { .. })) {
            self.ui.say("this is a recording: there is no node to ask", false, now);
            return None;
        }
        effect
    }
}
