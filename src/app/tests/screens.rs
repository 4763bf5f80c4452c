//! Whole screens, to be read. Styles are asserted apart: the snapshots hold text only.

use crossterm::event::KeyCode;
use ratatui::style::{Color, Modifier};

use super::*;
use crate::app::ShownNode;
use crate::app::state::App;

#[test]
fn a_usual_terminal_shows_all_three_panes() {
    insta::assert_snapshot!(busy().text(80, 24));
}

#[test]
fn a_larger_terminal_shows_history_and_causes() {
    insta::assert_snapshot!(busy().text(120, 40));
}

#[test]
fn a_wide_terminal_shows_attempts_and_log_side_by_side() {
    insta::assert_snapshot!(busy().text(200, 60));
}

#[test]
fn a_low_terminal_shows_the_focused_pane_and_names_the_others() {
    let mut bench = busy();
    let peers = bench.text(60, 10);
    bench.key(KeyCode::Tab);
    insta::assert_snapshot!(format!("{peers}\n\n{}", bench.text(60, 10)));
}

#[test]
fn a_tiny_terminal_shows_the_summary() {
    let mut bench = busy();
    let sizes = [(20, 5), (40, 6), (19, 4), (30, 3), (8, 1)];
    insta::assert_snapshot!(sizes.map(|(width, height)| bench.text(width, height)).join("\n---\n"));
}

#[test]
fn without_peers_the_table_says_what_to_do() {
    let mut bench = Bench::new();
    insta::assert_snapshot!(bench.started(&[("eth0", 0), ("wlan0", 1)]).text(80, 24));
}

#[test]
fn without_an_interface_the_table_says_that_nobody_can_be_found() {
    insta::assert_snapshot!(Bench::new().started(&[]).text(80, 24));
}

#[test]
fn of_a_recording_nothing_is_offered_that_only_a_node_can_do() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).app.options.node = ShownNode::Recorded;
    for view in [KeyCode::Esc, KeyCode::Char('t')] {
        bench.key(view);
        let screen = bench.text(80, 24);
        assert!(screen.contains("The recording tells of none up to this moment."), "{screen}");
        assert!(!screen.contains("Listening") && !screen.contains("press a"), "{screen}");
    }
    let help = |bench: &mut Bench| {
        bench.key(KeyCode::Char('?'));
        let help = bench.text(80, 200);
        bench.key(KeyCode::Esc);
        help
    };
    let recorded = help(&mut bench);
    assert!(recorded.contains("play one event"), "{recorded}");
    for word in ["dial it now", "add a peer", "forget it", "record to a file", ":doctor", ":interval"] {
        assert!(!recorded.contains(word), "{word}: {recorded}");
    }
    bench.app.options.node = ShownNode::Own;
    let own = help(&mut bench);
    assert!(own.contains("dial it now") && !own.contains("play one event"), "{own}");
}

#[test]
fn what_was_said_goes_with_the_view_that_it_was_said_in() {
    let mut bench = busy();
    bench.key(KeyCode::Char('o'));
    assert!(bench.text(80, 24).contains("✓ "), "it is said");
    bench.key(KeyCode::Char('t'));
    let screen = bench.text(80, 24);
    assert!(screen.lines().last().unwrap().contains("Esc back"), "{screen}");
}

#[test]
fn the_help_lists_every_key() {
    let mut bench = busy();
    bench.key(KeyCode::Char('?'));
    insta::assert_snapshot!(bench.text(80, 50));
}

#[test]
fn a_text_is_found_in_the_help_and_its_places_are_gone_to_in_turn() {
    let mut bench = busy();
    bench.key(KeyCode::Char('?'));
    bench.key(KeyCode::Char('/'));
    bench.typed("RECORD");
    let screen = bench.text(80, 24);
    assert!(screen.contains("/RECORD") && screen.contains("1 of "), "{screen}");
    assert!(screen.contains("record to a file"), "{screen}");
    bench.key(KeyCode::Enter);
    let styled = |bench: &mut Bench| {
        let screen = bench.screen(80, 24);
        let is = |y: &u16| (2..78).any(|x| screen[(x, *y)].modifier.contains(Modifier::REVERSED));
        let line = (0..24).find(is).map(|y| lines(&screen)[usize::from(y)].clone());
        line.and_then(|line| line.split('│').nth(1).map(|text| text.trim().to_owned()))
    };
    let first = styled(&mut bench).expect("the line that is meant is marked");
    assert!(bench.text(80, 24).contains("· n N"));
    bench.key(KeyCode::Char('n'));
    let second = styled(&mut bench).unwrap();
    assert_ne!(first, second);
    bench.key(KeyCode::Char('N'));
    assert_eq!(styled(&mut bench), Some(first.clone()));
    bench.key(KeyCode::Char('N'));
    assert_ne!(styled(&mut bench), Some(first), "round to the last one");
    bench.key(KeyCode::Char('/'));
    bench.typed("no such");
    assert!(bench.text(80, 24).contains("no match"));
    bench.key(KeyCode::Esc);
    assert!(bench.text(80, 24).contains("Help · Esc closes it · / finds a text"));
    bench.key(KeyCode::Esc);
    assert!(bench.app.ui.overlay.is_none());
}

#[test]
fn the_help_scrolls_where_it_does_not_fit() {
    let mut bench = busy();
    bench.key(KeyCode::Char('?'));
    for _ in 0..200 {
        bench.key(KeyCode::Down);
        bench.screen(80, 24);
    }
    insta::assert_snapshot!(bench.text(80, 24));
}

#[test]
fn the_prompt_tells_what_is_wrong_as_it_is_typed() {
    let mut bench = busy();
    bench.key(KeyCode::Char('a'));
    bench.typed("10.0.0.9:99999");
    insta::assert_snapshot!(bench.text(80, 24));
}

#[test]
fn the_prompt_puts_the_cursor_behind_what_was_typed() {
    let mut bench = busy();
    bench.key(KeyCode::Char('a'));
    let empty = bench.terminal(80, 24).0.backend().cursor_position();
    bench.typed("山x");
    let typed = bench.terminal(80, 24).0.backend().cursor_position();
    assert_eq!((typed.x, typed.y), (empty.x + 3, empty.y));
}

#[test]
fn forgetting_a_peer_that_is_up_asks_first() {
    let mut bench = busy();
    assert_eq!(bench.select("bob").key(KeyCode::Char('x')), None);
    insta::assert_snapshot!(bench.text(80, 24));
}

#[test]
fn a_paused_display_stands_still_and_says_how_far_behind_it_is() {
    let mut bench = busy();
    bench.screen(80, 24);
    bench.key(KeyCode::Char('p'));
    let before = bench.text(80, 24);
    let bob = peer(11, "bob");
    for _ in 0..21 {
        bench.dials(&bob, 1).wait(100).answers(&bob, 1, 500_000);
    }
    let (terminal, drawn) = bench.terminal(80, 24);
    let after = lines(terminal.backend().buffer()).join("\n");
    assert_eq!(
        before.replace("0 events", "42 events").split_whitespace().collect::<Vec<_>>(),
        after.split_whitespace().collect::<Vec<_>>()
    );
    assert!(drawn.next.is_none(), "nothing moves");
    insta::assert_snapshot!(after);
}

#[test]
fn missed_events_are_told_for_a_while() {
    let mut bench = busy();
    bench.fold(Event::Lagged { missed: 17 });
    assert!(bench.text(80, 24).contains("17 events missed"));
    assert!(!bench.wait(11_000).text(80, 24).contains("missed"));
}

#[test]
fn a_countdown_runs_against_the_clock_and_needs_tenths() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.started(&[("eth0", 0)]).discovered(&host).wait(2_000);
    assert!(bench.terminal(80, 24).1.next.is_none(), "nothing moves");
    bench.dials(&host, 1).wait(30).fails(&host, 1, Some(2_000));
    let (terminal, drawn) = bench.terminal(80, 24);
    let text = lines(terminal.backend().buffer()).join("\n");
    assert!(
        drawn.next.is_some() && text.contains("2/5 in 2.0 s") && text.contains("again in 2.0 s"),
        "{text}"
    );
    assert!(bench.wait(1_500).text(80, 24).contains("2/5 in 0.5 s"));
    bench.wait(600);
    assert!(bench.terminal(80, 24).1.next.is_none(), "the countdown is over, and the next attempt is late");
}

fn style_of(buffer: &Buffer, symbol: &str) -> ratatui::style::Style {
    let cell = buffer.content.iter().find(|cell| cell.symbol() == symbol);
    cell.unwrap_or_else(|| panic!("no {symbol} on the screen")).style()
}

#[test]
fn states_have_their_colours_and_the_selected_row_is_reversed() {
    let mut bench = busy();
    let buffer = bench.screen(120, 40);
    assert_eq!(style_of(&buffer, "●").fg, Some(Color::Green));
    assert_eq!(style_of(&buffer, "◐").fg, Some(Color::Yellow));
    assert_eq!(style_of(&buffer, "✖").fg, Some(Color::Red));
    assert_eq!(style_of(&buffer, "○").fg, Some(Color::Magenta));
    let reversed: Vec<_> =
        (0..buffer.area.height).filter(|y| buffer[(3, *y)].modifier.contains(Modifier::REVERSED)).collect();
    assert_eq!(reversed.len(), 1, "one row is selected");
    assert_eq!(
        lines(&buffer)[usize::from(reversed[0])].trim_start_matches("▸ ").split(' ').next(),
        Some("host9")
    );
    bench.key(KeyCode::Tab);
    assert_eq!(style_of(&bench.screen(120, 40), "×").fg, Some(Color::Red), "no row is reversed now");
}

#[test]
fn without_colours_no_cell_has_one_and_the_selection_is_still_seen() {
    let mut bench = busy();
    bench.app.appearance.theme = Theme::PLAIN;
    let buffer = bench.screen(120, 40);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(buffer.content.iter().any(|cell| cell.modifier.contains(Modifier::REVERSED)));
}

#[test]
fn the_focused_pane_is_marked() {
    let mut bench = busy();
    let marked = |bench: &mut Bench| {
        lines(&bench.screen(80, 24)).into_iter().find(|line| line.starts_with("─▸")).unwrap()
    };
    assert!(marked(&mut bench).contains("Peers"));
    bench.key(KeyCode::Tab);
    assert!(marked(&mut bench).contains("Attempts"));
    bench.key(KeyCode::Tab);
    assert!(marked(&mut bench).contains("Log"));
    bench.key(KeyCode::BackTab);
    assert!(marked(&mut bench).contains("Attempts"));
}

#[test]
fn of_ten_thousand_peers_a_frame_looks_at_no_more_rows_than_of_a_hundred() {
    let drawn = |peers: u64| Bench::of_a_crowd(peers).end_and_rows_seen();
    let ((_, of_a_hundred), (text, of_ten_thousand)) = (drawn(100), drawn(10_000));
    assert!(text.contains("10000 peers") && text.contains("host9999 "), "{text}");
    assert!(text.contains("–10000"), "{text}");
    assert!(of_a_hundred > 0, "they are counted");
    assert_eq!(of_ten_thousand, of_a_hundred);
}

#[test]
fn a_wide_or_hostile_name_moves_no_column() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    for (i, name) in
        (1..).zip(["plain", "山田太郎のパソコン", "e\u{301}e\u{301}", "a\x1b[31mb", "👩‍👩‍👧 family", "مضيف"])
    {
        bench.discovered(&peer(i, name));
    }
    let buffer = bench.screen(80, 24);
    let columns: Vec<_> = (0..buffer.area.height)
        .filter_map(|y| {
            (0..buffer.area.width)
                .find(|x| buffer[(*x, y)].symbol() == "·" && buffer[(*x + 2, y)].symbol() == "n")
        })
        .collect();
    assert_eq!(columns.len(), 7, "six rows and the details");
    assert!(columns[..6].iter().all(|x| *x == columns[0]), "{columns:?}");
}

#[test]
fn an_app_that_heard_nothing_yet_draws_too() {
    let mut bench = Bench::new();
    bench.app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    assert!(bench.text(80, 24).contains("starting"));
}
