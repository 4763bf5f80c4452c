//! Peers that a person named by a host name: looked up, tried at all their addresses, and followed.

use vigie::engine::api::{Command, Input};
use vigie::engine::cause::Cause;
use vigie::engine::config::Target;
use vigie::engine::event::Event;
use vigie::engine::limits::{RESOLVE_AGAIN, RESOLVE_EVERY, RESOLVE_GAP, ROW_WITHOUT_ADDRESS_AFTER};
use vigie::engine::peers::PeerState;
use vigie::proto::presence::Kind;
use vigie::testkit::{Lan, Solo, ms, presence, secs};

fn far() -> Target {
    "far".parse().unwrap()
}

/// A node that was given the name, which has these addresses.
fn named(ips: &[&str]) -> Solo {
    let mut solo = Solo::new(|c| c.peers = vec![far()]);
    assert_eq!(solo.look_ups.len(), 1);
    solo.resolve(&far(), ips);
    solo
}

/// How many of its findings accuse somebody.
fn accusations(solo: &Solo) -> usize {
    solo.count(|e| matches!(e, Event::Diagnosis(_)))
}

fn dialed(solo: &Solo) -> Vec<String> {
    solo.dials.iter().map(|(_, _, addr)| addr.ip().to_string()).collect()
}

#[test]
fn all_addresses_of_a_name_are_tried_at_once_and_the_one_that_answers_is_kept() {
    let mut solo = named(&["10.8.0.2", "10.8.0.3", "10.8.0.4"]);
    for _ in 0..2 {
        let (at, dial, _) = *solo.dials.last().unwrap();
        solo.run_for(secs(4));
        solo.fail(dial, Cause::TimedOut);
        let next = solo.dials.last().unwrap().0;
        assert_eq!(next, at + secs(4), "without a wait");
    }
    assert_eq!(dialed(&solo), ["10.8.0.2", "10.8.0.3", "10.8.0.4"]);
    let (_, dial, _) = solo.dials[2];
    solo.answer(dial, 2, 1_000);
    let row = &solo.rows()[0];
    assert_eq!((row.state, row.info.addr.to_string().as_str()), (PeerState::Up, "10.8.0.4:17474"));
    solo.run_for(secs(30));
    assert_eq!(dialed(&solo)[3], "10.8.0.4");
    assert_eq!(accusations(&solo), 0, "the others are nobody's fault as long as one answers");
}

#[test]
fn where_no_address_answers_each_is_tried_and_only_then_is_waited() {
    let mut solo = named(&["10.8.0.2", "10.8.0.3"]);
    while solo.count(|e| matches!(e, Event::DialGaveUp { .. })) == 0 {
        let (_, dial, _) = *solo.dials.last().unwrap();
        solo.fail(dial, Cause::Refused);
        solo.run_for(secs(5));
    }
    assert_eq!(dialed(&solo)[..5], ["10.8.0.2", "10.8.0.3", "10.8.0.2", "10.8.0.3", "10.8.0.2"]);
    assert_eq!(solo.rows()[0].state, PeerState::Unreachable);
}

#[test]
fn each_address_has_its_attempt_whatever_the_number_of_retries() {
    let mut solo = Solo::new(|c| {
        c.peers = vec![far()];
        c.retry.max_attempts = 1;
    });
    solo.resolve(&far(), &["10.8.0.2", "10.8.0.3"]);
    let (_, dial, _) = solo.dials[0];
    solo.fail(dial, Cause::Refused);
    assert_eq!(dialed(&solo), ["10.8.0.2", "10.8.0.3"]);
}

#[test]
fn a_name_without_an_address_has_a_row_of_its_own_until_it_has_one() {
    let mut solo = named(&[]);
    let row = solo.rows().remove(0);
    assert_eq!((row.state, row.cause), (PeerState::Unreachable, Some(Cause::AddressNotAvailable)));
    assert_eq!((row.info.name.as_str(), row.info.place().to_string().as_str()), ("far", "far:17474"));
    solo.tell(Input::Command(Command::DialAll));
    solo.run_for(RESOLVE_AGAIN);
    assert_eq!((solo.dials.len(), solo.look_ups.len()), (0, 2), "nothing to dial, but to ask for");
    assert!(solo.sent.iter().all(|(_, to, _)| !to.ip().is_unspecified()), "nothing is sent to nowhere");
    solo.resolve(&far(), &["10.8.0.2"]);
    let (_, dial, _) = solo.dials[0];
    solo.answer(dial, 2, 1_000);
    let rows = solo.rows();
    assert_eq!((rows.len(), rows[0].state, rows[0].info.key), (1, PeerState::Up, row.info.key));
    assert_eq!(accusations(&solo), 0);
}

#[test]
fn a_name_server_that_is_silent_does_not_hide_what_a_person_named() {
    let mut solo = Solo::new(|c| c.peers = vec![far()]);
    solo.run_for(ROW_WITHOUT_ADDRESS_AFTER - ms(1));
    assert_eq!(solo.rows().len(), 0);
    solo.run_for(ms(1));
    assert_eq!(solo.rows()[0].state, PeerState::Unreachable);
    solo.tell(Input::Command(Command::AddPeer(far())));
    assert_eq!((solo.look_ups.len(), solo.rows().len()), (1, 1), "one look-up at a time, and one row");
}

#[test]
fn a_name_that_turns_out_to_be_a_peer_is_that_one() {
    let mut solo = named(&[]);
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.run_for(RESOLVE_AGAIN);
    solo.resolve(&far(), &["10.0.0.2"]);
    let rows = solo.rows();
    assert_eq!((rows.len(), rows[0].info.id.map(|id| id.0)), (1, Some(2)));
    solo.tell(Input::Command(Command::Forget(rows[0].info.key)));
    let asked = solo.look_ups.len();
    solo.run_for(RESOLVE_EVERY * 2);
    assert_eq!(solo.look_ups.len(), asked, "who is forgotten is not looked up");
}

#[test]
fn a_peer_whose_name_has_another_address_is_followed_and_the_old_one_is_not_accused() {
    let mut lan = Lan::new(1);
    let a = lan.host_with(&["10.0.0.1/24"], |c| c.peers = vec![far()]);
    let b = lan.host("10.8.0.2/24");
    lan.hosts[a.0].routed = true;
    lan.hosts[b.0].routed = true;
    lan.names.insert("far".into(), vec!["10.8.0.2".parse().unwrap()]);
    lan.command(a, Command::DialAll);
    assert!(lan.run_until(secs(60), |lan| lan.state(a, b) == Some(PeerState::Up)).is_some());
    let known = lan.row(a, b).unwrap().info.key;
    lan.run_for(secs(60));
    lan.forget_the_log();
    lan.names.insert("far".into(), vec!["10.8.0.9".parse().unwrap()]);
    lan.set_interfaces(b, &["10.8.0.9/24"]);
    let there = |lan: &Lan| {
        lan.row(a, b).is_some_and(|r| r.state == PeerState::Up && r.info.addr.ip().to_string() == "10.8.0.9")
    };
    let took = lan.run_until(secs(60), there);
    assert!(took.is_some_and(|took| took < secs(20)), "{took:?}");
    lan.run_for(secs(20));
    assert_eq!(lan.row(a, b).unwrap().info.key, known, "the same row");
    assert_eq!(lan.count(a, |e| matches!(e, Event::PeerMoved { .. })), 1);
    assert_eq!(lan.count(a, |e| matches!(e, Event::Diagnosis(_))), 0, "nobody is accused");
    lan.invariants();
}

#[test]
fn nothing_is_said_of_an_address_while_its_name_is_looked_up() {
    let mut solo = named(&["10.8.0.2"]);
    let (_, dial, _) = solo.dials[0];
    solo.answer(dial, 2, 1_000);
    solo.run_for(RESOLVE_GAP * 2);
    let (_, dial, _) = *solo.dials.last().unwrap();
    solo.fail(dial, Cause::TimedOut);
    assert_eq!(solo.look_ups.len(), 2, "a dial of it failed");
    for _ in 0..20 {
        let (_, dial, _) = *solo.dials.last().unwrap();
        solo.fail(dial, Cause::TimedOut);
        solo.run_for(ms(400));
    }
    assert_eq!(accusations(&solo), 0, "the name server is slow");
    solo.resolve(&far(), &["10.8.0.9"]);
    assert_eq!(dialed(&solo).last().map(String::as_str), Some("10.8.0.9"));
    let moved =
        solo.count(|e| matches!(e, Event::PeerMoved { from, .. } if from.ip().to_string() == "10.8.0.2"));
    assert_eq!((moved, accusations(&solo)), (1, 0));
}

#[test]
fn a_machine_that_is_called_otherwise_is_known_by_its_new_name_at_once() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.forget_the_log();
    lan.tell(b, Input::Renamed("renamed".to_owned()));
    lan.run_for(ms(100));
    assert_eq!(lan.row(a, b).unwrap().info.name, "renamed");
    assert_eq!(lan.count(b, |e| matches!(e, Event::NodeRenamed { node, .. } if node.name == "renamed")), 1);
    assert_eq!(lan.hosts[b.0].engine.snapshot(lan.now).node.name, "renamed");
    assert_eq!(lan.row(a, b).unwrap().state, PeerState::Up);
}

#[test]
fn a_peer_that_lives_keeps_its_address_whatever_its_name_says() {
    let mut solo = named(&["10.8.0.2"]);
    let (_, dial, _) = solo.dials[0];
    solo.answer(dial, 2, 1_000);
    solo.resolve(&far(), &["10.8.0.9"]);
    assert_eq!(solo.rows()[0].info.addr.to_string(), "10.8.0.2:17474");
    solo.resolve(&far(), &[]);
    assert_eq!(solo.rows()[0].state, PeerState::Up);
}

#[test]
fn a_name_is_looked_up_after_a_goodbye_and_every_few_minutes_and_never_more_often_than_it_may() {
    let mut solo = named(&["10.0.0.2"]);
    let (_, dial, _) = solo.dials[0];
    solo.answer(dial, 2, 1_000);
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.run_for(RESOLVE_GAP);
    solo.hear("10.0.0.2:30000", &presence(Kind::Goodbye, 2, 2));
    // No echo was answered: a dial decides.
    solo.run_for(secs(5));
    assert_eq!(solo.look_ups.len(), 2);

    let mut lan = Lan::new(1);
    let a = lan.host_with(&["10.0.0.1/24"], |c| c.peers = vec![far()]);
    lan.names.insert("far".into(), vec!["10.8.0.2".parse().unwrap()]);
    lan.hosts[a.0].routed = true;
    lan.run_for(secs(600));
    assert!((20..=120).contains(&lan.look_ups), "it fails for ten minutes: {}", lan.look_ups);
}
