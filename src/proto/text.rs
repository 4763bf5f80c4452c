//! What may stand in a name that is shown to people.

use super::MAX_TEXT;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("it is empty")]
    Empty,
    /// Longer than [`MAX_TEXT`] bytes.
    #[error("it has {0} bytes and {MAX_TEXT} is the most")]
    TooLong(usize),
    /// A character that would disturb a terminal: controls, line separators, direction overrides.
    #[error("it holds the control character U+{0:04X}")]
    Control(u32),
}

/// Checks a name of a node or a group: 1 to [`MAX_TEXT`] bytes of UTF-8 that a terminal can show as they are,
/// with no control characters (C0, C1), line or paragraph separators, direction overrides or isolates
/// (Unicode UAX #9), invisible tags or byte-order marks.
pub fn check_text(text: &str) -> Result<(), TextError> {
    if text.len() > MAX_TEXT {
        return Err(TextError::TooLong(text.len()));
    }
    if text.trim().is_empty() {
        return Err(TextError::Empty);
    }
    match text.chars().find(|c| disturbs_a_terminal(*c)) {
        Some(c) => Err(TextError::Control(c as u32)),
        None => Ok(()),
    }
}

fn disturbs_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}' | '\u{2029}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2069}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_in_any_script_are_fine() {
        for name in ["host7", "Büro-PC", "山田のPC", "مضيف", "e\u{301}tude", "rack 3 / left"] {
            assert_eq!(check_text(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_would_disturb_a_terminal_are_refused() {
        assert_eq!(check_text(" "), Err(TextError::Empty));
        assert_eq!(check_text(&"x".repeat(64)), Err(TextError::TooLong(64)));
        for name in ["a\x1b[2Jb", "a\nb", "a\u{85}b", "a\u{202E}b", "a\u{2028}b", "\u{FEFF}a"] {
            assert!(matches!(check_text(name), Err(TextError::Control(_))), "{name:?}");
        }
    }
}
