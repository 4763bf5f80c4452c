//! What is written where, and what becomes of a program that cannot write it: a full disk, a reader that goes away, a log file
//! that is renamed.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use crate::support::node::{Node, Stage, clean, program, vigie};
use crate::support::seen::{about, kind};
use crate::support::{SOON, free_port, only_the_log, poll, wait_caught};
use rustix::process::Signal;

/// Runs it to its end with this standard output.
fn run_into(stdout: impl Into<Stdio>, args: &[&str]) -> Output {
    let mut command = vigie(args);
    command.stdin(Stdio::null()).stdout(stdout).output().expect("the program starts")
}

/// A folder of one test, that ends with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vigie-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder can be made");
        Self(path)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_answer_that_cannot_be_written_is_one_line_and_an_error_of_every_command() {
    let port = free_port().to_string();
    let own = ["--bind", "127.77.15.1", "--port", &port, "--log", "off"];
    let cases: [&[&str]; 10] = [
        &["--help"],
        &["--version"],
        &["check", "--help"],
        &["list", "--json", "--wait", "100ms"],
        &["check", "--timeout", "100ms"],
        &["matrix", "--json", "--wait", "100ms"],
        &["dial", "127.77.15.2:1"],
        &["doctor"],
        &["watch"],
        &["watch", "--json"],
    ];
    for args in cases {
        let full = OpenOptions::new().write(true).open("/dev/full").expect("Linux has it");
        let ran = run_into(full, &[args, &own].concat());
        let err = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{args:?}: {err}");
        assert!(
            err.starts_with("vigie: cannot write to standard output: ") && err.lines().count() == 1,
            "{err}"
        );
    }
}

#[test]
fn a_reader_that_is_gone_gets_the_exit_code_and_no_complaint() {
    let cases: [(&[&str], i32); 4] = [
        (&["--help"], 0),
        (&["list", "--json", "--wait", "100ms", "--bind", "127.77.15.3", "--log", "off"], 1),
        (&["dial", "127.77.15.4:1", "--max-retries", "1"], 1),
        (&["watch", "--bind", "127.77.15.5", "--log", "off"], 0),
    ];
    let port = free_port().to_string();
    for (args, code) in cases {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ran = run_into(writer, &[args, &["--port", &port]].concat());
        let err = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{args:?}: {err}");
        assert!(!err.contains("write"), "{err}");
    }
}

#[test]
fn the_last_line_of_a_watch_says_that_it_stopped_however_busy_the_network_is() {
    const LINES: usize = 500;
    let (stage, port) = (Stage::new(), free_port().to_string());
    let start = |nth: usize| {
        let (name, addr) = (format!("busy{nth}"), format!("127.77.15.1{nth}"));
        let own = ["watch", "--json", "--name", &name, "--bind", &addr, "--port", &port, "--log", "off"];
        stage.vigie(&name, &[&own[..], &["--dial-interval", "100ms"]].concat())
    };
    let mut nodes: Vec<Node> = (0..5).map(start).collect();
    // So many that they are written in batches, with pauses between.
    for node in &nodes {
        let busy = || (node.stdout().lines().count() >= LINES).then_some(());
        assert!(poll(SOON, busy).is_some(), "it is too quiet");
    }
    for node in nodes.drain(..).rev() {
        node.sigterm();
        let ran = node.finish(SOON);
        let last = ran.events.last().expect("it was busy");
        assert_eq!((ran.code, &last["event"]), (0, &"stopped".into()), "{}", ran.err);
    }
}

#[test]
fn a_watch_whose_outputs_are_one_file_says_nothing_twice() {
    let (folder, port) = (Folder::new("one-file"), free_port().to_string());
    let path = folder.file("both");
    let out = File::create(&path).expect("a file");
    let mut command = vigie(&["watch", "--for", "200ms", "--bind", "127.77.15.20", "--port", &port]);
    command.stdin(Stdio::null()).stderr(out.try_clone().expect("a file")).stdout(out);
    assert_eq!(command.status().expect("the program starts").code(), Some(0));
    let both = std::fs::read_to_string(&path).expect("a file");
    assert_eq!(both.matches("stopped").count(), 1, "{both}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_log_file_on_a_full_disk_is_one_warning_and_keeps_no_node_from_going_on() {
    let (stage, port) = (Stage::new(), free_port().to_string());
    let args = ["watch", "--json", "--for", "1s", "--log-file", "/dev/full", "--bind", "127.77.15.21"];
    let ran = stage.vigie("full", &[&args[..], &["--port", &port]].concat()).finish(SOON);
    assert_eq!(ran.code, 0);
    only_the_log(&ran.err);
    assert_eq!(ran.err.matches("cannot write the log file /dev/full").count(), 1, "{}", ran.err);
    assert_eq!(ran.events.last().expect("a node says something")["event"], "stopped");
}

/// As a service: in a session of its own, without a terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_makes_a_service_open_its_log_file_again() {
    let (stage, folder, port) = (Stage::new(), Folder::new("hang-up"), free_port().to_string());
    let [log, old] = ["log", "log.1"].map(|name| folder.file(name));
    let mut command = Command::new("setsid");
    clean(&mut command);
    command.arg(program()).args(["watch", "--json", "--name", "service", "--bind", "127.77.15.22"]);
    command.args(["--port", &port, "--interval", "200ms", "--log-file"]).arg(&log);
    let mut service = stage.spawn("service", command);
    service.wait_for(SOON, kind("started"));
    wait_caught(service.id(), Signal::HUP);
    std::fs::rename(&log, &old).expect("it can be renamed");
    service.signal(Signal::HUP);
    let args = ["watch", "--json", "--name", "guest", "--bind", "127.77.15.23", "--port", &port];
    let _guest = stage.vigie("guest", &args);
    service.wait_for(SOON, about("peer_discovered", "guest"));
    let written = || std::fs::read_to_string(&log).is_ok_and(|log| log.contains("guest")).then_some(());
    assert!(poll(SOON, written).is_some(), "there is no new log file");
    service.sigterm();
    assert_eq!(service.wait_exit(SOON), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_makes_a_service_read_its_configuration_again_and_a_broken_one_changes_nothing() {
    let (stage, folder, port) = (Stage::new(), Folder::new("reread"), free_port().to_string());
    let file = folder.file("config.toml");
    let write = |text: &str| std::fs::write(&file, text).expect("it can be written");
    write("interval = \"2s\"\n");
    let mut command = Command::new("setsid");
    clean(&mut command);
    command.arg(program()).args(["watch", "--json", "--name", "service", "--bind", "127.77.15.24"]);
    command.args(["--port", &port, "--config"]).arg(&file);
    let mut service = stage.spawn("service", command);
    service.wait_for(SOON, kind("started"));
    wait_caught(service.id(), Signal::HUP);
    let rereads = |text: &str, words: &str| {
        write(text);
        service.signal(Signal::HUP);
        let said = || service.stderr().contains(words).then_some(());
        assert!(poll(SOON, said).is_some(), "{words} is missing in: {}", service.stderr());
    };
    rereads("interval = \"2s\n", "the configuration stays as it was, because the new one is wrong: ");
    rereads("interval = \"3s\"\nlog = \"debug\"\n", "configuration read again: log is now debug");
    rereads("interval = \"3s\"\nlog = \"debug\"\n", "configuration read again: nothing has changed");
    assert!(service.stderr().contains("interval = 3s counts after a restart"), "{}", service.stderr());
    rereads(
        "log = \"debug\"\npeer = \"127.77.15.25:9\"",
        "configuration read again: added the peer 127.77.15.25:9",
    );
    service.wait_for(SOON, kind("dial_failed"));
    service.sigterm();
    assert_eq!(service.wait_exit(SOON), 0);
}

/// What a web client gets from loopback.
fn fetch(port: u16, request: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers and closes");
    answer
}

#[test]
fn metrics_are_served_beside_the_events() {
    let (stage, port, scraped) = (Stage::new(), free_port().to_string(), free_port());
    let metrics = scraped.to_string();
    let args = ["watch", "--json", "--bind", "127.77.15.26", "--port", &port, "--metrics", &metrics];
    let mut node = stage.vigie("node", &[&args[..], &["--name", "node", "--interval", "200ms"]].concat());
    node.wait_for(SOON, kind("started"));
    let _guest = stage
        .vigie("guest", &["watch", "--json", "--name", "guest", "--bind", "127.77.15.27", "--port", &port]);
    node.wait_for(SOON, kind("dial_succeeded"));
    let is_up = || {
        fetch(scraped, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").contains("vigie_peers{state=\"up\"} 1\n")
    };
    assert!(poll(SOON, || is_up().then_some(())).is_some());
    let openmetrics = "GET /metrics HTTP/1.1\r\nAccept: application/openmetrics-text\r\n\r\n";
    let answer = fetch(scraped, openmetrics);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\nContent-Type: application/openmetrics-text"), "{answer}");
    assert!(answer.ends_with("# EOF\n") && answer.contains("vigie_build_info{version="), "{answer}");
    assert!(!answer.contains("vigie_received_datagrams_total 0\n"), "{answer}");
    assert!(fetch(scraped, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404 "));
    assert!(fetch(scraped, &"x".repeat(8 << 10)).starts_with("HTTP/1.1 431 "));
    // Whoever connects and asks nothing keeps no scraper out: each of them had ten seconds.
    let idle: Vec<_> = (0..80).map(|_| std::net::TcpStream::connect(("127.0.0.1", scraped))).collect();
    let began = crate::support::now();
    assert!(is_up() && idle.iter().all(Result::is_ok));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    node.sigterm();
    assert_eq!(node.wait_exit(SOON), 0);
}

#[test]
fn a_port_for_metrics_that_is_taken_is_told_before_anything_starts() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let port = taken.local_addr().expect("it has one").port().to_string();
    let ran = crate::support::node::run_briefly(&["watch", "--bind", "127.77.15.28", "--metrics", &port]);
    assert_eq!((ran.code, ran.out.as_str()), (3, ""));
    assert!(
        ran.err.contains(&format!("cannot listen for scrapers on 127.0.0.1:{port} (--metrics)")),
        "{}",
        ran.err
    );
}
