//! What people ask to see: the table, one row of it, and the matrix. Reads all parts, changes none.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use super::address::is_link_local;
use super::context::fresh_for;
use super::gossip::remote_rows::RemoteRow;
use super::limits::MAX_SHOWN;
use super::matrix::{MatrixNode, MatrixRow, MatrixView};
use super::network::Network;
use super::peers::peer::Peer;
use super::peers::{PeerKey, PeerSnapshot, Snapshot};
use super::segments::{Known, Segment, segments};
use super::{Engine, NodeId};

impl Engine {
    /// The whole table as it is.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let links = self.shared.links();
        Snapshot {
            node: Arc::clone(&self.node),
            interfaces: Arc::clone(links.all()),
            peers: self.peers.iter().map(|peer| peer.snapshot(links, now)).collect(),
        }
    }

    /// One row of the table.
    pub fn peer(&self, key: PeerKey, now: Instant) -> Option<PeerSnapshot> {
        self.peers.get(key).map(|peer| peer.snapshot(self.shared.links(), now))
    }

    /// Who reaches whom, as far as is known here.
    pub fn matrix(&self, now: Instant) -> MatrixView {
        let (nodes, left_out) = self.matrix_nodes(now);
        let here = self.peers.iter().filter(|peer| !peer.has_left());
        let observations = here.filter_map(|peer| Some((peer.id()?, peer.observation()))).collect();
        let fresh_for = |dial_interval| fresh_for(dial_interval, self.shared.config());
        let own_age = fresh_for(self.shared.dial_interval());
        let own = MatrixRow { observations: Arc::new(observations), confirmed: now, fresh_for: own_age };
        let told = |node: &MatrixNode| {
            let row = self.remote_rows.of(node.id)?;
            Some(MatrixRow {
                observations: Arc::clone(row.observations()),
                confirmed: row.confirmed(),
                fresh_for: fresh_for(row.dial_interval()),
            })
        };
        let rows = std::iter::once(Some(own)).chain(nodes[1..].iter().map(told)).collect();
        MatrixView {
            at: now,
            nodes: nodes.into(),
            rows,
            findings: self.judging.published(),
            left_out: self.remote_rows.left_out() + left_out,
            segments: self.segments(),
        }
    }

    /// The networks of the nodes that are known. What is heard at a link-local address is on a link that has a network, too.
    fn segments(&self) -> Vec<Segment> {
        let (links, config) = (self.shared.links(), self.shared.config());
        let here = links.own_address();
        let own = links.prefix_towards(here).map(|prefix| Network::of(here.ip(), prefix));
        let peers = self.peers.iter().filter(|peer| !peer.has_left() && !is_link_local(peer.ip().ip()));
        let peers = peers.filter(|peer| peer.id().is_some()).map(|peer| Known {
            ip: peer.ip().ip(),
            network: self.network_of(peer),
            is_dialed: true,
        });
        let others = self.membership.members().filter(|(id, ..)| *id != config.id);
        let others = others.filter(|(id, ..)| self.peers.by_id(*id).is_none());
        let others = others.map(|(_, ip, network)| Known { ip, network: Some(network), is_dialed: false });
        segments(own, &peers.chain(others).collect::<Vec<_>>())
    }

    /// This node, and behind it the others that are known, by name; and how many there is no room for.
    fn matrix_nodes(&self, now: Instant) -> (Vec<MatrixNode>, usize) {
        let config = self.shared.config();
        let node =
            |id, name: &str, addr, second_hand| MatrixNode { id, name: name.to_owned(), addr, second_hand };
        let mut here: Vec<&Peer> = self.peers.iter().filter(|peer| !peer.has_left()).collect();
        here.sort_by_key(|peer| (!peer.was_reached(), !peer.is_proven()));
        let mut nodes: Vec<MatrixNode> = here
            .into_iter()
            .filter_map(|peer| Some(node(peer.id()?, &peer.info().name, peer.info().addr, false)))
            .collect();
        let fresh = |row: &&RemoteRow| row.is_fresh(config, now);
        let mut second_hand: HashMap<NodeId, &(String, SocketAddr)> = HashMap::new();
        for row in self.remote_rows.iter().filter(fresh) {
            let unmet = row.second_hand().iter().filter(|(id, _)| self.remote_rows.is_unmet(**id));
            second_hand.extend(unmet.map(|(id, who)| (*id, who)));
        }
        nodes.extend(second_hand.into_iter().map(|(id, (name, addr))| node(id, name, (*addr).into(), true)));
        let left_out = nodes.len().saturating_sub(MAX_SHOWN - 1);
        nodes.truncate(MAX_SHOWN - 1);
        nodes.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        let links = self.shared.links();
        let own = links.told(links.own_address().at_port(config.tcp_port));
        nodes.insert(0, node(config.id, &config.name, own, false));
        (nodes, left_out)
    }
}
