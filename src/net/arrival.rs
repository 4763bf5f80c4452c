//! By which link a datagram comes in: on Linux from the packet information (`IP_PKTINFO`, `ip(7)`); elsewhere it is not told.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{receive, report, try_receive};
#[cfg(target_os = "linux")]
pub(super) use linux::{receive, report, try_receive};

use std::net::SocketAddr;

use crate::engine::interface::LinkIndex;
use crate::proto::MAX_PROBE;

/// Where datagrams are received: one byte more than the largest, to notice larger ones.
pub(super) struct Buffer {
    bytes: [u8; MAX_PROBE + 1],
    /// What the kernel tells of a datagram.
    #[cfg(target_os = "linux")]
    control: Vec<u8>,
}

/// A datagram that came in.
pub(super) struct Received<'b> {
    pub(super) bytes: &'b [u8],
    pub(super) from: SocketAddr,
    pub(super) link: Option<LinkIndex>,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; MAX_PROBE + 1],
            #[cfg(target_os = "linux")]
            control: nix::cmsg_space!(nix::libc::in_pktinfo),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, ErrorKind, IoSliceMut};
    use std::net::{SocketAddr, SocketAddrV4};
    use std::os::fd::{AsFd, AsRawFd as _};

    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};

    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::{Buffer, Received};
    use crate::engine::interface::LinkIndex;

    /// Has the kernel tell with each datagram by which link it came.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn report(socket: &impl AsFd) -> io::Result<()> {
        Ok(setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?)
    }

    /// Takes one datagram from a socket that the runtime watches.
    ///
    /// # Errors
    /// As [`receive`].
    pub(in crate::net) fn try_receive<'b>(
        socket: &UdpSocket,
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b>> {
        socket.try_io(Interest::READABLE, || receive(socket, buffer))
    }

    /// Takes one datagram.
    ///
    /// # Errors
    /// What the system says; that there is none is `WouldBlock`.
    pub(in crate::net) fn receive<'b>(
        socket: &impl AsFd,
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b>> {
        let Buffer { bytes, control } = buffer;
        let (n, from, link) = {
            let mut parts = [IoSliceMut::new(bytes)];
            let fd = socket.as_fd().as_raw_fd();
            let message = recvmsg::<SockaddrIn>(fd, &mut parts, Some(control), MsgFlags::MSG_DONTWAIT)?;
            let link = message.cmsgs()?.find_map(|told| match told {
                ControlMessageOwned::Ipv4PacketInfo(info) => u32::try_from(info.ipi_ifindex).ok(),
                _ => None,
            });
            (message.bytes, message.address.ok_or(ErrorKind::InvalidData)?, link)
        };
        let from = SocketAddr::V4(SocketAddrV4::from(from));
        Ok(Received { bytes: &buffer.bytes[..n], from, link: link.map(LinkIndex) })
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;

    use tokio::net::UdpSocket;

    use super::{Buffer, Received};

    /// Nothing is told here.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in crate::net) fn report<S>(_: &S) -> io::Result<()> {
        Ok(())
    }

    /// Takes one datagram from a socket that the runtime watches.
    ///
    /// # Errors
    /// As [`receive`].
    pub(in crate::net) fn try_receive<'b>(
        socket: &UdpSocket,
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b>> {
        let (n, from) = socket.try_recv_from(&mut buffer.bytes)?;
        Ok(Received { bytes: &buffer.bytes[..n], from, link: None })
    }

    /// Takes one datagram.
    ///
    /// # Errors
    /// What the system says; that there is none is `WouldBlock`.
    pub(in crate::net) fn receive<'b>(
        socket: &std::net::UdpSocket,
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b>> {
        let (n, from) = socket.recv_from(&mut buffer.bytes)?;
        Ok(Received { bytes: &buffer.bytes[..n], from, link: None })
    }
}
