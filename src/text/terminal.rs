//! What a terminal may print.

use std::borrow::Cow;

use crate::proto::disturbs_a_terminal;

/// Whether a terminal may print a character: it shows something and steers nothing.
pub fn is_printable(c: char) -> bool {
    !disturbs_a_terminal(c)
}

/// A line in which nothing can steer the terminal: each character that could is shown as U+FFFD.
pub fn plain(line: &str) -> String {
    line.chars().map(|c| if is_printable(c) { c } else { '\u{FFFD}' }).collect()
}

/// Brings a terminal that reorders right-to-left text back to left-to-right, so that a name does not drag the rest of
/// its row along (Unicode Standard Annex 9, LRM).
pub const LEFT_TO_RIGHT_MARK: char = '\u{200E}';

/// Whether a terminal may write this character to the left (the Hebrew, Arabic, Syriac, N'Ko, … blocks).
pub fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8FF}' | '\u{FB1D}'..='\u{FDFF}' | '\u{FE70}'..='\u{FEFC}' | '\u{10800}'..='\u{10FFF}' | '\u{1E800}'..='\u{1EFFF}')
}

/// Lines in which what stands behind words that are written to the left keeps its place.
pub fn left_to_right(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_right_to_left) {
        return text.into();
    }
    let mut marked = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let mut is_left = false;
        for word in line.split_inclusive(' ') {
            if word.chars().any(is_right_to_left) {
                is_left = true;
            } else if is_left && !word.trim().is_empty() {
                marked.insert(marked.trim_end_matches(' ').len(), LEFT_TO_RIGHT_MARK);
                is_left = false;
            }
            marked.push_str(word);
        }
    }
    marked.into()
}

/// A text whose own signs are ASCII, for poor fonts. Letters of names stay as they are.
pub fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '→' => plain.push_str("->"),
            '↔' => plain.push_str("<->"),
            '…' => plain.push_str("..."),
            '–' | '—' => plain.push('-'),
            'µ' => plain.push('u'),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_ascii_only_the_letters_of_names_are_something_else() {
        assert_eq!(ascii("山田 → h2: 84 µs…"), "山田 -> h2: 84 us...");
    }

    #[test]
    fn what_stands_behind_a_name_that_is_written_to_the_left_keeps_its_place() {
        let table = "name   address\nשרת 1  10.0.0.2:17474\nhost7  10.0.0.3:17474\n";
        let marked = left_to_right(table);
        assert_eq!(marked, "name   address\nשרת\u{200E} 1  10.0.0.2:17474\nhost7  10.0.0.3:17474\n");
        assert_eq!(left_to_right("שרת אחד  up  שרת\n"), "שרת אחד\u{200E}  up  שרת\n");
        assert!(matches!(left_to_right("host7  up\n"), Cow::Borrowed(_)));
        let width = |text: &str| text.lines().map(crate::text::columns).collect::<Vec<_>>();
        assert_eq!(width(&marked), width(table), "a mark takes no room");
    }

    #[test]
    fn nothing_in_a_plain_line_steers_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb \u{202E}c"), "a\u{FFFD}[2Jb \u{FFFD}c");
        assert_eq!(plain("山田 e\u{301}"), "山田 e\u{301}");
    }
}
