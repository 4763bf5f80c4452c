//! How often the diagnosis is right: `make accuracy` plays seeded networks with known faults and writes docs/accuracy.md.

pub(crate) mod failures;
pub(crate) mod kinds;
mod network;
pub(crate) mod one_fault;
pub(crate) mod page;
pub(crate) mod plots;
pub(crate) mod run;
pub(crate) mod scenario;
pub(crate) mod score;
pub(crate) mod truth;
pub(crate) mod whole;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;

use scenario::Scenario;

#[derive(Parser)]
struct Args {
    /// Plays this seed alone, and prints what happens.
    #[arg(long)]
    seed: Option<u64>,
    /// How many hosts that network has.
    #[arg(long, default_value_t = 5)]
    hosts: usize,
    /// Its background loss, in percent.
    #[arg(long, default_value_t = 0)]
    loss: u32,
    /// Plays the networks of this size only.
    #[arg(long)]
    only: Option<usize>,
    /// Prints the events of dials and peers of that seed, too.
    #[arg(long)]
    events: bool,
    /// Plays what CI plays, and writes every count of it down as expected.
    #[arg(long)]
    short: bool,
    /// Plays a share of the networks only, in percent.
    #[arg(long, default_value_t = 100)]
    share: u64,
    /// Writes what went wrong to this file.
    #[arg(long)]
    failures: Option<PathBuf>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let threads = std::thread::available_parallelism()?.get();
    if let Some(seed) = args.seed {
        replay(&Scenario::drawn(seed, args.hosts, args.loss), args.events);
        return Ok(());
    }
    if args.short {
        let outcomes = whole::play_all(&whole::drawn(whole::SHORT, 100), threads);
        return write("tests/accuracy/expected.txt", &whole::exact(&whole::sum(&outcomes)));
    }
    let mut plan = whole::drawn(whole::WHOLE, args.share);
    plan.retain(|network| args.only.is_none_or(|hosts| network.hosts == hosts));
    let outcomes = whole::play_all(&plan, threads);
    let tally = whole::sum(&outcomes);
    if let Some(path) = args.failures {
        std::fs::write(path, failures::list(&plan, &outcomes))?;
    }
    print!("{}", whole::summary(&tally));
    if args.only.is_some() {
        return Ok(());
    }
    let (networks, recoveries) =
        (one_fault::NETWORKS * args.share / 100, one_fault::RECOVERIES * args.share / 100);
    let mut wrong = one_fault::play(0..networks, threads).wrong;
    wrong.extend(one_fault::recover(0..recoveries, threads));
    write_page(&plan, &tally, args.share, wrong.len())?;
    anyhow::ensure!(wrong.is_empty(), "of networks with one fault: {}", wrong.join("\n"));
    Ok(())
}

fn write_page(plan: &[Scenario], tally: &score::Tally, share: u64, wrong: usize) -> Result<()> {
    write("docs/accuracy.md", &page::page(plan, tally, share, wrong))?;
    let [kinds, networks] = page::plots(tally);
    write("assets/accuracy-kinds.svg", &kinds)?;
    write("assets/accuracy-networks.svg", &networks)
}

fn write(path: &str, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {path}"))
}

fn replay(scenario: &Scenario, events: bool) {
    print!("{}", failures::describe(scenario));
    let outcome = run::play(scenario, true);
    let is_event = |line: &str| line.get(9..).is_some_and(|rest| !rest.starts_with(['h', '-', '!']));
    outcome.trace.iter().filter(|line| events || !is_event(line)).for_each(|line| println!("{line}"));
    for failure in &outcome.failures {
        println!("{}: {}: {}", failure.kind, failure.sort, failure.what);
    }
}
