//! The door to a running node: a socket of this machine, by which other programs ask it and follow it.
//!
//! `docs/control.md` specifies it. The node's side is [`door`], with a [`connection`] for each program that comes in; the
//! commands' side is [`mod@ask`]. What differs between systems is in [`system`].

mod answers;
mod ask;
mod attach;
mod connection;
#[cfg(unix)]
mod directory;
mod door;
mod follow;
#[cfg(any(test, feature = "testkit"))]
mod fuzzed;
mod inside;
mod keeper;
mod limits;
mod lines;
mod name;
mod place;
mod request;
#[cfg_attr(unix, path = "system/unix.rs")]
#[cfg_attr(windows, path = "system/windows.rs")]
mod system;

#[cfg(any(test, feature = "testkit"))]
pub(crate) use fuzzed::fuzz_control;

pub(super) use ask::{ask, peers_named, watch};
pub(super) use attach::{Attached, NotAttached, attach};
pub(super) use door::{Door, open};
pub(super) use keeper::Keeper;
pub(super) use place::Place;
pub(super) use request::{CheckQuestion, ListQuestion, MatrixQuestion, Request, Source, millis};
