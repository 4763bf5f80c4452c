//! Peers that a person named by a host name: when which name is looked up, and which row is its.
//!
//! Looks nothing up itself, and knows no address: those are the row's.

use std::time::{Duration, Instant};

use super::address::split_zone;
use super::config::Target;
use super::limits::{
    MAX_LOOKUPS, MAX_STATIC, RESOLVE_AGAIN, RESOLVE_EVERY, RESOLVE_GAP, ROW_WITHOUT_ADDRESS_AFTER,
};
use super::peers::PeerKey;

/// All names.
#[derive(Debug, Default)]
pub(crate) struct NamedPeers {
    names: Vec<Name>,
}

#[derive(Debug)]
struct Name {
    target: Target,
    /// None until the first look-up has ended, or has taken long.
    row: Option<PeerKey>,
    lookup: Lookup,
}

/// Where the look-up of one name stands: there is never more than one.
#[derive(Debug, Clone, Copy)]
enum Lookup {
    UnderWay { since: Instant },
    Planned { at: Instant, last: Option<Instant> },
}

/// A name of which a look-up has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Known {
    /// Nobody wants it any longer.
    Forgotten,
    /// It has no row yet.
    WithoutRow,
    /// It has this row.
    Row(PeerKey),
}

impl NamedPeers {
    /// Whether one more may be named, beside the `rows` that were.
    pub(crate) fn has_room(&self, rows: usize) -> bool {
        rows + self.names.iter().filter(|name| name.row.is_none()).count() < MAX_STATIC
    }

    /// A person named it: it is looked up now. The row that it has already, if it was named before.
    pub(crate) fn add(&mut self, target: Target, now: Instant) -> Option<PeerKey> {
        if let Some(known) = self.find(&target) {
            let row = known.row;
            known.look_up_soon(now);
            return row;
        }
        self.names.push(Name { target, row: None, lookup: Lookup::Planned { at: now, last: None } });
        None
    }

    /// The address of a row may be another by now: its name is looked up, soon after the last time at the earliest. Whether that
    /// happens now.
    pub(crate) fn look_up(&mut self, row: PeerKey, now: Instant) -> bool {
        let has_turn = self.has_turn();
        let mut begins = false;
        for name in self.names.iter_mut().filter(|name| name.row == Some(row)) {
            name.look_up_soon(now);
            begins |= match name.lookup {
                Lookup::UnderWay { .. } => true,
                Lookup::Planned { at, .. } => at <= now && has_turn,
            };
        }
        begins
    }

    /// This machine has another network, and perhaps other name servers: all names are looked up, as far as they may.
    pub(crate) fn look_all_up(&mut self, now: Instant) {
        self.names.iter_mut().for_each(|name| name.look_up_soon(now));
    }

    /// When something is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let has_turn = self.has_turn();
        let due = self.names.iter().filter_map(|name| match name.lookup {
            Lookup::Planned { at, .. } => has_turn.then_some(at),
            Lookup::UnderWay { since } => name.row.is_none().then_some(since + ROW_WITHOUT_ADDRESS_AFTER),
        });
        due.min()
    }

    /// A name that is to be looked up now.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<Target> {
        if !self.has_turn() {
            return None;
        }
        let is_due = |name: &&mut Name| matches!(name.lookup, Lookup::Planned { at, .. } if at <= now);
        let name = self.names.iter_mut().find(is_due)?;
        name.lookup = Lookup::UnderWay { since: now };
        Some(name.target.clone())
    }

    /// A name whose first look-up takes so long that it is shown without an address.
    pub(crate) fn next_overdue(&self, now: Instant) -> Option<Target> {
        let is_overdue = |name: &&Name| match name.lookup {
            Lookup::UnderWay { since } => name.row.is_none() && since + ROW_WITHOUT_ADDRESS_AFTER <= now,
            Lookup::Planned { .. } => false,
        };
        self.names.iter().find(is_overdue).map(|name| name.target.clone())
    }

    /// A look-up has ended.
    pub(crate) fn note_ended(&mut self, target: &Target, found: bool, now: Instant) -> Known {
        let Some(name) = self.find(target) else { return Known::Forgotten };
        let wait = if found { RESOLVE_EVERY } else { RESOLVE_AGAIN };
        name.lookup = Lookup::Planned { at: now + wait, last: Some(now) };
        name.row.map_or(Known::WithoutRow, Known::Row)
    }

    /// The name has this row from now on.
    pub(crate) fn note_row(&mut self, target: &Target, row: PeerKey) {
        if let Some(name) = self.find(target) {
            name.row = Some(row);
        }
    }

    /// There is no room for its row: it is wanted no longer.
    pub(crate) fn drop_name(&mut self, target: &Target) {
        self.names.retain(|name| name.target != *target);
    }

    /// A row turned out to be another one, or another one has its name now.
    pub(crate) fn note_merged(&mut self, row: PeerKey, into: PeerKey) {
        for name in self.names.iter_mut().filter(|name| name.row == Some(row)) {
            name.row = Some(into);
        }
    }

    /// A row is no more, and its names are wanted no longer.
    pub(crate) fn forget(&mut self, row: PeerKey) {
        self.names.retain(|name| name.row != Some(row));
    }

    fn find(&mut self, target: &Target) -> Option<&mut Name> {
        self.names.iter_mut().find(|name| name.target == *target)
    }

    fn has_turn(&self) -> bool {
        let under_way = self.names.iter().filter(|name| matches!(name.lookup, Lookup::UnderWay { .. }));
        under_way.count() < MAX_LOOKUPS
    }
}

impl Name {
    /// Brings the next look-up forward.
    fn look_up_soon(&mut self, now: Instant) {
        // Where a zone is, this machine knows without asking a name server.
        let gap = if split_zone(&self.target.host).is_some() { Duration::ZERO } else { RESOLVE_GAP };
        if let Lookup::Planned { at, last } = &mut self.lookup {
            let earliest = last.map_or(now, |last| now.max(last + gap));
            *at = earliest.min(*at);
        }
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

    /// A name that has this row and was looked up just now.
    fn named(row: PeerKey, now: Instant) -> NamedPeers {
        let mut names = NamedPeers::default();
        assert_eq!(names.add(target("host7"), now), None);
        assert_eq!(names.take_due(now), Some(target("host7")));
        assert_eq!(names.note_ended(&target("host7"), true, now), Known::WithoutRow);
        names.note_row(&target("host7"), row);
        names
    }

    #[test]
    fn a_name_is_looked_up_at_once_then_now_and_then_and_sooner_without_an_address() {
        for (found, wait) in [(true, RESOLVE_EVERY), (false, RESOLVE_AGAIN)] {
            let (mut names, now) = (NamedPeers::default(), t0());
            assert_eq!((names.deadline(), names.take_due(now)), (None, None));
            names.add(target("host7"), now);
            assert_eq!(names.deadline(), Some(now));
            assert_eq!(names.take_due(now), Some(target("host7")));
            assert_eq!(names.take_due(now), None, "it is under way");
            assert_eq!(names.note_ended(&target("host7"), found, now), Known::WithoutRow);
            assert_eq!(names.deadline(), Some(now + wait));
            assert_eq!(names.take_due(now + wait - secs(1)), None);
            assert_eq!(names.take_due(now + wait), Some(target("host7")));
        }
    }

    #[test]
    fn a_row_that_fails_has_its_name_looked_up_at_once_but_never_twice_in_a_row() {
        let (row, now) = (PeerKey::default(), t0());
        let mut names = named(row, now);
        assert!(!names.look_up(row, now + secs(1)), "it was a moment ago");
        assert_eq!(names.deadline(), Some(now + RESOLVE_GAP));
        let later = now + RESOLVE_GAP;
        assert!(names.look_up(row, later));
        assert_eq!(names.take_due(later), Some(target("host7")));
        assert!(names.look_up(row, later), "it is under way");
        assert_eq!(names.take_due(later + secs(99)), None, "one at a time");
    }

    #[test]
    fn a_zone_is_looked_up_as_soon_as_the_links_change_however_often() {
        let (mut names, now) = (NamedPeers::default(), t0());
        names.add(target("fe80::1%eth0"), now);
        for found in [true, false, true] {
            assert_eq!(names.take_due(now), Some(target("fe80::1%eth0")));
            let _ = names.note_ended(&target("fe80::1%eth0"), found, now);
            assert_eq!(names.take_due(now), None, "nothing changed");
            names.look_all_up(now);
        }
        assert_eq!(names.deadline(), Some(now));
    }

    #[test]
    fn only_so_many_names_are_looked_up_at_once() {
        let (mut names, now) = (NamedPeers::default(), t0());
        for n in 0..=MAX_LOOKUPS {
            names.add(target(&format!("host{n}")), now);
        }
        let first = std::iter::from_fn(|| names.take_due(now)).count();
        assert_eq!((first, names.deadline()), (MAX_LOOKUPS, Some(now + ROW_WITHOUT_ADDRESS_AFTER)));
        let _ = names.note_ended(&target("host0"), true, now);
        assert_eq!(names.take_due(now), Some(target(&format!("host{MAX_LOOKUPS}"))));
    }

    #[test]
    fn a_first_look_up_that_takes_long_has_its_row_before_its_end() {
        let (mut names, now) = (NamedPeers::default(), t0());
        names.add(target("host7"), now);
        names.take_due(now);
        let due = now + ROW_WITHOUT_ADDRESS_AFTER;
        assert_eq!((names.deadline(), names.next_overdue(due - secs(1))), (Some(due), None));
        assert_eq!(names.next_overdue(due), Some(target("host7")));
        names.note_row(&target("host7"), PeerKey::default());
        assert_eq!((names.deadline(), names.next_overdue(due)), (None, None));
    }

    #[test]
    fn a_name_follows_its_row_and_is_forgotten_with_it() {
        use slotmap::SlotMap;
        let (now, mut keys) = (t0(), SlotMap::<PeerKey, ()>::with_key());
        let [row, other] = [keys.insert(()), keys.insert(())];
        let mut names = named(row, now);
        assert_eq!(names.add(target("host7"), now), Some(row), "named again");
        names.note_merged(row, other);
        names.forget(row);
        assert_eq!(names.note_ended(&target("host7"), true, now), Known::Row(other));
        names.forget(other);
        assert_eq!(names.note_ended(&target("host7"), true, now), Known::Forgotten);
    }

    #[test]
    fn names_with_and_without_a_row_share_the_room() {
        let mut names = NamedPeers::default();
        assert!(names.has_room(MAX_STATIC - 1) && !names.has_room(MAX_STATIC));
        names.add(target("host7"), t0());
        assert!(names.has_room(MAX_STATIC - 2) && !names.has_room(MAX_STATIC - 1));
        names.note_row(&target("host7"), PeerKey::default());
        assert!(names.has_room(MAX_STATIC - 1), "it is among the rows now");
    }
}
