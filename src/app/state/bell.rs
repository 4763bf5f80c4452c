//! The terminal's bell and its notifications: which events are worth one.

use std::time::{Duration, Instant};

use crate::engine::event::{Event, Stamped};
use crate::engine::peers::PeerState;

/// Shortest time between two rings: a network that breaks down rings once, not a hundred times.
const REST: Duration = Duration::from_secs(1);

/// Rings for peers that go up or down.
#[derive(Debug, Default)]
pub(super) struct Bell {
    last: Option<Instant>,
    due: bool,
}

impl Bell {
    /// A peer that went up or down is worth a ring; the steps in between are not.
    pub(super) fn hear(&mut self, stamped: &Stamped) {
        let Event::PeerState { from, to, .. } = &stamped.event else { return };
        let down = |state: &PeerState| matches!(state, PeerState::Unreachable | PeerState::Silent);
        let worth = match to {
            PeerState::Up => down(from) || *from == PeerState::Left,
            to => down(to) && !down(from),
        };
        let rested = self.last.is_none_or(|last| stamped.at.saturating_duration_since(last) >= REST);
        if worth && rested {
            (self.last, self.due) = (Some(stamped.at), true);
        }
    }

    /// Whether it is to ring: once for each time that this says yes.
    pub(super) fn rings(&mut self) -> bool {
        std::mem::take(&mut self.due)
    }
}

/// Notifies of findings, and of their end.
#[derive(Debug, Default)]
pub(super) struct Notices {
    last: Option<Instant>,
    due: Option<String>,
}

impl Notices {
    /// Every finding is worth a notice, but of many at once only the first: whoever is called sees the others.
    pub(super) fn hear(&mut self, stamped: &Stamped) {
        let Event::Diagnosis(finding) = &stamped.event else { return };
        let rested = self.last.is_none_or(|last| stamped.at.saturating_duration_since(last) >= REST);
        if rested {
            (self.last, self.due) = (Some(stamped.at), Some(finding.to_string()));
        }
    }

    /// What is to be told: once for each time that this says something.
    pub(super) fn notice(&mut self) -> Option<String> {
        self.due.take()
    }
}
