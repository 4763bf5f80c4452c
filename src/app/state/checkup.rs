//! What a person asks of the doctor.

use std::time::Instant;

use super::{App, Effect};
use crate::app::checkup::Checkup;
use crate::app::ui::Overlay;

impl App {
    /// Has this machine examined, and shows how far that is.
    pub(super) fn examine(&mut self, now: Instant) -> Option<Effect> {
        if self.is_recorded() {
            let said = "a recording is of another time, perhaps of another machine: run vigie doctor there";
            self.ui.say(said, false, now);
            return None;
        }
        let Some((port, tcp_port)) = self.models.live().node().map(|node| (node.port, node.tcp_port)) else {
            self.ui.say("the node is still starting: try again", false, now);
            return None;
        };
        self.ui.overlay = Some(Overlay::Doctor { scroll: 0 });
        if matches!(self.ui.checkup, Checkup::Runs(_)) {
            return None;
        }
        Some(Effect::Examine { port, tcp_port })
    }
}
