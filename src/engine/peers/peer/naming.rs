//! What a person said of a peer: that it is one, and where.

use std::net::SocketAddr;

use smallvec::SmallVec;

use crate::engine::address::ZonedIp;

/// A person named it.
#[derive(Debug, Default)]
pub(super) struct Naming {
    /// The addresses of that name, in the order in which they are tried: there it is dialed without proof. Empty as long as the name
    /// has none.
    addrs: SmallVec<[SocketAddr; 1]>,
    failover: Failover,
}

/// Whether it may be elsewhere, and how that is being found out.
#[derive(Debug, Clone, Copy, Default)]
struct Failover {
    /// Its name is being looked up, because it failed.
    looked_up: bool,
    /// An attempt failed, and the next address of its name has its turn.
    in_turn: bool,
}

impl Naming {
    /// By an address.
    pub(super) fn at(addr: SocketAddr) -> Self {
        let addrs = if addr.ip().is_unspecified() { SmallVec::new() } else { SmallVec::from([addr]) };
        Self { addrs, ..Self::default() }
    }

    pub(super) fn set_addrs(&mut self, addrs: &[SocketAddr]) {
        self.addrs = SmallVec::from_slice(addrs);
    }

    pub(super) fn addrs(&self) -> &[SocketAddr] {
        &self.addrs
    }

    pub(super) fn set_looked_up(&mut self, looked_up: bool) {
        self.failover.looked_up = looked_up;
    }

    pub(super) fn set_in_turn(&mut self, in_turn: bool) {
        self.failover.in_turn = in_turn;
    }

    pub(super) fn is_in_turn(&self) -> bool {
        self.failover.in_turn
    }

    pub(super) fn is_failing_over(&self) -> bool {
        self.failover.looked_up || self.failover.in_turn
    }

    pub(super) fn has(&self, ip: ZonedIp) -> bool {
        self.addrs.iter().any(|addr| ZonedIp::from(*addr) == ip)
    }
}
