//! A whole node: its sockets, its tasks and its thread.

use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{broadcast, mpsc, oneshot, watch};
use tokio::task::JoinSet;

use crate::engine::Engine;
use crate::engine::api::Command;
use crate::engine::config::Config;
use crate::engine::event::{Stamped, StopReason};
use crate::secret::sessions::Sessions;

use super::driver::{Driver, Pending, ReadFilter};
use super::host_name::HostName;
use super::impairment::{Impaired, Impairment};
use super::interfaces::{self, Selection};
use super::servers::{self, Servers};
use super::sockets::{self, OpenSockets};
use super::start_error::StartError;
use super::traffic::Traffic;

/// Events kept for a slow reader before it loses the oldest: a few seconds of a busy network.
pub const EVENTS: usize = 2_048;
/// Commands of people waiting for the driver; a full queue refuses more.
const COMMANDS: usize = 64;
/// Dials that ended and requests that came, waiting for the driver; who finds it full waits.
const TASK_EVENTS: usize = 512;

/// What a person set, apart from what the engine needs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// For the engine. Its ports are filled in by [`Node::start`].
    pub config: Config,
    /// The TCP port to use and no other; none prefers the presence port.
    pub tcp_port: Option<u16>,
    /// Others are told to dial this port instead of the one that this node listens on: it is behind a port forward.
    pub announced_tcp_port: Option<u16>,
    /// The interfaces to use.
    pub selection: Selection,
    /// An interface that is not there yet is waited for.
    pub waits_for_interface: bool,
    /// The node is called as its host is, whatever that is called later.
    pub follows_host_name: bool,
    /// How the rules of this machine's packet filter are read when it is suspected; none leaves them unread.
    pub read_filter: Option<ReadFilter>,
    /// What is wrong with its network on purpose, and when that changes; none outside of a demo.
    pub impairment: Option<watch::Receiver<Impairment>>,
}

/// A running node. Dropped, it ends at once and without a goodbye.
#[derive(Debug)]
pub struct Node {
    /// What people ask for goes here.
    pub commands: mpsc::Sender<Command>,
    /// Who wants to listen later subscribes here. It keeps no event: a receiver that rests would keep the latest
    /// [`EVENTS`] of them.
    pub events: broadcast::WeakSender<Stamped>,
    /// How many datagrams came and went.
    pub traffic: Arc<Traffic>,
    thread: JoinHandle<()>,
    /// The node lives as long as this does.
    owner: oneshot::Sender<()>,
}

impl Node {
    /// Opens the sockets and starts the node in a thread of its own; `subscriber` runs there, too, until the node stops.
    /// When this returns, the node listens; its first hello leaves within the millisecond.
    ///
    /// # Errors
    /// [`StartError`], in words that say what to do.
    pub fn start<F, S>(
        settings: Settings,
        subscriber: F,
    ) -> Result<(Self, broadcast::Receiver<Stamped>), StartError>
    where
        F: FnOnce(broadcast::Receiver<Stamped>) -> S + Send + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        let Settings {
            mut config,
            tcp_port,
            announced_tcp_port,
            selection,
            waits_for_interface,
            follows_host_name,
            read_filter,
            impairment,
        } = settings;
        let host_name = follows_host_name.then(HostName::look);
        let any = IpAddr::V4(Ipv4Addr::UNSPECIFIED).into();
        let bind = selection.bind.unwrap_or(any);
        match check_interfaces(&selection) {
            Err(StartError::NoInterface { wanted, held }) if waits_for_interface => {
                tracing::warn!("waiting for an interface that matches {wanted}; this machine has {held}");
            }
            checked => checked?,
        }
        let sockets = sockets::open(selection.bind, config.port)?;
        config.udp_port = sockets.private_port;
        let listeners = servers::listen(bind, config.port, tcp_port)?;
        let listening = listeners[0].local_addr()?.port();
        config.tcp_port = announced_tcp_port.unwrap_or(listening);

        let (events, first) = broadcast::channel(EVENTS);
        let for_subscriber = events.subscribe();
        let later = events.downgrade();
        let (commands, wanted) = mpsc::channel(COMMANDS);
        let (owner, owner_gone) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let traffic = Arc::<Traffic>::default();
        let parts = NodeParts {
            traffic: Arc::clone(&traffic),
            config,
            sockets,
            listeners,
            selection,
            host_name,
            read_filter,
            impaired: Impaired::by(impairment),
            events,
            commands: wanted,
            owner_gone,
        };
        let thread = std::thread::Builder::new().name("vigie-net".into()).spawn(move || {
            runtime.block_on(parts.run(|| subscriber(for_subscriber)));
            // A look-up of a host name may still block a helper thread: it is not waited for.
            runtime.shutdown_background();
        })?;
        Ok((Self { commands, events: later, traffic, thread, owner }, first))
    }

    /// Says goodbye and waits for the node to stop, at most `patience`.
    pub fn stop(self, reason: StopReason, patience: Duration) {
        // A full queue means a node that does not come to read it: it is left behind.
        let _ = self.commands.try_send(Command::Stop(reason));
        #[expect(clippy::disallowed_methods, reason = "a deadline for a thread that may hang")]
        let deadline = std::time::Instant::now() + patience;
        #[expect(clippy::disallowed_methods, reason = "a deadline for a thread that may hang")]
        while !self.thread.is_finished() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends the node at once and without a goodbye, as a crash would. Its ports are free when the thread has ended.
    pub fn end(self) -> JoinHandle<()> {
        drop(self.owner);
        self.thread
    }
}

/// All that the thread of a node begins with.
struct NodeParts {
    traffic: Arc<Traffic>,
    config: Config,
    sockets: OpenSockets,
    listeners: Vec<TcpListener>,
    selection: Selection,
    host_name: Option<HostName>,
    read_filter: Option<ReadFilter>,
    impaired: Impaired,
    events: broadcast::Sender<Stamped>,
    commands: mpsc::Receiver<Command>,
    owner_gone: oneshot::Receiver<()>,
}

impl NodeParts {
    /// Runs the node until it has stopped or its owner is gone, and whoever follows its events until they end.
    async fn run<S>(self, follow: impl FnOnce() -> S)
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let Self {
            traffic,
            config,
            sockets,
            listeners,
            selection,
            host_name,
            read_filter,
            impaired,
            events,
            commands,
            owner_gone,
        } = self;
        let (to_driver, task_events) = mpsc::channel(TASK_EVENTS);
        let sessions = config.secret.clone().map(|secret| Arc::new(Sessions::new(secret)));
        let servers = Servers::start(listeners, sessions.clone(), to_driver);
        let sockets = match sockets.watched(traffic) {
            Ok(sockets) => sockets,
            Err(error) => return tracing::error!(%error, "cannot use the UDP sockets"),
        };
        let mut followers = JoinSet::new();
        followers.spawn(follow());
        let driver = Driver {
            engine: Engine::new(config),
            sockets,
            servers,
            source: selection.bind.filter(|ip| !ip.ip().is_unspecified()),
            sessions,
            selection,
            host_name,
            read_filter,
            impaired,
            events,
            commands,
            task_events,
            tasks: JoinSet::new(),
            pending: Pending::none_yet(),
        };
        // As a task: what wakes the runtime's root future goes the long way through the kernel.
        let mut driving = JoinSet::new();
        driving.spawn(driver.run());
        let failed = tokio::select! {
            Some(ended) = driving.join_next() => ended.err(),
            _ = owner_gone => None,
        };
        if let Some(error) = failed {
            tracing::error!(%error, "the node failed: this is a bug in vigie, please report it");
        }
        driving.shutdown().await;
        // The events end with the driver; the follower reads them to their end.
        while followers.join_next().await.is_some() {}
    }
}

/// Refuses what can never work; a machine that merely has no network now may start and wait for one.
fn check_interfaces(selection: &Selection) -> Result<(), StartError> {
    // Of many links a list takes milliseconds: it is made for who is to read it.
    let list = || -> Result<String, StartError> {
        let all = interfaces::usable(&Selection::default())?;
        let words: Vec<String> = all.iter().map(|i| format!("{} {}", i.name, i.addr)).collect();
        Ok(if words.is_empty() { "none".to_owned() } else { words.join(", ") })
    };
    if let Some(ip) = selection.bind
        && !interfaces::holds(ip)?
    {
        return Err(StartError::NotOurs(ip, list()?));
    }
    let chosen = !(selection.include.is_empty() && selection.exclude.is_empty());
    if chosen && interfaces::usable(selection)?.is_empty() {
        let option = |name: &str, globs: &[glob::Pattern]| {
            globs.iter().map(|glob| format!("{name} {glob}")).collect::<Vec<_>>()
        };
        let wanted =
            [option("--interface", &selection.include), option("--exclude-interface", &selection.exclude)]
                .concat();
        return Err(StartError::NoInterface { wanted: wanted.join(" "), held: list()? });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::engine::event::Event;
    use crate::testkit;

    use super::*;

    fn settings() -> Settings {
        let config = Config { port: 0, tcp_port: 0, udp_port: 0, ..testkit::config(0) };
        let selection =
            Selection { bind: Some(IpAddr::V4(Ipv4Addr::LOCALHOST).into()), ..Selection::default() };
        let (tcp_port, announced_tcp_port) = (Some(0), Some(4_242));
        Settings {
            config,
            tcp_port,
            announced_tcp_port,
            selection,
            waits_for_interface: false,
            follows_host_name: false,
            read_filter: None,
            impairment: None,
        }
    }

    #[test]
    fn a_node_announces_the_port_of_its_port_forward_and_ends_without_a_goodbye() {
        let (node, mut events) = Node::start(settings(), |_| async {}).unwrap();
        match events.blocking_recv().unwrap().event {
            Event::Started { node, .. } => assert_eq!(node.tcp_port, 4_242),
            other => panic!("{other:?}"),
        }
        node.end().join().unwrap();
        let rest = std::iter::from_fn(|| events.blocking_recv().ok());
        assert!(!rest.into_iter().any(|stamped| matches!(stamped.event, Event::Stopped { .. })));
    }
}
