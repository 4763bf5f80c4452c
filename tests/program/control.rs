//! The control socket of a running node: who may use it, what it answers, and that it stands in nobody's way.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::node::{Node, Ran, Stage, clean, program, vigie};
use crate::support::pty::Terminal;
use crate::support::seen::{about, becomes, kind};
use crate::support::{QUICK, SOON, free_port, lab, now, poll};
use serde_json::{Value, json};

/// A machine of its own, as far as control sockets go: a directory for the runtime files of its user, and a port.
struct Machine {
    stage: Stage,
    home: PathBuf,
    port: String,
}

impl Machine {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("vigie-control-{}-{nth}", std::process::id()));
        fs::create_dir(&home).unwrap();
        Self { stage: Stage::new(), home, port: free_port().to_string() }
    }

    /// Where its nodes have their sockets.
    fn directory(&self) -> PathBuf {
        self.home.join("vigie")
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = vigie(&[args, &["--port", &self.port]].concat());
        at_home(&mut command, &self.home);
        command
    }

    /// `watch --json` on a loopback address of its own, which is up.
    fn start(&self, name: &str, addr: &str, more: &[&str]) -> Node {
        let own = ["watch", "--json", "--name", name, "--bind", addr];
        let node = self.stage.spawn(name, self.command(&[&own, &QUICK[..], more].concat()));
        node.wait_for(SOON, kind("started"));
        node
    }

    /// The same, once it can be asked or has said why not.
    fn watch(&self, name: &str, addr: &str, more: &[&str]) -> Node {
        let node = self.start(name, addr, more);
        let settled =
            || (self.socket().is_some() || node.stderr().contains("no control socket")).then_some(());
        assert!(poll(SOON, settled).is_some(), "{}", node.stderr());
        node
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.stage.spawn("run", self.command(args)).finish(SOON)
    }

    /// The file that ends so.
    fn file(&self, ending: &str) -> Option<PathBuf> {
        let files = fs::read_dir(self.directory()).ok()?.flatten().map(|entry| entry.path());
        files.into_iter().find(|path| path.extension().is_some_and(|of| of == ending))
    }

    fn socket(&self) -> Option<PathBuf> {
        self.file("sock")
    }

    /// The terminal app on its node.
    fn attach(&self) -> Terminal {
        let directory = self.directory();
        let control = ("VIGIE_CONTROL", directory.to_str().unwrap());
        Terminal::run_with(program(), &["attach", "--port", &self.port], Some(control))
    }

    /// A program that says this.
    fn connect(&self, lines: &str) -> Program {
        let mut stream = UnixStream::connect(self.socket().expect("a node runs")).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        Program(BufReader::new(stream))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn at_home(command: &mut Command, home: &Path) {
    command.env_remove("VIGIE_CONTROL").env_remove("RUNTIME_DIRECTORY").env("XDG_RUNTIME_DIR", home);
}

/// A program that speaks with a node.
struct Program(BufReader<UnixStream>);

impl Program {
    /// The next line; null at the end.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        match self.0.read_line(&mut line) {
            Ok(0) => Value::Null,
            read => read.map(|_| serde_json::from_str(&line).unwrap()).unwrap(),
        }
    }

    /// The next line like this.
    fn wait_for(&mut self, like: impl Fn(&Value) -> bool) -> Value {
        let end = now() + SOON;
        let mut others = Vec::new();
        while now() < end {
            let next = self.next();
            if like(&next) {
                return next;
            }
            others.push(next);
        }
        panic!("the expected line did not come: {others:#?}")
    }

    fn say(&mut self, lines: &str) {
        self.0.get_mut().write_all(lines.as_bytes()).unwrap();
    }
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

/// How often the thread of the door was woken.
fn wakes(node: &Node) -> u64 {
    let threads = fs::read_dir(format!("/proc/{}/task", node.id())).unwrap().flatten();
    let read = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("status")).unwrap_or_default();
    let door = threads.map(read).find(|status| status.contains("vigie-door")).expect("it has a thread");
    let is_switch = |line: &&str| line.starts_with("voluntary_ctxt_switches");
    let line = door.lines().find(is_switch).expect("Linux counts them");
    line.rsplit('\t').next().unwrap().parse().unwrap()
}

#[test]
fn the_node_that_runs_here_answers_at_once_and_nobody_joins() {
    let machine = Machine::new();
    let castor = machine.watch("castor", "127.77.16.1", &[]);
    let resting = poll(SOON, || (wakes(&castor) == wakes(&castor)).then(|| wakes(&castor))).unwrap();
    let pollux = machine.watch("pollux", "127.77.16.2", &["--control", "off"]);
    castor.wait_for(SOON, becomes("pollux", "up"));
    pollux.wait_for(SOON, becomes("castor", "up"));
    let woken = wakes(&castor) - resting;
    assert!(
        woken <= 1,
        "events wake no door that nobody uses, and it looks after its files now and then: {woken}"
    );

    let list = machine.run(&["list", "--json", "--wait", "100ms"]);
    let document = list.document();
    assert_eq!((list.code, list.err.as_str(), &document["source"]), (0, "", &json!("node")), "{document}");
    assert_eq!(
        (&document["node"]["name"], &document["peers"][0]["name"]),
        (&json!("castor"), &json!("pollux"))
    );
    assert!(machine.run(&["list", "--wait", "100ms"]).out.contains("pollux  127.77.16.2:"));

    let matrix = machine.run(&["matrix", "--json", "--wait", "100ms"]);
    assert_eq!(
        (&matrix.document()["source"], &matrix.document()["nodes"][0]["name"]),
        (&json!("node"), &json!("castor"))
    );
    assert!(
        machine.run(&["matrix", "--ascii", "--wait", "100ms"]).out.contains("1 castor  . "),
        "the signs are those of who asks"
    );

    let check = machine.run(&["check", "--json", "--expect-peer", "pollux"]);
    assert_eq!(
        (check.code, &check.document()["source"], &check.document()["ok"]),
        (0, &json!("node"), &json!(true))
    );
    let absent = machine.run(&["check", "--expect-peer", "ghost", "--timeout", "200ms"]);
    assert!(absent.code == 1 && absent.out.contains("missing ghost: never heard"), "{}", absent.out);

    for ran in [&list, &matrix, &check] {
        assert!(ran.took < Duration::from_secs(1), "a visit takes longer than {:?}", ran.took);
    }
    for node in [&castor, &pollux] {
        assert_eq!(node.count(kind("peer_discovered")), 1, "nobody has joined");
    }
}

#[test]
fn a_node_that_was_started_a_moment_ago_is_given_the_time_of_a_visit() {
    let machine = Machine::new();
    let _castor = machine.watch("castor", "127.77.16.30", &[]);
    let list = machine.stage.spawn("list", machine.command(&["list", "--json", "--wait", "2s"]));
    let _pollux = machine.start("pollux", "127.77.16.31", &["--control", "off"]);
    let ran = list.finish(SOON);
    assert_eq!((ran.code, &ran.document()["peers"][0]["name"]), (0, &json!("pollux")), "{}", ran.err);
}

#[test]
fn whoever_wants_a_visit_or_a_node_of_another_shape_joins() {
    let machine = Machine::new();
    let node = machine.watch("castor", "127.77.16.3", &[]);
    let visit = |more: &[&str], variable: (&str, &str)| {
        let mut command = machine.command(&[&["list", "--wait", "500ms", "--json"], more].concat());
        command.env(variable.0, variable.1);
        machine.stage.spawn("list", command).finish(SOON).document()
    };
    let shaped = visit(&["--bind", "127.77.16.4"], ("VIGIE_NAME", "visitor"));
    assert_eq!(
        (&shaped["source"], &shaped["peers"][0]["name"]),
        (&json!("visit"), &json!("castor")),
        "{shaped}"
    );
    let wanted = visit(&["--visit"], ("VIGIE_BIND", "127.77.16.4"));
    assert_eq!(wanted["source"], "visit", "{wanted}");
    let off = visit(&["--control", "off"], ("VIGIE_BIND", "127.77.16.4"));
    assert_eq!(off["source"], "visit", "{off}");
    // The environment says the same to all nodes of a machine, to the one that runs as well.
    assert_eq!(visit(&[], ("VIGIE_BIND", "127.77.16.4"))["source"], "node");
    let mut other = machine.command(&["list", "--wait", "200ms", "--json", "--group", "other"]);
    other.env("VIGIE_BIND", "127.77.16.4");
    let other = machine.stage.spawn("list", other).finish(SOON).document();
    assert_eq!(other["source"], "visit", "the node is of another group: {other}");
    drop(node);
}

#[test]
fn a_crashed_node_hinders_nobody_and_one_that_ends_takes_its_socket_away() {
    let machine = Machine::new();
    let mut crashed = machine.watch("castor", "127.77.16.5", &[]);
    crashed.kill9();
    let left = machine.socket().expect("nobody took it away");
    let mut node = machine.watch("again", "127.77.16.5", &[]);
    let answers = || machine.run(&["list", "--json"]).document()["node"]["name"] == "again";
    assert!(poll(SOON, || answers().then_some(())).is_some(), "{}", node.stderr());
    assert_eq!(machine.socket(), Some(left), "it has the same name in each of its lives");
    node.sigterm();
    assert_eq!(node.wait_exit(SOON), 0);
    assert_eq!((machine.socket(), machine.file("lock")), (None, None));
}

#[test]
fn a_second_node_says_who_has_the_socket_and_runs_without() {
    let machine = Machine::new();
    let mut first = machine.watch("castor", "127.77.16.6", &[]);
    let second = machine.watch("pollux", "127.77.16.7", &[]);
    let who = format!("no control socket: castor (process {}) has that of group default", first.id());
    assert!(poll(SOON, || second.stderr().contains(&who).then_some(())).is_some(), "{}", second.stderr());
    second.wait_for(SOON, becomes("castor", "up"));
    assert_eq!(machine.run(&["list", "--json"]).document()["node"]["name"], "castor");
    // Of another group or port it is another socket.
    let stranger = machine.watch("stranger", "127.77.16.8", &["--group", "other"]);
    assert!(!stranger.stderr().contains("no control socket"), "{}", stranger.stderr());
    first.sigterm();
    assert_eq!(first.wait_exit(SOON), 0);
}

#[test]
fn nobody_else_may_use_the_socket_but_a_group_that_is_let_in() {
    let machine = Machine::new();
    let node = machine.watch("castor", "127.77.16.9", &[]);
    assert_eq!((mode(&machine.directory()), mode(&machine.socket().unwrap())), (0o700, 0o600));
    assert_eq!(mode(&machine.file("lock").unwrap()), 0o600);
    drop(node);
    let gid = fs::metadata(&machine.home).unwrap().gid().to_string();
    let _node = machine.watch("castor", "127.77.16.9", &["--control-group", &gid]);
    let shared = || (mode(&machine.socket()?) == 0o660).then_some(());
    assert!(poll(SOON, shared).is_some());
    assert_eq!(mode(&machine.directory()), 0o750);
}

#[test]
fn a_directory_that_somebody_else_may_have_made_is_refused_and_the_node_runs() {
    let machine = Machine::new();
    let elsewhere = machine.home.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let runs_without = |words: &str| {
        let node = machine.watch("castor", "127.77.16.10", &["--for", "1s"]);
        let log = node.stderr();
        let said: Vec<_> = log.lines().filter(|line| line.contains("no control socket")).collect();
        assert!(said.len() == 1 && said[0].contains(words) && said[0].contains("WARN"), "{log}");
        assert!(said[0].contains("choose another place with --control DIR"), "{log}");
        assert!(machine.file("sock").is_none());
    };
    symlink(&elsewhere, machine.directory()).unwrap();
    runs_without("is a symbolic link");
    fs::remove_file(machine.directory()).unwrap();
    fs::write(machine.directory(), "").unwrap();
    runs_without("is not a directory");
    fs::remove_file(machine.directory()).unwrap();
    fs::create_dir(machine.directory()).unwrap();
    // Only root can give a directory away.
    if chown(machine.directory(), Some(54_321), None).is_ok() {
        runs_without("belongs to another user (uid 54321)");
    }
}

#[test]
fn a_directory_is_chosen_and_one_that_others_can_write_to_is_refused() {
    let machine = Machine::new();
    let chosen = machine.home.join("chosen");
    let option = chosen.to_str().unwrap();
    let node = machine.start("castor", "127.77.16.11", &["--control", option, "--group", "a/b"]);
    let there = || {
        fs::read_dir(&chosen)
            .ok()?
            .flatten()
            .find(|file| file.path().extension().is_some_and(|e| e == "sock"))
    };
    assert!(poll(SOON, there).is_some(), "{}", node.stderr());
    let list = machine.run(&["list", "--json", "--control", option, "--group", "a/b"]);
    assert_eq!(list.document()["source"], "node");
    drop(node);
    fs::set_permissions(&chosen, fs::Permissions::from_mode(0o777)).unwrap();
    let node = machine.start("castor", "127.77.16.11", &["--control", option]);
    let refused = || node.stderr().contains("can be written to by other users").then_some(());
    assert!(poll(SOON, refused).is_some(), "{}", node.stderr());
    assert_eq!(mode(&chosen), 0o777, "the modes of a directory of others are theirs");
}

#[test]
fn what_is_no_request_is_refused_in_one_line() {
    let machine = Machine::new();
    let _node = machine.watch("castor", "127.77.16.12", &[]);
    let long = "x".repeat(70_000);
    for (request, words) in [
        ("nonsense\n", "no request"),
        ("{\"v\":2,\"do\":\"list\"}\n", "version 2 is not supported"),
        ("{\"v\":1,\"do\":\"reboot\"}\n", "unknown variant `reboot`"),
        (&long, "more than 65536 bytes"),
    ] {
        let mut program = machine.connect(request);
        let answer = program.next();
        assert!(answer["error"].as_str().is_some_and(|error| error.contains(words)), "{answer}");
        assert_eq!(program.next(), Value::Null, "and the connection ends");
    }
    // Who has said all still gets its answer.
    let mut program = machine.connect("{\"v\":1,\"do\":\"list\",\"json\":true}\n");
    program.0.get_mut().shutdown(Shutdown::Write).unwrap();
    let answer = program.next();
    assert_eq!((&answer["v"], &answer["code"]), (&json!(1), &json!(1)), "{answer}");
    assert!(answer["out"].as_str().is_some_and(|out| out.contains("\"source\":\"node\"")), "{answer}");
    assert!(answer["hint"].as_str().is_some_and(|hint| hint.contains("no peers found")), "{answer}");
}

#[test]
fn a_program_that_follows_is_told_all_peers_and_then_every_event_and_has_the_node_dial() {
    let machine = Machine::new();
    let mut castor = machine.watch("castor", "127.77.16.13", &["--dial-interval", "1h"]);
    let mut programs: Vec<_> = (0..16).map(|_| machine.connect("{\"v\":1,\"do\":\"follow\"}\n")).collect();
    for program in &mut programs {
        assert_eq!((&program.next()["event"], &program.0.buffer().is_empty()), (&json!("snapshot"), &true));
    }
    let refused = machine.connect("{\"v\":1,\"do\":\"follow\"}\n").next();
    assert_eq!(refused["error"], "16 programs follow this node already");
    // Questions have room of their own, and a place that is left is free.
    assert_eq!(machine.run(&["list", "--json"]).document()["source"], "node");
    programs.pop();
    let again = || {
        let mut program = machine.connect("{\"v\":1,\"do\":\"follow\"}\n");
        (program.next()["event"] == "snapshot").then_some(program)
    };
    let mut program = poll(SOON, again).expect("there is room");

    let _pollux = machine.watch("pollux", "127.77.16.14", &["--control", "off"]);
    let discovered = program.wait_for(about("peer_discovered", "pollux"));
    assert!(discovered["v"] == 1 && discovered["ts"].is_string(), "{discovered}");
    program.wait_for(becomes("pollux", "up"));
    program.say("{\"do\":\"dial\",\"peer\":\"pollux\"}\n");
    assert_eq!(program.wait_for(about("dial_started", "pollux"))["forced"], true);
    program.say("{\"do\":\"dial\",\"peer\":\"nobody\"}\n{\"do\":\"matrix\"}\n");
    let error = program.wait_for(|line| line["error"].is_string());
    assert_eq!(error["error"], "no peer has the name, id or address 'nobody'");
    program.wait_for(kind("matrix"));
    program.say("{\"do\":\"snapshot\"}\n");
    assert_eq!(program.wait_for(kind("snapshot"))["peers"][0]["name"], "pollux");

    castor.sigterm();
    assert_eq!(program.wait_for(kind("stopped"))["reason"], "signal");
    assert_eq!((program.next(), castor.wait_exit(SOON)), (Value::Null, 0));
}

#[test]
fn a_question_ends_with_the_node_or_with_a_signal() {
    let machine = Machine::new();
    let question = ["check", "--expect", "9", "--timeout", "1h"];
    for dies in [true, false] {
        let mut node = machine.watch("castor", "127.77.16.15", &[]);
        let held = |count: usize| {
            // It has connected when the door has one more descriptor.
            let open = fs::read_dir(format!("/proc/{}/fd", node.id())).unwrap().count();
            (open > count).then_some(())
        };
        let before = fs::read_dir(format!("/proc/{}/fd", node.id())).unwrap().count();
        let asking = machine.stage.spawn("check", machine.command(&question));
        assert!(poll(SOON, || held(before)).is_some());
        if dies {
            node.kill9();
        } else {
            node.sigterm();
        }
        let ran = asking.finish(SOON);
        assert_eq!((ran.code, ran.out.as_str(), ran.err.lines().count()), (3, "", 1), "{}", ran.err);
    }
    let node = machine.watch("castor", "127.77.16.15", &[]);
    let before = fs::read_dir(format!("/proc/{}/fd", node.id())).unwrap().count();
    let open = || fs::read_dir(format!("/proc/{}/fd", node.id())).unwrap().count();
    let mut asking = machine.stage.spawn("check", machine.command(&question));
    assert!(poll(SOON, || (open() > before).then_some(())).is_some());
    asking.sigint();
    assert_eq!(asking.wait_exit(Duration::from_secs(1)), 130);
    assert!(poll(SOON, || (open() <= before).then_some(())).is_some(), "the node forgets who has gone");
}

#[test]
fn who_watches_is_told_each_change_by_the_node_or_by_a_visit_and_ends_with_the_last_state() {
    let machine = Machine::new();
    let castor = machine.watch("castor", "127.77.16.32", &[]);
    let visit = ["--visit", "--bind", "127.77.16.33"];
    let start = |args: &[&str]| machine.stage.spawn(args[0], machine.command(args));
    let mut watching = [
        start(&["list", "--watch", "--wait", "100ms"]),
        start(&["check", "--watch", "--expect-peer", "pollux"]),
        start(&[&["check", "--watch", "--json", "--expect-peer", "pollux"], &visit[..]].concat()),
    ];
    let says = |node: &Node, words: &str| poll(SOON, || node.stdout().contains(words).then_some(()));
    assert!(says(&watching[1], "missing pollux: never heard").is_some(), "{}", watching[1].stdout());
    assert!(says(&watching[2], "\"ok\":false").is_some(), "{}", watching[2].stdout());
    let pollux = machine.start("pollux", "127.77.16.34", &["--control", "off"]);
    castor.wait_for(SOON, becomes("pollux", "up"));
    for (node, words) in watching.iter().zip(["pollux (127.77.16.34:", "1 peer is reachable", "\"ok\":true"])
    {
        assert!(says(node, words).is_some(), "{words}: {}", node.stdout());
    }
    watching[1].sigint();
    assert_eq!(watching[1].wait_exit(SOON), 0, "all is there when it ends");
    pollux.sigterm();
    assert!(says(&watching[0], ") left").is_some(), "{}", watching[0].stdout());
    watching[2].sigint();
    watching[0].sigint();
    assert_eq!(watching[0].wait_exit(SOON), 1, "nobody is left when it ends");
    let lines = watching[0].stdout();
    assert!(lines.lines().all(|line| line.contains("Z  pollux (")), "a line a change: {lines}");
    let ran = machine.run(&["list", "--watch", "--for", "300ms"]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""), "it ends by itself");
}

#[test]
fn a_hundred_checks_at_once_are_all_right_and_nobody_notices() {
    let machine = Machine::new();
    let castor = machine.watch("castor", "127.77.16.16", &[]);
    let pollux = machine.watch("pollux", "127.77.16.17", &["--control", "off"]);
    castor.wait_for(SOON, becomes("pollux", "up"));
    let checks: Vec<_> =
        (0..100).map(|_| machine.stage.spawn("check", machine.command(&["check"]))).collect();
    for check in checks {
        let ran = check.finish(SOON);
        assert_eq!(
            (ran.code, ran.out.as_str()),
            (0, "1 peer is reachable both ways: pollux\n"),
            "{}",
            ran.err
        );
    }
    for node in [&castor, &pollux] {
        assert_eq!((node.count(kind("peer_discovered")), node.count(kind("peer_left"))), (1, 0));
    }
}

#[test]
fn a_peer_is_dialed_by_its_name_and_a_host_by_name_and_port() {
    let machine = Machine::new();
    let castor = machine.watch("castor", "127.77.16.18", &[]);
    let _pollux = machine.watch("my laptop", "127.77.16.19", &["--control", "off"]);
    let _local = machine.watch("localhost", "127.77.16.20", &["--control", "off"]);
    castor.wait_for(SOON, becomes("my laptop", "up"));
    castor.wait_for(SOON, becomes("localhost", "up"));
    let dial = |name: &str| machine.run(&["dial", name, "--json", "--max-retries", "1"]);
    let ran = dial("my laptop");
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert_eq!(ran.events[0]["addr"], format!("127.77.16.19:{}", machine.port));
    assert_eq!(ran.events[0]["peer"]["name"], "my laptop");
    let ran = dial("localhost");
    assert_eq!(
        (ran.code, ran.events[0]["addr"].as_str()),
        (0, Some(&*format!("127.77.16.20:{}", machine.port)))
    );
    assert!(ran.err.lines().count() == 1 && ran.err.contains("and the host localhost at"), "{}", ran.err);
    let ran = dial(&format!("localhost:{}", free_port()));
    assert!(ran.code == 1 && ran.out.contains("refused"), "{}", ran.out);
    let ran = dial("no such peer");
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
}

#[test]
fn the_terminal_app_has_a_door_too() {
    let machine = Machine::new();
    let directory = machine.home.join("app");
    let option = directory.to_str().unwrap();
    let args = ["--name", "screen", "--bind", "127.77.16.21", "--port", &machine.port];
    let mut terminal = Terminal::run_with(program(), &args, Some(("VIGIE_CONTROL", option)));
    terminal.wait_for_words(SOON, &["screen"]);
    let asked = || {
        let document = machine.run(&["list", "--json", "--control", option, "--wait", "100ms"]);
        (document.document()["node"]["name"] == "screen").then_some(())
    };
    let opened = || fs::read_dir(&directory).is_ok_and(|files| files.count() > 1).then_some(());
    assert!(poll(SOON, opened).is_some());
    assert!(poll(SOON, asked).is_some());
    let log = machine.home.join("log");
    let own = ["--name", "second", "--bind", "127.77.16.22", "--log-file", log.to_str().unwrap()];
    let args = [&own[..], &["--port", &machine.port]].concat();
    let second = Terminal::run_with(program(), &args, Some(("VIGIE_CONTROL", option)));
    second.wait_for_words(SOON, &["second · another vigie runs here: `vigie attach`"]);
    let said =
        || fs::read_to_string(&log).is_ok_and(|log| log.contains("no control socket: screen (process "));
    assert!(poll(SOON, || said().then_some(())).is_some());
    terminal.keys("q");
    assert_eq!(terminal.wait_exit(SOON), 0);
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
}

#[test]
fn who_attaches_sees_what_was_before_and_acts_and_leaves_the_node_as_it_is() {
    let machine = Machine::new();
    let mut castor = machine.watch("castor", "127.77.16.40", &["--dial-interval", "1h"]);
    let mut pollux = machine.start("pollux", "127.77.16.41", &["--control", "off"]);
    castor.wait_for(SOON, becomes("pollux", "up"));
    let _helen = machine.start("helen", "127.77.16.42", &["--control", "off"]);
    castor.wait_for(SOON, becomes("helen", "up"));
    pollux.sigterm();
    assert_eq!(pollux.wait_exit(SOON), 0);
    castor.wait_for(SOON, becomes("pollux", "left"));

    let mut screen = machine.attach();
    screen.wait_for_words(
        SOON,
        &["castor · attached", "helen", "127.77.16.42", "up", "answered", "pollux", "left"],
    );
    let before = castor.mark();
    screen.keys("d");
    castor
        .since(before)
        .wait_for(SOON, |event| about("dial_started", "helen")(event) && event["forced"] == true);
    screen.keys("q");
    assert_eq!(screen.wait_exit(SOON), 0);
    assert_eq!(machine.run(&["list", "--json"]).document()["source"], "node");

    let again = machine.attach();
    again.wait_for_words(SOON, &["castor · attached", "helen"]);
    castor.sigterm();
    assert_eq!((again.wait_exit(SOON), castor.wait_exit(SOON)), (0, 0));
    again.wait_for_words(SOON, &["vigie: castor has stopped: signal received"]);

    let nobody = machine.attach();
    assert_eq!(nobody.wait_exit(SOON), 3);
    nobody.wait_for_words(SOON, &["vigie: no vigie of group default and port", "start one"]);
    let mut killed = machine.watch("castor", "127.77.16.40", &[]);
    let last = machine.attach();
    last.wait_for_words(SOON, &["castor · attached"]);
    killed.kill9();
    assert_eq!(last.wait_exit(SOON), 3);
    last.wait_for_words(SOON, &["vigie: castor: the connection to the node has ended"]);
}

#[test]
fn who_attaches_and_leaves_two_hundred_times_leaves_nothing() {
    let machine = Machine::new();
    let castor = machine.watch("castor", "127.77.16.43", &[]);
    let _pollux = machine.start("pollux", "127.77.16.44", &["--control", "off"]);
    castor.wait_for(SOON, becomes("pollux", "up"));
    let attach = |times: usize| {
        for _ in 0..times {
            let mut program = machine.connect("{\"v\":1,\"do\":\"attach\"}\n");
            assert!(program.next()["past"]["peers"][0]["peer"]["name"] == "pollux");
            assert!(program.wait_for(kind("matrix"))["more"]["matrix"].is_object());
        }
    };
    let count = |what: &str| fs::read_dir(format!("/proc/{}/{what}", castor.id())).unwrap().count();
    let memory = || {
        let status = fs::read_to_string(format!("/proc/{}/status", castor.id())).unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        resident.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    attach(50);
    let (open, threads, used) = (count("fd"), count("task"), memory());
    attach(150);
    // A dial or a tether may be open now that was not before, but not one for each of them.
    let rests = || (count("fd") < open + 15 && count("task") <= threads).then_some(());
    assert!(poll(SOON, rests).is_some(), "{} and {}, not {open} and {threads}", count("fd"), count("task"));
    let grown = memory().saturating_sub(used);
    assert!(grown < 1_024, "{grown} kB more than the {used} kB before");
}

#[test]
fn a_socket_that_a_cleaner_took_away_is_there_again() {
    let machine = Machine::new();
    let mut node = machine.watch("castor", "127.77.16.45", &[]);
    let (socket, lock) = (machine.socket().unwrap(), machine.file("lock").unwrap());
    let mut program = machine.connect("{\"do\":\"follow\"}\n");
    fs::remove_file(&socket).unwrap();
    fs::remove_file(&lock).unwrap();
    let again = poll(SOON, || machine.socket());
    assert_eq!(again, Some(socket), "{}", node.stderr());
    assert_eq!(machine.run(&["list", "--json"]).document()["source"], "node");
    node.sigterm();
    assert_eq!(program.wait_for(kind("stopped"))["reason"], "signal", "who followed has noticed nothing");
    assert_eq!(node.wait_exit(SOON), 0);
    assert_eq!((machine.socket(), machine.file("lock")), (None, None));
}

#[test]
fn a_node_without_a_free_descriptor_neither_spins_nor_dies() {
    use rustix::process::{Resource, Rlimit, prlimit};
    let machine = Machine::new();
    let node = machine.watch("castor", "127.77.16.46", &["--dial-interval", "200ms"]);
    let _pollux = machine.start("pollux", "127.77.16.47", &["--control", "off"]);
    node.wait_for(SOON, becomes("pollux", "up"));
    let limit = |most: u64| {
        let limit = Rlimit { current: Some(most), maximum: Some(4_096) };
        prlimit(Some(node.pid()), Resource::Nofile, limit).unwrap()
    };
    let before = limit(3).current.unwrap();
    let waiting = machine.connect("{\"do\":\"list\"}\n");
    // utime and stime, in hundredths of a second.
    let worked = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", node.id())).unwrap();
        let fields: Vec<_> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    };
    node.wait_for(SOON, |event| event["cause"] == "local_resources");
    let start = worked();
    std::thread::sleep(Duration::from_secs(1));
    let busy = worked() - start;
    assert!(busy < 50, "it worked for {busy} hundredths of a second");
    limit(before.min(4_096));
    let mut waiting = waiting;
    assert_eq!(waiting.next()["code"], 0, "who came meanwhile is answered");
    node.wait_for(SOON, becomes("pollux", "up"));
}

#[test]
fn a_check_that_asks_a_node_sends_no_datagram() {
    lab::within(1, |lab| {
        let home = std::env::temp_dir().join(format!("vigie-control-quiet-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let on = |args: &[&str]| {
            let mut command = lab.host(1).command(program());
            clean(&mut command);
            at_home(&mut command, &home);
            command.args(args);
            lab.stage.spawn(args[0], command)
        };
        let directory = home.join("vigie");
        let socket = || {
            let mut files = fs::read_dir(&directory).ok()?.flatten().map(|entry| entry.path());
            files.find(|path| path.extension().is_some_and(|of| of == "sock"))
        };
        let mut node = on(&["watch", "--json"]);
        let path = poll(SOON, socket).unwrap();
        node.sigterm();
        assert_eq!(node.wait_exit(SOON), 0);
        // In its place somebody who answers and has no network at all: what is sent now, the command sends.
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let answering = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut asked = String::new();
            BufReader::new(&stream).read_line(&mut asked).unwrap();
            (&stream).write_all(b"{\"v\":1,\"code\":0,\"out\":\"fine\\n\",\"hint\":null}\n").unwrap();
            asked
        });
        let datagrams = || {
            let counted = |file: &str| lab.host(1).command("cat").arg(file).output().unwrap().stdout;
            let text = [counted("/proc/net/snmp"), counted("/proc/net/snmp6")].concat();
            let text = String::from_utf8(text).unwrap();
            text.lines().filter(|line| line.starts_with("Udp")).map(str::to_owned).collect::<Vec<_>>()
        };
        let before = datagrams();
        let check = on(&["check", "--expect", "3"]).finish(SOON);
        assert_eq!((check.code, check.out.as_str()), (0, "fine\n"), "{}", check.err);
        assert!(answering.join().unwrap().contains("\"do\":\"check\""));
        assert_eq!((datagrams(), before.is_empty()), (before, false));
        let _ = fs::remove_dir_all(&home);
    });
}

#[test]
fn hosts_that_share_their_files_do_not_ask_each_others_nodes() {
    lab::within(2, |lab| {
        let home = std::env::temp_dir().join(format!("vigie-control-lab-{}", std::process::id()));
        fs::create_dir_all(&home).unwrap();
        let on = |n: usize, args: &[&str]| {
            let mut command = lab.host(n).command(program());
            clean(&mut command);
            at_home(&mut command, &home);
            command.args(args);
            lab.stage.spawn(&format!("h{n}"), command)
        };
        let _node = on(1, &["watch", "--json", "--name", "h1"]);
        let sockets = || fs::read_dir(home.join("vigie")).is_ok_and(|files| files.count() > 1).then_some(());
        assert!(poll(SOON, sockets).is_some());
        let source = |n: usize| {
            on(n, &["list", "--json", "--wait", "200ms"]).finish(SOON).document()["source"].clone()
        };
        assert_eq!((source(1), source(2)), (json!("node"), json!("visit")));
        let _ = fs::remove_dir_all(&home);
    });
}
