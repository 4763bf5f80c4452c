//! The node's side: opens the socket, takes programs in as long as the node lives, and takes the socket away.
//!
//! It has a thread of its own, which sleeps until somebody comes: neither a slow program nor a large answer holds up the node.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until};

use crate::cli::args::NodeArgs;
use crate::cli::runtime;
use crate::net::Node;

use super::connection;
use super::inside::Inside;
use super::keeper::Keeper;
use super::limits::{CLOSING, MAX_QUESTIONS, MAX_SUBSCRIBERS};
use super::place::{NotOpened, Place};
use super::system::{self, Files, Listener};

/// How long nobody is taken in after that failed: there may be no descriptor left.
const REST: Duration = Duration::from_millis(200);
/// How often it is looked whether the socket is still where others look for it: cleaners of `/tmp` and `/run` take away what looks
/// old. A look costs a few microseconds.
const LOOK: Duration = Duration::from_secs(4);

/// The door of a node, if it has one. Dropped, it is closed; drop it when the node has stopped, so that whoever follows is told of that.
#[derive(Debug, Default)]
pub(in crate::cli) struct Door {
    _open: Option<OpenDoor>,
    /// Another node of the same group and port has one.
    pub(in crate::cli) is_anothers: bool,
}

#[derive(Debug)]
struct OpenDoor {
    thread: JoinHandle<()>,
    /// Taken away when the thread has come to its end, or has had time to.
    files: SharedFiles,
}

/// The files of the socket; none while those that were taken away could not be made again.
type SharedFiles = Arc<Mutex<Option<Files>>>;

/// What a door is made of, to make it again.
struct Made {
    place: Place,
    holder: String,
    files: SharedFiles,
}

/// Opens the door of a node that runs, to what its keeper remembers. Without one the node does as well: what is wrong is logged in
/// one line.
pub(in crate::cli) fn open(args: &NodeArgs, node: &Node, keeper: &Arc<Keeper>) -> Door {
    let Some(place) = Place::of(args) else { return Door::default() };
    let holder = format!("{} (process {})", args.name(), std::process::id());
    let inside = Inside {
        commands: node.commands.clone(),
        events: node.events.clone(),
        keeper: Arc::clone(keeper),
        since: Instant::now(),
        questions: Arc::new(Semaphore::new(MAX_QUESTIONS)),
        subscribers: Arc::new(Semaphore::new(MAX_SUBSCRIBERS)),
    };
    match start(place, holder, inside) {
        Ok(open) => Door { _open: Some(open), is_anothers: false },
        Err(NotOpened::Taken(by)) => {
            keeper.close();
            let (group, port) = (&args.group, args.port);
            tracing::info!(
                "no control socket: {by} has that of group {group} and port {port}; `vigie attach` shows that node"
            );
            Door { _open: None, is_anothers: true }
        }
        Err(NotOpened::Failed(why)) => {
            keeper.close();
            tracing::warn!("no control socket: {why}");
            Door::default()
        }
    }
}

fn start(place: Place, holder: String, inside: Inside) -> Result<OpenDoor, NotOpened> {
    let runtime = runtime::current_thread().map_err(|error| NotOpened::Failed(error.to_string()))?;
    let (listener, files) = runtime.block_on(system::open(&place, &holder))?;
    let name = std::thread::Builder::new().name("vigie-door".into());
    let files = Arc::new(Mutex::new(Some(files)));
    let made = Made { place, holder, files: Arc::clone(&files) };
    let thread = name.spawn(move || serve(&runtime, listener, &made, &inside));
    let thread = thread.map_err(|error| NotOpened::Failed(error.to_string()))?;
    Ok(OpenDoor { thread, files })
}

impl Drop for OpenDoor {
    fn drop(&mut self) {
        let rounds = CLOSING.as_millis() / 2;
        for _ in 0..rounds {
            if self.thread.is_finished() {
                break;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        drop(self.files.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Made {
    /// The socket again, if it was taken away.
    async fn again(&self) -> Option<Listener> {
        let lost = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            if files.as_ref().is_some_and(Files::are_there) {
                return None;
            }
            files.take()
        };
        // Its lock is that of a file that is nowhere, or would keep this node itself out.
        if let Some(lost) = lost {
            lost.leave();
        }
        let (listener, files) = system::open(&self.place, &self.holder).await.ok()?;
        tracing::info!("the control socket was taken away and is there again");
        *self.files.lock().unwrap_or_else(PoisonError::into_inner) = Some(files);
        Some(listener)
    }
}

/// Takes programs in until the node has stopped, and then lets those that are there come to their end.
fn serve(runtime: &Runtime, mut listener: Listener, made: &Made, inside: &Inside) {
    let mut programs = JoinSet::new();
    LocalSet::new().block_on(runtime, async {
        let mut looked = Instant::now();
        loop {
            tokio::select! {
                () = inside.commands.closed() => break,
                Some(_) = programs.join_next() => {}
                () = sleep_until(looked + LOOK) => {
                    looked = Instant::now();
                    if let Some(again) = made.again().await {
                        listener = again;
                    }
                }
                accepted = listener.accept() => match accepted {
                    Ok(stream) => {
                        programs.spawn_local(connection::serve(stream, inside.clone()));
                    }
                    Err(error) => {
                        tracing::debug!(%error, "nobody can be taken in by the control socket");
                        sleep(REST).await;
                    }
                },
            }
        }
        drop(listener);
        while programs.join_next().await.is_some() {}
    });
}
