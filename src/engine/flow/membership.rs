//! Members of several broadcast domains: from their messages, and from answers to this node, to peers.

use std::time::Instant;

use crate::engine::Engine;
use crate::engine::address::ZonedIp;
use crate::engine::api::Asked;
use crate::engine::config::Target;
use crate::engine::event::RejectReason;
use crate::engine::peers::{PeerKey, Via};
use crate::engine::presence::receive::Datagram;

impl Engine {
    /// Joins the segment of a host that a person named: it is dialed as any that was, and the members that it knows are found.
    pub(in crate::engine) fn join(&mut self, target: &Target, now: Instant) {
        self.membership.begin(&mut self.shared.context(self.peers.len(), now));
        self.add_peer(target, now);
    }

    /// What a peer tells of members, from an address at which it proved to be.
    pub(super) fn hear_membership(&mut self, told: &[u8], datagram: &Datagram<'_>, now: Instant) {
        let presence = &datagram.presence;
        let from = (presence.id, presence.incarnation, ZonedIp::from(datagram.from).ip());
        let (mut ctx, peers) = (self.shared.context(self.peers.len(), now), &self.peers);
        self.membership.handle(told, from, peers, &mut ctx);
    }

    /// Somebody beyond our links, of whom no row is: the peer that it is from now on, if this node asked it just there whether it is a member.
    pub(super) fn meet_member(&mut self, datagram: &Datagram<'_>, now: Instant) -> Option<PeerKey> {
        let (mut ctx, presence) = (self.shared.context(self.peers.len(), now), &datagram.presence);
        let from = ZonedIp::from(datagram.from);
        let answers = |echo| self.membership.take_answer(presence.id, from.ip(), echo, &ctx);
        if !presence.echo.is_some_and(answers) {
            return None;
        }
        let (addr, life) = (from.at_port(presence.tcp_port), (presence.id, presence.incarnation));
        let key = match self.peers.discover(addr, Some(life), presence.name, Via::Membership, &mut ctx) {
            Ok(key) => key,
            Err(reason) => {
                self.reject(reason, datagram.from, now);
                return None;
            }
        };
        self.peers.get_mut(key)?.prove(from, &mut ctx);
        Some(key)
    }

    /// Who is refused because it is beyond our links; of a member that asks whether this node is there, that is no news.
    pub(super) fn reject_off_link(&mut self, datagram: &Datagram<'_>, now: Instant) {
        let asks = datagram.presence.nonce.is_some() && datagram.asked == Asked::ThisNode;
        if !(asks && self.membership.takes_part()) {
            self.reject(RejectReason::OffLink, datagram.from, now);
        }
    }
}
