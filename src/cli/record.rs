//! `vigie record`: a node's events into a file: of the node that runs here, or of one of its own.

use std::time::Duration;

use tokio::sync::{broadcast, mpsc};

use crate::app::News;
use crate::engine::event::{Event, Stamped, StopReason};
use crate::net::{EVENTS, Node, Settings};

use super::args::{NodeArgs, RecordArgs};
use super::complaint::complain;
use super::control::{self, Attached, Keeper, NotAttached, Place};
use super::error::{CliError, exit};
use super::recorder::{Prepared, Switch, tap};
use super::runtime::{self, STOP_PATIENCE};
use super::signals::Signals;
use super::{log, signals};

/// News that wait: they are taken at once.
const NEWS: usize = 256;
/// Orders to the node: two every ten seconds.
const COMMANDS: usize = 16;

pub(super) fn run(node: &NodeArgs, args: &RecordArgs) -> Result<u8, CliError> {
    let _log = log::problems_to_stderr(node)?;
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(0)?;
    let place = if node.shaped_by.is_none() { Place::of(node) } else { None };
    let attached = match place {
        None => Err(NotAttached::NoneRuns),
        Some(place) => runtime.block_on(control::attach(place)),
    };
    match attached {
        Ok((attached, model)) => {
            let name = model.node().map_or_else(|| "the node".to_owned(), |node| node.name.clone());
            let prepared = Prepared::at(&args.file)?;
            complain(&format!("recording {name}, which runs here, to {}", args.file.display()));
            runtime.block_on(of_another(attached, prepared, &signals, args.duration))
        }
        Err(NotAttached::NoneRuns) => of_its_own(node, args, &runtime, &signals),
        Err(why) => Err(CliError::Other(anyhow::anyhow!("{why}"))),
    }
}

/// Records a node in another process.
async fn of_another(
    attached: Attached,
    prepared: Prepared,
    signals: &Signals,
    length: Option<Duration>,
) -> Result<u8, CliError> {
    let (events, first) = broadcast::channel(EVENTS);
    let (tell, mut news) = mpsc::channel(NEWS);
    let (commands, orders) = mpsc::channel(COMMANDS);
    let (said, mut beside) = mpsc::channel(1);
    let mut switch = Switch::of(events.downgrade(), commands, said);
    switch.begin(prepared, first).map_err(anyhow::Error::from)?;
    // That it begins is known.
    let _ = beside.recv().await;
    let passing = async {
        let pass = attached.pass(tell, orders);
        let hand_on = async {
            while let Some(news) = news.recv().await {
                match news {
                    News::Event(Stamped { event: Event::Stopped { .. }, .. }) | News::Over(_) => return,
                    // The recorder asks for what it needs.
                    News::Event(event) => _ = events.send(event),
                    _ => {}
                }
            }
        };
        tokio::join!(pass, hand_on);
    };
    let code = tokio::select! {
        () = signals.first() => 0,
        () = runtime::over(length) => 0,
        () = passing => 0,
        _ = beside.recv() => exit::CANNOT_START,
    };
    switch.end();
    Ok(code)
}

/// Records a node that is started for it.
fn of_its_own(
    node: &NodeArgs,
    args: &RecordArgs,
    runtime: &tokio::runtime::Runtime,
    signals: &Signals,
) -> Result<u8, CliError> {
    let settings = Settings { waits_for_interface: true, ..node.settings()? };
    let prepared = Prepared::at(&args.file)?;
    let keeper = Keeper::of(node.control.as_ref());
    let (subscriber, first) = tap(log::follow);
    let (running, events) = Node::start(settings, keeper.beside(subscriber))?;
    // The recorder has its own.
    drop(events);
    signals.stop(&running.commands);
    let door = control::open(node, &running, &keeper);
    let (said, mut beside) = mpsc::channel(1);
    let mut switch = Switch::of(running.events.clone(), running.commands.clone(), said);
    switch.begin_if(Some(prepared), first)?;
    complain(&format!("recording a node of its own to {}", args.file.display()));
    let (reason, code) = runtime.block_on(async {
        let _ = beside.recv().await;
        tokio::select! {
            () = signals.first() => (StopReason::Signal, 0),
            () = runtime::over(args.duration) => (StopReason::Elapsed, 0),
            _ = beside.recv() => (StopReason::Failure, exit::CANNOT_START),
        }
    });
    running.stop(reason, STOP_PATIENCE);
    switch.end();
    drop(door);
    Ok(code)
}
