//! What fails because this machine's own packet filter stops it.

use super::failures::Failures;
use crate::engine::cause::Cause;
use crate::engine::diagnosis::blocked::{Ways, blocked_ways, blocking_rules};
use crate::engine::diagnosis::grid::NodeIdx;
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::NetworkView;
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::packet_filter::{Direction, Traffic};

/// This machine's own packet filter stops all that fails between it and others: nobody else is accused of that.
pub(super) fn own_filter(view: &NetworkView, failures: &mut Failures) -> Option<Incident> {
    if view.setting().blocking.is_empty() {
        return None;
    }
    let me = NodeIdx::SELF;
    let directions = view.others().flat_map(|peer| [(me, peer), (peer, me)]);
    let blocked = |(from, to)| Some((from, to, blocked_ways(view, from, to)?));
    let blocked: Vec<_> = directions.filter_map(blocked).collect();
    let verdict = verdict(view, &blocked);
    let pair = |(from, to, _): &(NodeIdx, NodeIdx, _)| {
        let pair =
            FailingPair { from: *from, to: *to, verdict: failures.verdict(*from, *to).unwrap_or(verdict) };
        failures.remove(*from, *to);
        pair
    };
    let pairs: Vec<FailingPair> = blocked.iter().map(pair).collect();
    // A single other host may be gone as well.
    let confidence =
        if view.hears_anybody() || view.size() > 2 { Confidence::Certain } else { Confidence::Likely };
    (!pairs.is_empty()).then_some(Incident {
        verdict,
        pattern: Pattern::Host,
        confidence,
        nodes: vec![me],
        pairs,
    })
}

/// What is wrong with a machine whose packet filter stops this. The worst is told: what is to be done is the same.
fn verdict(view: &NetworkView, blocked: &[(NodeIdx, NodeIdx, Ways)]) -> Verdict {
    // A rule that stops connections, too, stops those to come.
    let stops_tcp = |(from, to, ways): &(NodeIdx, NodeIdx, Ways)| {
        let rules = || blocking_rules(view, *from, *to);
        ways.tcp || rules().iter().any(|rule| rule.stops.contains(&Traffic::Tcp))
    };
    if blocked.iter().any(stops_tcp) {
        let rejected = |(from, to, _): &(NodeIdx, NodeIdx, Ways)| {
            let cause = view.observation(*from, *to).and_then(|seen| seen.cause);
            cause.is_some_and(|cause| cause != Cause::TimedOut)
        };
        return if blocked.iter().any(rejected) { Verdict::FirewallReject } else { Verdict::FirewallDrop };
    }
    if !blocked.iter().any(|(.., ways)| ways.unicast) {
        return Verdict::BroadcastBlocked;
    }
    let stops = |direction| {
        let mut rules = view.setting().blocking.iter();
        rules.any(|rule| rule.direction == direction && rule.stops.contains(&Traffic::Unicast))
    };
    if stops(Direction::In) && stops(Direction::Out) { Verdict::UdpBlocked } else { Verdict::OneWayUdp }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::engine::packet_filter::{BlockingRule, IpVersion};
    use crate::engine::verdict::{Advice, Evidence};
    use crate::testkit::judged::{fine, judged_behind, nodes_that_see, view_behind};
    use crate::testkit::{blocking_rule, secs, t0};

    /// Its direction and what it stops.
    fn rule(direction: Direction, stops: &[Traffic]) -> BlockingRule {
        BlockingRule { direction, stops: stops.to_vec(), ..blocking_rule() }
    }

    fn undialable(cause: Cause, now: Instant) -> Observation {
        let checked = now.checked_sub(secs(2));
        Observation { tcp: PathStatus::Failing, cause: Some(cause), checked, ..fine(now) }
    }

    /// Whom this node accuses of what, of four nodes that see this of each other.
    fn accused(rule: BlockingRule, sees: impl Fn(u16, u16) -> Observation) -> Vec<(u128, Verdict)> {
        let found = DiagnosisRun::new(view_behind(vec![rule], 4, sees, t0())).conclude().findings;
        for finding in &found {
            let exact = matches!(&finding.advice, Advice::LetThrough { remedies } if remedies.len() == 1);
            let shown = finding.evidence.iter().any(|seen| matches!(seen, Evidence::OwnFilter { .. }));
            let own = finding.nodes[0].0 == 0;
            assert_eq!((exact, shown), (own, own), "{finding:?}");
        }
        found.iter().map(|finding| (finding.nodes[0].0, finding.verdict)).collect()
    }

    #[test]
    fn what_the_own_filter_stops_is_told_of_this_machine_whoever_sees_it() {
        let now = t0();
        let tcp_in = |_, to| if to == 0 { undialable(Cause::TimedOut, now) } else { fine(now) };
        assert_eq!(accused(rule(Direction::In, &[Traffic::Tcp]), tcp_in), [(0, Verdict::FirewallDrop)]);
        let tcp_out = |from, _| if from == 0 { undialable(Cause::TimedOut, now) } else { fine(now) };
        assert_eq!(accused(rule(Direction::Out, &[Traffic::Tcp]), tcp_out), [(0, Verdict::FirewallDrop)]);
        let deaf = |from, to| match (from, to) {
            (0, _) => Observation {
                echo: PathStatus::Failing,
                unicast: PathStatus::Failing,
                broadcast: PathStatus::Failing,
                ..fine(now)
            },
            (_, 0) => Observation { echo: PathStatus::Failing, ..fine(now) },
            _ => fine(now),
        };
        let udp = rule(Direction::In, &[Traffic::Unicast, Traffic::Broadcast]);
        assert_eq!(accused(udp, deaf), [(0, Verdict::OneWayUdp)]);
    }

    #[test]
    fn a_rule_that_does_not_explain_what_fails_changes_nothing() {
        let now = t0();
        let drops_tcp = |_, to| if to == 2 { undialable(Cause::TimedOut, now) } else { fine(now) };
        for rule in [
            rule(Direction::In, &[Traffic::Tcp]),
            rule(Direction::Out, &[Traffic::Unicast]),
            BlockingRule { ip: IpVersion::V6, ..rule(Direction::Out, &[Traffic::Tcp]) },
        ] {
            assert_eq!(accused(rule, drops_tcp), [(2, Verdict::FirewallDrop)]);
        }
        let hangs = |_, to| if to == 2 { undialable(Cause::NoReply, now) } else { fine(now) };
        let out = rule(Direction::Out, &[Traffic::Tcp]);
        assert_eq!(accused(out, hangs), [(2, Verdict::HungPeer)], "the connection stood");
    }

    #[test]
    fn a_rule_that_lets_the_echoes_of_others_pass_does_not_explain_that_those_of_one_are_lost() {
        let now = t0();
        let deaf = |from, to| match (from, to) {
            (0, 2) | (2, 0) => {
                Observation { echo: PathStatus::Failing, unicast: PathStatus::Failing, ..fine(now) }
            }
            _ => fine(now),
        };
        let stops = rule(Direction::In, &[Traffic::Unicast]);
        let of_others = |echoed: u64| {
            let mut nodes = nodes_that_see(4, deaf, now);
            for (nth, node) in nodes.iter_mut().enumerate().skip(1) {
                node.trouble = (nth == 2).then(|| now.checked_sub(secs(10)).unwrap());
                node.echoed = now.checked_sub(secs(if nth == 2 { 12 } else { echoed }));
            }
            let found = DiagnosisRun::new(judged_behind(vec![stops.clone()], nodes, now)).conclude().findings;
            found.iter().any(|finding| matches!(finding.advice, Advice::LetThrough { .. }))
        };
        assert!(of_others(12), "none came since");
        assert!(!of_others(1), "they come");
    }

    #[test]
    fn a_host_that_is_down_is_down_whatever_rules_this_machine_has() {
        let all = [Traffic::Tcp, Traffic::Unicast, Traffic::Broadcast];
        let now = t0();
        let down = |_, to| Observation {
            tcp: PathStatus::Failing,
            echo: PathStatus::Failing,
            unicast: PathStatus::Failing,
            broadcast: PathStatus::Failing,
            served: PathStatus::Unknown,
            cause: Some(Cause::TimedOut),
            checked: now.checked_sub(secs(2)),
            alive: now.checked_sub(secs(60)),
            ..if to == 2 { Observation::default() } else { fine(now) }
        };
        let sees = |from, to| if to == 2 { down(from, to) } else { fine(now) };
        for rule in [rule(Direction::Out, &all[..1]), rule(Direction::In, &all), rule(Direction::Out, &all)] {
            let found = accused(rule, sees);
            assert_eq!(found, [(2, Verdict::HostDown)]);
        }
        let all_silent = |from, to| if from == 0 { down(from, to) } else { fine(now) };
        let found = accused(rule(Direction::In, &all), all_silent);
        assert!(matches!(found[..], [(0, Verdict::FirewallDrop)]), "nobody is heard: {found:?}");
    }
}
