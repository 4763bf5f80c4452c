//! Two real nodes on addresses of this machine find each other by UDP, dial each other by TCP, and say goodbye.
//!
//! `cargo run --example two_nodes` prints their events and ends by itself. Both addresses are of the loopback network, which
//! Linux and Windows hold without being told; nothing leaves the machine.

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use tokio::sync::broadcast;

use vigie::cli::args::Cli;
use vigie::engine::event::{Event, Stamped, StopReason};
use vigie::net::{Node, Settings};

/// For both dials: far more than two nodes of one machine need.
const PATIENCE: Duration = Duration::from_secs(10);
/// For the goodbyes of one node.
const GOODBYE: Duration = Duration::from_secs(1);

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<()> {
    let (first, of_first) = start("first", "127.77.201.1")?;
    let (second, of_second) = start("second", "127.77.201.2")?;
    let both = async { tokio::try_join!(reached(of_first), reached(of_second)) };
    let met = tokio::time::timeout(PATIENCE, both).await;
    // Each waits for its node to say goodbye; the other one hears that.
    first.stop(StopReason::Quit, GOODBYE);
    second.stop(StopReason::Quit, GOODBYE);
    let (by_first, by_second) = met.context("the two did not reach each other in time")??;
    println!("first reached {by_first}, second reached {by_second}");
    Ok(())
}

/// Starts a node that prints its events, and gives them to us as well.
fn start(name: &'static str, addr: &str) -> Result<(Node, broadcast::Receiver<Stamped>)> {
    let print = move |mut events: broadcast::Receiver<Stamped>| async move {
        while let Ok(stamped) = events.recv().await {
            println!("{name:>6}  {}", stamped.event);
        }
    };
    Ok(Node::start(settings(name, addr)?, print)?)
}

/// The program's own defaults, but for the name, the address, and a group and a port that no other node has.
fn settings(name: &str, addr: &str) -> Result<Settings> {
    let options = ["vigie", "--name", name, "--bind", addr, "--port", "17477", "--group", "two-nodes"];
    Cli::try_parse_from(options)?.node.settings()
}

/// Waits until a node has dialed a peer, and says whom.
async fn reached(mut events: broadcast::Receiver<Stamped>) -> Result<String> {
    loop {
        if let Event::DialSucceeded { peer, .. } = events.recv().await?.event {
            return Ok(peer.name.clone());
        }
    }
}
