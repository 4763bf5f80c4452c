//! The UDP sockets of a node, for each family: the shared presence port, and a private one for unicast.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::UdpSocket;

use crate::engine::address::ZonedIp;

use super::arrival::{self, Buffer, Received};

/// Receive buffer asked of the kernel, in bytes: what a thousand hellos at once need. The kernel may grant less.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The presence port, on all IPv4 addresses: a socket bound to one address receives no broadcast.
pub(super) fn open_shared(port: u16) -> io::Result<std::net::UdpSocket> {
    open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), true)
}

/// The presence port, on all IPv6 addresses.
pub(super) fn open_shared_ipv6(port: u16) -> io::Result<std::net::UdpSocket> {
    open(SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), true)
}

/// This node's own port at an address, from which it sends everything; 0 takes any that is free.
pub(super) fn open_private(ip: ZonedIp, port: u16) -> io::Result<std::net::UdpSocket> {
    open(ip.at_port(port), false)
}

fn open(addr: SocketAddr, shared: bool) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::for_address(addr), Type::DGRAM, Some(Protocol::UDP))?;
    if shared {
        share_port(&socket)?;
    }
    match addr.ip() {
        IpAddr::V4(_) => socket.set_broadcast(true)?,
        IpAddr::V6(_) => {
            socket.set_only_v6(true)?;
            // Nobody forwards what goes to a link.
            socket.set_multicast_hops_v6(1)?;
        }
    }
    socket.set_nonblocking(true)?;
    // More is better, less still works.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&addr.into())?;
    if let Err(error) = arrival::report(&socket, addr.is_ipv4()) {
        // Then links are told by addresses alone.
        tracing::debug!(%error, "it is not told by which link a datagram comes");
    }
    Ok(socket.into())
}

/// Sends one datagram by the interface that holds this address: a socket that is bound to it decides the interface, without
/// a route and without an option that differs between systems.
pub(super) fn send_from(source: Ipv4Addr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_broadcast(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.send_to(bytes, &to.into())?;
    Ok(())
}

/// The presence port. The runtime watches it and wakes the node at every datagram; where many nodes announce themselves,
/// that costs more than all that is done with them, and the port is read now and then instead.
pub(super) enum PresenceSocket {
    Watched(UdpSocket),
    Polled(std::net::UdpSocket),
    /// It was lost on the way from one to the other.
    Lost,
}

impl PresenceSocket {
    /// Has the runtime watch the socket, or no longer.
    ///
    /// # Errors
    /// What the system says; the socket is lost.
    pub(super) fn watch(&mut self, watch: bool) -> io::Result<()> {
        if watch != self.is_watched() {
            *self = match std::mem::replace(self, Self::Lost) {
                Self::Polled(socket) => Self::Watched(UdpSocket::from_std(socket)?),
                Self::Watched(socket) => Self::Polled(socket.into_std()?),
                Self::Lost => Self::Lost,
            };
        }
        Ok(())
    }

    pub(super) fn is_watched(&self) -> bool {
        matches!(self, Self::Watched(_))
    }

    /// Waits for a datagram; for ever while nobody watches.
    pub(super) async fn readable(&self) -> io::Result<()> {
        match self {
            Self::Watched(socket) => socket.readable().await,
            Self::Polled(_) | Self::Lost => std::future::pending().await,
        }
    }

    /// The socket as it is, to set something on it.
    pub(super) fn socket(&self) -> Option<SockRef<'_>> {
        match self {
            Self::Watched(socket) => Some(socket.into()),
            Self::Polled(socket) => Some(socket.into()),
            Self::Lost => None,
        }
    }

    /// Takes one datagram, if there is one.
    pub(super) fn try_receive<'b>(&self, buffer: &'b mut Buffer) -> io::Result<Received<'b>> {
        match self {
            Self::Watched(socket) => arrival::try_receive(socket, buffer),
            Self::Polled(socket) => arrival::receive(socket, buffer),
            Self::Lost => Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

/// Lets several nodes of one host share the presence port. Linux and Windows share it under `SO_REUSEADDR` (which on
/// Linux also works across users, as `SO_REUSEPORT` does not); the BSDs and macOS want `SO_REUSEPORT`.
fn share_port(socket: &Socket) -> io::Result<()> {
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(target_os = "linux"), not(target_os = "android")))]
    socket.set_reuse_port(true)?;
    Ok(())
}
