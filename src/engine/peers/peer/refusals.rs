//! Whether a peer that hides refuses this node without a word: under a secret, which one of the two may have replaced too soon.

use crate::engine::cause::{Cause, Detail, Failure};
use crate::engine::limits::SHUT_OUT_TIMES;

use super::Peer;

/// What is known of how a peer refuses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refusals {
    /// What it says comes sealed: whoever has no key that it accepts gets no word of it.
    hides: bool,
    /// Dials in a row that it closed at the first message of the handshake.
    shut_out: u8,
}

impl Peer {
    /// A presence of it came, sealed or not.
    pub(crate) fn note_hiding(&mut self, hides: bool) {
        self.refusals.hides = hides;
    }

    /// A dial succeeded.
    pub(crate) fn note_admitted(&mut self) {
        self.refusals.shut_out = 0;
    }

    /// What a failed dial comes to. A peer that hides, whose presences this node could open, closes dials at the first message, one after
    /// the other, and does not answer a datagram: none of its keys is the one that this node uses. A process that ends closes one, and one that
    /// has no room for connections answers datagrams. Nothing of this hangs on what anybody else can send.
    pub(crate) fn weigh_refusal(&mut self, failure: Failure) -> Failure {
        if !matches!(*failure.detail, Detail::ShutOut) {
            self.refusals.shut_out = 0;
            return failure;
        }
        let Refusals { hides, ref mut shut_out } = self.refusals;
        *shut_out = shut_out.saturating_add(1);
        if hides && *shut_out >= SHUT_OUT_TIMES && self.probes.is_failing() {
            Failure { cause: Cause::WrongSecret, ..failure }
        } else {
            failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::exchange::shut_out;
    use crate::testkit::failure;

    #[test]
    fn a_dial_that_is_closed_without_a_word_says_nothing_of_a_peer_that_does_not_hide_or_answers_datagrams() {
        for hides in [false, true] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            peer.note_hiding(hides);
            for _ in 0..SHUT_OUT_TIMES * 2 {
                assert_eq!(peer.weigh_refusal(shut_out()).cause, Cause::ClosedEarly, "no echo was lost");
            }
            assert_eq!(peer.weigh_refusal(failure(Cause::Refused)).cause, Cause::Refused);
        }
    }
}
