//! How soon two nodes know each other, of which one runs already.

use std::path::Path;
use std::time::Duration;

use crate::support::SOON;
use crate::support::lab::{Families, Lab};
use crate::support::node::{Node, clean};
use crate::support::seen::{about, kind};

const TIMES: usize = 15;
/// Longer than a node says hello after its start.
const SETTLED: Duration = Duration::from_millis(2_500);

/// Milliseconds from the `started` of the second node to the later `peer_discovered` of both. The links have their
/// addresses. The times are those of reading: events themselves tell milliseconds.
pub(crate) fn known_after(vigie: &Path, families: Families) -> Vec<f64> {
    let lab = Lab::on_one_link(2_u8, families);
    (0..TIMES).map(|_| once(&lab, vigie)).collect()
}

fn once(lab: &Lab, vigie: &Path) -> f64 {
    let first = watch(lab, 1, vigie);
    first.wait_for(SOON, kind("started"));
    std::thread::sleep(SETTLED);
    let second = watch(lab, 2, vigie);
    let started = second.wait_for(SOON, kind("started"));
    let known = [
        first.wait_for(SOON, about("peer_discovered", "h2")),
        second.wait_for(SOON, about("peer_discovered", "h1")),
    ];
    let known = known.iter().map(|event| event.at).max().unwrap_or(started.at);
    let after = known.saturating_duration_since(started.at);
    after.as_secs_f64() * 1e3
}

/// A node of the program's defaults.
pub(crate) fn watch(lab: &Lab, host: usize, vigie: &Path) -> Node {
    let host = lab.host(host);
    let mut command = host.command(&vigie.to_string_lossy());
    clean(&mut command);
    command.args(["watch", "--json", "--name", &host.name()]);
    lab.stage.spawn(&host.name(), command)
}
