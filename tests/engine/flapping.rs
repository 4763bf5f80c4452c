//! A host that comes and goes is one trouble, and not one each time.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vigie::engine::event::Event;
use vigie::engine::limits::FLAPS_WITHIN;
use vigie::engine::verdict::{Finding, Verdict};

use vigie::testkit::{HostId, Lan, Tcp, secs};

use crate::one_host::{inbound, outbound};

const OUT: Duration = secs(6);
const IN: Duration = secs(9);

/// A host is cut off and reached again, so many times.
fn come_and_go(lan: &mut Lan, host: HostId, times: usize) {
    for _ in 0..times {
        inbound(lan, host, |link| (link.udp, link.tcp) = (false, Tcp::Dropped));
        outbound(lan, host, |link| (link.udp, link.tcp) = (false, Tcp::Dropped));
        lan.run_for(OUT);
        lan.mend();
        lan.run_for(IN);
    }
}

/// What a host told since then.
fn told(lan: &Lan, by: HostId, since: Duration) -> Vec<&Finding> {
    let logged = lan.log.iter().filter(|logged| logged.host == by && logged.at >= since);
    let findings = logged.filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => Some(&**finding),
        _ => None,
    });
    findings.collect()
}

#[test]
fn a_host_that_comes_and_goes_is_one_finding_that_ends_after_a_quiet_minute() {
    for seed in 0..4 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(5);
        lan.run_for(secs(40));
        come_and_go(&mut lan, hosts[1], 3);
        let since = lan.elapsed();
        come_and_go(&mut lan, hosts[1], 3);
        let quiet = lan.elapsed();
        for by in hosts.iter().filter(|host| **host != hosts[1]) {
            let flaps = told(&lan, *by, Duration::ZERO);
            let flaps: Vec<_> = flaps.iter().filter(|found| found.verdict == Verdict::Flapping).collect();
            assert_eq!(flaps.len(), 1, "seed {seed}: {flaps:?}");
            assert_eq!(flaps[0].peer.name, lan.hosts[1].config.name);
            let more = told(&lan, *by, since);
            assert!(more.is_empty(), "seed {seed}: one finding is enough: {more:?}");
        }
        lan.run_for(FLAPS_WITHIN + secs(20));
        for by in hosts.iter().filter(|host| **host != hosts[1]) {
            let over = told(&lan, *by, quiet);
            assert_eq!(
                over.iter().map(|found| found.verdict).collect::<Vec<_>>(),
                [Verdict::Ok],
                "seed {seed}"
            );
        }
    }
}

#[test]
fn a_host_to_which_all_others_come_and_go_blames_itself_and_of_two_neither_is_blamed() {
    for (hosts, seed) in [(2, 7), (5, 7), (5, 1), (5, 2), (3, 3), (4, 4)] {
        let mut lan = Lan::new(seed);
        let all = lan.hosts(hosts);
        lan.run_for(secs(40));
        come_and_go(&mut lan, all[1], 4);
        let own = told(&lan, all[1], Duration::ZERO);
        let own: Vec<_> = own.iter().filter(|found| found.verdict == Verdict::Flapping).collect();
        assert!(!own.is_empty(), "{hosts} hosts, seed {seed}: it says so");
        for found in own {
            let names: Vec<&str> = found.names.iter().map(String::as_str).collect();
            // One end or the other; else this machine itself.
            let expected: &[&str] = if hosts == 2 { &["h0", "h1"] } else { &["h1"] };
            assert_eq!(names, expected, "{hosts} hosts, seed {seed}");
        }
    }
}

#[test]
fn a_host_that_does_not_come_back_is_down() {
    let mut lan = Lan::new(3);
    let hosts = lan.hosts(4);
    lan.run_for(secs(40));
    come_and_go(&mut lan, hosts[1], 3);
    lan.switch_off(hosts[1]);
    lan.run_for(secs(60));
    for by in [0, 2, 3].map(|nth| hosts[nth]) {
        let told = told(&lan, by, Duration::ZERO);
        let last = told.iter().rev().find(|found| found.verdict != Verdict::Ok);
        assert_eq!(last.map(|found| found.verdict), Some(Verdict::HostDown));
    }
}

/// Packets of all are lost: 30 % on each way. Then an attempt of a dial has no answer once in eight times, whatever is sent again.
#[test]
fn whose_packets_are_lost_by_chance_does_not_come_and_go() {
    let mut lan = Lan::new(1);
    let hosts = lan.hosts(5);
    lan.link.loss = 0.3;
    let mut rng = StdRng::seed_from_u64(1);
    for _ in 0..600 {
        lan.heal();
        for (from, to) in hosts.iter().flat_map(|from| hosts.iter().map(move |to| (*from, *to))) {
            if rng.random_bool(0.13) {
                lan.towards(from, to, |link| link.tcp = Tcp::DroppedSyn);
            }
        }
        lan.run_for(secs(1));
    }
    for by in &hosts {
        let told = told(&lan, *by, Duration::ZERO);
        let flaps: Vec<_> = told.iter().filter(|found| found.verdict == Verdict::Flapping).collect();
        assert!(flaps.is_empty(), "{by:?}: {flaps:?}");
    }
}
