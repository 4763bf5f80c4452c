//! Small echoes to and from a few neighbours, so that a host which is cut off is missed within a second or so: no connection ends then.
//!
//! Those are watched to whom this node chose to hold a tether, as the rings of Linux TIPC overlap (`tipc_monitor`). An echo that does not
//! come says little, as packets are lost: the next ones are asked for at once, and only several in a row are an alarm, which is a
//! suspicion like any other. They count as nothing else: what is lost is measured by the [`super::super::probing`].

use std::time::{Duration, Instant};

use rand::RngExt;
use smallvec::SmallVec;

use crate::engine::Nonce;
use crate::engine::context::Context;
use crate::engine::limits::{TETHERS, WATCH_AGAIN, WATCH_EVERY, WATCH_MISSES, WATCH_MISSES_WITH_LOSS};
use crate::engine::moment::Moment;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::proto::presence::Kind;

/// One that is watched.
#[derive(Debug)]
struct Watched {
    peer: PeerKey,
    /// What was asked since the last echo came, and when.
    asked: SmallVec<[(Nonce, Moment); 1]>,
    /// So many of them stayed away that it was an alarm.
    missed: bool,
    /// When the next echo is asked for.
    next: Instant,
}

/// Those that are watched.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    all: SmallVec<[Watched; TETHERS]>,
}

/// Whose echoes do not come.
#[derive(Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) struct Alarm {
    pub(crate) missed: SmallVec<[PeerKey; TETHERS]>,
    /// Nobody's echoes come: most likely it is this machine that is cut off.
    pub(crate) alone: bool,
}

impl Watched {
    /// How many echoes stay away for longer than an answer takes.
    fn misses(&self, now: Instant, patience: Duration) -> usize {
        let now = Moment::from(now);
        self.asked.iter().filter(|(_, at)| now.since(*at) >= patience).count()
    }

    fn forget_asked(&mut self) {
        self.asked.clear();
        self.missed = false;
    }
}

impl Watchers {
    /// When the next echo is asked for.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.all.iter().map(|watched| watched.next).min()
    }

    /// Watches these, as long as they are up, and no others.
    pub(crate) fn choose(&mut self, chosen: &[PeerKey], ctx: &mut Context<'_>) {
        self.all.retain(|watched| chosen.contains(&watched.peer));
        let new = chosen.iter().filter(|peer| self.all.iter().all(|watched| watched.peer != **peer));
        let new: SmallVec<[PeerKey; TETHERS]> = new.copied().collect();
        // All together: a wake-up costs more than what is done in it.
        let together = self.deadline();
        let next = together.unwrap_or_else(|| ctx.now + ctx.rng.random_range(Duration::ZERO..WATCH_EVERY));
        self.all.extend(new.into_iter().map(|peer| Watched {
            peer,
            asked: SmallVec::new(),
            missed: false,
            next,
        }));
    }

    /// Asks those for an echo whose turn it is, and tells whose echoes did not come, once each time that they stay away.
    pub(crate) fn wake(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) -> Alarm {
        self.all.retain(|watched| peers.get(watched.peer).is_some_and(Peer::is_reachable));
        let (mut alarm, now) = (Alarm::default(), ctx.now);
        for watched in self.all.iter_mut().filter(|watched| watched.next <= now) {
            let Some(peer) = peers.get(watched.peer) else { continue };
            let most = if peer.probes.lost_here_and_there() { WATCH_MISSES_WITH_LOSS } else { WATCH_MISSES };
            let patience = peer.dial.patience(WATCH_AGAIN, 2);
            let misses = watched.misses(now, patience);
            if misses >= usize::from(most) && !watched.missed {
                watched.missed = true;
                alarm.missed.push(watched.peer);
            }
            let nonce = ctx.random_nonce();
            ctx.send_by(peer.interface(), peer.unicast(), Kind::Heartbeat, Some(nonce), None);
            if watched.missed {
                watched.asked.pop();
            }
            watched.asked.push((nonce, now.into()));
            let hurries = misses > 0 && !watched.missed;
            watched.next = now + if hurries { WATCH_AGAIN } else { WATCH_EVERY };
        }
        alarm.alone = self.all.len() > 1 && self.all.iter().all(|watched| watched.missed);
        alarm
    }

    /// An echo came; when it was asked for, if that was here.
    pub(crate) fn note_echo(&mut self, peer: PeerKey, echo: Nonce) -> Option<Moment> {
        let watched = self.all.iter_mut().find(|watched| watched.peer == peer)?;
        let (_, asked) = *watched.asked.iter().find(|(nonce, _)| *nonce == echo)?;
        watched.forget_asked();
        Some(asked)
    }

    /// This process stood still: what was asked for says nothing.
    pub(crate) fn forget_asked(&mut self) {
        self.all.iter_mut().for_each(Watched::forget_asked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::{TestContext, TestSent};
    use crate::engine::peers::{PeerState, Via};
    use crate::engine::{Incarnation, NodeId};

    /// So many peers that are up, and a part that watches them.
    fn watched(test: &mut TestContext, count: u8) -> (Watchers, PeerTable, Vec<PeerKey>) {
        let (mut watchers, mut peers) = (Watchers::default(), PeerTable::default());
        for n in 1..=count {
            let identity = Some((NodeId(n.into()), Incarnation(1)));
            let addr = ([10, 0, 1, n], 17_474).into();
            let key = peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap();
            let peer = peers.get_mut(key).unwrap();
            peer.prove(peer.ip(), &mut test.context());
            peer.set_state(PeerState::Up, &mut test.context());
        }
        let keys = peers.keys();
        watchers.choose(&keys, &mut test.context());
        test.outputs();
        (watchers, peers, keys)
    }

    /// Wakes it when it is due.
    fn wake(
        watchers: &mut Watchers,
        peers: &mut PeerTable,
        test: &mut TestContext,
    ) -> (Alarm, Vec<TestSent>) {
        test.now = watchers.deadline().unwrap();
        let alarm = watchers.wake(peers, &mut test.context());
        (alarm, test.sent())
    }

    #[test]
    fn those_that_answer_are_asked_together_twice_a_second_and_are_no_alarm() {
        let mut test = TestContext::new(|_| {});
        let (mut watchers, mut peers, keys) = watched(&mut test, 3);
        let begin = watchers.deadline().unwrap();
        assert!(begin <= test.now + WATCH_EVERY);
        for round in 0..20 {
            let (alarm, sent) = wake(&mut watchers, &mut peers, &mut test);
            assert_eq!((alarm, test.now), (Alarm::default(), begin + WATCH_EVERY * round));
            for (key, sent) in keys.iter().zip(&sent) {
                assert_eq!(watchers.note_echo(*key, sent.nonce.unwrap()), Some(test.now.into()));
                assert_eq!(watchers.note_echo(*key, sent.nonce.unwrap()), None, "once");
            }
            assert_eq!(sent.len(), 3);
        }
    }

    #[test]
    fn three_echoes_that_stay_away_are_an_alarm_within_little_more_than_a_second_and_only_once() {
        let mut test = TestContext::new(|_| {});
        let (mut watchers, mut peers, keys) = watched(&mut test, 2);
        let (_, sent) = wake(&mut watchers, &mut peers, &mut test);
        let (last_heard, mut alarms) = (test.now, Vec::new());
        assert!(
            watchers.note_echo(keys[0], sent[0].nonce.unwrap()).is_some()
                && watchers.note_echo(keys[1], sent[1].nonce.unwrap()).is_some()
        );
        for _ in 0..30 {
            let (alarm, sent) = wake(&mut watchers, &mut peers, &mut test);
            assert!(!alarm.alone, "one of them answers");
            alarms.extend(alarm.missed.iter().map(|key| (*key, test.now)));
            for sent in sent.iter().filter(|sent| sent.to == peers.get(keys[1]).unwrap().unicast()) {
                assert!(watchers.note_echo(keys[1], sent.nonce.unwrap()).is_some());
            }
        }
        assert_eq!(alarms, [(keys[0], last_heard + WATCH_EVERY * 2 + WATCH_AGAIN * 2)]);
    }

    #[test]
    fn a_late_echo_ends_the_row_and_so_does_a_standstill() {
        let mut test = TestContext::new(|_| {});
        let (mut watchers, mut peers, keys) = watched(&mut test, 1);
        let (_, first) = wake(&mut watchers, &mut peers, &mut test);
        let asked = test.now;
        let _ = wake(&mut watchers, &mut peers, &mut test);
        let late = watchers.note_echo(keys[0], first[0].nonce.unwrap());
        assert_eq!(late, Some(asked.into()), "it is late and an echo");
        for n in 0..20 {
            if n % 3 == 0 {
                watchers.forget_asked();
            }
            assert_eq!(wake(&mut watchers, &mut peers, &mut test).0, Alarm::default());
        }
    }

    #[test]
    fn whose_neighbours_all_stay_away_is_alone_and_whoever_is_not_up_is_not_watched() {
        let mut test = TestContext::new(|_| {});
        let (mut watchers, mut peers, keys) = watched(&mut test, 3);
        let alarm = (0..4).map(|_| wake(&mut watchers, &mut peers, &mut test).0).last().unwrap();
        assert_eq!((alarm.missed.as_slice(), alarm.alone), (&keys[..], true));
        peers.get_mut(keys[1]).unwrap().set_state(PeerState::Retrying, &mut test.context());
        test.outputs();
        assert_eq!(wake(&mut watchers, &mut peers, &mut test).1.len(), 2);
        watchers.choose(&[], &mut test.context());
        assert_eq!(watchers.deadline(), None);
    }
}
