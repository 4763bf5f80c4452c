//! The one table of keys: it dispatches, fills the footer and the help pane, and prints the README's list.

use std::fmt::Write as _;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Leave.
    Quit,
    /// Draw everything anew.
    Redraw,
    /// Stop for the shell's job control.
    Suspend,
    /// Show the help.
    Help,
    /// Focus the next pane.
    NextPane,
    /// Focus the pane before.
    PreviousPane,
    /// Freeze the display, or let it run again.
    Pause,
    /// Ask for a peer to add.
    Add,
    /// Dial every peer.
    DialAll,
    /// One line up.
    Up,
    /// One line down.
    Down,
    /// One page up.
    PageUp,
    /// One page down.
    PageDown,
    /// To the first line.
    First,
    /// To the last line.
    Last,
    /// Dial the selected peer.
    Dial,
    /// Drop the selected peer.
    Forget,
    /// Follow the newest lines again.
    Follow,
    /// Take what was typed, or say yes.
    Accept,
    /// Leave the overlay.
    Close,
    /// Erase the last character.
    Erase,
    /// Erase all that was typed.
    EraseAll,
}

/// Where the keys go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Context {
    /// The peer table.
    Peers,
    /// The list of attempts.
    Attempts,
    /// The log.
    Log,
    /// The help pane.
    Help,
    /// The prompt for a peer's address.
    Add,
    /// The question before a peer that is up is forgotten.
    Confirm,
}

/// Keys that count in the same contexts, as the help pane groups them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Section {
    /// In the peer table.
    Peers,
    /// In the attempts and the log.
    Lists,
    /// In every pane.
    Panes,
    /// Even over an overlay.
    Always,
    /// In the prompt for an address.
    Add,
    /// In the question.
    Confirm,
    /// In the help pane.
    Help,
}

impl Section {
    /// The section's heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Peers => "Peers",
            Self::Lists => "Attempts and log",
            Self::Panes => "Every pane",
            Self::Always => "Always",
            Self::Add => "Adding a peer",
            Self::Confirm => "Before forgetting a peer that is up",
            Self::Help => "This help",
        }
    }

    fn covers(self, context: Context) -> bool {
        match self {
            Self::Peers => context == Context::Peers,
            Self::Lists => matches!(context, Context::Attempts | Context::Log),
            Self::Panes => matches!(context, Context::Peers | Context::Attempts | Context::Log),
            Self::Always => true,
            Self::Add => context == Context::Add,
            Self::Confirm => context == Context::Confirm,
            Self::Help => context == Context::Help,
        }
    }
}

/// A key, without Shift: terminals differ in whether they report it beside the character it made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    ctrl: bool,
}

impl Key {
    const fn of(code: KeyCode) -> Self {
        Self { code, ctrl: false }
    }

    const fn char(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: false }
    }

    const fn ctrl(c: char) -> Self {
        Self { code: KeyCode::Char(c), ctrl: true }
    }

    fn is(self, event: &KeyEvent) -> bool {
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
            KeyCode::PageUp => "PgUp".into(),
            KeyCode::PageDown => "PgDn".into(),
            KeyCode::BackTab => "Shift-Tab".into(),
            code => code.to_string(),
        }
    }
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub struct Binding {
    /// Any of these.
    pub keys: &'static [Key],
    /// Does this.
    pub action: Action,
    /// Here.
    pub section: Section,
    /// In the footer: a word. Neighbours with the same word share it. None where the footer is better without.
    pub word: Option<&'static str>,
    /// In the help.
    pub help: &'static str,
}

const fn bind(
    section: Section,
    keys: &'static [Key],
    action: Action,
    word: Option<&'static str>,
    help: &'static str,
) -> Binding {
    Binding { keys, action, section, word, help }
}

/// The table, in the order of the help pane. The footer shows as many as fit, from the top.
#[rustfmt::skip]
pub const KEYMAP: &[Binding] = &[
    bind(Section::Peers, &[Key::of(KeyCode::Enter), Key::char('d')], Action::Dial, Some("dial"), "dial the selected peer now"),
    bind(Section::Peers, &[Key::char('x'), Key::of(KeyCode::Delete)], Action::Forget, Some("forget"), "forget the peer until it is heard"),
    bind(Section::Lists, &[Key::of(KeyCode::Esc)], Action::Follow, Some("follow"), "follow the newest lines again"),
    bind(Section::Panes, &[Key::char('?'), Key::of(KeyCode::F(1))], Action::Help, Some("help"), "show this help"),
    bind(Section::Panes, &[Key::char('q')], Action::Quit, Some("quit"), "say goodbye to the peers and quit"),
    bind(Section::Panes, &[Key::char('a')], Action::Add, Some("add"), "add a peer by its address"),
    bind(Section::Panes, &[Key::char('D')], Action::DialAll, Some("dial all"), "dial every peer now"),
    bind(Section::Panes, &[Key::char('p'), Key::char(' ')], Action::Pause, Some("pause"), "freeze the display, or go on"),
    bind(Section::Panes, &[Key::of(KeyCode::Tab)], Action::NextPane, Some("pane"), "go to the next pane"),
    bind(Section::Panes, &[Key::of(KeyCode::BackTab)], Action::PreviousPane, None, "go to the pane before"),
    bind(Section::Panes, &[Key::of(KeyCode::Up), Key::char('k')], Action::Up, Some("move"), "one line up"),
    bind(Section::Panes, &[Key::of(KeyCode::Down), Key::char('j')], Action::Down, Some("move"), "one line down"),
    bind(Section::Panes, &[Key::of(KeyCode::PageUp)], Action::PageUp, None, "one page up"),
    bind(Section::Panes, &[Key::of(KeyCode::PageDown)], Action::PageDown, None, "one page down"),
    bind(Section::Panes, &[Key::of(KeyCode::Home), Key::char('g')], Action::First, None, "to the first line"),
    bind(Section::Panes, &[Key::of(KeyCode::End), Key::char('G')], Action::Last, None, "to the last line"),
    bind(Section::Always, &[Key::ctrl('c')], Action::Quit, None, "quit"),
    bind(Section::Always, &[Key::ctrl('l')], Action::Redraw, None, "draw the screen anew"),
    bind(Section::Always, &[Key::ctrl('z')], Action::Suspend, None, "suspend, where the system can"),
    bind(Section::Add, &[Key::of(KeyCode::Enter)], Action::Accept, Some("add"), "add this peer"),
    bind(Section::Add, &[Key::of(KeyCode::Esc)], Action::Close, Some("cancel"), "add none"),
    bind(Section::Add, &[Key::of(KeyCode::Backspace), Key::ctrl('h')], Action::Erase, None, "erase the last character"),
    bind(Section::Add, &[Key::ctrl('u')], Action::EraseAll, None, "erase all"),
    bind(Section::Confirm, &[Key::char('y')], Action::Accept, Some("forget it"), "forget it"),
    bind(Section::Confirm, &[Key::char('n'), Key::of(KeyCode::Esc)], Action::Close, Some("keep it"), "keep it"),
    bind(Section::Help, &[Key::of(KeyCode::Esc), Key::char('?'), Key::char('q'), Key::of(KeyCode::F(1))], Action::Close, Some("close"), "close this help"),
    bind(Section::Help, &[Key::of(KeyCode::Up), Key::char('k')], Action::Up, Some("scroll"), "one line up"),
    bind(Section::Help, &[Key::of(KeyCode::Down), Key::char('j')], Action::Down, Some("scroll"), "one line down"),
];

/// What a key does in a context.
pub fn action(context: Context, event: &KeyEvent) -> Option<Action> {
    let here = KEYMAP.iter().filter(|binding| binding.section.covers(context));
    here.filter(|binding| binding.keys.iter().any(|key| key.is(event))).map(|binding| binding.action).next()
}

/// The footer of a context: keys and their word, the most needed first.
pub fn footer(context: Context) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for binding in KEYMAP.iter().filter(|binding| binding.section.covers(context)) {
        let (Some(word), Some(key)) = (binding.word, binding.keys.first()) else { continue };
        match entries.last_mut() {
            Some((keys, last)) if *last == word => keys.push_str(&key.name()),
            _ => entries.push((key.name(), word)),
        }
    }
    entries
}

/// The help: each section's heading with its keys and what they do.
pub fn help() -> Vec<(&'static str, Vec<(String, &'static str)>)> {
    let mut sections: Vec<(&'static str, Vec<(String, &'static str)>)> = Vec::new();
    for binding in KEYMAP {
        let keys: Vec<_> = binding.keys.iter().map(|key| name_in_text(*key)).collect();
        let entry = (keys.join(" "), binding.help);
        match sections.last_mut() {
            Some((title, entries)) if *title == binding.section.title() => entries.push(entry),
            _ => sections.push((binding.section.title(), vec![entry])),
        }
    }
    sections
}

/// The help as a Markdown table, for the README.
pub fn markdown() -> String {
    let mut text = String::from("| where | keys | what they do |\n|---|---|---|\n");
    for (title, entries) in help() {
        for (keys, help) in entries {
            let keys: Vec<_> = keys.split(' ').map(|key| format!("`{key}`")).collect();
            let _ = writeln!(text, "| {title} | {} | {help} |", keys.join(" "));
        }
    }
    text
}

/// A key's name where blanks separate keys.
fn name_in_text(key: Key) -> String {
    if key == Key::char(' ') { "Space".into() } else { key.name() }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const CONTEXTS: [Context; 6] =
        [Context::Peers, Context::Attempts, Context::Log, Context::Help, Context::Add, Context::Confirm];

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        for context in CONTEXTS {
            let mut seen = HashSet::new();
            for binding in KEYMAP.iter().filter(|binding| binding.section.covers(context)) {
                for key in binding.keys {
                    assert!(seen.insert(*key), "{} in {context:?}", key.name());
                }
            }
        }
    }

    #[test]
    fn every_key_of_the_table_does_what_its_line_says_where_it_says() {
        for binding in KEYMAP {
            for context in CONTEXTS.into_iter().filter(|context| binding.section.covers(*context)) {
                for key in binding.keys {
                    assert_eq!(action(context, &key.event()), Some(binding.action), "{}", key.name());
                }
            }
        }
    }

    #[test]
    fn a_capital_counts_with_and_without_a_reported_shift_and_alt_makes_another_key() {
        let key = |c, modifiers| action(Context::Peers, &KeyEvent::new(KeyCode::Char(c), modifiers));
        assert_eq!(key('D', KeyModifiers::SHIFT), Some(Action::DialAll));
        assert_eq!(key('D', KeyModifiers::NONE), Some(Action::DialAll));
        assert_eq!(key('d', KeyModifiers::ALT), None);
        assert_eq!(key('d', KeyModifiers::CONTROL), None);
    }

    #[test]
    fn the_readme_lists_every_binding() {
        assert_eq!(markdown().lines().count(), KEYMAP.len() + 2);
    }
}
