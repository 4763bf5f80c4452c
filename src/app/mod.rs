//! The terminal app: events in, a live screen out, keys back as commands.
//!
//! - [`model`]: a pure fold of the events.
//! - [`ui`], [`keymap`], [`state`]: what the person at the keyboard does.
//! - [`view`], [`theme`]: the screen, drawn from the two above.
//! - [`terminal`], [`log`]: the only parts that touch the process: its terminal, its log lines.
//!
//! It knows the node by its events and commands only, never its sockets.

pub mod keymap;
pub mod log;
pub mod model;
mod run;
pub mod state;
pub mod terminal;
pub mod theme;
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
}
