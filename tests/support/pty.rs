//! A program in a pseudo-terminal, and what stands on its screen.

use std::cell::RefCell;
use std::io::{Read as _, Write};
use std::num::NonZero;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

use super::poll;

/// A program in a terminal of its own.
pub(crate) struct Terminal {
    child: RefCell<Box<dyn Child + Send + Sync>>,
    keyboard: Box<dyn Write + Send>,
    emulator: Arc<Mutex<vt100::Parser>>,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal's modes can be read after the program has ended.
    _slave: Box<dyn SlavePty + Send>,
    modes: String,
}

impl Terminal {
    /// The program under test, in a terminal of 24 lines and 80 columns.
    pub(crate) fn vigie(args: &[&str]) -> Self {
        Self::run(env!("CARGO_BIN_EXE_vigie"), args)
    }

    /// Any program.
    pub(crate) fn run(program: &str, args: &[&str]) -> Self {
        Self::run_with(program, args, None)
    }

    /// Any program, with a variable in its environment.
    pub(crate) fn run_with(program: &str, args: &[&str], variable: Option<(&str, &str)>) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("the system has pseudo-terminals");
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
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        command.cwd(std::env::temp_dir());
        let modes = modes(&*pair.master);
        let emulator = Arc::new(Mutex::new(vt100::Parser::new(cells(size.rows), cells(size.cols), 0)));
        let mut output = pair.master.try_clone_reader().expect("a terminal can be read");
        let screen = Arc::clone(&emulator);
        // Ends when the terminal is closed, with the test.
        std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while let Ok(n @ 1..) = output.read(&mut bytes) {
                lock(&screen).process(&bytes[..n]);
            }
        });
        let keyboard = pair.master.take_writer().expect("a terminal can be written to, once");
        let child = RefCell::new(pair.slave.spawn_command(command).expect("the program starts"));
        Self { child, keyboard, emulator, master: pair.master, _slave: pair.slave, modes }
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard
            .write_all(keys.as_bytes())
            .and_then(|()| self.keyboard.flush())
            .expect("it can be typed to");
    }

    /// The text on the screen.
    pub(crate) fn screen(&self) -> String {
        lock(&self.emulator).screen().contents()
    }

    /// Waits until the screen's text is like this, and returns it.
    #[track_caller]
    pub(crate) fn wait_for(&self, within: Duration, like: impl Fn(&str) -> bool) -> String {
        let awaited = || {
            let running = self.is_running();
            let text = self.screen();
            if like(&text) { Some(Ok(text)) } else { (!running).then_some(Err(text)) }
        };
        match poll(within, awaited) {
            Some(Ok(text)) => text,
            Some(Err(text)) => panic!("the program has ended, and this is on the screen:\n{text}"),
            None => panic!("not on the screen after {within:?}:\n{}", self.screen()),
        }
    }

    /// Waits until all of this is on the screen, in upper or lower case.
    #[track_caller]
    pub(crate) fn wait_for_words(&self, within: Duration, words: &[&str]) -> String {
        self.wait_for(within, |text| {
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(&word.to_lowercase()))
        })
    }

    /// Changes the size of the terminal, which the program is told of.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        lock(&self.emulator).screen_mut().set_size(cells(rows), cells(cols));
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a terminal can be resized");
    }

    /// Whether the program reads keys one by one, without echo.
    pub(crate) fn is_raw(&self) -> bool {
        modes(&*self.master) != self.modes
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.child.borrow().process_id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        kill_process(id.expect("it has an id"), signal).expect("it runs");
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.child.borrow_mut().try_wait(), Ok(None))
    }

    #[track_caller]
    pub(crate) fn wait_exit(&self, within: Duration) -> u32 {
        let ended = poll(within, || self.child.borrow_mut().try_wait().expect("a child can be waited for"));
        match ended {
            Some(status) => status.exit_code(),
            None => panic!("it still runs after {within:?}:\n{}", self.screen()),
        }
    }

    /// Waits until the terminal is as the program found it: modes, main screen, cursor, mouse, paste.
    #[track_caller]
    pub(crate) fn wait_restored(&self, within: Duration) {
        let wrong = || {
            let emulator = lock(&self.emulator);
            let screen = emulator.screen();
            let checks = [
                (modes(&*self.master) != self.modes, "the modes are not as before"),
                (screen.alternate_screen(), "the alternate screen is still shown"),
                (screen.hide_cursor(), "the cursor is still hidden"),
                (screen.bracketed_paste(), "pastes are still bracketed"),
                (
                    screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
                    "the mouse is still reported",
                ),
            ];
            checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, what)| what)
        };
        let restored = poll(within, || wrong().is_none().then_some(()));
        assert!(restored.is_some(), "{}", wrong().unwrap_or("restored too late"));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.get_mut().kill();
        let _ = self.child.get_mut().wait();
    }
}

/// The emulator wraps to a neighbouring cell: it has at least two each way.
fn cells(count: u16) -> NonZero<u16> {
    NonZero::new(count.max(2)).expect("at least 2")
}

fn lock(emulator: &Mutex<vt100::Parser>) -> MutexGuard<'_, vt100::Parser> {
    emulator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All modes and control characters of the terminal.
fn modes(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().expect("a terminal has modes"))
}
