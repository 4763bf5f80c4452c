//! What a person asks of the groups of the table.

use std::time::Instant;

use super::App;
use crate::app::keymap::Action;
use crate::app::model::{GroupId, LineId};

impl App {
    /// Groups the peers by subnet, or no more. What is selected stays so.
    pub(super) fn group(&mut self, now: Instant) {
        let are_grouped = self.models.shown().lines().groups().is_none();
        self.ui.peers.choose(self.models.shown());
        self.models.group(are_grouped);
        self.ui.peers.resettle(self.models.shown());
        let said = if are_grouped { "peers by subnet" } else { "peers no longer by subnet" };
        self.ui.say(said, true, now);
    }

    /// Folds the group of what is selected, or unfolds it.
    pub(super) fn fold_selected(&mut self, is_folded: bool, now: Instant) {
        let lines = self.models.shown().lines();
        if lines.groups().is_none() {
            return self.say_ungrouped(now);
        }
        let of_peer = self.ui.peers.selected().and_then(|key| lines.group_of(key));
        if let Some(group) = self.ui.peers.heading().or(of_peer) {
            self.fold_group(group, is_folded);
        }
    }

    /// Folds a group, or unfolds it.
    pub(super) fn turn_group(&mut self, group: GroupId) {
        self.fold_group(group, !self.models.shown().lines().is_folded(group));
    }

    /// Folds every group, or unfolds all.
    pub(super) fn fold_all(&mut self, now: Instant) {
        let lines = self.models.shown().lines();
        let Some(groups) = lines.groups() else { return self.say_ungrouped(now) };
        let is_any_open = groups.iter().any(|group| !lines.is_folded(group.id));
        self.models.fold_groups(is_any_open);
    }

    fn fold_group(&mut self, group: GroupId, is_folded: bool) {
        self.models.fold_group(group, is_folded);
        if is_folded {
            self.ui.peers.pick(LineId::Heading(group), self.models.shown());
        }
    }

    fn say_ungrouped(&mut self, now: Instant) {
        let key = self.ui.keymap.key_for(Action::Group);
        self.ui.say(format!("peers are not grouped: {key} groups them by subnet"), false, now);
    }
}
