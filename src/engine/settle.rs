//! What follows from a change of a peer, settled once after each input, so that nobody can forget it: its queue, what is seen of
//! it, our row, its timer, the sets it belongs to, and whether a diagnosis is due.

use std::time::Instant;

use super::Engine;
use super::context::is_crowd;
use super::limits::MAX_JUDGED;
use super::peers::PeerKey;
use super::peers::observe::{Times, observe};
use super::verdict::Verdict;

impl Engine {
    /// What is seen of peers changes also by the time that passes.
    pub(super) fn settle_unwell(&mut self, now: Instant) {
        let unwell: Vec<_> = self.peers.unwell().iter().copied().take(MAX_JUDGED).collect();
        for key in unwell {
            self.settle_peer(key, now);
        }
    }

    /// All that follows from what changed since this was last done: nothing of it can be forgotten.
    pub(super) fn settle(&mut self, now: Instant) {
        if self.peers.is_settled() {
            return;
        }
        let (removed, met, gone) = self.peers.take_changes();
        for mut peer in removed {
            peer.dial.abandon();
            self.dialer.reconcile(&mut peer, &mut self.shared.context(self.peers.len(), now));
            self.prober.reconcile(peer.key(), false);
            self.own_row.drop_entry(&mut peer.gossip);
            self.timers.rearm(peer.key(), peer.disarm());
            self.named_peers.forget(peer.key());
        }
        for id in gone {
            self.own_row.drop_node(id);
            self.remote_rows.note_gone(id, self.peers.by_id(id).is_some());
        }
        self.own_row.note_newcomers(met.len(), &mut self.shared.context(self.peers.len(), now));
        for id in met {
            self.remote_rows.note_met(id);
        }
        while let Some(key) = self.peers.next_touched() {
            self.settle_peer(key, now);
        }
        if self.shared.adapt_dial_interval(self.peers.len(), now) {
            self.times = Times::of(self.shared.dial_interval(), self.shared.config());
        }
        self.looks.note(!self.peers.troubled().is_empty(), now);
    }

    /// What follows from a change of one peer, or from the time that passed.
    pub(super) fn settle_peer(&mut self, key: PeerKey, now: Instant) {
        let known = self.peers.len();
        let mut ctx = self.shared.context(known, now);
        let Some(peer) = self.peers.settle(key) else { return };
        self.dialer.reconcile(peer, &mut ctx);
        if peer.has_left() {
            self.own_row.drop_entry(&mut peer.gossip);
        }
        let is_unclear = peer.probes.is_measuring() || peer.is_sought();
        let concern = if is_unclear { Concern::None } else { self.observe(key, now) };
        match concern {
            Concern::Unwell => self.judge_soon(now),
            Concern::News => self.judge_if_needed(now),
            Concern::None => {}
        }
        let Some(peer) = self.peers.settle(key) else { return };
        self.prober.reconcile(key, peer.probes.in_burst());
        if let Some(moves) = peer.rearm() {
            self.timers.rearm(key, moves);
        }
        self.peers.index_condition(key);
    }

    /// What is seen of a peer now goes into our row.
    fn observe(&mut self, key: PeerKey, now: Instant) -> Concern {
        let known = self.peers.len();
        let mut ctx = self.shared.context(known, now);
        let Some(peer) = self.peers.settle(key) else { return Concern::None };
        let (before, seen) = (
            peer.untimed_observation(),
            observe(peer, &self.hearing, self.times, is_crowd(known), now.into()),
        );
        let new = seen.untimed();
        let broadcasts_end = new.broadcast.is_failing() && new.echo.is_ok() && !before.broadcast.is_failing();
        // Are broadcasts stopped, or some packets lost? First that is measured.
        if broadcasts_end && self.prober.begin_burst(peer, &ctx) {
            return Concern::None;
        }
        peer.set_observation(seen);
        let news = !peer.has_left() && self.own_row.advertise(peer, known > MAX_JUDGED, &mut ctx);
        if peer.is_unwell() {
            return Concern::Unwell;
        }
        if new.tcp.is_ok() && !self.judging.accuses(key) {
            peer.set_verdict(Verdict::Ok);
        }
        if news { Concern::News } else { Concern::None }
    }
}

/// Whether a verdict may hang on what is seen of a peer now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concern {
    None,
    /// Our row has a new version.
    News,
    Unwell,
}
