//! What a person has noted of peers, by name and address: their ids last only as long as their processes.

use std::fmt;
use std::net::IpAddr;

use crate::engine::peers::PeerInfo;

/// Most characters of a note's text: as many as three lines of a screen have.
pub const NOTE_MAX: usize = 240;

/// What is noted of one peer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Note {
    /// As the peer calls itself.
    pub name: String,
    /// Its address, if it was noted as one.
    pub ip: Option<IpAddr>,
    /// One line.
    pub text: Option<String>,
    /// How its row stands out.
    pub noted: Noted,
}

/// How a row stands out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Noted {
    /// It has a sign, and is found with `is:marked`.
    pub is_marked: bool,
    /// It stands above the others.
    pub is_pinned: bool,
}

impl Note {
    /// Whether nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.text.is_none() && self.noted == Noted::default()
    }
}

/// `marked, pinned: by the sea`.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Noted { is_marked, is_pinned } = self.noted;
        let words = [is_marked.then_some("marked"), is_pinned.then_some("pinned")];
        let words: Vec<&str> = words.into_iter().flatten().collect();
        f.write_str(&words.join(", "))?;
        match &self.text {
            Some(text) if words.is_empty() => f.write_str(text),
            Some(text) => write!(f, ": {text}"),
            None => Ok(()),
        }
    }
}

/// All notes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes(pub Vec<Note>);

impl Notes {
    /// What is noted of a peer: of its address before that of its name, which another may have, too.
    pub fn of(&self, peer: &PeerInfo) -> Option<&Note> {
        Some(&self.0[self.position(peer)?])
    }

    /// The same, to be changed: a new one if nothing is noted of it.
    pub fn of_mut(&mut self, peer: &PeerInfo) -> &mut Note {
        let at = self.position(peer).unwrap_or_else(|| {
            self.0.push(Note { name: peer.name.clone(), ..Note::default() });
            self.0.len() - 1
        });
        &mut self.0[at]
    }

    fn position(&self, peer: &PeerInfo) -> Option<usize> {
        let ip = peer.addr.ip().to_canonical();
        let at = self.0.iter().position(|note| note.ip == Some(ip));
        at.or_else(|| self.0.iter().position(|note| note.ip.is_none() && note.name == peer.name))
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::named_peer;

    use super::*;

    fn note(name: &str, ip: Option<IpAddr>, text: &str) -> Note {
        Note { name: name.to_owned(), ip, text: Some(text.to_owned()), ..Note::default() }
    }

    #[test]
    fn a_note_is_found_by_the_address_and_else_by_the_name() {
        let peer = named_peer(1, "roof");
        let ip = Some(peer.addr.ip());
        let elsewhere = Some("192.0.2.77".parse().unwrap());
        let by_name = note("roof", None, "ask Anna");
        let of = |notes: Vec<Note>| Notes(notes).of(&peer).map(ToString::to_string);
        assert_eq!(of(vec![by_name.clone()]).as_deref(), Some("ask Anna"));
        assert_eq!(of(vec![by_name, note("mast", ip, "ask Ben")]).as_deref(), Some("ask Ben"));
        assert_eq!(of(vec![note("roof", elsewhere, "another roof"), note("x", None, "y")]), None);
    }

    #[test]
    fn what_is_noted_later_goes_to_the_note_that_is_there_and_else_to_a_new_one() {
        let peer = named_peer(1, "roof");
        let mut notes = Notes(vec![note("mast", Some(peer.addr.ip()), "ask Ben")]);
        notes.of_mut(&peer).noted.is_marked = true;
        assert_eq!(notes.0[0].to_string(), "marked: ask Ben");
        let other = named_peer(2, "sea");
        notes.of_mut(&other).noted = Noted { is_marked: true, is_pinned: true };
        assert_eq!((notes.0[1].name.as_str(), notes.0[1].to_string()), ("sea", "marked, pinned".to_owned()));
    }
}
