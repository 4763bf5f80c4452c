//! The presence datagram: who is here, where, and for how long that is to be believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use minicbor::{Decode, Encode};

use super::{
    DecodeError, Incarnation, MAGIC, MAX_DATAGRAM, NodeId, Nonce, VERSION, check_text, map, strip_header,
};

/// Shortest presence period a node may state, in milliseconds.
pub const MIN_PERIOD_MS: u32 = 100;
/// Longest presence period a node may state, in milliseconds: one hour.
pub const MAX_PERIOD_MS: u32 = 3_600_000;

/// What a presence says of its sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Kind {
    /// Just arrived, or changed address: please answer.
    #[n(0)]
    Hello,
    /// Still here.
    #[n(1)]
    Here,
    /// Leaving on purpose.
    #[n(2)]
    Goodbye,
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
    #[cbor(n(9), with = "claimed")]
    pub claimed: IpAddr,
    /// Asks the receiver to echo this number by unicast at once.
    #[n(10)]
    pub nonce: Option<Nonce>,
    /// The nonce of the receiver that this datagram answers.
    #[n(11)]
    pub echo: Option<Nonce>,
}

impl<'a> Presence<'a> {
    /// Decodes one datagram and checks every field's size and range.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, DecodeError> {
        // The header first: a newer version may allow more, and is to be reported as what it is.
        let body = strip_header(datagram)?;
        if datagram.len() > MAX_DATAGRAM {
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
        if self.udp_port == 0 {
            return Err(DecodeError::Malformed("the UDP port"));
        }
        Ok(self)
    }

    /// The datagram's bytes. What was made of checked names always fits [`MAX_DATAGRAM`].
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        map::encode(self, &mut bytes);
        bytes
    }

    /// Mean time between two presences of the sender.
    pub fn period(&self) -> Duration {
        Duration::from_millis(u64::from(self.period_ms))
    }
}

/// An IP address as a byte string of 4 or 16 bytes in network order.
mod claimed {
    use minicbor::{Decoder, Encoder};

    use super::{IpAddr, Ipv4Addr, Ipv6Addr};

    pub(super) fn encode<C, W: minicbor::encode::Write>(
        ip: &IpAddr,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match ip {
            IpAddr::V4(v4) => e.bytes(&v4.octets())?.ok(),
            IpAddr::V6(v6) => e.bytes(&v6.octets())?.ok(),
        }
    }

    pub(super) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<IpAddr, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
            Ok(IpAddr::V4(Ipv4Addr::from(v4)))
        } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
            Ok(IpAddr::V6(Ipv6Addr::from(v6)))
        } else {
            Err(minicbor::decode::Error::message("an IP address has 4 or 16 bytes"))
        }
    }
}
