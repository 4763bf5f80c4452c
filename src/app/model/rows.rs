//! The rows of the table: which peers there are, how many are in which state, which are listed, and in what order.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::bands::{Clock, Columns};
use super::filter::Filter;
use super::groups::{GroupId, Groups, Networks};
use super::listing::Listing;
use super::notes::Notes;
use super::order::{Order, Place, Sort};
use super::peer::PeerRow;
use crate::engine::NodeId;
use crate::engine::event::{Event, Stamped};
use crate::engine::peers::{LeaveReason, PeerInfo, PeerKey, PeerState, Via};
use crate::record::PeerPast;

/// How long a peer that said goodbye stays on the screen: long enough to be noticed after a coffee, short enough
/// that a day of laptops coming and going does not fill the table.
pub const LEFT_SHOWN: Duration = Duration::from_mins(5);

/// Shortest time between two changes of the rows' order: long enough to read a row before it moves.
pub const SETTLE: Duration = Duration::from_secs(2);

#[cfg(test)]
thread_local! {
    /// Rows that were looked at, for tests of what a frame costs.
    pub(in crate::app) static ROWS_SEEN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// The rows.
#[derive(Debug, Clone, Default)]
pub(super) struct PeerRows {
    /// Boxed: a change moves a pointer, not the row, and the spare room of the table is that of pointers.
    peers: HashMap<PeerKey, Box<PeerRow>>,
    order: Order,
    filter: Filter,
    notes: Arc<Notes>,
    /// Those that left are not listed.
    hides_left: bool,
    counts: [usize; PeerState::ALL.len()],
    /// Some row no longer stands where it belongs.
    unsettled: bool,
    /// When the order was last made right.
    settled: Option<Instant>,
    /// What the times that rows are sorted by are counted from: the first event.
    epoch: Option<Instant>,
    /// Counts the steps of the rows' bands.
    clock: Clock,
}

impl PeerRows {
    /// Takes in what one event says of a peer. Its time is that from which all others are counted, if it is the first.
    pub(super) fn fold(&mut self, stamped: &Stamped) {
        let Stamped { at, ref event, .. } = *stamped;
        self.epoch.get_or_insert(at);
        self.clock.step(at);
        match event {
            Event::PeerDiscovered { peer, via } => self.update(peer, at, |row| {
                row.via = Some(*via);
                row.heard(at, *via);
            }),
            Event::PeerState { peer, to, .. } => self.update(peer, at, |row| row.enter(*to, at)),
            Event::PeerRestarted { peer, .. }
            | Event::PeerMoved { peer, .. }
            | Event::BehindNat { peer, .. }
            | Event::PeerPath { peer, .. } => self.update(peer, at, |_| ()),
            Event::PeerLeft { peer, reason: LeaveReason::Goodbye } => {
                self.update(peer, at, |row| row.enter(PeerState::Left, at));
            }
            Event::PeerLeft { peer, reason: LeaveReason::Forgotten | LeaveReason::Expired } => {
                self.remove(peer.key);
            }
            // What happens at another address of a peer says nothing of the one that its row shows.
            Event::DialStarted { peer, addr, .. }
            | Event::DialSucceeded { peer, addr, .. }
            | Event::DialFailed { peer, addr, .. }
                if *addr != peer.addr => {}
            Event::DialStarted { peer, attempt, max, .. } => {
                self.update(peer, at, |row| row.dial_started(*attempt, *max, at));
            }
            Event::DialSucceeded { peer, connect, rtt, .. } => {
                self.update(peer, at, |row| row.dial_succeeded(*connect, *rtt, at));
            }
            Event::DialFailed { peer, attempt, max, cause, detail, retry_in, .. } => {
                let retry = retry_in.and_then(|wait| at.checked_add(wait));
                self.update(peer, at, |row| row.dial_failed(*attempt, *max, *cause, detail, at, retry));
            }
            Event::DialGaveUp { peer, cause, .. } => self.update(peer, at, |row| row.dial_gave_up(*cause)),
            Event::ExchangeServed { peer: Some(peer), .. } => {
                self.update(peer, at, |row| row.heard(at, Via::Reply));
            }
            _ => {}
        }
    }

    /// When the first event was.
    pub(super) fn first_event(&self) -> Option<Instant> {
        self.epoch
    }

    /// The first event was then.
    pub(super) fn begin(&mut self, at: Instant) {
        self.epoch.get_or_insert(at);
        self.clock.step(at);
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> impl Iterator<Item = &PeerRow> {
        self.peers.values().map(Box::as_ref)
    }

    /// A row with its past.
    pub(super) fn remember(&mut self, past: &PeerPast) {
        let origin = self.epoch.unwrap_or(past.since);
        self.update(&past.peer, past.since, |row| row.remember(past, origin));
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.peers.len()
    }

    /// How many are listed.
    pub(super) fn listed(&self) -> usize {
        self.order.len()
    }

    /// How many are in a state.
    pub(super) fn count(&self, state: PeerState) -> usize {
        self.counts[state as usize]
    }

    /// Those of a stretch, in the order they are listed. Costs what the stretch costs.
    pub(super) fn stretch(&self, stretch: Range<usize>) -> impl Iterator<Item = &PeerRow> {
        self.order.keys(stretch).iter().filter_map(|key| self.get(*key))
    }

    /// The keys of a stretch.
    pub(super) fn keys(&self, stretch: Range<usize>) -> &[PeerKey] {
        self.order.keys(stretch)
    }

    /// The groups, if there are any.
    pub(super) fn groups(&self) -> Option<&Groups> {
        self.order.groups()
    }

    /// The same, to be folded.
    pub(super) fn groups_mut(&mut self) -> Option<&mut Groups> {
        self.order.groups_mut()
    }

    /// The group of one that is listed.
    pub(super) fn group_of(&self, key: PeerKey) -> Option<GroupId> {
        self.order.group(self.place(key)?)
    }

    /// The subnet of a peer.
    pub(super) fn subnet_of(&self, peer: &PeerInfo) -> GroupId {
        self.order.networks().group(peer, false)
    }

    /// Groups them, or no more.
    pub(super) fn set_groups(&mut self, groups: Option<Groups>) {
        self.order.set_groups(groups);
        self.rearrange();
    }

    /// Groups are those of these networks.
    pub(super) fn set_networks(&mut self, networks: Networks) {
        if self.order.set_networks(networks) {
            self.rearrange();
        }
    }

    /// The key of the one at a position.
    pub(super) fn key_at(&self, position: usize) -> Option<PeerKey> {
        self.order.keys(position..position.saturating_add(1)).first().copied()
    }

    /// Where one stands, if it is listed.
    pub(super) fn position(&self, key: PeerKey) -> Option<usize> {
        self.order.position(self.place(key)?, |key| self.place(key))
    }

    /// One of them.
    pub(super) fn get(&self, key: PeerKey) -> Option<&PeerRow> {
        #[cfg(test)]
        ROWS_SEEN.set(ROWS_SEEN.get() + 1);
        self.peers.get(&key).map(Box::as_ref)
    }

    /// The one that has this identity. Costs what there are.
    pub(super) fn with_id(&self, id: NodeId) -> Option<&PeerRow> {
        self.peers.values().map(Box::as_ref).find(|peer| peer.info.id == Some(id))
    }

    /// The one that has this name and has not left. Costs what there are.
    pub(super) fn named(&self, name: &str) -> Option<&PeerRow> {
        let mut here = self.peers.values().map(Box::as_ref).filter(|peer| peer.state != PeerState::Left);
        here.find(|peer| peer.info.name == name)
    }

    /// Which are listed.
    pub(super) fn filter(&self) -> &Filter {
        &self.filter
    }

    /// Lists those that a filter lets through.
    pub(super) fn set_filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.rearrange();
    }

    /// What is noted of them.
    pub(super) fn notes(&self) -> &Arc<Notes> {
        &self.notes
    }

    /// Notes this of them.
    pub(super) fn set_notes(&mut self, notes: Arc<Notes>) {
        self.notes = notes;
        for row in self.peers.values_mut() {
            row.noted = self.notes.of(&row.info).map(|note| note.noted).unwrap_or_default();
        }
        self.rearrange();
    }

    /// Whether those that left are listed, too.
    pub(super) fn lists_left(&self) -> bool {
        !self.hides_left
    }

    /// Lists those that left, too, or does not.
    pub(super) fn list_left(&mut self, are_listed: bool) {
        self.hides_left = !are_listed;
        self.rearrange();
    }

    /// How they are sorted.
    pub(super) fn sort(&self) -> Sort {
        self.order.sort()
    }

    /// Sorts them in another way.
    pub(super) fn set_sort(&mut self, sort: Sort) {
        self.order.set_sort(sort);
        self.rearrange();
    }

    /// The time until `end` in so many columns of this width.
    pub(super) fn columns(&self, end: Instant, width: Duration, count: u32) -> Columns {
        self.clock.columns(end, width, count)
    }

    /// When the column of this width ends that an instant is in.
    pub(super) fn end_of_column(&self, at: Instant, width: Duration) -> Instant {
        self.clock.end_of_column(at, width)
    }

    /// Changes a row, made here if this is the first word of the peer (events may have been missed), and keeps the
    /// list and the counts true.
    pub(super) fn update(&mut self, info: &Arc<PeerInfo>, at: Instant, change: impl FnOnce(&mut PeerRow)) {
        let is_new = self.rename(info);
        let step = self.clock.step(at);
        let row = self.peers.entry(info.key).or_insert_with(|| {
            self.counts[PeerState::New as usize] += 1;
            Box::new(PeerRow::new(Arc::clone(info), at))
        });
        self.counts[row.state as usize] -= 1;
        if let Some(rank) = row.placed {
            self.order.count(Place { rank, info }, row.state, false);
        }
        row.info = Arc::clone(info);
        if is_new {
            row.noted = self.notes.of(info).map(|note| note.noted).unwrap_or_default();
        }
        change(row);
        row.bands.note(row.state, step);
        self.counts[row.state as usize] += 1;
        if let Some(rank) = row.placed {
            self.order.count(Place { rank, info }, row.state, true);
        }
        let listing = Listing { filter: &self.filter, hides_left: self.hides_left, sort: self.order.sort() };
        let belongs = listing.rank(self.epoch, row);
        match (row.placed, belongs) {
            (Some(placed), Some(belongs)) => self.unsettled |= placed != belongs,
            (None, Some(belongs)) => {
                row.placed = Some(belongs);
                self.order.count(Place { rank: belongs, info }, row.state, true);
                self.order.insert(Place { rank: belongs, info }, |key| place(&self.peers, key));
            }
            (Some(_), None) => self.unlist(info.key),
            (None, None) => {}
        }
    }

    /// A peer that is called something else, or is somewhere else, is taken from its old place. Returns whether it is not known as such.
    fn rename(&mut self, info: &PeerInfo) -> bool {
        let known = self.get(info.key).map(|row| &row.info);
        let is_other = known.is_none_or(|known| known.name != info.name || known.addr != info.addr);
        if is_other {
            self.unlist(info.key);
        }
        is_other
    }

    fn unlist(&mut self, key: PeerKey) {
        if let Some(row) = self.peers.get(&key)
            && let Some(listed) = place(&self.peers, key)
        {
            self.order.count(listed, row.state, false);
            self.order.remove(listed, |key| place(&self.peers, key));
        }
        if let Some(row) = self.peers.get_mut(&key) {
            row.placed = None;
        }
    }

    /// Drops a row.
    pub(super) fn remove(&mut self, key: PeerKey) {
        self.unlist(key);
        if let Some(row) = self.peers.remove(&key) {
            self.counts[row.state as usize] -= 1;
        }
    }

    /// Drops the rows of which this is true.
    pub(super) fn remove_if(&mut self, is: impl Fn(&PeerRow) -> bool) {
        let gone: Vec<_> = self.peers.values().filter(|row| is(row)).map(|row| row.info.key).collect();
        for key in gone {
            self.remove(key);
        }
    }

    /// Drops those that left long ago.
    pub(super) fn expire(&mut self, now: Instant) {
        if self.count(PeerState::Left) > 0 {
            self.remove_if(|row| row.has_gone() && now.saturating_duration_since(row.since()) >= LEFT_SHOWN);
        }
    }

    /// Drops all but these, and those that said goodbye: one may be gone from the node's table, and is still news here.
    pub(super) fn retain(&mut self, named: &HashSet<PeerKey>) {
        self.remove_if(|row| row.state != PeerState::Left && !named.contains(&row.info.key));
    }

    /// Puts rows that no longer stand where they belong there, if that was not done a moment ago. Returns whether it did.
    pub(super) fn settle(&mut self, now: Instant) -> bool {
        let rested = self.settled.is_none_or(|at| now.saturating_duration_since(at) >= SETTLE);
        if !self.unsettled || !rested {
            return false;
        }
        self.settled = Some(now);
        self.rearrange();
        true
    }

    /// Decides for every row whether it is listed, and where.
    fn rearrange(&mut self) {
        self.unsettled = false;
        // In their present order, which is nearly the new one when they only settle.
        let mut keys = self.order.keys(0..usize::MAX).to_vec();
        keys.extend(self.peers.values().filter(|row| row.placed.is_none()).map(|row| row.info.key));
        let listing = Listing { filter: &self.filter, hides_left: self.hides_left, sort: self.order.sort() };
        for row in self.peers.values_mut() {
            row.placed = listing.rank(self.epoch, row);
        }
        let places = keys.into_iter().filter_map(|key| place(&self.peers, key)).collect();
        self.order.resort(places);
        self.count_groups();
    }

    fn count_groups(&mut self) {
        let Some(groups) = self.order.groups_mut() else { return };
        groups.clear();
        for key in self.order.keys(0..usize::MAX).to_vec() {
            if let (Some(row), Some(place)) = (self.peers.get(&key), place(&self.peers, key)) {
                self.order.count(place, row.state, true);
            }
        }
    }

    fn place(&self, key: PeerKey) -> Option<Place<'_>> {
        place(&self.peers, key)
    }
}

/// Where a row stands, if it is listed.
fn place(peers: &HashMap<PeerKey, Box<PeerRow>>, key: PeerKey) -> Option<Place<'_>> {
    let row = peers.get(&key)?;
    Some(Place { rank: row.placed?, info: &row.info })
}
