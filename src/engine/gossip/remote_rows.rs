//! The rows that others told, their own and those they pass on, and the nodes known only from them (second-hand).

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::context::Context;
use crate::engine::limits::{MAX_CELLS, MAX_HEARSAY, MAX_ROW, MAX_ROWS, ROW_KEPT, ROWS_EXPIRED_EVERY};
use crate::engine::observation::Sight;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::engine::{Incarnation, NodeId};
use crate::proto::rows::{Entry, GONE, MAX_PAGES, MAX_WANTS, PageHead, Want, append, pages};

use super::page::{SMALLEST_ENTRY, entry, page, sight_of};

/// A row that another node told.
#[derive(Debug)]
pub(crate) struct RemoteRow {
    incarnation: Incarnation,
    version: u64,
    sights: Arc<HashMap<NodeId, Sight>>,
    /// Names and addresses of those that were no peers of ours when it told of them.
    second_hand: HashMap<NodeId, (String, SocketAddr)>,
    confirmed: Instant,
    /// When it last changed, here.
    changed: Instant,
    /// How many of its entries tell of something that is not fine.
    troubled: usize,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct RemoteRows {
    of: HashMap<NodeId, RemoteRow>,
    cells: usize,
    /// Entries that were not kept for want of room.
    left_out: usize,
    /// How many rows tell of something that is not fine.
    troubled: usize,
    /// In how many rows each node is second-hand.
    told_by: HashMap<NodeId, usize>,
    /// Those of them that are no peers.
    unmet: BTreeSet<NodeId>,
    /// The peer and the unmet node that the last request asked for last: the next one asks for the next.
    last_asked: (Option<PeerKey>, Option<NodeId>),
    expired: Option<Instant>,
}

impl RemoteRow {
    /// What it tells of each node.
    pub(crate) fn sights(&self) -> &Arc<HashMap<NodeId, Sight>> {
        &self.sights
    }

    /// Names and addresses of those that were no peers of ours when it told of them.
    pub(crate) fn second_hand(&self) -> &HashMap<NodeId, (String, SocketAddr)> {
        &self.second_hand
    }

    /// When it was last known to be as it is.
    pub(crate) fn confirmed(&self) -> Instant {
        self.confirmed
    }

    /// When it last changed, here.
    pub(crate) fn changed(&self) -> Instant {
        self.changed
    }
}

impl RemoteRows {
    /// The row of a node.
    pub(crate) fn of(&self, owner: NodeId) -> Option<&RemoteRow> {
        self.of.get(&owner)
    }

    /// All rows. Walks them: for what a person asks for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RemoteRow> {
        self.of.values()
    }

    /// Entries that were not kept for want of room.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether any row tells of something that is not fine.
    pub(crate) fn is_any_troubled(&self) -> bool {
        self.troubled > 0
    }

    /// The version that is known of a row, if it is of that life.
    pub(crate) fn version_of(&self, owner: NodeId, incarnation: Incarnation) -> u64 {
        self.of.get(&owner).filter(|row| row.incarnation == incarnation).map_or(0, |row| row.version)
    }

    /// Whether a row tells of this node, which is no peer.
    pub(crate) fn is_unmet(&self, id: NodeId) -> bool {
        self.unmet.contains(&id)
    }

    /// The rows that a request to a peer asks for: its own, then those of the nodes that we have no exchange with, a part of them
    /// each time.
    pub(crate) fn wants(&mut self, to: PeerKey, peers: &PeerTable, settled: bool) -> Vec<u8> {
        let mut wants = Vec::new();
        let mut room = MAX_WANTS;
        let mut want = |owner: NodeId, incarnation: Incarnation| {
            let version = self.version_of(owner, incarnation);
            append(&Want { owner, incarnation, version }, &mut wants);
        };
        let identity = |key: PeerKey| {
            let info = peers.get(key)?.info();
            Some((info.id?, info.incarnation?))
        };
        if let Some((id, incarnation)) = identity(to) {
            want(id, incarnation);
        }
        room -= 1;
        let (mut last_peer, mut last_unmet) = (None, None);
        for key in in_turn(peers.far(), self.last_asked.0).filter(|key| *key != to).take(room) {
            if let Some((id, incarnation)) = identity(key) {
                want(id, incarnation);
                room -= 1;
                last_peer = Some(key);
            }
        }
        // At first everybody is told of nodes that it will meet in a moment.
        for id in in_turn(&self.unmet, self.last_asked.1).take(if settled { room } else { 0 }) {
            want(id, self.of.get(&id).map_or(Incarnation(0), |row| row.incarnation));
            last_unmet = Some(id);
        }
        self.last_asked = (last_peer, last_unmet);
        wants
    }

    /// The wanted rows of others as they were told to us, behind `bytes`, as far as there is room.
    pub(crate) fn append_wanted(
        &self,
        bytes: &mut Vec<u8>,
        wants: &[Want],
        asker: NodeId,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        for want in wants.iter().filter(|want| want.owner != ctx.config.id && want.owner != asker) {
            let Some(row) = self.of.get(&want.owner) else { continue };
            let same = want.incarnation == row.incarnation && want.version == row.version;
            if !same && bytes.len() + row.sights.len() * SMALLEST_ENTRY > MAX_PAGES {
                continue;
            }
            let page = relayed(want, row, same, peers, ctx);
            if bytes.len() + page.len() <= MAX_PAGES {
                bytes.extend_from_slice(&page);
            }
        }
    }

    /// Takes the pages that one told, of the rows for which `may` holds. Whether there was any.
    pub(crate) fn handle_pages(
        &mut self,
        bytes: &[u8],
        teller: NodeId,
        may: impl Fn(&Self, NodeId) -> bool,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        for (head, entries) in pages(bytes) {
            if head.owner != ctx.config.id && may(self, head.owner) {
                self.handle_page(head, entries, head.owner == teller, peers, ctx);
            }
        }
    }

    fn handle_page<'a>(
        &mut self,
        head: PageHead,
        entries: impl Iterator<Item = Entry<'a>>,
        direct: bool,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        let now = ctx.now;
        let confirmed = now.checked_sub(Duration::from_millis(u64::from(head.age_ms))).unwrap_or(now);
        let nothing_yet = head.upto == 0 && head.latest > 0;
        let unknown = !self.of.contains_key(&head.owner);
        if nothing_yet || unknown && (head.from != 0 || self.of.len() >= MAX_ROWS) {
            return;
        }
        let mut row =
            self.of.remove(&head.owner).unwrap_or_else(|| RemoteRow::new(head.incarnation, confirmed, now));
        if row.takes(&head, direct) {
            self.cells -= row.sights.len();
            self.troubled -= usize::from(row.troubled > 0);
            self.fill(&mut row, head, entries, confirmed, peers, ctx);
            self.cells += row.sights.len();
            self.troubled += usize::from(row.troubled > 0);
        }
        self.of.insert(head.owner, row);
    }

    fn fill<'a>(
        &mut self,
        row: &mut RemoteRow,
        head: PageHead,
        entries: impl Iterator<Item = Entry<'a>>,
        confirmed: Instant,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        // An owner that restarts its row from nothing, or another life of it: what was known is void.
        if head.from == 0 {
            Arc::make_mut(&mut row.sights).clear();
            row.troubled = 0;
            let known: Vec<NodeId> = row.second_hand.drain().map(|(id, _)| id).collect();
            known.into_iter().for_each(|id| self.is_told_less(id));
        }
        row.incarnation = head.incarnation;
        let sights = Arc::make_mut(&mut row.sights);
        for entry in entries {
            let fine = |sight: &Sight| usize::from(!sight.is_fine());
            if entry.ways == GONE {
                row.troubled -= sights.remove(&entry.id).as_ref().map_or(0, fine);
                if row.second_hand.remove(&entry.id).is_some() {
                    self.is_told_less(entry.id);
                }
                continue;
            }
            let room = sights.contains_key(&entry.id)
                || (sights.len() < MAX_ROW && self.cells + sights.len() < MAX_CELLS);
            let Some(sight) = sight_of(&entry, confirmed).filter(|_| room) else {
                self.left_out = self.left_out.saturating_add(1);
                continue;
            };
            row.troubled += fine(&sight);
            row.troubled -= sights.insert(entry.id, sight).as_ref().map_or(0, fine);
            let met = entry.id == ctx.config.id || peers.by_id(entry.id).is_some();
            if !met && row.second_hand.len() < MAX_HEARSAY {
                let known = row.second_hand.insert(entry.id, (entry.name.to_owned(), entry.addr()));
                if known.is_none() {
                    *self.told_by.entry(entry.id).or_default() += 1;
                    self.unmet.insert(entry.id);
                }
            }
        }
        row.version = head.upto;
        if head.count > 0 || head.from == 0 {
            row.changed = ctx.now;
        }
        if head.upto == head.latest {
            row.confirmed = row.confirmed.max(confirmed);
        }
    }

    /// One row less tells of a node second-hand.
    fn is_told_less(&mut self, id: NodeId) {
        let Some(rows) = self.told_by.get_mut(&id) else { return };
        *rows -= 1;
        if *rows == 0 {
            self.told_by.remove(&id);
            self.unmet.remove(&id);
        }
    }

    /// A node is a peer from now on.
    pub(crate) fn note_met(&mut self, id: NodeId) {
        self.unmet.remove(&id);
    }

    /// A node is no longer a peer: its row goes, and it may be known second-hand again.
    pub(crate) fn note_gone(&mut self, id: NodeId, still_in_table: bool) {
        self.forget(id);
        if !still_in_table && self.told_by.contains_key(&id) {
            self.unmet.insert(id);
        }
    }

    fn forget(&mut self, owner: NodeId) {
        if let Some(row) = self.of.remove(&owner) {
            self.cells -= row.sights.len();
            self.troubled -= usize::from(row.troubled > 0);
            row.second_hand.into_keys().for_each(|id| self.is_told_less(id));
        }
    }

    /// Drops the rows of nodes of which nothing was heard for long. Looks at them once in a while only.
    pub(crate) fn expire(&mut self, now: Instant) {
        if self.expired.is_some_and(|at| now.saturating_duration_since(at) < ROWS_EXPIRED_EVERY) {
            return;
        }
        self.expired = Some(now);
        let old = |row: &RemoteRow| now.saturating_duration_since(row.confirmed) > ROW_KEPT;
        let gone: Vec<NodeId> = self.of.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id).collect();
        gone.into_iter().for_each(|id| self.forget(id));
    }

    /// Panics unless all counts agree with the rows: for tests.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, peers: &PeerTable) {
        let mut told_by: HashMap<NodeId, usize> = HashMap::new();
        for row in self.of.values() {
            let troubled = row.sights.values().filter(|sight| !sight.is_fine()).count();
            assert_eq!(row.troubled, troubled, "a row counts its troubled entries");
            row.second_hand.keys().for_each(|id| *told_by.entry(*id).or_default() += 1);
        }
        assert_eq!(self.cells, self.of.values().map(|row| row.sights.len()).sum::<usize>());
        assert_eq!(self.troubled, self.of.values().filter(|row| row.troubled > 0).count());
        assert_eq!(self.told_by, told_by, "second-hand nodes are counted");
        let unmet: BTreeSet<NodeId> = told_by.into_keys().filter(|id| peers.by_id(*id).is_none()).collect();
        assert_eq!(self.unmet, unmet, "unmet are those that are no peers");
    }
}

impl RemoteRow {
    fn new(incarnation: Incarnation, confirmed: Instant, now: Instant) -> Self {
        Self {
            incarnation,
            version: 0,
            sights: Arc::default(),
            second_hand: HashMap::new(),
            confirmed,
            changed: now,
            troubled: 0,
        }
    }

    /// Whether a page continues this row, or begins it from nothing.
    fn takes(&self, head: &PageHead, direct: bool) -> bool {
        let another_life = head.incarnation > self.incarnation;
        // Of its own row the owner knows best, whatever somebody told in its name.
        let from_owner = direct && head.from == 0;
        let older = head.incarnation < self.incarnation || (!another_life && head.upto < self.version);
        let gap = head.from > 0 && (another_life || head.from > self.version);
        (from_owner || !older) && !gap
    }
}

/// The row of another as it was told to us: as a whole, or only that it still stands.
fn relayed(want: &Want, row: &RemoteRow, same: bool, peers: &PeerTable, ctx: &Context<'_>) -> Vec<u8> {
    let own = SocketAddr::new(ctx.links.own_address(), ctx.config.tcp_port);
    let (mut entries, mut count) = (Vec::new(), 0);
    for (id, sight) in row.sights.iter().filter(|_| !same) {
        let peer = peers.by_id(*id).and_then(|key| peers.get(key));
        let (name, addr) = match (peer, row.second_hand.get(id)) {
            _ if *id == ctx.config.id => (ctx.config.name.as_str(), own),
            (Some(peer), _) => (peer.info().name.as_str(), peer.addr()),
            (None, Some((name, addr))) => (name.as_str(), *addr),
            (None, None) => continue,
        };
        // Ages count from when the row was confirmed, as in a page of its owner.
        append(&entry(*id, sight, name, addr, row.confirmed), &mut entries);
        count += 1;
    }
    let age = ctx.now.saturating_duration_since(row.confirmed);
    let head = PageHead {
        owner: want.owner,
        incarnation: row.incarnation,
        from: if same { row.version } else { 0 },
        upto: row.version,
        latest: row.version,
        age_ms: u32::try_from(age.as_millis()).unwrap_or(u32::MAX),
        count,
    };
    page(&head, &entries)
}

/// Each of a set once, beginning behind the one that had the last turn.
fn in_turn<T: Ord + Copy>(of: &BTreeSet<T>, last: Option<T>) -> impl Iterator<Item = T> {
    let (after, until) = match last {
        Some(last) => (Bound::Excluded(last), Bound::Included(last)),
        None => (Bound::Unbounded, Bound::Unbounded),
    };
    let wrapped = last.is_some().then(|| of.range((Bound::Unbounded, until)));
    of.range((after, Bound::Unbounded)).chain(wrapped.into_iter().flatten()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_in_a_set_has_its_turn() {
        let of = BTreeSet::from([1, 3, 5, 7]);
        let turn = |last| in_turn(&of, last).collect::<Vec<_>>();
        assert_eq!(turn(None), [1, 3, 5, 7]);
        assert_eq!(turn(Some(3)), [5, 7, 1, 3]);
        assert_eq!(turn(Some(4)), [5, 7, 1, 3], "also when the last one is gone");
        assert_eq!(turn(Some(7)), [1, 3, 5, 7]);
    }
}
