//! A few honest nodes that know each other, and a forger among them who says anything, in any order and at any time; and, if the first
//! byte says so, links and processes that fail meanwhile. The honest nodes are engines on a network in memory.
//!
//! At each step no table is beyond its bound, and no input makes a node look at many rows. At the end all honest nodes have each other
//! up again: within one dial interval after the forger's last word, if nothing else was wrong.

mod forgery;
mod tape;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use crate::engine::api::{Command, ConnId, Icmp, Input, Socket, TetherEnd, TetherId};
use crate::engine::event::{Event, RejectReason};
use crate::engine::limits::{MAX_UNPROVEN, STRANGER_ANSWERS, STRANGER_ANSWERS_WITHIN};
use crate::engine::peers::PeerState;
use crate::engine::{Incarnation, NodeId};
use crate::proto::exchange::HEADER;
use crate::proto::presence::{Kind, Presence};
use crate::testkit::{HostId, Lan, Rogue, ms, presence, secs};

use super::sealed::SECRET;
use forgery::{Known, place};
use tape::Tape;

/// Honest nodes.
const NODES: usize = 3;
/// So long they have to meet.
const MEETING: Duration = secs(13);
/// Within so long after the last forged packet all is well again, where nothing else was wrong: a dial interval of a few nodes.
const MENDS_WITHIN: Duration = secs(10);
/// The same after faults: the longest wait between two attempts, and what comes before it.
const HEALS_WITHIN: Duration = secs(180);
/// What one fuzzer's input may ask for: each takes some simulated time, and the fuzzer wants many.
const MAX_STEPS: usize = 64;
/// Rows of the table that a node looks at because of one input: those of a diagnosis, of a round of looks, and a few.
const MAX_ROWS_LOOKED_AT: u64 = 1_024;
/// The forger's own addresses: what is sent there it reads, and from there it connects.
const FORGERS: [&str; 3] = ["10.0.9.1", "10.0.9.2", "192.0.2.9"];
/// Nobody is there, and nobody but the forger names it.
const THIRD: &str = "10.0.8.8";

/// Plays what the bytes say.
pub fn siege(bytes: &[u8]) {
    let mut tape = Tape::of(bytes);
    let circumstances = tape.byte();
    let mut siege = Siege::new(circumstances & 1 != 0, circumstances & 2 != 0);
    for _ in 0..MAX_STEPS {
        if tape.is_over() {
            break;
        }
        siege.step(&mut tape);
        siege.holds();
    }
    siege.ends_well();
}

#[derive(Debug)]
struct Siege {
    lan: Lan,
    known: Known,
    /// They have a secret that the forger does not have.
    secret: bool,
    /// More than the forger is wrong.
    faults: bool,
    connections: u64,
    /// What was broadcast: anybody on the link may have recorded it.
    recorded: Vec<Arc<[u8]>>,
    to_the_third: usize,
    begun: Duration,
}

impl Siege {
    fn new(secret: bool, faults: bool) -> Self {
        let mut lan = Lan::new(1);
        for n in 1..=NODES {
            lan.host_with(&[&format!("10.0.0.{n}/16")], |config| {
                config.secret = secret.then(|| Arc::clone(&SECRET));
            });
        }
        lan.run_for(MEETING);
        assert!(lan.everybody_is(PeerState::Up), "they meet");
        let known = Known { nodes: Vec::new(), nonces: Vec::new() };
        let begun = lan.elapsed();
        lan.log.clear();
        let mut siege = Self {
            lan,
            known,
            secret,
            faults,
            connections: 1 << 40,
            recorded: Vec::new(),
            to_the_third: 0,
            begun,
        };
        siege.listen();
        siege
    }

    fn step(&mut self, tape: &mut Tape<'_>) {
        match tape.byte() % 16 {
            0..6 => self.forge(tape),
            6..8 => self.connect(tape),
            8 => self.answer(tape),
            9 | 10 => self.wait(tape),
            11 => self.lie_by_icmp(tape),
            12 => self.replay(tape),
            13 => self.flood(tape),
            14 => self.other(tape),
            _ if self.faults => self.fail(tape),
            _ => self.raw(tape),
        }
        self.listen();
    }

    /// Tells one node, or all.
    fn tell(&mut self, tape: &mut Tape<'_>, tell: impl Fn(&mut Lan, HostId)) {
        let which = usize::from(tape.byte()) % (NODES + 1);
        let told = if which == NODES { 0..NODES } else { which..which + 1 };
        for host in told.map(HostId) {
            let cost = |siege: &Self| {
                let engine = &siege.lan.hosts[host.0].engine;
                (engine.steps(), engine.diagnosis_began())
            };
            let before = cost(self);
            tell(&mut self.lan, host);
            let after = cost(self);
            // A diagnosis begins with the view of all rows, at most once in a while, whatever is told.
            let most = MAX_ROWS_LOOKED_AT * if after.1 == before.1 { 1 } else { 4 };
            let looked_at = after.0 - before.0;
            assert!(looked_at <= most, "{looked_at} rows for one input");
        }
    }

    fn hear(&mut self, tape: &mut Tape<'_>, bytes: &[u8]) {
        let from = SocketAddr::new(place(tape), tape.pick(&[30_000, 30_000, 9, 0]));
        let socket = tape.pick(&[Socket::Shared, Socket::Private]);
        self.tell(tape, |lan, host| lan.tell(host, Input::Datagram { from, link: None, socket, bytes }));
    }

    fn forge(&mut self, tape: &mut Tape<'_>) {
        let bytes = self.known.datagram(tape);
        self.hear(tape, &bytes);
    }

    fn raw(&mut self, tape: &mut Tape<'_>) {
        let length = tape.byte();
        let bytes = tape.bytes(length.into());
        self.hear(tape, bytes);
    }

    /// A recorded one, from anywhere.
    fn replay(&mut self, tape: &mut Tape<'_>) {
        let which = usize::from(tape.byte());
        if let Some(bytes) = self.recorded.iter().rev().nth(which % self.recorded.len().max(1)).cloned() {
            self.hear(tape, &bytes);
        }
    }

    fn connect(&mut self, tape: &mut Tape<'_>) {
        let from = SocketAddr::new(forger(tape), 40_000);
        self.connections += 1;
        let conn = ConnId(self.connections);
        let frame = self.known.request(tape);
        let body = &frame[HEADER..];
        self.tell(tape, |lan, host| {
            lan.tell(host, Input::Request { conn, from, link: None, body: Ok(body), sealed: false });
        });
    }

    /// From now on, who dials the forger gets this.
    fn answer(&mut self, tape: &mut Tape<'_>) {
        let (ip, body, echoes) = (forger(tape), self.known.reply(tape), !tape.byte().is_multiple_of(8));
        self.lan.rogues.insert(ip, Rogue { body, echoes });
    }

    fn wait(&mut self, tape: &mut Tape<'_>) {
        let time = tape.pick(&[ms(1), ms(20), ms(150), ms(400), secs(1), secs(2), secs(5), secs(11)]);
        self.lan.run_for(time);
    }

    fn lie_by_icmp(&mut self, tape: &mut Tape<'_>) {
        let to = SocketAddr::new(place(tape), tape.pick(&[30_000, 17_474]));
        let icmp = Icmp { code: tape.byte() % 16, from: tape.maybe(|tape| place(tape).into()) };
        self.tell(tape, |lan, host| lan.tell(host, Input::Unreachable { to, icmp }));
    }

    /// Many at once, each from an address of its own.
    fn flood(&mut self, tape: &mut Tape<'_>) {
        let (first, count) = (u32::from(tape.byte()) << 4, u32::from(tape.byte()) * 4);
        let kind = tape.pick(&[Kind::Hello, Kind::Heartbeat, Kind::Goodbye]);
        for n in first..first + count {
            let id = 0xf100_d000 + u128::from(n);
            let from = SocketAddr::from(([10, 0, 16 + (n >> 8 & 0x7f) as u8, (n & 0xff) as u8], 30_000));
            let bytes = Presence { period_ms: 100, ..presence(kind, id, 1) }.encode();
            self.lan
                .tell(HostId(0), Input::Datagram { from, link: None, socket: Socket::Shared, bytes: &bytes });
        }
    }

    fn other(&mut self, tape: &mut Tape<'_>) {
        let from = SocketAddr::new(place(tape), 40_000);
        let tether = TetherId::Accepted(ConnId((1 << 40) + u64::from(tape.byte())));
        match tape.byte() % 6 {
            0 => self.command(tape, &Command::DialAll),
            1 => self.command(tape, &Command::RequestMatrix),
            2 => self.tell(tape, |lan, host| {
                lan.tell(host, Input::Refused { from, reason: RejectReason::WrongSecret });
            }),
            3 => self.command(tape, &Command::DialFailing),
            _ => {
                let end = tape.pick(&[TetherEnd::Cut, TetherEnd::Lost, TetherEnd::Farewell]);
                self.tell(tape, |lan, host| lan.tell(host, Input::TetherEnded { tether, end }));
            }
        }
    }

    /// What a person wants may be about all rows.
    fn command(&mut self, tape: &mut Tape<'_>, command: &Command) {
        self.lan.command(HostId(usize::from(tape.byte()) % NODES), command.clone());
    }

    /// Something else goes wrong, or is mended.
    fn fail(&mut self, tape: &mut Tape<'_>) {
        let [one, other] = [(); 2].map(|()| HostId(usize::from(tape.byte()) % NODES));
        let loss = f64::from(tape.byte() % 4) / 10.0;
        match tape.byte() % 8 {
            0 => self.lan.between(one, other, |link| link.loss = loss),
            1 => self.lan.between(one, other, |link| link.udp = false),
            2 => self.lan.between(one, other, |link| link.tcp = crate::testkit::Tcp::Dropped),
            3 => self.lan.pause(one),
            4 => self.lan.kill(one),
            5 => self.lan.set_interfaces(one, &[]),
            6 => {
                self.lan.set_interfaces(one, &[&format!("10.0.0.{}/16", one.0 + 1)]);
                self.lan.mend();
            }
            _ => self.lan.quit(one),
        }
    }

    /// What the forger learns, and what a third one was sent.
    fn listen(&mut self) {
        let forgers: Vec<IpAddr> = FORGERS.iter().filter_map(|ip| ip.parse().ok()).collect();
        for sent in self.lan.sent.split_off(0) {
            let to = sent.to.ip();
            self.to_the_third += usize::from(to.to_string() == THIRD);
            let presence = Presence::decode(&sent.bytes).ok();
            if forgers.contains(&to) {
                self.known.nonces.extend(presence.and_then(|presence| presence.nonce));
            } else if to.to_string() == "10.0.255.255" {
                self.recorded.push(Arc::clone(&sent.bytes));
                let Some(Presence { id, incarnation, sequence, .. }) = presence else { continue };
                self.known.nodes.retain(|(known, ..)| *known != id);
                self.known.nodes.push((id, incarnation, sequence));
            }
        }
        self.known.nodes.sort_unstable_by_key(|(id, ..)| *id);
    }

    /// What holds at each step.
    fn holds(&self) {
        self.lan.invariants();
        for host in self.lan.hosts.iter().filter(|host| !host.stopped) {
            let rows = host.engine.snapshot(self.lan.now).peers;
            let most = MAX_UNPROVEN + NODES + FORGERS.len() * 64;
            assert!(rows.len() <= most, "{} rows", rows.len());
        }
        // By the port of broadcasts and by that of the node, and one more when a time begins anew.
        let times =
            self.lan.elapsed().saturating_sub(self.begun).as_secs() / STRANGER_ANSWERS_WITHIN.as_secs() + 2;
        let most = usize::try_from(times).unwrap_or(usize::MAX) * NODES * 2 * usize::from(STRANGER_ANSWERS);
        assert!(self.to_the_third <= most, "{} datagrams to somebody who is not there", self.to_the_third);
    }

    /// The forger falls silent.
    fn ends_well(&mut self) {
        let all: Vec<HostId> = (0..NODES).map(HostId).collect();
        if self.faults {
            // Who is about to leave has left then, one that stands still, too.
            self.lan.mend();
            self.lan.run_for(secs(1));
            for &host in &all {
                if self.lan.hosts[host.0].stopped {
                    self.lan.kill(host);
                }
                self.lan.set_interfaces(host, &[&format!("10.0.0.{}/16", host.0 + 1)]);
            }
            self.lan.mend();
        }
        let limit = if self.faults { HEALS_WITHIN } else { MENDS_WITHIN };
        let up = |lan: &Lan| {
            let pairs = all.iter().flat_map(|a| all.iter().map(move |b| (*a, *b)));
            pairs.filter(|(a, b)| a != b).all(|(a, b)| lan.state(a, b) == Some(PeerState::Up))
        };
        let end = self.lan.now + limit;
        while !up(&self.lan) && self.lan.now < end {
            self.lan.run_for(ms(100));
        }
        let states = || -> Vec<_> {
            all.iter().flat_map(|a| all.iter().map(|b| (a.0, b.0, self.lan.state(*a, *b)))).collect()
        };
        assert!(up(&self.lan), "not up again: {:?}", states());
        if self.secret && !self.faults {
            self.nobody_was_accused();
        }
        self.holds();
    }

    /// No word of the forger's has changed what they think of each other.
    fn nobody_was_accused(&self) {
        let ids: Vec<NodeId> = self.lan.hosts.iter().map(|host| host.config.id).collect();
        for logged in &self.lan.log {
            let accused = match &logged.event {
                Event::PeerState { peer, to, .. } if *to != PeerState::Up => Some(peer),
                Event::PeerLeft { peer, .. }
                | Event::PeerRestarted { peer, .. }
                | Event::PeerMoved { peer, .. } => Some(peer),
                // Elsewhere it may be looked for: what it said was recorded, perhaps, and came from there.
                Event::DialFailed { peer, addr, .. } if *addr == peer.addr => Some(peer),
                _ => None,
            };
            let honest = accused.and_then(|peer| peer.id).filter(|id| ids.contains(id));
            assert!(honest.is_none(), "at {:?}: {:?}", logged.at, logged.event);
        }
        let lives: Vec<Incarnation> = self.lan.hosts.iter().map(|host| host.config.incarnation).collect();
        assert!(lives.iter().all(|life| *life == lives[0]));
    }
}

fn forger(tape: &mut Tape<'_>) -> IpAddr {
    tape.pick(&FORGERS).parse().expect("invariant: each is an address")
}
