//! What the screen knows: every event folded into peers, attempts and counts.
//!
//! Pure: it is told the time by the events and by its callers, sends nothing and draws nothing. A recorded event
//! stream folds into the same model as a live one.

mod attempts;
mod bands;
mod chain;
mod column;
mod filter;
mod groups;
mod history;
mod incidents;
mod journal;
mod lines;
mod listing;
mod matrix;
mod notes;
mod order;
mod past;
mod peer;
mod rows;
mod saved_filters;
mod sort_value;
mod square;
mod stats;

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

pub use attempts::{Attempt, AttemptId, Attempts, MAX_ATTEMPTS, Outcome};
pub use bands::{Bands, Columns, DAY, STEP, badness};
pub use column::Column;
pub use filter::Filter;
pub use groups::{Group, GroupId};
use groups::{Groups, Networks};
pub use history::{EXACT, HISTORY, History, Sample};
pub use incidents::Incident;
pub use journal::{EntryId, Journal, JournalEntry, MAX_ENTRIES, What};
pub use lines::{LineId, Lines};
pub use matrix::{Change, Comparison, MOMENT, MOMENTS, Mark, Matrix, Novelty};
pub use notes::{NOTE_MAX, Note, Noted, Notes};
pub use order::Sort;
pub use peer::{PathSummary, PeerRow};
use rows::PeerRows;
#[cfg(test)]
pub(super) use rows::ROWS_SEEN;
pub use rows::{LEFT_SHOWN, SETTLE};
pub use saved_filters::{SavedFilter, SavedFilters};
#[cfg(test)]
pub(super) use square::LOOKS;
pub use square::{KINDS, PairKind, Square, Tally};
pub use stats::{Histogram, Jitter, Stats};

use crate::engine::NodeId;
use crate::engine::event::{Event, Stamped, StopReason};
use crate::engine::interface::Interface;
use crate::engine::matrix::MatrixView;
use crate::engine::peers::{DialPhase, NodeInfo, PeerInfo, PeerKey, PeerState, Snapshot};
use crate::engine::verdict::{Finding, Verdict};

/// Events that the reader was too slow for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missed {
    /// Since the start.
    pub total: u64,
    /// When the last of them were missed.
    pub at: Instant,
}

/// All that the screen shows, except what the person at the keyboard is doing.
#[derive(Debug, Clone, Default)]
pub struct Model {
    node: Option<Arc<NodeInfo>>,
    interfaces: Vec<Interface>,
    rows: PeerRows,
    /// What time it was at the last event.
    wall: Option<(Instant, SystemTime)>,
    attempts: Attempts,
    journal: Journal,
    matrix: Matrix,
    missed: Option<Missed>,
    stopped: Option<StopReason>,
}

impl Model {
    /// This node; none before the first event that names it.
    pub fn node(&self) -> Option<&NodeInfo> {
        self.node.as_deref()
    }

    /// The interfaces that presence uses.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// How many peers there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no peer.
    pub fn is_empty(&self) -> bool {
        self.rows.len() == 0
    }

    /// How many peers are listed: those that the filter lets through.
    pub fn listed(&self) -> usize {
        self.rows.listed()
    }

    /// Which peers are listed.
    pub fn filter(&self) -> &Filter {
        self.rows.filter()
    }

    /// How the table is sorted.
    pub fn sort(&self) -> Sort {
        self.rows.sort()
    }

    /// What the person has noted of peers.
    pub fn notes(&self) -> &Arc<Notes> {
        self.rows.notes()
    }

    /// Notes this of peers.
    pub fn set_notes(&mut self, notes: Arc<Notes>) {
        self.rows.set_notes(notes);
    }

    /// Whether those that left are listed, too.
    pub fn lists_left(&self) -> bool {
        self.rows.lists_left()
    }

    /// Lists those that left, too, or does not.
    pub fn list_left(&mut self, are_listed: bool) {
        self.rows.list_left(are_listed);
    }

    /// Lists only the peers that a filter lets through.
    pub fn set_filter(&mut self, filter: Filter) {
        self.rows.set_filter(filter);
    }

    /// Sorts the table in another way.
    pub fn set_sort(&mut self, sort: Sort) {
        self.rows.set_sort(sort);
    }

    /// The lines of the table: peers, and headings where they are grouped.
    pub fn lines(&self) -> Lines<'_> {
        Lines(&self.rows)
    }

    /// The subnet of a peer, as the table would group it.
    pub fn subnet_of(&self, peer: &PeerInfo) -> GroupId {
        self.rows.subnet_of(peer)
    }

    /// Groups the peers of the table by subnet, or no more.
    pub fn group(&mut self, are_grouped: bool) {
        self.rows.set_groups(are_grouped.then(Groups::default));
    }

    /// Groups and folds the peers as another model does.
    pub fn group_as(&mut self, other: &Self) {
        self.rows.set_groups(other.rows.groups().cloned());
    }

    /// Shows only the heading of a group, or its peers, too.
    pub fn fold_group(&mut self, id: GroupId, is_folded: bool) {
        self.rows.groups_mut().into_iter().for_each(|groups| groups.fold(id, is_folded));
    }

    /// The same of all groups.
    pub fn fold_groups(&mut self, are_folded: bool) {
        self.rows.groups_mut().into_iter().for_each(|groups| groups.fold_all(are_folded));
    }

    /// The peers of a stretch of the table, in the order they are listed. Costs what the stretch costs.
    pub fn rows(&self, stretch: Range<usize>) -> impl Iterator<Item = &PeerRow> {
        self.rows.stretch(stretch)
    }

    /// The peer at a position of the table.
    pub fn key_at(&self, position: usize) -> Option<PeerKey> {
        self.rows.key_at(position)
    }

    /// All peers, in no order.
    pub fn all(&self) -> impl Iterator<Item = &PeerRow> {
        self.rows.all()
    }

    /// When the first event was that was told.
    pub fn first_event(&self) -> Option<Instant> {
        self.rows.first_event()
    }

    /// One peer.
    pub fn peer(&self, key: PeerKey) -> Option<&PeerRow> {
        self.rows.get(key)
    }

    /// Where a peer stands in the table, if it is listed.
    pub fn position(&self, key: PeerKey) -> Option<usize> {
        self.rows.position(key)
    }

    /// How many peers are in a state.
    pub fn count(&self, state: PeerState) -> usize {
        self.rows.count(state)
    }

    /// The attempts, newest first.
    pub fn attempts(&self) -> &Attempts {
        &self.attempts
    }

    /// The notable events, newest first.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Who reaches whom, and what is wrong.
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// The peer that has this identity. Costs the peers there are: for keys and clicks, not for every cell.
    pub fn peer_with_id(&self, id: NodeId) -> Option<&PeerRow> {
        self.rows.with_id(id)
    }

    /// The peer that has this name and has not left. Costs the peers there are.
    pub fn peer_named(&self, name: &str) -> Option<&PeerRow> {
        self.rows.named(name)
    }

    /// The time until `end` in so many columns of this width, for [`Bands::worst`] of the peers.
    pub fn columns(&self, end: Instant, width: Duration, count: u32) -> Columns {
        self.rows.columns(end, width, count)
    }

    /// Where a window should end that is to show `now` in columns of this width, and not to flicker as time goes.
    pub fn end_of_column(&self, now: Instant, width: Duration) -> Instant {
        self.rows.end_of_column(now, width)
    }

    /// What was missed, if anything ever was.
    pub fn missed(&self) -> Option<Missed> {
        self.missed
    }

    /// Why the node stopped, if it has.
    pub fn stopped(&self) -> Option<StopReason> {
        self.stopped
    }

    /// The time of day at a moment; none before the first event.
    pub fn wall(&self, now: Instant) -> Option<SystemTime> {
        let (at, wall) = self.wall?;
        match now.checked_duration_since(at) {
            Some(since) => wall.checked_add(since),
            None => wall.checked_sub(at.saturating_duration_since(now)),
        }
    }

    /// Takes one event in. Returns what is new in the matrix, if it is about that.
    pub fn fold(&mut self, stamped: &Stamped) -> Option<Novelty> {
        let Stamped { at, wall, ref event } = *stamped;
        if !matches!(event, Event::Lagged { .. }) {
            self.wall = Some((at, wall));
        }
        self.rows.fold(stamped);
        self.attempts.fold(stamped);
        self.journal.fold(stamped);
        match event {
            Event::Matrix(view) => return Some(self.take_matrix(view)),
            Event::Diagnosis(finding) => self.diagnose(finding, at),
            Event::Started { node, interfaces } => {
                self.node = Some(Arc::clone(node));
                self.set_interfaces(interfaces.to_vec());
            }
            Event::IdChanged { node, .. } | Event::NodeRenamed { node, .. } => {
                self.node = Some(Arc::clone(node));
            }
            Event::InterfaceUp { interface } => {
                let others = self.interfaces.iter().filter(|known| known.zoned_ip() != interface.zoned_ip());
                self.set_interfaces(others.chain([&**interface]).cloned().collect());
            }
            Event::InterfaceDown { interface } => {
                let others = self.interfaces.iter().filter(|known| *known != &**interface);
                self.set_interfaces(others.cloned().collect());
            }
            Event::Lagged { missed } => {
                let before = self.missed.map_or(0, |missed| missed.total);
                self.missed = Some(Missed { total: before.saturating_add(*missed), at });
            }
            Event::Snapshot(snapshot) => self.replace(snapshot, stamped),
            Event::Stopped { reason } => self.stopped = Some(*reason),
            // What the rows, the attempts and the journal take is all that they say.
            Event::PeerDiscovered { .. }
            | Event::PeerState { .. }
            | Event::PeerRestarted { .. }
            | Event::PeerMoved { .. }
            | Event::BehindNat { .. }
            | Event::PeerPath { .. }
            | Event::PeerLeft { .. }
            | Event::Visited { .. }
            | Event::DialStarted { .. }
            | Event::DialSucceeded { .. }
            | Event::DialFailed { .. }
            | Event::DialGaveUp { .. }
            | Event::ExchangeServed { .. }
            | Event::Rejected { .. } => {}
        }
        None
    }

    /// What is said of a peer is its verdict, too; of a stranger, or of this node, there is no row.
    fn diagnose(&mut self, finding: &Arc<Finding>, at: Instant) {
        let corrected = self.matrix.diagnose(finding);
        let corrected = corrected.map(|corrected| (corrected.peer.key, Verdict::Ok));
        for (key, verdict) in corrected.into_iter().chain([(finding.peer.key, finding.verdict)]) {
            if let Some(row) = self.rows.get(key) {
                let info = Arc::clone(&row.info);
                self.rows.update(&info, at, |row| row.verdict = verdict);
            }
        }
    }

    /// Rows of the matrix that were not confirmed for long are no longer believed. Returns whether any has become so.
    /// Called about once a second.
    pub fn age(&mut self, now: Instant) -> bool {
        self.matrix.age(now)
    }

    /// Drops the peers that left long ago. Called about once a second.
    pub fn expire(&mut self, now: Instant) {
        self.rows.expire(now);
    }

    /// Puts rows that no longer stand where they belong there, if that was not done a moment ago. Returns whether it did.
    /// Called about once a second.
    pub fn settle(&mut self, now: Instant) -> bool {
        self.rows.settle(now)
    }

    fn take_matrix(&mut self, view: &Arc<MatrixView>) -> Novelty {
        self.rows.set_networks(Networks::of(&self.interfaces, &view.segments));
        self.matrix.take(view)
    }

    fn set_interfaces(&mut self, interfaces: Vec<Interface>) {
        let view = self.matrix.latest();
        self.rows.set_networks(Networks::of(&interfaces, view.map_or(&[], |view| &view.segments)));
        self.interfaces = interfaces;
    }

    fn replace(&mut self, snapshot: &Snapshot, stamped: &Stamped) {
        self.node = Some(Arc::clone(&snapshot.node));
        if self.interfaces != *snapshot.interfaces {
            self.set_interfaces(snapshot.interfaces.to_vec());
        }
        for peer in &snapshot.peers {
            let over = peer.state == PeerState::Left && peer.dial == DialPhase::Resting { next: None };
            if over && self.rows.get(peer.info.key).is_none() {
                // It has been on the screen for its time; the node forgets it a moment later.
                continue;
            }
            let mut missed = None;
            self.rows.update(&peer.info, stamped.at, |row| {
                missed = (row.state != peer.state).then_some(row.state);
                row.replace(peer, stamped.at);
            });
            if let Some(from) = missed {
                self.journal.note(stamped, Some(&peer.info), What::State { from, to: peer.state });
            }
        }
        if self.rows.len() > snapshot.peers.len() {
            self.rows.retain(&snapshot.peers.iter().map(|peer| peer.info.key).collect());
        }
    }
}
