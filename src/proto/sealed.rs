//! What stands in messages for a shared secret: the tag of a presence, and what only its holders can read. What is in them is no
//! business of the codec.

use std::fmt;

use minicbor::bytes::{ByteArray, ByteSlice, DecodeBytes, EncodeBytes};
use minicbor::{Decode, Decoder, Encode, Encoder};

use super::exchange::frame;
use super::{DecodeError, check_text, map};

/// Shows that a presence was made by somebody who has the secret: 128 bits, the last of a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub [u8; Tag::LENGTH]);

impl Tag {
    /// In bytes.
    pub const LENGTH: usize = 16;
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({:032x})", u128::from_be_bytes(self.0))
    }
}

impl<C> Encode<C> for Tag {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.encode_bytes(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for Tag {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        DecodeBytes::decode_bytes(d, ctx).map(Self)
    }
}

/// A body that holds another one, sealed, or a step of the handshake that seals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Sealed<'a> {
    /// The sender's group, so that one of another group can say so: in the first message of a connection, unless the sender hides.
    #[b(0)]
    pub group: Option<&'a str>,
    /// What is sealed.
    #[b(18)]
    pub bytes: &'a ByteSlice,
    /// In the first message of a connection: the ticket by which it is to do without a handshake.
    #[n(19)]
    pub ticket: Option<ByteArray<16>>,
}

impl<'a> Sealed<'a> {
    /// That and nothing else.
    pub fn of(bytes: &'a [u8]) -> Self {
        Self { group: None, bytes: bytes.into(), ticket: None }
    }

    /// The whole frame of an exchange.
    pub fn encode(&self) -> Vec<u8> {
        frame(self)
    }

    /// Decodes a body.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let sealed: Self = map::decode(body)?;
        if sealed.group.is_some_and(|group| check_text(group).is_err()) {
            return Err(DecodeError::Malformed("the group's name"));
        }
        Ok(sealed)
    }
}
