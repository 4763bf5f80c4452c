//! Which members of other segments this node dials: few enough at any size, and together enough that every pair of segments is covered.
//!
//! A segment is the set of nodes in one network, which hear each other's presence.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::engine::NodeId;
use crate::engine::limits::{FAR_DIALED, SEGMENT_DIALERS};
use crate::engine::network::Network;
use crate::proto::membership::Member;
use crate::proto::rendezvous::{of_address, weight};

/// The members of other segments that a node dials. As long as there are no more than [`FAR_DIALED`] that is all; of more, first
/// [`SEGMENT_DIALERS`] for each pair of segments, chosen by weight, so that all nodes choose alike (rendezvous hashing: Thaler and
/// Ravishankar, IEEE/ACM Transactions on Networking, 1998); then the heaviest of all.
pub(crate) fn chosen(own: &Member, members: &[Member]) -> BTreeSet<NodeId> {
    let home = segment_of(own);
    let mut segments: BTreeMap<Network, Vec<NodeId>> = BTreeMap::new();
    for member in members.iter().filter(|member| member.id != own.id) {
        segments.entry(segment_of(member)).or_default().push(member.id);
    }
    let mates = segments.remove(&home).unwrap_or_default();
    let far: Vec<NodeId> = segments.values().flatten().copied().collect();
    if far.len() <= FAR_DIALED {
        return far.into_iter().collect();
    }
    let mut chosen: BTreeSet<NodeId> = BTreeSet::new();
    for (segment, there) in &segments {
        let mine = weight(id_of(*segment), own.id);
        let before_me = mates.iter().filter(|mate| weight(id_of(*segment), **mate) > mine).count();
        let here = mates.len() + 1;
        // Of few nodes each dials several, so that there are enough pairs.
        let turns = SEGMENT_DIALERS.div_ceil(here);
        if before_me < SEGMENT_DIALERS {
            chosen.extend(heaviest(own.id, there.iter().copied(), turns));
        }
    }
    let rest = far.into_iter().filter(|id| !chosen.contains(id));
    let more = heaviest(own.id, rest, FAR_DIALED.saturating_sub(chosen.len()));
    chosen.extend(more);
    chosen
}

fn segment_of(member: &Member) -> Network {
    Network::of(member.ip, member.prefix)
}

/// What stands for a segment where nodes are chosen by weight.
fn id_of(segment: Network) -> NodeId {
    of_address(segment.address())
}

/// The so many nodes that weigh the most for this one.
fn heaviest(own: NodeId, ids: impl Iterator<Item = NodeId>, most: usize) -> Vec<NodeId> {
    let mut ids: Vec<(Reverse<u64>, NodeId)> = ids.map(|id| (Reverse(weight(own, id)), id)).collect();
    if ids.len() > most {
        ids.select_nth_unstable(most);
        ids.truncate(most);
    }
    ids.into_iter().map(|(_, id)| id).collect()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::engine::Incarnation;

    fn member(segment: u8, host: u8) -> Member {
        let ip = Ipv4Addr::new(10, segment, 0, host);
        let id = NodeId(u128::from(ip.to_bits()) << 64);
        Member {
            id,
            incarnation: Incarnation(1),
            renewal: 0,
            ip: ip.into(),
            tcp_port: 17_474,
            udp_port: 30_000,
            prefix: 16,
        }
    }

    fn network(segments: u8, hosts: u8) -> Vec<Member> {
        (1..=segments).flat_map(|segment| (1..=hosts).map(move |host| member(segment, host))).collect()
    }

    #[test]
    fn in_a_small_network_everybody_dials_all_others_beyond_its_segment() {
        let all = network(4, 5);
        for own in &all {
            let there = all.iter().filter(|member| segment_of(member) != segment_of(own));
            assert_eq!(chosen(own, &all), there.map(|member| member.id).collect());
        }
    }

    #[test]
    fn in_a_large_one_few_are_dialed_and_every_pair_of_segments_is_covered() {
        for (segments, hosts, most) in
            [(40, 5, 45), (40, 20, FAR_DIALED), (10, 200, FAR_DIALED), (100, 1, 99)]
        {
            let all = network(segments, hosts);
            let networks: BTreeMap<NodeId, Network> =
                all.iter().map(|member| (member.id, segment_of(member))).collect();
            let mut pairs: BTreeMap<(Network, Network), usize> = BTreeMap::new();
            for own in &all {
                let chosen = chosen(own, &all);
                assert!(chosen.len() <= most, "{segments} × {hosts}: {} dialed by one", chosen.len());
                for id in chosen {
                    *pairs.entry((segment_of(own), networks[&id])).or_default() += 1;
                }
            }
            let n = usize::from(segments);
            assert_eq!(pairs.len(), n * (n - 1), "{segments} × {hosts}: every pair of segments");
            let least = SEGMENT_DIALERS.min(usize::from(hosts) * usize::from(hosts));
            assert!(pairs.values().all(|dials| *dials >= least), "{segments} × {hosts}");
        }
    }
}
