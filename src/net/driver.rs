//! The one task that owns the engine: it tells it what happened, does what it asks for, and wakes it in time.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior};

use crate::engine::Engine;
use crate::engine::address::ZonedIp;
use crate::engine::api::{Answer, Command, ConnId, DialId, Input, Output, Socket};
use crate::engine::cause::Retry;
use crate::engine::event::{Event, Stamped};
use crate::engine::interface::{Interface, InterfaceKind, LinkIndex};
use crate::engine::packet_filter::BlockingRule;
use crate::engine::rate_limiter::RateLimiter;
use crate::secret::sessions::Sessions;

use super::arrival::{Buffer, Received};
use super::dialer::{self, Reached, Way};
use super::errno;
use super::host_name::HostName;
use super::impairment::Impaired;
use super::interfaces::{self, Look, Selection};
use super::link_watch::{LinkChange, LinkWatch};
use super::neighbours;
use super::resolver;
use super::servers::Servers;
use super::sockets::{Family, Sockets};
use super::standby::Standby;
use super::task_event::{Inbound, Outbound, TaskEvent};
use super::tethers::{self, Tethers};
use super::udp;

/// Between two looks whether the machine slept and what it is called, and at the interfaces where their changes are not told.
const INTERFACE_POLL: Duration = Duration::from_secs(2);
/// Where they are told, they are looked at all the same, once in so many times: no notification tells everything.
const LOOK_ONE_IN: u32 = 8;
/// From the first word of a change to the look: changes come several at a time.
const CHANGE_SETTLES: Duration = Duration::from_millis(40);
/// Least time between two looks that failing dials ask for.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// Datagrams taken from a socket before the other inputs have their turn.
const BATCH: u32 = 64;
/// Datagrams taken in a second, of which some may come at once: far more than a thousand nodes that all start at the same
/// moment send, and little enough that a flood leaves the processor to others. The kernel drops the rest.
const DATAGRAMS_PER_SECOND: u32 = 20_000;
const DATAGRAM_BURST: u32 = 4_000;
/// Between two reads of a presence port that is not watched; mostly it is read on the way, when something else happens.
const POLL: Duration = Duration::from_millis(250);
/// Not on the way, either, if it was read so lately.
const POLLED_LATELY: Duration = Duration::from_millis(50);
/// A send error that came again within this time has lasted since: others are sent to meanwhile, which may well work.
const SEND_ERROR_LASTS: Duration = Duration::from_mins(1);
/// Reply buffers kept for the next dials.
const SPARE_BUFFERS: usize = 64;

/// Reads which rules of this machine's packet filter stop packets of a node: on these interfaces, at its UDP and its TCP port. It may
/// take a second.
pub type ReadFilter = fn(&[Interface], u16, u16) -> Vec<BlockingRule>;

/// Everything the driver works with.
pub(super) struct Driver {
    pub(super) engine: Engine,
    pub(super) sockets: Sockets,
    pub(super) servers: Servers,
    pub(super) selection: Selection,
    /// The name of this machine, where the node is called so.
    pub(super) host_name: Option<HostName>,
    /// Reads the rules of this machine's packet filter.
    pub(super) read_filter: Option<ReadFilter>,
    /// What is wrong with its network on purpose.
    pub(super) impaired: Impaired,
    /// Dials leave from this address.
    pub(super) source: Option<ZonedIp>,
    /// Under whose secret exchanges are.
    pub(super) sessions: Option<Arc<Sessions>>,
    pub(super) events: broadcast::Sender<Stamped>,
    pub(super) commands: mpsc::Receiver<Command>,
    /// From the servers. Bounded: who finds it full waits, or drops what is only counted.
    pub(super) task_events: mpsc::Receiver<TaskEvent>,
    /// The dials and look-ups under way; they end with the driver.
    pub(super) tasks: JoinSet<TaskEvent>,
    pub(super) pending: Pending,
}

/// What is under way.
pub(super) struct Pending {
    /// When a presence port that is not watched was last read.
    polled: Instant,
    dials: HashMap<DialId, AbortHandle>,
    replies: HashMap<ConnId, oneshot::Sender<Option<Outbound>>>,
    tethers: Tethers,
    last_conn: u64,
    spare: Vec<Vec<u8>>,
    /// The addresses of links that are not used.
    refused: Vec<(ZonedIp, LinkIndex)>,
    /// When the interfaces were last looked at.
    looked: Option<Instant>,
    /// When they are to be looked at, after a change was told.
    look_at: Option<Instant>,
    /// They could not be read the last time.
    is_blind: bool,
    /// How often it was time to look at them.
    looks: u32,
    /// The kind of the last send error, and when it came last, so that one that lasts is told once.
    send_error: Option<(io::ErrorKind, Instant)>,
    stopped: bool,
}

impl Pending {
    pub(super) fn none_yet() -> Self {
        Self {
            polled: Instant::now(),
            dials: HashMap::new(),
            replies: HashMap::new(),
            tethers: Tethers::default(),
            last_conn: 0,
            spare: Vec::new(),
            refused: Vec::new(),
            looked: None,
            is_blind: false,
            look_at: None,
            looks: 0,
            send_error: None,
            stopped: false,
        }
    }
}

impl Driver {
    /// Runs until the engine has said its goodbyes.
    pub(super) async fn run(mut self) {
        let mut looks = tokio::time::interval(INTERFACE_POLL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut alarm = pin!(tokio::time::sleep_until(Instant::now()));
        let mut intake = RateLimiter::per_second(DATAGRAMS_PER_SECOND, DATAGRAM_BURST);
        let mut buffer = Buffer::new();
        looks.tick().await;
        let (links, mut standby) = (LinkWatch::open(), Standby::look());
        // Before its first turn the runtime believes that nothing can be sent, and the first hello would be lost.
        self.sockets.writable().await;
        self.refresh_interfaces();
        while !self.pending.stopped {
            if let Err(error) = self.sockets.watch(!self.engine.is_crowded()) {
                tracing::error!(%error, "lost the presence port: this node must stop");
                return;
            }
            let poll = (!self.sockets.is_watched()).then(|| self.pending.polled + POLL);
            let due = [self.engine.poll_timeout().map(Instant::from_std), poll].into_iter().flatten().min();
            if let Some(due) = due.filter(|due| *due != alarm.deadline()) {
                alarm.as_mut().reset(due);
            }
            let open = intake.ready_at().map(Instant::from_std);
            let flooded = open.is_some_and(|at| at > Instant::now());
            tokio::select! {
                () = &mut alarm, if due.is_some() => self.tell(Input::Tick),
                Some(command) = self.commands.recv() => self.tell(Input::Command(command)),
                Some(ended) = self.tasks.join_next() => match ended {
                    Ok(event) => self.handle_task_event(event),
                    // An abandoned dial ends without a word; a fault of ours is not to go unnoticed.
                    Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                    Err(_) => {}
                },
                Some(event) = self.task_events.recv() => self.handle_task_event(event),
                failed = self.servers.failed() => std::panic::resume_unwind(failed.into_panic()),
                _ = looks.tick() => self.look_now_and_then(&links, &mut standby),
                change = links.changed() => self.follow(change),
                () = self.impaired.changed() => self.refresh_interfaces(),
                () = sleep_until(self.pending.look_at), if self.pending.look_at.is_some() => {
                    self.refresh_interfaces();
                }
                () = sleep_until(open), if flooded => {}
                () = self.sockets.readable(), if !flooded => {
                    self.handle_icmp_errors();
                    self.drain_watched(&mut buffer, &mut intake);
                }
            }
            if !self.sockets.is_watched() && !flooded && self.pending.polled.elapsed() >= POLLED_LATELY {
                self.pending.polled = Instant::now();
                for family in Family::ALL {
                    self.drain((family, Socket::Shared), &mut buffer, &mut intake);
                }
            }
            // Where the machine is busy, something is always due, and something always comes: each has its turn.
            if self.engine.poll_timeout().is_some_and(|due| due <= Instant::now().into_std()) {
                self.tell(Input::Tick);
            }
        }
    }

    fn tell(&mut self, input: Input<'_>) {
        self.engine.handle(input, Instant::now().into_std());
        while let Some(output) = self.engine.poll_output() {
            self.perform(output);
        }
    }

    fn handle_task_event(&mut self, event: TaskEvent) {
        match event {
            TaskEvent::DialEnded { dial, result, reply } => {
                self.pending.dials.remove(&dial);
                // Is the link gone? The engine is to know before it is told of the failure.
                let suspicious = result.as_ref().is_err_and(|failure| failure.retry == Retry::OnLinkChange);
                if suspicious && self.pending.looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN) {
                    self.refresh_interfaces();
                }
                let result = result.map(|Reached { from_standby, local, connect, rtt }| Answer {
                    from_standby,
                    local: Some(local),
                    body: reply.as_slice(),
                    connect,
                    rtt,
                });
                self.tell(Input::DialEnded { dial, result });
                if self.pending.spare.len() < SPARE_BUFFERS {
                    self.pending.spare.push(reply);
                }
            }
            TaskEvent::Inbound(Inbound { from, to, body, sealed, reply }) => {
                self.pending.last_conn += 1;
                let conn = ConnId(self.pending.last_conn);
                self.pending.replies.insert(conn, reply);
                let link = to.and_then(|to| self.refused_link_of(to));
                let body = body.as_deref().map_err(|error| *error);
                self.tell(Input::Request { conn, from, link, body, sealed });
            }
            TaskEvent::TetherAnswered { tether, result, reply } => {
                if let Some(result) = self.pending.tethers.note_answer(tether, result, &mut self.tasks) {
                    self.tell(Input::TetherAnswered { tether, result: result.map(|()| &*reply) });
                }
            }
            TaskEvent::TetherAccepted { kept, stream } => tethers::hold(kept, stream, &mut self.tasks),
            TaskEvent::TetherEnded { tether, end } if self.pending.tethers.note_end(tether) => {
                self.tell(Input::TetherEnded { tether, end });
            }
            TaskEvent::TetherEnded { .. } => {}
            TaskEvent::TurnedAway { from, reason } => self.tell(Input::Refused { from, reason }),
            TaskEvent::Hardware { peer, hardware } => self.tell(Input::Hardware { peer, hardware }),
            TaskEvent::FilterRules(rules) => self.tell(Input::FilterRules(rules)),
            TaskEvent::Resolved { target, addrs } => self.tell(Input::Resolved { target, addrs }),
        }
    }

    /// Takes what the sockets hold that the runtime watches: in this order, so that of two copies of a round the one by IPv4 comes
    /// first. A socket that is not ready costs nothing.
    fn drain_watched(&mut self, buffer: &mut Buffer, intake: &mut RateLimiter) {
        for family in Family::ALL {
            self.drain((family, Socket::Private), buffer, intake);
            if self.sockets.is_watched() {
                self.drain((family, Socket::Shared), buffer, intake);
            }
        }
    }

    /// Takes what a socket holds: a batch of it, or all if the next look is far.
    fn drain(&mut self, from: (Family, Socket), buffer: &mut Buffer, intake: &mut RateLimiter) {
        let (_, socket) = from;
        let watched = socket == Socket::Private || self.sockets.is_watched();
        let most = if watched { BATCH } else { DATAGRAM_BURST };
        for _ in 0..most {
            if !intake.take(Instant::now().into_std()) {
                return;
            }
            match self.sockets.try_receive(from, buffer) {
                Ok(Received { bytes, from, link, is_to_all }) => {
                    if socket == Socket::Shared && self.impaired.misses_broadcasts() {
                        continue;
                    }
                    let socket = match (socket, is_to_all) {
                        (Socket::Shared, Some(false)) => Socket::Addressed,
                        (Socket::Shared, None) => Socket::Untold,
                        _ => socket,
                    };
                    self.tell(Input::Datagram { from, link, socket, bytes });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An ICMP error about something sent earlier, or an interface that went: the socket lives on.
                Err(error) => tracing::debug!(%error, ?socket, "receive"),
            }
        }
    }

    /// Takes what ICMP says of what was sent.
    fn handle_icmp_errors(&mut self) {
        for (to, icmp) in self.sockets.take_icmp_errors() {
            tracing::debug!(%to, ?icmp, "unreachable");
            self.tell(Input::Unreachable { to, icmp });
        }
    }

    fn look_now_and_then(&mut self, links: &LinkWatch, standby: &mut Standby) {
        let woke = standby.woke();
        self.pending.looks = self.pending.looks.wrapping_add(1);
        if woke || !links.is_open() || self.pending.looks.is_multiple_of(LOOK_ONE_IN) {
            self.refresh_interfaces();
        }
        if let Some(name) = self.host_name.as_mut().and_then(HostName::changed) {
            self.tell(Input::Renamed(name));
        }
        if woke {
            tracing::info!("this machine slept and woke up: saying hello again");
            self.tell(Input::Woke);
        }
    }

    /// Something changed on a link.
    fn follow(&mut self, change: LinkChange) {
        match change {
            LinkChange::Something => {
                self.pending.look_at.get_or_insert_with(|| Instant::now() + CHANGE_SETTLES);
            }
            // Whoever has no other address is found from now on: the rest of what changes is looked at in its time.
            LinkChange::AddressIsReady => {
                let later = self.pending.look_at;
                self.refresh_interfaces();
                self.pending.look_at = later;
            }
        }
    }

    fn refresh_interfaces(&mut self) {
        let is_first = self.pending.looked.replace(Instant::now()).is_none();
        self.pending.look_at = None;
        match interfaces::look(&self.selection) {
            Ok(Look { used, refused }) => {
                let now = self.impaired.interfaces(used);
                self.pending.is_blind = false;
                self.pending.refused = refused;
                self.selection.network_seen |= now.iter().any(|i| i.kind != InterfaceKind::Loopback);
                self.sockets.leave_others(&now);
                self.servers.follow(&now);
                self.tell(Input::Routed(interfaces::routed(&now)));
                self.tell(Input::Interfaces(now.clone()));
                self.sockets.join_all(&now);
            }
            Err(error) => {
                if !std::mem::replace(&mut self.pending.is_blind, true) {
                    tracing::warn!(%error, "cannot read this machine's interfaces: only peers named with --peer can be found");
                }
                if is_first {
                    // It starts all the same: who is named can be dialed.
                    self.tell(Input::Interfaces(Vec::new()));
                }
            }
        }
    }

    /// The link that holds this address of ours, if presence does not use it.
    fn refused_link_of(&self, to: SocketAddr) -> Option<LinkIndex> {
        let ip = ZonedIp::from(to);
        self.pending.refused.iter().find(|(held, _)| *held == ip).map(|(_, link)| *link)
    }

    fn perform(&mut self, output: Output) {
        match output {
            Output::Send { link, to, bytes } => self.send(link, to, &bytes),
            Output::SendFrom { source, to, bytes } => {
                // What cannot be sent here says the same as the presence of the round that it goes with.
                if let Err(error) = udp::send_from(source, to, &bytes) {
                    tracing::debug!(%source, %to, %error, "cannot send to the limited broadcast address");
                }
            }
            Output::Dial { dial, addr, standby, link, request, timeout, is_sparing } => {
                let sessions = self.sessions.clone();
                self.dial(
                    dial,
                    Way { addr, standby, source: self.source, link, sessions, is_sparing },
                    request,
                    timeout,
                );
            }
            Output::AbandonDial(dial) => {
                if let Some(task) = self.pending.dials.remove(&dial) {
                    task.abort();
                }
            }
            Output::Reply { conn, frame, tether } => {
                if let Some(reply) = self.pending.replies.remove(&conn) {
                    let tether = tether.map(|tether| self.pending.tethers.keep(tether));
                    let outbound = frame.map(|frame| Outbound { frame, tether });
                    tethers::send_reply(reply, outbound, &mut self.tasks);
                }
            }
            Output::Tether { tether, addr, link, request, timeout } => {
                let sessions = self.sessions.clone();
                let way =
                    Way { addr, standby: Vec::new(), source: self.source, link, sessions, is_sparing: false };
                self.pending.tethers.dial(tether, way, request, timeout, &mut self.tasks);
            }
            Output::DropTether(tether) => self.pending.tethers.release(tether),
            Output::Resolve(target) => drop(self.tasks.spawn(resolver::look_up(target))),
            Output::ReadHardware { peer, ip } => {
                let hardware = neighbours::hardware_of(ip);
                self.tasks.spawn(async move { TaskEvent::Hardware { peer, hardware } });
            }
            Output::ReadFilter { interfaces, udp, tcp } => {
                if let Some(read) = self.read_filter {
                    // It runs programs and waits for them.
                    self.tasks.spawn_blocking(move || TaskEvent::FilterRules(read(&interfaces, udp, tcp)));
                }
            }
            Output::Publish(event) => publish(&self.events, event),
            Output::Stop => self.pending.stopped = true,
        }
    }

    /// Sends one datagram. UDP may lose it anyway: no error is fatal, and one that lasts is told once.
    fn send(&mut self, link: Option<LinkIndex>, to: SocketAddr, bytes: &[u8]) {
        if !self.impaired.reaches(to) {
            return;
        }
        let sent = self.sockets.send(link, to, bytes);
        let error = sent.err().filter(|e| e.kind() != io::ErrorKind::WouldBlock);
        if let Some(error) = error.as_ref().filter(|error| to.is_ipv6() && errno::is_about_the_address(error))
        {
            return tracing::debug!(%to, %error, "cannot send by IPv6");
        }
        let Some(error) = error else { return };
        let lasts =
            |(kind, at): (io::ErrorKind, Instant)| kind == error.kind() && at.elapsed() < SEND_ERROR_LASTS;
        if !self.pending.send_error.is_some_and(lasts) {
            let (hint, to) = (errno::send_hint(&error), interfaces::told(to));
            tracing::warn!(%to, %error, "cannot send, so peers there cannot hear this node: {hint}");
        }
        self.pending.send_error = Some((error.kind(), Instant::now()));
    }

    fn dial(&mut self, dial: DialId, way: Way, request: Arc<[u8]>, timeout: Duration) {
        let mut reply = self.pending.spare.pop().unwrap_or_default();
        let failure = self.impaired.dial_failure(way.addr);
        let task = self.tasks.spawn(async move {
            if let Some(failure) = failure {
                return TaskEvent::DialEnded { dial, result: Err(failure), reply };
            }
            let result = dialer::attempt(&way, &request, timeout, &mut reply).await;
            TaskEvent::DialEnded { dial, result, reply }
        });
        self.pending.dials.insert(dial, task);
    }
}

/// Sleeps until then; not at all without a time.
async fn sleep_until(at: Option<Instant>) {
    if let Some(at) = at {
        tokio::time::sleep_until(at).await;
    }
}

/// Stamps an event and sends it to whoever listens; nobody need.
fn publish(events: &broadcast::Sender<Stamped>, event: Event) {
    #[expect(clippy::disallowed_methods, reason = "this is where events get their time")]
    let wall = SystemTime::now();
    let _ = events.send(Stamped { at: Instant::now().into_std(), wall, event });
}
