//! What a person asks of the help and of the log: to find a text, and the next place of it.

use super::App;
use crate::app::ui::{Overlay, Prompt};

impl App {
    /// Asks for a text to find, in the help if that is open, else in the log.
    pub(super) fn search(&mut self) {
        match &mut self.ui.overlay {
            Some(Overlay::Help(help)) => (help.is_typing, help.search) = (true, Prompt::default()),
            _ => self.ui.overlay = Some(Overlay::Search(Prompt::default())),
        }
    }

    /// Goes to the next place that was found, or to the one before.
    pub(super) fn go_to_match(&mut self, is_back: bool) {
        match &mut self.ui.overlay {
            Some(Overlay::Help(help)) => help.step(is_back),
            _ if is_back => self.ui.log.previous_match(),
            _ => self.ui.log.next_match(),
        }
    }
}
