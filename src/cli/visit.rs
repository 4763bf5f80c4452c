//! A visit: joins the network for a while, asks the own node what it sees, says goodbye, and only then prints the answer.
//!
//! What all one-shot commands have in common: a quiet log, signals, the end.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::engine::event::{Command, Event, Stamped, StopReason};
use crate::engine::matrix::MatrixView;
use crate::engine::peers::Snapshot;
use crate::net::Node;

use crate::text::NO_BROADCAST;

use super::args::NodeArgs;
use super::complaint::complain;
use super::{Refusal, STOP_PATIENCE, exit, log, signals};

/// How long a node may take to answer a question about itself: far longer than the busiest one needs.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a command has to say.
#[derive(Debug)]
pub(super) struct Answer {
    /// The exit code.
    pub(super) code: u8,
    /// All of standard output.
    pub(super) out: String,
    /// One line on standard error, of what a person may try next.
    pub(super) hint: Option<String>,
}

/// All that a node sees at one moment.
#[derive(Debug)]
pub(super) struct View {
    /// Its table of peers.
    pub(super) table: Arc<Snapshot>,
    /// Who reaches whom.
    pub(super) matrix: Arc<MatrixView>,
}

/// Joins the network, stays until there is an answer, leaves, and prints it. An interruption leaves without an answer.
pub(super) fn visit(
    args: &NodeArgs,
    stay: impl AsyncFnOnce(&mut Guest) -> Result<Answer, Refusal>,
) -> Result<u8, Refusal> {
    let _log = log::problems_to_stderr(args)?;
    let settings = args.settings()?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::from)?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    let (node, events) = Node::start(settings, log::follow)?;
    signals.stop(&node.commands);
    let mut guest = Guest { commands: node.commands.clone(), events };
    let stayed = runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.first() => None,
            answer = stay(&mut guest) => Some(answer),
        }
    });
    let reason = match &stayed {
        None => StopReason::Signal,
        Some(Ok(_)) => StopReason::Quit,
        Some(Err(_)) => StopReason::Failure,
    };
    // Before the answer is printed: who reads it may take as long as he likes, and the peers shall know.
    node.stop(reason, STOP_PATIENCE);
    let Some(answer) = stayed.transpose()? else { return Ok(exit::INTERRUPTED) };
    let Answer { code, out, hint } = answer;
    if let Some(hint) = hint {
        complain(&hint);
    }
    // In a thread: a reader that stands still must not keep a signal from ending this.
    let (done, printing_ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("vigie-out".into()).spawn(move || {
        let mut stdout = io::stdout().lock();
        // Who closed our stdout still gets the exit code.
        let _ = stdout.write_all(out.as_bytes()).and_then(|()| stdout.flush());
        let _ = done.send(());
    });
    thread.map_err(anyhow::Error::from)?;
    Ok(runtime.block_on(async {
        tokio::select! {
            biased;
            _ = printing_ended => code,
            () = signals.first() => exit::INTERRUPTED,
        }
    }))
}

/// The command, as long as it stays on the network.
#[derive(Debug)]
pub(super) struct Guest {
    commands: mpsc::Sender<Command>,
    events: broadcast::Receiver<Stamped>,
}

impl Guest {
    /// Lets this time pass.
    pub(super) async fn stay(&mut self, time: Duration) -> Result<(), Refusal> {
        self.until(Instant::now() + time, |_| false).await
    }

    /// Lets time pass until that moment, or until `news` says of an event that it ends the waiting.
    pub(super) async fn until(
        &mut self,
        deadline: Instant,
        mut news: impl FnMut(&Event) -> bool,
    ) -> Result<(), Refusal> {
        let waiting = async {
            loop {
                if self.event().await?.is_some_and(|event| news(&event)) {
                    return Ok(());
                }
            }
        };
        timeout_at(deadline, waiting).await.unwrap_or(Ok(()))
    }

    /// What the node sees now. Each event that comes before the answer is shown to `note`.
    pub(super) async fn look(&mut self, mut note: impl FnMut(&Event)) -> Result<View, Refusal> {
        let looking = async {
            let (mut table, mut matrix) = (None, None);
            self.ask(Command::Refresh).await?;
            self.ask(Command::Survey).await?;
            loop {
                match self.event().await? {
                    Some(Event::Snapshot(snapshot)) => table = Some(snapshot),
                    Some(Event::Matrix(view)) => matrix = Some(view),
                    Some(event) => note(&event),
                    // Among what was missed may be the answer.
                    None => {
                        self.ask(Command::Refresh).await?;
                        self.ask(Command::Survey).await?;
                    }
                }
                if let (Some(table), Some(matrix)) = (&table, &matrix) {
                    return Ok(View { table: Arc::clone(table), matrix: Arc::clone(matrix) });
                }
            }
        };
        match timeout(PATIENCE, looking).await {
            Ok(seen) => seen,
            Err(_) => Err(failed(&format!(
                "the node did not answer within {}: this machine is too busy; try again",
                humantime::format_duration(PATIENCE)
            ))),
        }
    }

    async fn ask(&self, command: Command) -> Result<(), Refusal> {
        self.commands.send(command).await.map_err(|_| node_failed())
    }

    /// The next event; none where this reader was too slow and missed some.
    async fn event(&mut self) -> Result<Option<Event>, Refusal> {
        match self.events.recv().await {
            Ok(stamped) => Ok(Some(stamped.event)),
            Err(RecvError::Lagged(_)) => Ok(None),
            Err(RecvError::Closed) => Err(node_failed()),
        }
    }
}

fn node_failed() -> Refusal {
    failed("the node failed; --log debug shows why")
}

fn failed(line: &str) -> Refusal {
    Refusal::Other(anyhow::anyhow!("{line}"))
}

/// What to tell somebody who found no peer at all: what is known to be wrong, else what to look at.
pub(super) fn nobody_found(view: &View) -> String {
    if let Some(finding) = view.matrix.findings.first() {
        return format!("no peers found; {}; {}", finding.headline(), finding.advice);
    }
    let node = &view.table.node;
    if view.table.interfaces.is_empty() {
        return format!("no peers found: {NO_BROADCAST} (`vigie doctor` examines this machine)");
    }
    format!(
        "no peers found: is vigie running on another machine of this network with the same --group ({}) and --port ({})? \
         If so, open UDP and TCP port {} in the firewalls (`vigie doctor` examines this machine)",
        node.group, node.port, node.port
    )
}
