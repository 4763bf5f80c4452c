//! What a peer and this node told each other of themselves by unicast, and the nonce that proves an address.

use std::time::{Duration, Instant};

use crate::engine::Nonce;
use crate::engine::address::ZonedIp;
use crate::engine::limits::MAX_INTRODUCTIONS;
use crate::engine::moment::Moment;

/// The introductions of one peer.
#[derive(Debug, Clone, Default)]
pub(crate) struct Introduction {
    /// Sent to it and not echoed yet, with where it was sent. Boxed: a peer that is known for long has none.
    nonce: Option<Box<(Nonce, ZonedIp)>>,
    /// How often it was asked to prove its address since it last did.
    count: u8,
    answered: Option<Moment>,
    answer_due: Option<Moment>,
}

impl Introduction {
    /// The nonce to ask for at an address. While one is under way, the same is asked for again: both of two crossing answers then
    /// prove.
    pub(crate) fn nonce_for(&mut self, ip: ZonedIp, fresh: impl FnOnce() -> Nonce) -> Nonce {
        if let Some((nonce, at)) = self.nonce.as_deref()
            && *at == ip
        {
            return *nonce;
        }
        let nonce = fresh();
        self.nonce = Some(Box::new((nonce, ip)));
        nonce
    }

    /// Whether this echo from an address is the one that was asked for there.
    pub(crate) fn is_echoed_by(&self, echo: Option<Nonce>, ip: ZonedIp) -> bool {
        echo.is_some_and(|echo| self.nonce.as_deref() == Some(&(echo, ip)))
    }

    /// The echo came.
    pub(crate) fn end(&mut self) {
        self.nonce = None;
    }

    /// Another life or address: all begins again.
    pub(crate) fn restart(&mut self) {
        *self = Self::default();
    }

    /// The count of introductions begins again.
    pub(crate) fn count_again(&mut self) {
        self.count = 0;
    }

    /// Nothing is asked for or owed any longer: the peer left.
    pub(crate) fn stop(&mut self) {
        self.nonce = None;
        self.answer_due = None;
    }

    /// Counts one introduction.
    pub(crate) fn note_asked(&mut self) {
        self.count = self.count.saturating_add(1);
    }

    /// Whether it was asked so often in vain that only its hellos are answered.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.count >= MAX_INTRODUCTIONS
    }

    /// It was answered now.
    pub(crate) fn note_answered(&mut self, now: Instant) {
        self.answered = Some(now.into());
    }

    /// Whether it was answered less than `within` ago.
    pub(crate) fn was_answered(&self, within: Duration, now: Instant) -> bool {
        self.answered.is_some_and(|at| now.saturating_duration_since(at.into()) < within)
    }

    /// Its answer is due then.
    pub(crate) fn answer_at(&mut self, at: Instant) {
        self.answer_due = Some(at.into());
    }

    /// Whether an answer is due now: it is given then.
    pub(crate) fn take_answer(&mut self, now: Instant) -> bool {
        self.answer_due.take_if(|at| *at <= now.into()).is_some()
    }

    /// When its answer is due.
    pub(crate) fn deadline(&self) -> Option<Moment> {
        self.answer_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_echo_proves_only_the_address_its_nonce_went_to() {
        let ip = |host| ZonedIp::from(std::net::IpAddr::from([10, 0, 0, host]));
        let (here, there) = (ip(2), ip(3));
        let mut introduction = Introduction::default();
        assert!(!introduction.is_echoed_by(None, here));
        assert_eq!(introduction.nonce_for(here, || Nonce(1)), Nonce(1));
        assert_eq!(introduction.nonce_for(here, || Nonce(2)), Nonce(1), "while one is under way");
        assert!(introduction.is_echoed_by(Some(Nonce(1)), here));
        assert!(
            !introduction.is_echoed_by(Some(Nonce(1)), there)
                && !introduction.is_echoed_by(Some(Nonce(2)), here)
        );
        assert_eq!(
            introduction.nonce_for(there, || Nonce(3)),
            Nonce(3),
            "another address needs another nonce"
        );
        introduction.end();
        assert!(!introduction.is_echoed_by(Some(Nonce(3)), there));
    }
}
