//! What was observed of one peer, by each way, and what that says now.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::Nonce;
use crate::engine::cause::Cause;
use crate::engine::event::Icmp;
use crate::engine::observation::{LOSSY, Reach, Sight};

use crate::engine::limits::{BURST, ECHO_TIMEOUT, LARGE_LOST_IN_A_ROW, LOST_IN_A_ROW};

/// An echo that was asked for and is not counted yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Probe {
    pub(crate) nonce: Nonce,
    pub(crate) sent: Instant,
    pub(crate) large: bool,
    /// It is one of a burst: the regular ones are never all there.
    pub(crate) in_burst: bool,
    /// Its echo came. It waits for those that were asked for before it, so that outcomes are counted in the order of asking.
    pub(crate) answered: bool,
}

/// The last 32 outcomes of one kind of probe, a bit each: the latest is the lowest, and set if it was lost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    lost: u32,
    count: u8,
}

impl Window {
    pub(crate) fn push(&mut self, lost: bool) {
        self.lost = self.lost << 1 | u32::from(lost);
        self.count = (self.count + 1).min(32);
    }

    /// How many of the latest were lost one after the other.
    pub(crate) fn lost_in_a_row(self) -> u8 {
        let row = u8::try_from(self.lost.trailing_ones()).unwrap_or(32);
        row.min(self.count)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.count == 0
    }

    /// How many were lost, and in how many pieces. Losses in one piece are an outage, not loss.
    fn losses(self) -> (u32, u32) {
        let lost = self.lost & u32::MAX.checked_shr(32 - u32::from(self.count)).unwrap_or(0);
        // Each piece begins where a lost one follows one that was not.
        (lost.count_ones(), (lost & !(lost << 1)).count_ones())
    }

    /// Whether so much is lost here and there that it is no chance: three or more of the last 32, in two pieces or more. It is
    /// over when at most one of 32 is lost; in between it stays as it was. At 20 % loss, that ends it by chance once in 150.
    fn is_lossy(self, before: bool) -> bool {
        let (lost, pieces) = self.losses();
        if before { lost > 1 } else { self.count >= 8 && lost >= 3 && pieces >= 2 }
    }

    /// The share that was lost, in percent.
    fn share_lost(self) -> u8 {
        let share = self.losses().0 * 100 / u32::from(self.count.max(1));
        u8::try_from(share).unwrap_or(100)
    }
}

/// Several probes in quick succession, to tell loss from an outage.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Burst {
    pub(crate) left: u8,
    pub(crate) next: Instant,
}

/// A change of the round trip that is worth telling: by this factor, and not more often than once in [`RTT_TOLD_EVERY`].
const RTT_FACTOR: u32 = 2;
const RTT_TOLD_EVERY: Duration = Duration::from_mins(1);
/// A change of the loss that is worth telling, in percent.
const LOSS_STEP: u8 = 15;

/// What our row tells of a peer: not every change of what is seen is worth a word to all others.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) sight: Sight,
    /// When that last changed.
    at: Option<Instant>,
    rtt_at: Option<Instant>,
}

impl Told {
    /// Whether what is seen now is worth telling. In a network of too `many` for a whole matrix, only what is not fine is.
    pub(crate) fn is_news(&self, new: &Sight, dial_interval: Duration, many: bool, now: Instant) -> bool {
        let old = &self.sight;
        let lately =
            |at: Option<Instant>, within| at.is_some_and(|at| now.saturating_duration_since(at) < within);
        let rtt = match (old.rtt, new.rtt) {
            (Some(old), Some(new)) => {
                (new > old * RTT_FACTOR || old > new * RTT_FACTOR) && !lately(self.rtt_at, RTT_TOLD_EVERY)
            }
            (old, new) => old.is_some() != new.is_some(),
        };
        let loss = match (old.loss, new.loss) {
            (Some(old), Some(new)) => old.abs_diff(new) >= LOSS_STEP || (old == 0) != (new == 0),
            (old, new) => old != new,
        };
        let differs = old.ways() != new.ways() || old.cause != new.cause || loss || rtt;
        let both_fine = old.is_fine() && new.is_fine();
        // That one more way is known to be fine can wait; that one fails or no longer fails cannot.
        let can_wait = both_fine && (old.tcp == new.tcp || new.tcp == Reach::Unknown);
        let waits = match self.at {
            Some(at) => lately(Some(at), dial_interval),
            None => new.tcp == Reach::Unknown,
        };
        differs && !(can_wait && waits) && !(many && both_fine)
    }

    /// Notes what is told from now on.
    pub(crate) fn note(&mut self, sight: Sight, now: Instant) {
        if self.sight.rtt != sight.rtt {
            self.rtt_at = Some(now);
        }
        self.sight = sight;
        self.at = Some(now);
    }
}

/// How long evidence counts. All follow from what a person set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Of our regular dials.
    pub(crate) dial_interval: Duration,
    /// After this a status that was not renewed is unknown.
    pub(crate) fresh: Duration,
    /// How many of a peer's periods without a broadcast are too many.
    pub(crate) patience: u32,
}

/// All of it. Boxed in the peer's row.
#[derive(Debug, Clone)]
pub(crate) struct Evidence {
    /// Since when it is collected: the first time that the peer was known, a restart, a move.
    pub(crate) since: Instant,
    pub(crate) probes: SmallVec<[Probe; 1]>,
    pub(crate) echoes: Window,
    pub(crate) large: Window,
    /// Echoes are lost here and there.
    pub(crate) lossy: bool,
    /// When the last echo came.
    pub(crate) echoed: Option<Instant>,
    /// When an echo last came or was given up.
    pub(crate) resolved: Option<Instant>,
    pub(crate) next_probe: Option<Instant>,
    /// Counts the regular probes: every so often one is large.
    pub(crate) nth_probe: u8,
    pub(crate) burst: Option<Burst>,
    /// When the last burst began.
    pub(crate) burst_began: Option<Instant>,
    pub(crate) broadcast: Option<Instant>,
    pub(crate) unicast: Option<Instant>,
    pub(crate) served: Option<Instant>,
    /// When the last dial ended, and whether it got its reply.
    pub(crate) dialed: Option<(Instant, bool)>,
    /// When that dial began.
    pub(crate) dial_began: Option<Instant>,
    /// When the dial before that failed, and this one got its reply.
    pub(crate) dial_back: Option<Instant>,
    /// When the first echo came after many were lost.
    pub(crate) echo_back: Option<Instant>,
    /// When the latest of the lost probes was sent.
    pub(crate) lost_sent: Option<Instant>,
    /// When the trouble began that is not over.
    pub(crate) trouble: Option<Instant>,
    /// What ICMP last said of a datagram to it, and when.
    pub(crate) icmp: Option<(Icmp, Instant)>,
    /// When others were last asked about it.
    pub(crate) asked: Option<Instant>,
    /// Length of its network's prefix, in bits, as it says.
    pub(crate) prefix: Option<u8>,
    /// Version of our row in which its entry last changed.
    pub(crate) version: u64,
    /// The version of our row that it has.
    pub(crate) has: u64,
    /// What our row tells of it.
    pub(crate) told: Told,
}

impl Evidence {
    pub(crate) fn new(since: Instant) -> Self {
        Self {
            since,
            probes: SmallVec::new(),
            echoes: Window::default(),
            large: Window::default(),
            lossy: false,
            echoed: None,
            resolved: None,
            next_probe: None,
            nth_probe: 0,
            burst: None,
            burst_began: None,
            broadcast: None,
            unicast: None,
            served: None,
            dialed: None,
            dial_began: None,
            dial_back: None,
            echo_back: None,
            lost_sent: None,
            trouble: None,
            icmp: None,
            asked: None,
            prefix: None,
            version: 0,
            has: 0,
            told: Told::default(),
        }
    }

    /// Forgets what was seen of another life or at another address.
    pub(crate) fn begin_anew(&mut self, now: Instant) {
        *self = Self { version: self.version, prefix: self.prefix, ..Self::new(now) };
    }

    /// Counts the outcomes that are known, in the order of asking. Whether one of them was lost that may tell something new.
    pub(crate) fn count_outcomes(&mut self, now: Instant) -> bool {
        let mut lost_one = false;
        while let Some(probe) = self.probes.first().copied() {
            let lost = !probe.answered;
            if lost && probe.sent + ECHO_TIMEOUT > now {
                break;
            }
            self.probes.remove(0);
            self.resolved = Some(now);
            if !lost && !probe.large && self.echoes.lost_in_a_row() >= LOST_IN_A_ROW {
                self.echo_back = Some(now);
            }
            if probe.large {
                self.large.push(lost);
            } else {
                self.echoes.push(lost);
            }
            if lost {
                self.lost_sent = Some(probe.sent);
                self.note_trouble(probe.sent);
                lost_one |= !self.is_deaf();
            }
        }
        lost_one
    }

    /// A dial that began then has ended.
    pub(crate) fn note_dial(&mut self, began: Instant, now: Instant, ok: bool) {
        if ok && self.dialed.is_some_and(|(_, before)| !before) {
            self.dial_back = Some(now);
        }
        self.dialed = Some((now, ok));
        self.dial_began = Some(began);
    }

    /// Something is wrong from here on.
    pub(crate) fn note_trouble(&mut self, at: Instant) {
        self.trouble.get_or_insert(at);
    }

    /// Tells loss from chance, now that more echoes came or did not.
    pub(crate) fn note_loss(&mut self) {
        self.lossy = self.echoes.is_lossy(self.lossy);
    }

    /// The trouble is over: both ways worked since it began.
    pub(crate) fn forget_trouble_if_over(&mut self, now: Instant) {
        let Some(began) = self.trouble else { return };
        let dialed = self.dialed.is_some_and(|(at, ok)| ok && at >= began);
        let echoed = self.echoes.is_empty() || self.echoes.lost_in_a_row() == 0;
        if dialed && echoed && self.burst.is_none() {
            self.trouble = None;
            // What has not come back yet is given its time.
            self.since = now;
        }
    }

    /// When the peer's row must be looked at for the sake of its probes.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let first = self.probes.first().filter(|probe| !probe.answered);
        let lost = first.map(|probe| probe.sent + ECHO_TIMEOUT);
        [lost, self.next_probe, self.burst.map(|burst| burst.next)].into_iter().flatten().min()
    }

    /// Whether a burst is under way, or its last echoes are awaited.
    pub(crate) fn is_measuring(&self) -> bool {
        self.burst.is_some() || self.probes.iter().any(|probe| probe.in_burst)
    }

    /// Whether so many echoes in a row are missing that a burst would tell nothing new.
    pub(crate) fn is_deaf(&self) -> bool {
        self.echoes.lost_in_a_row() >= BURST
    }

    /// What ICMP says of the trouble: it came `lately`, since the trouble began, and no echo came after it.
    pub(crate) fn icmp(&self, lately: Duration, now: Instant) -> Option<Icmp> {
        let (icmp, at) = self.icmp?;
        let of_the_trouble = self.trouble.is_some_and(|began| at >= began);
        let contradicted = self.echoed.is_some_and(|echoed| echoed >= at);
        let fresh = now.saturating_duration_since(at) <= lately;
        (of_the_trouble && !contradicted && fresh).then_some(icmp)
    }

    /// The last sign of life, by any way.
    pub(crate) fn alive(&self) -> Option<Instant> {
        let dialed = self.dialed.filter(|(_, ok)| *ok).map(|(at, _)| at);
        [self.broadcast, self.unicast, self.served, self.echoed, dialed].into_iter().flatten().max()
    }

    /// What is seen of the peer. `period` is that of its presences, if it is on one of our links; `told` what the last dial told.
    pub(crate) fn sight(
        &self,
        period: Option<Duration>,
        told: (Option<Cause>, Option<Duration>),
        times: Times,
        now: Instant,
    ) -> Sight {
        let lately =
            |at: Option<Instant>, within| at.is_some_and(|at| now.saturating_duration_since(at) <= within);
        let known_for = |long| now.saturating_duration_since(self.since) >= long;
        let tcp = match self.dialed {
            Some((at, ok)) if lately(Some(at), times.fresh) => {
                if ok {
                    Reach::Ok
                } else {
                    Reach::Failing
                }
            }
            _ => Reach::Unknown,
        };
        // When one way is back, what the other one failed in before says nothing of it now.
        let tcp = if tcp.is_failing() && self.dial_began < self.echo_back { Reach::Unknown } else { tcp };
        let back = self.dial_back.is_some() && self.lost_sent < self.dial_back;
        let echo = if !lately(self.resolved, times.fresh) {
            Reach::Unknown
        } else if self.echoes.lost_in_a_row() >= LOST_IN_A_ROW {
            if back { Reach::Unknown } else { Reach::Failing }
        } else if lately(self.echoed, times.fresh) {
            Reach::Ok
        } else {
            Reach::Unknown
        };
        // While there is trouble, what was heard before it began says nothing, and silence counts after two periods.
        let heard = |at: Option<Instant>, long: Duration| match self.trouble {
            _ if !lately(at, long) && known_for(long) => Reach::Failing,
            Some(began) if at.is_none_or(|at| at < began) => {
                // Where echoes come, a missing broadcast may be lost by chance.
                let enough =
                    if echo.is_failing() { period.map(|period| period * 22 / 10) } else { Some(long) };
                let waited = enough.is_some_and(|enough| now.saturating_duration_since(began) >= enough);
                if waited { Reach::Failing } else { Reach::Unknown }
            }
            _ if lately(at, long) => Reach::Ok,
            _ => Reach::Unknown,
        };
        let broadcast = period.map_or(Reach::Unknown, |period| {
            // Where packets are lost, so are broadcasts: then twice as many must be missing.
            let patience = if self.echoes.losses().0 > 0 { times.patience * 2 } else { times.patience };
            let long = period * (patience * 11) / 10;
            // An echo from before the silence was noticed does not tell that the broadcasts alone are missing.
            let noticed = self.broadcast.unwrap_or(self.since) + long;
            match heard(self.broadcast, long) {
                Reach::Failing if echo.is_ok() && self.echoed.is_some_and(|at| at < noticed) => {
                    Reach::Unknown
                }
                heard => heard,
            }
        });
        let served_within = times.fresh + times.dial_interval / 2;
        let since_the_trouble = self.trouble.is_none_or(|began| self.served.is_some_and(|at| at >= began));
        let served = if lately(self.served, served_within) {
            if since_the_trouble { Reach::Ok } else { Reach::Unknown }
        } else {
            Reach::Unknown
        };
        let large = if self.large.lost_in_a_row() >= LARGE_LOST_IN_A_ROW && echo.is_ok() {
            Reach::Failing
        } else if !self.large.is_empty() && self.large.lost_in_a_row() == 0 {
            Reach::Ok
        } else {
            Reach::Unknown
        };
        Sight {
            tcp,
            echo,
            broadcast,
            unicast: if self.echoes.is_empty() {
                Reach::Unknown
            } else {
                heard(self.unicast, times.dial_interval * 5 / 2)
            },
            served,
            large,
            loss: (!self.echoes.is_empty())
                .then(|| if self.lossy { self.echoes.share_lost().max(LOSSY) } else { 0 }),
            cause: told.0.filter(|_| tcp.is_failing()),
            rtt: told.1,
            checked: self.dialed.map(|(at, _)| at),
            alive: self.alive(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(outcomes: &str) -> Window {
        let mut window = Window::default();
        for outcome in outcomes.chars() {
            window.push(outcome == 'x');
        }
        window
    }

    #[test]
    fn losses_here_and_there_are_loss_and_those_in_one_piece_are_an_outage() {
        let lossy = |outcomes| window(outcomes).is_lossy(false);
        assert!(lossy("..x..x..x..........."));
        assert!(!lossy("......xxxxxxxx......"), "an outage that is over");
        assert!(!lossy("............xxxxxxxx"), "one that is not");
        assert!(!lossy("xxxxxxxxxxxxxxxxxxxx"));
        assert!(!lossy("..x.x.............."), "two may be chance");
        assert!(!lossy("x.x.x."), "too few to tell");
        assert_eq!(window("..x..x..x...........").share_lost(), 15);
    }

    #[test]
    fn loss_is_over_when_hardly_any_is_left() {
        let (few, one) = ("x..x............................", "x...............................");
        assert!(!window(few).is_lossy(false), "it does not begin with two");
        assert!(window(few).is_lossy(true), "and does not end with them");
        assert!(!window(one).is_lossy(true));
    }

    #[test]
    fn only_the_latest_losses_are_in_a_row() {
        assert_eq!(window("xx.xxx").lost_in_a_row(), 3);
        assert_eq!(window("xxx.").lost_in_a_row(), 0);
        assert_eq!(window("xx").lost_in_a_row(), 2);
        assert_eq!(window("").lost_in_a_row(), 0);
    }
}
