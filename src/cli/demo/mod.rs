//! `vigie demo`: the terminal app among real nodes on loopback addresses, some of which misbehave.
//!
//! - `names`: what the peers are called
//! - `loopback`: their addresses and ports
//! - `schedule`: which peer has which fault, and when
//! - `script`: the same, as a file says
//! - `peer`: one of them, a real node
//! - `fault_proxy`: the proxy in front of it, which makes dials fail

mod fault_proxy;
mod loopback;
mod names;
mod peer;
mod schedule;
mod script;

use std::thread::JoinHandle;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::oneshot;
use tokio::time::Instant;
use tracing::{info, warn};

use crate::engine::config::DialInterval;
use crate::net::{Selection, Settings};

use super::args::{DemoArgs, NodeArgs, ScreenArgs};
use super::error::CliError;
use super::identity::random;
use super::{log, screen};

use peer::{DemoPeer, Nature};
use schedule::{FaultSchedule, FaultStep};

/// The log's name for what the demo does.
const DEMO: &str = "vigie::demo";

/// Between the starts of two peers, so that the user sees them appear.
const APART: Duration = Duration::from_millis(20);

/// Dials per second of all peers together: many peers dial less often, because nobody sees what they see, and a hundred of
/// them would spend the processor on 10 000 dials a round. The dials of the screen's own node are as set.
const DIALS_PER_SECOND: u32 = 400;

/// How long the end of all peers may hold up the end of the program.
const PATIENCE: Duration = Duration::from_millis(300);

pub(super) fn run(node: &NodeArgs, look: &ScreenArgs, demo: &DemoArgs) -> Result<u8, CliError> {
    screen::require_a_terminal()?;
    let script = demo.script.as_deref().map(|path| script::read(path, demo.peers)).transpose();
    let script = script.map_err(CliError::Usage)?;
    let _log = log::to_screen(node)?;
    loopback::check_addresses(demo.peers)?;
    loopback::allow_many_sockets();
    let mut rng = StdRng::from_seed(random()?);
    let own = settings(node, &mut rng)?;
    let is_faulty = demo.faults || script.is_some();
    let nature = if is_faulty { Nature::Faulty } else { Nature::Sound };
    announce(demo, own.config.port, is_faulty);
    let schedule: Steps = match script {
        Some(steps) => Box::new(steps.into_iter()),
        None if demo.faults => Box::new(FaultSchedule::new(demo.peers, rng.random())),
        None => Box::new(std::iter::empty()),
    };
    let of_a_peer = of_a_peer(&own, demo.peers);
    let peers = (0..demo.peers).map(|n| DemoPeer::new(n, nature, of_a_peer.clone(), rng.random())).collect();
    let thread = DemoThread::open(DemoNetwork { peers }, schedule).map_err(anyhow::Error::from)?;
    let shown = screen::show(own, look, (None, node.record.as_deref()), node);
    thread.close();
    shown
}

/// The screen's own node: as the options say, and on loopback only.
fn settings(node: &NodeArgs, rng: &mut StdRng) -> anyhow::Result<Settings> {
    let mut settings = NodeArgs { secret_file: None, ..node.clone() }.settings()?;
    settings.selection = Selection { bind: Some(loopback::OWN.into()), ..Selection::default() };
    settings.tcp_port = None;
    settings.config.peers.clear();
    settings.config.join.clear();
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
    let wanted = config.dial_interval.with_peers(peers as usize);
    let bearable = Duration::from_secs(1) * peers * peers / DIALS_PER_SECOND;
    config.dial_interval = DialInterval::Every(wanted.max(bearable));
    settings
}

/// The first lines of the log: what is going on.
fn announce(demo: &DemoArgs, port: u16, is_faulty: bool) {
    let (peers, first) = (demo.peers, loopback::Site::Home.address(0));
    info!(target: DEMO, "starting {peers} peers on this machine, from {first}:{port} up; no traffic leaves it");
    if is_faulty {
        info!(target: DEMO, "their actions are logged here; compare them with the peers' states");
    } else {
        info!(target: DEMO, "none of them misbehaves; `vigie demo --faults` shows faults");
    }
}

/// What the peers do, in the order of time.
type Steps = Box<dyn Iterator<Item = FaultStep> + Send>;

/// All peers.
#[derive(Debug)]
struct DemoNetwork {
    peers: Vec<DemoPeer>,
}

impl DemoNetwork {
    /// Starts the peers one after the other, and then does what the schedule says. Never ends by itself.
    async fn play(&mut self, schedule: Steps) {
        for peer in &mut self.peers {
            if let Err(error) = peer.start().await {
                warn!(target: DEMO, "{} cannot start: {error}", peer.name());
            }
            tokio::time::sleep(APART).await;
        }
        let begun = Instant::now();
        for step in schedule {
            tokio::time::sleep_until(begun + step.at).await;
            let peer = &mut self.peers[usize::from(step.peer)];
            match peer.act(step.act).await {
                Ok(()) => info!(target: DEMO, "{}", peer.tell(step.act)),
                Err(error) => warn!(target: DEMO, "{} cannot start: {error}", peer.name()),
            }
        }
        std::future::pending::<()>().await;
    }

    /// Ends all peers at once, without goodbyes, which nobody would hear.
    fn end(mut self) {
        let threads: Vec<JoinHandle<()>> = self.peers.iter_mut().filter_map(DemoPeer::end).collect();
        for thread in threads {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }
}

/// The thread that owns the network. Dropping it ends the network.
#[derive(Debug)]
struct DemoThread {
    thread: JoinHandle<()>,
    owner: oneshot::Sender<()>,
}

impl DemoThread {
    fn open(mut network: DemoNetwork, schedule: Steps) -> std::io::Result<Self> {
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
