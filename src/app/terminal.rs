//! The terminal itself: raw mode, alternate screen, panic hook, suspension. Whatever happens, it is given back
//! as it was found.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufWriter, Stdout, Write as _};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, Once, PoisonError};
#[cfg(unix)]
use std::task::Poll;
use std::time::Instant;

use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::Show;
use crossterm::event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, Event as Input};
use crossterm::style::Print;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{execute, queue};
use futures::{Stream, stream};
use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::clipboard::{self, Place};
use super::state::App;
use super::view::{self, Drawn};
use super::{device, notification, screen_size};

/// Whether the terminal is ours now: the panic hook gives back only what was taken.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// Set by the panic hook: nothing may be drawn over its message.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// Said on the shell's screen before the process stops.
const SUSPENDED: &str = "vigie: suspended; until you resume it (fg), this node looks hung to its peers";

/// Held by whoever writes to the terminal: another thread's panic gives it back between two frames, not within one, the
/// rest of which would land beside its message.
static WRITING: Mutex<()> = Mutex::new(());

thread_local! {
    /// Whether this thread is the one that writes: its own panic must not wait for itself.
    static WRITES: Cell<bool> = const { Cell::new(false) };
}

/// Writes to the terminal, unless a panic has given it back.
fn write<T: Default>(writing: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let _held = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    if panicked() {
        return Ok(T::default());
    }
    WRITES.set(true);
    let written = writing();
    WRITES.set(false);
    written
}

/// A screen that the run loop draws on. Tests have one of their own.
pub trait Screen {
    /// Draws one frame.
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn>;

    /// Makes the next frame draw every cell.
    fn redraw(&mut self) -> io::Result<()>;

    /// Its size.
    fn size(&self) -> io::Result<Rect>;

    /// Sends a text on the way to the clipboard of the machine that the person sits at. Returns where it went.
    fn copy(&mut self, text: &str) -> io::Result<Place>;

    /// Rings the bell.
    fn ring(&mut self) -> io::Result<()>;

    /// Has the terminal notify its person.
    fn notify(&mut self, text: &str) -> io::Result<()>;

    /// Gives the terminal to the shell until this process is continued. Returns whether that was possible.
    fn suspend(&mut self) -> io::Result<bool>;
}

/// The real terminal. Dropping it gives the terminal back.
pub struct Tty {
    terminal: Option<Terminal<CrosstermBackend<BufWriter<Stdout>>>>,
    /// What is drawn on.
    area: Rect,
}

impl Tty {
    /// Takes the terminal.
    pub fn take(colourless: bool) -> io::Result<Self> {
        install_panic_hook();
        if colourless {
            // With NO_COLOR crossterm 0.29 writes a full reset for every colour, which wipes bold and reversed;
            // the plain theme has no colours itself.
            crossterm::style::force_color_output(true);
        }
        enter()?;
        let backend = CrosstermBackend::new(BufWriter::with_capacity(64 * 1024, stdout()));
        // The size is looked at here: a terminal may not know its own.
        let terminal = screen_size::of_the_terminal().and_then(|area| {
            let options = TerminalOptions { viewport: Viewport::Fixed(area) };
            Ok(Self { terminal: Some(Terminal::with_options(backend, options)?), area })
        });
        if terminal.is_err() {
            let _ = leave();
        }
        terminal
    }

    fn terminal(&mut self) -> io::Result<&mut Terminal<CrosstermBackend<BufWriter<Stdout>>>> {
        self.terminal.as_mut().ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))
    }
}

/// What makes the screen that is shown wrong: each change of the terminal's size, and each SIGCONT, after which the terminal is
/// taken again, for whoever stopped us may have changed all of it.
///
/// Crossterm 0.29 tells of the size too, but can lose a change that comes together with a key: its poll is edge-triggered, and it
/// leaves at the first thing it has read.
#[cfg(unix)]
pub(super) fn disturbances() -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut changes = signal(SignalKind::window_change())?;
    let mut continued = signal(SignalKind::from_raw(libc::SIGCONT))?;
    // The size itself is asked for when it is drawn.
    let redraw = || Input::Resize(0, 0);
    Ok(stream::poll_fn(move |context| {
        if continued.poll_recv(context).is_ready() {
            return Poll::Ready(Some(retake().map(|()| redraw())));
        }
        changes.poll_recv(context).map(|change| change.map(|()| Ok(redraw())))
    }))
}

/// Every change of the terminal's size that crossterm does not tell of: none here.
#[cfg(not(unix))]
pub(super) fn disturbances() -> io::Result<impl Stream<Item = io::Result<Input>> + Unpin> {
    Ok(stream::pending())
}

impl Screen for Tty {
    fn draw(&mut self, app: &mut App, now: Instant) -> io::Result<Drawn> {
        let area = self.size()?;
        let has_changed = std::mem::replace(&mut self.area, area) != area;
        let terminal = self.terminal()?;
        write(|| {
            let mut drawn = Drawn::default();
            queue!(terminal.backend_mut(), BeginSynchronizedUpdate)?;
            if has_changed {
                terminal.resize(area)?;
            }
            terminal.draw(|frame| {
                let area = frame.area();
                drawn = view::draw(app, area, frame.buffer_mut(), now);
                if let Some(cursor) = drawn.cursor {
                    frame.set_cursor_position(cursor);
                }
            })?;
            execute!(terminal.backend_mut(), EndSynchronizedUpdate)?;
            Ok(drawn)
        })
    }

    fn size(&self) -> io::Result<Rect> {
        screen_size::of_the_terminal()
    }

    fn copy(&mut self, text: &str) -> io::Result<Place> {
        if clipboard::give_to_tmux(text) {
            return Ok(Place::Tmux);
        }
        let terminal = self.terminal()?;
        write(|| execute!(terminal.backend_mut(), CopyToClipboard::to_clipboard_from(text)))?;
        Ok(Place::Terminal)
    }

    fn ring(&mut self) -> io::Result<()> {
        let terminal = self.terminal()?;
        write(|| execute!(terminal.backend_mut(), Print('\x07')))
    }

    fn notify(&mut self, text: &str) -> io::Result<()> {
        let terminal = self.terminal()?;
        write(|| execute!(terminal.backend_mut(), Print(notification::of(text))))
    }

    fn redraw(&mut self) -> io::Result<()> {
        // Not `clear`: it asks the terminal for the cursor, whose answer the event stream would swallow.
        let area = self.size()?;
        self.area = area;
        self.terminal()?.resize(area)
    }

    fn suspend(&mut self) -> io::Result<bool> {
        leave()?;
        writeln!(stdout(), "{SUSPENDED}")?;
        let stopped = stop_process_group();
        enter()?;
        self.redraw()?;
        Ok(stopped)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let left = {
            let _held = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
            leave()
        };
        if let (Err(_), Some(terminal)) = (left, self.terminal.take()) {
            // The terminal has hung up: ratatui's own drop would complain to a dead stderr, and abort.
            mem::forget(terminal);
        }
    }
}

/// Whether something panicked since the terminal was taken; its message is on the screen now.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// For another thread, when the program is to end: lets the run loop go on if it waits for a terminal that stands still.
pub fn release() {
    if TAKEN.load(Ordering::SeqCst) {
        device::drop_untaken_output();
    }
}

/// For another thread, when the program ends without the run loop: gives the terminal back as well as one can without
/// waiting for it.
pub fn abandon() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    device::drop_unread_input();
    let _ = disable_raw_mode();
    if let Ok(farewell) = farewell() {
        device::write_at_once(&farewell);
    }
}

#[expect(clippy::disallowed_methods, reason = "the screen is what is shown there")]
fn stdout() -> Stdout {
    io::stdout()
}

fn enter() -> io::Result<()> {
    enable_raw_mode()?;
    TAKEN.store(true, Ordering::Relaxed);
    let entered = execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableClicks);
    if entered.is_err() {
        let _ = leave();
    }
    entered
}

/// Takes the terminal again if it is ours: a shell that saw us stop has made it cooked, and wrote on the screen that we left it.
#[cfg(unix)]
fn retake() -> io::Result<()> {
    if !TAKEN.load(Ordering::Relaxed) {
        return Ok(());
    }
    write(|| {
        // Crossterm believes that it is raw still. In the background this stops us again, until the terminal is ours.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(stdout(), LeaveAlternateScreen, EnterAlternateScreen, EnableBracketedPaste, EnableClicks)
    })
}

fn leave() -> io::Result<()> {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return Ok(());
    }
    // First, so that nobody sees the shell's screen and types what would be dropped.
    device::drop_unread_input();
    // Both are tried, whatever becomes of the first.
    let cooked = disable_raw_mode();
    let left = farewell().and_then(|farewell| {
        let mut stdout = stdout();
        stdout.write_all(&farewell).and_then(|()| stdout.flush())
    });
    cooked.and(left)
}

/// What makes the terminal what it was, but for raw mode.
fn farewell() -> io::Result<Vec<u8>> {
    let mut farewell = Vec::new();
    queue!(
        farewell,
        EndSynchronizedUpdate,
        DisableMouseCapture,
        DisableBracketedPaste,
        LeaveAlternateScreen,
        Show
    )?;
    Ok(farewell)
}

/// Lets the terminal report clicks and the wheel, but not each movement, as crossterm's own command would: every one of those
/// would wake us.
struct EnableClicks;

impl crossterm::Command for EnableClicks {
    fn write_ansi(&self, f: &mut impl fmt::Write) -> fmt::Result {
        // Button events, and coordinates beyond column 223 (xterm's control sequences, "Mouse Tracking").
        f.write_str("\x1b[?1000h\x1b[?1006h")
    }

    #[cfg(windows)]
    fn execute_winapi(&self) -> io::Result<()> {
        crossterm::Command::execute_winapi(&crossterm::event::EnableMouseCapture)
    }

    #[cfg(windows)]
    fn is_ansi_code_supported(&self) -> bool {
        crossterm::Command::is_ansi_code_supported(&crossterm::event::EnableMouseCapture)
    }
}

fn install_panic_hook() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if TAKEN.load(Ordering::SeqCst) {
                PANICKED.store(true, Ordering::SeqCst);
            }
            // Until the message is whole: neither a frame nor the end of the program may come between.
            let _held = (!WRITES.get()).then(|| WRITING.lock().unwrap_or_else(PoisonError::into_inner));
            let _ = leave();
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
