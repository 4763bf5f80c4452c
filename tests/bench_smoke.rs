//! Every scenario of `cargo bench`, small: each comes to its end, and what the engine and the screen do once costs as many
//! allocations among many as among few. A bench that no longer ends, or a step that began to grow with the table, fails here.

#[path = "../benches/scenarios/mod.rs"]
mod scenarios;

use std::collections::HashMap;

use scenarios::{Cap, attach, crowd, exchange, frame, memory, newcomer};
use vigie::app::model::{MAX_ATTEMPTS, MAX_ENTRIES};
use vigie::testkit::crowd::{Crowd, Told, Watch};
use vigie::testkit::{Doorstep, ms, secs};

/// Both above the number of peers from which a node takes its time, so that it does the same among both.
const FEW: usize = 20;
const MANY: usize = 2_000;

/// Most bytes of a peer, in the engine and the screen's model together, where tables have spare room. The goal is 1 000 of 10 000 peers.
const BYTES_OF_A_PEER: u64 = 1_800;

/// No scenario takes half as many steps.
const CAP: Cap = Cap::Steps(1_000_000);

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
    /// Of a presence, an echo and a request handled, and of a dial from its tick to its reply, among so many peers.
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn of(peers: usize) -> [(&'static str, f64); 4] {
        let mut crowd = crowd::settled(peers, CAP).expect("it settles");
        let (begun, mut counted) = (crowd.dials, Self::default());
        crowd::live(&mut crowd, secs(20), &mut counted, CAP).expect("it lives on");
        let mean = |told: &[Told], times: u64| {
            let allocations: u64 = told.iter().filter_map(|told| counted.0.get(told)).map(|(n, _)| n).sum();
            allocations as f64 / times as f64
        };
        let each = |told| mean(&[told], counted.0[&told].1);
        [
            ("a presence", each(Told::Presence)),
            ("an echo", each(Told::Echo)),
            ("a request", each(Told::Request)),
            // Among many, a tick or a reply begins many dials.
            ("a dial cycle", mean(&[Told::Tick, Told::Reply], crowd.dials - begun)),
        ]
    }
}

#[test]
fn what_a_node_does_costs_as_many_allocations_among_many_as_among_few() {
    for ((what, few), (_, many)) in Allocations::of(FEW).into_iter().zip(Allocations::of(MANY)) {
        assert!(
            many <= few * 1.2 + 1.0,
            "{what}: {many:.1} allocations among {MANY} peers, {few:.1} among {FEW}"
        );
    }
}

#[test]
fn costs_in_steady_life_are_measured() {
    let mut crowd = crowd::settled(FEW, CAP).expect("it settles");
    let costs = crowd::costs(&mut crowd, 100, CAP).expect("a hundred dials end");
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
        let mut crowd: Crowd = crowd::accusing(nodes, CAP).expect("it settles");
        let mut counted = Allocations::default();
        crowd::live(&mut crowd, secs(5), &mut counted, CAP).expect("it lives on");
        assert!(crowd::longest_tick(&mut crowd, secs(1), CAP).is_some());
        counted.0[&Told::Tick].0
    };
    let (few, many) = (allocations(24), allocations(48));
    assert!(many <= few * 5, "{many} allocations among 48 nodes, {few} among 24");
}

#[test]
fn a_peer_takes_little_memory() {
    let taken = |peers| {
        let taken = memory::of(peers, CAP).expect("every history gets full");
        taken.engine + taken.model
    };
    // What is there for any number of peers is in both.
    let each = (taken(400) - taken(200)) / 200;
    assert!(each <= BYTES_OF_A_PEER, "{each} B a peer");
}

#[test]
fn a_frame_costs_as_many_allocations_with_many_peers_as_with_few() {
    let allocations = |mut network: frame::Network| {
        let mut screen = frame::Screen::default();
        screen.empty_frame();
        let mut frame = || {
            network.go_on();
            network.frame(&mut screen);
        };
        (0..5).for_each(|_| frame());
        allocation_counter::measure(|| (0..10).for_each(|_| frame())).count_total
    };
    let (few, many) = (allocations(frame::Network::new(100)), allocations(frame::Network::new(2_000)));
    assert!(many <= few * 6 / 5, "{many} allocations with 2 000 peers, {few} with 100");
    let of_every_column = allocations(frame::Network::with_every_column(2_000));
    assert!(
        of_every_column <= many * 6 / 5,
        "{of_every_column} allocations with every column, {many} without"
    );
}

#[test]
fn exchanges_go_on_on_both_sides() {
    let sides = exchange::Sides::new(4);
    assert!(sides.ours(ms(20)) > 0.0);
    assert!(sides.theirs(ms(20)) > 0.0);
    assert!(exchange::Sides::sealed(1).ours(ms(20)) > 0.0);
}

#[test]
fn an_app_that_attaches_reads_all_that_is_remembered() {
    let (model, at) = attach::remembering(FEW as u64);
    let read = attach::read(&attach::written(&model, at), at);
    assert_eq!((read.attempts().len(), read.journal().len()), (MAX_ATTEMPTS, MAX_ENTRIES));
    let costs = attach::costs(&model, at, &mut frame::Screen::default());
    assert!(costs.drawn > 0.0, "{costs:?}");
}
