//! The only sockets and tasks of the program. It executes what the [engine](crate::engine) decides and decides nothing
//! itself; it knows no screen.

mod dialer;
mod driver;
mod frame;
mod icmp;
pub mod interfaces;
mod node;
mod os;
#[cfg(target_os = "linux")]
pub mod rtnetlink;
pub mod selftest;
mod server;
mod udp;

pub use dialer::{Dial, Reached, attempt, one_shot_request, retryable_dial};
pub use interfaces::Selection;
pub use node::{EVENTS, Node, Settings, StartError};
pub use os::{classify, is_retryable_error};
