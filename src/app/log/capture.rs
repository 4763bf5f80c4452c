//! The side of the log pane that is global to the process: from tracing through tui-logger into a pane.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use log::{Level, LevelFilter};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Widget;
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;
use tui_logger::{ExtLogRecord, LogFormatter, TuiLoggerWidget};

use super::pane::LogPane;
use super::{EVENTS, MAX_MESSAGE};

/// Records that may wait for the screen: at its slowest of five frames a second, 20 000 a second. What overflows is
/// counted in the pane. tui-logger's widget takes time with more than their number: up to 30 ms for so many.
const WAITING_RECORDS: usize = 4_096;

/// Rung when there is a new record.
static NEW_LINES: Notify = Notify::const_new();

/// Whether there may be records that wait. Not the bell above: the run loop hears that one, and may be paused.
static WAITING: AtomicBool = AtomicBool::new(false);

/// The most detailed level that is recorded.
static RECORDED: Mutex<Option<LevelFilter>> = Mutex::new(None);

/// Has records filtered by another level.
static SET_LEVEL: OnceLock<Box<dyn Fn(tracing::level_filters::LevelFilter) + Send + Sync>> = OnceLock::new();

/// Prepares the log pane, and returns the layer that feeds it what this filter lets through. Give it to the process's subscriber.
pub fn init<S>(filter: Targets) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tui_logger::set_hot_buffer_depth(WAITING_RECORDS);
    set_recorded(&filter);
    empty();
    let (layer, handle) = reload::Layer::new(filter.clone());
    // The process has one subscriber, so this is the first time.
    let _ = SET_LEVEL.set(Box::new(move |level| {
        // What is said of single targets goes on to count.
        let filter = filter.clone().with_default(level);
        set_recorded(&filter);
        // Without a subscriber there is nothing to filter.
        let _ = handle.reload(filter);
    }));
    PaneLayer.with_filter(layer)
}

/// Records this much from now on. Returns it in a word.
pub(in crate::app) fn record(level: tracing::level_filters::LevelFilter) -> String {
    if let Some(set) = SET_LEVEL.get() {
        set(level);
    }
    if level == tracing::level_filters::LevelFilter::OFF { "nothing".to_owned() } else { level.to_string() }
}

fn set_recorded(filter: &Targets) {
    let most = filter.iter().map(|(_, level)| level).chain(filter.default_level()).max();
    let most = most.and_then(tracing::level_filters::LevelFilter::into_level);
    let recorded = most.map_or(LevelFilter::Off, |level| level_of(level).to_level_filter());
    tui_logger::set_default_level(recorded);
    *RECORDED.lock().unwrap_or_else(PoisonError::into_inner) = Some(recorded);
}

/// Hands everything to tui-logger, and rings.
struct PaneLayer;

impl<S: Subscriber> Layer<S> for PaneLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let mut sentence = Sentence { only: metadata.target() == EVENTS, ..Sentence::default() };
        event.record(&mut sentence);
        let mut record = log::Record::builder();
        record.level(level_of(*metadata.level())).target(metadata.target());
        let Sentence { message, fields, .. } = &sentence;
        tui_logger::Drain::new().log(&record.args(format_args!("{}{}", message.0, fields.0)).build());
        // After the record is there: whoever sees this finds it.
        WAITING.store(true, Ordering::Release);
        NEW_LINES.notify_one();
    }
}

fn level_of(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        tracing::Level::DEBUG => Level::Debug,
        tracing::Level::TRACE => Level::Trace,
    }
}

/// A record's message, with its fields behind it.
#[derive(Default)]
struct Sentence {
    /// The message says it all.
    only: bool,
    message: Beginning,
    fields: Beginning,
}

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // An error says that there is no more room; the pane marks what is cut.
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else if !self.only {
            let _ = write!(self.fields, " {}={value:?}", field.name());
        }
    }
}

/// The beginning of a text, with at least one character more than is kept: a message of megabytes is never built.
#[derive(Default)]
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let most = 4 * (MAX_MESSAGE + 1);
        let room = most.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        if text.len() > room { Err(fmt::Error) } else { Ok(()) }
    }
}

/// Waits until there is a new record.
pub(in crate::app) async fn new_lines() {
    NEW_LINES.notified().await;
}

/// Takes the waiting records into the pane. While it is not called, the pane stands still.
pub fn take_lines(pane: &mut LogPane) {
    if let Some(recorded) = *RECORDED.lock().unwrap_or_else(PoisonError::into_inner) {
        pane.set_recorded(recorded);
    }
    if !WAITING.swap(false, Ordering::Acquire) {
        return;
    }
    tui_logger::move_events();
    let visitor = Visitor::default();
    let visited = Arc::clone(&visitor.0);
    // As high as can be, so that the widget visits every record, and without a column, so that it draws none.
    let nowhere = Rect::new(0, 0, 0, u16::MAX);
    let widget = TuiLoggerWidget::default().formatter(Box::new(visitor));
    widget.render(nowhere, &mut Buffer::empty(nowhere));
    empty();
    let mut visited = visited.lock().unwrap_or_else(PoisonError::into_inner);
    for seen in visited.drain(..).rev() {
        pane.push(seen.wall, seen.level, &seen.target, &seen.message);
    }
}

/// Empties tui-logger's own buffer. It has room for all that may wait, and for the line that says what is lost.
fn empty() {
    tui_logger::set_buffer_depth(WAITING_RECORDS + 1);
}

/// Copies the records that the widget shows it, the newest first.
#[derive(Default)]
struct Visitor(Arc<Mutex<Vec<SeenRecord>>>);

/// A record on its way.
struct SeenRecord {
    wall: SystemTime,
    level: Level,
    target: String,
    message: String,
}

impl LogFormatter for Visitor {
    fn min_width(&self) -> u16 {
        0
    }

    fn format(&self, _: usize, record: &ExtLogRecord) -> Vec<Line<'_>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(SeenRecord {
            wall: record.timestamp.timestamp().into(),
            level: record.level,
            target: record.target().to_owned(),
            message: record.msg().to_owned(),
        });
        vec![Line::default()]
    }
}
