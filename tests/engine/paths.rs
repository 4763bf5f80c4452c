//! Peers with several addresses: how each fares, and which one is dialed.

use std::time::Duration;

use vigie::engine::NodeId;
use vigie::engine::event::Event;
use vigie::engine::limits::{PATH_CHECKED_EVERY, PATH_TRIED_EVERY};
use vigie::engine::peers::{PathState, PeerState};
use vigie::engine::verdict::Verdict;
use vigie::proto::presence::{Kind, Presence};
use vigie::testkit::{HostId, Lan, Tcp, ms, presence, secs};

use PathState::{Failing, Unknown, Up};

const CABLE: &str = "10.0.0.2";
const RADIO: &str = "10.1.0.2";

/// Two machines that are both on a cable and on Wi-Fi, and one that is on the cable only.
fn network(seed: u64) -> (Lan, HostId, HostId, HostId) {
    let mut lan = Lan::new(seed);
    let a = lan.host_with(&["wlan0=10.1.0.1/24", "eth0=10.0.0.1/24"], |_| {});
    let b = lan.host_with(&["wlan0=10.1.0.2/24", "eth0=10.0.0.2/24"], |_| {});
    let c = lan.host("eth0=10.0.0.3/24");
    lan.run_for(secs(30));
    (lan, a, b, c)
}

/// Machines that are both on the cable and on Wi-Fi, whose network has a prefix of this length.
fn on_both(lan: &mut Lan, count: usize, prefix: u8) -> Vec<HostId> {
    let nets = |n| [format!("wlan0=10.1.0.{n}/{prefix}"), format!("eth0=10.0.0.{n}/24")];
    let host = |n| lan.host_with(&nets(n).each_ref().map(String::as_str), |_| {});
    (1..=count).map(host).collect()
}

/// How the addresses of the second machine fared, as the first one tells.
fn paths(lan: &Lan, a: HostId, b: HostId) -> Vec<(String, PathState, PathState)> {
    let of_b = lan.about(a, b).filter_map(|logged| match &logged.event {
        Event::PeerPath { addr, from, to, .. } => Some((addr.ip().to_string(), *from, *to)),
        _ => None,
    });
    of_b.collect()
}

fn dialed(lan: &Lan, a: HostId, b: HostId) -> String {
    lan.row(a, b).expect("it is known").info.addr.ip().to_string()
}

/// Who says what of whom.
fn diagnoses(lan: &Lan) -> Vec<(HostId, String, Verdict)> {
    let told = lan.log.iter().filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => Some((logged.host, finding.peer.name.clone(), finding.verdict)),
        _ => None,
    });
    told.collect()
}

#[test]
fn every_address_of_a_peer_is_looked_at_and_the_cable_is_dialed() {
    for seed in 0..8 {
        let (lan, a, b, _) = network(seed);
        let mut told = paths(&lan, a, b);
        told.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        assert_eq!(told, [CABLE, RADIO].map(|ip| (ip.to_owned(), Unknown, Up)), "seed {seed}");
        assert_eq!(dialed(&lan, a, b), CABLE, "seed {seed}");
        let row = lan.row(a, b).unwrap();
        let other = row
            .elsewhere
            .as_ref()
            .unwrap()
            .heard
            .iter()
            .find(|at| at.addr.ip().to_string() == RADIO)
            .unwrap();
        assert_eq!((other.state, other.interface.as_deref()), (Up, Some("wlan0")));
        assert!(other.rtt_us.is_some_and(|us| us > 0));
        lan.invariants();
    }
}

#[test]
fn an_address_that_fails_is_left_for_another_within_one_attempt_and_nobody_is_accused() {
    for tcp in [Tcp::DroppedSyn, Tcp::Rejected] {
        for seed in 0..8 {
            let (mut lan, a, b, _) = network(seed);
            lan.forget_the_log();
            lan.connections_to(CABLE, Some(tcp));
            lan.run_for(secs(18));
            assert_eq!(paths(&lan, a, b), [(CABLE.to_owned(), Up, Failing)], "seed {seed} {tcp:?}");
            let failed =
                |e: &Event| matches!(e, Event::DialFailed { addr, .. } if addr.ip().to_string() == CABLE);
            let of_b = lan
                .about(a, b)
                .filter(|logged| failed(&logged.event) || matches!(logged.event, Event::PeerState { .. }));
            assert_eq!(of_b.count(), 0, "seed {seed} {tcp:?}: it was up all the time");
            assert_eq!(dialed(&lan, a, b), RADIO, "seed {seed} {tcp:?}");
            let moves = lan.about(a, b).filter(|l| matches!(l.event, Event::PeerMoved { .. }));
            let words: Vec<String> = moves.map(|logged| logged.event.to_string()).collect();
            let expected = format!("h1: now dialed at {RADIO}:17474, no longer at {CABLE}:17474");
            assert_eq!(words, [expected], "seed {seed} {tcp:?}");
            // Who has no other way to it says what is true of that address for all.
            let other = if tcp == Tcp::Rejected { Verdict::FirewallReject } else { Verdict::FirewallDrop };
            let told = diagnoses(&lan);
            assert!(
                told.iter().all(|(by, of, what)| *by != b && of == "h1" && *what == other),
                "seed {seed} {tcp:?}: {told:?}"
            );
            lan.invariants();
        }
    }
}

#[test]
fn an_address_that_answers_again_is_told_and_dialed_again_if_it_is_the_better_one() {
    let (mut lan, a, b, _) = network(1);
    lan.connections_to(CABLE, Some(Tcp::DroppedSyn));
    lan.run_for(secs(30));
    assert_eq!(dialed(&lan, a, b), RADIO);
    lan.connections_to(CABLE, None);
    lan.forget_the_log();
    lan.run_for(PATH_TRIED_EVERY + secs(15));
    assert_eq!(paths(&lan, a, b), [(CABLE.to_owned(), Failing, Up)]);
    assert_eq!(dialed(&lan, a, b), CABLE);
    assert!(lan.everybody_is(PeerState::Up));
}

#[test]
fn while_all_is_well_the_other_address_is_looked_at_rarely_and_nothing_is_told_of_it() {
    let (mut lan, a, b, _) = network(2);
    lan.forget_the_log();
    lan.run_for(PATH_CHECKED_EVERY * 4);
    let by_radio = |e: &Event| matches!(e, Event::DialStarted { addr, .. } if addr.ip().to_string() == RADIO);
    let looks = lan.about(a, b).filter(|logged| by_radio(&logged.event)).count();
    assert!((3..=4).contains(&looks), "{looks}");
    assert_eq!(paths(&lan, a, b), []);
    assert_eq!(diagnoses(&lan), []);
}

#[test]
fn a_machine_with_two_addresses_that_is_switched_off_is_told_as_soon_as_one_with_one() {
    let told = |second: &str, seed| {
        let mut lan = Lan::new(seed);
        let a = lan.host_with(&["wlan0=10.1.0.1/24", "eth0=10.0.0.1/24"], |_| {});
        let nets = ["eth0=10.0.0.2/24", second];
        let b = lan.host_with(if second.is_empty() { &nets[..1] } else { &nets }, |_| {});
        lan.run_for(secs(40));
        let off = lan.elapsed();
        lan.switch_off(b);
        lan.run_until(secs(60), |lan| {
            lan.row(a, b)
                .is_some_and(|row| row.state == PeerState::Unreachable || row.state == PeerState::Silent)
        });
        lan.elapsed() - off
    };
    let total = |second: &str| (0..20).map(|seed| told(second, seed)).sum::<Duration>();
    let (one, two) = (total(""), total("wlan0=10.1.0.2/24"));
    assert!(two <= one + one / 10 + ms(20), "{two:?} for {one:?}");
}

#[test]
fn another_node_at_an_address_that_was_the_peers_is_not_taken_for_it() {
    let (mut lan, a, b, _) = network(3);
    // It gives the address away, and another machine takes it.
    lan.set_interfaces(b, &["eth0=10.0.0.2/24"]);
    let c = lan.host_with(&["wlan0=10.1.0.2/24"], |_| {});
    lan.run_for(PATH_CHECKED_EVERY + secs(60));
    assert_eq!((dialed(&lan, a, b), dialed(&lan, a, c)), (CABLE.to_owned(), RADIO.to_owned()));
    lan.connections_to(CABLE, Some(Tcp::DroppedSyn));
    lan.run_for(secs(60));
    assert_eq!((dialed(&lan, a, b), lan.row(a, c).unwrap().state), (CABLE.to_owned(), PeerState::Up));
    assert_ne!(lan.row(a, b).unwrap().state, PeerState::Up);
    lan.invariants();
}

#[test]
fn the_mask_of_one_network_is_not_compared_with_that_of_another_one() {
    for seed in 0..8 {
        let mut lan = Lan::new(seed);
        on_both(&mut lan, 3, 16);
        lan.run_for(secs(30));
        for tcp in [Some(Tcp::DroppedSyn), None] {
            lan.connections_to(CABLE, tcp);
            lan.run_for(secs(60));
        }
        assert_eq!(diagnoses(&lan), [], "seed {seed}");
    }
}

#[test]
fn udp_that_passes_at_one_address_of_a_peer_only_is_told_rightly_or_not_at_all() {
    for seed in 0..8 {
        let mut lan = Lan::new(seed);
        on_both(&mut lan, 4, 24);
        lan.run_for(secs(40) + ms(seed * 731));
        lan.udp_at(CABLE, false);
        lan.run_for(secs(90));
        lan.udp_at(CABLE, true);
        lan.run_for(secs(90));
        let right = |(_, of, what): &(HostId, String, Verdict)| {
            of == "h1" && [Verdict::UdpBlocked, Verdict::Ok].contains(what)
        };
        let told = diagnoses(&lan);
        assert!(told.iter().all(right), "seed {seed}: {told:?}");
        assert!(lan.everybody_is(PeerState::Up));
    }
}

#[test]
fn a_node_of_another_group_is_not_told_of_at_any_address_of_a_machine_that_runs_one_of_ours() {
    let (mut lan, a, _, _) = network(4);
    let other = |sequence| Presence { group: "other", ..presence(Kind::Heartbeat, 77, sequence) };
    for sequence in 1..20 {
        for from in [CABLE, RADIO] {
            lan.forge(a, &format!("{from}:17474"), &other(sequence));
        }
        lan.run_for(secs(1));
    }
    assert_eq!(diagnoses(&lan), []);
    lan.forge(a, "10.1.0.9:17474", &other(20));
    lan.run_for(secs(5));
    let told = diagnoses(&lan);
    assert!(matches!(&told[..], [(by, _, Verdict::WrongGroup)] if *by == a), "{told:?}");
}

#[test]
fn the_next_life_of_a_machine_with_two_addresses_goes_on_in_its_row_whichever_is_heard_first() {
    for (after, seed) in [0, 1, 8, 20].into_iter().flat_map(|after| (0..6).map(move |seed| (after, seed))) {
        let what = format!("seed {seed}, started again {after} s later");
        let (mut lan, a, b, c) = network(seed);
        let before = lan.row(a, b).expect("it is known").info.key;
        lan.kill(b);
        lan.run_for(secs(after));
        lan.forget_the_log();
        lan.restart(b, |config| config.id = NodeId(0x77));
        lan.run_for(secs(12));
        for by in [a, c] {
            assert_eq!(lan.rows_named(by, "h1"), 1, "{what}");
            let is_restart = |e: &Event| matches!(e, Event::PeerRestarted { peer, .. } if peer.name == "h1");
            assert_eq!(lan.count(by, is_restart), 1, "{what}");
        }
        assert_eq!(lan.row(a, b).expect("it is known").info.key, before, "{what}: with its history");
        assert_eq!(dialed(&lan, a, b), CABLE, "{what}");
        assert!(lan.everybody_is(PeerState::Up), "{what}");
        lan.forget_the_log();
        lan.run_for(secs(20));
        assert_eq!(diagnoses(&lan), [], "{what}");
        lan.invariants();
    }
}
