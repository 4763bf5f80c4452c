//! HMAC-SHA256, and the keys that are made with it: each use, in each group, has a key of its own.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::text::Key;

pub(super) type Hmac256 = Hmac<Sha256>;

/// HMAC-SHA256 under a key.
pub(super) fn keyed(key: &[u8]) -> Hmac256 {
    Hmac256::new_from_slice(key).expect("invariant: HMAC takes keys of any length (RFC 2104)")
}

/// The key for a purpose, in a group.
pub(super) fn derived(key: &Key, purpose: &str, group: &str) -> [u8; 32] {
    let mac = keyed(key.bytes()).chain_update(purpose).chain_update([0]).chain_update(group);
    mac.finalize().into_bytes().into()
}
