//! When whom a node dials, retries and gives up; and how it leaves.

use std::time::Duration;

use vigie::engine::Incarnation;
use vigie::engine::api::{Command, DialId, Input};
use vigie::engine::cause::{Cause, Detail};
use vigie::engine::config::{Config, DialInterval, Target};
use vigie::engine::event::Event;
use vigie::engine::observation::PathStatus;
use vigie::engine::peers::{LeaveReason, PeerState};
use vigie::proto::presence::{Kind, Presence};

use vigie::testkit::{HostId, Lan, Solo, Tcp, failure, ms, presence, secs};

fn target(text: &str) -> Target {
    text.parse().unwrap()
}

/// The waits that failures of this host's dials announced, and when each attempt began.
fn dial_story(lan: &Lan, host: HostId) -> (Vec<Duration>, Vec<(Duration, u32)>) {
    let waits = lan.log.iter().filter(|l| l.host == host).filter_map(|l| match &l.event {
        Event::DialFailed { retry_in, .. } => *retry_in,
        _ => None,
    });
    let starts = lan.log.iter().filter(|l| l.host == host).filter_map(|l| match &l.event {
        Event::DialStarted { attempt, .. } => Some((l.at, *attempt)),
        _ => None,
    });
    (waits.collect(), starts.collect())
}

#[test]
fn a_killed_peer_is_retried_as_the_policy_says_and_then_given_up_once() {
    for seed in 0..10 {
        let mut lan = Lan::new(seed);
        let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
        lan.run_for(secs(30) + ms(seed * 800));
        lan.forget_the_log();
        lan.kill(b);
        let gave_up = |e: &Event| matches!(e, Event::DialGaveUp { attempts: 5, cause: Cause::Refused, .. });
        lan.run_until(secs(60), |lan| lan.count(a, gave_up) > 0).expect("given up");
        let (waits, starts) = dial_story(&lan, a);
        assert_eq!(starts.iter().map(|s| s.1).collect::<Vec<_>>(), [1, 2, 3, 4, 5], "seed {seed}");
        assert_eq!(waits.len(), 4, "none after the last");
        for (i, (wait, nominal)) in waits.iter().zip([2.0, 3.0, 4.5, 6.75]).enumerate() {
            let told = wait.as_secs_f64();
            assert!((nominal * 0.8..=nominal * 1.2).contains(&told), "{told} of {nominal}");
            let kept = (starts[i + 1].0 - starts[i].0).as_secs_f64();
            assert!((kept - told).abs() < 0.01, "{kept} was told as {told}");
        }
        assert_eq!(lan.entered(a, b, PeerState::Retrying).len(), 1);
        // The regular dial goes on at its pace.
        let failed_at = starts[4].0;
        lan.run_for(secs(60));
        let (_, starts) = dial_story(&lan, a);
        let begins: Vec<_> = starts.iter().filter(|s| s.1 == 1).map(|s| s.0).collect();
        assert!(begins[1] - failed_at <= secs(10) + ms(1), "{begins:?}");
        assert!(begins.windows(2).all(|w| w[1] - w[0] >= secs(9)), "{begins:?}");
    }
}

#[test]
fn a_regular_dial_goes_on_at_its_pace_and_ticks_are_few() {
    let mut lan = Lan::new(5);
    let hosts = lan.hosts(10);
    lan.run_for(secs(60));
    lan.forget_the_log();
    let ticks: Vec<u64> = hosts.iter().map(|h| lan.hosts[h.0].ticks).collect();
    lan.run_for(secs(60));
    for &h in &hosts {
        let dials = lan.count(h, |e| matches!(e, Event::DialStarted { .. }));
        assert!(
            dials.abs_diff(9 * 6) <= 1,
            "each of nine, each ten seconds or a little sooner or later: {dials}"
        );
        let ticks = lan.hosts[h.0].ticks - ticks[h.0];
        // A dial and four echoes for each peer and interval, each with its end, and the presences.
        assert!(ticks < 9 * 6 * 2 + 9 * 6 * 4 * 2 + 20, "{ticks} ticks a minute at rest");
    }
}

#[test]
fn the_dials_of_each_host_are_spread_evenly_over_the_interval_so_that_one_meets_a_fault_soon() {
    let mut lan = Lan::new(5);
    let hosts = lan.hosts(5);
    lan.run_for(secs(120));
    lan.forget_the_log();
    lan.run_for(secs(60));
    for &host in &hosts {
        let id = lan.hosts[host.0].config.id;
        let of_it = |event: &Event| matches!(event, Event::DialStarted { peer, .. } if peer.id == Some(id));
        let dialed: Vec<_> = lan.log.iter().filter(|l| of_it(&l.event)).map(|l| l.at).collect();
        let longest = dialed.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
        assert!(longest < secs(10) * 2 / 5, "four dials in ten seconds, and {longest:?} without one");
    }
}

#[test]
fn regular_dials_are_spread_over_the_interval_and_keep_the_rate() {
    let mut lan = Lan::new(5);
    let hosts = lan.hosts(100);
    let watched = hosts[0];
    lan.run_for(secs(60));
    let starts: Vec<_> = dial_story(&lan, watched).1.iter().map(|s| s.0).collect();
    keeps_the_rate(&starts, 50, 5);
    let late: Vec<_> = starts.iter().filter(|at| **at > secs(30)).collect();
    let crowd = |at: Duration| late.iter().filter(|s| (at..at + ms(10)).contains(**s)).count();
    let most = late.iter().map(|at| crowd(**at)).max().unwrap();
    assert!(most <= 5, "{most} dials within 10 ms");
    // Seen from a peer, too: the hundred do not dial it together.
    let at_peer: Vec<_> = lan
        .log
        .iter()
        .filter(|l| matches!(&l.event, Event::DialStarted { peer, .. } if peer.id == Some(lan.hosts[watched.0].config.id)))
        .map(|l| l.at)
        .filter(|at| *at > secs(30))
        .collect();
    let crowd = |at: Duration| at_peer.iter().filter(|s| (at..at + ms(10)).contains(*s)).count();
    assert!(at_peer.iter().map(|at| crowd(*at)).max().unwrap() <= 5);
}

/// In every window there are no more than the rate allows, and one burst.
fn keeps_the_rate(starts: &[Duration], rate: usize, burst: usize) {
    for (i, from) in starts.iter().enumerate() {
        for (j, to) in starts.iter().enumerate().skip(i).step_by(7) {
            let window = (*to - *from).as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let allowed = window * rate as f64 + burst as f64 + 0.001;
            #[expect(clippy::cast_precision_loss, reason = "small numbers")]
            let taken = (j - i + 1) as f64;
            assert!(taken <= allowed, "{taken} within {window} s");
        }
    }
}

#[test]
fn dialing_a_thousand_peers_at_once_keeps_the_rate_and_the_cap() {
    let mut solo = Solo::new(|c| c.dial_interval = DialInterval::Every(secs(3_600)));
    let who = |n: u32| format!("10.0.{}.{}:30000", 1 + n / 250, 1 + n % 250);
    for n in 0..1_000 {
        let id = u128::from(n) + 10;
        solo.hear(&who(n), &Presence { period_ms: 3_600_000, ..presence(Kind::Heartbeat, id, 1) });
        solo.request(&who(n), id);
        solo.run_for(ms(30));
    }
    let answer_all = |solo: &mut Solo, until: Duration| {
        let mut answered = 0;
        let mut starts = Vec::new();
        while solo.now - solo.start < until {
            solo.run_for(ms(1));
            while let Some((at, dial, addr)) = solo.dials.get(answered).copied() {
                let id = solo
                    .rows()
                    .iter()
                    .find(|r| r.info.addr.socket_addr() == addr)
                    .unwrap()
                    .info
                    .id
                    .unwrap()
                    .0;
                solo.answer(dial, id, 1_000);
                starts.push(at);
                answered += 1;
            }
        }
        starts
    };
    let begun = solo.now - solo.start;
    answer_all(&mut solo, begun + secs(30));
    solo.dials.clear();
    solo.tell(Input::Command(Command::DialAll));
    solo.tell(Input::Command(Command::DialAll));
    let begun = solo.now - solo.start;
    let starts = answer_all(&mut solo, begun + secs(25));
    // Those few that were asked for an echo meanwhile, and sent none here, are dialed once more for that.
    assert!((1_000..=1_010).contains(&starts.len()), "each once: {}", starts.len());
    keeps_the_rate(&starts, 50, 5);
    solo.engine.check_invariants();
    // Nobody answers: the cap holds, and no time-out is invented.
    solo.dials.clear();
    solo.tell(Input::Command(Command::DialAll));
    solo.run_for(secs(10));
    assert_eq!(solo.dials.len(), 64);
}

#[test]
fn a_forced_dial_cuts_a_wait_short_and_is_never_a_second_one() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.kill(b);
    lan.run_until(secs(20), |lan| lan.state(a, b) == Some(PeerState::Retrying)).unwrap();
    lan.run_for(ms(100));
    lan.forget_the_log();
    let key = lan.key(a, b);
    lan.command(a, Command::DialNow(key));
    lan.command(a, Command::DialNow(key));
    lan.command(a, Command::DialAll);
    lan.run_for(ms(100));
    let forced: Vec<_> = lan
        .about(a, b)
        .filter_map(|l| match l.event {
            Event::DialStarted { attempt, forced, .. } => Some((attempt, forced)),
            _ => None,
        })
        .collect();
    assert_eq!(forced, [(2, true)], "the waiting attempt, at once, marked");
    lan.run_for(secs(5));
    let unforced =
        lan.about(a, b).any(|l| matches!(l.event, Event::DialStarted { attempt: 3, forced: false, .. }));
    assert!(unforced, "what follows is not marked");
}

#[test]
fn a_node_that_leaves_abandons_its_dials_and_says_goodbye_three_times_on_each_link() {
    let mut lan = Lan::new(1);
    let a = lan.host_with(&["eth0=10.0.0.1/24", "wlan0=10.1.0.1/24"], |_| {});
    let b = lan.host("10.0.0.2/24");
    lan.run_for(secs(30));
    lan.between(a, b, |l| l.tcp = Tcp::Dropped);
    let key = lan.key(a, b);
    lan.command(a, Command::DialNow(key));
    lan.forget_the_log();
    lan.quit(a);
    lan.command(a, Command::DialNow(key));
    lan.quit(a);
    lan.run_for(ms(100));
    assert!(lan.hosts[a.0].stopped, "within a tenth of a second");
    for broadcast in ["10.0.0.255", "10.1.0.255"] {
        let goodbyes = lan
            .sent
            .iter()
            .filter(|s| s.host == a && s.to.ip().to_string() == broadcast)
            .filter(|s| Presence::decode(&s.bytes).unwrap().kind == Kind::Goodbye)
            .count();
        assert_eq!(goodbyes, 3, "{broadcast}");
    }
    assert_eq!(lan.count(a, |e| matches!(e, Event::Stopped { .. })), 1);
    assert_eq!(lan.count(a, |e| matches!(e, Event::DialStarted { .. })), 0);
    assert_eq!(lan.state(b, a), Some(PeerState::Left));
    lan.run_for(secs(60));
    assert_eq!(lan.count(a, |_| true), 1, "nothing after the end");
}

#[test]
fn a_named_peer_beyond_the_links_is_dialed_with_retries_and_comes_up() {
    let mut lan = Lan::new(1);
    let b = lan.host("10.7.0.2/24");
    lan.hosts[b.0].routed = true;
    lan.kill(b);
    let a = lan.host_with(&["10.0.0.1/24"], |c| c.peers = vec![target("10.7.0.2"), target("nobody.example")]);
    lan.hosts[a.0].routed = true;
    lan.run_for(secs(25));
    let (waits, starts) = dial_story(&lan, a);
    assert_eq!(starts.iter().map(|s| s.1).take(5).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert!(waits.len() >= 4);
    lan.restart(b, |_| {});
    let up =
        |lan: &Lan| [(a, b), (b, a)].iter().all(|(of, peer)| lan.state(*of, *peer) == Some(PeerState::Up));
    lan.run_until(secs(20), up).expect("up, both ways");
    lan.forget_the_log();
    lan.run_for(secs(120));
    let changes = lan.log.iter().filter(|l| matches!(l.event, Event::PeerState { .. })).count();
    assert_eq!(changes, 0, "and stays up");
    lan.quit(a);
    lan.run_for(secs(1));
    assert_ne!(lan.state(b, a), Some(PeerState::Silent));
}

#[test]
fn a_named_peer_that_is_known_already_is_one_row() {
    // By its address, and by a second address that only its reply tells to be the same node.
    for other in ["10.0.0.2", "10.8.0.2"] {
        let mut lan = Lan::new(1);
        let a = lan.host("10.0.0.1/24");
        lan.hosts[a.0].routed = true;
        let b = lan.host_with(&["eth0=10.0.0.2/24", "vpn0=10.8.0.2/24"], |_| {});
        lan.run_for(secs(20));
        lan.forget_the_log();
        lan.command(a, Command::AddPeer(target(other)));
        lan.run_for(secs(60));
        assert_eq!(lan.hosts[a.0].engine.snapshot(lan.now).peers.len(), 1, "{other}");
        assert_eq!(lan.state(a, b), Some(PeerState::Up));
        let merged = lan.count(a, |e| matches!(e, Event::PeerLeft { reason: LeaveReason::Expired, .. }));
        assert_eq!(merged, usize::from(other == "10.8.0.2"), "the extra row is told to be gone");
        assert_eq!(lan.count(a, |e| matches!(e, Event::PeerMoved { .. } | Event::PeerRestarted { .. })), 0);
        lan.invariants();
    }
}

#[test]
fn a_reply_through_a_second_address_proves_that_address_only() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.tell(Input::Command(Command::AddPeer(target("10.8.0.2"))));
    let (_, dial, addr) = solo.dials[0];
    solo.answer(dial, 2, 1_000);
    let told = solo.events.iter().find_map(|(_, e)| match e {
        Event::DialSucceeded { addr, .. } => Some(*addr),
        _ => None,
    });
    assert_eq!(told, Some(addr.into()), "the address that was dialed");
    assert!(!solo.abandoned.contains(&dial), "it has ended, and is not abandoned, too");
}

#[test]
fn a_peer_that_answers_with_our_own_id_is_ourselves_and_not_retried() {
    let mut solo = Solo::new(|c| c.peers = vec![target("10.0.0.9")]);
    let (_, dial, _) = solo.dials[0];
    solo.answer(dial, 1, 1_000);
    let clear = solo.count(|e| {
        matches!(e, Event::DialFailed { cause: Cause::AddressNotAvailable, retryable: false, retry_in: None, detail, .. }
            if **detail == Detail::ThisNode)
    });
    assert_eq!(clear, 1);
    assert_eq!(solo.count(|e| matches!(e, Event::DialGaveUp { attempts: 1, .. })), 1);
}

#[test]
fn a_reply_of_another_group_is_not_retried() {
    let mut lan = Lan::new(1);
    lan.host_with(&["10.0.0.2/24"], |c| c.group = "other".into());
    let a = lan.host_with(&["10.0.0.1/24"], |c| c.peers = vec![target("10.0.0.2")]);
    lan.run_for(secs(9));
    let failed = lan.count(a, |e| {
        matches!(e, Event::DialFailed { cause: Cause::WrongGroup, retryable: false, retry_in: None, .. })
    });
    assert_eq!(failed, 1);
    let told = lan.count(a, |e| matches!(e, Event::Rejected { .. }));
    assert!(told <= 9, "{told} lines");
}

#[test]
fn a_peer_behind_an_interface_that_went_down_is_dialed_at_once_when_it_is_back() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.forget_the_log();
    lan.set_interfaces(a, &[]);
    assert_eq!(lan.count(a, |e| matches!(e, Event::InterfaceDown { .. })), 1);
    lan.run_for(secs(1));
    let blamed =
        |e: &Event| matches!(e, Event::DialFailed { cause: Cause::InterfaceDown, retryable: true, .. });
    assert!(lan.count(a, blamed) > 0, "the interface is to blame, at once");
    lan.run_for(secs(30));
    lan.forget_the_log();
    lan.set_interfaces(a, &["10.0.0.1/24"]);
    let hellos = lan.sent.iter().filter(|s| Presence::decode(&s.bytes).unwrap().kind == Kind::Hello).count();
    assert_eq!(hellos, 1, "hello again");
    let up = lan.run_until(secs(3), |lan| lan.state(a, b) == Some(PeerState::Up));
    assert!(up.is_some_and(|took| took < ms(500)), "{up:?}");
}

#[test]
fn a_dial_of_the_old_address_says_nothing_of_the_new_one() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.echo("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    solo.run_for(secs(1));
    let (_, dial, _) = solo.dials[0];
    // It moves while it is dialed.
    for sequence in 3..6 {
        solo.run_for(ms(500));
        solo.hear("10.0.0.3:30000", &presence(Kind::Heartbeat, 2, sequence));
    }
    assert_eq!(solo.count(|e| matches!(e, Event::PeerMoved { .. })), 1);
    assert_eq!(solo.abandoned, [dial]);
    solo.answer(dial, 2, 1_000);
    assert_eq!(solo.count(|e| matches!(e, Event::DialSucceeded { .. })), 0);
    solo.dials.clear();
    solo.run_for(secs(3));
    assert_eq!(solo.dials.len(), 1);
    let last = solo.events.iter().rev().find_map(|(_, e)| match e {
        Event::DialStarted { max, addr, .. } => Some((*max, addr.to_string())),
        _ => None,
    });
    assert_eq!(last, Some((1, "10.0.0.3:17474".to_owned())), "not proven yet: without retries");
}

#[test]
fn a_restart_in_the_middle_of_a_retrying_dial_begins_a_new_dial() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.echo("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    solo.run_for(secs(1));
    let (_, dial, _) = solo.dials.pop().unwrap();
    solo.fail(dial, Cause::Refused);
    let hello = |sequence| Presence { incarnation: Incarnation(2_000), ..presence(Kind::Hello, 2, sequence) };
    solo.hear("10.0.0.2:30000", &hello(1));
    let (_, dial, _) = solo.dials.pop().expect("the known life is asked");
    solo.run_for(ms(500));
    solo.fail(dial, Cause::Refused);
    solo.hear("10.0.0.2:30000", &hello(2));
    solo.run_for(secs(5));
    let (attempt, max) = solo
        .events
        .iter()
        .rev()
        .find_map(|(_, e)| match e {
            Event::DialStarted { attempt, max, .. } => Some((*attempt, *max)),
            _ => None,
        })
        .unwrap();
    assert_eq!((attempt, max), (1, 1), "the new life has proved nothing yet");
}

#[test]
fn a_peer_that_gives_up_its_server_is_dialed_no_longer() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.run_for(ms(500));
    solo.hear("10.0.0.2:30000", &Presence { tcp_port: 0, ..presence(Kind::Heartbeat, 2, 2) });
    for sequence in 3..20 {
        solo.run_for(secs(5));
        solo.hear("10.0.0.2:30000", &Presence { tcp_port: 0, ..presence(Kind::Heartbeat, 2, sequence) });
    }
    assert_eq!(solo.dials, []);
    solo.engine.check_invariants();
}

#[test]
fn a_reply_tells_which_life_runs_whatever_presences_claimed() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    solo.echo("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 2));
    // Somebody forges a life that no real one can ever follow.
    solo.hear(
        "10.0.0.2:30000",
        &Presence { incarnation: Incarnation(u64::MAX), ..presence(Kind::Heartbeat, 2, 1) },
    );
    solo.run_for(secs(2));
    let (_, dial, _) = solo.dials.pop().unwrap();
    solo.answer(dial, 2, 1_000);
    assert_eq!(solo.rows()[0].info.incarnation, Some(Incarnation(1_000)));
    assert_eq!(solo.rows()[0].state, PeerState::Up);
    solo.events.clear();
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 3));
    assert_eq!(solo.count(|e| matches!(e, Event::Rejected { .. })), 0, "the real one is heard again");
}

#[test]
fn a_peer_known_by_its_exchanges_only_is_forgotten_when_it_is_gone_for_long() {
    let mut lan = Lan::new(1);
    let b = lan.host("10.7.0.2/24");
    let a = lan.host_with(&["10.0.0.1/24"], |c| c.peers = vec![target("10.7.0.2")]);
    lan.hosts[a.0].routed = true;
    lan.hosts[b.0].routed = true;
    lan.run_for(secs(30));
    assert_eq!(lan.state(b, a), Some(PeerState::Up));
    lan.switch_off(a);
    lan.record = false;
    lan.run_for(secs(4_000));
    assert!(!lan.knows(b, a));
}

#[test]
fn a_peer_that_left_is_not_dialed_on_after_a_forced_dial() {
    let mut lan = Lan::new(1);
    let (a, b) = (lan.host("10.0.0.1/24"), lan.host("10.0.0.2/24"));
    lan.run_for(secs(30));
    lan.quit(b);
    lan.run_for(secs(1));
    lan.kill(b);
    lan.command(a, Command::DialAll);
    lan.run_for(secs(30));
    lan.forget_the_log();
    lan.run_for(secs(100));
    assert_eq!(lan.count(a, |e| matches!(e, Event::DialStarted { .. })), 0);
}

#[test]
fn the_end_of_a_dial_that_nobody_began_is_ignored() {
    let mut solo = Solo::new(|_| {});
    solo.tell(Input::DialEnded { dial: DialId(99), result: Err(failure(Cause::Refused)) });
    assert_eq!(solo.count(|e| matches!(e, Event::DialFailed { .. })), 0);
}

/// How many dials a host starts in so long.
fn dials_within(lan: &mut Lan, of: HostId, time: Duration) -> usize {
    lan.forget_the_log();
    lan.run_for(time);
    lan.count(of, |event| matches!(event, Event::DialStarted { .. }))
}

#[test]
fn a_node_dials_no_more_often_where_there_are_more_peers_than_a_few_and_as_often_as_before_when_they_are_gone()
 {
    let mut lan = Lan::new(1);
    let hosts = lan.hosts(49);
    lan.run_for(secs(60));
    // Fifteen seconds.
    let interval = 48 * 10 / 32;
    let dials = dials_within(&mut lan, hosts[0], secs(interval * 4));
    assert!((48 * 4 - 20..=48 * 4 + 20).contains(&dials), "{dials} dials in four intervals");
    assert!(lan.everybody_is(PeerState::Up));
    hosts[5..].iter().for_each(|host| lan.quit(*host));
    // Those that left are forgotten, and then all dials that were planned by the longer interval are done.
    lan.run_for(secs(400));
    let dials = dials_within(&mut lan, hosts[0], secs(100));
    assert!((36..=44).contains(&dials), "{dials} dials of 4 peers in ten intervals");
}

#[test]
fn a_node_that_dials_rarely_is_judged_by_its_own_interval() {
    for seed in 0..6 {
        let mut lan = Lan::new(seed);
        let often = |config: &mut Config| config.dial_interval = DialInterval::Every(secs(5));
        let rarely = |config: &mut Config| config.dial_interval = DialInterval::Every(secs(60));
        let hosts = [
            lan.host_with(&["10.0.0.1/24"], often),
            lan.host_with(&["10.0.0.2/24"], rarely),
            lan.host_with(&["10.0.0.3/24"], often),
        ];
        lan.run_for(secs(130));
        for round in 0..60 {
            lan.run_for(ms(3_100));
            let view = lan.hosts[hosts[0].0].engine.matrix(lan.now);
            let rare = view.nodes.iter().position(|node| node.name == "h1").unwrap();
            let other = view.nodes.iter().position(|node| node.name == "h2").unwrap();
            for to in [0, other] {
                let cell = view.cell(rare, to, view.at);
                assert_eq!(cell.tcp, PathStatus::Ok, "seed {seed}, round {round}: its row is believed");
            }
            let seen = view.observation(0, rare, view.at).unwrap();
            assert_eq!(
                seen.served,
                PathStatus::Ok,
                "seed {seed}, round {round}: it dials as often as it says"
            );
        }
        let told = lan.log.iter().filter(|logged| matches!(logged.event, Event::Diagnosis(_))).count();
        assert_eq!(told, 0, "seed {seed}");
    }
}
/// How many in a thousand cells of the matrix are known, TCP and UDP, of some of the hosts.
fn known_per_mille(lan: &Lan, hosts: &[HostId]) -> usize {
    let (mut known, mut all) = (0, 0);
    for host in hosts.iter().step_by(7) {
        let view = lan.hosts[host.0].engine.matrix(lan.now);
        let places = 0..hosts.len();
        for (from, to) in places.clone().flat_map(|from| places.clone().map(move |to| (from, to))) {
            if from != to {
                let cell = view.cell(from, to, lan.now);
                known += usize::from(![cell.tcp, cell.udp].contains(&PathStatus::Unknown));
                all += 1;
            }
        }
    }
    known * 1_000 / all
}

#[test]
fn of_many_nodes_that_start_together_each_knows_nearly_all_pairs_soon_though_packets_are_lost() {
    let mut lan = Lan::new(1);
    lan.record = false;
    lan.link.loss = 0.1;
    let count = 70;
    let mut hosts = Vec::new();
    for nth in 1..=count {
        hosts.push(lan.host(&format!("10.0.0.{nth}/24")));
        lan.run_for(secs(10) / count);
    }
    for after in [15, 30] {
        lan.run_for(secs(15));
        let known = known_per_mille(&lan, &hosts);
        assert!(known >= 990, "{known} ‰ after {after} s");
    }
}
