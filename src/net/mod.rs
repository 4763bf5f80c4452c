//! The only sockets and tasks of the program. It executes what the [engine](crate::engine) decides and decides nothing
//! itself; it knows no screen.

pub mod addresses;
mod arrival;
mod connections;
mod dialer;
mod driver;
mod errno;
pub(crate) mod frame;
mod host_name;
mod icmp;
mod impairment;
pub mod interfaces;
mod link_watch;
mod neighbours;
mod node;
mod resolver;
#[cfg(target_os = "linux")]
pub mod rtnetlink;
pub(crate) mod sealing;
pub mod selftest;
mod server;
mod servers;
mod sockets;
mod standby;
mod start_error;
mod task_event;
mod tethers;
mod traffic;
mod udp;

pub use dialer::{Dial, Reached, Way, attempt, one_shot_request, retryable_dial};
pub use driver::ReadFilter;
pub use errno::{classify, is_retryable_error};
pub use host_name::host_name;
pub use impairment::Impairment;
pub use interfaces::Selection;
pub use node::{EVENTS, Node, Settings};
pub use resolver::{ResolveError, resolve};
pub use start_error::StartError;
pub use traffic::Traffic;
