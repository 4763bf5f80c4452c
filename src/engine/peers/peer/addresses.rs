//! Which addresses of a peer are tried, and in what order.

use std::net::SocketAddr;

use crate::engine::address::ZonedIp;

use super::Peer;

impl Peer {
    /// How many addresses there are to try: the one of its row, and the others of its name.
    pub(crate) fn addresses(&self) -> u32 {
        u32::try_from(self.other_addrs().count()).map_or(u32::MAX, |others| others.saturating_add(1))
    }

    /// Where an attempt of a dial, counted from 1, goes: to the other address that it looks at; otherwise first to the address of its
    /// row, then to the others of its name in turn.
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
}
