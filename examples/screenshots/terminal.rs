//! The program in a pseudo-terminal, and what stands on its screen.

use std::io::{Read as _, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use ratatui::buffer::Buffer;

use crate::cells::buffer;

/// Between the pieces of one frame there is less time than this, and more between two frames.
const QUIET: Duration = Duration::from_millis(20);

/// A program in a terminal of its own. It is ended when this is dropped.
pub(crate) struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    master: Box<dyn MasterPty + Send>,
    screen: Arc<Screen>,
}

struct Screen {
    emulator: Mutex<vt100::Parser>,
    changed: Condvar,
}

impl Screen {
    fn lock(&self) -> MutexGuard<'_, vt100::Parser> {
        self.emulator.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Terminal {
    /// Runs a program in a terminal of this size, with none of its options set by the environment.
    pub(crate) fn run(program: &Path, args: &[String], cols: u16, rows: u16) -> Result<Self> {
        let pair = native_pty_system().openpty(size(cols, rows))?;
        let mut command = CommandBuilder::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("VIGIE_") {
                command.env_remove(name);
            }
        }
        command.args(args);
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env_remove("NO_COLOR");
        command.cwd(std::env::current_dir()?);
        let emulator = Mutex::new(vt100::Parser::new(cells(rows), cells(cols), 0));
        let screen = Arc::new(Screen { emulator, changed: Condvar::new() });
        let mut output = pair.master.try_clone_reader()?;
        let keyboard = pair.master.take_writer()?;
        let child = pair.slave.spawn_command(command)?;
        let shown = Arc::clone(&screen);
        // Ends with the program: then nobody holds the other side of the terminal any longer.
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                shown.lock().process(&bytes[..n]);
                shown.changed.notify_all();
            }
        });
        Ok(Self { child, keyboard, master: pair.master, screen })
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) -> Result<()> {
        self.keyboard.write_all(keys.as_bytes())?;
        Ok(self.keyboard.flush()?)
    }

    /// Changes the size of the terminal, which the program is told of.
    pub(crate) fn resize(&self, cols: u16, rows: u16) -> Result<()> {
        self.screen.lock().screen_mut().set_size(cells(rows), cells(cols));
        self.master.resize(size(cols, rows))
    }

    /// Waits until the screen's text is like this, and returns the screen as it then is.
    pub(crate) fn wait_for(
        &self,
        what: &str,
        until: Instant,
        like: impl Fn(&str) -> bool,
    ) -> Result<vt100::Screen> {
        let mut emulator = self.screen.lock();
        loop {
            let text = emulator.screen().contents();
            if like(&text) {
                // A frame may come in pieces: it is whole when nothing more of it comes.
                let (still, quiet) =
                    self.screen.changed.wait_timeout(emulator, QUIET).unwrap_or_else(PoisonError::into_inner);
                emulator = still;
                if quiet.timed_out() {
                    return Ok(emulator.screen().clone());
                }
                continue;
            }
            let left = until.saturating_duration_since(crate::scene::now());
            if left.is_zero() {
                bail!("this did not show: {what}; the screen is\n{text}");
            }
            let waited = self.screen.changed.wait_timeout(emulator, left);
            emulator = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Keeps a frame of the screen every so often.
    pub(crate) fn record(&self, every: Duration) -> Recording {
        let (stop, stopped) = std::sync::mpsc::sync_channel(1);
        let screen = Arc::clone(&self.screen);
        let thread = std::thread::spawn(move || {
            let mut frames = Vec::new();
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                frames.push(buffer(screen.lock().screen()));
            }
            frames
        });
        Recording { stop, thread }
    }

    /// Waits for its end; it was told to end.
    pub(crate) fn wait(&mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }
}

/// Frames that are being kept.
pub(crate) struct Recording {
    stop: SyncSender<()>,
    thread: JoinHandle<Vec<Buffer>>,
}

impl Recording {
    /// Ends it, and returns the frames.
    pub(crate) fn end(self) -> Vec<Buffer> {
        // It cannot have ended before.
        let _ = self.stop.send(());
        self.thread.join().unwrap_or_default()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(cols: u16, rows: u16) -> PtySize {
    PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }
}

fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count).unwrap_or(NonZero::<u16>::MIN)
}
