//! Rows of a node's table as numbers.

use slotmap::{Key as _, KeyData};

use crate::engine::peers::PeerKey;

/// The number of a row.
pub fn row_of(key: PeerKey) -> u64 {
    key.data().as_ffi()
}

/// The row of a number.
pub fn key_of(row: u64) -> PeerKey {
    KeyData::from_ffi(row).into()
}
