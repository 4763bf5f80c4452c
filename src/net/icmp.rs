//! The ICMP errors that come back for what the private socket sent: on Linux from its error queue (`IP_RECVERR`, `ip(7)`);
//! elsewhere there are none to be read.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{INTEREST, report, take};
#[cfg(target_os = "linux")]
pub(super) use linux::{INTEREST, report, take};

#[cfg(target_os = "linux")]
mod linux {
    use std::io;
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
    use std::os::fd::AsRawFd as _;

    use nix::libc::{SO_EE_ORIGIN_ICMP, in_pktinfo, sock_extended_err, sockaddr_in};
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
    use tokio::io::Interest;
    use tokio::net::UdpSocket;

    use crate::engine::api::Icmp;

    /// Errors taken at one look, before the other inputs have their turn.
    const BATCH: usize = 64;
    /// The ICMP type of a destination that cannot be reached (RFC 792).
    const DESTINATION_UNREACHABLE: u8 = 3;

    /// What is to wake the node: datagrams, and errors.
    pub(in crate::net) const INTEREST: Interest = Interest::READABLE.add(Interest::ERROR);

    /// Has the kernel keep the errors that come in for what this socket sends. From then on, each also fails the next call
    /// on the socket once.
    ///
    /// # Errors
    /// What the system says.
    pub(in crate::net) fn report(socket: &std::net::UdpSocket) -> io::Result<()> {
        Ok(setsockopt(socket, sockopt::Ipv4RecvErr, &true)?)
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
        let mut space = nix::cmsg_space!(sock_extended_err, sockaddr_in, in_pktinfo);
        let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
        let message = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut [], Some(&mut space), flags)?;
        let Some(to) = message.address else { return Ok(None) };
        let to = SocketAddr::V4(SocketAddrV4::from(to));
        let said = message.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::Ipv4RecvErr(error, from) => Some((error, from)),
            _ => None,
        });
        Ok(said.and_then(|(error, from)| {
            let unreachable =
                error.ee_origin == SO_EE_ORIGIN_ICMP && error.ee_type == DESTINATION_UNREACHABLE;
            let from = from.map(|from| IpAddr::V4(Ipv4Addr::from(from.sin_addr.s_addr.to_ne_bytes())));
            unreachable.then_some((to, Icmp { code: error.ee_code, from }))
        }))
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
