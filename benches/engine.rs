//! The engine and the codec alone, without sockets: what a datagram, a dial and a newcomer cost, and how much memory a peer
//! takes. The same steps against `serde_json` and the goals stand in a table at the end.

mod support;

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime};

use divan::Bencher;
use divan::counter::ItemsCount;
use serde::Deserialize;

use support::{nanoseconds, now, versus};
use vigie::app::model::Model;
use vigie::engine::config::{Config, DEFAULT_PORT};
use vigie::engine::event::{Answer, ConnId, DialId, Event, Input, Output, Socket, Stamped};
use vigie::engine::interface::Interface;
use vigie::engine::retry::RetryPolicy;
use vigie::engine::{Engine, Incarnation, NodeId, Nonce};
use vigie::proto::exchange::{HEADER, Reply, Request, Status};
use vigie::proto::presence::{Kind, Presence};

const INCARNATION: Incarnation = Incarnation(1_700_000_000_000);
const NAME: &str = "workstation-17.lab.example";
const GROUP: &str = "default";
/// Of the peer table and the screen's model, in peers.
const MANY: u32 = 10_000;

fn main() {
    if support::is_a_trial() {
        return divan::main();
    }
    memory();
    divan::main();
    goals();
}

// The codec.

/// With a name as long as fully qualified ones are, and all that a hello may carry: about 150 bytes.
fn presence(id: u32, sequence: u64, kind: Kind) -> Presence<'static> {
    Presence {
        kind,
        group: GROUP,
        id: node_id(id),
        incarnation: INCARNATION,
        sequence,
        name: NAME,
        tcp_port: DEFAULT_PORT,
        udp_port: 30_000,
        period_ms: 5_000,
        claimed: IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)),
        nonce: None,
        echo: None,
        prefix: Some(16),
        wide: None,
    }
}

/// All of its fields, and names that make it 150 bytes long.
fn full_presence() -> Presence<'static> {
    Presence {
        group: "a-group-with-a-long-name-for-the-laboratory",
        nonce: Some(Nonce(u64::MAX / 3)),
        echo: Some(Nonce(u64::MAX / 5)),
        ..presence(2, 1 << 33, Kind::Hello)
    }
}

/// The same fields for `serde_json`, borrowed too; it checks neither the names nor the ranges.
#[derive(Deserialize)]
#[expect(dead_code, reason = "decoded and dropped")]
struct Json<'a> {
    kind: u8,
    group: &'a str,
    id: u128,
    incarnation: u64,
    sequence: u64,
    name: &'a str,
    tcp_port: u16,
    udp_port: u16,
    period_ms: u32,
    claimed: IpAddr,
    nonce: Option<u64>,
    echo: Option<u64>,
}

fn json() -> Vec<u8> {
    let p = full_presence();
    let text = format!(
        r#"{{"kind":0,"group":"{}","id":{},"incarnation":{},"sequence":{},"name":"{}","tcp_port":{},"udp_port":{},"period_ms":{},"claimed":"{}","nonce":{},"echo":{}}}"#,
        p.group,
        p.id.0,
        p.incarnation.0,
        p.sequence,
        p.name,
        p.tcp_port,
        p.udp_port,
        p.period_ms,
        p.claimed,
        u64::MAX / 3,
        u64::MAX / 5,
    );
    text.into_bytes()
}

#[divan::bench]
fn decode_presence(bencher: Bencher) {
    let bytes = full_presence().encode();
    bencher.bench_local(|| Presence::decode(black_box(&bytes)).is_ok());
}

#[divan::bench]
fn decode_same_fields_with_serde_json(bencher: Bencher) {
    let text = json();
    bencher.bench_local(|| serde_json::from_slice::<Json<'_>>(black_box(&text)).is_ok());
}

#[divan::bench]
fn encode_presence(bencher: Bencher) {
    let presence = full_presence();
    bencher.bench_local(|| black_box(&presence).encode());
}

#[divan::bench]
fn encode_request(bencher: Bencher) {
    let request = request(2);
    bencher.bench_local(|| black_box(&request).encode());
}

// The engine.

fn node_id(peer: u32) -> NodeId {
    NodeId(u128::from(peer) | 7 << 100)
}

fn ip(peer: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0100 + peer))
}

fn request(peer: u32) -> Request<'static> {
    let (id, incarnation, nonce) = (node_id(peer), INCARNATION, Nonce(1));
    Request {
        group: GROUP,
        id,
        incarnation,
        name: NAME,
        tcp_port: DEFAULT_PORT,
        nonce,
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
    }
}

/// An engine with its own time, and what it has asked for last.
struct Solo {
    engine: Engine,
    now: Instant,
    sequence: u64,
    /// The reply that its dials get, but for who answers.
    nonce: Nonce,
    dials: Vec<(DialId, SocketAddr)>,
    published: u64,
    model: Option<Model>,
}

impl Solo {
    /// Knows nobody. It announces itself once in an hour.
    fn new() -> Self {
        let hour = Duration::from_hours(1);
        let retry = RetryPolicy {
            max_attempts: 5,
            delay: Duration::from_secs(2),
            backoff: 1.5,
            timeout: Duration::from_secs(4),
        };
        let engine = Engine::new(Config {
            id: NodeId(1),
            incarnation: INCARNATION,
            name: NAME.into(),
            group: GROUP.into(),
            port: DEFAULT_PORT,
            tcp_port: DEFAULT_PORT,
            udp_port: 30_000,
            interval: hour,
            silent_after: 3,
            dial_interval: Duration::from_secs(10),
            retry,
            dial_rate: 1_000_000,
            peers: Vec::new(),
            seed: [7; 32],
        });
        let mut solo = Self {
            engine,
            now: now(),
            sequence: 1,
            nonce: Nonce(0),
            dials: Vec::new(),
            published: 0,
            model: None,
        };
        let eth0 = Interface::new("eth0", Ipv4Addr::new(10, 0, 0, 1), 8).expect("a network that broadcasts");
        solo.tell(Input::Interfaces(vec![eth0]));
        solo
    }

    /// Knows so many peers, all of them up.
    fn with_peers(n: u32, model: Option<Model>) -> Self {
        let mut solo = Self { model, ..Self::new() };
        for peer in 0..n {
            solo.hear(&presence(peer, 1, Kind::Here).encode(), peer);
            let body = &request(peer).encode()[HEADER..];
            solo.tell(Input::Request { conn: ConnId(1), from: (ip(peer), 40_000).into(), body: Ok(body) });
        }
        solo.dials(n);
        solo
    }

    fn tell(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Dial { dial, addr, request, .. } => {
                    if self.nonce == Nonce(0) {
                        self.nonce = Request::decode(&request[HEADER..]).expect("our own").nonce;
                    }
                    self.dials.push((dial, addr));
                }
                Output::Publish(event) => self.take(event),
                other => drop(black_box(other)),
            }
        }
    }

    fn take(&mut self, event: Event) {
        self.published += 1;
        if let Some(model) = &mut self.model {
            model.fold(&Stamped { at: self.now, wall: SystemTime::UNIX_EPOCH, event });
        } else {
            drop(black_box(event));
        }
    }

    fn hear(&mut self, bytes: &[u8], peer: u32) {
        let from = (ip(peer), 30_000).into();
        self.tell(Input::Datagram { from, socket: Socket::Shared, bytes });
    }

    /// Time goes on until a dial starts; all that have started get their reply. Returns how many.
    fn dial(&mut self) -> u32 {
        while self.dials.is_empty() {
            self.now = self.engine.poll_timeout().expect("it always plans something").max(self.now);
            self.tell(Input::Tick);
        }
        let mut dials = std::mem::take(&mut self.dials);
        let mut ended = 0;
        for (dial, addr) in dials.drain(..) {
            let IpAddr::V4(ip) = addr.ip() else { unreachable!("all peers are IPv4") };
            let (status, id, nonce) = (Status::Ok, node_id(ip.to_bits() - 0x0a00_0100), Some(self.nonce));
            let reply = Reply {
                status,
                id,
                incarnation: INCARNATION,
                name: NAME,
                nonce,
                group: GROUP,
                rows: None,
                have: None,
                prefix: None,
            };
            let frame = reply.encode();
            let (connect, rtt) = (Duration::from_micros(100), Duration::from_micros(200));
            let answer = Answer { body: &frame[HEADER..], connect, rtt };
            self.tell(Input::DialEnded { dial, result: Ok(answer) });
            ended += 1;
        }
        if self.dials.is_empty() {
            self.dials = dials;
        }
        ended
    }

    /// Time goes on until at least so many dials have started and ended. Returns how many.
    fn dials(&mut self, n: u32) -> u32 {
        let mut ended = 0;
        while ended < n {
            ended += self.dial();
        }
        ended
    }

    /// The datagram that the next of `n` peers sends.
    fn next_here(&mut self, n: u32) -> (Vec<u8>, u32) {
        self.sequence += 1;
        let peer = u32::try_from(self.sequence * 7_919 % u64::from(n)).unwrap_or(0);
        (presence(peer, self.sequence, Kind::Here).encode(), peer)
    }

    /// The hello of a node that was never heard before.
    fn next_hello(&mut self) -> (Vec<u8>, u32) {
        self.sequence += 1;
        self.now += Duration::from_millis(1);
        let peer = u32::try_from(self.sequence % (1 << 22)).unwrap_or(0);
        (presence(peer, self.sequence, Kind::Hello).encode(), peer)
    }
}

#[divan::bench(args = [10, 100, MANY])]
fn here_of_a_known_peer_handled(bencher: Bencher, peers: u32) {
    let solo = std::cell::RefCell::new(Solo::with_peers(peers, None));
    bencher
        .with_inputs(|| solo.borrow_mut().next_here(peers))
        .bench_local_refs(|(bytes, peer)| solo.borrow_mut().hear(bytes, *peer));
}

#[divan::bench]
fn hello_of_a_new_peer_to_its_events(bencher: Bencher) {
    let solo = std::cell::RefCell::new(Solo::new());
    bencher
        .with_inputs(|| solo.borrow_mut().next_hello())
        .bench_local_refs(|(bytes, peer)| solo.borrow_mut().hear(bytes, *peer));
}

/// From the tick that starts a dial to its reply handled and its events taken.
#[divan::bench(args = [10, 100, MANY])]
fn hundred_dial_cycles(bencher: Bencher, peers: u32) {
    let mut solo = Solo::with_peers(peers, None);
    bencher.counter(ItemsCount::new(100_u32)).bench_local(|| solo.dials(100));
}

// Side by side.

fn goals() {
    let n = 20_000;
    let mut lines = Vec::new();

    let (bytes, text) = (full_presence().encode(), json());
    let decode = versus(
        31,
        || nanoseconds(n, || assert!(black_box(Presence::decode(black_box(&bytes))).is_ok())),
        || {
            nanoseconds(n, || {
                assert!(black_box(serde_json::from_slice::<Json<'_>>(black_box(&text))).is_ok());
            })
        },
    );
    lines.push(format!(
        "decode {} B: {:.0} ns; serde_json, the same fields in {} B: {:.0} ns; ratio {:.2}",
        bytes.len(),
        decode.ours,
        text.len(),
        decode.theirs,
        decode.ratio
    ));
    for peers in [10, 100, MANY] {
        let solo = std::cell::RefCell::new(Solo::with_peers(peers, None));
        let step = versus(
            31,
            || {
                let mut solo = solo.borrow_mut();
                let datagrams: Vec<_> = (0..2_000).map(|_| solo.next_here(peers)).collect();
                let mut next = datagrams.iter();
                nanoseconds(2_000, || {
                    if let Some((bytes, peer)) = next.next() {
                        solo.hear(bytes, *peer);
                    }
                })
            },
            || nanoseconds(2_000, || assert!(black_box(Presence::decode(black_box(&bytes))).is_ok())),
        );
        lines.push(format!(
            "here of one of {peers} peers, decoded and handled: {:.0} ns; {:.1} times a decode alone",
            step.ours, step.ratio
        ));
    }
    for peers in [10, MANY] {
        let mut solo = Solo::with_peers(peers, None);
        let mut cycles = || {
            let begun = now();
            let ended = solo.dials(1_000);
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(ended)
        };
        let cycle = support::median(&std::array::from_fn::<f64, 15, _>(|_| cycles()));
        lines.push(format!("dial cycle among {peers} peers, from its tick to its events: {cycle:.0} ns"));
    }
    let mut solo = Solo::new();
    let hello = versus(
        31,
        || {
            let datagrams: Vec<_> = (0..500).map(|_| solo.next_hello()).collect();
            let mut next = datagrams.iter();
            nanoseconds(500, || {
                if let Some((bytes, peer)) = next.next() {
                    solo.hear(bytes, *peer);
                }
            })
        },
        || nanoseconds(500, || assert!(black_box(Presence::decode(black_box(&bytes))).is_ok())),
    );
    lines.push(format!(
        "hello of a newcomer to its event, its answer and its row: {:.0} ns; {:.1} times a decode alone",
        hello.ours, hello.ratio
    ));
    println!("\nMedians of rounds in turns:");
    for line in lines {
        println!("  {line}");
    }
    println!(
        "goals: datagram to published event ≤ 1 000 ns above the receive; elsewhere a borrowed fixed layout"
    );
    println!("decodes in 31 ns, postcard in 57, MessagePack in 153–263, serde_json in 454–486.");
}

fn memory() {
    // So many dials of each that every history is full.
    let seasoned = |model| {
        let mut solo = Solo::with_peers(MANY, model);
        solo.dials(MANY * 60);
        solo
    };
    let measured = |build: &dyn Fn() -> Solo| {
        let mut built = None;
        let counted = allocation_counter::measure(|| built = Some(build()));
        let published = built.as_ref().map_or(0, |solo| solo.published);
        (counted.bytes_current / i64::from(MANY), counted.bytes_max / u64::from(MANY), published)
    };
    let (engine, peak, published) = measured(&|| seasoned(None));
    let (both, ..) = measured(&|| seasoned(Some(Model::default())));
    println!("Memory at {MANY} peers, all up ({published} events published):");
    println!("  engine: {engine} B a peer (peak while they come: {peak} B)");
    println!("  engine and screen's model with 60 samples a peer: {both} B a peer, {} MB in all", both / 100);
    println!("goal: 10 000 peers with 60 samples in ≤ 10 MB\n");
}
