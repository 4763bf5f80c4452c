//! Whatever comes, in whatever order, on a screen of whatever size: no panic, and true counts.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use proptest::prelude::*;

use super::network::Network;
use super::*;
use crate::app::keymap::KEYMAP;
use crate::app::model::Group;
use crate::app::ui::View;
use crate::engine::event::{RejectReason, StopReason};
use crate::engine::peers::{Elsewhere, HeardFrom, PathState};
use crate::engine::verdict::evidence::Who;
use crate::engine::verdict::{Advice, Confidence, Evidence, Finding, FindingId, Pattern};

/// One step of a random session: what, about whom, how much.
type Step = (u8, u8, u16);

fn info(number: u16, variant: u8) -> Arc<PeerInfo> {
    let names =
        ["host9", "host10", "", "山田", "e\u{301}", "👩‍👩‍👧", "\x1b[2J", "a very long name that goes on and on"];
    let name = names[usize::from(variant) % names.len()];
    peer(u64::from(number % 12), name)
}

/// An address that a host was heard from.
fn heard_from(bench: &Bench, host: &PeerInfo, variant: u8) -> HeardFrom {
    HeardFrom {
        addr: host.addr,
        last: bench.now(),
        last_heard_ms: 0,
        interface: None,
        proven: false,
        state: PathState::ALL[usize::from(variant) % PathState::ALL.len()],
        rtt_us: None,
    }
}

fn step(bench: &mut Bench, (what, variant, number): Step) -> Option<(u16, u16)> {
    let host = info(number, variant);
    let state = PeerState::ALL[usize::from(variant) % PeerState::ALL.len()];
    let attempt = u32::from(number);
    match what % 23 {
        0 => _ = bench.discovered(&host),
        1 => _ = bench.state(&host, PeerState::New, state),
        2 => _ = bench.dials(&host, attempt),
        3 => _ = bench.answers(&host, attempt, u64::from(number) << (variant % 48)),
        4 => _ = bench.fails(&host, attempt, (variant > 128).then_some(u64::from(number))),
        5 => _ = bench.left(&host, LeaveReason::Goodbye),
        6 => {
            let reason = if variant > 128 { LeaveReason::Forgotten } else { LeaveReason::Expired };
            bench.left(&host, reason);
        }
        7 => {
            let heard = vec![heard_from(bench, &host, variant)];
            let elsewhere = Elsewhere { heard, claimed: (variant > 200).then(|| host.addr.ip()) };
            let elsewhere = (variant > 100).then(|| Arc::new(elsewhere));
            let told = |i| PeerSnapshot { elsewhere: elsewhere.clone(), ..row(&info(i, variant), state) };
            let rows = (0..number % 20).map(told).collect();
            bench.fold(snapshot(rows));
        }
        8 => _ = bench.fold(Event::Lagged { missed: u64::MAX - u64::from(number) }),
        9 => _ = bench.fold(Event::ExchangeServed { peer: Some(host), addr: None }),
        10 => {
            let from = host.addr;
            bench.fold(Event::Rejected { from, reason: RejectReason::Foreign, count: 2 });
        }
        11 => _ = bench.started(&[("eth0", variant)]),
        12 => {
            let cause = Cause::ALL[usize::from(variant) % Cause::ALL.len()];
            bench.fold(Event::DialGaveUp { addr: host.addr, peer: host, attempts: attempt, cause });
        }
        13 => _ = bench.fold(Event::Stopped { reason: StopReason::Signal }),
        14 => _ = bench.wait(u64::from(number) * 10),
        20 => {
            // What is forgotten of one view is in the next.
            let names = ["host9", "", "山田", "\x1b[2J", "a very long name that goes on and on"];
            let node = |nth: u16| (names[usize::from(nth) % names.len()], (nth % 3) << 8 | (nth + 5));
            let nodes: Vec<_> = (0..=number % 40).map(node).collect();
            let mut network = Network::new(&nodes, bench.now());
            for nth in 0..usize::from(variant % 16) {
                let (from, to) = (nth * 7 % nodes.len(), (nth * 5 + 1) % nodes.len());
                if from != to {
                    network.cut(from, to).said(from, u64::from(variant) * 300);
                }
            }
            if variant > 200 {
                network.silent(0);
            }
            if variant % 3 == 0 {
                let pattern = Pattern::Islands;
                network.finds(
                    Verdict::Isolated,
                    pattern,
                    &[0],
                    &[],
                    Advice::CheckLink { of: Who::ThisNode },
                    bench.now(),
                );
            }
            bench.told(&network);
        }
        21 => {
            let verdict = Verdict::ALL[usize::from(variant) % Verdict::ALL.len()];
            let finding = Finding {
                id: FindingId(u64::from(number % 5)),
                peer: host,
                verdict,
                evidence: vec![Evidence::AllSilent { count: 7 }; usize::from(number % 4)],
                advice: Advice::JoinGroup { on: Who::ThisNode, group: "\x1b[31mothers".into() },
                pattern: Pattern::Pair,
                confidence: Confidence::Likely,
                nodes: vec![NodeId(u128::from(number % 12))],
                names: vec!["name".into(); usize::from(number % 5)],
                pairs: Vec::new(),
                pair_count: usize::from(number),
                since: bench.now(),
                replaces: variant.is_multiple_of(3).then_some(FindingId(u64::from(variant % 5))),
            };
            bench.fold(Event::Diagnosis(Arc::new(finding)));
        }
        22 => {
            let kinds = [MouseEventKind::Down, MouseEventKind::Drag, MouseEventKind::Up];
            let (kind, at) = (kinds[usize::from(number) % 3](MouseButton::Left), number % 220);
            let (row, modifiers) = (u16::from(variant) % 70, KeyModifiers::NONE);
            bench.app.mouse(MouseEvent { kind, column: at, row, modifiers });
        }
        15 => return Some((u16::from(variant) % 220, number % 70)),
        16 => bench.app.paste("日本語"),
        _ => {
            let keys: Vec<_> = KEYMAP.iter().flat_map(|binding| binding.keys.iter()).collect();
            let key = keys[usize::from(number) % keys.len()].event();
            let now = bench.now();
            bench.app.key(&key, now);
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn nothing_panics_and_the_counts_are_true(
        steps in prop::collection::vec(any::<Step>(), 0..120),
        view in prop::sample::select(vec![View::Peers, View::Details, View::Compare, View::Timeline, View::Matrix]),
    ) {
        let mut bench = Bench::new();
        bench.app.ui.view = view;
        for one in steps {
            if let Some((width, height)) = step(&mut bench, one) {
                bench.screen(width, height);
            }
            let model = bench.app.models.live();
            let counted: usize = PeerState::ALL.into_iter().map(|state| model.count(state)).sum();
            prop_assert_eq!(counted, model.len());
            prop_assert_eq!(model.rows(0..usize::MAX).count(), model.listed());
            prop_assert!(model.listed() == model.len() || !model.filter().is_empty());
            let lines = model.lines();
            for (at, line) in lines.stretch(0..usize::MAX).into_iter().enumerate() {
                prop_assert_eq!((lines.position(line), lines.at(at)), (Some(at), Some(line)));
            }
            if let Some(groups) = lines.groups() {
                prop_assert_eq!(groups.iter().map(Group::len).sum::<usize>(), model.listed());
                for state in PeerState::ALL {
                    let shown = model.rows(0..usize::MAX).filter(|peer| peer.state == state).count();
                    prop_assert_eq!(groups.iter().map(|group| group.count(state)).sum::<usize>(), shown);
                }
            }
            for (at, peer) in model.rows(0..usize::MAX).enumerate() {
                prop_assert_eq!(model.position(peer.info.key), Some(at));
            }
        }
    }
}

#[test]
fn every_small_size_and_every_overlay_can_be_drawn() {
    for opening in [None, Some('?'), Some('a'), Some('x'), Some('p')] {
        let mut bench = busy();
        bench.screen(80, 24);
        if let Some(key) = opening {
            bench.key(KeyCode::Char(key));
        }
        for width in (0..40).chain([79, 159, 160, 300]) {
            for height in (0..25).chain([59, 100]) {
                bench.screen(width, height);
            }
        }
    }
}
