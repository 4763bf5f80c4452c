//! `vigie watch`: the node without a screen.

use std::convert::Infallible;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped, StopReason};
use crate::engine::rate_limiter::RateLimiter;
use crate::net::{Node, Settings};

use super::args::{NodeArgs, WatchArgs};
use super::control::{self, Keeper};
use super::error::CliError;
use super::output::{self, Format, write_event};
use super::parsing::Sources;
use super::recorder::{Prepared, Switch};
use super::reload::Reload;
use super::runtime::{self, STOP_PATIENCE};
use super::{hook, log, metrics, recorder, signals};

/// Writes a second, once [`BURST`] is used up: in a large network, events are written in batches, for each wake-up costs
/// more than the line it writes.
const WRITES_PER_SECOND: u32 = 4;
/// Writes that follow their events at once.
const BURST: u32 = 100;
/// How long the last lines may take, from the moment at which the node is told to stop: a reader that reads nothing must not
/// keep the program from ending within the second that is promised.
const WRITER_PATIENCE: Duration = Duration::from_millis(750);

pub(super) fn run(node: &NodeArgs, sources: &Sources, watch: &WatchArgs) -> Result<u8, CliError> {
    let mut log = log::to_stderr(node)?;
    let settings = Settings { waits_for_interface: true, ..node.settings()? };
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(0)?;
    let keeper = Keeper::of(node.control.as_ref());
    let scrapes = metrics::open(node)?;
    let hook = hook::find(node)?;
    let prepared = node.record.as_deref().map(Prepared::at).transpose()?;
    let (subscriber, first) = recorder::tap(log::follow);
    let (running, events) = Node::start(settings, keeper.beside(subscriber))?;
    signals.stop(&running.commands);
    metrics::serve(scrapes, &running)?;
    hook::start(hook, &running)?;
    let reload = Reload::new(node, sources, log.take_filters(), running.commands.clone());
    signals.on_hangup(move || reload.reload());
    let door = control::open(node, &running, &keeper);
    // Nobody listens: the log says what becomes of it.
    let (tell, _) = mpsc::channel(1);
    let mut switch = Switch::of(running.events.clone(), running.commands.clone(), tell);
    switch.begin_if(prepared, first)?;
    let format = if watch.json { Format::Json } else { Format::Text };
    let (ended, mut writing) = oneshot::channel();
    let (running_on, pace) = sync_channel(0);
    let commands = running.commands.clone();
    let writer = std::thread::Builder::new().name("vigie-out".into()).spawn(move || {
        // Nobody hears this when the program is ending anyway.
        let _ = ended.send(write_events(events, format, &commands, &pace));
    });
    writer.map_err(anyhow::Error::from)?;
    let mut written = None;
    let reason = runtime.block_on(async {
        tokio::select! {
            () = signals.first() => StopReason::Signal,
            () = runtime::over(watch.duration) => StopReason::Elapsed,
            Ok(outcome) = &mut writing => {
                let reason = if outcome.is_err() { StopReason::OutputClosed } else { StopReason::Failure };
                written = Some(outcome);
                reason
            },
        }
    });
    let end = Instant::now() + WRITER_PATIENCE;
    // What is left is written without a pause.
    drop(running_on);
    running.stop(reason, STOP_PATIENCE);
    switch.end();
    drop(door);
    if written.is_none() {
        let last_lines = runtime.block_on(async { timeout_at(end, writing).await });
        written = last_lines.ok().and_then(Result::ok);
    }
    output::written(written.unwrap_or(Ok(())))?;
    match reason {
        StopReason::Failure => Err(CliError::Other(anyhow::anyhow!("the node failed; the log shows why"))),
        _ => Ok(0),
    }
}

/// Writes events until the node stops. A reader that was too slow is told how much it missed, and then the whole table.
fn write_events(
    mut events: broadcast::Receiver<Stamped>,
    format: Format,
    commands: &mpsc::Sender<Command>,
    pace: &Receiver<Infallible>,
) -> io::Result<()> {
    let mut out = output::answers();
    let mut writes = RateLimiter::per_second(WRITES_PER_SECOND, BURST);
    let mut resynchronising = false;
    let mut next = events.blocking_recv();
    loop {
        match next {
            Ok(stamped) => {
                let wanted = match stamped.event {
                    Event::Snapshot(_) => resynchronising,
                    Event::Matrix(_) => false,
                    _ => true,
                };
                resynchronising &= !matches!(stamped.event, Event::Snapshot(_));
                if wanted {
                    write_event(&mut out, format, &stamped)?;
                }
            }
            Err(RecvError::Lagged(missed)) => {
                resynchronising = true;
                // A full queue means that the node is busy; the next lag asks again.
                let _ = commands.try_send(Command::RequestSnapshot);
                write_event(&mut out, format, &now(Event::Lagged { missed }))?;
            }
            Err(RecvError::Closed) => return out.flush(),
        }
        next = match events.try_recv() {
            Ok(stamped) => Ok(stamped),
            Err(TryRecvError::Lagged(missed)) => Err(RecvError::Lagged(missed)),
            Err(TryRecvError::Closed) => Err(RecvError::Closed),
            Err(TryRecvError::Empty) => {
                out.flush()?;
                pause(&mut writes, pace);
                events.blocking_recv()
            }
        };
    }
}

/// Waits for the turn of the next write, but not beyond the end, when nobody holds the other end of `pace` any more.
fn pause(writes: &mut RateLimiter, pace: &Receiver<Infallible>) {
    #[expect(clippy::disallowed_methods, reason = "paces the output of this process")]
    let now = std::time::Instant::now();
    if !writes.take(now)
        && let Some(at) = writes.ready_at()
    {
        let _ = pace.recv_timeout(at.saturating_duration_since(now));
        writes.take(at);
    }
}

fn now(event: Event) -> Stamped {
    #[expect(clippy::disallowed_methods, reason = "a lag is noticed here, not in the node")]
    let (at, wall) = (std::time::Instant::now(), std::time::SystemTime::now());
    Stamped { at, wall, event }
}
