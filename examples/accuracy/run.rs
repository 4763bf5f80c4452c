//! One run: the network of a scenario is played from its start to its end, and what every node holds is judged on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use vigie::engine::NodeId;
use vigie::engine::event::Event;
use vigie::engine::verdict::{Finding, FindingId, Verdict};
use vigie::testkit::{HostId, Lan, ms, secs};

use super::kinds::{KINDS, Kind};
use super::network::{Change, changes};
use super::scenario::{Fault, Scenario, WITHDRAWAL};
use super::score::{Counts, Group, Tally, WHOLE};
use super::truth::Claim;

/// So often nodes are asked what they hold.
const ASKED_EVERY: Duration = secs(5);
/// A host that nobody has.
const NOBODY: HostId = HostId(usize::MAX);

/// What was not as it must be, once for each node and each thing it said or did not say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// Whose fault it is counted as: a kind, or that of a healthy network.
    pub(crate) kind: &'static str,
    /// What is wrong, alike for all of one sort.
    pub(crate) sort: String,
    /// Who, when.
    pub(crate) what: String,
}

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// All counts.
    pub(crate) tally: Tally,
    /// What was wrong.
    pub(crate) failures: Vec<Failure>,
    /// What happened, if that was wanted.
    pub(crate) trace: Vec<String>,
}

/// Plays a scenario; with a trace, what happened is written down.
pub(crate) fn play(scenario: &Scenario, traced: bool) -> Outcome {
    let mut run = Run::new(scenario, traced);
    let mut at = Duration::ZERO;
    while at < scenario.lasts {
        at += ASKED_EVERY;
        run.go_on_to(at);
        run.ask(at);
    }
    run.end()
}

/// What a node holds to be wrong.
#[derive(Debug)]
struct Held {
    claim: Claim,
    since: Duration,
    words: String,
}

/// A run under way.
pub(super) struct Run<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) lan: Lan,
    pub(super) ids: BTreeMap<NodeId, HostId>,
    /// What is still to come, the next last.
    changes: Vec<(Duration, Change)>,
    held: BTreeMap<(HostId, FindingId), Held>,
    /// When each node first told each fault rightly.
    told: BTreeSet<(HostId, usize)>,
    /// How long after the end of each fault each node withdrew the last that it said of it.
    over: BTreeMap<(HostId, usize), Duration>,
    /// What has failed already.
    known: BTreeSet<(HostId, String)>,
    traced: bool,
    outcome: Outcome,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, traced: bool) -> Self {
        let mut lan = Lan::new(scenario.seed);
        (lan.link.late, lan.link.duplicates) = ((0.02, ms(20)), 0.01);
        lan.link.loss = f64::from(scenario.loss) / 100.0;
        let mut run = Self {
            scenario,
            lan,
            ids: BTreeMap::new(),
            changes: changes(scenario),
            held: BTreeMap::new(),
            told: BTreeSet::new(),
            over: BTreeMap::new(),
            known: BTreeSet::new(),
            traced,
            outcome: Outcome::default(),
        };
        run.make_links(Duration::ZERO);
        run.start_nodes();
        run.count_cases();
        run
    }

    fn go_on_to(&mut self, at: Duration) {
        while let Some((when, change)) = self.changes.pop_if(|(when, _)| *when <= at) {
            self.run_to(when);
            self.change(change, when);
        }
        self.run_to(at);
    }

    fn run_to(&mut self, at: Duration) {
        self.lan.run_for(at.saturating_sub(self.lan.elapsed()));
        self.read_log();
    }

    /// A process is gone, and what it held with it.
    pub(super) fn forget(&mut self, host: HostId) {
        self.read_log();
        self.held.retain(|(by, _), _| *by != host);
    }

    pub(super) fn read_log(&mut self) {
        self.lan.sent.clear();
        for logged in std::mem::take(&mut self.lan.log) {
            if let Event::Diagnosis(finding) = &logged.event {
                self.hear(logged.host, finding, logged.at);
            } else {
                self.note(|| (logged.at, format!("{:?}", logged.event)));
            }
        }
    }

    /// A node published a finding, or withdrew one.
    fn hear(&mut self, by: HostId, finding: &Finding, at: Duration) {
        self.note(|| (at, format!("h{} says {}", by.0, words(finding))));
        let replaced = finding.replaces.map(|id| (by, id));
        for key in [replaced, Some((by, finding.id))].into_iter().flatten() {
            if let Some(before) = self.held.remove(&key) {
                self.withdrawn(by, &before.claim, at);
            }
        }
        if finding.verdict == Verdict::Ok {
            return;
        }
        let claim = self.claim(finding);
        let rights = self.scenario.told_by(by, &claim, at);
        let is_wrong = rights.is_empty() && !self.scenario.is_moot(&claim);
        match self.scenario.well_since(by, at) {
            Some(_) if is_wrong => self.outcome.tally.accusations += 1,
            None if is_wrong && claim.nodes.first() != Some(&by) => {
                self.outcome.tally.accusations_at_fault += 1;
            }
            _ => {}
        }
        for nth in rights {
            self.told(by, nth, at);
        }
        self.held.insert((by, finding.id), Held { claim, since: at, words: words(finding) });
    }

    /// A fault is told rightly: how long that took, if it is the first time.
    fn told(&mut self, by: HostId, nth: usize, at: Duration) {
        let fault = &self.scenario.faults[nth];
        let first = self.scenario.asked.contains(&by) && !self.told.contains(&(by, nth));
        if let Some(since) =
            self.scenario.seen_since(by, fault, at).filter(|_| first && !fault.begins.is_zero())
        {
            self.told.insert((by, nth));
            let times = self.outcome.tally.told_after.entry(kind_index(fault.kind)).or_default();
            times.push(at.saturating_sub(since));
        }
    }

    fn withdrawn(&mut self, by: HostId, claim: &Claim, at: Duration) {
        for (nth, fault) in self.scenario.faults.iter().enumerate() {
            let Some(ended) = fault.ends.filter(|ends| *ends <= at) else { continue };
            let was_right = self.scenario.told_by(by, claim, ended.saturating_sub(ms(1))).contains(&nth);
            if was_right && self.scenario.asked.contains(&by) {
                self.over.insert((by, nth), at.saturating_sub(ended));
            }
        }
    }

    fn claim(&self, finding: &Finding) -> Claim {
        let host = |id: &NodeId| self.ids.get(id).copied().unwrap_or(NOBODY);
        let mut nodes: Vec<HostId> = finding.nodes.iter().map(host).collect();
        if nodes.is_empty() {
            let ip = finding.peer.addr.ip();
            let owner = self.lan.hosts.iter().position(|host| host.interfaces.iter().any(|i| i.addr == ip));
            nodes.push(owner.map_or(NOBODY, HostId));
        }
        Claim { causes: vec![finding.verdict], pattern: finding.pattern, nodes }
    }

    /// Asks nodes what they hold, and counts it.
    fn ask(&mut self, at: Duration) {
        self.watch(at);
        let scenario = self.scenario;
        for by in scenario.asked.iter().copied() {
            if let Some(well) = scenario.well_since(by, at) {
                self.ask_one(by, well, at);
            }
        }
    }

    fn watch(&mut self, at: Duration) {
        for host in (0..self.scenario.hosts).map(HostId) {
            match self.scenario.well_since(host, at) {
                Some(_) => self.outcome.tally.watched += ASKED_EVERY,
                None => self.outcome.tally.watched_at_fault += ASKED_EVERY,
            }
        }
    }

    fn ask_one(&mut self, by: HostId, well: Duration, at: Duration) {
        let mut told = vec![0; self.scenario.faults.len()];
        let mut wrong = Vec::new();
        for ((_, _), held) in self.held.range((by, FindingId(0))..=(by, FindingId(u64::MAX))) {
            let rights = self.scenario.told_by(by, &held.claim, at);
            let points = WHOLE / held.claim.causes.len() as u64;
            for nth in &rights {
                told[*nth] = points.max(told[*nth]);
            }
            match rights.first() {
                Some(nth) => {
                    let kind = Some(self.scenario.faults[*nth].kind);
                    let counts = Counts { held: WHOLE, right: points, ..Counts::default() };
                    let groups = self.groups(kind);
                    self.outcome.tally.count(groups, counts);
                }
                None if self.scenario.is_moot(&held.claim) => self.outcome.tally.moot += 1,
                // What a node said while it was at fault itself has its time to go.
                None if held.since < well && at < well + WITHDRAWAL => {}
                None => {
                    wrong.push((self.blamed(by, &held.claim, at), held.claim.clone(), held.words.clone()));
                }
            }
        }
        for (kind, claim, words) in wrong {
            let counts = Counts { held: WHOLE, ..Counts::default() };
            let groups = self.groups(kind);
            self.outcome.tally.count(groups, counts);
            let causes: Vec<&str> = claim.causes.iter().map(|cause| cause.as_str()).collect();
            let sort = format!("says {} ({})", causes.join(" or "), claim.pattern.as_str());
            self.fail(by, kind, sort, &words, at);
        }
        self.count_due(by, &told, at);
    }

    fn count_due(&mut self, by: HostId, told: &[u64], at: Duration) {
        for (nth, fault) in self.scenario.faults.iter().enumerate() {
            if !self.scenario.must_tell(by, fault, at) {
                continue;
            }
            let counts = Counts { due: WHOLE, told: told[nth], ..Counts::default() };
            let groups = self.groups(Some(fault.kind));
            self.outcome.tally.count(groups, counts);
            if told[nth] == 0 {
                let whom = format!("{}; holds {}", fault.place(), self.all_held(by));
                self.fail(by, Some(fault.kind), "does not tell it".into(), &whom, at);
            }
        }
    }

    fn all_held(&self, by: HostId) -> String {
        let held = self.held.range((by, FindingId(0))..=(by, FindingId(u64::MAX)));
        let words: Vec<&str> =
            held.map(|(_, held)| held.words.split(':').next().unwrap_or_default()).collect();
        if words.is_empty() { "nothing".into() } else { words.join("; ") }
    }

    /// Whose fault a wrong finding is counted as: one at a host that it names, or the last that began or ended.
    fn blamed(&self, by: HostId, claim: &Claim, at: Duration) -> Option<&'static Kind> {
        let begun = || self.scenario.faults.iter().filter(|fault| fault.begins <= at);
        let changed = |fault: &&Fault| fault.ends.filter(|ends| *ends <= at).unwrap_or(fault.begins);
        let first = claim.nodes.first().copied().unwrap_or(NOBODY);
        let names = |fault: &&Fault| {
            fault.hosts[0] == first || fault.hosts.len() == 2 && fault.hosts.contains(&first)
        };
        let concerned = begun().filter(names).filter(|fault| self.scenario.may_tell(by, fault, at));
        concerned.max_by_key(changed).or(begun().max_by_key(changed)).map(|fault| fault.kind)
    }

    fn fail(&mut self, by: HostId, kind: Option<&'static Kind>, sort: String, words: &str, at: Duration) {
        if self.known.insert((by, format!("{sort} {}", words.split([';', ':']).next().unwrap_or_default()))) {
            self.note(|| (at, format!("!!! h{} {sort}: {words}", by.0)));
            let kind = kind.map_or("nothing is wrong", |kind| kind.name);
            let what = format!("at {} s h{}: {words}", at.as_secs(), by.0);
            self.outcome.failures.push(Failure { kind, sort, what });
        }
    }

    fn groups(&self, kind: Option<&Kind>) -> [Group; 4] {
        let Scenario { loss, hosts, faults, of_many, .. } = self.scenario;
        let many = if *of_many { Group::OfMany } else { Group::Faults(faults.len()) };
        let of_kind = kind.map_or(Group::Healthy, |kind| Group::Kind(kind_index(kind)));
        [Group::All, of_kind, Group::Network(*loss, *hosts), many]
    }

    fn count_cases(&mut self) {
        let one = Counts { cases: 1, ..Counts::default() };
        let [all, _, network, many] = self.groups(None);
        self.outcome.tally.count([all, network, many], one);
        if self.scenario.faults.is_empty() {
            self.outcome.tally.count([Group::Healthy], one);
        }
        for fault in &self.scenario.faults {
            self.outcome.tally.count([Group::Kind(kind_index(fault.kind))], one);
        }
    }

    pub(super) fn note(&mut self, line: impl FnOnce() -> (Duration, String)) {
        if self.traced {
            let (at, what) = line();
            self.outcome.trace.push(format!("{:8.3} {what}", at.as_secs_f64()));
        }
    }

    fn end(mut self) -> Outcome {
        for ((_, nth), after) in self.over {
            let kind = kind_index(self.scenario.faults[nth].kind);
            self.outcome.tally.withdrawn_after.entry(kind).or_default().push(after);
        }
        self.outcome
    }
}

/// The place of a kind in the table.
///
/// # Panics
/// If it is not there.
pub(crate) fn kind_index(kind: &Kind) -> usize {
    KINDS.iter().position(|other| other.name == kind.name).expect("it is in the table")
}

/// What a finding says, for who reads a failure.
pub(crate) fn words(finding: &Finding) -> String {
    let evidence: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
    let (verdict, pattern) = (finding.verdict.as_str(), finding.pattern.as_str());
    format!("{verdict} of {:?}, {pattern}, {:?}: {}", finding.names, finding.confidence, evidence.join("; "))
}
