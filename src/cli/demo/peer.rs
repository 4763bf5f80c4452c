//! One peer of a demo: a real node with its own address, and what befalls it.

use std::net::{IpAddr, SocketAddr};
use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::cli::args::started_now;
use crate::engine::NodeId;
use crate::engine::event::StopReason;
use crate::net::{Node, Settings};

use super::gate::{Conduct, Gate};
use super::loopback::Place;
use super::schedule::{Act, Trouble};

/// For the goodbyes of a peer that leaves, which take 60 ms.
const GOODBYE_PATIENCE: Duration = Duration::from_millis(500);

/// Whether a peer can misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    Sound,
    /// Behind a gate.
    Faulty,
}

/// A peer that runs, or is gone for now.
#[derive(Debug)]
pub(super) struct Peer {
    number: u8,
    nature: Nature,
    settings: Settings,
    place: Place,
    rng: StdRng,
    life: Option<Life>,
}

#[derive(Debug)]
struct Life {
    node: Node,
    gate: Option<Gate>,
}

impl Peer {
    /// Not started yet. Of the settings, who and where it is are its own.
    pub(super) fn new(number: u8, nature: Nature, settings: Settings, seed: [u8; 32]) -> Self {
        let rng = StdRng::from_seed(seed);
        let mut peer = Self { number, nature, settings, place: Place::Home, rng, life: None };
        peer.settings.config.name = super::names::name(number);
        peer.settings.config.id = NodeId(peer.rng.random());
        peer
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.config.name
    }

    fn ip(&self) -> IpAddr {
        self.place.address(self.number).into()
    }

    /// Starts its node, and the gate in front of it.
    pub(super) async fn start(&mut self) -> anyhow::Result<()> {
        let (ip, port) = (self.ip(), self.settings.config.port);
        let mut settings = self.settings.clone();
        settings.config.incarnation = started_now();
        settings.config.seed = self.rng.random();
        settings.selection.bind = Some(ip);
        let gate = match self.nature {
            Nature::Sound => None,
            Nature::Faulty => {
                // Others dial the port that they would dial anyway, and the node listens on the next one.
                settings.tcp_port = Some(port + 1);
                settings.announced_tcp_port = Some(port);
                let (outside, inside) = (SocketAddr::new(ip, port), SocketAddr::new(ip, port + 1));
                Some(Gate::open(outside, inside, StdRng::from_seed(self.rng.random())).await?)
            }
        };
        let (node, _) = Node::start(settings, |_| async {})?;
        self.life = Some(Life { node, gate });
        Ok(())
    }

    /// Does what its part says.
    pub(super) async fn act(&mut self, act: Act) -> anyhow::Result<()> {
        use Trouble as T;
        match act {
            Act::Begin(T::Refuses) => self.conduct(Conduct::Refuses),
            Act::Begin(T::Hangs) => self.conduct(Conduct::Hangs),
            Act::Begin(T::Loses) => self.conduct(Conduct::Loses),
            Act::End(T::Refuses | T::Hangs | T::Loses) => self.conduct(Conduct::Passes),
            Act::Begin(T::Restarts | T::Dies | T::Moves) => self.crash().await,
            Act::Begin(T::Leaves) => self.leave().await,
            // What moves is one machine; another start is another node.
            Act::End(T::Moves) => {
                self.place = self.place.other();
                self.start().await?;
            }
            Act::End(T::Restarts | T::Dies | T::Leaves) => {
                self.settings.config.id = NodeId(self.rng.random());
                self.start().await?;
            }
        }
        Ok(())
    }

    /// What it did, for the log.
    pub(super) fn tell(&self, act: Act) -> String {
        use Trouble as T;
        let did = match act {
            Act::Begin(T::Refuses) => "closes its TCP port: dials are refused",
            Act::Begin(T::Hangs) => "hangs: it accepts dials but answers none",
            Act::Begin(T::Loses) => "answers only some of the dials",
            Act::Begin(T::Restarts) => "crashes and restarts at once",
            Act::Begin(T::Leaves) => "says goodbye and leaves",
            Act::Begin(T::Dies) => "dies without saying goodbye",
            Act::Begin(T::Moves) => "is unplugged",
            Act::End(T::Refuses) => "opens its TCP port again",
            Act::End(T::Hangs | T::Loses) => "answers every dial again",
            Act::End(T::Restarts) => "has restarted",
            Act::End(T::Leaves | T::Dies) => "is back",
            Act::End(T::Moves) => return format!("{} reconnects as {}", self.name(), self.ip()),
        };
        format!("{} {did}", self.name())
    }

    fn conduct(&self, conduct: Conduct) {
        if let Some(gate) = self.life.as_ref().and_then(|life| life.gate.as_ref()) {
            gate.set(conduct);
        }
    }

    async fn crash(&mut self) {
        if let Some(thread) = self.end() {
            // It does not panic, and if it did, it has ended.
            let _ = tokio::task::spawn_blocking(|| thread.join()).await;
        }
    }

    async fn leave(&mut self) {
        if let Some(Life { node, gate }) = self.life.take() {
            let goodbye = move || node.stop(StopReason::Quit, GOODBYE_PATIENCE);
            let _ = tokio::task::spawn_blocking(goodbye).await;
            drop(gate);
        }
    }

    /// Ends it at once; it has ended when the thread has.
    pub(super) fn end(&mut self) -> Option<JoinHandle<()>> {
        self.life.take().map(|life| life.node.end())
    }
}
