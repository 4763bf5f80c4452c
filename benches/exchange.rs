//! One exchange over TCP on loopback: real nodes against bare tokio that connects, sends, receives and closes with the same
//! bytes, in turns.
//!
//! Our side is the whole program but the screen: a command asks for each dial; the engine budgets, queues and starts it;
//! the reply is decoded, the table updated, and events of the start and of the end are published and read. The engine's
//! pace is lifted (a dial rate of a million), nothing else. The bare side knows nothing: it reads to the end and closes.

mod support;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

use support::{median, micros, now, percentile};
use vigie::engine::config::{Config, Target};
use vigie::engine::event::{Command, Event, Stamped, StopReason};
use vigie::engine::peers::PeerKey;
use vigie::engine::retry::RetryPolicy;
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::net::{Node, Selection, Settings};
use vigie::proto::exchange::{HEADER, Reply, Request, Status, body_length};

/// Dials at once: as many as the engine has in flight.
const MANY: usize = 64;
/// Addresses that the bare client dials the serving node from: it takes at most 16 connections of each.
const SOURCES: usize = 8;
/// Names of the same length on both sides.
const NAME: &str = "machine";

fn main() {
    let (rounds, duration) =
        if support::is_a_trial() { (1, Duration::from_millis(20)) } else { (25, Duration::from_millis(150)) };
    let ports = free_ports(MANY + 2);
    println!(
        "Exchanges on loopback, ours and bare tokio in turns: {rounds} rounds of {duration:?} each, medians.\n"
    );
    println!(
        "{:<44} {:>9} {:>9} {:>7} {:>15} {:>15} {:>13}",
        "", "ours /s", "bare /s", "ratio", "ours p50/p99 µs", "bare p50/p99 µs", "CPU µs, both"
    );
    let compare = |what: &str, ours: &mut dyn FnMut() -> Run, bare: &mut dyn FnMut() -> Run| {
        let runs: Vec<(Run, Run)> = (0..rounds).map(|_| (ours(), bare())).collect();
        let each = |pick: &dyn Fn(&(Run, Run)) -> f64| median(&runs.iter().map(pick).collect::<Vec<_>>());
        println!(
            "{what:<44} {:>9.0} {:>9.0} {:>7.2} {:>7.0} {:>7.0} {:>7.0} {:>7.0} {:>6.1} {:>6.1}",
            each(&|(a, _)| a.per_second()),
            each(&|(_, b)| b.per_second()),
            each(&|(a, b)| a.per_second() / b.per_second()),
            each(&|(a, _)| a.latency(0.5)),
            each(&|(a, _)| a.latency(0.99)),
            each(&|(_, b)| b.latency(0.5)),
            each(&|(_, b)| b.latency(0.99)),
            each(&|(a, _)| a.cpu_each()),
            each(&|(_, b)| b.cpu_each()),
        );
    };
    let client = Client::new();

    // A node serves in each of `MANY` threads: a peer has one dial in flight at most.
    let served: Vec<SocketAddr> = (0..MANY).map(|i| at(2, i, ports[i])).collect();
    let nodes: Vec<Node> = served.iter().map(|addr| serving_node(*addr)).collect();
    let bare: Vec<SocketAddr> = (0..MANY).map(|i| at(1, i, ports[i])).collect();
    let threads: Vec<BareServer> = bare.iter().map(|addr| BareServer::start(&[*addr])).collect();

    let one = Dialer::start(&served[..1], ports[MANY]);
    let mut ours = || one.run(1, duration);
    compare("node → node, 1 at a time", &mut ours, &mut || client.run(&bare[..1], &[None], 1, duration));
    drop(one);
    let many = Dialer::start(&served, ports[MANY]);
    let mut ours = || many.run(MANY, duration);
    compare("node → 64 nodes in 64 threads, 64 at a time", &mut ours, &mut || {
        client.run(&bare, &[None], MANY, duration)
    });
    drop((many, threads, nodes));

    // The dialing side alone: both dial the same bare server.
    let all = BareServer::start(&bare);
    let many = Dialer::start(&bare, ports[MANY]);
    let mut ours = || many.run(MANY, duration);
    compare("node → bare server (dialing alone), 64", &mut ours, &mut || {
        client.run(&bare, &[None], MANY, duration)
    });
    drop(many);

    // The serving side alone: the bare client is known to the node as a peer at each of its addresses.
    let sources: Vec<Option<SocketAddr>> = bare[..SOURCES].iter().copied().map(Some).collect();
    let node = serving_node(at(2, 0, ports[MANY + 1]));
    let node_at = [at(2, 0, ports[MANY + 1])];
    compare(
        "bare client → node (serving alone), 64",
        &mut || client.run(&node_at, &sources, MANY, duration),
        &mut || client.run(&bare[..1], &sources, MANY, duration),
    );
    stop(node);
    drop(all);
    println!(
        "\ngoal: ≥ 0.85 of bare tokio with events, retries and table updates included. Every dial here is asked for by a"
    );
    println!(
        "command, which regular dials are not. 64 bare serving threads stand against 64 nodes in the second line."
    );
}

/// What one side did in one round.
struct Run {
    latencies: Vec<f64>,
    took: Duration,
    cpu: Duration,
}

impl Run {
    /// Measures what this does.
    fn of(work: impl FnOnce() -> Vec<f64>) -> Self {
        let (begun, cpu) = (now(), cpu_time());
        let latencies = work();
        Self { latencies, took: begun.elapsed(), cpu: cpu_time().saturating_sub(cpu) }
    }

    #[expect(clippy::cast_precision_loss)]
    fn count(&self) -> f64 {
        self.latencies.len() as f64
    }

    fn per_second(&self) -> f64 {
        self.count() / self.took.as_secs_f64()
    }

    fn latency(&self, share: f64) -> f64 {
        percentile(&self.latencies, share)
    }

    fn cpu_each(&self) -> f64 {
        micros(self.cpu) / self.count()
    }
}

/// Time that all threads of this process have run; zero where the system does not tell.
fn cpu_time() -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let spent = threads.filter_map(|thread| {
        let text = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(spent.sum())
}

/// A loopback address of the `nth` server of one kind.
fn at(kind: u8, nth: usize, port: u16) -> SocketAddr {
    let last = u8::try_from(nth + 1).expect("few servers");
    SocketAddr::from((Ipv4Addr::new(127, 88, kind, last), port))
}

/// Ports that nobody uses now, by TCP or UDP, below those that the system gives to dialers.
fn free_ports(n: usize) -> Vec<u16> {
    let any = Ipv4Addr::UNSPECIFIED;
    let free = |port: &u16| TcpListener::bind((any, *port)).is_ok() && UdpSocket::bind((any, *port)).is_ok();
    let ports: Vec<u16> = (22_000..32_000).filter(free).take(n).collect();
    assert_eq!(ports.len(), n, "that many ports are free");
    ports
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

// Ours.

fn config(nth: u128, port: u16, peers: &[SocketAddr]) -> Config {
    let hour = Duration::from_hours(1);
    let target = |addr: &SocketAddr| Target { host: addr.ip().to_string(), port: addr.port() };
    Config {
        id: NodeId(nth),
        incarnation: Incarnation(1_700_000_000_000),
        name: NAME.into(),
        group: "default".into(),
        port,
        tcp_port: 0,
        udp_port: 0,
        interval: hour,
        silent_after: 3,
        dial_interval: hour,
        retry: RetryPolicy {
            max_attempts: 5,
            delay: Duration::from_secs(2),
            backoff: 1.5,
            timeout: Duration::from_secs(4),
        },
        dial_rate: 1_000_000,
        peers: peers.iter().map(target).collect(),
        seed: [7; 32],
    }
}

/// The id of whoever serves at an address.
fn id_at(addr: SocketAddr) -> NodeId {
    let IpAddr::V4(ip) = addr.ip() else { unreachable!("all addresses here are IPv4") };
    NodeId(u128::from(ip.to_bits()))
}

fn serving_node(addr: SocketAddr) -> Node {
    let selection = Selection { bind: Some(addr.ip()), ..Selection::default() };
    let config = config(id_at(addr).0, addr.port(), &[]);
    let settings = Settings { config, tcp_port: Some(addr.port()), announced_tcp_port: None, selection };
    Node::start(settings, |_| async {}).expect("a node at a free port").0
}

fn stop(node: Node) {
    node.stop(StopReason::Quit, Duration::from_secs(1));
}

/// A node that dials as fast as it can when it is told to.
struct Dialer {
    node: Option<Node>,
    rounds: mpsc::Sender<Round>,
}

struct Round {
    at_once: usize,
    until: Instant,
    done: oneshot::Sender<Vec<f64>>,
}

impl Dialer {
    /// Starts it, and waits until it has reached all these.
    fn start(peers: &[SocketAddr], port: u16) -> Self {
        let loopback = glob::Pattern::new("lo*").expect("a pattern");
        let selection = Selection { include: vec![loopback], ..Selection::default() };
        let config = config(1, port, peers);
        let settings = Settings { config, tcp_port: Some(0), announced_tcp_port: None, selection };
        let (commands, to_be_given) = oneshot::channel();
        let (rounds, wanted) = mpsc::channel(1);
        let (ready, all_up) = std::sync::mpsc::sync_channel(1);
        let n = peers.len();
        let (node, _) = Node::start(settings, move |mut events| async move {
            let Ok(commands) = to_be_given.await else { return };
            let mut up: Vec<PeerKey> = Vec::new();
            while up.len() < n {
                if let Ok(Stamped { event: Event::DialSucceeded { peer, .. }, .. }) = events.recv().await
                    && !up.contains(&peer.key)
                {
                    up.push(peer.key);
                }
            }
            let _ = ready.send(());
            dial(&up, events, commands, wanted).await;
        })
        .expect("a node at a free port");
        commands.send(node.commands.clone()).expect("the subscriber waits for it");
        all_up.recv_timeout(Duration::from_secs(20)).expect("all peers answer");
        Self { node: Some(node), rounds }
    }

    fn run(&self, at_once: usize, duration: Duration) -> Run {
        Run::of(|| {
            let (done, figures) = oneshot::channel();
            let round = Round { at_once, until: now() + duration, done };
            self.rounds.blocking_send(round).expect("the node runs");
            figures.blocking_recv().expect("the node runs")
        })
    }
}

impl Drop for Dialer {
    fn drop(&mut self) {
        self.node.take().into_iter().for_each(stop);
    }
}

/// Asks for the next dial of a peer when the last one has succeeded. Runs in the node's own thread, as its screen would.
async fn dial(
    peers: &[PeerKey],
    mut events: broadcast::Receiver<Stamped>,
    commands: mpsc::Sender<Command>,
    mut rounds: mpsc::Receiver<Round>,
) {
    while let Some(Round { at_once, until, done }) = rounds.recv().await {
        events = events.resubscribe();
        let mut asked = std::collections::HashMap::with_capacity(at_once);
        for key in &peers[..at_once] {
            asked.insert(*key, now());
            let _ = commands.send(Command::DialNow(*key)).await;
        }
        let mut latencies = Vec::with_capacity(1 << 16);
        while !asked.is_empty() {
            match events.recv().await.expect("a node that runs, and a reader that follows").event {
                Event::DialSucceeded { peer, .. } => {
                    let Some(since) = asked.remove(&peer.key) else { continue };
                    let at = now();
                    latencies.push(micros(at - since));
                    if at < until {
                        asked.insert(peer.key, at);
                        let _ = commands.send(Command::DialNow(peer.key)).await;
                    }
                }
                Event::DialFailed { cause, detail, .. } => panic!("a dial failed: {cause:?} {detail}"),
                _ => {}
            }
        }
        let _ = done.send(latencies);
    }
}

// Bare tokio.

/// Answers whatever request comes with a reply that a node accepts, and closes.
struct BareServer {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl BareServer {
    /// One thread that serves at all these addresses.
    fn start(at: &[SocketAddr]) -> Self {
        let listeners: Vec<(TcpListener, Arc<Answer>)> = at
            .iter()
            .map(|addr| (listen(*addr), Arc::new(Answer { id: id_at(*addr), last: Mutex::default() })))
            .collect();
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            let mut tasks = JoinSet::new();
            for (listener, answer) in listeners {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                tasks.spawn(async move {
                    let mut open = JoinSet::new();
                    while let Ok((stream, _)) = listener.accept().await {
                        open.spawn(answer_one(stream, Arc::clone(&answer)));
                        while open.try_join_next().is_some() {}
                    }
                });
            }
            let _ = stopped.await;
        };
        let thread = std::thread::spawn(move || runtime().block_on(serve));
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for BareServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the bare server does not panic");
        }
    }
}

fn listen(addr: SocketAddr) -> TcpListener {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option");
    socket.set_nonblocking(true).expect("an option");
    socket.bind(&addr.into()).expect("a free port");
    socket.listen(1_024).expect("a free port");
    socket.into()
}

/// The reply to one request, kept: the next request is the same.
struct Answer {
    id: NodeId,
    last: Mutex<(Vec<u8>, Arc<[u8]>)>,
}

impl Answer {
    fn to(&self, request: &[u8]) -> Arc<[u8]> {
        let mut last = self.last.lock().expect("nobody panics with it");
        if last.0 != request {
            let nonce = Request::decode(&request[HEADER..]).expect("a request").nonce;
            let incarnation = Incarnation(1_700_000_000_000);
            let (status, id, group) = (Status::Ok, self.id, "default");
            let reply = Reply {
                status,
                id,
                incarnation,
                name: NAME,
                nonce: Some(nonce),
                group,
                rows: None,
                have: None,
                prefix: None,
            };
            *last = (request.to_vec(), reply.encode().into());
        }
        Arc::clone(&last.1)
    }
}

async fn answer_one(mut stream: TcpStream, answer: Arc<Answer>) {
    let mut buffer = [0; 512];
    let mut n = 0;
    loop {
        match stream.read(&mut buffer[n..]).await {
            Ok(more) if more > 0 => n += more,
            _ => return,
        }
        let length = buffer.first_chunk().and_then(|header| body_length(header).ok());
        if n >= HEADER && length.is_some_and(|length| n >= HEADER + length) {
            break;
        }
    }
    let reply = answer.to(&buffer[..n]);
    let _ = stream.write_all(&reply).await;
}

/// Dials with nothing but tokio.
struct Client {
    runtime: Runtime,
}

impl Client {
    fn new() -> Self {
        Self { runtime: runtime() }
    }

    /// So many at once, for this long, to these in turn and from these in turn.
    fn run(&self, to: &[SocketAddr], from: &[Option<SocketAddr>], at_once: usize, duration: Duration) -> Run {
        Run::of(|| {
            let until = now() + duration;
            self.runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for i in 0..at_once {
                    let (to, from) = (to[i % to.len()], from[i % from.len()]);
                    tasks.spawn(async move {
                        let request = request(from);
                        let mut latencies = Vec::with_capacity(1 << 12);
                        while latencies.is_empty() || now() < until {
                            let begun = now();
                            exchange(to, from, &request).await.expect("the server answers");
                            latencies.push(micros(begun.elapsed()));
                        }
                        latencies
                    });
                }
                tasks.join_all().await.concat()
            })
        })
    }
}

/// The request of the node that serves at this address.
fn request(from: Option<SocketAddr>) -> Vec<u8> {
    let from = from.unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 17_474)));
    let (id, tcp_port) = (id_at(from), from.port());
    let (group, name, incarnation) = ("default", NAME, Incarnation(1_700_000_000_000));
    Request {
        group,
        id,
        incarnation,
        name,
        tcp_port,
        nonce: Nonce(u64::MAX / 3),
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
    }
    .encode()
}

async fn exchange(to: SocketAddr, from: Option<SocketAddr>, request: &[u8]) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    if let Some(from) = from {
        socket.bind(SocketAddr::new(from.ip(), 0))?;
    }
    let mut stream = socket.connect(to).await?;
    stream.write_all(request).await?;
    let mut buffer = [0; 512];
    let mut n = 0;
    loop {
        match stream.read(&mut buffer).await? {
            0 if n > HEADER => return Ok(()),
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            more => n += more,
        }
    }
}
