//! `vigie demo`: the terminal app among real nodes on loopback addresses, some of which misbehave.
//!
//! - `names`: what the peers are called
//! - `loopback`: their addresses and ports
//! - `schedule`: what befalls whom, and when
//! - `peer`: one of them, a real node
//! - `gate`: the port forward in front of it, where faults are made

mod gate;
mod loopback;
mod names;
mod peer;
mod schedule;

use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::net::{Selection, Settings};

use super::args::{DemoArgs, NodeArgs, ScreenArgs, random};
use super::error::CliError;
use super::{log, screen};

use peer::{Nature, Peer};
use schedule::Schedule;

/// The log's name for what the demo does.
const DEMO: &str = "vigie::demo";

/// Between the starts of two peers, so that one sees them come.
const APART: Duration = Duration::from_millis(20);

/// Dials of all peers together in a second: with many of them they take their time, for nobody sees what they see, and
/// a hundred would spend the processor on 10 000 dials a round. Those of the screen's own node are as set.
const DIALS_PER_SECOND: u32 = 400;

/// How long the end of all peers may hold up the end of the program.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn run(node: &NodeArgs, look: &ScreenArgs, demo: &DemoArgs) -> Result<u8, CliError> {
    screen::require_a_terminal()?;
    let _log = log::to_screen(node)?;
    loopback::check_addresses(demo.peers)?;
    loopback::allow_many_sockets();
    let mut rng = StdRng::from_seed(random()?);
    let own = settings(node, &mut rng)?;
    let nature = if demo.faults { Nature::Faulty } else { Nature::Sound };
    announce(demo, own.config.port);
    let schedule = demo.faults.then(|| Schedule::new(demo.peers, rng.random()));
    let of_a_peer = of_a_peer(&own, demo.peers);
    let peers = (0..demo.peers).map(|n| Peer::new(n, nature, of_a_peer.clone(), rng.random())).collect();
    let stage = Stage::open(Network { peers }, schedule).map_err(anyhow::Error::from)?;
    let shown = screen::show(own, look);
    stage.close();
    shown
}

/// The screen's own node: as the options say, and on loopback only.
fn settings(node: &NodeArgs, rng: &mut StdRng) -> anyhow::Result<Settings> {
    let mut settings = node.settings()?;
    settings.selection = Selection { bind: Some(loopback::OWN.into()), ..Selection::default() };
    settings.tcp_port = None;
    settings.config.peers.clear();
    if settings.config.port == 0 {
        settings.config.port = loopback::free_port(rng)
            .ok_or_else(|| anyhow::anyhow!("no free port found for the demo; choose one with --port"))?;
    }
    Ok(settings)
}

/// What all peers have in common.
fn of_a_peer(own: &Settings, peers: u8) -> Settings {
    let mut settings = own.clone();
    let peers = u32::from(peers);
    let config = &mut settings.config;
    config.dial_rate = config.dial_rate.min((DIALS_PER_SECOND / peers).max(1));
    config.dial_interval =
        config.dial_interval.max(Duration::from_secs(1) * peers * peers / DIALS_PER_SECOND);
    settings
}

/// The first lines of the log: what is going on here.
fn announce(demo: &DemoArgs, port: u16) {
    let (peers, first) = (demo.peers, loopback::Place::Home.address(0));
    info!(target: DEMO, "starting {peers} peers on this machine, from {first}:{port} up; no traffic leaves it");
    if demo.faults {
        info!(target: DEMO, "their actions are logged here; compare them with the peers' states");
    } else {
        info!(target: DEMO, "none of them misbehaves; `vigie demo --faults` shows trouble");
    }
}

/// All peers.
#[derive(Debug)]
struct Network {
    peers: Vec<Peer>,
}

impl Network {
    /// Starts the peers one after the other, and then does what the schedule says. Never ends by itself.
    async fn play(&mut self, schedule: Option<Schedule>) {
        for peer in &mut self.peers {
            if let Err(error) = peer.start().await {
                warn!(target: DEMO, "{} cannot start: {error}", peer.name());
            }
            tokio::time::sleep(APART).await;
        }
        let begun = Instant::now();
        for step in schedule.into_iter().flatten() {
            tokio::time::sleep_until(begun + step.at).await;
            let peer = &mut self.peers[usize::from(step.peer)];
            match peer.act(step.act).await {
                Ok(()) => info!(target: DEMO, "{}", peer.tell(step.act)),
                Err(error) => warn!(target: DEMO, "{} cannot start: {error}", peer.name()),
            }
        }
        std::future::pending::<()>().await;
    }

    /// Ends all peers at once, without goodbyes that nobody would hear.
    fn end(mut self) {
        let threads: Vec<JoinHandle<()>> = self.peers.iter_mut().filter_map(Peer::end).collect();
        for thread in threads {
            // Who has panicked has ended, too.
            let _ = thread.join();
        }
    }
}

/// The thread that owns the network. Dropped, it ends it.
#[derive(Debug)]
struct Stage {
    thread: JoinHandle<()>,
    owner: oneshot::Sender<()>,
}

impl Stage {
    fn open(mut network: Network, schedule: Option<Schedule>) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (owner, owner_gone) = oneshot::channel();
        let thread = std::thread::Builder::new().name("vigie-demo".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = network.play(schedule) => {}
                    _ = owner_gone => {}
                }
                network.end();
            });
        })?;
        Ok(Self { thread, owner })
    }

    /// Ends the network, and waits for that, at most [`PATIENCE`].
    fn close(self) {
        drop(self.owner);
        #[expect(clippy::disallowed_methods, reason = "a deadline for threads that may hang")]
        let deadline = std::time::Instant::now() + PATIENCE;
        #[expect(clippy::disallowed_methods, reason = "a deadline for threads that may hang")]
        while !self.thread.is_finished() && std::time::Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}
