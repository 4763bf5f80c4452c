//! Events as lines of JSON, and back: what `vigie watch --json` and the control socket write, and what is read again.
//!
//! A *line* has the fields of the contract ([`line()`]). A *whole* line ([`Writer`]) has one more, `more`, with all that they leave out, so
//! that a [`Reader`] makes the same event of it; only evidence and advice come back as the sentences that they are in a record.
//! `docs/control.md` specifies both. Neither knows a clock, a file or a socket: a reader is told what time it is.

mod epoch;
mod forms;
mod keys;
mod matrix;
mod more;
mod past;
mod peers;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub use keys::{key_of, row_of};
pub use past::{Attempted, Past, PastAttempt, PastOutcome, PeerPast};
pub use read::{Reader, Unreadable};
pub use write::{Writer, line};
