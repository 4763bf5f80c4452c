//! Where a person has other keys for everything, no text names a key that does nothing.

use super::network::eight;
use super::*;
use crate::app::Preferences;
use crate::app::keymap::{Action, KEYMAP, KeyContext, Keymap, Rebinding, Section};
use crate::app::ui::{Move, Overlay, Pane, View};

/// Every action that may have another key has one that no table had: a letter from beyond ASCII.
fn strange() -> Keymap {
    let letters = ('\u{100}'..).filter(|c| c.is_alphabetic());
    let rebinding = |(action, letter): (String, char)| Rebinding {
        action,
        keys: vec![letter.to_string().parse().unwrap()],
    };
    Keymap::rebound(&Keymap::names().zip(letters).map(rebinding).collect::<Vec<_>>()).unwrap()
}

/// The usual keys of what was rebound, as texts name them; without digits, which count many things.
fn usual_keys() -> Vec<String> {
    let strange = strange();
    let rebound = KEYMAP.iter().zip(strange.bindings()).filter(|(usual, own)| usual.keys != own.keys);
    let mut keys: Vec<String> =
        rebound.flat_map(|(usual, _)| usual.keys.iter().map(|key| key.name())).collect();
    keys.iter_mut().filter(|key| *key == " ").for_each(|key| *key = "Space".to_owned());
    keys.retain(|key| !key.chars().all(|c| c.is_ascii_digit()));
    keys.sort();
    keys.dedup();
    keys
}

/// Presses the key that does this now.
fn press(bench: &mut Bench, action: Action) {
    let context = bench.app.ui.context();
    let keymap = bench.app.ui.keymap.clone();
    let here =
        |binding: &&crate::app::keymap::Binding| binding.section.covers(context) && binding.action == action;
    let binding =
        keymap.bindings().iter().find(here).unwrap_or_else(|| panic!("no {action:?} in {context:?}"));
    let now = bench.now();
    bench.app.key(&binding.keys[0].event(), now);
}

fn filter(bench: &mut Bench, text: &str) {
    press(bench, Action::Filter);
    bench.typed(text);
    bench.key(KeyCode::Enter);
}

/// Fails where a screen tells a person to press a usual key.
#[track_caller]
fn names_no_usual_key(bench: &mut Bench, what: &str) {
    names_none_at(bench, what, &[(80, 24), (120, 40), (200, 60)]);
}

#[track_caller]
fn names_none_at(bench: &mut Bench, what: &str, sizes: &[(u16, u16)]) {
    for &(width, height) in sizes {
        let screen = bench.text(width, height);
        for key in usual_keys() {
            let phrases = match key.chars().count() {
                1 => [
                    "press ? ",
                    "? to ",
                    " ? shows",
                    " ? follows",
                    " ? groups",
                    " ? closes",
                    " ? finds",
                    "(?, ",
                    ": ? ",
                    "· ? ",
                ]
                .map(|phrase| phrase.replace('?', &key))
                .to_vec(),
                _ => vec![format!("{key} ")],
            };
            for phrase in phrases {
                let at = screen.match_indices(&phrase).find(|(at, _)| {
                    let before = screen[..*at].chars().next_back();
                    before.is_none_or(|c| !c.is_alphanumeric())
                });
                assert!(at.is_none(), "{what} at {width}×{height} has {phrase:?}\n{screen}");
            }
        }
    }
}

fn with(mut bench: Bench) -> Bench {
    bench.app = bench.app.with(Preferences { keymap: strange(), ..Preferences::default() });
    bench
}

#[test]
fn empty_states_name_the_key_that_is_bound() {
    let mut bench = with(Bench::new());
    names_no_usual_key(&mut bench, "nothing");
    let mute =
        Interface { broadcast: None, ..Interface::new("ppp0", Ipv4Addr::new(10, 0, 9, 5), 24).unwrap() };
    bench.fold(Event::Started { node: node(), interfaces: [mute].into() });
    names_no_usual_key(&mut bench, "nobody on a mute interface");
    assert!(bench.text(120, 40).contains(&format!("press {} to add", strange().key_for(Action::Add))));
    let mut bench = with(busy());
    filter(&mut bench, "nobody-has-this");
    names_no_usual_key(&mut bench, "no match");
    assert!(bench.text(80, 24).contains(&format!("No match. {} to edit", strange().key_for(Action::Filter))));
    bench.app.ui.show(View::Timeline);
    names_no_usual_key(&mut bench, "no match in the timeline");
    assert!(bench.text(80, 24).contains(&format!("No match. {} to edit", strange().key_for(Action::Filter))));
    bench.app.ui.show(View::Findings);
    names_no_usual_key(&mut bench, "no finding");
    let mut bench = with(Bench::of(eight).0);
    bench.app.ui.show(View::Matrix);
    filter(&mut bench, "nobody-has-this");
    names_no_usual_key(&mut bench, "no match in the matrix");
}

#[test]
fn panes_views_and_overlays_name_the_key_that_is_bound() {
    let mut bench = with(busy());
    for view in [View::Peers, View::Details, View::Compare, View::Timeline, View::Matrix, View::Findings] {
        bench.app.ui.show(view);
        names_no_usual_key(&mut bench, &format!("{view:?}"));
    }
    bench.app.ui.show(View::Peers);
    press(&mut bench, Action::Help);
    // Below, it lists the keys of prompts, which nobody rebinds.
    names_none_at(&mut bench, "the help", &[(80, 24)]);
    press(&mut bench, Action::Search);
    bench.typed("peer");
    bench.key(KeyCode::Enter);
    names_none_at(&mut bench, "a text found in the help", &[(80, 24)]);
    press(&mut bench, Action::Close);
    bench.app.ui.checkup = super::checkup::examination(&bench);
    bench.app.ui.overlay = Some(Overlay::Doctor { scroll: 0 });
    names_no_usual_key(&mut bench, "the doctor");
    assert!(
        bench
            .text(80, 40)
            .contains(&format!("Doctor · {} closes it", strange().key_in(Section::Help, Action::Close)))
    );
    press(&mut bench, Action::Close);
    press(&mut bench, Action::Group);
    press(&mut bench, Action::Fold);
    names_no_usual_key(&mut bench, "a group");
    press(&mut bench, Action::Group);
    press(&mut bench, Action::Fold);
    names_no_usual_key(&mut bench, "nothing to fold");
    press(&mut bench, Action::ComparePeers);
    names_no_usual_key(&mut bench, "nothing to compare");
    for i in 0..50 {
        bench.dials(&peer(100 + i, "x"), 1);
    }
    bench.app.ui.focus = Pane::Attempts;
    bench.screen(80, 24);
    press(&mut bench, Action::Move(Move::Last));
    names_no_usual_key(&mut bench, "attempts that are scrolled");
    assert!(bench.text(80, 24).contains(&format!("scrolled, {} follows", strange().key_for(Action::Follow))));
    bench.app.ui.peers.pick(peer(15, "old-printer").key, bench.app.models.shown());
    press(&mut bench, Action::OnlySelected);
    names_no_usual_key(&mut bench, "no attempt of a peer");
}

#[test]
fn a_log_without_a_match_names_the_keys_that_change_it() {
    let mut bench = with(busy());
    bench.app.ui.log.push(SystemTime::UNIX_EPOCH, ::log::Level::Info, "vigie::net", "a line");
    bench.app.ui.focus = Pane::Log;
    bench.screen(80, 24);
    press(&mut bench, Action::Level);
    names_no_usual_key(&mut bench, "a log without a match");
    let keys = [Action::Level, Action::Target].map(|action| strange().key_for(action));
    assert!(bench.text(80, 24).contains(&format!("({}, {} to change it)", keys[0], keys[1])));
}

#[test]
fn what_has_no_key_any_more_is_named_as_it_is_typed() {
    let none = |action: &str| Rebinding { action: action.to_owned(), keys: Vec::new() };
    let keymap = Keymap::rebound(&[none("back"), none("add")]).unwrap();
    assert_eq!(keymap.key_for(Action::Add), ":add");
    assert_eq!(keymap.keys_in(Section::Recording), ". < > { } C I J");
    assert!(!strange().keys_in(Section::Recording).is_ascii());
    assert_eq!(keymap.key_in(Section::Peers, Action::Back), ":list all peers");
    let found = keymap.found(KeyContext::Peers, "list all peers");
    assert_eq!(found[0].action, Action::Back, "and it is found so");
}
