//! Names that are written from right to left: a terminal that turns their letters round must not turn what stands behind them.

use ratatui::buffer::Buffer;

/// Shows nothing, and counts as a letter that is written from left to right (UAX #9): what follows is no part of the name.
const LEFT_TO_RIGHT: char = '\u{200E}';

/// Ends each piece of right-to-left text where it ends on the screen.
pub(super) fn end_right_to_left(buf: &mut Buffer) {
    let width = usize::from(buf.area.width);
    if width == 0 {
        return;
    }
    for row in buf.content.chunks_mut(width) {
        let mut cells = row.iter_mut().peekable();
        while let Some(cell) = cells.next() {
            let goes_on = cells.peek().is_some_and(|next| is_right_to_left(next.symbol()));
            if is_right_to_left(cell.symbol()) && !goes_on {
                let ended = format!("{}{LEFT_TO_RIGHT}", cell.symbol());
                cell.set_symbol(&ended);
            }
        }
    }
}

/// Whether a sign is a letter of a script that is written from right to left, or an Arabic digit.
fn is_right_to_left(symbol: &str) -> bool {
    // Nearly all signs are ASCII, and this is asked of each of every frame.
    symbol.len() > 1
        && symbol.chars().next().is_some_and(|c| {
            matches!(c,
                '\u{0590}'..='\u{08FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFF}'
                | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_right_to_left_name_is_no_part_of_it() {
        let mut buf = Buffer::with_lines(["● שלום  10.0.0.7 up", "● host7 שם", "● עב"]);
        end_right_to_left(&mut buf);
        let text: String = buf.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        assert!(text.contains("שלום\u{200E}  10.0.0.7 up"), "{text:?}");
        assert_eq!(text.matches(LEFT_TO_RIGHT).count(), 3, "{text:?}");
        let width = usize::from(buf.area.width);
        assert_eq!(buf.content.len(), 3 * width, "no cell moves");
    }
}
