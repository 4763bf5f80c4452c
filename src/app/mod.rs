//! The terminal app: events in, a live screen out, keys back as commands.
//!
//! - [`model`]: what the network is: a pure fold of the events.
//! - [`ui`], [`keymap`]: what the person at the keyboard has set, and what their keys do.
//! - [`state`]: the two together, without a terminal: inputs in, effects out.
//! - [`view`], [`appearance`]: the screen, drawn from the two above.
//! - `peer_text`, [`export`]: what is told of a peer in words, copied, and written to files.
//! - `news`, `outlets`: what comes from the node, wherever that is, and what is asked of it and of who runs the app.
//! - [`checkup`]: what the doctor says of this machine.
//! - `playback`, `when`: how a recording is played, and how people name a moment of it.
//! - `preferences`, `kept`: what a person has set in the configuration file, and what of the app goes there.
//! - `run`, `paste`, `notification`, [`terminal`], `screen_size`, `device`, [`clipboard`], [`log`]: the loop, and the only parts that touch the process: its terminal, its log lines.
//!
//! It knows the node by its events and commands only, never its sockets: nor does it know whether the node is in its process.

pub mod appearance;
pub mod checkup;
pub mod clipboard;
#[cfg_attr(unix, path = "device/unix.rs")]
#[cfg_attr(not(unix), path = "device/elsewhere.rs")]
mod device;
pub mod export;
mod kept;
pub mod keymap;
pub mod log;
pub mod model;
mod news;
mod notification;
mod outlets;
mod paste;
mod peer_text;
mod playback;
mod preferences;
mod run;
mod screen_size;
pub mod state;
pub mod terminal;
pub mod ui;
pub mod view;
mod when;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use kept::Kept;
pub use news::{News, NewsSource};
pub use outlets::{Notebook, Outlets, Play, Wish};
pub use playback::{Clock, Playback};
pub use preferences::Preferences;
pub use run::run;
pub use when::When;

/// What the caller knows and no event tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The address that this machine uses towards others, for the header.
    pub local_ip: Option<IpAddr>,
    /// Whether a peer that goes up or down rings the terminal's bell.
    pub bell: bool,
    /// Whether the terminal notifies its person of each finding.
    pub notify: bool,
    /// Which node it is that is shown.
    pub node: ShownNode,
}

/// Which node it is that is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ShownNode {
    /// One of its own, which ends with the app.
    #[default]
    Own,
    /// One of its own, while another one has the control socket: people may want to see that.
    OwnBesideAnother,
    /// One that runs here, and goes on when the app ends.
    Attached,
    /// None: what one has told is played again.
    Recorded,
}
