//! What differs between operating systems: error numbers and socket options.

use std::io::{self, ErrorKind};

use socket2::Socket;

use crate::engine::cause::{Cause, Retry};

/// Whether trying again can cure this error of a dial.
pub fn is_retryable_error(error: &io::Error) -> bool {
    classify(error).1 != Retry::Never
}

/// What an error of a dial means, by its number where the kind does not tell, and how a retry can help.
pub fn classify(error: &io::Error) -> (Cause, Retry) {
    use {Cause as C, ErrorKind as K, Retry as R};
    if let Some(known) = error.raw_os_error().and_then(by_number) {
        return known;
    }
    match error.kind() {
        K::ConnectionRefused => (C::Refused, R::Usual),
        K::TimedOut => (C::TimedOut, R::Usual),
        K::HostUnreachable => (C::HostUnreachable, R::OnLinkChange),
        K::NetworkUnreachable => (C::NetworkUnreachable, R::OnLinkChange),
        K::NetworkDown => (C::InterfaceDown, R::OnLinkChange),
        K::AddrNotAvailable => (C::AddressNotAvailable, R::OnLinkChange),
        K::ConnectionReset | K::ConnectionAborted => (C::Reset, R::Usual),
        K::BrokenPipe | K::UnexpectedEof | K::NotConnected | K::WriteZero => (C::ClosedEarly, R::Usual),
        K::PermissionDenied => (C::PermissionDenied, R::Usual),
        K::OutOfMemory | K::AddrInUse | K::ResourceBusy => (C::LocalResources, R::Usual),
        K::InvalidInput | K::Unsupported => (C::AddressNotAvailable, R::Never),
        _ => (C::Other, R::Usual),
    }
}

/// Errors without a stable kind of their own.
#[cfg(unix)]
fn by_number(errno: i32) -> Option<(Cause, Retry)> {
    match errno {
        libc::EMFILE | libc::ENFILE | libc::ENOBUFS | libc::ENOMEM => {
            Some((Cause::LocalResources, Retry::Usual))
        }
        // ICMP "protocol unreachable": the host itself says that it does not speak TCP with us.
        libc::ENOPROTOOPT => Some((Cause::Refused, Retry::Usual)),
        libc::EHOSTDOWN => Some((Cause::HostUnreachable, Retry::OnLinkChange)),
        libc::EAFNOSUPPORT | libc::EINVAL => Some((Cause::AddressNotAvailable, Retry::Never)),
        libc::ENODEV => Some((Cause::InterfaceDown, Retry::Never)),
        _ => None,
    }
}

/// Errors without a stable kind of their own (Windows Sockets Error Codes).
#[cfg(windows)]
fn by_number(errno: i32) -> Option<(Cause, Retry)> {
    const WSAEINVAL: i32 = 10_022;
    const WSAEMFILE: i32 = 10_024;
    const WSAEAFNOSUPPORT: i32 = 10_047;
    const WSAENOBUFS: i32 = 10_055;
    const WSAEHOSTDOWN: i32 = 10_064;
    match errno {
        WSAEMFILE | WSAENOBUFS => Some((Cause::LocalResources, Retry::Usual)),
        WSAEHOSTDOWN => Some((Cause::HostUnreachable, Retry::OnLinkChange)),
        WSAEAFNOSUPPORT | WSAEINVAL => Some((Cause::AddressNotAvailable, Retry::Never)),
        _ => None,
    }
}

/// What a person may do about a presence that cannot be sent.
pub(super) fn send_hint(error: &io::Error) -> &'static str {
    match classify(error).0 {
        Cause::LocalResources if cfg!(target_os = "linux") => {
            "with hundreds of hosts on one link the kernel's neighbour table overflows: raise \
             net.ipv4.neigh.default.gc_thresh3 with sysctl"
        }
        Cause::PermissionDenied => "allow outbound UDP for vigie in this machine's firewall",
        Cause::NetworkUnreachable | Cause::InterfaceDown => {
            "the interface is going down or has lost its address"
        }
        _ => "retrying at the next broadcast",
    }
}

/// Lets the last packet of the handshake travel with the request (Linux: delayed acknowledgement from the start, `tcp(7)`):
/// a packet less, and the server is woken once instead of twice.
pub(super) fn acknowledge_with_the_request(socket: &tokio::net::TcpSocket) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // A saving, not a need.
    let _ = socket2::SockRef::from(socket).set_tcp_quickack(false);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}

/// Lets several nodes of one host share the presence port. Linux and Windows share it under `SO_REUSEADDR` (which on
/// Linux also works across users, as `SO_REUSEPORT` does not); the BSDs and macOS want `SO_REUSEPORT`.
pub(super) fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(target_os = "linux"), not(target_os = "android")))]
    socket.set_reuse_port(true)?;
    Ok(())
}
