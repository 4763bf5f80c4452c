//! `vigie dial`: one retrying dial.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use tokio::sync::Notify;

use crate::engine::cause::{Cause, Detail, Failure, Retry};
use crate::engine::config::Target;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{PeerInfo, PeerKey};
use crate::engine::{NodeId, Nonce};
use crate::net::{Dial, Reached, one_shot_request, retryable_dial};

use super::args::{DialArgs, NodeArgs};
use super::complaint::complain;
use super::error::{CliError, exit};
use super::identity::random;
use super::output::{Format, write_event};
use super::{log, runtime, signals};

/// For the look-up of the host's name.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);

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
        Ok(addr) => {
            let dial = prepare(node, &args.target, addr)?;
            let mut rng = StdRng::from_seed(random()?);
            let report = |event: Event| {
                attempts += u32::from(matches!(event, Event::DialStarted { .. }));
                // Who closed our stdout still gets the exit code.
                let _ = say(format, event);
            };
            retryable_dial(&dial, &Notify::new(), &mut rng, report).await
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
        let _ = writeln!(io::stdout(), "{outcome}");
    }
    if let Err(failure) = &result
        && attempts == 0
    {
        complain(&failure.to_string());
    }
    Ok(if result.is_ok() { 0 } else { exit::NO })
}

fn prepare(node: &NodeArgs, target: &Target, addr: SocketAddr) -> Result<Dial, CliError> {
    let id = NodeId(u128::from_ne_bytes(random()?));
    let nonce = Nonce(u64::from_ne_bytes(random()?));
    let peer =
        PeerInfo { key: PeerKey::default(), id: None, name: target.host.clone(), addr, incarnation: None };
    Ok(Dial {
        peer: Arc::new(peer),
        source: node.bind.map(Into::into),
        request: one_shot_request(&node.group, &node.name(), id, nonce),
        nonce,
        policy: node.retry(),
    })
}

async fn resolve(target: &Target) -> Result<SocketAddr, Failure> {
    if let Some(addr) = target.literal() {
        return Ok(addr);
    }
    let lookup = tokio::net::lookup_host((target.host.as_str(), target.port));
    let why = match tokio::time::timeout(RESOLVE_TIMEOUT, lookup).await {
        Ok(Ok(mut all)) => match all.next() {
            Some(addr) => return Ok(addr),
            None => "it has no address".to_owned(),
        },
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("no answer within {}", humantime::format_duration(RESOLVE_TIMEOUT)),
    };
    let detail = format!("cannot resolve '{}': {why}; check the name, or use its address", target.host);
    Err(Failure { cause: Cause::Other, detail: Detail::system(detail), errno: None, retry: Retry::Usual })
}

fn say(format: Format, event: Event) -> io::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "the events of this command have no node to stamp them")]
    let (at, wall) = (std::time::Instant::now(), std::time::SystemTime::now());
    write_event(&mut io::stdout(), format, &Stamped { at, wall, event })
}
