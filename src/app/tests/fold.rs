//! What events make of the model.

use super::*;
use crate::app::model::{LEFT_SHOWN, MAX_ATTEMPTS, Outcome, Sample};

fn names(bench: &Bench) -> Vec<String> {
    bench.app.models.live().rows(0..usize::MAX).map(|peer| peer.info.name.clone()).collect()
}

#[test]
fn peers_stand_in_the_order_people_count_and_those_that_left_come_last() {
    let mut bench = Bench::new();
    let [ten, nine, a] = [peer(1, "host10"), peer(2, "host9"), peer(3, "a")];
    bench.discovered(&ten).discovered(&nine).discovered(&a);
    assert_eq!(names(&bench), ["a", "host9", "host10"]);
    bench.left(&a, LeaveReason::Goodbye);
    assert_eq!(names(&bench), ["a", "host9", "host10"], "it does not jump away under the eye");
    assert_eq!(names(bench.wait(2_000)), ["host9", "host10", "a"]);
    bench.state(&a, PeerState::Left, PeerState::Up);
    assert_eq!(names(bench.wait(2_000)), ["a", "host9", "host10"], "it is back");
}

#[test]
fn a_failed_attempt_waits_from_the_time_of_its_event() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.discovered(&host).dials(&host, 1).wait(30).fails(&host, 1, Some(2_000));
    let since = bench.now();
    let until = since + Duration::from_secs(2);
    let row = bench.app.models.live().peer(host.key).unwrap();
    assert_eq!(row.dial(), DialPhase::Waiting { attempt: 2, max: 5, since, until });
    assert_eq!(
        (row.cause, row.history.last(9).last()),
        (Some(Cause::Refused), Some(Sample::Failed(Cause::Refused)))
    );
}

#[test]
fn a_reply_clears_the_cause_and_counts_as_heard() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.discovered(&host).dials(&host, 1).fails(&host, 1, Some(10)).wait(10).dials(&host, 2).wait(5);
    bench.answers(&host, 2, 840);
    let row = bench.app.models.live().peer(host.key).unwrap();
    assert_eq!((row.cause, row.detail.clone(), row.last_heard()), (None, None, Some(bench.now())));
    assert_eq!(row.rtt.map(Duration::from), Some(Duration::from_micros(840)));
    assert_eq!(
        row.history.last(9).collect::<Vec<_>>(),
        [Sample::Failed(Cause::Refused), Sample::Answered(840)]
    );
}

#[test]
fn a_peer_named_by_hand_was_not_heard() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.fold(Event::PeerDiscovered { peer: Arc::clone(&host), via: Via::Static });
    assert_eq!(bench.app.models.live().peer(host.key).unwrap().last_heard(), None);
}

#[test]
fn an_event_about_an_unknown_peer_makes_its_row() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.answers(&host, 1, 840);
    assert_eq!(names(&bench), ["host"]);
    assert_eq!(bench.app.models.live().attempts().len(), 1);
}

#[test]
fn a_forgotten_or_expired_peer_is_gone_and_one_that_said_goodbye_stays_for_a_while() {
    let mut bench = Bench::new();
    let [a, b, c] = [peer(1, "a"), peer(2, "b"), peer(3, "c")];
    bench.discovered(&a).discovered(&b).discovered(&c);
    bench.left(&a, LeaveReason::Forgotten).left(&b, LeaveReason::Expired).left(&c, LeaveReason::Goodbye);
    assert_eq!(names(&bench), ["c"]);
    let shown = u64::try_from(LEFT_SHOWN.as_millis()).unwrap();
    assert_eq!(names(bench.wait(shown - 1)), ["c"]);
    assert!(names(bench.wait(1)).is_empty());
    assert_eq!(bench.app.models.live().count(PeerState::Left), 0);
}

#[test]
fn a_restarted_or_moved_peer_keeps_its_row_under_its_new_name_and_address() {
    let mut bench = Bench::new();
    let old = peer(1, "host");
    bench.discovered(&old).discovered(&peer(2, "middle")).answers(&old, 1, 840);
    let new = Arc::new(PeerInfo { name: "zebra".into(), ..PeerInfo::clone(&old) });
    bench.fold(Event::PeerRestarted { peer: Arc::clone(&new), previous_incarnation: Incarnation(1) });
    assert_eq!(names(bench.wait(2_000)), ["middle", "zebra"]);
    assert!(bench.app.models.live().peer(old.key).unwrap().rtt.is_some());
    let addr = "10.9.9.9:1".parse().unwrap();
    let moved = Arc::new(PeerInfo { addr, ..PeerInfo::clone(&new) });
    bench.fold(Event::PeerMoved { peer: moved, from: new.addr, to: addr, path_only: false });
    assert_eq!(bench.app.models.live().peer(old.key).unwrap().info.addr, addr);
    assert_eq!(names(&bench).len(), 2);
}

#[test]
fn a_snapshot_makes_everything_right_again() {
    let mut bench = Bench::new();
    let [a, b, c, gone] = [peer(1, "a"), peer(2, "b"), peer(3, "c"), peer(4, "gone")];
    bench.discovered(&a).discovered(&gone).discovered(&c).left(&c, LeaveReason::Goodbye).answers(&a, 1, 70);
    bench.fold(Event::Lagged { missed: 4 }).fold(Event::Lagged { missed: 3 });
    bench.wait(2_000).fold(snapshot(vec![row(&a, PeerState::Up), row(&b, PeerState::Silent)]));
    assert_eq!(names(&bench), ["b", "a", "c"], "the one that said goodbye is still news");
    let model = bench.app.models.live();
    assert_eq!(model.count(PeerState::Up), 1);
    assert_eq!(model.count(PeerState::Silent), 1);
    assert_eq!(model.count(PeerState::New), 0);
    let row = model.peer(a.key).unwrap();
    assert_eq!(row.rtt.map(Duration::from), Some(Duration::from_micros(840)));
    assert_eq!(row.last_heard(), bench.now().checked_sub(Duration::from_secs(1)));
    assert_eq!(row.history.last(9).count(), 1, "which no snapshot holds");
    assert_eq!(model.missed().unwrap().total, 7);
}

#[test]
fn interfaces_come_and_go() {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0)]);
    let wlan = Arc::new(Interface::new("wlan0", Ipv4Addr::new(10, 0, 1, 5), 24).unwrap());
    for _ in 0..2 {
        bench.fold(Event::InterfaceUp { interface: Arc::clone(&wlan) });
    }
    assert_eq!(bench.app.models.live().interfaces().len(), 2);
    bench.fold(Event::InterfaceDown { interface: wlan });
    assert_eq!(bench.app.models.live().interfaces()[0].name, "eth0".into());
}

fn outcomes(bench: &Bench) -> Vec<Outcome> {
    let attempts = bench.app.models.live().attempts();
    let newest = attempts.newest().unwrap();
    attempts.from(newest, None).map(|(_, attempt)| attempt.outcome.clone()).collect()
}

#[test]
fn a_new_attempt_ends_the_countdown_of_the_one_before() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.dials(&host, 1).fails(&host, 1, Some(2_000)).wait(100).dials(&host, 2);
    let since = bench.now();
    let outcomes = outcomes(&bench);
    assert_eq!(outcomes[0], Outcome::InFlight { since });
    assert!(matches!(outcomes[1], Outcome::Failed { retry: None, .. }));
}

#[test]
fn an_attempt_of_a_peer_that_left_is_abandoned() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.dials(&host, 1).left(&host, LeaveReason::Goodbye);
    assert_eq!(outcomes(&bench), [Outcome::Abandoned]);
}

#[test]
fn an_end_whose_beginning_was_missed_is_a_line_of_its_own() {
    let mut bench = Bench::new();
    let host = peer(1, "host");
    bench.dials(&host, 1).answers(&host, 3, 840);
    let outcomes = outcomes(&bench);
    assert!(matches!(outcomes[..], [Outcome::Answered { .. }, Outcome::Abandoned]), "{outcomes:?}");
}

#[test]
fn the_attempts_of_one_peer_are_found_among_those_of_many() {
    let mut bench = Bench::new();
    let peers: Vec<_> = (1..=50).map(|i| peer(i, "host")).collect();
    for attempt in 1..=3 {
        for host in &peers {
            bench.dials(host, attempt);
        }
    }
    let attempts = bench.app.models.live().attempts();
    let of: Vec<_> = attempts.of_peer(peers[7].key).map(|(id, attempt)| (id.0, attempt.attempt)).collect();
    assert_eq!(of, [(107, 3), (57, 2), (7, 1)]);
    assert_eq!(attempts.of_peer(peer(99, "nobody").key).count(), 0);
}

#[test]
fn the_worst_state_of_each_column_is_told_and_a_snapshot_counts_as_well() {
    let mut bench = Bench::new();
    let t0 = bench.now();
    let [host, late] = [peer(1, "host"), peer(2, "late")];
    bench.discovered(&host).state(&host, PeerState::New, PeerState::Up).wait(30_000);
    bench.state(&host, PeerState::Up, PeerState::Unreachable).wait(1_000);
    bench.state(&host, PeerState::Unreachable, PeerState::Up).discovered(&late).wait(29_000);
    bench.fold(snapshot(vec![row(&host, PeerState::Silent), row(&late, PeerState::New)]));
    let model = bench.app.models.live();
    let columns = model.columns(t0 + Duration::from_secs(75), Duration::from_secs(15), 5);
    let seen = |key| model.peer(key).unwrap().bands.worst(&columns).collect::<Vec<_>>();
    let [new, up] = [PeerState::New, PeerState::Up];
    assert_eq!(seen(host.key), [new, up, PeerState::Unreachable, up, PeerState::Silent].map(Some));
    assert_eq!(seen(late.key), [None, None, Some(new), Some(new), Some(new)]);
}

#[test]
fn the_attempts_are_a_ring() {
    let mut bench = Bench::new();
    for i in 0..10_000 {
        let host = peer(i, "host");
        bench.dials(&host, 1);
    }
    bench.answers(&peer(9_999, "host"), 1, 1).answers(&peer(3, "host"), 1, 1);
    let outcomes = outcomes(&bench);
    assert_eq!(outcomes.len(), MAX_ATTEMPTS);
    assert!(matches!(outcomes[..2], [Outcome::Answered { .. }, Outcome::Answered { .. }]));
}
