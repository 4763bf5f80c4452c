//! Nodes that others tell of at an address of this machine: another machine has that address, too. The kernel takes nothing that comes
//! from an address of its own, so that no other way tells this machine of it.

use std::collections::HashMap;
use std::net::SocketAddr;

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::hashing::Keyed;
use crate::engine::limits::MAX_RIVALS;
use crate::proto::rows::Entry;

/// A node at an address of this machine, as another one tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rival {
    pub(crate) id: NodeId,
    pub(crate) name: String,
    pub(crate) addr: SocketAddr,
    /// Whose row says so.
    pub(crate) told_by: NodeId,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rivals {
    /// By who tells of it, and its id.
    of: HashMap<(NodeId, NodeId), (String, SocketAddr), Keyed>,
}

impl Rivals {
    /// What a row says of a node. Nodes of one machine have ports of their own, and who is behind the address of another one has none.
    pub(super) fn note(&mut self, owner: NodeId, entry: &Entry<'_>, ctx: &Context<'_>) {
        let addr = entry.addr();
        let is_own = ctx.links.holds(addr.into()) && addr.port() == ctx.config.tcp_port;
        if !is_own || entry.id == ctx.config.id {
            self.forget(owner, entry.id);
        } else if self.of.len() < MAX_RIVALS {
            self.of.insert((owner, entry.id), (entry.name.to_owned(), addr));
        }
    }

    /// A row tells of a node no longer.
    pub(super) fn forget(&mut self, owner: NodeId, id: NodeId) {
        if !self.of.is_empty() {
            self.of.remove(&(owner, id));
        }
    }

    /// A row is void.
    pub(super) fn forget_row(&mut self, owner: NodeId) {
        if !self.of.is_empty() {
            self.of.retain(|(by, _), _| *by != owner);
        }
    }

    /// All that were told, in the order of their ids.
    pub(super) fn all(&self) -> Vec<Rival> {
        let rival = |(&(told_by, id), (name, addr)): (&(NodeId, NodeId), &(String, SocketAddr))| Rival {
            id,
            name: name.clone(),
            addr: *addr,
            told_by,
        };
        let mut all: Vec<Rival> = self.of.iter().map(rival).collect();
        all.sort_unstable_by_key(|rival| (rival.id, rival.told_by));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::entry;
    use super::*;
    use crate::engine::context::TestContext;
    use crate::engine::observation::Observation;

    #[test]
    fn another_node_at_our_address_and_port_is_a_rival_until_its_teller_says_otherwise() {
        let mut test = TestContext::new(|config| config.tcp_port = 5);
        let mut rivals = Rivals::default();
        let teller = NodeId(7);
        let mut told = |id: u128, addr: &str| {
            let seen = Observation::default();
            let told = entry(NodeId(id), &seen, "other", addr.parse().unwrap(), test.now);
            rivals.note(teller, &told, &test.context());
            rivals.all().into_iter().map(|rival| rival.id.0).collect::<Vec<_>>()
        };
        assert_eq!(told(1, "10.0.0.1:5"), [], "that is this node");
        assert_eq!(told(9, "10.0.0.1:6"), [], "another node of this machine");
        assert_eq!(told(9, "10.0.0.1:0"), [], "it is behind this machine");
        assert_eq!(told(9, "10.0.0.1:5"), [9]);
        assert_eq!(told(9, "10.0.0.9:5"), [], "it has another address now");
    }
}
