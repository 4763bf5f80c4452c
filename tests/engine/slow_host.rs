//! A host that answers late, for its process is stopped and going: one trouble, whatever it looks like at a moment.

use std::collections::BTreeSet;
use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::limits::SLOW_LASTS;
use vigie::engine::verdict::{Finding, Verdict};

use vigie::testkit::{HostId, Lan, ms, secs};

/// By then it must be told: some of its standstills must be met by an echo and a dial.
const TOLD_WITHIN: Duration = secs(16);

/// A network that has run for a while.
fn network(seed: u64, hosts: usize) -> (Lan, Vec<HostId>) {
    let mut lan = Lan::new(seed);
    let hosts = lan.hosts(hosts);
    lan.run_for(secs(40));
    (lan, hosts)
}

/// Who told what since then, in the order of telling.
fn told(lan: &Lan, since: Duration) -> Vec<(HostId, Finding)> {
    let logged = lan.log.iter().filter(|logged| logged.at >= since);
    let findings = logged.filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => Some((logged.host, (**finding).clone())),
        _ => None,
    });
    findings.collect()
}

/// Who has told what of whom since then.
fn verdicts(lan: &Lan, since: Duration) -> BTreeSet<(HostId, String, Verdict)> {
    told(lan, since).into_iter().map(|(by, found)| (by, found.peer.name.clone(), found.verdict)).collect()
}

fn slow(by: &[HostId]) -> BTreeSet<(HostId, String, Verdict)> {
    by.iter().map(|by| (*by, "h1".to_owned(), Verdict::SlowHost)).collect()
}

#[test]
fn a_host_that_is_stopped_and_going_is_told_as_slow_by_all_and_by_itself_and_as_nothing_else() {
    for (stopped, going) in [(ms(1_500), ms(500)), (ms(2_500), ms(500)), (secs(4), secs(1))] {
        for seed in 0..3 {
            let (mut lan, hosts) = network(seed, 5);
            let begin = lan.elapsed();
            lan.starve(hosts[1], stopped, going);
            let others: Vec<HostId> = hosts.iter().copied().filter(|host| *host != hosts[1]).collect();
            let all_tell = |lan: &Lan| verdicts(lan, begin).is_superset(&slow(&others));
            let took = lan.run_until(TOLD_WITHIN, all_tell);
            let said = verdicts(&lan, begin);
            assert!(took.is_some(), "seed {seed}, {stopped:?}: {said:?}");
            lan.run_for(secs(60));
            assert_eq!(verdicts(&lan, begin), slow(&hosts), "seed {seed}, {stopped:?}: nothing else");
            assert_eq!(told(&lan, begin).len(), hosts.len(), "seed {seed}, {stopped:?}: once each");

            let end = lan.elapsed();
            lan.mend();
            lan.run_for(SLOW_LASTS + secs(10));
            let over = verdicts(&lan, end);
            let expected = hosts.iter().map(|by| (*by, "h1".to_owned(), Verdict::Ok)).collect();
            assert_eq!(over, expected, "seed {seed}, {stopped:?}: it is over");
            lan.run_for(secs(60));
            assert_eq!(told(&lan, end).len(), hosts.len(), "seed {seed}, {stopped:?}: for good");
        }
    }
}

#[test]
fn of_two_hosts_the_slow_one_is_told() {
    for seed in 0..3 {
        let (mut lan, hosts) = network(seed, 2);
        let begin = lan.elapsed();
        lan.starve(hosts[1], ms(1_500), ms(500));
        lan.run_for(secs(60));
        assert_eq!(verdicts(&lan, begin), slow(&hosts), "seed {seed}");
    }
}

#[test]
fn what_most_others_seem_to_do_is_told_of_none_of_them() {
    for seed in 0..3 {
        let (mut lan, hosts) = network(seed, 5);
        let begin = lan.elapsed();
        for (host, stopped) in hosts[1..4].iter().zip([1_500, 1_700, 1_900]) {
            lan.starve(*host, ms(stopped), ms(500));
        }
        lan.run_for(secs(60));
        let healthy = [hosts[0], hosts[4]];
        let said = verdicts(&lan, begin + secs(30));
        let accused: Vec<_> = said.iter().filter(|(by, ..)| healthy.contains(by)).collect();
        assert!(accused.iter().all(|(_, _, verdict)| *verdict == Verdict::Ok), "seed {seed}: {accused:?}");
    }
}

#[test]
fn a_slow_host_that_answers_no_more_hangs() {
    for seed in 0..3 {
        let (mut lan, hosts) = network(seed, 5);
        lan.starve(hosts[1], ms(1_500), ms(500));
        lan.run_for(secs(40));
        lan.pause(hosts[1]);
        let hangs = lan.elapsed();
        lan.run_for(secs(40));
        for by in hosts.iter().filter(|host| **host != hosts[1]) {
            let told = told(&lan, hangs);
            let last = told.iter().rfind(|(host, _)| host == by).map(|(_, finding)| finding.verdict);
            assert_eq!(last, Some(Verdict::HungPeer), "seed {seed}");
        }
    }
}

#[test]
fn neither_one_standstill_nor_a_long_way_nor_loss_makes_a_slow_host() {
    type Fault = fn(&mut Lan, &[HostId]);
    let faults: [(&str, Fault); 5] = [
        ("one standstill", |lan, hosts| {
            lan.pause(hosts[1]);
            lan.run_for(secs(3));
            lan.resume(hosts[1]);
        }),
        ("a long way", |lan, hosts| {
            lan.between(hosts[0], hosts[1], |link| link.latency = (ms(180), ms(220)));
        }),
        ("a longer one", |lan, hosts| {
            lan.between(hosts[0], hosts[1], |link| link.latency = (ms(380), ms(420)));
        }),
        ("a way of any length", |lan, hosts| {
            lan.between(hosts[0], hosts[1], |link| link.latency = (ms(1), ms(900)));
        }),
        ("loss", |lan, _| lan.link.loss = 0.2),
    ];
    for (name, fault) in faults {
        for seed in 0..3 {
            let (mut lan, hosts) = network(seed, 4);
            fault(&mut lan, &hosts);
            lan.run_for(secs(120));
            let said = verdicts(&lan, Duration::ZERO);
            assert!(said.iter().all(|(_, _, said)| *said != Verdict::SlowHost), "{name}, {seed}: {said:?}");
            assert!(said.is_empty() || name != "a long way", "{name}, {seed}: {said:?}");
        }
    }
}
