//! What the facts mean. Nothing here touches the machine: each examination is a function of the facts.

mod links;
mod rules;
mod sockets;
mod system;

use serde::Serialize;

use crate::text::plain;

use super::facts::Facts;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Severity {
    /// Good to know, and nothing is wrong.
    Info,
    /// It can go wrong, or does for some.
    Warning,
    /// Vigie cannot do its work.
    Error,
}

/// Something that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) severity: Severity,
    /// In one line.
    pub(super) what: String,
    /// What was read or tried, and where.
    pub(super) evidence: String,
    /// What mends it.
    pub(super) fix: String,
}

impl Finding {
    fn new(
        severity: Severity,
        what: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity, what: what.into(), evidence: evidence.into(), fix: fix.into() }
    }
}

/// How an examination went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    Fine,
    /// It could not be told here.
    Unknown,
    Warning,
    Error,
}

/// One examination and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) result: Mark,
    /// What was seen, in one line.
    pub(super) saw: String,
}

/// All that is said about a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    pub(super) v: u8,
    /// No finding is worse than an information.
    pub(super) ok: bool,
    /// The worst first.
    pub(super) findings: Vec<Finding>,
    pub(super) checks: Vec<Check>,
}

/// What an examination brings.
#[derive(Debug, Default)]
struct Outcome {
    /// What was seen, if nothing is wrong.
    saw: String,
    unknown: bool,
    findings: Vec<Finding>,
}

/// Looks at one side of the facts.
type Examination = fn(&Facts) -> Outcome;

/// What is examined, in the order in which a packet depends on it.
const EXAMINATIONS: [(&str, Examination); 9] = [
    ("interfaces", links::interfaces),
    ("networks", links::networks),
    ("broadcast", sockets::broadcast),
    ("UDP port", sockets::udp),
    ("TCP port", sockets::tcp),
    ("firewall", rules::firewall),
    ("routes", system::routes),
    ("packet size", links::packet_size),
    ("limits", system::limits),
];

/// Examines everything.
pub(super) fn examine(facts: &Facts) -> Report {
    let (mut findings, mut checks) = (Vec::new(), Vec::new());
    for (name, examination) in EXAMINATIONS {
        let outcome = examination(facts);
        // The first of the worst.
        let worst = outcome.findings.iter().rev().max_by_key(|finding| finding.severity);
        let result = match worst.map(|finding| finding.severity) {
            Some(Severity::Error) => Mark::Error,
            Some(Severity::Warning) => Mark::Warning,
            Some(Severity::Info) | None if outcome.unknown => Mark::Unknown,
            Some(Severity::Info) | None => Mark::Fine,
        };
        let saw = match worst {
            Some(worst) if worst.severity > Severity::Info => worst.what.clone(),
            _ => outcome.saw,
        };
        checks.push(Check { name, result, saw: plain(&saw) });
        findings.extend(outcome.findings);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for Finding { what, evidence, fix, .. } in &mut findings {
        for text in [what, evidence, fix] {
            *text = plain(text);
        }
    }
    let ok = findings.iter().all(|finding| finding.severity == Severity::Info);
    Report { v: 1, ok, findings, checks }
}

#[cfg(test)]
mod tests;
