//! Hosts that answer late: stopped and going, or starved.

use super::failures::Failures;
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::Incident;
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::peers::Tardiness;

/// This machine, if it is slow: what it sees of others then says nothing of them. Else those whose programs answer late, though their systems
/// answer at once; if so do most of them, it is this machine that is late, whatever it knows, and nobody is accused. What fails with a
/// slow host is the same trouble.
pub(super) fn slow_hosts(view: &NetworkView, failures: &mut Failures) -> Vec<Incident> {
    if view.setting().hesitation.is_some() {
        return vec![incident(NodeIdx::SELF, Confidence::Certain, failures)];
    }
    let is_slow = |node: &NodeIdx| matches!(view.node(*node).tardiness, Tardiness::Slow(_));
    let (slow, others): (Vec<NodeIdx>, Vec<NodeIdx>) =
        view.others().filter(|node| is_slow(node) || view.is_reached(*node)).partition(is_slow);
    for node in others.iter().filter(|node| view.node(**node).tardiness == Tardiness::Doubtful) {
        // It answers in the end, and what it answered late was not lost.
        failures.take(*node, |pair| matches!(pair.verdict, Verdict::HungPeer | Verdict::PacketLoss));
    }
    let are_few = slow.len() == 1 || slow.len() <= others.len();
    let incidents: Vec<Incident> =
        slow.into_iter().map(|node| incident(node, Confidence::Likely, failures)).collect();
    if are_few { incidents } else { Vec::new() }
}

fn incident(node: NodeIdx, confidence: Confidence, failures: &mut Failures) -> Incident {
    let pairs = failures.take(node, |_| true);
    Incident { verdict: Verdict::SlowHost, pattern: Pattern::Host, confidence, nodes: vec![node], pairs }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use crate::engine::cause::Cause;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::diagnosis::network_view::NetworkView;
    use crate::engine::diagnosis::verdict::{Confidence, Verdict};
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::peers::{Slowness, Tardiness};
    use crate::testkit::judged::{fine, judged_slow, nodes_that_see};
    use crate::testkit::{ms, t0};

    const SLOW: Slowness = Slowness { longest: ms(1_500), connect: ms(1) };

    /// Five hosts, of which these answer late, and these may; everybody sees that of everybody.
    fn view(
        slow: &[usize],
        may_be: &[usize],
        hesitation: Option<Duration>,
        sees: impl Fn(u16, u16, Instant) -> Observation,
    ) -> NetworkView {
        let now = t0();
        let mut nodes = nodes_that_see(5, |from, to| sees(from, to, now), now);
        for nth in slow {
            nodes[*nth].tardiness = Tardiness::Slow(SLOW);
        }
        for nth in may_be {
            nodes[*nth].tardiness = Tardiness::Doubtful;
        }
        judged_slow(hesitation, nodes, now)
    }

    fn found(view: NetworkView) -> Vec<(String, Verdict, Confidence)> {
        let findings = DiagnosisRun::new(view).conclude().findings;
        findings.into_iter().map(|found| (found.peer.name.clone(), found.verdict, found.confidence)).collect()
    }

    fn all_fine(_: u16, _: u16, now: Instant) -> Observation {
        fine(now)
    }

    /// The second host loses packets with everybody.
    fn lossy(from: u16, to: u16, now: Instant) -> Observation {
        let loss = if from == 1 || to == 1 { 40 } else { 0 };
        Observation { loss: Some(loss), ..fine(now) }
    }

    /// The second host does not reply.
    fn hangs(_: u16, to: u16, now: Instant) -> Observation {
        let silent = Observation { tcp: PathStatus::Failing, cause: Some(Cause::NoReply), ..fine(now) };
        if to == 1 { silent } else { fine(now) }
    }

    #[test]
    fn whatever_else_fails_with_a_slow_host_is_told_as_that() {
        let slow = [("h1".to_owned(), Verdict::SlowHost, Confidence::Likely)];
        for sees in [all_fine, lossy, hangs] {
            assert_eq!(found(view(&[1], &[], None, sees)), slow);
        }
    }

    #[test]
    fn of_one_that_may_be_slow_it_is_not_told_yet_that_it_hangs_or_loses_packets() {
        for (sees, verdict) in
            [(hangs as fn(u16, u16, Instant) -> _, Verdict::HungPeer), (lossy, Verdict::PacketLoss)]
        {
            let told = found(view(&[], &[], None, sees));
            assert_eq!((told.len(), told[0].1), (1, verdict));
            assert_eq!(found(view(&[], &[1], None, sees)), []);
        }
    }

    #[test]
    fn where_most_others_are_slow_nobody_is_accused() {
        let count = |slow: &[usize]| found(view(slow, &[], None, all_fine)).len();
        assert_eq!([count(&[1]), count(&[1, 2]), count(&[1, 2, 3]), count(&[1, 2, 3, 4])], [1, 2, 0, 0]);
    }

    #[test]
    fn this_machine_suspects_itself_first() {
        let loses_all =
            |from, _, now| Observation { loss: Some(if from == 0 { 40 } else { 0 }), ..fine(now) };
        let told = found(view(&[1], &[], Some(ms(1_500)), loses_all));
        assert_eq!(told, [("h0".to_owned(), Verdict::SlowHost, Confidence::Certain)]);
    }
}
