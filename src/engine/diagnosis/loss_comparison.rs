//! Where packets are lost that are lost with one peer: between the two, or at this node's own end and so with everybody. One
//! peer alone cannot tell; others are measured beside it.

use std::net::IpAddr;

use smallvec::SmallVec;

use crate::engine::limits::{BURST, MEASURED_BESIDE};
use crate::engine::moment::Moment;
use crate::engine::peers::PeerKey;

/// How many standard errors the two shares must be apart (two-proportion z-test): the peer is one of several, is looked at again and again,
/// and is the one with which loss was seen first, so that chance has many tries.
const APART: f64 = 3.3;

/// Outcomes of which the share is taken that is lost with the peer.
const OF_PEER: f64 = 32.0;

/// Echoes of others from which on no more are asked for: they tell a loss of 5 %.
const MOST: u32 = 160;

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
    lost: u32,
    asked: u32,
}

impl LossComparison {
    /// Others are compared with this peer from now on, since its trouble began.
    pub(crate) fn begin(&mut self, peer: PeerKey, at: IpAddr, trouble: Moment) {
        // Trouble comes and goes where packets are lost: what was counted since it first came stays, or chance would be asked again
        // and again until it says what is not so.
        if self.with.is_none_or(|(key, ip, _)| (key, ip) != (peer, at)) {
            *self = Self { with: Some((peer, at, trouble)), ..Self::default() };
        }
    }

    /// The peer that others are compared with.
    pub(crate) fn with(&self) -> Option<PeerKey> {
        self.with.map(|(key, ..)| key)
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
            self.others.lost += lost;
            self.others.asked += u32::from(BURST);
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
        let (with_peer, asked, lost) =
            (f64::from(percent) / 100.0, f64::from(self.asked), f64::from(self.lost));
        let with_others = lost / asked.max(1.0);
        let both = with_peer.mul_add(OF_PEER, lost) / (OF_PEER + asked);
        let standard_error = (both * (1.0 - both) * (OF_PEER.recip() + asked.max(1.0).recip())).sqrt();
        with_others * 3.0 <= with_peer && with_peer - with_others >= APART * standard_error
    }

    /// Of so many that were asked for, so many were lost.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn of(lost: u32, asked: u32) -> Self {
        Self { lost, asked }
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
        assert_eq!(asked(&comparison).unwrap().asked, 48, "trouble that comes again is the same");
        comparison.begin(key(4), AT, at(40));
        assert_eq!(asked(&comparison), Some(Others::default()), "that is another peer");
    }

    #[test]
    fn few_echoes_tell_nothing_and_as_many_losses_with_others_mean_one_cause() {
        for (lost, asked, percent, less, what) in [
            (0, 16, 20, false, "it may be chance"),
            (0, 64, 20, true, "thirteen would have been lost"),
            (4, 160, 20, true, "few are lost"),
            (4, 48, 20, false, "more than a third of it"),
            (12, 64, 20, false, "the same loss"),
            (4, 40, 31, false, "a tenth is lost with all, and by chance more with one"),
            (0, 48, 10, false, "less loss needs more echoes"),
            (0, 112, 10, true, "these are enough"),
        ] {
            assert_eq!(Others { lost, asked }.lose_less_than(percent), less, "{lost} of {asked}: {what}");
        }
    }
}
