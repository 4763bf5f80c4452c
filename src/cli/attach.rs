//! `vigie attach`: the terminal app on the node that runs here.

use tokio::sync::{broadcast, mpsc};

use crate::app::state::App;
use crate::app::{self, Notebook, Outlets, ShownNode};
use crate::engine::event::{Event, StopReason};
use crate::net::{EVENTS, interfaces};

use super::args::{NodeArgs, ScreenArgs};
use super::complaint::complain;
use super::control::{self, Attached, NotAttached, Place};
use super::doctor::Examiner;
use super::error::CliError;
use super::recorder::{BESIDE, Prepared, Switch, Tee};
use super::{log, runtime, screen, signals};

/// News that wait for the app: it takes all of them with each frame.
const NEWS: usize = 256;
/// Commands of the app that wait for the socket: a person gives one at a time, and the app two a second.
const COMMANDS: usize = 64;

pub(super) fn run(node: &NodeArgs, look: &ScreenArgs) -> Result<u8, CliError> {
    if let Some(option) = &node.shaped_by {
        let line = format!(
            "attach shows a node as it runs, and {option} has no effect on it: leave it out, or give it to the vigie that runs the node"
        );
        return Err(CliError::Usage(line));
    }
    screen::require_a_terminal()?;
    let Some(place) = Place::of(node) else {
        return Err(CliError::Usage(
            "attach finds a node by its control socket: leave --control off out".to_owned(),
        ));
    };
    let _log = log::to_screen(node)?;
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(0)?;
    let (attached, model) = runtime.block_on(control::attach(place)).map_err(|error| failed(node, &error))?;
    let name = model.node().map_or_else(|| "the node".to_owned(), |node| node.name.clone());
    tracing::info!(
        "attached to {name}, whose log is where it was started; here is what this screen logs itself"
    );
    let options = app::Options {
        local_ip: Some(interfaces::local_ip()),
        bell: look.bell,
        notify: look.notify,
        node: ShownNode::Attached,
    };
    let app = App::new(options, look.appearance()).with(look.preferences.clone());
    let app = app.remembering(model);
    let record = node.record.as_deref().map(Prepared::at).transpose()?;
    let shown = runtime.block_on(async {
        tokio::select! {
            shown = show(attached, app, node, (record, look.notebook.clone())) => shown,
            () = signals.first() => Ok(None),
        }
    });
    match shown {
        Ok(None) => Ok(0),
        Ok(Some(reason)) => {
            complain(&format!("{name} has {}", Event::Stopped { reason }));
            Ok(0)
        }
        Err(error) => Err(CliError::Other(anyhow::anyhow!("{name}: {error}"))),
    }
}

/// Runs the app until the person leaves, or the node goes; why that stopped.
async fn show(
    attached: Attached,
    app: App,
    node: &NodeArgs,
    (record, notebook): (Option<Prepared>, Notebook),
) -> std::io::Result<Option<StopReason>> {
    let (news, from_node) = mpsc::channel(NEWS);
    let (commands, to_node) = mpsc::channel(COMMANDS);
    let ((tell, beside), (wishes, asked)) = (mpsc::channel(BESIDE), mpsc::channel(BESIDE));
    let events = broadcast::channel(EVENTS).0;
    let doctor = Examiner::new(node, tell.clone());
    let mut switch = Switch::of(events.downgrade(), commands.clone(), tell);
    if let Some(record) = record {
        switch.begin(record, events.subscribe())?;
    }
    let news_and_beside = (Tee { news: from_node, events }, beside);
    let app = app::run(news_and_beside, Outlets { commands, wishes, notebook }, app);
    let passing = attached.pass(news, to_node);
    tokio::pin!(app, passing);
    let shown = tokio::select! {
        shown = &mut app => Some(shown),
        () = &mut passing => None,
        () = switch.serve(asked, |wish| doctor.hear(wish)) => None,
    };
    let shown = match shown {
        Some(shown) => shown,
        // It shows what came last, and ends by that.
        None => app.await,
    };
    switch.end();
    shown
}

/// Why there is nothing to show, and what to do.
fn failed(node: &NodeArgs, why: &NotAttached) -> CliError {
    let line = match why {
        NotAttached::NoneRuns => format!(
            "no vigie of group {} and port {} runs on this machine: start one (`vigie watch`), or name the --group, --port or --control of one that runs",
            node.group, node.port
        ),
        why => why.to_string(),
    };
    CliError::Other(anyhow::anyhow!("{line}"))
}
