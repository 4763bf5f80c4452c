//! What a test wants to know.

use std::collections::HashSet;
use std::time::Duration;

use crate::engine::NodeId;
use crate::engine::api::Command;
use crate::engine::event::{Event, StopReason};
use crate::engine::peers::{PeerKey, PeerSnapshot, PeerState};

use super::{HostId, Lan, Logged};

impl Lan {
    /// The row that a host has of another; two rows of one node are a failure.
    pub fn row(&self, of: HostId, peer: HostId) -> Option<PeerSnapshot> {
        let id = self.hosts[peer.0].config.id;
        let all = self.hosts[of.0].engine.snapshot(self.now).peers;
        let mut rows: Vec<_> = all.into_iter().filter(|row| row.info.id == Some(id)).collect();
        assert!(rows.len() <= 1, "{of:?} has two rows of {peer:?}");
        rows.pop()
    }

    /// How many rows a host has of nodes with this name.
    pub fn rows_named(&self, of: HostId, name: &str) -> usize {
        let all = self.hosts[of.0].engine.snapshot(self.now).peers;
        all.iter().filter(|row| row.info.name == name).count()
    }

    /// What a host thinks of another.
    pub fn state(&self, of: HostId, peer: HostId) -> Option<PeerState> {
        self.row(of, peer).map(|row| row.state)
    }

    /// The row that a host has of another, which must be there.
    pub fn key(&self, of: HostId, peer: HostId) -> PeerKey {
        self.row(of, peer).expect("it knows it").info.key
    }

    /// Whether a host has a row of another.
    pub fn knows(&self, of: HostId, peer: HostId) -> bool {
        self.row(of, peer).is_some()
    }

    /// Whether every running host has every other one in this state, and nobody else.
    pub fn everybody_is(&self, state: PeerState) -> bool {
        let running: HashSet<NodeId> = self.hosts.iter().filter(|h| h.runs()).map(|h| h.config.id).collect();
        self.hosts.iter().filter(|h| h.runs()).all(|host| {
            let rows = host.engine.snapshot(self.now).peers;
            rows.len() == running.len() - 1
                && rows
                    .iter()
                    .all(|row| row.state == state && row.info.id.is_some_and(|id| running.contains(&id)))
        })
    }

    /// What a host told of another, by the other's present id.
    pub fn about(&self, of: HostId, peer: HostId) -> impl Iterator<Item = &Logged> {
        let id = self.hosts[peer.0].config.id;
        self.log.iter().filter(move |l| l.host == of && id_of(&l.event) == Some(id))
    }

    /// How many events like this a host has published.
    pub fn count(&self, of: HostId, mut which: impl FnMut(&Event) -> bool) -> usize {
        self.log.iter().filter(|l| l.host == of && which(&l.event)).count()
    }

    /// Changes to this state that a host told of another.
    pub fn entered(&self, of: HostId, peer: HostId, state: PeerState) -> Vec<Duration> {
        let entered = |l: &&Logged| matches!(l.event, Event::PeerState { to, .. } if to == state);
        self.about(of, peer).filter(entered).map(|l| l.at).collect()
    }

    /// Forgets what was published and sent until now.
    pub fn forget_the_log(&mut self) {
        self.log.clear();
        self.sent.clear();
    }

    /// A person ends a node.
    pub fn quit(&mut self, host: HostId) {
        self.command(host, Command::Stop(StopReason::Quit));
    }

    /// Panics unless the tables of every engine agree with each other.
    pub fn invariants(&self) {
        self.hosts.iter().for_each(|h| h.engine.check_invariants());
    }
}

/// Whom an event is about.
fn id_of(event: &Event) -> Option<NodeId> {
    match event {
        Event::PeerDiscovered { peer, .. }
        | Event::PeerState { peer, .. }
        | Event::PeerRestarted { peer, .. }
        | Event::PeerMoved { peer, .. }
        | Event::BehindNat { peer, .. }
        | Event::PeerPath { peer, .. }
        | Event::PeerLeft { peer, .. }
        | Event::DialStarted { peer, .. }
        | Event::DialSucceeded { peer, .. }
        | Event::DialFailed { peer, .. }
        | Event::DialGaveUp { peer, .. } => peer.id,
        Event::ExchangeServed { peer, .. } => peer.as_ref().and_then(|p| p.id),
        _ => None,
    }
}
