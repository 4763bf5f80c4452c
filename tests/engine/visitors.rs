//! Visitors: commands that join for a moment, learn all, and leave no trace.

use vigie::engine::api::Command;
use vigie::engine::event::{Event, StopReason};
use vigie::engine::peers::PeerState;
use vigie::testkit::{HostId, Lan, secs};

/// A network of `n` nodes that is settled.
fn settled(seed: u64, n: usize) -> (Lan, Vec<HostId>) {
    let mut lan = Lan::new(seed);
    let nodes = lan.hosts(n);
    lan.run_for(secs(15));
    assert!(lan.everybody_is(PeerState::Up));
    lan.forget_the_log();
    (lan, nodes)
}

fn visitor(lan: &mut Lan, net: &str) -> HostId {
    lan.host_with(&[net], |config| config.visitor = true)
}

/// Whether a visitor knows all these, reaches them, and knows that they reach it.
fn knows_all(lan: &Lan, visitor: HostId, nodes: &[HostId]) -> bool {
    let view = lan.hosts[visitor.0].engine.matrix(lan.now);
    let all = 0..view.nodes.len();
    let mut pairs = all.clone().flat_map(|from| all.clone().map(move |to| (from, to)));
    view.nodes.len() == nodes.len() + 1
        && view.findings.is_empty()
        && pairs.all(|(from, to)| from == to || view.cell(from, to, lan.now).worse().is_ok())
}

/// What nodes said meanwhile besides what they always say, and how many visits they told of.
fn said(lan: &Lan, nodes: &[HostId]) -> (Vec<String>, u64) {
    let (mut other, mut visits) = (Vec::new(), 0);
    for logged in lan.log.iter().filter(|logged| nodes.contains(&logged.host)) {
        match &logged.event {
            Event::Visited { count, .. } => visits += count,
            Event::DialStarted { .. } | Event::DialSucceeded { .. } | Event::ExchangeServed { .. } => {}
            event => other.push(format!("{:?}: {event:?}", logged.host)),
        }
    }
    (other, visits)
}

#[test]
fn a_visitor_learns_who_reaches_whom_and_leaves_nothing_but_the_word_that_it_was_there() {
    for seed in 0..10 {
        let (mut lan, nodes) = settled(seed, 4);
        let guest = visitor(&mut lan, "10.0.9.9/16");
        let within = lan.run_until(secs(3), |lan| knows_all(lan, guest, &nodes));
        assert!(within.is_some(), "seed {seed}: {:?}", lan.hosts[guest.0].engine.matrix(lan.now));
        lan.run_for(secs(40));
        assert!(knows_all(&lan, guest, &nodes), "seed {seed}: it may stay");
        lan.command(guest, Command::Stop(StopReason::Quit));
        lan.run_for(secs(40));
        assert_eq!(said(&lan, &nodes), (Vec::new(), 4), "seed {seed}: each node tells of one visit");
        for node in &nodes {
            let engine = &lan.hosts[node.0].engine;
            assert_eq!(engine.snapshot(lan.now).peers.len(), 3, "seed {seed}: nobody new in the table");
            assert_eq!(engine.matrix(lan.now).nodes.len(), 4, "seed {seed}: nor in the matrix");
        }
    }
}

#[test]
fn a_crowd_of_commands_in_the_same_moment_all_learn_what_they_came_for() {
    let (mut lan, nodes) = settled(1, 3);
    let guests: Vec<_> =
        (1..=100).map(|n| visitor(&mut lan, &format!("10.0.{}.{n}/16", 20 + n % 2))).collect();
    let all = |lan: &Lan| guests.iter().all(|guest| knows_all(lan, *guest, &nodes));
    let within = lan.run_until(secs(5), all);
    assert!(within.is_some());
    for guest in &guests {
        lan.command(*guest, Command::Stop(StopReason::Quit));
    }
    lan.run_for(secs(40));
    let (other, visits) = said(&lan, &nodes);
    assert_eq!(other, Vec::<String>::new());
    assert!(visits >= 300, "{visits} visits at three nodes");
    let events = lan.count(nodes[0], |event| matches!(event, Event::Visited { .. }));
    assert!(events <= 8, "at most one a second is told, not {events}");
}

#[test]
fn a_command_on_the_machine_of_a_node_that_ended_is_not_taken_for_that_node() {
    let (mut lan, nodes) = settled(1, 3);
    lan.kill(nodes[2]);
    lan.run_for(secs(20));
    lan.forget_the_log();
    let guest = visitor(&mut lan, "10.0.0.3/16");
    lan.run_for(secs(20));
    assert_ne!(lan.state(nodes[0], nodes[2]), Some(PeerState::Up));
    let restarts = lan.count(nodes[0], |event| matches!(event, Event::PeerRestarted { .. }));
    assert_eq!(restarts, 0);
    assert!(lan.knows(guest, nodes[0]) && !lan.knows(nodes[0], guest));
}

#[test]
fn visitors_do_not_know_each_other() {
    let mut lan = Lan::new(1);
    let guests = ["10.0.0.1/16", "10.0.0.2/16"].map(|net| visitor(&mut lan, net));
    lan.run_for(secs(10));
    for guest in guests {
        assert_eq!(lan.hosts[guest.0].engine.snapshot(lan.now).peers.len(), 0);
    }
}
