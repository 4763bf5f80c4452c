//! Resuming: what one handshake agreed upon protects later connections between the same two ends, without another key agreement. As a
//! pre-shared key alone does in TLS 1.3 (RFC 8446 §2.2, `psk_ke`): both ends draw a nonce for the connection, and its keys are made of
//! the ticket's key and of both. So what was recorded is of no use here, either.

use std::fmt;

use chacha20poly1305::aead::{AeadInPlace as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Nonce, Tag};
use hmac::Mac as _;

use super::derive::{Hmac256, derived, keyed};
use super::text::Key;

/// Bytes of a tag, and of what each end draws for a connection.
const TAG: usize = 16;
const NONCE: usize = 16;

/// Bytes of the first message: what the dialer drew, and the tag that shows that it has the secret.
pub const ASKED: usize = NONCE + TAG;

/// Bytes of the second message: what the server drew, and the tag that shows that it has the ticket's key.
pub const ANSWERED: usize = NONCE + TAG;

/// How a ticket is called, in the open. It says nothing but that two connections are between the same two ends.
pub type TicketId = [u8; 16];

/// What the next connections between two ends do without a handshake by.
#[derive(Clone, PartialEq, Eq)]
pub struct Ticket {
    /// How it is called.
    pub id: TicketId,
    key: [u8; 32],
}

/// Drawn by the dialer for one connection.
pub struct Asking {
    key: [u8; 32],
    drawn: [u8; NONCE],
}

/// Both directions of a connection.
pub struct Resumed {
    seals: Direction,
    opens: Direction,
}

/// One direction: its key, and the number of its next message.
struct Direction {
    cipher: ChaCha20Poly1305,
    next: u64,
}

/// Shows that whoever asks to resume has the secret: others get no answer that those of a handshake would not get.
#[derive(Clone)]
pub(super) struct ResumeKey(Hmac256);

impl ResumeKey {
    pub(super) fn new(key: &Key, group: &str) -> Self {
        Self(keyed(&derived(key, "vigie 1 resume", group)))
    }

    /// Asks to resume by a ticket: the first message. `drawn` is random.
    pub(super) fn ask(&self, ticket: &Ticket, drawn: [u8; NONCE]) -> (Asking, [u8; ASKED]) {
        let tag = self.over(&ticket.id, &drawn).finalize().into_bytes();
        (
            Asking { key: ticket.key, drawn },
            joined(drawn, tag[..TAG].try_into().expect("invariant: a hash is longer")),
        )
    }

    /// What the dialer drew, if it has the secret.
    pub(super) fn asked(&self, id: &TicketId, first: &[u8]) -> Option<[u8; NONCE]> {
        let (drawn, tag) = first.split_first_chunk()?;
        (tag.len() == TAG).then_some(())?;
        self.over(id, drawn).verify_truncated_left(tag).ok().map(|()| *drawn)
    }

    fn over(&self, id: &TicketId, drawn: &[u8; NONCE]) -> Hmac256 {
        self.0.clone().chain_update(id).chain_update(drawn)
    }
}

impl Ticket {
    /// In bytes.
    pub const LENGTH: usize = 48;

    /// Of these bytes, which are random.
    pub fn of(bytes: &[u8; Self::LENGTH]) -> Self {
        let (mut id, mut key) = (TicketId::default(), [0; 32]);
        id.copy_from_slice(&bytes[..16]);
        key.copy_from_slice(&bytes[16..]);
        Self { id, key }
    }

    /// As it is told.
    pub fn bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        let (id, key) = bytes.split_at_mut(self.id.len());
        id.copy_from_slice(&self.id);
        key.copy_from_slice(&self.key);
        bytes
    }

    /// Answers a dialer that drew this: the second message. `own` is random.
    pub(super) fn answer(&self, drawn: &[u8; NONCE], own: [u8; NONCE]) -> Option<(Resumed, [u8; ANSWERED])> {
        let (opens, seals) = directions(&self.key, drawn, &own);
        let mut resumed = Resumed { seals, opens };
        let tag = resumed.seal(&[])?;
        Some((resumed, joined(own, tag.try_into().ok()?)))
    }
}

impl Asking {
    /// Takes the second message; none if whoever sent it does not have the ticket's key.
    pub fn finish(self, second: &[u8]) -> Option<Resumed> {
        let (drawn, tag) = second.split_first_chunk()?;
        let (seals, opens) = directions(&self.key, &self.drawn, drawn);
        let mut resumed = Resumed { seals, opens };
        resumed.open(tag)?.is_empty().then_some(resumed)
    }
}

impl Resumed {
    pub(super) fn seal(&mut self, text: &[u8]) -> Option<Vec<u8>> {
        let Direction { cipher, next } = &mut self.seals;
        let mut sealed = Vec::with_capacity(text.len() + TAG);
        sealed.extend_from_slice(text);
        let tag = cipher.encrypt_in_place_detached(&nonce(*next), &[], &mut sealed).ok()?;
        *next += 1;
        sealed.extend_from_slice(&tag);
        Some(sealed)
    }

    pub(super) fn open(&mut self, sealed: &[u8]) -> Option<Vec<u8>> {
        let Direction { cipher, next } = &mut self.opens;
        let (covered, tag) = sealed.split_at_checked(sealed.len().checked_sub(TAG)?)?;
        let mut text = covered.to_vec();
        cipher.decrypt_in_place_detached(&nonce(*next), &[], &mut text, Tag::from_slice(tag)).ok()?;
        *next += 1;
        Some(text)
    }
}

/// From the dialer to the server, and back.
fn directions(key: &[u8; 32], dialer: &[u8; NONCE], server: &[u8; NONCE]) -> (Direction, Direction) {
    let of = |purpose: &str| {
        let mac =
            keyed(key).chain_update(purpose).chain_update([0]).chain_update(dialer).chain_update(server);
        Direction { cipher: ChaCha20Poly1305::new(&mac.finalize().into_bytes()), next: 0 }
    };
    (of("vigie 1 resumed request"), of("vigie 1 resumed reply"))
}

/// The nonce of a message, as Noise makes it (revision 34, §12.3): each number is used once.
fn nonce(number: u64) -> Nonce {
    let mut nonce = Nonce::default();
    nonce[4..].copy_from_slice(&number.to_le_bytes());
    nonce
}

fn joined(drawn: [u8; NONCE], tag: [u8; TAG]) -> [u8; NONCE + TAG] {
    let mut both = [0; NONCE + TAG];
    both[..NONCE].copy_from_slice(&drawn);
    both[NONCE..].copy_from_slice(&tag);
    both
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::text::KEY;

    fn key(fill: u8, group: &str) -> ResumeKey {
        ResumeKey::new(&Key::new([fill; KEY]), group)
    }

    fn ticket(fill: u8) -> Ticket {
        Ticket::of(&[fill; Ticket::LENGTH])
    }

    #[test]
    fn both_ends_of_a_ticket_exchange_a_message_each() {
        let (asking, first) = key(1, "lab").ask(&ticket(7), [1; NONCE]);
        let drawn = key(1, "lab").asked(&ticket(7).id, &first).unwrap();
        let (mut there, second) = ticket(7).answer(&drawn, [2; NONCE]).unwrap();
        let mut here = asking.finish(&second).unwrap();
        for text in [&b"request"[..], b"", &vec![7; 65_515]] {
            let sealed = here.seal(text).unwrap();
            assert_eq!(there.open(&sealed).as_deref(), Some(text));
            assert_eq!(there.open(&sealed), None, "once");
            let sealed = there.seal(text).unwrap();
            assert_eq!(here.open(&sealed).as_deref(), Some(text));
        }
    }

    #[test]
    fn who_does_not_have_the_secret_is_not_heard_and_who_does_not_have_the_ticket_not_believed() {
        let (_, first) = key(1, "lab").ask(&ticket(7), [1; NONCE]);
        assert_eq!(key(2, "lab").asked(&ticket(7).id, &first), None);
        assert_eq!(key(1, "lab2").asked(&ticket(7).id, &first), None);
        assert_eq!(key(1, "lab").asked(&ticket(8).id, &first), None);
        for at in 0..ASKED {
            let mut changed = first;
            changed[at] ^= 1;
            assert_eq!(key(1, "lab").asked(&ticket(7).id, &changed), None, "byte {at}");
        }
        assert_eq!(key(1, "lab").asked(&ticket(7).id, &first[..ASKED - 1]), None);
        let another = Ticket { key: [8; 32], ..ticket(7) };
        let (_, second) = another.answer(&[1; NONCE], [2; NONCE]).unwrap();
        let (asking, _) = key(1, "lab").ask(&ticket(7), [1; NONCE]);
        assert!(asking.finish(&second).is_none());
    }

    #[test]
    fn what_was_recorded_of_a_connection_is_no_use_in_another() {
        let (asking, _) = key(1, "lab").ask(&ticket(7), [1; NONCE]);
        let (_, second) = ticket(7).answer(&[1; NONCE], [2; NONCE]).unwrap();
        let request = asking.finish(&second).unwrap().seal(b"request").unwrap();
        let (mut again, _) = ticket(7).answer(&[1; NONCE], [3; NONCE]).unwrap();
        assert_eq!(again.open(&request), None, "a replayed dial is not believed");
        let (asking, _) = key(1, "lab").ask(&ticket(7), [4; NONCE]);
        assert!(asking.finish(&second).is_none(), "nor a replayed answer");
    }

    #[test]
    fn neither_end_takes_its_own_messages_for_the_others() {
        let (asking, _) = key(1, "lab").ask(&ticket(7), [1; NONCE]);
        let (_, second) = ticket(7).answer(&[1; NONCE], [2; NONCE]).unwrap();
        let mut here = asking.finish(&second).unwrap();
        let sealed = here.seal(b"request").unwrap();
        assert_eq!(here.open(&sealed), None);
    }

    #[test]
    fn the_resumed_exchange_of_the_vectors_is_made_so() {
        let vectors: serde_json::Value =
            serde_json::from_str(include_str!("../../docs/protocol-vectors.json")).unwrap();
        for case in vectors["secrets"].as_array().unwrap() {
            let text = |name: &str| case[name].as_str().unwrap();
            let bytes = |name: &str| -> Vec<u8> {
                let digits = text(name);
                let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                (0..digits.len()).step_by(2).map(byte).collect()
            };
            let nonce = |name: &str| -> [u8; NONCE] { bytes(name).try_into().unwrap() };
            let key = ResumeKey::new(&Key::new(bytes("key").try_into().unwrap()), text("group"));
            let ticket = Ticket::of(&bytes("ticket").try_into().unwrap());
            let (asking, first) = key.ask(&ticket, nonce("dialer_nonce"));
            assert_eq!(first[..], bytes("resume_first"));
            let (mut there, second) = ticket.answer(&nonce("dialer_nonce"), nonce("server_nonce")).unwrap();
            assert_eq!(second[..], bytes("resume_second"));
            let mut here = asking.finish(&second).unwrap();
            assert_eq!(here.seal(&bytes("request")), Some(bytes("resumed_request")));
            assert_eq!(there.open(&bytes("resumed_request")), Some(bytes("request")));
            assert_eq!(there.seal(&bytes("reply")), Some(bytes("resumed_reply")));
            assert_eq!(here.open(&bytes("resumed_reply")), Some(bytes("reply")));
        }
    }

    #[test]
    fn what_is_printed_of_a_ticket_holds_nothing_of_it() {
        assert_eq!(format!("{:?}", ticket(7)), "Ticket(..)");
    }
}
