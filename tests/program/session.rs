//! A whole session with the real program in a real terminal: what a person does in the first quarter of an hour, and what may
//! come in between.

use std::path::PathBuf;
use std::time::Duration;

use crate::support::node::Stage;
use crate::support::pty::Terminal;
use crate::support::{SOON, free_port};
use rustix::process::Signal;
use tokio::sync::{broadcast, mpsc};
use vigie::app;
use vigie::app::appearance::Appearance;
use vigie::app::appearance::Theme;
use vigie::app::state::App;

/// Options that make things happen soon.
fn lively<'a>(name: &'a str, addr: &'a str, port: &'a str) -> Vec<&'a str> {
    let options = ["--interval", "500ms", "--dial-interval", "1s", "--retry-delay", "300ms"];
    [&["--name", name, "--bind", addr, "--port", port][..], &options].concat()
}

/// A file that the session wrote: gone after the test.
struct Written(PathBuf);

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The file that the last line tells of; a terminal starts in the folder for temporary files.
fn written(screen: &str) -> Written {
    let line = screen.lines().find_map(|line| line.trim().strip_prefix("✓ wrote ")).expect("it is said");
    Written(std::env::temp_dir().join(line.trim()))
}

#[test]
fn a_session_from_discovery_to_a_signal() {
    let stage = Stage::new();
    let port = free_port().to_string();
    let closed = free_port();
    let mut peer = stage.vigie("beta", &[&["watch"][..], &lively("beta", "127.77.8.2", &port)].concat());
    let mut terminal = Terminal::vigie(&lively("lookout", "127.77.8.1", &port));

    // Discovery.
    terminal.resize(40, 120);
    terminal.wait_for_words(SOON, &["lookout", "beta", "● up", "127.77.8.2"]);

    // A failure: a peer is added where nothing listens.
    terminal.keys("a");
    terminal.wait_for_words(SOON, &["┌ Add a peer"]);
    terminal.keys(&format!("127.77.8.9:{closed}"));
    terminal.wait_for_words(SOON, &[&format!("✓ 127.77.8.9:{closed}")]);
    terminal.keys("\r");
    terminal.wait_for_words(SOON, &["2 peers", "refused"]);

    // Filter.
    terminal.keys("/bet");
    terminal.wait_for_words(SOON, &["1 of 2   "]);
    terminal.keys("\r");
    terminal.wait_for_words(SOON, &["1 of 2 · /bet"]);
    terminal.keys("\x1b");
    terminal.wait_for(SOON, |text| !text.contains("/bet"));

    // Sort, by key and by mouse.
    terminal.wait_for_words(SOON, &["state▲"]);
    terminal.keys("s");
    terminal.wait_for_words(SOON, &["dial▲"]);
    let head = terminal.screen();
    let (row, line) = head.lines().enumerate().find(|(_, line)| line.contains("dial▲")).unwrap();
    let column = line.chars().take_while(|c| *c != 'n').count();
    terminal.keys(&format!("\x1b[<0;{};{}M", column + 1, row + 1));
    terminal.wait_for_words(SOON, &["name▲"]);

    // Details.
    terminal.keys("\x1b[H\r");
    terminal.wait_for_words(SOON, &["─▸ Peer 127.77.8.9", "1 of 2", "refused: the host answers"]);
    terminal.keys("]");
    terminal.wait_for_words(SOON, &["─▸ Peer beta", "2 of 2"]);
    terminal.keys("\x1b");
    terminal.wait_for_words(SOON, &["─▸ Peers"]);

    // Timeline.
    terminal.keys("t");
    terminal.wait_for_words(SOON, &["─▸ Timeline", "beta"]);
    terminal.keys("\x1b[D\x1b[C\x1b\x1b");
    terminal.wait_for_words(SOON, &["─▸ Peers"]);

    // The palette pauses, the key resumes.
    terminal.keys(":freeze");
    terminal.wait_for_words(SOON, &["┌ Actions", "freeze the display"]);
    terminal.keys("\r");
    terminal.wait_for_words(SOON, &["PAUSED"]);
    terminal.keys("p");
    terminal.wait_for(SOON, |text| !text.contains("PAUSED"));

    // Export in every form.
    for (key, begins) in [("et", "lookout · group default"), ("ej", "{"), ("es", "<svg ")] {
        terminal.keys(key);
        let ending = match key {
            "et" => ".txt",
            "ej" => ".json",
            _ => ".svg",
        };
        let screen = terminal.wait_for(SOON, |text| text.contains("✓ wrote ") && text.contains(ending));
        let file = written(&screen);
        let text = std::fs::read_to_string(&file.0).unwrap();
        assert!(text.starts_with(begins) && text.contains("beta"), "{text}");
    }

    // The log is searched.
    terminal.keys("\x1b[Z");
    terminal.wait_for_words(SOON, &["─▸ Log"]);
    terminal.keys("/beta");
    terminal.wait_for(SOON, |text| text.lines().any(|line| line.starts_with("/beta")));
    terminal.keys("\r");
    terminal.wait_for(SOON, |text| {
        text.lines()
            .any(|line| line.contains("─▸ Log") && line.contains(" · /beta ") && !line.contains("none"))
    });
    terminal.keys("\x1b\t");

    // The peer dies.
    peer.kill9();
    terminal.wait_for(SOON, |text| {
        text.lines()
            .any(|line| line.contains("beta") && (line.contains("unreachable") || line.contains("silent")))
    });

    // A terminal that is nearly too small still shows the summary.
    terminal.resize(5, 20);
    terminal.wait_for(SOON, |text| text.contains("✖") || text.contains("○"));
    terminal.resize(24, 80);
    terminal.wait_for_words(SOON, &["lookout", "beta"]);

    terminal.signal(Signal::TERM);
    assert_eq!(terminal.wait_exit(Duration::from_secs(1)), 0);
    terminal.wait_restored(SOON);
}

#[test]
fn ctrl_z_gives_the_terminal_to_the_shell_and_fg_takes_it_back() {
    let mut terminal = Terminal::run("/bin/sh", &["-i"]);
    let port = free_port().to_string();
    let words = lively("solitaire", "127.77.8.20", &port).join(" ");
    terminal.keys(&format!("{} {words}\r", env!("CARGO_BIN_EXE_vigie")));
    terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
    terminal.keys("\x1a");
    let shell = terminal.wait_for(SOON, |text| text.contains("Stopped") && !text.contains("No peers yet"));
    assert!(shell.contains("vigie: suspended"), "{shell}");
    terminal.keys("fg\r");
    terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
    terminal.keys("q");
    terminal.wait_for(SOON, |text| !text.contains("No peers yet"));
    terminal.keys("exit\r");
    assert_eq!(terminal.wait_exit(SOON), 0);
}

#[test]
fn a_stop_from_outside_and_fg_leave_a_screen_that_is_drawn_and_keys_that_count() {
    let mut terminal = Terminal::run("/bin/sh", &["-i"]);
    let port = free_port().to_string();
    let words = lively("solitaire", "127.77.8.21", &port).join(" ");
    let id = Written(std::env::temp_dir().join(format!("vigie-stopped-{port}")));
    let program = env!("CARGO_BIN_EXE_vigie");
    terminal.keys(&format!("sh -c 'echo $$ > {}; exec {program} {words}'\r", id.0.display()));
    terminal.wait_for_words(SOON, &["solitaire · group", "No peers yet"]);
    let id = std::fs::read_to_string(&id.0).expect("the shell has written it");
    let id = rustix::process::Pid::from_raw(id.trim().parse().expect("a number")).expect("not 0");
    rustix::process::kill_process(id, Signal::STOP).expect("it runs");
    terminal.wait_for_words(SOON, &["Stopped"]);
    // A shell that leaves the terminal as it is takes no carriage return for the end of a line.
    terminal.keys("fg\n");
    terminal.wait_for(SOON, |text| text.contains("No peers yet") && !text.contains("Stopped"));
    terminal.keys("?");
    terminal.wait_for_words(SOON, &["┌ Help"]);
    terminal.keys("?");
    terminal.wait_for(SOON, |text| !text.contains("┌ Help"));
    terminal.keys("q");
    terminal.wait_for(SOON, |text| !text.contains("No peers yet"));
    terminal.keys("exit\r");
    assert_eq!(terminal.wait_exit(SOON), 0);
}

/// Set in the process that is to panic.
const TO_PANIC: &str = "SESSION_TO_PANIC";

#[test]
fn a_panic_anywhere_leaves_the_terminal_as_it_was_with_its_message_on_it() {
    if std::env::var_os(TO_PANIC).is_some() {
        panic_behind_the_screen();
    }
    let this = std::env::current_exe().expect("a test knows its program");
    let name = "session::a_panic_anywhere_leaves_the_terminal_as_it_was_with_its_message_on_it";
    let args = ["--exact", name, "--nocapture"];
    let terminal = Terminal::run_with(this.to_str().expect("a path of ASCII"), &args, Some((TO_PANIC, "1")));
    terminal.wait_for_words(SOON, &["this is what went wrong", "part of vigie failed"]);
    assert_eq!(terminal.wait_exit(SOON), 7);
    terminal.wait_restored(SOON);
}

/// The app on the terminal of this process, and another thread that panics once it is shown.
fn panic_behind_the_screen() -> ! {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (_events, receiver) = broadcast::channel(16);
    let (commands, mut asked) = mpsc::channel(16);
    let app = app::run(
        receiver,
        app::Outlets::to_node(commands),
        App::new(app::Options::default(), Appearance::new(Theme::COLOURED)),
    );
    std::thread::spawn(move || {
        // The screen is there when it first asks.
        asked.blocking_recv().expect("it asks for a snapshot");
        panic!("this is what went wrong");
    });
    let error = runtime.block_on(app).expect_err("it does not go on");
    eprintln!("{error}");
    std::process::exit(7);
}
