//! What is typed behind the word of an action: `:columns name state`, `:theme dark`.

use std::time::Duration;

use clap::ValueEnum as _;
use tracing::level_filters::LevelFilter;

use super::columns::TableColumns;
use super::timeline::TimelineSpan;
use crate::app::appearance::ThemeName;
use crate::app::keymap::Action;
use crate::app::model::{NOTE_MAX, SavedFilter, SavedFilters};
use crate::engine::config::DialInterval;
use crate::text::nearest;

/// An action with what was typed for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// The table has these columns.
    Columns(TableColumns),
    /// These are the colours.
    Theme(ThemeName),
    /// This is noted of the selected peer; without words nothing is.
    Note(Option<String>),
    /// The log records this much.
    LogLevel(LevelFilter),
    /// The timeline shows this much of the past; without a choice, all that is known.
    Span(Option<TimelineSpan>),
    /// Each peer is dialed so often.
    Interval(DialInterval),
    /// Peers are listed by this.
    Filter(SavedFilter),
    /// The filter is saved under this name; without one, nothing is any more.
    SaveFilter(String),
}

impl Typed {
    /// Reads what was typed for an action.
    ///
    /// # Errors
    /// What is expected, in one line.
    pub fn read(action: Action, words: &str, filters: &SavedFilters) -> Result<Self, String> {
        match action {
            Action::Theme => theme(words.trim()).map(Self::Theme),
            Action::LogLevel => level(words.trim()).map(Self::LogLevel),
            Action::Note => note(words.trim()).map(Self::Note),
            Action::Span => span(words.trim()).map(Self::Span),
            Action::Interval => interval(words.trim()).map(Self::Interval),
            Action::SavedFilter => saved(words.trim(), filters).map(Self::Filter),
            Action::SaveFilter => match SavedFilter::refused_name(words.trim()) {
                Some(why) => Err(why),
                None => Ok(Self::SaveFilter(words.trim().to_owned())),
            },
            _ => words.parse().map(Self::Columns),
        }
    }

    /// What may be typed for an action.
    pub fn expected(action: Action) -> String {
        match action {
            Action::Theme => format!("One of {}.", themes().join(", ")),
            Action::LogLevel => format!("One of {}.", LEVELS.map(|(name, _)| name).join(", ")),
            Action::SavedFilter => "The name of a saved filter.".to_owned(),
            Action::SaveFilter => {
                "A name for the filter of the peers; without a filter, one to take away.".to_owned()
            }
            Action::Note => {
                "A line about the selected peer, which its details show; nothing to take it away.".to_owned()
            }
            Action::Interval => {
                format!("Seconds, or a time like 500ms or 2m; or {AUTO}, by the number of peers.")
            }
            Action::Span => {
                format!(
                    "One of {}; or {AUTO}, as much as is known.",
                    TimelineSpan::ALL.map(TimelineSpan::as_str).join(", ")
                )
            }
            _ => "Names of columns from the left, name=30 for a width, or default.".to_owned(),
        }
    }
}

/// What leaves a choice to vigie.
const AUTO: &str = "auto";

/// What can be taken in the place of more typing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// As it is typed.
    pub name: String,
    /// What it stands for, if its name does not say that.
    pub about: String,
}

impl Choice {
    /// Those for an action that begin as what is typed.
    pub fn of(action: Action, typed: &str, filters: &SavedFilters) -> Vec<Self> {
        let named = |name: String| Self { name, about: String::new() };
        let all: Vec<Self> = match action {
            Action::Theme => themes().into_iter().map(named).collect(),
            Action::LogLevel => LEVELS.map(|(name, _)| named(name.to_owned())).to_vec(),
            Action::Span => spans().map(|name| named(name.to_owned())).collect(),
            Action::SavedFilter => {
                let all = filters.all().iter().cloned();
                all.map(|filter| Self { name: filter.name, about: filter.text }).collect()
            }
            _ => Vec::new(),
        };
        all.into_iter().filter(|choice| choice.name.starts_with(typed.trim())).collect()
    }
}

fn saved(name: &str, filters: &SavedFilters) -> Result<SavedFilter, String> {
    filters.get(name).cloned().ok_or_else(|| match filters.all() {
        [] => "no filter is saved yet: :save NAME saves the current one".to_owned(),
        all => format!("unknown filter {name}{}", nearest(name, all.iter().map(|filter| &*filter.name))),
    })
}

/// What the log can record.
const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

fn level(name: &str) -> Result<LevelFilter, String> {
    let level = LEVELS.into_iter().find(|(known, _)| *known == name).map(|(_, level)| level);
    level.ok_or_else(|| format!("unknown level {name}{}", nearest(name, LEVELS.map(|(name, _)| name))))
}

fn spans() -> impl Iterator<Item = &'static str> {
    std::iter::once(AUTO).chain(TimelineSpan::ALL.map(TimelineSpan::as_str))
}

fn span(text: &str) -> Result<Option<TimelineSpan>, String> {
    if text == AUTO { Ok(None) } else { text.parse().map(Some) }
}

fn interval(text: &str) -> Result<DialInterval, String> {
    if text == AUTO {
        return Ok(DialInterval::Auto);
    }
    let seconds = text.parse().ok().map(Duration::from_secs);
    let period = seconds.or_else(|| humantime::parse_duration(text).ok());
    let period = period.filter(|period| (DialInterval::SHORTEST..=DialInterval::LONGEST).contains(period));
    period.map(DialInterval::Every).ok_or_else(|| format!("a time from 100ms to 1h is expected, or {AUTO}"))
}

fn note(text: &str) -> Result<Option<String>, String> {
    match text.chars().count() {
        0 => Ok(None),
        1..=NOTE_MAX => Ok(Some(text.to_owned())),
        long => Err(format!("a note has at most {NOTE_MAX} characters, and this has {long}")),
    }
}

fn theme(name: &str) -> Result<ThemeName, String> {
    let themes = themes();
    let known = themes.iter().map(String::as_str);
    ThemeName::from_str(name, false).map_err(|_| format!("unknown theme {name}{}", nearest(name, known)))
}

fn themes() -> Vec<String> {
    let values = ThemeName::value_variants().iter().filter_map(clap::ValueEnum::to_possible_value);
    values.map(|value| value.get_name().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(action: Action, words: &str) -> Result<Typed, String> {
        let slow = super::SavedFilter { name: "slow".into(), text: "rtt>5ms".into() };
        Typed::read(action, words, &[slow].into_iter().collect())
    }

    #[test]
    fn what_is_typed_for_an_action_is_read_or_refused_with_the_nearest_name() {
        use Action::{Columns, Interval, LogLevel, Note, SaveFilter, SavedFilter, Span, Theme};
        assert_eq!(read(Theme, "high-contrast "), Ok(Typed::Theme(ThemeName::HighContrast)));
        assert_eq!(read(LogLevel, "debug"), Ok(Typed::LogLevel(LevelFilter::DEBUG)));
        assert!(matches!(read(Columns, "name rtt"), Ok(Typed::Columns(_))));
        assert_eq!(read(Note, " by the sea "), Ok(Typed::Note(Some("by the sea".to_owned()))));
        assert_eq!(read(Span, "15m"), Ok(Typed::Span(Some(TimelineSpan::QuarterHour))));
        assert_eq!(read(Span, "auto"), Ok(Typed::Span(None)));
        let every = |millis| Ok(Typed::Interval(DialInterval::Every(Duration::from_millis(millis))));
        assert_eq!(
            ["30", "500ms", "1h"].map(|text| read(Interval, text)),
            [30_000, 500, 3_600_000].map(every)
        );
        assert_eq!(read(Interval, "auto "), Ok(Typed::Interval(DialInterval::Auto)));
        for text in ["", "0", "50ms", "2h", "-1", "often"] {
            assert!(read(Interval, text).unwrap_err().contains("100ms to 1h"), "{text}");
        }
        assert_eq!(read(Note, ""), Ok(Typed::Note(None)));
        assert!(read(Note, &"x".repeat(241)).unwrap_err().contains("at most 240"));
        for (action, words, said) in [
            (Theme, "drak", "unknown theme drak; the nearest name is dark"),
            (LogLevel, "debgu", "unknown level debgu; the nearest name is debug"),
            (Span, "24hr", "unknown time 24hr; the nearest name is 24h"),
            (SavedFilter, "slwo", "unknown filter slwo; the nearest name is slow"),
            (SaveFilter, "two words", "the name of a filter is one word of at most 24 characters"),
            (Columns, "nmae", "unknown column nmae; the nearest name is name"),
        ] {
            assert_eq!(read(action, words), Err(said.to_owned()));
        }
        assert_eq!(Typed::expected(Theme), "One of terminal, dark, light, high-contrast.");
    }
}
