//! The log: where it goes, and the events as lines of it.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::{self, IsTerminal};

use tokio::sync::broadcast::{self, error::RecvError};
use tracing::{Level, debug, info, warn};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::app::log::EVENTS;
use crate::engine::cause::Cause;
use crate::engine::event::{Event, RejectReason, Stamped};
use crate::engine::peers::{PeerKey, PeerState};
use crate::engine::verdict::Verdict;

use super::args::NodeArgs;
use super::error::CliError;

/// Lines that wait for a slow reader of the log; beyond it, the newest are lost rather than the node held up.
const WAITING_LINES: usize = 4_096;

/// The threads that write the log: a reader that stands still must not hold up the node. What they still hold is written
/// when this is dropped.
#[derive(Default)]
#[must_use = "the log is written as long as this lives"]
pub(super) struct Writers(Vec<WorkerGuard>);

impl Writers {
    fn add(&mut self, to: impl io::Write + Send + 'static) -> NonBlocking {
        let builder =
            NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).thread_name("vigie-log");
        let (writer, guard) = builder.finish(to);
        self.0.push(guard);
        writer
    }
}

/// For the commands that print events: to stderr, and to the file if one is named.
pub(super) fn to_stderr(node: &NodeArgs) -> Result<Writers, CliError> {
    let mut filter = filter(node);
    // On one terminal every event would stand twice, once as output and once as log.
    if node.log.is_none() && io::stdout().is_terminal() && io::stderr().is_terminal() {
        filter = filter.with_target(EVENTS, LevelFilter::OFF);
    }
    lines_to_stderr(node, filter)
}

/// For the commands with one answer: to stderr only what is wrong with the program itself, unless a person asks for more,
/// for the answer tells what was seen; to the file, if one is named, as always.
pub(super) fn problems_to_stderr(node: &NodeArgs) -> Result<Writers, CliError> {
    let problems = || Targets::new().with_default(Level::WARN).with_target(EVENTS, LevelFilter::OFF);
    lines_to_stderr(node, node.log.clone().unwrap_or_else(problems))
}

fn lines_to_stderr(node: &NodeArgs, filter: Targets) -> Result<Writers, CliError> {
    let mut writers = Writers::default();
    let colour = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let stderr = writers.add(io::stderr());
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colour).with_target(false);
    install(Registry::default().with(layer.with_filter(filter)).with(file(node, &mut writers)?))?;
    Ok(writers)
}

/// For the terminal app: to its log pane, and to the file if one is named.
pub(super) fn to_screen(node: &NodeArgs) -> Result<Writers, CliError> {
    let mut writers = Writers::default();
    let filter = filter(node);
    let most = filter.iter().map(|(_, level)| level).chain(filter.default_level()).max();
    let pane = crate::app::log::init(most.unwrap_or(LevelFilter::INFO)).with_filter(filter);
    install(Registry::default().with(pane).with(file(node, &mut writers)?))?;
    Ok(writers)
}

fn install(subscriber: impl tracing::Subscriber + Send + Sync) -> Result<(), CliError> {
    tracing::subscriber::set_global_default(subscriber).map_err(|error| CliError::Other(error.into()))
}

fn filter(node: &NodeArgs) -> Targets {
    node.log.clone().unwrap_or_else(|| Targets::new().with_default(Level::INFO))
}

fn file<S>(node: &NodeArgs, writers: &mut Writers) -> Result<Option<impl Layer<S> + use<S>>, CliError>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
{
    let Some(path) = &node.log_file else { return Ok(None) };
    let file = OpenOptions::new().create(true).append(true).open(path);
    let file = file.map_err(|error| {
        CliError::NotWritable(format!("cannot write the log file {} (--log-file)", path.display()), error)
    })?;
    let layer = tracing_subscriber::fmt::layer().with_writer(writers.add(file)).with_ansi(false);
    Ok(Some(layer.with_filter(filter(node))))
}

/// Writes every event as a line of the log, until the node stops.
pub(super) async fn follow(mut events: broadcast::Receiver<Stamped>) {
    let mut told = Told::default();
    loop {
        match events.recv().await {
            Ok(stamped) => write(&stamped.event, told.is_news(&stamped.event)),
            Err(RecvError::Lagged(missed)) => {
                // Among what was missed may be what made it news again.
                told = Told::default();
                warn!(target: EVENTS, missed, "{}", Event::Lagged { missed });
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Why each peer was given up last: a host that is switched off is given up every few seconds, for the same reason.
#[derive(Default)]
struct Told(HashMap<PeerKey, Cause>);

impl Told {
    /// Whether an event says more than the one before.
    fn is_news(&mut self, event: &Event) -> bool {
        match event {
            Event::DialGaveUp { peer, cause, .. } => return self.0.insert(peer.key, *cause) != Some(*cause),
            Event::PeerState { peer, to: PeerState::Up, .. } | Event::PeerLeft { peer, .. } => {
                self.0.remove(&peer.key);
            }
            _ => {}
        }
        true
    }
}

/// One event at its level, with the fields that a search of the log needs.
fn write(event: &Event, is_news: bool) {
    match event {
        Event::Started { node, .. } => {
            info!(target: EVENTS, id = %node.id, incarnation = node.incarnation.0, version = node.version, "{event}");
        }
        Event::InterfaceUp { interface } => info!(target: EVENTS, interface = %interface.name, "{event}"),
        Event::InterfaceDown { interface } => warn!(target: EVENTS, interface = %interface.name, "{event}"),
        Event::PeerState { peer, from, to } => {
            let (peer, addr, from) = (&peer.name, peer.addr, from.as_str());
            match to {
                // Another event tells it: that it was discovered, has restarted or said goodbye.
                PeerState::New | PeerState::Left => {
                    debug!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}");
                }
                PeerState::Up => {
                    info!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}");
                }
                PeerState::Retrying | PeerState::Unreachable | PeerState::Silent => {
                    warn!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}");
                }
            }
        }
        Event::PeerDiscovered { peer, .. }
        | Event::PeerRestarted { peer, .. }
        | Event::PeerMoved { peer, .. }
        | Event::PeerLeft { peer, .. } => {
            info!(target: EVENTS, peer = peer.name, addr = %peer.addr, "{event}");
        }
        Event::DialStarted { peer, addr, attempt, max, forced } => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempt, max, forced, "{event}");
        }
        Event::DialSucceeded { peer, addr, attempt, .. } => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempt, "{event}");
        }
        // That a peer is being retried, and that it was given up and why, is told on its own.
        Event::DialFailed { peer, addr, attempt, max, cause, errno, .. } => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempt, max, cause = cause.as_str(), errno, "{event}");
        }
        Event::DialGaveUp { peer, addr, attempts, cause } if !is_news => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempts, cause = cause.as_str(), "{event}");
        }
        Event::DialGaveUp { peer, addr, attempts, cause } => {
            warn!(target: EVENTS, peer = peer.name, %addr, attempts, cause = cause.as_str(), "{event}");
        }
        Event::ExchangeServed { peer, addr } => {
            let peer = peer.as_ref().map(|p| &p.name);
            debug!(target: EVENTS, peer, addr = addr.map(tracing::field::display), "{event}");
        }
        Event::Rejected { from, reason, count } => match reason {
            RejectReason::WrongGroup | RejectReason::Replayed | RejectReason::OffLink => {
                info!(target: EVENTS, %from, count, "{event}");
            }
            _ => warn!(target: EVENTS, %from, count, "{event}"),
        },
        Event::Lagged { missed } => warn!(target: EVENTS, missed, "{event}"),
        Event::Diagnosis(finding) => {
            let (peer, verdict, pattern) =
                (&finding.peer.name, finding.verdict.as_str(), finding.pattern.as_str());
            if finding.verdict == Verdict::Ok {
                info!(target: EVENTS, peer, verdict, "{event}");
            } else {
                warn!(target: EVENTS, peer, verdict, pattern, "{event}");
            }
        }
        Event::Snapshot(_) | Event::Matrix(_) => {}
        Event::Stopped { .. } => info!(target: EVENTS, "{event}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testkit::named_peer;

    #[test]
    fn a_peer_that_is_given_up_again_for_the_same_reason_is_no_news_until_it_was_up() {
        let peer = named_peer(1, "host");
        let addr = peer.addr;
        let gives_up = |cause| Event::DialGaveUp { peer: Arc::clone(&peer), addr, attempts: 5, cause };
        let mut told = Told::default();
        assert!(told.is_news(&gives_up(Cause::Refused)));
        assert!(!told.is_news(&gives_up(Cause::Refused)));
        assert!(told.is_news(&gives_up(Cause::TimedOut)));
        let (from, to) = (PeerState::Unreachable, PeerState::Up);
        assert!(told.is_news(&Event::PeerState { peer: Arc::clone(&peer), from, to }));
        assert!(told.is_news(&gives_up(Cause::TimedOut)));
    }
}
