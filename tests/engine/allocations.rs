//! At rest the engine allocates nothing: not for a presence of a known peer, and not for the end of a regular dial.

use std::time::{Duration, Instant};

use vigie::engine::api::{Answer, DialId, Input, Output, Socket};
use vigie::engine::interface::Interface;
use vigie::engine::{Engine, Incarnation, NodeId, Nonce};
use vigie::proto::exchange::{HEADER, Reply, Request, Status};
use vigie::proto::presence::{Kind, Presence};

use vigie::testkit::{config, interface, ms, presence, secs, t0};

struct Rest {
    engine: Engine,
    now: Instant,
    sequence: u64,
}

/// Takes what the engine asks for; the dial among it, with the nonce of its request.
fn drain(engine: &mut Engine) -> Option<(DialId, Nonce)> {
    let mut dial = None;
    while let Some(output) = engine.poll_output() {
        if let Output::Dial { dial: id, request, .. } = &output {
            dial = Some((*id, Request::decode(&request[HEADER..]).unwrap().nonce));
        }
        drop(output);
    }
    dial
}

/// The nonces that the engine asks to be echoed.
fn asked(engine: &mut Engine) -> (Option<(DialId, Nonce)>, Vec<Nonce>) {
    let (mut dial, mut nonces) = (None, Vec::new());
    while let Some(output) = engine.poll_output() {
        match output {
            Output::Dial { dial: id, request, .. } => {
                dial = Some((id, Request::decode(&request[HEADER..]).unwrap().nonce));
            }
            Output::Send { bytes, .. } => nonces.extend(Presence::decode(&bytes).unwrap().nonce),
            _ => {}
        }
    }
    (dial, nonces)
}

fn reply(nonce: Nonce) -> Vec<u8> {
    let (id, incarnation) = (NodeId(2), Incarnation(1_000));
    Reply {
        status: Status::Ok,
        id,
        incarnation,
        name: "stranger",
        nonce: Some(nonce),
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
    .encode()
}

impl Rest {
    /// Time goes on to the next tick at which a dial starts.
    fn next_dial(&mut self) -> (DialId, Nonce) {
        loop {
            self.now = self.engine.poll_timeout().unwrap().max(self.now);
            self.engine.handle(Input::Tick, self.now);
            if let Some(dial) = self.pump() {
                return dial;
            }
        }
    }

    /// Does what the engine asks for: its echoes come at once. The dial among it, if there is one.
    fn pump(&mut self) -> Option<(DialId, Nonce)> {
        let (mut dial, mut nonces) = asked(&mut self.engine);
        while let Some(nonce) = nonces.pop() {
            self.sequence += 1;
            let bytes =
                Presence { echo: Some(nonce), ..presence(Kind::Heartbeat, 2, self.sequence) }.encode();
            let from = "10.0.0.2:30000".parse().unwrap();
            self.engine.handle(
                Input::Datagram { from, link: None, socket: Socket::Private, bytes: &bytes },
                self.now,
            );
            let (another, more) = asked(&mut self.engine);
            nonces.extend(more);
            dial = dial.or(another);
        }
        dial
    }

    fn hear(&mut self) {
        self.sequence += 1;
        let bytes = presence(Kind::Heartbeat, 2, self.sequence).encode();
        self.engine.handle(datagram(&bytes), self.now);
        self.pump();
    }

    fn succeed(&mut self, (dial, nonce): (DialId, Nonce)) {
        let frame = reply(nonce);
        self.engine.handle(ended(dial, &frame), self.now);
        self.pump();
    }
}

fn datagram(bytes: &[u8]) -> Input<'_> {
    Input::Datagram { from: "10.0.0.2:30000".parse().unwrap(), link: None, socket: Socket::Shared, bytes }
}

fn ended(dial: DialId, frame: &[u8]) -> Input<'_> {
    Input::DialEnded {
        dial,
        result: Ok(Answer {
            from_standby: None,
            local: None,
            body: &frame[HEADER..],
            connect: ms(1),
            rtt: ms(1),
        }),
    }
}

/// An engine with one peer, up, for long enough that its tables have their size. It says nothing itself for an hour.
fn at_rest() -> Rest {
    let mut config = config(0);
    config.interval = secs(3_600);
    let links: Vec<Interface> = ["eth0=10.0.0.1/16", "eth1=10.9.0.1/16"].map(interface).to_vec();
    let mut rest = Rest { engine: Engine::new(config), now: t0(), sequence: 0 };
    rest.engine.handle(Input::Interfaces(links), rest.now);
    drain(&mut rest.engine);
    for _ in 0..60 {
        rest.hear();
        let dial = rest.next_dial();
        rest.succeed(dial);
        rest.now += Duration::from_micros(10);
    }
    rest
}

#[test]
fn a_presence_of_a_known_peer_allocates_nothing() {
    let mut rest = at_rest();
    for _ in 0..100 {
        // What is due by the clock is not done because of the presence.
        rest.engine.handle(Input::Tick, rest.now);
        rest.pump();
        rest.sequence += 1;
        let bytes = presence(Kind::Heartbeat, 2, rest.sequence).encode();
        let (engine, now) = (&mut rest.engine, rest.now);
        let counted = allocation_counter::measure(|| {
            engine.handle(datagram(&bytes), now);
            drain(engine);
        });
        assert_eq!(counted.count_total, 0);
        rest.now += ms(10);
    }
}

#[test]
fn the_end_of_a_regular_dial_allocates_nothing() {
    let mut rest = at_rest();
    let (_, nonce) = {
        let dial = rest.next_dial();
        rest.succeed(dial);
        dial
    };
    let frame = reply(nonce);
    for _ in 0..100 {
        // Its request, with what it tells of the others, is made anew for each.
        let (dial, _) = rest.next_dial();
        let (engine, now) = (&mut rest.engine, rest.now);
        let counted = allocation_counter::measure(|| {
            engine.handle(ended(dial, &frame), now);
            drain(engine);
        });
        assert_eq!(counted.count_total, 0);
        rest.hear();
    }
}
