//! The control socket where there are named pipes. Without a descriptor of its own a pipe can be written to by its owner, the
//! system and the administrators alone, which is what is wanted; it is gone with the process that made it.

use std::io;
use std::time::Duration;

use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeClient, NamedPipeServer, ServerOptions};
use tokio::time::sleep;

use crate::cli::control::place::{NotOpened, Place};

/// The node's end of a connection.
pub(in crate::cli::control) type Accepted = NamedPipeServer;
/// The other end.
pub(in crate::cli::control) type Connected = NamedPipeClient;

/// What a pipe says where all of its instances are taken.
const ERROR_PIPE_BUSY: i32 = 231;
/// How long to wait where they are, as Tokio advises.
const BUSY: Duration = Duration::from_millis(50);
/// How often to try: a hundred who come at once have their turn within two seconds.
const TRIES: u32 = 40;
/// What the first instance of a pipe says where another process has it.
const ERROR_ACCESS_DENIED: i32 = 5;

/// Where a node is asked.
#[derive(Debug)]
pub(in crate::cli::control) struct Listener {
    path: String,
    /// The instance that the next one connects to.
    next: NamedPipeServer,
}

impl Listener {
    /// The next one who comes in. Must be called within a runtime.
    pub(in crate::cli::control) async fn accept(&mut self) -> io::Result<Accepted> {
        let connected = self.next.connect().await;
        // In any case: an instance whose client has gone at once connects to nobody else.
        let another = ServerOptions::new().create(&self.path)?;
        let accepted = std::mem::replace(&mut self.next, another);
        connected.map(|()| accepted)
    }
}

/// A pipe has no files.
#[derive(Debug)]
pub(in crate::cli::control) struct Files;

impl Files {
    /// Nobody can take a pipe away.
    #[expect(clippy::unused_self, reason = "elsewhere there are files")]
    pub(in crate::cli::control) fn are_there(&self) -> bool {
        true
    }

    /// There are none.
    #[expect(clippy::unused_self, reason = "elsewhere there are files")]
    pub(in crate::cli::control) fn leave(self) {}
}

/// Opens the pipe of a node.
#[expect(clippy::unused_async, reason = "elsewhere it waits")]
pub(in crate::cli::control) async fn open(
    place: &Place,
    _holder: &str,
) -> Result<(Listener, Files), NotOpened> {
    if place.directory.is_some() || place.group.is_some() {
        let line = "a named pipe has neither directory nor group: leave out --control and --control-group";
        return Err(NotOpened::Failed(line.to_owned()));
    }
    let path = path(place);
    match ServerOptions::new().first_pipe_instance(true).create(&path) {
        Ok(next) => Ok((Listener { path, next }, Files)),
        Err(error) if error.raw_os_error() == Some(ERROR_ACCESS_DENIED) => {
            Err(NotOpened::Taken("another node".to_owned()))
        }
        Err(error) => Err(NotOpened::Failed(format!("cannot open {path}: {error}"))),
    }
}

/// Connects to the node that runs here, if one does. Between one who comes in and the next one there is a moment in which all
/// instances are taken.
///
/// # Errors
/// When one does and takes nobody in.
pub(in crate::cli::control) async fn connect(place: &Place) -> io::Result<Option<Connected>> {
    let path = path(place);
    let mut tries = 1..;
    loop {
        match ClientOptions::new().open(&path) {
            Ok(connected) => return Ok(Some(connected)),
            Err(error) if error.raw_os_error() == Some(ERROR_PIPE_BUSY) => {
                if tries.next() == Some(TRIES) {
                    return Err(error);
                }
                sleep(BUSY).await;
            }
            Err(_) => return Ok(None),
        }
    }
}

/// Pipes have one name space for all users.
fn path(place: &Place) -> String {
    let user = std::env::var("USERNAME").unwrap_or_default();
    format!(r"\\.\pipe\{}-{user}", place.name)
}

/// A pipe is closed in both directions at once.
pub(in crate::cli::control) fn is_gone(_stream: &Accepted) -> bool {
    true
}
