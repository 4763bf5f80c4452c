//! Peers that may be gone: who was looked at, when, and who says so.
//!
//! A suspicion costs little, whoever makes it up: each suspect is looked at once a second, and each teller has a share.

use std::time::{Duration, Instant};

use smallvec::SmallVec;

use crate::engine::limits::{
    MAX_SUSPICIONS, SUSPECT_AGAIN, SUSPICION_PATIENCE, SUSPICIONS_PER_TELLER, SUSPICIONS_TOLD_PER_SECOND,
    UNANSWERED_AFTER, UNANSWERED_WITH_LOSS, WITNESSES,
};
use crate::engine::moment::Moment;
use crate::engine::peers::PeerKey;
use crate::engine::peers::peer::Peer;
use crate::engine::rate_limiter::RateLimiter;

/// What a look at a suspect has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It was asked for an echo.
    Asked,
    /// The echo was refused, or did not come in time.
    Unanswered,
    /// It was dialed, and asked for more echoes.
    Dialed {
        /// Since when.
        at: Instant,
        /// How long it may take.
        patience: Duration,
    },
    /// That time is over.
    Overdue,
    /// It lives.
    Answered,
}

/// A peer that is looked at.
#[derive(Debug)]
struct Case {
    suspect: PeerKey,
    /// Who told first; none: this node noticed it itself.
    teller: Option<PeerKey>,
    asked: Instant,
    /// How long its echo may take.
    patience: Duration,
    stage: Stage,
    /// Who says that a dial was refused or had no answer.
    witnesses: SmallVec<[PeerKey; WITNESSES]>,
    /// This node has said so.
    told: bool,
}

impl Case {
    /// Whether it is looked at still: what it has shown says nothing of the suspect later.
    fn is_open(&self, now: Instant) -> bool {
        matches!(self.stage, Stage::Dialed { .. })
            || now.saturating_duration_since(self.asked) < SUSPECT_AGAIN
    }

    /// When it is looked at again if nothing comes.
    fn due(&self) -> Option<Instant> {
        match self.stage {
            Stage::Asked => Some(self.asked + self.patience),
            Stage::Dialed { at, patience } => Some(at + patience),
            Stage::Unanswered | Stage::Overdue | Stage::Answered => None,
        }
    }
}

/// Whether a suspicion is news.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Opened {
    /// The suspect is to be asked for an echo.
    Look,
    /// It was asked a moment ago, or there are too many suspicions.
    Enough,
}

/// What is to be done about a suspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Step {
    /// Its echo is awaited, it lives, or it is for others to dial it.
    Wait,
    /// Nobody answers there: dial it now, and ask it for a burst of echoes.
    Dial,
    /// Enough others could not reach it: neither can this node, until a dial of its own says otherwise.
    Doubt,
    /// It answers neither this node's dial nor its echoes: the same, and others are to know.
    DoubtAndTell,
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Suspicions {
    cases: Vec<Case>,
    told: RateLimiter,
}

impl Default for Suspicions {
    fn default() -> Self {
        let most = SUSPICIONS_TOLD_PER_SECOND;
        Self { cases: Vec::new(), told: RateLimiter::per_second(most, most) }
    }
}

impl Suspicions {
    /// Somebody, or this node itself, suspects a peer.
    pub(crate) fn open(&mut self, suspect: &Peer, teller: Option<PeerKey>, now: Instant) -> Opened {
        self.cases.retain(|case| case.is_open(now));
        let by_teller = self.cases.iter().filter(|case| teller.is_some() && case.teller == teller).count();
        // Whoever cannot be dialed has nothing to answer.
        let looked_at = suspect.is_reachable();
        let full = self.cases.len() >= MAX_SUSPICIONS || by_teller >= SUSPICIONS_PER_TELLER;
        if !looked_at || full || self.case(suspect.key()).is_some() {
            return Opened::Enough;
        }
        self.cases.push(Case {
            suspect: suspect.key(),
            teller,
            asked: now,
            patience: suspect.dial.patience(SUSPICION_PATIENCE, 2),
            stage: Stage::Asked,
            witnesses: SmallVec::new(),
            told: false,
        });
        Opened::Look
    }

    /// Whether this node may tell a suspicion now.
    pub(crate) fn may_tell(&mut self, now: Instant) -> bool {
        self.told.take(now)
    }

    /// A peer says that it could not reach the suspect.
    pub(crate) fn note_witness(&mut self, suspect: PeerKey, witness: PeerKey) {
        if let Some(case) = self.case(suspect)
            && !case.witnesses.contains(&witness)
            && case.witnesses.len() < WITNESSES
        {
            case.witnesses.push(witness);
        }
    }

    /// The suspect's host says that nothing receives there: whether that was asked.
    pub(crate) fn note_refused_echo(&mut self, suspect: PeerKey) -> bool {
        let Some(case) = self.case(suspect).filter(|case| case.stage == Stage::Asked) else { return false };
        case.stage = Stage::Unanswered;
        true
    }

    /// The next suspect whose echo is not there in time, or no answer to its dial.
    pub(crate) fn next_due(&mut self, now: Instant) -> Option<PeerKey> {
        let case = self.cases.iter_mut().find(|case| case.due().is_some_and(|due| due <= now))?;
        case.stage = if case.stage == Stage::Asked { Stage::Unanswered } else { Stage::Overdue };
        Some(case.suspect)
    }

    /// When the next of them is due.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.cases.iter().filter_map(Case::due).min()
    }

    /// What is to be done about a suspect now; `late`, when this node last did something late, and `is_chosen`, whether it is among
    /// those who dial the suspect.
    pub(crate) fn next_step(
        &mut self,
        suspect: &Peer,
        late: Option<Instant>,
        is_chosen: impl FnOnce() -> bool,
        now: Instant,
    ) -> Step {
        let Some(case) = self.case(suspect.key()) else { return Step::Wait };
        if suspect.probes.last_echo() >= Some(Moment::from(case.asked)) {
            case.stage = Stage::Answered;
        }
        if !suspect.is_reachable() || matches!(case.stage, Stage::Asked | Stage::Answered) {
            return Step::Wait;
        }
        if case.witnesses.len() >= WITNESSES {
            return Step::Doubt;
        }
        match case.stage {
            Stage::Unanswered if is_chosen() => {
                let lossy = suspect.probes.lost_here_and_there();
                let usual = if lossy { UNANSWERED_WITH_LOSS } else { UNANSWERED_AFTER };
                let patience = suspect.dial.patience(usual, 3);
                case.stage = Stage::Dialed { at: now, patience };
                Step::Dial
            }
            // An outcome of the dial says more than this; and whoever is late itself does not know, unless another one says so, too.
            Stage::Overdue
                if (late.is_none_or(|late| late < case.asked) || !case.witnesses.is_empty())
                    && suspect.dial.is_in_flight()
                    && suspect.probes.is_unanswered_since(case.asked) =>
            {
                Step::DoubtAndTell
            }
            _ => Step::Wait,
        }
    }

    /// This node's own dial of a suspect was refused or has no answer: whether others are to be told, which happens once.
    pub(crate) fn note_outcome(&mut self, suspect: PeerKey, now: Instant) -> bool {
        let case = self.case(suspect).filter(|case| case.is_open(now));
        case.is_some_and(|case| !std::mem::replace(&mut case.told, true))
    }

    fn case(&mut self, suspect: PeerKey) -> Option<&mut Case> {
        self.cases.iter_mut().find(|case| case.suspect == suspect)
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::api::DialId;
    use crate::engine::context::TestContext;
    use crate::engine::limits::BURST;
    use crate::engine::probing::prober;
    use crate::engine::{Nonce, peers::PeerState};
    use crate::testkit::{ms, secs};

    fn up(test: &mut TestContext, n: u64) -> Peer {
        let mut peer = test.proven_peer(n);
        peer.set_state(PeerState::Up, &mut test.context());
        peer
    }

    fn opened(suspicions: &mut Suspicions, peer: &Peer, teller: Option<PeerKey>, now: Instant) -> bool {
        suspicions.open(peer, teller, now) == Opened::Look
    }

    #[test]
    fn a_suspect_is_looked_at_once_a_second_and_only_if_it_was_well() {
        let mut test = TestContext::new(|_| {});
        let (mut suspicions, mut peer, now) = (Suspicions::default(), up(&mut test, 2), test.now);
        assert!(opened(&mut suspicions, &peer, None, now));
        assert!(!opened(&mut suspicions, &peer, None, now + SUSPECT_AGAIN - ms(1)));
        assert!(opened(&mut suspicions, &peer, None, now + SUSPECT_AGAIN));
        peer.set_state(PeerState::Retrying, &mut test.context());
        assert!(!opened(&mut suspicions, &peer, None, now + secs(9)), "everybody knows");
        assert!(!opened(&mut suspicions, &test.peer(3), None, now + secs(9)), "it has proved nothing");
    }

    #[test]
    fn a_teller_has_its_share_and_all_together_have_a_cap() {
        let mut test = TestContext::new(|_| {});
        let (mut suspicions, now) = (Suspicions::default(), test.now);
        let tellers: Vec<PeerKey> = (1_000..1_020).map(|n| test.peer(n).key()).collect();
        let looks =
            |suspicions: &mut Suspicions, test: &mut TestContext, teller, suspects: std::ops::Range<u64>| {
                suspects.filter(|n| opened(suspicions, &up(test, *n), teller, now)).count()
            };
        let share = SUSPICIONS_PER_TELLER;
        assert_eq!(looks(&mut suspicions, &mut test, Some(tellers[0]), 2..40), share);
        assert_eq!(looks(&mut suspicions, &mut test, Some(tellers[1]), 50..90), share);
        assert_eq!(looks(&mut suspicions, &mut test, None, 100..400), MAX_SUSPICIONS - 2 * share);
    }

    #[test]
    fn a_suspect_that_answers_is_let_alone() {
        let mut test = TestContext::new(|_| {});
        let (mut suspicions, mut peer) = (Suspicions::default(), up(&mut test, 2));
        let _ = suspicions.open(&peer, None, test.now);
        prober::ask(&mut peer, &mut test.context());
        let nonce = test.sent()[0].nonce.unwrap();
        test.now += ms(1);
        assert!(peer.probes.note_echo(nonce, test.now).is_some());
        assert!(suspicions.note_refused_echo(peer.key()));
        assert_eq!(
            suspicions.next_step(&peer, None, || true, test.now),
            Step::Wait,
            "whoever refused it was not asked"
        );
    }

    #[test]
    fn one_that_refuses_or_does_not_answer_is_dialed_by_the_chosen_and_doubted_on_the_word_of_three() {
        for refused in [true, false] {
            let mut test = TestContext::new(|_| {});
            let (mut suspicions, peer, now) = (Suspicions::default(), up(&mut test, 2), test.now);
            let witnesses = [11, 12, 13].map(|n| test.peer(n).key());
            let _ = suspicions.open(&peer, None, now);
            assert_eq!(suspicions.deadline(), Some(now + SUSPICION_PATIENCE));
            assert_eq!(suspicions.next_step(&peer, None, || true, test.now), Step::Wait);
            assert_eq!(suspicions.next_due(now + SUSPICION_PATIENCE - Duration::from_nanos(1)), None);
            if refused {
                assert!(suspicions.note_refused_echo(peer.key()));
            } else {
                assert_eq!(suspicions.next_due(now + SUSPICION_PATIENCE), Some(peer.key()));
            }
            assert_eq!((suspicions.deadline(), suspicions.next_due(now + secs(1))), (None, None));
            assert!(!suspicions.note_refused_echo(peer.key()), "once");
            let step = |suspicions: &mut Suspicions| suspicions.next_step(&peer, None, || false, now);
            assert_eq!(suspicions.next_step(&peer, None, || true, test.now), Step::Dial);
            for witness in [witnesses[0], witnesses[1], witnesses[1]] {
                suspicions.note_witness(peer.key(), witness);
                assert_eq!(step(&mut suspicions), Step::Wait);
            }
            suspicions.note_witness(peer.key(), witnesses[2]);
            assert_eq!(step(&mut suspicions), Step::Doubt);
            let told = [0; 2].map(|_| suspicions.note_outcome(peer.key(), now));
            assert_eq!(told, [true, false], "others are told once");
        }
    }

    #[test]
    fn what_a_dial_comes_to_long_after_a_suspicion_is_no_outcome_of_it() {
        for (after, told) in [(SUSPECT_AGAIN - ms(1), true), (secs(600), false)] {
            let mut test = TestContext::new(|_| {});
            let (mut suspicions, peer, now) = (Suspicions::default(), up(&mut test, 2), test.now);
            let _ = suspicions.open(&peer, None, now);
            assert_eq!(suspicions.next_due(now + SUSPICION_PATIENCE), Some(peer.key()));
            assert_eq!(suspicions.note_outcome(peer.key(), now + after), told, "{after:?}");
        }
    }

    #[test]
    fn one_that_was_dialed_and_lets_nothing_be_heard_is_doubted_and_one_that_sends_an_echo_is_not() {
        for (lossy, answers) in [(false, false), (false, true), (true, false)] {
            let mut test = TestContext::new(|_| {});
            let (mut suspicions, mut peer) = (Suspicions::default(), up(&mut test, 2));
            if lossy {
                for n in 0..12 {
                    peer.probes.note_sent(Nonce(n), false, test.now);
                    test.now += secs(2);
                    let _ = if n % 3 == 0 {
                        peer.probes.count_outcomes(test.now)
                    } else {
                        peer.probes.note_echo(Nonce(n), test.now).unwrap()
                    };
                }
            }
            test.now += ms(1);
            let _ = suspicions.open(&peer, None, test.now);
            test.now += SUSPICION_PATIENCE;
            assert_eq!(suspicions.next_due(test.now), Some(peer.key()));
            assert_eq!(suspicions.next_step(&peer, None, || true, test.now), Step::Dial);
            assert_eq!(suspicions.next_step(&peer, None, || true, test.now), Step::Wait, "it is dialed once");
            peer.dial.hurry();
            let _ = peer.dial.start(DialId(1), 1, 5, test.now);
            for n in 100..100 + u64::from(BURST) {
                peer.probes.note_sent(Nonce(n), false, test.now);
            }
            if answers {
                test.now += ms(1);
                assert!(peer.probes.note_echo(Nonce(103), test.now).is_some());
            }
            let patience = if lossy { UNANSWERED_WITH_LOSS } else { UNANSWERED_AFTER };
            assert_eq!(suspicions.next_due(test.now + patience - ms(2)), None);
            assert_eq!(suspicions.next_due(test.now + patience), Some(peer.key()));
            let step = suspicions.next_step(&peer, None, || true, test.now + patience);
            assert_eq!(step, if answers { Step::Wait } else { Step::DoubtAndTell });
        }
    }

    #[test]
    fn who_was_late_itself_doubts_one_that_does_not_answer_if_another_one_says_so_too() {
        for (witnessed, answers) in [(false, false), (true, false), (true, true)] {
            let mut test = TestContext::new(|_| {});
            let (mut suspicions, mut peer) = (Suspicions::default(), up(&mut test, 2));
            test.now += ms(1);
            let _ = suspicions.open(&peer, None, test.now);
            test.now += SUSPICION_PATIENCE;
            let late = Some(test.now);
            assert_eq!(suspicions.next_due(test.now), Some(peer.key()));
            assert_eq!(suspicions.next_step(&peer, late, || true, test.now), Step::Dial);
            peer.dial.hurry();
            let _ = peer.dial.start(DialId(1), 1, 5, test.now);
            (0..u64::from(BURST)).for_each(|n| peer.probes.note_sent(Nonce(n), false, test.now));
            test.now += UNANSWERED_AFTER;
            if answers {
                assert!(peer.probes.note_echo(Nonce(1), test.now).is_some());
            }
            assert_eq!(suspicions.next_due(test.now), Some(peer.key()));
            if witnessed {
                suspicions.note_witness(peer.key(), test.peer(11).key());
            }
            let doubted = suspicions.next_step(&peer, late, || true, test.now) == Step::DoubtAndTell;
            assert_eq!(doubted, witnessed && !answers, "{witnessed} {answers}");
        }
    }
}
