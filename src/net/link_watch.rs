//! Notices that a link or an address of this machine changed, as the kernel tells it (`rtnetlink(7)`); elsewhere, and where the
//! kernel does not tell, the interfaces are only looked at now and then.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::LinkWatch;
#[cfg(target_os = "linux")]
pub(super) use linux::LinkWatch;

/// What is told of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "nothing is told elsewhere"))]
pub(super) enum LinkChange {
    /// A link or an address came, went or changed.
    Something,
    /// An IPv6 address can be used from now on: duplicate address detection has ended (RFC 4862 §5.4).
    AddressIsReady,
}

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, ErrorKind};
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use nix::sys::socket::{NetlinkAddr, bind};
    use socket2::{Domain, Protocol, Socket, Type};
    use tokio::net::UdpSocket;

    use super::LinkChange;
    use crate::net::addresses::is_ready;

    /// Links, and addresses of both families: `RTMGRP_LINK`, `RTMGRP_IPV4_IFADDR`, `RTMGRP_IPV6_IFADDR`.
    const GROUPS: u32 = 0x111;

    /// The kernel's word that something changed; what, is looked up.
    pub(in crate::net) struct LinkWatch {
        /// A netlink socket. The runtime watches datagram sockets of any family alike, and this type of it without `unsafe`.
        socket: Option<UdpSocket>,
    }

    impl LinkWatch {
        /// Watches from now on, in the runtime that this is called in.
        pub(in crate::net) fn open() -> Self {
            let socket = subscribe().inspect_err(|error| {
                tracing::debug!(%error, "the kernel does not tell when interfaces change: they are looked at now and then");
            });
            Self { socket: socket.ok() }
        }

        /// Whether changes are told.
        pub(in crate::net) fn is_open(&self) -> bool {
            self.socket.is_some()
        }

        /// Waits for a change; for ever where none is told.
        pub(in crate::net) async fn changed(&self) -> LinkChange {
            let Some(socket) = &self.socket else { return std::future::pending().await };
            match socket.readable().await {
                Ok(()) => drain(socket),
                Err(_) => std::future::pending().await,
            }
        }
    }

    fn subscribe() -> io::Result<UdpSocket> {
        let family = Domain::from(libc::AF_NETLINK);
        let socket = Socket::new(family, Type::RAW, Some(Protocol::from(libc::NETLINK_ROUTE)))?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(OwnedFd::from(socket).into())
    }

    /// Takes all that is told. That more was told than there was room for is one more error on the way.
    fn drain(socket: &UdpSocket) -> LinkChange {
        let (mut message, mut change) = ([0; 4096], LinkChange::AddressIsReady);
        loop {
            match socket.try_recv(&mut message) {
                Ok(n) if is_ready_address(&message[..n]) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return change,
                _ => change = LinkChange::Something,
            }
        }
    }

    /// Whether a message says that an IPv6 address can be used: `nlmsghdr`, then `ifaddrmsg` (`rtnetlink(7)`).
    fn is_ready_address(message: &[u8]) -> bool {
        let kind = message.get(4..6).and_then(|kind| kind.try_into().ok()).map(u16::from_ne_bytes);
        let is_new = kind == Some(libc::RTM_NEWADDR);
        let of_ipv6 = message.get(16).is_some_and(|family| i32::from(*family) == libc::AF_INET6);
        is_new && of_ipv6 && message.get(18).is_some_and(|flags| is_ready((*flags).into()))
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    /// Nothing is told here.
    pub(in crate::net) struct LinkWatch;

    impl LinkWatch {
        /// Watches nothing.
        pub(in crate::net) fn open() -> Self {
            Self
        }

        /// Whether changes are told.
        #[expect(clippy::unused_self, reason = "elsewhere it depends on the system")]
        pub(in crate::net) fn is_open(&self) -> bool {
            false
        }

        /// Waits for ever.
        pub(in crate::net) async fn changed(&self) -> super::LinkChange {
            std::future::pending().await
        }
    }
}
