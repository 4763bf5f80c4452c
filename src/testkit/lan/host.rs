//! A host: one engine, its interfaces, and what its machine knows of connections. The engine is watched here: it must never
//! busy-loop, never have two dials of one peer or more than the cap in flight, and never dial port 0.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::engine::api::{ConnId, DialId, TetherId};
use crate::engine::config::Config;
use crate::engine::interface::Interface;
use crate::engine::limits::MAX_DIALS_IN_FLIGHT;
use crate::engine::packet_filter::BlockingRule;
use crate::engine::peers::PeerKey;

use super::HostId;
use super::schedule::Arrival;

/// What waits for a paused process; more is dropped, as a full socket buffer does.
const INBOX: usize = 2_000;
/// So many ticks at one moment are a loop.
const LOOPS: u32 = 100;

/// A host and the node on it.
#[derive(Debug)]
pub struct Host {
    /// Its engine.
    pub engine: Engine,
    /// What the engine was started with.
    pub config: Config,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
    /// What is read of its packet filter when the engine asks.
    pub blocking: Vec<BlockingRule>,
    /// Sends beyond its links by a gateway.
    pub routed: bool,
    /// How often the engine was woken by its own wish.
    pub ticks: u64,
    /// The engine has said its goodbyes.
    pub stopped: bool,
    pub(super) process: Process,
    /// Grows with each start of the process: what was meant for an older one is dropped.
    pub(super) life: u32,
    pub(super) tick_at: Option<Instant>,
    pub(super) starved: Option<Starved>,
    pub(super) dials: HashMap<DialId, (Option<PeerKey>, SocketAddr)>,
    /// The dial that has just ended only looked whether a peer is reached again: nobody is told if it is not.
    pub(super) look_ended: bool,
    /// Tethers that were asked for and not answered yet.
    pub(super) asked: HashSet<TetherId>,
    pub(super) conns: HashMap<ConnId, Conn>,
    inbox: Vec<Arrival>,
    watch: Watch,
}

/// A connection that waits for its reply.
#[derive(Debug, Clone, Copy)]
pub(super) struct Conn {
    pub(super) dialer: HostId,
    /// The life of the dialer's process.
    pub(super) life: u32,
    pub(super) call: Call,
    /// The dialer has a secret that the server does not have: it takes any reply for a refusal.
    pub(super) refused: bool,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Call {
    /// A dial; with the address that stood by, if it went there.
    Dial {
        dial: DialId,
        from_standby: Option<SocketAddr>,
        /// When the connection stands, and how long that takes.
        connected: (Instant, Duration),
    },
    Tether(TetherId),
}

/// A process that is stopped again and again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Starved {
    /// How long it stands still each time.
    pub(super) stopped: Duration,
    /// How long it runs between.
    pub(super) going: Duration,
    /// When it stops or goes on next.
    pub(super) turn_at: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Process {
    Runs,
    Paused,
    /// The machine is there, and refuses.
    Killed,
    /// Nobody answers for its addresses.
    Off,
}

/// Notices an engine that wants to be woken again and again at one moment.
#[derive(Debug, Default)]
struct Watch {
    at: Option<Instant>,
    ticks: u32,
}

impl Host {
    pub(super) fn new(config: Config, interfaces: Vec<Interface>) -> Self {
        Self {
            engine: Engine::new(config.clone()),
            config,
            interfaces,
            blocking: Vec::new(),
            routed: false,
            ticks: 0,
            stopped: false,
            process: Process::Runs,
            life: 0,
            tick_at: None,
            starved: None,
            dials: HashMap::new(),
            look_ended: false,
            asked: HashSet::new(),
            conns: HashMap::new(),
            inbox: Vec::new(),
            watch: Watch::default(),
        }
    }

    pub(super) fn runs(&self) -> bool {
        self.process == Process::Runs
    }

    /// The machine is there, and no process of ours.
    pub(super) fn is_killed(&self) -> bool {
        self.process == Process::Killed
    }

    /// No process of ours runs there.
    pub(super) fn has_ended(&self) -> bool {
        matches!(self.process, Process::Killed | Process::Off)
    }

    /// Its kernel takes connections to this port: those of a paused process wait.
    pub(super) fn listens(&self, port: u16) -> bool {
        matches!(self.process, Process::Runs | Process::Paused) && self.config.tcp_port == port
    }

    pub(super) fn owns(&self, ip: IpAddr) -> bool {
        self.process != Process::Off && self.interfaces.iter().any(|i| i.addr == ip)
    }

    /// A directed broadcast of this link to this port reaches it.
    pub(super) fn hears(&self, link: &Interface, port: u16) -> bool {
        let on_link = |i: &Interface| i.broadcast == link.broadcast && i.prefix == link.prefix;
        self.config.port == port && self.interfaces.iter().any(on_link)
    }

    /// The address that packets to `to` leave from.
    pub(super) fn source(&self, to: IpAddr) -> Option<Ipv4Addr> {
        let own = self.interfaces.iter().find(|i| i.reaches(to.into()) || i.addr == to);
        own.or(self.interfaces.first().filter(|_| self.routed)).and_then(Interface::ipv4)
    }

    /// The process ends: the connections that it had open are returned, for the kernel resets them.
    pub(super) fn end_process(&mut self, process: Process) -> Vec<Conn> {
        self.process = process;
        self.starved = None;
        self.life += 1;
        self.tick_at = None;
        self.inbox.clear();
        self.dials.clear();
        self.asked.clear();
        self.conns.drain().map(|(_, conn)| conn).collect()
    }

    pub(super) fn start_process(&mut self) {
        self.engine = Engine::new(self.config.clone());
        self.process = Process::Runs;
        self.stopped = false;
    }

    /// Keeps what arrives at a paused process.
    pub(super) fn keep(&mut self, what: Arrival) {
        if self.inbox.len() < INBOX {
            self.inbox.push(what);
        }
    }

    /// What waited, as the driver takes it: the alarm first, then what dials have brought, then sockets.
    pub(super) fn resume(&mut self) -> Vec<Arrival> {
        self.process = Process::Runs;
        let mut waiting = std::mem::take(&mut self.inbox);
        waiting.sort_by_key(|arrival| match arrival {
            Arrival::Tick => 0,
            Arrival::DialEnded { .. } | Arrival::TetherAnswered { .. } | Arrival::TetherEnded { .. } => 1,
            _ => 2,
        });
        waiting
    }

    pub(super) fn note_tick(&mut self, now: Instant) {
        self.tick_at = None;
        self.ticks += 1;
        if self.watch.at == Some(now) {
            self.watch.ticks += 1;
            assert!(self.watch.ticks < LOOPS, "{} loops", self.config.name);
        } else {
            self.watch = Watch { at: Some(now), ticks: 0 };
        }
    }

    pub(super) fn note_dial(&mut self, dial: DialId, key: Option<PeerKey>, addr: SocketAddr) {
        let same = |(id, other): (&DialId, &(Option<PeerKey>, SocketAddr))| match (key, other.0) {
            _ if id.is_of_visitor() || dial.is_of_visitor() => false,
            (Some(key), Some(other)) => key == other,
            _ => addr == other.1,
        };
        assert!(!self.dials.iter().any(same), "one dial of a peer at a time");
        self.dials.insert(dial, (key, addr));
        assert!(self.dials.len() <= MAX_DIALS_IN_FLIGHT, "the cap on dials in flight");
        assert_ne!(addr.port(), 0, "no dial to port 0");
    }

    pub(super) fn note_abandoned(&mut self, dial: DialId) {
        let known = self.dials.remove(&dial);
        assert!(known.is_some(), "only a dial in flight is abandoned");
    }
}
