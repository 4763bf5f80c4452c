//! What a person asks of the filters that have names.

use std::time::Instant;

use super::{App, Effect};
use crate::app::Kept;
use crate::app::model::{Filter, SavedFilter};

impl App {
    /// Lists by a saved filter.
    pub(super) fn recall(&mut self, saved: &SavedFilter, now: Instant) {
        self.models.set_filter(&Filter::new(&saved.text));
        let (listed, all) = (self.models.shown().listed(), self.models.shown().len());
        self.ui.say(format!("filter {}: {listed} of {all}", saved.name), true, now);
    }

    /// Saves the filter under a name; without a filter, what has this name is taken away.
    pub(super) fn save_filter(&mut self, name: String, now: Instant) -> Option<Effect> {
        let filter = self.models.shown().filter();
        if let Some(problem) = filter.problem() {
            self.ui.say(problem, false, now);
            return None;
        }
        let text = filter.text().trim().to_owned();
        if text.is_empty() && self.ui.filters.get(&name).is_none() {
            self.ui.say("there is no filter to save", false, now);
            return None;
        }
        let said = match &*text {
            "" => format!("no longer saved: {name}"),
            text => format!("saved as {name}: {text}"),
        };
        let saved = SavedFilter { name, text };
        self.ui.filters.set(saved.clone());
        Some(Effect::Keep { kept: Kept::Filter(saved), said })
    }
}
