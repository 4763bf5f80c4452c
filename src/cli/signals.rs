//! The signals that end a program, heeded by a thread of their own: nothing that waits elsewhere, for a terminal that reads
//! nothing or for room in a pipe, keeps them from ending it.

use std::process;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::app::terminal;
use crate::engine::api::Command;
use crate::engine::event::StopReason;

use super::error::CliError;
use super::runtime;

/// From the signal to the end that nothing holds up: the node has said goodbye long before, and it is short of the second that
/// is promised.
const LAST_RESORT: Duration = Duration::from_millis(800);

/// How long giving back the terminal may take then.
const ABANDON_PATIENCE: Duration = Duration::from_millis(100);

/// What everybody may know of the signals.
pub(super) struct Signals {
    came: watch::Receiver<bool>,
    node: Arc<OnceLock<mpsc::Sender<Command>>>,
    on_hangup: OnHangup,
}

/// What is to be done at a SIGHUP that does not end the program.
type OnHangup = Arc<OnceLock<Box<dyn Fn() + Send + Sync>>>;

/// Heeds SIGINT, SIGTERM and SIGHUP from now on, or the end of the console; without a terminal, SIGHUP means a new log file
/// and [`Signals::on_hangup`], and not the end. At the first of them the caller is to come to
/// its end; if it cannot, or a second one comes, the process ends with this code.
pub(super) fn heed(code: u8) -> Result<Signals, CliError> {
    let runtime = runtime::current_thread()?;
    let mut ending = {
        let _entered = runtime.enter();
        Ending::register().map_err(anyhow::Error::from)?
    };
    let (tell, came) = watch::channel(false);
    let node = Arc::<OnceLock<_>>::default();
    let stopped = Arc::clone(&node);
    let on_hangup = OnHangup::default();
    let to_do = Arc::clone(&on_hangup);
    let guard = move || {
        let renew = || {
            if let Some(does) = to_do.get() {
                does();
            }
        };
        runtime.block_on(guard(async || ending.next(&renew).await, &tell, &stopped));
        process::exit(code.into());
    };
    std::thread::Builder::new().name("vigie-signals".into()).spawn(guard).map_err(anyhow::Error::from)?;
    Ok(Signals { came, node, on_hangup })
}

impl Signals {
    /// Lets a node say goodbye at the first signal, whatever the caller does.
    pub(super) fn stop(&self, node: &mpsc::Sender<Command>) {
        let _ = self.node.set(node.clone());
        if *self.came.borrow() {
            say_goodbye(node);
        }
    }

    /// Does this at each SIGHUP, where there is no terminal to lose.
    pub(super) fn on_hangup(&self, does: impl Fn() + Send + Sync + 'static) {
        let _ = self.on_hangup.set(Box::new(does));
    }

    /// Waits for the first signal.
    pub(super) async fn first(&self) {
        if self.came.clone().wait_for(|came| *came).await.is_err() {
            // Nobody heeds them any more.
            std::future::pending::<()>().await;
        }
    }
}

/// Returns when the process is to end at once.
async fn guard(
    mut next: impl AsyncFnMut(),
    tell: &watch::Sender<bool>,
    node: &OnceLock<mpsc::Sender<Command>>,
) {
    next().await;
    // Told first: who names a node only now sees it.
    tell.send_replace(true);
    if let Some(node) = node.get() {
        say_goodbye(node);
    }
    // Ends with the process.
    drop(spawn_blocking(terminal::release));
    let _ = timeout(LAST_RESORT, next()).await;
    let _ = timeout(ABANDON_PATIENCE, spawn_blocking(terminal::abandon)).await;
}

/// A full queue means a node that does not come to read it: it is left behind.
fn say_goodbye(node: &mpsc::Sender<Command>) {
    let _ = node.try_send(Command::Stop(StopReason::Signal));
}

#[cfg(unix)]
use unix::Ending;

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::future::poll_fn;
    use std::io::{self, IsTerminal as _};
    use std::task::Poll;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    use crate::cli::{output, reopen};

    /// The signals as they come.
    pub(super) struct Ending {
        ends: Vec<Signal>,
        /// Of a program that has no terminal to lose, as a service: who renamed its log file asks for a new one by SIGHUP, and who
        /// changed its configuration for that to be read.
        renews: Option<Signal>,
    }

    impl Ending {
        /// The handlers are in place when this returns. What was ignored at the start stays ignored: who started us does
        /// not want it to end us (`nohup`, or a shell's job in the background).
        pub(super) fn register() -> io::Result<Self> {
            let ignored = ignored();
            let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
            let heeded = kinds.into_iter().filter(|kind| !contains(ignored, kind.as_raw_value()));
            let terminal = has_terminal();
            let (ends, renews): (Vec<_>, Vec<_>) =
                heeded.partition(|kind| terminal || *kind != SignalKind::hangup());
            let ends = ends.into_iter().map(signal).collect::<io::Result<_>>()?;
            Ok(Self { ends, renews: renews.into_iter().next().map(signal).transpose()? })
        }

        /// Waits for the next one that ends the program.
        pub(super) async fn next(&mut self, renew: &impl Fn()) {
            poll_fn(|context| {
                while self.renews.as_mut().is_some_and(|signal| signal.poll_recv(context).is_ready()) {
                    reopen::ask();
                    renew();
                }
                let came = self.ends.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
                if came { Poll::Ready(()) } else { Poll::Pending }
            })
            .await;
        }
    }

    /// Whether there is a terminal that may go away.
    fn has_terminal() -> bool {
        let in_use = io::stdin().is_terminal() || output::is_terminal() || io::stderr().is_terminal();
        in_use || File::open("/dev/tty").is_ok()
    }

    /// The set of ignored signals. Only Linux states it; asking for one signal is not safe in Rust's sense.
    #[cfg(target_os = "linux")]
    fn ignored() -> u64 {
        std::fs::read_to_string("/proc/self/status").map_or(0, |status| parse(&status))
    }

    #[cfg(not(target_os = "linux"))]
    fn ignored() -> u64 {
        0
    }

    /// The set of ignored signals in what Linux states of a process (proc(5), "status").
    #[cfg(any(target_os = "linux", test))]
    fn parse(status: &str) -> u64 {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0)
    }

    /// Signals are counted from one.
    fn contains(set: u64, signal: i32) -> bool {
        u32::try_from(signal - 1).is_ok_and(|bit| set.unbounded_shr(bit) & 1 == 1)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_signals_that_are_ignored_are_read_from_what_linux_states() {
            let set =
                parse("SigBlk:\tffffffffffffffff\nSigIgn:\t0000000000000003\nSigCgt:\tffffffffffffffff\n");
            assert_eq!([1, 2, 3, 15].map(|signal| contains(set, signal)), [true, true, false, false]);
            assert_eq!(parse("SigIgn:\tnonsense"), 0);
            assert_eq!(parse(""), 0);
        }
    }
}

#[cfg(windows)]
use windows::Ending;

#[cfg(windows)]
mod windows {
    use std::io;

    use tokio::signal::windows::{CtrlC, CtrlClose, CtrlShutdown, ctrl_c, ctrl_close, ctrl_shutdown};

    /// Ctrl-C and the end of the console, as they come.
    pub(super) struct Ending(CtrlC, CtrlClose, CtrlShutdown);

    impl Ending {
        /// The handlers are in place when this returns.
        pub(super) fn register() -> io::Result<Self> {
            Ok(Self(ctrl_c()?, ctrl_close()?, ctrl_shutdown()?))
        }

        /// Waits for the next one.
        pub(super) async fn next(&mut self, _renew: &impl Fn()) {
            tokio::select! {
                _ = self.0.recv() => {}
                _ = self.1.recv() => {}
                _ = self.2.recv() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::Instant;

    use super::*;

    /// How long the process has from a first signal on, when so many come at once.
    async fn time_left(signals: u32) -> (Duration, Vec<Command>) {
        let mut signals = 0..signals;
        let (tell, came) = watch::channel(false);
        let (commands, mut asked) = mpsc::channel(2);
        let node = OnceLock::from(commands);
        let begun = Instant::now();
        let next = async || {
            if signals.next().is_none() {
                pending::<()>().await;
            }
        };
        guard(next, &tell, &node).await;
        assert!(*came.borrow(), "whoever waits for the first signal is told");
        drop(node);
        (begun.elapsed(), std::iter::from_fn(|| asked.try_recv().ok()).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn after_a_signal_there_is_time_for_goodbyes_and_after_a_second_one_there_is_none() {
        let (time, asked) = time_left(1).await;
        assert!(time >= LAST_RESORT && time <= Duration::from_secs(1), "{time:?}");
        assert_eq!(asked, [Command::Stop(StopReason::Signal)]);
        assert!(time_left(2).await.0 < LAST_RESORT);
    }
}
