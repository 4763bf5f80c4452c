//! The fuzzer's bytes as choices: one byte for each, so that a change of one byte changes one choice. What lies behind the end is 0.

/// What is left of them.
#[derive(Debug)]
pub(super) struct Tape<'a>(&'a [u8]);

impl<'a> Tape<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// So many bytes, as far as there are.
    pub(super) fn bytes(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    pub(super) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[usize::from(self.byte()) % of.len()]
    }

    /// Something, or in one of two cases nothing.
    pub(super) fn maybe<T>(&mut self, of: impl FnOnce(&mut Self) -> T) -> Option<T> {
        (self.byte() % 2 == 1).then(|| of(self))
    }

    /// A number near one that means something: itself, the next, a few more, far ahead, none, the greatest.
    pub(super) fn near(&mut self, number: u64) -> u64 {
        match self.byte() {
            0..100 => number,
            100..140 => number.wrapping_add(1),
            140..180 => number.wrapping_add(u64::from(self.byte())),
            180..200 => number.wrapping_sub(u64::from(self.byte())),
            200..220 => number.wrapping_add(1 << (self.byte() % 64)),
            220..235 => 0,
            235..250 => u64::MAX,
            250.. => 1,
        }
    }
}
