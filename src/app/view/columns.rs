//! The columns of the peer table: which fit, how wide they are, and what stands in them.

use std::time::{Duration, Instant};

use ratatui::style::Style;

use super::super::model::Peer;
use super::super::theme::{Theme, glyph};
use super::text::age;
use crate::core::peer::{DialPhase, PeerState};
use crate::core::words::{Measured, Wait};

/// A column of the peer table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
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
    /// The last attempts as a sparkline.
    History,
    /// Time since anything was received from it.
    Heard,
    /// Connect time of the last dial that succeeded.
    Connect,
    /// Why the last dial failed.
    Cause,
}

/// How wide a column is.
#[derive(Debug, Clone, Copy)]
struct Width {
    /// It is not shown with less.
    least: u16,
    /// It takes no more.
    most: u16,
}

impl Column {
    /// As they stand, from the left.
    const ALL: [Self; 9] = [
        Self::Name,
        Self::Address,
        Self::State,
        Self::Dial,
        Self::RoundTrip,
        Self::History,
        Self::Heard,
        Self::Connect,
        Self::Cause,
    ];

    /// As they are given room: the first is never missing.
    const BY_PRIORITY: [Self; 9] = [
        Self::Name,
        Self::State,
        Self::Dial,
        Self::Address,
        Self::RoundTrip,
        Self::Heard,
        Self::Cause,
        Self::History,
        Self::Connect,
    ];

    /// The column's heading.
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Address => "address",
            Self::State => "state",
            Self::Dial => "dial",
            Self::RoundTrip => "rtt",
            Self::History => "history",
            Self::Heard => "heard",
            Self::Connect => "connect",
            Self::Cause => "cause",
        }
    }

    fn width(self) -> Width {
        let (least, most) = match self {
            Self::Name => (12, 24),
            Self::Address => (21, 28),
            Self::State | Self::Dial => (13, 14),
            Self::RoundTrip | Self::Connect => (8, 8),
            Self::History => (10, 30),
            Self::Heard => (6, 7),
            // The longest word of a cause: none is ever cut.
            Self::Cause => (21, u16::MAX),
        };
        Width { least, most }
    }

    /// What stands there for a peer; the history is drawn apart.
    pub(super) fn text(self, peer: &Peer, theme: Theme, now: Instant, width: u16) -> (String, Style) {
        let left = peer.state == PeerState::Left;
        let usual = if left { theme.dim() } else { theme.text() };
        match self {
            Self::Name => (peer.info.name.clone(), if left { theme.dim() } else { theme.strong() }),
            Self::Address => (peer.info.addr.to_string(), usual),
            Self::State => (format!("{} {}", glyph(peer.state), peer.state.word()), theme.state(peer.state)),
            Self::Dial => dial(peer.dial, theme, now),
            Self::RoundTrip => (measured(peer.rtt), usual),
            Self::Connect => (measured(peer.connect), usual),
            Self::History => (String::new(), usual),
            Self::Heard => {
                let heard = peer.last_heard.map(|at| age(now.saturating_duration_since(at)));
                (
                    heard.unwrap_or_else(|| "never".into()),
                    if peer.last_heard.is_some() { usual } else { theme.dim() },
                )
            }
            Self::Cause => (cause(peer, width), if left { theme.dim() } else { theme.warning() }),
        }
    }
}

/// Where a dial stands: `2/5 for 1.2 s`, `3/5 in 2.4 s`, and between dials `in 7 s`.
fn dial(phase: DialPhase, theme: Theme, now: Instant) -> (String, Style) {
    match phase {
        DialPhase::Resting { next: None } => (String::new(), theme.dim()),
        DialPhase::Resting { next: Some(next) } => {
            let wait = next.saturating_duration_since(now);
            (
                if wait < Duration::from_secs(1) { "now".into() } else { format!("in {}", age(wait)) },
                theme.dim(),
            )
        }
        DialPhase::Queued { attempt } => (format!("{attempt} queued"), theme.text()),
        DialPhase::InFlight { attempt, max, since } => {
            (format!("{attempt}/{max} for {}", Wait(now.saturating_duration_since(since))), theme.text())
        }
        DialPhase::Waiting { attempt, max, until } => {
            (format!("{attempt}/{max} in {}", Wait(until.saturating_duration_since(now))), theme.warning())
        }
    }
}

/// Whether a dial's text changes ten times a second.
pub(super) fn counts_tenths(phase: DialPhase, now: Instant) -> bool {
    const TENTHS_BELOW: Duration = Duration::from_secs(11);
    match phase {
        DialPhase::Resting { .. } | DialPhase::Queued { .. } => false,
        DialPhase::InFlight { since, .. } => now.saturating_duration_since(since) < TENTHS_BELOW,
        DialPhase::Waiting { until, .. } => {
            until > now && until.saturating_duration_since(now) < TENTHS_BELOW
        }
    }
}

fn measured(time: Option<Duration>) -> String {
    time.map(|time| Measured(time).to_string()).unwrap_or_default()
}

/// The cause as a sentence where it fits, else as its word.
fn cause(peer: &Peer, width: u16) -> String {
    let Some(cause) = peer.cause else { return String::new() };
    let words = format!("{}: {}", cause.word().replace('_', " "), cause.in_words());
    if super::text::columns(&words) <= usize::from(width) || width >= 40 {
        words
    } else {
        cause.word().replace('_', " ")
    }
}

/// The columns that fit, from the left, each with its width; a blank stands between two.
pub(super) fn fitting(room: u16) -> Vec<(Column, u16)> {
    let mut widths = [0_u16; Column::ALL.len()];
    let mut left = room;
    for (i, column) in Column::BY_PRIORITY.into_iter().enumerate() {
        let gap = u16::from(i > 0);
        let least = if i == 0 { column.width().least.min(room) } else { column.width().least };
        if least.saturating_add(gap) > left {
            break;
        }
        widths[column as usize] = least;
        left -= least + gap;
    }
    // What is left goes to those that can use it: first a little to the names, then to the rest.
    for (column, share) in [
        (Column::State, 1),
        (Column::Name, left / 3),
        (Column::Dial, 3),
        (Column::Address, left / 6),
        (Column::History, left / 4),
        (Column::Cause, u16::MAX),
        (Column::Name, u16::MAX),
        (Column::Address, u16::MAX),
        (Column::History, u16::MAX),
    ] {
        let width = &mut widths[column as usize];
        if *width > 0 {
            let more = share.min(left).min(column.width().most.saturating_sub(*width));
            *width += more;
            left -= more;
        }
    }
    Column::ALL.into_iter().zip(widths).filter(|(_, width)| *width > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_at_every_width_and_the_name_is_always_there() {
        for room in 1..400 {
            let columns = fitting(room);
            let gaps = u16::try_from(columns.len()).unwrap() - 1;
            assert!(columns.iter().map(|(_, width)| width).sum::<u16>() + gaps <= room, "{room}");
            assert_eq!(columns[0].0, Column::Name);
        }
    }

    #[test]
    fn a_usual_terminal_shows_the_round_trip_and_a_wide_one_everything() {
        let shows = |room, column| fitting(room).iter().any(|(c, _)| *c == column);
        assert!(shows(78, Column::RoundTrip));
        assert!(shows(118, Column::Cause) && shows(118, Column::History));
        assert!(Column::ALL.into_iter().all(|column| shows(198, column)));
    }
}
