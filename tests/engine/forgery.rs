//! What is said in a peer's name by somebody else: by datagrams with its address, and by exchanges from elsewhere. It takes nobody away,
//! and what it breaks is mended by the peer's own next word.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vigie::engine::api::{ConnId, Input};
use vigie::engine::event::Event;
use vigie::engine::limits::MAX_NODES_PER_ADDRESS;
use vigie::engine::peers::PeerState;
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::proto::exchange::{HEADER, Request};
use vigie::proto::presence::{Kind, Presence, Suspicion};
use vigie::proto::rows::{Entry, PageHead, append};
use vigie::testkit::{HostId, Lan, Logged, Solo, Tcp, ms, presence, request, secs};

/// The dial interval of a few nodes: so long after the last forged packet all is well again, at the latest.
const INTERVAL: Duration = secs(10);
/// Nobody is there, and it is on the link.
const ELSEWHERE: &str = "10.0.9.9:40000";
const OFF_LINK: &str = "192.0.2.9:40000";

/// Five nodes that know each other well; the second is the one in whose name others speak.
struct Scene {
    lan: Lan,
    hosts: Vec<HostId>,
    victim: HostId,
}

impl Scene {
    fn new(seed: u64) -> Self {
        let mut lan = Lan::new(seed);
        let hosts = lan.hosts(5);
        lan.run_for(secs(40));
        assert!(lan.everybody_is(PeerState::Up));
        lan.log.clear();
        let victim = hosts[1];
        Self { lan, hosts, victim }
    }

    fn others(&self) -> Vec<HostId> {
        self.hosts.iter().copied().filter(|host| *host != self.victim).collect()
    }

    /// A presence in the victim's name, as it would say it itself.
    fn presence(&self, kind: Kind, ahead: u64) -> Presence<'static> {
        let config = &self.lan.hosts[self.victim.0].config;
        let last = self.lan.sent.iter().filter(|sent| sent.host == self.victim);
        let last = last.map(|sent| Presence::decode(&sent.bytes).unwrap().sequence).max().unwrap();
        let (id, incarnation) = (config.id, config.incarnation);
        Presence { id, incarnation, name: "h1", ..presence(kind, 0, last + ahead) }
    }

    /// A request in the victim's name.
    fn request(&self) -> Request<'static> {
        let config = &self.lan.hosts[self.victim.0].config;
        Request { id: config.id, incarnation: config.incarnation, name: "h1", ..request(0) }
    }

    fn forge(&mut self, from: &str, presence: &Presence<'_>) {
        for host in self.others() {
            self.lan.forge(host, from, presence);
        }
    }

    /// An exchange of somebody with all others.
    fn exchange(&mut self, from: &str, request: &Request<'_>) {
        for host in self.others() {
            let (conn, from, frame) = (ConnId(u64::MAX), from.parse().unwrap(), request.encode());
            self.lan.tell(
                host,
                Input::Request { conn, from, link: None, body: Ok(&frame[HEADER..]), sealed: false },
            );
        }
    }

    /// What the others told of the victim that says something bad of it.
    fn accusations(&self) -> Vec<String> {
        let bad = |event: &Event| match event {
            Event::PeerState { to, .. } => *to != PeerState::Up,
            Event::PeerLeft { .. }
            | Event::PeerRestarted { .. }
            | Event::PeerMoved { .. }
            | Event::DialFailed { .. } => true,
            _ => false,
        };
        let of = |host| self.lan.about(host, self.victim).filter(|logged| bad(&logged.event));
        let told = self.others().into_iter().flat_map(of).map(brief);
        let findings = self.lan.log.iter().filter(|l| matches!(l.event, Event::Diagnosis(_)));
        told.chain(findings.map(brief)).collect()
    }

    fn unharmed(&self, what: &str) {
        let accused = self.accusations();
        assert!(accused.is_empty(), "{what}: {} of\n{:#?}", accused.len(), &accused[..accused.len().min(6)]);
    }

    /// All is well again within a dial interval.
    fn mends(&mut self, what: &str) {
        let took = self.lan.run_until(INTERVAL, |lan| lan.everybody_is(PeerState::Up));
        assert!(took.is_some(), "{what}: the victim is not up again");
        self.lan.run_for(secs(20));
        assert!(self.lan.everybody_is(PeerState::Up), "{what}: and it stays so");
    }
}

const AT: &str = "10.0.0.2:30000";

#[test]
fn an_exchange_from_elsewhere_in_a_peers_name_begins_no_life_of_it() {
    for (what, from, incarnation) in [
        ("off the link", OFF_LINK, Incarnation(u64::MAX)),
        ("on the link", ELSEWHERE, Incarnation(u64::MAX)),
        ("the next life", ELSEWHERE, Incarnation(1_001)),
    ] {
        let mut scene = Scene::new(1);
        for _ in 0..60 {
            let request = Request { incarnation, ..scene.request() };
            scene.exchange(from, &request);
            scene.lan.run_for(ms(500));
        }
        scene.unharmed(what);
        scene.mends(what);
    }
}

#[test]
fn a_row_from_elsewhere_is_not_taken_for_a_peers() {
    for from in [OFF_LINK, ELSEWHERE] {
        let mut scene = Scene::new(2);
        for version in 1..60 {
            let mut row = Vec::new();
            let (owner, incarnation) = (scene.request().id, scene.request().incarnation);
            let upto = 1_000 + version;
            append(
                &PageHead {
                    owner,
                    incarnation,
                    from: 0,
                    upto,
                    latest: upto,
                    age_ms: 0,
                    count: 4,
                    dial_interval_ms: None,
                    proof: None,
                },
                &mut row,
            );
            for host in scene.others() {
                let id = scene.lan.hosts[host.0].config.id;
                append(&bad(id), &mut row);
            }
            let request = Request { rows: Some(row.as_slice().into()), ..scene.request() };
            scene.exchange(from, &request);
            scene.lan.run_for(ms(500));
        }
        scene.unharmed(from);
        scene.mends(from);
    }
}

fn brief(logged: &Logged) -> String {
    let text = format!("{:?} {:?}: {:?}", logged.at, logged.host, logged.event);
    text.chars().take(200).collect::<String>()
        + &text.find("verdict").map_or(String::new(), |at| text[at..].chars().take(300).collect())
}

/// The owner of the row reaches this node by no way.
fn bad(id: NodeId) -> Entry<'static> {
    Entry {
        id,
        ways: 0b01_01_01_10,
        cause: 2,
        rtt_us: 0,
        loss: 100,
        checked: 1,
        alive: 9_000,
        port: 17_474,
        ip: "10.0.0.1".parse().unwrap(),
        name: "h",
    }
}

#[test]
fn a_datagram_with_a_peers_address_and_another_id_replaces_nobody() {
    for tcp in [Tcp::Open, Tcp::Dropped, Tcp::Rejected] {
        let what = format!("{tcp:?}");
        let mut scene = Scene::new(3);
        let (victim, others) = (scene.victim, scene.others());
        for host in &others {
            scene.lan.towards(*host, victim, |link| link.tcp = tcp);
        }
        scene.lan.run_for(secs(40));
        for sequence in 1..=6 {
            let stranger = Presence { id: NodeId(999), ..presence(Kind::Hello, 0, sequence) };
            scene.forge(AT, &stranger);
            scene.lan.run_for(ms(700));
        }
        assert!(others.iter().all(|host| scene.lan.knows(*host, victim)), "{what}");
        scene.lan.heal();
        scene.lan.run_for(INTERVAL);
        let states: Vec<_> = others.iter().map(|host| scene.lan.state(*host, victim)).collect();
        assert_eq!(states, [Some(PeerState::Up); 4], "{what}");
    }
}

#[test]
fn a_forged_goodbye_takes_nobody_away() {
    for ahead in [1, 5, 1 << 19] {
        let what = format!("{ahead} ahead");
        let mut scene = Scene::new(4);
        for _ in 0..3 {
            let goodbye = scene.presence(Kind::Goodbye, ahead);
            scene.forge(AT, &goodbye);
            scene.lan.run_for(ms(20));
        }
        scene.lan.run_for(secs(20));
        scene.unharmed(&what);
        scene.mends(&what);
    }
}

#[test]
fn forged_numbers_do_not_make_a_peer_deaf_or_mute() {
    for every in [ms(200), secs(3)] {
        let mut scene = Scene::new(5);
        let begun = scene.lan.elapsed();
        while scene.lan.elapsed() < begun + secs(30) {
            let heartbeat = scene.presence(Kind::Heartbeat, 1 << 19);
            scene.forge(AT, &heartbeat);
            scene.lan.run_for(every);
        }
        let what = format!("every {every:?}");
        scene.unharmed(&what);
        scene.mends(&what);
        scene.lan.run_for(secs(30));
        scene.unharmed(&what);
    }
}

#[test]
fn forged_ports_lead_nobody_astray() {
    type Change = fn(&mut Presence<'_>);
    let changes: [(&str, Change); 4] = [
        ("the TCP port", |presence| presence.tcp_port = 1),
        ("no server", |presence| presence.tcp_port = 0),
        ("the UDP port", |presence| presence.udp_port = 1),
        ("the period", |presence| presence.period_ms = 100),
    ];
    for (what, change) in changes {
        let mut scene = Scene::new(6);
        for _ in 0..60 {
            let mut heartbeat = scene.presence(Kind::Heartbeat, 1);
            change(&mut heartbeat);
            scene.forge(AT, &heartbeat);
            scene.lan.run_for(ms(500));
        }
        scene.unharmed(what);
        scene.mends(what);
    }
}

#[test]
fn a_datagram_from_elsewhere_does_not_hold_up_a_move() {
    let took = |forged: bool| {
        let mut scene = Scene::new(7);
        if forged {
            let heartbeat = scene.presence(Kind::Heartbeat, 1 << 19);
            scene.forge("10.0.9.9:30000", &heartbeat);
        }
        scene.lan.run_for(secs(1));
        let victim = scene.victim;
        scene.lan.set_interfaces(victim, &["10.0.7.7/16"]);
        let moved = |lan: &Lan| {
            [0, 2, 3, 4].into_iter().all(|n| {
                lan.row(HostId(n), victim).is_some_and(|row| {
                    row.state == PeerState::Up && row.info.addr.socket_addr().ip().to_string() == "10.0.7.7"
                })
            })
        };
        scene.lan.run_until(secs(60), moved)
    };
    let (honest, forged) = (took(false).expect("it moves"), took(true).expect("it is followed"));
    assert!(forged <= honest + secs(1), "{forged:?} instead of {honest:?}");
}

/// Bytes and datagrams that went to this address, and dials of it.
fn reached(lan: &Lan, ip: &str) -> (usize, usize, usize) {
    let to = |addr: &std::net::SocketAddr| addr.ip().to_string() == ip;
    let sent: Vec<usize> = lan.sent.iter().filter(|s| to(&s.to)).map(|s| s.bytes.len()).collect();
    let dials = lan
        .log
        .iter()
        .filter(|l| matches!(&l.event, Event::DialStarted { addr, .. } if to(&addr.socket_addr())));
    (sent.iter().sum(), sent.len(), dials.count())
}

#[test]
fn what_is_sent_in_the_name_of_a_third_one_is_no_way_to_flood_it() {
    let mut lan = Lan::new(8);
    let hosts = lan.hosts(15);
    lan.run_for(secs(30));
    lan.forget_the_log();
    let victim = "10.0.9.9";
    let hello = |id, sequence| presence(Kind::Hello, id, sequence);
    for host in &hosts {
        lan.forge(*host, "10.0.9.9:30000", &hello(70_000, 1));
    }
    lan.run_for(ms(900));
    let (_, datagrams, dials) = reached(&lan, victim);
    assert!(datagrams <= 15 && dials == 0, "one hello: {datagrams} datagrams, {dials} dials at once");
    for (what, victim, fresh_id, nonce) in [
        ("the same node", "10.0.9.10", false, None),
        ("another node each time", "10.0.9.11", true, None),
        ("a question", "10.0.9.12", false, Some(Nonce(7))),
        ("a question of somebody beyond the links", "192.0.2.9", false, Some(Nonce(7))),
        ("a question in a peer's name", "10.0.0.2", false, Some(Nonce(7))),
    ] {
        lan.forget_the_log();
        let mut forged = 0;
        for nth in 1..=200 {
            let id = if fresh_id { 1_000 + u128::from(nth) } else { 900 };
            let id = if victim == "10.0.0.2" { lan.hosts[1].config.id.0 } else { id };
            let hello = Presence { nonce, ..hello(id, 100_000 + nth) };
            forged += hello.encode().len();
            for host in &hosts {
                if lan.hosts[host.0].config.id.0 != id {
                    lan.forge(*host, &format!("{victim}:30000"), &hello);
                }
            }
            lan.run_for(ms(50));
        }
        let (bytes, datagrams, _) = reached(&lan, victim);
        // What peers send each other anyway.
        let usual = if victim == "10.0.0.2" { 15 * 10 * 110 } else { 0 };
        // Fifty nodes send as much more.
        let factor = bytes.saturating_sub(usual) * 50 / 15 / forged;
        assert!(factor <= 3, "{what}: {datagrams} datagrams, {bytes} bytes for {forged}");
    }
}

/// Something forged, of any kind that the protocol has.
fn forge_something(scene: &mut Scene, rng: &mut StdRng) {
    let mut pick = |of: &[u64]| of[rng.random_range(0..of.len())];
    let from =
        [AT, AT, ELSEWHERE, OFF_LINK, "10.0.0.3:30000"][usize::try_from(pick(&[0, 1, 2, 3, 4])).unwrap()];
    let incarnation = Incarnation(pick(&[999, 1_000, 1_000, 1_000, 1_001, u64::MAX]));
    let id =
        if pick(&[0, 0, 0, 1]) == 0 { scene.request().id } else { NodeId(pick(&[2, 3, 999, 1_000]).into()) };
    let port = u16::try_from(pick(&[17_474, 17_474, 1, 0])).unwrap();
    let mut row = Vec::new();
    let upto = pick(&[1, 100, u64::MAX]);
    let head = PageHead {
        owner: id,
        incarnation,
        from: 0,
        upto,
        latest: upto,
        age_ms: 0,
        count: 1,
        dial_interval_ms: None,
        proof: None,
    };
    append(&head, &mut row);
    append(&bad(NodeId(pick(&[1, 2, 3, 4, 77]).into())), &mut row);
    let rows = (pick(&[0, 0, 1]) == 1).then(|| row.as_slice().into());
    if pick(&[0, 0, 0, 1]) == 1 {
        return scene.exchange(from, &Request { id, incarnation, tcp_port: port, rows, ..request(0) });
    }
    let kind = [Kind::Hello, Kind::Heartbeat, Kind::Goodbye, Kind::Probe]
        [usize::try_from(pick(&[0, 1, 1, 2, 3])).unwrap()];
    let ahead = pick(&[0, 1, 2, 60, 70, 1_000, 1 << 19, 1 << 21, 1 << 40]);
    let seen = u8::try_from(pick(&[0, 1, 2, 3])).unwrap();
    let suspicion =
        Suspicion { suspect: NodeId(pick(&[1, 2, 3]).into()), incarnation: Incarnation(1_000), seen };
    let forged = Presence {
        id,
        incarnation,
        tcp_port: port,
        udp_port: u16::try_from(pick(&[30_000, 30_000, 9])).unwrap(),
        period_ms: u32::try_from(pick(&[5_000, 5_000, 100, 3_600_000])).unwrap(),
        nonce: (pick(&[0, 0, 1]) == 1).then_some(Nonce(7)),
        echo: (pick(&[0, 0, 0, 1]) == 1).then_some(Nonce(7)),
        suspicion: (pick(&[0, 0, 0, 1]) == 1).then_some(suspicion),
        rows,
        ..scene.presence(kind, ahead)
    };
    scene.forge(from, &forged);
}

#[test]
fn whatever_was_forged_within_a_dial_interval_all_peers_are_up_again() {
    for seed in 0..12 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut scene = Scene::new(seed);
        for _ in 0..200 {
            forge_something(&mut scene, &mut rng);
            let wait = ms(rng.random_range(1..200));
            scene.lan.run_for(wait);
            scene.lan.invariants();
        }
        let hosts = scene.hosts.clone();
        let pairs = || hosts.iter().flat_map(|a| hosts.iter().map(move |b| (*a, *b))).filter(|(a, b)| a != b);
        scene.lan.run_for(INTERVAL);
        let down: Vec<_> = pairs().filter(|(a, b)| scene.lan.state(*a, *b) != Some(PeerState::Up)).collect();
        assert!(down.is_empty(), "seed {seed}: {down:?}");
        for host in &scene.hosts {
            let rows = scene.lan.hosts[host.0].engine.snapshot(scene.lan.now).peers.len();
            assert!(rows <= 4 + usize::from(MAX_NODES_PER_ADDRESS), "seed {seed}: {rows} rows");
        }
    }
}

#[test]
fn who_took_a_name_while_its_owner_was_down_keeps_it_no_longer_than_it_answers() {
    for (what, says_goodbye) in [("it leaves", true), ("it falls silent", false)] {
        let mut scene = Scene::new(9);
        scene.lan.kill(scene.victim);
        scene.lan.run_for(secs(30));
        let next = Request { incarnation: Incarnation(u64::MAX), ..scene.request() };
        for _ in 0..6 {
            scene.exchange(ELSEWHERE, &next);
            scene.lan.run_for(secs(1));
        }
        let taken = scene.lan.hosts[scene.hosts[0].0].engine.snapshot(scene.lan.now).peers;
        assert!(taken.iter().any(|peer| peer.info.incarnation == Some(Incarnation(u64::MAX))), "it is taken");
        if says_goodbye {
            let bye = scene.presence(Kind::Goodbye, 1);
            scene.forge(ELSEWHERE, &Presence { incarnation: Incarnation(u64::MAX), ..bye });
        }
        scene.lan.run_for(secs(30));
        scene.lan.restart(scene.victim, |config| config.incarnation.0 += 1);
        scene.mends(what);
    }
}

/// A peer that is up, by the answer to its dial; what it said first, it said at this port.
fn up_at(udp_port: u16) -> Solo {
    let mut solo = Solo::new(|_| {});
    let from = format!("10.0.0.2:{udp_port}");
    solo.hear(&from, &Presence { udp_port, ..presence(Kind::Heartbeat, 2, 1) });
    solo.run_for(secs(2));
    let dial = solo.dials.pop().unwrap();
    solo.answer(dial.1, 2, 1_000);
    assert_eq!(solo.rows()[0].state, PeerState::Up);
    solo
}

/// To which ports of the peer something was sent from now on, while it says where it is and answers there.
fn asked_at(solo: &mut Solo, id: u128, udp_port: u16) -> Vec<u16> {
    let from = format!("10.0.0.2:{udp_port}");
    let said = |sequence| Presence { udp_port, ..presence(Kind::Heartbeat, id, sequence) };
    solo.hear(&from, &said(2));
    for sequence in 3..6 {
        if solo
            .sent
            .iter()
            .any(|(_, to, bytes)| to.port() == udp_port && Presence::decode(bytes).unwrap().nonce.is_some())
        {
            solo.echo(&from, &said(2 * sequence));
        }
        solo.run_for(secs(2));
        solo.hear(&from, &said(2 * sequence + 1));
    }
    solo.sent.clear();
    solo.run_for(secs(10));
    solo.sent
        .iter()
        .filter(|(_, to, _)| to.ip().to_string() == "10.0.0.2")
        .map(|(_, to, _)| to.port())
        .collect()
}

#[test]
fn a_peer_whose_new_life_is_first_seen_by_a_dial_is_asked_at_its_new_port() {
    let mut solo = up_at(30_000);
    while solo.dials.is_empty() {
        solo.run_for(secs(1));
    }
    let dial = solo.dials.pop().unwrap();
    solo.answer(dial.1, 9, 1_000);
    assert_eq!(solo.rows()[0].info.id, Some(NodeId(9)));
    let ports = asked_at(&mut solo, 9, 31_000);
    assert!(!ports.is_empty() && ports.iter().all(|port| *port == 31_000), "{ports:?}");
}

#[test]
fn a_port_that_was_forged_before_a_peer_proved_itself_is_mended_by_its_own_next_word() {
    let mut solo = up_at(9);
    let ports = asked_at(&mut solo, 2, 30_000);
    assert!(!ports.is_empty() && ports.iter().all(|port| *port == 30_000), "{ports:?}");
}
