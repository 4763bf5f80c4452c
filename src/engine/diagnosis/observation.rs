//! What one node sees of another, by each way: the cell of a row of the matrix.

use std::time::{Duration, Instant};

use serde::Serialize;

use crate::engine::cause::Cause;

/// Lost echoes, in percent, from which on a way counts as lossy.
pub const LOSSY: u8 = 10;

/// What is known of one way from one node to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Not looked at yet, or too long ago.
    #[default]
    Unknown,
    /// It worked when it was last looked at, lately.
    Ok,
    /// It did not work when it was last looked at, lately.
    Failing,
}

impl Reach {
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
pub struct Sight {
    /// Dials of the observer: connect, request, reply.
    pub tcp: Reach,
    /// Unicast UDP echoes that the observer asked for: there and back.
    pub echo: Reach,
    /// Directed broadcasts of the other one that the observer heard.
    pub broadcast: Reach,
    /// Unicast datagrams of the other one that the observer heard.
    pub unicast: Reach,
    /// Exchanges of the other one that the observer answered. Never failing: how often it dials is its own affair.
    pub served: Reach,
    /// Datagrams of the observer that fill a whole Ethernet packet, while small ones pass.
    pub large: Reach,
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
}

impl Sight {
    /// Every path: TCP, echo, broadcast, unicast, served, large.
    pub fn paths(&self) -> [Reach; 6] {
        [self.tcp, self.echo, self.broadcast, self.unicast, self.served, self.large]
    }

    /// Whether anything at all of the other one came in lately.
    pub fn hears(&self) -> Reach {
        let ways = [self.broadcast, self.unicast, self.served, self.echo, self.tcp];
        if ways.contains(&Reach::Ok) {
            Reach::Ok
        } else if ways.iter().any(|way| way.is_failing()) {
            Reach::Failing
        } else {
            Reach::Unknown
        }
    }

    /// Whether UDP of the other one came in lately, by broadcast or unicast.
    pub fn hears_udp(&self) -> Reach {
        match (self.broadcast, self.unicast, self.echo) {
            (Reach::Ok, ..) | (_, Reach::Ok, _) | (.., Reach::Ok) => Reach::Ok,
            (_, Reach::Failing, _) => Reach::Failing,
            _ => Reach::Unknown,
        }
    }

    /// Whether nothing at all is wrong with it, as far as is known.
    pub fn is_fine(&self) -> bool {
        !self.paths().contains(&Reach::Failing) && self.loss.is_none_or(|loss| loss < LOSSY)
    }

    /// Makes all ways unknown: it is too old to be believed.
    #[must_use]
    pub fn stale(self) -> Self {
        Self { cause: None, rtt: None, checked: self.checked, alive: self.alive, ..Self::default() }
    }
}

/// Whether UDP of one node arrives at another: by the echoes that the first one got back, else by what the other one hears.
///
/// `mine` is what the sender sees of the receiver, `theirs` what the receiver sees of the sender.
pub fn udp_arrives(mine: &Sight, theirs: Option<&Sight>) -> Reach {
    if mine.echo.is_ok() {
        return Reach::Ok;
    }
    match theirs.map(Sight::hears_udp) {
        Some(known) if known != Reach::Unknown => known,
        // The echo may have been lost on its way back: that says nothing of the way there.
        _ => mine.echo,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_echo_alone_does_not_tell_which_direction_fails() {
        let mine = Sight { echo: Reach::Failing, ..Sight::default() };
        let hears = Sight { unicast: Reach::Ok, ..Sight::default() };
        let deaf = Sight { unicast: Reach::Failing, ..Sight::default() };
        assert_eq!(udp_arrives(&mine, Some(&hears)), Reach::Ok);
        assert_eq!(udp_arrives(&mine, Some(&deaf)), Reach::Failing);
        assert_eq!(udp_arrives(&mine, None), Reach::Failing);
    }
}
