//! How soon all others know that a process was killed, or that a host was cut off.

use std::path::Path;
use std::time::Duration;

use clap::ValueEnum;

use crate::discovery::watch;
use crate::support::lab::{Families, Lab};
use crate::support::node::Node;
use crate::support::seen::{about, becomes};
use crate::support::{SOON, now};

const TIMES: usize = 11;
const HOSTS: u8 = 5;
/// All have their tethers by then, for they say hello for two seconds after their start.
const SETTLED: Duration = Duration::from_secs(4);
/// Longer than a node without tethers takes.
const LONG: Duration = Duration::from_secs(30);

/// What happens to one of the hosts.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Loss {
    /// `kill -9`.
    Killed,
    /// Its switch port is put on a link of its own: its carrier stays, and nothing passes.
    CutOff,
}

/// Milliseconds from that to the last of the others' `peer_state` out of `up`, at default settings. The times are those of
/// reading.
pub(crate) fn known_after(vigie: &Path, how: Loss) -> Vec<f64> {
    let lab = Lab::on_one_link(HOSTS, Families::Ipv4);
    let others: Vec<Node> = (1..HOSTS).map(|host| watch(&lab, host.into(), vigie)).collect();
    (0..TIMES).map(|_| once(&lab, &others, vigie, how)).collect()
}

fn once(lab: &Lab, others: &[Node], vigie: &Path, how: Loss) -> f64 {
    let lost = format!("h{HOSTS}");
    let marks: Vec<_> = others.iter().map(Node::mark).collect();
    let mut victim = watch(lab, HOSTS.into(), vigie);
    let up: Vec<_> = others
        .iter()
        .zip(marks)
        .map(|(other, mark)| other.since(mark).wait_for(SOON, becomes(&lost, "up")))
        .collect();
    (1..HOSTS).for_each(|host| _ = victim.wait_for(SOON, becomes(&format!("h{host}"), "up")));
    std::thread::sleep(SETTLED);
    let lost_at = now();
    match how {
        Loss::Killed => victim.kill9(),
        Loss::CutOff => lab.host(HOSTS.into()).isolate(),
    }
    let is_lost = |event: &serde_json::Value| about("peer_state", &lost)(event) && event["from"] == "up";
    let known = others.iter().zip(up).map(|(other, up)| other.since(up.mark).wait_for(LONG, is_lost).at);
    let known_to_all = known.max().unwrap_or(lost_at);
    if how == Loss::CutOff {
        victim.kill9();
        lab.host(HOSTS.into()).rejoin();
    }
    known_to_all.saturating_duration_since(lost_at).as_secs_f64() * 1e3
}
