//! What the run loop is to do after an input.

use tracing::level_filters::LevelFilter;

use crate::app::export::Form;
use crate::app::{Kept, Play};
use crate::engine::api::Command;
use crate::engine::peers::{PeerInfo, PeerKey};

/// Something that only the run loop can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Ask the node for this; when it takes it, say so.
    Send {
        /// What.
        command: Command,
        /// For the status line.
        said: String,
    },
    /// Put a text on the clipboard.
    Copy {
        /// The text.
        text: String,
        /// For the status line, before where it went.
        said: String,
    },
    /// Record to a new file, or record no more.
    Record,
    /// Examine this machine, on which a node has these ports.
    Examine {
        /// That of its presence.
        port: u16,
        /// That on which it accepts connections.
        tcp_port: u16,
    },
    /// Play the recording in another way.
    Play(Play),
    /// Keep what is noted; then say so.
    Keep {
        /// What.
        kept: Kept,
        /// For the status line.
        said: String,
    },
    /// Record this much in the log.
    LogLevel(LevelFilter),
    /// Write a file.
    Export(Form),
    /// Leave.
    Quit,
    /// Stop for the shell's job control.
    Suspend,
    /// Draw every cell of the next frame.
    Redraw,
}

impl Effect {
    /// Dials one peer.
    pub(super) fn dial(peer: &PeerInfo) -> Self {
        Self::Send { command: Command::DialNow(peer.key), said: format!("dialing {}", peer.name) }
    }

    /// Forgets one peer.
    pub(super) fn forget(key: PeerKey, name: &str) -> Self {
        Self::Send { command: Command::Forget(key), said: format!("forgot {name}") }
    }
}
