//! This node's row of the matrix: what it tells others of its peers, page by page, to whoever has an older version.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ops::Bound;
use std::time::Instant;

use crate::engine::NodeId;
use crate::engine::context::Context;
use crate::engine::hashing::Keyed;
use crate::engine::limits::{MAX_GONE, NEWS_ROOM, ROW_KILOBYTES_PER_SECOND};
use crate::engine::observation::Observation;
use crate::engine::peers::peer::Peer;
use crate::engine::peers::{PeerKey, PeerTable};
use crate::engine::rate_limiter::RateLimiter;
use crate::proto::rows::{Entry, MAX_PAGES, PageHead, append};

use super::news_schedule::NewsSchedule;
use super::page::{HEAD_ROOM, entry, gone, page, to_ms};
use super::signed::{PROOF_ROOM, Signing};
use super::sync::GossipSync;

/// Our own row and its versions.
#[derive(Debug)]
pub(crate) struct OwnRow {
    /// Grows by one with each change of an entry.
    version: u64,
    /// Each entry, by the version in which it last changed.
    changed: BTreeMap<u64, PeerKey>,
    /// Whom it tells of, or told of and has not told to be gone.
    told: HashSet<NodeId, Keyed>,
    /// Peers that are no longer in the table, with the version in which they went.
    gone: VecDeque<(u64, NodeId)>,
    /// Readers with an older version than this get the whole row.
    floor: u64,
    /// Kilobytes of the row that are told.
    kilobytes: RateLimiter,
    news: NewsSchedule,
    signing: Signing,
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
            told: HashSet::default(),
            gone: VecDeque::new(),
            floor: 0,
            kilobytes: RateLimiter::per_second(ROW_KILOBYTES_PER_SECOND, ROW_KILOBYTES_PER_SECOND * 4),
            news: NewsSchedule::default(),
            signing: Signing::default(),
        }
    }
}

impl OwnRow {
    /// Takes what is seen of a peer now into the row, if that is worth telling: whether it is. In a network of too `many` for a
    /// whole matrix, only what is not fine is.
    pub(crate) fn advertise(&mut self, peer: &mut Peer, many: bool, ctx: &mut Context<'_>) -> bool {
        let (new, old) = (peer.untimed_observation(), peer.gossip.advertised());
        // Anybody can make up a node that is heard: it is told of when it has proved its address, or was dialed.
        let is_node = peer.is_proven() || peer.dial.ended().is_some();
        let Some(id) = peer.id().filter(|_| is_node) else { return false };
        let is_signed = ctx.config.key.is_some();
        if !peer.gossip.advertise(&new, ctx.pace.dial_interval(), many, ctx.now) {
            // What is signed may change with its version alone, be it but a name.
            if is_signed && self.signing.renames(&entry_of(peer, id, ctx.now)) {
                self.note_change(peer);
            }
            return false;
        }
        self.told.insert(id);
        self.note_change(peer);
        if is_signed {
            self.signing.tell(&entry_of(peer, id, ctx.now));
        }
        // How much is lost, or how long it takes, goes with whatever is told next.
        if old.paths() != new.paths() || old.cause != new.cause || old.is_fine() != new.is_fine() {
            self.news.plan(!(old.is_fine() && new.is_fine()), ctx);
        }
        true
    }

    /// The entry of a peer is another one in the next version.
    fn note_change(&mut self, peer: &mut Peer) {
        self.version += 1;
        self.changed.remove(&peer.gossip.note_change(self.version));
        self.changed.insert(self.version, peer.key());
    }

    /// So many peers are new.
    pub(crate) fn note_newcomers(&mut self, count: usize, ctx: &mut Context<'_>) {
        self.news.note_newcomers(count, ctx);
    }

    /// When everybody is to be told what is new.
    pub(crate) fn news_due(&self) -> Option<Instant> {
        self.news.due()
    }

    /// The page that everybody is told now: what changed since the last one, as far as one presence holds it; the rest follows. None
    /// where nothing of it is in the row any longer.
    pub(crate) fn take_news(&mut self, peers: &PeerTable, ctx: &mut Context<'_>) -> Option<Vec<u8>> {
        let after = self.news.begin(ctx);
        let page = self.page(after, &[], NEWS_ROOM.min(self.room(ctx.now)), peers, ctx);
        let is_news = page.upto > after && self.changes_after(after).next().is_some();
        self.news.end(page.upto, page.upto < self.version, ctx);
        self.note_told(&page.bytes, ctx.now);
        is_news.then_some(page.bytes)
    }

    /// A peer is in the row no longer: it left the table, said goodbye or has another identity. Who was never told of is not told to be
    /// gone.
    pub(crate) fn drop_node(&mut self, id: NodeId) {
        if !self.told.remove(&id) {
            return;
        }
        self.version += 1;
        self.signing.forget(id);
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
        let is_new = ctx.is_within(to.health.since().into(), ctx.pace.dial_interval());
        let told = has > 0 || !to.untimed_observation().served.is_ok() && !is_new;
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
    fn page(
        &mut self,
        has: u64,
        about: &[NodeId],
        room: usize,
        peers: &PeerTable,
        ctx: &Context<'_>,
    ) -> OwnPage {
        let head_room = HEAD_ROOM + if ctx.config.key.is_some() { PROOF_ROOM } else { 0 };
        let from = if has > self.version || has < self.floor { 0 } else { has };
        let (mut entries, mut count, mut upto) = (Vec::new(), 0_u16, self.version);
        for id in about {
            let peer = peers.by_id(*id).and_then(|key| peers.get(key));
            if let Some(entry) = peer.and_then(|peer| self.entry_to_tell(peer, *id, ctx)) {
                append(&entry, &mut entries);
                count += 1;
            }
        }
        let mut last = from;
        for (version, change) in self.changes_after(from) {
            let before = entries.len();
            match change {
                Ok(key) => {
                    let told = peers.get(key).and_then(|peer| self.entry_to_tell(peer, peer.id()?, ctx));
                    let Some(entry) = told else { continue };
                    append(&entry, &mut entries);
                }
                Err(id) => append(&gone(id), &mut entries),
            }
            if entries.len() + head_room > room {
                entries.truncate(before);
                upto = last;
                break;
            }
            count += 1;
            last = version;
        }
        let (owner, incarnation) = (ctx.config.id, ctx.config.incarnation);
        let head = PageHead {
            owner,
            incarnation,
            from,
            upto,
            latest: self.version,
            age_ms: 0,
            dial_interval_ms: Some(to_ms(ctx.pace.dial_interval())),
            count,
            proof: None,
        };
        let proof = self.signing.prove(&head, &entries, ctx);
        OwnPage { bytes: page(&PageHead { proof, ..head }, &entries), upto }
    }

    /// What is told of a peer. Under a secret that is what is signed of it; none if that is nothing.
    fn entry_to_tell<'a>(&'a self, peer: &'a Peer, id: NodeId, ctx: &Context<'_>) -> Option<Entry<'a>> {
        let now = entry_of(peer, id, ctx.now);
        if ctx.config.key.is_none() {
            return Some(now);
        }
        self.signing.told(id).map(|told| Entry { checked: now.checked, alive: now.alive, ..told })
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

fn entry_of(peer: &Peer, id: NodeId, now: Instant) -> Entry<'_> {
    // Of what is being measured only that there is life is known already.
    let told = peer.gossip.advertised();
    let alive = peer.last_alive().map(Instant::from);
    let observation = Observation { alive, checked: peer.observation().checked, ..told };
    entry(id, &observation, &peer.info().name, peer.addr(), now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Incarnation;
    use crate::engine::context::TestContext;
    use crate::engine::limits::{
        ANSWER_AT_ONCE, NEWCOMERS_SETTLE, NEWS_LATER, NEWS_PER_SECOND, NEWS_SOON, NEWS_SPREAD,
    };
    use crate::engine::observation::PathStatus;
    use crate::engine::peers::Via;
    use crate::proto::rows::{GONE, pages};
    use crate::testkit::secs;

    const FAILING: Observation = Observation { tcp: PathStatus::Failing, ..FINE };
    const FINE: Observation = Observation {
        tcp: PathStatus::Ok,
        echo: PathStatus::Unknown,
        broadcast: PathStatus::Unknown,
        unicast: PathStatus::Unknown,
        served: PathStatus::Unknown,
        large: PathStatus::Unknown,
        loss: None,
        cause: None,
        rtt: None,
        checked: None,
        alive: None,
        at: None,
        told_since: None,
    };

    /// A table of nodes with the ids from 2 on.
    fn table(test: &mut TestContext, count: u16) -> (PeerTable, Vec<PeerKey>) {
        let mut peers = PeerTable::default();
        let mut discover = |n: u16| {
            let [high, low] = n.to_be_bytes();
            let identity = Some((NodeId(u128::from(n)), Incarnation(1)));
            let addr = ([10, 0, high, low], 17_474).into();
            let key = peers.discover(addr, identity, "host", Via::Broadcast, &mut test.context()).unwrap();
            let peer = peers.get_mut(key).unwrap();
            peer.prove(peer.ip(), &mut test.context());
            key
        };
        let keys = (2..count + 2).map(&mut discover).collect();
        (peers, keys)
    }

    fn advertise(
        row: &mut OwnRow,
        peers: &mut PeerTable,
        key: PeerKey,
        observation: Observation,
        test: &mut TestContext,
    ) -> bool {
        let peer = peers.get_mut(key).unwrap();
        peer.set_observation(observation);
        row.advertise(peer, false, &mut test.context())
    }

    /// Of a page: the versions it leads from and to, the latest one, and the nodes that it tells of; those gone are negative.
    fn read(bytes: &[u8]) -> ([u64; 3], Vec<i64>) {
        let (head, entries) = pages(bytes).next().unwrap();
        let told =
            entries.map(|entry| i64::try_from(entry.id.0).unwrap() * if entry.ways == GONE { -1 } else { 1 });
        ([head.from, head.upto, head.latest], told.collect())
    }

    fn reply(row: &mut OwnRow, has: u64, peers: &PeerTable, test: &mut TestContext) -> ([u64; 3], Vec<i64>) {
        let page = row.page_for_reply(has, &[], peers, &test.context());
        let (versions, told) = read(&page.bytes);
        assert_eq!(page.upto, versions[1]);
        (versions, told)
    }

    #[test]
    fn a_reader_gets_what_changed_since_its_version_oldest_change_first() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 3);
        let mut row = OwnRow::default();
        assert_eq!(reply(&mut row, 0, &peers, &mut test), ([0, 0, 0], vec![]));
        for key in &keys {
            assert!(advertise(&mut row, &mut peers, *key, FINE, &mut test));
        }
        assert_eq!(reply(&mut row, 0, &peers, &mut test), ([0, 3, 3], vec![2, 3, 4]));
        assert!(!advertise(&mut row, &mut peers, keys[0], FINE, &mut test), "no news");
        assert!(advertise(&mut row, &mut peers, keys[0], FAILING, &mut test));
        assert_eq!(reply(&mut row, 0, &peers, &mut test), ([0, 4, 4], vec![3, 4, 2]), "each once");
        assert_eq!(reply(&mut row, 2, &peers, &mut test), ([2, 4, 4], vec![4, 2]));
        assert_eq!(reply(&mut row, 4, &peers, &mut test), ([4, 4, 4], vec![]));
        let ahead = reply(&mut row, 5, &peers, &mut test);
        assert_eq!(ahead, ([0, 4, 4], vec![3, 4, 2]), "it has the row of another life");
    }

    /// The news that are due by now, as [`read`] gives them.
    fn news(row: &mut OwnRow, peers: &PeerTable, test: &mut TestContext) -> Option<([u64; 3], Vec<i64>)> {
        row.news_due().filter(|due| *due <= test.now)?;
        Some(read(&row.take_news(peers, &mut test.context())?))
    }

    #[test]
    fn whoever_proved_nothing_and_was_not_dialed_is_not_told_of_nor_of_its_end() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 1);
        let mut row = OwnRow::default();
        assert!(advertise(&mut row, &mut peers, keys[0], FINE, &mut test));
        for n in 100..250_u8 {
            let identity = Some((NodeId(n.into()), Incarnation(1)));
            let addr = ([10, 0, 9, n], 17_474).into();
            let forged = peers.discover(addr, identity, "x", Via::Broadcast, &mut test.context()).unwrap();
            assert!(!advertise(&mut row, &mut peers, forged, FINE, &mut test));
            peers.forget(forged, &mut test.context());
            row.drop_node(NodeId(n.into()));
        }
        assert_eq!(reply(&mut row, 0, &peers, &mut test), ([0, 1, 1], vec![2]), "and the row is whole");
        row.drop_node(NodeId(2));
        assert_eq!(reply(&mut row, 1, &peers, &mut test), ([1, 2, 2], vec![-2]));
    }

    #[test]
    fn everybody_is_told_soon_that_a_way_fails_and_later_that_one_more_is_fine() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 2);
        let mut row = OwnRow::default();
        assert_eq!(row.news_due(), None);
        for key in &keys {
            assert!(advertise(&mut row, &mut peers, *key, FINE, &mut test));
        }
        test.now += NEWS_SOON;
        assert_eq!(news(&mut row, &peers, &mut test), None);
        test.now += NEWS_LATER;
        assert_eq!(news(&mut row, &peers, &mut test), Some(([0, 2, 2], vec![2, 3])));
        assert_eq!(row.news_due(), None, "each thing is told once");
        advertise(&mut row, &mut peers, keys[1], FAILING, &mut test);
        test.now += NEWS_SOON;
        assert_eq!(news(&mut row, &peers, &mut test), Some(([2, 3, 3], vec![3])));
        advertise(&mut row, &mut peers, keys[1], FINE, &mut test);
        test.now += NEWS_SOON;
        assert_eq!(news(&mut row, &peers, &mut test), Some(([3, 4, 4], vec![3])), "it no longer fails");
    }

    #[test]
    fn in_a_crowd_the_whole_row_is_told_once_when_no_more_newcomers_come() {
        let mut test = TestContext::new(|_| {});
        test.known = ANSWER_AT_ONCE + 1;
        let (mut peers, keys) = table(&mut test, 20);
        let mut row = OwnRow::default();
        for key in &keys[..19] {
            advertise(&mut row, &mut peers, *key, FINE, &mut test);
        }
        test.now += secs(2);
        assert_eq!(news(&mut row, &peers, &mut test).unwrap().1.len(), 19);
        for _ in 0..6 {
            test.now += secs(1);
            row.note_newcomers(1, &mut test.context());
            assert_eq!(news(&mut row, &peers, &mut test), None, "they are waited for");
        }
        advertise(&mut row, &mut peers, keys[0], FAILING, &mut test);
        test.now += NEWS_SOON * 3;
        assert_eq!(news(&mut row, &peers, &mut test), Some(([19, 20, 20], vec![2])), "what fails is told");
        test.now += NEWCOMERS_SETTLE + NEWS_SPREAD * 20;
        let (versions, told) = news(&mut row, &peers, &mut test).unwrap();
        assert_eq!((versions, told.len()), ([0, 20, 20], 19), "once all are there, they are told all");
        row.note_newcomers(2, &mut test.context());
        assert_eq!(row.news_due(), None, "few of them fetch it");
    }

    #[test]
    fn news_that_do_not_fit_into_one_presence_go_in_several_and_not_faster_than_the_rate() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 200);
        let mut row = OwnRow::default();
        for key in &keys {
            advertise(&mut row, &mut peers, *key, FAILING, &mut test);
        }
        let (mut told, mut rounds, began) = (Vec::new(), 0, test.now);
        while let Some(due) = row.news_due() {
            test.now = test.now.max(due);
            if let Some(page) = row.take_news(&peers, &mut test.context()) {
                assert!(page.len() <= NEWS_ROOM, "{}", page.len());
                told.extend(read(&page).1);
                rounds += 1;
            }
        }
        assert_eq!(told, (2..202).collect::<Vec<i64>>());
        let least = secs(u64::from(rounds / NEWS_PER_SECOND - 2));
        assert!(rounds > NEWS_PER_SECOND * 2 && test.now - began >= least, "{rounds} rounds");
    }

    #[test]
    fn of_a_peer_without_identity_nothing_is_told() {
        let mut test = TestContext::new(|_| {});
        let mut peers = PeerTable::default();
        let key = peers
            .name_peer(&"host".parse().unwrap(), &[([10, 0, 0, 7], 1).into()], &mut test.context())
            .unwrap();
        assert!(!advertise(&mut OwnRow::default(), &mut peers, key, FAILING, &mut test));
    }

    #[test]
    fn who_is_gone_is_told_of_in_its_turn() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 3);
        let mut row = OwnRow::default();
        for key in &keys {
            advertise(&mut row, &mut peers, *key, FINE, &mut test);
        }
        row.drop_node(NodeId(3));
        row.drop_entry(&mut peers.get_mut(keys[1]).unwrap().gossip);
        advertise(&mut row, &mut peers, keys[0], FAILING, &mut test);
        assert_eq!(reply(&mut row, 2, &peers, &mut test), ([2, 5, 5], vec![4, -3, 2]));
        assert_eq!(reply(&mut row, 4, &peers, &mut test), ([4, 5, 5], vec![2]));
        assert!(advertise(&mut row, &mut peers, keys[1], FAILING, &mut test));
        assert_eq!(reply(&mut row, 3, &peers, &mut test), ([3, 6, 6], vec![-3, 2, 3]), "it came back");
    }

    #[test]
    fn who_missed_more_departures_than_are_remembered_gets_the_whole_row() {
        let mut test = TestContext::new(|_| {});
        let (peers, _) = table(&mut test, 0);
        let mut row = OwnRow::default();
        let most = u64::try_from(MAX_GONE).unwrap();
        for id in (0..most + 3).map(|n| NodeId(u128::from(n))) {
            row.told.insert(id);
            row.drop_node(id);
        }
        assert_eq!(reply(&mut row, 2, &peers, &mut test).0[0], 0, "the third is forgotten");
        assert_eq!(reply(&mut row, 3, &peers, &mut test).0[0], 3);
    }

    #[test]
    fn a_row_larger_than_a_page_goes_page_by_page() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 400);
        let mut row = OwnRow::default();
        for key in &keys {
            advertise(&mut row, &mut peers, *key, FINE, &mut test);
        }
        let (mut has, mut told, mut count) = (0, Vec::new(), 0);
        while has < 400 {
            let page = row.page_for_reply(has, &[], &peers, &test.context());
            assert!(page.bytes.len() <= MAX_PAGES / 2);
            let ([from, upto, latest], entries) = read(&page.bytes);
            assert_eq!((from, latest), (has, 400));
            assert!(upto > has, "each page leads on");
            told.extend(entries);
            (has, count) = (upto, count + 1);
        }
        assert_eq!(told, (2..402).collect::<Vec<i64>>());
        assert!(count > 1, "{count}");
    }

    #[test]
    fn more_than_the_rate_is_not_told_and_its_reader_asks_again() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 400);
        let mut row = OwnRow::default();
        for key in &keys {
            advertise(&mut row, &mut peers, *key, FINE, &mut test);
        }
        let pages = (0..100).take_while(|_| reply(&mut row, 0, &peers, &mut test).0[1] > 0).count();
        let most = usize::try_from(ROW_KILOBYTES_PER_SECOND * 4).unwrap() * 1_024 / (MAX_PAGES / 2);
        assert!((most - 1..=most * 2).contains(&pages), "{pages} pages at once");
        assert_eq!(reply(&mut row, 7, &peers, &mut test), ([7, 7, 400], vec![]));
        test.now += secs(1);
        assert!(reply(&mut row, 7, &peers, &mut test).0[1] > 7);
    }

    #[test]
    fn what_is_asked_about_is_told_whatever_its_version() {
        let mut test = TestContext::new(|_| {});
        let (mut peers, keys) = table(&mut test, 3);
        let mut row = OwnRow::default();
        for key in &keys {
            advertise(&mut row, &mut peers, *key, FINE, &mut test);
        }
        let page = row.page_for_reply(3, &[NodeId(2), NodeId(99)], &peers, &test.context());
        assert_eq!(read(&page.bytes), ([3, 3, 3], vec![2]));
    }

    #[test]
    fn our_row_goes_with_a_request_to_whoever_does_not_fetch_it() {
        let served = Observation { served: PathStatus::Ok, ..FINE };
        for (what, has, observation, known_for, told) in [
            ("a new peer may still dial us", 0, FINE, 9, false),
            ("one that does not", 0, FINE, 10, true),
            ("one that does", 0, served, 99, false),
            ("one that has part of it", 1, served, 99, true),
        ] {
            let mut test = TestContext::new(|_| {});
            let (mut peers, keys) = table(&mut test, 2);
            let mut row = OwnRow::default();
            for key in &keys {
                advertise(&mut row, &mut peers, *key, FINE, &mut test);
            }
            test.now += secs(known_for);
            let peer = peers.get_mut(keys[0]).unwrap();
            peer.gossip.acknowledge(has);
            peer.set_observation(observation);
            let page = row.page_for_request(peers.get(keys[0]).unwrap(), &peers, &test.context());
            assert_eq!(read(&page).0, [has, if told { 2 } else { has }, 2], "{what}");
        }
    }
}
