//! Which peer has which fault, and when: decided by a seed and nothing else.
//!
//! Faults are dealt like cards, so that each kind comes up again and again; a peer that has recovered waits until all others
//! had theirs.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// The first fault comes after a new user has seen all peers up.
const FIRST: Duration = Duration::from_secs(3);
/// The first faults follow each other quickly, so that there is something to see.
const QUICK: (usize, Duration) = (3, Duration::from_secs(1));
/// In this time every peer has a fault once, on average: at about 20 s each, a third of the peers is faulty.
const ROUND: Duration = Duration::from_mins(1);
/// Between two faults: few peers still show something, and many can still be followed in the log.
const PAUSES: RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(5);

/// What can go wrong with a peer, in the order in which it first does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Fault {
    /// Nothing listens on its TCP port.
    Refuses,
    /// It accepts connections and answers none.
    Hangs,
    /// It answers some connections and not others.
    Loses,
    /// It crashes and restarts at once.
    Restarts,
    /// It says goodbye, and comes back later.
    Leaves,
    /// It ends without a goodbye, and comes back later.
    Dies,
    /// The same, and it comes back at another address.
    Moves,
    /// A firewall drops what is sent to its TCP port.
    Drops,
    /// Nothing reaches it, and nothing comes from it.
    Disconnects,
    /// What others send to everybody does not reach it.
    MissesBroadcasts,
    /// Its netmask is that of another network.
    WrongNetmask,
}

impl Fault {
    pub(super) const ALL: [Self; 11] = [
        Self::Refuses,
        Self::Hangs,
        Self::Loses,
        Self::Restarts,
        Self::Leaves,
        Self::Dies,
        Self::Moves,
        Self::Drops,
        Self::Disconnects,
        Self::MissesBroadcasts,
        Self::WrongNetmask,
    ];

    /// Whether it can be made on this system: dials that get no answer need a kernel that gives none where a queue is full.
    pub(super) fn is_possible(self) -> bool {
        cfg!(target_os = "linux") || !matches!(self, Self::Drops | Self::Disconnects | Self::WrongNetmask)
    }

    /// Those that can be made here.
    fn cards() -> Vec<Self> {
        Self::ALL.into_iter().filter(|fault| fault.is_possible()).collect()
    }

    /// How long it lasts, in seconds: until the screen has shown all that comes of it.
    fn lasts(self) -> RangeInclusive<u64> {
        match self {
            Self::Refuses => 18..=28,
            Self::Hangs | Self::Disconnects | Self::WrongNetmask => 20..=30,
            Self::Loses => 25..=40,
            Self::Restarts => 1..=2,
            Self::Leaves => 10..=20,
            Self::Dies => 15..=25,
            Self::Moves => 12..=16,
            Self::Drops => 25..=35,
            Self::MissesBroadcasts => 30..=40,
        }
    }
}

/// A fault begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Begin(Fault),
    End(Fault),
}

/// One step of the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FaultStep {
    /// Since the beginning.
    pub(super) at: Duration,
    /// Its number, from 0.
    pub(super) peer: u8,
    pub(super) act: Act,
}

/// The steps in the order of time, without an end.
#[derive(Debug)]
pub(super) struct FaultSchedule {
    rng: StdRng,
    /// Peers without a fault; the first is next.
    well: VecDeque<u8>,
    /// Until when which peer has which fault.
    faulty: Vec<(Duration, u8, Fault)>,
    /// Faulty peers at once.
    most: usize,
    /// What is left of the cards; the last is next.
    cards: Vec<Fault>,
    dealt: usize,
    /// When the next is dealt.
    next: Duration,
    pause: Duration,
}

impl FaultSchedule {
    /// For this many peers, at least one. At most half of them are faulty at once.
    pub(super) fn new(peers: u8, seed: [u8; 32]) -> Self {
        let mut rng = StdRng::from_seed(seed);
        let mut well: Vec<u8> = (0..peers).collect();
        well.shuffle(&mut rng);
        let pause = (ROUND / u32::from(peers.max(1))).clamp(*PAUSES.start(), *PAUSES.end());
        let mut cards = Fault::cards();
        cards.reverse();
        let most = usize::from(peers / 2).max(1);
        Self { rng, well: well.into(), faulty: Vec::new(), most, cards, dealt: 0, next: FIRST, pause }
    }

    /// The fault that ends first, if it does so before the next one is dealt.
    fn end_one(&mut self) -> Option<FaultStep> {
        let (i, &(at, peer, fault)) = self.faulty.iter().enumerate().min_by_key(|(_, t)| t.0)?;
        (at <= self.next).then(|| {
            self.faulty.swap_remove(i);
            self.well.push_back(peer);
            FaultStep { at, peer, act: Act::End(fault) }
        })
    }

    /// Deals a fault, if somebody may have one now.
    fn begin_one(&mut self) -> Option<FaultStep> {
        let at = self.next;
        self.dealt += 1;
        let pause = if self.dealt < QUICK.0 { QUICK.1.min(self.pause) } else { self.pause };
        self.next += pause.mul_f64(self.rng.random_range(0.7..=1.3));
        if self.faulty.len() >= self.most {
            return None;
        }
        let peer = self.well.pop_front()?;
        let fault = self.draw();
        let lasts = Duration::from_secs(self.rng.random_range(fault.lasts()));
        self.faulty.push((at + lasts, peer, fault));
        Some(FaultStep { at, peer, act: Act::Begin(fault) })
    }

    fn draw(&mut self) -> Fault {
        if self.cards.is_empty() {
            self.cards = Fault::cards();
            self.cards.shuffle(&mut self.rng);
        }
        self.cards.pop().expect("invariant: the cards were shuffled just above")
    }
}

impl Iterator for FaultSchedule {
    type Item = FaultStep;

    /// None only where there are no peers.
    fn next(&mut self) -> Option<FaultStep> {
        while !(self.well.is_empty() && self.faulty.is_empty()) {
            if let Some(step) = self.end_one().or_else(|| self.begin_one()) {
                return Some(step);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;

    const LONG: Duration = Duration::from_mins(10);

    fn schedule(peers: u8, seed: u8) -> Vec<FaultStep> {
        FaultSchedule::new(peers, [seed; 32]).take_while(|step| step.at < LONG).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        assert_eq!(schedule(12, 1), schedule(12, 1));
        assert_ne!(schedule(12, 1), schedule(12, 2));
    }

    #[test]
    fn steps_come_in_the_order_of_time_and_what_begins_ends_before_the_peer_has_the_next() {
        for peers in [1, 2, 6, 12, 200] {
            let mut faulty: HashMap<u8, (Fault, Duration)> = HashMap::new();
            let steps = schedule(peers, peers);
            assert!(steps.is_sorted_by_key(|step| step.at), "{peers}");
            for FaultStep { at, peer, act } in steps {
                assert!(peer < peers);
                match act {
                    Act::Begin(fault) => assert_eq!(faulty.insert(peer, (fault, at)), None),
                    Act::End(fault) => {
                        let (begun, since) = faulty.remove(&peer).unwrap();
                        assert_eq!(begun, fault);
                        let lasted = at.saturating_sub(since).as_secs();
                        assert!(fault.lasts().contains(&lasted), "{fault:?}");
                    }
                }
                assert!(faulty.len() <= usize::from(peers / 2).max(1), "{peers}: half of them are well");
            }
        }
    }

    #[test]
    fn a_newcomer_sees_a_refusal_a_hang_and_losses_within_seconds_of_the_start() {
        for peers in [6, 12, 200] {
            let first: Vec<FaultStep> = schedule(peers, 0).into_iter().take(3).collect();
            assert_eq!(
                first.iter().map(|step| step.act).collect::<Vec<_>>(),
                [Fault::Refuses, Fault::Hangs, Fault::Loses].map(Act::Begin)
            );
            assert!(first.iter().all(|step| step.at <= Duration::from_secs(6)), "{first:?}");
        }
    }

    #[test]
    fn every_fault_and_every_peer_has_its_turn() {
        for peers in [12, 50, 100] {
            let begun: Vec<FaultStep> =
                schedule(peers, 7).into_iter().filter(|step| matches!(step.act, Act::Begin(_))).collect();
            let peers_seen: HashSet<u8> = begun.iter().map(|step| step.peer).collect();
            assert_eq!(peers_seen.len(), usize::from(peers));
            for fault in Fault::ALL {
                let times = begun.iter().filter(|step| step.act == Act::Begin(fault)).count();
                assert!(times >= begun.len() / 12, "{fault:?}: {times} of {}", begun.len());
            }
        }
    }

    #[test]
    fn without_peers_nothing_happens() {
        assert_eq!(FaultSchedule::new(0, [0; 32]).next(), None);
    }
}
