//! Two peers side by side.

use super::*;
use crate::app::ui::View;

fn typed_action(bench: &mut Bench, words: &str) {
    bench.key(KeyCode::Char(':'));
    bench.typed(words);
    bench.key(KeyCode::Enter);
}

/// The marked one beside the selected one.
fn compared(marked: &str, selected: &str) -> Bench {
    let mut bench = busy();
    bench.select(marked);
    typed_action(&mut bench, "mark");
    bench.select(selected);
    bench.key(KeyCode::Char('c'));
    bench
}

#[test]
fn the_selected_peer_stands_beside_the_marked_one_and_what_differs_has_a_sign() {
    let mut bench = compared("bob", "host9");
    assert_eq!(bench.app.ui.view, View::Compare);
    insta::assert_snapshot!(bench.text(80, 24));
    bench.key(KeyCode::Esc);
    assert_eq!(bench.app.ui.view, View::Peers);
}

#[test]
fn what_differs_is_read_to_its_end_where_a_column_is_narrow() {
    let mut bench = compared("bob", "host9");
    for width in [60, 80, 100] {
        let screen = bench.text(width, 60);
        let above = screen.lines().take_while(|line| !line.contains("Last attempts"));
        let cut: Vec<_> =
            above.skip(2).filter(|line| line.contains("… ") && !line.contains(" id ")).collect();
        assert_eq!(cut, [""; 0], "{screen}");
    }
}

#[test]
fn what_is_alike_has_no_sign() {
    let mut bench = compared("bob", "bob");
    assert_eq!(bench.app.ui.view, View::Peers);
    assert!(bench.text(80, 24).contains("select a peer to compare the marked one with"));
    let twin = peer(18, "twin");
    bench.discovered(&twin).dials(&twin, 1).answers(&twin, 1, 850).state(
        &twin,
        PeerState::New,
        PeerState::Up,
    );
    bench.select("twin");
    bench.key(KeyCode::Char('c'));
    let screen = bench.text(80, 40);
    for line in screen.lines().filter(|line| line.contains(" state ") || line.contains("rtt p50")) {
        assert!(!line.contains('≠'), "{line}");
    }
}

#[test]
fn two_that_are_marked_are_compared_whatever_is_selected_and_more_are_refused() {
    let mut bench = busy();
    bench.key(KeyCode::Char('c'));
    assert!(bench.text(80, 24).contains(":mark marks a peer to compare the selected one with"));
    for name in ["bob", "host9"] {
        bench.select(name);
        typed_action(&mut bench, "mark");
    }
    bench.select("zed");
    bench.key(KeyCode::Char('c'));
    let screen = bench.text(80, 24);
    assert!(screen.contains("host9") && screen.contains("bob") && !screen.contains("zed"), "{screen}");
    bench.key(KeyCode::Esc);
    typed_action(&mut bench, "mark");
    bench.key(KeyCode::Char('c'));
    assert!(bench.text(80, 24).contains("3 peers are marked: one or two can be compared"));
}

#[test]
fn one_that_is_forgotten_meanwhile_is_said_to_be_gone_and_the_list_scrolls() {
    let mut bench = compared("bob", "host9");
    for _ in 0..30 {
        bench.dials(&peer(11, "bob"), 1).wait(2).answers(&peer(11, "bob"), 1, 900).wait(10);
    }
    bench.screen(80, 24);
    bench.key(KeyCode::End);
    let screen = bench.text(80, 24);
    assert!(!screen.contains("address") && screen.contains("answered"), "{screen}");
    bench.left(&peer(14, "host9"), LeaveReason::Forgotten);
    assert!(bench.text(80, 24).contains("One of the two is gone."));
}
