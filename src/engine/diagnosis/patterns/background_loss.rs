//! Packets that are lost everywhere alike, as on a busy Wi-Fi: no host is at fault, and what else fails is looked at as if none were.

use super::failures::Verdicts;
use crate::engine::diagnosis::grid::{Grid, NodeIdx};
use crate::engine::diagnosis::incident::{FailingPair, Incident};
use crate::engine::diagnosis::network_view::{JudgedNode, NetworkView};
use crate::engine::diagnosis::verdict::{Confidence, Pattern, Verdict};
use crate::engine::limits::BURST;

/// Fewer nodes than that cannot be told from each other.
const FEWEST: usize = 3;

/// How many standard errors more than the others a host or a path must lose to be at fault (two-proportion z-test). All of them are
/// compared again and again, so that chance has many tries.
const APART: f64 = 5.0;

/// The same where the others lose none at all: little is left there that chance can have done.
const APART_FROM_CLEAN: f64 = 3.6;

/// From how many on a host may be at fault: then it is neither said that it is nor that packets are lost everywhere.
const MAYBE_APART: f64 = 3.0;

/// Outcomes of which the share of a path is taken that counts as one: between the fewest and the most of a window. A path of which fewer
/// are known counts as less.
const OF_PATH: f64 = 24.0;

/// Packets that a host must lose, at the share that it and the others lose together, before the two are compared: of fewer the normal
/// distribution says nothing (the rule of thumb np ≥ 5).
const FEWEST_LOST: f64 = 5.0;

/// Packets are lost everywhere if at least one of so many paths loses some.
const EVERYWHERE: f64 = 3.0;

/// Paths that lose some, from which on that is told as one.
const SEVERAL: usize = 4;

/// What is lost of how many packets, by paths.
#[derive(Debug, Clone, Copy, Default)]
struct Share {
    /// The sum of what is lost by each path, as shares.
    lost: f64,
    paths: f64,
    /// How many of the paths lose any more than by chance.
    lossy: f64,
}

impl Share {
    /// Of a path of which so many outcomes are known this share is lost, in percent, and that is more than by chance or not.
    fn of_path(lost: u8, outcomes: f64, is_lossy: bool) -> Self {
        let paths = (outcomes / OF_PATH).min(1.0);
        Self { lost: f64::from(lost) / 100.0 * paths, paths, lossy: if is_lossy { paths } else { 0.0 } }
    }

    fn with(self, other: Self) -> Self {
        Self {
            lost: self.lost + other.lost,
            paths: self.paths + other.paths,
            lossy: self.lossy + other.lossy,
        }
    }

    fn without(self, other: Self) -> Self {
        Self {
            lost: self.lost - other.lost,
            paths: self.paths - other.paths,
            lossy: self.lossy - other.lossy,
        }
    }

    fn mean(self) -> f64 {
        self.lost / self.paths
    }

    /// How many standard errors this is more than another; none where there is nothing to compare. (Two-proportion z-test.)
    fn more_than(self, other: Self) -> Option<f64> {
        let both = self.with(other).mean();
        let error = both * (1.0 - both) * (1.0 / self.paths + 1.0 / other.paths) / OF_PATH;
        Some((self.mean() - other.mean()) / error.sqrt()).filter(|more| more.is_finite() && other.paths > 0.5)
    }

    /// Whether the share is that of enough packets to say of a host that it loses more than the others do.
    fn is_measured(self, other: Self) -> bool {
        self.with(other).mean() * self.paths * OF_PATH >= FEWEST_LOST
    }
}

/// Whether a host is at fault that loses more than others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Yes,
    Maybe,
    No,
}

impl Fault {
    /// By how many standard errors more it loses than the rest, what that loses, and whether it is known of enough packets.
    fn of(more: f64, rest: Share, is_measured: bool) -> Self {
        let rest_is_clean = rest.lossy < 0.5;
        if is_measured && (more >= APART || more >= APART_FROM_CLEAN && rest_is_clean) {
            Self::Yes
        } else if more >= MAYBE_APART || rest.lossy * EVERYWHERE < rest.paths {
            Self::Maybe
        } else {
            Self::No
        }
    }
}

/// What each path between some nodes loses that packets pass by, where that is known.
struct Losses {
    nodes: Vec<NodeIdx>,
    paths: Grid<Option<Share>>,
    all: Share,
    /// Of all paths from and to each node.
    of_each: Vec<Share>,
    /// Paths by which packets pass, and of which it is not known yet what they lose.
    unmeasured: usize,
}

impl Losses {
    fn of(view: &NetworkView) -> Self {
        let mut losses = Self {
            nodes: view.all().collect(),
            paths: Grid::new(view.size(), None),
            all: Share::default(),
            of_each: vec![Share::default(); view.size()],
            unmeasured: 0,
        };
        for (from, to) in view.all().flat_map(|from| view.all().map(move |to| (from, to))) {
            let Some(seen) = view.observation(from, to).filter(|seen| seen.echo.is_ok()) else { continue };
            losses.unmeasured += usize::from(seen.loss.is_none());
            if let Some(percent) = seen.loss {
                let path = share_of_path(view, (from, to), percent);
                losses.paths[(from, to)] = Some(path);
                losses.all = losses.all.with(path);
                for end in [from, to] {
                    losses.of_each[end.index()] = losses.of_each[end.index()].with(path);
                }
            }
        }
        losses
    }

    /// What is left of these paths.
    fn left(&self) -> impl Iterator<Item = (NodeIdx, NodeIdx, Share)> {
        let pairs = self.nodes.iter().flat_map(|from| self.nodes.iter().map(|to| (*from, *to)));
        pairs.filter_map(|(from, to)| Some((from, to, self.paths[(from, to)]?)))
    }

    /// The host that loses more than all others, and what speaks against it.
    fn worst(&self) -> Option<(NodeIdx, Fault)> {
        let compared = |node: NodeIdx| {
            let of_it = self.of_each[node.index()];
            let rest = self.all.without(of_it);
            let more = of_it.more_than(rest)?;
            Some((more, node, Fault::of(more, rest, of_it.is_measured(rest))))
        };
        let worst =
            self.nodes.iter().filter_map(|node| compared(*node)).max_by(|(a, ..), (b, ..)| a.total_cmp(b));
        worst.map(|(_, node, fault)| (node, fault))
    }

    fn leave_out(&mut self, node: NodeIdx) {
        self.nodes.retain(|other| *other != node);
        self.all = self.all.without(self.of_each[node.index()]);
        for other in &self.nodes {
            for lost in [(node, *other), (*other, node)].into_iter().filter_map(|path| self.paths[path]) {
                let share = &mut self.of_each[other.index()];
                *share = share.without(lost);
            }
        }
    }
}

/// What is lost by a path that is said to lose so much. Of its own paths this node knows more than it tells. Any other has had the regular
/// echoes since both ends are known, and one that loses packets a burst as well.
fn share_of_path(view: &NetworkView, (from, to): (NodeIdx, NodeIdx), percent: u8) -> Share {
    let is_lossy = percent > 0;
    if from.is_self() {
        let JudgedNode { outcomes, share_lost, .. } = *view.node(to);
        return Share::of_path(share_lost, outcomes.into(), is_lossy);
    }
    let since = [from, to].into_iter().filter(|node| !node.is_self()).map(|node| view.node(node).since).max();
    let echoes = since.map(|since| view.ago(since).div_duration_f64(view.setting().echo_period));
    let burst = if is_lossy { f64::from(BURST) } else { 0.0 };
    Share::of_path(percent, burst + echoes.unwrap_or_default(), is_lossy)
}

/// Clears the paths that lose no more than others, and says that packets are lost everywhere if many lose some.
pub(super) fn background_loss(
    view: &NetworkView,
    verdicts: &mut Verdicts,
    steps: &mut usize,
) -> Option<Incident> {
    let lossy = |verdict: Option<Verdict>| verdict == Some(Verdict::PacketLoss);
    let any = verdicts.nodes().any(|from| verdicts.row(from).iter().any(|verdict| lossy(*verdict)));
    if view.size() < FEWEST || !any {
        return None;
    }
    *steps += 2 * view.size() * view.size();
    let mut losses = Losses::of(view);
    // Who loses packets is measured at once, and the others only later.
    if losses.unmeasured > losses.left().count() {
        for from in view.all() {
            let row = verdicts.row_mut(from).iter_mut();
            row.filter(|verdict| lossy(**verdict)).for_each(|verdict| *verdict = None);
        }
        return None;
    }
    let mut worst = losses.worst();
    while let Some((node, Fault::Yes)) = worst {
        losses.leave_out(node);
        worst = losses.worst();
    }
    let unclear = worst.filter(|(_, fault)| *fault == Fault::Maybe).map(|(node, _)| node);
    let mut pairs = Vec::new();
    for (from, to, of_it) in losses.left().filter(|(from, to, _)| lossy(verdicts[(*from, *to)])) {
        let by_chance = of_it.more_than(losses.all.without(of_it)).is_some_and(|more| more < APART);
        let fails = view.observation(from, to).is_some_and(|seen| seen.tcp.is_failing());
        if by_chance && !fails {
            pairs.push(FailingPair { from, to, verdict: Verdict::PacketLoss });
        }
    }
    for FailingPair { from, to, .. } in &pairs {
        let is_clear = unclear.is_none_or(|node| *from != node && *to != node);
        let seen = view.observation(*from, *to).filter(|seen| seen.tcp.is_ok() && is_clear);
        let rest = seen.map(|seen| if seen.large.is_failing() { Verdict::Mtu } else { Verdict::Ok });
        verdicts[(*from, *to)] = rest;
    }
    // What has one end in common is lost there, and not everywhere.
    let is_of_all = |node: NodeIdx| pairs.iter().all(|pair| pair.from == node || pair.to == node);
    let has_one_end = pairs.first().is_some_and(|pair| is_of_all(pair.from) || is_of_all(pair.to));
    (pairs.len() >= SEVERAL && unclear.is_none() && !has_one_end).then(|| Incident {
        verdict: Verdict::PacketLoss,
        pattern: Pattern::Scattered,
        // All of them are measured, and none is accused.
        confidence: Confidence::Certain,
        nodes: losses.nodes.iter().rev().copied().collect(),
        pairs,
    })
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::cause::Cause;
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::testkit::judged::{fine, judged_behind, nodes_that_see, view_of};
    use crate::testkit::{secs, t0};

    /// What is found where the paths between five nodes lose these shares, in percent: verdict, pattern, and who is accused.
    fn found(loss: impl Fn(u16, u16) -> u8, dropped: Option<u16>) -> Vec<(Verdict, Pattern, u128)> {
        let now = t0();
        let sees = |from, to| {
            let seen = Observation { loss: Some(loss(from, to)), ..fine(now) };
            match dropped {
                Some(node) if node == to => {
                    Observation { tcp: PathStatus::Failing, cause: Some(Cause::TimedOut), ..seen }
                }
                _ => seen,
            }
        };
        let findings = DiagnosisRun::new(view_of(5, sees, now)).conclude().findings;
        findings.into_iter().map(|f| (f.verdict, f.pattern, f.nodes[0].0)).collect()
    }

    /// Losses as chance makes them where 5 % are lost on each way: some paths lose so few that it is none.
    fn by_chance(from: u16, to: u16) -> u8 {
        [0, 12, 15, 0, 18, 10, 0, 21][usize::from(from * 3 + to * 5) % 8]
    }

    #[test]
    fn loss_that_all_paths_have_alike_is_nobodys() {
        let told = found(by_chance, None);
        assert!(matches!(told[..], [(Verdict::PacketLoss, Pattern::Scattered, _)]), "{told:?}");
        let much = found(|from, to| 25 + by_chance(from, to), None);
        assert!(matches!(much[..], [(Verdict::PacketLoss, Pattern::Scattered, _)]), "{much:?}");
    }

    #[test]
    fn a_host_that_loses_more_than_the_others_is_accused_whatever_those_lose() {
        for background in [false, true] {
            let loss = |from, to| match (from == 3 || to == 3, background) {
                (true, _) => 60,
                (_, true) => by_chance(from, to),
                _ => 0,
            };
            let told = found(loss, None);
            assert!(told.contains(&(Verdict::PacketLoss, Pattern::Host, 3)), "{told:?}");
            assert_eq!(
                told.iter().any(|(_, pattern, _)| *pattern == Pattern::Scattered),
                background,
                "{told:?}"
            );
        }
    }

    #[test]
    fn of_a_host_that_may_or_may_not_lose_more_nothing_is_said() {
        let told = found(|from, to| if from == 3 || to == 3 { 22 } else { by_chance(from, to) }, None);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn what_all_paths_of_one_host_lose_more_than_a_few_is_not_lost_everywhere() {
        let told = found(|from, to| if from == 3 || to == 3 { 14 } else { 4 }, None);
        assert!(told.is_empty(), "{told:?}");
    }

    #[test]
    fn of_few_outcomes_nothing_is_said_of_a_host() {
        for (outcomes, told) in [(2, false), (32, true)] {
            let now = t0();
            let lost = |from, to| if from == 3 || to == 3 { 12 } else { 0 };
            let sees = |from, to| Observation { loss: Some(lost(from, to)), ..fine(now) };
            let mut nodes = nodes_that_see(5, sees, now);
            for node in &mut nodes {
                (node.outcomes, node.since) = (outcomes, now - secs(2) * outcomes.into());
            }
            let findings = DiagnosisRun::new(judged_behind(Vec::new(), nodes, now)).conclude().findings;
            assert_eq!(!findings.is_empty(), told, "{outcomes}: {findings:?}");
        }
    }

    #[test]
    fn of_few_outcomes_nothing_is_said_of_a_pair() {
        for (outcomes, told) in [(2, false), (32, true)] {
            let now = t0();
            let lost = |from: u16, to: u16| {
                if (from, to) == (0, 3) { 50 } else { by_chance(from, to) / 2 }
            };
            let sees = |from, to| Observation { loss: Some(lost(from, to)), ..fine(now) };
            let mut nodes = nodes_that_see(5, sees, now);
            for node in &mut nodes {
                (node.outcomes, node.since) = (outcomes, now - secs(2) * outcomes.into());
            }
            let findings = DiagnosisRun::new(judged_behind(Vec::new(), nodes, now)).conclude().findings;
            let of_a_pair = findings.iter().any(|finding| finding.pattern == Pattern::Pair);
            assert_eq!(of_a_pair, told, "{outcomes}: {findings:?}");
        }
    }

    #[test]
    fn another_fault_is_told_as_if_no_packets_were_lost() {
        let told = found(by_chance, Some(2));
        assert!(told.contains(&(Verdict::FirewallDrop, Pattern::Column, 2)), "{told:?}");
        assert!(
            told.iter().all(|(verdict, _, accused)| *verdict == Verdict::PacketLoss || *accused == 2),
            "{told:?}"
        );
    }
}
