//! The last outcomes of one kind of probe, and what they say: loss, an outage, or chance.

use smallvec::SmallVec;

/// So many lost one after the other are an outage.
const OUTAGE: u32 = 8;

/// Outcomes that were lost one after the other.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// How many are later than the last of them.
    begin: u32,
    length: u32,
}

impl Piece {
    /// Whether it went on in a later piece, of which hardly anything that came kept it apart: one of four or more, after one or two.
    fn goes_on_in(self, later: Self) -> bool {
        self.begin - (later.begin + later.length) <= 2
            && self.length >= OUTAGE / 2
            && later.length >= OUTAGE / 2
    }

    /// Its bits.
    fn mask(self) -> u32 {
        u32::MAX.checked_shr(32 - self.length).unwrap_or(0) << self.begin
    }
}

/// The last 32 outcomes, a bit each: the latest is the lowest, and set if the probe was lost.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Window {
    lost: u32,
    count: u8,
}

impl Window {
    pub(crate) fn push(&mut self, lost: bool) {
        self.lost = self.lost << 1 | u32::from(lost);
        self.count = (self.count + 1).min(32);
    }

    /// One was not lost after all, before so many of the latest.
    pub(crate) fn forgive(&mut self, before: u8) {
        self.lost &= !1_u32.checked_shl(before.into()).unwrap_or(0);
    }

    /// How many of the latest were lost one after the other.
    pub(crate) fn lost_in_a_row(self) -> u8 {
        let row = u8::try_from(self.lost.trailing_ones()).unwrap_or(32);
        row.min(self.count)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.count == 0
    }

    /// How many outcomes there are, up to 32.
    pub(crate) fn count(self) -> u8 {
        self.count
    }

    /// Whether losses are scattered: an outage is one piece.
    pub(crate) fn lost_here_and_there(self) -> bool {
        self.scattered().1 >= 2
    }

    /// How many were lost.
    pub(crate) fn lost(self) -> u32 {
        self.outcomes().count_ones()
    }

    /// Whether any was lost by chance before those that are lost now.
    pub(crate) fn any_lost_by_chance(self) -> bool {
        let lost = self.outcomes() & !self.outages();
        lost & lost.wrapping_add(1) != 0
    }

    /// The outcomes that there are.
    fn outcomes(self) -> u32 {
        self.lost & u32::MAX.checked_shr(32 - u32::from(self.count)).unwrap_or(0)
    }

    /// The outcomes of outages: all that were lost in pieces of eight or more. At 30 % loss on each way, such a piece is chance once in 200.
    /// Two that hardly anything came between are no outages: most packets are lost.
    fn outages(self) -> u32 {
        let pieces: SmallVec<[Piece; 4]> = self.pieces().collect();
        let is_outage = |nth: usize| {
            let piece = pieces[nth];
            let newer = nth.checked_sub(1).is_some_and(|newer| piece.goes_on_in(pieces[newer]));
            let older = pieces.get(nth + 1).is_some_and(|older| older.goes_on_in(piece));
            piece.length >= OUTAGE && !newer && !older
        };
        (0..pieces.len()).filter(|nth| is_outage(*nth)).fold(0, |mask, nth| mask | pieces[nth].mask())
    }

    /// What was lost one after the other, from the latest.
    fn pieces(self) -> impl Iterator<Item = Piece> {
        let lost = self.outcomes();
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = lost.checked_shr(at).filter(|rest| *rest != 0)?;
            let begin = at + rest.trailing_zeros();
            let length = (lost >> begin).trailing_ones();
            at = begin + length;
            Some(Piece { begin, length })
        })
    }

    /// How many were lost by chance, in how many pieces, and of how many: as if there had been no outages, and those that are lost now may
    /// be the first of one.
    fn scattered(self) -> (u32, u32, u32) {
        let outcomes = self.outcomes();
        let now = outcomes & !outcomes.wrapping_add(1);
        let outages = self.outages() | now;
        let lost = outcomes & !outages;
        (lost.count_ones(), (lost & !(lost << 1)).count_ones(), u32::from(self.count) - outages.count_ones())
    }

    /// Whether losses are scattered and too many to be chance: three or more of the last 32, in two pieces or more. The loss is
    /// over when at most one of 32 is lost; in between it stays as it was. At 20 % loss, that ends it by chance once in 150.
    pub(crate) fn is_lossy(self, before: bool) -> bool {
        let (lost, pieces, _) = self.scattered();
        if before { lost > 1 } else { self.count >= 8 && lost >= 3 && pieces >= 2 }
    }

    /// The share that is lost, as it is to be expected: as if, before the first outcome, hardly any of 16 had been.
    pub(crate) fn expected_loss(self) -> f64 {
        (f64::from(self.lost()) + 0.5) / (f64::from(self.count) + 16.0)
    }

    /// How many of this many of the latest were lost.
    pub(crate) fn lost_of(self, latest: u8) -> u32 {
        Self { count: self.count.min(latest), ..self }.lost()
    }

    /// The share that was lost by chance, in percent.
    pub(crate) fn share_lost(self) -> u8 {
        let (lost, _, of) = self.scattered();
        let share = lost * 100 / of.max(1);
        u8::try_from(share).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(outcomes: &str) -> Window {
        let mut window = Window::default();
        for outcome in outcomes.chars() {
            window.push(outcome == 'x');
        }
        window
    }

    #[test]
    fn losses_here_and_there_are_loss_and_those_in_one_piece_are_an_outage() {
        let lossy = |outcomes| window(outcomes).is_lossy(false);
        assert!(lossy("..x..x..x..........."));
        assert!(!lossy("......xxxxxxxx......"), "an outage that is over");
        assert!(!lossy("............xxxxxxxx"), "one that is not");
        assert!(!lossy("xxxxxxxxxxxxxxxxxxxx"));
        assert!(!lossy("..x.x.............."), "two may be chance");
        assert!(!lossy("x.x.x."), "too few to tell");
        assert_eq!(window("..x..x..x...........").share_lost(), 15);
        assert!(!lossy("....xxxxxxxx..x....x"), "two may be chance beside an outage");
        assert_eq!(window("..x.xxxxxxxxx..xx...x.").share_lost(), 30, "an outage is no loss");
        assert_eq!(window("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx").share_lost(), 0);
        assert_eq!(window("..x..x..xx.x......xxxxxxx").share_lost(), 27, "what is lost now may be an outage");
        assert!(!lossy("..x...........xxxx"), "one that begins after a loss by chance");
    }

    #[test]
    fn where_most_are_lost_long_pieces_are_no_outages() {
        let heavy = window("....xxxxxxxxx.xxxxxxxxxx..xxxxxx.");
        assert!(heavy.is_lossy(false));
        assert_eq!(heavy.share_lost(), 78);
        let twice = window("..xxxxxxxxx......xxxxxxxxx......");
        assert!(!twice.is_lossy(false), "two outages");
        assert_eq!(twice.share_lost(), 0);
    }

    #[test]
    fn loss_is_over_when_hardly_any_is_left() {
        let (few, one) = ("x..x............................", "x...............................");
        assert!(!window(few).is_lossy(false), "it does not begin with two");
        assert!(window(few).is_lossy(true), "and does not end with them");
        assert!(!window(one).is_lossy(true));
    }

    #[test]
    fn what_is_lost_now_may_be_an_outage_and_what_was_lost_before_was_chance() {
        for (outcomes, chance) in
            [("......", false), (".....x", false), ("..xxxx", false), (".x...x", true), ("xx....", true)]
        {
            assert_eq!(window(outcomes).any_lost_by_chance(), chance, "{outcomes}");
        }
        assert!(!window("..xxxxxxxxxx....").any_lost_by_chance(), "that was an outage");
    }

    #[test]
    fn only_the_latest_losses_are_in_a_row() {
        assert_eq!(window("xx.xxx").lost_in_a_row(), 3);
        assert_eq!(window("xxx.").lost_in_a_row(), 0);
        assert_eq!(window("xx").lost_in_a_row(), 2);
        assert_eq!(window("").lost_in_a_row(), 0);
    }

    #[test]
    fn what_came_after_all_was_not_lost() {
        let mut late = window("x.xxx");
        late.forgive(0);
        late.forgive(1);
        assert_eq!((late.lost(), late.lost_in_a_row()), (2, 0));
        late.forgive(3);
        late.forgive(32);
        late.forgive(255);
        assert_eq!(late.lost(), 2, "that one came, and the others are not known any longer");
        late.forgive(4);
        assert_eq!(late.lost(), 1);
    }
}
