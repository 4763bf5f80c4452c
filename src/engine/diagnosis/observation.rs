//! What one node sees of another, by each way: the cell of a row of the matrix.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::cause::Cause;

/// Lost echoes, in percent, from which on a way counts as lossy.
pub const LOSSY: u8 = 10;

/// More in a row are never waited for: where so many are lost by chance, the loss is what is told.
pub(crate) const MOST_MISSING: u32 = 32;

/// Broadcasts of one peer that must be missing in a row, whatever is lost of other datagrams: one may be late.
pub(crate) const FEWEST_MISSING: u32 = 2;

/// How likely it may be that chance lost the broadcasts of one peer that are missing in a row: what is seen is then not fine, and several
/// that are missed by one, or of one, make a finding of it.
pub(crate) const MISSING_BY_CHANCE: f64 = 1e-3;

/// What is known of one way from one node to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathStatus {
    /// Not looked at yet, or too long ago.
    #[default]
    Unknown,
    /// It worked when it was last looked at, lately.
    Ok,
    /// It did not work when it was last looked at, lately.
    Failing,
}

impl PathStatus {
    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Failing => "failing",
        }
    }

    /// Whether it worked lately.
    pub fn is_ok(self) -> bool {
        self == Self::Ok
    }

    /// Whether it failed lately.
    pub fn is_failing(self) -> bool {
        self == Self::Failing
    }
}

/// What a node, the *observer*, sees of another one. Directions are told apart: what the observer sent, and what came in.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Observation {
    /// Dials of the observer: connect, request, reply.
    pub tcp: PathStatus,
    /// Unicast UDP echoes that the observer asked for: there and back.
    pub echo: PathStatus,
    /// Directed broadcasts of the other one that the observer heard.
    pub broadcast: PathStatus,
    /// Unicast datagrams of the other one that the observer heard.
    pub unicast: PathStatus,
    /// Exchanges of the other one that the observer answered. Never failing: how often it dials is its own affair.
    pub served: PathStatus,
    /// Datagrams of the observer that fill a whole Ethernet packet, while small ones pass.
    pub large: PathStatus,
    /// Share of the latest echoes that did not come back, in percent; none before there are enough.
    pub loss: Option<u8>,
    /// Why the last dial failed; none after a success.
    pub cause: Option<Cause>,
    /// Round trip of the last dial that succeeded.
    pub rtt: Option<Duration>,
    /// When the last dial ended.
    pub checked: Option<Instant>,
    /// When there was the last sign of life of the other one, by any way.
    pub alive: Option<Instant>,
    /// At which of its addresses the observer dials it, without a zone; none where that is not known. What is seen of one address
    /// says nothing of another.
    pub at: Option<IpAddr>,
    /// Of what another node told: since when, by this node's clock, it tells that it hears and reaches the other one in this way. None
    /// of what this node sees itself.
    pub told_since: Option<Instant>,
}

impl Observation {
    /// Every path: TCP, echo, broadcast, unicast, served, large.
    pub fn paths(&self) -> [PathStatus; 6] {
        [self.tcp, self.echo, self.broadcast, self.unicast, self.served, self.large]
    }

    /// Whether anything at all of the other one came in lately.
    pub fn hears(&self) -> PathStatus {
        let ways = [self.broadcast, self.unicast, self.served, self.echo, self.tcp];
        if ways.contains(&PathStatus::Ok) {
            PathStatus::Ok
        } else if ways.iter().any(|way| way.is_failing()) {
            PathStatus::Failing
        } else {
            PathStatus::Unknown
        }
    }

    /// Whether UDP of the other one came in lately, by broadcast or unicast.
    pub fn hears_udp(&self) -> PathStatus {
        match (self.broadcast, self.unicast, self.echo) {
            (PathStatus::Ok, ..) | (_, PathStatus::Ok, _) | (.., PathStatus::Ok) => PathStatus::Ok,
            (_, PathStatus::Failing, _) => PathStatus::Failing,
            _ => PathStatus::Unknown,
        }
    }

    /// Whether the other one is reached, by TCP or UDP.
    pub fn is_reached(&self) -> bool {
        self.tcp.is_ok() || self.echo.is_ok()
    }

    /// Whether packets are lost by chance, and more than a few.
    pub fn is_lossy(&self) -> bool {
        self.loss.is_some_and(|loss| loss >= LOSSY)
    }

    /// Whether nothing at all is wrong with it, as far as is known.
    pub fn is_fine(&self) -> bool {
        !self.paths().contains(&PathStatus::Failing) && !self.is_lossy()
    }

    /// Whether the same ways work and fail, for the same cause.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        self.paths() == other.paths() && self.cause == other.cause && self.at == other.at
    }

    /// Whether the same is heard and reached, and fails for the same cause.
    pub fn hears_the_same_as(&self, other: &Self) -> bool {
        let ways = |seen: &Self| [seen.tcp, seen.echo, seen.broadcast, seen.unicast];
        ways(self) == ways(other) && self.cause == other.cause && self.at == other.at
    }

    /// Makes all ways unknown: it is too old to be believed.
    #[must_use]
    pub fn stale(self) -> Self {
        Self {
            cause: None,
            rtt: None,
            checked: self.checked,
            alive: self.alive,
            at: self.at,
            told_since: self.told_since,
            ..Self::default()
        }
    }
}

/// How many must be missing in a row, so that chance loses them no more often than this where this share is lost.
pub(crate) fn missing_by(chance: f64, lost: f64) -> u32 {
    let is_enough = |count: &u32| f64::from(*count) * lost.ln() <= chance.ln();
    (1..MOST_MISSING).find(is_enough).unwrap_or(MOST_MISSING)
}

/// The share of datagrams that one way loses, if both lose as many and this is the share of the echoes that is lost.
pub(crate) fn one_way(echoes: f64) -> f64 {
    1.0 - (1.0 - echoes).sqrt()
}

/// Whether UDP of one node arrives at another: by the echoes that the first one got back, else by what the other one hears.
///
/// `mine` is what the sender sees of the receiver, `theirs` what the receiver sees of the sender.
pub fn udp_status(mine: &Observation, theirs: Option<&Observation>) -> PathStatus {
    if mine.echo.is_ok() {
        return PathStatus::Ok;
    }
    match theirs.map(Observation::hears_udp) {
        Some(known) if known != PathStatus::Unknown => known,
        // The echo may have been lost on its way back: that says nothing of the way there.
        _ => mine.echo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_is_lost_the_more_must_be_missing_and_where_all_is_lost_the_most() {
        let missing = [0.0, 0.01, 0.2, 0.4, 0.9, 1.0].map(|lost| missing_by(1e-4, lost));
        assert_eq!(missing, [1, 2, 6, 11, MOST_MISSING, MOST_MISSING]);
    }

    #[test]
    fn a_lost_echo_alone_does_not_tell_which_direction_fails() {
        let mine = Observation { echo: PathStatus::Failing, ..Observation::default() };
        let hears = Observation { unicast: PathStatus::Ok, ..Observation::default() };
        let deaf = Observation { unicast: PathStatus::Failing, ..Observation::default() };
        assert_eq!(udp_status(&mine, Some(&hears)), PathStatus::Ok);
        assert_eq!(udp_status(&mine, Some(&deaf)), PathStatus::Failing);
        assert_eq!(udp_status(&mine, None), PathStatus::Failing);
    }
}
