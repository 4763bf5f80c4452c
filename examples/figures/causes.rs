//! How soon the right cause of a fault is told by all who have to, and how soon it is over after it was mended, at default settings.
//! The faults are those of `tests/diagnosis`.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;

use crate::faults::{self, Fault, Form};
use crate::scene::{self, Program};
use crate::support::lab::{Families, Lab};

/// Labs at a time: a node mostly waits.
const AT_ONCE: usize = 4;
/// A regular dial of the defaults, and what it takes.
const DIALED: Duration = Duration::from_secs(40);
/// What is not told or over by then is not timed.
const PATIENCE: Duration = Duration::from_mins(1);

/// Faults that have one goal.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Host,
    Pair,
    Broadcasts,
    /// They have none.
    Other,
}

impl Class {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Host, "faults of a host; goal: 5 s, at most 10 s"),
        (Self::Pair, "of a pair or one direction, islands; goal: 8 s, at most 14 s"),
        (Self::Broadcasts, "broadcasts, addresses; goal: 12 s, at most 18 s"),
        (Self::Other, "strangers and names; no goal"),
    ];

    fn of(fault: &Fault) -> Self {
        match fault.verdict {
            "broadcast_blocked" | "wrong_subnet" => Self::Broadcasts,
            "isolated" | "one_way_tcp" | "no_route" | "local_problem" => Self::Pair,
            "one_way_udp" if fault.must.len() == 2 => Self::Pair,
            "wrong_group" | "version_mismatch" | "duplicate_name" => Self::Other,
            _ => Self::Host,
        }
    }
}

/// Plays one fault: milliseconds until it is told and until it is over, and how much was not as it must be. What took too long is
/// not a number.
pub(crate) fn play(vigie: &Path, nth: usize, all: bool) -> Vec<f64> {
    let path = vigie.to_string_lossy();
    let program = Program { path: &path, options: &[], soon: DIALED };
    let Some(fault) = faults::all().into_iter().nth(nth) else { return Vec::new() };
    let fault = Fault { in_time: PATIENCE, over_in_time: PATIENCE, ..fault };
    let lab = Lab::on_one_link(crate::HOSTS, Families::Ipv4);
    let outcome = scene::play(&lab, program, Form::Ipv4Alone, &fault);
    for line in outcome.complaints.iter().chain(outcome.log.iter().filter(|_| all || !outcome.is_right())) {
        eprintln!("{}: {line}", outcome.fault);
    }
    #[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
    let number = |ms: Option<u64>| ms.map_or(f64::NAN, |ms| ms as f64);
    #[expect(clippy::cast_precision_loss, reason = "a few")]
    let complaints = outcome.complaints.len() as f64;
    vec![number(outcome.told_ms), number(outcome.over_ms), complaints]
}

/// Plays each fault so many times, some at once, by this function; and prints what came of it.
pub(crate) fn report(times: usize, play: impl Fn(usize) -> Result<Vec<f64>> + Sync) {
    let faults = faults::all();
    let (next, turns) = (AtomicUsize::new(0), times * faults.len());
    let worker = || {
        let take = || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|turn| *turn < turns);
        let play = |turn| (turn % faults.len(), play(turn % faults.len()).unwrap_or_default());
        std::iter::from_fn(take).map(play).collect::<Vec<_>>()
    };
    let played: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
    });
    println!(
        "{:<36} {:>10} {:>8} {:>10} {:>8}   not as it must be",
        "fault", "told", "worst", "over", "worst"
    );
    for (class, title) in Class::ALL {
        println!("{title}");
        let of_class: Vec<_> =
            faults.iter().enumerate().filter(|(_, fault)| Class::of(fault) == class).collect();
        for (nth, fault) in &of_class {
            let turns = played.iter().filter(|(of, _)| of == nth).map(|(_, turn)| turn.as_slice());
            println!("  {:<34} {}", fault.name, times_of(turns));
        }
        let nths: Vec<usize> = of_class.iter().map(|(nth, _)| *nth).collect();
        let turns = played.iter().filter(|(of, _)| nths.contains(of)).map(|(_, turn)| turn.as_slice());
        println!("  {:<34} {}", "all", times_of(turns));
    }
}

/// Medians and worst times of some turns, in seconds, and in how many something was wrong.
fn times_of<'t>(turns: impl Iterator<Item = &'t [f64]>) -> String {
    let turns: Vec<&[f64]> = turns.collect();
    let column = |nth: usize| {
        let times: Vec<f64> = turns.iter().filter_map(|turn| turn.get(nth)).map(|ms| ms / 1e3).collect();
        let worst = times.iter().copied().max_by(f64::total_cmp).unwrap_or(f64::NAN);
        format!("{:>8.1} s {worst:>6.1} s", crate::median(&times))
    };
    let wrong = turns.iter().filter(|turn| turn.get(2).is_none_or(|complaints| *complaints > 0.0)).count();
    format!("{} {}   {wrong} of {}", column(0), column(1), turns.len())
}
