//! The one CBOR map of a message, and the sequences in its byte strings: checked as a whole before any field is read, and
//! written.
//!
//! The checks are those that the field-by-field decoder leaves out and on which two implementations could
//! disagree: well-formedness of the values that are skipped, definite lengths, the keys' type, and keys that
//! come twice. Without lengths that are only known at the end, skipping a value of any depth needs one counter:
//! no stack to overflow and nothing to allocate.

use std::convert::Infallible;

use minicbor::{Decode, Encode};

use super::DecodeError;

/// Major types of RFC 8949 §3.1.
mod major {
    pub(super) const UNSIGNED: u8 = 0;
    pub(super) const BYTES: u8 = 2;
    pub(super) const TEXT: u8 = 3;
    pub(super) const ARRAY: u8 = 4;
    pub(super) const MAP: u8 = 5;
    pub(super) const TAG: u8 = 6;
}

/// Keys below this number must not come twice: more than any message of version 1 uses, and one bit each of a
/// word that remembers them.
const UNIQUE_KEYS: u64 = 64;

/// Reads a message whose map must fill the body.
pub(super) fn decode<'a, T: Decode<'a, ()>>(body: &'a [u8]) -> Result<T, DecodeError> {
    check(body)?;
    minicbor::decode(body).map_err(|error| {
        DecodeError::Malformed(if error.is_missing_value() {
            "a field is missing"
        } else if error.is_unknown_variant() {
            "a kind or status that this version does not know"
        } else {
            "a field's type, size or range"
        })
    })
}

/// Writes a message behind what the buffer already holds.
pub(super) fn encode<T: Encode<()>>(message: &T, bytes: &mut Vec<u8>) {
    if minicbor::encode(message, Sink(bytes)).is_err() {
        unreachable!("writing to a Vec cannot fail");
    }
}

/// The CBOR library has no allocator, so that its errors cannot allocate either; this is all it is missed for.
pub(super) struct Sink<'a>(pub(super) &'a mut Vec<u8>);

impl minicbor::encode::Write for Sink<'_> {
    type Error = Infallible;

    fn write_all(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// Checks that the body is one well-formed map of definite length, with unsigned keys of which none that could
/// be known comes twice.
fn check(body: &[u8]) -> Result<(), DecodeError> {
    let mut rest = Unread(body);
    let map = rest.head()?;
    if map.major != major::MAP {
        return Err(DecodeError::Malformed("not a CBOR map"));
    }
    let mut seen = 0_u64;
    for _ in 0..map.argument {
        let key = rest.head()?;
        if key.major != major::UNSIGNED || u32::try_from(key.argument).is_err() {
            return Err(DecodeError::Malformed("a key that is not an unsigned integer of 32 bits"));
        }
        if key.argument < UNIQUE_KEYS {
            let bit = 1 << key.argument;
            if seen & bit != 0 {
                return Err(DecodeError::Malformed("a key that comes twice"));
            }
            seen |= bit;
        }
        rest.skip_item()?;
    }
    if rest.0.is_empty() { Ok(()) } else { Err(DecodeError::Malformed("bytes after the message")) }
}

/// Checks that all of these bytes are well-formed items of definite length, none or more.
pub(super) fn check_sequence(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut rest = Unread(bytes);
    while !rest.0.is_empty() {
        rest.skip_item()?;
    }
    Ok(())
}

/// What a CBOR item begins with: its major type and its argument (RFC 8949 §3).
struct Head {
    major: u8,
    argument: u64,
}

/// The bits of an initial byte that hold the argument, or how long it is.
const LOW_BITS: u8 = 0x1f;

struct Unread<'a>(&'a [u8]);

/// A number of so many bytes, and what follows it.
fn number<const BYTES: usize>(bytes: &[u8]) -> Result<(u64, &[u8]), DecodeError> {
    let (digits, rest) = bytes.split_first_chunk::<BYTES>().ok_or(DecodeError::Truncated)?;
    Ok((digits.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)), rest))
}

impl Unread<'_> {
    /// Nearly every head is one byte, which holds its argument: such a one is read without a call.
    #[inline]
    fn head(&mut self) -> Result<Head, DecodeError> {
        match self.0.split_first() {
            Some((&initial, rest)) if initial & LOW_BITS < 24 => {
                self.0 = rest;
                Ok(Head { major: initial >> 5, argument: u64::from(initial & LOW_BITS) })
            }
            _ => self.long_head(),
        }
    }

    fn long_head(&mut self) -> Result<Head, DecodeError> {
        let (&initial, rest) = self.0.split_first().ok_or(DecodeError::Truncated)?;
        let (argument, rest) = match initial & LOW_BITS {
            24 => number::<1>(rest)?,
            25 => number::<2>(rest)?,
            26 => number::<4>(rest)?,
            27 => number::<8>(rest)?,
            31 => return Err(DecodeError::Malformed("a value of indefinite length")),
            _ => return Err(DecodeError::Malformed("not CBOR")),
        };
        self.0 = rest;
        // RFC 8949 §3.3: these simple values have a shorter form, and this one is not well-formed.
        if initial == 0xf8 && argument < 32 {
            return Err(DecodeError::Malformed("not CBOR"));
        }
        Ok(Head { major: initial >> 5, argument })
    }

    fn skip_item(&mut self) -> Result<(), DecodeError> {
        let mut pending = 1_u64;
        while pending > 0 {
            // Every pending item has a byte at least: a count that the bytes cannot hold ends here.
            if u64::try_from(self.0.len()).is_ok_and(|left| pending > left) {
                return Err(DecodeError::Truncated);
            }
            let head = self.head()?;
            let children = match head.major {
                major::BYTES | major::TEXT => {
                    let length = usize::try_from(head.argument).map_err(|_| DecodeError::Truncated)?;
                    self.0 = self.0.get(length..).ok_or(DecodeError::Truncated)?;
                    0
                }
                major::ARRAY => head.argument,
                major::MAP => head.argument.saturating_mul(2),
                major::TAG => 1,
                // Numbers, simple values and floats are their head.
                _ => 0,
            };
            pending = (pending - 1).saturating_add(children);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MALFORMED: fn(&'static str) -> Result<(), DecodeError> = |why| Err(DecodeError::Malformed(why));

    #[test]
    fn a_map_with_unsigned_keys_and_any_definite_values_passes() {
        for body in [
            &b"\xa0"[..],
            b"\xa1\x00\x01",
            b"\xb8\x01\x18\x00\x1b\0\0\0\0\0\0\0\x01",
            b"\xa2\x00\x01\x01\xf6",
            b"\xa1\x18\x63\x82\x81\x80\xa1\x61a\xc1\xfb\0\0\0\0\0\0\0\0",
            b"\xa1\x18\x63\xf8\x20",
            b"\xa2\x18\x63\x00\x18\x63\x00",
        ] {
            assert_eq!(check(body), Ok(()), "{body:02x?}");
        }
    }

    #[test]
    fn what_two_decoders_could_read_differently_is_refused() {
        for (body, why) in [
            (&b"\xa2\x00\x01\x00\x02"[..], "a key that comes twice"),
            (b"\xa2\x00\x01\x18\x00\x02", "a key that comes twice"),
            (b"\xbf\x00\x01\xff", "a value of indefinite length"),
            (b"\xa1\x00\x7f\x61a\xff", "a value of indefinite length"),
            (b"\xa1\x18\x63\x9f\xff", "a value of indefinite length"),
            (b"\xa1\x18\x63\xff", "a value of indefinite length"),
            (b"\xa1\x18\x63\x82\x00\xff", "a value of indefinite length"),
            (b"\xa1\x20\x01", "a key that is not an unsigned integer of 32 bits"),
            (b"\xa1\x61a\x01", "a key that is not an unsigned integer of 32 bits"),
            (b"\xa1\x1b\0\0\0\x01\0\0\0\0\x01", "a key that is not an unsigned integer of 32 bits"),
            (b"\xa1\x18\x63\xf8\x1f", "not CBOR"),
            (b"\xa1\x18\x63\x1c", "not CBOR"),
            (b"\x80", "not a CBOR map"),
            (b"\xd9\xd9\xf7\xa0", "not a CBOR map"),
            (b"\xa0\xa0", "bytes after the message"),
        ] {
            assert_eq!(check(body), MALFORMED(why), "{body:02x?}");
        }
    }

    #[test]
    fn counts_and_lengths_that_the_bytes_cannot_hold_end_at_once() {
        for body in [
            &b""[..],
            b"\xa1",
            b"\xbb\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\xa1\x18\x63\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\xa1\x18\x63\xbb\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\xa1\x18\x63\x5b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
            b"\xa1\x18\x63\x7a\xff\xff\xff\xff\x00",
            b"\xa1\x18\x63\x82\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x00",
        ] {
            assert_eq!(check(body), Err(DecodeError::Truncated), "{body:02x?}");
        }
    }

    #[test]
    fn nesting_as_deep_as_a_body_is_long_costs_no_stack() {
        let mut body = b"\xa1\x18\x63".to_vec();
        body.resize(super::super::MAX_BODY - 1, 0x81);
        assert_eq!(check(&body), Err(DecodeError::Truncated));
        body.push(0x00);
        assert_eq!(check(&body), Ok(()));
    }
}
