//! Where the findings are looked at, and which of them a person does not want to be told of.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::movement::Move;
use crate::app::checkup::Checkup;
use crate::app::model::Incident;
use crate::engine::verdict::{Finding, FindingId};

/// How long a finding is muted at first, and the next time: a look later, and a meal later.
const SNOOZES: [Duration; 2] = [Duration::from_mins(15), Duration::from_hours(1)];

/// Until when a finding is muted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mute {
    /// Until then.
    Until(Instant),
    /// As long as it holds.
    UntilOver,
}

/// A line of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FindingRow {
    /// What is or was wrong in the network.
    Network(FindingId),
    /// What the doctor said of this machine: the nth.
    Machine(usize),
}

/// The lines of the list: what is wrong in the network, and below it what is wrong with this machine.
pub fn finding_rows(incidents: &[Incident], checkup: &Checkup) -> Vec<FindingRow> {
    let network = incidents.iter().map(|incident| FindingRow::Network(incident.finding.id));
    network.chain((0..checkup.remarks().len()).map(FindingRow::Machine)).collect()
}

/// The selection, and what is muted.
#[derive(Debug, Clone, Default)]
pub struct FindingsCursor {
    selected: Option<FindingRow>,
    /// Where it stood when it was drawn last: its neighbour takes its place.
    at: usize,
    /// Its evidence has the whole pane.
    is_open: bool,
    /// It is seen below the list.
    shows_evidence: bool,
    page: usize,
    top: usize,
    /// How often each was muted, and until when.
    muted: HashMap<FindingId, (usize, Mute)>,
}

impl FindingsCursor {
    /// The selected one.
    pub fn selected(&self) -> Option<FindingRow> {
        self.selected
    }

    /// Whether its evidence has the whole pane.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether its evidence is seen, below the list.
    pub fn shows_evidence(&self) -> bool {
        self.shows_evidence && !self.is_open
    }

    /// Its evidence was drawn below the list, or had no room.
    pub fn show_evidence(&mut self, is_seen: bool) {
        self.shows_evidence = is_seen;
    }

    /// Gives its evidence the whole pane, or takes it back. Returns whether it was there.
    pub fn open(&mut self, opens: bool) -> bool {
        std::mem::replace(&mut self.is_open, opens)
    }

    /// From the list's first line, the gravest of those that are open.
    pub fn rewind(&mut self) {
        (self.selected, self.at, self.is_open) = (None, 0, false);
    }

    /// Selects one.
    pub fn pick(&mut self, row: FindingRow) {
        self.selected = Some(row);
    }

    /// Moves through the list.
    pub fn go(&mut self, to: Move, rows: &[FindingRow]) {
        self.hold(rows);
        let at = to.from(self.at, rows.len(), self.page);
        self.selected = rows.get(at).copied();
        self.at = at;
    }

    /// Selects another one if the selected one is gone. Returns the position of the selected one.
    pub fn hold(&mut self, rows: &[FindingRow]) -> Option<usize> {
        let at = rows.iter().position(|row| Some(*row) == self.selected);
        self.at = at.unwrap_or_else(|| self.at.min(rows.len().saturating_sub(1)));
        self.selected = rows.get(self.at).copied();
        self.selected.map(|_| self.at)
    }

    /// The first of `page` lines, among which the selected one is.
    pub fn settle(&mut self, rows: &[FindingRow], page: usize) -> usize {
        self.page = page;
        self.hold(rows);
        let page = page.max(1);
        let last_top = rows.len().saturating_sub(page);
        self.top = self.top.clamp((self.at + 1).saturating_sub(page), self.at).min(last_top);
        self.top
    }

    /// Mutes one for longer than before, and at last not at all. Returns until when.
    pub fn mute(&mut self, finding: FindingId, now: Instant) -> Option<Mute> {
        let times = self.mute_of(finding, now).and_then(|_| self.muted.remove(&finding));
        let times = times.map_or(0, |(times, _)| times + 1);
        let mute = match SNOOZES.get(times) {
            Some(snooze) => Mute::Until(now + *snooze),
            None if times == SNOOZES.len() => Mute::UntilOver,
            None => return None,
        };
        self.muted.insert(finding, (times, mute));
        Some(mute)
    }

    /// Until when one is muted; none where it is not, or no longer.
    pub fn mute_of(&self, finding: FindingId, now: Instant) -> Option<Mute> {
        let (_, mute) = self.muted.get(&finding).copied()?;
        (!matches!(mute, Mute::Until(until) if until <= now)).then_some(mute)
    }

    /// Those that people are to be told of.
    pub fn told<'f>(&self, findings: &'f [Arc<Finding>], now: Instant) -> Cow<'f, [Arc<Finding>]> {
        let is_told = |finding: &&Arc<Finding>| self.mute_of(finding.id, now).is_none();
        if findings.iter().all(|finding| is_told(&finding)) {
            return findings.into();
        }
        findings.iter().filter(is_told).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::verdict::Verdict;
    use crate::testkit;

    #[test]
    fn each_time_a_finding_is_muted_for_longer_and_then_no_more() {
        let (mut cursor, t0) = (FindingsCursor::default(), testkit::t0());
        let finding = testkit::finding(&testkit::peer(1, "h1"), Verdict::HostDown, t0);
        let (id, findings) = (finding.id, [Arc::new(finding)]);
        let minutes = |minutes| t0 + Duration::from_mins(minutes);
        let told = |cursor: &FindingsCursor, at| cursor.told(&findings, at).len();
        assert_eq!(cursor.mute(id, t0), Some(Mute::Until(minutes(15))));
        assert_eq!((told(&cursor, minutes(14)), told(&cursor, minutes(15))), (0, 1));
        assert_eq!(cursor.mute(id, minutes(1)), Some(Mute::Until(minutes(61))));
        assert_eq!(cursor.mute(id, minutes(2)), Some(Mute::UntilOver));
        assert_eq!(told(&cursor, minutes(10_000)), 0);
        assert_eq!((cursor.mute(id, minutes(3)), told(&cursor, minutes(3))), (None, 1));
        assert_eq!(cursor.mute(id, minutes(70)), Some(Mute::Until(minutes(85))), "from the beginning");
    }
}
