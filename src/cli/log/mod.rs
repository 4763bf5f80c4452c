//! The log: where it goes.

mod events;
mod file;

use std::io::{self, IsTerminal};

use tracing::Level;
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::reload;

use crate::app::log::EVENTS;

use super::args::NodeArgs;
use super::error::CliError;
use super::output;

use file::LogFile;

pub(super) use events::follow;

/// Lines that wait for a slow reader of the log; beyond that, the newest are lost, so that the node is not held up.
const WAITING_LINES: usize = 4_096;

/// The threads that write the log: a blocked reader must not hold up the node. What they still hold is written when this is
/// dropped.
#[derive(Default)]
#[must_use = "the log is written as long as this lives"]
pub(super) struct Writers {
    guards: Vec<WorkerGuard>,
    filters: Vec<SetFilter>,
}

/// Has a part of the log filtered as other options say.
type SetFilter = Box<dyn Fn(&NodeArgs) + Send + Sync>;

impl Writers {
    fn add(&mut self, to: impl io::Write + Send + 'static) -> NonBlocking {
        let builder =
            NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES).thread_name("vigie-log");
        let (writer, guard) = builder.finish(to);
        self.guards.push(guard);
        writer
    }

    /// A filter that can be another one while the program runs.
    fn filtered<S: 'static>(
        &mut self,
        node: &NodeArgs,
        by: fn(&NodeArgs) -> Targets,
    ) -> reload::Layer<Targets, S> {
        let (filter, handle) = reload::Layer::new(by(node));
        // Without a log there is nothing to filter.
        self.filters.push(Box::new(move |node| _ = handle.reload(by(node))));
        filter
    }

    /// Filters all that is written from now on; for a thread that holds no writer.
    pub(super) fn take_filters(&mut self) -> impl Fn(&NodeArgs) + Send + Sync + use<> {
        let filters = std::mem::take(&mut self.filters);
        move |node: &NodeArgs| filters.iter().for_each(|set| set(node))
    }
}

/// For the commands that print events: to stderr, and to the file if one is named.
pub(super) fn to_stderr(node: &NodeArgs) -> Result<Writers, CliError> {
    lines_to_stderr(node, |node| {
        let filter = filter(node);
        // In one file, pipe or terminal every event would appear twice, as output and as log.
        if node.log.is_none() && output::is_stderr_too() {
            return filter.with_target(EVENTS, LevelFilter::OFF);
        }
        filter
    })
}

/// For the commands with one answer: to stderr only what is wrong with the program itself, unless the user asks for more,
/// because the answer says what was seen; to the file, if one is named, as always.
pub(super) fn problems_to_stderr(node: &NodeArgs) -> Result<Writers, CliError> {
    lines_to_stderr(node, |node| {
        let problems = || Targets::new().with_default(Level::WARN).with_target(EVENTS, LevelFilter::OFF);
        node.log.clone().unwrap_or_else(problems)
    })
}

fn lines_to_stderr(node: &NodeArgs, by: fn(&NodeArgs) -> Targets) -> Result<Writers, CliError> {
    let mut writers = Writers::default();
    let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let colour = io::stderr().is_terminal() && !unwanted && !output::is_dumb();
    let stderr = writers.add(io::stderr());
    let filter = writers.filtered(node, by);
    let layer = tracing_subscriber::fmt::layer().with_writer(stderr).with_ansi(colour).with_target(false);
    install(Registry::default().with(layer.with_filter(filter)).with(file(node, &mut writers)?))?;
    Ok(writers)
}

/// For the terminal app: to its log pane, and to the file if one is named.
pub(super) fn to_screen(node: &NodeArgs) -> Result<Writers, CliError> {
    let mut writers = Writers::default();
    let pane = crate::app::log::init(filter(node));
    install(Registry::default().with(pane).with(file(node, &mut writers)?))?;
    Ok(writers)
}

fn install(subscriber: impl tracing::Subscriber + Send + Sync) -> Result<(), CliError> {
    tracing::subscriber::set_global_default(subscriber).map_err(|error| CliError::Other(error.into()))
}

fn filter(node: &NodeArgs) -> Targets {
    node.log.clone().unwrap_or_else(|| Targets::new().with_default(Level::INFO))
}

fn file<S>(node: &NodeArgs, writers: &mut Writers) -> Result<Option<impl Layer<S> + use<S>>, CliError>
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a> + 'static,
{
    let Some(path) = &node.log_file else { return Ok(None) };
    let file = LogFile::open(path).map_err(|error| {
        CliError::NotWritable(format!("cannot write the log file {} (--log-file)", path.display()), error)
    })?;
    let layer = tracing_subscriber::fmt::layer().with_writer(writers.add(file)).with_ansi(false);
    Ok(Some(layer.with_filter(writers.filtered(node, filter))))
}
