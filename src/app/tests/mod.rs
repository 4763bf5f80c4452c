//! Tests of the app as a whole: events and keys in, frames and commands out.

mod checkup;
mod compare;
mod details;
mod diagnosis;
mod export;
mod filters;
mod findings;
mod fold;
mod fuzz;
mod groups;
mod interval;
mod journal;
mod keys;
mod lists;
mod looping;
mod matrix;
mod memory;
mod mouse;
mod network;
mod notes;
mod past;
mod rebound;
mod screens;
mod timeline;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::appearance::Appearance;
use super::appearance::Theme;
use super::model::ROWS_SEEN;
use super::state::{App, Effect};
use super::{Options, view};
use crate::engine::cause::{Cause, Detail};
use crate::engine::event::{Event, Stamped};
use crate::engine::interface::Interface;
use crate::engine::observation::Observation;
use crate::engine::peers::{
    DialPhase, LeaveReason, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, PeerState, Snapshot, Via,
};
use crate::engine::verdict::Verdict;
use crate::engine::{Incarnation, NodeId};
use crate::testkit;

pub(super) use crate::testkit::peer;

/// An app in a test, with its own time: `t0` and what has passed since.
pub(super) struct Bench {
    pub(super) app: App,
    t0: Instant,
    passed: Duration,
}

impl Bench {
    pub(super) fn new() -> Self {
        let options = Options {
            local_ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 5))),
            bell: false,
            ..Options::default()
        };
        let app = App::new(options, Appearance::new(Theme::COLOURED));
        Self { app, t0: testkit::t0(), passed: Duration::ZERO }
    }

    /// With so many peers, all of them up.
    pub(super) fn of_a_crowd(peers: u64) -> Self {
        let mut bench = Self::new();
        bench.started(&[("eth0", 0)]);
        let rows = (0..peers).map(|i| row(&peer(i, &format!("host{i}")), PeerState::Up)).collect();
        bench.fold(snapshot(rows));
        bench
    }

    /// The last page of the table, and how many rows are looked at to draw it.
    pub(super) fn end_and_rows_seen(&mut self) -> (String, usize) {
        self.screen(120, 40);
        self.key(KeyCode::End);
        self.screen(120, 40);
        ROWS_SEEN.set(0);
        (self.text(120, 40), ROWS_SEEN.get())
    }

    pub(super) fn now(&self) -> Instant {
        self.t0 + self.passed
    }

    pub(super) fn wait(&mut self, milliseconds: u64) -> &mut Self {
        self.passed += Duration::from_millis(milliseconds);
        let now = self.now();
        self.app.pass(now);
        self
    }

    pub(super) fn stamp(&self, event: Event) -> Stamped {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
        Stamped { at: self.now(), wall: noon + self.passed, event }
    }

    pub(super) fn fold(&mut self, event: Event) -> &mut Self {
        let stamped = self.stamp(event);
        self.app.fold(&stamped);
        self
    }

    pub(super) fn started(&mut self, interfaces: &[(&str, u8)]) -> &mut Self {
        let interfaces = interfaces
            .iter()
            .map(|(name, net)| Interface::new(name, Ipv4Addr::new(10, 0, *net, 5), 24).unwrap())
            .collect();
        self.fold(Event::Started { node: node(), interfaces })
    }

    pub(super) fn discovered(&mut self, peer: &Arc<PeerInfo>) -> &mut Self {
        self.fold(Event::PeerDiscovered { peer: Arc::clone(peer), via: Via::Broadcast })
    }

    pub(super) fn state(&mut self, peer: &Arc<PeerInfo>, from: PeerState, to: PeerState) -> &mut Self {
        self.fold(Event::PeerState { peer: Arc::clone(peer), from, to })
    }

    pub(super) fn dials(&mut self, peer: &Arc<PeerInfo>, attempt: u32) -> &mut Self {
        let (peer, addr) = (Arc::clone(peer), peer.addr);
        self.fold(Event::DialStarted { peer, addr, attempt, max: 5, forced: false })
    }

    pub(super) fn answers(&mut self, peer: &Arc<PeerInfo>, attempt: u32, rtt_us: u64) -> &mut Self {
        let (peer, addr) = (Arc::clone(peer), peer.addr);
        let (connect, rtt) = (Duration::from_micros(rtt_us / 2), Duration::from_micros(rtt_us));
        self.fold(Event::DialSucceeded { peer, addr, attempt, connect, rtt })
    }

    pub(super) fn fails(&mut self, peer: &Arc<PeerInfo>, attempt: u32, retry_ms: Option<u64>) -> &mut Self {
        let (peer, addr) = (Arc::clone(peer), peer.addr);
        self.fold(Event::DialFailed {
            peer,
            addr,
            attempt,
            max: 5,
            cause: Cause::Refused,
            detail: Detail::system("connect: Connection refused (os error 111)"),
            errno: Some(111),
            retryable: true,
            retry_in: retry_ms.map(Duration::from_millis),
        })
    }

    pub(super) fn left(&mut self, peer: &Arc<PeerInfo>, reason: LeaveReason) -> &mut Self {
        self.fold(Event::PeerLeft { peer: Arc::clone(peer), reason })
    }

    pub(super) fn key(&mut self, code: KeyCode) -> Option<Effect> {
        let now = self.now();
        self.app.key(&KeyEvent::new(code, KeyModifiers::NONE), now)
    }

    /// Moves the selection to a peer.
    pub(super) fn select(&mut self, name: &str) -> &mut Self {
        let at = self.app.shown().rows(0..usize::MAX).position(|peer| peer.info.name == name).unwrap();
        self.key(KeyCode::Home);
        (0..at).for_each(|_| _ = self.key(KeyCode::Down));
        self
    }

    pub(super) fn typed(&mut self, text: &str) {
        for c in text.chars() {
            assert_eq!(self.key(KeyCode::Char(c)), None, "{c}");
        }
    }

    pub(super) fn terminal(&mut self, width: u16, height: u16) -> (Terminal<TestBackend>, view::Drawn) {
        let now = self.now();
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        let mut drawn = view::Drawn::default();
        let draw = |frame: &mut ratatui::Frame<'_>| {
            drawn = view::draw(&mut self.app, frame.area(), frame.buffer_mut(), now);
            if let Some(cursor) = drawn.cursor {
                frame.set_cursor_position(cursor);
            }
        };
        terminal.draw(draw).unwrap();
        (terminal, drawn)
    }

    pub(super) fn screen(&mut self, width: u16, height: u16) -> Buffer {
        self.terminal(width, height).0.backend().buffer().clone()
    }

    pub(super) fn text(&mut self, width: u16, height: u16) -> String {
        lines(&self.screen(width, height)).join("\n")
    }
}

/// The text of a screen, line by line, without the blanks at the ends.
pub(super) fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width.max(1));
    let rows = buffer.content.chunks(width).map(|row| {
        let mut text = String::new();
        let mut covered = 0;
        for cell in row {
            if covered == 0 {
                text.push_str(cell.symbol());
                covered = crate::text::columns(cell.symbol()).max(1);
            }
            covered -= 1;
        }
        text.trim_end().to_owned()
    });
    rows.collect()
}

pub(super) fn node() -> Arc<NodeInfo> {
    Arc::new(testkit::node(1, "alice"))
}

pub(super) fn snapshot(peers: Vec<PeerSnapshot>) -> Event {
    let eth0 = Interface::new("eth0", Ipv4Addr::new(10, 0, 0, 5), 24).unwrap();
    Event::Snapshot(Arc::new(Snapshot { node: node(), interfaces: [eth0].into(), peers }))
}

pub(super) fn row(info: &Arc<PeerInfo>, state: PeerState) -> PeerSnapshot {
    PeerSnapshot {
        rtt_us: Some(840),
        connect: Some(Duration::from_micros(310)),
        loss: Some(0.0),
        last_heard_ms: Some(1_000),
        verdict: Verdict::Ok,
        interface: Some("eth0".into()),
        ..testkit::row(info, state)
    }
}

/// A network with one peer of each kind.
pub(super) fn busy() -> Bench {
    let mut bench = Bench::new();
    bench.started(&[("eth0", 0), ("wlan0", 1)]);
    let [up, wide, retrying, gone, silent, left, new] = [
        peer(11, "bob"),
        peer(12, "山田のPC"),
        peer(13, "host10"),
        peer(14, "host9"),
        peer(15, "old-printer"),
        peer(16, "anna-laptop"),
        peer(17, "zed"),
    ];
    for peer in [&up, &wide, &retrying, &gone, &silent, &left] {
        bench.discovered(peer).wait(10);
    }
    for (i, us) in [800, 900, 1_700, 850, 820, 3_000, 790].into_iter().enumerate() {
        bench.dials(&up, 1).wait(2);
        if i == 4 {
            bench.fails(&up, 1, Some(1_000)).wait(20);
            bench.dials(&up, 2).wait(2);
        }
        bench.answers(&up, 1 + u32::from(i == 4), us).wait(100);
    }
    bench.state(&up, PeerState::New, PeerState::Up);
    bench.dials(&wide, 1).wait(1).answers(&wide, 1, 12_400).state(&wide, PeerState::New, PeerState::Up);
    bench.dials(&left, 1).wait(1).answers(&left, 1, 420).state(&left, PeerState::New, PeerState::Up);
    bench.state(&silent, PeerState::New, PeerState::Silent);
    bench.dials(&gone, 5).wait(40).fails(&gone, 5, None);
    bench.state(&gone, PeerState::New, PeerState::Unreachable);
    bench.left(&left, LeaveReason::Goodbye);
    bench.wait(7_000).discovered(&new);
    bench.dials(&retrying, 2).wait(30).fails(&retrying, 2, Some(2_900));
    bench.state(&retrying, PeerState::New, PeerState::Retrying).wait(500);
    bench.dials(&new, 1).wait(1_250);
    bench
}
