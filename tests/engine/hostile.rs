//! Forged, flooding and random input: what a node may be made to do is little, and its tables stay whole.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};

use vigie::engine::api::{Answer, Command, ConnId, DialId, Input, Output, Socket};
use vigie::engine::cause::Cause;
use vigie::engine::config::DialInterval;
use vigie::engine::event::{Event, RejectReason, StopReason};
use vigie::engine::limits::{
    ANSWERS_PER_SECOND, MAX_LEFT_PER_ADDRESS, MAX_NODES_PER_ADDRESS, MAX_UNPROVEN,
    OFF_LINK_ANSWERS_PER_SECOND, STRANGER_ANSWERS, STRANGER_ANSWERS_WITHIN,
};
use vigie::engine::peers::{PeerKey, PeerState};
use vigie::engine::{Engine, Incarnation, NodeId, Nonce};
use vigie::proto::address::Address;
use vigie::proto::exchange::{HEADER, Reply, Request, Status};
use vigie::proto::presence::{Kind, Presence};

use vigie::testkit::{Lan, Solo, config, failure, interface, ms, presence, secs, t0};

/// The `n`th forged sender, on the link.
fn forged(n: u32) -> String {
    format!("10.0.{}.{}:30000", 10 + n / 250, 1 + n % 250)
}

#[test]
fn a_sender_beyond_the_links_becomes_no_peer_and_is_never_dialed() {
    let mut solo = Solo::new(|_| {});
    for sequence in 1..100 {
        for from in
            ["192.0.2.1:30000", "10.0.255.255:30000", "10.0.0.0:30000", "224.0.0.1:30000", "0.0.0.0:1"]
        {
            solo.hear(from, &presence(Kind::Hello, 7, sequence));
        }
        solo.run_for(ms(100));
    }
    assert!(solo.rows().is_empty());
    assert_eq!(solo.dials, []);
    let unicast = solo.sent.iter().filter(|(_, to, _)| to.ip().to_string() != "10.0.255.255").count();
    assert_eq!(unicast, 0, "nor answered, unless it asks for an echo");
}

#[test]
fn echoes_to_senders_beyond_the_links_are_few_and_to_one_of_them_fewer() {
    // In ten seconds.
    let echoes = |senders: u64| {
        let mut solo = Solo::new(|_| {});
        for sequence in 1..2_000 {
            let (nonce, from) = (Some(Nonce(sequence)), format!("192.0.2.{}:30000", sequence % senders));
            let asks = Presence { nonce, ..presence(Kind::Hello, 7, sequence) };
            solo.hear_at(Socket::Addressed, &from, &asks);
            solo.run_for(ms(5));
        }
        solo.sent.iter().filter(|(_, to, _)| to.ip().to_string().starts_with("192.0.2.")).count()
    };
    let most = 10 * OFF_LINK_ANSWERS_PER_SECOND as usize + OFF_LINK_ANSWERS_PER_SECOND as usize;
    let (of_many, of_one) = (echoes(250), echoes(1));
    assert!((50..=most).contains(&of_many), "{of_many}");
    assert!((1..=2 * usize::from(STRANGER_ANSWERS)).contains(&of_one), "{of_one}");
}

#[test]
fn a_claimed_address_is_never_dialed_nor_sent_to() {
    let mut solo = Solo::new(|_| {});
    let claimed = "10.0.0.99".parse().unwrap();
    for sequence in 1..10 {
        let nonce = Some(Nonce(sequence));
        solo.hear("10.0.0.2:30000", &Presence { claimed, nonce, ..presence(Kind::Hello, 7, sequence) });
        solo.run_for(secs(3));
    }
    let elsewhere = solo.rows()[0].elsewhere.clone().expect("it is shown");
    assert_eq!((elsewhere.claimed, elsewhere.heard.len()), (Some(claimed), 0));
    assert!(solo.sent.iter().all(|(_, to, _)| to.ip() != claimed));
    assert!(!solo.dials.is_empty() && solo.dials.iter().all(|d| d.2.ip() != claimed));
}

#[test]
fn an_unproven_peer_is_dialed_once_an_interval_without_retries() {
    let mut solo = Solo::new(|_| {});
    for sequence in 1..60 {
        solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, sequence));
        solo.run_for(secs(5));
        while let Some(dial) = solo.dials.pop() {
            solo.fail(dial.1, Cause::Refused);
        }
    }
    let starts: Vec<_> = solo
        .events
        .iter()
        .filter_map(|(at, e)| match e {
            Event::DialStarted { attempt: 1, max: 1, .. } => Some(*at),
            Event::DialStarted { .. } => panic!("more than one attempt"),
            _ => None,
        })
        .collect();
    assert!(starts.len() > 20);
    // The second is put at a random phase, half an interval later at the earliest.
    assert!(starts.windows(2).skip(1).all(|w| w[1] - w[0] >= secs(9)), "{starts:?}");
    assert_eq!(solo.count(|e| matches!(e, Event::DialFailed { retry_in: Some(_), .. })), 0);
}

#[test]
fn ten_thousand_forged_peers_fill_their_part_of_the_table_only() {
    let mut lan = Lan::new(1);
    let hosts = lan.hosts(10);
    lan.run_for(secs(60));
    lan.forget_the_log();
    let begun = lan.elapsed();
    for n in 0..10_000_u32 {
        lan.forge(hosts[0], &forged(n), &presence(Kind::Hello, u128::from(n) + 1_000, 1));
        if n % 10 == 0 {
            lan.run_for(ms(10));
        }
    }
    let rows = lan.hosts[0].engine.snapshot(lan.now).peers.len();
    assert!(rows <= MAX_UNPROVEN + 9, "{rows}");
    for &h in &hosts[1..] {
        assert_eq!(lan.state(hosts[0], h), Some(PeerState::Up));
        assert_eq!(lan.about(hosts[0], h).filter(|l| matches!(l.event, Event::PeerState { .. })).count(), 0);
    }
    let healthy: HashSet<NodeId> = hosts.iter().map(|h| lan.hosts[h.0].config.id).collect();
    let at_forged = |l: &&vigie::testkit::Logged| {
        l.host == hosts[0]
            && matches!(&l.event, Event::DialStarted { peer, .. } if peer.id.is_none_or(|id| !healthy.contains(&id)))
    };
    let dials = lan.log.iter().filter(at_forged).count();
    let seconds = usize::try_from((lan.elapsed() - begun).as_secs()).unwrap() + 1;
    assert!(dials <= 5 * seconds + 5, "{dials} dials of unproven peers in {seconds} s");
    let answers = lan.sent.iter().filter(|s| s.host == hosts[0]).count();
    let most = (seconds + 1) * ANSWERS_PER_SECOND as usize + 100;
    assert!(answers <= most, "{answers} datagrams");
    lan.invariants();
    // A healthy newcomer in the middle of it is found all the same.
    let new = lan.host("10.0.200.1/16");
    lan.run_until(secs(20), |lan| lan.state(hosts[0], new) == Some(PeerState::Up)).expect("up");
}

#[test]
fn forged_peers_that_fall_silent_are_dialed_within_the_same_budget() {
    let mut solo = Solo::new(|_| {});
    for n in 0..1_000 {
        let fleeting = Presence { period_ms: 100, ..presence(Kind::Heartbeat, u128::from(n) + 10, 1) };
        solo.hear(&forged(n), &fleeting);
    }
    for _ in 0..300 {
        solo.run_for(ms(100));
        for (_, dial, _) in solo.dials.split_off(0) {
            solo.fail(dial, Cause::Refused);
        }
    }
    let dials = solo.count(|e| matches!(e, Event::DialStarted { .. }));
    assert!(dials <= 5 * 30 + 5, "{dials} in 30 s");
}

#[test]
fn thousands_of_peers_that_proved_themselves_make_room_for_another() {
    let mut solo = Solo::new(|c| c.dial_interval = DialInterval::Every(secs(100_000)));
    let count = u32::try_from(MAX_UNPROVEN).unwrap() + 200;
    for n in 0..count {
        let id = u128::from(n) + 10;
        solo.hear(&forged(n), &presence(Kind::Heartbeat, id, 1));
        solo.request(&forged(n), id);
        solo.run_for(ms(1));
        while let Some((_, dial, addr)) = solo.dials.pop() {
            let id =
                solo.rows().iter().find(|r| r.info.addr.socket_addr() == addr).unwrap().info.id.unwrap().0;
            solo.answer(dial, id, 1_000);
        }
    }
    assert_eq!(solo.rows().len(), count as usize, "nobody was dropped, the newcomer least of all");
    solo.engine.check_invariants();
}

#[test]
fn forged_restarts_and_moves_take_no_memory() {
    let mut solo = Solo::new(|_| {});
    for n in 0..20_000_u32 {
        solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 10 + u128::from(n % 2), 1 + u64::from(n)));
        let tcp_port = 1 + u16::try_from(n % 30).unwrap();
        solo.hear(
            "10.0.0.3:30000",
            &Presence { tcp_port, ..presence(Kind::Heartbeat, 50, 1 + u64::from(n)) },
        );
    }
    assert!(solo.rows().len() <= 3);
    let size = format!("{:?}", solo.engine).len();
    assert!(size < 20_000, "{size} characters to print it");
}

#[test]
fn what_those_say_who_proved_nothing_is_told_fifty_times_a_second_at_most() {
    // By one address, and by many in turn; each says something new of itself each time.
    for (what, presence_of) in [
        (
            "new lives",
            (|n| Presence { incarnation: Incarnation(1_000 + n), ..presence(Kind::Hello, 7, 1) })
                as fn(u64) -> Presence<'static>,
        ),
        ("new ports", |n| Presence { tcp_port: 1 + (n % 60_000) as u16, ..presence(Kind::Heartbeat, 7, n) }),
        ("new names", |n| Presence {
            name: if n % 2 == 0 { "even" } else { "odd" },
            ..presence(Kind::Heartbeat, 7, n)
        }),
        ("goodbyes", |n| presence(if n % 2 == 0 { Kind::Goodbye } else { Kind::Hello }, 7, n)),
        ("new nodes", |n| presence(Kind::Hello, 1_000 + u128::from(n), 1)),
        ("new nodes at new ports", |n| Presence {
            tcp_port: 1 + (n % 60_000) as u16,
            ..presence(Kind::Hello, 1_000 + u128::from(n), 1)
        }),
    ] {
        for senders in [1, 200] {
            let mut solo = Solo::new(|_| {});
            solo.run_for(secs(5));
            solo.events.clear();
            for n in 1..20_000_u64 {
                solo.hear(&format!("10.0.9.{}:30000", 1 + n % senders), &presence_of(n));
                if n % 20 == 0 {
                    solo.run_for(ms(10));
                }
            }
            let told =
                solo.events.iter().filter(|(_, event)| !matches!(event, Event::Rejected { .. })).count();
            // Ten seconds, a burst, the first words of each, and up to three events for each.
            assert!(told <= 3 * (10 * 50 + 256 + 200), "{what} of {senders}: {told} events");
        }
    }
}

#[test]
fn a_wide_presence_that_came_to_this_node_alone_is_no_word_of_the_link() {
    let mut solo = Solo::new(|_| {});
    solo.run_for(secs(5));
    for sequence in 1..6 {
        let wide = Presence { wide: Some(true), prefix: Some(24), ..presence(Kind::Hello, 7, sequence) };
        solo.hear_at(Socket::Addressed, "192.0.2.9:30000", &wide);
        solo.run_for(secs(5));
    }
    let found = |told: &&(Duration, Event)| matches!(told.1, Event::Diagnosis(_));
    assert_eq!(solo.events.iter().filter(found).count(), 0, "it may come from anywhere: {:?}", solo.events);
}

#[test]
fn a_nonce_is_echoed_and_its_echo_proves() {
    let mut solo = Solo::new(|_| {});
    let nonce = Some(Nonce(4_711));
    let asks = Presence { nonce, udp_port: 31_000, ..presence(Kind::Heartbeat, 2, 1) };
    solo.hear_at(Socket::Private, "10.0.0.2:31000", &asks);
    let (_, to, bytes) = solo.sent.last().unwrap().clone();
    let answer = Presence::decode(&bytes).unwrap();
    assert_eq!((to.to_string().as_str(), answer.echo), ("10.0.0.2:31000", nonce));
    assert!(answer.nonce.is_some(), "and asks in turn");
    // A wrong echo, and the right one from elsewhere, prove nothing.
    let wrong = answer.nonce.map(|n| Nonce(n.0 ^ 1));
    solo.hear("10.0.0.2:31000", &Presence { echo: wrong, ..presence(Kind::Heartbeat, 2, 2) });
    solo.hear("10.0.0.9:31000", &Presence { echo: answer.nonce, ..presence(Kind::Heartbeat, 2, 3) });
    solo.run_for(ms(900));
    assert_eq!(solo.dials, []);
    let right = Presence { echo: answer.nonce, udp_port: 31_000, ..presence(Kind::Heartbeat, 2, 4) };
    solo.hear("10.0.0.2:31000", &right);
    solo.run_for(ms(20));
    assert_eq!(solo.dials.len(), 1);
    assert_eq!(solo.count(|e| matches!(e, Event::DialStarted { max: 5, .. })), 1, "with retries");
}

#[test]
fn nodes_whose_answers_come_from_another_address_do_not_ask_each_other_for_ever() {
    let mut nodes = [Solo::new(|_| {}), Solo::new(|c| c.id = NodeId(2))];
    nodes[0].hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 2, 1));
    nodes[1].hear("10.0.0.3:30000", &presence(Kind::Heartbeat, 1, 1));
    let mut sent = 0;
    for _ in 0..100 {
        for (from, to, source) in [(0, 1, "10.0.0.103:30000"), (1, 0, "10.0.0.102:30000")] {
            for (_, _, bytes) in nodes[from].sent.split_off(0) {
                let unicast = Presence::decode(&bytes).unwrap();
                sent += u32::from(unicast.echo.is_some());
                nodes[to].hear_at(Socket::Private, source, &unicast);
            }
        }
    }
    assert!(sent < 20, "{sent} echoes");
}

#[test]
fn a_broadcast_never_carries_a_nonce() {
    let mut lan = Lan::new(1);
    lan.hosts(5);
    lan.run_for(secs(60));
    let broadcast = |s: &&vigie::testkit::Sent| s.to.ip().to_string() == "10.0.255.255";
    assert!(lan.sent.iter().filter(broadcast).all(|s| Presence::decode(&s.bytes).unwrap().nonce.is_none()));
}

#[test]
fn nodes_at_one_address_are_limited() {
    let mut solo = Solo::new(|_| {});
    for n in 0..100 {
        let tcp_port = 1_000 + n;
        solo.hear(
            "10.0.0.2:30000",
            &Presence { tcp_port, ..presence(Kind::Heartbeat, 10 + u128::from(n), 1) },
        );
    }
    assert_eq!(solo.rows().len(), usize::from(MAX_NODES_PER_ADDRESS));
    solo.engine.check_invariants();
}

#[test]
fn what_is_turned_away_is_told_at_most_once_a_second_a_reason() {
    let mut solo = Solo::new(|_| {});
    let begun = solo.now;
    let mut given: HashMap<RejectReason, u64> = HashMap::new();
    while solo.now - begun < secs(30) {
        for bytes in [&b"hello"[..], b"VIGI\x02", b"VIGI\x01", b"VIGI"] {
            let from = "10.0.0.2:30000".parse().unwrap();
            solo.tell(Input::Datagram { from, link: None, socket: Socket::Shared, bytes });
        }
        solo.hear("10.0.0.2:30000", &Presence { group: "other", ..presence(Kind::Heartbeat, 3, 1) });
        *given.entry(RejectReason::WrongGroup).or_default() += 1;
        solo.run_for(ms(10));
    }
    solo.run_for(secs(70));
    let mut told: HashMap<RejectReason, Vec<Duration>> = HashMap::new();
    let mut counted: HashMap<RejectReason, u64> = HashMap::new();
    for (at, event) in &solo.events {
        if let Event::Rejected { reason, count, .. } = event {
            told.entry(*reason).or_default().push(*at);
            *counted.entry(*reason).or_default() += count;
        }
    }
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(told.values().all(|at| at.windows(2).all(|w| w[1] - w[0] >= secs(1))));
    assert_eq!(counted[&RejectReason::WrongGroup], given[&RejectReason::WrongGroup], "every one is counted");
}

/// A request of this node in this life, from an address of its own on the link; port 0 is that of one that is no node.
fn request(solo: &mut Solo, conn: u16, (id, incarnation, tcp_port): (u128, u64, u16)) {
    let request = Request {
        group: "default",
        id: NodeId(id),
        incarnation: Incarnation(incarnation),
        name: "x",
        tcp_port,
        nonce: Nonce(1),
        message: None,
        rows: None,
        wants: None,
        about: None,
        prefix: None,
        tether: None,
        visitor: None,
        outside: None,
    };
    let (conn, from) = (ConnId(u64::from(conn)), "10.0.0.2:40000".parse().unwrap());
    let body = &request.encode()[HEADER..];
    solo.tell(Input::Request { conn, from, link: None, body: Ok(body), sealed: false });
}

#[test]
fn a_flood_of_exchanges_is_answered_and_not_told_one_by_one() {
    for (what, of, most) in [
        (
            "lives of one node",
            (|n| (7, 1_000 + u64::from(n), 17_474)) as fn(u16) -> (u128, u64, u16),
            10 * 20,
        ),
        ("dials of no node", |n| (100 + u128::from(n), 1, 0), 64 + 10 * 10 + 9),
    ] {
        let mut solo = Solo::new(|_| {});
        for n in 0..10_000_u16 {
            request(&mut solo, n, of(n));
            if n % 10 == 0 {
                solo.run_for(ms(10));
            }
        }
        assert_eq!(solo.replies.len(), 10_000, "{what}: each is answered");
        let counts = |event: &Event| match event {
            Event::Rejected { .. } | Event::DialStarted { .. } => false,
            Event::ExchangeServed { peer, .. } => peer.is_none(),
            _ => true,
        };
        let told = solo.events.iter().filter(|(_, event)| counts(event)).count();
        assert!(told <= most, "{what}: {told} events in ten seconds");
    }
}

#[test]
fn exchanges_of_many_forged_identities_from_one_host_are_limited() {
    let mut solo = Solo::new(|_| {});
    for n in 0..1_000_u16 {
        request(&mut solo, n, (u128::from(n) + 10, 1, 1_000 + n));
    }
    assert_eq!(solo.replies.len(), 1_000, "each is answered");
    assert_eq!(solo.rows().len(), usize::from(MAX_NODES_PER_ADDRESS));
}

/// Everything at random, in any order, from a few addresses and identities so that they collide.
struct Chaos {
    rng: StdRng,
    engine: Engine,
    now: std::time::Instant,
    /// Whose each is; none if it only looks whether a peer is reached again.
    in_flight: HashMap<DialId, Option<PeerKey>>,
    /// Lately sent by the engine.
    nonces: Vec<Nonce>,
    request_nonce: Nonce,
    named: HashSet<std::net::IpAddr>,
    /// Addresses that may have proved themselves, by an exchange or an echo: they may be dialed anywhere.
    exchanged: HashSet<std::net::IpAddr>,
    stopped: bool,
}

const ADDRESSES: [&str; 8] =
    ["10.0.0.2", "10.0.0.3", "10.0.0.4", "10.1.0.2", "10.1.0.3", "192.0.2.7", "10.0.0.1", "10.0.255.255"];
const NETS: [&str; 4] = ["eth0=10.0.0.1/16", "wlan0=10.1.0.1/16", "eth0=10.0.0.9/24", "eth1=10.0.0.8/16"];

impl Chaos {
    fn new(seed: u64) -> Self {
        let mut config = config(0);
        config.seed[0] = u8::try_from(seed % 256).unwrap();
        config.peers = vec!["10.0.0.3".parse().unwrap(), "192.0.2.7:9".parse().unwrap()];
        let named = config.peers.iter().filter_map(|t| Some(t.literal()?.ip())).collect();
        Self {
            rng: StdRng::seed_from_u64(seed),
            engine: Engine::new(config),
            now: t0(),
            in_flight: HashMap::new(),
            nonces: vec![Nonce(0)],
            request_nonce: Nonce(0),
            named,
            exchanged: HashSet::new(),
            stopped: false,
        }
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.random_range(0..of.len())].clone()
    }

    fn addr(&mut self, port: u16) -> SocketAddr {
        format!("{}:{port}", self.pick(&ADDRESSES)).parse().unwrap()
    }

    fn port(&mut self) -> u16 {
        self.pick(&[17_474, 17_474, 9, 0])
    }

    fn key(&mut self) -> Option<PeerKey> {
        let rows = self.engine.snapshot(self.now).peers;
        (!rows.is_empty()).then(|| self.pick(&rows).info.key)
    }

    fn step(&mut self) {
        let jump = self.pick(&[ms(0), ms(0), ms(3), ms(200), secs(1), secs(7), secs(30), secs(400)]);
        let due = self.engine.poll_timeout();
        // Most of the time as a driver would, sometimes far too late.
        self.now = match due {
            Some(due) if self.rng.random_bool(0.9) => (self.now + jump).min(due.max(self.now)),
            _ => self.now + jump,
        };
        match self.rng.random_range(0..100) {
            0..3 => {
                let nets: Vec<_> = NETS.iter().filter(|_| self.rng.random_bool(0.5)).collect();
                self.tell(Input::Interfaces(nets.into_iter().map(|net| interface(net)).collect()));
            }
            3..40 => self.datagram(),
            40..45 => {
                let mut bytes = vec![0; self.rng.random_range(0..100)];
                self.rng.fill_bytes(&mut bytes);
                let from = self.addr(1);
                self.tell(Input::Datagram { from, link: None, socket: Socket::Private, bytes: &bytes });
            }
            45..65 => self.end_a_dial(),
            65..72 => self.request(),
            72..80 => self.command(),
            _ => self.tell(Input::Tick),
        }
    }

    fn datagram(&mut self) {
        let kind = self.pick(&[Kind::Hello, Kind::Heartbeat, Kind::Heartbeat, Kind::Goodbye]);
        let nonces = self.nonces.clone();
        let presence = Presence {
            incarnation: Incarnation(self.rng.random_range(1..4)),
            tcp_port: self.port(),
            period_ms: self.pick(&[100, 5_000, 3_600_000]),
            nonce: self.rng.random_bool(0.3).then_some(Nonce(5)),
            echo: self.rng.random_bool(0.5).then(|| self.pick(&nonces)),
            prefix: self.rng.random_bool(0.5).then_some(24),
            wide: self.rng.random_bool(0.1).then_some(true),
            ..presence(kind, self.rng.random_range(1..8), self.rng.random_range(0..40))
        };
        let from = self.addr(30_000);
        if presence.echo.is_some() {
            self.exchanged.insert(from.ip());
        }
        let socket = self.pick(&[Socket::Shared, Socket::Private]);
        self.tell(Input::Datagram { from, link: None, socket, bytes: &presence.encode() });
    }

    fn end_a_dial(&mut self) {
        let mut dials: Vec<_> = self.in_flight.keys().copied().collect();
        dials.sort_unstable();
        // Sometimes one that was never begun, or has ended.
        let dial = if dials.is_empty() || self.rng.random_bool(0.1) {
            DialId(self.rng.random_range(0..50))
        } else {
            self.pick(&dials)
        };
        let reply = Reply {
            status: self.pick(&[Status::Ok, Status::Ok, Status::Ok, Status::WrongGroup, Status::BadRequest]),
            id: NodeId(self.rng.random_range(1..8)),
            incarnation: Incarnation(self.rng.random_range(1..4)),
            name: "chaos",
            nonce: self.rng.random_bool(0.9).then_some(self.request_nonce),
            group: "default",
            rows: None,
            have: None,
            prefix: None,
            tether: None,
            visitor: None,
            secret: None,
            dial_in_ms: None,
            seen_at: None,
            udp_port: None,
        }
        .encode();
        let cause = self.pick(&Cause::ALL);
        let result = match self.rng.random_range(0..3) {
            0 => Err(failure(cause)),
            1 => Ok(Answer {
                from_standby: None,
                local: None,
                body: &reply[HEADER..],
                connect: ms(1),
                rtt: ms(1),
            }),
            _ => Ok(Answer { from_standby: None, local: None, body: b"rubbish", connect: ms(1), rtt: ms(1) }),
        };
        self.tell(Input::DialEnded { dial, result });
    }

    fn request(&mut self) {
        let seen_by_others = self.addr(1).ip();
        let outside = self.pick(&[None, Some(Address(seen_by_others))]);
        let request = Request {
            group: self.pick(&["default", "default", "other"]),
            id: NodeId(self.rng.random_range(1..8)),
            incarnation: Incarnation(self.rng.random_range(1..4)),
            name: "chaos",
            tcp_port: self.port(),
            nonce: Nonce(1),
            message: None,
            rows: None,
            wants: None,
            about: None,
            prefix: None,
            tether: None,
            visitor: None,
            outside,
        }
        .encode();
        let from = self.addr(40_000);
        self.exchanged.insert(from.ip());
        self.tell(Input::Request {
            conn: ConnId(1),
            from,
            link: None,
            body: Ok(&request[HEADER..]),
            sealed: false,
        });
    }

    fn command(&mut self) {
        let key = self.key();
        let command = match (self.rng.random_range(0..40), key) {
            (0..12, Some(key)) => Command::DialNow(key),
            (12..20, _) => Command::DialAll,
            (20..28, Some(key)) => Command::Forget(key),
            (28..36, _) => {
                let target: vigie::engine::config::Target =
                    format!("{}:{}", self.pick(&ADDRESSES), self.pick(&[17_474, 9])).parse().unwrap();
                self.named.extend(target.literal().map(|addr| addr.ip()));
                Command::AddPeer(target)
            }
            (39, _) if self.rng.random_bool(0.05) => Command::Stop(StopReason::Quit),
            _ => Command::RequestSnapshot,
        };
        self.tell(Input::Command(command));
    }

    fn tell(&mut self, input: Input<'_>) {
        let ended = match &input {
            Input::DialEnded { dial, .. } => self.in_flight.remove(dial),
            _ => None,
        };
        let links: Vec<_> = match &input {
            Input::Interfaces(interfaces) => interfaces.clone(),
            _ => self.engine.snapshot(self.now).interfaces.to_vec(),
        };
        self.engine.handle(input, self.now);
        let (mut ends, mut starting) = (0, None);
        while let Some(output) = self.engine.poll_output() {
            assert!(!self.stopped, "nothing after the end");
            match output {
                Output::Publish(Event::DialStarted { peer, .. }) => starting = Some(peer.key),
                Output::Publish(Event::DialSucceeded { addr, .. }) => {
                    (ends, starting) = (ends + 1, None);
                    self.exchanged.insert(addr.ip());
                }
                Output::Publish(Event::DialFailed { .. }) => (ends, starting) = (ends + 1, None),
                Output::Publish(_)
                | Output::Reply { .. }
                | Output::Tether { .. }
                | Output::DropTether(_)
                | Output::Resolve(_)
                | Output::ReadHardware { .. }
                | Output::ReadFilter { .. }
                | Output::SendFrom { .. } => {}
                Output::Dial { dial, addr, request, .. } => {
                    self.request_nonce = Request::decode(&request[HEADER..]).unwrap().nonce;
                    let key = starting.take();
                    let same = |other: &Option<PeerKey>| key.is_some() && *other == key;
                    assert!(!self.in_flight.values().any(same), "one dial of a peer at a time");
                    self.in_flight.insert(dial, key);
                    assert_ne!(addr.port(), 0);
                    let on_link = links.iter().any(|link| link.reaches(addr.into()));
                    let trusted = self.named.contains(&addr.ip()) || self.exchanged.contains(&addr.ip());
                    assert!(on_link || trusted, "{addr} is beyond the links, and unproven");
                }
                Output::AbandonDial(dial) => {
                    assert!(self.in_flight.remove(&dial).is_some(), "abandoned in flight, once");
                }
                Output::Send { bytes, .. } => {
                    let sent = Presence::decode(&bytes).unwrap();
                    self.nonces.extend(sent.nonce);
                    let extra = self.nonces.len().saturating_sub(6);
                    self.nonces.drain(..extra);
                }
                Output::Stop => {
                    assert!(self.in_flight.is_empty(), "all dials ended before the end");
                    self.stopped = true;
                }
            }
        }
        let look_failed = ended == Some(None) && ends == 0;
        assert!(look_failed || ends == u32::from(ended.is_some()), "one end of each dial");
        self.engine.check_invariants();
    }
}

/// Says which seed failed.
struct TellSeed(u64);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}", self.0);
        }
    }
}

#[test]
fn whatever_comes_in_the_tables_stay_whole_and_every_dial_ends_once() {
    for seed in 0..400 {
        let mut chaos = Chaos::new(seed);
        let _told = TellSeed(seed);
        for _ in 0..600 {
            chaos.step();
            if chaos.stopped {
                break;
            }
        }
    }
}

#[test]
fn a_peer_whose_sequence_went_far_ahead_unheard_is_heard_again_after_one_echo() {
    let mut solo = Solo::new(|_| {});
    let far = 5 + (1 << 20) + 1;
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, 4));
    solo.run_for(STRANGER_ANSWERS_WITHIN);
    solo.sent.clear();
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, far));
    assert_eq!(solo.count(|e| matches!(e, Event::Rejected { reason: RejectReason::Replayed, .. })), 1);
    let asked: Vec<_> =
        solo.sent.iter().map(|(_, to, bytes)| (*to, Presence::decode(bytes).unwrap().nonce)).collect();
    assert!(matches!(asked[..], [(to, Some(_))] if to.to_string() == "10.0.0.2:30000"), "{asked:?}");
    solo.run_for(ms(500));
    solo.echo("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, far + 1));
    let heard = |solo: &Solo| solo.rows()[0].last_heard_ms.unwrap();
    assert_eq!(heard(&solo), 0, "the echo is taken");
    solo.run_for(secs(3));
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, far + 2));
    assert_eq!(heard(&solo), 0, "and what follows it");
    solo.run_for(secs(1));
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, 5));
    assert_eq!(heard(&solo), 1_000, "what was recorded before is a replay");
}

#[test]
fn forged_sequences_far_ahead_move_no_window_and_are_asked_within_the_budget() {
    let mut solo = Solo::new(|_| {});
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, 4));
    solo.run_for(secs(1));
    solo.sent.clear();
    for n in 0..1_000_u64 {
        let echo = Some(Nonce(n));
        solo.hear("10.0.0.2:30000", &Presence { echo, ..presence(Kind::Heartbeat, 7, (1 << 40) + n) });
    }
    assert!(solo.sent.len() <= ANSWERS_PER_SECOND as usize, "{}", solo.sent.len());
    solo.run_for(secs(2));
    solo.hear("10.0.0.2:30000", &presence(Kind::Heartbeat, 7, 5));
    assert_eq!(solo.rows()[0].last_heard_ms, Some(0), "the peer's own next datagram is taken");
}

#[test]
fn nodes_that_said_goodbye_take_no_place_among_those_of_their_address() {
    let mut solo = Solo::new(|_| {});
    let at = |n: u64| format!("10.0.0.2:{}", 30_000 + n);
    let node = |n: u64, kind, sequence| Presence {
        tcp_port: u16::try_from(20_000 + n).unwrap(),
        ..presence(kind, 1_000 + u128::from(n), sequence)
    };
    solo.hear(&at(0), &node(0, Kind::Heartbeat, 1));
    for visit in 1..=200 {
        solo.hear(&at(visit), &node(visit, Kind::Hello, 1));
        solo.run_for(ms(700));
        solo.hear(&at(visit), &node(visit, Kind::Goodbye, 2));
        solo.run_for(ms(700));
    }
    solo.hear(&at(0), &node(0, Kind::Heartbeat, 2));
    let tcp_ports = |solo: &Solo, ended: bool| {
        let rows = solo.rows();
        let of = rows.iter().filter(|row| (row.state == PeerState::Left) == ended);
        let mut ports: Vec<u16> = of.map(|row| row.info.addr.port()).collect();
        ports.sort_unstable();
        ports
    };
    assert_eq!(tcp_ports(&solo, false), [20_000]);
    let kept = tcp_ports(&solo, true);
    assert!(kept.len() <= MAX_LEFT_PER_ADDRESS, "{}", kept.len());
    let latest = kept.contains(&20_200) && kept.contains(&20_199);
    assert!(latest, "the latest ones are remembered, so that their late datagrams revive nobody: {kept:?}");
    assert_eq!(solo.count(|e| matches!(e, Event::Rejected { .. })), 0);
    solo.hear(&at(999), &node(999, Kind::Hello, 1));
    assert_eq!(tcp_ports(&solo, false), [20_000, 20_999], "a new node has its place");
}
