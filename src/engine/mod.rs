//! Meaning: peers, liveness, retries, budgets and causes, as one deterministic state machine.
//!
//! The [`Engine`] is told what happened and when ([`Engine::handle`]), says what is to be done
//! ([`Engine::poll_output`]) and when it wants to be woken ([`Engine::poll_timeout`]). It touches no socket, no
//! clock, no task and no global; its randomness comes from a seed. So a whole network of engines runs in memory
//! in a test, and a failing seed replays.

pub mod config;
pub mod diagnosis;
mod dialing;
pub mod event;
mod exchange;
mod gossip;
pub mod interface;
pub mod limits;
pub mod peers;
mod presence;
mod probing;
pub mod rate_limiter;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use slotmap::SlotMap;

pub use crate::proto::{Incarnation, NodeId, Nonce};
pub use diagnosis::observation;
pub use dialing::{cause, retry};
pub use exchange::{check_reply, unreadable};
pub use gossip::matrix;

/// What the diagnosis says.
pub mod verdict {
    pub use super::diagnosis::advice::Advice;
    pub use super::diagnosis::evidence::{self, Evidence};
    pub use super::diagnosis::finding::{Finding, MAX_PAIRS_LISTED};
    pub use super::diagnosis::verdict::{Confidence, Pattern, Verdict};
}

use config::{Config, Target};
use diagnosis::foreign_nodes::ForeignNode;
use diagnosis::judge::Judge;
use event::{Command, DialId, Event, Input, Output, RejectReason, StopReason};
use gossip::{OwnRow, Rows};
use interface::Interface;
use limits::{
    ANSWERS_PER_SECOND, CHECKS_FOR_OTHERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND, MAX_STATIC,
    OFF_LINK_ANSWERS_PER_SECOND, RESOLVE_AGAIN, ROW_KILOBYTES_PER_SECOND, STALL, UNPROVEN_DIALS_PER_SECOND,
};
use peers::row::Peer;
use peers::{NodeInfo, PeerKey, PeerSnapshot, PeerState, Snapshot};
use presence::Round;
use presence::rejects::Rejects;
use rate_limiter::Budget;

/// The state of one node. See the [module documentation](super) for how it is driven.
#[derive(Debug)]
pub struct Engine {
    config: Config,
    node: Arc<NodeInfo>,
    rng: StdRng,
    interfaces: Arc<[Interface]>,
    life: Life,
    /// Where the steps of [`limits::DIAL_STEP`] begin: at random, so that nodes do not step together.
    steps_from: Option<Instant>,

    /// Boxed: the spare room of a growing table is then that of pointers.
    peers: SlotMap<PeerKey, Box<Peer>>,
    by_id: HashMap<NodeId, PeerKey>,
    /// By the address that is dialed.
    by_addr: HashMap<SocketAddr, PeerKey>,
    nodes_at: HashMap<IpAddr, u16>,
    /// In order of discovery; those proven, gone or named since are skipped.
    unproven: VecDeque<PeerKey>,
    /// Peers that people named and whose name has no address yet, with the time of the next look-up.
    unresolved: Vec<(Instant, Target)>,

    /// Number of the last datagram sent.
    sequence: u64,
    round: Round,
    answers: Budget,
    off_link_answers: Budget,

    /// The nonce that every dial sends: a TCP reply needs no fresh proof.
    request_nonce: Nonce,
    last_dial: DialId,
    in_flight: HashMap<DialId, PeerKey>,
    urgent: VecDeque<PeerKey>,
    regular: VecDeque<PeerKey>,
    dials: Budget,
    unproven_dials: Budget,

    own_row: OwnRow,
    rows: Rows,
    judge: Judge,
    strangers: HashMap<IpAddr, ForeignNode>,
    /// Bursts of echoes under way.
    bursts: usize,
    echo_answers: Budget,
    checks_for_others: Budget,
    /// Kilobytes of our row that are told.
    row_kilobytes: Budget,
    /// When presence last went to the limited broadcast address.
    wide: Option<Instant>,

    rejects: Rejects,
    /// Each entry wakes one peer; entries that no longer match the peer's `armed` are stale.
    timers: BinaryHeap<Reverse<(Instant, PeerKey)>>,
    /// Since when this process has run without standing still.
    awake_since: Option<Instant>,
    outputs: VecDeque<Output>,
}

/// From the first look at the interfaces to the last goodbye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Life {
    Unborn,
    Running,
    Leaving { reason: StopReason, goodbyes_said: usize, next: Instant },
    Gone,
}

impl Engine {
    /// An engine that starts with its first [`Input::Interfaces`].
    pub fn new(config: Config) -> Self {
        let mut rng = StdRng::from_seed(config.seed);
        let request_nonce = Nonce(rand::Rng::next_u64(&mut rng));
        let node = NodeInfo {
            id: config.id,
            name: config.name.clone(),
            group: config.group.clone(),
            incarnation: config.incarnation,
            port: config.port,
            tcp_port: config.tcp_port,
            version: env!("CARGO_PKG_VERSION"),
        };
        Self {
            request_nonce,
            node: Arc::new(node),
            interfaces: Arc::from([]),
            life: Life::Unborn,
            steps_from: None,
            peers: SlotMap::with_key(),
            by_id: HashMap::new(),
            by_addr: HashMap::new(),
            nodes_at: HashMap::new(),
            unproven: VecDeque::new(),
            unresolved: Vec::new(),
            sequence: 0,
            round: Round::default(),
            answers: Budget::per_second(ANSWERS_PER_SECOND, ANSWERS_PER_SECOND / 2),
            off_link_answers: Budget::per_second(OFF_LINK_ANSWERS_PER_SECOND, OFF_LINK_ANSWERS_PER_SECOND),
            last_dial: DialId(0),
            in_flight: HashMap::new(),
            urgent: VecDeque::new(),
            regular: VecDeque::new(),
            dials: Budget::per_second(config.dial_rate, config.dial_rate / 10),
            unproven_dials: Budget::per_second(UNPROVEN_DIALS_PER_SECOND, UNPROVEN_DIALS_PER_SECOND),
            own_row: OwnRow::default(),
            rows: Rows::default(),
            judge: Judge::default(),
            strangers: HashMap::new(),
            bursts: 0,
            echo_answers: Budget::per_second(ECHO_ANSWERS_PER_SECOND, ECHO_ANSWERS_PER_SECOND / 2),
            checks_for_others: Budget::per_second(CHECKS_FOR_OTHERS_PER_SECOND, CHECKS_FOR_OTHERS_PER_SECOND),
            row_kilobytes: Budget::per_second(ROW_KILOBYTES_PER_SECOND, ROW_KILOBYTES_PER_SECOND * 4),
            wide: None,
            rejects: Rejects::default(),
            timers: BinaryHeap::new(),
            awake_since: None,
            outputs: VecDeque::new(),
            rng,
            config,
        }
    }

    /// Takes in one thing that happened at `now`, which never runs backwards. Afterwards, take all of
    /// [`Engine::poll_output`] and wait no longer than [`Engine::poll_timeout`].
    pub fn handle(&mut self, input: Input<'_>, now: Instant) {
        self.notice_a_stall(now);
        match self.life {
            Life::Gone => return,
            Life::Leaving { .. } => {
                if !matches!(input, Input::Tick) {
                    self.refuse_while_leaving(&input);
                }
                return self.say_goodbye(now);
            }
            Life::Unborn | Life::Running => {}
        }
        match input {
            Input::Interfaces(interfaces) => self.take_interfaces(interfaces, now),
            Input::Datagram { from, socket, bytes } => self.hear(from, socket, bytes, now),
            Input::Unreachable { to, icmp } => self.take_unreachable(to, icmp, now),
            Input::DialEnded { dial, result } => self.end_dial(dial, result, now),
            Input::Request { conn, from, body } => self.serve(conn, from, body, now),
            Input::TurnedAway { from, reason } => self.reject(reason, from, now),
            Input::Resolved { target, addr } => match addr {
                Some(addr) => self.name_peer(&target, addr, now),
                None => self.unresolved.push((now + RESOLVE_AGAIN, target)),
            },
            Input::Command(command) => self.obey(command, now),
            Input::Tick => {}
        }
        self.run_timers(now);
        self.start_dials(now);
    }

    /// The next thing to do, in order.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When [`Input::Tick`] is due at the latest; none when nothing is planned.
    pub fn poll_timeout(&self) -> Option<Instant> {
        match self.life {
            Life::Unborn | Life::Gone => None,
            Life::Leaving { next, .. } => Some(next),
            Life::Running => [
                self.round.next,
                self.timers.peek().map(|Reverse((at, _))| *at + self.slack()),
                self.rejects.due(),
                self.dials_due(),
                self.judge.due,
                self.unresolved.iter().map(|(at, _)| *at).min(),
            ]
            .into_iter()
            .flatten()
            .min(),
        }
    }

    /// How late the timers of single peers may run: with many peers, most then run when something else wakes the node, and
    /// a wake-up costs more than what is done in it.
    fn slack(&self) -> Duration {
        if self.is_crowded() { limits::TIMER_SLACK } else { Duration::ZERO }
    }

    /// Whether there are so many peers that doing things together matters more than doing each at once.
    pub fn is_crowded(&self) -> bool {
        self.peers.len() > limits::ANSWER_AT_ONCE
    }

    /// With many peers, the step of [`limits::DIAL_STEP`] that is nearest.
    fn in_step(&self, at: Instant) -> Instant {
        let Some(from) = self.steps_from.filter(|_| self.is_crowded()) else { return at };
        let step = limits::DIAL_STEP.as_millis();
        let steps = (at.saturating_duration_since(from).as_millis() + step / 2) / step;
        from + limits::DIAL_STEP * u32::try_from(steps).unwrap_or(u32::MAX)
    }

    /// The whole table as it is.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        Snapshot {
            node: Arc::clone(&self.node),
            interfaces: Arc::clone(&self.interfaces),
            peers: self.peers.values().map(|p| p.snapshot(now, |ip| self.link_name(ip))).collect(),
        }
    }

    /// One row of the table.
    pub fn peer(&self, key: PeerKey, now: Instant) -> Option<PeerSnapshot> {
        self.peers.get(key).map(|p| p.snapshot(now, |ip| self.link_name(ip)))
    }

    /// Panics unless all tables agree with each other: for tests.
    #[cfg(any(test, debug_assertions))]
    #[doc(hidden)]
    pub fn check_invariants(&self) {
        use peers::row::Dial;
        for (id, key) in &self.by_id {
            assert_eq!(self.peers[*key].info.id, Some(*id), "by_id names the row of that id");
        }
        for (addr, key) in &self.by_addr {
            assert_eq!(self.peers[*key].info.addr, *addr, "by_addr names the row at that address");
            assert_ne!(addr.port(), 0, "nobody is dialed at port 0");
        }
        for (dial, key) in self.in_flight.iter().filter(|_| self.life == Life::Running) {
            assert!(
                matches!(self.peers[*key].dial, Dial::InFlight { id, .. } if id == *dial),
                "a dial in flight is its row's"
            );
        }
        let mut nodes_at: HashMap<IpAddr, u16> = HashMap::new();
        for (key, peer) in &self.peers {
            *nodes_at.entry(peer.info.addr.ip()).or_default() += 1;
            assert_eq!(peer.info.key, key);
            assert!(peer.info.id.is_none_or(|id| self.by_id.get(&id) == Some(&key)), "every id is in by_id");
            match peer.dial {
                Dial::InFlight { id, .. } => {
                    assert!(self.life != Life::Running || self.in_flight.get(&id) == Some(&key));
                }
                Dial::Queued { urgent, .. } => {
                    let queue = if urgent { &self.urgent } else { &self.regular };
                    assert!(queue.contains(&key), "what is queued is in its queue");
                }
                Dial::Off | Dial::Resting { .. } | Dial::Waiting { .. } => {}
            }
            if let Some(deadline) = peer.deadline() {
                let armed = peer.armed.expect("a peer with a deadline is armed");
                assert!(armed <= deadline, "it is woken in time");
                assert!(self.timers.iter().any(|Reverse(entry)| *entry == (armed, key)), "its timer is set");
            }
        }
        assert_eq!(self.nodes_at, nodes_at, "nodes_at counts the rows at each address");
        assert!(self.in_flight.len() <= limits::MAX_DIALS_IN_FLIGHT);
        assert!(self.peers.len() <= limits::MAX_PEERS);
    }

    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::DialNow(key) => self.force_dial(key),
            Command::DialAll => self.force_dials(|_| true),
            Command::DialFailing => self.force_dials(PeerState::is_failing),
            Command::AddPeer(target) => self.add_named(target, now),
            Command::Refresh => {
                let snapshot = Arc::new(self.snapshot(now));
                self.publish(Event::Snapshot(snapshot));
            }
            Command::Survey => {
                let view = self.survey(now);
                self.publish(Event::Matrix(Arc::new(view)));
            }
            Command::Forget(key) => self.forget(key),
            Command::Stop(reason) => self.leave(reason, now),
        }
    }

    fn force_dials(&mut self, of: impl Fn(PeerState) -> bool) {
        let keys: Vec<PeerKey> =
            self.peers.iter().filter(|(_, peer)| of(peer.state)).map(|(key, _)| key).collect();
        for key in keys {
            self.force_dial(key);
        }
    }

    /// Finds the address of a peer that a person named; one named beyond [`MAX_STATIC`] is ignored.
    fn add_named(&mut self, target: Target, now: Instant) {
        let named = self.peers.values().filter(|p| p.named.is_some()).count() + self.unresolved.len();
        match target.literal() {
            _ if named >= MAX_STATIC => {}
            Some(addr) => self.name_peer(&target, addr, now),
            None => self.outputs.push_back(Output::Resolve(target)),
        }
    }

    fn run_timers(&mut self, now: Instant) {
        if self.life != Life::Running {
            return;
        }
        if self.round.next.is_some_and(|at| at <= now) {
            self.announce(now);
        }
        while let Some(Reverse((at, key))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if self.peers.get(key).is_some_and(|p| p.armed == Some(at)) {
                self.peers[key].armed = None;
                self.wake(key, now);
                self.arm(key);
            }
        }
        if self.judge.due.is_some_and(|at| at <= now) {
            self.judge(now);
        }
        while let Some(event) = self.rejects.flush(now) {
            self.publish(event);
        }
        while let Some(i) = self.unresolved.iter().position(|(at, _)| *at <= now) {
            let (_, target) = self.unresolved.swap_remove(i);
            self.outputs.push_back(Output::Resolve(target));
        }
    }

    /// Does what is due for one peer.
    fn wake(&mut self, key: PeerKey, now: Instant) {
        let due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if due(self.peers[key].answer_due) {
            self.peers[key].answer_due = None;
            self.introduce(key, None, now);
        }
        if due(self.peers[key].silence_due) {
            self.suspect_silence(key, now);
        }
        self.run_echoes(key, now);
        self.dial_if_due(key, now);
        if due(self.peers[key].expiry) {
            self.expire(key);
        }
    }

    /// Makes sure that a peer is woken at its next deadline. Called after every change to its deadlines.
    fn arm(&mut self, key: PeerKey) {
        let Some(peer) = self.peers.get_mut(key) else { return };
        let Some(deadline) = peer.deadline() else { return };
        if peer.armed.is_none_or(|armed| deadline < armed) {
            peer.armed = Some(deadline);
            self.timers.push(Reverse((deadline, key)));
        }
    }

    fn publish(&mut self, event: Event) {
        self.outputs.push_back(Output::Publish(event));
    }

    fn reject(&mut self, reason: RejectReason, from: SocketAddr, now: Instant) {
        if let Some(event) = self.rejects.count(reason, from, now) {
            self.publish(event);
        }
    }

    /// A tick that comes far too late means that the process stood still, not that the peers did.
    fn notice_a_stall(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| now.saturating_duration_since(due) > STALL) {
            self.awake_since = Some(now);
            self.hello_again(now);
            self.blame_nobody(now);
        }
    }

    fn refuse_while_leaving(&mut self, input: &Input<'_>) {
        if let Input::Request { conn, .. } = input {
            self.outputs.push_back(Output::Reply { conn: *conn, frame: None });
        }
    }
}
