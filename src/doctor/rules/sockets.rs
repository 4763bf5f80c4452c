//! The ports of a node, and whether this machine hears what it sends.

use std::fmt::Write;
use std::io::ErrorKind;

use crate::doctor::facts::{
    Direction, MachineFacts, Obstacle, Port, PortHolder, System, TrialFailure, TrialStep,
};
use crate::doctor::remedy;
use crate::doctor::report::{Examined, MachineFinding, Severity};
use crate::engine::interface::Interface;

/// Whether each interface carries broadcasts, as far as this machine alone can tell.
pub(super) fn broadcast(facts: &MachineFacts) -> Examined {
    let mut findings = Vec::new();
    let mut heard = Vec::new();
    for (interface, outcome) in facts.used.iter().zip(&facts.broadcasts) {
        match outcome {
            Ok(_) => heard.push(&*interface.name),
            Err(failure) => findings.push(unheard(facts, interface, failure)),
        }
    }
    let saw = match heard.len() {
        0 => "no interface to check".to_owned(),
        _ => format!("sent and heard on {}", heard.join(", ")),
    };
    Examined { saw, unknown: heard.is_empty() && findings.is_empty(), findings }
}

fn unheard(facts: &MachineFacts, interface: &Interface, failure: &TrialFailure) -> MachineFinding {
    let name = &interface.name;
    let to = interface.broadcast.map(|to| format!(" to {to}")).unwrap_or_default();
    let evidence = format!("one datagram from {}{to}: {}", interface.addr, failure.error);
    let outgoing = facts.firewall.obstacles.iter().find(|o| o.direction == Direction::Out && o.stops_udp());
    let incoming = facts.firewall.obstacles.iter().find(|o| o.direction == Direction::In && o.stops_udp());
    let remedy = |obstacle: Option<_>| {
        obstacle
            .map_or_else(|| remedy::check_firewall(facts), |obstacle| remedy::let_through(facts, obstacle))
    };
    match (failure.step, failure.kind) {
        (TrialStep::Send, ErrorKind::PermissionDenied) => MachineFinding::new(
            Severity::Error,
            format!("this machine's firewall blocks outgoing broadcasts on {name}"),
            evidence,
            remedy(outgoing),
        ),
        (TrialStep::Send, ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => MachineFinding::new(
            Severity::Error,
            format!("there is no route for broadcasts on {name}"),
            evidence,
            remedy::admin(
                facts,
                &format!(
                    "ip route add {}/{} dev {}",
                    network(interface),
                    interface.prefix,
                    remedy::quoted(name)
                ),
            ),
        ),
        (TrialStep::Hear, _) => MachineFinding::new(
            Severity::Warning,
            format!("this machine does not hear its own broadcast on {name}"),
            format!("{evidence}; a firewall may drop incoming broadcasts, or the link may not carry them"),
            remedy(incoming),
        ),
        _ => MachineFinding::new(
            Severity::Error,
            format!("cannot send broadcasts on {name}"),
            evidence,
            "run vigie doctor again; if it still fails, restart the interface",
        ),
    }
}

fn network(interface: &Interface) -> std::net::Ipv4Addr {
    let host_bits = u32::MAX.checked_shr(interface.prefix.into()).unwrap_or_default();
    std::net::Ipv4Addr::from(interface.ipv4().map_or(0, u32::from) & !host_bits)
}

/// Whether the presence port is free and receives.
pub(super) fn udp(facts: &MachineFacts) -> Examined {
    let port = facts.request.port;
    let mut findings: Vec<MachineFinding> = ephemeral(facts).into_iter().collect();
    if let Some(refused) = &facts.udp_port.refused {
        findings.push(taken(
            facts,
            &WantedPort { transport: "UDP", option: "--port", port, needed: true },
            refused,
        ));
    } else {
        findings.extend(shared_with_others(facts));
    }
    if let Err(failure) = &facts.udp_loopback {
        findings.push(deaf(facts, "UDP", failure));
    }
    let holders = &facts.udp_port.holders;
    let state = match (holders.is_empty(), facts.request.is_running) {
        (true, true) => "used by the node that runs here".to_owned(),
        (true, false) => "free".to_owned(),
        (false, _) => format!("shared with {}", names(holders)),
    };
    let saw = format!("{port} is {state} and receives datagrams");
    Examined { saw, findings, ..Examined::default() }
}

/// Programs other than vigie that share the presence port.
fn shared_with_others(facts: &MachineFacts) -> Option<MachineFinding> {
    let port = facts.request.port;
    let is_other = |holder: &&PortHolder| !is_vigie(holder);
    let others: Vec<PortHolder> = facts.udp_port.holders.iter().filter(is_other).cloned().collect();
    let first = others.first().filter(|holder| holder.program.is_some())?;
    Some(MachineFinding::new(
        Severity::Info,
        format!("UDP port {port} is shared with {}, which is not vigie", names(&others)),
        format!("{} lists its socket on {}", first.source, first.addr),
        format!(
            "if peers are missing, run vigie with a different port everywhere: vigie --port {}",
            remedy::another_port(port)
        ),
    ))
}

/// Whether the port is one that the system gives to any program.
fn ephemeral(facts: &MachineFacts) -> Option<MachineFinding> {
    let (port, (first, last)) = (facts.request.port, facts.ephemeral?);
    let given_away = (first..=last).contains(&port) && !facts.reserved;
    given_away.then(|| {
        MachineFinding::new(
            Severity::Warning,
            format!("port {port} is in the ephemeral range: any program may get it at any time"),
            format!("{first} to {last} in /proc/sys/net/ipv4/ip_local_port_range"),
            remedy::admin(facts, &format!("sysctl net.ipv4.ip_local_reserved_ports={port}")),
        )
    })
}

/// Whether the TCP port is free and accepts connections.
pub(super) fn tcp(facts: &MachineFacts) -> Examined {
    let port = facts.request.tcp();
    let mut findings = Vec::new();
    let mut saw = format!("{port} is free and accepts connections");
    let is_own = |refused: &&TrialFailure| facts.request.is_running && refused.kind == ErrorKind::AddrInUse;
    if facts.tcp_port.refused.as_ref().is_some_and(|refused| is_own(&refused)) {
        saw = format!("{port} is used by the node that runs here");
    } else if let Some(refused) = &facts.tcp_port.refused {
        let needed = facts.request.tcp_port.is_some();
        if !needed && only_vigies(&facts.tcp_port) {
            saw = format!(
                "{port} is used by another vigie ({}); the next one will use any free port",
                names(&facts.tcp_port.holders)
            );
        } else {
            let wanted = WantedPort { transport: "TCP", option: "--tcp-port", port, needed };
            findings.push(taken(facts, &wanted, refused));
        }
    }
    if let Err(failure) = &facts.tcp_loopback {
        findings.push(deaf(facts, "TCP", failure));
    }
    Examined { saw, findings, ..Examined::default() }
}

fn only_vigies(port: &Port) -> bool {
    !port.holders.is_empty() && port.holders.iter().all(is_vigie)
}

fn is_vigie(holder: &PortHolder) -> bool {
    holder.program.as_ref().is_some_and(|program| program.name == "vigie")
}

/// A port that a node wants.
struct WantedPort {
    transport: &'static str,
    option: &'static str,
    port: u16,
    /// No other port will do.
    needed: bool,
}

fn taken(facts: &MachineFacts, wanted: &WantedPort, refused: &TrialFailure) -> MachineFinding {
    let WantedPort { transport, option, port, needed } = *wanted;
    let severity = if needed { Severity::Error } else { Severity::Warning };
    let evidence = format!("bind: {}", refused.error);
    let (what, fix) = match refused.kind {
        ErrorKind::AddrInUse => return in_use(facts, wanted, severity, evidence),
        ErrorKind::PermissionDenied => (
            format!("{transport} port {port} requires privileges that you do not have"),
            format!("use a port above 1023: vigie {option} 17474"),
        ),
        _ => (
            format!("{transport} port {port} is not available"),
            format!("use another port: vigie {option} {}", remedy::another_port(port)),
        ),
    };
    MachineFinding::new(severity, what, evidence, fix)
}

fn in_use(
    facts: &MachineFacts,
    wanted: &WantedPort,
    severity: Severity,
    mut evidence: String,
) -> MachineFinding {
    let WantedPort { transport, option, port, needed } = *wanted;
    let holders = if transport == "UDP" { &facts.udp_port.holders } else { &facts.tcp_port.holders };
    for PortHolder { source, addr, user, .. } in holders {
        let _ = write!(evidence, "; {source} lists a socket on {addr} of user {user}");
    }
    let elsewhere = format!("or use another port: vigie {option} {}", remedy::another_port(port));
    let by = match holders.first() {
        None => "another program".to_owned(),
        Some(_) if holders.iter().any(|holder| holder.program.is_some()) => names(holders),
        Some(holder) => format!("a program of user {}, which you may not see", holder.user),
    };
    let fix = match holders.iter().find_map(|holder| holder.program.as_ref()) {
        Some(program) => format!("stop it: {}, {elsewhere}", stop(facts, program.pid)),
        None => format!("find out which one: {}, {elsewhere}", remedy::show_holder(facts, transport, port)),
    };
    let what = format!("{transport} port {port} is in use by {by}");
    let what = match (transport, needed) {
        ("UDP", _) => format!("{what}, which does not share it"),
        (_, true) => what,
        (_, false) => format!("{what}; vigie will use any free port"),
    };
    MachineFinding::new(severity, what, evidence, fix)
}

fn stop(facts: &MachineFacts, pid: u32) -> String {
    match facts.system {
        System::Windows => format!("taskkill /PID {pid}"),
        _ => remedy::admin(facts, &format!("kill {pid}")),
    }
}

/// `dnsmasq (pid 812)`, of all that are known; the same one only once.
fn names(holders: &[PortHolder]) -> String {
    let name = |holder: &PortHolder| match &holder.program {
        Some(process) => format!("{} (pid {})", process.name, process.pid),
        None => format!("a program of user {}", holder.user),
    };
    let mut names: Vec<String> = holders.iter().map(name).collect();
    names.sort();
    names.dedup();
    names.join(", ")
}

/// What this machine sends to itself does not arrive.
fn deaf(facts: &MachineFacts, transport: &str, failure: &TrialFailure) -> MachineFinding {
    let doing = match failure.step {
        TrialStep::Bind => "opening sockets",
        TrialStep::Send => "sending",
        TrialStep::Hear => "receiving",
        TrialStep::Connect => "connecting",
        TrialStep::Exchange => "exchanging data",
    };
    let what = match transport {
        "UDP" => "UDP datagrams from this machine to itself do not arrive",
        _ => "this machine cannot connect to itself by TCP",
    };
    let concerned = |o: &&Obstacle| if transport == "UDP" { o.stops_udp() } else { o.stops_tcp() };
    let remedy = match facts.firewall.obstacles.iter().find(concerned) {
        Some(obstacle) => remedy::let_through(facts, obstacle),
        None if facts.system == System::Linux => {
            format!(
                "bring loopback up, and check that no rule blocks it: {}",
                remedy::admin(facts, "ip link set lo up")
            )
        }
        None => remedy::check_firewall(facts),
    };
    MachineFinding::new(
        Severity::Error,
        what,
        format!("over loopback, while {doing}: {}", failure.error),
        remedy,
    )
}
