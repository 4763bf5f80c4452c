//! The terminal itself: raw mode, alternate screen, panic hook, suspension. Whatever happens, it is given back
//! as it was found.

use std::io::{self, BufWriter, Stdout, Write as _, stdout};
use std::mem;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, EnableBracketedPaste, Event as Input};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use futures::{Stream, stream};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use super::state::App;
use super::theme::Theme;
use super::view::{self, Drawn};

/// Whether the terminal is ours now: the panic hook gives back only what was taken.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Set by the panic hook: nothing may be drawn over its message.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// A screen that the run loop draws on. Tests have one of their own.
pub trait Screen {
    /// Draws one frame.
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn>;

    /// Makes the next frame draw every cell.
    fn redraw(&mut self) -> io::Result<()>;

    /// Gives the terminal to the shell until this process is continued. Returns whether that was possible.
    fn suspend(&mut self) -> io::Result<bool>;
}

/// The real terminal. Dropping it gives the terminal back.
pub struct Tty {
    terminal: Option<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
}

impl Tty {
    /// Takes the terminal.
    pub fn take(theme: Theme) -> io::Result<Self> {
        install_panic_hook();
        if theme == Theme::PLAIN {
            // With NO_COLOR crossterm 0.29 writes a full reset for every colour, which wipes bold and reversed;
            // the plain theme has no colours itself.
            crossterm::style::force_color_output(true);
        }
        enter()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, stdout()));
        match Terminal::new(backend) {
            Ok(terminal) => Ok(Self { terminal: Some(terminal) }),
            Err(error) => {
                let _ = leave();
                Err(error)
            }
        }
    }

    fn terminal(&mut self) -> io::Result<&mut Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
        self.terminal.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }
}

/// Every change of the terminal's size. Crossterm 0.29 tells of them too, but can lose one that comes together with a
/// key: its poll is edge-triggered, and it leaves at the first thing it has read.
#[cfg(unix)]
pub(super) fn resizes() -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut changes = signal(SignalKind::window_change())?;
    // The size itself is asked for when it is drawn.
    let resize = || Ok(Input::Resize(0, 0));
    Ok(stream::poll_fn(move |context| changes.poll_recv(context).map(|change| change.map(|()| resize()))))
}

/// Every change of the terminal's size that crossterm does not tell of: none here.
#[cfg(not(unix))]
pub(super) fn resizes() -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    Ok(stream::pending())
}

impl Screen for Tty {
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn> {
        let terminal = self.terminal()?;
        let mut drawn = Drawn::default();
        queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
        terminal.draw(|frame| drawn = view::draw(app, frame, now))?;
        execute!(terminal.backend_mut(), EndSynchronizedUpdate)?;
        Ok(drawn)
    }

    fn redraw(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal for the cursor, whose answer the event stream would swallow.
        let terminal = self.terminal()?;
        let area = terminal.size()?.into();
        terminal.resize(area)
    }

    fn suspend(&mut self) -> io::Result<bool> {
        leave()?;
        let stopped = stop_process_group();
        enter()?;
        self.redraw()?;
        Ok(stopped)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let left = leave();
        if let (Err(_), Some(terminal)) = (left, self.terminal.take()) {
            // The terminal has hung up: ratatui's own drop would complain to a dead stderr, and abort.
            mem::forget(terminal);
        }
    }
}

/// Whether something panicked since the terminal was taken; its message is on the screen now.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::Relaxed)
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::Relaxed);
    let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste);
    if entered.is_err() {
        let _ = leave();
    }
    entered
}

fn leave() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    // Both are tried, whatever becomes of the first.
    let cooked = disable_raw_mode();
    let left = execute!(stdout(), EndSynchronizedUpdate, DisableBracketedPaste, LeaveAlternateScreen, Show);
    let flushed = stdout().flush();
    cooked.and(left).and(flushed)
}

fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TAKEN.load(Ordering::Relaxed) {
                PANICKED.store(true, Ordering::Relaxed);
                let _ = leave();
            }
            usual(panic);
        }));
    });
}

/// Does what the terminal would have done at Ctrl-Z were it not raw: stops every process of this job, and returns
/// when the job is continued. A job that no shell watches is not stopped, as it could never go on.
#[cfg(unix)]
fn stop_process_group() -> bool {
    rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).is_ok()
}

#[cfg(not(unix))]
fn stop_process_group() -> bool {
    false
}
