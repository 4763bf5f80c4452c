//! A moment of a recording, as people name it.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

/// A moment of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum When {
    /// A date and a time, in seconds and nanoseconds since 1970.
    At(Duration),
    /// A time of day: the last one in the recording.
    OfDay(Time),
    /// So long before its end.
    BeforeEnd(Duration),
}

/// What is expected.
const EXPECTED: &str =
    "a time of day (14:30 or 14:30:05), an RFC 3339 time, or a duration before the end (5m)";

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Ok(before) = humantime::parse_duration(text) {
            return Ok(Self::BeforeEnd(before));
        }
        if let Ok(wall) = humantime::parse_rfc3339(text).or_else(|_| with_offset(text)) {
            let since = wall.duration_since(SystemTime::UNIX_EPOCH);
            return since.map(Self::At).map_err(|_| format!("{EXPECTED} is expected"));
        }
        let of_day = ["%H:%M:%S%.f", "%H:%M"].iter().find_map(|form| Time::strptime(form, text).ok());
        of_day.map(Self::OfDay).ok_or_else(|| format!("{EXPECTED} is expected"))
    }
}

fn with_offset(text: &str) -> Result<SystemTime, jiff::Error> {
    text.parse::<Timestamp>().map(SystemTime::from)
}

impl When {
    /// The moment, of a recording that lasts from the one to the other.
    pub fn of(self, (begin, end): (SystemTime, SystemTime), zone: &TimeZone) -> SystemTime {
        match self {
            Self::At(since) => SystemTime::UNIX_EPOCH + since,
            Self::BeforeEnd(before) => end.checked_sub(before).unwrap_or(begin),
            Self::OfDay(time) => {
                let last = zone.to_datetime(Timestamp::try_from(end).unwrap_or_default()).date();
                let on = |date: jiff::civil::Date| {
                    let zoned = zone.to_zoned(date.to_datetime(time)).ok()?;
                    Some(SystemTime::from(zoned.timestamp()))
                };
                let days = [Some(last), last.checked_sub(1.day()).ok()].into_iter().flatten();
                let found = days.filter_map(on).find(|moment| *moment <= end);
                found.unwrap_or(begin)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(text: &str) -> SystemTime {
        humantime::parse_rfc3339(text).unwrap()
    }

    #[test]
    fn a_moment_is_named_by_date_by_time_of_day_and_from_the_end() {
        let night = (wall("2026-11-26T22:00:00Z"), wall("2026-11-27T06:00:00Z"));
        for (text, is) in [
            ("2026-11-26T23:00:00Z", "2026-11-26T23:00:00Z"),
            ("2026-11-27T01:00:00+02:00", "2026-11-26T23:00:00Z"),
            ("23:30", "2026-11-26T23:30:00Z"),
            ("05:59:58", "2026-11-27T05:59:58Z"),
            ("90m", "2026-11-27T04:30:00Z"),
        ] {
            let when: When = text.parse().unwrap();
            assert_eq!(when.of(night, &TimeZone::UTC), wall(is), "{text}");
        }
        let in_berlin: When = "00:30".parse().unwrap();
        let berlin = TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(in_berlin.of(night, &berlin), wall("2026-11-26T23:30:00Z"));
    }

    #[test]
    fn what_is_no_moment_is_refused_with_what_is_expected() {
        for text in ["", "noon", "25:00", "1969-01-01T00:00:00Z", "12:00:00:00"] {
            assert!(text.parse::<When>().unwrap_err().contains("14:30"), "{text}");
        }
    }
}
