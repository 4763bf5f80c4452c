//! Bytes: presence datagrams and exchange frames, as `docs/protocol.md` specifies them.
//!
//! Decoding is total: any byte string gives a message or a [`DecodeError`], never a panic, and never
//! allocates. This module does no I/O and reads no clock.

pub mod address;
pub mod codes;
pub mod exchange;
mod ids;
mod map;
pub mod membership;
pub mod presence;
pub mod rendezvous;
pub mod rows;
mod sealed;
mod text;

pub use ids::{Incarnation, NodeId, Nonce, ParseIdError};
pub use sealed::{Sealed, Tag};
pub use text::{TextError, check_message, check_text, disturbs_a_terminal};

/// The first four bytes of everything vigie sends, by UDP and by TCP.
pub const MAGIC: [u8; 4] = *b"VIGI";

/// Major version of the protocol, the fifth byte of everything. It changes only when older readers would
/// misunderstand; additions use new map keys, which readers ignore.
pub const VERSION: u8 = 1;

/// Longest presence datagram, in bytes: fits the smallest IPv6 path MTU (1280, RFC 8200 §5) with room for
/// headers, so that a presence is never fragmented.
pub const MAX_DATAGRAM: usize = 1_200;

/// Longest probe, in bytes: fills an Ethernet packet of 1 500 bytes behind the headers of IPv4 and UDP, so that its echo
/// tells whether such packets pass.
pub const MAX_PROBE: usize = 1_472;

/// Longest body of an exchange frame, in bytes.
pub const MAX_BODY: usize = 64 * 1024;

/// Longest message to a person that a request may carry, in bytes of UTF-8: a few lines of a terminal.
pub const MAX_MESSAGE: usize = 256;

/// Longest name of a node or a group, in bytes of UTF-8: a DNS label has 63 (RFC 1035 §2.3.4).
pub const MAX_TEXT: usize = 63;

/// Longest network prefix, in bits: that of an IPv6 address.
const MAX_PREFIX: u8 = 128;

/// Why bytes are not a message of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The first bytes are not [`MAGIC`]: another program uses the port.
    #[error("not a vigie message")]
    Foreign,
    /// The message speaks another major version of the protocol.
    #[error("protocol version {0}, and this vigie speaks version {VERSION}")]
    Version(u8),
    /// More bytes than the protocol allows.
    #[error("larger than the protocol allows")]
    Oversized,
    /// The bytes end before the message does.
    #[error("truncated")]
    Truncated,
    /// The body is not what the specification says; the text says what is wrong.
    #[error("malformed: {0}")]
    Malformed(&'static str),
}

/// Checks magic and version, and returns what follows.
fn strip_header(bytes: &[u8]) -> Result<&[u8], DecodeError> {
    let rest = bytes.strip_prefix(&MAGIC).ok_or(if MAGIC.starts_with(bytes) {
        DecodeError::Truncated
    } else {
        DecodeError::Foreign
    })?;
    match rest.split_first() {
        None => Err(DecodeError::Truncated),
        Some((&VERSION, body)) => Ok(body),
        Some((&other, _)) => Err(DecodeError::Version(other)),
    }
}

/// Checks the length of a network's prefix, in bits.
fn check_prefix(prefix: Option<u8>) -> Result<(), DecodeError> {
    match prefix {
        Some(bits) if bits > MAX_PREFIX => Err(DecodeError::Malformed("the prefix")),
        _ => Ok(()),
    }
}
