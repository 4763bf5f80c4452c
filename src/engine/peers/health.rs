//! Since when a peer is observed, and since when there is trouble with it.

use std::time::{Duration, Instant};

use crate::engine::api::Icmp;
use crate::engine::hardware::HardwareAddr;
use crate::engine::limits::ASK_AGAIN;
use crate::engine::moment::Moment;

/// The frame in which all that is seen of a peer is read: what is older than the trouble says nothing of it.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    /// Since when evidence is collected: the first time that the peer was known, a restart, a move.
    since: Moment,
    /// When the trouble began that is not over.
    trouble: Option<Moment>,
    /// Boxed: few peers have it.
    inquiry: Option<Box<Inquiry>>,
}

/// What was found out about a peer's trouble.
#[derive(Debug, Clone, Default)]
struct Inquiry {
    /// What ICMP last said of a datagram to it, and when.
    icmp: Option<(Icmp, Moment)>,
    /// When others were last asked about it.
    asked: Option<Moment>,
    /// Its hardware address, if another host has its address, too.
    hardware: Option<HardwareAddr>,
}

impl Health {
    pub(crate) fn new(since: Instant) -> Self {
        Self { since: since.into(), trouble: None, inquiry: None }
    }

    pub(crate) fn since(&self) -> Moment {
        self.since
    }

    /// What did not come until now is given its time.
    pub(crate) fn observe_from(&mut self, now: Instant) {
        self.since = now.into();
    }

    /// When the trouble began that is not over.
    pub(crate) fn trouble(&self) -> Option<Moment> {
        self.trouble
    }

    /// Whether there is trouble that is not over.
    pub(crate) fn is_troubled(&self) -> bool {
        self.trouble.is_some()
    }

    /// Something is wrong from here on.
    pub(crate) fn note_trouble(&mut self, at: Instant) {
        self.trouble.get_or_insert(at.into());
    }

    /// Something else is wrong from here on: what was seen before says nothing of it, though there was trouble already. Where the
    /// peer was not `alive` any more when that began, it is the same trouble still.
    pub(crate) fn note_new_trouble(&mut self, at: Instant, alive: Option<Moment>) {
        if self.trouble.is_none_or(|began| alive > Some(began)) {
            self.trouble = Some(at.into());
        }
    }

    /// The trouble is over: what has not come back yet is given its time.
    pub(crate) fn end_trouble(&mut self, now: Instant) {
        self.trouble = None;
        self.since = now.into();
    }

    /// The trouble was nothing but a few datagrams that were lost: what was seen before it counts as before.
    pub(crate) fn forget_trouble(&mut self) {
        self.trouble = None;
    }

    pub(crate) fn note_icmp(&mut self, icmp: Icmp, now: Instant) {
        self.inquiry.get_or_insert_default().icmp = Some((icmp, now.into()));
    }

    /// What ICMP says of the trouble: it came `lately`, since the trouble began, and no echo came after it.
    pub(crate) fn icmp(&self, echoed: Option<Moment>, lately: Duration, now: Instant) -> Option<Icmp> {
        let (icmp, at) = self.inquiry.as_ref()?.icmp?;
        let of_the_trouble = self.trouble.is_some_and(|began| at >= began);
        let contradicted = echoed.is_some_and(|echoed| at <= echoed);
        let fresh = now.saturating_duration_since(at.into()) <= lately;
        (of_the_trouble && !contradicted && fresh).then_some(icmp)
    }

    /// Its hardware address is known now; whether that is news.
    pub(crate) fn note_hardware(&mut self, hardware: HardwareAddr) -> bool {
        self.inquiry.get_or_insert_default().hardware.replace(hardware) != Some(hardware)
    }

    /// Its hardware address, where that was asked for and is known.
    pub(crate) fn hardware(&self) -> Option<HardwareAddr> {
        self.inquiry.as_ref()?.hardware
    }

    /// Whether others may be asked about it now; then they are.
    pub(crate) fn ask_others(&mut self, now: Instant) -> bool {
        let inquiry = self.inquiry.get_or_insert_default();
        let lately = inquiry.asked.is_some_and(|at| now.saturating_duration_since(at.into()) < ASK_AGAIN);
        if !lately {
            inquiry.asked = Some(now.into());
        }
        !lately
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::testkit::{ms, secs, t0};

    const ICMP: Icmp = Icmp { code: 3, from: None };

    #[test]
    fn trouble_counts_from_where_it_began_and_its_end_gives_everything_its_time_again() {
        let now = t0();
        let mut health = Health::new(now);
        health.note_trouble(now + secs(1));
        health.note_trouble(now + secs(2));
        assert_eq!((health.trouble(), health.since()), (Some((now + secs(1)).into()), now.into()));
        health.end_trouble(now + secs(3));
        assert_eq!((health.trouble(), health.since()), (None, (now + secs(3)).into()));
        health.observe_from(now + secs(4));
        assert_eq!(health.since(), (now + secs(4)).into());
    }

    #[test]
    fn icmp_counts_lately_and_of_the_trouble_only_and_no_longer_than_no_echo_comes() {
        let (began, lately) = (t0(), secs(5));
        let health = |trouble: bool, at: Instant| {
            let mut health = Health::new(began);
            if trouble {
                health.note_trouble(began);
            }
            health.note_icmp(ICMP, at);
            health
        };
        let at = began + secs(1);
        for (what, health, echoed, now, says) in [
            ("no trouble", health(false, at), None, at, None),
            ("before the trouble", health(true, began - ms(1)), None, at, None),
            ("when it began", health(true, began), None, at, Some(ICMP)),
            ("just now", health(true, at), Some(at - ms(1)), at + lately, Some(ICMP)),
            ("long ago", health(true, at), None, at + lately + ms(1), None),
            ("an echo came since", health(true, at), Some(at), at, None),
        ] {
            assert_eq!(health.icmp(echoed.map(Moment::from), lately, now), says, "{what}");
        }
        assert_eq!(Health::new(began).icmp(None, lately, began), None);
    }

    #[test]
    fn others_are_asked_about_it_now_and_then() {
        let now = t0();
        let mut health = Health::new(now);
        assert!(health.ask_others(now) && !health.ask_others(now));
        assert!(!health.ask_others(now + ASK_AGAIN - ms(1)), "a question that was not asked does not count");
        assert!(health.ask_others(now + ASK_AGAIN) && !health.ask_others(now + ASK_AGAIN));
    }
}
