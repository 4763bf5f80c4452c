//! Which records are shown: up to a level, and of one target or of all.

use std::sync::Arc;

use log::{Level, LevelFilter};

use super::EVENTS;
use super::records::{Record, source};

/// The filter of the pane. It can only leave out what is recorded.
#[derive(Debug)]
pub(super) struct LogFilter {
    /// The most detailed level that is recorded.
    pub(super) recorded: LevelFilter,
    /// The most detailed level that is shown; none before it was chosen: then all that is recorded is shown.
    pub(super) level: Option<Level>,
    /// The one target that is shown; none shows all.
    pub(super) target: Option<Arc<str>>,
}

impl Default for LogFilter {
    fn default() -> Self {
        Self { recorded: LevelFilter::Info, level: None, target: None }
    }
}

impl LogFilter {
    /// Whether a record is shown.
    pub(super) fn passes(&self, record: &Record) -> bool {
        self.level.is_none_or(|level| record.level <= level)
            && self.target.as_ref().is_none_or(|target| *target == record.target)
    }

    /// The next level: from all that is recorded down to errors alone, and round.
    pub(super) fn cycle_level(&mut self) {
        self.level = match self.level.map_or(self.recorded, |level| level.to_level_filter()) {
            LevelFilter::Trace => Some(Level::Debug),
            LevelFilter::Debug => Some(Level::Info),
            LevelFilter::Info => Some(Level::Warn),
            LevelFilter::Warn => Some(Level::Error),
            LevelFilter::Error | LevelFilter::Off => None,
        };
    }

    /// The next of these targets: from all to the first, and from the last to all. When the chosen one is no more
    /// among them, all are shown.
    pub(super) fn cycle_target(&mut self, targets: &[Arc<str>]) {
        let next = match &self.target {
            None => Some(0),
            Some(target) => targets.iter().position(|known| known == target).map(|at| at + 1),
        };
        self.target = next.and_then(|next| targets.get(next)).cloned();
    }

    /// The level in words: `info` where nothing is left out, `warn+` where something is, and when more was asked for
    /// than is recorded, what there is.
    pub(super) fn level_word(&self) -> String {
        let recorded = word(self.recorded);
        match self.level {
            None => recorded.to_owned(),
            Some(level) if level > self.recorded => {
                format!("{} (recorded: {recorded})", word(level.to_level_filter()))
            }
            Some(Level::Error) => word(LevelFilter::Error).to_owned(),
            Some(level) if level == self.recorded => recorded.to_owned(),
            Some(level) => format!("{}+", word(level.to_level_filter())),
        }
    }

    /// The target in a word.
    pub(super) fn target_word(&self) -> &str {
        match self.target.as_deref() {
            None => "all",
            Some(EVENTS) => "events",
            Some(target) if source(target).is_empty() => target,
            Some(target) => source(target),
        }
    }
}

fn word(level: LevelFilter) -> &'static str {
    match level {
        LevelFilter::Off => "nothing",
        LevelFilter::Error => "error",
        LevelFilter::Warn => "warn",
        LevelFilter::Info => "info",
        LevelFilter::Debug => "debug",
        LevelFilter::Trace => "trace",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_goes_from_all_that_is_recorded_down_to_errors_and_round() {
        let mut filter = LogFilter::default();
        assert_eq!(filter.level_word(), "info");
        let mut words = || {
            filter.cycle_level();
            filter.level_word()
        };
        let seen: Vec<_> = (0..5).map(|_| words()).collect();
        assert_eq!(seen, ["warn+", "error", "info", "warn+", "error"]);
    }

    #[test]
    fn where_nothing_is_recorded_the_level_says_so() {
        let mut filter = LogFilter { recorded: LevelFilter::Off, ..LogFilter::default() };
        assert_eq!(filter.level_word(), "nothing");
        filter.cycle_level();
        assert_eq!(filter.level_word(), "nothing", "there is no less");
        filter.level = Some(Level::Error);
        assert_eq!(filter.level_word(), "error (recorded: nothing)");
    }

    #[test]
    fn the_target_goes_from_all_through_those_seen_to_all() {
        let mut filter = LogFilter::default();
        let targets = [EVENTS, "hyper", "vigie", "vigie::net"].map(Arc::from);
        let mut words = vec![filter.target_word().to_owned()];
        for _ in 0..5 {
            filter.cycle_target(&targets);
            words.push(filter.target_word().to_owned());
        }
        assert_eq!(words, ["all", "events", "hyper", "vigie", "net", "all"]);
        filter.cycle_target(&targets);
        filter.cycle_target(&[]);
        assert_eq!(filter.target_word(), "all", "the chosen one is gone");
    }
}
