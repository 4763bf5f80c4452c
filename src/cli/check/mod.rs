//! `vigie check`: waits until the expected peers are reachable both ways.

mod missing;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::event::Event;
use crate::engine::peers::PeerKey;

use super::args::{CheckArgs, NodeArgs};
use super::error::{CliError, exit};
use super::visitor::{self, NodeView, Printout, VisitorSession, nobody_found};

use outcome::{CheckOutcome, Expectation};

/// Shortest time between two snapshots: where one thing happened, more often follows at once.
const SOONEST: Duration = Duration::from_millis(10);
/// And this many times as long as the snapshot took: one of ten thousand peers is not free.
const REST: u32 = 4;
/// Longest time between two snapshots: no event tells what other nodes report.
const LATEST: Duration = Duration::from_millis(250);

pub(super) fn run(node: &NodeArgs, check: &CheckArgs) -> Result<u8, CliError> {
    let expected = Expectation { local: check.local, ..Expectation::new(check.expect, &check.expect_peer) };
    visitor::run(node, async |session| {
        let (view, outcome) = wait_for(session, &expected, check.timeout).await?;
        let alone = if check.local { view.table.peers.is_empty() } else { view.others() == 0 };
        let hint = match (outcome.met, alone, check.json) {
            (false, true, _) => Some(nobody_found(&view)),
            (false, false, false) => Some(outcome.to_do()),
            _ => None,
        };
        let out = if check.json { outcome.document()? } else { outcome.text() };
        Ok(Printout { code: if outcome.met { 0 } else { exit::NO }, out, hint })
    })
}

/// Takes a snapshot whenever something happened, until everything expected is there or the time is over.
async fn wait_for(
    session: &mut VisitorSession,
    expected: &Expectation,
    patience: Duration,
) -> Result<(NodeView, CheckOutcome), CliError> {
    let deadline = Instant::now() + patience;
    let mut served = Served::default();
    loop {
        let taken = Instant::now();
        let view = session.snapshot(|event| served.note(event)).await?;
        let outcome = CheckOutcome::of(expected, &view, &served.0);
        if outcome.met || taken >= deadline {
            return Ok((view, outcome));
        }
        let soonest = Instant::now() + SOONEST.max(taken.elapsed() * REST);
        let news = |event: &Event| {
            served.note(event);
            is_news(event)
        };
        session.wait_until(deadline.min(taken + LATEST), news).await?;
        let settling = |event: &Event| {
            served.note(event);
            false
        };
        session.wait_until(deadline.min(soonest), settling).await?;
    }
}

/// Whether everything expected may be there after an event.
fn is_news(event: &Event) -> bool {
    matches!(event, Event::DialSucceeded { .. } | Event::ExchangeServed { .. })
}

/// The peers whose exchanges were answered since the check began.
#[derive(Debug, Default)]
struct Served(HashSet<PeerKey>);

impl Served {
    fn note(&mut self, event: &Event) {
        match event {
            Event::ExchangeServed { peer: Some(peer), .. } => {
                self.0.insert(peer.key);
            }
            Event::PeerRestarted { peer, .. } | Event::PeerLeft { peer, .. } => {
                self.0.remove(&peer.key);
            }
            _ => {}
        }
    }
}
