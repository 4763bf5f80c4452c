//! What is made of the table of keys: dispatch, the footer, the help, the palette, the README's list.

use std::fmt::Write as _;

use crossterm::event::KeyEvent;

use super::action::Action;
use super::section::{KeyContext, Section};
use super::table::{Binding, KEYMAP};

/// What a key does in a context.
pub fn action(context: KeyContext, event: &KeyEvent) -> Option<Action> {
    let here = KEYMAP.iter().filter(|binding| binding.section.covers(context));
    here.filter(|binding| binding.keys.iter().any(|key| key.is(event))).map(|binding| binding.action).next()
}

/// The footer of a context: keys and their word, the most needed first.
pub fn footer(context: KeyContext) -> Vec<(String, &'static str)> {
    words(KEYMAP.iter().filter(|binding| binding.section.covers(context) && !plays(binding)))
}

/// The same where a recording is shown: first how it is played, and nothing that only a node can do.
pub fn footer_of_a_recording(context: KeyContext) -> Vec<(String, &'static str)> {
    use Action::{Add, Dial, DialAll, DialFailing, Pause};
    let here = || KEYMAP.iter().filter(|binding| binding.section.covers(context));
    let pause = here().filter(|binding| binding.action == Pause);
    let asks = |action| matches!(action, Pause | Dial | DialAll | DialFailing | Add);
    let others = here().filter(|binding| !plays(binding) && !asks(binding.action));
    words(pause.chain(here().filter(|binding| plays(binding))).chain(others))
}

fn plays(binding: &Binding) -> bool {
    binding.section == Section::Recording
}

fn words(bindings: impl Iterator<Item = &'static Binding>) -> Vec<(String, &'static str)> {
    let mut entries: Vec<(String, &'static str)> = Vec::new();
    for binding in bindings {
        let (Some(word), Some(key)) = (binding.word, binding.keys.first()) else { continue };
        match entries.last_mut() {
            Some((keys, last)) if *last == word => keys.push_str(&key.name()),
            _ => entries.push((key.name(), word)),
        }
    }
    entries
}

/// The help: each section's heading with its keys and what they do.
pub fn help() -> Vec<(Section, Vec<(String, &'static str)>)> {
    let mut sections: Vec<(Section, Vec<(String, &'static str)>)> = Vec::new();
    for binding in KEYMAP {
        let entry = (binding.keys_in_text(), binding.help);
        match sections.iter_mut().find(|(other, _)| *other == binding.section) {
            Some((_, entries)) => entries.push(entry),
            None => sections.push((binding.section, vec![entry])),
        }
    }
    sections
}

/// The actions of a context that can be asked for by their words: all but those that move about.
pub fn palette(context: KeyContext) -> impl Iterator<Item = &'static Binding> {
    let moves = |action| {
        use Action::{Earlier, Later, Move, MoveAside, Palette};
        matches!(action, Palette | Move(_) | MoveAside(_) | Earlier | Later)
    };
    let here = KEYMAP.iter().filter(move |binding| binding.section.covers(context) && !moves(binding.action));
    let quit = |binding: &&Binding| binding.section != Section::Always || binding.action != Action::Quit;
    here.filter(quit)
}

/// The help as a Markdown table, for the README.
pub fn markdown() -> String {
    let mut text = String::from("| where | keys | what they do |\n|---|---|---|\n");
    for (section, entries) in help() {
        let title = section.title();
        for (keys, help) in entries {
            let keys: Vec<_> = keys.split(' ').map(|key| format!("`{key}`")).collect();
            let _ = writeln!(text, "| {title} | {} | {help} |", keys.join(" "));
        }
    }
    text
}

/// The actions of a context in whose words every typed word is found, those first whose name begins with it.
pub fn found(context: KeyContext, typed: &str) -> Vec<&'static Binding> {
    let words: Vec<_> = typed.split_whitespace().map(str::to_lowercase).collect();
    let contains = |text: &str, word: &str| text.to_lowercase().contains(word);
    let has = |binding: &&Binding| {
        let footer = binding.word.unwrap_or_default();
        let texts = [binding.help, footer, binding.section.title()];
        words.iter().all(|word| texts.iter().any(|text| contains(text, word)))
    };
    let mut found: Vec<_> = palette(context).filter(has).collect();
    // First what is called so in the last line of the screen.
    found.sort_by_key(|binding| !binding.word.is_some_and(|word| word.starts_with(typed.trim())));
    found
}
