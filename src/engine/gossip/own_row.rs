//! This node's row of the matrix: what it tells others of its peers, page by page, to whoever has an older version.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Instant;

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::limits::{MAX_GONE, ROW_KILOBYTES_PER_SECOND};
use crate::engine::observation::Sight;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::engine::rate_limiter::RateLimiter;
use crate::proto::rows::{MAX_PAGES, PageHead, append};

use super::page::{HEAD_ROOM, entry, gone, page};
use super::sync::GossipSync;

/// Our own row and its versions.
#[derive(Debug)]
pub(crate) struct OwnRow {
    /// Grows by one with each change of an entry.
    version: u64,
    /// Each entry, by the version in which it last changed.
    changed: BTreeMap<u64, PeerKey>,
    /// Peers that are no longer in the table, with the version in which they went.
    gone: VecDeque<(u64, NodeId)>,
    /// Readers with an older version than this get the whole row.
    floor: u64,
    /// Kilobytes of the row that are told.
    kilobytes: RateLimiter,
}

/// A page of our row.
#[derive(Debug)]
pub(crate) struct OwnPage {
    pub(crate) bytes: Vec<u8>,
    /// The version that its reader has after it.
    pub(crate) upto: u64,
}

impl Default for OwnRow {
    fn default() -> Self {
        Self {
            version: 0,
            changed: BTreeMap::new(),
            gone: VecDeque::new(),
            floor: 0,
            kilobytes: RateLimiter::per_second(ROW_KILOBYTES_PER_SECOND, ROW_KILOBYTES_PER_SECOND * 4),
        }
    }
}

impl OwnRow {
    /// Takes what is seen of a peer now into the row, if that is worth telling: whether it is. In a network of too `many` for a
    /// whole matrix, only what is not fine is.
    pub(crate) fn advertise(&mut self, peer: &mut Peer, many: bool, ctx: &Context<'_>) -> bool {
        let (key, new) = (peer.key(), *peer.sight());
        if peer.id().is_none() || !peer.gossip.advertise(&new, ctx.config.dial_interval, many, ctx.now) {
            return false;
        }
        self.version += 1;
        self.changed.remove(&peer.gossip.note_change(self.version));
        self.changed.insert(self.version, key);
        true
    }

    /// A peer is in the row no longer: it left the table, said goodbye or has another identity.
    pub(crate) fn drop_node(&mut self, id: NodeId) {
        self.version += 1;
        self.gone.push_back((self.version, id));
        if self.gone.len() > MAX_GONE
            && let Some((version, _)) = self.gone.pop_front()
        {
            self.floor = version;
        }
    }

    /// The entry of a peer goes out of the row, until something is told of it again.
    pub(crate) fn drop_entry(&mut self, gossip: &mut GossipSync) {
        self.changed.remove(&gossip.note_change(0));
    }

    /// The page that goes with a request to a peer. Who dials us fetches our row; whoever does not, or has part of it, is told.
    pub(crate) fn page_for_request(&mut self, to: &Peer, peers: &PeerTable, ctx: &Context<'_>) -> Vec<u8> {
        let has = to.gossip.acked_version();
        let is_new = ctx.is_within(to.health.since(), ctx.config.dial_interval);
        let told = has > 0 || !to.sight().served.is_ok() && !is_new;
        let room = if told { self.room(ctx.now) } else { 0 };
        let page = self.page(has, &[], room, peers, ctx);
        self.note_told(&page.bytes, ctx.now);
        page.bytes
    }

    /// The page that goes with a reply to one who has version `has`, with what is asked `about` whatever its version.
    pub(crate) fn page_for_reply(
        &mut self,
        has: u64,
        about: &[NodeId],
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> OwnPage {
        let room = self.room(ctx.now) / 2;
        let page = self.page(has, about, room, peers, ctx);
        self.note_told(&page.bytes, ctx.now);
        page
    }

    fn room(&self, now: Instant) -> usize {
        if self.kilobytes.is_open(now) { MAX_PAGES } else { 0 }
    }

    fn note_told(&mut self, page: &[u8], now: Instant) {
        let kilobytes = u32::try_from(page.len() / 1_024).unwrap_or(u32::MAX);
        if kilobytes > 0 {
            self.kilobytes.note(kilobytes, now);
        }
    }

    /// What changed after version `has`, oldest change first, as far as there is room.
    fn page(&self, has: u64, about: &[NodeId], room: usize, peers: &PeerTable, ctx: &Context<'_>) -> OwnPage {
        let from = if has > self.version || has < self.floor { 0 } else { has };
        let (mut entries, mut count, mut upto) = (Vec::new(), 0_u16, self.version);
        for id in about {
            if let Some(peer) = peers.by_id(*id).and_then(|key| peers.get(key)) {
                append(&entry_of(peer, *id, ctx.now), &mut entries);
                count += 1;
            }
        }
        let mut last = from;
        for (version, change) in self.changes_after(from) {
            let before = entries.len();
            match change {
                Ok(key) => {
                    let Some((peer, id)) = peers.get(key).and_then(|peer| Some((peer, peer.id()?))) else {
                        continue;
                    };
                    append(&entry_of(peer, id, ctx.now), &mut entries);
                }
                Err(id) => append(&gone(id), &mut entries),
            }
            if entries.len() + HEAD_ROOM > room {
                entries.truncate(before);
                upto = last;
                break;
            }
            count += 1;
            last = version;
        }
        let (owner, incarnation) = (ctx.config.id, ctx.config.incarnation);
        let head = PageHead { owner, incarnation, from, upto, latest: self.version, age_ms: 0, count };
        OwnPage { bytes: page(&head, &entries), upto }
    }

    /// Entries that changed and peers that went after a version, in order.
    fn changes_after(&self, from: u64) -> impl Iterator<Item = (u64, Result<PeerKey, NodeId>)> {
        let first_gone = self.gone.partition_point(|(version, _)| *version <= from);
        let mut gone = self.gone.range(first_gone..).peekable();
        let after = (Bound::Excluded(from), Bound::Unbounded);
        let mut changed = self.changed.range(after).peekable();
        std::iter::from_fn(move || match (changed.peek(), gone.peek()) {
            (Some((one, _)), Some((other, _))) if *one > other => gone.next().map(|(v, id)| (*v, Err(*id))),
            (Some(_), _) => changed.next().map(|(v, key)| (*v, Ok(*key))),
            (None, _) => gone.next().map(|(v, id)| (*v, Err(*id))),
        })
    }
}

fn entry_of(peer: &Peer, id: NodeId, now: Instant) -> crate::proto::rows::Entry<'_> {
    // Of what is being measured only that there is life is known already.
    let told = peer.gossip.advertised();
    let sight = Sight { alive: peer.last_alive(), checked: peer.sight().checked, ..told };
    entry(id, &sight, &peer.info().name, peer.addr(), now)
}
