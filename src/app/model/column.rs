//! The columns of the peer table: what can be shown of a peer, and what its rows can be sorted by.

use std::time::Instant;

use super::peer::Peer;
use crate::engine::peers::{DialPhase, PeerState};

/// A column of the peer table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Column {
    /// The peer's name.
    Name,
    /// Where it is dialed.
    Address,
    /// Its state: glyph and word.
    State,
    /// Where its dial stands.
    Dial,
    /// Round trip of the last dial that succeeded.
    RoundTrip,
    /// Share of the last attempts that failed.
    Loss,
    /// The last attempts as a sparkline.
    History,
    /// Time since anything was received from it.
    Heard,
    /// Connect time of the last dial that succeeded.
    Connect,
    /// The interface towards it, and how it was found.
    Via,
    /// What is wrong with it: the diagnosis, else why the last dial failed.
    Cause,
}

impl Column {
    /// As they stand, from the left.
    pub const ALL: [Self; 11] = [
        Self::Name,
        Self::Address,
        Self::State,
        Self::Dial,
        Self::RoundTrip,
        Self::Loss,
        Self::History,
        Self::Heard,
        Self::Connect,
        Self::Via,
        Self::Cause,
    ];

    /// The column's heading.
    pub fn heading(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::State => "state",
            Self::Dial => "dial",
            Self::RoundTrip => "rtt",
            Self::Loss => "loss",
            Self::History => "history",
            Self::Heard => "heard",
            Self::Connect => "connect",
            Self::Via => "via",
            Self::Cause => "cause",
        }
    }

    /// The next one to sort by.
    #[must_use]
    pub fn next(self) -> Self {
        Self::ALL[(self as usize + 1) % Self::ALL.len()]
    }

    /// Whether its figures fall when what a person looks for comes first.
    pub fn falls(self) -> bool {
        matches!(self, Self::RoundTrip | Self::Loss | Self::History | Self::Heard | Self::Connect)
    }

    /// What a peer is sorted by here, the smallest first; none if it has no such value, which is last whatever the
    /// direction. Names and addresses are compared themselves. What a person looks for comes first: trouble, the slowest,
    /// the longest unheard, the next to be dialed.
    pub(super) fn value(self, peer: &Peer, epoch: Instant) -> Option<u64> {
        let since_epoch = |at: Instant| micros(at.saturating_duration_since(epoch));
        match self {
            Self::Name | Self::Address => Some(0),
            Self::State => Some(trouble(peer.state)),
            Self::Dial => match peer.dial {
                DialPhase::InFlight { since, .. } => Some(since_epoch(since) >> 2),
                DialPhase::Queued { .. } => Some(1 << 61),
                DialPhase::Waiting { until, .. } => Some(1 << 62 | since_epoch(until) >> 2),
                DialPhase::Resting { next } => next.map(|next| 1 << 63 | since_epoch(next) >> 2),
            },
            Self::RoundTrip => peer.rtt.map(|rtt| u64::MAX - micros(rtt)),
            Self::Connect => peer.connect.map(|connect| u64::MAX - micros(connect)),
            Self::Loss | Self::History => {
                peer.history.loss().map(|loss| u64::from(u32::MAX - per_million(loss)))
            }
            Self::Heard => Some(peer.last_heard.map_or(0, since_epoch)),
            Self::Via => peer.interface.as_deref().map(beginning),
            // What the diagnosis knows first, then what only a dial said.
            Self::Cause => match (peer.wrong(), peer.cause) {
                (Some(verdict), _) => Some(verdict as u64),
                (None, cause) => cause.map(|cause| 1 << 8 | cause as u64),
            },
        }
    }
}

fn micros(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn per_million(share: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
    let parts = (f64::from(share.clamp(0.0, 1.0)) * 1e6) as u32;
    parts
}

/// The first eight bytes of a text as a number in the same order.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(bytes)
}

/// The worst first. One that is new stands where it will when it is up, so that the first dials move nothing.
fn trouble(state: PeerState) -> u64 {
    match state {
        PeerState::Unreachable => 0,
        PeerState::Silent => 1,
        PeerState::Retrying => 2,
        PeerState::New | PeerState::Up => 3,
        PeerState::Left => 4,
    }
}
