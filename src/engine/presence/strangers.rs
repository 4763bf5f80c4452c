//! How often an address is answered at which nobody has proved to be: anybody can send in its name, and all nodes would answer there.

use std::collections::HashMap;
use std::time::Instant;

use crate::engine::address::ZonedIp;
use crate::engine::api::Asked;
use crate::engine::hashing::Keyed;
use crate::engine::limits::{
    MAX_STRANGERS_ANSWERED, STRANGER_ANSWERS, STRANGER_ANSWERS_TO_BROADCASTS, STRANGER_ANSWERS_WITHIN,
};

/// The addresses that were answered lately.
#[derive(Debug, Default)]
pub(super) struct Strangers {
    answered: HashMap<ZonedIp, Answered, Keyed>,
}

#[derive(Debug)]
struct Answered {
    since: Instant,
    /// To what may have gone to everybody.
    to_broadcasts: u8,
    /// To what came to this node alone.
    to_unicasts: u8,
}

impl Answered {
    fn new(since: Instant) -> Self {
        Self { since, to_broadcasts: 0, to_unicasts: 0 }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= STRANGER_ANSWERS_WITHIN
    }
}

impl Strangers {
    /// Whether an address may be answered once more: then it is.
    pub(super) fn take(&mut self, ip: ZonedIp, asked: Asked, now: Instant) -> bool {
        if self.answered.len() >= MAX_STRANGERS_ANSWERED {
            self.answered.retain(|_, answered| !answered.is_over(now));
        }
        if self.answered.len() >= MAX_STRANGERS_ANSWERED && !self.answered.contains_key(&ip) {
            return false;
        }
        let answered = self.answered.entry(ip).or_insert_with(|| Answered::new(now));
        if answered.is_over(now) {
            *answered = Answered::new(now);
        }
        let (count, most) = match asked {
            Asked::Everybody | Asked::Unknown => {
                (&mut answered.to_broadcasts, STRANGER_ANSWERS_TO_BROADCASTS)
            }
            Asked::ThisNode => (&mut answered.to_unicasts, STRANGER_ANSWERS),
        };
        let may = *count < most;
        *count += u8::from(may);
        may
    }

    /// What was sent to an address came back: whoever is there wants it. Says whether it was answered lately.
    pub(super) fn note_proof(&mut self, ip: ZonedIp) -> bool {
        !self.answered.is_empty() && self.answered.remove(&ip).is_some()
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::testkit::{ms, t0};

    fn ip(n: u16) -> ZonedIp {
        let [high, low] = n.to_be_bytes();
        std::net::IpAddr::from([10, 0, high, low]).into()
    }

    #[test]
    fn an_address_is_answered_a_few_times_and_again_after_a_while_or_a_proof() {
        let (mut strangers, now) = (Strangers::default(), t0());
        let taken = |strangers: &mut Strangers, n, now| {
            (0..100).filter(|_| strangers.take(ip(n), Asked::ThisNode, now)).count()
        };
        let most = usize::from(STRANGER_ANSWERS);
        assert_eq!(taken(&mut strangers, 1, now), most);
        assert_eq!(taken(&mut strangers, 2, now), most, "each has its own");
        assert_eq!(taken(&mut strangers, 1, now + STRANGER_ANSWERS_WITHIN - ms(1)), 0);
        assert_eq!(taken(&mut strangers, 1, now + STRANGER_ANSWERS_WITHIN), most);
        assert!(strangers.note_proof(ip(1)) && !strangers.note_proof(ip(1)));
        assert_eq!(taken(&mut strangers, 1, now + STRANGER_ANSWERS_WITHIN), most);
    }

    #[test]
    fn what_was_asked_of_everybody_is_answered_once_whatever_else_is() {
        let (mut strangers, now) = (Strangers::default(), t0());
        let once = |strangers: &mut Strangers, now| {
            (0..100).filter(|_| strangers.take(ip(1), Asked::Everybody, now)).count()
        };
        assert!(strangers.take(ip(1), Asked::ThisNode, now));
        assert_eq!(once(&mut strangers, now), 1);
        assert!(strangers.take(ip(1), Asked::ThisNode, now), "it has a limit of its own");
        assert_eq!(once(&mut strangers, now + STRANGER_ANSWERS_WITHIN - ms(1)), 0);
        assert_eq!(once(&mut strangers, now + STRANGER_ANSWERS_WITHIN), 1);
    }

    #[test]
    fn no_more_addresses_are_remembered_than_there_is_room_for_and_old_ones_make_room() {
        let (mut strangers, now) = (Strangers::default(), t0());
        let most = u16::try_from(MAX_STRANGERS_ANSWERED).unwrap();
        assert!((0..most).all(|n| strangers.take(ip(n), Asked::ThisNode, now)));
        assert!(
            !strangers.take(ip(most), Asked::ThisNode, now) && strangers.take(ip(0), Asked::ThisNode, now)
        );
        assert!(strangers.take(ip(most), Asked::ThisNode, now + STRANGER_ANSWERS_WITHIN));
        assert!(strangers.answered.len() <= MAX_STRANGERS_ANSWERED);
    }
}
