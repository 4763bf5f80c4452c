//! A program in a pseudo-terminal, and what stands on its screen.

use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, SlavePty, native_pty_system};
use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};

use super::{is_writing, node, now, poll};

/// Columns and lines of a usual terminal.
const SIZE: (u16, u16) = (80, 24);
/// Between the pieces of one frame there is less time than this, and more between two frames.
const QUIET: Duration = Duration::from_millis(20);

/// A program in a terminal of its own.
pub(crate) struct Terminal {
    program: Program,
    keyboard: Box<dyn Write + Send>,
    display: Display,
    master: Box<dyn MasterPty + Send>,
    /// Kept open, so that the terminal's modes can be read after the program has ended.
    _slave: Box<dyn SlavePty + Send>,
    /// The same, to write to as the program does, but without waiting.
    line: File,
    modes: String,
}

/// The program itself, which ends with this at the latest.
pub(crate) struct Program(RefCell<Box<dyn Child + Send + Sync>>);

/// What shows the program's output.
struct Display {
    emulator: Arc<Mutex<vt100::Parser>>,
    gate: Arc<Gate>,
    reader: JoinHandle<()>,
}

/// Whether the display reads.
#[derive(Default)]
struct Gate {
    state: Mutex<Reads>,
    changed: Condvar,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Reads {
    #[default]
    On,
    Paused,
    NoMore,
}

impl Terminal {
    /// The program under test, in a terminal of 24 lines and 80 columns.
    pub(crate) fn vigie(args: &[&str]) -> Self {
        Self::run(node::program(), args)
    }

    /// Any program.
    pub(crate) fn run(program: &str, args: &[&str]) -> Self {
        Self::run_with(program, args, None)
    }

    /// Any program, with a variable in its environment.
    pub(crate) fn run_with(program: &str, args: &[&str], variable: Option<(&str, &str)>) -> Self {
        Self::start(program, args, variable, SIZE, true)
    }

    /// The program under test, in a terminal that is not its controlling one: it gets no signal when that goes away.
    pub(crate) fn vigie_without_control(args: &[&str]) -> Self {
        Self::start(node::program(), args, None, SIZE, false)
    }

    /// Any program, in a terminal of so many columns and lines.
    pub(crate) fn run_sized(program: &str, args: &[&str], size: (u16, u16)) -> Self {
        Self::start(program, args, None, size, true)
    }

    fn start(
        program: &str,
        args: &[&str],
        variable: Option<(&str, &str)>,
        (cols, rows): (u16, u16),
        controlling: bool,
    ) -> Self {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("the system has pseudo-terminals");
        let mut command = CommandBuilder::new(program);
        node::options_of_the_environment().for_each(|name| command.env_remove(name));
        command.args(args);
        command.env("VIGIE_CONTROL", "off");
        command.env("TERM", "xterm-256color");
        command.env("XDG_CONFIG_HOME", "/nonexistent");
        command.env_remove("NO_COLOR");
        if let Some((name, value)) = variable {
            command.env(name, value);
        }
        command.cwd(std::env::temp_dir());
        command.set_controlling_tty(controlling);
        let modes = modes(&*pair.master);
        let display = Display::new(size, pair.master.try_clone_reader().expect("a terminal can be read"));
        let keyboard = pair.master.take_writer().expect("a terminal can be written to, once");
        let name = pair.master.tty_name().expect("a pseudo-terminal has a name");
        let flags = (OFlags::NOCTTY | OFlags::NONBLOCK).bits();
        let line = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(i32::try_from(flags).expect("flags are small"))
            .open(name)
            .expect("it can be opened by its name");
        let program = Program(RefCell::new(pair.slave.spawn_command(command).expect("the program starts")));
        Self { program, keyboard, display, master: pair.master, _slave: pair.slave, line, modes }
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
        lock(&self.display.emulator).screen().contents()
    }

    /// Shows no more, and fills the line to it: whatever the program writes now has to wait.
    pub(crate) fn freeze(&mut self) {
        self.display.gate.set(Reads::Paused);
        // The reader may be about to take a last piece.
        let full = || {
            while self.line.write(b"\0").is_ok() {}
            self.program.is_writing().then_some(())
        };
        poll(super::SOON, full).expect("the program writes something");
    }

    /// Shows again, beginning with what has waited.
    pub(crate) fn thaw(&self) {
        self.display.gate.set(Reads::On);
    }

    /// Types, and goes away at once, as a window that is closed. What remains is the program.
    pub(crate) fn hang_up(self, keys: &str) -> Program {
        let Self { program, mut keyboard, display, master, mut line, .. } = self;
        display.gate.set(Reads::NoMore);
        // Who waits for something to read gets it, and sees that it is to end. In a full line something is there already.
        let _ = line.write(b" ");
        display.reader.join().expect("a reader does not panic");
        // Else the keyboard types a newline and the character for end-of-file when it is dropped.
        let mut modes = tcgetattr(&line).expect("a terminal has modes");
        modes.special_codes[SpecialCodeIndex::VEOF] = 0;
        tcsetattr(&line, OptionalActions::Now, &modes).expect("a terminal has modes");
        keyboard.write_all(keys.as_bytes()).expect("it can be typed to");
        drop((keyboard, master));
        program
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

    /// The same of a program that may have ended.
    #[track_caller]
    pub(crate) fn wait_shown(&self, within: Duration, like: impl Fn(&str) -> bool) {
        let shown = poll(within, || like(&self.screen()).then_some(()));
        assert!(shown.is_some(), "not on the screen after {within:?}:\n{}", self.screen());
    }

    /// Waits until the screen's text is like this and nothing more of that frame comes. The screen, or its text when the time is
    /// over.
    pub(crate) fn frame(
        &self,
        within: Duration,
        like: impl Fn(&str) -> bool,
    ) -> Result<vt100::Screen, String> {
        let screen = self.emulated();
        let whole = || {
            let frame = screen();
            if !like(&frame.contents()) {
                return None;
            }
            std::thread::sleep(QUIET);
            (screen().state_formatted() == frame.state_formatted()).then_some(frame)
        };
        poll(within, whole).ok_or_else(|| self.screen())
    }

    /// Whoever calls it gets the screen as it then is, with its colours.
    pub(crate) fn emulated(&self) -> impl Fn() -> vt100::Screen + Send + 'static {
        let emulator = Arc::clone(&self.display.emulator);
        move || lock(&emulator).screen().clone()
    }

    /// Waits until all of this is on the screen, in upper or lower case.
    #[track_caller]
    pub(crate) fn wait_for_words(&self, within: Duration, words: &[&str]) -> String {
        self.wait_for(within, |text| {
            let text = text.to_lowercase();
            words.iter().all(|word| text.contains(&word.to_lowercase()))
        })
    }

    /// Shows so many lines and columns, whatever the program is told.
    pub(crate) fn emulate(&self, rows: u16, cols: u16) {
        lock(&self.display.emulator).screen_mut().set_size(cells(rows), cells(cols));
    }

    /// Changes the size of the terminal, which the program is told of.
    pub(crate) fn resize(&self, rows: u16, cols: u16) {
        self.emulate(rows, cols);
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        self.master.resize(size).expect("a terminal can be resized");
    }

    /// Whether the program reads keys one by one, without echo.
    pub(crate) fn is_raw(&self) -> bool {
        modes(&*self.master) != self.modes
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    pub(crate) fn is_running(&self) -> bool {
        self.program.is_running()
    }

    #[track_caller]
    pub(crate) fn wait_exit(&self, within: Duration) -> u32 {
        match self.program.exit_code(within) {
            Some(code) => code,
            None => panic!("it still runs after {within:?}:\n{}", self.screen()),
        }
    }

    /// Waits until the terminal is as the program found it: modes, main screen, cursor, mouse, paste.
    #[track_caller]
    pub(crate) fn wait_restored(&self, within: Duration) {
        let wrong = || {
            let emulator = lock(&self.display.emulator);
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

impl Program {
    /// Its exit code, if it ends in that time.
    pub(crate) fn exit_code(&self, within: Duration) -> Option<u32> {
        let ended = || self.0.borrow_mut().try_wait().expect("a child can be waited for");
        poll(within, ended).map(|status| status.exit_code())
    }

    fn id(&self) -> u32 {
        self.0.borrow().process_id().expect("it has an id")
    }

    fn is_running(&self) -> bool {
        matches!(self.0.borrow_mut().try_wait(), Ok(None))
    }

    fn is_writing(&self) -> bool {
        is_writing(self.id())
    }

    fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.id()).ok().and_then(Pid::from_raw);
        kill_process(id.expect("an id is a small number"), signal).expect("it runs");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.get_mut().kill();
        let _ = self.0.get_mut().wait();
    }
}

impl Display {
    fn new(size: PtySize, mut output: impl Read + Send + 'static) -> Self {
        let emulator = Arc::new(Mutex::new(vt100::Parser::new(cells(size.rows), cells(size.cols), 0)));
        let gate = Arc::<Gate>::default();
        let (screen, opens) = (Arc::clone(&emulator), Arc::clone(&gate));
        // Ends when the terminal is closed, with the test.
        let reader = std::thread::spawn(move || {
            let mut bytes = [0; 8192];
            while opens.wait()
                && let Ok(n @ 1..) = output.read(&mut bytes)
            {
                lock(&screen).process(&bytes[..n]);
            }
        });
        Self { emulator, gate, reader }
    }
}

impl Gate {
    fn set(&self, reads: Reads) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = reads;
        self.changed.notify_all();
    }

    /// Waits while it is paused. Returns whether to read on.
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = self.changed.wait_while(state, |reads| *reads == Reads::Paused);
        *state.unwrap_or_else(PoisonError::into_inner) == Reads::On
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
