//! Since when a peer is observed, and since when there is trouble with it.

use std::time::{Duration, Instant};

use crate::engine::event::Icmp;
use crate::engine::limits::ASK_AGAIN;

/// The frame in which all that is seen of a peer is read: what is older than the trouble says nothing of it.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// Since when evidence is collected: the first time that the peer was known, a restart, a move.
    since: Instant,
    /// When the trouble began that is not over.
    trouble: Option<Instant>,
    /// What ICMP last said of a datagram to it, and when.
    icmp: Option<(Icmp, Instant)>,
    /// When others were last asked about it.
    asked: Option<Instant>,
}

impl Health {
    pub(crate) fn new(since: Instant) -> Self {
        Self { since, trouble: None, icmp: None, asked: None }
    }

    pub(crate) fn since(&self) -> Instant {
        self.since
    }

    /// What did not come until now is given its time.
    pub(crate) fn observe_from(&mut self, now: Instant) {
        self.since = now;
    }

    /// When the trouble began that is not over.
    pub(crate) fn trouble(&self) -> Option<Instant> {
        self.trouble
    }

    /// Something is wrong from here on.
    pub(crate) fn note_trouble(&mut self, at: Instant) {
        self.trouble.get_or_insert(at);
    }

    /// The trouble is over: what has not come back yet is given its time.
    pub(crate) fn end_trouble(&mut self, now: Instant) {
        self.trouble = None;
        self.since = now;
    }

    pub(crate) fn note_icmp(&mut self, icmp: Icmp, now: Instant) {
        self.icmp = Some((icmp, now));
    }

    /// What ICMP says of the trouble: it came `lately`, since the trouble began, and no echo came after it.
    pub(crate) fn icmp(&self, echoed: Option<Instant>, lately: Duration, now: Instant) -> Option<Icmp> {
        let (icmp, at) = self.icmp?;
        let of_the_trouble = self.trouble.is_some_and(|began| at >= began);
        let contradicted = echoed.is_some_and(|echoed| echoed >= at);
        let fresh = now.saturating_duration_since(at) <= lately;
        (of_the_trouble && !contradicted && fresh).then_some(icmp)
    }

    /// Whether others may be asked about it now; then they are.
    pub(crate) fn ask_others(&mut self, now: Instant) -> bool {
        let lately = self.asked.is_some_and(|at| now.saturating_duration_since(at) < ASK_AGAIN);
        if !lately {
            self.asked = Some(now);
        }
        !lately
    }
}
