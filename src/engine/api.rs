//! What the engine is told ([`Input`]), what it asks for ([`Output`]), and what people ask of it ([`Command`]). What it
//! publishes is in [`super::event`].

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::address::ZonedIp;
use crate::engine::cause::Failure;
use crate::engine::config::{DialInterval, Target};
use crate::engine::event::{Event, RejectReason, StopReason};
use crate::engine::hardware::HardwareAddr;
use crate::engine::interface::{Interface, LinkIndex};
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::PeerKey;
use crate::proto::DecodeError;

/// One thing that happened, told to the engine.
#[derive(Debug)]
pub enum Input<'a> {
    /// The interfaces that presence is to use, as they are now. The first one starts the node.
    Interfaces(Vec<Interface>),
    /// Of those links that are in one network with another, the ones by which the system sends to that network; it comes before
    /// [`Input::Interfaces`], for those that are told there.
    Routed(Vec<LinkIndex>),
    /// A UDP datagram came in.
    Datagram {
        /// Its source, as the kernel reports it.
        from: SocketAddr,
        /// The link by which it came in; none where the system does not tell.
        link: Option<LinkIndex>,
        /// The socket that received it.
        socket: Socket,
        /// Its payload.
        bytes: &'a [u8],
    },
    /// An ICMP error came in for a datagram of ours. Anybody on the way can forge one.
    Unreachable {
        /// Where the datagram was sent.
        to: SocketAddr,
        /// What is said of it.
        icmp: Icmp,
    },
    /// A dial that [`Output::Dial`] asked for has ended and its connection is closed.
    DialEnded {
        /// Which one.
        dial: DialId,
        /// The reply, or why there is none. Under a secret it was sealed for the connection, as was the request.
        result: Result<Answer<'a>, Failure>,
    },
    /// The connection that [`Output::Tether`] asked for stands and its reply has come, or that failed. Without
    /// [`Output::DropTether`] it is held from here on.
    TetherAnswered {
        /// Which one.
        tether: TetherId,
        /// The reply, undecoded, or why there is none.
        result: Result<&'a [u8], Failure>,
    },
    /// A tether that was held has ended, other than by [`Output::DropTether`].
    TetherEnded {
        /// Which one.
        tether: TetherId,
        /// How.
        end: TetherEnd,
    },
    /// Somebody connected to our TCP server and sent one whole request.
    Request {
        /// Names the connection in [`Output::Reply`].
        conn: ConnId,
        /// The dialer's address.
        from: SocketAddr,
        /// The link of this machine's address that was dialed, if this node does not use it; none for all that it uses, and where the
        /// system does not tell.
        link: Option<LinkIndex>,
        /// The frame's body, or why it could not be read.
        body: Result<&'a [u8], DecodeError>,
        /// The connection was opened with a secret of this node, and the request was sealed for it.
        sealed: bool,
    },
    /// The net turned something away before it could become an input.
    Refused {
        /// Who sent it.
        from: SocketAddr,
        /// Why.
        reason: RejectReason,
    },
    /// The answer to [`Output::Resolve`].
    Resolved {
        /// What was asked.
        target: Target,
        /// Its addresses, the one to try first before the others; of more than [`MAX_ADDRESSES`](super::limits::MAX_ADDRESSES) the
        /// others are ignored. None when the name has none now.
        addrs: Vec<SocketAddr>,
    },
    /// The answer to [`Output::ReadHardware`].
    Hardware {
        /// Whose.
        peer: PeerKey,
        /// Where what is sent to that address went when it was read; none where that is not known.
        hardware: Option<HardwareAddr>,
    },
    /// The answer to [`Output::ReadFilter`]: the rules that are known to stop packets of this node. None where they may not be read.
    FilterRules(Vec<BlockingRule>),
    /// The machine slept, and woke up just now: what did not come meanwhile says nothing of anybody.
    Woke,
    /// This machine is called otherwise, and the node with it.
    Renamed(String),
    /// A person wants something.
    Command(Command),
    /// Time has come: [`Engine::poll_timeout`](super::Engine::poll_timeout) is due.
    Tick,
}

/// An ICMP message of type 3, destination unreachable (RFC 792, RFC 1812 §5.2.7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Icmp {
    /// Why, 0 to 15.
    pub code: u8,
    /// Who says so: the destination itself, or a router; none if the system does not tell.
    pub from: Option<ZonedIp>,
}

/// A reply that came back, undecoded, and how long it took.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The address from which it came, if that is one of those that stood by.
    pub from_standby: Option<SocketAddr>,
    /// The address of this machine from which it was dialed; none where that is not known.
    pub local: Option<IpAddr>,
    /// The frame's body.
    pub body: &'a [u8],
    /// From the start of the dial until the connection stood.
    pub connect: Duration,
    /// From sending the request until the whole reply was read.
    pub rtt: Duration,
}

/// One thing the engine wants done.
#[derive(Debug)]
pub enum Output {
    /// Send a datagram from the private socket.
    Send {
        /// By this link, where others are in the same network; none where the system's routes decide.
        link: Option<LinkIndex>,
        /// A unicast or directed broadcast address.
        to: SocketAddr,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// Send a datagram by the interface that holds this address; from any port.
    SendFrom {
        /// An address of this machine.
        source: Ipv4Addr,
        /// The limited broadcast address.
        to: SocketAddr,
        /// The payload.
        bytes: Vec<u8>,
    },
    /// Dial: connect, send the request, read the reply, close. Ends with [`Input::DialEnded`].
    Dial {
        /// Names the dial.
        dial: DialId,
        /// Where to.
        addr: SocketAddr,
        /// Other addresses of the same peer: connected to as well when the first refuses, or does not answer for half of the
        /// timeout. The first connection that stands is the one.
        standby: Vec<SocketAddr>,
        /// By the link of this name, where others are in the same network; none where the system's routes decide.
        link: Option<Arc<str>>,
        /// The whole frame to send.
        request: Arc<[u8]>,
        /// For all of it together.
        timeout: Duration,
        /// Nobody has proved to be there: the first packet is not to be sent again ([`crate::engine::limits::ONE_SYN`]).
        is_sparing: bool,
    },
    /// Drop this dial and close its connection; no [`Input::DialEnded`] is awaited.
    AbandonDial(DialId),
    /// Answer a request and close; without a frame, close only.
    Reply {
        /// The connection of [`Input::Request`].
        conn: ConnId,
        /// The whole frame.
        frame: Option<Vec<u8>>,
        /// Do not close: hold the connection as this tether, until [`Input::TetherEnded`] or [`Output::DropTether`].
        tether: Option<TetherId>,
    },
    /// Connect, send the request, read the reply, and do not close. Ends with [`Input::TetherAnswered`].
    Tether {
        /// Names it.
        tether: TetherId,
        /// Where to.
        addr: SocketAddr,
        /// By the link of this name, where others are in the same network; none where the system's routes decide.
        link: Option<Arc<str>>,
        /// The whole frame to send.
        request: Arc<[u8]>,
        /// For the connection and the reply together.
        timeout: Duration,
    },
    /// Say farewell on this tether, if it stands, and close it; no [`Input::TetherEnded`] is awaited.
    DropTether(TetherId),
    /// Look a host name up; ends with [`Input::Resolved`].
    Resolve(Target),
    /// A peer exchanged something from an address that another one has, too: see at once to which hardware address this machine
    /// sends what is for that address. Ends with [`Input::Hardware`].
    ReadHardware {
        /// Who it was.
        peer: PeerKey,
        /// The address.
        ip: ZonedIp,
    },
    /// Something is wrong, and it may be this machine's own packet filter: read its rules. Ends with [`Input::FilterRules`].
    ReadFilter {
        /// The interfaces that are used.
        interfaces: Arc<[Interface]>,
        /// The presence port.
        udp: u16,
        /// The port that others dial.
        tcp: u16,
    },
    /// Publish an event.
    Publish(Event),
    /// All goodbyes are said: stop.
    Stop,
}

/// What people ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Dial this peer now; cuts a wait between two attempts short.
    DialNow(PeerKey),
    /// Dial every peer now, as fast as the dial budget allows.
    DialAll,
    /// Dial every peer that is retrying, unreachable or silent now.
    DialFailing,
    /// Dial a peer that broadcasts cannot reach.
    AddPeer(Target),
    /// Dial a member of another segment, and find the members that it knows.
    Join(Target),
    /// Publish an [`Event::Snapshot`].
    RequestSnapshot,
    /// Publish an [`Event::Matrix`].
    RequestMatrix,
    /// Dial each peer so often from now on, as if the node had been started so. Readers learn it with the next [`Event::Snapshot`],
    /// other nodes with this one's rows.
    SetDialInterval(DialInterval),
    /// Drop a peer from the table. One that is heard again is discovered again.
    Forget(PeerKey),
    /// Say goodbye and stop.
    Stop(StopReason),
}

/// Which socket received a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Socket {
    /// The presence port, which several nodes of one host share; the datagram went to everybody.
    Shared,
    /// The same, by a datagram to an address of this machine.
    Addressed,
    /// The same, where the system does not tell to whom the datagram went.
    Untold,
    /// This node's own port.
    Private,
}

impl Socket {
    /// Whose numbers count: those of the presence port, or of the node's own.
    pub(crate) fn port(self) -> Self {
        if self == Self::Private { Self::Private } else { Self::Shared }
    }

    /// Who was asked by what came in there.
    pub(crate) fn asked(self) -> Asked {
        match self {
            Self::Shared => Asked::Everybody,
            Self::Untold => Asked::Unknown,
            Self::Addressed | Self::Private => Asked::ThisNode,
        }
    }
}

/// Who was asked by a datagram: what all nodes answer is many times what somebody sent, perhaps in the name of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All nodes of the link.
    Everybody,
    /// This node alone, or all: the system does not tell.
    Unknown,
    /// This node alone.
    ThisNode,
}

/// Names a dial in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DialId(pub u64);

impl DialId {
    /// Dials of visitors are numbered from here, those of peers from 1.
    pub(crate) const OF_VISITORS: u64 = 1 << 63;

    /// Whether it is that of a visitor, who is no peer.
    pub fn is_of_visitor(self) -> bool {
        self.0 > Self::OF_VISITORS
    }
}

/// Names a tether: a connection that is kept open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TetherId {
    /// This node dialed it.
    Dialed(u64),
    /// It came in as this connection.
    Accepted(ConnId),
}

/// How a tether ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TetherEnd {
    /// The other end's system closed or reset it, and there was no farewell: its process has ended, perhaps.
    Cut,
    /// The other end said farewell.
    Farewell,
    /// Anything else: nobody answers there any longer, or this machine has lost its network.
    Lost,
}

/// Names an inbound connection that waits for its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnId(pub u64);
