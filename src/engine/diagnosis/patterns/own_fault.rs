//! What fails at this machine itself.

use super::failures::{Failures, Verdicts};
use super::islands::lost_together;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::Incident;
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::rules::OWN_FAULT;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};

/// This machine's own fault: the system says so, or everybody is gone at once.
pub(super) fn own_fault(
    view: &NetworkView,
    failures: &mut Failures,
    verdicts: &Verdicts,
) -> Option<Incident> {
    const ME: NodeIdx = NodeIdx::SELF;
    let gone =
        |verdict: Verdict| matches!(verdict, Verdict::HostDown | Verdict::NoRoute | Verdict::LocalProblem);
    let confessed = view
        .others()
        .any(|to| failures.verdict(ME, to) == Some(Verdict::LocalProblem) && blames_itself(view, ME, to));
    let mut known = view.others().filter(|to| view.observation(ME, *to).is_some());
    let is_gone = |to: NodeIdx| verdicts[(ME, to)].is_some_and(gone);
    // Who was gone long before has a trouble of its own.
    let lately = lost_together(view, view.others().filter(|to| is_gone(*to))).pop().unwrap_or_default();
    let all_gone = lately.len() >= 2 && known.all(is_gone);
    if !confessed && !all_gone {
        return None;
    }
    let pairs = failures.take(ME, |pair| {
        let local = pair.verdict == Verdict::LocalProblem;
        if pair.from == ME {
            local || all_gone && lately.contains(&pair.to)
        } else {
            confessed && local && blames_itself(view, ME, pair.from)
        }
    });
    if all_gone {
        // What others said of each other while they could be heard is no longer true or false: nothing is made of it.
        for (from, to) in view.others().flat_map(|from| view.others().map(move |to| (from, to))) {
            failures.remove(from, to);
        }
    }
    Some(Incident {
        verdict: Verdict::LocalProblem,
        pattern: Pattern::Row,
        confidence: if confessed { Confidence::Certain } else { Confidence::Likely },
        nodes: vec![ME],
        pairs,
    })
}

/// Two links of this machine are in one network and on two wires: it answers whoever is on the one by the other. That nobody there
/// can reach it follows from that.
pub(super) fn split_network(view: &NetworkView, failures: &mut Failures) -> Option<Incident> {
    view.setting().split.as_ref()?;
    let pairs = failures.take(NodeIdx::SELF, |pair| pair.to.is_self());
    Some(Incident {
        verdict: Verdict::LocalProblem,
        pattern: Pattern::Host,
        confidence: Confidence::Certain,
        nodes: vec![NodeIdx::SELF],
        pairs,
    })
}

/// Whether the system of the sender says that the fault is its own.
pub(super) fn blames_itself(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> bool {
    let cause = view.observation(from, to).and_then(|seen| seen.cause);
    cause.is_some_and(|cause| OWN_FAULT.contains(&cause))
}
