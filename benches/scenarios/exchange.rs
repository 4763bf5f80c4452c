//! One exchange over TCP on loopback: real nodes against bare tokio that connects, sends, receives and closes with the same
//! frames but for the rows (64 and 62 bytes; with what nodes tell each other they are 119 and 95).
//!
//! Our side is the whole program but the screen: a command asks for each dial; the engine queues and starts it within its rates;
//! the reply is decoded, the table updated, and events of the start and of the end are published and read. The engine's
//! pace is lifted (a dial rate of a million), nothing else. The bare side knows nothing: it reads to the end and closes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;

use vigie::engine::api::Command;
use vigie::engine::config::{Config, DialInterval, Target};
use vigie::engine::event::{Event, Stamped, StopReason};
use vigie::engine::peers::PeerKey;
use vigie::engine::{NodeId, Nonce};
use vigie::net::{Node, Selection, Settings};
use vigie::proto::exchange::{HEADER, Reply, Request, body_length};
use vigie::secret::Secret;
use vigie::secret::text::{KEY, Key, SecretText};
use vigie::testkit::{self, clock::now, free_port, secs};

/// Dials at once: as many as the engine has in flight.
pub(crate) const MANY: usize = 64;
/// Names of the same length on both sides.
const NAME: &str = "machine";

/// Both sides: nodes that serve and one that dials them, bare servers and a bare client. One server in each thread, for a peer has
/// one dial in flight at most.
pub(crate) struct Sides {
    dialer: Dialer,
    _nodes: Vec<Served>,
    client: Client,
    bare: Vec<SocketAddr>,
    _servers: Vec<BareServer>,
}

impl Sides {
    /// With so many servers on each side, and as many dials at once.
    pub(crate) fn new(servers: usize) -> Self {
        Self::under(servers, None)
    }

    /// The same, our side under a secret.
    pub(crate) fn sealed(servers: usize) -> Self {
        let text = SecretText { used: Key::new([7; KEY]), others: Vec::new(), hide: false };
        Self::under(servers, Some(Arc::new(Secret::new(&text, &testkit::config(0).group))))
    }

    fn under(servers: usize, secret: Option<Arc<Secret>>) -> Self {
        let ports: Vec<u16> = (0..servers).map(|_| free_port()).collect();
        let at = |kind| ports.iter().enumerate().map(move |(nth, port)| address(kind, nth, *port));
        let (served, bare): (Vec<_>, Vec<_>) = (at(2).collect(), at(1).collect());
        Self {
            _nodes: served.iter().map(|addr| Served(Some(serving_node(*addr, secret.clone())))).collect(),
            dialer: Dialer::start(&served, free_port(), secret),
            client: Client { runtime: runtime() },
            _servers: bare.iter().map(|addr| BareServer::start(*addr)).collect(),
            bare,
        }
    }

    /// Exchanges in a second, by nodes.
    pub(crate) fn ours(&self, duration: Duration) -> f64 {
        let at_once = self.bare.len();
        per_second(|| self.dialer.run(at_once, duration))
    }

    /// Exchanges in a second, bare.
    pub(crate) fn theirs(&self, duration: Duration) -> f64 {
        per_second(|| self.client.run(&self.bare, duration))
    }
}

fn per_second(work: impl FnOnce() -> u32) -> f64 {
    let begun = now();
    f64::from(work()) / begun.elapsed().as_secs_f64()
}

/// A loopback address of the `nth` server of one kind.
fn address(kind: u8, nth: usize, port: u16) -> SocketAddr {
    let last = u8::try_from(nth + 1).expect("few servers");
    SocketAddr::from((Ipv4Addr::new(127, 88, kind, last), port))
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

// Ours.

fn config(nth: u128, port: u16, peers: &[SocketAddr], secret: Option<Arc<Secret>>) -> Config {
    let target = |addr: &SocketAddr| Target { host: addr.ip().to_string(), port: addr.port() };
    Config {
        id: NodeId(nth),
        name: NAME.into(),
        port,
        tcp_port: 0,
        udp_port: 0,
        interval: secs(3_600),
        dial_interval: DialInterval::Every(secs(3_600)),
        dial_rate: 1_000_000,
        peers: peers.iter().map(target).collect(),
        secret,
        // Under a secret each has a key of its own, which its seed makes.
        seed: testkit::config(u64::try_from(nth).expect("small ids")).seed,
        ..testkit::config(0)
    }
}

/// The id of whoever serves at an address.
fn id_at(addr: SocketAddr) -> NodeId {
    let IpAddr::V4(ip) = addr.ip() else { unreachable!("all addresses here are IPv4") };
    NodeId(u128::from(ip.to_bits()))
}

fn serving_node(addr: SocketAddr, secret: Option<Arc<Secret>>) -> Node {
    let selection = Selection { bind: Some(addr.into()), ..Selection::default() };
    let config = config(id_at(addr).0, addr.port(), &[], secret);
    let settings = Settings {
        config,
        tcp_port: Some(addr.port()),
        announced_tcp_port: None,
        selection,
        waits_for_interface: false,
        follows_host_name: false,
        read_filter: None,
        impairment: None,
    };
    Node::start(settings, |_| async {}).expect("a node at a free port").0
}

/// A node that is ended with this.
struct Served(Option<Node>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(stop);
    }
}

fn stop(node: Node) {
    node.stop(StopReason::Quit, secs(1));
}

/// A node that dials as fast as it can when it is told to.
struct Dialer {
    node: Option<Node>,
    rounds: mpsc::Sender<Round>,
}

struct Round {
    at_once: usize,
    until: Instant,
    /// Gets how many have ended.
    done: oneshot::Sender<u32>,
}

impl Dialer {
    /// Starts it, and waits until it has reached all these.
    fn start(peers: &[SocketAddr], port: u16, secret: Option<Arc<Secret>>) -> Self {
        let loopback = glob::Pattern::new("lo*").expect("a pattern");
        let selection = Selection { include: vec![loopback], ..Selection::default() };
        let config = config(1, port, peers, secret);
        let settings = Settings {
            config,
            tcp_port: Some(0),
            announced_tcp_port: None,
            selection,
            waits_for_interface: false,
            follows_host_name: false,
            read_filter: None,
            impairment: None,
        };
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

    fn run(&self, at_once: usize, duration: Duration) -> u32 {
        let (done, ended) = oneshot::channel();
        let round = Round { at_once, until: now() + duration, done };
        self.rounds.blocking_send(round).expect("the node runs");
        ended.blocking_recv().expect("the node runs")
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
        let mut asked = std::collections::HashSet::with_capacity(at_once);
        for key in &peers[..at_once] {
            asked.insert(*key);
            let _ = commands.send(Command::DialNow(*key)).await;
        }
        let mut ended = 0;
        while !asked.is_empty() {
            match events.recv().await.expect("a node that runs, and a reader that follows").event {
                Event::DialSucceeded { peer, .. } => {
                    if !asked.remove(&peer.key) {
                        continue;
                    }
                    ended += 1;
                    if now() < until {
                        asked.insert(peer.key);
                        let _ = commands.send(Command::DialNow(peer.key)).await;
                    }
                }
                Event::DialFailed { cause, detail, .. } => panic!("a dial failed: {cause:?} {detail}"),
                _ => {}
            }
        }
        let _ = done.send(ended);
    }
}

// Bare tokio.

/// Answers whatever request comes with a reply that a node accepts, and closes.
struct BareServer {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl BareServer {
    /// A thread that serves at this address.
    fn start(at: SocketAddr) -> Self {
        let (listener, answer) = (listen(at), Arc::new(Answer { id: id_at(at), last: Mutex::default() }));
        let (stop, mut stopped) = oneshot::channel();
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let mut open = JoinSet::new();
            loop {
                let accepted = tokio::select! {
                    accepted = listener.accept() => accepted,
                    _ = &mut stopped => return,
                };
                let Ok((stream, _)) = accepted else { return };
                open.spawn(answer_one(stream, Arc::clone(&answer)));
                while open.try_join_next().is_some() {}
            }
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
            let reply = Reply { name: NAME, ..testkit::reply(self.id.0, nonce) };
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
    /// One dial at a time of each of these, for this long; how many have ended.
    fn run(&self, to: &[SocketAddr], duration: Duration) -> u32 {
        let until = now() + duration;
        self.runtime.block_on(async {
            let mut tasks = JoinSet::new();
            for to in to.iter().copied() {
                tasks.spawn(async move {
                    let request = request();
                    let mut ended = 0;
                    while ended == 0 || now() < until {
                        exchange(to, &request).await.expect("the server answers");
                        ended += 1;
                    }
                    ended
                });
            }
            tasks.join_all().await.into_iter().sum()
        })
    }
}

/// As a node would write it.
fn request() -> Vec<u8> {
    Request { name: NAME, nonce: Nonce(u64::MAX / 3), ..testkit::request(1) }.encode()
}

async fn exchange(to: SocketAddr, request: &[u8]) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(to).await?;
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
