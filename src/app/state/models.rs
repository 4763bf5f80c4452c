//! The live model, and beside it the one that the display was frozen with.

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::app::Playback;
use crate::app::model::{Filter, GroupId, Model, Notes, Novelty, Sort};
use crate::engine::event::{Event, Stamped};

/// The display as it stood when it was paused.
#[derive(Debug)]
struct Frozen {
    model: Model,
    at: Instant,
    behind: u64,
}

/// What is known, and what of it is shown.
#[derive(Debug, Default)]
pub struct Models {
    live: Model,
    /// Boxed: it is rarely there.
    frozen: Option<Box<Frozen>>,
    /// If it is a recording.
    playback: Option<Playback>,
}

impl Models {
    /// Knows this from now on, listed, sorted and noted as before.
    pub(super) fn replace(&mut self, mut model: Model) {
        model.set_filter(self.live.filter().clone());
        model.set_sort(self.live.sort());
        model.set_notes(Arc::clone(self.live.notes()));
        model.list_left(self.live.lists_left());
        model.group_as(&self.live);
        self.live = model;
    }

    /// The live model.
    pub fn live(&self) -> &Model {
        &self.live
    }

    /// What is shown: the live model, or the frozen one.
    pub fn shown(&self) -> &Model {
        self.frozen.as_ref().map_or(&self.live, |frozen| &frozen.model)
    }

    /// The time that is shown: while paused, countdowns stand still too.
    pub fn shown_at(&self, now: Instant) -> Instant {
        self.frozen.as_ref().map_or_else(|| self.live_at(now), |frozen| frozen.at)
    }

    /// The time of the live model: of a recording, the moment to which it is played.
    pub fn live_at(&self, now: Instant) -> Instant {
        self.playback.map_or(now, |playback| playback.clock.shown_at(now))
    }

    /// When something will be seen that is to happen at a time that is shown; none if nothing moves.
    pub fn when(&self, shown: Instant) -> Option<Instant> {
        match self.playback {
            _ if self.is_frozen() => None,
            Some(playback) => playback.clock.when(shown),
            None => Some(shown),
        }
    }

    /// How it is played, if it is a recording.
    pub fn playback(&self) -> Option<&Playback> {
        self.playback.as_ref()
    }

    /// It is a recording, and from now on played so.
    pub fn play(&mut self, playback: Playback) {
        self.playback = Some(playback);
    }

    /// While paused, how many events the display is behind.
    pub fn behind(&self) -> Option<u64> {
        self.frozen.as_ref().map(|frozen| frozen.behind)
    }

    /// Whether the display is paused.
    pub fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// The time of day that is shown, as the events tell it; none before the first.
    pub fn wall(&self, now: Instant) -> Option<SystemTime> {
        self.shown().wall(self.shown_at(now))
    }

    /// Takes an event into the live model. Returns what is new in the matrix, if it is about that.
    pub(super) fn fold(&mut self, stamped: &Stamped) -> Option<Novelty> {
        if let Some(frozen) = &mut self.frozen
            && !matches!(stamped.event, Event::Snapshot(_) | Event::Matrix(_))
        {
            frozen.behind = frozen.behind.saturating_add(1);
        }
        self.live.fold(stamped)
    }

    /// Time passes for the live model: what has had its time goes, and rows settle.
    pub(super) fn pass(&mut self, now: Instant) -> Passed {
        let (before, now) = (self.live.len(), self.live_at(now));
        self.live.expire(now);
        let settled = self.live.settle(now);
        let aged = self.live.age(now);
        Passed { rows: settled || self.live.len() != before, matrix: aged }
    }

    /// Freezes what is shown, or lets it run again.
    pub(super) fn pause(&mut self, now: Instant) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Box::new(Frozen { model: self.live.clone(), at: now, behind: 0 })),
        };
    }

    /// Filters both what is shown and what will be.
    pub(super) fn set_filter(&mut self, filter: &Filter) {
        self.each().for_each(|model| model.set_filter(filter.clone()));
    }

    /// Sorts both what is shown and what will be.
    pub(super) fn set_sort(&mut self, sort: Sort) {
        self.each().for_each(|model| model.set_sort(sort));
    }

    /// Notes this of peers, of what is shown and what will be.
    pub(super) fn set_notes(&mut self, notes: &Arc<Notes>) {
        self.each().for_each(|model| model.set_notes(Arc::clone(notes)));
    }

    /// Lists those that left, too, or does not.
    pub(super) fn list_left(&mut self, are_listed: bool) {
        self.each().for_each(|model| model.list_left(are_listed));
    }

    /// Groups the peers by subnet, or no more.
    pub(super) fn group(&mut self, are_grouped: bool) {
        self.each().for_each(|model| model.group(are_grouped));
    }

    /// Shows only the heading of a group, or its peers, too.
    pub(super) fn fold_group(&mut self, group: GroupId, is_folded: bool) {
        self.each().for_each(|model| model.fold_group(group, is_folded));
    }

    /// The same of all groups.
    pub(super) fn fold_groups(&mut self, are_folded: bool) {
        self.each().for_each(|model| model.fold_groups(are_folded));
    }

    fn each(&mut self) -> impl Iterator<Item = &mut Model> {
        self.frozen.as_mut().map(|frozen| &mut frozen.model).into_iter().chain([&mut self.live])
    }
}

/// What the time that passed has changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Passed {
    /// Which rows there are, or their order.
    pub(super) rows: bool,
    /// What is still believed of the matrix.
    pub(super) matrix: bool,
}
