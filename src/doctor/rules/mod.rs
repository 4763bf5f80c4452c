//! What the facts mean. Nothing here touches the machine: each examination is a function of the facts.

mod firewall;
mod interfaces;
mod limits;
mod sockets;

use crate::text::plain;

use super::facts::MachineFacts;
use super::report::{Examined, MachineFinding, MachineReport, Severity};

/// Looks at one side of the facts.
type Examination = fn(&MachineFacts) -> Examined;

/// What is examined, in the order in which a packet depends on it.
const EXAMINATIONS: [(&str, Examination); 10] = [
    ("interfaces", interfaces::usable),
    ("networks", interfaces::networks),
    ("IPv6", interfaces::duplicates),
    ("broadcast", sockets::broadcast),
    ("UDP port", sockets::udp),
    ("TCP port", sockets::tcp),
    ("firewall", firewall::rules),
    ("routes", limits::routes),
    ("packet size", interfaces::packet_size),
    ("limits", limits::limits),
];

/// Examines everything.
pub fn examine(facts: &MachineFacts) -> MachineReport {
    let (mut findings, mut checks) = (Vec::new(), Vec::new());
    for (name, examination) in EXAMINATIONS {
        let examined = examination(facts);
        checks.push(examined.check(name));
        findings.extend(examined.findings);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for MachineFinding { what, evidence, fix, .. } in &mut findings {
        for text in [what, evidence, fix] {
            *text = plain(text);
        }
    }
    let ok = findings.iter().all(|finding| finding.severity == Severity::Info);
    MachineReport { v: 1, ok, findings, checks }
}

#[cfg(test)]
mod tests;
