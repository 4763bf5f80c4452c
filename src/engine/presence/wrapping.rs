//! Presence under a shared secret: how it is written, and whether what came was made with it.

use crate::proto::presence::{Presence, sealed_in, split_tag, unsealed};
use crate::secret::{SEAL, Secret};

/// How this node writes and reads what it says: in the open, with a tag, or sealed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wrapping<'a>(pub(crate) Option<&'a Secret>);

/// Who a datagram may be from.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Opened<'a> {
    /// It was sealed with the secret, and this was in it.
    Sealed(Vec<u8>),
    /// It is not sealed.
    Plain(&'a [u8]),
    /// Nobody here can read it.
    Shut,
}

impl Wrapping<'_> {
    /// The bytes of a presence.
    pub(crate) fn encode(self, presence: &Presence<'_>) -> Vec<u8> {
        match self.0 {
            None => presence.encode(),
            Some(secret) if secret.hides() => presence.encode_sealed(SEAL, |body| secret.seal(body)),
            Some(secret) => presence.encode_tagged(|covered| secret.tag(covered)),
        }
    }

    /// What is to be read of a datagram.
    pub(crate) fn open(self, datagram: &[u8]) -> Opened<'_> {
        let Some(sealed) = sealed_in(datagram) else { return Opened::Plain(datagram) };
        let opened = self.0.and_then(|secret| secret.open(sealed));
        opened.map_or(Opened::Shut, |body| Opened::Sealed(unsealed(&body)))
    }

    /// Whether a presence that was not sealed is by somebody with the same secret; without one, by somebody without.
    pub(crate) fn is_ours(self, presence: &Presence<'_>, datagram: &[u8]) -> bool {
        match (self.0, presence.tag) {
            (None, tag) => tag.is_none(),
            (Some(_), None) => false,
            (Some(secret), Some(_)) => {
                split_tag(datagram).is_some_and(|(covered, tag)| secret.is_tagged(covered, tag))
            }
        }
    }
}
