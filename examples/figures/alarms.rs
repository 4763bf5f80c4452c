//! False alarms of networks in which nothing is wrong but lost packets: that a live host is out of reach or silent, or any finding
//! about it but `packet_loss`. Two of the networks are those of Rapid (Suresh et al., ATC 2018, section 7).

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use clap::ValueEnum;
use serde_json::Value;

use crate::discovery::watch;
use crate::support::SOON;
use crate::support::lab::{Families, Host, Lab};
use crate::support::node::Node;
use crate::support::seen::becomes;

const HOSTS: u8 = 10;
/// A direction of the flip-flop lasts so long.
const FLIP: Duration = Duration::from_secs(20);
/// Steps of the clock.
const STEP: Duration = Duration::from_millis(500);

/// What is wrong with the network.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Trouble {
    /// Every host loses 30 % of what comes in.
    LossEverywhere,
    /// The last host loses 80 % of what comes in.
    LossyHost,
    /// The last host hears nothing for 20 s, and all for 20 s.
    FlipFlop,
    /// Nothing; all cores are busy.
    BusyCores,
}

impl Trouble {
    pub(crate) const ALL: [Self; 4] =
        [Self::LossEverywhere, Self::LossyHost, Self::FlipFlop, Self::BusyCores];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LossEverywhere => "30 % loss at all",
            Self::LossyHost => "80 % loss at one",
            Self::FlipFlop => "one is deaf for 20 s of 40",
            Self::BusyCores => "all cores busy",
        }
    }

    /// Whether the last host is at fault, so that anything may be said of it.
    fn has_culprit(self) -> bool {
        matches!(self, Self::LossyHost | Self::FlipFlop)
    }
}

/// Lets ten hosts live so for a time. Numbers: false alarms about hosts with which nothing is wrong; findings about the one at fault,
/// if there is one; how many hosts know of a finding about it at the end.
pub(crate) fn of(vigie: &Path, trouble: Trouble, time: Duration) -> Vec<f64> {
    let lab = Lab::on_one_link(HOSTS, Families::Ipv4);
    let nodes: Vec<Node> = (1..=HOSTS).map(|host| watch(&lab, host.into(), vigie)).collect();
    for (host, node) in nodes.iter().enumerate() {
        let others = (0..nodes.len()).filter(|other| *other != host);
        others.for_each(|other| _ = node.wait_for(SOON, becomes(&format!("h{}", other + 1), "up")));
    }
    let marks: Vec<_> = nodes.iter().map(Node::mark).collect();
    live(&lab, trouble, time);
    let culprit = trouble.has_culprit().then(|| format!("h{HOSTS}"));
    let (mut false_alarms, mut right, mut aware) = (0.0, 0.0, 0.0);
    for (host, (node, mark)) in nodes.iter().zip(marks).enumerate() {
        let mut open = BTreeSet::new();
        for event in node.since(mark).events(|event| is_alarm(event) || is_over(event)) {
            // What the one at fault says of others is what it sees.
            let is_right = culprit.as_deref().is_some_and(|culprit| {
                event["peer"]["name"] == culprit
                    || format!("h{}", host + 1) == culprit && event["event"] == "peer_state"
            });
            if is_over(&event) {
                open.remove(&event["id"].as_u64());
            } else if is_right {
                right += 1.0;
                open.insert(event["id"].as_u64());
            } else {
                eprintln!("{}: h{} says {}", trouble.name(), host + 1, *event);
                false_alarms += 1.0;
            }
        }
        aware += f64::from(u8::from(!open.is_empty()));
    }
    vec![false_alarms, right, aware]
}

fn is_over(event: &Value) -> bool {
    event["event"] == "diagnosis" && event["verdict"] == "ok"
}

fn is_alarm(event: &Value) -> bool {
    match event["event"].as_str() {
        Some("peer_state") => ["unreachable", "silent"].iter().any(|state| event["to"] == *state),
        Some("diagnosis") => event["verdict"] != "packet_loss" && !is_over(event),
        _ => false,
    }
}

fn live(lab: &Lab, trouble: Trouble, time: Duration) {
    let culprit = lab.host(HOSTS.into());
    match trouble {
        Trouble::LossEverywhere => {
            (1..=HOSTS).for_each(|host| lose(&lab.host(host.into()), "numgen random mod 100 < 30 drop"));
        }
        Trouble::LossyHost => lose(&culprit, "numgen random mod 100 < 80 drop"),
        Trouble::FlipFlop | Trouble::BusyCores => {}
    }
    let _busy = (trouble == Trouble::BusyCores).then(Spinners::new);
    let steps = time.as_millis() / STEP.as_millis();
    let flip = FLIP.as_millis() / STEP.as_millis();
    for step in 0..steps {
        if trouble == Trouble::FlipFlop && step % flip == 0 {
            if (step / flip).is_multiple_of(2) { lose(&culprit, "drop") } else { culprit.heal() }
        }
        std::thread::sleep(STEP);
    }
}

fn lose(host: &Host<'_>, rule: &str) {
    host.nft(&format!("table inet lab {{ chain input {{ type filter hook input priority 0; {rule}; }}; }}"));
}

/// Threads that take all the time of all cores, until they are dropped.
struct Spinners {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Spinners {
    fn new() -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spinner = || {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads =
            (0..std::thread::available_parallelism().map_or(1, usize::from)).map(|_| spinner()).collect();
        Self { stop, threads }
    }
}

impl Drop for Spinners {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}
