//! What a person notes of peers, and how that shows.

use super::*;
use crate::app::Kept;
use crate::app::model::{Column, Note, Noted};

fn typed_action(bench: &mut Bench, words: &str) -> Option<Effect> {
    bench.key(KeyCode::Char(':'));
    bench.typed(words);
    bench.key(KeyCode::Enter)
}

#[track_caller]
fn kept(effect: Option<Effect>) -> (Note, String) {
    match effect {
        Some(Effect::Keep { kept: Kept::Note(note), said }) => (note, said),
        other => panic!("nothing is kept: {other:?}"),
    }
}

fn listed(bench: &Bench) -> Vec<String> {
    bench.app.shown().rows(0..usize::MAX).map(|peer| peer.info.name.clone()).collect()
}

#[test]
fn a_mark_is_seen_kept_found_by_the_filter_and_taken_away() {
    let mut bench = busy();
    bench.select("bob");
    let (note, said) = kept(typed_action(&mut bench, "mark"));
    let noted = Noted { is_marked: true, is_pinned: false };
    assert_eq!((note, &*said), (Note { name: "bob".into(), noted, ..Note::default() }, "marked bob"));
    assert!(bench.text(80, 24).contains("▸*bob"));
    bench.key(KeyCode::Char('t'));
    assert!(bench.text(80, 24).contains("▸*bob"), "in the timeline, too");
    bench.key(KeyCode::Esc);
    bench.key(KeyCode::Char('/'));
    bench.typed("is:marked");
    bench.key(KeyCode::Enter);
    assert_eq!(listed(&bench), ["bob"]);
    let (note, said) = kept(typed_action(&mut bench, "mark"));
    assert!(note.is_empty() && said == "no longer marked: bob");
    assert!(listed(&bench).is_empty());
}

#[test]
fn a_pinned_peer_stands_above_the_others_however_they_are_sorted() {
    let mut bench = busy();
    bench.select("bob");
    assert_eq!(kept(typed_action(&mut bench, "pin")).1, "pinned bob");
    for _ in 0..Column::ALL.len() {
        for key in ['S', 's'] {
            assert_eq!(listed(&bench)[0], "bob");
            bench.key(KeyCode::Char(key));
        }
    }
    assert!(bench.text(80, 24).contains("▸↑bob"));
    bench.state(&peer(11, "bob"), PeerState::Up, PeerState::Left).wait(5_000);
    assert_eq!(listed(&bench)[0], "bob", "even when it has left");
}

#[test]
fn a_note_is_typed_shown_in_the_details_and_changed() {
    let mut bench = busy();
    bench.select("bob");
    assert_eq!(typed_action(&mut bench, "note"), None, "it asks for the words");
    bench.typed("by the sea");
    let (note, said) = kept(bench.key(KeyCode::Enter));
    assert_eq!((note.text.as_deref(), &*said), (Some("by the sea"), "noted of bob"));
    typed_action(&mut bench, "pin");
    bench.key(KeyCode::Enter);
    assert!(bench.text(80, 24).contains("pinned: by the sea"));
    typed_action(&mut bench, "note");
    bench.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), bench.now());
    bench.typed("note ");
    assert_eq!(kept(bench.key(KeyCode::Enter)).0.text, None);
}

#[test]
fn notes_are_known_of_peers_that_come_later_and_of_another_model() {
    let mut bench = busy();
    bench.select("bob");
    typed_action(&mut bench, "mark");
    bench.left(&peer(11, "bob"), LeaveReason::Forgotten).discovered(&peer(30, "bob"));
    let marked = |bench: &Bench| bench.app.shown().peer_named("bob").unwrap().noted.is_marked;
    assert!(marked(&bench));
    let mut other = Bench::new();
    other.started(&[("eth0", 0)]).discovered(&peer(12, "bob"));
    bench.app.begin_anew(other.app.models.live().clone());
    assert!(marked(&bench), "by its name");
}

#[test]
fn those_that_left_are_hidden_counted_and_shown_again() {
    let mut bench = busy();
    let all = listed(&bench);
    typed_action(&mut bench, "hide left");
    assert_eq!(listed(&bench).len(), all.len() - 1);
    let text = bench.text(80, 24);
    assert!(text.contains("1 hidden") && text.contains("1 left"), "{text}");
    bench.left(&peer(11, "bob"), LeaveReason::Goodbye);
    assert!(!listed(&bench).contains(&"bob".to_owned()), "at once");
    typed_action(&mut bench, "hide left");
    assert_eq!(listed(&bench).len(), all.len());
}
