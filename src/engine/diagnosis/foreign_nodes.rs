//! Nodes that are heard and are no peers: of another group, version or network.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::limits::{MAX_STRANGERS, STRANGER_KEPT};
use crate::engine::peers::PeerInfo;

use super::verdict::Verdict;

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
}

impl Mismatch {
    /// What the diagnosis calls it.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Group(_) => Verdict::WrongGroup,
            Self::Version(_) => Verdict::VersionMismatch,
            Self::Network { .. } => Verdict::WrongSubnet,
        }
    }
}

/// Those that were heard lately, at most [`MAX_STRANGERS`]. One address has one node.
#[derive(Debug, Default)]
pub(crate) struct ForeignNodes {
    by_ip: BTreeMap<IpAddr, ForeignNode>,
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
        let ip = info.addr.ip();
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

    /// Drops those that were not heard for long, and those that have become peers.
    pub(crate) fn expire(&mut self, is_peer: impl Fn(&PeerInfo) -> bool, now: Instant) {
        self.by_ip.retain(|_, node| {
            now.saturating_duration_since(node.heard) <= STRANGER_KEPT && !is_peer(&node.info)
        });
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &ForeignNode> {
        self.by_ip.values()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_ip.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let seventh = |nodes: &ForeignNodes| nodes.iter().find(|node| *node.info == info(7, "b")).cloned();
        assert_eq!(seventh(&nodes).map(|node| (node.since, node.heard)), Some((t0, later)));
        nodes.expire(|_| false, later + STRANGER_KEPT);
        assert_eq!(nodes.iter().count(), 1);
        nodes.expire(|info| info.name == "b", later);
        assert!(nodes.is_empty());
    }
}
