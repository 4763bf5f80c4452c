//! What is typed into prompts, and how overlays are left.

use std::time::Instant;

use tui_input::InputRequest;

use super::{App, Effect};
use crate::app::export::Form;
use crate::app::model::Filter;
use crate::app::ui::{HelpPage, Overlay};
use crate::engine::api::Command;

impl App {
    /// Takes pasted text in: into the prompt, else it is dropped, lest its characters act as keys.
    pub fn paste(&mut self, text: &str) {
        self.typed(text.trim());
    }

    /// Puts characters into the prompt, if there is one.
    pub(super) fn typed(&mut self, text: &str) {
        if let Some(prompt) = self.ui.overlay.as_mut().and_then(Overlay::prompt) {
            prompt.insert(text);
            self.retyped();
        }
    }

    /// Changes what was typed.
    pub(super) fn edit(&mut self, request: InputRequest) {
        if let Some(prompt) = self.ui.overlay.as_mut().and_then(Overlay::prompt) {
            prompt.edit(request);
            self.retyped();
        }
    }

    /// What was typed has changed: filters and searches follow at once.
    fn retyped(&mut self) {
        match &mut self.ui.overlay {
            Some(Overlay::Filter { prompt, .. }) => {
                let filter = Filter::new(prompt.text());
                self.models.set_filter(&filter);
            }
            Some(Overlay::Help(help)) => help.retyped(),
            Some(Overlay::Search(prompt)) => self.ui.log.set_search(prompt.text()),
            Some(Overlay::Palette { .. }) => self.retyped_palette(),
            _ => {}
        }
    }

    /// Leaves the overlay as if it had never been there.
    pub(super) fn close(&mut self) {
        match self.ui.overlay.take() {
            // Only what was searched for goes.
            Some(Overlay::Help(help)) if help.is_typing => {
                self.ui.overlay =
                    Some(Overlay::Help(HelpPage { scroll: help.scroll, ..HelpPage::default() }));
            }
            Some(Overlay::Filter { before, .. }) => self.models.set_filter(&before),
            Some(Overlay::Search(_)) => self.ui.log.clear_search(),
            Some(Overlay::Palette { before, .. }) => self.appearance.theme = before,
            _ => {}
        }
    }

    /// Does what was typed, or what was asked for.
    pub(super) fn accept(&mut self, now: Instant) -> Option<Effect> {
        match self.ui.overlay.take()? {
            Overlay::Forget { key, name } => Some(Effect::forget(key, &name)),
            Overlay::Add(prompt) => {
                // The name of a peer comes before that of a host, which with its port is still the host's.
                if let Some(peer) = self.models.live().peer_named(prompt.text().trim()) {
                    let said = format!("dialing the peer {} at {}", peer.info.name, peer.info.place());
                    return Some(Effect::Send { command: Command::DialNow(peer.info.key), said });
                }
                if let Ok(target) = Overlay::target(prompt.text()) {
                    let said = format!("added {target}");
                    Some(Effect::Send { command: Command::AddPeer(target), said })
                } else {
                    // Stays open: the prompt says what is wrong.
                    self.ui.overlay = Some(Overlay::Add(prompt));
                    None
                }
            }
            Overlay::Palette { prompt, chosen, before } => self.run_palette(prompt, chosen, before, now),
            Overlay::Jump(prompt) => self.jump(prompt, now),
            Overlay::Search(_) => {
                self.ui.log.keep_search();
                None
            }
            Overlay::Help(help) => {
                self.ui.overlay = Some(Overlay::Help(HelpPage { is_typing: false, ..help }));
                None
            }
            Overlay::Filter { .. } | Overlay::Doctor { .. } | Overlay::Export => None,
        }
    }

    /// Joins the segment of the host that was typed; where that is none, the prompt says what is wrong.
    pub(super) fn join(&mut self) -> Option<Effect> {
        let Some(Overlay::Add(prompt)) = &self.ui.overlay else { return None };
        let target = Overlay::target(prompt.text()).ok()?;
        self.ui.overlay = None;
        let said = format!("joining the network of {target}");
        Some(Effect::Send { command: Command::Join(target), said })
    }

    /// Exports in this form.
    pub(super) fn export(&mut self, form: Form) -> Effect {
        self.ui.overlay = None;
        Effect::Export(form)
    }
}
