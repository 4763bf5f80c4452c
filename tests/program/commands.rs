//! The command line, as scripts use it: exit codes, what goes to which output, what is refused and how.

use std::io::{BufRead as _, BufReader};
use std::net::{TcpListener, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use crate::support::node::{Node, Ran, Stage, run_briefly, vigie};
use crate::support::seen::{about, kind, time};
use crate::support::{QUICK, SOON, free_port};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_secs(20);

/// `watch --json` on a loopback address of its own.
fn watch(stage: &Stage, name: &str, addr: &str, port: u16, more: &[&str]) -> Node {
    let port = port.to_string();
    let own = ["watch", "--json", "--name", name, "--bind", addr, "--port", &port];
    stage.vigie(name, &[&own, &QUICK[..], more].concat())
}

/// It was refused with this code, nothing on standard output and one line, apart from hints on the usage.
#[track_caller]
fn refused(ran: &Ran, code: i32, words: &[&str]) {
    assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
    assert_eq!(ran.out, "");
    let hint = |line: &&str| {
        let line = line.trim_start();
        !line.is_empty() && !["Usage:", "For more information", "tip:"].iter().any(|h| line.starts_with(h))
    };
    let lines: Vec<_> = ran.err.lines().filter(hint).collect();
    assert_eq!(lines.len(), 1, "one clear line: {:?}", ran.err);
    for word in words {
        assert!(lines[0].contains(word), "{word:?} is missing in: {}", lines[0]);
    }
    assert!(lines[0].len() < 400, "too long to read: {}", lines[0]);
}

#[test]
fn the_version_is_printed() {
    let ran = run_briefly(&["--version"]);
    let target = format!("{}-", std::env::consts::ARCH);
    let rest = ran.out.strip_prefix(concat!("vigie ", env!("CARGO_PKG_VERSION"), " ("));
    assert!(ran.code == 0 && rest.is_some_and(|rest| rest.contains(&target)), "{}", ran.out);
}

#[test]
fn the_help_lists_every_command_and_option() {
    let ran = run_briefly(&["--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for word in [
        "watch",
        "list",
        "check",
        "matrix",
        "dial",
        "doctor",
        "demo",
        "secret",
        "--name",
        "--group",
        "--port",
        "--tcp-port",
        "--bind",
        "--interface",
        "--exclude-interface",
        "--interval",
        "--silent-after",
        "--dial-interval",
        "--max-retries",
        "--retry-delay",
        "--retry-backoff",
        "--dial-timeout",
        "--dial-rate",
        "--peer",
        "--log-file",
        "--log",
        "17474",
        "VIGIE_DIAL_INTERVAL",
    ] {
        assert!(ran.out.contains(word), "{word} is missing");
    }
}

#[test]
fn the_help_of_every_command_is_as_it_was_read() {
    let commands = [
        "",
        "attach",
        "watch",
        "record",
        "replay",
        "diff",
        "report",
        "list",
        "check",
        "matrix",
        "dial",
        "doctor",
        "config",
        "secret",
        "secret new",
        "demo",
        "man",
        "completions",
    ];
    let help = |command: &&str| {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        let ran = run_briefly(&args);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{command}");
        format!("$ vigie {}\n{}", args.join(" "), ran.out)
    };
    insta::assert_snapshot!(commands.iter().map(help).collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_value_out_of_its_range_is_refused_before_anything_starts() {
    let long = "x".repeat(10_000);
    let cases: &[(&str, &[&str])] = &[
        ("--interval", &["0s", "0", "-1s", "1ns", "99999 years", "soon", ""]),
        ("--dial-interval", &["0s", "-1s", "99999 years", "often"]),
        ("--retry-delay", &["-1s", "99999 years", "x"]),
        ("--dial-timeout", &["0s", "-4s", "99999 years", "x"]),
        ("--silent-after", &["0", "-1", "99999999999", "three", "1.5"]),
        ("--max-retries", &["0", "-1", "99999999999", "many"]),
        ("--retry-backoff", &["0", "0.5", "-1.5", "NaN", "inf", "1e30", "x"]),
        ("--dial-rate", &["0", "-5", "99999999999", "fast"]),
        ("--port", &["0", "65536", "-1", "http"]),
        ("--tcp-port", &["65536", "-1", "x"]),
        ("--bind", &["localhost:1", "10.0.0.300", "eth0", ""]),
        (
            "--peer",
            &["", ":", "host:0", "host:65536", "a b", "10.0.0.300", "0.0.0.0", "255.255.255.255", "[::1"],
        ),
        ("--name", &["", " ", "a\nb", "a\x1b[31mb", "a\u{202e}b", &long]),
        ("--group", &["", "a\tb", &long]),
        ("--log", &["nonsense=loudest=x"]),
    ];
    for (option, values) in cases {
        for value in *values {
            let ran = run_briefly(&["watch", "--json", "--for", "1s", &format!("{option}={value}")]);
            refused(&ran, 2, &[option]);
            assert!(!ran.err.contains('\u{1b}'), "{option} {value:?} disturbs the terminal: {:?}", ran.err);
        }
    }
}

#[test]
#[cfg(unix)]
fn a_command_for_findings_that_cannot_be_run_is_refused_before_anything_starts() {
    let run = |command: &str| {
        run_briefly(&["watch", "--for", "1s", "--bind", "127.77.4.9", "--on-finding", command])
    };
    refused(&run("./nosuch --to ops"), 3, &["--on-finding", "./nosuch", "No such file"]);
    refused(&run("nosuchcommand"), 3, &["nosuchcommand", "PATH"]);
    let (folder, text) = (env!("CARGO_MANIFEST_DIR"), concat!(env!("CARGO_MANIFEST_DIR"), "/LICENSE"));
    refused(&run(text), 3, &[text, "not executable", "chmod"]);
    refused(&run(folder), 3, &["no file"]);
    assert_eq!(run("true").code, 0);
}

#[test]
fn unknown_words_are_refused() {
    for args in [&["wacht"][..], &["watch", "--jsn"], &["watch", "extra"], &["dial"], &["watch", "--for"]] {
        refused(&run_briefly(args), 2, &[]);
    }
}

#[test]
fn a_bind_address_that_is_not_ours_cannot_start() {
    refused(&run_briefly(&["watch", "--for", "1s", "--bind", "203.0.113.7"]), 3, &["203.0.113.7"]);
}

#[test]
fn a_command_that_answers_once_does_not_wait_for_an_interface_that_does_not_exist() {
    let ran =
        run_briefly(&["list", "--wait", "1s", "--interface", "nosuch*", "--port", &free_port().to_string()]);
    refused(&ran, 3, &["nosuch*"]);
}

#[test]
fn a_log_file_that_cannot_be_written_cannot_start() {
    let port = free_port().to_string();
    let ran = run_briefly(&[
        "watch",
        "--for",
        "1s",
        "--bind",
        "127.77.4.1",
        "--port",
        &port,
        "--log-file",
        "/nonexistent/x.log",
    ]);
    refused(&ran, 3, &["/nonexistent/x.log"]);
}

#[test]
fn an_explicit_tcp_port_that_is_taken_cannot_start() {
    let taken = free_port();
    let _holder = TcpListener::bind(("0.0.0.0", taken)).unwrap();
    let (port, taken) = (free_port().to_string(), taken.to_string());
    let ran =
        run_briefly(&["watch", "--for", "1s", "--bind", "127.77.4.2", "--port", &port, "--tcp-port", &taken]);
    refused(&ran, 3, &[&taken]);
}

#[test]
fn a_udp_port_that_another_program_holds_for_itself_cannot_start() {
    let port = free_port();
    let _holder = UdpSocket::bind(("0.0.0.0", port)).unwrap();
    let port = port.to_string();
    refused(&run_briefly(&["watch", "--for", "1s", "--bind", "127.77.4.3", "--port", &port]), 3, &[&port]);
}

#[test]
fn a_tcp_port_that_is_taken_by_default_is_replaced_by_a_free_one() {
    let (stage, port) = (Stage::new(), free_port());
    let _holder = TcpListener::bind(("0.0.0.0", port)).unwrap();
    let node = watch(&stage, "other", "127.77.4.4", port, &[]);
    let started = node.wait_for(SOON, kind("started"));
    assert_eq!(started["node"]["port"], port);
    assert_ne!(started["node"]["tcp_port"], port);
}

#[test]
fn watch_ends_by_itself_after_the_given_time() {
    let (stage, port) = (Stage::new(), free_port());
    let ran = watch(&stage, "brief", "127.77.4.5", port, &["--for", "1s"]).finish(SOON);
    assert_eq!(ran.code, 0);
    crate::support::only_the_log(&ran.err);
    assert!((Duration::from_secs(1)..Duration::from_secs(3)).contains(&ran.took), "{:?}", ran.took);
    assert_eq!(ran.events.first().unwrap()["event"], "started");
    assert_eq!(ran.events.last().unwrap()["event"], "stopped");
}

#[test]
fn watch_in_words_prints_one_line_an_event() {
    let port = free_port().to_string();
    let ran =
        run_briefly(&["watch", "--for", "1s", "--name", "wordy", "--bind", "127.77.4.6", "--port", &port]);
    assert_eq!(ran.code, 0);
    crate::support::only_the_log(&ran.err);
    let first = ran.out.lines().next().unwrap_or_default();
    assert!(first.contains("wordy") && first.contains("127.77.4.6"), "{first:?}");
    assert!(!ran.out.contains('\u{1b}'), "no colours into a pipe");
}

#[test]
fn every_line_of_json_has_version_time_and_event() {
    let (stage, port) = (Stage::new(), free_port());
    let (a, b) = (
        watch(&stage, "a", "127.77.4.7", port, &["--for", "2s"]),
        watch(&stage, "b", "127.77.4.8", port, &["--for", "2s"]),
    );
    for ran in [a.finish(SOON), b.finish(SOON)] {
        assert_eq!(ran.events.len(), ran.out.lines().count(), "each line is JSON: {}", ran.out);
        assert!(ran.events.iter().any(|e| e["event"] == "dial_succeeded"), "{}", ran.out);
        for event in &ran.events {
            assert_eq!(event["v"], 1);
            assert!(event["event"].is_string());
            let ts = event["ts"].as_str().unwrap();
            assert!(ts.len() == "2026-01-01T00:00:00.000Z".len() && ts.ends_with('Z'), "{ts}");
        }
        assert!(ran.events.is_sorted_by_key(|e| time(e)), "in the order of time");
        for event in ran.events.iter().filter(|e| e["event"] == "peer_discovered") {
            let peer = event["peer"].as_object().unwrap();
            let fields = ["id", "name", "addr", "incarnation"];
            assert!(fields.iter().all(|f| peer.contains_key(*f)), "{peer:?}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_ends_watch_quietly() {
    let (stage, port) = (Stage::new(), free_port());
    let text = port.to_string();
    let mut child = vigie(&["watch", "--json", "--bind", "127.77.4.9", "--port", &text])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("started"), "{first}");
    let _newcomer = watch(&stage, "newcomer", "127.77.4.10", port, &[]);
    let ended = crate::support::poll(SOON, || child.try_wait().unwrap());
    let _ = child.kill();
    let output = child.wait_with_output().unwrap();
    assert_eq!(ended.and_then(|status| status.code()), Some(0));
    crate::support::only_the_log(&String::from_utf8_lossy(&output.stderr));
}

#[test]
fn options_come_from_the_environment_and_flags_beat_them() {
    let (stage, port) = (Stage::new(), free_port());
    let mut command = vigie(&["watch", "--json", "--for", "100ms", "--group", "by-flag"]);
    command.env("VIGIE_NAME", "by-environment").env("VIGIE_GROUP", "by-environment");
    command.env("VIGIE_BIND", "127.77.4.11").env("VIGIE_PORT", port.to_string());
    let started = stage.spawn("env", command).wait_for(SOON, kind("started"));
    let node = &started["node"];
    assert_eq!((&node["name"], &node["group"]), (&json!("by-environment"), &json!("by-flag")));
    assert_eq!((&node["port"], &started["interfaces"][0]["addr"]), (&json!(port), &json!("127.77.4.11")));
    let mut command = vigie(&["watch", "--for", "100ms"]);
    command.env("VIGIE_INTERVAL", "0s");
    let ran = stage.run(command);
    assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{}", ran.err);
}

/// Runs it with these variables in its environment.
fn run_with(variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = vigie(args);
    command.envs(variables.iter().copied());
    Stage::new().run(command)
}

#[test]
fn a_check_does_not_pass_with_fewer_peers_than_its_environment_expects() {
    let (stage, port) = (Stage::new(), free_port());
    let node = watch(&stage, "only", "127.77.4.20", port, &[]);
    node.wait_for(SOON, kind("started"));
    let port = port.to_string();
    let args = ["check", "--json", "--bind", "127.77.4.21", "--port", &port, "--timeout", "3s"];
    let code_with = |variables: &[(&str, &str)]| run_with(variables, &args).code;
    assert_eq!(code_with(&[]), 0);
    assert_eq!(code_with(&[("VIGIE_EXPECT", "9")]), 1);
    assert_eq!(code_with(&[("VIGIE_EXPECT_PEER", "only,,absent")]), 1);
    assert_eq!(code_with(&[("VIGIE_EXPECT_PEER", ",only,"), ("VIGIE_EXPECT", "")]), 0);
}

#[test]
fn a_variable_with_a_wrong_value_is_refused_in_one_line_that_names_it() {
    let brief = ["watch", "--for", "100ms", "--bind", "127.77.4.22"];
    let cases = [
        ("VIGIE_JSON", "maybe", "true, false, yes, no, 1 or 0"),
        ("VIGIE_ASCII", "2", "true, false, yes, no, 1 or 0"),
        ("VIGIE_INTERVAL", "0s", "from 100ms to 1h"),
        ("VIGIE_THEME", "pink", "high-contrast"),
        ("VIGIE_PEER", "host7,host:0", "host:0"),
    ];
    for (name, value, allowed) in cases {
        refused(&run_with(&[(name, value)], &brief), 2, &[name, allowed]);
    }
}

#[test]
fn a_wrong_configuration_is_refused_in_one_line_before_anything_starts() {
    let file = std::env::temp_dir().join(format!("vigie-config-{}.toml", std::process::id()));
    let path = file.display().to_string();
    let run = |text: &[u8]| {
        std::fs::write(&file, text).expect("it can be written");
        run_briefly(&["watch", "--for", "100ms", "--bind", "127.77.4.24", "--config", &path])
    };
    let cases: [(&[u8], &str); 4] = [
        (b"\nintervall = \"5s\"", ":2: unknown key intervall; the nearest name is interval"),
        (
            b"interval = \"0s\"",
            ":1: invalid value '0s' for interval: a duration from 100ms to 1h is expected",
        ),
        (b"a\n\xff", ":2: this is no text in UTF-8"),
        (b"interval", ":1: "),
    ];
    for (text, line) in cases {
        refused(&run(text), 2, &[&path, line]);
    }
    refused(&run_briefly(&["config", "--config", "/"]), 2, &["cannot read the configuration file /"]);
    std::fs::write(&file, "interval = \"9s\"").expect("it can be written");
    let ran = run_briefly(&["config", "--json", "--config", &path]);
    std::fs::remove_file(&file).expect("it is there");
    let told: Value = serde_json::from_str(&ran.out).expect("one document");
    let of_interval = json!({
        "command": null, "option": "interval", "value": "9s", "from": "file", "file": path, "line": 1, "variable": null
    });
    assert!(told["options"].as_array().is_some_and(|options| options.contains(&of_interval)), "{told}");
}

#[test]
fn a_variable_of_another_command_is_ignored_and_an_unknown_one_is_a_warning() {
    let port = free_port().to_string();
    let args =
        ["watch", "--json", "--for", "100ms", "--log", "off", "--bind", "127.77.4.23", "--port", &port];
    let others = [
        ("VIGIE_EXPECT", "no number"),
        ("VIGIE_FAULTS", "maybe"),
        ("VIGIE_WAIT", "4s"),
        ("VIGIE_NOTHING", ""),
    ];
    let ran = run_with(&others, &args);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let ran = run_with(&[("VIGIE_EXPCT", "9"), ("VIGIE_DIALINTERVAL", "1s")], &args);
    assert_eq!(ran.code, 0);
    let lines: Vec<_> = ran.err.lines().collect();
    let named = |line: &str, wrong: &str, right: &str| line.contains(wrong) && line.ends_with(right);
    assert!(
        matches!(lines[..], [first, second] if named(first, "VIGIE_DIALINTERVAL", "VIGIE_DIAL_INTERVAL")
            && named(second, "VIGIE_EXPCT", "VIGIE_EXPECT")),
        "{lines:?}"
    );
}

#[test]
fn a_dial_to_a_closed_port_makes_exactly_the_allowed_attempts() {
    let to = format!("127.77.4.12:{}", free_port());
    let ran = run_briefly(&[
        "dial",
        &to,
        "--json",
        "--max-retries",
        "4",
        "--retry-delay",
        "50ms",
        "--retry-backoff",
        "1",
    ]);
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
    let of = |kind: &str| ran.events.iter().filter(|e| e["event"] == kind).collect::<Vec<_>>();
    assert_eq!(of("dial_started").len(), 4);
    let failed = of("dial_failed");
    assert_eq!(failed.iter().map(|e| e["attempt"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3, 4]);
    for event in &failed {
        assert_eq!(
            (&event["cause"], &event["retryable"], &event["max"]),
            (&json!("refused"), &json!(true), &json!(4))
        );
        assert_eq!((&event["errno"], &event["addr"]), (&json!(111), &json!(to)));
    }
    let waits: Vec<_> = failed.iter().map(|e| e["retry_in_ms"].as_u64()).collect();
    assert!(
        waits[..3].iter().all(|w| w.is_some_and(|ms| (40..=60).contains(&ms))) && waits[3].is_none(),
        "{waits:?}"
    );
    assert_eq!(of("dial_gave_up").len(), 1);
    let answer = ran.document();
    assert_eq!(
        (&answer["v"], &answer["ok"], &answer["attempts"], &answer["cause"], &answer["rtt_us"]),
        (&json!(1), &json!(false), &json!(4), &json!("refused"), &Value::Null)
    );
}

#[test]
fn a_dial_to_a_running_node_succeeds_in_words_and_in_json() {
    let (stage, port) = (Stage::new(), free_port());
    let node = watch(&stage, "server", "127.77.4.13", port, &[]);
    node.wait_for(SOON, kind("started"));
    let to = format!("127.77.4.13:{port}");
    let ran = run_briefly(&["dial", &to]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(ran.out.contains("127.77.4.13"), "{}", ran.out);
    let answer = run_briefly(&["dial", &to, "--json"]).document();
    assert_eq!((&answer["ok"], &answer["attempts"]), (&json!(true), &json!(1)));
    assert_eq!(node.count(kind("peer_discovered")), 0, "a one-shot dialer is no peer");
}

#[test]
fn a_dial_to_another_program_or_group_says_so() {
    let (stage, port) = (Stage::new(), free_port());
    let node = watch(&stage, "server", "127.77.4.14", port, &["--group", "other"]);
    node.wait_for(SOON, kind("started"));
    let once = |to: &str| run_briefly(&["dial", to, "--json", "--max-retries", "1", "--dial-timeout", "1s"]);
    assert_eq!(once(&format!("127.77.4.14:{port}")).document()["cause"], "wrong_group");
    let silent = TcpListener::bind(("127.77.4.15", port)).unwrap();
    assert_eq!(once(&format!("127.77.4.15:{port}")).document()["cause"], "no_reply");
    let closing = std::thread::spawn(move || drop(silent.accept().and_then(|_| silent.accept())));
    let cause = once(&format!("127.77.4.15:{port}")).document()["cause"].clone();
    assert!(cause == "closed_early" || cause == "reset", "{cause}");
    closing.join().unwrap();
}

#[test]
fn a_dial_that_is_interrupted_exits_with_130() {
    let stage = Stage::new();
    let to = format!("127.77.4.16:{}", free_port());
    let mut dial = stage.vigie("dial", &["dial", &to, "--json", "--retry-delay", "20s"]);
    dial.wait_for(SOON, kind("dial_failed"));
    dial.sigint();
    assert_eq!(dial.wait_exit(Duration::from_secs(1)), 130);
}

#[test]
fn watch_ends_with_zero_at_each_signal_to_end_and_says_goodbye() {
    let (stage, port) = (Stage::new(), free_port());
    let witness = watch(&stage, "witness", "127.77.4.17", port, &[]);
    for (name, addr, terminate) in [("int", "127.77.4.18", false), ("term", "127.77.4.19", true)] {
        let mut node = watch(&stage, name, addr, port, &[]);
        witness.wait_for(SOON, about("peer_discovered", name));
        if terminate {
            node.sigterm();
        } else {
            node.sigint();
        }
        assert_eq!(node.wait_exit(Duration::from_secs(1)), 0);
        assert_eq!(witness.wait_for(SOON, about("peer_left", name))["reason"], "goodbye");
    }
}

#[test]
fn a_host_name_that_nobody_knows_is_said_in_one_line() {
    let ran = Stage::new().vigie("dial", &["dial", "nosuchhost.invalid", "--max-retries", "1"]).finish(LONG);
    assert_eq!(ran.code, 3, "{}{}", ran.out, ran.err);
    let said = format!("{}{}", ran.out, ran.err);
    assert!(said.contains("nosuchhost.invalid") && said.trim().lines().count() <= 3, "{said}");
    assert!(!said.contains("panicked"), "{said}");
}

/// A recording of four hosts, in which a firewall closes and a process is killed.
const INCIDENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/incident.ndjson.zst");

#[test]
fn the_report_of_the_recorded_incident_says_what_when_who_why_and_what_to_do() {
    let ran = run_briefly(&["report", INCIDENT]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    for words in [
        "# What was wrong, as h1 saw it",
        "- **Findings:** 2, 1 of them still open",
        "## 1. h3: a firewall drops TCP connections",
        "- **Verdict:** `firewall_drop`",
        "UDP echoes come back",
        "`sudo ufw allow 17474/tcp`",
        "## 2. h4: the host answers, but nothing is listening on the port",
        "- **Fix:** start vigie on h4",
        "| h3 | retrying → up |",
        "| h4 | 10.79.0.4:17474 | silent | refused |",
    ] {
        assert!(ran.out.contains(words), "{words}\n{}", ran.out);
    }
    let begin = run_briefly(&["report", INCIDENT, "--to", "20s"]);
    assert!(begin.out.contains("h3: a firewall") && !begin.out.contains("## 2."), "{}", begin.out);
    let end = run_briefly(&["report", INCIDENT, "--from", "8s"]);
    assert!(end.out.contains("## 1. h4") && !end.out.contains("h3: a firewall"), "{}", end.out);
    refused(&run_briefly(&["report", INCIDENT, "--from", "noon"]), 2, &["--from", "14:30"]);
}

#[test]
fn what_changed_between_two_recordings_is_told_and_nothing_of_the_same() {
    let same = run_briefly(&["diff", INCIDENT, INCIDENT]);
    assert_eq!((same.code, same.out.as_str()), (0, ""), "{}", same.err);
    // The begin of it, before anything was wrong.
    let lines = String::from_utf8(zstd::decode_all(std::fs::File::open(INCIDENT).unwrap()).unwrap()).unwrap();
    let calm: String =
        lines.split_inclusive('\n').take_while(|line| !line.contains("\"diagnosis\"")).collect();
    let folder = std::env::temp_dir().join(format!("vigie-diff-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [begin, noise] = ["begin.ndjson", "noise.ndjson"].map(|name| folder.join(name));
    std::fs::write(&begin, calm).unwrap();
    std::fs::write(&noise, [0xC3, 0x28, 10, 0, 255]).unwrap();
    let [begin, noise] = [&begin, &noise].map(|path| path.to_str().unwrap());
    let differs = run_briefly(&["diff", begin, INCIDENT]);
    let (failing, foreign) = (run_briefly(&["diff", noise, INCIDENT]), run_briefly(&["report", noise]));
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(differs.code, 1, "{}{}", differs.out, differs.err);
    for line in
        ["~ peer h4 state up → silent", "~ pair h2 → h4 TCP ok → failing", "+ finding closed_port: h4"]
    {
        assert!(differs.out.lines().any(|told| told == line), "{line}\n{}", differs.out);
    }
    for ran in [failing, foreign] {
        refused(&ran, 3, &["no recording", "noise.ndjson: line 1, at byte 0: no event"]);
    }
    refused(&run_briefly(&["diff", "/nonexistent", INCIDENT]), 3, &["cannot read /nonexistent"]);
}

#[test]
fn a_full_disk_ends_the_recording_in_one_line_and_watch_goes_on() {
    let (stage, port) = (Stage::new(), free_port());
    let mut watching = watch(&stage, "full", "127.77.4.40", port, &["--record", "/dev/full"]);
    let _other = watch(&stage, "other", "127.77.4.41", port, &[]);
    assert!(
        crate::support::poll(SOON, || watching.stderr().contains("/dev/full ends here").then_some(()))
            .is_some()
    );
    let mark = watching.mark();
    watching.since(mark).wait_for(SOON, about("dial_succeeded", "other"));
    watching.sigterm();
    assert_eq!(watching.wait_exit(Duration::from_secs(1)), 0);
    assert_eq!(watching.stderr().matches("/dev/full").count(), 2, "that it begins, and that it ends");
    let record = stage.vigie("record", &["record", "/dev/full", "--bind", "127.77.4.42", "--port", "1"]);
    let ran = record.finish(LONG);
    assert_eq!(ran.code, 3, "{}", ran.err);
    refused(
        &run_briefly(&["watch", "--record", "/nonexistent/a.ndjson"]),
        3,
        &["cannot write the recording"],
    );
}
