//! Whether a peer answers late: what its echoes and dials say of it, and what it means that it goes out of reach meanwhile.

use std::time::{Duration, Instant};

use crate::engine::limits::LATE_WITHIN;
use crate::engine::peers::PeerState;

use super::lateness::{Dialed, Lateness, Tardiness, is_late_echo};
use super::{Peer, Special};

impl Peer {
    /// Within which time it went out of `up` several times, if it did lately: it comes and goes. Not if its program was late meanwhile, and
    /// its system was not.
    pub(crate) fn flaps_within(&self, now: Instant) -> Option<Duration> {
        let special = self.special.as_ref()?;
        let within = special.flaps.within(self.state == PeerState::Up, now)?;
        (!special.goes_for_lateness()).then_some(within)
    }

    /// When it last went out of `up`.
    pub(crate) fn went(&self) -> Option<Instant> {
        self.special.as_ref()?.flaps.last().map(Instant::from)
    }

    /// An echo that was asked for then has come; whether the peer is known to be slow by that.
    pub(crate) fn note_echo_asked(&mut self, asked: Instant, now: Instant) -> bool {
        let Some(connect) = self.dial.connect().filter(|_| is_late_echo(asked, now)) else { return false };
        self.special.get_or_insert_default().lateness.note_echo(asked, connect, now)
    }

    /// A dial that began then has its reply, or none came to it though the connection stood; whether the peer is known to be slow by that.
    pub(crate) fn note_dialed(&mut self, dialed: Dialed, now: Instant) -> bool {
        if dialed.is_by_a_slow_way() {
            if let Some(special) = &mut self.special {
                special.lateness = Lateness::default();
            }
            return false;
        }
        dialed.is_late(now) && self.special.get_or_insert_default().lateness.note_dial(dialed, now)
    }

    /// Whether its program answers late, though its system does not.
    pub(crate) fn tardiness(&self, now: Instant) -> Tardiness {
        let Some(special) = &self.special else { return Tardiness::default() };
        let flaps = special.flaps.within(self.state == PeerState::Up, now).is_some();
        let once = flaps && special.goes_for_lateness();
        special.lateness.tardiness(once, self.last_alive(), now.into())
    }
}

impl Special {
    /// Whether the program was late about when the peer went out of `up`, and its system was not: then it did not go for anything on the
    /// way.
    fn goes_for_lateness(&self) -> bool {
        self.lateness.last().is_some_and(|late| Some(late + LATE_WITHIN) >= self.flaps.first())
    }
}
