//! When which peer is dialed, retried and given up.
//!
//! Opens no connection: the net is told what to dial, and tells how it ended.

pub mod cause;
pub(crate) mod dial_interval;
pub(crate) mod dial_state;
pub(crate) mod dialer;
pub(crate) mod inbound;
pub(crate) mod looks;
pub mod retry;
pub(crate) mod turns;
pub(crate) mod unanswered;
