//! Presence under a secret: a tag over the whole datagram, which everybody can read; or a seal, which nobody else can.
//!
//! The seal is deterministic (SIV, as in RFC 5297 §2): the tag of the text is what its key stream begins with, so that no random number is
//! needed that must never come twice, and copies of one machine with the same chance betray nothing. Every datagram differs by its sequence.

use hmac::Mac as _;

use super::derive::{Hmac256, derived, keyed};
use super::text::Key;

/// Bytes of a tag: to forge one takes 2^128 datagrams.
pub const TAG: usize = 16;

/// Bytes by which a sealed text is longer than it was.
pub const SEAL: usize = TAG;

/// Bytes of the key stream that one hash gives.
const BLOCK: usize = 32;

/// What one key is for in presences. Keyed once: then a hash of a datagram costs its own bytes only.
#[derive(Clone)]
pub(super) struct PresenceKeys {
    tag: Hmac256,
    seal: Hmac256,
    stream: Hmac256,
}

impl PresenceKeys {
    pub(super) fn new(key: &Key, group: &str) -> Self {
        let of = |purpose| keyed(&derived(key, purpose, group));
        Self {
            tag: of("vigie 1 presence tag"),
            seal: of("vigie 1 presence seal"),
            stream: of("vigie 1 presence stream"),
        }
    }

    /// Changes a text to what it is under the key stream that begins so, or back.
    fn cover(&self, tag: &[u8; TAG], text: &mut [u8]) {
        for (block, number) in text.chunks_mut(BLOCK).zip(0_u32..) {
            let stream = self.stream.clone().chain_update(tag).chain_update(number.to_be_bytes());
            block.iter_mut().zip(stream.finalize().into_bytes()).for_each(|(byte, mask)| *byte ^= mask);
        }
    }

    pub(super) fn tag(&self, covered: &[u8]) -> [u8; TAG] {
        tag_of(&self.tag, covered)
    }

    pub(super) fn is_tagged(&self, covered: &[u8], tag: &[u8; TAG]) -> bool {
        is_of(&self.tag, covered, tag)
    }

    pub(super) fn seal(&self, text: &[u8]) -> Vec<u8> {
        let tag = tag_of(&self.seal, text);
        let mut sealed = [&tag, text].concat();
        self.cover(&tag, &mut sealed[TAG..]);
        sealed
    }

    pub(super) fn open(&self, tag: &[u8; TAG], covered: &[u8]) -> Option<Vec<u8>> {
        let mut text = covered.to_vec();
        self.cover(tag, &mut text);
        is_of(&self.seal, &text, tag).then_some(text)
    }
}

fn tag_of(key: &Hmac256, bytes: &[u8]) -> [u8; TAG] {
    let whole: [u8; BLOCK] = key.clone().chain_update(bytes).finalize().into_bytes().into();
    let mut tag = [0; TAG];
    tag.copy_from_slice(&whole[..TAG]);
    tag
}

/// Compared in constant time.
fn is_of(key: &Hmac256, bytes: &[u8], tag: &[u8; TAG]) -> bool {
    key.clone().chain_update(bytes).verify_truncated_left(tag).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::text::KEY;

    fn keys(fill: u8, group: &str) -> PresenceKeys {
        PresenceKeys::new(&Key::new([fill; KEY]), group)
    }

    #[test]
    fn a_tag_holds_for_its_bytes_its_key_and_its_group_alone() {
        let ours = keys(1, "lab");
        let tag = ours.tag(b"datagram");
        assert!(ours.is_tagged(b"datagram", &tag));
        for (what, keys, bytes) in [
            ("another key", keys(2, "lab"), &b"datagram"[..]),
            ("another group", keys(1, "lab2"), b"datagram"),
            ("other bytes", ours.clone(), b"datagrams"),
        ] {
            assert!(!keys.is_tagged(bytes, &tag), "{what}");
        }
        for bit in 0..8 * TAG {
            let mut wrong = tag;
            wrong[bit / 8] ^= 1 << (bit % 8);
            assert!(!ours.is_tagged(b"datagram", &wrong), "bit {bit}");
        }
    }

    #[test]
    fn what_is_sealed_is_opened_by_who_has_the_key_and_shows_nothing_to_others() {
        let (ours, others) = (keys(1, "lab"), keys(2, "lab"));
        for length in [0, 1, 31, 32, 33, 1_400] {
            let text: Vec<u8> = (0..length).map(|n: u32| n.to_le_bytes()[0]).collect();
            let sealed = ours.seal(&text);
            assert_eq!(sealed.len(), text.len() + SEAL);
            let open = |keys: &PresenceKeys, sealed: &[u8]| {
                let (tag, covered) = sealed.split_first_chunk().unwrap();
                keys.open(tag, covered)
            };
            assert_eq!(open(&ours, &sealed), Some(text.clone()));
            assert_eq!(open(&others, &sealed), None);
            assert!(length < 31 || !sealed.windows(8).any(|part| text.windows(8).any(|own| own == part)));
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(open(&ours, &changed), None, "byte {at}");
            }
            for end in TAG..sealed.len() {
                assert_eq!(open(&ours, &sealed[..end]), None, "cut at {end}");
            }
        }
    }
}
