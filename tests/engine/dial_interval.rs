//! A person sets how often peers are dialed while the node runs: the dials follow, and nobody is accused because of it.

use vigie::engine::api::Command;
use vigie::engine::config::DialInterval;
use vigie::engine::event::Event;
use vigie::engine::verdict::Verdict;

use vigie::testkit::{Lan, Logged, ms, secs};

/// Networks for each of the changes.
const RUNS: u64 = 3;

fn every(seconds: u64) -> DialInterval {
    DialInterval::Every(secs(seconds))
}

/// What is said in a network without a fault, of which one or all hosts are set otherwise one after the other.
fn said(seed: u64, changes: &[DialInterval], by_all: bool) -> Vec<String> {
    let mut lan = Lan::new(seed);
    lan.link.late = (0.02, ms(20));
    let hosts = lan.hosts(3 + usize::try_from(seed % 4).unwrap());
    lan.run_for(secs(25) + ms(seed * 137 % 10_000));
    for change in changes {
        for host in hosts.iter().take(if by_all { hosts.len() } else { 1 }) {
            lan.command(*host, Command::SetDialInterval(*change));
        }
        lan.run_for(secs(60));
    }
    let named = |logged: &Logged| lan.hosts[logged.host.0].config.name.clone();
    let findings = lan.log.iter().filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) if finding.verdict != Verdict::Ok => {
            Some(format!("{seed} {changes:?} {:?}: {} says {finding}", logged.at, named(logged)))
        }
        _ => None,
    });
    findings.collect()
}

#[test]
fn whatever_is_set_while_nothing_is_wrong_nobody_is_accused() {
    let auto = DialInterval::Auto;
    for changes in [
        &[every(1), every(60), auto][..],
        &[every(60), every(2), auto],
        &[every(300), every(1)],
        &[DialInterval::Every(ms(300)), every(30)],
    ] {
        for (seed, by_all) in (0..RUNS).flat_map(|seed| [(seed, false), (seed, true)]) {
            assert_eq!(said(seed, changes, by_all), Vec::<String>::new());
        }
    }
}

#[test]
fn a_shorter_period_counts_at_once_and_a_longer_one_from_the_next_dial_on() {
    let mut lan = Lan::new(7);
    let hosts = lan.hosts(4);
    lan.run_for(secs(60));
    let dials = |lan: &mut Lan, seconds| {
        lan.forget_the_log();
        lan.run_for(secs(seconds));
        lan.count(hosts[0], |event| matches!(event, Event::DialStarted { .. }))
    };
    assert_eq!(dials(&mut lan, 60), 18, "every ten seconds each of three");
    lan.command(hosts[0], Command::SetDialInterval(every(2)));
    let soon = dials(&mut lan, 20);
    assert!((28..=33).contains(&soon), "{soon}");
    lan.command(hosts[0], Command::SetDialInterval(every(30)));
    let later = dials(&mut lan, 120);
    assert!((12..=15).contains(&later), "{later}");
    lan.command(hosts[0], Command::SetDialInterval(DialInterval::Auto));
    let usual = dials(&mut lan, 60);
    assert!((18..=21).contains(&usual), "{usual}");
}

#[test]
fn the_node_says_how_often_it_dials_now_and_finds_a_fault_as_before() {
    let mut lan = Lan::new(3);
    let hosts = lan.hosts(4);
    lan.run_for(secs(40));
    lan.command(hosts[0], Command::SetDialInterval(every(2)));
    lan.command(hosts[0], Command::RequestSnapshot);
    lan.run_for(secs(20));
    let told =
        |event: &Event| matches!(event, Event::Snapshot(snapshot) if snapshot.node.dial_interval == every(2));
    assert_eq!(lan.count(hosts[0], told), 1);
    lan.switch_off(hosts[2]);
    lan.run_for(secs(40));
    let found =
        |event: &Event| matches!(event, Event::Diagnosis(finding) if finding.verdict == Verdict::HostDown);
    assert!(lan.count(hosts[0], found) > 0);
}
