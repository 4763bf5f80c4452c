//! Recordings as they are made: beside a node, in a thread of their own, that neither the node nor the screen waits for.
//!
//! `docs/recording.md` specifies the file. Each begins with all peers as they are, and is whole without any other.

mod begin;
mod piece;
mod switch;
mod tape;
mod tee;
#[cfg(test)]
mod tests;

pub(super) use begin::{Prepared, tap};
pub(super) use switch::Switch;
pub(super) use tee::Tee;

/// What a person wants of a recording, and what is told of it, waiting: nobody presses keys faster.
pub(super) const BESIDE: usize = 16;
