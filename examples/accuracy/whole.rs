//! Which networks are played, and all of them side by side. What comes out does not depend on how many threads there are.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use super::kinds::KINDS;
use super::run::{Outcome, play};
use super::scenario::{LOSSES, Scenario};
use super::score::{Counts, Group, Tally, per_1000_hours, percentile};

/// How many networks of a size are played, for each background loss in the order of [`LOSSES`].
pub(crate) type Plan<'a> = &'a [(usize, [u64; 3])];

/// The whole form. The large ones are few where much is lost: every node then looks at all pairs every second.
pub(crate) const WHOLE: Plan<'static> =
    &[(200, [1, 0, 0]), (50, [12, 1, 1]), (20, [100, 25, 25]), (5, [1_700, 1_700, 1_700])];
/// What CI plays.
pub(crate) const SHORT: Plan<'static> = &[(20, [3, 0, 0]), (5, [40, 30, 30])];

/// The networks of a plan, or a share of them, in percent.
pub(crate) fn drawn(plan: Plan<'_>, share: u64) -> Vec<Scenario> {
    let mut networks = Vec::new();
    for (hosts, runs) in plan {
        for (loss, runs) in LOSSES.into_iter().zip(runs) {
            let count = runs * share / 100;
            networks.extend((0..count).map(|seed| Scenario::drawn(seed, *hosts, loss)));
        }
    }
    networks
}

/// Plays them all; the outcomes are in the order of the networks.
///
/// # Panics
/// If a run does.
pub(crate) fn play_all(plan: &[Scenario], threads: usize) -> Vec<Outcome> {
    in_parallel(plan.iter(), threads, |network| play(network, false))
}

/// Does this with each of them, several side by side; the results are in their order.
///
/// # Panics
/// If the work does.
pub(crate) fn in_parallel<N: Send, T: Send>(
    items: impl Iterator<Item = N> + Send,
    threads: usize,
    work: impl Fn(N) -> T + Sync,
) -> Vec<T> {
    let next = Mutex::new(items.enumerate());
    let one_thread = || {
        let mut done = Vec::new();
        loop {
            let taken = next.lock().expect("nobody panics").next();
            let Some((nth, item)) = taken else { return done };
            done.push((nth, work(item)));
        }
    };
    let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(one_thread)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("nobody panics")).collect()
    });
    all.sort_by_key(|(nth, _)| *nth);
    all.into_iter().map(|(_, result)| result).collect()
}

/// All counts together.
pub(crate) fn sum(outcomes: &[Outcome]) -> Tally {
    let mut tally = Tally::default();
    for outcome in outcomes {
        tally.merge(outcome.tally.clone());
    }
    tally
}

/// The figures, for a terminal.
pub(crate) fn summary(tally: &Tally) -> String {
    let mut out = String::new();
    let seconds = |times: Option<&Vec<Duration>>, percent| {
        let time = times.and_then(|times| percentile(times, percent));
        time.map_or("-".into(), |time| format!("{:.1}", time.as_secs_f64()))
    };
    for (nth, kind) in KINDS.iter().enumerate() {
        let counts = tally.of(Group::Kind(nth));
        let (told, over) = (tally.told_after.get(&nth), tally.withdrawn_after.get(&nth));
        let _ = writeln!(
            out,
            "{:<30} {:>5} P {:.4} R {:.4} told {:>5} {:>5} withdrawn {:>5} {:>5}",
            kind.name,
            counts.cases,
            counts.precision(),
            counts.recall(),
            seconds(told, 50),
            seconds(told, 95),
            seconds(over, 50),
            seconds(over, 95),
        );
    }
    for (group, counts) in &tally.counts {
        if !matches!(group, Group::Kind(_)) {
            let (p, r) = (counts.precision(), counts.recall());
            let _ = writeln!(out, "{group:?} {} P {p:.4} R {r:.4} held {}", counts.cases, counts.held / 2);
        }
    }
    let _ = writeln!(
        out,
        "false accusations per 1000 node-hours: {:.2} ({} in {:.0} h), by nodes at fault {:.2}",
        per_1000_hours(tally.accusations, tally.watched),
        tally.accusations,
        tally.watched.as_secs_f64() / 3_600.0,
        per_1000_hours(tally.accusations_at_fault, tally.watched_at_fault)
    );
    out
}

/// Every count of a tally, a line each, to be compared as it is.
pub(crate) fn exact(tally: &Tally) -> String {
    let mut out = String::from("group: cases, held, right, due, told (in halves)\n");
    for (group, counts) in &tally.counts {
        let name = match group {
            Group::Kind(nth) => KINDS[*nth].name.to_owned(),
            other => format!("{other:?}"),
        };
        let Counts { cases, held, right, due, told } = counts;
        let _ = writeln!(out, "{name}: {cases}, {held}, {right}, {due}, {told}");
    }
    let total = |times: &BTreeMap<usize, Vec<Duration>>| {
        let all = || times.values().flatten();
        (all().count(), all().map(Duration::as_millis).sum::<u128>())
    };
    let Tally { moot, accusations, accusations_at_fault, .. } = tally;
    let _ = writeln!(out, "told first, times and ms in all: {:?}", total(&tally.told_after));
    let _ = writeln!(out, "withdrawn, times and ms in all: {:?}", total(&tally.withdrawn_after));
    let _ = writeln!(
        out,
        "not scored: {moot}; false accusations: {accusations}, by nodes at fault {accusations_at_fault}"
    );
    out
}
