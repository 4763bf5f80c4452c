//! `--on-finding COMMAND`: a command for each finding that stood for a while, and for its withdrawal, one after the other.
//!
//! It runs in a thread of its own that listens to the node's events as every other reader does: neither the node nor the screen ever waits
//! for it.

use std::collections::BTreeMap;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::time::{Instant, sleep_until, timeout};

use crate::engine::event::{Event, Stamped};
use crate::engine::verdict::{FindingId, Verdict};
use crate::net::Node;
use crate::record;

use super::args::{CommandLine, NodeArgs};
use super::error::CliError;
use super::runtime;

/// How long a command may take: longer than a mail takes to a slow server. Then it is killed.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Findings and withdrawals that wait for the command before: more are lost, and that is logged.
const WAITING: usize = 64;
/// Findings that are waited for or stand: as many as a screen can tell of. More are told of no more.
const TRACKED: usize = 1_024;

/// A command that is there to be run.
pub(super) struct Hook {
    command: CommandLine,
    /// How long a finding stands before it is told.
    stands: Duration,
}

/// The command of the options, if there is one, before there is a node: who relies on it learns at once that it is not there, and
/// not by the first finding.
pub(super) fn find(args: &NodeArgs) -> Result<Option<Hook>, CliError> {
    let Some(command) = args.on_finding.clone() else { return Ok(None) };
    #[cfg(unix)]
    program::find(&command.program)
        .map_err(|why| anyhow::anyhow!("cannot run {} (--on-finding): {why}", command.program))?;
    Ok(Some(Hook { command, stands: args.finding_stands }))
}

/// Runs the command, if there is one, until the node stops.
pub(super) fn start(hook: Option<Hook>, node: &Node) -> Result<(), CliError> {
    let Some(Hook { command, stands }) = hook else { return Ok(()) };
    let Some(events) = node.events.upgrade().map(|events| events.subscribe()) else { return Ok(()) };
    let runtime = runtime::current_thread()?;
    let findings = Findings { stands, ..Findings::default() };
    let thread = std::thread::Builder::new().name("vigie-hook".into()).spawn(move || {
        runtime.block_on(async {
            let (wanted, to_run) = mpsc::channel(WAITING);
            tokio::join!(findings.follow(events, wanted), run_each(&command, to_run));
        });
    });
    thread.map_err(anyhow::Error::from)?;
    Ok(())
}

#[cfg(unix)]
mod program {
    //! Where the system looks for a program.

    use std::io;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    /// Whether there is one of this name: a path as it is, and else a file in one of the folders of `PATH`.
    pub(super) fn find(name: &str) -> io::Result<()> {
        if name.contains('/') {
            return may_run(Path::new(name));
        }
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let is_there = std::env::split_paths(&folders).any(|folder| may_run(&folder.join(name)).is_ok());
        if is_there { Ok(()) } else { Err(io::Error::other("it is in no folder of PATH")) }
    }

    fn may_run(path: &Path) -> io::Result<()> {
        let file = path.metadata()?;
        if !file.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        let is_executable = file.permissions().mode() & 0o111 != 0;
        if is_executable { Ok(()) } else { Err(io::Error::other("it is not executable: chmod +x it")) }
    }
}

/// The findings that are not over.
#[derive(Debug, Default)]
struct Findings {
    /// How long one stands before it is told.
    stands: Duration,
    all: BTreeMap<FindingId, Finding>,
}

#[derive(Debug)]
enum Finding {
    /// It is told then, unless it is withdrawn before.
    Waits(Instant, Box<Stamped>),
    Told,
}

impl Findings {
    async fn follow(mut self, mut events: broadcast::Receiver<Stamped>, wanted: mpsc::Sender<Stamped>) {
        loop {
            let due = self.next_due();
            let told = tokio::select! {
                event = events.recv() => match event {
                    Ok(stamped) => self.take(stamped, Instant::now()),
                    Err(RecvError::Lagged(missed)) => {
                        tracing::warn!(missed, "--on-finding: findings may be among the events that were missed");
                        None
                    }
                    Err(RecvError::Closed) => return,
                },
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.stood(Instant::now()),
            };
            if told.is_some_and(|stamped| wanted.try_send(stamped).is_err()) {
                tracing::warn!("--on-finding: the command is too slow, and not told of a finding");
            }
        }
    }

    /// What is to be told at once because of an event: the withdrawal of a finding that was told.
    fn take(&mut self, stamped: Stamped, now: Instant) -> Option<Stamped> {
        let Event::Diagnosis(finding) = &stamped.event else { return None };
        if finding.verdict == Verdict::Ok {
            return self
                .all
                .remove(&finding.id)
                .filter(|known| matches!(known, Finding::Told))
                .map(|_| stamped);
        }
        // One that corrects another is told of in its place.
        let corrected = finding.replaces.and_then(|corrected| self.all.remove(&corrected));
        if let Some(Finding::Waits(due, _)) = corrected {
            self.all.insert(finding.id, Finding::Waits(due, Box::new(stamped)));
        } else if self.all.len() < TRACKED {
            let id = finding.id;
            self.all.entry(id).or_insert_with(|| Finding::Waits(now + self.stands, Box::new(stamped)));
        }
        None
    }

    fn next_due(&self) -> Option<Instant> {
        let due = |finding: &Finding| match finding {
            Finding::Waits(due, _) => Some(*due),
            Finding::Told => None,
        };
        self.all.values().filter_map(due).min()
    }

    /// One that has stood for long enough.
    fn stood(&mut self, now: Instant) -> Option<Stamped> {
        let is_due = |finding: &&mut Finding| matches!(finding, Finding::Waits(due, _) if *due <= now);
        let finding = self.all.values_mut().find(is_due)?;
        match std::mem::replace(finding, Finding::Told) {
            Finding::Waits(_, stamped) => Some(*stamped),
            Finding::Told => None,
        }
    }
}

/// Runs the command for each, never two at once. What goes wrong is logged when it begins to.
async fn run_each(command: &CommandLine, mut to_run: mpsc::Receiver<Stamped>) {
    let mut fails = false;
    while let Some(stamped) = to_run.recv().await {
        let failure = run(command, &stamped).await.err();
        match &failure {
            Some(failure) if !fails => {
                tracing::warn!(
                    "--on-finding: {} {failure}; this is told again after it worked",
                    command.program
                );
            }
            None if fails => tracing::info!("--on-finding: {} works again", command.program),
            _ => {}
        }
        fails = failure.is_some();
    }
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("cannot be run: {0}")]
    NotRun(#[from] io::Error),
    #[error("ended with {0}")]
    Ended(ExitStatus),
    #[error("was killed after {}", humantime::format_duration(TIME_LIMIT))]
    TooSlow,
}

async fn run(command: &CommandLine, stamped: &Stamped) -> Result<(), Failure> {
    let mut event = Vec::new();
    record::line(&mut event, stamped)?;
    let mut run = Command::new(&command.program);
    run.args(&command.arguments).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C in our terminal is not meant for it.
    #[cfg(unix)]
    run.process_group(0);
    let mut child = run.kill_on_drop(true).spawn()?;
    let stdin = child.stdin.take();
    let work = async {
        if let Some(mut stdin) = stdin {
            // Who does not read it need not.
            let _ = stdin.write_all(&event).await;
        }
        child.wait().await
    };
    let Ok(status) = timeout(TIME_LIMIT, work).await else {
        kill(&mut child);
        let _ = child.wait().await;
        return Err(Failure::TooSlow);
    };
    let status = status?;
    if status.success() { Ok(()) } else { Err(Failure::Ended(status)) }
}

/// Ends it and what it has started.
fn kill(child: &mut Child) {
    #[cfg(unix)]
    if let Some(pid) = child.id().and_then(|id| rustix::process::Pid::from_raw(i32::try_from(id).ok()?)) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
    let _ = child.start_kill();
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::SystemTime;

    use crate::testkit;

    use super::*;

    const STANDS: Duration = Duration::from_secs(5);

    fn told(id: u64, verdict: Verdict, replaces: Option<u64>) -> Stamped {
        let finding = testkit::finding(&testkit::named_peer(1, "host"), verdict, testkit::t0());
        let finding = crate::engine::verdict::Finding {
            id: FindingId(id),
            replaces: replaces.map(FindingId),
            ..finding
        };
        let event = Event::Diagnosis(Arc::new(finding));
        Stamped { at: testkit::t0(), wall: SystemTime::UNIX_EPOCH, event }
    }

    fn verdict(stamped: Option<Stamped>) -> Option<Verdict> {
        match stamped?.event {
            Event::Diagnosis(finding) => Some(finding.verdict),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_finding_is_told_once_after_it_stood_and_its_withdrawal_at_once() {
        let mut findings = Findings { stands: STANDS, ..Findings::default() };
        let t0 = Instant::from_std(testkit::t0());
        assert!(findings.take(told(1, Verdict::HostDown, None), t0).is_none());
        assert!(findings.take(told(1, Verdict::HostDown, None), t0 + STANDS / 2).is_none());
        assert_eq!(findings.next_due(), Some(t0 + STANDS));
        assert!(findings.stood(t0 + STANDS / 2).is_none());
        assert_eq!(verdict(findings.stood(t0 + STANDS)), Some(Verdict::HostDown));
        assert!(findings.stood(t0 + 2 * STANDS).is_none());
        assert_eq!(verdict(findings.take(told(1, Verdict::Ok, None), t0 + 2 * STANDS)), Some(Verdict::Ok));
        assert!(findings.take(told(1, Verdict::Ok, None), t0 + 2 * STANDS).is_none());
    }

    #[test]
    fn one_that_is_withdrawn_before_is_told_of_never_and_one_that_is_corrected_as_its_correction() {
        let mut findings = Findings { stands: STANDS, ..Findings::default() };
        let t0 = Instant::from_std(testkit::t0());
        let _ = findings.take(told(1, Verdict::HostDown, None), t0);
        assert!(findings.take(told(1, Verdict::Ok, None), t0 + STANDS / 2).is_none());
        assert_eq!(findings.next_due(), None);
        let _ = findings.take(told(2, Verdict::HostDown, None), t0);
        let _ = findings.take(told(3, Verdict::FirewallDrop, Some(2)), t0 + STANDS / 2);
        assert_eq!(verdict(findings.stood(t0 + STANDS)), Some(Verdict::FirewallDrop));
        assert_eq!(findings.next_due(), None);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn the_command_gets_the_event_and_what_goes_wrong_with_it_is_told() {
        let path = std::env::temp_dir().join(format!("vigie-hook-{}", std::process::id()));
        let command = |script: &str| CommandLine {
            program: "sh".to_owned(),
            arguments: ["-c", script, "sh"]
                .map(str::to_owned)
                .into_iter()
                .chain([path.display().to_string()])
                .collect(),
        };
        let stamped = told(7, Verdict::HostDown, None);
        run(&command("cat > \"$1\""), &stamped).await.unwrap();
        let event: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            (&event["event"], &event["verdict"], &event["id"]),
            (&"diagnosis".into(), &"host_down".into(), &7.into())
        );
        assert!(run(&command("exit 0"), &stamped).await.is_ok());
        let error = run(&command("exit 3"), &stamped).await.unwrap_err();
        assert_eq!(error.to_string(), "ended with exit status: 3");
        let nothing = CommandLine { program: "/nonexistent/x".to_owned(), arguments: Vec::new() };
        assert!(matches!(run(&nothing, &stamped).await, Err(Failure::NotRun(_))));
    }
}
