//! Who is alive, who is not, and that nobody is accused wrongly.

use std::time::Duration;

use vigie::engine::cause::Cause;
use vigie::engine::event::Event;
use vigie::engine::limits::LEFT_KEPT;
use vigie::engine::peers::{LeaveReason, PeerState};
use vigie::engine::verdict::{Confidence, Pattern, Verdict};
use vigie::proto::presence::Kind;

use vigie::testkit::{Lan, Solo, Tcp, ms, presence, secs};

/// Changes to a state that says something bad of a peer.
fn accusations(lan: &Lan) -> Vec<String> {
    let bad = |l: &&vigie::testkit::Logged| {
        matches!(l.event, Event::PeerLeft { .. } | Event::DialGaveUp { .. } | Event::DialFailed { .. })
            || matches!(l.event, Event::PeerState { to, .. } if !matches!(to, PeerState::New | PeerState::Up))
    };
    lan.log.iter().filter(bad).map(|l| format!("{:?} {:?}: {:?}", l.at, l.host, l.event)).collect()
}

/// What is told of a live host that it is gone or at fault, and not that packets are lost.
fn false_alarms(lan: &Lan) -> Vec<String> {
    let is_one = |event: &Event| match event {
        Event::PeerLeft { .. } | Event::DialGaveUp { .. } => true,
        Event::PeerState { to, .. } => !matches!(to, PeerState::New | PeerState::Up | PeerState::Retrying),
        Event::Diagnosis(found) => !matches!(found.verdict, Verdict::Ok | Verdict::PacketLoss),
        _ => false,
    };
    lan.log
        .iter()
        .filter(|l| is_one(&l.event))
        .map(|l| format!("{:?} {:?}: {:?}", l.at, l.host, l.event))
        .collect()
}

/// A dial that loses so many packets fails now and then, and is retried. Of all the pairs, one may lose several attempts one after the
/// other: then it is told as likely, and no host is accused.
#[test]
fn nobody_is_accused_while_a_third_of_all_packets_is_lost() {
    let mut by_chance = 0;
    for seed in 0..6 {
        let mut lan = Lan::new(seed);
        lan.link.loss = 0.3;
        lan.hosts(10);
        // Who has not proved its address yet is dialed once.
        lan.run_for(secs(30));
        lan.forget_the_log();
        lan.run_for(secs(600));
        let failed = lan.log.iter().filter(|l| matches!(l.event, Event::DialFailed { .. })).count();
        assert!(failed > 100, "seed {seed}: {failed} attempts failed");
        let one_pair = |event: &Event| {
            let Event::Diagnosis(found) = event else { return false };
            (found.verdict, found.pattern, found.confidence)
                == (Verdict::OneWayTcp, Pattern::Pair, Confidence::Likely)
        };
        by_chance += lan.log.iter().filter(|l| one_pair(&l.event)).count();
        lan.log.retain(|l| !one_pair(&l.event));
        let alarms = false_alarms(&lan);
        assert!(alarms.is_empty(), "seed {seed}: {:#?}", &alarms[..alarms.len().min(5)]);
        lan.invariants();
    }
    assert!(by_chance <= 2, "{by_chance} of 540 pairs in ten minutes");
}

/// A host that loses 80 % of what comes in, as in the evaluation of Rapid (Suresh et al., ATC 2018, section 7).
#[test]
fn who_loses_nearly_all_packets_is_told_and_accuses_nobody() {
    for seed in 0..3 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(10);
        lan.run_for(secs(40));
        lan.forget_the_log();
        for from in &hosts[1..] {
            lan.towards(*from, hosts[0], |link| link.loss = 0.8);
        }
        lan.run_for(secs(600));
        let accused: Vec<_> = (lan.log.iter())
            .filter_map(|l| match &l.event {
                Event::Diagnosis(found) if found.verdict != Verdict::Ok => Some((l, found)),
                _ => None,
            })
            .filter(|(_, found)| found.peer.name != "h0")
            .map(|(l, found)| format!("{:?} {:?}: {:?} {:?}", l.at, l.host, found.verdict, found.evidence))
            .collect();
        assert!(accused.is_empty(), "seed {seed}: {:#?}", &accused[..accused.len().min(5)]);
        lan.invariants();
    }
}

#[test]
fn a_goodbye_is_one_farewell_and_late_datagrams_do_not_revive() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        lan.link.late = (0.5, ms(400));
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(20) + ms(seed * 900));
        lan.quit(b);
        lan.run_for(secs(30));
        lan.kill(b);
        assert_eq!(lan.entered(a, b, PeerState::Left).len(), 1);
        let farewells = lan.count(a, |e| matches!(e, Event::PeerLeft { reason: LeaveReason::Goodbye, .. }));
        assert_eq!(farewells, 1, "seed {seed}");
        assert_eq!(lan.state(a, b), Some(PeerState::Left));
        lan.run_for(LEFT_KEPT);
        assert!(!lan.knows(a, b), "the row is gone in the end");
        let farewells = lan.count(a, |e| matches!(e, Event::PeerLeft { .. }));
        assert_eq!(farewells, 1, "and nobody tells twice that it left");
    }
}

#[test]
fn a_copy_of_an_older_round_that_is_late_on_a_second_link_revives_nobody() {
    use vigie::engine::api::Input;
    let mut solo = Solo::new(|_| {});
    let two = ["eth0=10.0.0.1/16", "wlan0=10.9.0.1/24"].map(vigie::testkit::interface);
    solo.tell(Input::Interfaces(two.to_vec()));
    for from in ["10.0.0.2:30000", "10.9.0.2:30000"] {
        solo.hear(from, &presence(Kind::Heartbeat, 2, 1));
    }
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    solo.hear("10.0.0.2:30000", &presence(Kind::Goodbye, 2, 3));
    solo.hear("10.9.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    assert_eq!(solo.rows()[0].state, PeerState::Left);
    solo.hear("10.9.0.2:30000", &presence(Kind::Hello, 2, 4));
    assert_eq!(solo.rows()[0].state, PeerState::New, "but a newer word does");
}

#[test]
fn a_peer_that_left_comes_back() {
    for new_id in [true, false] {
        let mut lan = Lan::new(4);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(20));
        lan.quit(b);
        lan.run_for(secs(5));
        lan.restart(b, |c| {
            c.incarnation.0 += 1_000;
            if new_id {
                c.id.0 += 1_000;
            }
        });
        lan.run_until(secs(3), |lan| lan.everybody_is(PeerState::Up)).expect("up again");
        let named_left = lan.state(a, b);
        assert_eq!(named_left, Some(PeerState::Up));
    }
}

#[test]
fn a_host_that_is_switched_off_is_silent_in_time() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(30) + ms(seed * 1_300));
        let last_word = lan
            .sent
            .iter()
            .filter(|s| s.host == b)
            .map(|s| s.at)
            .chain(lan.log.iter().filter(|l| matches!(l.event, Event::DialSucceeded { .. })).map(|l| l.at))
            .max()
            .unwrap();
        lan.switch_off(b);
        lan.run_for(secs(60));
        let silent = lan.entered(a, b, PeerState::Silent);
        assert_eq!(silent.len(), 1, "seed {seed}");
        let took = silent[0] - last_word;
        assert!((secs(15) - ms(2)..=secs(20)).contains(&took), "seed {seed}: {took:?}");
    }
}

#[test]
fn a_peer_whose_datagrams_are_blocked_stays_up() {
    for seed in 0..5 {
        let mut lan = Lan::new(seed);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(30));
        lan.between(a, b, |l| l.udp = false);
        lan.run_for(secs(600));
        assert_eq!(accusations(&lan), Vec::<String>::new());
        assert!(lan.everybody_is(PeerState::Up));
    }
}

#[test]
fn a_peer_whose_connections_are_blocked_is_unreachable_and_never_silent() {
    for (seed, tcp) in [(1, Tcp::Dropped), (2, Tcp::Rejected), (3, Tcp::Dropped)] {
        let mut lan = Lan::new(seed);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(30));
        lan.between(a, b, |l| l.tcp = tcp);
        lan.run_for(secs(600));
        for (x, y) in [(a, b), (b, a)] {
            assert_eq!(lan.entered(x, y, PeerState::Silent), [Duration::ZERO; 0]);
            assert_eq!(lan.state(x, y), Some(PeerState::Unreachable));
            assert_eq!(lan.entered(x, y, PeerState::Retrying).len(), 1, "no flapping");
        }
        lan.heal();
        lan.run_until(secs(20), |lan| lan.everybody_is(PeerState::Up)).expect("up again");
    }
}

#[test]
fn a_peer_that_can_only_dial_us_is_unreachable_and_not_silent() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.between(a, b, |l| l.udp = false);
    lan.towards(a, b, |l| l.tcp = Tcp::Rejected);
    lan.run_for(secs(300));
    assert_eq!(lan.entered(a, b, PeerState::Silent), [Duration::ZERO; 0], "its dials are signs of life");
    assert_eq!(lan.state(b, a), Some(PeerState::Up));
}

#[test]
fn a_word_that_comes_while_the_confirming_dial_runs_acquits() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.echo("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    solo.run_for(ms(100));
    let (_, dial, _) = solo.dials.pop().unwrap();
    solo.answer(dial, 2, 1_000);
    // Answer all regular dials until the one that confirms.
    while solo.dials.last().is_none_or(|d| d.0 < secs(14)) {
        solo.run_for(ms(10));
        if let Some((at, dial, _)) = solo.dials.last().copied().filter(|d| d.0 < secs(14)) {
            solo.dials.pop();
            assert!(at < secs(14));
            solo.answer(dial, 2, 1_000);
            solo.dials.clear();
        }
    }
    let (_, dial, _) = solo.dials.pop().unwrap();
    solo.run_for(secs(15));
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 3));
    solo.fail(dial, Cause::TimedOut);
    assert_eq!(solo.rows()[0].state, PeerState::Retrying, "it was heard just now");
}

#[test]
fn a_network_that_falls_apart_and_heals_is_all_up_within_two_dial_intervals() {
    for seed in 0..5 {
        for apart in [secs(20), secs(300)] {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(8);
            lan.run_for(secs(30));
            let (one, other) = hosts.split_at(3);
            lan.partition(one, other);
            lan.run_for(apart);
            lan.heal();
            let took = lan.run_until(secs(20), |lan| lan.everybody_is(PeerState::Up));
            assert!(took.is_some(), "seed {seed} {apart:?}");
            lan.invariants();
        }
    }
}

#[test]
fn a_process_that_stood_still_accuses_nobody() {
    for stood in [secs(3), secs(20), secs(120), secs(3_000)] {
        for seed in 0..5 {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(5);
            lan.run_for(secs(30) + ms(seed * 1_700));
            lan.pause(hosts[0]);
            lan.run_for(stood);
            lan.forget_the_log();
            lan.resume(hosts[0]);
            lan.run_for(secs(60));
            let accused = accusations(&lan);
            let ours: Vec<_> = accused
                .iter()
                .filter(|a| a.contains("HostId(0):") && (a.contains("to: Silent") || a.contains("PeerLeft")))
                .collect();
            assert!(ours.is_empty(), "{stood:?} seed {seed}: {ours:#?}");
            assert!(lan.everybody_is(PeerState::Up), "{stood:?} seed {seed}");
            lan.invariants();
        }
    }
}

#[test]
fn a_clock_that_jumps_accuses_nobody() {
    let mut solo = Solo::new(|_| {});
    let mut sequence = 0;
    let mut say = |solo: &mut Solo| {
        sequence += 1;
        solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, sequence));
    };
    say(&mut solo);
    for _ in 0..4 {
        solo.run_for(secs(5));
        say(&mut solo);
    }
    // Nothing ticks for an hour; then the clock is an hour later.
    solo.now += secs(3_600);
    solo.tell(vigie::engine::api::Input::Tick);
    solo.run_for(secs(4));
    say(&mut solo);
    solo.run_for(secs(5));
    assert_eq!(solo.count(|e| matches!(e, Event::PeerState { to: PeerState::Silent, .. })), 0);
}

#[test]
fn a_hung_peer_has_no_reply_and_is_not_silent_at_once() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.forget_the_log();
    lan.pause(b);
    lan.run_for(secs(33));
    assert!(lan.count(a, |e| matches!(e, Event::DialFailed { cause: Cause::NoReply, .. })) > 0);
    // Three periods after the last presence, which was at most one jittered period before the pause.
    assert!(lan.entered(a, b, PeerState::Silent).iter().all(|at| *at > secs(30 + 9)));
    assert_eq!(lan.state(a, b), Some(PeerState::Silent), "then it is");
    lan.resume(b);
    lan.run_until(secs(10), |lan| lan.everybody_is(PeerState::Up)).expect("up again");
}

#[test]
fn a_silent_peer_that_stays_away_leaves_the_table_after_an_hour() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.switch_off(b);
    lan.forget_the_log();
    lan.run_for(secs(3_590));
    assert!(lan.knows(a, b));
    lan.run_for(secs(60));
    assert!(!lan.knows(a, b));
    assert_eq!(lan.count(a, |e| matches!(e, Event::PeerLeft { reason: LeaveReason::Expired, .. })), 1);
    lan.invariants();
}

#[test]
fn two_hundred_nodes_that_start_together_settle() {
    let mut lan = Lan::new(1);
    lan.record = false;
    lan.hosts(200);
    let took = lan
        .run_until(secs(30), |lan| lan.elapsed().as_millis() % 500 == 0 && lan.everybody_is(PeerState::Up));
    assert!(took.is_some());
    lan.invariants();
}

#[test]
fn six_hundred_nodes_that_start_together_all_know_each_other_and_come_up() {
    let mut lan = Lan::new(1);
    lan.record = false;
    lan.hosts(600);
    lan.run_for(ms(600));
    for host in &lan.hosts {
        assert_eq!(host.engine.snapshot(lan.now).peers.len(), 599);
    }
    let ups = |lan: &Lan| {
        let rows = lan.hosts.iter().step_by(100).flat_map(|h| h.engine.snapshot(lan.now).peers);
        rows.filter(|r| r.state == PeerState::Up).count()
    };
    let before = ups(&lan);
    lan.run_for(ms(900));
    // At 50 dials a second each, all of them take twelve seconds.
    assert!(ups(&lan) > before + 150, "{} of {before}", ups(&lan));
    lan.hosts[0].engine.check_invariants();
}

#[test]
fn a_goodbye_heard_twice_dials_nobody() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    for sequence in 2..5 {
        solo.hear("10.0.0.2:30000", &presence(Kind::Goodbye, 2, sequence));
    }
    solo.run_for(secs(100));
    assert_eq!(solo.dials, []);
}
