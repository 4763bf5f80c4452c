//! What keys do.

use super::*;
use crate::app::ShownNode;
use crate::app::keymap::{Action, KEYMAP, Section};
use crate::app::ui::{Overlay, Pane, View};
use crate::engine::api::Command;

fn table(names: &[&str]) -> Bench {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    for (i, name) in (1..).zip(names) {
        bench.discovered(&peer(i, name));
    }
    bench.screen(80, 24);
    bench
}

fn selected(bench: &Bench) -> String {
    let key = bench.app.ui.peers.selected().unwrap();
    bench.app.shown().peer(key).unwrap().info.name.clone()
}

fn sent(effect: Option<Effect>) -> (Command, String) {
    match effect {
        Some(Effect::Send { command, said }) => (command, said),
        other => panic!("nothing was sent: {other:?}"),
    }
}

#[test]
fn the_selection_is_a_peer_and_stays_on_it_when_rows_come_and_go() {
    let mut bench = table(&["b", "c", "d"]);
    bench.key(KeyCode::Down);
    assert_eq!(selected(&bench), "c");
    bench.discovered(&peer(9, "a")).screen(80, 24);
    assert_eq!(selected(&bench), "c");
    bench.left(&peer(2, "c"), LeaveReason::Forgotten).screen(80, 24);
    assert_eq!(selected(&bench), "d", "its neighbour");
}

#[test]
fn the_selection_moves_by_lines_pages_and_to_the_ends_and_is_always_visible() {
    let names: Vec<_> = (0..100).map(|i| format!("host{i}")).collect();
    let mut bench = table(&names.iter().map(String::as_str).collect::<Vec<_>>());
    for (key, expected) in [
        (KeyCode::Char('j'), "host1"),
        (KeyCode::Char('k'), "host0"),
        (KeyCode::Up, "host0"),
        (KeyCode::PageDown, "host7"),
        (KeyCode::Char('G'), "host99"),
        (KeyCode::Down, "host99"),
        (KeyCode::PageUp, "host92"),
        (KeyCode::Char('g'), "host0"),
        (KeyCode::End, "host99"),
        (KeyCode::Home, "host0"),
    ] {
        assert_eq!(bench.key(key), None);
        let text = bench.text(80, 24);
        assert_eq!(selected(&bench), expected, "{key:?}\n{text}");
        assert!(text.contains(&format!("▸ {expected} ")), "{key:?}\n{text}");
    }
}

#[test]
fn d_dials_the_selected_peer_in_every_view_of_it() {
    let mut bench = table(&["a", "b"]);
    bench.key(KeyCode::Down);
    for view in [None, Some(KeyCode::Enter), Some(KeyCode::Char('t'))] {
        view.map(|view| bench.key(view));
        let expected = (Command::DialNow(peer(2, "b").key), "dialing b".to_owned());
        assert_eq!(sent(bench.key(KeyCode::Char('d'))), expected);
    }
}

#[test]
fn capital_d_dials_all() {
    assert_eq!(
        sent(table(&["a", "b"]).key(KeyCode::Char('D'))),
        (Command::DialAll, "dialing all 2 peers".into())
    );
}

#[test]
fn without_a_peer_the_keys_of_one_say_so() {
    let mut bench = table(&[]);
    for key in ['d', 'x'] {
        assert_eq!(bench.key(KeyCode::Char(key)), None);
        assert_eq!(bench.app.ui.status.take().unwrap().text, "no peer is selected");
    }
}

#[test]
fn a_typed_address_is_added_when_it_is_one() {
    let mut bench = table(&[]);
    bench.key(KeyCode::Char('a'));
    assert_eq!(bench.key(KeyCode::Enter), None, "nothing typed yet");
    bench.typed("10.0.0.9:0q?");
    assert_eq!(bench.key(KeyCode::Enter), None, "no port");
    for _ in 0..3 {
        bench.key(KeyCode::Backspace);
    }
    bench.typed("17");
    let (command, said) = sent(bench.key(KeyCode::Enter));
    assert_eq!(command, Command::AddPeer("10.0.0.9:17".parse().unwrap()));
    assert_eq!(said, "added 10.0.0.9:17");
    assert!(bench.app.ui.overlay.is_none());
}

#[test]
fn a_typed_name_of_a_peer_dials_it_and_with_a_port_it_is_a_host() {
    let mut bench = table(&["host7"]);
    bench.key(KeyCode::Char('a'));
    bench.typed("host7");
    let (command, said) = sent(bench.key(KeyCode::Enter));
    assert_eq!(command, Command::DialNow(peer(1, "host7").key));
    assert_eq!(said, format!("dialing the peer host7 at {}", peer(1, "host7").addr));
    bench.key(KeyCode::Char('a'));
    bench.typed("host7:17474");
    assert_eq!(sent(bench.key(KeyCode::Enter)).0, Command::AddPeer("host7:17474".parse().unwrap()));
}

#[test]
fn a_typed_address_is_joined_by_the_other_key() {
    let mut bench = table(&["host7"]);
    bench.key(KeyCode::Char('a'));
    assert_eq!(bench.key(KeyCode::Tab), None, "nothing typed yet");
    bench.typed("10.1.2.3");
    let (command, said) = sent(bench.key(KeyCode::Tab));
    assert_eq!(command, Command::Join("10.1.2.3".parse().unwrap()));
    assert_eq!(said, "joining the network of 10.1.2.3:17474");
    assert!(bench.app.ui.overlay.is_none());
}

#[test]
fn a_paste_goes_into_the_prompt_and_nowhere_else() {
    let mut bench = table(&["a"]);
    bench.app.paste("q");
    bench.key(KeyCode::Char('a'));
    bench.app.paste(" host7:80\n");
    assert_eq!(typed(&mut bench), "host7:80");
    bench.app.paste(&"x".repeat(10_000));
    let now = bench.now();
    bench.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), now);
    assert_eq!(typed(&mut bench), "");
    bench.key(KeyCode::Esc);
    assert!(bench.app.ui.overlay.is_none());
}

#[test]
fn a_peer_that_is_up_is_forgotten_only_after_a_yes() {
    let mut bench = table(&["a"]);
    let a = peer(1, "a");
    let forget = (Command::Forget(a.key), "forgot a".to_owned());
    assert_eq!(sent(bench.key(KeyCode::Char('x'))), forget, "it is not up");
    bench.state(&a, PeerState::New, PeerState::Up);
    assert_eq!(bench.key(KeyCode::Char('x')), None);
    assert_eq!(bench.key(KeyCode::Enter), None, "too easily hit");
    assert_eq!(bench.key(KeyCode::Char('n')), None);
    assert!(bench.app.ui.overlay.is_none());
    bench.key(KeyCode::Char('x'));
    assert_eq!(sent(bench.key(KeyCode::Char('y'))), forget);
}

#[test]
fn pause_freezes_and_resumes() {
    for key in ['p', ' '] {
        let mut bench = table(&["a"]);
        bench.key(KeyCode::Char(key));
        bench.discovered(&peer(2, "b"));
        assert_eq!((bench.app.shown().len(), bench.app.models.behind()), (1, Some(1)));
        bench.fold(snapshot(vec![]));
        assert_eq!(bench.app.models.behind(), Some(1), "nothing happened");
        bench.key(KeyCode::Char(key));
        assert_eq!((bench.app.shown().len(), bench.app.models.behind()), (0, None));
    }
}

#[test]
fn scrolled_attempts_stay_where_they_are_until_they_follow_again() {
    let mut bench = table(&[]);
    for i in 0..50 {
        bench.dials(&peer(i, &format!("host{i}")), 1);
    }
    bench.key(KeyCode::Tab);
    let first = |bench: &mut Bench| {
        let lines = lines(&bench.screen(80, 24));
        let title = lines.iter().position(|line| line.contains("Attempts")).unwrap();
        lines[title + 1].split_whitespace().nth(1).unwrap().to_owned()
    };
    assert_eq!(first(&mut bench), "host49");
    bench.key(KeyCode::PageDown);
    assert_eq!(first(&mut bench), "host45");
    bench.dials(&peer(99, "new"), 1);
    assert_eq!(first(&mut bench), "host45");
    bench.key(KeyCode::Esc);
    assert_eq!(first(&mut bench), "new");
    bench.key(KeyCode::End);
    assert_eq!(first(&mut bench), "host3", "the oldest is at the bottom");
    bench.key(KeyCode::Home);
    assert_eq!(first(&mut bench), "new");
}

#[test]
fn the_log_scrolls_and_follows_again() {
    let mut bench = table(&[]);
    bench.key(KeyCode::BackTab);
    assert_eq!(bench.app.ui.focus, Pane::Log);
    bench.app.ui.log.push(SystemTime::UNIX_EPOCH, log::Level::Info, "vigie", "a line");
    bench.key(KeyCode::PageUp);
    assert!(!bench.app.ui.log.follows());
    assert!(bench.text(80, 24).contains("scrolled"));
    bench.key(KeyCode::Esc);
    assert!(bench.app.ui.log.follows());
}

#[test]
fn what_was_done_is_said_for_a_while_then_the_keys_are_shown_again() {
    let mut bench = table(&["a"]);
    let now = bench.now();
    bench.app.ui.say("added host7:17474", true, now);
    assert!(bench.text(80, 24).contains("✓ added host7:17474"));
    assert!(bench.wait(5_000).text(80, 24).contains("? help"));
}

#[test]
fn a_released_key_does_nothing_and_a_repeated_one_counts() {
    use crossterm::event::KeyEventKind;
    let mut bench = table(&["a", "b", "c"]);
    let now = bench.now();
    let down = |kind| KeyEvent { kind, ..KeyEvent::new(KeyCode::Down, KeyModifiers::NONE) };
    bench.app.key(&down(KeyEventKind::Release), now);
    assert_eq!(selected(&bench), "a");
    bench.app.key(&down(KeyEventKind::Repeat), now);
    assert_eq!(selected(&bench), "b");
}

/// What stands in the prompt.
fn typed(bench: &mut Bench) -> String {
    bench.app.ui.overlay.as_mut().and_then(Overlay::prompt).expect("a prompt is open").text().to_owned()
}

/// Brings the app where the keys of a section count, and where each has something to do.
fn in_section(section: Section) -> Bench {
    if section == Section::Matrix {
        let (mut bench, _) = Bench::of(super::network::eight);
        bench.screen(80, 24);
        bench.key(KeyCode::Char('c'));
        bench.screen(80, 24);
        return bench;
    }
    if section == Section::Compare {
        let mut bench = table(&["a", "b"]);
        bench.app.ui.compared = Some([peer(1, "a").key, peer(2, "b").key]);
        bench.app.ui.show(View::Compare);
        return bench;
    }
    if section == Section::Findings {
        let mut bench = super::findings::shown();
        bench.screen(80, 24);
        return bench;
    }
    let mut bench = table(&["a", "b", "c"]);
    bench.state(&peer(1, "a"), PeerState::New, PeerState::Up).dials(&peer(1, "a"), 1);
    for i in 0..50 {
        bench.dials(&peer(100 + i, "x"), 1);
    }
    if matches!(section, Section::Recording | Section::Jump) {
        bench.app.options.node = ShownNode::Recorded;
    }
    let opening: &[KeyCode] = match section {
        Section::Peers => &[KeyCode::Char('/'), KeyCode::Char('a'), KeyCode::Enter],
        Section::Rows
        | Section::Peer
        | Section::Panes
        | Section::Sizes
        | Section::Always
        | Section::Recording => &[KeyCode::Down],
        Section::Details => &[KeyCode::Down, KeyCode::Enter],
        Section::Compare | Section::Matrix | Section::Findings | Section::Typed => &[],
        Section::Timeline => &[KeyCode::Char('t'), KeyCode::Left, KeyCode::Left],
        Section::Attempts => &[KeyCode::Tab, KeyCode::PageDown],
        Section::Log => {
            &[KeyCode::BackTab, KeyCode::Char('/'), KeyCode::Char('x'), KeyCode::Enter, KeyCode::Up]
        }
        Section::Typing => &[KeyCode::Char('a'), KeyCode::Char('x'), KeyCode::Char('y'), KeyCode::Left],
        Section::Add => &[KeyCode::Char('a'), KeyCode::Char('x')],
        Section::Filter => &[KeyCode::Char('/'), KeyCode::Char('x')],
        Section::Search => &[KeyCode::BackTab, KeyCode::Char('/'), KeyCode::Char('x')],
        Section::Palette => &[KeyCode::Char(':'), KeyCode::Char('d'), KeyCode::Down],
        Section::Jump => &[KeyCode::Char('J'), KeyCode::Char('5'), KeyCode::Char('m')],
        Section::Export => &[KeyCode::Char('e')],
        Section::Confirm => &[KeyCode::Char('x')],
        Section::Help | Section::HelpText => {
            &[KeyCode::Char('?'), KeyCode::Char('/'), KeyCode::Char('e'), KeyCode::Enter, KeyCode::Down]
        }
    };
    for i in 0..50 {
        let (wall, target) = (SystemTime::UNIX_EPOCH, if i % 2 == 0 { "vigie::net" } else { "vigie::event" });
        let message = format!("line {i} x, long enough to be wrapped at the end of a line of eighty columns");
        bench.app.ui.log.push(wall, ::log::Level::Info, target, &message);
    }
    if section == Section::Confirm {
        // A peer that is up.
        bench.select("a");
    }
    for code in opening {
        bench.screen(80, 24);
        bench.key(*code);
    }
    bench
}

#[test]
fn every_key_of_the_keymap_does_something_where_the_help_says() {
    for binding in KEYMAP {
        for key in binding.keys.iter() {
            let mut bench = in_section(binding.section);
            let before = (bench.text(80, 24), format!("{:?}", bench.app.ui));
            let now = bench.now();
            let effect = bench.app.key(&key.event(), now);
            let after = (bench.text(80, 24), format!("{:?}", bench.app.ui));
            assert!(effect.is_some() || before != after, "{} in {:?}", key.name(), binding.section);
            let expected = match binding.action {
                Action::Quit => Some(Effect::Quit),
                Action::Redraw => Some(Effect::Redraw),
                Action::Suspend => Some(Effect::Suspend),
                _ => continue,
            };
            assert_eq!(effect, expected);
        }
    }
}
