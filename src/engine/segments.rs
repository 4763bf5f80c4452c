//! Which nodes are known in which network, and how many of them this node dials: of far ones that are many it dials a part.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::network::{Network, Networks};

/// A network, and how many nodes beside this one are known to be in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Which.
    pub network: Network,
    /// Peers and members.
    pub known: usize,
    /// Those of them that are peers: this node dials them.
    pub dialed: usize,
}

impl Segment {
    /// How many are members that this node does not dial.
    pub fn not_dialed(self) -> usize {
        self.known.saturating_sub(self.dialed)
    }
}

/// A node that is known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// Where it is reached.
    pub(crate) ip: IpAddr,
    /// The network that it is in, if that is known.
    pub(crate) network: Option<Network>,
    /// Whether this node dials it.
    pub(crate) is_dialed: bool,
}

/// The segments of these nodes and of this one, in the order of their addresses.
pub(crate) fn segments(own: Option<Network>, nodes: &[Known]) -> Vec<Segment> {
    let told = nodes.iter().filter_map(|node| node.network).chain(own);
    let networks: Networks = told.filter(|network| network.holds_some()).collect();
    let own = own.filter(|network| network.holds_some());
    let empty = |network| Segment { network, known: 0, dialed: 0 };
    let mut segments: BTreeMap<Network, Segment> =
        own.into_iter().map(|network| (network, empty(network))).collect();
    for node in nodes {
        let network = networks.narrowest_or_usual(node.ip);
        let segment = segments.entry(network).or_insert_with(|| empty(network));
        segment.known += 1;
        segment.dialed += usize::from(node.is_dialed);
    }
    segments.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(ip: &str, prefix: u8, is_dialed: bool) -> Known {
        let ip = ip.parse().unwrap();
        Known { ip, network: (prefix > 0).then(|| Network::of(ip, prefix)), is_dialed }
    }

    fn told(own: &str, nodes: &[Known]) -> Vec<String> {
        let segments = segments(own.parse().ok(), nodes).into_iter();
        segments.map(|Segment { network, known, dialed }| format!("{network}: {dialed} of {known}")).collect()
    }

    #[test]
    fn nodes_are_counted_by_network_with_those_that_are_dialed() {
        let nodes = [
            known("10.1.0.2", 16, true),
            known("10.2.0.1", 16, true),
            known("10.2.0.2", 16, false),
            known("10.2.0.3", 0, false),
            known("10.3.0.1", 0, false),
        ];
        let expected = ["10.1.0.0/16: 1 of 1", "10.2.0.0/16: 1 of 3", "10.3.0.0/24: 0 of 1"];
        assert_eq!(told("10.1.0.0/16", &nodes), expected, "one that says no network is in one that holds it");
    }

    #[test]
    fn the_own_network_is_there_without_others_in_it_and_one_of_a_single_address_is_none() {
        assert_eq!(told("10.1.0.0/16", &[]), ["10.1.0.0/16: 0 of 0"]);
        assert_eq!(told("10.1.0.1/32", &[known("10.2.0.1", 32, true)]), ["10.2.0.0/24: 1 of 1"]);
    }
}
