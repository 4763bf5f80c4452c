//! Peers that are grouped by subnet: headings, folding, and what goes on inside the groups.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::*;
use crate::app::model::GroupId;
use crate::app::ui::{Move, View};
use crate::engine::matrix::MatrixView;
use crate::engine::segments::Segment;

/// Peers in three subnets, one of which this node is in with a mask of its own.
fn segments() -> Bench {
    let mut bench = Bench::new();
    let own = Interface::new("eth0", Ipv4Addr::new(10, 1, 0, 5), 16).unwrap();
    bench.fold(Event::Started { node: node(), interfaces: [own].into() });
    for (number, name, ip, state) in [
        (1, "a1", [10, 1, 0, 1], PeerState::Up),
        (2, "a2", [10, 1, 7, 2], PeerState::Unreachable),
        (3, "b1", [10, 9, 0, 3], PeerState::Up),
        (4, "b2", [10, 9, 0, 4], PeerState::Silent),
        (5, "c1", [10, 9, 1, 5], PeerState::Up),
    ] {
        let peer = at(number, name, ip);
        bench.discovered(&peer).state(&peer, PeerState::New, state);
    }
    bench.wait(3_000);
    bench
}

fn at(number: u64, name: &str, ip: [u8; 4]) -> Arc<PeerInfo> {
    testkit::peer_at(number, name, (ip, 17_474))
}

/// The first words of the table's lines, as they are drawn; the selected one with its mark.
fn table(bench: &mut Bench) -> Vec<String> {
    let rows = bench.text(100, 30);
    let rows = rows.lines().skip_while(|line| !line.contains("address")).skip(1);
    let rows = rows.map(|line| {
        let words = line.split_whitespace();
        words.take(if line.starts_with('▸') { 3 } else { 2 }).collect::<Vec<_>>()
    });
    let rows = rows.take_while(|words| !words.is_empty());
    rows.map(|words| {
        let is_heading = words.iter().any(|word| matches!(*word, "+" | "-"));
        words[..words.len() - usize::from(!is_heading)].join(" ")
    })
    .collect()
}

fn heading(bench: &mut Bench, subnet: &str) -> String {
    let screen = bench.text(100, 30);
    let line = screen.lines().find(|line| line.contains(&format!(" {subnet} ")));
    line.unwrap_or_else(|| panic!("no {subnet}\n{screen}")).trim_start_matches('▸').trim().to_owned()
}

#[test]
fn peers_stand_below_the_heading_of_their_subnet_with_its_counts_by_state() {
    let mut bench = segments();
    bench.select("b1");
    bench.key(KeyCode::Char('o'));
    let expected = ["- 10.1.0.0/16", "a2", "a1", "- 10.9.0.0/24", "b2", "▸ b1", "- 10.9.1.0/24", "c1"];
    assert_eq!(table(&mut bench), expected, "the selected one stays selected");
    assert_eq!(heading(&mut bench, "10.1.0.0/16"), "- 10.1.0.0/16  2 peers  ✖ 1 unreachable  ● 1 up");
    assert_eq!(heading(&mut bench, "10.9.1.0/24"), "- 10.9.1.0/24  1 peer  ● 1 up");
    assert!(bench.text(100, 30).contains("5 · 3 groups"));
    let c1 = at(5, "c1", [10, 9, 1, 5]);
    bench.state(&c1, PeerState::Up, PeerState::Retrying);
    assert_eq!(heading(&mut bench, "10.9.1.0/24"), "- 10.9.1.0/24  1 peer  ◐ 1 retrying");
    bench.left(&c1, LeaveReason::Forgotten);
    assert!(!bench.text(100, 30).contains("10.9.1.0/24"), "nobody is in it");
    bench.key(KeyCode::Char('o'));
    assert!(!bench.text(100, 30).contains("10.9.0.0/24"));
}

#[test]
fn members_that_this_node_does_not_dial_are_counted_in_all_and_beside_the_peers_of_their_network() {
    let mut bench = segments();
    assert!(!bench.text(100, 30).contains("more member"));
    let view = MatrixView {
        segments: [("10.1.0.0/16", 2, 2), ("10.9.0.0/16", 241, 3)]
            .map(|(network, known, dialed)| Segment { network: network.parse().unwrap(), known, dialed })
            .to_vec(),
        ..testkit::matrix(bench.now(), &[], |_| None)
    };
    bench.fold(Event::Matrix(Arc::new(view)));
    assert!(bench.text(100, 30).contains(" Peers 5 · 238 more members known "), "{}", bench.text(100, 30));
    bench.key(KeyCode::Char('o'));
    let far = "- 10.9.0.0/16  3 peers, 238 more members  ○ 1 silent  ● 2 up";
    assert_eq!(heading(&mut bench, "10.9.0.0/16"), far, "the network is that of which the members tell");
    assert!(heading(&mut bench, "10.1.0.0/16").starts_with("- 10.1.0.0/16  2 peers  "));
}

#[test]
fn a_group_is_folded_by_its_heading_by_any_of_its_peers_and_all_at_once() {
    let mut bench = segments();
    bench.select("b1");
    bench.key(KeyCode::Char('o'));
    bench.key(KeyCode::Left);
    let folded = ["- 10.1.0.0/16", "a2", "a1", "▸ + 10.9.0.0/24", "- 10.9.1.0/24", "c1"];
    assert_eq!(table(&mut bench), folded);
    assert_eq!(bench.key(KeyCode::Char('d')), None);
    assert!(bench.text(100, 30).contains("a group is selected, no peer"));
    bench.key(KeyCode::Char('l'));
    assert_eq!(table(&mut bench).len(), 8);
    bench.key(KeyCode::Enter);
    assert_eq!((table(&mut bench), bench.app.ui.view), (folded.map(str::to_owned).to_vec(), View::Peers));
    bench.key(KeyCode::Up);
    assert!(table(&mut bench).contains(&"▸ a1".to_owned()));
    bench.key(KeyCode::Char(':'));
    bench.typed("fold all");
    bench.key(KeyCode::Enter);
    assert_eq!(table(&mut bench), ["▸ + 10.1.0.0/16", "+ 10.9.0.0/24", "+ 10.9.1.0/24"]);
    bench.key(KeyCode::Char(':'));
    bench.typed("fold all");
    bench.key(KeyCode::Enter);
    assert_eq!(table(&mut bench).len(), 8);
}

#[test]
fn without_groups_nothing_is_folded_and_the_key_that_groups_is_named() {
    let mut bench = segments();
    bench.key(KeyCode::Left);
    assert!(bench.text(100, 30).contains("peers are not grouped: o groups them by subnet"));
}

#[test]
fn filter_sort_pins_and_those_without_an_address_are_as_ever_inside_the_groups() {
    let mut bench = segments();
    bench.discovered(&at(6, "later", [0, 0, 0, 0]));
    bench.key(KeyCode::Char('o'));
    bench.key(KeyCode::Char('1'));
    bench.key(KeyCode::Char('1'));
    let names: Vec<_> = bench.app.shown().rows(0..usize::MAX).map(|peer| peer.info.name.clone()).collect();
    assert_eq!(names, ["a2", "a1", "b2", "b1", "c1", "later"]);
    assert_eq!(heading(&mut bench, "no address"), "- no address  1 peer  · 1 new");
    bench.key(KeyCode::End);
    bench.key(KeyCode::Up);
    bench.key(KeyCode::Up);
    bench.key(KeyCode::Char(':'));
    bench.typed("pin");
    bench.key(KeyCode::Enter);
    assert_eq!(heading(&mut bench, "pinned"), "- pinned  1 peer  ● 1 up");
    assert!(!bench.text(100, 30).contains("10.9.1.0/24"));
    bench.key(KeyCode::Char('/'));
    bench.typed("!up");
    bench.key(KeyCode::Enter);
    assert_eq!(heading(&mut bench, "10.9.0.0/24"), "- 10.9.0.0/24  1 peer  ○ 1 silent");
    assert!(bench.text(100, 30).contains("3 of 6 · /!up · 3 groups"), "{}", bench.text(100, 30));
}

#[test]
fn details_and_timeline_go_from_peer_to_peer_whatever_is_folded() {
    let mut bench = segments();
    bench.select("a1");
    bench.key(KeyCode::Char('o'));
    bench.screen(100, 30);
    bench.key(KeyCode::Enter);
    assert!(bench.text(100, 30).contains("a1 · 2 of 5"));
    bench.key(KeyCode::Char(']'));
    assert!(bench.text(100, 30).contains("b2 · 3 of 5"), "over the heading");
    bench.key(KeyCode::Esc);
    assert!(table(&mut bench).contains(&"▸ b2".to_owned()));
    bench.key(KeyCode::Left);
    bench.key(KeyCode::Char('t'));
    assert!(bench.text(100, 30).contains("▸ b2"));
    bench.key(KeyCode::Char('t'));
    assert!(table(&mut bench).contains(&"▸ + 10.9.0.0/24".to_owned()));
}

#[test]
fn a_click_on_a_heading_folds_it_and_pages_count_headings() {
    let mut bench = segments();
    bench.key(KeyCode::Char('o'));
    let screen = bench.screen(100, 30);
    let y = lines(&screen).iter().position(|line| line.contains("10.9.0.0/24")).unwrap();
    let row = u16::try_from(y).unwrap();
    let kind = MouseEventKind::Down(MouseButton::Left);
    bench.app.mouse(MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE });
    assert!(table(&mut bench).contains(&"▸ + 10.9.0.0/24".to_owned()));
    bench.key(KeyCode::End);
    assert_eq!(table(&mut bench).last().unwrap(), "▸ c1");
    bench.key(KeyCode::Home);
    assert_eq!(table(&mut bench)[0], "▸ - 10.1.0.0/16");
}

#[test]
fn a_new_interface_changes_the_groups_and_a_frozen_display_is_grouped_alike() {
    let mut bench = segments();
    bench.key(KeyCode::Char('o'));
    let wide = Interface::new("eth1", Ipv4Addr::new(10, 9, 0, 9), 23).unwrap();
    bench.fold(Event::InterfaceUp { interface: Arc::new(wide) });
    assert_eq!(heading(&mut bench, "10.9.0.0/23"), "- 10.9.0.0/23  3 peers  ○ 1 silent  ● 2 up");
    bench.key(KeyCode::Char('p'));
    bench.key(KeyCode::Char('o'));
    assert!(bench.app.models.live().lines().groups().is_none());
    bench.key(KeyCode::Char('o'));
    bench.key(KeyCode::Char('p'));
    assert!(bench.text(100, 30).contains("2 groups"));
    assert!(bench.app.shown().lines().group(GroupId::NoAddress).is_none());
    bench.app.ui.peers.go(Move::Last, bench.app.models.shown());
}

#[test]
fn of_ten_thousand_grouped_peers_a_frame_looks_at_no_more_rows_than_of_a_hundred() {
    let drawn = |peers: u64| {
        let mut bench = Bench::of_a_crowd(peers);
        bench.key(KeyCode::Char('o'));
        bench.end_and_rows_seen()
    };
    let ((_, of_a_hundred), (text, of_ten_thousand)) = (drawn(100), drawn(10_000));
    assert!(text.contains("10000 · 40 groups") && text.contains("–10040"), "{text}");
    assert!(of_a_hundred > 0, "they are counted");
    assert_eq!(of_ten_thousand, of_a_hundred);
}
