//! What came of one fault, as a line between the lab and the test outside of it; and the table of all.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::faults::Fault;

/// Marks the line of standard output that holds the outcome.
const MARK: &str = "OUTCOME ";

/// What came of one fault.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) fault: String,
    pub(crate) expected: String,
    /// For each observer that had to say something: what it said of whom it had to, or `-`. Then what was told wrongly.
    pub(crate) told: Vec<String>,
    /// Until all who had to had said it, in milliseconds.
    pub(crate) told_ms: Option<u64>,
    /// Until nobody said it any longer and all peers were up again, after the fault was gone.
    pub(crate) over_ms: Option<u64>,
    /// Each thing that was not as it must be, in a sentence.
    pub(crate) complaints: Vec<String>,
    /// What every node told, for a person to look at.
    pub(crate) log: Vec<String>,
}

impl Outcome {
    pub(crate) fn is_right(&self) -> bool {
        self.complaints.is_empty()
    }
}

/// Prints it, inside of the lab.
pub(crate) fn print(outcome: &Outcome) {
    let Outcome { fault, expected, told, told_ms, over_ms, complaints, log } = outcome;
    let line = json!({"fault": fault, "expected": expected, "told": told, "told_ms": told_ms, "over_ms": over_ms,
                      "complaints": complaints, "log": log});
    println!("{MARK}{line}");
}

/// Reads it, outside.
#[track_caller]
pub(crate) fn read(out: &str) -> Outcome {
    let line = out.lines().find_map(|line| line.split_once(MARK)).expect("the lab prints its outcome").1;
    let document: Value = serde_json::from_str(line).expect("the outcome is JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |key: &str| document[key].as_array().into_iter().flatten().map(text).collect();
    Outcome {
        fault: text(&document["fault"]),
        expected: text(&document["expected"]),
        told: texts("told"),
        told_ms: document["told_ms"].as_u64(),
        over_ms: document["over_ms"].as_u64(),
        complaints: texts("complaints"),
        log: texts("log"),
    }
}

/// Of a lab that came to no outcome.
pub(crate) fn broken(fault: &Fault, out: &str, err: &str) -> Outcome {
    Outcome {
        fault: fault.name.clone(),
        expected: fault.verdict.to_owned(),
        told: vec!["broken".to_owned()],
        complaints: vec![format!("the lab broke:\n{out}\n{err}")],
        ..Outcome::default()
    }
}

/// Prints how each fault went, and what was told for what.
pub(crate) fn report(outcomes: &[Outcome]) {
    println!("\n{:<52} {:<18} {:>8} {:>8}", "fault", "expected", "told", "over");
    let seconds =
        |ms: Option<u64>| ms.map_or("-".to_owned(), |ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100));
    for outcome in outcomes {
        let Outcome { fault, expected, told_ms, over_ms, .. } = outcome;
        let mark = if outcome.is_right() { "" } else { "  WRONG" };
        println!("{fault:<52} {expected:<18} {:>8} {:>8}{mark}", seconds(*told_ms), seconds(*over_ms));
        for complaint in &outcome.complaints {
            println!("    {complaint}");
        }
        if !outcome.is_right() {
            outcome.log.iter().for_each(|line| println!("      {line}"));
        }
    }
    let mut counts: BTreeMap<&str, BTreeMap<&str, usize>> = BTreeMap::new();
    for outcome in outcomes {
        for told in &outcome.told {
            *counts.entry(&outcome.expected).or_default().entry(told).or_default() += 1;
        }
    }
    println!(
        "\nconfusion matrix: of what was expected of each observer, what was told (`-`: nothing in time)"
    );
    for (expected, told) in &counts {
        let cells: Vec<String> = told.iter().map(|(told, count)| format!("{told} {count}")).collect();
        let all_right = told.keys().all(|told| told == expected);
        println!("{expected:<18} {}{}", cells.join(", "), if all_right { "" } else { "   <-- WRONG" });
    }
    let slowest = outcomes.iter().filter_map(|outcome| outcome.told_ms).max();
    println!(
        "{} of {} faults are told right, the slowest after {}",
        outcomes.iter().filter(|outcome| outcome.is_right()).count(),
        outcomes.len(),
        seconds(slowest)
    );
}
