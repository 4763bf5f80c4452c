//! The end of a process is known to all at once, and nobody is thought gone because somebody says so.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use vigie::engine::event::Event;
use vigie::engine::limits::{
    LOOKERS_FOR_NEWS, MAX_TETHERS_PER_ADDRESS, SUSPECT_DIALERS, SUSPICIONS_PER_TELLER, TETHERS,
};
use vigie::engine::peers::PeerState;
use vigie::engine::{Incarnation, NodeId};
use vigie::proto::presence::{Kind, Presence, Suspicion};

use vigie::testkit::{HostId, Lan, Tcp, ms, presence, secs};

/// When each of these hosts first knew that another one is lost, after `since`.
fn known(lan: &Lan, hosts: &[HostId], lost: HostId, since: Duration) -> Vec<Option<Duration>> {
    let out_of_up = |event: &Event| matches!(event, Event::PeerState { from: PeerState::Up, .. });
    let known = |of: &HostId| lan.about(*of, lost).find(|l| l.at >= since && out_of_up(&l.event));
    hosts.iter().map(|of| known(of).map(|l| l.at - since)).collect()
}

/// What is published of others than that all is well.
fn alarms(lan: &Lan) -> Vec<String> {
    let is_alarm = |event: &Event| match event {
        Event::PeerState { to, .. } => {
            matches!(to, PeerState::Retrying | PeerState::Unreachable | PeerState::Silent)
        }
        Event::DialFailed { .. } => true,
        _ => false,
    };
    let told = lan.log.iter().filter(|l| is_alarm(&l.event));
    told.map(|l| format!("{:?} {:?}: {:?}", l.at, l.host, l.event)).collect()
}

#[test]
fn every_node_holds_a_few_tethers_and_a_network_at_rest_needs_no_more() {
    let mut lan = Lan::new(1);
    let hosts = lan.hosts(50);
    lan.run_for(secs(30));
    let held: Vec<usize> = hosts.iter().map(|host| lan.tethers(*host)).collect();
    assert!(held.iter().all(|n| (TETHERS..20).contains(n)), "{held:?}");
    lan.run_for(secs(60));
    let later: Vec<usize> = hosts.iter().map(|host| lan.tethers(*host)).collect();
    assert_eq!(held, later);
    lan.invariants();
}

#[test]
fn a_killed_process_is_known_to_all_within_50_milliseconds() {
    for (n, seeds) in [(2, 5), (5, 10), (50, 2)] {
        for seed in 0..seeds {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(n);
            lan.run_for(secs(30) + ms(seed * 1_234));
            assert_eq!(alarms(&lan), [""; 0], "{n} hosts");
            let (lost, others) = hosts.split_last().unwrap();
            let since = lan.elapsed();
            lan.kill(*lost);
            lan.run_for(ms(50));
            let known = known(&lan, others, *lost, since);
            assert!(known.iter().all(Option::is_some), "{n} hosts, seed {seed}: {known:?}");
            lan.invariants();
        }
    }
}

#[test]
fn half_the_network_is_killed_and_all_of_it_is_known_within_a_quarter_of_a_second() {
    let mut lan = Lan::new(3);
    let hosts = lan.hosts(12);
    lan.run_for(secs(30));
    let (lost, others) = hosts.split_at(6);
    let since = lan.elapsed();
    for host in lost {
        lan.kill(*host);
    }
    lan.run_for(ms(250));
    for host in lost {
        let known = known(&lan, others, *host, since);
        assert!(known.iter().all(Option::is_some), "{host:?}: {known:?}");
    }
}

#[test]
fn a_host_that_is_cut_off_is_known_to_all_within_two_seconds() {
    for (n, seeds) in [(2, 5), (5, 11), (20, 2)] {
        for seed in 0..seeds {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(n);
            lan.run_for(secs(30) + ms(seed * 1_234));
            let (lost, others) = hosts.split_last().unwrap();
            let since = lan.elapsed();
            lan.switch_off(*lost);
            lan.run_for(secs(2));
            let known = known(&lan, others, *lost, since);
            assert!(known.iter().all(Option::is_some), "{n} hosts, seed {seed}: {known:?}");
            let wrong = alarms(&lan);
            let wrong = wrong.iter().filter(|alarm| !alarm.contains(&lan.hosts[n - 1].config.name));
            assert_eq!(wrong.count(), 0, "{:?}", alarms(&lan));
            lan.invariants();
        }
    }
}

#[test]
fn who_is_a_little_late_itself_learns_of_a_host_that_is_cut_off_as_soon_as_others_do() {
    for n in [3, 4, 8] {
        for seed in 0..11 {
            let mut lan = Lan::new(seed);
            let hosts = lan.hosts(n);
            lan.run_for(secs(30) + ms(seed * 1_234));
            let (lost, others) = hosts.split_last().unwrap();
            lan.starve(others[0], ms(130), ms(300));
            lan.run_for(secs(5) + ms(seed * 77));
            let since = lan.elapsed();
            lan.switch_off(*lost);
            lan.run_for(secs(3));
            let known = known(&lan, others, *lost, since);
            assert!(known.iter().all(Option::is_some), "{n} hosts, seed {seed}: {known:?}");
            let wrong = alarms(&lan);
            let wrong = wrong.iter().filter(|alarm| !alarm.contains(&lan.hosts[n - 1].config.name));
            assert_eq!(wrong.count(), 0, "{:?}", alarms(&lan));
        }
    }
}

#[test]
fn a_host_whose_udp_is_dropped_answers_a_dial_and_stays_up() {
    for inbound in [true, false] {
        let mut lan = Lan::new(5);
        let hosts = lan.hosts(5);
        lan.run_for(secs(30));
        let (lost, others) = hosts.split_last().unwrap();
        for other in others {
            let (from, to) = if inbound { (*other, *lost) } else { (*lost, *other) };
            lan.towards(from, to, |link| link.udp = false);
        }
        lan.run_for(secs(60));
        assert_eq!(alarms(&lan), [""; 0]);
    }
}

#[test]
fn where_many_packets_are_lost_nobody_is_thought_gone() {
    for percent in [10_u8, 30] {
        let mut lan = Lan::new(u64::from(percent));
        let hosts = lan.hosts(10);
        for (from, to) in hosts.iter().flat_map(|from| hosts.iter().map(move |to| (*from, *to))) {
            lan.towards(from, to, |link| link.loss = f64::from(percent) / 100.0);
        }
        lan.run_for(secs(600));
        // A dial fails now and then, and its retry does not, nor, of one that nobody had proved yet, the next dial.
        lan.log.retain(|l| match &l.event {
            Event::DialFailed { retry_in, max, .. } => retry_in.is_none() && *max > 1,
            Event::PeerState { to, .. } => *to != PeerState::Retrying,
            _ => true,
        });
        assert_eq!(alarms(&lan), [""; 0], "{percent} %");
    }
}

#[test]
fn where_the_machine_says_nothing_of_closed_ports_the_chosen_dial_after_a_moment() {
    let mut lan = Lan::new(4);
    let hosts = lan.hosts(5);
    lan.run_for(secs(30));
    let (lost, others) = hosts.split_last().unwrap();
    let since = lan.elapsed();
    for other in others {
        lan.towards(*lost, *other, |link| link.udp = false);
    }
    lan.kill(*lost);
    lan.run_for(ms(250));
    let known = known(&lan, others, *lost, since);
    assert!(known.iter().all(Option::is_some), "{known:?}");
}

#[test]
fn a_goodbye_a_restart_and_a_node_that_stood_still_raise_no_alarm() {
    for seed in 0..5 {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(6);
        lan.run_for(secs(20) + ms(seed * 700));
        lan.quit(hosts[1]);
        lan.run_for(ms(100));
        lan.kill(hosts[1]);
        lan.run_for(secs(5));
        assert_eq!(alarms(&lan), [""; 0], "seed {seed}");
        // While it stands still it is not reached, and is said to be retried; that is all.
        lan.pause(hosts[2]);
        lan.run_for(secs(4));
        lan.resume(hosts[2]);
        lan.run_for(secs(2));
        lan.forget_the_log();
        lan.run_for(secs(20));
        assert_eq!(alarms(&lan), [""; 0], "seed {seed}");

        lan.forget_the_log();
        let id = lan.hosts[3].config.id.0;
        lan.restart(hosts[3], |config| (config.id, config.incarnation.0) = (NodeId(id + 1_000), 2_000));
        lan.run_for(secs(20));
        for of in [0, 2, 4, 5].map(|n| hosts[n]) {
            let restarts = lan.count(of, |event| matches!(event, Event::PeerRestarted { .. }));
            assert_eq!((restarts, lan.state(of, hosts[3])), (1, Some(PeerState::Up)), "seed {seed}");
            // A dial that was under way is reset, and tried again.
            let wrong = |event: &Event| {
                matches!(event, Event::PeerState { to: PeerState::Unreachable | PeerState::Silent, .. })
            };
            assert_eq!(lan.count(of, wrong), 0, "seed {seed}");
        }
        lan.invariants();
    }
}

/// A presence in the name of a host, from its own address, that suspects another one.
fn suspicion(lan: &Lan, teller: HostId, suspect: HostId, sequence: u64, seen: u8) -> Presence<'static> {
    let (teller, suspect) = (&lan.hosts[teller.0].config, &lan.hosts[suspect.0].config);
    Presence {
        incarnation: teller.incarnation,
        udp_port: teller.udp_port,
        suspicion: Some(Suspicion { suspect: suspect.id, incarnation: suspect.incarnation, seen }),
        ..presence(Kind::Heartbeat, teller.id.0, sequence)
    }
}

/// Datagrams that a host sent to an address.
fn sent_to(lan: &Lan, of: HostId, to: &str) -> usize {
    lan.sent.iter().filter(|sent| sent.host == of && sent.to.ip().to_string() == to).count()
}

#[test]
fn who_is_suspected_by_all_the_world_and_answers_is_only_asked_for_an_echo_a_second() {
    let mut lan = Lan::new(5);
    let hosts = lan.hosts(12);
    lan.run_for(secs(30));
    let suspect = hosts[11];
    lan.forget_the_log();
    let before = sent_to(&lan, hosts[0], "10.0.0.12");
    // Ten seconds in which a liar says it in everybody's name, ten times a second, and that dials were refused.
    for round in 0..100_u64 {
        for teller in &hosts[1..11] {
            for seen in [0, 1] {
                let told = suspicion(&lan, *teller, suspect, 10_000 + round * 2 + u64::from(seen), seen);
                lan.forge(hosts[0], &format!("10.0.0.{}:40000", teller.0 + 1), &told);
            }
        }
        lan.run_for(ms(100));
    }
    let asked = sent_to(&lan, hosts[0], "10.0.0.12") - before;
    // Its regular echoes, and the ones it answers, are among them.
    assert!((8..30).contains(&asked), "{asked}");
    let dials = lan.about(hosts[0], suspect).filter(|l| matches!(l.event, Event::DialStarted { .. })).count();
    assert!(dials <= 1, "{dials}: the regular one");
    assert_eq!(alarms(&lan), [""; 0]);
    assert_eq!(lan.state(hosts[0], suspect), Some(PeerState::Up));
}

#[test]
fn a_liar_makes_nobody_look_at_more_than_its_share_nor_at_another_life_nor_at_whom_it_cannot_be() {
    let mut lan = Lan::new(6);
    let hosts = lan.hosts(40);
    lan.run_for(secs(30));
    lan.forget_the_log();
    let echoes = |lan: &Lan| {
        // The teller is asked to prove that it is there: it says something else of itself than before.
        let to_one = |to: std::net::IpAddr| !["10.0.0.2", "10.0.255.255"].contains(&to.to_string().as_str());
        lan.sent.iter().filter(|sent| sent.host == hosts[0] && to_one(sent.to.ip())).count()
    };
    for (nth, suspect) in hosts[2..].iter().enumerate() {
        let told = suspicion(&lan, hosts[1], *suspect, 10_000 + nth as u64, 0);
        lan.forge(hosts[0], "10.0.0.2:40000", &told);
    }
    assert_eq!(echoes(&lan), SUSPICIONS_PER_TELLER);
    lan.forget_the_log();
    lan.run_for(secs(2));
    let quiet = echoes(&lan);
    let other_life = suspicion(&lan, hosts[1], hosts[5], 20_000, 0);
    let other_life = Presence {
        suspicion: other_life.suspicion.map(|told| Suspicion { incarnation: Incarnation(1), ..told }),
        ..other_life
    };
    lan.forge(hosts[0], "10.0.0.2:40000", &other_life);
    let from_elsewhere = suspicion(&lan, hosts[1], hosts[6], 20_001, 0);
    lan.forge(hosts[0], "10.0.0.77:40000", &from_elsewhere);
    let itself = suspicion(&lan, hosts[1], hosts[1], 20_002, 0);
    lan.forge(hosts[0], "10.0.0.2:40000", &itself);
    assert_eq!(echoes(&lan), quiet);
}

#[test]
fn a_host_whose_echoes_are_lost_is_dialed_by_a_few_and_stays_up() {
    let mut lan = Lan::new(7);
    let hosts = lan.hosts(20);
    lan.run_for(secs(30));
    lan.forget_the_log();
    let (teller, suspect) = (hosts[0], hosts[19]);
    for host in &hosts[..19] {
        lan.towards(suspect, *host, |link| link.udp = false);
    }
    let told = suspicion(&lan, teller, suspect, 10_000, 0);
    for host in &hosts[1..19] {
        lan.forge(*host, "10.0.0.1:40000", &told);
    }
    lan.run_for(ms(200));
    let dials = lan.log.iter().filter(
        |l| matches!(&l.event, Event::DialStarted { peer, .. } if peer.id == Some(lan.hosts[19].config.id)),
    );
    let dials = dials.count();
    assert!((1..=SUSPECT_DIALERS + 2).contains(&dials), "{dials}");
    let lost =
        |l: &&vigie::testkit::Logged| matches!(l.event, Event::PeerState { to, .. } if to != PeerState::Up);
    assert_eq!(lan.log.iter().filter(lost).count(), 0);
}

/// How many hosts at most sent, or dialed, somewhere at least so often within one second; what `but` did or was sent does not count.
fn most_at_once(
    asked: impl Iterator<Item = (Duration, HostId, SocketAddr)>,
    often: usize,
    but: HostId,
) -> usize {
    let its = IpAddr::from([10, 0, 0, u8::try_from(but.0 + 1).unwrap()]);
    let to_it = |to: &SocketAddr| to.ip() == its;
    let to_all = |to: &SocketAddr| to.ip() == IpAddr::from([10, 0, 0, 255]);
    let mut times = HashMap::new();
    for (at, who, to) in asked.filter(|(_, who, to)| *who != but && !to_it(to) && !to_all(to)) {
        *times.entry((at.as_secs(), to, who)).or_insert(0) += 1;
    }
    let mut hosts = HashMap::new();
    for ((second, to, _), _) in times.into_iter().filter(|(_, count)| *count >= often) {
        *hosts.entry((second, to)).or_insert(0) += 1;
    }
    hosts.into_values().max().unwrap_or_default()
}

#[test]
fn in_a_crowd_those_with_whom_one_has_trouble_are_looked_at_by_a_few_dozen() {
    let faults: [fn(&mut Lan, &[HostId]); 3] = [
        |lan, hosts| lan.partition(&hosts[..1], &hosts[79..]),
        |lan, hosts| {
            hosts[1..].iter().for_each(|from| lan.towards(*from, hosts[0], |link| link.broadcast = false));
        },
        |lan, hosts| {
            hosts[1..].iter().for_each(|other| lan.between(hosts[0], *other, |link| link.loss = 0.3));
        },
    ];
    for fault in faults {
        let mut lan = Lan::new(7);
        let hosts = lan.hosts(80);
        lan.run_for(secs(40));
        lan.sent.clear();
        lan.dialed.clear();
        fault(&mut lan, &hosts);
        lan.run_for(secs(30));
        let sent = lan.sent.iter().map(|sent| (sent.at, sent.host, sent.to));
        // A burst is sixteen echoes within a second.
        let most = [most_at_once(lan.dialed.iter().copied(), 1, hosts[0]), most_at_once(sent, 10, hosts[0])];
        assert!(most.iter().all(|most| *most <= LOOKERS_FOR_NEWS + SUSPECT_DIALERS), "{most:?}");
    }
}

#[test]
fn one_who_asks_for_many_tethers_has_its_share_and_others_have_theirs() {
    let mut lan = Lan::new(8);
    let victim = lan.host("10.0.0.1/16");
    // Twenty nodes at one address, all of which choose the victim or each other.
    for n in 0..20 {
        lan.host_with(&["10.0.0.2/16"], |config| {
            config.tcp_port = 20_000 + n;
            config.udp_port = 30_000 + n;
        });
    }
    lan.run_for(secs(60));
    assert!(lan.tethers(victim) <= MAX_TETHERS_PER_ADDRESS + TETHERS);
    let others: Vec<HostId> = (3..9).map(|n| lan.host(&format!("10.0.0.{n}/16"))).collect();
    lan.run_for(secs(30));
    for other in others {
        assert!(lan.tethers(other) >= TETHERS, "{other:?} has {}", lan.tethers(other));
    }
}

#[test]
fn a_cut_between_two_is_no_news_of_either() {
    let mut lan = Lan::new(9);
    let hosts = lan.hosts(5);
    lan.run_for(secs(30));
    lan.between(hosts[0], hosts[1], |link| link.tcp = Tcp::Dropped);
    lan.run_for(ms(500));
    assert_eq!(alarms(&lan), [""; 0], "an idle connection notices nothing");
}
