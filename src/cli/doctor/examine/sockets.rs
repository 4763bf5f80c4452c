//! The ports of a node, and whether what is sent from here is heard here.

use std::fmt::Write;
use std::io::ErrorKind;

use crate::engine::interface::Interface;
use crate::net::trials::{Failure, Step};

use super::super::facts::{Facts, Holder, Obstacle, Port, System};
use super::super::firewall::Direction;
use super::super::fix;
use super::{Finding, Outcome, Severity};

/// Whether each interface carries our broadcasts, as far as that can be told from here.
pub(super) fn broadcast(facts: &Facts) -> Outcome {
    let mut findings = Vec::new();
    let mut heard = Vec::new();
    for (interface, outcome) in facts.used.iter().zip(&facts.broadcasts) {
        match outcome {
            Ok(_) => heard.push(&*interface.name),
            Err(failure) => findings.push(unheard(facts, interface, failure)),
        }
    }
    let saw = match heard.len() {
        0 => "no interface to try".to_owned(),
        _ => format!("sent and heard by this machine itself on {}", heard.join(", ")),
    };
    Outcome { saw, unknown: heard.is_empty() && findings.is_empty(), findings }
}

fn unheard(facts: &Facts, interface: &Interface, failure: &Failure) -> Finding {
    let (name, to) = (&interface.name, interface.broadcast);
    let evidence = format!("one datagram from {} to {to}: {}", interface.addr, failure.error);
    let outgoing = facts.firewall.obstacles.iter().find(|o| o.direction == Direction::Out && o.stops_udp());
    let incoming = facts.firewall.obstacles.iter().find(|o| o.direction == Direction::In && o.stops_udp());
    let remedy = |obstacle: Option<_>| {
        obstacle.map_or_else(|| fix::look_at_firewall(facts), |obstacle| fix::let_through(facts, obstacle))
    };
    match (failure.step, failure.kind) {
        (Step::Send, ErrorKind::PermissionDenied) => Finding::new(
            Severity::Error,
            format!("this machine's firewall refuses to send broadcasts on {name}"),
            evidence,
            remedy(outgoing),
        ),
        (Step::Send, ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => Finding::new(
            Severity::Error,
            format!("there is no route for broadcasts on {name}"),
            evidence,
            fix::admin(
                facts,
                &format!(
                    "ip route add {}/{} dev {}",
                    network(interface),
                    interface.prefix,
                    fix::quoted(name)
                ),
            ),
        ),
        (Step::Hear, _) => Finding::new(
            Severity::Warning,
            format!("a broadcast sent on {name} was not heard by this machine itself"),
            format!("{evidence}; a firewall may drop incoming broadcasts, or the link does not carry them"),
            remedy(incoming),
        ),
        _ => Finding::new(
            Severity::Error,
            format!("broadcasts on {name} cannot be sent"),
            evidence,
            "vigie doctor once more; if it stays so, restart the interface",
        ),
    }
}

fn network(interface: &Interface) -> std::net::Ipv4Addr {
    let host_bits = u32::MAX.checked_shr(interface.prefix.into()).unwrap_or_default();
    std::net::Ipv4Addr::from(u32::from(interface.addr) & !host_bits)
}

/// Whether the presence port can be had, and hears.
pub(super) fn udp(facts: &Facts) -> Outcome {
    let port = facts.asked.port;
    let mut findings: Vec<Finding> = ephemeral(facts).into_iter().collect();
    if let Some(refused) = &facts.udp_port.refused {
        findings.push(taken(
            facts,
            &Wanted { transport: "UDP", option: "--port", port, needed: true },
            refused,
        ));
    } else {
        findings.extend(strangers(facts));
    }
    if let Err(failure) = &facts.udp_loopback {
        findings.push(deaf(facts, "UDP", failure));
    }
    let holders = &facts.udp_port.holders;
    let shared = if holders.is_empty() { String::new() } else { format!(", shared with {}", names(holders)) };
    let saw = format!("{port} can be had{shared}, and hears what is sent to it");
    Outcome { saw, findings, ..Outcome::default() }
}

/// Others on the presence port that are not vigies, and share it.
fn strangers(facts: &Facts) -> Option<Finding> {
    let port = facts.asked.port;
    let strange = |holder: &&Holder| !is_vigie(holder);
    let strangers: Vec<Holder> = facts.udp_port.holders.iter().filter(strange).cloned().collect();
    let first = strangers.first().filter(|holder| holder.process.is_some())?;
    Some(Finding::new(
        Severity::Info,
        format!("UDP port {port} is shared with {}, which is no vigie", names(&strangers)),
        format!("{} lists its socket on {}", first.source, first.addr),
        format!(
            "if peers are missing, start every vigie with another port: vigie --port {}",
            fix::another_port(port)
        ),
    ))
}

/// Whether the port is one of those that the system gives to anybody.
fn ephemeral(facts: &Facts) -> Option<Finding> {
    let (port, (first, last)) = (facts.asked.port, facts.ephemeral?);
    let given_away = (first..=last).contains(&port) && !facts.reserved;
    given_away.then(|| {
        Finding::new(
            Severity::Warning,
            format!(
                "port {port} is among those that the system gives to any program: it may be taken at any time"
            ),
            format!("{first} to {last} in /proc/sys/net/ipv4/ip_local_port_range"),
            fix::admin(facts, &format!("sysctl net.ipv4.ip_local_reserved_ports={port}")),
        )
    })
}

/// Whether the TCP port can be had, and answers.
pub(super) fn tcp(facts: &Facts) -> Outcome {
    let port = facts.asked.tcp();
    let mut findings = Vec::new();
    let mut saw = format!("{port} can be had, and answers");
    if let Some(refused) = &facts.tcp_port.refused {
        let needed = facts.asked.tcp_port.is_some();
        if !needed && only_vigies(&facts.tcp_port) {
            saw = format!(
                "{port} is another vigie's ({}); the next one takes any that is free",
                names(&facts.tcp_port.holders)
            );
        } else {
            let wanted = Wanted { transport: "TCP", option: "--tcp-port", port, needed };
            findings.push(taken(facts, &wanted, refused));
        }
    }
    if let Err(failure) = &facts.tcp_loopback {
        findings.push(deaf(facts, "TCP", failure));
    }
    Outcome { saw, findings, ..Outcome::default() }
}

fn only_vigies(port: &Port) -> bool {
    !port.holders.is_empty() && port.holders.iter().all(is_vigie)
}

fn is_vigie(holder: &Holder) -> bool {
    holder.process.as_ref().is_some_and(|process| process.name == "vigie")
}

/// A port that a node wants.
struct Wanted {
    transport: &'static str,
    option: &'static str,
    port: u16,
    /// No other one will do.
    needed: bool,
}

fn taken(facts: &Facts, wanted: &Wanted, refused: &Failure) -> Finding {
    let Wanted { transport, option, port, needed } = *wanted;
    let holders = if transport == "UDP" { &facts.udp_port.holders } else { &facts.tcp_port.holders };
    let mut evidence = format!("binding it: {}", refused.error);
    let severity = if needed { Severity::Error } else { Severity::Warning };
    if refused.kind == ErrorKind::PermissionDenied {
        return Finding::new(
            severity,
            format!("{transport} port {port} needs more permissions than you have"),
            evidence,
            format!("take a port above 1023: vigie {option} 17474"),
        );
    }
    if refused.kind != ErrorKind::AddrInUse {
        let fix = format!("choose another one: vigie {option} {}", fix::another_port(port));
        return Finding::new(severity, format!("{transport} port {port} cannot be had"), evidence, fix);
    }
    for holder in holders {
        let Holder { source, addr, user, .. } = holder;
        let _ = write!(evidence, "; {source} lists a socket on {addr} of user {user}");
    }
    let elsewhere = format!("or choose another port: vigie {option} {}", fix::another_port(port));
    let known = holders.iter().find_map(|holder| holder.process.as_ref());
    let (what, fix) = match known {
        Some(process) => (
            format!("{transport} port {port} is held by {}", names(holders)),
            format!("stop it: {}, {elsewhere}", stop(facts, process.pid)),
        ),
        None if holders.is_empty() => (
            format!("{transport} port {port} is held by another program"),
            format!("find out which: {}, {elsewhere}", fix::show_holder(facts, transport, port)),
        ),
        None => (
            format!(
                "{transport} port {port} is held by a program of user {} that you may not see",
                holders[0].user
            ),
            format!("find out which: {}, {elsewhere}", fix::show_holder(facts, transport, port)),
        ),
    };
    let what = match (transport, needed) {
        ("UDP", _) => format!("{what}, which does not share it"),
        (_, true) => what,
        (_, false) => format!("{what}; vigie will take any that is free"),
    };
    Finding::new(severity, what, evidence, fix)
}

fn stop(facts: &Facts, pid: u32) -> String {
    match facts.system {
        System::Windows => format!("taskkill /PID {pid}"),
        _ => fix::admin(facts, &format!("kill {pid}")),
    }
}

/// `dnsmasq (pid 812)`, of all that are known; the same one only once.
fn names(holders: &[Holder]) -> String {
    let name = |holder: &Holder| match &holder.process {
        Some(process) => format!("{} (pid {})", process.name, process.pid),
        None => format!("a program of user {}", holder.user),
    };
    let mut names: Vec<String> = holders.iter().map(name).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// What we send to ourselves does not arrive.
fn deaf(facts: &Facts, transport: &str, failure: &Failure) -> Finding {
    let doing = match failure.step {
        Step::Bind => "opening the sockets",
        Step::Send => "sending",
        Step::Hear => "waiting for it",
        Step::Connect => "connecting",
        Step::Exchange => "exchanging a few bytes",
    };
    let what = match transport {
        "UDP" => "what this machine sends to itself by UDP does not arrive",
        _ => "this machine cannot connect to itself by TCP",
    };
    let concerned = |o: &&Obstacle| if transport == "UDP" { o.stops_udp() } else { o.stops_tcp() };
    let remedy = match facts.firewall.obstacles.iter().find(concerned) {
        Some(obstacle) => fix::let_through(facts, obstacle),
        None if facts.system == System::Linux => {
            format!("is loopback up, and free of rules? {}", fix::admin(facts, "ip link set lo up"))
        }
        None => fix::look_at_firewall(facts),
    };
    Finding::new(Severity::Error, what, format!("over loopback, {doing}: {}", failure.error), remedy)
}
