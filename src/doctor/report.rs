//! What the examination of a machine says: the contract's `doctor --json`.

use serde::Serialize;

use crate::text::plain;

/// Everything that is said about a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineReport {
    /// Version of this form.
    pub v: u8,
    /// No finding is worse than an information.
    pub ok: bool,
    /// The worst first.
    pub findings: Vec<MachineFinding>,
    /// In the order in which a packet depends on them.
    pub checks: Vec<MachineCheck>,
}

/// Something that the user should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineFinding {
    /// How bad it is.
    pub severity: Severity,
    /// In one line.
    pub what: String,
    /// What was read or tried, and where.
    pub evidence: String,
    /// What fixes it.
    pub fix: String,
}

impl MachineFinding {
    pub(super) fn new(
        severity: Severity,
        what: impl Into<String>,
        evidence: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { severity, what: what.into(), evidence: evidence.into(), fix: fix.into() }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know, and nothing is wrong.
    Info,
    /// It can go wrong, or does for some.
    Warning,
    /// Vigie cannot do its work.
    Error,
}

/// One examination and what it saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MachineCheck {
    /// What was examined.
    pub name: &'static str,
    /// How it went.
    pub result: CheckResult,
    /// What was seen, in one line.
    pub saw: String,
}

/// How an examination went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckResult {
    /// Nothing is wrong.
    Fine,
    /// This system does not tell.
    Unknown,
    /// Something can go wrong.
    Warning,
    /// Something is wrong.
    Error,
}

/// What an examination brings.
#[derive(Debug, Default)]
pub(super) struct Examined {
    /// What was seen, if nothing is wrong.
    pub(super) saw: String,
    /// This system does not tell.
    pub(super) unknown: bool,
    /// What is to be said.
    pub(super) findings: Vec<MachineFinding>,
}

impl Examined {
    /// How it went: the first of the worst findings, or what was seen.
    pub(super) fn check(&self, name: &'static str) -> MachineCheck {
        let worst = self.findings.iter().rev().max_by_key(|finding| finding.severity);
        let result = match worst.map(|finding| finding.severity) {
            Some(Severity::Error) => CheckResult::Error,
            Some(Severity::Warning) => CheckResult::Warning,
            Some(Severity::Info) | None if self.unknown => CheckResult::Unknown,
            Some(Severity::Info) | None => CheckResult::Fine,
        };
        let saw = match worst {
            Some(worst) if worst.severity > Severity::Info => &worst.what,
            _ => &self.saw,
        };
        MachineCheck { name, result, saw: plain(saw) }
    }
}
