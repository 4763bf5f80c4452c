//! The one table of keys: it dispatches, fills the footer and the help pane, and prints the README's list.
//!
//! A new key is a line in `table`; what it does is an arm of [`App::act`](super::state::App).

mod action;
mod key;
mod keys;
mod lists;
mod section;
mod table;

pub use action::Action;
pub use key::{Key, NoKey};
pub use keys::{Clash, Keymap, Rebinding};
pub use section::{KeyContext, Section};
pub use table::{Binding, KEYMAP};

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;

    #[test]
    fn no_key_has_two_meanings_in_one_context() {
        for context in KeyContext::ALL {
            let mut seen = HashSet::new();
            for binding in KEYMAP.iter().filter(|binding| binding.section.covers(context)) {
                for key in binding.keys.iter() {
                    assert!(seen.insert(*key), "{} in {context:?}", key.name());
                }
            }
        }
    }

    #[test]
    fn every_key_of_the_table_does_what_its_line_says_where_it_says() {
        for binding in KEYMAP {
            for context in KeyContext::ALL.into_iter().filter(|context| binding.section.covers(*context)) {
                for key in binding.keys.iter() {
                    assert_eq!(
                        Keymap::default().action(context, &key.event()),
                        Some(binding.action),
                        "{}",
                        key.name()
                    );
                }
            }
        }
    }

    #[test]
    fn a_capital_counts_with_and_without_a_reported_shift_and_alt_makes_another_key() {
        let key = |c, modifiers| {
            Keymap::default().action(KeyContext::Peers, &KeyEvent::new(KeyCode::Char(c), modifiers))
        };
        assert_eq!(key('D', KeyModifiers::SHIFT), Some(Action::DialAll));
        assert_eq!(key('D', KeyModifiers::NONE), Some(Action::DialAll));
        assert_eq!(key('d', KeyModifiers::ALT), None);
        assert_eq!(key('f', KeyModifiers::CONTROL), None);
    }

    #[test]
    fn every_line_of_the_help_fits_into_one_of_its_columns() {
        for binding in KEYMAP {
            assert!(binding.help.len() <= 37, "{}", binding.help);
        }
    }

    #[test]
    fn the_readme_lists_every_binding() {
        let sorts = KEYMAP.iter().filter(|binding| matches!(binding.action, Action::SortBy(_))).count();
        let shared = KEYMAP
            .windows(2)
            .filter(|pair| pair[0].help == pair[1].help && pair[0].section == pair[1].section);
        let lines = KEYMAP.len() - (sorts - 1) - shared.count();
        assert_eq!(Keymap::default().markdown().lines().count(), lines + 2);
        assert!(
            Keymap::default()
                .markdown()
                .contains("| Peers | `←` `h` `→` `l` | fold its group, or unfold it |")
        );
        assert!(Keymap::default().markdown().contains("| By name | `:columns` |"));
    }
}
