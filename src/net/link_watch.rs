//! Notices that a link or an address of this machine changed, as the kernel tells it (`rtnetlink(7)`); elsewhere, and where the
//! kernel does not tell, the interfaces are only looked at now and then.

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::LinkWatch;
#[cfg(target_os = "linux")]
pub(super) use linux::LinkWatch;

#[cfg(target_os = "linux")]
mod linux {
    use std::io::{self, ErrorKind};
    use std::os::fd::{AsRawFd as _, OwnedFd};

    use nix::sys::socket::{NetlinkAddr, bind};
    use socket2::{Domain, Protocol, Socket, Type};
    use tokio::net::UdpSocket;

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
        pub(in crate::net) async fn changed(&self) {
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
    fn drain(socket: &UdpSocket) {
        let mut message = [0; 4096];
        while !matches!(socket.try_recv(&mut message), Err(error) if error.kind() == ErrorKind::WouldBlock) {}
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
        pub(in crate::net) async fn changed(&self) {
            std::future::pending().await
        }
    }
}
