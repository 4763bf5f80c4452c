//! Nodes that are heard and are no peers: of another group, version, secret or network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::address::{ZonedIp, share_network};
use crate::engine::cause::OtherSecret;
use crate::engine::limits::{MAX_STRANGERS, STRANGER_KEPT, WIDE_KEPT};
use crate::engine::peers::PeerInfo;

use super::verdict::{Confidence, Verdict};

/// A node that is no peer.
#[derive(Debug, Clone)]
pub struct ForeignNode {
    /// Who it seems to be.
    pub info: Arc<PeerInfo>,
    /// Why it is no peer.
    pub mismatch: Mismatch,
    /// When it was last heard.
    pub heard: Instant,
    /// When it was first heard.
    pub since: Instant,
}

/// Why a node is no peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mismatch {
    /// It belongs to this group.
    Group(String),
    /// It speaks this version of the protocol.
    Version(u8),
    /// It is on our link and in another network.
    Network {
        /// Its address, with the length of the prefix where it says that.
        theirs: (IpAddr, Option<u8>),
        /// Ours, where it was heard.
        ours: (IpAddr, u8),
    },
    /// It is of our group and was not made with our secret.
    Secret(OtherSecret),
}

impl Mismatch {
    /// What the diagnosis calls it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Group(_) => Verdict::WrongGroup,
            Self::Version(_) => Verdict::VersionMismatch,
            Self::Network { .. } => Verdict::WrongSubnet,
            Self::Secret(_) => Verdict::WrongSecret,
        }
    }

    /// How long a node is remembered after its last word: until several are missing that reach it.
    fn kept(&self) -> Duration {
        if let Self::Network { .. } = self { WIDE_KEPT } else { STRANGER_KEPT }
    }

    /// What is said of it is sure: a secret that does not fit may be somebody's who speaks in a node's name.
    pub(super) fn confidence(&self) -> Confidence {
        match self {
            Self::Group(_) | Self::Version(_) | Self::Network { .. } => Confidence::Certain,
            Self::Secret(_) => Confidence::Likely,
        }
    }
}

/// Those that were heard lately, at most [`MAX_STRANGERS`]. One address has one node.
#[derive(Debug, Default)]
pub(crate) struct ForeignNodes {
    by_ip: BTreeMap<ZonedIp, ForeignNode>,
    /// Addresses in other networks at which peers of ours are, too, with the length of the prefix and when they were heard
    /// there. A wire with a host in two networks has both by intention.
    shared_networks: BTreeMap<IpAddr, (u8, Instant)>,
}

/// Whether a node was taken in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Noted {
    /// It is known now.
    Known,
    /// There is no room for one more.
    NoRoom,
}

impl ForeignNodes {
    /// A node was heard at an address, and is no peer.
    pub(crate) fn note(&mut self, info: PeerInfo, mismatch: Mismatch, now: Instant) -> Noted {
        let ip = info.addr.zoned_ip();
        let room = self.by_ip.len() < MAX_STRANGERS;
        match self.by_ip.get_mut(&ip) {
            Some(known) => {
                known.heard = now;
                if known.mismatch != mismatch || *known.info != info {
                    (known.mismatch, known.info) = (mismatch, Arc::new(info));
                }
            }
            None if room => {
                let node = ForeignNode { info: Arc::new(info), mismatch, heard: now, since: now };
                self.by_ip.insert(ip, node);
            }
            None => return Noted::NoRoom,
        }
        Noted::Known
    }

    /// A peer of ours was heard on our link at an address in another network: whoever is in that network, too, is no mistake.
    pub(crate) fn note_peer_elsewhere(&mut self, ip: IpAddr, prefix: u8, now: Instant) {
        if self.shared_networks.len() < MAX_STRANGERS || self.shared_networks.contains_key(&ip) {
            self.shared_networks.insert(ip, (prefix, now));
        }
    }

    /// Drops those that were not heard for long, and those that have become peers.
    pub(crate) fn expire(&mut self, is_peer: impl Fn(&PeerInfo) -> bool, now: Instant) {
        self.by_ip.retain(|_, node| {
            now.saturating_duration_since(node.heard) <= node.mismatch.kept() && !is_peer(&node.info)
        });
        self.shared_networks.retain(|_, (_, heard)| now.saturating_duration_since(*heard) <= WIDE_KEPT);
    }

    /// A peer of ours is heard at this address, too: somebody runs several nodes there, and knows it.
    pub(crate) fn forget_at(&mut self, ip: ZonedIp) {
        self.by_ip.remove(&ip);
    }

    /// Those of which something is wrong. Before every peer had the time to be heard in another network, too (`all_heard`), none is
    /// told of that is in another network.
    pub(crate) fn wrong(&self, all_heard: bool) -> impl Iterator<Item = &ForeignNode> {
        self.by_ip.values().filter(move |node| match node.mismatch {
            Mismatch::Network { theirs: (ip, _), .. } => all_heard && !self.is_in_shared_network(ip),
            Mismatch::Group(_) | Mismatch::Version(_) => true,
            // One datagram is anybody's.
            Mismatch::Secret(_) => node.heard > node.since,
        })
    }

    /// Whether a peer of ours is in the network of this address, too.
    pub(crate) fn is_in_shared_network(&self, ip: IpAddr) -> bool {
        self.shared_networks.iter().any(|(peer, (prefix, _))| share_network(*peer, ip, *prefix))
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_ip.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limits::WIDE_EVERY;
    use crate::engine::peers::PeerKey;
    use crate::testkit::{secs, t0};

    fn info(host: u8, name: &str) -> PeerInfo {
        let addr = ([10, 0, 0, host], 17_474).into();
        PeerInfo { key: PeerKey::default(), id: None, name: name.into(), addr, incarnation: None }
    }

    #[test]
    fn as_many_are_kept_as_there_is_room_for_each_as_long_as_it_is_heard() {
        let t0 = t0();
        let mut nodes = ForeignNodes::default();
        let hosts = u8::try_from(MAX_STRANGERS).unwrap();
        for host in 0..hosts {
            assert_eq!(nodes.note(info(host, "a"), Mismatch::Version(2), t0), Noted::Known);
        }
        assert_eq!(nodes.note(info(hosts, "a"), Mismatch::Version(2), t0), Noted::NoRoom);
        let later = t0 + secs(20);
        assert_eq!(nodes.note(info(7, "b"), Mismatch::Group("g".into()), later), Noted::Known);
        let seventh =
            |nodes: &ForeignNodes| nodes.wrong(true).find(|node| *node.info == info(7, "b")).cloned();
        assert_eq!(seventh(&nodes).map(|node| (node.since, node.heard)), Some((t0, later)));
        nodes.expire(|_| false, later + STRANGER_KEPT);
        assert_eq!(nodes.wrong(true).count(), 1);
        nodes.expire(|info| info.name == "b", later);
        assert!(nodes.is_empty());
    }

    #[test]
    fn of_whom_only_rare_presences_are_heard_some_may_be_missing() {
        let (t0, mut nodes) = (t0(), ForeignNodes::default());
        let network =
            Mismatch::Network { theirs: ([10, 0, 0, 7].into(), Some(24)), ours: ([10, 9, 0, 1].into(), 24) };
        let _ = (nodes.note(info(7, "a"), network, t0), nodes.note(info(8, "b"), Mismatch::Version(2), t0));
        let mut wrong = |at| {
            nodes.expire(|_| false, at);
            nodes.wrong(true).map(|node| node.info.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(wrong(t0 + WIDE_EVERY * 5), ["a"]);
        assert_eq!(wrong(t0 + WIDE_KEPT + secs(1)), [""; 0]);
    }

    #[test]
    fn a_network_in_which_a_peer_is_too_is_no_mistake() {
        let (t0, mut nodes) = (t0(), ForeignNodes::default());
        let theirs = |host| (IpAddr::from([10, 0, 0, host]), Some(24));
        let network = |host| Mismatch::Network { theirs: theirs(host), ours: ([10, 9, 0, 1].into(), 24) };
        assert_eq!(nodes.note(info(7, "a"), network(7), t0), Noted::Known);
        assert_eq!(nodes.note(info(8, "b"), Mismatch::Version(2), t0), Noted::Known);
        let wrong = |nodes: &ForeignNodes, all_heard| -> Vec<String> {
            nodes.wrong(all_heard).map(|node| node.info.name.clone()).collect()
        };
        assert_eq!(wrong(&nodes, false), ["b"], "a peer may be in that network, too");
        assert_eq!(wrong(&nodes, true), ["a", "b"]);
        nodes.note_peer_elsewhere([10, 0, 1, 9].into(), 24, t0);
        assert_eq!(wrong(&nodes, true), ["a", "b"], "that is a third network");
        nodes.note_peer_elsewhere([10, 0, 0, 9].into(), 24, t0);
        assert_eq!(wrong(&nodes, true), ["b"]);
        let later = t0 + WIDE_KEPT + secs(1);
        let _ = (nodes.note(info(7, "a"), network(7), later), nodes.expire(|_| false, later));
        assert_eq!(wrong(&nodes, true), ["a"], "the peer is there no longer");
    }

    #[test]
    fn addresses_are_compared_as_far_as_the_prefix_reaches() {
        let same = |one: &str, other: &str, prefix| {
            share_network(one.parse().unwrap(), other.parse().unwrap(), prefix)
        };
        assert!(
            same("10.0.0.1", "10.0.0.9", 24)
                && same("10.0.0.1", "192.0.2.1", 0)
                && same("fe80::1", "fe80::2", 64)
        );
        assert!(
            !same("10.0.0.1", "10.0.1.1", 24)
                && !same("10.0.0.1", "fe80::1", 0)
                && !same("10.0.0.1", "10.0.0.2", 32)
        );
    }
}
