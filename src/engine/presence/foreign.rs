//! Nodes that are heard and are no peers, as a datagram tells of them.

use std::net::SocketAddr;

use crate::engine::address;
use crate::engine::context::Context;
use crate::engine::diagnosis::foreign_nodes::Mismatch;
use crate::engine::peers::{PeerInfo, PeerKey, PeerState, PeerTable};
use crate::proto::presence::{Kind, Presence};

/// What a wide copy tells of whoever is in another network on our link.
#[derive(Debug)]
#[must_use]
pub(crate) enum WideCopy {
    /// It must be read like any other presence.
    Ordinary,
    /// Nothing.
    Known,
    /// A peer of ours is at this address in a network with a prefix of this length, too.
    PeerElsewhere(SocketAddr, u8),
    /// A node that is no peer.
    Foreign(Box<Foreign>),
}

/// A node that is no peer, and why.
#[derive(Debug)]
pub(crate) struct Foreign {
    pub(crate) info: PeerInfo,
    pub(crate) mismatch: Mismatch,
}

impl Foreign {
    /// A node that was heard, if it is on a link of ours, another machine's, and does not leave.
    pub(super) fn on_our_link(
        from: SocketAddr,
        presence: Option<&Presence<'_>>,
        mismatch: Mismatch,
        ctx: &Context<'_>,
    ) -> Option<Box<Self>> {
        let stays = |presence: &Presence<'_>| presence.kind != Kind::Goodbye && !presence.is_of_visitor();
        let here = presence.is_none_or(stays);
        (here && ctx.links.reaches(from.into()) && !ctx.links.holds(from.into()))
            .then(|| Self::at(from, presence, mismatch, ctx))
    }

    /// A node that was heard from an address; without a presence that can be read, only that is known of it.
    pub(super) fn at(
        from: SocketAddr,
        presence: Option<&Presence<'_>>,
        mismatch: Mismatch,
        ctx: &Context<'_>,
    ) -> Box<Self> {
        let port = presence.map_or(ctx.config.port, |presence| presence.tcp_port);
        let info = PeerInfo {
            key: PeerKey::default(),
            id: presence.map(|presence| presence.id),
            name: presence.map_or_else(|| from.ip().to_string(), |presence| presence.name.to_owned()),
            addr: ctx.links.told(address::with_port(from, port)),
            incarnation: presence.map(|presence| presence.incarnation),
        };
        Box::new(Self { info, mismatch })
    }

    /// Whether it needs telling: somebody who has a peer of ours at its address runs several nodes, and knows it.
    pub(crate) fn is_worth_telling(&self, peers: &PeerTable) -> bool {
        !peers.at(self.info.addr.zoned_ip()).any(|peer| peer.state() == PeerState::Up)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;

    #[test]
    fn a_foreign_node_is_not_told_of_where_a_peer_of_ours_is_up() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let at = |ip: &str| SocketAddr::new(ip.parse().unwrap(), 17_474);
        let id = Some((crate::engine::NodeId(2), crate::engine::Incarnation(1_000)));
        let key = peers
            .discover(at("10.0.0.2"), id, "host2", crate::engine::peers::Via::Broadcast, &mut test.context())
            .unwrap();
        let ctx = test.context();
        let [same, other] =
            ["10.0.0.2", "10.0.0.3"].map(|ip| Foreign::at(at(ip), None, Mismatch::Version(9), &ctx));
        assert!(same.is_worth_telling(&peers), "it was not reached yet");
        peers.get_mut(key).unwrap().set_state(PeerState::Up, &mut test.context());
        assert!(!same.is_worth_telling(&peers) && other.is_worth_telling(&peers));
    }
}
