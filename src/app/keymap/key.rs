//! A key, as terminals report it and as people write it.

use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// A key, without Shift: terminals differ in whether they report it beside the character it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    pub(super) const fn of(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    pub(super) const fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: false }
    }

    pub(super) const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    pub(super) fn is(self, event: &KeyEvent) -> bool {
        let plain = !event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER);
        plain && event.code == self.code && event.modifiers.contains(KeyModifiers::CONTROL) == self.ctrl
    }

    /// The event that a terminal reports for it.
    pub fn event(self) -> KeyEvent {
        let modifiers = if self.ctrl { KeyModifiers::CONTROL } else { KeyModifiers::NONE };
        KeyEvent::new(self.code, modifiers)
    }

    /// As it is written on keyboards.
    pub fn name(self) -> String {
        match self.code {
            KeyCode::Char(c) if self.ctrl => format!("Ctrl-{}", c.to_ascii_uppercase()),
            KeyCode::Char(c) => c.to_string(),
            KeyCode::Up => "↑".into(),
            KeyCode::Down => "↓".into(),
            KeyCode::Left => "←".into(),
            KeyCode::Right => "→".into(),
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            code => code.to_string(),
        }
    }
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no key: a character, Ctrl- and a letter, F1 to F12, or one of {names} is expected", names = names())]
pub struct NoKey(String);

/// Keys by the names that people write; the first of a key's names is told to them.
const NAMED: [(&str, KeyCode); 21] = [
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Space", KeyCode::Char(' ')),
    ("Tab", KeyCode::Tab),
    ("Shift-Tab", KeyCode::BackTab),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("PgUp", KeyCode::PageUp),
    ("PgDn", KeyCode::PageDown),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("Ins", KeyCode::Insert),
    ("Del", KeyCode::Delete),
    ("Backspace", KeyCode::Backspace),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
    ("Insert", KeyCode::Insert),
    ("Delete", KeyCode::Delete),
    ("Escape", KeyCode::Esc),
];
/// Of these, how many have another name before.
const SECOND_NAMES: usize = 5;

fn names() -> String {
    NAMED[..NAMED.len() - SECOND_NAMES].iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let none = || NoKey(text.to_owned());
        let one_char = |text: &str| {
            let mut chars = text.chars();
            chars.next().filter(|c| chars.next().is_none() && !c.is_control())
        };
        if let Some(c) = one_char(text) {
            return Ok(Self::char(c));
        }
        let begins =
            |start: &str| text.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
        if begins("Ctrl-") {
            let letter = one_char(&text[5..]).filter(char::is_ascii_alphabetic).ok_or_else(none)?;
            return Ok(Self::ctrl(letter.to_ascii_lowercase()));
        }
        if let Some((_, code)) = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(Self::of(*code));
        }
        let number = if begins("F") { text[1..].parse().ok() } else { None };
        number.filter(|n| (1..=12).contains(n)).map(|n| Self::of(KeyCode::F(n))).ok_or_else(none)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_written_as_on_keyboards() {
        let parsed = |text: &str| text.parse::<Key>().ok();
        for (text, key) in [
            ("d", Key::char('d')),
            ("D", Key::char('D')),
            ("ä", Key::char('ä')),
            ("Space", Key::char(' ')),
            ("Ctrl-R", Key::ctrl('r')),
            ("ctrl-r", Key::ctrl('r')),
            ("F12", Key::of(KeyCode::F(12))),
            ("esc", Key::of(KeyCode::Esc)),
            ("PageUp", Key::of(KeyCode::PageUp)),
            ("Shift-Tab", Key::of(KeyCode::BackTab)),
        ] {
            assert_eq!(parsed(text), Some(key), "{text}");
        }
        for text in ["", "F0", "F13", "Ctrl-", "Ctrl-1", "Ctrl-Enter", "dd", "\n", "Alt-x", "Fünf", "ä-ä"]
        {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn every_key_of_the_table_can_be_written_as_the_help_shows_it() {
        for key in super::super::KEYMAP.iter().flat_map(|binding| binding.keys.iter()) {
            let arrows = ["↑", "↓", "←", "→"];
            if !arrows.contains(&&*key.name()) && *key != Key::char(' ') {
                assert_eq!(key.name().parse(), Ok(*key));
            }
        }
    }
}
