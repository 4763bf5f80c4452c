//! What is or was wrong: each finding from its first telling to its end, made of the open ones and of the journal.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use super::{Model, What};
use crate::engine::verdict::{Finding, Verdict};

/// A finding, and when it was over.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// As it was told last.
    pub finding: Arc<Finding>,
    /// None while it holds.
    pub ended: Option<Instant>,
}

impl Model {
    /// The open findings, the gravest first, and then those that are over, as far as the journal goes back, the last first.
    pub fn incidents(&self) -> Vec<Incident> {
        let open = self.matrix.findings().iter();
        let mut incidents: Vec<_> =
            open.map(|finding| Incident { finding: Arc::clone(finding), ended: None }).collect();
        let mut listed: HashSet<_> = incidents.iter().map(|incident| incident.finding.id).collect();
        let mut ends = HashMap::new();
        for (_, entry) in self.journal.newest().into_iter().flat_map(|newest| self.journal.back_from(newest))
        {
            let What::Diagnosed { finding } = &entry.what else { continue };
            if let Some(corrected) = finding.replaces {
                ends.entry(corrected).or_insert(entry.at);
            }
            if finding.verdict == Verdict::Ok {
                ends.entry(finding.id).or_insert(entry.at);
            } else if listed.insert(finding.id) {
                // Where its end was missed, it was last told of then.
                let ended = ends.get(&finding.id).copied().unwrap_or(entry.at);
                incidents.push(Incident { finding: Arc::clone(finding), ended: Some(ended) });
            }
        }
        incidents
    }
}
