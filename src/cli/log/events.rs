//! The events as lines of the log, each at its level.

use std::collections::HashMap;

use tokio::sync::broadcast::{self, error::RecvError};
use tracing::{debug, info, warn};

use crate::app::log::EVENTS;
use crate::engine::address::Endpoint;
use crate::engine::cause::Cause;
use crate::engine::event::{Event, RejectReason, Stamped};
use crate::engine::peers::{PeerInfo, PeerKey, PeerState};
use crate::engine::verdict::{Finding, Verdict};

/// Writes every event as a line of the log, until the node stops.
pub(in crate::cli) async fn follow(mut events: broadcast::Receiver<Stamped>) {
    let mut last_causes = LastCauses::default();
    loop {
        match events.recv().await {
            Ok(stamped) => write(&stamped.event, last_causes.is_news(&stamped.event)),
            Err(RecvError::Lagged(missed)) => {
                // What made it news again may be among what was missed.
                last_causes = LastCauses::default();
                warn!(target: EVENTS, missed, "{}", Event::Lagged { missed });
            }
            Err(RecvError::Closed) => return,
        }
    }
}

/// Why the last dial of each peer gave up: dials of a host that is switched off give up every few seconds, for the same reason.
#[derive(Default)]
struct LastCauses(HashMap<PeerKey, Cause>);

impl LastCauses {
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
            info!(target: EVENTS, id = %node.id, incarnation = node.incarnation.0, version = %node.version, "{event}");
        }
        Event::NodeRenamed { node, .. } => info!(target: EVENTS, name = node.name, "{event}"),
        Event::InterfaceUp { interface } => info!(target: EVENTS, interface = %interface.name, "{event}"),
        Event::InterfaceDown { interface } => warn!(target: EVENTS, interface = %interface.name, "{event}"),
        Event::IdChanged { node, previous_id, twin } => {
            warn!(target: EVENTS, id = %node.id, previous = %previous_id, %twin, "{event}");
        }
        Event::PeerState { peer, from, to } => write_state(event, peer, *from, *to),
        Event::PeerDiscovered { peer, .. }
        | Event::PeerRestarted { peer, .. }
        | Event::PeerMoved { peer, .. }
        | Event::PeerLeft { peer, .. } => {
            info!(target: EVENTS, peer = peer.name, addr = %peer.place(), "{event}");
        }
        Event::BehindNat { peer, seen_at, this_node } => {
            info!(target: EVENTS, peer = peer.name, %seen_at, this_node, "{event}");
        }
        Event::PeerPath { peer, addr, from, to, .. } => {
            let (peer, from, to) = (&peer.name, from.as_str(), to.as_str());
            if event.is_path_news() {
                info!(target: EVENTS, peer, %addr, from, to, "{event}");
            } else {
                debug!(target: EVENTS, peer, %addr, from, to, "{event}");
            }
        }
        Event::DialStarted { peer, addr, attempt, max, forced } => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempt, max, forced, "{event}");
        }
        Event::DialSucceeded { peer, addr, attempt, .. } => {
            debug!(target: EVENTS, peer = peer.name, %addr, attempt, "{event}");
        }
        // Other events say that a peer is being retried, or that its dial gave up and why.
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
        Event::Visited { name, addr, count } => {
            debug!(target: EVENTS, name = &**name, %addr, count, "{event}");
        }
        Event::Rejected { from, reason, count } => write_rejected(event, *from, *reason, *count),
        Event::Lagged { missed } => warn!(target: EVENTS, missed, "{event}"),
        Event::Diagnosis(finding) => write_diagnosis(event, finding),
        Event::Snapshot(_) | Event::Matrix(_) => {}
        Event::Stopped { .. } => info!(target: EVENTS, "{event}"),
    }
}

fn write_state(event: &Event, peer: &PeerInfo, from: PeerState, to: PeerState) {
    let (peer, addr, from) = (&peer.name, peer.place(), from.as_str());
    match to {
        // Another event says it: that it was discovered, restarted or said goodbye.
        PeerState::New | PeerState::Left => {
            debug!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}");
        }
        PeerState::Up => info!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}"),
        PeerState::Retrying | PeerState::Unreachable | PeerState::Silent => {
            warn!(target: EVENTS, peer, %addr, from, to = to.as_str(), "{event}");
        }
    }
}

fn write_rejected(event: &Event, from: Endpoint, reason: RejectReason, count: u64) {
    match reason {
        RejectReason::WrongGroup
        | RejectReason::WrongSecret
        | RejectReason::SecretNeeded
        | RejectReason::Replayed
        | RejectReason::OffLink => {
            info!(target: EVENTS, %from, count, "{event}");
        }
        // A person wanted it so.
        RejectReason::UnusedLink => debug!(target: EVENTS, %from, count, "{event}"),
        _ => warn!(target: EVENTS, %from, count, "{event}"),
    }
}

fn write_diagnosis(event: &Event, finding: &Finding) {
    let (peer, verdict, pattern) = (&finding.peer.name, finding.verdict.as_str(), finding.pattern.as_str());
    if finding.verdict == Verdict::Ok {
        info!(target: EVENTS, peer, verdict, "{event}");
    } else {
        warn!(target: EVENTS, peer, verdict, pattern, "{event}");
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
        let mut last_causes = LastCauses::default();
        assert!(last_causes.is_news(&gives_up(Cause::Refused)));
        assert!(!last_causes.is_news(&gives_up(Cause::Refused)));
        assert!(last_causes.is_news(&gives_up(Cause::TimedOut)));
        let (from, to) = (PeerState::Unreachable, PeerState::Up);
        assert!(last_causes.is_news(&Event::PeerState { peer: Arc::clone(&peer), from, to }));
        assert!(last_causes.is_news(&gives_up(Cause::TimedOut)));
    }
}
