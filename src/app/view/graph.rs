//! A graph in braille: two values in a cell from left to right, four steps in a cell from the bottom.

/// Values in a cell.
const VALUES: usize = 2;

/// Steps in a cell.
pub(super) const STEPS: usize = 4;

/// The dots of a cell's two columns, from the bottom (Unicode, block "Braille Patterns").
const DOTS: [[u32; STEPS]; VALUES] = [[0x40, 0x04, 0x02, 0x01], [0x80, 0x20, 0x10, 0x08]];

/// The cell without a dot.
const BLANK: u32 = 0x2800;

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GraphCell {
    /// Its dots.
    pub(super) sign: char,
    /// Whether a value is missing there.
    pub(super) has_gap: bool,
    /// Whether both are.
    pub(super) is_gap: bool,
}

/// The cells of a line of a graph, from the left: the line that so many others are below. A level is how many steps a value reaches from
/// the bottom; none of a value that is missing.
pub(super) fn line(levels: &[Option<usize>], below: usize) -> impl Iterator<Item = GraphCell> {
    levels.chunks(VALUES).map(move |pair| {
        let columns = pair.iter().zip(DOTS).flat_map(|(level, dots)| {
            let here = level.unwrap_or(0).saturating_sub(STEPS * below).min(STEPS);
            dots.into_iter().take(here)
        });
        let sign = char::from_u32(BLANK + columns.sum::<u32>()).unwrap_or(' ');
        GraphCell { sign, has_gap: pair.contains(&None), is_gap: pair.iter().all(Option::is_none) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(levels: &[Option<usize>], height: usize) -> Vec<String> {
        (0..height).rev().map(|below| line(levels, below).map(|cell| cell.sign).collect()).collect()
    }

    #[test]
    fn values_rise_from_the_bottom_two_in_a_cell() {
        let rising: Vec<_> = (1..=8).map(Some).collect();
        assert_eq!(drawn(&rising, 2), ["⠀⠀⣠⣾", "⣠⣾⣿⣿"]);
        assert_eq!(drawn(&[Some(1), None, None, Some(9)], 1), ["⡀⢸"]);
        assert_eq!(drawn(&[Some(3)], 1), ["⡆"]);
        assert!(drawn(&[], 1)[0].is_empty());
    }

    #[test]
    fn a_cell_tells_of_values_that_are_missing() {
        let cells = line(&[Some(1), Some(1), None, Some(1), None, None], 0);
        let gaps: Vec<_> = cells.map(|cell| (cell.has_gap, cell.is_gap)).collect();
        assert_eq!(gaps, [(false, false), (true, false), (true, true)]);
    }
}
