//! A peer that a person named: by which addresses, and whether it is being sought.

use std::net::SocketAddr;

use crate::engine::address::ZonedIp;

use super::Peer;
use super::naming::Naming;

impl Peer {
    /// Whether a person named it.
    pub(crate) fn is_named(&self) -> bool {
        self.naming().is_some()
    }

    fn naming(&self) -> Option<&Naming> {
        self.special.as_ref()?.named.as_ref()
    }

    fn naming_mut(&mut self) -> Option<&mut Naming> {
        self.special.as_mut()?.named.as_mut()
    }

    /// Whether a person named it by this address.
    pub(crate) fn is_named_at(&self, ip: ZonedIp) -> bool {
        self.naming().is_some_and(|named| named.has(ip))
    }

    /// A person named it by these addresses.
    pub(crate) fn name_at(&mut self, addrs: &[SocketAddr]) {
        self.special.get_or_insert_default().named.get_or_insert_default().set_addrs(addrs);
        self.expiry = None;
    }

    /// Its name is another node's now: it is a peer like others, and does not stay for ever if it does not live.
    pub(crate) fn unname(&mut self) {
        if let Some(special) = &mut self.special {
            special.named = None;
        }
    }

    /// The addresses that a person named it by.
    pub(crate) fn named_addrs(&self) -> &[SocketAddr] {
        self.naming().map_or(&[], Naming::addrs)
    }

    /// Its name is being looked up, because it failed; or that has ended.
    pub(crate) fn set_looked_up(&mut self, looked_up: bool) {
        if let Some(named) = self.naming_mut() {
            named.set_looked_up(looked_up);
        }
    }

    /// The next address of its name has its turn; or all had theirs.
    pub(crate) fn set_in_turn(&mut self, in_turn: bool) {
        if let Some(named) = self.naming_mut() {
            named.set_in_turn(in_turn);
        }
    }

    /// Whether the next address of its name has its turn.
    pub(crate) fn is_in_turn(&self) -> bool {
        self.naming().is_some_and(Naming::is_in_turn)
    }

    /// Whether it may be elsewhere, and that is being found out: until then its address is not accused.
    pub(crate) fn is_sought(&self) -> bool {
        self.naming().is_some_and(Naming::is_failing_over)
    }
}

#[cfg(test)]
mod tests {
    use crate::engine::context::TestContext;

    #[test]
    fn it_is_sought_while_another_address_may_be_the_right_one() {
        let test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        peer.set_looked_up(true);
        assert!(!peer.is_sought(), "nobody named it");
        peer.name_at(&[peer.addr()]);
        peer.set_looked_up(true);
        assert!(peer.is_sought() && !peer.is_in_turn());
        peer.set_looked_up(false);
        peer.set_in_turn(true);
        assert!(peer.is_sought() && peer.is_in_turn());
    }
}
