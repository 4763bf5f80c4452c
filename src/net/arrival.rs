//! By which link a datagram comes in, or leaves: on Linux by the packet information (`IP_PKTINFO`, `ip(7)`; `IPV6_RECVPKTINFO`,
//! `ipv6(7)`); elsewhere it is not told, and routes decide.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{receive, report, try_receive, try_send_by};
#[cfg(target_os = "linux")]
pub(super) use linux::{address, receive, report, try_receive, try_send_by};

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
    /// Whether it went to everybody; none where the system does not tell.
    pub(super) is_to_all: Option<bool>,
}

impl Buffer {
    pub(super) fn new() -> Self {
        Self {
            bytes: [0; MAX_PROBE + 1],
            #[cfg(target_os = "linux")]
            // The larger of the two that there may be.
            control: nix::cmsg_space!(nix::libc::in6_pktinfo),
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
    use std::net::{Ipv6Addr, SocketAddr};
    use std::os::fd::{AsFd, AsRawFd as _};

    use nix::libc;
    use nix::sys::socket::{
        ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg, setsockopt, sockopt,
    };

    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use super::{Buffer, Received};
    use crate::engine::interface::LinkIndex;

    /// Has the kernel tell with each datagram by which link it came.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn report(socket: &impl AsFd, ipv4: bool) -> io::Result<()> {
        let set = if ipv4 {
            setsockopt(socket, sockopt::Ipv4PacketInfo, &true)
        } else {
            setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)
        };
        Ok(set?)
    }

    /// An address as the kernel tells it, of either family.
    pub(in crate::net) fn address(told: Option<SockaddrStorage>) -> Option<SocketAddr> {
        let told = told?;
        let v4 = told.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
        v4.or_else(|| told.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())))
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

    /// Sends one datagram by a link: where two are in one network, no source address decides that.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn try_send_by(
        LinkIndex(link): LinkIndex,
        socket: &UdpSocket,
        to: SocketAddr,
        bytes: &[u8],
    ) -> io::Result<usize> {
        let none = libc::in_addr { s_addr: 0 };
        let v4 = libc::in_pktinfo { ipi_ifindex: link.cast_signed(), ipi_spec_dst: none, ipi_addr: none };
        let v6 = libc::in6_pktinfo { ipi6_addr: libc::in6_addr { s6_addr: [0; 16] }, ipi6_ifindex: link };
        let by = [if to.is_ipv4() {
            ControlMessage::Ipv4PacketInfo(&v4)
        } else {
            ControlMessage::Ipv6PacketInfo(&v6)
        }];
        let (to, parts) = (SockaddrStorage::from(to), [IoSlice::new(bytes)]);
        socket.try_io(Interest::WRITABLE, || {
            Ok(sendmsg(socket.as_fd().as_raw_fd(), &parts, &by, MsgFlags::MSG_DONTWAIT, Some(&to))?)
        })
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
        let (n, from, (link, is_to_all)) = {
            let mut parts = [IoSliceMut::new(bytes)];
            let fd = socket.as_fd().as_raw_fd();
            let message = recvmsg::<SockaddrStorage>(fd, &mut parts, Some(control), MsgFlags::MSG_DONTWAIT)?;
            let told = message.cmsgs()?.find_map(|told| match told {
                // What went to an address of this machine: that is where an answer leaves from.
                ControlMessageOwned::Ipv4PacketInfo(info) => Some((
                    u32::try_from(info.ipi_ifindex).ok(),
                    Some(info.ipi_addr.s_addr != info.ipi_spec_dst.s_addr),
                )),
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    let is_to_all = Ipv6Addr::from(info.ipi6_addr.s6_addr).is_multicast();
                    Some((Some(info.ipi6_ifindex), Some(is_to_all)))
                }
                _ => None,
            });
            (message.bytes, address(message.address).ok_or(ErrorKind::InvalidData)?, told.unwrap_or_default())
        };
        Ok(Received { bytes: &buffer.bytes[..n], from, link: link.map(LinkIndex), is_to_all })
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::net::SocketAddr;

    use tokio::net::UdpSocket;

    use super::{Buffer, Received};
    use crate::engine::interface::LinkIndex;

    /// Nothing is told here.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in crate::net) fn report<S>(_: &S, _ipv4: bool) -> io::Result<()> {
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
        Ok(Received { bytes: &buffer.bytes[..n], from, link: None, is_to_all: None })
    }

    /// Routes decide by which link it leaves.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn try_send_by(
        _: LinkIndex,
        socket: &UdpSocket,
        to: SocketAddr,
        bytes: &[u8],
    ) -> io::Result<usize> {
        socket.try_send_to(bytes, to)
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
        Ok(Received { bytes: &buffer.bytes[..n], from, link: None, is_to_all: None })
    }
}
