//! Whose turn it is to dial an address at which nobody has proved to be: anybody can send in its name, and all nodes would dial it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::engine::NodeId;
use crate::engine::address::ZonedIp;
use crate::engine::context::Context;
use crate::engine::limits::{TURN_LOOKED_AT_AGAIN, UNPROVEN_DIALED_AGAIN, UNPROVEN_DIALERS};
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::proto::rendezvous::{of_address, weight};

/// Which addresses of one peer it is this node's turn to dial without a proof.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Turns {
    /// The one at which it is dialed.
    pub(crate) here: bool,
    /// The other one that is to be looked at.
    pub(crate) elsewhere: bool,
}

impl Turns {
    /// Those of a peer. Where there is a proof, nobody need ask.
    pub(crate) fn of(key: PeerKey, peers: &PeerTable, ctx: &Context<'_>) -> Self {
        let Some(peer) = peers.get(key) else { return Self::default() };
        let own = ctx.config.id;
        let mine = |ip| has_turn(ip, peer.paths.unanswered(ip).into(), own, peers);
        let elsewhere = peer.paths.to_check(peer.ip(), ctx.links, ctx.now);
        Self {
            // Who was only told of is asked by those whose turn it was then, and as rarely as that allows.
            here: peer.is_proven() || peer.is_second_hand() || mine(peer.ip()),
            elsewhere: elsewhere.is_some_and(|ip| peer.paths.is_proven(ip) || mine(ip)),
        }
    }
}

/// Whether this node is among those who dial an address from which so many datagrams came.
fn has_turn(ip: ZonedIp, heard: usize, own: NodeId, peers: &PeerTable) -> bool {
    let (of, most) = (of_address(ip.ip()), UNPROVEN_DIALERS * heard);
    let mine = weight(of, own);
    let heavier = peers.reachable().filter_map(Peer::id).filter(|other| weight(of, *other) > mine);
    heavier.take(most).count() < most
}

/// When a peer whose turn has not come looks again: more datagrams of it may have come by then.
pub(super) fn looked_at_again(peer: &Peer, ctx: &Context<'_>) -> Duration {
    let interval = ctx.pace.dial_interval();
    if peer.paths.unanswered(peer.ip()) > 0 { interval.min(TURN_LOOKED_AT_AGAIN) } else { interval }
}

/// Addresses that were dialed lately without a proof: few, for all of them together have a small budget.
#[derive(Debug, Default)]
pub(super) struct DialedLately(VecDeque<(Instant, ZonedIp)>);

impl DialedLately {
    /// Whether an address was.
    pub(super) fn contains(&mut self, ip: ZonedIp, ctx: &Context<'_>) -> bool {
        let within = ctx.pace.dial_interval().min(UNPROVEN_DIALED_AGAIN);
        while self.0.pop_front_if(|(at, _)| !ctx.is_within(*at, within)).is_some() {}
        self.0.iter().any(|(_, dialed)| *dialed == ip)
    }

    /// An address is dialed now.
    pub(super) fn note(&mut self, ip: ZonedIp, now: Instant) {
        self.0.push_back((now, ip));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::context::TestContext;
    use crate::engine::peers::{PeerState, Via};

    #[test]
    fn five_of_all_dial_an_address_and_five_more_for_each_further_datagram() {
        let nodes = 1..=40_u8;
        let turns = |heard| {
            let of = |own: u8| {
                let (mut test, mut peers) = (TestContext::new(|_| {}), PeerTable::default());
                for id in nodes.clone().filter(|id| *id != own) {
                    let identity = Some((NodeId(id.into()), Incarnation(1)));
                    let (addr, via) = (([10, 0, 0, id], 1).into(), Via::Broadcast);
                    let key = peers.discover(addr, identity, "host", via, &mut test.context()).unwrap();
                    let peer = peers.get_mut(key).unwrap();
                    peer.set_state(PeerState::Up, &mut test.context());
                    peer.prove(peer.ip(), &mut test.context());
                    peers.index_condition(key);
                }
                has_turn("10.0.9.9".parse().unwrap(), heard, NodeId(own.into()), &peers)
            };
            nodes.clone().filter(|own| of(*own)).count()
        };
        assert_eq!([0, 1, 2, 8].map(turns), [0, 5, 10, 40]);
    }
}
