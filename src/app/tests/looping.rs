//! The run loop, on a screen and a keyboard of the test.

use std::io;

use crossterm::event::Event as Input;
use futures::{StreamExt as _, stream};
use tokio::sync::{broadcast, mpsc};

use super::*;
use crate::app::run::run_on;
use crate::app::terminal::Screen;
use crate::app::view::Drawn;
use crate::core::event::{Command, StopReason};

#[derive(Default)]
struct Paper {
    frames: Vec<String>,
    broken: bool,
    suspended: u32,
}

impl Screen for Paper {
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn> {
        if self.broken {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        let mut drawn = Drawn::default();
        terminal.draw(|frame| drawn = view::draw(app, frame, now)).unwrap();
        self.frames.push(lines(terminal.backend().buffer()).join("\n"));
        Ok(drawn)
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
) -> (io::Result<()>, Vec<Command>) {
    let (sender, mut receiver) = mpsc::channel(16);
    let keys = stream::iter(keys.into_iter().map(|key| Ok(Input::Key(key)))).chain(stream::pending());
    let app = App::new(Options::default(), Theme::COLOURED);
    let mut keys = std::pin::pin!(keys);
    let ended = tokio::time::timeout(Duration::from_secs(10), run_on(paper, &mut keys, events, &sender, app));
    let ended = ended.await.expect("the loop does not end");
    drop(sender);
    let mut commands = Vec::new();
    while let Some(command) = receiver.recv().await {
        commands.push(command);
    }
    (ended, commands)
}

fn key(c: char) -> KeyEvent {
    KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE)
}

#[tokio::test]
async fn q_stops_the_node_and_leaves() {
    let (_events, receiver) = broadcast::channel(16);
    let (ended, commands) = run(&mut Paper::default(), vec![key('D'), key('q')], receiver).await;
    assert!(ended.is_ok());
    assert_eq!(commands, [Command::Refresh, Command::DialAll, Command::Stop(StopReason::Quit)]);
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
    assert_eq!(error.to_string(), "the node has failed");
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
    assert_eq!(commands, [Command::Refresh, Command::Refresh]);
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
    let app = App::new(Options::default(), Theme::COLOURED);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        events.send(bench.stamp(Event::Stopped { reason: StopReason::Quit })).unwrap();
    };
    let (ended, ()) = tokio::join!(run_on(&mut paper, &mut keys, receiver, &sender, app), stop);
    assert!(ended.is_ok());
    assert!(paper.frames.last().unwrap().contains("the node is busy"));
    let (_events, receiver) = broadcast::channel(16);
    assert!(run(&mut paper, vec![ctrl_z, key('q')], receiver).await.0.is_ok());
    assert_eq!(paper.suspended, 1);
}
