//! What a terminal may print.

use crate::proto::disturbs_a_terminal;

/// A line in which nothing can steer the terminal: each character that could is shown as U+FFFD.
pub fn plain(line: &str) -> String {
    line.chars().map(|c| if disturbs_a_terminal(c) { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_plain_line_steers_the_terminal() {
        assert_eq!(plain("a\x1b[2Jb \u{202E}c"), "a\u{FFFD}[2Jb \u{FFFD}c");
        assert_eq!(plain("山田 e\u{301}"), "山田 e\u{301}");
    }
}
