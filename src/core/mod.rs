//! Meaning: peers, liveness, retries, budgets and causes, as one deterministic state machine.
//!
//! The [`Engine`] is told what happened and when ([`Engine::handle`]), says what is to be done
//! ([`Engine::poll_output`]) and when it wants to be woken ([`Engine::poll_timeout`]). It touches no socket, no
//! clock, no task and no global; its randomness comes from a seed. So a whole network of engines runs in memory
//! in a test, and a failing seed replays.

pub mod budget;
pub mod cause;
pub mod config;
pub mod diagnosis;
mod engine;
pub mod event;
pub mod interface;
pub mod matrix;
pub mod peer;
pub mod retry;
pub mod sight;
pub mod verdict;
pub mod words;

pub use crate::proto::{Incarnation, NodeId, Nonce};
pub use engine::{Engine, check_reply, limits, unreadable};
