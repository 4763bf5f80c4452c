//! An in-memory network of engines with simulated time: hosts, links, faults. No socket, no clock; a seed replays.
//!
//! Each host is one engine with its interfaces. What the engines ask for is carried out here: datagrams travel with the
//! latency, loss and duplication of their link, dials end as Linux would end them. Every engine is watched all the time:
//! it must never busy-loop, never have two dials of one peer or more than the cap in flight, never dial what it may not,
//! and every dial that it starts must end in exactly one way.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vigie::engine::cause::{Cause, Detail, Failure, Retry};
use vigie::engine::config::{Config, DEFAULT_PORT, Target};
use vigie::engine::event::{Answer, Command, ConnId, DialId, Event, Input, Output, Socket, StopReason};
use vigie::engine::interface::Interface;
use vigie::engine::limits::MAX_DIALS_IN_FLIGHT;
use vigie::engine::peers::{PeerKey, PeerSnapshot, PeerState};
use vigie::engine::retry::RetryPolicy;
use vigie::engine::{Engine, Incarnation, NodeId, Nonce};
use vigie::proto::exchange::HEADER;
use vigie::proto::presence::{Kind, Presence};

/// After so long Linux reports that nobody answers for an address on a link.
pub const NO_NEIGHBOUR: Duration = Duration::from_millis(3_060);

pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

pub fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub fn t0() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "any starting point will do")]
    Instant::now()
}

/// The contract's defaults, for the `n`th node.
pub fn config(n: u64) -> Config {
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&n.to_le_bytes());
    Config {
        id: NodeId(u128::from(n) + 1),
        incarnation: Incarnation(1_000),
        name: format!("h{n}"),
        group: "default".into(),
        port: DEFAULT_PORT,
        tcp_port: DEFAULT_PORT,
        udp_port: 30_000,
        interval: secs(5),
        silent_after: 3,
        dial_interval: secs(10),
        retry: RetryPolicy { max_attempts: 5, delay: secs(2), backoff: 1.5, timeout: secs(4) },
        dial_rate: 50,
        peers: Vec::new(),
        seed,
    }
}

/// `10.0.0.1/24` as `eth0`, or `wlan0=10.0.0.1/24`.
pub fn interface(text: &str) -> Interface {
    let (name, net) = text.split_once('=').unwrap_or(("eth0", text));
    let (addr, prefix) = net.split_once('/').unwrap();
    Interface::new(name, addr.parse().unwrap(), prefix.parse().unwrap()).unwrap()
}

/// A presence of the node with this id, to be changed as a test needs it.
pub fn presence(kind: Kind, id: u128, sequence: u64) -> Presence<'static> {
    Presence {
        kind,
        group: "default",
        id: NodeId(id),
        incarnation: Incarnation(1_000),
        sequence,
        name: "stranger",
        tcp_port: DEFAULT_PORT,
        udp_port: 30_000,
        period_ms: 5_000,
        claimed: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        nonce: None,
        echo: None,
        prefix: Some(16),
        wide: None,
    }
}

pub fn failure(cause: Cause) -> Failure {
    let retry = match cause {
        Cause::HostUnreachable | Cause::NetworkUnreachable | Cause::NoRoute => Retry::OnLinkChange,
        _ => Retry::Usual,
    };
    Failure { cause, detail: Detail::system(cause.as_str()), errno: None, retry }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub usize);

/// What happens to TCP segments of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tcp {
    Open,
    Dropped,
    /// Only those that open a connection.
    DroppedSyn,
    Rejected,
    /// By an ICMP message that says that the host cannot be reached.
    Prohibited,
}

/// One direction between two hosts.
#[derive(Debug, Clone, Copy)]
pub struct Link {
    pub latency: (Duration, Duration),
    /// Of datagrams: share lost, and share delivered twice.
    pub loss: f64,
    pub duplicates: f64,
    /// Share of datagrams that arrive up to this much later, behind others.
    pub late: (f64, Duration),
    pub udp: bool,
    /// Broadcasts, too.
    pub broadcast: bool,
    pub tcp: Tcp,
    /// Datagrams of more than 1 300 bytes.
    pub large: bool,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            latency: (Duration::from_micros(100), Duration::from_micros(300)),
            loss: 0.0,
            duplicates: 0.0,
            late: (0.0, Duration::ZERO),
            udp: true,
            broadcast: true,
            tcp: Tcp::Open,
            large: true,
        }
    }
}

/// An event of one host, with the time since the beginning.
#[derive(Debug, Clone)]
pub struct Logged {
    pub at: Duration,
    pub host: HostId,
    pub event: Event,
}

/// A datagram that a host sent.
#[derive(Debug, Clone)]
pub struct Sent {
    pub at: Duration,
    pub host: HostId,
    pub to: SocketAddr,
    pub bytes: Arc<[u8]>,
}

pub struct Host {
    pub engine: Engine,
    pub config: Config,
    pub interfaces: Vec<Interface>,
    /// Sends beyond its links by a gateway.
    pub routed: bool,
    pub ticks: u64,
    pub stopped: bool,
    process: Process,
    /// Grows with each start of the process: what was meant for an older one is dropped.
    life: u32,
    tick_at: Option<Instant>,
    dials: HashMap<DialId, PeerKey>,
    conns: HashMap<ConnId, (HostId, u32, DialId)>,
    inbox: Vec<Arrival>,
    watch: Watch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    Runs,
    Paused,
    /// The machine is there, and refuses.
    Killed,
    /// Nobody answers for its addresses.
    Off,
}

/// Notices an engine that wants to be woken again and again at one moment.
#[derive(Default)]
struct Watch {
    at: Option<Instant>,
    ticks: u32,
}

#[derive(Debug, Clone)]
enum Arrival {
    Tick,
    Datagram { from: SocketAddr, socket: Socket, bytes: Arc<[u8]> },
    Request { conn: ConnId, from: SocketAddr, body: Arc<[u8]> },
    DialEnded { dial: DialId, result: Result<(Arc<[u8]>, Duration), Failure> },
}

struct Scheduled {
    at: Instant,
    /// Makes the order of what is due together the order of scheduling.
    nth: u64,
    host: HostId,
    /// None: whatever process runs there by then.
    life: Option<u32>,
    what: Arrival,
}

impl PartialEq for Scheduled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Scheduled {}
impl PartialOrd for Scheduled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Scheduled {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.nth).cmp(&(other.at, other.nth))
    }
}

pub struct Lan {
    pub start: Instant,
    pub now: Instant,
    pub hosts: Vec<Host>,
    /// Of every pair that has no link of its own in `links`.
    pub link: Link,
    pub links: HashMap<(HostId, HostId), Link>,
    pub log: Vec<Logged>,
    pub sent: Vec<Sent>,
    /// Whether `log` and `sent` are written.
    pub record: bool,
    /// Bytes of requests and replies.
    pub tcp_bytes: usize,
    rng: StdRng,
    queue: BinaryHeap<Reverse<Scheduled>>,
    nth: u64,
    last_conn: u64,
}

impl Lan {
    pub fn new(seed: u64) -> Self {
        let start = t0();
        Self {
            start,
            now: start,
            hosts: Vec::new(),
            link: Link::default(),
            links: HashMap::new(),
            log: Vec::new(),
            sent: Vec::new(),
            record: true,
            tcp_bytes: 0,
            rng: StdRng::seed_from_u64(seed),
            queue: BinaryHeap::new(),
            nth: 0,
            last_conn: 0,
        }
    }

    /// Starts a node on a new host.
    pub fn host(&mut self, net: &str) -> HostId {
        self.host_with(&[net], |_| {})
    }

    /// Starts `n` nodes at 10.0.x.y/16.
    pub fn hosts(&mut self, n: usize) -> Vec<HostId> {
        (0..n).map(|i| self.host(&format!("10.0.{}.{}/16", i / 250, i % 250 + 1))).collect()
    }

    pub fn host_with(&mut self, nets: &[&str], change: impl FnOnce(&mut Config)) -> HostId {
        let id = HostId(self.hosts.len());
        let mut config = config(id.0 as u64);
        change(&mut config);
        // Otherwise every run of a scenario would be the same.
        config.seed[16..24].copy_from_slice(&self.rng.random::<u64>().to_le_bytes());
        self.hosts.push(Host {
            engine: Engine::new(config.clone()),
            config,
            interfaces: nets.iter().map(|net| interface(net)).collect(),
            routed: false,
            ticks: 0,
            stopped: false,
            process: Process::Runs,
            life: 0,
            tick_at: None,
            dials: HashMap::new(),
            conns: HashMap::new(),
            inbox: Vec::new(),
            watch: Watch::default(),
        });
        self.tell_interfaces(id);
        id
    }

    pub fn elapsed(&self) -> Duration {
        self.now - self.start
    }

    // Faults.

    /// kill -9: the machine goes on.
    pub fn kill(&mut self, host: HostId) {
        self.end_process(host, Process::Killed);
    }

    /// The machine is switched off.
    pub fn switch_off(&mut self, host: HostId) {
        self.end_process(host, Process::Off);
    }

    fn end_process(&mut self, id: HostId, process: Process) {
        let host = &mut self.hosts[id.0];
        host.process = process;
        host.life += 1;
        host.tick_at = None;
        host.inbox.clear();
        host.dials.clear();
        // The kernel resets what was open.
        let conns: Vec<_> = host.conns.drain().map(|(_, conn)| conn).collect();
        for (dialer, life, dial) in conns {
            let latency = self.latency(id, dialer);
            let what = Arrival::DialEnded { dial, result: Err(failure(Cause::Reset)) };
            self.schedule(latency, dialer, Some(life), what);
        }
    }

    /// A new process on the same host; its id and incarnation are the caller's choice.
    pub fn restart(&mut self, id: HostId, change: impl FnOnce(&mut Config)) {
        if self.hosts[id.0].process == Process::Runs {
            self.kill(id);
        }
        let seed: u64 = self.rng.random();
        let host = &mut self.hosts[id.0];
        host.config.seed[16..24].copy_from_slice(&seed.to_le_bytes());
        change(&mut host.config);
        host.engine = Engine::new(host.config.clone());
        host.process = Process::Runs;
        host.stopped = false;
        self.tell_interfaces(id);
    }

    /// SIGSTOP: no input comes in, and what arrives waits.
    pub fn pause(&mut self, id: HostId) {
        self.hosts[id.0].process = Process::Paused;
    }

    pub fn resume(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        host.process = Process::Runs;
        let mut waiting = std::mem::take(&mut host.inbox);
        // As the driver does it: the alarm first, then what dials have brought, then sockets.
        waiting.sort_by_key(|arrival| match arrival {
            Arrival::Tick => 0,
            Arrival::DialEnded { .. } => 1,
            _ => 2,
        });
        for arrival in waiting {
            self.arrive(id, arrival);
        }
    }

    pub fn set_interfaces(&mut self, id: HostId, nets: &[&str]) {
        self.hosts[id.0].interfaces = nets.iter().map(|net| interface(net)).collect();
        self.tell_interfaces(id);
    }

    fn tell_interfaces(&mut self, id: HostId) {
        let interfaces = self.hosts[id.0].interfaces.clone();
        self.tell(id, Input::Interfaces(interfaces));
    }

    /// Changes the link in both directions.
    pub fn between(&mut self, a: HostId, b: HostId, change: impl Fn(&mut Link)) {
        self.towards(a, b, &change);
        self.towards(b, a, &change);
    }

    /// Changes the link in one direction.
    pub fn towards(&mut self, from: HostId, to: HostId, change: impl FnOnce(&mut Link)) {
        change(self.links.entry((from, to)).or_insert(self.link));
    }

    /// Cuts all links between the two sides.
    pub fn partition(&mut self, one: &[HostId], other: &[HostId]) {
        for &a in one {
            for &b in other {
                self.between(a, b, |link| {
                    link.udp = false;
                    link.tcp = Tcp::Dropped;
                });
            }
        }
    }

    pub fn heal(&mut self) {
        self.links.clear();
    }

    // Time.

    pub fn run_for(&mut self, duration: Duration) {
        self.run_until_time(self.now + duration);
    }

    fn run_until_time(&mut self, end: Instant) {
        while self.queue.peek().is_some_and(|Reverse(next)| next.at <= end) {
            self.step();
        }
        self.now = end;
    }

    /// Runs until this holds, looking every millisecond; the time that it took, none if not within `limit`.
    pub fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> Option<Duration> {
        let begun = self.now;
        while !holds(self) {
            if self.now - begun >= limit {
                return None;
            }
            self.run_for(ms(1));
        }
        Some(self.now - begun)
    }

    fn step(&mut self) {
        let Some(Reverse(next)) = self.queue.pop() else { return };
        self.now = next.at;
        let host = &mut self.hosts[next.host.0];
        if next.life.is_some_and(|life| life != host.life) {
            return;
        }
        match next.what {
            Arrival::Tick if host.tick_at != Some(next.at) => {}
            _ if host.process == Process::Paused => {
                if host.inbox.len() < 2_000 {
                    host.inbox.push(next.what);
                }
            }
            what => self.arrive(next.host, what),
        }
    }

    fn schedule(&mut self, after: Duration, host: HostId, life: Option<u32>, what: Arrival) {
        self.nth += 1;
        self.queue.push(Reverse(Scheduled { at: self.now + after, nth: self.nth, host, life, what }));
    }

    fn arrive(&mut self, id: HostId, what: Arrival) {
        let host = &mut self.hosts[id.0];
        if host.process != Process::Runs {
            return;
        }
        match what {
            Arrival::Tick => {
                host.tick_at = None;
                host.ticks += 1;
                if host.watch.at == Some(self.now) {
                    host.watch.ticks += 1;
                    assert!(host.watch.ticks < 100, "{id:?} loops at {:?}", self.now - self.start);
                } else {
                    host.watch = Watch { at: Some(self.now), ticks: 0 };
                }
                self.tell(id, Input::Tick);
            }
            Arrival::Datagram { from, socket, bytes } => {
                self.tell(id, Input::Datagram { from, socket, bytes: &bytes });
            }
            Arrival::Request { conn, from, body } => {
                self.tell(id, Input::Request { conn, from, body: Ok(&body) });
            }
            Arrival::DialEnded { dial, result } => {
                if host.dials.remove(&dial).is_none() {
                    return;
                }
                let result = match &result {
                    Ok((body, rtt)) => Ok(Answer { body, connect: *rtt, rtt: *rtt }),
                    Err(failure) => Err(failure.clone()),
                };
                self.tell(id, Input::DialEnded { dial, result });
            }
        }
    }

    // The engine's side.

    pub fn command(&mut self, host: HostId, command: Command) {
        self.tell(host, Input::Command(command));
    }

    /// A datagram comes in now, from whoever the test says.
    pub fn forge(&mut self, to: HostId, from: &str, presence: &Presence<'_>) {
        let bytes = presence.encode();
        self.tell(to, Input::Datagram { from: from.parse().unwrap(), socket: Socket::Shared, bytes: &bytes });
    }

    pub fn tell(&mut self, id: HostId, input: Input<'_>) {
        let ended = matches!(input, Input::DialEnded { .. });
        let mut ends = 0;
        let mut starting = None;
        self.hosts[id.0].engine.handle(input, self.now);
        while let Some(output) = self.hosts[id.0].engine.poll_output() {
            match output {
                Output::Publish(event) => {
                    match &event {
                        Event::DialStarted { peer, .. } => starting = Some(peer.key),
                        Event::DialSucceeded { .. } | Event::DialFailed { .. } => ends += 1,
                        _ => {}
                    }
                    if self.record {
                        self.log.push(Logged { at: self.elapsed(), host: id, event });
                    }
                }
                Output::Dial { dial, addr, request, timeout } => {
                    let key = starting.take().expect("each dial is announced by its event");
                    self.dial(id, dial, key, addr, &request, timeout);
                }
                other => self.perform(id, other),
            }
        }
        assert_eq!(ends, usize::from(ended), "a dial that ended succeeded or failed, and no other did");
        let host = &mut self.hosts[id.0];
        let due = host.engine.poll_timeout();
        if due != host.tick_at {
            host.tick_at = due.map(|due| due.max(self.now));
            if let Some(at) = host.tick_at {
                let life = host.life;
                self.schedule(at - self.now, id, Some(life), Arrival::Tick);
            }
        }
    }

    fn perform(&mut self, id: HostId, output: Output) {
        match output {
            Output::Send { to, bytes } => self.send(id, to, &bytes.into()),
            Output::AbandonDial(dial) => {
                let known = self.hosts[id.0].dials.remove(&dial);
                assert!(known.is_some(), "only a dial in flight is abandoned");
            }
            Output::SendFrom { source, bytes, .. } => self.send_wide(id, source, &bytes.into()),
            Output::Reply { conn, frame } => self.reply(id, conn, frame),
            Output::Resolve(target) => self.resolve(id, target),
            Output::Stop => self.hosts[id.0].stopped = true,
            Output::Dial { .. } | Output::Publish(_) => unreachable!("done by the caller"),
        }
    }

    fn resolve(&mut self, id: HostId, target: Target) {
        let found = self.hosts.iter().find(|h| h.config.name == target.host);
        let addr = found.map(|h| SocketAddr::from((h.interfaces[0].addr, target.port)));
        self.tell(id, Input::Resolved { target, addr });
    }

    // The network's side.

    fn link_between(&self, from: HostId, to: HostId) -> Link {
        self.links.get(&(from, to)).copied().unwrap_or(self.link)
    }

    fn latency(&mut self, from: HostId, to: HostId) -> Duration {
        let (least, most) = self.link_between(from, to).latency;
        self.rng.random_range(least..=most)
    }

    /// The address that packets to `to` leave from.
    fn source(&self, id: HostId, to: IpAddr) -> Option<Ipv4Addr> {
        let host = &self.hosts[id.0];
        let own = host.interfaces.iter().find(|i| i.reaches(to) || i.addr == to);
        own.or(host.interfaces.first().filter(|_| host.routed)).map(|i| i.addr)
    }

    fn owners(&self, ip: IpAddr) -> Vec<HostId> {
        let owns = |h: &Host| h.process != Process::Off && h.interfaces.iter().any(|i| i.addr == ip);
        self.hosts.iter().enumerate().filter(|(_, h)| owns(h)).map(|(i, _)| HostId(i)).collect()
    }

    fn send(&mut self, id: HostId, to: SocketAddr, bytes: &Arc<[u8]>) {
        if self.record {
            self.sent.push(Sent { at: self.elapsed(), host: id, to, bytes: Arc::clone(bytes) });
        }
        let port = self.hosts[id.0].config.udp_port;
        let link = self.hosts[id.0].interfaces.iter().find(|i| IpAddr::V4(i.broadcast) == to.ip()).cloned();
        if let Some(link) = link {
            let from = SocketAddr::from((link.addr, port));
            for i in 0..self.hosts.len() {
                let hears = |h: &Host| {
                    h.config.port == to.port()
                        && h.interfaces
                            .iter()
                            .any(|i| i.broadcast == link.broadcast && i.prefix == link.prefix)
                };
                if hears(&self.hosts[i]) {
                    self.broadcast(id, HostId(i), from, bytes);
                }
            }
            return;
        }
        let Some(source) = self.source(id, to.ip()) else { return };
        let from = SocketAddr::from((source, port));
        for owner in self.owners(to.ip()) {
            let config = &self.hosts[owner.0].config;
            if config.udp_port == to.port() {
                self.transmit(id, owner, from, Socket::Private, bytes);
            } else if config.port == to.port() {
                self.transmit(id, owner, from, Socket::Shared, bytes);
            }
        }
    }

    /// The limited broadcast reaches everybody who has a cable.
    fn send_wide(&mut self, id: HostId, source: Ipv4Addr, bytes: &Arc<[u8]>) {
        let from = SocketAddr::from((source, 45_000));
        for i in 0..self.hosts.len() {
            if !self.hosts[i].interfaces.is_empty() {
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
        if !link.udp || (!link.large && bytes.len() > 1_300) || self.rng.random_bool(link.loss) {
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

    fn dial(
        &mut self,
        id: HostId,
        dial: DialId,
        key: PeerKey,
        addr: SocketAddr,
        request: &[u8],
        timeout: Duration,
    ) {
        let host = &mut self.hosts[id.0];
        assert!(host.dials.values().all(|other| *other != key), "one dial of a peer at a time");
        host.dials.insert(dial, key);
        assert!(host.dials.len() <= MAX_DIALS_IN_FLIGHT, "the cap on dials in flight");
        assert_ne!(addr.port(), 0, "no dial to port 0");
        let life = host.life;
        let (after, result) = self.connect(id, addr, timeout);
        let server = match result {
            Ok(server) => server,
            Err(cause) => {
                let what = Arrival::DialEnded { dial, result: Err(failure(cause)) };
                return self.schedule(after, id, Some(life), what);
            }
        };
        self.last_conn += 1;
        let conn = ConnId(self.last_conn);
        let source = self.source(id, addr.ip()).expect("it connected");
        let from = SocketAddr::from((source, 40_000));
        self.hosts[server.0].conns.insert(conn, (id, life, dial));
        let server_life = self.hosts[server.0].life;
        self.tcp_bytes += request.len();
        let body = Arc::from(&request[HEADER..]);
        self.schedule(after, server, Some(server_life), Arrival::Request { conn, from, body });
        // The dialer's own deadline; the reply comes first, usually.
        let what = Arrival::DialEnded { dial, result: Err(failure(Cause::NoReply)) };
        self.schedule(timeout, id, Some(life), what);
    }

    /// When and how a connection attempt ends.
    fn connect(
        &mut self,
        id: HostId,
        addr: SocketAddr,
        timeout: Duration,
    ) -> (Duration, Result<HostId, Cause>) {
        let Some(source) = self.source(id, addr.ip()) else {
            return (Duration::ZERO, Err(Cause::NetworkUnreachable));
        };
        let owners = self.owners(addr.ip());
        let Some(&machine) = owners.first() else {
            let absent = self.hosts[id.0].interfaces.iter().any(|i| i.reaches(addr.ip()));
            return if absent && NO_NEIGHBOUR < timeout {
                (NO_NEIGHBOUR, Err(Cause::HostUnreachable))
            } else {
                (timeout, Err(Cause::TimedOut))
            };
        };
        let (there, back) = (self.link_between(id, machine), self.link_between(machine, id));
        let rtt = self.latency(id, machine) + self.latency(machine, id);
        let routed_back = self.source(machine, source.into()).is_some();
        if there.tcp == Tcp::Rejected {
            return (rtt, Err(Cause::Refused));
        }
        if there.tcp == Tcp::Prohibited {
            return (rtt, Err(Cause::HostUnreachable));
        }
        if there.tcp == Tcp::DroppedSyn {
            return (timeout, Err(Cause::TimedOut));
        }
        if there.tcp == Tcp::Dropped || back.tcp == Tcp::Dropped || !routed_back {
            return (timeout, Err(Cause::TimedOut));
        }
        let listens = |o: &&HostId| {
            let host = &self.hosts[o.0];
            matches!(host.process, Process::Runs | Process::Paused) && host.config.tcp_port == addr.port()
        };
        match owners.iter().find(listens) {
            Some(server) => (rtt, Ok(*server)),
            None => (rtt, Err(Cause::Refused)),
        }
    }

    fn reply(&mut self, id: HostId, conn: ConnId, frame: Option<Vec<u8>>) {
        let Some((dialer, life, dial)) = self.hosts[id.0].conns.remove(&conn) else { return };
        let latency = self.latency(id, dialer);
        let result = match frame {
            Some(frame) => {
                self.tcp_bytes += frame.len();
                Ok((Arc::from(&frame[HEADER..]), latency * 2))
            }
            None => Err(failure(Cause::ClosedEarly)),
        };
        self.schedule(latency, dialer, Some(life), Arrival::DialEnded { dial, result });
    }

    // What a test wants to know.

    /// The row that a host has of another; two rows of one node are a failure.
    pub fn row(&self, of: HostId, peer: HostId) -> Option<PeerSnapshot> {
        let id = self.hosts[peer.0].config.id;
        let all = self.hosts[of.0].engine.snapshot(self.now).peers;
        let mut rows: Vec<_> = all.into_iter().filter(|row| row.info.id == Some(id)).collect();
        assert!(rows.len() <= 1, "{of:?} has two rows of {peer:?}");
        rows.pop()
    }

    pub fn state(&self, of: HostId, peer: HostId) -> Option<PeerState> {
        self.row(of, peer).map(|row| row.state)
    }

    pub fn key(&self, of: HostId, peer: HostId) -> PeerKey {
        self.row(of, peer).unwrap().info.key
    }

    pub fn knows(&self, of: HostId, peer: HostId) -> bool {
        self.row(of, peer).is_some()
    }

    /// Whether every running host has every other one in this state, and nobody else.
    pub fn everybody_is(&self, state: PeerState) -> bool {
        let running: HashSet<NodeId> =
            self.hosts.iter().filter(|h| h.process == Process::Runs).map(|h| h.config.id).collect();
        self.hosts.iter().filter(|h| h.process == Process::Runs).all(|host| {
            let rows = host.engine.snapshot(self.now).peers;
            rows.len() == running.len() - 1
                && rows
                    .iter()
                    .all(|row| row.state == state && row.info.id.is_some_and(|id| running.contains(&id)))
        })
    }

    /// What a host told of another, by the other's present id.
    pub fn about(&self, of: HostId, peer: HostId) -> impl Iterator<Item = &Logged> {
        let id = self.hosts[peer.0].config.id;
        self.log.iter().filter(move |l| l.host == of && id_of(&l.event) == Some(id))
    }

    pub fn count(&self, of: HostId, mut which: impl FnMut(&Event) -> bool) -> usize {
        self.log.iter().filter(|l| l.host == of && which(&l.event)).count()
    }

    /// Changes to this state that a host told of another.
    pub fn entered(&self, of: HostId, peer: HostId, state: PeerState) -> Vec<Duration> {
        let entered = |l: &&Logged| matches!(l.event, Event::PeerState { to, .. } if to == state);
        self.about(of, peer).filter(entered).map(|l| l.at).collect()
    }

    pub fn forget_the_log(&mut self) {
        self.log.clear();
        self.sent.clear();
    }

    pub fn quit(&mut self, host: HostId) {
        self.command(host, Command::Stop(StopReason::Quit));
    }

    pub fn invariants(&self) {
        self.hosts.iter().for_each(|h| h.engine.check_invariants());
    }
}

/// Whom an event is about.
pub fn id_of(event: &Event) -> Option<NodeId> {
    match event {
        Event::PeerDiscovered { peer, .. }
        | Event::PeerState { peer, .. }
        | Event::PeerRestarted { peer, .. }
        | Event::PeerMoved { peer, .. }
        | Event::PeerLeft { peer, .. }
        | Event::DialStarted { peer, .. }
        | Event::DialSucceeded { peer, .. }
        | Event::DialFailed { peer, .. }
        | Event::DialGaveUp { peer, .. } => peer.id,
        Event::ExchangeServed { peer, .. } => peer.as_ref().and_then(|p| p.id),
        _ => None,
    }
}

/// One engine alone, driven by hand.
pub struct Solo {
    pub engine: Engine,
    pub start: Instant,
    pub now: Instant,
    pub events: Vec<(Duration, Event)>,
    pub sent: Vec<(Duration, SocketAddr, Vec<u8>)>,
    pub dials: Vec<(Duration, DialId, SocketAddr)>,
    pub abandoned: Vec<DialId>,
    pub replies: Vec<(ConnId, Option<Vec<u8>>)>,
    pub stopped: bool,
    /// The nonce of its requests.
    pub nonce: Option<Nonce>,
}

impl Solo {
    /// At 10.0.0.1/16.
    pub fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(0);
        change(&mut config);
        let now = t0();
        let mut solo = Self {
            engine: Engine::new(config),
            start: now,
            now,
            events: Vec::new(),
            sent: Vec::new(),
            dials: Vec::new(),
            abandoned: Vec::new(),
            replies: Vec::new(),
            stopped: false,
            nonce: None,
        };
        solo.tell(Input::Interfaces(vec![interface("10.0.0.1/16")]));
        solo
    }

    pub fn tell(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        let at = self.now - self.start;
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Publish(event) => self.events.push((at, event)),
                Output::Send { to, bytes } => self.sent.push((at, to, bytes)),
                Output::Dial { dial, addr, request, .. } => {
                    let request = vigie::proto::exchange::Request::decode(&request[HEADER..]).unwrap();
                    self.nonce = Some(request.nonce);
                    self.dials.push((at, dial, addr));
                }
                Output::AbandonDial(dial) => self.abandoned.push(dial),
                Output::Reply { conn, frame } => self.replies.push((conn, frame)),
                Output::Resolve(_) | Output::SendFrom { .. } => {}
                Output::Stop => self.stopped = true,
            }
        }
    }

    /// Lets time pass with the ticks that the engine asks for.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        let mut ticks = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= end) {
            ticks = if at > self.now { 0 } else { ticks + 1 };
            assert!(ticks < 100, "the engine loops");
            self.now = at.max(self.now);
            self.tell(Input::Tick);
        }
        self.now = end;
    }

    pub fn hear(&mut self, from: &str, presence: &Presence<'_>) {
        self.hear_at(Socket::Shared, from, presence);
    }

    pub fn hear_at(&mut self, socket: Socket, from: &str, presence: &Presence<'_>) {
        let bytes = presence.encode();
        self.tell(Input::Datagram { from: from.parse().unwrap(), socket, bytes: &bytes });
    }

    /// The dial ends with this reply.
    pub fn answer(&mut self, dial: DialId, id: u128, incarnation: u64) {
        let reply = vigie::proto::exchange::Reply {
            status: vigie::proto::exchange::Status::Ok,
            id: NodeId(id),
            incarnation: Incarnation(incarnation),
            name: "stranger",
            nonce: self.nonce,
            group: "default",
            rows: None,
            have: None,
            prefix: None,
        };
        let frame = reply.encode();
        let answer = Answer { body: &frame[HEADER..], connect: ms(1), rtt: ms(1) };
        self.tell(Input::DialEnded { dial, result: Ok(answer) });
    }

    pub fn fail(&mut self, dial: DialId, cause: Cause) {
        self.tell(Input::DialEnded { dial, result: Err(failure(cause)) });
    }

    /// An exchange of this node's, which proves its address.
    pub fn request(&mut self, from: &str, id: u128) {
        let request = vigie::proto::exchange::Request {
            group: "default",
            id: NodeId(id),
            incarnation: Incarnation(1_000),
            name: "stranger",
            tcp_port: DEFAULT_PORT,
            nonce: Nonce(1),
            message: None,
            rows: None,
            wants: None,
            about: None,
            prefix: None,
        };
        let (conn, from) = (ConnId(1), from.parse().unwrap());
        self.tell(Input::Request { conn, from, body: Ok(&request.encode()[HEADER..]) });
    }

    /// Echoes the latest nonce that was sent to this address.
    pub fn echo(&mut self, from: &str, presence: &Presence<'_>) {
        let from_addr: SocketAddr = from.parse().unwrap();
        let mut nonces = self.sent.iter().rev().filter(|(_, to, _)| to.ip() == from_addr.ip());
        let nonce = nonces.find_map(|(_, _, bytes)| Presence::decode(bytes).unwrap().nonce);
        assert!(nonce.is_some(), "a nonce was sent to {from}");
        self.hear_at(Socket::Private, from, &Presence { echo: nonce, ..*presence });
    }

    pub fn rows(&self) -> Vec<PeerSnapshot> {
        self.engine.snapshot(self.now).peers
    }

    pub fn count(&self, mut which: impl FnMut(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, e)| which(e)).count()
    }
}
