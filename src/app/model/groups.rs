//! The groups of the table: peers of one subnet together, with how many of them are in which state.

use std::collections::HashSet;
use std::fmt;
use std::net::IpAddr;

use crate::engine::interface::Interface;
use crate::engine::network::{self, Network};
use crate::engine::peers::{PeerInfo, PeerState};
use crate::engine::segments::Segment;

/// What the peers of a group have in common, in the order of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupId {
    /// A person wants to see them above all others.
    Pinned,
    /// They are in this subnet: its first address, and its bits.
    Subnet(IpAddr, u8),
    /// Their host names have no address yet.
    NoAddress,
}

impl GroupId {
    /// What is known of its subnet, if that is one of these.
    pub fn segment(self, segments: &[Segment]) -> Option<Segment> {
        let is_it =
            |segment: &&Segment| self == Self::Subnet(segment.network.address(), segment.network.prefix());
        segments.iter().find(is_it).copied()
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pinned => f.write_str("pinned"),
            Self::Subnet(ip, bits) => write!(f, "{ip}/{bits}"),
            Self::NoAddress => f.write_str("no address"),
        }
    }
}

/// The networks that this machine is in, and those that others are known to be in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Networks(network::Networks);

impl Networks {
    /// Those of these interfaces and segments; not those of one or two addresses, which hold no group.
    pub(super) fn of(interfaces: &[Interface], segments: &[Segment]) -> Self {
        let here = interfaces.iter().filter(|i| i.prefix > 0).map(|i| Network::of(i.addr, i.prefix));
        let all = here.chain(segments.iter().map(|segment| segment.network));
        Self(all.filter(|network| network.holds_some()).collect())
    }

    /// The group that a peer belongs to.
    pub(super) fn group(&self, peer: &PeerInfo, is_pinned: bool) -> GroupId {
        if is_pinned {
            return GroupId::Pinned;
        }
        if !peer.has_address() {
            return GroupId::NoAddress;
        }
        let network = self.0.narrowest_or_usual(peer.addr.ip().to_canonical());
        GroupId::Subnet(network.address(), network.prefix())
    }
}

/// The listed peers of one group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Which.
    pub id: GroupId,
    counts: [usize; PeerState::ALL.len()],
}

impl Group {
    /// How many there are; never none.
    pub fn len(&self) -> usize {
        self.counts.iter().sum()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many are in a state.
    pub fn count(&self, state: PeerState) -> usize {
        self.counts[state as usize]
    }
}

/// All groups that have listed peers, in the order of the table, and which are folded.
#[derive(Debug, Clone, Default)]
pub(super) struct Groups {
    groups: Vec<Group>,
    /// Also of groups that have no peers now: they come back as they went.
    folded: HashSet<GroupId>,
}

impl Groups {
    /// In the order of the table.
    pub(super) fn all(&self) -> &[Group] {
        &self.groups
    }

    /// One of them.
    pub(super) fn get(&self, id: GroupId) -> Option<&Group> {
        Some(&self.groups[self.search(id).ok()?])
    }

    /// A peer in this state is listed in a group.
    pub(super) fn add(&mut self, id: GroupId, state: PeerState) {
        let at = self.search(id).unwrap_or_else(|at| {
            self.groups.insert(at, Group { id, counts: Default::default() });
            at
        });
        self.groups[at].counts[state as usize] += 1;
    }

    /// It no longer is.
    pub(super) fn take(&mut self, id: GroupId, state: PeerState) {
        let Ok(at) = self.search(id) else { return };
        let count = &mut self.groups[at].counts[state as usize];
        *count = count.saturating_sub(1);
        if self.groups[at].is_empty() {
            self.groups.remove(at);
        }
    }

    /// Nobody is listed.
    pub(super) fn clear(&mut self) {
        self.groups.clear();
    }

    /// Whether only the heading of a group is shown.
    pub(super) fn is_folded(&self, id: GroupId) -> bool {
        self.folded.contains(&id)
    }

    /// Shows only the heading of a group, or its peers, too.
    pub(super) fn fold(&mut self, id: GroupId, is_folded: bool) {
        if is_folded {
            self.folded.insert(id);
        } else {
            self.folded.remove(&id);
        }
    }

    /// The same of all of them.
    pub(super) fn fold_all(&mut self, are_folded: bool) {
        self.folded =
            if are_folded { self.groups.iter().map(|group| group.id).collect() } else { HashSet::new() };
    }

    fn search(&self, id: GroupId) -> Result<usize, usize> {
        self.groups.binary_search_by_key(&id, |group| group.id)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::testkit;

    fn group(networks: &Networks, ip: &str) -> String {
        let ip: IpAddr = ip.parse().unwrap();
        networks.group(&testkit::peer_at(1, "x", (ip, 17_474)), false).to_string()
    }

    #[test]
    fn a_peer_is_in_the_narrowest_network_that_is_known_and_else_in_one_of_the_usual_size() {
        let interface = |ip: [u8; 4], prefix| Interface::new("eth0", Ipv4Addr::from(ip), prefix).unwrap();
        let alone = Interface { prefix: 32, ..interface([10, 9, 0, 1], 24) };
        let far = Segment { network: "10.5.0.0/16".parse().unwrap(), known: 9, dialed: 3 };
        let here = [interface([10, 1, 2, 3], 16), interface([10, 1, 4, 1], 22), alone];
        let networks = Networks::of(&here, &[far]);
        for (ip, expected) in [
            ("10.1.99.7", "10.1.0.0/16"),
            ("10.1.7.7", "10.1.4.0/22"),
            ("10.5.9.1", "10.5.0.0/16"),
            ("10.9.0.1", "10.9.0.0/24"),
            ("192.0.2.200", "192.0.2.0/24"),
            ("fe80::1:2", "fe80::/64"),
            ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(group(&networks, ip), expected, "{ip}");
        }
    }

    #[test]
    fn groups_stand_by_their_addresses_as_people_count_after_those_that_are_pinned() {
        let mut groups = Groups::default();
        let networks = Networks::default();
        for ip in ["2001:db8::1", "10.0.10.1", "10.0.9.1", "10.0.9.2"] {
            let ip: IpAddr = ip.parse().unwrap();
            groups.add(networks.group(&testkit::peer_at(1, "x", (ip, 17_474)), false), PeerState::Up);
        }
        groups.add(GroupId::NoAddress, PeerState::New);
        groups.add(GroupId::Pinned, PeerState::Up);
        let told: Vec<_> = groups.all().iter().map(|group| format!("{} {}", group.id, group.len())).collect();
        assert_eq!(told, ["pinned 1", "10.0.9.0/24 2", "10.0.10.0/24 1", "2001:db8::/64 1", "no address 1"]);
        groups.take(GroupId::Pinned, PeerState::Up);
        assert!(groups.get(GroupId::Pinned).is_none());
    }
}
