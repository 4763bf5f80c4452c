//! What a person asks of the findings: their evidence, the fix on the clipboard, and not to be told of one for a while.

use std::time::Instant;

use super::{App, Effect};
use crate::app::model::Incident;
use crate::app::ui::{Mute, View};
use crate::engine::verdict::FindingId;
use crate::text::Age;

impl App {
    /// Shows a finding among all, or from a list selects it.
    pub(super) fn show_finding(&mut self, finding: FindingId) {
        if self.ui.view != View::Findings {
            self.ui.show(View::Findings);
        }
        self.ui.findings.pick(finding);
    }

    /// Gives the evidence the whole pane, or takes it back.
    pub(super) fn open_finding(&mut self, now: Instant) {
        if self.selected_incident(now).is_some() {
            self.ui.findings.open(!self.ui.findings.is_open());
            self.ui.details = 0;
        }
    }

    /// Copies what to do.
    pub(super) fn copy_fix(&mut self, now: Instant) -> Option<Effect> {
        let Incident { finding, .. } = self.selected_incident(now)?;
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
        let Some(Incident { finding, ended }) = self.selected_incident(now) else { return };
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

    fn selected_incident(&mut self, now: Instant) -> Option<Incident> {
        let mut incidents = self.models.shown().incidents();
        let Some(at) = self.ui.findings.hold(&incidents) else {
            self.ui.say("there are no findings", true, now);
            return None;
        };
        Some(incidents.swap_remove(at))
    }
}
