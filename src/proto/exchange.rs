//! The exchange over TCP: one length-prefixed request, one reply, close.
//!
//! A frame is magic, version, the body's length (4 bytes, big-endian), body.

use minicbor::bytes::ByteSlice;
use minicbor::{Decode, Encode};

use super::address::Address;
use super::rows::{check_about, check_pages, check_wants};
use super::{
    DecodeError, Incarnation, MAGIC, MAX_BODY, NodeId, Nonce, VERSION, check_message, check_prefix,
    check_text, map, strip_header,
};

pub use super::MAX_MESSAGE;

/// Bytes before a frame's body: magic 4, version 1, length 4.
pub const HEADER: usize = 9;

/// What a dialer sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Request<'a> {
    /// Nodes of other groups answer with [`Status::WrongGroup`].
    #[b(0)]
    pub group: &'a str,
    /// Who dials.
    #[n(1)]
    pub id: NodeId,
    /// Which life of the dialer.
    #[n(2)]
    pub incarnation: Incarnation,
    /// The dialer's name.
    #[b(3)]
    pub name: &'a str,
    /// Where the dialer's own TCP server listens; 0 when it has none (a one-shot dial): then it is no peer.
    #[n(4)]
    pub tcp_port: u16,
    /// Comes back in the reply.
    #[n(5)]
    pub nonce: Nonce,
    /// A message to the person there, as [`check_message`] allows it.
    #[b(6)]
    pub message: Option<&'a str>,
    /// The dialer's own row: one page of [`rows`](super::rows).
    #[b(7)]
    pub rows: Option<&'a ByteSlice>,
    /// Rows that the dialer wants; the server's own first.
    #[b(8)]
    pub wants: Option<&'a ByteSlice>,
    /// Nodes of which the dialer wants to know at once what the server sees of them.
    #[b(9)]
    pub about: Option<&'a ByteSlice>,
    /// Length of the network prefix of the dialer's address, in bits.
    #[n(10)]
    pub prefix: Option<u8>,
    /// The dialer wants the connection to be kept as a tether.
    #[n(11)]
    pub tether: Option<bool>,
    /// The dialer stays for a moment only: it is answered, and is no peer.
    #[n(12)]
    pub visitor: Option<bool>,
    /// Where others see the dialer, which is none of its addresses: behind a translation of addresses (NAT). If that is where the request
    /// comes from, the dialer cannot be dialed there.
    #[n(13)]
    pub outside: Option<Address>,
}

/// How the server took the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Status {
    /// Understood and answered.
    #[n(0)]
    Ok,
    /// The server belongs to another group.
    #[n(1)]
    WrongGroup,
    /// The server could not read the request.
    #[n(2)]
    BadRequest,
}

/// What the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Reply<'a> {
    /// How it took the request.
    #[n(0)]
    pub status: Status,
    /// Who answers.
    #[n(1)]
    pub id: NodeId,
    /// Which life of the server.
    #[n(2)]
    pub incarnation: Incarnation,
    /// The server's name.
    #[b(3)]
    pub name: &'a str,
    /// The request's nonce; absent when the request could not be read.
    #[n(4)]
    pub nonce: Option<Nonce>,
    /// The server's group, so that a dialer of another group can say which.
    #[b(5)]
    pub group: &'a str,
    /// Pages of rows: the server's own, and wanted ones.
    #[b(6)]
    pub rows: Option<&'a ByteSlice>,
    /// The version of the dialer's row that the server has now.
    #[n(7)]
    pub have: Option<u64>,
    /// Length of the network prefix of the server's address, in bits.
    #[n(8)]
    pub prefix: Option<u8>,
    /// The server keeps the connection as a tether.
    #[n(9)]
    pub tether: Option<bool>,
    /// The server stays for a moment only: no node is here.
    #[n(10)]
    pub visitor: Option<bool>,
    /// The request was not made with the server's secret: whether it has one.
    #[n(11)]
    pub secret: Option<bool>,
    /// When the server had best be dialed next, in milliseconds from now.
    #[n(12)]
    pub dial_in_ms: Option<u32>,
    /// The address from which the request came, as the server sees it.
    #[n(13)]
    pub seen_at: Option<Address>,
    /// Where the server alone receives unicast datagrams.
    #[n(14)]
    pub udp_port: Option<u16>,
}

impl<'a> Request<'a> {
    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        frame(self)
    }

    /// Decodes the body of a frame whose header [`body_length`] has accepted.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let request: Self = decode_body(body)?;
        check_names(request.group, request.name)?;
        check_prefix(request.prefix)?;
        if request.message.is_some_and(|message| check_message(message).is_err()) {
            return Err(DecodeError::Malformed("the message to a person"));
        }
        request.rows.map_or(Ok(()), |bytes| check_pages(bytes))?;
        request.wants.map_or(Ok(()), |bytes| check_wants(bytes))?;
        request.about.map_or(Ok(()), |bytes| check_about(bytes))?;
        Ok(request)
    }
}

impl<'a> Reply<'a> {
    /// The whole frame.
    pub fn encode(&self) -> Vec<u8> {
        frame(self)
    }

    /// Decodes the body of a frame whose header [`body_length`] has accepted.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let reply: Self = decode_body(body)?;
        check_names(reply.group, reply.name)?;
        check_prefix(reply.prefix)?;
        reply.rows.map_or(Ok(()), |bytes| check_pages(bytes))?;
        Ok(reply)
    }
}

/// The length of the body that follows this header, at most [`MAX_BODY`].
pub fn body_length(header: &[u8; HEADER]) -> Result<usize, DecodeError> {
    let rest = strip_header(header)?;
    let length: [u8; 4] = rest.try_into().map_err(|_| DecodeError::Truncated)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| DecodeError::Oversized)?;
    if length > MAX_BODY { Err(DecodeError::Oversized) } else { Ok(length) }
}

pub(super) fn frame<T: Encode<()>>(message: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    bytes.extend_from_slice(&MAGIC);
    bytes.push(VERSION);
    bytes.extend_from_slice(&[0; 4]);
    map::encode(message, &mut bytes);
    let length = u32::try_from(bytes.len() - HEADER).unwrap_or(u32::MAX);
    bytes[HEADER - 4..HEADER].copy_from_slice(&length.to_be_bytes());
    bytes
}

fn decode_body<'a, T: Decode<'a, ()>>(body: &'a [u8]) -> Result<T, DecodeError> {
    if body.len() > MAX_BODY {
        return Err(DecodeError::Oversized);
    }
    map::decode(body)
}

fn check_names(group: &str, name: &str) -> Result<(), DecodeError> {
    check_text(group).map_err(|_| DecodeError::Malformed("the group's name"))?;
    check_text(name).map_err(|_| DecodeError::Malformed("the sender's name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_longer_than_any_address_is_refused() {
        let request = Request {
            group: "g",
            id: NodeId(1),
            incarnation: Incarnation(2),
            name: "n",
            tcp_port: 3,
            nonce: Nonce(4),
            message: None,
            rows: None,
            wants: None,
            about: None,
            prefix: Some(128),
            tether: None,
            visitor: None,
            outside: None,
        };
        let reply = Reply {
            status: Status::Ok,
            id: NodeId(1),
            incarnation: Incarnation(2),
            name: "n",
            nonce: None,
            group: "g",
            rows: None,
            have: None,
            prefix: Some(128),
            tether: None,
            visitor: None,
            secret: None,
            dial_in_ms: None,
            seen_at: None,
            udp_port: None,
        };
        let too_long = Err(DecodeError::Malformed("the prefix"));
        assert!(Request::decode(&request.encode()[HEADER..]).is_ok());
        let wrong = Request { prefix: Some(129), ..request };
        assert_eq!(Request::decode(&wrong.encode()[HEADER..]).map(|_| ()), too_long);
        assert!(Reply::decode(&reply.encode()[HEADER..]).is_ok());
        let wrong = Reply { prefix: Some(129), ..reply };
        assert_eq!(Reply::decode(&wrong.encode()[HEADER..]).map(|_| ()), too_long);
    }
}
