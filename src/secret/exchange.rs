//! An exchange under a secret: a handshake of Noise (revision 34) with fresh keys of both ends, then one message each way.
//!
//! Neither end is believed before it has answered what the other drew for this connection: a recorded message is of no use to anybody.

use std::fmt;

use snow::params::NoiseParams;
use snow::{Builder, HandshakeState, TransportState};

use super::derive::derived;
use super::text::Key;

/// What protects an exchange: nobody has a long-lived key of its own, and the secret is mixed in at the start, so that a first message
/// without it is refused.
pub const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";

/// Bytes of each message of the handshake: a public key, and a tag.
pub const HANDSHAKE: usize = 48;

/// Longest text of a message, in bytes: sealed, and wrapped as the body of a frame, it has the 65536 bytes of the longest, and fewer than the
/// 65535 of the longest message of Noise.
pub const MAX_TEXT: usize = 65_515;

/// Bytes of a tag.
const TAG: usize = 16;

/// What both ends agree on beyond the secret, the name of the group behind it.
const PROLOGUE: &[u8] = b"vigie 1 exchange\0";

/// What one key is for in exchanges.
#[derive(Clone)]
pub(super) struct ExchangeKey {
    key: [u8; 32],
    prologue: Vec<u8>,
    noise: NoiseParams,
}

/// A handshake whose first message is sent.
pub struct Dialing(HandshakeState);

/// What both ends have after the handshake.
pub struct Channel(TransportState);

impl ExchangeKey {
    pub(super) fn new(key: &Key, group: &str) -> Self {
        Self {
            key: derived(key, "vigie 1 exchange", group),
            prologue: [PROLOGUE, group.as_bytes()].concat(),
            noise: PATTERN
                .parse()
                .expect("invariant: Noise has this pattern; every test of this file parses it"),
        }
    }

    pub(super) fn dial(&self) -> Option<(Dialing, [u8; HANDSHAKE])> {
        let mut state = self.state(Builder::build_initiator)?;
        let first = message(&mut state)?;
        Some((Dialing(state), first))
    }

    pub(super) fn accept(&self, first: &[u8]) -> Option<(Channel, [u8; HANDSHAKE])> {
        let mut state = self.state(Builder::build_responder)?;
        state.read_message(first, &mut []).ok()?;
        let second = message(&mut state)?;
        Some((Channel(state.into_transport_mode().ok()?), second))
    }

    fn state<'a>(
        &'a self,
        build: impl FnOnce(Builder<'a>) -> Result<HandshakeState, snow::Error>,
    ) -> Option<HandshakeState> {
        let noise = Builder::new(self.noise.clone());
        build(noise.psk(0, &self.key).ok()?.prologue(&self.prologue).ok()?).ok()
    }
}

impl Dialing {
    /// Takes the second message; none if whoever sent it does not have the key.
    pub fn finish(mut self, second: &[u8]) -> Option<Channel> {
        self.0.read_message(second, &mut []).ok()?;
        Some(Channel(self.0.into_transport_mode().ok()?))
    }
}

impl Channel {
    /// The message that carries a text; none if it is longer than [`MAX_TEXT`].
    pub fn seal(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut sealed = vec![0; text.len() + TAG];
        let length = self.0.write_message(text, &mut sealed).ok()?;
        sealed.truncate(length);
        Some(sealed)
    }

    /// The text that a message carries, if the other end made it for this connection.
    pub fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut text = vec![0; sealed.len()];
        let length = self.0.read_message(sealed, &mut text).ok()?;
        text.truncate(length);
        Some(text)
    }
}

/// One message of the handshake, with nothing in it.
fn message(state: &mut HandshakeState) -> Option<[u8; HANDSHAKE]> {
    let mut message = [0; HANDSHAKE];
    (state.write_message(&[], &mut message).ok()? == HANDSHAKE).then_some(message)
}

impl fmt::Debug for Dialing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Dialing(..)")
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Channel(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::text::KEY;

    fn key(fill: u8, group: &str) -> ExchangeKey {
        ExchangeKey::new(&Key::new([fill; KEY]), group)
    }

    #[test]
    fn both_ends_of_one_secret_exchange_a_message_each() {
        let (dialing, first) = key(1, "lab").dial().unwrap();
        let (mut there, second) = key(1, "lab").accept(&first).unwrap();
        let mut here = dialing.finish(&second).unwrap();
        let longest = vec![7; MAX_TEXT + 1];
        for text in [&b"request"[..], b"", &longest[1..]] {
            let sealed = here.seal(text).unwrap();
            assert_eq!(there.open(&sealed).as_deref(), Some(text));
            assert_eq!(there.open(&sealed), None, "once");
            let sealed = there.seal(text).unwrap();
            assert_eq!(here.open(&sealed).as_deref(), Some(text));
        }
        assert!(here.seal(&longest).is_none());
    }

    #[test]
    fn a_first_message_of_another_secret_or_group_is_refused() {
        let (_, first) = key(1, "lab").dial().unwrap();
        assert!(key(2, "lab").accept(&first).is_none());
        assert!(key(1, "lab2").accept(&first).is_none());
        for at in 0..HANDSHAKE {
            let mut changed = first;
            changed[at] ^= 1;
            assert!(key(1, "lab").accept(&changed).is_none(), "byte {at}");
        }
        assert!(key(1, "lab").accept(&first[..HANDSHAKE - 1]).is_none());
    }

    #[test]
    fn the_exchange_of_the_vectors_is_made_so() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/protocol-vectors.json")).unwrap();
        for case in vectors["secrets"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let bytes = |name: &str| -> Vec<u8> {
                let digits = text(name);
                let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                (0..digits.len()).step_by(2).map(byte).collect()
            };
            let key = ExchangeKey::new(&Key::new(bytes("key").try_into().unwrap()), text("group"));
            let [mut here, mut there] = ["dialer", "server"].map(|end| {
                let own = bytes(end);
                let state = key.state(|noise| {
                    let noise = noise.fixed_ephemeral_key_for_testing_only(&own);
                    if end == "dialer" { noise.build_initiator() } else { noise.build_responder() }
                });
                state.unwrap()
            });
            let first = message(&mut here).unwrap();
            assert_eq!(first[..], bytes("first"));
            there.read_message(&first, &mut []).unwrap();
            let second = message(&mut there).unwrap();
            assert_eq!(second[..], bytes("second"));
            let mut here = Dialing(here).finish(&second).unwrap();
            let mut there = Channel(there.into_transport_mode().unwrap());
            assert_eq!(here.seal(&bytes("request")), Some(bytes("sealed_request")));
            assert_eq!(there.open(&bytes("sealed_request")), Some(bytes("request")));
            assert_eq!(there.seal(&bytes("reply")), Some(bytes("sealed_reply")));
            assert_eq!(here.open(&bytes("sealed_reply")), Some(bytes("reply")));
        }
    }

    #[test]
    fn what_was_recorded_of_an_exchange_is_no_use_in_another() {
        let (dialer, server) = (key(1, "lab"), key(1, "lab"));
        let (dialing, first) = dialer.dial().unwrap();
        let (_, second) = server.accept(&first).unwrap();
        let request = dialing.finish(&second).unwrap().seal(b"request").unwrap();
        let (mut again, another) = server.accept(&first).unwrap();
        assert_ne!(another, second);
        assert_eq!(again.open(&request), None, "a replayed dial is not believed");
        let (dialing, _) = dialer.dial().unwrap();
        assert!(dialing.finish(&second).is_none(), "nor a replayed answer");
    }
}
