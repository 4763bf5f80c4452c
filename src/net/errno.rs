//! What an error of the operating system means for a dial or a datagram, and what may be done about it.

use std::io::{self, ErrorKind};

use crate::engine::cause::{Cause, Detail, Failure, Retry};

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

/// The failure of an attempt by what the system says of an operation.
pub(super) fn failure(operation: &str, error: &io::Error) -> Failure {
    let (cause, retry) = classify(error);
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => format!("{operation}: closed before the reply was complete"),
        _ => format!("{operation}: {error}"),
    };
    Failure { cause, detail: Detail::system(detail), errno: error.raw_os_error(), retry }
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

/// Whether the system says that it has no address to send from: its IPv6 is off, or a link is going or coming.
pub(super) fn is_about_the_address(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::AddrNotAvailable | ErrorKind::NetworkUnreachable | ErrorKind::Unsupported
    )
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
