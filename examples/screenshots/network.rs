//! A matrix with faults that no loopback has: the app is told of it as the node would tell.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use vigie::app::appearance::Appearance;
use vigie::app::appearance::Theme;
use vigie::app::state::App;
use vigie::app::{Options, view};
use vigie::engine::NodeId;
use vigie::engine::cause::Cause;
use vigie::engine::event::{Event, Stamped};
use vigie::engine::matrix::MatrixView;
use vigie::engine::observation::{Observation, PathStatus};
use vigie::engine::peers::{PeerInfo, PeerState, Via};
use vigie::engine::verdict::evidence::Who;
use vigie::engine::verdict::{Advice, Finding, Pattern, Verdict};
use vigie::testkit::{self, peer_at, t0};

use crate::hour;

/// Columns and lines of its picture.
pub(crate) const SIZE: (u16, u16) = (120, 30);

/// The nodes: name and last byte of the address. The first one looks on.
const NODES: [(&str, u8); 10] = [
    ("lighthouse", 5),
    ("ada", 11),
    ("anna-laptop", 23),
    ("grace", 12),
    ("nas", 30),
    ("printer-hall", 40),
    ("rack-1", 51),
    ("rack-2", 52),
    ("robot-3", 63),
    ("山田のPC", 71),
];

/// Where all of them listen.
const PORT: u16 = 17_474;

const NAS: usize = 4;
const RACK_2: usize = 7;
const ROBOT: usize = 8;

/// The matrix: a firewall before the NAS drops what is dialed to it since two minutes ago, a robot hears nobody by UDP, and
/// a rack has told nothing for a minute.
pub(crate) fn matrix((width, height): (u16, u16)) -> Buffer {
    let mut app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    let begin = t0();
    let at = |seconds: u64| begin + Duration::from_secs(seconds);
    let mut tell = |seconds: u64, event: Event| {
        let noon = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
        app.fold(&Stamped { at: at(seconds), wall: noon + Duration::from_secs(seconds), event });
    };
    tell(0, hour::started());
    for nth in 1..NODES.len() {
        let peer = peer(nth);
        tell(0, Event::PeerDiscovered { peer: Arc::clone(&peer), via: Via::Broadcast });
        tell(0, Event::PeerState { peer, from: PeerState::New, to: PeerState::Up });
    }
    tell(600, Event::Matrix(told(at(600), false)));
    tell(900, Event::Matrix(told(at(900), true)));
    let mut screen = Buffer::empty(Rect::new(0, 0, width, height));
    let mut draw = |app: &mut App| {
        screen.reset();
        view::draw(app, screen.area, &mut screen, at(901));
    };
    for key in ['m', 'c', 'c', 'n'] {
        draw(&mut app);
        app.key(&KeyEvent::new(KeyCode::Char(key), KeyModifiers::NONE), at(901));
    }
    draw(&mut app);
    screen
}

fn peer(nth: usize) -> Arc<PeerInfo> {
    let (name, host) = NODES[nth];
    peer_at(nth as u64 + 1, name, ([10, 7, 0, host], PORT))
}

/// That of the first is that of the node that the hour was seen from.
fn id(nth: usize) -> NodeId {
    NodeId(nth as u128 + 1)
}

/// What one sees of another.
fn observation(from: usize, to: usize, ill: bool, now: Instant) -> Observation {
    let drops = ill && (to == NAS || from == NAS);
    let deaf = ill && from == ROBOT;
    // An echo comes back from where it has arrived only.
    let echoless = deaf || ill && to == ROBOT;
    let reach = |fails: bool| if fails { PathStatus::Failing } else { PathStatus::Ok };
    let tcp = reach(drops && to == NAS);
    Observation {
        tcp,
        served: reach(drops && from == NAS),
        broadcast: reach(deaf),
        unicast: reach(deaf),
        echo: reach(echoless),
        cause: tcp.is_failing().then_some(Cause::TimedOut),
        rtt: (!tcp.is_failing()).then(|| Duration::from_micros(280 + (from * 131 + to * 57) as u64 % 900)),
        loss: Some(if echoless { 100 } else { 0 }),
        checked: now.checked_sub(Duration::from_secs(3)),
        alive: now.checked_sub(Duration::from_secs(1)),
        ..Observation::default()
    }
}

fn told(now: Instant, ill: bool) -> Arc<MatrixView> {
    let all = 0..NODES.len();
    let row = |from: usize| {
        let others = all.clone().filter(|to| *to != from);
        let silence = if ill && from == RACK_2 { 61 } else { 2 };
        let confirmed = now.checked_sub(Duration::from_secs(silence))?;
        Some(testkit::told(confirmed, others.map(|to| (id(to), observation(from, to, ill, now)))))
    };
    let peers: Vec<_> = all.clone().map(peer).collect();
    let findings = if ill { findings(now) } else { Vec::new() };
    Arc::new(MatrixView { findings, ..testkit::matrix(now, &peers, row) })
}

fn findings(now: Instant) -> Vec<Arc<Finding>> {
    let others = |node: usize| (0..NODES.len()).filter(move |nth| *nth != node);
    let finding = |node: usize, verdict, pattern, pairs: Vec<(NodeId, NodeId)>, advice| {
        let finding = testkit::finding(&peer(node), verdict, now);
        Arc::new(Finding { advice, pattern, pair_count: pairs.len(), pairs, ..finding })
    };
    let on = |node: usize| Who::Peer(peer(node));
    let column = others(NAS).map(|from| (id(from), id(NAS))).collect();
    let deaf = others(ROBOT).map(|from| (id(from), id(ROBOT))).collect();
    vec![
        finding(
            NAS,
            Verdict::FirewallDrop,
            Pattern::Column,
            column,
            Advice::AllowTcpIn { on: on(NAS), port: PORT, udp: None },
        ),
        finding(
            ROBOT,
            Verdict::OneWayUdp,
            Pattern::Column,
            deaf,
            Advice::AllowUdpIn { on: on(ROBOT), port: PORT },
        ),
    ]
}
