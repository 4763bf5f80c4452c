//! How soon the cause of a fault is told, and how soon its end: in simulated time, at the default settings.

use std::collections::BTreeSet;
use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::verdict::Verdict;

use vigie::testkit::{HostId, Lan, Tcp, ms, secs};

use crate::one_host::{inbound, outbound};

/// In each network; the second one has the fault.
const HOSTS: usize = 5;
/// Networks with each fault.
const RUNS: u64 = 11;
/// How long each fault lasts.
const LASTS: Duration = secs(40);

/// A fault: its verdict, what it does, and by when, in seconds, half of the hosts and all of them have told it, and its end.
struct Fault {
    name: &'static str,
    verdict: Verdict,
    begin: fn(&mut Lan, HostId),
    told: [f64; 2],
    over: [f64; 2],
}

const fn fault(
    name: &'static str,
    verdict: Verdict,
    begin: fn(&mut Lan, HostId),
    told: [f64; 2],
    over: [f64; 2],
) -> Fault {
    Fault { name, verdict, begin, told, over }
}

const FAULTS: [Fault; 13] = [
    fault("killed", Verdict::ClosedPort, Lan::kill, [4.0, 5.0], [3.0, 6.0]),
    fault("switched off", Verdict::HostDown, Lan::switch_off, [8.0, 9.0], [3.0, 6.0]),
    fault("stopped", Verdict::HungPeer, Lan::pause, [7.0, 8.0], [3.0, 6.0]),
    fault(
        "TCP in dropped",
        Verdict::FirewallDrop,
        |lan, x| inbound(lan, x, |link| link.tcp = Tcp::DroppedSyn),
        [5.5, 7.0],
        [5.0, 8.0],
    ),
    fault(
        "TCP out dropped",
        Verdict::FirewallDrop,
        |lan, x| outbound(lan, x, |link| link.tcp = Tcp::DroppedSyn),
        [6.5, 9.0],
        [6.0, 8.0],
    ),
    fault(
        "TCP reset",
        Verdict::FirewallReject,
        |lan, x| inbound(lan, x, |link| link.tcp = Tcp::Rejected),
        [4.0, 5.0],
        [3.0, 5.0],
    ),
    fault(
        "TCP prohibited",
        Verdict::FirewallReject,
        |lan, x| inbound(lan, x, |link| link.tcp = Tcp::Prohibited),
        [4.0, 5.0],
        [3.0, 5.0],
    ),
    fault(
        "UDP in dropped",
        Verdict::OneWayUdp,
        |lan, x| inbound(lan, x, |link| link.udp = false),
        [10.0, 11.0],
        [3.0, 6.0],
    ),
    fault(
        "UDP out dropped",
        Verdict::OneWayUdp,
        |lan, x| outbound(lan, x, |link| link.udp = false),
        [10.0, 11.0],
        [3.0, 6.0],
    ),
    fault(
        "broadcasts out dropped",
        Verdict::BroadcastBlocked,
        |lan, x| outbound(lan, x, |link| link.broadcast = false),
        [13.0, 16.0],
        [4.0, 7.0],
    ),
    fault(
        "packets lost",
        Verdict::PacketLoss,
        |lan, x| inbound(lan, x, |link| link.loss = 0.3),
        [7.0, 12.0],
        [12.0, 16.0],
    ),
    fault(
        "large packets lost",
        Verdict::Mtu,
        |lan, x| inbound(lan, x, |link| link.large = false),
        [12.0, 18.0],
        [4.0, 6.0],
    ),
    fault(
        "cut off",
        Verdict::HostDown,
        |lan, x| {
            inbound(lan, x, |link| (link.udp, link.tcp) = (false, Tcp::Dropped));
            outbound(lan, x, |link| (link.udp, link.tcp) = (false, Tcp::Dropped));
        },
        [8.0, 10.0],
        [5.0, 9.0],
    ),
];

/// When a host first told this of the second one, after a moment.
fn told(lan: &Lan, by: HostId, verdict: Verdict, from: Duration) -> Option<Duration> {
    let of = lan.hosts[1].config.id;
    let is_it = |event: &Event| matches!(event, Event::Diagnosis(finding) if finding.verdict == verdict && finding.peer.id == Some(of));
    let mut events = lan.log.iter().filter(|logged| logged.host == by && logged.at >= from);
    Some(events.find(|logged| is_it(&logged.event))?.at - from)
}

/// When a host has withdrawn all that it told; none if something stands.
fn withdrawn(lan: &Lan, by: HostId) -> Option<Duration> {
    let (mut open, mut last) = (BTreeSet::new(), Some(Duration::ZERO));
    for logged in lan.log.iter().filter(|logged| logged.host == by) {
        if let Event::Diagnosis(finding) = &logged.event {
            finding.replaces.map(|id| open.remove(&id));
            if finding.verdict == Verdict::Ok {
                open.remove(&finding.id)
            } else {
                open.insert(finding.id)
            };
            last = open.is_empty().then_some(logged.at);
        }
    }
    last
}

/// The time by which half of them were, and all.
fn half_and_all(mut times: Vec<Duration>) -> [f64; 2] {
    times.sort_unstable();
    [times[times.len() / 2], times[times.len() - 1]].map(|time| time.as_secs_f64())
}

#[test]
fn the_cause_of_a_fault_and_its_end_are_told_soon() {
    let mut late = Vec::new();
    for Fault { name, verdict, begin, told: by, over: over_by } in FAULTS {
        let (mut told_after, mut over_after) = (Vec::new(), Vec::new());
        for seed in 0..RUNS {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(HOSTS);
            lan.run_for(secs(40) + ms(seed * 731 % 10_000));
            let begun = lan.elapsed();
            begin(&mut lan, hosts[1]);
            lan.run_for(LASTS);
            let others = hosts.iter().filter(|host| **host != hosts[1]);
            told_after.extend(others.clone().map(|host| told(&lan, *host, verdict, begun).unwrap_or(LASTS)));
            let mended = lan.elapsed();
            lan.mend();
            lan.run_for(secs(60));
            let over =
                |host: &HostId| withdrawn(&lan, *host).map_or(secs(60), |at| at.saturating_sub(mended));
            over_after.extend(others.map(over));
        }
        let (told, over) = (half_and_all(told_after), half_and_all(over_after));
        println!("{name:<24} told {told:5.1?} over {over:5.1?}");
        for (what, [half, all], [half_by, all_by]) in [("told", told, by), ("over", over, over_by)] {
            if half > half_by || all > all_by {
                late.push(format!(
                    "{name}: {what} after {half:.1} and {all:.1} s, not {half_by} and {all_by}"
                ));
            }
        }
    }
    assert!(late.is_empty(), "{}", late.join("\n"));
}

/// When each of four hosts on these networks told that a firewall drops all TCP to the second one, after that began.
fn filter_told_by_hosts_on(nets: &[&str], seed: u64) -> Vec<Duration> {
    let mut lan = Lan::new(seed);
    let host = |n| {
        let nets: Vec<String> = nets.iter().map(|net| format!("{net}.{n}/24")).collect();
        lan.host_with(&nets.iter().map(String::as_str).collect::<Vec<_>>(), |_| {})
    };
    let hosts: Vec<HostId> = (1..=4).map(host).collect();
    lan.run_for(secs(40) + ms(seed * 731 % 10_000));
    let begun = lan.elapsed();
    inbound(&mut lan, hosts[1], |link| link.tcp = Tcp::DroppedSyn);
    lan.run_for(LASTS);
    let others = hosts.iter().filter(|host| **host != hosts[1]);
    others.map(|host| told(&lan, *host, Verdict::FirewallDrop, begun).unwrap_or(LASTS)).collect()
}

#[test]
fn a_filter_is_told_of_hosts_with_two_addresses_nearly_as_soon_as_of_hosts_with_one() {
    let of = |nets: &[&str]| {
        half_and_all((0..RUNS).flat_map(|seed| filter_told_by_hosts_on(nets, seed)).collect())
    };
    let (one, two) = (of(&["eth0=10.0.0"]), of(&["wlan0=10.1.0", "eth0=10.0.0"]));
    println!("one address {one:.1?}, two addresses {two:.1?}");
    assert!(
        two[0] <= one[0] + 1.5 && two[1] <= one[1] + 1.5,
        "{one:.1?} with one address, {two:.1?} with two"
    );
}
