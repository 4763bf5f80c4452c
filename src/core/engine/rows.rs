//! Rows of the matrix: ours, and those that others tell.

use std::time::Instant;

use crate::core::matrix::{MatrixNode, MatrixView};

use super::Engine;

impl Engine {
    /// Who reaches whom, as far as is known here.
    pub fn survey(&self, now: Instant) -> MatrixView {
        let own = std::net::SocketAddr::new(self.own_address(), self.config.tcp_port);
        let mut nodes = vec![MatrixNode {
            id: self.config.id,
            name: self.config.name.clone(),
            addr: own,
            hearsay: false,
        }];
        nodes.extend(self.peers.values().filter_map(|peer| {
            let info = &peer.info;
            Some(MatrixNode { id: info.id?, name: info.name.clone(), addr: info.addr, hearsay: false })
        }));
        let rows = vec![None; nodes.len()];
        let fresh_for = self.config.dial_interval * 2 + self.config.retry.timeout;
        MatrixView { at: now, nodes: nodes.into(), rows, fresh_for, findings: Vec::new(), left_out: 0 }
    }
}
