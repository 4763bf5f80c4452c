//! What clicks and the wheel do.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::app::model::{Column, Sort};
use crate::app::ui::{Pane, View};

fn mouse(bench: &mut Bench, kind: MouseEventKind, column: u16, row: u16) {
    bench.app.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
}

fn click(bench: &mut Bench, column: u16, row: u16) {
    mouse(bench, MouseEventKind::Down(MouseButton::Left), column, row);
}

/// Where a text stands on the screen.
fn find(bench: &mut Bench, text: &str) -> (u16, u16) {
    for (y, line) in (0..).zip(lines(&bench.screen(80, 24))) {
        if let Some(at) = line.find(text) {
            return (u16::try_from(line[..at].chars().count()).unwrap(), y);
        }
    }
    panic!("no {text} on the screen");
}

#[test]
fn a_click_selects_the_row_and_the_pane_under_it() {
    let mut bench = busy();
    let (x, y) = find(&mut bench, "host10  ");
    bench.key(KeyCode::Tab);
    click(&mut bench, x, y);
    assert_eq!(bench.app.ui.focus, Pane::Main);
    let selected = bench.app.ui.peers.selected().unwrap();
    assert_eq!(bench.app.shown().peer(selected).unwrap().info.name, "host10");
    let (x, y) = find(&mut bench, "── Log");
    click(&mut bench, x + 4, y);
    assert_eq!(bench.app.ui.focus, Pane::Log);
}

#[test]
fn a_click_on_a_heading_sorts_by_it_and_a_second_one_from_the_other_end() {
    let mut bench = busy();
    let (x, y) = find(&mut bench, "rtt");
    click(&mut bench, x, y);
    assert_eq!(bench.app.shown().sort(), Sort { by: Column::RoundTrip, reversed: false });
    assert!(bench.text(80, 24).contains("rtt▼"));
    click(&mut bench, x, y);
    assert_eq!(bench.app.shown().sort(), Sort { by: Column::RoundTrip, reversed: true });
    assert!(bench.text(80, 24).contains("rtt▲"));
}

#[test]
fn the_wheel_scrolls_the_pane_under_the_pointer_whatever_has_the_focus() {
    let mut bench = busy();
    for i in 0..50 {
        bench.dials(&peer(100 + i, &format!("x{i}")), 1);
    }
    let (x, y) = find(&mut bench, "── Attempts");
    mouse(&mut bench, MouseEventKind::ScrollDown, x, y + 2);
    assert!(!bench.app.ui.attempts.follows());
    assert_eq!(bench.app.ui.focus, Pane::Main);
    mouse(&mut bench, MouseEventKind::ScrollUp, x, y + 2);
    assert!(bench.app.ui.attempts.follows());
    let before = bench.app.ui.peers.selected();
    mouse(&mut bench, MouseEventKind::ScrollDown, 3, 5);
    assert_ne!(bench.app.ui.peers.selected(), before);
}

#[test]
fn where_panes_share_a_place_a_click_on_a_name_shows_that_pane() {
    let mut bench = busy();
    bench.screen(60, 10);
    let tabs = bench.app.ui.hit_map.tabs.clone();
    let (place, pane) = tabs[2];
    assert_eq!(pane, Pane::Log);
    click(&mut bench, place.x, place.y);
    assert_eq!(bench.app.ui.focus, Pane::Log);
}

#[test]
fn a_click_outside_of_everything_or_before_the_first_frame_does_nothing() {
    let mut bench = busy();
    click(&mut bench, 5, 5);
    bench.screen(80, 24);
    for (x, y) in [(0, 0), (79, 23), (500, 500), (79, 11)] {
        click(&mut bench, x, y);
        bench.screen(80, 24);
    }
}

#[test]
fn two_clicks_in_short_order_show_all_about_a_peer_or_a_finding_and_two_slow_ones_do_not() {
    let twice = |bench: &mut Bench, (column, row): (u16, u16), apart: u64| {
        for wait in [0, apart] {
            bench.wait(wait).screen(80, 24);
            let kind = MouseEventKind::Down(MouseButton::Left);
            let (event, now) = (MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }, bench.now());
            bench.app.mouse(event);
            bench.app.click_again(event, now);
        }
    };
    let mut bench = busy();
    let place = find(&mut bench, "host10  ");
    twice(&mut bench, place, 900);
    assert_eq!(bench.app.ui.view, View::Peers);
    bench.wait(2_000);
    let place = find(&mut bench, "host10  ");
    twice(&mut bench, place, 200);
    assert_eq!(bench.app.ui.view, View::Details);
    assert!(bench.text(80, 24).contains("host10"));
    let mut bench = super::findings::shown();
    let place = find(&mut bench, "over: h5");
    twice(&mut bench, place, 100);
    assert!(bench.app.ui.findings.is_open());
    let heading = find(&mut bench, "Findings");
    twice(&mut bench, heading, 100);
    assert!(bench.app.ui.view == View::Findings, "a title has nothing to show");
}

/// Takes what is at a place, and drags it to another one.
fn drag(bench: &mut Bench, from: (u16, u16), to: (u16, u16), (width, height): (u16, u16)) {
    mouse(bench, MouseEventKind::Down(MouseButton::Left), from.0, from.1);
    bench.screen(width, height);
    mouse(bench, MouseEventKind::Drag(MouseButton::Left), to.0, to.1);
    bench.screen(width, height);
    mouse(bench, MouseEventKind::Up(MouseButton::Left), to.0, to.1);
    // What is moved now is held by nobody.
    mouse(bench, MouseEventKind::Drag(MouseButton::Left), 0, 0);
    bench.screen(width, height);
}

fn pane(bench: &Bench, pane: Pane) -> ratatui::layout::Rect {
    bench.app.ui.hit_map.panes[pane as usize].unwrap()
}

#[test]
fn the_titles_of_lower_panes_are_dragged_up_and_down_as_far_as_the_others_keep_their_least() {
    let mut bench = busy();
    bench.screen(80, 40);
    let [attempts, log] = [Pane::Attempts, Pane::Log].map(|lower| pane(&bench, lower).y);
    drag(&mut bench, (30, log), (30, log - 2), (80, 40));
    assert_eq!((pane(&bench, Pane::Attempts).y, pane(&bench, Pane::Log).y), (attempts, log - 2));
    drag(&mut bench, (30, attempts), (30, attempts + 3), (80, 40));
    assert_eq!(pane(&bench, Pane::Attempts).y, attempts + 3);
    let at = pane(&bench, Pane::Attempts).y;
    drag(&mut bench, (30, at), (30, 0), (80, 40));
    assert_eq!(pane(&bench, Pane::Main).height, 4, "the table keeps its least");
    let at = pane(&bench, Pane::Log).y;
    drag(&mut bench, (30, at), (30, 39), (80, 40));
    assert_eq!(pane(&bench, Pane::Log).height, 4);
}

#[test]
fn the_column_between_attempts_and_log_is_dragged_aside() {
    let mut bench = busy();
    bench.screen(200, 60);
    let attempts = pane(&bench, Pane::Attempts);
    drag(&mut bench, (attempts.right(), attempts.y + 2), (attempts.right() + 20, attempts.y + 2), (200, 60));
    assert_eq!(pane(&bench, Pane::Attempts).width, attempts.width + 20);
    assert_eq!(pane(&bench, Pane::Log).right(), 200);
    let lines = pane(&bench, Pane::Main).height;
    drag(&mut bench, (150, attempts.y), (150, attempts.y - 5), (200, 60));
    assert_eq!(pane(&bench, Pane::Main).height, lines - 5);
}

#[test]
fn a_column_is_dragged_to_another_width_without_being_sorted_by() {
    let mut bench = busy();
    bench.screen(120, 40);
    let sort = bench.app.shown().sort();
    let (heading, _) = bench.app.ui.hit_map.headings[0];
    drag(&mut bench, (heading.right(), heading.y), (heading.right() + 8, heading.y), (120, 40));
    let (wider, column) = bench.app.ui.hit_map.headings[0];
    assert_eq!((wider.width, column), (heading.width + 8, Column::Name));
    assert!(bench.app.ui.columns.to_string().starts_with(&format!("name={} ", wider.width)));
    drag(&mut bench, (wider.right(), wider.y), (0, wider.y), (120, 40));
    assert_eq!(bench.app.ui.hit_map.headings[0].0.width, 1);
    assert_eq!(bench.app.shown().sort(), sort);
}
