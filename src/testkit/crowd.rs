//! One node among many peers that are all well: each says that it is here, echoes, answers dials, and dials.
//!
//! Only the node itself is an engine; a peer is a few bytes, so that ten thousand of them are cheap. The time is simulated and
//! goes from one thing that happens to the next, as it would in such a network. Whoever watches is called around everything
//! that the engine is told, and may time it or count what it allocates.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::time::{Duration, Instant};

use crate::engine::api::{Answer, ConnId, DialId, Input, Output, Socket};
use crate::engine::config::{Config, DEFAULT_PORT, DialInterval};
use crate::engine::event::Event;
use crate::engine::{Engine, Incarnation, NodeId, Nonce};
use crate::proto::codes::{cause, path, status};
use crate::proto::exchange::{HEADER, Reply, Request};
use crate::proto::presence::{Kind, Presence};
use crate::proto::rows::{Entry, PageHead, RowRequest, append, pages};

use super::{config, interface, ms, presence, reply, request, secs, t0};

/// Of the first peer, as a number.
const FIRST_IP: u32 = 0x0a00_0100;
/// Where each peer's own datagrams come from.
const UDP_PORT: u16 = 30_000;
/// Peers take turns by steps of this, so that neighbours in time are no neighbours in memory. Prime, and above every number of
/// peers that it is used with, or no factor of it: everybody gets a turn.
const STRIDE: u64 = 7_919;
/// Which life all peers live.
const INCARNATION: Incarnation = Incarnation(1_000);

/// What the engine is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Told {
    /// That time has come for something.
    Tick,
    /// A hello or a regular presence of a peer.
    Presence,
    /// A peer's echo.
    Echo,
    /// A peer's request.
    Request,
    /// The reply of a peer to a dial.
    Reply,
}

/// Whoever watches what the engine is told.
pub trait Watch {
    /// Does the work, in which the engine is told this and all it asks for is taken.
    fn around(&mut self, told: Told, work: impl FnOnce());

    /// An event was published.
    fn published(&mut self, _event: Event, _at: Instant) {}
}

/// Nobody watches.
impl Watch for () {
    fn around(&mut self, _told: Told, work: impl FnOnce()) {
        work();
    }
}

/// The node and its peers.
#[derive(Debug)]
pub struct Crowd {
    /// The node.
    pub engine: Engine,
    /// The time.
    pub now: Instant,
    /// Dials that the node has begun.
    pub dials: u64,
    /// Things that have happened.
    pub steps: u64,
    /// Peers that are still to come.
    to_come: Range<usize>,
    start: Instant,
    me: (NodeId, Incarnation),
    peers: Vec<Peer>,
    rows: Rows,
    nonce: Nonce,
    presences: Turns,
    requests: Turns,
    /// The timers have run up to the next presence or request.
    ticked: bool,
    echoes: VecDeque<(usize, Nonce)>,
    open: VecDeque<(DialId, usize)>,
    outputs: Vec<Output>,
}

/// What peers tell of their own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Nothing, as nodes of an older version.
    Untold,
    /// That they stand as they were: empty.
    Fine,
    /// That every other peer is out of reach by every path, again and again as a whole.
    Bad,
}

/// A peer, as far as it matters.
#[derive(Debug, Clone, Copy, Default)]
struct Peer {
    /// Number of its latest datagram.
    sequence: u64,
    /// The version of the node's row that it has.
    version: u64,
    /// The version of its own row.
    told: u64,
}

/// Something that each peer does once in a period, one after the other.
#[derive(Debug)]
struct Turns {
    period: Duration,
    done: u64,
}

impl Turns {
    fn next(&self, start: Instant, peers: usize) -> Instant {
        let each = self.period.as_nanos() / peers.max(1) as u128;
        let nanos = u64::try_from(each * u128::from(self.done + 1)).unwrap_or(u64::MAX);
        start + Duration::from_nanos(nanos)
    }

    fn take(&mut self, peers: usize) -> usize {
        self.done += 1;
        usize::try_from(self.done * STRIDE % peers as u64).unwrap_or(0)
    }
}

impl Crowd {
    /// A node that meets so many peers at once, and dials them as often as if they were few: in the first steps each says hello and
    /// dials it. `change` may configure it
    /// otherwise.
    pub fn new(peers: usize, change: impl FnOnce(&mut Config)) -> Self {
        let mut config =
            Config { dial_rate: 1_000_000, dial_interval: DialInterval::Every(secs(10)), ..config(0) };
        change(&mut config);
        let now = t0();
        let turns = |period| Turns { period, done: 0 };
        let mut crowd = Self {
            me: (config.id, config.incarnation),
            presences: turns(config.interval),
            requests: turns(config.dial_interval.with_peers(peers)),
            engine: Engine::new(config),
            now,
            to_come: 0..peers,
            dials: 0,
            steps: 0,
            start: now,
            peers: vec![Peer::default(); peers],
            rows: Rows::Fine,
            nonce: Nonce(0),
            ticked: false,
            echoes: VecDeque::new(),
            open: VecDeque::new(),
            outputs: Vec::new(),
        };
        crowd.tell(Told::Tick, Input::Interfaces(vec![interface("10.0.0.1/8")]), &mut ());
        crowd
    }

    /// Lives on for so long.
    pub fn run_for(&mut self, duration: Duration, watch: &mut impl Watch) {
        let end = self.now + duration;
        while self.now < end {
            self.step(watch);
        }
    }

    /// The next thing happens.
    pub fn step(&mut self, watch: &mut impl Watch) {
        self.steps += 1;
        if let Some(nth) = self.to_come.next() {
            self.say(nth, Kind::Hello, None, watch);
            return self.ask(nth, watch);
        }
        if let Some((nth, nonce)) = self.echoes.pop_front() {
            return self.say(nth, Kind::Heartbeat, Some(nonce), watch);
        }
        if let Some((dial, nth)) = self.open.pop_front() {
            return self.answer(dial, nth, watch);
        }
        let peers = self.peers.len();
        let presence = self.presences.next(self.start, peers);
        let request = self.requests.next(self.start, peers);
        let next = presence.min(request);
        // A crowded node lets the timers of single peers wait for whatever wakes it next: they run first, or it would be told to
        // cost what they cost.
        if !std::mem::replace(&mut self.ticked, true) {
            let tick = self.engine.poll_timeout().unwrap_or(next);
            self.ticked = tick > next;
            self.now = tick.min(next).max(self.now);
            return self.tell(Told::Tick, Input::Tick, watch);
        }
        self.ticked = false;
        if presence <= request {
            let nth = self.presences.take(peers);
            self.say(nth, Kind::Heartbeat, None, watch);
        } else {
            let nth = self.requests.take(peers);
            self.ask(nth, watch);
        }
    }

    /// From now on everybody tells this of its own row.
    pub fn tell_rows(&mut self, rows: Rows) {
        self.rows = rows;
    }

    fn tell(&mut self, told: Told, input: Input<'_>, watch: &mut impl Watch) {
        let Self { engine, outputs, now, .. } = self;
        watch.around(told, || {
            engine.handle(input, *now);
            while let Some(output) = engine.poll_output() {
                outputs.push(output);
            }
        });
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            self.perform(output, watch);
        }
        self.outputs = outputs;
    }

    fn perform(&mut self, output: Output, watch: &mut impl Watch) {
        match output {
            Output::Publish(event) => watch.published(event, self.now),
            Output::Send { to, bytes, .. } => {
                let nonce = Presence::decode(&bytes).expect("its own presence").nonce;
                if let (Some(nth), Some(nonce)) = (self.peer_at(to), nonce) {
                    self.echoes.push_back((nth, nonce));
                }
            }
            Output::Dial { dial, addr, request, .. } => {
                let nth = self.peer_at(addr).expect("it dials its peers only");
                let request = Request::decode(&request[HEADER..]).expect("its own request");
                self.nonce = request.nonce;
                self.read(nth, request.rows.map(|rows| &**rows));
                self.dials += 1;
                self.open.push_back((dial, nth));
            }
            Output::Reply { conn, frame, .. } => {
                let nth = usize::try_from(conn.0).expect("the number of a peer");
                let frame = frame.expect("a running node answers");
                let reply = Reply::decode(&frame[HEADER..]).expect("its own reply");
                self.read(nth, reply.rows.map(|rows| &**rows));
            }
            Output::AbandonDial(dial) => self.open.retain(|(open, _)| *open != dial),
            Output::SendFrom { .. }
            | Output::Tether { .. }
            | Output::DropTether(_)
            | Output::Resolve(_)
            | Output::ReadHardware { .. }
            | Output::ReadFilter { .. }
            | Output::Stop => {}
        }
    }

    /// A peer reads what the node tells of its own row.
    fn read(&mut self, nth: usize, rows: Option<&[u8]>) {
        for (head, _) in rows.map(pages).into_iter().flatten() {
            if head.owner == self.me.0 && head.from <= self.peers[nth].version {
                self.peers[nth].version = head.upto;
            }
        }
    }

    fn say(&mut self, nth: usize, kind: Kind, echo: Option<Nonce>, watch: &mut impl Watch) {
        let peer = &mut self.peers[nth];
        peer.sequence += 1;
        let sequence = peer.sequence;
        let name = name(nth);
        let bytes = Presence {
            name: &name,
            incarnation: INCARNATION,
            claimed: ip(nth),
            prefix: Some(8),
            echo,
            ..presence(kind, id(nth).0, sequence)
        }
        .encode();
        let from = SocketAddr::new(ip(nth), UDP_PORT);
        let (told, socket) = match echo {
            Some(_) => (Told::Echo, Socket::Private),
            None => (Told::Presence, Socket::Shared),
        };
        self.tell(told, Input::Datagram { from, link: None, socket, bytes: &bytes }, watch);
    }

    fn ask(&mut self, nth: usize, watch: &mut impl Watch) {
        let (name, rows, mut wants) = (name(nth), self.row_of(nth), Vec::new());
        let version = self.peers[nth].version;
        append(&RowRequest { owner: self.me.0, incarnation: self.me.1, version }, &mut wants);
        let frame = Request {
            name: &name,
            rows: Some(rows.as_slice().into()),
            wants: Some(wants.as_slice().into()),
            prefix: Some(8),
            ..request(id(nth).0)
        }
        .encode();
        let (conn, from) = (ConnId(nth as u64), SocketAddr::new(ip(nth), 40_000));
        self.tell(
            Told::Request,
            Input::Request { conn, from, link: None, body: Ok(&frame[HEADER..]), sealed: false },
            watch,
        );
    }

    fn answer(&mut self, dial: DialId, nth: usize, watch: &mut impl Watch) {
        let (name, rows) = (name(nth), self.row_of(nth));
        let frame = Reply {
            name: &name,
            rows: Some(rows.as_slice().into()),
            have: Some(self.peers[nth].version),
            prefix: Some(8),
            ..reply(id(nth).0, self.nonce)
        }
        .encode();
        let answer = Answer {
            from_standby: None,
            local: None,
            body: &frame[HEADER..],
            connect: ms(1) / 10,
            rtt: ms(1) / 5,
        };
        self.tell(Told::Reply, Input::DialEnded { dial, result: Ok(answer) }, watch);
    }

    /// What a peer tells of its own row.
    fn row_of(&mut self, nth: usize) -> Vec<u8> {
        let (owner, incarnation) = (id(nth), INCARNATION);
        let mut page = Vec::new();
        let told = &mut self.peers[nth].told;
        match self.rows {
            Rows::Untold => {}
            Rows::Fine => {
                // The first page begins the row.
                let from = u64::from(std::mem::replace(told, 1) > 0);
                let head = PageHead {
                    owner,
                    incarnation,
                    from,
                    upto: 1,
                    latest: 1,
                    age_ms: 0,
                    dial_interval_ms: None,
                    proof: None,
                    count: 0,
                };
                append(&head, &mut page);
            }
            Rows::Bad => {
                *told += 1;
                let (version, count) = (*told, u16::try_from(self.peers.len() - 1).expect("few peers"));
                let (from, upto, latest) = (0, version, version);
                append(
                    &PageHead {
                        owner,
                        incarnation,
                        from,
                        upto,
                        latest,
                        age_ms: 0,
                        dial_interval_ms: None,
                        proof: None,
                        count,
                    },
                    &mut page,
                );
                for other in (0..self.peers.len()).filter(|other| *other != nth) {
                    append(&out_of_reach(other), &mut page);
                }
            }
        }
        page
    }

    fn peer_at(&self, addr: SocketAddr) -> Option<usize> {
        let IpAddr::V4(ip) = addr.ip() else { return None };
        let nth = usize::try_from(ip.to_bits().checked_sub(FIRST_IP)?).ok()?;
        (nth < self.peers.len()).then_some(nth)
    }
}

/// Apart from the node's own.
fn id(nth: usize) -> NodeId {
    NodeId(nth as u128 | 7 << 100)
}

fn ip(nth: usize) -> IpAddr {
    let nth = u32::try_from(nth).expect("fewer peers than addresses");
    IpAddr::V4(Ipv4Addr::from_bits(FIRST_IP + nth))
}

/// The entry of a peer that is out of reach by every path.
fn out_of_reach(nth: usize) -> Entry<'static> {
    let paths = [path::TCP, path::ECHO, path::BROADCAST, path::UNICAST, path::SERVED, path::LARGE];
    Entry {
        id: id(nth),
        ways: paths.into_iter().map(|path| status::FAILING << path).sum(),
        cause: cause::REFUSED,
        rtt_us: 0,
        loss: 100,
        checked: 1,
        alive: 600,
        port: DEFAULT_PORT,
        ip: ip(nth),
        name: "n",
    }
}

/// As long as fully qualified ones are.
fn name(nth: usize) -> String {
    format!("workstation-{nth}.lab.example")
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::engine::peers::PeerState;
    use crate::engine::verdict::Verdict;
    use crate::testkit::secs;

    /// Counts what the engine is told, and keeps what is said to be wrong.
    #[derive(Default)]
    struct Count {
        told: HashMap<Told, u32>,
        findings: u32,
        failed: u32,
    }

    impl Watch for Count {
        fn around(&mut self, told: Told, work: impl FnOnce()) {
            *self.told.entry(told).or_default() += 1;
            work();
        }

        fn published(&mut self, event: Event, _at: Instant) {
            match event {
                Event::Diagnosis(_) => self.findings += 1,
                Event::DialFailed { .. } => self.failed += 1,
                _ => {}
            }
        }
    }

    #[test]
    fn a_crowd_is_well_and_everybody_does_what_a_node_does() {
        for peers in [10_u32, 100] {
            let mut crowd = Crowd::new(peers as usize, |_| {});
            crowd.run_for(secs(60), &mut ());
            let mut count = Count::default();
            crowd.run_for(secs(100), &mut count);
            assert_eq!((count.findings, count.failed), (0, 0));
            for (told, least, most) in
                [(Told::Presence, 19, 21), (Told::Request, 9, 11), (Told::Reply, 9, 11)]
            {
                let each = count.told[&told] / peers;
                assert!((least..=most).contains(&each), "{told:?}: {each} in 100 s");
            }
            let table = crowd.engine.snapshot(crowd.now).peers;
            assert_eq!(table.len(), peers as usize);
            assert!(table.iter().all(|row| row.state == PeerState::Up && row.verdict == Verdict::Ok));
        }
    }

    #[test]
    fn who_is_accused_by_everybody_is_told_of() {
        let mut crowd = Crowd::new(12, |_| {});
        crowd.run_for(secs(30), &mut ());
        crowd.tell_rows(Rows::Bad);
        let mut count = Count::default();
        crowd.run_for(secs(60), &mut count);
        assert!(count.findings > 0);
    }
}
