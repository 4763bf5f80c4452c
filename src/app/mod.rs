//! The terminal app: events in, a live screen out, keys back as commands.
//!
//! - [`model`]: a pure fold of the events.
//! - [`ui`], [`timeline`], [`matrix`], [`keymap`], [`state`]: what the person at the keyboard does.
//! - [`view`], [`theme`], [`look`]: the screen, drawn from the two above.
//! - `facts`, `report`, [`export`]: what is told of a peer in words, copied, and written to files.
//! - [`terminal`], `device`, [`log`]: the only parts that touch the process: its terminal, its log lines.
//!
//! It knows the node by its events and commands only, never its sockets.

#[cfg_attr(unix, path = "device/unix.rs")]
#[cfg_attr(not(unix), path = "device/elsewhere.rs")]
mod device;
pub mod export;
mod facts;
pub mod keymap;
pub mod log;
pub mod look;
pub mod matrix;
pub mod model;
mod report;
mod run;
pub mod state;
pub mod terminal;
pub mod theme;
pub mod timeline;
pub mod ui;
pub mod view;

#[cfg(test)]
mod tests;

use std::net::IpAddr;

pub use run::run;

/// What the caller knows and no event tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Options {
    /// The address that this machine uses towards others, for the header.
    pub local_ip: Option<IpAddr>,
    /// Whether a peer that goes up or down rings the terminal's bell.
    pub bell: bool,
}
