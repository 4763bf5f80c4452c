//! `cargo bench`: one page, a line for each figure that has a goal. Both sides of a line take turns in one run, so that a busy
//! moment of the machine hits both; the values are medians of the rounds.
//!
//! Every figure has a cap on its time: what costs too much is said to have no end, and the page goes on.

#[path = "../scenarios/mod.rs"]
mod scenarios;
mod table;

use std::cell::Cell;

use vigie::testkit::{Doorstep, ms, secs};

use scenarios::{Cap, attach, crowd, exchange, frame, memory, newcomer};
use table::{Goal, Line, each, median, print, print_head, versus};

/// Peers of a large network.
const MANY: usize = 10_000;
/// Peers of a small one.
const FEW: usize = 10;

const SECTIONS: [(&str, fn()); 7] = [
    ("exchanges", exchanges),
    ("life", steady_life),
    ("newcomers", newcomers),
    ("diagnosis", diagnosis),
    ("memory", memory_of_many),
    ("frames", frames),
    ("attach", attaching),
];

fn main() {
    // `cargo test` runs every bench; what it could show, `tests/bench_smoke.rs` shows.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    // `cargo bench -- diagnosis frames` prints these lines only.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    print_head();
    for (name, lines) in SECTIONS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            lines();
        }
    }
}

fn exchanges() {
    for (what, at_once, least) in [
        ("exchange on loopback ÷ bare tokio, one at a time", 1, 0.95),
        ("exchange on loopback ÷ bare tokio, 64 at a time", exchange::MANY, 1.0),
    ] {
        let sides = exchange::Sides::new(at_once);
        let pace = ms(150);
        let found = versus(41, Cap::within(secs(15)), || sides.ours(pace), || sides.theirs(pace));
        print(&Line::ratio(what, "/s", found, Goal::AtLeast(least)));
    }
    let (sealed, open) = (exchange::Sides::sealed(1), exchange::Sides::new(1));
    let pace = ms(150);
    let found = versus(41, Cap::within(secs(15)), || sealed.ours(pace), || open.ours(pace));
    print(&Line::ratio("exchange under a secret ÷ in the open", "/s", found, Goal::AtLeast(1.0 / 1.3)));
}

/// Three networks live in turns.
fn steady_life() {
    const DIALS: u32 = 2_000;
    let warm_up = Cap::within(secs(30));
    let (few, many) = ("10 peers", "10 000 peers");
    let dial_cycle = format!("dial cycle, tick to events: {many} ÷ {few}");
    let presence = format!("heartbeat of a known peer handled: {many} ÷ {few}");
    let request = |peers: &str| format!("request with nothing new, served: of {peers}");
    let sizes = [(FEW, few), (1_000, "1 000 peers"), (MANY, many)];
    let mut crowds: Vec<_> = sizes.iter().map(|(peers, _)| crowd::settled(*peers, warm_up)).collect();
    let cap = Cap::within(secs(40));
    let mut rounds = vec![Vec::new(); crowds.len()];
    for _ in 0..31 {
        for (crowd, rounds) in crowds.iter_mut().zip(&mut rounds) {
            let costs = crowd.as_mut().and_then(|crowd| crowd::costs(crowd, DIALS, cap));
            rounds.extend(costs);
        }
    }
    let of = |nth: usize, pick: fn(&crowd::Costs) -> f64| each(&rounds[nth], pick);
    let ratio = |pick| table::compare(&of(2, pick), &of(0, pick));
    print(&Line::ratio(&dial_cycle, "ns", ratio(|costs| costs.dial_cycle), Goal::AtMost(1.5)));
    print(&Line::ratio(&presence, "ns", ratio(|costs| costs.presence), Goal::AtMost(1.5)));
    for (nth, (_, peers)) in sizes.iter().enumerate() {
        let served = median(&of(nth, |costs| costs.request));
        print(&Line::alone(&request(peers), "ns", served, Goal::AtMost(5_000.0)));
    }
}

fn newcomers() {
    let (mut ours, mut bare) = (Doorstep::default(), Doorstep::default());
    let found = versus(
        101,
        Cap::within(secs(10)),
        || newcomer::welcome(&mut ours, 500),
        || newcomer::bare(&mut bare, 500),
    );
    let what = "hello of a new peer, to event, row and answer; beside it decode, insert, encode";
    print(&Line::beside(what, "ns", found, Goal::AtMost(900.0)));
}

fn diagnosis() {
    const NODES: usize = 256;
    let cap = Cap::within(secs(30));
    let mut well = crowd::settled(NODES - 1, cap);
    let mut accusing = well.as_ref().and_then(|_| crowd::accusing(NODES - 1, cap));
    let tick = |crowd: &mut Option<_>| {
        crowd.as_mut().and_then(|crowd| crowd::longest_tick(crowd, secs(3), cap)).unwrap_or(f64::NAN)
    };
    let found = versus(21, cap, || tick(&mut accusing), || tick(&mut well));
    let what =
        "diagnosis, 256 nodes, all rows bad: the longest step; beside it the longest when all are well";
    print(&Line::beside(what, "ms", found, Goal::AtMost(5.0)));
}

fn memory_of_many() {
    let taken = memory::of(MANY, Cap::within(secs(40)));
    #[expect(clippy::cast_precision_loss, reason = "to be printed with two digits")]
    let megabytes = |bytes: u64| bytes as f64 / 1e6;
    let (engine, model) = taken.map_or((f64::NAN, f64::NAN), |m| (megabytes(m.engine), megabytes(m.model)));
    let what = "memory of engine and screen model, 10 000 peers × 60 samples; beside it the engine's part";
    let found = table::Found { ours: engine + model, theirs: engine, ratio: (engine + model) / engine };
    print(&Line::beside(what, "MB", found, Goal::AtMost(10.0)));
}

fn frames() {
    let of = |mut network: frame::Network| {
        let (mut screen, mut empty) = (frame::Screen::default(), frame::Screen::default());
        let ours = || {
            network.go_on();
            network.frame(&mut screen)
        };
        versus(500, Cap::within(secs(15)), ours, || empty.empty_frame())
    };
    let found = of(frame::Network::new(MANY as u64));
    print(&Line::ratio("frame at 10 000 peers ÷ empty frame, 200×50", "µs", found, Goal::AtMost(2.0)));
    let found = of(frame::Network::with_every_column(MANY as u64));
    print(&Line::ratio("the same with every column on", "µs", found, Goal::AtMost(2.2)));
}

fn attaching() {
    let (model, at) = attach::remembering(50);
    let mut screen = frame::Screen::default();
    let drawn = Cell::new(f64::NAN);
    let ours = || {
        let costs = attach::costs(&model, at, &mut screen);
        drawn.set(costs.drawn);
        (costs.written + costs.read + costs.drawn) / 1_000.0
    };
    let found = versus(31, Cap::within(secs(10)), ours, || drawn.get() / 1_000.0);
    let what = "an app attaches, as much remembered as can be: written, read, drawn; beside it drawn";
    print(&Line::beside(what, "ms", found, Goal::AtMost(60.0)));
}
