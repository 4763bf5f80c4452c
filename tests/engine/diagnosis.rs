//! Faults whose truth is known, and what every node says of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vigie::engine::api::{Icmp, Input};
use vigie::engine::config::{Config, DialInterval};
use vigie::engine::event::Event;
use vigie::engine::peers::DialPhase;
use vigie::engine::verdict::{Finding, Pattern, Verdict};

use vigie::testkit::{HostId, Lan, Tcp, ms, secs};

/// Two dial intervals and the dial timeout: within that a verdict must be there.
const IN_TIME: Duration = Duration::from_secs(24);

/// What a finding rests on.
fn words(finding: &Finding) -> String {
    let seen: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
    seen.join("; ")
}

/// What a host holds to be wrong now, by whom it accuses.
fn told(lan: &Lan, host: HostId) -> BTreeMap<String, Finding> {
    let mut told = BTreeMap::new();
    for logged in lan.log.iter().filter(|logged| logged.host == host) {
        if let Event::Diagnosis(finding) = &logged.event {
            finding.replaces.and_then(|id| told.remove(&id));
            match finding.verdict {
                Verdict::Ok => told.remove(&finding.id),
                _ => told.insert(finding.id, (**finding).clone()),
            };
        }
    }
    told.into_values().map(|finding| (finding.peer.name.clone(), finding)).collect()
}

/// All verdicts that a host ever told: whom, what.
fn ever(lan: &Lan, host: HostId) -> Vec<(Duration, String, Verdict)> {
    let mine = lan.log.iter().filter(|logged| logged.host == host);
    mine.filter_map(|logged| match &logged.event {
        Event::Diagnosis(finding) => Some((logged.at, finding.peer.name.clone(), finding.verdict)),
        _ => None,
    })
    .collect()
}

fn network(seed: u64, n: usize) -> (Lan, Vec<HostId>) {
    let mut lan = Lan::new(seed);
    let hosts = lan.hosts(n);
    lan.run_for(secs(40) + ms(seed * 731 % 10_000));
    for host in &hosts {
        assert_eq!(ever(&lan, *host), [], "seed {seed}: a healthy network is accused");
    }
    lan.forget_the_log();
    (lan, hosts)
}

/// Makes a fault among four hosts, and checks what the first one says of the second and of nobody else; then heals it.
#[track_caller]
fn verdict_is(expected: Verdict, fault: impl Fn(&mut Lan, &[HostId]), heal: impl Fn(&mut Lan, &[HostId])) {
    verdict_within(IN_TIME, expected, fault, heal);
}

#[track_caller]
fn verdict_within(
    within: Duration,
    expected: Verdict,
    fault: impl Fn(&mut Lan, &[HostId]),
    heal: impl Fn(&mut Lan, &[HostId]),
) {
    for seed in 0..8 {
        let (mut lan, hosts) = network(seed, 4);
        let begun = lan.elapsed();
        fault(&mut lan, &hosts);
        lan.run_for(within);
        for (nth, host) in hosts.iter().enumerate().filter(|(nth, _)| [0, 2, 3].contains(nth)) {
            let said = told(&lan, *host);
            let all = ever(&lan, *host);
            let late: Vec<_> = all.iter().map(|(at, who, what)| (*at - begun, who, *what)).collect();
            let of_it = said.get("h1").map(|finding| finding.verdict);
            assert_eq!(of_it, Some(expected), "seed {seed}: h{nth} says {late:?}");
            assert_eq!(said.len(), 1, "seed {seed}: h{nth} says {late:?}");
            let wrong: Vec<_> = all.iter().filter(|(_, _, what)| *what != expected).collect();
            assert!(wrong.is_empty(), "seed {seed}: h{nth} said before: {late:?}");
        }
        heal(&mut lan, &hosts);
        lan.run_for(secs(60));
        for host in &hosts {
            let said = told(&lan, *host);
            assert!(said.is_empty(), "seed {seed}: not withdrawn by {host:?}: {:?}", ever(&lan, *host));
        }
    }
}

fn healed(lan: &mut Lan, _: &[HostId]) {
    lan.heal();
}

#[test]
fn a_killed_process_leaves_a_closed_port() {
    verdict_is(
        Verdict::ClosedPort,
        |lan, hosts| lan.kill(hosts[1]),
        |lan, hosts| lan.restart(hosts[1], |c| c.incarnation.0 += 1),
    );
}

#[test]
fn a_machine_that_is_switched_off_is_down() {
    verdict_is(
        Verdict::HostDown,
        |lan, hosts| lan.switch_off(hosts[1]),
        |lan, hosts| lan.restart(hosts[1], |c| c.incarnation.0 += 1),
    );
}

#[test]
fn a_stopped_process_is_a_hung_peer() {
    verdict_is(Verdict::HungPeer, |lan, hosts| lan.pause(hosts[1]), |lan, hosts| lan.resume(hosts[1]));
}

/// Until the first host's connection to the second stands, and nothing has come by it.
fn until_a_connection_stands(lan: &mut Lan, hosts: &[HostId]) {
    lan.link.latency = (ms(6), ms(6));
    let dials = |lan: &Lan| {
        let row = lan.row(hosts[0], hosts[1]).expect("it is known");
        matches!(row.dial, DialPhase::InFlight { .. })
    };
    lan.run_until(secs(30), dials).expect("it dials");
    lan.run_for(ms(7));
    assert!(dials(lan), "no reply came yet");
}

#[test]
fn a_machine_that_is_switched_off_after_it_accepted_a_connection_is_down_and_no_program_hangs() {
    verdict_is(
        Verdict::HostDown,
        |lan, hosts| {
            until_a_connection_stands(lan, hosts);
            lan.switch_off(hosts[1]);
        },
        |lan, hosts| lan.restart(hosts[1], |c| c.incarnation.0 += 1),
    );
}

#[test]
fn a_machine_that_is_cut_off_after_it_accepted_a_connection_is_down_and_no_program_hangs() {
    verdict_is(
        Verdict::HostDown,
        |lan, hosts| {
            until_a_connection_stands(lan, hosts);
            lan.partition(&hosts[1..2], &[hosts[0], hosts[2], hosts[3]]);
        },
        healed,
    );
}

#[test]
fn a_filter_that_drops_tcp_from_when_a_connection_stands_is_told_and_no_program_hangs() {
    verdict_is(
        Verdict::FirewallDrop,
        |lan, hosts| {
            until_a_connection_stands(lan, hosts);
            for &other in &hosts[..4] {
                lan.towards(other, hosts[1], |link| link.tcp = Tcp::Dropped);
            }
        },
        healed,
    );
}

#[test]
fn a_process_that_is_killed_after_it_accepted_a_connection_leaves_a_closed_port() {
    verdict_is(
        Verdict::ClosedPort,
        |lan, hosts| {
            until_a_connection_stands(lan, hosts);
            lan.kill(hosts[1]);
        },
        |lan, hosts| lan.restart(hosts[1], |c| c.incarnation.0 += 1),
    );
}

#[test]
fn a_process_that_is_stopped_after_it_accepted_a_connection_is_a_hung_peer() {
    verdict_is(
        Verdict::HungPeer,
        |lan, hosts| {
            until_a_connection_stands(lan, hosts);
            lan.pause(hosts[1]);
        },
        |lan, hosts| lan.resume(hosts[1]),
    );
}

#[test]
fn when_half_of_the_hosts_die_the_dead_are_named_and_no_living_one_is() {
    type End = (fn(&mut Lan, HostId), &'static [Verdict], &'static [(usize, usize)]);
    let ends: [End; 2] = [
        (Lan::kill, &[Verdict::ClosedPort], &[(4, 3), (6, 3), (6, 4), (8, 4)]),
        // Who is left alone cannot tell whether the others are off or it is cut off.
        (Lan::switch_off, &[Verdict::HostDown, Verdict::Isolated], &[(6, 3), (6, 4), (8, 4)]),
    ];
    for (end, expected, cases) in ends {
        for &(all, dead) in cases {
            for seed in 0..6 {
                let (mut lan, hosts) = network(seed, all);
                let living = &hosts[..all - dead];
                hosts[all - dead..].iter().for_each(|host| end(&mut lan, *host));
                lan.run_for(secs(90));
                for (nth, host) in living.iter().enumerate() {
                    let names: Vec<String> = (0..all - dead).map(|nth| format!("h{nth}")).collect();
                    let all = ever(&lan, *host);
                    let wrong: Vec<_> = all.iter().filter(|(_, who, _)| names.contains(who)).collect();
                    assert!(wrong.is_empty(), "{dead} died, seed {seed}: h{nth} says {all:?}");
                    let said = told(&lan, *host);
                    assert!(
                        said.values().all(|finding| expected.contains(&finding.verdict)) && !said.is_empty(),
                        "{dead} died, seed {seed}: h{nth} says {all:?}"
                    );
                }
            }
        }
    }
}

/// What goes to the second host.
fn inbound(lan: &mut Lan, hosts: &[HostId], change: impl Fn(&mut vigie::testkit::Link)) {
    for from in hosts.iter().filter(|host| **host != hosts[1]) {
        lan.towards(*from, hosts[1], &change);
    }
}

/// What the second host sends.
fn outbound(lan: &mut Lan, hosts: &[HostId], change: impl Fn(&mut vigie::testkit::Link)) {
    for to in hosts.iter().filter(|host| **host != hosts[1]) {
        lan.towards(hosts[1], *to, &change);
    }
}

#[test]
fn a_host_that_drops_connections_has_a_firewall() {
    verdict_is(Verdict::FirewallDrop, |lan, hosts| inbound(lan, hosts, |l| l.tcp = Tcp::DroppedSyn), healed);
}

/// A dial that ends just as the fault begins is told by others as one of a moment that is some tenths of a second off.
#[test]
fn of_two_hosts_both_name_the_one_that_drops_or_refuses_connections() {
    for (tcp, expected) in [
        (Tcp::DroppedSyn, Verdict::FirewallDrop),
        (Tcp::Rejected, Verdict::FirewallReject),
        (Tcp::Prohibited, Verdict::FirewallReject),
    ] {
        for seed in 0..16 {
            let (mut lan, hosts) = network(seed, 2);
            lan.towards(hosts[0], hosts[1], |link| link.tcp = tcp);
            lan.run_for(IN_TIME);
            for host in &hosts {
                let all = ever(&lan, *host);
                let said: Vec<_> = all.iter().map(|(_, who, what)| (who.as_str(), *what)).collect();
                assert_eq!(said, [("h1", expected)], "{tcp:?}, seed {seed}: {host:?} says {all:?}");
            }
            lan.heal();
            lan.run_for(secs(60));
            for host in &hosts {
                assert!(told(&lan, *host).is_empty(), "{tcp:?}, seed {seed}: not withdrawn by {host:?}");
            }
        }
    }
}

#[test]
fn a_dial_that_ended_as_the_fault_began_is_no_witness_against_it() {
    for seed in 0..150 {
        let mut lan = Lan::new(seed);
        let hasty = |config: &mut Config| {
            (config.dial_interval, config.interval, config.retry.timeout) =
                (DialInterval::Every(secs(1)), secs(1), secs(4));
        };
        let hosts: Vec<HostId> =
            (1..5).map(|nth| lan.host_with(&[&format!("10.0.0.{nth}/24")], hasty)).collect();
        lan.run_for(secs(12) + ms(seed * 37 % 1_000));
        lan.forget_the_log();
        inbound(&mut lan, &hosts, |l| l.tcp = Tcp::DroppedSyn);
        lan.run_for(secs(15));
        for nth in [0, 2, 3] {
            let all = ever(&lan, hosts[nth]);
            let said: BTreeSet<_> = all.iter().map(|(_, who, what)| (who.as_str(), *what)).collect();
            assert!(said.iter().eq([&("h1", Verdict::FirewallDrop)]), "seed {seed}: h{nth} says {all:?}");
        }
    }
}

#[test]
fn a_host_that_drops_its_own_connections_has_a_firewall() {
    verdict_is(Verdict::FirewallDrop, |lan, hosts| outbound(lan, hosts, |l| l.tcp = Tcp::DroppedSyn), healed);
}

#[test]
fn a_host_that_lives_and_refuses_has_a_firewall() {
    verdict_is(Verdict::FirewallReject, |lan, hosts| inbound(lan, hosts, |l| l.tcp = Tcp::Rejected), healed);
    verdict_is(
        Verdict::FirewallReject,
        |lan, hosts| inbound(lan, hosts, |l| l.tcp = Tcp::Prohibited),
        healed,
    );
}

#[test]
fn udp_that_is_dropped_in_one_direction_is_one_way() {
    verdict_is(Verdict::OneWayUdp, |lan, hosts| inbound(lan, hosts, |l| l.udp = false), healed);
    verdict_is(Verdict::OneWayUdp, |lan, hosts| outbound(lan, hosts, |l| l.udp = false), healed);
}

#[test]
fn udp_that_is_dropped_both_ways_is_blocked() {
    verdict_is(
        Verdict::UdpBlocked,
        |lan, hosts| {
            inbound(lan, hosts, |l| l.udp = false);
            outbound(lan, hosts, |l| l.udp = false);
        },
        healed,
    );
}

#[test]
fn broadcasts_that_are_dropped_are_blocked() {
    // Three broadcasts must be missing, and the others learn from its row that they are.
    let within = secs(42);
    verdict_within(
        within,
        Verdict::BroadcastBlocked,
        |lan, hosts| inbound(lan, hosts, |l| l.broadcast = false),
        healed,
    );
    verdict_is(Verdict::BroadcastBlocked, |lan, hosts| outbound(lan, hosts, |l| l.broadcast = false), healed);
}

/// The others are found silent one after the other: the first of them is not accused meanwhile.
#[test]
fn a_host_at_whose_own_end_udp_fails_accuses_nobody_else() {
    type Fault = fn(&mut Lan, &[HostId]);
    let faults: [(&str, Fault); 4] = [
        ("UDP in", |lan, hosts| inbound(lan, hosts, |link| link.udp = false)),
        ("UDP out", |lan, hosts| outbound(lan, hosts, |link| link.udp = false)),
        ("UDP both ways", |lan, hosts| {
            inbound(lan, hosts, |link| link.udp = false);
            outbound(lan, hosts, |link| link.udp = false);
        }),
        ("broadcasts in", |lan, hosts| inbound(lan, hosts, |link| link.broadcast = false)),
    ];
    for (what, fault) in faults {
        for seed in 0..24 {
            let (mut lan, hosts) = network(seed, 4);
            let begun = lan.elapsed();
            fault(&mut lan, &hosts);
            lan.run_for(IN_TIME);
            let accused = ever(&lan, hosts[1])
                .into_iter()
                .filter(|(_, who, verdict)| who != "h1" && *verdict != Verdict::Ok);
            let accused: Vec<_> = accused.map(|(at, who, verdict)| (at - begun, who, verdict)).collect();
            assert_eq!(accused, [], "{what} dropped, seed {seed}");
        }
    }
}

/// Loss shows with one peer first, and not with all at the same time.
#[test]
fn of_a_host_that_loses_packets_nobody_thinks_that_another_one_does() {
    for (percent, n) in [(10, 4), (20, 4), (30, 4), (10, 7), (20, 7)] {
        let loss = f64::from(percent) / 100.0;
        for seed in 0..16 {
            let (mut lan, hosts) = network(seed, n);
            let begun = lan.elapsed();
            inbound(&mut lan, &hosts, |link| link.loss = loss);
            lan.run_for(secs(60));
            for (nth, host) in hosts.iter().enumerate() {
                let all = ever(&lan, *host).into_iter().map(|(at, who, verdict)| (at - begun, who, verdict));
                let all: Vec<_> = all.collect();
                let wrong = all.iter().any(|(_, who, verdict)| who != "h1" && *verdict != Verdict::Ok);
                assert!(!wrong, "{percent} % at h1 of {n}, seed {seed}: h{nth} says {all:?}");
            }
        }
    }
}

#[test]
fn loss_is_measured() {
    for loss in [0.2, 0.4] {
        verdict_is(Verdict::PacketLoss, |lan, hosts| inbound(lan, hosts, |l| l.loss = loss), healed);
    }
}

#[test]
fn large_packets_that_vanish_are_loss() {
    verdict_is(Verdict::Mtu, |lan, hosts| inbound(lan, hosts, |l| l.large = false), healed);
}

#[test]
fn forged_icmp_errors_make_no_trouble_for_a_healthy_peer() {
    let (mut lan, hosts) = network(5, 3);
    let ip = lan.hosts[hosts[1].0].interfaces[0].addr;
    for nth in 0..200_u32 {
        let code = u8::try_from(nth % 16).unwrap();
        let from = [ip, "10.0.9.9".parse().unwrap()][(nth % 2) as usize];
        let icmp = Icmp { code, from: Some(from.into()) };
        lan.tell(hosts[0], Input::Unreachable { to: (ip, 30_000).into(), icmp });
        lan.run_for(ms(250));
    }
    assert_eq!(ever(&lan, hosts[0]), []);
    let seen = lan.hosts[hosts[0].0].engine.matrix(lan.now);
    let bad =
        lan.log.iter().filter(|l| matches!(l.event, Event::PeerState { .. } | Event::DialFailed { .. }));
    assert_eq!(bad.count(), 0, "{seen:?}");
}

#[test]
fn an_icmp_error_explains_the_trouble_of_its_time_alone() {
    let (mut lan, hosts) = network(6, 3);
    let ip = lan.hosts[hosts[1].0].interfaces[0].addr;
    let told_of = |lan: &Lan| told(lan, hosts[0]).get("h1").map(words);
    let icmp = Icmp { code: 3, from: Some(ip.into()) };
    lan.tell(hosts[0], Input::Unreachable { to: (ip, 30_000).into(), icmp });
    lan.run_for(ms(1));
    lan.switch_off(hosts[1]);
    lan.run_for(IN_TIME);
    let before = told_of(&lan).expect("it is told");
    assert!(!before.contains("ICMP"), "that one is older than the trouble: {before}");
    lan.tell(hosts[0], Input::Unreachable { to: (ip, 30_000).into(), icmp });
    lan.run_for(secs(10));
    let view = lan.hosts[hosts[0].0].engine.matrix(lan.now);
    let since = view.findings.iter().map(|finding| words(finding)).collect::<String>();
    assert!(since.contains("(ICMP 3/3)"), "{since}");
}

/// Three or four hosts of which the first two never heard each other: an access point keeps them apart from the start.
fn kept_apart_from_the_start(seed: u64, n: usize, dials: Tcp) -> (Lan, Vec<HostId>) {
    faulty_from_the_start(seed, n, |lan, one, other| {
        lan.between(one, other, |link| (link.udp, link.tcp) = (false, dials));
    })
}

/// Three or four hosts; between the first two something fails before they start.
fn faulty_from_the_start(
    seed: u64,
    n: usize,
    fault: impl Fn(&mut Lan, HostId, HostId),
) -> (Lan, Vec<HostId>) {
    let mut lan = Lan::new(seed);
    let nets: Vec<String> = (1..=n).map(|nth| format!("10.0.0.{nth}/24")).collect();
    let mut hosts = vec![lan.host(&nets[2])];
    fault(&mut lan, HostId(1), HostId(2));
    hosts.insert(0, lan.host(&nets[0]));
    hosts.insert(1, lan.host(&nets[1]));
    hosts.extend(nets[3..].iter().map(|net| lan.host(net)));
    (lan, hosts)
}

#[test]
fn two_hosts_that_never_met_and_whom_a_third_reaches_are_isolated() {
    for (seed, n, dials) in
        [(0, 3, Tcp::Dropped), (1, 4, Tcp::Dropped), (2, 3, Tcp::Prohibited), (3, 4, Tcp::Prohibited)]
    {
        let (mut lan, hosts) = kept_apart_from_the_start(seed, n, dials);
        lan.run_for(secs(90));
        for (of, other) in [(0, 1), (1, 0)] {
            let said = told(&lan, hosts[of]);
            let what = said.values().map(|finding| finding.verdict).collect::<Vec<_>>();
            assert_eq!(what, [Verdict::Isolated], "seed {seed}: host {of} says {said:?}");
            assert!(lan.knows(hosts[of], hosts[other]), "seed {seed}: it has a row");
            let wrong: Vec<_> =
                ever(&lan, hosts[of]).into_iter().filter(|(.., what)| *what != Verdict::Isolated).collect();
            assert!(wrong.is_empty(), "seed {seed}: host {of} said {wrong:?}");
        }
        for host in &hosts[2..] {
            let wrong: Vec<_> =
                ever(&lan, *host).into_iter().filter(|(.., what)| *what != Verdict::Isolated).collect();
            assert!(wrong.is_empty(), "seed {seed}: a witness said {wrong:?}");
        }
        let asked = lan.count(hosts[0], |event| matches!(event, Event::DialStarted { peer, .. } if peer.addr.ip() == lan.hosts[hosts[1].0].interfaces[0].addr));
        assert_eq!(asked, 1, "seed {seed}: it is asked once in five minutes");
        lan.heal();
        lan.run_until(secs(30), |lan| lan.everybody_is(vigie::engine::peers::PeerState::Up))
            .expect("they meet");
        lan.run_for(secs(30));
        for host in &hosts {
            assert!(told(&lan, *host).is_empty(), "seed {seed}: not withdrawn: {:?}", ever(&lan, *host));
        }
        lan.invariants();
    }
}

#[test]
fn what_is_dropped_from_one_host_to_another_from_the_start_is_told_by_both() {
    for (seed, n) in [(0, 3), (1, 4), (2, 4)] {
        let (mut lan, hosts) = faulty_from_the_start(seed, n, |lan, from, to| {
            lan.towards(from, to, |link| (link.udp, link.tcp) = (false, Tcp::Dropped));
        });
        lan.run_for(secs(60));
        for of in [0, 1] {
            let said = told(&lan, hosts[of]);
            let what = said.values().map(|finding| (finding.verdict, finding.pattern)).collect::<Vec<_>>();
            assert_eq!(what, [(Verdict::OneWayUdp, Pattern::Pair)], "seed {seed}: host {of} says {said:?}");
        }
        lan.heal();
        lan.run_for(secs(60));
        for host in &hosts {
            assert!(told(&lan, *host).is_empty(), "seed {seed}: not withdrawn: {:?}", ever(&lan, *host));
        }
        lan.invariants();
    }
}

#[test]
fn udp_that_fails_between_two_hosts_from_the_start_is_told_by_both() {
    for seed in 0..4 {
        let (mut lan, hosts) = kept_apart_from_the_start(seed, 4, Tcp::Open);
        lan.run_for(secs(60));
        for of in [0, 1] {
            let said = told(&lan, hosts[of]);
            let what = said.values().map(|finding| (finding.verdict, finding.pattern)).collect::<Vec<_>>();
            assert_eq!(what, [(Verdict::UdpBlocked, Pattern::Pair)], "seed {seed}: host {of} says {said:?}");
        }
        lan.heal();
        lan.run_for(secs(45));
        for host in &hosts {
            assert!(told(&lan, *host).is_empty(), "seed {seed}: not withdrawn: {:?}", ever(&lan, *host));
        }
        lan.invariants();
    }
}

#[test]
fn a_host_known_from_rows_only_that_goes_is_forgotten_and_not_accused() {
    let (mut lan, hosts) = kept_apart_from_the_start(7, 3, Tcp::Dropped);
    lan.run_for(secs(60));
    lan.switch_off(hosts[1]);
    lan.run_for(secs(60));
    assert!(!lan.knows(hosts[0], hosts[1]));
    let wrong: Vec<_> = ever(&lan, hosts[0])
        .into_iter()
        .filter(|(.., what)| !matches!(what, Verdict::Isolated | Verdict::Ok))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn two_networks_on_one_wire_are_no_fault_where_a_host_is_in_both() {
    for seed in 0..5 {
        let mut lan = Lan::new(seed);
        let hosts = ["10.0.0.1/24", "10.1.0.2/24", "10.0.0.3/24"].map(|net| lan.host(net));
        lan.set_interfaces(hosts[2], &["10.0.0.3/24", "10.1.0.3/24"]);
        lan.run_for(secs(120));
        for host in hosts {
            assert_eq!(ever(&lan, host), [], "seed {seed}");
        }
        assert!(lan.knows(hosts[0], hosts[2]) && lan.knows(hosts[1], hosts[2]), "seed {seed}");
        lan.set_interfaces(hosts[2], &["10.0.0.3/24"]);
        lan.run_for(secs(120));
        let what: Vec<_> = told(&lan, hosts[0]).into_values().map(|finding| finding.verdict).collect();
        assert_eq!(what, [Verdict::WrongSubnet], "seed {seed}: now nobody is in both");
    }
}

#[test]
fn whose_mask_differs_from_that_of_the_most_is_told_so_and_nobody_else_ever_in_whatever_order_they_start() {
    for (seed, nth) in (0..40).zip(0_usize..) {
        let mut lan = Lan::new(seed);
        let (size, odd) = (3 + nth % 4, nth % 3);
        let mut hosts = Vec::new();
        for nth in 0..size {
            let prefix = if nth == odd { 16 } else { 24 };
            hosts.push(lan.host(&format!("10.0.0.{}/{prefix}", nth + 1)));
            lan.run_for(ms(seed * 373 % 1_500));
        }
        lan.run_for(IN_TIME);
        let right = format!("h{odd}");
        for host in &hosts {
            let wrong: Vec<_> = ever(&lan, *host).into_iter().filter(|(_, name, _)| *name != right).collect();
            assert!(wrong.is_empty(), "seed {seed}: {host:?} of {right}: {wrong:?}");
            let what: Vec<Verdict> = told(&lan, *host).into_values().map(|finding| finding.verdict).collect();
            assert_eq!(what, [Verdict::WrongSubnet], "seed {seed}: {host:?}");
        }
    }
}

#[test]
fn of_as_many_hosts_with_one_mask_as_with_another_all_are_named_and_none_alone() {
    for (seed, nets) in [&[24, 16][..], &[24, 16, 24, 16], &[16, 24, 25]].into_iter().enumerate() {
        let mut lan = Lan::new(seed as u64);
        let hosts: Vec<HostId> =
            (1..).zip(nets).map(|(nth, prefix)| lan.host(&format!("10.0.0.{nth}/{prefix}"))).collect();
        lan.run_for(IN_TIME);
        for host in &hosts {
            let found: Vec<Finding> = told(&lan, *host).into_values().collect();
            assert_eq!(found.len(), 1, "{nets:?}: {found:?}");
            assert_eq!((found[0].verdict, found[0].names.len()), (Verdict::WrongSubnet, nets.len()));
            assert_eq!(ever(&lan, *host).len(), 1, "{nets:?}: it is told once");
        }
    }
}

#[test]
fn the_mask_of_a_host_that_is_gone_says_nothing_of_those_that_are_there() {
    for seed in 0..4 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(5);
        lan.run_for(secs(60));
        hosts[2..].iter().for_each(|host| lan.switch_off(*host));
        lan.run_for(secs(120));
        for (nth, host) in (1..).zip(&hosts[..2]) {
            lan.set_interfaces(*host, &[&format!("10.0.0.{nth}/24")]);
        }
        lan.run_for(secs(120));
        for host in &hosts[..2] {
            let said: BTreeSet<Verdict> = ever(&lan, *host).into_iter().map(|(.., what)| what).collect();
            assert!(!said.contains(&Verdict::WrongSubnet), "seed {seed}: {host:?} said {said:?}");
        }
    }
}
