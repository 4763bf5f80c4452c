//! An app that comes late remembers what one remembers that was there all the time.

use super::*;
use crate::app::model::{Columns, Model};
use crate::app::tests::network::eight;
use crate::engine::peers::PathState;
use crate::engine::verdict::{Advice, Evidence, Finding};
use crate::record::{Past, Reader, Writer};

/// As it comes out at the other end of a socket.
fn passed_on(past: &Past, now: Instant) -> Past {
    let mut written = Vec::new();
    let mut writer = Writer::new(now);
    writer.past(&mut written, past, now).unwrap();
    Past::read(&mut Reader::default(), &written, now).unwrap()
}

fn late(model: &Model, now: Instant) -> Model {
    Model::remembering(&passed_on(&model.past(now), now))
}

fn attempts(model: &Model) -> Vec<String> {
    model.attempts().newest_first(None).map(|(_, attempt)| format!("{attempt:?}")).collect()
}

fn journal(model: &Model) -> Vec<String> {
    let newest = model.journal().newest().into_iter();
    newest
        .flat_map(|newest| model.journal().back_from(newest))
        .map(|(_, entry)| format!("{entry:?}"))
        .collect()
}

/// What no snapshot tells of each peer.
fn peers(model: &Model, columns: &Columns) -> Vec<String> {
    // In an order that does not change as they settle.
    let mut rows: Vec<_> = model.rows(0..usize::MAX).collect();
    rows.sort_by_key(|row| row.info.key);
    let rows = rows.into_iter();
    rows.map(|row| {
        let detail = row.detail.as_ref().map(ToString::to_string);
        let states: Vec<_> = row.bands.worst(columns).collect();
        let history: Vec<_> = row.history.last(60).collect();
        format!("{} {:?} {states:?} {history:?} {detail:?}", row.info.name, row.state)
    })
    .collect()
}

/// Times are told in microseconds, and the time of day in milliseconds.
fn assert_alike(late: &Model, model: &Model, now: Instant) {
    for (late, model) in [(attempts(late), attempts(model)), (journal(late), journal(model))] {
        assert_eq!(late.len(), model.len());
        late.iter().zip(&model).for_each(|(late, model)| assert_eq!(late, model));
    }
    let columns = model.columns(now, Duration::from_secs(15), 240);
    assert_eq!(peers(late, &late.columns(now, Duration::from_secs(15), 240)), peers(model, &columns));
}

/// An hour with all that a journal can hold.
fn eventful() -> Bench {
    let mut bench = busy();
    let (bob, host9, gone) = (peer(11, "bob"), peer(14, "host9"), peer(18, "gone"));
    bench.wait(60_000).discovered(&gone).left(&gone, LeaveReason::Forgotten);
    let twin = ([10, 0, 0, 77], 17_474).into();
    bench.fold(Event::IdChanged { node: node(), previous_id: node().id, twin });
    let eth1 = Arc::new(Interface::new("eth1", Ipv4Addr::new(10, 0, 9, 5), 24).unwrap());
    bench.fold(Event::InterfaceUp { interface: Arc::clone(&eth1) });
    bench.fold(Event::InterfaceDown { interface: eth1 }).fold(Event::Lagged { missed: 7 });
    let moved = testkit::peer_at(11, "bob", ([10, 0, 1, 11], 17_474));
    bench.fold(Event::PeerMoved {
        from: bob.addr,
        to: moved.addr,
        peer: Arc::clone(&moved),
        path_only: true,
    });
    for (from, to) in [(PathState::Up, PathState::Failing), (PathState::Failing, PathState::Up)] {
        let (peer, addr) = (Arc::clone(&moved), bob.addr);
        bench.wait(15_000).fold(Event::PeerPath { peer, addr, interface: None, from, to });
    }
    bench.fold(Event::PeerRestarted { peer: Arc::clone(&moved), previous_incarnation: Incarnation(1) });
    let gave_up =
        |addr| Event::DialGaveUp { peer: Arc::clone(&host9), addr, attempts: 5, cause: Cause::Refused };
    bench.dials(&host9, 5).fails(&host9, 5, None).fold(gave_up(host9.addr));
    let mut network = eight(bench.now());
    network.said(1, 0).tcp_fails(2, 3, Cause::Refused);
    for finding in &network.view(bench.now()).findings {
        // As it comes back: in words.
        let evidence = finding.evidence.iter().map(|seen| Evidence::Told(seen.to_string().into())).collect();
        let advice = Advice::Told(finding.advice.to_string().into());
        let told = Finding { evidence, advice, ..Finding::clone(finding) };
        bench.wait(1_000).fold(Event::Diagnosis(Arc::new(told)));
    }
    for minute in 0..50 {
        bench.wait(60_000).state(&host9, PeerState::Unreachable, PeerState::Up);
        bench.dials(&moved, 1).wait(3).answers(&moved, 1, 700 + minute);
        bench.wait(16_000).state(&host9, PeerState::Up, PeerState::Unreachable);
    }
    bench.dials(&host9, 1).wait(3).fails(&host9, 1, Some(2_000));
    bench.dials(&moved, 1).wait(1);
    bench
}

#[test]
fn who_comes_late_remembers_all_that_a_snapshot_does_not_tell() {
    let bench = eventful();
    let (model, now) = (bench.app.models.live(), bench.now());
    assert!(journal(model).len() > 100 && attempts(model).len() > 50);
    assert_alike(&late(model, now), model, now);
    let empty = Model::default();
    assert_alike(&late(&empty, now), &empty, now);
}

#[test]
fn from_then_on_both_see_the_same() {
    let mut bench = eventful();
    let (bob, host9) = (peer(11, "bob"), peer(14, "host9"));
    let mut late = late(bench.app.models.live(), bench.now());
    let events = [
        snapshot(vec![row(&bob, PeerState::Up), row(&host9, PeerState::Retrying)]),
        Event::DialGaveUp { peer: Arc::clone(&host9), addr: host9.addr, attempts: 2, cause: Cause::Refused },
        Event::PeerState { peer: Arc::clone(&host9), from: PeerState::Retrying, to: PeerState::Unreachable },
    ];
    for event in events {
        let stamped = bench.wait(20_000).stamp(event);
        bench.app.fold(&stamped);
        late.fold(&stamped);
    }
    assert_alike(&late, bench.app.models.live(), bench.now());
}
