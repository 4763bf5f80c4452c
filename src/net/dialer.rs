//! A dial: connect, send one request, read one reply, close.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_ok;
use rand::Rng;
use tokio::io::{AsyncReadExt, Interest, Ready};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use crate::engine::address::ZonedIp;
use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::config::is_host;
use crate::engine::event::Event;
use crate::engine::limits::{ONE_SYN, STANDBY_AFTER};
use crate::engine::peers::PeerInfo;
use crate::engine::retry::RetryPolicy;
use crate::engine::{Incarnation, NodeId, Nonce, check_reply};
use crate::proto::exchange::Request;
use crate::secret::sessions::Sessions;

use super::errno::failure;
use super::interfaces::{self, Selection};
use super::neighbours::hardware_of;
use super::sealing::exchange;

/// How long the server is given to close first after its reply, so that it, not we, keeps the port in `TIME_WAIT`.
const CLOSE_GRACE: Duration = Duration::from_millis(200);

/// How long the address that stands by is given to answer when the first one has refused: what is known already is not to be told late.
const STANDBY_PATIENCE: Duration = Duration::from_secs(1);

/// A reply was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Which of the addresses that stood by it was; none if it was the first one.
    pub from_standby: Option<SocketAddr>,
    /// The address of this machine from which it was dialed.
    pub local: IpAddr,
    /// From the start of the dial until the connection stood.
    pub connect: Duration,
    /// From sending the request until the whole reply was read.
    pub rtt: Duration,
}

/// Where an attempt goes.
#[derive(Debug, Clone)]
pub struct Way {
    /// There first.
    pub addr: SocketAddr,
    /// To these other addresses of the same host when the first refuses, or does not answer for [`STANDBY_AFTER`], at most half of the
    /// timeout (RFC 8305 §5; there the wait is shorter, for any address will do: here the first is the one that is looked at).
    pub standby: Vec<SocketAddr>,
    /// From this address of ours.
    pub source: Option<ZonedIp>,
    /// By the link of this name, also where another one is in the same network; none where the system's routes decide.
    pub link: Option<Arc<str>>,
    /// Under the secret of these: whoever is there must have it, too.
    pub sessions: Option<Arc<Sessions>>,
    /// The first packet is sent once: nobody has proved to be there.
    pub is_sparing: bool,
}

/// What is dialed, and how.
#[derive(Debug, Clone)]
pub struct Dial {
    /// Who, for the events.
    pub peer: Arc<PeerInfo>,
    /// Where: all addresses in the order in which they are tried, at least one.
    pub addrs: Vec<SocketAddr>,
    /// Dial from this address of ours.
    pub source: Option<ZonedIp>,
    /// Under the secret of these.
    pub sessions: Option<Arc<Sessions>>,
    /// The whole frame to send.
    pub request: Arc<[u8]>,
    /// The nonce in it.
    pub nonce: Nonce,
    /// How it is retried.
    pub policy: RetryPolicy,
}

/// One dial with retries: up to `max_attempts` attempts, with the policy's jittered waits between them and none after the
/// last. Of several addresses each is tried at least once, one after the other without a wait, and the waits are between two rounds
/// of them. Each step is reported as the event it is. A notified `hurry` cuts a wait short; dropping the future ends the dial
/// at once and closes its connection.
///
/// # Errors
/// The failure of the last attempt, or of the first that no retry can cure.
pub async fn retryable_dial(
    dial: &Dial,
    hurry: &Notify,
    rng: &mut impl Rng,
    mut report: impl FnMut(Event),
) -> Result<Reached, Failure> {
    let addresses = u32::try_from(dial.addrs.len()).unwrap_or(u32::MAX);
    let max = dial.policy.attempts_at(addresses);
    let mut in_turn = dial.addrs.iter().copied().cycle();
    let peer = || Arc::clone(&dial.peer);
    let mut reply = Vec::new();
    let mut forced = false;
    for attempt in 1.. {
        let to = in_turn.next().unwrap_or(dial.peer.addr.socket_addr());
        let addr = interfaces::told(to);
        report(Event::DialStarted { peer: peer(), addr, attempt, max, forced });
        let sessions = dial.sessions.clone();
        let way = Way {
            addr: to,
            standby: Vec::new(),
            source: dial.source,
            link: None,
            sessions,
            is_sparing: false,
        };
        let result = self::attempt(&way, &dial.request, dial.policy.timeout, &mut reply).await;
        let failure = match result.and_then(|reached| check_reply(&reply, dial.nonce).map(|_| reached)) {
            Ok(reached) => {
                let Reached { connect, rtt, .. } = reached;
                report(Event::DialSucceeded { peer: peer(), addr, attempt, connect, rtt });
                return Ok(reached);
            }
            Err(failure) => failure,
        };
        let wait = dial.policy.wait_after(attempt, addresses, &failure, rng);
        report(Event::dial_failed((&dial.peer, addr), (attempt, max), &failure, wait));
        let Some(wait) = wait else {
            report(Event::DialGaveUp { peer: peer(), addr, attempts: attempt, cause: failure.cause });
            return Err(failure);
        };
        forced = tokio::time::timeout(wait, hurry.notified()).await.is_ok();
    }
    unreachable!("the policy ends the attempts")
}

/// A request of a program that dials once and is no node: it has no server.
pub fn one_shot_request(group: &str, name: &str, id: NodeId, nonce: Nonce) -> Arc<[u8]> {
    let request = Request {
        group,
        id,
        incarnation: Incarnation(0),
        name,
        tcp_port: 0,
        nonce,
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    };
    request.encode().into()
}

/// One attempt. The connection is closed when it returns, whatever happened; `reply` holds the reply's body on success.
///
/// # Errors
/// Why there is no reply, with the cause told from the operation and the system's error.
pub async fn attempt(
    way: &Way,
    request: &[u8],
    timeout: Duration,
    reply: &mut Vec<u8>,
) -> Result<Reached, Failure> {
    let addr = way.addr;
    if !is_host(addr.ip()) || addr.port() == 0 {
        return Err(not_a_host(addr));
    }
    let begun = Instant::now();
    let deadline = begun + timeout;
    let Connection { mut stream, to, local } = connect_by(way, begun, timeout).await?;
    let connected = Instant::now();
    let exchange = exchange(&mut stream, to, way.sessions.as_deref(), request, reply);
    let exchanged = timeout_at(deadline, exchange).await;
    let sent = exchanged.map_err(|_| too_late(Cause::NoReply, "receive", timeout))??;
    let from_standby = (to != addr).then_some(to);
    let reached = Reached { from_standby, local, connect: connected - begun, rtt: sent.elapsed() };
    // The server closes first. One that does not is closed upon.
    let _ = timeout_at((Instant::now() + CLOSE_GRACE).min(deadline), end_of(&mut stream)).await;
    Ok(reached)
}

/// The same without an end: connects, sends the request and reads the reply, and keeps the connection.
///
/// # Errors
/// As those of [`attempt`].
pub(super) async fn converse(
    way: &Way,
    request: &[u8],
    timeout: Duration,
    reply: &mut Vec<u8>,
) -> Result<TcpStream, Failure> {
    let begun = Instant::now();
    let Connection { mut stream, to, .. } = connect_by(way, begun, timeout).await?;
    let exchange = exchange(&mut stream, to, way.sessions.as_deref(), request, reply);
    let exchanged = timeout_at(begun + timeout, exchange).await;
    exchanged.map_err(|_| too_late(Cause::NoReply, "receive", timeout))??;
    Ok(stream)
}

/// Waits until the server closes, or sends more. Mostly the end came with the reply and the runtime knows: that is no system call.
async fn end_of(stream: &mut TcpStream) {
    if !stream.ready(Interest::READABLE).await.is_ok_and(Ready::is_read_closed) {
        let _ = stream.read(&mut [0; 1]).await;
    }
}

/// A connection, and its two ends.
struct Connection {
    stream: TcpStream,
    to: SocketAddr,
    local: IpAddr,
}

/// Connects to the address, or to one that stands by. A failure is that of the first.
async fn connect_by(way: &Way, begun: Instant, timeout: Duration) -> Result<Connection, Failure> {
    let Way { addr, ref standby, source, ref link, .. } = *way;
    let deadline = begun + timeout;
    let mut first = pin!(connect(addr, source, link.as_deref()));
    if way.is_sparing {
        // Before the link knows who is there, no packet has left.
        let early = timeout_at(deadline.min(begun + ONE_SYN), &mut first).await;
        match early {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => return Err(connect_failure(way, &error)),
            Err(_) if hardware_of(addr.into()).is_some() => {
                return Err(too_late(Cause::TimedOut, "connect", ONE_SYN));
            }
            Err(_) => {}
        }
    }
    let alone_until = if standby.is_empty() { deadline } else { begun + STANDBY_AFTER.min(timeout / 2) };
    let failed = match timeout_at(alone_until, &mut first).await {
        Ok(Ok(connected)) => return Ok(connected),
        Ok(Err(error)) => Some(connect_failure(way, &error)),
        Err(_) => None,
    };
    let unanswered = || too_late(Cause::TimedOut, "connect", timeout);
    if standby.is_empty() {
        return Err(failed.unwrap_or_else(unanswered));
    }
    let others = standby.iter().map(|other| Box::pin(connect(*other, source, None)));
    let other = select_ok(others);
    if let Some(failed) = failed {
        let patience = deadline.min(Instant::now() + STANDBY_PATIENCE);
        return match timeout_at(patience, other).await {
            Ok(Ok((connected, _))) => Ok(connected),
            _ => Err(failed),
        };
    }
    // What is said of the other addresses is not what is asked.
    let other = async {
        match other.await {
            Ok((connected, _)) => connected,
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        first = timeout_at(deadline, first) => match first {
            Ok(connected) => connected.map_err(|error| connect_failure(way, &error)),
            Err(_) => Err(unanswered()),
        },
        connected = other => Ok(connected),
    }
}

async fn connect(addr: SocketAddr, source: Option<ZonedIp>, link: Option<&str>) -> io::Result<Connection> {
    let socket = if addr.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(ip) = source.filter(|ip| ip.ip().is_ipv4() == addr.is_ipv4() && !ip.ip().is_unspecified()) {
        socket.bind(ip.at_port(0))?;
    }
    bind_to_link(&socket, link)?;
    acknowledge_with_the_request(&socket);
    let stream = socket.connect(addr).await?;
    // A dial to a closed port of this host within the ephemeral range can meet itself (TCP simultaneous open).
    let local = stream.local_addr()?;
    if local == addr {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    Ok(Connection { stream, to: addr, local: local.ip() })
}

/// Has a connection leave by a link: where two are in one network, no source address decides that.
fn bind_to_link(socket: &TcpSocket, link: Option<&str>) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    if let Some(link) = link {
        return socket.bind_device(Some(link.as_bytes()));
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (socket, link);
    Ok(())
}

fn connect_failure(way: &Way, error: &io::Error) -> Failure {
    let addr = way.addr;
    let mut failure = failure("connect", error);
    if has_no_port(way, error) {
        let (cause, detail) = (Cause::LocalResources, Detail::system("connect: no local port is free"));
        return Failure { cause, detail, retry: Retry::Usual, ..failure };
    }
    if matches!(failure.cause, Cause::NetworkUnreachable | Cause::PermissionDenied) && is_broadcast(addr.ip())
    {
        return not_a_host(addr);
    }
    if failure.cause == Cause::NetworkUnreachable && !has_route(addr) {
        failure.cause = Cause::NoRoute;
    }
    failure
}

/// Whether all local ports are in use, which Linux tells by the same number as a source address that is not ours. Where it is the
/// address that is missing, it is missing for UDP as well.
fn has_no_port(way: &Way, error: &io::Error) -> bool {
    match error.kind() {
        // Ours is bound to any port of it.
        io::ErrorKind::AddrInUse => true,
        io::ErrorKind::AddrNotAvailable => way.source.is_none() && has_route(way.addr),
        _ => false,
    }
}

fn not_a_host(addr: SocketAddr) -> Failure {
    let detail = format!("{addr} is not the address of one host and a port");
    Failure {
        cause: Cause::AddressNotAvailable,
        detail: Detail::system(detail),
        errno: None,
        retry: Retry::Never,
    }
}

/// Whether an address is the directed broadcast of a link of this machine.
fn is_broadcast(ip: IpAddr) -> bool {
    interfaces::usable(&Selection::default())
        .is_ok_and(|all| all.iter().any(|i| i.broadcast.map(IpAddr::V4) == Some(ip)))
}

/// Whether this machine has a route to an address: connecting a UDP socket looks it up and sends nothing.
pub(super) fn has_route(addr: SocketAddr) -> bool {
    let any: IpAddr =
        if addr.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    std::net::UdpSocket::bind((any, 0)).is_ok_and(|socket| socket.connect(addr).is_ok())
}

fn too_late(cause: Cause, operation: &str, timeout: Duration) -> Failure {
    let detail = format!("{operation}: no answer within {}", humantime::format_duration(timeout));
    Failure { cause, detail: Detail::system(detail), errno: None, retry: Retry::Usual }
}

/// Lets the last packet of the handshake travel with the request (Linux: delayed acknowledgement from the start, `tcp(7)`):
/// a packet less, and the server is woken once instead of twice.
fn acknowledge_with_the_request(socket: &tokio::net::TcpSocket) {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    // A saving, not a need.
    let _ = socket2::SockRef::from(socket).set_tcp_quickack(false);
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let _ = socket;
}
