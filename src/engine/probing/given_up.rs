//! Echoes that did not come in time, and may still come: then they were late and not lost.

use std::collections::VecDeque;

use crate::engine::Nonce;
use crate::engine::limits::MAX_GIVEN_UP;
use crate::engine::moment::Moment;

/// One of them.
#[derive(Debug, Clone, Copy)]
struct Missing {
    nonce: Nonce,
    sent: Moment,
    large: bool,
    /// How many of its kind were counted since.
    before: u8,
}

/// The latest of them, at most [`MAX_GIVEN_UP`].
#[derive(Debug, Clone, Default)]
pub(super) struct GivenUp {
    missing: VecDeque<Missing>,
}

/// One that came after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Late {
    pub(super) large: bool,
    /// How many of its kind were counted since.
    pub(super) before: u8,
}

impl GivenUp {
    /// An outcome of this kind is counted; of an echo that did not come, its nonce and when it was asked for.
    pub(super) fn count(&mut self, large: bool, missing: Option<(Nonce, Moment)>) {
        for other in self.missing.iter_mut().filter(|other| other.large == large) {
            other.before = other.before.saturating_add(1);
        }
        let Some((nonce, sent)) = missing else { return };
        if self.missing.len() >= MAX_GIVEN_UP {
            self.missing.pop_front();
        }
        self.missing.push_back(Missing { nonce, sent, large, before: 0 });
    }

    /// When the one with this nonce was asked for.
    pub(super) fn asked(&self, echo: Nonce) -> Option<Moment> {
        self.missing.iter().find(|missing| missing.nonce == echo).map(|missing| missing.sent)
    }

    /// The one with this nonce comes.
    pub(super) fn take(&mut self, echo: Nonce) -> Option<Late> {
        let nth = self.missing.iter().position(|missing| missing.nonce == echo)?;
        self.missing.remove(nth).map(|Missing { large, before, .. }| Late { large, before })
    }

    /// None of them says anything any more.
    pub(super) fn clear(&mut self) {
        self.missing.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{ms, t0};

    #[test]
    fn one_that_comes_is_known_by_how_many_of_its_kind_were_counted_since() {
        let (mut given_up, now) = (GivenUp::default(), t0());
        given_up.count(false, Some((Nonce(1), now.into())));
        given_up.count(true, Some((Nonce(2), (now + ms(1)).into())));
        given_up.count(false, None);
        given_up.count(false, Some((Nonce(3), (now + ms(2)).into())));
        assert_eq!(given_up.asked(Nonce(2)), Some((now + ms(1)).into()));
        let late = |large, before| Some(Late { large, before });
        let came = [1, 2, 3, 1, 7].map(|nonce| given_up.take(Nonce(nonce)));
        assert_eq!(came, [late(false, 2), late(true, 0), late(false, 0), None, None]);
        assert_eq!(given_up.asked(Nonce(2)), None, "it has come");
    }

    #[test]
    fn no_more_are_remembered_than_the_cap() {
        let (mut given_up, now) = (GivenUp::default(), t0());
        for nonce in 0..200 {
            given_up.count(false, Some((Nonce(nonce), now.into())));
        }
        let remembered: Vec<u64> = (0..200).filter(|nonce| given_up.asked(Nonce(*nonce)).is_some()).collect();
        assert_eq!((remembered.len(), remembered.last()), (MAX_GIVEN_UP, Some(&199)), "the latest");
        given_up.clear();
        assert_eq!(given_up.asked(Nonce(199)), None);
    }
}
