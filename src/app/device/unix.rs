//! The terminal as a device: whether it has hung up, what it holds unread, what it has not taken yet.
//!
//! Whoever reads keys or writes frames may wait for a terminal for ever. Nothing here does, but for the thread that watches
//! for the hang-up.

use std::fs::File;
use std::future::pending;
use std::io::{self, IsTerminal as _};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use crossterm::event::Event as Input;
use futures::{Stream, stream};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{Action, QueueSelector, tcflow, tcflush};
use tokio::sync::{mpsc, oneshot};

use crate::engine::api::Command;
use crate::engine::event::StopReason;

/// How long the run loop may take to heed a hang-up: fifty times what it needs, and longer than the goodbyes take.
const HANG_UP_PATIENCE: Duration = Duration::from_millis(200);

/// How long no input must come before no more is expected. The pieces of a paste are 1.4 ms apart at most, on a busy machine.
const QUIET: Duration = Duration::from_millis(20);

/// How long unread input is dropped: a terminal that types for ever must not hold up the end.
const DROP_INPUT_FOR: Duration = Duration::from_millis(300);

/// A terminal that has not taken anything for so long, while something waits for it, stands still.
const STANDSTILL: Duration = Duration::from_millis(300);

/// How long room is made for what still has to be written: the last frame, and what gives the terminal back.
const MAKE_ROOM_FOR: Duration = Duration::from_millis(400);

/// Between two looks whether something waits again: each time there is room for some kilobytes.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// An error once the terminal has hung up, and nothing before.
///
/// Crossterm 0.29 does not tell of that: at the end of the terminal its reading never returns, in this task or in its own
/// thread. So another thread watches. It tells the node, too, and ends the process if the run loop does not heed it.
pub(crate) fn hang_up(
    commands: mpsc::Sender<Command>,
) -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    let terminal = keyboard()?;
    // The thread lives as long as somebody wants to know.
    let (released, wanted) = io::pipe()?;
    let (tell, told) = oneshot::channel();
    std::thread::Builder::new().name("vigie-hangup".into()).spawn(move || {
        if !hangs_up(&terminal, &released) {
            return;
        }
        // A full queue means a node that would not heed it, either.
        let _ = commands.try_send(Command::Stop(StopReason::OutputClosed));
        let _ = tell.send(());
        if !is_ready(&released, PollFlags::empty(), HANG_UP_PATIENCE) {
            std::process::exit(0);
        }
    })?;
    Ok(Box::pin(stream::once(async move {
        if told.await.is_err() {
            // It cannot be watched.
            pending::<()>().await;
        }
        drop(wanted);
        Err(io::Error::other("the terminal has hung up"))
    })))
}

/// Drops what was typed and is not read yet, and what follows at once: else the shell takes the rest of a paste for commands.
pub(crate) fn drop_unread_input() {
    let Ok(terminal) = keyboard() else { return };
    let end = now() + DROP_INPUT_FOR;
    while tcflush(&terminal, QueueSelector::IFlush).is_ok()
        && is_ready(&terminal, PollFlags::IN, QUIET)
        && now() < end
    {}
}

/// Lets the writes end that wait for a terminal which stands still: what it has not taken is dropped.
pub(crate) fn drop_untaken_output() {
    let stdout = stdout();
    let writable = |within| is_ready(&stdout, PollFlags::OUT, within);
    if writable(STANDSTILL) {
        return;
    }
    let end = now() + MAKE_ROOM_FOR;
    while now() < end {
        if writable(LOOK_AGAIN) {
            std::thread::sleep(LOOK_AGAIN);
        } else {
            let _ = tcflush(&stdout, QueueSelector::OFlush);
            // Who waits for room is not woken by that, but by output that may go on.
            let _ = tcflow(&stdout, Action::OOff).and(tcflow(&stdout, Action::OOn));
        }
    }
}

/// Writes a few bytes if the terminal takes them now.
pub(crate) fn write_at_once(bytes: &[u8]) {
    let stdout = stdout();
    if is_ready(&stdout, PollFlags::OUT, Duration::ZERO) {
        // Not by the standard library: a write that waits holds its lock.
        let _ = rustix::io::write(&stdout, bytes);
    }
}

#[expect(clippy::disallowed_methods, reason = "the terminal that the screen is drawn on")]
fn stdout() -> io::Stdout {
    io::stdout()
}

/// The terminal that the keys come from.
fn keyboard() -> io::Result<OwnedFd> {
    let stdin = io::stdin();
    if stdin.is_terminal() { stdin.as_fd().try_clone_to_owned() } else { Ok(File::open("/dev/tty")?.into()) }
}

/// Waits until the terminal hangs up; not so if nobody wants to know any more, or it cannot be watched.
fn hangs_up(terminal: &impl AsFd, released: &impl AsFd) -> bool {
    let gone = PollFlags::HUP | PollFlags::ERR;
    loop {
        // Who asks for nothing is told of the end only.
        let mut watched =
            [PollFd::new(released, PollFlags::empty()), PollFd::new(terminal, PollFlags::empty())];
        match poll(&mut watched, None) {
            Ok(_) => {
                let [released, terminal] = watched.map(|fd| fd.revents().intersects(gone));
                return terminal && !released;
            }
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Whether it is ready for this, or has ended, within that time.
fn is_ready(file: &impl AsFd, flags: PollFlags, within: Duration) -> bool {
    let within = Timespec::try_from(within).unwrap_or_default();
    loop {
        match poll(&mut [PollFd::new(file, flags)], Some(&within)) {
            Err(Errno::INTR) => {}
            ready => return ready.is_ok_and(|ready| ready > 0),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "deadlines of the terminal, which the run loop must not wait for"
)]
fn now() -> Instant {
    Instant::now()
}
