//! What is made of the table of keys: dispatch, the footer, the help, the palette, the README's list.

use std::fmt::Write as _;

use crossterm::event::KeyEvent;

use super::action::Action;
use super::keys::Keymap;
use super::section::{KeyContext, Section};
use super::table::Binding;

impl Keymap {
    /// What a key does in a context.
    pub fn action(&self, context: KeyContext, event: &KeyEvent) -> Option<Action> {
        let mut here = self.here(context);
        here.find(|binding| binding.keys.iter().any(|key| key.is(event))).map(|binding| binding.action)
    }

    /// The footer of a context: keys and their word, the most needed first, without those that do nothing now.
    pub fn footer(&self, context: KeyContext, idle: &[Action]) -> Vec<(String, &'static str)> {
        words(self.here(context).filter(|binding| !plays(binding) && !idle.contains(&binding.action)))
    }

    /// The same where a recording is shown: first how it is played, and nothing that only a node can do.
    pub fn footer_of_a_recording(&self, context: KeyContext, idle: &[Action]) -> Vec<(String, &'static str)> {
        let pause = self.here(context).filter(|binding| binding.action == Action::Pause);
        let others = self
            .here(context)
            .filter(|binding| !plays(binding) && !asks(binding) && binding.action != Action::Pause);
        let plays = self.here(context).filter(|binding| plays(binding));
        words(pause.chain(plays).chain(others).filter(|binding| !idle.contains(&binding.action)))
    }

    fn here(&self, context: KeyContext) -> impl Iterator<Item = &Binding> {
        self.bindings().iter().filter(move |binding| binding.section.covers(context))
    }

    /// The help: each section's heading with its keys and what they do. The keys that sort by a column are one line; what has no key
    /// is the last section.
    pub fn help(&self) -> Vec<(Section, Vec<(String, &'static str)>)> {
        self.help_of(|_| true)
    }

    /// The same of what works where a recording is shown, or where a node is.
    pub fn help_where(&self, is_recorded: bool) -> Vec<(Section, Vec<(String, &'static str)>)> {
        self.help_of(|binding| if is_recorded { !asks(binding) } else { !plays(binding) })
    }

    fn help_of(&self, listed: impl Fn(&Binding) -> bool) -> Vec<(Section, Vec<(String, &'static str)>)> {
        let mut sections: Vec<(Section, Vec<(String, &'static str)>)> = Vec::new();
        let sorts = |binding: &Binding| matches!(binding.action, Action::SortBy(_));
        let (mut columns, mut typed): (Vec<String>, Vec<(String, &'static str)>) = Default::default();
        let mut bindings = self.bindings().iter().filter(|binding| listed(binding)).peekable();
        while let Some(binding) = bindings.next() {
            let mut entry = (binding.keys_in_text(), binding.help);
            if sorts(binding) {
                columns.push(entry.0);
                if bindings.peek().is_some_and(|next| sorts(next)) {
                    continue;
                }
                entry = (ends_of(&columns), "sort by name, address, state, dial …");
            }
            if binding.keys.is_empty() {
                typed.push(entry);
                continue;
            }
            if let Some((_, entries)) = sections.iter_mut().find(|(other, _)| *other == binding.section)
                && let Some((keys, help)) = entries.last_mut()
                && *help == binding.help
            {
                // Two that belong together.
                *keys = format!("{keys} {}", entry.0);
                continue;
            }
            match sections.iter_mut().find(|(other, _)| *other == binding.section) {
                Some((_, entries)) => entries.push(entry),
                None => sections.push((binding.section, vec![entry])),
            }
        }
        if !typed.is_empty() {
            sections.push((Section::Typed, typed));
        }
        sections
    }

    /// The actions of a context that can be asked for by their words: all but those that move about.
    pub fn palette(&self, context: KeyContext) -> impl Iterator<Item = &Binding> {
        let moves = |action| {
            use Action::{Earlier, Later, Move, MoveAside, Palette};
            matches!(action, Palette | Move(_) | MoveAside(_) | Earlier | Later)
        };
        let here = self.bindings().iter();
        let here = here.filter(move |binding| binding.section.covers(context) && !moves(binding.action));
        let quit = |binding: &&Binding| binding.section != Section::Always || binding.action != Action::Quit;
        here.filter(quit)
    }

    /// The help as a Markdown table, for the README.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| where | keys | what they do |\n|---|---|---|\n");
        for (section, entries) in self.help() {
            let title = section.title();
            for (keys, help) in entries {
                // What is typed may have a blank; keys have blanks between them.
                let keys: Vec<&str> =
                    if section == Section::Typed { vec![&keys] } else { keys.split(' ').collect() };
                let keys: Vec<_> = keys.into_iter().map(|key| format!("`{key}`")).collect();
                let _ = writeln!(text, "| {title} | {} | {help} |", keys.join(" "));
            }
        }
        text
    }

    /// The action of a context that words are typed for, and these words: `:columns name state`. None before the first blank.
    pub fn typed<'t>(&self, context: KeyContext, text: &'t str) -> Option<(Action, &'t str)> {
        let (first, rest) = text.trim_start().split_once(' ')?;
        let mut takers = self.palette(context).filter(|binding| binding.action.takes_words());
        takers.find(|binding| binding.word == Some(first)).map(|binding| (binding.action, rest))
    }

    /// What stands before the words that are typed for an action.
    pub fn before_words(&self, action: Action) -> String {
        let of_it = self.bindings().iter().find(|binding| binding.action == action);
        format!("{} ", of_it.and_then(|binding| binding.word).unwrap_or_default())
    }

    /// The key for an action, as texts name it; what is typed for it where it has none.
    pub fn key_for(&self, action: Action) -> String {
        let of_it = self.bindings().iter().find(|binding| binding.action == action);
        of_it.map(Binding::name_in_text).unwrap_or_default()
    }

    /// The key for an action where several have it: in this section.
    pub fn key_in(&self, section: Section, action: Action) -> String {
        let here = |binding: &&Binding| binding.section == section && binding.action == action;
        self.bindings().iter().find(here).map(Binding::name_in_text).unwrap_or_default()
    }

    /// The keys of a section, as texts name them.
    pub fn keys_in(&self, section: Section) -> String {
        let here = self.bindings().iter().filter(|binding| binding.section == section);
        here.map(Binding::name_in_text).collect::<Vec<_>>().join(" ")
    }

    /// The actions of a context in whose words every typed word is found, those first whose name begins with it.
    pub fn found(&self, context: KeyContext, typed: &str) -> Vec<&Binding> {
        let words: Vec<_> = typed.split_whitespace().map(str::to_lowercase).collect();
        let contains = |text: &str, word: &str| text.to_lowercase().contains(word);
        let has = |binding: &&Binding| {
            let footer = binding.word.unwrap_or_default();
            let texts = [binding.help, footer, binding.section.title()];
            words.iter().all(|word| texts.iter().any(|text| contains(text, word)))
        };
        let mut found: Vec<_> = self.palette(context).filter(has).collect();
        // First what is called so in the last line of the screen.
        found.sort_by_key(|binding| !binding.word.is_some_and(|word| word.starts_with(typed.trim())));
        found
    }
}

/// The first and the last key of several actions.
fn ends_of(keys: &[String]) -> String {
    let ends = [keys.first(), keys.last()].map(|key| key.map_or("", String::as_str));
    ends.join("…")
}

/// Whether it is for a node alone: a recording has none that could do it.
fn asks(binding: &Binding) -> bool {
    use Action::{Add, Dial, DialAll, DialFailing, Doctor, Forget, Interval, Record};
    let asks =
        matches!(binding.action, Add | Dial | DialAll | DialFailing | Doctor | Forget | Interval | Record);
    asks || matches!(binding.section, Section::Add | Section::Confirm)
}

/// Whether it is for a recording alone.
fn plays(binding: &Binding) -> bool {
    binding.section == Section::Recording
}

fn words<'b>(bindings: impl Iterator<Item = &'b Binding>) -> Vec<(String, &'static str)> {
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
