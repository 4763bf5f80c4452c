//! TCP where packets are lost: what is not acknowledged is sent again, as Linux does it.

use std::time::Duration;

use rand::RngExt as _;

use super::{HostId, Lan};
use crate::testkit::{ms, secs};

/// When a SYN without an answer is sent again (RFC 6298 section 2.1), the first times (Linux since 6.5: `tcp_syn_linear_timeouts`); and
/// about when the answer is that is not acknowledged.
const SYN_AGAIN: Duration = secs(1);
/// When a segment without an acknowledgement is sent again, where round trips are short; doubled each time (Linux: `TCP_RTO_MIN`).
const SEGMENT_AGAIN: Duration = ms(200);
/// So often at most.
const MOST_TIMES: u32 = 12;

impl Lan {
    /// How much later than without loss a connection stands: its SYN must pass, and then the answer.
    pub(super) fn shaken_after(&mut self, from: HostId, to: HostId) -> Duration {
        let (there, back) = (self.link_between(from, to).loss, self.link_between(to, from).loss);
        if there == 0.0 && back == 0.0 {
            return Duration::ZERO;
        }
        let mut heard = false;
        let fails = |_: &u32| {
            heard = heard || !self.rng.random_bool(there);
            !heard || self.rng.random_bool(back)
        };
        SYN_AGAIN * u32::try_from((0..MOST_TIMES).take_while(fails).count()).unwrap_or(MOST_TIMES)
    }

    /// How much later than without loss a segment arrives.
    pub(super) fn sent_after(&mut self, from: HostId, to: HostId) -> Duration {
        let loss = self.link_between(from, to).loss;
        if loss == 0.0 {
            return Duration::ZERO;
        }
        let times = (0..MOST_TIMES).take_while(|_| self.rng.random_bool(loss)).count();
        (0..times).fold((Duration::ZERO, SEGMENT_AGAIN), |(sum, wait), _| (sum + wait, wait * 2)).0
    }
}
