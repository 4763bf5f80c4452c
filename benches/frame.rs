//! A frame of the terminal app at 200×50, through crossterm, while peers are dialed; against the whole table of the same
//! model built as ratatui's `Table`, as most programs do it. Both sides draw in turns, so their ratio holds on a busy
//! machine, too.

mod support;

use std::cell::Cell;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::Text;
use ratatui::widgets::{Row, Table, TableState};
use ratatui::{Terminal, TerminalOptions, Viewport};
use slotmap::KeyData;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt as _;

use support::{median, micros, now, percentile};
use vigie::app::appearance::{Appearance, Theme};
use vigie::app::model::{Model, Peer, Sample};
use vigie::app::state::App;
use vigie::app::{Options, log, view};
use vigie::engine::cause::{Cause, Detail};
use vigie::engine::event::{Event, Stamped};
use vigie::engine::interface::Interface;
use vigie::engine::observation::Sight;
use vigie::engine::peers::{DialPhase, NodeInfo, PeerInfo, PeerKey, PeerSnapshot, PeerState, Snapshot, Via};
use vigie::engine::verdict::Verdict;
use vigie::engine::{Incarnation, NodeId};
use vigie::text::{Age, Measured};

const SCREEN: Rect = Rect::new(0, 0, 200, 50);

/// Between two frames at the fastest.
const FRAME: Duration = Duration::from_millis(33);

/// Samples that the sparkline of each peer shows.
const SAMPLES: u32 = 30;

fn main() {
    let subscriber = tracing_subscriber::registry().with(log::init(LevelFilter::INFO));
    tracing::subscriber::set_global_default(subscriber).expect("nobody else has set one");
    let frames = if support::is_a_trial() { 3 } else { 300 };
    println!(
        "A frame of 200×50 cells; before each, 2 dials of visible peers begin and end (4 events). Medians of {frames}.\n"
    );
    println!(
        "{:>7} {:>10} {:>10} {:>10} {:>12} {:>9} {:>10} {:>13} {:>9} {:>13}",
        "peers",
        "frame",
        "p99",
        "empty",
        "all rows",
        "ratio",
        "unchanged",
        "bytes/frame",
        "4 events",
        "snapshot fold"
    );
    for peers in [100, 1_000, 10_000] {
        measure(peers, frames);
    }
    println!(
        "\ngoals: a frame ≤ 250 µs at 10 000 peers (bare: 228 µs the visible rows alone, straight into the buffer;"
    );
    println!(
        "84 µs a frame with nothing in it, 16 570 µs all rows); and the run loop draws nothing at all when nothing has changed."
    );
}

fn measure(peers: u64, frames: usize) {
    let mut network = Network::new(peers);
    let written = Rc::new(Cell::new(0));
    let mut ours = screen(&written);
    let mut naive = screen(&Rc::default());
    let mut blank = screen(&Rc::default());
    // What a frame takes, its unchanged twin, the whole table, the folding, and a frame with nothing in it.
    let mut took: [Vec<f64>; 5] = Default::default();
    let mut bytes = Vec::new();
    let mut rows = TableState::default().with_selected(0);
    for nth in 0..frames {
        let begun = now();
        network.go_on();
        took[3].push(micros(begun.elapsed()));
        written.set(0);
        took[0].push(network.frame(&mut ours));
        bytes.push(f64::from(written.get()));
        took[1].push(network.frame(&mut ours));
        let begun = now();
        blank.draw(|_| ()).expect("nothing fails to be written");
        took[4].push(micros(begun.elapsed()));
        // Not after each frame: its rows push everything out of the processor's caches.
        if nth % 10 == 0 {
            let begun = now();
            naive
                .draw(|frame| {
                    let table = whole_table(network.app.model(), network.now);
                    frame.render_stateful_widget(table, frame.area(), &mut rows);
                })
                .expect("nothing fails to be written");
            took[2].push(micros(begun.elapsed()));
        }
    }
    let snapshot = network.snapshot();
    let folds: Vec<f64> = (0..frames.min(20))
        .map(|_| {
            let begun = now();
            network.app.fold(&snapshot);
            micros(begun.elapsed())
        })
        .collect();
    println!(
        "{peers:>7} {:>7.0} µs {:>7.0} µs {:>7.0} µs {:>9.0} µs {:>8.1}× {:>7.0} µs {:>13.0} {:>6.1} µs {:>10.0} µs",
        median(&took[0]),
        percentile(&took[0], 0.99),
        median(&took[4]),
        median(&took[2]),
        median(&took[2]) / median(&took[0]),
        median(&took[1]),
        median(&bytes),
        median(&took[3]),
        median(&folds),
    );
}

/// Counts what is written.
struct Sink(Rc<Cell<u32>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.set(self.0.get() + u32::try_from(bytes.len()).unwrap_or(u32::MAX));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn screen(written: &Rc<Cell<u32>>) -> Terminal<CrosstermBackend<Sink>> {
    let options = TerminalOptions { viewport: Viewport::Fixed(SCREEN) };
    Terminal::with_options(CrosstermBackend::new(Sink(Rc::clone(written))), options)
        .expect("a fixed screen asks no terminal")
}

/// A network whose events an app has seen.
struct Network {
    app: App,
    peers: Vec<Arc<PeerInfo>>,
    now: Instant,
    frames: u64,
}

impl Network {
    /// Every peer has a full history; one in fifty does not answer.
    fn new(peers: u64) -> Self {
        let options = Options { local_ip: Some(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1))), bell: false };
        let peers = (1..=peers).map(peer).collect();
        let mut network =
            Self { app: App::new(options, Appearance::new(Theme::COLOURED)), peers, now: now(), frames: 0 };
        let interfaces = [eth0()].into();
        network.fold(Event::Started { node: node(), interfaces });
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
        for line in 0..30 {
            tracing::info!("line {line} of what a node says while it runs, for a full pane");
        }
        log::take_lines(&mut network.app.ui.log);
        network
    }

    fn fold(&mut self, event: Event) {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_hours(12);
        self.app.fold(&Stamped { at: self.now, wall, event });
    }

    fn dial(&mut self, peer: &Arc<PeerInfo>, sample: Option<u32>) {
        let (addr, attempt, max) = (peer.addr, 1, 5);
        self.fold(Event::DialStarted { peer: Arc::clone(peer), addr, attempt, max, forced: false });
        let peer = Arc::clone(peer);
        self.fold(match sample {
            Some(n) => {
                let rtt = Duration::from_micros(u64::from(200 + n * 7_919 % 900));
                Event::DialSucceeded { peer, addr, attempt, connect: rtt / 2, rtt }
            }
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
        });
    }

    /// The time of a frame passes, and two of the peers that are shown are dialed.
    fn go_on(&mut self) {
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
    fn frame(&mut self, screen: &mut Terminal<CrosstermBackend<Sink>>) -> f64 {
        let begun = now();
        screen
            .draw(|frame| {
                view::draw(&mut self.app, frame.area(), frame.buffer_mut(), self.now);
            })
            .expect("nothing fails to be written");
        micros(begun.elapsed())
    }

    /// All peers as the engine tells them once a second.
    fn snapshot(&self) -> Stamped {
        let peers = self.peers.iter().map(|peer| PeerSnapshot {
            info: Arc::clone(peer),
            state: PeerState::Up,
            via: Via::Broadcast,
            rtt_us: Some(840),
            connect: Some(Duration::from_micros(310)),
            loss: Some(0.0),
            last_heard_ms: Some(1_000),
            last_heard: Some(self.now),
            cause: None,
            verdict: Verdict::Ok,
            sight: Sight::default(),
            dial: DialPhase::Resting { next: Some(self.now) },
            interface: Some("eth0".into()),
            elsewhere: None,
        });
        let snapshot = Snapshot { node: node(), interfaces: [eth0()].into(), peers: peers.collect() };
        let event = Event::Snapshot(Arc::new(snapshot));
        Stamped { at: self.now, wall: SystemTime::UNIX_EPOCH, event }
    }
}

fn eth0() -> Interface {
    Interface::new("eth0", Ipv4Addr::new(10, 0, 0, 1), 16).expect("a network that can broadcast")
}

fn node() -> Arc<NodeInfo> {
    Arc::new(NodeInfo {
        id: NodeId(0xa11ce),
        name: "alice".into(),
        group: "default".into(),
        incarnation: Incarnation(1),
        port: 17_474,
        tcp_port: 17_474,
        version: "0.1.0",
    })
}

fn peer(number: u64) -> Arc<PeerInfo> {
    let [.., high, low] = number.to_be_bytes();
    Arc::new(PeerInfo {
        key: PeerKey::from(KeyData::from_ffi(number | 1 << 32)),
        id: Some(NodeId(u128::from(number))),
        name: format!("host{number}.lab.example"),
        addr: SocketAddr::from(([10, 0, high, low], 17_474)),
        incarnation: Some(Incarnation(1)),
    })
}

/// The same columns of the same model, every row built.
fn whole_table(model: &Model, now: Instant) -> Table<'_> {
    let widths = [24, 28, 13, 14, 8, 30, 7, 8, 40].map(Constraint::Length);
    Table::new(model.rows(0..model.len()).map(|peer| row(peer, now)), widths)
        .row_highlight_style(Style::default().add_modifier(Modifier::REVERSED))
}

fn row(peer: &Peer, now: Instant) -> Row<'_> {
    let bar = |sample| match sample {
        Sample::Answered(us) if us < 600 => '▃',
        Sample::Answered(_) => '▇',
        Sample::Failed(_) => '×',
    };
    let dial = match peer.dial {
        DialPhase::Resting { next: Some(next) } => Age(next.saturating_duration_since(now)).to_string(),
        _ => String::new(),
    };
    let measured = |time: Option<Duration>| time.map(|t| Measured(t).to_string()).unwrap_or_default();
    let heard = peer.last_heard.map(|at| Age(now.saturating_duration_since(at)).to_string());
    Row::new([
        Text::from(peer.info.name.as_str()),
        Text::from(peer.info.addr.to_string()),
        Text::from(peer.state.as_str()),
        Text::from(dial),
        Text::from(measured(peer.rtt)),
        Text::from(peer.history.last(30).map(bar).collect::<String>()),
        Text::from(heard.unwrap_or_default()),
        Text::from(measured(peer.connect)),
        Text::from(peer.cause.map(Cause::description).unwrap_or_default()),
    ])
}
