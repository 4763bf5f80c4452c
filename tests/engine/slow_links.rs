//! Links on which a round trip takes long (a satellite, a phone's hot spot): slow is not gone.

use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::peers::PeerState;

use vigie::testkit::{HostId, Lan, ms, secs};

use crate::one_host::{inbound, outbound};

/// What takes so long each way.
#[derive(Debug, Clone, Copy)]
enum Slow {
    /// All that one host sends and gets.
    Host,
    /// What two hosts send each other.
    Pair,
    /// Everything.
    All,
}

fn slow_down(lan: &mut Lan, hosts: &[HostId], slow: Slow, way: Duration) {
    let latency = (way, way + way / 20);
    match slow {
        Slow::Host => {
            inbound(lan, hosts[1], |link| link.latency = latency);
            outbound(lan, hosts[1], |link| link.latency = latency);
        }
        Slow::Pair => lan.between(hosts[0], hosts[1], |link| link.latency = latency),
        Slow::All => lan.link.latency = latency,
    }
}

/// A finding, or that a peer is not up any longer.
fn trouble(event: &Event) -> Option<String> {
    match event {
        Event::Diagnosis(finding) => Some(format!("{:?} of {}", finding.verdict, finding.peer.name)),
        Event::PeerState { peer, from: PeerState::Up, to } => Some(format!("{} is {to:?}", peer.name)),
        _ => None,
    }
}

#[test]
fn whoever_is_far_away_is_up_and_accused_of_nothing() {
    let mut wrong = Vec::new();
    for slow in [Slow::Host, Slow::Pair, Slow::All] {
        for way in [ms(60), ms(120), ms(250), ms(400), ms(600)] {
            for seed in 0..2 {
                let mut lan = Lan::new(seed);
                let hosts = lan.hosts(4);
                slow_down(&mut lan, &hosts, slow, way);
                lan.run_for(secs(180));
                let told = lan.log.iter().filter_map(|logged| {
                    trouble(&logged.event).map(|what| format!("{:?} by {:?}: {what}", logged.at, logged.host))
                });
                let told: Vec<String> = told.collect();
                if !told.is_empty() || !lan.everybody_is(PeerState::Up) {
                    let first = &told[..told.len().min(3)];
                    wrong.push(format!("{slow:?}, {way:?}, seed {seed}: {} times, {first:?}", told.len()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn whoever_is_far_away_and_cut_off_is_missed_within_some_round_trips_all_the_same() {
    for way in [ms(120), ms(400)] {
        for seed in 0..4 {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(4);
            slow_down(&mut lan, &hosts, Slow::Host, way);
            lan.run_for(secs(40));
            lan.switch_off(hosts[1]);
            let missed = |lan: &Lan| {
                [0, 2, 3].iter().all(|by| lan.state(HostId(*by), hosts[1]) != Some(PeerState::Up))
            };
            let took = lan.run_until(secs(8), missed);
            assert!(took.is_some(), "{way:?} each way, seed {seed}");
        }
    }
}
