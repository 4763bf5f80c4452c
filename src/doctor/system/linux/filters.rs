//! What the packet filters of this machine do with vigie's packets, as far as their rules may be read.

use std::collections::HashSet;
use std::fs;

use crate::doctor::facts::{Firewall, InsertionPoint, IpVersion, Manager, Obstacle, Traffic, Transport};
use crate::doctor::firewall::iptables::Iptables;
use crate::doctor::firewall::nft::Nft;
use crate::doctor::firewall::{ProbePacket, Rules, stopped};
use crate::engine::interface::Interface;
use crate::text::Count;

use super::tools::{Answered, ask};

/// Reads all rules that can be read, and follows vigie's packets through them.
pub(in crate::doctor) fn firewall(interfaces: &[Interface], udp: u16, tcp: u16) -> Firewall {
    let mut firewall = Firewall { managers: managers(), ..Firewall::default() };
    let probes: Vec<_> =
        interfaces.iter().flat_map(|interface| ProbePacket::all_of(interface, udp, tcp)).collect();

    let mut known = HashSet::new();
    let mut ufw_has_chains = false;
    for ip in [IpVersion::V4, IpVersion::V6] {
        // Rules of IPv6 are nobody's business where vigie does not speak it.
        if ip == IpVersion::V4 || probes.iter().any(|probe| probe.ip == ip) {
            let iptables = read_iptables(ip, &probes, &mut firewall);
            known.extend(iptables.iter().flat_map(Iptables::shown_by_nft));
            ufw_has_chains |= iptables.iter().any(|iptables| iptables.has_chains_of("ufw"));
        }
    }
    match ask("nft", &["-j", "list", "ruleset"]) {
        Answered::Missing => {}
        Answered::Badly(said) => firewall.unread.push(format!("nft: {said}")),
        Answered::Well(json) => match Nft::read(&json, &known) {
            Err(said) => firewall.unread.push(said),
            Ok(nft) => {
                let nft = match ask("nft", &["-a", "list", "ruleset"]) {
                    Answered::Well(listing) => nft.with_words(&listing),
                    _ => nft,
                };
                firewall.read.push(format!("{} (nft list ruleset)", Count(nft.rules(), "rule")));
                collect(&nft, &probes, &mut firewall.obstacles);
            }
        },
    }
    if firewall.managers.contains(&Manager::Firewalld)
        && !firewall.unread.is_empty()
        && let Answered::Well(ports) = ask("firewall-cmd", &["--list-ports"])
    {
        firewall.open_ports = Some(ports.trim().to_owned());
    }
    tell_once(&mut firewall.obstacles);
    for obstacle in &mut firewall.obstacles {
        obstacle.manager = manager_of(&obstacle.insert_at, &firewall.managers, ufw_has_chains);
    }
    firewall
}

/// Reads what iptables or ip6tables has, and follows the packets through it.
fn read_iptables(ip: IpVersion, probes: &[ProbePacket], firewall: &mut Firewall) -> Option<Iptables> {
    let (save, legacy_save) = match ip {
        IpVersion::V4 => ("iptables-save", "iptables-legacy-save"),
        IpVersion::V6 => ("ip6tables-save", "ip6tables-legacy-save"),
    };
    let iptables = match ask(save, &[]) {
        Answered::Missing => return None,
        Answered::Badly(said) => {
            firewall.unread.push(format!("{save}: {said}"));
            return None;
        }
        Answered::Well(saved) => Iptables::read(ip, &saved),
    };
    firewall.read.push(format!("{} ({save})", Count(iptables.rules(), "rule")));
    collect(&iptables, probes, &mut firewall.obstacles);
    // Where iptables speaks to nftables, there may be rules of the older kernel interface beside.
    if !iptables.shown_by_nft().is_empty()
        && let Answered::Well(saved) = ask(legacy_save, &[])
    {
        let legacy = Iptables::read(ip, &saved);
        firewall.read.push(format!("{} ({legacy_save})", Count(legacy.rules(), "rule")));
        collect(&legacy, probes, &mut firewall.obstacles);
    }
    Some(iptables)
}

/// The programs that manage rules here.
fn managers() -> Vec<Manager> {
    let mut managers = Vec::new();
    let ufw = match ask("ufw", &["status"]) {
        Answered::Missing => false,
        Answered::Well(status) => status.contains("Status: active"),
        // Only root may ask; its setting may be read by all.
        Answered::Badly(_) => fs::read_to_string("/etc/ufw/ufw.conf")
            .is_ok_and(|conf| conf.lines().any(|line| line.trim().eq_ignore_ascii_case("enabled=yes"))),
    };
    if ufw {
        managers.push(Manager::Ufw);
    }
    if matches!(ask("firewall-cmd", &["--state"]), Answered::Well(state) if state.trim() == "running") {
        managers.push(Manager::Firewalld);
    }
    managers
}

/// Who has to be told to let packets through a chain; none if the rule is to be added there.
fn manager_of(insert_at: &InsertionPoint, active: &[Manager], ufw_has_chains: bool) -> Option<Manager> {
    let manager = match insert_at {
        InsertionPoint::Nft { table, .. } if table == "firewalld" => Manager::Firewalld,
        InsertionPoint::Iptables { table, .. } if table == "filter" && ufw_has_chains => Manager::Ufw,
        InsertionPoint::Nft { family, table, .. } if family != "inet" && table == "filter" => Manager::Ufw,
        InsertionPoint::Iptables { .. } => Manager::Firewalld,
        InsertionPoint::Nft { .. } => return None,
    };
    active.contains(&manager).then_some(manager)
}

/// Sends all packets through the rules, and puts together what the same rule does to several.
fn collect<R: Rules>(rules: &R, probes: &[ProbePacket], obstacles: &mut Vec<Obstacle>) {
    for probe in probes {
        let Some(stopped) = stopped(rules, probe) else { continue };
        let traffic = match (probe.transport, probe.to_all) {
            (Transport::Udp, true) => Traffic::Broadcast,
            (Transport::Udp, false) => Traffic::Unicast,
            (Transport::Tcp, _) => Traffic::Tcp,
        };
        let same = |o: &Obstacle| {
            o.ip == probe.ip
                && o.direction == probe.direction
                && o.rule == stopped.rule
                && o.insert_at == stopped.insert_at
                && o.certain == stopped.certain
        };
        let nth = obstacles.iter().position(same).unwrap_or_else(|| {
            obstacles.push(Obstacle {
                ip: probe.ip,
                direction: probe.direction,
                stops: Vec::new(),
                interfaces: Vec::new(),
                certain: stopped.certain,
                rule: stopped.rule,
                insert_at: stopped.insert_at,
                manager: None,
            });
            obstacles.len() - 1
        });
        let obstacle = &mut obstacles[nth];
        if !obstacle.stops.contains(&traffic) {
            obstacle.stops.push(traffic);
        }
        if !obstacle.interfaces.contains(&probe.interface) {
            obstacle.interfaces.push(probe.interface.clone());
        }
    }
}

/// What a rule does to IPv6 is not told where it does the same to IPv4.
fn tell_once(obstacles: &mut Vec<Obstacle>) {
    let of_ipv4: Vec<_> = obstacles.iter().filter(|o| o.ip == IpVersion::V4).cloned().collect();
    let covers = |one: &Obstacle, other: &Obstacle| {
        (one.direction, one.certain, &one.rule, &one.insert_at)
            == (other.direction, other.certain, &other.rule, &other.insert_at)
            && other.stops.iter().all(|traffic| one.stops.contains(traffic))
            && other.interfaces.iter().all(|interface| one.interfaces.contains(interface))
    };
    obstacles.retain(|o| o.ip == IpVersion::V4 || !of_ipv4.iter().any(|one| covers(one, o)));
}

#[cfg(test)]
mod tests {
    use crate::doctor::facts::Direction;
    use crate::doctor::firewall::samples::{eth0, eth0_by_ipv6};

    use super::*;

    #[test]
    fn what_one_rule_does_to_several_packets_is_one_obstacle() {
        let iptables = Iptables::read(
            IpVersion::V4,
            "*filter\n:INPUT DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT -p tcp -j DROP\nCOMMIT",
        );
        let mut obstacles = Vec::new();
        collect(&iptables, &ProbePacket::all_of(&eth0(), 17_474, 17_474), &mut obstacles);
        let short: Vec<_> = obstacles.iter().map(|o| (o.direction, &o.stops[..])).collect();
        let all = [Traffic::Broadcast, Traffic::Unicast, Traffic::Tcp];
        assert_eq!(short, [(Direction::In, &all[..]), (Direction::Out, &all[2..])]);
        assert_eq!(obstacles[0].interfaces, ["eth0".into()]);
    }

    #[test]
    fn a_rule_for_both_versions_of_ip_is_told_once_and_one_for_ipv6_as_such() {
        let told = |family: &str, rule: &str| {
            let json = format!(
                r#"{{"nftables": [
                    {{"chain": {{"family": "{family}", "table": "t", "name": "c", "hook": "input", "policy": "accept"}}}},
                    {{"rule": {{"family": "{family}", "table": "t", "chain": "c", "handle": 4, "expr": [{rule}]}}}}]}}"#
            );
            let nft = Nft::read(&json, &HashSet::new()).unwrap();
            let probe = |interface| ProbePacket::all_of(&interface, 17_474, 17_474);
            let probes = [probe(eth0()), probe(eth0_by_ipv6())].concat();
            let mut obstacles = Vec::new();
            collect(&nft, &probes, &mut obstacles);
            tell_once(&mut obstacles);
            obstacles.iter().map(|o| o.ip).collect::<Vec<_>>()
        };
        let (all, of_ipv6) = (
            r#"{"drop": null}"#,
            r#"{"match": {"op": "==", "left": {"meta": {"key": "nfproto"}}, "right": "ipv6"}}, {"drop": null}"#,
        );
        assert_eq!(told("inet", all), [IpVersion::V4]);
        assert_eq!(told("inet", of_ipv6), [IpVersion::V6]);
        assert_eq!(told("ip", all), [IpVersion::V4]);
        assert_eq!(told("ip6", all), [IpVersion::V6]);
    }

    #[test]
    fn the_one_who_manages_the_rules_is_told() {
        let filter =
            InsertionPoint::Iptables { ip: IpVersion::V4, table: "filter".into(), chain: "INPUT".into() };
        assert_eq!(manager_of(&filter, &[Manager::Ufw], true), Some(Manager::Ufw));
        assert_eq!(manager_of(&filter, &[], true), None, "it is switched off");
        let own = InsertionPoint::Nft { family: "inet".into(), table: "mine".into(), chain: "input".into() };
        assert_eq!(manager_of(&own, &[Manager::Ufw, Manager::Firewalld], true), None);
        let firewalld =
            InsertionPoint::Nft { family: "inet".into(), table: "firewalld".into(), chain: "c".into() };
        assert_eq!(manager_of(&firewalld, &[Manager::Firewalld], false), Some(Manager::Firewalld));
    }
}
