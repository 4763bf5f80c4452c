//! Broadcasts that chance may have lost, as it loses echoes: all that are missing at one receiver, or of one sender, are taken together.

use super::failures::Verdicts;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::Verdict;
use crate::engine::observation::{FEWEST_MISSING, MISSING_BY_CHANCE, missing_by, one_way};

/// How likely it may be that chance lost all that are missing. The share of the echoes that are lost is the most that one direction loses:
/// where both lose as many, this is the square of it.
const BY_CHANCE: f64 = 1e-4;

/// The least share that counts as lost: on Wi-Fi an access point repeats a lost unicast, and never a broadcast.
const LEAST: f64 = 0.04;

/// Says nothing yet of pairs whose missing broadcasts may be lost by chance.
pub(super) fn leave_out_chance(view: &NetworkView, verdicts: &mut Verdicts, steps: &mut usize) {
    let all = || view.all().flat_map(|from| view.all().map(move |to| (from, to)));
    let blocked: Vec<(NodeIdx, NodeIdx)> =
        all().filter(|pair| verdicts[*pair] == Some(Verdict::BroadcastBlocked)).collect();
    *steps += view.size() * view.size() + blocked.len();
    // The logarithm of how likely chance loses those that are missing: by who misses them, and whose they are.
    let (mut at, mut of) = (vec![0.0; view.size()], vec![0.0; view.size()]);
    for (from, to) in blocked.iter().copied() {
        let chance = chance(view, from, to);
        at[from.index()] += chance;
        of[to.index()] += chance;
    }
    for (from, to) in blocked {
        if at[from.index()].min(of[to.index()]) > BY_CHANCE.ln() {
            verdicts[(from, to)] = None;
        }
    }
}

/// The logarithm of how likely chance loses as many broadcasts in a row as one node misses of another.
fn chance(view: &NetworkView, from: NodeIdx, to: NodeIdx) -> f64 {
    let lost = view.observation(from, to).and_then(|seen| seen.loss).unwrap_or(0);
    let lost = (f64::from(lost) / 100.0).clamp(LEAST, 1.0);
    let told = missing_by(MISSING_BY_CHANCE, one_way(lost)).max(FEWEST_MISSING);
    let missing = if from.is_self() { view.missing_broadcasts(to).max(told) } else { told };
    f64::from(missing) * lost.ln()
}

#[cfg(test)]
mod tests {
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::diagnosis::verdict::Verdict;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::testkit::judged::{fine, view_of};
    use crate::testkit::t0;

    /// Whether missing broadcasts are told, where these pairs miss them and so many percent of the echoes are lost.
    fn told(misses: impl Fn(u16, u16) -> bool, loss: u8) -> bool {
        let now = t0();
        let sees = |from, to| {
            let broadcast = if misses(from, to) { PathStatus::Failing } else { PathStatus::Ok };
            Observation { broadcast, loss: Some(loss), ..fine(now) }
        };
        let findings = DiagnosisRun::new(view_of(5, sees, now)).conclude().findings;
        findings.iter().any(|finding| finding.verdict == Verdict::BroadcastBlocked)
    }

    #[test]
    fn what_one_node_misses_of_one_may_be_lost_by_chance() {
        for loss in [0, 10, 36] {
            assert!(!told(|from, to| (from, to) == (2, 3), loss), "{loss} %");
        }
    }

    #[test]
    fn what_nobody_hears_of_one_and_what_one_hears_of_nobody_is_told() {
        for loss in [0, 10, 36] {
            assert!(told(|_, to| to == 3, loss), "{loss} %: of one");
            assert!(told(|from, _| from == 3, loss), "{loss} %: of nobody");
        }
    }
}
