//! What IPv6 and many links cost, how soon a killed process and a host that is cut off are known, and how soon the cause of a fault
//! is told, on hosts with real kernels: `make figures`, or `make figures BEFORE=path` to compare with an older program.
//!
//! The hosts are network namespaces of one machine; nothing leaves it. Each turn has namespaces of its own, which this program
//! enters by running itself again; sides that are compared take turns, and what is printed are the medians.

mod alarms;
mod causes;
mod cost;
mod discovery;
#[path = "../../tests/diagnosis/faults.rs"]
#[expect(dead_code, reason = "the tests have hosts of both families")]
mod faults;
mod lost;
#[path = "../../tests/diagnosis/outcome.rs"]
#[expect(dead_code, reason = "the tests print whole tables")]
mod outcome;
#[path = "../../tests/diagnosis/scene.rs"]
#[expect(dead_code, reason = "the tests are quick")]
mod scene;
mod start;
#[path = "../../tests/diagnosis/starved.rs"]
mod starved;
#[path = "../../tests/support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use clap::{Parser, Subcommand, ValueEnum};

use alarms::Trouble;
use cost::Program;
use lost::Loss;
use support::lab::{Families, missing, unshare};

/// Turns of each network of the comparison.
const ROUNDS: usize = 3;

/// Hosts of a network in which a fault is made.
const HOSTS: u8 = 4;

#[derive(Parser)]
struct Args {
    /// The program to be measured, a release build.
    vigie: PathBuf,
    /// An older one, to compare its cost with.
    #[arg(long)]
    before: Option<PathBuf>,
    /// The agent of serf, to compare the cost with.
    #[arg(long)]
    serf: Option<PathBuf>,
    /// Only this figure.
    #[arg(long)]
    only: Option<Figure>,
    /// How many hosts the networks have whose cost is measured.
    #[arg(long, default_value_t = 101)]
    hosts: u16,
    /// How often each fault is made whose cause is to be told.
    #[arg(long, default_value_t = 3)]
    times: usize,
    /// Say of each fault whose cause is to be told all that the hosts told, on stderr.
    #[arg(long)]
    all: bool,
    /// How long networks live in which a healthy host could be accused.
    #[arg(long, default_value = "10m", value_parser = humantime::parse_duration)]
    time: Duration,
    #[command(subcommand)]
    turn: Option<Turn>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    Discovery,
    Links,
    Killed,
    CutOff,
    Causes,
    Alarms,
    Cost,
}

/// What is done inside of the namespaces. Its results are numbers, on stdout.
#[derive(Clone, Copy, Subcommand)]
#[command(hide = true)]
enum Turn {
    Discovery { net: Net },
    Start,
    Datagrams,
    Lost { how: Loss },
    Cause { nth: usize },
    Alarms { trouble: Trouble },
    Cost { net: Net },
    CostOfSerf,
}

/// By what the hosts of a turn speak.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Net {
    Ipv4,
    Ipv6,
    Both,
}

impl From<Net> for Families {
    fn from(net: Net) -> Self {
        match net {
            Net::Ipv4 => Self::Ipv4,
            Net::Ipv6 => Self::Ipv6,
            Net::Both => Self::Both,
        }
    }
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(turn) = args.turn {
        print(&run(turn, &args));
        return Ok(());
    }
    if let Some(missing) = missing() {
        println!("SKIPPED: {missing}");
        return Ok(());
    }
    let wanted = |figure| args.only.is_none_or(|only| only == figure);
    if wanted(Figure::Discovery) {
        discovery(&args)?;
    }
    if wanted(Figure::Links) {
        links(&args)?;
    }
    if wanted(Figure::Killed) {
        lost(&args, Loss::Killed, "kill -9 of", "50 ms, at most 250 ms")?;
    }
    if wanted(Figure::CutOff) {
        lost(&args, Loss::CutOff, "cutting off", "2000 ms, at most 3000 ms")?;
    }
    if wanted(Figure::Causes) {
        let cause = |nth: usize| {
            let nth = nth.to_string();
            let turn = ["--all", "cause", &nth];
            inside(&args.vigie, &args, if args.all { &turn } else { &turn[1..] })
        };
        causes::report(args.times, cause);
    }
    if wanted(Figure::Alarms) {
        alarms(&args)?;
    }
    if wanted(Figure::Cost) {
        cost(&args)?;
    }
    Ok(())
}

fn run(turn: Turn, args: &Args) -> Vec<f64> {
    match turn {
        Turn::Discovery { net } => discovery::known_after(&args.vigie, net.into()),
        Turn::Start => start::times(&args.vigie),
        Turn::Datagrams => start::datagrams(&args.vigie),
        Turn::Lost { how } => lost::known_after(&args.vigie, how),
        Turn::Alarms { trouble } => alarms::of(&args.vigie, trouble, args.time),
        Turn::Cause { nth } => causes::play(&args.vigie, nth, args.all),
        Turn::Cost { net } => cost::of_one(Program::Vigie(&args.vigie), args.hosts, net.into()),
        Turn::CostOfSerf => cost::of_one(Program::Serf(&args.vigie), args.hosts, Families::Ipv4),
    }
}

fn discovery(args: &Args) -> Result<()> {
    for (net, name, goal) in
        [(Net::Ipv6, "IPv6 only", "; goal: at most 5 ms"), (Net::Ipv4, "IPv4 only", ", for comparison")]
    {
        let times = inside(&args.vigie, args, &["discovery", &word(&net)])?;
        println!("discovery by {name}, `started` to known both ways: {}{goal}", spread(&times, "ms"));
    }
    Ok(())
}

fn links(args: &Args) -> Result<()> {
    let times = inside(&args.vigie, args, &["start"])?;
    let (one, many): (Vec<_>, Vec<_>) = times.chunks_exact(2).map(|pair| (pair[0], pair[1])).unzip();
    println!("process start to `started`, a host with one link: {}", spread(&one, "ms"));
    println!("with 24 bridges and 3 point-to-point links more: {}", spread(&many, "ms"));
    println!("  difference {:+.2} ms; goal: within 1 ms", median(&many) - median(&one));
    let counted = inside(&args.vigie, args, &["datagrams"])?;
    let [rounds, links4, most4, links6, most6, wide] = counted[..] else {
        anyhow::bail!("six counts are expected, not {counted:?}")
    };
    println!("in {rounds} rounds, the 3 of the start among them, such a host sent on any link at most");
    println!(
        "  {most4} directed broadcasts by IPv4 (on {links4} links), {most6} multicasts by IPv6 (on {links6});"
    );
    println!("  goal: {rounds}. Copies to the limited broadcast address: at most {wide}");
    println!("  (with each round of the start, then not oftener than every 10 s)");
    Ok(())
}

fn lost(args: &Args, how: Loss, what: &str, goal: &str) -> Result<()> {
    let sides = [("", Some(&args.vigie)), (", before", args.before.as_ref())];
    for (side, vigie) in sides.into_iter().filter_map(|(side, vigie)| Some((side, vigie?))) {
        let times = inside(vigie, args, &["lost", &word(&how)])?;
        println!("{what} one of 5, known to all{side}: {}; goal: {goal}", spread(&times, "ms"));
    }
    Ok(())
}

fn alarms(args: &Args) -> Result<()> {
    println!("10 hosts for {}; goal: no false alarm", humantime::format_duration(args.time));
    for trouble in Trouble::ALL {
        let counts = inside(&args.vigie, args, &["alarms", &word(&trouble)])?;
        let [wrong, right, aware] = counts[..] else {
            anyhow::bail!("three counts are expected, not {counts:?}")
        };
        let name = trouble.name();
        println!(
            "  {name:<28} {wrong} false alarms; of the host at fault {right}, which {aware} hosts hold at the end"
        );
    }
    Ok(())
}

fn cost(args: &Args) -> Result<()> {
    let now = args.vigie.as_path();
    let turn = |net: Net| vec!["cost".to_owned(), word(&net)];
    let mut sides = vec![("IPv4", now, turn(Net::Ipv4)), ("both families", now, turn(Net::Both))];
    if let Some(before) = &args.before {
        sides.insert(0, ("IPv4, before", before, turn(Net::Ipv4)));
    }
    if let Some(serf) = &args.serf {
        sides.push(("serf", serf, vec!["cost-of-serf".to_owned()]));
    }
    let mut found = vec![Vec::new(); sides.len()];
    for _ in 0..ROUNDS {
        for ((name, program, turn), turns) in sides.iter().zip(&mut found) {
            let turn: Vec<&str> = turn.iter().map(String::as_str).collect();
            let turn = inside(program, args, &turn)?;
            eprintln!("{name}: {turn:.2?}");
            turns.push(turn);
        }
    }
    println!("one node of {}, in the steady state: goal: IPv4 at most 1.1 × before", args.hosts);
    for (nth, what) in ["CPU ms/s", "packets out/s", "bytes out/s", "memory MB"].into_iter().enumerate() {
        for ((name, ..), turns) in sides.iter().zip(&found) {
            let of = |turns: &[Vec<f64>]| turns.iter().map(|turn| turn[nth]).collect::<Vec<_>>();
            let ratio = median(&of(turns)) / median(&of(&found[0]));
            println!("  {name:<14} {}  × {ratio:.3}", spread(&of(turns), what));
        }
    }
    Ok(())
}

/// What a turn in namespaces of its own found.
fn inside(vigie: &Path, args: &Args, turn: &[&str]) -> Result<Vec<f64>> {
    let mut command = unshare(&std::env::current_exe()?);
    command
        .args(["--hosts", &args.hosts.to_string(), "--time", &format!("{}s", args.time.as_secs())])
        .arg(vigie.canonicalize()?)
        .args(turn);
    let output = command.stderr(std::process::Stdio::inherit()).output().context("unshare does not start")?;
    ensure!(output.status.success(), "{turn:?} failed: {}", output.status);
    let text = String::from_utf8(output.stdout)?;
    text.split_whitespace().map(|number| Ok(number.parse()?)).collect()
}

fn print(numbers: &[f64]) {
    for number in numbers {
        println!("{number}");
    }
}

/// As it is written on the command line.
fn word(of: &impl ValueEnum) -> String {
    of.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn spread(values: &[f64], unit: &str) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    format!("{:.2} {unit} ({least:.2} to {most:.2}, {} times)", median(values), values.len())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
