//! What went wrong, for whoever mends it: by kind and sort, with the simplest network that shows it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::run::{Failure, Outcome};
use super::scenario::Scenario;

/// Networks that are named of each sort.
const NAMED: usize = 6;

/// A failure, and where it was.
type Case<'a> = (&'a Scenario, &'a Failure);

/// A network in a few lines.
pub(crate) fn describe(scenario: &Scenario) -> String {
    let Scenario { seed, hosts, loss, faults, deeds, lasts, .. } = scenario;
    let mut out = format!("seed {seed}, {hosts} hosts, {loss} % loss, {} s\n", lasts.as_secs());
    for fault in faults.iter().take(8) {
        let ends = fault.ends.map_or("never".into(), |ends| format!("{:.1}", ends.as_secs_f64()));
        let begins = fault.begins.as_secs_f64();
        let _ = writeln!(out, "  {}, {begins:.1} to {ends}", fault.place());
    }
    if faults.len() > 8 {
        let _ = writeln!(out, "  and {} more", faults.len() - 8);
    }
    for (at, host, deed) in deeds {
        let _ = writeln!(out, "  h{} {deed:?} at {:.1}", host.0, at.as_secs_f64());
    }
    out
}

/// All failures of these networks.
pub(crate) fn list(plan: &[Scenario], outcomes: &[Outcome]) -> String {
    let mut sorts: BTreeMap<(u32, &str, &str), Vec<Case<'_>>> = BTreeMap::new();
    for (scenario, outcome) in plan.iter().zip(outcomes) {
        for failure in &outcome.failures {
            sorts.entry((scenario.loss, failure.kind, &failure.sort)).or_default().push((scenario, failure));
        }
    }
    let mut sorts: Vec<_> = sorts.into_iter().collect();
    sorts.sort_by_key(|((loss, ..), found)| (*loss, std::cmp::Reverse(found.len())));
    let mut out = String::from(
        "# What went wrong\n\nReplay: `make accuracy ARGS=\"--seed S --hosts N --loss L\"` (`--events` prints all events).\n\n",
    );
    for ((loss, kind, sort), mut found) in sorts {
        found.sort_by_key(|(s, _)| (s.faults.len() + s.deeds.len(), s.hosts, s.loss, s.seed));
        let mut of: Vec<_> = found.iter().map(|(s, _)| (s.seed, s.hosts, s.loss)).collect();
        of.dedup();
        let seeds: Vec<String> = of
            .iter()
            .take(NAMED)
            .map(|(seed, hosts, loss)| format!("--seed {seed} --hosts {hosts} --loss {loss}"))
            .collect();
        let _ = writeln!(
            out,
            "## {loss} % loss, {kind}: {sort}\n\n{} nodes in {} networks: {}\n",
            found.len(),
            of.len(),
            seeds.join(", ")
        );
        let (scenario, _) = found[0];
        let _ = write!(out, "```\n{}", describe(scenario));
        for (_, failure) in found.iter().filter(|(s, _)| std::ptr::eq(*s, scenario)).take(4) {
            let _ = writeln!(out, "{}", failure.what);
        }
        out.push_str("```\n\n");
    }
    out
}
