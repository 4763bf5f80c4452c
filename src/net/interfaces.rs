//! Which interfaces presence uses, read from the system and chosen by what a person said.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use glob::Pattern;

use crate::engine::address::{self, Endpoint, ZonedIp};
use crate::engine::interface::{Interface, InterfaceKind, LinkIndex};

use super::addresses::{self, Address};

/// A port to which a route is looked up: nothing is sent there (RFC 863).
const DISCARD: u16 = 9;

/// Which of the system's interfaces to use.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only the one that holds this address.
    pub bind: Option<ZonedIp>,
    /// Only those with such a name; all if empty.
    pub include: Vec<Pattern>,
    /// None with such a name.
    pub exclude: Vec<Pattern>,
    /// There was a network already: loopback is no longer a makeshift for want of one.
    pub network_seen: bool,
}

impl Selection {
    /// Whether a link of this name may be used.
    fn takes(&self, name: &str) -> bool {
        let any_of = |patterns: &[Pattern]| patterns.iter().any(|pattern| pattern.matches(name));
        !any_of(&self.exclude) && (self.include.is_empty() || any_of(&self.include))
    }
}

/// What there is on this machine.
#[derive(Debug)]
pub(super) struct Look {
    /// The interfaces that presence is to use.
    pub(super) used: Vec<Interface>,
    /// The addresses of links that a person does not want to be used.
    pub(super) refused: Vec<(ZonedIp, LinkIndex)>,
}

/// The interfaces of this machine that presence is to use, in the system's order.
///
/// Loopback is used when it was asked for, by `--bind` or by name, or when this machine has no other address: then at least its
/// own nodes find each other.
pub fn usable(selection: &Selection) -> io::Result<Vec<Interface>> {
    look(selection).map(|look| look.used)
}

/// The same, with what is not to be used.
pub(super) fn look(selection: &Selection) -> io::Result<Look> {
    let all = addresses::all()?;
    let only_loopback = all.iter().all(Address::is_loopback);
    let running = all.iter().filter(|address| address.running && address.stays()).map(interface);
    let used = choose(running.collect(), selection, only_loopback);
    // What comes to the loopback address is from this machine.
    let refused = all.iter().filter(|address| !address.is_loopback() && !selection.takes(&address.link));
    let refused =
        refused.filter_map(|address| Some((ZonedIp::on_link(address.ip, address.index), address.index?)));
    Ok(Look { used, refused: refused.collect() })
}

/// Those that are in one network with another link.
pub(super) fn sharing_a_network(all: &[Interface]) -> impl Iterator<Item = &Interface> {
    all.iter().filter(|interface| all.iter().any(|other| interface.shares_network_with(other)))
}

/// Of the links that share a network those by which the system sends there, as connecting a UDP socket shows, which sends nothing.
pub(super) fn routed(all: &[Interface]) -> Vec<LinkIndex> {
    let source_towards = |ip: IpAddr| {
        let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
        socket.connect((ip, DISCARD)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    let by = |interface: &Interface| {
        let source = source_towards(interface.neighbour()?)?;
        all.iter().find(|other| other.addr == source)?.index
    };
    let mut links: Vec<LinkIndex> = sharing_a_network(all).filter_map(by).collect();
    links.sort_unstable();
    links.dedup();
    links
}

/// Whether this machine holds an address.
pub fn holds(zoned: ZonedIp) -> io::Result<bool> {
    let ip = zoned.ip();
    // Linux answers on all of 127.0.0.0/8, whatever address the loopback interface shows.
    let loopback_net = matches!(ip, IpAddr::V4(v4) if v4.is_loopback());
    let held = |address: &Address| ZonedIp::on_link(address.ip, address.index) == zoned;
    Ok(loopback_net || ip.is_unspecified() || addresses::all()?.iter().any(held))
}

/// The number of a link, by its name or by that number.
pub fn link_named(name: &str) -> Option<LinkIndex> {
    let named = links().into_iter().find(|(known, index)| known == name || index.0.to_string() == name);
    named.map(|(_, index)| index)
}

/// An address as it is told: its zone by the name of the link.
pub fn told(addr: SocketAddr) -> Endpoint {
    let zone = ZonedIp::from(addr).link();
    let name = zone.and_then(|zone| links().into_iter().find(|(_, index)| *index == zone));
    Endpoint::named(addr, name.as_ref().map(|(name, _)| name.as_str()))
}

/// Why an address cannot be dialed whose zone is a link that this machine does not have; none for any other host.
pub fn unknown_zone(host: &str) -> Option<String> {
    let (_, zone) = address::split_zone(host)?;
    zone.filter(|zone| link_named(zone).is_none()).map(no_such_link)
}

/// What is said of a link that this machine does not have.
pub fn no_such_link(name: &str) -> String {
    format!("there is no interface {name}; this machine has {}", link_names())
}

/// The links by which something can be sent, for a person who has to choose one.
pub fn link_names() -> String {
    let names: Vec<String> = links().into_iter().map(|(name, _)| name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The links of this machine that have an address, each once, without loopback.
fn links() -> Vec<(String, LinkIndex)> {
    let mut links: Vec<(String, LinkIndex)> = Vec::new();
    for address in addresses::all().unwrap_or_default() {
        let Some(index) = address.index.filter(|_| !address.is_loopback()) else { continue };
        if links.iter().all(|(known, _)| *known != address.link) {
            links.push((address.link, index));
        }
    }
    links
}

/// The address by which this machine is most likely known: the source of its default route, or the first that is not
/// loopback, or loopback.
pub fn local_ip() -> IpAddr {
    local_ip_address::local_ip()
        .ok()
        .or_else(|| {
            let all = local_ip_address::list_afinet_netifas().ok()?;
            let mut all: Vec<IpAddr> =
                all.into_iter().map(|(_, ip)| ip).filter(|ip| !ip.is_loopback()).collect();
            all.sort_by_key(IpAddr::is_ipv6);
            all.first().copied()
        })
        .unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

/// An address as presence sees it.
fn interface(address: &Address) -> Interface {
    let Address { link: name, prefix, .. } = address;
    let known = match address.ip {
        IpAddr::V4(ip) => Interface::new(name, ip, *prefix)
            .filter(|_| !address.point_to_point)
            .unwrap_or_else(|| Interface::without_broadcast(name, ip, *prefix)),
        IpAddr::V6(ip) => Interface::ipv6(name, ip, *prefix),
    };
    Interface { index: address.index, hardware: address.hardware, ..known }
}

fn choose(all: Vec<Interface>, selection: &Selection, only_loopback: bool) -> Vec<Interface> {
    let mut chosen: Vec<Interface> = all
        .into_iter()
        .filter(|i| selection.takes(&i.name))
        .filter_map(|i| match selection.bind {
            // Nobody is found by the loopback address of IPv6.
            None => Some(i).filter(|i| i.addr != IpAddr::V6(Ipv6Addr::LOCALHOST)),
            Some(bind) if i.zoned_ip() == bind => Some(i),
            Some(bind) => match (bind.ip(), i.addr) {
                (IpAddr::V4(ip), IpAddr::V4(_)) if i.kind == InterfaceKind::Loopback && ip.is_loopback() => {
                    Some(Interface {
                        index: i.index,
                        hardware: i.hardware,
                        ..Interface::new(&i.name, ip, i.prefix)?
                    })
                }
                _ => None,
            },
        })
        .collect();
    let loopback_wanted = selection.bind.is_some() || !selection.include.is_empty();
    let network = selection.network_seen || !only_loopback;
    if network && !loopback_wanted {
        chosen.retain(|i| i.kind != InterfaceKind::Loopback);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, addr: [u8; 4], prefix: u8) -> Interface {
        Interface::new(name, addr.into(), prefix).unwrap()
    }

    fn names(chosen: &[Interface]) -> Vec<&str> {
        chosen.iter().map(|i| &*i.name).collect()
    }

    fn host() -> Vec<Interface> {
        vec![
            interface("lo", [127, 0, 0, 1], 8),
            interface("eth0", [10, 0, 0, 1], 24),
            interface("docker0", [172, 17, 0, 1], 16),
        ]
    }

    fn patterns(globs: &[&str]) -> Vec<Pattern> {
        globs.iter().map(|g| Pattern::new(g).unwrap()).collect()
    }

    #[test]
    fn all_that_can_broadcast_are_used_and_loopback_only_for_want_of_others() {
        assert_eq!(names(&choose(host(), &Selection::default(), false)), ["eth0", "docker0"]);
        assert_eq!(names(&choose(host()[..1].to_vec(), &Selection::default(), true)), ["lo"]);
        let down = choose(host()[..1].to_vec(), &Selection::default(), false);
        assert_eq!(names(&down), [""; 0], "there is a network, which is down");
        let lost_it = Selection { network_seen: true, ..Selection::default() };
        assert_eq!(
            names(&choose(host()[..1].to_vec(), &lost_it, true)),
            [""; 0],
            "a network that goes is no reason"
        );
    }

    #[test]
    fn globs_choose_and_exclude_by_name() {
        let of = |include: &[&str], exclude: &[&str]| {
            let (include, exclude) = (patterns(include), patterns(exclude));
            let s = Selection { include, exclude, ..Selection::default() };
            names(&choose(host(), &s, false)).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(of(&["eth*"], &[]), ["eth0"]);
        assert_eq!(of(&["lo"], &[]), ["lo"]);
        assert_eq!(of(&[], &["docker*"]), ["eth0"]);
        assert_eq!(of(&["wlan?"], &[]), Vec::<String>::new());
    }

    #[test]
    fn bind_chooses_the_interface_that_holds_the_address() {
        let of = |ip: [u8; 4]| {
            choose(host(), &Selection { bind: Some(IpAddr::from(ip).into()), ..Selection::default() }, false)
        };
        assert_eq!(names(&of([10, 0, 0, 1])), ["eth0"]);
        assert_eq!(names(&of([10, 0, 0, 2])), Vec::<&str>::new());
        let loopback = of([127, 0, 0, 5]);
        assert_eq!(loopback[0].addr, IpAddr::from([127, 0, 0, 5]));
        assert_eq!(loopback[0].broadcast, Some(Ipv4Addr::new(127, 255, 255, 255)));
    }
}
