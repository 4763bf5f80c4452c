//! The log pane: tui-logger behind our own layer and formatter.
//!
//! tui-logger is global to the process, so its lines are no part of the model: the pane shows what this process
//! logs. Its own start-up would add a thread that wakes a hundred times a second; the layer here wakes the screen
//! only when there is a line, and the screen moves the lines itself.

use std::fmt::{self, Write as _};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget, TuiWidgetEvent, TuiWidgetState};

use super::theme::Theme;
use super::ui::Move;
use super::view::text::wrap;

/// The log's name for lines that are events: they are whole sentences, and their fields only repeat them for those
/// who search the log file.
pub const EVENTS: &str = "vigie::event";

/// Lines that may wait for the screen: more than it keeps is of no use. What overflows is counted in the pane.
const WAITING_LINES: usize = 10_000;

/// Characters of a message that are shown: a message of megabytes would take a third of a second to draw.
const MAX_MESSAGE: usize = 500;

/// Screen lines of one message: enough for [`MAX_MESSAGE`] on wide terminals, and a bound on narrow ones.
const MAX_LINES: usize = 8;

/// Rung when there is a new line.
static NEW_LINES: Notify = Notify::const_new();

/// Prepares the log pane, and returns the layer that feeds it. Give the layer to the process's subscriber, with a
/// filter of its own; `max` is the most detailed level the pane will ever show.
pub fn init<S>(max: LevelFilter) -> impl Layer<S>
where
    S: Subscriber,
{
    tui_logger::set_hot_buffer_depth(WAITING_LINES);
    tui_logger::set_default_level(match max.into_level() {
        None => tui_logger::LevelFilter::Off,
        Some(tracing::Level::ERROR) => tui_logger::LevelFilter::Error,
        Some(tracing::Level::WARN) => tui_logger::LevelFilter::Warn,
        Some(tracing::Level::INFO) => tui_logger::LevelFilter::Info,
        Some(tracing::Level::DEBUG) => tui_logger::LevelFilter::Debug,
        Some(_) => tui_logger::LevelFilter::Trace,
    });
    PaneLayer { max }
}

/// Hands everything to tui-logger, and rings.
struct PaneLayer {
    max: LevelFilter,
}

impl<S: Subscriber> Layer<S> for PaneLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        if *metadata.level() > self.max {
            return;
        }
        let mut sentence = Sentence { only: metadata.target() == EVENTS, ..Sentence::default() };
        event.record(&mut sentence);
        let level = match *metadata.level() {
            tracing::Level::ERROR => log::Level::Error,
            tracing::Level::WARN => log::Level::Warn,
            tracing::Level::INFO => log::Level::Info,
            tracing::Level::DEBUG => log::Level::Debug,
            tracing::Level::TRACE => log::Level::Trace,
        };
        let mut record = log::Record::builder();
        record.level(level).target(metadata.target());
        tui_logger::Drain::new()
            .log(&record.args(format_args!("{}{}", sentence.message, sentence.fields)).build());
        NEW_LINES.notify_one();
    }
}

/// A line's message, with its fields behind it.
#[derive(Default)]
struct Sentence {
    /// The message says it all.
    only: bool,
    message: String,
    fields: String,
}

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else if !self.only {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}

/// Waits until there is a new line.
pub(super) async fn new_lines() {
    NEW_LINES.notified().await;
}

/// Takes the waiting lines into the pane.
pub fn take_lines() {
    tui_logger::move_events();
}

/// The pane's scrolling, which tui-logger keeps.
pub struct LogScroll {
    state: TuiWidgetState,
    follows: bool,
    width: u16,
}

impl fmt::Debug for LogScroll {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogScroll").field("follows", &self.follows).finish_non_exhaustive()
    }
}

impl Default for LogScroll {
    fn default() -> Self {
        Self { state: TuiWidgetState::new(), follows: true, width: 0 }
    }
}

impl LogScroll {
    /// Whether the newest line is shown.
    pub fn follows(&self) -> bool {
        self.follows
    }

    /// Moves through the log. It moves by half pages only: that is what tui-logger can do.
    pub fn go(&mut self, to: Move) {
        match to {
            Move::Up | Move::PageUp => {
                self.state.transition(TuiWidgetEvent::PrevPageKey);
                self.follows = false;
            }
            Move::Down | Move::PageDown => self.state.transition(TuiWidgetEvent::NextPageKey),
            Move::First => {}
            Move::Last => self.follow(),
        }
    }

    /// Shows the newest lines again.
    pub fn follow(&mut self) {
        self.state.transition(TuiWidgetEvent::EscapeKey);
        self.follows = true;
    }

    /// Draws the lines.
    pub fn render(&mut self, area: Rect, buf: &mut Buffer, theme: Theme) {
        if area.is_empty() {
            return;
        }
        if self.width != area.width {
            // tui-logger remembers lines of wrapped messages, and panics when a message, wrapped at another
            // width, has no such line: it has to forget.
            *self = Self { width: area.width, ..Self::default() };
        }
        TuiLoggerWidget::default()
            .style(theme.text())
            .formatter(Box::new(Formatter { theme }))
            .state(&self.state)
            .render(area, buf);
    }
}

struct Formatter {
    theme: Theme,
}

impl LogFormatter for Formatter {
    fn min_width(&self) -> u16 {
        1
    }

    fn format(&self, width: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        let time = record.timestamp.timestamp().strftime("%H:%M:%S").to_string();
        let level = record.level.to_level_filter();
        lines(&time, level, record.target(), record.msg(), width, self.theme)
    }
}

/// One message as lines of at most `width` columns, never none of them.
fn lines<'a>(
    time: &str,
    level: tui_logger::LevelFilter,
    target: &str,
    message: &str,
    width: usize,
    theme: Theme,
) -> Vec<Line<'a>> {
    let own = target.strip_prefix("vigie::").or(target.strip_prefix("vigie")).unwrap_or(target);
    let source = if own.is_empty() || target == EVENTS { String::new() } else { format!("{own}: ") };
    let mut shown: String = message.trim().chars().take(MAX_MESSAGE).collect();
    if shown.len() < message.trim().len() {
        shown.push('…');
    }
    let head = format!("{time} {:<5} ", level.as_str());
    let indent = head.len();
    let style = theme.level(level);
    if width <= indent + 10 {
        // Too narrow for an indent: the message matters more than the time.
        return wrap(&shown, width, MAX_LINES).into_iter().map(|line| Line::styled(line, style)).collect();
    }
    let rows = wrap(&format!("{source}{shown}"), width - indent, MAX_LINES);
    let rows = rows.into_iter().enumerate().map(|(i, row)| {
        if i > 0 {
            return Line::from(vec![Span::raw(" ".repeat(indent)), Span::styled(row, style)]);
        }
        let level = Span::styled(format!("{:<5} ", level.as_str()), style);
        let mut spans = vec![Span::styled(format!("{time} "), theme.dim()), level];
        match row.strip_prefix(&source) {
            Some(rest) => spans
                .extend([Span::styled(source.clone(), theme.dim()), Span::styled(rest.to_owned(), style)]),
            None => spans.push(Span::styled(row, style)),
        }
        Line::from(spans)
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(message: &str, width: usize) -> Vec<String> {
        lines("12:00:00", tui_logger::LevelFilter::Warn, "vigie::net", message, width, Theme::PLAIN)
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn a_line_has_its_time_level_and_source_and_wraps_under_itself() {
        assert_eq!(texts("short", 40), ["12:00:00 WARN  net: short"]);
        assert_eq!(
            texts("a rather long message that wraps", 41),
            ["12:00:00 WARN  net: a rather long message", "               that wraps"]
        );
    }

    #[test]
    fn a_message_of_megabytes_is_cut_and_an_empty_one_is_still_a_line() {
        assert!(texts(&"x".repeat(5_000_000), 80).len() <= MAX_LINES);
        assert_eq!(texts("", 80).len(), 1);
        for width in 1..30 {
            let lines = texts("日本語 and e\u{301}tude", width);
            assert!(!lines.is_empty() && lines.len() <= MAX_LINES, "{width}");
        }
    }
}
