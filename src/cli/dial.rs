//! `vigie dial`: one retrying dial.

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::config::Target;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerInfo, PeerKey};
use crate::engine::{NodeId, Nonce};
use crate::net::{self, Dial, Reached, ResolveError, interfaces, one_shot_request, retryable_dial};
use crate::secret::sessions::Sessions;

use super::args::{DialArgs, Dialed, NodeArgs};
use super::complaint::complain;
use super::error::{CliError, exit};
use super::identity::random;
use super::output::{self, Format, Reader, write_event};
use super::{control, log, runtime, signals};

/// How long a peer's dial waits for the host of the same name, which may be another one.
const LOOK_UP: Duration = Duration::from_millis(500);

pub(super) fn run(node: &NodeArgs, args: &DialArgs) -> Result<u8, CliError> {
    let _log = log::to_stderr(node)?;
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    let code = runtime.block_on(async {
        tokio::select! {
            () = signals.first() => Ok(exit::INTERRUPTED),
            code = dial(node, args) => code,
        }
    });
    // A look-up that still hangs is not waited for.
    runtime.shutdown_background();
    code
}

async fn dial(node: &NodeArgs, args: &DialArgs) -> Result<u8, CliError> {
    let format = if args.json { Format::Json } else { Format::Text };
    let mut attempts = 0;
    let target = choose(node, &args.target).await?;
    let result = match resolve(&target).await {
        Ok(addrs) => {
            let dial = prepare(node, args.target.name().unwrap_or(&target.host), addrs)?;
            let mut rng = StdRng::from_seed(random()?);
            let not_before_time = Notify::new();
            let (lost, mut written) = mpsc::channel(1);
            let report = |event: Event| {
                attempts += u32::from(matches!(event, Event::DialStarted { .. }));
                if let Err(error) = say(format, event) {
                    let _ = lost.try_send(error);
                }
            };
            tokio::select! {
                biased;
                Some(error) = written.recv() => return Err(error),
                result = retryable_dial(&dial, &not_before_time, &mut rng, report) => result,
            }
        }
        Err(failure) => Err(failure),
    };
    let (rtt, cause) = match &result {
        Ok(Reached { rtt, .. }) => (Some(u64::try_from(rtt.as_micros()).unwrap_or(u64::MAX)), None),
        Err(failure) => (None, Some(failure.cause)),
    };
    if args.json {
        let outcome =
            json!({"v": 1, "ok": result.is_ok(), "attempts": attempts, "rtt_us": rtt, "cause": cause});
        output::print(&format!("{outcome}\n"))?;
    }
    if let Err(failure) = &result
        && attempts == 0
    {
        complain(&failure.to_string());
    }
    Ok(match (&result, attempts) {
        (Ok(_), _) => 0,
        // A name without an address.
        (Err(_), 0) => exit::CANNOT_START,
        (Err(_), _) => exit::NO,
    })
}

/// Where to dial: at the address of a peer that the node which runs here knows by that name, else as a host.
async fn choose(node: &NodeArgs, dialed: &Dialed) -> Result<Target, CliError> {
    let peers = match dialed.name() {
        Some(name) => control::peers_named(node, name).await,
        None => Vec::new(),
    };
    let at: Vec<Target> = peers.iter().filter_map(|addr| addr.parse().ok()).collect();
    let (Some(peer), name) = (at.first(), &dialed.text) else {
        let neither = |why| CliError::Usage(format!("{why}, and no peer known here has this name"));
        return dialed.host.clone().map_err(neither);
    };
    if at.len() > 1 {
        complain(&format!(
            "{} peers are called {name}, at {}: dialing the first",
            at.len(),
            peers.join(", ")
        ));
    }
    if let Ok(host) = &dialed.host
        && let Some(other) = elsewhere(host, peer).await
    {
        complain(&format!("the peer {name} is at {peer} and the host {name} at {other}: dialing the peer"));
    }
    Ok(peer.clone())
}

/// Where a host is, if it can be found and is not where a peer is.
async fn elsewhere(host: &Target, peer: &Target) -> Option<IpAddr> {
    let looking = async { (net::resolve(host).await, net::resolve(peer).await) };
    let (Ok(host), Ok(peer)) = timeout(LOOK_UP, looking).await.ok()? else { return None };
    let is_there = host.iter().any(|host| peer.iter().any(|peer| peer.ip() == host.ip()));
    host.first().map(SocketAddr::ip).filter(|_| !is_there)
}

fn prepare(node: &NodeArgs, name: &str, addrs: Vec<SocketAddr>) -> Result<Dial, CliError> {
    let id = NodeId(u128::from_ne_bytes(random()?));
    let nonce = Nonce(u64::from_ne_bytes(random()?));
    let peer = PeerInfo {
        key: PeerKey::default(),
        id: None,
        name: name.to_owned(),
        addr: interfaces::told(addrs[0]),
        incarnation: None,
    };
    Ok(Dial {
        peer: Arc::new(peer),
        addrs,
        source: node.bind,
        sessions: node.secret()?.map(|secret| Arc::new(Sessions::new(secret))),
        request: one_shot_request(&node.group, &node.name(), id, nonce),
        nonce,
        policy: node.retry(),
    })
}

async fn resolve(target: &Target) -> Result<Vec<SocketAddr>, Failure> {
    net::resolve(target).await.map_err(|why| {
        let detail = match why {
            ResolveError::NoSuchLink(unknown) => format!("{}: {unknown}", target.host),
            why => format!("cannot resolve '{}': {why}; check the name, or use its address", target.host),
        };
        let cause = Cause::AddressNotAvailable;
        Failure { cause, detail: Detail::system(detail), errno: None, retry: Retry::Usual }
    })
}

fn say(format: Format, event: Event) -> Result<Reader, CliError> {
    #[expect(clippy::disallowed_methods, reason = "the events of this command have no node to stamp them")]
    let (at, wall) = (std::time::Instant::now(), std::time::SystemTime::now());
    let mut out = output::answers();
    output::written(write_event(&mut out, format, &Stamped { at, wall, event }).and_then(|()| out.flush()))
}
