//! Where packets are lost that are lost with one peer: between the two, or at this node's own end and so with everybody. One
//! peer alone cannot tell; others are measured beside it.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::engine::limits::{BURST, MEASURED_BESIDE};
use crate::engine::moment::Moment;
use crate::engine::peers::PeerKey;

/// Echoes that would be lost with the others, if they lost as many as the peer: so many are needed to tell. Of as many, a third or
/// less is lost by chance twice in a hundred times (Poisson).
const ENOUGH: u64 = 8;

/// Echoes of others from which on no more are asked for: they tell a loss of 5 %.
const MOST: u64 = 160;

/// How echoes of others fared since packets were first lost with one peer.
#[derive(Debug, Default)]
pub(crate) struct LossComparison {
    /// The peer, its address, and since when there is trouble with it.
    with: Option<(PeerKey, IpAddr, Moment)>,
    others: Others,
    /// The bursts that are counted, by when they began.
    counted: SmallVec<[(PeerKey, Moment); MEASURED_BESIDE]>,
}

/// Echoes that were asked of others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Others {
    lost: u64,
    asked: u64,
}

impl LossComparison {
    /// Others are compared with this peer from now on, since its trouble began.
    pub(crate) fn begin(&mut self, peer: PeerKey, at: IpAddr, trouble: Moment) {
        if self.with != Some((peer, at, trouble)) {
            *self = Self { with: Some((peer, at, trouble)), ..Self::default() };
        }
    }

    /// Packets are lost with nobody.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }

    /// Counts a burst of another peer that has ended: of its echoes, so many were lost.
    pub(crate) fn count(&mut self, other: PeerKey, (began, lost): (Moment, u32)) {
        let later = self.with.is_some_and(|(.., trouble)| began >= trouble);
        if !later || self.counted.contains(&(other, began)) {
            return;
        }
        self.counted.retain(|(key, _)| *key != other);
        if self.counted.len() < MEASURED_BESIDE {
            self.counted.push((other, began));
            self.others.lost += u64::from(lost);
            self.others.asked += u64::from(BURST);
        }
    }

    /// Whether others are to be measured, still.
    pub(crate) fn wants_more(&self) -> bool {
        self.with.is_some() && self.others.asked < MOST
    }

    /// How echoes of others fared, and an address that is reached by the same way as theirs.
    pub(crate) fn others(&self) -> Option<(IpAddr, Others)> {
        self.with.map(|(_, at, _)| (at, self.others))
    }
}

impl Others {
    /// Whether they lose so much less than one with which this share is lost, in percent, that the two have not one cause.
    pub(super) fn lose_less_than(self, percent: u8) -> bool {
        let expected = self.asked * u64::from(percent);
        expected >= ENOUGH * 100 && self.lost * 300 <= expected
    }

    /// Whether any of them was measured.
    pub(super) fn were_measured(self) -> bool {
        self.asked > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testkit::{peer, secs, t0};

    const AT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn key(number: u64) -> PeerKey {
        peer(number, "h").key
    }

    #[test]
    fn a_burst_is_counted_once_and_only_if_it_began_after_the_trouble() {
        let t0 = t0();
        let at = |seconds| Moment::from(t0 + secs(seconds));
        let mut comparison = LossComparison::default();
        comparison.count(key(2), (at(0), 16));
        assert_eq!(comparison.others(), None, "nothing is compared");
        comparison.begin(key(1), AT, at(10));
        let asked = |comparison: &LossComparison| comparison.others().map(|(_, others)| others);
        for (other, burst, lost, of) in
            [(2, 9, 0, 0), (2, 11, 3, 16), (2, 11, 3, 16), (3, 12, 4, 32), (2, 17, 5, 48)]
        {
            comparison.count(key(other), (at(burst), if of == 0 { 16 } else { 1 }));
            let known = asked(&comparison).unwrap();
            assert_eq!(known.asked, of, "burst at {burst} of {other}");
            assert_eq!(known.lost, of / 16, "{lost}");
        }
        comparison.begin(key(1), AT, at(10));
        assert_eq!(asked(&comparison).unwrap().asked, 48, "it goes on");
        comparison.begin(key(1), AT, at(40));
        assert_eq!(asked(&comparison), Some(Others::default()), "that is another trouble");
    }

    #[test]
    fn few_echoes_tell_nothing_and_as_many_losses_with_others_mean_one_cause() {
        for (lost, asked, percent, less, what) in [
            (0, 16, 20, false, "three losses are no more than chance"),
            (0, 48, 20, true, "nine would have been lost"),
            (3, 48, 20, true, "a third of it"),
            (4, 48, 20, false, "too many"),
            (12, 64, 20, false, "the same loss"),
            (0, 48, 10, false, "less loss needs more echoes"),
            (0, 80, 10, true, "these are enough"),
        ] {
            assert_eq!(Others { lost, asked }.lose_less_than(percent), less, "{lost} of {asked}: {what}");
        }
    }
}
