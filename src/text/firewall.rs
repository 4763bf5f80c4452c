//! The commands that let vigie through a firewall: those of each system once, for findings, `vigie doctor` and the README.

use std::fmt;

use crate::engine::packet_filter::{Direction, IpVersion};

/// Whose commands are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux.
    Linux,
    /// macOS.
    MacOs,
    /// Windows.
    Windows,
    /// Any other Unix.
    Other,
}

impl System {
    /// The one this program was built for. The hosts of a network are mostly of one kind.
    pub const OURS: Self = if cfg!(target_os = "linux") {
        Self::Linux
    } else if cfg!(target_os = "macos") {
        Self::MacOs
    } else if cfg!(windows) {
        Self::Windows
    } else {
        Self::Other
    };

    /// What shows the addresses of a machine with their netmasks.
    pub fn show_addresses(self) -> &'static str {
        match self {
            Self::Linux => "ip -br addr",
            Self::Windows => "ipconfig",
            Self::MacOs | Self::Other => "ifconfig",
        }
    }
}

/// Packets to let through: to a port, by UDP or TCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// UDP to this port.
    Udp(u16),
    /// TCP connections to this port.
    Tcp(u16),
}

impl Opening {
    fn parts(self) -> (&'static str, u16) {
        match self {
            Self::Udp(port) => ("udp", port),
            Self::Tcp(port) => ("tcp", port),
        }
    }
}

/// `17474/udp`, as most firewalls write it.
impl fmt::Display for Opening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, port) = self.parts();
        write!(f, "{port}/{protocol}")
    }
}

/// Who takes the commands. Names are words of a shell already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirewallTool<'a> {
    /// Uncomplicated Firewall.
    Ufw,
    /// `firewalld`.
    Firewalld(IpVersion),
    /// A chain of nftables.
    Nft {
        /// The family of its table.
        family: &'a str,
        /// Its table.
        table: &'a str,
        /// Its name.
        chain: &'a str,
    },
    /// A chain of iptables, or of ip6tables.
    Iptables {
        /// Which of the two.
        ip: IpVersion,
        /// Its table.
        table: &'a str,
        /// Its name.
        chain: &'a str,
    },
    /// Windows Defender Firewall, from `PowerShell`.
    Windows,
    /// That of macOS, which knows programs, not ports.
    MacOs,
}

impl FirewallTool<'_> {
    /// The commands that let this through; an administrator runs them.
    pub fn allow(self, direction: Direction, openings: &[Opening]) -> Vec<String> {
        match (self, openings) {
            (Self::Ufw, [Opening::Udp(udp), Opening::Tcp(tcp)]) if udp == tcp => {
                vec![format!("ufw allow {}{udp}", ufw_direction(direction))]
            }
            (Self::Firewalld(_), openings) if direction == Direction::In => firewalld(openings),
            (Self::MacOs, _) => vec![
                "/usr/libexec/ApplicationFirewall/socketfilterfw --unblockapp \"$(command -v vigie)\""
                    .to_owned(),
            ],
            (firewall, openings) => openings.iter().map(|one| firewall.allow_one(direction, *one)).collect(),
        }
    }

    fn allow_one(self, direction: Direction, opening: Opening) -> String {
        let (protocol, port) = opening.parts();
        match self {
            Self::Ufw => format!("ufw allow {}{opening}", ufw_direction(direction)),
            Self::Firewalld(ip) => {
                let family = if ip == IpVersion::V4 { "ipv4" } else { "ipv6" };
                format!(
                    "firewall-cmd --direct --add-rule {family} filter OUTPUT 0 -p {protocol} --dport {port} -j ACCEPT"
                )
            }
            Self::Nft { family, table, chain } => {
                format!("nft insert rule {family} {table} {chain} {protocol} dport {port} accept")
            }
            Self::Iptables { ip, table, chain } => {
                let program = if ip == IpVersion::V4 { "iptables" } else { "ip6tables" };
                let table = if table == "filter" { String::new() } else { format!("-t {table} ") };
                format!("{program} {table}-I {chain} -p {protocol} --dport {port} -j ACCEPT")
            }
            Self::Windows => {
                let (direction, side) = match direction {
                    Direction::In => ("Inbound", "LocalPort"),
                    Direction::Out => ("Outbound", "RemotePort"),
                };
                let protocol = protocol.to_uppercase();
                format!(
                    "New-NetFirewallRule -DisplayName vigie -Direction {direction} -Protocol {protocol} -{side} {port} \
                     -Action Allow"
                )
            }
            Self::MacOs => String::new(),
        }
    }
}

fn ufw_direction(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "",
        Direction::Out => "out ",
    }
}

/// For now, and then for good.
fn firewalld(openings: &[Opening]) -> Vec<String> {
    let ports: Vec<String> = openings.iter().map(|one| format!("--add-port={one}")).collect();
    vec![format!("firewall-cmd {}", ports.join(" ")), "firewall-cmd --runtime-to-permanent".to_owned()]
}

/// What opens the firewall of a machine, this one or another, of which no more is known than that it most likely runs this system.
pub(super) fn allow(direction: Direction, openings: &[Opening], is_this_one: bool) -> impl fmt::Display {
    fmt::from_fn(move |f| {
        let command = |firewall: FirewallTool<'_>| firewall.allow(direction, openings);
        match System::OURS {
            System::Linux => {
                let ufw: Vec<_> =
                    command(FirewallTool::Ufw).iter().map(|ufw| format!("sudo {ufw}")).collect();
                let (used, doctor) = if is_this_one { ("here", "") } else { ("there", " there") };
                write!(
                    f,
                    "`{}` if ufw is used {used}, else `sudo vigie doctor`{doctor} names the rule",
                    ufw.join(" && ")
                )
            }
            System::MacOs => write!(f, "`sudo {}`", command(FirewallTool::MacOs).join(" && ")),
            System::Windows => write!(f, "`{}`", command(FirewallTool::Windows).join("; ")),
            System::Other => f.write_str("check `pfctl -s rules`"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Opening; 2] = [Opening::Udp(17_474), Opening::Tcp(17_474)];

    #[test]
    fn each_firewall_has_its_own_commands() {
        let nft = FirewallTool::Nft { family: "inet", table: "filter", chain: "input" };
        assert_eq!(
            nft.allow(Direction::In, &[Opening::Udp(1)]),
            ["nft insert rule inet filter input udp dport 1 accept"]
        );
        assert_eq!(FirewallTool::Ufw.allow(Direction::In, &[Opening::Udp(1)]), ["ufw allow 1/udp"]);
        assert_eq!(FirewallTool::Ufw.allow(Direction::Out, &BOTH), ["ufw allow out 17474"]);
        assert_eq!(
            FirewallTool::Firewalld(IpVersion::V4).allow(Direction::In, &BOTH),
            ["firewall-cmd --add-port=17474/udp --add-port=17474/tcp", "firewall-cmd --runtime-to-permanent"]
        );
        assert_eq!(
            FirewallTool::Iptables { ip: IpVersion::V4, table: "raw", chain: "PREROUTING" }
                .allow(Direction::In, &[Opening::Udp(1)]),
            ["iptables -t raw -I PREROUTING -p udp --dport 1 -j ACCEPT"]
        );
        assert_eq!(
            FirewallTool::Iptables { ip: IpVersion::V6, table: "filter", chain: "INPUT" }
                .allow(Direction::In, &[Opening::Tcp(1)]),
            ["ip6tables -I INPUT -p tcp --dport 1 -j ACCEPT"]
        );
        assert_eq!(
            FirewallTool::Windows.allow(Direction::Out, &[Opening::Tcp(1)]),
            [
                "New-NetFirewallRule -DisplayName vigie -Direction Outbound -Protocol TCP -RemotePort 1 -Action Allow"
            ]
        );
    }
}
