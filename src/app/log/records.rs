//! The last records of the log, in a ring, cleaned for the screen.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::SystemTime;

use log::Level;

use super::EVENTS;
use crate::text::is_printable;

/// Records kept: hours of a usual network at `info`, minutes of a crowd at `debug`, and at most 20 MB; the log file has
/// all.
pub const MAX_RECORDS: usize = 10_000;

/// Characters of a message that are kept: no sentence of ours is as long, and a message of megabytes would take all
/// the memory.
pub const MAX_MESSAGE: usize = 500;

/// Numbers the records from 0 in the order they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RecordId(pub(super) u64);

impl RecordId {
    /// The number after it.
    pub(super) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) wall: SystemTime,
    pub(super) level: Level,
    pub(super) target: Arc<str>,
    /// The source and the message: one line of words with single blanks between them, without control characters.
    pub(super) text: String,
    /// Bytes of the text before the message.
    pub(super) source: usize,
}

/// The last [`MAX_RECORDS`] records.
#[derive(Debug, Default)]
pub(super) struct Records {
    ring: VecDeque<Record>,
    /// Number of the oldest one held.
    first: u64,
    /// The targets of those held, each with how many there are.
    targets: BTreeMap<Arc<str>, usize>,
}

impl Records {
    /// Takes a record in; the oldest one goes if there are too many.
    pub(super) fn push(&mut self, wall: SystemTime, level: Level, target: &str, message: &str) -> RecordId {
        if self.ring.len() == MAX_RECORDS {
            self.drop_oldest();
        }
        let target =
            self.targets.get_key_value(target).map_or_else(|| target.into(), |(known, _)| known.clone());
        *self.targets.entry(Arc::clone(&target)).or_default() += 1;
        let mut text = match source(&target) {
            "" => String::new(),
            _ if &*target == EVENTS => String::new(),
            source => format!("{source}: "),
        };
        let source = text.len();
        text.push_str(&clean(message));
        self.ring.push_back(Record { wall, level, target, text, source });
        RecordId(self.first + self.ring.len() as u64 - 1)
    }

    fn drop_oldest(&mut self) {
        let Some(oldest) = self.ring.pop_front() else { return };
        self.first += 1;
        if let Some(count) = self.targets.get_mut(&oldest.target) {
            *count -= 1;
            if *count == 0 {
                self.targets.remove(&oldest.target);
            }
        }
    }

    /// The record of this number, if it is still held.
    pub(super) fn get(&self, id: RecordId) -> Option<&Record> {
        self.ring.get(usize::try_from(id.0.checked_sub(self.first)?).ok()?)
    }

    /// Number of the oldest record that is held.
    pub(super) fn oldest(&self) -> RecordId {
        RecordId(self.first)
    }

    /// Whether nothing was logged yet.
    pub(super) fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// All of them, the oldest first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (RecordId, &Record)> {
        (self.first..).map(RecordId).zip(&self.ring)
    }

    /// The targets of those held: the events first, then by name.
    pub(super) fn targets(&self) -> Vec<Arc<str>> {
        let mut targets: Vec<_> = self.targets.keys().cloned().collect();
        targets.sort_by_key(|target| &**target != EVENTS);
        targets
    }
}

/// What a target is called in a line: the path inside this program, or the whole one. Empty for the program's root.
pub(super) fn source(target: &str) -> &str {
    match target.strip_prefix("vigie") {
        Some("") => "",
        Some(rest) => rest.strip_prefix("::").unwrap_or(target),
        None => target,
    }
}

/// A message as one line, cut to [`MAX_MESSAGE`] characters and then marked.
fn clean(message: &str) -> String {
    let words = message.split(char::is_whitespace).map(|word| word.chars().filter(|c| is_printable(*c)));
    let mut text = String::new();
    let mut room = MAX_MESSAGE;
    for word in words {
        let mut word = word.peekable();
        if word.peek().is_some() && !text.is_empty() {
            text.push(' ');
            room = room.saturating_sub(1);
        }
        for c in word {
            if room == 0 {
                text.truncate(text.trim_end().len());
                text.push('…');
                return text;
            }
            text.push(c);
            room -= 1;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(records: &mut Records, target: &str, message: &str) -> RecordId {
        records.push(SystemTime::UNIX_EPOCH, Level::Info, target, message)
    }

    #[test]
    fn the_ring_is_bounded_and_numbers_stay_true() {
        let mut records = Records::default();
        for i in 0..MAX_RECORDS as u64 + 7 {
            assert_eq!(push(&mut records, "vigie", &i.to_string()), RecordId(i));
        }
        assert_eq!(records.iter().count(), MAX_RECORDS);
        assert_eq!(records.oldest(), RecordId(7));
        assert_eq!(records.get(RecordId(6)), None);
        assert_eq!(records.get(RecordId(7)).unwrap().text, "7");
        assert_eq!(records.get(RecordId(MAX_RECORDS as u64 + 7)), None);
        assert!(records.iter().all(|(id, record)| record.text == id.0.to_string()));
    }

    #[test]
    fn targets_are_known_as_long_as_a_record_has_them_events_first() {
        let mut records = Records::default();
        for target in ["hyper", "vigie::net", EVENTS, "abc"] {
            push(&mut records, target, "x");
        }
        assert_eq!(records.targets(), [EVENTS, "abc", "hyper", "vigie::net"].map(Arc::from));
        for _ in 0..MAX_RECORDS {
            push(&mut records, "vigie::net", "x");
        }
        assert_eq!(records.targets(), ["vigie::net"].map(Arc::from));
    }

    #[test]
    fn a_text_begins_with_its_source_but_an_event_says_it_all() {
        let mut records = Records::default();
        for (target, text) in [
            ("vigie::net::dial", "net::dial: x"),
            ("vigie", "x"),
            (EVENTS, "x"),
            ("vigies", "vigies: x"),
            ("hyper", "hyper: x"),
        ] {
            let id = push(&mut records, target, "x");
            assert_eq!(records.get(id).unwrap().text, text);
        }
    }

    #[test]
    fn a_message_becomes_one_clean_line() {
        assert_eq!(clean(""), "");
        assert_eq!(clean("  two\twords\r\n and \x1b[2Jmore \x07 "), "two words and [2Jmore");
        assert_eq!(clean("山田 e\u{301}"), "山田 e\u{301}");
    }

    #[test]
    fn a_message_of_megabytes_is_cut_and_marked() {
        assert_eq!(clean(&"é".repeat(MAX_MESSAGE)), "é".repeat(MAX_MESSAGE));
        assert_eq!(clean(&"é".repeat(5_000_000)), "é".repeat(MAX_MESSAGE) + "…");
        let words = clean(&"long ".repeat(1_000_000));
        assert!(words.ends_with("long…") && words.chars().count() <= MAX_MESSAGE + 1, "{words}");
    }
}
