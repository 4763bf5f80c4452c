//! The screen's signs: one column wide in every terminal font, and told apart without colours and in ASCII.

use crate::app::model::{Change, Mark};
use crate::engine::peers::PeerState;

/// A state's sign, one column wide in every terminal font.
pub fn glyph(state: PeerState) -> &'static str {
    match state {
        PeerState::New => "·",
        PeerState::Up => "●",
        PeerState::Retrying => "◐",
        PeerState::Unreachable => "✖",
        PeerState::Silent => "○",
        PeerState::Left => "◌",
    }
}

/// A state's sign in a band of the timeline: a thin line where all is well, and the more ink the worse it is.
pub fn band(state: PeerState) -> &'static str {
    match state {
        PeerState::New => "·",
        PeerState::Up => "─",
        PeerState::Retrying => "▄",
        PeerState::Unreachable => "█",
        PeerState::Silent => "░",
        PeerState::Left => "╌",
    }
}

/// The sign of a pair of the matrix: little ink where all is well, so that what fails is seen without colours.
pub fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Fine => "•",
        Mark::Failing => "✖",
        Mark::Unknown => "?",
        Mark::Stale => "○",
    }
}

/// The sign of a change in the matrix, beside that of the pair.
pub fn change(change: Change) -> &'static str {
    match change {
        Change::Worse => "▼",
        Change::Better => "▲",
        Change::Lost => "~",
        Change::New => "+",
    }
}

/// What stands for one of the screen's own signs where the font has only ASCII; none for anything else, such as a letter
/// of a name.
pub fn ascii(symbol: &str) -> Option<&'static str> {
    Some(match symbol {
        "·" | "•" | "…" | "◌" | "▁" => ".",
        "●" | "▅" => "*",
        "◐" | "▄" => "~",
        "✖" | "×" | "✗" => "X",
        "○" => "o",
        "░" => ":",
        "─" | "━" | "–" | "—" | "↔" => "-",
        "│" | "┃" | "║" => "|",
        "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┬" | "┴" | "┼" | "▆" | "✓" => "+",
        "▸" | "→" | "▶" => ">",
        "◂" | "←" | "◀" => "<",
        "↑" | "▲" => "^",
        "↓" | "▼" => "v",
        "▂" | "╌" => "_",
        "▃" => "=",
        "≠" => "!",
        "▇" | "█" | "▓" | "▒" | "▉" | "▊" | "▋" | "▌" | "▐" | "▍" | "▎" | "▏" => "#",
        "µ" | "μ" => "u",
        symbol => return braille(symbol),
    })
}

/// A braille cell by the height of its dots.
fn braille(symbol: &str) -> Option<&'static str> {
    let dots =
        symbol.chars().next().and_then(|c| u32::from(c).checked_sub(0x2800)).filter(|dots| *dots < 256)?;
    // The upper two of four rows, and the lower two.
    Some(match (dots & 0b0001_1011 > 0, dots & 0b1110_0100 > 0) {
        (true, _) => ":",
        (false, true) => ".",
        (false, false) => " ",
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn states_differ_without_colours_and_in_ascii() {
        let glyphs: HashSet<_> = PeerState::ALL.into_iter().map(glyph).collect();
        assert_eq!(glyphs.len(), PeerState::ALL.len());
        let plain: HashSet<_> = PeerState::ALL
            .into_iter()
            .filter(|state| *state != PeerState::Left)
            .map(|state| ascii(glyph(state)))
            .collect();
        assert_eq!(plain.len(), PeerState::ALL.len() - 1);
        assert!(plain.iter().all(|sign| sign.is_some_and(str::is_ascii)));
    }

    #[test]
    fn the_signs_of_a_band_differ_without_colours_and_in_ascii() {
        let signs: HashSet<_> = PeerState::ALL.into_iter().map(band).collect();
        let plain: HashSet<_> = PeerState::ALL.into_iter().map(|state| ascii(band(state))).collect();
        assert_eq!((signs.len(), plain.len()), (PeerState::ALL.len(), PeerState::ALL.len()));
        assert!(plain.iter().all(|sign| sign.is_some_and(|sign| sign.is_ascii() && sign != " ")));
    }

    #[test]
    fn the_signs_of_the_matrix_differ_without_colours_and_in_ascii() {
        let signs: Vec<_> =
            Mark::ALL.into_iter().map(mark).chain(Change::ALL.into_iter().map(change)).collect();
        let plain: HashSet<_> = signs.iter().map(|sign| ascii(sign).unwrap_or(sign)).collect();
        let distinct: HashSet<_> = signs.iter().collect();
        assert_eq!((distinct.len(), plain.len()), (8, 8), "{plain:?}");
        assert!(plain.iter().all(|sign| sign.is_ascii() && *sign != "\\"), "that is a node and itself");
    }
}
