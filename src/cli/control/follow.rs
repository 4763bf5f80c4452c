//! A program that follows the node: all peers as they are, then each event, and what it has the node do.

use std::io;
use std::time::{Instant, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc};

use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerInfo, PeerState, Snapshot};
use crate::record::{Past, Writer, key_of, line};

use super::inside::Inside;
use super::limits::{EVENTS_AT_ONCE, MAX_LINE, MAX_ORDERS};
use super::lines::{Lines, NoLine, write};
use super::request::{Meant, Order, Reply, line as reply_line, read};

/// Tells the program everything until it goes, or the node stops.
pub(super) async fn serve(stream: impl AsyncRead + AsyncWrite, lines: Lines, inside: &Inside) {
    let Some(events) = inside.listen() else { return };
    let (reader, writer) = tokio::io::split(stream);
    let mut follower = Follower::new(inside, Form::Contract);
    follower.order(Order::Snapshot);
    follower.run(events, (lines, reader), writer).await;
}

/// The same for an app, which is told first what is remembered.
pub(super) async fn attach(stream: impl AsyncRead + AsyncWrite, lines: Lines, inside: &Inside) {
    let Some((model, events)) = inside.keeper.attach() else { return };
    let now = clock().0;
    let (reader, mut writer) = tokio::io::split(stream);
    let mut follower = Follower::new(inside, Form::Whole(Writer::new(now)));
    // The node answers while this is written.
    follower.order(Order::Snapshot);
    follower.order(Order::Matrix);
    let past = model.past(now);
    drop(model);
    let written = follower.remember(&past, now, &mut writer).await;
    drop(past);
    if written.is_ok() {
        follower.run(events, (lines, reader), writer).await;
    }
}

/// How events are written.
enum Form {
    Contract,
    Whole(Writer),
}

struct Follower {
    commands: mpsc::Sender<Command>,
    form: Form,
    /// What is to be written next.
    out: Vec<u8>,
    /// The next snapshot is for this program; others are for whoever asked.
    wants_table: bool,
    wants_matrix: bool,
    /// What waits for the next snapshot, because it names a peer.
    orders: Vec<Order>,
}

impl Follower {
    fn new(inside: &Inside, form: Form) -> Self {
        Self {
            commands: inside.commands.clone(),
            form,
            out: Vec::new(),
            wants_table: false,
            wants_matrix: false,
            orders: Vec::new(),
        }
    }

    /// Writes what is remembered.
    async fn remember(
        &mut self,
        past: &Past,
        now: Instant,
        writer: &mut (impl AsyncWrite + Unpin),
    ) -> io::Result<()> {
        if let Form::Whole(form) = &mut self.form {
            form.past(&mut self.out, past, now)?;
        }
        write(writer, &std::mem::take(&mut self.out)).await
    }

    async fn run(
        mut self,
        mut events: broadcast::Receiver<Stamped>,
        (mut lines, mut reader): (Lines, impl AsyncRead + Unpin),
        mut writer: impl AsyncWrite + Unpin,
    ) {
        loop {
            let ends = tokio::select! {
                event = events.recv() => self.take(event, &mut events),
                order = lines.next(&mut reader) => match order {
                    Ok(order) => {
                        match read(order) {
                            Ok(order) => self.order(order),
                            Err(why) => self.refuse(&why),
                        }
                        false
                    }
                    Err(NoLine::TooLong) => {
                        self.refuse(&format!("a line of more than {MAX_LINE} bytes is refused"));
                        true
                    }
                    Err(NoLine::End | NoLine::Failed) => return,
                },
            };
            // While a slow program keeps this waiting, the channel drops the oldest events, and it is told how many.
            if write(&mut writer, &self.out).await.is_err() || ends {
                return;
            }
            self.out.clear();
        }
    }

    /// Takes an event and those that wait behind it. Returns whether the node has stopped.
    fn take(&mut self, first: Result<Stamped, RecvError>, events: &mut broadcast::Receiver<Stamped>) -> bool {
        let mut event = first.map_err(|error| match error {
            RecvError::Lagged(missed) => TryRecvError::Lagged(missed),
            RecvError::Closed => TryRecvError::Closed,
        });
        for _ in 0..EVENTS_AT_ONCE {
            match event {
                Ok(stamped) => self.event(&stamped),
                Err(TryRecvError::Lagged(missed)) => {
                    self.tell(&now(Event::Lagged { missed }));
                    self.order(Order::Snapshot);
                }
                Err(TryRecvError::Empty) => return false,
                Err(TryRecvError::Closed) => return true,
            }
            event = events.try_recv();
        }
        // What was taken last is not lost.
        match event {
            Ok(stamped) => self.event(&stamped),
            Err(TryRecvError::Lagged(missed)) => self.tell(&now(Event::Lagged { missed })),
            Err(_) => {}
        }
        false
    }

    fn event(&mut self, stamped: &Stamped) {
        match &stamped.event {
            Event::Snapshot(table) => {
                self.do_orders(table);
                if std::mem::take(&mut self.wants_table) {
                    self.tell(stamped);
                }
            }
            Event::Matrix(_) => {
                if std::mem::take(&mut self.wants_matrix) {
                    self.tell(stamped);
                }
            }
            _ => self.tell(stamped),
        }
    }

    fn tell(&mut self, stamped: &Stamped) {
        // There is nothing in an event that JSON cannot hold, and memory takes it all.
        let _ = match &mut self.form {
            Form::Contract => line(&mut self.out, stamped),
            Form::Whole(writer) => writer.line(&mut self.out, stamped),
        };
    }

    fn refuse(&mut self, why: &str) {
        self.out.extend(reply_line(&Reply::refused(why)));
    }

    fn order(&mut self, order: Order) {
        let command = match order {
            Order::DialAll => Command::DialAll,
            Order::DialFailing => Command::DialFailing,
            Order::Add { host } => match Order::target(&host) {
                Ok(target) => Command::AddPeer(target),
                Err(why) => return self.refuse(&why),
            },
            Order::Join { host } => match Order::target(&host) {
                Ok(target) => Command::Join(target),
                Err(why) => return self.refuse(&why),
            },
            Order::Snapshot => {
                self.wants_table = true;
                Command::RequestSnapshot
            }
            Order::Matrix => {
                self.wants_matrix = true;
                Command::RequestMatrix
            }
            Order::Dial(Meant { row: Some(row), .. }) => Command::DialNow(key_of(row)),
            Order::Forget(Meant { row: Some(row), .. }) => Command::Forget(key_of(row)),
            Order::Dial(_) | Order::Forget(_) if self.orders.len() < MAX_ORDERS => {
                self.orders.push(order);
                Command::RequestSnapshot
            }
            Order::Dial(_) | Order::Forget(_) => return self.refuse(BUSY),
        };
        self.send(command);
    }

    /// Does what waited for the table of peers.
    fn do_orders(&mut self, table: &Snapshot) {
        for order in std::mem::take(&mut self.orders) {
            let (Order::Dial(meant) | Order::Forget(meant)) = &order else { continue };
            let peer = &meant.peer;
            let here = table.peers.iter().filter(|known| known.state != PeerState::Left);
            let meant: Vec<_> = here.filter(|known| is_called(&known.info, peer)).collect();
            if meant.is_empty() {
                self.refuse(&format!("no peer has the name, id or address '{peer}'"));
            }
            for known in meant {
                let key = known.info.key;
                let forgets = matches!(order, Order::Forget(_));
                self.send(if forgets { Command::Forget(key) } else { Command::DialNow(key) });
            }
        }
    }

    /// A full queue means a busy node: the program may try again.
    fn send(&mut self, command: Command) {
        if self.commands.try_send(command).is_err() {
            self.refuse(BUSY);
        }
    }
}

const BUSY: &str = "the node is busy: try again";

fn is_called(peer: &PeerInfo, text: &str) -> bool {
    peer.name == text || peer.addr.to_string() == text || peer.id.is_some_and(|id| id.to_string() == text)
}

fn now(event: Event) -> Stamped {
    let (at, wall) = clock();
    Stamped { at, wall, event }
}

#[expect(clippy::disallowed_methods, reason = "a lag is noticed here, not in the node, and a past ends now")]
fn clock() -> (Instant, SystemTime) {
    (Instant::now(), SystemTime::now())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::Value;
    use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
    use tokio::sync::Semaphore;
    use tokio::task::JoinSet;
    use tokio::time::Instant;

    use crate::engine::peers::Via;
    use crate::testkit;

    use super::super::keeper::Keeper;
    use super::super::limits::EVENTS_KEPT;
    use super::*;

    /// How many events the channel of these tests keeps.
    const KEPT: usize = 8;

    fn stamped(event: Event) -> Stamped {
        Stamped { at: testkit::t0(), wall: SystemTime::UNIX_EPOCH, event }
    }

    fn table() -> Stamped {
        let peer = testkit::row(&testkit::peer(7, "host7"), PeerState::Up);
        let node = Arc::new(testkit::node(1, "here"));
        stamped(Event::Snapshot(Arc::new(Snapshot { node, interfaces: Arc::new([]), peers: vec![peer] })))
    }

    fn served() -> Stamped {
        stamped(Event::ExchangeServed { peer: Some(testkit::peer(7, "host7")), addr: None })
    }

    #[tokio::test]
    async fn an_app_that_is_attached_is_told_the_past_and_what_it_was_too_slow_for() {
        let (events, first) = broadcast::channel(2 * EVENTS_KEPT);
        let (commands, mut asked) = mpsc::channel(KEPT);
        let keeper = Keeper::of(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(keeper.beside(|_| std::future::ready(()))(first));
        let discovered = Event::PeerDiscovered { peer: testkit::peer(7, "host7"), via: Via::Broadcast };
        events.send(stamped(discovered)).unwrap();
        tokio::task::yield_now().await;
        let inside = Inside {
            commands,
            events: events.downgrade(),
            keeper,
            since: Instant::now(),
            questions: Arc::new(Semaphore::new(1)),
            subscribers: Arc::new(Semaphore::new(1)),
        };
        let (program, door) = tokio::io::duplex(64);
        tasks.spawn(async move { attach(door, Lines::of(MAX_LINE), &inside).await });
        let mut lines = BufReader::new(program).lines();
        let mut next =
            async || serde_json::from_str::<Value>(&lines.next_line().await.unwrap().unwrap()).unwrap();
        let past = next().await;
        assert_eq!(
            (&past["past"]["journal"][0]["discovered"][1], &past["past"]["peers"][0]["row"]),
            (&"broadcast".into(), &0x1_0000_0007_u64.into())
        );
        for wanted in [Command::RequestSnapshot, Command::RequestMatrix] {
            assert_eq!(asked.recv().await, Some(wanted));
        }
        // Nothing is read meanwhile: what was written has filled the way.
        for _ in 0..EVENTS_KEPT + 500 {
            events.send(served()).unwrap();
            tokio::task::yield_now().await;
        }
        let missed = loop {
            let line = next().await;
            if line["event"] == "lagged" {
                break line["missed"].as_u64().unwrap();
            }
        };
        assert!((1..=500).contains(&missed), "{missed}");
        assert_eq!(asked.recv().await, Some(Command::RequestSnapshot));
        drop(events);
    }

    #[tokio::test]
    async fn a_slow_program_is_told_what_it_missed_and_then_all_peers_and_holds_up_nobody() {
        let (events, _) = broadcast::channel(KEPT);
        let (commands, mut asked) = mpsc::channel(KEPT);
        let inside = Inside {
            commands,
            events: events.downgrade(),
            keeper: Keeper::of(None),
            since: Instant::now(),
            questions: Arc::new(Semaphore::new(1)),
            subscribers: Arc::new(Semaphore::new(1)),
        };
        let (program, door) = tokio::io::duplex(64);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { serve(door, Lines::of(MAX_LINE), &inside).await });
        assert_eq!(asked.recv().await, Some(Command::RequestSnapshot));
        // Nothing is read meanwhile: the first line already finds no room.
        events.send(table()).unwrap();
        for _ in 0..100 {
            events.send(served()).unwrap();
            tokio::task::yield_now().await;
        }
        let (program, mut orders) = tokio::io::split(program);
        let mut lines = BufReader::new(program).lines();
        let mut next =
            async || serde_json::from_str::<Value>(&lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!(next().await["event"], "snapshot");
        let missed = loop {
            let line = next().await;
            if line["event"] == "lagged" {
                break line["missed"].as_u64().unwrap();
            }
        };
        assert!((80..=100).contains(&missed), "{missed}");
        assert_eq!(asked.recv().await, Some(Command::RequestSnapshot));
        events.send(table()).unwrap();
        while next().await["event"] != "snapshot" {}

        // A snapshot that somebody else asked for is not told, but serves those who wait for the table.
        orders
            .write_all(b"{\"do\":\"dial\",\"peer\":\"host7\"}\n{\"do\":\"forget\",\"peer\":\"x\"}\n")
            .await
            .unwrap();
        for _ in 0..2 {
            assert_eq!(asked.recv().await, Some(Command::RequestSnapshot));
        }
        events.send(table()).unwrap();
        assert!(matches!(asked.recv().await, Some(Command::DialNow(_))));
        assert_eq!(next().await["error"], "no peer has the name, id or address 'x'");
        events.send(stamped(Event::Stopped { reason: crate::engine::event::StopReason::Quit })).unwrap();
        drop(events);
        assert_eq!(next().await["event"], "stopped");
        tasks.join_next().await.unwrap().unwrap();
    }
}
