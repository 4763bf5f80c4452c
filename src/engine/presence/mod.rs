//! Presence: what this node announces, what it hears, and the proof that a sender holds its address.

pub(crate) mod announce;
pub(crate) mod foreign;
pub(crate) mod heard;
pub(crate) mod introduction;
pub(crate) mod receive;
pub(crate) mod rejects;
#[cfg(test)]
mod samples;
pub(crate) mod sender;
mod strangers;
pub(crate) mod twin;
pub(crate) mod visitors;
pub(crate) mod wrapping;
