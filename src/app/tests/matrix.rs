//! The matrix on the screen: patterns are seen, nothing that is folded is lied about, both ends are read.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::{Color, Modifier, Style};

use super::network::{FRESH, Network, eight, hundred_and_twenty, nine, segmented};
use super::*;
use crate::app::model::LOOKS;
use crate::app::model::{Mark, Tally};
use crate::app::ui::View;
use crate::app::ui::matrix::{Arrangement, BlockId};
use crate::engine::api::Command;

impl Bench {
    /// Presses keys one after the other, with a frame of this size before each.
    fn pressing(&mut self, keys: &[KeyCode], (width, height): (u16, u16)) -> &mut Self {
        for key in keys {
            self.screen(width, height);
            self.key(*key);
        }
        self
    }

    fn clicked_at(&mut self, column: u16, row: u16) {
        let kind = MouseEventKind::Down(MouseButton::Left);
        self.app.mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE });
    }

    /// The names of row and column under the cursor.
    fn pair(&mut self) -> (String, String) {
        self.screen(80, 24);
        let view = self.app.shown().matrix().latest().unwrap();
        let (row, column) = self.app.ui.matrix.pair().unwrap();
        (row.name(view).to_string(), column.name(view).to_string())
    }

    fn said(&mut self) -> String {
        self.app.ui.status.take().map(|status| status.text).unwrap_or_default()
    }
}

const USUAL: (u16, u16) = (80, 24);

/// The screen's line that has a text, and the column at which that begins.
fn find(buffer: &Buffer, text: &str) -> (u16, u16) {
    for (y, line) in (0..).zip(lines(buffer)) {
        if let Some(at) = line.find(text) {
            return (u16::try_from(crate::text::columns(&line[..at])).unwrap(), y);
        }
    }
    panic!("no {text} in\n{}", lines(buffer).join("\n"));
}

#[test]
fn a_usual_terminal_shows_the_whole_matrix_of_a_small_network() {
    insta::assert_snapshot!(Bench::of(eight).0.text(80, 24));
}

#[test]
fn a_larger_terminal_has_the_other_panes_beside_it() {
    insta::assert_snapshot!(Bench::of(eight).0.text(120, 40));
}

#[test]
fn a_wide_terminal_has_room_for_all_counts() {
    insta::assert_snapshot!(Bench::of(eight).0.text(200, 60));
}

#[test]
fn small_terminals_show_the_worst_and_count_the_rest() {
    let (mut bench, _) = Bench::of(eight);
    let sizes = [(20, 5), (34, 8), (40, 10), (60, 14)];
    insta::assert_snapshot!(sizes.map(|(width, height)| bench.text(width, height)).join("\n---\n"));
}

#[test]
fn round_trips_are_shown_on_demand() {
    let (mut bench, _) = Bench::of(eight);
    bench.key(KeyCode::Char('v'));
    insta::assert_snapshot!(bench.text(80, 24));
}

#[test]
fn of_many_nodes_the_worst_are_shown_and_the_others_are_folded_and_counted() {
    let (mut bench, _) = Bench::of(hundred_and_twenty);
    insta::assert_snapshot!(format!("{}\n\n{}", bench.text(80, 24), bench.text(120, 40)));
}

#[test]
fn many_nodes_are_folded_by_subnet() {
    let (mut bench, _) = Bench::of(hundred_and_twenty);
    bench.key(KeyCode::Char('o'));
    bench.pressing(&[KeyCode::Right; 3], (120, 40)).wait(5_000);
    insta::assert_snapshot!(bench.text(120, 40));
}

#[test]
fn where_the_hosts_of_several_networks_do_not_fit_the_matrix_folds_by_network_and_a_cell_opens_to_its_hosts()
{
    for (size, nth) in [((80, 24), 0), ((120, 40), 1), ((200, 60), 2)] {
        let (mut bench, _) = Bench::of(segmented);
        let folded = bench.text(size.0, size.1);
        bench.pressing(&[KeyCode::Down, KeyCode::Right, KeyCode::Enter], size);
        let opened = bench.text(size.0, size.1);
        insta::assert_snapshot!(format!("folded_and_opened_{nth}"), format!("{folded}\n\n{opened}"));
    }
}

#[test]
fn a_cell_of_two_networks_says_whether_some_or_all_of_its_pairs_fail_or_nobody_knows() {
    let (mut bench, _) = Bench::of(nine);
    bench.pressing(&[KeyCode::Char('o')], USUAL);
    let text = bench.text(80, 24);
    let row = |row: &str| {
        let line = text.lines().find(|line| line.contains(row)).unwrap();
        line.split_once(row).unwrap().1.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
    };
    let [a, b, c]: [Vec<&str>; 3] = ["1 10.0.1.0/24 ", "2 10.0.2.0/24 ", "3 10.0.3.0/24 "].map(row);
    assert_eq!(a[..3], ["•", "✖ 1 of 9", "•"], "{text}");
    assert_eq!(b[..3], ["•", "•", "✖ all 9"], "{text}");
    assert_eq!(c[..3], ["•", "•", "? 2 of 6"], "{text}");
    bench.pressing(&[KeyCode::Char('n'), KeyCode::Up], USUAL);
    let text = bench.text(80, 24);
    assert!(text.contains("10.0.3.0/24: 9 members known, 3 of them dialed from here"), "{text}");
    assert!(!text.contains("10.0.1.0/24: "), "all are dialed there: {text}");
}

#[test]
fn the_matrix_folds_by_itself_only_where_the_hosts_lie_in_several_networks_and_do_not_fit() {
    let arrangement = |bench: &mut Bench, (width, height)| {
        bench.screen(width, height);
        bench.app.ui.matrix.arrangement()
    };
    let (mut bench, mut network) = Bench::of(segmented);
    assert_eq!(arrangement(&mut bench, USUAL), Arrangement::Subnets);
    assert_eq!(arrangement(&mut bench, (400, 200)), Arrangement::Worst, "all hosts have room");
    assert_eq!(arrangement(&mut bench, USUAL), Arrangement::Subnets);
    bench.pressing(&[KeyCode::Char('o')], USUAL);
    assert_eq!((arrangement(&mut bench, USUAL), &*bench.said()), (Arrangement::Names, "nodes by name"));
    bench.pressing(&[KeyCode::Char('o')], USUAL);
    assert_eq!(arrangement(&mut bench, USUAL), Arrangement::Worst, "a person has the last word");
    let (mut one, _) = Bench::of(|now| {
        network = hundred_and_twenty(now);
        network.segments(&[("10.0.0.0/16", 119, 119), ("10.9.0.0/16", 3, 0)]).clone()
    });
    assert_eq!(arrangement(&mut one, USUAL), Arrangement::Worst, "no host of the matrix is in another one");
}

#[test]
fn in_opened_networks_the_cursor_goes_over_their_hosts_alone_and_they_fold_when_they_are_gone() {
    let (mut bench, network) = Bench::of(nine);
    bench.pressing(&[KeyCode::Char('o'), KeyCode::Enter], USUAL);
    assert_eq!(bench.pair(), ("a1".into(), "b2".into()), "the pair that fails");
    bench.pressing(&[KeyCode::End, KeyCode::Right, KeyCode::Right, KeyCode::Down], USUAL);
    assert_eq!(bench.pair(), ("a3".into(), "b3".into()));
    bench.pressing(&[KeyCode::Char('n')], USUAL);
    assert_eq!(bench.pair(), ("a1".into(), "b2".into()));
    bench.told(&network.without(3).without(3).without(3)).screen(80, 24);
    assert_eq!((bench.app.ui.matrix.opened(), bench.app.ui.matrix.blocks().len()), (None, 2));
}

/// The network of eight as it was, an hour ago and three minutes ago, and as it is.
fn changed() -> Bench {
    let (mut bench, mut network) = Bench::of(eight);
    bench.wait(57 * 60_000);
    let now = bench.now();
    network.mend(0, 1, now).mend(2, 1, now);
    bench.told(&network).wait(2 * 60_000);
    let mut later = network.without(3);
    later.tcp_fails(1, 2, Cause::Refused).said(2, 40_000);
    bench.told(&later).wait(61_000);
    bench.told(&later);
    bench
}

#[test]
fn what_changed_since_an_earlier_moment_is_marked_and_counted() {
    let mut bench = changed();
    bench.pressing(&[KeyCode::Char('c')], USUAL);
    let minute = bench.text(80, 24);
    bench.pressing(&[KeyCode::Char('c'); 3], USUAL);
    insta::assert_snapshot!(format!("{minute}\n\n{}", bench.text(80, 24)));
}

#[test]
fn the_comparison_goes_from_moment_to_moment_and_says_when_none_is_as_old() {
    let mut bench = changed();
    let since = |bench: &mut Bench| {
        bench.pressing(&[KeyCode::Char('c')], USUAL);
        let text = bench.text(80, 24);
        text.lines().find(|line| line.contains("since ")).map(|line| line.trim().to_owned())
    };
    let told: Vec<_> = (0..5).map(|_| since(&mut bench)).collect();
    let begins = |nth: usize, text: &str| {
        assert!(told[nth].as_ref().is_some_and(|told| told.starts_with(text)), "{told:?}");
    };
    begins(0, "since 13:01:02, 1 min ago: nothing has changed");
    begins(1, "since 12:02:00, 1 h ago: ");
    begins(2, "since 12:02:00, 1 h ago: ");
    begins(3, "since 12:02:00, 1 h ago: ");
    assert_eq!(told[4], None, "after the oldest comes none");
    let (mut young, _) = Bench::of(eight);
    young.pressing(&[KeyCode::Char('c')], USUAL);
    assert!(young.text(80, 24).contains("No earlier snapshot yet"));
    let network = eight(young.now());
    young.wait(61_000).told(&network).pressing(&[KeyCode::Char('c')], USUAL);
    assert!(young.text(80, 24).contains("1 min ago, the oldest snapshot: "), "{}", young.text(80, 24));
}

#[test]
fn a_node_that_came_is_new_in_the_comparison_and_is_neither_better_nor_worse() {
    let nodes = [("alice", 5), ("h2", 6), ("h3", 7)];
    let (mut bench, network) = Bench::of(|now| Network::new(&nodes, now));
    bench.told(&network.without(2)).wait(61_000).told(&network.without(2)).wait(30_000).told(&network);
    bench.pressing(&[KeyCode::Char('c')], USUAL);
    let text = bench.text(80, 24);
    // The view of two minutes ago had it, and it was away in between.
    assert!(text.contains("nothing has changed"), "{text}");
    bench.wait(31_000).told(&network);
    let text = bench.text(80, 24);
    assert!(text.contains("+ 4 new") && !text.contains("worse") && !text.contains("better"), "{text}");
    assert!(text.lines().any(|line| line.contains(" h3 ") && line.contains("•+")), "{text}");
}

#[test]
fn in_ascii_every_sign_of_it_is_told_apart() {
    let mut bench = changed();
    bench.app.appearance.ascii = true;
    bench.pressing(&[KeyCode::Char('c'); 4], USUAL);
    let text = bench.text(80, 24);
    assert!(text.is_ascii(), "{text}");
    insta::assert_snapshot!(text);
}

fn style_at(buffer: &Buffer, at: (u16, u16)) -> (&str, Style) {
    (buffer[at].symbol(), buffer[at].style())
}

#[test]
fn a_cell_has_the_colour_of_the_worse_of_udp_and_tcp_and_the_cursor_is_reversed() {
    let (mut bench, _) = Bench::of(eight);
    let buffer = bench.screen(80, 24);
    let places = bench.app.ui.hit_map.clone();
    let cell = |row: u16, column: u16| (places.cells.x + column * places.cell, places.matrix.y + row);
    let (sign, style) = style_at(&buffer, cell(2, 1));
    assert_eq!((sign, style.fg), ("✖", Some(Color::Red)));
    assert!(style.add_modifier.contains(Modifier::BOLD) && !style.add_modifier.contains(Modifier::REVERSED));
    let (sign, style) = style_at(&buffer, cell(0, 1));
    assert!(sign == "✖" && style.add_modifier.contains(Modifier::REVERSED), "the first that fails");
    let (sign, style) = style_at(&buffer, cell(4, 5));
    assert_eq!((sign, style.fg), ("✖", Some(Color::Red)), "UDP fails there, too");
    assert_eq!(style_at(&buffer, cell(1, 0)).1.fg, Some(Color::Green));
    for (row, column, expected) in [(6, 7, "○"), (7, 6, "?"), (3, 3, "\\")] {
        let (sign, style) = style_at(&buffer, cell(row, column));
        assert_eq!((sign, style.fg), (expected, Some(Color::Reset)));
        assert!(style.add_modifier.contains(Modifier::DIM), "what nobody knows is never shown as fine");
    }
    bench.app.appearance.theme = Theme::PLAIN;
    let buffer = bench.screen(80, 24);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
    assert!(style_at(&buffer, cell(0, 1)).1.add_modifier.contains(Modifier::REVERSED));
}

#[test]
fn the_cursor_is_on_nodes_and_reads_what_both_ends_say() {
    let (mut bench, mut network) = Bench::of(eight);
    assert_eq!(bench.pair(), ("alice".into(), "h2".into()));
    bench.pressing(&[KeyCode::Down, KeyCode::Char('j'), KeyCode::Char('l'), KeyCode::Char('h')], USUAL);
    assert_eq!(bench.pair(), ("h3".into(), "h2".into()));
    bench.pressing(&[KeyCode::End, KeyCode::Right], USUAL);
    assert_eq!(bench.pair(), ("h8".into(), "h3".into()));
    let text = bench.text(80, 24);
    assert!(text.contains("h8: no report") && text.contains("h3 reported 3 s ago"), "{text}");
    network = network.without(1);
    bench.told(&network);
    assert_eq!(bench.pair(), ("h8".into(), "h3".into()), "it stays on its nodes when others go");
    bench.pressing(&[KeyCode::Up], USUAL);
    let text = bench.pressing(&[KeyCode::Right; 8], USUAL).text(80, 24);
    assert!(text.contains("h7 → h8 ○ stale") && text.contains("h7 reported 1 min ago: stale"), "{text}");
}

#[test]
fn the_round_trip_of_before_is_not_read_as_how_long_a_dial_took_to_fail() {
    let (mut bench, _) = Bench::of(eight);
    assert_eq!(bench.pair(), ("alice".into(), "h2".into()));
    let text = bench.text(120, 40);
    assert!(text.contains("TCP ✖ timed out, echo"), "{text}");
}

#[test]
fn n_goes_from_one_failing_pair_to_the_next_and_from_the_last_to_the_first() {
    let (mut bench, _) = Bench::of(eight);
    let mut seen = vec![bench.pair()];
    for _ in 0..6 {
        bench.pressing(&[KeyCode::Char('n')], USUAL);
        seen.push(bench.pair());
    }
    let names: Vec<_> = seen.iter().map(|(from, to)| format!("{from}→{to}")).collect();
    assert_eq!(names, ["alice→h2", "h3→h2", "h4→h2", "h5→h2", "h5→h6", "h6→h2", "alice→h2"]);
    let (mut well, _) = Bench::of(|now| Network::new(&[("alice", 5), ("h2", 6)], now));
    well.pressing(&[KeyCode::Char('n')], USUAL);
    assert_eq!(well.said(), "no failing pairs here");
}

#[test]
fn d_dials_the_columns_node_from_our_own_row_alone() {
    let (mut bench, network) = Bench::of(eight);
    bench.screen(80, 24);
    let expected = Effect::Send { command: Command::DialNow(network.peer(1).key), said: "dialing h2".into() };
    assert_eq!(bench.key(KeyCode::Char('d')), Some(expected));
    bench.pressing(&[KeyCode::Down], USUAL);
    assert_eq!(bench.key(KeyCode::Char('d')), None);
    assert_eq!(bench.said(), "only pairs in this node's own row can be dialed from here");
    bench.pressing(&[KeyCode::Left], USUAL);
    assert_eq!(bench.key(KeyCode::Char('d')), None);
    assert_eq!(bench.said(), "alice is this node itself");
}

#[test]
fn enter_shows_the_details_of_the_column_and_of_two_subnets_their_nodes() {
    let (mut bench, network) = Bench::of(eight);
    bench.pressing(&[KeyCode::Enter], USUAL);
    assert_eq!(bench.app.ui.view, View::Details);
    assert_eq!(bench.app.ui.peers.selected(), Some(network.peer(1).key));
    bench.pressing(&[KeyCode::Char('m'), KeyCode::Char('o'), KeyCode::Right, KeyCode::Enter], USUAL);
    let text = bench.text(80, 24);
    assert!(text.contains("10.0.0.0/24 → 10.0.1.0/24"), "{text}");
    assert_eq!(bench.app.ui.matrix.seen(), (0..6, 6..8), "six hosts dial two: {text}");
    assert!(text.contains("+2 rows, +6 columns"), "the others are folded, not hidden: {text}");
    bench.pressing(&[KeyCode::Esc], USUAL);
    assert_eq!(bench.pair(), ("10.0.0.0/24".into(), "10.0.1.0/24".into()), "where it was opened");
    bench.pressing(&[KeyCode::Esc], USUAL);
    assert_eq!(bench.app.ui.view, View::Peers);
}

#[test]
fn a_node_that_only_others_know_has_no_details() {
    let (mut bench, network) = Bench::of(eight);
    bench.left(network.peer(1), LeaveReason::Forgotten).pressing(&[KeyCode::Enter], USUAL);
    assert_eq!((bench.app.ui.view, &*bench.said()), (View::Matrix, "only other nodes know h2"));
}

#[test]
fn the_filter_folds_the_nodes_that_it_does_not_let_through() {
    let (mut bench, _) = Bench::of(eight);
    bench.pressing(&[KeyCode::Char('/')], USUAL);
    bench.typed("h2");
    let text = bench.text(80, 24);
    assert!(text.contains("1 of 8"), "{text}");
    bench.key(KeyCode::Enter);
    let text = bench.text(80, 24);
    let rest = text.lines().find(|line| line.contains("+7 nodes")).unwrap();
    assert!(rest.contains("✖5"), "what fails among the folded is seen: {text}");
    bench.pressing(&[KeyCode::Char('/')], USUAL);
    bench.typed("zzz");
    bench.key(KeyCode::Enter);
    let text = bench.text(80, 24);
    assert!(
        text.contains("No match. / to edit, Esc to show all.")
            && text.contains("6 of their 56 pairs failing"),
        "{text}"
    );
}

#[test]
fn whatever_is_on_the_screen_all_pairs_are_counted() {
    for arrange in 0..3 {
        let (mut bench, _) = Bench::of(hundred_and_twenty);
        (0..arrange).for_each(|_| _ = bench.key(KeyCode::Char('o')));
        for (width, height) in [(80, 24), (70, 30), (120, 40), (200, 60), (400, 200)] {
            for key in [KeyCode::End, KeyCode::Right, KeyCode::PageUp, KeyCode::Right] {
                bench.pressing(&[key], (width, height)).screen(width, height);
                let text = bench.text(width, height);
                let cursor = &bench.app.ui.matrix;
                let matrix = bench.app.shown().matrix();
                let (rows, columns) = cursor.seen();
                let pairs = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
                let shown: Tally = pairs.map(|(row, column)| cursor.tally(matrix, row, column)).sum();
                let rest = matrix.marks().all() - shown;
                if rest.total() == 0 {
                    assert!(!text.contains("of their"), "{text}");
                    continue;
                }
                let line = text.lines().find(|line| line.contains("of their")).expect(&text);
                let figures: Vec<u32> = line
                    .replace(' ', "")
                    .split(|c: char| !c.is_ascii_digit())
                    .filter_map(|figure| figure.parse().ok())
                    .collect();
                let [.., failing, total, unknown] = figures[..] else { panic!("{line}") };
                assert_eq!(
                    (failing, total, unknown),
                    (rest.count(Mark::Failing), rest.total(), rest.unknown())
                );
            }
        }
    }
}

#[test]
fn a_block_with_one_failing_pair_is_one_that_fails() {
    let (mut bench, _) = Bench::of(hundred_and_twenty);
    bench.pressing(&[KeyCode::Char('o')], USUAL);
    let text = bench.text(80, 24);
    let first = text.lines().find(|line| line.contains("1 10.0.0.0/24")).unwrap();
    assert!(first.contains("✖1"), "{text}");
    assert_eq!(bench.app.ui.matrix.arrangement(), Arrangement::Subnets);
    let text = bench.text(80, 24);
    assert!(text.contains("576 pairs  ✖ 1 failing") && text.contains("✖ node003 → node077"), "{text}");
}

#[test]
fn what_was_not_confirmed_for_long_is_no_longer_shown_as_fine() {
    let (mut bench, _) = Bench::of(|now| Network::new(&[("alice", 5), ("h2", 6), ("h3", 7)], now));
    let counts = |bench: &Bench| {
        let all = bench.app.shown().matrix().marks().all();
        (all.count(Mark::Fine), all.count(Mark::Stale))
    };
    assert_eq!(counts(&bench), (6, 0));
    let second = Duration::from_secs(1);
    bench.wait(u64::try_from((FRESH + second).as_millis()).unwrap());
    assert_eq!(counts(&bench), (0, 6));
    assert!(
        !bench.text(80, 24).lines().any(|line| line.contains("h2") && line.contains('•')),
        "{}",
        bench.text(80, 24)
    );
}

#[test]
fn a_click_on_a_cell_a_name_and_a_head_moves_the_cursor() {
    let (mut bench, _) = Bench::of(eight);
    let buffer = bench.screen(80, 24);
    let (_, row) = find(&buffer, "5 h5 ");
    let (column, heads) = find(&buffer, "h6    h7");
    bench.clicked_at(column, row);
    assert_eq!(bench.pair(), ("h5".into(), "h6".into()));
    bench.clicked_at(column + 6, heads);
    assert_eq!(bench.pair(), ("h5".into(), "h7".into()), "a head sets the column alone");
    bench.clicked_at(5, row + 1);
    assert_eq!(bench.pair(), ("h6".into(), "h7".into()), "a name sets the row alone");
    bench.clicked_at(79, 23);
    assert_eq!(bench.pair(), ("h6".into(), "h7".into()));
    bench.app.mouse(MouseEvent {
        kind: MouseEventKind::ScrollUp,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    });
    assert_eq!(bench.pair(), ("h3".into(), "h7".into()));
}

#[test]
fn what_was_left_out_is_told() {
    let (mut bench, mut network) = Bench::of(eight);
    network.leave_out(1_234);
    assert!(bench.told(&network).text(120, 40).contains("1 234 omitted for lack of room"));
}

#[test]
fn before_the_node_has_told_anything_the_matrix_says_so() {
    let mut bench = busy();
    bench.key(KeyCode::Char('m'));
    assert!(bench.text(80, 24).contains("Asking the node who reaches whom."));
    for key in ['n', 'o', 'v', 'c', 'd'] {
        bench.key(KeyCode::Char(key));
        bench.screen(80, 24);
    }
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.ui.view, View::Matrix);
}

#[test]
fn while_paused_the_matrix_stands_still() {
    let (mut bench, mut network) = Bench::of(eight);
    bench.screen(80, 24);
    bench.key(KeyCode::Char('p'));
    let before = bench.text(80, 24);
    let now = bench.now();
    network.mend(0, 1, now).mend(2, 1, now);
    bench.wait(60_000);
    let view = network.view(bench.now());
    let stamped = bench.stamp(Event::Matrix(view));
    assert!(!bench.app.fold(&stamped), "nothing is drawn for it");
    assert_eq!(bench.text(80, 24), before);
    bench.key(KeyCode::Char('p'));
    assert_ne!(bench.text(80, 24), before);
}

#[test]
fn the_screen_is_drawn_anew_only_for_what_changes_it() {
    let (mut bench, mut network) = Bench::of(eight);
    let draws = |bench: &mut Bench, network: &Network, view: View| {
        bench.app.ui.view = view;
        let view = network.view(bench.wait(1_000).now());
        let told = bench.stamp(Event::Matrix(view));
        bench.app.fold(&told)
    };
    assert!(!draws(&mut bench, &network, View::Matrix), "it was confirmed, no more");
    network.tcp_fails(2, 3, Cause::Refused);
    assert!(!draws(&mut bench, &network, View::Peers), "no pair is on that screen");
    network.tcp_fails(3, 2, Cause::Refused);
    assert!(draws(&mut bench, &network, View::Matrix));
    let now = bench.now();
    network.finds(
        Verdict::PacketLoss,
        crate::engine::verdict::Pattern::Row,
        &[3],
        &[],
        crate::engine::verdict::Advice::CheckLink { of: crate::engine::verdict::evidence::Who::ThisNode },
        now,
    );
    assert!(draws(&mut bench, &network, View::Peers), "what is wrong is on every screen");
    assert!(!draws(&mut bench, &network, View::Peers));
}

#[test]
fn the_cursor_is_kept_when_the_view_is_left_and_the_own_row_comes_first() {
    let (mut bench, _) = Bench::of(eight);
    bench.pressing(&[KeyCode::Down, KeyCode::Char('m'), KeyCode::Char('m')], USUAL);
    assert_eq!(bench.pair(), ("h2".into(), "h2".into()));
    assert_eq!(bench.app.ui.matrix.blocks()[0].id, BlockId::Node(node().id));
    assert!(bench.text(80, 24).contains("to h2  ✖ 5 failing"), "{}", bench.text(80, 24));
}

/// How many pairs a frame looks at, when one like it was drawn before.
fn looks(bench: &mut Bench) -> usize {
    bench.screen(200, 60);
    LOOKS.set(0);
    bench.screen(200, 60);
    LOOKS.get()
}

#[test]
fn a_thousand_nodes_are_drawn_without_looking_at_every_pair() {
    let names: Vec<_> = (0..1_000).map(|nth: u16| format!("node{nth}")).collect();
    let names: Vec<_> = (5..).zip(&names).map(|(number, name)| (&**name, number)).collect();
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).wait(120_000);
    let mut network = Network::new(&names, bench.now());
    network.tcp_fails(7, 900, Cause::Refused);
    bench.told(&network);
    bench.key(KeyCode::Char('m'));
    for arrange in 0..3 {
        // All pairs are a million, those on the screen less than twelve thousand.
        let looks = looks(&mut bench);
        assert!(looks < 20_000, "{arrange}: {looks}");
        bench.key(KeyCode::Char('o'));
    }
    bench.wait(70_000).told(&network);
    bench.key(KeyCode::Char('c'));
    let looks = looks(&mut bench);
    assert!(looks < 40_000, "compared: {looks}");
}

#[test]
fn every_size_can_be_drawn_in_every_arrangement() {
    for network in [eight, hundred_and_twenty, nine, segmented] {
        let (mut bench, _) = Bench::of(network);
        for (nth, width) in (0..70).chain([79, 120, 160, 300, 500]).enumerate() {
            for height in [0, 4, 5, 6, 7, 8, 9, 12, 15, 24, 70, 140] {
                bench.screen(width, height);
            }
            bench.key(
                [KeyCode::Char('o'), KeyCode::Char('v'), KeyCode::Enter, KeyCode::End, KeyCode::Char('c')]
                    [nth % 5],
            );
            bench.clicked_at(width / 2, 7);
        }
    }
}
