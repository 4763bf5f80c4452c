//! An interface of this host, as presence sees it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use serde::Serialize;

/// The system's number of a link. A link that is made again under the same name has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LinkIndex(pub u32);

/// An IPv4 address of this host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Interface {
    /// As the system names its link.
    pub name: Arc<str>,
    /// The number of its link; none where the system does not tell.
    #[serde(skip)]
    pub index: Option<LinkIndex>,
    /// Its address.
    pub addr: Ipv4Addr,
    /// Length of its network's prefix, in bits.
    pub prefix: u8,
    /// The directed broadcast address of its network; none where nothing can be broadcast: on a point-to-point link, or in
    /// a network of one or two addresses. There peers must be named.
    pub broadcast: Option<Ipv4Addr>,
    /// What kind of link it probably is.
    pub kind: InterfaceKind,
}

/// What kind of link an interface probably is, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum InterfaceKind {
    /// Ethernet, or unknown.
    Lan,
    /// A wireless network.
    Wifi,
    /// A bridge or pair of a container or virtual-machine engine.
    Container,
    /// A tunnel.
    Vpn,
    /// This machine only.
    Loopback,
}

impl InterfaceKind {
    /// Tells the kind by the prefixes that the usual engines give to the names of their interfaces.
    pub fn of(name: &str) -> Self {
        const CONTAINER: [&str; 11] =
            ["docker", "br-", "veth", "virbr", "vnet", "cni", "flannel", "cali", "podman", "lxc", "vmnet"];
        const VPN: [&str; 8] = ["tun", "tap", "wg", "tailscale", "zt", "utun", "ppp", "ipsec"];
        // Of Linux: the kernel's own names, those by place (wlp3s0, wlo1) and by address (wlx…). Of Windows: its adapter.
        const WIFI: [&str; 5] = ["wlan", "wlp", "wlo", "wlx", "Wi-Fi"];
        if name == "lo" || name == "lo0" || name.starts_with("Loopback") {
            Self::Loopback
        } else if CONTAINER.iter().any(|p| name.starts_with(p)) {
            Self::Container
        } else if VPN.iter().any(|p| name.starts_with(p)) {
            Self::Vpn
        } else if WIFI.iter().any(|p| name.starts_with(p)) {
            Self::Wifi
        } else {
            Self::Lan
        }
    }
}

impl Interface {
    /// An interface with its directed broadcast computed (RFC 919 §7); none where there is no broadcast: a
    /// prefix of 31 (RFC 3021) or 32 bits, or of no bits at all.
    pub fn new(name: &str, addr: Ipv4Addr, prefix: u8) -> Option<Self> {
        if !(1..=30).contains(&prefix) {
            return None;
        }
        let unicast = Self::without_broadcast(name, addr, prefix);
        Some(Self { broadcast: Some(unicast.last_address()), ..unicast })
    }

    /// An interface on which nothing can be broadcast.
    pub fn without_broadcast(name: &str, addr: Ipv4Addr, prefix: u8) -> Self {
        Self {
            name: Arc::from(name),
            index: None,
            addr,
            prefix,
            broadcast: None,
            kind: InterfaceKind::of(name),
        }
    }

    /// The greatest address of its network: the directed broadcast address, where there is one.
    pub fn last_address(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.addr) | self.host_bits())
    }

    fn host_bits(&self) -> u32 {
        u32::MAX.checked_shr(self.prefix.into()).unwrap_or(0)
    }

    /// Whether an address belongs to a host whom a broadcast on this link reaches: in its network, neither the network's own
    /// address nor its broadcast address.
    pub fn reaches(&self, ip: IpAddr) -> bool {
        let IpAddr::V4(v4) = ip else { return false };
        let Some(broadcast) = self.broadcast else { return false };
        let (host_bits, ip, own) = (self.host_bits(), u32::from(v4), u32::from(self.addr));
        ip | host_bits == own | host_bits && ip & host_bits != 0 && v4 != broadcast
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directed_broadcast_is_computed_from_address_and_prefix() {
        let of =
            |prefix| Interface::new("eth0", Ipv4Addr::new(10, 1, 2, 3), prefix).and_then(|i| i.broadcast);
        assert_eq!(of(24), Some(Ipv4Addr::new(10, 1, 2, 255)));
        assert_eq!(of(8), Some(Ipv4Addr::new(10, 255, 255, 255)));
        assert_eq!(of(30), Some(Ipv4Addr::new(10, 1, 2, 3)), "3 is the broadcast of 10.1.2.0/30");
        assert_eq!([of(0), of(31), of(32), of(33)], [None; 4]);
    }

    #[test]
    fn a_link_reaches_the_hosts_of_its_network_and_nothing_else() {
        let eth = Interface::new("eth0", Ipv4Addr::new(10, 1, 2, 3), 24).unwrap();
        for (ip, reached) in [
            ("10.1.2.1", true),
            ("10.1.2.254", true),
            ("10.1.2.0", false),
            ("10.1.2.255", false),
            ("10.1.3.1", false),
            ("8.8.8.8", false),
            ("::1", false),
        ] {
            assert_eq!(eth.reaches(ip.parse().unwrap()), reached, "{ip}");
        }
    }

    #[test]
    fn where_nothing_can_be_broadcast_nobody_is_on_the_link() {
        for prefix in [24, 31, 32] {
            let tunnel = Interface::without_broadcast("tun0", Ipv4Addr::new(10, 8, 0, 1), prefix);
            assert!(
                !tunnel.reaches("10.8.0.0".parse().unwrap()) && !tunnel.reaches("10.8.0.2".parse().unwrap())
            );
        }
        let host = Interface::without_broadcast("eth0", Ipv4Addr::new(10, 8, 0, 1), 32);
        assert_eq!(host.last_address(), host.addr);
    }

    #[test]
    fn container_vpn_and_wireless_interfaces_are_told_by_their_names() {
        assert_eq!(InterfaceKind::of("docker0"), InterfaceKind::Container);
        assert_eq!(InterfaceKind::of("wg0"), InterfaceKind::Vpn);
        assert_eq!(InterfaceKind::of("lo"), InterfaceKind::Loopback);
        assert_eq!(
            [InterfaceKind::of("wlan0"), InterfaceKind::of("wlp3s0"), InterfaceKind::of("Wi-Fi 2")],
            [InterfaceKind::Wifi; 3]
        );
        assert_eq!(
            [InterfaceKind::of("eth0"), InterfaceKind::of("enp3s0"), InterfaceKind::of("loft0")],
            [InterfaceKind::Lan; 3]
        );
    }
}
