//! Every scenario of `cargo bench`, small: each comes to its end, and what the engine and the screen do once costs as many
//! allocations among many as among few. A bench that no longer ends, or a step that began to grow with the table, fails here.

#[path = "../benches/scenarios/mod.rs"]
mod scenarios;

use std::collections::HashMap;

use scenarios::{Cap, crowd, exchange, frame, memory, newcomer};
use vigie::testkit::crowd::{Crowd, Told, Watch};
use vigie::testkit::{Doorstep, ms, secs};

/// Both above the number of peers from which a node takes its time, so that it does the same among both.
const FEW: usize = 20;
const MANY: usize = 2_000;

/// No scenario takes nearly so long; one that has no end is to be told as such.
fn cap() -> Cap {
    Cap::within(secs(60))
}

/// Counts the allocations of what the engine is told, and how often it was told.
#[derive(Default)]
struct Allocations(HashMap<Told, (u64, u64)>);

impl Watch for Allocations {
    fn around(&mut self, told: Told, work: impl FnOnce()) {
        let mut work = Some(work);
        let counted = allocation_counter::measure(|| work.take().into_iter().for_each(|work| work()));
        let (allocations, times) = self.0.entry(told).or_default();
        *allocations += counted.count_total;
        *times += 1;
    }
}

impl Allocations {
    /// Of what so many peers do in a minute, for each time that a peer does it.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn of(peers: usize) -> HashMap<Told, f64> {
        let mut crowd = crowd::settled(peers, cap()).expect("it settles");
        let (begun, mut counted) = (crowd.dials, Self::default());
        crowd::live(&mut crowd, secs(20), &mut counted, cap()).expect("it lives on");
        let dials = (crowd.dials - begun) as f64;
        let mean = |(told, (allocations, times)): (Told, (u64, u64))| {
            // Among many, a tick begins many dials.
            let times = if told == Told::Tick { dials } else { times as f64 };
            (told, allocations as f64 / times)
        };
        counted.0.into_iter().map(mean).collect()
    }
}

#[test]
fn what_a_node_is_told_costs_as_many_allocations_among_many_as_among_few() {
    let (few, many) = (Allocations::of(FEW), Allocations::of(MANY));
    for (told, few) in few {
        let many = many[&told];
        assert!(
            many <= few * 1.2 + 1.0,
            "{told:?}: {many:.1} allocations among {MANY} peers, {few:.1} among {FEW}"
        );
    }
}

#[test]
fn costs_in_steady_life_are_measured() {
    let mut crowd = crowd::settled(FEW, cap()).expect("it settles");
    let costs = crowd::costs(&mut crowd, 100, cap()).expect("a hundred dials end");
    assert!(costs.dial_cycle > 0.0 && costs.presence > 0.0 && costs.request > 0.0, "{costs:?}");
}

#[test]
fn a_newcomer_costs_few_allocations() {
    let mut doorstep = Doorstep::default();
    newcomer::welcome(&mut doorstep, 100);
    assert!(newcomer::bare(&mut doorstep, 10) > 0.0);
    let mut counted = Allocations::default();
    let welcomed: usize = (0..10).map(|_| doorstep.welcome(&mut counted)).sum();
    let (allocations, times) = counted.0[&Told::Presence];
    assert_eq!(times, welcomed as u64);
    assert!(allocations <= 12 * times, "{allocations} allocations for {times} newcomers");
}

#[test]
fn the_diagnosis_allocates_for_pairs_of_nodes_and_not_for_triples() {
    let allocations = |nodes: usize| {
        let mut crowd: Crowd = crowd::accusing(nodes, cap()).expect("it settles");
        let mut counted = Allocations::default();
        crowd::live(&mut crowd, secs(5), &mut counted, cap()).expect("it lives on");
        assert!(crowd::longest_tick(&mut crowd, secs(1), cap()).is_some());
        counted.0[&Told::Tick].0
    };
    let (few, many) = (allocations(24), allocations(48));
    assert!(many <= few * 5, "{many} allocations among 48 nodes, {few} among 24");
}

#[test]
fn a_peer_takes_little_memory() {
    const PEERS: usize = 500;
    let taken = memory::of(PEERS, cap()).expect("every history gets full");
    let each = (taken.engine + taken.model) / PEERS as u64;
    // The goal is 1 000; small tables have more spare room.
    assert!(each <= 2_000, "{each} B a peer: {taken:?}");
}

#[test]
fn a_frame_costs_as_many_allocations_with_many_peers_as_with_few() {
    let allocations = |peers: u64| {
        let (mut network, mut screen) = (frame::Network::new(peers), frame::Screen::default());
        screen.empty_frame();
        let mut frame = || {
            network.go_on();
            network.frame(&mut screen);
        };
        (0..5).for_each(|_| frame());
        allocation_counter::measure(|| (0..10).for_each(|_| frame())).count_total
    };
    let (few, many) = (allocations(100), allocations(2_000));
    assert!(many <= few * 6 / 5, "{many} allocations with 2 000 peers, {few} with 100");
}

#[test]
fn exchanges_go_on_on_both_sides() {
    let sides = exchange::Sides::new(4);
    assert!(sides.ours(ms(20)) > 0.0);
    assert!(sides.theirs(ms(20)) > 0.0);
}
