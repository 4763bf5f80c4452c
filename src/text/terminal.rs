//! What a terminal may print.

use crate::proto::disturbs_a_terminal;

/// Whether a terminal may print a character: it shows something and steers nothing.
pub fn is_printable(c: char) -> bool {
    !disturbs_a_terminal(c)
}

/// A line in which nothing can steer the terminal: each character that could is shown as U+FFFD.
pub fn plain(line: &str) -> String {
    line.chars().map(|c| if is_printable(c) { c } else { '\u{FFFD}' }).collect()
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
    fn nothing_in_a_plain_line_steers_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb \u{202E}c"), "a\u{FFFD}[2Jb \u{FFFD}c");
        assert_eq!(plain("山田 e\u{301}"), "山田 e\u{301}");
    }
}
