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

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::testkit::{secs, t0};

    fn target(host: &str) -> Target {
        host.parse().unwrap()
    }

    #[test]
    fn a_name_without_an_address_is_looked_up_again_once_when_its_time_comes() {
        let (mut named, now) = (NamedPeers::default(), t0());
        assert_eq!((named.deadline(), named.take_due(now)), (None, None));
        named.note_unresolved(target("host8"), now + secs(1));
        named.note_unresolved(target("host7"), now);
        let due = now + RESOLVE_AGAIN;
        assert_eq!(named.deadline(), Some(due), "the earliest counts");
        assert_eq!(named.take_due(due - secs(1)), None);
        assert_eq!(named.take_due(due), Some(target("host7")));
        assert_eq!(named.take_due(due), None, "the other one has its own time");
        assert_eq!(named.deadline(), Some(due + secs(1)));
    }

    #[test]
    fn names_with_and_without_an_address_share_the_room() {
        let mut named = NamedPeers::default();
        assert!(named.has_room(MAX_STATIC - 1) && !named.has_room(MAX_STATIC));
        named.note_unresolved(target("host7"), t0());
        assert!(named.has_room(MAX_STATIC - 2) && !named.has_room(MAX_STATIC - 1));
    }
}
