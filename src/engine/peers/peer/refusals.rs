//! Whether a peer that hides refuses this node without a word: under a secret, which one of the two may have replaced too soon.

use crate::engine::cause::{Cause, Detail, Failure};
use crate::engine::limits::SHUT_OUT_TIMES;

/// What is known of how a peer refuses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Refusals {
    /// What it says comes sealed: whoever has no key that it accepts gets no word of it.
    hides: bool,
    /// Dials in a row that it closed at the first message of the handshake.
    shut_out: u8,
}

impl Refusals {
    /// A presence of it came, sealed or not.
    pub(super) fn note_hiding(&mut self, hides: bool) {
        self.hides = hides;
    }

    /// A dial succeeded.
    pub(super) fn note_admitted(&mut self) {
        self.shut_out = 0;
    }

    /// What a failed dial comes to. A peer that hides, whose presences this node could open, closes dials at the first message, one after
    /// the other, and does not answer a datagram: none of its keys is the one that this node uses. A process that ends closes one, and one that
    /// has no room for connections answers datagrams. Nothing of this hangs on what anybody else can send.
    pub(super) fn weigh(&mut self, failure: Failure, answers_no_datagram: bool) -> Failure {
        if !matches!(*failure.detail, Detail::ShutOut) {
            self.shut_out = 0;
            return failure;
        }
        self.shut_out = self.shut_out.saturating_add(1);
        if self.hides && self.shut_out >= SHUT_OUT_TIMES && answers_no_datagram {
            Failure { cause: Cause::WrongSecret, ..failure }
        } else {
            failure
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::exchange::shut_out;
    use crate::testkit::failure;

    /// What the latest of so many dials comes to that were closed without a word.
    fn closed(refusals: &mut Refusals, times: u8, answers_no_datagram: bool) -> Cause {
        (0..times).map(|_| refusals.weigh(shut_out(), answers_no_datagram).cause).next_back().unwrap()
    }

    #[test]
    fn dials_that_are_closed_without_a_word_mean_another_secret_where_a_peer_hides_and_answers_no_datagram() {
        let (mut hides, mut open) = (Refusals::default(), Refusals::default());
        hides.note_hiding(true);
        assert_eq!(closed(&mut open, SHUT_OUT_TIMES * 2, true), Cause::ClosedEarly, "it would say so");
        assert_eq!(closed(&mut hides, SHUT_OUT_TIMES * 2, false), Cause::ClosedEarly, "it has no room");
        hides.note_admitted();
        assert_eq!(closed(&mut hides, SHUT_OUT_TIMES - 1, true), Cause::ClosedEarly, "its process ends");
        assert_eq!(hides.weigh(failure(Cause::Refused), true).cause, Cause::Refused);
        assert_eq!(closed(&mut hides, SHUT_OUT_TIMES - 1, true), Cause::ClosedEarly, "it began again");
        assert_eq!(closed(&mut hides, 1, true), Cause::WrongSecret);
    }
}
