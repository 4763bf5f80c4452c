//! The presence datagram: who is here, where, and for how long that is to be believed.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::address;
use super::membership::MAX_MEMBERSHIP;
use super::{
    DecodeError, Incarnation, MAGIC, MAX_DATAGRAM, MAX_PROBE, NodeId, Nonce, Sealed, Tag, VERSION,
    check_prefix, check_text, map, rows, strip_header,
};

/// The group that presences go to by IPv6, on each link: transient and of link-local scope (RFC 4291 §2.7, RFC 3307).
pub const MULTICAST_GROUP: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x8a9e, 0x4442);

/// Bytes before a datagram's body: magic and version.
const HEADER: usize = MAGIC.len() + 1;

/// Shortest presence period a node may state, in milliseconds.
pub const MIN_PERIOD_MS: u32 = 100;
/// Longest presence period a node may state, in milliseconds: one hour.
pub const MAX_PERIOD_MS: u32 = 3_600_000;

/// The key of the zeros that fill a probe.
const PAD_KEY: u8 = 63;

/// What stands before the bytes of a tag: its key, 17, and the head of a byte string of 16.
const TAG_HEAD: [u8; 2] = [0x11, 0x50];
/// What the body of a sealed presence begins with: a map of one key, 18.
const SEALED_HEAD: [u8; 2] = [0xa1, 0x12];
/// Bytes by which a sealed presence is longer than what is in it, apart from those of the seal itself: [`SEALED_HEAD`], the head of the
/// byte string.
const SEALED_MORE: usize = 5;

/// What a presence says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Just arrived, or changed address: please answer.
    #[n(0)]
    Hello,
    /// Still here.
    #[n(1)]
    Heartbeat,
    /// Leaving on purpose.
    #[n(2)]
    Goodbye,
    /// No presence: a unicast datagram of [`MAX_PROBE`] bytes that asks for an echo.
    #[n(3)]
    Probe,
}

/// One presence datagram, borrowed from the bytes that were received.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Presence<'a> {
    /// What it says.
    #[n(0)]
    pub kind: Kind,
    /// Nodes of other groups ignore it.
    #[b(1)]
    pub group: &'a str,
    /// Who sends it.
    #[n(2)]
    pub id: NodeId,
    /// Which life of the sender.
    #[n(3)]
    pub incarnation: Incarnation,
    /// Grows with each datagram of this life; the copies of one round on several interfaces share it.
    #[n(4)]
    pub sequence: u64,
    /// Shown to people; not an identity.
    #[b(5)]
    pub name: &'a str,
    /// Where the sender's TCP server listens; 0 for none.
    #[n(6)]
    pub tcp_port: u16,
    /// Where the sender alone receives unicast datagrams.
    #[n(7)]
    pub udp_port: u16,
    /// Mean time between two presences of the sender, in milliseconds.
    #[n(8)]
    pub period_ms: u32,
    /// The sender's address as it believes it to be. Shown, never dialed: the source address is the truth.
    #[cbor(n(9), with = "address")]
    pub claimed: IpAddr,
    /// Asks the receiver to echo this number by unicast at once.
    #[n(10)]
    pub nonce: Option<Nonce>,
    /// The nonce of the receiver that this datagram answers.
    #[n(11)]
    pub echo: Option<Nonce>,
    /// Length of the network prefix of `claimed`, in bits.
    #[n(12)]
    pub prefix: Option<u8>,
    /// It went to the limited broadcast address, and so reaches hosts of other networks on the same link.
    #[n(13)]
    pub wide: Option<bool>,
    /// The sender asks everybody whether another node is still there.
    #[n(14)]
    pub suspicion: Option<Suspicion>,
    /// News of the sender's row: one page.
    #[b(15)]
    pub rows: Option<&'a ByteSlice>,
    /// The sender stays for a moment only, to answer a question of a person: it is answered and helped, and is no peer.
    #[n(16)]
    pub visitor: Option<bool>,
    /// The sender has this secret; see [`split_tag`].
    #[n(17)]
    pub tag: Option<Tag>,
    /// What a member of several broadcast domains tells another; see [`membership`](super::membership).
    #[b(19)]
    pub membership: Option<&'a ByteSlice>,
}

/// A question about a node that may be gone. It is no verdict: who hears it looks itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Suspicion {
    /// Which node.
    #[n(0)]
    pub suspect: NodeId,
    /// Which life of it.
    #[n(1)]
    pub incarnation: Incarnation,
    /// What the sender saw, as numbered in [`codes::suspicion`](super::codes::suspicion).
    #[n(2)]
    pub seen: u8,
}

impl<'a> Presence<'a> {
    /// Whether it is a visitor's.
    pub fn is_of_visitor(&self) -> bool {
        self.visitor == Some(true)
    }

    /// Decodes one datagram and checks every field's size and range.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        // The header first: a newer version may allow more, and is to be reported as what it is.
        let body = strip_header(datagram)?;
        // A probe says first that it is one: the map's head, key 0, kind 3.
        let is_probe = body.get(1..3) == Some(&[0, Kind::Probe as u8]);
        if datagram.len() > if is_probe { MAX_PROBE } else { MAX_DATAGRAM } {
            return Err(DecodeError::Oversized);
        }
        map::decode::<Self>(body)?.check()
    }

    fn check(self) -> Result<Self, DecodeError> {
        if check_text(self.group).is_err() {
            return Err(DecodeError::Malformed("the group's name"));
        }
        if check_text(self.name).is_err() {
            return Err(DecodeError::Malformed("the sender's name"));
        }
        if !(MIN_PERIOD_MS..=MAX_PERIOD_MS).contains(&self.period_ms) {
            return Err(DecodeError::Malformed("the presence period"));
        }
        check_prefix(self.prefix)?;
        self.rows.map_or(Ok(()), |rows| rows::check_pages(rows))?;
        if self.membership.is_some_and(|told| told.len() > MAX_MEMBERSHIP) {
            return Err(DecodeError::Malformed("the membership"));
        }
        if self.udp_port == 0 {
            return Err(DecodeError::Malformed("the UDP port"));
        }
        Ok(self)
    }

    /// The datagram's bytes. What was made of checked names always fits [`MAX_DATAGRAM`]; a probe has [`MAX_PROBE`].
    pub fn encode(&self) -> Vec<u8> {
        self.encode_and_pad(MAX_PROBE)
    }

    /// The same with a tag behind it, made of all that stands before.
    pub fn encode_tagged(&self, tag: impl FnOnce(&[u8]) -> [u8; Tag::LENGTH]) -> Vec<u8> {
        let mut bytes = self.encode_and_pad(MAX_PROBE - TAG_HEAD.len() - Tag::LENGTH);
        count_one_more_key(&mut bytes);
        bytes.extend_from_slice(&TAG_HEAD);
        let tag = tag(&bytes);
        bytes.extend_from_slice(&tag);
        bytes
    }

    /// The same, sealed: so many bytes longer by `overhead` than the body that is sealed.
    pub fn encode_sealed(&self, overhead: usize, seal: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = self.encode_and_pad(MAX_PROBE - SEALED_MORE - overhead);
        let sealed = seal(&bytes[HEADER..]);
        bytes.truncate(HEADER);
        map::encode(&Sealed::of(&sealed), &mut bytes);
        bytes
    }

    fn encode_and_pad(&self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        map::encode(self, &mut bytes);
        if self.kind == Kind::Probe {
            pad(&mut bytes, length);
        }
        bytes
    }

    /// Mean time between two presences of the sender.
    pub fn period(&self) -> Duration {
        Duration::from_millis(u64::from(self.period_ms))
    }
}

/// A datagram that ends with a tag: what the tag covers, and the tag.
pub fn split_tag(datagram: &[u8]) -> Option<(&[u8], &[u8; Tag::LENGTH])> {
    let (covered, tag) = datagram.split_last_chunk()?;
    covered.ends_with(&TAG_HEAD).then_some((covered, tag))
}

/// What is sealed in a datagram, if it is a sealed presence. None as well where it is not as specified.
pub fn sealed_in(datagram: &[u8]) -> Option<&[u8]> {
    let body = strip_header(datagram).ok()?;
    if !body.starts_with(&SEALED_HEAD) || datagram.len() > MAX_PROBE {
        return None;
    }
    Some(Sealed::decode(body).ok()?.bytes)
}

/// The datagram of a presence that was sealed.
pub fn unsealed(body: &[u8]) -> Vec<u8> {
    [&MAGIC[..], &[VERSION], body].concat()
}

/// Fills a datagram up to this length with one more value of its map, which readers ignore.
fn pad(bytes: &mut Vec<u8>, whole: usize) {
    // A key of two bytes, and the head of a byte string of three.
    const HEAD: usize = 5;
    let Some(length) = whole.checked_sub(bytes.len() + HEAD).and_then(|n| u16::try_from(n).ok()) else {
        return;
    };
    count_one_more_key(bytes);
    bytes.extend_from_slice(&[0x18, PAD_KEY, 0x59]);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.resize(whole, 0);
}

/// The map's head is one byte as long as it has fewer than 24 keys.
fn count_one_more_key(bytes: &mut [u8]) {
    bytes[HEADER] += 1;
}
