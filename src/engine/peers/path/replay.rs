//! The numbers that one socket of a peer was heard with at one address.

/// The anti-replay window of RFC 4303 §3.4.3.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ReplayWindow {
    pub(super) greatest: u64,
    /// Which of the 64 numbers before that were taken, a bit each: what only asks for an echo, or is one, may be late.
    taken: u64,
}

impl ReplayWindow {
    pub(super) fn advance(&mut self, sequence: u64) {
        let step = sequence.saturating_sub(self.greatest);
        // The number that was the greatest is the first of those before the new one.
        let step = u32::try_from(step).ok();
        let shifted = step.and_then(|step| self.taken.checked_shl(step)).unwrap_or(0);
        let last = step.and_then(|step| 1_u64.checked_shl(step.saturating_sub(1))).unwrap_or(0);
        self.taken = if sequence > self.greatest { shifted | last } else { 0 };
        self.greatest = sequence;
    }

    /// Takes a number below the greatest, if it was not taken before and is at most 64 behind.
    pub(super) fn take_late(&mut self, sequence: u64) -> bool {
        let behind = self.greatest.checked_sub(sequence).and_then(|behind| behind.checked_sub(1));
        let bit = behind.and_then(|behind| u32::try_from(behind).ok()).and_then(|n| 1_u64.checked_shl(n));
        let Some(bit) = bit else { return false };
        let new = self.taken & bit == 0;
        self.taken |= bit;
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_numbers_are_taken_once_and_not_from_long_ago() {
        let mut window = ReplayWindow::default();
        window.advance(1);
        window.advance(5);
        assert!(!window.take_late(1), "it was taken in its turn");
        assert!(window.take_late(3) && !window.take_late(3));
        window.advance(6);
        assert!(!window.take_late(3) && window.take_late(4), "the window moves on");
        window.advance(200);
        assert!(!window.take_late(100) && window.take_late(150));
        assert!(!window.take_late(200) && !window.take_late(201));
    }
}
