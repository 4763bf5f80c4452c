//! Routes, and the limits of the system.

use crate::doctor::facts::{MachineFacts, Neighbours};
use crate::doctor::remedy;
use crate::doctor::report::{Examined, MachineFinding, Severity};
use crate::engine::interface::InterfaceKind;

/// A node alone needs about 20 descriptors, plus one per dial and per inbound connection: with fewer than this, a hundred
/// peers are too many.
const LEAST_FILES: u64 = 256;
/// With more than this, the neighbour table is worth a word.
const MANY_NEIGHBOURS: usize = 500;

/// Whether there is a route beyond the links, and packets are accepted that arrive by another one.
pub(super) fn routes(facts: &MachineFacts) -> Examined {
    let mut findings = Vec::new();
    if facts.default_route == Some(false) {
        findings.push(MachineFinding::new(
            Severity::Info,
            "there is no default route: only hosts on the networks above can be reached",
            "no entry for 0.0.0.0/0 in /proc/net/route",
            "nothing, unless a peer is behind a router: ".to_owned()
                + &remedy::admin(facts, "ip route add default via ADDRESS_OF_THE_ROUTER"),
        ));
    }
    let network = facts.used.iter().filter(|i| i.kind != InterfaceKind::Loopback);
    let strict: Vec<&str> = network
        .filter(|i| facts.links.iter().any(|link| *link.name == *i.name && link.rp_filter == Some(1)))
        .map(|i| &*i.name)
        .collect();
    if strict.len() > 1 {
        findings.push(MachineFinding::new(
            Severity::Info,
            format!(
                "packets are dropped if they arrive on another interface than replies would use ({})",
                strict.join(", ")
            ),
            "rp_filter is 1 (strict) in /proc/sys/net/ipv4/conf",
            format!(
                "nothing, unless a peer is heard but not reached: {}",
                remedy::admin(facts, "sysctl net.ipv4.conf.all.rp_filter=2")
            ),
        ));
    }
    let saw = match facts.default_route {
        Some(true) => "there is a default route",
        Some(false) => "only to the networks of the interfaces",
        None => "unknown on this system",
    };
    Examined { saw: saw.to_owned(), unknown: facts.default_route.is_none(), findings }
}

/// Whether the system allows as many sockets and neighbours as a network needs.
pub(super) fn limits(facts: &MachineFacts) -> Examined {
    let mut findings = Vec::new();
    let files = facts.open_files;
    if files < LEAST_FILES {
        findings.push(MachineFinding::new(
            Severity::Warning,
            format!("only {files} files may be open: dials will fail with many peers"),
            format!("the limit on open files (RLIMIT_NOFILE) is {files}; vigie needs {LEAST_FILES}"),
            "ulimit -n 1024",
        ));
    }
    findings.extend(facts.neighbours.and_then(|neighbours| crowded(facts, neighbours)));
    let saw = match files {
        u64::MAX => "no limit on open files".to_owned(),
        files => format!("up to {files} open files"),
    };
    Examined { saw, findings, ..Examined::default() }
}

/// Where the kernel may have to forget some neighbours, because there are too many.
fn crowded(facts: &MachineFacts, Neighbours { known, most }: Neighbours) -> Option<MachineFinding> {
    let most = most.filter(|_| known > MANY_NEIGHBOURS)?;
    // A full table makes the kernel evict entries: nine tenths are close enough.
    let nearly_full = known as u64 * 10 >= most * 9;
    let severity = if nearly_full { Severity::Warning } else { Severity::Info };
    Some(MachineFinding::new(
        severity,
        format!("the kernel's neighbour table holds {known} of at most {most} entries"),
        "/proc/net/arp, and net.ipv4.neigh.default.gc_thresh3",
        remedy::admin(facts, &format!("sysctl net.ipv4.neigh.default.gc_thresh3={}", most * 4)),
    ))
}
