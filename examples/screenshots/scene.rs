//! What the pictures show: a network of real nodes on loopback, one with each kind of trouble.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};

use vigie::app::export::svg;

use crate::cells::buffer;
use crate::recording::Recording;
use crate::support::node::clean;
use crate::support::now;
use crate::support::pty::Terminal;

/// All pictures are drawn within this time, or there are none.
pub(crate) const PATIENCE: Duration = Duration::from_secs(38);

/// Between two frames of the animation.
pub(crate) const FRAME: Duration = Duration::from_millis(700);

/// Columns and lines of the large pictures.
pub(crate) const LARGE: (u16, u16) = (120, 36);

/// Columns and lines of the small one.
const SMALL: (u16, u16) = (80, 24);

/// How often the peers say that they are here. One that is to fall silent soon does so more often.
const CALM: &str = "10s";
const LIVELY: &str = "500ms";

/// The node whose screen is shown, and its peers.
pub(crate) struct Scene {
    program: PathBuf,
    port: u16,
    until: Instant,
    screen: Terminal,
    peers: Vec<Peer>,
}

struct Peer {
    name: &'static str,
    child: Child,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already, as the scene wants it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The peers: name, last byte of the address, presence period.
const PEERS: [(&str, u8, &str); 8] = [
    ("ada", 11, CALM),
    ("grace", 12, CALM),
    ("anna-laptop", 23, CALM),
    ("printer-hall", 40, CALM),
    ("rack-2", 52, LIVELY),
    ("rack-3", 53, CALM),
    ("robot-3", 63, CALM),
    ("山田のPC", 71, CALM),
];

impl Scene {
    /// Starts everybody and waits until all reach each other.
    pub(crate) fn start(program: &Path) -> Result<Self> {
        let until = now() + PATIENCE;
        let port = free_port()?;
        let stranger = stranger()?;
        let args = [
            "--name",
            "lighthouse",
            "--bind",
            &address(5),
            "--port",
            &port.to_string(),
            "--peer",
            &stranger.to_string(),
            "--dial-interval",
            "1500ms",
            "--dial-timeout",
            "800ms",
            "--max-retries",
            "4",
            "--retry-delay",
            "1200ms",
        ];
        let peers =
            PEERS.iter().map(|(name, host, interval)| Peer::start(program, name, *host, port, interval));
        let peers = peers.collect::<Result<_>>()?;
        let whole = program.to_str().context("the program's path is text")?;
        let screen = Terminal::run_sized(whole, &args, LARGE);
        let mut scene = Self { program: program.to_owned(), port, until, screen, peers };
        scene.wait("all peers are up", |text| text.contains(&format!("{} up", PEERS.len())))?;
        // Some history makes the bars worth looking at.
        for dials in 2..10 {
            scene.screen.keys("D");
            scene.wait("some history", |text| {
                PEERS.iter().all(|(name, ..)| lines_of(text, name).any(|line| bars(line) >= dials))
            })?;
        }
        Ok(scene)
    }

    /// Makes all that can go wrong go wrong.
    pub(crate) fn provoke(&mut self) -> Result<()> {
        self.signal("printer-hall", Signal::KILL)?;
        self.signal("rack-2", Signal::KILL)?;
        self.wait("the printer is unreachable", |text| has(text, "printer-hall", "unreachable"))?;
        self.wait("rack-2 is silent", |text| has(text, "rack-2", "silent"))?;
        self.signal("grace", Signal::KILL)?;
        let grace = Peer::start(&self.program, "grace", 12, self.port, CALM)?;
        *self.peer("grace")? = grace;
        self.wait("grace is back", |text| text.contains(": restarted"))?;
        self.signal("anna-laptop", Signal::TERM)?;
        self.wait("anna has left", |text| has(text, "anna-laptop", "left"))?;
        self.signal("robot-3", Signal::STOP)?;
        Ok(())
    }

    /// The whole screen, in the midst of it.
    pub(crate) fn main(&mut self) -> Result<String> {
        // The selected row is one whose details are worth reading.
        self.select("printer-hall")?;
        let screen = self.wait("robot-3 hangs", |text| {
            lines_of(text, "robot-3").any(|line| line.contains("retrying") && line.contains("/4 in "))
                && lines_of(text, "grace").any(|line| line.contains("● up"))
                && text.lines().any(|line| line.starts_with('▸') && line.contains("printer-hall"))
                && lines_of(text, "printer-hall").any(|line| line.contains("unreachable"))
        })?;
        Ok(svg::draw(&buffer(&screen), "vigie"))
    }

    /// All about the peer that is selected.
    pub(crate) fn details(&mut self) -> Result<String> {
        self.screen.keys("\r");
        let screen = self.wait("the details", |text| {
            text.contains("─▸ Peer printer-hall") && text.contains("Last hour")
        })?;
        self.screen.keys("\x1b");
        self.wait("the table", |text| text.contains("─▸ Peers"))?;
        Ok(svg::draw(&buffer(&screen), "vigie: one peer"))
    }

    /// Records what happens on the screen from now on.
    pub(crate) fn record(&self) -> Recording {
        Recording::begin(self.screen.emulated(), FRAME)
    }

    /// The help over it.
    pub(crate) fn help(&mut self) -> Result<String> {
        self.screen.keys("?");
        let screen = self.wait("the help", |text| text.contains("┌ Help"))?;
        self.screen.keys("\x1b");
        self.wait("no help", |text| !text.contains("┌ Help"))?;
        Ok(svg::draw(&buffer(&screen), "vigie: the keys"))
    }

    /// The same in the usual small terminal.
    pub(crate) fn small(&mut self) -> Result<String> {
        self.screen.resize(SMALL.1, SMALL.0);
        let screen = self.wait("the small screen", |text| {
            let last = text.trim_end().lines().count();
            last == usize::from(SMALL.1) && has(text, "robot-3", "retrying") && text.contains("Log")
        })?;
        Ok(svg::draw(&buffer(&screen), "vigie"))
    }

    /// Quits, as a person would.
    pub(crate) fn end(mut self) {
        self.screen.keys("q");
        self.screen.wait_exit(PATIENCE);
    }

    fn wait(&self, what: &str, like: impl Fn(&str) -> bool) -> Result<vt100::Screen> {
        let left = self.until.saturating_duration_since(now());
        let frame = self.screen.frame(left, like);
        frame.map_err(|text| anyhow!("this did not show: {what}; the screen is\n{text}"))
    }

    /// Moves down until a peer is the selected one.
    fn select(&mut self, name: &str) -> Result<()> {
        fn selected(text: &str) -> Option<String> {
            let line = text.lines().find(|line| line.starts_with('▸'))?;
            line.split_whitespace().nth(1).map(str::to_owned)
        }
        self.screen.keys("g");
        let mut at = selected(&self.wait("a selected row", |text| selected(text).is_some())?.contents());
        while at.as_deref() != Some(name) {
            self.screen.keys("j");
            let moved =
                self.wait(&format!("the selection on its way to {name}"), |text| selected(text) != at)?;
            at = selected(&moved.contents());
        }
        Ok(())
    }

    fn peer(&mut self, name: &str) -> Result<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.name == name).with_context(|| format!("there is no {name}"))
    }

    fn signal(&mut self, name: &str, signal: Signal) -> Result<()> {
        let peer = self.peer(name)?;
        kill_process(Pid::from_child(&peer.child), signal)?;
        if signal == Signal::KILL {
            peer.child.wait()?;
        }
        Ok(())
    }
}

impl Peer {
    fn start(program: &Path, name: &'static str, host: u8, port: u16, interval: &str) -> Result<Self> {
        let mut command = Command::new(program);
        clean(&mut command);
        command.args(["watch", "--name", name, "--bind", &address(host), "--port", &port.to_string()]);
        command.args(["--interval", interval]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("{} does not start", program.display()))?;
        Ok(Self { name, child })
    }
}

fn address(host: u8) -> String {
    format!("127.20.7.{host}")
}

/// A port that nobody uses now, below those that the system gives to connections. The first one, for it stands in the pictures.
fn free_port() -> Result<u16> {
    let free = |port: &u16| {
        let addr: Option<SocketAddr> = format!("{}:{port}", address(5)).parse().ok();
        addr.is_some_and(|addr| TcpListener::bind(addr).is_ok())
    };
    (17_600..17_700).find(free).context("no port is free")
}

/// A program that is no vigie, at an address that a person has named by mistake.
fn stranger() -> Result<SocketAddr> {
    let listener = TcpListener::bind(format!("{}:0", address(22)))?;
    let addr = listener.local_addr()?;
    // Ends with this program.
    std::thread::spawn(move || {
        for mut connection in listener.incoming().flatten() {
            // What becomes of it is the dialer's matter.
            let _ = connection.set_read_timeout(Some(Duration::from_millis(200)));
            let _ = connection.write_all(b"SSH-2.0-OpenSSH_9.6\r\n");
            let _ = connection.read(&mut [0; 512]);
        }
    });
    Ok(addr)
}

/// The table's lines of a peer.
fn lines_of<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| line.trim_start_matches(['▸', ' ']).starts_with(name))
}

fn has(text: &str, name: &str, word: &str) -> bool {
    lines_of(text, name).any(|line| line.contains(word))
}

/// How many attempts a line's history shows.
fn bars(line: &str) -> usize {
    line.chars().filter(|c| ('▁'..='█').contains(c) || *c == '×').count()
}
