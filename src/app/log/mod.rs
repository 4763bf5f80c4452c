//! The log pane: tui-logger captures, this module keeps and shows.
//!
//! tui-logger is global to the process and made for loggers: its hot buffer takes a record without waiting, is
//! bounded, and counts what overflowed. Its widget is made for looking on: it moves by half pages, cannot search, and
//! loses its place at a resize. So `capture` hands every record to tui-logger, and before a frame lets it move what
//! waits and *visits* it: a widget without a column shows each record to its formatter, which copies it and draws
//! nothing; then tui-logger's own buffer is emptied, so that it only ever holds what is new. From there on all is
//! ours, without clocks or globals: `records` keeps the last records, `pane` knows the filters, the search and the
//! place, and draws what is visible. tui-logger's own start-up would add a thread that wakes a hundred times a second;
//! the layer here wakes the screen only when there is a record.

mod capture;
mod draw;
mod filter;
mod pane;
mod place;
mod records;
mod rows;
mod search;
mod sheet;
mod title;
mod wrap;

#[cfg(test)]
mod tests;

pub use capture::{init, take_lines};
pub use pane::LogPane;
pub use records::{MAX_MESSAGE, MAX_RECORDS};
pub use search::MAX_SEARCH;
pub use wrap::Wrap;

pub(super) use capture::{new_lines, record};

/// The log's name for lines that are events: they are whole sentences, and their fields only repeat them for those
/// who search the log file.
pub const EVENTS: &str = "vigie::event";
