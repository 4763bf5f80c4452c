//! What a person asks of the findings: their evidence, the fix on the clipboard, and not to be told of one for a while.

use std::time::Instant;

use super::{App, Effect};
use crate::app::checkup::Remark;
use crate::app::model::Incident;
use crate::app::ui::{FindingRow, Mute, View, finding_rows};
use crate::text::Age;

impl App {
    /// Shows a finding among all, or from a list selects it.
    pub(super) fn show_finding(&mut self, row: FindingRow) {
        if self.ui.view != View::Findings {
            self.ui.show(View::Findings);
        }
        self.ui.findings.pick(row);
    }

    /// Gives the evidence the whole pane, or takes it back.
    pub(super) fn open_finding(&mut self, now: Instant) {
        if self.selected_row(now).is_some() {
            self.ui.findings.open(!self.ui.findings.is_open());
            self.ui.details = 0;
        }
    }

    /// Copies what to do.
    pub(super) fn copy_fix(&mut self, now: Instant) -> Option<Effect> {
        let finding = match self.selected_row(now)? {
            Selected::Network(Incident { finding, .. }) => finding,
            Selected::Machine(Remark { what, fix, .. }) => {
                return Some(Effect::Copy { text: fix, said: format!("fix for \"{what}\":") });
            }
        };
        let fix = finding.advice.fix();
        if fix.is_empty() {
            self.ui.say("there is nothing to do", false, now);
            return None;
        }
        let said = format!("fix for {}:", finding.subject());
        Some(Effect::Copy { text: fix, said })
    }

    /// Tells of a finding for a while no more; each time for longer.
    pub(super) fn mute(&mut self, now: Instant) {
        let Incident { finding, ended } = match self.selected_row(now) {
            Some(Selected::Network(incident)) => incident,
            Some(Selected::Machine(_)) => {
                return self.ui.say("what the doctor says of this machine is not told again", false, now);
            }
            None => return,
        };
        if ended.is_some() {
            return self.ui.say("it is over", false, now);
        }
        let at = self.models.shown_at(now);
        let (subject, mute) = (finding.subject(), self.ui.findings.mute(finding.id, at));
        let said = match mute {
            Some(Mute::Until(until)) => {
                format!("muted for {}: {subject}", Age(until.saturating_duration_since(at)))
            }
            Some(Mute::UntilOver) => format!("muted until it is over: {subject}"),
            None => format!("told of again: {subject}"),
        };
        self.ui.say(said, true, now);
    }

    fn selected_row(&mut self, now: Instant) -> Option<Selected> {
        let mut incidents = self.models.shown().incidents();
        let rows = finding_rows(&incidents, &self.ui.checkup);
        let Some(at) = self.ui.findings.hold(&rows) else {
            self.ui.say("there are no findings", true, now);
            return None;
        };
        match rows[at] {
            FindingRow::Network(_) => Some(Selected::Network(incidents.swap_remove(at))),
            FindingRow::Machine(nth) => self.ui.checkup.remarks().get(nth).cloned().map(Selected::Machine),
        }
    }
}

/// What is selected.
enum Selected {
    Network(Incident),
    Machine(Remark),
}
