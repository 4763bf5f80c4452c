//! The view of what is and what was wrong.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};

use super::diagnosis::{diagnosed, withdrawn};
use super::*;
use crate::app::ui::View;

/// The findings of the network of eight, of which one is over.
pub(super) fn shown() -> Bench {
    let (mut bench, network) = diagnosed();
    network.findings().iter().for_each(|finding| _ = bench.fold(Event::Diagnosis(Arc::clone(finding))));
    bench.wait(61_000).fold(withdrawn(&network.findings()[1]));
    bench.wait(5_000).key(KeyCode::Char('!'));
    bench
}

/// The line on which the selected one stands.
fn selected(bench: &mut Bench) -> String {
    let text = bench.text(120, 40);
    text.lines().find(|line| line.starts_with('▸')).expect("one is selected").to_owned()
}

#[test]
fn what_is_wrong_and_what_was_is_listed_with_the_evidence_of_one() {
    let mut bench = shown();
    let sizes = [(80, 24), (100, 30), (120, 40), (200, 60)];
    let screens = sizes.map(|(width, height)| bench.text(width, height));
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn enter_shows_the_evidence_alone_and_escape_goes_back_step_by_step() {
    let mut bench = shown();
    bench.text(80, 24);
    bench.key(KeyCode::Enter);
    insta::assert_snapshot!(bench.text(80, 24));
    bench.key(KeyCode::Esc);
    assert!(bench.app.ui.view == View::Findings && bench.text(80, 24).contains("what is wrong"));
    bench.key(KeyCode::Esc);
    assert_eq!(bench.app.ui.view, View::Peers);
}

#[test]
fn the_fix_of_the_selected_one_is_copied_as_it_can_be_pasted() {
    let mut bench = shown();
    bench.text(80, 24);
    let fixes: Vec<_> = bench.app.shown().incidents().iter().map(|i| i.finding.advice.fix()).collect();
    bench.key(KeyCode::Down);
    let Some(Effect::Copy { text, said }) = bench.key(KeyCode::Char('y')) else {
        panic!("nothing is copied")
    };
    assert_eq!(text, fixes[1]);
    assert!(said.starts_with("fix for "), "{said}");
}

#[test]
fn a_muted_finding_is_told_of_in_the_list_alone_until_its_time_is_over() {
    let mut bench = shown();
    let headline = bench.app.shown().matrix().findings()[0].headline();
    let banner = |bench: &mut Bench| {
        let text = bench.text(200, 60);
        text.lines().any(|line| line.starts_with("! ") && line.contains(&headline))
    };
    bench.text(80, 24);
    bench.key(KeyCode::Char('u'));
    assert!(bench.text(80, 24).contains("muted for 15 m"), "{}", bench.text(80, 24));
    assert!(selected(&mut bench).contains("muted: "));
    bench.key(KeyCode::Esc);
    assert!(!banner(&mut bench));
    bench.wait(15 * 60_000);
    assert!(banner(&mut bench));
}

#[test]
fn a_click_on_the_banner_goes_to_that_finding() {
    let (mut bench, network) = diagnosed();
    let text = bench.text(120, 40);
    let second = network.findings()[1].subject();
    let is_it = |line: &str| line.starts_with(['!', '?']) && line.contains(&second);
    let row = u16::try_from(text.lines().position(is_it).expect("it is told")).unwrap();
    let kind = MouseEventKind::Down(MouseButton::Left);
    bench.app.mouse(MouseEvent { kind, column: 5, row, modifiers: KeyModifiers::NONE });
    assert_eq!(bench.app.ui.view, View::Findings);
    assert!(selected(&mut bench).contains(&second), "{}", bench.text(120, 40));
}

#[test]
fn whoever_comes_back_finds_the_gravest_selected_not_what_was_looked_at_before() {
    let mut bench = shown();
    let first = selected(&mut bench);
    bench.key(KeyCode::End);
    assert_ne!(selected(&mut bench), first);
    bench.key(KeyCode::Char('!'));
    bench.key(KeyCode::Char('!'));
    assert_eq!(selected(&mut bench), first);
}

#[test]
fn without_any_the_view_says_so() {
    let mut bench = busy();
    bench.key(KeyCode::Char('!'));
    assert!(bench.text(80, 24).contains("Nothing is wrong, as far as this node knows"));
}

/// The last line of a screen of this size.
fn footer(bench: &mut Bench, (width, height): (u16, u16)) -> String {
    bench.text(width, height).lines().last().unwrap_or_default().to_owned()
}

#[test]
fn the_last_line_offers_only_what_can_be_done_with_the_selected_one() {
    let mut bench = shown();
    let wide = (200, 60);
    assert!(footer(&mut bench, wide).starts_with("Enter only evidence  Esc back  y copy fix  u mute  "));
    bench.key(KeyCode::Enter);
    assert!(footer(&mut bench, wide).starts_with("Enter list  Esc back  y copy fix  u mute  "));
    bench.key(KeyCode::Esc);
    bench.key(KeyCode::End);
    let over = footer(&mut bench, wide);
    assert!(over.starts_with("Enter only evidence  Esc back  y copy fix  ?"), "it is over: {over}");
    assert!(footer(&mut bench, (80, 7)).starts_with("Enter evidence  "), "there is room for the list alone");
}
