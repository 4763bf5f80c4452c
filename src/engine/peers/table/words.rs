//! Who says something, and whether it counts: every presence and every exchange passes here, by the rule of
//! [`Peer::weigh`](crate::engine::peers::peer::Peer::weigh).

use std::net::SocketAddr;

use crate::engine::context::Context;
use crate::engine::event::RejectReason;
use crate::engine::peers::peer::word::{Evidence, Holder, Weight, Word};
use crate::engine::peers::{PeerKey, Via};
use crate::engine::{Incarnation, NodeId};

use super::PeerTable;

/// Whoever says something, as it says of itself, and as it is seen.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) id: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) name: &'a str,
    /// The address from which it comes, with the port at which it would be dialed.
    pub(crate) addr: SocketAddr,
    pub(crate) via: Via,
    pub(crate) evidence: Evidence,
}

/// Who that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Voice {
    /// A peer, perhaps in a new life.
    Peer(PeerKey),
    /// Perhaps the peer, if the life that is known of it is made up: it is to prove that it is there.
    Unproved(PeerKey),
    /// Somebody at the address of a peer, who was asked whether it is still there.
    Unclear,
    /// Nobody who is known, from where nobody is known.
    Stranger,
}

impl PeerTable {
    /// Whoever says something.
    pub(crate) fn recognize(
        &mut self,
        speaker: &Speaker<'_>,
        ctx: &mut Context<'_>,
    ) -> Result<Voice, RejectReason> {
        let Speaker { id, incarnation, name, addr, evidence, .. } = *speaker;
        let Some(key) = self.by_id(id) else { return self.recognize_newcomer(speaker, ctx) };
        let word = Word { from: addr.into(), incarnation, evidence };
        let Some(peer) = self.get_mut(key) else { return Ok(Voice::Unclear) };
        match peer.weigh(word, ctx) {
            Weight::Own => Ok(Voice::Peer(key)),
            Weight::NewLife => {
                self.restart(key, id, incarnation, name, ctx);
                Ok(Voice::Peer(key))
            }
            Weight::Doubtful => Err(RejectReason::IdentityConflict),
            Weight::Past => Err(RejectReason::Replayed),
            Weight::PastUnlessProved => Ok(Voice::Unproved(key)),
        }
    }

    /// An identity that no row has.
    fn recognize_newcomer(
        &mut self,
        speaker: &Speaker<'_>,
        ctx: &mut Context<'_>,
    ) -> Result<Voice, RejectReason> {
        let Some(key) = self.by_addr(speaker.addr) else { return Ok(Voice::Stranger) };
        if self.get(key).is_some_and(|peer| peer.has_retired(speaker.id, ctx.now)) {
            return Err(RejectReason::Retired);
        }
        let place = self.take_place(key, speaker, ctx)?;
        Ok(place.map_or(Voice::Unclear, Voice::Peer))
    }

    /// Another identity than the known one is heard at an address: the row that it has now, if it has one. It takes the place of the
    /// known one only if that does not answer any more; while it does, there are two rows.
    fn take_place(
        &mut self,
        holder: PeerKey,
        speaker: &Speaker<'_>,
        ctx: &mut Context<'_>,
    ) -> Result<Option<PeerKey>, RejectReason> {
        let Speaker { id, incarnation, name, via, .. } = *speaker;
        let Some(peer) = self.get_mut(holder) else { return Ok(None) };
        match peer.challenge((id, incarnation), ctx) {
            Holder::Asked => Ok(None),
            Holder::Gone => {
                self.identify(holder, id, incarnation, name, ctx);
                Ok(Some(holder))
            }
            Holder::Stays => {
                let nowhere = peer.ip().at_port(0);
                let key = self.discover(nowhere, Some((id, incarnation)), name, via, ctx)?;
                if let Some(peer) = self.get_mut(key) {
                    peer.set_apart();
                }
                Ok(Some(key))
            }
        }
    }
}
