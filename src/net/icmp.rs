//! The ICMP errors that come back for what the private socket sent: on Linux from its error queue (`IP_RECVERR`, `ip(7)`; `IPV6_RECVERR`,
//! `ipv6(7)`);
//! elsewhere there are none to be read.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{INTEREST, report, take};
#[cfg(target_os = "linux")]
pub(super) use linux::{INTEREST, report, take};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
    use std::os::fd::AsRawFd as _;

    use nix::libc::{SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6, in6_pktinfo, sock_extended_err, sockaddr_in6};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::engine::address::ZonedIp;
    use crate::engine::api::Icmp;
    use crate::engine::interface::LinkIndex;
    use crate::net::arrival;

    /// Errors taken at one look, before the other inputs have their turn.
    const BATCH: usize = 64;
    /// The ICMP type of a destination that cannot be reached (RFC 792).
    const DESTINATION_UNREACHABLE: u8 = 3;
    /// The same of `ICMPv6` (RFC 4443).
    const DESTINATION_UNREACHABLE_V6: u8 = 1;

    /// What is to wake the node: datagrams, and errors.
    pub(in crate::net) const INTEREST: Interest = Interest::READABLE.add(Interest::ERROR);

    /// Has the kernel keep the errors that come in for what this socket sends. From then on, each also fails the next call
    /// on the socket once.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn report(socket: &std::net::UdpSocket) -> io::Result<()> {
        let set = match socket.local_addr()? {
            SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true),
            SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true),
        };
        Ok(set?)
    }

    /// Takes the errors that wait: a batch of them. The runtime wakes the node again only for what is left, or new.
    pub(in crate::net) fn take(socket: &UdpSocket) -> Vec<(SocketAddr, Icmp)> {
        let mut taken = Vec::new();
        // That nothing is left goes to the runtime as `WouldBlock`: then it waits for the next error.
        let _ = socket.try_io(Interest::ERROR, || {
            for _ in 0..BATCH {
                taken.extend(next(socket)?);
            }
            Ok(())
        });
        taken
    }

    /// The next error; none if it is of another kind.
    fn next(socket: &UdpSocket) -> io::Result<Option<(SocketAddr, Icmp)>> {
        // The error comes with the packet information, too, that the socket asks for: without room for it, none could be read.
        let mut space = nix::cmsg_space!(sock_extended_err, sockaddr_in6, in6_pktinfo);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut [], Some(&mut space), flags)?;
        let Some(to) = arrival::address(message.address) else { return Ok(None) };
        let said = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4RecvErr(error, from) => {
                let from = from.map(|from| Ipv4Addr::from(from.sin_addr.s_addr.to_ne_bytes()));
                Some((error, from.map(ZonedIp::from)))
            }
            ControlMessageOwned::Ipv6RecvErr(error, from) => {
                let zoned = |from: sockaddr_in6| {
                    let ip = Ipv6Addr::from(from.sin6_addr.s6_addr);
                    ZonedIp::on_link(ip.into(), Some(LinkIndex(from.sin6_scope_id)))
                };
                Some((error, from.map(zoned)))
            }
            _ => None,
        });
        Ok(said.and_then(|(error, from): (sock_extended_err, Option<ZonedIp>)| {
            let code = match (error.ee_origin, error.ee_type) {
                (SO_EE_ORIGIN_ICMP, DESTINATION_UNREACHABLE) => error.ee_code,
                (SO_EE_ORIGIN_ICMP6, DESTINATION_UNREACHABLE_V6) => as_of_ipv4(error.ee_code),
                _ => return None,
            };
            Some((to, Icmp { code, from }))
        }))
    }

    /// The code of ICMP (RFC 792, RFC 1812 §5.2.7.1) that says the same as one of `ICMPv6` (RFC 4443 §3.1).
    fn as_of_ipv4(code: u8) -> u8 {
        const NET_UNREACHABLE: u8 = 0;
        const HOST_UNREACHABLE: u8 = 1;
        const PORT_UNREACHABLE: u8 = 3;
        const PROHIBITED: u8 = 13;
        match code {
            // Prohibited; the source's policy; a route that rejects.
            1 | 5 | 6 => PROHIBITED,
            3 => HOST_UNREACHABLE,
            4 => PORT_UNREACHABLE,
            // No route; beyond the scope of the source.
            _ => NET_UNREACHABLE,
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use std::io;
    use std::net::SocketAddr;

    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::engine::api::Icmp;

    /// What is to wake the node: datagrams.
    pub(in crate::net) const INTEREST: Interest = Interest::READABLE;

    /// Nothing is kept here.
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    pub(in crate::net) fn report(_: &std::net::UdpSocket) -> io::Result<()> {
        Ok(())
    }

    /// Nothing was kept.
    pub(in crate::net) fn take(_: &UdpSocket) -> Vec<(SocketAddr, Icmp)> {
        Vec::new()
    }
}
