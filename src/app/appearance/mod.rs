//! How things look on this person's screen: colours, signs, motion, time zone.

pub mod signs;
mod theme;

use std::fmt;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use theme::{Depth, Theme, ThemeName};

/// How things look.
#[derive(Debug, Clone)]
pub struct Appearance {
    /// The colours.
    pub theme: Theme,
    /// How many of them the terminal shows.
    pub depth: Depth,
    /// Signs beyond ASCII are replaced.
    pub ascii: bool,
    /// Nothing flashes, and no bar runs: countdowns are figures that change once a second.
    pub still: bool,
    /// The person's time.
    pub zone: TimeZone,
}

impl Appearance {
    /// Colours, all signs, motion, and times in UTC.
    pub fn new(theme: Theme) -> Self {
        Self { theme, depth: Depth::Sixteen, ascii: false, still: false, zone: TimeZone::UTC }
    }

    /// The day and the time as a name of a file: `20261122-210557`.
    pub fn date_and_time(&self, wall: SystemTime) -> String {
        let time = self.zone.to_datetime(Timestamp::try_from(wall).unwrap_or_default());
        time.strftime("%Y%m%d-%H%M%S").to_string()
    }

    /// The time of day: hour, minute and second.
    pub fn time_of_day(&self, wall: SystemTime) -> (i8, i8, i8) {
        let time = Timestamp::try_from(wall).unwrap_or_default();
        let time = self.zone.to_datetime(time);
        (time.hour(), time.minute(), time.second())
    }

    /// A moment as seen from another: the time of day, and before it the date if that is another one.
    pub fn moment(&self, wall: SystemTime, from: SystemTime) -> impl fmt::Display + use<> {
        let [time, from] =
            [wall, from].map(|t| self.zone.to_datetime(Timestamp::try_from(t).unwrap_or_default()));
        time.strftime(if time.date() == from.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" })
    }

    /// Date, time and zone.
    pub fn date(&self, wall: SystemTime) -> impl fmt::Display + use<> {
        let time = Timestamp::try_from(wall).unwrap_or_default().to_zoned(self.zone.clone());
        fmt::from_fn(move |f| write!(f, "{}", time.strftime("%Y-%m-%d %H:%M:%S %Z")))
    }
}
