//! What a node remembers, handed to an app that attaches: written as lines, read again, drawn.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use vigie::app::Options;
use vigie::app::appearance::{Appearance, Theme};
use vigie::app::model::{MAX_ATTEMPTS, MAX_ENTRIES, Model};
use vigie::app::state::App;
use vigie::engine::event::{Event, Stamped};
use vigie::engine::peers::{PeerState, Via};
use vigie::record::{Past, Reader, Writer};
use vigie::testkit::{clock::now, interface, node, peer};

use super::frame::{Screen, attempt_ended, micros};

/// A node that has run for long among so many peers: it remembers as many attempts and notable events as it can.
pub(crate) fn remembering(peers: u64) -> (Model, Instant) {
    let (mut model, mut at) = (Model::default(), now());
    let mut wall = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
    let mut fold = |event, passes: Duration| {
        at += passes;
        wall += passes;
        model.fold(&Stamped { at, wall, event });
        at
    };
    let interfaces = [interface("10.0.0.1/16")].into();
    fold(Event::Started { node: Arc::new(node(0xa11ce, "alice")), interfaces }, Duration::ZERO);
    let peers: Vec<_> = (1..=peers).map(|nth| peer(nth, &format!("host{nth}.lab.example"))).collect();
    for peer in &peers {
        fold(Event::PeerDiscovered { peer: Arc::clone(peer), via: Via::Broadcast }, Duration::ZERO);
    }
    let mut last = now();
    for nth in 0..MAX_ATTEMPTS.max(MAX_ENTRIES) {
        let peer = &peers[nth % peers.len()];
        let (addr, attempt, max) = (peer.addr, 1, 5);
        let fails = nth % 10 == 9;
        fold(
            Event::DialStarted { peer: Arc::clone(peer), addr, attempt, max, forced: false },
            Duration::from_millis(300),
        );
        let rtt = (!fails).then(|| Duration::from_micros(200 + nth as u64 * 7_919 % 900));
        fold(attempt_ended(peer, attempt, max, rtt), Duration::from_millis(1));
        let states = [PeerState::Up, PeerState::Retrying];
        let (from, to) = (states[nth / peers.len() % 2], states[(nth / peers.len() + 1) % 2]);
        last = fold(Event::PeerState { peer: Arc::clone(peer), from, to }, Duration::ZERO);
    }
    (model, last)
}

/// As it goes through the socket.
pub(crate) fn written(model: &Model, at: Instant) -> Vec<u8> {
    let mut written = Vec::new();
    let (mut writer, past) = (Writer::new(at), model.past(at));
    writer.past(&mut written, &past, at).expect("memory takes it all");
    written
}

/// As it comes out.
pub(crate) fn read(written: &[u8], at: Instant) -> Model {
    Model::remembering(&Past::read(&mut Reader::default(), written, at).expect("it can be read"))
}

/// Draws the first frame of an app that remembers this.
pub(crate) fn drawn(model: Model, screen: &mut Screen, at: Instant) {
    let mut app = App::new(Options::default(), Appearance::new(Theme::COLOURED)).remembering(model);
    screen.draw(&mut app, at);
}

/// Microseconds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Costs {
    pub(crate) written: f64,
    pub(crate) read: f64,
    pub(crate) drawn: f64,
}

/// What it costs.
pub(crate) fn costs(model: &Model, at: Instant, screen: &mut Screen) -> Costs {
    fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
        let begun = now();
        let done = work();
        (done, micros(begun.elapsed()))
    }
    let (bytes, written) = timed(|| written(model, at));
    let (model, read) = timed(|| read(&bytes, at));
    let ((), drawn) = timed(|| drawn(model, screen, at));
    Costs { written, read, drawn }
}
