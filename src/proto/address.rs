//! An IP address as a byte string of 4 or 16 bytes in network order.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use minicbor::{Decode, Decoder, Encode, Encoder};

/// An IP address where one may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub struct Address(#[cbor(n(0), encode_with = "encode", decode_with = "decode")] pub IpAddr);

pub(in crate::proto) fn encode<C, W: minicbor::encode::Write>(
    ip: &IpAddr,
    e: &mut Encoder<W>,
    _: &mut C,
) -> Result<(), minicbor::encode::Error<W::Error>> {
    match ip {
        IpAddr::V4(v4) => e.bytes(&v4.octets())?.ok(),
        IpAddr::V6(v6) => e.bytes(&v6.octets())?.ok(),
    }
}

pub(in crate::proto) fn decode<C>(d: &mut Decoder<'_>, _: &mut C) -> Result<IpAddr, minicbor::decode::Error> {
    let bytes = d.bytes()?;
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        Ok(IpAddr::V4(Ipv4Addr::from(v4)))
    } else if let Ok(v6) = <[u8; 16]>::try_from(bytes) {
        Ok(IpAddr::V6(Ipv6Addr::from(v6)))
    } else {
        Err(minicbor::decode::Error::message("an IP address has 4 or 16 bytes"))
    }
}
