//! When it is looked whether the trouble with peers is over, and with which of them.

use std::time::Instant;

use crate::engine::limits::{LOOK_AGAIN, LOOKS_AT_ONCE};
use crate::engine::peers::{PeerKey, PeerTable};

/// Rounds of looks, as long as there is trouble with anybody.
#[derive(Debug, Default)]
pub(crate) struct Looks {
    next: Option<Instant>,
    /// Who had the last turn.
    last: Option<PeerKey>,
}

impl Looks {
    /// When the next round is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next
    }

    /// There is trouble with somebody, or with nobody any longer.
    pub(crate) fn note(&mut self, is_trouble: bool, now: Instant) {
        self.next = if is_trouble { self.next.or(Some(now + LOOK_AGAIN)) } else { None };
    }

    /// The peers whose turn it is in the round that is due now.
    pub(crate) fn round(&mut self, peers: &PeerTable, now: Instant) -> Vec<PeerKey> {
        self.next = Some(now + LOOK_AGAIN);
        let troubled = peers.troubled();
        let after = |key: &PeerKey| self.last.is_none_or(|last| *key > last);
        let (later, first): (Vec<PeerKey>, Vec<PeerKey>) = troubled.iter().copied().partition(after);
        let turns: Vec<PeerKey> = later.into_iter().chain(first).take(LOOKS_AT_ONCE).collect();
        self.last = turns.last().copied();
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::peers::Via;
    use crate::engine::{Incarnation, NodeId};

    #[test]
    fn rounds_come_as_long_as_there_is_trouble_and_each_peer_has_its_turn() {
        let mut test = TestContext::new(|_| {});
        let (mut looks, now) = (Looks::default(), test.now);
        looks.note(false, now);
        assert_eq!(looks.due(), None);
        looks.note(true, now);
        looks.note(true, now + LOOK_AGAIN / 2);
        assert_eq!(looks.due(), Some(now + LOOK_AGAIN), "what is due stays due");
        let mut peers = PeerTable::default();
        let many = u8::try_from(LOOKS_AT_ONCE).unwrap() + 4;
        for n in 0..many {
            let identity = Some((NodeId(u128::from(n) + 9), Incarnation(1)));
            let addr = ([10, 0, 1, n], 17_474).into();
            let key = peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap();
            peers.get_mut(key).unwrap().health.note_trouble(now);
            peers.index_condition(key);
        }
        let first = looks.round(&peers, now + LOOK_AGAIN);
        let second = looks.round(&peers, now + LOOK_AGAIN * 2);
        assert_eq!((first.len(), second.len()), (LOOKS_AT_ONCE, LOOKS_AT_ONCE));
        assert!(peers.troubled().iter().all(|key| first.contains(key) || second.contains(key)));
        looks.note(false, now + LOOK_AGAIN * 2);
        assert_eq!(looks.due(), None);
    }
}
