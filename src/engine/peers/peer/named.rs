//! A peer that a person named: at which addresses it is tried, and whether it is being sought.

use std::net::SocketAddr;

use crate::engine::address::ZonedIp;

use super::Peer;

impl Peer {
    /// Whether a person named it.
    pub(crate) fn is_named(&self) -> bool {
        self.named.is_some()
    }

    /// Whether a person named it by this address.
    pub(crate) fn is_named_at(&self, ip: ZonedIp) -> bool {
        self.named.as_ref().is_some_and(|named| named.has(ip))
    }

    /// A person named it by these addresses.
    pub(crate) fn name_at(&mut self, addrs: &[SocketAddr]) {
        self.named.get_or_insert_default().set_addrs(addrs);
        self.expiry = None;
    }

    /// Its name is another node's now: it is a peer like others, and does not stay for ever if it does not live.
    pub(crate) fn unname(&mut self) {
        self.named = None;
    }

    /// The addresses that a person named it by.
    pub(crate) fn named_addrs(&self) -> &[SocketAddr] {
        self.named.as_ref().map_or(&[], |named| named.addrs())
    }

    /// How many addresses there are to try: the one of its row, and the others of its name.
    pub(crate) fn addresses(&self) -> u32 {
        u32::try_from(self.other_addrs().count()).map_or(u32::MAX, |others| others.saturating_add(1))
    }

    /// Where an attempt of a dial, counted from 1, goes: to the other address that it looks at; otherwise first to the address of its row, then to the others of its name in turn.
    pub(crate) fn addr_of_attempt(&self, attempt: u32) -> SocketAddr {
        if let Some(other) = self.dial.aim() {
            return other.at_port(self.addr().port());
        }
        let turn = attempt.saturating_sub(1) % self.addresses();
        let other = turn.checked_sub(1).and_then(|nth| usize::try_from(nth).ok());
        other.and_then(|nth| self.other_addrs().nth(nth)).unwrap_or(self.addr())
    }

    fn other_addrs(&self) -> impl Iterator<Item = SocketAddr> {
        let here = self.ip();
        self.named_addrs().iter().copied().filter(move |addr| ZonedIp::from(*addr) != here)
    }

    /// Its name is being looked up, because it failed; or that has ended.
    pub(crate) fn set_looked_up(&mut self, looked_up: bool) {
        if let Some(named) = &mut self.named {
            named.set_looked_up(looked_up);
        }
    }

    /// The next address of its name has its turn; or all had theirs.
    pub(crate) fn set_in_turn(&mut self, in_turn: bool) {
        if let Some(named) = &mut self.named {
            named.set_in_turn(in_turn);
        }
    }

    /// Whether the next address of its name has its turn.
    pub(crate) fn is_in_turn(&self) -> bool {
        self.named.as_ref().is_some_and(|named| named.is_in_turn())
    }

    /// Whether it may be elsewhere, and that is being found out: until then its address is not accused.
    pub(crate) fn is_sought(&self) -> bool {
        self.named.as_ref().is_some_and(|named| named.is_searched())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;

    fn addr(n: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, n], 17_474))
    }

    #[test]
    fn each_address_of_a_name_has_its_turn_beginning_with_the_one_of_the_row() {
        let test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        assert_eq!(
            (peer.addresses(), peer.addr_of_attempt(1), peer.addr_of_attempt(2)),
            (1, addr(2), addr(2))
        );
        for (named, turns) in [
            (vec![addr(2)], vec![addr(2), addr(2)]),
            (vec![addr(2), addr(3), addr(4)], vec![addr(2), addr(3), addr(4), addr(2), addr(3)]),
            (vec![addr(3), addr(2)], vec![addr(2), addr(3), addr(2)]),
            (vec![addr(3), addr(4)], vec![addr(2), addr(3), addr(4), addr(2)]),
        ] {
            peer.name_at(&named);
            let taken: Vec<_> =
                (1..).map(|attempt| peer.addr_of_attempt(attempt)).take(turns.len()).collect();
            assert_eq!(taken, turns, "{named:?}");
        }
    }

    #[test]
    fn it_is_sought_while_another_address_may_be_the_right_one() {
        let test = TestContext::new(|_| {});
        let mut peer = test.peer(2);
        peer.set_looked_up(true);
        assert!(!peer.is_sought(), "nobody named it");
        peer.name_at(&[addr(2)]);
        peer.set_looked_up(true);
        assert!(peer.is_sought() && !peer.is_in_turn());
        peer.set_looked_up(false);
        peer.set_in_turn(true);
        assert!(peer.is_sought() && peer.is_in_turn());
    }
}
