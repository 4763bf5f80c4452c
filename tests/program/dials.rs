//! What a dial says of every way in which it can fail, with real sockets; and that it leaves no descriptor behind.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use crate::support::lab::within;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::SockRef;
use vigie::engine::cause::{Cause, Failure, Retry};
use vigie::engine::{Incarnation, NodeId, Nonce};
use vigie::net::{Reached, Way, attempt, classify, is_retryable_error, one_shot_request};
use vigie::proto::exchange::{Reply, Status};

const HALF_A_SECOND: Duration = Duration::from_millis(500);

/// Above the 3.06 s after which Linux reports that nobody answers for an address on a link.
const FOUR_SECONDS: Duration = Duration::from_secs(4);

fn dial_from(source: Option<IpAddr>, to: SocketAddr, timeout: Duration) -> Result<Reached, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = one_shot_request("default", "tester", NodeId(1), Nonce(1));
    runtime.block_on(attempt(
        &Way { source: source.map(Into::into), ..way(to) },
        &request,
        timeout,
        &mut Vec::new(),
    ))
}

fn way(addr: SocketAddr) -> Way {
    Way { addr, standby: Vec::new(), source: None, link: None, sessions: None, is_sparing: false }
}

fn dial(to: SocketAddr) -> Result<Reached, Failure> {
    dial_from(None, to, HALF_A_SECOND)
}

/// The address of a server that does this with every connection, until the process ends.
fn server(serve: impl Fn(std::net::TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    addr
}

fn good_reply() -> Vec<u8> {
    let (status, id, incarnation, nonce) = (Status::Ok, NodeId(2), Incarnation(1), Some(Nonce(1)));
    Reply {
        status,
        id,
        incarnation,
        name: "server",
        nonce,
        group: "default",
        rows: None,
        have: None,
        prefix: None,
        tether: None,
        visitor: None,
        secret: None,
        dial_in_ms: None,
        seen_at: None,
        udp_port: None,
    }
    .encode()
}

/// A port of loopback on which nothing listens, below the ephemeral range.
fn closed() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, crate::support::free_port()))
}

#[track_caller]
fn fails(result: Result<Reached, Failure>, cause: Cause, retry: Retry) {
    let failure = result.expect_err("the dial fails");
    assert_eq!((failure.cause, failure.retry), (cause, retry), "{failure:?}");
    assert!(!failure.detail.to_string().is_empty());
}

#[test]
fn a_server_that_replies_is_reached() {
    let good = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        stream.write_all(&good_reply()).unwrap();
    });
    let reached = dial(good).unwrap();
    assert!(reached.connect > Duration::ZERO && reached.rtt > Duration::ZERO);
}

#[test]
fn an_address_that_stands_by_is_connected_to_when_the_first_refuses_and_a_failure_is_that_of_the_first() {
    let answers = || {
        server(|mut stream| {
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(&good_reply());
        })
    };
    let (good, other) = (answers(), answers());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = one_shot_request("default", "tester", NodeId(1), Nonce(1));
    let dial = |addr, standby: &[SocketAddr]| {
        let way = Way { standby: standby.to_vec(), ..way(addr) };
        runtime.block_on(attempt(&way, &request, HALF_A_SECOND, &mut Vec::new()))
    };
    assert_eq!(dial(closed(), &[closed(), good]).unwrap().from_standby, Some(good));
    assert_eq!(dial(other, &[good]).unwrap().from_standby, None, "the first one answers");
    // What nobody answers for: the first has a definite cause, and keeps it.
    fails(dial(closed(), &["127.0.0.1:0".parse().unwrap(), closed()]), Cause::Refused, Retry::Usual);
}

#[test]
fn each_way_in_which_a_server_fails_has_its_cause() {
    let reset = server(|stream| SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap());
    let closes = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
    });
    let hangs = server(|mut stream| while stream.read(&mut [0; 512]).is_ok_and(|n| n > 0) {});
    let stops_half_way = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&good_reply()[..20]);
    });
    let talks_http = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let is_newer = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(b"VIGI\x02\0\0\0\x01\0");
    });
    for (addr, cause, retry) in [
        (closed(), Cause::Refused, Retry::Usual),
        (reset, Cause::Reset, Retry::Usual),
        (closes, Cause::ClosedEarly, Retry::Usual),
        (hangs, Cause::NoReply, Retry::Usual),
        (stops_half_way, Cause::ClosedEarly, Retry::Usual),
        (talks_http, Cause::BadReply, Retry::Never),
        (is_newer, Cause::VersionMismatch, Retry::Never),
    ] {
        fails(dial(addr), cause, retry);
    }
}

#[test]
fn what_is_no_host_s_address_is_never_retried() {
    for addr in ["255.255.255.255:80", "224.0.0.1:80", "0.0.0.0:80", "[::]:80", "[ff02::1]:80", "127.0.0.1:0"]
    {
        fails(dial(addr.parse().unwrap()), Cause::AddressNotAvailable, Retry::Never);
    }
}

#[test]
fn a_source_address_that_is_not_ours_is_this_machine_s_fault() {
    let source = Some("203.0.113.9".parse().unwrap());
    fails(dial_from(source, closed(), HALF_A_SECOND), Cause::AddressNotAvailable, Retry::OnLinkChange);
}

#[test]
fn without_descriptors_a_dial_blames_this_machine_s_resources() {
    within(1, |lab| {
        lab.host(1).inside(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let limit = getrlimit(Resource::Nofile);
            // What is open stays open; no more can be opened.
            setrlimit(Resource::Nofile, Rlimit { current: Some(0), maximum: limit.maximum }).unwrap();
            let to = "127.0.0.1:1".parse().unwrap();
            let result = runtime.block_on(attempt(&way(to), b"", HALF_A_SECOND, &mut Vec::new()));
            setrlimit(Resource::Nofile, limit).unwrap();
            fails(result, Cause::LocalResources, Retry::Usual);
        });
    });
}

#[test]
fn each_fault_of_the_network_has_its_cause() {
    within(3, |lab| {
        let (from, peer) = (lab.host(1), lab.host(2));
        let to = SocketAddr::from(([10, 77, 0, 2], 17_474));
        let _listener = peer.inside(|| TcpListener::bind(("0.0.0.0", 17_474)).unwrap());
        let dial = |to: SocketAddr, timeout| from.inside(move || dial_from(None, to, timeout));

        fails(dial(SocketAddr::from(([10, 77, 0, 3], 17_474)), HALF_A_SECOND), Cause::Refused, Retry::Usual);
        fails(dial(to, HALF_A_SECOND), Cause::NoReply, Retry::Usual);
        fails(
            dial("10.77.0.99:1".parse().unwrap(), FOUR_SECONDS),
            Cause::HostUnreachable,
            Retry::OnLinkChange,
        );
        fails(dial("10.99.0.1:1".parse().unwrap(), HALF_A_SECOND), Cause::NoRoute, Retry::OnLinkChange);
        fails(
            dial("10.77.0.255:1".parse().unwrap(), HALF_A_SECOND),
            Cause::AddressNotAvailable,
            Retry::Never,
        );

        peer.drop_tcp_in();
        fails(dial(to, HALF_A_SECOND), Cause::TimedOut, Retry::Usual);
        peer.heal();
        for (reject, cause, retry) in [
            ("tcp reset", Cause::Refused, Retry::Usual),
            ("icmp type port-unreachable", Cause::Refused, Retry::Usual),
            ("icmp type host-unreachable", Cause::HostUnreachable, Retry::OnLinkChange),
            ("icmp type admin-prohibited", Cause::HostUnreachable, Retry::OnLinkChange),
            ("icmp type net-unreachable", Cause::NetworkUnreachable, Retry::OnLinkChange),
        ] {
            peer.reject_tcp_in(reject);
            fails(dial(to, FOUR_SECONDS), cause, retry);
            peer.heal();
        }
        for (route, cause, retry) in [
            ("unreachable", Cause::HostUnreachable, Retry::OnLinkChange),
            ("prohibit", Cause::PermissionDenied, Retry::Usual),
            ("blackhole", Cause::AddressNotAvailable, Retry::Never),
        ] {
            from.run(&["ip", "route", "add", route, "10.88.0.1/32"]);
            fails(dial("10.88.0.1:1".parse().unwrap(), HALF_A_SECOND), cause, retry);
            from.run(&["ip", "route", "del", route, "10.88.0.1/32"]);
        }
        from.link_down();
        fails(dial(to, HALF_A_SECOND), Cause::NoRoute, Retry::OnLinkChange);
    });
}

#[test]
fn errors_without_a_kind_of_their_own_are_told_by_their_number() {
    for (errno, cause, retryable) in [
        (libc::EMFILE, Cause::LocalResources, true),
        (libc::ENFILE, Cause::LocalResources, true),
        (libc::ENOBUFS, Cause::LocalResources, true),
        (libc::ENOMEM, Cause::LocalResources, true),
        (libc::EHOSTDOWN, Cause::HostUnreachable, true),
        (libc::ENETDOWN, Cause::InterfaceDown, true),
        (libc::EPIPE, Cause::ClosedEarly, true),
        (libc::ETIMEDOUT, Cause::TimedOut, true),
        (libc::EPERM, Cause::PermissionDenied, true),
        (libc::EINVAL, Cause::AddressNotAvailable, false),
        (libc::EAFNOSUPPORT, Cause::AddressNotAvailable, false),
        (libc::ENODEV, Cause::InterfaceDown, false),
    ] {
        let error = std::io::Error::from_raw_os_error(errno);
        assert_eq!((classify(&error).0, is_retryable_error(&error)), (cause, retryable), "{error}");
    }
}

#[test]
fn thousands_of_dials_leave_no_descriptor_behind() {
    let good = server(|mut stream| {
        let _ = stream.read(&mut [0; 512]);
        let _ = stream.write_all(&good_reply());
    });
    let hangs = server(|mut stream| while stream.read(&mut [0; 512]).is_ok_and(|n| n > 0) {});
    let resets = server(|stream| SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let request = one_shot_request("default", "tester", NodeId(1), Nonce(1));
    let closed = closed();
    // The other tests of this process come and go, so only sockets with these addresses count.
    let open = || {
        let ours = |addr: SocketAddr| format!(":{:04X} ", addr.port());
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let inodes: Vec<&str> = table
            .lines()
            .filter(|line| [good, hangs, resets, closed].iter().any(|a| line.contains(&ours(*a))))
            .filter_map(|line| line.split_whitespace().nth(9))
            .filter(|inode| *inode != "0")
            .collect();
        let links = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let links = links.map(|entry| std::fs::read_link(entry.path()).unwrap_or_default());
        links
            .filter(|link| inodes.iter().any(|inode| link.to_string_lossy() == format!("socket:[{inode}]")))
            .count()
    };
    let before = open();
    assert_eq!(before, 3, "the three servers");
    runtime.block_on(async {
        let mut reply = Vec::new();
        for n in 0..1_000 {
            for (addr, reached) in [(good, true), (closed, false), (resets, false)] {
                let result = attempt(&way(addr), &request, FOUR_SECONDS, &mut reply).await;
                assert_eq!(result.is_ok(), reached, "{addr} in round {n}: {result:?}");
            }
            if n % 50 == 0 {
                let late = attempt(&way(hangs), &request, Duration::from_millis(20), &mut reply).await;
                assert!(late.is_err());
                let hangs = way(hangs);
                let abandoned = attempt(&hangs, &request, FOUR_SECONDS, &mut reply);
                let _ = tokio::time::timeout(Duration::from_millis(5), abandoned).await;
            }
        }
    });
    let closed_all = crate::support::poll(crate::support::SOON, || (open() == before).then_some(()));
    assert!(closed_all.is_some(), "{} descriptors are left", open());
}

#[test]
fn a_machine_whose_local_ports_are_all_in_use_says_so_and_blames_no_address() {
    within(1, |lab| {
        lab.host(1).inside(|| {
            std::fs::write("/proc/sys/net/ipv4/ip_local_port_range", "40000 40000").unwrap();
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 30_000)).unwrap();
            let to = listener.local_addr().unwrap();
            let _the_only_port = std::net::TcpStream::connect(to).unwrap();
            for source in [None, Some(Ipv4Addr::LOCALHOST.into())] {
                let failure = dial_from(source, to, HALF_A_SECOND).unwrap_err();
                assert_eq!(failure.cause, Cause::LocalResources, "{failure}");
                assert_eq!(failure.to_string(), "connect: no local port is free");
            }
        });
    });
}
