//! How a peer's last attempts went, two bytes each.

use std::time::Duration;

use crate::engine::cause::Cause;

/// Attempts that a peer's history holds: more than the widest sparkline shows.
pub const HISTORY: usize = LENGTH as usize;
const LENGTH: u8 = 60;

/// How one attempt ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// With a reply, after so many microseconds: exact below [`EXACT`], then to less than half a thousandth.
    Answered(u32),
    /// Without.
    Failed(Cause),
}

/// The last attempts of a peer, in a ring that never allocates.
#[derive(Debug, Clone)]
pub struct History {
    ring: [Packed; HISTORY],
    /// How many are held.
    held: u8,
    /// Where the next one goes.
    next: u8,
    /// How many of those held failed.
    failed: u8,
}

impl Default for History {
    fn default() -> Self {
        Self { ring: [Packed(0); HISTORY], held: 0, next: 0, failed: 0 }
    }
}

impl History {
    /// The newest `n` samples, oldest first.
    pub fn last(&self, n: usize) -> impl DoubleEndedIterator<Item = Sample> {
        let n = n.min(usize::from(self.held));
        let from = usize::from(self.next) + HISTORY - n;
        (from..from + n).map(|i| self.ring[i % HISTORY].sample())
    }

    /// Share of the attempts held that failed, 0 to 1; none before the first.
    pub fn loss(&self) -> Option<f32> {
        (self.held > 0).then(|| f32::from(self.failed) / f32::from(self.held))
    }

    /// The same in whole per cents, 0 to 100, as it is shown: what is lost at all is more than nothing.
    pub fn loss_percent(&self) -> Option<u8> {
        let (failed, held) = (u16::from(self.failed), u16::from(self.held));
        let percent = (failed * 100 + held / 2).checked_div(held)?;
        Some(u8::try_from(percent).unwrap_or(100).max(u8::from(failed > 0)))
    }

    /// An attempt got its reply.
    pub(super) fn answered(&mut self, rtt: Duration) {
        self.push(Packed::answered(rtt));
    }

    /// An attempt failed.
    pub(super) fn failed(&mut self, cause: Cause) {
        self.push(Packed::failed(cause));
    }

    fn push(&mut self, sample: Packed) {
        let place = &mut self.ring[usize::from(self.next)];
        let old = std::mem::replace(place, sample);
        self.failed -= u8::from(self.held == LENGTH && old.is_failure());
        self.failed += u8::from(sample.is_failure());
        self.next = (self.next + 1) % LENGTH;
        self.held = (self.held + 1).min(LENGTH);
    }
}

/// Round trips below this are held to the microsecond.
pub const EXACT: u32 = 1 << 12;

/// The codes of failures begin here, one for each cause. The longest round trip's code is 45 055.
const FAILED: u16 = u16::MAX - 255;

/// A sample in two bytes. A round trip of so many microseconds is its own code below [`EXACT`]; above, a code is a number
/// of 12 bits, of which the first is always 1 and left out, and how far it is shifted.
#[derive(Debug, Clone, Copy)]
struct Packed(u16);

impl Packed {
    fn answered(rtt: Duration) -> Self {
        let us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
        let shift = (us / EXACT).checked_ilog2().map_or(0, |above| above + 1);
        let code = (us >> shift) + shift * (EXACT / 2);
        Self(u16::try_from(code).unwrap_or(FAILED - 1))
    }

    fn failed(cause: Cause) -> Self {
        Self(FAILED + cause as u16)
    }

    fn is_failure(self) -> bool {
        self.0 >= FAILED
    }

    fn sample(self) -> Sample {
        if let Some(cause) = self.0.checked_sub(FAILED) {
            return Sample::Failed(Cause::ALL.get(usize::from(cause)).copied().unwrap_or(Cause::Other));
        }
        let code = u32::from(self.0);
        let shift = (code / (EXACT / 2)).saturating_sub(1);
        Sample::Answered((code - shift * (EXACT / 2)) << shift)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packed(us: u64) -> u32 {
        match Packed::answered(Duration::from_micros(us)).sample() {
            Sample::Answered(us) => us,
            Sample::Failed(cause) => panic!("{us} became {cause:?}"),
        }
    }

    #[test]
    fn the_history_keeps_the_newest_samples_in_order() {
        let mut history = History::default();
        assert_eq!(history.last(5).count(), 0);
        for us in 0..130 {
            history.answered(Duration::from_micros(us));
            assert_eq!(history.last(1_000).count(), HISTORY.min(usize::try_from(us).unwrap() + 1));
            assert_eq!(history.last(1).next(), Some(Sample::Answered(u32::try_from(us).unwrap())));
        }
        history.failed(Cause::NoReply);
        let newest: Vec<_> = history.last(3).collect();
        assert_eq!(newest, [Sample::Answered(128), Sample::Answered(129), Sample::Failed(Cause::NoReply)]);
    }

    #[test]
    fn every_cause_is_kept() {
        for cause in Cause::ALL {
            assert_eq!(Packed::failed(cause).sample(), Sample::Failed(cause));
        }
    }

    #[test]
    fn a_round_trip_of_hours_is_a_long_one_and_no_failure() {
        assert!(packed(9 * 3_600 * 1_000_000) > u32::MAX - (u32::MAX >> 11));
        assert_eq!([0, 1, 4_095, 4_096, 4_098].map(packed), [0, 1, 4_095, 4_096, 4_098]);
    }

    proptest! {
        #[test]
        fn a_round_trip_is_kept_to_half_a_thousandth_and_order(a in 0..=u32::MAX, b in 0..=u32::MAX) {
            let (kept, other) = (packed(u64::from(a)), packed(u64::from(b)));
            prop_assert!(kept <= a && f64::from(a - kept) <= f64::from(a) / 2_000.0);
            prop_assert_eq!(kept.cmp(&other).then(a.cmp(&b)), a.cmp(&b));
        }
    }
}
