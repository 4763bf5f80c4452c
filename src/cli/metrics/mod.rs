//! `--metrics ADDR`: numbers for Prometheus, in a thread of its own that listens to the node's events as every other reader does.

mod listener;
mod numbers;

use std::collections::VecDeque;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped};
use crate::net::{Node, Traffic};

use super::args::NodeArgs;
use super::error::CliError;
use super::runtime;

use listener::Asked;
use numbers::Numbers;

/// Connections at a time: a few scrapers, and a person who looks; and as many that say nothing.
const CONNECTIONS: usize = 32;
/// How long one that has not been answered keeps its place when all are in use: a scraper asks as soon as it is connected.
const PLACE_KEPT: Duration = Duration::from_millis(300);
/// The wait after a connection that could not be accepted: there may be no descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Where scrapers come to, before there is a node.
pub(super) struct Scrapes(TcpListener);

/// Listens where the options say, if they do.
///
/// # Errors
/// When nobody can listen there.
pub(super) fn open(node: &NodeArgs) -> Result<Option<Scrapes>, CliError> {
    let Some(addr) = node.metrics else { return Ok(None) };
    let failed =
        |error: io::Error| anyhow::anyhow!("cannot listen for scrapers on {addr} (--metrics): {error}");
    let listener = TcpListener::bind(addr).map_err(failed)?;
    listener.set_nonblocking(true).map_err(failed)?;
    Ok(Some(Scrapes(listener)))
}

/// Answers scrapers in a thread until the node stops.
pub(super) fn serve(scrapes: Option<Scrapes>, node: &Node) -> Result<(), CliError> {
    let Some(Scrapes(listener)) = scrapes else { return Ok(()) };
    // A node that has stopped already has no numbers.
    let Some(events) = node.events.upgrade().map(|events| events.subscribe()) else { return Ok(()) };
    let server = Server { events, commands: node.commands.clone(), traffic: Arc::clone(&node.traffic) };
    let runtime = runtime::current_thread()?;
    if let Ok(addr) = listener.local_addr() {
        tracing::info!("metrics at http://{addr}/metrics");
    }
    let thread = std::thread::Builder::new().name("vigie-metrics".into()).spawn(move || {
        if let Err(error) = runtime.block_on(server.run(listener)) {
            tracing::error!(%error, "no more metrics are served");
        }
    });
    thread.map_err(anyhow::Error::from)?;
    Ok(())
}

struct Server {
    events: broadcast::Receiver<Stamped>,
    commands: mpsc::Sender<Command>,
    traffic: Arc<Traffic>,
}

/// What a connection wants next; none of one that is over.
type Step = Option<(TcpStream, Asked)>;

impl Server {
    async fn run(mut self, listener: TcpListener) -> io::Result<()> {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let mut numbers = Numbers::new();
        let mut connections: JoinSet<Step> = JoinSet::new();
        let mut asking: VecDeque<(Instant, AbortHandle)> = VecDeque::new();
        self.ask_for_a_snapshot();
        loop {
            asking.retain(|(_, task)| !task.is_finished());
            let is_full = connections.len() >= CONNECTIONS;
            let room_at = asking.front().filter(|_| is_full).map(|(came, _)| *came + PLACE_KEPT);
            tokio::select! {
                event = self.events.recv() => match event {
                    Ok(stamped) => self.fold(&mut numbers, &stamped.event),
                    Err(RecvError::Lagged(missed)) => self.fold(&mut numbers, &Event::Lagged { missed }),
                    Err(RecvError::Closed) => return Ok(()),
                },
                // Who comes while all are in use waits in the kernel's queue, until one that asks nothing makes room.
                came = accept(&listener, room_at), if !is_full || room_at.is_some() => {
                    if is_full && let Some((_, oldest)) = asking.pop_front() {
                        oldest.abort();
                    }
                    if let Some(stream) = came {
                        asking.push_back((Instant::now(), connections.spawn(ask(stream))));
                    }
                }
                Some(step) = connections.join_next() => {
                    if let Ok(Some((stream, asked))) = step {
                        let text = match asked {
                            Asked::Metrics(form) => numbers.text(&self.traffic, form).unwrap_or_default(),
                            Asked::Other(_) => String::new(),
                        };
                        connections.spawn(async move {
                            let _ = listener::answer(stream, asked, text).await;
                            None
                        });
                    }
                }
            }
        }
    }

    fn fold(&self, numbers: &mut Numbers, event: &Event) {
        if numbers.fold(event) {
            self.ask_for_a_snapshot();
        }
    }

    fn ask_for_a_snapshot(&self) {
        // A full queue means that the node is busy; the next lag asks again.
        let _ = self.commands.try_send(Command::RequestSnapshot);
    }
}

/// The next connection, once there is room for it; none if it could not be accepted.
async fn accept(listener: &tokio::net::TcpListener, room_at: Option<Instant>) -> Option<TcpStream> {
    if let Some(at) = room_at {
        sleep_until(at).await;
    }
    let came = listener.accept().await;
    if came.is_err() {
        sleep(ACCEPT_AGAIN).await;
    }
    came.ok().map(|(stream, _)| stream)
}

async fn ask(mut stream: TcpStream) -> Step {
    let asked = listener::read(&mut stream).await.ok()?;
    Some((stream, asked))
}
