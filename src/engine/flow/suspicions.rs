//! Tethers and watched neighbours, and what follows when one of those ends or the echoes of these stay away: a question to everybody, an
//! echo to the suspect, dials by a few, and the words of those for the others.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::api::{ConnId, TetherEnd, TetherId};
use crate::engine::cause::Failure;
use crate::engine::check_reply;
use crate::engine::limits::{STALL, SUSPECT_DIALERS, WATCH_EVERY};
use crate::engine::peers::PeerKey;
use crate::engine::presence::announce::{self, More};
use crate::engine::probing::prober;
use crate::engine::tethers::connections::life_of;
use crate::engine::tethers::suspicions::{Opened, Step};
use crate::engine::tethers::watchers::Alarm;
use crate::proto::codes::suspicion::{ECHOES_MISSED, REFUSED, TETHER_ENDED, UNANSWERED};
use crate::proto::presence::Suspicion;

impl Engine {
    /// A peer asks to keep its connection.
    pub(super) fn accept_tether(
        &mut self,
        conn: ConnId,
        key: PeerKey,
        from: SocketAddr,
        now: Instant,
    ) -> Option<TetherId> {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        self.watch.tethers.accept(conn, peers.get(key)?, from.into(), &mut ctx)
    }

    /// What came of a tether that this node dialed. A peer that does not know tethers answers as usual, and closes.
    pub(super) fn handle_tether_answer(
        &mut self,
        tether: TetherId,
        result: Result<&[u8], Failure>,
        now: Instant,
    ) {
        let reply = result.and_then(|body| check_reply(body, self.request_nonce));
        let keeper = reply.ok().filter(|reply| reply.tether == Some(true));
        let keeper = keeper.map(|reply| (reply.id, reply.incarnation));
        let mut ctx = self.shared.context(self.peers.len(), now);
        self.watch.tethers.note_answer(tether, keeper, &mut ctx);
    }

    /// A tether has ended. Without a farewell the process at the other end may be no more.
    pub(super) fn handle_tether_end(&mut self, tether: TetherId, end: TetherEnd, now: Instant) {
        let Some(ended) = self.watch.tethers.note_end(tether).filter(|_| end == TetherEnd::Cut) else {
            return;
        };
        let Some(peer) = self.peers.get(ended.peer) else { return };
        let same = life_of(peer) == Some(ended.life) && !peer.has_left();
        let linked = peer.interface().is_none() || self.shared.links().reaches(peer.ip());
        // Whoever stood still cannot tell what ended first.
        let stood_still =
            self.punctuality.awake_since().is_some_and(|at| now.saturating_duration_since(at) < STALL);
        if same && linked && !stood_still && self.suspect(ended.peer, None, now) {
            self.tell_suspicion(ended.peer, TETHER_ENDED, now);
        }
    }

    /// Asks those that are watched for an echo, and looks at those whose echoes stay away; and goes on with suspects whose echoes are not
    /// there in time, or no answers to their dials.
    pub(in crate::engine) fn keep_watch(&mut self, now: Instant) {
        // Echoes that this node asked for or read late do not stay away.
        if self.punctuality.last_late().is_some_and(|late| now.saturating_duration_since(late) < WATCH_EVERY)
        {
            self.watch.watchers.forget_asked();
        }
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        let Alarm { missed, alone } = self.watch.watchers.wake(peers, &mut ctx);
        for key in missed {
            if self.suspect(key, None, now) && !alone {
                self.tell_suspicion(key, ECHOES_MISSED, now);
            }
        }
        while let Some(suspect) = self.watch.suspicions.next_due(now) {
            self.pursue(suspect, now);
        }
    }

    /// A peer asks about another one, or says that it could not reach it.
    pub(super) fn hear_suspicion(&mut self, teller: PeerKey, suspicion: Suspicion, now: Instant) {
        let Suspicion { suspect, incarnation, seen } = suspicion;
        let Some(key) = self.peers.by_id(suspect).filter(|key| *key != teller) else { return };
        if self.peers.get(key).and_then(life_of) != Some((suspect, incarnation)) {
            return;
        }
        self.suspect(key, Some(teller), now);
        if matches!(seen, REFUSED | UNANSWERED) {
            self.watch.suspicions.note_witness(key, teller);
            self.pursue(key, now);
        }
    }

    /// Looks at a peer that may be gone; whether that was news.
    fn suspect(&mut self, key: PeerKey, teller: Option<PeerKey>, now: Instant) -> bool {
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return false };
        let news = self.watch.suspicions.open(peer, teller, now) == Opened::Look;
        if news {
            prober::ask(peer, &mut ctx);
        }
        news
    }

    /// Something more is known of a suspect.
    pub(super) fn pursue(&mut self, key: PeerKey, now: Instant) {
        let own = self.shared.config().id;
        let Some(peer) = self.peers.get(key) else { return };
        let late = self.punctuality.last_late();
        let is_chosen = || self.peers.is_chosen(own, peer, SUSPECT_DIALERS);
        let step = self.watch.suspicions.next_step(peer, late, is_chosen, now);
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &mut self.peers);
        let Some(peer) = peers.get_mut(key) else { return };
        match step {
            Step::Wait => {}
            Step::Dial => {
                peer.dial.hurry();
                self.prober.look_again(peer, &ctx);
            }
            Step::Doubt => peer.doubt(&mut ctx),
            Step::DoubtAndTell => {
                peer.doubt(&mut ctx);
                self.tell_outcome(key, UNANSWERED, now);
            }
        }
    }

    /// This node's dial of a suspect was refused, or has no answer: others are told, if there are any, for they may not dial it
    /// themselves, or be too late to know.
    pub(super) fn tell_outcome(&mut self, key: PeerKey, seen: u8, now: Instant) {
        if self.peers.len() > 1 && self.watch.suspicions.note_outcome(key, now) {
            self.tell_suspicion(key, seen, now);
        }
    }

    fn tell_suspicion(&mut self, key: PeerKey, seen: u8, now: Instant) {
        let Some((suspect, incarnation)) = self.peers.get(key).and_then(life_of) else { return };
        if self.watch.suspicions.may_tell(now) {
            let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
            let suspicion = Some(Suspicion { suspect, incarnation, seen });
            announce::tell(More { suspicion, ..More::default() }, peers, &mut ctx);
        }
    }
}
