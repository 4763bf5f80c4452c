//! An hour that no one wants to wait for: the app folds its events as if they had just happened.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use vigie::app::appearance::Appearance;
use vigie::app::appearance::Theme;
use vigie::app::state::App;
use vigie::app::{Options, view};
use vigie::engine::cause::{Cause, Detail};
use vigie::engine::config::DEFAULT_PORT;
use vigie::engine::event::{Event, Stamped};
use vigie::engine::peers::{LeaveReason, PeerInfo, PeerState, Via};
use vigie::testkit::{interface, node, peer_at, t0};

use PeerState::{Left, New, Retrying, Silent, Unreachable, Up};

/// A life: name, last byte of the address, and its states from so many minutes on.
type Life = (&'static str, u8, &'static [(f64, PeerState)]);

/// A switch loses power after 35 minutes, and three hosts with it; a robot drives through a hole of the Wi-Fi; a laptop goes
/// to lunch; a printer is switched off at last.
const LIVES: [Life; 10] = [
    ("ada", 11, &[(0.0, Up)]),
    ("grace", 12, &[(0.0, Up)]),
    ("anna-laptop", 23, &[(4.0, Up), (26.0, Left), (49.0, New), (49.1, Up)]),
    ("printer-hall", 40, &[(0.0, Up), (57.0, Retrying), (57.5, Silent)]),
    ("rack-1", 51, &[(0.0, Up), (35.0, Retrying), (35.5, Unreachable), (39.5, Up)]),
    ("rack-2", 52, &[(0.0, Up), (35.1, Retrying), (35.6, Unreachable), (39.6, Up)]),
    ("rack-3", 53, &[(0.0, Up), (35.2, Retrying), (35.7, Unreachable), (39.8, Up)]),
    (
        "robot-3",
        63,
        &[
            (0.0, Up),
            (12.0, Retrying),
            (12.6, Up),
            (21.0, Retrying),
            (21.8, Up),
            (44.0, Retrying),
            (45.5, Up),
        ],
    ),
    ("nas", 30, &[(0.0, Up)]),
    ("山田のPC", 71, &[(8.0, Up)]),
];

/// Columns and lines of its picture.
pub(crate) const SIZE: (u16, u16) = (120, 28);

/// Minutes until now.
const NOW: f64 = 59.5;

/// The timeline after that hour, looked at while the switch is without power.
pub(crate) fn timeline((width, height): (u16, u16)) -> Buffer {
    let options =
        Options { local_ip: Some(IpAddr::V4(Ipv4Addr::new(10, 7, 0, 5))), bell: false, ..Options::default() };
    let mut app = App::new(options, Appearance::new(Theme::COLOURED));
    let begin = t0();
    let minute = |minutes: f64| begin + Duration::from_secs_f64(minutes * 60.0);
    let mut events: Vec<(f64, Event)> =
        LIVES.iter().enumerate().flat_map(|(n, life)| happens(n, life)).collect();
    events.sort_by(|a, b| a.0.total_cmp(&b.0));
    fold(&mut app, begin, begin, started());
    for (minutes, event) in events {
        fold(&mut app, begin, minute(minutes), event);
    }
    let mut screen = Buffer::empty(Rect::new(0, 0, width, height));
    let mut draw = |app: &mut App| {
        screen.reset();
        view::draw(app, screen.area, &mut screen, minute(NOW));
    };
    draw(&mut app);
    let cursor = std::iter::repeat_n(KeyCode::Left, 30);
    for code in [KeyCode::Char('t')].into_iter().chain([KeyCode::Down; 5]).chain(cursor) {
        app.key(&KeyEvent::new(code, KeyModifiers::NONE), minute(NOW));
        draw(&mut app);
    }
    screen
}

fn fold(app: &mut App, begin: Instant, at: Instant, event: Event) {
    let morning = SystemTime::UNIX_EPOCH + Duration::from_hours(9);
    app.fold(&Stamped { at, wall: morning + (at - begin), event });
}

pub(crate) fn started() -> Event {
    let node = Arc::new(node(1, "lighthouse"));
    Event::Started { node, interfaces: [interface("10.7.0.5/24")].into() }
}

/// A life as events: a first word, then each state, with what makes it.
fn happens(number: usize, (name, host, states): &Life) -> Vec<(f64, Event)> {
    let peer = peer_at(number as u64 + 1, name, ([10, 7, 0, *host], DEFAULT_PORT));
    let first = states[0].0;
    let mut events = vec![(first, Event::PeerDiscovered { peer: Arc::clone(&peer), via: Via::Broadcast })];
    let mut from = New;
    for &(at, to) in *states {
        let dialed = |cause| failed(&peer, cause);
        events.push((
            at,
            match to {
                Up => answered(&peer),
                Left => Event::PeerLeft { peer: Arc::clone(&peer), reason: LeaveReason::Goodbye },
                Unreachable => Event::DialGaveUp {
                    peer: Arc::clone(&peer),
                    addr: peer.addr,
                    attempts: 5,
                    cause: Cause::HostUnreachable,
                },
                _ => dialed(Cause::HostUnreachable),
            },
        ));
        if to != Left {
            events.push((at, Event::PeerState { peer: Arc::clone(&peer), from, to }));
        }
        from = to;
    }
    // Whoever is up is dialed to the end.
    if from == Up {
        events.extend((0..20).map(|nth| (NOW - 0.15 * f64::from(nth), answered(&peer))));
    }
    events
}

fn answered(peer: &Arc<PeerInfo>) -> Event {
    let connect = Duration::from_micros(180 + peer.name.len() as u64 * 13);
    Event::DialSucceeded { peer: Arc::clone(peer), addr: peer.addr, attempt: 1, connect, rtt: connect * 2 }
}

fn failed(peer: &Arc<PeerInfo>, cause: Cause) -> Event {
    Event::DialFailed {
        peer: Arc::clone(peer),
        addr: peer.addr,
        attempt: 1,
        max: 5,
        cause,
        detail: Detail::system("connect: No route to host (os error 113)"),
        errno: Some(113),
        retryable: true,
        retry_in: None,
    }
}
