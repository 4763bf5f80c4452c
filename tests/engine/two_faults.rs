//! Two hosts with a fault each at once: no third one is accused, whatever the two have.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use vigie::engine::NodeId;
use vigie::engine::event::Event;
use vigie::engine::verdict::{Confidence, Finding, Pattern, Verdict};

use vigie::testkit::{HostId, Lan, Tcp, ms, secs};

use crate::one_host::{inbound, outbound};

/// Networks, each with two faults.
const RUNS: u64 = 600;
/// How long the second fault begins after the first one at the most.
const APART: u64 = 30_000;

/// A fault of one host: its name, and what it does to the network.
type Fault = (&'static str, fn(&mut Lan, HostId));

const FAULTS: [Fault; 13] = [
    ("killed", Lan::kill),
    ("switched off", Lan::switch_off),
    ("stopped", Lan::pause),
    ("all in dropped", |lan, x| {
        inbound(lan, x, |link| (link.udp, link.tcp) = (false, Tcp::DroppedSyn));
    }),
    ("all out dropped", |lan, x| {
        outbound(lan, x, |link| (link.udp, link.tcp) = (false, Tcp::DroppedSyn));
    }),
    ("TCP in dropped", |lan, x| inbound(lan, x, |link| link.tcp = Tcp::DroppedSyn)),
    ("TCP out dropped", |lan, x| outbound(lan, x, |link| link.tcp = Tcp::DroppedSyn)),
    ("TCP reset", |lan, x| inbound(lan, x, |link| link.tcp = Tcp::Rejected)),
    ("TCP prohibited", |lan, x| inbound(lan, x, |link| link.tcp = Tcp::Prohibited)),
    ("UDP in dropped", |lan, x| inbound(lan, x, |link| link.udp = false)),
    ("UDP out dropped", |lan, x| outbound(lan, x, |link| link.udp = false)),
    ("broadcasts in dropped", |lan, x| inbound(lan, x, |link| link.broadcast = false)),
    ("broadcasts out dropped", |lan, x| outbound(lan, x, |link| link.broadcast = false)),
];

/// Whether a finding accuses none but these. What is said of a pair accuses neither end alone, and of islands all are told.
fn is_of(finding: &Finding, faulty: &[NodeId]) -> bool {
    let is_faulty = |id: &NodeId| faulty.contains(id);
    match finding.pattern {
        Pattern::Pair | Pattern::Islands => finding.nodes.iter().any(is_faulty),
        _ => finding.nodes.first().is_some_and(is_faulty),
    }
}

/// What is said wrongly in one network by hosts without a fault.
fn wrong(seed: u64) -> Vec<String> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut lan = Lan::new(seed);
    lan.link.late = (0.02, ms(20));
    let hosts = lan.hosts(rng.random_range(3..=6));
    lan.run_for(secs(25) + ms(rng.random_range(0..10_000)));
    let ids: Vec<NodeId> = hosts.iter().map(|host| lan.hosts[host.0].config.id).collect();
    let x = rng.random_range(0..hosts.len());
    let y = (x + rng.random_range(1..hosts.len())) % hosts.len();
    let begun = lan.elapsed();
    let (first, second) =
        (FAULTS[rng.random_range(0..FAULTS.len())], FAULTS[rng.random_range(0..FAULTS.len())]);
    (first.1)(&mut lan, hosts[x]);
    let apart = ms(rng.random_range(0..APART));
    lan.run_for(apart);
    (second.1)(&mut lan, hosts[y]);
    lan.run_for(secs(40));
    // Whom both others leave at once cannot tell whether it is cut off.
    let left_alone = ids.len() == 3 && [first.0, second.0] == ["switched off"; 2] && apart < secs(10);
    let mut wrong = Vec::new();
    for logged in lan.log.iter().filter(|logged| ![x, y].contains(&logged.host.0)) {
        if let Event::Diagnosis(finding) = &logged.event
            && finding.verdict != Verdict::Ok
            && !is_of(finding, &[ids[x], ids[y]])
            && !(left_alone
                && (finding.verdict, finding.confidence) == (Verdict::LocalProblem, Confidence::Likely))
        {
            let evidence: Vec<String> = finding.evidence.iter().map(ToString::to_string).collect();
            wrong.push(format!(
                "seed {seed}, {} hosts, \"{}\" at {x}, \"{}\" at {y} {apart:?} later: {:?} after, {:?} says {} ({:?}) of {:?}, {}: {}",
                ids.len(), first.0, second.0, logged.at.saturating_sub(begun), logged.host,
                finding.verdict.as_str(), finding.confidence, finding.names, finding.pattern.as_str(), evidence.join("; "),
            ));
        }
    }
    wrong
}

#[test]
fn two_hosts_with_a_fault_each_get_no_third_one_accused() {
    let wrong: Vec<String> = (0..RUNS).flat_map(wrong).collect();
    assert!(wrong.is_empty(), "{} times:\n{}", wrong.len(), wrong.join("\n"));
}
