//! Many real nodes among all that can go wrong, for long: `make soak`. The hosts are network namespaces of one machine; nothing leaves it.
//!
//! What is done to them, and what must hold in the end, stands in [`trouble`] and [`scenario`]; a short form is a test in
//! `tests/program/namespaces.rs`. A seed says what happens to whom: a run that fails is done again with it.

mod scenario;
#[path = "../../tests/support/mod.rs"]
mod support;
mod trouble;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::Parser;

use scenario::{Plan, soak};
use support::lab::{Families, Lab, missing, unshare};

#[derive(Parser)]
struct Args {
    /// The program, a release build.
    vigie: PathBuf,
    /// How many nodes.
    #[arg(long, default_value_t = 20)]
    nodes: u8,
    /// How long things go wrong, in seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// What happens to whom.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Within namespaces of its own already.
    #[arg(long, hide = true)]
    inside: bool,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if args.inside {
        let lab = Lab::on_one_link(args.nodes, Families::Ipv4);
        let plan =
            Plan { nodes: args.nodes.into(), lasts: Duration::from_secs(args.seconds), seed: args.seed };
        let figures = soak(&lab, &args.vigie, &plan);
        println!("{figures}");
        return Ok(());
    }
    if let Some(missing) = missing() {
        println!("SKIPPED: {missing}");
        return Ok(());
    }
    let mut command = unshare(&std::env::current_exe()?);
    command.arg("--inside").arg(args.vigie.canonicalize().context("the program is not there")?);
    command.args(["--nodes".into(), args.nodes.to_string(), "--seconds".into(), args.seconds.to_string()]);
    command.args(["--seed".into(), args.seed.to_string()]);
    let status = command.status().context("unshare does not start")?;
    ensure!(status.success(), "it failed; the same again: --seed {}", args.seed);
    Ok(())
}
