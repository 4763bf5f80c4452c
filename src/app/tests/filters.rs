//! Filters that have names: saved, recalled, listed and taken away.

use super::*;
use crate::app::model::SavedFilter;
use crate::app::{Kept, Preferences};

fn typed_action(bench: &mut Bench, words: &str) -> Option<Effect> {
    bench.key(KeyCode::Char(':'));
    bench.typed(words);
    bench.key(KeyCode::Enter)
}

fn with_saved(saved: &[(&str, &str)]) -> Bench {
    let mut bench = busy();
    let saved = saved.iter().map(|(name, text)| SavedFilter { name: (*name).into(), text: (*text).into() });
    let preferences = Preferences { filters: saved.collect(), ..Preferences::default() };
    bench.app = bench.app.with(preferences);
    bench
}

#[test]
fn a_filter_is_saved_under_a_name_and_recalled_with_its_hits_in_the_title() {
    let mut bench = busy();
    bench.key(KeyCode::Char('/'));
    bench.typed("refused");
    bench.key(KeyCode::Enter);
    let saved = SavedFilter { name: "bad".into(), text: "refused".into() };
    let kept = Effect::Keep { kept: Kept::Filter(saved), said: "saved as bad: refused".into() };
    assert_eq!(typed_action(&mut bench, "save bad"), Some(kept));
    bench.key(KeyCode::Esc);
    assert_eq!(bench.app.shown().listed(), 7);
    assert_eq!(typed_action(&mut bench, "filter bad"), None);
    let screen = bench.text(80, 24);
    assert!(screen.contains("Peers 2 of 7 · /refused (bad)"), "{screen}");
    assert!(screen.contains("✓ filter bad: 2 of 7"), "{screen}");
}

#[test]
fn saved_filters_are_listed_completed_and_chosen() {
    let mut bench = with_saved(&[("slow", "rtt>5ms"), ("silent", "state:silent"), ("bad", "!up")]);
    bench.key(KeyCode::Char(':'));
    bench.typed("filter ");
    let screen = bench.text(80, 24);
    for text in ["▸ bad ", "silent                   state:silent", "slow                     rtt>5ms"] {
        assert!(screen.contains(text), "{text}\n{screen}");
    }
    bench.typed("s");
    assert!(!bench.text(80, 24).contains("!up"));
    bench.key(KeyCode::Down);
    bench.key(KeyCode::Tab);
    assert!(bench.text(80, 24).contains(": filter slow"), "{}", bench.text(80, 24));
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.shown().filter().text(), "rtt>5ms");
    bench.key(KeyCode::Char(':'));
    bench.typed("filter s");
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.shown().filter().text(), "state:silent", "the first that begins so");
}

#[test]
fn a_name_that_is_not_known_is_refused_and_the_prompt_stays() {
    let mut bench = with_saved(&[("slow", "rtt>5ms")]);
    assert_eq!(typed_action(&mut bench, "filter slwo"), None);
    let screen = bench.text(80, 24);
    assert!(screen.contains("unknown filter slwo; the nearest name is slow"), "{screen}");
    bench.key(KeyCode::Esc);
    let mut bench = busy();
    assert_eq!(typed_action(&mut bench, "filter "), None);
    assert!(bench.text(80, 24).contains("no filter is saved yet"));
}

#[test]
fn saving_without_a_filter_takes_the_name_away() {
    let mut bench = with_saved(&[("slow", "rtt>5ms"), ("slower", "rtt>50ms")]);
    let kept = typed_action(&mut bench, "save slow");
    assert!(matches!(kept, Some(Effect::Keep { said, .. }) if said == "no longer saved: slow"));
    assert!(bench.app.ui.filters.get("slow").is_none() && bench.app.ui.filters.get("slower").is_some());
    assert_eq!(typed_action(&mut bench, "save other"), None);
    assert!(bench.text(80, 24).contains("there is no filter to save"));
}
