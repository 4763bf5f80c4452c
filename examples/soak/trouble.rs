//! What goes wrong. Each trouble is over when it returns: what it broke is mended, so that what stays wrong is the nodes' own.

use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use rand::{Rng as _, RngExt as _, SeedableRng as _, rngs::StdRng};
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::proto::presence::{Kind, Presence};
use vigie::testkit::presence;

use super::scenario::Soak;

/// The share of packets that is lost, in percent.
const LOSS: u8 = 30;
/// Datagrams of a flood.
const DATAGRAMS: u32 = 6_000;
/// Connections of a flood: more than a node takes of all together.
const CONNECTIONS: usize = 300;
/// The nodes' ports.
const PORT: u16 = 17_474;

/// One of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// `kill -9`, and a new process.
    Killed,
    /// SIGSTOP, SIGCONT.
    Stopped,
    /// The cable is pulled, and plugged in again.
    Unplugged,
    /// The interface goes down and up.
    Down,
    /// A third of what comes in is lost.
    Loss,
    /// Forged, random and foreign datagrams.
    Datagrams,
    /// Connections that say nothing, or rubbish.
    Connections,
    /// As many connections as the node with few descriptors takes.
    Descriptors,
    /// The disk of the log is full.
    FullDisk,
}

/// What must be known of it later.
pub(crate) struct Done {
    /// Whose process is another one now.
    pub(crate) killed: Vec<usize>,
}

impl Trouble {
    pub(crate) const ALL: [Self; 9] = [
        Self::Killed,
        Self::Stopped,
        Self::Unplugged,
        Self::Down,
        Self::Loss,
        Self::Datagrams,
        Self::Connections,
        Self::Descriptors,
        Self::FullDisk,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Killed => "kill -9",
            Self::Stopped => "SIGSTOP",
            Self::Unplugged => "unplugged",
            Self::Down => "link down",
            Self::Loss => "30 % loss",
            Self::Datagrams => "datagrams",
            Self::Connections => "connections",
            Self::Descriptors => "descriptors",
            Self::FullDisk => "full disk",
        }
    }

    /// Makes it, lets it last, and mends it.
    pub(crate) fn befall(self, soak: &mut Soak<'_>) -> Done {
        let nodes = soak.nodes.len();
        let victim = soak.rng.random_range(0..nodes);
        let mut killed = Vec::new();
        match self {
            Self::Killed => {
                // The first half lives as long as the network.
                let victim = soak.rng.random_range(nodes / 2..nodes);
                soak.nodes[victim].kill9();
                soak.pause(100, 3_000);
                soak.nodes[victim] = soak.start(victim);
                killed.push(victim);
            }
            Self::Stopped => {
                soak.nodes[victim].sigstop();
                soak.pause(200, 6_000);
                soak.nodes[victim].sigcont();
            }
            Self::Unplugged => {
                soak.host(victim).unplug();
                soak.pause(200, 6_000);
                soak.host(victim).plug();
            }
            Self::Down => {
                soak.host(victim).link_down();
                soak.pause(200, 3_000);
                soak.host(victim).link_up();
            }
            Self::Loss => {
                soak.host(victim).nft_in(&format!("numgen random mod 100 < {LOSS} drop"));
                soak.pause(2_000, 8_000);
                soak.host(victim).heal();
            }
            Self::Datagrams => flood(soak, victim),
            Self::Connections => connect(soak, victim, CONNECTIONS),
            Self::Descriptors => connect(soak, 1, 64),
            Self::FullDisk => {
                // What is logged meanwhile is lost, and nothing else.
                let fill = "dd if=/dev/zero of=/run/small/full bs=1k count=128 2>/dev/null; true";
                soak.host(0).run(&["sh", "-c", fill]);
                soak.pause(500, 3_000);
                soak.host(0).run(&["rm", "-f", "/run/small/full"]);
            }
        }
        soak.pause(50, 1_000);
        Done { killed }
    }
}

/// From another host: forged, random and cut ones, to all of them and to one.
fn flood(soak: &mut Soak<'_>, victim: usize) {
    let from = (victim + 1) % soak.nodes.len();
    let mut rng = StdRng::seed_from_u64(soak.rng.random());
    let to = SocketAddr::new(soak.host(victim).addr().parse().expect("an address"), PORT);
    let all = SocketAddr::from(([10, 77, 0, 255], PORT));
    soak.host(from).inside(|| {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket.set_broadcast(true).expect("it may broadcast");
        for n in 0..DATAGRAMS {
            let mut bytes = forged(&mut rng).encode();
            match n % 4 {
                0 => bytes.truncate(rng.random_range(0..bytes.len())),
                1 => rng.fill_bytes(&mut bytes),
                _ => {}
            }
            // A full queue is no reason to stop.
            let _ = socket.send_to(&bytes, if n % 8 == 0 { all } else { to });
        }
    });
}

/// Of a node that is not there; the names are those of nobody.
fn forged(rng: &mut StdRng) -> Presence<'static> {
    let kind = [Kind::Hello, Kind::Heartbeat, Kind::Goodbye][rng.random_range(0..3)];
    Presence {
        id: NodeId(u128::from(rng.random_range(0..40_u32)) | 0xbad << 64),
        incarnation: Incarnation(rng.random_range(1..3)),
        name: "forged",
        tcp_port: 9,
        udp_port: 9,
        period_ms: 100,
        nonce: rng.random_bool(0.5).then_some(Nonce(7)),
        ..presence(kind, 1, rng.random_range(0..1_000))
    }
}

/// From another host: some say nothing, some say rubbish; all are open together for a while.
fn connect(soak: &mut Soak<'_>, victim: usize, count: usize) {
    let from = (victim + 1) % soak.nodes.len();
    let to = SocketAddr::new(soak.host(victim).addr().parse().expect("an address"), PORT);
    let held: Vec<TcpStream> = soak.host(from).inside(|| {
        let open = |_| TcpStream::connect_timeout(&to, Duration::from_millis(200)).ok();
        let held: Vec<_> = (0..count).filter_map(open).collect();
        for mut stream in held.iter().step_by(2) {
            let _ = std::io::Write::write(&mut stream, b"VIGI\x01\0\0\xff\xff rubbish");
        }
        held
    });
    soak.pause(500, 3_000);
    drop(held);
}
