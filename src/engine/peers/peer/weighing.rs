//! Whether what is said in a peer's name counts: the one rule that presences, exchanges, rows, suspicions and goodbyes pass.
//!
//! Anybody can send a datagram in the name of an address, and dial in the name of a node. So what a peer says counts where it comes from
//! the address at which that peer is dialed, and proved to be. What would end, replace or restart a peer needs more: the sender has shown
//! that it is there, or the peer was asked and does not answer.

use std::net::SocketAddr;
use std::time::Instant;

use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::limits::{
    CHALLENGE_AGAIN, GOODBYE_ASKED_AGAIN, GOODBYE_PATIENCE, LATE_WORDS, LIVES_APART, SUSPICION_PATIENCE,
};
use crate::engine::moment::Moment;
use crate::engine::peers::PeerState;
use crate::engine::{Incarnation, NodeId};
use crate::proto::presence::Kind;

use super::Peer;
use super::word::{Challenge, Doubts, Evidence, Farewell, Holder, Weight, Word};

impl Peer {
    /// Whether what is said in its name from an address counts: it is dialed there, and has proved to be there.
    pub(crate) fn speaks_at(&self, ip: ZonedIp) -> bool {
        self.ip() == ip && self.has_proved()
    }

    /// What a word in its name is. Where it would begin another life, the peer itself is asked.
    pub(crate) fn weigh(&mut self, word: Word, ctx: &mut Context<'_>) -> Weight {
        let (Some(id), Some(known)) = (self.id(), self.info.incarnation) else { return Weight::Own };
        let here = word.from == self.ip();
        if word.incarnation == known {
            return Weight::Own;
        }
        // A life that was never proved may be forged, and is mended at once.
        let is_new = self.has_proved() && ctx.is_within(self.health.since().into(), LIVES_APART);
        if here && is_new && word.evidence == Evidence::Connection {
            return Weight::Doubtful;
        }
        if here && word.evidence != Evidence::None {
            return Weight::NewLife;
        }
        if word.incarnation < known {
            let proved = self.has_proved() || !here;
            return if proved { Weight::Past } else { Weight::PastUnlessProved };
        }
        if !here && !self.has_ended() && !self.is_proven() {
            return Weight::Doubtful;
        }
        match self.challenge((id, word.incarnation), ctx) {
            Holder::Gone => Weight::NewLife,
            Holder::Asked | Holder::Stays => Weight::Doubtful,
        }
    }

    /// Another identity is heard at its address, or another life of it. Whoever is known to live there is asked first, by a dial and a nonce:
    /// only what answers there counts, for anybody can send in the name of an address. One question a second is enough.
    pub(crate) fn challenge(&mut self, by: (NodeId, Incarnation), ctx: &mut Context<'_>) -> Holder {
        if !self.holds_its_address() {
            return Holder::Gone;
        }
        let known = self.doubts().and_then(|doubts| doubts.challenge.as_ref());
        let known = known.map(|known| (known.by, Instant::from(known.asked)));
        match known {
            Some((known, asked)) if known == by => self.outcome_of(asked, ctx),
            Some((_, asked)) if ctx.is_within(asked, CHALLENGE_AGAIN) => Holder::Asked,
            _ => {
                self.doubts_mut().challenge = Some(Challenge { by, asked: ctx.now.into() });
                self.dial_now();
                self.ask_where_it_is_dialed(ctx);
                Holder::Asked
            }
        }
    }

    fn outcome_of(&self, asked: Instant, ctx: &Context<'_>) -> Holder {
        let since = |at: Option<Moment>| at.is_some_and(|at| at >= asked.into());
        let echoed = self.doubts().and_then(|doubts| doubts.answered);
        let answers = [self.dial.reached(), self.last_seen.served(), self.probes.last_echo(), echoed];
        let patience = self.dial.patience(SUSPICION_PATIENCE, 2);
        if answers.into_iter().any(since) {
            Holder::Stays
        } else if since(self.dial.ended()) && !ctx.is_within(asked, patience)
            || !ctx.is_within(asked, ctx.config.retry.timeout)
        {
            Holder::Gone
        } else {
            Holder::Asked
        }
    }

    /// Whether it proved to be where it is dialed, and nothing says that it is no more.
    pub(crate) fn holds_its_address(&self) -> bool {
        self.id().is_some() && self.is_proven() && !self.is_apart() && !self.has_ended()
    }

    /// Whether nothing is known that speaks for its life: it left, was silent, or its dials fail and nothing else comes from it, either.
    fn has_ended(&self) -> bool {
        let answers = || [self.probes.last_echo(), self.last_seen.served()].into_iter().flatten().max();
        match self.state() {
            PeerState::Silent | PeerState::Left => true,
            PeerState::Unreachable => answers() <= self.dial.failure_began(),
            PeerState::New | PeerState::Up | PeerState::Retrying => false,
        }
    }

    fn dial_now(&mut self) {
        if self.info.is_dialable() {
            self.dial.hurry();
        }
    }

    /// Asks whoever is at the address that is dialed to send a nonce back.
    pub(crate) fn ask_where_it_is_dialed(&mut self, ctx: &mut Context<'_>) {
        self.ask_at(self.unicast(), ctx);
    }

    /// Asks whoever is at an address to send a nonce back.
    pub(crate) fn ask_at(&mut self, to: SocketAddr, ctx: &mut Context<'_>) {
        let nonce = self.introduction.nonce_for(to.into(), || ctx.random_nonce());
        ctx.send_by(self.interface(), to, Kind::Heartbeat, Some(nonce), None);
    }

    /// It sent back the nonce that was sent to where it is dialed, and does not leave.
    pub(super) fn note_answer(&mut self, now: Instant) {
        if let Some(doubts) = self.doubts_existing() {
            doubts.answered = Some(now.into());
            doubts.farewell = None;
        }
    }

    /// Somebody says goodbye in its name. It is asked whether it leaves; if it does not answer, it has left.
    pub(crate) fn doubt_goodbye(&mut self, sequence: u64, ctx: &mut Context<'_>) {
        let known = self.doubts().and_then(|doubts| doubts.farewell.as_ref());
        if known.is_some_and(|known| ctx.is_within(known.asked.into(), GOODBYE_ASKED_AGAIN)) {
            return;
        }
        let asked = Moment::from(ctx.now);
        let first_asked = known.map_or(asked, |known| known.first_asked);
        let due = first_asked + self.dial.patience(GOODBYE_PATIENCE, 3);
        let deaf = self.untimed_observation().echo.is_failing();
        self.doubts_mut().farewell = Some(Farewell { first_asked, asked, sequence, due });
        if deaf {
            self.dial_now();
        }
        self.ask_where_it_is_dialed(ctx);
    }

    /// The number of the goodbye of which it was asked whether it is its own. Copies of that one may still come by other ways.
    pub(crate) fn doubted_goodbye(&self) -> Option<u64> {
        Some(self.doubts()?.farewell.as_ref()?.sequence)
    }

    /// When it is to be decided whether it has left.
    pub(super) fn farewell_due(&self) -> Option<Moment> {
        Some(self.doubts()?.farewell.as_ref()?.due)
    }

    /// Whether somebody said goodbye in its name, and it did not answer in time: it has left.
    pub(crate) fn takes_farewell(&mut self, ctx: &Context<'_>) -> bool {
        let (in_flight, reached, timeout) =
            (self.dial.is_in_flight(), self.dial.reached(), ctx.config.retry.timeout);
        let deaf = self.untimed_observation().echo.is_failing();
        let began = self.dial.began().map(Moment::from);
        let Some(doubts) = self.doubts_existing() else { return false };
        let Some(farewell) = doubts.farewell.as_mut().filter(|farewell| farewell.due <= ctx.now.into())
        else {
            return false;
        };
        if deaf && in_flight && ctx.is_within(farewell.first_asked.into(), timeout) {
            farewell.due = (ctx.now + GOODBYE_PATIENCE).into();
            return false;
        }
        let (sequence, asked) = (farewell.sequence, Some(farewell.first_asked));
        // Whoever leaves may still reply to a dial that was under way, and answers by UDP whether it does.
        let lives = reached >= asked && (deaf || began >= asked);
        doubts.farewell = None;
        if !lives {
            self.paths.note_last_word(self.ip(), sequence);
        }
        !lives
    }

    /// The row has another identity from now on; late datagrams of the one before are refused.
    pub(crate) fn retire(&mut self, id: NodeId, now: Instant) {
        self.doubts_mut().retired = Some((id, (now + LATE_WORDS).into()));
    }

    /// Whether another identity has taken this row from `id` a moment ago.
    pub(crate) fn has_retired(&self, id: NodeId, now: Instant) -> bool {
        let retired = self.doubts().and_then(|doubts| doubts.retired);
        retired.is_some_and(|(retired, until)| retired == id && Moment::from(now) < until)
    }

    /// It left now.
    pub(super) fn note_left(&mut self, now: Instant) {
        let doubts = self.doubts_mut();
        (doubts.left, doubts.farewell) = (Some(now.into()), None);
    }

    /// Whether it left a moment ago, so that what still comes from it is late.
    pub(crate) fn left_lately(&self, now: Instant) -> bool {
        let left = self.doubts().and_then(|doubts| doubts.left).filter(|_| self.has_left());
        left.is_some_and(|left| Moment::from(now).since(left) < LATE_WORDS)
    }

    /// It lives another life, or at another address.
    pub(super) fn forget_challenge(&mut self) {
        if let Some(doubts) = self.doubts_existing() {
            (doubts.challenge, doubts.farewell, doubts.answered) = (None, None, None);
        }
    }

    fn doubts(&self) -> Option<&Doubts> {
        self.special.as_ref().map(|special| &special.doubts)
    }

    fn doubts_existing(&mut self) -> Option<&mut Doubts> {
        self.special.as_mut().map(|special| &mut special.doubts)
    }

    fn doubts_mut(&mut self) -> &mut Doubts {
        &mut self.special.get_or_insert_default().doubts
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::Nonce;
    use crate::engine::api::DialId;
    use crate::engine::cause::Cause;
    use crate::engine::context::TestContext;
    use crate::engine::peers::{LeaveReason, PeerInfo, Via};
    use crate::testkit::{failure, ms, named_peer};

    const LIFE: Incarnation = Incarnation(1);

    fn word(from: ZonedIp, incarnation: u64, evidence: Evidence) -> Word {
        Word { from, incarnation: Incarnation(incarnation), evidence }
    }

    #[test]
    fn another_life_is_believed_with_evidence_from_where_the_peer_is_or_after_its_end() {
        let elsewhere = "10.0.0.9".parse().unwrap();
        for (state, proven, from_home, incarnation, evidence, expected) in [
            (PeerState::Up, true, true, 1, Evidence::None, Weight::Own),
            (PeerState::Up, true, false, 1, Evidence::Connection, Weight::Own),
            (PeerState::Up, true, true, 0, Evidence::None, Weight::Past),
            (PeerState::Up, true, true, 0, Evidence::Connection, Weight::NewLife),
            (PeerState::Up, false, true, 0, Evidence::None, Weight::PastUnlessProved),
            (PeerState::Up, false, false, 0, Evidence::Connection, Weight::Past),
            (PeerState::Up, true, true, 2, Evidence::None, Weight::Doubtful),
            (PeerState::Up, true, true, 2, Evidence::Echo, Weight::NewLife),
            (PeerState::Up, true, false, 2, Evidence::Connection, Weight::Doubtful),
            (PeerState::New, false, true, 2, Evidence::None, Weight::NewLife),
            (PeerState::New, false, false, 2, Evidence::Connection, Weight::Doubtful),
            (PeerState::Silent, true, false, 2, Evidence::None, Weight::NewLife),
            (PeerState::Left, true, false, 2, Evidence::None, Weight::NewLife),
            (PeerState::Left, true, true, 0, Evidence::None, Weight::Past),
        ] {
            let mut test = TestContext::new(|_| {});
            let mut peer = if proven { test.proven_peer(2) } else { test.peer(2) };
            assert_eq!(peer.info().incarnation, Some(LIFE));
            peer.set_state(state, &mut test.context());
            if proven && from_home && evidence == Evidence::Connection {
                let weight = peer.weigh(word(peer.ip(), incarnation, evidence), &mut test.context());
                assert_eq!(weight, Weight::Doubtful, "nobody starts again so soon");
            }
            test.now += LIVES_APART;
            let from = if from_home { peer.ip() } else { elsewhere };
            let weight = peer.weigh(word(from, incarnation, evidence), &mut test.context());
            assert_eq!(
                weight, expected,
                "{state:?}, proven: {proven}, {incarnation} from home: {from_home}, {evidence:?}"
            );
        }
        let mut test = TestContext::new(|_| {});
        let mut named = Peer::new(PeerInfo::clone(&named_peer(3, "host")), Via::Static, test.now);
        let weight = named.weigh(word(elsewhere, 0, Evidence::None), &mut test.context());
        assert_eq!(weight, Weight::Own, "of one that never answered no life is known");
    }

    #[test]
    fn a_peer_that_cannot_be_dialed_and_answers_otherwise_keeps_its_place() {
        let newcomer = (NodeId(9), LIFE);
        for answers in [true, false] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            peer.dial.start(DialId(1), 1, 1, test.now);
            peer.dial.note_failure(&failure(Cause::TimedOut), test.now, test.now);
            test.now += ms(1);
            if answers {
                peer.last_seen.note_served(test.now);
            }
            peer.set_state(PeerState::Unreachable, &mut test.context());
            let holder = peer.challenge(newcomer, &mut test.context());
            assert_eq!(holder, if answers { Holder::Asked } else { Holder::Gone });
            if !answers {
                continue;
            }
            let asked = test.sent().pop().expect("it is asked for its nonce");
            assert_eq!((asked.to, asked.kind), (peer.unicast(), Kind::Heartbeat));
            test.now += ms(2);
            peer.prove_by_echo(asked.nonce, peer.ip(), &mut test.context());
            assert_eq!(peer.challenge(newcomer, &mut test.context()), Holder::Stays);
        }
    }

    #[test]
    fn a_goodbye_counts_unless_the_peer_says_that_it_stays() {
        for answer in [Some(true), Some(false), None] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            let first = |test: &mut TestContext| test.sent().pop().map(|sent| sent.nonce);
            peer.doubt_goodbye(7, &mut test.context());
            let nonce = first(&mut test).expect("it is asked");
            peer.doubt_goodbye(8, &mut test.context());
            assert_eq!(first(&mut test), None, "once for each goodbye");
            let due = peer.farewell_due().unwrap();
            test.now += ms(1);
            match answer {
                Some(true) => peer.prove_by_echo(nonce, peer.ip(), &mut test.context()),
                Some(false) => peer.prove_by_echo(Some(Nonce(1)), peer.ip(), &mut test.context()),
                None => {}
            }
            test.now = due.into();
            assert_eq!(peer.takes_farewell(&test.context()), answer != Some(true), "{answer:?}");
            assert_eq!(peer.farewell_due(), None);
        }
    }

    #[test]
    fn the_reply_to_a_dial_that_was_under_way_takes_no_goodbye_back() {
        for (dialed_after, leaves) in [(false, true), (true, false)] {
            let mut test = TestContext::new(|_| {});
            let mut peer = test.proven_peer(2);
            let dial = |peer: &mut Peer, test: &TestContext| peer.dial.start(DialId(1), 1, 5, test.now);
            if !dialed_after {
                dial(&mut peer, &test);
            }
            test.now += ms(1);
            peer.doubt_goodbye(7, &mut test.context());
            test.now += ms(1);
            if dialed_after {
                dial(&mut peer, &test);
            }
            peer.dial.note_success(ms(1), ms(1), test.now + ms(1));
            test.now = peer.farewell_due().unwrap().into();
            assert_eq!(peer.takes_farewell(&test.context()), leaves, "dialed after: {dialed_after}");
        }
    }

    #[test]
    fn who_left_or_was_replaced_is_late_for_a_moment_only() {
        let mut test = TestContext::new(|_| {});
        let mut peer = test.proven_peer(2);
        peer.retire(NodeId(9), test.now);
        peer.leave(LeaveReason::Goodbye, &mut test.context());
        let late = |peer: &Peer, test: &TestContext| {
            [peer.has_retired(NodeId(9), test.now), peer.left_lately(test.now)]
        };
        test.now += LATE_WORDS - ms(1);
        assert_eq!(late(&peer, &test), [true, true]);
        assert!(!peer.has_retired(NodeId(8), test.now));
        test.now += ms(1);
        assert_eq!(late(&peer, &test), [false, false]);
    }
}
