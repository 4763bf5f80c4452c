//! `[peers]`: what the person knows of peers.

use crate::app::model::{NOTE_MAX, Noted};
use crate::proto::check_text;

/// A peer that the file tells of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::cli) struct NamedPeer {
    /// As it calls itself.
    pub(in crate::cli) name: String,
    /// Where it is dialed, as `--peer` would have it.
    pub(in crate::cli) address: Option<String>,
    /// What the person wants to read of it.
    pub(in crate::cli) note: Option<String>,
    /// How it stands out in the app.
    pub(in crate::cli) noted: Noted,
    /// Where its key stands, from 1.
    pub(in crate::cli) line: usize,
}

/// What is wrong with a note.
pub(super) fn refused_note(note: &str) -> Option<String> {
    let length = note.chars().count();
    let is_plain = !note.chars().any(char::is_control);
    (!(1..=NOTE_MAX).contains(&length) || !is_plain)
        .then(|| format!("invalid note: one line of 1 to {NOTE_MAX} characters is expected"))
}

/// What is wrong with the name of a peer.
pub(super) fn refused_name(name: &str) -> Option<String> {
    check_text(name).err().map(|error| format!("invalid name of a peer: {error}"))
}
