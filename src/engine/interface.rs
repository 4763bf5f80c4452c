//! An interface of this host, as presence sees it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::address::LinkIndex;
use super::address::{ZonedIp, is_link_local};
use super::hardware::HardwareAddr;

/// An address of this host.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize, Serialize)]
pub struct Interface {
    /// As the system names its link.
    pub name: Arc<str>,
    /// The number of its link; none where the system does not tell.
    #[serde(skip)]
    pub index: Option<LinkIndex>,
    /// Its address.
    pub addr: IpAddr,
    /// Length of its network's prefix, in bits.
    pub prefix: u8,
    /// The directed broadcast address of its network; none where nothing can be broadcast: on a point-to-point link, or in
    /// a network of one or two addresses. There peers must be named. IPv6 has none, and needs none: see
    /// [`Interface::multicasts`].
    pub broadcast: Option<Ipv4Addr>,
    /// What kind of link it probably is.
    pub kind: InterfaceKind,
    /// The hardware address of its link, where that has one and the system tells it.
    #[serde(skip)]
    pub hardware: Option<HardwareAddr>,
}

/// What kind of link an interface probably is, told by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
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
        Some(Self { broadcast: Some(last_address(addr, prefix)), ..unicast })
    }

    /// An interface on which nothing can be broadcast.
    pub fn without_broadcast(name: &str, addr: Ipv4Addr, prefix: u8) -> Self {
        Self {
            name: Arc::from(name),
            index: None,
            addr: addr.into(),
            prefix,
            broadcast: None,
            kind: InterfaceKind::of(name),
            hardware: None,
        }
    }

    /// An IPv6 address.
    pub fn ipv6(name: &str, addr: Ipv6Addr, prefix: u8) -> Self {
        Self { addr: addr.into(), ..Self::without_broadcast(name, Ipv4Addr::UNSPECIFIED, prefix) }
    }

    /// Whether this is the same one for those who are told of changes: the hardware address of a bridge changes with its ports.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Self { hardware: other.hardware, ..self.clone() } == *other
    }

    /// Its address, with its link where it means nothing without one.
    pub fn zoned_ip(&self) -> ZonedIp {
        ZonedIp::on_link(self.addr, self.index)
    }

    /// Its address, if that is one of IPv4.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        match self.addr {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        }
    }

    /// The link on which presence goes to the multicast group from this address; none if it does not: only a link-local
    /// address is the same for everybody on its link.
    pub fn multicasts(&self) -> Option<LinkIndex> {
        self.index.filter(|_| is_link_local(self.addr))
    }

    /// Whether this and another link are in one network.
    pub fn shares_network_with(&self, other: &Self) -> bool {
        let broadcasts = self.broadcast.is_some() && self.broadcast == other.broadcast;
        broadcasts && self.index != other.index && self.reaches(other.zoned_ip())
    }

    /// An address that another host may have in this network of IPv4.
    pub fn neighbour(&self) -> Option<IpAddr> {
        let own = self.ipv4().filter(|_| self.broadcast.is_some())?;
        let first = u32::from(own) & !host_bits(self.prefix);
        let mut hosts = [first + 1, first + 2].into_iter().map(Ipv4Addr::from);
        hosts.find(|ip| *ip != own).map(IpAddr::V4)
    }

    /// Whether peers are found from this address by nothing that it sends to all: they must be named.
    pub fn is_mute(&self) -> bool {
        self.addr.is_ipv4() && self.broadcast.is_none()
    }

    /// Whether an address belongs to a host on this link. IPv4: whom a broadcast reaches, for it is in the network, neither the
    /// network's own address nor its broadcast address. IPv6: link-local there, or within the prefix.
    pub fn reaches(&self, ip: ZonedIp) -> bool {
        match (self.addr, ip.ip()) {
            (IpAddr::V4(own), IpAddr::V4(v4)) => {
                let (host_bits, ip) = (host_bits(self.prefix), u32::from(v4));
                let here = ip | host_bits == u32::from(own) | host_bits && ip & host_bits != 0;
                here && self.broadcast.is_some_and(|broadcast| broadcast != v4)
            }
            (IpAddr::V6(_), IpAddr::V6(v6)) if v6.is_unicast_link_local() => {
                is_link_local(self.addr) && ip.link().is_some() && ip.link() == self.index
            }
            (IpAddr::V6(own), IpAddr::V6(v6)) => {
                let host_bits = u128::MAX.checked_shr(self.prefix.into()).unwrap_or(0);
                !own.is_unicast_link_local() && u128::from(v6) | host_bits == u128::from(own) | host_bits
            }
            _ => false,
        }
    }
}

/// The greatest address of an IPv4 network: the directed broadcast address, where there is one.
fn last_address(addr: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(addr) | host_bits(prefix))
}

fn host_bits(prefix: u8) -> u32 {
    u32::MAX.checked_shr(prefix.into()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zoned(text: &str) -> ZonedIp {
        text.parse().unwrap()
    }

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
            assert_eq!(eth.reaches(zoned(ip)), reached, "{ip}");
        }
    }

    #[test]
    fn where_nothing_can_be_broadcast_nobody_is_on_the_link() {
        for prefix in [24, 31, 32] {
            let tunnel = Interface::without_broadcast("tun0", Ipv4Addr::new(10, 8, 0, 1), prefix);
            assert!(!tunnel.reaches(zoned("10.8.0.0")) && !tunnel.reaches(zoned("10.8.0.2")));
        }
        let host = Ipv4Addr::new(10, 8, 0, 1);
        assert_eq!(last_address(host, 32), host);
    }

    #[test]
    fn an_ipv6_link_reaches_what_is_link_local_there_and_what_is_within_its_prefix() {
        let on_link = |addr: &str, prefix, index| Interface {
            index: Some(LinkIndex(index)),
            ..Interface::ipv6("eth0", addr.parse().unwrap(), prefix)
        };
        let (local, global) = (on_link("fe80::1", 64, 2), on_link("2001:db8:0:7::1", 64, 2));
        for (ip, by_local, by_global) in [
            ("fe80::9%2", true, false),
            ("fe80::9%3", false, false),
            ("fe80::9", false, false),
            ("2001:db8:0:7::9", false, true),
            ("2001:db8:0:8::9", false, false),
            ("10.0.0.1", false, false),
        ] {
            assert_eq!((local.reaches(zoned(ip)), global.reaches(zoned(ip))), (by_local, by_global), "{ip}");
        }
        assert_eq!((local.multicasts(), global.multicasts()), (Some(LinkIndex(2)), None));
        assert!(!on_link("2001:db8::1", 128, 2).reaches(zoned("2001:db8::2")));
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
