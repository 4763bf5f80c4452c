//! The pane: which records are shown, the search, and the place, which nothing but a move changes.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::SystemTime;

use log::{Level, LevelFilter};

use super::filter::LogFilter;
use super::place::{Anchor, LogPosition};
use super::records::{Record, RecordId, Records};
use super::search::Search;
use super::sheet::{At, Sheet};
use super::wrap::Wrap;
use crate::app::ui::Move;

/// The log pane. It keeps the last records, and shows those that its filters let through.
#[derive(Debug, Default)]
pub struct LogPane {
    pub(super) records: Records,
    pub(super) filter: LogFilter,
    /// Those that pass the filter, the oldest first: a frame finds its rows without asking any other.
    pub(super) shown: VecDeque<RecordId>,
    pub(super) search: Option<Search>,
    pub(super) place: LogPosition,
    wrap: Wrap,
    /// As drawn last.
    width: u16,
    pub(super) page: usize,
}

impl LogPane {
    /// Takes a record in.
    pub fn push(&mut self, wall: SystemTime, level: Level, target: &str, message: &str) {
        let id = self.records.push(wall, level, target, message);
        let oldest = self.records.oldest();
        while self.shown.front().is_some_and(|id| *id < oldest) {
            self.shown.pop_front();
        }
        if let Some(search) = &mut self.search {
            search.dropped(oldest);
        }
        let Some(record) = self.records.get(id).filter(|record| self.filter.passes(record)) else { return };
        self.shown.push_back(id);
        if let Some(search) = &mut self.search {
            search.seen(id, record);
        }
    }

    /// Says which level is the most detailed one that is recorded.
    pub fn set_recorded(&mut self, level: LevelFilter) {
        self.filter.recorded = level;
    }

    /// Whether the newest row is shown, and will be.
    pub fn follows(&self) -> bool {
        self.place == LogPosition::Follows
    }

    /// Shows the newest rows again.
    pub fn follow(&mut self) {
        self.keep_search();
        self.place = LogPosition::Follows;
    }

    /// Moves through the log, by rows. To go up is to stand, even where there is nothing above; to reach the last row
    /// is to follow.
    pub fn go(&mut self, to: Move) {
        self.keep_search();
        let sheet = self.sheet();
        let Some((top, lowest)) = self.top().zip(self.lowest()) else { return };
        let to = match to {
            Move::Up => Some(sheet.up(top, 1)),
            Move::PageUp => Some(sheet.up(top, self.page.max(1))),
            Move::HalfPageUp => Some(sheet.up(top, self.page.div_ceil(2).max(1))),
            Move::First => Some(At { index: 0, row: 0 }),
            Move::Down => Some(sheet.down(top, 1)).filter(|to| *to < lowest),
            Move::PageDown => Some(sheet.down(top, self.page.max(1))).filter(|to| *to < lowest),
            Move::HalfPageDown => {
                Some(sheet.down(top, self.page.div_ceil(2).max(1))).filter(|to| *to < lowest)
            }
            Move::Last => None,
        };
        self.place = to.and_then(|to| self.standing_on(to)).map_or(LogPosition::Follows, LogPosition::Stands);
    }

    /// Shows one level less: from all that is recorded down to errors alone, then all again.
    pub fn cycle_level(&mut self) {
        self.filter.cycle_level();
        self.refilter();
    }

    /// Shows records up to a level.
    pub fn set_level(&mut self, level: Level) {
        self.filter.level = Some(level);
        self.refilter();
    }

    /// Shows the records of the next target alone: all, events, then the others that were seen, and round.
    pub fn cycle_target(&mut self) {
        self.filter.cycle_target(&self.records.targets());
        self.refilter();
    }

    /// Wraps long texts, or cuts them.
    pub fn toggle_wrap(&mut self) {
        self.wrap = match self.wrap {
            Wrap::Wrapped => Wrap::Cut,
            Wrap::Cut => Wrap::Wrapped,
        };
    }

    /// What is done with long texts.
    pub fn wrap(&self) -> Wrap {
        self.wrap
    }

    /// Searches for a text, upper or lower case, as it is being typed: goes to the match that is nearest above the
    /// bottom of what was shown when the typing began, and back there when nothing matches or no text is left.
    pub fn set_search(&mut self, text: &str) {
        let origin = self.search.take().and_then(|search| search.origin).unwrap_or(self.place);
        self.place = origin;
        if text.is_empty() {
            return;
        }
        let mut search = Search::new(text, origin);
        search.count(self.shown_records());
        search.current = self.bottom_record().and_then(|bottom| search.nearest(bottom));
        self.search = Some(search);
        self.reveal();
    }

    /// The search is typed: the pane stays where it is now. To go anywhere means the same.
    pub fn keep_search(&mut self) {
        if let Some(search) = &mut self.search {
            search.origin = None;
        }
    }

    /// Ends the search; while it is being typed, goes back to where it began.
    pub fn clear_search(&mut self) {
        if let Some(origin) = self.search.take().and_then(|search| search.origin) {
            self.place = origin;
        }
    }

    /// What is searched for.
    pub fn search(&self) -> Option<&str> {
        self.search.as_ref().map(|search| search.text.as_str())
    }

    /// Goes to the next newer match, from the current one, or from what is shown where that one is out of observation; behind
    /// the last one comes the first.
    pub fn next_match(&mut self) {
        self.step(|search, current, shown| search.from(current.map_or(*shown.start(), RecordId::next)));
    }

    /// Goes to the next older match in the same way; before the first one comes the last.
    pub fn previous_match(&mut self) {
        self.step(|search, current, shown| search.before(current.unwrap_or(shown.end().next())));
    }

    fn step(&mut self, to: impl Fn(&Search, Option<RecordId>, RangeInclusive<RecordId>) -> Option<RecordId>) {
        self.keep_search();
        let top = self.top().and_then(|top| self.shown.get(top.index)).copied();
        let Some(shown) = top.zip(self.bottom_record()).map(|(top, bottom)| top..=bottom) else { return };
        let Some(search) = &mut self.search else { return };
        let current = search.current.filter(|current| shown.contains(current));
        search.current = to(search, current, shown);
        self.reveal();
    }

    /// Stands on the current match: where it is when it can be seen, else in the middle.
    fn reveal(&mut self) {
        let Some(search) = &self.search else { return };
        let Some((record, text)) =
            search.current.and_then(|id| Some((id, self.records.get(id)?.text.as_str())))
        else {
            return;
        };
        let offset = search.found(text).first().map_or(0, |found| found.start);
        let sheet = self.sheet();
        let seen = sheet
            .find(record, offset)
            .zip(self.top())
            .and_then(|(found, top)| sheet.below(top, found, self.page.max(1)));
        self.place = LogPosition::Stands(Anchor { record, offset, line: seen.unwrap_or(self.page / 2) });
    }

    fn refilter(&mut self) {
        let passing = self.records.iter().filter(|(_, record)| self.filter.passes(record));
        self.shown = passing.map(|(id, _)| id).collect();
        if let Some(mut search) = self.search.take() {
            search.count(self.shown_records());
            self.search = Some(search);
        }
    }

    fn shown_records(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        self.shown.iter().filter_map(|id| Some((*id, self.records.get(*id)?)))
    }

    /// How many records are newer than what is shown.
    pub(super) fn newer(&self) -> usize {
        self.bottom().map_or(0, |bottom| self.shown.len() - 1 - bottom.index)
    }

    pub(super) fn sheet(&self) -> Sheet<'_> {
        // Before the first frame a row is as long as it wants to be.
        let width = if self.width == 0 { u16::MAX } else { self.width };
        Sheet { records: &self.records, shown: &self.shown, wrap: self.wrap, width }
    }

    /// The row on top of the pane; none where no record is shown.
    pub(super) fn top(&self) -> Option<At> {
        let lowest = self.lowest()?;
        let LogPosition::Stands(anchor) = self.place else { return Some(lowest) };
        let sheet = self.sheet();
        let at = sheet.find(anchor.record, anchor.offset)?;
        Some(sheet.up(at, anchor.line.min(self.page.saturating_sub(1))).min(lowest))
    }

    /// The row on top of the pane when the newest one is at its bottom.
    fn lowest(&self) -> Option<At> {
        let sheet = self.sheet();
        Some(sheet.up(sheet.last()?, self.page.saturating_sub(1)))
    }

    /// The last row shown.
    fn bottom(&self) -> Option<At> {
        Some(self.sheet().down(self.top()?, self.page.saturating_sub(1)))
    }

    fn bottom_record(&self) -> Option<RecordId> {
        self.shown.get(self.bottom()?.index).copied()
    }

    fn standing_on(&self, top: At) -> Option<Anchor> {
        let sheet = self.sheet();
        let offset = sheet.rows(top.index)?.parts.get(top.row)?.start;
        Some(Anchor { record: *self.shown.get(top.index)?, offset, line: 0 })
    }

    /// Takes the size of the pane, and returns the row on top of it. Where rows from above fill the pane up, the place
    /// is that much lower from now on, so that it stays there when new rows come.
    pub(super) fn settle(&mut self, width: u16, page: usize) -> Option<At> {
        (self.width, self.page) = (width, page);
        let top = self.top()?;
        if let LogPosition::Stands(anchor) = self.place {
            let sheet = self.sheet();
            let at = sheet.find(anchor.record, anchor.offset)?;
            let line = sheet.below(top, at, page).unwrap_or(0).max(anchor.line);
            self.place = LogPosition::Stands(Anchor { line, ..anchor });
        }
        Some(top)
    }
}
