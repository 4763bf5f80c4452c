//! The verdict on one direction of one pair: gathers the evidence, and asks the rules.

use std::time::Duration;

use crate::engine::limits::TOLD_TIME_ERROR;

use super::grid::NodeIdx;
use super::network_view::NetworkView;
use super::pair_evidence::PairEvidence;
use super::rules;
use super::verdict::Verdict;
use super::witnesses::Witnesses;

/// The verdict; none where nothing is known, or the evidence is not settled. `steps` counts the witnesses that are heard.
pub(super) fn judge_pair(
    view: &NetworkView,
    from: NodeIdx,
    to: NodeIdx,
    witnesses: &Witnesses,
    steps: &mut usize,
) -> Option<Verdict> {
    let mine = view.observation(from, to)?;
    let masks_differ = view.masks_differ(from, to);
    if mine.is_fine() && mine.tcp.is_ok() && !masks_differ {
        return Some(Verdict::Ok);
    }
    if view.is_outdated(from, to, mine) {
        return None;
    }
    // Of other pairs it is not told when their trouble began: at the latest with the dial that failed.
    let since = view.trouble(from, to).or(mine.checked.filter(|_| mine.tcp.is_failing()));
    // Trouble that is nothing but silence is no older than the last word.
    let since =
        since.map(|since| if mine.hears().is_ok() { since } else { since.max(mine.alive.unwrap_or(since)) });
    // Where packets are lost by chance, trouble may be older than what fails now: that began after the last echo.
    let echoed = view.node(to).echoed.filter(|_| from.is_self() && mine.echo.is_failing());
    let since = since.map(|since| since.max(echoed.unwrap_or(since)));
    let told_since = since.map(|since| since + TOLD_TIME_ERROR);
    let waited = since.map(|since| view.ago(since));
    // By then it has noticed, too, that it no longer hears the other one.
    let noticed = view.row_age(to).noticed_until;
    let (icmp, setting) = (view.icmp(from, to), view.setting());
    // And where it counts what is lost all the time, it begins to count again only a while later.
    let later = if mine.is_lossy() { setting.echo_period * 2 } else { Duration::ZERO };
    let noticed = noticed.is_some_and(|until| since.is_none_or(|since| until >= since + later));
    let theirs = view.observation(to, from);
    let by_the_same_way = theirs.is_none_or(|theirs| view.is_one_way(mine, theirs));
    let believed = noticed && by_the_same_way;
    rules::verdict(&PairEvidence {
        mine,
        theirs: theirs.filter(|_| believed),
        doubt: !believed && theirs.is_some_and(|theirs| theirs.hears_udp().is_ok()),
        reverse_fails: by_the_same_way && theirs.is_some_and(|theirs| theirs.tcp.is_failing()),
        settled: view.is_settled(from, to),
        witnesses: witnesses.reports(view, (from, to), mine, told_since, steps),
        masks_differ,
        ours: from.is_self(),
        second_hand: from.is_self() && view.node(to).second_hand,
        translated: from.is_self() && view.node(to).sees_me_translated,
        icmp_code: icmp.map(|icmp| icmp.code),
        icmp_from_itself: icmp.is_some_and(|icmp| view.is_from_itself(icmp, to)),
        told_since,
        waited: waited.is_some_and(|waited| waited > setting.patience),
        waited_long: waited.is_some_and(|waited| waited > setting.patience + setting.notice),
    })
}

#[cfg(test)]
mod tests {
    use crate::engine::diagnosis::DiagnosisRun;
    use crate::engine::diagnosis::verdict::Verdict;
    use crate::engine::observation::{Observation, PathStatus};
    use crate::testkit::judged::{fine, judged_behind, nodes_that_see};
    use crate::testkit::{secs, t0};

    #[test]
    fn what_the_other_end_heard_before_it_could_notice_the_silence_says_nothing() {
        let now = t0();
        let ago = |seconds| now.checked_sub(secs(seconds));
        // The trouble with it began by chance, long before the last echo came.
        for (echoed, loss, told) in [(5, 0, None), (12, 0, Some(Verdict::OneWayUdp)), (12, 20, None)] {
            let [echo, broadcast, unicast] = [PathStatus::Failing; 3];
            let sees = |from, to| match (from, to) {
                (0, 1) => Observation { echo, broadcast, unicast, loss: Some(loss), ..fine(now) },
                _ => fine(now),
            };
            let mut nodes = nodes_that_see(4, sees, now);
            (nodes[1].trouble, nodes[1].echoed) = (ago(30), ago(echoed));
            let verdicts = DiagnosisRun::new(judged_behind(Vec::new(), nodes, now)).conclude().verdicts;
            assert_eq!(verdicts[1], told, "an echo {echoed} s ago, {loss} % lost");
        }
    }
}
