//! Which click is the second at the same thing.

use std::time::{Duration, Instant};

use crate::app::ui::FindingRow;
use crate::engine::peers::PeerKey;

/// Longest time between the two: what desktops have.
const APART: Duration = Duration::from_millis(500);

/// What a click was at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clicked {
    /// A peer's row.
    Peer(PeerKey),
    /// A finding's line.
    Finding(FindingRow),
    /// A row and a column of the matrix.
    Pair(usize, usize),
}

/// The last click.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Clicks(Option<(Instant, Clicked)>);

impl Clicks {
    /// There was one at this, or at nothing. Returns whether it is the second.
    pub(super) fn is_second(&mut self, clicked: Option<Clicked>, now: Instant) -> bool {
        let is_second = self.0.take().is_some_and(|(before, what)| {
            Some(what) == clicked && now.saturating_duration_since(before) <= APART
        });
        // A third one begins again.
        self.0 = clicked.filter(|_| !is_second).map(|clicked| (now, clicked));
        is_second
    }
}
