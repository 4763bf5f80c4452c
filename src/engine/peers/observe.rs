//! What is seen of a peer: from what its parts know to one observation.

use std::time::{Duration, Instant};

use crate::engine::config::Config;
use crate::engine::context::fresh_for;
use crate::engine::observation::{Reach, Sight};

use super::peer::Peer;

/// How long evidence counts. All follow from what a person set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// Of our regular dials.
    dial_interval: Duration,
    /// After this a status that was not renewed is unknown.
    fresh: Duration,
    /// How many of a peer's periods without a broadcast are too many.
    patience: u32,
}

impl Times {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            dial_interval: config.dial_interval,
            fresh: fresh_for(config),
            patience: config.silent_after.max(3),
        }
    }
}

/// What is seen of the peer now. First tells loss from chance, and ends trouble that is over.
pub(crate) fn observe(peer: &mut Peer, times: Times, now: Instant) -> Sight {
    peer.probes.note_loss();
    end_trouble_if_over(peer, now);
    if peer.has_left() { Sight::default() } else { Observer { peer, times, now }.sight() }
}

/// Trouble is over when both ways worked since it began.
fn end_trouble_if_over(peer: &mut Peer, now: Instant) {
    let Some(began) = peer.health.trouble() else { return };
    let dialed = peer.dial.reached().is_some_and(|at| at >= began);
    if dialed && peer.probes.latest_came() && !peer.probes.in_burst() {
        peer.health.end_trouble(now);
    }
}

struct Observer<'a> {
    peer: &'a Peer,
    times: Times,
    now: Instant,
}

impl Observer<'_> {
    fn sight(&self) -> Sight {
        let Self { peer, times, now } = *self;
        let tcp = peer.dial.tcp_status(peer.probes.recovered(), times.fresh, now);
        let echo = peer.probes.echo_status(peer.dial.recovered(), times.fresh, now);
        Sight {
            tcp,
            echo,
            broadcast: self.broadcast(echo),
            unicast: self.unicast(echo),
            served: self.served(),
            large: peer.probes.large_status(echo),
            loss: peer.probes.loss(),
            cause: peer.dial.cause().filter(|_| tcp.is_failing()),
            rtt: peer.dial.rtt(),
            checked: peer.dial.ended(),
            alive: peer.last_alive(),
        }
    }

    fn is_within(&self, at: Option<Instant>, within: Duration) -> bool {
        at.is_some_and(|at| self.now.saturating_duration_since(at) <= within)
    }

    /// The period of its presences, if it is on one of our links.
    fn period(&self) -> Option<Duration> {
        self.peer.last_seen.period().filter(|_| self.peer.interface().is_some())
    }

    /// Whether what should come at least every `long` comes. While there is trouble, what was heard before it began says nothing,
    /// and silence counts after two periods.
    fn heard(&self, at: Option<Instant>, long: Duration, echo: Reach) -> Reach {
        let known_for_long = self.now.saturating_duration_since(self.peer.health.since()) >= long;
        match self.peer.health.trouble() {
            _ if !self.is_within(at, long) && known_for_long => Reach::Failing,
            Some(began) if at.is_none_or(|at| at < began) => {
                // Where echoes come, a missing broadcast may be lost by chance.
                let enough =
                    if echo.is_failing() { self.period().map(|period| period * 22 / 10) } else { Some(long) };
                let waited = self.now.saturating_duration_since(began);
                if enough.is_some_and(|enough| waited >= enough) { Reach::Failing } else { Reach::Unknown }
            }
            _ if self.is_within(at, long) => Reach::Ok,
            _ => Reach::Unknown,
        }
    }

    fn broadcast(&self, echo: Reach) -> Reach {
        let Some(period) = self.period() else { return Reach::Unknown };
        let last = self.peer.last_seen.broadcast();
        // Where packets are lost, so are broadcasts: then twice as many must be missing.
        let patience = self.times.patience * if self.peer.probes.lost_any() { 2 } else { 1 };
        let long = period * (patience * 11) / 10;
        // An echo from before the silence was noticed does not tell that the broadcasts alone are missing.
        let noticed = last.unwrap_or(self.peer.health.since()) + long;
        let outdated = echo.is_ok() && self.peer.probes.last_echo().is_some_and(|at| at < noticed);
        match self.heard(last, long, echo) {
            Reach::Failing if outdated => Reach::Unknown,
            heard => heard,
        }
    }

    fn unicast(&self, echo: Reach) -> Reach {
        if !self.peer.probes.has_outcomes() {
            return Reach::Unknown;
        }
        self.heard(self.peer.last_seen.unicast(), self.times.dial_interval * 5 / 2, echo)
    }

    /// Never failing: how often the other one dials is its own affair.
    fn served(&self) -> Reach {
        let at = self.peer.last_seen.served();
        let within = self.times.fresh + self.times.dial_interval / 2;
        let since_the_trouble =
            self.peer.health.trouble().is_none_or(|began| at.is_some_and(|at| at >= began));
        if self.is_within(at, within) && since_the_trouble { Reach::Ok } else { Reach::Unknown }
    }
}
