//! This machine's own packet filter, whose rules are read when anything fails.

use std::collections::BTreeSet;
use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::packet_filter::{BlockingRule, Direction, Traffic};
use vigie::engine::verdict::{Advice, Verdict};
use vigie::testkit::{HostId, Lan, Link, Tcp, blocking_rule, ms, secs};

/// Two dial intervals and the dial timeout.
const IN_TIME: Duration = Duration::from_secs(24);

/// What a rule at one end does to what goes in its direction.
type Effect = fn(&mut Link);

/// What a host said, of whom, and whether the exact remedy was advised.
fn ever(lan: &Lan, host: HostId) -> BTreeSet<(String, Verdict, bool)> {
    let mine = lan.log.iter().filter(|logged| logged.host == host);
    mine.filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => {
            let exact = matches!(finding.advice, Advice::LetThrough { .. });
            Some((finding.peer.name.clone(), finding.verdict, exact))
        }
        _ => None,
    })
    .collect()
}

/// Lets the second of so many hosts have a rule, and tells what it said until the rule had been gone for a minute.
fn said_behind(
    rule: &BlockingRule,
    effect: Effect,
    n: usize,
    seed: u64,
) -> BTreeSet<(String, Verdict, bool)> {
    let mut lan = Lan::new(seed);
    let hosts = lan.hosts(n);
    let blocked = hosts[1];
    lan.run_for(secs(40) + ms(seed * 731 % 10_000));
    lan.hosts[blocked.0].blocking = vec![rule.clone()];
    for other in hosts.iter().filter(|host| **host != blocked) {
        match rule.direction {
            Direction::In => lan.towards(*other, blocked, effect),
            Direction::Out => lan.towards(blocked, *other, effect),
        }
    }
    lan.run_for(IN_TIME);
    let said = ever(&lan, blocked);
    lan.hosts[blocked.0].blocking.clear();
    lan.heal();
    lan.run_for(secs(60));
    let end = ever(&lan, blocked);
    let resolved = end.iter().any(|(who, verdict, _)| who == "h1" && *verdict == Verdict::Ok);
    assert!(resolved, "of {n}, seed {seed}: not withdrawn: {end:?}");
    assert!(end.iter().all(|(who, ..)| who == "h1"), "of {n}, seed {seed}: {end:?}");
    said
}

#[test]
fn a_host_behind_its_own_firewall_blames_itself_alone_and_says_which_rule_to_add() {
    let rule =
        |direction, stops: &[Traffic]| BlockingRule { direction, stops: stops.to_vec(), ..blocking_rule() };
    let all = [Traffic::Tcp, Traffic::Unicast, Traffic::Broadcast];
    let cases: [(BlockingRule, Effect, &[Verdict]); 5] = [
        (rule(Direction::In, &all[..1]), |link| link.tcp = Tcp::DroppedSyn, &[Verdict::FirewallDrop]),
        (rule(Direction::In, &all[..1]), |link| link.tcp = Tcp::Rejected, &[Verdict::FirewallReject]),
        (rule(Direction::Out, &all[..1]), |link| link.tcp = Tcp::DroppedSyn, &[Verdict::FirewallDrop]),
        (rule(Direction::In, &all[1..]), |link| link.udp = false, &[Verdict::OneWayUdp]),
        (
            rule(Direction::In, &all),
            |link| (link.udp, link.tcp) = (false, Tcp::DroppedSyn),
            &[Verdict::FirewallDrop, Verdict::OneWayUdp],
        ),
    ];
    for (nth, (rule, effect, expected)) in cases.into_iter().enumerate() {
        for n in [2, 3, 5] {
            for seed in 0..8 {
                let said = said_behind(&rule, effect, n, seed);
                let right = |(who, verdict, exact): &(String, Verdict, bool)| {
                    who == "h1" && expected.contains(verdict) && *exact
                };
                assert!(said.iter().any(right), "case {nth} of {n}, seed {seed}: {said:?}");
            }
        }
    }
}

#[test]
fn what_a_firewall_stops_is_told_once_and_in_the_words_that_hold_for_all_of_it() {
    let all = [Traffic::Tcp, Traffic::Unicast, Traffic::Broadcast];
    let rule = BlockingRule { direction: Direction::In, stops: all.to_vec(), ..blocking_rule() };
    for seed in 0..8 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(4);
        lan.run_for(secs(40) + ms(seed * 731 % 10_000));
        lan.hosts[1].blocking = vec![rule.clone()];
        for other in hosts.iter().filter(|host| host.0 != 1) {
            lan.towards(*other, hosts[1], |link| (link.udp, link.tcp) = (false, Tcp::DroppedSyn));
        }
        lan.run_for(secs(60));
        lan.hosts[1].blocking.clear();
        lan.heal();
        lan.run_for(secs(60));
        for host in &hosts {
            let told = lan.log.iter().filter(|logged| logged.host == *host);
            let told = told.filter_map(|logged| match &logged.event {
                Event::Diagnosis(finding) => Some(finding.to_string()),
                _ => None,
            });
            let told: Vec<String> = told.collect();
            let [first, over] = &told[..] else { panic!("seed {seed}, {host:?}: {told:#?}") };
            assert!(
                first.starts_with("h1: a firewall drops TCP and UDP; "),
                "seed {seed}, {host:?}: {told:#?}"
            );
            assert_eq!(over, "h1: resolved", "seed {seed}, {host:?}");
        }
    }
}
