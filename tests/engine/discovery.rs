//! Nodes find each other, restart and move, on a network that loses, repeats and reorders.

use std::collections::BTreeMap;

use vigie::engine::Incarnation;
use vigie::engine::NodeId;
use vigie::engine::api::Input;
use vigie::engine::config::Config;
use vigie::engine::event::Event;
use vigie::engine::peers::PeerState;
use vigie::engine::verdict::Verdict;
use vigie::proto::presence::{Kind, Presence};

use vigie::testkit::{HostId, Lan, Solo, ms, presence, secs};

#[test]
fn two_hosts_know_each_other_within_a_millisecond() {
    let mut lan = Lan::new(1);
    let a = lan.host("10.0.0.1/24");
    lan.run_for(secs(20));
    let b = lan.host("10.0.0.2/24");
    lan.run_for(ms(1));
    assert!(lan.knows(a, b) && lan.knows(b, a));
    let took = lan.run_until(secs(1), |lan| lan.everybody_is(PeerState::Up)).expect("both are up");
    assert!(took < ms(50), "{took:?}");
}

#[test]
fn hosts_that_start_at_the_same_moment_find_each_other() {
    for seed in 0..20 {
        let mut lan = Lan::new(seed);
        lan.hosts(10);
        lan.run_for(ms(1));
        let took = lan.run_until(secs(3), |lan| lan.everybody_is(PeerState::Up));
        assert!(took.is_some_and(|took| took < ms(500)), "seed {seed}: {took:?}");
        lan.invariants();
    }
}

#[test]
fn a_newcomer_among_a_hundred_is_answered_by_everybody_but_not_at_once() {
    let mut lan = Lan::new(1);
    let old = lan.hosts(100);
    lan.run_until(secs(60), |lan| lan.everybody_is(PeerState::Up)).expect("the hundred are up");
    lan.run_for(secs(10));
    lan.forget_the_log();
    let begun = lan.elapsed();
    let new = lan.host("10.0.9.9/16");
    lan.run_for(secs(3));
    assert!(old.iter().all(|h| lan.knows(*h, new) && lan.knows(new, *h)));
    let mut per_10_ms: BTreeMap<u128, u32> = BTreeMap::new();
    let to_new = |to: std::net::SocketAddr| to.ip().to_string() == "10.0.9.9";
    for sent in lan.sent.iter().filter(|s| to_new(s.to) && s.at < begun + secs(3)) {
        *per_10_ms.entry((sent.at - begun).as_millis() / 10).or_default() += 1;
    }
    // Each of the hundred may be late by the slack of its timers, and none knows of the others.
    assert!(per_10_ms.values().all(|n| *n <= 18), "{per_10_ms:?}");
    let dials = lan.log.iter().filter(|l| l.host != new && matches!(&l.event, Event::DialStarted { peer, .. } if peer.id == Some(lan.hosts[new.0].config.id)));
    let mut per_10_ms: BTreeMap<u128, u32> = BTreeMap::new();
    dials.for_each(|l| *per_10_ms.entry((l.at - begun).as_millis() / 10).or_default() += 1);
    assert!(per_10_ms.values().all(|n| *n <= 18), "{per_10_ms:?}");
    lan.run_until(secs(10), |lan| lan.everybody_is(PeerState::Up)).expect("everybody is up");
}

#[test]
fn everybody_is_found_in_spite_of_loss() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        lan.link.loss = 0.3;
        let hosts = lan.hosts(10);
        lan.run_for(secs(30));
        for (a, b) in hosts.iter().flat_map(|a| hosts.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b) {
            assert!(!lan.entered(a, b, PeerState::Up).is_empty(), "seed {seed}: {a:?} does not reach {b:?}");
        }
    }
}

/// How long it takes until those that are there and newcomers at one address reach each other, of each pair, in seconds; sorted.
fn newcomers_are_reached(old: usize, newcomers: u16, loss: f64, runs: u64) -> Vec<f64> {
    let mut took = Vec::new();
    for seed in 0..runs {
        let mut lan = Lan::new(seed);
        let old = lan.hosts(old);
        lan.run_for(secs(30) + ms(311 * seed));
        lan.link.loss = loss;
        lan.forget_the_log();
        let begun = lan.elapsed();
        let ports = |nth: u16| {
            move |config: &mut Config| (config.tcp_port, config.udp_port) = (17_474 + nth, 30_000 + nth)
        };
        let new: Vec<HostId> =
            (0..newcomers).map(|nth| lan.host_with(&["10.0.9.9/16"], ports(nth))).collect();
        lan.run_for(secs(15));
        let up =
            |a, b| lan.entered(a, b, PeerState::Up).first().expect("it is reached").saturating_sub(begun);
        let pairs = old.iter().flat_map(|&a| new.iter().flat_map(move |&b| [(a, b), (b, a)]));
        took.extend(pairs.map(|(a, b)| up(a, b).as_secs_f64()));
    }
    took.sort_by(f64::total_cmp);
    took
}

/// What is answered once only is not answered again where that is lost: the next round comes sooner instead. Measured with twenty runs of
/// each: with three answers to a newcomer instead of one, 0.053, 0.065, 1.09 and 1.07 s in the mean.
#[test]
fn newcomers_are_reached_soon_where_a_fifth_is_lost_and_where_several_are_at_one_address() {
    for (newcomers, loss, soon) in [(1, 0.0, 0.1), (3, 0.0, 0.1), (1, 0.2, 1.5), (3, 0.2, 1.5)] {
        let took = newcomers_are_reached(10, newcomers, loss, 6);
        let mean = took.iter().sum::<f64>() / f64::from(u32::try_from(took.len()).expect("few"));
        eprintln!("{newcomers} with {loss} lost: {mean:.3} s, all within {:.3} s", took[took.len() - 1]);
        assert!(mean < soon, "{newcomers} with {loss} lost: {mean}");
    }
}

#[test]
fn duplicates_and_disorder_are_no_restart_no_move_and_no_second_discovery() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        lan.link.duplicates = 0.5;
        lan.link.late = (0.3, secs(7));
        let hosts = lan.hosts(6);
        lan.run_for(secs(300));
        assert!(lan.everybody_is(PeerState::Up));
        for &h in &hosts {
            let found = lan.count(h, |e| matches!(e, Event::PeerDiscovered { .. }));
            assert_eq!(found, hosts.len() - 1, "seed {seed}");
            let wrong = lan.count(h, |e| {
                matches!(
                    e,
                    Event::PeerRestarted { .. }
                        | Event::PeerMoved { .. }
                        | Event::PeerLeft { .. }
                        | Event::DialFailed { .. }
                )
            });
            assert_eq!(wrong, 0, "seed {seed}");
        }
        lan.invariants();
    }
}

#[test]
fn a_restarted_process_is_one_restart_dialed_again_and_up_again() {
    for seed in 0..10 {
        // A new id at the same address, and a newer incarnation of the same id.
        for new_id in [true, false] {
            let mut lan = Lan::new(seed);
            lan.link.late = (0.5, ms(50));
            let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
            lan.run_for(secs(30) + ms(seed * 700));
            lan.kill(b);
            lan.run_for(ms(200));
            lan.forget_the_log();
            lan.restart(b, |c| {
                c.incarnation = Incarnation(2_000);
                if new_id {
                    c.id = NodeId(777);
                }
            });
            lan.run_for(secs(60));
            let restarts = lan.count(
                a,
                |e| matches!(e, Event::PeerRestarted { previous_incarnation, .. } if previous_incarnation.0 == 1_000),
            );
            assert_eq!(restarts, 1, "seed {seed} {new_id}");
            assert_eq!(lan.count(a, |e| matches!(e, Event::PeerRestarted { .. })), 1);
            assert_eq!(lan.count(a, |e| matches!(e, Event::PeerDiscovered { .. })), 0, "it is the same row");
            assert_eq!(lan.state(a, b), Some(PeerState::Up));
            let up = lan.entered(a, b, PeerState::Up);
            assert_eq!(up.len(), 1, "up again, once");
            assert!(lan.everybody_is(PeerState::Up));
            lan.invariants();
        }
    }
}

#[test]
fn late_datagrams_of_an_old_life_change_nothing() {
    for new_id in [2, 77] {
        let mut solo = Solo::new(|_| {});
        solo.hear("10.0.0.2:30000", &presence(Kind::Hello, 2, 1));
        solo.run_for(secs(3));
        let new = Presence { incarnation: Incarnation(2_000), ..presence(Kind::Hello, new_id, 1) };
        solo.hear("10.0.0.2:30000", &new);
        solo.run_for(ms(10));
        let before = solo.rows();
        solo.events.clear();
        for kind in [Kind::Heartbeat, Kind::Hello, Kind::Goodbye] {
            solo.hear("10.0.0.2:30000", &presence(kind, 2, 50));
        }
        let told: Vec<_> = solo.events.iter().filter(|(_, e)| !matches!(e, Event::Rejected { .. })).collect();
        assert!(told.is_empty(), "{told:?}");
        assert_eq!(solo.rows(), before);
    }
}

#[test]
fn a_peer_that_changes_its_address_has_moved_once_within_two_rounds() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(30) + ms(seed * 900));
        lan.forget_the_log();
        lan.set_interfaces(b, &["10.0.0.77/24"]);
        let moved = |e: &Event| matches!(e, Event::PeerMoved { .. });
        let took = lan.run_until(secs(11), |lan| lan.count(a, moved) > 0);
        assert!(took.is_some(), "seed {seed}");
        let up = lan.run_until(secs(20), |lan| {
            lan.row(a, b)
                .is_some_and(|r| r.state == PeerState::Up && r.info.addr.ip().to_string() == "10.0.0.77")
        });
        assert!(up.is_some(), "seed {seed}");
        lan.run_for(secs(60));
        assert_eq!(lan.count(a, moved), 1);
        assert_eq!(
            lan.count(a, |e| matches!(e, Event::PeerRestarted { .. } | Event::PeerDiscovered { .. })),
            0
        );
        assert!(lan.everybody_is(PeerState::Up));
        lan.invariants();
    }
}

#[test]
fn two_hosts_that_swap_their_addresses_are_told_apart() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(3);
        lan.run_for(secs(30));
        lan.set_interfaces(hosts[1], &["10.0.0.3/16"]);
        lan.set_interfaces(hosts[2], &["10.0.0.2/16"]);
        lan.run_for(secs(60));
        assert!(lan.everybody_is(PeerState::Up), "seed {seed}");
        for (h, ip) in [(hosts[1], "10.0.0.3"), (hosts[2], "10.0.0.2")] {
            assert_eq!(lan.row(hosts[0], h).unwrap().info.addr.ip().to_string(), ip, "seed {seed}");
        }
        lan.invariants();
    }
}

#[test]
fn a_peer_heard_on_two_links_does_not_flap_between_them() {
    for (loss, late) in [(0.0, secs(0)), (0.0, secs(12)), (0.3, secs(0))] {
        for seed in 0..5 {
            let mut lan = Lan::new(seed);
            lan.link.loss = loss;
            lan.link.late = (0.3, late);
            let nets = |n: u8| [format!("eth0=10.0.0.{n}/24"), format!("wlan0=10.1.0.{n}/24")];
            for n in 1..=3 {
                let nets = nets(n);
                lan.host_with(&[&nets[0], &nets[1]], |_| {});
            }
            lan.run_for(secs(900));
            assert!(loss > 0.0 || lan.everybody_is(PeerState::Up));
            let moves = lan.log.iter().filter(|l| matches!(l.event, Event::PeerMoved { .. }));
            // In its first rounds, a second link that is heard late looks like a new address, and the better one is found.
            let settled = moves.filter(|l| l.at > secs(60)).count();
            // Where so many packets are lost, no connection stands in time once in four dials, and the other address answers: for
            // each of the six views a move in a minute.
            let most = if loss > 0.0 { 6 * 15 } else { 0 };
            assert!(settled <= most, "seed {seed} loss {loss} late {late:?}: {settled} moves");
        }
    }
}

#[test]
fn a_peer_heard_on_two_links_moves_to_the_other_when_one_breaks() {
    let mut lan = Lan::new(3);
    let a = lan.host_with(&["eth0=10.0.0.1/24", "wlan0=10.1.0.1/24"], |_| {});
    let b = lan.host_with(&["eth0=10.0.0.2/24", "wlan0=10.1.0.2/24"], |_| {});
    lan.run_for(secs(40));
    let at = lan.row(a, b).unwrap().info.addr.ip().to_string();
    let stays = if at.starts_with("10.0.") { "wlan0=10.1.0.2/24" } else { "eth0=10.0.0.2/24" };
    lan.set_interfaces(b, &[stays]);
    let moved = lan.run_until(secs(30), |lan| {
        lan.row(a, b).is_some_and(|r| r.state == PeerState::Up && r.info.addr.ip().to_string() != at)
    });
    assert!(moved.is_some());
    assert_eq!(lan.count(a, |e| matches!(e, Event::PeerMoved { .. })), 1);
}

#[test]
fn every_address_that_a_peer_is_heard_from_is_told_the_latest_first() {
    let mut solo = Solo::new(|_| {});
    let two = ["eth0=10.0.0.1/16", "eth1=10.9.0.1/24"].map(vigie::testkit::interface);
    solo.tell(Input::Interfaces(two.to_vec()));
    let claims = |claimed: &str, sequence| Presence {
        claimed: claimed.parse().unwrap(),
        ..presence(Kind::Heartbeat, 2, sequence)
    };
    solo.hear("10.0.0.2:30000", &claims("10.0.0.2", 1));
    assert_eq!(solo.rows()[0].elsewhere, None, "there is nothing to tell");
    solo.run_for(ms(5));
    solo.hear("10.9.0.2:30000", &claims("10.9.0.2", 1));
    let elsewhere = solo.rows()[0].elsewhere.clone().expect("it was heard from another address");
    let heard: Vec<_> =
        elsewhere.heard.iter().map(|at| (at.addr.ip().to_string(), at.interface.as_deref())).collect();
    assert_eq!(heard, [("10.9.0.2".into(), Some("eth1")), ("10.0.0.2".into(), Some("eth0"))]);
    assert_eq!(elsewhere.heard[0].last - elsewhere.heard[1].last, ms(5));
    assert_eq!(elsewhere.claimed, None, "it knows both of its addresses");
}

#[test]
fn a_claim_is_told_until_the_peer_claims_the_address_that_is_seen() {
    let mut solo = Solo::new(|_| {});
    for (sequence, claimed, told) in [(1, "192.168.1.7", true), (2, "10.0.0.2", false), (3, "0.0.0.0", false)]
    {
        let claimed = claimed.parse().unwrap();
        solo.hear("10.0.0.2:30000", &Presence { claimed, ..presence(Kind::Heartbeat, 2, sequence) });
        let elsewhere = solo.rows()[0].elsewhere.clone();
        assert_eq!(elsewhere.and_then(|e| e.claimed), told.then_some(claimed));
    }
}

#[test]
fn an_echo_is_never_answered() {
    for kind in [Kind::Hello, Kind::Heartbeat] {
        let mut solo = Solo::new(|_| {});
        solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
        solo.sent.clear();
        let echo = Some(vigie::engine::Nonce(9));
        solo.hear("10.0.0.2:30000", &Presence { echo, ..presence(kind, 2, 2) });
        assert!(solo.sent.is_empty(), "{kind:?}");
    }
}

#[test]
fn the_same_interfaces_in_another_order_are_no_change() {
    let mut solo = Solo::new(|_| {});
    let two = ["eth0=10.0.0.1/16", "eth1=10.9.0.1/24"].map(vigie::testkit::interface);
    solo.tell(Input::Interfaces(two.to_vec()));
    solo.run_for(secs(20));
    solo.sent.clear();
    solo.tell(Input::Interfaces(two.iter().rev().cloned().collect()));
    assert!(solo.sent.is_empty());
}

/// Three hosts of which the first two are copies of one machine: the same identity and the same next random numbers.
fn copies(lan: &mut Lan) -> [vigie::testkit::HostId; 3] {
    let other = lan.host("10.0.0.3/24");
    lan.run_for(secs(5));
    let original = lan.host("10.0.0.1/24");
    let config = lan.hosts[original.0].config.clone();
    lan.run_for(secs(12));
    let copy = lan.host_with(&["10.0.0.2/24"], |own| {
        (own.id, own.incarnation, own.seed) = (config.id, config.incarnation, config.seed);
    });
    [original, copy, other]
}

#[test]
fn two_copies_of_one_machine_become_two_nodes_and_nobody_is_accused() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        let [original, copy, other] = copies(&mut lan);
        lan.run_for(secs(2));
        let renewed: usize = [original, copy]
            .map(|host| lan.count(host, |e| matches!(e, Event::IdChanged { .. })))
            .iter()
            .sum();
        assert!(renewed >= 1, "seed {seed}");
        lan.run_until(secs(20), |lan| lan.everybody_is(PeerState::Up)).expect("all three know each other");
        for host in [original, copy, other] {
            lan.run_for(secs(60));
            let accused =
                lan.count(host, |e| matches!(e, Event::Diagnosis(finding) if finding.verdict != Verdict::Ok));
            assert_eq!(accused, 0, "seed {seed}");
        }
        lan.invariants();
    }
}
