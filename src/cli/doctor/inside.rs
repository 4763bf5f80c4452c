//! The doctor of a running app: examines in a thread of its own, and tells the app how far it is.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

use super::machine::{self, Running};
use crate::app::checkup::{Check, Checkup, Examination, Grade, Remark};
use crate::app::{News, Wish};
use crate::cli::args::NodeArgs;
use crate::doctor::{CheckResult, MachineReport, Severity, examine};

/// Examines when it is asked to.
#[derive(Debug)]
pub(in crate::cli) struct Examiner {
    node: Arc<NodeArgs>,
    news: mpsc::Sender<News>,
}

impl Examiner {
    /// By these options; it tells the app there.
    pub(in crate::cli) fn new(node: &NodeArgs, news: mpsc::Sender<News>) -> Self {
        Self { node: Arc::new(node.clone()), news }
    }

    /// Does what the app wishes, if it is for the doctor. The app asks for one at a time.
    pub(in crate::cli) fn hear(&self, wish: &Wish) {
        let Wish::Examine { port, tcp_port } = *wish else { return };
        let (node, news) = (Arc::clone(&self.node), self.news.clone());
        let examining = move || {
            // An app that is gone needs no answer.
            let tell = |checkup| _ = news.blocking_send(News::Checkup(checkup));
            let facts =
                machine::look_at(&node, Some(Running { port, tcp_port }), |step| tell(Checkup::Runs(step)));
            tell(match facts {
                Ok(facts) => Checkup::Done(Arc::new(told(examine(&facts)))),
                Err(error) => Checkup::Failed(format!("cannot read this machine's interfaces: {error}")),
            });
        };
        // When the app ends nobody waits for it.
        if let Err(error) = std::thread::Builder::new().name("vigie-doctor".into()).spawn(examining) {
            let _ = self.news.try_send(News::Checkup(Checkup::Failed(error.to_string())));
        }
    }
}

fn told(MachineReport { findings, checks, .. }: MachineReport) -> Examination {
    let grade = |result| match result {
        CheckResult::Fine => Grade::Fine,
        CheckResult::Unknown => Grade::Note,
        CheckResult::Warning => Grade::Warning,
        CheckResult::Error => Grade::Error,
    };
    let checks = checks.into_iter().map(|check| Check {
        name: check.name,
        grade: grade(check.result),
        saw: check.saw,
    });
    let remarks = findings.into_iter().map(|finding| Remark {
        grade: match finding.severity {
            Severity::Info => Grade::Note,
            Severity::Warning => Grade::Warning,
            Severity::Error => Grade::Error,
        },
        what: finding.what,
        evidence: finding.evidence,
        fix: finding.fix,
    });
    Examination { at: now(), checks: checks.collect(), remarks: remarks.collect() }
}

#[expect(clippy::disallowed_methods, reason = "the edge: when the machine was seen so")]
fn now() -> Instant {
    Instant::now()
}
