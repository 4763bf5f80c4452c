//! The links of this machine that presence uses, as they are now.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::interface::{Interface, LinkIndex};

/// All interfaces that presence uses, in the system's order.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    all: Arc<[Interface]>,
}

/// What differs between two looks at the interfaces.
#[derive(Debug)]
#[must_use]
pub(crate) struct LinkChanges {
    pub(crate) gone: Vec<Interface>,
    pub(crate) new: Vec<Interface>,
}

impl Default for Links {
    fn default() -> Self {
        Self { all: Arc::from([]) }
    }
}

impl Links {
    /// Takes the interfaces as they are now. The system may list the same ones in another order: that is no change.
    pub(crate) fn replace(&mut self, now: Vec<Interface>) -> LinkChanges {
        let before = std::mem::replace(&mut self.all, now.into());
        let missing_from = |of: &[Interface], all: &[Interface]| {
            of.iter().filter(|interface| !all.contains(interface)).cloned().collect()
        };
        LinkChanges { gone: missing_from(&before, &self.all), new: missing_from(&self.all, &before) }
    }

    pub(crate) fn all(&self) -> &Arc<[Interface]> {
        &self.all
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Interface> {
        self.all.iter()
    }

    /// The interface on whose link an address is: of several, the one with the longest prefix, as routes have it.
    fn towards(&self, ip: IpAddr) -> Option<&Interface> {
        self.all
            .iter()
            .rev()
            .filter(|interface| interface.reaches(ip))
            .max_by_key(|interface| interface.prefix)
    }

    /// The interfaces of one link: of an unknown one all that there are.
    fn on(&self, link: Option<LinkIndex>) -> impl Iterator<Item = &Interface> {
        self.all
            .iter()
            .filter(move |interface| link.is_none() || interface.index.is_none() || interface.index == link)
    }

    /// Whether what comes in by a link is for this node: it uses the link, or the sender is on this machine.
    pub(crate) fn uses(&self, link: Option<LinkIndex>, from: IpAddr) -> bool {
        link.is_none() || self.on(link).next().is_some() || self.holds(from)
    }

    /// Whether an address is on one of the links.
    pub(crate) fn reaches(&self, ip: IpAddr) -> bool {
        self.towards(ip).is_some()
    }

    /// Whether an address is this machine's own.
    pub(crate) fn holds(&self, ip: IpAddr) -> bool {
        self.all.iter().any(|interface| IpAddr::V4(interface.addr) == ip)
    }

    /// The name of the link that an address is on.
    pub(crate) fn name_of(&self, ip: IpAddr) -> Option<Arc<str>> {
        self.towards(ip).map(|interface| Arc::clone(&interface.name))
    }

    /// The same of an address from which something came in by a link: that link, if the address is on it.
    pub(crate) fn name_at(&self, link: Option<LinkIndex>, ip: IpAddr) -> Option<Arc<str>> {
        let by_link = self.on(link).find(|interface| interface.reaches(ip));
        by_link.or_else(|| self.towards(ip)).map(|interface| Arc::clone(&interface.name))
    }

    /// This node's network on a link: its address there and the length of its prefix, in bits. Where it is not known by which
    /// of several links something came, there is none to compare with.
    pub(crate) fn network_of(&self, link: Option<LinkIndex>) -> Option<(IpAddr, u8)> {
        let mut there = self.on(link);
        let first = there.next()?;
        let certain = there.all(|other| other.name == first.name);
        certain.then_some((IpAddr::V4(first.addr), first.prefix))
    }

    /// The length of the prefix of this node's network on the link of this name that an address is on, in bits.
    pub(crate) fn prefix_on(&self, name: &str, ip: IpAddr) -> Option<u8> {
        let mut there = self.all.iter().filter(|interface| *interface.name == *name);
        there.find(|interface| interface.reaches(ip)).map(|interface| interface.prefix)
    }

    /// Prefix length of this node's network towards an address, in bits.
    pub(crate) fn prefix_towards(&self, ip: IpAddr) -> Option<u8> {
        self.towards(ip).or_else(|| self.all.first()).map(|interface| interface.prefix)
    }

    /// This node's address on the first link.
    pub(crate) fn own_address(&self) -> IpAddr {
        address_of(self.all.first())
    }

    /// This node's address as a peer at `ip` probably sees it.
    pub(crate) fn own_address_towards(&self, ip: IpAddr) -> IpAddr {
        address_of(self.towards(ip).or_else(|| self.all.first()))
    }
}

fn address_of(interface: Option<&Interface>) -> IpAddr {
    IpAddr::V4(interface.map_or(Ipv4Addr::UNSPECIFIED, |interface| interface.addr))
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

    #[test]
    fn a_peer_on_no_link_is_told_the_address_of_the_first_one() {
        let mut all = Links::default();
        let _ = all.replace(links(&[("eth0", [10, 0, 0, 1]), ("eth1", [10, 0, 1, 1])]));
        let towards = |ip: &str| all.own_address_towards(ip.parse().unwrap()).to_string();
        assert_eq!(towards("10.0.1.7"), "10.0.1.1");
        assert_eq!(towards("192.0.2.7"), "10.0.0.1");
        assert_eq!(Links::default().own_address().to_string(), "0.0.0.0");
    }
}
