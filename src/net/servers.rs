//! The TCP servers of a node: one for each family on all links. Where links share a network each of them has one more, which answers
//! by the link that it is asked by: the system would answer them all by one.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinError, JoinSet};

use crate::engine::address::ZonedIp;
use crate::engine::interface::{Interface, LinkIndex};
use crate::secret::sessions::Sessions;

use super::interfaces;
use super::server;
use super::start_error::{StartError, socket_error};
use super::task_event::TaskEvent;

/// Pending connections in the kernel.
const BACKLOG: i32 = 1_024;

/// All servers of a node. They end with it.
#[derive(Debug)]
pub(super) struct Servers {
    /// The socket of the server on all links of IPv4; none with `--bind`.
    on_all_links: Option<TcpListener>,
    /// Those on one link each.
    by_link: Vec<LinkServer>,
    running: JoinSet<()>,
    /// Under which exchanges are.
    sessions: Option<Arc<Sessions>>,
    to_driver: mpsc::Sender<TaskEvent>,
}

/// A server on one link.
#[derive(Debug)]
struct LinkServer {
    /// The name of the link, and its number: one that is made again has another, and the socket is of the one that went.
    link: (Arc<str>, Option<LinkIndex>),
    server: AbortHandle,
}

impl Servers {
    /// A server for each of these sockets.
    pub(super) fn start(
        listeners: Vec<TcpListener>,
        sessions: Option<Arc<Sessions>>,
        to_driver: mpsc::Sender<TaskEvent>,
    ) -> Self {
        let any = |listener: &&TcpListener| {
            listener.local_addr().is_ok_and(|addr| addr.ip() == IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        };
        let on_all_links = listeners.iter().find(any).and_then(|listener| listener.try_clone().ok());
        let mut servers =
            Self { on_all_links, by_link: Vec::new(), running: JoinSet::new(), sessions, to_driver };
        for listener in listeners {
            let _ = servers.serve(listener);
        }
        servers
    }

    fn serve(&mut self, listener: TcpListener) -> Option<AbortHandle> {
        match tokio::net::TcpListener::from_std(listener) {
            Ok(listener) => {
                let serve = server::serve(listener, self.sessions.clone(), self.to_driver.clone());
                Some(self.running.spawn(serve))
            }
            Err(error) => {
                tracing::error!(%error, "cannot serve TCP");
                None
            }
        }
    }

    /// The interfaces as they are now.
    pub(super) fn follow(&mut self, interfaces: &[Interface]) {
        let Some(first) = self.on_all_links.as_ref().and_then(|listener| listener.try_clone().ok()) else {
            return;
        };
        let wanted: Vec<(Arc<str>, Option<LinkIndex>)> = interfaces::sharing_a_network(interfaces)
            .map(|interface| (Arc::clone(&interface.name), interface.index))
            .collect();
        self.by_link.retain(|LinkServer { link, server }| {
            let stays = wanted.contains(link) && !server.is_finished();
            if !stays {
                server.abort();
            }
            stays
        });
        for link in wanted {
            if self.by_link.iter().any(|known| known.link == link) {
                continue;
            }
            match listen_by(&link.0, &first) {
                Ok(listener) => {
                    let server = self.serve(listener);
                    self.by_link.extend(server.map(|server| LinkServer { link, server }));
                }
                // The one on all links serves it, and answers by the routes of the system.
                Err(error) => tracing::debug!(%error, link = &*link.0, "no TCP server of its own"),
            }
        }
    }

    /// Waits until a server fails: none ends by itself.
    pub(super) async fn failed(&mut self) -> JoinError {
        loop {
            match self.running.join_next().await {
                Some(Err(error)) if !error.is_cancelled() => return error,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }
}

/// The sockets to serve on: at the wanted port or none; else at the presence port, or any that is free. Without `--bind` IPv6 is
/// served, too, where there is any.
pub(super) fn listen(bind: ZonedIp, port: u16, wanted: Option<u16>) -> Result<Vec<TcpListener>, StartError> {
    let first = match wanted {
        Some(wanted) => listen_on(bind, wanted).map_err(|e| socket_error("TCP", wanted, "--tcp-port", e))?,
        None => match listen_on(bind, port) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => listen_on(bind, 0),
            other => other,
        }
        .map_err(|e| socket_error("TCP", port, "--tcp-port", e))?,
    };
    let port = first.local_addr()?.port();
    let mut listeners = vec![first];
    if bind.ip().is_unspecified() {
        listeners.extend(listen_on(IpAddr::V6(Ipv6Addr::UNSPECIFIED).into(), port));
    }
    Ok(listeners)
}

pub(super) fn listen_on(ip: ZonedIp, port: u16) -> io::Result<TcpListener> {
    let addr = ip.at_port(port);
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Unix: take the port although old connections of it linger. On Windows the same option would steal it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Listens at the same port, for what comes in by one link: what is accepted there is answered by it, too.
#[cfg(target_os = "linux")]
fn listen_by(link: &str, on_all_links: &TcpListener) -> io::Result<TcpListener> {
    let addr = on_all_links.local_addr()?;
    let first = socket2::SockRef::from(on_all_links);
    let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
    socket.bind_device(Some(link.as_bytes()))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    // One listening socket beside another takes this of both, and only now: no other program is to share the port.
    let shared = |shared| first.set_reuse_port(shared).and_then(|()| socket.set_reuse_port(shared));
    let listens = shared(true).and_then(|()| socket.bind(&addr.into())).and_then(|()| socket.listen(BACKLOG));
    shared(false).and(listens)?;
    Ok(socket.into())
}

/// Nothing chooses a link there.
#[cfg(not(target_os = "linux"))]
fn listen_by(_: &str, _: &TcpListener) -> io::Result<TcpListener> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::testkit::interface;

    #[test]
    fn a_link_has_a_listener_of_its_own_at_a_port_that_another_node_cannot_take() {
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED).into();
        let first = listen_on(any, 0).unwrap();
        let port = first.local_addr().unwrap().port();
        let by_link = listen_by("lo", &first).unwrap();
        assert_eq!(by_link.local_addr().unwrap().port(), port);
        let _dialer = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        assert!(by_link.accept().is_ok() && first.accept().is_err(), "it came by that link");
        assert!(listen_on(any, port).is_err(), "another node takes another port");
        assert!(listen_by("no-such-link", &first).is_err());
    }

    #[tokio::test]
    async fn a_link_that_is_made_again_under_its_name_has_a_new_listener() {
        let (to_driver, _driver) = mpsc::channel(1);
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED).into();
        let mut servers = Servers::start(vec![listen_on(any, 0).unwrap()], None, to_driver);
        let other = Interface { index: Some(LinkIndex(1_000)), ..interface("other=10.0.0.2/24") };
        let mut made = Vec::new();
        for index in [1_001, 1_001, 1_002] {
            let lo = Interface { index: Some(LinkIndex(index)), ..interface("lo=10.0.0.1/24") };
            servers.follow(&[lo, other.clone()]);
            assert_eq!(servers.by_link.len(), 1, "the other one is no link of this machine");
            made.push(servers.by_link[0].server.id());
        }
        assert_eq!((made[0] == made[1], made[1] == made[2]), (true, false));
    }
}
