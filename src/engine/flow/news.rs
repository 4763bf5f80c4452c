//! News of rows, told to everybody by a presence: trouble that begins or ends is known to all at once, and looked at by those that
//! can see it.

use std::time::Instant;

use smallvec::SmallVec;

use crate::engine::cause::Retry;
use crate::engine::gossip::page::tells_of_trouble;
use crate::engine::gossip::signed::Signed;
use crate::engine::limits::{DIALED_BESIDE, LOOKED_AT_FOR_NEWS, LOOKERS, LOOKERS_FOR_NEWS};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerState, PeerTable};
use crate::engine::presence::announce::{self, More};
use crate::engine::{Engine, NodeId};
use crate::proto::rendezvous::weight;
use crate::proto::rows::{GONE, pages};

impl Engine {
    /// Tells everybody what is new in our row.
    pub(in crate::engine) fn tell_news(&mut self, now: Instant) {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let news = self.own_row.take_news(peers, &mut ctx);
        // A visitor's are nobody's business.
        if let Some(page) = news.filter(|_| !ctx.config.visitor) {
            announce::tell(More { rows: Some(&page), ..More::default() }, peers, &mut ctx);
        }
    }

    /// A peer tells everybody what is new in its row, from where it is dialed.
    pub(in crate::engine) fn hear_news(&mut self, teller: PeerKey, id: NodeId, rows: &[u8], now: Instant) {
        let looks = self.worth_a_look(teller, rows, now);
        let (ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let signed = self.remote_rows.handle_news(rows, id, peers, &ctx);
        if signed != Signed::Yes {
            let from = self.peers.get(teller).map(Peer::ip);
            return from.into_iter().for_each(|from| self.note_signed(signed, from, now));
        }
        self.note_told(id, now);
        // In a crowd not everybody looks: all their echoes at once would not be answered, and be taken for lost.
        let own = self.shared.config().id;
        let looks_for_all = |peer: &Peer, peers: &PeerTable| {
            peer.key() == teller || peer.health.is_troubled() || peers.is_chosen(own, peer, LOOKERS_FOR_NEWS)
        };
        self.check_for_another(&looks, looks_for_all, now);
    }

    /// Whom this node looks at because of what another says of them: with whom that one has trouble, and with whom this node has
    /// some, where the other no longer does. If it has trouble with this node, that one itself.
    fn worth_a_look(
        &self,
        teller: PeerKey,
        rows: &[u8],
        now: Instant,
    ) -> SmallVec<[NodeId; LOOKED_AT_FOR_NEWS]> {
        let own = self.shared.config().id;
        let entries = pages(rows).flat_map(|(_, entries)| entries).filter(|entry| entry.ways != GONE);
        let told = entries.filter_map(|entry| {
            let fails = tells_of_trouble(&entry, now);
            if entry.id == own {
                return self.peers.get(teller)?.id().filter(|_| fails);
            }
            let peer = self.peers.get(self.peers.by_id(entry.id)?)?;
            (fails || peer.health.is_troubled()).then_some(entry.id)
        });
        told.take(LOOKED_AT_FOR_NEWS).collect()
    }

    /// Looks whether the trouble with peers is over: at those for which this node is among the few that do.
    pub(in crate::engine) fn look_again(&mut self, now: Instant) {
        let patience = self.patience();
        for key in self.looks.round(&self.peers, now) {
            if !self.looks_for_others(key) {
                continue;
            }
            let (ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
            let Some(peer) = peers.get_mut(key).filter(|peer| peer.is_proven()) else { continue };
            // What no retry can cure is not looked at more often. Where dials get their reply, that tells at first what the other end sees.
            let lately = peer.health.trouble().is_some_and(|at| ctx.is_within(at.into(), patience));
            let is_deaf = peer.dial.cause().is_none() && peer.untimed_observation().echo.is_failing();
            let tells = is_deaf && lately;
            if peer.dial.retry().is_some_and(|retry| retry != Retry::Never) || tells {
                peer.dial.queue_look(now);
            }
            let is_told = self.judging.findings.accuses(key);
            if !peer.untimed_observation().echo.is_ok() || is_told && peer.probes.is_lossy() {
                self.prober.look_again(peer, &ctx);
            }
        }
    }

    /// Packets of a dial seem to vanish: at this node's own end, if so do those of others. A few are dialed at once that were not since then.
    pub(super) fn dial_others_than(&mut self, key: PeerKey, since: Instant, now: Instant) {
        let is_unknown = |peer: &Peer| {
            let dialed = peer.dial.ended().is_some_and(|at| at >= since.into());
            peer.key() != key && peer.state() == PeerState::Up && peer.dial.is_idle() && !dialed
        };
        for other in self.peers.own_choice(self.shared.config().id, DIALED_BESIDE, is_unknown) {
            if self.checks_for_others.take(now)
                && let Some(peer) = self.peers.get_mut(other)
            {
                peer.dial.hurry();
            }
        }
    }

    /// Whether this node is among the heaviest of those that have trouble with a peer, who look often.
    fn looks_for_others(&self, key: PeerKey) -> bool {
        let own = self.shared.config().id;
        let Some(id) = self.peers.get(key).and_then(Peer::id) else { return true };
        let mine = weight(id, own);
        let heavier = self.remote_rows.troubled_with(id).filter(|other| weight(id, *other) > mine);
        let up = |id: &NodeId| {
            let peer = self.peers.by_id(*id).and_then(|key| self.peers.get(key));
            peer.is_some_and(|peer| peer.state() == PeerState::Up)
        };
        heavier.filter(up).take(LOOKERS).count() < LOOKERS
    }
}
