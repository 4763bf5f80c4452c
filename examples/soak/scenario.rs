//! Nodes on one link, one trouble after the other, and then: all agree, nothing is left behind, nobody stands accused.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::read_dir;
use std::path::Path;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::support::lab::{Host, Lab, feed};
use crate::support::node::{Node, clean};
use crate::support::seen::kind;
use crate::support::{SOON, now, poll};

use super::trouble::{Done, Trouble};

/// What happens.
pub(crate) struct Plan {
    /// On as many hosts.
    pub(crate) nodes: usize,
    /// How long there is trouble.
    pub(crate) lasts: Duration,
    /// What happens to whom.
    pub(crate) seed: u64,
}

/// They agree within this after the last trouble: the longest wait between two attempts, and a machine that is busy.
const AGREE_WITHIN: Duration = Duration::from_secs(90);
/// Findings are withdrawn, and what was held for others is given back, within this.
const SETTLE_WITHIN: Duration = Duration::from_secs(45);
/// Bytes of the disk to which one of them logs.
const DISK: &str = "size=64k";
/// Descriptors that one of them may have: what it needs at rest, and a few connections.
const FEW_DESCRIPTORS: usize = 64;
/// More memory than before the trouble that a node may have after it, in kB: what it remembers of the dead, of the forged, and of its events.
const MORE_MEMORY_KB: u64 = 12_000;

/// What a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    descriptors: usize,
    threads: usize,
    memory_kb: u64,
}

impl Held {
    fn by(node: &Node) -> Self {
        let entries = |what: &str| {
            read_dir(format!("/proc/{}/{what}", node.id())).map_or(0, |entries| entries.flatten().count())
        };
        let status = std::fs::read_to_string(format!("/proc/{}/status", node.id())).unwrap_or_default();
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        let memory_kb = rss.trim().trim_end_matches(" kB").parse().unwrap_or(u64::MAX);
        Self { descriptors: entries("fd"), threads: entries("task"), memory_kb }
    }
}

/// What it came to.
pub(crate) struct Figures {
    seed: u64,
    nodes: usize,
    troubles: BTreeMap<&'static str, usize>,
    agreed_after: Duration,
    settled_after: Duration,
    before: Vec<Held>,
    after: Vec<Held>,
    counted: BTreeMap<String, u64>,
}

/// The network while it is in trouble.
pub(crate) struct Soak<'l> {
    pub(crate) lab: &'l Lab,
    program: &'l Path,
    pub(crate) nodes: Vec<Node>,
    pub(crate) rng: StdRng,
    /// Those that were never killed: what they hold is compared, and what they told is counted.
    veterans: Vec<bool>,
}

/// Does it all; panics where something does not hold.
pub(crate) fn soak(lab: &Lab, program: &Path, plan: &Plan) -> Figures {
    println!("soak: {} nodes, {:?}, seed {}", plan.nodes, plan.lasts, plan.seed);
    feed(
        std::process::Command::new("sh").args([
            "-c",
            "mkdir /run/small && mount -t tmpfs -o $0 small /run/small",
            DISK,
        ]),
        "",
    );
    let mut soak = Soak {
        lab,
        program,
        nodes: Vec::new(),
        rng: StdRng::seed_from_u64(plan.seed),
        veterans: vec![true; plan.nodes],
    };
    for nth in 0..plan.nodes {
        let node = soak.start(nth);
        soak.nodes.push(node);
    }
    soak.agree("at the start");
    let before: Vec<Held> = soak.nodes.iter().map(Held::by).collect();
    let mut troubles = BTreeMap::new();
    let end = now() + plan.lasts;
    while now() < end {
        let trouble = Trouble::ALL[soak.rng.random_range(0..Trouble::ALL.len())];
        *troubles.entry(trouble.as_str()).or_default() += 1;
        let Done { killed } = trouble.befall(&mut soak);
        for nth in killed {
            soak.veterans[nth] = false;
        }
    }
    let calm = now();
    soak.agree("after the last trouble");
    let agreed_after = calm.elapsed();
    soak.settles(&before);
    let settled_after = calm.elapsed();
    let after = soak.nodes.iter().map(Held::by).collect();
    let counted = soak.counters_add_up();
    soak.ends();
    Figures {
        seed: plan.seed,
        nodes: plan.nodes,
        troubles,
        agreed_after,
        settled_after,
        before,
        after,
        counted,
    }
}

impl Soak<'_> {
    pub(crate) fn host(&self, nth: usize) -> Host<'_> {
        self.lab.host(nth + 1)
    }

    /// The first one logs to a small disk, the second one has few descriptors.
    pub(crate) fn start(&self, nth: usize) -> Node {
        let host = self.host(nth);
        let descriptors = if nth == 1 { FEW_DESCRIPTORS } else { 1_024 };
        let mut command = host.command("sh");
        clean(&mut command);
        command.args(["-c", &format!("ulimit -n {descriptors}; exec \"$@\""), "sh"]).arg(self.program);
        command.args([
            "watch",
            "--json",
            "--name",
            &host.name(),
            "--control",
            &format!("/run/{}", host.name()),
        ]);
        command.args(["--interval", "1s", "--dial-interval", "5s", "--retry-delay", "500ms"]);
        if nth == 0 {
            command.args(["--log-file", "/run/small/log", "--log", "debug"]);
        }
        self.lab.stage.spawn(&host.name(), command)
    }

    /// What a node says of its peers, by its door.
    fn peers_of(&self, nth: usize) -> Option<Vec<Value>> {
        let host = self.host(nth);
        let mut command = host.command(self.program.to_str()?);
        clean(&mut command);
        command.args(["list", "--json", "--wait", "100ms", "--control", &format!("/run/{}", host.name())]);
        let output = command.output().ok()?;
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        (answer["source"] == "node").then(|| answer["peers"].as_array().cloned()).flatten()
    }

    /// Whom a node does not have up, and of whom it says that something is wrong.
    fn complaints_of(&self, nth: usize) -> Vec<String> {
        let own = self.host(nth).name();
        let Some(peers) = self.peers_of(nth) else { return vec![format!("{own} does not answer")] };
        let mut complaints = Vec::new();
        for other in (0..self.nodes.len()).filter(|other| *other != nth).map(|other| self.host(other).name())
        {
            let up = |peer: &&Value| peer["name"] == *other && peer["state"] == "up";
            match peers.iter().filter(up).count() {
                1 => {}
                count => complaints.push(format!("{own} has {other} up {count} times")),
            }
        }
        let accused = peers.iter().filter(|peer| peer["state"] == "up" && peer["verdict"] != "ok");
        complaints.extend(accused.map(|peer| format!("{own} says of {}: {}", peer["name"], peer["verdict"])));
        complaints
    }

    fn complaints(&self) -> Vec<String> {
        (0..self.nodes.len()).flat_map(|nth| self.complaints_of(nth)).collect()
    }

    /// Everybody has everybody up, and nobody says that anything is wrong.
    fn agree(&self, when: &str) {
        let agreed = poll(AGREE_WITHIN, || {
            std::thread::sleep(Duration::from_millis(200));
            (0..self.nodes.len()).all(|nth| self.complaints_of(nth).is_empty()).then_some(())
        });
        assert!(agreed.is_some(), "{when}: {:#?}", self.complaints());
    }

    /// What was held because of the trouble is given back.
    fn settles(&self, before: &[Held]) {
        let veterans = || self.nodes.iter().zip(before).zip(&self.veterans).filter(|(_, veteran)| **veteran);
        let left = |(node, before): (&Node, &Held)| {
            let held = Held::by(node);
            // Tethers: who holds one with whom hangs on ids, and those who were killed have others.
            let more = self.nodes.len() + 4;
            let fine = held.descriptors <= before.descriptors + more
                && held.threads <= before.threads + 1
                && held.memory_kb <= before.memory_kb + MORE_MEMORY_KB;
            (!fine).then(|| format!("{before:?} became {held:?}"))
        };
        let settled = poll(SETTLE_WITHIN, || {
            std::thread::sleep(Duration::from_millis(500));
            veterans().all(|(pair, _)| left(pair).is_none()).then_some(())
        });
        let all: Vec<_> = veterans().filter_map(|(pair, _)| left(pair)).collect();
        assert!(settled.is_some(), "something is left: {all:#?}");
    }

    /// Each attempt that began has ended once, but for those under way; nothing was lost on the way to the reader.
    fn counters_add_up(&self) -> BTreeMap<String, u64> {
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        for node in
            self.nodes.iter().zip(&self.veterans).filter(|(_, veteran)| **veteran).map(|(node, _)| node)
        {
            let count = |of: &str| node.count(kind(of)) as u64;
            let [started, succeeded, failed] = ["dial_started", "dial_succeeded", "dial_failed"].map(count);
            // Dials of peers that left, restarted or were replaced meanwhile have nobody to be told of; a look that succeeds was not begun aloud.
            let gone = count("peer_left") + count("peer_restarted") + count("peer_moved");
            assert!(
                succeeded + failed <= started + gone + count("peer_state"),
                "{started} begun, {succeeded} + {failed} ended"
            );
            assert!(
                started <= succeeded + failed + gone + self.nodes.len() as u64,
                "{started} begun, {succeeded} + {failed} ended, {gone} gone"
            );
            let missed: u64 =
                node.always().events(kind("lagged")).iter().filter_map(|e| e["missed"].as_u64()).sum();
            assert_eq!(missed, 0, "a reader that keeps up misses nothing");
            for what in ["dial_started", "dial_succeeded", "dial_failed", "exchange_served", "peer_restarted"]
            {
                *counted.entry(what.into()).or_default() += count(what);
            }
            for rejected in node.always().events(kind("rejected")) {
                let reason = rejected["reason"].as_str().unwrap_or_default().to_owned();
                *counted.entry(format!("rejected: {reason}")).or_default() +=
                    rejected["count"].as_u64().unwrap_or_default();
            }
        }
        counted
    }

    /// Each ends at once, and in peace.
    fn ends(mut self) {
        self.nodes.iter().for_each(Node::sigterm);
        for node in &mut self.nodes {
            assert_eq!(node.wait_exit(SOON), 0, "a node that is asked to stop stops");
        }
    }

    /// A while in which nothing else happens.
    pub(crate) fn pause(&mut self, least_ms: u64, most_ms: u64) {
        let time = Duration::from_millis(self.rng.random_range(least_ms..=most_ms));
        let until: Instant = now() + time;
        std::thread::sleep(until.saturating_duration_since(now()));
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "soak of {} nodes, seed {}: all agree, nothing is left, nobody stands accused",
            self.nodes, self.seed
        )?;
        writeln!(f, "  troubles: {:?}", self.troubles)?;
        let [agreed, settled] = [self.agreed_after, self.settled_after].map(|time| time.as_secs_f64());
        writeln!(f, "  agreed {agreed:.1} s after the last one, settled after {settled:.1} s")?;
        for (what, of) in [
            ("descriptors", (|held: &Held| held.descriptors as u64) as fn(&Held) -> u64),
            ("threads", |held| held.threads as u64),
            ("memory kB", |held| held.memory_kb),
        ] {
            let most = |held: &[Held]| held.iter().map(of).max().unwrap_or_default();
            writeln!(
                f,
                "  {what}, the most of a node: {} before, {} after",
                most(&self.before),
                most(&self.after)
            )?;
        }
        write!(f, "  told by those never killed: {:?}", self.counted)
    }
}
