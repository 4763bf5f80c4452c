//! Routes, and the limits of the system.

use crate::engine::interface::Kind;

use super::super::facts::{Facts, Neighbours, link_of};
use super::super::fix;
use super::{Finding, Outcome, Severity};

/// A node alone needs some 20 descriptors, and one for each dial and each connection to it: with fewer than this,
/// a hundred peers are too many.
const LEAST_FILES: u64 = 256;
/// From so many on, the neighbour table is worth a word.
const MANY_NEIGHBOURS: usize = 500;

/// Whether there is a way beyond the links, and packets are accepted that come by another one.
pub(super) fn routes(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    if facts.default_route == Some(false) {
        findings.push(Finding::new(
            Severity::Info,
            "there is no default route: only hosts of the networks above are reached",
            "no entry for 0.0.0.0/0 in /proc/net/route",
            "nothing, if no peer is beyond a router; else: ".to_owned()
                + &fix::admin(facts, "ip route add default via ADDRESS_OF_THE_ROUTER"),
        ));
    }
    let network = facts.used.iter().filter(|i| i.kind != Kind::Loopback);
    let strict: Vec<&str> = network
        .filter(|i| {
            facts.links.iter().any(|link| *link.name == *link_of(&i.name) && link.rp_filter == Some(1))
        })
        .map(|i| &*i.name)
        .collect();
    if strict.len() > 1 {
        findings.push(Finding::new(
            Severity::Info,
            format!(
                "what comes by one interface is dropped if answers would take another ({})",
                strict.join(", ")
            ),
            "rp_filter is 1 (strict) in /proc/sys/net/ipv4/conf",
            format!(
                "nothing, unless a peer is heard and not reached: {}",
                fix::admin(facts, "sysctl net.ipv4.conf.all.rp_filter=2")
            ),
        ));
    }
    let saw = match facts.default_route {
        Some(true) => "there is a default route",
        Some(false) => "only to the networks of the interfaces",
        None => "not known here",
    };
    Outcome { saw: saw.to_owned(), unknown: facts.default_route.is_none(), findings }
}

/// Whether the system lets us have as many sockets and neighbours as a network needs.
pub(super) fn limits(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    let files = facts.open_files;
    if files < LEAST_FILES {
        findings.push(Finding::new(
            Severity::Warning,
            format!("only {files} files may be open: dials fail when many peers are there"),
            format!("the limit of open files (RLIMIT_NOFILE) is {files}, and {LEAST_FILES} are wanted"),
            "ulimit -n 1024",
        ));
    }
    findings.extend(facts.neighbours.and_then(|neighbours| crowded(facts, neighbours)));
    let saw = match files {
        u64::MAX => "any number of files may be open".to_owned(),
        files => format!("{files} files may be open"),
    };
    Outcome { saw, findings, ..Outcome::default() }
}

/// Where there are so many neighbours that the kernel may have to forget some.
fn crowded(facts: &Facts, Neighbours { known, most }: Neighbours) -> Option<Finding> {
    let most = most.filter(|_| known > MANY_NEIGHBOURS)?;
    // The kernel frees entries by force when the table is full: nine tenths are close enough.
    let nearly_full = known as u64 * 10 >= most * 9;
    let severity = if nearly_full { Severity::Warning } else { Severity::Info };
    Some(Finding::new(
        severity,
        format!("the kernel knows {known} neighbours, and can know {most}"),
        "/proc/net/arp, and net.ipv4.neigh.default.gc_thresh3",
        fix::admin(facts, &format!("sysctl net.ipv4.neigh.default.gc_thresh3={}", most * 4)),
    ))
}
