//! The network's side: datagrams travel with the latency, loss and duplication of their link; dials end as Linux would end
//! them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;

use crate::engine::api::{ConnId, DialId, Icmp, Socket, TetherId};
use crate::engine::cause::Cause;
use crate::engine::config::Config;
use crate::engine::limits::{ONE_SYN, STANDBY_AFTER};
use crate::engine::peers::PeerKey;
use crate::engine::{check_refusal, shut_out};
use crate::proto::Sealed;
use crate::proto::exchange::HEADER;
use crate::secret::resumption::Ticket;

use super::host::{Call, Conn};
use super::link::{Link, Tcp};
use super::schedule::{Arrival, Replied};
use super::{HostId, Lan, Sent};
use crate::testkit::{failure, ms};

/// After so long Linux reports that nobody answers for an address on a link.
pub const NO_NEIGHBOUR: Duration = ms(3_060);
/// Datagrams above this are large ones.
const SMALL: usize = 1_300;

/// What a handshake comes to.
enum Shaken {
    /// Neither end has a secret, or the dialer has none: it asks in the open.
    Open,
    /// Both have it.
    Sealed,
    /// The server does not open this frame, with which the dialer begins.
    Refused(Vec<u8>),
}

/// The handshake of a dialer and a server.
fn shake_hands(dialer: &Config, server: &Config) -> Shaken {
    let Some(secret) = &dialer.secret else { return Shaken::Open };
    let (dialing, first) = secret.dial().expect("a handshake begins");
    match server.secret.as_ref().and_then(|secret| secret.accept(&first, &Ticket::of(&[0; Ticket::LENGTH]))) {
        Some((_, second)) => {
            assert!(dialing.finish(&second).is_some(), "who knows the secret is known to know it");
            Shaken::Sealed
        }
        None => Shaken::Refused(Sealed { group: secret.shown_group(), ..Sealed::of(&first) }.encode()),
    }
}

/// A dial that the engine asked for.
pub(super) struct Dial<'a> {
    pub(super) id: DialId,
    /// Whose; none if it only looks whether a peer is reached again.
    pub(super) key: Option<PeerKey>,
    pub(super) addr: SocketAddr,
    pub(super) standby: &'a [SocketAddr],
    pub(super) request: &'a [u8],
    pub(super) timeout: Duration,
    pub(super) is_sparing: bool,
}

impl Lan {
    pub(super) fn link_between(&self, from: HostId, to: HostId) -> Link {
        self.links.get(&(from, to)).copied().unwrap_or(self.link)
    }

    pub(super) fn latency(&mut self, from: HostId, to: HostId) -> Duration {
        let (least, most) = self.link_between(from, to).latency;
        self.rng.random_range(least..=most)
    }

    fn owners(&self, ip: IpAddr) -> Vec<HostId> {
        self.hosts.iter().enumerate().filter(|(_, h)| h.owns(ip)).map(|(i, _)| HostId(i)).collect()
    }

    pub(super) fn send(&mut self, id: HostId, to: SocketAddr, bytes: &Arc<[u8]>) {
        if self.record {
            self.sent.push(Sent { at: self.elapsed(), host: id, to, bytes: Arc::clone(bytes) });
        }
        let port = self.hosts[id.0].config.udp_port;
        let link = self.hosts[id.0]
            .interfaces
            .iter()
            .find(|i| i.broadcast.map(IpAddr::V4) == Some(to.ip()))
            .cloned();
        if let Some(link) = link {
            let from = SocketAddr::from((link.addr, port));
            for i in 0..self.hosts.len() {
                if self.hosts[i].hears(&link, to.port()) {
                    self.broadcast(id, HostId(i), from, bytes);
                }
            }
            return;
        }
        let Some(source) = self.hosts[id.0].source(to.ip()) else { return };
        let from = SocketAddr::from((source, port));
        for owner in self.owners(to.ip()) {
            let config = &self.hosts[owner.0].config;
            if config.udp_port == to.port() {
                self.transmit(id, owner, from, Socket::Private, bytes);
            } else if config.port == to.port() {
                self.transmit(id, owner, from, Socket::Addressed, bytes);
            }
            self.refuse(id, owner, from, to);
        }
    }

    /// A machine without the process says that nothing receives there.
    fn refuse(&mut self, id: HostId, owner: HostId, from: SocketAddr, to: SocketAddr) {
        let (there, back) = (self.link_between(id, owner), self.link_between(owner, id));
        let cut = [from.ip(), to.ip()].iter().any(|ip| self.without_udp.contains(ip));
        if self.hosts[owner.0].is_killed() && there.udp && back.udp && !cut {
            let after = self.by_other_chance(|lan| lan.latency(id, owner) + lan.latency(owner, id));
            let life = self.hosts[id.0].life;
            let icmp = Icmp { code: 3, from: Some(to.into()) };
            self.schedule(after, id, Some(life), Arrival::Unreachable { to, icmp });
        }
    }

    /// The limited broadcast reaches everybody who has a cable, where no router is between.
    pub(super) fn send_to_all(&mut self, id: HostId, source: Ipv4Addr, bytes: &Arc<[u8]>) {
        let from = SocketAddr::from((source, 45_000));
        for i in 0..self.hosts.len() {
            let here = !self.routed || self.hosts[i].interfaces.iter().any(|i| i.reaches(source.into()));
            if here && !self.hosts[i].interfaces.is_empty() {
                self.broadcast(id, HostId(i), from, bytes);
            }
        }
    }

    fn broadcast(&mut self, id: HostId, to: HostId, from: SocketAddr, bytes: &Arc<[u8]>) {
        if id == to || self.link_between(id, to).broadcast {
            self.transmit(id, to, from, Socket::Shared, bytes);
        }
    }

    fn transmit(&mut self, id: HostId, to: HostId, from: SocketAddr, socket: Socket, bytes: &Arc<[u8]>) {
        let link = if id == to { Link::default() } else { self.link_between(id, to) };
        let ends = [Some(from.ip()), self.hosts[to.0].source(from.ip()).map(IpAddr::V4)];
        let lost = id != to && ends.into_iter().flatten().any(|ip| self.without_udp.contains(&ip));
        if lost || !link.udp || (!link.large && bytes.len() > SMALL) || self.rng.random_bool(link.loss) {
            return;
        }
        for _ in 0..=usize::from(self.rng.random_bool(link.duplicates)) {
            let late = if self.rng.random_bool(link.late.0) {
                self.rng.random_range(Duration::ZERO..=link.late.1)
            } else {
                Duration::ZERO
            };
            let latency = self.latency(id, to) + late;
            self.schedule(latency, to, None, Arrival::Datagram { from, socket, bytes: Arc::clone(bytes) });
        }
    }

    pub(super) fn dial(&mut self, id: HostId, dial: &Dial<'_>) {
        if self.record {
            self.dialed.push((self.elapsed(), id, dial.addr));
        }
        let host = &mut self.hosts[id.0];
        host.note_dial(dial.id, dial.key, dial.addr);
        let life = host.life;
        let ended = |cause| Arrival::DialEnded { dial: dial.id, result: Err(failure(cause)) };
        if let Some(result) = self.rogue_reply(id, dial.addr, dial.request) {
            return self.schedule(ms(1), id, Some(life), Arrival::DialEnded { dial: dial.id, result });
        }
        let (addr, after, result) = self.connect_by(id, dial);
        let server = match result {
            Ok(server) => server,
            Err(cause) => return self.schedule(after, id, Some(life), ended(cause)),
        };
        let from_standby = Some(addr).filter(|addr| *addr != dial.addr);
        let call = Call::Dial { dial: dial.id, from_standby, connected: (self.now + after, after) };
        self.request(
            id,
            server,
            (addr, after),
            Conn { dialer: id, life, call, refused: false },
            dial.request,
        );
        // The dialer's own deadline; the reply comes first, usually.
        self.schedule(dial.timeout, id, Some(life), ended(Cause::NoReply));
    }

    /// A request arrives by a new connection to this address, so long after it was begun.
    pub(super) fn request(
        &mut self,
        id: HostId,
        server: HostId,
        (addr, after): (SocketAddr, Duration),
        mut call: Conn,
        request: &[u8],
    ) {
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        let source = self.hosts[id.0].source(addr.ip()).expect("it connected");
        let from = SocketAddr::from((source, 40_000));
        let shaken = shake_hands(&self.hosts[id.0].config, &self.hosts[server.0].config);
        call.refused = matches!(shaken, Shaken::Refused(_));
        let sealed = matches!(shaken, Shaken::Sealed);
        let request = if let Shaken::Refused(first) = &shaken { first } else { request };
        self.hosts[server.0].conns.insert(conn, call);
        let life = self.hosts[server.0].life;
        self.tcp_bytes += request.len();
        let body = Arc::from(&request[HEADER..]);
        let after = after + self.sent_after(id, server);
        self.schedule(after, server, Some(life), Arrival::Request { conn, from, body, sealed });
    }

    /// Whether it is a request that no longer comes through: its connection stood, and since then what belongs to it vanishes.
    pub(super) fn is_cut_off(&self, server: HostId, what: &Arrival) -> bool {
        let Arrival::Request { conn, .. } = what else { return false };
        self.hosts[server.0].conns.get(conn).is_some_and(|call| self.segments_vanish(call.dialer, server))
    }

    fn segments_vanish(&self, a: HostId, b: HostId) -> bool {
        [self.link_between(a, b), self.link_between(b, a)].iter().any(|link| link.tcp == Tcp::Dropped)
    }

    /// When and how an attempt ends: to the address, or to the one that stands by.
    fn connect_by(&mut self, id: HostId, dial: &Dial<'_>) -> (SocketAddr, Duration, Result<HostId, Cause>) {
        let (mut after, result) = self.connect(id, dial.addr, dial.timeout);
        if dial.is_sparing
            && !self.owners(dial.addr.ip()).is_empty()
            && matches!(result, Err(Cause::TimedOut))
        {
            after = after.min(ONE_SYN);
        }
        let alone = STANDBY_AFTER.min(dial.timeout / 2);
        if result.is_ok() && after <= alone {
            return (dial.addr, after, result);
        }
        let others = dial.standby.iter().map(|standby| (*standby, self.connect(id, *standby, dial.timeout)));
        let others: Vec<_> = others.filter(|(_, (_, other))| other.is_ok()).collect();
        let first = others.into_iter().min_by_key(|(_, (more, _))| *more);
        match first.map(|(standby, (more, other))| (standby, after.min(alone) + more, other)) {
            Some(other) if other.1 < dial.timeout => other,
            _ => (dial.addr, after, result),
        }
    }

    /// When and how a connection attempt ends.
    pub(super) fn connect(
        &mut self,
        id: HostId,
        addr: SocketAddr,
        timeout: Duration,
    ) -> (Duration, Result<HostId, Cause>) {
        let Some(source) = self.hosts[id.0].source(addr.ip()) else {
            return (Duration::ZERO, Err(Cause::NetworkUnreachable));
        };
        let owners = self.owners(addr.ip());
        let Some(&machine) = owners.first() else {
            let absent = self.hosts[id.0].interfaces.iter().any(|i| i.reaches(addr.into()));
            return if absent && NO_NEIGHBOUR < timeout {
                (NO_NEIGHBOUR, Err(Cause::HostUnreachable))
            } else {
                (timeout, Err(Cause::TimedOut))
            };
        };
        let (there, back) = (self.link_between(id, machine), self.link_between(machine, id));
        let rtt = self.latency(id, machine) + self.latency(machine, id);
        let routed_back = self.hosts[machine.0].source(source.into()).is_some();
        let tcp = self.by_address.get(&addr.ip()).copied().unwrap_or(there.tcp);
        match (tcp, back.tcp) {
            (Tcp::Rejected, _) => return (rtt, Err(Cause::Refused)),
            (Tcp::Prohibited, _) => return (rtt, Err(Cause::HostUnreachable)),
            (Tcp::DroppedSyn | Tcp::Dropped, _) | (_, Tcp::Dropped) => {
                return (timeout, Err(Cause::TimedOut));
            }
            _ if !routed_back => return (timeout, Err(Cause::TimedOut)),
            _ => {}
        }
        let after = rtt + self.shaken_after(id, machine);
        if after >= timeout {
            return (timeout, Err(Cause::TimedOut));
        }
        match owners.iter().find(|owner| self.hosts[owner.0].listens(addr.port())) {
            Some(server) => (after, Ok(*server)),
            None => (after, Err(Cause::Refused)),
        }
    }

    pub(super) fn reply(
        &mut self,
        id: HostId,
        conn: ConnId,
        frame: Option<Vec<u8>>,
        tether: Option<TetherId>,
    ) {
        let Some(Conn { dialer, life, call, refused }) = self.hosts[id.0].conns.remove(&conn) else { return };
        if self.segments_vanish(dialer, id) {
            return;
        }
        let is_shut_out = refused;
        let refused = |frame: &[u8]| refused.then(|| check_refusal(&frame[HEADER..]));
        let (dial, from_standby, connected) = match call {
            Call::Dial { dial, from_standby, connected } => (dial, from_standby, connected),
            Call::Tether(asked) => {
                let end = (dialer, life, asked);
                let result = frame.ok_or_else(|| failure(Cause::ClosedEarly));
                let result = result.and_then(|frame| refused(&frame).map_or(Ok(frame), Err));
                return self.by_other_chance(|lan| lan.answer_tether(id, end, result, tether));
            }
        };
        let latency = self.latency(id, dialer);
        let late = self.sent_after(id, dialer);
        let result = match frame {
            Some(frame) => {
                self.tcp_bytes += frame.len();
                let body = Arc::from(&frame[HEADER..]);
                refused(&frame).map_or(Ok(()), Err).map(|()| Replied {
                    from_standby,
                    body,
                    connected,
                    round_trip: latency * 2 + late,
                })
            }
            None if is_shut_out => Err(shut_out()),
            None => Err(failure(Cause::ClosedEarly)),
        };
        self.schedule(latency + late, dialer, Some(life), Arrival::DialEnded { dial, result });
    }
}
