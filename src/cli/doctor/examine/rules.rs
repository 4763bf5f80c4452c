//! What the rules of the firewall mean for others' packets and ours.

use crate::engine::interface::Kind;

use super::super::facts::{Facts, Manager, Obstacle, System, Traffic};
use super::super::firewall::Direction;
use super::super::fix;
use super::{Finding, Outcome, Severity};

/// Whether rules stop what vigie sends or is sent.
pub(super) fn firewall(facts: &Facts) -> Outcome {
    let firewall = &facts.firewall;
    let mut findings: Vec<Finding> = firewall.obstacles.iter().map(|o| stopped(facts, o)).collect();
    findings.extend(closed_ports(facts));
    if !firewall.unread.is_empty() {
        findings.push(unread(facts));
    }
    let managers: Vec<_> = firewall.managers.iter().map(|manager| manager.name()).collect();
    let managed =
        if managers.is_empty() { String::new() } else { format!(", managed by {}", managers.join(", ")) };
    let saw = if firewall.read.is_empty() {
        match facts.system {
            System::Linux if firewall.unread.is_empty() => {
                "neither nft nor iptables is here to be asked".to_owned()
            }
            System::Linux => "its rules could not be read".to_owned(),
            _ => "its rules cannot be read on this system".to_owned(),
        }
    } else {
        format!("nothing in {}{managed} stops vigie", firewall.read.join(" and "))
    };
    Outcome { saw, unknown: firewall.read.is_empty() || !firewall.unread.is_empty(), findings }
}

fn stopped(facts: &Facts, obstacle: &Obstacle) -> Finding {
    let main = |name: &str| {
        let is = |link: &super::super::facts::Link| {
            *link.name == *name && !matches!(link.kind, Kind::Container | Kind::Vpn)
        };
        facts.links.iter().any(is)
    };
    let all_may_be_lost = obstacle.certain && obstacle.interfaces.iter().any(|name| main(name));
    let severity = if all_may_be_lost { Severity::Error } else { Severity::Warning };
    let udp = match (obstacle.stops.contains(&Traffic::Unicast), obstacle.stops_udp()) {
        (true, _) => Some(format!("UDP port {}", facts.asked.port)),
        (false, true) => Some(format!("broadcasts to UDP port {}", facts.asked.port)),
        (false, false) => None,
    };
    let tcp = obstacle.stops_tcp().then(|| format!("TCP port {}", facts.asked.tcp()));
    let traffic: Vec<_> = [udp, tcp].into_iter().flatten().collect();
    let (way, stops) = (
        if obstacle.direction == Direction::In { "coming in" } else { "going out" },
        if obstacle.certain { "stops" } else { "may stop" },
    );
    let what = format!(
        "the firewall {stops} {}, {way} on {}",
        traffic.join(" and "),
        obstacle.interfaces.join(", ")
    );
    let by = obstacle.manager.map(|m| format!("; {} manages the rules", m.name())).unwrap_or_default();
    Finding::new(severity, what, format!("{}{by}", obstacle.rule), fix::let_through(facts, obstacle))
}

/// Where firewalld tells its open ports and not its rules.
fn closed_ports(facts: &Facts) -> Option<Finding> {
    let open = facts.firewall.open_ports.as_ref()?;
    let is_open = |transport: &str, port: u16| {
        open.split_whitespace().any(|ports| {
            let Some((ports, of)) = ports.split_once('/') else { return false };
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            of == transport
                && matches!((first.parse(), last.parse()), (Ok(first), Ok(last)) if (first..=last).contains(&port))
        })
    };
    let (udp, tcp) = (facts.asked.port, facts.asked.tcp());
    if is_open("udp", udp) && is_open("tcp", tcp) {
        return None;
    }
    let listed = if open.is_empty() { "none" } else { open };
    Some(Finding::new(
        Severity::Warning,
        format!("firewalld may keep UDP port {udp} or TCP port {tcp} closed"),
        format!("firewall-cmd --list-ports, of the default zone: {listed}"),
        fix::admin(facts, &format!("firewall-cmd --add-port={udp}/udp --add-port={tcp}/tcp")),
    ))
}

fn unread(facts: &Facts) -> Finding {
    let active = facts.firewall.managers.iter().map(|m: &Manager| m.name()).collect::<Vec<_>>().join(" and ");
    let what = if active.is_empty() {
        "whether a firewall stops vigie could not be told: its rules could not be read".to_owned()
    } else {
        format!("{active} is on, and its rules could not be read: it may stop vigie")
    };
    let fix = if facts.root { "look at them: nft list ruleset" } else { "sudo vigie doctor" };
    Finding::new(Severity::Info, what, facts.firewall.unread.join("; "), fix)
}
