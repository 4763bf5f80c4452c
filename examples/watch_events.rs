//! A node whose events are printed as NDJSON, one object a line: how another program is fed.
//!
//! `cargo run --example watch_events -- --interval 2s` takes the options of `vigie` and runs until Ctrl-C. The fields are those of
//! [`Event`]; a reader tolerates fields and events that it does not know.

use std::io::{self, Write};
use std::pin::pin;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::Parser as _;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use vigie::cli::args::Cli;
use vigie::engine::api::Command;
use vigie::engine::event::{Event, Stamped, StopReason};
use vigie::net::{Node, Settings};

/// For the goodbyes of the node.
const GOODBYE: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Line<'a> {
    v: u8,
    ts: String,
    #[serde(flatten)]
    event: &'a Event,
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<()> {
    let settings = Cli::parse().node.settings()?;
    let interrupted = async {
        // Without the signal there is no way to stop it but to kill it.
        let _ = tokio::signal::ctrl_c().await;
    };
    #[expect(clippy::disallowed_methods, reason = "a program of its own")]
    let mut stdout = io::stdout().lock();
    watch(settings, interrupted, &mut stdout).await
}

/// Runs a node until `end`, and writes what it tells.
pub(crate) async fn watch(
    settings: Settings,
    end: impl Future<Output = ()>,
    out: &mut impl Write,
) -> Result<()> {
    let (node, mut events) = Node::start(settings, |_| async {})?;
    let mut end = pin!(end);
    let mut stopping = false;
    loop {
        tokio::select! {
            () = &mut end, if !stopping => {
                // The node says goodbye, tells that it stopped, and then its events end.
                stopping = true;
                node.commands.send(Command::Stop(StopReason::Quit)).await?;
            }
            received = events.recv() => match received {
                Ok(Stamped { wall, event, .. }) => write(wall, &event, out)?,
                Err(RecvError::Lagged(missed)) => {
                    // We were too slow: say so, and ask for the whole table, which makes up for what was missed.
                    write(now(), &Event::Lagged { missed }, out)?;
                    node.commands.send(Command::RequestSnapshot).await?;
                }
                Err(RecvError::Closed) => break,
            }
        }
    }
    node.stop(StopReason::Quit, GOODBYE);
    Ok(())
}

fn write(wall: SystemTime, event: &Event, out: &mut impl Write) -> Result<()> {
    let ts = humantime::format_rfc3339_millis(wall).to_string();
    serde_json::to_writer(&mut *out, &Line { v: 1, ts, event })?;
    out.write_all(b"\n")?;
    Ok(out.flush()?)
}

#[expect(clippy::disallowed_methods, reason = "when we noticed that we were too slow")]
fn now() -> SystemTime {
    SystemTime::now()
}
