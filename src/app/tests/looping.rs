//! The run loop, on a screen and a keyboard of the test.

use std::io;

use crossterm::event::Event as Input;
use futures::{StreamExt as _, stream};
use ratatui::layout::Rect;
use tokio::sync::{broadcast, mpsc};

use super::*;
use crate::app::clipboard::Place;
use crate::app::run::run_on;
use crate::app::terminal::Screen;
use crate::app::view::Drawn;
use crate::app::{News, Outlets};
use crate::engine::api::Command;
use crate::engine::event::StopReason;

#[derive(Default)]
struct Paper {
    frames: Vec<String>,
    /// When each of them was drawn.
    drawn_at: Vec<Instant>,
    broken: bool,
    suspended: u32,
    copied: Vec<String>,
    rings: u32,
}

impl Screen for Paper {
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut drawn = Drawn::default();
        terminal.draw(|frame| drawn = view::draw(app, frame.area(), frame.buffer_mut(), now)).unwrap();
        self.drawn_at.push(clock());
        self.frames.push(lines(terminal.backend().buffer()).join("\n"));
        Ok(drawn)
    }

    fn size(&self) -> io::Result<Rect> {
        Ok(Rect::new(0, 0, 80, 24))
    }

    fn copy(&mut self, text: &str) -> io::Result<Place> {
        self.copied.push(text.to_owned());
        Ok(Place::Terminal)
    }

    fn ring(&mut self) -> io::Result<()> {
        self.rings += 1;
        Ok(())
    }

    fn notify(&mut self, _text: &str) -> io::Result<()> {
        self.rings += 1;
        Ok(())
    }

    fn redraw(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<bool> {
        self.suspended += 1;
        Ok(false)
    }
}

/// Runs the loop until it ends; the keys are all pressed at once, then the keyboard is silent.
async fn run(
    paper: &mut Paper,
    keys: Vec<KeyEvent>,
    events: broadcast::Receiver<Stamped>,
) -> (io::Result<Option<StopReason>>, Vec<Command>) {
    let (sender, mut receiver) = mpsc::channel(16);
    let keys = stream::iter(keys.into_iter().map(|key| Ok(Input::Key(key)))).chain(stream::pending());
    let app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    let mut keys = std::pin::pin!(keys);
    let outlets = Outlets::to_node(sender);
    let ended =
        tokio::time::timeout(Duration::from_secs(10), run_on(paper, &mut keys, events, &outlets, app));
    let ended = ended.await.expect("the loop does not end");
    drop(outlets);
    let mut commands = Vec::new();
    while let Some(command) = receiver.recv().await {
        commands.push(command);
    }
    (ended, commands)
}

#[expect(clippy::disallowed_methods, reason = "compares when things happened")]
fn clock() -> Instant {
    Instant::now()
}

fn key(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
}

#[tokio::test]
async fn q_stops_the_node_and_leaves() {
    let (_events, receiver) = broadcast::channel(16);
    let (ended, commands) = run(&mut Paper::default(), vec![key('D'), key('q')], receiver).await;
    assert!(ended.is_ok());
    let [refresh, survey] = [Command::RequestSnapshot, Command::RequestMatrix];
    assert_eq!(commands, [refresh, survey, Command::DialAll, Command::Stop(StopReason::Quit)]);
}

#[tokio::test]
async fn a_node_that_stops_ends_the_screen_and_one_that_fails_is_an_error() {
    let bench = Bench::new();
    let (events, receiver) = broadcast::channel(16);
    events.send(bench.stamp(Event::Stopped { reason: StopReason::Signal })).unwrap();
    drop(events);
    assert!(run(&mut Paper::default(), vec![], receiver).await.0.is_ok());
    let (events, receiver) = broadcast::channel(16);
    drop(events);
    let error = run(&mut Paper::default(), vec![], receiver).await.0.unwrap_err();
    assert_eq!(error.to_string(), "the node failed");
}

#[tokio::test]
async fn the_matrix_is_asked_for_every_second_while_it_is_shown_and_else_now_and_then() {
    let surveys = async |keys: Vec<KeyEvent>| {
        let (events, receiver) = broadcast::channel(16);
        let bench = Bench::new();
        let stop = async {
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
        };
        let mut paper = Paper::default();
        let ((_, commands), ()) = tokio::join!(run(&mut paper, keys, receiver), stop);
        commands.iter().filter(|command| **command == Command::RequestMatrix).count()
    };
    let (shown, elsewhere, paused) =
        tokio::join!(surveys(vec![key('m')]), surveys(vec![key('t')]), surveys(vec![key('p'), key('m')]),);
    assert!((3..=4).contains(&shown), "at the start, when it is opened, and each second: {shown}");
    assert_eq!((elsewhere, paused), (1, 1), "at the start");
}

#[tokio::test]
async fn a_matrix_that_says_nothing_new_is_not_drawn() {
    let bench = Bench::new();
    let mut network = super::network::eight(bench.now());
    let (events, receiver) = broadcast::channel(64);
    let mut paper = Paper::default();
    let tell = async {
        let send = |network: &super::network::Network| {
            events.send(bench.stamp(Event::Matrix(network.view(bench.now())))).unwrap();
        };
        send(&network);
        for ago in 0..20 {
            tokio::time::sleep(Duration::from_millis(40)).await;
            network.said(1, ago).tcp_fails(2, 3, Cause::Refused);
            send(&network);
        }
        events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
    };
    let ((ended, _), ()) = tokio::join!(run(&mut paper, vec![], receiver), tell);
    ended.unwrap();
    assert!(paper.frames.last().unwrap().contains("! 2 findings"), "the first one was seen");
    assert!(paper.frames.len() <= 4, "{}", paper.frames.len());
}

#[tokio::test]
async fn a_terminal_that_hangs_up_stops_the_node() {
    let (_events, receiver) = broadcast::channel(16);
    let mut paper = Paper { broken: true, ..Paper::default() };
    let (ended, commands) = run(&mut paper, vec![], receiver).await;
    assert!(ended.is_ok());
    assert_eq!(commands.last(), Some(&Command::Stop(StopReason::OutputClosed)));
}

#[tokio::test]
async fn a_reader_that_lags_says_so_and_asks_for_everything() {
    let mut bench = Bench::new();
    let (events, receiver) = broadcast::channel(4);
    for i in 0..20 {
        let peer = peer(i, &format!("host{i}"));
        events.send(bench.stamp(Event::PeerDiscovered { peer, via: Via::Reply })).unwrap();
    }
    bench.wait(1);
    events.send(bench.stamp(Event::Stopped { reason: StopReason::Signal })).unwrap();
    let (_, commands) = run(&mut Paper::default(), vec![], receiver).await;
    assert_eq!(commands, [Command::RequestSnapshot, Command::RequestMatrix, Command::RequestSnapshot]);
}

#[tokio::test]
async fn missed_events_are_told_at_the_time_they_were_missed() {
    let bench = Bench::new();
    let (events, receiver) = broadcast::channel(4);
    for i in 0..20 {
        let peer = peer(i, &format!("host{i}"));
        events.send(bench.stamp(Event::PeerDiscovered { peer, via: Via::Reply })).unwrap();
    }
    let mut paper = Paper::default();
    let miss = async {
        // Taken in, so that the time of day is known; then more than the channel holds.
        tokio::time::sleep(Duration::from_millis(200)).await;
        for i in 0..20 {
            let peer = peer(i, &format!("host{i}"));
            events.send(bench.stamp(Event::PeerDiscovered { peer, via: Via::Reply })).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
    };
    let ((ended, _), ()) = tokio::join!(run(&mut paper, vec![key('t')], receiver), miss);
    ended.unwrap();
    let last = paper.frames.last().unwrap();
    let told: Vec<_> = last.lines().filter(|line| line.contains("events missed")).collect();
    assert!(told.iter().any(|line| line.trim_start().starts_with("12:00:0")), "{last}");
}

#[tokio::test]
async fn news_of_a_node_elsewhere_are_shown_until_they_are_over() {
    let bench = Bench::new();
    let (news, from_node) = mpsc::channel(16);
    let (commands, _asked) = mpsc::channel(16);
    let discovered = Event::PeerDiscovered { peer: peer(1, "host1"), via: Via::Reply };
    news.send(News::Event(bench.stamp(discovered))).await.unwrap();
    news.send(News::Refused("no room for another peer".into())).await.unwrap();
    let mut again = crate::app::model::Model::default();
    again.fold(&bench.stamp(Event::PeerDiscovered { peer: peer(2, "host2"), via: Via::Reply }));
    news.send(News::Anew(Box::new(again))).await.unwrap();
    let mut paper = Paper::default();
    let mut keys = std::pin::pin!(stream::pending());
    let app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    let ends = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        news.send(News::Over("its cable was pulled".into())).await.unwrap();
    };
    let outlets = Outlets::to_node(commands);
    let (ended, ()) = tokio::join!(run_on(&mut paper, &mut keys, from_node, &outlets, app), ends);
    assert_eq!(ended.unwrap_err().to_string(), "its cable was pulled");
    let last = paper.frames.last().unwrap();
    assert!(
        last.contains("host2") && !last.contains("host1") && last.contains("no room for another peer"),
        "{last}"
    );
}

#[tokio::test]
async fn a_flood_of_events_is_few_frames() {
    let bench = Bench::new();
    let (events, receiver) = broadcast::channel(2_048);
    for i in 0..2_000 {
        let peer = peer(i, &format!("host{i}"));
        events.send(bench.stamp(Event::PeerDiscovered { peer, via: Via::Reply })).unwrap();
    }
    let mut paper = Paper::default();
    let quit = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
    };
    let ((ended, _), ()) = tokio::join!(run(&mut paper, vec![], receiver), quit);
    assert!(ended.is_ok());
    assert!(paper.frames.last().unwrap().contains("2000 peers"));
    assert!(paper.frames.len() <= 4, "{}", paper.frames.len());
}

#[tokio::test]
async fn a_busy_node_is_told_as_busy_and_suspension_where_impossible_is_said() {
    let (events, receiver) = broadcast::channel(16);
    let (sender, _receiver) = mpsc::channel(1);
    let mut paper = Paper::default();
    let bench = Bench::new();
    let ctrl_z = KeyEvent::new(KeyCode::Char('z'), KeyModifiers::CONTROL);
    let keys = stream::iter([Ok(Input::Key(key('D')))]).chain(stream::pending());
    let mut keys = std::pin::pin!(keys);
    let app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
    };
    let outlets = Outlets::to_node(sender);
    let (ended, ()) = tokio::join!(run_on(&mut paper, &mut keys, receiver, &outlets, app), stop);
    assert!(ended.is_ok());
    assert!(paper.frames.last().unwrap().contains("the node is busy"));
    let (_events, receiver) = broadcast::channel(16);
    assert!(run(&mut paper, vec![ctrl_z, key('q')], receiver).await.0.is_ok());
    assert_eq!(paper.suspended, 1);
}

#[tokio::test]
async fn a_key_is_seen_in_the_next_frame_while_ten_thousand_events_a_second_arrive() {
    let (events, receiver) = broadcast::channel(2_048);
    let (sender, _receiver) = mpsc::channel(16);
    let flood = tokio::task::spawn_blocking(move || {
        let bench = Bench::new();
        let peers: Vec<_> = (0..100).map(|i| peer(i, &format!("host{i}"))).collect();
        for _ in 0..100 {
            for peer in &peers {
                let served = Event::ExchangeServed { peer: Some(Arc::clone(peer)), addr: None };
                // The receiver lives as long as the loop.
                let _ = events.send(bench.stamp(served));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit }));
    });
    let (mut paper, pressed) = (Paper::default(), Arc::new(std::sync::OnceLock::new()));
    let noted = Arc::clone(&pressed);
    let press = async move {
        // When the frames' budget is used up.
        tokio::time::sleep(Duration::from_millis(600)).await;
        noted.set(clock()).unwrap();
        Ok(Input::Key(key('?')))
    };
    let mut keys = std::pin::pin!(stream::once(press).chain(stream::pending()));
    let app = App::new(Options::default(), Appearance::new(Theme::COLOURED));
    run_on(&mut paper, &mut keys, receiver, &Outlets::to_node(sender.clone()), app).await.unwrap();
    flood.await.unwrap();
    let pressed = *pressed.get().unwrap();
    let next = paper.drawn_at.iter().position(|at| *at > pressed).expect("a frame follows");
    // The frame that was being drawn when it was pressed may still end.
    let seen = paper.frames.iter().position(|frame| frame.contains("┌ Help")).expect("it was seen");
    assert!(seen <= next + 1, "frame {seen}, and {next} is the next one");
    println!("from the key to its frame: {:?}", paper.drawn_at[seen] - pressed);
}
