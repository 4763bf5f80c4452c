//! How the table is filtered, sorted and laid out, and what is noticed of its changes.

use ratatui::style::Modifier;
use tracing::level_filters::LevelFilter;

use super::*;
use crate::app::appearance::{Depth, ThemeName};
use crate::app::model::{Column, SETTLE};
use crate::app::ui::{Overlay, Pane, TableColumns, View};

fn listed(bench: &Bench) -> Vec<String> {
    bench.app.shown().rows(0..usize::MAX).map(|peer| peer.info.name.clone()).collect()
}

fn settle(bench: &mut Bench) -> &mut Bench {
    bench.wait(u64::try_from(SETTLE.as_millis()).unwrap())
}

/// Sorts by a column with the key that goes from one to the next.
fn sort_by(bench: &mut Bench, column: Column) {
    for _ in 0..Column::ALL.len() {
        if bench.app.shown().sort().by == column {
            return;
        }
        bench.key(KeyCode::Char('s'));
    }
    panic!("{column:?} cannot be sorted by");
}

#[test]
fn a_filter_counts_while_it_is_typed_and_looks_at_name_address_state_and_cause() {
    let mut bench = busy();
    bench.key(KeyCode::Char('/'));
    for (text, expected) in [
        ("HOST", &["host9", "host10"][..]),
        ("10.0.0.13", &["host10"]),
        ("unreach", &["host9"]),
        ("refused", &["host9", "host10"]),
        ("refused retrying", &["host10"]),
        ("山", &["山田のPC"]),
        ("no such", &[]),
    ] {
        bench.typed(text);
        assert_eq!(listed(&bench), expected, "{text}");
        let screen = bench.text(80, 24);
        assert!(screen.contains(&format!("{} of 7", expected.len())), "{text}\n{screen}");
        let now = bench.now();
        bench.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), now);
    }
    assert_eq!(listed(&bench).len(), 7);
}

#[test]
fn a_filter_asks_for_states_networks_and_quantities_and_says_what_it_does_not_understand() {
    let mut bench = busy();
    let all = listed(&bench);
    bench.key(KeyCode::Char('/'));
    let mut asked = |text: &str| {
        let now = bench.now();
        bench.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), now);
        bench.typed(text);
        (listed(&bench), bench.text(80, 24))
    };
    let (unreachable, _) = asked("state:unreachable");
    assert_eq!(unreachable, ["host9"]);
    let (others, _) = asked("!unreachable");
    assert_eq!(others.len() + unreachable.len(), all.len());
    assert_eq!(asked("net:10.0.0.13").0, ["host10"]);
    assert_eq!(asked("net:10.0.0.0/24").0.len(), all.len());
    let ((fast, _), (slow, _)) = (asked("rtt<1ms"), asked("rtt>1ms"));
    assert!(!fast.is_empty() && fast.iter().all(|name| !slow.contains(name)), "{fast:?} {slow:?}");
    let (lossy, _) = asked("loss>0");
    assert!(lossy.contains(&"host9".to_owned()), "it is what the column of that name shows: {lossy:?}");
    assert!(lossy.len() < all.len() && asked("loss=0").0.iter().all(|name| !lossy.contains(name)));
    let (listed, screen) = asked("rtt>");
    assert_eq!(listed.len(), all.len(), "what is not typed yet hinders nobody");
    assert!(screen.contains("rtt needs a time: rtt>5ms"), "{screen}");
}

#[test]
fn escape_in_the_prompt_brings_the_last_filter_back_and_in_the_table_lists_all() {
    let mut bench = busy();
    bench.key(KeyCode::Char('/'));
    bench.typed("host");
    bench.key(KeyCode::Enter);
    assert!(bench.text(80, 24).contains("2 of 7 · /host"));
    bench.key(KeyCode::Char('/'));
    bench.typed("9");
    assert_eq!(listed(&bench), ["host9"]);
    bench.key(KeyCode::Esc);
    assert_eq!(listed(&bench), ["host9", "host10"]);
    bench.key(KeyCode::Esc);
    assert_eq!(listed(&bench).len(), 7);
}

#[test]
fn a_peer_enters_and_leaves_a_filtered_list_as_it_changes() {
    let mut bench = busy();
    bench.key(KeyCode::Char('/'));
    bench.typed("silent");
    bench.key(KeyCode::Enter);
    assert_eq!(listed(&bench), ["old-printer"]);
    bench.state(&peer(11, "bob"), PeerState::Up, PeerState::Silent);
    assert_eq!(listed(&bench), ["bob", "old-printer"]);
    bench.state(&peer(15, "old-printer"), PeerState::Silent, PeerState::Up);
    assert_eq!(listed(&bench), ["bob"]);
    bench.left(&peer(11, "bob"), LeaveReason::Forgotten);
    assert!(listed(&bench).is_empty());
    assert!(bench.text(80, 24).contains("No match. / to edit, Esc to clear."));
}

#[test]
fn each_column_sorts_trouble_first_and_those_that_left_stay_last() {
    let mut bench = busy();
    // Where every column has room.
    bench.screen(220, 40);
    for (column, first) in [
        (Column::State, "host9"),
        (Column::RoundTrip, "山田のPC"),
        (Column::Address, "bob"),
        (Column::Cause, "host9"),
        (Column::Dial, "zed"),
    ] {
        sort_by(&mut bench, column);
        assert_eq!(listed(&bench)[0], first, "{column:?}");
        assert_eq!(listed(&bench)[6], "anna-laptop", "{column:?}");
    }
    sort_by(&mut bench, Column::Address);
    bench.key(KeyCode::Char('S'));
    assert_eq!(listed(&bench)[0], "zed");
    assert!(bench.text(80, 24).contains("address▼"));
    assert_eq!(listed(&bench)[6], "anna-laptop");
}

#[test]
fn a_changed_order_settles_all_at_once_and_not_before_its_time() {
    let mut bench = busy();
    let (bob, wide) = (peer(11, "bob"), peer(12, "山田のPC"));
    sort_by(&mut bench, Column::RoundTrip);
    settle(&mut bench);
    assert_eq!(listed(&bench)[..2], ["山田のPC", "bob"]);
    bench.dials(&bob, 1).answers(&bob, 1, 90_000);
    assert_eq!(listed(&bench)[..2], ["山田のPC", "bob"], "not under the eye");
    settle(&mut bench);
    assert_eq!(listed(&bench)[..2], ["bob", "山田のPC"]);
    bench.dials(&wide, 1).answers(&wide, 1, 99_000).wait(500);
    assert_eq!(listed(&bench)[..2], ["bob", "山田のPC"], "it has just settled");
    settle(&mut bench);
    assert_eq!(listed(&bench)[..2], ["山田のPC", "bob"]);
}

#[test]
fn the_selected_row_keeps_its_line_when_rows_come_above_it() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    for i in 0..100 {
        bench.discovered(&peer(i, &format!("m{i}")));
    }
    bench.screen(80, 24);
    for _ in 0..50 {
        bench.key(KeyCode::Down);
        bench.screen(80, 24);
    }
    let line = |bench: &mut Bench| {
        lines(&bench.screen(80, 24)).iter().position(|line| line.starts_with("▸ m50 ")).unwrap()
    };
    let before = line(&mut bench);
    for i in 0..10 {
        bench.discovered(&peer(200 + i, &format!("a{i}")));
        assert_eq!(line(&mut bench), before);
    }
}

#[test]
fn a_change_of_state_flashes_for_a_moment_unless_motion_is_reduced() {
    let mut bench = busy();
    bench.wait(5_000).select("bob");
    let bob = peer(11, "bob");
    bench.state(&bob, PeerState::Up, PeerState::Unreachable);
    let flashing = |bench: &mut Bench| {
        let (terminal, drawn) = bench.terminal(80, 24);
        let buffer = terminal.backend().buffer();
        let row = lines(buffer).iter().position(|line| line.starts_with("▸ bob ")).unwrap();
        let y = u16::try_from(row).unwrap();
        let sign = (0..80).find(|x| buffer[(*x, y)].symbol() == "✖").unwrap();
        // The row itself is selected: with another focus it is not reversed.
        (buffer[(sign, y)].modifier.contains(Modifier::REVERSED), drawn.next)
    };
    bench.key(KeyCode::Tab);
    let now = bench.now();
    let (reversed, next) = flashing(&mut bench);
    assert!(reversed && next.is_some_and(|next| next > now));
    bench.wait(1_600);
    assert!(!flashing(&mut bench).0);
    bench.state(&bob, PeerState::Unreachable, PeerState::Up).state(
        &bob,
        PeerState::Up,
        PeerState::Unreachable,
    );
    bench.app.appearance.still = true;
    let (reversed, next) = flashing(&mut bench);
    assert!(!reversed && next.is_none(), "nothing moves");
}

#[test]
fn the_bell_rings_when_it_is_wanted_for_a_peer_that_goes_down_or_comes_back() {
    let mut bench = busy();
    let bob = peer(11, "bob");
    assert!(!bench.app.rings());
    bench.app.options.bell = true;
    bench.state(&bob, PeerState::Up, PeerState::Retrying);
    assert!(!bench.app.rings(), "it may be cured");
    bench.state(&bob, PeerState::Retrying, PeerState::Unreachable);
    assert!(bench.app.rings());
    assert!(!bench.app.rings(), "once");
    bench.state(&peer(12, "山田のPC"), PeerState::Up, PeerState::Silent);
    assert!(!bench.app.rings(), "many at once are one ring");
    bench.wait(1_000).state(&bob, PeerState::Silent, PeerState::Up);
    assert!(bench.app.rings());
    bench.wait(1_000).state(&bob, PeerState::Up, PeerState::Retrying).state(
        &bob,
        PeerState::Retrying,
        PeerState::Up,
    );
    assert!(!bench.app.rings(), "it never went down");
    bench.wait(1_000).state(&peer(99, "new"), PeerState::New, PeerState::Up);
    assert!(!bench.app.rings(), "a newcomer is no alarm");
}

#[test]
fn a_zoomed_pane_has_the_whole_screen_and_gives_it_back() {
    let mut bench = busy();
    let before = bench.text(80, 24);
    bench.key(KeyCode::Tab);
    bench.key(KeyCode::Char('z'));
    let zoomed = bench.text(80, 24);
    assert!(
        !zoomed.contains("  name") && zoomed.lines().nth(2).unwrap().contains("── Peers ─▸ Attempts"),
        "{zoomed}"
    );
    bench.key(KeyCode::Char('z'));
    bench.key(KeyCode::BackTab);
    assert_eq!(bench.text(80, 24), before);
}

#[test]
fn a_pane_that_has_all_the_room_already_is_not_zoomed() {
    let mut bench = busy();
    assert!(bench.text(200, 60).contains("z zoom"));
    bench.key(KeyCode::Char('t'));
    let whole = bench.text(200, 30);
    assert!(!whole.contains("z zoom") && whole.contains("q quit"), "{whole}");
    bench.key(KeyCode::Char('z'));
    assert!(bench.text(200, 30).contains("this pane has all the room already"));
    assert!(!bench.app.ui.zoomed);
}

#[test]
fn a_pane_grows_at_the_cost_of_the_others_as_far_as_they_keep_their_least() {
    let mut bench = busy();
    let main = |bench: &mut Bench| {
        bench.screen(80, 24);
        bench.app.ui.hit_map.panes[Pane::Main as usize].unwrap().height
    };
    let usual = main(&mut bench);
    bench.key(KeyCode::Char('+'));
    assert_eq!(main(&mut bench), usual + 1);
    for _ in 0..50 {
        bench.key(KeyCode::Char('-'));
    }
    let least = main(&mut bench);
    assert!(least < usual && least >= 2);
    bench.key(KeyCode::Char('+'));
    assert_eq!(main(&mut bench), least + 1, "what could not be given was not saved up");
}

#[test]
fn the_palette_finds_actions_by_their_words_completes_and_does_them() {
    let mut bench = busy();
    bench.key(KeyCode::Char(':'));
    bench.typed("the past, or");
    assert!(bench.text(80, 24).contains("show the past"));
    bench.key(KeyCode::Tab);
    let Some(Overlay::Palette { prompt, .. }) = &bench.app.ui.overlay else { panic!("it is still open") };
    assert_eq!(prompt.text(), "show the past, or the table");
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.ui.view, View::Timeline);
    assert!(bench.app.ui.overlay.is_none());
    bench.key(KeyCode::Char(':'));
    for (name, first) in
        [("export", "export the table"), ("zoom", "show less of the past"), ("timeline", "show the past")]
    {
        assert!(bench.app.ui.keymap.found(bench.app.ui.beneath(), name)[0].help.starts_with(first), "{name}");
    }
    bench.typed("no such action");
    assert!(bench.text(80, 24).contains("No matching action"));
    bench.key(KeyCode::Enter);
    assert!(bench.app.ui.overlay.is_some(), "it says that nothing is found");
    bench.key(KeyCode::Esc);
    bench.key(KeyCode::Char(':'));
    bench.typed("quit");
    assert_eq!(bench.key(KeyCode::Enter), Some(Effect::Quit));
}

#[test]
fn columns_that_are_typed_stand_in_the_table_and_wrong_ones_are_refused_while_they_are_typed() {
    let mut bench = busy();
    bench.key(KeyCode::Char(':'));
    bench.typed("columns");
    bench.key(KeyCode::Enter);
    let Some(Overlay::Palette { prompt, .. }) = &bench.app.ui.overlay else { panic!("it asks for them") };
    assert_eq!(prompt.text(), format!("columns {}", TableColumns::default()), "those that count now");
    bench.app.key(&KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL), bench.now());
    bench.typed("columns rtt nmae");
    assert!(bench.text(80, 24).contains("✖ unknown column nmae; the nearest name is name"));
    bench.key(KeyCode::Enter);
    assert!(bench.app.ui.overlay.is_some(), "it stays open");
    for _ in 0..4 {
        bench.key(KeyCode::Backspace);
    }
    bench.typed("name=30 cause");
    bench.key(KeyCode::Enter);
    assert!(bench.app.ui.overlay.is_none());
    assert_eq!(bench.app.ui.status.as_ref().unwrap().text, "columns: rtt name=30 cause");
    for (width, height) in [(80, 24), (120, 40), (200, 60)] {
        let text = bench.text(width, height);
        let headings = text.lines().find(|line| line.contains("cause")).unwrap();
        let words: Vec<_> = headings.split_whitespace().collect();
        assert_eq!(words, ["rtt", "name", "cause"], "{text}");
        assert_eq!(headings.find("cause").unwrap() - headings.find("name").unwrap(), 31);
    }
    bench.key(KeyCode::Char(':'));
    bench.typed("columns default");
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.ui.columns, TableColumns::default());
}

#[test]
fn colours_are_shown_while_they_are_typed_kept_with_enter_and_left_with_escape() {
    let mut bench = busy();
    let before = bench.app.appearance.theme;
    let dark = Theme::new(ThemeName::Dark, Depth::Sixteen);
    for (end, theme) in [(KeyCode::Esc, before), (KeyCode::Enter, dark)] {
        bench.key(KeyCode::Char(':'));
        bench.typed("theme dark");
        assert_eq!(bench.app.appearance.theme, dark, "shown at once");
        assert_eq!(bench.key(end), None);
        assert_eq!(bench.app.appearance.theme, theme);
    }
    bench.key(KeyCode::Char(':'));
    bench.typed("theme light");
    bench.key(KeyCode::Backspace);
    assert_eq!(bench.app.appearance.theme, dark, "there is no theme ligh");
    assert!(bench.text(80, 24).contains("▸ light"), "but one that begins so");
    bench.typed("x");
    assert!(bench.text(80, 24).contains("the nearest name is light"));
}

#[test]
fn the_level_of_the_log_is_asked_for_by_its_word() {
    let mut bench = busy();
    bench.key(KeyCode::Char(':'));
    bench.typed("log");
    bench.key(KeyCode::Tab);
    bench.typed("debug");
    assert_eq!(bench.key(KeyCode::Enter), Some(Effect::LogLevel(LevelFilter::DEBUG)));
}

#[test]
fn in_ascii_every_sign_of_the_screen_is_ascii_and_names_are_left_alone() {
    let mut bench = busy();
    bench.app.appearance.ascii = true;
    for opening in [None, Some('?'), Some(':'), Some('e'), Some('t'), Some('a')] {
        if let Some(key) = opening {
            bench.key(KeyCode::Esc);
            bench.key(KeyCode::Char(key));
        }
        let text = bench.text(120, 40).replace("山田のPC", "");
        let strange: String = text.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(strange, "", "{opening:?}\n{text}");
    }
}

#[test]
fn dialing_all_that_fail_asks_for_just_that_and_says_how_many() {
    use crate::engine::api::Command;
    let mut bench = busy();
    let expected = Effect::Send { command: Command::DialFailing, said: "dialing 3 peers".into() };
    assert_eq!(bench.key(KeyCode::Char('F')), Some(expected));
    let mut bench = Bench::new();
    assert_eq!(bench.key(KeyCode::Char('F')), None);
    assert!(bench.text(80, 24).contains("no failing peers"));
}

#[test]
fn f_lists_the_attempts_of_the_selected_peer_alone_and_all_again() {
    let mut bench = busy();
    let shown = |bench: &mut Bench| {
        let lines = lines(&bench.screen(120, 40));
        let from = lines.iter().position(|line| line.contains("Attempts")).unwrap();
        let to = lines.iter().position(|line| line.contains("── Log")).unwrap();
        lines[from..to].join("\n")
    };
    bench.select("bob").key(KeyCode::Char('f'));
    let text = shown(&mut bench);
    assert!(text.contains("Attempts of bob") && text.contains(" bob ") && !text.contains("host9"), "{text}");
    bench.key(KeyCode::Char('f'));
    assert!(shown(&mut bench).contains("host9"));
}

#[test]
fn what_a_key_does_is_done_to_the_peer_that_was_highlighted_whatever_came_first_since() {
    use crate::engine::api::Command;
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).discovered(&peer(2, "m")).discovered(&peer(3, "n"));
    assert!(bench.text(80, 24).contains("▸ m "));
    // Nobody has chosen yet: the first row is selected. Another one comes first before the next frame.
    bench.discovered(&peer(1, "a"));
    let forgotten = Effect::Send { command: Command::Forget(peer(2, "m").key), said: "forgot m".into() };
    assert_eq!(bench.key(KeyCode::Char('x')), Some(forgotten));
    bench.left(&peer(2, "m"), LeaveReason::Forgotten);
    assert_eq!(bench.key(KeyCode::Char('x')), None, "it is gone, and its neighbour was not meant");
    // Its details stay its details when trouble elsewhere takes the first row, and when no filter lists it.
    bench.screen(80, 24);
    bench.select("n").key(KeyCode::Enter);
    bench.dials(&peer(1, "a"), 1).fails(&peer(1, "a"), 1, None);
    settle(bench.state(&peer(1, "a"), PeerState::New, PeerState::Unreachable));
    assert!(bench.text(80, 24).contains("─▸ Peer n · 2 of 2"));
    bench.app.ui.view = View::Peers;
    bench.key(KeyCode::Char('/'));
    bench.typed("new");
    bench.key(KeyCode::Enter);
    bench.key(KeyCode::Enter);
    bench.state(&peer(3, "n"), PeerState::New, PeerState::Up);
    assert!(bench.text(80, 24).contains("─▸ Peer n · not listed"));
}

#[test]
fn halfwidth_sound_marks_take_a_column_of_their_own_as_terminals_have_it() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).discovered(&peer(1, "ﾌﾟﾘﾝﾀ")).discovered(&peer(2, "plain"));
    let text = bench.text(80, 24);
    assert!(text.contains("ﾌﾟﾘﾝﾀ ") && text.contains("plain"), "{text}");
    let column = |name: &str| {
        let line = text.lines().find(|line| line.contains(name) && line.contains("· new")).unwrap();
        let before = &line[..line.find("10.0.").unwrap()];
        crate::text::columns(before)
    };
    assert_eq!(column("ﾌﾟﾘﾝﾀ"), column("plain"));
}

#[test]
fn a_named_peer_that_said_goodbye_keeps_its_row_as_long_as_it_is_dialed() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.started(&[("eth0", 0)]).discovered(&host).left(&host, LeaveReason::Goodbye);
    let next = Some(bench.now() + Duration::from_secs(10));
    let dialed = PeerSnapshot { dial: DialPhase::Resting { next }, ..row(&host, PeerState::Left) };
    bench.fold(snapshot(vec![dialed])).wait(600_000);
    assert_eq!(listed(&bench), ["host"]);
    bench.fold(snapshot(vec![row(&host, PeerState::Left)])).wait(1);
    assert!(listed(&bench).is_empty(), "it has had its time");
    bench.fold(snapshot(vec![row(&host, PeerState::Left)]));
    assert!(listed(&bench).is_empty(), "and does not come back before it speaks");
}

#[test]
fn a_finding_is_worth_one_notice_where_the_person_wants_them_and_many_at_once_are_one() {
    let mut bench = Bench::new();
    let found = |number| {
        let finding = testkit::finding(&peer(number, "host"), Verdict::HostDown, testkit::t0());
        Event::Diagnosis(Arc::new(finding))
    };
    bench.fold(found(1));
    assert_eq!(bench.app.notice(), None, "nobody wants them");
    bench.app.options.notify = true;
    bench.fold(found(2));
    bench.fold(found(3));
    let notice = bench.app.notice().unwrap();
    assert!(notice.starts_with("host: "), "{notice}");
    assert_eq!(bench.app.notice(), None, "once");
    bench.wait(1_000).fold(found(4));
    assert!(bench.app.notice().is_some());
}
