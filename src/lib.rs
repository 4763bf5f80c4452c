//! vigie: which machines of a network see each other, in which direction, and if not, why not.
//!
//! One direction only, as the folders go:
//!
//! ```text
//! keys ──► app ──Command──► net ──Input──► engine ─Output──► net ──► sockets
//!                 ▲                          │
//!                 └────────── Event ◄────────┘
//! ```
//!
//! - [`proto`]: bytes to messages and back. No I/O, no clock.
//! - [`engine`]: the deterministic engine that decides everything. Start reading at [`engine::event`].
//! - [`net`]: the only sockets and tasks.
//! - [`app`]: the terminal app, a fold over events.
//! - [`cli`]: arguments, the headless commands, the wiring.

pub mod app;
pub mod cli;
pub mod engine;
pub mod net;
pub mod proto;
#[cfg(any(test, feature = "testkit"))]
#[doc(hidden)]
pub mod testkit;
pub mod text;
