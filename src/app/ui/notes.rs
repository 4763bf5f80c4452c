//! What a person has noted of peers, by name and address: their ids last only as long as their processes.

use std::net::IpAddr;

use crate::engine::peers::PeerInfo;

/// A note on one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// As the peer calls itself.
    pub name: String,
    /// Its address, if it was noted as one.
    pub ip: Option<IpAddr>,
    /// One line.
    pub text: String,
}

/// All notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// What is noted of a peer: of its address before that of its name, which another may have, too.
    pub fn of(&self, peer: &PeerInfo) -> Option<&str> {
        let at = self.0.iter().find(|note| note.ip.is_some_and(|ip| ip == peer.addr.ip().to_canonical()));
        let note = at.or_else(|| self.0.iter().find(|note| note.ip.is_none() && note.name == peer.name));
        note.map(|note| &*note.text)
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::named_peer;

    use super::*;

    #[test]
    fn a_note_is_found_by_the_address_and_else_by_the_name() {
        let peer = named_peer(1, "roof");
        let ip = Some(peer.addr.ip());
        let note = |name: &str, ip, text: &str| Note { name: name.to_owned(), ip, text: text.to_owned() };
        let elsewhere = Some("192.0.2.77".parse().unwrap());
        let by_name = note("roof", None, "ask Anna");
        assert_eq!(Notes(vec![by_name.clone()]).of(&peer), Some("ask Anna"));
        assert_eq!(Notes(vec![by_name, note("mast", ip, "ask Ben")]).of(&peer), Some("ask Ben"));
        assert_eq!(
            Notes(vec![note("roof", elsewhere, "another roof"), note("x", None, "y")]).of(&peer),
            None
        );
    }
}
