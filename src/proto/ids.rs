//! The numbers that identify nodes, each a type of its own.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use minicbor::bytes::{DecodeBytes, EncodeBytes};
use minicbor::{Decode, Decoder, Encode, Encoder};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Identity of a node: 128 random bits, kept for the life of the process. Printed as 32 hex digits.
///
/// Packed: aligned as the number that it is, it would take twice its room wherever it may be unknown.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(Rust, packed)]
pub struct NodeId(pub u128);

/// Which life of a node this is: milliseconds since the Unix epoch when it started. Only compared between
/// lives of the same [`NodeId`], where the greater one is the newer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(transparent)]
pub struct Incarnation(pub u64);

/// 64 unpredictable bits that a peer echoes to prove that it receives at the address it sends from.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Nonce(pub u64);

/// A text that is not 32 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a node id: expected 32 hex digits")]
pub struct ParseIdError;

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(bits) = *self;
        write!(f, "{bits:032x}")
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({self})")
    }
}

impl FromStr for NodeId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let hex = text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit());
        if !hex {
            return Err(ParseIdError);
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| ParseIdError)
    }
}

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Debug for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Nonce({:016x})", self.0)
    }
}

impl<C> Encode<C> for NodeId {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        ctx: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        self.0.to_be_bytes().encode_bytes(e, ctx)
    }
}

impl<'b, C> Decode<'b, C> for NodeId {
    fn decode(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Self, minicbor::decode::Error> {
        <[u8; 16]>::decode_bytes(d, ctx).map(|b| Self(u128::from_be_bytes(b)))
    }
}

/// CBOR form of a newtype over `u64`: the bare unsigned integer.
macro_rules! cbor_u64 {
    ($name:ident) => {
        impl<C> Encode<C> for $name {
            fn encode<W: minicbor::encode::Write>(
                &self,
                e: &mut Encoder<W>,
                _: &mut C,
            ) -> Result<(), minicbor::encode::Error<W::Error>> {
                e.u64(self.0)?.ok()
            }
        }

        impl<'b, C> Decode<'b, C> for $name {
            fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
                d.u64().map(Self)
            }
        }
    };
}

cbor_u64!(Incarnation);
cbor_u64!(Nonce);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_id_reads_back_from_its_own_text_and_from_nothing_else() {
        let id = NodeId(0x0123_4567_89ab_cdef_0000_0000_0000_00ff);
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in ["", "12", "+123456789abcdef0123456789abcdef0", "g123456789abcdef0123456789abcdef"] {
            assert_eq!(wrong.parse::<NodeId>(), Err(ParseIdError), "{wrong}");
        }
    }
}
