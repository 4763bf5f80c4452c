//! What this machine can do with the sockets of a node, tried on the sockets themselves: whether the ports are free, and
//! whether what this machine sends arrives back at it.
//!
//! The datagrams are goodbyes of an unknown node: they pass the same firewall rules as presence, and every other node
//! ignores them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use rand::TryRng;

use crate::engine::address::ZonedIp;
use crate::engine::interface::Interface;
use crate::engine::{Incarnation, NodeId};
use crate::proto::MAX_DATAGRAM;
use crate::proto::presence::{Kind, Presence};

use super::{servers, udp};

/// What a machine sends to itself arrives within microseconds; this is for a very busy one.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at sockets that have nothing yet.
const PAUSE: Duration = Duration::from_millis(2);

/// What was done when a trial failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelfTestStep {
    /// Taking the port.
    Bind,
    /// Sending to ourselves.
    Send,
    /// Waiting for what was sent.
    Hear,
    /// Connecting to ourselves.
    Connect,
    /// Sending and receiving through the connection.
    Exchange,
}

/// How a trial failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTestFailure {
    /// What was done.
    pub step: SelfTestStep,
    /// The kind of error.
    pub kind: ErrorKind,
    /// In the system's words.
    pub error: String,
}

impl SelfTestFailure {
    /// A step that the system refused.
    #[expect(clippy::needless_pass_by_value, reason = "made to stand in `map_err`")]
    fn new(step: SelfTestStep, error: io::Error) -> Self {
        Self { step, kind: error.kind(), error: error.to_string() }
    }

    fn nothing_came(step: SelfTestStep) -> Self {
        let error = format!("nothing arrived within {}", humantime::format_duration(PATIENCE));
        Self { step, kind: ErrorKind::TimedOut, error }
    }
}

/// How long it took, or how it failed.
pub type Timing = Result<Duration, SelfTestFailure>;

/// What is to be tried.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The name and the group of the node that would run here.
    pub sender: SelfTestSender<'a>,
    /// The presence port.
    pub port: u16,
    /// The port of the TCP server.
    pub tcp_port: u16,
    /// The only address to use; this machine must have it.
    pub bind: Option<ZonedIp>,
    /// The interfaces that the node would use.
    pub used: &'a [Interface],
    /// Another program has the presence port open, too: then it, and not this one, may get what is sent to this machine.
    pub port_is_shared: bool,
}

/// What the sockets of a node can do here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfTest {
    /// Taking the presence port.
    pub udp_port: Result<(), SelfTestFailure>,
    /// Taking the TCP port.
    pub tcp_port: Result<(), SelfTestFailure>,
    /// A datagram from this machine to itself.
    pub udp_loopback: Timing,
    /// A connection from this machine to itself.
    pub tcp_loopback: Timing,
    /// One broadcast on each of the interfaces, in their order.
    pub broadcasts: Vec<Timing>,
}

/// Tries everything. Where a port is refused, the rest is tried on a free one.
pub fn run(plan: &Plan<'_>) -> SelfTest {
    let Plan { sender, port, tcp_port, bind, used, port_is_shared } = *plan;
    let own = bind.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST).into());

    let presence = take_presence_port(own, port);
    // Of several sockets on one port, only one gets a datagram that is no broadcast; it need not be ours.
    let udp_loopback = match &presence {
        Ok(presence) if !port_is_shared => udp_by_way_of(own, presence, sender),
        _ => take_any_udp_port(own).and_then(|any| udp_by_way_of(own, &any, sender)),
    };
    let broadcasts = match &presence {
        Ok(presence) => broadcasts(used, presence, sender),
        Err(_) => match take_any_udp_port(own) {
            Ok(any) => broadcasts(used, &any, sender),
            Err(failure) => vec![Err(failure); used.len()],
        },
    };

    let listener = take_tcp_port(bind.unwrap_or(any_of(own)), tcp_port);
    let (tcp_port, listener) = match listener {
        Ok(listener) => (Ok(()), Ok(listener)),
        Err(failure) => (Err(failure), take_tcp_port(own, 0)),
    };
    let tcp_loopback = listener.and_then(|listener| tcp_by_way_of(own, &listener));
    SelfTest { udp_port: presence.map(drop), tcp_port, udp_loopback, tcp_loopback, broadcasts }
}

/// Takes the presence port as a node does: shared with other nodes of this machine.
fn take_presence_port(own: ZonedIp, port: u16) -> Result<UdpSocket, SelfTestFailure> {
    let open = if own.ip().is_ipv4() { udp::open_shared } else { udp::open_shared_ipv6 };
    open(port).map_err(|e| SelfTestFailure::new(SelfTestStep::Bind, e))
}

/// Takes a TCP port as a node does; 0 takes any that is free.
fn take_tcp_port(ip: ZonedIp, port: u16) -> Result<TcpListener, SelfTestFailure> {
    servers::listen_on(ip, port).map_err(|e| SelfTestFailure::new(SelfTestStep::Bind, e))
}

/// In whose name datagrams are sent.
#[derive(Debug, Clone, Copy)]
pub struct SelfTestSender<'a> {
    /// The name of a node.
    pub name: &'a str,
    /// Its group.
    pub group: &'a str,
}

impl SelfTestSender<'_> {
    /// What every node ignores: a goodbye of one that it does not know. No two are alike.
    fn goodbye(&self, socket: &UdpSocket) -> Result<Vec<u8>, SelfTestFailure> {
        let own = socket.local_addr().map_err(|e| SelfTestFailure::new(SelfTestStep::Send, e))?;
        let goodbye = Presence {
            kind: Kind::Goodbye,
            group: self.group,
            id: NodeId(u128::from_ne_bytes(token(SelfTestStep::Send)?)),
            incarnation: Incarnation(1),
            sequence: 1,
            name: self.name,
            tcp_port: 0,
            udp_port: own.port(),
            period_ms: 1_000,
            claimed: own.ip(),
            nonce: None,
            echo: None,
            prefix: None,
            wide: None,
            suspicion: None,
            rows: None,
            visitor: None,
            tag: None,
            membership: None,
        };
        Ok(goodbye.encode())
    }
}

/// Sends one datagram to a socket of ours by way of `ip`, an address of this machine.
fn udp_by_way_of(ip: ZonedIp, receiver: &UdpSocket, from: SelfTestSender<'_>) -> Timing {
    let began = now();
    let port = receiver.local_addr().map_err(|e| SelfTestFailure::new(SelfTestStep::Send, e))?.port();
    let socket = udp::open_private(ip, 0).map_err(|e| SelfTestFailure::new(SelfTestStep::Bind, e))?;
    let goodbye = from.goodbye(&socket)?;
    socket.send_to(&goodbye, ip.at_port(port)).map_err(|e| SelfTestFailure::new(SelfTestStep::Send, e))?;
    wait(SelfTestStep::Hear, began, || heard(receiver, |bytes| bytes == goodbye))
}

/// A UDP socket of ours alone, on any free port of all addresses: where the presence port cannot be had.
fn take_any_udp_port(own: ZonedIp) -> Result<UdpSocket, SelfTestFailure> {
    udp::open_private(any_of(own), 0).map_err(|e| SelfTestFailure::new(SelfTestStep::Bind, e))
}

/// All addresses of the family of this one.
fn any_of(own: ZonedIp) -> ZonedIp {
    match own.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED).into(),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED).into(),
    }
}

/// Connects to a listener of ours by way of `ip`, and sends a few bytes through.
fn tcp_by_way_of(ip: ZonedIp, listener: &TcpListener) -> Timing {
    let began = now();
    let token = token(SelfTestStep::Connect)?;
    let port = listener.local_addr().map_err(|e| SelfTestFailure::new(SelfTestStep::Connect, e))?.port();
    let mut dialer = TcpStream::connect_timeout(&ip.at_port(port), PATIENCE)
        .map_err(|e| SelfTestFailure::new(SelfTestStep::Connect, e))?;
    let own = dialer.local_addr().map_err(|e| SelfTestFailure::new(SelfTestStep::Connect, e))?;
    dialer.write_all(&token).map_err(|e| SelfTestFailure::new(SelfTestStep::Exchange, e))?;
    let mut served = None;
    wait(SelfTestStep::Connect, began, || match listener.accept() {
        // Others may find the port open, too.
        Ok((stream, from)) if from == own => {
            served = Some(stream);
            Ok(true)
        }
        Ok(_) => Ok(false),
        Err(e) if e.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(e) => Err(e),
    })?;
    let Some(mut served) = served else { return Err(SelfTestFailure::nothing_came(SelfTestStep::Connect)) };
    let mut came = [0; TOKEN];
    let exchange = served
        .set_nonblocking(false)
        .and_then(|()| served.set_read_timeout(Some(PATIENCE)))
        .and_then(|()| served.read_exact(&mut came));
    match exchange {
        Ok(()) if came == token => {
            let took = began.elapsed();
            // Who closes first keeps the connection for a minute: were it the port's, other programs could not have it.
            drop(dialer);
            let _ = served.read(&mut came);
            Ok(took)
        }
        Ok(()) => Err(SelfTestFailure::new(SelfTestStep::Exchange, ErrorKind::InvalidData.into())),
        // The system says so in one of two ways, in words that tell nobody anything.
        Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Err(SelfTestFailure::nothing_came(SelfTestStep::Exchange))
        }
        Err(e) => Err(SelfTestFailure::new(SelfTestStep::Exchange, e)),
    }
}

/// Sends one broadcast on each link, to the port of a socket of ours, and listens whether we hear it: who broadcasts hears
/// itself. The outcomes are in the order of the interfaces.
fn broadcasts(interfaces: &[Interface], receiver: &UdpSocket, from: SelfTestSender<'_>) -> Vec<Timing> {
    let began = now();
    let sent: Vec<_> = interfaces.iter().map(|interface| broadcast(interface, receiver, from)).collect();
    let mut outcomes: Vec<Timing> = sent
        .iter()
        .map(|sent| {
            sent.as_ref().map_err(Clone::clone).and(Err(SelfTestFailure::nothing_came(SelfTestStep::Hear)))
        })
        .collect();
    let mut waiting = sent.iter().filter(|sent| sent.is_ok()).count();
    // What fails here has failed for each of them, which is what their outcomes say.
    let _ = wait(SelfTestStep::Hear, began, || {
        let mut came = |bytes: &[u8]| {
            if let Some(nth) =
                sent.iter().position(|sent| sent.as_ref().is_ok_and(|goodbye| bytes == goodbye))
                && outcomes[nth].is_err()
            {
                outcomes[nth] = Ok(began.elapsed());
                waiting -= 1;
            }
            false
        };
        heard(receiver, &mut came)?;
        Ok(waiting == 0)
    });
    outcomes
}

fn broadcast(
    interface: &Interface,
    to: &UdpSocket,
    from: SelfTestSender<'_>,
) -> Result<Vec<u8>, SelfTestFailure> {
    let port = to.local_addr().map_err(|e| SelfTestFailure::new(SelfTestStep::Send, e))?.port();
    let socket = udp::open_private(interface.zoned_ip(), 0)
        .map_err(|e| SelfTestFailure::new(SelfTestStep::Bind, e))?;
    let goodbye = from.goodbye(&socket)?;
    socket
        .send_to(&goodbye, (interface.broadcast.unwrap_or(Ipv4Addr::BROADCAST), port))
        .map_err(|e| SelfTestFailure::new(SelfTestStep::Send, e))?;
    Ok(goodbye)
}

/// Bytes that tell what we sent from what others send.
const TOKEN: usize = 16;

fn token(step: SelfTestStep) -> Result<[u8; TOKEN], SelfTestFailure> {
    let mut token = [0; TOKEN];
    let filled = rand::rngs::SysRng.try_fill_bytes(&mut token);
    filled.map_err(|e| SelfTestFailure::new(step, io::Error::other(e.to_string())))?;
    Ok(token)
}

/// Takes what a socket holds until one of it is wanted.
fn heard(socket: &UdpSocket, mut wanted: impl FnMut(&[u8]) -> bool) -> io::Result<bool> {
    /// At once: who floods us does not keep us from noticing that the time is over.
    const MOST: usize = 1_000;
    let mut bytes = [0; MAX_DATAGRAM + 1];
    for _ in 0..MOST {
        match socket.recv(&mut bytes) {
            Ok(n) if wanted(&bytes[..n]) => return Ok(true),
            Ok(_) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => break,
            // Windows: longer than the buffer, so it is not ours; or nobody listens where another datagram went.
            Err(_) if cfg!(windows) => {}
            Err(e) => return Err(e),
        }
    }
    Ok(false)
}

/// Asks until it is done or the patience is over.
fn wait(step: SelfTestStep, began: Instant, mut done: impl FnMut() -> io::Result<bool>) -> Timing {
    loop {
        let elapsed = began.elapsed();
        match done() {
            Ok(true) => return Ok(began.elapsed()),
            Ok(false) if elapsed >= PATIENCE => return Err(SelfTestFailure::nothing_came(step)),
            Ok(false) => std::thread::sleep(PAUSE),
            Err(error) => return Err(SelfTestFailure::new(step, error)),
        }
    }
}

fn now() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "measures a trial")]
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: Ipv4Addr = Ipv4Addr::new(127, 77, 9, 1);

    fn ours() -> ZonedIp {
        IpAddr::V4(OURS).into()
    }

    const SENDER: SelfTestSender<'_> = SelfTestSender { name: "doctor", group: "test" };

    #[test]
    fn on_loopback_both_ports_reach_themselves() {
        let receiver = take_any_udp_port(ours()).unwrap();
        assert_eq!(udp_by_way_of(ours(), &receiver, SENDER).map(|_| ()), Ok(()));
        let listener = take_tcp_port(ours(), 0).unwrap();
        assert_eq!(tcp_by_way_of(ours(), &listener).map(|_| ()), Ok(()));
    }

    #[test]
    fn a_broadcast_on_loopback_is_heard_and_one_from_an_address_of_others_is_not() {
        let lo = Interface::new("lo", Ipv4Addr::LOCALHOST, 8).unwrap();
        let not_ours = Interface::new("eth9", Ipv4Addr::new(192, 0, 2, 1), 24).unwrap();
        let outcomes = broadcasts(&[not_ours, lo], &take_any_udp_port(ours()).unwrap(), SENDER);
        assert_eq!(outcomes[0].as_ref().unwrap_err().step, SelfTestStep::Bind);
        assert!(outcomes[1].is_ok(), "{outcomes:?}");
    }

    #[test]
    fn what_is_sent_is_a_sound_goodbye() {
        let socket = take_any_udp_port(ours()).unwrap();
        let bytes = SENDER.goodbye(&socket).unwrap();
        let read = Presence::decode(&bytes).unwrap();
        assert_eq!((read.kind, read.name, read.group), (Kind::Goodbye, "doctor", "test"));
        assert_ne!(bytes, SENDER.goodbye(&socket).unwrap());
    }

    #[test]
    fn a_port_that_is_taken_and_not_shared_is_refused() {
        let holder = UdpSocket::bind((OURS, 0)).unwrap();
        let failed = take_presence_port(ours(), holder.local_addr().unwrap().port()).unwrap_err();
        assert_eq!((failed.step, failed.kind), (SelfTestStep::Bind, ErrorKind::AddrInUse));
        let holder = TcpListener::bind((OURS, 0)).unwrap();
        let failed = take_tcp_port(ours(), holder.local_addr().unwrap().port()).unwrap_err();
        assert_eq!((failed.step, failed.kind), (SelfTestStep::Bind, ErrorKind::AddrInUse));
    }
}
