//! What may stand in a text that is shown to people.

use super::{MAX_MESSAGE, MAX_TEXT};

/// Why a text is not to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing that can be seen.
    #[error("it is empty")]
    Empty,
    /// Longer than the limit, which is the second number.
    #[error("it has {0} bytes, and {1} is the maximum")]
    TooLong(usize, usize),
    /// A character that would disturb a terminal: controls, line separators, direction overrides, fillers.
    #[error("it contains the control character U+{0:04X}")]
    Control(u32),
}

/// Checks a name of a node or a group: 1 to [`MAX_TEXT`] bytes of UTF-8 that a terminal can show as they are,
/// with no control characters (C0, C1), line or paragraph separators, direction marks, overrides or isolates
/// (Unicode UAX #9), invisible fillers, tags or byte-order marks, and with something to be seen.
pub fn check_text(text: &str) -> Result<(), TextError> {
    check(text, MAX_TEXT)
}

/// Checks a message to a person: like a name, and up to [`MAX_MESSAGE`] bytes.
pub fn check_message(text: &str) -> Result<(), TextError> {
    check(text, MAX_MESSAGE)
}

fn check(text: &str, most: usize) -> Result<(), TextError> {
    if text.len() > most {
        return Err(TextError::TooLong(text.len(), most));
    }
    // Most names are plain ASCII. Without an early end, the compiler checks many bytes at once.
    if text.bytes().fold(true, |plain, byte| plain & matches!(byte, b' '..=b'~')) {
        return if text.bytes().all(|byte| byte == b' ') { Err(TextError::Empty) } else { Ok(()) };
    }
    if let Some(c) = text.chars().find(|c| disturbs_a_terminal(*c)) {
        return Err(TextError::Control(c as u32));
    }
    if text.chars().all(is_blank) { Err(TextError::Empty) } else { Ok(()) }
}

/// Whether a character would steer or confuse a terminal rather than show.
pub fn disturbs_a_terminal(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{180E}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E007F}')
}

/// Characters that are fine among others, but that nobody sees when they stand alone: white space, joiners
/// (which some scripts need), variation selectors and the empty braille pattern.
fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || matches!(c,
            '\u{34F}' | '\u{200C}' | '\u{200D}' | '\u{2800}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0100}'..='\u{E01EF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_in_any_script_are_fine() {
        for name in [
            "host7",
            "Büro-PC",
            "山田のPC",
            "مضيف",
            "e\u{301}tude",
            "rack 3 / left",
            "می\u{200C}خانه",
            "❤\u{FE0F}",
        ] {
            assert_eq!(check_text(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_would_disturb_a_terminal_are_refused() {
        assert_eq!(check_text(&"x".repeat(64)), Err(TextError::TooLong(64, 63)));
        for name in [
            "a\x1b[2Jb",
            "a\nb",
            "a\x7fb",
            "a\u{85}b",
            "a\u{202E}b",
            "a\u{2028}b",
            "\u{FEFF}a",
            "a\u{61C}b",
            "a\u{206E}b",
            "a\u{AD}b",
            "a\u{3164}b",
            "a\u{E0041}b",
        ] {
            assert!(matches!(check_text(name), Err(TextError::Control(_))), "{name:?}");
        }
    }

    #[test]
    fn names_that_nobody_could_see_are_refused() {
        for name in ["", " ", "\u{A0}\u{3000}", "\u{200D}", "\u{2800}", "\u{FE0F} "] {
            assert_eq!(check_text(name), Err(TextError::Empty), "{name:?}");
        }
    }

    #[test]
    fn a_message_is_checked_like_a_name_and_may_be_longer() {
        assert_eq!(check_message(&"x".repeat(256)), Ok(()));
        assert_eq!(check_message(&"x".repeat(257)), Err(TextError::TooLong(257, 256)));
        assert_eq!(check_message("a\x1b]0;title\x07"), Err(TextError::Control(0x1b)));
    }
}
