//! What the last dial of one address of a peer said.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::engine::limits::{PATH_CHECKED_EVERY, PATH_TRIED_EVERY};
use crate::engine::micros::Micros;
use crate::engine::moment::Moment;

/// How an address of a peer fares, as the last dial of it went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathState {
    /// It was not dialed yet.
    #[default]
    Unknown,
    /// The peer replied there.
    Up,
    /// It did not.
    Failing,
}

impl PathState {
    /// All states.
    pub const ALL: [Self; 3] = [Self::Unknown, Self::Up, Self::Failing];

    /// The contract's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Up => "up",
            Self::Failing => "failing",
        }
    }
}

/// What the last dial of an address said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Check {
    pub(super) state: PathState,
    /// When it ended.
    at: Moment,
    rtt: Option<Micros>,
}

impl Check {
    /// A dial ended like this; `rtt` is the round trip of the last one that got its reply.
    pub(super) fn new(state: PathState, ended: Instant, rtt: Option<Duration>) -> Self {
        Self { state, at: ended.into(), rtt: rtt.map(Micros::from) }
    }

    /// Round trip of the last dial that got its reply.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtt.map(Duration::from)
    }

    /// When the last dial got its reply, if it did.
    pub(super) fn replied(&self) -> Option<Moment> {
        (self.state == PathState::Up).then_some(self.at)
    }

    /// Whether it is time to look again.
    pub(super) fn is_old(&self, now: Instant) -> bool {
        let every = if self.state == PathState::Failing { PATH_TRIED_EVERY } else { PATH_CHECKED_EVERY };
        Moment::from(now).since(self.at) >= every
    }
}
