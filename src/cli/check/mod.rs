//! `vigie check`: waits until the peers that one counts on are reachable both ways.

mod standing;

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::event::Event;
use crate::engine::peers::PeerKey;

use super::args::{CheckArgs, NodeArgs};
use super::error::{CliError, exit};
use super::visitor::{self, NodeView, Printout, VisitorSession, nobody_found};

use standing::{Standing, Wanted};

/// How long after one look the next one follows at the soonest: where one thing happened, more often follows at once.
const SETTLE: Duration = Duration::from_millis(10);
/// And so many times as long as the look took: one at ten thousand peers is not free.
const REST: u32 = 4;
/// How long after one look the next one follows at the latest: no event tells of what other nodes say that they see.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

pub(super) fn run(node: &NodeArgs, check: &CheckArgs) -> Result<u8, CliError> {
    let wanted = Wanted::new(check.expect, &check.expect_peer);
    visitor::run(node, async |session| {
        let (view, standing) = wait_for(session, &wanted, check.timeout).await?;
        let hint = (!standing.met && view.table.peers.is_empty()).then(|| nobody_found(&view));
        let out = if check.json { standing.document()? } else { standing.text() };
        Ok(Printout { code: if standing.met { 0 } else { exit::NO }, out, hint })
    })
}

/// Looks whenever something happened, until all that is wanted is there or the time is over.
async fn wait_for(
    session: &mut VisitorSession,
    wanted: &Wanted,
    patience: Duration,
) -> Result<(NodeView, Standing), CliError> {
    let deadline = Instant::now() + patience;
    let mut served = Served::default();
    loop {
        let looked = Instant::now();
        let view = session.snapshot(|event| served.note(event)).await?;
        let standing = Standing::of(wanted, &view, &served.0);
        if standing.met || looked >= deadline {
            return Ok((view, standing));
        }
        let soonest = Instant::now() + SETTLE.max(looked.elapsed() * REST);
        let news = |event: &Event| {
            served.note(event);
            is_news(event)
        };
        session.wait_until(deadline.min(looked + LOOK_AGAIN), news).await?;
        let settling = |event: &Event| {
            served.note(event);
            false
        };
        session.wait_until(deadline.min(soonest), settling).await?;
    }
}

/// Whether after an event all that is wanted may be there.
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
