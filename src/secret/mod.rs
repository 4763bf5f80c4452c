//! The shared secret of a group, and all that is made of it. No file, no clock and no socket.
//!
//! - `text`: what stands in a secret file
//! - `derive`: a key for each use
//! - `presence`: the tag of a datagram, and the seal of one that is hidden
//! - `exchange`: the handshake of a connection, and what follows it
//! - `resumption`: a connection without a handshake, by the ticket of an earlier one
//! - `sessions`: the tickets of a node
//! - `signing`: what a node signs its rows with, and its id under a secret

mod derive;
pub mod exchange;
mod presence;
pub mod resumption;
pub mod sessions;
pub mod signing;
pub mod text;

use std::fmt;

use exchange::{Channel, Dialing, ExchangeKey, FIRST, SECOND};
use presence::PresenceKeys;
use resumption::{ASKED, Asking, ResumeKey, Ticket, TicketId};
use text::{Key, SecretText};

pub use presence::{SEAL, TAG};

/// What a node does with a secret file, in its group: keys of one group are of no use in another.
#[derive(Clone)]
pub struct Secret {
    used: Keys,
    /// Those that are accepted as well.
    others: Vec<Keys>,
    hides: bool,
    group: String,
}

/// All that is made of one key.
#[derive(Clone)]
struct Keys {
    presence: PresenceKeys,
    exchange: ExchangeKey,
    resume: ResumeKey,
}

impl Keys {
    fn new(key: &Key, group: &str) -> Self {
        Self {
            presence: PresenceKeys::new(key, group),
            exchange: ExchangeKey::new(key, group),
            resume: ResumeKey::new(key, group),
        }
    }
}

impl Secret {
    /// The secret of a group.
    pub fn new(text: &SecretText, group: &str) -> Self {
        Self {
            used: Keys::new(&text.used, group),
            others: text.others.iter().map(|key| Keys::new(key, group)).collect(),
            hides: text.hide,
            group: group.to_owned(),
        }
    }

    /// Whether this node is to be known to nobody else.
    pub fn hides(&self) -> bool {
        self.hides
    }

    /// The group, unless nobody else is to know it.
    pub fn shown_group(&self) -> Option<&str> {
        (!self.hides).then_some(&self.group)
    }

    fn accepted(&self) -> impl Iterator<Item = &Keys> {
        std::iter::once(&self.used).chain(&self.others)
    }

    /// The tag of a datagram, which covers all that stands before it.
    pub fn tag(&self, covered: &[u8]) -> [u8; TAG] {
        self.used.presence.tag(covered)
    }

    /// Whether a datagram's tag was made with one of the keys.
    pub fn is_tagged(&self, covered: &[u8], tag: &[u8; TAG]) -> bool {
        self.accepted().any(|keys| keys.presence.is_tagged(covered, tag))
    }

    /// A text that only who has the secret can read.
    pub fn seal(&self, text: &[u8]) -> Vec<u8> {
        self.used.presence.seal(text)
    }

    /// The text that was sealed with one of the keys.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (tag, covered) = sealed.split_first_chunk()?;
        self.accepted().find_map(|keys| keys.presence.open(tag, covered))
    }

    /// Begins an exchange: its first message. None if the system gives no random numbers.
    pub fn dial(&self) -> Option<(Dialing, [u8; FIRST])> {
        self.used.exchange.dial()
    }

    /// Answers the first message of an exchange, if it was made with one of the keys: the second message, with a ticket in it.
    pub fn accept(&self, first: &[u8], ticket: &Ticket) -> Option<(Channel, [u8; SECOND])> {
        self.accepted().find_map(|keys| keys.exchange.accept(first, ticket))
    }

    /// Begins an exchange by a ticket: its first message. `drawn` is random.
    fn ask(&self, ticket: &Ticket, drawn: [u8; 16]) -> (Asking, [u8; ASKED]) {
        self.used.resume.ask(ticket, drawn)
    }

    /// What the dialer drew that asks to resume, if it has one of the keys.
    fn asked(&self, id: &TicketId, first: &[u8]) -> Option<[u8; 16]> {
        self.accepted().find_map(|keys| keys.resume.asked(id, first))
    }
}

/// A secret is in no log and no message.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").field("hides", &self.hides).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use text::KEY;

    fn secret(keys: &[u8], group: &str) -> Secret {
        let key = |fill: &u8| Key::new([*fill; KEY]);
        let others = keys[1..].iter().map(key).collect();
        Secret::new(&SecretText { used: key(&keys[0]), others, hide: false }, group)
    }

    #[test]
    fn while_keys_are_replaced_each_accepts_what_the_others_send() {
        let (old, both, turned, new) =
            (secret(&[1], "g"), secret(&[1, 2], "g"), secret(&[2, 1], "g"), secret(&[2], "g"));
        for (what, sender, receiver, accepts) in [
            ("before", &old, &both, true),
            ("the new one is known everywhere", &both, &turned, true),
            ("and used by some", &turned, &both, true),
            ("by all", &turned, &new, true),
            ("the old one is gone", &old, &new, false),
        ] {
            assert_eq!(receiver.is_tagged(b"x", &sender.tag(b"x")), accepts, "{what}");
            assert_eq!(receiver.open(&sender.seal(b"x")).is_some(), accepts, "{what}");
            let (dialing, first) = sender.dial().unwrap();
            let ticket = Ticket::of(&[7; Ticket::LENGTH]);
            let answered = receiver.accept(&first, &ticket).map(|(_, second)| second);
            assert_eq!(answered.and_then(|second| dialing.finish(&second)).is_some(), accepts, "{what}");
            let (_, first) = sender.ask(&ticket, [1; 16]);
            assert_eq!(receiver.asked(&ticket.id, &first).is_some(), accepts, "{what}");
        }
    }

    #[test]
    fn what_is_printed_of_a_secret_holds_none() {
        assert_eq!(format!("{:?}", secret(&[1], "g")), "Secret { hides: false, .. }");
    }
}
