//! Changes of one entry in one table of a file's text: all else stays as it is, comments too.

use std::fmt::Write as _;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

/// The text of a file in which an entry of a table is this, or none.
pub(super) fn edited(text: &str, table: &str, name: &str, value: Option<&str>) -> String {
    let Some(found) = table_of(text, table) else {
        let Some(value) = value else { return text.to_owned() };
        let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let blank = if text.is_empty() { "" } else { "\n" };
        return format!("{text}{gap}{blank}[{table}]\n{} = {value}\n", key(name));
    };
    let (place, new) = match (found.entry(name), value) {
        (Some(entry), Some(value)) => (entry.clone(), format!("{} = {value}", key(name))),
        // What stands behind it in its line goes with it.
        (Some(entry), None) => (entry.start..next_line(text, entry.end), String::new()),
        (None, Some(value)) => (found.begin..found.begin, format!("{} = {value}\n", key(name))),
        (None, None) => return text.to_owned(),
    };
    let mut text = text.to_owned();
    if place.start == text.len() && !text.ends_with('\n') {
        text.push('\n');
        text.push_str(&new);
    } else {
        text.replace_range(place, &new);
    }
    text
}

/// Where a table stands in a text.
struct Table {
    /// Behind the line of its heading.
    begin: usize,
    /// Each entry: its name, and where it stands.
    entries: Vec<(String, Range<usize>)>,
}

impl Table {
    fn entry(&self, name: &str) -> Option<&Range<usize>> {
        self.entries.iter().find(|(known, _)| known == name).map(|(_, place)| place)
    }
}

fn table_of(text: &str, table: &str) -> Option<Table> {
    let document = DeTable::parse(text).ok()?;
    let (key, value) = document.get_ref().iter().find(|(key, _)| key.get_ref() == table)?;
    let DeValue::Table(found) = value.get_ref() else { return None };
    let begin = next_line(text, key.span().end);
    let entries = found.iter();
    let entries =
        entries.map(|(name, value)| (name.get_ref().to_string(), name.span().start..value.span().end));
    Some(Table { begin, entries: entries.collect() })
}

fn next_line(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end + 1)
}

/// A name as a key of TOML.
pub(super) fn key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { quoted(name) }
}

/// A text as a basic string of TOML.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(quoted, "\\{c}"),
            c if c.is_control() => write!(quoted, "\\u{:04X}", u32::from(c)),
            c => write!(quoted, "{c}"),
        };
    }
    quoted + "\""
}
