//! The pane as a whole: what it shows, and that nothing but a move changes its place.

use std::time::{Duration, Instant, SystemTime};

use log::{Level, LevelFilter};
use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;

use super::place::LogPosition;
use super::records::RecordId;
use super::*;
use crate::app::appearance::{Appearance, Theme};
use crate::app::tests::lines;
use crate::app::ui::Move;
use crate::app::view::Canvas;

fn render(pane: &mut LogPane, buf: &mut Buffer) {
    let (area, appearance) = (buf.area, Appearance::new(Theme::COLOURED));
    #[expect(clippy::disallowed_methods, reason = "the log tells no time but its own")]
    pane.render(&mut Canvas::new(buf, &appearance, Instant::now()), area);
}

fn draw(pane: &mut LogPane, width: u16, height: u16) -> Buffer {
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    render(pane, &mut buf);
    buf
}

fn text(pane: &mut LogPane, width: u16, height: u16) -> String {
    let buf = draw(pane, width, height);
    lines(&buf).join("\n")
}

/// The pane with its title above it, as it is read.
fn titled(pane: &mut LogPane, width: u16, height: u16) -> String {
    let drawn = text(pane, width, height);
    format!("{}\n{drawn}", pane.title())
}

/// The messages shown, without what stands before them.
fn shown(pane: &mut LogPane, height: u16) -> Vec<String> {
    let drawn = text(pane, 60, height);
    drawn.lines().map(|line| line.chars().skip(15).collect()).collect()
}

fn push(pane: &mut LogPane, level: Level, target: &str, message: &str) {
    let second = pane.records.iter().last().map_or(0, |(id, _)| id.0 + 1);
    let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(12) + Duration::from_secs(second);
    pane.push(wall, level, target, message);
}

fn numbered(count: usize) -> LogPane {
    let mut pane = LogPane::default();
    more(&mut pane, 0..count);
    pane
}

fn more(pane: &mut LogPane, numbers: std::ops::Range<usize>) {
    for i in numbers {
        push(pane, Level::Info, EVENTS, &format!("line {i}"));
    }
}

/// A bit of everything.
fn busy() -> LogPane {
    let mut pane = LogPane::default();
    pane.set_recorded(LevelFilter::Debug);
    for (level, target, message) in [
        (Level::Info, EVENTS, "this node is alice (10.0.0.5), port 17474"),
        (
            Level::Info,
            "vigie::net",
            "listening on 10.0.0.5:17474 and everywhere else where a datagram may come from",
        ),
        (Level::Debug, "vigie::net::dial", "connecting addr=10.0.0.9:17474 attempt=1 max=5"),
        (
            Level::Warn,
            EVENTS,
            "bob: dial 1/5 failed: refused: the host answers, but nothing listens on that port",
        ),
        (
            Level::Error,
            "mio::poll",
            "no more descriptors: REFUSED by the system, errno=24 (Too many open files)",
        ),
        (Level::Debug, "vigie", "root"),
        (Level::Info, EVENTS, "山田のPC was discovered: 山田のPCは今オンラインです、ここから到達できます"),
        (
            Level::Warn,
            EVENTS,
            "\u{1b}[31mred\u{1b}[0m \u{202e}and\u{202c} e\u{301}tude\ton\r\nmany\nlines\u{7}",
        ),
        (Level::Info, EVENTS, "bob is refused no more: up"),
    ] {
        push(&mut pane, level, target, message);
    }
    pane
}

#[test]
fn the_pane_at_several_sizes() {
    let sizes = [(80, 14), (40, 12), (24, 6), (8, 5), (2, 2), (1, 1)];
    let drawn =
        sizes.map(|(width, height)| format!("{width}×{height}\n{}", titled(&mut busy(), width, height)));
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn cut_at_the_pane_s_edge_each_record_is_one_row() {
    let mut pane = busy();
    pane.toggle_wrap();
    let drawn = [(80, 10), (40, 10), (24, 6)].map(|(width, height)| text(&mut pane, width, height));
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn the_title_and_the_rows_of_a_filtered_and_searched_log() {
    let mut pane = busy();
    let mut seen = vec![titled(&mut pane, 80, 4)];
    pane.set_level(Level::Warn);
    seen.push(titled(&mut pane, 80, 4));
    pane.cycle_target();
    seen.push(titled(&mut pane, 80, 4));
    pane.go(Move::First);
    pane.set_search("Refused");
    seen.push(titled(&mut pane, 80, 1));
    pane.set_level(Level::Trace);
    seen.push(titled(&mut pane, 80, 3));
    pane.set_search("nobody");
    seen.push(titled(&mut pane, 80, 1));
    pane.clear_search();
    pane.cycle_target();
    pane.set_level(Level::Warn);
    pane.cycle_target();
    seen.push(titled(&mut pane, 80, 2));
    insta::assert_snapshot!(seen.join("\n\n"));
}

#[test]
fn an_empty_log_takes_every_move_and_filter() {
    let mut pane = LogPane::default();
    for to in [
        Move::Up,
        Move::Down,
        Move::PageUp,
        Move::PageDown,
        Move::HalfPageUp,
        Move::HalfPageDown,
        Move::First,
        Move::Last,
    ] {
        pane.go(to);
    }
    pane.cycle_level();
    pane.cycle_target();
    pane.set_search("x");
    pane.next_match();
    pane.previous_match();
    assert!(pane.follows());
    assert_eq!(titled(&mut pane, 30, 1), "follows · warn+ · all · /x none\n");
}

#[test]
fn it_follows_the_newest_until_it_is_scrolled_and_again_from_the_last_row_on() {
    let mut pane = numbered(10);
    assert_eq!(shown(&mut pane, 3), ["line 7", "line 8", "line 9"]);
    more(&mut pane, 10..11);
    assert_eq!(shown(&mut pane, 3), ["line 8", "line 9", "line 10"]);
    pane.go(Move::Up);
    assert_eq!(shown(&mut pane, 3), ["line 7", "line 8", "line 9"]);
    more(&mut pane, 11..12);
    assert_eq!(shown(&mut pane, 3), ["line 7", "line 8", "line 9"]);
    assert_eq!(pane.title(), "scrolled, 2 newer · info · all");
    pane.go(Move::PageUp);
    assert_eq!(shown(&mut pane, 3), ["line 4", "line 5", "line 6"]);
    pane.go(Move::First);
    assert_eq!(shown(&mut pane, 3), ["line 0", "line 1", "line 2"]);
    pane.go(Move::Up);
    assert_eq!(shown(&mut pane, 3), ["line 0", "line 1", "line 2"]);
    pane.go(Move::PageDown);
    pane.go(Move::Down);
    assert_eq!(shown(&mut pane, 3), ["line 4", "line 5", "line 6"]);
    for _ in 0..4 {
        assert!(!pane.follows());
        pane.go(Move::Down);
    }
    pane.go(Move::Down);
    assert!(pane.follows(), "at the last row");
    pane.go(Move::First);
    pane.go(Move::Last);
    assert!(pane.follows());
}

#[test]
fn a_log_that_is_not_full_can_be_held_too() {
    let mut pane = numbered(2);
    assert_eq!(shown(&mut pane, 3), ["line 0", "line 1"]);
    pane.go(Move::Up);
    more(&mut pane, 2..9);
    assert_eq!(shown(&mut pane, 3), ["line 0", "line 1", "line 2"]);
}

#[test]
fn long_records_are_scrolled_row_by_row() {
    let mut pane = LogPane::default();
    push(&mut pane, Level::Info, EVENTS, &["word"; 40].join(" "));
    more(&mut pane, 1..2);
    let whole = shown(&mut pane, 10);
    assert!(whole.len() > 5, "{whole:?}");
    for _ in 0..4 {
        pane.go(Move::Up);
        assert_eq!(shown(&mut pane, 10), whole, "all of it fits");
    }
    pane.go(Move::First);
    shown(&mut pane, 2);
    for row in 0..whole.iter().position(|line| line == "line 1").unwrap() - 1 {
        assert_eq!(shown(&mut pane, 2), whole[row..row + 2]);
        pane.go(Move::Down);
    }
}

#[test]
fn the_place_outlives_resizes_wrapping_and_filters() {
    let mut pane = LogPane::default();
    for i in 0..50 {
        let level = if i % 10 == 0 { Level::Warn } else { Level::Info };
        push(&mut pane, level, EVENTS, &format!("{i} {}", ["word"; 30].join(" ")));
    }
    text(&mut pane, 60, 5);
    pane.go(Move::First);
    for _ in 0..90 {
        pane.go(Move::Down);
    }
    let before = text(&mut pane, 60, 5);
    for (width, height) in [(20, 5), (200, 3), (60, 50), (1, 1), (60, 0), (0, 9)] {
        text(&mut pane, width, height);
        assert_eq!(text(&mut pane, 60, 5), before, "after {width}×{height}");
    }
    pane.toggle_wrap();
    text(&mut pane, 60, 5);
    pane.toggle_wrap();
    assert_eq!(text(&mut pane, 60, 5), before, "after cutting and wrapping");
    pane.set_level(Level::Warn);
    let nearest = text(&mut pane, 60, 5);
    assert!(nearest.lines().next().is_some_and(|line| line.contains("WARN  20 ")), "{nearest}");
    pane.set_level(Level::Info);
    assert_eq!(text(&mut pane, 60, 5), before, "after the filter has gone");
}

#[test]
fn rows_that_fill_up_a_higher_pane_do_not_move_the_place_when_new_ones_come() {
    let mut pane = numbered(20);
    shown(&mut pane, 3);
    pane.go(Move::Up);
    assert_eq!(shown(&mut pane, 3)[0], "line 16");
    let high = shown(&mut pane, 10);
    assert_eq!((high[0].as_str(), high[9].as_str()), ("line 10", "line 19"));
    more(&mut pane, 20..25);
    assert_eq!(shown(&mut pane, 10), high);
    assert!(shown(&mut pane, 3).contains(&"line 16".to_owned()), "what was read is still seen");
}

#[test]
fn when_the_record_under_the_eye_is_dropped_the_oldest_is_shown() {
    let mut pane = numbered(MAX_RECORDS);
    shown(&mut pane, 2);
    pane.go(Move::First);
    pane.go(Move::PageDown);
    more(&mut pane, MAX_RECORDS..MAX_RECORDS + 2);
    assert_eq!(shown(&mut pane, 2), ["line 2", "line 3"], "not dropped yet");
    more(&mut pane, MAX_RECORDS + 2..MAX_RECORDS + 7);
    assert_eq!(shown(&mut pane, 2), ["line 7", "line 8"]);
    assert!(!pane.follows());
}

#[test]
fn a_search_goes_to_the_nearest_match_above_as_it_is_typed_and_back_when_it_is_given_up() {
    let mut pane = numbered(200);
    shown(&mut pane, 5);
    pane.set_search("LINE 1");
    assert_eq!(pane.title(), "scrolled · info · all · /LINE 1 111/111");
    assert_eq!(shown(&mut pane, 5)[4], "line 199", "it is seen where it is");
    pane.set_search("line 15");
    assert!(shown(&mut pane, 5).contains(&"line 159".to_owned()));
    assert!(pane.title().ends_with("/line 15 11/11"), "{}", pane.title());
    pane.set_search("line 15x");
    assert!(pane.follows(), "nothing found: back where it began");
    pane.set_search("line 15");
    pane.clear_search();
    assert!(pane.follows());
    pane.set_search("line 15");
    pane.set_search("");
    assert!(pane.follows() && pane.search().is_none());
}

#[test]
fn matches_are_visited_in_order_and_round() {
    let mut pane = numbered(30);
    shown(&mut pane, 5);
    pane.set_search("7");
    pane.keep_search();
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(pane.title().rsplit(' ').next().unwrap().to_owned());
        pane.previous_match();
        shown(&mut pane, 5);
    }
    assert_eq!(seen, ["3/3", "2/3", "1/3", "3/3"]);
    pane.next_match();
    pane.next_match();
    assert!(pane.title().ends_with("1/3"), "{}", pane.title());
    assert!(shown(&mut pane, 5).contains(&"line 7".to_owned()));
    more(&mut pane, 30..40);
    assert!(pane.title().ends_with("1/4"), "a new one is counted: {}", pane.title());
    pane.go(Move::PageDown);
    pane.go(Move::PageDown);
    pane.next_match();
    assert!(pane.title().ends_with("2/4"), "from what is shown on: {}", pane.title());
    pane.go(Move::Last);
    pane.previous_match();
    assert!(pane.title().ends_with("4/4"), "from what is shown back: {}", pane.title());
    pane.next_match();
    assert!(pane.title().ends_with("1/4"), "{}", pane.title());
    shown(&mut pane, 5);
    pane.clear_search();
    assert!(shown(&mut pane, 5).contains(&"line 7".to_owned()), "a search that was kept ends where it is");
}

#[test]
fn a_search_that_follows_a_kept_one_begins_where_that_one_ended() {
    let mut pane = numbered(100);
    shown(&mut pane, 5);
    pane.set_search("line 50");
    pane.keep_search();
    let there = shown(&mut pane, 5);
    pane.set_search("line 20");
    pane.clear_search();
    assert_eq!(shown(&mut pane, 5), there);
}

#[test]
fn matches_are_marked_by_more_than_a_colour_and_the_current_one_differs() {
    let mut pane = LogPane::default();
    push(&mut pane, Level::Info, "vigie::net", "Grün grün");
    push(&mut pane, Level::Info, EVENTS, "山GRÜN e\u{301}");
    pane.toggle_wrap();
    draw(&mut pane, 30, 2);
    pane.set_search("grün");
    let marked = |buf: &Buffer, modifier: Modifier| {
        let cells = buf.content.iter().filter(|cell| cell.modifier.contains(modifier));
        cells.map(ratatui::buffer::Cell::symbol).collect::<String>()
    };
    let buf = draw(&mut pane, 28, 2);
    assert_eq!(marked(&buf, Modifier::UNDERLINED), "Grüngr…", "half of the other match is behind the cut");
    assert_eq!(marked(&buf, Modifier::REVERSED), "GRÜN");
    pane.previous_match();
    assert_eq!(marked(&draw(&mut pane, 40, 2), Modifier::REVERSED), "Grüngrün");
    pane.set_search("e");
    assert_eq!(marked(&draw(&mut pane, 40, 2), Modifier::REVERSED), "e\u{301}", "never half a character");
}

#[test]
fn control_characters_never_reach_the_screen() {
    let mut pane = busy();
    let buf = draw(&mut pane, 80, 20);
    let bad = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(buf.content.iter().all(|cell| !cell.symbol().contains(bad)));
}

#[test]
fn a_frame_costs_what_is_visible_however_much_is_kept() {
    let cost = |records: usize| {
        let mut pane = LogPane::default();
        for _ in 0..records {
            push(&mut pane, Level::Info, "vigie::net", "a line like all the others");
        }
        pane.set_search("line");
        let mut buf = Buffer::empty(Rect::new(0, 0, 80, 24));
        let mut frame = || {
            render(&mut pane, &mut buf);
            assert!(!pane.title().is_empty());
        };
        frame();
        allocation_counter::measure(frame).count_total
    };
    let (few, many) = (cost(100), cost(MAX_RECORDS));
    assert!(few > 0 && many.abs_diff(few) < 5, "{few} allocations, then {many}");
}

/// One step of a random session: what, and how much.
fn step(pane: &mut LogPane, what: u8, number: u16) {
    let level = [Level::Error, Level::Warn, Level::Info, Level::Debug, Level::Trace][usize::from(number) % 5];
    let target = [EVENTS, "vigie", "vigie::net", "hyper"][usize::from(number / 5) % 4];
    let moves = [Move::Up, Move::Down, Move::PageUp, Move::PageDown, Move::First, Move::Last];
    match what % 12 {
        0..=3 => push(pane, level, target, &"a 山 bb e\u{301} ".repeat(usize::from(number % 40))),
        4 => push(pane, level, target, &"x".repeat(usize::from(number % 600))),
        5 => pane.cycle_level(),
        6 => pane.cycle_target(),
        7 => pane.set_search(["", "a", "BB", "山", "xx", "nothing"][usize::from(number) % 6]),
        8 => pane.next_match(),
        9 => pane.previous_match(),
        10 => pane.toggle_wrap(),
        _ => pane.go(moves[usize::from(number) % 6]),
    }
}

impl LogPane {
    /// The row that the place is bound to, if it is where it can be seen.
    fn anchor_in_sight(&self) -> Option<(RecordId, usize)> {
        let LogPosition::Stands(anchor) = self.place else { return None };
        let (top, at) = (self.top()?, self.sheet().find(anchor.record, anchor.offset)?);
        self.sheet().below(top, at, self.page).map(|_| (anchor.record, anchor.offset))
    }
}

proptest! {
    // Each step draws several frames.
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_counts_are_true_and_only_a_move_changes_the_place(
        steps in prop::collection::vec((any::<u8>(), any::<u16>()), 0..60),
        width in 1_u16..90,
        height in 1_u16..20,
    ) {
        let mut pane = LogPane::default();
        for (what, number) in steps {
            let before = text(&mut pane, width, height);
            let stands = !pane.follows() && !pane.shown.is_empty();
            step(&mut pane, what, number);
            // The records of this test never fill the ring; new ones may fill the room below.
            let after = text(&mut pane, width, height);
            if stands && what % 12 <= 4 {
                prop_assert!(after.starts_with(before.trim_end()), "{before}\n\n{after}");
            }
            let place = pane.anchor_in_sight();
            text(&mut pane, number % 100, number % 30);
            text(&mut pane, width, height);
            prop_assert_eq!(pane.anchor_in_sight(), place, "after a resize");
            prop_assert!(pane.follows() || pane.shown.is_empty() || place.is_some());
            let passing = pane.records.iter().filter(|(_, record)| pane.filter.passes(record));
            let passing: Vec<_> = passing.collect();
            prop_assert!(passing.iter().map(|(id, _)| id).eq(pane.sheet().shown));
            if let Some(search) = &pane.search {
                let found = passing.iter().filter(|(_, record)| !search.found(&record.text).is_empty());
                prop_assert_eq!(search.counts().1, found.count());
            }
        }
    }
}
