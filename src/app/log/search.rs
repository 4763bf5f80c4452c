//! A search of the shown records: what matches, and which match the eye is on.

use std::collections::VecDeque;
use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::place::LogPosition;
use super::records::{Record, RecordId};
use crate::text::is_printable;

/// Longest text that is searched for, in characters: a line of a prompt.
pub const MAX_SEARCH: usize = 100;

/// A search.
#[derive(Debug)]
pub(super) struct Search {
    /// As typed.
    pub(super) text: String,
    pattern: Regex,
    /// The shown records that match, the oldest first.
    matches: VecDeque<RecordId>,
    /// The match that the eye is on; it may have gone since.
    pub(super) current: Option<RecordId>,
    /// While it is being typed: where the pane was before.
    pub(super) origin: Option<LogPosition>,
}

impl Search {
    /// A search that has seen no record yet.
    pub(super) fn new(text: &str, origin: LogPosition) -> Self {
        let text: String = text.chars().filter(|c| is_printable(*c)).take(MAX_SEARCH).collect();
        let pattern = RegexBuilder::new(&regex::escape(&text)).case_insensitive(true).build();
        let pattern = pattern.expect("invariant: escaped, a hundred characters make a small pattern");
        Self { text, pattern, matches: VecDeque::new(), current: None, origin: Some(origin) }
    }

    /// Counts all the shown records anew.
    pub(super) fn count<'a>(&mut self, shown: impl Iterator<Item = (RecordId, &'a Record)>) {
        self.matches.clear();
        for (id, record) in shown {
            self.seen(id, record);
        }
    }

    /// A record is shown that is newer than the others.
    pub(super) fn seen(&mut self, id: RecordId, record: &Record) {
        if self.pattern.is_match(&record.text) {
            self.matches.push_back(id);
        }
    }

    /// What is older than this is no longer held.
    pub(super) fn dropped(&mut self, oldest: RecordId) {
        while self.matches.front().is_some_and(|id| *id < oldest) {
            self.matches.pop_front();
        }
    }

    /// Where a text matches, in bytes.
    pub(super) fn found(&self, text: &str) -> Vec<Range<usize>> {
        self.pattern.find_iter(text).map(|found| found.range()).collect()
    }

    /// The match at or before a record, or else the first one after it.
    pub(super) fn nearest(&self, id: RecordId) -> Option<RecordId> {
        let after = self.matches.partition_point(|found| *found <= id);
        self.matches.get(after.saturating_sub(1)).copied()
    }

    /// The match at or after a record, or else the first one.
    pub(super) fn from(&self, id: RecordId) -> Option<RecordId> {
        let at = self.matches.partition_point(|found| *found < id);
        self.matches.get(at).or_else(|| self.matches.front()).copied()
    }

    /// The match before a record, or else the last one.
    pub(super) fn before(&self, id: RecordId) -> Option<RecordId> {
        let at = self.matches.partition_point(|found| *found < id);
        at.checked_sub(1).map_or(self.matches.back(), |before| self.matches.get(before)).copied()
    }

    /// Which match the eye is on, from 1, and how many there are.
    pub(super) fn counts(&self) -> (Option<usize>, usize) {
        let current = self.current.and_then(|id| self.matches.binary_search(&id).ok());
        (current.map(|at| at + 1), self.matches.len())
    }
}
