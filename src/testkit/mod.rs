//! What tests, benches and pictures are built with: peers, configurations, one engine alone, a network of engines in memory.
//!
//! Feature `testkit`, and the crate's own unit tests; not part of the program and no part of its interface. Whoever needs a
//! peer or a configuration starts with the one from here and changes what matters: `Config { dial_rate: 1, ..config(7) }`.
//!
//! It opens no socket and starts no task. Only [`clock`] knows the real time, and only the ports of [`free_port`] are real.

mod config;
mod doorstep;
mod lan;
mod messages;
mod peers;
mod ports;
mod solo;

pub mod clock;
pub mod crowd;
pub mod fuzz;
pub mod judged;

pub use clock::{ms, secs, t0};
pub use config::{config, interface};
pub use crowd::Crowd;
pub use doorstep::Doorstep;
pub use lan::host::Host;
pub use lan::link::{Link, Tcp};
pub use lan::{HostId, Lan, Logged, NO_NEIGHBOUR, Rogue, Sent};
pub use messages::{failure, presence, reply, request};
pub use peers::{TOLD_FRESH_FOR, blocking_rule, finding, matrix, named_peer, node, peer, peer_at, row, told};
pub use ports::free_port;
pub use solo::Solo;
