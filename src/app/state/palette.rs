//! What a person asks for by words: an action of the palette, and what is typed for one.

use std::time::Instant;

use super::{App, Effect};
use crate::app::ShownNode;
use crate::app::appearance::Theme;
use crate::app::keymap::Action;
use crate::app::ui::{Overlay, Prompt, Typed, View};
use crate::engine::api::Command;
use crate::engine::config::DialInterval;

impl App {
    /// Asks for an action.
    pub(super) fn open_palette(&mut self) {
        self.ui.overlay = Some(Overlay::palette("", self.appearance.theme));
    }

    /// Asks for the words of an action, with those that count now.
    pub(super) fn ask_words(&mut self, action: Action, now: Instant) {
        let mut typed = self.ui.keymap.before_words(action);
        match action {
            Action::Columns => typed += &self.ui.columns.to_string(),
            Action::Note => match self.noted(now) {
                Some(note) => typed += &note.text.unwrap_or_default(),
                None => return,
            },
            _ => {}
        }
        self.ui.overlay = Some(Overlay::palette(&typed, self.appearance.theme));
    }

    /// Types the rest of the chosen action's words.
    pub(super) fn complete(&mut self, now: Instant) {
        let Some(Overlay::Palette { prompt, chosen, before }) = &self.ui.overlay else { return };
        if let Some((action, _)) = self.ui.typed(prompt.text()) {
            if let Some(choice) = self.ui.offered(prompt.text()).get(*chosen) {
                let typed = self.ui.keymap.before_words(action) + &choice.name;
                self.ui.overlay = Some(Overlay::palette(&typed, *before));
                self.retyped_palette();
            }
            return;
        }
        let found = self.ui.keymap.found(self.ui.beneath(), prompt.text());
        let Some(binding) = found.get(*chosen) else { return };
        let action = binding.action;
        if action.takes_words() {
            return self.ask_words(action, now);
        }
        self.ui.overlay = Some(Overlay::palette(binding.help, *before));
    }

    /// Other words are typed: colours are shown at once.
    pub(super) fn retyped_palette(&mut self) {
        let Some(Overlay::Palette { prompt, chosen, before }) = &mut self.ui.overlay else { return };
        *chosen = 0;
        let (before, text) = (*before, prompt.text().to_owned());
        self.appearance.theme = match self.ui.typed(&text) {
            Some((_, Ok(Typed::Theme(name)))) => Theme::new(name, self.appearance.depth),
            _ => before,
        };
    }

    /// Does what the palette holds. One that holds nothing stays open, and says so.
    pub(super) fn run_palette(
        &mut self,
        prompt: Prompt,
        chosen: usize,
        before: Theme,
        now: Instant,
    ) -> Option<Effect> {
        match self.chosen_words(&prompt, chosen) {
            Some(Ok(typed)) => {
                self.appearance.theme = before;
                return self.do_typed(typed, now);
            }
            Some(Err(_)) => {}
            None => {
                if let Some(action) = self.ui.action_found(prompt.text(), chosen) {
                    return self.act(action, now);
                }
            }
        }
        self.ui.overlay = Some(Overlay::Palette { prompt, chosen, before });
        None
    }

    /// What is typed for an action, or what is chosen in the place of more typing. A name that is new is taken as it is.
    fn chosen_words(&self, prompt: &Prompt, chosen: usize) -> Option<Result<Typed, String>> {
        let (action, typed) = self.ui.typed(prompt.text())?;
        let offered = self.ui.offered(prompt.text());
        match offered.get(chosen) {
            Some(choice) if typed.is_err() || chosen > 0 => {
                Some(Typed::read(action, &choice.name, &self.ui.filters))
            }
            _ => Some(typed),
        }
    }

    fn do_typed(&mut self, typed: Typed, now: Instant) -> Option<Effect> {
        match typed {
            Typed::Columns(columns) => {
                self.ui.columns = columns;
                self.ui.say(format!("columns: {columns}"), true, now);
            }
            Typed::Theme(name) => self.appearance.theme = Theme::new(name, self.appearance.depth),
            Typed::Note(text) => return self.note(text, now),
            Typed::Span(span) => {
                self.ui.timeline.choose(span);
                self.ui.show(View::Timeline);
            }
            Typed::Interval(interval) => return self.set_interval(interval, now),
            Typed::Filter(filter) => self.recall(&filter, now),
            Typed::SaveFilter(name) => return self.save_filter(name, now),
            Typed::LogLevel(level) => return Some(Effect::LogLevel(level)),
        }
        None
    }

    /// Has each peer dialed so often, where that is this app's node to decide.
    fn set_interval(&mut self, interval: DialInterval, now: Instant) -> Option<Effect> {
        match self.options.node {
            ShownNode::Own | ShownNode::OwnBesideAnother => {
                let said = match interval {
                    DialInterval::Auto => "each peer is dialed as often as their number allows".to_owned(),
                    DialInterval::Every(period) => {
                        format!("each peer is dialed every {}", humantime::format_duration(period))
                    }
                };
                return Some(Effect::Send { command: Command::SetDialInterval(interval), said });
            }
            ShownNode::Attached => {
                let said =
                    "the node is another program's: start it with --dial-interval, or dial its peers by D";
                self.ui.say(said, false, now);
            }
            ShownNode::Recorded => self.ui.say("this is a recording: there is no node to ask", false, now),
        }
        None
    }
}
