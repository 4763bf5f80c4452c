//! A node among hostile traffic: it stays of use to its healthy peer, small, calm and alive.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use crate::support::node::{Mark, Node, Stage};
use crate::support::seen::{about, becomes, between, kind};
use crate::support::{QUICK, SOON, free_port, now, poll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use socket2::{Domain, Protocol, Socket, Type};
use vigie::engine::limits::MAX_TETHERS_PER_ADDRESS;
use vigie::proto::exchange::{HEADER, Reply, Request, body_length};
use vigie::proto::presence::{Kind, Presence};
use vigie::proto::{Incarnation, NodeId, Nonce};

const LONG: Duration = Duration::from_secs(20);
const MAX_MEMORY_KB: u64 = 40_000;

/// A node under attack, its healthy peer, and where both can be hit.
struct Scene {
    /// Where the victim's TCP server listens.
    tcp: SocketAddr,
    /// Where both hear presences.
    broadcast: SocketAddr,
    /// The victim's own UDP port.
    private: SocketAddr,
    /// When all was well.
    well: Mark,
    victim: Node,
    healthy: Node,
    stage: Stage,
}

impl Scene {
    /// Two nodes that know each other, on 127.77.`net`.1 and 127.77.`net`.2.
    fn new(net: u8) -> Self {
        let (stage, port) = (Stage::new(), free_port());
        let text = port.to_string();
        let node = |name: &str, host: u8| {
            let addr = format!("127.77.{net}.{host}");
            let own = ["watch", "--json", "--name", name, "--bind", &addr, "--port", &text];
            stage.vigie(name, &[&own, &QUICK[..]].concat())
        };
        let (victim, healthy) = (node("victim", 1), node("healthy", 2));
        victim.wait_for(SOON, becomes("healthy", "up"));
        healthy.wait_for(SOON, becomes("victim", "up"));
        let addr = Ipv4Addr::new(127, 77, net, 1);
        let started = victim.wait_for(SOON, kind("started"));
        let tcp_port = u16::try_from(started["node"]["tcp_port"].as_u64().unwrap()).unwrap();
        Self {
            tcp: (addr, tcp_port).into(),
            broadcast: (Ipv4Addr::new(127, 255, 255, 255), port).into(),
            private: private_port(port, addr),
            well: victim.mark(),
            victim,
            healthy,
            stage,
        }
    }

    /// A socket on another address of this machine.
    fn attacker(&self, host: u8) -> UdpSocket {
        let SocketAddr::V4(own) = self.private else { unreachable!("it is IPv4") };
        let [_, _, net, _] = own.ip().octets();
        let socket = UdpSocket::bind((Ipv4Addr::new(127, 77, net, host), 0)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket
    }

    /// Sends to the presence port of both nodes and to the victim's own.
    fn send(&self, from: &UdpSocket, bytes: &[u8]) {
        for to in [self.broadcast, self.private] {
            from.send_to(bytes, to).unwrap();
        }
    }

    /// Checks what must hold whatever was done to the victim.
    #[track_caller]
    fn stays_well(mut self) {
        let mark = self.victim.mark();
        for (node, peer) in [(&self.victim, "healthy"), (&self.healthy, "victim")] {
            node.since(mark).wait_for(SOON, about("dial_succeeded", peer));
            let lost = node.since(self.well).events(|e| about("peer_state", peer)(e) && e["from"] == "up");
            assert!(lost.is_empty(), "{peer} did not stay up: {lost:?}");
        }
        let to = self.tcp.to_string();
        let dial = self.stage.vigie("dial", &["dial", &to, "--json", "--max-retries", "1"]).finish(LONG);
        assert_eq!(dial.code, 0, "a legitimate dial fails: {}", dial.out);
        let memory = self.victim.peak_memory_kb();
        assert!(memory < MAX_MEMORY_KB, "it grew to {memory} kB");
        rejections_are_aggregated(&self.victim);
        self.victim.sigterm();
        assert_eq!(self.victim.wait_exit(SOON), 0);
        crate::support::only_the_log(&self.victim.stderr());
    }
}

/// Hears the presences on the shared port until one of this address states its sender's own port.
fn private_port(port: u16, addr: Ipv4Addr) -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into()).unwrap();
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(SOON)).unwrap();
    loop {
        let mut bytes = [0; 1500];
        let (n, from) = socket.recv_from(&mut bytes).expect("a node sends presences");
        if let (IpAddr::V4(ip), Ok(presence)) = (from.ip(), Presence::decode(&bytes[..n]))
            && ip == addr
        {
            return (addr, presence.udp_port).into();
        }
    }
}

/// At most one line a second for each reason.
#[track_caller]
fn rejections_are_aggregated(node: &Node) {
    let mut last: HashMap<String, Value> = HashMap::new();
    for event in node.always().events(kind("rejected")) {
        assert!(event["count"].as_u64().is_some_and(|n| n > 0), "{}", *event);
        let reason = event["reason"].as_str().unwrap().to_owned();
        if let Some(before) = last.insert(reason, (*event).clone()) {
            let gap = between(&before, &event);
            assert!(gap >= Duration::from_millis(950), "{gap:?} between {before} and {}", *event);
        }
    }
}

fn forged(number: u64) -> Presence<'static> {
    Presence {
        kind: Kind::Hello,
        group: "default",
        id: NodeId(u128::from(number) << 64 | 0xbad),
        incarnation: Incarnation(1_700_000_000_000 + number),
        sequence: 1,
        name: "forged",
        tcp_port: 9,
        udp_port: 9,
        period_ms: 100,
        claimed: Ipv4Addr::new(127, 77, 0, 77).into(),
        nonce: Some(Nonce(number)),
        echo: None,
        prefix: None,
        wide: None,
        suspicion: None,
        rows: None,
        visitor: None,
        tag: None,
        membership: None,
    }
}

/// A few pseudo-random numbers, the same ones in each run.
fn noise() -> impl FnMut() -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

#[test]
fn random_truncated_oversized_and_foreign_datagrams_are_turned_away() {
    let scene = Scene::new(101);
    let attacker = scene.attacker(66);
    let (mut random, whole) = (noise(), forged(1).encode());
    for round in 0..500 {
        let length = usize::try_from(random() % 1_400).unwrap();
        let bytes: Vec<_> = (0..length).map(|_| random().to_le_bytes()[0]).collect();
        scene.send(&attacker, &bytes);
        scene.send(&attacker, &[b"VIGI\x01", &bytes[..]].concat());
        scene.send(&attacker, &whole[..round % whole.len()]);
        let mut bent = whole.clone();
        let at = usize::try_from(random()).unwrap_or(0) % bent.len();
        bent[at] ^= 1 << (random() % 8);
        scene.send(&attacker, &bent);
    }
    for foreign in [&b"M-SEARCH * HTTP/1.1\r\n\r\n"[..], b"", b"\0", b"VIGI", b"VIGI\x02newer"] {
        scene.send(&attacker, foreign);
    }
    for size in [1_201, 9_000, 65_000] {
        scene.send(&attacker, &vec![b'V'; size]);
        scene.send(&attacker, &[b"VIGI\x01", &vec![0xff; size][..]].concat());
    }
    for reason in ["foreign", "truncated", "malformed", "oversized", "version_mismatch"] {
        scene.victim.wait_for(SOON, |e| kind("rejected")(e) && e["reason"] == reason);
    }
    scene.stays_well();
}

#[test]
fn ten_thousand_forged_peers_do_not_drown_a_healthy_one() {
    let scene = Scene::new(102);
    for number in 0..10_000_u16 {
        let [high, low] = number.to_be_bytes();
        let source = UdpSocket::bind((Ipv4Addr::new(127, 79, high, low), 0)).unwrap();
        source.set_broadcast(true).unwrap();
        source.send_to(&forged(number.into()).encode(), scene.broadcast).unwrap();
    }
    scene.stays_well();
}

#[test]
fn a_thousand_forged_nodes_at_one_address_do_not_drown_a_healthy_one() {
    let scene = Scene::new(103);
    let attacker = scene.attacker(66);
    for number in 0..1_000 {
        scene.send(&attacker, &forged(number).encode());
        scene.send(&attacker, &Presence { kind: Kind::Goodbye, sequence: 2, ..forged(number) }.encode());
    }
    scene.stays_well();
}

#[test]
fn a_forged_goodbye_or_presence_in_a_peer_s_name_does_not_take_it_away() {
    let scene = Scene::new(104);
    let attacker = scene.attacker(66);
    let known = scene.victim.wait_for(SOON, about("peer_discovered", "healthy"));
    let id: NodeId = known["peer"]["id"].as_str().unwrap().parse().unwrap();
    let incarnation = Incarnation(known["peer"]["incarnation"].as_u64().unwrap());
    for (kind, incarnation) in [
        (Kind::Goodbye, incarnation),
        (Kind::Heartbeat, incarnation),
        (Kind::Hello, Incarnation(incarnation.0 + 1)),
        (Kind::Goodbye, Incarnation(u64::MAX)),
    ] {
        for sequence in [1, 1_000_000, u64::MAX] {
            let false_one = Presence { kind, id, incarnation, sequence, ..forged(1) };
            scene.send(&attacker, &false_one.encode());
        }
    }
    let mark = scene.victim.mark();
    scene.victim.since(mark).wait_for(SOON, |e| {
        about("dial_succeeded", "healthy")(e)
            && e["addr"].as_str().is_some_and(|a| a.starts_with("127.77.104.2:"))
    });
    assert_eq!(scene.victim.count(about("peer_left", "healthy")), 0);
    scene.stays_well();
}

#[test]
fn clients_that_send_nothing_or_a_byte_a_second_are_cut_off() {
    let scene = Scene::new(105);
    let frame = request(b"slow");
    let mut clients: Vec<_> = (0..20).map(|n| (n, TcpStream::connect(scene.tcp).unwrap())).collect();
    for (_, client) in &clients {
        client.set_nonblocking(true).unwrap();
    }
    let start = now();
    let mut sent = 0;
    let all_cut = poll(LONG, || {
        let due = usize::try_from(start.elapsed().as_secs()).unwrap_or(0);
        if due > sent {
            sent = due;
            for (_, client) in clients.iter_mut().filter(|(n, _)| n % 2 == 0) {
                let _ = client.write(&frame[(due - 1) % frame.len()..][..1]);
            }
        }
        clients.retain_mut(|(_, client)| match client.read(&mut [0; 64]) {
            Ok(0) => false,
            Ok(_) => true,
            Err(e) => e.kind() == ErrorKind::WouldBlock,
        });
        clients.is_empty().then_some(())
    });
    assert!(all_cut.is_some(), "{} are still connected after {LONG:?}", clients.len());
    scene.victim.wait_for(SOON, |e| kind("rejected")(e) && e["reason"] == "too_slow");
    scene.stays_well();
}

#[test]
fn clients_that_send_garbage_or_close_at_once_change_nothing() {
    let scene = Scene::new(106);
    let mut random = noise();
    let good = request(b"hello");
    for round in 0..300 {
        let mut client = TcpStream::connect(scene.tcp).unwrap();
        client.set_read_timeout(Some(SOON)).unwrap();
        let bytes: Vec<_> = (0..200).map(|_| random().to_le_bytes()[0]).collect();
        let _ = match round % 6 {
            0 => Ok(()),
            1 => client.write_all(&bytes),
            2 => client.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            3 => client.write_all(b"VIGI\x01\xff\xff\xff\xff"),
            4 => client.write_all(&[b"VIGI\x01\0\0\0\xc8", &bytes[..]].concat()),
            _ => client.write_all(&good[..good.len() - 1]),
        };
        if round % 6 == 4 {
            let _ = client.read_to_end(&mut Vec::new());
        }
    }
    for reason in ["foreign", "oversized", "closed_early"] {
        scene.victim.wait_for(SOON, |e| kind("rejected")(e) && e["reason"] == reason);
    }
    scene.stays_well();
}

#[test]
fn a_thousand_connections_at_once_are_bounded_and_pass() {
    let scene = Scene::new(107);
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.map_or(4_096, |most| most.min(4_096));
    setrlimit(Resource::Nofile, Rlimit { current: Some(enough), ..limit }).unwrap();
    let deadline = Duration::from_secs(2);
    let clients: Vec<_> =
        (0..1_000).filter_map(|_| TcpStream::connect_timeout(&scene.tcp, deadline).ok()).collect();
    assert!(!clients.is_empty());
    scene.victim.wait_for(LONG, |e| kind("rejected")(e) && e["reason"] == "too_many_connections");
    drop(clients);
    scene.stays_well();
}

#[test]
fn a_node_that_runs_out_of_descriptors_serves_again_when_it_has_some() {
    let (stage, port) = (Stage::new(), free_port());
    let mut poor = Command::new("sh");
    crate::support::node::clean(&mut poor);
    poor.args(["-c", "ulimit -n 24; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_vigie"), "watch", "--json"]);
    poor.args(["--bind", "127.77.108.1", "--port", &port.to_string()]);
    let node = stage.spawn("poor", poor);
    node.wait_for(SOON, kind("started"));
    let to = SocketAddr::from(([127, 77, 108, 1], port));
    // Fewer than one address may have open, and more than the node has descriptors for.
    let clients: Vec<_> = (0..16).map(|_| TcpStream::connect(to).unwrap()).collect();
    poll(SOON, || node.stderr().contains("cannot accept TCP connections").then_some(())).unwrap();
    drop(clients);
    let dial =
        stage.vigie("dial", &["dial", &to.to_string(), "--json", "--retry-delay", "100ms"]).finish(LONG);
    assert_eq!(dial.code, 0, "{}", dial.out);
}

#[test]
fn who_asks_for_many_tethers_has_its_share_and_costs_nobody_an_exchange() {
    let scene = Scene::new(109);
    let attacker = Ipv4Addr::new(127, 77, 109, 9);
    let dial = |request: Vec<u8>| {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).unwrap();
        socket.bind(&SocketAddr::from((attacker, 0)).into()).unwrap();
        socket.connect(&scene.tcp.into()).unwrap();
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(&request).unwrap();
        stream
    };
    let reply = |stream: &mut TcpStream| {
        let mut header = [0; HEADER];
        stream.read_exact(&mut header).unwrap();
        let mut body = vec![0; body_length(&header).unwrap()];
        stream.read_exact(&mut body).unwrap();
        Reply::decode(&body).unwrap().tether == Some(true)
    };
    let ask = |n: u16| {
        let (id, tcp_port) = (NodeId(0xbad_0000 + u128::from(n)), 20_000 + n);
        let request = Request { id, tcp_port, tether: Some(true), ..one_shot(None) };
        let mut stream = dial(request.encode());
        reply(&mut stream).then_some(stream)
    };
    let mut held: Vec<TcpStream> = (0..30).filter_map(ask).collect();
    assert_eq!(held.len(), MAX_TETHERS_PER_ADDRESS);
    // Longer than an exchange may last, in which all places of an address are of use to it.
    let until = now() + Duration::from_secs(6);
    while now() < until {
        let mut exchanges: Vec<_> = (0..12).map(|_| dial(request(b"hello"))).collect();
        assert!(exchanges.iter_mut().all(|exchange| !reply(exchange)));
        std::thread::sleep(Duration::from_millis(200));
    }
    for stream in &held {
        stream.set_nonblocking(true).unwrap();
        assert_eq!((&*stream).read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "it is kept");
        stream.set_nonblocking(false).unwrap();
    }
    scene.victim.sigterm();
    for stream in &mut held {
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).unwrap();
        assert_eq!(rest.len(), 1, "a farewell");
    }
}

/// A whole request frame of a one-shot dialer.
fn request(message: &[u8]) -> Vec<u8> {
    one_shot(std::str::from_utf8(message).ok()).encode()
}

fn one_shot(message: Option<&str>) -> Request<'_> {
    let (id, incarnation, nonce) = (NodeId(0xbad), Incarnation(1), Nonce(1));
    Request {
        group: "default",
        id,
        incarnation,
        name: "client",
        tcp_port: 0,
        nonce,
        message,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    }
}
