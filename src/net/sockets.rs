//! All UDP sockets of a node: those of each family that it uses.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;

use crate::engine::address::ZonedIp;
use crate::engine::api::{Icmp, Socket};
use crate::engine::interface::{Interface, LinkIndex};
use crate::proto::presence::MULTICAST_GROUP;

use super::arrival::{self, Buffer, Received};
use super::icmp;
use super::start_error::{StartError, socket_error};
use super::traffic::Traffic;
use super::udp::{self, PresenceSocket};

/// Numbers tried for a private port that is free in both families: one that is taken in one of them is rare.
const PRIVATE_PORT_TRIES: u32 = 16;

/// The two sockets of one family, before the runtime watches them.
pub(super) struct OpenPair {
    shared: std::net::UdpSocket,
    private: std::net::UdpSocket,
}

/// The sockets of all families that a node uses, and their private port: the same in all of them.
pub(super) struct OpenSockets {
    ipv4: Option<OpenPair>,
    ipv6: Option<OpenPair>,
    pub(super) private_port: u16,
}

/// The two sockets of one family, in the runtime's care.
pub(super) struct WatchedPair {
    shared: PresenceSocket,
    private: UdpSocket,
}

/// All sockets, in the runtime's care.
pub(super) struct Sockets {
    ipv4: Option<WatchedPair>,
    ipv6: Option<WatchedPair>,
    /// The links on which the multicast group is joined.
    joined: BTreeSet<LinkIndex>,
    traffic: Arc<Traffic>,
}

/// Of which family a socket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4,
    V6,
}

impl Family {
    /// IPv4 comes first: what came by both is then heard by it.
    pub(super) const ALL: [Self; 2] = [Self::V4, Self::V6];
}

/// Opens the sockets for the address to use, and for all without one. Then IPv6 is used where there is any: a kernel without it
/// is none the worse.
///
/// # Errors
/// A port that is taken, or what the system says.
pub(super) fn open(bind: Option<ZonedIp>, port: u16) -> Result<OpenSockets, StartError> {
    let only = bind.filter(|ip| !ip.ip().is_unspecified());
    let shared = |opened: io::Result<_>| opened.map_err(|e| socket_error("UDP", port, "--port", e));
    let private = |ip, port| udp::open_private(ip, port).map_err(|e| socket_error("UDP", port, "--bind", e));
    let v4 = match only.map(ZonedIp::ip) {
        Some(IpAddr::V6(_)) => None,
        _ => Some(shared(udp::open_shared(port))?),
    };
    let Some(v4) = v4 else {
        let (ip, shared) = (only.unwrap_or(any_ipv6()), shared(udp::open_shared_ipv6(port))?);
        let private = private(ip, 0)?;
        let private_port = private.local_addr()?.port();
        return Ok(OpenSockets { ipv4: None, ipv6: Some(OpenPair { shared, private }), private_port });
    };
    let v6 = if only.is_some() { None } else { udp::open_shared_ipv6(port).inspect_err(no_ipv6).ok() };
    let (first, second) = match only {
        Some(ip) => (private(ip, 0)?, None),
        None => open_private_ports(v6.is_some())?,
    };
    let private_port = first.local_addr()?.port();
    let ipv6 = v6.zip(second).map(|(shared, private)| OpenPair { shared, private });
    Ok(OpenSockets { ipv4: Some(OpenPair { shared: v4, private: first }), ipv6, private_port })
}

/// A private port for IPv4, and the same for IPv6, if that is wanted and there is any.
fn open_private_ports(both: bool) -> Result<(std::net::UdpSocket, Option<std::net::UdpSocket>), StartError> {
    let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED).into();
    let mut tries = 0;
    loop {
        tries += 1;
        let v4 = udp::open_private(any, 0).map_err(|e| socket_error("UDP", 0, "--bind", e))?;
        if !both {
            return Ok((v4, None));
        }
        match udp::open_private(any_ipv6(), v4.local_addr()?.port()) {
            Ok(v6) => return Ok((v4, Some(v6))),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && tries < PRIVATE_PORT_TRIES => {}
            Err(error) => {
                no_ipv6(&error);
                return Ok((v4, None));
            }
        }
    }
}

fn any_ipv6() -> ZonedIp {
    IpAddr::V6(Ipv6Addr::UNSPECIFIED).into()
}

fn no_ipv6(error: &io::Error) {
    tracing::debug!(%error, "no IPv6 here");
}

impl OpenPair {
    fn watched(self) -> io::Result<WatchedPair> {
        if let Err(error) = icmp::report(&self.private) {
            // It explains less without them.
            tracing::debug!(%error, "no ICMP errors can be read here");
        }
        Ok(WatchedPair {
            shared: PresenceSocket::Polled(self.shared),
            private: UdpSocket::from_std(self.private)?,
        })
    }
}

impl OpenSockets {
    /// Gives them into the care of the runtime that this is called in.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn watched(self, traffic: Arc<Traffic>) -> io::Result<Sockets> {
        let watched = |pair: Option<OpenPair>| pair.map(OpenPair::watched).transpose();
        let [ipv4, ipv6] = [watched(self.ipv4)?, watched(self.ipv6)?];
        Ok(Sockets { ipv4, ipv6, joined: BTreeSet::new(), traffic })
    }
}

impl WatchedPair {
    async fn readable(&self) {
        let ready = tokio::select! {
            biased;
            ready = self.private.ready(icmp::INTEREST) => ready.map(drop),
            ready = self.shared.readable() => ready,
        };
        if ready.is_err() {
            // The runtime is ending.
            std::future::pending::<()>().await;
        }
    }
}

impl Sockets {
    fn of(&self, family: Family) -> Option<&WatchedPair> {
        match family {
            Family::V4 => self.ipv4.as_ref(),
            Family::V6 => self.ipv6.as_ref(),
        }
    }

    fn pairs(&self) -> impl Iterator<Item = &WatchedPair> {
        self.ipv4.iter().chain(&self.ipv6)
    }

    /// Has the runtime watch the presence ports, or no longer.
    ///
    /// # Errors
    /// What the system says; a socket is lost.
    pub(super) fn watch(&mut self, watch: bool) -> io::Result<()> {
        let mut pairs = self.ipv4.iter_mut().chain(&mut self.ipv6);
        pairs.try_for_each(|pair| pair.shared.watch(watch))
    }

    /// Whether the runtime watches the presence ports.
    pub(super) fn is_watched(&self) -> bool {
        self.pairs().all(|pair| pair.shared.is_watched())
    }

    /// Waits until something can be sent.
    pub(super) async fn writable(&self) {
        for pair in self.pairs() {
            let _ = pair.private.writable().await;
        }
    }

    /// Waits for a datagram or an ICMP error on a socket that is watched.
    pub(super) async fn readable(&self) {
        let of = async |family| match self.of(family) {
            Some(pair) => pair.readable().await,
            None => std::future::pending().await,
        };
        tokio::select! {
            biased;
            () = of(Family::V4) => {}
            () = of(Family::V6) => {}
        }
    }

    /// Takes one datagram, if there is one.
    pub(super) fn try_receive<'b>(
        &self,
        (family, socket): (Family, Socket),
        buffer: &'b mut Buffer,
    ) -> io::Result<Received<'b>> {
        let pair = self.of(family).ok_or(io::ErrorKind::WouldBlock)?;
        let received = match socket {
            Socket::Shared | Socket::Addressed | Socket::Untold => pair.shared.try_receive(buffer),
            Socket::Private => arrival::try_receive(&pair.private, buffer),
        }?;
        self.traffic.note_received();
        Ok(received)
    }

    /// Takes what ICMP says of what was sent.
    pub(super) fn take_icmp_errors(&self) -> Vec<(SocketAddr, Icmp)> {
        self.pairs().flat_map(|pair| icmp::take(&pair.private)).collect()
    }

    /// Sends one datagram from the private port, by a link if one is named. By a link that the multicast group is not joined on
    /// yet nothing is sent to it before: whoever hears a hello may answer to the group at once.
    ///
    /// # Errors
    /// What the system says. Where the family is not used, that it is not supported.
    pub(super) fn send(&mut self, link: Option<LinkIndex>, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        if to.ip() == IpAddr::V6(MULTICAST_GROUP) {
            self.join(link);
        }
        let family = if to.is_ipv4() { Family::V4 } else { Family::V6 };
        let private = &self.of(family).ok_or(io::ErrorKind::Unsupported)?.private;
        // An ICMP error about something sent earlier fails the next call, whose datagram is not sent, and is spent with that.
        let try_once = || match link {
            Some(link) => arrival::try_send_by(link, private, to, bytes),
            None => private.try_send_to(bytes, to),
        };
        let sent = try_once().or_else(|error| match error.kind() {
            io::ErrorKind::WouldBlock => Err(error),
            _ => try_once(),
        });
        sent.map(|_| self.traffic.note_sent())
    }

    /// Leaves the multicast group on each link that presence does not go to by it any longer. A link that is made again has another
    /// number, and is joined again.
    pub(super) fn leave_others(&mut self, interfaces: &[Interface]) {
        let wanted: BTreeSet<LinkIndex> = multicasting(interfaces).collect();
        let Some(socket) = self.ipv6.as_ref().and_then(|pair| pair.shared.socket()) else { return };
        for LinkIndex(index) in self.joined.difference(&wanted) {
            // With its link the membership is gone already.
            let _ = socket.leave_multicast_v6(&MULTICAST_GROUP, *index);
        }
        self.joined.retain(|link| wanted.contains(link));
    }

    /// Joins the multicast group on each link that presence goes to by it. With thirty links that takes a third of a millisecond: so
    /// each is joined as its first hello leaves, and here, after that, those where none did.
    pub(super) fn join_all(&mut self, interfaces: &[Interface]) {
        multicasting(interfaces).for_each(|link| self.join(Some(link)));
    }

    fn join(&mut self, link: Option<LinkIndex>) {
        let Some(link) = link.filter(|link| !self.joined.contains(link)) else { return };
        let Some(socket) = self.ipv6.as_ref().and_then(|pair| pair.shared.socket()) else { return };
        match socket.join_multicast_v6(&MULTICAST_GROUP, link.0) {
            Ok(()) => drop(self.joined.insert(link)),
            Err(error) => tracing::debug!(%error, ?link, "cannot join the multicast group"),
        }
    }
}

/// The links that presence goes to by multicast.
fn multicasting(interfaces: &[Interface]) -> impl Iterator<Item = LinkIndex> {
    interfaces.iter().filter_map(Interface::multicasts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_have_one_private_port_and_an_address_to_use_has_only_its_own() {
        let port =
            |pair: &Option<OpenPair>| pair.as_ref().map(|pair| pair.private.local_addr().unwrap().port());
        let all = open(None, 0).unwrap();
        assert_eq!(port(&all.ipv4), Some(all.private_port));
        assert!(port(&all.ipv6).is_none_or(|port| port == all.private_port));
        let four = open(Some(IpAddr::V4(Ipv4Addr::LOCALHOST).into()), 0).unwrap();
        assert!(four.ipv4.is_some() && four.ipv6.is_none());
        if let Ok(six) = open(Some(IpAddr::V6(Ipv6Addr::LOCALHOST).into()), 0) {
            assert_eq!((six.ipv4.is_none(), port(&six.ipv6)), (true, Some(six.private_port)));
        }
    }
}
