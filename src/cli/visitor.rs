//! A visitor: joins the network for a while, asks its own node what it sees, says goodbye, and only then prints the answer.
//!
//! What all one-shot commands have in common: a quiet log, signals, the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::engine::address::Endpoint;
use crate::engine::api::Command;
use crate::engine::event::{Event, Stamped, StopReason};
use crate::engine::interface::InterfaceKind;
use crate::engine::matrix::MatrixView;
use crate::engine::peers::{PeerSnapshot, Snapshot};
use crate::net::Node;
use crate::text::{NO_BROADCAST, cannot_broadcast};

use super::args::NodeArgs;
use super::complaint::complain;
use super::error::{CliError, exit};
use super::output::{self, Reader};
use super::runtime::{self, STOP_PATIENCE};
use super::signals::Signals;
use super::{log, signals};

/// How long a node may take to say what it sees: far longer than the busiest one needs.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answer of a command.
#[derive(Debug)]
pub(super) struct Printout {
    /// The exit code.
    pub(super) code: u8,
    /// All of standard output.
    pub(super) out: String,
    /// One line on standard error: what the user may try next.
    pub(super) hint: Option<String>,
}

/// Everything that a node sees at one moment.
#[derive(Debug)]
pub(super) struct NodeView {
    /// Its table of peers.
    pub(super) table: Arc<Snapshot>,
    /// Who reaches whom.
    pub(super) matrix: Arc<MatrixView>,
}

impl NodeView {
    /// Whether a node at this address is one of this machine; where loopback is all there is, all are others.
    pub(super) fn is_own(&self, addr: &Endpoint) -> bool {
        let (ip, mut own) = (addr.zoned_ip(), self.table.interfaces.iter());
        own.clone().any(|own| own.kind != InterfaceKind::Loopback) && own.any(|own| own.zoned_ip() == ip)
    }

    /// Whether a peer is a node of this machine.
    pub(super) fn is_on_this_machine(&self, peer: &PeerSnapshot) -> bool {
        self.is_own(&peer.info.addr)
    }

    /// How many peers are nodes of other machines.
    pub(super) fn others(&self) -> usize {
        self.table.peers.iter().filter(|peer| !self.is_on_this_machine(peer)).count()
    }
}

/// What is said of `own` nodes of this machine that nobody asked to count; nothing of none.
pub(super) fn not_counted(own: usize) -> Option<String> {
    match own {
        0 => None,
        1 => Some("this machine's own node is not counted (--local counts it)".to_owned()),
        own => Some(format!("{own} nodes of this machine are not counted (--local counts them)")),
    }
}

/// Joins the network, stays until there is an answer, leaves, and prints it. An interruption leaves without an answer.
pub(super) fn run(
    args: &NodeArgs,
    stay: impl AsyncFnOnce(&mut VisitorSession) -> Result<Printout, CliError>,
) -> Result<u8, CliError> {
    run_or(args, || exit::INTERRUPTED, stay)
}

/// The same with this exit code of one that is interrupted.
pub(super) fn run_or(
    args: &NodeArgs,
    interrupted: impl Fn() -> u8,
    stay: impl AsyncFnOnce(&mut VisitorSession) -> Result<Printout, CliError>,
) -> Result<u8, CliError> {
    let _log = log::problems_to_stderr(args)?;
    let mut settings = args.settings()?;
    settings.config.visitor = true;
    let runtime = runtime::current_thread()?;
    let signals = signals::heed(exit::INTERRUPTED)?;
    let (node, events) = Node::start(settings, log::follow)?;
    signals.stop(&node.commands);
    let mut session = VisitorSession::new(node.commands.clone(), events);
    let stayed = runtime.block_on(async {
        tokio::select! {
            biased;
            () = signals.first() => None,
            answer = stay(&mut session) => Some(answer),
        }
    });
    let reason = match &stayed {
        None => StopReason::Signal,
        Some(Ok(_)) => StopReason::Quit,
        Some(Err(_)) => StopReason::Failure,
    };
    // Before the answer is printed: its reader may take any time, and the peers are to know now.
    node.stop(reason, STOP_PATIENCE);
    let Some(printout) = stayed.transpose()? else { return Ok(interrupted()) };
    show(printout, &runtime, &signals)
}

/// Prints an answer. Returns the exit code.
pub(super) fn show(printout: Printout, runtime: &Runtime, signals: &Signals) -> Result<u8, CliError> {
    let Printout { code, out, hint } = printout;
    let printing = print(out)?;
    let printed = runtime.block_on(async {
        tokio::select! {
            biased;
            Ok(printed) = printing => Some(printed),
            () = signals.first() => None,
        }
    });
    let Some(reader) = printed.transpose()? else { return Ok(exit::INTERRUPTED) };
    if let Some(hint) = hint.filter(|_| reader == Reader::There) {
        complain(&hint);
    }
    Ok(code)
}

/// Writes standard output in a thread: a reader that stands still must not keep a signal from ending this.
fn print(out: String) -> Result<oneshot::Receiver<Result<Reader, CliError>>, CliError> {
    let (done, ended) = oneshot::channel();
    let thread = std::thread::Builder::new().name("vigie-out".into());
    let thread = thread.spawn(move || drop(done.send(output::print(&out))));
    thread.map_err(anyhow::Error::from)?;
    Ok(ended)
}

/// A command while it is on the network.
#[derive(Debug)]
pub(super) struct VisitorSession {
    commands: mpsc::Sender<Command>,
    events: broadcast::Receiver<Stamped>,
}

impl VisitorSession {
    /// At a node: what it is asked goes into its `commands`, and the answers come with its `events`.
    pub(super) fn new(commands: mpsc::Sender<Command>, events: broadcast::Receiver<Stamped>) -> Self {
        Self { commands, events }
    }

    /// Waits for this long.
    pub(super) async fn wait(&mut self, time: Duration) -> Result<(), CliError> {
        self.wait_until(Instant::now() + time, |_| false).await
    }

    /// Waits until that moment, or until `news` says that an event ends the waiting.
    pub(super) async fn wait_until(
        &mut self,
        deadline: Instant,
        mut news: impl FnMut(&Event) -> bool,
    ) -> Result<(), CliError> {
        let waiting = async {
            loop {
                if self.event().await?.is_some_and(|event| news(&event)) {
                    return Ok(());
                }
            }
        };
        timeout_at(deadline, waiting).await.unwrap_or(Ok(()))
    }

    /// What the node sees now. Each event before the answer is shown to `note`.
    pub(super) async fn snapshot(&mut self, mut note: impl FnMut(&Event)) -> Result<NodeView, CliError> {
        let looking = async {
            let (mut table, mut matrix) = (None, None);
            self.ask(Command::RequestSnapshot).await?;
            self.ask(Command::RequestMatrix).await?;
            loop {
                match self.event().await? {
                    Some(Event::Snapshot(snapshot)) => table = Some(snapshot),
                    Some(Event::Matrix(view)) => matrix = Some(view),
                    Some(event) => note(&event),
                    // The answer may be among what was missed.
                    None => {
                        self.ask(Command::RequestSnapshot).await?;
                        self.ask(Command::RequestMatrix).await?;
                    }
                }
                if let (Some(table), Some(matrix)) = (&table, &matrix) {
                    return Ok(NodeView { table: Arc::clone(table), matrix: Arc::clone(matrix) });
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

    /// Has the node do something.
    pub(super) async fn ask(&self, command: Command) -> Result<(), CliError> {
        self.commands.send(command).await.map_err(|_| node_failed())
    }

    /// The next event; none where this reader was too slow and missed some.
    async fn event(&mut self) -> Result<Option<Event>, CliError> {
        match self.events.recv().await {
            Ok(stamped) => Ok(Some(stamped.event)),
            Err(RecvError::Lagged(_)) => Ok(None),
            Err(RecvError::Closed) => Err(node_failed()),
        }
    }
}

fn node_failed() -> CliError {
    failed("the node failed; --log debug shows why")
}

fn failed(line: &str) -> CliError {
    CliError::Other(anyhow::anyhow!("{line}"))
}

/// The same where there are `own` nodes of this machine, which are none of those that are looked for.
pub(super) fn nobody_else_found(view: &NodeView, own: usize) -> String {
    let nobody = nobody_found(view);
    not_counted(own).map_or(nobody.clone(), |own| format!("{own}; {nobody}"))
}

/// What to tell the user where no peer was found: what is known to be wrong, else what to check.
pub(super) fn nobody_found(view: &NodeView) -> String {
    if let Some(finding) = view.matrix.findings.first() {
        return format!("no peers found; {}; {}", finding.headline(), finding.advice);
    }
    let node = &view.table.node;
    let mut interfaces = view.table.interfaces.iter();
    if interfaces.all(|interface| interface.broadcast.is_none()) {
        let why = view.table.interfaces.first().map(|interface| cannot_broadcast(interface).to_string());
        let why = why.as_deref().unwrap_or(NO_BROADCAST);
        return format!("no peers found: {why} (`vigie doctor` examines this machine)");
    }
    format!(
        "no peers found: is vigie running on another machine of this network with the same --group ({}) and --port ({})? \
         If so, open UDP and TCP port {} in the firewalls (`vigie doctor` examines this machine)",
        node.group, node.port, node.port
    )
}
