//! `vigie dial`: one retrying dial.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::config::Target;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerInfo, PeerKey};
use crate::engine::{NodeId, Nonce};
use crate::net::{self, Dial, Reached, ResolveError, interfaces, one_shot_request, retryable_dial};

use super::args::{DialArgs, NodeArgs};
use super::complaint::complain;
use super::error::{CliError, exit};
use super::identity::random;
use super::output::{self, Format, Reader, write_event};
use super::{log, runtime, signals};

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
    let result = match resolve(&args.target).await {
        Ok(addrs) => {
            let dial = prepare(node, &args.target, addrs)?;
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

fn prepare(node: &NodeArgs, target: &Target, addrs: Vec<SocketAddr>) -> Result<Dial, CliError> {
    let id = NodeId(u128::from_ne_bytes(random()?));
    let nonce = Nonce(u64::from_ne_bytes(random()?));
    let peer = PeerInfo {
        key: PeerKey::default(),
        id: None,
        name: target.host.clone(),
        addr: interfaces::told(addrs[0]),
        incarnation: None,
    };
    Ok(Dial {
        peer: Arc::new(peer),
        addrs,
        source: node.bind,
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
