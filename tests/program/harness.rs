//! The tests' own tools, tested without the program: what the other tests lean on must hold first.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use crate::support::SOON;
use crate::support::lab::{Host, within, within_routed};
use crate::support::node::Stage;
use crate::support::pty::Terminal;
use crate::support::seen::{about, kind, time};
use serde_json::Value;

const PORT: u16 = 17_474;

fn sh(script: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", script]);
    command
}

/// Dials with a deadline and says how the kernel answered.
fn dial(from: Host<'_>, to: &str) -> Result<(), (ErrorKind, Option<i32>)> {
    let to: SocketAddr = format!("{to}:{PORT}").parse().unwrap();
    from.inside(|| TcpStream::connect_timeout(&to, Duration::from_secs(4)))
        .map(drop)
        .map_err(|e| (e.kind(), e.raw_os_error()))
}

fn listen(on: Host<'_>) -> TcpListener {
    on.inside(|| TcpListener::bind(("0.0.0.0", PORT)).unwrap())
}

#[test]
fn hosts_on_one_link_reach_each_other_until_their_link_is_cut() {
    within(2, |lab| {
        let (a, b) = (lab.host(1), lab.host(2));
        let _server = listen(b);
        assert_eq!(dial(a, b.addr()), Ok(()));
        a.link_down();
        assert_eq!(dial(a, b.addr()).unwrap_err().1, Some(101));
        a.link_up();
        assert_eq!(dial(a, b.addr()), Ok(()));
    });
}

#[test]
fn each_order_to_a_firewall_gives_the_error_that_it_stands_for() {
    within(2, |lab| {
        let (a, b) = (lab.host(1), lab.host(2));
        assert_eq!(dial(a, b.addr()).unwrap_err().1, Some(111), "nothing listens");
        let _server = listen(b);
        for (with, errno) in [
            ("tcp reset", 111),
            ("icmp type port-unreachable", 111),
            ("icmp type host-unreachable", 113),
            ("icmp type admin-prohibited", 113),
            ("icmp type net-unreachable", 101),
        ] {
            b.reject_tcp_in(with);
            assert_eq!(dial(a, b.addr()).unwrap_err().1, Some(errno), "{with}");
            b.heal();
            assert_eq!(dial(a, b.addr()), Ok(()), "healed after {with}");
        }
        b.drop_tcp_in();
        assert_eq!(dial(a, b.addr()), Err((ErrorKind::TimedOut, None)));
        b.heal();
        a.nft_out("tcp flags & (syn|ack) == syn reject with icmp type admin-prohibited");
        assert_eq!(dial(a, b.addr()).unwrap_err().1, Some(113), "its own firewall");
    });
}

#[test]
fn each_bad_route_gives_the_error_that_it_stands_for() {
    within(1, |lab| {
        let host = lab.host(1);
        for (kind, to, errno) in
            [("unreachable", "10.77.0.7", 113), ("prohibit", "10.77.0.8", 13), ("blackhole", "10.77.0.9", 22)]
        {
            host.bad_route(kind, to);
            assert_eq!(dial(host, to).unwrap_err().1, Some(errno), "{kind}");
        }
    });
}

#[test]
fn a_host_on_another_link_does_not_answer_on_this_one_until_it_rejoins() {
    within(3, |lab| {
        let (a, b, c) = (lab.host(1), lab.host(2), lab.host(3));
        let _server = (listen(b), listen(c));
        b.isolate();
        c.unplug();
        for absent in [b, c] {
            // 3.06 s each; now and then the kernel keeps its answer to itself.
            let errors = (0..3).map(|_| dial(a, absent.addr()).unwrap_err().1);
            assert!(errors.into_iter().any(|errno| errno == Some(113)), "{}", absent.addr());
        }
        b.rejoin();
        c.plug();
        assert_eq!([dial(a, b.addr()), dial(a, c.addr())], [Ok(()); 2]);
        b.change_address("10.77.0.22/24");
        assert_eq!(dial(a, "10.77.0.22"), Ok(()));
    });
}

#[test]
fn a_broadcast_reaches_all_hosts_of_its_link_and_does_not_pass_the_router() {
    fn hears(on: Host<'_>) -> UdpSocket {
        let socket = on.inside(|| UdpSocket::bind(("0.0.0.0", PORT)).unwrap());
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        socket
    }
    fn broadcast(from: Host<'_>, to: &str) {
        let socket = from.inside(|| UdpSocket::bind("0.0.0.0:0").unwrap());
        socket.set_broadcast(true).unwrap();
        socket.send_to(b"hello", (to, PORT)).unwrap();
    }
    within(3, |lab| {
        let heard = [2, 3].map(|n| hears(lab.host(n)));
        broadcast(lab.host(1), "10.77.0.255");
        for socket in heard {
            let (_, from) = socket.recv_from(&mut [0; 16]).unwrap();
            assert_eq!(from.ip().to_string(), "10.77.0.1");
        }
    });
    within_routed(|lab| {
        let (h2, router) = (hears(lab.host(2)), hears(lab.host(3)));
        broadcast(lab.host(1), "10.77.1.255");
        router.recv_from(&mut [0; 16]).unwrap();
        assert!(h2.recv_from(&mut [0; 16]).is_err());
        let _server = listen(lab.host(2));
        assert_eq!(dial(lab.host(1), lab.host(2).addr()), Ok(()), "while connections pass it");
    });
}

#[test]
fn a_node_s_events_are_found_from_any_place_of_the_transcript() {
    let stage = Stage::new();
    let script = r#"for n in 1 2 3; do echo "{\"v\":1,\"event\":\"tick\",\"n\":$n,\"peer\":{\"name\":\"x\"},
        \"ts\":\"2026-01-01T00:00:0$n.500Z\"}" | tr -d '\n'; echo; done; echo no json; echo trouble >&2; sleep 100"#;
    let node = stage.spawn("ticker", sh(script));
    let other = stage.spawn("other", sh("echo '{\"event\":\"tick\",\"n\":9}'; sleep 100"));
    let first = node.wait_for(SOON, about("tick", "x"));
    assert_eq!(first["n"], 1);
    let last = node.since(first.mark).wait_for(SOON, |e| e["n"] == 3);
    assert_eq!(time(&last).duration_since(time(&first)).unwrap(), Duration::from_secs(2));
    assert_eq!(other.wait_for(SOON, kind("tick"))["n"], 9);
    assert_eq!(node.count(kind("tick")), 3, "and none of the other's");
    assert!(node.since(node.mark()).events(|_: &Value| true).is_empty());
    assert!(crate::support::poll(SOON, || (node.stderr() == "trouble\n").then_some(())).is_some());
    assert!(node.peak_memory_kb() > 100);
}

#[test]
fn a_node_tells_how_it_ended() {
    let stage = Stage::new();
    let ran = stage.run(sh("echo a; echo '{\"ok\":false}'; printf b >&2; exit 3"));
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (3, "a\n{\"ok\":false}\n", "b\n"));
    assert_eq!(ran.document()["ok"], false);
    let mut node = stage.spawn("sleeper", sh("exec sleep 100"));
    node.sigstop();
    node.sigcont();
    node.sigterm();
    assert_eq!(node.wait_exit(SOON), 128 + 15);
}

#[test]
fn waiting_for_the_output_of_a_program_that_has_ended_fails_for_that_reason_and_not_for_want_of_time() {
    let stage = Stage::new();
    let node = stage.spawn("short", sh("true"));
    let waiting = std::panic::AssertUnwindSafe(|| node.wait_for(SOON, kind("started")));
    let said = std::panic::catch_unwind(waiting).map(|_| ()).unwrap_err();
    let said = said.downcast_ref::<String>().expect("it says why");
    assert!(said.ends_with("its output has ended"), "{said}");
}

#[test]
fn what_runs_in_a_terminal_is_seen_typed_to_resized_and_its_traces_are_noticed() {
    let script = r#"saved=$(stty -g); printf '\033[?1049h\033[?25lready'; stty -icanon -echo; read -r word
        printf ' got %s ' "$word"; read -r word; stty size; read -r word
        printf '\033[?25h\033[?1049l'; [ "$word" = tidy ] && stty "$saved"; exit 7"#;
    for word in ["tidy", "messy"] {
        let mut terminal = Terminal::run("sh", &["-c", script]);
        terminal.wait_for_words(SOON, &["READY"]);
        crate::support::poll(SOON, || terminal.is_raw().then_some(())).expect("stty has run");
        terminal.keys("hello\n");
        terminal.wait_for_words(SOON, &["got hello"]);
        assert!(terminal.is_running());
        terminal.resize(1, 1);
        terminal.resize(24, 60);
        terminal.keys("size\n");
        terminal.wait_for_words(SOON, &["24 60"]);
        terminal.keys(&format!("{word}\n"));
        assert_eq!(terminal.wait_exit(SOON), 7);
        if word == "tidy" {
            terminal.wait_restored(SOON);
        } else {
            let check = std::panic::AssertUnwindSafe(|| terminal.wait_restored(Duration::from_millis(50)));
            assert!(std::panic::catch_unwind(check).is_err(), "a mess is noticed");
        }
    }
}

#[test]
fn a_free_port_is_free_and_never_given_twice() {
    let ports: Vec<_> = (0..20).map(|_| crate::support::free_port()).collect();
    assert!(ports.iter().all(|port| (18_000..32_768).contains(port)));
    assert!(ports.iter().enumerate().all(|(i, port)| !ports[..i].contains(port)));
    let server = TcpListener::bind(("127.77.0.1", ports[0])).unwrap();
    let mut client = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    server.accept().unwrap().0.write_all(b"x").unwrap();
    assert_eq!(client.read(&mut [0; 2]).unwrap(), 1);
}
