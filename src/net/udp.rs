//! The two UDP sockets of a node: the shared presence port, and a private one for unicast.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use super::os;

/// Receive buffer asked of the kernel, in bytes: what a thousand hellos at once need. The kernel may grant less.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The presence port, on all addresses: a socket bound to one address receives no broadcast.
pub(super) fn open_shared(port: u16) -> io::Result<std::net::UdpSocket> {
    open(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)), true)
}

/// This node's own port, from which it sends everything.
pub(super) fn open_private(ip: IpAddr) -> io::Result<std::net::UdpSocket> {
    open(SocketAddr::new(ip, 0), false)
}

fn open(addr: SocketAddr, shared: bool) -> io::Result<std::net::UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    if shared {
        os::share_port(&socket)?;
    }
    socket.set_broadcast(true)?;
    socket.set_nonblocking(true)?;
    // More is better, less still works.
    let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// Hands a socket to the runtime that is entered.
pub(super) fn adopt(socket: std::net::UdpSocket) -> io::Result<UdpSocket> {
    UdpSocket::from_std(socket)
}
