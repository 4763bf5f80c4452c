//! The page: docs/accuracy.md, from the counts of a whole run.

use std::fmt::Write as _;
use std::time::Duration;

use super::kinds::{About, KINDS, Tellers};
use super::one_fault::{NETWORKS, OVER, RECOVERIES};
use super::plots::{Row, bars};
use super::scenario::{LOSSES, MAX_FAULTS, Scenario, WITHDRAWAL};
use super::score::{Counts, Group, Tally, per_1000_hours, percentile};
use super::whole::WHOLE;

/// What a figure must be: of all, and of each kind.
const PRECISION: (f64, f64) = (0.995, 0.98);
const RECALL: (f64, f64) = (0.97, 0.9);

/// The method, its limits, and what others publish.
const METHOD: &str = include_str!("method.md");

/// The page.
pub(crate) fn page(plan: &[Scenario], tally: &Tally, share: u64, wrong_of_one: usize) -> String {
    let mut out = String::from(
        "# How often the diagnosis is right\n\n\
         Written by `make accuracy`, which plays seeded networks with known faults in memory. Nothing here is written by hand but the method.\n\n",
    );
    if share < 100 {
        let _ = writeln!(out, "These are the figures of {share} % of the networks of the whole form.\n");
    }
    out.push_str(&overall(plan, tally));
    out.push_str("\n## By kind of fault\n\n![precision and recall of each kind of fault](../assets/accuracy-kinds.svg)\n\n");
    out.push_str(&kinds(tally));
    out.push_str("\n## By size and background loss\n\n![precision and recall by size and background loss](../assets/accuracy-networks.svg)\n\n");
    out.push_str(&networks(tally));
    out.push_str("\n## By number of faults\n\n");
    out.push_str(&numbers(tally));
    out.push('\n');
    out.push_str(&one_fault(share, wrong_of_one));
    out.push_str(METHOD);
    out
}

/// The plots: of kinds, of networks.
pub(crate) fn plots(tally: &Tally) -> [String; 2] {
    let row = |name: String, counts: Counts| -> Row { (name, counts.precision(), counts.recall()) };
    let kinds: Vec<Row> = KINDS
        .iter()
        .enumerate()
        .map(|(nth, kind)| row(kind.name.into(), tally.of(Group::Kind(nth))))
        .collect();
    let networks: Vec<Row> = played(tally)
        .map(|(loss, hosts, counts)| row(format!("{hosts} hosts, {loss} % loss"), counts))
        .collect();
    [bars("By kind of fault", &kinds), bars("By size and background loss", &networks)]
}

/// The networks of the whole form, the small ones first.
fn played(tally: &Tally) -> impl Iterator<Item = (u32, usize, Counts)> {
    let sizes = WHOLE.iter().rev().map(|(hosts, _)| *hosts);
    let all = sizes.flat_map(|hosts| LOSSES.map(|loss| (loss, hosts)));
    let counted = all.map(|(loss, hosts)| (loss, hosts, tally.of(Group::Network(loss, hosts))));
    counted.filter(|(.., counts)| counts.cases > 0)
}

fn overall(plan: &[Scenario], tally: &Tally) -> String {
    let all = tally.of(Group::All);
    let faults: usize = plan.iter().map(|network| network.faults.len()).sum();
    let healthy = tally.of(Group::Healthy);
    let (wrong, hours) = (tally.accusations, tally.watched.as_secs_f64() / 3_600.0);
    format!(
        "| | | goal |\n|---|---|---|\n\
         | networks played | {} | |\n\
         | of them without any fault | {} | |\n\
         | faults | {faults} | |\n\
         | precision | {} | {:.1} % |\n\
         | recall | {} | {:.1} % |\n\
         | F1 | {} | |\n\
         | false accusations per 1 000 node-hours | {:.1} ({wrong} in {hours:.0} hours) | |\n\
         | false accusations of others by nodes at fault, per 1 000 node-hours | {:.1} | |\n\
         | wrong findings held where nothing is wrong, or not yet | {} | |\n\
         | findings of packet loss where every link loses packets, not scored | {} | |\n",
        all.cases,
        healthy.cases,
        marked(all.precision(), PRECISION.0),
        PRECISION.0 * 100.0,
        marked(all.recall(), RECALL.0),
        RECALL.0 * 100.0,
        percent(all.f1()),
        per_1000_hours(tally.accusations, tally.watched),
        per_1000_hours(tally.accusations_at_fault, tally.watched_at_fault),
        healthy.held / super::score::WHOLE,
        tally.moot,
    )
}

fn kinds(tally: &Tally) -> String {
    let mut out = format!(
        "Goals: precision {:.0} %, recall {:.0} % for each kind. ✗ marks what does not reach its goal. Times are in seconds, median and 95th percentile.\n\n\
         | fault | right verdict | told by | faults | precision | recall | F1 | first told right | withdrawn |\n\
         |---|---|---|--:|--:|--:|--:|--:|--:|\n",
        PRECISION.1 * 100.0,
        RECALL.1 * 100.0
    );
    for (nth, kind) in KINDS.iter().enumerate() {
        let counts = tally.of(Group::Kind(nth));
        let tellers = match (kind.told_by, kind.about) {
            (Tellers::All, _) => "all",
            (Tellers::Ends, _) => "the two",
            (Tellers::First, _) => "the sender",
        };
        let what = if kind.about == About::Sides {
            "`isolated` (a side)"
        } else {
            &format!("`{}`", kind.verdict.as_str())
        };
        let _ = writeln!(
            out,
            "| {} | {what} | {tellers} | {} | {} | {} | {} | {} | {} |",
            kind.name,
            counts.cases,
            marked(counts.precision(), PRECISION.1),
            marked(counts.recall(), RECALL.1),
            percent(counts.f1()),
            times(tally.told_after.get(&nth)),
            times(tally.withdrawn_after.get(&nth)),
        );
    }
    out
}

fn networks(tally: &Tally) -> String {
    let mut out = String::from(
        "| hosts | background loss | networks | precision | recall | F1 |\n|--:|--:|--:|--:|--:|--:|\n",
    );
    for (loss, hosts, counts) in played(tally) {
        let _ = writeln!(out, "| {hosts} | {loss} % | {} |{} |", counts.cases, figures(counts));
    }
    out
}

fn numbers(tally: &Tally) -> String {
    let mut out =
        String::from("| faults at a time | networks | precision | recall | F1 |\n|---|--:|--:|--:|--:|\n");
    for faults in 1..=MAX_FAULTS as usize {
        let counts = tally.of(Group::Faults(faults));
        let _ = writeln!(out, "| {faults} | {} |{} |", counts.cases, figures(counts));
    }
    let many = tally.of(Group::OfMany);
    let _ = writeln!(out, "| half of the hosts or more | {} |{} |", many.cases, figures(many));
    let grace = WITHDRAWAL.as_secs();
    let _ = writeln!(out, "\nA fault that has ended may be held for {grace} s.");
    out
}

/// The networks in which nobody may be accused of anything but their one fault.
fn one_fault(share: u64, wrong: usize) -> String {
    let (networks, recoveries) = (NETWORKS * share / 100, RECOVERIES * share / 100);
    format!(
        "## One fault, 3 to 6 hosts\n\n\
         In {networks} more networks one fault begins, at random; in {recoveries} of them it ends. There, anything that may be said of \
         that fault is right, of its ends, by anybody. Said of anybody else, or held for longer than {} s after the end: {wrong}.\n\n",
        OVER.as_secs()
    )
}

fn figures(counts: Counts) -> String {
    format!(" {} | {} | {}", percent(counts.precision()), percent(counts.recall()), percent(counts.f1()))
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

fn marked(share: f64, goal: f64) -> String {
    // Rounded down: what misses its goal by a little must not look as if it reached it.
    let shown = (share * 1_000.0).floor() / 10.0;
    if share < goal { format!("{shown:.1} % ✗") } else { format!("{shown:.1} %") }
}

fn times(times: Option<&Vec<Duration>>) -> String {
    let seconds = |percent| {
        let time = times.and_then(|times| percentile(times, percent));
        time.map_or("–".to_owned(), |time| format!("{:.1}", time.as_secs_f64()))
    };
    format!("{}, {}", seconds(50), seconds(95))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_misses_its_goal_is_marked_and_never_rounded_up_to_it() {
        assert_eq!(marked(0.994_99, 0.995), "99.4 % ✗");
        assert_eq!(marked(0.995, 0.995), "99.5 %");
    }
}
