//! The table of keys as a person has it: the one table, or the same with other keys for some of its actions.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use super::action::Action;
use super::key::Key;
use super::section::{KeyContext, Section};
use super::table::{Binding, KEYMAP};

/// All keys with what they do: without any of a person's own, the one table.
#[derive(Debug, Clone, Default)]
pub struct Keymap(Option<Arc<[Binding]>>);

/// The one table.
static USUAL: Keymap = Keymap(None);

/// Other keys for an action, wherever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rebinding {
    /// Its name: one of [`Keymap::names`].
    pub action: String,
    /// In the place of those it has; none leaves it to the palette.
    pub keys: Vec<Key>,
}

/// A key that would do two things in one place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} for {action} already means {other} in the same place")]
pub struct Clash {
    /// What was to have it.
    pub action: String,
    /// As it is written on keyboards.
    pub key: String,
    /// What has it.
    pub other: String,
}

impl Keymap {
    /// The table with other keys for some actions.
    ///
    /// # Errors
    /// When a key would do two things in one place.
    pub fn rebound(rebindings: &[Rebinding]) -> Result<Self, Clash> {
        let mut bindings = KEYMAP.to_vec();
        for binding in bindings.iter_mut().filter(|binding| is_free(binding.section)) {
            let name = name_of(binding.action);
            if let Some(rebinding) = rebindings.iter().find(|rebinding| rebinding.action == name) {
                binding.keys = Cow::Owned(rebinding.keys.clone());
            }
        }
        match clash(&bindings, rebindings) {
            Some(clash) => Err(clash),
            None => Ok(Self(Some(bindings.into()))),
        }
    }

    /// The names of the actions that may have other keys, in alphabetical order.
    pub fn names() -> impl Iterator<Item = String> {
        let free = KEYMAP.iter().filter(|binding| is_free(binding.section));
        free.map(|binding| name_of(binding.action)).collect::<BTreeSet<_>>().into_iter()
    }

    /// The table.
    pub fn bindings(&self) -> &[Binding] {
        self.0.as_deref().unwrap_or(KEYMAP)
    }

    /// The one table.
    pub fn usual() -> &'static Self {
        &USUAL
    }
}

/// What nobody rebinds: what is typed in a prompt, the answers to a question, and what ends the program whatever it shows.
fn is_free(section: Section) -> bool {
    use Section as S;
    !matches!(
        section,
        S::Always
            | S::Typing
            | S::Add
            | S::Filter
            | S::Search
            | S::Palette
            | S::Jump
            | S::Export
            | S::Confirm
    )
}

/// `show-matrix` for `Show(Matrix)`.
fn name_of(action: Action) -> String {
    let mut name = String::new();
    // Without how far it goes.
    let words = format!("{action:?}");
    let words = words.chars().take_while(|c| !c.is_ascii_digit());
    for c in words.filter(char::is_ascii_alphabetic) {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

fn clash(bindings: &[Binding], rebindings: &[Rebinding]) -> Option<Clash> {
    let is_rebound = |binding: &Binding| {
        is_free(binding.section)
            && rebindings.iter().any(|rebinding| rebinding.action == name_of(binding.action))
    };
    let in_context = |context: KeyContext| {
        let here: Vec<&Binding> = bindings.iter().filter(|binding| binding.section.covers(context)).collect();
        let pairs = here
            .iter()
            .enumerate()
            .flat_map(|(nth, one)| here[..nth].iter().map(move |other| (*one, *other)));
        pairs.into_iter().find_map(|(one, other)| {
            let key = one.keys.iter().find(|key| other.keys.contains(key))?;
            let (rebound, other) = if is_rebound(one) { (one, other) } else { (other, one) };
            let [action, other] = [rebound, other].map(|binding| name_of(binding.action));
            Some(Clash { action, key: key.name(), other })
        })
    };
    KeyContext::ALL.into_iter().find_map(in_context)
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyCode;

    use super::*;

    fn rebinding(action: &str, keys: &[&str]) -> Rebinding {
        let keys = keys.iter().map(|key| key.parse().unwrap()).collect();
        Rebinding { action: action.to_owned(), keys }
    }

    #[test]
    fn an_action_has_its_new_keys_in_dispatch_footer_and_help_and_loses_its_old_ones() {
        let keymap = Keymap::rebound(&[rebinding("dial-all", &["F5", "Ctrl-r"])]).unwrap();
        let action = |key: Key| keymap.action(KeyContext::Peers, &key.event());
        assert_eq!(action(Key::of(KeyCode::F(5))), Some(Action::DialAll));
        assert_eq!(action(Key::ctrl('r')), Some(Action::DialAll));
        assert_eq!(action(Key::char('D')), None);
        assert!(keymap.footer(KeyContext::Peers, &[]).contains(&("F5".to_owned(), "dial all")));
        let help = keymap.help().into_iter().flat_map(|(_, entries)| entries);
        assert!(help.into_iter().any(|(keys, words)| keys == "F5 Ctrl-R" && words.starts_with("dial every")));
    }

    #[test]
    fn a_key_with_two_meanings_in_one_place_is_refused_and_two_actions_may_swap_theirs() {
        let clash = Keymap::rebound(&[rebinding("dial-all", &["q"])]).unwrap_err();
        assert_eq!(clash.to_string(), "q for dial-all already means quit in the same place");
        let clash = Keymap::rebound(&[rebinding("wrap", &["Ctrl-C"])]).unwrap_err();
        assert_eq!((clash.action.as_str(), clash.other.as_str()), ("wrap", "quit"));
        assert!(Keymap::rebound(&[rebinding("dial-all", &["q"]), rebinding("quit", &["D"])]).is_ok());
        assert!(Keymap::rebound(&[rebinding("quit", &[])]).is_ok());
    }

    #[test]
    fn prompts_and_the_keys_that_always_count_keep_theirs() {
        let names: Vec<String> = Keymap::names().collect();
        assert!(names.contains(&"show-matrix".to_owned()) && names.contains(&"move-page-up".to_owned()));
        assert!(!names.iter().any(|name| name.starts_with("edit") || name == "accept" || name == "suspend"));
        let keymap = Keymap::rebound(&[rebinding("quit", &["Q"]), rebinding("close", &["c"])]).unwrap();
        assert_eq!(keymap.action(KeyContext::Help, &Key::ctrl('c').event()), Some(Action::Quit));
        assert_eq!(keymap.action(KeyContext::Filter, &Key::of(KeyCode::Esc).event()), Some(Action::Close));
    }
}
