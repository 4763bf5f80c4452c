//! The commands' side: has the node that runs here answer.

use std::time::Duration;

use serde::Deserialize;
use tokio::io::AsyncWriteExt as _;
use tokio::time::timeout;

use crate::cli::args::NodeArgs;
use crate::cli::error::{CliError, exit};
use crate::cli::output::Reader;
use crate::cli::visitor::{self, Printout};
use crate::cli::{log, runtime, signals};

use super::limits::{ANSWER, MAX_ANSWER};
use super::lines::Lines;
use super::place::Place;
use super::request::{CheckQuestion, Reply, Request, read, request_line};
use super::system::{self, Connected};

/// Prints what the node that runs here says, and returns the exit code; none where no node of this group and port runs, or
/// where the question is not for it: a visit is wanted, or a node of another shape.
pub(in crate::cli) fn ask(node: &NodeArgs, visit: bool, question: &Request) -> Result<Option<u8>, CliError> {
    let Some(place) = Place::of(node).filter(|_| !visit && node.shaped_by.is_none()) else { return Ok(None) };
    let runtime = runtime::current_thread()?;
    let Some(connected) = runtime.block_on(system::connect(&place)).map_err(|_| silent())? else {
        return Ok(None);
    };
    let _log = log::problems_to_stderr(node)?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    let answer = runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.first() => None,
            answer = put(connected, question) => Some(answer),
        }
    });
    match answer.transpose()? {
        Some(printout) => visitor::show(printout, &runtime, &signals).map(Some),
        None => Ok(Some(exit::INTERRUPTED)),
    }
}

/// Hands on what the node that runs here answers at each change, until a signal comes, the time is over, or nobody reads it any longer; none
/// as of [`ask`].
pub(in crate::cli) fn watch(
    node: &NodeArgs,
    visit: bool,
    length: Option<Duration>,
    question: &Request,
    mut tell: impl FnMut(Printout) -> Result<Reader, CliError>,
) -> Result<Option<()>, CliError> {
    let Some(place) = Place::of(node).filter(|_| !visit && node.shaped_by.is_none()) else { return Ok(None) };
    let runtime = runtime::current_thread()?;
    let Some(mut connected) = runtime.block_on(system::connect(&place)).map_err(|_| silent())? else {
        return Ok(None);
    };
    let _log = log::problems_to_stderr(node)?;
    let signals = signals::heed(0)?;
    let answers = async {
        connected.write_all(&request_line(question)).await.map_err(|_| gone())?;
        let mut lines = Lines::of(MAX_ANSWER);
        loop {
            let printout = answered(lines.next(&mut connected).await.map_err(|_| gone())?)?;
            if tell(printout)? == Reader::Gone {
                return Ok(());
            }
        }
    };
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.first() => Ok(Some(())),
            () = runtime::over(length) => Ok(Some(())),
            ended = answers => ended.map(Some),
        }
    })
}

/// The answer in a line.
fn answered(line: &[u8]) -> Result<Printout, CliError> {
    match read(line).map_err(|why| failed(&format!("the node that runs here gave no answer: {why}")))? {
        Reply::Answer { code, out, hint, .. } => Ok(Printout { code, out, hint }),
        Reply::Refused { error, .. } => {
            Err(failed(&format!("the node that runs here did not answer: {error} (--visit does without it)")))
        }
    }
}

/// Where the peers with a name are dialed, by the node that runs here; none where none runs or it knows none.
pub(in crate::cli) async fn peers_named(node: &NodeArgs, name: &str) -> Vec<String> {
    #[derive(Deserialize)]
    struct Found {
        peers: Vec<Peer>,
    }
    #[derive(Deserialize)]
    struct Peer {
        addr: String,
    }
    let Some(place) = Place::of(node) else { return Vec::new() };
    let Ok(Some(connected)) = system::connect(&place).await else { return Vec::new() };
    let Ok(printout) = put(connected, &Request::Find { name: name.to_owned() }).await else {
        return Vec::new();
    };
    let found = serde_json::from_str::<Found>(&printout.out);
    found.map_or_else(|_| Vec::new(), |found| found.peers.into_iter().map(|peer| peer.addr).collect())
}

/// Puts one question and waits for its answer.
async fn put(mut connected: Connected, question: &Request) -> Result<Printout, CliError> {
    let asking = async {
        connected.write_all(&request_line(question)).await.map_err(|_| gone())?;
        let mut lines = Lines::of(MAX_ANSWER);
        answered(lines.next(&mut connected).await.map_err(|_| gone())?)
    };
    let waits = match question {
        Request::Check(CheckQuestion { timeout_ms, .. }) => Duration::from_millis(*timeout_ms),
        other => other.wait(),
    };
    timeout(waits + ANSWER, asking).await.unwrap_or_else(|_| Err(silent()))
}

fn gone() -> CliError {
    failed(
        "the node that runs here stopped before it answered; without it this command joins the network itself",
    )
}

fn silent() -> CliError {
    failed("the node that runs here does not answer: it is stopped or too busy (--visit does without it)")
}

fn failed(line: &str) -> CliError {
    CliError::Other(anyhow::anyhow!("{line}"))
}
