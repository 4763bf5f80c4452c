//! One peer of a demo: a real node with its own address, and its faults.

use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::{mpsc, watch};

use crate::cli::identity::started_now;
use crate::engine::NodeId;
use crate::engine::event::StopReason;
use crate::net::{Impairment, Node, Settings};

use super::fault_proxy::{Conduct, FaultProxy};
use super::loopback::Site;
use super::schedule::{Act, Fault};

/// For the goodbyes of a leaving peer, which take 60 ms.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

/// What the network of one has that has a wrong netmask, in bits.
const WRONG_PREFIX: u8 = 25;

/// Whether a peer can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Sound,
    /// Behind a proxy that can make dials fail.
    Faulty,
}

/// A peer that runs, or is gone for now.
#[derive(Debug)]
pub(super) struct DemoPeer {
    number: u8,
    nature: Nature,
    settings: Settings,
    site: Site,
    rng: StdRng,
    impairment: watch::Sender<Impairment>,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    node: Node,
    proxy: Option<FaultProxy>,
    brake: Brake,
}

/// Has the thread of a node wait, as where no packet comes in or goes out: what is sent to it stays in its sockets, which are open. Dropped,
/// it lets the thread go on.
#[derive(Debug)]
struct Brake {
    pulled: mpsc::Sender<std::sync::mpsc::Receiver<()>>,
    until: Option<std::sync::mpsc::SyncSender<()>>,
}

impl Brake {
    /// The brake, and how the thread of the node is told of it.
    fn new() -> (Self, mpsc::Receiver<std::sync::mpsc::Receiver<()>>) {
        let (pulled, waits) = mpsc::channel(1);
        (Self { pulled, until: None }, waits)
    }

    async fn pull(&mut self) {
        let (until, wait) = std::sync::mpsc::sync_channel(0);
        self.until = Some(until);
        // A node that has ended needs no brake.
        let _ = self.pulled.send(wait).await;
    }

    fn release(&mut self) {
        self.until = None;
    }
}

/// Blocks the thread that this runs in for as long as the brake is pulled; ends when there is none.
async fn wait_when_told(mut waits: mpsc::Receiver<std::sync::mpsc::Receiver<()>>) {
    while let Some(wait) = waits.recv().await {
        // Nothing is ever sent: it ends when the other end is dropped.
        let _ = wait.recv();
    }
}

impl DemoPeer {
    /// A peer that is not started yet. Its name, id and address are its own, the other settings as given.
    pub(super) fn new(number: u8, nature: Nature, settings: Settings, seed: [u8; 32]) -> Self {
        let rng = StdRng::from_seed(seed);
        let (impairment, told) = watch::channel(Impairment::default());
        let mut peer = Self { number, nature, settings, site: Site::Home, rng, impairment, life: None };
        peer.settings.impairment = Some(told);
        peer.settings.config.name = super::names::name(number);
        peer.settings.follows_host_name = false;
        peer.settings.read_filter = None;
        peer.settings.config.id = NodeId(peer.rng.random());
        peer
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.config.name
    }

    fn ip(&self) -> IpAddr {
        self.site.address(self.number).into()
    }

    /// Starts its node, and the proxy in front of it.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let (ip, port) = (self.ip(), self.settings.config.port);
        let mut settings = self.settings.clone();
        settings.config.incarnation = started_now();
        settings.config.seed = self.rng.random();
        settings.selection.bind = Some(ip.into());
        let proxy = match self.nature {
            Nature::Sound => None,
            Nature::Faulty => {
                // Others dial the port that they would dial anyway; the node listens on the next one.
                settings.tcp_port = Some(port + 1);
                settings.announced_tcp_port = Some(port);
                let (outside, inside) = (SocketAddr::new(ip, port), SocketAddr::new(ip, port + 1));
                Some(FaultProxy::open(outside, inside, StdRng::from_seed(self.rng.random())).await?)
            }
        };
        let (brake, waits) = Brake::new();
        let (node, _) = Node::start(settings, |_| wait_when_told(waits))?;
        self.life = Some(Life { node, proxy, brake });
        Ok(())
    }

    /// Begins or ends a fault.
    pub(super) async fn act(&mut self, act: Act) -> anyhow::Result<()> {
        use Fault as F;
        match act {
            Act::Begin(F::Refuses) => self.conduct(Conduct::Refuses),
            Act::Begin(F::Hangs) => self.conduct(Conduct::Hangs),
            Act::Begin(F::Loses) => self.conduct(Conduct::Loses),
            Act::Begin(F::Drops) => self.conduct(Conduct::Drops),
            Act::End(F::Refuses | F::Hangs | F::Loses | F::Drops) => self.conduct(Conduct::Passes),
            Act::Begin(F::Disconnects) => {
                self.conduct(Conduct::Drops);
                if let Some(life) = &mut self.life {
                    life.brake.pull().await;
                }
            }
            Act::End(F::Disconnects) => {
                if let Some(life) = &mut self.life {
                    life.brake.release();
                }
                self.conduct(Conduct::Passes);
            }
            Act::Begin(F::MissesBroadcasts) => {
                self.impair(Impairment { misses_broadcasts: true, ..Impairment::default() });
            }
            // Without a route it answers no dial, either.
            Act::Begin(F::WrongNetmask) => {
                self.impair(Impairment { prefix: Some(WRONG_PREFIX), ..Impairment::default() });
                self.conduct(Conduct::Drops);
            }
            Act::End(F::MissesBroadcasts | F::WrongNetmask) => {
                self.impair(Impairment::default());
                self.conduct(Conduct::Passes);
            }
            Act::Begin(F::Restarts | F::Dies | F::Moves) => self.crash().await,
            Act::Begin(F::Leaves) => self.leave().await,
            // A moved machine keeps its node; a restart is another node.
            Act::End(F::Moves) => {
                self.site = self.site.other();
                self.start().await?;
            }
            Act::End(F::Restarts | F::Dies | F::Leaves) => {
                self.settings.config.id = NodeId(self.rng.random());
                self.start().await?;
            }
        }
        Ok(())
    }

    /// What it did, for the log.
    pub(super) fn tell(&self, act: Act) -> String {
        use Fault as F;
        let did = match act {
            Act::Begin(F::Refuses) => "has a firewall that starts to refuse TCP: dials are refused",
            Act::Begin(F::Hangs) => "hangs: it accepts dials but answers none",
            Act::Begin(F::Loses) => "answers only some of the dials",
            Act::Begin(F::Restarts) => "crashes and restarts at once",
            Act::Begin(F::Leaves) => "says goodbye and leaves",
            Act::Begin(F::Dies) => "dies without saying goodbye",
            Act::Begin(F::Moves) => "is unplugged",
            Act::Begin(F::Drops) => "has a firewall that starts to drop TCP: dials get no answer",
            Act::Begin(F::Disconnects) => "is cut off from the network",
            Act::Begin(F::MissesBroadcasts) => "no longer receives broadcasts",
            Act::Begin(F::WrongNetmask) => {
                return format!("{} gets the netmask of another network: /{WRONG_PREFIX}", self.name());
            }
            Act::End(F::Refuses | F::Drops) => "has a firewall that lets TCP through again",
            Act::End(F::Disconnects) => "is connected to the network again",
            Act::End(F::MissesBroadcasts) => "receives broadcasts again",
            Act::End(F::WrongNetmask) => "has the netmask of this network again",
            Act::End(F::Hangs | F::Loses) => "answers every dial again",
            Act::End(F::Restarts) => "has restarted",
            Act::End(F::Leaves | F::Dies) => "is back",
            Act::End(F::Moves) => return format!("{} reconnects as {}", self.name(), self.ip()),
        };
        format!("{} {did}", self.name())
    }

    fn conduct(&self, conduct: Conduct) {
        if let Some(proxy) = self.life.as_ref().and_then(|life| life.proxy.as_ref()) {
            proxy.set(conduct);
        }
    }

    fn impair(&self, impairment: Impairment) {
        self.impairment.send_replace(impairment);
    }

    async fn crash(&mut self) {
        if let Some(thread) = self.end() {
            // It does not panic, and if it did, it has ended.
            let _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }

    async fn leave(&mut self) {
        if let Some(Life { node, proxy, brake }) = self.life.take() {
            // What waits by it holds up the end of the node.
            drop(brake);
            let goodbye = move || node.stop(StopReason::Quit, GOODBYE_PATIENCE);
            let _ = tokio::task::spawn_blocking(goodbye).await;
            drop(proxy);
        }
    }

    /// Ends it at once: it has ended when the thread has.
    pub(super) fn end(&mut self) -> Option<JoinHandle<()>> {
        self.life.take().map(|life| life.node.end())
    }
}
