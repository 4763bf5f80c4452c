//! Programs under test: started, watched line by line, signalled, and ended by their id.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::ops::Deref;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{SOON, now, poll};

/// Where the program under test is. Known in tests, not in an example, which shares this.
pub(crate) fn program() -> &'static str {
    match option_env!("CARGO_BIN_EXE_vigie") {
        Some(path) => path,
        None => panic!("an example names the program itself"),
    }
}

/// The program under test with these arguments, in an environment that sets none of its options.
pub(crate) fn vigie(args: &[&str]) -> Command {
    let mut command = Command::new(program());
    clean(&mut command);
    command.args(args);
    command
}

/// The variables that are set here and would set an option of the program under test.
pub(crate) fn options_of_the_environment() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("VIGIE_"))
}

/// Takes from the environment what would set an option of the program under test. It is not asked by others and asks nobody:
/// tests that run at the same time, and hosts that are made of namespaces, share the files of this machine.
pub(crate) fn clean(command: &mut Command) {
    options_of_the_environment().for_each(|name| _ = command.env_remove(name));
    command.env("VIGIE_CONTROL", "off");
    command.env("XDG_CONFIG_HOME", "/nonexistent").env_remove("NO_COLOR").env_remove("RUST_LOG");
}

/// Everything that the programs of one test print, in one order. Shown when the test fails.
pub(crate) struct Stage {
    shared: Arc<Shared>,
    start: Instant,
}

#[derive(Default)]
struct Shared {
    printed: Mutex<Printed>,
    more: Condvar,
}

#[derive(Default)]
struct Printed {
    lines: Vec<Line>,
    /// How many nodes there are: the next one's number.
    nodes: usize,
    /// The numbers of the nodes whose standard output has ended.
    ended: Vec<usize>,
}

struct Line {
    at: Instant,
    node: usize,
    name: Arc<str>,
    stream: Stream,
    text: String,
    event: Option<Value>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Err,
    Note,
}

impl Stage {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default(), start: now() }
    }

    /// Runs the program under test.
    pub(crate) fn vigie(&self, name: &str, args: &[&str]) -> Node {
        self.spawn(name, vigie(args))
    }

    /// Runs any program.
    #[track_caller]
    pub(crate) fn spawn(&self, name: &str, mut command: Command) -> Node {
        let number = {
            let mut printed = self.shared.lock();
            printed.nodes += 1;
            printed.nodes
        };
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{command:?} cannot start: {e}"));
        let name: Arc<str> = name.into();
        let to = Reader { shared: Arc::clone(&self.shared), node: number, name: Arc::clone(&name) };
        to.note(format!("{:?}", command.get_args().collect::<Vec<_>>()));
        let out = child.stdout.take().map(|pipe| to.clone().read(pipe, Stream::Out));
        let err = child.stderr.take().map(|pipe| to.clone().read(pipe, Stream::Err));
        Node {
            child,
            to,
            readers: out.into_iter().chain(err).collect(),
            started: now(),
            stdout_closed: false,
        }
    }

    /// Runs a program to its end.
    #[track_caller]
    pub(crate) fn run(&self, command: Command) -> Ran {
        self.spawn("run", command).finish(Duration::from_secs(30))
    }

    fn transcript(&self) -> String {
        let mut text = String::from("what was printed:\n");
        for line in &self.shared.lock().lines {
            let at = line.at.saturating_duration_since(self.start).as_secs_f64();
            let mark = match line.stream {
                Stream::Out => '|',
                Stream::Err => '!',
                Stream::Note => '*',
            };
            let _ = writeln!(text, "{at:8.3} {:>6} {mark} {}", line.name, line.text);
        }
        text
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.transcript());
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Printed> {
        self.printed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Clone)]
struct Reader {
    shared: Arc<Shared>,
    node: usize,
    name: Arc<str>,
}

impl Reader {
    fn read(self, pipe: impl Read + Send + 'static, stream: Stream) -> JoinHandle<()> {
        std::thread::spawn(move || {
            for bytes in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                self.add(stream, String::from_utf8_lossy(&bytes).into_owned());
            }
            if stream == Stream::Out {
                self.shared.lock().ended.push(self.node);
                self.shared.more.notify_all();
            }
        })
    }

    fn add(&self, stream: Stream, text: String) {
        let event = if stream == Stream::Out { serde_json::from_str(&text).ok() } else { None };
        let (node, name) = (self.node, Arc::clone(&self.name));
        self.shared.lock().lines.push(Line { at: now(), node, name, stream, text, event });
        self.shared.more.notify_all();
    }

    fn note(&self, text: String) {
        self.add(Stream::Note, text);
    }
}

/// A place in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(usize);

/// An event as it was printed.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// When its line was read.
    pub(crate) at: Instant,
    /// Just behind it.
    pub(crate) mark: Mark,
    event: Value,
}

impl Deref for Seen {
    type Target = Value;

    fn deref(&self) -> &Value {
        &self.event
    }
}

/// A running program.
pub(crate) struct Node {
    child: Child,
    to: Reader,
    readers: Vec<JoinHandle<()>>,
    started: Instant,
    stdout_closed: bool,
}

impl Node {
    /// Now, in the transcript: what comes later is [`since`](Self::since) it.
    pub(crate) fn mark(&self) -> Mark {
        Mark(self.to.shared.lock().lines.len())
    }

    /// What it prints from there on.
    pub(crate) fn since(&self, mark: Mark) -> View<'_> {
        View { node: self, from: mark }
    }

    /// All it has printed and prints.
    pub(crate) fn always(&self) -> View<'_> {
        self.since(Mark(0))
    }

    /// The first event that it ever printed, or prints within that time, like this.
    #[track_caller]
    pub(crate) fn wait_for(&self, within: Duration, like: impl Fn(&Value) -> bool) -> Seen {
        self.always().wait_for(within, like)
    }

    /// How many events like this it has printed.
    pub(crate) fn count(&self, like: impl Fn(&Value) -> bool) -> usize {
        self.always().events(like).len()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stderr(&self) -> String {
        self.text(Stream::Err)
    }

    pub(crate) fn stdout(&self) -> String {
        self.text(Stream::Out)
    }

    fn text(&self, stream: Stream) -> String {
        let printed = self.to.shared.lock();
        let mine = printed.lines.iter().filter(|l| l.node == self.to.node && l.stream == stream);
        mine.fold(String::new(), |text, line| text + &line.text + "\n")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.pid();
        self.to.note(format!("gets {signal:?}"));
        kill_process(pid, signal).expect("the program runs, or waits to be reaped");
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn sigterm(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn sigint(&self) {
        self.signal(Signal::INT);
    }

    pub(crate) fn sigstop(&self) {
        self.signal(Signal::STOP);
    }

    pub(crate) fn sigcont(&self) {
        self.signal(Signal::CONT);
    }

    /// Kills it and waits until it is gone.
    pub(crate) fn kill9(&mut self) {
        self.signal(Signal::KILL);
        self.child.wait().expect("a child can be waited for");
    }

    /// Its exit code; 128 + the signal when one ended it, as shells say.
    #[track_caller]
    pub(crate) fn wait_exit(&mut self, within: Duration) -> i32 {
        use std::os::unix::process::ExitStatusExt as _;
        let status = poll(within, || self.child.try_wait().expect("a child can be waited for"))
            .unwrap_or_else(|| panic!("{} still runs after {within:?}", self.to.name));
        self.to.note(status.to_string());
        status.code().or(status.signal().map(|s| 128 + s)).expect("it has ended")
    }

    /// Waits for its end and collects all it printed.
    #[track_caller]
    pub(crate) fn finish(mut self, within: Duration) -> Ran {
        let code = self.wait_exit(within);
        let took = self.started.elapsed();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        let events = self.always().events(|_| true);
        Ran { code, took, out: self.stdout(), err: self.stderr(), events }
    }

    /// The most memory it has ever used, in kB.
    pub(crate) fn peak_memory_kb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("it runs");
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("Linux states it");
        line.trim().trim_end_matches(" kB").parse().expect("a number of kB")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a node prints from some place on.
#[derive(Clone, Copy)]
pub(crate) struct View<'n> {
    node: &'n Node,
    from: Mark,
}

impl View<'_> {
    /// The first event like this, printed already or within that time.
    #[track_caller]
    pub(crate) fn wait_for(&self, within: Duration, like: impl Fn(&Value) -> bool) -> Seen {
        let (me, end) = (self.node.to.node, now() + within);
        let mut printed = self.node.to.shared.lock();
        let mut next = self.from.0;
        loop {
            while let Some(line) = printed.lines.get(next) {
                next += 1;
                match &line.event {
                    Some(event) if line.node == me && like(event) => {
                        return Seen { at: line.at, mark: Mark(next), event: event.clone() };
                    }
                    _ => {}
                }
            }
            let left = end.saturating_duration_since(now());
            let ended = printed.ended.contains(&me);
            if left.is_zero() || ended {
                drop(printed);
                let why =
                    if ended { "its output has ended".to_owned() } else { format!("waited {within:?}") };
                panic!("{} did not print the expected event: {why}", self.node.to.name);
            }
            printed = match self.node.to.shared.more.wait_timeout(printed, left) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// The events like this that were printed until now.
    pub(crate) fn events(&self, like: impl Fn(&Value) -> bool) -> Vec<Seen> {
        let printed = self.node.to.shared.lock();
        let lines = printed.lines.iter().enumerate().skip(self.from.0);
        lines
            .filter(|(_, line)| line.node == self.node.to.node)
            .filter_map(|(i, line)| {
                let event = line.event.clone().filter(|e| like(e))?;
                Some(Seen { at: line.at, mark: Mark(i + 1), event })
            })
            .collect()
    }
}

/// A program that has run to its end.
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) took: Duration,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) events: Vec<Seen>,
}

impl Ran {
    /// The last line of its standard output, which must be JSON.
    #[track_caller]
    pub(crate) fn document(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|e| panic!("no JSON document ({e}): {last:?}"))
    }
}

/// Runs the program under test to its end.
#[track_caller]
pub(crate) fn run(args: &[&str]) -> Ran {
    Stage::new().run(vigie(args))
}

/// Runs the program under test, which is to end soon.
#[track_caller]
pub(crate) fn run_briefly(args: &[&str]) -> Ran {
    Stage::new().vigie("run", args).finish(SOON * 2)
}
