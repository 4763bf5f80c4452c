//! Rows of the matrix: ours, told page by page to whoever has an older version, and those that others tell.

pub mod matrix;

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::engine::cause::Cause;
use crate::engine::matrix::{MatrixNode, MatrixView, Row};
use crate::engine::observation::{Reach, Sight};
use crate::engine::peers::{PeerKey, PeerState};
use crate::engine::verdict::Verdict;
use crate::engine::{Incarnation, NodeId};
use crate::proto::rows::{
    Entry, GONE, LOSS_UNKNOWN, MAX_ABOUT, MAX_PAGES, MAX_WANTS, NEVER, PageHead, Want, append, pages,
};

use crate::engine::Engine;
use crate::engine::limits::{
    ASK_AGAIN, ASKED_AROUND, FRESH_ENOUGH, MAX_CELLS, MAX_GONE, MAX_HEARSAY, MAX_JUDGED, MAX_ROW, MAX_ROWS,
    ROW_KEPT,
};
use crate::engine::peers::row::{Dial, Peer};
use crate::engine::probing::evidence::Times;

/// Bytes of an entry with one letter for a name: what cannot fit need not be written to see that.
const SMALLEST_ENTRY: usize = 32;
/// Room that the head of a page and its largest entry need, in bytes.
const HEAD_ROOM: usize = 64;

/// Our own row's versions.
#[derive(Debug, Default)]
pub(crate) struct OwnRow {
    /// Grows by one with each change of an entry.
    pub(crate) version: u64,
    /// Peers that are no longer in the table, with the version in which they went.
    gone: VecDeque<(u64, NodeId)>,
    /// Who has an older version than this gets the whole row.
    floor: u64,
}

/// A row that another node told.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) incarnation: Incarnation,
    pub(crate) version: u64,
    pub(crate) sights: Arc<HashMap<NodeId, Sight>>,
    /// Names and addresses of those that were no peers of ours when it told of them.
    pub(crate) hearsay: HashMap<NodeId, (String, SocketAddr)>,
    pub(crate) confirmed: Instant,
    /// It tells of something that is not fine.
    pub(crate) troubled: bool,
    /// When it last changed, here.
    pub(crate) changed: Instant,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    pub(crate) of: HashMap<NodeId, Known>,
    cells: usize,
    /// Entries that were not kept for want of room.
    left_out: usize,
}

impl Engine {
    pub(crate) fn times(&self) -> Times {
        Times {
            dial_interval: self.config.dial_interval,
            fresh: self.fresh_for(),
            patience: self.config.silent_after.max(3),
        }
    }

    /// How old a row may be to be believed: two regular exchanges may be missed, one of which hangs.
    pub(crate) fn fresh_for(&self) -> Duration {
        self.config.dial_interval * 2 + self.config.retry.timeout
    }

    /// Looks at what is seen of a peer now; if that has changed, our row has a new version.
    pub(crate) fn look(&mut self, key: PeerKey, now: Instant) {
        let times = self.times();
        let many = self.peers.len() > MAX_JUDGED;
        let peer = &mut self.peers[key];
        if peer.evidence.is_measuring() {
            return;
        }
        peer.evidence.note_loss();
        peer.evidence.forget_trouble_if_over(now);
        let period = peer.period.filter(|_| peer.interface.is_some());
        let told = (peer.cause, peer.rtt);
        let new = match peer.state {
            PeerState::Left => Sight::default(),
            _ => peer.evidence.sight(period, told, times, now),
        };
        if new.broadcast.is_failing() && new.echo.is_ok() && !peer.sight.broadcast.is_failing() {
            // Are broadcasts stopped, or some packets lost? First that is measured.
            self.begin_burst(key, now);
            if self.peers[key].evidence.burst.is_some() {
                return self.arm(key);
            }
        }
        let peer = &mut self.peers[key];
        peer.sight = new;
        let settled = new.is_fine() && peer.evidence.trouble.is_none();
        if settled && new.tcp.is_ok() && !self.judge.stands_against(key) {
            peer.verdict = Verdict::Ok;
        }
        let news = peer.evidence.told.is_news(&new, times.dial_interval, many, now);
        if news {
            self.own_row.version += 1;
            let evidence = &mut self.peers[key].evidence;
            evidence.version = self.own_row.version;
            evidence.told.note(new, now);
        }
        if !settled {
            self.judge_soon(now);
        } else if news {
            self.judge_if_needed(now);
        }
    }

    /// A peer is no longer in the table, or has another identity: our row says so.
    pub(crate) fn drop_from_own_row(&mut self, id: NodeId) {
        let own = &mut self.own_row;
        own.version += 1;
        own.gone.push_back((own.version, id));
        if own.gone.len() > MAX_GONE
            && let Some((version, _)) = own.gone.pop_front()
        {
            own.floor = version;
        }
        self.forget_row(id);
    }

    fn forget_row(&mut self, id: NodeId) {
        if let Some(known) = self.rows.of.remove(&id) {
            self.rows.cells -= known.sights.len();
        }
    }

    /// A page of our own row for one who has version `have`, with what is asked about whatever its version, and the version
    /// that the reader will have after it.
    fn own_page(&self, have: u64, about: &[NodeId], room: usize, now: Instant) -> (Vec<u8>, u64) {
        let own = &self.own_row;
        let from = if have > own.version || have < own.floor { 0 } else { have };
        let mut changed: Vec<(u64, Result<&Peer, NodeId>)> = Vec::new();
        if from < own.version {
            let told = |peer: &&Peer| peer.info.id.is_some() && peer.state != PeerState::Left;
            let peers = self.peers.values().map(|peer| &**peer).filter(told);
            changed.extend(
                peers.map(|peer| (peer.evidence.version, Ok(peer))).filter(|(version, _)| *version > from),
            );
            changed.extend(
                own.gone
                    .iter()
                    .filter(|(version, _)| *version > from)
                    .map(|(version, id)| (*version, Err(*id))),
            );
            changed.sort_unstable_by_key(|(version, _)| *version);
        }
        let (mut entries, mut count, mut upto) = (Vec::new(), 0_u16, own.version);
        for id in about {
            if let Some(peer) = self.by_id.get(id).map(|key| &self.peers[*key]) {
                append(&entry_of(peer, *id, now), &mut entries);
                count += 1;
            }
        }
        let mut last = from;
        for (version, what) in changed {
            let before = entries.len();
            match what {
                Ok(peer) => append(&entry_of(peer, peer.info.id.unwrap_or(NodeId(0)), now), &mut entries),
                Err(id) => append(&Entry { ways: GONE, ..blank(id) }, &mut entries),
            }
            if entries.len() + HEAD_ROOM > room {
                entries.truncate(before);
                upto = last;
                break;
            }
            count += 1;
            last = version;
        }
        let head = PageHead {
            owner: self.config.id,
            incarnation: self.config.incarnation,
            from,
            upto,
            latest: own.version,
            age_ms: 0,
            count,
        };
        let mut page = Vec::with_capacity(HEAD_ROOM + entries.len());
        append(&head, &mut page);
        page.extend_from_slice(&entries);
        (page, upto)
    }

    /// Whether it has not had the time yet to dial us.
    fn is_new(&self, peer: &Peer, now: Instant) -> bool {
        now.saturating_duration_since(peer.evidence.since) < self.config.dial_interval
    }

    fn room_for_a_page(&self, now: Instant) -> usize {
        if self.row_kilobytes.is_open(now) { MAX_PAGES } else { 0 }
    }

    fn note_page(&mut self, page: &[u8], now: Instant) {
        let kilobytes = u32::try_from(page.len() / 1_024).unwrap_or(u32::MAX);
        if kilobytes > 0 {
            self.row_kilobytes.note(kilobytes, now);
        }
    }

    /// What a request to this peer carries: our row, the rows that are wanted, and whom we ask about.
    pub(crate) fn rows_for_a_request(&mut self, key: PeerKey, now: Instant) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let peer = &self.peers[key];
        // Who dials us fetches our row; whoever does not, or has part of it, is told.
        let told = peer.evidence.has > 0 || !peer.sight.served.is_ok() && !self.is_new(peer, now);
        let room = if told { self.room_for_a_page(now) } else { 0 };
        let (page, _) = self.own_page(peer.evidence.has, &[], room, now);
        self.note_page(&page, now);
        let peer = &self.peers[key];
        let mut wants = Vec::new();
        let mut want = |owner: NodeId, incarnation: Incarnation| {
            let known = self.rows.of.get(&owner).filter(|known| known.incarnation == incarnation);
            append(&Want { owner, incarnation, version: known.map_or(0, |known| known.version) }, &mut wants);
        };
        if let (Some(id), Some(incarnation)) = (peer.info.id, peer.info.incarnation) {
            want(id, incarnation);
        }
        let me = self.config.id;
        // Of those with whom we have no exchange of our own; with many, another part of them each time.
        let peers =
            self.peers.values().filter(|other| other.info.key != key && other.state != PeerState::Left);
        let peers = peers.filter(|peer| peer.info.id.is_some_and(|id| self.is_far(id)));
        let mut far: Vec<(NodeId, Incarnation)> =
            peers.filter_map(|peer| Some((peer.info.id?, peer.info.incarnation?))).collect();
        // At first everybody hears of nodes that it will meet in a moment.
        let settled = self.steps_from.is_some_and(|at| now > at + self.config.dial_interval);
        let told_of =
            self.rows.of.values().filter(|_| settled).flat_map(|known| known.hearsay.keys()).copied();
        let hearsay: HashSet<NodeId> =
            told_of.filter(|id| *id != me && !self.by_id.contains_key(id)).collect();
        far.extend(
            hearsay
                .into_iter()
                .map(|id| (id, self.rows.of.get(&id).map_or(Incarnation(0), |k| k.incarnation))),
        );
        let turn = usize::try_from(self.last_dial.0).unwrap_or(0) % far.len().max(1);
        far.rotate_left(turn);
        for (owner, incarnation) in far.into_iter().take(MAX_WANTS - 1) {
            want(owner, incarnation);
        }
        let mut about = Vec::new();
        let troubled = self
            .peers
            .values()
            .filter(|peer| peer.evidence.trouble.is_some() && peer.state != PeerState::Left);
        let ids = troubled.filter(|other| other.info.key != key).filter_map(|peer| peer.info.id);
        ids.take(MAX_ABOUT).for_each(|id| append(&id, &mut about));
        (page, wants, about)
    }

    /// What a reply carries: our row and the wanted rows of others; with the version of ours that the asker then has, and the
    /// version of the asker's row that we have.
    pub(crate) fn rows_for_a_reply(
        &mut self,
        asker: (NodeId, Incarnation),
        wants: &[Want],
        about: &[NodeId],
        now: Instant,
    ) -> (Vec<u8>, u64, u64) {
        let me = (self.config.id, self.config.incarnation);
        let mine = wants.iter().find(|want| (want.owner, want.incarnation) == me);
        let room = self.room_for_a_page(now) / 2;
        let (mut bytes, upto) = self.own_page(mine.map_or(0, |want| want.version), about, room, now);
        self.note_page(&bytes, now);
        for want in wants.iter().filter(|want| want.owner != me.0 && want.owner != asker.0) {
            let Some(known) = self.rows.of.get(&want.owner) else { continue };
            let same = want.incarnation == known.incarnation && want.version == known.version;
            if !same && bytes.len() + known.sights.len() * SMALLEST_ENTRY > MAX_PAGES {
                continue;
            }
            let page = self.relayed(want, known, now);
            if bytes.len() + page.len() <= MAX_PAGES {
                bytes.extend_from_slice(&page);
            }
        }
        let known = self.rows.of.get(&asker.0).filter(|known| known.incarnation == asker.1);
        (bytes, upto, known.map_or(0, |known| known.version))
    }

    /// The row of another as it was told to us: as a whole, or only that it still stands.
    fn relayed(&self, want: &Want, known: &Known, now: Instant) -> Vec<u8> {
        let age = now.saturating_duration_since(known.confirmed);
        let same = want.incarnation == known.incarnation && want.version == known.version;
        let (mut entries, mut count) = (Vec::new(), 0);
        for (id, sight) in known.sights.iter().filter(|_| !same) {
            let (name, addr) = match (self.by_id.get(id), known.hearsay.get(id)) {
                _ if *id == self.config.id => {
                    (self.config.name.as_str(), SocketAddr::new(self.own_address(), self.config.tcp_port))
                }
                (Some(key), _) => (self.peers[*key].info.name.as_str(), self.peers[*key].info.addr),
                (None, Some((name, addr))) => (name.as_str(), *addr),
                (None, None) => continue,
            };
            // Ages count from when the row was confirmed, as in a page of its owner.
            append(&entry(*id, sight, name, addr, known.confirmed), &mut entries);
            count += 1;
        }
        let head = PageHead {
            owner: want.owner,
            incarnation: known.incarnation,
            from: if same { known.version } else { 0 },
            upto: known.version,
            latest: known.version,
            age_ms: u32::try_from(age.as_millis()).unwrap_or(u32::MAX),
            count,
        };
        let mut page = Vec::with_capacity(HEAD_ROOM + entries.len());
        append(&head, &mut page);
        page.extend_from_slice(&entries);
        page
    }

    /// Takes the pages in that one told; only of the rows of those for which `may` holds.
    pub(crate) fn take_pages(
        &mut self,
        bytes: &[u8],
        teller: NodeId,
        may: impl Fn(&Self, NodeId) -> bool,
        now: Instant,
    ) {
        for (head, entries) in pages(bytes) {
            if head.owner != self.config.id && may(self, head.owner) {
                self.take_page(head, entries, head.owner == teller, now);
            }
        }
        self.judge_if_needed(now);
    }

    fn take_page<'a>(
        &mut self,
        head: PageHead,
        entries: impl Iterator<Item = Entry<'a>>,
        direct: bool,
        now: Instant,
    ) {
        let confirmed = now.checked_sub(Duration::from_millis(u64::from(head.age_ms))).unwrap_or(now);
        let known = self.rows.of.get(&head.owner).map(|known| (known.incarnation, known.version));
        let nothing_yet = head.upto == 0 && head.latest > 0;
        let starts = head.from == 0;
        if nothing_yet || known.is_none() && (!starts || self.rows.of.len() >= MAX_ROWS) {
            return;
        }
        let me = self.config.id;
        let by_id = &self.by_id;
        let rows = &mut self.rows;
        let known = rows.of.entry(head.owner).or_insert_with(|| Known {
            incarnation: head.incarnation,
            version: 0,
            sights: Arc::default(),
            hearsay: HashMap::new(),
            confirmed,
            troubled: false,
            changed: now,
        });
        let another_life = head.incarnation > known.incarnation;
        // Of its own row the owner knows best, whatever somebody told in its name.
        let anew = direct && head.from == 0;
        let older = head.incarnation < known.incarnation || (!another_life && head.upto < known.version);
        let outdated = older && !anew;
        let gap = head.from > 0 && (another_life || head.from > known.version);
        if outdated || gap {
            return;
        }
        rows.cells -= known.sights.len();
        let sights = Arc::make_mut(&mut known.sights);
        // An owner that restarts its row from nothing, or another life of it: what was known is void.
        if head.from == 0 {
            sights.clear();
            known.hearsay.clear();
        }
        known.incarnation = head.incarnation;
        for entry in entries {
            if entry.ways == GONE {
                sights.remove(&entry.id);
                known.hearsay.remove(&entry.id);
                continue;
            }
            let room = sights.contains_key(&entry.id)
                || (sights.len() < MAX_ROW && rows.cells + sights.len() < MAX_CELLS);
            let Some(sight) = sight_of(&entry, confirmed).filter(|_| room) else {
                rows.left_out = rows.left_out.saturating_add(1);
                continue;
            };
            sights.insert(entry.id, sight);
            if entry.id != me && !by_id.contains_key(&entry.id) && known.hearsay.len() < MAX_HEARSAY {
                known.hearsay.insert(entry.id, (entry.name.to_owned(), entry.addr()));
            }
        }
        rows.cells += known.sights.len();
        known.version = head.upto;
        if head.count > 0 || head.from == 0 {
            known.changed = now;
            known.troubled = known.sights.values().any(|sight| !sight.is_fine());
        }
        if head.upto == head.latest {
            known.confirmed = known.confirmed.max(confirmed);
        }
    }

    /// Whether we have no exchange of our own with a node, so that others may tell us its row.
    pub(crate) fn is_far(&self, id: NodeId) -> bool {
        match self.by_id.get(&id) {
            Some(key) => {
                let peer = &self.peers[*key];
                peer.evidence.trouble.is_some() && peer.state != PeerState::Left && !peer.sight.served.is_ok()
            }
            // Of strangers, those that a row told of; nobody can make us keep rows of nodes that nobody has seen.
            None => self.rows.of.values().any(|known| known.hearsay.contains_key(&id)),
        }
    }

    /// This process stood still: what did not come meanwhile says nothing of the peers.
    pub(crate) fn blame_nobody(&mut self, now: Instant) {
        let keys: Vec<PeerKey> = self.peers.keys().collect();
        for key in keys {
            self.end_burst(key);
            let evidence = &mut self.peers[key].evidence;
            evidence.probes.clear();
            evidence.since = now;
        }
    }

    /// Drops the rows of nodes of which nothing was heard for long.
    pub(crate) fn expire_rows(&mut self, now: Instant) {
        let old = |known: &Known| now.saturating_duration_since(known.confirmed) > ROW_KEPT;
        let gone: Vec<NodeId> =
            self.rows.of.iter().filter(|(_, known)| old(known)).map(|(id, _)| *id).collect();
        for id in gone {
            self.forget_row(id);
        }
    }

    /// Asks a few others, by dialing them now, what they see of a peer that fails.
    pub(crate) fn ask_around(&mut self, key: PeerKey, now: Instant) {
        let asked = self.peers[key].evidence.asked;
        if asked.is_some_and(|at| now.saturating_duration_since(at) < ASK_AGAIN) {
            return;
        }
        self.peers[key].evidence.asked = Some(now);
        let idle = |peer: &Peer| {
            peer.state == PeerState::Up
                && peer.evidence.trouble.is_none()
                && matches!(peer.dial, Dial::Resting { .. })
        };
        let mut able: Vec<PeerKey> = self
            .peers
            .values()
            .filter(|peer| peer.info.key != key)
            .map(|peer| &**peer)
            .filter(|peer| idle(peer))
            .map(|peer| peer.info.key)
            .collect();
        for _ in 0..ASKED_AROUND.min(able.len()) {
            let nth = rand::RngExt::random_range(&mut self.rng, 0..able.len());
            self.dial_at_once(able.swap_remove(nth));
        }
    }

    /// Another asks about these: what is not known freshly is looked at now, within a budget.
    pub(crate) fn check_for_another(&mut self, about: &[NodeId], now: Instant) {
        for id in about {
            let Some(&key) = self.by_id.get(id) else { continue };
            let peer = &self.peers[key];
            let fresh =
                peer.evidence.dialed.is_some_and(|(at, _)| now.saturating_duration_since(at) < FRESH_ENOUGH);
            let idle = matches!(peer.dial, Dial::Resting { .. });
            if !fresh && idle && peer.is_proven() && self.checks_for_others.take(now) {
                self.dial_at_once(key);
                self.begin_burst(key, now);
                self.arm(key);
            }
        }
    }

    /// Who reaches whom, as far as is known here.
    pub fn survey(&self, now: Instant) -> MatrixView {
        let own = SocketAddr::new(self.own_address(), self.config.tcp_port);
        let me = MatrixNode { id: self.config.id, name: self.config.name.clone(), addr: own, hearsay: false };
        let mut nodes: Vec<MatrixNode> = self
            .peers
            .values()
            .filter(|peer| peer.state != PeerState::Left)
            .filter_map(|peer| {
                let info = &peer.info;
                Some(MatrixNode { id: info.id?, name: info.name.clone(), addr: info.addr, hearsay: false })
            })
            .collect();
        let fresh = |known: &&Known| now.saturating_duration_since(known.confirmed) <= self.fresh_for();
        let mut told: HashMap<NodeId, &(String, SocketAddr)> = HashMap::new();
        for known in self.rows.of.values().filter(fresh) {
            told.extend(known.hearsay.iter().map(|(id, who)| (*id, who)));
        }
        let stranger = |id: &NodeId| *id != self.config.id && !self.by_id.contains_key(id);
        nodes.extend(told.into_iter().filter(|(id, _)| stranger(id)).map(|(id, (name, addr))| MatrixNode {
            id,
            name: name.clone(),
            addr: *addr,
            hearsay: true,
        }));
        nodes.sort_by(|a, b| (&a.name, a.id).cmp(&(&b.name, b.id)));
        nodes.insert(0, me);
        let sights = self.peers.values().filter(|peer| peer.state != PeerState::Left);
        let sights = sights.filter_map(|peer| Some((peer.info.id?, peer.sight))).collect();
        let own = Row { sights: Arc::new(sights), confirmed: now };
        let mut own = Some(own);
        let rows = nodes
            .iter()
            .map(|node| {
                own.take().or_else(|| {
                    let known = self.rows.of.get(&node.id)?;
                    Some(Row { sights: Arc::clone(&known.sights), confirmed: known.confirmed })
                })
            })
            .collect();
        MatrixView {
            at: now,
            nodes: nodes.into(),
            rows,
            fresh_for: self.fresh_for(),
            findings: self.judge.told(),
            left_out: self.rows.left_out,
        }
    }
}

fn blank(id: NodeId) -> Entry<'static> {
    let ip = std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
    Entry {
        id,
        ways: 0,
        cause: 0,
        rtt_us: 0,
        loss: LOSS_UNKNOWN,
        checked: NEVER,
        alive: NEVER,
        port: 0,
        ip,
        name: "-",
    }
}

fn entry_of(peer: &Peer, id: NodeId, now: Instant) -> Entry<'_> {
    // Of what is being measured only that there is life is known already.
    let sight =
        Sight { alive: peer.evidence.alive(), checked: peer.sight.checked, ..peer.evidence.told.sight };
    entry(id, &sight, &peer.info.name, peer.info.addr, now)
}

fn entry<'a>(id: NodeId, sight: &Sight, name: &'a str, addr: SocketAddr, as_of: Instant) -> Entry<'a> {
    let tenths = |at: Option<Instant>| {
        let age = at.map(|at| as_of.saturating_duration_since(at).as_millis() / 100);
        age.and_then(|age| u16::try_from(age).ok()).unwrap_or(NEVER)
    };
    let cause = sight.cause.and_then(|cause| Cause::ALL.iter().position(|other| *other == cause));
    Entry {
        id,
        ways: sight.ways(),
        cause: cause.and_then(|nth| u8::try_from(nth + 1).ok()).unwrap_or(0),
        rtt_us: sight.rtt.map_or(0, |rtt| u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX).max(1)),
        loss: sight.loss.map_or(LOSS_UNKNOWN, |loss| loss.min(100)),
        checked: tenths(sight.checked),
        alive: tenths(sight.alive),
        port: addr.port(),
        ip: addr.ip(),
        name,
    }
}

fn sight_of(entry: &Entry<'_>, as_of: Instant) -> Option<Sight> {
    let ago = |tenths: u16| {
        let age = Duration::from_millis(u64::from(tenths) * 100);
        if tenths == NEVER { None } else { as_of.checked_sub(age) }
    };
    let cause = usize::from(entry.cause).checked_sub(1);
    let sight = Sight {
        loss: (entry.loss != LOSS_UNKNOWN).then_some(entry.loss),
        // A cause that a later version of the specification numbers.
        cause: cause.map(|nth| Cause::ALL.get(nth).copied().unwrap_or(Cause::Other)),
        rtt: (entry.rtt_us > 0).then(|| Duration::from_micros(u64::from(entry.rtt_us))),
        checked: ago(entry.checked),
        alive: ago(entry.alive),
        ..Sight::default()
    };
    let sight = sight.with_ways(entry.ways)?;
    // What says nothing of any way is not worth its memory, but that it is known.
    debug_assert!(sight.tcp != Reach::Failing || entry.ways & 3 == 2);
    Some(sight)
}
