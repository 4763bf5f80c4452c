//! Datagrams and peers for the tests of what is received.

use std::net::SocketAddr;

use super::heard::Taken;
use super::receive::Datagram;
use crate::engine::api::{Asked, Socket};
use crate::engine::context::TestContext;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerTable, Via};
use crate::engine::{Incarnation, NodeId};
use crate::proto::presence::{Kind, Presence};
use crate::testkit::presence;

pub(super) const PORT: u16 = 17_474;

pub(super) fn addr(text: &str) -> SocketAddr {
    SocketAddr::new(text.parse().unwrap(), PORT)
}

pub(super) fn heard<'a>(from: &str, presence: Presence<'a>) -> Datagram<'a> {
    Datagram {
        from: addr(from),
        link: None,
        socket: Socket::Shared,
        asked: Asked::Everybody,
        was_sealed: false,
        presence,
    }
}

pub(super) fn discover(peers: &mut PeerTable, test: &mut TestContext, ip: &str, id: u128) -> PeerKey {
    let identity = Some((NodeId(id), Incarnation(1_000)));
    peers.discover(addr(ip), identity, "stranger", Via::Broadcast, &mut test.context()).unwrap()
}

/// A peer at 10.0.0.2 that was heard there with this number.
pub(super) fn known(test: &mut TestContext, sequence: u64) -> Peer {
    let mut peer = test.peer(2);
    let taken =
        heard("10.0.0.2", presence(Kind::Heartbeat, 2, sequence)).note_heard(&mut peer, &test.context());
    assert_eq!(taken, Taken::Whole);
    peer
}
