//! An in-memory network of engines with simulated time: hosts, links, faults. No socket, no clock; a seed replays.
//!
//! Each host is one engine with its interfaces. What the engines ask for is carried out here: datagrams travel with the
//! latency, loss and duplication of their link, dials end as Linux would end them. Every engine is watched all the time:
//! it must never busy-loop, never have two dials of one peer or more than the cap in flight, never dial what it may not,
//! and every dial that it starts must end in exactly one way.

mod faults;
pub(super) mod host;
pub(super) mod link;
mod questions;
mod rogue;
mod schedule;
mod segments;
mod tethers;
mod wire;

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::engine::api::{Answer, Command, Input, Output, Socket};
use crate::engine::cause::Failure;
use crate::engine::config::{Config, Target};
use crate::engine::event::Event;
use crate::proto::presence::Presence;

use super::{config, interface, ms, t0};
use host::{Host, Process};
use link::{Link, Tcp};
use schedule::{Arrival, Replied, Schedule, Scheduled};
use tethers::{Rope, Wanted};
use wire::Dial;

pub use rogue::Rogue;
pub use wire::NO_NEIGHBOUR;

/// Its place in [`Lan::hosts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostId(pub usize);

/// An event of one host.
#[derive(Debug, Clone)]
pub struct Logged {
    /// How long after the beginning.
    pub at: Duration,
    /// Who published it.
    pub host: HostId,
    /// What.
    pub event: Event,
}

/// A datagram that a host sent.
#[derive(Debug, Clone)]
pub struct Sent {
    /// How long after the beginning.
    pub at: Duration,
    /// By whom.
    pub host: HostId,
    /// Where to.
    pub to: SocketAddr,
    /// Its payload.
    pub bytes: Arc<[u8]>,
}

/// A network in memory.
#[derive(Debug)]
pub struct Lan {
    /// When it began.
    pub start: Instant,
    /// The time.
    pub now: Instant,
    /// Its hosts, by [`HostId`].
    pub hosts: Vec<Host>,
    /// Of every pair that has no link of its own in `links`.
    pub link: Link,
    /// From one host to another.
    pub links: HashMap<(HostId, HostId), Link>,
    /// How what is connected to these addresses ends, whatever its link says.
    pub by_address: HashMap<IpAddr, Tcp>,
    /// What machines without a node say to whoever dials them, by address: a reply, as the body of its frame.
    pub rogues: HashMap<IpAddr, Rogue>,
    /// Addresses from and to which no datagram passes.
    pub without_udp: HashSet<IpAddr>,
    /// Hosts that are started from now on have a router to other networks: those of one network are a segment.
    pub routed: bool,
    /// What was published.
    pub log: Vec<Logged>,
    /// What was sent by UDP, but for limited broadcasts.
    pub sent: Vec<Sent>,
    /// What was dialed: how long after the beginning, by whom, and where.
    pub dialed: Vec<(Duration, HostId, SocketAddr)>,
    /// Whether `log`, `sent` and `dialed` are written.
    pub record: bool,
    /// Bytes of requests and replies.
    pub tcp_bytes: usize,
    /// What name servers say of names; of others they know the addresses of the host of that name.
    pub names: HashMap<String, Vec<IpAddr>>,
    /// How often a name was looked up.
    pub look_ups: usize,
    rng: StdRng,
    schedule: Schedule,
    last_conn: u64,
    ropes: Vec<Rope>,
    /// Chance of the tethers: what else happens in a scenario is not to hang on how many there are.
    tether_rng: StdRng,
}

impl Lan {
    /// An empty network. Another seed is another run of the same scenario.
    pub fn new(seed: u64) -> Self {
        let start = t0();
        Self {
            start,
            now: start,
            hosts: Vec::new(),
            link: Link::default(),
            links: HashMap::new(),
            by_address: HashMap::new(),
            rogues: HashMap::new(),
            without_udp: HashSet::new(),
            routed: false,
            log: Vec::new(),
            sent: Vec::new(),
            dialed: Vec::new(),
            record: true,
            tcp_bytes: 0,
            names: HashMap::new(),
            look_ups: 0,
            rng: StdRng::seed_from_u64(seed),
            schedule: Schedule::default(),
            last_conn: 0,
            ropes: Vec::new(),
            tether_rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Starts a node on a new host, say at `10.0.0.1/16`.
    pub fn host(&mut self, net: &str) -> HostId {
        self.host_with(&[net], |_| {})
    }

    /// Starts `n` nodes at 10.0.x.y/16.
    pub fn hosts(&mut self, n: usize) -> Vec<HostId> {
        (0..n).map(|i| self.host(&format!("10.0.{}.{}/16", i / 250, i % 250 + 1))).collect()
    }

    /// Starts a node with these interfaces, configured as its number says but for what this changes.
    pub fn host_with(&mut self, nets: &[&str], change: impl FnOnce(&mut Config)) -> HostId {
        let id = HostId(self.hosts.len());
        let mut config = config(id.0 as u64);
        change(&mut config);
        // Otherwise every run of a scenario would be the same.
        config.seed[16..24].copy_from_slice(&self.rng.random::<u64>().to_le_bytes());
        let mut host = Host::new(config.signing(), nets.iter().map(|net| interface(net)).collect());
        host.routed = self.routed;
        self.hosts.push(host);
        self.tell_interfaces(id);
        id
    }

    // Time.

    /// How long it has been running.
    pub fn elapsed(&self) -> Duration {
        self.now.saturating_duration_since(self.start)
    }

    /// Lets time pass.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        while let Some(next) = self.schedule.next_until(end) {
            self.now = next.at;
            self.deliver(next);
        }
        self.now = end;
    }

    /// Runs until this holds, looking every millisecond; the time that it took, none if not within `limit`.
    pub fn run_until(&mut self, limit: Duration, mut holds: impl FnMut(&Self) -> bool) -> Option<Duration> {
        let begun = self.now;
        while !holds(self) {
            if self.now.saturating_duration_since(begun) >= limit {
                return None;
            }
            self.run_for(ms(1));
        }
        Some(self.now.saturating_duration_since(begun))
    }

    fn schedule(&mut self, after: Duration, host: HostId, life: Option<u32>, what: Arrival) {
        self.schedule.add(self.now + after, host, life, what);
    }

    fn deliver(&mut self, next: Scheduled) {
        let host = &self.hosts[next.host.0];
        let stale = next.life.is_some_and(|life| life != host.life)
            || matches!(next.what, Arrival::Tick) && host.tick_at != Some(next.at);
        let vanishes = stale || self.is_cut_off(next.host, &next.what);
        let host = &mut self.hosts[next.host.0];
        match host.process {
            _ if vanishes => {}
            _ if matches!(next.what, Arrival::Turn) => self.turn(next.host),
            Process::Paused => host.keep(next.what),
            _ => self.arrive(next.host, next.what),
        }
    }

    fn arrive(&mut self, id: HostId, what: Arrival) {
        let host = &mut self.hosts[id.0];
        if !host.runs() {
            return;
        }
        match what {
            Arrival::Turn => unreachable!("the process does not see it"),
            Arrival::Tick => {
                host.note_tick(self.now);
                self.tell(id, Input::Tick);
            }
            Arrival::Datagram { from, socket, bytes } => {
                self.tell(id, Input::Datagram { from, link: None, socket, bytes: &bytes });
            }
            Arrival::Request { conn, from, body, sealed } => {
                self.tell(id, Input::Request { conn, from, link: None, body: Ok(&body), sealed });
            }
            Arrival::Unreachable { to, icmp } => self.tell(id, Input::Unreachable { to, icmp }),
            Arrival::TetherAnswered { tether, result } => {
                if host.asked.remove(&tether) {
                    self.tell(
                        id,
                        Input::TetherAnswered { tether, result: result.as_deref().map_err(Failure::clone) },
                    );
                }
            }
            Arrival::TetherEnded { tether, end } => self.tell(id, Input::TetherEnded { tether, end }),
            Arrival::DialEnded { dial, result } => {
                let Some((key, _)) = host.dials.remove(&dial) else { return };
                host.look_ended = key.is_none();
                let result = match &result {
                    Ok(Replied { from_standby, body, connected: (at, connect), round_trip }) => {
                        let rtt = self.now.saturating_duration_since(*at).max(*round_trip);
                        Ok(Answer { from_standby: *from_standby, local: None, body, connect: *connect, rtt })
                    }
                    Err(failure) => Err(failure.clone()),
                };
                self.tell(id, Input::DialEnded { dial, result });
            }
        }
    }

    // The engine's side.

    /// A person commands a node.
    pub fn command(&mut self, host: HostId, command: Command) {
        self.tell(host, Input::Command(command));
    }

    /// A datagram comes in now, from whoever the test says.
    pub fn forge(&mut self, to: HostId, from: &str, presence: &Presence<'_>) {
        self.hear(to, from, &presence.encode());
    }

    /// These bytes come in now by UDP, from whoever the test says.
    pub fn hear(&mut self, to: HostId, from: &str, bytes: &[u8]) {
        let from = from.parse().expect("an address with a port");
        self.tell(to, Input::Datagram { from, link: None, socket: Socket::Shared, bytes });
    }

    /// Tells an engine something, and does what it asks for. One whose process has ended is told nothing.
    pub fn tell(&mut self, id: HostId, input: Input<'_>) {
        if self.hosts[id.0].has_ended() {
            return;
        }
        let ended = matches!(input, Input::DialEnded { .. });
        let mut ends = 0;
        let mut starting = None;
        self.hosts[id.0].engine.handle(input, self.now);
        while let Some(output) = self.hosts[id.0].engine.poll_output() {
            match output {
                Output::Publish(event) => {
                    match &event {
                        Event::DialStarted { peer, .. } => starting = Some(peer.key),
                        Event::DialSucceeded { .. } | Event::DialFailed { .. } => {
                            (ends, starting) = (ends + 1, None);
                        }
                        Event::IdChanged { node, .. } => self.hosts[id.0].config.id = node.id,
                        _ => {}
                    }
                    if self.record {
                        self.log.push(Logged { at: self.elapsed(), host: id, event });
                    }
                }
                Output::Dial { dial, addr, standby, request, timeout, is_sparing, .. } => {
                    let key = starting.take();
                    self.dial(
                        id,
                        &Dial {
                            id: dial,
                            key,
                            addr,
                            standby: &standby,
                            request: &request,
                            timeout,
                            is_sparing,
                        },
                    );
                }
                other => self.perform(id, other),
            }
        }
        let silent = ended && std::mem::take(&mut self.hosts[id.0].look_ended) && ends == 0;
        assert!(
            silent || ends == usize::from(ended),
            "a dial that ended succeeded or failed, and no other did; of a look that failed nobody is told"
        );
        self.set_alarm(id);
    }

    fn set_alarm(&mut self, id: HostId) {
        let host = &mut self.hosts[id.0];
        let due = host.engine.poll_timeout();
        if due != host.tick_at {
            host.tick_at = due.map(|due| due.max(self.now));
            if let Some(at) = host.tick_at {
                self.schedule.add(at, id, Some(host.life), Arrival::Tick);
            }
        }
    }

    fn perform(&mut self, id: HostId, output: Output) {
        match output {
            Output::Send { to, bytes, .. } => self.send(id, to, &bytes.into()),
            Output::AbandonDial(dial) => self.hosts[id.0].note_abandoned(dial),
            Output::SendFrom { source, bytes, .. } => self.send_to_all(id, source, &bytes.into()),
            Output::Reply { conn, frame, tether } => self.reply(id, conn, frame, tether),
            Output::Tether { tether, addr, request, timeout, .. } => {
                self.by_other_chance(|lan| lan.tie(id, &Wanted { id: tether, addr, request, timeout }));
            }
            Output::DropTether(tether) => self.by_other_chance(|lan| lan.drop_tether(id, tether)),
            Output::Resolve(target) => self.resolve(id, target),
            Output::ReadHardware { peer, .. } => self.tell(id, Input::Hardware { peer, hardware: None }),
            Output::ReadFilter { .. } => {
                let rules = self.hosts[id.0].blocking.clone();
                self.tell(id, Input::FilterRules(rules));
            }
            Output::Stop => self.hosts[id.0].stopped = true,
            Output::Dial { .. } | Output::Publish(_) => unreachable!("done by the caller"),
        }
    }

    fn resolve(&mut self, id: HostId, target: Target) {
        let found = self.hosts.iter().find(|h| h.config.name == target.host);
        let of_host = || found.into_iter().flat_map(|h| &h.interfaces).map(|i| i.addr).collect();
        let ips: Vec<IpAddr> = self.names.get(&target.host).cloned().unwrap_or_else(of_host);
        self.look_ups += 1;
        let addrs = ips.into_iter().map(|ip| SocketAddr::new(ip, target.port)).collect();
        self.tell(id, Input::Resolved { target, addrs });
    }
}
