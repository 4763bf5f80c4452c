//! What the rows of the table are sorted by: one number for each column.

use std::time::{Duration, Instant};

use super::column::Column;
use super::order::GREATEST;
use super::peer::PeerRow;
use crate::engine::peers::{DialPhase, PeerState};
use crate::text::Reason;

/// What a peer is sorted by in a column, at most [`GREATEST`], the smallest first; none if it has no such value, which is last whatever the
/// direction. Names and addresses are compared themselves. What a person looks for comes first: trouble, the slowest,
/// the longest unheard, the next to be dialed.
pub(super) fn value(column: Column, peer: &PeerRow, epoch: Instant) -> Option<u64> {
    let since_epoch = |at: Instant| micros(at.saturating_duration_since(epoch));
    match column {
        Column::Name | Column::Address => Some(0),
        Column::State => Some(trouble(peer.state)),
        Column::Dial => match peer.dial() {
            DialPhase::InFlight { since, .. } => Some(nth(0, since_epoch(since))),
            DialPhase::Queued { .. } => Some(nth(1, 0)),
            DialPhase::Waiting { until, .. } => Some(nth(2, since_epoch(until))),
            DialPhase::Resting { next } => next.map(|next| nth(3, since_epoch(next))),
        },
        Column::RoundTrip => peer.rtt.map(|rtt| GREATEST - micros(rtt.into())),
        Column::Connect => peer.connect.map(|connect| GREATEST - micros(connect.into())),
        Column::Loss | Column::History => {
            peer.history.loss().map(|loss| u64::from(u32::MAX - per_million(loss)))
        }
        Column::Heard => Some(peer.last_heard().map_or(0, since_epoch)),
        Column::Via => peer.interface.as_deref().map(beginning),
        // What the diagnosis knows first, then what only a dial said.
        Column::Cause => match (peer.wrong(), peer.reason()) {
            (Some(verdict), _) => Some(verdict as u64),
            (None, Some(Reason::Dial(cause))) => Some(1 << 8 | cause as u64),
            (None, Some(Reason::NoAddress)) => Some(1 << 9),
            (None, Some(Reason::OnlyDialsIn)) => Some(1 << 10),
            (None, None) => None,
        },
    }
}

/// All values of one kind come before those of the next one.
fn nth(kind: u64, value: u64) -> u64 {
    const KIND_AT: u32 = GREATEST.count_ones() - 2;
    kind << KIND_AT | value.min((1 << KIND_AT) - 1)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn per_million(share: f32) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to a million")]
    let parts = (f64::from(share.clamp(0.0, 1.0)) * 1e6) as u32;
    parts
}

/// The beginning of a text, almost eight bytes of it, as a number in the same order.
fn beginning(text: &str) -> u64 {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    u64::from_be_bytes(bytes) >> (u64::BITS - GREATEST.count_ones())
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
