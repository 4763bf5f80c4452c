//! All about one peer: on the screen, and copied.

use ratatui::style::{Color, Modifier};

use super::*;
use crate::app::appearance::signs;
use crate::app::ui::View;
use crate::engine::address::Endpoint;
use crate::engine::peers::{Elsewhere, HeardFrom, PathState};

use PeerState::{New, Retrying, Unreachable, Up};

/// Half past eight, by its own clock.
const BOOTED: Incarnation = Incarnation(8 * 3_600_000 + 30 * 60_000);

fn hall() -> Arc<PeerInfo> {
    let id = Some(NodeId(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef));
    Arc::new(PeerInfo { id, incarnation: Some(BOOTED), ..PeerInfo::clone(&peer(14, "printer-hall")) })
}

/// One dial of a peer and the time to the next one.
fn dialed(bench: &mut Bench, peer: &Arc<PeerInfo>, rtt_us: u64) {
    bench.dials(peer, 1).wait(2).answers(peer, 1, rtt_us).wait(9_998);
}

/// A peer that was up for ten minutes, then was given up, and is dialed again and again since.
fn unreachable() -> Bench {
    let mut bench = Bench::new();
    let (hall, bob) = (hall(), peer(11, "bob"));
    bench.started(&[("eth0", 0), ("wlan0", 1)]).discovered(&bob).discovered(&hall).wait(10);
    bench.dials(&bob, 1).wait(1).answers(&bob, 1, 700).state(&bob, New, Up);
    bench.dials(&hall, 1).wait(1).answers(&hall, 1, 900).state(&hall, New, Up);
    for i in 0..50_u64 {
        dialed(&mut bench, &hall, if i % 17 == 16 { 24_000 } else { 620 + i * 7_919 % 900 });
    }
    bench.dials(&hall, 1).wait(4_000).fails(&hall, 1, Some(2_000)).state(&hall, Up, Retrying).wait(2_000);
    bench.dials(&hall, 2).wait(2).answers(&hall, 2, 1_900).state(&hall, Retrying, Up).wait(8_000);
    bench.dials(&hall, 1).wait(1).fails(&hall, 1, Some(2_000)).state(&hall, Up, Retrying).wait(2_000);
    for attempt in 2..=4 {
        bench.dials(&hall, attempt).wait(1).fails(&hall, attempt, Some(2_000)).wait(2_000);
    }
    bench.dials(&hall, 5).wait(1).fails(&hall, 5, None).gives_up(&hall, Cause::Refused);
    bench.state(&hall, Retrying, Unreachable);
    for _ in 0..24 {
        bench.wait(30_000).dials(&hall, 1).wait(1).fails(&hall, 1, Some(2_000));
    }
    bench.wait(2_000).dials(&hall, 2).wait(1);
    bench.fold(elsewhere(&bench, &hall, &bob));
    bench.fails(&hall, 2, Some(3_000)).wait(600);
    bench.select("printer-hall");
    bench
}

/// What the engine tells of a peer that is heard from two addresses and claims a third.
fn elsewhere(bench: &Bench, hall: &Arc<PeerInfo>, bob: &Arc<PeerInfo>) -> Event {
    let heard = |ip: [u8; 4], seconds, interface: Option<&str>, proven| HeardFrom {
        addr: (ip, 17_474).into(),
        last: bench.now().checked_sub(Duration::from_secs(seconds)).unwrap(),
        last_heard_ms: seconds * 1_000,
        interface: interface.map(Into::into),
        proven,
        state: if proven { PathState::Up } else { PathState::Unknown },
        rtt_us: proven.then_some(840),
    };
    let heard = vec![
        heard([10, 0, 0, 14], 2, Some("eth0"), true),
        heard([10, 0, 1, 77], 190, Some("wlan0"), true),
        heard([192, 168, 7, 3], 3_000, None, false),
    ];
    let told = PeerSnapshot {
        cause: Some(Cause::Refused),
        dial: DialPhase::InFlight { attempt: 2, max: 5, since: bench.now() },
        loss: Some(0.8),
        last_heard_ms: Some(2_000),
        elsewhere: Some(Arc::new(Elsewhere { heard, claimed: Some([172, 17, 0, 2].into()) })),
        ..row(hall, Unreachable)
    };
    snapshot(vec![told, row(bob, Up)])
}

fn opened() -> Bench {
    let mut bench = unreachable();
    bench.screen(80, 24);
    bench.key(KeyCode::Enter);
    assert_eq!(bench.app.ui.view, View::Details);
    bench
}

#[test]
fn a_usual_terminal_says_first_why_and_since_when() {
    insta::assert_snapshot!(opened().text(80, 24));
}

#[test]
fn a_larger_terminal_has_two_columns() {
    insta::assert_snapshot!(opened().text(120, 40));
}

#[test]
fn a_wide_terminal_shows_everything() {
    let mut bench = opened();
    insta::assert_snapshot!(bench.text(200, 60));
    assert_eq!(bench.app.ui.details, 0);
    bench.key(KeyCode::End);
    bench.screen(200, 60);
    assert_eq!(bench.app.ui.details, 0, "there is nothing below");
}

#[test]
fn another_address_that_is_link_local_is_shown_with_its_zone() {
    let (mut bench, hall, bob) = (opened(), hall(), testkit::peer(2, "bob"));
    let Event::Snapshot(told) = elsewhere(&bench, &hall, &bob) else { unreachable!("it is a snapshot") };
    let mut told = Snapshot::clone(&told);
    let heard = |interface: &str| HeardFrom {
        addr: Endpoint::named("[fe80::14%2]:17474".parse().unwrap(), Some(interface)),
        last: bench.now(),
        last_heard_ms: 0,
        interface: Some(interface.into()),
        proven: true,
        state: PathState::Unknown,
        rtt_us: None,
    };
    let heard = vec![heard("eth0")];
    told.peers[0].elsewhere = Some(Arc::new(Elsewhere { heard, claimed: None }));
    bench.fold(Event::Snapshot(Arc::new(told)));
    let text = bench.text(200, 60);
    assert!(text.contains("fe80::14%eth0, "), "{text}");
}

#[test]
fn a_tiny_terminal_shows_what_matters_most() {
    let mut bench = opened();
    insta::assert_snapshot!([bench.text(60, 12), bench.text(34, 10), bench.text(20, 6)].join("\n---\n"));
}

#[test]
fn a_peer_that_is_up_and_one_that_was_only_named_have_their_details_too() {
    let mut bench = busy();
    let named = testkit::named_peer(20, "a.example");
    bench.fold(Event::PeerDiscovered { peer: named, via: Via::Static });
    bench.screen(80, 60);
    bench.typed("z");
    bench.key(KeyCode::Enter);
    let named = bench.text(80, 60);
    bench.key(KeyCode::Char(']'));
    insta::assert_snapshot!(format!("{named}\n\n{}", bench.text(80, 60)));
}

#[test]
fn of_one_that_shares_the_address_of_another_the_details_say_that_it_can_only_dial_in() {
    let hall = PeerInfo { addr: ([10, 0, 0, 14], 0).into(), ..PeerInfo::clone(&hall()) };
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).discovered(&Arc::new(hall)).wait(10);
    bench.select("printer-hall").key(KeyCode::Enter);
    assert!(
        bench
            .text(80, 24)
            .contains("dial     it can dial in and cannot be dialed: it has no port of its own there")
    );
}

fn style_of(buffer: &Buffer, text: &str) -> ratatui::style::Style {
    let (y, line) = (0_u16..).zip(lines(buffer)).find(|(_, line)| line.contains(text)).unwrap();
    let x = crate::text::columns(line.split(text).next().unwrap());
    buffer[(u16::try_from(x).unwrap(), y)].style()
}

#[test]
fn the_state_and_the_cause_have_their_colours_and_labels_are_dim() {
    let mut bench = opened();
    let buffer = bench.screen(200, 60);
    assert_eq!(style_of(&buffer, "✖ unreachable").fg, Some(Color::Red));
    assert_eq!(style_of(&buffer, "refused: the host").fg, Some(Color::Yellow));
    assert!(style_of(&buffer, "start vigie there").add_modifier.contains(Modifier::BOLD));
    assert!(style_of(&buffer, "reached ").add_modifier.contains(Modifier::DIM));
    assert_eq!(style_of(&buffer, "Round trips").fg, Some(Color::Cyan));
    assert_eq!(style_of(&buffer, "172.17.0.2").fg, Some(Color::Yellow), "what it claims is not what is seen");
    assert_eq!(style_of(&buffer, "▆██").fg, Some(Color::Green), "the histogram");
    bench.app.appearance.theme = Theme::PLAIN;
    let buffer = bench.screen(200, 60);
    assert!(buffer.content.iter().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
}

#[test]
fn scrolling_ends_at_the_last_line_and_comes_back_at_once() {
    let mut bench = opened();
    bench.key(KeyCode::End);
    assert!(bench.text(80, 24).contains("/5"), "the last attempts");
    let last = bench.app.ui.details;
    assert!(last > 20 && last < 100, "{last}");
    for _ in 0..9 {
        bench.key(KeyCode::Down);
        bench.screen(80, 24);
    }
    assert_eq!(bench.app.ui.details, last);
    bench.key(KeyCode::Up);
    bench.screen(80, 24);
    assert_eq!(bench.app.ui.details, last - 1);
    bench.screen(200, 60);
    assert_eq!(bench.app.ui.details, 0, "all of it fits now");
}

#[test]
fn the_next_peer_is_shown_from_its_beginning() {
    for (there, back) in [(']', '['), ('[', ']')] {
        let mut bench = opened();
        if there == '[' {
            bench.key(KeyCode::Char(']'));
        }
        bench.screen(80, 24);
        bench.key(KeyCode::End);
        bench.screen(80, 24);
        assert!(bench.app.ui.details > 0);
        bench.key(KeyCode::Char(there));
        assert_eq!(bench.app.ui.details, 0);
        let other = bench.text(80, 24);
        bench.key(KeyCode::Char(back));
        assert_ne!(other, bench.text(80, 24));
    }
}

#[test]
fn when_the_peer_is_gone_its_neighbour_is_shown() {
    let mut bench = opened();
    assert!(bench.text(80, 24).contains("Peer printer-hall · 1 of 2"));
    bench.left(&hall(), LeaveReason::Forgotten);
    assert!(bench.text(80, 24).contains("Peer bob · 1 of 1"));
    bench.left(&peer(11, "bob"), LeaveReason::Forgotten);
    assert!(bench.text(80, 24).contains("No peer is selected"));
}

#[test]
fn a_countdown_in_it_runs_until_it_is_over() {
    let mut bench = opened();
    // Where the pane below does not run as well.
    bench.key(KeyCode::Char('z'));
    assert!(bench.terminal(80, 24).1.next.is_some());
    bench.wait(60_000);
    let (terminal, drawn) = bench.terminal(80, 24);
    assert_eq!(drawn.next, None, "{}", lines(terminal.backend().buffer()).join("\n"));
}

#[test]
fn paused_it_stands_still() {
    let mut bench = opened();
    bench.key(KeyCode::Char('p'));
    let shown = |bench: &mut Bench| lines(&bench.screen(80, 40))[2..20].join("\n");
    let before = shown(&mut bench);
    bench.wait(60_000).left(&hall(), LeaveReason::Forgotten);
    assert_eq!(before, shown(&mut bench));
    assert_eq!(bench.terminal(80, 24).1.next, None);
}

#[test]
fn without_other_signs_it_has_only_ascii() {
    let mut bench = opened();
    bench.app.appearance.ascii = true;
    for (width, height) in [(200, 60), (80, 24), (30, 12)] {
        let text = bench.text(width, height);
        let other: String = text.chars().filter(|c| !c.is_ascii()).collect();
        assert_eq!(other, "");
    }
    let signs: Vec<_> = PeerState::ALL.into_iter().map(|state| signs::ascii(signs::glyph(state))).collect();
    assert!(signs.iter().all(Option::is_some));
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let mut bench = Bench::new();
    let with = |ms| PeerInfo { incarnation: Some(Incarnation(ms)), ..PeerInfo::clone(&peer(1, "host")) };
    let life = |bench: &mut Bench, ms| {
        bench.discovered(&Arc::new(with(ms)));
        bench.screen(200, 60);
        bench.app.ui.view = View::Details;
        let text = bench.text(200, 60);
        let line = text.lines().find(|line| line.starts_with("  life ")).map(str::to_owned);
        line.unwrap().split("  ").filter(|part| !part.is_empty()).nth(1).unwrap().trim().to_owned()
    };
    bench.started(&[("eth0", 0)]);
    assert_eq!(life(&mut bench, 11 * 3_600_000), "started 11:00:00 by its clock, up for 1 h");
    let ahead = "started 12:05:00 by its clock, which is at least 5 min ahead of ours";
    assert_eq!(life(&mut bench, 12 * 3_600_000 + 300_000), ahead);
    let never = "start time unreadable: its clock is wrong (18446744073709551615)";
    assert_eq!(life(&mut bench, u64::MAX), never);
}

#[test]
fn an_hour_of_dials_makes_the_details_no_slower() {
    /// The fastest of some frames of the details, after so many dials.
    fn frame_after(dials: u32) -> Duration {
        let mut bench = Bench::new();
        bench.started(&[("eth0", 0)]);
        let rows = (0..10_000).map(|i| row(&peer(i, &format!("host{i}")), Up)).collect();
        bench.fold(snapshot(rows));
        for _ in 0..dials {
            bench.dials(&peer(0, "host0"), 1).fails(&peer(0, "host0"), 1, None);
        }
        bench.screen(200, 60);
        bench.key(KeyCode::Enter);
        #[expect(clippy::disallowed_methods, reason = "measures drawing")]
        let clock = Instant::now;
        let frame = |_| {
            let begun = clock();
            bench.screen(200, 60);
            begun.elapsed()
        };
        (0..10).map(frame).min().expect("some frames")
    }
    let (few, many) = (frame_after(100), frame_after(10_000));
    assert!(many < few * 10, "a hundred times as many dials: {few:?} became {many:?}");
}

fn copied(bench: &mut Bench) -> String {
    match bench.key(KeyCode::Char('y')) {
        Some(Effect::Copy { text, .. }) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_copied_can_be_sent_to_whoever_can_mend_it() {
    let mut bench = opened();
    insta::assert_snapshot!(copied(&mut bench));
    bench.key(KeyCode::Esc);
    assert!(copied(&mut bench).starts_with("printer-hall ("), "in the table, too");
}

#[test]
fn what_is_copied_holds_no_control_characters() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]).discovered(&peer(1, "a\x1b[31mb\r\n\x07")).screen(80, 24);
    let text = copied(&mut bench);
    assert!(
        text.starts_with("a[31mb (10.0.0.1:17474) as alice sees it, 1970-01-01 12:00:00 UTC\n"),
        "{text:?}"
    );
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
}

#[test]
fn every_size_can_be_drawn_at_every_scroll() {
    let mut bench = opened();
    for width in (0..60).chain([79, 109, 110, 111, 160, 300]) {
        for height in (0..26).chain([59, 100]) {
            bench.key(if height % 2 == 0 { KeyCode::End } else { KeyCode::Home });
            bench.screen(width, height);
        }
    }
}
