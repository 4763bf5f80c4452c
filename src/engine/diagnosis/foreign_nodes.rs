//! Nodes that are heard and are no peers: of another group, version or network.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

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
