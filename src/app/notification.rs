//! The terminal's own notifications: by OSC 9 or OSC 777 where it is known to have them, and by its bell elsewhere.

use std::fmt;

use crate::text::plain;

/// Most characters of a notification: desktops show about as many.
const LONGEST: usize = 200;

/// How a terminal notifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// `OSC 9 ; text`: iTerm2, kitty, `WezTerm`, Ghostty.
    Osc9,
    /// `OSC 777 ; notify ; title ; text`: foot, urxvt.
    Osc777,
    /// Any other, and what tmux and screen pass on.
    Bell,
}

impl Way {
    /// By what the terminal says of itself, in the variables of these names.
    fn of(variable: impl Fn(&str) -> String) -> Self {
        let (term, program) = (variable("TERM"), variable("TERM_PROGRAM"));
        let begins = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
        // Within them these variables may still be those of the terminal around.
        if begins(&["tmux", "screen"]) || !variable("TMUX").is_empty() {
            Self::Bell
        } else if begins(&["foot", "rxvt"]) {
            Self::Osc777
        } else if begins(&["xterm-kitty", "xterm-ghostty", "wezterm"])
            || ["iTerm.app", "WezTerm", "ghostty"].contains(&&*program)
        {
            Self::Osc9
        } else {
            Self::Bell
        }
    }
}

/// What makes the terminal of this process notify its person.
pub(super) fn of(text: &str) -> impl fmt::Display {
    sequence(Way::of(|name| std::env::var(name).unwrap_or_default()), text)
}

fn sequence(way: Way, text: &str) -> String {
    // A semicolon separates the parts of the sequence.
    let text: String = plain(text).replace(';', ",").chars().take(LONGEST).collect();
    match way {
        Way::Osc9 => format!("\x1b]9;vigie: {text}\x07"),
        Way::Osc777 => format!("\x1b]777;notify;vigie;{text}\x07"),
        Way::Bell => "\x07".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn way(term: &str, program: &str, tmux: &str) -> Way {
        Way::of(|name| {
            match name {
                "TERM" => term,
                "TERM_PROGRAM" => program,
                _ => tmux,
            }
            .to_owned()
        })
    }

    #[test]
    fn terminals_that_notify_are_known_and_all_others_ring() {
        assert_eq!(way("xterm-kitty", "", ""), Way::Osc9);
        assert_eq!(way("xterm-256color", "iTerm.app", ""), Way::Osc9);
        assert_eq!(way("foot", "", ""), Way::Osc777);
        assert_eq!(way("xterm-256color", "", ""), Way::Bell);
        assert_eq!(way("tmux-256color", "WezTerm", ""), Way::Bell);
        assert_eq!(way("xterm-kitty", "", "/tmp/tmux-0/default,1,0"), Way::Bell);
    }

    #[test]
    fn no_text_ends_the_sequence_or_begins_another() {
        let text = "a;b\x07c\x1b]0;x";
        let made = sequence(Way::Osc777, text);
        assert!(made.starts_with("\x1b]777;notify;vigie;a,b") && made.ends_with('\x07'), "{made:?}");
        assert_eq!(made.matches(['\x07', '\x1b']).count(), 2, "{made:?}");
        assert!(sequence(Way::Osc9, &"x".repeat(9_999)).len() < 2 * LONGEST);
    }
}
