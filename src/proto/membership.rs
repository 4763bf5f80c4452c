//! What members of several broadcast domains tell each other: the messages of SWIM (Das, Gupta and Motivala, DSN 2002), as they stand in
//! the key `membership` of a presence.
//!
//! A message is one [`Head`]; behind it, where the kind has them, a number of two bytes and so many [`Update`]s.

use std::net::IpAddr;

use minicbor::{Decode, Decoder, Encode};

use super::address;
use super::{DecodeError, Incarnation, NodeId};

/// Longest message, in bytes: with the longest names and under a secret, the presence that carries it still fits
/// [`MAX_DATAGRAM`](super::MAX_DATAGRAM).
pub const MAX_MEMBERSHIP: usize = 900;

/// Longest head or update, in bytes: three members, and what stands beside them.
const MAX_ITEM: usize = 256;

/// A member: who it is, and where it may be asked whether it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Member {
    /// Who.
    #[n(0)]
    pub id: NodeId,
    /// Which life of it.
    #[n(1)]
    pub incarnation: Incarnation,
    /// How often it came back in this life after the others took it for gone.
    #[n(2)]
    pub renewal: u16,
    /// Where whoever tells of it reaches it; the unspecified address where that is not known. Of the sender itself it counts for nothing: the
    /// source of the datagram is the truth.
    #[cbor(n(3), with = "address")]
    pub ip: IpAddr,
    /// Where its TCP server listens.
    #[n(4)]
    pub tcp_port: u16,
    /// Where it receives unicast datagrams.
    #[n(5)]
    pub udp_port: u16,
    /// Length of the prefix of its network, in bits: which segment it is of. 0 where that is not known.
    #[n(6)]
    pub prefix: u8,
}

/// How a member is thought to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum State {
    /// Somebody heard from it.
    #[n(0)]
    Alive,
    /// It did not answer, and may object.
    #[n(1)]
    Suspect,
    /// It left, or did not object in time.
    #[n(2)]
    Down,
}

/// News of a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Update {
    /// Whom.
    #[n(0)]
    pub member: Member,
    /// How often it objected to a suspicion: a greater number is newer.
    #[n(1)]
    pub objections: u16,
    /// How it is.
    #[n(2)]
    pub state: State,
}

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Are you there? Answered by [`Kind::Ack`].
    #[n(0)]
    Ping,
    /// Here I am.
    #[n(1)]
    Ack,
    /// Ask `third` for me.
    #[n(2)]
    PingRequest,
    /// `third` asks whether you are there.
    #[n(3)]
    IndirectPing,
    /// Tell `third` that I am.
    #[n(4)]
    IndirectAck,
    /// `third` is there.
    #[n(5)]
    ForwardedAck,
    /// Which members do you know? Answered by [`Kind::Feed`]. It is a head alone.
    #[n(6)]
    Announce,
    /// Some members that are there.
    #[n(7)]
    Feed,
    /// News.
    #[n(8)]
    Gossip,
    /// You are taken for gone: come back as a renewed member. It is a head alone.
    #[n(9)]
    TurnUndead,
}

/// What a message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Head {
    /// Who sends it.
    #[n(0)]
    pub from: Member,
    /// How often that one objected to a suspicion.
    #[n(1)]
    pub objections: u16,
    /// To whom.
    #[n(2)]
    pub to: Member,
    /// What.
    #[n(3)]
    pub kind: Kind,
    /// Which question of the asker's: of a ping, an answer, and what passes them on.
    #[n(4)]
    pub probe: Option<u8>,
    /// Whom else it is about.
    #[n(5)]
    pub third: Option<Member>,
}

/// One head or update as bytes.
#[derive(Debug)]
pub struct Item {
    bytes: [u8; MAX_ITEM],
    length: usize,
}

impl Item {
    /// Those of a value.
    pub fn of<T: Encode<()>>(value: &T) -> Self {
        let mut bytes = [0; MAX_ITEM];
        let mut cursor = minicbor::encode::write::Cursor::new(&mut bytes[..]);
        let written = minicbor::encode(value, &mut cursor);
        debug_assert!(written.is_ok(), "no item is longer than MAX_ITEM");
        let length = if written.is_ok() { cursor.position() } else { 0 };
        Self { bytes, length }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

/// Reads one head or update from the beginning of these bytes: it, and how many bytes it has.
pub fn read<'a, T: Decode<'a, ()>>(bytes: &'a [u8]) -> Result<(T, usize), DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.decode().map_err(|_| DecodeError::Malformed("the membership"))?;
    Ok((value, decoder.position()))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    fn member(id: u128, ip: IpAddr) -> Member {
        let incarnation = Incarnation(u64::MAX);
        Member {
            id: NodeId(id),
            incarnation,
            renewal: u16::MAX,
            ip,
            tcp_port: u16::MAX,
            udp_port: u16::MAX,
            prefix: u8::MAX,
        }
    }

    #[test]
    fn the_longest_head_fits_an_item_and_comes_back_as_it_was() {
        let longest = member(u128::MAX, Ipv6Addr::UNSPECIFIED.into());
        let head = Head {
            from: longest,
            objections: u16::MAX,
            to: longest,
            kind: Kind::ForwardedAck,
            probe: Some(u8::MAX),
            third: Some(longest),
        };
        let item = Item::of(&head);
        let bytes = [item.bytes(), &[1, 2, 3]].concat();
        assert_eq!(read(&bytes), Ok((head, item.bytes().len())));
    }

    #[test]
    fn what_is_cut_short_is_no_update() {
        let member = member(1, Ipv4Addr::new(10, 0, 0, 1).into());
        let item = Item::of(&Update { member, objections: 3, state: State::Suspect });
        for length in 0..item.bytes().len() {
            assert!(read::<Update>(&item.bytes()[..length]).is_err(), "{length}");
        }
        assert!(read::<Update>(item.bytes()).is_ok());
    }
}
