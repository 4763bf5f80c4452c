//! `vigie`: the node with its screen.
//!
//! The demo shows the same screen, with a node of its own.

use std::io::{self, IsTerminal};
use std::path::Path;

use tokio::sync::mpsc;

use crate::app::state::App;
use crate::app::{self, Outlets, ShownNode};
use crate::engine::event::StopReason;
use crate::net::{Node, Settings, interfaces};

use super::args::{ControlPlace, NodeArgs, ScreenArgs};
use super::control::{self, Door, Keeper};
use super::doctor::Examiner;
use super::error::CliError;
use super::recorder::{BESIDE, Prepared, Switch};
use super::runtime::{self, STOP_PATIENCE};
use super::{hook, log, metrics, output, recorder, signals};

pub(super) fn run(args: &NodeArgs, screen: &ScreenArgs) -> Result<u8, CliError> {
    require_a_terminal()?;
    let _log = log::to_screen(args)?;
    let settings = Settings { waits_for_interface: true, ..args.settings()? };
    show(settings, screen, (Some(args), args.record.as_deref()), args)
}

/// Refuses to go on where there is nobody to see the screen.
pub(super) fn require_a_terminal() -> Result<(), CliError> {
    if !io::stdin().is_terminal() || !output::is_terminal() {
        let line = "the terminal app needs a terminal on stdin and stdout; without one, use `vigie watch`";
        return Err(CliError::Usage(line.to_owned()));
    }
    if output::is_dumb() {
        let line =
            "the terminal app needs a terminal that can place text, and TERM=dumb is none; use `vigie watch`";
        return Err(CliError::Usage(line.to_owned()));
    }
    Ok(())
}

/// Runs a node and shows its screen, until the person quits or a signal comes. With `args` it can be asked, too, and
/// with a file it is recorded. The doctor goes by the options of `examined`.
pub(super) fn show(
    settings: Settings,
    screen: &ScreenArgs,
    (args, record): (Option<&NodeArgs>, Option<&Path>),
    examined: &NodeArgs,
) -> Result<u8, CliError> {
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(0)?;
    let control = args.map_or(Some(&ControlPlace::Off), |args| args.control.as_ref());
    let keeper = Keeper::of(control);
    let scrapes = args.map(metrics::open).transpose()?.flatten();
    let hook = args.map(hook::find).transpose()?.flatten();
    let prepared = record.map(Prepared::at).transpose()?;
    let (subscriber, first) = recorder::tap(log::follow);
    let (node, events) = Node::start(settings, keeper.beside(subscriber))?;
    signals.stop(&node.commands);
    metrics::serve(scrapes, &node)?;
    hook::start(hook, &node)?;
    let door = args.map_or_else(Door::default, |args| control::open(args, &node, &keeper));
    let options = app::Options {
        local_ip: Some(interfaces::local_ip()),
        bell: screen.bell,
        notify: screen.notify,
        node: if door.is_anothers { ShownNode::OwnBesideAnother } else { ShownNode::Own },
    };
    let app = App::new(options, screen.appearance()).with(screen.preferences.clone());
    let ((tell, beside), (wishes, asked)) = (mpsc::channel(BESIDE), mpsc::channel(BESIDE));
    let doctor = Examiner::new(examined, tell.clone());
    let mut switch = Switch::of(node.events.clone(), node.commands.clone(), tell);
    switch.begin_if(prepared, first)?;
    // What is noted of the demo's peers is of no use elsewhere.
    let notebook = args.map(|_| screen.notebook.clone()).unwrap_or_default();
    let outlets = Outlets { commands: node.commands.clone(), wishes, notebook };
    let shown = runtime.block_on(async {
        let app = app::run((events, beside), outlets, app);
        tokio::pin!(app);
        tokio::select! {
            shown = &mut app => return shown,
            () = switch.serve(asked, |wish| doctor.hear(wish)) => {}
            () = signals.first() => {}
        }
        // The screen ends with the node's last event. A node too busy to end is left behind below.
        tokio::time::timeout(STOP_PATIENCE, app).await.unwrap_or(Ok(None))
    });
    node.stop(StopReason::Quit, STOP_PATIENCE);
    switch.end();
    drop(door);
    shown
        .map(|_| 0)
        .map_err(|error| CliError::Other(anyhow::Error::new(error).context("the terminal app failed")))
}
