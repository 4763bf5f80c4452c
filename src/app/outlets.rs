//! What the app asks of others: of its node, and of who runs the app.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::kept::Kept;
use super::when::When;
use crate::engine::api::Command;

/// Where the app's wishes go.
#[derive(Debug, Clone)]
pub struct Outlets {
    /// To the node.
    pub commands: mpsc::Sender<Command>,
    /// To who runs the app.
    pub wishes: mpsc::Sender<Wish>,
    /// Where notes are kept.
    pub notebook: Notebook,
}

/// Where notes are kept.
#[derive(Clone, Default)]
pub struct Notebook(Option<Arc<Keep>>);

/// Keeps what is noted, or says why not.
type Keep = dyn Fn(&Kept) -> Result<(), String> + Send + Sync;

impl Notebook {
    /// One that is kept so.
    pub fn new(keep: impl Fn(&Kept) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(keep)))
    }

    /// Keeps what is noted.
    ///
    /// # Errors
    /// Why it is not kept, in one line.
    pub fn keep(&self, kept: &Kept) -> Result<(), String> {
        let keep = self.0.as_ref().ok_or_else(|| "here nothing is written to config.toml".to_owned())?;
        keep(kept)
    }
}

impl fmt::Debug for Notebook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Notebook").field(&self.0.is_some()).finish()
    }
}

impl Outlets {
    /// Of an app that nobody can record or play.
    pub fn to_node(commands: mpsc::Sender<Command>) -> Self {
        Self { commands, wishes: mpsc::channel(1).0, notebook: Notebook::default() }
    }
}

/// What who runs the app is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// Record to a new file of this name, or record no more.
    Record(PathBuf),
    /// Play the recording that is shown in another way, or from elsewhere on.
    Play(Play),
    /// Examine this machine, on which a node has these ports.
    Examine {
        /// That of its presence.
        port: u16,
        /// That on which it accepts connections.
        tcp_port: u16,
    },
}

/// What a person wants of a recording that is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Play {
    /// Go on, or stand still.
    Pause,
    /// Take one event more, and stand still.
    Step,
    /// At twice the speed.
    Faster,
    /// At half the speed.
    Slower,
    /// To so much earlier.
    Back(Duration),
    /// To so much later.
    On(Duration),
    /// To where a peer changes its state next.
    NextChange,
    /// To where a finding is told next.
    NextFinding,
    /// To a moment.
    To(When),
}
