//! What the contract leaves out of a row of the table, and of what is seen of a peer.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::cause::Cause;
use crate::engine::observation::{Observation, PathStatus};
use crate::engine::peers::{DialPhase, PeerSnapshot};

use super::epoch::Epoch;
use super::forms::Claimed;
use super::keys::row_of;

/// Of a row of the table.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PeerMore {
    /// Its number.
    pub(super) row: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) connect_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) last_heard: Option<i64>,
    pub(super) seen: Seen,
    pub(super) dial: Dial,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interface: Option<Arc<str>>,
    /// Where it has other addresses than the one that is dialed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) elsewhere: Option<ElsewhereMore>,
}

/// Of a peer's addresses.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ElsewhereMore {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) claimed: Claimed,
    /// When it was last heard from each, and whether it has proved that it receives there.
    pub(super) heard: Vec<(i64, bool)>,
}

/// Where its dial stands.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub(super) enum Dial {
    Resting { next: Option<i64> },
    Queued { attempt: u32 },
    InFlight { attempt: u32, max: u32, since: i64 },
    Waiting { attempt: u32, max: u32, since: i64, until: i64 },
}

impl Default for Dial {
    fn default() -> Self {
        Self::Resting { next: None }
    }
}

/// What a node sees of another.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Seen {
    /// A letter for each path: ok, failing, unknown. TCP, echo, broadcast, unicast, served, large.
    pub(super) paths: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<Cause>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt_us: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checked: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alive: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<IpAddr>,
}

impl PeerMore {
    pub(super) fn of(peer: &PeerSnapshot, epoch: Epoch) -> Self {
        let elsewhere = peer.elsewhere.as_ref().map(|elsewhere| ElsewhereMore {
            claimed: elsewhere.claimed,
            heard: elsewhere.heard.iter().map(|from| (epoch.number(from.last), from.proven)).collect(),
        });
        Self {
            row: row_of(peer.info.key),
            connect_us: peer.connect.map(micros),
            last_heard: peer.last_heard.map(|at| epoch.number(at)),
            seen: Seen::of(&peer.observation, epoch),
            dial: Dial::of(peer.dial, epoch),
            interface: peer.interface.clone(),
            elsewhere,
        }
    }
}

impl Dial {
    fn of(phase: DialPhase, epoch: Epoch) -> Self {
        let number = |at: Instant| epoch.number(at);
        match phase {
            DialPhase::Resting { next } => Self::Resting { next: next.map(number) },
            DialPhase::Queued { attempt } => Self::Queued { attempt },
            DialPhase::InFlight { attempt, max, since } => {
                Self::InFlight { attempt, max, since: number(since) }
            }
            DialPhase::Waiting { attempt, max, since, until } => {
                Self::Waiting { attempt, max, since: number(since), until: number(until) }
            }
        }
    }

    pub(super) fn phase(&self, epoch: Epoch) -> DialPhase {
        let instant = |number: i64| epoch.instant(number);
        match *self {
            Self::Resting { next } => DialPhase::Resting { next: next.map(instant) },
            Self::Queued { attempt } => DialPhase::Queued { attempt },
            Self::InFlight { attempt, max, since } => {
                DialPhase::InFlight { attempt, max, since: instant(since) }
            }
            Self::Waiting { attempt, max, since, until } => {
                DialPhase::Waiting { attempt, max, since: instant(since), until: instant(until) }
            }
        }
    }
}

impl Seen {
    pub(super) fn of(observation: &Observation, epoch: Epoch) -> Self {
        let Observation {
            tcp,
            echo,
            broadcast,
            unicast,
            served,
            large,
            loss,
            cause,
            rtt,
            checked,
            alive,
            at,
            // A diagnosis is made by the node alone.
            told_since: _,
        } = *observation;
        Self {
            paths: [tcp, echo, broadcast, unicast, served, large].map(letter).iter().collect(),
            loss,
            cause,
            rtt_us: rtt.map(micros),
            checked: checked.map(|at| epoch.number(at)),
            alive: alive.map(|at| epoch.number(at)),
            at,
        }
    }

    pub(super) fn observation(&self, epoch: Epoch) -> Observation {
        let mut paths = self.paths.chars().map(status);
        let mut path = || paths.next().unwrap_or_default();
        Observation {
            tcp: path(),
            echo: path(),
            broadcast: path(),
            unicast: path(),
            served: path(),
            large: path(),
            loss: self.loss,
            cause: self.cause,
            rtt: self.rtt_us.map(Duration::from_micros),
            checked: self.checked.map(|at| epoch.instant(at)),
            alive: self.alive.map(|at| epoch.instant(at)),
            at: self.at,
            told_since: None,
        }
    }
}

fn letter(status: PathStatus) -> char {
    match status {
        PathStatus::Ok => 'o',
        PathStatus::Failing => 'f',
        PathStatus::Unknown => 'u',
    }
}

fn status(letter: char) -> PathStatus {
    match letter {
        'o' => PathStatus::Ok,
        'f' => PathStatus::Failing,
        _ => PathStatus::Unknown,
    }
}

/// A time in whole microseconds.
pub(super) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
