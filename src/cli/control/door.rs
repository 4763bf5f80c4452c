//! The node's side: opens the socket, takes programs in as long as the node lives, and takes the socket away.
//!
//! It has a thread of its own, which sleeps until somebody comes: neither a slow program nor a large answer holds up the node.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::cli::args::NodeArgs;
use crate::cli::runtime;
use crate::net::Node;

use super::connection;
use super::inside::Inside;
use super::limits::{CLOSING, MAX_QUESTIONS, MAX_SUBSCRIBERS};
use super::place::{NotOpened, Place};
use super::system::{self, Files, Listener};

/// How long nobody is taken in after that failed: there may be no descriptor left.
const REST: Duration = Duration::from_millis(200);

/// An open door. Dropped, it is closed; drop it when the node has stopped, so that whoever follows is told of that.
#[derive(Debug)]
pub(in crate::cli) struct Door {
    thread: JoinHandle<()>,
    /// Taken away when the thread has come to its end, or has had time to.
    _files: Files,
}

/// Opens the door of a node that runs. Without one the node does as well: what is wrong is logged in one line.
pub(in crate::cli) fn open(args: &NodeArgs, node: &Node) -> Option<Door> {
    let place = Place::of(args)?;
    let holder = format!("{} (process {})", args.name(), std::process::id());
    let inside = Inside {
        commands: node.commands.clone(),
        events: node.events.clone(),
        since: Instant::now(),
        questions: Arc::new(Semaphore::new(MAX_QUESTIONS)),
        subscribers: Arc::new(Semaphore::new(MAX_SUBSCRIBERS)),
    };
    match start(&place, &holder, inside) {
        Ok(door) => return Some(door),
        Err(NotOpened::Taken(by)) => {
            tracing::info!("no control socket: {by} has that of group {} and port {}", args.group, args.port);
        }
        Err(NotOpened::Failed(why)) => tracing::warn!("no control socket: {why}"),
    }
    None
}

fn start(place: &Place, holder: &str, inside: Inside) -> Result<Door, NotOpened> {
    let runtime = runtime::current_thread().map_err(|error| NotOpened::Failed(error.to_string()))?;
    let (listener, files) = runtime.block_on(system::open(place, holder))?;
    let name = std::thread::Builder::new().name("vigie-door".into());
    let thread = name.spawn(move || serve(&runtime, listener, &inside));
    let thread = thread.map_err(|error| NotOpened::Failed(error.to_string()))?;
    Ok(Door { thread, _files: files })
}

impl Drop for Door {
    fn drop(&mut self) {
        let rounds = CLOSING.as_millis() / 2;
        for _ in 0..rounds {
            if self.thread.is_finished() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Takes programs in until the node has stopped, and then lets those that are there come to their end.
fn serve(runtime: &Runtime, mut listener: Listener, inside: &Inside) {
    let mut programs = JoinSet::new();
    LocalSet::new().block_on(runtime, async {
        loop {
            tokio::select! {
                () = inside.commands.closed() => break,
                Some(_) = programs.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok(stream) => {
                        programs.spawn_local(connection::serve(stream, inside.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "nobody can be taken in by the control socket");
                        tokio::time::sleep(REST).await;
                    }
                },
            }
        }
        drop(listener);
        while programs.join_next().await.is_some() {}
    });
}
