//! What always holds between the parts, for tests.

use std::time::Instant;

use super::Engine;
use super::lifecycle::Lifecycle;
use super::limits::{MAX_BURSTS, MAX_DIALS_IN_FLIGHT};

impl Engine {
    /// Panics unless all parts agree with each other: for tests.
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        self.peers.check();
        self.remote_rows.check(&self.peers);
        let running = self.lifecycle == Lifecycle::Running;
        for peer in self.peers.iter().filter(|_| running) {
            self.dialer.check(peer);
        }
        if running {
            self.timers.check(self.peers.iter().filter_map(|peer| Some((peer.key(), peer.deadline()?))));
        }
        let in_flight = self.peers.iter().filter(|peer| peer.dial.is_in_flight()).count();
        assert!(!running || self.dialer.in_flight() == in_flight, "a dial in flight is a peer's");
        let bursts = self.peers.iter().filter(|peer| peer.probes.in_burst()).count();
        assert!(!running || self.prober.bursts() == bursts, "a burst is a peer's");
        assert!(in_flight <= MAX_DIALS_IN_FLIGHT && bursts <= MAX_BURSTS);
    }

    /// When the last diagnosis began: for tests of cost.
    #[doc(hidden)]
    pub fn diagnosis_began(&self) -> Option<Instant> {
        self.judging.schedule.began()
    }

    /// How many rows of the table were looked at until now, walks included: for tests of cost.
    #[doc(hidden)]
    pub fn steps(&self) -> u64 {
        self.peers.steps()
    }
}
