//! Whether the rules of the firewall let vigie's packets through.

use crate::doctor::facts::{
    Direction, IpVersion, MachineFacts, MachineLink, Manager, Obstacle, System, Traffic,
};
use crate::doctor::remedy;
use crate::doctor::report::{Examined, MachineFinding, Severity};
use crate::engine::interface::InterfaceKind;

/// Whether rules block what vigie sends or receives.
pub(super) fn rules(facts: &MachineFacts) -> Examined {
    let firewall = &facts.firewall;
    let mut findings: Vec<MachineFinding> = firewall.obstacles.iter().map(|o| stopped(facts, o)).collect();
    findings.extend(closed_ports(facts));
    if !firewall.unread.is_empty() {
        findings.push(unread(facts));
    }
    let managers: Vec<_> = firewall.managers.iter().map(|manager| manager.name()).collect();
    let managed =
        if managers.is_empty() { String::new() } else { format!(", managed by {}", managers.join(", ")) };
    let saw = if firewall.read.is_empty() {
        match facts.system {
            System::Linux if firewall.unread.is_empty() => "neither nft nor iptables is installed".to_owned(),
            System::Linux => "its rules could not be read".to_owned(),
            _ => "its rules cannot be read on this system".to_owned(),
        }
    } else {
        format!("nothing in {}{managed} blocks vigie", firewall.read.join(" and "))
    };
    Examined { saw, unknown: firewall.read.is_empty() || !firewall.unread.is_empty(), findings }
}

fn stopped(facts: &MachineFacts, obstacle: &Obstacle) -> MachineFinding {
    let main = |name: &str| {
        let is = |link: &MachineLink| {
            *link.name == *name && !matches!(link.kind, InterfaceKind::Container | InterfaceKind::Vpn)
        };
        facts.links.iter().any(is)
    };
    // Where there are both, IPv4 carries on.
    let alone =
        |name: &str| obstacle.ip == IpVersion::V4 || !facts.used.iter().any(|used| &*used.name == name);
    let lost = |name: &str| main(name) && alone(name);
    let all_may_be_lost = obstacle.certain && obstacle.interfaces.iter().any(|name| lost(name));
    let severity = if all_may_be_lost { Severity::Error } else { Severity::Warning };
    let udp = match (obstacle.stops.contains(&Traffic::Unicast), obstacle.stops_udp()) {
        (true, _) => Some(format!("UDP {}", facts.request.port)),
        (false, true) => {
            let all = if obstacle.ip == IpVersion::V4 { "broadcasts" } else { "multicasts" };
            Some(format!("{all} to UDP {}", facts.request.port))
        }
        (false, false) => None,
    };
    let tcp = obstacle.stops_tcp().then(|| format!("TCP {}", facts.request.tcp()));
    let traffic: Vec<_> = [udp, tcp].into_iter().flatten().collect();
    let (way, blocks) = (
        if obstacle.direction == Direction::In { "incoming" } else { "outgoing" },
        if obstacle.certain { "blocks" } else { "may block" },
    );
    let interfaces = obstacle.interfaces.join(", ");
    let traffic = traffic.join(" and ");
    let over = if obstacle.ip == IpVersion::V4 { "" } else { " over IPv6" };
    let what = format!("the firewall {blocks} {way} {traffic}{over} on {interfaces}");
    let by = obstacle.manager.map(|m| format!("; {} manages the rules", m.name())).unwrap_or_default();
    MachineFinding::new(
        severity,
        what,
        format!("{}{by}", obstacle.rule),
        remedy::let_through(facts, obstacle),
    )
}

/// Where firewalld lists its open ports but its rules could not be read.
fn closed_ports(facts: &MachineFacts) -> Option<MachineFinding> {
    let open = facts.firewall.open_ports.as_ref()?;
    let is_open = |transport: &str, port: u16| {
        open.split_whitespace().any(|ports| {
            let Some((ports, of)) = ports.split_once('/') else { return false };
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            of == transport
                && matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
        })
    };
    let (udp, tcp) = (facts.request.port, facts.request.tcp());
    if is_open("udp", udp) && is_open("tcp", tcp) {
        return None;
    }
    let listed = if open.is_empty() { "none" } else { open };
    Some(MachineFinding::new(
        Severity::Warning,
        format!("firewalld may block UDP {udp} or TCP {tcp}"),
        format!("firewall-cmd --list-ports (default zone): {listed}"),
        remedy::admin(facts, &format!("firewall-cmd --add-port={udp}/udp --add-port={tcp}/tcp")),
    ))
}

fn unread(facts: &MachineFacts) -> MachineFinding {
    let active = facts.firewall.managers.iter().map(|m: &Manager| m.name()).collect::<Vec<_>>().join(" and ");
    let what = if active.is_empty() {
        "a firewall may block vigie: its rules could not be read".to_owned()
    } else {
        format!("{active} is active and may block vigie: its rules could not be read")
    };
    let fix = if facts.root { "check them: nft list ruleset" } else { "sudo vigie doctor" };
    MachineFinding::new(Severity::Info, what, facts.firewall.unread.join("; "), fix)
}
