//! An exchange under a secret: a handshake of Noise (revision 34) with fresh keys of both ends, then one message each way. With the
//! handshake comes a ticket, by which the next connections between the two do without one ([`super::resumption`]).
//!
//! Neither end is believed before it has answered what the other drew for this connection: a recorded message is of no use to anybody.

use std::fmt;

use snow::params::NoiseParams;
use snow::{Builder, HandshakeState, TransportState};

use super::derive::derived;
use super::resumption::{Resumed, Ticket};
use super::text::Key;

/// What protects an exchange: nobody has a long-lived key of its own, and the secret is mixed in at the start, so that a first message
/// without it is refused.
pub const PATTERN: &str = "Noise_NNpsk0_25519_ChaChaPoly_SHA256";

/// Bytes of the first message of the handshake: a public key, and a tag.
pub const FIRST: usize = 48;

/// Bytes of the second one, which carries a ticket.
pub const SECOND: usize = FIRST + Ticket::LENGTH;

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

/// What both ends have after the handshake, or after a ticket.
pub enum Channel {
    /// Agreed upon for this connection.
    Agreed(Box<TransportState>),
    /// By what was agreed upon before.
    Resumed(Resumed),
}

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

    pub(super) fn dial(&self) -> Option<(Dialing, [u8; FIRST])> {
        let mut state = self.state(Builder::build_initiator)?;
        let first = message(&mut state, &[])?;
        Some((Dialing(state), first))
    }

    pub(super) fn accept(&self, first: &[u8], ticket: &Ticket) -> Option<(Channel, [u8; SECOND])> {
        let mut state = self.state(Builder::build_responder)?;
        state.read_message(first, &mut []).ok()?;
        let second = message(&mut state, &ticket.bytes())?;
        Some((agreed(state)?, second))
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
    /// Takes the second message, and the ticket in it if it has one; none if whoever sent it does not have the key.
    pub fn finish(mut self, second: &[u8]) -> Option<(Channel, Option<Ticket>)> {
        let mut payload = [0; Ticket::LENGTH];
        let length = self.0.read_message(second, &mut payload).ok()?;
        Some((agreed(self.0)?, (length == payload.len()).then(|| Ticket::of(&payload))))
    }
}

impl Channel {
    /// The message that carries a text; none if it is longer than [`MAX_TEXT`].
    pub fn seal(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        if text.len() > MAX_TEXT {
            return None;
        }
        match self {
            Self::Agreed(state) => {
                let mut sealed = vec![0; text.len() + TAG];
                let length = state.write_message(text, &mut sealed).ok()?;
                sealed.truncate(length);
                Some(sealed)
            }
            Self::Resumed(resumed) => resumed.seal(text),
        }
    }

    /// The text that a message carries, if the other end made it for this connection.
    pub fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Agreed(state) => {
                let mut text = vec![0; sealed.len()];
                let length = state.read_message(sealed, &mut text).ok()?;
                text.truncate(length);
                Some(text)
            }
            Self::Resumed(resumed) => resumed.open(sealed),
        }
    }
}

fn agreed(state: HandshakeState) -> Option<Channel> {
    Some(Channel::Agreed(Box::new(state.into_transport_mode().ok()?)))
}

/// One message of the handshake, with this in it.
fn message<const N: usize>(state: &mut HandshakeState, payload: &[u8]) -> Option<[u8; N]> {
    let mut message = [0; N];
    (state.write_message(payload, &mut message).ok()? == N).then_some(message)
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

    fn ticket() -> Ticket {
        Ticket::of(&[7; Ticket::LENGTH])
    }

    #[test]
    fn without_a_ticket_the_handshake_is_the_same() {
        let (dialing, first) = key(1, "lab").dial().unwrap();
        let mut there = key(1, "lab").state(Builder::build_responder).unwrap();
        there.read_message(&first, &mut []).unwrap();
        let second: [u8; FIRST] = message(&mut there, &[]).unwrap();
        assert!(matches!(dialing.finish(&second), Some((_, None))));
    }

    #[test]
    fn both_ends_of_one_secret_exchange_a_message_each() {
        let (dialing, first) = key(1, "lab").dial().unwrap();
        let (mut there, second) = key(1, "lab").accept(&first, &ticket()).unwrap();
        let (mut here, told) = dialing.finish(&second).unwrap();
        assert_eq!(told, Some(ticket()));
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
        assert!(key(2, "lab").accept(&first, &ticket()).is_none());
        assert!(key(1, "lab2").accept(&first, &ticket()).is_none());
        for at in 0..FIRST {
            let mut changed = first;
            changed[at] ^= 1;
            assert!(key(1, "lab").accept(&changed, &ticket()).is_none(), "byte {at}");
        }
        assert!(key(1, "lab").accept(&first[..FIRST - 1], &ticket()).is_none());
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
            let first: [u8; FIRST] = message(&mut here, &[]).unwrap();
            assert_eq!(first[..], bytes("first"));
            there.read_message(&first, &mut []).unwrap();
            let second: [u8; SECOND] = message(&mut there, &bytes("ticket")).unwrap();
            assert_eq!(second[..], bytes("second"));
            let (mut here, told) = Dialing(here).finish(&second).unwrap();
            assert_eq!(told.unwrap().bytes()[..], bytes("ticket"));
            let mut there = agreed(there).unwrap();
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
        let (_, second) = server.accept(&first, &ticket()).unwrap();
        let request = dialing.finish(&second).unwrap().0.seal(b"request").unwrap();
        let (mut again, another) = server.accept(&first, &ticket()).unwrap();
        assert_ne!(another, second);
        assert_eq!(again.open(&request), None, "a replayed dial is not believed");
        let (dialing, _) = dialer.dial().unwrap();
        assert!(dialing.finish(&second).is_none(), "nor a replayed answer");
    }
}
