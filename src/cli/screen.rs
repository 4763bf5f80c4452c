//! `vigie`: the node with its screen.

use std::io::{self, IsTerminal};

use crate::app;
use crate::core::event::{Command, StopReason};
use crate::net::{Node, interfaces};

use super::args::NodeArgs;
use super::{Refusal, STOP_PATIENCE, log, signals};

pub(super) fn run(args: &NodeArgs) -> Result<u8, Refusal> {
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        let line = "the terminal app needs a terminal on stdin and stdout; without one, use `vigie watch`";
        return Err(Refusal::Usage(line.to_owned()));
    }
    let _log = log::to_screen(args)?;
    let settings = args.settings()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let _entered = runtime.enter();
    let ending = signals::ending().map_err(anyhow::Error::from)?;
    let (node, events) = Node::start(settings, log::follow)?;
    let options = app::Options { local_ip: Some(interfaces::local_ip()) };
    let commands = node.commands.clone();
    let shown = runtime.block_on(async {
        let app = app::run(events, commands.clone(), options);
        tokio::pin!(app);
        tokio::select! {
            shown = &mut app => return shown,
            () = ending => {}
        }
        // A node too busy to hear this is stopped below; the screen ends with its events.
        let _ = commands.try_send(Command::Stop(StopReason::Signal));
        app.await
    });
    node.stop(StopReason::Quit, STOP_PATIENCE);
    shown
        .map(|()| 0)
        .map_err(|error| Refusal::Other(anyhow::Error::new(error).context("the terminal app has failed")))
}
