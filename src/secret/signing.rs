//! What a node signs with under a secret: a key of its own, of which its id is made. A holder of the secret can speak as a node, but not as
//! another one that signs.
//!
//! Ed25519 (RFC 8032): what was signed can be passed on, and is the owner's word whoever tells it.

use std::fmt;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hmac::Mac as _;
use sha2::{Digest as _, Sha256};

use super::derive::keyed;

/// Bytes of the key that others check signatures with.
pub const PUBLIC: usize = 32;

/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// Bytes of the id of a node.
const ID: usize = 16;

/// The key of one node, for the life of its process.
#[derive(Clone)]
pub struct NodeKey {
    key: SigningKey,
}

impl NodeKey {
    /// Made of what seeds a node's chance, which is as secret as the key. What the node says by chance shows nothing of either.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self::derived(seed, "vigie 1 node key", &[])
    }

    /// The next key of a node whose id another one has, with the same chance: `drawn` is what tells the two apart.
    #[must_use]
    pub fn next(&self, drawn: &[u8; ID]) -> Self {
        Self::derived(self.key.as_bytes(), "vigie 1 next node key", drawn)
    }

    /// The one with these private bytes, as vectors have it.
    #[cfg(test)]
    pub(crate) fn of_vectors(private: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(private) }
    }

    fn derived(from: &[u8; 32], purpose: &str, drawn: &[u8]) -> Self {
        let mac = keyed(from).chain_update(purpose).chain_update([0]).chain_update(drawn);
        Self { key: SigningKey::from_bytes(&mac.finalize().into_bytes().into()) }
    }

    /// What others check its signatures with.
    pub fn public(&self) -> [u8; PUBLIC] {
        self.key.verifying_key().to_bytes()
    }

    /// The id of its node.
    pub fn id(&self) -> [u8; ID] {
        id_of(&self.public())
    }

    /// Signs a text.
    pub fn sign(&self, text: &[u8]) -> [u8; SIGNATURE] {
        self.key.sign(text).to_bytes()
    }
}

/// The id of the node with this key: to find a key for an id takes 2^128 tries.
pub fn id_of(public: &[u8; PUBLIC]) -> [u8; ID] {
    let whole: [u8; 32] =
        Sha256::new().chain_update(b"vigie 1 node id\0").chain_update(public).finalize().into();
    let mut id = [0; ID];
    id.copy_from_slice(&whole[..ID]);
    id
}

/// Whether the holder of a key signed a text. Keys that fit any signature fit none here.
pub fn is_signed(public: &[u8; PUBLIC], text: &[u8], signature: &[u8; SIGNATURE]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(text, &Signature::from_bytes(signature)).is_ok())
}

/// A key is in no log and no message.
impl fmt::Debug for NodeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_and_its_key_alone() {
        let [ours, other] = [1, 2].map(|fill| NodeKey::from_seed(&[fill; 32]));
        let signature = ours.sign(b"row");
        assert!(is_signed(&ours.public(), b"row", &signature));
        assert!(!is_signed(&other.public(), b"row", &signature));
        assert!(!is_signed(&ours.public(), b"rows", &signature));
        for at in 0..SIGNATURE {
            let mut wrong = signature;
            wrong[at] ^= 1;
            assert!(!is_signed(&ours.public(), b"row", &wrong), "byte {at}");
        }
    }

    #[test]
    fn keys_of_which_anybody_can_sign_are_refused() {
        // The neutral element as key and as the signature's point, and 0: without the strict rule that fits any text.
        let mut neutral = [0; PUBLIC];
        neutral[0] = 1;
        let mut signature = [0; SIGNATURE];
        signature[0] = 1;
        assert!(!is_signed(&neutral, b"row", &signature));
    }

    #[test]
    fn copies_of_one_machine_have_one_id_until_what_tells_them_apart_is_mixed_in() {
        let (one, copy) = (NodeKey::from_seed(&[7; 32]), NodeKey::from_seed(&[7; 32]));
        assert_eq!(one.id(), copy.id());
        assert_eq!(one.id(), id_of(&one.public()));
        let (next, its) = (one.next(&[1; ID]), copy.next(&[2; ID]));
        assert!(next.id() != its.id() && next.id() != one.id());
        assert_eq!(format!("{one:?}"), "NodeKey(..)");
    }
}
