//! Peers that a person named: their names are looked up until they have an address.

use std::time::Instant;

use super::config::Target;
use super::limits::{MAX_STATIC, RESOLVE_AGAIN};

/// Those whose name has no address yet, with the time of the next look-up.
#[derive(Debug, Default)]
pub(crate) struct NamedPeers {
    unresolved: Vec<(Instant, Target)>,
}

impl NamedPeers {
    /// Whether one more may be named, beside those that have an address.
    pub(crate) fn has_room(&self, resolved: usize) -> bool {
        resolved + self.unresolved.len() < MAX_STATIC
    }

    /// The name has no address now.
    pub(crate) fn note_unresolved(&mut self, target: Target, now: Instant) {
        self.unresolved.push((now + RESOLVE_AGAIN, target));
    }

    /// When the next look-up is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.unresolved.iter().map(|(at, _)| *at).min()
    }

    /// A name that is to be looked up again now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Target> {
        let nth = self.unresolved.iter().position(|(at, _)| *at <= now)?;
        Some(self.unresolved.swap_remove(nth).1)
    }
}
