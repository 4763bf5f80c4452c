//! How much a door takes in: all of it comes from programs of the same user, but not all of them are well.

use std::time::Duration;

/// Programs that follow the events at once: each costs a copy of every line.
pub(super) const MAX_SUBSCRIBERS: usize = 16;
/// Questions that wait for their answers at once: a hundred checks of one machine have room.
pub(super) const MAX_QUESTIONS: usize = 256;
/// Bytes of a line that comes in: a check that names a thousand peers fits.
pub(super) const MAX_LINE: usize = 64 * 1_024;
/// Bytes of an answer, which the commands take: the matrix of a thousand nodes fits.
pub(super) const MAX_ANSWER: usize = 512 * 1_024 * 1_024;
/// Who connects says what it wants within this time.
pub(super) const FIRST_LINE: Duration = Duration::from_secs(5);
/// Who takes nothing in for this long is left.
pub(super) const WRITE: Duration = Duration::from_secs(10);
/// How long a node may take to answer what it knows already: longer than it gives itself (`visitor::PATIENCE`).
pub(super) const ANSWER: Duration = Duration::from_secs(6);
/// Events kept for a slow app that is attached, before it loses the oldest: as many as a node keeps for an app of its own.
pub(super) const EVENTS_KEPT: usize = 2_048;
/// Events that are written in one go.
pub(super) const EVENTS_AT_ONCE: usize = 256;
/// Orders about a peer that wait for the table in which it is looked up.
pub(super) const MAX_ORDERS: usize = 64;
/// How long the end of a node may wait for its door: what is written is read in less, or not at all.
pub(super) const CLOSING: Duration = Duration::from_millis(100);
