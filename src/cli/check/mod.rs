//! `vigie check`: waits until the expected peers are reachable both ways.

mod missing;
mod outcome;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time;

use crate::engine::api::Command;
use crate::engine::event::Event;
use crate::engine::observation::PathStatus;
use crate::engine::peers::{PeerKey, PeerSnapshot, PeerState, Snapshot};

use super::args::{CheckArgs, NodeArgs};
use super::changes::Current;
use super::control::{self, CheckQuestion, Request, Source, millis};
use super::error::{CliError, exit};
use super::visitor::{self, NodeView, Printout, VisitorSession, nobody_found};
use super::watching::{self, Watching};

use outcome::{CheckOutcome, Expectation};

/// Shortest time between two snapshots: where one thing happened, more often follows at once.
const SOONEST: Duration = Duration::from_millis(10);
/// And this many times as long as the snapshot took: one of ten thousand peers is not free.
const REST: u32 = 4;
/// Longest time between two snapshots: no event tells what other nodes report.
const LATEST: Duration = Duration::from_millis(250);

/// A dial that ended longer ago is made again before a node that runs answers by it.
const LATELY: Duration = Duration::from_secs(5);
/// No question waits longer.
const LONGEST: Duration = Duration::from_hours(1);

pub(super) fn run(node: &NodeArgs, check: &CheckArgs) -> Result<u8, CliError> {
    let question = CheckQuestion {
        json: check.json,
        expect: check.expect,
        expect_peer: check.expect_peer.clone(),
        local: check.local,
        watch: check.changes.watch,
        timeout_ms: millis(check.timeout),
    };
    let request = Request::Check(question.clone());
    if check.changes.watch {
        let how = Watching { visit: check.visit, json: check.json, length: check.changes.duration };
        let now = async |session: &mut VisitorSession, source| current(session, &question, source).await;
        return watching::watch(node, how, &request, &now);
    }
    if let Some(code) = control::ask(node, check.visit, &request)? {
        return Ok(code);
    }
    visitor::run(node, async |session| answer(session, &question, Source::Visit).await)
}

/// What a node knows as soon as everything expected is there, or the time is over. A node that was there before dials again
/// what it has not dialed just now.
pub(super) async fn answer(
    session: &mut VisitorSession,
    question: &CheckQuestion,
    source: Source,
) -> Result<Printout, CliError> {
    let (json, local, expected) = (question.json, question.local, Expectation::of(question));
    let patience = Duration::from_millis(question.timeout_ms).min(LONGEST);
    let since = match source {
        Source::Node => Some(dial_again(session).await?),
        Source::Visit => None,
    };
    let (view, outcome) = wait_for(session, &expected, patience, since).await?;
    let alone = if local { view.table.peers.is_empty() } else { view.others() == 0 };
    let hint = match (outcome.met, alone, json) {
        (false, true, _) => Some(nobody_found(&view)),
        (false, false, false) => Some(outcome.to_do()),
        _ => None,
    };
    let out = if json { outcome.document(source)? } else { outcome.text() };
    Ok(Printout { code: if outcome.met { 0 } else { exit::NO }, out, hint })
}

/// The same as it is told at each change, in one line. Nothing is waited for.
pub(super) async fn current(
    session: &mut VisitorSession,
    question: &CheckQuestion,
    source: Source,
) -> Result<Current, CliError> {
    let expected = Expectation::of(question);
    let view = session.snapshot(|_| ()).await?;
    let outcome = CheckOutcome::of(&expected, &view, &HashSet::new());
    let gist = outcome.text().trim_end().replace('\n', "; ") + "\n";
    let out = if question.json { outcome.document(source)? } else { gist.clone() };
    let printout = Printout { code: if outcome.met { 0 } else { exit::NO }, out, hint: None };
    Ok(Current { gist, printout })
}

/// Has all peers dialed now that were not lately. Returns since when a dial counts.
async fn dial_again(session: &mut VisitorSession) -> Result<Instant, CliError> {
    let view = session.snapshot(|_| ()).await?;
    let since = view.matrix.at.checked_sub(LATELY).unwrap_or(view.matrix.at);
    for peer in view.table.peers.iter().filter(|peer| was_dialed_before(peer, since)) {
        session.ask(Command::DialNow(peer.info.key)).await?;
    }
    Ok(since)
}

fn was_dialed_before(peer: &PeerSnapshot, since: Instant) -> bool {
    peer.observation.checked.is_none_or(|ended| ended < since)
}

/// What is told of peers that were not dialed since then is no longer believed: their dials are under way.
fn forget_what_is_older(table: &mut Arc<Snapshot>, since: Instant) {
    if !table.peers.iter().any(|peer| was_dialed_before(peer, since)) {
        return;
    }
    let peers = &mut Arc::make_mut(table).peers;
    for peer in peers.iter_mut().filter(|peer| was_dialed_before(peer, since)) {
        peer.observation.tcp = PathStatus::Unknown;
        if peer.state == PeerState::Up {
            peer.state = PeerState::New;
        }
    }
}

/// Takes a snapshot whenever something happened, until everything expected is there or the time is over.
async fn wait_for(
    session: &mut VisitorSession,
    expected: &Expectation,
    patience: Duration,
    since: Option<Instant>,
) -> Result<(NodeView, CheckOutcome), CliError> {
    let deadline = time::Instant::now() + patience;
    let mut served = Served::default();
    loop {
        let taken = time::Instant::now();
        let mut view = session.snapshot(|event| served.note(event)).await?;
        if let Some(since) = since {
            forget_what_is_older(&mut view.table, since);
        }
        let outcome = CheckOutcome::of(expected, &view, &served.0);
        if outcome.met || taken >= deadline {
            return Ok((view, outcome));
        }
        let soonest = time::Instant::now() + SOONEST.max(taken.elapsed() * REST);
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
