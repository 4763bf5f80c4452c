//! Networks of three to six hosts, each with one fault at random, judged leniently: whatever may be said of that fault is right. But
//! nobody may be accused of anything else, not once.

mod fault;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vigie::engine::NodeId;
use vigie::engine::event::Event;
use vigie::engine::verdict::{Finding, Verdict};
use vigie::testkit::{Lan, ms, secs};

use super::whole::in_parallel;
use fault::{Truth, inject};

/// Networks of the whole form.
pub(crate) const NETWORKS: u64 = 10_000;
/// Of those whose fault ends.
pub(crate) const RECOVERIES: u64 = 1_600;
/// How long after its end a fault may still be told: as long as it may take to notice it.
const FORGIVEN: Duration = Duration::from_secs(14);
/// By then nothing may be held to be wrong any more.
pub(crate) const OVER: Duration = Duration::from_secs(75);

/// What came of some networks.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Of each kind of fault: how many there were, and how many were told within 24 to 36 s.
    pub(crate) told: BTreeMap<&'static str, (u32, u32)>,
    /// Everything that was said and is not so.
    pub(crate) wrong: Vec<String>,
}

/// Plays these networks until some time after their fault began.
pub(crate) fn play(seeds: Range<u64>, threads: usize) -> Outcome {
    let played = in_parallel(seeds, threads, |seed| {
        let Faulty { lan, truth, wrong, .. } = network_with_fault(seed);
        let told = |e: &Event| matches!(e, Event::Diagnosis(f) if f.verdict != Verdict::Ok);
        (truth.fault, lan.log.iter().any(|logged| told(&logged.event)), wrong)
    });
    let mut all = Outcome::default();
    for (fault, told, wrong) in played {
        let (of, times) = all.told.entry(fault).or_default();
        *of += 1;
        *times += u32::from(told);
        all.wrong.extend(wrong);
    }
    all
}

/// Plays these networks until some time after their fault ended: all that was said from then on and is not so, or was not withdrawn.
pub(crate) fn recover(seeds: Range<u64>, threads: usize) -> Vec<String> {
    in_parallel(seeds, threads, recovers).into_iter().flatten().collect()
}

/// A network in which a fault is under way.
struct Faulty {
    lan: Lan,
    ids: Vec<NodeId>,
    truth: Truth,
    /// What was said until now and is not so.
    wrong: Vec<String>,
}

/// Runs one network from its start to some time after a fault.
fn network_with_fault(seed: u64) -> Faulty {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut lan = Lan::new(seed);
    lan.link.late = (0.02, ms(20));
    lan.link.duplicates = 0.01;
    let n = rng.random_range(3..=6);
    let hosts = lan.hosts(n);
    lan.run_for(secs(25) + ms(rng.random_range(0..10_000)));
    let ids: Vec<NodeId> = hosts.iter().map(|host| lan.hosts[host.0].config.id).collect();
    let healthy = Truth::of("nothing yet", &[], &[]);
    let mut wrong = accused_wrongly(seed, &lan, 0, &healthy, &ids);
    let begun = lan.log.len();
    let truth = inject(&mut lan, &hosts, &mut rng);
    lan.run_for(secs(24) + ms(rng.random_range(0..12_000)));
    wrong.extend(accused_wrongly(seed, &lan, begun, &truth, &ids));
    Faulty { lan, ids, truth, wrong }
}

/// What a finding says, for who reads a failure.
fn words(finding: &Finding) -> String {
    let evidence: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
    let (verdict, pattern) = (finding.verdict.as_str(), finding.pattern.as_str());
    format!("{verdict} of {:?}, {pattern}: {}", finding.names, evidence.join("; "))
}

/// Mends the fault of a network. What is told of it from then on may be of nothing but that fault, soon of nothing at all, and in the
/// end nothing is held to be wrong. All that is not so.
fn recovers(seed: u64) -> Vec<String> {
    let Faulty { mut lan, ids, truth, mut wrong } = network_with_fault(seed);
    let (healed, told_before) = (lan.elapsed(), lan.log.len());
    lan.mend();
    lan.run_for(OVER);
    let mut standing = BTreeMap::new();
    for (nth, logged) in lan.log.iter().enumerate() {
        let Event::Diagnosis(finding) = &logged.event else { continue };
        if let Some(corrected) = finding.replaces {
            standing.remove(&(logged.host.0, corrected));
        }
        match finding.verdict {
            Verdict::Ok => drop(standing.remove(&(logged.host.0, finding.id))),
            verdict => drop(standing.insert((logged.host.0, finding.id), verdict)),
        }
        let after = logged.at.saturating_sub(healed);
        let allowed = after <= FORGIVEN && truth.allows(logged.host, finding, &ids);
        if nth >= told_before && finding.verdict != Verdict::Ok && !allowed {
            wrong.push(format!(
                "seed {seed}, {} hosts, \"{}\" of {:?}, {after:?} after its end: {:?} says {}",
                ids.len(),
                truth.fault,
                truth.about,
                logged.host,
                words(finding)
            ));
        }
    }
    let left = standing.into_iter();
    wrong.extend(
        left.map(|(by, verdict)| format!("seed {seed}, {truth:?}: {by:?} does not withdraw {verdict:?}")),
    );
    wrong
}

/// What was said from an entry of the log on and is not so.
fn accused_wrongly(seed: u64, lan: &Lan, from: usize, truth: &Truth, ids: &[NodeId]) -> Vec<String> {
    let mut wrong = Vec::new();
    for logged in &lan.log[from..] {
        if let Event::Diagnosis(finding) = &logged.event
            && finding.verdict != Verdict::Ok
            && !truth.allows(logged.host, finding, ids)
        {
            let (hosts, at) = (ids.len(), logged.at);
            wrong.push(format!(
                "seed {seed}, {hosts} hosts, {at:?}: {truth:?}: {:?} says {}",
                logged.host,
                words(finding)
            ));
        }
    }
    wrong
}
