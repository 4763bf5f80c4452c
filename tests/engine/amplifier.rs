//! Nobody makes nodes flood a third one: in whose name somebody else sends, that one is answered rarely and hardly dialed.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use vigie::engine::api::{Input, Socket};
use vigie::engine::limits::UNPROVEN_DIALERS;
use vigie::engine::peers::PeerState;
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::proto::presence::{Kind, Presence};
use vigie::proto::rows::{Entry, PageHead, append};

use vigie::testkit::{HostId, Lan, Sent, ms, presence, secs};

const NODES: usize = 50;
/// Of a datagram, of IPv4 and UDP, in bytes.
const HEADERS: usize = 28;
/// A SYN with its usual options, in bytes.
const SYN: usize = 60;

/// What was sent to one address.
#[derive(Debug)]
struct Suffered {
    datagrams: usize,
    /// With what the packets need themselves.
    bytes: usize,
    /// When it was dialed, from the first datagram that was forged.
    dials: Vec<Duration>,
}

/// Fifty nodes that know each other.
fn network() -> Lan {
    let mut lan = Lan::new(3);
    let hosts = lan.hosts(NODES);
    lan.record = false;
    lan.run_for(secs(15));
    assert!(hosts[1..].iter().all(|&host| lan.state(hosts[0], host) == Some(PeerState::Up)));
    lan.record = true;
    lan
}

/// Somebody on the link sends this to all, in the name of an address.
fn forge(lan: &mut Lan, from: &str, forged: &Presence<'_>) {
    let (from, bytes) = (from.parse().unwrap(), forged.encode());
    for host in 0..NODES {
        let datagram = Input::Datagram { from, link: None, socket: Socket::Shared, bytes: &bytes };
        lan.tell(HostId(host), datagram);
    }
}

/// What came to an address since then.
fn suffered(lan: &Lan, victim: &str, since: Duration) -> Suffered {
    let victim: IpAddr = victim.parse::<SocketAddr>().unwrap().ip();
    let sent = lan.sent.iter().filter(|sent| sent.to.ip() == victim).map(|sent| sent.bytes.len());
    let (datagrams, payload) = sent.fold((0, 0), |(count, sum), len| (count + 1, sum + len));
    let dials = lan.dialed.iter().filter(|(.., to)| to.ip() == victim);
    let dials: Vec<Duration> = dials.map(|(at, ..)| *at - since).collect();
    Suffered { datagrams, bytes: payload + datagrams * HEADERS + dials.len() * SYN, dials }
}

#[test]
fn one_datagram_in_anothers_name_brings_it_one_of_each_node_and_a_few_late_dials() {
    let mut lan = network();
    let begun = lan.elapsed();
    let asking = |nth| Presence { nonce: Some(Nonce(nth)), ..presence(Kind::Hello, 998, nth) };
    forge(&mut lan, "10.0.200.1:30000", &presence(Kind::Hello, 999, 1));
    forge(&mut lan, "10.0.200.2:30000", &asking(1));
    let beyond = |nth| Presence { nonce: Some(Nonce(nth)), ..presence(Kind::Hello, 997, nth) };
    (1..=20).for_each(|nth| forge(&mut lan, "192.0.2.1:30000", &beyond(nth)));
    // Until everybody has forgotten it.
    lan.run_for(secs(80));
    for victim in ["10.0.200.1:1", "10.0.200.2:1"] {
        let victim = suffered(&lan, victim, begun);
        assert!(victim.datagrams <= NODES, "{victim:?}");
        assert!((1..=UNPROVEN_DIALERS).contains(&victim.dials.len()), "{victim:?}");
        assert!(victim.dials.iter().all(|at| *at >= secs(1)), "{victim:?}");
    }
    let beyond = suffered(&lan, "192.0.2.1:1", begun);
    assert_eq!(beyond.bytes, 0, "beyond the links nobody is told anything");
}

#[test]
fn twenty_datagrams_a_second_in_anothers_name_bring_it_three_times_their_bytes_at_most() {
    let mut lan = network();
    let begun = lan.elapsed();
    let plain = |nth| presence(Kind::Hello, 999, nth);
    let asking = |nth| Presence { nonce: Some(Nonce(nth)), ..presence(Kind::Hello, 998, nth) };
    let strangers = |nth| presence(Kind::Heartbeat, 999 + u128::from(nth), 1);
    // In the name of a node that all know.
    let known = |nth| presence(Kind::Heartbeat, 1, 1 << 40 | nth);
    let lives = |nth| Presence { incarnation: Incarnation(1 << 40 | nth), ..presence(Kind::Hello, 1, nth) };
    let visits = |nth| Presence { visitor: Some(true), ..presence(Kind::Hello, 996, nth) };
    let visitors =
        |nth| Presence { visitor: Some(true), ..presence(Kind::Hello, 1 << 40 | u128::from(nth), 1) };
    let forged = [
        ("10.0.200.1:30000", plain as fn(u64) -> Presence<'static>),
        ("10.0.200.2:30000", asking),
        ("10.0.200.3:30000", strangers),
        ("10.0.200.4:30000", known),
        ("10.0.200.5:30000", lives),
        ("10.0.200.6:30000", visits),
        ("10.0.200.7:30000", visitors),
    ];
    let mut cost = [0; 7];
    for nth in 1..=20 * 60 {
        for ((from, forged), cost) in forged.iter().zip(&mut cost) {
            *cost += forged(nth).encode().len() + HEADERS;
            forge(&mut lan, from, &forged(nth));
        }
        lan.run_for(ms(50));
    }
    lan.run_for(secs(15));
    for ((victim, _), cost) in forged.iter().zip(cost) {
        let Suffered { datagrams, bytes, dials } = suffered(&lan, victim, begun);
        let dials = dials.len();
        eprintln!("{victim}: {datagrams} datagrams, {dials} dials, {bytes} bytes for {cost}");
        assert!(bytes <= 3 * cost, "{victim}: {bytes} bytes for {cost}");
        assert!(datagrams <= NODES * 75 / 5, "{victim}: once in five seconds, as long as rows stay");
    }
    let nonces = lan.sent.iter().filter(|sent| sent.to.ip().to_string() == "10.0.200.2");
    let echo = |sent: &Sent| Presence::decode(&sent.bytes).expect("a presence").echo;
    assert!(nonces.map(echo).all(|echo| echo.is_none()), "what all hear asks none of them");
    let rounds =
        lan.sent.iter().filter(|sent| sent.host == HostId(7) && sent.to.ip().to_string() == "10.0.255.255");
    let rounds = rounds.filter(|sent| sent.at >= begun && sent.at < begun + secs(60));
    let tells_nothing = |sent: &&Sent| Presence::decode(&sent.bytes).expect("a presence").rows.is_none();
    let rounds = rounds.filter(tells_nothing).count();
    eprintln!("{rounds} rounds of one node in a minute");
    assert!(rounds <= 2 * 60 * 10 / 45 + 1, "twice as many as ever at most: {rounds}");
}

#[test]
fn lies_in_a_members_row_of_somebody_who_is_said_to_be_there_bring_that_one_few_datagrams() {
    let mut lan = network();
    let begun = lan.elapsed();
    let victim = "10.0.200.9:30000";
    let (liar, incarnation) = (lan.hosts[1].config.id, lan.hosts[1].config.incarnation);
    let mut cost = 0;
    for nth in 1..=60 {
        // It is said to be there, and node 1 is said to reach it.
        let hello = presence(Kind::Heartbeat, 999, nth);
        cost += hello.encode().len() + HEADERS;
        forge(&mut lan, victim, &hello);
        let head = PageHead {
            owner: liar,
            incarnation,
            from: 0,
            upto: 1_000 + nth,
            latest: 1_000 + nth,
            age_ms: 0,
            count: 1,
            dial_interval_ms: None,
            proof: None,
        };
        let entry = Entry {
            id: NodeId(999),
            ways: 0b01_0101_0101,
            cause: 0,
            rtt_us: 500,
            loss: 0,
            checked: 1,
            alive: 1,
            port: 17_474,
            ip: "10.0.200.9".parse().unwrap(),
            name: "victim",
        };
        let mut rows = Vec::new();
        append(&head, &mut rows);
        append(&entry, &mut rows);
        let said = Presence {
            incarnation,
            name: "h1",
            rows: Some(rows.as_slice().into()),
            ..presence(Kind::Heartbeat, 0, 1_000 + nth)
        };
        let said = Presence { id: liar, ..said };
        cost += said.encode().len() + HEADERS;
        forge(&mut lan, "10.0.0.2:30000", &said);
        lan.run_for(secs(1));
    }
    lan.run_for(secs(15));
    let Suffered { datagrams, bytes, dials } = suffered(&lan, victim, begun);
    let dials = dials.len();
    eprintln!("{datagrams} datagrams, {dials} dials, {bytes} bytes for {cost}");
    assert!(bytes <= 3 * cost, "{bytes} bytes for {cost}");
}
