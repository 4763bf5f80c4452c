//! When a finding is published, and when it is withdrawn.
//!
//! A finding must stand for a while before it is published, and be gone for a while before it is withdrawn, so that what
//! changes from moment to moment is not published at all. How long depends on what it says: see `debounce`.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::peers::PeerKey;

use super::debounce::{Circumstances, Debounce, usual_debounce};
use super::finding::{Finding, FindingId};
use super::subject::{Subject, about, accused_by, concerned_by, partners, said_of, suspects};
use super::verdict::{Pattern, Verdict};

/// The findings of this node, from the first sign of each to its withdrawal.
#[derive(Debug, Default)]
pub(crate) struct FindingTracker {
    tracked: Vec<TrackedFinding>,
    /// Findings that were withdrawn lately, the last one last; at most [`MAX_WITHDRAWN`].
    withdrawn: VecDeque<Withdrawn>,
    /// Peers that a published finding is about.
    accused: HashSet<PeerKey>,
    /// The name of the last new finding.
    last_id: FindingId,
}

/// Withdrawn findings that are remembered. Of more at a time, what remains of the earliest may be published.
const MAX_WITHDRAWN: usize = 64;

/// A finding that was withdrawn. Its last pairs may recover a moment later.
#[derive(Debug)]
struct Withdrawn {
    finding: Arc<Finding>,
    at: Instant,
    /// What it was about went on, and this one explained it, which was not published yet.
    explained_by: Option<FindingId>,
}

/// A finding that is published, or about to be.
#[derive(Debug)]
struct TrackedFinding {
    /// As it was last found; its `since` is when it began to say the same.
    latest: Arc<Finding>,
    /// As it was last published; none while it is pending.
    published: Option<Arc<Finding>>,
    phase: FindingPhase,
    /// When it last lost a pair, if it did: it may be ending.
    shrank: Option<Instant>,
}

/// Where a finding stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FindingPhase {
    /// Found, and not published yet.
    Pending,
    /// Published, and still found.
    Published,
    /// Published, and no longer found.
    Fading {
        /// Since when.
        since: Instant,
    },
}

/// What one diagnosis says of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    /// It is found, and says the same as what is published.
    Same,
    /// It is found, and says what is not published, for this long.
    News(Duration),
    /// It is found, and says what is not published; but it is ending, and what remains of it looks like another one.
    Remnant,
    /// It is not found, and the evidence on its pairs is not settled.
    Unsettled,
    /// It is not found.
    Absent,
}

/// What is to be done about a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    /// Nothing.
    Keep,
    /// What is published gets fresher evidence, without an event.
    Refresh,
    /// It is published as it is now.
    Publish,
    /// It is withdrawn.
    Withdraw,
    /// It is forgotten: nobody was told of it.
    Forget,
}

/// What a finding does next.
fn step(phase: FindingPhase, signal: Signal, debounce: Debounce, now: Instant) -> (FindingPhase, Decision) {
    use FindingPhase::{Fading, Pending, Published};
    match (phase, signal) {
        (_, Signal::News(stood)) if stood >= debounce.stands => (Published, Decision::Publish),
        (Pending, Signal::Same | Signal::News(_) | Signal::Remnant) => (Pending, Decision::Keep),
        (Pending, Signal::Unsettled | Signal::Absent) => (Pending, Decision::Forget),
        (Published | Fading { .. }, Signal::Same) => (Published, Decision::Refresh),
        (Published | Fading { .. }, Signal::News(_) | Signal::Remnant | Signal::Unsettled) => {
            (Published, Decision::Keep)
        }
        (Published | Fading { .. }, Signal::Absent) => {
            let since = if let Fading { since } = phase { since } else { now };
            let over = now.saturating_duration_since(since) >= debounce.gone;
            (Fading { since }, if over { Decision::Withdraw } else { Decision::Keep })
        }
    }
}

impl FindingTracker {
    /// What was published and is not withdrawn.
    pub(crate) fn published(&self) -> Vec<Arc<Finding>> {
        self.tracked.iter().filter_map(|tracked| tracked.published.clone()).collect()
    }

    /// Whether nothing is wrong, or about to be.
    pub(crate) fn is_empty(&self) -> bool {
        self.tracked.is_empty()
    }

    /// Whether some finding is about to be published or withdrawn.
    pub(crate) fn is_settling(&self) -> bool {
        self.tracked.iter().any(|tracked| tracked.phase != FindingPhase::Published)
    }

    /// Whether a published finding is about this peer.
    pub(crate) fn accuses(&self, key: PeerKey) -> bool {
        self.accused.contains(&key)
    }

    /// Takes in what one diagnosis found; returns what is to be published, withdrawals last. `open` tells whether the evidence
    /// on a direction of a pair is not settled.
    pub(crate) fn update(
        &mut self,
        findings: Vec<Finding>,
        open: impl Fn(NodeId, NodeId) -> bool,
        c: &Circumstances,
        now: Instant,
    ) -> Vec<Arc<Finding>> {
        self.withdrawn.retain(|withdrawn| now.saturating_duration_since(withdrawn.at) < c.patience);
        let before = PublishedFindings::of(&self.tracked, &self.withdrawn);
        let mut news = Vec::new();
        let seen = self.note_found(findings, &before, c, now, &mut news);
        self.note_absent(&seen, open, &before, c, now, &mut news);
        news
    }

    /// Takes in what was found; says of each tracked finding whether it was. Of several with one subject, the first counts.
    fn note_found(
        &mut self,
        findings: Vec<Finding>,
        before: &PublishedFindings,
        c: &Circumstances,
        now: Instant,
        news: &mut Vec<Arc<Finding>>,
    ) -> Vec<bool> {
        let mut subjects: HashMap<Subject, usize> = HashMap::with_capacity(self.tracked.len());
        for (nth, tracked) in self.tracked.iter().enumerate() {
            subjects.entry(Subject::of(&tracked.latest)).or_insert(nth);
        }
        let mut seen = vec![false; self.tracked.len()];
        for finding in findings {
            let nth = *subjects.entry(Subject::of(&finding)).or_insert(self.tracked.len());
            let Some(tracked) = self.tracked.get_mut(nth) else {
                self.last_id.0 += 1;
                self.tracked.push(TrackedFinding::new(Finding { id: self.last_id, ..finding }));
                seen.push(true);
                continue;
            };
            if std::mem::replace(&mut seen[nth], true) {
                continue;
            }
            let signal = tracked.note(finding, c, now);
            let debounce = before.debounce(&tracked.latest, signal, c);
            let (phase, decision) = step(tracked.phase, signal, debounce, now);
            tracked.phase = phase;
            if decision == Decision::Publish {
                let (latest, is_first) = (&tracked.latest, tracked.published.is_none());
                let by_it = |withdrawn: &&Withdrawn| is_first && withdrawn.explained_by == Some(latest.id);
                news.push(match self.withdrawn.iter().find(by_it) {
                    Some(corrected) => Arc::new(latest.correcting(&corrected.finding)),
                    None => Arc::clone(latest),
                });
            }
            if matches!(decision, Decision::Publish | Decision::Refresh) {
                tracked.published = Some(Arc::clone(&tracked.latest));
            }
        }
        seen
    }

    /// Goes on with those that were not found.
    fn note_absent(
        &mut self,
        seen: &[bool],
        open: impl Fn(NodeId, NodeId) -> bool,
        before: &PublishedFindings,
        c: &Circumstances,
        now: Instant,
        news: &mut Vec<Arc<Finding>>,
    ) {
        let still_there = self.tracked.iter().zip(seen).filter(|(_, seen)| **seen);
        let still_there: Vec<_> = still_there
            .map(|(tracked, _)| (Arc::clone(&tracked.latest), tracked.published.clone()))
            .collect();
        let mut seen = seen.iter();
        self.tracked.retain_mut(|tracked| {
            if seen.next().is_some_and(|seen| *seen) {
                return true;
            }
            let is_open = tracked.latest.pairs.iter().any(|(from, to)| open(*from, *to));
            let signal = if is_open { Signal::Unsettled } else { Signal::Absent };
            // What remained of it at the end may have looked like another one, which was not published.
            let told = tracked.published.as_ref().unwrap_or(&tracked.latest);
            let debounce = before.debounce(told, signal, c);
            let (phase, decision) = step(tracked.phase, signal, debounce, now);
            tracked.phase = phase;
            if decision == Decision::Withdraw
                && let Some(published) = &tracked.published
            {
                if self.withdrawn.len() >= MAX_WITHDRAWN {
                    self.withdrawn.pop_front();
                }
                // What another finding explains is not over. One that is not published yet must stand first.
                let explains = |(latest, _): &&(Arc<Finding>, _)| latest.explains(published);
                let other = still_there.iter().filter(explains).max_by_key(|(_, told)| told.is_some());
                news.push(Arc::new(match other {
                    Some((_, Some(told))) => told.correcting(published),
                    _ => published.resolved(now),
                }));
                let pending = other.filter(|(_, told)| told.is_none()).map(|(latest, _)| latest.id);
                let finding = Arc::clone(published);
                self.withdrawn.push_back(Withdrawn { finding, at: now, explained_by: pending });
            }
            !matches!(decision, Decision::Withdraw | Decision::Forget)
        });
    }

    /// What is said of each of these peers: the verdict of the first published finding that is about it. From now on, those
    /// are [accused](Self::accuses).
    pub(crate) fn accuse(
        &mut self,
        peers: impl Iterator<Item = (PeerKey, Option<NodeId>)>,
        me: NodeId,
    ) -> Vec<Option<Verdict>> {
        let mut of_node: HashMap<NodeId, Verdict> = HashMap::new();
        let mut of_peer: HashMap<PeerKey, Verdict> = HashMap::new();
        let published = self.tracked.iter().filter_map(|tracked| tracked.published.as_deref());
        for finding in published.filter(|finding| !finding.is_background()) {
            of_peer.entry(finding.peer.key).or_insert(finding.verdict);
            for id in about(finding).chain(partners(finding, me)) {
                of_node.entry(id).or_insert(finding.verdict);
            }
        }
        self.accused.clear();
        peers
            .map(|(key, id)| {
                let Some(id) = id else { return of_peer.get(&key).copied() };
                let verdict = of_node.get(&id).copied();
                if verdict.is_some() {
                    self.accused.insert(key);
                }
                verdict
            })
            .collect()
    }
}

impl TrackedFinding {
    fn new(finding: Finding) -> Self {
        Self { latest: Arc::new(finding), published: None, phase: FindingPhase::Pending, shrank: None }
    }

    /// Notes what was found now, and says how that compares with what is published.
    fn note(&mut self, finding: Finding, c: &Circumstances, now: Instant) -> Signal {
        let since = if self.latest.same(&finding) { self.latest.since } else { now };
        if finding.pair_count < self.latest.pair_count {
            self.shrank = Some(now);
        } else if finding.pair_count > self.latest.pair_count {
            self.shrank = None;
        }
        let finding = Finding { since, id: self.latest.id, ..finding };
        self.latest = Arc::new(match &self.published {
            Some(published) => finding.telling_no_less_than(published),
            None => finding,
        });
        let Some(published) = &self.published else {
            return Signal::News(now.saturating_duration_since(since));
        };
        let ending = self.shrank.is_some_and(|at| now.saturating_duration_since(at) < c.patience);
        if published.same(&self.latest) && !self.latest.tells_more_than(published) {
            Signal::Same
        } else if ending {
            Signal::Remnant
        } else {
            Signal::News(now.saturating_duration_since(since))
        }
    }
}

/// What was published before a diagnosis, or withdrawn lately: another verdict on the same nodes must stand longer.
struct PublishedFindings {
    published: Vec<Arc<Finding>>,
    withdrawn: Vec<Arc<Finding>>,
    verdicts: HashSet<(Option<NodeId>, Verdict)>,
    concerned: OnceCell<HashSet<NodeId>>,
}

impl PublishedFindings {
    fn of(tracked: &[TrackedFinding], withdrawn: &VecDeque<Withdrawn>) -> Self {
        let published: Vec<_> = tracked.iter().filter_map(|tracked| tracked.published.clone()).collect();
        let withdrawn: Vec<_> = withdrawn.iter().map(|withdrawn| Arc::clone(&withdrawn.finding)).collect();
        let told = published.iter().chain(&withdrawn);
        let verdicts = told.flat_map(|finding| said_of(finding).map(|id| (id, finding.verdict))).collect();
        Self { verdicts, published, withdrawn, concerned: OnceCell::new() }
    }

    /// How long a finding must stand or be gone. While an incident begins or ends, what is seen of those concerned changes path
    /// by path: another verdict on them must stand at least until everything can have been noticed. So must any where packets are
    /// lost everywhere: of many paths, chance has one look as if it failed.
    fn debounce(&self, finding: &Finding, signal: Signal, c: &Circumstances) -> Debounce {
        let debounce = usual_debounce(finding, c);
        let matters = match signal {
            Signal::News(stood) => stood >= debounce.stands,
            Signal::Absent => true,
            Signal::Same | Signal::Remnant | Signal::Unsettled => false,
        };
        if !matters {
            return debounce;
        }
        let (stands, gone) = (debounce.stands.max(c.notice), debounce.gone.max(c.notice.min(c.patience)));
        match finding.verdict {
            _ if self.is_left_of_a_cut(finding) => Debounce { stands: stands.max(c.patience), gone },
            _ if self.is_another_verdict(finding) => Debounce { stands, gone },
            Verdict::PacketLoss => debounce,
            // It rests on several attempts anyway; for a moment one passes by chance, or it looks as if losses explained them.
            Verdict::OneWayTcp if self.is_lossy_everywhere() => Debounce { gone, ..debounce },
            _ if self.is_lossy_everywhere() => Debounce { stands, ..debounce },
            _ => debounce,
        }
    }

    fn is_lossy_everywhere(&self) -> bool {
        self.published.iter().any(|known| known.is_background())
    }

    /// Whether it tells of a network of which another finding tells, or of a host there: what was cut off comes back path by path.
    fn is_left_of_a_cut(&self, finding: &Finding) -> bool {
        let is_of_segments = |finding: &Finding| finding.pattern == Pattern::Segments;
        let mut cuts = self.published.iter().chain(&self.withdrawn).filter(|told| is_of_segments(told));
        cuts.any(|cut| {
            let shares_a_network = || finding.names.iter().any(|name| cut.names.contains(name));
            let is_of_a_host_there = || suspects(finding).any(|id| cut.nodes.contains(&id));
            let is_left = if is_of_segments(finding) { shares_a_network() } else { is_of_a_host_there() };
            cut.names != finding.names && is_left
        })
    }

    fn is_another_verdict(&self, finding: &Finding) -> bool {
        let same = self.verdicts.contains(&(finding.peer.id, finding.verdict));
        let any = !self.published.is_empty() || !self.withdrawn.is_empty();
        let is_of_them = || concerned_by(finding).any(|id| self.concerned().contains(&id));
        any && !same && is_of_them() && !self.has_pairs_of_its_own(finding)
    }

    /// Whether most of the pairs that fail have nothing to do with those in which lies what is told already.
    fn has_pairs_of_its_own(&self, finding: &Finding) -> bool {
        let told = self.published.iter().chain(&self.withdrawn).filter(|known| !known.is_background());
        let suspects: HashSet<NodeId> = told.flat_map(|known| suspects(known)).collect();
        let own =
            finding.pairs.iter().filter(|(from, to)| !suspects.contains(from) && !suspects.contains(to));
        let own = own.count();
        own >= 2 && own * 3 >= finding.pairs.len() * 2
    }

    /// Those of whom what is published says anything, and those whom it accused until lately: all that fails with them recovers
    /// path by path.
    fn concerned(&self) -> &HashSet<NodeId> {
        self.concerned.get_or_init(|| {
            let published = self.published.iter().filter(|known| !known.is_background());
            let concerned = published.flat_map(|known| concerned_by(known));
            concerned.chain(accused_by(&self.withdrawn)).collect()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::diagnosis::debounce::tests::{ME, circumstances, finding};
    use crate::engine::hardware::HardwareAddr;
    use crate::engine::verdict::evidence::Who;
    use crate::engine::verdict::{Advice, Evidence, Pattern};
    use crate::testkit::{ms, peer, t0};

    /// A tracker, and what it is told at which time.
    struct Trial {
        tracker: FindingTracker,
        t0: Instant,
    }

    impl Trial {
        fn new() -> Self {
            Self { tracker: FindingTracker::default(), t0: t0() }
        }

        /// What it publishes when these are found at a time.
        fn at(&mut self, at: u64, findings: &[Finding]) -> Vec<(u128, Verdict)> {
            self.with_open(at, findings, false)
        }

        fn with_open(&mut self, at: u64, findings: &[Finding], open: bool) -> Vec<(u128, Verdict)> {
            let now = self.t0 + ms(at);
            let findings = findings.iter().map(|finding| Finding { since: now, ..finding.clone() }).collect();
            let news = self.tracker.update(findings, |_, _| open, &circumstances(), now);
            news.iter().map(|finding| (finding.peer.id.unwrap().0, finding.verdict)).collect()
        }
    }

    #[test]
    fn each_phase_answers_each_signal() {
        let now = t0() + ms(60_000);
        let debounce = Debounce { stands: ms(1_000), gone: ms(500) };
        let fading = |for_ms| FindingPhase::Fading { since: now.checked_sub(ms(for_ms)).unwrap() };
        let (pending, published) = (FindingPhase::Pending, FindingPhase::Published);
        let (young, old) = (Signal::News(ms(999)), Signal::News(ms(1_000)));
        let table = [
            (pending, young, pending, Decision::Keep),
            (pending, old, published, Decision::Publish),
            (pending, Signal::Unsettled, pending, Decision::Forget),
            (pending, Signal::Absent, pending, Decision::Forget),
            (published, Signal::Same, published, Decision::Refresh),
            (published, young, published, Decision::Keep),
            (published, old, published, Decision::Publish),
            (published, Signal::Remnant, published, Decision::Keep),
            (published, Signal::Unsettled, published, Decision::Keep),
            (published, Signal::Absent, fading(0), Decision::Keep),
            (fading(400), Signal::Same, published, Decision::Refresh),
            (fading(400), young, published, Decision::Keep),
            (fading(400), old, published, Decision::Publish),
            (fading(400), Signal::Remnant, published, Decision::Keep),
            (fading(400), Signal::Unsettled, published, Decision::Keep),
            (fading(499), Signal::Absent, fading(499), Decision::Keep),
            (fading(500), Signal::Absent, fading(500), Decision::Withdraw),
        ];
        for (phase, signal, then, decision) in table {
            assert_eq!(step(phase, signal, debounce, now), (then, decision), "{phase:?} {signal:?}");
        }
    }

    #[test]
    fn a_finding_is_published_once_when_it_has_stood_and_withdrawn_when_it_was_gone() {
        let mut trial = Trial::new();
        let closed = [finding(1, Verdict::ClosedPort, &[(0, 1)])];
        assert_eq!(trial.at(0, &closed), []);
        assert_eq!(trial.at(999, &closed), []);
        assert_eq!(trial.at(1_000, &closed), [(1, Verdict::ClosedPort)]);
        assert_eq!(trial.at(2_000, &closed), [], "it is said once");
        assert_eq!(trial.at(3_000, &[]), []);
        assert_eq!(trial.at(3_999, &[]), []);
        assert_eq!(trial.tracker.published().len(), 1);
        assert_eq!(trial.at(4_000, &[]), [(1, Verdict::Ok)]);
        assert!(trial.tracker.is_empty());
    }

    #[test]
    fn more_paths_that_fail_with_one_host_are_no_news_and_more_that_is_to_be_done_is() {
        let mut trial = Trial::new();
        let open = |pattern, udp| {
            let on = Who::Peer(peer(1, "h"));
            let advice = Advice::AllowTcpIn { on, port: 17_474, udp };
            [Finding { advice, pattern, ..finding(1, Verdict::FirewallDrop, &[(0, 1), (2, 1)]) }]
        };
        trial.at(0, &open(Pattern::Column, None));
        let told = [(1, Verdict::FirewallDrop)];
        let row = [Finding { advice: Advice::Rename, ..open(Pattern::Row, None)[0].clone() }];
        for (at, found, news) in [
            (500, open(Pattern::Host, None), &[][..]),
            (1_000, open(Pattern::Column, None), &told),
            (2_000, open(Pattern::Host, None), &[]),
            (4_000, open(Pattern::Host, None), &[]),
            (5_000, open(Pattern::Host, Some(17_474)), &told),
            (6_000, open(Pattern::Host, None), &[]),
            (7_000, open(Pattern::Host, Some(17_474)), &[]),
            (8_000, row.clone(), &[]),
            (9_000, row, &told),
        ] {
            assert_eq!(trial.at(at, &found), news, "{at}: {found:?}");
        }
    }

    #[test]
    fn what_flickers_is_never_published_and_what_comes_back_is_not_withdrawn() {
        let mut trial = Trial::new();
        let closed = [finding(1, Verdict::ClosedPort, &[(0, 1)])];
        for round in 0..10 {
            assert_eq!(trial.at(round * 1_000, &closed), []);
            assert_eq!(trial.at(round * 1_000 + 500, &[]), []);
        }
        assert!(trial.tracker.is_empty());
        trial.at(20_000, &closed);
        assert_eq!(trial.at(21_000, &closed), [(1, Verdict::ClosedPort)]);
        for round in 22..30 {
            assert_eq!(trial.at(round * 1_000, &[]), []);
            assert!(trial.tracker.is_settling());
            assert_eq!(trial.at(round * 1_000 + 900, &closed), []);
        }
    }

    #[test]
    fn as_long_as_the_evidence_is_open_nothing_is_withdrawn() {
        let mut trial = Trial::new();
        let closed = [finding(1, Verdict::ClosedPort, &[(0, 1)])];
        trial.at(0, &closed);
        trial.at(1_000, &closed);
        for at in (2_000..20_000).step_by(500) {
            assert_eq!(trial.with_open(at, &[], true), []);
        }
        assert_eq!(trial.at(20_000, &[]), []);
        assert_eq!(trial.at(21_000, &[]), [(1, Verdict::Ok)]);
    }

    #[test]
    fn hosts_with_one_address_are_told_of_again_when_more_of_them_can_be_told_apart() {
        let mut trial = Trial::new();
        let conflict = |known: &[u8]| {
            let holder = |n: u8| {
                let hardware = known.contains(&n).then_some(HardwareAddr([2, 0, 0, 0, 0, n]));
                (Who::Peer(peer(n.into(), "h")), hardware)
            };
            let addr = ([10, 0, 0, 1], 17_474).into();
            let evidence =
                vec![Evidence::SharedAddress { addr, holders: vec![holder(1), holder(2)], told_by: None }];
            [Finding { evidence, ..finding(1, Verdict::AddressConflict, &[]) }]
        };
        trial.at(0, &conflict(&[]));
        let told = [(1, Verdict::AddressConflict)];
        for (at, known, news) in [
            (1_000, &[][..], &told[..]),
            (2_000, &[], &[]),
            (3_000, &[2], &told),
            (4_000, &[2], &[]),
            (5_000, &[1], &[]),
            (6_000, &[1, 2], &told),
            (7_000, &[1, 2], &[]),
        ] {
            assert_eq!(trial.at(at, &conflict(known)), news, "{at}: {known:?}");
        }
    }

    #[test]
    fn another_verdict_on_the_same_node_must_stand_until_all_can_be_noticed() {
        let mut trial = Trial::new();
        let (closed, reject) =
            ([finding(1, Verdict::ClosedPort, &[(0, 1)])], [finding(1, Verdict::FirewallReject, &[(0, 1)])]);
        trial.at(0, &closed);
        trial.at(1_000, &closed);
        trial.at(2_000, &reject);
        assert_eq!(trial.at(8_999, &reject), []);
        assert_eq!(trial.tracker.published()[0].verdict, Verdict::ClosedPort);
        assert_eq!(trial.at(9_000, &reject), [(1, Verdict::FirewallReject)]);
    }

    #[test]
    fn where_packets_are_lost_everywhere_what_else_seems_to_fail_must_stand_longer() {
        let everywhere =
            Finding { pattern: Pattern::Scattered, ..finding(5, Verdict::PacketLoss, &[(5, 6), (7, 8)]) };
        for (verdict, stands, gone) in [
            (Verdict::ClosedPort, 7_000, 1_000),
            (Verdict::HungPeer, 7_000, 1_000),
            (Verdict::OneWayTcp, 3_000, 7_000),
        ] {
            let mut trial = Trial::new();
            let lossy = || vec![everywhere.clone()];
            let also = |verdict| vec![everywhere.clone(), finding(1, verdict, &[(0, 1)])];
            trial.at(0, &lossy());
            assert_eq!(trial.at(1_000, &lossy()), [(5, Verdict::PacketLoss)]);
            trial.at(2_000, &also(verdict));
            assert_eq!(trial.at(2_000 + stands - 1, &also(verdict)), [], "{verdict:?}");
            assert_eq!(trial.at(2_000 + stands, &also(verdict)), [(1, verdict)]);
            trial.at(20_000, &lossy());
            assert_eq!(trial.at(20_000 + gone - 1, &lossy()), [], "{verdict:?}");
            assert_eq!(trial.at(20_000 + gone, &lossy()), [(1, Verdict::Ok)]);
        }
    }

    #[test]
    fn the_host_that_is_behind_pairs_here_and_there_is_told_as_soon_as_it_is_seen() {
        for (verdict, of_host, stands) in [
            (Verdict::FirewallDrop, Verdict::FirewallDrop, 1_000),
            (Verdict::FirewallDrop, Verdict::HostDown, 7_000),
            (Verdict::PacketLoss, Verdict::HungPeer, 7_000),
        ] {
            let mut trial = Trial::new();
            let pairs = [(0, 1), (2, 3), (0, 3), (4, 1)];
            let nodes = (1..=4).map(NodeId).collect();
            let scattered = Finding { pattern: Pattern::Scattered, nodes, ..finding(1, verdict, &pairs) };
            for at in (0..10_000).step_by(500) {
                trial.at(at, std::slice::from_ref(&scattered));
            }
            let both = [scattered, finding(3, of_host, &[(2, 3), (0, 3)])];
            trial.at(10_000, &both);
            assert_eq!(trial.at(10_000 + stands - 1, &both), [], "{of_host:?} after {verdict:?}");
            assert_eq!(trial.at(10_000 + stands, &both), [(3, of_host)], "{of_host:?} after {verdict:?}");
        }
    }

    #[test]
    fn what_fails_with_another_host_is_told_as_soon_as_ever_though_the_two_have_pairs_with_the_same_nodes() {
        for (pairs, stands) in [
            (&[(0, 5), (2, 5), (3, 5), (1, 5)][..], 1_000),
            (&[(0, 5), (2, 5)], 1_000),
            (&[(0, 5), (1, 5)], 7_000),
            (&[(0, 5)], 7_000),
        ] {
            let mut trial = Trial::new();
            let column = finding(1, Verdict::UdpBlocked, &[(0, 1), (2, 1), (3, 1), (5, 1)]);
            trial.at(0, std::slice::from_ref(&column));
            trial.at(1_000, std::slice::from_ref(&column));
            let both = [column, finding(5, Verdict::OneWayUdp, pairs)];
            trial.at(2_000, &both);
            assert_eq!(trial.at(2_000 + stands - 1, &both), [], "{pairs:?}");
            assert_eq!(trial.at(2_000 + stands, &both), [(5, Verdict::OneWayUdp)], "{pairs:?}");
        }
    }

    #[test]
    fn what_remains_of_an_incident_that_is_ending_is_not_published() {
        let mut trial = Trial::new();
        let column = [finding(1, Verdict::FirewallDrop, &[(0, 1), (2, 1), (3, 1)])];
        let pair = [finding(1, Verdict::OneWayTcp, &[(0, 1)])];
        trial.at(0, &column);
        trial.at(1_000, &column);
        trial.at(2_000, &pair);
        assert_eq!(trial.at(15_999, &pair), [], "it shrank at 2 s");
        assert_eq!(trial.at(16_000, &pair), [(1, Verdict::OneWayTcp)]);
    }

    #[test]
    fn what_remains_of_an_incident_that_was_withdrawn_is_not_published_as_another_one() {
        let mut trial = Trial::new();
        let row = [finding(0, Verdict::OneWayUdp, &[(0, 1), (0, 2), (0, 3)])];
        let pair = [Finding {
            pattern: Pattern::Pair,
            nodes: vec![NodeId(3), ME],
            ..finding(3, Verdict::OneWayUdp, &[(0, 3)])
        }];
        trial.at(0, &row);
        assert_eq!(trial.at(1_000, &row), [(0, Verdict::OneWayUdp)]);
        trial.at(20_000, &pair);
        assert_eq!(trial.at(21_000, &pair), [(0, Verdict::Ok)]);
        for at in (21_500..27_000).step_by(500) {
            assert_eq!(trial.at(at, &pair), [], "{at}: it is about to recover");
        }
        assert_eq!(trial.at(27_000, &pair), [(3, Verdict::OneWayUdp)], "it would have recovered");
    }

    #[test]
    fn the_same_that_comes_back_or_what_concerns_others_is_told_as_soon_as_ever() {
        let mut trial = Trial::new();
        let closed = [finding(1, Verdict::ClosedPort, &[(0, 1)])];
        trial.at(0, &closed);
        trial.at(1_000, &closed);
        trial.at(2_000, &[]);
        assert_eq!(trial.at(3_000, &[]), [(1, Verdict::Ok)]);
        let both = [closed[0].clone(), finding(2, Verdict::HungPeer, &[(0, 2)])];
        trial.at(4_000, &both);
        assert_eq!(trial.at(5_000, &both), [(1, Verdict::ClosedPort), (2, Verdict::HungPeer)]);
    }

    #[test]
    fn a_finding_that_became_part_of_another_incident_is_not_called_over() {
        let mut trial = Trial::new();
        let alone = finding(1, Verdict::ClosedPort, &[(0, 1)]);
        let other = finding(2, Verdict::ClosedPort, &[(0, 2)]);
        let island =
            Finding { pattern: Pattern::Islands, nodes: vec![NodeId(2), NodeId(1)], ..other.clone() };
        trial.at(0, &[alone.clone(), other.clone()]);
        trial.at(1_000, &[alone, other]);
        trial.at(2_000, std::slice::from_ref(&island));
        assert_eq!(trial.at(9_000, std::slice::from_ref(&island)), [(2, Verdict::ClosedPort); 2]);
        assert_eq!(trial.tracker.published().len(), 1);
    }

    #[test]
    fn a_finding_keeps_its_name_to_its_end_and_one_that_explains_it_from_then_on_says_so() {
        let mut tracker = FindingTracker::default();
        let mut told = Vec::new();
        let (one, other) = (
            finding(1, Verdict::FirewallDrop, &[(0, 1), (2, 1)]),
            finding(3, Verdict::FirewallDrop, &[(2, 1), (3, 1)]),
        );
        for at in 0..60 {
            let now = t0() + ms(at * 500);
            let found = match at {
                0..10 => vec![one.clone()],
                10..50 => vec![other.clone()],
                _ => Vec::new(),
            };
            told.extend(tracker.update(found, |_, _| false, &circumstances(), now));
        }
        let told: Vec<_> = told
            .iter()
            .map(|told| (told.id.0, told.peer.id.unwrap().0, told.verdict, told.replaces.map(|id| id.0)))
            .collect();
        assert_eq!(
            told,
            [
                (1, 1, Verdict::FirewallDrop, None),
                (1, 1, Verdict::Ok, None),
                (2, 3, Verdict::FirewallDrop, Some(1)),
                (2, 3, Verdict::Ok, None),
            ]
        );
    }

    #[test]
    fn of_several_findings_about_one_node_the_first_counts_but_a_shared_name_is_another_matter() {
        let mut trial = Trial::new();
        let found = [
            finding(1, Verdict::ClosedPort, &[(0, 1)]),
            finding(1, Verdict::HungPeer, &[(0, 1)]),
            finding(1, Verdict::DuplicateName, &[]),
        ];
        trial.at(0, &found);
        assert_eq!(trial.at(1_000, &found), [(1, Verdict::ClosedPort), (1, Verdict::DuplicateName)]);
    }

    #[test]
    fn a_peer_is_accused_by_the_findings_about_it_and_by_those_of_its_pairs_with_this_node() {
        let mut trial = Trial::new();
        let found =
            [finding(1, Verdict::ClosedPort, &[(0, 1)]), finding(9, Verdict::HungPeer, &[(0, 2), (3, 9)])];
        trial.at(0, &found);
        trial.at(1_000, &found);
        let key = |nth: u64| peer(nth, "h").key;
        let peers = (1..=4).map(|nth| (key(nth), (nth != 4).then_some(NodeId(nth.into()))));
        let said = trial.tracker.accuse(peers, ME);
        assert_eq!(said, [Some(Verdict::ClosedPort), Some(Verdict::HungPeer), None, None]);
        assert_eq!([1, 2, 3].map(|nth| trial.tracker.accuses(key(nth))), [true, true, false]);
        assert!(!trial.tracker.accuses(PeerKey::default()));
    }
}
