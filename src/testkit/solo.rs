//! One engine alone, driven by hand.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::engine::api::{Answer, ConnId, DialId, Input, Output, Socket};
use crate::engine::cause::Cause;
use crate::engine::config::{Config, Target};
use crate::engine::event::Event;
use crate::engine::peers::PeerSnapshot;
use crate::engine::{Engine, Incarnation, Nonce};
use crate::proto::exchange::{HEADER, Reply, Request};
use crate::proto::presence::Presence;

use super::{config, failure, interface, ms, reply, request, t0};

/// One engine at 10.0.0.1/16, with its own time; all that it asks for is kept.
#[derive(Debug)]
pub struct Solo {
    /// The engine.
    pub engine: Engine,
    /// When it started.
    pub start: Instant,
    /// The time.
    pub now: Instant,
    /// What it published, and how long after the start.
    pub events: Vec<(Duration, Event)>,
    /// What it sent to one address.
    pub sent: Vec<(Duration, SocketAddr, Vec<u8>)>,
    /// The dials that it began.
    pub dials: Vec<(Duration, DialId, SocketAddr)>,
    /// The dials that it gave up.
    pub abandoned: Vec<DialId>,
    /// What it answered.
    pub replies: Vec<(ConnId, Option<Vec<u8>>)>,
    /// The names that it wanted looked up.
    pub look_ups: Vec<(Duration, Target)>,
    /// It has said its goodbyes.
    pub stopped: bool,
    /// The nonce of its requests.
    pub nonce: Option<Nonce>,
    /// Where its latest request says that others see it.
    pub outside: Option<IpAddr>,
}

impl Solo {
    /// The first node of [`config`], with what this changes.
    pub fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = config(0);
        change(&mut config);
        let now = t0();
        let mut solo = Self {
            engine: Engine::new(config),
            start: now,
            now,
            events: Vec::new(),
            sent: Vec::new(),
            dials: Vec::new(),
            abandoned: Vec::new(),
            replies: Vec::new(),
            look_ups: Vec::new(),
            stopped: false,
            nonce: None,
            outside: None,
        };
        solo.tell(Input::Interfaces(vec![interface("10.0.0.1/16")]));
        solo
    }

    /// Tells the engine something, and keeps what it asks for.
    pub fn tell(&mut self, input: Input<'_>) {
        self.engine.handle(input, self.now);
        let at = self.now.saturating_duration_since(self.start);
        while let Some(output) = self.engine.poll_output() {
            match output {
                Output::Publish(event) => self.events.push((at, event)),
                Output::Send { to, bytes, .. } => self.sent.push((at, to, bytes)),
                Output::Dial { dial, addr, request, .. } => {
                    let request = Request::decode(&request[HEADER..]).expect("its own request");
                    self.nonce = Some(request.nonce);
                    self.outside = request.outside.map(|outside| outside.0);
                    self.dials.push((at, dial, addr));
                }
                Output::AbandonDial(dial) => self.abandoned.push(dial),
                Output::Reply { conn, frame, .. } => self.replies.push((conn, frame)),
                Output::Resolve(target) => self.look_ups.push((at, target)),
                Output::SendFrom { .. }
                | Output::Tether { .. }
                | Output::DropTether(_)
                | Output::ReadHardware { .. }
                | Output::ReadFilter { .. } => {}
                Output::Stop => self.stopped = true,
            }
        }
    }

    /// Lets time pass with the ticks that the engine asks for.
    pub fn run_for(&mut self, duration: Duration) {
        let end = self.now + duration;
        let mut ticks = 0;
        while let Some(at) = self.engine.poll_timeout().filter(|at| *at <= end) {
            ticks = if at > self.now { 0 } else { ticks + 1 };
            assert!(ticks < 100, "the engine loops");
            self.now = at.max(self.now);
            self.tell(Input::Tick);
        }
        self.now = end;
    }

    /// A presence comes in by the port that all share.
    pub fn hear(&mut self, from: &str, presence: &Presence<'_>) {
        self.hear_at(Socket::Shared, from, presence);
    }

    /// A presence comes in.
    pub fn hear_at(&mut self, socket: Socket, from: &str, presence: &Presence<'_>) {
        let bytes = presence.encode();
        let from = from.parse().expect("an address with a port");
        self.tell(Input::Datagram { from, link: None, socket, bytes: &bytes });
    }

    /// The dial ends with this node's reply.
    pub fn answer(&mut self, dial: DialId, id: u128, incarnation: u64) {
        let reply = Reply { incarnation: Incarnation(incarnation), ..reply(id, Nonce(0)) };
        self.answer_with(dial, &reply, None);
    }

    /// The dial, from this address of the machine, ends with this reply to its request.
    pub fn answer_with(&mut self, dial: DialId, reply: &Reply<'_>, local: Option<IpAddr>) {
        let frame = Reply { nonce: self.nonce, ..*reply }.encode();
        let body = &frame[HEADER..];
        let answer = Answer { from_standby: None, local, body, connect: ms(1), rtt: ms(1) };
        self.tell(Input::DialEnded { dial, result: Ok(answer) });
    }

    /// The dial ends without a reply.
    pub fn fail(&mut self, dial: DialId, cause: Cause) {
        self.tell(Input::DialEnded { dial, result: Err(failure(cause)) });
    }

    /// A look-up ends with these addresses, at the default port.
    pub fn resolve(&mut self, target: &Target, ips: &[&str]) {
        let addr = |ip: &&str| SocketAddr::new(ip.parse().expect("an address"), target.port);
        self.tell(Input::Resolved { target: target.clone(), addrs: ips.iter().map(addr).collect() });
    }

    /// An exchange of this node's, which proves its address.
    pub fn request(&mut self, from: &str, id: u128) {
        self.request_with(from, &request(id));
    }

    /// An exchange of the node that asks so.
    pub fn request_with(&mut self, from: &str, request: &Request<'_>) {
        let (conn, from) = (ConnId(1), from.parse().expect("an address with a port"));
        self.tell(Input::Request {
            conn,
            from,
            link: None,
            body: Ok(&request.encode()[HEADER..]),
            sealed: false,
        });
    }

    /// Echoes the latest nonce that was sent to this address.
    pub fn echo(&mut self, from: &str, presence: &Presence<'_>) {
        let from_addr: SocketAddr = from.parse().expect("an address with a port");
        let mut nonces = self.sent.iter().rev().filter(|(_, to, _)| to.ip() == from_addr.ip());
        let nonce = nonces.find_map(|(_, _, bytes)| Presence::decode(bytes).expect("its own presence").nonce);
        assert!(nonce.is_some(), "a nonce was sent to {from}");
        self.hear_at(Socket::Private, from, &Presence { echo: nonce, ..*presence });
    }

    /// Its table.
    pub fn rows(&self) -> Vec<PeerSnapshot> {
        self.engine.snapshot(self.now).peers
    }

    /// How many events like this it has published.
    pub fn count(&self, mut which: impl FnMut(&Event) -> bool) -> usize {
        self.events.iter().filter(|(_, e)| which(e)).count()
    }
}
