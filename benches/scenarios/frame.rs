//! A frame of the terminal app at 200×50, through crossterm, while peers are dialed; beside it a frame with nothing in it.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Once};
use std::time::{Duration, Instant, SystemTime};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;

use vigie::app::appearance::{Appearance, Theme};
use vigie::app::model::Column;
use vigie::app::state::App;
use vigie::app::ui::TableColumns;
use vigie::app::{Options, log, view};
use vigie::engine::cause::{Cause, Detail};
use vigie::engine::event::{Event, Stamped};
use vigie::engine::peers::{PeerInfo, PeerState, Via};
use vigie::testkit::{clock::now, interface, node, peer};

const SCREEN: Rect = Rect::new(0, 0, 200, 50);

/// Between two frames at the fastest.
const FRAME: Duration = Duration::from_millis(33);

/// Samples that the sparkline of each peer shows.
const SAMPLES: u32 = 30;

/// Takes what is written, and counts it.
#[derive(Debug, Default)]
struct Sink {
    bytes: usize,
}

/// How an attempt ended: after this round trip, or refused.
pub(super) fn attempt_ended(peer: &Arc<PeerInfo>, attempt: u32, max: u32, rtt: Option<Duration>) -> Event {
    let (addr, peer) = (peer.addr, Arc::clone(peer));
    match rtt {
        Some(rtt) => Event::DialSucceeded { peer, addr, attempt, connect: rtt / 2, rtt },
        None => Event::DialFailed {
            peer,
            addr,
            attempt,
            max,
            cause: Cause::Refused,
            detail: Detail::system("connect: Connection refused (os error 111)"),
            errno: Some(111),
            retryable: true,
            retry_in: None,
        },
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A terminal that nobody looks at.
#[derive(Debug)]
pub(crate) struct Screen(Terminal<CrosstermBackend<Sink>>);

impl Default for Screen {
    fn default() -> Self {
        let options = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
        let terminal = Terminal::with_options(CrosstermBackend::new(Sink::default()), options);
        Self(terminal.expect("a fixed screen asks no terminal"))
    }
}

impl Screen {
    /// Draws nothing; the microseconds of that.
    pub(crate) fn empty_frame(&mut self) -> f64 {
        let begun = now();
        self.0.draw(|_| ()).expect("nothing fails to be written");
        micros(begun.elapsed())
    }

    /// Draws an app.
    pub(crate) fn draw(&mut self, app: &mut App, at: Instant) {
        self.0
            .draw(|frame| {
                view::draw(app, frame.area(), frame.buffer_mut(), at);
            })
            .expect("nothing fails to be written");
    }
}

/// In microseconds.
pub(crate) fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}

/// Writes more lines of the log than its pane shows.
fn fill_the_log(app: &mut App) {
    static LISTENS: Once = Once::new();
    LISTENS.call_once(|| {
        let subscriber =
            tracing_subscriber::registry().with(log::init(Targets::new().with_default(LevelFilter::INFO)));
        tracing::subscriber::set_global_default(subscriber).expect("nobody else has set one");
    });
    for line in 0..30 {
        tracing::info!("line {line} of what a node says while it runs, for a full pane");
    }
    log::take_lines(&mut app.ui.log);
}

/// A network whose events an app has seen.
pub(crate) struct Network {
    app: App,
    peers: Vec<Arc<PeerInfo>>,
    now: Instant,
    frames: u64,
}

impl Network {
    /// Every peer has a full history; one in fifty does not answer.
    pub(crate) fn new(peers: u64) -> Self {
        let options = Options {
            local_ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))),
            bell: false,
            ..Options::default()
        };
        let peers = (1..=peers).map(|nth| peer(nth, &format!("host{nth}.lab.example"))).collect();
        let mut network =
            Self { app: App::new(options, Appearance::new(Theme::COLOURED)), peers, now: now(), frames: 0 };
        let interfaces = [interface("10.0.0.1/16")].into();
        network.fold(Event::Started { node: Arc::new(node(0xa11ce, "alice")), interfaces });
        for peer in network.peers.clone() {
            network.fold(Event::PeerDiscovered { peer: Arc::clone(&peer), via: Via::Broadcast });
        }
        for sample in 0..SAMPLES {
            network.now += Duration::from_millis(300);
            for (i, peer) in network.peers.clone().iter().enumerate() {
                let failing = i % 50 == 49;
                network.dial(peer, if failing { None } else { Some(sample) });
            }
        }
        for (i, peer) in network.peers.clone().into_iter().enumerate() {
            let to = if i % 50 == 49 { PeerState::Unreachable } else { PeerState::Up };
            network.fold(Event::PeerState { peer, from: PeerState::New, to });
        }
        fill_the_log(&mut network.app);
        network
    }

    /// The same, with every column on.
    pub(crate) fn with_every_column(peers: u64) -> Self {
        let mut network = Self::new(peers);
        network.app.ui.columns = TableColumns::of(&Column::ALL).expect("no column is there twice");
        network
    }

    fn fold(&mut self, event: Event) {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
        self.app.fold(&Stamped { at: self.now, wall, event });
    }

    fn dial(&mut self, peer: &Arc<PeerInfo>, sample: Option<u32>) {
        let (addr, attempt, max) = (peer.addr, 1, 5);
        self.fold(Event::DialStarted { peer: Arc::clone(peer), addr, attempt, max, forced: false });
        let rtt = sample.map(|n| Duration::from_micros(u64::from(200 + n * 7_919 % 900)));
        self.fold(attempt_ended(peer, attempt, max, rtt));
    }

    /// The time of a frame passes, and two of the peers that are shown are dialed.
    pub(crate) fn go_on(&mut self) {
        self.now += FRAME;
        for _ in 0..2 {
            self.frames += 1;
            let nth = usize::try_from(self.frames % 25).unwrap_or(0);
            let peer = Arc::clone(&self.peers[nth]);
            let sample = u32::try_from(self.frames % 1_000).unwrap_or(0);
            self.dial(&peer, Some(sample));
        }
    }

    /// Draws, and says how long that took in microseconds.
    pub(crate) fn frame(&mut self, screen: &mut Screen) -> f64 {
        let begun = now();
        screen.draw(&mut self.app, self.now);
        micros(begun.elapsed())
    }
}
