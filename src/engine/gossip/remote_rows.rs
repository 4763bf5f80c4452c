//! The rows that others told, their own and those they pass on, and the nodes known only from them (second-hand). Which of them are
//! asked for and passed on is in [`super::relay`].

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::config::Config;
use crate::engine::context::{Context, fresh_for};
use crate::engine::hashing::Keyed;
use crate::engine::limits::{
    MAX_CELLS, MAX_DIAL_INTERVAL, MAX_ROW, MAX_ROWS, MAX_SECOND_HAND, MAX_TOLD_OF, ROW_CHECKS_IN_A_SLICE,
    ROW_KEPT, ROWS_EXPIRED_EVERY, TOLD_TIME_ERROR,
};
use crate::engine::observation::Observation;
use crate::engine::peers::PeerTable;
use crate::engine::{Incarnation, NodeId};
use crate::proto::rows::{Entries, GONE, PageHead, Proof, pages};

use super::page::page;
use super::page::{observation_of, to_ms};
use super::rivals::{Rival, Rivals};
use super::signed::{Checks, Doubt, Signed, Told, Vouched};
use super::unchecked::{Page, Unchecked};

/// By which way a page came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageFrom {
    /// In an exchange with the owner of the row, who knows what this node has of it.
    ItsOwner,
    /// The owner tells it everybody.
    News,
    /// In an exchange with another one.
    Another,
}

/// A row that another node told.
#[derive(Debug)]
pub(crate) struct RemoteRow {
    incarnation: Incarnation,
    version: u64,
    observations: Arc<HashMap<NodeId, Observation>>,
    /// Names and addresses of those that were no peers of ours when it told of them.
    second_hand: HashMap<NodeId, (String, SocketAddr)>,
    confirmed: Instant,
    /// When it last said something else, here. How much is lost, and how long it takes, changes all the time.
    changed: Instant,
    /// How many of its entries tell of something that is not fine.
    troubled: usize,
    /// Period of its owner's regular dials, as it says; never more than [`MAX_DIAL_INTERVAL`].
    dial_interval: Duration,
    /// It finds this node behind the address of another host.
    sees_me_translated: bool,
    /// What it tells as its owner signed it; empty without a secret.
    told: Told,
    /// The last signature of its owner; none without a secret.
    vouched: Option<Vouched>,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct RemoteRows {
    /// Boxed: a row is taken out and put back for each page.
    of: HashMap<NodeId, Box<RemoteRow>, Keyed>,
    cells: usize,
    /// Entries that were not kept for want of room.
    left_out: usize,
    /// How many rows tell of something that is not fine.
    troubled: usize,
    /// In how many rows each node is second-hand.
    told_by: HashMap<NodeId, usize, Keyed>,
    /// Those of them that are no peers.
    unmet: BTreeSet<NodeId>,
    expired: Option<Instant>,
    rivals: Rivals,
    checks: Checks,
    unchecked: Unchecked,
}

impl RemoteRow {
    /// The life of its owner that it is of.
    pub(super) fn incarnation(&self) -> Incarnation {
        self.incarnation
    }

    /// The version up to which it is known.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// What it tells of each node.
    pub(crate) fn observations(&self) -> &Arc<HashMap<NodeId, Observation>> {
        &self.observations
    }

    /// Names and addresses of those that were no peers of ours when it told of them.
    pub(crate) fn second_hand(&self) -> &HashMap<NodeId, (String, SocketAddr)> {
        &self.second_hand
    }

    /// When it was last known to be as it is.
    pub(crate) fn confirmed(&self) -> Instant {
        self.confirmed
    }

    /// Period of its owner's regular dials.
    pub(crate) fn dial_interval(&self) -> Duration {
        self.dial_interval
    }

    /// Whether it is so young that it is believed: it may be older where its owner dials more rarely.
    pub(crate) fn is_fresh(&self, config: &Config, now: Instant) -> bool {
        now.saturating_duration_since(self.confirmed) <= fresh_for(self.dial_interval, config)
    }

    /// Whether it finds this node behind the address of another host, where this one has no port (masquerade): what this node did not
    /// ask for does not pass there.
    pub(crate) fn sees_me_translated(&self) -> bool {
        self.sees_me_translated
    }

    /// What it tells as its owner signed it; empty without a secret.
    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    /// The owner's signature of the whole row; none if what is known is not all that it signed.
    pub(super) fn proof_for_others(&self) -> Option<Proof> {
        self.vouched.as_ref()?.for_others(&self.told, self.version)
    }

    /// When it last changed, here.
    pub(crate) fn changed(&self) -> Instant {
        self.changed
    }
}

impl RemoteRows {
    /// The row of a node.
    pub(crate) fn of(&self, owner: NodeId) -> Option<&RemoteRow> {
        self.of.get(&owner).map(Box::as_ref)
    }

    /// All rows. Walks them: for what a person asks for.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &RemoteRow> {
        self.of.values().map(Box::as_ref)
    }

    /// All rows with their owners, in no order.
    pub(super) fn by_owner(&self) -> impl Iterator<Item = (NodeId, &RemoteRow)> {
        self.of.iter().map(|(owner, row)| (*owner, row.as_ref()))
    }

    /// Nodes that these rows tell of at an address of this machine.
    pub(crate) fn rivals(&self) -> Vec<Rival> {
        self.rivals.all()
    }

    /// Entries that were not kept for want of room.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// Whether any row tells of something that is not fine.
    pub(crate) fn is_any_troubled(&self) -> bool {
        self.troubled > 0
    }

    /// Whose rows tell of trouble with this node.
    pub(crate) fn troubled_with(&self, id: NodeId) -> impl Iterator<Item = NodeId> {
        let troubled = self.of.iter().filter(|(_, row)| row.troubled > 0);
        let with = move |row: &RemoteRow| row.observations.get(&id).is_some_and(|seen| !seen.is_fine());
        troubled.filter(move |(_, row)| with(row)).map(|(owner, _)| *owner)
    }

    /// The version that is known of a row, if it is of that life.
    pub(crate) fn version_of(&self, owner: NodeId, incarnation: Incarnation) -> u64 {
        self.of.get(&owner).filter(|row| row.incarnation == incarnation).map_or(0, |row| row.version)
    }

    /// Whether a row tells of this node, which is no peer.
    pub(crate) fn is_unmet(&self, id: NodeId) -> bool {
        self.unmet.contains(&id)
    }

    /// The nodes that rows tell of and that are no peers.
    pub(super) fn unmet(&self) -> &BTreeSet<NodeId> {
        &self.unmet
    }

    /// Whether rows tell of nodes that are no peers.
    pub(crate) fn any_unmet(&self) -> bool {
        !self.unmet.is_empty()
    }

    /// Takes the news of its own row that a node told everybody. Datagrams overtake each other, and what was told by TCP: what is no
    /// newer than the row that is known takes nothing from it.
    pub(crate) fn handle_news(
        &mut self,
        bytes: &[u8],
        owner: NodeId,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> Signed {
        let newer = |rows: &Self, head: &PageHead| {
            head.owner == owner && head.upto > rows.version_of(owner, head.incarnation)
        };
        self.handle_all((bytes, owner), newer, |_| PageFrom::News, peers, ctx)
    }

    /// Takes the pages that one told, of the rows for which `may` holds.
    pub(crate) fn handle_pages(
        &mut self,
        bytes: &[u8],
        teller: NodeId,
        may: impl Fn(&Self, NodeId) -> bool,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> Signed {
        let may = |rows: &Self, head: &PageHead| head.owner != ctx.config.id && may(rows, head.owner);
        let from = |owner| if owner == teller { PageFrom::ItsOwner } else { PageFrom::Another };
        self.handle_all((bytes, teller), may, from, peers, ctx)
    }

    fn handle_all(
        &mut self,
        (bytes, teller): (&[u8], NodeId),
        may: impl Fn(&Self, &PageHead) -> bool,
        from: impl Fn(NodeId) -> PageFrom,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> Signed {
        let mut signed = if ctx.config.secret.is_some() { Signed::Unseen } else { Signed::Yes };
        for (head, entries) in pages(bytes) {
            if !may(self, &head) {
                continue;
            }
            let by = from(head.owner);
            if ctx.config.secret.is_some() && by == PageFrom::Another && head.proof.is_some() {
                self.unchecked.put(Page { teller, bytes: page(&head, entries.bytes()) }, ctx.now);
            } else if let Some(found) = self.handle_if_signed(head, entries, by, peers, ctx) {
                signed = signed.and(found);
            }
        }
        signed
    }

    /// When the next rows that were passed on are to be checked.
    pub(crate) fn checks_due(&self) -> Option<Instant> {
        self.unchecked.due()
    }

    /// Checks some of the rows that were passed on, and takes them. Tells who passed them on, and what was found of those that were looked at.
    pub(crate) fn check_some(&mut self, peers: &PeerTable, ctx: &Context<'_>) -> Vec<(NodeId, Signed)> {
        let mut found = Vec::new();
        for _ in 0..ROW_CHECKS_IN_A_SLICE {
            let Some(Page { teller, bytes }) = self.unchecked.take() else { break };
            for (head, entries) in pages(&bytes) {
                let signed = self.handle_if_signed(head, entries, PageFrom::Another, peers, ctx);
                found.extend(signed.map(|signed| (teller, signed)));
            }
        }
        self.unchecked.pause(ctx.now);
        found
    }

    /// Takes a page if it is its owner's word. None if it was not looked at.
    fn handle_if_signed(
        &mut self,
        head: PageHead,
        entries: Entries<'_>,
        by: PageFrom,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> Option<Signed> {
        match self.vouched(head, &entries, by, ctx) {
            Ok((head, vouched)) => {
                self.handle_page(head, (entries, vouched), by, peers, ctx);
                Some(Signed::Yes)
            }
            Err(Doubt::NotNow) => None,
            Err(Doubt::Unsigned) => Some(Signed::No),
        }
    }

    /// A page as far as it is its owner's word, and the signature that shows it; without a secret, as it is.
    fn vouched(
        &mut self,
        head: PageHead,
        entries: &Entries<'_>,
        by: PageFrom,
        ctx: &Context<'_>,
    ) -> Result<(PageHead, Option<Vouched>), Doubt> {
        let row = self.of.get(&head.owner).map(Box::as_ref);
        if ctx.config.secret.is_none() {
            return Ok((PageHead { proof: None, ..head }, None));
        }
        let is_known = |row: &&RemoteRow| (row.incarnation, row.version) == (head.incarnation, head.upto);
        let says_nothing = head.count == 0 && head.from == head.upto && head.upto == head.latest;
        if by == PageFrom::Another && says_nothing && head.proof.is_none() {
            // That the row still stands is the teller's own word.
            let row = row.filter(is_known).ok_or(Doubt::NotNow)?;
            return Ok((PageHead { dial_interval_ms: Some(to_ms(row.dial_interval)), ..head }, None));
        }
        if row.is_some_and(|row| !row.takes(&head, by)) {
            return Err(Doubt::NotNow);
        }
        let known = row.and_then(|row| row.vouched.as_ref());
        let vouched = self.checks.check((&head, entries), by != PageFrom::Another, known, ctx)?;
        Ok((head, vouched))
    }

    fn handle_page(
        &mut self,
        head: PageHead,
        (entries, vouched): (Entries<'_>, Option<Vouched>),
        by: PageFrom,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        let told = Duration::from_millis(u64::from(head.age_ms));
        // What others pass on is older than they say by the time that it travels. Otherwise a row that goes to and fro would become younger
        // by that each time, until a dead node's seems to be from after its death.
        let age = if by == PageFrom::Another { told + TOLD_TIME_ERROR } else { told };
        let confirmed = ctx.came.checked_sub(age).unwrap_or(ctx.came);
        let nothing_yet = head.upto == 0 && head.latest > 0;
        let unknown = !self.of.contains_key(&head.owner);
        if nothing_yet || unknown && self.of.len() >= MAX_ROWS {
            return;
        }
        let new = || Box::new(RemoteRow::new(head.incarnation, confirmed, ctx.now));
        let mut row = self.of.remove(&head.owner).unwrap_or_else(new);
        if row.takes(&head, by) {
            self.cells -= row.observations.len();
            self.troubled -= usize::from(row.troubled > 0);
            let before =
                if row.begins_anew(&head, by) { self.void(&mut row, head.owner) } else { HashMap::new() };
            self.fill(&mut row, (head, entries), before, confirmed, peers, ctx);
            row.vouched = vouched.or(row.vouched.take());
            self.cells += row.observations.len();
            self.troubled += usize::from(row.troubled > 0);
        }
        self.of.insert(head.owner, row);
    }

    fn fill(
        &mut self,
        row: &mut RemoteRow,
        (head, entries): (PageHead, Entries<'_>),
        mut before: HashMap<NodeId, Observation>,
        confirmed: Instant,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) {
        let another = row.incarnation != head.incarnation;
        row.incarnation = head.incarnation;
        // Who does not say it is taken to be like this node.
        let told = head.dial_interval_ms.map(|ms| Duration::from_millis(ms.into()).min(MAX_DIAL_INTERVAL));
        row.dial_interval = told.unwrap_or(ctx.pace.dial_interval());
        let observations = Arc::make_mut(&mut row.observations);
        let mut says_else = another || row.version == 0;
        for entry in entries {
            let fine = |observation: &Observation| usize::from(!observation.is_fine());
            if entry.ways == GONE {
                self.rivals.forget(head.owner, entry.id);
                row.sees_me_translated &= entry.id != ctx.config.id;
                row.troubled -= observations.remove(&entry.id).as_ref().map_or(0, fine);
                row.told.forget(entry.id);
                says_else = true;
                if row.second_hand.remove(&entry.id).is_some() {
                    self.is_told_less(entry.id);
                }
                continue;
            }
            self.rivals.note(head.owner, &entry, ctx);
            if entry.id == ctx.config.id {
                row.sees_me_translated = entry.addr().port() == 0;
            }
            let room = observations.contains_key(&entry.id)
                || (observations.len() < MAX_ROW && self.cells + observations.len() < MAX_CELLS);
            let Some(mut observation) = observation_of(&entry, confirmed).filter(|_| room) else {
                self.left_out = self.left_out.saturating_add(1);
                continue;
            };
            let until_now = observations.get(&entry.id).copied();
            row.troubled += fine(&observation);
            row.troubled -= until_now.as_ref().map_or(0, fine);
            let until_now = until_now.or_else(|| before.remove(&entry.id)).filter(|_| !another);
            says_else |= until_now.is_none_or(|until_now| !observation.says_the_same_as(&until_now));
            let same = until_now.filter(|until_now| observation.hears_the_same_as(until_now));
            observation.told_since = Some(same.and_then(|same| same.told_since).unwrap_or(ctx.now));
            observations.insert(entry.id, observation);
            if head.proof.is_some() {
                row.told.take(&entry);
            }
            let met = entry.id == ctx.config.id || peers.by_id(entry.id).is_some();
            let has_room = self.told_by.len() < MAX_TOLD_OF || self.told_by.contains_key(&entry.id);
            if !met && has_room && row.second_hand.len() < MAX_SECOND_HAND {
                let known = row.second_hand.insert(entry.id, (entry.name.to_owned(), entry.addr()));
                if known.is_none() {
                    *self.told_by.entry(entry.id).or_default() += 1;
                    self.unmet.insert(entry.id);
                }
            }
        }
        if says_else || !before.is_empty() {
            row.changed = ctx.now;
        }
        if head.from <= row.version {
            row.version = head.upto;
            if head.upto == head.latest {
                row.confirmed = row.confirmed.max(confirmed);
            }
        }
    }

    /// An owner restarts its row from nothing, or it is another life of it: what was known is void. What that was.
    fn void(&mut self, row: &mut RemoteRow, owner: NodeId) -> HashMap<NodeId, Observation> {
        (row.troubled, row.sees_me_translated) = (0, false);
        let known: Vec<NodeId> = row.second_hand.drain().map(|(id, _)| id).collect();
        for id in known {
            self.is_told_less(id);
        }
        self.rivals.forget_row(owner);
        row.told.clear();
        std::mem::take(Arc::make_mut(&mut row.observations))
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
            self.cells -= row.observations.len();
            self.troubled -= usize::from(row.troubled > 0);
            row.second_hand.into_keys().for_each(|id| self.is_told_less(id));
            self.rivals.forget_row(owner);
        }
    }

    /// Drops the rows of nodes of which nothing was heard for long, and which are not believed any longer. Looks at them once in a while
    /// only.
    pub(crate) fn expire(&mut self, config: &Config, now: Instant) {
        if self.expired.is_some_and(|at| now.saturating_duration_since(at) < ROWS_EXPIRED_EVERY) {
            return;
        }
        self.expired = Some(now);
        let old = |row: &RemoteRow| {
            now.saturating_duration_since(row.confirmed) > ROW_KEPT && !row.is_fresh(config, now)
        };
        let gone: Vec<NodeId> = self.of.iter().filter(|(_, row)| old(row)).map(|(id, _)| *id).collect();
        for id in gone {
            self.forget(id);
        }
    }

    /// Panics unless all counts agree with the rows: for tests.
    #[cfg(any(test, feature = "testkit"))]
    pub(crate) fn check(&self, peers: &PeerTable) {
        let mut told_by: HashMap<NodeId, usize, Keyed> = HashMap::default();
        for row in self.of.values() {
            let troubled = row.observations.values().filter(|observation| !observation.is_fine()).count();
            assert_eq!(row.troubled, troubled, "a row counts its troubled entries");
            row.second_hand.keys().for_each(|id| *told_by.entry(*id).or_default() += 1);
        }
        assert_eq!(self.cells, self.of.values().map(|row| row.observations.len()).sum::<usize>());
        assert_eq!(self.troubled, self.of.values().filter(|row| row.troubled > 0).count());
        assert_eq!(self.told_by, told_by, "second-hand nodes are counted");
        assert!(self.cells <= MAX_CELLS && self.of.len() <= MAX_ROWS, "all rows together are limited");
        let within =
            |row: &RemoteRow| row.observations.len() <= MAX_ROW && row.second_hand.len() <= MAX_SECOND_HAND;
        assert!(self.of.values().all(|row| within(row)), "and each of them");
        let unmet: BTreeSet<NodeId> = told_by.into_keys().filter(|id| peers.by_id(*id).is_none()).collect();
        assert_eq!(self.unmet, unmet, "unmet are those that are no peers");
    }
}

impl RemoteRow {
    fn new(incarnation: Incarnation, confirmed: Instant, now: Instant) -> Self {
        Self {
            incarnation,
            version: 0,
            observations: Arc::default(),
            second_hand: HashMap::new(),
            confirmed,
            changed: now,
            dial_interval: Duration::ZERO,
            sees_me_translated: false,
            troubled: 0,
            told: Told::default(),
            vouched: None,
        }
    }

    /// Whether a page is news of this row, or begins it from nothing. What it says is so even if pages before it are missing; those are
    /// asked for with the next exchange, for the version does not grow by it.
    fn takes(&self, head: &PageHead, by: PageFrom) -> bool {
        let another_life = head.incarnation > self.incarnation;
        // Of its own row the owner knows best, whatever somebody told in its name. Under a secret nobody did.
        let from_owner = by == PageFrom::ItsOwner && head.from == 0 && head.proof.is_none();
        let older = head.incarnation < self.incarnation || (!another_life && head.upto < self.version);
        (from_owner || !older) && !(another_life && head.from > 0)
    }

    /// Whether all that was known is void. Of news to everybody some begin at the beginning for those who came late.
    fn begins_anew(&self, head: &PageHead, by: PageFrom) -> bool {
        head.incarnation != self.incarnation || head.from == 0 && by != PageFrom::News
    }
}

#[cfg(test)]
#[expect(clippy::unchecked_time_subtraction, reason = "the clock of these tests is far from its beginning")]
mod tests {
    use super::*;
    use crate::engine::context::TestContext;
    use crate::proto::rows::append;
    use crate::testkit::{ms, secs};

    use super::super::bed::{Bed, FAILING, FINE, Told, row_page};
    use super::super::page::{entry, page};

    #[test]
    fn a_page_begins_a_row_or_continues_it_and_one_behind_a_gap_is_taken_without_what_is_missing() {
        let mut bed = Bed::new(&[2]);
        bed.tell(2, 1, [3, 5, 5], &[(7, Some(FINE))]);
        assert_eq!(bed.row(), Some((0, vec![7])), "its beginning is not known, and is asked for");
        bed.tell(2, 1, [0, 0, 9], &[]);
        assert_eq!(bed.row(), Some((0, vec![7])), "there was no room for any of it");
        bed.tell(2, 1, [0, 5, 8], &[(7, Some(FINE)), (8, Some(FINE))]);
        assert_eq!(bed.row(), Some((5, vec![7, 8])));
        bed.tell(2, 1, [5, 8, 8], &[(9, Some(FINE)), (7, None)]);
        assert_eq!(bed.row(), Some((8, vec![8, 9])));
        let confirmed = bed.rows.of(NodeId(2)).unwrap().confirmed();
        bed.test.now += ms(1);
        bed.tell(2, 1, [9, 10, 10], &[(2, Some(FINE))]);
        assert_eq!(bed.row(), Some((8, vec![2, 8, 9])), "a gap");
        assert_eq!(
            bed.rows.of(NodeId(2)).unwrap().confirmed(),
            confirmed,
            "the rest may be otherwise by now"
        );
        bed.tell(2, 1, [9, 10, 10], &[(2, None)]);
        bed.tell(2, 1, [5, 7, 7], &[(3, Some(FINE))]);
        assert_eq!(bed.row(), Some((8, vec![8, 9])), "it was told before");
        bed.tell(2, 1, [7, 11, 11], &[(3, Some(FINE))]);
        assert_eq!(bed.row(), Some((11, vec![3, 8, 9])), "what overlaps goes on");
        bed.tell(2, 1, [0, 12, 12], &[(4, Some(FINE))]);
        assert_eq!(bed.row(), Some((12, vec![4])), "the whole row again");
    }

    #[test]
    fn each_entry_knows_since_when_it_tells_the_same() {
        let mut bed = Bed::new(&[2]);
        let told_since = |bed: &Bed| {
            [7, 8].map(|id| bed.rows.of(NodeId(2)).and_then(|row| row.observations()[&NodeId(id)].told_since))
        };
        let first = bed.test.now;
        bed.tell(2, 1, [0, 2, 2], &[(7, Some(FAILING)), (8, Some(FINE))]);
        bed.test.now += secs(5);
        let later = bed.test.now;
        bed.tell(2, 1, [2, 4, 4], &[(7, Some(FAILING)), (8, Some(FAILING))]);
        assert_eq!(told_since(&bed), [Some(first), Some(later)]);
        bed.test.now += secs(5);
        bed.tell(2, 1, [0, 4, 4], &[(7, Some(FAILING)), (8, Some(FAILING))]);
        assert_eq!(told_since(&bed), [Some(first), Some(later)], "the whole row once more");
        let another_life = bed.test.now;
        bed.tell(2, 2, [0, 2, 2], &[(7, Some(FAILING)), (8, Some(FAILING))]);
        assert_eq!(told_since(&bed), [Some(another_life); 2]);
    }

    #[test]
    fn news_that_begin_at_the_beginning_for_those_who_came_late_take_nothing_from_who_knows_more() {
        let mut bed = Bed::new(&[2]);
        let (one, other) = ([(7, Some(FINE))], [(8, Some(FINE))]);
        bed.news(2, 1, [3, 4, 4], &other);
        bed.news(2, 1, [0, 2, 4], &one);
        assert_eq!(bed.row(), Some((2, vec![7, 8])), "who came late learns what it missed");
        bed.news(2, 1, [2, 4, 4], &other);
        bed.news(2, 1, [0, 2, 4], &[(9, Some(FINE))]);
        assert_eq!(bed.row(), Some((4, vec![7, 8])), "who knows more hears nothing new");
        bed.news(2, 1, [0, 5, 5], &[(9, Some(FINE))]);
        assert_eq!(bed.row(), Some((5, vec![7, 8, 9])));
        bed.news(2, 2, [0, 1, 1], &[(9, Some(FINE))]);
        assert_eq!(bed.row(), Some((1, vec![9])), "of another life nothing is left");
    }

    #[test]
    fn another_life_of_the_owner_begins_from_nothing_and_a_past_one_is_over() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 5, [0, 9, 9], &[(7, Some(FINE))]);
        bed.tell_by(3, 2, 4, [0, 20, 20], &[(8, Some(FINE))]);
        bed.tell_by(3, 2, 6, [9, 10, 10], &[(8, Some(FINE))]);
        assert_eq!(bed.row(), Some((9, vec![7])));
        bed.tell_by(3, 2, 6, [0, 1, 1], &[(8, Some(FINE))]);
        assert_eq!(bed.row(), Some((1, vec![8])));
        assert_eq!(bed.rows.version_of(NodeId(2), Incarnation(6)), 1);
        assert_eq!(bed.rows.version_of(NodeId(2), Incarnation(5)), 0, "nothing is known of that life");
        bed.tell(2, 5, [0, 3, 3], &[(9, Some(FINE))]);
        assert_eq!(bed.row(), Some((3, vec![9])), "of its own row the owner knows best");
    }

    #[test]
    fn news_that_come_late_take_nothing_from_what_is_known_since() {
        let mut bed = Bed::new(&[2]);
        bed.tell(2, 1, [0, 9, 9], &[(7, Some(FINE)), (8, Some(FAILING))]);
        for late in [5, 9] {
            bed.news(2, 1, [0, late, 9], &[(7, Some(FINE))]);
            assert_eq!(bed.row(), Some((9, vec![7, 8])), "up to version {late}");
        }
        bed.news(2, 1, [0, 12, 14], &[(3, Some(FINE))]);
        assert_eq!(bed.row(), Some((12, vec![3, 7, 8])), "what is new");
        bed.news(2, 2, [0, 1, 1], &[(4, Some(FINE))]);
        assert_eq!(bed.row(), Some((1, vec![4])), "another life");
    }

    #[test]
    fn that_this_node_is_behind_another_address_is_known_as_long_as_it_is_told() {
        let behind = |bed: &mut Bed, versions, id: u128, port: u16| {
            let addr = ([10, 0, 0, 1], port).into();
            let mut entries = Vec::new();
            append(&entry(NodeId(id), &FINE(), "me", addr, bed.test.now), &mut entries);
            let [from, upto, latest] = versions;
            let (owner, incarnation) = (NodeId(2), Incarnation(1));
            let head = PageHead {
                owner,
                incarnation,
                from,
                upto,
                latest,
                age_ms: 0,
                dial_interval_ms: None,
                proof: None,
                count: 1,
            };
            let ctx = bed.test.context();
            let _ = bed.rows.handle_pages(&page(&head, &entries), owner, |_, _| true, &bed.peers, &ctx);
            bed.rows.of(owner).unwrap().sees_me_translated()
        };
        let (mut bed, me) = (Bed::new(&[2]), TestContext::new(|_| {}).context().config.id.0);
        assert!(behind(&mut bed, [0, 1, 1], me, 0));
        assert!(behind(&mut bed, [1, 2, 2], 7, 1), "nothing else is told of it");
        assert!(!behind(&mut bed, [0, 3, 3], 7, 1), "the whole row tells nothing of it any more");
        assert!(behind(&mut bed, [3, 4, 4], me, 0));
        bed.tell(2, 1, [4, 5, 5], &[(me, None)]);
        assert!(!bed.rows.of(NodeId(2)).unwrap().sees_me_translated(), "it is gone from the row");
    }

    #[test]
    fn our_own_row_and_rows_that_may_not_be_told_are_not_taken() {
        let mut bed = Bed::new(&[2]);
        bed.tell(1, 1, [0, 1, 1], &[(7, Some(FINE))]);
        let bytes = row_page(2, 1, [0, 1, 1], &[(7, Some(FINE))], bed.test.now);
        let _ = bed.rows.handle_pages(
            &bytes,
            NodeId(3),
            |_, owner| owner != NodeId(2),
            &bed.peers,
            &bed.test.context(),
        );
        assert_eq!(bed.rows.iter().count(), 0);
    }

    #[test]
    fn trouble_in_any_row_is_known_as_long_as_it_is_told() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 1, [0, 1, 1], &[(7, Some(FINE)), (8, Some(FAILING))]);
        bed.tell(3, 1, [0, 1, 1], &[(8, Some(FAILING))]);
        assert!(bed.rows.is_any_troubled());
        bed.tell(2, 1, [1, 2, 2], &[(8, Some(FINE))]);
        assert!(bed.rows.is_any_troubled(), "the other row tells of it, too");
        bed.tell(3, 1, [1, 2, 2], &[(8, None)]);
        assert!(!bed.rows.is_any_troubled());
        bed.tell(3, 1, [0, 3, 3], &[(9, Some(FAILING))]);
        bed.rows.note_gone(NodeId(3), false);
        bed.rows.check(&bed.peers);
        assert!(!bed.rows.is_any_troubled());
    }

    #[test]
    fn a_node_that_only_others_tell_of_is_unmet_until_it_is_a_peer_or_nobody_tells_of_it() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 1, [0, 1, 1], &[(3, Some(FINE)), (7, Some(FINE)), (1, Some(FINE))]);
        bed.tell(3, 1, [0, 1, 1], &[(7, Some(FINE))]);
        let unmet = |bed: &Bed| [1, 3, 7].map(|id| bed.rows.is_unmet(NodeId(id)));
        assert_eq!(unmet(&bed), [false, false, true], "a peer and ourselves are met");
        bed.tell(2, 1, [1, 2, 2], &[(7, None)]);
        assert!(bed.rows.is_unmet(NodeId(7)), "one row is enough");
        bed.rows.note_met(NodeId(7));
        assert!(!bed.rows.is_unmet(NodeId(7)));
        bed.rows.note_gone(NodeId(7), true);
        assert!(!bed.rows.is_unmet(NodeId(7)), "it said goodbye and is still in the table");
        bed.rows.note_gone(NodeId(7), false);
        assert!(bed.rows.is_unmet(NodeId(7)));
        bed.rows.note_gone(NodeId(3), false);
        assert!(!bed.rows.is_unmet(NodeId(7)), "the last row that told of it is gone");
        bed.rows.check(&bed.peers);
    }

    #[test]
    fn what_has_no_room_is_left_out_and_counted() {
        let mut bed = Bed::new(&[2]);
        let told: Vec<Told> =
            (0..MAX_ROW + 3).map(|n| (u128::try_from(n).unwrap() + 10, Some(FINE))).collect();
        bed.tell(2, 1, [0, 1, 1], &told);
        let row = bed.rows.of(NodeId(2)).unwrap();
        assert_eq!((row.observations().len(), row.second_hand().len()), (MAX_ROW, MAX_SECOND_HAND));
        assert_eq!(bed.rows.left_out(), 3);
        bed.tell(2, 1, [1, 2, 2], &[(10, Some(FAILING))]);
        assert_eq!(bed.rows.left_out(), 3, "what is there already has its room");
    }

    #[test]
    fn a_row_that_is_confirmed_no_longer_goes_after_a_while() {
        let mut bed = Bed::new(&[2, 3]);
        bed.tell(2, 1, [0, 1, 1], &[(7, Some(FINE))]);
        bed.tell(3, 1, [0, 1, 1], &[(7, Some(FINE))]);
        bed.test.now += secs(60);
        bed.tell(3, 1, [1, 1, 1], &[]);
        let now = bed.test.now - secs(60) + ROW_KEPT;
        bed.rows.expire(bed.test.context().config, now);
        assert_eq!(bed.rows.iter().count(), 2);
        bed.rows.expire(bed.test.context().config, now + ms(1));
        assert_eq!(bed.rows.iter().count(), 2, "they are looked at once in a while");
        bed.rows.expire(bed.test.context().config, now + ROWS_EXPIRED_EVERY);
        assert!(bed.row().is_none() && bed.rows.of(NodeId(3)).is_some(), "the other one was confirmed since");
        bed.rows.check(&bed.peers);
    }
}
