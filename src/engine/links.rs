//! The links of this machine that presence uses, as they are now.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use super::address::{Endpoint, ZonedIp, is_link_local};
use super::hardware::HardwareAddr;
use super::interface::{Interface, InterfaceKind, LinkIndex};

/// All interfaces that presence uses, in the system's order.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    all: Arc<[Interface]>,
    /// The first one that there was last: by its address this node is known while there is none.
    last: Option<Interface>,
    /// Some are in one network.
    share_a_network: bool,
    /// Of those, the ones by which the system sends there.
    routed: Vec<LinkIndex>,
    /// Two of those are on two wires.
    split: Option<[Arc<str>; 2]>,
    /// The names of links that are gone, the latest last: addresses in their zones are still told of.
    gone: VecDeque<(LinkIndex, Arc<str>)>,
}

/// Links that are gone and whose names are kept: no machine loses more at once, but one that makes and drops links all day.
const NAMES_KEPT: usize = 64;

/// What differs between two looks at the interfaces.
#[derive(Debug)]
#[must_use]
pub(crate) struct LinkChanges {
    pub(crate) gone: Vec<Interface>,
    pub(crate) new: Vec<Interface>,
}

impl Default for Links {
    fn default() -> Self {
        Self {
            all: Arc::from([]),
            last: None,
            share_a_network: false,
            routed: Vec::new(),
            split: None,
            gone: VecDeque::new(),
        }
    }
}

impl Links {
    /// Takes the interfaces as they are now. The system may list the same ones in another order: that is no change.
    pub(crate) fn replace(&mut self, now: Vec<Interface>) -> LinkChanges {
        let before = std::mem::replace(&mut self.all, now.into());
        self.last = self.first().cloned().or(self.last.take());
        let share_a_network = self.in_one_network().next().is_some();
        self.share_a_network = share_a_network;
        self.split = self.split.take().filter(|_| share_a_network);
        let missing_from = |of: &[Interface], all: &[Interface]| {
            of.iter().filter(|one| !all.iter().any(|other| other.is(one))).cloned().collect()
        };
        let changes =
            LinkChanges { gone: missing_from(&before, &self.all), new: missing_from(&self.all, &before) };
        changes.gone.iter().for_each(|gone| self.keep_name(gone));
        changes
    }

    fn keep_name(&mut self, interface: &Interface) {
        let Some(index) = interface.index else { return };
        self.gone.retain(|(known, _)| *known != index);
        self.gone.push_back((index, Arc::clone(&interface.name)));
        if self.gone.len() > NAMES_KEPT {
            self.gone.pop_front();
        }
    }

    pub(crate) fn all(&self) -> &Arc<[Interface]> {
        &self.all
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.all.iter()
    }

    /// Those on which something can be broadcast.
    pub(crate) fn broadcasting(&self) -> impl Iterator<Item = &Interface> {
        self.all.iter().filter(|interface| interface.broadcast.is_some())
    }

    /// Those from which something goes to the multicast group, one for each link.
    pub(crate) fn multicasting(&self) -> impl Iterator<Item = (LinkIndex, &Interface)> {
        self.all.iter().enumerate().filter_map(|(nth, interface)| {
            let link = interface.multicasts()?;
            let first = self.all[..nth].iter().all(|other| other.multicasts() != Some(link));
            first.then_some((link, interface))
        })
    }

    /// Whether IPv4 carries to a link what is said to all there.
    pub(crate) fn broadcasts_on(&self, link: LinkIndex) -> bool {
        self.broadcasting().any(|interface| interface.index == Some(link))
    }

    /// An address as it is told: its zone by the name that the link has now, or had last.
    pub(crate) fn told(&self, addr: SocketAddr) -> Endpoint {
        let zone = ZonedIp::from(addr).link();
        Endpoint::named(addr, zone.and_then(|link| self.name_of_link(link)))
    }

    fn name_of_link(&self, link: LinkIndex) -> Option<&str> {
        let here = self.all.iter().find(|interface| interface.index == Some(link));
        let gone = || self.gone.iter().find(|(index, _)| *index == link);
        here.map(|interface| &*interface.name).or_else(|| gone().map(|(_, name)| &**name))
    }

    /// The one by which this node is known where nothing else decides: the others are on the link where they hear it.
    fn first(&self) -> Option<&Interface> {
        let last_choice = |interface: &&Interface| interface.addr.is_ipv6() && !is_link_local(interface.addr);
        let any = || self.all.iter().min_by_key(|i| (i.addr.is_ipv6(), last_choice(i)));
        self.broadcasting().next().or_else(any)
    }

    /// The interface on whose link an address is: of several, the one with the longest prefix, as routes have it.
    fn towards(&self, ip: ZonedIp) -> Option<&Interface> {
        self.all
            .iter()
            .rev()
            .filter(|interface| interface.reaches(ip))
            .max_by_key(|interface| interface.prefix)
    }

    /// The name of the link that an address is on; none if it is on no link of this machine.
    pub(crate) fn name_towards(&self, ip: ZonedIp) -> Option<&Arc<str>> {
        self.towards(ip).map(|interface| &interface.name)
    }

    /// The interfaces of one link: of an unknown one all that there are.
    fn on(&self, link: Option<LinkIndex>) -> impl Iterator<Item = &Interface> {
        self.all
            .iter()
            .filter(move |interface| link.is_none() || interface.index.is_none() || interface.index == link)
    }

    /// Whether what comes in by a link is for this node: it uses the link, or the sender is on this machine.
    pub(crate) fn uses(&self, link: Option<LinkIndex>, from: ZonedIp) -> bool {
        link.is_none() || self.on(link).next().is_some() || self.holds(from)
    }

    /// Of the links in one network, those by which the system sends there.
    pub(crate) fn set_routed(&mut self, routed: Vec<LinkIndex>) {
        self.routed = routed;
    }

    /// Whether the system sends by this link, of those in one network.
    pub(crate) fn is_routed(&self, link: LinkIndex) -> bool {
        self.routed.contains(&link)
    }

    /// These two, which are in one network, are on two wires; or none are.
    pub(crate) fn set_split(&mut self, split: Option<[Arc<str>; 2]>) {
        self.split = split;
    }

    /// The interface by which to send to an address, where the system's routes are wrong: of two links in one network on two wires, the
    /// one of this name. On one wire it is not chosen: what is answered may come in by the other.
    pub(crate) fn chosen(&self, name: Option<&Arc<str>>, ip: ZonedIp) -> Option<&Interface> {
        let name = name.filter(|name| self.split.as_ref().is_some_and(|split| split.contains(name)))?;
        self.all.iter().find(|interface| interface.name == *name && interface.reaches(ip))
    }

    /// Pairs of links that are in one network.
    pub(crate) fn in_one_network(&self) -> impl Iterator<Item = (&Interface, &Interface)> {
        let pairs = self.broadcasting().enumerate();
        pairs.flat_map(move |(nth, one)| {
            self.broadcasting()
                .skip(nth + 1)
                .filter(move |other| one.shares_network_with(other))
                .map(move |other| (one, other))
        })
    }

    /// Whether there are such.
    pub(crate) fn share_a_network(&self) -> bool {
        self.share_a_network
    }

    /// Whether an address is on one of the links.
    pub(crate) fn reaches(&self, ip: ZonedIp) -> bool {
        self.all.iter().any(|interface| interface.reaches(ip))
    }

    /// Whether this machine has gone from the network of an address that it was on by a link of this name: that link is in another one
    /// now.
    pub(crate) fn have_left(&self, link: &str, ip: ZonedIp) -> bool {
        let elsewhere = |i: &Interface| &*i.name == link && i.addr.is_ipv4() == ip.ip().is_ipv4();
        !self.reaches(ip) && self.all.iter().any(elsewhere)
    }

    /// Whether an address is this machine's own.
    pub(crate) fn holds(&self, ip: ZonedIp) -> bool {
        self.all.iter().any(|interface| interface.zoned_ip() == ip)
    }

    /// The hardware address of the link that holds an address of this machine.
    pub(crate) fn hardware_at(&self, ip: ZonedIp) -> Option<HardwareAddr> {
        self.all.iter().find(|interface| interface.zoned_ip() == ip)?.hardware
    }

    /// Whether the link is there that an address needs, if it needs one.
    pub(crate) fn has_zone_of(&self, ip: ZonedIp) -> bool {
        ip.link().is_none_or(|link| self.all.iter().any(|interface| interface.index == Some(link)))
    }

    /// The name of the link that an address is on.
    pub(crate) fn name_of(&self, ip: ZonedIp) -> Option<Arc<str>> {
        self.towards(ip).map(|interface| Arc::clone(&interface.name))
    }

    /// Whether two addresses lead different ways: they are of two families, or on two of the links.
    pub(crate) fn tell_apart(&self, one: IpAddr, other: IpAddr) -> bool {
        let link = |ip: IpAddr| self.towards(ip.into()).map(|interface| &interface.name);
        one.is_ipv4() != other.is_ipv4()
            || link(one).zip(link(other)).is_some_and(|(one, other)| one != other)
    }

    /// What kind of link an address is on.
    pub(crate) fn kind_towards(&self, ip: ZonedIp) -> Option<InterfaceKind> {
        self.towards(ip).map(|interface| interface.kind)
    }

    /// The name of the link of a peer, from which something came in by a link just now. Where the system does not tell by which of
    /// two in one network, it stays on the one that is known.
    pub(crate) fn name_at(
        &self,
        known: Option<&Arc<str>>,
        link: Option<LinkIndex>,
        ip: ZonedIp,
    ) -> Option<Arc<str>> {
        let there = self.on(link).find(|interface| interface.reaches(ip)).or_else(|| self.towards(ip))?;
        let stays = known.filter(|known| link.is_none() && self.prefix_on(known, ip) == Some(there.prefix));
        Some(Arc::clone(stays.unwrap_or(&there.name)))
    }

    /// This node's network on a link: its address there and the length of its prefix, in bits. Where it is not known by which
    /// of several links something came, there is none to compare with.
    pub(crate) fn network_of(&self, link: Option<LinkIndex>) -> Option<(IpAddr, u8)> {
        let mut there = self.on(link).filter(|interface| interface.broadcast.is_some());
        let first = there.next()?;
        let certain = there.all(|other| other.name == first.name);
        certain.then_some((first.addr, first.prefix))
    }

    /// The length of the prefix of this node's network on the link of this name that an address is on, in bits.
    pub(crate) fn prefix_on(&self, name: &str, ip: ZonedIp) -> Option<u8> {
        let mut there = self.all.iter().filter(|interface| *interface.name == *name);
        there.find(|interface| interface.reaches(ip)).map(|interface| interface.prefix)
    }

    /// Prefix length of this node's network towards an address, in bits. Masks are compared in IPv4 only: in IPv6 a prefix says
    /// nothing of who is on the link (RFC 5942).
    pub(crate) fn prefix_towards(&self, ip: ZonedIp) -> Option<u8> {
        let interface =
            self.towards(ip).or_else(|| self.first()).filter(|interface| interface.addr.is_ipv4());
        interface.filter(|_| ip.ip().is_ipv4()).map(|interface| interface.prefix)
    }

    /// This node's address on the first link, or the last one that it had.
    pub(crate) fn own_address(&self) -> ZonedIp {
        address_of(self.first().or(self.last.as_ref()))
    }

    /// This node's address as a peer at `ip` probably sees it.
    pub(crate) fn own_address_towards(&self, ip: ZonedIp) -> ZonedIp {
        address_of(self.towards(ip).or_else(|| self.first()))
    }
}

fn address_of(interface: Option<&Interface>) -> ZonedIp {
    interface.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED).into(), Interface::zoned_ip)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(nets: &[(&str, [u8; 4])]) -> Vec<Interface> {
        nets.iter().map(|(name, ip)| Interface::new(name, Ipv4Addr::from(*ip), 24).unwrap()).collect()
    }

    #[test]
    fn another_order_of_the_same_interfaces_is_no_change() {
        let mut all = Links::default();
        let (one, other) = (("eth0", [10, 0, 0, 1]), ("eth1", [10, 0, 1, 1]));
        assert_eq!(all.replace(links(&[one, other])).new.len(), 2);
        let LinkChanges { gone, new } = all.replace(links(&[other, one]));
        assert!(gone.is_empty() && new.is_empty());
        let LinkChanges { gone, new } = all.replace(links(&[other]));
        assert_eq!((gone, new), (links(&[one]), Vec::new()));
    }

    /// Interfaces with an address of these prefixes in one network, numbered from 1.
    fn overlapping(prefixes: &[(&str, u8)]) -> Links {
        let of = |(nth, (name, prefix)): (usize, &(&str, u8))| {
            let host = u8::try_from(nth + 1).unwrap();
            let index = Some(LinkIndex(host.into()));
            Interface { index, ..Interface::new(name, Ipv4Addr::new(10, 0, 0, host), *prefix).unwrap() }
        };
        let mut links = Links::default();
        let _ = links.replace(prefixes.iter().enumerate().map(of).collect());
        links
    }

    #[test]
    fn a_zone_is_told_by_the_name_of_its_link_also_when_that_is_gone() {
        let link = |name: &str, index| {
            let address = Interface::ipv6(name, "fe80::1".parse().unwrap(), 64);
            Interface { index: Some(LinkIndex(index)), ..address }
        };
        let mut all = Links::default();
        let told =
            |all: &Links| [2, 3].map(|n| all.told(format!("[fe80::7%{n}]:5").parse().unwrap()).to_string());
        let _ = all.replace(vec![link("eth0", 2)]);
        assert_eq!(told(&all), ["[fe80::7%eth0]:5", "[fe80::7%3]:5"]);
        let _ = all.replace(vec![link("lan0", 2)]);
        assert_eq!(told(&all), ["[fe80::7%lan0]:5", "[fe80::7%3]:5"]);
        let _ = all.replace(vec![link("wlan0", 3)]);
        assert_eq!(told(&all), ["[fe80::7%lan0]:5", "[fe80::7%wlan0]:5"]);
        for index in 10..200 {
            let _ = all.replace(vec![link("tun0", index)]);
        }
        assert!(all.gone.len() <= NAMES_KEPT);
    }

    #[test]
    fn what_comes_in_by_a_link_that_is_not_used_is_for_others_unless_it_is_from_this_machine() {
        let links = overlapping(&[("eth0", 24), ("eth1", 24)]);
        let (own, other) = ("10.0.0.2".parse().unwrap(), "10.0.0.9".parse().unwrap());
        assert!(links.uses(Some(LinkIndex(2)), other) && links.uses(None, other));
        assert!(!links.uses(Some(LinkIndex(3)), other) && links.uses(Some(LinkIndex(3)), own));
    }

    #[test]
    fn a_peer_is_on_the_link_that_it_is_heard_by() {
        let peer = "10.0.0.9".parse().unwrap();
        let links = overlapping(&[("eth0", 16), ("eth1", 24)]);
        let at = |known: Option<&str>, index| {
            let known = known.map(Arc::from);
            links.name_at(known.as_ref(), Some(LinkIndex(index)), peer).as_deref().map(str::to_owned)
        };
        assert_eq!(links.name_of(peer).as_deref(), Some("eth1"), "by its address alone, as routes have it");
        assert_eq!((at(None, 1), at(Some("eth1"), 1)), (Some("eth0".into()), Some("eth0".into())));
        let twins = overlapping(&[("eth0", 24), ("wlan0", 24)]);
        let known = Some(Arc::from("wlan0"));
        let at = |link: Option<u32>| twins.name_at(known.as_ref(), link.map(LinkIndex), peer);
        assert_eq!(at(Some(1)).as_deref(), Some("eth0"), "they may be on two wires");
        assert_eq!(at(None), known, "nobody knows");
    }

    #[test]
    fn our_network_is_compared_only_on_a_link_that_is_known() {
        let two = overlapping(&[("eth0", 16), ("eth1", 24)]);
        assert_eq!(two.network_of(Some(LinkIndex(2))), Some(("10.0.0.2".parse().unwrap(), 24)));
        assert_eq!((two.network_of(None), two.network_of(Some(LinkIndex(3)))), (None, None));
        assert_eq!(overlapping(&[("eth0", 16)]).network_of(None), Some(("10.0.0.1".parse().unwrap(), 16)));
        let mut tunnel = Links::default();
        let _ = tunnel.replace(vec![Interface::without_broadcast("tun0", Ipv4Addr::new(10, 8, 0, 1), 32)]);
        assert_eq!(tunnel.network_of(None), None, "nobody is in a network of one address");
    }

    #[test]
    fn a_peer_on_no_link_is_told_the_address_of_the_first_one() {
        let mut all = Links::default();
        let _ = all.replace(links(&[("eth0", [10, 0, 0, 1]), ("eth1", [10, 0, 1, 1])]));
        let towards = |ip: &str| all.own_address_towards(ip.parse().unwrap()).to_string();
        assert_eq!(towards("10.0.1.7"), "10.0.1.1");
        assert_eq!(towards("192.0.2.7"), "10.0.0.1");
        assert_eq!(Links::default().own_address().to_string(), "0.0.0.0");
        let _ = all.replace(Vec::new());
        assert_eq!(all.own_address().to_string(), "10.0.0.1", "it is known by that while it has none");
    }
}
