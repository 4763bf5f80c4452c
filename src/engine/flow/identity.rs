//! Who this node is: its id, which another node may have, too, and its name.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use crate::engine::Engine;
use crate::engine::event::Event;
use crate::engine::lifecycle::Lifecycle;
use crate::engine::peers::NodeInfo;
use crate::engine::presence::receive::Datagram;
use crate::engine::presence::twin::{self, TwinCheck};

impl Engine {
    /// A presence in this node's own name: mostly its own, which came back.
    pub(in crate::engine) fn handle_own(&mut self, datagram: &Datagram<'_>, now: Instant) {
        let mut ctx = self.shared.context(self.peers.len(), now);
        match self.twin_watch.handle(datagram.from, &datagram.presence, &mut ctx) {
            TwinCheck::Settled => {}
            TwinCheck::Asks(nonce) => {
                self.announcer.ask_namesake(datagram.from, nonce, &mut ctx);
            }
            TwinCheck::IsTwin => self.take_another_id(datagram.from, now),
        }
    }

    /// Another node has this one's identity. What is known of peers stays; to them this node is another one from now on.
    fn take_another_id(&mut self, twin: SocketAddr, now: Instant) {
        let previous_id = self.node.id;
        let id = twin::another_id(&mut self.shared.context(self.peers.len(), now));
        self.shared.change_id(id);
        self.node = Arc::new(NodeInfo::of(self.shared.config()));
        let twin = self.shared.links().told(twin);
        self.publish(Event::IdChanged { node: Arc::clone(&self.node), previous_id, twin });
        for key in self.peers.keys() {
            if let Some(peer) = self.peers.get_mut(key) {
                peer.gossip.acknowledge(0);
            }
        }
        self.announcer.hello_again(now);
    }

    /// This machine is called otherwise: all others are told at once, if they were told of the old name.
    pub(in crate::engine) fn rename(&mut self, name: String, now: Instant) {
        let from = self.shared.rename(name);
        self.node = Arc::new(NodeInfo::of(self.shared.config()));
        if self.lifecycle == Lifecycle::Running {
            let node = Arc::clone(&self.node);
            self.publish(Event::NodeRenamed { node, from });
            self.announcer.announce_at(now);
        }
    }
}
