//! What one node of a large network costs once all know each other.

use std::fmt::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::lab::{Families, Host, Lab, feed};
use crate::support::node::clean;
use crate::support::now;

/// One after the other, as machines do that are switched on.
const BETWEEN_STARTS: Duration = Duration::from_millis(40);
/// Three dial intervals: earlier than that a node still sends several times as much as later.
const SETTLE: Duration = Duration::from_secs(110);
/// One dial interval of a node with 100 peers, which is in proportion to them.
const WINDOW: Duration = Duration::from_secs(34);

/// Which program runs on the hosts.
#[derive(Clone, Copy)]
pub(crate) enum Program<'p> {
    Vigie(&'p Path),
    /// The agent of the membership library of that name, with its defaults for a local network.
    Serf(&'p Path),
}

/// The mean over all nodes: milliseconds of CPU a second, packets and bytes out a second, and memory in MB at the end.
pub(crate) fn of_one(program: Program<'_>, hosts: u16, families: Families) -> Vec<f64> {
    let lab = Lab::on_one_link(hosts, families);
    let hosts: Vec<_> = (1..=usize::from(hosts)).map(|n| lab.host(n)).collect();
    introduce(&hosts, families);
    let nodes: Vec<_> = hosts.iter().map(|host| start(*host, hosts[0], program)).collect();
    std::thread::sleep(SETTLE);
    let (begun, before) = (now(), usage(&nodes));
    std::thread::sleep(WINDOW);
    let (took, after) = (begun.elapsed().as_secs_f64(), usage(&nodes));
    let per_second = |nth: usize| (after[nth] - before[nth]) / took;
    let known = peers(hosts[0], program);
    assert_eq!(known, hosts.len() - 1, "all of them know each other");
    vec![per_second(0) * 1e3, per_second(1), per_second(2), after[3]]
}

/// Tells the kernel of each host where the others are: its tables of neighbours have one limit for the whole machine, which as many
/// hosts exceed. So what the kernel itself sends to find them is no part of the cost.
fn introduce(hosts: &[Host<'_>], families: Families) {
    let mut entries = Vec::new();
    for host in hosts {
        let hardware = host.hardware();
        let mut entry = format!("neigh replace {} lladdr {hardware} dev eth0 nud permanent\n", host.addr());
        if families != Families::Ipv4 {
            let _ = writeln!(
                entry,
                "neigh replace {} lladdr {hardware} dev eth0 nud permanent",
                host.link_local()
            );
        }
        entries.push(entry);
    }
    for (nth, host) in hosts.iter().enumerate() {
        let others = entries.iter().enumerate().filter(|(other, _)| *other != nth);
        let batch: String = others.map(|(_, entry)| entry.as_str()).collect();
        feed(host.command("ip").args(["-batch", "-"]), &batch);
    }
}

fn start(host: Host<'_>, first: Host<'_>, program: Program<'_>) -> Child {
    let (name, addr) = (host.name(), host.addr().to_string());
    let mut command = match program {
        Program::Vigie(vigie) => on(host, vigie, &["watch", "--json", "--name", &name]),
        Program::Serf(serf) => {
            let first = first.addr().to_string();
            let join = ["-rejoin", "-retry-join", &first];
            on(host, serf, &[&["agent", "-node", &name, "-bind", &addr], &join[..]].concat())
        }
    };
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    std::thread::sleep(BETWEEN_STARTS);
    child.expect("the program starts")
}

fn on(host: Host<'_>, vigie: &Path, args: &[&str]) -> Command {
    let mut command = host.command(&vigie.to_string_lossy());
    clean(&mut command);
    command.args(args);
    command
}

/// How many peers that are up a node has at the end, by its own row's word.
fn peers(host: Host<'_>, program: Program<'_>) -> usize {
    let vigie = match program {
        Program::Vigie(vigie) => vigie,
        Program::Serf(serf) => {
            let output = on(host, serf, &["members", "-status", "alive"]).output().expect("it runs");
            return String::from_utf8_lossy(&output.stdout).lines().count().saturating_sub(1);
        }
    };
    let output = on(host, vigie, &["list", "--json", "--wait", "7s"]).output().expect("it runs");
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).expect("one document");
    list["peers"]
        .as_array()
        .map_or(0, |peers| peers.iter().filter(|peer| peer["name"] != host.name()).count())
}

/// Of one node on average, until now: seconds of CPU, packets and bytes out, memory in MB.
fn usage(nodes: &[Child]) -> [f64; 4] {
    let mut sum = [0.0; 4];
    for node in nodes {
        let id = node.id();
        let (packets, bytes) = sent(id);
        for (sum, value) in sum.iter_mut().zip([cpu(id), packets, bytes, memory(id)]) {
            *sum += value;
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "at most 255 of them")]
    sum.map(|sum| sum / nodes.len() as f64)
}

/// Seconds of CPU of all its threads, as the scheduler counts them.
fn cpu(id: u32) -> f64 {
    let threads = std::fs::read_dir(format!("/proc/{id}/task")).expect("it runs");
    let of_thread = |thread: std::fs::DirEntry| first(&read(&thread.path().join("schedstat")));
    threads.flatten().map(of_thread).sum::<f64>() / 1e9
}

/// Packets and bytes that left by the host's link.
fn sent(id: u32) -> (f64, f64) {
    let table = read(Path::new(&format!("/proc/{id}/net/dev")));
    let line = table.lines().find_map(|line| line.trim().strip_prefix("eth0:")).expect("it has the link");
    let fields: Vec<_> = line.split_whitespace().collect();
    (first(fields[9]), first(fields[8]))
}

/// Its own memory, in MB.
fn memory(id: u32) -> f64 {
    let table = read(Path::new(&format!("/proc/{id}/smaps_rollup")));
    let line = table.lines().find_map(|line| line.strip_prefix("Pss:")).expect("Linux states it");
    first(line) / 1e3
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).expect("Linux has it")
}

fn first(text: &str) -> f64 {
    text.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}
