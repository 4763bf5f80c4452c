//! The timeline: an incident is seen at a glance, and what was said then can be read.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::{Color, Modifier};

use super::*;
use crate::app::model::MAX_ENTRIES;
use crate::app::ui::View;
use crate::app::ui::timeline::TimelineSpan;

use PeerState::{New, Retrying, Silent, Unreachable, Up};

/// Milliseconds of a minute.
const MINUTE: u64 = 60_000;

/// An hour and two minutes after noon: the printer and two more had trouble 20 minutes ago; now two others have.
fn incidents() -> Bench {
    let mut bench = Bench::new();
    let [printer, nas, bob, wide, anna] = all();
    bench.started(&[("eth0", 0)]);
    bench.wait(5 * MINUTE);
    for peer in [&printer, &nas, &bob, &wide] {
        bench.discovered(peer).wait(20).state(peer, New, Up);
    }
    bench.wait(35 * MINUTE).state(&printer, Up, Retrying).wait(2_000).state(&nas, Up, Retrying);
    bench.state(&wide, Up, Silent).wait(12_000).state(&printer, Retrying, Unreachable);
    bench.gives_up(&printer, Cause::HostUnreachable).wait(30_000).state(&nas, Retrying, Up);
    bench.wait(3 * MINUTE).state(&printer, Unreachable, Up).wait(5_000).state(&wide, Silent, Up);
    bench.wait(15 * MINUTE).discovered(&anna).wait(20).state(&anna, New, Up);
    bench.wait(2 * MINUTE).state(&bob, Up, Silent).wait(MINUTE).state(&nas, Up, Retrying).wait(40_000);
    bench.key(KeyCode::Char('t'));
    bench.app.ui.timeline.choose(Some(TimelineSpan::Hour));
    bench
}

fn all() -> [Arc<PeerInfo>; 5] {
    [peer(1, "printer-hall"), peer(2, "nas"), peer(3, "bob"), peer(4, "山田のPC"), peer(5, "anna-laptop")]
}

impl Bench {
    /// Presses a key so many times, on a screen of this width.
    fn pressed(&mut self, code: KeyCode, times: usize, width: u16) -> &mut Self {
        for _ in 0..times {
            self.screen(width, 24);
            self.key(code);
        }
        self
    }

    /// Types this after a colon.
    fn typed_for(&mut self, words: &str) -> &mut Self {
        self.key(KeyCode::Char(':'));
        self.typed(words);
        self.key(KeyCode::Enter);
        self
    }

    fn clicked(&mut self, (column, row): (u16, u16)) {
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.app.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    }
}

/// The lines of the main pane below its title.
fn pane(bench: &mut Bench, width: u16, height: u16) -> Vec<String> {
    let lines = lines(&bench.screen(width, height)).into_iter();
    let mut pane = lines.skip_while(|line| !line.contains("Timeline"));
    // Where it is alone, its title names the others.
    pane.next().into_iter().chain(pane.take_while(|line| !line.contains("Attempts"))).collect()
}

/// Where a text begins in a line.
fn column_of(line: &str, text: &str) -> u16 {
    let at = line.find(text).unwrap_or_else(|| panic!("no {text} in {line}"));
    u16::try_from(crate::text::columns(&line[..at])).unwrap()
}

/// The line of the screen that has a text.
fn line_of(buffer: &Buffer, text: &str) -> u16 {
    let at = lines(buffer).iter().position(|line| line.contains(text));
    u16::try_from(at.unwrap_or_else(|| panic!("no {text} in {:?}", lines(buffer)))).unwrap()
}

#[test]
fn an_incident_of_twenty_minutes_ago_and_one_of_now_are_seen() {
    insta::assert_snapshot!(incidents().text(80, 24));
}

#[test]
fn a_larger_terminal_has_finer_columns() {
    insta::assert_snapshot!(incidents().text(120, 40));
}

#[test]
fn a_wide_terminal_has_words_beside_the_bands() {
    insta::assert_snapshot!(incidents().text(200, 60));
}

#[test]
fn up_to_forty_lines_are_its_own_and_the_others_come_back_when_it_is_closed() {
    let mut bench = incidents();
    let is_alone = |bench: &mut Bench, height| {
        let last = bench.text(120, height).lines().rev().nth(1).unwrap_or_default().to_owned();
        last.contains("retrying") && last.contains("left")
    };
    assert!([24, 30, 40].into_iter().all(|height| is_alone(&mut bench, height)));
    assert!(!is_alone(&mut bench, 41), "a higher one has room for all");
    bench.key(KeyCode::Esc);
    let table = bench.text(120, 40);
    assert!(table.contains("── Attempts newest first") && table.contains("── Log follows"), "{table}");
}

#[test]
fn small_terminals_have_what_fits() {
    let mut bench = incidents();
    let sizes = [(20, 5), (20, 9), (40, 12), (60, 16)];
    insta::assert_snapshot!(sizes.map(|(width, height)| bench.text(width, height)).join("\n---\n"));
}

#[test]
fn the_cursor_reads_what_was_said_at_its_moment() {
    let mut bench = incidents();
    bench.pressed(KeyCode::End, 1, 80).pressed(KeyCode::Up, 1, 80);
    insta::assert_snapshot!(bench.pressed(KeyCode::Left, 22, 80).text(80, 36));
}

#[test]
fn the_moments_words_follow_the_peer_that_is_selected() {
    let mut bench = incidents();
    let mut head = |code| {
        bench.pressed(code, 1, 80);
        let words = pane(&mut bench, 80, 36)
            .into_iter()
            .rev()
            .find(|line| line.contains(" since ") || line.contains(" from "));
        words.expect("a line tells the state").trim().to_owned()
    };
    let told =
        [KeyCode::PageDown, KeyCode::PageUp, KeyCode::Down, KeyCode::Down, KeyCode::Left, KeyCode::Char('h')]
            .map(&mut head);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_cursor_stays_on_its_moment_while_time_passes_and_is_never_older_than_a_day() {
    let mut bench = incidents();
    bench.pressed(KeyCode::Char('h'), 20, 80).screen(80, 24);
    let (moment, ago) = bench.app.ui.timeline.moment().unwrap();
    let column = bench.app.ui.timeline.column().unwrap();
    bench.wait(3 * MINUTE).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.moment(), Some((moment.clone(), ago + Duration::from_mins(3))));
    assert_eq!(bench.app.ui.timeline.column(), Some(column - 3), "a column is a minute");
    bench.screen(200, 60);
    assert_eq!(
        bench.app.ui.timeline.moment().unwrap().0.start,
        moment.start,
        "another width is no other moment"
    );
    bench.wait(50 * MINUTE).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.column(), Some(0), "what is shown goes with it");
    assert_eq!(bench.app.ui.timeline.moment().unwrap().0.start, moment.start);
    bench.wait(60 * 24 * MINUTE).screen(80, 24);
    let (oldest, ago) = bench.app.ui.timeline.moment().unwrap();
    assert!(oldest.start > moment.start && ago <= Duration::from_hours(24), "{ago:?}");
    bench.pressed(KeyCode::Left, 1, 80).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.moment().unwrap().0, oldest);
}

#[test]
fn the_cursor_goes_to_the_borders_of_what_is_known_and_the_last_column_is_now() {
    let mut bench = incidents();
    bench.pressed(KeyCode::Left, 300, 80).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.column(), Some(0));
    bench.pressed(KeyCode::Right, 58, 80).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.column(), Some(58));
    assert!(!bench.text(80, 24).contains(" now"), "the first minutes of all are shown");
    bench.pressed(KeyCode::Char('l'), 5, 80);
    assert!(!bench.app.ui.timeline.is_past() && bench.text(80, 24).contains(" now▼"));
    bench.pressed(KeyCode::Right, 3, 80);
    assert!(!bench.app.ui.timeline.is_past());
}

#[test]
fn back_goes_to_now_first_and_then_to_the_table() {
    let mut bench = incidents();
    bench.pressed(KeyCode::Left, 5, 80);
    assert!(bench.text(80, 24).contains(" min ago · "));
    bench.key(KeyCode::Esc);
    assert!(!bench.app.ui.timeline.is_past() && bench.app.ui.view == View::Timeline);
    assert!(bench.text(80, 24).contains("now▼"));
    bench.key(KeyCode::Esc);
    assert_eq!(bench.app.ui.view, View::Peers);
}

#[test]
fn a_click_on_a_band_sets_the_moment_and_the_row() {
    let mut bench = incidents();
    let buffer = bench.screen(80, 24);
    let row = line_of(&buffer, "printer-hall ");
    let column = column_of(&lines(&buffer)[usize::from(row)], "█");
    bench.clicked((column + 1, row));
    let buffer = bench.screen(80, 24);
    assert_eq!(buffer[(column + 1, row)].symbol(), "✖");
    let text = lines(&buffer).join("\n");
    assert!(
        text.contains("▸ printer-hall") && text.contains("printer-hall ✖ unreachable from 12:40:"),
        "{text}"
    );
    let nas = line_of(&buffer, "nas ");
    bench.clicked((4, nas));
    assert!(bench.app.ui.timeline.is_past(), "a name sets the row alone");
    assert!(bench.text(80, 24).contains("▸ nas"));
    let axis = line_of(&buffer, "▼");
    bench.clicked((bench.app.ui.hit_map.bands.right() - 1, axis));
    assert!(!bench.app.ui.timeline.is_past(), "the last column is now");
}

#[test]
fn the_worst_is_the_loudest_and_the_cursor_is_reversed_in_every_row() {
    let mut bench = incidents();
    bench.pressed(KeyCode::Home, 1, 80);
    let buffer = bench.screen(80, 24);
    let style = |buffer: &Buffer, symbol: &str| {
        let cell = buffer.content.iter().position(|cell| cell.symbol() == symbol);
        buffer.content[cell.unwrap_or_else(|| panic!("no {symbol}"))].style()
    };
    let bad = style(&buffer, "█");
    assert_eq!((bad.fg, bad.add_modifier), (Some(Color::Red), Modifier::BOLD));
    assert_eq!(style(&buffer, "▄").fg, Some(Color::Yellow));
    assert_eq!(style(&buffer, "░").fg, Some(Color::Magenta));
    let row = line_of(&buffer, "bob ");
    let calm = &buffer[(40, row)];
    assert_eq!((calm.symbol(), calm.fg, calm.modifier), ("─", Color::Green, Modifier::empty()));
    let bands = bench.app.ui.hit_map.bands;
    assert!(
        !buffer[(bands.right() - 1, row)].modifier.contains(Modifier::REVERSED),
        "at now no cell is covered"
    );
    bench.pressed(KeyCode::Left, 20, 80);
    let buffer = bench.screen(80, 24);
    let x = bands.x + bench.app.ui.timeline.column().unwrap();
    assert_eq!(buffer[(x, bands.y)].symbol(), "▼");
    let rows = bench.app.ui.hit_map.rows;
    for y in (rows.top()..rows.bottom()).take(5) {
        let reversed = |x: u16| buffer[(x, y)].modifier.contains(Modifier::REVERSED);
        assert!(reversed(x), "row {y}");
        let others = (bands.left()..bands.right()).filter(|x| reversed(*x)).count();
        assert_eq!(others, 1, "row {y}: the selected row's band keeps its colours");
    }
    bench.app.appearance.theme = Theme::PLAIN;
    let buffer = bench.screen(80, 24);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(buffer[(x, rows.y)].modifier.contains(Modifier::REVERSED));
}

#[test]
fn in_ascii_every_state_has_its_own_sign() {
    let mut bench = incidents();
    bench.app.appearance.ascii = true;
    bench.pressed(KeyCode::Left, 3, 80);
    let text = pane(&mut bench, 80, 24).join("\n");
    assert!(text.replace("山田のPC", "").is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

#[test]
fn while_paused_the_hour_stands_still_and_can_be_read() {
    let mut bench = incidents();
    bench.screen(80, 24);
    bench.key(KeyCode::Char('p'));
    let before = pane(&mut bench, 80, 24);
    let bob = peer(3, "bob");
    bench.wait(10 * MINUTE).state(&bob, Silent, Unreachable).wait(MINUTE);
    assert_eq!(pane(&mut bench, 80, 24), before);
    bench.pressed(KeyCode::Left, 1, 80);
    assert!(
        pane(&mut bench, 80, 24)[0].contains("13:01:00–13:02:00, 1 min ago"),
        "{:?}",
        pane(&mut bench, 80, 24)
    );
    bench.key(KeyCode::Char('p'));
    assert!(pane(&mut bench, 80, 24)[0].contains("13:01:00–13:02:00, 12 min ago"));
}

#[test]
fn a_moment_before_a_peer_was_known_is_told_as_such() {
    let mut bench = incidents();
    bench.pressed(KeyCode::Home, 1, 80).pressed(KeyCode::Left, 59, 80);
    let text = pane(&mut bench, 80, 24).join("\n");
    assert!(
        text.contains("was not yet known") && text.contains("Nothing was recorded before then."),
        "{text}"
    );
}

#[test]
fn what_the_journal_has_dropped_is_told_as_no_longer_held() {
    let mut bench = incidents();
    let other = peer(9, "other");
    for _ in 0..MAX_ENTRIES {
        bench.fold(Event::PeerMoved {
            peer: Arc::clone(&other),
            from: other.addr,
            to: other.addr,
            path_only: false,
        });
    }
    bench.pressed(KeyCode::End, 1, 80).pressed(KeyCode::Up, 1, 80).pressed(KeyCode::Left, 21, 80);
    let text = pane(&mut bench, 80, 24).join("\n");
    assert!(text.contains("printer-hall ✖ unreachable; since when is no longer recorded"), "{text}");
    assert!(text.contains("What happened before 13:0"), "{text}");
}

#[test]
fn without_peers_and_without_a_match_it_says_what_to_do() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).pressed(KeyCode::Char('t'), 1, 80);
    assert!(bench.text(80, 24).contains("Start vigie on another machine"));
    let mut bench = incidents();
    bench.pressed(KeyCode::Char('t'), 1, 80).pressed(KeyCode::Char('/'), 1, 80).typed("zzz");
    bench.pressed(KeyCode::Enter, 1, 80).pressed(KeyCode::Char('t'), 1, 80);
    assert!(bench.text(80, 24).contains("No match. / to edit."));
}

#[test]
fn every_size_can_be_drawn_with_the_cursor_anywhere() {
    let mut bench = incidents();
    for width in (0..70).chain([79, 160, 241, 300, 500]) {
        for height in [0, 4, 5, 6, 7, 9, 12, 24, 70] {
            bench.screen(width, height);
            bench.key(if height % 2 == 0 { KeyCode::Left } else { KeyCode::Right });
            bench.screen(width, height);
        }
        bench.clicked((width / 2, 4));
    }
}

/// Ten hours with a fault of twenty seconds in each.
fn ten_hours() -> Bench {
    let mut bench = Bench::new();
    let bob = peer(11, "bob");
    bench.started(&[("eth0", 0)]).discovered(&bob).state(&bob, New, Up);
    for _ in 0..10 {
        bench.wait(60 * MINUTE).state(&bob, Up, Unreachable);
        bench.wait(20_000).state(&bob, Unreachable, Up);
    }
    bench.wait(62 * MINUTE).key(KeyCode::Char('t'));
    bench
}

/// How many cells of bob's band tell of a fault.
fn fails(text: &str) -> usize {
    text.lines().find(|line| line.contains("▸ bob")).unwrap().matches(['█', '✖']).count()
}

#[test]
fn plus_and_minus_show_less_and_more_of_the_past_down_to_a_minute_and_up_to_a_day() {
    let mut bench = ten_hours();
    let mut seen = Vec::new();
    for key in ["", "+", "+", "+", "+", "+", "+", "-", "-", "-", "-", "-", "-"] {
        key.chars().for_each(|key| _ = bench.key(KeyCode::Char(key)));
        let text = pane(&mut bench, 120, 30).join("\n");
        let cell = text
            .split_whitespace()
            .zip(text.split_whitespace().skip(1))
            .find(|(_, unit)| unit.ends_with("/cell"));
        let (number, unit) = cell.unwrap_or_else(|| panic!("{text}"));
        let title: Vec<_> =
            text.split_whitespace().skip_while(|word| *word != "Timeline").skip(1).take(2).collect();
        seen.push(format!("{}: {number} {unit}, {} faults", title.join(" "), fails(&text)));
    }
    insta::assert_snapshot!(seen.join("\n"));
}

#[test]
fn the_moment_that_is_looked_at_stays_in_view_at_every_zoom() {
    let mut bench = ten_hours();
    bench.pressed(KeyCode::Left, 14, 80).screen(80, 24);
    let (moment, _) = bench.app.ui.timeline.moment().unwrap();
    for key in ['+', '+', '+', '+', '+', '-', '-', '-', '-', '-'] {
        bench.pressed(KeyCode::Char(key), 1, 80).screen(80, 24);
        let (seen, _) = bench.app.ui.timeline.moment().unwrap();
        assert!(seen.contains(&moment.start), "{key}: {seen:?}");
        assert!(bench.app.ui.timeline.column().is_some_and(|column| column > 0));
    }
    bench.typed_for("zoom 1m").screen(80, 24);
    let text = pane(&mut bench, 80, 24).join("\n");
    assert!(
        text.contains("1 minute") && text.contains("15 min/cell"),
        "so old a moment is known to a quarter of an hour: {text}"
    );
}

#[test]
fn the_cursor_goes_beyond_what_is_shown_as_far_as_anything_is_known() {
    let mut bench = ten_hours();
    bench.typed_for("zoom 1h").pressed(KeyCode::Left, 65, 80).screen(80, 24);
    let (moment, ago) = bench.app.ui.timeline.moment().unwrap();
    assert_eq!(ago.as_secs() / 60, 65);
    assert!(bench.text(80, 24).contains("▼"));
    assert_eq!(fails(&bench.text(80, 24)), 1, "an hour and two minutes ago");
    bench.pressed(KeyCode::Right, 1, 80).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.moment().unwrap().0.start, moment.end);
    bench.pressed(KeyCode::Right, 65, 80).screen(80, 24);
    assert!(!bench.app.ui.timeline.is_past());
    bench.typed_for("zoom 24h").pressed(KeyCode::Left, 100, 80).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.column(), Some(0));
}

#[test]
fn a_fresh_start_shows_what_there_is_and_more_as_time_goes_on_until_the_person_chooses() {
    use TimelineSpan::{Day, FiveMinutes, Hour, Minute, QuarterHour, SixHours};
    let mut bench = Bench::new();
    let bob = peer(11, "bob");
    bench.started(&[("eth0", 0)]).discovered(&bob).state(&bob, New, Up).wait(40_000);
    bench.state(&bob, Up, Unreachable).wait(10_000);
    bench.key(KeyCode::Char('t'));
    insta::assert_snapshot!(pane(&mut bench, 80, 24).join("\n"));
    let mut span = |wait| {
        bench.wait(wait).screen(80, 24);
        bench.app.ui.timeline.span()
    };
    assert_eq!(
        [0, 11_000, 5 * MINUTE, 15 * MINUTE, 60 * MINUTE, 6 * 60 * MINUTE].map(&mut span),
        [Minute, FiveMinutes, QuarterHour, Hour, SixHours, Day]
    );
    bench.key(KeyCode::Char('+'));
    bench.wait(48 * 60 * MINUTE).screen(80, 24);
    assert_eq!(bench.app.ui.timeline.span(), SixHours);
    bench.typed_for("zoom auto").screen(80, 24);
    assert_eq!(bench.app.ui.timeline.span(), Day);
}

#[test]
fn a_time_is_typed_from_any_pane_and_others_are_refused() {
    let mut bench = incidents();
    bench.key(KeyCode::Char('t'));
    bench.typed_for("zoom 6h");
    assert_eq!(
        (bench.app.ui.view, bench.app.ui.timeline.span_at(bench.app.shown(), bench.now())),
        (View::Timeline, TimelineSpan::SixHours)
    );
    bench.typed_for("zoom 2h");
    assert!(bench.text(80, 24).contains("unknown time 2h"));
}
