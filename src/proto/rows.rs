//! What nodes tell each other of the others: pages of rows, and which rows are wanted. Each is a byte string of an exchange
//! that holds a CBOR sequence (RFC 8742), so that a list needs no memory to be read.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use minicbor::{Decode, Decoder, Encode, Encoder};

use super::address;
use super::map::{self, Sink};
use super::{DecodeError, Incarnation, NodeId, check_text};

/// Most bytes of pages in one message: some 350 entries, and four messages to a frame of an exchange.
pub const MAX_PAGES: usize = 16 * 1024;
/// Most rows that one request may ask for.
pub const MAX_WANTS: usize = 32;
/// Most nodes that one request may ask about.
pub const MAX_ABOUT: usize = 8;

/// Says no loss: too few echoes to tell.
pub const LOSS_UNKNOWN: u8 = 255;
/// An age in tenths of a second that stands for "never, or too long ago to matter".
pub const NEVER: u16 = u16::MAX;

/// The head of a page; its entries follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct PageHead {
    /// Whose row it is.
    #[n(0)]
    pub owner: NodeId,
    /// Which life of the owner.
    #[n(1)]
    pub incarnation: Incarnation,
    /// The version that the page builds on; 0 replaces all that was known of the row.
    #[n(2)]
    pub from: u64,
    /// The version that the reader has after it.
    #[n(3)]
    pub upto: u64,
    /// The owner's latest version: greater than `upto` if more pages are to come.
    #[n(4)]
    pub latest: u64,
    /// How long ago this was so, in milliseconds; 0 if the sender is the owner.
    #[n(5)]
    pub age_ms: u32,
    /// How many entries follow.
    #[n(6)]
    pub count: u16,
    /// Period of the owner's regular dials, in milliseconds: how old what it tells may become before it is told again. None if it does
    /// not say.
    #[n(7)]
    pub dial_interval_ms: Option<u32>,
    /// That the owner said so; none without a secret.
    #[n(8)]
    pub proof: Option<Proof>,
}

/// Shows that the owner of a row said what a page says: its key, a digest of what the reader cannot know, and its signature. What is signed is no
/// business of the codec.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// What the signature is checked with; the owner's id is made of it.
    pub key: [u8; 32],
    /// In a page of the owner's own: of the whole row. In one that is passed on: of the page that the owner signed.
    pub digest: [u8; 32],
    /// The owner's.
    pub signature: [u8; 64],
}

impl Proof {
    /// In bytes.
    pub const LENGTH: usize = 32 + 32 + 64;
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Proof(")?;
        self.signature.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(")")
    }
}

impl<C> Encode<C> for Proof {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        let mut bytes = [0; Self::LENGTH];
        bytes[..32].copy_from_slice(&self.key);
        bytes[32..64].copy_from_slice(&self.digest);
        bytes[64..].copy_from_slice(&self.signature);
        e.bytes(&bytes)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Proof {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        let wrong = || minicbor::decode::Error::message("a proof has 128 bytes");
        let (key, rest) = d.bytes()?.split_first_chunk().ok_or_else(wrong)?;
        let (digest, signature) = rest.split_first_chunk().ok_or_else(wrong)?;
        let signature = signature.try_into().map_err(|_| wrong())?;
        Ok(Self { key: *key, digest: *digest, signature })
    }
}

/// What the owner of a row sees of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Entry<'a> {
    /// Of which node.
    #[n(0)]
    pub id: NodeId,
    /// The six ways, two bits each; all 12 bits set: it is no longer in the owner's table.
    #[n(1)]
    pub ways: u16,
    /// Why the last dial failed, as numbered in the specification; 0 if it did not.
    #[n(2)]
    pub cause: u8,
    /// Round trip of the last dial that succeeded, in microseconds; 0 if there was none.
    #[n(3)]
    pub rtt_us: u32,
    /// Share of the echoes that were lost, in percent, or [`LOSS_UNKNOWN`].
    #[n(4)]
    pub loss: u8,
    /// How long before the page the last dial ended, in tenths of a second, rounded up, or [`NEVER`].
    #[n(5)]
    pub checked: u16,
    /// How long before the page there was the last sign of life, in tenths of a second, or [`NEVER`].
    #[n(6)]
    pub alive: u16,
    /// The node's TCP port.
    #[n(7)]
    pub port: u16,
    /// The node's address as the owner sees it.
    #[cbor(n(8), with = "address")]
    pub ip: IpAddr,
    /// The node's name.
    #[b(9)]
    pub name: &'a str,
}

/// The ways of an entry that says that its node is gone.
pub const GONE: u16 = 0xfff;

impl Entry<'_> {
    /// Where the node is dialed by the owner.
    pub fn addr(&self) -> SocketAddr {
        SocketAddr::new(self.ip, self.port)
    }
}

/// A row that is wanted if there is a newer version of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct RowRequest {
    /// Whose row.
    #[n(0)]
    pub owner: NodeId,
    /// The life of the owner that is known.
    #[n(1)]
    pub incarnation: Incarnation,
    /// The version that is known; 0 for none.
    #[n(2)]
    pub version: u64,
}

/// Appends an item to a byte string.
pub fn append<T: Encode<()>>(item: &T, bytes: &mut Vec<u8>) {
    if minicbor::encode(item, Sink(bytes)).is_err() {
        unreachable!("writing to a Vec cannot fail");
    }
}

/// The entries of a page, one after the other.
#[derive(Debug, Clone)]
pub struct Entries<'a> {
    bytes: &'a [u8],
    decoder: Decoder<'a>,
    left: u16,
}

impl<'a> Entries<'a> {
    /// All of them, as they came.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        self.left = self.left.checked_sub(1)?;
        self.decoder.decode().ok()
    }
}

/// The pages of a byte string, each with its entries. Ends at the first error: what a decoder has accepted has none.
pub fn pages(bytes: &[u8]) -> impl Iterator<Item = (PageHead, Entries<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let mut decoder = Decoder::new(rest);
        let head: PageHead = decoder.decode().ok()?;
        let begin = decoder.position();
        for _ in 0..head.count {
            decoder.skip().ok()?;
        }
        let (page, behind) = rest.split_at(decoder.position());
        let bytes = &page[begin..];
        rest = behind;
        Some((head, Entries { bytes, decoder: Decoder::new(bytes), left: head.count }))
    })
}

/// The rows that are wanted.
pub fn wants(bytes: &[u8]) -> impl Iterator<Item = RowRequest> {
    items(bytes)
}

/// The nodes that are asked about.
pub fn about(bytes: &[u8]) -> impl Iterator<Item = NodeId> {
    items(bytes)
}

fn items<'a, T: Decode<'a, ()>>(bytes: &'a [u8]) -> impl Iterator<Item = T> {
    let mut decoder = Decoder::new(bytes);
    std::iter::from_fn(move || if decoder.position() < bytes.len() { decoder.decode().ok() } else { None })
}

/// Checks a byte string of pages as a whole.
pub(super) fn check_pages(bytes: &[u8]) -> Result<(), DecodeError> {
    const WRONG: DecodeError = DecodeError::Malformed("a page of a row");
    if bytes.len() > MAX_PAGES || map::check_sequence(bytes).is_err() {
        return Err(WRONG);
    }
    let mut decoder = Decoder::new(bytes);
    while decoder.position() < bytes.len() {
        let head: PageHead = decoder.decode().map_err(|_| WRONG)?;
        if head.upto < head.from || head.latest < head.upto {
            return Err(WRONG);
        }
        for _ in 0..head.count {
            let entry: Entry<'_> = decoder.decode().map_err(|_| WRONG)?;
            let ways = entry.ways == GONE
                || (entry.ways >> 12 == 0 && (0..6).all(|nth| entry.ways >> (2 * nth) & 3 != 3));
            let loss = entry.loss <= 100 || entry.loss == LOSS_UNKNOWN;
            if !ways || !loss || check_text(entry.name).is_err() {
                return Err(WRONG);
            }
        }
    }
    Ok(())
}

/// Checks a byte string of wants as a whole.
pub(super) fn check_wants(bytes: &[u8]) -> Result<(), DecodeError> {
    check_items::<RowRequest>(bytes, MAX_WANTS, DecodeError::Malformed("the rows that are wanted"))
}

/// Checks a byte string of ids as a whole.
pub(super) fn check_about(bytes: &[u8]) -> Result<(), DecodeError> {
    check_items::<NodeId>(bytes, MAX_ABOUT, DecodeError::Malformed("the nodes that are asked about"))
}

fn check_items<'a, T: Decode<'a, ()>>(
    bytes: &'a [u8],
    most: usize,
    wrong: DecodeError,
) -> Result<(), DecodeError> {
    map::check_sequence(bytes).map_err(|_| wrong)?;
    let mut decoder = Decoder::new(bytes);
    let mut count = 0;
    while decoder.position() < bytes.len() {
        decoder.decode::<T>().map_err(|_| wrong)?;
        count += 1;
        if count > most {
            return Err(wrong);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Entry<'_> {
        Entry {
            id: NodeId(7),
            ways: 0b01,
            cause: 0,
            rtt_us: 350,
            loss: 0,
            checked: 12,
            alive: 3,
            port: 17_474,
            ip: [10, 0, 0, 7].into(),
            name,
        }
    }

    fn head(count: u16) -> PageHead {
        PageHead {
            owner: NodeId(1),
            incarnation: Incarnation(2),
            from: 0,
            upto: 3,
            latest: 4,
            age_ms: 0,
            count,
            dial_interval_ms: None,
            proof: None,
        }
    }

    #[test]
    fn pages_are_read_as_they_were_written() {
        let mut bytes = Vec::new();
        append(&head(2), &mut bytes);
        append(&entry("a"), &mut bytes);
        append(&entry("b"), &mut bytes);
        append(&head(0), &mut bytes);
        assert_eq!(check_pages(&bytes), Ok(()));
        let read: Vec<_> = pages(&bytes)
            .map(|(head, entries)| (head, entries.map(|e| e.name).collect::<Vec<_>>()))
            .collect();
        assert_eq!(read, [(head(2), vec!["a", "b"]), (head(0), vec![])]);
    }

    #[test]
    fn a_page_that_breaks_a_rule_is_refused() {
        let of = |head: PageHead, entry: Entry<'_>| {
            let mut bytes = Vec::new();
            append(&head, &mut bytes);
            append(&entry, &mut bytes);
            check_pages(&bytes)
        };
        assert_eq!(of(head(1), entry("a")), Ok(()));
        let wrong = Err(DecodeError::Malformed("a page of a row"));
        assert_eq!(of(head(2), entry("a")), wrong, "an entry is missing");
        assert_eq!(of(PageHead { from: 9, ..head(1) }, entry("a")), wrong);
        assert_eq!(of(PageHead { latest: 2, ..head(1) }, entry("a")), wrong);
        assert_eq!(of(head(1), entry("a\x1b")), wrong);
        assert_eq!(of(head(1), Entry { ways: 3, ..entry("a") }), wrong);
        assert_eq!(of(head(1), Entry { ways: GONE, ..entry("a") }), Ok(()));
        assert_eq!(of(head(1), Entry { loss: 101, ..entry("a") }), wrong);
    }

    type Check = fn(&[u8]) -> Result<(), DecodeError>;

    /// The items of a sequence, with the head of the first one replaced.
    fn with_head(item: &[u8], head: u8, more: &[u8]) -> Vec<u8> {
        [&[head], &item[1..], more].concat()
    }

    #[test]
    fn a_sequence_is_as_strict_as_a_message() {
        let (mut page, mut want, mut id) = (Vec::new(), Vec::new(), Vec::new());
        let proof = Some(Proof { key: [1; 32], digest: [2; 32], signature: [3; 64] });
        append(&PageHead { dial_interval_ms: Some(10_000), proof, ..head(0) }, &mut page);
        append(&RowRequest { owner: NodeId(1), incarnation: Incarnation(2), version: 3 }, &mut want);
        append(&NodeId(1), &mut id);
        for (check, item) in [(check_pages as Check, &page), (check_wants, &want), (check_about, &id)] {
            assert_eq!(check(item), Ok(()));
            for end in 1..item.len() {
                assert!(check(&item[..end]).is_err(), "cut short at {end}");
            }
            assert!(check(&[&[0xc1], &item[..]].concat()).is_err(), "tagged");
            assert!(check(&[&item[..], &[0xff]].concat()).is_err(), "a break");
        }
        for (check, item) in [(check_pages as Check, &page), (check_wants, &want)] {
            let elements = item[0] & 0x1f;
            assert!(check(&with_head(item, 0x9f, b"\xff")).is_err(), "of indefinite length");
            assert!(check(&with_head(item, item[0] - 1, b"")).is_err(), "an element is missing");
            // As a later version may add some.
            assert_eq!(check(&with_head(item, 0x80 | (elements + 2), b"\x61a\x82\xf6\x00")), Ok(()));
            assert!(
                check(&with_head(item, 0x80 | (elements + 1), b"\x9f\xff")).is_err(),
                "one that is ignored"
            );
        }
        assert!(check_about(b"\x5f\x50\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xff").is_err());
    }
}
