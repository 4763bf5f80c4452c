//! What a person notes in the app, and finds again the next time.

use super::model::{Note, SavedFilter};

/// What is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// All that is noted of a peer.
    Note(Note),
    /// A filter with its name; without a text none has this name any more.
    Filter(SavedFilter),
}
