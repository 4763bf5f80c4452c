//! What fixes a finding: commands of this system that can be pasted.

use super::facts::{Direction, InsertionPoint, IpVersion, MachineFacts, Manager, Obstacle};
use crate::text::firewall::{FirewallTool, Opening, System};

/// A command that only an administrator may run.
pub(super) fn admin(facts: &MachineFacts, command: &str) -> String {
    as_admin(facts.system, facts.root, command)
}

fn as_admin(system: System, root: bool, command: &str) -> String {
    if root || system == System::Windows { command.to_owned() } else { format!("sudo {command}") }
}

/// A word of a command line, whatever is in it: an interface may be called `; reboot`.
pub(super) fn quoted(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_.:@%+=/,".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Switches an interface on.
pub(super) fn switch_on(facts: &MachineFacts, interface: &str) -> String {
    let name = quoted(interface);
    match facts.system {
        System::Linux => admin(facts, &format!("ip link set {name} up")),
        System::Windows => format!("netsh interface set interface name={name} admin=enabled"),
        System::MacOs | System::Other => admin(facts, &format!("ifconfig {name} up")),
    }
}

/// Gives an interface an address, by DHCP or by hand.
pub(super) fn give_address(facts: &MachineFacts, interface: &str) -> String {
    let name = quoted(interface);
    match facts.system {
        System::Linux => format!(
            "{}, or manually, with a free address: {}",
            admin(facts, &format!("dhclient {name}")),
            admin(facts, &format!("ip addr add 192.168.1.77/24 brd + dev {name}"))
        ),
        System::MacOs => admin(facts, &format!("ipconfig set {name} DHCP")),
        System::Windows => format!("netsh interface ip set address name={name} source=dhcp"),
        System::Other => admin(facts, &format!("dhclient {name}")),
    }
}

/// Shows who holds a port.
pub(super) fn show_holder(facts: &MachineFacts, transport: &str, port: u16) -> String {
    match facts.system {
        System::Linux => {
            let table = if transport == "TCP" { "-lntp" } else { "-lnup" };
            admin(facts, &format!("ss {table} 'sport = :{port}'"))
        }
        System::Windows => format!("netstat -ano | findstr :{port}"),
        System::MacOs | System::Other => admin(facts, &format!("lsof -nP -i{transport}:{port}")),
    }
}

/// A port that is likely to be free, next to the one that is not, and likewise outside the ephemeral range.
pub(super) fn another_port(port: u16) -> u16 {
    if port > 1_024 { port - 1 } else { 17_474 }
}

/// Lets packets through the rule that stops them.
pub(super) fn let_through(facts: &MachineFacts, obstacle: &Obstacle) -> String {
    all_of(facts, &openings(obstacle, facts.request.port, facts.request.tcp()))
}

/// The same on this machine, by whoever runs this process.
pub(super) fn let_through_here(root: bool, obstacle: &Obstacle, udp: u16, tcp: u16) -> String {
    let commands = openings(obstacle, udp, tcp);
    let commands = commands.iter().map(|command| as_admin(System::OURS, root, command));
    commands.collect::<Vec<_>>().join(" && ")
}

/// The commands that let vigie's packets through the rule that stops them.
fn openings(obstacle: &Obstacle, udp: u16, tcp: u16) -> Vec<String> {
    let udp = obstacle.stops_udp().then_some(Opening::Udp(udp));
    let tcp = obstacle.stops_tcp().then_some(Opening::Tcp(tcp));
    let openings: Vec<Opening> = udp.into_iter().chain(tcp).collect();
    let allow = |firewall: FirewallTool<'_>| firewall.allow(obstacle.direction, &openings);
    match (obstacle.manager, &obstacle.insert_at) {
        (Some(Manager::Ufw), _) => allow(FirewallTool::Ufw),
        (Some(Manager::Firewalld), _) => allow(FirewallTool::Firewalld(obstacle.ip)),
        (None, InsertionPoint::Nft { family, table, chain }) => {
            allow(FirewallTool::Nft { family, table: &quoted(table), chain: &quoted(chain) })
        }
        (None, InsertionPoint::Iptables { ip, table, chain }) => {
            allow(FirewallTool::Iptables { ip: *ip, table, chain })
        }
    }
}

/// Commands of an administrator, one after the other.
fn all_of(facts: &MachineFacts, commands: &[String]) -> String {
    commands.iter().map(|command| admin(facts, command)).collect::<Vec<_>>().join(" && ")
}

/// Where rules are unknown: how to list them, or what usually lets vigie through.
pub(super) fn check_firewall(facts: &MachineFacts) -> String {
    let openings = [Opening::Udp(facts.request.port), Opening::Tcp(facts.request.tcp())];
    let allow = |firewall: FirewallTool<'_>| all_of(facts, &firewall.allow(Direction::In, &openings));
    match facts.system {
        System::Linux if facts.firewall.managers.contains(&Manager::Ufw) => allow(FirewallTool::Ufw),
        System::Linux if facts.firewall.managers.contains(&Manager::Firewalld) => {
            allow(FirewallTool::Firewalld(IpVersion::V4))
        }
        System::Linux if !facts.root => "sudo vigie doctor".to_owned(),
        System::Linux => "nft list ruleset".to_owned(),
        System::MacOs => allow(FirewallTool::MacOs),
        System::Windows => allow(FirewallTool::Windows),
        System::Other => admin(facts, "pfctl -s rules"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::facts::Traffic;
    use super::super::samples::{healthy, obstacle};
    use super::*;

    #[test]
    fn each_firewall_has_its_own_command() {
        let facts = healthy();
        let nft = obstacle();
        let of = |change: fn(&mut Obstacle)| {
            let mut obstacle = nft.clone();
            change(&mut obstacle);
            let_through(&facts, &obstacle)
        };
        assert_eq!(of(|_| {}), "sudo nft insert rule inet filter input udp dport 17474 accept");
        assert_eq!(of(|o| o.manager = Some(Manager::Ufw)), "sudo ufw allow 17474/udp");
        assert_eq!(
            of(|o| {
                o.manager = Some(Manager::Ufw);
                o.stops.push(Traffic::Tcp);
                o.direction = Direction::Out;
            }),
            "sudo ufw allow out 17474"
        );
        assert_eq!(
            of(|o| {
                o.manager = Some(Manager::Firewalld);
                o.stops.push(Traffic::Tcp);
            }),
            "sudo firewall-cmd --add-port=17474/udp --add-port=17474/tcp && sudo firewall-cmd --runtime-to-permanent"
        );
        assert_eq!(
            of(|o| o.insert_at = InsertionPoint::Iptables {
                ip: IpVersion::V4,
                table: "raw".into(),
                chain: "PREROUTING".into()
            }),
            "sudo iptables -t raw -I PREROUTING -p udp --dport 17474 -j ACCEPT"
        );
    }

    #[test]
    fn names_of_the_system_stay_one_word_of_a_command() {
        assert_eq!([quoted("eth0.7"), quoted("a b"), quoted("$(x)'")], ["eth0.7", "'a b'", r"'$(x)'\'''"]);
        assert_eq!(quoted(""), "''");
    }
}
