//! Why a node cannot start, in words that say what to do.

use std::io;

use crate::engine::address::ZonedIp;

/// Why a node cannot start. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program holds the port and does not share it.
    #[error(
        "{protocol} port {port} is in use by another program: stop it, or choose another {option} (`vigie doctor` helps to find it)"
    )]
    PortTaken {
        /// UDP or TCP.
        protocol: &'static str,
        /// The port.
        port: u16,
        /// The option that chooses it.
        option: &'static str,
    },
    /// A socket cannot be opened.
    #[error("cannot open {protocol} port {port}: {error}")]
    Socket {
        /// UDP or TCP.
        protocol: &'static str,
        /// The port.
        port: u16,
        /// What the system says.
        error: io::Error,
    },
    /// `--bind` names an address that this machine does not hold.
    #[error("--bind {0}: not an address of this machine, which has {1}")]
    NotOurs(ZonedIp, String),
    /// `--interface` and `--exclude-interface` leave nothing.
    #[error("no interface matches {wanted}; this machine has {held}")]
    NoInterface {
        /// What was asked for.
        wanted: String,
        /// What there is.
        held: String,
    },
    /// The interfaces cannot be read, or no thread or runtime can be made.
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
}

/// What it means that a socket cannot be opened at a port, which that option chooses.
pub(super) fn socket_error(
    protocol: &'static str,
    port: u16,
    option: &'static str,
    error: io::Error,
) -> StartError {
    match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken { protocol, port, option },
        _ => StartError::Socket { protocol, port, error },
    }
}
